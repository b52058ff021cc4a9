/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump export: an image as a file that crash(8) and makedumpfile(8) read.
 */
#include <inttypes.h>
#include <stdio.h>

#include "kjump/device.h"
#include "kjump/export/vmcore.h"
#include "kjump/paths.h"
#include "kjump/unseal.h"
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

static int export(const struct disk *disk, const struct image_super *super, const char *path,
		  const struct options *options)
{
	struct image_index index = { 0 };
	struct vmcore_result result;
	struct error err = { 0 };
	struct meter meter;
	const struct opener *key;
	struct opener opener;
	double seconds;
	int ret = unseal_by(options, super, &opener, &key, &err);

	if (!ret)
		ret = image_index_read(disk, super, key, &index, &err);
	opener_end(&opener);
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

/* DEVICE OUT, IMAGE OUT, or DEVICE IMAGE OUT. */
struct operands {
	const char *device, *image, *out;
};

static struct operands sort_operands(const struct options *options)
{
	const char *const *given = options->operands;

	if (given[2])
		return (struct operands){ given[0], given[1], given[2] };
	if (device_is_image(given[0]))
		return (struct operands){ options->config.target, given[0], given[1] };
	return (struct operands){ given[0], NULL, given[1] };
}

/* "export DEVICE 1" has no OUT; who wants a file of that name says ./1. */
static bool lacks_out(const struct options *options)
{
	return !options->operands[2] && device_is_image(options->operands[1]);
}

static int run(const struct options *options)
{
	const struct operands operands = sort_operands(options);
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	int status = EXIT_NO_IMAGE;

	if (lacks_out(options)) {
		message("export: %s is an image, and OUT is missing; try 'kjump help export'",
			options->operands[1]);
		return EXIT_USAGE;
	}
	if (!*operands.device) {
		message("no device named and no target set in %s; nothing was written",
			PATH_CONFIG);
		return EXIT_FAILED;
	}
	if (device_open(operands.device, DISK_READ, &disk, &super, &err)) {
		message("%s; nothing was written", err.text);
		return EXIT_FAILED;
	}
	if (super.state == IMAGE_EMPTY)
		message("%s: no image; nothing was written", disk.name);
	else if (device_take(&disk, &super, operands.image, &err))
		message("%s; nothing was written", err.text);
	else
		status = export(&disk, &super, operands.out, options);
	disk_close(&disk);
	return status;
}

const struct command cmd_export = {
	.name = "export",
	.summary = "make a file for crash and makedumpfile of an image",
	.operands = "[DEVICE|FILE] [IMAGE] OUT",
	.about =
		"Write IMAGE (default: the one that waits to be restored, else the newest) on "
		"DEVICE\n"
		"to the new file OUT, as an ELF core of the machine that\n"
		"crash(8) and makedumpfile(8) read. The file is as large as the machine's memory,\n"
		"but sparse: pages that were zero or free are holes.",
	.accepts = TAKES(CONFIG) | TAKES(WORKERS) | TAKES(QUIET) | TAKES(KEY) | TAKES(KEY_FD),
	.operands_min = 2,
	.operands_max = 3,
	.run = run,
};
