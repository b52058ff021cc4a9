/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading mountinfo. */
#include "kjump/watch/mounts.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <string.h>
#include <sys/sysmacros.h>

static int skip_line(struct libmnt_table *table, const char *file, int line)
{
	(void)table;
	(void)file;
	(void)line;
	return 1;
}

static int visit(struct libmnt_fs *fs, mount_action action, void *context, struct error *err)
{
	const char *type = mnt_fs_get_fstype(fs), *source = mnt_fs_get_source(fs);
	const char *target = mnt_fs_get_target(fs), *options = mnt_fs_get_fs_options(fs);
	dev_t device = mnt_fs_get_devno(fs);
	const struct mount mount = {
		.major = major(device),
		.minor = minor(device),
		.type = type ? type : "",
		.source = source ? source : "",
		.target = target ? target : "",
		.options = options ? options : "",
	};

	return action(context, &mount, err);
}

int mounts_each(const char *mountinfo, mount_action action, void *context, struct error *err)
{
	struct libmnt_table *table = mnt_new_table();
	struct libmnt_iter *next = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int code;

	if (!table || !next) {
		code = error_set(err, ENOMEM, "no memory");
		goto out;
	}
	mnt_table_set_parser_errcb(table, skip_line);
	code = mnt_table_parse_file(table, mountinfo);
	if (code < 0)
		error_set(err, -code, "%s: %s", mountinfo, strerror(-code));
	while (!code && !mnt_table_next_fs(table, next, &fs))
		code = visit(fs, action, context, err);
out:
	mnt_free_iter(next);
	mnt_unref_table(table);
	return code;
}
