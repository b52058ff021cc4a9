/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/unseal.h"

#include <errno.h>

#include "kjump/key/files.h"
#include "kjump/paths.h"
#include "seal/keys.h"

static int by_restore_key(const struct options *options, struct opener *opener, struct error *err)
{
	struct restore_key key;
	int ret;

	keys_hide();
	ret = options->key ? key_open(&cryptsetup_running, options->key, &key, err)
			   : keys_read_restore(options->key_fd.fd, &key, err);
	if (!ret)
		ret = opener_restore(&key, opener, err);
	keys_wipe(&key, sizeof(key));
	return ret;
}

static int by_sender_key(const struct image_super *super, struct opener *opener, struct error *err)
{
	struct sender_key key;
	int ret;

	keys_hide();
	ret = keys_read_sender(PATH_SENDER, &key, err);
	if (!ret)
		ret = opener_sender(&key, opener, err);
	keys_wipe(&key, sizeof(key));
	if (!ret && !opener_fits(opener, &super->key))
		ret = error_set(err, EKEYREJECTED,
				"sealed for another restore key than this system's, " PATH_SENDER
				" (--key or --key-fd takes its own)");
	return ret;
}

int unseal_by(const struct options *options, const struct image_super *super, struct opener *opener,
	      const struct opener **ret, struct error *err)
{
	bool given = options->key || options->key_fd.given;
	int code = 0;

	*opener = (struct opener){ .pair = false };
	*ret = NULL;
	if (super->state == IMAGE_EMPTY || (!super->algorithm && !given))
		return 0;
	code = given ? by_restore_key(options, opener, err) : by_sender_key(super, opener, err);
	if (!code && !super->algorithm)
		return error_set(err, EPERM,
				 "not sealed, though a key was given: it may have been put in the "
				 "place of one that is (without a key it is taken for what it is)");
	/* Who is not root, or has this device from elsewhere, has no key. */
	if (!given && (code == -ENOENT || code == -EACCES || code == -ENOTDIR)) {
		*err = (struct error){ .code = 0 };
		code = 0;
	}
	if (opener->pair)
		*ret = opener;
	return code;
}
