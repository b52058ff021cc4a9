/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that are claimed for images, on real file systems in loop devices, which take root. What
 * kernel B could not do with a loop device does not count here: volume_pieces() is replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "image/filemap.h"
#include "kjump/file/layout.h"
#include "kjump/file/make.h"
#include "kjump/setup/setup.h"
#include "kjump/watch/volume.h"
#include "restore/target.h"

#define MIB 1048576ULL

int __wrap_volume_pieces(const char *path, struct watch *pieces, size_t max, size_t *count,
			 struct error *err);

int __wrap_volume_pieces(const char *path, struct watch *pieces, size_t max, size_t *count,
			 struct error *err)
{
	(void)path, (void)pieces, (void)max, (void)err;
	*count = 0;
	return 0;
}

int __wrap_loader_lock(struct error *err);

int __wrap_loader_lock(struct error *err)
{
	(void)err;
	return 0;
}

static char folder[] = "/tmp/claimed-XXXXXX";
static char file[64], other[64];
static struct error err;
static struct claimed_file claimed;
static struct image_super super;

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int run(const char *format, ...)
{
	char command[1024], quiet[1100];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	snprintf(quiet, sizeof(quiet), "{ %s; } > /dev/null 2>&1", command);
	return system(quiet);
}

/* A file system of SIZE MiB at folder/mnt, made and mounted so; the test is skipped without one. */
static void mount_new(const char *make, const char *options, unsigned size)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(run("rm -f %s/disk && truncate -s %uM %s/disk && %s %s/disk", folder, size,
			     folder, make, folder),
			 0);
	if (run("mount -o loop,%s %s/disk %s/mnt", options, folder, folder)) {
		print_message("this kernel mounts no such file system: %s\n", make);
		skip();
	}
}

static int unmount(void **state)
{
	(void)state;
	run("chattr -i %s/mnt/*", folder);
	run("umount %s/mnt", folder);
	return 0;
}

static const char *const makers[] = { "mkfs.ext4 -q -F -b 4096", "mkfs.xfs -q -f",
				      "mkfs.btrfs -q -f", "mkfs.vfat -F 32 -s 8" };

static int make(uint64_t size, bool force)
{
	const struct file_wish wish = { .path = file, .size = size, .force = force, .quiet = true };

	return file_make(&wish, &claimed, &super, &err);
}

static void refused(uint64_t size, int code, const char *why)
{
	int ret = make(size, false);

	if (ret != -code || !strstr(err.text, why))
		fail_msg("%d, \"%s\", says nothing of \"%s\"", ret, ret ? err.text : "", why);
	assert_non_null(strstr(err.text, file));
	if (size)
		assert_int_equal(access(file, F_OK), -1);
}

static void open_fails(int code, const char *why)
{
	struct disk disk;
	int ret = claimed_open(file, &disk, NULL, &err);

	if (ret != -code || !strstr(err.text, why))
		fail_msg("%d, \"%s\", says nothing of \"%s\"", ret, ret ? err.text : "", why);
}

/* Each page different, behind the superblocks. */
static void fill(unsigned char *buffer, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buffer[i] = (unsigned char)((i >> 12) * 7 + i);
}

/* What is written beneath the file system is in the file, also when it is mounted anew. */
static void write_and_read(const char *maker)
{
	const size_t size = 17 * MIB;
	unsigned char *out = disk_buffer(size), *in = disk_buffer(size);
	struct disk disk;

	fill(out, size);
	assert_int_equal(claimed_open(file, &disk, &claimed, &err), 0);
	assert_string_equal(disk.name, file);
	assert_int_equal(disk_write(&disk, out, size, MIB, &err), 0);
	assert_int_equal(disk_flush(&disk, &err), 0);
	disk_close(&disk);

	for (int again = 0; again < 2; again++) {
		assert_int_equal(filemap_open(file, DISK_READ, &disk, &err), 0);
		memset(in, 0, size);
		assert_int_equal(disk_read(&disk, in, size, MIB, &err), 0);
		assert_memory_equal(in, out, size);
		disk_close(&disk);
		/* Without the file system. */
		assert_int_equal(run("umount %s/mnt", folder), 0);
		assert_int_equal(run("losetup -f %s/disk", folder), 0);
		assert_int_equal(filemap_open(claimed.spec, DISK_WRITE, &disk, &err), 0);
		memset(in, 0, size);
		assert_int_equal(disk_read(&disk, in, size, MIB, &err), 0);
		assert_memory_equal(in, out, size);
		assert_int_equal(disk_write(&disk, out, size, MIB, &err), 0);
		assert_int_equal(disk_flush(&disk, &err), 0);
		disk_close(&disk);
		assert_int_equal(run("losetup -d $(losetup -nO NAME -j %s/disk)", folder), 0);
		assert_int_equal(run("mount -o loop %s/disk %s/mnt", folder, folder), 0);
	}
	free(out);
	free(in);
	assert_int_equal(run("umount %s/mnt", folder), 0);
	if (strstr(maker, "ext4"))
		assert_int_equal(run("e2fsck -fn %s/disk", folder), 0);
	else if (strstr(maker, "xfs"))
		assert_int_equal(run("xfs_repair -n %s/disk", folder), 0);
	else if (strstr(maker, "btrfs"))
		assert_int_equal(run("btrfs check --check-data-csum %s/disk", folder), 0);
	else
		assert_int_equal(run("fsck.vfat -n %s/disk", folder), 0);
	assert_int_equal(run("mount -o loop %s/disk %s/mnt", folder, folder), 0);
}

static void test_life(const char *maker)
{
	struct stat st;
	int fd;

	mount_new(maker, "rw", 360);
	/* There is something before and behind it, and holes of what was removed. */
	run("cd %s/mnt; for i in 1 2 3 4 5 6 7 8 9; do head -c 3M /dev/urandom > $i; done; sync; "
	    "rm 2 4 6 8; sync",
	    folder);
	if (make(40 * MIB, false))
		fail_msg("%s", err.text);
	assert_int_equal(super.device_size, 40 * MIB - IMAGE_MAP_SIZE);
	assert_int_equal(super.state, IMAGE_EMPTY);
	assert_non_null(strstr(claimed.spec, "UUID="));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 40 * MIB);
	write_and_read(maker);

	fd = open(file, O_RDWR);
	if (strstr(maker, "vfat")) {
		assert_true(fd >= 0);
		close(fd);
	} else {
		assert_int_equal(fd, -1);
		assert_int_equal(errno, EPERM);
		assert_int_equal(unlink(file), -1);
		assert_int_equal(run("chattr -i %s", file), 0);
		open_fails(EPERM, "chattr +i");
	}
	refused(0, EEXIST, "claimed by kjump already");

	/* A copy of it lies elsewhere. */
	assert_int_equal(
		run("cp --reflink=never --sparse=never %s %s && sync %s", file, other, other), 0);
	assert_int_equal(rename(other, file), 0);
	run("chattr +i %s", file);
	if (strstr(maker, "btrfs")) {
		open_fails(ENOTSUP, "chattr +C");
		return;
	}
	open_fails(ESTALE, "does not lie where it lay");
	refused(0, EEXIST, "claimed by kjump already");
	if (make(0, true))
		fail_msg("%s", err.text);
	write_and_read(maker);
	assert_int_equal(file_remove(file, &err), 0);
	assert_int_equal(access(file, F_OK), -1);
}

static void test_ext4(void **state)
{
	(void)state;
	test_life(makers[0]);
}

static void test_xfs(void **state)
{
	(void)state;
	test_life(makers[1]);
}

static void test_btrfs(void **state)
{
	(void)state;
	test_life(makers[2]);
}

static void test_vfat(void **state)
{
	(void)state;
	test_life(makers[3]);
}

/* Holes and blocks that were never written get zeros; what is in use is not overwritten. */
static void test_existing(void **state)
{
	(void)state;
	mount_new(makers[0], "rw", 200);
	assert_int_equal(run("truncate -s 32M %s", file), 0);
	if (make(0, false))
		fail_msg("%s", err.text);
	write_and_read(makers[0]);
	assert_int_equal(file_remove(file, &err), 0);
	assert_int_equal(run("fallocate -l 32M %s", file), 0);
	assert_int_equal(make(0, false), 0);
	assert_int_equal(file_remove(file, &err), 0);
	assert_int_equal(run("head -c 32M /dev/urandom > %s", file), 0);
	refused(0, EEXIST, "holds data");
	assert_int_equal(make(0, true), 0);
	assert_int_equal(file_remove(file, &err), 0);
	assert_int_equal(run("head -c 32000001 /dev/zero > %s", file), 0);
	refused(0, ENOTSUP, "no multiple of 4096");
	assert_int_equal(run("truncate -s 16M %s", file), 0);
	refused(0, ENOSPC, "too small");
	assert_int_equal(run("truncate -s 32M %s", file), 0);
	assert_int_equal(make(32 * MIB, false), -EEXIST);
	assert_int_equal(run("rm %s", file), 0);
	refused(2048 * MIB, ENOSPC, "no room for 2.0 GiB");
	refused(16 * MIB, ENOSPC, "too small");
}

/* An extent that changes its place after the claim, as a defragmentation does it. */
static void test_grown(void **state)
{
	(void)state;
	mount_new(makers[0], "rw", 200);
	assert_int_equal(make(32 * MIB, false), 0);
	assert_int_equal(run("chattr -i %s && head -c 8192 /dev/zero >> %s && chattr +i %s", file,
			     file, file),
			 0);
	open_fails(ESTALE, "does not lie where it lay");
	assert_int_equal(run("chattr -i %s && truncate -s 32M %s && fallocate -p -o 8M -l 4M %s && "
			     "chattr +i %s",
			     file, file, file, file),
			 0);
	open_fails(ENODATA, "hole");
}

static void test_journaled_data(void **state)
{
	(void)state;
	mount_new(makers[0], "data=journal", 200);
	refused(32 * MIB, ENOTSUP, "data=journal");
	run("umount %s/mnt; mount -o loop %s/disk %s/mnt", folder, folder, folder);
	assert_int_equal(run("touch %s", file), 0);
	if (run("chattr +j %s", file))
		print_message("chattr +j is not permitted here (CAP_SYS_RESOURCE)\n");
	assert_int_equal(run("truncate -s 32M %s", file), 0);
	if (!run("lsattr %s | grep '^[^ ]*j'", file)) {
		refused(0, ENOTSUP, "in the journal");
		assert_int_equal(run("chattr -j %s", file), 0);
	}
	assert_int_equal(make(0, false), 0);
	run("umount %s/mnt; mount -o loop,data=journal %s/disk %s/mnt", folder, folder, folder);
	open_fails(ENOTSUP, "data=journal");
}

/* Blocks of 1 KiB lie where they like. */
static void test_small_blocks(void **state)
{
	int ret;

	(void)state;
	mount_new("mkfs.ext4 -q -F -b 1024", "rw", 200);
	run("head -c 1K /dev/zero > %s/mnt/a; sync", folder);
	ret = make(32 * MIB, false);
	if (ret && ret != -ENOTSUP)
		fail_msg("%s", err.text);
	if (!ret)
		write_and_read(makers[0]);
	unmount(NULL);
	mount_new("mkfs.vfat -F 32 -s 1", "rw", 64);
	refused(32 * MIB, ENOTSUP, "clusters of 512 bytes");
}

static void clone_shares(const char *maker)
{
	mount_new(maker, "rw", 360);
	assert_int_equal(make(32 * MIB, false), 0);
	assert_int_equal(run("touch %s; chattr +C %s; cp --reflink=always %s %s && sync %s", other,
			     other, file, other, other),
			 0);
	open_fails(ENOTSUP, "shares blocks");
}

static void test_shared(void **state)
{
	(void)state;
	clone_shares(makers[1]);
}

static void test_btrfs_refusals(void **state)
{
	(void)state;
	clone_shares(makers[2]);
	assert_int_equal(run("rm %s && sync && btrfs filesystem sync %s/mnt", other, folder), 0);
	assert_int_equal(run("btrfs subvolume snapshot %s/mnt %s/mnt/snapshot", folder, folder), 0);
	open_fails(ENOTSUP, "shares blocks");
	assert_int_equal(
		run("chattr -i %s; rm %s; head -c 32M /dev/zero > %s; sync", file, file, file), 0);
	refused(0, ENOTSUP, "chattr +C");
	unmount(NULL);
	mount_new("mkfs.btrfs -q -f -d dup", "rw", 360);
	refused(32 * MIB, ENOTSUP, "RAID or DUP");
}

/* Moved by a balance, which heeds no flag. */
static void test_btrfs_balance(void **state)
{
	(void)state;
	mount_new(makers[2], "rw", 600);
	assert_int_equal(make(32 * MIB, false), 0);
	assert_int_equal(run("btrfs balance start --full-balance %s/mnt && sync", folder), 0);
	open_fails(ESTALE, "does not lie where it lay");
	if (make(0, true))
		fail_msg("%s", err.text);
	write_and_read(makers[2]);
}

/* A boot that went on without restoring may have mounted the file system before it says so. */
static void test_marked_beneath(void **state)
{
	struct disk disk;

	(void)state;
	mount_new(makers[0], "rw", 200);
	assert_int_equal(make(32 * MIB, false), 0);
	assert_int_equal(target_boot_on(claimed.spec, "booted on", waiting_from(0, 0)),
			 EXIT_NO_IMAGE);
	assert_int_equal(claimed_open(file, &disk, NULL, &err), 0);
	assert_int_equal(image_super_read(&disk, &super, &err), 0);
	super.state = IMAGE_VALID;
	super.kind = IMAGE_HIBERNATION;
	super.index[0] = (struct image_extent){ IMAGE_DATA_START, IMAGE_BLOCK };
	super.index_size = super.own_bytes = super.device_bytes = IMAGE_BLOCK;
	assert_int_equal(image_super_write(&disk, &super, &err), 0);
	disk_close(&disk);

	assert_int_equal(target_boot_on(claimed.spec, "booted on", waiting_from(0, 0)), EXIT_DONE);
	assert_int_equal(filemap_open(file, DISK_READ, &disk, &err), 0);
	assert_int_equal(image_super_read(&disk, &super, &err), 0);
	assert_int_equal(super.state, IMAGE_STALE);
	assert_string_equal(super.reason, "booted on");
	disk_close(&disk);
}

/* --- kjump setup ------------------------------------------------------------------------------ */

static void set_up(struct setup *setup, bool dry_run, FILE *out)
{
	*setup = (struct setup){ .root = folder, .dry_run = dry_run, .out = out };
	assert_int_equal(journal_open(&setup->journal, folder, &err), 0);
}

static void undo(const char *says)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct setup setup;

	assert_non_null(out);
	set_up(&setup, false, out);
	if (setup_undo(&setup, 0, &err))
		fail_msg("%s", err.text);
	journal_close(&setup.journal);
	fclose(out);
	if (!strstr(text, says))
		fail_msg("\"%s\" says nothing of \"%s\"", text, says);
	free(text);
}

static void test_setup(void **state)
{
	FILE *out = fopen("/dev/null", "w");
	struct setup setup;
	struct disk disk;
	char spec[128], again[128], path[256];
	uint64_t size = 0;

	(void)state;
	assert_non_null(out);
	mount_new(makers[0], "rw", 200);

	/* Nothing is made when it is not wanted, or when there is no room. */
	set_up(&setup, true, out);
	assert_int_equal(setup_claim_file(&setup, file, 32 * MIB, NULL, spec, &err), 0);
	assert_int_equal(setup.changes, 1);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(setup_room(file, &size, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "are free there"));
	journal_close(&setup.journal);

	/* Made, found again, and taken back. */
	set_up(&setup, false, out);
	if (setup_claim_file(&setup, file, 32 * MIB, "images", spec, &err))
		fail_msg("%s", err.text);
	assert_int_equal(setup_claim_file(&setup, file, 0, NULL, again, &err), 0);
	assert_string_equal(spec, again);
	assert_int_equal(setup_claim(&setup, file, NULL, again, &err), 0);
	assert_string_equal(spec, again);
	assert_int_equal(setup.changes, 1);
	journal_close(&setup.journal);
	undo("kjump.img: removed");
	assert_int_equal(access(file, F_OK), -1);

	/* What could not be one is refused before anything is said. */
	set_up(&setup, false, out);
	snprintf(path, sizeof(path), "%s/small", folder);
	run("echo text > %s", path);
	assert_int_equal(setup_claim(&setup, path, NULL, again, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "too small"));
	assert_int_equal(setup.changes, 0);
	journal_close(&setup.journal);

	/* An image is kept. */
	set_up(&setup, false, out);
	assert_int_equal(setup_claim_file(&setup, file, 32 * MIB, NULL, spec, &err), 0);
	journal_close(&setup.journal);
	assert_int_equal(claimed_open(file, &disk, NULL, &err), 0);
	assert_int_equal(image_super_read(&disk, &super, &err), 0);
	super.kind = IMAGE_CHECKPOINT;
	super.index[0] = (struct image_extent){ IMAGE_DATA_START, IMAGE_BLOCK };
	super.index_size = super.own_bytes = super.device_bytes = IMAGE_BLOCK;
	assert_int_equal(image_mark_stale(&disk, &super, "for this test", &err), 0);
	disk_close(&disk);
	undo("kjump.img: stays, as it holds an image");
	assert_int_equal(access(file, F_OK), 0);

	/* So is what somebody else made there. */
	set_up(&setup, false, out);
	run("chattr -i %s; rm %s; echo text > %s", file, file, file);
	assert_int_equal(setup_claim_file(&setup, file, 32 * MIB, NULL, spec, &err), -EEXIST);
	journal_close(&setup.journal);
	fclose(out);
}

static void test_no_stable_places(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mount("tmpfs", "/mnt", "tmpfs", 0, "size=100m"), 0);
	assert_int_equal(run("mkdir /mnt/upper /mnt/work /mnt/both && mount -t overlay -o "
			     "lowerdir=%s,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/both",
			     folder),
			 0);
	snprintf(file, sizeof(file), "/mnt/file");
	refused(32 * MIB, ENOTSUP, "tmpfs, which is memory");
	snprintf(file, sizeof(file), "/mnt/both/file");
	refused(32 * MIB, ENOTSUP, "an overlay");
	umount("/mnt/both");
	umount("/mnt");
	snprintf(file, sizeof(file), "%s/mnt/nowhere/file", folder);
	refused(32 * MIB, ENOENT, "cannot be made");
	snprintf(file, sizeof(file), "%s/mnt/kjump.img", folder);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/mnt", folder);
	if (mkdir(file, 0700))
		return -1;
	snprintf(file, sizeof(file), "%s/mnt/kjump.img", folder);
	snprintf(other, sizeof(other), "%s/mnt/other", folder);
	if (geteuid() != 0) {
		print_message("not root, so no file system can be mounted: these tests are "
			      "skipped\n");
		return 0;
	}
	return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int teardown(void **state)
{
	(void)state;
	run("rm -r %s", folder);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_ext4, unmount),
		cmocka_unit_test_teardown(test_xfs, unmount),
		cmocka_unit_test_teardown(test_btrfs, unmount),
		cmocka_unit_test_teardown(test_vfat, unmount),
		cmocka_unit_test_teardown(test_existing, unmount),
		cmocka_unit_test_teardown(test_grown, unmount),
		cmocka_unit_test_teardown(test_journaled_data, unmount),
		cmocka_unit_test_teardown(test_small_blocks, unmount),
		cmocka_unit_test_teardown(test_shared, unmount),
		cmocka_unit_test_teardown(test_btrfs_refusals, unmount),
		cmocka_unit_test_teardown(test_btrfs_balance, unmount),
		cmocka_unit_test_teardown(test_marked_beneath, unmount),
		cmocka_unit_test_teardown(test_setup, unmount),
		cmocka_unit_test_teardown(test_no_stable_places, unmount),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
