/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding A without a handoff area.
 *
 * kexec-tools hands A's firmware map on as it is and restricts kernel B with memmap= parameters. So
 * the firmware map that this kernel shows is A's, and its own RAM is the home. The home lies at the
 * bottom of RAM, where A's vmcoreinfo and much of its kernel are, out of reach for B: nothing can
 * be found out about free pages.
 */
#include "memory/manual.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/safe.h"
#include "memory/entry.h"
#include "memory/parameter.h"
#include "memory/platform.h"

#define ENTRY_PARAMETER "kexec_jump_back_entry"
#define HOME_PARAMETER	"kjump.home"

#define HOME_ALIGN UINT64_C(0x200000)

const struct manual_paths manual_running = {
	.cmdline = "/proc/cmdline",
	.iomem = "/proc/iomem",
	.firmware = "/sys/firmware/memmap",
};

bool manual_started(const char *cmdline)
{
	struct error ignored;
	char text[64];

	return memory_parameter(cmdline, HOME_PARAMETER, text, sizeof(text), &ignored) == -ENOENT &&
	       memory_parameter(cmdline, ENTRY_PARAMETER, text, sizeof(text), &ignored) != -ENOENT;
}

static int find_entry(const char *cmdline, uint64_t *ret, struct error *err)
{
	char text[64], *end;
	int r = memory_parameter(cmdline, ENTRY_PARAMETER, text, sizeof(text), err);

	if (r)
		return r;
	errno = 0;
	*ret = strtoull(text, &end, 16);
	if (!isxdigit((unsigned char)*text) || errno || *end)
		return error_set(err, EINVAL, "%s=%s: no address", ENTRY_PARAMETER, text);
	return 0;
}

/* A never uses frame 0, where the firmware has its data. */
static int find_ram(const char *path, struct firmware_range **map, size_t *count, struct runs *ret,
		    struct error *err)
{
	struct run first = { 0, 1 };
	struct runs page0 = { .v = &first, .n = 1 }, all = { 0 };
	int r = memory_firmware_map(path, map, count, err);

	if (r)
		return r;
	r = memory_firmware_ram(*map, *count, &all);
	if (!r)
		r = runs_subtract(&all, &page0, ret);
	runs_free(&all);
	return r ? error_set(err, -r, "%s: unusable RAM map", path) : 0;
}

static int find_home(const char *iomem, const struct runs *ram, struct runs *ret, struct error *err)
{
	struct runs own = { 0 };
	uint64_t code;
	int r = memory_system_ram(iomem, &own, err);

	if (!r && runs_intersect(&own, ram, ret))
		r = error_set(err, ENOMEM, "home: out of memory");
	if (!r && runs_total(ret) == runs_total(ram))
		r = error_set(err, EINVAL,
			      "this kernel took all of the machine's memory; load it with "
			      "--pass-memmap-cmdline and --mem-max");
	if (!r)
		r = memory_iomem_start(iomem, "Kernel code", &code, err);
	if (!r && !runs_contain(ret, code >> FRAME_SHIFT))
		r = error_set(err, EINVAL,
			      "this kernel put itself into the memory of the machine that it is "
			      "to save; load it with nokaslr");
	runs_free(&own);
	return r;
}

/* The largest run of the home from a 2 MiB border on: there the code between the kernels goes. */
static int find_home_start(const struct runs *home, uint64_t *ret, struct error *err)
{
	uint64_t best = 0;

	for (size_t i = 0; i < home->n; i++) {
		uint64_t start = home->v[i].pfn << FRAME_SHIFT;
		uint64_t end = start + (home->v[i].count << FRAME_SHIFT);
		uint64_t aligned = safe_round_up(start, HOME_ALIGN);

		if (aligned + HEAD_SIZE <= end && end - aligned > best) {
			best = end - aligned;
			*ret = aligned;
		}
	}
	return best ? 0 : error_set(err, EINVAL, "this kernel has no 2 MiB of memory in one piece");
}

static int fill_lists(struct handoff *handoff, const struct runs *ram, const struct runs *home,
		      const struct firmware_range *map, size_t count, struct error *err)
{
	if (ram->n > HANDOFF_RAM_MAX || home->n > HANDOFF_HOME_MAX || count > HANDOFF_FIRMWARE_MAX)
		return error_set(err, E2BIG, "memory map of more ranges than can be handled");
	memcpy(handoff->ram, ram->v, ram->n * sizeof(*ram->v));
	memcpy(handoff->home, home->v, home->n * sizeof(*home->v));
	memcpy(handoff->firmware, map, count * sizeof(*map));
	handoff->ram_count = (uint32_t)ram->n;
	handoff->home_count = (uint32_t)home->n;
	handoff->firmware_count = (uint32_t)count;
	return 0;
}

int manual_handoff(struct memory *memory, const struct manual_paths *paths,
		   struct handoff_view *ret, struct error *err)
{
	struct handoff *handoff = calloc(1, sizeof(*handoff));
	struct live_page *live = calloc(1, sizeof(*live));
	struct runs ram = { 0 }, home = { 0 };
	struct firmware_range *map = NULL;
	size_t count = 0;
	int r;

	*ret = (struct handoff_view){ .handoff = handoff, .live = live, .manual = true };
	if (!handoff || !live)
		return error_set(err, ENOMEM, "out of memory");
	strcpy(handoff->release, "unknown");
	r = find_entry(paths->cmdline, &live->entry, err);
	if (!r)
		r = find_ram(paths->firmware, &map, &count, &ram, err);
	if (!r)
		r = find_home(paths->iomem, &ram, &home, err);
	if (!r)
		r = find_home_start(&home, &handoff->home_start, err);
	if (!r)
		r = memory_check_entry(memory, live->entry, &ram, &home, err);
	if (!r)
		r = fill_lists(handoff, &ram, &home, map, count, err);
	if (!r)
		r = platform_describe(handoff, err);
	runs_free(&ram);
	runs_free(&home);
	free(map);
	return r ? error_prefix(err, "kernel B started by hand") : 0;
}

void manual_free(struct handoff_view *view)
{
	if (view->manual) {
		free((void *)view->handoff);
		free(view->live);
	}
	*view = (struct handoff_view){ 0 };
}

int manual_or_handoff(struct memory *memory, const struct manual_paths *paths,
		      struct handoff_view *ret, struct error *err)
{
	uint64_t home = 0;
	int r;

	if (manual_started(paths->cmdline))
		return manual_handoff(memory, paths, ret, err);
	r = memory_home_address(paths->cmdline, &home, err);
	return r ? r : memory_handoff(memory, home, ret, err);
}
