/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last image, in a variable of the firmware: a folder in place of efivarfs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seal/pin.h"
#include "temp-file.h"

static const uint8_t first[16] = { 1, 2, 3 }, second[16] = { 1, 2, 4 };

struct fixture {
	char folder[32], other[64], variable[128];
};

static int setup(void **state)
{
	static struct fixture fixture;

	strcpy(fixture.folder, "/tmp/kjump-pin-XXXXXX");
	assert_non_null(mkdtemp(fixture.folder));
	snprintf(fixture.other, sizeof(fixture.other), "%s/BootOrder-8be4df61", fixture.folder);
	snprintf(fixture.variable, sizeof(fixture.variable), "%s/%s", fixture.folder, PIN_NAME);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->other);
	unlink(fixture->variable);
	assert_int_equal(rmdir(fixture->folder), 0);
	return 0;
}

static void put(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* A machine without such firmware, and one whose efivarfs nobody has mounted. */
static void test_no_firmware(void **state)
{
	struct fixture *fixture = *state;
	struct error err;

	assert_int_equal(pin_write(fixture->folder, first, &err), -ENODEV);
	assert_int_equal(access(fixture->variable, F_OK), -1);
	assert_int_equal(pin_compare(fixture->folder, first, &err), -ENODEV);
	assert_int_equal(pin_write("/nowhere", first, &err), -ENODEV);
	assert_int_equal(pin_compare("/nowhere", first, &err), -ENODEV);
	pin_remove(fixture->folder);
	pin_mount("/nowhere");
}

static void test_last_image(void **state)
{
	static const uint8_t expected[] = { 7, 0, 0, 0, 1, 2, 3, 0, 0, 0,
					    0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct fixture *fixture = *state;
	uint8_t bytes[64];
	struct error err;
	int fd;

	put(fixture->other, "x", 1);
	assert_int_equal(pin_compare(fixture->folder, first, &err), -ESTALE);
	assert_int_equal(pin_write(fixture->folder, first, &err), 0);
	fd = open(fixture->variable, O_RDONLY);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
	close(fd);
	assert_int_equal(pin_compare(fixture->folder, first, &err), 0);
	/* The next one: the first one is an older one then. */
	assert_int_equal(pin_write(fixture->folder, second, &err), 0);
	assert_int_equal(pin_compare(fixture->folder, second, &err), 0);
	assert_int_equal(pin_compare(fixture->folder, first, &err), -ESTALE);
	assert_non_null(strstr(err.text, "an older one was put back"));
	pin_remove(fixture->folder);
	assert_int_equal(pin_compare(fixture->folder, second, &err), -ESTALE);
	pin_remove(fixture->folder);
}

static void test_odd_variables(void **state)
{
	struct fixture *fixture = *state;
	struct error err;

	put(fixture->other, "x", 1);
	put(fixture->variable, "", 0);
	assert_int_equal(pin_compare(fixture->folder, first, &err), -ESTALE);
	put(fixture->variable, "\7\0\0\0\1\2\3", 7);
	assert_int_equal(pin_compare(fixture->folder, first, &err), -ESTALE);
	unlink(fixture->variable);
	/* One that cannot be read tells nothing. */
	assert_int_equal(symlink("/etc/passwd", fixture->variable), 0);
	assert_int_equal(pin_compare(fixture->folder, first, &err), -ENODEV);
	assert_int_equal(pin_write(fixture->folder, first, &err), -ENODEV);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(test_no_firmware),
		WITH_FOLDER(test_last_image),
		WITH_FOLDER(test_odd_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
