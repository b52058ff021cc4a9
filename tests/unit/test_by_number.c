/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that take an image by its number or UUID, on a device that holds several. */
#include <fcntl.h>

#include "fake-image.h"
#include "kjump/device.h"
#include "text/human.h"
#include "text/json.h"

#define IMAGES 3

struct fixture {
	struct temp_disk temp;
	struct fake fakes[IMAGES];
	char uuids[IMAGES][37];
	char output[8192];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct image_super super;
	struct error err;

	temp_disk_create(&fixture->temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&fixture->temp.disk, NULL, &super, &err), 0);
	for (int i = 0; i < IMAGES; i++) {
		fixture->fakes[i] =
			(struct fake){ .seed = 90 + i, .frames = 300 + 10 * i, .chunk_pages = 64 };
		assert_int_equal(fake_write(&fixture->fakes[i], &fixture->temp.disk,
					    IMAGE_CHECKPOINT, 1, &super, &err),
				 0);
		human_uuid(super.image_uuid, fixture->uuids[i]);
	}
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	temp_disk_remove(&fixture->temp);
	free(fixture);
	return 0;
}

/* Its exit code; what it prints is in fixture->output. */
static int run(struct fixture *fixture, const struct command *command, const char *image, bool json)
{
	const struct options options = { .operands = { fixture->temp.path, image }, .json = json };
	char path[] = "/tmp/kjump-output-XXXXXX";
	int file = mkstemp(path), out, status;
	ssize_t size;

	assert_true(file >= 0);
	unlink(path);
	fflush(NULL);
	out = dup(1);
	dup2(file, 1);
	status = command->run(&options);
	fflush(NULL);
	dup2(out, 1);
	close(out);
	size = pread(file, fixture->output, sizeof(fixture->output) - 1, 0);
	assert_true(size >= 0);
	fixture->output[size] = '\0';
	close(file);
	return status;
}

static void expect(const struct fixture *fixture, const char *words)
{
	if (!strstr(fixture->output, words))
		fail_msg("no \"%s\" in:\n%s", words, fixture->output);
}

static void test_what_is_an_image(void **state)
{
	(void)state;
	assert_true(device_is_image("7"));
	assert_true(device_is_image("d63eb55f-e299-4350-a04b-5b30fe4f365c"));
	assert_false(device_is_image("./7"));
	assert_false(device_is_image("/dev/vda"));
	assert_false(device_is_image("UUID=d63eb55f-e299-4350-a04b-5b30fe4f365c"));
	assert_false(device_is_image(""));
	assert_false(device_is_image("99999999999999999999999"));
}

/* An image alone is one on the target; behind a device it is one there. */
static void test_operands(void **state)
{
	struct options options = { .operands = { "3" } };

	(void)state;
	assert_string_equal(device_image(&options), "3");
	options = (struct options){ .operands = { "/dev/vda", "4" } };
	assert_string_equal(device_image(&options), "4");
	options = (struct options){ .operands = { "/dev/vda" } };
	assert_null(device_image(&options));
	options = (struct options){ .operands = { NULL } };
	assert_null(device_image(&options));
}

static void test_list(void **state)
{
	struct fixture *fixture = *state;
	const char *at;
	uint64_t number;

	assert_int_equal(run(fixture, &cmd_list, NULL, false), EXIT_DONE);
	at = fixture->output;
	for (int i = 0; i < IMAGES; i++) { /* the oldest first */
		at = strstr(at, fixture->uuids[i]);
		assert_non_null(at);
	}
	assert_int_equal(run(fixture, &cmd_list, NULL, true), EXIT_DONE);
	expect(fixture, "\"2\": {");
	expect(fixture, fixture->uuids[2]);
	assert_true(json_find_number(fixture->output, "data_pages", &number) && number);
}

static void test_info(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, &cmd_info, NULL, false), EXIT_DONE);
	expect(fixture, fixture->uuids[2]);
	expect(fixture, "images    3");
	assert_int_equal(run(fixture, &cmd_info, "1", false), EXIT_DONE);
	expect(fixture, fixture->uuids[0]);
	assert_int_equal(run(fixture, &cmd_info, fixture->uuids[1], false), EXIT_DONE);
	expect(fixture, "number    2");
	assert_int_equal(run(fixture, &cmd_info, "4", false), EXIT_NO_IMAGE);
}

/* Damage in one image is not in the others. */
static void test_verify(void **state)
{
	struct fixture *fixture = *state;
	struct image_super super;
	struct error err;

	assert_int_equal(image_super_read(&fixture->temp.disk, &super, &err), 0);
	assert_int_equal(device_take(&fixture->temp.disk, &super, "2", &err), 0);
	temp_disk_flip(&fixture->temp, super.index[0].offset - 2 * IMAGE_BLOCK, 1);
	assert_int_equal(run(fixture, &cmd_verify, "1", false), EXIT_DONE);
	assert_int_equal(run(fixture, &cmd_verify, "2", false), EXIT_FAILED);
	assert_int_equal(run(fixture, &cmd_verify, "3", false), EXIT_DONE);
}

static void test_discard(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, &cmd_discard, "5", false), EXIT_NO_IMAGE);
	assert_int_equal(run(fixture, &cmd_discard, "2", false), EXIT_DONE);
	assert_int_equal(run(fixture, &cmd_discard, "2", false), EXIT_NO_IMAGE);
	assert_int_equal(run(fixture, &cmd_list, NULL, false), EXIT_DONE);
	expect(fixture, fixture->uuids[0]);
	expect(fixture, fixture->uuids[2]);
	assert_null(strstr(fixture->output, fixture->uuids[1]));
	fake_assert(&fixture->fakes[2], &fixture->temp.disk, IMAGE_VALID, 1);
	assert_int_equal(run(fixture, &cmd_discard, NULL, false), EXIT_DONE);
	expect(fixture, "discarded 2 images");
	assert_int_equal(run(fixture, &cmd_list, NULL, false), EXIT_NO_IMAGE);
	assert_int_equal(run(fixture, &cmd_discard, NULL, false), EXIT_NO_IMAGE);
}

#define WITH_DEVICE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_an_image),
		cmocka_unit_test(test_operands),
		WITH_DEVICE(test_list),
		WITH_DEVICE(test_info),
		WITH_DEVICE(test_verify),
		WITH_DEVICE(test_discard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
