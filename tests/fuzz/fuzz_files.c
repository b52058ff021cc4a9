/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of all kinds that the programs read: settings, the kernel's own lists, kernel images and
 * cores.
 *
 * Input: the kind; then the file.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/crc32c.h"
#include "jump/jump.h"
#include "kjump/check/initramfs.h"
#include "kjump/config.h"
#include "kjump/kept/file.h"
#include "kjump/key/container.h"
#include "kjump/load/finder.h"
#include "memory/core.h"
#include "memory/parameter.h"
#include "memory/symbols.h"
#include "tests/fuzz/fuzz.h"

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
	int archives;
	long rest;
	bool good;

	if (!file)
		abort();
	archives = initramfs_read(file, &content, &rest, err);
	good = archives >= 0 || fuzz_good(archives, err);
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

/* Checksums that would keep everything out are made right first. */
static void seal_kept(int fd)
{
	struct kept_head head;
	size_t runs, chunks;
	uint8_t lists[4096];
	uint64_t hash;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return;
	runs = head.run_count < 64 ? head.run_count * sizeof(struct run) : 0;
	chunks = head.chunk_count < 64 ? head.chunk_count * sizeof(struct kept_chunk) : 0;
	if (head.lists < INT32_MAX &&
	    pread(fd, lists, runs + chunks, (off_t)head.lists) == (ssize_t)(runs + chunks)) {
		hash = XXH3_64bits(lists, runs);
		head.lists_hash = XXH3_64bits_withSeed(lists + runs, chunks, hash);
	}
	head.crc = 0;
	head.crc = crc32c(0, &head, sizeof(head));
	fuzz_write(fd, &head, sizeof(head), 0);
}

#define KEPT_HOME UINT64_C(0x8000000)

static bool read_kept(const char *path, struct error *err)
{
	static unsigned char home[1 << 21], low[1 << 16];
	const struct kept_place places[] = { { KEPT_HOME >> FRAME_SHIFT, 512, home },
					     { 0, 16, low } };
	int fd = open(path, O_RDWR);
	struct kept_file file;
	bool good;

	fchmod(fd, 0600);
	seal_kept(fd);
	good = fuzz_good(kept_open_descriptor(fd, &file, err), err);
	if (!good)
		return false;
	good = fuzz_good(kept_read(&file, places, 2, 1, err), err);
	kept_close(&file);
	return good;
}

/* The header of the key's container, which is in each initramfs. */
static bool read_container(const char *path, struct error *err)
{
	struct container container;
	char ways[CONTAINER_WAYS];
	bool good = fuzz_good(container_read(path, &container, err), err);

	container_ways(&container, ways);
	if (!memchr(container.uuid, '\0', sizeof(container.uuid)) || strlen(ways) >= sizeof(ways))
		abort();
	return good;
}

static bool (*const kinds[])(const char *path, struct error *err) = {
	read_config, read_iomem, read_symbols,	 read_zones, read_parameter,
	read_kernel, read_core,	 read_initramfs, read_kept,  read_container,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool fuzz_run(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	unsigned kind = fuzz_u8(&input) % KINDS;
	struct error err = { 0 };
	char path[40];
	bool good;
	int fd;

	fd = fuzz_file(path);
	fuzz_write(fd, input.data, input.size, 0);
	good = kinds[kind](path, &err);
	close(fd);
	return good;
}

/* --- seeds ---------------------------------------------------------------------------------- */

/* In the order of `kinds`. */
static const char *const texts[] = {
	"# a comment\ntarget = UUID=1\nlevel = auto\nhome = 128M\n",
	"00000000-00000fff : Reserved\n00001000-0009ffff : System RAM\n"
	"00100000-3fffffff : System RAM\n  01000000-01ffffff : Kernel code\n",
	"ffffffff81000000 T _text\nffffffff82000000 D saved_context\n",
	"Node 0, zone      DMA\n  pages free     3840\n      nr_free_pages 3840\n",
	"quiet kjump.home=0x10000000 kjump.op=save\n",
	NULL, /* a kernel */
	NULL, /* a core */
	NULL, /* an archive */
	NULL, /* kernel B's memory */
	NULL, /* a container */
};

#define SEED_KERNEL    5
#define SEED_CORE      6
#define SEED_ARCHIVE   7
#define SEED_KEPT      8
#define SEED_CONTAINER 9
#define SEEDS	       (sizeof(texts) / sizeof(texts[0]))

/* The smallest thing that passes for a bzImage. */
static size_t seed_kernel(uint8_t *data)
{
	const struct setup_header header = { .setup_sects = 1,
					     .boot_flag = 0xaa55,
					     .header = 0x53726448,
					     .version = 0x20f,
					     .relocatable_kernel = 1,
					     .kernel_alignment = 2 << 20,
					     .xloadflags = XLF_KERNEL_64,
					     .init_size = 10 << 20 };

	memset(data, 0, 1536);
	memcpy(data + 0x1f1, &header, sizeof(header));
	return 1536;
}

/* Two pages of memory, and the note. */
struct seed_core {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	Elf64_Nhdr note;
	char name[12], text[20];
	unsigned char memory[1];
};

static size_t seed_core(uint8_t *data)
{
	static const char text[20] = "OSRELEASE=6.12.0-a\n";
	struct seed_core core = {
		.header = { .e_type = ET_CORE,
			    .e_machine = EM_X86_64,
			    .e_phoff = offsetof(struct seed_core, segments),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 2 },
		.segments = { { .p_type = PT_LOAD,
				.p_offset = 4096,
				.p_vaddr = 0xffffffff81000000,
				.p_paddr = 0x1000,
				.p_filesz = 4096,
				.p_memsz = 4096 },
			      { .p_type = PT_NOTE,
				.p_offset = offsetof(struct seed_core, note),
				.p_filesz = sizeof(Elf64_Nhdr) + 12 + 20 } },
		.note = { .n_namesz = 11, .n_descsz = 19 },
		.name = "VMCOREINFO",
	};

	memcpy(core.header.e_ident, ELFMAG "\2\1\1", 7);
	memcpy(core.text, text, sizeof(text));
	memset(data, 0, 8192);
	memcpy(data, &core, sizeof(core));
	return 8192;
}

static size_t add_entry(uint8_t *data, size_t at, const char *name, const char *content)
{
	size_t size = strlen(content);

	at += (size_t)sprintf((char *)data + at,
			      "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x%s", 1,
			      0100755, 0, 0, 1, 0, size, 0, 0, 0, 0, strlen(name) + 1, 0, name) +
	      1;
	at = (at + 3) & ~(size_t)3;
	memcpy(data + at, content, size);
	return (at + size + 3) & ~(size_t)3;
}

static size_t seed_archive(uint8_t *data)
{
	size_t at;

	memset(data, 0, 1024);
	at = add_entry(data, 0, "etc/kjump.targets", "UUID=1\n");
	at = add_entry(data, at, "usr/lib/kjump/kjump-restore", "x");
	return add_entry(data, at, "TRAILER!!!", "");
}

static const void *seed_page(void *context, uint64_t pfn, struct error *err)
{
	(void)err;
	return memset(context, (int)pfn | 1, FRAME_SIZE);
}

static size_t seed_kept(uint8_t *data)
{
	const struct kept_identity identity = { .home_start = KEPT_HOME, .home_size = 1 << 21 };
	struct run frames[] = { { 1, 3 }, { (KEPT_HOME >> FRAME_SHIFT) + 5, 2 } };
	const struct runs runs = { .v = frames, .n = 2 };
	char path[] = "/tmp/kjump-fuzz-XXXXXX";
	unsigned char page[FRAME_SIZE];
	struct error err = { 0 };
	int fd = mkstemp(path);
	uint64_t size;

	if (fd < 0 || kept_write(path, &identity, &runs, seed_page, page, &size, &err))
		abort();
	close(fd);
	fd = open(path, O_RDONLY);
	if (size > FUZZ_SEED_MAX - 1 || read(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	unlink(path);
	return size;
}

static size_t seed_container(uint8_t *data)
{
	static const char text[] = "{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64}},"
				   "\"tokens\":{\"0\":{\"type\":\"systemd-tpm2\","
				   "\"keyslots\":[\"0\"],\"tpm2-pin\":true}}}";

	memset(data, 0, 8192);
	memcpy(data, "LUKS\xba\xbe\0\x02\0\0\0\0\0\0\x20\0", 16);
	memcpy(data + 168, "857ad566-c256-4667-ba6b-c6fe8caf6c20", 36);
	memcpy(data + 4096, text, sizeof(text));
	return 8192;
}

static size_t fuzz_seed(unsigned number, uint8_t *data)
{
	if (number >= SEEDS)
		return 0;
	*data++ = (uint8_t)number;
	switch (number) {
	case SEED_KERNEL:
		return 1 + seed_kernel(data);
	case SEED_CORE:
		return 1 + seed_core(data);
	case SEED_ARCHIVE:
		return 1 + seed_archive(data);
	case SEED_KEPT:
		return 1 + seed_kept(data);
	case SEED_CONTAINER:
		return 1 + seed_container(data);
	}
	memcpy(data, texts[number], strlen(texts[number]));
	return 1 + strlen(texts[number]);
}
