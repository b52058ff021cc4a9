/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the resolver share.
 */
#ifndef KJUMP_WATCH_INTERNAL_H
#define KJUMP_WATCH_INTERNAL_H

#include "kjump/watch/resolve.h"
#include "kjump/watch/tag.h"

#define WATCH_TAG_SIZE sizeof(((struct watch *)0)->tag)

/* What a doubt is about, and by which names the user may allow it. */
struct subject {
	const char *where; /* mount point, swap file or pool; never NULL */
	const char *type;
	const char *device; /* name of the block device; "" = none */
};

struct resolver {
	struct watch_list *list;
	const char *allowed;
	struct watch seals[WATCH_SEALS_MAX];
	size_t seal_count;
	struct tags tags;
	/*
	 * What is looked at is in use by nobody: no doubt counts, but of where a driver keeps what
	 * it has in memory.
	 */
	bool idle;
	/*
	 * Block devices and pools (by UUID) done already: one may be mounted hundreds of times, and
	 * what is held and not among them is nobody's.
	 */
	char (*known)[BLOCK_NAME_SIZE];
	size_t known_count;
};

/* Was NAME noted before? */
bool known_is(const struct resolver *resolver, const char *name);

/* Note NAME. */
int known_add(struct resolver *resolver, const char *name, struct error *err);

/* Note that SUBJECT cannot be judged, or reached, because of WHY. */
void doubt_add(struct resolver *resolver, const struct subject *subject, const char *why,
	       bool harmless);

/* Watch LENGTH bytes at OFFSET of the device SUBJECT->device, wherever they lie. */
int watch_bytes(struct resolver *resolver, const struct subject *subject, uint64_t offset,
		uint64_t length, struct error *err);

/* The headers of all layers below that device. */
int watch_layers(struct resolver *resolver, const struct subject *subject, struct error *err);

/* Bytes that lie in one piece, in clear, where kernel B may write: false, and no error, if not. */
bool watch_place(struct resolver *resolver, const struct subject *subject, uint64_t offset,
		 uint64_t length, struct watch *ret);

/* A file system on SUBJECT->device with mount OPTIONS, with its log and the layers below. */
int watch_file_system(struct resolver *resolver, const struct subject *subject, const char *options,
		      struct error *err);

/*
 * The devices that somebody holds and that are neither known nor TARGET's, and the headers below
 * arrays and volumes in use by nobody.
 */
int watch_leftover(struct resolver *resolver, const struct devices_source *source,
		   const char *target, struct error *err);

/* The swap areas that the file SWAPS lists. */
int watch_swap(struct resolver *resolver, const char *swaps, struct error *err);

#endif
