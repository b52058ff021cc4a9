/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images on a device: round trips, their room, and what a writer leaves behind when it fails. */
#include <errno.h>
#include <time.h>

#include "common/pagehash.h"
#include "fake-image.h"

#define MIB 1048576ULL

static void create(struct temp_disk *temp, uint64_t size)
{
	struct image_super super;
	struct error err;

	temp_disk_create(temp, size);
	assert_int_equal(image_format(&temp->disk, NULL, &super, &err), 0);
}

static void write_one(const struct fake *fake, const struct temp_disk *temp, uint32_t kind)
{
	struct image_super super;
	struct error err;

	if (fake_write(fake, &temp->disk, kind, 2, &super, &err))
		fail_msg("%s", err.text);
}

static void test_round_trip(void **state)
{
	static const struct fake cases[] = {
		{ .seed = 1, .frames = 3000, .chunk_pages = 256 },
		{ .seed = 2, .frames = 700, .chunk_pages = 1 },
		{ .seed = 3, .frames = 1000, .chunk_pages = 37 },
		{ .seed = 4, .frames = 1024, .chunk_pages = 256, .incompressible = true },
		{ .seed = 5, .frames = 2, .chunk_pages = 5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned threads = 1; threads <= 4; threads += 3) {
			struct temp_disk temp;
			struct image_super super;
			struct error err;

			create(&temp, IMAGE_MIN_SIZE);
			assert_int_equal(fake_write(&cases[i], &temp.disk, IMAGE_HIBERNATION,
						    threads, &super, &err),
					 0);
			assert_int_equal(super.kind, IMAGE_HIBERNATION);
			assert_int_equal(super.attempts, 0);
			assert_string_equal(super.release, "6.12.0-fake");
			if (cases[i].incompressible)
				assert_int_equal(super.stored_bytes, 1024 * FRAME_SIZE);
			else if (cases[i].chunk_pages > 1 && cases[i].frames > 2)
				assert_true(super.stored_bytes < super.data_pages * FRAME_SIZE);
			fake_assert(&cases[i], &temp.disk, IMAGE_VALID, threads);
			fake_assert(&cases[i], &temp.disk, IMAGE_VALID, 0);
			temp_disk_remove(&temp);
		}
}

static void test_index_comes_back(void **state)
{
	const struct fake fake = { .seed = 6, .frames = 500, .chunk_pages = 100 };
	struct image_index index = { .chunk_count = 0 };
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(fake_write(&fake, &temp.disk, IMAGE_CHECKPOINT, 1, &super, &err), 0);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
	assert_int_equal(index.machine.entry, 0x123456);
	assert_int_equal(index.firmware_count, 2);
	assert_int_equal(index.firmware[1].start, 65536);
	assert_int_equal(index.watch_count, 1);
	assert_string_equal(index.watch[0].extent.tag, "PARTUUID=0815");
	assert_string_equal(index.vmcoreinfo, "OSRELEASE=6.12.0-fake\n");
	assert_int_equal(index.pci_count, 2);
	assert_int_equal(index.pci[1].vendor, 0x8086);
	assert_string_equal(index.pci[1].driver, "ahci");
	assert_int_equal(index.disk_count, 1);
	assert_int_equal(index.disks[0].flags, DISK_IN_USE);
	assert_string_equal(index.disks[0].place, "0000:00:03.0/virtio");
	assert_int_equal(index.efi_count, 1);
	assert_int_equal(index.efi[0].pages, 48);
	image_index_free(&index);
	temp_disk_remove(&temp);
}

static void test_machine_without_data(void **state)
{
	struct image_index index = { .machine.entry = 1 };
	struct image_writer *writer;
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_writer_open(&temp.disk, &writer, &err), 0);
	assert_int_equal(runs_add(&index.ram, 0, 100), 0);
	assert_int_equal(runs_add(&index.zero, 0, 100), 0);
	assert_int_equal(image_writer_commit(writer, &index, IMAGE_CHECKPOINT, &super, &err), 0);
	image_writer_free(writer);
	image_index_free(&index);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
	assert_int_equal(index.chunk_count, 0);
	assert_int_equal(runs_total(&index.zero), 100);
	assert_int_equal(image_verify(&temp.disk, &super, NULL, 2, NULL, &err), 0);
	image_index_free(&index);
	temp_disk_remove(&temp);
}

/* Five MiB each where there are 14: the third one takes the room of the first, and so on. */
static void test_oldest_makes_room(void **state)
{
	struct fake fake = { .frames = 1250, .chunk_pages = 100, .incompressible = true };
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, IMAGE_MIN_SIZE);
	for (int i = 0; i < 8; i++) {
		fake.seed = 10 + i;
		write_one(&fake, &temp, IMAGE_CHECKPOINT);
		fake_assert(&fake, &temp.disk, IMAGE_VALID, 2);
		assert_int_equal(image_super_read(&temp.disk, &super, &err), 0);
		assert_int_equal(super.serial, i + 1);
		assert_int_equal(image_super_count_images(&super), i ? 2 : 1);
		if (!i)
			continue;
		/* The one before is there still. */
		for (unsigned k = 0; k < IMAGE_TABLE; k++)
			if (super.table[k].serial == (uint64_t)i)
				image_super_take(&super, k);
		assert_int_equal(super.serial, i);
		assert_int_equal(image_verify(&temp.disk, &super, NULL, 1, NULL, &err), 0);
	}
	temp_disk_remove(&temp);
}

static void test_abort_keeps_present(void **state)
{
	const struct fake first = { .seed = 20, .frames = 1000, .chunk_pages = 256 };
	const struct fake second = { .seed = 21, .frames = 1000, .chunk_pages = 256 };
	struct image_writer *writer;
	struct image_index index;
	struct temp_disk temp;
	struct runs data;
	struct error err;

	(void)state;
	create(&temp, IMAGE_MIN_SIZE);
	write_one(&first, &temp, IMAGE_CHECKPOINT);
	fake_index(&second, &index, &data);
	assert_int_equal(image_writer_open(&temp.disk, &writer, &err), 0);
	assert_int_equal(fake_write_chunks(&second, writer, &data, 2), 0);
	assert_true(image_writer_bytes(writer) > MIB / 2);
	image_writer_free(writer);
	image_index_free(&index);
	runs_free(&data);
	fake_assert(&first, &temp.disk, IMAGE_VALID, 2);
	write_one(&second, &temp, IMAGE_CHECKPOINT);
	fake_assert(&second, &temp.disk, IMAGE_VALID, 2);
	temp_disk_remove(&temp);
}

/* A running machine makes its hibernation image stale at once, readable until it is overwritten. */
static void test_hibernation_becomes_stale(void **state)
{
	static const uint32_t states[] = { IMAGE_VALID, IMAGE_HANDED_OVER, IMAGE_RESTORED };
	const struct fake fake = { .seed = 22, .frames = 1000, .chunk_pages = 256 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		bool stays = states[i] == IMAGE_RESTORED;
		struct image_writer *writer;
		struct image_super super;
		struct temp_disk temp;
		struct error err;

		create(&temp, IMAGE_MIN_SIZE);
		write_one(&fake, &temp, IMAGE_HIBERNATION);
		assert_int_equal(image_super_read(&temp.disk, &super, &err), 0);
		super.state = states[i];
		assert_int_equal(image_super_write(&temp.disk, &super, &err), 0);
		assert_int_equal(image_writer_open(&temp.disk, &writer, &err), 0);
		image_writer_free(writer);
		fake_assert(&fake, &temp.disk, stays ? IMAGE_RESTORED : IMAGE_STALE, 2);
		temp_disk_remove(&temp);
	}
}

/* What makes room is gone from the table before a byte of it is overwritten. */
static void test_overwritten_is_gone(void **state)
{
	const struct fake first = {
		.seed = 23, .frames = 2000, .chunk_pages = 256, .incompressible = true
	};
	const struct fake second = {
		.seed = 24, .frames = 2000, .chunk_pages = 256, .incompressible = true
	};
	struct image_writer *writer;
	struct image_index index;
	struct image_super super;
	struct temp_disk temp;
	struct runs data;
	struct error err;

	(void)state;
	create(&temp, IMAGE_MIN_SIZE);
	write_one(&first, &temp, IMAGE_CHECKPOINT);
	fake_index(&second, &index, &data);
	assert_int_equal(image_writer_open(&temp.disk, &writer, &err), 0);
	assert_int_equal(fake_write_chunks(&second, writer, &data, 2), 0);
	assert_int_equal(image_super_read(&temp.disk, &super, &err), 0);
	assert_int_equal(super.state, IMAGE_EMPTY);
	assert_int_equal(image_writer_commit(writer, &index, IMAGE_CHECKPOINT, &super, &err), 0);
	fake_assert(&second, &temp.disk, IMAGE_VALID, 2);
	image_writer_free(writer);
	image_index_free(&index);
	runs_free(&data);
	temp_disk_remove(&temp);
}

static void test_device_full(void **state)
{
	const struct fake fits = { .seed = 30, .frames = 500, .chunk_pages = 256 };
	const struct fake full = {
		.seed = 31, .frames = 4000, .chunk_pages = 16, .incompressible = true
	};
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(fake_write(&full, &temp.disk, IMAGE_HIBERNATION, 2, &super, &err),
			 -ENOSPC);
	assert_int_equal(image_super_read(&temp.disk, &super, &err), 0);
	assert_int_equal(super.state, IMAGE_EMPTY);

	/* It does fit in no case, but the present image was in the way first. */
	write_one(&fits, &temp, IMAGE_CHECKPOINT);
	assert_int_equal(fake_write(&full, &temp.disk, IMAGE_HIBERNATION, 2, &super, &err),
			 -ENOSPC);
	assert_int_equal(image_super_read(&temp.disk, &super, &err), 0);
	assert_int_equal(super.state, IMAGE_EMPTY);
	write_one(&fits, &temp, IMAGE_CHECKPOINT);
	fake_assert(&fits, &temp.disk, IMAGE_VALID, 2);
	temp_disk_remove(&temp);
}

/* Indexes that break the accounting rule are not committed. */
static void test_commit_checks_accounting(void **state)
{
	static const struct {
		const char *cause;
		struct run zero, free;
	} cases[] = {
		{ "listed twice", { 0, 60 }, { 50, 40 } },
		{ "accounted for", { 0, 50 }, { 51, 49 } },
		{ "not RAM", { 0, 50 }, { 51, 50 } },
		{ "no machine", { 0, 50 }, { 50, 50 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image_index index = { .machine.entry = 1 };
		struct image_super before, super;
		struct image_writer *writer;
		struct temp_disk temp;
		struct error err;

		create(&temp, IMAGE_MIN_SIZE);
		assert_int_equal(image_super_read(&temp.disk, &before, &err), 0);
		assert_int_equal(image_writer_open(&temp.disk, &writer, &err), 0);
		assert_int_equal(runs_add(&index.ram, 0, 100), 0);
		assert_int_equal(runs_add(&index.zero, cases[i].zero.pfn, cases[i].zero.count), 0);
		assert_int_equal(runs_add(&index.free, cases[i].free.pfn, cases[i].free.count), 0);
		if (i == 3) {
			index.machine.fill = FILL_POISON + 1;
			assert_int_equal(image_index_check(&index, &err), 0);
		} else {
			assert_int_equal(image_index_check(&index, &err), -EUCLEAN);
			assert_non_null(strstr(err.text, cases[i].cause));
		}
		assert_int_equal(
			image_writer_commit(writer, &index, IMAGE_CHECKPOINT, &super, &err),
			-EUCLEAN);
		/* Nor a second time. */
		assert_true(image_writer_commit(writer, &index, IMAGE_CHECKPOINT, &super, &err) <
			    0);
		image_writer_free(writer);
		image_index_free(&index);
		assert_int_equal(image_super_read(&temp.disk, &super, &err), 0);
		assert_memory_equal(&super, &before, sizeof(super));
		temp_disk_remove(&temp);
	}
}

/* Lists of nothing, and a list of frames where no RAM is; and no walk over a forged machine's. */
static void test_accounting_at_the_edges(void **state)
{
	struct image_index index = { .chunk_count = 0 };
	struct error err;

	(void)state;
	assert_int_equal(image_index_check(&index, &err), 0);
	assert_int_equal(runs_add(&index.zero, 5, 1), 0);
	assert_int_equal(image_index_check(&index, &err), -EUCLEAN);
	/* Bits of many windows, and of parts of words. */
	runs_free(&index.zero);
	for (uint64_t pfn = 3; pfn < UINT64_C(1) << 28; pfn += (UINT64_C(1) << 23) + 77) {
		assert_int_equal(runs_add(&index.ram, pfn, 200), 0);
		assert_int_equal(runs_add(&index.zero, pfn, 130), 0);
		assert_int_equal(runs_add(&index.free, pfn + 130, 70), 0);
	}
	assert_int_equal(image_index_check(&index, &err), 0);
	index.zero.v[17].pfn++;
	assert_int_equal(image_index_check(&index, &err), -EUCLEAN);
	assert_non_null(strstr(err.text, "1 pages are listed twice"));
	index.zero.v[17].count--;
	assert_int_equal(image_index_check(&index, &err), -EUCLEAN);
	assert_non_null(strstr(err.text, "accounted for"));
	image_index_free(&index);
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(runs_add(&index.ram, 0, i + (UINT64_C(1) << 34)), 0);
		assert_int_equal(runs_add(&index.zero, 0, i + (UINT64_C(1) << 34)), 0);
		assert_int_equal(image_index_check(&index, &err), i ? -EUCLEAN : 0);
		image_index_free(&index);
	}
	assert_non_null(strstr(err.text, "than any machine has"));
}

/* RAM in many places far from each other, each frame in a run of its own: looked at once. */
static void test_accounting_takes_no_time(void **state)
{
	struct image_index index = { .chunk_count = 0 };
	struct runs *const lists[] = { &index.zero, &index.data };
	struct error err;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		clock_t start = clock();

		for (uint64_t i = 0; i < 4090; i++) {
			assert_int_equal(runs_add(&index.ram, i << 25, 489), 0);
			for (uint64_t pfn = i << 25; pfn < (i << 25) + 489; pfn++)
				assert_int_equal(runs_append(lists[k], pfn, 1), 0);
		}
		assert_int_equal(image_index_check(&index, &err), 0);
		lists[k]->v[lists[k]->n / 3].pfn--;
		assert_int_equal(image_index_check(&index, &err), -EUCLEAN);
		assert_string_equal(err.text, "1 pages are listed twice");
		image_index_free(&index);
		assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	}
}

/* Data is in no order, and its runs need not end where RAM's ranges do. */
static void shuffle(struct runs *runs, uint64_t *random)
{
	for (size_t i = runs->n; i > 1; i--) {
		size_t other = fake_random(random) % i;
		struct run run = runs->v[other];

		runs->v[other] = runs->v[i - 1];
		runs->v[i - 1] = run;
	}
}

/* So many FRAMES in ranges of any length, each frame in one of the lists. */
static void make_lists(struct image_index *index, uint64_t frames, uint64_t longest,
		       uint64_t *random)
{
	struct runs *const lists[] = { &index->data, &index->zero, &index->free,
				       &index->untouchable, &index->home };

	for (uint64_t pfn = 5, end = 5; frames; frames -= end - pfn, pfn = end) {
		/* Some ranges lie next to each other. */
		pfn += fake_random(random) % 3 * (fake_random(random) >> 38);
		end = pfn + 1 + fake_random(random) % longest;
		end = end - pfn < frames ? end : pfn + frames;
		assert_int_equal(runs_append(&index->ram, pfn, end - pfn), 0);
		for (uint64_t at = pfn, count; at < end; at += count) {
			count = 1 + fake_random(random) % (longest / 4);
			count = count < end - at ? count : end - at;
			assert_int_equal(runs_append(lists[fake_random(random) % 5], at, count), 0);
		}
	}
	shuffle(&index->data, random);
}

/* Over several windows, whichever frame goes astray. */
static void test_accounting_of_any_machine(void **state)
{
	uint64_t random = 91;
	struct error err;

	(void)state;
	for (int round = 0; round < 24; round++) {
		struct image_index index = { .chunk_count = 0 };
		struct runs *list = round % 2 ? &index.data : &index.zero;
		struct run *run;

		if (round % 4)
			make_lists(&index, 1 << 20, 1 << (5 + round % 13), &random);
		else
			make_lists(&index, 1 << 26, 1 << 16, &random);
		assert_int_equal(image_index_check(&index, &err), 0);
		assert_true(list->n);
		run = &list->v[fake_random(&random) % list->n];
		run->pfn++;
		assert_int_equal(image_index_check(&index, &err), -EUCLEAN);
		run->pfn += UINT64_C(1) << 50;
		assert_int_equal(image_index_check(&index, &err), -EUCLEAN);
		assert_string_equal(err.text, "pages are listed that are not RAM");
		image_index_free(&index);
	}
}

static void test_frame_in_two_chunks(void **state)
{
	unsigned char *page = calloc(1, FRAME_SIZE);
	struct image_scratch *scratch = image_scratch_create(-3);
	struct image_index index = { .machine.entry = 1 };
	struct runs runs = { .n = 0 };
	struct image_writer *writer;
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_writer_open(&temp.disk, &writer, &err), 0);
	assert_int_equal(runs_add(&runs, 7, 1), 0);
	/* Counts that disagree are refused before anything is written. */
	assert_int_equal(image_writer_chunk(writer, scratch, page, 2, &runs, &err), -EINVAL);
	assert_int_equal(image_writer_chunk(writer, scratch, page, 0, &runs, &err), -EINVAL);
	assert_int_equal(image_writer_bytes(writer), 0);
	assert_int_equal(image_writer_chunk(writer, scratch, page, 1, &runs, &err), 0);
	assert_int_equal(image_writer_chunk(writer, scratch, page, 1, &runs, &err), 0);
	assert_int_equal(runs_add(&index.ram, 7, 2), 0);
	assert_int_equal(image_writer_commit(writer, &index, IMAGE_CHECKPOINT, &super, &err),
			 -EUCLEAN);
	assert_non_null(strstr(err.text, "1 pages are listed twice"));
	image_writer_free(writer);
	image_scratch_free(scratch);
	image_index_free(&index);
	runs_free(&runs);
	free(page);
	temp_disk_remove(&temp);
}

static int refuse(void *context, size_t number, const struct image_chunk *chunk,
		  const struct run *runs, const void *pages, struct error *err)
{
	(void)chunk, (void)runs, (void)pages;
	atomic_fetch_add((atomic_uint *)context, 1);
	return number == 3 ? error_set(err, ENOTTY, "not this one") : 0;
}

static void test_sink_stops_the_reader(void **state)
{
	const struct fake fake = { .seed = 40, .frames = 1000, .chunk_pages = 1 };
	struct image_index index = { .chunk_count = 0 };
	struct image_super super;
	struct temp_disk temp;
	atomic_uint calls = 0;
	struct error err;

	(void)state;
	create(&temp, IMAGE_MIN_SIZE);
	write_one(&fake, &temp, IMAGE_CHECKPOINT);
	assert_int_equal(image_super_read(&temp.disk, &super, &err), 0);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
	assert_int_equal(
		image_read_chunks(&temp.disk, &index, 1,
				  &(struct image_sink){ .take = refuse, .context = &calls }, &err),
		-ENOTTY);
	assert_string_equal(err.text, "chunk 3: not this one");
	assert_int_equal(calls, 4);
	image_index_free(&index);
	temp_disk_remove(&temp);
}

/* Room for every other chunk. */
struct places {
	unsigned char *bytes;
	atomic_uint there, elsewhere;
};

static void *every_other(void *context, size_t number, const struct image_chunk *chunk)
{
	struct places *places = context;

	(void)chunk;
	return number % 2 ? NULL : places->bytes + number * FRAME_SIZE;
}

static int note_place(void *context, size_t number, const struct image_chunk *chunk,
		      const struct run *runs, const void *pages, struct error *err)
{
	struct places *places = context;
	bool there = pages == places->bytes + number * FRAME_SIZE;

	(void)runs, (void)err;
	assert_int_equal(page_hash(0, pages, chunk->pages), chunk->page_hash);
	atomic_fetch_add(there ? &places->there : &places->elsewhere, 1);
	return 0;
}

static void test_sink_gives_room(void **state)
{
	const struct fake fake = { .seed = 41, .frames = 1000, .chunk_pages = 1 };
	struct image_index index = { .chunk_count = 0 };
	struct places places = { .bytes = NULL };
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, IMAGE_MIN_SIZE);
	write_one(&fake, &temp, IMAGE_CHECKPOINT);
	assert_int_equal(image_super_read(&temp.disk, &super, &err), 0);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
	places.bytes = calloc(index.chunk_count, FRAME_SIZE);
	assert_non_null(places.bytes);
	assert_int_equal(image_read_chunks(&temp.disk, &index, 2,
					   &(struct image_sink){ .take = note_place,
								 .room = every_other,
								 .context = &places },
					   &err),
			 0);
	assert_int_equal(places.there, (index.chunk_count + 1) / 2);
	assert_int_equal(places.elsewhere, index.chunk_count / 2);
	free(places.bytes);
	image_index_free(&index);
	temp_disk_remove(&temp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_index_comes_back),
		cmocka_unit_test(test_machine_without_data),
		cmocka_unit_test(test_oldest_makes_room),
		cmocka_unit_test(test_abort_keeps_present),
		cmocka_unit_test(test_hibernation_becomes_stale),
		cmocka_unit_test(test_overwritten_is_gone),
		cmocka_unit_test(test_device_full),
		cmocka_unit_test(test_commit_checks_accounting),
		cmocka_unit_test(test_accounting_at_the_edges),
		cmocka_unit_test(test_accounting_takes_no_time),
		cmocka_unit_test(test_accounting_of_any_machine),
		cmocka_unit_test(test_frame_in_two_chunks),
		cmocka_unit_test(test_sink_stops_the_reader),
		cmocka_unit_test(test_sink_gives_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
