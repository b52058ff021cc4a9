/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handoff area and mailbox: what is accepted, and above all what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "tests/unit/fake-machine.h"

static int home_address(const char *cmdline, uint64_t *ret)
{
	char path[] = "/tmp/kjump-test-XXXXXX";
	struct error err = { 0 };
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, cmdline, strlen(cmdline)), strlen(cmdline));
	close(fd);
	r = memory_home_address(path, ret, &err);
	assert_int_equal(r, -err.code);
	unlink(path);
	return r;
}

static void test_home_address(void **state)
{
	struct error err = { 0 };
	uint64_t home = 0;

	(void)state;
	assert_int_equal(home_address("quiet kjump.home=0x12c00000 nr_cpus=1\n", &home), 0);
	assert_int_equal(home, 0x12c00000);
	assert_int_equal(home_address("kjump.home=0x200000", &home), 0);
	assert_int_equal(home, 0x200000);
	assert_int_equal(home_address("kjump.home=0x200000 kjump.home=0x400000\n", &home), 0);
	assert_int_equal(home, 0x400000);

	assert_int_equal(home_address("", &home), -ENOENT);
	assert_int_equal(home_address("quiet\n", &home), -ENOENT);
	assert_int_equal(home_address("xkjump.home=0x200000\n", &home), -ENOENT);
	assert_int_equal(home_address("kjump.home=\n", &home), -EINVAL);
	assert_int_equal(home_address("kjump.home=0\n", &home), -EINVAL);
	assert_int_equal(home_address("kjump.home=-0x200000\n", &home), -EINVAL);
	assert_int_equal(home_address("kjump.home=0x200000k\n", &home), -EINVAL);
	assert_int_equal(home_address("kjump.home=0x201000\n", &home), -EINVAL);
	assert_int_equal(home_address("kjump.home=0xffffffffffe00000\n", &home), -EINVAL);
	assert_int_equal(home_address("kjump.home=0x10000000000200000\n", &home), -EINVAL);
	assert_int_equal(home, 0x400000);
	assert_int_equal(memory_home_address("/nonexistent", &home, &err), -ENOENT);
}

static int map_handoff(struct fake_machine *fake, uint64_t home, struct error *err)
{
	struct handoff_view view = { 0 };
	int r = memory_handoff(fake->memory, home, &view, err);

	assert_int_equal(r, -err->code);
	if (r) {
		assert_null(view.handoff);
		return r;
	}
	assert_memory_equal(view.handoff, &fake->handoff, sizeof(fake->handoff));
	assert_memory_equal(view.live, &fake->live, sizeof(fake->live));
	munmap(view.live, HEAD_SIZE - HEAD_LIVE);
	return 0;
}

static void expect_handoff(struct fake_machine *fake, int code, const char *words)
{
	struct error err = { 0 };

	assert_int_equal(map_handoff(fake, FAKE_HOME, &err), -code);
	assert_non_null(strstr(err.text, words));
}

static void test_handoff(void **state)
{
	struct error err = { 0 };

	assert_int_equal(map_handoff(*state, FAKE_HOME, &err), 0);
	assert_int_equal(map_handoff(*state, FAKE_HOME + 0x200000, &err), -EINVAL);
	assert_int_equal(map_handoff(*state, FAKE_SIZE, &err), -EIO);
}

static void test_handoff_magic(void **state)
{
	struct fake_machine *fake = *state;

	fake->handoff.magic[7] ^= 1;
	fake_write_head(fake);
	expect_handoff(fake, EINVAL, "bad magic");
}

static void test_handoff_version(void **state)
{
	struct fake_machine *fake = *state;

	fake->handoff.version++;
	fake_write_head(fake);
	expect_handoff(fake, ENOTSUP, "version");
}

static void test_handoff_live_page(void **state)
{
	struct fake_machine *fake = *state;

	fake->live.version++;
	fake_write_head(fake);
	expect_handoff(fake, ENOTSUP, "live page");
	fake->live.magic[0] ^= 1;
	fake_write_head(fake);
	expect_handoff(fake, EINVAL, "live page: bad magic");
}

/* Every single byte is covered by the checksum; look at some, the first and last among them. */
static void test_handoff_checksum(void **state)
{
	struct fake_machine *fake = *state;
	const size_t first = offsetof(struct handoff, crc);
	size_t offset;

	for (offset = first; offset < sizeof(fake->handoff); offset += 1009) {
		unsigned char byte = ((unsigned char *)&fake->handoff)[offset] ^ 0x10;

		fake_write_head(fake);
		fake_write(fake, &byte, 1, FAKE_HOME + HEAD_HANDOFF + offset);
		expect_handoff(fake, EBADMSG, "checksum");
	}
	fake_write_head(fake);
	fake_write(fake, "x", 1, FAKE_HOME + HEAD_HANDOFF + sizeof(fake->handoff) - 1);
	expect_handoff(fake, EBADMSG, "checksum");
}

static void test_handoff_counts(void **state)
{
	struct fake_machine *fake = *state;
	uint32_t *const counts[] = {
		&fake->handoff.home_count,
		&fake->handoff.ram_count,
		&fake->handoff.firmware_count,
		&fake->handoff.vmcoreinfo_size,
	};
	const uint32_t limits[] = { HANDOFF_HOME_MAX, HANDOFF_RAM_MAX, HANDOFF_FIRMWARE_MAX,
				    HANDOFF_VMCOREINFO };
	struct error err = { 0 };
	size_t i;

	for (i = 0; i < 4; i++) {
		uint32_t saved = *counts[i];

		*counts[i] = limits[i];
		fake_write_head(fake);
		assert_int_equal(map_handoff(fake, FAKE_HOME, &err), 0);
		*counts[i] = limits[i] + 1;
		fake_write_head(fake);
		expect_handoff(fake, EBADMSG, "count");
		*counts[i] = UINT32_MAX;
		fake_write_head(fake);
		expect_handoff(fake, EBADMSG, "count");
		*counts[i] = saved;
	}
}

static void test_handoff_text(void **state)
{
	struct fake_machine *fake = *state;

	memset(fake->handoff.release, 'x', sizeof(fake->handoff.release));
	fake_write_head(fake);
	expect_handoff(fake, EBADMSG, "unterminated");
}

static void test_handoff_of_another_home(void **state)
{
	struct fake_machine *fake = *state;

	fake->handoff.home_start += 0x200000;
	fake_write_head(fake);
	expect_handoff(fake, EBADMSG, "made for a home");
}

static void expect_mailbox(struct fake_machine *fake, int code, const char *words)
{
	struct mailbox *mailbox = NULL;
	struct error err = { 0 };
	int r;

	fake_write_mailbox(fake);
	r = memory_mailbox(fake->memory, &fake->handoff, &mailbox, &err);
	assert_int_equal(r, -code);
	assert_int_equal(r, -err.code);
	if (r) {
		assert_null(mailbox);
		assert_non_null(strstr(err.text, words));
		return;
	}
	assert_memory_equal(mailbox, &fake->mailbox, sizeof(fake->mailbox));
	munmap(mailbox, sizeof(*mailbox));
}

static void test_mailbox(void **state)
{
	struct fake_machine *fake = *state;

	expect_mailbox(fake, 0, "");
	fake->mailbox.magic[0] ^= 1;
	expect_mailbox(fake, ESTALE, "magic");
	fake->mailbox.magic[0] ^= 1;
	fake->mailbox.version++;
	expect_mailbox(fake, ESTALE, "version");
	fake->mailbox.version--;
	fake->mailbox.nonce[15] ^= 1;
	expect_mailbox(fake, ESTALE, "nonce");
	fake->mailbox.nonce[15] ^= 1;
	fake->mailbox.answered = fake->mailbox.sequence;
	expect_mailbox(fake, ESTALE, "no request");
	fake->mailbox.answered = 0; /* requests before were given up */
	expect_mailbox(fake, 0, "");
}

static void test_mailbox_place(void **state)
{
	static const uint64_t bad[] = {
		FAKE_HOME >> FRAME_SHIFT,	/* the home */
		(FAKE_HOME >> FRAME_SHIFT) - 1, /* reaches into it */
		0x1600,				/* a hole */
		0x15ff,				/* reaches into a hole */
		FAKE_FRAMES,			/* no RAM */
		UINT64_C(1) << 52,		/* no address */
		UINT64_MAX,
	};
	struct fake_machine *fake = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake->handoff.mailbox_pfn = bad[i];
		expect_mailbox(fake, ESTALE, "RAM");
	}
}

static void test_outcome(void **state)
{
	struct fake_machine *fake = *state;
	struct outcome outcome = { .result = RESULT_FAILED, .error = EIO, .data_pages = 42 };
	struct mailbox *mailbox = NULL, copy;
	struct error err = { 0 };

	assert_int_equal(memory_mailbox(fake->memory, &fake->handoff, &mailbox, &err), 0);
	memory_outcome_store(mailbox, &outcome);
	munmap(mailbox, sizeof(*mailbox));
	assert_int_equal(pread(fake->fd, &copy, sizeof(copy), FAKE_MAILBOX << FRAME_SHIFT),
			 sizeof(copy));
	assert_int_equal(copy.answered, fake->mailbox.sequence);
	assert_memory_equal(&copy.outcome, &outcome, sizeof(outcome));
	assert_memory_equal(&copy.request, &fake->mailbox.request, sizeof(copy.request));
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_home_address),	 WITH_FAKE(test_handoff),
		WITH_FAKE(test_handoff_magic),		 WITH_FAKE(test_handoff_version),
		WITH_FAKE(test_handoff_live_page),	 WITH_FAKE(test_handoff_checksum),
		WITH_FAKE(test_handoff_counts),		 WITH_FAKE(test_handoff_text),
		WITH_FAKE(test_handoff_of_another_home), WITH_FAKE(test_mailbox),
		WITH_FAKE(test_mailbox_place),		 WITH_FAKE(test_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
