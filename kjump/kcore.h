/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running kernel's VMCOREINFO: what the writer needs to find its free pages.
 */
#ifndef KJUMP_KCORE_H
#define KJUMP_KCORE_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Text of the VMCOREINFO note in the ELF core file at PATH (/proc/kcore: the note in memory cannot
 * be read under STRICT_DEVMEM), NUL-terminated; *SIZE without the NUL. ENOENT when there is no
 * such note, E2BIG when it does not fit into MAX, EINVAL when the file is not in order.
 */
int kcore_vmcoreinfo(const char *path, char *text, size_t max, size_t *size, struct error *err);

/* Physical address of the note in memory from PATH (/sys/kernel/vmcoreinfo). */
int kcore_vmcoreinfo_address(const char *path, uint64_t *ret, struct error *err);

#endif
