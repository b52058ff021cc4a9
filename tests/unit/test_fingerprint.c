/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bytes are watched on which file system, and that no disk contents lead astray. */
#include <endian.h>
#include <errno.h>

#include "disk/fingerprint.h"
#include "fake-image.h"
#include "kjump/fs/fs.h"
#include "kjump/watch/mapping.h"
#include "kjump/watch/resolve.h"

static void put16(const struct temp_disk *temp, uint64_t offset, uint16_t value)
{
	temp_disk_write(temp, offset, &value, sizeof(value));
}

static void put32(const struct temp_disk *temp, uint64_t offset, uint32_t value)
{
	temp_disk_write(temp, offset, &value, sizeof(value));
}

static void assert_extent(const struct extents *extents, size_t i, uint64_t offset, uint64_t length)
{
	assert_true(i < extents->n);
	assert_true(extents->v[i].offset == offset);
	assert_true(extents->v[i].length == length);
}

static void make_ext4(const struct temp_disk *temp, const char *options)
{
	char command[256];

	snprintf(command, sizeof(command), "mkfs.ext4 -q -F %s %s", options, temp->path);
	if (system(command))
		fail_msg("%s", command);
}

/* Journals in all the forms there are; the journal's magic tells that the right block was found. */
static void test_ext4_journal(void **state)
{
	static const struct {
		const char *options;
		uint32_t block_size;
	} cases[] = {
		{ "-b 4096", 4096 },
		{ "-b 1024", 1024 },
		{ "-b 4096 -O 64bit", 4096 },
		{ "-b 4096 -O ^64bit,^extent", 4096 },
		{ "-b 1024 -O ^64bit,^extent,^flex_bg -I 128", 1024 },
		{ "-b 2048 -O meta_bg,^resize_inode", 2048 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct extents extents = { .n = 0 };
		struct temp_disk temp;
		struct error err;
		uint32_t magic;

		temp_disk_create(&temp, 32 << 20);
		make_ext4(&temp, cases[i].options);
		assert_int_equal(fs_ext4(&temp.disk, &extents, &err), 0);
		assert_int_equal(extents.n, 2);
		assert_extent(&extents, 0, 1024, 1024);
		assert_true(extents.v[1].length == cases[i].block_size);
		temp_disk_read(&temp, extents.v[1].offset, &magic, sizeof(magic));
		assert_int_equal(be32toh(magic), 0xc03b3998);
		temp_disk_remove(&temp);
	}
}

static void test_ext4_without_journal(void **state)
{
	struct extents extents = { .n = 0 };
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 32 << 20);
	make_ext4(&temp, "-O ^has_journal");
	assert_int_equal(fs_ext4(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	/* A journal on another device has no inode. */
	extents.n = 0;
	put32(&temp, 1024 + 0x5c, 0x4);
	put32(&temp, 1024 + 0xe0, 0);
	assert_int_equal(fs_ext4(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	temp_disk_remove(&temp);
}

static void test_ext4_extent_tree(void **state)
{
	static const unsigned char leaf[24] = { 0x0a, 0xf3, 1, 0, 4, 0, 0, 0, 0,    0,	  0, 0,
						0,    0,    0, 0, 1, 0, 0, 0, 0x34, 0x12, 0, 0 };
	unsigned char inode_block[24];
	struct extents extents = { .n = 0 };
	uint64_t journal, inode = 0;
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 32 << 20);
	make_ext4(&temp, "-b 4096 -I 256");
	assert_int_equal(fs_ext4(&temp.disk, &extents, &err), 0);
	journal = extents.v[1].offset / 4096;
	/* Find inode 8 by what it says, and put an index block between it and its extent. */
	for (uint64_t at = 0; at < 4 << 20 && !inode; at += 256) {
		temp_disk_read(&temp, at + 0x28, inode_block, sizeof(inode_block));
		if (fs_le16(inode_block) == 0xf30a && !fs_le16(inode_block + 6) &&
		    fs_le32(inode_block + 20) == journal)
			inode = at;
	}
	assert_true(inode);
	temp_disk_write(&temp, 6000 * 4096ULL, leaf, sizeof(leaf));
	put16(&temp, inode + 0x28 + 6, 1);	   /* depth */
	put32(&temp, inode + 0x28 + 12 + 4, 6000); /* leaf block */
	put16(&temp, inode + 0x28 + 12 + 8, 0);
	extents.n = 0;
	assert_int_equal(fs_ext4(&temp.disk, &extents, &err), 0);
	assert_extent(&extents, 1, 0x1234 * 4096, 4096);

	/* A tree that points at itself ends. */
	temp_disk_read(&temp, inode + 0x28, inode_block, sizeof(inode_block));
	temp_disk_write(&temp, 6000 * 4096ULL, inode_block, sizeof(inode_block));
	extents.n = 0;
	assert_int_equal(fs_ext4(&temp.disk, &extents, &err), -EUCLEAN);
	temp_disk_remove(&temp);
}

static void make_xfs(struct temp_disk *temp, uint32_t log_blocks)
{
	/* Two groups of 2^15 blocks of 4096 bytes, the log in the second one. */
	temp_disk_create(temp, 256 << 20);
	temp_disk_write(temp, 0, "XFSB", 4);
	put32(temp, 4, htobe32(4096));
	put32(temp, 48 + 4, htobe32((1 << 15) + 10));
	put32(temp, 84, htobe32(32760)); /* the groups are a little smaller than 2^15 */
	put32(temp, 96, htobe32(log_blocks));
	temp_disk_write(temp, 124, "\x0f", 1);
}

static void test_xfs(void **state)
{
	const uint64_t log = (32760 + 10) * 4096ULL;
	struct extents extents = { .n = 0 };
	struct temp_disk temp;
	struct error err;

	(void)state;
	make_xfs(&temp, 1000);
	assert_int_equal(fs_xfs(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 2);
	assert_extent(&extents, 0, 0, 4096);
	assert_extent(&extents, 1, log, 1000 * 4096);

	put32(&temp, 96, htobe32(UINT32_MAX));
	extents.n = 0;
	assert_int_equal(fs_xfs(&temp.disk, &extents, &err), -EUCLEAN);
	put32(&temp, 48, 0);
	put32(&temp, 52, 0); /* the log is on another device */
	extents.n = 0;
	assert_int_equal(fs_xfs(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	temp_disk_remove(&temp);
}

/* A log of 100 MiB, in its third cycle up to the head: the window is 8 MiB before it to 56 behind.
 */
static void test_xfs_big_log(void **state)
{
	const uint64_t log = (32760 + 10) * 4096ULL, mib = 1 << 20;
	static const uint64_t heads[] = { 20, 2, 80, 100 }; /* MiB */
	struct temp_disk temp;
	struct error err;

	(void)state;
	make_xfs(&temp, 100 << 8);
	for (int i = 0; i < 4; i++) {
		struct extents extents = { .n = 0 };

		for (uint64_t at = 0; at < 100 * mib; at += 512) {
			bool record = at % 4096 == 0;
			uint32_t cycle = at < heads[i] * mib ? 3 : 2;

			put32(&temp, log + at, htobe32(record ? 0xfeedbabe : cycle));
			put32(&temp, log + at + 4, htobe32(record ? cycle : 77));
		}
		assert_int_equal(fs_xfs(&temp.disk, &extents, &err), 0);
		switch (heads[i]) {
		case 20:
			assert_int_equal(extents.n, 2);
			assert_extent(&extents, 1, log + 12 * mib, 64 * mib);
			break;
		case 2:
			assert_extent(&extents, 1, log + 94 * mib, 6 * mib);
			assert_extent(&extents, 2, log, 58 * mib);
			break;
		case 80:
			assert_extent(&extents, 1, log + 72 * mib, 28 * mib);
			assert_extent(&extents, 2, log, 36 * mib);
			break;
		default:
			assert_extent(&extents, 1, log + 92 * mib, 8 * mib);
			assert_extent(&extents, 2, log, 56 * mib);
		}
	}
	temp_disk_remove(&temp);
}

static void test_btrfs(void **state)
{
	struct extents extents = { .n = 0 };
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 128 << 20);
	assert_int_equal(fs_btrfs(&temp.disk, &extents, &err), -EUCLEAN);
	temp_disk_write(&temp, 65536 + 64, "_BHRfS_M", 8);
	assert_int_equal(fs_btrfs(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 2);
	assert_extent(&extents, 0, 65536, 4096);
	assert_extent(&extents, 1, 64 << 20, 4096);
	temp_disk_remove(&temp);
}

static void test_vfat(void **state)
{
	struct extents extents = { .n = 0 };
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 64 << 20);
	put16(&temp, 510, 0xaa55);
	put16(&temp, 11, 512);		     /* bytes in a sector */
	temp_disk_write(&temp, 13, "\4", 1); /* sectors in a cluster */
	put16(&temp, 14, 4);		     /* reserved sectors */
	temp_disk_write(&temp, 16, "\2", 1); /* FATs */
	put16(&temp, 17, 512);		     /* root entries */
	put16(&temp, 22, 100);		     /* sectors in a FAT */
	assert_int_equal(fs_vfat(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	assert_extent(&extents, 0, 0, (4 + 200) * 512 + 512 * 32);

	/* FAT32 */
	put16(&temp, 17, 0);
	put16(&temp, 22, 0);
	put32(&temp, 36, 300);
	put32(&temp, 44, 7);
	extents.n = 0;
	assert_int_equal(fs_vfat(&temp.disk, &extents, &err), 0);
	assert_extent(&extents, 0, 0, (4 + 600) * 512);
	assert_extent(&extents, 1, (4 + 600) * 512 + 5 * 2048, 2048);
	put32(&temp, 36, UINT32_MAX);
	extents.n = 0;
	assert_int_equal(fs_vfat(&temp.disk, &extents, &err), -EUCLEAN);
	temp_disk_remove(&temp);
}

static void test_any_other(void **state)
{
	struct extents extents = { .n = 0 };
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 2 << 20);
	assert_int_equal(fs_extents(&temp.disk, "f2fs", &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	assert_extent(&extents, 0, 0, 1 << 20);
	/* Not what mountinfo says it is: as if it were unknown. */
	assert_int_equal(fs_extents(&temp.disk, "ext4", &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	assert_extent(&extents, 0, 0, 1 << 20);
	temp_disk_remove(&temp);
}

/* Random damage in the metadata: whatever comes out lies on the disk. */
static void test_damage(void **state)
{
	static const char *const types[] = { "ext4", "xfs", "vfat", "btrfs" };
	uint64_t random_state = 70;
	struct temp_disk temp;
	void *saved;

	(void)state;
	temp_disk_create(&temp, 8 << 20);
	make_ext4(&temp, "-b 1024");
	saved = temp_disk_save(&temp);
	for (int round = 0; round < 2000; round++) {
		struct extents extents = { .n = 0 };
		struct error err;

		for (int i = 0; i < 4; i++)
			put32(&temp, (i ? 1024 : 2048) + fake_random(&random_state) % 256 * 4,
			      fake_random(&random_state) >> fake_random(&random_state) % 64);
		put16(&temp, 1024 + 0x38, 0xef53);
		if (!fs_extents(&temp.disk, types[round % 50 ? 0 : round % 4], &extents, &err))
			for (size_t i = 0; i < extents.n; i++)
				assert_true(extents.v[i].offset < 8 << 20 &&
					    extents.v[i].length <= (8 << 20) - extents.v[i].offset);
		if (round % 20 == 0)
			temp_disk_load(&temp, saved);
	}
	free(saved);
	temp_disk_remove(&temp);
}

static void test_mapping_targets(void **state)
{
	unsigned major, minor;
	struct error err;
	uint64_t sector;

	(void)state;
	assert_int_equal(mapping_target("linear", "8:3 2048", &major, &minor, &sector, &err), 0);
	assert_int_equal(major, 8);
	assert_int_equal(minor, 3);
	assert_int_equal(sector, 2048);
	assert_int_equal(mapping_target("crypt",
					"aes-xts-plain64 :64:logon:cryptsetup:x-d0 0 259:5 32768 "
					"2 allow_discards sector_size:4096",
					&major, &minor, &sector, &err),
			 0);
	assert_int_equal(major, 259);
	assert_int_equal(minor, 5);
	assert_int_equal(sector, 32768);
	assert_int_equal(mapping_target("linear", "8:3", &major, &minor, &sector, &err), -ENOTSUP);
	assert_int_equal(
		mapping_target("striped", "2 128 8:3 0 8:4 0", &major, &minor, &sector, &err),
		-ENOTSUP);
}

/* This machine as it is; and mounts that have no device below them. */
static void test_resolve(void **state)
{
	static const char nothing[] = "22 1 0:21 / /proc rw - proc proc rw\n"
				      "23 1 0:22 / /t rw shared:1 - tmpfs tmp\\040fs rw\n"
				      "24 1 4095:1 / /gone rw - ext4 /dev/gone rw\n"
				      "no mountinfo at all\n\n";
	struct watch watch[64];
	struct temp_disk temp;
	struct error err = { .code = 0 };
	size_t count;
	uint64_t hash;

	(void)state;
	assert_int_equal(watch_resolve("/nonexistent", watch, 64, &count, &err), -ENOENT);
	temp_disk_create(&temp, 4096);
	assert_int_equal(ftruncate(temp.fd, 0), 0);
	temp_disk_write(&temp, 0, nothing, sizeof(nothing) - 1);
	assert_int_equal(watch_resolve(temp.path, watch, 64, &count, &err), 0);
	assert_int_equal(count, 0);
	temp_disk_remove(&temp);

	if (watch_resolve("/proc/self/mountinfo", watch, 64, &count, &err)) {
		/* Without being root, or in a container. */
		if (err.code != EACCES && err.code != EPERM && err.code != ENOENT)
			fail_msg("%s", err.text);
		print_message("the disks here may not be read: %s\n", err.text);
		skip();
	}
	for (size_t i = 0; i < count; i++) {
		if (fingerprint_hash(&watch[i], &hash, &err))
			fail_msg("%s", err.text);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(&watch[i], &watch[k], sizeof(watch[i]));
	}
}

static void test_hash_refuses(void **state)
{
	struct watch watch = { .length = 4096 };
	struct error err;
	uint64_t hash;

	(void)state;
	strcpy(watch.tag, "UUID=no-device-has-this");
	assert_int_equal(fingerprint_hash(&watch, &hash, &err), -ENODEV);
	memset(watch.tag, 'x', sizeof(watch.tag));
	assert_int_equal(fingerprint_hash(&watch, &hash, &err), -EUCLEAN);
}

/* Exactly the named bytes, wherever they begin and end. */
static void test_hash(void **state)
{
	static const struct {
		uint64_t offset, length;
	} cases[] = { { 0, 4096 }, { 1024, 1024 }, { 5000, 1 }, { 4095, 3000000 }, { 4096, 2 } };
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 4 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t first = cases[i].offset, behind = first + cases[i].length;
		struct watch watch = { .offset = first, .length = cases[i].length };
		uint64_t before, after;

		snprintf(watch.tag, sizeof(watch.tag), "%s", temp.path);
		assert_int_equal(fingerprint_hash(&watch, &before, &err), 0);
		if (first)
			temp_disk_flip(&temp, first - 1, 1);
		temp_disk_flip(&temp, behind, 1);
		assert_int_equal(fingerprint_hash(&watch, &after, &err), 0);
		assert_true(after == before);
		temp_disk_flip(&temp, first, 1);
		assert_int_equal(fingerprint_hash(&watch, &after, &err), 0);
		assert_true(after != before);
		temp_disk_flip(&temp, first, 1);
		temp_disk_flip(&temp, behind - 1, 1);
		assert_int_equal(fingerprint_hash(&watch, &after, &err), 0);
		assert_true(after != before);
		temp_disk_flip(&temp, behind - 1, 1);
	}
	{
		struct watch watch = { .offset = 4 << 20, .length = 1 };
		uint64_t hash;

		snprintf(watch.tag, sizeof(watch.tag), "%s", temp.path);
		assert_int_equal(fingerprint_hash(&watch, &hash, &err), -EIO);
	}
	temp_disk_remove(&temp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ext4_journal),
		cmocka_unit_test(test_ext4_without_journal),
		cmocka_unit_test(test_ext4_extent_tree),
		cmocka_unit_test(test_xfs),
		cmocka_unit_test(test_xfs_big_log),
		cmocka_unit_test(test_btrfs),
		cmocka_unit_test(test_vfat),
		cmocka_unit_test(test_any_other),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_mapping_targets),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_hash_refuses),
		cmocka_unit_test(test_hash),
	};

	/* mkfs and losetup are not on everybody's path. */
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
