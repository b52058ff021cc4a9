/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the resolver share.
 */
#ifndef KJUMP_WATCH_INTERNAL_H
#define KJUMP_WATCH_INTERNAL_H

#include "kjump/watch/resolve.h"

#include <sys/types.h>

#define SEEN_MAX 256

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
	/* The device asked for last: most come several times in a row. */
	char name[BLOCK_NAME_SIZE];
	char tag[sizeof(((struct watch *)0)->tag)]; /* "" = kernel B does not find it */
	/* Devices done already: one may be mounted hundreds of times. */
	dev_t seen[SEEN_MAX];
	size_t seen_count;
	/* Kinds whose devices were all looked for already. */
	bool btrfs_done, bcachefs_done;
};

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

/* The swap areas that the file SWAPS lists. */
int watch_swap(struct resolver *resolver, const char *swaps, struct error *err);

#endif
