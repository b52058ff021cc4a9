/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File systems, and what their files may be. */
#include "kjump/file/holder.h"

#include <dirent.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "disk/disk.h"
#include "disk/probe.h"
#include "kjump/paths.h"
#include "kjump/watch/volume.h"
#include "text/files.h"
#include "text/human.h"

/* The kernel's headers have some of them only. */
#define ZFS_MAGIC      0x2fc12fc1
#define BCACHEFS_MAGIC 0xca451a4e
#define CIFS_MAGIC     0xff534d42
#define EXFAT_MAGIC    0x2011bab0
#define NTFS3_MAGIC    0x7366746e
#define CEPH_MAGIC     0x00c36400

/* Flags of ext4's own in what FS_IOC_GETFLAGS tells. */
#define EXT4_INLINE_DATA 0x10000000

#define SYS_BTRFS "/sys/fs/btrfs"

static const struct {
	unsigned magic;
	enum holder_kind kind;
	const char *type;
} kinds[] = {
	{ EXT4_SUPER_MAGIC, HOLDER_EXT, "ext4" },
	{ XFS_SUPER_MAGIC, HOLDER_XFS, "XFS" },
	{ BTRFS_SUPER_MAGIC, HOLDER_BTRFS, "btrfs" },
	{ MSDOS_SUPER_MAGIC, HOLDER_VFAT, "vfat" },
};

/* Why not the others. */
static const struct {
	unsigned magic;
	const char *why;
} others[] = {
	{ OVERLAYFS_SUPER_MAGIC, "an overlay; take a file of the file system below it" },
	{ TMPFS_MAGIC, "tmpfs, which is memory" },
	{ RAMFS_MAGIC, "ramfs, which is memory" },
	{ NFS_SUPER_MAGIC, "NFS, and kernel B has no network" },
	{ SMB_SUPER_MAGIC, "SMB, and kernel B has no network" },
	{ SMB2_SUPER_MAGIC, "SMB, and kernel B has no network" },
	{ CIFS_MAGIC, "SMB, and kernel B has no network" },
	{ V9FS_MAGIC, "9p, which has no device" },
	{ CEPH_MAGIC, "Ceph, and kernel B has no network" },
	{ FUSE_SUPER_MAGIC, "FUSE, and only its program knows where a file lies" },
	{ ZFS_MAGIC, "ZFS, which writes nothing twice in one place" },
	{ BCACHEFS_MAGIC, "bcachefs, which writes nothing twice in one place" },
	{ F2FS_SUPER_MAGIC, "F2FS, which moves what it holds" },
	{ EXFAT_MAGIC, "exFAT, which does not tell where a file lies" },
	{ NTFS3_MAGIC, "NTFS, which does not tell where a file lies" },
	{ SQUASHFS_MAGIC, "squashfs, which cannot be written to" },
};

static int find_kind(int fd, struct holder *ret, struct error *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return error_errno(err, "statfs");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((unsigned)fs.f_type == kinds[i].magic) {
			ret->kind = kinds[i].kind;
			ret->type = kinds[i].type;
			return 0;
		}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if ((unsigned)fs.f_type == others[i].magic)
			return error_set(err, ENOTSUP, "lies on %s", others[i].why);
	return error_set(err, ENOTSUP,
			 "lies on a file system of a kind that kjump does not know (%#x); ext4, "
			 "XFS, btrfs and vfat will do",
			 (unsigned)fs.f_type);
}

/* --- the device --- */

/* The only entry of a directory of devices. */
static bool find_member(const char *path, char name[BLOCK_NAME_SIZE])
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	bool found = false;

	while (directory && !found && (entry = readdir(directory))) {
		found = entry->d_name[0] != '.' && strlen(entry->d_name) < BLOCK_NAME_SIZE;
		if (found)
			strcpy(name, entry->d_name);
	}
	if (directory)
		closedir(directory);
	return found;
}

/* A file of btrfs has the number of no device. */
static int find_btrfs_device(int fd, char name[BLOCK_NAME_SIZE], struct error *err)
{
	struct btrfs_ioctl_fs_info_args info = { 0 };
	char path[128], uuid[37];

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info))
		return error_errno(err, "btrfs does not tell its devices");
	if (info.num_devices != 1)
		return error_set(err, ENOTSUP, "lies on btrfs over %llu devices",
				 (unsigned long long)info.num_devices);
	snprintf(path, sizeof(path), SYS_BTRFS "/%s/devices", human_uuid(info.fsid, uuid));
	if (!find_member(path, name))
		return error_set(err, ENOTSUP, "lies on btrfs whose device is not found in %s",
				 path);
	return 0;
}

static int find_device(int fd, const struct holder *holder, char name[BLOCK_NAME_SIZE],
		       struct error *err)
{
	struct stat st;

	if (holder->kind == HOLDER_BTRFS)
		return find_btrfs_device(fd, name, err);
	if (fstat(fd, &st))
		return error_errno(err, "stat");
	return sysfs_name(major(st.st_dev), minor(st.st_dev), name, err);
}

/* The name must lead back: two disks with one file system are a machine that boots by chance. */
static int check_name(const struct holder *holder, struct error *err)
{
	char found[256];
	struct stat one, other;
	int code = disk_find(holder->tag, found, sizeof(found), err);

	if (code)
		return code;
	if (stat(found, &one) || stat(holder->node, &other) || one.st_rdev != other.st_rdev)
		return error_set(err, ENOTSUP, "lies on %s, but %s is %s", holder->node,
				 holder->tag, found);
	return 0;
}

int holder_find(int fd, struct holder *ret, struct error *err)
{
	char name[BLOCK_NAME_SIZE];
	struct disk_tags tags;
	int code;

	memset(ret, 0, sizeof(*ret));
	code = find_kind(fd, ret, err);
	if (!code)
		code = find_device(fd, ret, name, err);
	if (code)
		return code;
	sysfs_node(name, ret->node, sizeof(ret->node));
	code = volume_pieces(ret->node, ret->pieces, REQUEST_PIECE_MAX, &ret->piece_count, err);
	if (code)
		return error_prefix(err, "lies on");
	probe_tags(name, &tags);
	if (!*tags.uuid ||
	    (size_t)snprintf(ret->tag, sizeof(ret->tag), "UUID=%s", tags.uuid) >= sizeof(ret->tag))
		return error_set(err, ENOTSUP, "lies on %s, whose file system has no UUID",
				 ret->node);
	return check_name(ret, err);
}

/* --- the file --- */

/* With all data in the journal, what a crash replays would overwrite an image. */
static bool is_journaled(const struct holder *holder)
{
	char path[128], text[4096];

	snprintf(path, sizeof(path), "/proc/fs/ext4/%.64s/options", strrchr(holder->node, '/') + 1);
	return file_read_start(path, text, sizeof(text)) > 0 && strstr(text, "data=journal");
}

static const char *obstacle(const struct holder *holder, unsigned flags, unsigned more)
{
	if (flags & FS_ENCRYPT_FL)
		return "is encrypted by its file system";
	if (flags & FS_VERITY_FL)
		return "is sealed (fs-verity)";
	if (flags & FS_COMPR_FL)
		return "is compressed ('chattr -c' before anything is written to it)";
	if (holder->kind == HOLDER_EXT && flags & FS_JOURNAL_DATA_FL)
		return "has its data in the journal ('chattr -j' changes that)";
	if (holder->kind == HOLDER_EXT && flags & EXT4_INLINE_DATA)
		return "lies in its inode";
	if (holder->kind == HOLDER_EXT && is_journaled(holder))
		return "lies on a file system that is mounted with data=journal";
	if (holder->kind == HOLDER_BTRFS && !(flags & FS_NOCOW_FL))
		return "has checksums, and is copied when it is written ('chattr +C' on a new and "
		       "empty file changes that)";
	if (more & FS_XFLAG_REALTIME)
		return "lies on a realtime device";
	return NULL;
}

/* Is it one of the files that the system swaps to? */
static bool is_swapped_to(const struct stat *file)
{
	char line[1024], path[1000];
	FILE *swaps = fopen(PATH_SWAPS, "re");
	bool found = false;
	struct stat st;

	while (swaps && !found && fgets(line, sizeof(line), swaps))
		found = sscanf(line, "%999s", path) == 1 && !stat(path, &st) &&
			st.st_dev == file->st_dev && st.st_ino == file->st_ino;
	if (swaps)
		fclose(swaps);
	return found;
}

int holder_check_file(int fd, const struct holder *holder, struct error *err)
{
	struct fsxattr more = { 0 };
	const char *why;
	struct stat st;
	int flags = 0;

	if (fstat(fd, &st))
		return error_errno(err, "stat");
	if (!S_ISREG(st.st_mode))
		return error_set(err, ENOTSUP, "is no file");
	if (is_swapped_to(&st))
		return error_set(err, EBUSY, "is swapped to; image or swap, not both");
	/* vfat has neither. */
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) && holder->kind != HOLDER_VFAT)
		return error_errno(err, "flags");
	if (holder->kind == HOLDER_XFS && ioctl(fd, FS_IOC_FSGETXATTR, &more))
		return error_errno(err, "flags");
	why = obstacle(holder, (unsigned)flags, more.fsx_xflags);
	return why ? error_set(err, ENOTSUP, "%s", why) : 0;
}

bool holder_is_fixed(int fd)
{
	int flags = 0;

	return !ioctl(fd, FS_IOC_GETFLAGS, &flags) && flags & FS_IMMUTABLE_FL;
}

int holder_fix(int fd, bool fixed, struct error *err)
{
	int flags = 0, wanted;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return error_errno(err, "flags");
	wanted = fixed ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	if (wanted != flags && ioctl(fd, FS_IOC_SETFLAGS, &wanted))
		return error_errno(err,
				   fixed ? "cannot be made immutable" : "cannot be made mutable");
	return 0;
}

int holder_prepare(int fd, const struct holder *holder, struct error *err)
{
	int flags = 0;

	if (holder->kind != HOLDER_BTRFS)
		return 0;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return error_errno(err, "flags");
	flags = (flags & ~FS_COMPR_FL) | FS_NOCOW_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
		return error_errno(err, "btrfs does not let it be written in place");
	return 0;
}
