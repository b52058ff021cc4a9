/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a restore. */
#include "restore/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/tsc.h"
#include "disk/devices.h"
#include "disk/disk.h"
#include "image/image.h"
#include "jump/jump.h"
#include "memory/efi-map.h"
#include "memory/memory.h"
#include "memory/platform.h"
#include "restore/check.h"
#include "restore/footprint.h"
#include "restore/hardware.h"
#include "restore/leave.h"
#include "restore/stage.h"
#include "restore/target.h"
#include "restore/tuning.h"
#include "seal/pin.h"

struct restore {
	const struct restore_options *options;
	uint64_t started, started_tsc;
	struct waiting waiting;
	struct disk disk;
	struct image_super super;
	struct image_index index;
	struct opener opener; /* with --key-fd */
	bool changed; /* a file system is not what it was: the image must never be restored */
};

/* RC and ERR of a check that the user may override with FLAG. */
static int unless_forced(const struct restore *restore, unsigned flag, int rc, struct error *err)
{
	if (rc != -ENODEV || !(restore->options->force & flag))
		return rc;
	message("warning: %s; going on, as it is forced", err->text);
	*err = (struct error){ 0 };
	return 0;
}

static int check_runtime_map(const struct restore *restore, uint64_t digest, struct error *err)
{
	struct efi_range *map = NULL;
	size_t count = 0;
	int rc = efi_map_read("/sys/firmware/efi/runtime-map", &map, &count, err);

	if (!rc)
		rc = unless_forced(restore, FORCE_EFI,
				   check_efi(&restore->index, digest, map, count, err), err);
	free(map);
	return rc;
}

static int check_machine(const struct restore *restore, struct error *err)
{
	struct firmware_range *map = NULL;
	struct platform here;
	size_t count = 0;
	int rc = platform_read(&here, err);

	if (!rc)
		rc = check_platform(&restore->index.machine, &here, err);
	if (!rc)
		rc = check_runtime_map(restore, here.efi_runtime_digest, err);
	if (!rc)
		rc = memory_firmware_map("/sys/firmware/memmap", &map, &count, err);
	if (!rc)
		rc = check_memory(&restore->index, map, count, err);
	free(map);
	return rc;
}

/* Another disk where one of A's was needs no waiting for those that are not there yet. */
static int check_same_devices(const struct restore *restore, struct error *err)
{
	struct devices here = { 0 };
	int rc = devices_read(&devices_running, DEVICES_ALL, &here, err);

	if (!rc)
		rc = unless_forced(restore, FORCE_DEVICES,
				   hardware_same(&restore->index, &here, err), err);
	devices_free(&here);
	return rc;
}

/* What came late is looked at as well. */
static int check_all_devices(struct restore *restore, struct error *err)
{
	struct devices here = { 0 };
	int rc;

	do {
		rc = devices_read(&devices_running, DEVICES_ALL, &here, err);
		if (!rc)
			rc = hardware_there(&restore->index, &here, err);
	} while (rc == -ENODEV && !(restore->options->force & FORCE_DEVICES) &&
		 waiting_goes_on(&restore->waiting, err));
	rc = unless_forced(restore, FORCE_DEVICES, rc, err);
	if (!rc && !(restore->options->force & FORCE_DEVICES))
		rc = hardware_same(&restore->index, &here, err);
	if (!rc)
		hardware_warn(&restore->index, &here);
	devices_free(&here);
	return rc;
}

/* What else than the image's own checks somebody could have put in its place. */
static int check_sealed(const struct restore *restore, struct error *err)
{
	if (!restore->opener.pair || restore->super.algorithm || restore->options->unsealed)
		return 0;
	return error_set(err, EPERM,
			 "the image is not sealed, and those of this system are: perhaps it is "
			 "somebody else's; rd.kjump.unsealed=1 (--unsealed) restores it all the "
			 "same");
}

/* The image is authentic by now; is it the last one as well? */
static int check_pinned(const struct restore *restore, struct error *err)
{
	int rc;

	if (!(restore->super.seal_flags & SEAL_PINNED))
		return 0;
	pin_mount(PIN_FOLDER);
	rc = pin_compare(PIN_FOLDER, restore->super.image_uuid, err);
	if (rc == -ENODEV || (rc && restore->options->force & FORCE_OLDER)) {
		message("warning: %s; going on", err->text);
		*err = (struct error){ 0 };
		rc = 0;
	}
	return rc;
}

static const struct opener *opener(const struct restore *restore)
{
	return restore->opener.pair ? &restore->opener : NULL;
}

/* This memory is A's in a moment: what opens images must not lie about in it. */
static void forget_keys(struct restore *restore)
{
	struct image_index *index = &restore->index;

	opener_end(&restore->opener);
	keys_wipe(index->key.key, sizeof(index->key.key));
	if (index->keys)
		keys_wipe(index->keys, index->key_count * sizeof(*index->keys));
}

/* Everything that is known before memory is acquired. Changes nothing. */
static int check_all(struct restore *restore, struct error *err)
{
	int rc = check_sealed(restore, err);

	if (!rc)
		rc = image_index_read(&restore->disk, &restore->super, opener(restore),
				      &restore->index, err);
	if (!rc)
		rc = check_pinned(restore, err);
	if (!rc)
		rc = leave_check(&restore->index, err);
	if (!rc)
		rc = check_machine(restore, err);
	if (!rc)
		rc = check_same_devices(restore, err);
	if (rc)
		return rc;
	rc = check_fingerprints(&restore->index, &restore->waiting, err);
	restore->changed = rc == -ESTALE;
	return rc ? rc : check_all_devices(restore, err);
}

/*
 * Count the attempt before it begins: one that hangs is not repeated at every boot. Not when
 * somebody asked for it, who sees what becomes of it.
 */
static int count_attempt(struct restore *restore, struct error *err)
{
	if (restore->options->retry)
		return 0;
	if (restore->super.attempts < UINT32_MAX)
		restore->super.attempts++;
	return image_super_write(&restore->disk, &restore->super, err);
}

/*
 * All that a restore does but for what changes something: every page is read and compared, and
 * memory is acquired until each of them has a place.
 */
static int rehearse(struct restore *restore, struct error *err)
{
	struct stage stage = { 0 };
	int rc = jump_permitted(err);

	if (!rc)
		rc = stage_verify(&restore->disk, &restore->index, restore->options->quiet, err);
	if (!rc)
		rc = stage_prepare(&stage, &restore->index, err);
	stage_free(&stage);
	return rc;
}

static int load_and_jump(struct restore *restore, struct error *err)
{
	uint64_t begun = clock_now();
	struct stage stage = { 0 };
	struct leave leave = {
		.target = restore->options->target,
		.disk = &restore->disk,
		.super = &restore->super,
		.index = &restore->index,
		.stage = &stage,
		.started = restore->started,
		.started_tsc = restore->started_tsc,
		.cpus = restore->options->cpus,
		.quiet = restore->options->quiet,
	};
	int rc = count_attempt(restore, err);

	if (!rc)
		rc = stage_prepare(&stage, &restore->index, err);
	if (!rc)
		rc = stage_read(&stage, &restore->disk, &restore->index, leave.quiet, err);
	forget_keys(restore);
	if (!rc) {
		leave.prepared = clock_now() - begun - stage.read_time;
		rc = leave_jump(&leave, err);
	}
	stage_free(&stage);
	return rc;
}

/*
 * The one line on a failure: what and why, then what became of the image. The reason goes to
 * standard output too, for whoever marks the image when the boot goes on. CODE is what the image's
 * state alone called for.
 */
static enum exit_code say_failed(struct restore *restore, const struct error *why,
				 enum exit_code code)
{
	struct error err = { 0 };

	puts(why->text);
	if (restore->options->check) {
		message("%s: %s; the image cannot be restored here, nothing was changed",
			restore->disk.name, why->text);
		return EXIT_FAILED;
	}
	if (!restore->changed) {
		message("%s: %s; image left %s", restore->disk.name, why->text,
			image_state_name(restore->super.state));
		if (why->code == ECANCELED)
			return EXIT_ABORTED;
		return code == EXIT_HANDED_OVER ? code : EXIT_FAILED;
	}
	if (image_mark_stale(&restore->disk, &restore->super, why->text, &err)) {
		message("%s: %s; image could not be marked stale: %.80s", restore->disk.name,
			why->text, err.text);
		return EXIT_FAILED;
	}
	message("%s: %s; image marked stale", restore->disk.name, why->text);
	return EXIT_LOST;
}

/*
 * A restore that did not come back has left the image as good as it was, unless the saved system
 * went on for long enough to change its file systems.
 */
static void look_for_changes(struct restore *restore, struct error *err)
{
	struct error why = { 0 };

	if (image_index_read(&restore->disk, &restore->super, opener(restore), &restore->index,
			     &why) ||
	    check_fingerprints(&restore->index, &restore->waiting, &why) != -ESTALE)
		return;
	restore->changed = true;
	*err = why;
}

/* How many boots failed does not count when somebody asked to try again. */
static enum exit_code check_wanted(const struct restore *restore, struct error *err)
{
	struct image_super super = restore->super;

	if (restore->options->retry)
		super.attempts = 0;
	return check_state(&super, restore->options->again, err);
}

/* With the settings of a restore: without transparent huge pages the kernel keeps less free. */
static void note_footprint(void)
{
	struct tuning tuning;
	struct error err = { 0 };

	tuning_apply(&tuning);
	if (footprint_note(FOOTPRINT_PATH, &err))
		message("%s; this boot's room for images is not noted", err.text);
	tuning_undo(&tuning);
}

/* Before the device is looked at: a key that is none is told as such. */
static int take_key(struct restore *restore, struct error *err)
{
	struct restore_key key;
	int rc;

	if (!restore->options->key_fd.given)
		return 0;
	keys_hide();
	rc = keys_read_restore(restore->options->key_fd.fd, &key, err);
	if (!rc)
		rc = opener_restore(&key, &restore->opener, err);
	keys_wipe(&key, sizeof(key));
	return rc;
}

enum exit_code restore_run(const struct restore_options *options, uint64_t started)
{
	struct restore restore = { .options = options,
				   .started = started,
				   .started_tsc = tsc_read(),
				   .waiting = waiting_from(started, options->wait) };
	enum disk_mode mode = options->check ? DISK_READ : DISK_WRITE;
	struct error err = { 0 };
	enum exit_code code;
	int rc;

	if (!options->check)
		note_footprint();
	code = take_key(&restore, &err) ? EXIT_FAILED
					: target_open(options->target, mode, &restore.waiting,
						      &restore.disk, &restore.super, &err);
	if (code != EXIT_DONE) {
		if (code == EXIT_FAILED)
			puts(err.text);
		message("%s; nothing was changed", err.text);
		return code;
	}
	code = check_wanted(&restore, &err);
	if (code == EXIT_NO_IMAGE) {
		message("%s: %s; nothing was changed", restore.disk.name, err.text);
		goto out;
	}
	if (code == EXIT_HANDED_OVER)
		look_for_changes(&restore, &err);
	rc = code == EXIT_DONE ? check_all(&restore, &err) : -err.code;
	if (!rc)
		rc = options->check ? rehearse(&restore, &err) : load_and_jump(&restore, &err);
	if (rc) {
		code = say_failed(&restore, &err, code);
	} else {
		message("%s: hibernation image of %.*s, %" PRIu64 " pages, can be restored",
			restore.disk.name, (int)sizeof(restore.super.release),
			restore.super.release, restore.super.data_pages);
	}
out:
	forget_keys(&restore);
	image_index_free(&restore.index);
	disk_close(&restore.disk);
	return code;
}
