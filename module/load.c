// SPDX-License-Identifier: GPL-2.0
/*
 * Loading: a shadow page for each page that is swapped, with what is to be there after the first
 * jump; the list of both; page tables and control page. The list has the format of kexec's own, for
 * programs that look up in it where this kernel's pages are while another one runs.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "crossing.h"
#include "kjump.h"

#define ENTRIES_A_PAGE (PAGE_SIZE / sizeof(u64))

static int append(struct kjump_image *image, u64 entry)
{
	if (!image->room) {
		struct page *page = kjump_page(image, GFP_KERNEL);

		if (!page)
			return -ENOMEM;
		*image->next = page_to_phys(page) | SWAP_INDIRECTION;
		image->next = page_address(page);
		image->room = ENTRIES_A_PAGE - 1; /* the last one leads to the next page */
	}
	*image->next++ = entry;
	image->room--;
	return 0;
}

/* What belongs in the page OFFSET bytes from the segment's start. */
static int fill(struct page *page, const struct kjump_segment *segment, u64 offset)
{
	char *bytes = page_address(page);
	size_t size = 0;

	if (offset < segment->buffer_size)
		size = min_t(u64, segment->buffer_size - offset, PAGE_SIZE);
	if (copy_from_user(bytes, u64_to_user_ptr(segment->buffer) + offset, size))
		return -EFAULT;
	memset(bytes + size, 0, PAGE_SIZE - size);
	return 0;
}

static int load_segment(struct kjump_image *image, const struct kjump_segment *segment)
{
	int ret = append(image, segment->address | SWAP_DESTINATION);

	for (u64 offset = 0; !ret && offset < segment->size; offset += PAGE_SIZE) {
		struct page *page = kjump_page(image, GFP_HIGHUSER);

		if (!page)
			return -ENOMEM;
		ret = fill(page, segment, offset);
		if (!ret)
			ret = append(image, page_to_phys(page) | SWAP_SOURCE);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return ret;
}

static int build(struct kjump_image *image, const struct kjump_segment *segments, u64 entry)
{
	struct page *page = kjump_page(image, GFP_KERNEL | __GFP_ZERO);
	int ret = page ? 0 : -ENOMEM;

	for (unsigned int i = 0; !ret && i < image->count; i++)
		ret = load_segment(image, segments + i);
	if (!ret)
		ret = append(image, SWAP_DONE);
	if (!ret)
		ret = kjump_tables_make(image);
	if (ret)
		return ret == -ENOMEM ? kjump_refuse(ret, "not enough free memory") : ret;
	image->control = page_address(page);
	kjump_control_fill(image, entry);
	kjump_pages_settle(image);
	return 0;
}

static int check_ranges(struct kjump_image *image, const struct kjump_segment *segments)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < image->count; i++) {
		image->ranges[i] = (struct kjump_range){
			.start = segments[i].address,
			.end = segments[i].address + segments[i].size,
		};
		ret = kjump_range_usable(image->ranges + i);
	}
	return ret;
}

int kjump_image_load(const struct kjump_load *load, struct kjump_image **ret)
{
	struct kjump_segment *segments;
	struct kjump_image *image;
	int status = -ENOMEM;

	segments = kcalloc(KJUMP_SEGMENTS_MAX, sizeof(*segments), GFP_KERNEL);
	image = kzalloc(sizeof(*image), GFP_KERNEL);
	if (!segments || !image)
		goto out;
	INIT_LIST_HEAD(&image->pages);
	INIT_LIST_HEAD(&image->unsuitable);
	image->next = &image->head;
	image->count = load->count;
	status = kjump_segments_read(load, segments);
	if (!status)
		status = check_ranges(image, segments);
	if (!status)
		status = build(image, segments, load->entry);
out:
	kfree(segments);
	if (!status)
		*ret = image;
	else if (image)
		kjump_image_free(image);
	return status;
}

void kjump_image_free(struct kjump_image *image)
{
	kjump_pages_free(image);
	kfree(image);
}
