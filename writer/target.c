/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and opening what a request names. */
#include "writer/target.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "image/filemap.h"
#include "image/image.h"

#define RETRY_MS 50

const char *target_name(const struct request *request)
{
	return request->target_name[0] ? request->target_name : request->target;
}

bool target_wait(unsigned *wait_ms, int r)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000 };

	if (r != -ENODEV || *wait_ms < RETRY_MS)
		return false;
	*wait_ms -= RETRY_MS;
	nanosleep(&pause, NULL);
	return true;
}

static int open_device(const char *target, unsigned *wait_ms, struct disk *disk, struct error *err)
{
	char path[PATH_MAX];
	int r;

	do
		r = disk_find(target, path, sizeof(path), err);
	while (target_wait(wait_ms, r));
	if (!r)
		r = disk_open(path, DISK_WRITE, disk, err);
	return r ? r : filemap_enter(target, disk, err);
}

/* A volume is not found by what lies on it, so what lies on it is compared. */
static int open_volume(const struct request *request, unsigned *wait_ms, struct disk *disk,
		       struct error *err)
{
	struct image_super super;
	int r;

	do
		r = disk_open_pieces(request->pieces, request->piece_count, target_name(request),
				     disk, err);
	while (target_wait(wait_ms, r));
	if (!r)
		r = filemap_enter(request->target, disk, err);
	if (r)
		return r;
	r = image_super_read(disk, &super, err);
	if (!r && memcmp(super.device_uuid, request->device_uuid, sizeof(super.device_uuid)))
		r = error_set(err, EUCLEAN, "not the device that was asked for");
	return r ? error_prefix(err, "%s", disk->name) : 0;
}

int target_open(const struct request *request, unsigned *wait_ms, struct disk *disk,
		struct error *err)
{
	return request->piece_count ? open_volume(request, wait_ms, disk, err)
				    : open_device(request->target, wait_ms, disk, err);
}
