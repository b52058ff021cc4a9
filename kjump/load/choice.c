/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kernel B to load, and how.
 */
#include "kjump/load/choice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/abi.h"
#include "kjump/load/home.h"
#include "kjump/load/kernel-file.h"
#include "kjump/paths.h"
#include "text/files.h"

/* More CPUs cost kernel B memory and time to start, and no disk is fast enough for them. */
#define CPUS_MAX 16

static bool take_if_there(char *ret, size_t size, const char *directory, const char *path)
{
	char candidate[512];

	snprintf(candidate, sizeof(candidate), "%s%s", directory, path);
	if (strlen(candidate) >= size || access(candidate, F_OK))
		return false;
	strcpy(ret, candidate);
	return true;
}

static int choose_kernel(const struct config *config, const char *root, const char *cmdline,
			 struct choice *choice, struct error *err)
{
	const size_t size = sizeof(choice->kernel);
	const char *file = strrchr(config->kernel, '/');
	struct utsname system;

	if (*config->kernel) {
		strcpy(choice->kernel, config->kernel);
		file = file ? file + 1 : config->kernel;
		if (!strncmp(file, "vmlinuz-", 8))
			snprintf(choice->release, sizeof(choice->release), "%s", file + 8);
		return 0;
	}
	if (uname(&system))
		return error_errno(err, "uname");
	snprintf(choice->release, sizeof(choice->release), "%s", system.release);
	if (kernel_file_find(root, system.release, cmdline, choice->kernel, size))
		return 0;
	return error_set(err, ENOENT,
			 "%s/vmlinuz-%s: no kernel to load, there or where boot loaders have them; "
			 "name one with --kernel",
			 PATH_BOOT, system.release);
}

/* Beside the general one there may be one with the modules of this kernel:
 * .../initramfs-6.12.1.img. */
static bool take_for_kernel(struct choice *choice, const char *root, const char *general)
{
	const char *dot = strrchr(general, '.');
	char path[512];

	if (!*choice->release)
		return false;
	snprintf(path, sizeof(path), "%.*s-%.200s%s", (int)(dot - general), general,
		 choice->release, dot);
	return take_if_there(choice->initramfs, sizeof(choice->initramfs), root, path);
}

static int choose_initramfs(const struct config *config, const char *root, struct choice *choice,
			    struct error *err)
{
	const size_t size = sizeof(choice->initramfs);

	if (*config->initramfs) {
		strcpy(choice->initramfs, config->initramfs);
		return 0;
	}
	if (take_for_kernel(choice, root, PATH_INITRAMFS_MADE) ||
	    take_for_kernel(choice, root, PATH_INITRAMFS) ||
	    take_for_kernel(choice, root, PATH_INITRAMFS_OF_PREFIX) ||
	    take_if_there(choice->initramfs, size, root, PATH_INITRAMFS) ||
	    take_if_there(choice->initramfs, size, root, PATH_INITRAMFS_OF_PREFIX))
		return 0;
	return error_set(err, ENOENT,
			 "%s: no initramfs to load; 'kjump initramfs' makes one, --initramfs names "
			 "one",
			 PATH_INITRAMFS);
}

int choice_files(const struct config *config, const char *root, const char *cmdline,
		 struct choice *ret, struct error *err)
{
	int status = choose_kernel(config, root, cmdline, ret, err);

	return status ? status : choose_initramfs(config, root, ret, err);
}

unsigned choice_cpus(const struct config *config)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned cpus = online < 1 ? 1 : online > CPUS_MAX ? CPUS_MAX : (unsigned)online;

	return config->workers && config->workers < cpus ? config->workers : cpus;
}

static int describe_file(const char *path, char *text, size_t size, struct error *err)
{
	struct stat stat_;

	if (stat(path, &stat_))
		return error_errno(err, "%s", path);
	if (!S_ISREG(stat_.st_mode))
		return error_set(err, EINVAL, "%s: not a file", path);
	snprintf(text, size, "%s %" PRIu64 " %" PRIu64 " %" PRId64 ".%09ld", path,
		 (uint64_t)stat_.st_ino, (uint64_t)stat_.st_size, (int64_t)stat_.st_mtim.tv_sec,
		 stat_.st_mtim.tv_nsec);
	return 0;
}

static int digest(struct choice *choice, struct error *err)
{
	char kernel[512], initramfs[512], text[4096];
	int length, ret;

	ret = describe_file(choice->kernel, kernel, sizeof(kernel), err);
	if (!ret)
		ret = describe_file(choice->initramfs, initramfs, sizeof(initramfs), err);
	if (ret)
		return ret;
	length = snprintf(text, sizeof(text), "%d\n%s\n%s\n%s\n%" PRIu64 "\n%" PRIu64, ABI_VERSION,
			  kernel, initramfs, choice->cmdline, choice->home, choice->home_more);
	choice->digest = XXH3_64bits(text, (size_t)length);
	return 0;
}

int choice_make(const struct config *config, struct choice *ret, struct error *err)
{
	char cmdline[CMDLINE_READ_SIZE];
	int status;

	memset(ret, 0, sizeof(*ret));
	ret->level = config->level;
	ret->home = config->home;
	ret->home_more = ret->home ? 0 : home_more(PATH_HOME_MORE);
	ret->always_boot = config->always_boot;
	ret->cpus = choice_cpus(config);
	status = file_read(PATH_CMDLINE, cmdline, sizeof(cmdline), err);
	if (!status)
		status = choice_files(config, "", cmdline, ret, err);
	if (!status)
		status = cmdline_for_b(cmdline, ret->cpus, config->cmdline, ret->cmdline,
				       sizeof(ret->cmdline), err);
	return status ? status : digest(ret, err);
}
