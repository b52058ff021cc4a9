/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies on a disk as a file system of any type: which extents kernels B and C watch.
 *
 * Input: the type; then pieces of the disk: sector, length and bytes.
 */
#include "kjump/fs/fs.h"
#include "tests/fuzz/fuzz.h"

#define DISK_SIZE   (64 << 20)
#define SECTOR	    512
#define PIECE_MAX   4096
#define EXT4_BLOCKS 0x04
#define EXT4_GROUP  0x20
#define EXT4_MAGIC  0x38
#define EXT4_SECTOR 2

static const char *const types[] = { "ext4",  "xfs",   "btrfs", "vfat",	    "f2fs",
				     "exfat", "ntfs3", "zfs",	"bcachefs", "another" };

#define TYPES (sizeof(types) / sizeof(types[0]))

static bool fuzz_run(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	const char *type = types[fuzz_u8(&input) % TYPES];
	struct extents extents = { .n = 0 };
	struct error err = { 0 };
	struct disk disk;
	int fd = fuzz_disk(DISK_SIZE, &disk);
	bool good;

	while (input.size) {
		unsigned char piece[PIECE_MAX];
		uint64_t sector = fuzz_u16(&input);
		size_t length = fuzz_u16(&input) % (PIECE_MAX + 1);

		fuzz_take(&input, piece, length);
		fuzz_write(fd, piece, length, sector * SECTOR);
	}
	good = fuzz_good(fs_extents(&disk, type, &extents, &err), &err) && !extents.unjudged[0];
	for (size_t i = 0; i < extents.n; i++)
		if (!extents.v[i].length || extents.v[i].length > DISK_SIZE ||
		    extents.v[i].offset > DISK_SIZE - extents.v[i].length)
			abort(); /* hashing it would fail at every restore */
	disk_close(&disk);
	close(fd);
	return good;
}

/* A superblock of ext4 without a journal. */
static size_t fuzz_seed(unsigned number, uint8_t *data)
{
	const uint16_t head[] = { EXT4_SECTOR, 1024 };

	if (number)
		return 0;
	memset(data, 0, 5 + 1024);
	memcpy(data + 1, head, sizeof(head));
	data[5 + EXT4_BLOCKS + 1] = 1;
	data[5 + EXT4_GROUP + 1] = 1;
	data[5 + EXT4_MAGIC] = 0x53;
	data[5 + EXT4_MAGIC + 1] = 0xef;
	return 5 + 1024;
}
