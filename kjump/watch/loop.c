/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is behind a loop device. */
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "kjump/watch/internal.h"

/* File systems whose files others may write, or programs; the kernel's headers name some only. */
#define CIFS_SUPER  0xff534d42
#define FUSE_SUPER  0x65735546
#define CEPH_SUPER  0x00c36400
#define OCFS2_SUPER 0x7461636f
#define GFS2_SUPER  0x01161970

static bool is_shared(const char *path)
{
	static const unsigned types[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, SMB2_SUPER_MAGIC,
					  V9FS_MAGIC,	   AFS_SUPER_MAGIC, CODA_SUPER_MAGIC,
					  CIFS_SUPER,	   FUSE_SUPER,	    CEPH_SUPER,
					  OCFS2_SUPER,	   GFS2_SUPER };
	struct statfs fs;

	if (statfs(path, &fs))
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((unsigned)fs.f_type == types[i])
			return true;
	return false;
}

const char *loop_obstacle(const char *name)
{
	char whole[BLOCK_NAME_SIZE], file[512];
	struct error ignored = { 0 };
	struct stat st;

	snprintf(whole, sizeof(whole), "%s", name);
	if (sysfs_has(name, "partition") && sysfs_whole(name, whole, &ignored))
		return "a partition of a loop device that is not found";
	/* A file that was deleted lies in its file system as before. */
	if (!sysfs_text(whole, "loop/backing_file", file, sizeof(file)) || stat(file, &st))
		return NULL;
	if (S_ISBLK(st.st_mode))
		return "a loop device over another device, which kjump does not follow";
	return is_shared(file) ? "a loop device over a file that others may write" : NULL;
}
