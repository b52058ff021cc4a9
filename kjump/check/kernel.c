/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of the running kernel.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kjump/check/checks.h"
#include "kjump/paths.h"
#include "text/cmdline.h"
#include "text/files.h"

#define SECRET_MEMORY	    "/secretmem" /* what memfd_secret() made */
#define LIVE_UPDATE_SESSION "anon_inode:[luo_session]"

/* Does a link in the directory lead to something that begins with PREFIX? CLOSED is set when nobody
 * may look. */
static bool holds_link(const char *directory_path, const char *prefix, bool *closed)
{
	DIR *directory = opendir(directory_path);
	const struct dirent *entry;
	bool found = false;

	if (!directory) {
		*closed |= errno == EACCES || errno == EPERM;
		return false;
	}
	while (!found && (entry = readdir(directory))) {
		char target[64] = "";

		if (readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1) > 0)
			found = !strncmp(target, prefix, strlen(prefix));
	}
	closedir(directory);
	return found;
}

/* The same for what belongs to a process: its descriptors, or what it has mapped and closed. */
static bool process_holds(const struct preflight *preflight, const char *process,
			  const char *prefix, bool *closed)
{
	static const char *const directories[] = { "fd", "map_files" };
	char path[CHECK_PATH_SIZE], name[64];
	bool found = false;

	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories) && !found; i++) {
		snprintf(name, sizeof(name), "%s/%.16s/%s", PATH_PROC, process, directories[i]);
		found = holds_link(check_path(preflight, name, path, sizeof(path)), prefix, closed);
	}
	return found;
}

/*
 * Name and number of a process that holds a file whose name begins with PREFIX; false for none,
 * with CLOSED when there are some that this user may not look into.
 */
static bool find_holder(const struct preflight *preflight, const char *prefix, char *ret,
			size_t size, bool *closed)
{
	char path[CHECK_PATH_SIZE], file[64], name[64];
	DIR *directory = opendir(check_path(preflight, PATH_PROC, path, sizeof(path)));
	struct error ignored = { 0 };
	const struct dirent *entry;
	bool found = false;

	*closed = false;
	if (!directory)
		return false;
	while (!found && (entry = readdir(directory))) {
		found = isdigit((unsigned char)*entry->d_name) &&
			process_holds(preflight, entry->d_name, prefix, closed);
		if (!found)
			continue;
		snprintf(file, sizeof(file), "%s/%.16s/comm", PATH_PROC, entry->d_name);
		if (file_read(check_path(preflight, file, path, sizeof(path)), name, sizeof(name),
			      &ignored))
			strcpy(name, "?");
		snprintf(ret, size, "%s (%.16s)", name, entry->d_name);
	}
	closedir(directory);
	return found;
}

/* The kernel's own word: nohibernate, lockdown, CXL memory, and secret memory in use. */
int check_hibernation(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], text[256], process[128];
	struct error ignored = { 0 };
	bool closed;

	check_path(preflight, PATH_POWER_DISK, path, sizeof(path));
	if (file_read(path, text, sizeof(text), &ignored)) {
		error_set(note, 0,
			  "kernel without CONFIG_HIBERNATION: drivers are not told before they "
			  "freeze");
		return PREFLIGHT_DOUBT;
	}
	if (strcmp(text, "[disabled]"))
		return 0;
	if (find_holder(preflight, SECRET_MEMORY, process, sizeof(process), &closed))
		return error_set(note, EOPNOTSUPP,
				 "%s holds secret memory (memfd_secret), with which the kernel "
				 "does not hibernate",
				 process);
	return error_set(note, EOPNOTSUPP,
			 "the kernel was told not to hibernate (nohibernate, lockdown, secret "
			 "or CXL memory)");
}

/*
 * From 6.19 to 7.1 kernel_kexec() hands sessions of the live update orchestrator over to the kernel
 * it jumps into, also to one that comes back (liveupdate_reboot()).
 */
int check_live_update(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], release[128], process[128];
	unsigned major = 0, minor = 0;
	bool closed;
	int ret = file_read(check_path(preflight, PATH_OSRELEASE, path, sizeof(path)), release,
			    sizeof(release), note);

	if (ret)
		return ret;
	sscanf(release, "%u.%u", &major, &minor);
	if (!(major == 6 && minor >= 19) && !(major == 7 && minor <= 1))
		return 0;
	if (!find_holder(preflight, LIVE_UPDATE_SESSION, process, sizeof(process), &closed))
		return closed ? check_closed(note, "what processes of others hold") : 0;
	return error_set(note, EBUSY,
			 "%s holds a live update session, which the jump would hand over", process);
}

int check_cpu0(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], online[16];
	struct error absent = { 0 };

	check_path(preflight, PATH_CPU0_ONLINE, path, sizeof(path));
	/* No such file: a CPU that cannot be switched off. */
	if (!file_read(path, online, sizeof(online), &absent) && *online == '0')
		return error_set(note, EBUSY, "CPU 0 is offline; the jump needs it");
	return 0;
}
