/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of the machine's memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jump/jump.h"
#include "kjump/check/checks.h"
#include "kjump/check/room.h"
#include "kjump/check/untouchable.h"
#include "kjump/load/loader.h"
#include "kjump/paths.h"
#include "memory/memory.h"
#include "text/files.h"
#include "text/human.h"
#include "text/meminfo.h"

/* Its memory is gone after a power-off, and the kernel's jump does not ask it. */
int check_virtio_mem(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], device[64];

	check_path(preflight, PATH_VIRTIO_MEM, path, sizeof(path));
	return file_find_entry(path, "virtio", device, sizeof(device))
		       ? error_set(note, EOPNOTSUPP, "this machine has virtio-mem memory")
		       : 0;
}

/* What /proc/kpageflags belongs to. */
#define PAGE_MONITOR_ADVICE "run a kernel with CONFIG_PROC_PAGE_MONITOR"

int check_untouchable(struct preflight *preflight, struct error *note)
{
	struct untouchable pages;
	int ret = untouchable_count(preflight->root, &pages, note);

	if (ret) {
		preflight->advice = PAGE_MONITOR_ADVICE;
		return ret;
	}
	if (pages.huge)
		return error_set(note, EUCLEAN,
				 "the huge page at %#" PRIx64
				 " has a memory error: it can be neither saved nor left out",
				 pages.huge);
	if (!pages.poisoned)
		return 0;
	error_set(note, 0, "%" PRIu64 " pages have memory errors; they are left out",
		  pages.poisoned);
	return PREFLIGHT_DOUBT;
}

/* Was all of [START, END) announced by the firmware's ACPI tables, so that another boot finds it?
 */
static bool is_announced(const struct preflight *preflight, uint64_t start, uint64_t end)
{
	char path[CHECK_PATH_SIZE], name[64], text[32];
	struct error ignored = { 0 };
	uint64_t block;

	check_path(preflight, PATH_MEMORY "/block_size_bytes", path, sizeof(path));
	block = file_read(path, text, sizeof(text), &ignored) ? 0 : strtoull(text, NULL, 16);
	if (!block)
		return false;
	for (uint64_t number = start / block; number * block < end; number++) {
		/* drivers/base/memory.c; acpi_bind_memory_blocks() makes the link. */
		snprintf(name, sizeof(name), PATH_MEMORY "/memory%" PRIu64 "/firmware_node",
			 number);
		if (access(check_path(preflight, name, path, sizeof(path)), F_OK))
			return false;
	}
	return true;
}

static int judge_added(const struct preflight *preflight, const struct runs *added,
		       struct error *note)
{
	uint64_t start = 0, end = 0;

	for (size_t i = 0; i < added->n; i++) {
		start = added->v[i].pfn << FRAME_SHIFT;
		end = start + (added->v[i].count << FRAME_SHIFT);
		if (!is_announced(preflight, start, end))
			return error_set(note, EOPNOTSUPP,
					 "System RAM at %#" PRIx64 "-%#" PRIx64
					 " was added by a driver after the boot: the next boot "
					 "will not have it",
					 start, end - 1);
	}
	if (!added->n)
		return 0;
	error_set(note, 0,
		  "System RAM at %#" PRIx64 "-%#" PRIx64
		  " was plugged in: the next boot must have it, too",
		  start, end - 1);
	return PREFLIGHT_DOUBT;
}

/* RAM that firmware did not give at boot: modules that were plugged in, or what a driver added. */
int check_added_memory(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE];
	struct runs ram = { 0 }, booted = { 0 }, added = { 0 };
	int ret = memory_system_ram(check_path(preflight, PATH_IOMEM, path, sizeof(path)), &ram,
				    note);

	if (!ret)
		ret = memory_boot_ram(check_path(preflight, PATH_BOOT_PARAMS, path, sizeof(path)),
				      &booted, note);
	if (!ret && runs_subtract(&ram, &booted, &added))
		ret = error_set(note, ENOMEM, "out of memory");
	if (ret)
		preflight->advice = "see that " PATH_IOMEM " and " PATH_BOOT_PARAMS " can be read";
	if (!ret)
		ret = judge_added(preflight, &added, note);
	runs_free(&ram);
	runs_free(&booted);
	runs_free(&added);
	return ret;
}

const char *home_advice(int code)
{
	switch (code) {
	case ENOMEM:
		return NULL;
	case ERANGE:
		return "in /etc/kjump.conf, make home larger, leave it out, or set another level";
	case EFBIG:
		return "set a lower level or fewer workers in /etc/kjump.conf, or give the machine "
		       "more memory";
	case E2BIG:
		return "shorten cmdline in /etc/kjump.conf";
	default:
		return "name a bzImage and kjump's initramfs in /etc/kjump.conf: kernel = FILE, "
		       "initramfs = FILE";
	}
}

int check_home(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], size[HUMAN_SIZE], left[HUMAN_SIZE];
	struct error ignored = { 0 };
	struct state state;
	struct meminfo memory;
	uint64_t available;
	int ret;

	if (jump_loaded() && !state_read(PATH_STATE, &state, &ignored)) {
		error_set(note, 0, "kernel B is loaded already");
		return 0;
	}
	ret = loader_place(preflight->config, &state, note);
	if (ret && access(PATH_KPAGEFLAGS, F_OK))
		preflight->advice = PAGE_MONITOR_ADVICE;
	else if (ret && home_advice(-ret))
		preflight->advice = home_advice(-ret);
	if (!ret && !state.reserved)
		ret = meminfo_read(check_path(preflight, PATH_MEMINFO, path, sizeof(path)), &memory,
				   note);
	if (ret)
		return ret;
	human_bytes(state.home_size, size);
	if (state.reserved) {
		error_set(note, 0, "%s reserved at boot", size);
		return 0;
	}
	/* Shadow pages are the kernel's, and those may not lie where only movable pages may. */
	available = meminfo_unmovable(&memory, memory.available);
	human_bytes(available, left);
	if (available < state.home_size + MAILBOX_SIZE)
		return error_set(note, ENOMEM, "kernel B needs %s, and %s are available", size,
				 left);
	error_set(note, 0, "%s of %s available", size, left);
	return 0;
}

/* The first of what the room is judged by that this user may not read; NULL for none. */
static const char *closed_source(const struct room_paths *paths)
{
	struct error why = { 0 };
	struct runs ram = { 0 };
	int fd = open(paths->footprint, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	else if (errno == EACCES)
		return paths->footprint;
	/* Where the boot measured nothing, what was plugged in since then counts. */
	if (fd < 0 && memory_system_ram(paths->iomem, &ram, &why) && why.code == EPERM)
		return paths->iomem;
	runs_free(&ram);
	return NULL;
}

int check_room(struct preflight *preflight, struct error *note)
{
	char meminfo[CHECK_PATH_SIZE], footprint[CHECK_PATH_SIZE];
	char iomem[CHECK_PATH_SIZE], boot[CHECK_PATH_SIZE], zones[CHECK_PATH_SIZE];
	const struct room_paths paths = {
		.meminfo = check_path(preflight, PATH_MEMINFO, meminfo, sizeof(meminfo)),
		.footprint = check_path(preflight, PATH_FOOTPRINT, footprint, sizeof(footprint)),
		.iomem = check_path(preflight, PATH_IOMEM, iomem, sizeof(iomem)),
		.boot_params = check_path(preflight, PATH_BOOT_PARAMS, boot, sizeof(boot)),
		.zoneinfo = check_path(preflight, PATH_ZONEINFO, zones, sizeof(zones)),
	};
	const char *closed = closed_source(&paths);
	struct state state = { 0 };
	struct error ignored = { 0 };

	if (closed)
		return check_closed(note, closed);
	/* Loading takes as much away as the home gives back, unless nothing is taken. */
	if ((!jump_loaded() || state_read(PATH_STATE, &state, &ignored)) &&
	    (loader_place(preflight->config, &state, &ignored) || !state.reserved))
		state.home_size = 0;
	return room_check(&paths, &state, note);
}
