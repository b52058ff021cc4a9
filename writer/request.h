/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answering the request in kernel A's mailbox.
 */
#ifndef WRITER_REQUEST_H
#define WRITER_REQUEST_H

#include "memory/memory.h"

/* Exit codes of kjump-write: what kernel B's init is to do next. */
enum write_exit {
	WRITE_OFF = 0,	      /* saved: power off */
	WRITE_FAILED = 1,     /* not saved, the mailbox says why: jump back */
	WRITE_USAGE = 2,      /* wrong usage */
	WRITE_NO_REQUEST = 5, /* no valid request, nothing was written anywhere: jump back */
	WRITE_BACK = 10,      /* saved, or a dry run that went well: jump back */
};

/* How long the disks may take to appear; they are probed while user space runs. */
#define REQUEST_WAIT_MS 10000

/*
 * Find the handoff area by the kernel command line at path CMDLINE, do what the mailbox asks and
 * store the outcome there. Devices may take WAIT_MS to appear. While it saves, q or Esc at one of
 * the terminals that the file CONSOLES lists stops it; NULL = none.
 */
enum write_exit request_answer(struct memory *memory, const char *cmdline, const char *consoles,
			       unsigned wait_ms);

/*
 * For a writer that ended without saying what it did (killed, crashed): mark what would be restored
 * at the next boot as stale, be it committed or not, because A goes on; and where A has no answer
 * yet, answer that the writer ended with STATUS (of the shell). Returns WRITE_FAILED, or
 * WRITE_NO_REQUEST when there is no mailbox.
 */
enum write_exit request_abandon(struct memory *memory, const char *cmdline, const char *status,
				unsigned wait_ms);

#endif
