/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which raw bytes on which devices tell that somebody changed A's file systems or swap areas while
 * it was away.
 */
#ifndef KJUMP_WATCH_RESOLVE_H
#define KJUMP_WATCH_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/abi.h"
#include "common/error.h"
#include "disk/devices.h"
#include "disk/sysfs.h"

#define WATCH_DOUBTS_MAX 16
#define WATCH_SEALS_MAX	 32 /* Linux takes no more swap areas (MAX_SWAPFILES) */

/* Something that could change while A is away without being noticed. */
struct watch_doubt {
	char text[224]; /* "/mnt (reiserfs on /dev/sdb1): why" */
	bool allowed;	/* as the settings say */
	bool harmless;	/* it is watched, though kernel B may not find it; or nobody uses it */
};

/* Where to look. */
struct watch_source {
	const char *proc;		      /* "/proc" */
	const struct devices_source *devices; /* of which IN_USE is asked */
	const char *target; /* device that images go to, which may be held; "" = none */
};

struct watch_list {
	struct watch *watch; /* room for MAX entries */
	size_t max, count;
	/* So many from the first on are the header pages of swap areas, each in one piece. */
	size_t seals;
	struct watch_doubt doubts[WATCH_DOUBTS_MAX];
	size_t doubt_count; /* those that found no room counted as well */
};

/*
 * Fill RET, whose watch and max are set, with what to watch of every file system that is mounted,
 * in any mount namespace, and of every swap area, as SOURCE shows them. It is what kjump/fs says of
 * a file system, of all its devices and of its log; of a swap area its header and samples of it; of
 * every layer below (md, LVM, LUKS member) the first 1 MiB and the last 128 KiB. All as bytes of
 * the disk or partition at the bottom, since the layers are not there in B and C: bytes on LVM,
 * LUKS and RAID 1 are followed down, those on other arrays are left to the headers of the layers.
 * Each device is named by the first of PARTUUID=, UUID_SUB= and UUID= that it has alone; one that
 * shares all of its names with another one, as the copy of a disk does, is a doubt.
 *
 * What cannot be watched becomes a doubt, allowed when ALLOWED is "yes" or one of its words is the
 * mount point, the path or name of the device or swap file, the pool, or a tag of the device
 * (UUID=...). So does a device that somebody holds for himself and that no mount and no swap area
 * shows (unmounted lazily, in a namespace that no process is in, a pool without file systems, a
 * virtual machine's). It is left out when kernel B could not have it. More than MAX entries fail
 * with E2BIG.
 */
int watch_resolve(const struct watch_source *source, const char *allowed, struct watch_list *ret,
		  struct error *err);

/* The first doubt that neither is allowed nor harmless; NULL when there is none. */
const struct watch_doubt *watch_refusal(const struct watch_list *list);

#endif
