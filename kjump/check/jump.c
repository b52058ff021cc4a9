/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of what this kernel and the next one jump by.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "jump/jump.h"
#include "kjump/check/checks.h"
#include "kjump/paths.h"
#include "text/files.h"

#define LINE_SIZE 4096

int check_permitted(struct preflight *preflight, struct error *note)
{
	(void)preflight;
	return jump_permitted(note);
}

int check_jump(struct preflight *preflight, struct error *note)
{
	enum jump_choice choice = preflight->config->jump;
	int ret = jump_supported(choice, note);
	char missing[256];

	if (ret == -EPERM)
		preflight->advice = strstr(note->text, "kexec_load_limit")
					    ? "boot anew, which begins the count again"
					    : "enroll the key that the module was signed with, or "
					      "switch Secure Boot off";
	if (ret)
		return ret;
	if (jump_choose(choice) != &jump_module)
		return error_set(note, 0, "by kexec");
	if (!jump_module_missing(missing, sizeof(missing)))
		return error_set(note, 0, "by the module");
	error_set(note, 0, "by the module, which does without %s: not found in this kernel",
		  missing);
	return PREFLIGHT_DOUBT;
}

/* Was the jump module built for the kernel whose modules.dep is at PATH? */
static bool has_module(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_SIZE];
	bool found = false;

	/* A line may be longer; then its beginning was looked at, and no rest has a colon. */
	while (file && !found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, ":")] = '\0';
		found = strstr(line, "/kjump.ko");
	}
	if (file)
		fclose(file);
	return found;
}

/* The kernel that was installed last, if it was after the running one. */
static bool find_newer(const struct preflight *preflight, const char *running, char *ret,
		       size_t size)
{
	char boot[CHECK_PATH_SIZE], path[CHECK_PATH_SIZE + 256];
	DIR *directory = opendir(check_path(preflight, PATH_BOOT, boot, sizeof(boot)));
	const struct dirent *entry;
	struct stat latest, stat_;
	bool found = false;

	snprintf(path, sizeof(path), "%s/vmlinuz-%s", boot, running);
	if (!directory)
		return false;
	if (!stat(path, &latest)) {
		while ((entry = readdir(directory))) {
			snprintf(path, sizeof(path), "%s/%.200s", boot, entry->d_name);
			if (strncmp(entry->d_name, "vmlinuz-", 8) || stat(path, &stat_) ||
			    stat_.st_mtim.tv_sec <= latest.st_mtim.tv_sec)
				continue;
			latest = stat_;
			snprintf(ret, size, "%.200s", entry->d_name + 8);
			found = true;
		}
	}
	closedir(directory);
	return found;
}

int check_next_kernel(struct preflight *preflight, struct error *note)
{
	char modules[CHECK_PATH_SIZE], path[CHECK_PATH_SIZE + 256], next[256];
	struct utsname system;

	check_path(preflight, PATH_LIB_MODULES, modules, sizeof(modules));
	if (uname(&system))
		return error_errno(note, "uname");
	/* Without a module for this one it is no way of jumping here. */
	snprintf(path, sizeof(path), "%s/%.200s/modules.dep", modules, system.release);
	if (!has_module(path) || !find_newer(preflight, system.release, next, sizeof(next)))
		return 0;
	snprintf(path, sizeof(path), "%s/%.200s/modules.dep", modules, next);
	if (has_module(path))
		return 0;
	error_set(note, 0, "%s was installed and has no jump module ('dkms autoinstall' builds it)",
		  next);
	return PREFLIGHT_DOUBT;
}
