/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Level "auto": the level of compression at which compressing and writing take the same time.
 *
 * What the present level costs and yields is measured all the time, and so is the device. How the
 * levels compare with each other is known beforehand, nearly enough; so each round can tell which
 * level would have been the fastest for it, and takes that one from there on.
 */
#ifndef WRITER_LEVEL_H
#define WRITER_LEVEL_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Sums since the start of the save, of all workers. */
struct level_sums {
	uint64_t in;	  /* bytes compressed */
	uint64_t out;	  /* bytes that came out */
	uint64_t cpu;	  /* nanoseconds of CPU time that this took */
	uint64_t written; /* bytes on the device */
	uint64_t busy;	  /* nanoseconds in which the device had something to do */
};

struct level_control {
	pthread_mutex_t lock;
	unsigned parallel;	  /* CPUs that compress at the same time */
	size_t step;		  /* the level, on the ladder */
	struct level_sums sums;	  /* now */
	struct level_sums before; /* when the round began */
	double device;		  /* smoothed: nanoseconds for each byte written */
	double cost;		  /* likewise: CPU nanoseconds for each byte in, at LEVEL_DEFAULT */
	double yield;		  /* likewise: bytes out for each byte in, at LEVEL_DEFAULT */
};

/* WORKERS threads compress, on CPUS processors. */
void level_init(struct level_control *control, unsigned workers, unsigned cpus);
void level_free(struct level_control *control);

/* The level to compress the next chunk with. Thread-safe. */
int level_now(struct level_control *control);

/*
 * One chunk more: IN bytes took CPU nanoseconds; OUT, WRITTEN and BUSY are sums of all workers so
 * far. Thread-safe.
 */
void level_account(struct level_control *control, uint64_t in, uint64_t cpu, uint64_t out,
		   uint64_t written, uint64_t busy);

#endif
