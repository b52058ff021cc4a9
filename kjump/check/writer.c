/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check of kernel B's initramfs: is it newer than the modules of its kernel, and does it have what
 * the disks of this machine need?
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kjump/check/checks.h"
#include "kjump/check/initramfs.h"
#include "kjump/check/program.h"
#include "kjump/load/choice.h"
#include "kjump/paths.h"
#include "text/files.h"

/*
 * Start PROGRAM for the modules of the kernel in FOLDER: those that TARGET needs, or where it is ""
 * all disks of this machine. Returns where its output can be read.
 */
static int start(const char *program, const char *target, const char *folder, pid_t *pid)
{
	char *const all[] = { (char *)program, (char *)"--names", (char *)folder, NULL };
	char *const one[] = { (char *)program, (char *)"--names", (char *)"--target",
			      (char *)target,  (char *)folder,	  NULL };

	return program_start(*target ? one : all, pid);
}

/* The first name that STREAM has, one a line, and that MODULES, " a b c ", does not. */
static bool find_absent(FILE *stream, const char *modules, char *ret, size_t size)
{
	char line[128], word[132];
	bool found = false;

	while (fgets(line, sizeof(line), stream)) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(word, sizeof(word), " %s ", line);
		if (found || !*line || strstr(modules, word))
			continue;
		snprintf(ret, size, "%s", line);
		found = true;
	}
	return found;
}

/* Is there a driver that TARGET, or any disk, needs by the kernel in FOLDER, and MODULES lacks? */
static int lacks_driver(const struct preflight *preflight, const char *target, const char *folder,
			const char *modules, char *ret, size_t size, struct error *note)
{
	char program[CHECK_PATH_SIZE];
	bool absent;
	FILE *stream;
	pid_t pid;
	int status, output;

	check_path(preflight, PATH_FIND_MODULES, program, sizeof(program));
	output = start(program, target, folder, &pid);
	if (output < 0)
		return error_set(note, -output, "%s: %s", program, strerror(-output));
	stream = fdopen(output, "r");
	absent = stream && find_absent(stream, modules, ret, size);
	if (stream)
		fclose(stream);
	else
		close(output);
	waitpid(pid, &status, 0);
	if (!stream || !WIFEXITED(status) || WEXITSTATUS(status))
		return error_set(note, EIO, "%s: failed", program);
	return absent;
}

static int check_drivers_of(struct preflight *preflight, const struct choice *choice,
			    const char *folder, struct error *note)
{
	struct initramfs *content = calloc(1, sizeof(*content));
	struct error why = { 0 };
	char driver[128];
	int ret;

	if (!content)
		return error_set(note, ENOMEM, "out of memory");
	ret = initramfs_look(choice->initramfs, content, note);
	if (ret == -ENODATA || ret == -EUCLEAN)
		goto out;
	if (!ret && *preflight->disk.name)
		ret = lacks_driver(preflight, preflight_node(preflight), folder, content->modules,
				   driver, sizeof(driver), &why);
	else if (ret)
		why = *note;
	if (ret > 0) {
		ret = error_set(note, ESTALE, "%s: without %s, which the target needs",
				choice->initramfs, driver);
		goto out;
	}
	/* A stick that was plugged in since is no reason to refuse. */
	if (!ret)
		ret = lacks_driver(preflight, "", folder, content->modules, driver, sizeof(driver),
				   &why);
	if (ret < 0) {
		error_set(note, 0, "which drivers it needs cannot be told: %.150s", why.text);
		ret = PREFLIGHT_DOUBT;
	} else if (ret) {
		error_set(note, 0,
			  "%.160s: without %s, so no disk that needs it may be in use; 'kjump "
			  "initramfs' makes it anew",
			  choice->initramfs, driver);
		ret = PREFLIGHT_DOUBT;
	}
out:
	free(content);
	return ret;
}

int check_writer(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], folder[CHECK_PATH_SIZE], name[CHECK_PATH_SIZE];
	char cmdline[CMDLINE_READ_SIZE];
	struct stat initramfs, modules;
	struct choice choice = { 0 };
	int ret;

	ret = file_read(check_path(preflight, PATH_CMDLINE, path, sizeof(path)), cmdline,
			sizeof(cmdline), note);
	if (!ret)
		ret = choice_files(preflight->config, preflight->root, cmdline, &choice, note);
	if (ret && !*choice.kernel)
		preflight->advice = "name it in /etc/kjump.conf: kernel = FILE";
	if (ret)
		return ret;
	if (stat(choice.initramfs, &initramfs))
		return error_errno(note, "%s", choice.initramfs);
	snprintf(name, sizeof(name), "%s/%.120s", PATH_LIB_MODULES, choice.release);
	check_path(preflight, name, folder, sizeof(folder));
	snprintf(path, sizeof(path), "%.400s/modules.dep", folder);
	error_set(note, 0, "%s", choice.initramfs);
	/* A kernel without modules, or one that nobody knows. */
	if (!*choice.release || stat(path, &modules))
		return 0;
	ret = check_drivers_of(preflight, &choice, folder, note);
	if (ret || initramfs.st_mtim.tv_sec >= modules.st_mtim.tv_sec)
		return ret;
	error_set(note, 0, "%s is older than the modules of its kernel", choice.initramfs);
	return PREFLIGHT_DOUBT;
}
