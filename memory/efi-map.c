/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory/efi-map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/files.h"

bool efi_map_stays(unsigned long type)
{
	return type == 5 || type == 6 || type == 11 || type == 12;
}

int efi_map_texts(const char *directory, unsigned number, struct efi_texts *ret, struct error *err)
{
	static const char *const names[EFI_TEXTS] = { "type", "phys_addr", "virt_addr", "num_pages",
						      "attribute" };
	char path[512];

	for (size_t i = 0; i < EFI_TEXTS; i++) {
		ssize_t n;

		if (snprintf(path, sizeof(path), "%s/%u/%s", directory, number, names[i]) >=
		    (int)sizeof(path))
			return error_set(err, ENAMETOOLONG, "%s: path too long", directory);
		n = file_read_start(path, ret->of[i], sizeof(ret->of[i]));
		if (n == -ENOENT && i == 0)
			return 0;
		if (n < 0) {
			errno = (int)-n;
			return error_errno(err, "%s", path);
		}
	}
	return 1;
}

/* Returns 1, or 0 when there is no entry NUMBER. */
static int read_entry(const char *directory, unsigned number, struct efi_range *ret,
		      struct error *err)
{
	struct efi_texts texts;
	uint64_t values[EFI_TEXTS];
	int rc = efi_map_texts(directory, number, &texts, err);

	if (rc != 1)
		return rc;
	for (size_t i = 0; i < EFI_TEXTS; i++)
		values[i] = strtoull(texts.of[i], NULL, 0);
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
		if (!efi_map_stays(entry.type))
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
