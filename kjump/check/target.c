/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of the device that images go to.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "image/format.h"
#include "kjump/check/activation.h"
#include "kjump/check/checks.h"
#include "kjump/device.h"
#include "kjump/key/sealing.h"
#include "kjump/paths.h"
#include "kjump/watch/volume.h"
#include "text/files.h"
#include "text/human.h"
#include "text/meminfo.h"

/* What memory is compressed by at least, most of the time. */
#define EXPECTED_RATIO 2

/* Layers of devices on devices that are followed; nobody stacks more. */
#define LAYERS_MAX 8

const char *target_advice(int code)
{
	switch (code) {
	case EBUSY:
		return "unmount it (swapoff), and take it out of what it is part of; or take "
		       "another device";
	case EROFS:
		return "'blockdev --setrw DEVICE' if the disk can be written to at all; or take "
		       "another device";
	case ENODEV:
		return "name one that is there in /etc/kjump.conf (blkid lists them), or connect "
		       "it";
	case EEXIST:
		return "name it by another word in /etc/kjump.conf (blkid lists them)";
	case ENOTBLK:
		return "take a partition, a disk, a logical volume, or a file that 'kjump format "
		       "--file' makes";
	case ENOTSUP:
		return "take another target, or the kjump that this one was formatted with";
	case ESTALE:
		return "'kjump format --file --force' claims the file where it lies now";
	case EPERM:
		return "see the reason; or take another target";
	case EIO:
		return "see what the kernel says of the disk (dmesg); or take another device";
	default:
		return NULL;
	}
}

/* Keep what is to be done about a problem that the target itself has. Returns RET. */
static int advise(struct preflight *preflight, int ret)
{
	const char *advice = target_advice(-ret);

	if (advice)
		preflight->advice = advice;
	return ret;
}

int check_target(struct preflight *preflight, struct error *note)
{
	char size[HUMAN_SIZE];
	struct stat status;
	bool plain;
	int ret;

	if (!*preflight->config->target)
		return error_set(note, EINVAL, "no target: name one with --target or in %s",
				 preflight->config->path);
	/* For writing, which a device in use refuses. */
	ret = device_open_target(preflight->config->target, DISK_WRITE, &preflight->disk,
				 &preflight->super, &preflight->file, note);
	if (ret) {
		*preflight->disk.name = '\0';
		return advise(preflight, ret);
	}
	plain = !fstat(preflight->disk.fd, &status) && S_ISREG(status.st_mode);
	disk_close(&preflight->disk);
	if (plain) {
		error_set(note, ENOTBLK,
			  "%s is the image of a disk, which neither kernel B nor a boot finds",
			  preflight->disk.name);
		*preflight->disk.name = '\0';
		return advise(preflight, -ENOTBLK);
	}
	human_bytes(preflight->disk.size, size);
	if (*preflight->file.path)
		error_set(note, 0, "%s, %s, on %s (%s)", preflight->disk.name, size,
			  preflight_node(preflight), preflight->file.holder.type);
	else
		error_set(note, 0, "%s, %s", preflight->disk.name, size);
	return 0;
}

/* It may be another system's, which would lose its session. */
int check_waiting(struct preflight *preflight, struct error *note)
{
	const struct image_super *super = &preflight->super;
	char text[200];

	if (!*preflight->disk.name)
		return check_unknown(note);
	if (!image_waits(super))
		return 0;
	image_describe(super, text, sizeof(text));
	if (!preflight->replace)
		return error_set(note, EEXIST, "%s: the %s waits to be restored and would be lost",
				 preflight->disk.name, text);
	error_set(note, 0, "the %s waits to be restored", text);
	return PREFLIGHT_DOUBT;
}

/* Image or swap: not both. */
int check_activation(struct preflight *preflight, struct error *note)
{
	char text[200];

	if (!*preflight->disk.name)
		return check_unknown(note);
	if (activation_by_line(preflight->root, preflight->disk.name, text, sizeof(text)))
		return error_set(note, EBUSY, "%s", text);
	if (!activation_by_type(preflight_node(preflight)))
		return 0;
	error_set(note, 0, "%s is a partition of the type for swap; systemd may swap to it",
		  preflight_node(preflight));
	return PREFLIGHT_DOUBT;
}

/* Kernel B assembles and unlocks nothing. */
int check_layers(struct preflight *preflight, struct error *note)
{
	int ret;

	if (!*preflight->disk.name)
		return check_unknown(note);
	ret = volume_pieces(preflight_node(preflight), preflight->pieces, REQUEST_PIECE_MAX,
			    &preflight->piece_count, note);
	if (ret)
		return ret;
	if (preflight->piece_count)
		error_set(note, 0, "a volume in %zu piece%s", preflight->piece_count,
			  preflight->piece_count == 1 ? "" : "s");
	else
		error_set(note, 0, "none");
	return 0;
}

int check_size(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], use[HUMAN_SIZE], room[HUMAN_SIZE];
	struct meminfo memory;
	uint64_t used, space = preflight->disk.size;
	int ret;

	if (!*preflight->disk.name)
		return check_unknown(note);
	ret = meminfo_read(check_path(preflight, PATH_MEMINFO, path, sizeof(path)), &memory, note);
	if (ret)
		return ret;
	used = memory.total - memory.free;
	space = space > 2 * IMAGE_TAIL ? space - 2 * IMAGE_TAIL : 0;
	human_bytes(used, use);
	human_bytes(space, room);
	if (space < used / EXPECTED_RATIO)
		return error_set(note, ENOSPC,
				 "room for %s, and %s of memory are in use, about half of that "
				 "compressed",
				 room, use);
	error_set(note, 0, "room for %s; %s of memory are in use, about half of that compressed",
		  room, use);
	return space < used ? PREFLIGHT_DOUBT : 0;
}

/* Is the device NAME in the directory SYS_BLOCK made by dm-crypt? */
static bool is_crypt(const char *sys_block, const char *name)
{
	char path[CHECK_PATH_SIZE + 272], uuid[256];
	struct error ignored = { 0 };

	snprintf(path, sizeof(path), "%s/%.255s/dm/uuid", sys_block, name);
	return !file_read(path, uuid, sizeof(uuid), &ignored) && !strncmp(uuid, "CRYPT-", 6);
}

/* Name of a device made by dm-crypt; false when there is none. */
static bool find_crypt(const char *sys_block, char *ret, size_t size)
{
	DIR *directory = opendir(sys_block);
	const struct dirent *entry;
	bool found = false;

	if (!directory)
		return false;
	while (!found && (entry = readdir(directory))) {
		found = is_crypt(sys_block, entry->d_name);
		if (found)
			snprintf(ret, size, "%.60s", entry->d_name);
	}
	closedir(directory);
	return found;
}

/* Is there an encrypted layer below the device NAME, or is it one? */
static bool lies_on_crypt(const char *sys_block, const char *name, unsigned layers)
{
	char path[CHECK_PATH_SIZE + 272];
	const struct dirent *entry;
	bool found = false;
	DIR *directory;

	if (is_crypt(sys_block, name))
		return true;
	snprintf(path, sizeof(path), "%s/%.255s/slaves", sys_block, name);
	directory = layers ? opendir(path) : NULL;
	if (!directory)
		return false;
	while (!found && (entry = readdir(directory))) {
		if (*entry->d_name != '.')
			found = lies_on_crypt(sys_block, entry->d_name, layers - 1);
	}
	closedir(directory);
	return found;
}

/* What lies encrypted on the disks lies in memory in clear, with the keys. */
int check_plaintext(struct preflight *preflight, struct error *note)
{
	char sys_block[CHECK_PATH_SIZE], sender[CHECK_PATH_SIZE], crypt[64], name[PATH_MAX];

	check_path(preflight, PATH_CLASS_BLOCK, sys_block, sizeof(sys_block));
	if (!find_crypt(sys_block, crypt, sizeof(crypt))) {
		error_set(note, 0, "none in use");
		return 0;
	}
	if (sealing_wanted(preflight->config,
			   check_path(preflight, PATH_SENDER, sender, sizeof(sender)))) {
		error_set(note, 0, "%s is, and images are sealed", crypt);
		return 0;
	}
	if (!*preflight->disk.name)
		return check_unknown(note);
	/* /dev/mapper/NAME is a link to /dev/dm-0. */
	if (!realpath(preflight_node(preflight), name))
		snprintf(name, sizeof(name), "%s", preflight_node(preflight));
	if (lies_on_crypt(sys_block, strrchr(name, '/') ? strrchr(name, '/') + 1 : name,
			  LAYERS_MAX)) {
		error_set(note, 0, "the target is encrypted as well");
		return 0;
	}
	if (preflight->config->allow_plaintext) {
		error_set(note, 0, "%s is, the target is not, as allow_plaintext says", crypt);
		return PREFLIGHT_DOUBT;
	}
	return error_set(
		note, EOPNOTSUPP,
		"%s is encrypted, but %s is not, and the image would hold its keys and "
		"data in clear ('kjump key create' seals it; allow_plaintext = yes permits it)",
		crypt, preflight->disk.name);
}
