/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and opening the image device; booting on without it. */
#include "restore/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "image/filemap.h"
#include "restore/check.h"
#include "seal/pin.h"

/* Does the error mean that the device may still appear? */
static bool absent(int rc)
{
	return rc == -ENODEV || rc == -ENOENT || rc == -ENXIO;
}

static enum exit_code read_super(struct disk *disk, struct image_super *super, struct error *err)
{
	int rc = image_super_read(disk, super, err);

	if (!rc)
		return EXIT_DONE;
	error_prefix(err, "%s", disk->name);
	disk_close(disk);
	disk->fd = -1;
	return rc == -ENOMEDIUM ? EXIT_NO_IMAGE : EXIT_FAILED;
}

enum exit_code target_open(const char *spec, enum disk_mode mode, struct waiting *waiting,
			   struct disk *disk, struct image_super *super, struct error *err)
{
	int rc;

	do {
		rc = filemap_open(spec, mode, disk, err);
	} while (absent(rc) && waiting_goes_on(waiting, err));
	if (rc) {
		disk->fd = -1;
		return absent(rc) ? EXIT_NO_DEVICE : rc == -ENOMEDIUM ? EXIT_NO_IMAGE : EXIT_FAILED;
	}
	return read_super(disk, super, err);
}

/* What marking was like, over all devices. */
struct marking {
	const char *spec, *reason;
	bool marked, failed;
};

static void mark(struct disk *disk, struct image_super *super, struct marking *marking)
{
	struct error err = { 0 };

	if (!image_waits(super)) {
		message("%s: no hibernation image waits on it (%s)", disk->name,
			image_state_name(super->state));
	} else if (image_mark_stale(disk, super, marking->reason, &err)) {
		message("%s: image could not be marked stale: %s", disk->name, err.text);
		marking->failed = true;
	} else {
		message("%s: hibernation image marked stale: %s", disk->name, marking->reason);
		if (super->seal_flags & SEAL_PINNED)
			pin_remove(PIN_FOLDER);
		marking->marked = true;
	}
}

/*
 * A file's device may be mounted by now. Nobody else writes to that file, so its superblock is
 * written beneath the file system as well.
 */
static enum exit_code open_to_mark(const char *spec, const char *path, struct disk *disk,
				   struct image_super *super, struct error *err)
{
	char device[64];
	uint64_t place;
	int rc = disk_open(path, DISK_WRITE, disk, err);

	if (rc == -EBUSY && disk_spec_is_file(spec, device, sizeof(device), &place))
		rc = disk_open(path, DISK_SHARED, disk, err);
	if (!rc)
		rc = filemap_enter(spec, disk, err);
	if (rc)
		return rc == -ENOMEDIUM ? EXIT_NO_IMAGE : EXIT_FAILED;
	return read_super(disk, super, err);
}

static void mark_found(void *context, const char *path)
{
	struct marking *marking = context;
	struct image_super super;
	struct error err = { 0 };
	struct disk disk = { .fd = -1 };
	enum exit_code code = open_to_mark(marking->spec, path, &disk, &super, &err);

	if (code != EXIT_DONE) {
		message("%s; nothing was changed", err.text);
		marking->failed |= code == EXIT_FAILED;
		return;
	}
	mark(&disk, &super, marking);
	disk_close(&disk);
}

enum exit_code target_boot_on(const char *spec, const char *reason, struct waiting waiting)
{
	struct marking marking = { .spec = spec, .reason = reason };
	struct error err = { 0 };
	int rc;

	do {
		rc = disk_find_all(spec, mark_found, &marking, &err);
	} while (absent(rc) && waiting_goes_on(&waiting, &err));
	if (rc) {
		message("%s; nothing was changed", err.text);
		return absent(rc) ? EXIT_NO_DEVICE : EXIT_FAILED;
	}
	return marking.failed ? EXIT_FAILED : marking.marked ? EXIT_DONE : EXIT_NO_IMAGE;
}

enum exit_code target_count_reboot(const char *spec, struct waiting waiting)
{
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	enum exit_code code = target_open(spec, DISK_WRITE, &waiting, &disk, &super, &err);

	if (code != EXIT_DONE) {
		message("%s; nothing was changed", err.text);
		return code;
	}
	if (!image_waits(&super)) {
		message("%s: no hibernation image waits on it (%s)", disk.name,
			image_state_name(super.state));
		code = EXIT_NO_IMAGE;
	} else if (super.reboots >= TARGET_REBOOTS) {
		message("%s: %" PRIu32 " boots have tried already; not once more", disk.name,
			super.reboots);
		code = EXIT_FAILED;
	} else {
		super.reboots++;
		if (image_super_write(&disk, &super, &err)) {
			message("%s: %s", disk.name, err.text);
			code = EXIT_FAILED;
		}
	}
	disk_close(&disk);
	return code;
}

enum exit_code target_print_waiting(const char *spec, struct waiting waiting)
{
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	enum exit_code code = target_open(spec, DISK_READ, &waiting, &disk, &super, &err);

	if (code != EXIT_DONE) {
		message("%s; nothing was changed", err.text);
		return code;
	}
	disk_close(&disk);
	if (!image_waits(&super))
		return EXIT_NO_IMAGE;
	puts(super.algorithm ? "sealed" : "plain");
	return EXIT_DONE;
}

static void print_first(void *context, const char *path)
{
	bool *printed = context;

	if (!*printed)
		puts(path);
	*printed = true;
}

enum exit_code target_print(const char *spec)
{
	struct error err = { 0 };
	bool printed = false;
	int rc = disk_find_all(spec, print_first, &printed, &err);

	return !rc ? EXIT_DONE : absent(rc) ? EXIT_NO_DEVICE : EXIT_FAILED;
}
