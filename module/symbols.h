/* SPDX-License-Identifier: GPL-2.0 */
/* Functions of the kernel that are not exported to modules, or not to this one. */
#ifndef KJUMP_SYMBOLS_H
#define KJUMP_SYMBOLS_H

#include <linux/static_call.h>
#include <linux/types.h>

/* Once, before all else here. */
void kjump_symbols_begin(void);

/* Have the static call lead to the function NAME. Returns false when the kernel has none. */
bool kjump_bind(struct static_call_key *key, void *trampoline, const char *name);

#define KJUMP_BIND(call, name)                                                                     \
	kjump_bind(&STATIC_CALL_KEY(call), STATIC_CALL_TRAMP_ADDR(call), name)

#endif
