/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing kernel B's memory to a file. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/crc32c.h"
#include "image/codec.h"
#include "kjump/kept/file.h"

#define LEVEL	   1
#define CHUNK_SIZE (IMAGE_CHUNK_PAGES * FRAME_SIZE)
#define PACKED_MAX (CHUNK_SIZE + CHUNK_SIZE / 16) /* more than zstd ever needs */

struct writer {
	int fd;
	struct codec_context *codec;
	unsigned char *pages, *packed;
	uint32_t count; /* of pages that wait */
	uint64_t end;	/* of the file so far */
	struct runs runs;
	struct kept_chunk *chunks;
	size_t chunk_count, chunk_room;
};

static int append(struct writer *writer, const void *bytes, size_t size, struct error *err)
{
	while (size) {
		ssize_t done = pwrite(writer->fd, bytes, size, (off_t)writer->end);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_errno(err, "cannot write");
		bytes = (const char *)bytes + done;
		writer->end += (uint64_t)done;
		size -= (size_t)done;
	}
	return 0;
}

static struct kept_chunk *new_chunk(struct writer *writer)
{
	if (writer->chunk_count == writer->chunk_room) {
		size_t room = writer->chunk_room ? 2 * writer->chunk_room : 64;
		struct kept_chunk *longer =
			reallocarray(writer->chunks, room, sizeof(*writer->chunks));

		if (!longer)
			return NULL;
		writer->chunks = longer;
		writer->chunk_room = room;
	}
	return &writer->chunks[writer->chunk_count++];
}

static int flush(struct writer *writer, struct error *err)
{
	const size_t size = writer->count * (size_t)FRAME_SIZE;
	struct kept_chunk *chunk;
	size_t stored;

	if (!writer->count)
		return 0;
	chunk = new_chunk(writer);
	if (!chunk)
		return error_set(err, ENOMEM, "out of memory");
	stored = codec_find(CODEC_ZSTD)
			 ->compress(writer->codec, writer->packed, PACKED_MAX, writer->pages, size);
	if (!stored)
		return error_set(err, EIO, "cannot compress");
	*chunk = (struct kept_chunk){ .offset = writer->end,
				      .stored = (uint32_t)stored,
				      .pages = writer->count,
				      .hash = XXH3_64bits(writer->pages, size) };
	writer->count = 0;
	return append(writer, writer->packed, stored, err);
}

static int add_page(struct writer *writer, uint64_t pfn, const void *page, struct error *err)
{
	static const unsigned char zeros[FRAME_SIZE];

	if (!memcmp(page, zeros, FRAME_SIZE))
		return 0;
	if (runs_add(&writer->runs, pfn, 1))
		return error_set(err, ENOMEM, "out of memory");
	memcpy(writer->pages + writer->count++ * (size_t)FRAME_SIZE, page, FRAME_SIZE);
	return writer->count == IMAGE_CHUNK_PAGES ? flush(writer, err) : 0;
}

static int add_frames(struct writer *writer, const struct runs *frames, kept_page page,
		      void *context, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < frames->n; i++) {
		for (uint64_t k = 0; !ret && k < frames->v[i].count; k++) {
			const uint64_t pfn = frames->v[i].pfn + k;
			const void *bytes = page(context, pfn, err);

			ret = bytes ? add_page(writer, pfn, bytes, err) : -err->code;
		}
	}
	return ret ? ret : flush(writer, err);
}

/* The head comes last: a file without one is none. */
static int finish(struct writer *writer, const struct kept_identity *identity, struct error *err)
{
	struct kept_head head = { .magic = KEPT_MAGIC,
				  .version = KEPT_VERSION,
				  .abi = ABI_VERSION,
				  .created = (uint64_t)time(NULL),
				  .identity = *identity,
				  .lists = writer->end,
				  .run_count = writer->runs.n,
				  .chunk_count = writer->chunk_count };
	const size_t runs_size = writer->runs.n * sizeof(*writer->runs.v);
	const size_t chunks_size = writer->chunk_count * sizeof(*writer->chunks);
	uint64_t size;
	int ret;

	if (!writer->chunk_count)
		return error_set(err, ENODATA, "nothing to write");
	head.lists_hash = XXH3_64bits_withSeed(writer->chunks, chunks_size,
					       XXH3_64bits(writer->runs.v, runs_size));
	head.crc = crc32c(0, &head, sizeof(head));
	ret = append(writer, writer->runs.v, runs_size, err);
	if (!ret)
		ret = append(writer, writer->chunks, chunks_size, err);
	size = writer->end;
	writer->end = 0;
	if (!ret)
		ret = append(writer, &head, sizeof(head), err);
	writer->end = size;
	if (!ret && fsync(writer->fd))
		ret = error_errno(err, "cannot flush");
	return ret;
}

static int begin(struct writer *writer, const char *path, struct error *err)
{
	unlink(path);
	writer->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (writer->fd < 0)
		return error_errno(err, "cannot make it");
	writer->end = KEPT_SIZE;
	writer->codec = codec_context_create(LEVEL);
	writer->pages = malloc(CHUNK_SIZE);
	writer->packed = malloc(PACKED_MAX);
	if (!writer->codec || !writer->pages || !writer->packed)
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

static void end(struct writer *writer)
{
	if (writer->fd >= 0)
		close(writer->fd);
	codec_context_free(writer->codec);
	free(writer->pages);
	free(writer->packed);
	free(writer->chunks);
	runs_free(&writer->runs);
}

static int put_in_place(const char *beside, const char *path, struct error *err)
{
	char copy[PATH_MAX];
	int fd, ret = 0;

	if (rename(beside, path))
		return error_errno(err, "cannot rename it");
	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		ret = error_errno(err, "cannot flush its directory");
	if (fd >= 0)
		close(fd);
	return ret;
}

int kept_write(const char *path, const struct kept_identity *identity, const struct runs *frames,
	       kept_page page, void *context, uint64_t *size, struct error *err)
{
	struct writer writer = { .fd = -1 };
	char beside[PATH_MAX];
	int ret;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return error_set(err, ENAMETOOLONG, "%s: path too long", path);
	ret = begin(&writer, beside, err);
	if (!ret)
		ret = add_frames(&writer, frames, page, context, err);
	if (!ret)
		ret = finish(&writer, identity, err);
	*size = writer.end;
	end(&writer);
	if (!ret)
		ret = put_in_place(beside, path, err);
	if (ret) {
		unlink(beside);
		return error_prefix(err, "%s", path);
	}
	return 0;
}
