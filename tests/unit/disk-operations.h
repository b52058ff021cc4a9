/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that the programs do to a disk for images, each by the function that they do it with. What
 * a restore needs of the machine is always there: the test is linked with --wrap for the functions
 * at the end of this comment's list, so that its steps, and what it writes when, are the real ones.
 *
 * Wrapped: check_efi check_fingerprints check_memory check_platform devices_read footprint_note
 * hardware_same hardware_there hardware_warn jump_handover_load kexec_execute kexec_unload
 * memory_firmware_map stage_prepare stage_read
 */
#ifndef TESTS_DISK_OPERATIONS_H
#define TESTS_DISK_OPERATIONS_H

#include <errno.h>
#include <fcntl.h>
#include <sanitizer/lsan_interface.h>

#include "common/clock.h"
#include "image/image.h"
#include "jump/jump.h"
#include "kjump/options.h"
#include "kjump/save/settle.h"
#include "restore/check.h"
#include "restore/footprint.h"
#include "restore/hardware.h"
#include "restore/run.h"
#include "restore/target.h"
#include "tests/unit/fake-machine.h"
#include "tests/unit/temp-disk.h"
#include "writer/save.h"

extern const struct command cmd_discard;

/* --- a restore, as far as the jump ---------------------------------------------------------- */

static bool files_changed; /* since the save: the image must not be restored */
static bool jump_works;
static jmp_buf gone; /* where a jump that works leads to */

/* Whatever it is called with: 0. */
#define ALWAYS(name)                                                                               \
	long __wrap_##name(void);                                                                  \
	long __wrap_##name(void)                                                                   \
	{                                                                                          \
		return 0;                                                                          \
	}

ALWAYS(check_platform)
ALWAYS(check_memory)
ALWAYS(check_efi)
ALWAYS(memory_firmware_map)
ALWAYS(devices_read)
ALWAYS(hardware_same)
ALWAYS(hardware_there)
ALWAYS(hardware_warn)
ALWAYS(footprint_note)
ALWAYS(stage_prepare)
ALWAYS(stage_read)
ALWAYS(jump_handover_load)
ALWAYS(kexec_unload)

int __wrap_check_fingerprints(const struct image_index *index, struct waiting *waiting,
			      struct error *err);
int __wrap_check_fingerprints(const struct image_index *index, struct waiting *waiting,
			      struct error *err)
{
	(void)index, (void)waiting;
	return files_changed ? error_set(err, ESTALE, "a file system was changed") : 0;
}

int __wrap_kexec_execute(struct error *err);
int __wrap_kexec_execute(struct error *err)
{
	if (jump_works)
		longjmp(gone, 1);
	return error_set(err, EBUSY, "a device does not let go");
}

#define HOME_FRAMES 64 /* room for a payload's lists */

/* --- what is done --------------------------------------------------------------------------- */

/* The disk, and the machine that is saved to it. */
struct scene {
	struct temp_disk temp;
	struct fake_machine *machine;
	struct run ram;	 /* of the next save */
	uint32_t number; /* makes what is random different */
	bool present;	 /* SUPER was read */
	struct image_super super;
	struct error err; /* of a save */
};

static inline int operate_format(struct scene *scene)
{
	struct image_super super;
	struct error err;

	return image_format(&scene->temp.disk, scene->number % 2 ? "test" : NULL, &super, &err);
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
		.machine = &machine,
	};
	struct save_result result;

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

/* What a restore leaves in memory belongs to a machine that is gone. */
static inline int restore(struct scene *scene, bool changed, bool works)
{
	const struct restore_options options = { .target = scene->temp.path, .quiet = true };
	int code;

	files_changed = changed;
	jump_works = works;
	__lsan_disable();
	code = setjmp(gone) ? EXIT_DONE : restore_run(&options, clock_now());
	__lsan_enable();
	return code == EXIT_DONE ? 0 : -EIO;
}

static inline int operate_restore(struct scene *scene)
{
	return restore(scene, false, true);
}

static inline int operate_restore_fails(struct scene *scene)
{
	restore(scene, false, false);
	return 0;
}

static inline int operate_restore_changed(struct scene *scene)
{
	restore(scene, true, true);
	return 0;
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
