/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the index, and the rules that its records obey. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <xxhash.h>

#include "common/crc32c.h"
#include "disk/devices.h"
#include "image/codec.h"
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
	memset(index, 0, sizeof(*index));
}

/* --- the accounting rule --- */

/* Append LIST to ALL, and its total to *TOTAL. */
static int gather(struct runs *all, uint64_t *total, const struct runs *list, struct error *err)
{
	int code = runs_add_all(all, list);

	if (code)
		return error_set(err, -code, "cannot add up the page lists");
	if (!safe_add(*total, runs_total(list), total))
		return error_set(err, EUCLEAN, "page lists exceed any machine");
	return 0;
}

/*
 * Every list goes into one, which sorting merges: when nothing was lost in that (no frame was
 * there twice) and RAM results, the rule holds.
 */
int image_index_check(const struct image_index *index, struct error *err)
{
	const struct runs *parts[] = { &index->data, &index->zero, &index->free,
				       &index->untouchable, &index->home };
	struct runs all = { .n = 0 }, ram = { .n = 0 };
	uint64_t total = 0, ram_total = 0;
	int code;

	if (!runs_valid(&index->ram)) {
		code = error_set(err, EUCLEAN, "the RAM list is not sorted");
		goto out;
	}
	code = gather(&ram, &ram_total, &index->ram, err);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !code; i++)
		code = gather(&all, &total, parts[i], err);
	if (code)
		goto out;
	runs_sort(&all);
	if (runs_total(&all) != total)
		code = error_set(err, EUCLEAN, "%llu pages are listed twice",
				 (unsigned long long)(total - runs_total(&all)));
	else if (total != ram_total)
		code = error_set(err, EUCLEAN, "%llu pages are accounted for, RAM has %llu",
				 (unsigned long long)total, (unsigned long long)ram_total);
	else if (all.n != ram.n || (all.n && memcmp(all.v, ram.v, all.n * sizeof(*all.v))))
		code = error_set(err, EUCLEAN, "pages are listed that are not RAM");
out:
	runs_free(&all);
	runs_free(&ram);
	return code;
}

/* --- records --- */

static int check_machine(const struct image_machine *machine, uint32_t kind, struct error *err)
{
	if (machine->reserved0 || !safe_is_zero(machine->reserved1, sizeof(machine->reserved1)))
		return damaged(err, "machine: reserved bytes are not zero");
	if (!safe_is_text(machine->cpu_vendor, sizeof(machine->cpu_vendor)) ||
	    !safe_is_text(machine->release, sizeof(machine->release)) ||
	    !safe_is_text(machine->build, sizeof(machine->build)))
		return damaged(err, "machine: text without an end");
	if (machine->fill > FILL_POISON)
		return damaged(err, "machine: unknown fill policy");
	if (kind != IMAGE_CORE && !machine->entry)
		return damaged(err, "machine: no entry address");
	return 0;
}

static int check_chunk(const struct image_index *index, const struct image_chunk *chunk,
		       uint64_t first_run, struct error *err)
{
	uint64_t size = (uint64_t)chunk->pages * FRAME_SIZE;
	uint64_t pages = 0;

	if (!chunk->pages || chunk->pages > IMAGE_CHUNK_PAGES)
		return damaged(err, "impossible number of pages");
	if (!codec_find(chunk->codec))
		return damaged(err, "unknown codec");
	if (!chunk->stored || chunk->stored > size ||
	    (chunk->codec == CODEC_STORED) != (chunk->stored == size))
		return damaged(err, "impossible size");
	if (chunk->first_run != first_run || !chunk->run_count ||
	    !safe_within(first_run, chunk->run_count, index->data.n))
		return damaged(err, "wrong runs");
	for (uint64_t i = first_run; i < first_run + chunk->run_count; i++)
		if (!index->data.v[i].count || !safe_add(pages, index->data.v[i].count, &pages))
			return damaged(err, "wrong runs");
	return pages == chunk->pages ? 0 : damaged(err, "runs and pages disagree");
}

static int check_chunks(const struct image_index *index, struct error *err)
{
	uint64_t first_run = 0;

	for (size_t i = 0; i < index->chunk_count; i++) {
		int code = check_chunk(index, &index->chunks[i], first_run, err);

		if (code)
			return error_prefix(err, "chunk %zu", i);
		first_run += index->chunks[i].run_count;
	}
	return first_run == index->data.n ? 0 : damaged(err, "runs that belong to no chunk");
}

int index_check_records(const struct image_index *index, uint32_t kind, struct error *err)
{
	const struct runs *sorted[] = { &index->ram, &index->home, &index->zero, &index->free,
					&index->untouchable };
	int code = check_machine(&index->machine, kind, err);

	for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]) && !code; i++)
		if (!runs_valid(sorted[i]))
			code = damaged(err, "a page list is not sorted");
	if (!code)
		code = check_chunks(index, err);
	for (size_t i = 0; i < index->firmware_count && !code; i++)
		if (index->firmware[i].reserved)
			code = damaged(err, "firmware map: reserved bytes are not zero");
	for (size_t i = 0; i < index->watch_count && !code; i++)
		if (!safe_is_text(index->watch[i].extent.tag, sizeof(index->watch[i].extent.tag)))
			code = damaged(err, "fingerprint: text without an end");
	for (size_t i = 0; i < index->pci_count && !code; i++)
		if (!devices_pci_valid(&index->pci[i]))
			code = damaged(err, "impossible PCI device");
	for (size_t i = 0; i < index->disk_count && !code; i++)
		if (!devices_disk_valid(&index->disks[i]))
			code = damaged(err, "impossible disk");
	for (size_t i = 0; i < index->efi_count && !code; i++)
		if (index->efi[i].reserved)
			code = damaged(err, "EFI runtime map: reserved bytes are not zero");
	return code;
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

static int read_bytes(const struct disk *disk, const struct image_super *super, unsigned char **ret,
		      struct error *err)
{
	unsigned char *bytes = disk_buffer(super->index_size);
	int code = 0;

	if (!bytes)
		return error_set(err, ENOMEM, "no memory for the index (%llu bytes)",
				 (unsigned long long)super->index_size);
	for (uint64_t done = 0; done < super->index_size && !code;) {
		uint64_t left = super->index_size - done;
		size_t step = left < READ_STEP ? left : READ_STEP;

		code = disk_read(disk, bytes + done, step, super->index + done, err);
		done += step;
	}
	if (!code && XXH3_64bits(bytes, super->index_size) != super->index_xxh3)
		code = damaged(err, "digest mismatch");
	if (code) {
		free(bytes);
		return code;
	}
	*ret = bytes;
	return 0;
}

static int check_header(const struct image_super *super, const struct image_index_header *header,
			struct error *err)
{
	struct image_index_header copy = *header;

	if (memcmp(header->magic, IMAGE_INDEX_MAGIC, sizeof(header->magic)))
		return damaged(err, "no header");
	copy.crc = 0;
	if (header->crc != crc32c(0, &copy, sizeof(copy)))
		return damaged(err, "header checksum mismatch");
	if (header->version != IMAGE_VERSION)
		return error_set(err, ENOTSUP, "index version %u is not supported",
				 header->version);
	if (memcmp(header->image_uuid, super->image_uuid, sizeof(header->image_uuid)) ||
	    header->size != super->index_size || header->section_count != SECTION_COUNT)
		return damaged(err, "header and superblock disagree");
	if (header->reserved0 || !safe_is_zero(header->reserved1, sizeof(header->reserved1)) ||
	    !safe_is_zero(&header->sections[SECTION_COUNT],
			  (SECTION_MAX - SECTION_COUNT) * sizeof(header->sections[0])))
		return damaged(err, "reserved bytes are not zero");
	return 0;
}

/* One section: right behind the one before, whole records, right checksum, zero padding. */
static int check_section(const unsigned char *bytes, uint64_t index_size,
			 const struct image_section_entry *section, uint32_t record, uint64_t *end,
			 struct error *err)
{
	uint64_t padded;

	if (section->record != record)
		return damaged(err, "unknown record size");
	if (!section->size)
		return section->offset || section->crc ? damaged(err, "absent, but placed") : 0;
	if (section->size % record || section->size > index_size)
		return damaged(err, "impossible size");
	padded = safe_round_up(section->size, IMAGE_BLOCK);
	if (section->offset != *end || !safe_within(*end, padded, index_size))
		return damaged(err, "out of place");
	if (crc32c(0, bytes + *end, padded) != section->crc)
		return damaged(err, "checksum mismatch");
	if (!safe_is_zero(bytes + *end + section->size, padded - section->size))
		return damaged(err, "padding is not zero");
	*end += padded;
	return 0;
}

static int check_sections(const unsigned char *bytes, const struct image_index_header *header,
			  struct error *err)
{
	uint64_t end = IMAGE_BLOCK;

	for (int i = 0; i < SECTION_COUNT; i++) {
		int code = check_section(bytes, header->size, &header->sections[i],
					 index_record_size(i), &end, err);

		if (code)
			return error_prefix(err, "section %d", i);
	}
	if (header->sections[SECTION_MACHINE].size != sizeof(struct image_machine))
		return damaged(err, "no machine record");
	return end == header->size ? 0 : damaged(err, "bytes behind the last section");
}

/* A copy of a section's records from malloc; NULL when it is empty (*CODE 0) or out of memory. */
static void *take(const unsigned char *bytes, const struct image_section_entry *section, int *code)
{
	void *copy;

	if (!section->size || *code)
		return NULL;
	copy = malloc(section->size);
	if (copy)
		memcpy(copy, bytes + section->offset, section->size);
	else
		*code = -ENOMEM;
	return copy;
}

static void take_runs(const unsigned char *bytes, const struct image_section_entry *section,
		      struct runs *ret, int *code)
{
	ret->v = take(bytes, section, code);
	ret->n = ret->capacity = ret->v ? section->size / sizeof(*ret->v) : 0;
}

static int take_text(const unsigned char *bytes, const struct image_section_entry *section,
		     char **ret)
{
	if (!section->size)
		return 0;
	if (memchr(bytes + section->offset, '\0', section->size))
		return -EUCLEAN;
	*ret = strndup((const char *)bytes + section->offset, section->size);
	return *ret ? 0 : -ENOMEM;
}

static int take_all(const unsigned char *bytes, const struct image_index_header *header,
		    struct image_index *index, struct error *err)
{
	const struct image_section_entry *s = header->sections;
	int code = 0;

	memcpy(&index->machine, bytes + s[SECTION_MACHINE].offset, sizeof(index->machine));
	take_runs(bytes, &s[SECTION_RAM], &index->ram, &code);
	take_runs(bytes, &s[SECTION_HOME], &index->home, &code);
	take_runs(bytes, &s[SECTION_ZERO], &index->zero, &code);
	take_runs(bytes, &s[SECTION_FREE], &index->free, &code);
	take_runs(bytes, &s[SECTION_UNTOUCHABLE], &index->untouchable, &code);
	take_runs(bytes, &s[SECTION_DATA], &index->data, &code);
	index->chunks = take(bytes, &s[SECTION_CHUNKS], &code);
	index->chunk_count = index->chunks ? s[SECTION_CHUNKS].size / sizeof(*index->chunks) : 0;
	index->firmware = take(bytes, &s[SECTION_FIRMWARE], &code);
	index->firmware_count =
		index->firmware ? s[SECTION_FIRMWARE].size / sizeof(*index->firmware) : 0;
	index->watch = take(bytes, &s[SECTION_WATCH], &code);
	index->watch_count = index->watch ? s[SECTION_WATCH].size / sizeof(*index->watch) : 0;
	index->pci = take(bytes, &s[SECTION_PCI], &code);
	index->pci_count = index->pci ? s[SECTION_PCI].size / sizeof(*index->pci) : 0;
	index->disks = take(bytes, &s[SECTION_DISKS], &code);
	index->disk_count = index->disks ? s[SECTION_DISKS].size / sizeof(*index->disks) : 0;
	index->efi = take(bytes, &s[SECTION_EFI], &code);
	index->efi_count = index->efi ? s[SECTION_EFI].size / sizeof(*index->efi) : 0;
	if (!code)
		code = take_text(bytes, &s[SECTION_VMCOREINFO], &index->vmcoreinfo);
	if (code == -EUCLEAN)
		return damaged(err, "vmcoreinfo is no text");
	return code ? error_set(err, -code, "no memory for the index") : 0;
}

/* Places of the chunks, and the counts that the superblock repeats. */
static int check_against_super(const struct image_index *index, const struct image_super *super,
			       struct error *err)
{
	uint64_t stored = 0;

	for (size_t i = 0; i < index->chunk_count; i++) {
		const struct image_chunk *chunk = &index->chunks[i];
		uint64_t padded = safe_round_up(chunk->stored, IMAGE_BLOCK);

		if (chunk->offset % IMAGE_BLOCK || !ring_contains(super, chunk->offset, padded) ||
		    ring_distance(super, chunk->offset) + padded >
			    super->length - super->index_size)
			return error_set(err, EUCLEAN, "chunk %zu: lies outside the image", i);
		stored += chunk->stored;
	}
	if (stored != super->stored_bytes || runs_total(&index->data) != super->data_pages ||
	    runs_total(&index->zero) != super->zero_pages ||
	    runs_total(&index->free) != super->free_pages ||
	    runs_total(&index->untouchable) != super->untouchable_pages ||
	    runs_total(&index->home) != super->home_pages ||
	    runs_total(&index->ram) != super->ram_pages)
		return damaged(err, "superblock and index disagree");
	return 0;
}

int image_index_read(const struct disk *disk, const struct image_super *super,
		     struct image_index *ret, struct error *err)
{
	struct image_index index = { .chunk_count = 0 };
	struct image_index_header header;
	unsigned char *bytes = NULL;
	int code;

	if (super->state == IMAGE_EMPTY)
		return error_set(err, ENODATA, "no image on the device");
	code = check_size(super, err);
	if (!code)
		code = read_bytes(disk, super, &bytes, err);
	if (code)
		return code;
	memcpy(&header, bytes, sizeof(header));
	code = check_header(super, &header, err);
	if (!code)
		code = check_sections(bytes, &header, err);
	if (!code)
		code = take_all(bytes, &header, &index, err);
	free(bytes);
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
