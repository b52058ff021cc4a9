/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answering through A's mailbox: the outcome of the request, and the end of the kernel log of
 * whoever answers it.
 */
#include "memory/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

#define SYSLOG_ACTION_READ_ALL 3

/* READ_ALL returns the newest records that fit; twice the room leaves whole lines to choose. */
#define LOG_READ_SIZE 8192

void memory_outcome_store(struct mailbox *mailbox, const struct outcome *outcome)
{
	mailbox->outcome = *outcome;
	/* A must never see the answer without the outcome. */
	__atomic_store_n(&mailbox->answered, mailbox->sequence, __ATOMIC_RELEASE);
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
