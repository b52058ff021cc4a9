/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seal/pin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

/* Non-volatile, seen by boot services and at run time (UEFI, GetVariable()). */
#define ATTRIBUTES 0x7

/* As efivarfs has a variable in its file (Documentation/filesystems/efivarfs.rst). */
struct variable {
	uint32_t attributes;
	uint8_t image_uuid[16];
};

_Static_assert(sizeof(struct variable) == 20, "no padding in a variable");

/* Firmware has dozens of variables; a folder without any is where they would be mounted. */
static bool has_variables(const char *folder)
{
	DIR *dir = opendir(folder);
	bool found = false;
	struct dirent *entry;

	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return found;
}

void pin_mount(const char *folder)
{
	if (!has_variables(folder))
		(void)!mount("efivarfs", folder, "efivarfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			     NULL);
}

static int open_variable(const char *folder, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, PIN_NAME);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* The kernel protects all variables but well-known ones from being removed by mistake. */
static void unprotect(const char *folder)
{
	int fd = open_variable(folder, O_RDONLY), flags;

	if (fd < 0)
		return;
	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags) && flags & FS_IMMUTABLE_FL) {
		flags &= ~FS_IMMUTABLE_FL;
		(void)!ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	close(fd);
}

int pin_write(const char *folder, const uint8_t image_uuid[16], struct error *err)
{
	struct variable variable = { .attributes = ATTRIBUTES };
	ssize_t put;
	int fd;

	if (!has_variables(folder))
		return error_set(err, ENODEV, "%s: no variables of firmware", folder);
	memcpy(variable.image_uuid, image_uuid, sizeof(variable.image_uuid));
	unprotect(folder);
	fd = open_variable(folder, O_WRONLY | O_CREAT);
	/* All at once: each write is a call of the firmware's. */
	put = fd < 0 ? -1 : write(fd, &variable, sizeof(variable));
	if (put != (ssize_t)sizeof(variable))
		error_set(err, ENODEV, "%s: %s", PIN_NAME, strerror(errno));
	if (fd >= 0)
		close(fd);
	return put == (ssize_t)sizeof(variable) ? 0 : -ENODEV;
}

int pin_compare(const char *folder, const uint8_t image_uuid[16], struct error *err)
{
	struct variable variable;
	ssize_t got;
	int fd;

	if (!has_variables(folder))
		return error_set(err, ENODEV,
				 "this boot does not see the firmware's variables (efivarfs), so "
				 "that the image is the last one was not checked");
	fd = open_variable(folder, O_RDONLY);
	if (fd < 0 && errno != ENOENT)
		return error_set(err, ENODEV,
				 "%s: %s; that the image is the last one was not checked", PIN_NAME,
				 strerror(errno));
	got = fd < 0 ? 0 : read(fd, &variable, sizeof(variable));
	if (fd >= 0)
		close(fd);
	if (got == (ssize_t)sizeof(variable) &&
	    !memcmp(variable.image_uuid, image_uuid, sizeof(variable.image_uuid)))
		return 0;
	return error_set(
		err, ESTALE,
		"the image is not the last one that was made, by the firmware's memory: an "
		"older one was put back, or that memory was cleared; rd.kjump.force=older "
		"restores it all the same");
}

void pin_remove(const char *folder)
{
	char path[256];

	unprotect(folder);
	snprintf(path, sizeof(path), "%s/%s", folder, PIN_NAME);
	unlink(path);
}
