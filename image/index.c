/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the index. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <xxhash.h>

#include "common/crc32c.h"
#include "image/internal.h"

#define READ_STEP 1048576

static int damaged(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "index damaged: %s", what);
}

void image_index_free(struct image_index *index)
{
	runs_free(&index->ram);
	runs_free(&index->home);
	runs_free(&index->zero);
	runs_free(&index->free);
	runs_free(&index->untouchable);
	runs_free(&index->data);
	free(index->chunks);
	free(index->firmware);
	free(index->watch);
	free(index->vmcoreinfo);
	free(index->pci);
	free(index->disks);
	free(index->efi);
	free(index->digests);
	if (index->keys)
		keys_wipe(index->keys, index->key_count * sizeof(*index->keys));
	free(index->keys);
	keys_wipe(index, sizeof(*index));
}

/* --- reading --- */

/* Everything of an index but its lists of frames: machine, maps, fingerprints, text, padding. */
#define SMALL_SECTIONS (UINT64_C(16) << 20)

/*
 * The size comes from the superblock, which anybody may have written, and memory is taken for it
 * before the index can be looked at: no more than the superblock's own numbers of pages can need,
 * and never what this machine cannot spare.
 */
static int check_size(const struct image_super *super, struct error *err)
{
	uint64_t runs, chunks, limit;
	struct sysinfo here;

	/* A run has at least one page; each page is in the list of RAM and in one of the others. */
	if (!safe_mul(super->ram_pages, 2 * sizeof(struct run), &runs) ||
	    !safe_mul(super->data_pages, sizeof(struct image_chunk), &chunks) ||
	    !safe_add(runs, chunks, &limit) || !safe_add(limit, SMALL_SECTIONS, &limit))
		limit = UINT64_MAX;
	if (super->index_size > limit)
		return damaged(err, "larger than so many pages can need");
	if (!sysinfo(&here) && super->index_size > (uint64_t)here.totalram * here.mem_unit / 2)
		return error_set(err, ENOMEM,
				 "index of %llu MiB: more than half of this machine's memory",
				 (unsigned long long)(super->index_size >> 20));
	return 0;
}

/* An index that is being read: in order, so that its digest can be computed on the way. */
struct index_input {
	struct index_source source;
	XXH3_state_t *hash;
	uint64_t done; /* bytes of the index */
};

/* The next SIZE bytes, a multiple of IMAGE_BLOCK. */
static int read_next(struct index_input *input, void *bytes, uint64_t size, struct error *err)
{
	char *at = bytes;
	int code = 0;

	while (size && !code) {
		size_t step = size < READ_STEP ? size : READ_STEP;

		code = source_read(&input->source, at, step, input->done, err);
		if (!code && !input->source.aead)
			XXH3_64bits_update(input->hash, at, step);
		at += step;
		input->done += step;
		size -= step;
	}
	return code;
}

/*
 * The records of a section: right checksum, zero padding. *RET is from malloc, NULL when there are
 * none; *COUNT records.
 */
static int read_section(struct index_input *input, const struct image_section_entry *section,
			void *ret, size_t *count, struct error *err)
{
	uint64_t padded = safe_round_up(section->size, IMAGE_BLOCK);
	unsigned char *bytes = NULL;
	int code = 0;

	if (section->size) {
		bytes = aligned_alloc(DISK_ALIGN, padded);
		if (!bytes)
			return error_set(err, ENOMEM, "no memory for the index (%llu bytes)",
					 (unsigned long long)padded);
		code = read_next(input, bytes, padded, err);
	}
	if (!code && section->size && crc32c(0, bytes, padded) != section->crc)
		code = damaged(err, "checksum mismatch");
	if (!code && section->size && !safe_is_zero(bytes + section->size, padded - section->size))
		code = damaged(err, "padding is not zero");
	if (code) {
		free(bytes);
		return code;
	}
	*count = section->size / section->record;
	memcpy(ret, &bytes, sizeof(bytes));
	return 0;
}

static int read_machine(struct index_input *input, const struct image_section_entry *section,
			struct image_machine *ret, struct error *err)
{
	struct image_machine *machine;
	size_t count;
	int code = read_section(input, section, &machine, &count, err);

	if (!code)
		*ret = *machine;
	if (!code)
		free(machine);
	return code;
}

static int read_runs(struct index_input *input, const struct image_section_entry *section,
		     struct runs *ret, struct error *err)
{
	int code = read_section(input, section, &ret->v, &ret->n, err);

	ret->capacity = ret->n;
	return code;
}

static int read_text(struct index_input *input, const struct image_section_entry *section,
		     char **ret, struct error *err)
{
	size_t size;
	char *text;
	int code = read_section(input, section, &text, &size, err);

	if (code || !text)
		return code;
	if (memchr(text, '\0', size))
		code = damaged(err, "vmcoreinfo is no text");
	else if (!(*ret = strndup(text, size)))
		code = error_set(err, ENOMEM, "no memory for the index");
	free(text);
	return code;
}

/* The sections lie on the device in the order of their numbers. */
static int read_part(struct index_input *input, enum image_section number,
		     const struct image_section_entry *section, struct image_index *index,
		     struct error *err)
{
	struct runs *const runs[SECTION_COUNT] = {
		[SECTION_RAM] = &index->ram,   [SECTION_HOME] = &index->home,
		[SECTION_ZERO] = &index->zero, [SECTION_FREE] = &index->free,
		[SECTION_DATA] = &index->data, [SECTION_UNTOUCHABLE] = &index->untouchable,
	};

	switch (number) {
	case SECTION_MACHINE:
		return read_machine(input, section, &index->machine, err);
	case SECTION_CHUNKS:
		return read_section(input, section, &index->chunks, &index->chunk_count, err);
	case SECTION_FIRMWARE:
		return read_section(input, section, &index->firmware, &index->firmware_count, err);
	case SECTION_WATCH:
		return read_section(input, section, &index->watch, &index->watch_count, err);
	case SECTION_PCI:
		return read_section(input, section, &index->pci, &index->pci_count, err);
	case SECTION_DISKS:
		return read_section(input, section, &index->disks, &index->disk_count, err);
	case SECTION_EFI:
		return read_section(input, section, &index->efi, &index->efi_count, err);
	case SECTION_DIGESTS:
		return read_section(input, section, &index->digests, &index->digests_count, err);
	case SECTION_KEYS:
		return read_section(input, section, &index->keys, &index->key_count, err);
	case SECTION_VMCOREINFO:
		return read_text(input, section, &index->vmcoreinfo, err);
	default:
		return read_runs(input, section, runs[number], err);
	}
}

/* Header, then all sections; nothing is made room for that the header does not account for. */
static int read_all(struct index_input *input, struct image_index *index, struct error *err)
{
	struct image_index_header *header = disk_buffer(sizeof(*header));
	int code;

	if (!header)
		return error_set(err, ENOMEM, "no memory for the index");
	code = read_next(input, header, sizeof(*header), err);
	if (!code)
		code = index_check_header(input->source.entry, header, err);
	for (int i = 0; i < SECTION_COUNT && !code; i++) {
		code = read_part(input, i, &header->sections[i], index, err);
		if (code)
			error_prefix(err, "section %d", i);
	}
	if (!code && !input->source.aead &&
	    XXH3_64bits_digest(input->hash) != input->source.entry->index_xxh3)
		code = damaged(err, "digest mismatch");
	free(header);
	return code;
}

/* Places of chunks and digests; *BYTES is the room that they take. */
static int check_places(const struct image_index *index, const struct image_head *head,
			uint64_t *bytes, struct error *err)
{
	*bytes = 0;
	for (size_t i = 0; i < index->chunk_count; i++) {
		const struct image_chunk *chunk = &index->chunks[i];

		if (!space_contains(head, chunk->offset, chunk_size(chunk)))
			return error_set(err, EUCLEAN, "chunk %zu: lies outside the data area", i);
		*bytes += chunk_size(chunk);
	}
	for (size_t i = 0; i < index->digests_count; i++) {
		const struct image_digests *digests = &index->digests[i];

		if (!space_contains(head, digests->offset, digests_size(digests)))
			return error_set(err, EUCLEAN, "digests %zu: lie outside the data area", i);
		*bytes += digests_size(digests);
	}
	return 0;
}

/* Places of the chunks, and the counts that the superblock repeats. */
static int check_against_super(const struct image_index *index, const struct image_super *super,
			       struct error *err)
{
	struct image_head head;
	uint64_t stored = 0, bytes;
	int code;

	table_get_head(super, &head);
	code = check_places(index, &head, &bytes, err);
	if (code)
		return code;
	for (size_t i = 0; i < index->chunk_count; i++)
		stored += index->chunks[i].stored;
	if (stored != super->stored_bytes ||
	    bytes + super->envelope_size + super->index_size != super->device_bytes ||
	    runs_total(&index->data) != super->data_pages ||
	    runs_total(&index->zero) != super->zero_pages ||
	    runs_total(&index->free) != super->free_pages ||
	    runs_total(&index->untouchable) != super->untouchable_pages ||
	    runs_total(&index->home) != super->home_pages ||
	    runs_total(&index->ram) != super->ram_pages)
		return damaged(err, "superblock and index disagree");
	return 0;
}

static int read_input(struct index_input *input, struct image_index *index, struct error *err)
{
	int code;

	input->hash = XXH3_createState();
	if (!input->hash)
		return error_set(err, ENOMEM, "no memory for the index");
	XXH3_64bits_reset(input->hash);
	index->key = input->source.key;
	code = read_all(input, index, err);
	XXH3_freeState(input->hash);
	return code;
}

int image_index_read(const struct disk *disk, const struct image_super *super,
		     const struct opener *opener, struct image_index *ret, struct error *err)
{
	struct image_index index = { .chunk_count = 0 };
	struct index_input input = { .done = 0 };
	struct image_entry entry;
	struct image_head head;
	int code;

	if (super->state == IMAGE_EMPTY)
		return error_set(err, ENODATA, "no image on the device");
	code = check_size(super, err);
	if (code)
		return code;
	table_get_entry(super, &entry);
	table_get_head(super, &head);
	code = source_open(disk, &head, &entry, opener, &input.source, err);
	if (code)
		return code;
	code = read_input(&input, &index, err);
	source_close(&input.source);
	if (!code)
		code = index_check_records(&index, super->kind, err);
	if (!code)
		code = check_against_super(&index, super, err);
	if (!code)
		code = image_index_check(&index, err);
	if (code)
		image_index_free(&index);
	else
		*ret = index;
	return code;
}
