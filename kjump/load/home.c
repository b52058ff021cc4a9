/* SPDX-License-Identifier: GPL-2.0-or-later */
/* High levels of zstd search with tables of up to 16 MiB, one set for each thread. */
#include "kjump/load/home.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>

#include "common/abi.h"
#include "image/image.h"

/*
 * Of one IOMMU kernel B makes its own tables, and reads those that A has left in use: one of
 * Intel's took 3.6 MiB more than one of AMD's, which takes some of its own.
 */
#define IOMMU_BYTES (4ULL << 20)

unsigned home_iommus(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	while (dir && (entry = readdir(dir)))
		count += *entry->d_name != '.';
	if (dir)
		closedir(dir);
	return count;
}

static bool is_low(int level)
{
	return level == LEVEL_AUTO || level <= LEVEL_AUTO_MAX;
}

uint64_t home_needed(const struct home_load *load, int level)
{
	size_t scratch = image_scratch_size(is_low(level) ? LEVEL_AUTO_MAX : level);

	return jump_home_size(load->kernel, load->initramfs_size, load->cpus, scratch, load->ram) +
	       load->iommus * IOMMU_BYTES;
}

int home_level(const struct home_load *load, uint64_t size)
{
	int level = LEVEL_MAX;

	while (level > LEVEL_AUTO_MAX && home_needed(load, level) > size)
		level--;
	return level;
}

int home_check(uint64_t size, int highest, int level, struct error *err)
{
	if (is_low(level) || level <= highest)
		return 0;
	return error_set(err, ERANGE,
			 "a home of %" PRIu64 " MiB has room for levels up to %d, not for %d; make "
			 "'home' larger or leave it out",
			 size >> 20, highest, level);
}
