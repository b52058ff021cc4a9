/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual addresses from kallsyms, turned into physical ones. */
#include "memory/symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory/memory.h"

/* Find the virtual addresses of NAMES[0..count) in one pass. */
static int find_symbols(const char *kallsyms, const char *const names[], uint64_t *address,
			size_t count, struct error *err)
{
	FILE *file = fopen(kallsyms, "re");
	char line[512];
	size_t found = 0;

	if (!file)
		return error_errno(err, "%s", kallsyms);
	memset(address, 0, count * sizeof(*address));
	while (found < count && fgets(line, sizeof(line), file)) {
		uint64_t value;
		char name[256];

		if (sscanf(line, "%" SCNx64 " %*c %255s", &value, name) != 2)
			continue;
		for (size_t i = 0; i < count; i++) {
			if (address[i] || strcmp(name, names[i]) != 0)
				continue;
			if (!value) {
				fclose(file);
				return error_set(err, EPERM, "%s: the kernel hides addresses",
						 kallsyms);
			}
			address[i] = value;
			found++;
		}
	}
	fclose(file);
	for (size_t i = 0; i < count; i++) {
		if (!address[i])
			return error_set(err, ENOENT, "%s: no symbol '%s'", kallsyms, names[i]);
	}
	return 0;
}

int memory_symbol_virtual(const char *kallsyms, const char *symbol, uint64_t *ret,
			  struct error *err)
{
	return find_symbols(kallsyms, &symbol, ret, 1, err);
}

int memory_symbol_physical(const char *kallsyms, const char *iomem, const char *symbol,
			   uint64_t *ret, struct error *err)
{
	const char *const names[] = { "_text", symbol };
	uint64_t address[2], code;
	int r;

	r = find_symbols(kallsyms, names, address, 2, err);
	if (r < 0)
		return r;
	r = memory_iomem_start(iomem, "Kernel code", &code, err);
	if (r < 0)
		return r;
	if (address[1] < address[0])
		return error_set(err, EINVAL, "%s: '%s' lies before _text", kallsyms, symbol);
	*ret = code + (address[1] - address[0]);
	return 0;
}
