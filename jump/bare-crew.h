/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The payload's CPUs: the boot CPU, on which it starts, and helpers, which it wakes itself. A job
 * is a number of units, which do not depend on each other and may be done twice; each CPU takes the
 * next one until there are none. Whether helpers come, and when, changes nothing but the time.
 */
#ifndef JUMP_BARE_CREW_H
#define JUMP_BARE_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/abi.h"

/* Does one unit of a job. */
typedef void crew_work(const struct payload *payload, uint64_t unit);

enum crew_job {
	CREW_CHECK,
	CREW_COPY,
	CREW_CLEAR,
	CREW_JOBS,
};

/* Lies at PAYLOAD_CREW, zeros at first. All that changes while helpers run is in it. */
struct crew {
	uint64_t joined;  /* helpers that came up, first: payload.S counts it */
	uint64_t current; /* the job under way, counted from 1; CREW_LEAVE = go */
	uint64_t failed;  /* crew_fail() */
	uint64_t woken;	  /* the boot CPU's: how many helpers it called, */
	uint64_t until;	  /* and until when they may come, in ticks */
	struct {
		crew_work *work;
		uint64_t units;
		uint64_t next; /* the unit that is taken next */
	} jobs[CREW_JOBS];
	struct {
		uint64_t busy; /* may be doing a unit */
		uint64_t left; /* touches no memory any more */
	} seats[PAYLOAD_HELPERS];
};

_Static_assert(PAYLOAD_CREW + sizeof(struct crew) <= PAYLOAD_STACKS, "struct crew fits");

/* Call the helpers. Not waited for. All other CPUs are in INIT. */
void crew_wake(const struct payload *payload);

/* A unit has found something wrong: nobody begins another one. */
void crew_fail(const struct payload *payload);
bool crew_failed(const struct payload *payload);

/*
 * Do all units of a job, with whoever is there; all of them are done on return, unless one failed.
 * A helper that does not come to an end is put into INIT, and all is done again without helpers.
 */
void crew_do(const struct payload *payload, enum crew_job job, crew_work *work, uint64_t units);

/* Helpers are in INIT again on return, their caches written back. Returns how many there were. */
uint32_t crew_dismiss(const struct payload *payload);

/* What a helper does, number SEAT of them, until it is to leave. */
void crew_help(const struct payload *payload, uint64_t seat);

#endif
