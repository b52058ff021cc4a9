/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The superblock, as it is read: two copies, the first of them in a page that blkid takes for a
 * suspend area, each with a table of the images.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "image/internal.h"

uint32_t super_crc(const struct image_head *head)
{
	struct image_head copy = *head;

	copy.crc = 0;
	return crc32c(0, &copy, sizeof(copy));
}

/* What the first page holds behind the superblock. */
void super_swap_header(const struct image_head *head, struct swap_header *ret)
{
	uint64_t last = head->device_size / IMAGE_BLOCK - 1;

	memset(ret, 0, sizeof(*ret));
	ret->version = 1;
	ret->last_page = last < UINT32_MAX ? last : UINT32_MAX;
	memcpy(ret->uuid, head->device_uuid, sizeof(ret->uuid));
	memcpy(ret->volume, head->label, sizeof(ret->volume));
	memcpy(ret->signature, "LINHIB0001", sizeof(ret->signature));
}

/* --- checks --- */

static int damaged(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "superblock damaged: %s", what);
}

/* The pieces of an index: within the data area, none over another. */
static int check_place(const struct image_head *head, const struct image_entry *entry,
		       struct error *err)
{
	uint64_t size = 0;

	for (int i = 0; i < IMAGE_INDEX_EXTENTS; i++) {
		const struct image_extent *piece = &entry->index[i];

		if (!piece->size && !piece->offset && i)
			continue;
		if (!piece->size || (i && !piece[-1].size) ||
		    !space_contains(head, piece->offset, piece->size))
			return damaged(err, "the index lies outside the data area");
		for (int k = 0; k < i; k++)
			if (piece->offset < entry->index[k].offset + entry->index[k].size &&
			    entry->index[k].offset < piece->offset + piece->size)
				return damaged(err, "the index lies over itself");
		size += piece->size;
	}
	return size == entry->index_size + entry->envelope_size
		       ? 0
		       : damaged(err, "an index of another size");
}

static int check_seal(const struct image_entry *entry, struct error *err)
{
	if (entry->algorithm && !aead_name(entry->algorithm))
		return error_set(err, ENOTSUP,
				 "sealed in a way that is not known here (number %u): "
				 "a newer kjump is needed",
				 entry->algorithm);
	if (entry->seal_flags & ~(uint64_t)SEAL_PINNED)
		return error_set(err, ENOTSUP,
				 "sealed with unknown features %#llx: a newer kjump is needed",
				 (unsigned long long)entry->seal_flags);
	if (!entry->algorithm && (entry->index_rest || entry->envelope_size || entry->seal_flags ||
				  !safe_is_zero(&entry->key, sizeof(entry->key))))
		return damaged(err, "a key, but nothing is sealed");
	/* Nothing of the saved system is in clear. */
	if (entry->algorithm && entry->release[0])
		return damaged(err, "a sealed image that says its kernel");
	if (entry->algorithm && (!entry->envelope_size || entry->envelope_size % IMAGE_BLOCK ||
				 entry->index_size % IMAGE_BLOCK ||
				 entry->envelope_size > INT64_MAX || entry->index_size > INT64_MAX))
		return damaged(err, "impossible envelope");
	return 0;
}

static int check_entry(const struct image_head *head, const struct image_entry *entry,
		       struct error *err)
{
	int code;

	if (entry->state > IMAGE_STALE)
		return damaged(err, "unknown state");
	if (entry->state == IMAGE_EMPTY)
		return safe_is_zero(entry, sizeof(*entry))
			       ? 0
			       : damaged(err, "no image, but of a kind");
	if (entry->kind < IMAGE_HIBERNATION || entry->kind > IMAGE_CORE)
		return damaged(err, "unknown kind of image");
	if (!safe_is_zero(entry->reserved1, sizeof(entry->reserved1)))
		return damaged(err, "reserved bytes are not zero");
	if (!safe_is_text(entry->reason, sizeof(entry->reason)) ||
	    !safe_is_text(entry->release, sizeof(entry->release)))
		return damaged(err, "text without an end");
	if (!entry->serial || entry->serial > head->last_serial)
		return damaged(err, "impossible serial number");
	code = check_seal(entry, err);
	return code ? code : check_place(head, entry, err);
}

/* Each image once, and at most one that a boot would restore. */
static int check_table(const struct image_head *head, const struct image_entry *table,
		       struct error *err)
{
	bool waits = false;

	for (int i = 0; i < IMAGE_TABLE; i++) {
		int code = check_entry(head, &table[i], err);

		if (code)
			return code;
		for (int k = 0; k < i && table[i].state; k++)
			if (table[k].state && (table[k].serial == table[i].serial ||
					       !memcmp(table[k].image_uuid, table[i].image_uuid,
						       sizeof(table[i].image_uuid))))
				return damaged(err, "two entries for one image");
		if (waits && table_entry_waits(&table[i]))
			return damaged(err, "two images wait to be restored");
		waits = waits || table_entry_waits(&table[i]);
	}
	return 0;
}

static int check_head(const struct image_head *head, struct error *err)
{
	if (!safe_is_zero(head->reserved0, sizeof(head->reserved0)))
		return damaged(err, "reserved bytes are not zero");
	if (head->table_count != IMAGE_TABLE)
		return damaged(err, "a table of another size");
	if (head->device_size % IMAGE_BLOCK || head->device_size < IMAGE_MIN_SIZE)
		return damaged(err, "impossible device size");
	if (!safe_is_text(head->label, sizeof(head->label)))
		return damaged(err, "text without an end");
	/* It only grows, by one a write: what is beyond that was made, to wrap around. */
	if (head->generation > INT64_MAX || head->last_serial > INT64_MAX)
		return damaged(err, "impossible generation");
	return 0;
}

static int check_signature(const struct image_head *head, const unsigned char *block,
			   struct error *err)
{
	struct swap_header expected;

	super_swap_header(head, &expected);
	if (memcmp(block + sizeof(*head), &expected, sizeof(expected)))
		return error_set(err, EUCLEAN,
				 "the signature was changed (swapon, wipefs or mkfs?); what was "
				 "on the device counts no more");
	return 0;
}

static int check_version(const struct image_head *head, struct error *err)
{
	if (head->version == 1)
		return error_set(err, ENOTSUP,
				 "claimed by an older kjump (format version 1); format it again: "
				 "kjump format --force");
	if (head->version != IMAGE_VERSION)
		return error_set(err, ENOTSUP, "format version %u is not supported", head->version);
	if (head->incompat & ~(uint64_t)IMAGE_INCOMPAT_ALL)
		return error_set(err, ENOTSUP, "unknown features %#llx: a newer kjump is needed",
				 (unsigned long long)head->incompat);
	return 0;
}

int super_check_copy(const unsigned char *bytes, int copy, struct image_super *ret,
		     struct error *err)
{
	struct image_super super = { .slot = IMAGE_TABLE };
	struct image_head head;
	int code;

	memcpy(&head, bytes, sizeof(head));
	if (memcmp(head.magic, IMAGE_MAGIC, sizeof(head.magic)))
		return error_set(err, ENOMEDIUM, "not a kjump device");
	if (head.crc != super_crc(&head))
		return damaged(err, "checksum mismatch");
	code = check_version(&head, err);
	if (!code)
		code = check_head(&head, err);
	if (code)
		return code;
	memcpy(super.table, bytes + IMAGE_BLOCK, sizeof(super.table));
	if (head.table_crc != crc32c(0, super.table, sizeof(super.table)))
		return damaged(err, "checksum of the table is wrong");
	code = check_table(&head, super.table, err);
	if (code)
		return code;
	if (copy == 1 && !safe_is_zero(bytes + sizeof(head), IMAGE_BLOCK - sizeof(head)))
		return damaged(err, "padding is not zero");
	table_set_head(&super, &head);
	table_select_default(&super);
	*ret = super;
	return 0;
}

/* The block with the head, which must be there; without its table a copy is damaged. */
int super_read_block(const struct disk *disk, int copy, unsigned char *bytes, struct error *err)
{
	uint64_t offset = copy ? IMAGE_SUPER1 : IMAGE_SUPER0;
	struct error ignored;
	int code;

	if (disk->size < offset + IMAGE_BLOCK)
		return error_set(err, ENOMEDIUM, "not a kjump device: too small to be one");
	code = disk_read(disk, bytes, IMAGE_BLOCK, offset, err);
	if (code)
		return code;
	if (disk_read(disk, bytes + IMAGE_BLOCK, SUPER_BYTES - IMAGE_BLOCK, offset + IMAGE_BLOCK,
		      &ignored))
		memset(bytes + IMAGE_BLOCK, 0xff, SUPER_BYTES - IMAGE_BLOCK);
	return 0;
}

int super_read_copy(const struct disk *disk, int copy, struct image_super *ret, struct error *err)
{
	unsigned char *bytes = disk_buffer(SUPER_BYTES);
	struct image_head head;
	int code;

	if (!bytes)
		return error_set(err, ENOMEM, "no memory");
	code = super_read_block(disk, copy, bytes, err);
	if (!code)
		code = super_check_copy(bytes, copy, ret, err);
	if (!code && copy == 0) {
		table_get_head(ret, &head);
		code = check_signature(&head, bytes, err);
	}
	if (code)
		error_prefix(err, "superblock copy %d", copy);
	free(bytes);
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

static int check_length(const struct disk *disk, const struct image_head *head, struct error *err)
{
	if (disk->size >= head->device_size)
		return 0;
	return error_set(err, EUCLEAN, "truncated: %llu bytes, %llu when it was formatted",
			 (unsigned long long)disk->size, (unsigned long long)head->device_size);
}

/* As the head says, if it is sound: its table may lie behind the end already. */
static void explain(const struct disk *disk, const unsigned char *bytes, struct error *err)
{
	struct image_head head;

	memcpy(&head, bytes, sizeof(head));
	if (!memcmp(head.magic, IMAGE_MAGIC, sizeof(head.magic)) && head.crc == super_crc(&head))
		check_length(disk, &head, err);
}

/* Copy 1 may be unreadable, but the first page tells whether the device is still claimed. */
static int read_copies(const struct disk *disk, unsigned char *bytes, struct image_super *ret,
		       struct error *err)
{
	struct error errors[2] = { { .code = 0 } }, truncated = { .code = 0 };
	struct image_super supers[2];
	struct image_head head;
	int code;

	if (!super_read_block(disk, 1, bytes, &errors[1])) {
		super_check_copy(bytes, 1, &supers[1], &errors[1]);
		explain(disk, bytes, &truncated);
	}
	code = super_read_block(disk, 0, bytes, err);
	if (code)
		return code;
	super_check_copy(bytes, 0, &supers[0], &errors[0]);
	explain(disk, bytes, &truncated);
	code = choose(supers, errors, ret, err);
	if (code == -EUCLEAN && truncated.code)
		*err = truncated;
	if (code)
		return code;
	table_get_head(ret, &head);
	code = check_signature(&head, bytes, err);
	return code ? code : check_length(disk, &head, err);
}

int image_super_read(const struct disk *disk, struct image_super *ret, struct error *err)
{
	unsigned char *bytes = disk_buffer(SUPER_BYTES);
	struct image_super super;
	int code;

	if (!bytes)
		return error_set(err, ENOMEM, "no memory");
	code = read_copies(disk, bytes, &super, err);
	free(bytes);
	if (!code)
		*ret = super;
	return code;
}
