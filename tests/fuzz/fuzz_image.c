/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image whose superblock and index say anything, with all checksums right, as only a forger
 * would make them: reading, verifying and planning its restore.
 *
 * Input: flags; up to 15 bytes of the index header to change; the superblock; then each section's
 * length and bytes.
 */
#include <xxhash.h>

#include "common/crc32c.h"
#include "image/image.h"
#include "image/internal.h"
#include "restore/leave.h"
#include "restore/plan.h"
#include "tests/fuzz/fuzz.h"

#define FLAG_PLACE	 0x10 /* put the stretch where it belongs */
#define FLAG_COUNT	 0x20 /* RAM and the superblock's counts follow from the lists */
#define FLAG_HASH	 0x40 /* hashes of the chunks as they are on the device */
#define FLAG_CHECKS_SELF 0x80 /* the pages are not checked by the reader */

#define PATCHES 0x0f
/* More frames take seconds to add up here, until there are more than any machine has. */
#define FRAMES_QUICK   (UINT64_C(1) << 32)
#define FRAMES_REFUSED (UINT64_C(1) << 34)
#define DEVICE_SIZE    IMAGE_MIN_SIZE
#define SECTION_BYTES  3000
#define INDEX_MAX      (IMAGE_BLOCK * (1 + SECTION_COUNT))
#define CHUNK_PAGES    4
#define DIGESTS_PLACE  (IMAGE_DATA_START + CHUNK_PAGES * FRAME_SIZE)
#define INDEX_PLACE    (DIGESTS_PLACE + IMAGE_BLOCK)
#define SUPER_INPUT    (sizeof(struct image_head) + sizeof(struct image_entry))

struct forgery {
	uint8_t flags;
	uint8_t patches;
	struct {
		uint16_t offset;
		uint8_t byte;
	} patch[PATCHES];
	struct image_super super;
	unsigned char index[INDEX_MAX];
	size_t index_size;
};

/* The section as it lies in the index, or NULL. */
static unsigned char *section_of(struct forgery *forgery, enum image_section section, size_t *size)
{
	struct image_index_header *header = (void *)forgery->index;

	*size = header->sections[section].size;
	return *size ? forgery->index + header->sections[section].offset : NULL;
}

static void lay_out(struct forgery *forgery, struct fuzz_input *input)
{
	struct image_index_header *header = (void *)forgery->index;
	size_t end = IMAGE_BLOCK;

	memset(forgery->index, 0, sizeof(forgery->index));
	memcpy(header->magic, IMAGE_INDEX_MAGIC, sizeof(header->magic));
	header->version = IMAGE_VERSION;
	header->section_count = SECTION_COUNT;
	for (int i = 0; i < SECTION_COUNT; i++) {
		uint32_t record = index_record_size(i);
		size_t size = fuzz_u16(input) % SECTION_BYTES;

		size -= size % record;
		header->sections[i].record = record;
		if (!size)
			continue;
		header->sections[i].size = size;
		header->sections[i].offset = end;
		fuzz_take(input, forgery->index + end, size);
		end += IMAGE_BLOCK;
	}
	forgery->index_size = header->size = end;
}

/* All lists in one, sorted: what RAM must be. */
static void count_ram(struct forgery *forgery)
{
	static const enum image_section lists[] = { SECTION_DATA, SECTION_ZERO, SECTION_FREE,
						    SECTION_UNTOUCHABLE, SECTION_HOME };
	uint64_t *const counts[] = { &forgery->super.data_pages, &forgery->super.zero_pages,
				     &forgery->super.free_pages, &forgery->super.untouchable_pages,
				     &forgery->super.home_pages };
	struct runs all = { 0 };
	size_t size, room;
	unsigned char *ram = section_of(forgery, SECTION_RAM, &room);

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const unsigned char *bytes = section_of(forgery, lists[i], &size);

		*counts[i] = 0;
		for (size_t at = 0; at < size; at += sizeof(struct run)) {
			struct run run;

			memcpy(&run, bytes + at, sizeof(run));
			*counts[i] += run.count;
			runs_add(&all, run.pfn, run.count);
		}
	}
	runs_sort(&all);
	forgery->super.ram_pages = runs_total(&all);
	if (ram && all.n && all.n * sizeof(struct run) <= IMAGE_BLOCK) {
		struct image_index_header *header = (void *)forgery->index;

		memset(ram, 0, room);
		memcpy(ram, all.v, all.n * sizeof(struct run));
		header->sections[SECTION_RAM].size = all.n * sizeof(struct run);
	}
	runs_free(&all);
}

/* Of the index as it was patched, which may say anything of where its lists are. */
static bool is_slow(const struct forgery *forgery)
{
	const struct image_index_header *header = (const void *)forgery->index;
	uint64_t frames = 0;

	for (int i = SECTION_RAM; i <= SECTION_DATA; i++) {
		const struct image_section_entry *section = &header->sections[i];

		if (i == SECTION_CHUNKS ||
		    !safe_within(section->offset, section->size, forgery->index_size))
			continue;
		for (uint64_t at = 0; at + sizeof(struct run) <= section->size;
		     at += sizeof(struct run)) {
			struct run run;

			memcpy(&run, forgery->index + section->offset + at, sizeof(run));
			if (run.count <= FRAMES_REFUSED)
				frames += run.count;
		}
	}
	return frames > FRAMES_QUICK;
}

static void hash_chunks(struct forgery *forgery, int fd)
{
	static unsigned char stored[IMAGE_CHUNK_PAGES * FRAME_SIZE];
	size_t size;
	unsigned char *bytes = section_of(forgery, SECTION_CHUNKS, &size);

	forgery->super.stored_bytes = 0;
	forgery->super.device_bytes = forgery->index_size;
	for (size_t at = 0; at < size; at += sizeof(struct image_chunk)) {
		struct image_chunk chunk;

		memcpy(&chunk, bytes + at, sizeof(chunk));
		forgery->super.stored_bytes += chunk.stored;
		forgery->super.device_bytes += chunk_size(&chunk);
		if (chunk.stored > sizeof(stored) || chunk.offset > DEVICE_SIZE)
			continue;
		memset(stored, 0, chunk.stored);
		if (pread(fd, stored, chunk.stored, (off_t)chunk.offset) < 0)
			abort();
		chunk.stored_hash = XXH64(stored, chunk.stored, 0);
		memcpy(bytes + at, &chunk, sizeof(chunk));
	}
}

static void hash_digests(struct forgery *forgery, int fd)
{
	static unsigned char stored[IMAGE_DIGESTS * sizeof(uint64_t)];
	size_t size;
	unsigned char *bytes = section_of(forgery, SECTION_DIGESTS, &size);

	for (size_t at = 0; at < size; at += sizeof(struct image_digests)) {
		struct image_digests digests;

		memcpy(&digests, bytes + at, sizeof(digests));
		forgery->super.device_bytes += digests_size(&digests);
		if (digests.count > IMAGE_DIGESTS || digests.offset > DEVICE_SIZE)
			continue;
		memset(stored, 0, sizeof(stored));
		if (pread(fd, stored, digests.count * sizeof(uint64_t), (off_t)digests.offset) < 0)
			abort();
		digests.hash = XXH64(stored, digests.count * sizeof(uint64_t), 0);
		memcpy(bytes + at, &digests, sizeof(digests));
	}
}

/* Whatever was changed, all checksums are right. */
static void seal(struct forgery *forgery)
{
	struct image_index_header *header = (void *)forgery->index;
	size_t end = forgery->index_size;

	for (int i = 0; i < SECTION_COUNT; i++)
		if (header->sections[i].size)
			header->sections[i].crc =
				crc32c(0, forgery->index + header->sections[i].offset, IMAGE_BLOCK);
	memcpy(header->image_uuid, forgery->super.image_uuid, sizeof(header->image_uuid));
	for (unsigned i = 0; i < forgery->patches; i++)
		forgery->index[forgery->patch[i].offset % sizeof(*header)] ^=
			forgery->patch[i].byte;
	header->crc = 0;
	header->crc = crc32c(0, header, sizeof(*header));
	forgery->super.index_size = end;
	forgery->super.index_xxh3 = XXH3_64bits(forgery->index, end);
	if (forgery->flags & FLAG_PLACE) {
		memset(forgery->super.index, 0, sizeof(forgery->super.index));
		forgery->super.index[0] = (struct image_extent){ INDEX_PLACE, end };
	}
}

static void forge(struct forgery *forgery, struct fuzz_input *input, int fd)
{
	forgery->flags = fuzz_u8(input);
	forgery->patches = forgery->flags & PATCHES;
	for (unsigned i = 0; i < forgery->patches; i++) {
		forgery->patch[i].offset = fuzz_u16(input);
		forgery->patch[i].byte = fuzz_u8(input);
	}
	memset(&forgery->super, 0, sizeof(forgery->super));
	fuzz_take(input, &forgery->super, SUPER_INPUT);
	forgery->super.slot = IMAGE_TABLE;
	memcpy(forgery->super.magic, IMAGE_MAGIC, sizeof(forgery->super.magic));
	forgery->super.version = IMAGE_VERSION;
	forgery->super.device_size = DEVICE_SIZE;
	lay_out(forgery, input);
	if (forgery->flags & FLAG_COUNT)
		count_ram(forgery);
	if (forgery->flags & FLAG_HASH) {
		hash_chunks(forgery, fd);
		hash_digests(forgery, fd);
	}
	seal(forgery);
}

/* --- using it ------------------------------------------------------------------------------- */

static int look(void *context, size_t number, const struct image_chunk *chunk,
		const struct run *runs, const void *pages, struct error *err)
{
	const unsigned char *bytes = pages;
	volatile unsigned char sum = 0;

	(void)context, (void)number, (void)err;
	for (size_t i = 0; i < (size_t)chunk->pages * FRAME_SIZE; i += FRAME_SIZE - 1)
		sum ^= bytes[i];
	for (uint32_t i = 0; i < chunk->run_count; i++)
		sum ^= (unsigned char)runs[i].count;
	(void)sum;
	return 0;
}

/* With every other frame owned, as far as they are few. */
static bool plan(const struct image_index *index)
{
	struct runs own = { 0 }, spare = { 0 };
	struct plan plan = { 0 };
	struct error err = { 0 };
	bool good;

	for (size_t i = 0; i < index->ram.n; i++)
		for (uint64_t k = 0; k < index->ram.v[i].count && k < 64; k += 2)
			runs_add(&own, index->ram.v[i].pfn + k, 1);
	good = fuzz_good(plan_spare(index, (struct run){ 70, 4 }, &spare, &err), &err) &&
	       fuzz_good(plan_make(index, &own, &spare, &plan, &err), &err);
	plan_free(&plan);
	runs_free(&own);
	runs_free(&spare);
	return good;
}

static bool use(const struct disk *disk, bool checks_pages)
{
	const struct image_sink sink = { .take = look, .checks_pages = checks_pages };
	struct image_index index = { 0 };
	struct image_super super;
	struct error err = { 0 };
	uint64_t end;
	bool good;

	if (!fuzz_good(image_super_read(disk, &super, &err), &err))
		return false;
	fuzz_good(image_used_end(disk, &super, &end, &err), &err);
	good = fuzz_good(image_verify(disk, &super, NULL, 1, &sink, &err), &err);
	if (!fuzz_good(image_index_read(disk, &super, NULL, &index, &err), &err))
		return false;
	good &= fuzz_good(image_read_chunks(disk, &index, 1, &sink, &err), &err);
	if (fuzz_good(leave_check(&index, &err), &err))
		good &= plan(&index);
	image_index_free(&index);
	return good;
}

/* As a save does that builds on it: what is free, and each chunk of the base with its digests. */
static bool build_on(const struct disk *disk)
{
	static struct image_base_chunk chunk;
	const struct image_wish wish = { .any = true };
	struct image_writer *writer = NULL;
	struct image_base *base = NULL;
	struct error err = { 0 };
	bool good = fuzz_good(image_writer_open(disk, &writer, &err), &err);
	int code = 0;

	if (good)
		good = fuzz_good(image_base_open(writer, &wish, &base, &err), &err);
	while (good && (code = image_base_next(base, &chunk, &err)) > 0)
		;
	good = good && fuzz_good(code, &err);
	image_base_free(base);
	image_writer_free(writer);
	return good;
}

/* What lies in front of the index. */
static void fill_chunks(int fd)
{
	unsigned char page[FRAME_SIZE];

	for (int i = 0; i < CHUNK_PAGES; i++) {
		memset(page, 'a' + i, sizeof(page));
		fuzz_write(fd, page, sizeof(page), IMAGE_DATA_START + i * FRAME_SIZE);
	}
}

static bool fuzz_run(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	static struct forgery forgery;
	struct error err = { 0 };
	struct disk disk;
	int fd = fuzz_disk(DEVICE_SIZE, &disk);
	bool good;

	fill_chunks(fd);
	forge(&forgery, &input, fd);
	if (safe_within(forgery.super.index[0].offset, forgery.index_size, DEVICE_SIZE))
		fuzz_write(fd, forgery.index, forgery.index_size, forgery.super.index[0].offset);
	/* Refused: a number that is at its end. */
	good = fuzz_good(image_super_write(&disk, &forgery.super, &err), &err) &&
	       !is_slow(&forgery) && use(&disk, forgery.flags & FLAG_CHECKS_SELF);
	/* The threads that would write take time. */
	if (forgery.super.kind == IMAGE_CHECKPOINT && forgery.super.created % 8 == 0)
		good &= build_on(&disk);
	disk_close(&disk);
	close(fd);
	return good;
}

/* --- the seed ------------------------------------------------------------------------------- */

static size_t put(uint8_t *data, size_t at, const void *bytes, size_t size)
{
	memcpy(data + at, bytes, size);
	return at + size;
}

static size_t put_section(uint8_t *data, size_t at, const void *bytes, uint16_t size)
{
	at = put(data, at, &size, sizeof(size));
	return size ? put(data, at, bytes, size) : at;
}

/* Four pages as they are, in one chunk; one page each of the other kinds. */
static size_t fuzz_seed(unsigned number, uint8_t *data)
{
	const struct image_super super = { .table_count = IMAGE_TABLE,
					   .generation = 1,
					   .state = IMAGE_VALID,
					   .kind = number ? IMAGE_CHECKPOINT : IMAGE_HIBERNATION };
	const struct image_machine machine = { .entry = 0x10000, .home_start = 0x40000 };
	const struct image_chunk chunk = { .offset = IMAGE_DATA_START,
					   .stored = CHUNK_PAGES * FRAME_SIZE,
					   .pages = CHUNK_PAGES,
					   .all_pages = CHUNK_PAGES,
					   .used = { (1 << CHUNK_PAGES) - 1 },
					   .run_count = 2 };
	const struct image_digests digests = { .offset = DIGESTS_PLACE, .count = CHUNK_PAGES };
	const struct run frames[] = { { 16, 3 }, { 21, 1 } };
	const struct run home = { 64, 32 }, zero = { 19, 1 }, idle = { 20, 1 }, bad = { 22, 1 };
	const struct firmware_range firmware = { .size = 0x100000, .type = 1 };
	const struct image_watch watch = { .extent.tag = "UUID=1" };
	uint8_t flags = FLAG_PLACE | FLAG_COUNT | FLAG_HASH | FLAG_CHECKS_SELF;
	size_t at = put(data, 0, &flags, 1);

	if (number > 1)
		return 0;
	at = put(data, at, &super, SUPER_INPUT);
	at = put_section(data, at, &machine, sizeof(machine));
	at = put_section(data, at, frames, sizeof(frames)); /* RAM: FLAG_COUNT writes it */
	at = put_section(data, at, &home, sizeof(home));
	at = put_section(data, at, &zero, sizeof(zero));
	at = put_section(data, at, &idle, sizeof(idle));
	at = put_section(data, at, &bad, sizeof(bad));
	at = put_section(data, at, &chunk, sizeof(chunk));
	at = put_section(data, at, frames, sizeof(frames));
	at = put_section(data, at, &firmware, sizeof(firmware));
	at = put_section(data, at, &watch, sizeof(watch));
	at = put_section(data, at, "OSRELEASE=1\n", 12);
	for (int i = SECTION_PCI; i < SECTION_DIGESTS; i++)
		at = put_section(data, at, NULL, 0);
	return put_section(data, at, &digests, sizeof(digests));
}
