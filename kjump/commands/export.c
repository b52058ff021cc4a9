/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump export: an image as a file that crash(8) and makedumpfile(8) read.
 */
#include <inttypes.h>
#include <stdio.h>

#include "kjump/device.h"
#include "kjump/export/vmcore.h"
#include "text/human.h"

static void print_written(const char *path, const struct vmcore_result *result, double seconds)
{
	uint64_t bytes = result->pages * FRAME_SIZE;
	char size[HUMAN_SIZE], data[HUMAN_SIZE];

	printf("%s: ELF core of %s, %" PRIu64 " pages of data (%s), the rest holes\n"
	       "  home      %" PRIu64 " pages put back in place\n"
	       "  seconds   %.2f, %.0f MB/s of pages\n",
	       path, human_bytes(result->size, size), result->pages, human_bytes(bytes, data),
	       result->home, seconds, (double)bytes / 1e6 / seconds);
}

static int export(const struct disk *disk, const struct image_super *super,
		  const struct options *options)
{
	const char *path = options->operands[1];
	struct image_index index = { 0 };
	struct vmcore_result result;
	struct error err = { 0 };
	struct meter meter;
	double seconds;
	int ret = image_index_read(disk, super, &index, &err);

	if (ret) {
		message("%s: %s; nothing was written", disk->name, err.text);
		return EXIT_FAILED;
	}
	meter_start(&meter, path, super->stored_bytes, options->quiet);
	ret = vmcore_write(disk, &index, options->config.workers, path, &meter, &result, &err);
	seconds = meter_stop(&meter);
	image_index_free(&index);
	if (ret) {
		message("%s; nothing was exported", err.text);
		return EXIT_FAILED;
	}
	if (!options->quiet)
		print_written(path, &result, seconds);
	return EXIT_DONE;
}

static int run(const struct options *options)
{
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	int status = EXIT_NO_IMAGE;

	if (device_open(options->operands[0], DISK_READ, &disk, &super, &err)) {
		message("%s; nothing was written", err.text);
		return EXIT_FAILED;
	}
	if (super.state == IMAGE_EMPTY)
		message("%s: no image; nothing was written", disk.name);
	else
		status = export(&disk, &super, options);
	disk_close(&disk);
	return status;
}

const struct command cmd_export = {
	.name = "export",
	.summary = "make a file for crash and makedumpfile of an image",
	.operands = "DEVICE|FILE OUT",
	.about =
		"Write the image on DEVICE to the new file OUT, as an ELF core of the machine "
		"that\n"
		"crash(8) and makedumpfile(8) read. The file is as large as the machine's memory,\n"
		"but sparse: pages that were zero or free are holes.",
	.accepts = TAKES(CONFIG) | TAKES(WORKERS) | TAKES(QUIET),
	.operands_min = 2,
	.operands_max = 2,
	.run = run,
};
