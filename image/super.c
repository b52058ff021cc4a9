/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The superblock: two copies, the first of them in a page that blkid takes for a suspend area. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/crc32c.h"
#include "common/printable.h"
#include "image/internal.h"

/* Linux's swap header, as far as it is used here; it lies at byte 1024 of the first page. */
struct swap_header {
	uint32_t version;
	uint32_t last_page;
	uint32_t bad_pages;
	uint8_t uuid[16];
	char volume[16];
	uint8_t padding[3018];
	char signature[10];
};

_Static_assert(sizeof(struct swap_header) == IMAGE_BLOCK - 1024, "fills the first page");
_Static_assert(offsetof(struct swap_header, signature) == 0xff6 - 1024, "place of the signature");

static const uint64_t copy_offset[2] = { IMAGE_SUPER0, IMAGE_SUPER1 };

const char *image_state_name(uint32_t state)
{
	static const char *const names[] = {
		[IMAGE_EMPTY] = "empty",       [IMAGE_VALID] = "valid",
		[IMAGE_RESTORED] = "restored", [IMAGE_HANDED_OVER] = "handed over",
		[IMAGE_STALE] = "stale",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *image_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[0] = "none",
		[IMAGE_HIBERNATION] = "hibernation",
		[IMAGE_CHECKPOINT] = "checkpoint",
		[IMAGE_CORE] = "memory dump",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

bool image_waits(const struct image_super *super)
{
	return super->kind == IMAGE_HIBERNATION &&
	       (super->state == IMAGE_VALID || super->state == IMAGE_HANDED_OVER);
}

void image_super_count(const struct image_super *super, struct outcome *ret)
{
	ret->ram_pages = super->ram_pages;
	ret->data_pages = super->data_pages;
	ret->zero_pages = super->zero_pages;
	ret->free_pages = super->free_pages;
	ret->untouchable_pages = super->untouchable_pages;
	ret->home_pages = super->home_pages;
}

bool ring_contains(const struct image_super *super, uint64_t offset, uint64_t size)
{
	return offset >= IMAGE_DATA_START && size <= super->length &&
	       safe_within(offset, size, ring_end(super)) && offset < ring_end(super) &&
	       safe_within(ring_distance(super, offset), size, super->length);
}

static uint32_t super_crc(const struct image_super *super)
{
	struct image_super copy = *super;

	copy.crc = 0;
	return crc32c(0, &copy, sizeof(copy));
}

/* What the first page holds behind the superblock. */
static void make_swap_header(const struct image_super *super, struct swap_header *ret)
{
	uint64_t last = super->device_size / IMAGE_BLOCK - 1;

	memset(ret, 0, sizeof(*ret));
	ret->version = 1;
	ret->last_page = last < UINT32_MAX ? last : UINT32_MAX;
	memcpy(ret->uuid, super->device_uuid, sizeof(ret->uuid));
	memcpy(ret->volume, super->label, sizeof(ret->volume));
	memcpy(ret->signature, "LINHIB0001", sizeof(ret->signature));
}

/* --- checks --- */

static int damaged(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "superblock damaged: %s", what);
}

static int check_place(const struct image_super *super, struct error *err)
{
	uint64_t all = ring_size(super);

	if (super->start % IMAGE_BLOCK || super->length % IMAGE_BLOCK ||
	    super->start < IMAGE_DATA_START || super->start >= ring_end(super) || !super->length ||
	    super->length > all)
		return damaged(err, "the image lies outside the data area");
	if (super->index % IMAGE_BLOCK || super->index_size % IMAGE_BLOCK || !super->index_size ||
	    !ring_contains(super, super->index, super->index_size) ||
	    ring_distance(super, super->index) + super->index_size != super->length)
		return damaged(err, "the index is not the end of the image");
	return 0;
}

static int check_fields(const struct image_super *super, struct error *err)
{
	if (!safe_is_zero(super->reserved1, sizeof(super->reserved1)))
		return damaged(err, "reserved bytes are not zero");
	if (super->device_size % IMAGE_BLOCK || super->device_size < IMAGE_MIN_SIZE)
		return damaged(err, "impossible device size");
	if (!safe_is_text(super->label, sizeof(super->label)) ||
	    !safe_is_text(super->reason, sizeof(super->reason)) ||
	    !safe_is_text(super->release, sizeof(super->release)))
		return damaged(err, "text without an end");
	/* It only grows, by one a write: what is beyond that was made, to wrap around. */
	if (super->generation > INT64_MAX)
		return damaged(err, "impossible generation");
	if (super->state > IMAGE_STALE)
		return damaged(err, "unknown state");
	if (super->state == IMAGE_EMPTY)
		return super->kind ? damaged(err, "empty, but of some kind") : 0;
	if (super->kind < IMAGE_HIBERNATION || super->kind > IMAGE_CORE)
		return damaged(err, "unknown kind of image");
	return check_place(super, err);
}

static int check_signature(const struct image_super *super, const unsigned char *block,
			   struct error *err)
{
	struct swap_header expected;

	make_swap_header(super, &expected);
	if (memcmp(block + sizeof(*super), &expected, sizeof(expected)))
		return error_set(err, EUCLEAN,
				 "the signature was changed (swapon, wipefs or mkfs?); what was "
				 "on the device counts no more");
	return 0;
}

static int check_block(const unsigned char *block, int copy, struct image_super *ret,
		       struct error *err)
{
	struct image_super super;
	int code;

	memcpy(&super, block, sizeof(super));
	if (memcmp(super.magic, IMAGE_MAGIC, sizeof(super.magic)))
		return error_set(err, ENOMEDIUM, "not a kjump device");
	if (super.crc != super_crc(&super))
		return damaged(err, "checksum mismatch");
	if (super.version != IMAGE_VERSION)
		return error_set(err, ENOTSUP, "format version %u is not supported", super.version);
	if (super.incompat & ~(uint64_t)IMAGE_INCOMPAT_ALL)
		return error_set(err, ENOTSUP, "unknown features %#llx: a newer kjump is needed",
				 (unsigned long long)super.incompat);
	code = check_fields(&super, err);
	if (code)
		return code;
	if (copy == 1 && !safe_is_zero(block + sizeof(super), IMAGE_BLOCK - sizeof(super)))
		return damaged(err, "padding is not zero");
	*ret = super;
	return 0;
}

static int read_block(const struct disk *disk, int copy, unsigned char *block, struct error *err)
{
	if (disk->size < IMAGE_MIN_SIZE)
		return error_set(err, ENOMEDIUM, "not a kjump device: too small to be one");
	return disk_read(disk, block, IMAGE_BLOCK, copy_offset[copy], err);
}

int super_read_copy(const struct disk *disk, int copy, struct image_super *ret, struct error *err)
{
	unsigned char *block = disk_buffer(IMAGE_BLOCK);
	int code;

	if (!block)
		return error_set(err, ENOMEM, "no memory");
	code = read_block(disk, copy, block, err);
	if (!code)
		code = check_block(block, copy, ret, err);
	if (!code && copy == 0)
		code = check_signature(ret, block, err);
	if (code)
		error_prefix(err, "superblock copy %d", copy);
	free(block);
	return code;
}

/*
 * Which copy counts. One that is whole but not understood (ENOTSUP) may be the newer one; that
 * only one of them has the magic says damage, not that the device was never claimed.
 */
static int choose(const struct image_super supers[2], const struct error errors[2],
		  struct image_super *ret, struct error *err)
{
	for (int i = 0; i < 2; i++)
		if (errors[i].code == ENOTSUP) {
			*err = errors[i];
			return -ENOTSUP;
		}
	if (errors[0].code && errors[1].code) {
		*err = errors[errors[0].code == ENOMEDIUM];
		return -err->code;
	}
	if (errors[0].code)
		*ret = supers[1];
	else if (errors[1].code)
		*ret = supers[0];
	else
		*ret = supers[supers[1].generation > supers[0].generation];
	return 0;
}

/* Copy 1 may be unreadable, but the first page tells whether the device is still claimed. */
static int read_copies(const struct disk *disk, unsigned char *block, struct image_super *ret,
		       struct error *err)
{
	struct error errors[2] = { { .code = 0 } };
	struct image_super supers[2];
	int code;

	if (!read_block(disk, 1, block, &errors[1]))
		check_block(block, 1, &supers[1], &errors[1]);
	code = read_block(disk, 0, block, err);
	if (code)
		return code;
	check_block(block, 0, &supers[0], &errors[0]);
	code = choose(supers, errors, ret, err);
	return code ? code : check_signature(ret, block, err);
}

int image_super_read(const struct disk *disk, struct image_super *ret, struct error *err)
{
	unsigned char *block = disk_buffer(IMAGE_BLOCK);
	struct image_super super;
	int code;

	if (!block)
		return error_set(err, ENOMEM, "no memory");
	code = read_copies(disk, block, &super, err);
	free(block);
	if (code)
		return code;
	if (disk->size < super.device_size)
		return error_set(err, EUCLEAN, "truncated: %llu bytes, %llu when it was formatted",
				 (unsigned long long)disk->size,
				 (unsigned long long)super.device_size);
	*ret = super;
	return 0;
}

/* --- writing --- */

static void clear_image(struct image_super *super)
{
	struct image_super empty = {
		.version = super->version,
		.compat = super->compat,
		.incompat = super->incompat,
		.generation = super->generation,
		.device_size = super->device_size,
		.state = IMAGE_EMPTY,
	};

	memcpy(empty.magic, super->magic, sizeof(empty.magic));
	memcpy(empty.device_uuid, super->device_uuid, sizeof(empty.device_uuid));
	memcpy(empty.label, super->label, sizeof(empty.label));
	*super = empty;
}

static int write_copy(const struct disk *disk, int copy, unsigned char *block, struct error *err)
{
	int code = disk_write(disk, block, IMAGE_BLOCK, copy_offset[copy], err);

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
static int choose_first(const struct disk *disk, unsigned char *block)
{
	struct image_super supers[2];
	struct error err;
	bool sound[2];

	for (int i = 0; i < 2; i++)
		sound[i] = !read_block(disk, i, block, &err) &&
			   !check_block(block, i, &supers[i], &err);
	return sound[1] && (!sound[0] || supers[1].generation > supers[0].generation) ? 0 : 1;
}

static void make_block(const struct image_super *super, int copy, unsigned char *block)
{
	struct swap_header header;

	memset(block, 0, IMAGE_BLOCK);
	memcpy(block, super, sizeof(*super));
	make_swap_header(super, &header);
	if (copy == 0)
		memcpy(block + sizeof(*super), &header, sizeof(header));
}

static int write_copies(const struct disk *disk, const struct image_super *super,
			unsigned char *block, struct error *err)
{
	int first = choose_first(disk, block), code;
	struct error second;

	make_block(super, first, block);
	code = write_copy(disk, first, block, err);
	if (code && !is_harmless(super))
		return code;
	make_block(super, !first, block);
	if (!write_copy(disk, !first, block, &second)) {
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
	unsigned char *block = disk_buffer(IMAGE_BLOCK);
	int code;

	if (!block)
		return error_set(err, ENOMEM, "no memory");
	if (super->state == IMAGE_EMPTY)
		clear_image(super);
	super->generation++;
	super->crc = super_crc(super);
	code = write_copies(disk, super, block, err);
	free(block);
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
	memset(block + sizeof(struct image_super), 0, IMAGE_BLOCK - sizeof(struct image_super));
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
		.state = IMAGE_EMPTY,
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
