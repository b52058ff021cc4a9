/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump list: the images on a device.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kjump/device.h"
#include "seal/aead.h"
#include "text/human.h"
#include "text/json.h"

static int by_serial(const void *a, const void *b)
{
	const struct image_entry *const *x = a, *const *y = b;

	return ((*x)->serial > (*y)->serial) - ((*x)->serial < (*y)->serial);
}

/* The oldest first; returns how many. */
static unsigned sort(const struct image_super *super, const struct image_entry **ret)
{
	unsigned count = 0;

	for (unsigned i = 0; i < IMAGE_TABLE; i++)
		if (super->table[i].state != IMAGE_EMPTY)
			ret[count++] = &super->table[i];
	qsort(ret, count, sizeof(*ret), by_serial);
	return count;
}

/* What of the image was there before it was made. */
static uint64_t shared_bytes(const struct image_entry *entry)
{
	return entry->device_bytes > entry->own_bytes ? entry->device_bytes - entry->own_bytes : 0;
}

static void print_line(const struct image_entry *entry)
{
	char created[HUMAN_SIZE], own[HUMAN_SIZE], shared[HUMAN_SIZE], uuid[37];

	printf("%5" PRIu64 "  %-19s  %-11s  %-11s  %-6s  %10s  %10s  %7.1f  %s\n", entry->serial,
	       human_time(entry->created, created), image_kind_name(entry->kind),
	       image_state_name(entry->state), entry->algorithm ? "yes" : "no",
	       human_bytes(entry->own_bytes, own), human_bytes(shared_bytes(entry), shared),
	       (double)entry->milliseconds / 1000, human_uuid(entry->image_uuid, uuid));
}

static void json_image(struct json *json, const struct image_entry *entry)
{
	char name[24], uuid[37];

	snprintf(name, sizeof(name), "%" PRIu64, entry->serial);
	json_begin(json, name);
	json_text(json, "uuid", human_uuid(entry->image_uuid, uuid), sizeof(uuid));
	json_number(json, "created", entry->created);
	json_text(json, "kind", image_kind_name(entry->kind), SIZE_MAX);
	json_text(json, "state", image_state_name(entry->state), SIZE_MAX);
	json_text(json, "reason", entry->reason, sizeof(entry->reason));
	json_text(json, "release", entry->release, sizeof(entry->release));
	if (entry->algorithm)
		json_text(json, "sealed", aead_name(entry->algorithm), SIZE_MAX);
	else
		json_null(json, "sealed");
	json_number(json, "own_bytes", entry->own_bytes);
	json_number(json, "shared_bytes", shared_bytes(entry));
	json_number(json, "data_pages", entry->data_pages);
	json_number(json, "reused_pages", entry->reused_pages);
	json_number(json, "deltas", entry->deltas);
	json_number(json, "ms", entry->milliseconds);
	json_end(json);
}

static int list(const struct disk *disk, struct image_super *super, const struct options *options)
{
	const struct image_entry *entries[IMAGE_TABLE];
	unsigned count = sort(super, entries);
	struct json json = { .out = stdout };

	if (options->json)
		json_begin(&json, NULL);
	else if (count)
		puts("IMAGE  CREATED              KIND         STATE        SEALED         OWN     "
		     " SHARED"
		     "  SECONDS  UUID");
	else
		printf("%s: no image\n", disk->name);
	for (unsigned i = 0; i < count; i++)
		if (options->json)
			json_image(&json, entries[i]);
		else
			print_line(entries[i]);
	if (options->json)
		json_end(&json);
	return count ? EXIT_DONE : EXIT_NO_IMAGE;
}

static int run(const struct options *options)
{
	return device_run(options, DISK_READ, "nothing is known of it", list);
}

const struct command cmd_list = {
	.name = "list",
	.summary = "list the images on a device",
	.operands = "[DEVICE|FILE]",
	.about = "List the images on DEVICE (default: the target), the oldest first: their number, "
		 "by\n"
		 "which other commands know them, when they were made, kind and state, whether "
		 "they\n"
		 "are sealed, what was\n"
		 "written for each and what of it was there before, and how long that took. Exit\n"
		 "code 3 when there is none.",
	.accepts = TAKES(CONFIG) | TAKES(TARGET) | TAKES(JSON),
	.operands_max = 1,
	.run = run,
};
