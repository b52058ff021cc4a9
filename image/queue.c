/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes in flight: a ring of filled buffers, a stack of empty ones, and the threads between. */
#include "image/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/clock.h"

struct pending {
	unsigned char *buffer;
	size_t size;
	uint64_t offset;
};

struct queue {
	const struct disk *disk;
	pthread_t threads[QUEUE_THREADS];
	unsigned thread_count;
	pthread_mutex_t lock;	/* for what follows */
	pthread_cond_t filled;	/* there is a request, or the end has come */
	pthread_cond_t emptied; /* a request is done */
	struct pending ring[QUEUE_BUFFERS];
	unsigned first, waiting; /* requests in the ring that no thread has taken */
	unsigned writing;	 /* requests that a thread has taken */
	unsigned char *empty[QUEUE_BUFFERS];
	unsigned empty_count;
	bool stop;
	struct error err; /* of the write that failed first */
	struct image_flow flow;
	uint64_t busy_since; /* valid while there are requests */
};

static bool is_idle(const struct queue *queue)
{
	return !queue->waiting && !queue->writing;
}

/* A request is done, or dropped. Called with the lock held. */
static void finish(struct queue *queue, const struct pending *pending, int code,
		   const struct error *err)
{
	queue->writing--;
	queue->empty[queue->empty_count++] = pending->buffer;
	if (code && !queue->err.code)
		queue->err = *err;
	if (!code)
		queue->flow.bytes += pending->size;
	if (is_idle(queue))
		queue->flow.busy += clock_now() - queue->busy_since;
	pthread_cond_broadcast(&queue->emptied);
}

static void *work(void *argument)
{
	struct queue *queue = argument;

	pthread_mutex_lock(&queue->lock);
	for (;;) {
		struct error err = { 0 };
		struct pending pending;
		int code;

		while (!queue->waiting && !queue->stop)
			pthread_cond_wait(&queue->filled, &queue->lock);
		if (queue->stop)
			break;
		pending = queue->ring[queue->first];
		queue->first = (queue->first + 1) % QUEUE_BUFFERS;
		queue->waiting--;
		queue->writing++;
		/* After a failure the rest is of no use to anyone. */
		code = -queue->err.code;
		pthread_mutex_unlock(&queue->lock);
		if (!code && queue->disk)
			code = disk_write(queue->disk, pending.buffer, pending.size, pending.offset,
					  &err);
		pthread_mutex_lock(&queue->lock);
		finish(queue, &pending, code, &err);
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

int queue_create(const struct disk *disk, struct queue **ret, struct error *err)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	int code = 0;

	if (!queue)
		return error_set(err, ENOMEM, "no memory");
	queue->disk = disk;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->filled, NULL);
	pthread_cond_init(&queue->emptied, NULL);
	for (; queue->empty_count < QUEUE_BUFFERS; queue->empty_count++) {
		unsigned char *buffer = disk_buffer(QUEUE_BUFFER_BYTES);

		if (!buffer) {
			queue_free(queue);
			return error_set(err, ENOMEM, "no memory for the writes in flight");
		}
		queue->empty[queue->empty_count] = buffer;
	}
	while (queue->thread_count < QUEUE_THREADS && !code) {
		code = pthread_create(&queue->threads[queue->thread_count], NULL, work, queue);
		queue->thread_count += !code;
	}
	if (!queue->thread_count) {
		queue_free(queue);
		return error_set(err, code, "cannot start a thread");
	}
	*ret = queue;
	return 0;
}

int queue_write(struct queue *queue, unsigned char **buffer, size_t size, uint64_t offset,
		struct error *err)
{
	int code = 0;

	pthread_mutex_lock(&queue->lock);
	while (!queue->empty_count && !queue->err.code) {
		uint64_t start = clock_now();

		pthread_cond_wait(&queue->emptied, &queue->lock);
		queue->flow.waited += clock_now() - start;
	}
	if (queue->err.code) {
		*err = queue->err;
		code = -err->code;
	} else {
		unsigned last = (queue->first + queue->waiting) % QUEUE_BUFFERS;

		if (is_idle(queue))
			queue->busy_since = clock_now();
		queue->ring[last] = (struct pending){ *buffer, size, offset };
		queue->waiting++;
		*buffer = queue->empty[--queue->empty_count];
	}
	pthread_mutex_unlock(&queue->lock);
	/* Behind the lock, which the thread that wakes up wants first of all. */
	pthread_cond_signal(&queue->filled);
	return code;
}

int queue_drain(struct queue *queue, struct error *err)
{
	int code;

	pthread_mutex_lock(&queue->lock);
	while (!is_idle(queue))
		pthread_cond_wait(&queue->emptied, &queue->lock);
	code = -queue->err.code;
	if (code)
		*err = queue->err;
	pthread_mutex_unlock(&queue->lock);
	return code;
}

void queue_flow(struct queue *queue, struct image_flow *ret)
{
	pthread_mutex_lock(&queue->lock);
	*ret = queue->flow;
	if (!is_idle(queue))
		ret->busy += clock_now() - queue->busy_since;
	ret->fill = QUEUE_BUFFERS - queue->empty_count;
	pthread_mutex_unlock(&queue->lock);
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->stop = true;
	pthread_cond_broadcast(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
	for (unsigned i = 0; i < queue->thread_count; i++)
		pthread_join(queue->threads[i], NULL);
	while (queue->waiting--) {
		free(queue->ring[queue->first].buffer);
		queue->first = (queue->first + 1) % QUEUE_BUFFERS;
	}
	while (queue->empty_count)
		free(queue->empty[--queue->empty_count]);
	pthread_cond_destroy(&queue->emptied);
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}
