/* SPDX-License-Identifier: GPL-2.0-or-later */
/* High levels of zstd search with tables of up to 16 MiB, one set for each thread. */
#include "kjump/load/home.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/abi.h"
#include "image/image.h"
#include "text/files.h"

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
	       load->iommus * IOMMU_BYTES + load->more;
}

/* --- what was missing before --- */

#define MORE_STEP (16ULL << 20)
#define MORE_MAX  (256ULL << 20)

uint64_t home_more(const char *path)
{
	struct error ignored = { 0 };
	unsigned long long mib = 0;
	char text[32];

	if (file_read(path, text, sizeof(text), &ignored) || sscanf(text, "%5llu", &mib) != 1)
		return 0;
	mib <<= 20;
	return mib < MORE_MAX ? mib / MORE_STEP * MORE_STEP : MORE_MAX;
}

int home_grow(const char *path, struct error *err)
{
	uint64_t more = home_more(path) + MORE_STEP;
	char text[32];

	if (more > MORE_MAX)
		return error_set(err, ERANGE, "%s: %llu MiB more than reckoned are not enough",
				 path, MORE_MAX >> 20);
	snprintf(text, sizeof(text), "%" PRIu64 "\n", more >> 20);
	file_make_folders(path);
	return file_replace(path, text, err);
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
