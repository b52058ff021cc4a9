/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and opening the image device; booting on without it. */
#include "restore/target.h"

#include <errno.h>

#include "common/clock.h"
#include "restore/check.h"

/* Does the error mean that the device may still appear? */
static bool absent(int rc)
{
	return rc == -ENODEV || rc == -ENOENT || rc == -ENXIO;
}

enum exit_code target_open(const char *spec, enum disk_mode mode, uint64_t deadline,
			   struct disk *disk, struct image_super *super, struct error *err)
{
	char path[sizeof(disk->name)];
	int rc;

	disk->fd = -1;
	do {
		rc = disk_find(spec, path, sizeof(path), err);
		if (!rc)
			rc = disk_open(path, mode, disk, err);
	} while (absent(rc) && clock_wait(deadline));
	if (rc) {
		disk->fd = -1;
		return absent(rc) ? EXIT_NO_IMAGE : EXIT_FAILED;
	}
	rc = image_super_read(disk, super, err);
	if (!rc)
		return EXIT_DONE;
	error_prefix(err, "%s", disk->name);
	disk_close(disk);
	return rc == -ENOMEDIUM ? EXIT_NO_IMAGE : EXIT_FAILED;
}

enum exit_code target_boot_on(const char *spec, const char *reason, uint64_t deadline)
{
	struct error err = { 0 };
	struct image_super super;
	struct disk disk;
	enum exit_code code = target_open(spec, DISK_WRITE, deadline, &disk, &super, &err);

	if (code != EXIT_DONE) {
		message("%s; nothing was changed", err.text);
		return code;
	}
	if (!image_waits(&super)) {
		message("%s: no hibernation image waits on it (%s)", disk.name,
			image_state_name(super.state));
		code = EXIT_NO_IMAGE;
	} else if (image_mark_stale(&disk, &super, reason, &err)) {
		message("%s: image could not be marked stale: %s", disk.name, err.text);
		code = EXIT_FAILED;
	} else {
		message("%s: hibernation image marked stale: %s; booting on", disk.name, reason);
	}
	disk_close(&disk);
	return code;
}
