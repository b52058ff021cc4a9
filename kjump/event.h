/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of the system: one story, told to the journal (systemd/kjump.catalog explains each
 * kind) and kept in a file of one JSON object a line, which `kjump history` shows.
 */
#ifndef KJUMP_EVENT_H
#define KJUMP_EVENT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

enum event_kind {
	EVENT_SAVING,	 /* the system is about to be frozen */
	EVENT_RESTORED,	 /* it is back from a hibernation image */
	EVENT_SAVED,	 /* a checkpoint is on the target */
	EVENT_WOKEN,	 /* suspended to RAM with an image on the target, which was not needed */
	EVENT_FAILED,	 /* nothing was saved */
	EVENT_BOOTED_ON, /* a boot went on without restoring an image */
	EVENT_COUNT,
};

/* Where the time went, in the order of the phases. */
enum event_phase {
	PHASE_LOADING, /* kernel B */
	PHASE_FREEZING,
	PHASE_STARTING, /* kernel B */
	PHASE_PREPARING,
	PHASE_SAVING,
	PHASE_LEAVING,	/* kernel B, back to the system: a checkpoint */
	PHASE_RESUMING, /* of a checkpoint */
	PHASE_BOOTING,	/* kernel C: a restore, as those that follow */
	PHASE_READING,
	PHASE_MAKING_READY,
	PHASE_PLACING, /* pages, and resuming */
	PHASE_COUNT,
};

/* Name of a phase in the file and in tables: "saving". */
const char *event_phase_name(enum event_phase phase);

#define EVENT_TEXT 256

struct event {
	enum event_kind kind;
	uint64_t time;		  /* seconds since 1970: when it happened */
	char operation[24];	  /* "hibernation", "checkpoint"; "" for EVENT_BOOTED_ON */
	char target[EVENT_TEXT];  /* as the user names it */
	char image[40];		  /* UUID, or "" */
	char cause[EVENT_TEXT];	  /* why it failed or was not restored, or "" */
	uint64_t data_bytes;	  /* what was saved, before compression; */
	uint64_t written_bytes;	  /* and after it */
	uint64_t ms[PHASE_COUNT]; /* milliseconds; 0 = no such phase */
};

/* Milliseconds up to the image, and those of the way back. */
uint64_t event_saving_ms(const struct event *event);
uint64_t event_returning_ms(const struct event *event);

/* "hibernation restored: ..." in one line. Returns TEXT. */
char *event_describe(const struct event *event, char *text, size_t size);

/*
 * Tell the journal at the socket JOURNAL and append to the file HISTORY, which is cut to its later
 * half when it is large; EVENT_SAVING goes to the journal alone. What cannot be kept is a message.
 */
void event_tell(const struct event *event, const char *journal, const char *history);

/* What `kjump history` and messages need: the last MAX events of HISTORY, oldest first. */
struct event_list {
	struct event *events;
	size_t count;
	size_t skipped; /* lines with something in them that is no event of this version's */
};

/*
 * Read them; lines that are none of ours, or of a later version's, are skipped and counted. ENOENT
 * when there is no file. The caller frees ret->events.
 */
int event_read(const char *history, size_t max, struct event_list *ret, struct error *err);

/* The last one of OPERATION that came to its end, or NULL. */
const struct event *event_last_success(const struct event_list *list, const char *operation);

#endif
