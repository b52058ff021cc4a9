/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes in flight: filled buffers are handed over to threads that do nothing but write, so that
 * whoever filled them goes on at once, and several writes are under way on the device.
 */
#ifndef IMAGE_QUEUE_H
#define IMAGE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"

#define QUEUE_THREADS	   4
#define QUEUE_BUFFERS	   8 /* beside those that are being filled */
#define QUEUE_BUFFER_BYTES (IMAGE_CHUNK_PAGES * FRAME_SIZE)

struct queue;

/* DISK must outlive it; NULL: what is written goes nowhere. */
int queue_create(const struct disk *disk, struct queue **ret, struct error *err);

/*
 * Write the first SIZE bytes of *BUFFER (from disk_buffer(), QUEUE_BUFFER_BYTES) at OFFSET. The
 * buffer becomes the queue's, and *BUFFER an empty one in its place; waits until there is one.
 * Thread-safe. Fails, and leaves the buffer, once any write has failed.
 */
int queue_write(struct queue *queue, unsigned char **buffer, size_t size, uint64_t offset,
		struct error *err);

/* Wait until everything is written; the error of the write that failed first, if one did. */
int queue_drain(struct queue *queue, struct error *err);

/* How the device does so far. Thread-safe. */
void queue_flow(struct queue *queue, struct image_flow *ret);

/* Ends it; what is not yet under way is not written any more. */
void queue_free(struct queue *queue);

#endif
