/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting untouchable frames by /proc/kpageflags. */
#include "kjump/check/untouchable.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kjump/paths.h"
#include "memory/memory.h"
#include "text/files.h"
#include "text/meminfo.h"

#ifndef KPF_OFFLINE
#define KPF_OFFLINE 23
#endif

#define FLAG(bit) (1ULL << (bit))
#define BATCH	  4096 /* frames */
#define PATH_SIZE 512

/*
 * Drivers of balloons that keep their pages while devices sleep, and how their devices' names
 * begin. virtio_balloon gives all of them back before (virtballoon_freeze()).
 */
static const struct {
	const char *directory, *prefix;
} balloons[] = {
	{ "/sys/bus/vmbus/drivers", "hv_balloon" },
	{ "/sys/devices/system/xen_memory", "xen_memory" },
	{ "/sys/module", "vmw_balloon" },
};

static bool has_balloon(const char *root)
{
	char path[PATH_SIZE], device[64];

	for (size_t i = 0; i < sizeof(balloons) / sizeof(*balloons); i++) {
		snprintf(path, sizeof(path), "%s%s", root, balloons[i].directory);
		if (file_find_entry(path, balloons[i].prefix, device, sizeof(device)))
			return true;
	}
	return false;
}

static void judge(const uint64_t *flags, size_t count, uint64_t pfn, struct untouchable *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (flags[i] & FLAG(KPF_OFFLINE))
			ret->offline++;
		if ((flags[i] & FLAG(KPF_HWPOISON)) && (flags[i] & FLAG(KPF_HUGE)) && !ret->huge)
			ret->huge = (pfn + i) << FRAME_SHIFT;
	}
}

static int scan(const char *root, struct untouchable *ret, struct error *err)
{
	char iomem[PATH_SIZE], path[PATH_SIZE];
	struct runs ram = { 0 };
	uint64_t flags[BATCH];
	int fd, status;

	snprintf(iomem, sizeof(iomem), "%s" PATH_IOMEM, root);
	snprintf(path, sizeof(path), "%s" PATH_KPAGEFLAGS, root);
	status = memory_system_ram(iomem, &ram, err);
	if (status)
		goto out;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		status = error_errno(err, "%s", path);
		goto out;
	}
	for (size_t i = 0; !status && i < ram.n; i++) {
		uint64_t end = ram.v[i].pfn + ram.v[i].count;

		for (uint64_t pfn = ram.v[i].pfn; !status && pfn < end; pfn += BATCH) {
			size_t count = end - pfn < BATCH ? end - pfn : BATCH;
			ssize_t n = pread(fd, flags, count * sizeof(*flags),
					  (off_t)(pfn * sizeof(*flags)));

			if (n < 0)
				status = error_errno(err, "%s", path);
			else
				judge(flags, (size_t)n / sizeof(*flags), pfn, ret);
		}
	}
	close(fd);
out:
	runs_free(&ram);
	return status;
}

int untouchable_count(const char *root, struct untouchable *ret, struct error *err)
{
	struct meminfo memory;
	char path[PATH_SIZE];
	int status;

	*ret = (struct untouchable){ 0 };
	snprintf(path, sizeof(path), "%s" PATH_MEMINFO, root);
	status = meminfo_read(path, &memory, err);
	if (status)
		return status;
	ret->poisoned = memory.poisoned >> FRAME_SHIFT;
	return ret->poisoned || has_balloon(root) ? scan(root, ret, err) : 0;
}
