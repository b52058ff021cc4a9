/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that the programs do to a disk for images, each by the function that they do it with. What
 * becomes of a restore is looked at here as well (restore-calls.h).
 */
#ifndef TESTS_DISK_OPERATIONS_H
#define TESTS_DISK_OPERATIONS_H

#include <errno.h>
#include <fcntl.h>
#include <sanitizer/lsan_interface.h>

#include "common/clock.h"
#include "image/image.h"
#include "kjump/options.h"
#include "kjump/save/settle.h"
#include "restore/check.h"
#include "restore/run.h"
#include "restore/target.h"
#include "seal/aead.h"
#include "tests/unit/fake-machine.h"
#include "tests/unit/restore-calls.h"
#include "tests/unit/temp-disk.h"
#include "writer/save.h"

extern const struct command cmd_discard;

#define HOME_FRAMES 64 /* room for a payload's lists */

/* --- what is done --------------------------------------------------------------------------- */

/* The disk, and the machine that is saved to it. */
struct scene {
	struct temp_disk temp;
	struct fake_machine *machine;
	struct restore_key key;
	struct sender_key sender;
	struct opener opener;
	struct run ram;	 /* of the next save */
	bool sealed;	 /* likewise */
	uint32_t number; /* makes what is random different */
	bool present;	 /* SUPER was read */
	struct image_super super;
	struct error err; /* why something failed */
};

static inline void scene_begin(struct scene *scene)
{
	struct error err;

	fake_setup((void **)&scene->machine);
	temp_disk_create(&scene->temp, IMAGE_MIN_SIZE);
	assert_int_equal(keys_make(&scene->key, &scene->sender, &err), 0);
	assert_int_equal(opener_restore(&scene->key, &scene->opener, &err), 0);
}

static inline void scene_end(struct scene *scene)
{
	temp_disk_remove(&scene->temp);
	fake_teardown((void **)&scene->machine);
}

static inline int operate_format(struct scene *scene)
{
	struct image_super super;
	struct error err;

	return image_format(&scene->temp.disk, scene->number % 2 ? "test" : NULL, &super, &err);
}

/* With the keys of the sealed images that are there. */
static inline void make_seal(const struct scene *scene, struct request_seal *ret)
{
	struct image_super super;
	struct error err;

	assert_int_equal(box_make(&scene->sender, aead_best(), ret, &err), 0);
	ret->flags = scene->number % 2 ? SEAL_PINNED : 0;
	assert_int_equal(image_super_read(&scene->temp.disk, &super, &err), 0);
	assert_int_equal(image_know_sealed(&super, &scene->sender, ret, &err), 0);
}

/*
 * The machine is the frames of RAM, whose last ones are the home. STOP: somebody wants it to end
 * before the commit.
 */
static inline int save(struct scene *scene, uint32_t kind, bool stop)
{
	struct run home_run = { scene->ram.pfn + scene->ram.count - HOME_FRAMES, HOME_FRAMES };
	const struct runs ram = { .v = &scene->ram, .n = 1 }, home = { .v = &home_run, .n = 1 };
	const struct image_machine machine = { .entry = scene->ram.pfn << FRAME_SHIFT,
					       .home_start = home_run.pfn << FRAME_SHIFT,
					       .release = "6.12.0-fake" };
	const atomic_bool stopped = stop;
	struct request_seal seal;
	const struct save_job job = {
		.memory = scene->machine->memory,
		.disk = &scene->temp.disk,
		.name = "test device",
		.kind = kind,
		.level = scene->number % 3 ? 1 : LEVEL_STORED,
		.workers = 1 + scene->number % 2,
		.verify = scene->number % 4 == 0,
		.quiet = true,
		.stop = &stopped,
		.wish = { .full_every = 4 },
		.identity = { .boot = { 1 }, .secret = { 7, 7, 7 } },
		.ram = &ram,
		.home = &home,
		.seal = scene->sealed ? &seal : NULL,
		.machine = &machine,
	};
	struct save_result result;

	if (scene->sealed)
		make_seal(scene, &seal);
	return save_run(&job, &result, &scene->err);
}

static inline int operate_hibernate(struct scene *scene)
{
	return save(scene, IMAGE_HIBERNATION, false);
}

static inline int operate_checkpoint(struct scene *scene)
{
	return save(scene, IMAGE_CHECKPOINT, false);
}

static inline int operate_stopped_save(struct scene *scene)
{
	return save(scene, IMAGE_HIBERNATION, true) == -ECANCELED ? 0 : -EPROTO;
}

/* The end of a pipe from which the restore key comes. */
static inline int key_pipe(const struct scene *scene)
{
	uint8_t bytes[KEYS_FILE];
	int ends[2];

	keys_pack_restore(&scene->key, bytes);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
	close(ends[1]);
	return ends[0];
}

/* As a boot does. What a restore that jumps leaves in memory belongs to a machine that is gone. */
static inline enum exit_code run_restore(const struct scene *scene)
{
	struct restore_options options = { .target = scene->temp.path, .quiet = true };
	enum exit_code code;

	if (scene->super.algorithm)
		options.key_fd = (struct descriptor){ true, key_pipe(scene) };
	__lsan_disable();
	code = setjmp(restoring.gone) ? EXIT_DONE : restore_run(&options, clock_now());
	__lsan_enable();
	return code;
}

/* What is called, and what becomes of the image, must be right. */
static inline int restore(struct scene *scene, const struct call *fails)
{
	int code;

	restoring_begin(&scene->temp.disk, &scene->super, fails);
	run_restore(scene);
	code = restoring_check_calls(&scene->err);
	if (!code)
		code = restoring_check_image(&scene->super, &scene->err);
	restoring.disk = NULL;
	return code;
}

static inline int operate_restore(struct scene *scene)
{
	return restore(scene, NULL);
}

static inline int operate_restore_fails(struct scene *scene)
{
	return restore(scene, call_find("kexec_execute"));
}

static inline int operate_restore_changed(struct scene *scene)
{
	return restore(scene, call_find("check_fingerprints"));
}

static inline int operate_restored(struct scene *scene)
{
	struct settle settle;

	settle_begin(&settle, scene->temp.path, false);
	settle_restored(&settle, scene->super.image_uuid);
	settle_end(&settle);
	return 0;
}

static inline int operate_went_on(struct scene *scene)
{
	struct settle settle;

	settle_begin(&settle, scene->temp.path, false);
	settle_went_on(&settle);
	settle_end(&settle);
	return 0;
}

static inline int operate_boot_on(struct scene *scene)
{
	enum exit_code code =
		target_boot_on(scene->temp.path, "this boot went on", waiting_from(0, 0));

	return code == EXIT_DONE ? 0 : -EIO;
}

static inline int operate_reboot(struct scene *scene)
{
	enum exit_code code = target_count_reboot(scene->temp.path, waiting_from(0, 0));

	return code == EXIT_DONE || scene->super.reboots == TARGET_REBOOTS ? 0 : -EIO;
}

static inline int operate_discard(struct scene *scene)
{
	const struct options options = { .operands = { scene->temp.path } };

	return cmd_discard.run(&options) == EXIT_DONE ? 0 : -EIO;
}

#endif
