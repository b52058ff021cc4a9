/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an initramfs image holds of kjump's.
 */
#include "kjump/check/initramfs.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jump/pe.h"
#include "kjump/check/unpack.h"

/* --- archives --------------------------------------------------------------------------------- */

#define MAGIC_SIZE  6
#define HEADER_SIZE 110
#define TRAILER	    "TRAILER!!!"

/* Where a stream stands; it may be a pipe. */
struct reader {
	FILE *stream;
	uint64_t at;
};

static bool read_bytes(struct reader *reader, void *to, size_t size)
{
	size_t got = fread(to, 1, size, reader->stream);

	reader->at += got;
	return got == size;
}

static bool skip_bytes(struct reader *reader, uint64_t size)
{
	char buffer[65536];

	while (size) {
		size_t part = size < sizeof(buffer) ? (size_t)size : sizeof(buffer);

		if (!read_bytes(reader, buffer, part))
			return false;
		size -= part;
	}
	return true;
}

/* Headers, names and files each begin at a multiple of four bytes. */
static bool align(struct reader *reader)
{
	return skip_bytes(reader, -reader->at & 3);
}

struct header {
	uint32_t size, name_size;
	bool file; /* a regular one */
};

/* Field NUMBER behind the magic: eight digits. */
static bool header_field(const char *header, unsigned number, uint32_t *ret)
{
	char digits[9], *end;

	memcpy(digits, header + MAGIC_SIZE + 8 * number, 8);
	digits[8] = '\0';
	*ret = (uint32_t)strtoul(digits, &end, 16);
	return strspn(digits, "0123456789abcdefABCDEF") == 8;
}

static bool header_parse(const char *text, struct header *ret)
{
	uint32_t mode;

	if (!header_field(text, 1, &mode) || !header_field(text, 6, &ret->size) ||
	    !header_field(text, 11, &ret->name_size))
		return false;
	ret->file = S_ISREG(mode);
	return ret->name_size > 0 && ret->name_size <= PATH_MAX;
}

/* Where kernel B's initramfs has its modules. */
#define MODULES	      "lib/modules/"
#define MODULE_SUFFIX ".ko"

/* NAME.ko: " NAME " is added to the text, as long as there is room. */
static void add_module(const char *name, struct initramfs *ret)
{
	size_t length = strlen(name), at = strlen(ret->modules);
	size_t suffix = strlen(MODULE_SUFFIX);

	if (length <= suffix || strcmp(name + length - suffix, MODULE_SUFFIX))
		return;
	snprintf(ret->modules + at, sizeof(ret->modules) - at, "%s%.*s ", at ? "" : " ",
		 (int)(length - suffix), name);
}

/* The beginning of the key's container. One that cannot be read opens nothing. */
static bool take_container(struct reader *reader, uint64_t *left, struct initramfs *ret)
{
	size_t size = *left < CONTAINER_HEAD ? (size_t)*left : CONTAINER_HEAD;
	unsigned char *head = malloc(size ? size : 1);
	struct error ignored = { 0 };
	bool whole = head && read_bytes(reader, head, size);

	if (whole) {
		ret->has_container = true;
		container_parse(head, size, &ret->container, &ignored);
		*left -= size;
	}
	free(head);
	return whole;
}

/* Read what is wanted of a file, and pass over the rest of it. */
static bool take_file(struct reader *reader, const struct header *header, const char *name,
		      struct initramfs *ret)
{
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	uint64_t left = header->size;

	while (*name == '.' || *name == '/')
		name++;
	/* /lib is a link into it, in images as dracut makes them. */
	if (!strncmp(name, "usr/lib/", 8))
		name += 4;
	if (header->file && header->size && !strcmp(base, "kjump-restore"))
		ret->restorer = true;
	if (header->file && header->size && !strcmp(base, "kjump-core.sh"))
		ret->hooks = true;
	if (header->file && header->size && !strcmp(base, "cryptsetup"))
		ret->cryptsetup = true;
	if (header->file && !strcmp(name, "etc/kjump/key.luks") &&
	    !take_container(reader, &left, ret))
		return false;
	if (header->file && !strcmp(name, "etc/kjump.targets") && left < sizeof(ret->targets)) {
		if (!read_bytes(reader, ret->targets, left))
			return false;
		ret->targets[left] = '\0';
		left = 0;
	}
	if (header->file && !strncmp(name, MODULES, strlen(MODULES)))
		add_module(base, ret);
	return skip_bytes(reader, left) && align(reader);
}

/* The entries of one archive; the magic of the first was read. */
static bool take_archive(struct reader *reader, struct initramfs *ret)
{
	char text[HEADER_SIZE], name[PATH_MAX + 1];
	struct header header;
	bool first = true;

	do {
		size_t known = first ? MAGIC_SIZE : 0;

		if (!read_bytes(reader, text + known, HEADER_SIZE - known) ||
		    (!first && memcmp(text, "07070", 5)) || !header_parse(text, &header) ||
		    !read_bytes(reader, name, header.name_size) || !align(reader))
			return false;
		first = false;
		name[header.name_size - 1] = '\0';
		if (!strcmp(name, TRAILER))
			return true;
	} while (take_file(reader, &header, name, ret));
	return false;
}

/* Read the first bytes behind the zeros that fill up archives. False at the end. */
static bool read_magic(struct reader *reader, char magic[MAGIC_SIZE])
{
	int c;

	do {
		c = getc(reader->stream);
		reader->at += c != EOF;
	} while (c == '\0');
	if (c == EOF)
		return false;
	magic[0] = (char)c;
	return read_bytes(reader, magic + 1, MAGIC_SIZE - 1);
}

int initramfs_read(FILE *stream, struct initramfs *ret, long *rest, struct error *err)
{
	struct reader reader = { .stream = stream };
	char magic[MAGIC_SIZE];
	int count = 0;

	*rest = 0;
	while (read_magic(&reader, magic)) {
		*rest = (long)reader.at - MAGIC_SIZE;
		if (memcmp(magic, "070701", MAGIC_SIZE) && memcmp(magic, "070702", MAGIC_SIZE))
			return count;
		/* An archive begins where it counts its alignment from. */
		reader.at = MAGIC_SIZE;
		if (!take_archive(&reader, ret))
			return error_set(err, EUCLEAN, "damaged archive");
		reader.at += (uint64_t)*rest;
		count++;
	}
	*rest = -1;
	return count;
}

/* --- compression ------------------------------------------------------------------------------ */

/*
 * Look into the compressed archive that the file at PATH has at OFFSET. Returns the number of
 * archives, 0 also when nothing is known that begins like it.
 */
static int look_unpacked(const char *path, off_t offset, struct initramfs *ret, struct error *err)
{
	struct error failed = { 0 };
	struct unpacking unpacking;
	FILE *stream;
	long rest;
	int count;

	if (!unpack_start(path, offset, &unpacking, &failed))
		return 0;
	if (failed.code) {
		*err = failed;
		return -failed.code;
	}
	stream = fdopen(dup(unpacking.output), "r");
	if (!stream) {
		count = error_errno(err, "pipe");
	} else {
		count = initramfs_read(stream, ret, &rest, err);
		fclose(stream);
	}
	unpack_end(&unpacking);
	return count;
}

/* --- images ----------------------------------------------------------------------------------- */

/* Is all of it there that restores? Then nothing is left to be looked for. */
static bool is_complete(const struct initramfs *content)
{
	return content->restorer && content->hooks;
}

/* Parts one behind the other: archives, and compressed ones. */
static int look_at(const char *path, FILE *file, struct initramfs *ret, struct error *err)
{
	struct pe_section section;
	bool unified = pe_section_find(fileno(file), ".initrd", &section);
	off_t start = unified ? (off_t)section.offset : 0, offset = start;
	int total = 0;

	do {
		long rest;
		int count;

		if (fseeko(file, offset, SEEK_SET))
			return error_errno(err, "seek");
		count = initramfs_read(file, ret, &rest, err);
		if (count < 0)
			return count;
		total += count;
		if (rest < 0)
			return total;
		offset += rest;
		count = look_unpacked(path, offset, ret, err);
		if (count < 0)
			return count;
		total += count;
		offset = count && !is_complete(ret) ? unpack_next(fileno(file), start, offset) : 0;
	} while (offset);
	return total;
}

int initramfs_look(const char *path, struct initramfs *ret, struct error *err)
{
	FILE *file = fopen(path, "re");
	int count;

	memset(ret, 0, sizeof(*ret));
	if (!file)
		return error_errno(err, "%s", path);
	count = look_at(path, file, ret, err);
	if (!count)
		count = error_set(err, ENODATA, "no archive that can be looked into");
	if (count < 0)
		error_prefix(err, "%s", path);
	fclose(file);
	return count < 0 ? count : 0;
}

bool initramfs_lists(const struct initramfs *content, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = content->targets; *line; line += *line == '\n') {
		const char *word = line + strcspn(line, " \n");
		size_t rest = strcspn(line, "\n");

		if (*word == ' ' && (size_t)(line + rest - word - 1) == length &&
		    !memcmp(word + 1, name, length))
			return true;
		line += rest;
	}
	return false;
}
