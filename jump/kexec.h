/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kexec system calls. */
#ifndef JUMP_KEXEC_H
#define JUMP_KEXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* At most this many segments (include/uapi/linux/kexec.h). */
#define KEXEC_SEGMENTS 16

/* One segment; the layout is the kernel's struct kexec_segment. */
struct kexec_part {
	const void *buffer; /* content; may be NULL when buffer_size is 0 */
	size_t buffer_size; /* bytes; the kernel zero-fills the rest */
	uintptr_t address;  /* physical, multiple of 4096 */
	size_t size;	    /* bytes, multiple of 4096 */
};

/*
 * kexec_load(2) of COUNT segments, entered at ENTRY (physical). With PRESERVE what is in their
 * place is swapped out and comes back, which needs CONFIG_KEXEC_JUMP. COUNT 0 unloads.
 */
int kexec_load(uint64_t entry, const struct kexec_part *parts, size_t count, bool preserve,
	       struct error *err);

/* Drop whatever is loaded. */
int kexec_unload(struct error *err);

/*
 * reboot(LINUX_REBOOT_CMD_KEXEC). Returns 0 when somebody jumped back, a negative errno value when
 * the kernel did not jump.
 */
int kexec_execute(struct error *err);

#endif
