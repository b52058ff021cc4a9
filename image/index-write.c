/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index as bytes: header, then the sections one behind the other. They go out in small pieces,
 * so that no second copy of the lists is ever in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/crc32c.h"
#include "image/internal.h"

#define WRITE_STEP 1048576

uint32_t index_record_size(enum image_section section)
{
	switch (section) {
	case SECTION_MACHINE:
		return sizeof(struct image_machine);
	case SECTION_CHUNKS:
		return sizeof(struct image_chunk);
	case SECTION_FIRMWARE:
		return sizeof(struct firmware_range);
	case SECTION_WATCH:
		return sizeof(struct image_watch);
	case SECTION_VMCOREINFO:
		return 1;
	case SECTION_PCI:
		return sizeof(struct pci_record);
	case SECTION_DISKS:
		return sizeof(struct disk_record);
	case SECTION_EFI:
		return sizeof(struct efi_range);
	case SECTION_DIGESTS:
		return sizeof(struct image_digests);
	case SECTION_KEYS:
		return sizeof(struct image_key);
	default:
		return sizeof(struct run);
	}
}

struct part {
	const void *bytes;
	uint64_t count; /* records */
};

static void list_parts(const struct image_index *index, struct part parts[SECTION_COUNT])
{
	const struct part list[SECTION_COUNT] = {
		[SECTION_MACHINE] = { &index->machine, 1 },
		[SECTION_RAM] = { index->ram.v, index->ram.n },
		[SECTION_HOME] = { index->home.v, index->home.n },
		[SECTION_ZERO] = { index->zero.v, index->zero.n },
		[SECTION_FREE] = { index->free.v, index->free.n },
		[SECTION_UNTOUCHABLE] = { index->untouchable.v, index->untouchable.n },
		[SECTION_CHUNKS] = { index->chunks, index->chunk_count },
		[SECTION_DATA] = { index->data.v, index->data.n },
		[SECTION_FIRMWARE] = { index->firmware, index->firmware_count },
		[SECTION_WATCH] = { index->watch, index->watch_count },
		[SECTION_VMCOREINFO] = { index->vmcoreinfo,
					 index->vmcoreinfo ? strlen(index->vmcoreinfo) : 0 },
		[SECTION_PCI] = { index->pci, index->pci_count },
		[SECTION_DISKS] = { index->disks, index->disk_count },
		[SECTION_EFI] = { index->efi, index->efi_count },
		[SECTION_DIGESTS] = { index->digests, index->digests_count },
		[SECTION_KEYS] = { index->keys, index->key_count },
	};

	memcpy(parts, list, sizeof(list));
}

/* Places of all sections; returns the size of the index. No overflow: all of it is in memory. */
static uint64_t place_sections(const struct part *parts, struct image_section_entry *sections)
{
	uint64_t end = IMAGE_BLOCK;

	for (int i = 0; i < SECTION_COUNT; i++) {
		sections[i].record = index_record_size(i);
		sections[i].size = parts[i].count * sections[i].record;
		if (!sections[i].size)
			continue;
		sections[i].offset = end;
		end += safe_round_up(sections[i].size, IMAGE_BLOCK);
	}
	return end;
}

static uint32_t section_crc(const struct part *part, const struct image_section_entry *section)
{
	static const unsigned char zeros[IMAGE_BLOCK];
	uint32_t crc = crc32c(0, part->bytes, section->size);

	return crc32c(crc, zeros, safe_round_up(section->size, IMAGE_BLOCK) - section->size);
}

void index_describe(const struct image_index *index, const uint8_t image_uuid[16],
		    struct image_index_header *ret)
{
	struct part parts[SECTION_COUNT];

	*ret = (struct image_index_header){
		.version = IMAGE_VERSION,
		.section_count = SECTION_COUNT,
	};
	list_parts(index, parts);
	ret->size = place_sections(parts, ret->sections);
	for (int i = 0; i < SECTION_COUNT; i++)
		if (ret->sections[i].size)
			ret->sections[i].crc = section_crc(&parts[i], &ret->sections[i]);
	memcpy(ret->magic, IMAGE_INDEX_MAGIC, sizeof(ret->magic));
	memcpy(ret->image_uuid, image_uuid, sizeof(ret->image_uuid));
	ret->crc = crc32c(0, ret, sizeof(*ret));
}

/* Bytes on their way out. */
struct index_output {
	unsigned char *buffer; /* of WRITE_STEP bytes */
	XXH3_state_t *hash;
	index_put put;
	void *context;
	uint64_t done;
};

static int put_part(struct index_output *output, const void *bytes, uint64_t size,
		    struct error *err)
{
	const unsigned char *from = bytes;

	while (size) {
		size_t step = size < WRITE_STEP ? size : WRITE_STEP;
		size_t padded = safe_round_up(step, IMAGE_BLOCK);
		int code;

		memcpy(output->buffer, from, step);
		memset(output->buffer + step, 0, padded - step);
		XXH3_64bits_update(output->hash, output->buffer, padded);
		code = output->put(output->context, output->buffer, padded, output->done, err);
		if (code)
			return code;
		output->done += padded;
		from += step;
		size -= step;
	}
	return 0;
}

int index_write(const struct image_index *index, const struct image_index_header *header,
		index_put put, void *context, uint64_t *xxh3, struct error *err)
{
	struct index_output output = {
		.buffer = disk_buffer(WRITE_STEP),
		.hash = XXH3_createState(),
		.put = put,
		.context = context,
	};
	struct part parts[SECTION_COUNT];
	int code;

	if (!output.buffer || !output.hash) {
		code = error_set(err, ENOMEM, "no memory to write the index");
		goto out;
	}
	XXH3_64bits_reset(output.hash);
	list_parts(index, parts);
	code = put_part(&output, header, sizeof(*header), err);
	for (int i = 0; i < SECTION_COUNT && !code; i++)
		code = put_part(&output, parts[i].bytes, header->sections[i].size, err);
	*xxh3 = XXH3_64bits_digest(output.hash);
out:
	if (output.buffer)
		keys_wipe(output.buffer, WRITE_STEP);
	free(output.buffer);
	XXH3_freeState(output.hash);
	return code;
}
