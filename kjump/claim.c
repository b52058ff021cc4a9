/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing is overwritten that nobody said to overwrite. */
#include "kjump/claim.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "kjump/load/loader.h"

int claim_look(const struct disk *disk, struct error *err)
{
	struct image_super super;
	char found[128], image[256];
	int ret;

	if (!image_super_read(disk, &super, err))
		return error_set(err, EEXIST, "claimed by kjump already (%s)",
				 image_describe(&super, image, sizeof(image)));
	ret = disk_probe(disk, found, sizeof(found), err);
	if (ret)
		return ret;
	if (*found)
		return error_set(err, EEXIST, "contains %s %s",
				 found[0] && strchr("aeiou", found[0]) ? "an" : "a", found);
	return disk_check_blank(disk, err);
}

int claim_fits(const struct disk *disk, struct error *err)
{
	return disk->size >= IMAGE_MIN_SIZE
		       ? 0
		       : error_set(err, ENOSPC, "too small: at least %d MiB are needed",
				   IMAGE_MIN_SIZE >> 20);
}

/* What image_format() would refuse is refused before --force wipes anything. */
int claim_make(const struct disk *disk, const char *label, bool force, struct image_super *super,
	       struct error *err)
{
	int ret = label ? image_label_check(label, err) : 0;

	if (!ret)
		ret = claim_fits(disk, err);
	if (!ret && force)
		ret = disk_wipe(disk, err);
	return ret ? ret : image_format(disk, label, super, err);
}

bool claim_is_file(const struct disk *disk)
{
	struct stat st;

	return !fstat(disk->fd, &st) && S_ISREG(st.st_mode);
}

/* A save that is under way knows the device by the UUID that it has now. */
int claim_lock(const struct disk *disk, struct error *err)
{
	/* To the image of a disk nobody saves. */
	return claim_is_file(disk) ? 0 : loader_lock(err);
}
