/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that the records of an index obey, whoever made it. */
#include <errno.h>
#include <string.h>

#include "disk/devices.h"
#include "image/codec.h"
#include "image/internal.h"

static int damaged(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "index damaged: %s", what);
}

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

/* As many pages are used as it says, all of them pages of the chunk. */
static int check_used(const struct image_chunk *chunk, struct error *err)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < IMAGE_CHUNK_PAGES / 64; i++) {
		unsigned from = i * 64;
		unsigned here = chunk->all_pages <= from       ? 0
				: chunk->all_pages - from < 64 ? chunk->all_pages - from
							       : 64;

		if (here < 64 && chunk->used[i] >> here)
			return damaged(err, "a page that the chunk has not");
		pages += (uint64_t)__builtin_popcountll(chunk->used[i]);
	}
	return pages == chunk->pages ? 0 : damaged(err, "other pages than it says");
}

/* Which key, and what of the record a plain image leaves empty. */
static int check_key(bool sealed, size_t keys, uint32_t key, uint64_t rest, uint64_t number,
		     struct error *err)
{
	if (!sealed && (rest || key || number))
		return damaged(err, "reserved bytes are not zero");
	return key <= keys ? 0 : damaged(err, "a key that is not there");
}

int index_check_chunk(const struct image_chunk *chunk, const struct run *runs, bool sealed,
		      size_t keys, struct error *err)
{
	uint64_t size = (uint64_t)chunk->all_pages * FRAME_SIZE;
	uint64_t pages = 0;

	if (!chunk->pages || chunk->pages > chunk->all_pages ||
	    chunk->all_pages > IMAGE_CHUNK_PAGES)
		return damaged(err, "impossible number of pages");
	if (!codec_find(chunk->codec))
		return damaged(err, "unknown codec");
	if (!chunk->stored || chunk->stored > size ||
	    (chunk->codec == CODEC_STORED) != (chunk->stored == size))
		return damaged(err, "impossible size");
	if (check_key(sealed, keys, chunk->key, chunk->stored_rest, chunk->number, err))
		return -err->code;
	for (uint32_t i = 0; i < chunk->run_count; i++)
		if (!runs[i].count || !safe_add(pages, runs[i].count, &pages))
			return damaged(err, "wrong runs");
	if (pages != chunk->pages)
		return damaged(err, "runs and pages disagree");
	return check_used(chunk, err);
}

static int check_chunk(const struct image_index *index, const struct image_chunk *chunk,
		       uint64_t first_run, struct error *err)
{
	if (chunk->first_run != first_run || !chunk->run_count ||
	    !safe_within(first_run, chunk->run_count, index->data.n))
		return damaged(err, "wrong runs");
	return index_check_chunk(chunk, &index->data.v[first_run], index->key.algorithm,
				 index->key_count, err);
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

/* A digest for each data page, whoever will want to compare it. */
static int check_digests(const struct image_index *index, struct error *err)
{
	uint64_t count = 0;

	for (size_t i = 0; i < index->digests_count; i++) {
		const struct image_digests *digests = &index->digests[i];

		if (!digests->count || digests->count > IMAGE_DIGESTS)
			return damaged(err, "impossible number of digests");
		if (check_key(index->key.algorithm, 0, digests->key, digests->rest, digests->number,
			      err))
			return error_prefix(err, "digests %zu", i);
		count += digests->count;
	}
	return count == runs_total(&index->data) ? 0 : damaged(err, "digests and pages disagree");
}

static int check_keys(const struct image_index *index, struct error *err)
{
	for (size_t i = 0; i < index->key_count; i++) {
		const struct image_key *key = &index->keys[i];

		if (key->reserved)
			return damaged(err, "keys: reserved bytes are not zero");
		if (aead_check(key->algorithm, err))
			return -err->code;
	}
	return 0;
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
		code = check_keys(index, err);
	if (!code)
		code = check_chunks(index, err);
	if (!code)
		code = check_digests(index, err);
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
