/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The envelope of a sealed index: what lies before it in clear, with the tags of its blocks and the
 * room that the image takes. It goes out and comes in by small pieces: the list of places can be as
 * long as the list of chunks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "image/internal.h"

#define STEP 65536

static int damaged(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "envelope of the sealed index damaged: %s", what);
}

/* --- its layout --- */

static uint64_t tags_size(uint64_t index_size)
{
	return safe_round_up(index_size / IMAGE_BLOCK * IMAGE_TAG, IMAGE_BLOCK);
}

uint64_t envelope_size(uint64_t index_size, uint64_t run_count)
{
	return sizeof(struct image_envelope_header) + tags_size(index_size) +
	       safe_round_up(run_count * sizeof(struct run), IMAGE_BLOCK);
}

/*
 * The tag of the envelope begins with the entry, but for what changes while the image lies there
 * and for the tag itself: so kind, serial number and sizes are what the writer said.
 */
static struct aead_mac *begin_tag(const struct image_key *key, const struct image_entry *entry)
{
	struct image_entry constant = *entry;
	struct aead_mac *mac = aead_mac_create(key);

	constant.state = constant.attempts = constant.reboots = 0;
	constant.index_xxh3 = constant.index_rest = 0;
	memset(constant.reason, 0, sizeof(constant.reason));
	if (mac)
		aead_mac_update(mac, &constant, sizeof(constant));
	return mac;
}

static void get_tag(const struct image_entry *entry, uint8_t tag[IMAGE_TAG])
{
	memcpy(tag, &entry->index_xxh3, 8);
	memcpy(tag + 8, &entry->index_rest, 8);
}

/* --- its parts --- */

/* A part of the envelope. */
struct part {
	uint64_t start, length;
};

/* Where the SIZE bytes at OFFSET and PART overlap; false when they do not. */
static bool overlap(const struct part *part, uint64_t offset, uint64_t size, uint64_t *from,
		    uint64_t *length)
{
	uint64_t end = part->start + part->length;

	*from = part->start > offset ? part->start : offset;
	end = end < offset + size ? end : offset + size;
	*length = *from < end ? end - *from : 0;
	return *length;
}

/* --- writing --- */

struct outgoing {
	struct image_envelope_header header;
	const uint8_t *tags;
	const struct runs *runs;
};

static void copy_part(const void *bytes_of_part, const struct part *part, uint64_t offset,
		      unsigned char *bytes, uint64_t size)
{
	uint64_t from, length;

	if (overlap(part, offset, size, &from, &length))
		memcpy(bytes + (from - offset), (const char *)bytes_of_part + (from - part->start),
		       length);
}

/* SIZE bytes of the envelope from OFFSET on. */
static void make_bytes(const struct outgoing *out, uint64_t offset, unsigned char *bytes,
		       uint64_t size)
{
	const struct part header = { 0, sizeof(out->header) };
	const struct part tags = { header.length, out->header.tag_count * IMAGE_TAG };
	const struct part runs = { header.length + tags_size(out->header.tag_count * IMAGE_BLOCK),
				   out->runs->n * sizeof(struct run) };

	memset(bytes, 0, size);
	copy_part(&out->header, &header, offset, bytes, size);
	copy_part(out->tags, &tags, offset, bytes, size);
	copy_part(out->runs->v, &runs, offset, bytes, size);
}

static uint64_t next_step(uint64_t done, uint64_t size)
{
	return size - done < STEP ? size - done : STEP;
}

static int put_bytes(const struct disk *disk, const struct image_entry *entry,
		     const struct outgoing *out, unsigned char *bytes, struct aead_mac *mac,
		     struct error *err)
{
	uint64_t size = out->header.size;
	int code = 0;

	for (uint64_t done = 0; done < size && !code; done += next_step(done, size)) {
		uint64_t step = next_step(done, size);

		make_bytes(out, done, bytes, step);
		aead_mac_update(mac, bytes, step);
		if (disk)
			code = area_write(disk, entry, bytes, step, done, err);
	}
	return code;
}

int envelope_write(const struct disk *disk, const struct image_key *key, const uint8_t *tags,
		   const struct runs *runs, struct image_entry *entry, struct error *err)
{
	struct outgoing out = { .tags = tags, .runs = runs };
	unsigned char *bytes = disk_buffer(STEP);
	struct aead_mac *mac = begin_tag(key, entry);
	uint8_t tag[IMAGE_TAG];
	uint32_t crc = 0;
	int code;

	memcpy(out.header.magic, IMAGE_ENVELOPE_MAGIC, sizeof(out.header.magic));
	out.header.version = IMAGE_VERSION;
	memcpy(out.header.image_uuid, entry->image_uuid, sizeof(out.header.image_uuid));
	out.header.size = entry->envelope_size;
	out.header.tag_count = entry->index_size / IMAGE_BLOCK;
	out.header.run_count = runs->n;
	if (!bytes || !mac) {
		code = error_set(err, ENOMEM, "no memory to seal the index");
		goto out;
	}
	for (uint64_t done = 0; done < out.header.size; done += next_step(done, out.header.size)) {
		make_bytes(&out, done, bytes, next_step(done, out.header.size));
		crc = crc32c(crc, bytes, next_step(done, out.header.size));
	}
	out.header.crc = crc;
	code = put_bytes(disk, entry, &out, bytes, mac, err);
	aead_mac_end(mac, tag);
	mac = NULL;
	memcpy(&entry->index_xxh3, tag, 8);
	memcpy(&entry->index_rest, tag + 8, 8);
out:
	aead_mac_end(mac, NULL);
	free(bytes);
	return code;
}

/* --- reading --- */

static int check_header(const struct image_entry *entry, const struct image_envelope_header *header,
			struct error *err)
{
	/*
	 * Each place is of a chunk or of digests, which have a record in the index, at least. So
	 * whoever adds them up takes no more memory than the index has bytes.
	 */
	uint64_t most = entry->index_size / sizeof(struct image_digests);

	if (memcmp(header->magic, IMAGE_ENVELOPE_MAGIC, sizeof(header->magic)))
		return damaged(err, "no header");
	if (header->version != IMAGE_VERSION)
		return error_set(err, ENOTSUP, "envelope version %u is not supported",
				 header->version);
	if (memcmp(header->image_uuid, entry->image_uuid, sizeof(header->image_uuid)) ||
	    header->size != entry->envelope_size ||
	    header->tag_count != entry->index_size / IMAGE_BLOCK)
		return damaged(err, "it and the superblock disagree");
	if (header->run_count > most ||
	    envelope_size(entry->index_size, header->run_count) != header->size)
		return damaged(err, "impossible number of places");
	if (!safe_is_zero(header->reserved, sizeof(header->reserved)))
		return damaged(err, "reserved bytes are not zero");
	return 0;
}

/* What is made of the envelope as it comes in. */
struct incoming {
	const struct image_entry *entry;
	const struct image_head *head; /* for RUNS */
	struct image_envelope_header *header;
	struct aead_mac *mac; /* NULL: nobody has the key */
	uint8_t *tags;	      /* NULL: nobody wants them */
	struct runs *runs;    /* likewise */
	uint64_t end;	      /* of the last of them, blocks */
	uint32_t crc;
};

static int take_runs(struct incoming *in, const unsigned char *bytes, uint64_t size,
		     struct error *err)
{
	for (uint64_t done = 0; done < size; done += sizeof(struct run)) {
		struct run run;
		uint64_t length;

		memcpy(&run, bytes + done, sizeof(run));
		if (!safe_mul(run.count, IMAGE_BLOCK, &length) ||
		    run.pfn > UINT64_MAX / IMAGE_BLOCK ||
		    !space_contains(in->head, run.pfn * IMAGE_BLOCK, length))
			return damaged(err, "a place outside the data area");
		if (run.pfn <= in->end)
			return damaged(err, "places are not sorted");
		in->end = run.pfn + run.count;
		if (runs_add(in->runs, run.pfn, run.count))
			return error_set(err, ENOMEM, "no memory to add up what is in use");
	}
	return 0;
}

static int take_parts(struct incoming *in, const unsigned char *bytes, uint64_t offset,
		      uint64_t size, struct error *err)
{
	const struct image_envelope_header *header = in->header;
	const struct part tags = { sizeof(*header), header->tag_count * IMAGE_TAG };
	const struct part runs = { sizeof(*header) + tags_size(in->entry->index_size),
				   header->run_count * sizeof(struct run) };
	const struct part padding[] = {
		{ tags.start + tags.length, runs.start - tags.start - tags.length },
		{ runs.start + runs.length, header->size - runs.start - runs.length },
	};
	uint64_t from, length;

	for (int i = 0; i < 2; i++)
		if (overlap(&padding[i], offset, size, &from, &length) &&
		    !safe_is_zero(bytes + (from - offset), length))
			return damaged(err, "padding is not zero");
	if (in->tags && overlap(&tags, offset, size, &from, &length))
		memcpy(in->tags + (from - tags.start), bytes + (from - offset), length);
	if (in->runs && overlap(&runs, offset, size, &from, &length))
		return take_runs(in, bytes + (from - offset), length, err);
	return 0;
}

/* Every byte of it, in order. */
static int read_bytes(const struct disk *disk, struct incoming *in, unsigned char *bytes,
		      struct error *err)
{
	static const uint32_t zero;
	const size_t at = offsetof(struct image_envelope_header, crc);
	uint64_t size = in->entry->envelope_size;
	int code = 0;

	for (uint64_t done = 0; done < size && !code; done += next_step(done, size)) {
		uint64_t step = next_step(done, size), skip = 0;

		code = area_read(disk, in->entry, bytes, step, done, err);
		if (code)
			return code;
		if (!done) {
			memcpy(in->header, bytes, sizeof(*in->header));
			code = check_header(in->entry, in->header, err);
			in->crc = crc32c(0, bytes, at);
			in->crc = crc32c(in->crc, &zero, sizeof(zero));
			skip = at + sizeof(zero);
		}
		in->crc = crc32c(in->crc, bytes + skip, step - skip);
		if (in->mac)
			aead_mac_update(in->mac, bytes, step);
		if (!code)
			code = take_parts(in, bytes, done, step, err);
	}
	if (!code && in->crc != in->header->crc)
		code = damaged(err, "checksum mismatch");
	return code;
}

int envelope_read(const struct disk *disk, const struct image_head *head,
		  const struct image_entry *entry, const struct image_key *key, uint8_t *tags,
		  struct runs *runs, struct error *err)
{
	unsigned char *bytes = disk_buffer(STEP);
	struct incoming in = {
		.entry = entry,
		.head = head,
		.header = disk_buffer(sizeof(*in.header)),
		.mac = key ? begin_tag(key, entry) : NULL,
		.tags = tags,
		.runs = runs,
	};
	uint8_t tag[IMAGE_TAG], expected[IMAGE_TAG];
	int code;

	if (!bytes || !in.header || (key && !in.mac))
		code = error_set(err, ENOMEM, "no memory to read an envelope");
	else
		code = read_bytes(disk, &in, bytes, err);
	get_tag(entry, expected);
	aead_mac_end(in.mac, tag);
	if (!code && key && !aead_same_tag(tag, expected))
		code = error_set(err, EUCLEAN,
				 "superblock or envelope was changed after the image was sealed");
	free(in.header);
	free(bytes);
	return code;
}
