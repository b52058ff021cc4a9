/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel B that was there before: whether it can be loaded again, and what is loaded. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crc32c.h"
#include "jump/jump.h"
#include "jump/kexec.h"
#include "memory/memory.h"
#include "temp-file.h"

#define HOME	  UINT64_C(0x8800000)
#define HOME_SIZE UINT64_C(0x400000)
#define CMDLINE	  "console=ttyS0 nokaslr"
#define MIB	  (UINT64_C(1) << 20)

/* --- what is loaded --- */

static struct {
	uint64_t entry;
	struct kexec_part parts[KEXEC_SEGMENTS];
	size_t count;
} loaded;

static int load(uint64_t entry, const struct kexec_part *parts, size_t count, struct error *err)
{
	(void)err;
	loaded.entry = entry;
	loaded.count = count;
	memcpy(loaded.parts, parts, count * sizeof(*parts));
	return 0;
}

static const struct jump_backend backend = { .name = "test", .load = load };

struct fixture {
	struct handoff handoff; /* of the system that runs now */
	struct jump_again again;
};

static void seal(struct handoff *handoff)
{
	handoff->crc = 0;
	handoff->crc = crc32c(0, handoff, sizeof(*handoff));
}

static struct handoff *old_handoff(struct fixture *fixture)
{
	return (struct handoff *)(fixture->again.home + HEAD_HANDOFF);
}

static void put(struct fixture *fixture, size_t offset, uint64_t value)
{
	memcpy(fixture->again.home + HEAD_THUNK + offset, &value, sizeof(value));
}

/* A machine with two ranges of low memory, and a kernel B of it that has jumped back. */
static int make(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct handoff *handoff = &fixture->handoff, *old;
	struct live_page live = { .magic = LIVE_MAGIC, .version = ABI_VERSION, .jumps = 3 };

	handoff->ram[0] = (struct run){ 0, 0x80 };
	handoff->ram[1] = (struct run){ 0x90, 0xf };
	handoff->ram[2] = (struct run){ 0x100, 0x20000 };
	handoff->ram_count = 3;
	handoff->firmware[0] = (struct firmware_range){ 0, 0x9fc00, 1, 0 };
	handoff->firmware_count = 1;
	handoff->cpu_signature = 0x806ec;
	handoff->mailbox_pfn = 0x1000;
	fixture->again = (struct jump_again){ .backend = &backend,
					      .home_start = HOME,
					      .home_size = HOME_SIZE,
					      .home = aligned_alloc(FRAME_SIZE, HOME_SIZE),
					      .low = aligned_alloc(FRAME_SIZE, JUMP_LOW_SIZE),
					      .handoff = handoff };
	memset(fixture->again.home, 0x11, HOME_SIZE);
	memset(fixture->again.low, 0x22, JUMP_LOW_SIZE);
	old = old_handoff(fixture);
	*old = *handoff;
	memcpy(old->magic, HANDOFF_MAGIC, sizeof(old->magic));
	old->version = ABI_VERSION;
	old->home_start = HOME;
	old->home[0] = (struct run){ 1, 0x7f };
	old->home[1] = (struct run){ 0x90, 0xf };
	old->home[2] = (struct run){ HOME >> FRAME_SHIFT, HOME_SIZE >> FRAME_SHIFT };
	old->home_count = 3;
	old->mailbox_pfn = 0x2000;
	seal(old);
	memcpy(fixture->again.home + HEAD_LIVE, &live, sizeof(live));
	sprintf((char *)fixture->again.home + HEAD_CMDLINE,
		CMDLINE " kjump.home=0x8800000 memmap=256K$0x8800000");
	put(fixture, THUNK_HAS_PEER, 1);
	put(fixture, THUNK_PEER, HOME + 0x300000);
	*state = fixture;
	return 0;
}

static int end(void **state)
{
	struct fixture *fixture = *state;

	free(fixture->again.home);
	free(fixture->again.low);
	free(fixture);
	return 0;
}

static void test_loaded_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct live_page live = { .magic = LIVE_MAGIC, .version = ABI_VERSION };
	struct error err = { 0 };

	assert_int_equal(jump_again_check(&fixture->again, CMDLINE, &err), 0);
	assert_int_equal(jump_load_again(&fixture->again, &err), 0);
	/* Into the thunk, where a kernel B that is warm is entered. */
	assert_int_equal(loaded.entry, HOME + HEAD_THUNK + THUNK_AGAIN);
	assert_int_equal(loaded.count, 3);
	assert_int_equal(loaded.parts[0].address, 0x1000);
	assert_int_equal(loaded.parts[0].size, 0x7f000);
	assert_ptr_equal(loaded.parts[0].buffer, fixture->again.low + 0x1000);
	assert_int_equal(loaded.parts[1].address, 0x90000);
	assert_ptr_equal(loaded.parts[1].buffer, fixture->again.low + 0x90000);
	assert_int_equal(loaded.parts[2].address, HOME);
	assert_int_equal(loaded.parts[2].size, HOME_SIZE);
	assert_int_equal(loaded.parts[2].buffer_size, HOME_SIZE);
	/* All is as it was but for what A tells. */
	assert_memory_equal(fixture->again.home + HEAD_LIVE, &live, sizeof(live));
	assert_int_equal(old_handoff(fixture)->mailbox_pfn, 0x1000);
	assert_int_equal(jump_again_check(&fixture->again, CMDLINE, &err), -EINVAL);
	for (size_t i = HEAD_SETUP_DATA; i < HOME_SIZE; i++)
		assert_int_equal(fixture->again.home[i], 0x11);
}

static void refused(struct fixture *fixture, const char *word)
{
	struct error err = { 0 };

	assert_int_equal(jump_again_check(&fixture->again, CMDLINE, &err), -EINVAL);
	assert_non_null(strstr(err.text, word));
}

static void test_another_machine(void **state)
{
	struct fixture *fixture = *state;
	struct handoff *now = &fixture->handoff;
	struct error err = { 0 };

	now->firmware[0].size += 0x400;
	refused(fixture, "firmware");
	now->firmware[0].size -= 0x400;
	now->facs_signature++;
	refused(fixture, "firmware");
	now->facs_signature--;
	now->cpuid[CPUID_7_0_EBX] ^= 1;
	refused(fixture, "processor");
	now->cpuid[CPUID_7_0_EBX] ^= 1;
	now->cpu_features ^= CPU_FEATURE_LA57;
	refused(fixture, "processor");
	now->cpu_features ^= CPU_FEATURE_LA57;
	now->ram[1].count--;
	refused(fixture, "other memory");
	now->ram[1].count++;
	assert_int_equal(jump_again_check(&fixture->again, CMDLINE " quiet", &err), -EINVAL);
	assert_non_null(strstr(err.text, "command line"));
	/* A's own memory and kernel may be others. */
	now->ram[2].count += 512;
	strcpy(now->release, "6.18.0");
	assert_int_equal(jump_again_check(&fixture->again, CMDLINE, &err), 0);
}

static void test_no_kernel_that_waits(void **state)
{
	struct fixture *fixture = *state;
	struct live_page *live = (struct live_page *)(fixture->again.home + HEAD_LIVE);
	struct handoff *old = old_handoff(fixture);
	struct error err = { 0 };

	put(fixture, THUNK_HAS_PEER, 0);
	refused(fixture, "does not wait");
	put(fixture, THUNK_HAS_PEER, 1);
	put(fixture, THUNK_PEER, HOME + HOME_SIZE);
	refused(fixture, "does not wait");
	put(fixture, THUNK_PEER, 0x9a000);
	assert_int_equal(jump_again_check(&fixture->again, CMDLINE, &err), 0);
	live->jumps = 0;
	refused(fixture, "does not wait");
	live->jumps = 1;
	old->mailbox_pfn++;
	refused(fixture, "not whole");
	seal(old);
	assert_int_equal(jump_again_check(&fixture->again, CMDLINE, &err), 0);
	old->home_start += 2 * MIB;
	seal(old);
	refused(fixture, "other memory");
}

/* --- the place --- */

static void test_place(void **state)
{
	const struct run ram[] = { { 1, 158 }, { 256, 64 * 256 - 256 } },
			 mailbox = { 30 * 256, 512 };
	const struct runs ram_runs = { .v = (struct run *)ram, .n = 2 };
	const struct runs avoid = { .v = (struct run *)&mailbox, .n = 1 };
	uint64_t *flags = calloc(64 * 256, sizeof(*flags));
	struct error err = { 0 };
	char path[TEMP_FILE_PATH];
	FILE *file;

	(void)state;
	temp_file(path, "");
	for (size_t i = 0; i < 64 * 256; i++)
		flags[i] = UINT64_C(1) << 10; /* free: as good as any */
	flags[40 * 256 + 3] = UINT64_C(1) << 32;
	file = fopen(path, "w");
	assert_int_equal(fwrite(flags, sizeof(*flags), 64 * 256, file), 64 * 256);
	fclose(file);
	free(flags);
#define CHECK(from, size) jump_place_check(&ram_runs, &avoid, path, (from)*MIB, (size)*MIB, &err)
	assert_int_equal(CHECK(2, 28), 0);
	assert_int_equal(CHECK(32, 8), 0);
	assert_int_equal(CHECK(42, 22), 0);
	assert_int_equal(CHECK(2, 30), -EADDRNOTAVAIL);	 /* the mailbox */
	assert_int_equal(CHECK(32, 10), -EADDRNOTAVAIL); /* reserved */
	assert_int_equal(CHECK(60, 6), -EADDRNOTAVAIL);	 /* the end of memory */
	assert_int_equal(CHECK(0, 4), -EADDRNOTAVAIL);	 /* no RAM */
	assert_int_equal(CHECK(3, 4), -EADDRNOTAVAIL);	 /* not aligned */
	unlink(path);
}

/* --- random numbers --- */

static void test_entropy(void **state)
{
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));
	char path[TEMP_FILE_PATH];
	struct error err = { 0 };

	(void)state;
	temp_file(path, "");
	/* Taken already. */
	assert_int_equal(memory_entropy_take(mailbox, "/nonexistent", &err), 0);
	/* What cannot be taken stays, for who tries next, and is an error. */
	memset(mailbox->request.entropy, 0x5a, REQUEST_ENTROPY);
	assert_int_equal(memory_entropy_take(mailbox, "/nonexistent", &err), -ENOENT);
	assert_int_equal(memory_entropy_take(mailbox, path, &err), -ENOTTY);
	assert_int_equal(mailbox->request.entropy[REQUEST_ENTROPY - 1], 0x5a);
	unlink(path);
	free(mailbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loaded_as_it_was, make, end),
		cmocka_unit_test_setup_teardown(test_another_machine, make, end),
		cmocka_unit_test_setup_teardown(test_no_kernel_that_waits, make, end),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_entropy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
