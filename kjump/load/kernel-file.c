/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a kernel's file is.
 */
#include "kjump/load/kernel-file.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jump/pe.h"
#include "text/cmdline.h"
#include "text/files.h"

#define PATH_SIZE 512

/* The partitions that boot loaders read. */
static const char *const partitions[] = { "/boot", "/efi", "/boot/efi" };
#define PARTITION_COUNT (sizeof(partitions) / sizeof(*partitions))

/* One that this user may not read is another thing than none. */
static bool take(const char *path, char *ret, size_t size)
{
	if (strlen(path) >= size || access(path, F_OK))
		return false;
	strcpy(ret, path);
	return true;
}

static bool take_in(const char *root, const char *folder, const char *path, char *ret, size_t size)
{
	char full[PATH_SIZE];
	int length = snprintf(full, sizeof(full), "%s%s%s", root, folder, path);

	return length < (int)sizeof(full) && take(full, ret, size);
}

/* Call WANTED with each file that PATTERN finds until it takes one. */
static bool search(const char *root, const char *folder, const char *pattern,
		   bool (*wanted)(const char *root, const char *folder, const char *path,
				  const char *release, char *ret, size_t size),
		   const char *release, char *ret, size_t size)
{
	char full[PATH_SIZE];
	glob_t found = { 0 };
	bool taken = false;

	if (snprintf(full, sizeof(full), "%s%s%s", root, folder, pattern) >= (int)sizeof(full) ||
	    glob(full, 0, NULL, &found))
		return false;
	for (size_t i = 0; i < found.gl_pathc && !taken; i++)
		taken = wanted(root, folder, found.gl_pathv[i], release, ret, size);
	globfree(&found);
	return taken;
}

static bool any(const char *root, const char *folder, const char *path, const char *release,
		char *ret, size_t size)
{
	(void)root, (void)folder, (void)release;
	return take(path, ret, size);
}

static bool has_uname(const char *root, const char *folder, const char *path, const char *release,
		      char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char name[256];
	bool is = fd >= 0 && pe_section_text(fd, ".uname", name, sizeof(name)) &&
		  !strcmp(name, release);

	(void)root, (void)folder;
	if (fd >= 0)
		close(fd);
	return is && take(path, ret, size);
}

/* Value of KEY in the text of an entry: what follows the word, up to the end of the line. */
static bool entry_value(const char *text, const char *key, char *ret, size_t size)
{
	size_t length = strlen(key);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *value = line + strspn(line, " \t");
		size_t rest;

		if (strncmp(value, key, length) || !strchr(" \t", value[length]))
			continue;
		value += length + strspn(value + length, " \t");
		rest = strcspn(value, "\r\n");
		while (rest && strchr(" \t", value[rest - 1]))
			rest--;
		if (rest >= size)
			return false;
		memcpy(ret, value, rest);
		ret[rest] = '\0';
		return true;
	}
	return false;
}

/* Paths in an entry begin at the file system that the entry is on. */
static bool is_entry(const char *root, const char *folder, const char *path, const char *release,
		     char *ret, size_t size)
{
	char text[4096], version[256], file[256];
	struct error ignored = { 0 };

	if (file_read(path, text, sizeof(text), &ignored) ||
	    !entry_value(text, "version", version, sizeof(version)) || strcmp(version, release) ||
	    !(entry_value(text, "linux", file, sizeof(file)) ||
	      entry_value(text, "uki", file, sizeof(file)) ||
	      entry_value(text, "efi", file, sizeof(file))))
		return false;
	return take_in(root, folder, file, ret, size) || take_in(root, "", file, ret, size);
}

/* BOOT_IMAGE= is the boot loader's name: "(hd0,gpt2)/vmlinuz", relative to its own file system. */
static bool take_boot_image(const char *root, const char *cmdline, char *ret, size_t size)
{
	char value[256];
	const char *path = value;

	if (!cmdline_value(cmdline, "BOOT_IMAGE", value, sizeof(value)))
		return false;
	if (*path == '(')
		path += strcspn(path, "/");
	return *path == '/' &&
	       (take_in(root, "/boot", path, ret, size) || take_in(root, "", path, ret, size));
}

bool kernel_file_find(const char *root, const char *release, const char *cmdline, char *ret,
		      size_t size)
{
	char path[PATH_SIZE / 2];

	snprintf(path, sizeof(path), "/vmlinuz-%.200s", release);
	if (take_in(root, "/boot", path, ret, size))
		return true;
	snprintf(path, sizeof(path), "/lib/modules/%.200s/vmlinuz", release);
	if (take_in(root, "", path, ret, size) || take_in(root, "/usr", path, ret, size))
		return true;
	for (size_t i = 0; i < PARTITION_COUNT; i++) {
		snprintf(path, sizeof(path), "/*/%.200s/linux", release);
		if (search(root, partitions[i], path, any, release, ret, size))
			return true;
		snprintf(path, sizeof(path), "/vmlinuz-%.200s", release);
		if (take_in(root, partitions[i], path, ret, size))
			return true;
	}
	for (size_t i = 0; i < PARTITION_COUNT; i++) {
		if (search(root, partitions[i], "/loader/entries/*.conf", is_entry, release, ret,
			   size) ||
		    search(root, partitions[i], "/EFI/Linux/*.efi", has_uname, release, ret, size))
			return true;
	}
	return take_boot_image(root, cmdline, ret, size);
}
