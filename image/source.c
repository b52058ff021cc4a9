/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the bytes of an index come from: off the device, through its seal if it has one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/internal.h"

static int open_sealed(struct index_source *source, const struct image_head *head,
		       const struct opener *opener, struct error *err)
{
	const struct image_entry *entry = source->entry;
	int code = opener_open(opener, entry->algorithm, entry->image_uuid, &entry->key,
			       &source->key, err);

	if (code)
		return code;
	source->aead = aead_create();
	source->tags = malloc(entry->index_size / IMAGE_BLOCK * IMAGE_TAG);
	if (!source->aead || !source->tags)
		return error_set(err, ENOMEM, "no memory for the index");
	return envelope_read(source->disk, head, entry, &source->key, source->tags, NULL, err);
}

int source_open(const struct disk *disk, const struct image_head *head,
		const struct image_entry *entry, const struct opener *opener,
		struct index_source *ret, struct error *err)
{
	int code;

	*ret = (struct index_source){ .disk = disk, .entry = entry };
	code = entry->algorithm ? open_sealed(ret, head, opener, err) : 0;
	if (code)
		source_close(ret);
	return code;
}

void source_close(struct index_source *source)
{
	aead_free(source->aead);
	free(source->tags);
	keys_wipe(source, sizeof(*source));
}

void source_place(const struct image_entry *entry, uint64_t offset, struct aead_place *ret)
{
	*ret = (struct aead_place){
		.what = AEAD_INDEX,
		.number = offset / IMAGE_BLOCK,
		.offset = offset,
		.size = IMAGE_BLOCK,
		.pages = entry->index_size / IMAGE_BLOCK,
	};
}

int source_read(struct index_source *source, void *bytes, size_t size, uint64_t offset,
		struct error *err)
{
	int code;

	if (!safe_within(offset, size, source->entry->index_size))
		return error_set(err, EUCLEAN, "index damaged: shorter than it says");
	code = area_read(source->disk, source->entry, bytes, size,
			 source->entry->envelope_size + offset, err);
	for (size_t done = 0; source->aead && done < size && !code; done += IMAGE_BLOCK) {
		struct aead_place place;

		source_place(source->entry, offset + done, &place);
		if (!aead_open(source->aead, &source->key, &place, (char *)bytes + done,
			       IMAGE_BLOCK, source->tags + place.number * IMAGE_TAG))
			code = error_set(err, EUCLEAN,
					 "sealed index: block %llu was changed after it was sealed",
					 (unsigned long long)place.number);
	}
	return code;
}
