/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for a file: on which file systems, and how much of it. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "image/image.h"
#include "kjump/file/claimed.h"
#include "kjump/paths.h"
#include "kjump/setup/setup.h"
#include "kjump/watch/mounts.h"
#include "text/human.h"
#include "text/meminfo.h"

#define UNIT	  (64ULL << 20)
#define ROOMS_MAX 16

/* As much as all of the memory takes if none of it can be compressed, or half of that. */
static int choose_size(uint64_t room, uint64_t *ret, struct error *err)
{
	char wanted[HUMAN_SIZE], text[HUMAN_SIZE];
	struct meminfo memory;
	uint64_t all, half;
	int code = meminfo_read(PATH_MEMINFO, &memory, err);

	if (code)
		return code;
	all = (memory.total / UNIT + 2) * UNIT;
	half = (memory.total / 2 / UNIT + 2) * UNIT;
	/* Others need some, too. */
	*ret = all <= room / 4 * 3 ? all : half;
	if (half > room / 4 * 3)
		return error_set(err, ENOSPC, "%s are free there, and a file of %s is needed",
				 human_bytes(room, text), human_bytes(half, wanted));
	return 0;
}

static int look(const char *folder, struct holder *holder, uint64_t *room, struct error *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statvfs fs;
	int code;

	if (fd < 0)
		return error_errno(err, "%s", folder);
	code = holder_find(fd, holder, err);
	if (code)
		error_prefix(err, "%s", folder);
	else if (fstatvfs(fd, &fs))
		code = error_errno(err, "%s", folder);
	else if (fs.f_flag & ST_RDONLY)
		code = error_set(err, EROFS, "%s: is mounted read-only", folder);
	else
		*room = (uint64_t)fs.f_bavail * fs.f_frsize;
	close(fd);
	return code;
}

int setup_room(const char *path, uint64_t *size, struct error *err)
{
	char copy[PATH_MAX];
	struct holder holder;
	uint64_t room;
	int code;

	snprintf(copy, sizeof(copy), "%s", path);
	code = look(dirname(copy), &holder, &room, err);
	if (!code && !*size)
		code = choose_size(room, size, err);
	return code;
}

struct rooms {
	FILE *out;
	size_t count;
	char nodes[ROOMS_MAX][sizeof(((struct holder *)0)->node)];
};

/* Boot loaders read theirs, and what is below /run and /tmp is gone some day. */
static bool is_for_files(const struct mount *mount)
{
	static const char *const types[] = { "ext2", "ext3", "ext4", "xfs", "btrfs" };
	static const char *const folders[] = { "/boot", "/efi", "/run", "/tmp", "/snap" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		size_t length = strlen(folders[i]);

		if (!strncmp(mount->target, folders[i], length) &&
		    (!mount->target[length] || mount->target[length] == '/'))
			return false;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (!strcmp(mount->type, types[i]))
			return true;
	}
	return false;
}

/* Is there something already? What is claimed is named. */
static bool offer_old(struct rooms *rooms, const char *path)
{
	struct error ignored = { 0 };
	char found[256];

	if (access(path, F_OK))
		return false;
	if (claimed_find(path, found, sizeof(found), &ignored) > 0)
		fprintf(rooms->out, "  --file %s (claimed by kjump)\n", path);
	return true;
}

static void offer(struct rooms *rooms, const char *path)
{
	char copy[PATH_MAX], bytes[HUMAN_SIZE], free[HUMAN_SIZE];
	struct error ignored = { 0 };
	struct holder holder;
	uint64_t room, size;

	snprintf(copy, sizeof(copy), "%s", path);
	if (look(dirname(copy), &holder, &room, &ignored) || rooms->count == ROOMS_MAX)
		return;
	for (size_t i = 0; i < rooms->count; i++) {
		if (!strcmp(rooms->nodes[i], holder.node))
			return;
	}
	strcpy(rooms->nodes[rooms->count++], holder.node);
	if (offer_old(rooms, path) || choose_size(room, &size, &ignored))
		return;
	fprintf(rooms->out, "  --file %s (to be made, %s of %s that are free on %s, %s)\n", path,
		human_bytes(size, bytes), human_bytes(room, free), holder.node, holder.type);
}

static int offer_mount(void *context, const struct mount *mount, struct error *err)
{
	char path[512];

	(void)err;
	snprintf(path, sizeof(path), "%.400s/kjump.img", mount->target);
	if (strcmp(mount->target, "/") && is_for_files(mount))
		offer(context, path);
	return 0;
}

size_t setup_rooms(FILE *out)
{
	struct rooms rooms = { .out = out };
	struct error ignored = { 0 };

	offer(&rooms, SETUP_FILE);
	mounts_each(PATH_MOUNTINFO, offer_mount, &rooms, &ignored);
	return rooms.count;
}
