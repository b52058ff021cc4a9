/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request from the command line. */
#include "writer/cmdline-request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "memory/parameter.h"

#define LEVEL 1 /* of zstd, as for requests that kjump makes */

static int read_operation(const char *cmdline, uint32_t *ret, struct error *err)
{
	char text[32];
	int r = memory_parameter(cmdline, "kjump.op", text, sizeof(text), err);

	if (r)
		return r;
	if (!strcmp(text, "hibernate"))
		*ret = OP_HIBERNATE;
	else if (!strcmp(text, "checkpoint"))
		*ret = OP_CHECKPOINT;
	else
		return error_set(err, EINVAL, "kjump.op=%s: neither checkpoint nor hibernate",
				 text);
	return 0;
}

/*
 * The kernel reserves what lies behind the end of its RAM up to the next multiple of 64 MiB, to
 * keep devices out, and lets nobody map it. It is A's.
 */
static int check_access(const char *cmdline, struct error *err)
{
	char text[32];

	if (memory_parameter(cmdline, "iomem", text, sizeof(text), err) || strcmp(text, "relaxed"))
		return error_set(err, EINVAL,
				 "no iomem=relaxed on the kernel command line, so not all memory "
				 "can be read");
	return 0;
}

int cmdline_request(const char *cmdline, struct mailbox *ret, struct error *err)
{
	struct request *request = &ret->request;
	int r;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->magic, MAILBOX_MAGIC, sizeof(ret->magic));
	ret->version = ABI_VERSION;
	ret->sequence = 1;
	r = check_access(cmdline, err);
	if (!r)
		r = read_operation(cmdline, &request->operation, err);
	if (!r)
		r = memory_parameter(cmdline, "kjump.target", request->target,
				     sizeof(request->target), err);
	if (r)
		return r;
	snprintf(request->target_name, sizeof(request->target_name), "%s", request->target);
	request->flags = REQUEST_SAVE_ALL;
	request->level = LEVEL;
	request->time = (uint64_t)time(NULL);
	return 0;
}
