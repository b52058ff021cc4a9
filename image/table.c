/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The images of a device, and the one of them that is at hand. */
#include <errno.h>
#include <string.h>

#include "image/internal.h"

const char *image_state_name(uint32_t state)
{
	static const char *const names[] = {
		[IMAGE_EMPTY] = "empty",       [IMAGE_VALID] = "valid",
		[IMAGE_RESTORED] = "restored", [IMAGE_HANDED_OVER] = "handed over",
		[IMAGE_STALE] = "stale",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *image_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[0] = "none",
		[IMAGE_HIBERNATION] = "hibernation",
		[IMAGE_CHECKPOINT] = "checkpoint",
		[IMAGE_CORE] = "memory dump",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

bool table_entry_waits(const struct image_entry *entry)
{
	return entry->kind == IMAGE_HIBERNATION &&
	       (entry->state == IMAGE_VALID || entry->state == IMAGE_HANDED_OVER);
}

bool image_waits(const struct image_super *super)
{
	return super->kind == IMAGE_HIBERNATION &&
	       (super->state == IMAGE_VALID || super->state == IMAGE_HANDED_OVER);
}

void image_super_count(const struct image_super *super, struct outcome *ret)
{
	ret->ram_pages = super->ram_pages;
	ret->data_pages = super->data_pages;
	ret->zero_pages = super->zero_pages;
	ret->free_pages = super->free_pages;
	ret->untouchable_pages = super->untouchable_pages;
	ret->home_pages = super->home_pages;
	ret->reused_pages = super->reused_pages;
}

/* --- head and image at hand, which are parts of the superblock in memory --- */

void table_set_head(struct image_super *super, const struct image_head *head)
{
	memcpy((void *)super, head, sizeof(*head));
}

void table_get_head(const struct image_super *super, struct image_head *ret)
{
	memcpy(ret, super, sizeof(*ret));
}

static void *at_hand(const struct image_super *super)
{
	return (char *)super + offsetof(struct image_super, state);
}

void table_get_entry(const struct image_super *super, struct image_entry *ret)
{
	memcpy(ret, at_hand(super), sizeof(*ret));
}

void image_super_take(struct image_super *super, unsigned slot)
{
	static const struct image_entry none;

	super->slot = slot < IMAGE_TABLE && super->table[slot].state ? slot : IMAGE_TABLE;
	memcpy(at_hand(super), super->slot == IMAGE_TABLE ? &none : &super->table[slot],
	       sizeof(none));
}

/* --- choosing --- */

bool image_super_select(struct image_super *super, const uint8_t uuid[16])
{
	for (unsigned i = 0; i < IMAGE_TABLE; i++)
		if (super->table[i].state && !memcmp(super->table[i].image_uuid, uuid, 16)) {
			image_super_take(super, i);
			return true;
		}
	return false;
}

void image_super_clear(struct image_super *super)
{
	memset(super->table, 0, sizeof(super->table));
	image_super_take(super, IMAGE_TABLE);
}

unsigned image_super_count_images(const struct image_super *super)
{
	unsigned count = 0;

	for (unsigned i = 0; i < IMAGE_TABLE; i++)
		count += super->table[i].state != IMAGE_EMPTY;
	return count;
}

/* The one that a boot would restore; else the newest. */
void table_select_default(struct image_super *super)
{
	unsigned best = IMAGE_TABLE;

	for (unsigned i = 0; i < IMAGE_TABLE; i++) {
		const struct image_entry *entry = &super->table[i];

		if (!entry->state)
			continue;
		if (table_entry_waits(entry)) {
			best = i;
			break;
		}
		if (best == IMAGE_TABLE || entry->serial > super->table[best].serial)
			best = i;
	}
	image_super_take(super, best);
}

unsigned image_super_oldest(const struct image_super *super,
			    bool (*may)(const void *context, const struct image_entry *),
			    const void *context)
{
	unsigned best = IMAGE_TABLE;

	for (unsigned i = 0; i < IMAGE_TABLE; i++) {
		const struct image_entry *entry = &super->table[i];

		if (entry->state && may(context, entry) &&
		    (best == IMAGE_TABLE || entry->serial < super->table[best].serial))
			best = i;
	}
	return best;
}

/* --- storing --- */

static int find_slot(struct image_super *super, struct error *err)
{
	/* Beyond that no reader believes it (super.c, check_head()). */
	if (super->last_serial >= INT64_MAX)
		return error_set(err, EOVERFLOW,
				 "no serial number is left for an image; format the device anew");
	for (unsigned i = 0; i < IMAGE_TABLE; i++)
		if (!super->table[i].state) {
			super->slot = i;
			super->serial = ++super->last_serial;
			return 0;
		}
	return error_set(err, ENOSPC, "the device holds %d images already", IMAGE_TABLE);
}

int table_store(struct image_super *super, struct error *err)
{
	static const struct image_entry none;
	int code = 0;

	if (!super->state) {
		if (super->slot < IMAGE_TABLE)
			super->table[super->slot] = none;
		image_super_take(super, IMAGE_TABLE);
		return 0;
	}
	if (super->slot >= IMAGE_TABLE)
		code = find_slot(super, err);
	if (!code)
		table_get_entry(super, &super->table[super->slot]);
	return code;
}
