/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block devices by where sysfs has them. */
#include "kjump/watch/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/devices.h"

/* Is NAME made of PREFIX and a number, maybe with the number of a partition? */
static bool is_called(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);

	return !strncmp(name, prefix, length) && name[length] >= '0' && name[length] <= '9';
}

const char *reach_obstacle(const char *name, const char *sysfs)
{
	static const struct {
		const char *prefix, *why;
	} names[] = {
		{ "nbd", "a network block device (nbd), which kernel B does not have" },
		{ "rbd", "a Ceph device (rbd), which kernel B does not have" },
		{ "drbd", "a DRBD device, and behind its back nothing may be written" },
		{ "bcache", "a bcache device, which kernel B does not assemble" },
		{ "zram", "compressed memory (zram), which kernel B does not have" },
		{ "ram", "memory (brd), which kernel B does not have" },
		{ "zd", "a ZFS volume, which kernel B does not have" },
		{ "ublkb", "made by a program (ublk), which kernel B does not have" },
		{ "loop", "a loop device, which kernel B does not have" },
	};
	static const struct {
		const char *part, *why;
	} places[] = {
		/* .../hostN/sessionN/targetN:... */
		{ "/session", "an iSCSI disk, and kernel B has no network" },
		{ "/net/", "a disk over a network (FCoE), which kernel B does not have" },
		{ "/nvme-fabrics/", "an NVMe disk over a network, which kernel B does not have" },
		{ "/vhci_hcd", "a USB disk over a network, which kernel B does not have" },
		{ "/devices/rbd/", "a Ceph device (rbd), which kernel B does not have" },
		{ "/devices/virtual/block/", "made by this system, and not there in kernel B" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_called(name, names[i].prefix))
			return names[i].why;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strstr(sysfs, places[i].part))
			return places[i].why;
	return NULL;
}

const char *reach_removable(const char *sysfs)
{
	if (strstr(sysfs, "/mmc_host/"))
		return "an SD card or eMMC";
	return strstr(sysfs, "/usb") ? "a USB disk" : NULL;
}

/* The directory of an NVMe disk's subsystem, which is in PATH, says nothing: take a controller's.
 */
static void follow_subsystem(char path[PATH_MAX])
{
	static const char word[] = "/nvme-subsystem/";
	char *name = strstr(path, word), *end;
	char subsystem[PATH_MAX];

	end = name ? strchr(name + strlen(word), '/') : NULL;
	if (!end)
		return;
	snprintf(subsystem, sizeof(subsystem), "%.*s", (int)(end - path), path);
	devices_controller(subsystem, path);
}

void reach_path(const char *sys, const char *name, char path[PATH_MAX])
{
	char link[512];

	snprintf(link, sizeof(link), "%.100s/class/block/%.255s", sys, name);
	if (realpath(link, path))
		follow_subsystem(path);
	else
		*path = '\0';
}

const char *reach_device(const char *name)
{
	char path[PATH_MAX];

	reach_path("/sys", name, path);
	return reach_obstacle(name, path);
}

const char *reach_removable_device(const char *name)
{
	char path[PATH_MAX];

	reach_path("/sys", name, path);
	return reach_removable(path);
}
