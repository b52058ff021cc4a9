/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows on a plain file in place of physical memory; the tail of a kernel log. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory/memory.h"

#define BORDER UINT64_C(0x100000) /* frame at 4 GiB */

struct fixture {
	char path[32];
	int fd;
	struct memory *memory;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	strcpy(fixture->path, "/tmp/kjump-test-XXXXXX");
	fixture->fd = mkstemp(fixture->path);
	assert_true(fixture->fd >= 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	memory_close(fixture->memory);
	close(fixture->fd);
	unlink(fixture->path);
	free(fixture);
	return 0;
}

/* FRAMES frames and EXTRA bytes, sparse; open it. */
static struct memory *open_frames(struct fixture *fixture, uint64_t frames, uint64_t extra)
{
	struct error err = { 0 };

	assert_int_equal(ftruncate(fixture->fd, (off_t)(frames * FRAME_SIZE + extra)), 0);
	assert_int_equal(memory_open(fixture->path, &fixture->memory, &err), 0);
	return fixture->memory;
}

/* Put a mark at the start of a frame, different for each. */
static void mark(const struct fixture *fixture, uint64_t pfn)
{
	assert_int_equal(pwrite(fixture->fd, &pfn, sizeof(pfn), (off_t)(pfn * FRAME_SIZE)),
			 sizeof(pfn));
}

static void expect_mark(const void *bytes, uint64_t pfn)
{
	assert_memory_equal(bytes, &pfn, sizeof(pfn));
}

static void test_window_slides(void **state)
{
	struct memory *memory = open_frames(*state, 3 * MEMORY_WINDOW_PAGES, 0);
	const uint64_t far = 2 * MEMORY_WINDOW_PAGES + 7;
	struct memory_window window = { 0 };
	struct error err = { 0 };
	const void *bytes = NULL;
	const unsigned char *base;

	mark(*state, 5);
	mark(*state, 9);
	mark(*state, far);
	assert_int_equal(memory_map(memory, &window, 5, 1, far + 1, &bytes, &err), 0);
	expect_mark(bytes, 5);
	assert_int_equal(window.pfn, 5);
	assert_int_equal(window.count, MEMORY_WINDOW_PAGES);

	/* Inside of the window: not mapped again. */
	base = window.base;
	assert_int_equal(memory_map(memory, &window, 9, 100, far + 1, &bytes, &err), 0);
	expect_mark(bytes, 9);
	assert_ptr_equal(window.base, base);
	assert_ptr_equal(bytes, base + 4 * FRAME_SIZE);

	assert_int_equal(memory_map(memory, &window, far, 1, far + 1, &bytes, &err), 0);
	expect_mark(bytes, far);
	assert_int_equal(window.pfn, far);
	assert_int_equal(window.count, 1);

	assert_int_equal(memory_map(memory, &window, 5, 1, 6, &bytes, &err), 0);
	expect_mark(bytes, 5);
	memory_unmap(&window);
	assert_null(window.base);
}

static void test_window_keeps_to_its_limit(void **state)
{
	struct memory *memory = open_frames(*state, 100, 0);
	struct memory_window window = { 0 };
	struct error err = { 0 };
	const void *bytes = NULL;

	assert_int_equal(memory_map(memory, &window, 10, 2, 20, &bytes, &err), 0);
	assert_int_equal(window.count, 10);
	/* The end of the file is a limit as well, though not an error. */
	assert_int_equal(memory_map(memory, &window, 90, 2, 4096, &bytes, &err), 0);
	assert_int_equal(window.count, 10);
	assert_int_equal(memory_map(memory, &window, 10, 11, 20, &bytes, &err), -EINVAL);
	assert_int_equal(memory_map(memory, &window, 21, 1, 20, &bytes, &err), -EINVAL);
	assert_int_equal(memory_map(memory, &window, 10, 0, 20, &bytes, &err), -EINVAL);
	assert_int_equal(
		memory_map(memory, &window, 0, MEMORY_WINDOW_PAGES + 1, UINT64_MAX, &bytes, &err),
		-EINVAL);
	memory_unmap(&window);
}

static void test_window_stops_at_4g(void **state)
{
	struct memory *memory = open_frames(*state, BORDER + 100, 0);
	struct memory_window window = { 0 };
	struct error err = { 0 };
	const void *bytes = NULL;

	mark(*state, BORDER - 3);
	mark(*state, BORDER);
	assert_int_equal(memory_map(memory, &window, BORDER - 3, 1, BORDER + 50, &bytes, &err), 0);
	expect_mark(bytes, BORDER - 3);
	assert_int_equal(window.count, 3);
	assert_int_equal(memory_map(memory, &window, BORDER, 1, BORDER + 50, &bytes, &err), 0);
	expect_mark(bytes, BORDER);
	assert_int_equal(window.count, 50);
	memory_unmap(&window);
}

static void test_beyond_the_end(void **state)
{
	struct memory *memory = open_frames(*state, 10, 100);
	struct memory_window window = { 0 };
	struct error err = { 0 };
	const void *bytes = NULL;
	void *base = NULL;

	assert_int_equal(memory_map(memory, &window, 9, 1, 20, &bytes, &err), 0);
	/* Part of a frame is no frame. */
	assert_int_equal(memory_map(memory, &window, 9, 2, 20, &bytes, &err), -EIO);
	assert_int_equal(err.code, EIO);
	assert_non_null(strstr(err.text, "beyond its end"));
	assert_int_equal(memory_map(memory, &window, 1000, 1, 2000, &bytes, &err), -EIO);
	assert_int_equal(memory_map(memory, &window, UINT64_MAX - 1, 1, UINT64_MAX, &bytes, &err),
			 -EIO);
	assert_int_equal(memory_map_rw(memory, 10 * FRAME_SIZE, FRAME_SIZE, &base, &err), -EIO);
	assert_null(base);
	memory_unmap(&window);
}

static void test_map_rw(void **state)
{
	const struct fixture *fixture = *state;
	struct memory *memory = open_frames(*state, 10, 0);
	struct error err = { 0 };
	void *base = NULL;
	char byte = 0;

	assert_int_equal(memory_map_rw(memory, 100, FRAME_SIZE, &base, &err), -EINVAL);
	assert_int_equal(memory_map_rw(memory, FRAME_SIZE, 100, &base, &err), -EINVAL);
	assert_int_equal(memory_map_rw(memory, FRAME_SIZE, 0, &base, &err), -EINVAL);
	assert_int_equal(memory_map_rw(memory, 3 * FRAME_SIZE, 2 * FRAME_SIZE, &base, &err), 0);
	((char *)base)[FRAME_SIZE] = 'x';
	munmap(base, 2 * FRAME_SIZE);
	assert_int_equal(pread(fixture->fd, &byte, 1, 4 * FRAME_SIZE), 1);
	assert_int_equal(byte, 'x');
}

static void test_open_fails(void **state)
{
	struct memory *memory = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(memory_open("/nonexistent", &memory, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent"));
	assert_null(memory);
}

static void expect_tail(const char *log, size_t max, const char *expected)
{
	char *copy = malloc(strlen(log)); /* without its NUL: ASan sees every byte too many */
	char ret[64];
	size_t size;

	assert_true(max <= sizeof(ret));
	assert_non_null(copy);
	memcpy(copy, log, strlen(log));
	size = memory_log_tail(copy, strlen(log), ret, max);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(ret, expected, size);
	free(copy);
}

static void test_log_tail(void **state)
{
	(void)state;
	expect_tail("", 10, "");
	expect_tail("one\ntwo\n", 10, "one\ntwo\n");
	expect_tail("one\ntwo\n", 8, "one\ntwo\n");
	expect_tail("one\ntwo\n", 7, "two\n");
	expect_tail("one\ntwo\n", 4, "two\n");
	expect_tail("one\ntwo\nthree\n", 12, "two\nthree\n");
	expect_tail("one\nlonger than the room\n", 8, "he room\n");
	expect_tail("one\ntwo", 5, "two");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_window_slides, setup, teardown),
		cmocka_unit_test_setup_teardown(test_window_keeps_to_its_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_window_stops_at_4g, setup, teardown),
		cmocka_unit_test_setup_teardown(test_beyond_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_map_rw, setup, teardown),
		cmocka_unit_test(test_open_fails),
		cmocka_unit_test(test_log_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
