/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory blocks that are offline when a restore begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "restore/blocks.h"
#include "tests/unit/fake-sys.h"
#include "text/files.h"

#define BLOCK  (UINT64_C(128) << 20)
#define FRAMES (BLOCK / FRAME_SIZE)

static char directory[FAKE_SYS_PATH];

static void put(const char *name, const char *text)
{
	fake_sys_file(directory, text, "%s", name);
}

static void put_block(const char *name, const char *text)
{
	fake_sys_file(directory, text, "%s/state", name);
}

static const char *state_of(const char *name)
{
	static char text[64];
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/state", directory, name);
	assert_true(file_read_start(path, text, sizeof(text)) >= 0);
	/* What was written over a longer state ends at its end. */
	return strtok(text, "\n");
}

static void make_blocks(void)
{
	put("block_size_bytes", "8000000\n");
	put("auto_online_blocks", "offline\n");
	put_block("memory0", "online\n");
	put_block("memory32", "offline\n");
	put_block("memory33", "offline\n");
	put_block("memory34", "going-offline\n");
	put_block("memory99999999999999999999", "offline\n");
	put_block("memoryx", "offline\n");
}

/* Those that the saved system had, as far as it had any of it; and back. */
static void those_of_the_image(void **state)
{
	struct run of[] = { { 0, FRAMES }, { 33 * FRAMES + 5, 1 }, { 34 * FRAMES, 10 } };
	const struct runs ram = { .v = of, .n = 3 };
	struct blocks blocks = { 0 };
	struct error err = { 0 };

	(void)state;
	make_blocks();
	assert_int_equal(blocks_offline(directory), 2 * BLOCK);
	assert_int_equal(blocks_bring_online(directory, &ram, &blocks, &err), 0);
	assert_int_equal(blocks.count, 1);
	assert_string_equal(state_of("memory0"), "online");
	assert_string_equal(state_of("memory32"), "offline");
	assert_string_equal(state_of("memory33"), "online_movable");
	assert_string_equal(state_of("memory34"), "going-offline");
	assert_string_equal(state_of("memoryx"), "offline");
	blocks_give_back(&blocks);
	assert_memory_equal(state_of("memory33"), "offline", 7);
	assert_string_equal(state_of("memory0"), "online");
	assert_null(blocks.numbers);
	blocks_give_back(&blocks);
}

/* A kernel without memory hot-plug, or one whose files say nothing that makes sense. */
static void none(void **state)
{
	struct run of[] = { { 0, 1 } };
	const struct runs ram = { .v = of, .n = 1 };
	struct blocks blocks = { 0 };
	struct error err = { 0 };
	char path[256];

	(void)state;
	put_block("memory0", "offline\n");
	for (size_t i = 0; i < 3; i++) {
		put("block_size_bytes", (const char *[]){ "0\n", "rubbish\n", "801\n" }[i]);
		assert_int_equal(blocks_offline(directory), 0);
		assert_int_equal(blocks_bring_online(directory, &ram, &blocks, &err), 0);
		assert_int_equal(blocks.count, 0);
	}
	snprintf(path, sizeof(path), "%s/no-such-directory", directory);
	assert_int_equal(blocks_offline(path), 0);
	assert_int_equal(blocks_bring_online(path, &ram, &blocks, &err), 0);
	blocks_give_back(&blocks);
	make_blocks();
}

static int make(void **state)
{
	(void)state;
	fake_sys_make(directory);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	fake_sys_remove(directory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_the_image),
		cmocka_unit_test(none),
	};

	return cmocka_run_group_tests_name("blocks", tests, make, drop);
}
