/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump key: the keys of sealed images.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kjump/check/generator.h"
#include "kjump/key/container.h"
#include "kjump/key/files.h"
#include "kjump/key/sealing.h"
#include "kjump/options.h"
#include "kjump/paths.h"
#include "seal/keys.h"

/* What to type for images that boot to have the container as it is now. */
static const char *remake(void)
{
	const char *generator = generator_in_use("");

	if (!generator)
		return "make the system's initramfs anew";
	if (!strcmp(generator, "dracut"))
		return "'dracut --force --regenerate-all'";
	return strcmp(generator, "mkinitcpio") ? "'update-initramfs -u -k all'" : "'mkinitcpio -P'";
}

/* --- create ----------------------------------------------------------------------------------- */

static int ask(const struct options *options, struct passphrase *ret, struct error *err)
{
	int fd, rc;

	if (options->key_file)
		return passphrase_from_file(options->key_file, ret, err);
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		error_errno(err, "/dev/tty");
		return error_prefix(err,
				    "no terminal to ask on (--key-file FILE has a passphrase)");
	}
	rc = passphrase_ask(fd, ret, err);
	close(fd);
	return rc;
}

/* Nobody types a passphrase for nothing. */
static int make(const struct options *options, struct error *err)
{
	struct passphrase passphrase;
	int lock, rc;

	if (mkdir(PATH_KEYS, 0755) && errno != EEXIST)
		return error_errno(err, PATH_KEYS);
	lock = key_lock(PATH_KEYS, err);
	if (lock < 0)
		return lock;
	if (!access(PATH_KEY, F_OK) || !access(PATH_SENDER, F_OK)) {
		close(lock);
		return error_set(err, EEXIST, "there is a key already ('kjump key remove')");
	}
	keys_hide();
	passphrase_hold(&passphrase);
	rc = ask(options, &passphrase, err);
	if (!rc && !options->quiet)
		message("making the key; a passphrase takes some seconds on purpose");
	if (!rc)
		rc = key_create(&cryptsetup_running, PATH_KEY, PATH_SENDER, &passphrase, err);
	passphrase_wipe(&passphrase);
	close(lock);
	return rc;
}

static int create(const struct options *options)
{
	struct error err = { 0 };

	if (make(options, &err)) {
		/* It stays where there is something in it. */
		rmdir(PATH_KEYS);
		message("%s; no key was made", err.text);
		return EXIT_FAILED;
	}
	if (options->quiet)
		return EXIT_DONE;
	printf(PATH_KEY ": opened by the passphrase; images are sealed from now on\n"
			"-> %s, so that boots have it, after each change of it as well\n"
			"-> TPM2, FIDO2 or a recovery key besides: systemd-cryptenroll " PATH_KEY
			"\n",
	       remake());
	return EXIT_DONE;
}

/* --- status ----------------------------------------------------------------------------------- */

static const char *sealing_text(const struct options *options)
{
	static const char *const why[] = {
		[SEAL_AUTO] = "auto", [SEAL_YES] = "yes", [SEAL_NO] = "no"
	};

	return why[options->config.seal];
}

/* Says what it finds; a part that is missing while the other is there is a fault. */
static int status(const struct options *options)
{
	struct container container;
	char ways[CONTAINER_WAYS];
	struct error err = { 0 };
	struct sender_key key = { .secret = { 0 } };
	struct stat st;
	bool sender = !lstat(PATH_SENDER, &st);
	int rc = container_read(PATH_KEY, &container, &err);

	if (rc == -EACCES) {
		message("%s; what there is and what opens it only root may know", err.text);
		return EXIT_FAILED;
	}
	if (rc == -ENOENT && !sender) {
		puts("no key: images are not sealed ('kjump key create')");
		return EXIT_NO_IMAGE;
	}
	if (rc)
		message("%s; images that are sealed cannot be opened", err.text);
	else
		printf("container  " PATH_KEY ", UUID %s, opened by: %s\n", container.uuid,
		       container_ways(&container, ways));
	if (!rc && !container_opens(&container))
		rc = error_set(&err, EKEYREJECTED, PATH_KEY ": no key slot; nothing opens it");
	if (!sender) {
		message(PATH_SENDER ": not there; no image can be sealed");
	} else if (keys_read_sender(PATH_SENDER, &key, &err)) {
		message("%s; no image can be sealed", err.text);
		sender = false;
	} else {
		printf("sender     " PATH_SENDER "\n");
	}
	keys_wipe(&key, sizeof(key));
	if (!rc && sender && key_belongs(PATH_SENDER, PATH_KEY, &container, &err)) {
		rc = -err.code;
		message("%s; 'kjump key remove' and 'kjump key create' make a new pair", err.text);
	}
	printf("sealing    %s (seal = %s)\n",
	       !sealing_wanted(&options->config, PATH_SENDER) ? "images are not sealed"
	       : rc || !sender				      ? "images cannot be sealed"
							      : "images are sealed",
	       sealing_text(options));
	return rc || !sender ? EXIT_FAILED : EXIT_DONE;
}

/* --- remove ----------------------------------------------------------------------------------- */

static bool is_wanted(const struct options *options)
{
	char answer[16] = "";

	if (options->yes)
		return true;
	printf("Remove the key? Nobody opens images that are sealed by it any more, once no\n"
	       "initramfs has the container. [y/N] ");
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

static int remove_keys(const struct options *options)
{
	struct error err = { 0 };
	bool removed = false;
	int lock;

	if (access(PATH_KEY, F_OK) && access(PATH_SENDER, F_OK)) {
		puts("no key");
		return EXIT_NO_IMAGE;
	}
	if (!is_wanted(options)) {
		message("not wanted; the key is left");
		return EXIT_FAILED;
	}
	lock = key_lock(PATH_KEYS, &err);
	if (lock < 0) {
		message("%s; the key is left", err.text);
		return EXIT_FAILED;
	}
	/* The lock goes with the program. */
	if (key_remove(PATH_KEY, PATH_SENDER, &removed, &err)) {
		message("%s; not all of the key was removed", err.text);
		return EXIT_FAILED;
	}
	rmdir(PATH_KEYS);
	if (!options->quiet)
		printf("removed; images are in clear from now on\n-> %s, so that none has the "
		       "container\n",
		       remake());
	return EXIT_DONE;
}

static int run(const struct options *options)
{
	const char *verb = options->operands[0];
	bool creates = !strcmp(verb, "create"), removes = !strcmp(verb, "remove");

	if (!creates && !removes && strcmp(verb, "status")) {
		message("key: '%.60s' is neither create nor remove nor status; try 'kjump help "
			"key'",
			verb);
		return EXIT_USAGE;
	}
	if (options->key_file && !creates) {
		message("key: --key-file goes with create only; try 'kjump help key'");
		return EXIT_USAGE;
	}
	if (!creates && !removes)
		return status(options);
	if (geteuid() != 0) {
		message("key: only root may do this; nothing was changed");
		return EXIT_FAILED;
	}
	return creates ? create(options) : remove_keys(options);
}

const struct command cmd_key = {
	.name = "key",
	.summary = "make, show or remove the keys of sealed images",
	.operands = "create|status|remove",
	.about =
		"create: make the keys that images are encrypted and signed with from then on. The "
		"one\n"
		"that opens them lies in a LUKS2 container, " PATH_KEY ", for which a\n"
		"passphrase is asked twice; 'cryptsetup luksAddKey' and 'systemd-cryptenroll' "
		"(TPM2,\n"
		"FIDO2, recovery key) work on it as on any other. status: say what there is, and "
		"what\n"
		"opens it. remove: remove both keys.\n"
		"Exit code 3 when there is no key.",
	.accepts = TAKES(CONFIG) | TAKES(KEY_FILE) | TAKES(QUIET) | TAKES(YES),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
