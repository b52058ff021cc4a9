/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frozen kernel's own tree of resources against the list of RAM that its user space made. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake-kernel.h"
#include "memory/resources.h"

#define AREA  (KERNEL_DATA + 0x10000) /* struct resource, 64 bytes each */
#define NAMES (KERNEL_DATA + 0x20000) /* 32 bytes each */
#define ROOT  (KERNEL_DIRECT + AREA)

struct entry {
	int depth; /* 1 = below the root */
	uint64_t start, end;
	const char *name;
};

/* What the fake kernel's RAM is, inside of other things as well. */
static const struct entry usual[] = {
	{ 1, 0, 0xfff, "Reserved" },
	{ 1, 0x1000, 48 * KERNEL_MIB - 1, "System RAM" },
	{ 2, 0x200000, 0x2fffff, "Kernel code" },
	{ 2, 0x300000, 0x3fffff, "Kernel data" },
	{ 1, 48 * KERNEL_MIB, 50 * KERNEL_MIB - 1, "PCI Bus 0000:00" },
	{ 2, 48 * KERNEL_MIB, 49 * KERNEL_MIB - 1, "0000:00:01.0" },
	{ 3, 48 * KERNEL_MIB, 49 * KERNEL_MIB - 1, "nvme" },
	{ 1, 50 * KERNEL_MIB, 64 * KERNEL_MIB - 1, "CXL Window 0" },
	{ 2, 50 * KERNEL_MIB, 64 * KERNEL_MIB - 1, "System RAM" },
	{ 1, 0xfee00000, 0xfee00fff, "Local APIC" },
};

#define USUAL (sizeof(usual) / sizeof(*usual))

static uint64_t at(size_t i)
{
	return AREA + 64 * i;
}

static void put_entry(struct fake_kernel *kernel, size_t i, const struct entry *entry)
{
	strcpy((char *)kernel->bytes + NAMES + 32 * i, entry->name);
	memset(kernel->bytes + at(i), 0, 64);
	kernel_put64(kernel, at(i), entry->start);
	kernel_put64(kernel, at(i) + 8, entry->end);
	kernel_put64(kernel, at(i) + 16, KERNEL_DIRECT + NAMES + 32 * i);
}

static void put_tree(struct fake_kernel *kernel, const struct entry *entries, size_t count)
{
	const struct entry root = { 0, 0, UINT64_MAX, "PCI mem" };
	size_t last[8] = { 0 }; /* of each depth */

	put_entry(kernel, 0, &root);
	for (size_t i = 1; i <= count; i++) {
		const struct entry *entry = &entries[i - 1];
		uint64_t parent = at(last[entry->depth - 1]), self = KERNEL_DIRECT + at(i);

		put_entry(kernel, i, entry);
		kernel_put64(kernel, at(i) + 40, KERNEL_DIRECT + parent);
		if (kernel_get64(kernel, parent + 56))
			kernel_put64(kernel, at(last[entry->depth]) + 48, self);
		else
			kernel_put64(kernel, parent + 56, self);
		last[entry->depth] = i;
	}
}

static struct fake_kernel kernel;
static struct handoff handoff;

static int setup(void **state)
{
	const struct kernel_version *const *version = (void *)state;

	kernel_create(&kernel, *version ? *version : &kernel_versions[2]);
	put_tree(&kernel, usual, USUAL);
	memset(&handoff, 0, sizeof(handoff));
	strcpy(handoff.vmcoreinfo, kernel.vmcoreinfo);
	handoff.vmcoreinfo_size = (uint32_t)strlen(kernel.vmcoreinfo);
	handoff.iomem_resource = ROOT;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kernel_destroy(&kernel);
	return 0;
}

static int check(const struct runs *ram, struct error *err)
{
	*err = (struct error){ 0 };
	return resources_check(kernel.memory, &handoff, ram, &kernel.home, err);
}

static void expect(int code, const char *words)
{
	struct error err;

	assert_int_equal(check(&kernel.ram, &err), -code);
	if (!strstr(err.text, words))
		fail_msg("'%s' instead of '%s'", err.text, words);
}

static void same(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(check(&kernel.ram, &err), 0);
}

/* A DIMM that came, one that went, one that is smaller now. */
static void differs(void **state)
{
	struct entry entries[USUAL + 1];

	(void)state;
	memcpy(entries, usual, sizeof(usual));
	entries[USUAL] = (struct entry){ 1, 0x100000000, 0x10fffffff, "System RAM" };
	put_tree(&kernel, entries, USUAL + 1);
	expect(EUCLEAN, "RAM at 0x100000000-0x10fffffff was added after kernel B was loaded");
	put_tree(&kernel, entries, 7);
	expect(EUCLEAN, "RAM at 0x3200000-0x3ffffff was taken away after kernel B was loaded");
	entries[8].end -= 0x1000;
	put_tree(&kernel, entries, USUAL);
	expect(EUCLEAN, "RAM at 0x3fff000-0x3ffffff was taken away");
	entries[8] = (struct entry){ 2, 50 * KERNEL_MIB, 64 * KERNEL_MIB - 1, "System RAM (kmem)" };
	put_tree(&kernel, entries, USUAL);
	expect(EOPNOTSUPP, "added by a driver");
}

/* A home that A's kernel knows nothing of is RAM all the same. */
static void home_outside(void **state)
{
	struct run home = { 49 * KERNEL_MIB / FRAME_SIZE, KERNEL_MIB / FRAME_SIZE };
	struct runs ram = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(runs_add_all(&ram, &kernel.ram), 0);
	assert_int_equal(runs_add(&ram, home.pfn, home.count), 0);
	runs_sort(&ram);
	assert_int_equal(check(&ram, &err), -EUCLEAN);
	kernel.home = (struct runs){ .v = &home, .n = 1 };
	assert_int_equal(check(&ram, &err), 0);
	runs_free(&ram);
}

static void cannot_tell(void **state)
{
	(void)state;
	handoff.iomem_resource = 0;
	expect(ENODATA, "does not tell");
	handoff.iomem_resource = ROOT + 64; /* not the root */
	expect(ENOTSUP, "kind");
	handoff.iomem_resource = 0xffffc90000000000; /* mapped nowhere */
	expect(ENOTSUP, "kind");
	handoff.iomem_resource = ROOT;
	*strstr(handoff.vmcoreinfo, "swapper_pg_dir") = '?';
	expect(ENODATA, "swapper_pg_dir");
}

static void broken_trees(void **state)
{
	(void)state;
	kernel_put64(&kernel, at(3) + 40, ROOT); /* another parent */
	expect(EUCLEAN, "another parent");
	put_tree(&kernel, usual, USUAL);
	kernel_put64(&kernel, at(4) + 48, KERNEL_DIRECT + at(4)); /* a ring */
	expect(EUCLEAN, "another parent");
	put_tree(&kernel, usual, USUAL);
	kernel_put64(&kernel, at(5) + 8, 0); /* ends before it starts */
	expect(EUCLEAN, "another parent");
	put_tree(&kernel, usual, USUAL);
	kernel_put64(&kernel, at(2), 0); /* RAM that overlaps what was before it */
	kernel_put64(&kernel, at(9), 0);
	expect(EINVAL, "overlap");
	put_tree(&kernel, usual, USUAL);
	kernel_put64(&kernel, at(10) + 16, 0xffffc90000000000); /* a name that is mapped nowhere */
	expect(EFAULT, "not mapped");
}

/* A name at the very end of what is mapped. */
static void name_at_a_border(void **state)
{
	uint64_t place = KERNEL_DATA + 2 * KERNEL_MIB - 11;

	(void)state;
	strcpy((char *)kernel.bytes + place, "System RAM");
	kernel_put64(&kernel, at(2) + 16, KERNEL_DIRECT + place);
	same(NULL);
	place += 4;
	strcpy((char *)kernel.bytes + place, "System");
	kernel_put64(&kernel, at(2) + 16, KERNEL_DIRECT + place);
	expect(EUCLEAN, "taken away");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define VERSION(i)                                                                                 \
	cmocka_unit_test_prestate_setup_teardown(same, setup, teardown, (void *)&kernel_versions[i])
	const struct CMUnitTest tests[] = {
		VERSION(0),	   VERSION(1),	       VERSION(2),
		VERSION(3),	   TEST(differs),      TEST(home_outside),
		TEST(cannot_tell), TEST(broken_trees), TEST(name_at_a_border),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
