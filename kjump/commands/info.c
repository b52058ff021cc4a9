/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump info: what is on a device.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/printable.h"
#include "kjump/device.h"
#include "kjump/unseal.h"
#include "seal/aead.h"
#include "text/human.h"
#include "text/json.h"

/* --- for people --- */

/* "NAME TEXT", if there is one. TEXT is from the disk and ends with a NUL or its SIZE. */
static void print_foreign(const char *name, const char *text, size_t size)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%.*s", (int)size, text);
	if (*copy)
		printf("%-9s %s\n", name, printable(copy));
}

#define FOREIGN(name, array) print_foreign(name, array, sizeof(array))

static void print_device(const struct disk *disk, const struct image_super *super)
{
	char size[HUMAN_SIZE], uuid[37];

	printf("device    %s\n", disk->name);
	printf("size      %s\n", human_bytes(super->device_size, size));
	printf("uuid      %s\n", human_uuid(super->device_uuid, uuid));
	FOREIGN("label", super->label);
	if (image_super_count_images(super) > 1)
		printf("images    %u; kjump list shows them\n", image_super_count_images(super));
	printf("state     %s\n", image_state_name(super->state));
}

static void print_image(const struct image_super *super)
{
	char text[HUMAN_SIZE], data[HUMAN_SIZE], uuid[37];
	uint64_t bytes = super->data_pages * FRAME_SIZE;

	FOREIGN("reason", super->reason);
	printf("kind      %s\n", image_kind_name(super->kind));
	printf("image     %s\n", human_uuid(super->image_uuid, uuid));
	printf("number    %" PRIu64 "\n", super->serial);
	if (super->algorithm)
		printf("sealed    %s\n", aead_name(super->algorithm));
	printf("created   %s\n", human_time(super->created, text));
	FOREIGN("release", super->release);
	printf("attempts  %u\n", super->attempts);
	printf("pages     %" PRIu64 ": %" PRIu64 " data, %" PRIu64 " zero, %" PRIu64
	       " free, %" PRIu64 " untouchable, %" PRIu64 " kernel B's\n",
	       super->ram_pages, super->data_pages, super->zero_pages, super->free_pages,
	       super->untouchable_pages, super->home_pages);
	printf("stored    %s for %s of data", human_bytes(super->stored_bytes, text),
	       human_bytes(bytes, data));
	if (super->stored_bytes)
		printf(", ratio %.2f", (double)bytes / (double)super->stored_bytes);
	putchar('\n');
	printf("device    %s needed, %s of it written for this image\n",
	       human_bytes(super->device_bytes, text), human_bytes(super->own_bytes, data));
	if (super->reused_pages)
		printf("reused    %" PRIu64 " pages of %s\n", super->reused_pages,
		       human_uuid(super->base_uuid, uuid));
}

static void print_index(const struct image_index *index)
{
	const struct image_machine *machine = &index->machine;

	printf("chunks    %zu\n", index->chunk_count);
	if (index->key.algorithm) /* else it is in the superblock as well */
		FOREIGN("release", machine->release);
	FOREIGN("build", machine->build);
	FOREIGN("cpu", machine->cpu_vendor);
	printf("signature 0x%x\n", machine->cpu_signature);
	if (machine->cr4)
		printf("control   cr4 0x%" PRIx64 ", xcr0 0x%" PRIx64 "\n", machine->cr4,
		       machine->xcr0);
	printf("watched   %zu extents of file systems\n", index->watch_count);
}

static void print_text(const struct disk *disk, const struct image_super *super,
		       const struct image_index *index, const struct error *missing)
{
	print_device(disk, super);
	if (super->state == IMAGE_EMPTY)
		return;
	print_image(super);
	if (index)
		print_index(index);
	else if (missing->code == ENOKEY)
		printf("index     sealed: pages, devices and kernel take the key (--key)\n");
	else
		printf("index     not readable: %s\n", missing->text);
}

/* --- for programs; kjump(8) describes the fields --- */

#define TEXT(json, name, array) json_text(json, name, array, sizeof(array))

static void json_uuid(struct json *json, const char *name, const uint8_t uuid[16])
{
	char text[37];

	json_text(json, name, human_uuid(uuid, text), sizeof(text));
}

static void json_name(struct json *json, const char *name, const char *text)
{
	json_text(json, name, text, SIZE_MAX);
}

static void json_pages(struct json *json, const struct image_super *super)
{
	json_begin(json, "pages");
	json_number(json, "ram", super->ram_pages);
	json_number(json, "data", super->data_pages);
	json_number(json, "zero", super->zero_pages);
	json_number(json, "free", super->free_pages);
	json_number(json, "untouchable", super->untouchable_pages);
	json_number(json, "home", super->home_pages);
	json_end(json);
}

static void json_index(struct json *json, const struct image_index *index)
{
	static const char *const fills[] = {
		[FILL_NONE] = "none",
		[FILL_ZERO] = "zero",
		[FILL_POISON] = "poison",
	};

	json_begin(json, "index");
	json_number(json, "chunks", index->chunk_count);
	TEXT(json, "build", index->machine.build);
	TEXT(json, "cpu_vendor", index->machine.cpu_vendor);
	json_number(json, "cpu_signature", index->machine.cpu_signature);
	json_number(json, "cpu_features", index->machine.cpu_features);
	json_number(json, "cr4", index->machine.cr4);
	json_number(json, "xcr0", index->machine.xcr0);
	json_name(json, "fill", fills[index->machine.fill]);
	json_number(json, "watched", index->watch_count);
	json_number(json, "vmcoreinfo_bytes", index->vmcoreinfo ? strlen(index->vmcoreinfo) : 0);
	json_end(json);
}

static void json_image(struct json *json, const struct image_super *super,
		       const struct image_index *index)
{
	json_begin(json, "image");
	json_uuid(json, "uuid", super->image_uuid);
	json_number(json, "number", super->serial);
	json_name(json, "kind", image_kind_name(super->kind));
	TEXT(json, "reason", super->reason);
	json_number(json, "created", super->created);
	if (super->algorithm && index)
		TEXT(json, "release", index->machine.release);
	else
		TEXT(json, "release", super->release);
	if (super->algorithm)
		json_name(json, "sealed", aead_name(super->algorithm));
	else
		json_null(json, "sealed");
	json_number(json, "attempts", super->attempts);
	json_pages(json, super);
	json_number(json, "stored_bytes", super->stored_bytes);
	json_number(json, "device_bytes", super->device_bytes);
	json_number(json, "own_bytes", super->own_bytes);
	json_number(json, "reused_pages", super->reused_pages);
	json_number(json, "deltas", super->deltas);
	if (index)
		json_index(json, index);
	else
		json_null(json, "index");
	json_end(json);
}

static void print_json(const struct disk *disk, const struct image_super *super,
		       const struct image_index *index)
{
	struct json json = { .out = stdout };

	json_begin(&json, NULL);
	TEXT(&json, "device", disk->name);
	json_number(&json, "size", super->device_size);
	json_uuid(&json, "uuid", super->device_uuid);
	TEXT(&json, "label", super->label);
	json_name(&json, "state", image_state_name(super->state));
	json_number(&json, "generation", super->generation);
	json_number(&json, "images", image_super_count_images(super));
	if (super->state == IMAGE_EMPTY)
		json_null(&json, "image");
	else
		json_image(&json, super, index);
	json_end(&json);
}

/* --- */

/* Of a STALE image a part may be overwritten already; of any other the index must be whole. */
static int show(const struct disk *disk, struct image_super *super, const struct options *options)
{
	bool empty = super->state == IMAGE_EMPTY;
	struct image_index index = { 0 };
	struct error err = { 0 };
	const struct opener *key = NULL;
	struct opener opener;
	bool no_key = unseal_by(options, super, &opener, &key, &err);
	bool readable = !no_key && !empty && !image_index_read(disk, super, key, &index, &err);
	int status = EXIT_DONE;

	opener_end(&opener);
	if (options->json)
		print_json(disk, super, readable ? &index : NULL);
	else
		print_text(disk, super, readable ? &index : NULL, &err);
	if (empty) {
		status = EXIT_NO_IMAGE;
	} else if (no_key || err.code == EKEYREJECTED || err.code == ENOTSUP) {
		message("%s: %s; the index was not looked at", disk->name, err.text);
		status = EXIT_FAILED;
	} else if (!readable && err.code != ENOKEY && super->state != IMAGE_STALE) {
		message("%s: %s; the image is damaged", disk->name, err.text);
		status = EXIT_FAILED;
	}
	image_index_free(&index);
	return status;
}

static int run(const struct options *options)
{
	return device_run(options, DISK_READ, "nothing is known of it", show);
}

const struct command cmd_info = {
	.name = "info",
	.summary = "show what is on a device",
	.operands = "[DEVICE|FILE] [IMAGE]",
	.about = "Show what is on DEVICE (default: the target), and of its images IMAGE (default: "
		 "the\n"
		 "one that waits to be restored, else the newest). Exit code 3 when there is none.",
	.accepts = TAKES(CONFIG) | TAKES(TARGET) | TAKES(JSON) | TAKES(KEY) | TAKES(KEY_FD),
	.operands_max = 2,
	.run = run,
};
