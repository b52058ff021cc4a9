/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/populate.h"

#include <pthread.h>
#include <unistd.h>

#define THREADS_MAX 16

/* Every STEP-th page from the first one on. */
struct share {
	volatile unsigned char *base;
	size_t size, page_size, step;
};

static void *touch(void *argument)
{
	const struct share *share = argument;

	for (size_t at = 0; at < share->size; at += share->page_size * share->step)
		share->base[at] = 0;
	return NULL;
}

void populate(void *base, size_t size, size_t page_size)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t threads = cpus < 1 ? 1 : cpus > THREADS_MAX ? THREADS_MAX : (size_t)cpus;
	struct share shares[THREADS_MAX];
	pthread_t ids[THREADS_MAX];
	size_t started = 0;

	if (threads > size / page_size)
		threads = size / page_size ? size / page_size : 1;
	for (size_t i = 0; i < threads; i++) {
		size_t offset = i * page_size;

		shares[i] = (struct share){ (unsigned char *)base + offset, size - offset,
					    page_size, threads };
	}
	/* The first share is this thread's own, and so is every one that no thread could be had
	 * for. */
	for (size_t i = 1; i < threads; i++) {
		if (pthread_create(&ids[started], NULL, touch, &shares[i]) == 0)
			started++;
		else
			touch(&shares[i]);
	}
	touch(&shares[0]);
	while (started)
		pthread_join(ids[--started], NULL);
}
