/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the image on the target once the system runs again. */
#include "kjump/save/settle.h"

#include <errno.h>
#include <string.h>

#include "image/image.h"
#include "kjump/device.h"
#include "seal/pin.h"

void settle_begin(struct settle *settle, const char *target, bool dry_run)
{
	*settle = (struct settle){ .target = target, .dry_run = dry_run, .disk.fd = -1 };
}

int settle_hold(struct settle *settle, struct error *err)
{
	struct image_super ignored;

	if (settle->disk.fd >= 0)
		return 0;
	return device_open(settle->target, DISK_WRITE, &settle->disk, &ignored, err);
}

void settle_end(struct settle *settle)
{
	disk_close(&settle->disk);
}

/* What the target holds now. Where it is not held any more (unplugged meanwhile), look for it. */
static int read_target(struct settle *settle, struct image_super *super, struct error *err)
{
	int ret;

	if (settle->disk.fd >= 0 && !image_super_read(&settle->disk, super, err))
		return 0;
	settle_end(settle);
	ret = device_open(settle->target, DISK_WRITE, &settle->disk, super, err);
	if (ret)
		settle->disk.fd = -1;
	return ret;
}

static int mark_restored(struct settle *settle, const uint8_t image[16], struct error *err)
{
	struct image_super super;
	int ret = read_target(settle, &super, err);

	if (ret)
		return ret;
	if (memcmp(super.image_uuid, image, sizeof(super.image_uuid))) {
		ret = error_set(err, EUCLEAN, "holds another image by now");
	} else if (super.state == IMAGE_HANDED_OVER) {
		super.state = IMAGE_RESTORED;
		ret = image_super_write(&settle->disk, &super, err);
	}
	return ret ? error_prefix(err, "%s", settle->disk.name) : 0;
}

void settle_restored(struct settle *settle, const uint8_t image[16])
{
	struct error err = { 0 };

	/* Not once more, whatever somebody makes of its state. */
	pin_remove(PIN_FOLDER);
	if (mark_restored(settle, image, &err))
		message("%s; the image was not marked as restored", err.text);
}

void settle_went_on(struct settle *settle)
{
	struct error err = { 0 };
	struct image_super super;

	if (settle->dry_run)
		return;
	if (read_target(settle, &super, &err))
		message("%s; could not check that it holds no image of the running system",
			err.text);
	else if (image_waits(&super) &&
		 image_mark_stale(&settle->disk, &super, "the system went on without it", &err))
		message("%s: %s; do not boot with rd.kjump.resume", settle->disk.name, err.text);
}
