/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exFAT: boot regions, FAT, the bitmap of clusters and the root directory. Files without a chain
 * in the FAT are in the bitmap alone (Linux: fs/exfat/exfat_raw.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/safe.h"
#include "kjump/fs/blockmap.h"
#include "kjump/fs/kinds.h"

#define BOOT_SIZE    512
#define BOOT_SECTORS 24 /* the boot region and its copy */

/* Byte offsets in the boot sector. */
#define B_NAME		3
#define B_FAT		80
#define B_FAT_SECTORS	84
#define B_HEAP		88
#define B_CLUSTERS	92
#define B_ROOT		96
#define B_SECTOR_SHIFT	108
#define B_CLUSTER_SHIFT 109
#define B_FATS		110

#define ENTRY_SIZE    32
#define ENTRY_BITMAP  0x81
#define E_CLUSTER     20
#define E_SIZE	      24
#define ROOT_CLUSTERS 64 /* of the root directory that are followed */

struct exfat {
	const struct disk *disk;
	uint64_t fat, heap; /* bytes from the start of the device */
	uint32_t cluster;   /* bytes */
	uint32_t clusters;
};

static int nonsense(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "exFAT: %s", what);
}

/* The chain in the FAT from CLUSTER on, as blocks of the heap. */
static int follow(const struct exfat *exfat, uint32_t cluster, struct blockmap *map,
		  struct error *err)
{
	int code = 0;

	for (int i = 0; i < ROOT_CLUSTERS && !code; i++) {
		unsigned char next[4];

		if (cluster < 2 || cluster - 2 >= exfat->clusters)
			return nonsense(err, "a chain that leads astray");
		code = blockmap_add(map, i, cluster - 2, 1, err);
		if (!code)
			code = fs_read(exfat->disk, next, sizeof(next), exfat->fat + 4ULL * cluster,
				       err);
		if (code)
			break;
		cluster = fs_le32(next);
		if (cluster == UINT32_MAX)
			break;
	}
	return code;
}

static int watch_bitmap(const struct exfat *exfat, const unsigned char *entry, struct extents *ret,
			struct error *err)
{
	uint32_t cluster = fs_le32(entry + E_CLUSTER);

	if (cluster < 2)
		return nonsense(err, "a bitmap out of place");
	return fs_add(exfat->disk, ret, exfat->heap + (cluster - 2ULL) * exfat->cluster,
		      fs_le64(entry + E_SIZE), err);
}

/* Watch the cluster of the root directory, and what it says of the bitmap. */
static int watch_root(const struct exfat *exfat, uint64_t offset, bool *found, struct extents *ret,
		      struct error *err)
{
	unsigned char *bytes = malloc(exfat->cluster);
	int code;

	if (!bytes)
		return error_set(err, ENOMEM, "no memory");
	code = fs_read(exfat->disk, bytes, exfat->cluster, offset, err);
	for (uint32_t at = 0; at < exfat->cluster && !code && bytes[at]; at += ENTRY_SIZE)
		if (bytes[at] == ENTRY_BITMAP) {
			code = watch_bitmap(exfat, bytes + at, ret, err);
			*found = true;
		}
	free(bytes);
	return code ? code : fs_add(exfat->disk, ret, offset, exfat->cluster, err);
}

static int watch_heap(const struct exfat *exfat, uint32_t root, struct extents *ret,
		      struct error *err)
{
	struct blockmap map = { .block_size = exfat->cluster };
	bool found = false;
	int code = follow(exfat, root, &map, err);

	for (size_t i = 0; i < map.n && !code; i++)
		for (uint64_t j = 0; j < map.runs[i].count && !code; j++)
			code = watch_root(exfat,
					  exfat->heap + (map.runs[i].start + j) * exfat->cluster,
					  &found, ret, err);
	blockmap_free(&map);
	if (!code && !found)
		code = nonsense(err, "no bitmap");
	return code;
}

int fs_exfat(const struct disk *disk, struct extents *ret, struct error *err)
{
	struct exfat exfat = { .disk = disk };
	unsigned char boot[BOOT_SIZE];
	unsigned shift, fats;
	uint64_t length;
	int code = fs_read(disk, boot, sizeof(boot), 0, err);

	if (code)
		return code;
	shift = boot[B_SECTOR_SHIFT];
	fats = boot[B_FATS];
	if (memcmp(boot + B_NAME, "EXFAT   ", 8) || shift < 9 || shift > 12 ||
	    shift + boot[B_CLUSTER_SHIFT] > 25 || !fats || fats > 2)
		return nonsense(err, "no boot sector");
	exfat.fat = (uint64_t)fs_le32(boot + B_FAT) << shift;
	exfat.heap = (uint64_t)fs_le32(boot + B_HEAP) << shift;
	exfat.cluster = 1U << (shift + boot[B_CLUSTER_SHIFT]);
	exfat.clusters = fs_le32(boot + B_CLUSTERS);
	length = ((uint64_t)fs_le32(boot + B_FAT_SECTORS) << shift) * fats;
	code = fs_add(disk, ret, 0, BOOT_SECTORS << shift, err);
	if (!code)
		code = fs_add(disk, ret, exfat.fat, length, err);
	return code ? code : watch_heap(&exfat, fs_le32(boot + B_ROOT), ret, err);
}
