/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libsodium, started once, and random bytes. For the files of seal/ alone. */
#ifndef SEAL_START_H
#define SEAL_START_H

#include <stddef.h>

#include "common/error.h"

/*
 * To be called before anything else of libsodium, as often as wanted. It looks at the CPU; it does
 * not wait for the kernel's random numbers, which libsodium by itself would do: a kernel that has
 * just booted may have none for long, and whoever opens what is sealed needs none.
 */
int seal_start(struct error *err);

/* Random bytes that are fit for keys; waits until the kernel has some. */
int seal_random(void *bytes, size_t size, struct error *err);

#endif
