/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unified kernel images: PE files with kernel, initramfs and more in sections of their own
 * (UAPI.5 "Unified Kernel Image").
 */
#ifndef JUMP_PE_H
#define JUMP_PE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pe_section {
	uint64_t offset, size; /* in the file, within it */
};

/*
 * Where section NAME (at most 8 characters, ".linux") of the file FD lies. False when the file is
 * no PE file, has no such section, or when that is not wholly within the file.
 */
bool pe_section_find(int fd, const char *name, struct pe_section *ret);

/* The text of a section, without blanks at its end; false when there is none, or not in SIZE bytes.
 */
bool pe_section_text(int fd, const char *name, char *ret, size_t size);

#endif
