/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file, mapped. */
#include "kjump/load/initramfs-map.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/files.h"

int initramfs_map(const char *path, struct initramfs_map *ret, struct error *err)
{
	struct stat stat;
	int fd = file_open(path, err);
	int status = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &stat)) {
		status = error_errno(err, "%s", path);
	} else if (!stat.st_size) {
		status = error_set(err, EINVAL, "%s: not an initramfs", path);
	} else {
		ret->size = (size_t)stat.st_size;
		ret->bytes = mmap(NULL, ret->size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (ret->bytes == MAP_FAILED) {
			ret->bytes = NULL;
			status = error_errno(err, "%s", path);
		}
	}
	close(fd);
	return status;
}

void initramfs_unmap(struct initramfs_map *map)
{
	if (map->bytes)
		munmap(map->bytes, map->size);
	map->bytes = NULL;
}
