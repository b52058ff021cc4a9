/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump verify: read and check every byte of an image.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/safe.h"
#include "kjump/device.h"
#include "kjump/unseal.h"
#include "text/human.h"
#include "text/meter.h"

static int count_chunk(void *context, size_t number, const struct image_chunk *chunk,
		       const struct run *runs, const void *pages, struct error *err)
{
	(void)number, (void)runs, (void)pages, (void)err;
	meter_add(context, safe_round_up(chunk->stored, IMAGE_BLOCK));
	return 0;
}

static void print_checked(const struct disk *disk, const struct image_super *super, double seconds)
{
	char image[256], size[HUMAN_SIZE], data[HUMAN_SIZE];
	double bytes = (double)super->data_pages * FRAME_SIZE;

	printf("%s: %s\n", disk->name, image_describe(super, image, sizeof(image)));
	printf("  checked   both superblocks, index, chunks, digests and padding: %s\n",
	       human_bytes(super->device_bytes, size));
	printf("  pages     %" PRIu64 " of data, %s\n", super->data_pages,
	       human_bytes(super->data_pages * FRAME_SIZE, data));
	printf("  seconds   %.2f, %.0f MB/s read, %.0f MB/s of pages\n", seconds,
	       (double)super->device_bytes / 1e6 / seconds, bytes / 1e6 / seconds);
}

/* What nobody can see who has no key. */
static void print_outside(const struct disk *disk, const struct image_super *super)
{
	char image[256], size[HUMAN_SIZE];

	printf("%s: %s\n", disk->name, image_describe(super, image, sizeof(image)));
	printf("  checked   both superblocks, envelope and places; all of %s can be read\n",
	       human_bytes(super->device_bytes, size));
	printf("  not       what is sealed: index, chunks and digests; that takes the key "
	       "(--key)\n");
}

static int verify(const struct disk *disk, struct image_super *super, const struct options *options)
{
	bool empty = super->state == IMAGE_EMPTY;
	struct error err = { 0 };
	struct meter meter;
	const struct image_sink sink = { .take = count_chunk, .context = &meter };
	const struct opener *key;
	struct opener opener;
	double seconds;
	int ret = unseal_by(options, super, &opener, &key, &err);

	if (ret) {
		message("%s: %s; nothing was verified", disk->name, err.text);
		opener_end(&opener);
		return EXIT_FAILED;
	}
	meter_start(&meter, disk->name, empty ? 0 : super->device_bytes - super->index_size,
		    options->quiet);
	ret = image_verify(disk, super, key, options->config.workers, &sink, &err);
	seconds = meter_stop(&meter);
	opener_end(&opener);
	if (ret == -ENOKEY && !key) {
		if (!options->quiet)
			print_outside(disk, super);
		else
			message("%s: sealed; without the key only what is in clear was checked",
				disk->name);
		return EXIT_DONE;
	}
	if (ret == -EKEYREJECTED || ret == -ENOTSUP) {
		message("%s: %s; nothing was verified", disk->name, err.text);
		return EXIT_FAILED;
	}
	if (ret == -ESTALE) {
		message("%s: %s, as a power cut leaves it; all else is whole, and the next write "
			"makes both the same",
			disk->name, err.text);
	} else if (ret) {
		message("%s: %s; the image is %s", disk->name, err.text,
			super->state == IMAGE_STALE ? "stale and not whole any more" : "damaged");
		return EXIT_FAILED;
	}
	if (empty && !options->quiet)
		printf("%s: no image; both superblocks are in order\n", disk->name);
	else if (!options->quiet)
		print_checked(disk, super, seconds);
	return empty ? EXIT_NO_IMAGE : EXIT_DONE;
}

static int run(const struct options *options)
{
	return device_run(options, DISK_READ, "nothing was verified", verify);
}

const struct command cmd_verify = {
	.name = "verify",
	.summary = "read and check every byte of an image",
	.operands = "[DEVICE|FILE] [IMAGE]",
	.about = "Read and check every byte that IMAGE on DEVICE (default: the one that waits to "
		 "be\n"
		 "restored, else the newest, on the target) needs: both superblocks, index, "
		 "chunks,\n"
		 "the pages in them, digests, padding. Nothing is written.\n"
		 "Of a sealed image without its key only that all can be read and lies where it "
		 "should.\n"
		 "Exit code 3 when there is no image.",
	.accepts = TAKES(CONFIG) | TAKES(TARGET) | TAKES(WORKERS) | TAKES(QUIET) | TAKES(KEY) |
		   TAKES(KEY_FD),
	.operands_max = 2,
	.run = run,
};
