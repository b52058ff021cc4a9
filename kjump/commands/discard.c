/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump discard: forget images on a device; the device stays claimed.
 */
#include <stdio.h>

#include "kjump/device.h"
#include "text/human.h"

static int discard(const struct disk *disk, struct image_super *super,
		   const struct options *options)
{
	unsigned count = image_super_count_images(super);
	bool all = !device_image(options);
	struct error err = { 0 };
	char image[256];

	if (super->state == IMAGE_EMPTY) {
		printf("%s: no image\n", disk->name);
		return EXIT_NO_IMAGE;
	}
	image_describe(super, image, sizeof(image));
	if (all)
		image_super_clear(super);
	else
		super->state = IMAGE_EMPTY;
	if (image_super_write(disk, super, &err)) {
		message("%s: %s; the image was perhaps not discarded", disk->name, err.text);
		return EXIT_FAILED;
	}
	if (all && count > 1)
		printf("%s: discarded %u images, of these the %s\n", disk->name, count, image);
	else
		printf("%s: discarded the %s\n", disk->name, image);
	return EXIT_DONE;
}

static int run(const struct options *options)
{
	return device_run(options, DISK_WRITE, "nothing was discarded", discard);
}

const struct command cmd_discard = {
	.name = "discard",
	.summary = "forget images on a device",
	.operands = "[DEVICE] [IMAGE]",
	.about = "Forget IMAGE (its number or UUID, as 'kjump list' prints them) on DEVICE "
		 "(default:\n"
		 "the target), or all images there; the device stays claimed. Images that were\n"
		 "built on IMAGE stay whole.",
	.accepts = TAKES(CONFIG) | TAKES(TARGET),
	.operands_max = 2,
	.run = run,
};
