/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saving a core file as an image: the core is the machine, and its VMCOREINFO all that it tells. */
#include "writer/dump.h"

#include <string.h>
#include <time.h>

#include "common/error.h"
#include "memory/core.h"
#include "memory/freepages.h"
#include "seal/aead.h"
#include "writer/output.h"
#include "writer/save.h"

struct dump {
	const struct write_options *options;
	struct memory *memory;
	struct core core;
	struct free_pages pages; /* to be left out */
	struct image_machine machine;
	struct output output;
	struct request_seal seal;
};

/* Any doubt about which pages are free means that none is left out. */
static void find_free(struct dump *dump)
{
	static const struct runs no_home;
	const struct frozen frozen = { .memory = dump->memory,
				       .ram = &dump->core.ram,
				       .home = &no_home };
	struct error err = { 0 };

	if (dump->options->all)
		return;
	if (!dump->core.vmcoreinfo)
		message("%s: no VMCOREINFO note; saving free pages too", dump->options->vmcore);
	else if (free_pages_find(&frozen, dump->core.vmcoreinfo, 0, &dump->pages, &err))
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

static const char *name(const struct write_options *options)
{
	return options->base ? options->base : options->output;
}

/* A key of its own for the image. */
static int make_seal(struct dump *dump, struct sender_key *sender, struct error *err)
{
	const struct write_options *options = dump->options;
	int r;

	if (!options->seal)
		return 0;
	keys_hide();
	r = keys_read_sender(options->seal, sender, err);
	return r ? r
		 : box_make(sender, options->cipher ? options->cipher : aead_best(), &dump->seal,
			    err);
}

/* Those of the images that are there, which may be its base. */
static int know_others(struct dump *dump, const struct sender_key *sender, struct error *err)
{
	struct image_super super;
	int r;

	if (!dump->options->seal || !dump->options->base)
		return 0;
	r = image_super_read(&dump->output.disk, &super, err);
	return r ? r : image_know_sealed(&super, sender, &dump->seal, err);
}

static int open_output(struct dump *dump, uint64_t pages, struct error *err)
{
	const struct write_options *options = dump->options;

	if (options->base)
		return output_open_base(&dump->output, options->base, dump->memory, pages,
					options->seal != NULL, err);
	return output_open(&dump->output, options->output, dump->memory, pages, options->force,
			   err);
}

/* To what is open, which is closed. */
static int save_opened(struct dump *dump, const struct save_job *job,
		       const struct sender_key *sender, struct save_result *result,
		       struct error *err)
{
	int r = know_others(dump, sender, err);

	if (!r)
		r = save_run(job, result, err);
	if (!r)
		r = output_finish(&dump->output, &result->super, err);
	if (r)
		error_prefix(err, "%s", job->name);
	output_close(&dump->output, !r);
	return r;
}

static int save(struct dump *dump, struct save_result *result, struct error *err)
{
	const struct write_options *options = dump->options;
	const struct save_job job = {
		.memory = dump->memory,
		.disk = &dump->output.disk,
		.name = name(options),
		.wish = { .any = true },
		.full = !options->base,
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
		.seal = options->seal ? &dump->seal : NULL,
	};
	struct sender_key sender = { .secret = { 0 } };
	/* First what may fail before anything is emptied. */
	int r = make_seal(dump, &sender, err);

	if (!r)
		r = open_output(dump, runs_total(&dump->core.ram), err);
	if (!r)
		r = save_opened(dump, &job, &sender, result, err);
	keys_wipe(&sender, sizeof(sender));
	keys_wipe(&dump->seal, sizeof(dump->seal));
	return r;
}

static void say_saved(const struct write_options *options, const struct save_result *result)
{
	const struct image_super *super = &result->super;

	message("%s: saved %llu pages in %llu MiB; left out: %llu zero, %llu free, %llu "
		"untouchable",
		name(options), (unsigned long long)super->data_pages,
		(unsigned long long)(result->bytes >> 20), (unsigned long long)super->zero_pages,
		(unsigned long long)super->free_pages,
		(unsigned long long)super->untouchable_pages);
	if (options->base && result->full[0])
		message("%s: not all pages were compared with the image before: %s", options->base,
			result->full);
	else if (options->base)
		message("%s: %llu pages are as in the image before", options->base,
			(unsigned long long)super->reused_pages);
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
		say_saved(options, &result);
	return EXIT_DONE;
}
