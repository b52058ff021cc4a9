/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NTFS: boot sector, the first records of $MFT (in $Volume's a mark that the volume is in use),
 * $LogFile, which Windows writes first, and the bitmaps of clusters and records, which tell what
 * others allocated (Linux: fs/ntfs3/ntfs.h).
 */
#include <errno.h>
#include <string.h>

#include "common/safe.h"
#include "kjump/fs/blockmap.h"
#include "kjump/fs/kinds.h"

#define BOOT_SIZE   512
#define SECTOR	    512 /* of update sequences, whatever the device has */
#define RECORD_MAX  4096
#define RECORDS	    64 /* that are watched; the first 24 are the system's */
#define CLUSTER_MAX (2U << 20)

/* Byte offsets in the boot sector. */
#define B_NAME		  3
#define B_SECTOR_SIZE	  11
#define B_CLUSTER_SECTORS 13
#define B_MFT		  48
#define B_RECORD_SIZE	  64

/* Records of $MFT. */
#define RECORD_MFT    0
#define RECORD_LOG    2
#define RECORD_BITMAP 6

/* In a record. */
#define R_FIXUP	      4
#define R_FIXUP_COUNT 6
#define R_ATTRIBUTES  20

/* In an attribute. */
#define A_SIZE		   4
#define A_NONRESIDENT	   8
#define A_NAME_LENGTH	   9
#define A_FIRST		   16
#define A_RUNS		   32
#define A_NONRESIDENT_SIZE 64

#define TYPE_DATA   0x80
#define TYPE_BITMAP 0xb0
#define TYPE_END    UINT32_MAX

struct ntfs {
	const struct disk *disk;
	uint32_t cluster, record; /* bytes */
	struct blockmap mft;
};

static int nonsense(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "NTFS: %s", what);
}

/* The last two bytes of each sector stand in the update sequence, which says what is there now. */
static int put_right(unsigned char *record, uint32_t size, struct error *err)
{
	uint32_t at = fs_le16(record + R_FIXUP), count = fs_le16(record + R_FIXUP_COUNT);

	if (memcmp(record, "FILE", 4) || count != size / SECTOR + 1 || at + 2 * count > size)
		return nonsense(err, "a record of $MFT that is none");
	for (uint32_t i = 1; i < count; i++)
		memcpy(record + i * SECTOR - 2, record + at + 2 * i, 2);
	return 0;
}

static int read_record(const struct ntfs *ntfs, uint64_t place, unsigned char *record,
		       struct error *err)
{
	int code = fs_read(ntfs->disk, record, ntfs->record, place, err);

	return code ? code : put_right(record, ntfs->record, err);
}

static int64_t read_signed(const unsigned char *p, unsigned size)
{
	uint64_t value = fs_le(p, size);

	return size && size < 8 && p[size - 1] & 0x80 ? (int64_t)(value | UINT64_MAX << 8 * size)
						      : (int64_t)value;
}

/* Pairs of a length and a distance from the run before; without the latter it is a hole. */
static int add_runs(const unsigned char *p, const unsigned char *end, struct blockmap *map,
		    struct error *err)
{
	uint64_t first = 0, start = 0;
	int code = 0;

	while (p < end && *p && !code) {
		unsigned length_size = *p & 15, start_size = *p >> 4;
		uint64_t length;

		if (!length_size || length_size > 8 || start_size > 8 ||
		    length_size + start_size >= end - p)
			return nonsense(err, "runs that make no sense");
		length = fs_le(p + 1, length_size);
		start += (uint64_t)read_signed(p + 1 + length_size, start_size);
		if (start_size)
			code = blockmap_add(map, first, start, length, err);
		if (!safe_add(first, length, &first))
			return nonsense(err, "runs that make no sense");
		p += 1 + length_size + start_size;
	}
	return code;
}

/* Where the content of the unnamed attribute of TYPE lies; nowhere when it lies in the record. */
static int map_attribute(const struct ntfs *ntfs, const unsigned char *record, uint32_t type,
			 struct blockmap *map, struct error *err)
{
	uint32_t at = fs_le16(record + R_ATTRIBUTES);

	map->block_size = ntfs->cluster;
	while (at + A_NONRESIDENT_SIZE <= ntfs->record) {
		const unsigned char *attribute = record + at;
		uint32_t size = fs_le32(attribute + A_SIZE);

		if (fs_le32(attribute) == TYPE_END || size < A_FIRST || size > ntfs->record - at)
			break;
		if (fs_le32(attribute) == type && !attribute[A_NAME_LENGTH] &&
		    attribute[A_NONRESIDENT] && !fs_le64(attribute + A_FIRST)) {
			uint32_t runs = fs_le16(attribute + A_RUNS);

			if (runs > size)
				return nonsense(err, "runs out of place");
			return add_runs(attribute + runs, attribute + size, map, err);
		}
		at += size;
	}
	return 0;
}

/* Watch the content of an attribute of record NUMBER, at most FS_LOG_WHOLE from its start. */
static int watch_attribute(const struct ntfs *ntfs, unsigned number, uint32_t type,
			   struct extents *ret, struct error *err)
{
	unsigned char record[RECORD_MAX];
	struct blockmap map = { .n = 0 };
	uint64_t place = 0;
	int code = blockmap_find(&ntfs->mft, (uint64_t)number * ntfs->record, &place, err);

	if (!code)
		code = read_record(ntfs, place, record, err);
	if (!code)
		code = map_attribute(ntfs, record, type, &map, err);
	if (!code)
		code = blockmap_watch(&map, ntfs->disk, 0, FS_LOG_WHOLE / ntfs->cluster, ret, err);
	blockmap_free(&map);
	return code;
}

static int read_boot(struct ntfs *ntfs, uint64_t *mft, struct error *err)
{
	unsigned char boot[BOOT_SIZE];
	uint32_t sector, sectors;
	int record, code = fs_read(ntfs->disk, boot, sizeof(boot), 0, err);

	if (code)
		return code;
	sector = fs_le16(boot + B_SECTOR_SIZE);
	sectors = boot[B_CLUSTER_SECTORS];
	if (sectors > 0x80) /* a power of two, and negative */
		sectors = 1U << (256 - sectors) % 32;
	record = (signed char)boot[B_RECORD_SIZE];
	if (memcmp(boot + B_NAME, "NTFS    ", 8) || sector < 512 || sector > 4096 || !sectors ||
	    sectors > CLUSTER_MAX / sector || !record || record < -12)
		return nonsense(err, "no boot sector");
	ntfs->cluster = sector * sectors;
	ntfs->record = record < 0 ? 1U << -record : (uint32_t)record * ntfs->cluster;
	if (ntfs->record < 512 || ntfs->record > RECORD_MAX || ntfs->record % SECTOR ||
	    !safe_mul(fs_le64(boot + B_MFT), ntfs->cluster, mft))
		return nonsense(err, "no $MFT");
	return fs_add(ntfs->disk, &(struct extents){ .n = 0 }, *mft, ntfs->record, err);
}

int fs_ntfs(const struct disk *disk, struct extents *ret, struct error *err)
{
	struct ntfs ntfs = { .disk = disk };
	unsigned char record[RECORD_MAX];
	uint64_t mft = 0;
	int code = read_boot(&ntfs, &mft, err);

	if (!code)
		code = read_record(&ntfs, mft, record, err);
	if (!code)
		code = map_attribute(&ntfs, record, TYPE_DATA, &ntfs.mft, err);
	if (!code)
		code = fs_add(disk, ret, 0, DISK_ALIGN, err);
	if (!code)
		code = blockmap_watch(&ntfs.mft, disk, 0,
				      (RECORDS * ntfs.record + ntfs.cluster - 1) / ntfs.cluster,
				      ret, err);
	if (!code)
		code = watch_attribute(&ntfs, RECORD_MFT, TYPE_BITMAP, ret, err);
	if (!code)
		code = watch_attribute(&ntfs, RECORD_LOG, TYPE_DATA, ret, err);
	if (!code)
		code = watch_attribute(&ntfs, RECORD_BITMAP, TYPE_DATA, ret, err);
	blockmap_free(&ntfs.mft);
	return code;
}
