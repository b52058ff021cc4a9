/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a bzImage (Documentation/arch/x86/boot.rst). */
#include <asm/bootparam.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jump/jump.h"
#include "jump/pe.h"
#include "text/files.h"

#define HEADER_OFFSET 0x1f1
#define HEADER_MAGIC  0x53726448 /* "HdrS" */
#define PROTOCOL_MIN  0x020c	 /* xloadflags */
#define SECTOR	      512

/* The file, or the kernel in a unified image. */
static int read_file(const char *path, unsigned char **ret, size_t *size, struct error *err)
{
	int fd = file_open(path, err);
	unsigned char *bytes = NULL;
	struct pe_section section;
	struct stat st;
	size_t done = 0;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		r = error_errno(err, "%s", path);
		goto out;
	}
	/* A bzImage is a PE file itself, but without a kernel in it. */
	if (!pe_section_find(fd, ".linux", &section))
		section = (struct pe_section){ 0, (uint64_t)st.st_size };
	if (section.size < HEADER_OFFSET + sizeof(struct setup_header)) {
		r = error_set(err, EINVAL, "%s: not a kernel image", path);
		goto out;
	}
	bytes = malloc(section.size);
	if (!bytes) {
		r = error_set(err, ENOMEM, "%s: no memory for %lld bytes", path,
			      (long long)section.size);
		goto out;
	}
	while (done < section.size) {
		ssize_t n = pread(fd, bytes + done, section.size - done,
				  (off_t)(section.offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? error_errno(err, "%s", path)
				  : error_set(err, EIO, "%s: shrank while it was read", path);
			goto out;
		}
		done += n;
	}
	*ret = bytes;
	*size = done;
	bytes = NULL;
	r = 0;
out:
	free(bytes);
	close(fd);
	return r;
}

static int check_header(const struct jump_kernel *kernel, const char *path, struct error *err)
{
	struct setup_header header;

	memcpy(&header, kernel->bytes + HEADER_OFFSET, sizeof(header));
	/* The stub of a unified image is a PE file without this header; a bzImage is both. */
	if (header.header != HEADER_MAGIC || header.boot_flag != 0xaa55)
		return error_set(err, EINVAL, "%s: not a bzImage%s", path,
				 memcmp(kernel->bytes, "MZ", 2)
					 ? ""
					 : ", as a unified kernel image is not: name the kernel "
					   "that it was made of");
	if (header.version < PROTOCOL_MIN || !(header.xloadflags & XLF_KERNEL_64))
		return error_set(err, EINVAL, "%s: no 64-bit entry point", path);
	if (!header.relocatable_kernel)
		return error_set(err, EINVAL, "%s: built without CONFIG_RELOCATABLE", path);
	if (kernel->setup_size >= kernel->size)
		return error_set(err, EINVAL, "%s: truncated", path);
	return 0;
}

int jump_kernel_read(const char *path, struct jump_kernel *ret, struct error *err)
{
	struct jump_kernel kernel = { 0 };
	struct setup_header header;
	int r;

	r = read_file(path, &kernel.bytes, &kernel.size, err);
	if (r < 0)
		return r;
	memcpy(&header, kernel.bytes + HEADER_OFFSET, sizeof(header));
	/* 0 setup sectors means 4; the boot sector comes before them. */
	kernel.setup_size = ((header.setup_sects ? header.setup_sects : 4) + 1) * SECTOR;
	kernel.init_size = header.init_size;
	kernel.alignment = header.kernel_alignment;
	r = check_header(&kernel, path, err);
	if (r < 0) {
		jump_kernel_free(&kernel);
		return r;
	}
	*ret = kernel;
	return 0;
}

void jump_kernel_free(struct jump_kernel *kernel)
{
	free(kernel->bytes);
	*kernel = (struct jump_kernel){ 0 };
}
