/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Level "auto": the level of compression at which compressing and writing take the same time.
 *
 * What the present level costs and yields is measured all the time, and so is the device. How the
 * levels compare with each other is known beforehand, nearly enough; so each round can tell which
 * level would have been the fastest for it, and takes that one from there on. A device that is
 * faster than any compression gets the pages as they are.
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
	uint64_t time;	  /* nanoseconds that went by for each of the workers, added up */
	uint64_t waited;  /* of these, for the device */
	uint64_t written; /* bytes on the device */
	uint64_t busy;	  /* nanoseconds in which the device had something to do */
};

struct level_control {
	pthread_mutex_t lock;
	unsigned workers;
	uint64_t total;		  /* bytes to be saved, at most */
	uint64_t room;		  /* bytes that they may take */
	size_t step;		  /* the level, on the ladder */
	unsigned stored_rounds;	  /* in a row without compression */
	struct level_sums sums;	  /* now */
	struct level_sums before; /* when the round began */
	double device;		  /* smoothed: nanoseconds for each byte written */
	double cost;		  /* likewise: a worker's nanoseconds a byte in, at LEVEL_DEFAULT */
	double stored_cost;	  /* likewise, without compression; 0 = not tried yet */
	double yield;		  /* likewise: bytes out for each byte in, at LEVEL_DEFAULT */
};

/*
 * WORKERS threads compress up to TOTAL bytes, which have ROOM bytes on the device. A level at which
 * the rest would probably not fit is not taken, however fast it is.
 */
void level_init(struct level_control *control, unsigned workers, uint64_t total, uint64_t room);
void level_free(struct level_control *control);

/* The level to compress the next chunk with. Thread-safe. */
int level_now(struct level_control *control);

/*
 * One chunk of SIZE bytes more, TIME nanoseconds after the worker's last one. SUMS is what all
 * workers' sums are now, but for `in` and `time`, which are left alone. Thread-safe.
 */
void level_account(struct level_control *control, uint64_t size, uint64_t time,
		   const struct level_sums *sums);

#endif
