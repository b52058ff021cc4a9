/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of what sealed images are made with, and of what opens them at the next boot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kjump/check/checks.h"
#include "kjump/check/images.h"
#include "kjump/check/initramfs.h"
#include "kjump/key/files.h"
#include "kjump/key/sealing.h"
#include "kjump/paths.h"
#include "seal/keys.h"
#include "text/cmdline.h"
#include "text/files.h"

static bool is_sealed(const struct preflight *preflight)
{
	char path[CHECK_PATH_SIZE];

	return sealing_wanted(preflight->config,
			      check_path(preflight, PATH_SENDER, path, sizeof(path)));
}

/* Others than root must not read the sender's key: it makes images that a boot runs. */
static int check_sender(const struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE];
	struct sender_key key;
	struct stat st;
	int code;

	check_path(preflight, PATH_SENDER, path, sizeof(path));
	if (lstat(path, &st))
		return error_errno(note, "%s", PATH_SENDER);
	if (!S_ISREG(st.st_mode) || st.st_mode & 077)
		return error_set(note, EPERM, "%s has mode %04o, so others may have read it",
				 PATH_SENDER, st.st_mode & 07777);
	code = keys_read_sender(path, &key, note);
	keys_wipe(&key, sizeof(key));
	return code == -EACCES ? check_closed(note, PATH_SENDER) : code;
}

/* What the configured container is. Only root reads it. */
static int look_at_container(const struct preflight *preflight, struct container *ret,
			     struct error *note)
{
	char path[CHECK_PATH_SIZE];
	int rc = container_read(check_path(preflight, PATH_KEY, path, sizeof(path)), ret, note);

	return rc == -EACCES ? check_closed(note, PATH_KEY) : rc;
}

int check_sealed(struct preflight *preflight, struct error *note)
{
	const char *const usual = preflight->advice;
	char ways[CONTAINER_WAYS], path[CHECK_PATH_SIZE];
	struct container container;
	int ret;

	if (!is_sealed(preflight)) {
		error_set(note, 0, "no, as seal says");
		if (preflight->config->seal == SEAL_AUTO)
			error_set(note, 0, "no: there is no key");
		return 0;
	}
	ret = check_sender(preflight, note);
	if (ret == -EPERM) {
		preflight->advice = "'kjump key remove' and 'kjump key create'";
		note->code = EKEYREJECTED;
		return -EKEYREJECTED;
	}
	if (!ret)
		ret = look_at_container(preflight, &container, note);
	if (ret)
		return ret;
	preflight->advice = "'kjump key remove' and 'kjump key create'";
	if (!container_opens(&container))
		return error_set(note, EKEYREJECTED, "%s has no key slot: nothing opens it",
				 PATH_KEY);
	ret = key_belongs(check_path(preflight, PATH_SENDER, path, sizeof(path)), PATH_KEY,
			  &container, note);
	if (ret)
		return ret;
	preflight->advice = usual;
	error_set(note, 0, "sealed; opened by: %s", container_ways(&container, ways));
	if (container.passphrases || container.recovery)
		return 0;
	error_set(note, 0,
		  "sealed; opened by nothing but: %s; what is lost with that, a recovery key "
		  "would open",
		  ways);
	preflight->advice = "'systemd-cryptenroll --recovery-key " PATH_KEY "'";
	return PREFLIGHT_DOUBT;
}

/* Does the image at PATH have what opens images that are sealed by OURS? */
static int check_image(const char *path, const struct container *ours, struct error *note)
{
	struct initramfs *content = calloc(1, sizeof(*content));
	char ways[CONTAINER_WAYS];
	int ret;

	if (!content)
		return error_set(note, ENOMEM, "out of memory");
	ret = initramfs_look(path, content, note);
	if (ret == -EACCES)
		ret = check_closed(note, path);
	else if (ret)
		ret = PREFLIGHT_DOUBT; /* which the check of the hook is about */
	else if (!content->has_container)
		ret = error_set(note, ENOKEY, "%s has no key, so it restores no sealed image",
				path);
	else if (strcmp(content->container.uuid, ours->uuid))
		ret = error_set(note, ENOKEY, "%s has another key than " PATH_KEY, path);
	else if (!content->cryptsetup)
		ret = error_set(note, ENOKEY, "%s has the key but no cryptsetup to open it", path);
	else if (content->container.changes != ours->changes) {
		error_set(note, 0, "%s has the container as it was before it was changed: %s", path,
			  container_ways(&content->container, ways));
		ret = PREFLIGHT_DOUBT;
	} else {
		error_set(note, 0, "in %s, opened by: %s", path,
			  container_ways(&content->container, ways));
	}
	free(content);
	return ret;
}

/* Was the running kernel told to restore images in clear as well? */
static bool takes_unsealed(const struct preflight *preflight)
{
	char path[CHECK_PATH_SIZE], cmdline[CMDLINE_READ_SIZE], value[CMDLINE_READ_SIZE];
	struct error ignored = { 0 };

	return !file_read(check_path(preflight, PATH_CMDLINE, path, sizeof(path)), cmdline,
			  sizeof(cmdline), &ignored) &&
	       cmdline_parameter(cmdline, "rd.kjump.unsealed", value, sizeof(value)) &&
	       !cmdline_is_no(value);
}

/* An initramfs with a key restores nothing that is in clear. */
static int check_plain(struct preflight *preflight, struct error *note)
{
	struct initramfs *content = calloc(1, sizeof(*content));
	char images[IMAGES_MAX][CHECK_PATH_SIZE];
	size_t count = images_that_boot(preflight, images);
	struct error ignored = { 0 };
	int ret = 0;

	if (!content)
		return error_set(note, ENOMEM, "out of memory");
	error_set(note, 0, "none is needed");
	for (size_t i = 0; i < count && !ret && !takes_unsealed(preflight); i++) {
		if (initramfs_look(images[i], content, &ignored) || !content->has_container)
			continue;
		preflight->advice =
			"seal images; or make the initramfs anew without the key ('kjump key "
			"remove'), or add rd.kjump.unsealed=1 to the kernel command line";
		ret = error_set(note, EKEYREJECTED,
				"%s has a key, so it restores no image in clear", images[i]);
	}
	free(content);
	return ret;
}

int check_unlocked(struct preflight *preflight, struct error *note)
{
	char images[IMAGES_MAX][CHECK_PATH_SIZE];
	struct container ours;
	struct error first = { 0 };
	int ret, worst = 0;
	size_t count;

	if (!is_sealed(preflight))
		return check_plain(preflight, note);
	ret = look_at_container(preflight, &ours, note);
	if (ret)
		return ret == PREFLIGHT_UNKNOWN ? ret : error_prefix(note, "no key to look for");
	count = images_that_boot(preflight, images);
	if (!count) {
		error_set(note, 0, "no initramfs is found to look for the key in");
		return PREFLIGHT_DOUBT;
	}
	for (size_t i = 0; i < count; i++) {
		struct error found = { 0 };

		ret = check_image(images[i], &ours, &found);
		/* The first one of the worst kind; what is in order is told of the first image. */
		if (i && (worst < 0 || !ret || (worst && ret > 0)))
			continue;
		worst = ret;
		first = found;
	}
	*note = first;
	return worst;
}
