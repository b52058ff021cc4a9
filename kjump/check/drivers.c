/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of devices: whether their drivers let them sleep, and wake them up again.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jump/backend.h"
#include "kjump/check/checks.h"
#include "kjump/paths.h"
#include "text/files.h"

/*
 * Drivers whose freeze callback always fails; a device is a link with the prefix. They are not
 * left to the rehearsal, which they do not survive themselves: a mounted virtiofs is dead after it.
 */
static const struct {
	const char *path, *prefix, *name;
} refusing[] = {
	{ PATH_VIRTIO_DRIVERS "/virtiofs", "virtio", "virtiofs" },
};

/*
 * Free page reporting goes on while devices sleep: virtballoon_freeze() takes the queues away and
 * leaves page_reporting_process() at work with them. Later versions put it into a workqueue that is
 * frozen together with the kernel threads, which the module does and kernel_kexec() does not.
 */
bool check_reporting_freezes(const char *version)
{
	const char *debian = strstr(version, " Debian "); /* which says 6.1.0 for any 6.1 */
	unsigned major = 0, minor = 0, patch = 0;

	if (debian)
		sscanf(debian, " Debian %u.%u.%u", &major, &minor, &patch);
	else
		sscanf(version, "Linux version %u.%u.%u", &major, &minor, &patch);
	/* Looked up in mm/page_reporting.c of these; nothing is taken for granted of others. */
	return major == 6 && ((minor == 1 && patch >= 192) || (minor == 12 && patch >= 117));
}

static bool reporting_sleeps(struct preflight *preflight)
{
	const struct jump_backend *backend = jump_choose(preflight->config->jump);
	char path[CHECK_PATH_SIZE], version[512];
	struct error ignored = { 0 };

	return backend == &jump_module && backend->parks_cpus() &&
	       !file_read(check_path(preflight, "/proc/version", path, sizeof(path)), version,
			  sizeof(version), &ignored) &&
	       check_reporting_freezes(version);
}

#define BALLOON_DRIVER	  PATH_VIRTIO_DRIVERS "/virtio_balloon"
#define BALLOON_REPORTING 5 /* VIRTIO_BALLOON_F_REPORTING */

static bool reports_pages(const struct preflight *preflight, char *device, size_t size)
{
	char path[CHECK_PATH_SIZE], name[128], features[128];
	struct error ignored = { 0 };

	if (!file_find_entry(check_path(preflight, BALLOON_DRIVER, path, sizeof(path)), "virtio",
			     device, size))
		return false;
	snprintf(name, sizeof(name), BALLOON_DRIVER "/%s/features", device);
	return !file_read(check_path(preflight, name, path, sizeof(path)), features,
			  sizeof(features), &ignored) &&
	       strlen(features) > BALLOON_REPORTING && features[BALLOON_REPORTING] == '1';
}

int check_drivers(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], device[64];

	if (reports_pages(preflight, device, sizeof(device)) && !reporting_sleeps(preflight))
		return error_set(note, EOPNOTSUPP,
				 "virtio_balloon (%s) reports free pages even while devices sleep; "
				 "unbind it from its driver, or switch free page reporting off",
				 device);

	for (size_t i = 0; i < sizeof(refusing) / sizeof(*refusing); i++) {
		check_path(preflight, refusing[i].path, path, sizeof(path));
		if (file_find_entry(path, refusing[i].prefix, device, sizeof(device)))
			return error_set(note, EOPNOTSUPP,
					 "%s (%s) refuses to freeze; kernels before 6.16.1 do not "
					 "survive that",
					 refusing[i].name, device);
	}
	return 0;
}

/*
 * Drivers of virtio devices that freeze and restore in every kernel from 6.1 on, or that another
 * check names. Of the others the symbols tell.
 */
static const char *const sleeping[] = {
	"virtio_balloon",
	"virtio_blk",
	"virtio_console",
	"virtio_crypto",
	"virtio_input",
	"virtio_mem",
	"virtio_net",
	"virtio_rng",
	"virtio_rproc_serial",
	"virtio_scsi",
	"virtio_snd",
	"virtiofs",
	"vmw_vsock_virtio_transport",
};

static bool sleeps(const char *driver)
{
	for (size_t i = 0; i < sizeof(sleeping) / sizeof(*sleeping); i++) {
		if (!strcmp(driver, sleeping[i]))
			return true;
	}
	return false;
}

/* Has MODULE a function whose name ends with "_freeze"? Negative errno value: nobody may say. */
static int has_freeze(const struct preflight *preflight, const char *module)
{
	char path[CHECK_PATH_SIZE], line[512], wanted[80];
	FILE *file = fopen(check_path(preflight, PATH_KALLSYMS, path, sizeof(path)), "re");
	int found = 0;

	if (!file)
		return -errno;
	snprintf(wanted, sizeof(wanted), "[%.64s]", module);
	while (!found && fgets(line, sizeof(line), file)) {
		char name[256], owner[80];

		if (sscanf(line, "%*x %*c %255s %79s", name, owner) != 2 || strcmp(owner, wanted))
			continue;
		found = strlen(name) > strlen("_freeze") &&
			!strcmp(name + strlen(name) - strlen("_freeze"), "_freeze");
	}
	fclose(file);
	return found;
}

/* Is it a module's, and one without a way to sleep? Of what is built in nothing is known. */
static bool cannot_sleep(const struct preflight *preflight, const char *driver)
{
	char name[128], path[CHECK_PATH_SIZE], target[256] = "";
	const char *module;

	snprintf(name, sizeof(name), PATH_VIRTIO_DRIVERS "/%.60s/module", driver);
	if (readlink(check_path(preflight, name, path, sizeof(path)), target, sizeof(target) - 1) <
	    0)
		return false;
	module = strrchr(target, '/');
	return has_freeze(preflight, module ? module + 1 : target) == 0;
}

/*
 * virtio_device_restore() resets each device. A driver without callbacks (struct virtio_driver,
 * freeze and restore) does not hear of it, and its queues are gone.
 */
int check_asleep(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], name[128], device[64];
	DIR *directory = opendir(check_path(preflight, PATH_VIRTIO_DRIVERS, path, sizeof(path)));
	const struct dirent *entry;
	int ret = 0;

	if (!directory)
		return 0;
	while (!ret && (entry = readdir(directory))) {
		snprintf(name, sizeof(name), PATH_VIRTIO_DRIVERS "/%.60s", entry->d_name);
		if (*entry->d_name == '.' || sleeps(entry->d_name) ||
		    !file_find_entry(check_path(preflight, name, path, sizeof(path)), "virtio",
				     device, sizeof(device)) ||
		    !cannot_sleep(preflight, entry->d_name))
			continue;
		ret = error_set(note, EOPNOTSUPP,
				"%.60s (%s) cannot be put to sleep by this kernel and is dead "
				"after a jump",
				entry->d_name, device);
	}
	closedir(directory);
	return ret;
}

/*
 * Intel's IOMMUs are set up again by iommu_resume(), which drivers/iommu/intel/iommu.c has for
 * suspend to RAM alone. Without it all DMA of the devices behind them fails after a jump.
 */
int check_iommu(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], states[64], unit[64];
	struct error ignored = { 0 };

	check_path(preflight, PATH_CLASS_IOMMU, path, sizeof(path));
	if (!file_find_entry(path, "dmar", unit, sizeof(unit)))
		return 0;
	check_path(preflight, PATH_POWER_STATE, path, sizeof(path));
	if (!file_read(path, states, sizeof(states), &ignored) && strstr(states, "freeze"))
		return 0;
	return error_set(note, EOPNOTSUPP,
			 "this kernel was built without CONFIG_SUSPEND and does not set the IOMMU "
			 "(%s) up again; no disk behind it would work after a jump",
			 unit);
}
