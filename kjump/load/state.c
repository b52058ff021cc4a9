/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of a loaded kernel B, as text.
 */
#include "kjump/load/state.h"

#include <string.h>

#include "text/keys.h"

#define FIELD(field, type) KEY(#field, type, struct state, field)
#define IDENTITY(field)	   KEY("identity_" #field, key_address, struct state, identity.field)

static const struct key fields[] = {
	FIELD(home_start, key_address),
	FIELD(home_size, key_address),
	FIELD(level, key_number),
	FIELD(mailbox_pfn, key_address),
	FIELD(kexec_list, key_address),
	FIELD(nonce, key_bytes),
	FIELD(raised, key_switch),
	FIELD(reserved, key_switch),
	FIELD(crash, key_switch),
	FIELD(kernel, key_text),
	FIELD(initramfs, key_text),
	FIELD(digest, key_address),
	FIELD(memory_map, key_address),
	FIELD(jump, key_text),
	FIELD(from_file, key_switch),
	FIELD(proven, key_switch),
	FIELD(kept, key_switch),
	FIELD(why, key_text),
	IDENTITY(kernel),
	IDENTITY(initramfs),
	IDENTITY(acpi),
	IDENTITY(pci),
	IDENTITY(disks),
	IDENTITY(cpus),
};

#define FIELD_COUNT (sizeof(fields) / sizeof(*fields))

int state_read(const char *path, struct state *ret, struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	return keys_read(fields, FIELD_COUNT, ret, path, err);
}

int state_write(const char *path, const struct state *state, struct error *err)
{
	return keys_write(fields, FIELD_COUNT, state, path, err);
}
