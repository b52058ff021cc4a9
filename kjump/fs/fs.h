/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which bytes of a file system change whenever somebody mounts or writes it. Parsers of raw
 * devices: they use nothing but what lies on the disk, and trust none of it.
 */
#ifndef KJUMP_FS_FS_H
#define KJUMP_FS_FS_H

#include "kjump/fs/extents.h"

/*
 * What to watch of a file system of TYPE, as mountinfo names it. Of a type that is not known, or
 * where the disk holds something else than the type says, the first 1 MiB, and RET->unjudged.
 */
int fs_extents(const struct disk *disk, const char *type, struct extents *ret, struct error *err);

/* Append what to watch of the log of a file system of TYPE, which is on a device of its own. */
int fs_log(const struct disk *log, const char *type, uint64_t length, struct extents *ret,
	   struct error *err);

#endif
