/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The codecs: zstd, and none at all for what does not shrink. */
#include "image/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY /* for the estimate of a context's size */
#include <zstd.h>

#include "common/runs.h"
#include "image/format.h"

struct codec_context {
	ZSTD_CCtx *compressor;
	ZSTD_DCtx *decompressor;
};

struct codec_context *codec_context_create(int level)
{
	struct codec_context *context = calloc(1, sizeof(*context));

	if (!context)
		return NULL;
	context->compressor = ZSTD_createCCtx();
	context->decompressor = ZSTD_createDCtx();
	if (!context->compressor || !context->decompressor) {
		codec_context_free(context);
		return NULL;
	}
	codec_context_set_level(context, level);
	return context;
}

void codec_context_set_level(struct codec_context *context, int level)
{
	/* Cannot fail between two frames: zstd itself limits the level to what it knows. */
	ZSTD_CCtx_setParameter(context->compressor, ZSTD_c_compressionLevel, level);
}

size_t codec_context_size(int level)
{
	return ZSTD_estimateCCtxSize_usingCParams(
		ZSTD_getCParams(level, IMAGE_CHUNK_PAGES * FRAME_SIZE, 0));
}

void codec_context_free(struct codec_context *context)
{
	if (!context)
		return;
	ZSTD_freeCCtx(context->compressor);
	ZSTD_freeDCtx(context->decompressor);
	free(context);
}

static size_t zstd_compress(struct codec_context *context, void *out, size_t room, const void *in,
			    size_t size)
{
	size_t stored = ZSTD_compress2(context->compressor, out, room, in, size);

	return ZSTD_isError(stored) ? 0 : stored;
}

static int zstd_decompress(struct codec_context *context, void *out, size_t size, const void *in,
			   size_t stored)
{
	/* Exactly one frame: ZSTD_decompressDCtx() would take several in a row. */
	if (ZSTD_findFrameCompressedSize(in, stored) != stored)
		return -EUCLEAN;
	if (ZSTD_decompressDCtx(context->decompressor, out, size, in, stored) != size)
		return -EUCLEAN;
	return 0;
}

static size_t stored_compress(struct codec_context *context, void *out, size_t room, const void *in,
			      size_t size)
{
	(void)context;
	if (size > room)
		return 0;
	memcpy(out, in, size);
	return size;
}

static int stored_decompress(struct codec_context *context, void *out, size_t size, const void *in,
			     size_t stored)
{
	(void)context;
	if (stored != size)
		return -EUCLEAN;
	memcpy(out, in, size);
	return 0;
}

static const struct codec codecs[] = {
	[CODEC_STORED] = { "stored", stored_compress, stored_decompress },
	[CODEC_ZSTD] = { "zstd", zstd_compress, zstd_decompress },
};

const struct codec *codec_find(uint32_t id)
{
	return id < sizeof(codecs) / sizeof(codecs[0]) ? &codecs[id] : NULL;
}
