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

static int by_sender_key(const char *path, struct opener *opener, struct error *err)
{
	struct sender_key key;
	int ret;

	keys_hide();
	ret = keys_read_sender(path, &key, err);
	if (!ret)
		ret = opener_sender(&key, opener, err);
	keys_wipe(&key, sizeof(key));
	return ret;
}

int unseal_by(const struct options *options, const struct image_super *super, struct opener *opener,
	      const struct opener **ret, struct error *err)
{
	int code;

	*opener = (struct opener){ .pair = false };
	*ret = NULL;
	if (!super->algorithm)
		return 0;
	if (options->key || options->key_fd.given)
		code = by_restore_key(options, opener, err);
	else
		code = by_sender_key(PATH_SENDER, opener, err);
	/* Who is not root, or has this device from elsewhere, has no key. */
	if (!options->key && !options->key_fd.given &&
	    (code == -ENOENT || code == -EACCES || code == -ENOTDIR)) {
		*err = (struct error){ .code = 0 };
		code = 0;
	}
	if (opener->pair)
		*ret = opener;
	return code;
}
