/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can a kernel that ran on one processor go on on this one? */
#ifndef RESTORE_CPU_H
#define RESTORE_CPU_H

#include "common/error.h"
#include "image/format.h"
#include "memory/platform.h"

/*
 * A's kernel writes its control registers as they were, and runs the code that it chose for its
 * processor, and so do its programs. ENODEV names what this one lacks. Another model that lacks
 * nothing only gets a message.
 */
int cpu_check(const struct image_machine *machine, const struct platform *here, struct error *err);

#endif
