/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump discard: forget the image on a device; the device stays claimed.
 */
#include <stdio.h>

#include "kjump/device.h"
#include "text/human.h"

static int discard(const struct disk *disk, struct image_super *super,
		   const struct options *options)
{
	struct error err = { 0 };
	char image[256];

	(void)options;
	if (super->state == IMAGE_EMPTY) {
		printf("%s: no image\n", disk->name);
		return EXIT_NO_IMAGE;
	}
	image_describe(super, image, sizeof(image));
	image_super_clear(super);
	if (image_super_write(disk, super, &err)) {
		message("%s: %s; the image was perhaps not discarded", disk->name, err.text);
		return EXIT_FAILED;
	}
	printf("%s: discarded the %s\n", disk->name, image);
	return EXIT_DONE;
}

static int run(const struct options *options)
{
	return device_run(options, DISK_WRITE, "nothing was discarded", discard);
}

const struct command cmd_discard = {
	.name = "discard",
	.summary = "forget the image on a device",
	.operands = "[DEVICE]",
	.about = "Forget the image on DEVICE (default: the target); the device stays claimed.",
	.accepts = TAKES(CONFIG) | TAKES(TARGET),
	.operands_max = 1,
	.run = run,
};
