/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answering through A's mailbox: the outcome of the request, and the end of the kernel log of
 * whoever answers it.
 */
#include "memory/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <unistd.h>

#define SYSLOG_ACTION_READ_ALL 3

/* READ_ALL returns the newest records that fit; twice the room leaves whole lines to choose. */
#define LOG_READ_SIZE 8192

void memory_outcome_store(struct mailbox *mailbox, const struct outcome *outcome)
{
	mailbox->outcome = *outcome;
	/* A must never see the answer without the outcome. */
	__atomic_store_n(&mailbox->answered, mailbox->sequence, __ATOMIC_RELEASE);
}

/*
 * Linux: what is added (drivers/char/random.c, random_ioctl()) reaches generators that are ready
 * within a minute; RNDRESEEDCRNG has them take it at once. ENODATA: they are not ready yet, and
 * were made so by what was added.
 */
static int credit(const uint8_t bytes[REQUEST_ENTROPY], const char *random, struct error *err)
{
	struct {
		struct rand_pool_info info;
		uint8_t bytes[REQUEST_ENTROPY];
	} pool = { .info = { .entropy_count = 8 * REQUEST_ENTROPY, .buf_size = REQUEST_ENTROPY } };
	int fd = open(random, O_RDWR | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return error_errno(err, "%s", random);
	memcpy(pool.bytes, bytes, REQUEST_ENTROPY);
	if (ioctl(fd, RNDADDENTROPY, &pool) < 0)
		ret = error_errno(err, "%s: cannot add to it", random);
	else if (ioctl(fd, RNDRESEEDCRNG) < 0 && errno != ENODATA)
		ret = error_errno(err, "%s: cannot be seeded", random);
	explicit_bzero(&pool, sizeof(pool));
	close(fd);
	return ret;
}

int memory_entropy_take(struct mailbox *mailbox, const char *random, struct error *err)
{
	static const uint8_t none[REQUEST_ENTROPY];
	uint8_t *bytes = mailbox->request.entropy;
	int ret;

	if (!memcmp(bytes, none, sizeof(none)))
		return 0;
	ret = credit(bytes, random, err);
	if (!ret)
		explicit_bzero(bytes, sizeof(none));
	return ret;
}

size_t memory_log_tail(const char *log, size_t size, char *ret, size_t max)
{
	const char *start = log, *newline;

	if (size > max) {
		start = log + (size - max);
		/* The tail begins inside a line unless the byte before it ends one. */
		newline = memchr(start - 1, '\n', max + 1);
		if (newline && newline + 1 < log + size)
			start = newline + 1;
	}
	size -= (size_t)(start - log);
	memcpy(ret, start, size);
	return size;
}

int memory_log_store(struct mailbox *mailbox, struct error *err)
{
	struct outcome *outcome = &mailbox->outcome;
	char *log = malloc(LOG_READ_SIZE);
	int size, r = 0;

	outcome->log_size = 0;
	if (!log)
		return error_set(err, ENOMEM, "kernel log: out of memory");
	size = klogctl(SYSLOG_ACTION_READ_ALL, log, LOG_READ_SIZE);
	if (size < 0)
		r = error_errno(err, "cannot read the kernel log");
	else
		outcome->log_size = (uint32_t)memory_log_tail(log, (size_t)size, outcome->log,
							      sizeof(outcome->log));
	free(log);
	return r;
}
