/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a disk is connected. sysfs says it, but with the numbers that a kernel gives in the order
 * in which it finds controllers, and kernels A and C find them in different orders: those are left
 * out, or replaced by the number that the controller itself has for its port.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/attribute.h"
#include "disk/devices.h"

/* "0000:00:1f.2", as the kernel prints it (pci_setup_device). */
static bool is_pci_address(const char *word)
{
	unsigned domain, bus, device, function;
	int end = 0;

	return sscanf(word, "%x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) == 4 &&
	       !word[end];
}

/* Skip digits. */
static const char *behind_digits(const char *text)
{
	while (isdigit((unsigned char)*text))
		text++;
	return text;
}

/*
 * WORD without the number of the host, bus or instance in it: "host2", "usb1", "nvme0",
 * "mmc0:0001", "session3" (letters, then digits), "target2:0:0", "end_device-2:0" (before a colon),
 * "2:0:1:0", "1-2:1.0" (in front).
 */
static void append_word(char *to, size_t size, const char *word)
{
	const char *head = word, *tail;

	while (isalpha((unsigned char)*head) || *head == '_')
		head++;
	if (head > word && *head == '-')
		head++;
	tail = behind_digits(head);
	if (tail == head || (head == word && *tail != ':' && *tail != '-') ||
	    (head > word && head[-1] == '-' && *tail != ':'))
		tail = head;
	snprintf(to, size, "/%.*s%s", (int)(head - word), word, tail);
}

/* "ata3" is the third port that this kernel has found; port_no is the controller's own number. */
static void append_port(char *to, size_t size, const char *path, int length, const char *word)
{
	char file[PATH_MAX], number[16] = "";

	if (snprintf(file, sizeof(file), "%.*s/ata_port/%s/port_no", length, path, word) <
	    (int)sizeof(file))
		attribute_text(file, number, sizeof(number));
	snprintf(to, size, "/ata%s", number);
}

static bool is_ata(const char *word)
{
	return !strncmp(word, "ata", 3) && isdigit((unsigned char)word[3]) &&
	       !*behind_digits(word + 3);
}

/* PATH is that of a device below .../devices/. */
static void describe_path(const char *path, char *ret, size_t size)
{
	const char *word = strstr(path, "/devices/");
	size_t used = 0;

	*ret = '\0';
	for (word = word ? word + strlen("/devices/") : path; *word; word += *word == '/') {
		size_t length = strcspn(word, "/");
		char name[NAME_MAX + 1];

		snprintf(name, sizeof(name), "%.*s", (int)length, word);
		word += length;
		if (is_pci_address(name))
			used = (size_t)snprintf(ret, size, "%s", name);
		else if (is_ata(name))
			append_port(ret + used, size - used, path, (int)(word - path), name);
		else
			append_word(ret + used, size - used, name);
		used += strlen(ret + used);
	}
}

bool devices_controller(const char *subsystem, char path[PATH_MAX])
{
	char best[NAME_MAX + 1] = "", link[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(subsystem);

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "nvme", 4) && !*behind_digits(entry->d_name + 4) &&
		    (!*best || strverscmp(entry->d_name, best) < 0))
			snprintf(best, sizeof(best), "%s", entry->d_name);
	closedir(dir);
	return *best &&
	       snprintf(link, sizeof(link), "%s/%s", subsystem, best) < (int)sizeof(link) &&
	       realpath(link, path);
}

/* What tells disks apart that are one device: namespaces, the boot areas of an eMMC. */
static void append_part(const char *sys, const char *name, char *place, size_t size)
{
	const char *tail = name;
	size_t used = strlen(place);
	char number[32];

	if (!strncmp(name, "nvme", 4)) {
		if (attribute_of_disk(sys, name, "nsid", number, sizeof(number)))
			snprintf(place + used, size - used, "/ns%s", number);
		return;
	}
	while (isalpha((unsigned char)*tail))
		tail++;
	tail = behind_digits(tail);
	if (*tail)
		snprintf(place + used, size - used, "/%s", tail);
}

/* No disk: stacked and virtual ones, partitions, paths of a disk that has its own name. */
static bool is_disk(const char *sys, const char *name)
{
	char text[32];

	if (name[0] == '.' || !strncmp(name, "sr", 2) ||
	    (!strncmp(name, "fd", 2) && isdigit((unsigned char)name[2])))
		return false;
	if (attribute_of_disk(sys, name, "partition", text, sizeof(text)))
		return false;
	return !attribute_of_disk(sys, name, "hidden", text, sizeof(text)) || !strcmp(text, "0");
}

bool devices_place(const char *sys, const char *name, char *place, size_t size)
{
	char link[PATH_MAX], path[PATH_MAX];
	char text[PATH_MAX];
	size_t length;

	if (!is_disk(sys, name) ||
	    snprintf(link, sizeof(link), "%s/class/block/%s/device", sys, name) >=
		    (int)sizeof(link) ||
	    !realpath(link, path))
		return false;
	if (strstr(path, "/nvme-subsystem/") && !devices_controller(path, path))
		return false;
	describe_path(path, text, sizeof(text));
	append_part(sys, name, text, sizeof(text));
	/* The end says most: what is behind the last PCI address is short as a rule. */
	length = strlen(text);
	snprintf(place, size, "%s", length < size ? text : text + length - (size - 1));
	return true;
}
