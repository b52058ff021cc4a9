/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sealed image that was changed by somebody who has no key but knows the format: bytes of its
 * entry in the superblock, its envelope, its index and its chunks are others, with right checksums
 * where he wants them right. With the key it is refused, or it is what it was; without one it is
 * looked at as those do who want to write beside it. And the bytes of a restore key.
 *
 * Input: flags; patches of 4 bytes each (where, place in it, what is inverted); what is behind them
 * is read as a restore key.
 */
#include <errno.h>
#include <sodium.h>

#include "common/crc32c.h"
#include "image/image.h"
#include "image/internal.h"
#include "seal/aead.h"
#include "tests/fuzz/fuzz.h"

#define FLAG_SUPER    0x10 /* checksums of the superblock are right */
#define FLAG_ENVELOPE 0x20 /* that of the envelope is */
#define FLAG_NO_KEY   0x40
#define FLAG_WRITE    0x80 /* another image is written beside it */
#define PATCHES	      0x0f

#define DEVICE_SIZE IMAGE_MIN_SIZE
#define PAGES	    12
#define UUID	    "image-of-a-fuzz!"

/* The image as it was made, once for all inputs. */
struct original {
	unsigned char *bytes; /* up to END */
	uint64_t end;
	struct image_super super;
	struct opener opener;
};

static void make_seal(struct request_seal *seal)
{
	crypto_generichash_state state;

	memset(seal, 0, sizeof(*seal));
	seal->key.algorithm = ALGORITHM_XCHACHA20_POLY1305;
	memcpy(seal->key.image_uuid, UUID, 16);
	memset(seal->key.key, 0x6b, sizeof(seal->key.key));
	/* As docs/image-format.md has it. */
	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, (const uint8_t *)"kjump image", 11);
	crypto_generichash_update(&state, seal->key.key, 32);
	crypto_generichash_update(&state, seal->key.image_uuid, 16);
	crypto_generichash_final(&state, seal->box.commitment, 32);
}

static void fill_index(struct image_index *index, struct runs *data)
{
	memset(index, 0, sizeof(*index));
	*data = (struct runs){ 0 };
	index->machine.entry = 0x10000;
	if (runs_add(&index->ram, 16, 2 * PAGES) || runs_add(data, 16, PAGES) ||
	    runs_add(&index->free, 16 + PAGES, PAGES))
		abort();
}

static int make_image(const struct disk *disk, struct original *ret, struct error *err)
{
	struct image_scratch *scratch = image_scratch_create(1);
	static unsigned char pages[PAGES * FRAME_SIZE];
	struct image_writer *writer = NULL;
	struct image_index index;
	struct request_seal seal;
	struct runs data;
	int code = image_format(disk, "fuzz", &ret->super, err);

	for (size_t i = 0; i < sizeof(pages); i++)
		pages[i] = (unsigned char)(i * i >> 5);
	make_seal(&seal);
	opener_know(&ret->opener, &seal.key);
	fill_index(&index, &data);
	if (!code)
		code = image_writer_open(disk, &writer, err);
	if (!code)
		code = image_writer_seal(writer, &seal, 0, err);
	if (!code)
		code = image_writer_chunk(writer, scratch, pages, PAGES, &data, err);
	if (!code)
		code = image_writer_commit(writer, &index, IMAGE_HIBERNATION, &ret->super, err);
	if (!code)
		code = image_used_end(disk, &ret->super, &ret->end, err);
	image_writer_free(writer);
	image_scratch_free(scratch);
	image_index_free(&index);
	runs_free(&data);
	return code;
}

static const struct original *get_original(void)
{
	static struct original original;
	struct error err = { 0 };
	struct disk disk;
	int fd;

	if (original.bytes)
		return &original;
	fd = fuzz_disk(DEVICE_SIZE, &disk);
	if (make_image(&disk, &original, &err)) {
		fprintf(stderr, "fuzz: %s\n", err.text);
		abort();
	}
	original.bytes = malloc(original.end);
	if (pread(fd, original.bytes, original.end, 0) != (ssize_t)original.end)
		abort();
	disk_close(&disk);
	close(fd);
	return &original;
}

/* --- changing it ---------------------------------------------------------------------------- */

static unsigned char *place_of(const struct original *original, unsigned char *bytes, uint8_t where,
			       uint16_t offset)
{
	const struct image_super *super = &original->super;
	unsigned char *index = bytes + super->index[0].offset;

	switch (where % 4) {
	case 0:
		return bytes + IMAGE_BLOCK + super->slot * sizeof(struct image_entry) +
		       offset % sizeof(struct image_entry);
	case 1:
		return index + offset % super->envelope_size;
	case 2:
		return index + super->envelope_size + offset % super->index_size;
	default:
		return bytes + IMAGE_DATA_START + offset % (original->end - IMAGE_DATA_START);
	}
}

static void fix_super(unsigned char *bytes)
{
	struct image_head head;

	memcpy(&head, bytes, sizeof(head));
	head.table_crc = crc32c(0, bytes + IMAGE_BLOCK, SUPER_BYTES - IMAGE_BLOCK);
	head.crc = super_crc(&head);
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + IMAGE_SUPER1, &head, sizeof(head));
	memcpy(bytes + IMAGE_SUPER1 + IMAGE_BLOCK, bytes + IMAGE_BLOCK, SUPER_BYTES - IMAGE_BLOCK);
}

static void fix_envelope(const struct original *original, unsigned char *bytes)
{
	struct image_envelope_header *header = (void *)(bytes + original->super.index[0].offset);

	header->crc = 0;
	header->crc = crc32c(0, header, original->super.envelope_size);
}

/* Returns whether anything is other than it was. */
static bool change(const struct original *original, struct fuzz_input *input, uint8_t flags,
		   unsigned char *bytes)
{
	memcpy(bytes, original->bytes, original->end);
	for (unsigned i = 0; i < (flags & PATCHES); i++) {
		uint8_t where = fuzz_u8(input);
		uint16_t offset = fuzz_u16(input);

		*place_of(original, bytes, where, offset) ^= fuzz_u8(input);
	}
	if (flags & FLAG_ENVELOPE)
		fix_envelope(original, bytes);
	if (flags & FLAG_SUPER)
		fix_super(bytes);
	return memcmp(bytes, original->bytes, original->end);
}

/* --- using it ------------------------------------------------------------------------------- */

static int compare(void *context, size_t number, const struct image_chunk *chunk,
		   const struct run *runs, const void *pages, struct error *err)
{
	const unsigned char *bytes = pages;

	(void)context, (void)number, (void)err;
	if (chunk->pages != PAGES || runs->pfn != 16 || runs->count != PAGES)
		abort();
	for (size_t i = 0; i < (size_t)PAGES * FRAME_SIZE; i++)
		if (bytes[i] != (unsigned char)(i * i >> 5))
			abort();
	return 0;
}

/* What its entry says, but for its state, is what it said. */
static void expect_entry(const struct original *original, const struct image_super *super)
{
	struct image_entry is, was;

	table_get_entry(super, &is);
	table_get_entry(&original->super, &was);
	is.state = was.state;
	is.attempts = was.attempts;
	is.reboots = was.reboots;
	memcpy(is.reason, was.reason, sizeof(is.reason));
	if (memcmp(&is, &was, sizeof(is)))
		abort();
}

static bool restore(const struct original *original, const struct disk *disk,
		    const struct image_super *super)
{
	const struct image_sink sink = { .take = compare };
	struct image_index index = { 0 };
	struct error err = { 0 };
	bool good;

	if (!fuzz_good(image_index_read(disk, super, &original->opener, &index, &err), &err))
		return false;
	/* One in clear may say anything; it would be refused for that alone. */
	if (!super->algorithm) {
		image_index_free(&index);
		return false;
	}
	expect_entry(original, super);
	if (index.machine.entry != 0x10000 || runs_total(&index.ram) != 2 * PAGES)
		abort();
	good = fuzz_good(image_read_chunks(disk, &index, 1, &sink, &err), &err);
	image_index_free(&index);
	return good;
}

static bool use(const struct original *original, const struct disk *disk, uint8_t flags)
{
	const struct opener *opener = flags & FLAG_NO_KEY ? NULL : &original->opener;
	struct image_writer *writer = NULL;
	struct image_super super;
	struct error err = { 0 };
	uint64_t end;
	bool good;
	int code;

	if (!fuzz_good(image_super_read(disk, &super, &err), &err))
		return false;
	good = fuzz_good(image_used_end(disk, &super, &end, &err), &err);
	code = image_verify(disk, &super, opener, 1, NULL, &err);
	good &= fuzz_good(code, &err) || (code == -ENOKEY && !opener);
	if (opener)
		good &= restore(original, disk, &super);
	/* The threads that would write take time. */
	if (flags & FLAG_WRITE && super.created % 8 == 0) {
		good &= fuzz_good(image_writer_open(disk, &writer, &err), &err);
		image_writer_free(writer);
	}
	return good;
}

static void read_key(struct fuzz_input *input)
{
	struct restore_key key;
	struct opener opener;
	struct error err = { 0 };
	uint8_t bytes[KEYS_FILE] = { 0 };

	fuzz_take(input, bytes, sizeof(bytes));
	if (fuzz_good(keys_unpack_restore(bytes, sizeof(bytes), &key, &err), &err))
		fuzz_good(opener_restore(&key, &opener, &err), &err);
}

static bool fuzz_run(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	const struct original *original = get_original();
	uint8_t flags = fuzz_u8(&input);
	static unsigned char *bytes;
	static struct disk disk;
	static int fd;
	bool changed, good;

	/* One device for all: what an input may change is written anew for the next one. */
	if (!bytes) {
		bytes = malloc(original->end);
		fd = fuzz_disk(DEVICE_SIZE, &disk);
	}
	changed = change(original, &input, flags, bytes);
	fuzz_write(fd, bytes, SUPER_BYTES, IMAGE_SUPER0);
	fuzz_write(fd, bytes + IMAGE_SUPER1, SUPER_BYTES, IMAGE_SUPER1);
	fuzz_write(fd, bytes + IMAGE_DATA_START, original->end - IMAGE_DATA_START,
		   IMAGE_DATA_START);
	good = use(original, &disk, flags);
	if (good && !changed && fuzz_u8(&input))
		read_key(&input);
	return good;
}

/* As it is, with and without its key, and with a key behind it. */
static size_t fuzz_seed(unsigned number, uint8_t *data)
{
	static const uint8_t flags[] = { 0, FLAG_NO_KEY, FLAG_WRITE | FLAG_SUPER | FLAG_ENVELOPE,
					 0 };
	struct restore_key restore;

	if (number >= sizeof(flags))
		return 0;
	data[0] = flags[number];
	if (number < 3)
		return 1;
	memset(&restore, 9, sizeof(restore));
	data[1] = 1;
	keys_pack_restore(&restore, data + 2);
	return 2 + KEYS_FILE;
}
