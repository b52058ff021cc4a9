/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FAT: everything before the data area (boot sector, FSINFO, FATs, and the root directory of FAT12
 * and FAT16), and the root directory of FAT32.
 *
 * The EFI system partition is written at every boot: systemd-boot refreshes its random seed, GRUB
 * its environment block, both within a file that stays as long as it was. The firmware's driver
 * then changes dates and sets the mark for backups, up to those of the folder in the root
 * directory, and may set a mark in the second entry of the FATs that the volume is in use. None of
 * it tells of changed content, so it is not watched.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/safe.h"
#include "kjump/fs/kinds.h"

#define BOOT_SIZE 512

/* Byte offsets in the boot sector. */
#define B_SECTOR_SIZE	   11
#define B_CLUSTER_SECTORS  13
#define B_RESERVED_SECTORS 14
#define B_FATS		   16
#define B_ROOT_ENTRIES	   17
#define B_SECTORS_16	   19
#define B_FAT_SECTORS_16   22
#define B_SECTORS_32	   32
#define B_FAT_SECTORS_32   36
#define B_ROOT_CLUSTER	   44
#define B_SIGNATURE	   510

/* With fewer clusters, entries have one and a half bytes, and no firmware boots from it. */
#define CLUSTERS_16 4085

/* A directory entry, and where attributes and dates lie in it. */
#define ENTRY_SIZE	   32
#define E_ATTRIBUTES	   11
#define E_CLUSTER_HIGH	   20
#define E_WRITTEN	   22
#define E_CLUSTER_LOW	   26
#define ATTRIBUTES_OF_NAME 0x0f /* a part of a long name */
#define DELETED		   0xe5

/* Where more names lie in the root, it is not that of a boot partition, and is watched with dates.
 */
#define NAMES_MAX      100
#define ROOT_CLUSTERS  64 /* of FAT32's root directory that are followed */
#define DIRECTORY_SIZE (1U << 20)

struct fat {
	const struct disk *disk;
	struct extents *extents;
	uint64_t from; /* the next byte to watch */
	uint64_t table, table_size, data, cluster;
	unsigned tables;
	bool wide;   /* FAT32 */
	bool narrow; /* FAT12 */
};

/* Watch up to HOLE, and go on behind it. */
static int watch_up_to(struct fat *fat, uint64_t hole, uint64_t behind, struct error *err)
{
	int code = 0;

	if (hole > fat->from)
		code = fs_add(fat->disk, fat->extents, fat->from, hole - fat->from, err);
	fat->from = behind;
	return code;
}

static bool has_dates(const unsigned char *entry)
{
	return entry[0] != DELETED && (entry[E_ATTRIBUTES] & 0x3f) != ATTRIBUTES_OF_NAME;
}

/* Up to the first entry that was never in use; the zeros from there on are watched as well. */
static size_t count_entries(const unsigned char *bytes, size_t size, unsigned *dates)
{
	size_t i;

	for (i = 0; i < size / ENTRY_SIZE && bytes[i * ENTRY_SIZE]; i++)
		*dates += has_dates(bytes + i * ENTRY_SIZE);
	return i;
}

/* SIZE bytes of a directory at OFFSET, which fat->from is not behind, without its dates. */
static int watch_directory(struct fat *fat, uint64_t offset, size_t size, unsigned *names,
			   struct error *err)
{
	unsigned char *bytes = malloc(size ? size : 1);
	size_t count;
	int code;

	if (!bytes)
		return error_set(err, ENOMEM, "no memory");
	code = fs_read(fat->disk, bytes, size, offset, err);
	count = code ? 0 : count_entries(bytes, size, names);
	for (size_t i = 0; i < count && !code && *names <= NAMES_MAX; i++) {
		uint64_t entry = offset + i * ENTRY_SIZE;

		if (!has_dates(bytes + i * ENTRY_SIZE))
			continue;
		code = watch_up_to(fat, entry + E_ATTRIBUTES, entry + E_CLUSTER_HIGH, err);
		if (!code)
			code = watch_up_to(fat, entry + E_WRITTEN, entry + E_CLUSTER_LOW, err);
	}
	free(bytes);
	return code ? code : watch_up_to(fat, offset + size, offset + size, err);
}

static int watch_tables(struct fat *fat, struct error *err)
{
	unsigned entry = fat->wide ? 4 : 2;
	int code = 0;

	if (fat->narrow)
		return 0;
	for (unsigned i = 0; i < fat->tables && !code; i++) {
		uint64_t second = fat->table + i * fat->table_size + entry;

		code = watch_up_to(fat, second, second + entry, err);
	}
	return code;
}

/* The clusters of FAT32's root directory, one after the other. */
static int watch_chain(struct fat *fat, uint32_t cluster, struct error *err)
{
	unsigned names = 0;
	int code = 0;

	for (int i = 0; i < ROOT_CLUSTERS && !code; i++) {
		unsigned char next[4];
		uint64_t place = fat->data + (cluster - 2ULL) * fat->cluster;

		if (cluster < 2)
			return error_set(err, EUCLEAN, "FAT: no root directory");
		fat->from = place;
		code = watch_directory(fat, place, fat->cluster, &names, err);
		if (!code)
			code = fs_read(fat->disk, next, sizeof(next), fat->table + 4ULL * cluster,
				       err);
		if (code)
			return code;
		cluster = fs_le32(next) & 0x0fffffff;
		if (cluster >= 0x0ffffff8)
			break;
	}
	return code;
}

static int read_boot(const struct disk *disk, unsigned char boot[BOOT_SIZE], struct fat *fat,
		     uint64_t *sector, struct error *err)
{
	int code = fs_read(disk, boot, BOOT_SIZE, 0, err);
	uint64_t total, used;

	if (code)
		return code;
	*sector = fs_le16(boot + B_SECTOR_SIZE);
	fat->cluster = boot[B_CLUSTER_SECTORS] * *sector;
	fat->tables = boot[B_FATS];
	if (fs_le16(boot + B_SIGNATURE) != 0xaa55 || *sector < 512 || *sector > 4096 ||
	    *sector & (*sector - 1) || !fat->cluster || !fat->tables || fat->tables > 8)
		return error_set(err, EUCLEAN, "FAT: no boot sector");
	fat->table_size = fs_le16(boot + B_FAT_SECTORS_16);
	fat->wide = !fat->table_size;
	if (fat->wide)
		fat->table_size = fs_le32(boot + B_FAT_SECTORS_32);
	fat->table_size *= *sector;
	fat->table = fs_le16(boot + B_RESERVED_SECTORS) * *sector;
	fat->data = fat->table + fat->tables * fat->table_size;
	total = fs_le16(boot + B_SECTORS_16);
	if (!total)
		total = fs_le32(boot + B_SECTORS_32);
	total *= *sector;
	used = fat->data + fs_le16(boot + B_ROOT_ENTRIES) * ENTRY_SIZE;
	fat->narrow = !fat->wide && (total <= used || (total - used) / fat->cluster < CLUSTERS_16);
	return 0;
}

int fs_vfat(const struct disk *disk, struct extents *ret, struct error *err)
{
	struct fat fat = { .disk = disk, .extents = ret };
	unsigned char boot[BOOT_SIZE];
	uint64_t sector = 0, root;
	unsigned names = 0;
	int code = read_boot(disk, boot, &fat, &sector, err);

	if (code)
		return code;
	root = safe_round_up(fs_le16(boot + B_ROOT_ENTRIES) * ENTRY_SIZE, sector);
	if (fat.table_size < 8 || !safe_within(fat.data, root, disk->size))
		return error_set(err, EUCLEAN, "FAT: no tables");
	code = watch_tables(&fat, err);
	if (!code && !fat.wide && root && root <= DIRECTORY_SIZE)
		code = watch_directory(&fat, fat.data, root, &names, err);
	if (!code)
		code = watch_up_to(&fat, fat.data + root, fat.data + root, err);
	if (code || !fat.wide)
		return code;
	fat.data += root;
	return watch_chain(&fat, fs_le32(boot + B_ROOT_CLUSTER), err);
}
