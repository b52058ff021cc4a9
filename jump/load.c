/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading kernel B beside a running A. */
#include <asm/bootparam.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "jump/blobs.h"
#include "jump/bootparams.h"
#include "jump/identity.h"
#include "jump/jump.h"
#include "jump/kexec.h"

#define LARGE_PAGE  0x200000ULL
#define ENTRY_64    0x200 /* 64-bit entry point, from the start of the kernel proper */
#define LOW_END	    (0xa0000 >> FRAME_SHIFT) /* 640 KiB */
#define CMDLINE_MAX 2048
/* What B needs beside its kernel and initramfs: memmap, per-CPU areas, slab, processes. */
#define HOME_BASE	(40ULL << 20)
#define HOME_PER_CPU	(7ULL << 19) /* a CPU's areas and a chunk of pages */
#define UNPACKED_FACTOR 5	     /* packed and unpacked initramfs, both there at once */
/*
 * Of A's RAM, and of lists for that much: 152 bytes a chunk and a bit a frame (writer/budget.h),
 * the rest for runs.
 */
#define LISTS_UNIT  (1ULL << 20)
#define LISTS_BYTES 248

_Static_assert(sizeof(struct boot_params) == FRAME_SIZE, "boot_params is one page");

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) / alignment * alignment;
}

uint64_t jump_home_size(const struct jump_kernel *kernel, size_t initramfs_size, unsigned cpus,
			size_t scratch, uint64_t ram)
{
	uint64_t alignment = kernel->alignment > LARGE_PAGE ? kernel->alignment : LARGE_PAGE;

	return align_up(alignment + kernel->init_size + UNPACKED_FACTOR * initramfs_size +
				HOME_BASE + cpus * (HOME_PER_CPU + scratch) +
				ram / LISTS_UNIT * LISTS_BYTES,
			LARGE_PAGE);
}

/* Where everything goes: head, kernel, free room, initramfs at the end. */
static int make_layout(const struct jump_load *load, struct boot_layout *layout, struct error *err)
{
	uint64_t end = load->home_start + load->home_size;
	uint64_t alignment =
		load->kernel->alignment > LARGE_PAGE ? load->kernel->alignment : LARGE_PAGE;

	if (load->home_start % LARGE_PAGE || load->home_size % LARGE_PAGE)
		return error_set(err, EINVAL, "home is not aligned to 2 MiB");
	*layout = (struct boot_layout){
		.home = load->home_start,
		.home_end = end,
		.kernel = align_up(load->home_start + HEAD_SIZE, alignment),
		.initramfs_size = load->initramfs_size,
		.cmdline = load->home_start + HEAD_CMDLINE,
		.setup_data = load->home_start + HEAD_SETUP_DATA,
	};
	if (load->initramfs_size >= load->home_size)
		return error_set(err, ENOMEM,
				 "home of %" PRIu64 " MiB is smaller than the initramfs",
				 load->home_size >> 20);
	layout->initramfs = (end - load->initramfs_size) & ~(uint64_t)(FRAME_SIZE - 1);
	if (layout->kernel + load->kernel->init_size > layout->initramfs)
		return error_set(err, ENOMEM, "home of %" PRIu64 " MiB is too small for kernel B",
				 load->home_size >> 20);
	return 0;
}

static int fill_cmdline(char *head, const struct jump_load *load, struct error *err)
{
	/* To its firmware the head is RAM like the rest of the home, or B's own jump module would
	 * not touch it; B is told to leave it alone. */
	int n = snprintf(head + HEAD_CMDLINE, CMDLINE_MAX,
			 "%s kjump.home=0x%" PRIx64 " memmap=%dK$0x%" PRIx64, load->cmdline,
			 load->home_start, HEAD_SIZE >> 10, load->home_start);

	if (n >= CMDLINE_MAX)
		return error_set(err, E2BIG, "command line of kernel B: longer than %d bytes",
				 CMDLINE_MAX - 1);
	return 0;
}

static int fill_tables(char *head, const struct jump_load *load, struct error *err)
{
	struct identity identity;
	int r;

	identity_init(&identity, head + HEAD_TABLES, HEAD_TABLES_SIZE / FRAME_SIZE,
		      load->home_start + HEAD_TABLES, false);
	r = identity_map(&identity, load->home_start, load->home_size, err);
	return r < 0 ? r : identity_map_apic(&identity, err);
}

static void fill_stub(char *head, const struct boot_layout *layout)
{
	uint64_t kernel = layout->kernel + ENTRY_64;

	memcpy(head + HEAD_ENTRY_STUB, jump_entry, jump_entry_end - jump_entry);
	memcpy(head + HEAD_ENTRY_STUB + ENTRY_KERNEL, &kernel, sizeof(kernel));
}

static int fill_handoff(char *head, const struct jump_load *load, const struct runs *low,
			struct error *err)
{
	struct live_page live = { .magic = LIVE_MAGIC, .version = ABI_VERSION };
	struct handoff *handoff = load->handoff;

	if (low->n + 1 > HANDOFF_HOME_MAX)
		return error_set(err, E2BIG, "more than %d ranges of RAM below 640 KiB",
				 HANDOFF_HOME_MAX - 1);
	memcpy(handoff->magic, HANDOFF_MAGIC, sizeof(handoff->magic));
	handoff->version = ABI_VERSION;
	handoff->home_start = load->home_start;
	memcpy(handoff->home, low->v, low->n * sizeof(*low->v));
	handoff->home[low->n] =
		(struct run){ load->home_start >> FRAME_SHIFT, load->home_size >> FRAME_SHIFT };
	handoff->home_count = low->n + 1;
	handoff->crc = 0;
	handoff->crc = crc32c(0, handoff, sizeof(*handoff));
	memcpy(head + HEAD_LIVE, &live, sizeof(live));
	memcpy(head + HEAD_HANDOFF, handoff, sizeof(*handoff));
	return 0;
}

/* A's RAM below 640 KiB except page 0: B starts its CPUs there, and A's own trampoline lies there.
 */
static int low_ram(const struct handoff *handoff, struct runs *ret, struct error *err)
{
	struct runs ram = { .v = (struct run *)handoff->ram, .n = handoff->ram_count };
	struct run range = { 1, LOW_END - 1 };
	struct runs below = { .v = &range, .n = 1 };
	int r = runs_intersect(&ram, &below, ret);

	if (r < 0)
		return error_set(err, -r, "list of low memory");
	if (!ret->n)
		return error_set(err, ENOMEM, "no RAM below 640 KiB; kernel B cannot start there");
	return 0;
}

/* SIZE bytes for [START, END) of the home. */
static struct kexec_part home_part(const struct jump_load *load, const void *bytes, size_t size,
				   uint64_t start, uint64_t end)
{
	return (struct kexec_part){ bytes, size, start,
				    load->reserved ? align_up(size, FRAME_SIZE) : end - start };
}

static int load_segments(const struct jump_load *load, const struct boot_layout *layout,
			 const char *head, const struct runs *low, struct error *err)
{
	const struct jump_kernel *kernel = load->kernel;
	struct kexec_part parts[KEXEC_SEGMENTS];
	size_t n = 0;

	if (low->n + 3 > KEXEC_SEGMENTS)
		return error_set(err, E2BIG, "more than %d kexec segments", KEXEC_SEGMENTS);
	/* Every frame of the home is covered, with content or without: only what is covered is
	 * swapped out and so preserved. Where there is nothing to preserve, content alone. */
	for (size_t i = 0; i < low->n; i++)
		parts[n++] = (struct kexec_part){ .address = low->v[i].pfn << FRAME_SHIFT,
						  .size = low->v[i].count << FRAME_SHIFT };
	parts[n++] = home_part(load, head, HEAD_SIZE, layout->home, layout->kernel);
	parts[n++] =
		home_part(load, kernel->bytes + kernel->setup_size,
			  kernel->size - kernel->setup_size, layout->kernel, layout->initramfs);
	parts[n++] = home_part(load, load->initramfs, load->initramfs_size, layout->initramfs,
			       layout->home_end);
	return load->backend->load(layout->home + HEAD_ENTRY_STUB, parts, n, err);
}

int jump_load(const struct jump_load *load, struct error *err)
{
	struct boot_layout layout;
	struct runs low = { 0 };
	char *head = NULL;
	int r;

	r = make_layout(load, &layout, err);
	if (r < 0)
		return r;
	r = low_ram(load->handoff, &low, err);
	if (r < 0)
		goto out;
	head = aligned_alloc(FRAME_SIZE, HEAD_SIZE);
	if (!head) {
		r = error_set(err, ENOMEM, "no memory for the head of the home");
		goto out;
	}
	memset(head, 0, HEAD_SIZE);
	fill_stub(head, &layout);
	r = fill_cmdline(head, load, err);
	if (r == 0)
		r = fill_tables(head, load, err);
	if (r == 0)
		r = bootparams_fill((struct boot_params *)(head + HEAD_BOOT_PARAMS),
				    head + HEAD_SETUP_DATA, load->kernel, &layout, &low,
				    load->handoff->firmware, load->handoff->firmware_count, err);
	if (r == 0)
		r = fill_handoff(head, load, &low, err);
	if (r == 0)
		r = load_segments(load, &layout, head, &low, err);
out:
	free(head);
	runs_free(&low);
	return r;
}
