/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a disk for images is in a state that it may be in, at a moment of a step that was
 * recorded, and what is known of the steps before.
 *
 * The superblock must be readable (unless the disk is just being formatted), and one that was
 * written: the one before, or one of those that the step has begun to write, but none older than
 * what is sure. All images that it names must be there, each page of them, as it was saved; and an
 * image that a boot has once seen as one that is not to be restored must never wait again.
 */
#ifndef TESTS_DISK_JUDGE_H
#define TESTS_DISK_JUDGE_H

#include "common/pagehash.h"
#include "image/internal.h"
#include "tests/unit/recorder.h"

#include "tests/unit/disk-operations.h"

#define SUPERS_MAX 32

/* What was saved: a hash of each frame. */
struct saved {
	uint8_t uuid[16];
	struct run ram;
	uint64_t *frames;
};

#define KNOWN_MAX 24

/* The bytes of an image that was read and found right, and where they lay. */
struct known {
	struct image_entry entry;
	struct image_extent *extents;
	size_t count;
	unsigned char *bytes;
};

struct walk {
	struct scene scene;
	struct known known[KNOWN_MAX];
	unsigned next_known;
	unsigned char *memory; /* of the machine */
	struct saved saved[4096];
	size_t saved_count, saved_before;
	uint8_t waits[16]; /* image that a boot may restore */
	bool formatted;	   /* by this step */
	struct image_super supers[SUPERS_MAX];
	const struct recorded *written[SUPERS_MAX]; /* each super's first copy; NULL = before */
	size_t super_count;
	uint64_t random;
	unsigned states, unclaimed, empty, before, between, after, images, several, reused, sealed,
		sealed_reused;
	char fault[400];
};

static uint64_t pick(struct walk *walk, uint64_t limit)
{
	walk->random ^= walk->random << 13;
	walk->random ^= walk->random >> 7;
	walk->random ^= walk->random << 17;
	return walk->random % limit;
}

static bool same_image(const uint8_t a[16], const uint8_t b[16])
{
	return !memcmp(a, b, 16);
}

/* --- what the disk holds -------------------------------------------------------------------- */

static uint64_t frame_hash(const void *page)
{
	return page_hash(0, page, 1);
}

static int compare_frame(const struct saved *saved, uint64_t pfn, const void *page,
			 struct error *err)
{
	if (pfn < saved->ram.pfn || pfn - saved->ram.pfn >= saved->ram.count ||
	    saved->frames[pfn - saved->ram.pfn] != frame_hash(page))
		return error_set(err, EILSEQ, "another page than was saved");
	return 0;
}

static int compare_pages(void *context, size_t number, const struct image_chunk *chunk,
			 const struct run *runs, const void *pages, struct error *err)
{
	const unsigned char *bytes = pages;
	int code = 0;

	(void)number;
	for (uint32_t i = 0; i < chunk->run_count; i++)
		for (uint64_t k = 0; k < runs[i].count && !code; k++, bytes += FRAME_SIZE)
			code = compare_frame(context, runs[i].pfn + k, bytes, err);
	return code;
}

static int compare_zeros(const struct saved *saved, const struct runs *zero, struct error *err)
{
	static const unsigned char none[FRAME_SIZE];
	int code = 0;

	for (size_t i = 0; i < zero->n; i++)
		for (uint64_t k = 0; k < zero->v[i].count && !code; k++)
			code = compare_frame(saved, zero->v[i].pfn + k, none, err);
	return code;
}

/* Were these very bytes read before? That takes far longer than to compare them. */
static bool is_known(const struct walk *walk, const struct image_entry *entry)
{
	for (int i = 0; i < KNOWN_MAX; i++) {
		const struct known *known = &walk->known[i];
		const unsigned char *bytes = known->bytes;
		size_t k = 0;

		if (!bytes || !same_image(known->entry.image_uuid, entry->image_uuid) ||
		    memcmp(known->entry.index, entry->index, sizeof(entry->index)) ||
		    known->entry.index_xxh3 != entry->index_xxh3)
			continue;
		while (k < known->count && !memcmp(bytes, recorder.map + known->extents[k].offset,
						   known->extents[k].size))
			bytes += known->extents[k++].size;
		if (k == known->count)
			return true;
	}
	return false;
}

static void know_extent(struct known *known, uint64_t offset, uint64_t size)
{
	known->extents[known->count++] = (struct image_extent){ offset, size };
}

static void know(struct walk *walk, const struct image_entry *entry,
		 const struct image_index *index)
{
	struct known *known = &walk->known[walk->next_known++ % KNOWN_MAX];
	size_t count = index->chunk_count + index->digests_count + IMAGE_INDEX_EXTENTS;
	unsigned char *to;

	free(known->extents);
	free(known->bytes);
	*known = (struct known){ .entry = *entry,
				 .extents = calloc(count, sizeof(*known->extents)),
				 .bytes = malloc(entry->device_bytes) };
	to = known->bytes;
	for (size_t i = 0; i < index->chunk_count; i++)
		know_extent(known, index->chunks[i].offset, chunk_size(&index->chunks[i]));
	for (size_t i = 0; i < index->digests_count; i++)
		know_extent(known, index->digests[i].offset, digests_size(&index->digests[i]));
	for (int i = 0; i < IMAGE_INDEX_EXTENTS && entry->index[i].size; i++)
		know_extent(known, entry->index[i].offset, entry->index[i].size);
	for (size_t i = 0; i < known->count; i++) {
		memcpy(to, recorder.map + known->extents[i].offset, known->extents[i].size);
		to += known->extents[i].size;
	}
}

static struct saved *find_saved(struct walk *walk, const uint8_t uuid[16])
{
	for (size_t i = walk->saved_count; i-- > 0;)
		if (same_image(walk->saved[i].uuid, uuid))
			return &walk->saved[i];
	return NULL;
}

/* Each page of the image at hand, as it was saved. */
static int compare_image(struct walk *walk, const struct image_super *super, struct error *err)
{
	const struct disk *disk = &walk->scene.temp.disk;
	struct saved *saved = find_saved(walk, super->image_uuid);
	const struct image_sink sink = { .take = compare_pages, .context = saved };
	struct image_index index = { 0 };
	struct image_entry entry;
	int code;

	table_get_entry(super, &entry);
	if (is_known(walk, &entry))
		return 0;
	if (!saved)
		return error_set(err, EILSEQ, "an image that nobody saved");
	code = image_index_read(disk, super, &walk->scene.opener, &index, err);
	if (code)
		return code;
	if (index.ram.n != 1 || index.ram.v->pfn != saved->ram.pfn ||
	    index.ram.v->count != saved->ram.count)
		code = error_set(err, EILSEQ, "another machine's image");
	if (!code)
		code = image_read_chunks(disk, &index, 1, &sink, err);
	if (!code)
		code = compare_zeros(saved, &index.zero, err);
	if (!code)
		know(walk, &entry, &index);
	image_index_free(&index);
	return code;
}

static int compare_images(struct walk *walk, const struct image_super *super, struct error *err)
{
	struct image_super each = *super;
	int code = 0;

	for (unsigned i = 0; i < IMAGE_TABLE && !code; i++) {
		if (!super->table[i].state)
			continue;
		image_super_take(&each, i);
		code = compare_image(walk, &each, err);
		if (code)
			error_prefix(err, "image %llu of %llu", (unsigned long long)each.serial,
				     (unsigned long long)each.last_serial);
	}
	walk->several += image_super_count_images(super) > 1;
	return code;
}

/* May a boot restore it, of all that it knows? */
static bool may_wait(const struct walk *walk, const uint8_t uuid[16])
{
	for (size_t i = walk->saved_before; i < walk->saved_count; i++)
		if (same_image(uuid, walk->saved[i].uuid))
			return true;
	return same_image(uuid, walk->waits);
}

/* --- judging a state ------------------------------------------------------------------------ */

/* The superblocks that the step has written, in order, behind the one that was there. */
static void collect_supers(struct walk *walk)
{
	walk->super_count = 0;
	if (walk->scene.present)
		walk->supers[walk->super_count++] = walk->scene.super;
	walk->written[0] = NULL;
	for (size_t i = 0; i < recorder.n; i++) {
		const struct recorded *write = &recorder.v[i];
		struct image_super super;
		struct error ignored;

		if (write->flush || write->size != SUPER_BYTES ||
		    (write->offset != IMAGE_SUPER0 && write->offset != IMAGE_SUPER1))
			continue;
		assert_int_equal(super_check_copy(write->bytes, write->offset == IMAGE_SUPER1,
						  &super, &ignored),
				 0);
		if (walk->super_count &&
		    !memcmp(&super, &walk->supers[walk->super_count - 1], sizeof(super)))
			continue;
		assert_true(walk->super_count < SUPERS_MAX);
		walk->written[walk->super_count] = write;
		walk->supers[walk->super_count++] = super;
	}
}

static void collect_image(struct walk *walk, const struct image_entry *entry)
{
	struct saved *saved = &walk->saved[walk->saved_count];

	if (!entry->state || find_saved(walk, entry->image_uuid))
		return;
	assert_true(walk->saved_count < sizeof(walk->saved) / sizeof(walk->saved[0]));
	memcpy(saved->uuid, entry->image_uuid, sizeof(saved->uuid));
	saved->ram = walk->scene.ram;
	saved->frames = calloc(saved->ram.count, sizeof(*saved->frames));
	for (uint64_t i = 0; i < saved->ram.count; i++)
		saved->frames[i] = frame_hash(walk->memory + ((saved->ram.pfn + i) << FRAME_SHIFT));
	walk->saved_count++;
	walk->images++;
	walk->reused += entry->reused_pages != 0;
	walk->sealed += entry->algorithm != 0;
	walk->sealed_reused += entry->algorithm && entry->reused_pages;
}

/* What this step has saved. */
static void collect_images(struct walk *walk)
{
	walk->saved_before = walk->saved_count;
	for (size_t i = 0; i < walk->super_count; i++)
		for (unsigned k = 0; k < IMAGE_TABLE && walk->written[i]; k++)
			collect_image(walk, &walk->supers[i].table[k]);
}

static int judge_super(struct walk *walk, const struct image_super *super, unsigned now,
		       struct error *err)
{
	size_t sure = 0, found = SUPERS_MAX;

	for (size_t i = 0; i < walk->super_count; i++) {
		const struct recorded *written = walk->written[i];

		if (written && recorder_is_sure(written, now))
			sure = i;
		if (!memcmp(super, &walk->supers[i], sizeof(*super)) &&
		    (!written || written->begin <= now))
			found = i;
	}
	if (found == SUPERS_MAX)
		return error_set(err, EILSEQ, "a superblock of before: %s, generation %llu",
				 image_state_name(super->state),
				 (unsigned long long)super->generation);
	if (found < sure)
		return error_set(err, EILSEQ, "superblock %zu of %zu, though %zu is sure", found,
				 walk->super_count, sure);
	if (image_waits(super) && !may_wait(walk, super->image_uuid))
		return error_set(err, EILSEQ, "an image waits that was given up");
	walk->empty += super->state == IMAGE_EMPTY;
	walk->before += !walk->written[found];
	walk->after += found + 1 == walk->super_count;
	walk->between += walk->written[found] && found + 1 < walk->super_count;
	return compare_images(walk, super, err);
}

static int judge(struct walk *walk, unsigned now, struct error *err)
{
	struct image_super super;
	int code = image_super_read(&walk->scene.temp.disk, &super, err);

	walk->states++;
	if (!code)
		return judge_super(walk, &super, now, err);
	walk->unclaimed++;
	return walk->formatted && (code == -EUCLEAN || code == -ENOMEDIUM) ? 0 : code;
}

#endif
