/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump format: claim a device or a file for images. Never asks, and never overwrites what it was
 * not told to overwrite.
 */
#include <errno.h>
#include <stdio.h>

#include "disk/disk.h"
#include "image/image.h"
#include "kjump/check/activation.h"
#include "kjump/claim.h"
#include "kjump/file/make.h"
#include "kjump/load/loader.h"
#include "kjump/options.h"
#include "text/human.h"

static void warn(const struct disk *disk)
{
	char text[256];

	if (activation_by_line("", disk->name, text, sizeof(text)))
		message("warning: %s, and an image on it would be lost; take the line out", text);
	else if (activation_by_type(disk->name))
		message("warning: %s has the partition type for swap, and systemd may swap to it; "
			"give it another one with 'sfdisk --part-type'",
			disk->name);
}

static int format_file(const struct options *options)
{
	const struct file_wish wish = { .path = options->operands[0],
					.size = options->size,
					.label = options->label,
					.force = options->force };
	char uuid[37], size[HUMAN_SIZE], text[256];
	struct claimed_file file;
	struct image_super super;
	struct error err = { 0 };

	if (loader_lock(&err)) {
		message("%s; nothing was changed", err.text);
		return EXIT_FAILED;
	}
	if (file_make(&wish, &file, &super, &err)) {
		message("%s%s; it was not claimed", err.text,
			err.code == EEXIST && !wish.size ? "; use --force to overwrite it" : "");
		return EXIT_FAILED;
	}
	printf("%s: claimed for images, %s on %s (%s), UUID %s. Kernel parameter to restore them "
	       "at boot:\nrd.kjump.resume=%s\n",
	       wish.path, human_bytes(super.device_size, size), file.holder.node, file.holder.type,
	       human_uuid(super.device_uuid, uuid), file.spec);
	if (file.holder.kind == HOLDER_VFAT)
		message("warning: %s: vfat has no immutable files, so nothing keeps it from being "
			"moved or removed; that would be noticed before a save",
			wish.path);
	if (activation_by_line("", wish.path, text, sizeof(text)))
		message("warning: %s, and an image in it would be lost; take the line out", text);
	return EXIT_DONE;
}

static int format_device(const struct options *options)
{
	char uuid[37], size[HUMAN_SIZE];
	struct image_super super;
	struct error err = { 0 };
	int status = EXIT_FAILED;
	struct disk disk;

	if (disk_open(options->operands[0], DISK_WRITE, &disk, &err)) {
		message("%s; nothing was changed", err.text);
		return EXIT_FAILED;
	}
	if (claim_lock(&disk, &err)) {
		message("%s; nothing was changed", err.text);
		goto out;
	}
	if (!options->force && claim_look(&disk, &err)) {
		message("%s: %s%s; nothing was changed", disk.name, err.text,
			err.code == EEXIST ? "; use --force to overwrite it" : "");
		goto out;
	}
	if (!options->force && claim_is_file(&disk)) {
		message("%s: is a file, and kernel B finds block devices only; --force claims it "
			"as "
			"the image of a disk; nothing was changed",
			disk.name);
		goto out;
	}
	if (claim_make(&disk, options->label, options->force, &super, &err)) {
		message("%s: %s; it was not claimed", disk.name, err.text);
		goto out;
	}
	printf("%s: claimed for images, %s. Kernel parameter to restore them at boot:\n"
	       "rd.kjump.resume=UUID=%s\n",
	       disk.name, human_bytes(super.device_size, size),
	       human_uuid(super.device_uuid, uuid));
	warn(&disk);
	status = EXIT_DONE;
out:
	disk_close(&disk);
	return status;
}

static int run(const struct options *options)
{
	if (options->size && !options->file) {
		message("format: --size goes with --file only; try 'kjump help format'");
		return EXIT_USAGE;
	}
	return options->file ? format_file(options) : format_device(options);
}

const struct command cmd_format = {
	.name = "format",
	.summary = "claim a device or a file for images",
	.operands = "DEVICE",
	.about = "Claim a partition, disk or logical volume for images, or with --file a file on "
		 "ext4,\n"
		 "XFS, btrfs or vfat. Refuses a device that is in use, what holds anything, and "
		 "files\n"
		 "whose bytes have no places that stay as they are.",
	.accepts = TAKES(FILE) | TAKES(FORCE) | TAKES(LABEL) | TAKES(SIZE),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
