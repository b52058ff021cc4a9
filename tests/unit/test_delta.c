/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images that are built one on the other: what is written, what is read, and when it is not done.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "common/pagehash.h"
#include "image/internal.h"
#include "nonces.h"
#include "seal/aead.h"
#include "temp-disk.h"
#include "tests/unit/fake-machine.h"
#include "writer/save.h"

#define DEVICE_MIB 128
#define RAM_PFN	   0x100
#define RAM_FRAMES 0x1500
#define HOME	   0x400 /* frames, in the middle of RAM */

/* ThreadSanitizer takes its time, and a race shows in any of them. */
#ifdef __SANITIZE_THREAD__
#define SAVES	 6
#define STEP_MIB 8
#else
#define SAVES	 50
#define STEP_MIB 1
#endif

struct fixture {
	struct fake_machine *machine;
	unsigned char *memory;
	struct temp_disk temp;
	struct runs ram, home, free;
	struct image_machine record;
	struct image_policy policy;
	struct save_job job;
	struct save_result result;
	uint64_t random;
	struct sender_key sender; /* with an opener: images are sealed */
	struct opener opener;
	struct request_seal seal;
};

static uint64_t pick(struct fixture *fixture, uint64_t limit)
{
	fixture->random ^= fixture->random << 13;
	fixture->random ^= fixture->random >> 7;
	fixture->random ^= fixture->random << 17;
	return fixture->random % limit;
}

static void format(struct fixture *fixture, uint64_t size)
{
	struct image_super super;
	struct error err;

	temp_disk_create(&fixture->temp, size);
	assert_int_equal(image_format(&fixture->temp.disk, NULL, &super, &err), 0);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fake_setup((void **)&fixture->machine);
	fixture->memory =
		mmap(NULL, FAKE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->machine->fd, 0);
	assert_true(fixture->memory != MAP_FAILED);
	format(fixture, DEVICE_MIB * UINT64_C(1048576));
	fixture->random = 88172645463325252u;
	assert_int_equal(runs_add(&fixture->ram, RAM_PFN, RAM_FRAMES), 0);
	assert_int_equal(runs_add(&fixture->home, FAKE_HOME >> FRAME_SHIFT, HOME), 0);
	fixture->record = (struct image_machine){ .entry = FAKE_ENTRY,
						  .home_start = FAKE_HOME,
						  .created = 1000 };
	fixture->policy = (struct image_policy){ .keep = 4 };
	fixture->job = (struct save_job){
		.memory = fixture->machine->memory,
		.disk = &fixture->temp.disk,
		.name = "test device",
		.kind = IMAGE_CHECKPOINT,
		.level = 1,
		.workers = 2,
		.quiet = true,
		.verify = true,
		.identity = { .boot = { 1 } },
		.policy = &fixture->policy,
		.ram = &fixture->ram,
		.home = &fixture->home,
		.machine = &fixture->record,
	};
	/* As random as a real one: with zeros in it pages of zeros have one digest in common. */
	for (size_t i = 0; i < sizeof(fixture->job.identity.secret); i++)
		fixture->job.identity.secret[i] = (uint8_t)pick(fixture, 256);
	*state = fixture;
	return 0;
}

static int setup_sealed(void **state)
{
	struct fixture *fixture;
	struct restore_key restore;
	struct error err;
	int code = setup(state);

	fixture = *state;
	assert_int_equal(keys_make(&restore, &fixture->sender, &err), 0);
	assert_int_equal(opener_restore(&restore, &fixture->opener, &err), 0);
	return code;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	munmap(fixture->memory, FAKE_SIZE);
	runs_free(&fixture->ram);
	runs_free(&fixture->home);
	runs_free(&fixture->free);
	temp_disk_remove(&fixture->temp);
	fake_teardown((void **)&fixture->machine);
	free(fixture);
	return 0;
}

static const struct opener *opener(const struct fixture *fixture)
{
	return fixture->opener.pair ? &fixture->opener : NULL;
}

/* As A does it for each request. */
static void make_seal(struct fixture *fixture)
{
	struct image_super super;
	struct error err;

	assert_int_equal(image_super_read(&fixture->temp.disk, &super, &err), 0);
	assert_int_equal(box_make(&fixture->sender, aead_best(), &fixture->seal, &err), 0);
	assert_int_equal(image_know_sealed(&super, &fixture->sender, &fixture->seal, &err), 0);
	fixture->job.seal = &fixture->seal;
}

static const struct image_super *save(struct fixture *fixture)
{
	struct error err = { 0 };

	if (fixture->opener.pair)
		make_seal(fixture);
	if (save_run(&fixture->job, &fixture->result, &err))
		fail_msg("%s", err.text);
	return &fixture->result.super;
}

/* The machine has run: about so many of each 1000 pages are others. */
static void run(struct fixture *fixture, unsigned permille)
{
	for (uint64_t i = 0; i < RAM_FRAMES; i++)
		if (pick(fixture, 1000) < permille)
			fixture->memory[((RAM_PFN + i) << FRAME_SHIFT) +
					pick(fixture, FRAME_SIZE)] ^=
				(unsigned char)(1 + pick(fixture, 255));
}

/* --- reading back --- */

struct reading {
	const unsigned char *memory;
	uint64_t pages, stored, read;
	pthread_mutex_t lock;
};

static int compare(void *context, size_t number, const struct image_chunk *chunk,
		   const struct run *runs, const void *pages, struct error *err)
{
	struct reading *reading = context;
	const unsigned char *bytes = pages;
	int code = 0;

	(void)number;
	for (uint32_t i = 0; i < chunk->run_count; i++) {
		size_t size = runs[i].count << FRAME_SHIFT;

		if (memcmp(bytes, reading->memory + (runs[i].pfn << FRAME_SHIFT), size))
			code = error_set(err, EILSEQ, "another page than was saved");
		bytes += size;
	}
	pthread_mutex_lock(&reading->lock);
	reading->pages += chunk->pages;
	reading->read += chunk->all_pages;
	pthread_mutex_unlock(&reading->lock);
	return code;
}

/* The image at hand is MEMORY as it was saved; returns pages to be read for each that is needed. */
static double expect_image(const struct fixture *fixture, const struct image_super *super,
			   const unsigned char *memory)
{
	struct reading reading = { .memory = memory, .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct image_sink sink = { .take = compare, .context = &reading };
	struct image_index index = { 0 };
	struct error err = { 0 };

	if (image_verify(&fixture->temp.disk, super, opener(fixture), 2, &sink, &err) ||
	    image_index_read(&fixture->temp.disk, super, opener(fixture), &index, &err))
		fail_msg("image %llu: %s", (unsigned long long)super->serial, err.text);
	for (size_t i = 0; i < index.zero.n; i++)
		assert_true(safe_is_zero(memory + (index.zero.v[i].pfn << FRAME_SHIFT),
					 index.zero.v[i].count << FRAME_SHIFT));
	assert_int_equal(reading.pages, super->data_pages);
	image_index_free(&index);
	return (double)reading.read / (double)reading.pages;
}

static struct image_super read_super(const struct fixture *fixture)
{
	struct image_super super;
	struct error err;

	assert_int_equal(image_super_read(&fixture->temp.disk, &super, &err), 0);
	return super;
}

static unsigned char *copy_memory(const struct fixture *fixture)
{
	unsigned char *copy = malloc(FAKE_SIZE);

	assert_non_null(copy);
	memcpy(copy, fixture->memory, FAKE_SIZE);
	return copy;
}

/* --- tests --- */

static void test_nothing_changed(void **state)
{
	struct fixture *fixture = *state;
	uint64_t full = save(fixture)->own_bytes;
	const struct image_super *super;

	assert_int_equal(fixture->result.super.reused_pages, 0);
	assert_string_equal(fixture->result.full, "no image of this boot on the device");
	super = save(fixture);
	assert_string_equal(fixture->result.full, "");
	assert_int_equal(super->reused_pages, super->data_pages);
	assert_int_equal(super->deltas, 1);
	assert_true(super->own_bytes < full / 50);
	expect_image(fixture, super, fixture->memory);
}

/* Each image of a row is what the machine was then, whatever became of those before. */
static void test_every_image_is_whole(void **state)
{
	struct fixture *fixture = *state;
	unsigned char *copies[6];
	uint8_t uuids[6][16];
	struct image_super super;
	struct error err;

	for (int i = 0; i < 6; i++) {
		run(fixture, i ? 100 : 0);
		fixture->job.workers = 1 + i % 2;
		memcpy(uuids[i], save(fixture)->image_uuid, 16);
		assert_int_equal(fixture->result.super.reused_pages > 0, i > 0);
		copies[i] = copy_memory(fixture);
	}
	super = read_super(fixture);
	assert_int_equal(image_super_count_images(&super), 4);
	assert_false(image_super_select(&super, uuids[1]));
	for (int i = 2; i < 6; i++) {
		assert_true(image_super_select(&super, uuids[i]));
		expect_image(fixture, &super, copies[i]);
	}
	/* One in the middle goes: the others are whole. */
	assert_true(image_super_select(&super, uuids[3]));
	super.state = IMAGE_EMPTY;
	assert_int_equal(image_super_write(&fixture->temp.disk, &super, &err), 0);
	for (int i = 2; i < 6; i++) {
		assert_int_equal(image_super_select(&super, uuids[i]), i != 3);
		if (i != 3)
			expect_image(fixture, &super, copies[i]);
	}
	for (int i = 0; i < 6; i++)
		free(copies[i]);
}

/* What was data is zero, free or kernel B's now, and the other way round. */
static void test_lists_change(void **state)
{
	struct fixture *fixture = *state;
	const struct image_super *super;

	save(fixture);
	memset(fixture->memory + (UINT64_C(0x200) << FRAME_SHIFT), 0, 0x80 << FRAME_SHIFT);
	memset(fixture->memory + (UINT64_C(0x340) << FRAME_SHIFT), 9, 0x80 << FRAME_SHIFT);
	assert_int_equal(runs_add(&fixture->free, 0x400, 0x123), 0);
	fixture->job.free = &fixture->free;
	fixture->home.v[0].pfn += 0x100;
	super = save(fixture);
	assert_true(super->reused_pages && super->reused_pages < super->data_pages);
	assert_int_equal(super->free_pages, 0x123);
	expect_image(fixture, super, fixture->memory);
	super = save(fixture); /* without the free ones */
	assert_int_equal(super->free_pages, 0);
	expect_image(fixture, super, fixture->memory);
}

static void expect_full(struct fixture *fixture, const char *why)
{
	const struct image_super *super = save(fixture);

	assert_int_equal(super->reused_pages, 0);
	assert_int_equal(super->deltas, 0);
	if (!strstr(fixture->result.full, why))
		fail_msg("\"%s\" does not say \"%s\"", fixture->result.full, why);
	expect_image(fixture, super, fixture->memory);
}

/* The keys of those before, and no others; whoever has none of them opens nothing. */
static void test_keys_of_those_before(void **state)
{
	struct fixture *fixture = *state;
	struct image_index index = { 0 };
	struct opener known = { 0 };
	struct image_super super;
	struct error err;

	fixture->policy.keep = 10;
	save(fixture);
	run(fixture, 100);
	save(fixture);
	run(fixture, 100);
	super = *save(fixture);
	assert_int_equal(super.deltas, 2);
	assert_int_equal(
		image_index_read(&fixture->temp.disk, &super, &fixture->opener, &index, &err), 0);
	assert_int_equal(index.key_count, 2);
	for (size_t i = 0; i < index.chunk_count; i++)
		assert_true(index.chunks[i].key <= 2);
	/* The key of the image is all that it takes: those of the others are in it. */
	opener_know(&known, &index.key);
	assert_int_equal(image_verify(&fixture->temp.disk, &super, &known, 1, NULL, &err), 0);
	/* Those of the others alone are not. */
	known.known[0] = index.keys[0];
	assert_int_equal(image_verify(&fixture->temp.disk, &super, &known, 1, NULL, &err), -ENOKEY);
	image_index_free(&index);
	/* The first one goes, and with it its own key from the table; its chunks are needed still.
	 */
	assert_true(image_super_select(&super, super.base_uuid));
	super.state = IMAGE_EMPTY;
	assert_int_equal(image_super_write(&fixture->temp.disk, &super, &err), 0);
	run(fixture, 50);
	super = *save(fixture);
	assert_true(super.reused_pages > 0);
	expect_image(fixture, &super, fixture->memory);
}

/* In clear after sealed, sealed after clear, and sealed for another pair of keys. */
static void test_other_seals(void **state)
{
	struct fixture *fixture = *state;
	struct opener opener = fixture->opener;
	struct restore_key restore;
	struct image_super super;
	struct error err;

	save(fixture);
	fixture->opener.pair = false;
	fixture->job.seal = NULL;
	expect_full(fixture, "the image before is sealed, this one is not");
	fixture->opener = opener;
	expect_full(fixture, "the image before is not sealed, this one is");
	assert_true(save(fixture)->reused_pages > 0);
	/* A's sender key is another one now: it does not open the boxes of those before. */
	assert_int_equal(keys_make(&restore, &fixture->sender, &err), 0);
	assert_int_equal(opener_restore(&restore, &fixture->opener, &err), 0);
	expect_full(fixture, "key is not known here");
	super = *save(fixture);
	assert_true(super.reused_pages > 0);
	/* Its index was changed. */
	temp_disk_flip(&fixture->temp, super.index[0].offset + super.envelope_size + 100, 1);
	expect_full(fixture, "block 0 was changed");
}

static void test_doubts(void **state)
{
	struct fixture *fixture = *state;
	struct image_super super;
	struct error err;

	save(fixture);
	fixture->job.full = true;
	expect_full(fixture, "asked for");
	fixture->job.full = false;
	fixture->job.identity.boot[0]++;
	expect_full(fixture, "no image of this boot");
	assert_true(save(fixture)->reused_pages > 0);
	/* With another secret all digests are others. */
	fixture->job.identity.secret[100]++;
	expect_full(fixture, "");
	/* None of those that are over. */
	super = read_super(fixture);
	for (unsigned i = 0; i < IMAGE_TABLE; i++) {
		image_super_take(&super, i);
		if (super.state)
			assert_int_equal(
				image_mark_stale(&fixture->temp.disk, &super, "a test", &err), 0);
	}
	expect_full(fixture, "no image of this boot");
	/* A hibernation that waits is stale as soon as something is saved again. */
	fixture->job.kind = IMAGE_HIBERNATION;
	save(fixture);
	fixture->job.wish.full_every = 3;
	super = read_super(fixture);
	assert_true(image_waits(&super));
	super.state = IMAGE_RESTORED;
	assert_int_equal(image_super_write(&fixture->temp.disk, &super, &err), 0);
	/* But the one that the machine was restored from serves. */
	fixture->job.kind = IMAGE_CHECKPOINT;
	assert_int_equal(save(fixture)->deltas, 2);
	assert_true(fixture->result.super.reused_pages > 0);
	expect_full(fixture, "each 3. image is a full one");
	assert_int_equal(save(fixture)->deltas, 1);
}

/* A bit of its index, its digests: a full image, or as much of one as is needed. */
static void test_damaged_base(void **state)
{
	struct fixture *fixture = *state;
	struct image_index index = { 0 };
	struct image_super super;
	struct error err;

	super = *save(fixture);
	temp_disk_flip(&fixture->temp, super.index[0].offset + 100, 1);
	expect_full(fixture, "index damaged");
	super = read_super(fixture);
	assert_int_equal(image_super_count_images(&super), 1); /* the damaged one was given up */
	/* A section that nobody reads to learn what is free. */
	temp_disk_flip(&fixture->temp, super.index[0].offset + 2 * IMAGE_BLOCK, 1);
	expect_full(fixture, "digest mismatch");

	super = *save(fixture);
	assert_true(super.reused_pages > 0);
	assert_int_equal(image_index_read(&fixture->temp.disk, &super, NULL, &index, &err), 0);
	temp_disk_flip(&fixture->temp, index.digests[0].offset, 1);
	expect_full(fixture, "digests: checksum mismatch");
	image_index_free(&index);
}

struct forged {
	const struct disk *disk;
	struct image_super super;
	struct image_index index;
};

/* The newest image, of which the index may be changed. */
static void begin_forgery(const struct fixture *fixture, struct forged *forged)
{
	struct error err;

	*forged = (struct forged){ .disk = &fixture->temp.disk, .super = read_super(fixture) };
	assert_int_equal(image_index_read(forged->disk, &forged->super, NULL, &forged->index, &err),
			 0);
}

static int put(void *context, void *bytes, size_t size, uint64_t offset, struct error *err)
{
	const struct forged *forged = context;

	return disk_write(forged->disk, bytes, size, forged->super.index[0].offset + offset, err);
}

/* All checksums are right; the index is as long as it was. */
static void end_forgery(struct forged *forged)
{
	struct image_super *super = &forged->super;
	struct image_index_header header;
	struct error err;

	index_describe(&forged->index, super->image_uuid, &header);
	assert_int_equal(header.size, super->index_size);
	assert_int_equal(
		index_write(&forged->index, &header, put, forged, &super->index_xxh3, &err), 0);
	assert_int_equal(image_super_write(forged->disk, super, &err), 0);
	image_index_free(&forged->index);
}

/* A frame twice: in one chunk, and in two. */
static void test_base_with_a_frame_twice(void **state)
{
	struct fixture *fixture = *state;
	struct forged forged;

	fixture->job.workers = 1;
	for (int i = 0; i < 2; i++) {
		struct run *runs;

		for (uint64_t page = 0; page < RAM_FRAMES; page += 2)
			memset(fixture->memory + ((RAM_PFN + page) << FRAME_SHIFT), 0, FRAME_SIZE);
		fixture->job.full = true;
		save(fixture);
		fixture->job.full = false;
		begin_forgery(fixture, &forged);
		runs = forged.index.data.v;
		assert_true(forged.index.chunks[0].run_count > 2 && runs[1].count == runs[2].count);
		if (i)
			runs[forged.index.chunks[0].run_count].pfn = runs[0].pfn;
		else
			runs[2].pfn = runs[1].pfn;
		end_forgery(&forged);
		save(fixture);
		assert_non_null(strstr(fixture->result.full, "a frame twice"));
		expect_image(fixture, &fixture->result.super, fixture->memory);
		assert_true(save(fixture)->reused_pages > 0);
	}
}

/* Each page in a chunk of its own: lists would be longer than all pages by themselves need. */
static void test_base_of_many_chunks(void **state)
{
	struct fixture *fixture = *state;
	struct image_scratch *scratch = image_scratch_create(LEVEL_STORED);
	struct image_index index = { .machine = fixture->record };
	const struct runs none = { 0 };
	struct image_writer *writer;
	struct image_super super;
	struct runs data = { 0 };
	struct error err;

	assert_int_equal(runs_subtract(&fixture->ram, &fixture->home, &data), 0);
	assert_int_equal(runs_subtract(&fixture->ram, &none, &index.ram), 0);
	assert_int_equal(runs_subtract(&fixture->home, &none, &index.home), 0);
	assert_int_equal(image_writer_open(&fixture->temp.disk, &writer, &err), 0);
	image_writer_set(writer, &fixture->job.identity, NULL);
	for (size_t i = 0; i < data.n; i++)
		for (uint64_t pfn = data.v[i].pfn; pfn < data.v[i].pfn + data.v[i].count; pfn++) {
			struct run run = { pfn, 1 };
			const struct runs page = { .v = &run, .n = 1 };

			assert_int_equal(image_writer_chunk(writer, scratch,
							    fixture->memory + (pfn << FRAME_SHIFT),
							    1, &page, &err),
					 0);
		}
	assert_int_equal(image_writer_commit(writer, &index, IMAGE_CHECKPOINT, &super, &err), 0);
	image_writer_free(writer);
	image_scratch_free(scratch);
	image_index_free(&index);

	super = *save(fixture);
	assert_non_null(strstr(fixture->result.full, "more chunks than are of use"));
	assert_true(super.reused_pages < runs_total(&data) / 3);
	expect_image(fixture, &super, fixture->memory);
	runs_free(&data);
}

/* Chunks are not read before the image is verified: then another one is made, if it may be. */
static void test_base_with_a_damaged_chunk(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };

	save(fixture);
	temp_disk_flip(&fixture->temp, IMAGE_DATA_START + 100, 1);
	fixture->job.free = &fixture->free;
	assert_int_equal(runs_add(&fixture->free, RAM_PFN + 9, 3), 0);
	if (!fixture->opener.pair) {
		expect_full(fixture, "verification: chunk ");
		assert_int_equal(fixture->result.super.free_pages, 3);
	} else {
		make_seal(fixture);
		assert_int_equal(save_run(&fixture->job, &fixture->result, &err), -EUCLEAN);
		expect_full(fixture, "no image of this boot");
	}
	assert_true(save(fixture)->reused_pages > 0);
}

/* Two chunks with the same pages, which the base has in one place. */
static void test_base_with_overlapping_chunks(void **state)
{
	struct fixture *fixture = *state;
	struct image_chunk *chunks;
	struct forged forged;

	fixture->job.workers = 1;
	for (uint64_t page = 0; page < RAM_FRAMES; page++)
		memset(fixture->memory + ((RAM_PFN + page) << FRAME_SHIFT), 7, FRAME_SIZE);
	save(fixture);
	begin_forgery(fixture, &forged);
	chunks = forged.index.chunks;
	assert_int_equal(chunks[0].stored_hash, chunks[1].stored_hash);
	chunks[1].offset = chunks[0].offset;
	end_forgery(&forged);
	expect_full(fixture, "overlap");
	assert_true(save(fixture)->reused_pages > 0);
}

/*
 * Where there is no room the oldest checkpoints go, then the base while it is in use, and each
 * image that was saved is whole.
 */
static void test_little_room(void **state)
{
	struct fixture *fixture = *state;
	unsigned gone = 0, reused = 0, alone = 0;

	for (unsigned mib = 19; mib < 36; mib += STEP_MIB) {
		temp_disk_remove(&fixture->temp);
		format(fixture, mib * UINT64_C(1048576));
		for (unsigned i = 0; i < 8; i++) {
			struct image_super super;

			run(fixture, i % 3 ? 450 : 5);
			fixture->job.kind = i == 7 ? IMAGE_HIBERNATION : IMAGE_CHECKPOINT;
			super = *save(fixture);
			reused += super.reused_pages > 0;
			gone += strstr(fixture->result.full, "given up") != NULL;
			super = read_super(fixture);
			alone += image_super_count_images(&super) == 1;
			expect_image(fixture, &super, fixture->memory);
		}
	}
	assert_true(gone && reused && alone);
}

/* How much of the device the images of the table need. */
static uint64_t count_used(const struct fixture *fixture)
{
	struct image_super super = read_super(fixture);
	struct space space;
	struct error err;
	unsigned broken;
	uint64_t free;

	assert_int_equal(space_read(&fixture->temp.disk, &super, NULL, &space, &broken, &err), 0);
	free = runs_total(&space.free);
	space_free(&space);
	return (space.blocks - free) * IMAGE_BLOCK;
}

static struct image_super save_of_boot(struct fixture *fixture, uint8_t boot)
{
	struct image_super super;

	fixture->job.identity.boot[0] = boot;
	super = *save(fixture);
	expect_image(fixture, &super, fixture->memory);
	return super;
}

static void discard(struct fixture *fixture, const struct image_super *image)
{
	struct image_super super = read_super(fixture);
	struct error err;

	assert_true(image_super_select(&super, image->image_uuid));
	super.state = IMAGE_EMPTY;
	assert_int_equal(image_super_write(&fixture->temp.disk, &super, &err), 0);
}

/* Change pages until an image of all needs more room than SMALL; less than its index needs. */
static void grow(struct fixture *fixture, uint64_t small)
{
	uint64_t page = 0, large = small;
	struct image_super super;

	while (large <= small) {
		unsigned char *bytes = fixture->memory + ((RAM_PFN + page++) << FRAME_SHIFT);

		for (unsigned i = 0; i < 512; i++)
			bytes[i] = (unsigned char)pick(fixture, 256);
		temp_disk_remove(&fixture->temp);
		format(fixture, DEVICE_MIB * UINT64_C(1048576));
		super = save_of_boot(fixture, 1);
		large = count_used(fixture);
	}
	assert_in_range(large - small, 1, super.index_size);
}

/*
 * Of each chunk more than half stays, so that all of them do, and the changed pages come on top: on
 * a small device the image fits only by itself. Nonces go on where the first try ended.
 */
static void test_fits_by_itself(void **state)
{
	struct fixture *fixture = *state;
	struct image_super super;
	uint64_t used;

	for (uint64_t i = 0; i < (uint64_t)RAM_FRAMES << FRAME_SHIFT; i += 8) {
		uint64_t word = pick(fixture, UINT64_MAX);

		memcpy(fixture->memory + (RAM_PFN << FRAME_SHIFT) + i, &word, sizeof(word));
	}
	save(fixture);
	used = count_used(fixture);
	temp_disk_remove(&fixture->temp);
	format(fixture,
	       IMAGE_DATA_START + used + used / 16 / IMAGE_BLOCK * IMAGE_BLOCK + IMAGE_TAIL);
	fixture->job.free = &fixture->free;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(runs_add(&fixture->free, RAM_PFN + 9, 3), 0);
		super = *save(fixture);
		assert_int_equal(super.free_pages, 3);
		expect_image(fixture, &super, fixture->memory);
		if (i)
			assert_non_null(strstr(fixture->result.full, "does not fit"));
		for (uint64_t page = i; page < RAM_FRAMES; page += 3)
			for (unsigned k = 0; k < FRAME_SIZE; k += 16)
				fixture->memory[((RAM_PFN + page) << FRAME_SHIFT) + k] ^=
					(unsigned char)(1 + pick(fixture, 255));
	}
	assert_int_equal(super.reused_pages, 0);
}

/*
 * Into the place of an older image fits a new one, but for its index, for which the image behind
 * it has to go: the new one's chunks, whose lists are in the index by then, are not free.
 */
static void test_index_makes_room(void **state)
{
	struct fixture *fixture = *state;
	unsigned char *before = malloc(FAKE_SIZE), *after = malloc(FAKE_SIZE);
	struct image_super first, super;
	uint64_t small;

	assert_true(before && after);
	fixture->job.workers = 1; /* the same bytes each time */
	save_of_boot(fixture, 1);
	small = count_used(fixture);
	memcpy(before, fixture->memory, FAKE_SIZE);
	grow(fixture, small);
	memcpy(after, fixture->memory, FAKE_SIZE);

	temp_disk_remove(&fixture->temp);
	format(fixture, IMAGE_DATA_START + 2 * small + IMAGE_TAIL);
	memcpy(fixture->memory, before, FAKE_SIZE);
	first = save_of_boot(fixture, 1);
	save_of_boot(fixture, 2);
	discard(fixture, &first);
	memcpy(fixture->memory, after, FAKE_SIZE);
	super = save_of_boot(fixture, 3);
	super = read_super(fixture);
	assert_int_equal(image_super_count_images(&super), 1);
	expect_image(fixture, &super, fixture->memory);
	free(before);
	free(after);
}

/* Read amplification, and that no room leaks, over many saves of a machine at work. */
static void test_fifty_saves(void **state)
{
	struct fixture *fixture = *state;
	double worst = 0, last = 0;
	uint64_t full = save(fixture)->own_bytes, most = 0, used;
	struct image_super super;
	struct error err;

	fixture->policy.keep = 3;
	for (int i = 0; i < SAVES; i++) {
		run(fixture, 60);
		super = *save(fixture);
		assert_true(super.reused_pages > 0);
		assert_int_equal(super.deltas, i + 1);
		last = expect_image(fixture, &super, fixture->memory);
		worst = last > worst ? last : worst;
		used = count_used(fixture);
		most = used > most ? used : most;
	}
	printf("after %d saves %.2f pages are read for each, %.2f at worst; the device was used "
	       "for %.2f full images at most\n",
	       SAVES, last, worst, (double)most / (double)full);
	assert_true(worst < 2);
	assert_true(most < 3 * full);
	/* What the last one needs is all that is left when the others go. */
	for (unsigned i = 0; i < IMAGE_TABLE; i++)
		if (super.table[i].state && super.table[i].serial != super.serial)
			memset(&super.table[i], 0, sizeof(super.table[i]));
	assert_int_equal(image_super_write(&fixture->temp.disk, &super, &err), 0);
	assert_int_equal(count_used(fixture), super.device_bytes);
	image_super_clear(&super);
	assert_int_equal(image_super_write(&fixture->temp.disk, &super, &err), 0);
	assert_int_equal(count_used(fixture), 0);
}

static void test_how_long_they_stay(void **state)
{
	struct fixture *fixture = *state;
	struct image_super super;

	fixture->policy = (struct image_policy){ .keep = 10, .keep_for = 100 };
	for (int i = 0; i < 5; i++) {
		fixture->record.created = 1000 + 40 * (uint64_t)i;
		save(fixture);
	}
	super = read_super(fixture); /* of 1080, 1120 and 1160 */
	assert_int_equal(image_super_count_images(&super), 3);
	fixture->policy.keep = 2;
	fixture->job.kind = IMAGE_HIBERNATION;
	save(fixture);
	super = read_super(fixture);
	assert_int_equal(image_super_count_images(&super), 3);
	assert_int_equal(super.kind, IMAGE_HIBERNATION);
	fixture->policy.keep = 0;
	fixture->job.kind = IMAGE_CHECKPOINT;
	save(fixture);
	super = read_super(fixture);
	assert_int_equal(image_super_count_images(&super), 1);
	assert_int_equal(super.kind, IMAGE_CHECKPOINT);
	/* As many as the table holds, and one more. */
	fixture->policy = (struct image_policy){ .keep = 1000 };
	for (int i = 0; i < IMAGE_TABLE + 1; i++)
		save(fixture);
	super = read_super(fixture);
	assert_int_equal(image_super_count_images(&super), IMAGE_TABLE);
}

/* Where memory for lists is short, chunks are used as a whole or not at all. */
static void test_short_of_memory(void **state)
{
	struct fixture *fixture = *state;
	const struct image_super *super;
	struct image_index index = { 0 };
	struct error err;
	size_t parts = 0;

	save(fixture);
	run(fixture, 5);
	fixture->job.zero_runs = 4;
	super = save(fixture);
	expect_image(fixture, super, fixture->memory);
	assert_int_equal(image_index_read(&fixture->temp.disk, super, NULL, &index, &err), 0);
	for (size_t i = 0; i < index.chunk_count; i++)
		parts += index.chunks[i].pages != index.chunks[i].all_pages;
	assert_true(parts <= 3); /* one a worker before it is known */
	image_index_free(&index);
}

#define WITH_DEVICE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define SEALED(test)                                                                               \
	{                                                                                          \
#test " (sealed)", test, setup_sealed, teardown, NULL                              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEVICE(test_nothing_changed),
		WITH_DEVICE(test_every_image_is_whole),
		WITH_DEVICE(test_lists_change),
		WITH_DEVICE(test_doubts),
		WITH_DEVICE(test_damaged_base),
		WITH_DEVICE(test_base_with_a_frame_twice),
		WITH_DEVICE(test_base_of_many_chunks),
		WITH_DEVICE(test_base_with_a_damaged_chunk),
		SEALED(test_base_with_a_damaged_chunk),
		WITH_DEVICE(test_base_with_overlapping_chunks),
		WITH_DEVICE(test_little_room),
		WITH_DEVICE(test_index_makes_room),
		WITH_DEVICE(test_fits_by_itself),
		SEALED(test_fits_by_itself),
		WITH_DEVICE(test_fifty_saves),
		WITH_DEVICE(test_how_long_they_stay),
		WITH_DEVICE(test_short_of_memory),
		SEALED(test_nothing_changed),
		SEALED(test_every_image_is_whole),
		SEALED(test_lists_change),
		SEALED(test_little_room),
		SEALED(test_index_makes_room),
		SEALED(test_fifty_saves),
		SEALED(test_how_long_they_stay),
		SEALED(test_keys_of_those_before),
		SEALED(test_other_seals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
