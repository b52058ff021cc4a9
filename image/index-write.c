/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index as bytes: header, then the sections one behind the other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "image/internal.h"

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

int index_build(const struct image_index *index, const uint8_t image_uuid[16], void **bytes,
		uint64_t *size, struct error *err)
{
	struct image_index_header header = {
		.version = IMAGE_VERSION,
		.section_count = SECTION_COUNT,
	};
	struct part parts[SECTION_COUNT];
	unsigned char *buffer;

	list_parts(index, parts);
	header.size = place_sections(parts, header.sections);
	buffer = disk_buffer(header.size);
	if (!buffer)
		return error_set(err, ENOMEM, "no memory for the index (%llu bytes)",
				 (unsigned long long)header.size);
	for (int i = 0; i < SECTION_COUNT; i++) {
		struct image_section_entry *section = &header.sections[i];

		if (!section->size)
			continue;
		memcpy(buffer + section->offset, parts[i].bytes, section->size);
		section->crc = crc32c(0, buffer + section->offset,
				      safe_round_up(section->size, IMAGE_BLOCK));
	}
	memcpy(header.magic, IMAGE_INDEX_MAGIC, sizeof(header.magic));
	memcpy(header.image_uuid, image_uuid, sizeof(header.image_uuid));
	header.crc = crc32c(0, &header, sizeof(header));
	memcpy(buffer, &header, sizeof(header));
	*bytes = buffer;
	*size = header.size;
	return 0;
}
