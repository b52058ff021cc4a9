/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LUKS2 container that the restore key lies in, as far as anybody may look at it: what it is
 * called, how often it was changed, and what unlocks it.
 */
#ifndef KJUMP_KEY_CONTAINER_H
#define KJUMP_KEY_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Of its first bytes: the binary header, and the text behind it as cryptsetup makes it for us. */
#define CONTAINER_HEAD 65536
#define CONTAINER_WAYS 160

struct container {
	char uuid[41];
	uint64_t changes;     /* counted up by each change of the header ("seqid") */
	unsigned passphrases; /* key slots that belong to no token */
	bool tpm2, tpm2_pin, fido2, fido2_pin, pkcs11, recovery;
	bool other; /* a token of another kind */
};

/*
 * Look at the first SIZE bytes of a container. The layout is that of LUKS2's on-disk format
 * (lib/luks2/luks2.h of cryptsetup: struct luks2_hdr_disk, then JSON); the kinds of tokens are
 * those of systemd-cryptenroll(1). EUCLEAN when it is none, or none that can be read. The checksum
 * is cryptsetup's business: nothing is decided by what is said here.
 */
int container_parse(const void *bytes, size_t size, struct container *ret, struct error *err);

/* The same for the file at PATH; ENOENT when there is none. */
int container_read(const char *path, struct container *ret, struct error *err);

#define CONTAINER_UUID 37

/*
 * The UUID of the container for the keys' PAIR (struct opener), made of that and of version 8 (RFC
 * 9562), so that anybody can tell whether a sender's key belongs to it.
 */
void container_name(const uint8_t pair[16], char ret[CONTAINER_UUID]);

/* Can it be the one that NAME is for? A UUID that kjump did not make says nothing. */
bool container_belongs(const struct container *container, const char *name);

/* Is there anything that opens it? */
bool container_opens(const struct container *container);

/* "passphrase, TPM2 with PIN, recovery key"; "nothing" for a container that nobody opens. */
const char *container_ways(const struct container *container, char text[CONTAINER_WAYS]);

#endif
