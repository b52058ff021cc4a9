/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device that images go to.
 */
#include "kjump/device.h"

#include <errno.h>

#include "kjump/paths.h"

/* The first operand, else the configured target; EINVAL when there is neither. */
static int device_spec(const struct options *options, const char **ret, struct error *err)
{
	*ret = options->operands[0] ? options->operands[0] : options->config.target;
	if (!**ret)
		return error_set(err, EINVAL, "no device named and no target set in %s",
				 PATH_CONFIG);
	return 0;
}

int device_open(const char *spec, enum disk_mode mode, struct disk *disk, struct image_super *super,
		struct error *err)
{
	char path[sizeof(disk->name)];
	int ret = disk_find(spec, path, sizeof(path), err);

	if (!ret)
		ret = disk_open(path, mode, disk, err);
	if (ret)
		return ret;
	ret = image_super_read(disk, super, err);
	if (ret) {
		error_prefix(err, "%s", disk->name);
		disk_close(disk);
	}
	return ret;
}

int device_run(const struct options *options, enum disk_mode mode, const char *nothing,
	       device_action action)
{
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	const char *spec;
	int status;

	if (device_spec(options, &spec, &err) || device_open(spec, mode, &disk, &super, &err)) {
		message("%s; %s", err.text, nothing);
		return EXIT_FAILED;
	}
	status = action(&disk, &super, options);
	disk_close(&disk);
	return status;
}
