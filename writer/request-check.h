/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what stands in a mailbox a request? */
#ifndef WRITER_REQUEST_CHECK_H
#define WRITER_REQUEST_CHECK_H

#include "common/abi.h"
#include "common/error.h"

/* Operation, flags, counts and texts of the request, and the lists that belong to it; EINVAL. */
int request_check(const struct mailbox *mailbox, struct error *err);

#endif
