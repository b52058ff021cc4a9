/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saving a core file as an image: the core is the machine, and its VMCOREINFO all that it tells. */
#include "writer/dump.h"

#include <string.h>
#include <time.h>

#include "common/error.h"
#include "memory/core.h"
#include "memory/freepages.h"
#include "writer/output.h"
#include "writer/save.h"

struct dump {
	const struct write_options *options;
	struct memory *memory;
	struct core core;
	struct free_pages pages; /* to be left out */
	struct image_machine machine;
	struct output output;
};

/* Any doubt about which pages are free means that none is left out. */
static void find_free(struct dump *dump)
{
	static const struct runs no_home;
	struct error err = { 0 };

	if (dump->options->all)
		return;
	if (!dump->core.vmcoreinfo)
		message("%s: no VMCOREINFO note; saving free pages too", dump->options->vmcore);
	else if (free_pages_find(dump->memory, &dump->core.ram, &no_home, dump->core.vmcoreinfo, 0,
				 &dump->pages, &err))
		message("%s: free pages: %s; saving them all", dump->options->vmcore, err.text);
}

static void describe_machine(struct dump *dump)
{
	static const char key[] = "OSRELEASE=";
	struct image_machine *machine = &dump->machine;
	const char *text = dump->core.vmcoreinfo;

	machine->created = (uint64_t)time(NULL);
	/* The kernel writes it first. */
	if (text && !strncmp(text, key, strlen(key))) {
		size_t length = strcspn(text + strlen(key), "\n");

		if (length < sizeof(machine->release))
			memcpy(machine->release, text + strlen(key), length);
	}
}

static int save(struct dump *dump, struct save_result *result, struct error *err)
{
	const struct write_options *options = dump->options;
	const struct save_job job = {
		.memory = dump->memory,
		.disk = &dump->output.disk,
		.name = options->output,
		.kind = IMAGE_CORE,
		.level = options->level,
		.workers = options->workers,
		.quiet = options->quiet,
		.ram = &dump->core.ram,
		.free = &dump->pages.free,
		.untouchable = &dump->pages.untouchable,
		.machine = &dump->machine,
		.vmcoreinfo = dump->core.vmcoreinfo,
		.vmcoreinfo_size = dump->core.vmcoreinfo_size,
	};
	int r;

	r = output_open(&dump->output, options->output, dump->memory, runs_total(&dump->core.ram),
			options->force, err);
	if (r)
		return r;
	r = save_run(&job, result, err);
	if (!r)
		r = output_finish(&dump->output, &result->super, err);
	if (r)
		error_prefix(err, "%s", options->output);
	output_close(&dump->output, !r);
	return r;
}

int dump_run(const struct write_options *options)
{
	struct dump dump = { .options = options };
	struct save_result result = { 0 };
	struct error err = { 0 };
	int r;

	r = core_open(options->vmcore, &dump.memory, &dump.core, &err);
	if (!r) {
		describe_machine(&dump);
		find_free(&dump);
		r = save(&dump, &result, &err);
		free_pages_free(&dump.pages);
		core_free(&dump.core);
		memory_close(dump.memory);
	}
	if (r) {
		message("%s; not saved", err.text);
		return EXIT_FAILED;
	}
	if (!options->quiet)
		message("%s: saved %llu pages in %llu MiB; left out: %llu zero, %llu free, "
			"%llu untouchable",
			options->output, (unsigned long long)result.super.data_pages,
			(unsigned long long)(result.bytes >> 20),
			(unsigned long long)result.super.zero_pages,
			(unsigned long long)result.super.free_pages,
			(unsigned long long)result.super.untouchable_pages);
	return EXIT_DONE;
}
