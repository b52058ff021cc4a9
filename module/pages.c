// SPDX-License-Identifier: GPL-2.0
/* Pages for what must lie outside of the memory that is swapped. */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "kjump.h"

static bool inside(const struct kjump_image *image, u64 address)
{
	for (unsigned int i = 0; i < image->count; i++) {
		if (address >= image->ranges[i].start && address < image->ranges[i].end)
			return true;
	}
	return false;
}

struct page *kjump_page(struct kjump_image *image, gfp_t flags)
{
	struct page *page;

	/* Each page inside turns up once at most. */
	while ((page = alloc_page(flags | __GFP_RETRY_MAYFAIL | __GFP_NOWARN))) {
		if (!inside(image, page_to_phys(page))) {
			list_add(&page->lru, &image->pages);
			break;
		}
		list_add(&page->lru, &image->unsuitable);
	}
	return page;
}

static void free_list(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

void kjump_pages_settle(struct kjump_image *image)
{
	free_list(&image->unsuitable);
}

void kjump_pages_free(struct kjump_image *image)
{
	free_list(&image->unsuitable);
	free_list(&image->pages);
}
