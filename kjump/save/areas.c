/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening sealed swap areas. */
#include "kjump/save/areas.h"

#include <errno.h>
#include <limits.h>
#include <linux/suspend_ioctls.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "disk/disk.h"
#include "disk/swapseal.h"

/* Say that it is this device to which the system hibernates. */
static int claim(const struct watch *seal, int snapshot, struct error *err)
{
	struct resume_swap_area area = { .offset = 0 };
	char path[PATH_MAX];
	struct stat st;
	int code = disk_find(seal->tag, path, sizeof(path), err);

	if (code)
		return code;
	if (stat(path, &st))
		return error_errno(err, "%s", path);
	area.dev = (uint32_t)st.st_rdev;
	if (ioctl(snapshot, SNAPSHOT_SET_SWAP_AREA, &area))
		return error_errno(err, "%s: cannot be written to while it is swapped to", path);
	return 0;
}

static int open_area(const struct watch *seal, int snapshot, struct error *err)
{
	int code = swap_unseal(seal, err);

	if (code != -ETXTBSY)
		return code;
	code = claim(seal, snapshot, err);
	return code ? code : swap_unseal(seal, err);
}

void areas_open(const struct watch *seals, size_t count, int snapshot)
{
	for (size_t i = 0; i < count; i++) {
		struct error err = { 0 };

		if (open_area(&seals[i], snapshot, &err))
			message("%s; 'mkswap -U' makes it anew at the next boot, before which "
				"nothing is missing",
				err.text);
	}
}
