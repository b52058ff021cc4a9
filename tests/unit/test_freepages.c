/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The free-page finder on made-up kernels of several versions, and every gate that stops it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake-kernel.h"
#include "memory/freepages.h"

/* Free blocks of several orders, one across pages of the memory map, one beside the hole. */
static void fill(struct fake_kernel *kernel)
{
	kernel_set_free(kernel, 2048, 10);
	kernel_set_free(kernel, 3072, 10); /* touches the first */
	kernel_set_free(kernel, 5001, 0);
	kernel_set_free(kernel, 5120, 3);
	kernel_set_free(kernel, 12280, 3); /* ends where the hole begins */
	kernel_set_free(kernel, 12800, 4); /* begins where it ends */
	kernel_set_type(kernel, 6000, kernel->version.offline);
	kernel_page(kernel, 6100)[kernel->version.hwpoison_bit / 8] |=
		1 << kernel->version.hwpoison_bit % 8;
	kernel_set_counter(kernel, kernel->counted);
}

static int find(struct fake_kernel *kernel, struct free_pages *pages, struct error *err)
{
	const struct frozen frozen = kernel_frozen(kernel);

	*pages = (struct free_pages){ 0 };
	return free_pages_find(&frozen, kernel->vmcoreinfo, 0, pages, err);
}

static void assert_runs(const struct runs *runs, const struct run *wanted, size_t count)
{
	assert_int_equal(runs->n, count);
	assert_memory_equal(runs->v, wanted, count * sizeof(*wanted));
}

static void every_version(void **state)
{
	static const struct run wanted[] = {
		{ 2048, 2048 }, { 5001, 1 }, { 5120, 8 }, { 12280, 8 }, { 12800, 16 }
	};
	static const struct run untouchable[] = { { 6000, 1 }, { 6100, 1 } };

	(void)state;
	for (size_t i = 0; i < KERNEL_VERSIONS; i++) {
		struct fake_kernel kernel;
		struct free_pages pages;
		struct error err;

		kernel_create(&kernel, &kernel_versions[i]);
		fill(&kernel);
		if (find(&kernel, &pages, &err) < 0)
			fail_msg("%s: %s", kernel_versions[i].name, err.text);
		assert_runs(&pages.free, wanted, 5);
		assert_runs(&pages.untouchable, untouchable, 2);
		assert_int_equal(pages.found, 2081);
		assert_int_equal(pages.counted, 2081);
		assert_int_equal(pages.bad, 0);
		assert_int_equal(pages.offline, 1);
		assert_int_equal(pages.poisoned, 1);
		assert_false(pages.by_top_byte);
		free_pages_free(&pages);
		kernel_destroy(&kernel);
	}
}

static void assert_refused(struct fake_kernel *kernel, const char *message)
{
	struct free_pages pages;
	struct error err = { 0 };

	if (find(kernel, &pages, &err) == 0)
		fail_msg("not refused; expected: %s", message);
	if (!strstr(err.text, message))
		fail_msg("'%s' lacks '%s'", err.text, message);
	assert_int_equal(pages.free.n, 0);
}

/* The kernel puts something else below the type: in free pages, and in others. */
static void low_bits_in_use(void **state)
{
	static const struct run wanted[] = { { 2048, 2048 } }, untouchable[] = { { 6000, 1 } };
	struct fake_kernel kernel;
	struct free_pages pages;
	struct error err;

	(void)state;
	for (size_t i = 2; i < KERNEL_VERSIONS; i++) {
		kernel_create(&kernel, &kernel_versions[i]);
		kernel_set_free(&kernel, 2048, 10);
		kernel_set_free(&kernel, 3072, 10);
		kernel_set_type(&kernel, 2048, kernel.version.buddy | 0x123);
		kernel_set_type(&kernel, 3072, kernel.version.buddy | 0xffffff);
		kernel_set_type(&kernel, 6000, kernel.version.offline | 1);
		kernel_set_counter(&kernel, kernel.counted);
		assert_int_equal(find(&kernel, &pages, &err), 0);
		assert_true(pages.by_top_byte);
		assert_runs(&pages.free, wanted, 1);
		assert_runs(&pages.untouchable, untouchable, 1);
		free_pages_free(&pages);
		/* Neither rule holds: the message is that of the first. */
		kernel_set_counter(&kernel, 4096);
		assert_refused(&kernel, "found 0 free pages, the zones count 4096");
		kernel_destroy(&kernel);
	}
	/* Before 6.12 types were single bits of the whole word. */
	kernel_create(&kernel, &kernel_versions[1]);
	kernel_set_free(&kernel, 2048, 10);
	kernel_set_free(&kernel, 3072, 10);
	kernel_set_counter(&kernel, kernel.counted);
	kernel_set_type(&kernel, 2048, 0xffffff77);
	kernel_set_type(&kernel, 3072, 0xffffff77);
	assert_refused(&kernel, "found 0 free pages, the zones count 2048");
	kernel_destroy(&kernel);
}

static void unaccepted_blocks_are_untouchable(void **state)
{
	static const struct run untouchable[] = { { 8192, 1024 } };
	struct fake_kernel kernel;
	struct free_pages pages;
	struct error err;

	(void)state;
	kernel_create(&kernel, &kernel_versions[3]);
	kernel_set_type(&kernel, 8192, 0xf7000000);
	assert_int_equal(find(&kernel, &pages, &err), 0);
	assert_runs(&pages.untouchable, untouchable, 1);
	assert_int_equal(pages.free.n, 0);
	free_pages_free(&pages);
	kernel_destroy(&kernel);
}

static void the_home_is_nobodys_free_page(void **state)
{
	static const struct run wanted[] = { { 2048, 52 }, { 2200, 1896 } };
	struct run home = { 2100, 100 };
	struct fake_kernel kernel;
	struct free_pages pages;
	struct error err;

	(void)state;
	kernel_create(&kernel, &kernel_versions[2]);
	kernel_set_free(&kernel, 2048, 10);
	kernel_set_free(&kernel, 3072, 10);
	kernel_set_counter(&kernel, kernel.counted);
	kernel.home = (struct runs){ .v = &home, .n = 1 };
	assert_int_equal(find(&kernel, &pages, &err), 0);
	assert_runs(&pages.free, wanted, 2);
	free_pages_free(&pages);
	kernel_destroy(&kernel);
}

/* What looks like a free block but cannot be one is in use. */
static void impossible_blocks_are_in_use(void **state)
{
	static const struct run wanted[] = { { 2048, 1024 } };
	struct fake_kernel kernel;
	struct free_pages pages;
	struct error err;

	(void)state;
	kernel_create(&kernel, &kernel_versions[2]);
	kernel_set_free(&kernel, 2048, 10);
	kernel_set_counter(&kernel, kernel.counted);
	kernel_set_free(&kernel, 5001, 1);   /* not aligned */
	kernel_set_free(&kernel, 5120, 11);  /* no such order */
	kernel_set_free(&kernel, 12272, 4);  /* fits */
	kernel_page(&kernel, 12272)[52] = 1; /* but is referenced */
	kernel_set_free(&kernel, 12544, 8);  /* reaches from the hole into RAM */
	assert_int_equal(find(&kernel, &pages, &err), 0);
	assert_runs(&pages.free, wanted, 1);
	assert_int_equal(pages.bad, 4);
	free_pages_free(&pages);
	kernel_destroy(&kernel);
}

/* Replace the value behind KEY= by TEXT of the same length or shorter; "" drops the line. */
static void edit(struct fake_kernel *kernel, const char *key, const char *text)
{
	char *at = strstr(kernel->vmcoreinfo, key);

	assert_non_null(at);
	if (!*text) {
		memset(at, 'X', strlen(key));
		return;
	}
	at += strlen(key) + 1;
	size_t length = strcspn(at, "\n");

	assert_true(strlen(text) <= length);
	memset(at, ' ', length);
	memcpy(at + length - strlen(text), text, strlen(text));
}

/* Each gate: break one thing, and nothing is left out, with a message that names it. */
static void gates(void **state)
{
	static const struct {
		const char *key, *text, *message;
	} edits[] = {
		{ "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", "", "no NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)" },
		{ "OFFSET(page.private)", "", "no OFFSET(page.private)" },
		{ "SYMBOL(node_data)", "", "no SYMBOL(node_data)" },
		{ "SIZE(page)", "x", "SIZE(page) is malformed" },
		{ "PAGESIZE", "64", "pages of 64 bytes" },
		{ "SIZE(page)", "56", "struct page is not of a kind" },
		{ "SIZE(mem_section)", "4", "struct mem_section is not of a kind" },
		{ "SIZE(mem_section)", "7", "struct mem_section is not of a kind" },
		{ "SIZE(mem_section)", "0", "struct mem_section is not of a kind" },
		{ "NUMBER(phys_base)", "4096", "not in RAM" },
		{ "SYMBOL(_stext)", "0", "_stext" },
		{ "SYMBOL(vmemmap)", "ffffeb0000000000", "sections disagree" },
		{ "SYMBOL(mem_section)", "ffff888000000000", "mem_section" },
		{ "LENGTH(zone.free_area)", "99", "struct page is not of a kind" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		struct fake_kernel kernel;

		kernel_create(&kernel, &kernel_versions[2]);
		fill(&kernel);
		edit(&kernel, edits[i].key, edits[i].text);
		assert_refused(&kernel, edits[i].message);
		kernel_destroy(&kernel);
	}
}

static void counters_must_agree(void **state)
{
	struct fake_kernel kernel;
	struct free_pages pages;
	struct error err;

	(void)state;
	kernel_create(&kernel, &kernel_versions[2]);
	fill(&kernel);
	kernel_set_counter(&kernel, kernel.counted + 1024);
	assert_int_equal(find(&kernel, &pages, &err), 0);
	free_pages_free(&pages);
	kernel_set_counter(&kernel, kernel.counted + 1025);
	assert_refused(&kernel, "found 2081 free pages, the zones count 3106");
	kernel_destroy(&kernel);
}

static void memory_map_in_the_home_is_refused(void **state)
{
	struct run home = { KERNEL_MEMMAP / FRAME_SIZE, 1 };
	struct fake_kernel kernel;

	(void)state;
	kernel_create(&kernel, &kernel_versions[2]);
	fill(&kernel);
	kernel.home = (struct runs){ .v = &home, .n = 1 };
	assert_refused(&kernel, "lies in the home of kernel B");
	kernel_destroy(&kernel);
}

static void many_stray_values_are_refused(void **state)
{
	struct fake_kernel kernel;

	(void)state;
	kernel_create(&kernel, &kernel_versions[2]);
	for (uint64_t i = 0; i < 17; i++)
		kernel_set_free(&kernel, 5001 + 2 * i, 1);
	assert_refused(&kernel, "17 blocks look free but cannot be");
	kernel_destroy(&kernel);
}

/*
 * The home is borrowed: page tables, counters and the memory map lie where another kernel lives
 * now. They are read where they were swapped to, whatever the home begins and ends in.
 */
static void swapped_away(void **state)
{
	static const struct {
		uint64_t home, count;
	} homes[] = { { 256, 1280 }, { 300, 20 }, { 512, 1 }, { 514, 700 }, { 1025, 3 } };
	struct fake_kernel kernel;

	(void)state;
	for (size_t i = 0; i < KERNEL_VERSIONS * 5; i++) {
		struct free_pages pages;
		struct error err;

		kernel_create(&kernel, &kernel_versions[i / 5]);
		fill(&kernel);
		kernel_swap(&kernel, homes[i % 5].home, homes[i % 5].count, 8192, 10240);
		if (find(&kernel, &pages, &err) < 0)
			fail_msg("%s, %zu: %s", kernel_versions[i / 5].name, i % 5, err.text);
		assert_int_equal(pages.free.n, 5);
		assert_int_equal(pages.untouchable.n, 2);
		assert_int_equal(pages.found, pages.counted);
		free_pages_free(&pages);
		kernel_destroy(&kernel);
	}
}

/* Free pages may be saved instead of listed, what must not be touched may not. */
static void lists_have_a_limit(void **state)
{
	struct fake_kernel kernel;
	struct free_pages pages = { .limit = 64 };
	struct frozen frozen;
	struct error err;

	(void)state;
	kernel_create(&kernel, &kernel_versions[2]);
	frozen = kernel_frozen(&kernel);
	kernel_set_free(&kernel, 2048, 10);
	for (uint64_t pfn = 5000; pfn < 5600; pfn += 2)
		kernel_set_free(&kernel, pfn, 0);
	kernel_set_free(&kernel, 6144, 5);
	kernel_set_counter(&kernel, kernel.counted);
	assert_int_equal(free_pages_find(&frozen, kernel.vmcoreinfo, 0, &pages, &err), 0);
	assert_int_equal(pages.found, 1024 + 300 + 32);
	assert_in_range(pages.free.n, 32, 64);
	assert_true(runs_contain(&pages.free, 2048 + 1023));
	assert_true(runs_contain(&pages.free, 6144 + 31));
	assert_true(runs_valid(&pages.free));
	free_pages_free(&pages);

	for (uint64_t pfn = 7000; pfn < 7200; pfn += 2)
		kernel_set_type(&kernel, pfn, kernel.version.offline);
	pages = (struct free_pages){ .limit = 64 };
	assert_int_equal(free_pages_find(&frozen, kernel.vmcoreinfo, 0, &pages, &err), -E2BIG);
	kernel_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version),
		cmocka_unit_test(low_bits_in_use),
		cmocka_unit_test(unaccepted_blocks_are_untouchable),
		cmocka_unit_test(the_home_is_nobodys_free_page),
		cmocka_unit_test(impossible_blocks_are_in_use),
		cmocka_unit_test(gates),
		cmocka_unit_test(counters_must_agree),
		cmocka_unit_test(memory_map_in_the_home_is_refused),
		cmocka_unit_test(many_stray_values_are_refused),
		cmocka_unit_test(swapped_away),
		cmocka_unit_test(lists_have_a_limit),
	};

	return cmocka_run_group_tests_name("freepages", tests, NULL, NULL);
}
