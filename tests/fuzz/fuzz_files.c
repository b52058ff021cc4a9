/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of all kinds that the programs read: settings, the kernel's own lists, kernel images and
 * cores.
 *
 * Input: the kind; then the file.
 */
#include <unistd.h>

#include "jump/jump.h"
#include "kjump/check/initramfs.h"
#include "kjump/check/mkinitcpio.h"
#include "kjump/config.h"
#include "kjump/load/finder.h"
#include "memory/core.h"
#include "memory/parameter.h"
#include "memory/symbols.h"
#include "memory/vmcoreinfo.h"
#include "tests/fuzz/fuzz.h"
#include "text/cmdline.h"

static bool read_config(const char *path, struct error *err)
{
	struct config config;

	config_default(&config);
	return fuzz_good(config_read(&config, path, err), err);
}

static bool read_iomem(const char *path, struct error *err)
{
	struct runs runs = { 0 }, other = { 0 };
	uint64_t start;
	bool good = fuzz_good(memory_system_ram(path, &runs, err), err);

	if (good && !runs_valid(&runs))
		abort();
	good &= fuzz_good(memory_iomem_ranges(path, "Reserved", &other, err), err);
	good &= fuzz_good(memory_iomem_start(path, "Kernel code", &start, err), err);
	runs_free(&runs);
	runs_free(&other);
	return good;
}

static bool read_symbols(const char *path, struct error *err)
{
	uint64_t address;

	return fuzz_good(memory_symbol_virtual(path, "saved_context", &address, err), err);
}

static bool read_zones(const char *path, struct error *err)
{
	uint64_t pages;

	return fuzz_good(finder_zone_count(path, &pages, err), err);
}

static bool read_parameter(const char *path, struct error *err)
{
	char value[16];
	uint64_t home;
	bool good = fuzz_good(memory_home_address(path, &home, err), err);

	return fuzz_good(memory_parameter(path, "kjump.op", value, sizeof(value), err), err) &&
	       good;
}

static bool read_kernel(const char *path, struct error *err)
{
	struct jump_kernel kernel = { 0 };
	bool good = fuzz_good(jump_kernel_read(path, &kernel, err), err);

	if (good)
		jump_home_size(&kernel, 1 << 20, 2, 1 << 20, 1 << 30);
	jump_kernel_free(&kernel);
	return good;
}

static bool read_initramfs(const char *path, struct error *err)
{
	struct initramfs content = { .restorer = false };
	FILE *file = fopen(path, "re");
	long rest;
	bool good;

	if (!file)
		abort();
	good = fuzz_good(initramfs_read(file, &content, &rest, err), err);
	if (memchr(content.targets, '\0', sizeof(content.targets)) == NULL)
		abort();
	fclose(file);
	return good;
}

/* Every page of a core that claims to have only a few. */
static void read_pages(struct memory *memory, const struct runs *ram)
{
	struct memory_window window = { 0 };
	struct error err = { 0 };
	const void *bytes;

	for (size_t i = 0; i < ram->n; i++)
		for (uint64_t k = 0; k < ram->v[i].count && k < 16; k++)
			fuzz_good(memory_map(memory, &window, ram->v[i].pfn + k, 1,
					     ram->v[i].pfn + ram->v[i].count, &bytes, &err),
				  &err);
	memory_unmap(&window);
}

static bool read_core(const char *path, struct error *err)
{
	struct core core = { 0 };
	struct memory *memory;
	char bytes[64];
	bool good;

	fuzz_good(core_read_virtual(path, 0xffffffff81000000, bytes, sizeof(bytes), err), err);
	if (fuzz_good(core_vmcoreinfo(path, &core, err), err))
		core_free(&core);
	good = fuzz_good(core_open(path, &memory, &core, err), err);
	if (!good)
		return false;
	if (!runs_valid(&core.ram))
		abort();
	read_pages(memory, &core.ram);
	core_free(&core);
	memory_close(memory);
	return true;
}

static bool (*const kinds[])(const char *path, struct error *err) = {
	read_config,	read_iomem,  read_symbols, read_zones,
	read_parameter, read_kernel, read_core,	   read_initramfs,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Parsers of text that is in memory already. */
static void parse_text(const char *text)
{
	char word[32], line[CMDLINE_SIZE];
	struct kernel_layout layout;
	struct error err = { 0 };
	const char *cursor = text;

	fuzz_good(vmcoreinfo_parse(text, &layout, &err), &err);
	while (cmdline_next(&cursor, word, sizeof(word)))
		;
	cmdline_value(text, "rd.kjump.resume", word, sizeof(word));
	cmdline_parameter(text, "rd.kjump.again", word, sizeof(word));
	cursor = text;
	while (cmdline_option(&cursor, "nvme-core", word, sizeof(word)))
		;
	hooks_after(HOOKS_WITHOUT, text);
	fuzz_good(cmdline_for_b(text, 2, "quiet", line, sizeof(line), &err), &err);
}

static bool fuzz_run(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	unsigned kind = fuzz_u8(&input) % (KINDS + 1);
	struct error err = { 0 };
	char path[40];
	bool good;
	int fd;

	if (kind == KINDS) {
		char *text = strndup((const char *)input.data, input.size);

		parse_text(text);
		free(text);
		return true;
	}
	fd = fuzz_file(path);
	fuzz_write(fd, input.data, input.size, 0);
	good = kinds[kind](path, &err);
	close(fd);
	return good;
}

static size_t fuzz_seed(uint8_t *data)
{
	static const char config[] = "\0# a comment\ntarget = UUID=1\nlevel = auto\nhome = 128M\n";

	memcpy(data, config, sizeof(config) - 1);
	return sizeof(config) - 1;
}
