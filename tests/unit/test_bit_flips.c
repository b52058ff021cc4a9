/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One bit of an image is another one: every bit of the superblocks with their tables, of the index
 * and, when it is sealed, of its envelope, and random ones of everything else. Reading it fails
 * with a message, or gives each page as it was saved, because the bit lies in one of two copies, or
 * in nothing that is read.
 *
 * usage: test_bit_flips [EVERY [RANDOM]]     every so many'th bit of the metadata (default 97)
 */
#include "fake-image.h"
#include "sealed-image.h"

static unsigned long every = 97, random_flips = 400;

struct tally {
	unsigned refused, whole;
};

/*
 * As a restore does it: superblock, index, all chunks. The chunks of KNOWN, if given, are not read:
 * a superblock with the same bytes names the same ones.
 */
static int read_image(const struct fake *fake, const struct disk *disk,
		      const struct image_super *known, struct error *err)
{
	struct fake_check check = { .fake = fake };
	const struct image_sink sink = { .take = fake_sink, .context = &check };
	struct image_index index = { .chunk_count = 0 };
	struct image_super super;
	int code = image_super_read(disk, &super, err);

	if (code)
		return code;
	if (known) {
		assert_memory_equal(&super, known, sizeof(super));
		return 0;
	}
	assert_int_equal(super.state, IMAGE_VALID);
	assert_int_equal(super.kind, IMAGE_HIBERNATION);
	code = image_index_read(disk, &super, fake->opener, &index, err);
	if (code)
		return code;
	assert_string_equal(index.machine.release, "6.12.0-fake");
	assert_int_equal(index.machine.entry, 0x123456);
	code = image_read_chunks(disk, &index, 1, &sink, err);
	if (!code) {
		assert_int_equal(check.pages, super.data_pages);
		assert_int_equal(runs_total(&index.ram), fake->frames);
	}
	image_index_free(&index);
	return code;
}

static void flip(const struct fake *fake, const struct temp_disk *temp,
		 const struct image_super *known, uint64_t bit, struct tally *result)
{
	struct error err = { 0 };
	int code;

	temp_disk_flip(temp, bit / 8, 1 << bit % 8);
	code = read_image(fake, &temp->disk, known, &err);
	temp_disk_flip(temp, bit / 8, 1 << bit % 8);
	if (code && (code == -EILSEQ || code != -err.code || !err.text[0]))
		fail_msg("bit %llu: %d, \"%s\"", (unsigned long long)bit, code, err.text);
	result->refused += code != 0;
	result->whole += !code;
}

static struct tally flip_all(const struct fake *fake, const struct temp_disk *temp,
			     const struct image_super *known, uint64_t offset, uint64_t size)
{
	struct tally result = { 0 };

	for (uint64_t bit = 0; bit < size * 8; bit += every)
		flip(fake, temp, known, offset * 8 + bit, &result);
	return result;
}

static const struct fake small = { .seed = 80, .frames = 60, .chunk_pages = 8 };

static void create(struct temp_disk *temp, struct image_super *super)
{
	struct error err;

	temp_disk_create(temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&temp->disk, "test", super, &err), 0);
	assert_int_equal(fake_write(&small, &temp->disk, IMAGE_HIBERNATION, 1, super, &err), 0);
}

static void bits_of_the_metadata(void **state)
{
	struct image_super super;
	struct temp_disk temp;
	struct tally of;

	(void)state;
	create(&temp, &super);
	/* One superblock, then the claim, which no copy counts without. */
	of = flip_all(&small, &temp, &super, IMAGE_SUPER0, sizeof(struct image_head));
	assert_true(of.whole && !of.refused);
	of = flip_all(&small, &temp, &super, IMAGE_SUPER0 + sizeof(struct image_head),
		      IMAGE_BLOCK - sizeof(struct image_head));
	assert_true(of.refused && !of.whole);
	of = flip_all(&small, &temp, &super, IMAGE_SUPER0 + IMAGE_BLOCK, sizeof(super.table));
	assert_true(of.whole && !of.refused);
	of = flip_all(&small, &temp, &super, IMAGE_SUPER1, IMAGE_BLOCK + sizeof(super.table));
	assert_true(of.whole && !of.refused);
	of = flip_all(&small, &temp, NULL, super.index[0].offset, super.index_size);
	assert_true(of.refused && !of.whole);
	temp_disk_remove(&temp);
}

/* What is in clear, and what is not: it is refused before a chunk is looked at. */
static void bits_of_a_sealed_index(void **state)
{
	struct sealed sealed;
	struct tally of;

	(void)state;
	assert_true(sealed_create(&sealed, &small, aead_best()));
	of = flip_all(&sealed.fake, &sealed.temp, NULL, sealed.super.index[0].offset,
		      sealed.super.envelope_size);
	assert_true(of.refused && !of.whole);
	of = flip_all(&sealed.fake, &sealed.temp, NULL,
		      sealed.super.index[0].offset + sealed.super.envelope_size,
		      sealed.super.index_size);
	assert_true(of.refused && !of.whole);
	sealed_remove(&sealed);
}

/* Digests, which only those read who build on the image, and who verify it. */
static void bits_of_the_digests(void **state)
{
	struct image_super super;
	struct temp_disk temp;
	struct error err;

	(void)state;
	create(&temp, &super);
	for (uint64_t bit = 0; bit < IMAGE_BLOCK * 8; bit += every) {
		uint64_t place = super.index[0].offset - IMAGE_BLOCK + bit / 8;

		temp_disk_flip(&temp, place, 1 << bit % 8);
		assert_int_equal(image_verify(&temp.disk, &super, NULL, 1, NULL, &err), -EUCLEAN);
		assert_non_null(strstr(err.text, "digests 0: "));
		temp_disk_flip(&temp, place, 1 << bit % 8);
	}
	fake_assert(&small, &temp.disk, IMAGE_VALID, 1);
	temp_disk_remove(&temp);
}

/* Chunks lie one behind the other from the start of the data area, then the digests, the index. */
static void bits_of_everything_else(void **state)
{
	uint64_t random_state = 81, chunks;
	struct tally in = { 0 }, elsewhere = { 0 };
	struct image_super super;
	struct temp_disk temp;

	(void)state;
	create(&temp, &super);
	chunks = super.device_bytes - super.index_size - IMAGE_BLOCK;
	assert_int_equal(super.index[0].offset, IMAGE_DATA_START + chunks + IMAGE_BLOCK);
	for (unsigned long i = 0; i < random_flips; i++) {
		uint64_t bit = fake_random(&random_state);
		uint64_t end = super.index[0].offset + super.index_size;
		uint64_t table = IMAGE_BLOCK + sizeof(super.table);

		switch (i % 4) {
		case 0:
			bit = table * 8 + bit % ((IMAGE_SUPER1 - table) * 8);
			flip(&small, &temp, NULL, bit, &elsewhere);
			break;
		case 1:
			bit = end * 8 + bit % ((IMAGE_MIN_SIZE - end) * 8);
			flip(&small, &temp, NULL, bit, &elsewhere);
			break;
		default:
			flip(&small, &temp, NULL, IMAGE_DATA_START * 8 + bit % (chunks * 8), &in);
		}
	}
	/* Every byte of the chunks, padding included, is checked; nothing else is read. */
	assert_true(in.refused && !in.whole);
	assert_true(elsewhere.whole && !elsewhere.refused);
	temp_disk_remove(&temp);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bits_of_the_metadata),
		cmocka_unit_test(bits_of_a_sealed_index),
		cmocka_unit_test(bits_of_the_digests),
		cmocka_unit_test(bits_of_everything_else),
	};

	if (argc > 1)
		every = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		random_flips = strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
