/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frozen kernel's own tree of resources against the list of RAM that its user space made. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake-resources.h"
#include "memory/resources.h"

static struct fake_kernel kernel;
static struct handoff handoff;

static int setup(void **state)
{
	const struct kernel_version *const *version = (void *)state;

	kernel_create(&kernel, *version ? *version : &kernel_versions[2]);
	resources_put(&kernel, resources_usual, RESOURCES_USUAL);
	memset(&handoff, 0, sizeof(handoff));
	strcpy(handoff.vmcoreinfo, kernel.vmcoreinfo);
	handoff.vmcoreinfo_size = (uint32_t)strlen(kernel.vmcoreinfo);
	handoff.iomem_resource = RESOURCES_ROOT;
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
	struct frozen frozen = kernel_frozen(&kernel);

	*err = (struct error){ 0 };
	frozen.ram = ram;
	return resources_check(&frozen, &handoff, err);
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
	struct resource_entry entries[RESOURCES_USUAL + 1];

	(void)state;
	memcpy(entries, resources_usual, sizeof(resources_usual));
	entries[RESOURCES_USUAL] =
		(struct resource_entry){ 1, 0x100000000, 0x10fffffff, "System RAM" };
	resources_put(&kernel, entries, RESOURCES_USUAL + 1);
	expect(EUCLEAN, "RAM at 0x100000000-0x10fffffff was added after kernel B was loaded");
	resources_put(&kernel, entries, 7);
	expect(EUCLEAN, "RAM at 0x3200000-0x3ffffff was taken away after kernel B was loaded");
	entries[8].end -= 0x1000;
	resources_put(&kernel, entries, RESOURCES_USUAL);
	expect(EUCLEAN, "RAM at 0x3fff000-0x3ffffff was taken away");
	entries[8] = (struct resource_entry){ 2, 50 * KERNEL_MIB, 64 * KERNEL_MIB - 1,
					      "System RAM (kmem)" };
	resources_put(&kernel, entries, RESOURCES_USUAL);
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

/* The tables, the tree and its names lie where another kernel lives now. */
static void swapped_away(void **state)
{
	struct run others = { 40 * KERNEL_MIB / FRAME_SIZE, 512 };

	(void)state;
	kernel_swap(&kernel, KERNEL_TABLES / FRAME_SIZE, 1024, 20 * KERNEL_MIB / FRAME_SIZE,
		    30 * KERNEL_MIB / FRAME_SIZE);
	same(NULL);
	kernel.list = 0;
	expect(ENOTSUP, "kind");
	kernel.home = (struct runs){ .v = &others, .n = 1 };
	expect(ENOTSUP, "kind");
}

static void cannot_tell(void **state)
{
	(void)state;
	handoff.iomem_resource = 0;
	expect(ENODATA, "does not tell");
	handoff.iomem_resource = RESOURCES_ROOT + 64; /* not the root */
	expect(ENOTSUP, "kind");
	handoff.iomem_resource = 0xffffc90000000000; /* mapped nowhere */
	expect(ENOTSUP, "kind");
	handoff.iomem_resource = RESOURCES_ROOT;
	*strstr(handoff.vmcoreinfo, "swapper_pg_dir") = '?';
	expect(ENODATA, "swapper_pg_dir");
}

static void broken_trees(void **state)
{
	(void)state;
	kernel_put64(&kernel, resource_at(3) + 40, RESOURCES_ROOT); /* another parent */
	expect(EUCLEAN, "another parent");
	resources_put(&kernel, resources_usual, RESOURCES_USUAL);
	kernel_put64(&kernel, resource_at(4) + 48, KERNEL_DIRECT + resource_at(4)); /* a ring */
	expect(EUCLEAN, "another parent");
	resources_put(&kernel, resources_usual, RESOURCES_USUAL);
	kernel_put64(&kernel, resource_at(5) + 8, 0); /* ends before it starts */
	expect(EUCLEAN, "another parent");
	resources_put(&kernel, resources_usual, RESOURCES_USUAL);
	kernel_put64(&kernel, resource_at(2), 0); /* RAM that overlaps what was before it */
	kernel_put64(&kernel, resource_at(9), 0);
	expect(EINVAL, "overlap");
	resources_put(&kernel, resources_usual, RESOURCES_USUAL);
	kernel_put64(&kernel, resource_at(10) + 16,
		     0xffffc90000000000); /* a name that is mapped nowhere */
	expect(EFAULT, "not mapped");
}

/* A name at the very end of what is mapped. */
static void name_at_a_border(void **state)
{
	uint64_t place = KERNEL_DATA + 2 * KERNEL_MIB - 11;

	(void)state;
	strcpy((char *)kernel.bytes + place, "System RAM");
	kernel_put64(&kernel, resource_at(2) + 16, KERNEL_DIRECT + place);
	same(NULL);
	place += 4;
	strcpy((char *)kernel.bytes + place, "System");
	kernel_put64(&kernel, resource_at(2) + 16, KERNEL_DIRECT + place);
	expect(EUCLEAN, "taken away");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define VERSION(i)                                                                                 \
	cmocka_unit_test_prestate_setup_teardown(same, setup, teardown, (void *)&kernel_versions[i])
	const struct CMUnitTest tests[] = {
		VERSION(0),	    VERSION(1),
		VERSION(2),	    VERSION(3),
		TEST(differs),	    TEST(home_outside),
		TEST(swapped_away), TEST(cannot_tell),
		TEST(broken_trees), TEST(name_at_a_border),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
