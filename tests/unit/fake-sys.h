/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree like /sys, made of files and links below a directory of its own. */
#ifndef TESTS_FAKE_SYS_H
#define TESTS_FAKE_SYS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAKE_SYS_PATH 32

static inline void fake_sys_make(char root[FAKE_SYS_PATH])
{
	strcpy(root, "/tmp/kjump-test-XXXXXX");
	assert_non_null(mkdtemp(root));
}

static inline void fake_sys_remove(const char *root)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

/* Where NAME lies; until the next call. */
static inline char *fake_sys_place(const char *root, const char *name)
{
	static char path[900];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

/* The directories on the way to PATH. */
static inline void fake_sys_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
}

__attribute__((format(printf, 3, 4))) static inline void
fake_sys_file(const char *root, const char *text, const char *format, ...)
{
	char name[800], path[900];
	va_list arguments;
	FILE *file;

	va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	snprintf(path, sizeof(path), "%s/%s", root, name);
	fake_sys_parents(path);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A link NAME to TARGET, both below ROOT; the directory TARGET is made. */
static inline void fake_sys_link(const char *root, const char *name, const char *target)
{
	char from[1200], to[1200];

	snprintf(from, sizeof(from), "%s/%s", root, name);
	snprintf(to, sizeof(to), "%s/%s/", root, target);
	fake_sys_parents(from);
	fake_sys_parents(to);
	to[strlen(to) - 1] = '\0';
	assert_int_equal(symlink(to, from), 0);
}

/* A PCI function; IDS is "vendor device subvendor subdevice class revision". */
static inline void fake_sys_pci(const char *root, const char *address, const char *ids,
				const char *driver, const char *resource)
{
	static const char *const names[] = { "vendor",		 "device", "subsystem_vendor",
					     "subsystem_device", "class",  "revision" };
	char words[6][32] = { "" }, link[128], target[128];

	assert_int_equal(sscanf(ids, "%31s %31s %31s %31s %31s %31s", words[0], words[1], words[2],
				words[3], words[4], words[5]),
			 6);
	for (int i = 0; i < 6; i++)
		fake_sys_file(root, words[i], "bus/pci/devices/%s/%s", address, names[i]);
	fake_sys_file(root, resource, "bus/pci/devices/%s/resource", address);
	if (driver) {
		snprintf(link, sizeof(link), "bus/pci/devices/%s/driver", address);
		snprintf(target, sizeof(target), "bus/pci/drivers/%s", driver);
		fake_sys_link(root, link, target);
	}
}

/* A disk NAME whose block device lies at DEVICE/block/NAME, as most drivers have it. */
static inline void fake_sys_disk(const char *root, const char *name, const char *device,
				 const char *sectors)
{
	char block[600], link[700];

	snprintf(block, sizeof(block), "devices/%s/block/%s", device, name);
	fake_sys_file(root, sectors, "%s/size", block);
	snprintf(link, sizeof(link), "%s/device", block);
	snprintf(block, sizeof(block), "devices/%s", device);
	fake_sys_link(root, link, block);
	snprintf(block, sizeof(block), "devices/%s/block/%s", device, name);
	snprintf(link, sizeof(link), "class/block/%s", name);
	fake_sys_link(root, link, block);
}

#endif
