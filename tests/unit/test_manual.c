/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel B that was loaded by hand: what it finds out, and what it refuses to believe. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "memory/manual.h"
#include "tests/unit/fake-machine.h"
#include "writer/cmdline-request.h"

/* What kexec-tools makes of --mem-min=0x1000 --mem-max=0xbfffff on the fake machine. */
#define IOMEM                                                                                      \
	"00001000-0009efff : System RAM\n"                                                         \
	"00100000-00bfffff : System RAM\n"                                                         \
	"  00400000-004fffff : Kernel code\n"
#define ENTRY "kexec_jump_back_entry=0x12340f2"

struct fixture {
	struct fake_machine *fake;
	char directory[32], cmdline[64], iomem[64], firmware[64];
	struct manual_paths paths;
};

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void write_range(const struct fixture *fixture, unsigned i, const char *start,
			const char *end)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%u", fixture->firmware, i);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%u/start", fixture->firmware, i);
	write_text(path, start);
	snprintf(path, sizeof(path), "%s/%u/end", fixture->firmware, i);
	write_text(path, end);
	snprintf(path, sizeof(path), "%s/%u/type", fixture->firmware, i);
	write_text(path, "System RAM\n");
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fake_setup((void **)&fixture->fake);
	strcpy(fixture->directory, "/tmp/kjump-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->cmdline, sizeof(fixture->cmdline), "%s/cmdline", fixture->directory);
	snprintf(fixture->iomem, sizeof(fixture->iomem), "%s/iomem", fixture->directory);
	snprintf(fixture->firmware, sizeof(fixture->firmware), "%s/memmap", fixture->directory);
	fixture->paths =
		(struct manual_paths){ fixture->cmdline, fixture->iomem, fixture->firmware };
	mkdir(fixture->firmware, 0700);
	write_range(fixture, 0, "0x0", "0x9fbff");
	write_range(fixture, 1, "0x100000", "0x1ffffff");
	write_text(fixture->iomem, IOMEM);
	write_text(fixture->cmdline, "nokaslr " ENTRY "\n");
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", fixture->directory);
	assert_int_equal(system(command), 0);
	fake_teardown((void **)&fixture->fake);
	free(fixture);
	return 0;
}

static void expect_refused(struct fixture *fixture, const char *words)
{
	struct handoff_view view = { 0 };
	struct error err = { 0 };

	assert_true(manual_handoff(fixture->fake->memory, &fixture->paths, &view, &err) < 0);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, err.text);
	assert_ptr_equal(strstr(err.text, "kernel B started by hand: "), err.text);
	manual_free(&view);
}

static void test_started(void **state)
{
	struct fixture *fixture = *state;

	assert_true(manual_started(fixture->cmdline));
	write_text(fixture->cmdline, "kjump.home=0x800000 " ENTRY);
	assert_false(manual_started(fixture->cmdline));
	write_text(fixture->cmdline, "kjump.target=x");
	assert_false(manual_started(fixture->cmdline));
	assert_false(manual_started("/nonexistent"));
}

static void test_found(void **state)
{
	struct fixture *fixture = *state;
	struct handoff_view view = { 0 };
	struct error err = { 0 };
	const struct handoff *handoff;

	assert_int_equal(manual_or_handoff(fixture->fake->memory, &fixture->paths, &view, &err), 0);
	handoff = view.handoff;
	assert_true(view.manual);
	assert_int_equal(view.live->entry, FAKE_ENTRY);
	assert_int_equal(handoff->ram_count, 2);
	assert_int_equal(handoff->ram[0].pfn, 1);
	assert_int_equal(handoff->ram[0].count, 0x9e);
	assert_int_equal(handoff->ram[1].pfn, 0x100);
	assert_int_equal(handoff->ram[1].count, 0x1f00);
	assert_int_equal(handoff->home_count, 2);
	assert_int_equal(handoff->home[1].pfn, 0x100);
	assert_int_equal(handoff->home[1].count, 0xb00);
	assert_int_equal(handoff->home_start, 0x200000);
	assert_int_equal(handoff->mailbox_pfn, 0);
	assert_int_equal(handoff->saved_context, 0);
	assert_int_equal(handoff->vmcoreinfo_size, 0);
	assert_string_equal(handoff->release, "unknown");
	manual_free(&view);
}

static void test_entry_is_checked(void **state)
{
	struct fixture *fixture = *state;

	/* what a plain kexec leaves there */
	write_text(fixture->cmdline, "kexec_jump_back_entry=0x2a8d3f2e0fa5b2c1");
	expect_refused(fixture, "not in the machine's RAM");
	write_text(fixture->cmdline, "kexec_jump_back_entry=0x12340f4");
	expect_refused(fixture, "no call instruction before it");
	write_text(fixture->cmdline, "kexec_jump_back_entry=0x500000");
	expect_refused(fixture, "not in the machine's RAM");
	write_text(fixture->cmdline, "kexec_jump_back_entry=0x0");
	expect_refused(fixture, "not in the machine's RAM");
	write_text(fixture->cmdline, "kexec_jump_back_entry=");
	expect_refused(fixture, "no address");
	write_text(fixture->cmdline, "kexec_jump_back_entry=0x12340f2z");
	expect_refused(fixture, "no address");
	write_text(fixture->cmdline, "kexec_jump_back_entry=0x10000000012340f20");
	expect_refused(fixture, "no address");
}

static void test_memory_is_checked(void **state)
{
	struct fixture *fixture = *state;

	write_text(fixture->iomem, "00001000-0009efff : System RAM\n"
				   "00100000-01ffffff : System RAM\n");
	expect_refused(fixture, "--pass-memmap-cmdline");
	write_text(fixture->iomem, "00001000-0009efff : System RAM\n"
				   "00100000-00bfffff : System RAM\n"
				   "01400000-014fffff : Kernel code\n");
	expect_refused(fixture, "load it with nokaslr");
	write_text(fixture->iomem, "00001000-0009efff : System RAM\n"
				   "  00001000-00001fff : Kernel code\n");
	expect_refused(fixture, "no 2 MiB of memory");
	write_text(fixture->iomem, "");
	expect_refused(fixture, "no System RAM");
}

static int request(struct fixture *fixture, const char *cmdline, const char *words,
		   struct mailbox *ret)
{
	struct error err = { 0 };
	int r;

	write_text(fixture->cmdline, cmdline);
	r = cmdline_request(fixture->cmdline, ret, &err);
	if (r && !strstr(err.text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, err.text);
	return r;
}

static void test_request(void **state)
{
	struct fixture *fixture = *state;
	struct mailbox *mailbox = malloc(sizeof(*mailbox));

	assert_non_null(mailbox);
	assert_int_equal(request(fixture, "iomem=relaxed kjump.target=UUID=x kjump.op=hibernate",
				 "", mailbox),
			 0);
	assert_int_equal(mailbox->request.operation, OP_HIBERNATE);
	assert_string_equal(mailbox->request.target, "UUID=x");
	assert_int_equal(mailbox->request.flags, REQUEST_SAVE_ALL);
	assert_int_equal(mailbox->request.watch_count, 0);
	assert_int_equal(request(fixture, "iomem=relaxed kjump.target=UUID=x kjump.op=checkpoint",
				 "", mailbox),
			 0);
	assert_int_equal(mailbox->request.operation, OP_CHECKPOINT);
	/* The kernel's grammar: blanks in quotes, words of others, and what is for init. */
	assert_int_equal(request(fixture,
				 "iomem=relaxed kjump.target=\"LABEL=a b\" kjump.op=hibernate "
				 "x=\"kjump.op=checkpoint y\" -- kjump.op=checkpoint",
				 "", mailbox),
			 0);
	assert_int_equal(mailbox->request.operation, OP_HIBERNATE);
	assert_string_equal(mailbox->request.target, "LABEL=a b");

	assert_true(request(fixture, "kjump.target=x kjump.op=hibernate", "iomem=relaxed",
			    mailbox) < 0);
	assert_true(request(fixture, "iomem=relaxed kjump.op=hibernate",
			    "no kjump.target=", mailbox) < 0);
	assert_true(request(fixture, "iomem=relaxed kjump.target=x", "no kjump.op=", mailbox) < 0);
	assert_true(request(fixture, "iomem=relaxed kjump.target=x kjump.op=suspend",
			    "neither checkpoint nor hibernate", mailbox) < 0);
	free(mailbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_started, setup, teardown),
		cmocka_unit_test_setup_teardown(test_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_entry_is_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_is_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_request, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
