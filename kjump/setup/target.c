/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device: what could be one, and the claim. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "disk/disk.h"
#include "disk/probe.h"
#include "disk/sysfs.h"
#include "image/image.h"
#include "kjump/check/activation.h"
#include "kjump/claim.h"
#include "kjump/file/make.h"
#include "kjump/load/loader.h"
#include "kjump/paths.h"
#include "kjump/setup/setup.h"
#include "kjump/watch/volume.h"
#include "text/human.h"

/* Partitions that are empty for a reason: of the boot loader, reserved by Windows, swap. */
static bool is_reserved(const char *name)
{
	static const char *const types[] = {
		"21686148-6449-6e6f-744e-656564454649", /* BIOS boot */
		"e3c9e316-0b5c-4db8-817d-f92df00215ae", /* Microsoft reserved */
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", /* EFI system partition */
		"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", /* swap */
		"0x82",
		"0x5",
		"0xf",
	};
	struct disk_tags tags;

	probe_tags(name, &tags);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (!strcasecmp(tags.parttype, types[i]))
			return true;
	}
	return false;
}

/* Could it hold images: free, blank or claimed already, and in kernel B's reach? */
static bool is_candidate(const char *name, const char *path, char *what, size_t size)
{
	struct error ignored = { 0 };
	struct image_super super;
	char text[256], bytes[HUMAN_SIZE];
	struct watch pieces[REQUEST_PIECE_MAX];
	size_t count;
	struct disk disk;
	bool claimed, fine;

	if (!strncmp(name, "loop", 4) || !strncmp(name, "ram", 3) || !strncmp(name, "zram", 4) ||
	    !strncmp(name, "sr", 2) || !strncmp(name, "fd", 2) || is_reserved(name) ||
	    disk_open(path, DISK_WRITE, &disk, &ignored))
		return false;
	claimed = !image_super_read(&disk, &super, &ignored);
	fine = disk.size >= IMAGE_MIN_SIZE && (claimed || !claim_look(&disk, &ignored)) &&
	       !activation_by_line("", path, text, sizeof(text)) &&
	       !volume_pieces(path, pieces, REQUEST_PIECE_MAX, &count, &ignored);
	snprintf(what, size, "%s, %s", human_bytes(disk.size, bytes),
		 claimed ? "claimed by kjump" : "empty");
	disk_close(&disk);
	return fine;
}

size_t setup_candidates(FILE *out, char path[256])
{
	DIR *folder = opendir(PATH_CLASS_BLOCK);
	const struct dirent *entry;
	size_t count = 0;

	while (folder && (entry = readdir(folder))) {
		char node[256], what[128];

		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= BLOCK_NAME_SIZE)
			continue;
		sysfs_node(entry->d_name, node, sizeof(node));
		if (!is_candidate(entry->d_name, node, what, sizeof(what)))
			continue;
		fprintf(out, "  %s (%s)\n", node, what);
		if (!count++)
			snprintf(path, 256, "%s", node);
	}
	if (folder)
		closedir(folder);
	return count;
}

static int note(struct setup *setup, const char *kind, const char *path, const char *uuid,
		struct error *err)
{
	return journal_note(&setup->journal,
			    (const char *const[JOURNAL_FIELDS]){ kind, path, uuid }, err);
}

/* Could it be claimed? */
static int look(const struct disk *disk, struct error *err)
{
	int ret = claim_fits(disk, err);

	if (!ret)
		ret = claim_look(disk, err);
	if (ret == -EEXIST)
		error_set(err, EEXIST, "%.150s; 'kjump format --force' claims it all the same",
			  strdupa(err->text));
	return ret ? error_prefix(err, "%s", disk->name) : 0;
}

/* The journal has it before, and behind it the UUID that the device got. */
static int make(struct setup *setup, const struct disk *disk, const char *label,
		struct image_super *super, struct error *err)
{
	char uuid[37];
	int ret = claim_lock(disk, err);

	if (!ret)
		ret = note(setup, RECORD_CLAIM, disk->name, "", err);
	if (!ret)
		ret = claim_make(disk, label, false, super, err);
	if (!ret)
		return note(setup, RECORD_CLAIM, disk->name, human_uuid(super->device_uuid, uuid),
			    err);
	return error_prefix(err, "%s", disk->name);
}

/* Is PATH a claimed file? Then *SPEC is how kernels B and C name it. Returns as claimed_find(). */
static int find_claimed(const char *path, char spec[128], struct error *err)
{
	struct claimed_file file;
	struct disk disk;
	char found[256];
	int ret = claimed_find(path, found, sizeof(found), err);

	if (ret <= 0)
		return ret;
	ret = claimed_open(found, &disk, &file, err);
	if (ret)
		return ret;
	disk_close(&disk);
	snprintf(spec, 128, "%s", file.spec);
	return 1;
}

static int make_file(struct setup *setup, const struct file_wish *wish, char spec[128],
		     struct error *err)
{
	struct claimed_file file;
	struct image_super super;
	char uuid[37];
	int ret = loader_lock(err);

	if (!ret)
		ret = note(setup, RECORD_FILE, wish->path, "", err);
	if (!ret)
		ret = file_make(wish, &file, &super, err);
	if (!ret)
		ret = note(setup, RECORD_FILE, wish->path, human_uuid(super.device_uuid, uuid),
			   err);
	if (!ret)
		snprintf(spec, 128, "%s", file.spec);
	return ret;
}

int setup_claim_file(struct setup *setup, const char *path, uint64_t size, const char *label,
		     char spec[128], struct error *err)
{
	struct file_wish wish = { .path = path, .label = label };
	char text[HUMAN_SIZE];
	int ret = find_claimed(path, spec, err);

	if (ret)
		return ret < 0 ? ret : 0;
	if (!access(path, F_OK))
		return error_set(err, EEXIST,
				 "%s: is there already; 'kjump format --file' claims it as it is",
				 path);
	ret = setup_room(path, &size, err);
	if (ret)
		return ret;
	wish.size = size;
	setup->changes++;
	fprintf(setup->out, "%s: made and claimed for images, %s\n", path, human_bytes(size, text));
	snprintf(spec, 128, "UUID=(that of its file system)@(its place)");
	return setup->dry_run ? 0 : make_file(setup, &wish, spec, err);
}

int setup_claim(struct setup *setup, const char *path, const char *label, char spec[128],
		struct error *err)
{
	char found[256], uuid[37], size[HUMAN_SIZE];
	struct error ignored = { 0 };
	struct image_super super;
	struct disk disk;
	int ret = find_claimed(path, spec, err);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = disk_find(path, found, sizeof(found), err);
	if (!ret)
		ret = disk_open(found, DISK_WRITE, &disk, err);
	if (ret)
		return ret;
	snprintf(spec, 128, "UUID=(the one that it gets)");
	if (image_super_read(&disk, &super, &ignored)) {
		ret = look(&disk, err);
		if (!ret) {
			setup->changes++;
			fprintf(setup->out, "%s: claimed for images, %s\n", found,
				human_bytes(disk.size, size));
		}
		if (!ret && !setup->dry_run)
			ret = make(setup, &disk, label, &super, err);
		if (ret || setup->dry_run)
			goto out;
	}
	snprintf(spec, 128, "UUID=%s", human_uuid(super.device_uuid, uuid));
out:
	disk_close(&disk);
	return ret;
}
