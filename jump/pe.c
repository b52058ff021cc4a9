/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections of PE files (the PE/COFF specification). */
#include "jump/pe.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOS_HEADER  64
#define FILE_HEADER 24 /* with the signature */
#define ENTRY	    40
#define NAME_SIZE   8

static uint32_t get32(const unsigned char *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

bool pe_section_find(int fd, const char *name, struct pe_section *ret)
{
	unsigned char bytes[DOS_HEADER];
	char wanted[NAME_SIZE + 1] = "";
	struct stat stat;
	off_t header, at;
	unsigned count;

	strncpy(wanted, name, NAME_SIZE);
	if (fstat(fd, &stat) || pread(fd, bytes, DOS_HEADER, 0) != DOS_HEADER ||
	    memcmp(bytes, "MZ", 2))
		return false;
	header = get32(bytes + 0x3c);
	if (pread(fd, bytes, FILE_HEADER, header) != FILE_HEADER || memcmp(bytes, "PE\0", 4))
		return false;
	count = bytes[6] | bytes[7] << 8;
	at = header + FILE_HEADER + (bytes[20] | bytes[21] << 8);
	for (; count && pread(fd, bytes, ENTRY, at) == ENTRY; count--, at += ENTRY) {
		uint32_t memory = get32(bytes + 8), file = get32(bytes + 16);

		if (memcmp(bytes, wanted, NAME_SIZE))
			continue;
		/* In the file it is filled up to whole blocks, or left short when zeros follow. */
		ret->size = memory && memory < file ? memory : file;
		ret->offset = get32(bytes + 20);
		return ret->offset + ret->size <= (uint64_t)stat.st_size;
	}
	return false;
}

bool pe_section_text(int fd, const char *name, char *ret, size_t size)
{
	struct pe_section section;
	size_t length;

	if (!pe_section_find(fd, name, &section) || section.size >= size ||
	    pread(fd, ret, section.size, (off_t)section.offset) != (ssize_t)section.size)
		return false;
	ret[section.size] = '\0';
	length = strlen(ret);
	while (length && strchr(" \t\r\n", ret[length - 1]))
		ret[--length] = '\0';
	return true;
}
