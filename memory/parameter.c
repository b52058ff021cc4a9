/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of the running kernel's command line. */
#include "memory/parameter.h"

#include <errno.h>
#include <string.h>

#include "text/cmdline.h"
#include "text/files.h"

int memory_parameter(const char *path, const char *name, char *ret, size_t size, struct error *err)
{
	char line[CMDLINE_READ_SIZE], value[CMDLINE_READ_SIZE];
	ssize_t n = file_read_start(path, line, sizeof(line));

	if (n < 0)
		return error_set(err, (int)-n, "cannot read %s: %s", path, strerror((int)-n));
	if (!cmdline_value(line, name, value, sizeof(value)))
		return error_set(err, ENOENT, "no %s= on the kernel command line", name);
	if (strlen(value) >= size)
		return error_set(err, EINVAL, "%s= on the kernel command line: too long", name);
	strcpy(ret, value);
	return 0;
}
