/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the bytes of a volume lie on devices that kernel B can see. */
#include "kjump/watch/volume.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/disk.h"
#include "disk/sysfs.h"
#include "kjump/watch/mapping.h"
#include "kjump/watch/reach.h"
#include "kjump/watch/tag.h"

/* The whole of a block device. */
static int whole(const struct stat *st, struct place *ret, struct error *err)
{
	int code = sysfs_name(major(st->st_rdev), minor(st->st_rdev), ret->name, err);
	long long sectors;

	if (code)
		return code;
	sectors = sysfs_number(ret->name, "size");
	if (sectors <= 0)
		return error_set(err, ENODEV, "%s: no size", ret->name);
	ret->offset = 0;
	ret->length = (uint64_t)sectors * 512 / DISK_ALIGN * DISK_ALIGN;
	return 0;
}

static int describe(const struct place *place, struct watch *ret, struct error *err)
{
	*ret = (struct watch){ .offset = place->offset, .length = place->length };
	if (place->offset % DISK_ALIGN || place->length % DISK_ALIGN)
		return error_set(
			err, ENOTSUP,
			"%s: the volume on it does not begin or end at a multiple of %d bytes",
			place->name, DISK_ALIGN);
	return tag_of(place->name, ret->tag, sizeof(ret->tag), err);
}

static int check_reach(const struct place *place, struct error *err)
{
	const char *why = reach_device(place->name);

	return why ? error_set(err, ENOTSUP, "%s: %s", place->name, why) : 0;
}

int volume_pieces(const char *path, struct watch *pieces, size_t max, size_t *count,
		  struct error *err)
{
	struct places places = { .writable = true };
	struct place place;
	struct stat st;
	int code;

	*count = 0;
	if (stat(path, &st))
		return error_errno(err, "%s", path);
	if (!S_ISBLK(st.st_mode))
		return 0;
	code = whole(&st, &place, err);
	if (!code)
		code = mapping_resolve(&place, &places, err);
	for (size_t i = 0; i < places.n && !code; i++)
		code = check_reach(&places.v[i], err);
	if (code || (places.n == 1 && !strcmp(places.v[0].name, place.name)))
		return code;
	if (places.n > max)
		return error_set(err, ENOTSUP, "%s: in more than %zu pieces", place.name, max);
	for (size_t i = 0; i < places.n && !code; i++)
		code = describe(&places.v[i], &pieces[i], err);
	*count = code ? 0 : places.n;
	return code;
}

/* Take PIECE out of WATCH[i]; what is left behind it, if anything is before it too, comes last. */
static int exclude(const struct watch *piece, size_t i, struct watch *watch, size_t max,
		   size_t *count, struct error *err)
{
	uint64_t start = watch[i].offset, end = start + watch[i].length;
	uint64_t from = piece->offset, to = from + piece->length;

	if (strcmp(watch[i].tag, piece->tag) || to <= start || from >= end)
		return 0;
	if (from > start && to < end) {
		if (*count == max)
			return error_set(err, E2BIG, "more than %zu extents to watch", max);
		watch[*count] = watch[i];
		watch[*count].offset = to;
		watch[*count].length = end - to;
		(*count)++;
	}
	if (from > start) {
		watch[i].length = from - start;
	} else {
		watch[i].offset = to < end ? to : end;
		watch[i].length = end - watch[i].offset;
	}
	return 0;
}

int volume_exclude(const struct watch *pieces, size_t piece_count, struct watch *watch, size_t max,
		   size_t *count, struct error *err)
{
	size_t kept = 0;
	int code = 0;

	for (size_t piece = 0; piece < piece_count; piece++)
		for (size_t i = 0; i < *count && !code; i++)
			code = exclude(&pieces[piece], i, watch, max, count, err);
	for (size_t i = 0; i < *count; i++)
		if (watch[i].length)
			watch[kept++] = watch[i];
	*count = kept;
	return code;
}
