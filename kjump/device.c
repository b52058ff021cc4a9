/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device that images go to.
 */
#include "kjump/device.h"

#include <errno.h>

#include "kjump/paths.h"

int device_spec(const struct options *options, const char **ret, struct error *err)
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
