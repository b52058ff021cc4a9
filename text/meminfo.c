/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/meminfo. */
#include "text/meminfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/files.h"

#define KIB 1024ULL

static int read_field(const char *text, const char *name, const char *path, uint64_t *ret,
		      struct error *err)
{
	const char *at = strstr(text, name);

	if (!at)
		return error_set(err, EINVAL, "%s: no '%s'", path, name);
	*ret = strtoull(at + strlen(name), NULL, 10) * KIB;
	return 0;
}

int meminfo_read(const char *path, struct meminfo *ret, struct error *err)
{
	struct error absent = { 0 };
	char text[4096];
	int status = file_read(path, text, sizeof(text), err);

	if (!status)
		status = read_field(text, "MemTotal:", path, &ret->total, err);
	if (!status)
		status = read_field(text, "MemFree:", path, &ret->free, err);
	if (!status)
		status = read_field(text, "MemAvailable:", path, &ret->available, err);
	if (status)
		return status;
	/* Only with CONFIG_CMA and CONFIG_MEMORY_FAILURE. */
	if (read_field(text, "CmaFree:", path, &ret->cma_free, &absent))
		ret->cma_free = 0;
	if (read_field(text, "HardwareCorrupted:", path, &ret->poisoned, &absent))
		ret->poisoned = 0;
	return 0;
}
