/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bytes are watched on which file system, and that no disk contents lead astray. */
#include <endian.h>
#include <errno.h>

#include "disk/fingerprint.h"
#include "fake-image.h"
#include "kjump/fs/fs.h"
#include "kjump/fs/kinds.h"

#define MIB (1ULL << 20)

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

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("%s", command);
}

/* One number for all that would be watched; it must be judged. */
static uint64_t sum(const struct temp_disk *temp, const char *type)
{
	static struct extents extents;
	struct error err = { 0 };
	uint64_t sum = 0;

	if (fs_extents(&temp->disk, type, &extents, &err))
		fail_msg("%s", err.text);
	if (extents.unjudged[0])
		fail_msg("%s: %s", type, extents.unjudged);
	for (size_t i = 0; i < extents.n; i++) {
		struct watch watch = { .offset = extents.v[i].offset,
				       .length = extents.v[i].length };
		struct fingerprint fingerprint = { .tag = "" };
		uint64_t hash = 0;

		strcpy(watch.tag, temp->path);
		assert_int_equal(fingerprint_hash(&fingerprint, &watch, &hash, &err), 0);
		fingerprint_end(&fingerprint);
		sum = (sum << 7 | sum >> 57) ^ hash;
	}
	return sum;
}

static void make_ext4(const struct temp_disk *temp, const char *options)
{
	run("mkfs.ext4 -q -F %s %s", options, temp->path);
}

/* Journals in all the forms there are; the journal's magic tells that the right block was found. */
static void test_ext4_journal(void **state)
{
	static const char *const options[] = {
		"-b 4096",
		"-b 1024",
		"-b 4096 -O 64bit",
		"-b 4096 -O ^64bit,^extent",
		"-b 1024 -O ^64bit,^extent,^flex_bg -I 128",
		"-b 2048 -O meta_bg,^resize_inode",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		static struct extents extents;
		struct temp_disk temp;
		struct error err = { 0 };
		uint64_t watched = 0;
		uint32_t magic, length, block;

		temp_disk_create(&temp, 32 << 20);
		make_ext4(&temp, options[i]);
		assert_int_equal(fs_extents(&temp.disk, "ext4", &extents, &err), 0);
		assert_string_equal(extents.unjudged, "");
		assert_extent(&extents, 0, 1024, 1024);
		temp_disk_read(&temp, extents.v[1].offset, &magic, sizeof(magic));
		assert_int_equal(be32toh(magic), 0xc03b3998);
		/* All of it, whichever way its blocks are listed. */
		temp_disk_read(&temp, extents.v[1].offset + 0xc, &block, sizeof(block));
		temp_disk_read(&temp, extents.v[1].offset + 0x10, &length, sizeof(length));
		for (size_t k = 1; k < extents.n; k++)
			watched += extents.v[k].length;
		assert_true(watched == (uint64_t)be32toh(length) * be32toh(block));
		temp_disk_remove(&temp);
	}
}

/* Each commit is seen, also in a journal that is too large to be watched as a whole. */
static void test_ext4_commits(void **state)
{
	static const char *const options[] = { "-b 1024", "-b 4096 -J size=200",
					       "-b 4096 -O ^64bit -J size=100",
					       "-b 4096 -O metadata_csum -J size=100" };

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct temp_disk temp;
		uint64_t before, after;

		temp_disk_create(&temp, 512 << 20);
		make_ext4(&temp, options[i]);
		run("head -c 40000 /dev/urandom > /tmp/kjump-test-blocks");
		before = sum(&temp, "ext4");
		for (int round = 0; round < 12; round++) {
			run("printf 'jo\njw -b 3000-3008 /tmp/kjump-test-blocks\njc\n' | "
			    "debugfs -w -f - %s > /dev/null 2>&1",
			    temp.path);
			after = sum(&temp, "ext4");
			assert_true(after != before);
			before = after;
		}
		run("rm /tmp/kjump-test-blocks");
		temp_disk_remove(&temp);
	}
}

/* Without a journal what is allocated shows in the group descriptors. */
static void test_ext4_without_journal(void **state)
{
	struct temp_disk temp;
	uint64_t before;

	(void)state;
	temp_disk_create(&temp, 64 << 20);
	make_ext4(&temp, "-O ^has_journal");
	before = sum(&temp, "ext2");
	run("debugfs -w -R 'mkdir new' %s > /dev/null 2>&1", temp.path);
	assert_true(sum(&temp, "ext2") != before);
	temp_disk_remove(&temp);
}

static void test_ext4_journal_elsewhere(void **state)
{
	static struct extents extents;
	struct temp_disk temp, journal;
	struct error err = { 0 };
	uint32_t magic;

	(void)state;
	for (int i = 0; i < 2; i++) {
		unsigned block = i ? 4096 : 1024;

		temp_disk_create(&temp, 32 << 20);
		temp_disk_create(&journal, 16 << 20);
		make_ext4(&temp, "-O ^has_journal");
		run("mkfs.ext4 -q -F -O journal_dev -b %u -U 01234567-89ab-cdef-0123-456789abcdef "
		    "%s",
		    block, journal.path);
		/* tune2fs takes no file for a journal. */
		put32(&temp, 1024 + 0x5c, 0x4);
		put32(&temp, 1024 + 0xe0, 0);
		temp_disk_write(&temp, 1024 + 0xd0,
				"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef",
				16);
		assert_int_equal(fs_extents(&temp.disk, "ext4", &extents, &err), 0);
		assert_int_equal(extents.n, 1);
		assert_true(extents.log_elsewhere);
		assert_string_equal(extents.log_uuid, "01234567-89ab-cdef-0123-456789abcdef");
		assert_int_equal(fs_log(&journal.disk, "ext4", 0, &extents, &err), 0);
		assert_extent(&extents, 0, 1024, 1024);
		assert_int_equal(extents.n, 2);
		assert_true(extents.v[1].offset == 0);
		temp_disk_read(&journal, i ? 4096 : 2048, &magic, sizeof(magic));
		assert_int_equal(be32toh(magic), 0xc03b3998);
		assert_int_equal(fs_log(&temp.disk, "ext4", 0, &extents, &err), -EUCLEAN);
		temp_disk_remove(&journal);
		temp_disk_remove(&temp);
	}
}

static void test_ext4_extent_tree(void **state)
{
	static struct extents before, extents;
	unsigned char root[60], index[24];
	uint64_t inode = 0;
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 32 << 20);
	make_ext4(&temp, "-b 4096 -I 256");
	memset(&before, 0, sizeof(before));
	assert_int_equal(fs_ext4(&temp.disk, &before, &err), 0);
	/* Find inode 8 by what it says, and put a block between it and its extents. */
	for (uint64_t at = 0; at < 4 << 20 && !inode; at += 256) {
		temp_disk_read(&temp, at + 0x28, root, sizeof(root));
		if (fs_le16(root) == 0xf30a && !fs_le16(root + 6) &&
		    fs_le32(root + 20) * 4096ULL == before.v[1].offset)
			inode = at;
	}
	assert_true(inode);
	temp_disk_write(&temp, 6000 * 4096ULL, root, sizeof(root));
	memcpy(index, root, 12);
	memset(index + 12, 0, 12);
	index[2] = 1;		 /* entries */
	index[6] = 1;		 /* depth */
	index[16] = 6000 & 0xff; /* where the leaf is */
	index[17] = 6000 >> 8;
	temp_disk_write(&temp, inode + 0x28, index, sizeof(index));
	memset(&extents, 0, sizeof(extents));
	assert_int_equal(fs_ext4(&temp.disk, &extents, &err), 0);
	assert_memory_equal(&extents, &before, sizeof(before));

	/* A tree that points at itself ends. */
	temp_disk_write(&temp, 6000 * 4096ULL, index, sizeof(index));
	memset(&extents, 0, sizeof(extents));
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
	put32(&temp, 96, htobe32(1000));
	assert_int_equal(fs_xfs(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	assert_true(extents.log_elsewhere && extents.log_length == 1000 * 4096);
	assert_int_equal(fs_log(&temp.disk, "xfs", 1000 * 4096, &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	assert_extent(&extents, 0, 0, 1000 * 4096);
	assert_int_equal(fs_log(&temp.disk, "xfs", 257 << 20, &extents, &err), -EUCLEAN);
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
	static struct extents extents;
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
	/* FAT12: with so few clusters, the second entry is a byte and a half. */
	put16(&temp, 19, 16000); /* sectors */
	extents.n = 0;
	assert_int_equal(fs_vfat(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	assert_extent(&extents, 0, 0, 204 * 512 + 512 * 32);
	put16(&temp, 19, 0);
	put32(&temp, 32, 130000);
	extents.n = 0;
	assert_int_equal(fs_vfat(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 3);
	assert_extent(&extents, 0, 0, 4 * 512 + 2);
	assert_extent(&extents, 1, 4 * 512 + 4, 100 * 512 - 2);
	assert_extent(&extents, 2, 104 * 512 + 4, 100 * 512 - 4 + 512 * 32);

	/* FAT32 */
	put16(&temp, 17, 0);
	put16(&temp, 22, 0);
	put32(&temp, 36, 300);
	put32(&temp, 44, 7);
	put32(&temp, 4 * 512 + 7 * 4, 0x0fffffff);
	extents.n = 0;
	assert_int_equal(fs_vfat(&temp.disk, &extents, &err), 0);
	assert_int_equal(extents.n, 4);
	assert_extent(&extents, 0, 0, 4 * 512 + 4);
	assert_extent(&extents, 1, 4 * 512 + 8, 300 * 512 - 4);
	assert_extent(&extents, 2, 304 * 512 + 8, 300 * 512 - 8);
	assert_extent(&extents, 3, (4 + 600) * 512 + 5 * 2048, 2048);
	put32(&temp, 36, UINT32_MAX);
	extents.n = 0;
	assert_int_equal(fs_vfat(&temp.disk, &extents, &err), -EUCLEAN);
	temp_disk_remove(&temp);
}

/* Where the name lies in the directory at OFFSET. */
static uint64_t find_entry(const struct temp_disk *temp, uint64_t offset, const char *name)
{
	char entry[11];

	for (;; offset += 32) {
		temp_disk_read(temp, offset, entry, sizeof(entry));
		assert_true(entry[0]);
		if (!memcmp(entry, name, sizeof(entry)))
			return offset;
	}
}

static uint64_t find_bytes(const struct temp_disk *temp, const char *text)
{
	char *bytes = temp_disk_save(temp);
	char *place = memmem(bytes, temp->disk.size, text, strlen(text));
	uint64_t offset;

	assert_non_null(place);
	offset = place - bytes;
	free(bytes);
	return offset;
}

/*
 * What boot loaders do to the EFI system partition: systemd-boot refreshes loader/random-seed, for
 * which the firmware's driver dates the file, its folder and the folder's entry in the root, and
 * marks the volume as in use for a while; GRUB rewrites its environment block.
 */
static void test_system_partition(void **state)
{
	static const char *const options[] = { "-F 32 -S 512 -s 1", "-F 16 -s 4" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t before, root, entry, fat = 32 * 512;
		struct temp_disk temp;

		temp_disk_create(&temp, 64 << 20);
		run("mkfs.vfat %s -R 32 %s > /dev/null", options[i], temp.path);
		run("echo the seed of this boot > /tmp/kjump-test-seed; "
		    "mmd -i %s ::/EFI ::/loader ::/a-long-name; "
		    "mcopy -i %s /tmp/kjump-test-seed ::/loader/random-seed; "
		    "rm /tmp/kjump-test-seed",
		    temp.path, temp.path);
		temp_disk_read(&temp, i ? 22 : 36, &root, 8);
		root = 32 * 512 + 2 * 512 * (i ? root & 0xffff : root & 0xffffffff);
		before = sum(&temp, "vfat");
		temp_disk_write(&temp, find_bytes(&temp, "the seed of this boot"), "another", 7);
		assert_true(sum(&temp, "vfat") == before);
		entry = find_entry(&temp, root, "LOADER     ");
		put32(&temp, entry + 22, 0x12345678);	 /* written */
		put16(&temp, entry + 18, 0x4321);	 /* accessed */
		put16(&temp, entry + 14, 0x1111);	 /* created */
		temp_disk_flip(&temp, entry + 11, 0x20); /* not saved by a backup yet */
		assert_true(sum(&temp, "vfat") == before);
		if (i)
			put16(&temp, fat + 2, 0x7fff);
		else
			put32(&temp, fat + 4, 0x07ffffff);
		assert_true(sum(&temp, "vfat") == before);
		if (i)
			put16(&temp, fat + 2, 0xffff);
		else
			put32(&temp, fat + 4, 0x0fffffff);

		/* What does tell of a change. */
		temp_disk_flip(&temp, entry + 26, 1); /* another cluster */
		assert_true(sum(&temp, "vfat") != before);
		temp_disk_flip(&temp, entry + 26, 1);
		temp_disk_flip(&temp, entry + 28, 1); /* another size */
		assert_true(sum(&temp, "vfat") != before);
		temp_disk_flip(&temp, entry + 28, 1);
		temp_disk_flip(&temp, entry, 1); /* another name */
		assert_true(sum(&temp, "vfat") != before);
		temp_disk_flip(&temp, entry, 1);
		assert_true(sum(&temp, "vfat") == before);
		run("mmd -i %s ::/NEW", temp.path);
		assert_true(sum(&temp, "vfat") != before);
		temp_disk_remove(&temp);
	}
}

static void test_f2fs(void **state)
{
	static struct extents extents;
	uint64_t before;
	struct temp_disk temp;
	struct error err = { 0 };

	(void)state;
	temp_disk_create(&temp, 256 << 20);
	run("mkfs.f2fs -q %s > /dev/null", temp.path);
	before = sum(&temp, "f2fs");
	/* Both packs of checkpoints. */
	temp_disk_flip(&temp, 2 * MIB, 1);
	assert_true(sum(&temp, "f2fs") != before);
	temp_disk_flip(&temp, 2 * MIB, 1);
	temp_disk_flip(&temp, 4 * MIB, 1);
	assert_true(sum(&temp, "f2fs") != before);
	put32(&temp, 1024 + 80, 3); /* the area behind begins before them */
	assert_int_equal(fs_f2fs(&temp.disk, &extents, &err), -EUCLEAN);
	temp_disk_remove(&temp);
}

static void test_exfat(void **state)
{
	uint64_t before;
	struct temp_disk temp;

	(void)state;
	temp_disk_create(&temp, 256 << 20);
	run("mkfs.exfat %s > /dev/null", temp.path);
	before = sum(&temp, "exfat");
	run("tune.exfat -L NEW %s > /dev/null", temp.path); /* an entry of the root directory */
	assert_true(sum(&temp, "exfat") != before);
	before = sum(&temp, "fuseblk");
	assert_true(before == sum(&temp, "exfat"));
	/* The bitmap, which is in the first cluster. */
	temp_disk_flip(&temp, 2 * MIB + 100, 1);
	assert_true(sum(&temp, "exfat") != before);
	temp_disk_remove(&temp);
}

static void test_ntfs(void **state)
{
	static struct extents extents;
	uint64_t before;
	struct temp_disk temp;
	struct error err = { 0 };

	(void)state;
	temp_disk_create(&temp, 256 << 20);
	run("mkfs.ntfs -q -F -Q -p 0 -H 0 -S 0 -s 512 %s > /dev/null 2>&1", temp.path);
	before = sum(&temp, "ntfs3");
	assert_true(before == sum(&temp, "fuseblk"));
	run("head -c 100000 /dev/urandom > /tmp/kjump-test-file; "
	    "ntfscp -f -q %s /tmp/kjump-test-file /new > /dev/null 2>&1; rm /tmp/kjump-test-file",
	    temp.path);
	assert_true(sum(&temp, "ntfs3") != before);
	before = sum(&temp, "ntfs3");
	/* $Volume says that it is in use. */
	run("ntfslabel -f %s NEW > /dev/null 2>&1", temp.path);
	assert_true(sum(&temp, "ntfs3") != before);
	/* A record whose update sequence is longer than itself. */
	put16(&temp, 16384 + 6, 600);
	assert_int_equal(fs_ntfs(&temp.disk, &extents, &err), -EUCLEAN);
	temp_disk_remove(&temp);
}

static void test_pools(void **state)
{
	static const unsigned char bcachefs[] = { 0xc6, 0x85, 0x73, 0xf6, 0x66, 0xce, 0x90, 0xa9,
						  0xd9, 0x6a, 0x60, 0xcf, 0x80, 0x3d, 0xf7, 0xef };
	static struct extents extents;
	struct temp_disk temp;
	struct error err = { 0 };

	(void)state;
	temp_disk_create(&temp, (64 << 20) + 4096);
	assert_int_equal(fs_zfs(&temp.disk, &extents, &err), -EUCLEAN);
	assert_int_equal(fs_bcachefs(&temp.disk, &extents, &err), -EUCLEAN);
	put32(&temp, 128 * 1024 + 5 * 1024, 0x00bab10c);
	assert_int_equal(fs_extents(&temp.disk, "zfs", &extents, &err), 0);
	assert_string_equal(extents.unjudged, "");
	assert_int_equal(extents.n, 2);
	assert_extent(&extents, 0, 0, 512 << 10);
	assert_extent(&extents, 1, (64 << 20) - (512 << 10), 512 << 10);
	temp_disk_write(&temp, 4096 + 24, bcachefs, sizeof(bcachefs));
	assert_int_equal(fs_extents(&temp.disk, "bcachefs", &extents, &err), 0);
	assert_string_equal(extents.unjudged, "");
	assert_extent(&extents, 0, 0, 1 << 20);
	temp_disk_remove(&temp);
}

/* What cannot be judged says so; what is never written need not. */
static void test_any_other(void **state)
{
	static struct extents extents;
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 2 << 20);
	assert_int_equal(fs_extents(&temp.disk, "reiserfs", &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	assert_extent(&extents, 0, 0, 1 << 20);
	assert_non_null(strstr(extents.unjudged, "does not know"));
	/* Not what mountinfo says it is. */
	assert_int_equal(fs_extents(&temp.disk, "ext4", &extents, &err), 0);
	assert_int_equal(extents.n, 1);
	assert_extent(&extents, 0, 0, 1 << 20);
	assert_string_equal(extents.unjudged, "ext4: no superblock");
	assert_int_equal(fs_extents(&temp.disk, "squashfs", &extents, &err), 0);
	assert_extent(&extents, 0, 0, 1 << 20);
	assert_string_equal(extents.unjudged, "");
	temp_disk_remove(&temp);
}

/* Random damage in the metadata: whatever comes out lies on the disk. */
static void damage(const char *type, const char *make, uint64_t size, const uint64_t places[4],
		   int rounds)
{
	uint64_t random_state = 70;
	struct temp_disk temp;
	void *saved;

	temp_disk_create(&temp, size);
	run("%s %s > /dev/null 2>&1", make, temp.path);
	saved = temp_disk_save(&temp);
	for (int round = 0; round < rounds; round++) {
		static struct extents extents;
		struct error err;

		for (int i = 0; i < 4; i++)
			put32(&temp, places[i] + fake_random(&random_state) % 256 * 4,
			      fake_random(&random_state) >> fake_random(&random_state) % 64);
		if (!strcmp(type, "ext4"))
			put16(&temp, 1024 + 0x38, 0xef53);
		if (!fs_extents(&temp.disk, type, &extents, &err))
			for (size_t i = 0; i < extents.n; i++)
				assert_true(extents.v[i].offset < size && extents.v[i].length &&
					    extents.v[i].length <= size - extents.v[i].offset);
		for (int i = 0; round % 8 == 0 && i < 4; i++)
			temp_disk_write(&temp, places[i], (char *)saved + places[i], 1024);
	}
	free(saved);
	temp_disk_remove(&temp);
}

static void test_damage(void **state)
{
	static struct extents extents;
	struct temp_disk temp;
	struct error err;
	uint64_t journal;

	(void)state;
	temp_disk_create(&temp, 8 << 20);
	make_ext4(&temp, "-b 1024");
	assert_int_equal(fs_ext4(&temp.disk, &extents, &err), 0);
	journal = extents.v[1].offset;
	temp_disk_remove(&temp);
	damage("ext4", "mkfs.ext4 -q -F -b 1024", 8 << 20,
	       (const uint64_t[]){ 1024, 2048, 1024, journal }, 2000);
	damage("exfat", "mkfs.exfat", 16 << 20,
	       (const uint64_t[]){ 0, 1 << 20, 2 << 20, (2 << 20) + 8192 }, 500);
	damage("ntfs", "mkfs.ntfs -q -F -Q -p 0 -H 0 -S 0 -s 512", 16 << 20,
	       (const uint64_t[]){ 0, 16384, 16384 + 2048, 16384 + 6144 }, 500);
	damage("vfat", "mkfs.vfat -F 32 -s 1", 64 << 20, (const uint64_t[]){ 0, 0, 16384, 1045504 },
	       500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ext4_journal),
		cmocka_unit_test(test_ext4_commits),
		cmocka_unit_test(test_ext4_without_journal),
		cmocka_unit_test(test_ext4_journal_elsewhere),
		cmocka_unit_test(test_ext4_extent_tree),
		cmocka_unit_test(test_xfs),
		cmocka_unit_test(test_xfs_big_log),
		cmocka_unit_test(test_btrfs),
		cmocka_unit_test(test_vfat),
		cmocka_unit_test(test_system_partition),
		cmocka_unit_test(test_f2fs),
		cmocka_unit_test(test_exfat),
		cmocka_unit_test(test_ntfs),
		cmocka_unit_test(test_pools),
		cmocka_unit_test(test_any_other),
		cmocka_unit_test(test_damage),
	};

	/* mkfs and its like are not on everybody's path. */
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
