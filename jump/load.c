/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading kernel B beside a running A. */
#include <asm/bootparam.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jump/blobs.h"
#include "jump/bootparams.h"
#include "jump/head.h"
#include "jump/identity.h"
#include "jump/jump.h"
#include "jump/kexec.h"

#define LARGE_PAGE 0x200000ULL
#define ENTRY_64   0x200 /* 64-bit entry point, from the start of the kernel proper */
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
	r = head_low_ram(load->handoff, &low, err);
	if (r < 0)
		goto out;
	head = aligned_alloc(FRAME_SIZE, HEAD_SIZE);
	if (!head) {
		r = error_set(err, ENOMEM, "no memory for the head of the home");
		goto out;
	}
	memset(head, 0, HEAD_SIZE);
	fill_stub(head, &layout);
	r = head_cmdline(head + HEAD_CMDLINE, load->cmdline, load->home_start, err);
	if (r == 0)
		r = fill_tables(head, load, err);
	if (r == 0)
		r = bootparams_fill((struct boot_params *)(head + HEAD_BOOT_PARAMS),
				    head + HEAD_SETUP_DATA, load->kernel, &layout, &low,
				    load->handoff->firmware, load->handoff->firmware_count, err);
	if (r == 0)
		r = head_handoff(head, load->home_start, load->home_size, &low, load->handoff, err);
	if (r == 0)
		r = load_segments(load, &layout, head, &low, err);
out:
	free(head);
	runs_free(&low);
	return r;
}
