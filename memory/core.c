/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading ELF cores. */
#include "memory/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/backend.h"

#define NOTE_NAME   "VMCOREINFO"
#define NOTES_MAX   (1U << 24)
#define HEADERS_MAX (1U << 20)
#define NO_PHYSICAL UINT64_MAX

void core_free(struct core *core)
{
	runs_free(&core->ram);
	free(core->vmcoreinfo);
	*core = (struct core){ 0 };
}

static int read_at(int fd, void *bytes, size_t size, uint64_t offset, struct error *err)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "cannot read it");
		if (n == 0)
			return error_set(err, EINVAL, "ends too early");
		done += n;
	}
	return 0;
}

/* Dumps of other kinds, by what they begin with. */
static const struct magic {
	const char *bytes;
	size_t size;
	const char *is;
} magics[] = {
	{ "KDUMP   ", 8, "a kdump-compressed dump, which crash reads; an ELF core is needed" },
	{ "DISKDUMP", 8, "a diskdump, which crash reads; an ELF core is needed" },
	{ "makedumpfile", 12, "a flattened dump; use makedumpfile -R on it first" },
	{ "EMiL", 4, "a LiME dump; an ELF core is needed" },
	{ "PAGEDU64", 8, "a Windows dump" },
	{ "\x1f\x8b", 2, "compressed with gzip; unpack it first" },
	{ "\xfd"
	  "7zXZ",
	  5, "compressed with xz; unpack it first" },
	{ "\x28\xb5\x2f\xfd", 4, "compressed with zstd; unpack it first" },
	{ "BZh", 3, "compressed with bzip2; unpack it first" },
};

/* The file begins with the bytes of HEADER, and is no core that can be read: what is it? */
static int refuse_header(const Elf64_Ehdr *header, struct error *err)
{
	const unsigned char *ident = header->e_ident;

	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++) {
		if (!memcmp(header, magics[i].bytes, magics[i].size))
			return error_set(err, EINVAL, "%s", magics[i].is);
	}
	if (memcmp(ident, ELFMAG, SELFMAG) || ident[EI_CLASS] != ELFCLASS64 ||
	    ident[EI_DATA] != ELFDATA2LSB || header->e_type != ET_CORE)
		return error_set(err, EINVAL, "not a 64-bit ELF core file");
	if (header->e_machine != EM_X86_64)
		return error_set(err, EINVAL,
				 "a core of another architecture (ELF machine %u), not of x86-64",
				 header->e_machine);
	/* xc_core.c of Xen's tools: all is in sections, the memory in .xen_pages. */
	if (!header->e_phnum && header->e_shnum)
		return error_set(err, EINVAL,
				 "sections and no segments: a Xen guest's core, perhaps, which "
				 "crash reads");
	return error_set(err, EINVAL, "its ELF header makes no sense");
}

static bool is_readable(const Elf64_Ehdr *header)
{
	return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_type == ET_CORE && header->e_machine == EM_X86_64 &&
	       (header->e_phnum || !header->e_shnum) && header->e_phentsize == sizeof(Elf64_Phdr) &&
	       header->e_phoff <= INT64_MAX / 2;
}

static int read_header(int fd, Elf64_Ehdr *header, uint64_t *count, struct error *err)
{
	int r = read_at(fd, header, sizeof(*header), 0, err);

	if (r)
		return r;
	if (!is_readable(header))
		return refuse_header(header, err);
	*count = header->e_phnum;
	if (header->e_phnum == PN_XNUM) { /* too many for the field: section 0 has the number */
		Elf64_Shdr section;

		if (!header->e_shoff || header->e_shoff > INT64_MAX / 2)
			return error_set(err, EINVAL,
					 "no section header with the number of its segments");
		r = read_at(fd, &section, sizeof(section), header->e_shoff, err);
		*count = section.sh_info;
	}
	if (r == 0 && *count > HEADERS_MAX)
		return error_set(err, EINVAL, "more than %u program headers", HEADERS_MAX);
	return r;
}

/* All program headers; *RET is from malloc. */
static int read_headers(int fd, Elf64_Phdr **ret, size_t *count, struct error *err)
{
	Elf64_Ehdr header;
	uint64_t n = 0;
	int r = read_header(fd, &header, &n, err);

	if (r)
		return r;
	*ret = malloc((n + 1) * sizeof(**ret));
	if (!*ret)
		return error_set(err, ENOMEM, "out of memory");
	*count = n;
	r = read_at(fd, *ret, n * sizeof(**ret), header.e_phoff, err);
	if (r) {
		free(*ret);
		*ret = NULL;
	}
	return r;
}

static uint64_t padded(uint32_t size)
{
	return ((uint64_t)size + 3) & ~3ULL;
}

static int take_note(const unsigned char *text, size_t size, struct core *core, struct error *err)
{
	free(core->vmcoreinfo);
	core->vmcoreinfo = strndup((const char *)text, size);
	if (!core->vmcoreinfo)
		return error_set(err, ENOMEM, "out of memory");
	core->vmcoreinfo_size = strlen(core->vmcoreinfo);
	return 0;
}

static int search_notes(const unsigned char *notes, size_t size, struct core *core,
			struct error *err)
{
	size_t at = 0;

	while (at < size && size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t name, text;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		text = name + padded(note.n_namesz);
		if (text > size || note.n_descsz > size - text)
			return error_set(err, EINVAL, "a note exceeds its segment");
		if (note.n_namesz >= sizeof(NOTE_NAME) - 1 && note.n_namesz <= sizeof(NOTE_NAME) &&
		    memcmp(notes + name, NOTE_NAME, sizeof(NOTE_NAME) - 1) == 0)
			return take_note(notes + text, note.n_descsz, core, err);
		at = text + padded(note.n_descsz);
	}
	return 0;
}

static int read_notes(int fd, const Elf64_Phdr *header, struct core *core, struct error *err)
{
	unsigned char *notes;
	int r;

	if (header->p_filesz > NOTES_MAX || header->p_offset > INT64_MAX / 2)
		return error_set(err, EINVAL, "a segment of notes is out of bounds");
	notes = malloc(header->p_filesz + 1);
	if (!notes)
		return error_set(err, ENOMEM, "out of memory");
	r = read_at(fd, notes, header->p_filesz, header->p_offset, err);
	if (r == 0)
		r = search_notes(notes, header->p_filesz, core, err);
	free(notes);
	return r;
}

static int compare_physical(const void *a, const void *b)
{
	const Elf64_Phdr *x = a, *y = b;

	if (x->p_paddr != y->p_paddr)
		return x->p_paddr < y->p_paddr ? -1 : 1;
	return (x->p_filesz < y->p_filesz) - (x->p_filesz > y->p_filesz); /* longest first */
}

/* One PT_LOAD, rounded inwards and cut where an earlier one has the frames. */
static int add_load(struct memory *memory, const Elf64_Phdr *load, uint64_t file_size,
		    struct core *core, struct error *err)
{
	uint64_t first = (load->p_paddr + FRAME_SIZE - 1) >> FRAME_SHIFT;
	uint64_t end = (load->p_paddr + load->p_filesz) >> FRAME_SHIFT;
	struct memory_segment segment;
	const struct memory_segment *last =
		memory->count ? memory->segments + memory->count - 1 : NULL;

	if (load->p_filesz > INT64_MAX / 2 || load->p_paddr > INT64_MAX / 2 ||
	    load->p_offset > INT64_MAX / 2)
		return error_set(err, EINVAL, "a segment is out of bounds");
	if (load->p_offset + load->p_filesz > file_size)
		return error_set(err, EINVAL, "ends too early: memory at %#llx is missing",
				 (unsigned long long)load->p_paddr);
	if (last && last->pfn + last->count > first)
		first = last->pfn + last->count;
	if (first >= end)
		return 0;
	segment = (struct memory_segment){
		.pfn = first,
		.count = end - first,
		.offset = load->p_offset + (first << FRAME_SHIFT) - load->p_paddr,
	};
	if (memory_add_segment(memory, &segment) < 0 ||
	    runs_add(&core->ram, segment.pfn, segment.count) < 0)
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

/* Bytes that the file may have. What /proc/kcore tells is no size; it has no blocks either. */
static uint64_t size_of(const struct memory *memory)
{
	struct stat st;

	return fstat(memory->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_blocks
		       ? (uint64_t)st.st_size
		       : UINT64_MAX;
}

static int read_core(struct memory *memory, bool notes_only, struct core *core, struct error *err)
{
	Elf64_Phdr *headers = NULL;
	uint64_t file_size;
	size_t count = 0;
	int r = read_headers(memory->fd, &headers, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (headers[i].p_type == PT_NOTE)
			r = read_notes(memory->fd, headers + i, core, err);
	}
	if (r || notes_only)
		goto out;
	memory->by_read = true;
	file_size = size_of(memory);
	if (count)
		qsort(headers, count, sizeof(*headers), compare_physical);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (headers[i].p_type == PT_LOAD && headers[i].p_paddr != NO_PHYSICAL)
			r = add_load(memory, headers + i, file_size, core, err);
	}
	if (r == 0 && !memory->count)
		r = error_set(err, EINVAL, "no memory in it");
	runs_sort(&core->ram);
out:
	free(headers);
	return r ? error_prefix(err, "%s", memory->path) : 0;
}

int core_open(const char *path, struct memory **ret, struct core *core, struct error *err)
{
	struct memory *memory;
	int r = memory_create(path, O_RDONLY, &memory, err);

	if (r)
		return r;
	*core = (struct core){ 0 };
	r = read_core(memory, false, core, err);
	if (r) {
		core_free(core);
		memory_close(memory);
		return r;
	}
	*ret = memory;
	return 0;
}

int core_vmcoreinfo(const char *path, struct core *core, struct error *err)
{
	struct memory *memory;
	int r = memory_create(path, O_RDONLY, &memory, err);

	if (r)
		return r;
	*core = (struct core){ 0 };
	r = read_core(memory, true, core, err);
	if (r == 0 && !core->vmcoreinfo)
		r = error_set(err, ENOENT, "%s: no VMCOREINFO note", path);
	if (r)
		core_free(core);
	memory_close(memory);
	return r;
}

static int read_virtual(int fd, uint64_t address, void *bytes, size_t size, struct error *err)
{
	Elf64_Phdr *headers = NULL;
	size_t count = 0;
	int r = read_headers(fd, &headers, &count, err);

	if (r)
		return r;
	r = -ENXIO;
	for (size_t i = 0; r == -ENXIO && i < count; i++) {
		const Elf64_Phdr *load = headers + i;
		uint64_t at = address - load->p_vaddr;

		if (load->p_type == PT_LOAD && address >= load->p_vaddr && at < load->p_filesz &&
		    size <= load->p_filesz - at && load->p_offset <= INT64_MAX / 2 - at)
			r = read_at(fd, bytes, size, load->p_offset + at, err);
	}
	if (r == -ENXIO)
		error_set(err, ENXIO, "no memory at virtual %#llx", (unsigned long long)address);
	free(headers);
	return r;
}

int core_read_virtual(const char *path, uint64_t address, void *bytes, size_t size,
		      struct error *err)
{
	struct memory *memory;
	int r = memory_create(path, O_RDONLY, &memory, err);

	if (r)
		return r;
	r = read_virtual(memory->fd, address, bytes, size, err);
	memory_close(memory);
	return r ? error_prefix(err, "%s", path) : 0;
}
