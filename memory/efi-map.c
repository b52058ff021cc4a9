/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory/efi-map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory/platform.h"
#include "text/files.h"

/* Returns 1, or 0 when there is no entry NUMBER. */
static int read_entry(const char *directory, unsigned number, struct efi_range *ret,
		      struct error *err)
{
	static const char *const names[] = { "type", "phys_addr", "virt_addr", "num_pages",
					     "attribute" };
	uint64_t values[sizeof(names) / sizeof(names[0])];
	char path[512], text[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ssize_t n;

		if (snprintf(path, sizeof(path), "%s/%u/%s", directory, number, names[i]) >=
		    (int)sizeof(path))
			return error_set(err, ENAMETOOLONG, "%s: path too long", directory);
		n = file_read_start(path, text, sizeof(text));
		if (n == -ENOENT && i == 0)
			return 0;
		if (n < 0) {
			errno = (int)-n;
			return error_errno(err, "%s", path);
		}
		values[i] = strtoull(text, NULL, 0);
	}
	*ret = (struct efi_range){ .type = (uint32_t)values[0],
				   .physical = values[1],
				   .virtual = values[2],
				   .pages = values[3],
				   .attribute = values[4] };
	return 1;
}

int efi_map_read(const char *directory, struct efi_range **ret, size_t *count, struct error *err)
{
	struct efi_range entry, *list = NULL, *longer;
	size_t n = 0;
	int rc;

	for (unsigned i = 0; (rc = read_entry(directory, i, &entry, err)) == 1; i++) {
		if (!platform_efi_stays(entry.type))
			continue;
		longer = reallocarray(list, n + 1, sizeof(*list));
		if (!longer) {
			rc = error_set(err, ENOMEM, "%s: not enough memory", directory);
			break;
		}
		list = longer;
		list[n++] = entry;
	}
	if (rc) {
		free(list);
		return rc;
	}
	*ret = list;
	*count = n;
	return 0;
}
