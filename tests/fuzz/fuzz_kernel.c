/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frozen kernel whose page tables, memory map, zones and VMCOREINFO say anything: the search for
 * free pages, the tree of resources, and the walk through the list of swapped pages.
 *
 * Input: the kernel's version; the list's first entry; then changes of 11 bytes each: area, place
 * and value.
 */
#include "tests/fuzz/fuzz.h"

#include "memory/freepages.h"
#include "memory/kexec-list.h"
#include "memory/resources.h"
#include "tests/unit/fake-resources.h"

#define CHANGES_MAX 64

static const struct area {
	uint64_t start, size;
} areas[] = {
	{ KERNEL_TABLES, 0x10000 },
	{ KERNEL_DATA, 0x21000 },
	{ KERNEL_MEMMAP, KERNEL_FRAMES *KERNEL_STRUCT },
};

#define AREAS (sizeof(areas) / sizeof(areas[0]))

static void prepare(struct fake_kernel *kernel)
{
	kernel_set_free(kernel, 2048, 10);
	kernel_set_free(kernel, 5001, 0);
	kernel_set_free(kernel, 12280, 3);
	kernel_set_counter(kernel, kernel->counted);
	resources_put(kernel, resources_usual, RESOURCES_USUAL);
}

/* The kernel of this version, made once; changes are taken back. */
static struct fake_kernel *kernel_of(unsigned version)
{
	static struct fake_kernel kernels[KERNEL_VERSIONS];
	struct fake_kernel *kernel = &kernels[version % KERNEL_VERSIONS];

	if (!kernel->memory) {
		kernel_create(kernel, &kernel_versions[version % KERNEL_VERSIONS]);
		unlink(kernel->path);
		prepare(kernel);
	}
	return kernel;
}

struct change {
	uint64_t at, before;
};

/* Apply the changes that the input holds; those of the text are made in TEXT. */
static size_t change_all(struct fake_kernel *kernel, struct fuzz_input *input, char *text,
			 struct change *changes)
{
	size_t n = 0, length = strlen(text);

	while (input->size && n < CHANGES_MAX) {
		unsigned area = fuzz_u8(input) % (AREAS + 1);
		uint64_t place = fuzz_u16(input), value = fuzz_u64(input);

		if (area == AREAS) {
			text[place % length] = (char)value;
			continue;
		}
		place = areas[area].start + place * 8 % areas[area].size;
		changes[n++] = (struct change){ place, kernel_get64(kernel, place) };
		kernel_put64(kernel, place, value);
	}
	return n;
}

static int count(void *context, uint64_t destination, uint64_t source, struct error *err)
{
	(void)destination, (void)source, (void)err;
	++*(unsigned *)context;
	return 0;
}

/* Is the list of RAM what the kernel's resources say? */
static bool compare(const struct frozen *frozen, const char *text, struct error *err)
{
	static struct handoff handoff;

	strcpy(handoff.vmcoreinfo, text);
	handoff.vmcoreinfo_size = (uint32_t)strlen(text);
	handoff.iomem_resource = RESOURCES_ROOT;
	return fuzz_good(resources_check(frozen, &handoff, err), err);
}

static bool fuzz_run(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fake_kernel *kernel = kernel_of(fuzz_u8(&input));
	struct run low = { 520, 530 }; /* data, and a part of the memory map */
	const struct runs home = { .v = &low, .n = 1 };
	struct change changes[CHANGES_MAX];
	char text[sizeof(kernel->vmcoreinfo)];
	struct free_pages pages = { 0 };
	struct error err = { 0 };
	struct frozen frozen = kernel_frozen(kernel);
	uint64_t head = fuzz_u64(&input);
	unsigned swapped = 0;
	size_t n;
	bool good;

	memcpy(text, kernel->vmcoreinfo, sizeof(text));
	n = change_all(kernel, &input, text, changes);
	good = fuzz_good(free_pages_find(&frozen, text, 0, &pages, &err), &err);
	good &= compare(&frozen, text, &err);
	free_pages_free(&pages);
	if (head) {
		frozen.home = &home;
		frozen.list = head;
		fuzz_good(kexec_list_walk(&frozen, count, &swapped, &err), &err);
		fuzz_good(free_pages_find(&frozen, text, 0, &pages, &err), &err);
		compare(&frozen, text, &err);
		free_pages_free(&pages);
	}
	while (n--)
		kernel_put64(kernel, changes[n].at, changes[n].before);
	return good;
}

/* Each version; nothing is changed but a word that nobody reads. */
static size_t fuzz_seed(unsigned number, uint8_t *data)
{
	if (number >= KERNEL_VERSIONS)
		return 0;
	memset(data, 0, 20);
	data[0] = (uint8_t)number;
	data[9] = 1;		   /* kernel data ... */
	data[10] = data[11] = 0xe; /* ... far behind what is in use */
	return 20;
}
