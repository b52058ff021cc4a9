/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices: opening, bounds, what libblkid sees on them, and finding them by name. */
#include <blkid/blkid.h>
#include <errno.h>

#include "disk/probe.h"
#include "image/image.h"
#include "temp-disk.h"

__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
	char command[256];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

static void test_open_refuses(void **state)
{
	struct disk disk;
	struct error err;

	(void)state;
	assert_int_equal(disk_open("/nonexistent", DISK_READ, &disk, &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent: cannot open: No such file or directory");
	assert_int_equal(disk.fd, -1);
	assert_int_equal(disk_open("/tmp", DISK_READ, &disk, &err), -ENOTBLK);
	assert_int_equal(disk_open("/dev/null", DISK_WRITE, &disk, &err), -ENOTBLK);
}

static void test_bounds(void **state)
{
	unsigned char *buffer = disk_buffer(2 * DISK_ALIGN);
	struct temp_disk temp;
	struct disk again;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 4 * DISK_ALIGN);
	assert_int_equal(ftruncate(temp.fd, 4 * DISK_ALIGN + 100), 0);
	assert_int_equal(disk_open(temp.path, DISK_READ, &again, &err), 0);
	assert_int_equal(again.size, 4 * DISK_ALIGN);
	assert_int_equal(disk_write(&again, buffer, DISK_ALIGN, 0, &err), -EBADF);
	assert_int_equal(disk_read(&again, buffer, 2 * DISK_ALIGN, 2 * DISK_ALIGN, &err), 0);
	assert_int_equal(disk_read(&again, buffer, 2 * DISK_ALIGN, 3 * DISK_ALIGN, &err), -ENOSPC);
	assert_int_equal(disk_read(&again, buffer, DISK_ALIGN, UINT64_MAX - DISK_ALIGN + 1, &err),
			 -ENOSPC);
	assert_int_equal(disk_write(&temp.disk, buffer, DISK_ALIGN, 4 * DISK_ALIGN, &err), -ENOSPC);
	assert_int_equal(disk_read(&again, buffer, 512, 0, &err), -EINVAL);
	assert_int_equal(disk_read(&again, buffer, DISK_ALIGN, 512, &err), -EINVAL);
	assert_int_equal(disk_read(&again, buffer + 512, DISK_ALIGN, 0, &err), -EINVAL);
	disk_close(&again);
	temp_disk_remove(&temp);
	free(buffer);
}

/* On a real file system, which takes O_DIRECT where the memory above does not. */
static void test_file_round_trip(void **state)
{
	char path[] = "/var/tmp/kjump-test-XXXXXX";
	unsigned char *out = disk_buffer(5 * DISK_ALIGN), *in = disk_buffer(5 * DISK_ALIGN);
	int fd = mkstemp(path);
	struct disk disk;
	struct error err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 64 * DISK_ALIGN), 0);
	for (int i = 0; i < 5 * DISK_ALIGN; i++)
		out[i] = i * 31 >> 3;
	assert_int_equal(disk_open(path, DISK_WRITE, &disk, &err), 0);
	assert_int_equal(disk_write(&disk, out, 5 * DISK_ALIGN, 7 * DISK_ALIGN, &err), 0);
	assert_int_equal(disk_flush(&disk, &err), 0);
	assert_int_equal(disk_read(&disk, in, 5 * DISK_ALIGN, 7 * DISK_ALIGN, &err), 0);
	assert_memory_equal(in, out, 5 * DISK_ALIGN);
	assert_int_equal(pread(fd, in, 100, 7 * DISK_ALIGN), 100);
	assert_memory_equal(in, out, 100);
	disk_close(&disk);
	close(fd);
	unlink(path);
	free(out);
	free(in);
}

static void assert_found(const struct temp_disk *temp, const char *expected)
{
	struct error err = { .code = 0 };
	char found[64];

	assert_int_equal(disk_probe(&temp->disk, found, sizeof(found), &err), 0);
	assert_string_equal(found, expected);
}

static void test_probe_and_wipe(void **state)
{
	/* One entry: Linux, from sector 8, 64 sectors. */
	static const unsigned char entry[16] = { 0, 0, 0, 0, 0x83, 0, 0, 0, 8, 0, 0, 0, 64 };
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 16 << 20);
	assert_found(&temp, "");
	temp_disk_write(&temp, 446, entry, sizeof(entry));
	temp_disk_write(&temp, 510, "\x55\xaa", 2);
	assert_found(&temp, "dos partition table");
	assert_int_equal(disk_wipe(&temp.disk, &err), 0);
	assert_found(&temp, "");
	if (run("mkfs.ext4 -q -F %s", temp.path))
		fail_msg("mkfs.ext4 does not run");
	assert_found(&temp, "ext4 file system");
	/* A second signature on top of it. */
	temp_disk_write(&temp, 4086, "SWAPSPACE2", 10);
	temp_disk_write(&temp, 1024, "\1\0\0\0\1\0\0", 8);
	assert_int_equal(disk_wipe(&temp.disk, &err), 0);
	assert_found(&temp, "");
	temp_disk_remove(&temp);
}

static void test_ambivalent_is_something(void **state)
{
	struct temp_disk temp;

	(void)state;
	temp_disk_create(&temp, 16 << 20);
	assert_int_equal(run("mkswap -q %s >/dev/null 2>&1", temp.path), 0);
	assert_found(&temp, "swap signature");
	assert_int_equal(run("mkfs.ext4 -q -F %s", temp.path), 0);
	temp_disk_write(&temp, 4086, "LINHIB0001", 10);
	assert_found(&temp, "several signatures");
	temp_disk_remove(&temp);
}

/* What blkid, and with it udev, wipefs and mkfs, make of a claimed device. */
static void test_claim_is_visible(void **state)
{
	struct image_super super;
	struct temp_disk temp;
	blkid_probe probe;
	const char *value;
	struct error err;
	char uuid[37];

	(void)state;
	temp_disk_create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(run("mkfs.ext4 -q -F %s", temp.path), 0);
	assert_int_equal(image_format(&temp.disk, "my images", &super, &err), 0);
	assert_found(&temp, "swsuspend signature");
	probe = blkid_new_probe_from_filename(temp.path);
	assert_non_null(probe);
	assert_int_equal(blkid_do_safeprobe(probe), 0);
	assert_int_equal(blkid_probe_lookup_value(probe, "TYPE", &value, NULL), 0);
	assert_string_equal(value, "swsuspend");
	assert_int_equal(blkid_probe_lookup_value(probe, "LABEL", &value, NULL), 0);
	assert_string_equal(value, "my images");
	assert_int_equal(blkid_probe_lookup_value(probe, "UUID", &value, NULL), 0);
	for (int i = 0, at = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			uuid[at++] = '-';
		at += snprintf(uuid + at, 3, "%02x", super.device_uuid[i]);
	}
	assert_string_equal(value, uuid);
	blkid_free_probe(probe);

	/* wipefs takes the claim away. */
	assert_int_equal(run("wipefs -aq %s", temp.path), 0);
	assert_int_equal(image_super_read(&temp.disk, &super, &err), -EUCLEAN);
	temp_disk_remove(&temp);
}

/* One byte somewhere is something: anywhere in a file, at both ends of a device. */
static void test_blank(void **state)
{
	static const uint64_t places[] = { 0, 5000, 7 << 20, (32 << 20) - 1 };
	struct temp_disk temp;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 32 << 20);
	assert_int_equal(disk_check_blank(&temp.disk, &err), 0);
	/* Zeros that were written are none of a file system's either. */
	temp_disk_write(&temp, 3 << 20, (char[4096]){ 0 }, 4096);
	assert_int_equal(disk_check_blank(&temp.disk, &err), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		temp_disk_flip(&temp, places[i], 1);
		assert_int_equal(disk_check_blank(&temp.disk, &err), -EEXIST);
		temp_disk_flip(&temp, places[i], 1);
	}
	assert_int_equal(disk_check_blank(&temp.disk, &err), 0);
	temp_disk_remove(&temp);
}

static void test_find_refuses(void **state)
{
	char path[64];
	struct error err;

	(void)state;
	assert_int_equal(disk_find("/nonexistent", path, sizeof(path), &err), -ENODEV);
	assert_int_equal(disk_find("UUID=", path, sizeof(path), &err), -EINVAL);
	assert_int_equal(disk_find("UUID=no-device-has-this", path, sizeof(path), &err), -ENODEV);
	assert_string_equal(err.text, "UUID=no-device-has-this: no such device");
	assert_int_equal(disk_find("PARTLABEL=no device has this", path, sizeof(path), &err),
			 -ENODEV);
	assert_int_equal(disk_find("/dev/null", path, 5, &err), -ENAMETOOLONG);
	assert_int_equal(disk_find("/dev/null", path, sizeof(path), &err), 0);
	assert_string_equal(path, "/dev/null");
}

/* A loop device for FILE in DEVICE; false where there are none to be had. */
static bool attach(const char *file, char device[64])
{
	char command[256];
	FILE *pipe;
	bool done;

	snprintf(command, sizeof(command), "losetup -P -f --show %s 2>/dev/null", file);
	pipe = popen(command, "r");
	done = pipe && fscanf(pipe, "%63s", device) == 1;
	if (pipe)
		pclose(pipe);
	return done;
}

static void count_found(void *context, const char *path)
{
	assert_memory_equal(path, "/dev/loop", 9);
	++*(int *)context;
}

static int find_all(const char *spec)
{
	struct error err = { 0 };
	int count = 0;
	int rc = disk_find_all(spec, count_found, &count, &err);

	assert_int_equal(rc, count ? 0 : -ENODEV);
	return count;
}

static void test_find_on_loop_devices(void **state)
{
	char files[2][32] = { "/var/tmp/kjump-test-XXXXXX", "/var/tmp/kjump-test-XXXXXX" };
	char devices[2][64], label[16], spec[64], path[64];
	struct image_super super;
	struct disk disk;
	struct error err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		int fd = mkstemp(files[i]);

		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, IMAGE_MIN_SIZE), 0);
		close(fd);
	}
	snprintf(label, sizeof(label), "kj %d", (int)getpid());
	assert_int_equal(disk_open(files[0], DISK_WRITE, &disk, &err), 0);
	assert_int_equal(image_format(&disk, label, &super, &err), 0);
	disk_close(&disk);
	assert_int_equal(run("cp %s %s", files[0], files[1]), 0);
	if (!attach(files[0], devices[0])) {
		unlink(files[0]);
		unlink(files[1]);
		print_message("no loop devices here\n");
		skip();
	}
	snprintf(spec, sizeof(spec), "LABEL=%s", label);
	assert_int_equal(disk_find(spec, path, sizeof(path), &err), 0);
	assert_string_equal(path, devices[0]);
	/* As udev writes it. */
	snprintf(spec, sizeof(spec), "LABEL=kj\\x20%s", label + 3);
	assert_int_equal(disk_find(spec, path, sizeof(path), &err), 0);
	snprintf(spec, sizeof(spec), "LABEL=kj\\x2%s", label + 3);
	assert_int_equal(disk_find(spec, path, sizeof(path), &err), -ENODEV);

	/* In upper case a UUID is the same, a label is another one. */
	strcpy(spec, "UUID=");
	for (int i = 0; i < 16; i++)
		sprintf(spec + strlen(spec), "%s%02X",
			i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", super.device_uuid[i]);
	assert_int_equal(disk_find(spec, path, sizeof(path), &err), 0);
	snprintf(spec, sizeof(spec), "LABEL=KJ%s", label + 2);
	assert_int_equal(disk_find(spec, path, sizeof(path), &err), -ENODEV);

	/* As fstab has it, as udev writes it, and what is none of that. */
	assert_int_equal(find_all("LABEL=%s"), 0);
	snprintf(spec, sizeof(spec), "LABEL=\"%s\"", label);
	assert_int_equal(find_all(spec), 1);
	snprintf(spec, sizeof(spec), "LABEL=kj\\x20%s", label + 3);
	assert_int_equal(disk_find(spec, path, sizeof(path), &err), 0);
	snprintf(spec, sizeof(spec), "LABEL=\\x6b\\x6A\\x20%s", label + 3);
	assert_int_equal(find_all(spec), 1);
	snprintf(spec, sizeof(spec), "LABEL=kj\\x2%s", label + 2);
	assert_int_equal(find_all(spec), 0);

	assert_true(attach(files[1], devices[1]));
	snprintf(spec, sizeof(spec), "LABEL=%s", label);
	assert_int_equal(disk_find(spec, path, sizeof(path), &err), -EEXIST);
	assert_int_equal(find_all(spec), 2);
	assert_int_equal(find_all(devices[1]), 1);

	/* Exclusive: as long as one has it open for writing, no other may. */
	assert_int_equal(disk_open(devices[0], DISK_WRITE, &disk, &err), 0);
	{
		struct disk second;

		assert_int_equal(disk_open(devices[0], DISK_WRITE, &second, &err), -EBUSY);
		assert_int_equal(disk_open(devices[0], DISK_READ, &second, &err), 0);
		disk_close(&second);
		/* In use or not. */
		assert_int_equal(disk_open(devices[0], DISK_SHARED, &second, &err), 0);
		disk_close(&second);
	}
	assert_int_equal(disk_check_blank(&disk, &err), -EEXIST);
	disk_close(&disk);
	assert_int_equal(run("blockdev --setro %s", devices[0]), 0);
	assert_int_equal(disk_open(devices[0], DISK_WRITE, &disk, &err), -EROFS);
	assert_non_null(strstr(err.text, "read-only"));
	assert_int_equal(disk_open(devices[0], DISK_READ, &disk, &err), 0);
	disk_close(&disk);
	/* The next one who gets this loop device would have it like that. */
	assert_int_equal(run("blockdev --setrw %s", devices[0]), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run("losetup -d %s", devices[i]), 0);
		unlink(files[i]);
	}
}

static void test_find_partition(void **state)
{
	static const unsigned char entry[16] = { 0, 0, 0, 0, 0x82, 0, 0, 0, 8, 0, 0, 0, 64 };
	char file[] = "/var/tmp/kjump-test-XXXXXX";
	char device[64], path[64], spec[64], expected[80];
	int fd = mkstemp(file);
	uint32_t id = 0x10000000 + getpid();
	struct disk_tags tags;
	struct error err;
	bool scanned;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(pwrite(fd, &id, 4, 440), 4);
	assert_int_equal(pwrite(fd, entry, sizeof(entry), 446 + 16), sizeof(entry));
	assert_int_equal(pwrite(fd, "\x55\xaa", 2, 510), 2);
	close(fd);
	if (!attach(file, device)) {
		unlink(file);
		print_message("no loop devices here\n");
		skip();
	}
	snprintf(expected, sizeof(expected), "%sp2", device);
	snprintf(spec, sizeof(spec), "PARTUUID=%08X-02", id);
	/* A kernel that cannot read the table itself has to be told. */
	scanned = access(expected, F_OK) == 0 || run("addpart %s 2 8 64 2>/dev/null", device) == 0;
	assert_int_equal(disk_find(spec, path, sizeof(path), &err), scanned ? 0 : -ENODEV);
	if (scanned)
		probe_tags(strrchr(expected, '/') + 1, &tags);
	assert_int_equal(run("losetup -d %s", device), 0);
	unlink(file);
	if (!scanned) {
		print_message("no partitions on loop devices here\n");
		skip();
	}
	assert_string_equal(path, expected);
	assert_string_equal(tags.parttype, "0x82");
}

/* Of a file that somebody writes to nobody else does; reading is free. */
static void one_writes(void **state)
{
	char path[] = "/tmp/kjump-disk-XXXXXX";
	int fd = mkstemp(path);
	struct disk first, second;
	struct error err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	close(fd);
	assert_int_equal(disk_open(path, DISK_WRITE, &first, &err), 0);
	assert_int_equal(disk_open(path, DISK_WRITE, &second, &err), -EBUSY);
	assert_non_null(strstr(err.text, "in use"));
	assert_int_equal(disk_open(path, DISK_READ, &second, &err), 0);
	disk_close(&second);
	disk_close(&first);
	assert_int_equal(disk_open(path, DISK_WRITE, &second, &err), 0);
	disk_close(&second);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_writes),
		cmocka_unit_test(test_open_refuses),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_file_round_trip),
		cmocka_unit_test(test_probe_and_wipe),
		cmocka_unit_test(test_ambivalent_is_something),
		cmocka_unit_test(test_claim_is_visible),
		cmocka_unit_test(test_blank),
		cmocka_unit_test(test_find_refuses),
		cmocka_unit_test(test_find_on_loop_devices),
		cmocka_unit_test(test_find_partition),
	};

	/* mkfs and losetup are not on everybody's path. */
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
