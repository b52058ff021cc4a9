/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump-write: run by kernel B's init; saves kernel A's memory as the mailbox asks. Saves core
 * files as well, on any machine.
 */
#include <malloc.h>

#include "common/descriptors.h"
#include "common/error.h"
#include "memory/memory.h"
#include "writer/dump.h"
#include "writer/options.h"
#include "writer/request.h"

static enum write_exit answer_mailbox(const struct write_options *options)
{
	struct memory *memory = NULL;
	struct error err = { 0 };
	enum write_exit status;

	if (memory_open("/dev/mem", &memory, &err)) {
		message("%s; no request, nothing written", err.text);
		return WRITE_NO_REQUEST;
	}
	if (options->died)
		status = request_abandon(memory, "/proc/cmdline", options->died, REQUEST_WAIT_MS);
	else
		status = request_answer(memory, "/proc/cmdline", "/proc/consoles", REQUEST_WAIT_MS);
	memory_close(memory);
	return status;
}

int main(int argc, char **argv)
{
	struct write_options options;
	int status;

	descriptors_reserve();
	/*
	 * Lists of pages grow by doubling: with mmap() and mremap(), which move no bytes and give
	 * back what is freed. The library would come to take large blocks from its heap instead.
	 */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);

	status = write_options_parse(argc, argv, &options);

	if (status >= 0)
		return status;
	return options.vmcore ? dump_run(&options) : (int)answer_mailbox(&options);
}
