/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is behind a loop device. */
#include "kjump/watch/loop.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "disk/sysfs.h"
#include "kjump/watch/mounts.h"

#define NOT_FOLLOWED "a loop device over another device, which kjump does not follow"
#define NOT_JUDGED   "a loop device over a file that others may write, or that kjump cannot judge"
#define NOT_FOUND    "a loop device over a file that is not found any more"

/* File systems without a device number, of which the kernel's headers name some only. */
#define BCACHEFS_SUPER 0xca451a4e
#define ZFS_SUPER      0x2fc12fc1

/*
 * Those that lie in this machine's memory, or on disks that are watched. All others, network, FUSE
 * and overlays among them, may be written by somebody else.
 */
static const struct local_type {
	unsigned magic;
	const char *name;
} local_types[] = {
	{ TMPFS_MAGIC, "tmpfs" },	{ RAMFS_MAGIC, "ramfs" },
	{ TMPFS_MAGIC, "devtmpfs" },	{ HUGETLBFS_MAGIC, "hugetlbfs" },
	{ BTRFS_SUPER_MAGIC, "btrfs" }, { BCACHEFS_SUPER, "bcachefs" },
	{ ZFS_SUPER, "zfs" },
};

#define LOCAL_TYPES (sizeof(local_types) / sizeof(*local_types))

struct backing {
	const struct loop_file *file;
	const char *path; /* as this process would see it */
	bool found, local;
};

/* The file is PATH: then its file system says of which kind it is. */
static bool is_at(struct backing *backing, const char *path)
{
	struct statfs fs;
	struct stat st;

	if (stat(path, &st) || st.st_dev != backing->file->device ||
	    st.st_ino != backing->file->inode || statfs(path, &fs))
		return false;
	backing->found = true;
	for (size_t i = 0; i < LOCAL_TYPES; i++)
		backing->local |= (unsigned)fs.f_type == local_types[i].magic;
	return true;
}

/* A file that was deleted has the number of its file system still. */
static int compare_mount(void *context, const struct mount *mount, struct error *err)
{
	struct backing *backing = context;

	(void)err;
	if (makedev(mount->major, mount->minor) != backing->file->device)
		return 0;
	backing->found = true;
	for (size_t i = 0; i < LOCAL_TYPES; i++)
		backing->local |= !strcmp(mount->type, local_types[i].name);
	return 0;
}

/* As the task in FOLDER sees the files, and what is mounted for it. */
static bool is_seen_by(struct backing *backing, const char *folder)
{
	struct error ignored = { 0 };
	char path[1024];

	snprintf(path, sizeof(path), "%s/root%s", folder, backing->path);
	if (is_at(backing, path))
		return true;
	snprintf(path, sizeof(path), "%s/mountinfo", folder);
	mounts_each(path, compare_mount, backing, &ignored);
	return backing->found;
}

static void look_everywhere(struct backing *backing, const char *proc)
{
	char folder[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%.400s/self", proc);
	if (is_seen_by(backing, folder))
		return;
	dir = opendir(proc);
	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(folder, sizeof(folder), "%.400s/%.20s", proc, entry->d_name);
		if (is_seen_by(backing, folder))
			break;
	}
	if (dir)
		closedir(dir);
}

const char *loop_judge(const struct loop_file *file, const char *path, const char *proc)
{
	struct backing backing = { .file = file, .path = path };

	if (file->behind)
		return NOT_FOLLOWED;
	/* It lies on a block device: that is mounted and watched, or held and found so. */
	if (major(file->device))
		return NULL;
	look_everywhere(&backing, proc);
	if (!backing.found)
		return NOT_FOUND;
	return backing.local ? NULL : NOT_JUDGED;
}

static int ask(const char *name, struct loop_file *ret)
{
	char node[BLOCK_NAME_SIZE + 8];
	struct loop_info64 info;
	int fd, code;

	sysfs_node(name, node, sizeof(node));
	fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	code = ioctl(fd, LOOP_GET_STATUS64, &info) ? -errno : 0;
	close(fd);
	/* As huge_encode_dev() packs them: makedev() of the C library does the same. */
	if (!code)
		*ret = (struct loop_file){ (dev_t)info.lo_device, info.lo_inode,
					   (dev_t)info.lo_rdevice };
	return code;
}

const char *loop_obstacle(const char *name)
{
	char whole[BLOCK_NAME_SIZE], path[512];
	struct error ignored = { 0 };
	struct loop_file file;

	snprintf(whole, sizeof(whole), "%s", name);
	if (sysfs_has(name, "partition") && sysfs_whole(name, whole, &ignored))
		return "a partition of a loop device that is not found";
	if (!sysfs_text(whole, "loop/backing_file", path, sizeof(path)) || ask(whole, &file))
		return "a loop device that does not say what is behind it";
	return loop_judge(&file, path, "/proc");
}
