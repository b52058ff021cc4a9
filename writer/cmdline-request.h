/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The request of a kernel B that was started by hand: on its command line instead of in a mailbox.
 */
#ifndef WRITER_CMDLINE_REQUEST_H
#define WRITER_CMDLINE_REQUEST_H

#include "memory/memory.h"

/*
 * Fill RET, a mailbox of our own, from kjump.target= and kjump.op=checkpoint|hibernate in the
 * command line at path CMDLINE.
 */
int cmdline_request(const char *cmdline, struct mailbox *ret, struct error *err);

#endif
