// SPDX-License-Identifier: GPL-2.0
/*
 * Calling what is not exported. Kprobes find any function by its name, also the kernel's own
 * look-up, which then finds the rest. Only what is built in is looked up, which never goes away.
 *
 * Calls are static calls: direct calls that the kernel patches in. An indirect call would be
 * refused by CPUs with indirect branch tracking, because the kernel seals functions whose address
 * it has taken nowhere itself ("ENDBR sealing"); nor does it matter for a direct call that an
 * address may lie behind the ENDBR.
 */
#include <linux/cache.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/static_call.h>

#include "symbols.h"

DEFINE_STATIC_CALL_NULL(kjump_lookup, kallsyms_lookup_name);

static bool have_lookup __ro_after_init;

static unsigned long probe(const char *name)
{
	/* Disabled: it is never armed, so the function is not touched. */
	struct kprobe kprobe = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	unsigned long address;

	if (register_kprobe(&kprobe))
		return 0;
	address = (unsigned long)kprobe.addr;
	unregister_kprobe(&kprobe);
	return address;
}

void kjump_symbols_begin(void)
{
	unsigned long address = probe("kallsyms_lookup_name");

	if (!address)
		return;
	static_call_update(kjump_lookup, (unsigned long (*)(const char *))address);
	have_lookup = true;
}

static unsigned long find(const char *name)
{
	unsigned long address = have_lookup ? static_call(kjump_lookup)(name) : 0;

	return address ?: probe(name);
}

bool kjump_bind(struct static_call_key *key, void *trampoline, const char *name)
{
	unsigned long address = find(name);

	if (address)
		__static_call_update(key, trampoline, (void *)address);
	return address;
}
