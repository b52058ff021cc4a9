/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing the superblock, one copy after the other, and claiming a device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/crc32c.h"
#include "common/printable.h"
#include "image/internal.h"

static int write_copy(const struct disk *disk, int copy, unsigned char *bytes, struct error *err)
{
	int code = disk_write(disk, bytes, SUPER_BYTES, copy ? IMAGE_SUPER1 : IMAGE_SUPER0, err);

	if (!code)
		code = disk_flush(disk, err);
	if (code)
		error_prefix(err, "superblock copy %d", copy);
	return code;
}

/* May the state be written to one copy alone? Not one from which an image would be restored. */
static bool is_harmless(const struct image_super *super)
{
	return super->state == IMAGE_EMPTY || super->state == IMAGE_STALE ||
	       super->state == IMAGE_RESTORED;
}

/*
 * The copy that does not count now, which is copy 1 but after a power cut between the two. Were the
 * one that counts written first, and not to the end, then the older one would count: perhaps an
 * image that this boot has taken for stale.
 */
static int choose_first(const struct disk *disk, unsigned char *bytes, bool *is_sound)
{
	struct image_super supers[2];
	struct error err;
	bool sound[2];
	int first;

	for (int i = 0; i < 2; i++)
		sound[i] = !super_read_block(disk, i, bytes, &err) &&
			   !super_check_copy(bytes, i, &supers[i], &err);
	first = sound[1] && (!sound[0] || supers[1].generation > supers[0].generation) ? 0 : 1;
	*is_sound = sound[first];
	return first;
}

/*
 * A copy that is not whole may lack no more than some sectors of its table. Were it just written
 * over, and the power went when no others than these are there, then it would be whole again, as
 * somebody meant to write it long ago. Its head goes before that.
 */
static int clear_head(const struct disk *disk, int copy, unsigned char *bytes, struct error *err)
{
	uint64_t offset = copy ? IMAGE_SUPER1 : IMAGE_SUPER0;
	int code = disk_read(disk, bytes, IMAGE_BLOCK, offset, err);

	if (!code && safe_is_zero(bytes, sizeof(struct image_head)))
		return 0;
	memset(bytes, 0, sizeof(struct image_head));
	if (!code)
		code = disk_write(disk, bytes, IMAGE_BLOCK, offset, err);
	if (!code)
		code = disk_flush(disk, err);
	return code ? error_prefix(err, "superblock copy %d", copy) : 0;
}

static void make_copy(const struct image_super *super, int copy, unsigned char *bytes)
{
	struct swap_header header;
	struct image_head head;

	memset(bytes, 0, IMAGE_BLOCK);
	table_get_head(super, &head);
	memcpy(bytes, &head, sizeof(head));
	super_swap_header(&head, &header);
	if (copy == 0)
		memcpy(bytes + sizeof(head), &header, sizeof(header));
	memcpy(bytes + IMAGE_BLOCK, super->table, sizeof(super->table));
}

static int write_copies(const struct disk *disk, const struct image_super *super,
			unsigned char *bytes, struct error *err)
{
	bool sound;
	int first = choose_first(disk, bytes, &sound), code;
	struct error second;

	code = sound ? 0 : clear_head(disk, first, bytes, err);
	make_copy(super, first, bytes);
	if (!code)
		code = write_copy(disk, first, bytes, err);
	if (code && !is_harmless(super))
		return code;
	make_copy(super, !first, bytes);
	if (!write_copy(disk, !first, bytes, &second)) {
		if (code)
			message("%s: %s; only the other one says now that the image is %s",
				disk->name, err->text, image_state_name(super->state));
		return 0;
	}
	if (!code && is_harmless(super)) {
		message("%s: %s; only the other one says now that the image is %s", disk->name,
			second.text, image_state_name(super->state));
		return 0;
	}
	if (!code)
		*err = second;
	return -err->code;
}

int image_super_write(const struct disk *disk, struct image_super *super, struct error *err)
{
	unsigned char *bytes = disk_buffer(SUPER_BYTES);
	struct image_head head;
	int code;

	if (!bytes)
		return error_set(err, ENOMEM, "no memory");
	/* Beyond that no reader believes it (super.c, check_head()). */
	code = super->generation < INT64_MAX
		       ? table_store(super, err)
		       : error_set(err, EOVERFLOW,
				   "its superblock cannot be written once more; format it anew");
	if (!code) {
		super->generation++;
		super->table_crc = crc32c(0, super->table, sizeof(super->table));
		table_get_head(super, &head);
		super->crc = super_crc(&head);
		code = write_copies(disk, super, bytes, err);
	}
	free(bytes);
	return code;
}

int image_mark_stale(const struct disk *disk, struct image_super *super, const char *reason,
		     struct error *err)
{
	super->state = IMAGE_STALE;
	memset(super->reason, 0, sizeof(super->reason));
	snprintf(super->reason, sizeof(super->reason), "%s", reason);
	return image_super_write(disk, super, err);
}

int super_random_uuid(uint8_t uuid[16], struct error *err)
{
	if (getrandom(uuid, 16, GRND_NONBLOCK) != 16 && getrandom(uuid, 16, GRND_INSECURE) != 16)
		return error_errno(err, "cannot make a UUID");
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return 0;
}

/*
 * What is behind the superblock in the first page goes before all else: without that, neither copy
 * counts. Were both cleared at once, a power cut could leave the older one of two.
 */
static int clear_signature(const struct disk *disk, unsigned char *block, struct error *err)
{
	int code = disk_read(disk, block, IMAGE_BLOCK, IMAGE_SUPER0, err);

	if (code)
		return code;
	memset(block + sizeof(struct image_head), 0, IMAGE_BLOCK - sizeof(struct image_head));
	code = disk_write(disk, block, IMAGE_BLOCK, IMAGE_SUPER0, err);
	memset(block, 0, IMAGE_BLOCK);
	return code ? code : disk_flush(disk, err);
}

/* Old superblocks and foreign signatures go first: a power cut leaves an unclaimed device. */
static int clear_ends(const struct disk *disk, struct error *err)
{
	void *zeros = disk_buffer(IMAGE_DATA_START);
	int code;

	if (!zeros)
		return error_set(err, ENOMEM, "no memory");
	code = clear_signature(disk, zeros, err);
	if (!code)
		code = disk_write(disk, zeros, IMAGE_DATA_START, 0, err);
	if (!code)
		code = disk_write(disk, zeros, IMAGE_TAIL, disk->size - IMAGE_TAIL, err);
	if (!code)
		code = disk_flush(disk, err);
	free(zeros);
	return code;
}

int image_label_check(const char *label, struct error *err)
{
	char copy[sizeof(((struct image_super *)0)->label)];

	if (strlen(label) >= sizeof(copy))
		return error_set(err, EINVAL, "label \"%.60s\" is longer than %zu bytes", label,
				 sizeof(copy) - 1);
	strcpy(copy, label);
	if (strcmp(printable(copy), label))
		return error_set(err, EINVAL, "label \"%s\" is not printable", copy);
	return 0;
}

int image_format(const struct disk *disk, const char *label, struct image_super *ret,
		 struct error *err)
{
	struct image_super super = {
		.version = IMAGE_VERSION,
		.device_size = disk->size,
		.table_count = IMAGE_TABLE,
		.slot = IMAGE_TABLE,
	};
	int code = label ? image_label_check(label, err) : 0;

	if (code)
		return code;
	if (disk->size < IMAGE_MIN_SIZE)
		return error_set(err, ENOSPC, "too small: at least %d MiB are needed",
				 IMAGE_MIN_SIZE >> 20);
	memcpy(super.magic, IMAGE_MAGIC, sizeof(super.magic));
	if (label)
		memcpy(super.label, label, strlen(label));
	code = super_random_uuid(super.device_uuid, err);
	if (!code)
		code = clear_ends(disk, err);
	if (!code)
		code = image_super_write(disk, &super, err);
	if (!code)
		*ret = super;
	return code;
}
