/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sealed image that somebody changed who has no key, but knows the format: bits, blocks put
 * elsewhere, parts of other images of the same keys, fields of the superblock with right checksums,
 * envelopes. Nothing of it is restored: each is refused with a message, and none crashes.
 *
 * usage: test_mutations [COUNT]
 */
#include "common/crc32c.h"
#include "image/internal.h"
#include "sealed-image.h"

static unsigned long count = 1500;

static const struct fake small = { .seed = 95, .frames = 60, .chunk_pages = 8 };
static const struct fake others = { .seed = 96, .frames = 60, .chunk_pages = 8 };

/* The image that waits, behind a checkpoint on the same device; and a device of another system. */
struct scene {
	struct sealed sealed;
	struct temp_disk other; /* sealed for the same keys */
	struct image_super other_super;
	struct image_index index; /* of the image that waits */
	unsigned char *good, *foreign;
	uint64_t used; /* bytes from the start of the device */
	uint64_t random;
};

static uint64_t pick(struct scene *scene, uint64_t limit)
{
	return fake_random(&scene->random) % limit;
}

static void make_seal(struct sealed *sealed)
{
	struct error err;

	assert_int_equal(box_make(&sealed->sender, sealed->seal.key.algorithm, &sealed->seal, &err),
			 0);
}

static void create(struct scene *scene, uint32_t algorithm)
{
	struct sealed *sealed = &scene->sealed;
	struct image_super super;
	struct error err;

	scene->random = 97;
	sealed_begin(sealed, &small, algorithm);
	temp_disk_create(&scene->other, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&scene->other.disk, "other", &super, &err), 0);
	for (int i = 0; i < 2; i++) {
		uint32_t kind = i ? IMAGE_HIBERNATION : IMAGE_CHECKPOINT;

		sealed->fake = i ? small : others;
		sealed->fake.seal = &sealed->seal;
		make_seal(sealed);
		assert_int_equal(fake_write(&sealed->fake, &sealed->temp.disk, kind, 1,
					    &sealed->super, &err),
				 0);
		make_seal(sealed);
		assert_int_equal(fake_write(&sealed->fake, &scene->other.disk, kind, 1,
					    &scene->other_super, &err),
				 0);
	}
	assert_int_equal(image_index_read(&sealed->temp.disk, &sealed->super, &sealed->by_restorer,
					  &scene->index, &err),
			 0);
	assert_int_equal(image_used_end(&sealed->temp.disk, &sealed->super, &scene->used, &err), 0);
	scene->good = temp_disk_save(&sealed->temp);
	scene->foreign = temp_disk_save(&scene->other);
}

static void end(struct scene *scene)
{
	image_index_free(&scene->index);
	free(scene->good);
	free(scene->foreign);
	temp_disk_remove(&scene->other);
	sealed_remove(&scene->sealed);
}

/* --- what somebody may do --- */

/* A byte that the image needs: in one of its chunks, its digests, its envelope or its index. */
static uint64_t pick_place(struct scene *scene)
{
	const struct image_index *index = &scene->index;
	const struct image_super *super = &scene->sealed.super;
	uint64_t part = pick(scene, 4);

	if (part == 0)
		return super->index[0].offset + pick(scene, super->index[0].size);
	if (part == 1)
		return index->digests[0].offset + pick(scene, digests_size(&index->digests[0]));
	part = pick(scene, index->chunk_count);
	return index->chunks[part].offset + pick(scene, chunk_size(&index->chunks[part]));
}

static uint64_t pick_block(struct scene *scene)
{
	return pick_place(scene) / IMAGE_BLOCK * IMAGE_BLOCK;
}

static void flip_bit(struct scene *scene, unsigned char *bytes)
{
	bytes[pick_place(scene)] ^= (unsigned char)(1 << pick(scene, 8));
}

static void scribble(struct scene *scene, unsigned char *bytes)
{
	uint64_t at = pick_place(scene), size = 1 + pick(scene, 64);

	for (uint64_t i = 0; i < size && at + i < scene->used; i++)
		bytes[at + i] = (unsigned char)pick(scene, 256);
}

static void exchange_blocks(struct scene *scene, unsigned char *bytes)
{
	uint64_t a = pick_block(scene), b = pick_block(scene);

	memcpy(bytes + a, scene->good + b, IMAGE_BLOCK);
	memcpy(bytes + b, scene->good + a, IMAGE_BLOCK);
}

static void clear_block(struct scene *scene, unsigned char *bytes)
{
	memset(bytes + pick_block(scene), 0, IMAGE_BLOCK);
}

/* Another image of the same system, of the same pages, at the same place. */
static void take_foreign(struct scene *scene, unsigned char *bytes)
{
	uint64_t at = pick_block(scene), size = (1 + pick(scene, 8)) * IMAGE_BLOCK;

	size = at + size < scene->used ? size : scene->used - at;
	memcpy(bytes + at, scene->foreign + at, size);
}

static struct image_entry *entry_of(const struct scene *scene, unsigned char *bytes)
{
	return (struct image_entry *)(bytes + IMAGE_SUPER0 + IMAGE_BLOCK) +
	       scene->sealed.super.slot;
}

/* What changes while an image waits may be changed by anybody. */
static bool may_change(size_t byte)
{
	return byte < offsetof(struct image_entry, kind) ||
	       (byte >= offsetof(struct image_entry, attempts) &&
		byte < offsetof(struct image_entry, image_uuid)) ||
	       (byte >= offsetof(struct image_entry, reason) &&
		byte < offsetof(struct image_entry, release));
}

/* Checksums and the second copy, as those who know the format make them. */
static void fix_super(unsigned char *bytes)
{
	struct image_head head;

	memcpy(&head, bytes, sizeof(head));
	head.table_crc = crc32c(0, bytes + IMAGE_BLOCK, sizeof(((struct image_super *)0)->table));
	head.crc = super_crc(&head);
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + IMAGE_SUPER1, &head, sizeof(head));
	memcpy(bytes + IMAGE_SUPER1 + IMAGE_BLOCK, bytes + IMAGE_BLOCK,
	       sizeof(((struct image_super *)0)->table));
}

static void change_entry(struct scene *scene, unsigned char *bytes)
{
	size_t byte;

	do
		byte = pick(scene, sizeof(struct image_entry));
	while (may_change(byte));
	((unsigned char *)entry_of(scene, bytes))[byte] ^= (unsigned char)(1 + pick(scene, 255));
	fix_super(bytes);
}

/* Some fields of the checkpoint beside it, or of the other system's image. */
static void mix_entries(struct scene *scene, unsigned char *bytes)
{
	struct image_entry *entry = entry_of(scene, bytes), from;
	size_t at, size;

	if (pick(scene, 2))
		from = scene->sealed.super.table[!scene->sealed.super.slot];
	else
		from = scene->other_super.table[scene->other_super.slot];
	at = pick(scene, sizeof(*entry));
	size = 1 + pick(scene, sizeof(*entry) - at);
	for (size_t i = at; i < at + size; i++)
		if (!may_change(i))
			((unsigned char *)entry)[i] = ((unsigned char *)&from)[i];
	fix_super(bytes);
}

/* The checkpoint, and the image that waits, change their roles. */
static void exchange_kinds(struct scene *scene, unsigned char *bytes)
{
	struct image_entry *table = (struct image_entry *)(bytes + IMAGE_BLOCK);

	table[0].kind ^= IMAGE_HIBERNATION ^ IMAGE_CHECKPOINT;
	table[1].kind ^= IMAGE_HIBERNATION ^ IMAGE_CHECKPOINT;
	(void)scene;
	fix_super(bytes);
}

static void change_envelope(struct scene *scene, unsigned char *bytes)
{
	const struct image_super *super = &scene->sealed.super;
	unsigned char *envelope = bytes + super->index[0].offset;
	struct image_envelope_header *header = (void *)envelope;
	uint64_t at = pick(scene, super->envelope_size);

	envelope[at] ^= (unsigned char)(1 + pick(scene, 255));
	header->crc = 0;
	header->crc = crc32c(0, envelope, super->envelope_size);
}

typedef void (*mutation)(struct scene *scene, unsigned char *bytes);

static const mutation mutations[] = {
	flip_bit,     flip_bit,	    flip_bit,	  scribble,    exchange_blocks, clear_block,
	take_foreign, change_entry, change_entry, mix_entries, exchange_kinds,	change_envelope,
};

/* --- and what becomes of it --- */

/* As kjump-restore does it. 0: it would be restored. */
static int restore(const struct scene *scene, const struct fake *fake, struct error *err)
{
	struct fake_check check = { .fake = fake };
	const struct image_sink sink = { .take = fake_sink, .context = &check };
	const struct disk *disk = &scene->sealed.temp.disk;
	struct image_index index = { 0 };
	struct image_super super;
	int code = image_super_read(disk, &super, err);

	if (!code && !image_waits(&super))
		code = error_set(err, ENOENT, "nothing waits");
	if (!code && !super.algorithm)
		code = error_set(err, EPERM, "not sealed");
	if (!code)
		code = image_index_read(disk, &super, &scene->sealed.by_restorer, &index, err);
	if (!code)
		code = image_read_chunks(disk, &index, 1, &sink, err);
	image_index_free(&index);
	return code;
}

static int verify(const struct scene *scene, struct error *err)
{
	const struct disk *disk = &scene->sealed.temp.disk;
	struct image_super super;
	int code = image_super_read(disk, &super, err);

	if (!code && !super.algorithm)
		code = error_set(err, EPERM, "not sealed");
	return code ? code : image_verify(disk, &super, &scene->sealed.by_restorer, 1, NULL, err);
}

/* Of what differs, is all in the digests, which nobody needs to restore? */
static bool only_digests(const struct scene *scene, const unsigned char *bytes)
{
	const struct image_digests *digests = scene->index.digests;

	return !memcmp(bytes, scene->good, digests->offset) &&
	       !memcmp(bytes + digests->offset + digests_size(digests),
		       scene->good + digests->offset + digests_size(digests),
		       scene->used - digests->offset - digests_size(digests));
}

static void expect_refused(const struct scene *scene, const unsigned char *bytes, unsigned kind)
{
	struct error err = { 0 };
	int code = restore(scene, &small, &err);

	if (!code && !only_digests(scene, bytes))
		fail_msg("mutation of sort %u is restored", kind);
	if (!code)
		code = verify(scene, &err);
	if (!code)
		fail_msg("mutation of sort %u is verified", kind);
	if (code == -EILSEQ || code != -err.code || !err.text[0])
		fail_msg("mutation of sort %u: %d, \"%s\"", kind, code, err.text);
	/* Without a key nothing may crash either; that much may look right. */
	if (kind >= 7)
		image_verify(&scene->sealed.temp.disk, &scene->sealed.super, NULL, 1, NULL, &err);
}

static void mutate(struct scene *scene)
{
	unsigned char *bytes = malloc(scene->sealed.temp.disk.size);
	unsigned sorts = sizeof(mutations) / sizeof(mutations[0]);
	struct error err;

	memcpy(bytes, scene->good, scene->sealed.temp.disk.size);
	assert_int_equal(restore(scene, &small, &err), 0);
	assert_int_equal(verify(scene, &err), 0);
	for (unsigned long i = 0; i < count; i++) {
		unsigned kind = (unsigned)pick(scene, sorts);

		mutations[kind](scene, bytes);
		/* Zeros for zeros, a place for itself: nothing has happened. */
		if (memcmp(bytes, scene->good, scene->used)) {
			temp_disk_write(&scene->sealed.temp, 0, bytes, scene->used);
			expect_refused(scene, bytes, kind);
			memcpy(bytes, scene->good, scene->used);
		}
	}
	temp_disk_write(&scene->sealed.temp, 0, scene->good, scene->used);
	assert_int_equal(restore(scene, &small, &err), 0);
	free(bytes);
}

static void test_aes(void **state)
{
	struct scene scene = { 0 };
	struct error err;

	(void)state;
	if (aead_check(ALGORITHM_AES256_GCM, &err))
		skip();
	create(&scene, ALGORITHM_AES256_GCM);
	mutate(&scene);
	end(&scene);
}

static void test_xchacha(void **state)
{
	struct scene scene = { 0 };

	(void)state;
	create(&scene, ALGORITHM_XCHACHA20_POLY1305);
	mutate(&scene);
	end(&scene);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aes),
		cmocka_unit_test(test_xchacha),
	};

	if (argc > 1)
		count = strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
