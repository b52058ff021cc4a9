/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a disk for images is in a state that it may be in, at a moment of a step that was
 * recorded, and what is known of the steps before.
 *
 * The superblock must be readable (unless the disk is just being formatted), and one that was
 * written: the one before, or one of those that the step has begun to write, but none older than
 * what is sure. What it says must be there, each page of it, as it was saved; and an image that a
 * boot has once seen as one that is not to be restored must never wait again.
 */
#ifndef TESTS_DISK_JUDGE_H
#define TESTS_DISK_JUDGE_H

#include "tests/unit/recorder.h"

#include "tests/unit/disk-operations.h"

#define SUPERS_MAX 32

struct saved {
	uint8_t uuid[16];
	struct run ram;
};

/* The bytes of an image that was read and found right. */
struct known {
	struct image_super super;
	unsigned char *bytes;
};

struct walk {
	struct scene scene;
	struct known known[2]; /* the last one that was found first */
	unsigned char *memory; /* of the machine */
	struct saved saved[4096];
	size_t saved_count, saved_before;
	uint8_t waits[16]; /* image that a boot may restore */
	bool formatted;	   /* by this step */
	struct image_super supers[SUPERS_MAX];
	const struct recorded *written[SUPERS_MAX]; /* each super's first copy; NULL = before */
	size_t super_count;
	uint64_t random;
	unsigned states, unclaimed, empty, before, between, after, wrapped;
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

static int compare_pages(void *context, size_t number, const struct image_chunk *chunk,
			 const struct run *runs, const void *pages, struct error *err)
{
	const struct walk *walk = context;
	const unsigned char *bytes = pages;

	(void)number;
	for (uint32_t i = 0; i < chunk->run_count; i++) {
		size_t size = runs[i].count << FRAME_SHIFT;

		if (memcmp(bytes, walk->memory + (runs[i].pfn << FRAME_SHIFT), size))
			return error_set(err, EILSEQ, "another page than was saved");
		bytes += size;
	}
	return 0;
}

static int compare_zeros(const struct walk *walk, const struct runs *zero, struct error *err)
{
	static const unsigned char none[FRAME_SIZE];

	for (size_t i = 0; i < zero->n; i++)
		for (uint64_t k = 0; k < zero->v[i].count; k++)
			if (memcmp(walk->memory + ((zero->v[i].pfn + k) << FRAME_SHIFT), none,
				   FRAME_SIZE))
				return error_set(err, EILSEQ, "a page that was not zero");
	return 0;
}

/* The image's stretch, which goes on at the start of the ring when it reaches its end. */
static size_t first_part(const struct image_super *super)
{
	uint64_t left = super->device_size - IMAGE_TAIL - super->start;

	return super->length < left ? super->length : left;
}

/* Were these very bytes read before? That takes far longer than to compare them. */
static bool is_known(const struct walk *walk, const struct image_super *super)
{
	for (int i = 0; i < 2; i++) {
		const struct known *known = &walk->known[i];
		size_t first = first_part(super);

		if (known->bytes && same_image(known->super.image_uuid, super->image_uuid) &&
		    known->super.start == super->start && known->super.length == super->length &&
		    known->super.index_xxh3 == super->index_xxh3 &&
		    !memcmp(known->bytes, recorder.map + super->start, first) &&
		    !memcmp(known->bytes + first, recorder.map + IMAGE_DATA_START,
			    super->length - first))
			return true;
	}
	return false;
}

static void know(struct walk *walk, const struct image_super *super)
{
	size_t first = first_part(super);

	free(walk->known[1].bytes);
	walk->known[1] = walk->known[0];
	walk->known[0] = (struct known){ *super, malloc(super->length) };
	memcpy(walk->known[0].bytes, recorder.map + super->start, first);
	memcpy(walk->known[0].bytes + first, recorder.map + IMAGE_DATA_START,
	       super->length - first);
}

/* Each page of the image that SUPER names, as it was saved. */
static int compare_image(struct walk *walk, const struct image_super *super, struct error *err)
{
	const struct image_sink sink = { .take = compare_pages, .context = walk };
	const struct disk *disk = &walk->scene.temp.disk;
	const struct saved *saved = walk->saved;
	struct image_index index = { 0 };
	int code;

	if (is_known(walk, super))
		return 0;
	while (saved < walk->saved + walk->saved_count &&
	       !same_image(saved->uuid, super->image_uuid))
		saved++;
	if (saved == walk->saved + walk->saved_count)
		return error_set(err, EILSEQ, "an image that nobody saved");
	code = image_index_read(disk, super, &index, err);
	if (code)
		return code;
	if (index.ram.n != 1 || index.ram.v->pfn != saved->ram.pfn ||
	    index.ram.v->count != saved->ram.count)
		code = error_set(err, EILSEQ, "another machine's image");
	if (!code)
		code = image_read_chunks(disk, &index, 1, &sink, err);
	if (!code)
		code = compare_zeros(walk, &index.zero, err);
	image_index_free(&index);
	if (!code)
		know(walk, super);
	return code;
}

/* Does anybody ever read what SUPER names? */
static bool is_read(const struct image_super *super)
{
	return super->state != IMAGE_EMPTY &&
	       (super->state != IMAGE_STALE ||
		strcmp(super->reason, "overwritten by a newer image"));
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

		if (write->flush || write->size != IMAGE_BLOCK ||
		    (write->offset != IMAGE_SUPER0 && write->offset != IMAGE_SUPER1))
			continue;
		memcpy(&super, write->bytes, sizeof(super));
		if (walk->super_count &&
		    !memcmp(&super, &walk->supers[walk->super_count - 1], sizeof(super)))
			continue;
		assert_true(walk->super_count < SUPERS_MAX);
		walk->written[walk->super_count] = write;
		walk->supers[walk->super_count++] = super;
	}
}

static void collect_images(struct walk *walk)
{
	walk->saved_before = walk->saved_count;
	for (size_t i = 0; i < walk->super_count; i++) {
		const struct image_super *super = &walk->supers[i];
		struct saved *saved = &walk->saved[walk->saved_count];

		if (!walk->written[i] || super->state != IMAGE_VALID ||
		    (i && same_image(super->image_uuid, walk->supers[i - 1].image_uuid)))
			continue;
		assert_true(walk->saved_count < sizeof(walk->saved) / sizeof(walk->saved[0]));
		memcpy(saved->uuid, super->image_uuid, sizeof(saved->uuid));
		saved->ram = walk->scene.ram;
		walk->saved_count++;
		walk->wrapped += super->start + super->length > super->device_size - IMAGE_TAIL;
	}
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
	return is_read(super) ? compare_image(walk, super, err) : 0;
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
