/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading, writing and flushing, as far as the kernel: what stops short goes on where it may, and a
 * flush reaches everything that bytes of the disk lie on. Linked with --wrap=pread64,
 * --wrap=pwrite64 and --wrap=fdatasync.
 */
#include <errno.h>
#include <sys/stat.h>

#include "temp-disk.h"

#define PAGES 12
#define BYTES (PAGES * DISK_ALIGN)

/* --- the kernel ----------------------------------------------------------------------------- */

static struct {
	size_t most;	  /* bytes that a transfer has */
	bool interrupted; /* every other one */
	unsigned transfers;
	ino_t flushed[8];
	unsigned flushes;
	ino_t broken; /* what cannot be flushed */
} kernel;

/* What a transfer of SIZE bytes has of them, or -1: off a border there is none with O_DIRECT. */
static ssize_t transfer(const void *bytes, size_t size, off64_t offset)
{
	if (kernel.interrupted && kernel.transfers++ % 2) {
		errno = EINTR;
		return -1;
	}
	if ((uintptr_t)bytes % DISK_ALIGN || size % DISK_ALIGN || offset % DISK_ALIGN) {
		errno = EINVAL;
		return -1;
	}
	return (ssize_t)(kernel.most < size ? kernel.most : size);
}

ssize_t __real_pread64(int fd, void *bytes, size_t size, off64_t offset);
ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off64_t offset);
ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off64_t offset)
{
	ssize_t some = transfer(bytes, size, offset);

	return some < 0 ? some : __real_pread64(fd, bytes, (size_t)some, offset);
}

ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off64_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off64_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	ssize_t some = transfer(bytes, size, offset);

	return some < 0 ? some : __real_pwrite64(fd, bytes, (size_t)some, offset);
}

static ino_t number(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	assert_in_range(kernel.flushes, 0, 7);
	kernel.flushed[kernel.flushes++] = number(fd);
	errno = EIO;
	return number(fd) == kernel.broken ? -1 : 0;
}

/* --- transfers ------------------------------------------------------------------------------ */

static int start(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

static void test_short_transfers(void **state)
{
	static const size_t most[] = { BYTES, DISK_ALIGN, DISK_ALIGN + 512, 3 * DISK_ALIGN - 1 };
	unsigned char *out = disk_buffer(BYTES), *in = disk_buffer(BYTES);
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 2 * BYTES);
	for (unsigned i = 0; i < 2 * sizeof(most) / sizeof(most[0]); i++) {
		for (size_t k = 0; k < BYTES; k++)
			out[k] = (unsigned char)((k >> 9) + 50 * i);
		kernel.most = most[i / 2];
		kernel.interrupted = i % 2;
		assert_int_equal(disk_write(&temp.disk, out, BYTES, DISK_ALIGN, &err), 0);
		assert_int_equal(disk_read(&temp.disk, in, BYTES, DISK_ALIGN, &err), 0);
		assert_memory_equal(in, out, BYTES);
	}
	/* Nothing that could be gone on from. */
	kernel.interrupted = false;
	kernel.most = DISK_ALIGN - 1;
	assert_int_equal(disk_write(&temp.disk, out, BYTES, 0, &err), -EIO);
	assert_non_null(strstr(err.text, "short write"));
	assert_int_equal(disk_read(&temp.disk, in, BYTES, 0, &err), -EIO);
	assert_non_null(strstr(err.text, "short read"));
	temp_disk_remove(&temp);
	free(out);
	free(in);
}

/* --- flushes -------------------------------------------------------------------------------- */

#define DISKS 3

/* A flush reaches each of the first COUNT disks, once, and no other; and each may fail. */
static void assert_flushes(const struct disk *disk, const struct temp_disk *disks, unsigned count)
{
	struct error err;

	for (unsigned i = 0; i < count; i++) {
		start(NULL);
		kernel.broken = number(disks[i].fd);
		assert_int_equal(disk_flush(disk, &err), -EIO);
	}
	start(NULL);
	assert_int_equal(disk_flush(disk, &err), 0);
	assert_int_equal(kernel.flushes, count);
	for (unsigned i = 0; i < count; i++) {
		unsigned found = 0;

		for (unsigned k = 0; k < count; k++)
			found += kernel.flushed[k] == number(disks[i].fd);
		assert_int_equal(found, 1);
	}
}

static void test_each_piece_is_flushed(void **state)
{
	static const unsigned order[] = { 0, 1, 0, 2 };
	static const struct disk_range blocks[] = { { 7 * DISK_ALIGN, DISK_ALIGN },
						    { DISK_ALIGN, 2 * DISK_ALIGN } };
	struct watch pieces[4] = { 0 };
	struct temp_disk disks[DISKS];
	struct error err = { 0 };
	struct disk volume;

	(void)state;
	for (unsigned i = 0; i < DISKS; i++)
		temp_disk_create(&disks[i], BYTES);
	for (unsigned i = 0; i < 4; i++) {
		strcpy(pieces[i].tag, disks[order[i]].path);
		pieces[i].offset = i * DISK_ALIGN;
		pieces[i].length = 2 * DISK_ALIGN;
	}
	assert_int_equal(disk_open_pieces(pieces, 4, "volume", &volume, &err), 0);
	assert_flushes(&volume, disks, DISKS);
	/* A claimed file on it, with blocks on each disk. */
	assert_int_equal(disk_narrow(&volume, blocks, 2, &err), 0);
	assert_flushes(&volume, disks, DISKS);
	disk_close(&volume);
	for (unsigned i = 0; i < DISKS; i++)
		temp_disk_remove(&disks[i]);
}

/* A claimed file: its blocks on the device, and its own descriptor, which is only held. */
static void test_file_in_its_place(void **state)
{
	static const struct disk_range blocks[] = { { 4 * DISK_ALIGN, DISK_ALIGN },
						    { DISK_ALIGN, 2 * DISK_ALIGN } };
	struct temp_disk disks[2];
	struct error err = { 0 };
	struct disk disk;

	(void)state;
	temp_disk_create(&disks[0], BYTES);
	temp_disk_create(&disks[1], BYTES);
	assert_int_equal(disk_open(disks[0].path, DISK_WRITE, &disk, &err), 0);
	assert_flushes(&disk, disks, 1);
	assert_int_equal(disk_narrow(&disk, blocks, 2, &err), 0);
	assert_int_equal(disk_keep(&disk, dup(disks[1].fd), &err), 0);
	assert_flushes(&disk, disks, 1);
	disk_close(&disk);
	temp_disk_remove(&disks[0]);
	temp_disk_remove(&disks[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_short_transfers, start),
		cmocka_unit_test_setup(test_each_piece_is_flushed, start),
		cmocka_unit_test_setup(test_file_in_its_place, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
