/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images that somebody damaged or forged, and devices that stop working at any moment. */
#include <errno.h>
#include <xxhash.h>

#include "common/safe.h"
#include "fake-image.h"

static const struct fake small = { .seed = 50, .frames = 60, .chunk_pages = 8 };

static void create(struct temp_disk *temp, const struct fake *fake, struct image_super *super)
{
	struct error err;

	temp_disk_create(temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&temp->disk, NULL, super, &err), 0);
	assert_int_equal(fake_write(fake, &temp->disk, IMAGE_CHECKPOINT, 1, super, &err), 0);
}

static void test_every_byte_of_the_index(void **state)
{
	struct image_index index = { .chunk_count = 0 };
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, &small, &super);
	for (uint64_t i = 0; i < super.index_size; i++) {
		temp_disk_flip(&temp, super.index[0].offset + i, 1 << i % 8);
		assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err),
				 -EUCLEAN);
		temp_disk_flip(&temp, super.index[0].offset + i, 1 << i % 8);
	}
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
	image_index_free(&index);
	temp_disk_remove(&temp);
}

static void test_bytes_of_a_chunk(void **state)
{
	struct image_index index = { .chunk_count = 0 };
	struct fake_check check = { .fake = &small };
	struct image_chunk *chunk;
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, &small, &super);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
	chunk = &index.chunks[1];
	for (uint64_t i = 0; i < safe_round_up(chunk->stored, IMAGE_BLOCK); i += 61) {
		temp_disk_flip(&temp, chunk->offset + i, 0x80);
		assert_int_equal(image_read_chunks(&temp.disk, &index, 1,
						   &(struct image_sink){ .take = fake_sink,
									 .context = &check },
						   &err),
				 -EUCLEAN);
		temp_disk_flip(&temp, chunk->offset + i, 0x80);
	}
	/* Right bytes as stored, but wrong pages: the second checksum. */
	chunk->page_hash ^= 1;
	assert_int_equal(
		image_read_chunks(&temp.disk, &index, 2,
				  &(struct image_sink){ .take = fake_sink, .context = &check },
				  &err),
		-EUCLEAN);
	assert_string_equal(err.text, "chunk 1: checksum of the pages is wrong");
	/* That is left to a sink which checks them itself. */
	assert_int_equal(image_read_chunks(&temp.disk, &index, 2,
					   &(struct image_sink){ .take = fake_sink,
								 .context = &check,
								 .checks_pages = true },
					   &err),
			 0);
	image_index_free(&index);
	temp_disk_remove(&temp);
}

/* Make all digests right again for what the index says now. */
static void forge(const struct temp_disk *temp, unsigned char *bytes, struct image_super *super)
{
	struct image_index_header header;

	memcpy(&header, bytes, sizeof(header));
	for (int i = 0; i < SECTION_MAX; i++) {
		struct image_section_entry *section = &header.sections[i];
		uint64_t padded = safe_round_up(section->size & INT32_MAX, IMAGE_BLOCK);

		if (section->size && safe_within(section->offset, padded, super->index_size))
			section->crc = crc32c(0, bytes + section->offset, padded);
	}
	header.crc = 0;
	header.crc = crc32c(0, &header, sizeof(header));
	memcpy(bytes, &header, sizeof(header));
	super->index_xxh3 = XXH3_64bits(bytes, super->index_size);
	temp_disk_write(temp, super->index[0].offset, bytes, super->index_size);
}

/* A forged index may say anything; it is refused or harmless. */
static void read_all(const struct temp_disk *temp, const struct image_super *super, int *good)
{
	struct image_index index = { .chunk_count = 0 };
	struct fake_check check = { .fake = &small };
	struct error err = { .code = 0 };
	int code = image_index_read(&temp->disk, super, NULL, &index, &err);

	if (code) {
		assert_int_equal(code, -err.code);
		assert_true(err.text[0]);
		return;
	}
	code = image_read_chunks(&temp->disk, &index, 1,
				 &(struct image_sink){ .take = fake_sink, .context = &check },
				 &err);
	*good += !code;
	image_index_free(&index);
}

static void test_forged_index(void **state)
{
	static const uint64_t values[] = {
		0,     1,	  7,	      255,	  256,	      257,	 4095,	    4096,
		65536, INT32_MAX, UINT32_MAX, 1ULL << 40, 1ULL << 52, INT64_MAX, UINT64_MAX
	};
	unsigned char *original, *bytes;
	uint64_t random_state = 51;
	struct image_super super;
	struct temp_disk temp;
	int good = 0;

	(void)state;
	create(&temp, &small, &super);
	original = malloc(super.index_size);
	bytes = malloc(super.index_size);
	temp_disk_read(&temp, super.index[0].offset, original, super.index_size);
	for (int round = 0; round < 3000; round++) {
		/* Records begin each section: that is where the interesting bytes are. */
		uint64_t block = fake_random(&random_state) % (super.index_size / IMAGE_BLOCK);
		uint64_t word = fake_random(&random_state) % (round % 2 ? 16 : 80);
		uint64_t value = values[fake_random(&random_state) % 15];

		memcpy(bytes, original, super.index_size);
		if (round % 3 == 0)
			bytes[block * IMAGE_BLOCK + word * 8] ^= 1 << round % 8;
		else
			memcpy(bytes + block * IMAGE_BLOCK + word * 8 + round % 3 / 2 * 4, &value,
			       round % 3 == 1 ? 8 : 4);
		forge(&temp, bytes, &super);
		read_all(&temp, &super, &good);
	}
	/* Most of it must have been refused, and what changes nothing must not. */
	assert_in_range(good, 1, 1500);
	free(original);
	free(bytes);
	temp_disk_remove(&temp);
}

/* No memory is taken because a superblock says so: here it says 64 TiB. */
static void test_forged_index_size(void **state)
{
	const uint64_t size = UINT64_C(1) << 46;
	struct image_index index = { .chunk_count = 0 };
	struct image_super super, read;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, &small, &super);
	assert_int_equal(ftruncate(temp.fd, (off_t)(2 * size)), 0);
	temp.disk.size = 2 * size;
	super.device_size = 2 * size;
	super.index[0] = (struct image_extent){ IMAGE_DATA_START, size };
	super.index_size = size;
	assert_int_equal(image_super_write(&temp.disk, &super, &err), 0);
	assert_int_equal(image_super_read(&temp.disk, &read, &err), 0);
	assert_int_equal(image_index_read(&temp.disk, &read, NULL, &index, &err), -EUCLEAN);
	assert_string_equal(err.text, "index damaged: larger than so many pages can need");
	/* With numbers of pages that fit to it. */
	for (int i = 0; i < 2; i++) {
		read.ram_pages = i ? UINT64_MAX : UINT64_C(1) << 42;
		assert_int_equal(image_index_read(&temp.disk, &read, NULL, &index, &err), -ENOMEM);
		assert_string_equal(err.text, "index of 67108864 MiB: more than half of this "
					      "machine's memory");
	}
	temp_disk_remove(&temp);
}

static void test_chunks_elsewhere(void **state)
{
	struct image_index index = { .chunk_count = 0 };
	struct image_super super;
	struct temp_disk temp;
	struct error err;
	void *bytes;

	(void)state;
	create(&temp, &small, &super);
	/* Two chunks at the same place, each whole in itself: only verify can tell. */
	bytes = malloc(super.index_size);
	temp_disk_read(&temp, super.index[0].offset, bytes, super.index_size);
	{
		struct image_index_header *header = bytes;
		struct image_chunk *chunks =
			(void *)((char *)bytes + header->sections[SECTION_CHUNKS].offset);

		super.stored_bytes += chunks[0].stored;
		super.stored_bytes -= chunks[1].stored;
		super.device_bytes += safe_round_up(chunks[0].stored, IMAGE_BLOCK);
		super.device_bytes -= safe_round_up(chunks[1].stored, IMAGE_BLOCK);
		chunks[1].offset = chunks[0].offset;
		chunks[1].stored = chunks[0].stored;
		chunks[1].stored_hash = chunks[0].stored_hash;
	}
	forge(&temp, bytes, &super);
	assert_int_equal(image_super_write(&temp.disk, &super, &err), 0);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
	assert_int_equal(image_verify(&temp.disk, &super, NULL, 1, NULL, &err), -EUCLEAN);
	assert_non_null(strstr(err.text, "overlap"));
	image_index_free(&index);
	free(bytes);
	temp_disk_remove(&temp);
}

static void test_truncated_device(void **state)
{
	struct image_index index = { .chunk_count = 0 };
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, &small, &super);
	temp.disk.size = super.index[0].offset + 4096;
	assert_int_equal(image_super_read(&temp.disk, &super, &err), -EUCLEAN);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), -ENOSPC);
	assert_true(image_verify(&temp.disk, &super, NULL, 1, NULL, &err) < 0);
	temp.disk.size = IMAGE_MIN_SIZE;
	assert_int_equal(image_verify(&temp.disk, &super, NULL, 1, NULL, &err), 0);
	/* The file lost its end, the struct does not know it. */
	assert_int_equal(ftruncate(temp.fd, super.index[0].offset + 4096), 0);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), -EIO);
	temp_disk_remove(&temp);
}

/* --- power cuts and failing disks --- */

struct cut {
	struct temp_disk *temp;
	void *durable; /* what the last flush made sure of */
	int left;      /* operations that still work */
	bool keep;     /* does what was written since the last flush survive? */
};

static int cut_power(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	struct cut *cut = context;

	(void)offset, (void)size;
	if (operation == DISK_OP_READ)
		return 0;
	if (cut->left-- <= 0)
		return EIO;
	if (operation == DISK_OP_FLUSH && !cut->keep)
		temp_disk_read(cut->temp, 0, cut->durable, cut->temp->disk.size);
	return 0;
}

static bool is_whole(const struct fake *fake, const struct temp_disk *temp, uint32_t state)
{
	struct image_super super;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
	if (super.ram_pages != fake->frames || super.state != state)
		return false;
	/* The copies of the superblock may differ now; the next write mends that. */
	assert_int_equal(image_super_write(&temp->disk, &super, &err), 0);
	fake_assert(fake, &temp->disk, state, 1);
	return true;
}

/*
 * After each number of operations the power goes, and with it what was not flushed yet, or not.
 * There is always one whole image: the old or the new one.
 */
static void test_power_cuts(void **state)
{
	const struct fake old = { .seed = 60, .frames = 90, .chunk_pages = 32 };
	const struct fake new = { .seed = 61, .frames = 110, .chunk_pages = 32 };
	int done[2] = { 0, 0 };
	struct image_super super;
	struct temp_disk temp;
	struct error err;
	void *before;

	(void)state;
	create(&temp, &old, &super);
	before = temp_disk_save(&temp);
	for (int keep = 0; keep < 2; keep++) {
		struct cut cut = { .temp = &temp, .keep = keep };
		int count = 0, code;

		cut.durable = malloc(temp.disk.size);
		do {
			temp_disk_load(&temp, before);
			memcpy(cut.durable, before, temp.disk.size);
			cut.left = count++;
			temp.disk.fault = cut_power;
			temp.disk.fault_context = &cut;
			code = fake_write(&new, &temp.disk, IMAGE_CHECKPOINT, 1, &super, &err);
			temp.disk.fault = NULL;
			if (code && !keep)
				temp_disk_load(&temp, cut.durable);
			if (is_whole(&new, &temp, IMAGE_VALID))
				done[keep]++;
			else
				assert_true(!!code && is_whole(&old, &temp, IMAGE_VALID));
		} while (code);
		assert_true(count > 6);
		free(cut.durable);
	}
	/* The new one counts from the first copy of the superblock on. */
	assert_true(done[0] >= 2 && done[1] >= 3);
	free(before);
	temp_disk_remove(&temp);
}

struct broken {
	uint64_t offset;
	int count;
};

static int break_once(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	struct broken *broken = context;

	(void)size;
	return operation == DISK_OP_WRITE && offset == broken->offset && broken->count-- > 0 ? EIO
											     : 0;
}

/* The commit fails between the copies, the disk recovers: no image that nobody knows of. */
static void test_failed_commit_is_taken_back(void **state)
{
	const struct fake old = { .seed = 62, .frames = 90, .chunk_pages = 32 };
	const struct fake new = { .seed = 63, .frames = 110, .chunk_pages = 32 };
	struct broken broken = { .offset = IMAGE_SUPER0, .count = 1 };
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, &old, &super);
	temp.disk.fault = break_once;
	temp.disk.fault_context = &broken;
	assert_int_equal(fake_write(&new, &temp.disk, IMAGE_HIBERNATION, 1, &super, &err), -EIO);
	temp.disk.fault = NULL;
	fake_assert(&old, &temp.disk, IMAGE_VALID, 1);

	/* And when it does not recover, the message says so. */
	broken.count = 100;
	temp.disk.fault = break_once;
	assert_int_equal(fake_write(&new, &temp.disk, IMAGE_HIBERNATION, 1, &super, &err), -EIO);
	assert_non_null(strstr(err.text, "looks valid"));
	temp.disk.fault = NULL;
	temp_disk_remove(&temp);
}

/* A chunk that cannot be written: every thread fails, and so does the commit. */
static void test_write_error(void **state)
{
	const struct fake fake = { .seed = 64, .frames = 2000, .chunk_pages = 4 };
	struct broken broken = { .offset = IMAGE_DATA_START, .count = 1 };
	struct image_super super;
	struct image_writer *writer;
	struct image_index index;
	struct temp_disk temp;
	struct runs data;
	struct error err;

	(void)state;
	temp_disk_create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&temp.disk, NULL, &super, &err), 0);
	temp.disk.fault = break_once;
	temp.disk.fault_context = &broken;
	fake_index(&fake, &index, &data);
	assert_int_equal(image_writer_open(&temp.disk, &writer, &err), 0);
	assert_int_equal(fake_write_chunks(&fake, writer, &data, 4), -EIO);
	assert_int_equal(image_writer_commit(writer, &index, IMAGE_CHECKPOINT, &super, &err), -EIO);
	image_writer_free(writer);
	image_index_free(&index);
	runs_free(&data);
	assert_int_equal(image_super_read(&temp.disk, &super, &err), 0);
	assert_int_equal(super.state, IMAGE_EMPTY);
	temp_disk_remove(&temp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_of_the_index),
		cmocka_unit_test(test_bytes_of_a_chunk),
		cmocka_unit_test(test_forged_index),
		cmocka_unit_test(test_forged_index_size),
		cmocka_unit_test(test_chunks_elsewhere),
		cmocka_unit_test(test_truncated_device),
		cmocka_unit_test(test_power_cuts),
		cmocka_unit_test(test_failed_commit_is_taken_back),
		cmocka_unit_test(test_write_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
