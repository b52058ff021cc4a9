/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of the running kernel's command line. */
#include "memory/parameter.h"

#include <errno.h>
#include <string.h>

#include "text/files.h"

int memory_parameter(const char *path, const char *name, char *ret, size_t size, struct error *err)
{
	static const char blanks[] = " \t\n";
	const size_t length = strlen(name);
	char line[4097];
	const char *word, *found = NULL;
	ssize_t n = file_read_start(path, line, sizeof(line));

	if (n < 0)
		return error_set(err, (int)-n, "cannot read %s: %s", path, strerror((int)-n));

	/* The last one counts, as with the kernel's own parameters. */
	for (word = line + strspn(line, blanks); *word; word += strspn(word, blanks)) {
		if (!strncmp(word, name, length) && word[length] == '=')
			found = word + length + 1;
		word += strcspn(word, blanks);
	}
	if (!found)
		return error_set(err, ENOENT, "no %s= on the kernel command line", name);
	n = (ssize_t)strcspn(found, blanks);
	if ((size_t)n >= size)
		return error_set(err, EINVAL, "%s= on the kernel command line: too long", name);
	memcpy(ret, found, n);
	ret[n] = '\0';
	return 0;
}
