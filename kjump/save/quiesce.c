/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running system around a jump.
 */
#include "kjump/save/quiesce.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/safe.h"
#include "kjump/paths.h"
#include "text/files.h"

#define ENTROPY_SIZE 64

const struct ledger_places quiesce_places = { PATH_SWITCHED, PATH_PROC, PATH_CPUS };

static int remember(struct quiesce *quiesce, const char *path)
{
	char *copy = strdup(path);

	if (quiesce->count == quiesce->capacity) {
		size_t capacity = quiesce->capacity ? 2 * quiesce->capacity : 32;
		char **larger = reallocarray(quiesce->wakeups, capacity, sizeof(*larger));

		if (larger) {
			quiesce->wakeups = larger;
			quiesce->capacity = capacity;
		}
	}
	if (!copy || quiesce->count == quiesce->capacity) {
		free(copy);
		return -ENOMEM;
	}
	quiesce->wakeups[quiesce->count++] = copy;
	return 0;
}

/* The device behind one wakeup source; most sources belong to no device that can be switched. */
static int disable_wakeup(struct quiesce *quiesce, const char *source, struct error *err)
{
	char link[PATH_MAX], path[PATH_MAX], text[32];
	struct error ignored = { 0 };

	/* The source goes away once it is switched off, so the name must be the device's own. */
	snprintf(link, sizeof(link), "%s/%s/device/power/wakeup", PATH_WAKEUP, source);
	if (!realpath(link, path) || file_read(path, text, sizeof(text), &ignored) ||
	    strcmp(text, "enabled"))
		return 0;
	if (remember(quiesce, path))
		return error_set(err, ENOMEM, "out of memory");
	ledger_wakeup(&quiesce->ledger, path);
	return file_poke(path, "disabled", err);
}

/*
 * A wake-up while devices freeze makes the jump fail, and kernels before 6.16.1 do not wake the
 * devices again then. Every device whose wake-up is enabled has a source in the class, which is
 * far quicker to walk than all of /sys/devices.
 */
static int disable_wakeups(struct quiesce *quiesce, struct error *err)
{
	DIR *directory = opendir(PATH_WAKEUP);
	const struct dirent *entry;
	int ret = 0;

	if (!directory)
		return 0;
	while (!ret && (entry = readdir(directory))) {
		if (*entry->d_name != '.')
			ret = disable_wakeup(quiesce, entry->d_name, err);
	}
	closedir(directory);
	return ret;
}

/*
 * While this file is open the kernel believes that user space hibernates the system: it told
 * drivers to prepare (firmware is cached, the hung-task detector off), and it lets nobody else.
 */
static int open_snapshot(struct quiesce *quiesce, struct error *err)
{
	int fd = open(PATH_SNAPSHOT, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		quiesce->snapshot = fd;
		return 0;
	}
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		message(PATH_SNAPSHOT ": not there; drivers are not told of the hibernation");
		return 0;
	case EBUSY:
		return error_set(err, EBUSY, PATH_SNAPSHOT ": another hibernation is under way");
	case EPERM:
		return error_set(err, EPERM,
				 PATH_SNAPSHOT ": this kernel was told not to "
					       "hibernate (nohibernate, lockdown or "
					       "secret memory)");
	default:
		return error_errno(err, PATH_SNAPSHOT ": a driver refused to hibernate");
	}
}

static int park_cpus(struct quiesce *quiesce, struct error *err)
{
	int ret = affinity_save(&quiesce->affinity, PATH_PROC, err);

	if (!ret)
		ret = cpusets_save(&quiesce->cpusets, PATH_MOUNTS, err);
	if (!ret)
		ledger_cpus(&quiesce->ledger, PATH_CPUS, &quiesce->affinity);
	return ret ? ret : cpus_park(&quiesce->cpus, PATH_CPUS, err);
}

int quiesce_begin(struct quiesce *quiesce, bool park, struct error *err)
{
	sigset_t all;
	int ret;

	*quiesce = (struct quiesce){ .snapshot = -1 };
	/* First, lest a signal leaves behind a system with one CPU. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &quiesce->signals);
	ledger_begin(&quiesce->ledger, PATH_SWITCHED);
	ret = disable_wakeups(quiesce, err);
	if (!ret && park)
		ret = park_cpus(quiesce, err);
	if (!ret)
		ret = open_snapshot(quiesce, err);
	if (ret)
		return ret;
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		return error_errno(err, "cannot lock memory");
	return 0;
}

int quiesce_put_back(void)
{
	ledger_put_back(&quiesce_places);
	return 0;
}

void quiesce_wakeups_on(struct quiesce *quiesce)
{
	struct error err = { 0 };

	for (size_t i = 0; i < quiesce->count; i++) {
		if (file_poke(quiesce->wakeups[i], "enabled", &err))
			message("%s; its wake-up stays off", err.text);
		free(quiesce->wakeups[i]);
	}
	quiesce->count = 0;
}

void quiesce_end(struct quiesce *quiesce)
{

	munlockall();
	if (quiesce->snapshot >= 0)
		close(quiesce->snapshot);
	cpus_unpark(&quiesce->cpus, PATH_CPUS);
	/* A group's CPUs become those of its threads. */
	cpusets_restore(&quiesce->cpusets);
	affinity_restore(&quiesce->affinity, PATH_PROC);
	quiesce_wakeups_on(quiesce);
	free(quiesce->wakeups);
	ledger_end(&quiesce->ledger, PATH_SWITCHED);
	sigprocmask(SIG_SETMASK, &quiesce->signals, NULL);
	*quiesce = (struct quiesce){ .snapshot = -1 };
}

/* Two restores of one image must not go on with the same random numbers. */
static int stir(const uint8_t *entropy, struct error *err)
{
	union {
		struct rand_pool_info info;
		uint8_t bytes[sizeof(struct rand_pool_info) + ENTROPY_SIZE];
	} pool = { .info = { .entropy_count = 8 * ENTROPY_SIZE, .buf_size = ENTROPY_SIZE } };
	int fd = open(PATH_RANDOM, O_RDWR | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return error_errno(err, PATH_RANDOM);
	memcpy(pool.bytes + offsetof(struct rand_pool_info, buf), entropy, ENTROPY_SIZE);
	if (ioctl(fd, RNDADDENTROPY, &pool) || ioctl(fd, RNDRESEEDCRNG))
		ret = error_errno(err, PATH_RANDOM);
	explicit_bzero(&pool, sizeof(pool));
	close(fd);
	return ret;
}

/* Turn the switch at PATH from FROM to the other way and back, if that is how it stands. */
static void toggle(const char *path, const char *from, const char *through)
{
	struct error err = { 0 };
	char text[32];

	if (file_read(path, text, sizeof(text), &err) || strcmp(text, from))
		return;
	if (file_poke(path, through, &err) || file_poke(path, from, &err))
		message("%s; it should be '%s'", err.text, from);
}

void quiesce_recover(const uint8_t entropy[64])
{
	struct error err = { 0 };

	if (!safe_is_zero(entropy, ENTROPY_SIZE) && stir(entropy, &err))
		message("%s; the random pool was not stirred", err.text);
	cpus_wake_offline(PATH_CPUS);
	/* CPU 0 lost its performance counters. */
	toggle(PATH_NMI_WATCHDOG, "1", "0");
}
