/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One freeze for practice, by the kernel's own hibernation.
 */
#include "kjump/save/rehearse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/suspend_ioctls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/signals.h"
#include "jump/jump.h"
#include "kjump/paths.h"
#include "kjump/save/culprit.h"
#include "kjump/save/quiesce.h"
#include "kjump/save/watchdogs.h"
#include "text/files.h"
#include "text/meminfo.h"

/* What the snapshot needs beside the copy of all that is in use, at least and as a share. */
#define SPARE	    (16ULL << 20)
#define SPARE_SHARE 64

/* Names of the modules and PCI devices; another set has not been rehearsed. */
static uint64_t digest_devices(void)
{
	XXH3_state_t *state = XXH3_createState();
	FILE *modules = fopen(PATH_MODULES, "re");
	DIR *devices = opendir(PATH_PCI_DEVICES);
	const struct dirent *entry;
	char name[128];
	uint64_t digest = 0;

	if (!state)
		goto out;
	XXH3_64bits_reset(state);
	while (modules && fscanf(modules, "%127s%*[^\n]", name) == 1)
		XXH3_64bits_update(state, name, strlen(name) + 1);
	while (devices && (entry = readdir(devices)))
		XXH3_64bits_update(state, entry->d_name, strlen(entry->d_name) + 1);
	digest = XXH3_64bits_digest(state);
out:
	XXH3_freeState(state);
	if (modules)
		fclose(modules);
	if (devices)
		closedir(devices);
	return digest;
}

/* The kernel copies all that is in use; it drops caches and swaps when that has no room. */
static bool has_room(void)
{
	struct error ignored = { 0 };
	struct meminfo memory;

	if (meminfo_read(PATH_MEMINFO, &memory, &ignored))
		return false;
	return memory.total - memory.free + 2 * (SPARE + memory.total / SPARE_SHARE) <
	       meminfo_unmovable(&memory, memory.free);
}

/* Freeze tasks and devices, switch CPUs off, copy memory, and take it all back. */
static int freeze(int snapshot, struct error *err)
{
	char size[32] = "", all[32];
	struct error ignored = { 0 };
	struct meminfo memory;
	int in_suspend, ret = 0;

	/* The kernel's default makes it drop caches until 2/5 of memory are left. */
	if (!meminfo_read(PATH_MEMINFO, &memory, &ignored) &&
	    !file_read(PATH_IMAGE_SIZE, size, sizeof(size), &ignored)) {
		snprintf(all, sizeof(all), "%" PRIu64, memory.total);
		file_poke(PATH_IMAGE_SIZE, all, &ignored);
	}
	if (ioctl(snapshot, SNAPSHOT_FREEZE, 0) ||
	    ioctl(snapshot, SNAPSHOT_CREATE_IMAGE, &in_suspend))
		ret = error_set(err, errno, "refused to freeze (%s)", strerror(errno));
	if (*size)
		file_poke(PATH_IMAGE_SIZE, size, &ignored);
	return ret;
}

/* Returns 0, EOPNOTSUPP or ENOMEM when it cannot be tried, or what a negative errno value says. */
static int try(struct error *err)
{
	struct watchdogs watchdogs = { .count = 0 };
	struct quiesce quiesce;
	int kmsg = culprit_watch();
	char culprit[CULPRIT_SIZE];
	bool tried = false;
	int ret;

	ret = quiesce_begin(&quiesce, true, err);
	if (!ret && quiesce.snapshot < 0) {
		ret = EOPNOTSUPP;
	} else if (!ret) {
		watchdogs_stop(&watchdogs);
		ret = freeze(quiesce.snapshot, err);
		tried = true;
	}
	/* Thaws everything, and only then the log can be read in peace. */
	quiesce_end(&quiesce);
	watchdogs_start(&watchdogs);
	if (ret == -ENOMEM)
		ret = ENOMEM;
	culprit_name(kmsg, culprit, sizeof(culprit));
	if (ret < 0 && tried)
		error_prefix(err, "%s", *culprit ? culprit : "a task or a device");
	return ret;
}

int rehearse(const struct config *config, bool quiet, struct error *err)
{
	char digest[32], done[32] = "";
	struct error ignored = { 0 };
	int ret;

	if (!config->rehearse)
		return 0;
	signals_ignore_pipe();
	snprintf(digest, sizeof(digest), "%016" PRIx64, digest_devices());
	if (!file_read(PATH_REHEARSED, done, sizeof(done), &ignored) && !strcmp(done, digest))
		return 0;
	ret = ENOMEM;
	if (has_room()) {
		if (!quiet)
			message("the system is frozen for a moment and taken back, for practice: "
				"once a "
				"boot (rehearse)");
		ret = try(err);
	}
	if (ret < 0)
		return ret;
	if (ret)
		message("the freeze is not rehearsed: %s; going on",
			ret == ENOMEM ? "more than half of the memory is in use"
				      : "this kernel has no CONFIG_HIBERNATION_SNAPSHOT_DEV");
	/* Memory may be less full the next time; another kernel will not be there. */
	return ret == ENOMEM ? 0 : file_replace(PATH_REHEARSED, digest, err);
}

int rehearse_for_jump(const struct config *config, bool quiet, struct error *err)
{
	return jump_choose(config->jump) == &jump_module ? 0 : rehearse(config, quiet, err);
}
