/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealed images: who reads them, what nobody sees, and how each way to change them is refused. */
#include <errno.h>

#include "fake-image.h"
#include "image/internal.h"
#include "nonces.h"
#include "sealed-image.h"

static const struct fake small = { .seed = 90, .frames = 600, .chunk_pages = 16 };

static void test_who_opens(void **state)
{
	struct sealed sealed, other;
	struct image_index index = { 0 };
	struct opener wrong_sender;
	struct restore_key mixed;
	struct error err;

	(void)state;
	for (uint32_t algorithm = 1; algorithm <= 2; algorithm++) {
		if (!sealed_create(&sealed, &small, algorithm))
			continue;
		sealed_create(&other, &small, algorithm);
		sealed.fake.opener = &sealed.by_restorer;
		fake_assert(&sealed.fake, &sealed.temp.disk, IMAGE_VALID, 2);
		sealed.fake.opener = &sealed.by_sender;
		fake_assert(&sealed.fake, &sealed.temp.disk, IMAGE_VALID, 1);

#define REFUSED(code, opener, why)                                                                 \
	do {                                                                                       \
		assert_int_equal(                                                                  \
			image_index_read(&sealed.temp.disk, &sealed.super, opener, &index, &err),  \
			-(code));                                                                  \
		assert_non_null(strstr(err.text, why));                                            \
	} while (0)
		REFUSED(ENOKEY, NULL, "no key was given");
		REFUSED(EKEYREJECTED, &other.by_restorer, "wrong key");
		REFUSED(EKEYREJECTED, &other.by_sender, "wrong key");
		/* The image names our pair, and its key comes from another sender. */
		mixed = sealed.restore;
		memcpy(mixed.sender, other.restore.sender, sizeof(mixed.sender));
		assert_int_equal(opener_restore(&mixed, &wrong_sender, &err), 0);
		memcpy(wrong_sender.name, sealed.by_restorer.name, sizeof(wrong_sender.name));
		REFUSED(EKEYREJECTED, &wrong_sender, "not sealed by this system's sender key");
		/* Without a key: what can be checked is. */
		assert_int_equal(
			image_verify(&sealed.temp.disk, &sealed.super, NULL, 1, NULL, &err),
			-ENOKEY);
		sealed_remove(&sealed);
		sealed_remove(&other);
	}
}

/* Somebody who has the public key, and no other, makes an image for it: his own is the sender's. */
static void test_made_with_the_public_key(void **state)
{
	struct image_index index = { 0 };
	struct request_seal seal;
	struct sender_key thief;
	struct restore_key ignored;
	struct image_super super;
	struct sealed sealed;
	struct error err;

	(void)state;
	assert_true(sealed_create(&sealed, &small, aead_best()));
	assert_int_equal(keys_make(&ignored, &thief, &err), 0);
	memcpy(thief.restorer, sealed.sender.restorer, sizeof(thief.restorer));
	assert_int_equal(box_make(&thief, aead_best(), &seal, &err), 0);
	/* He makes it look as if it were for our pair. */
	memcpy(seal.box.pair, sealed.by_restorer.name, sizeof(seal.box.pair));
	sealed.fake.seal = &seal;
	assert_int_equal(
		fake_write(&sealed.fake, &sealed.temp.disk, IMAGE_HIBERNATION, 1, &super, &err), 0);
	assert_int_equal(
		image_index_read(&sealed.temp.disk, &super, &sealed.by_restorer, &index, &err),
		-EKEYREJECTED);
	assert_non_null(strstr(err.text, "not sealed by this system's sender key"));
	sealed_remove(&sealed);
}

static bool holds(const unsigned char *bytes, size_t size, const void *what, size_t length)
{
	return memmem(bytes, size, what, length);
}

/* Nothing of pages, index or keys is on the device in clear; of a plain image it is. */
static void test_nothing_in_clear(void **state)
{
	/* "codec stored": pages would be there as they are. */
	struct fake fake = { .seed = 91, .frames = 400, .chunk_pages = 16, .incompressible = true };
	unsigned char *bytes, page[FRAME_SIZE];
	struct sealed sealed;
	struct image_super super;
	struct error err;

	(void)state;
	fake_page(&fake, 20, page);
	for (uint32_t algorithm = 1; algorithm <= 2; algorithm++) {
		if (!sealed_create(&sealed, &fake, algorithm))
			continue;
		bytes = temp_disk_save(&sealed.temp);
		assert_false(holds(bytes, sealed.temp.disk.size, "6.12.0-fake", 11));
		assert_false(holds(bytes, sealed.temp.disk.size, IMAGE_INDEX_MAGIC, 8));
		assert_false(holds(bytes, sealed.temp.disk.size, page + 64, 16));
		assert_false(holds(bytes, sealed.temp.disk.size, sealed.seal.key.key, 16));
		assert_int_equal(sealed.super.release[0], '\0');
		free(bytes);
		sealed.fake.seal = NULL;
		assert_int_equal(fake_write(&sealed.fake, &sealed.temp.disk, IMAGE_HIBERNATION, 1,
					    &super, &err),
				 0);
		bytes = temp_disk_save(&sealed.temp);
		assert_true(holds(bytes, sealed.temp.disk.size, "6.12.0-fake", 11));
		assert_true(holds(bytes, sealed.temp.disk.size, IMAGE_INDEX_MAGIC, 8));
		assert_true(holds(bytes, sealed.temp.disk.size, page + 64, 16));
		free(bytes);
		sealed_remove(&sealed);
	}
}

/* The same chunk is other bytes in each image, and at each place of one. */
static void test_no_two_alike(void **state)
{
	struct fake fake = { .seed = 92, .frames = 64, .chunk_pages = 16 };
	struct image_index first, second;
	struct sealed one, two;
	unsigned char a[4096], b[4096];
	struct error err;

	(void)state;
	assert_true(sealed_create(&one, &fake, aead_best()));
	assert_true(sealed_create(&two, &fake, aead_best()));
	assert_int_equal(image_index_read(&one.temp.disk, &one.super, &one.by_sender, &first, &err),
			 0);
	assert_int_equal(
		image_index_read(&two.temp.disk, &two.super, &two.by_sender, &second, &err), 0);
	assert_int_equal(first.chunk_count, second.chunk_count);
	for (size_t i = 0; i < first.chunk_count; i++) {
		size_t same = 0;

		/* Workers write in any order. */
		while (first.chunks[i].page_hash != second.chunks[same].page_hash)
			assert_true(++same < second.chunk_count);
		temp_disk_read(&one.temp, first.chunks[i].offset, a, sizeof(a));
		temp_disk_read(&two.temp, second.chunks[same].offset, b, sizeof(b));
		assert_memory_not_equal(a, b, sizeof(a));
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(first.chunks[i].number, first.chunks[k].number);
	}
	image_index_free(&first);
	image_index_free(&second);
	sealed_remove(&one);
	sealed_remove(&two);
}

/* Two pieces of digests: the first has chunks before and behind it. */
static void test_pieces_of_digests(void **state)
{
	struct fake fake = { .seed = 94, .frames = 50000, .chunk_pages = 256 };
	struct image_index index;
	struct sealed sealed;
	struct error err;

	(void)state;
	assert_true(sealed_begin(&sealed, &fake, aead_best()));
	temp_disk_remove(&sealed.temp);
	temp_disk_create(&sealed.temp, (uint64_t)fake.frames * FRAME_SIZE);
	assert_int_equal(image_format(&sealed.temp.disk, NULL, &sealed.super, &err), 0);
	if (fake_write(&sealed.fake, &sealed.temp.disk, IMAGE_HIBERNATION, 2, &sealed.super, &err))
		fail_msg("%s", err.text);
	assert_int_equal(
		image_index_read(&sealed.temp.disk, &sealed.super, &sealed.by_sender, &index, &err),
		0);
	assert_int_equal(index.digests_count, 2);
	image_index_free(&index);
	assert_int_equal(
		image_verify(&sealed.temp.disk, &sealed.super, &sealed.by_restorer, 2, NULL, &err),
		0);
	sealed_remove(&sealed);
}

/* What a seal of a request must be. */
static void test_possible_seals(void **state)
{
	struct request_seal seal = { 0 }, good;
	struct restore_key restore;
	struct sender_key sender;
	struct error err;

	(void)state;
	assert_true(box_possible(&seal));
	seal.box.box[47] = 1;
	assert_false(box_possible(&seal));
	assert_int_equal(keys_make(&restore, &sender, &err), 0);
	assert_int_equal(box_make(&sender, aead_best(), &good, &err), 0);
	assert_true(box_possible(&good));
	seal = good;
	memset(seal.key.key, 0, sizeof(seal.key.key)); /* somebody had it already */
	assert_false(box_possible(&seal));
	seal = good;
	seal.key.image_uuid[0] ^= 1;
	assert_false(box_possible(&seal));
	seal = good;
	seal.count = REQUEST_KEYS_MAX + 1;
	assert_false(box_possible(&seal));
	/* A public key that is no key. */
	memset(sender.restorer, 0, sizeof(sender.restorer));
	assert_int_equal(box_make(&sender, aead_best(), &good, &err), -EINVAL);
	assert_int_equal(box_make(&sender, ALGORITHM_AEGIS256, &good, &err), -EINVAL);
}

/* --- each way to change one has its own message --- */

/* Two chunks of one size, so that their places can be exchanged. */
static void find_twins(const struct image_index *index, size_t *a, size_t *b)
{
	for (*a = 0; *a < index->chunk_count; ++*a)
		for (*b = *a + 1; *b < index->chunk_count; ++*b)
			if (index->chunks[*a].stored == index->chunks[*b].stored)
				return;
	fail_msg("no two chunks of one size");
}

static void expect_verify(const struct sealed *sealed, const char *why)
{
	struct error err = { 0 };

	assert_int_equal(image_verify(&sealed->temp.disk, &sealed->super, &sealed->by_restorer, 1,
				      NULL, &err),
			 -EUCLEAN);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void test_messages(void **state)
{
	struct fake fake = { .seed = 94, .frames = 400, .chunk_pages = 16, .incompressible = true };
	struct image_index index = { 0 };
	unsigned char *good;
	struct sealed sealed;
	struct image_super super;
	struct error err;
	size_t a, b;

	(void)state;
	assert_true(sealed_create(&sealed, &fake, aead_best()));
	good = temp_disk_save(&sealed.temp);
	assert_int_equal(image_index_read(&sealed.temp.disk, &sealed.super, &sealed.by_restorer,
					  &index, &err),
			 0);
	/* A bit of a chunk; two chunks in each other's place. */
	temp_disk_flip(&sealed.temp, index.chunks[2].offset + 7, 4);
	expect_verify(&sealed, "chunk 2: changed after it was sealed, or put here from elsewhere");
	temp_disk_load(&sealed.temp, good);
	find_twins(&index, &a, &b);
	temp_disk_write(&sealed.temp, index.chunks[a].offset, good + index.chunks[b].offset,
			index.chunks[b].stored);
	expect_verify(&sealed, "changed after it was sealed, or put here from elsewhere");
	temp_disk_load(&sealed.temp, good);
	temp_disk_flip(&sealed.temp, index.digests[0].offset, 1);
	expect_verify(&sealed, "digests 0: changed after they were sealed");
	temp_disk_load(&sealed.temp, good);
	/* The index, and its envelope. */
	temp_disk_flip(&sealed.temp,
		       sealed.super.index[0].offset + sealed.super.envelope_size + IMAGE_BLOCK, 1);
	expect_verify(&sealed, "sealed index: block 1 was changed");
	temp_disk_load(&sealed.temp, good);
	temp_disk_flip(&sealed.temp, sealed.super.index[0].offset + IMAGE_BLOCK, 1);
	expect_verify(&sealed, "envelope of the sealed index damaged: checksum");
	temp_disk_load(&sealed.temp, good);
	/* The superblock: a field that nothing else repeats, and a key of another image. */
	super = sealed.super;
	super.created++;
	assert_int_equal(image_super_write(&sealed.temp.disk, &super, &err), 0);
	sealed.super = super;
	expect_verify(&sealed, "superblock or envelope was changed after the image was sealed");
	super.created--;
	assert_int_equal(box_make(&sealed.sender, aead_best(), &sealed.seal, &err), 0);
	memcpy(super.key.box, sealed.seal.box.box, sizeof(super.key.box));
	memcpy(super.key.nonce, sealed.seal.box.nonce, sizeof(super.key.nonce));
	assert_int_equal(image_super_write(&sealed.temp.disk, &super, &err), 0);
	sealed.super = super;
	expect_verify(&sealed, "sealed with another key than it says");
	image_index_free(&index);
	free(good);
	sealed_remove(&sealed);
}

/* Free room is told from the envelopes: the next image leaves sealed ones alone. */
static void test_room(void **state)
{
	struct image_super super;
	struct sealed sealed;
	struct fake second = { .seed = 93, .frames = 500, .chunk_pages = 16 };
	uint64_t end, before;
	struct error err;

	(void)state;
	sealed_begin(&sealed, &small, aead_best());
	assert_int_equal(fake_write(&sealed.fake, &sealed.temp.disk, IMAGE_CHECKPOINT, 1,
				    &sealed.super, &err),
			 0);
	assert_int_equal(image_used_end(&sealed.temp.disk, &sealed.super, &before, &err), 0);
	assert_true(before > IMAGE_DATA_START);
	assert_int_equal(fake_write(&second, &sealed.temp.disk, IMAGE_CHECKPOINT, 2, &super, &err),
			 0);
	assert_int_equal(image_used_end(&sealed.temp.disk, &super, &end, &err), 0);
	assert_true(end > before);
	fake_assert(&second, &sealed.temp.disk, IMAGE_VALID, 1);
	assert_true(image_super_select(&super, sealed.super.image_uuid));
	assert_int_equal(
		image_verify(&sealed.temp.disk, &super, &sealed.by_restorer, 1, NULL, &err), 0);
	sealed_remove(&sealed);
}

/* An envelope with COUNT places, checksum right, for the image that is there. */
static int read_forged_places(struct sealed *sealed, uint64_t count, bool swap, struct error *err)
{
	struct image_super super = sealed->super;
	struct runs places = { 0 };
	struct image_entry entry;
	uint8_t *tags = calloc(super.index_size / IMAGE_BLOCK, IMAGE_TAG);
	int code;

	for (uint64_t i = 0; i < count; i++)
		assert_int_equal(runs_add(&places, 300 + 2 * i, 1), 0);
	if (swap)
		places.v[count / 2].pfn = places.v[count / 2 + 1].pfn;
	super.envelope_size = envelope_size(super.index_size, count);
	memset(super.index, 0, sizeof(super.index));
	super.index[0] =
		(struct image_extent){ IMAGE_DATA_START, super.envelope_size + super.index_size };
	table_get_entry(&super, &entry);
	assert_int_equal(
		envelope_write(&sealed->temp.disk, &sealed->seal.key, tags, &places, &entry, err),
		0);
	assert_int_equal(image_super_write(&sealed->temp.disk, &super, err), 0);
	runs_free(&places);
	free(tags);
	code = image_verify(&sealed->temp.disk, &super, NULL, 1, NULL, err);
	if (code != -ENOKEY)
		assert_true(image_used_end(&sealed->temp.disk, &super, &count, err) == code);
	return code;
}

/* No more memory is taken for places than the index has bytes, nor for some of them twice. */
static void test_forged_places(void **state)
{
	const struct fake fake = { .seed = 94, .frames = 60, .chunk_pages = 16 };
	struct sealed sealed;
	struct error err;
	uint64_t most;

	(void)state;
	assert_true(sealed_create(&sealed, &fake, aead_best()));
	most = sealed.super.index_size / sizeof(struct image_digests);
	assert_int_equal(read_forged_places(&sealed, most, false, &err), -ENOKEY);
	assert_int_equal(read_forged_places(&sealed, most + 1, false, &err), -EUCLEAN);
	assert_non_null(strstr(err.text, "impossible number of places"));
	assert_int_equal(read_forged_places(&sealed, most, true, &err), -EUCLEAN);
	assert_non_null(strstr(err.text, "places are not sorted"));
	sealed_remove(&sealed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_opens),
		cmocka_unit_test(test_made_with_the_public_key),
		cmocka_unit_test(test_nothing_in_clear),
		cmocka_unit_test(test_no_two_alike),
		cmocka_unit_test(test_pieces_of_digests),
		cmocka_unit_test(test_possible_seals),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_forged_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
