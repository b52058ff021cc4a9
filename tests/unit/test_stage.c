/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading an image. (Acquiring frames needs a machine of one's own: tests/e2e.) */
#include "fake-image.h"

#include "restore/stage.h"

/* Frames that one mapping has in one piece: neither a chunk's pages nor a divisor of them. */
#define PIECE 37

static void verify(void **state)
{
	const struct fake fake = { .seed = 21, .frames = 600, .chunk_pages = 64 };
	struct image_index index = { .chunk_count = 0 };
	struct image_super super;
	struct temp_disk temp;
	struct error err = { 0 };
	uint64_t hash;

	(void)state;
	temp_disk_create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&temp.disk, NULL, &super, &err), 0);
	assert_int_equal(fake_write(&fake, &temp.disk, IMAGE_HIBERNATION, 1, &super, &err), 0);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
	assert_true(index.chunk_count > 3);
	assert_int_equal(stage_verify(&temp.disk, &index, false, &err), 0);

	/* What a restore leaves to the payload. */
	hash = index.chunks[2].page_hash;
	index.chunks[2].page_hash ^= 1;
	assert_int_equal(stage_verify(&temp.disk, &index, true, &err), -EUCLEAN);
	assert_string_equal(err.text, "chunk 2: checksum of the pages is wrong");
	index.chunks[2].page_hash = hash;

	temp_disk_flip(&temp, index.chunks[3].offset, 1);
	assert_int_equal(stage_verify(&temp.disk, &index, true, &err), -EUCLEAN);
	assert_string_equal(err.text, "chunk 3: checksum mismatch");
	image_index_free(&index);
	temp_disk_remove(&temp);
}

/* --- into frames ---------------------------------------------------------------------------- */

/* Most of A's frames, so that a page goes into its own one or into one that stages it. */
static void own_most(const struct image_index *index, struct frames *frames)
{
	size_t pieces = runs_total(&index->ram) + 1;

	frames->own = calloc(pieces, sizeof(*frames->own));
	assert_non_null(frames->own);
	for (size_t i = 0; i < index->ram.n; i++) {
		const struct run *run = &index->ram.v[i];

		/* Frames that follow one another may be mapped apart. */
		for (uint64_t done = 0; done < run->count; done += PIECE + done / PIECE % 2 * 3) {
			uint64_t left = run->count - done;
			uint64_t count = left < PIECE ? left : PIECE;
			unsigned char *bytes = calloc(count, FRAME_SIZE);

			assert_true(bytes && frames->own_count < pieces);
			frames->own[frames->own_count++] =
				(struct own){ run->pfn + done, count, bytes };
		}
	}
}

static void disown(struct frames *frames)
{
	for (size_t i = 0; i < frames->own_count; i++)
		free(frames->own[i].bytes);
	free(frames->own);
}

static void plan(const struct image_index *index, struct stage *stage)
{
	struct runs spare = { 0 }, own = { 0 };
	struct error err = { 0 };

	own_most(index, &stage->frames);
	assert_int_equal(plan_spare(index, (struct run){ 0, 0 }, &spare, &err), 0);
	assert_int_equal(frames_runs(&stage->frames, &own, &err), 0);
	if (plan_make(index, &own, &spare, &stage->plan, &err))
		fail_msg("%s", err.text);
	runs_free(&spare);
	runs_free(&own);
}

/* Each page where the plan has it. */
static void check_placed(const struct fake *fake, const struct stage *stage)
{
	unsigned char page[FRAME_SIZE];

	for (size_t i = 0; i < stage->plan.run_count; i++) {
		const struct payload_run *run = &stage->plan.runs[i];

		for (uint64_t k = 0; k < run->count; k++) {
			const struct own *own = frames_find(&stage->frames, run->source + k);

			assert_non_null(own);
			fake_page(fake, run->target + k, page);
			assert_memory_equal(own->bytes + (run->source + k - own->pfn) * FRAME_SIZE,
					    page, FRAME_SIZE);
		}
	}
}

/* Many threads, chunks in one piece and in several, staged and in place. */
static void read_into_frames(void **state)
{
	struct fake fake = { .seed = 22, .frames = 3000 };
	struct image_super super;
	struct temp_disk temp;
	struct error err = { 0 };

	(void)state;
	temp_disk_create(&temp, IMAGE_MIN_SIZE);
	for (fake.chunk_pages = 2; fake.chunk_pages <= 64; fake.chunk_pages += 31) {
		struct image_index index = { .chunk_count = 0 };
		struct stage stage = { .read_time = 0 };

		assert_int_equal(image_format(&temp.disk, NULL, &super, &err), 0);
		assert_int_equal(fake_write(&fake, &temp.disk, IMAGE_HIBERNATION, 2, &super, &err),
				 0);
		assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
		plan(&index, &stage);
		assert_true(stage.plan.in_place && stage.plan.copied);
		assert_int_equal(stage_read(&stage, &temp.disk, &index, true, &err), 0);
		check_placed(&fake, &stage);
		temp_disk_flip(&temp, index.chunks[1].offset, 1);
		assert_int_equal(stage_read(&stage, &temp.disk, &index, true, &err), -EUCLEAN);
		disown(&stage.frames);
		plan_free(&stage.plan);
		image_index_free(&index);
	}
	temp_disk_remove(&temp);
}

/* What cannot be had is not begun to be taken; what the kernel's estimate may miss is tried. */
static void out_of_the_question(void **state)
{
	const uint64_t mib = 1048576, frames = mib / FRAME_SIZE;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(frames_conceivable(1600 * mib, 100 * mib, 1500 * frames, &err), 0);
	assert_int_equal(frames_conceivable(1600 * mib, 100 * mib, 1664 * frames, &err), 0);
	assert_int_equal(frames_conceivable(1600 * mib, 100 * mib, 1665 * frames, &err), -ENOMEM);
	assert_string_equal(err.text, "1600 MiB are available, of which 100 MiB are the reserve");
	/* Far more than this machine has. */
	assert_true(frames_available() > 0);
	assert_int_equal(
		frames_conceivable(frames_available(), mib, 4 * frames_available() / 4096, &err),
		-ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify),
		cmocka_unit_test(read_into_frames),
		cmocka_unit_test(out_of_the_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
