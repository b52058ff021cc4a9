/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing an ELF core: the pages first, each run of frames where its segment has it, the headers
 * last. Virtual addresses in the headers are those of the direct map, which only the kernel's own
 * page tables tell; these are read from the file itself once the pages are in it.
 */
#include "kjump/export/vmcore.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <unistd.h>

#include "common/safe.h"
#include "memory/core.h"
#include "memory/kexec-list.h"
#include "memory/virtual.h"
#include "memory/vmcoreinfo.h"

/* The direct map starts at a multiple of this, wherever it is put at random. */
#define DIRECT_ALIGN (UINT64_C(1) << 30)

struct vmcore {
	int fd;
	const struct image_index *index;
	struct meter *meter;
	unsigned char *headers;
	uint64_t *offsets;   /* in the file, of each range of RAM */
	size_t headers_size; /* the pages start behind them; a multiple of FRAME_SIZE */
	uint64_t size;	     /* of the file */
};

static int write_at(const struct vmcore *core, const void *bytes, size_t size, uint64_t offset,
		    struct error *err)
{
	while (size) {
		ssize_t done = pwrite(core->fd, bytes, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_errno(err, "cannot write");
		bytes = (const char *)bytes + done;
		offset += (uint64_t)done;
		size -= (size_t)done;
	}
	return 0;
}

/* --- headers --- */

static size_t note_size(size_t name, size_t content)
{
	return sizeof(Elf64_Nhdr) + safe_round_up(name, 4) + safe_round_up(content, 4);
}

/* Returns the place behind the note. */
static unsigned char *put_note(unsigned char *at, const char *name, uint32_t type,
			       const void *content, size_t size)
{
	Elf64_Nhdr note = {
		.n_namesz = (uint32_t)strlen(name) + 1,
		.n_descsz = (uint32_t)size,
		.n_type = type,
	};

	memcpy(at, &note, sizeof(note));
	memcpy(at + sizeof(note), name, note.n_namesz);
	memcpy(at + sizeof(note) + safe_round_up(note.n_namesz, 4), content, size);
	return at + note_size(note.n_namesz, size);
}

static size_t notes_size(const struct image_index *index)
{
	size_t size = note_size(sizeof("CORE"), sizeof(struct elf_prstatus));

	if (index->vmcoreinfo)
		size += note_size(sizeof("VMCOREINFO"), strlen(index->vmcoreinfo));
	return size;
}

static void put_notes(const struct vmcore *core, unsigned char *at)
{
	const struct elf_prstatus registers = { .pr_pid = 0 };
	const char *text = core->index->vmcoreinfo;

	at = put_note(at, "CORE", NT_PRSTATUS, &registers, sizeof(registers));
	if (text)
		put_note(at, "VMCOREINFO", 0, text, strlen(text));
}

/* DIRECT is 0 when the direct map is not known: then there are no virtual addresses. */
static void fill_headers(struct vmcore *core, uint64_t direct)
{
	size_t segments = core->index->ram.n + 1;
	size_t sections = sizeof(Elf64_Ehdr) + segments * sizeof(Elf64_Phdr);
	size_t notes = sections + sizeof(Elf64_Shdr);
	Elf64_Ehdr *elf = (Elf64_Ehdr *)core->headers;
	Elf64_Phdr *program = (Elf64_Phdr *)(elf + 1);

	*elf = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(*elf),
		.e_ehsize = sizeof(*elf),
		.e_phentsize = sizeof(*program),
		.e_phnum = segments < PN_XNUM ? (Elf64_Half)segments : PN_XNUM,
	};
	/* Too many for the field: elf(5) says that section 0 has the number then. */
	if (segments >= PN_XNUM) {
		elf->e_shoff = sections;
		elf->e_shentsize = sizeof(Elf64_Shdr);
		elf->e_shnum = 1;
		*(Elf64_Shdr *)(core->headers + sections) =
			(Elf64_Shdr){ .sh_size = 1, .sh_info = (Elf64_Word)segments };
	}
	*program++ = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = notes,
		.p_filesz = notes_size(core->index),
		.p_memsz = notes_size(core->index),
	};
	for (size_t i = 0; i < core->index->ram.n; i++) {
		uint64_t start = core->index->ram.v[i].pfn << FRAME_SHIFT;
		uint64_t size = core->index->ram.v[i].count << FRAME_SHIFT;

		*program++ = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X,
			.p_offset = core->offsets[i],
			.p_vaddr = direct ? direct + start : 0,
			.p_paddr = start,
			.p_filesz = size,
			.p_memsz = size,
		};
	}
	put_notes(core, core->headers + notes);
}

static int plan(struct vmcore *core, struct error *err)
{
	const struct runs *ram = &core->index->ram;

	if (ram->n >= UINT32_MAX)
		return error_set(err, E2BIG, "too many ranges of RAM");
	core->headers_size = safe_round_up(sizeof(Elf64_Ehdr) + (ram->n + 1) * sizeof(Elf64_Phdr) +
						   sizeof(Elf64_Shdr) + notes_size(core->index),
					   FRAME_SIZE);
	core->headers = calloc(1, core->headers_size);
	core->offsets = calloc(ram->n + 1, sizeof(*core->offsets));
	if (!core->headers || !core->offsets)
		return error_set(err, ENOMEM, "out of memory");
	core->size = core->headers_size;
	for (size_t i = 0; i < ram->n; i++) {
		core->offsets[i] = core->size;
		core->size += ram->v[i].count << FRAME_SHIFT;
	}
	fill_headers(core, 0);
	return 0;
}

/* --- pages --- */

/* Where in the file the frames lie; 0 when they are in no segment. */
static uint64_t place(const struct vmcore *core, const struct run *frames)
{
	size_t low = 0, high = core->index->ram.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct run *load = &core->index->ram.v[middle];

		if (frames->pfn < load->pfn)
			high = middle;
		else if (frames->pfn - load->pfn >= load->count)
			low = middle + 1;
		else
			return frames->count <= load->count - (frames->pfn - load->pfn)
				       ? core->offsets[middle] +
						 ((frames->pfn - load->pfn) << FRAME_SHIFT)
				       : 0;
	}
	return 0;
}

static int write_chunk(void *context, size_t number, const struct image_chunk *chunk,
		       const struct run *runs, const void *pages, struct error *err)
{
	const struct vmcore *core = context;
	const char *bytes = pages;

	(void)number;
	for (uint32_t i = 0; i < chunk->run_count; i++) {
		size_t size = runs[i].count << FRAME_SHIFT;
		uint64_t offset = place(core, &runs[i]);
		int ret;

		if (!offset)
			return error_set(err, EUCLEAN, "frame %#" PRIx64 " is not RAM",
					 runs[i].pfn);
		ret = write_at(core, bytes, size, offset, err);
		if (ret)
			return ret;
		bytes += size;
	}
	meter_add(core->meter, chunk->stored);
	return 0;
}

/* --- what was written, read again --- */

static struct frozen frozen_kernel(struct memory *memory, const struct image_index *index)
{
	return (struct frozen){ .memory = memory,
				.ram = &index->ram,
				.home = &index->home,
				.list = index->machine.kexec_list };
}

/* --- the direct map --- */

/*
 * vmcoreinfo gives one address of the direct map, that of the list of memory sections; the page
 * tables give the physical one. Any doubt leaves virtual addresses out: crash does not need them.
 */
static int find_direct_map(struct memory *memory, const struct image_index *index, uint64_t *ret,
			   struct error *err)
{
	struct kernel_layout layout;
	const struct frozen frozen = frozen_kernel(memory, index);
	struct virtual_memory v = { .frozen = &frozen, .layout = &layout };
	uint64_t physical = 0, rest;
	int status = vmcoreinfo_parse(index->vmcoreinfo, &layout, err);

	if (!status)
		status = virtual_translate(&v, layout.mem_section, &physical, &rest, err);
	virtual_close(&v);
	if (status)
		return status;
	*ret = layout.mem_section - physical;
	if (*ret % DIRECT_ALIGN || *ret < UINT64_C(1) << 63)
		return error_set(err, EINVAL, "mem_section lies outside of it");
	return 0;
}

/* --- the home --- */

struct home_copy {
	const struct vmcore *core;
	struct memory *memory;
	struct memory_window window;
	uint64_t pages;
};

static int copy_frame(void *context, uint64_t destination, uint64_t source, struct error *err)
{
	static const unsigned char zeros[FRAME_SIZE];
	const struct run frame = { destination, 1 };
	struct home_copy *copy = context;
	const void *bytes;
	int ret = memory_map(copy->memory, &copy->window, source, 1, source + 1, &bytes, err);

	if (ret)
		return ret;
	copy->pages++;
	/* Holes stay holes. */
	if (!memcmp(bytes, zeros, FRAME_SIZE))
		return 0;
	return write_at(copy->core, bytes, FRAME_SIZE, place(copy->core, &frame), err);
}

static int fill_home(const struct vmcore *core, struct memory *memory, uint64_t *pages,
		     struct error *err)
{
	const struct image_index *index = core->index;
	struct home_copy copy = { .core = core, .memory = memory };
	const struct frozen frozen = frozen_kernel(memory, index);
	int ret = kexec_list_walk(&frozen, copy_frame, &copy, err);

	memory_unmap(&copy.window);
	*pages = copy.pages;
	return ret;
}

/* --- */

/* What takes reading the memory that was just written. None of it is worth failing for. */
static void complete(struct vmcore *core, const char *path, struct vmcore_result *ret)
{
	const struct image_index *index = core->index;
	struct core file = { 0 };
	struct error err = { 0 };
	struct memory *memory;

	if (!index->vmcoreinfo)
		message("%s: the image has no vmcoreinfo; few programs will make sense of it",
			path);
	if (core_open(path, &memory, &file, &err)) {
		message("%s; written without virtual addresses and home", err.text);
		return;
	}
	if (index->machine.kexec_list && fill_home(core, memory, &ret->home, &err))
		message("%s: %s; the home of kernel B is not whole", path, err.text);
	if (index->vmcoreinfo && find_direct_map(memory, index, &ret->direct, &err)) {
		message("%s: direct map: %s; written without virtual addresses", path, err.text);
		ret->direct = 0;
	}
	core_free(&file);
	memory_close(memory);
}

static int write_all(struct vmcore *core, const struct disk *disk, unsigned workers,
		     const char *path, struct vmcore_result *result, struct error *err)
{
	const struct image_sink sink = { .take = write_chunk, .context = core };
	int ret = plan(core, err);

	if (!ret && ftruncate(core->fd, (off_t)core->size))
		ret = error_errno(err, "cannot make it %" PRIu64 " bytes long", core->size);
	if (!ret)
		ret = write_at(core, core->headers, core->headers_size, 0, err);
	if (ret)
		return error_prefix(err, "%s", path);
	ret = image_read_chunks(disk, core->index, workers, &sink, err);
	if (ret)
		return error_prefix(err, "%s to %s", disk->name, path);
	complete(core, path, result);
	fill_headers(core, result->direct);
	ret = write_at(core, core->headers, core->headers_size, 0, err);
	return ret ? error_prefix(err, "%s", path) : 0;
}

int vmcore_write(const struct disk *disk, const struct image_index *index, unsigned workers,
		 const char *path, struct meter *meter, struct vmcore_result *ret,
		 struct error *err)
{
	struct vmcore core = { .index = index, .meter = meter };
	int status;

	/* It holds all secrets of the machine. */
	core.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (core.fd < 0)
		return error_errno(err, "%s", path);
	*ret = (struct vmcore_result){ .pages = runs_total(&index->data) };
	status = write_all(&core, disk, workers, path, ret, err);
	ret->size = core.size;
	if (close(core.fd) && !status)
		status = error_errno(err, "%s", path);
	if (status)
		unlink(path);
	free(core.headers);
	free(core.offsets);
	return status;
}
