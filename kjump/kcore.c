/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMCOREINFO note of an ELF core file.
 */
#include "kjump/kcore.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kjump/files.h"

#define NOTE_NAME "VMCOREINFO"

/* /proc/kcore has one segment for each range of memory; its notes hold a few pages. */
#define SEGMENTS_MAX 65535
#define NOTES_MAX    (1U << 20)

static int read_at(int fd, void *bytes, size_t size, uint64_t offset, struct error *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));

		if (got < 0)
			return error_errno(err, "read");
		if (got == 0)
			return error_set(err, EINVAL, "ends too early");
		done += (size_t)got;
	}
	return 0;
}

/* Bytes of SIZE with the padding of ELF notes. */
static uint64_t padded(uint32_t size)
{
	return ((uint64_t)size + 3) & ~3ULL;
}

static int find_note(const unsigned char *notes, size_t size, char *text, size_t max,
		     size_t *text_size, struct error *err)
{
	size_t at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t name, description;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		description = name + padded(note.n_namesz);
		if (description > size || note.n_descsz > size - description)
			return error_set(err, EINVAL, "a note exceeds its segment");
		if (note.n_namesz == sizeof(NOTE_NAME) &&
		    !memcmp(notes + name, NOTE_NAME, sizeof(NOTE_NAME))) {
			if (note.n_descsz >= max)
				return error_set(err, E2BIG, "VMCOREINFO of %u bytes is too long",
						 note.n_descsz);
			memcpy(text, notes + description, note.n_descsz);
			text[note.n_descsz] = '\0';
			*text_size = strlen(text);
			return 0;
		}
		at = description + padded(note.n_descsz);
		if (at > size)
			break;
	}
	return error_set(err, ENOENT, "no VMCOREINFO note");
}

static int read_notes(int fd, const Elf64_Phdr *segment, char *text, size_t max, size_t *size,
		      struct error *err)
{
	unsigned char *notes;
	int ret;

	if (segment->p_filesz > NOTES_MAX || segment->p_offset > INT64_MAX - NOTES_MAX)
		return error_set(err, EINVAL, "a segment of notes is out of bounds");
	notes = malloc(segment->p_filesz + 1);
	if (!notes)
		return error_set(err, ENOMEM, "out of memory");
	ret = read_at(fd, notes, segment->p_filesz, segment->p_offset, err);
	if (!ret)
		ret = find_note(notes, segment->p_filesz, text, max, size, err);
	free(notes);
	return ret;
}

static int read_header(int fd, Elf64_Ehdr *header, struct error *err)
{
	int ret = read_at(fd, header, sizeof(*header), 0, err);

	if (ret)
		return ret;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_phentsize != sizeof(Elf64_Phdr) ||
	    header->e_phoff > INT64_MAX - SEGMENTS_MAX * sizeof(Elf64_Phdr))
		return error_set(err, EINVAL, "not a 64-bit ELF core file");
	return 0;
}

static int search(int fd, char *text, size_t max, size_t *size, struct error *err)
{
	Elf64_Ehdr header;
	int ret = read_header(fd, &header, err);

	for (unsigned i = 0; !ret && i < header.e_phnum; i++) {
		Elf64_Phdr segment;

		ret = read_at(fd, &segment, sizeof(segment), header.e_phoff + i * sizeof(segment),
			      err);
		if (ret || segment.p_type != PT_NOTE)
			continue;
		ret = read_notes(fd, &segment, text, max, size, err);
		if (!ret)
			return 0;
		if (ret == -ENOENT)
			ret = 0;
	}
	return ret ? ret : error_set(err, ENOENT, "no VMCOREINFO note");
}

int kcore_vmcoreinfo(const char *path, char *text, size_t max, size_t *size, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return error_errno(err, "%s", path);
	ret = search(fd, text, max, size, err);
	if (ret)
		ret = error_prefix(err, "%s", path);
	close(fd);
	return ret;
}

int kcore_vmcoreinfo_address(const char *path, uint64_t *ret, struct error *err)
{
	char text[64], *end;
	int status = file_read(path, text, sizeof(text), err);

	if (status)
		return status;
	errno = 0;
	*ret = strtoull(text, &end, 16);
	if (errno || end == text || *end != ' ' || !*ret)
		return error_set(err, EINVAL, "%s: '%.30s' is not an address and a size", path,
				 text);
	return 0;
}
