/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/save/seal.h"

#include <errno.h>

#include "seal/aead.h"
#include "seal/keys.h"
#include "seal/pin.h"

int seal_request(const char *sender, const struct image_super *target, struct request_seal *ret,
		 struct error *err)
{
	struct sender_key key;
	int code;

	keys_hide();
	code = keys_read_sender(sender, &key, err);
	if (!code)
		code = box_make(&key, aead_best(), ret, err);
	if (!code)
		code = image_know_sealed(target, &key, ret, err);
	keys_wipe(&key, sizeof(key));
	if (code)
		seal_wipe(ret);
	return code;
}

void seal_pin(const char *folder, struct request_seal *seal)
{
	struct error ignored;

	if (!pin_write(folder, seal->key.image_uuid, &ignored))
		seal->flags |= SEAL_PINNED;
}

void seal_wipe(struct request_seal *seal)
{
	keys_wipe(seal, sizeof(*seal));
}
