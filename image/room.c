/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for a new image, and which of the others make it. */
#include <errno.h>
#include <string.h>

#include "image/writing.h"

/* --- what the new image has already --- */

/* Room may be needed for nothing but the index, which has the lists by then. */
static int use_new(const struct image_writer *writer, struct runs *used)
{
	if (writer->index)
		return index_places(writer->index, used);
	return places_add(writer->chunks, writer->chunk_count, writer->digests,
			  writer->digests_count, used);
}

/* The image in this place of the table is given up, on the device too. */
static int give_up(struct image_writer *writer, unsigned slot, struct error *err)
{
	struct image_super *super = &writer->super;
	int code;

	if (writer->has_base &&
	    !memcmp(super->table[slot].image_uuid, writer->base, sizeof(writer->base)))
		writer->has_base = false;
	image_super_take(super, slot);
	super->state = IMAGE_EMPTY;
	code = image_super_write(writer->disk, super, err);
	table_select_default(super);
	return code;
}

int writer_add_up(struct image_writer *writer, struct error *err)
{
	for (;;) {
		struct runs used = { 0 };
		unsigned broken = IMAGE_TABLE;
		int code = use_new(writer, &used);

		space_free(&writer->space);
		if (code) {
			runs_free(&used);
			return error_set(err, -code, "no memory to add up what is in use");
		}
		code = space_read(writer->disk, &writer->super, &used, &writer->space, &broken,
				  err);
		if (!code || broken == IMAGE_TABLE)
			return code;
		message("%s: %s image: %s; it is given up", writer->disk->name,
			image_kind_name(writer->super.table[broken].kind), err->text);
		writer->broken = *err;
		code = give_up(writer, broken, err);
		if (code)
			return code;
	}
}

/* --- making room --- */

static bool is_base(const struct image_writer *writer, const struct image_entry *entry)
{
	return writer->has_base && !memcmp(entry->image_uuid, writer->base, sizeof(writer->base));
}

/* A hibernation that is over. */
static bool is_of_no_use(const void *context, const struct image_entry *entry)
{
	return entry->kind == IMAGE_HIBERNATION && !is_base(context, entry);
}

static bool is_not_base(const void *context, const struct image_entry *entry)
{
	return !is_base(context, entry);
}

static bool is_any(const void *context, const struct image_entry *entry)
{
	(void)context, (void)entry;
	return true;
}

/* What is of no use goes first, then the oldest, at last the base. */
static unsigned choose_victim(const struct image_writer *writer)
{
	unsigned slot = image_super_oldest(&writer->super, is_of_no_use, writer);

	if (slot == IMAGE_TABLE)
		slot = image_super_oldest(&writer->super, is_not_base, writer);
	if (slot == IMAGE_TABLE)
		slot = image_super_oldest(&writer->super, is_any, writer);
	return slot;
}

static int make_room(struct image_writer *writer, struct error *err)
{
	unsigned slot = writer->disk ? choose_victim(writer) : IMAGE_TABLE;
	const struct image_entry *entry;
	int code;

	if (slot == IMAGE_TABLE)
		return error_set(err, ENOSPC, "device full: the image needs more than %llu MiB",
				 (unsigned long long)(writer->space.blocks * IMAGE_BLOCK >> 20));
	entry = &writer->super.table[slot];
	message("%s: %s image (%s) makes room for the new one", writer->disk->name,
		image_kind_name(entry->kind), image_state_name(entry->state));
	code = give_up(writer, slot, err);
	return code ? code : writer_add_up(writer, err);
}

int writer_allocate(struct image_writer *writer, uint64_t size, uint64_t *offset, struct error *err)
{
	while (!space_take(&writer->space, size, offset)) {
		int code = make_room(writer, err);

		if (code)
			return code;
	}
	writer->own_bytes += size;
	return 0;
}

int writer_allocate_index(struct image_writer *writer, uint64_t size,
			  struct image_extent pieces[IMAGE_INDEX_EXTENTS], struct error *err)
{
	while (!space_take_pieces(&writer->space, size, pieces)) {
		int code = make_room(writer, err);

		if (code)
			return code;
	}
	writer->own_bytes += size;
	return 0;
}

/* --- which images stay --- */

static bool is_checkpoint(const void *context, const struct image_entry *entry)
{
	(void)context;
	return entry->kind != IMAGE_HIBERNATION;
}

static void drop(struct image_super *super, unsigned slot)
{
	memset(&super->table[slot], 0, sizeof(super->table[slot]));
}

/*
 * One hibernation is over when the next image is there. Of the checkpoints stay the newest ones
 * that are not too old. And there must be a place in the table.
 */
void writer_apply_policy(const struct image_writer *writer, uint32_t kind, uint64_t now,
			 struct image_super *super)
{
	const struct image_policy *policy = &writer->policy;
	unsigned keep = policy->keep, others = 0;

	for (unsigned i = 0; i < IMAGE_TABLE; i++) {
		const struct image_entry *entry = &super->table[i];
		bool old = policy->keep_for && entry->created < now &&
			   now - entry->created > policy->keep_for;

		if (entry->kind == IMAGE_HIBERNATION || (entry->state && old))
			drop(super, i);
		others += super->table[i].state != IMAGE_EMPTY;
	}
	if (kind != IMAGE_HIBERNATION && keep)
		keep--;
	if (keep > IMAGE_TABLE - 1)
		keep = IMAGE_TABLE - 1;
	for (; others > keep; others--)
		drop(super, image_super_oldest(super, is_checkpoint, NULL));
}
