/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing VMCOREINFO. */
#include "memory/vmcoreinfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/abi.h"
#include "text/files.h"

/* The text behind "KEY=", or NULL. */
static const char *find_value(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0 && line[length] == '=')
			return line + length + 1;
	}
	return NULL;
}

bool vmcoreinfo_value(const char *text, const char *key, uint64_t *ret)
{
	const char *value = find_value(text, key);
	bool symbol = strncmp(key, "SYMBOL(", 7) == 0;
	char *end;

	if (!value || *value == '\n' || !*value)
		return false;
	errno = 0;
	if (symbol || strncmp(value, "0x", 2) == 0)
		*ret = strtoull(value, &end, 16);
	else if (*value == '-')
		*ret = (uint64_t)strtoll(value, &end, 10);
	else
		*ret = strtoull(value, &end, 10);
	return !errno && end != value && (*end == '\n' || !*end);
}

struct key {
	const char *name;
	uint64_t *value;
};

static int parse_required(const char *text, const struct key *keys, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (vmcoreinfo_value(text, keys[i].name, keys[i].value))
			continue;
		if (find_value(text, keys[i].name))
			return error_set(err, EINVAL, "vmcoreinfo: %s is malformed", keys[i].name);
		return error_set(err, ENODATA, "vmcoreinfo: no %s", keys[i].name);
	}
	return 0;
}

static bool parse_type(const char *text, const char *key, uint32_t *ret)
{
	uint64_t value;

	if (!vmcoreinfo_value(text, key, &value))
		return false;
	*ret = (uint32_t)value; /* written as a signed number: only the low 32 bits count */
	return true;
}

/* Where the counters of free pages are: nodes of a NUMA kernel, or the only one. */
static int parse_nodes(const char *text, struct kernel_layout *layout, struct error *err)
{
	layout->numa = vmcoreinfo_value(text, "SYMBOL(node_data)", &layout->nodes) &&
		       vmcoreinfo_value(text, "LENGTH(node_data)", &layout->node_count);
	if (layout->numa)
		return 0;
	layout->node_count = 1;
	if (vmcoreinfo_value(text, "SYMBOL(contig_page_data)", &layout->nodes))
		return 0;
	return error_set(err, ENODATA, "vmcoreinfo: no SYMBOL(node_data)");
}

int vmcoreinfo_parse(const char *text, struct kernel_layout *ret, struct error *err)
{
	struct kernel_layout layout = { 0 };
	uint64_t page_size, level5, root, buddy;
	const struct key keys[] = {
		{ "PAGESIZE", &page_size },
		{ "NUMBER(phys_base)", &layout.phys_base },
		{ "NUMBER(pgtable_l5_enabled)", &level5 },
		{ "NUMBER(sme_mask)", &layout.sme_mask },
		{ "SYMBOL(swapper_pg_dir)", &root },
		{ "SYMBOL(_stext)", &layout.stext },
		{ "SYMBOL(mem_section)", &layout.mem_section },
		{ "LENGTH(mem_section)", &layout.mem_section_count },
		{ "SIZE(mem_section)", &layout.mem_section_size },
		{ "OFFSET(mem_section.section_mem_map)", &layout.section_map_offset },
		{ "NUMBER(SECTION_SIZE_BITS)", &layout.section_bits },
		{ "SIZE(page)", &layout.page_size_of_struct },
		{ "OFFSET(page.flags)", &layout.page_flags },
		{ "OFFSET(page._refcount)", &layout.page_refcount },
		{ "OFFSET(page._mapcount)", &layout.page_mapcount },
		{ "OFFSET(page.private)", &layout.page_private },
		{ "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", &buddy },
		{ "LENGTH(zone.free_area)", &layout.orders },
		{ "OFFSET(pglist_data.node_zones)", &layout.node_zones },
		{ "OFFSET(pglist_data.nr_zones)", &layout.node_nr_zones },
		{ "SIZE(zone)", &layout.zone_size },
		{ "OFFSET(zone.vm_stat)", &layout.zone_vm_stat },
		{ "NUMBER(NR_FREE_PAGES)", &layout.nr_free_pages },
	};
	int r = parse_required(text, keys, sizeof(keys) / sizeof(*keys), err);

	if (r == 0)
		r = parse_nodes(text, &layout, err);
	if (r < 0)
		return r;
	if (page_size != FRAME_SIZE)
		return error_set(err, EINVAL, "vmcoreinfo: pages of %llu bytes",
				 (unsigned long long)page_size);
	layout.level5 = level5;
	layout.root = root - KERNEL_MAP_START + layout.phys_base;
	layout.buddy = (uint32_t)buddy;
	layout.has_vmemmap = vmcoreinfo_value(text, "SYMBOL(vmemmap)", &layout.vmemmap);
	layout.has_offline =
		parse_type(text, "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)", &layout.offline);
	layout.has_unaccepted =
		parse_type(text, "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)", &layout.unaccepted);
	layout.has_hwpoison = vmcoreinfo_value(text, "NUMBER(PG_hwpoison)", &layout.hwpoison_bit);
	*ret = layout;
	return 0;
}

int vmcoreinfo_address(const char *path, uint64_t *ret, struct error *err)
{
	char text[64], *end;
	ssize_t n = file_read_start(path, text, sizeof(text));

	if (n < 0)
		return error_set(err, (int)-n, "%s: %s", path, strerror((int)-n));
	errno = 0;
	*ret = strtoull(text, &end, 16);
	if (errno || end == text || *end != ' ' || !*ret)
		return error_set(err, EINVAL, "%s: '%.30s' is not an address and a size", path,
				 text);
	return 0;
}
