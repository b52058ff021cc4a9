/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to watch of one file system: its own device and that of its log. */
#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/disk.h"
#include "disk/sysfs.h"
#include "kjump/fs/fs.h"
#include "kjump/watch/internal.h"

static int watch_extents(struct resolver *resolver, const struct subject *subject,
			 const struct extents *extents, struct error *err)
{
	int code = 0;

	if (extents->unjudged[0])
		doubt_add(resolver, subject, extents->unjudged, false);
	for (size_t i = 0; i < extents->n && !code; i++)
		code = watch_bytes(resolver, subject, extents->v[i].offset, extents->v[i].length,
				   err);
	return code;
}

/* Path of the log's device: ext4 says which one, XFS leaves it to the mount. */
static bool find_log(const struct extents *extents, const char *options, char *path, size_t size)
{
	struct error ignored = { 0 };
	char spec[64], *value;
	size_t length;

	if (extents->log_uuid[0]) {
		snprintf(spec, sizeof(spec), "UUID=%s", extents->log_uuid);
		return !disk_find(spec, path, size, &ignored);
	}
	if (mnt_optstr_get_option(options, "logdev", &value, &length) || !value || length >= size)
		return false;
	snprintf(path, size, "%.*s", (int)length, value);
	return true;
}

static int open_device(const char *path, char name[BLOCK_NAME_SIZE], struct disk *disk,
		       struct error *err)
{
	struct stat st;
	int code;

	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return error_set(err, ENODEV, "%s: no block device", path);
	code = sysfs_name(major(st.st_rdev), minor(st.st_rdev), name, err);
	return code ? code : disk_open(path, DISK_READ, disk, err);
}

static int watch_log(struct resolver *resolver, const struct subject *subject, const char *options,
		     struct extents *extents, struct error *err)
{
	const uint64_t length = extents->log_length;
	char path[512], name[BLOCK_NAME_SIZE];
	struct subject log = { subject->where, subject->type, name };
	struct disk disk;
	int code;

	if (!find_log(extents, options, path, sizeof(path)) ||
	    open_device(path, name, &disk, err)) {
		doubt_add(resolver, subject, "its log is on a device that is not found", false);
		return 0;
	}
	code = known_add(resolver, name, err);
	if (!code)
		code = fs_log(&disk, subject->type, length, extents, err);
	disk_close(&disk);
	if (code == -EUCLEAN || code == -E2BIG) {
		doubt_add(resolver, &log, err->text, false);
		return 0;
	}
	if (!code)
		code = watch_extents(resolver, &log, extents, err);
	return code ? code : watch_layers(resolver, &log, err);
}

int watch_file_system(struct resolver *resolver, const struct subject *subject, const char *options,
		      struct error *err)
{
	struct extents *extents = calloc(1, sizeof(*extents));
	char path[BLOCK_NAME_SIZE + 8];
	struct error unread = { 0 };
	struct disk disk;
	int code;

	if (!extents)
		return error_set(err, ENOMEM, "no memory");
	sysfs_node(subject->device, path, sizeof(path));
	code = known_add(resolver, subject->device, err);
	if (code)
		goto out;
	code = disk_open(path, DISK_READ, &disk, &unread);
	if (code == -EACCES) { /* to be looked at by root, who may find nothing wrong */
		*err = unread;
		goto out;
	}
	if (code) {
		code = 0;
		doubt_add(resolver, subject, unread.text, false);
		goto out;
	}
	if (fs_extents(&disk, subject->type, extents, &unread)) {
		disk_close(&disk);
		doubt_add(resolver, subject, unread.text, false);
		goto out;
	}
	disk_close(&disk);
	code = watch_extents(resolver, subject, extents, err);
	if (!code && extents->log_elsewhere)
		code = watch_log(resolver, subject, options, extents, err);
	if (!code)
		code = watch_layers(resolver, subject, err);
out:
	free(extents);
	return code;
}
