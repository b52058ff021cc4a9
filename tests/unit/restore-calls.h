/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a restore asks of the machine and tells it, in order. Whatever is asked is as it should be
 * unless a test wants one of the calls to fail. The test is linked with --wrap for all of them and
 * for opener_restore (tests/rules.mk, RESTORE_WRAP), so that the steps, and what is written when,
 * are the real ones.
 */
#ifndef TESTS_RESTORE_CALLS_H
#define TESTS_RESTORE_CALLS_H

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/safe.h"
#include "image/image.h"
#include "restore/waiting.h"

/* What the failure of a call leads to. */
enum call_part {
	CALL_TELLS,  /* it does not matter */
	CALL_CHECKS, /* no attempt was made */
	CALL_READS,  /* an attempt was made */
	CALL_JUMPS,  /* and the payload, which is loaded by then, is unloaded */
};

enum call_when { ALWAYS, SEALED, PINNED }; /* only for such images */

static const struct call {
	const char *name;
	enum call_part part;
	enum call_when when;
} all_calls[] = {
	{ "footprint_note", CALL_TELLS, ALWAYS },
	{ "keys_hide", CALL_TELLS, SEALED },
	{ "pin_mount", CALL_TELLS, PINNED },
	{ "pin_compare", CALL_CHECKS, PINNED },
	{ "leave_check", CALL_CHECKS, ALWAYS },
	{ "check_platform", CALL_CHECKS, ALWAYS },
	{ "check_efi", CALL_CHECKS, ALWAYS },
	{ "memory_firmware_map", CALL_CHECKS, ALWAYS },
	{ "check_memory", CALL_CHECKS, ALWAYS },
	{ "devices_read", CALL_CHECKS, ALWAYS },
	{ "hardware_same", CALL_CHECKS, ALWAYS },
	{ "check_fingerprints", CALL_CHECKS, ALWAYS },
	{ "devices_read", CALL_CHECKS, ALWAYS },
	{ "hardware_there", CALL_CHECKS, ALWAYS },
	{ "hardware_same", CALL_CHECKS, ALWAYS },
	{ "hardware_warn", CALL_TELLS, ALWAYS },
	{ "stage_prepare", CALL_READS, ALWAYS },
	{ "stage_read", CALL_READS, ALWAYS },
	{ "jump_handover_load", CALL_READS, ALWAYS },
	{ "frames_check", CALL_JUMPS, ALWAYS },
	{ "keyring_forget", CALL_TELLS, ALWAYS },
	{ "kexec_execute", CALL_JUMPS, ALWAYS },
};

#define CALLS (sizeof(all_calls) / sizeof(all_calls[0]))

/* Of one image the calls that are due, and a restore of it. */
struct restoring {
	const struct disk *disk; /* as the test knows it */
	const struct call *due[CALLS];
	size_t due_count;
	const struct call *fails;
	const char *called[2 * CALLS];
	size_t called_count;
	const struct opener *opener; /* the restore's own */
	const struct image_index *index;
	bool keys_left;				/* when it jumped */
	struct image_super at_attempt, at_jump; /* what the disk held */
	jmp_buf gone;				/* where a jump that works leads to */
};

static struct restoring restoring;

static inline bool call_is_due(const struct call *call, const struct image_super *super)
{
	return call->when == ALWAYS || (call->when == SEALED && super->algorithm) ||
	       (call->when == PINNED && super->seal_flags & SEAL_PINNED);
}

static inline const struct call *call_find(const char *name)
{
	for (size_t i = 0; i < CALLS; i++)
		if (!strcmp(all_calls[i].name, name))
			return &all_calls[i];
	fail_msg("no call %s", name);
	return NULL;
}

/* A restore of the image at hand, of which this call (NULL: none) fails. */
static inline void restoring_begin(const struct disk *disk, const struct image_super *super,
				   const struct call *fails)
{
	restoring = (struct restoring){ .disk = disk, .fails = fails };
	for (size_t i = 0; i < CALLS; i++)
		if (call_is_due(&all_calls[i], super))
			restoring.due[restoring.due_count++] = &all_calls[i];
}

/* ERR is NULL where nothing can fail. */
static int call(const char *name, struct error *err)
{
	size_t number = restoring.called_count;
	bool fails = restoring.fails && number < restoring.due_count &&
		     restoring.due[number] == restoring.fails;

	if (!restoring.disk) /* something else is done */
		return 0;
	assert_true(number < 2 * CALLS);
	restoring.called[restoring.called_count++] = name;
	if (!fails || !err)
		return 0;
	/* Of the file systems ESTALE is what counts. */
	return error_set(err, strcmp(name, "check_fingerprints") ? EIO : ESTALE, "%s fails", name);
}

#define ANY(n) __attribute__((unused)) long any##n /* whatever it is called with */

#define CALL(name, ...)                                                                            \
	int __wrap_##name(__VA_ARGS__, struct error *err);                                         \
	int __wrap_##name(__VA_ARGS__, struct error *err)                                          \
	{                                                                                          \
		return call(#name, err);                                                           \
	}

#define CALL_THAT_WORKS(name)                                                                      \
	void __wrap_##name(void);                                                                  \
	void __wrap_##name(void)                                                                   \
	{                                                                                          \
		call(#name, NULL);                                                                 \
	}

CALL_THAT_WORKS(keys_hide)
CALL_THAT_WORKS(pin_mount)
CALL_THAT_WORKS(pin_remove)
CALL_THAT_WORKS(hardware_warn)
CALL_THAT_WORKS(keyring_forget)
CALL(footprint_note, ANY(1))
CALL(pin_compare, ANY(1), ANY(2))
CALL(check_platform, ANY(1), ANY(2))
CALL(check_efi, ANY(1), ANY(2), ANY(3), ANY(4))
CALL(memory_firmware_map, ANY(1), ANY(2), ANY(3))
CALL(check_memory, ANY(1), ANY(2), ANY(3))
CALL(devices_read, ANY(1), ANY(2), ANY(3))
CALL(hardware_same, ANY(1), ANY(2))
CALL(hardware_there, ANY(1), ANY(2))
CALL(check_fingerprints, ANY(1), ANY(2))
CALL(stage_read, ANY(1), ANY(2), ANY(3), ANY(4))
CALL(jump_handover_load, ANY(1))
CALL(frames_check, ANY(1))

int __real_leave_check(const struct image_index *index, struct error *err);
int __wrap_leave_check(const struct image_index *index, struct error *err);
int __wrap_leave_check(const struct image_index *index, struct error *err)
{
	int code = call("leave_check", err);

	restoring.index = index;
	return code ? code : __real_leave_check(index, err);
}

int __real_opener_restore(const struct restore_key *key, struct opener *ret, struct error *err);
int __wrap_opener_restore(const struct restore_key *key, struct opener *ret, struct error *err);
int __wrap_opener_restore(const struct restore_key *key, struct opener *ret, struct error *err)
{
	restoring.opener = ret;
	return __real_opener_restore(key, ret, err);
}

int __wrap_stage_prepare(ANY(1), ANY(2), struct error *err);
int __wrap_stage_prepare(ANY(1), ANY(2), struct error *err)
{
	assert_int_equal(image_super_read(restoring.disk, &restoring.at_attempt, err), 0);
	return call("stage_prepare", err);
}

/* Is anything left of what opens images? It would lie about in the memory of A. */
static bool keys_are_left(void)
{
	const struct image_index *index = restoring.index;

	if (restoring.opener && !safe_is_zero(restoring.opener, sizeof(struct opener)))
		return true;
	return index && (!safe_is_zero(&index->key.key, sizeof(index->key.key)) ||
			 !safe_is_zero(index->keys, index->key_count * sizeof(*index->keys)));
}

int __wrap_kexec_execute(struct error *err);
int __wrap_kexec_execute(struct error *err)
{
	int code = image_super_read(restoring.disk, &restoring.at_jump, err);

	assert_int_equal(code, 0);
	restoring.keys_left = keys_are_left();
	code = call("kexec_execute", err);
	if (!code)
		longjmp(restoring.gone, 1);
	return code;
}

int __wrap_kexec_unload(struct error *err);
int __wrap_kexec_unload(struct error *err)
{
	return call("kexec_unload", err);
}

/* --- what must have come of it -------------------------------------------------------------- */

/* Every call that was due, in order, up to the one that failed. */
static inline int restoring_check_calls(struct error *err)
{
	enum call_part part = restoring.fails ? restoring.fails->part : CALL_TELLS;
	size_t due = 0;

	while (due < restoring.due_count &&
	       (part == CALL_TELLS || !due || restoring.due[due - 1] != restoring.fails))
		due++;
	for (size_t i = 0; i < due + (part == CALL_JUMPS); i++) {
		const char *name = i < due ? restoring.due[i]->name : "kexec_unload";
		const char *called = i < restoring.called_count ? restoring.called[i] : "nothing";

		if (strcmp(called, name))
			return error_set(err, EPROTO, "%s in the place of %s", called, name);
	}
	if (restoring.called_count > due + (part == CALL_JUMPS))
		return error_set(err, EPROTO, "%s after all others",
				 restoring.called[restoring.called_count - 1]);
	return 0;
}

static int expect(const char *when, const struct image_super *is, uint32_t state, uint32_t attempts,
		  struct error *err)
{
	if (is->state == state && is->attempts == attempts)
		return 0;
	return error_set(err, EPROTO, "%s: image %s after %u attempts, not %s after %u", when,
			 image_state_name(is->state), is->attempts, image_state_name(state),
			 attempts);
}

/* The image on the disk, which was BEFORE: at the attempt, at the jump, and now. */
static inline int restoring_check_image(const struct image_super *before, struct error *err)
{
	enum call_part part = restoring.fails ? restoring.fails->part : CALL_TELLS;
	bool changed = restoring.fails && restoring.fails == call_find("check_fingerprints");
	uint32_t attempts = before->attempts + (part != CALL_CHECKS);
	struct image_super now;
	int code = image_super_read(restoring.disk, &now, err);

	if (!code && !image_super_select(&now, before->image_uuid))
		code = error_set(err, EPROTO, "the image is gone");
	if (!code)
		code = expect("now", &now,
			      part == CALL_TELLS ? IMAGE_HANDED_OVER
			      : changed		 ? IMAGE_STALE
						 : before->state,
			      attempts, err);
	if (!code && restoring.at_attempt.state)
		code = expect("at the attempt", &restoring.at_attempt, before->state, attempts,
			      err);
	if (!code && restoring.at_jump.state)
		code = expect("at the jump", &restoring.at_jump, IMAGE_HANDED_OVER, attempts, err);
	if (!code && restoring.keys_left)
		code = error_set(err, EPROTO, "keys are left in memory");
	return code;
}

#endif
