/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the bytes of a chunk are stored: one const struct a codec. */
#ifndef IMAGE_CODEC_H
#define IMAGE_CODEC_H

#include <stddef.h>
#include <stdint.h>

/* What the codecs need from one call to the next. Belongs to one thread. */
struct codec_context;
struct codec_context *codec_context_create(int level);			/* NULL: no memory */
void codec_context_set_level(struct codec_context *context, int level); /* from the next call on */
size_t codec_context_size(int level); /* bytes, once it has compressed a chunk */
void codec_context_free(struct codec_context *context);

struct codec {
	const char *name;
	/* Bytes written to OUT; 0 when they do not fit into ROOM. */
	size_t (*compress)(struct codec_context *context, void *out, size_t room, const void *in,
			   size_t size);
	/* Fill exactly SIZE bytes at OUT. Returns 0, or -EUCLEAN when IN does not hold those. */
	int (*decompress)(struct codec_context *context, void *out, size_t size, const void *in,
			  size_t stored);
};

/* The codec with this number (enum image_codec), NULL when there is none. */
const struct codec *codec_find(uint32_t id);

#endif
