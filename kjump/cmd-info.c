/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump info: what is on a device.
 */
#include <inttypes.h>
#include <stdio.h>

#include "kjump/device.h"
#include "kjump/human.h"

static void print_device(const struct disk *disk, const struct image_super *super)
{
	char size[HUMAN_SIZE], uuid[37];

	printf("device    %s\n", disk->name);
	printf("size      %s\n", human_bytes(super->device_size, size));
	printf("uuid      %s\n", human_uuid(super->device_uuid, uuid));
	if (*super->label)
		printf("label     %s\n", super->label);
	printf("state     %s\n", image_state_name(super->state));
}

static void print_image(const struct image_super *super)
{
	char text[HUMAN_SIZE], data[HUMAN_SIZE], uuid[37];
	uint64_t bytes = super->data_pages * FRAME_SIZE;

	if (*super->reason)
		printf("reason    %s\n", super->reason);
	printf("kind      %s\n", image_kind_name(super->kind));
	printf("image     %s\n", human_uuid(super->image_uuid, uuid));
	printf("created   %s\n", human_time(super->created, text));
	printf("release   %s\n", super->release);
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
}

static void print_index(const struct image_index *index)
{
	const struct image_machine *machine = &index->machine;

	printf("chunks    %zu\n", index->chunk_count);
	printf("build     %.*s\n", (int)sizeof(machine->build), machine->build);
	printf("cpu       %.*s, signature 0x%x\n", (int)sizeof(machine->cpu_vendor),
	       machine->cpu_vendor, machine->cpu_signature);
	printf("watched   %zu extents of file systems\n", index->watch_count);
}

/* Of a STALE image a part may be overwritten already; of any other the index must be whole. */
static int show_index(const struct disk *disk, const struct image_super *super)
{
	struct image_index index = { 0 };
	struct error err = { 0 };
	int status = EXIT_DONE;

	if (!image_index_read(disk, super, &index, &err)) {
		print_index(&index);
	} else if (super->state == IMAGE_STALE) {
		printf("index     not readable: %s\n", err.text);
	} else {
		message("%s: %s; the image is damaged", disk->name, err.text);
		status = EXIT_FAILED;
	}
	image_index_free(&index);
	return status;
}

static int run(const struct options *options)
{
	int status = EXIT_NO_IMAGE;
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	const char *spec;

	if (device_spec(options, &spec, &err) ||
	    device_open(spec, DISK_READ, &disk, &super, &err)) {
		message_error(&err, "info");
		return EXIT_FAILED;
	}
	print_device(&disk, &super);
	if (super.state != IMAGE_EMPTY) {
		print_image(&super);
		status = show_index(&disk, &super);
	}
	disk_close(&disk);
	return status;
}

const struct command cmd_info = {
	.name = "info",
	.summary = "show what is on a device",
	.usage = "[OPTION...] [DEVICE]\n"
		 "\n"
		 "Show what is on DEVICE (default: the target). Exit code 3 when it holds no\n"
		 "image.\n"
		 "\n"
		 "  --target DEVICE   the same as DEVICE\n"
		 "  --config FILE     settings (default: /etc/kjump.conf)\n",
	.accepts = OPTION_CONFIG | OPTION_TARGET,
	.operands_max = 1,
	.run = run,
};
