/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump load: have kernel B ready, so that the next jump is quicker.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/tsc-rate.h"
#include "jump/jump.h"
#include "kjump/load/finder.h"
#include "kjump/load/loader.h"
#include "kjump/options.h"
#include "kjump/paths.h"
#include "kjump/save/quiesce.h"
#include "kjump/save/rehearse.h"
#include "text/human.h"

static void print_loaded(const struct loader *loader, struct tsc_rate start)
{
	char size[HUMAN_SIZE];

	printf("kernel B %s%s: home %s at 0x%" PRIx64 "%s",
	       loader->load_start ? "loaded" : "is loaded already",
	       loader->load_start && loader->state.from_file ? " from " PATH_KEPT : "",
	       human_bytes(loader->state.home_size, size), loader->state.home_start,
	       loader->state.reserved ? ", reserved at boot" : "");
	if (loader->load_start)
		printf(", %.2f s", (double)(tsc_rate_begin().ns - start.ns) / 1e9);
	putchar('\n');
}

static int run(const struct options *options)
{
	struct tsc_rate start = tsc_rate_begin();
	struct error err = { 0 };
	struct loader loader;

	if (loader_lock(&err) || quiesce_put_back() || jump_supported(options->config.jump, &err) ||
	    rehearse_for_jump(&options->config, options->quiet, &err) ||
	    loader_ensure(&options->config, &loader, &err)) {
		message("%s; kernel B was not loaded", err.text);
		return EXIT_FAILED;
	}
	if (!options->quiet)
		print_loaded(&loader, start);
	if (loader.load_start)
		finder_tell(PATH_KCORE, PATH_IOMEM, PATH_ZONEINFO);
	loader_close(&loader);
	return EXIT_DONE;
}

const struct command cmd_load = {
	.name = "load",
	.summary = "load kernel B, so that the next jump is quicker",
	.operands = "",
	.about = "Load kernel B beside the running one. hibernate and checkpoint do it by\n"
		 "themselves when it is not loaded. Where the system jumps by kexec, it is frozen\n"
		 "once for practice.",
	.accepts = TAKES_LOAD | TAKES(REHEARSE),
	.run = run,
};
