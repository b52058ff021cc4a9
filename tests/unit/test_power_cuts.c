/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The power goes, at any moment of all that is ever done to a disk for images: of what no flush
 * has made sure of, any sectors are there, any are not, and any may be neither. A walk of random
 * steps, in which the next one begins where this one ended, or where the power went in it.
 *
 * usage: test_power_cuts [STATES [SEED]]
 */
#include "tests/unit/disk-judge.h"

#define STATES	       15000
#define ALL_STEPS      100000 /* states in which each kind of step is taken */
#define ALL_OF	       10     /* so many sectors are lost, or left, one by one; of more, as many */
#define SUBSETS	       10     /* random ones at each moment */
#define LARGE	       1200   /* frames: as much takes long to read */
#define RANDOM_DEFAULT 88172645463325252u

/* --- cuts ----------------------------------------------------------------------------------- */

struct choice {
	struct cut cut;
	unsigned char *fates;
	unsigned char (*before)[SECTOR];
};

static void choice_begin(struct choice *choice, unsigned now)
{
	cut_begin(&choice->cut, now);
	choice->fates = calloc(choice->cut.count + 1, 1);
	choice->before = malloc((choice->cut.count + 1) * SECTOR);
	assert_true(choice->fates && choice->before);
}

static void choice_end(struct choice *choice)
{
	cut_end(&choice->cut);
	free(choice->fates);
	free(choice->before);
}

static int try_choice(struct walk *walk, struct choice *choice, struct error *err)
{
	int code;

	cut_apply(&choice->cut, choice->fates, choice->before);
	code = judge(walk, choice->cut.now, err);
	cut_revert(&choice->cut, choice->fates, choice->before);
	return code;
}

static void all(struct choice *choice, enum fate fate)
{
	memset(choice->fates, fate, choice->cut.count);
}

/* From hardly any kept to nearly all; of the others, all are lost, or some torn. */
static void any(struct walk *walk, struct choice *choice)
{
	uint64_t of = 1 + pick(walk, 16);
	bool torn = pick(walk, 2);

	for (size_t i = 0; i < choice->cut.count; i++)
		choice->fates[i] = pick(walk, 17) < of ? KEPT : torn && pick(walk, 2) ? TORN : LOST;
}

/* Each sector the only one of its FATE; of many, some of them. */
static int try_each(struct walk *walk, struct choice *choice, enum fate fate, enum fate others,
		    struct error *err)
{
	size_t count = choice->cut.count, tries = count < ALL_OF ? count : ALL_OF;
	int code = 0;

	for (size_t i = 0; i < tries && !code; i++) {
		all(choice, others);
		choice->fates[count == tries ? i : pick(walk, count)] = fate;
		code = try_choice(walk, choice, err);
	}
	return code;
}

static int try_few(struct walk *walk, struct choice *choice, struct error *err)
{
	int code = try_each(walk, choice, KEPT, LOST, err);

	if (!code)
		code = try_each(walk, choice, LOST, KEPT, err);
	return code ? code : try_each(walk, choice, TORN, KEPT, err);
}

static int try_moment(struct walk *walk, unsigned now, struct error *err)
{
	bool large = walk->scene.ram.count > LARGE;
	struct choice choice;
	int code = 0;

	choice_begin(&choice, now);
	for (enum fate fate = LOST; fate <= TORN && !code; fate++) {
		all(&choice, fate);
		code = try_choice(walk, &choice, err);
	}
	if (!code && !large)
		code = try_few(walk, &choice, err);
	for (int i = 0; i < (large ? 2 : SUBSETS) && !code; i++) {
		any(walk, &choice);
		code = try_choice(walk, &choice, err);
	}
	choice_end(&choice);
	return code;
}

/* Right before each write or flush, and at the end. */
static int try_all(struct walk *walk, struct error *err)
{
	int code = 0;

	for (size_t i = 0; i < recorder.n && !code; i++)
		code = try_moment(walk, recorder.v[i].begin, err);
	return code;
}

/* --- steps ---------------------------------------------------------------------------------- */

static bool is_there(const struct image_super *super)
{
	(void)super;
	return true;
}

static bool is_image(const struct image_super *super)
{
	return super->state != IMAGE_EMPTY;
}

static bool is_restored(const struct image_super *super)
{
	struct error err;

	return check_state(super, false, &err) == EXIT_DONE;
}

static bool was_handed_over(const struct image_super *super)
{
	return super->state == IMAGE_HANDED_OVER;
}

static const struct step {
	const char *name;
	bool (*possible)(const struct image_super *super); /* on a claimed disk */
	int (*operate)(struct scene *scene);
	unsigned often;
} steps[] = {
	{ "format", is_there, operate_format, 1 },
	{ "hibernate", is_there, operate_hibernate, 30 },
	{ "checkpoint", is_there, operate_checkpoint, 25 },
	{ "save, stopped", is_there, operate_stopped_save, 5 },
	{ "restore", is_restored, operate_restore, 20 },
	{ "restore, no jump", is_restored, operate_restore_fails, 10 },
	{ "restore, changed", is_restored, operate_restore_changed, 5 },
	{ "restored", was_handed_over, operate_restored, 30 },
	{ "went on", image_waits, operate_went_on, 5 },
	{ "boot on", image_waits, operate_boot_on, 5 },
	{ "reboot", image_waits, operate_reboot, 5 },
	{ "discard", is_image, operate_discard, 5 },
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

static bool is_possible(const struct walk *walk, const struct step *step)
{
	if (!walk->scene.present)
		return step == steps;
	return step->possible(&walk->scene.super);
}

static unsigned taken[STEPS];

/* What was never taken is as good as what is taken most often. */
static const struct step *pick_step(struct walk *walk)
{
	for (;;) {
		size_t i = pick(walk, STEPS);

		if (is_possible(walk, &steps[i]) &&
		    (pick(walk, 30) < steps[i].often || !taken[i])) {
			taken[i]++;
			return &steps[i];
		}
	}
}

static void pick_machine(struct walk *walk)
{
	uint64_t kind, count;

	/* Some images in a row are sealed, so that they are built on each other. */
	if (!pick(walk, 8))
		walk->scene.sealed = !walk->scene.sealed;
	/* Mostly the same machine again. */
	if (walk->scene.ram.count && pick(walk, 8))
		return;
	kind = pick(walk, 60);
	count = kind == 0  ? 1600 + pick(walk, 1200)
		: kind < 6 ? 300 + pick(walk, 100)
			   : HOME_FRAMES + 16 + pick(walk, 60);

	walk->scene.ram = (struct run){ 0x100 + pick(walk, FAKE_FRAMES - 0x100 - count), count };
}

/* The machine has run since the last save: some of its pages, and few of most saves' RAM. */
static void run_machine(struct walk *walk)
{
	uint64_t of = pick(walk, 3) ? 38 : 1 + pick(walk, 40);

	for (uint64_t i = 0; i < walk->scene.ram.count; i++) {
		unsigned char *page = walk->memory + ((walk->scene.ram.pfn + i) << FRAME_SHIFT);

		if (pick(walk, 40) < of)
			continue;
		if (pick(walk, 8))
			memset(page + pick(walk, FRAME_SIZE), (int)pick(walk, 256), 1);
		else
			memset(page, 0, FRAME_SIZE);
	}
}

/* Without what it says. */
static int operate_quietly(struct walk *walk, const struct step *step)
{
	int null = open("/dev/null", O_WRONLY), out, code, err;

	fflush(NULL);
	out = dup(1);
	err = dup(2);
	dup2(null, 1);
	dup2(null, 2);
	recorder_start();
	code = step->operate(&walk->scene);
	recorder_stop();
	fflush(NULL);
	dup2(out, 1);
	dup2(err, 2);
	close(null);
	close(out);
	close(err);
	return code;
}

/* The next boot looks at what is there. */
static int look(struct walk *walk, struct error *err)
{
	struct scene *scene = &walk->scene;
	int code = image_super_read(&scene->temp.disk, &scene->super, err);

	scene->present = !code;
	memset(walk->waits, 0, sizeof(walk->waits));
	if (!code && image_waits(&scene->super))
		memcpy(walk->waits, scene->super.image_uuid, sizeof(walk->waits));
	return code && walk->formatted ? 0 : code;
}

/* What says that it is done must be on the disk. */
static int check_flushed(struct error *err)
{
	struct cut cut;
	size_t unsure;

	cut_begin(&cut, recorder.now);
	unsure = cut.count;
	cut_end(&cut);
	return unsure ? error_set(err, EILSEQ, "done, and %zu sectors are not on the disk", unsure)
		      : 0;
}

/* The disk is left as the step left it, or as it was when the power went. */
static int leave(struct walk *walk, bool cut, struct error *err)
{
	struct choice choice;
	unsigned now = cut ? recorder.v[pick(walk, recorder.n)].begin : recorder.now;
	int code;

	choice_begin(&choice, now);
	any(walk, &choice);
	cut_apply(&choice.cut, choice.fates, choice.before);
	choice_end(&choice);
	code = judge(walk, now, err);
	return code ? code : look(walk, err);
}

/* Returns 0, or a negative errno value with walk->fault filled in. */
static int take_step(struct walk *walk, const struct step *step)
{
	struct error err = { 0 };
	int code;

	walk->scene.number++;
	run_machine(walk);
	walk->formatted = step == steps;
	walk->scene.err = (struct error){ 0 };
	code = operate_quietly(walk, step);
	collect_supers(walk);
	collect_images(walk);
	if (code)
		error_set(&err, -code, "failed (%.200s)", walk->scene.err.text);
	if (!code)
		code = try_all(walk, &err);
	if (!code)
		code = check_flushed(&err);
	if (!code)
		code = leave(walk, recorder.n && pick(walk, 2), &err);
	recorder_clear();
	if (code)
		snprintf(walk->fault, sizeof(walk->fault), "step %u, %s, state %u: %s",
			 walk->scene.number, step->name, walk->states, err.text);
	return code;
}

/* --- tests ---------------------------------------------------------------------------------- */

static unsigned long wanted_states = STATES;
static uint64_t seed = RANDOM_DEFAULT;

static int setup(void **state)
{
	struct walk *walk = calloc(1, sizeof(*walk));

	assert_non_null(walk);
	scene_begin(&walk->scene);
	recorder_create(&walk->scene.temp);
	walk->memory = mmap(NULL, FAKE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    walk->scene.machine->fd, 0);
	assert_true(walk->memory != MAP_FAILED);
	walk->random = seed;
	*state = walk;
	return 0;
}

static int teardown(void **state)
{
	struct walk *walk = *state;

	recorder_remove();
	for (int i = 0; i < KNOWN_MAX; i++) {
		free(walk->known[i].extents);
		free(walk->known[i].bytes);
	}
	for (size_t i = 0; i < walk->saved_count; i++)
		free(walk->saved[i].frames);
	munmap(walk->memory, FAKE_SIZE);
	scene_end(&walk->scene);
	free(walk);
	return 0;
}

/* A disk that nobody cut off, with a checkpoint. */
static void begin(struct walk *walk)
{
	struct image_super super;
	struct error err;

	recorder.ignore = -1;
	assert_int_equal(image_format(&walk->scene.temp.disk, NULL, &super, &err), 0);
	memcpy(recorder.base, recorder.map, walk->scene.temp.disk.size);
	assert_int_equal(look(walk, &err), 0);
	walk->scene.ram = (struct run){ 0x200, HOME_FRAMES + 50 };
	assert_int_equal(operate_checkpoint(&walk->scene), 0);
	memcpy(recorder.base, recorder.map, walk->scene.temp.disk.size);
	assert_int_equal(look(walk, &err), 0);
}

static void leave_out_each_flush(struct walk *walk)
{
	int flushes = 1;

	for (int i = -1; i < flushes; i++) {
		begin(walk);
		walk->supers[0] = walk->scene.super;
		collect_image(walk, &walk->scene.super.table[walk->scene.super.slot]);
		recorder.ignore = i;
		if (!!take_step(walk, &steps[2]) != (i >= 0))
			fail_msg("without flush %d of %d: %s", i, flushes, walk->fault);
		flushes = recorder.flushes;
	}
	assert_in_range(flushes, 3, 5);
}

/* So that nobody has to trust the judge: with any flush of a save left out, states are wrong. */
static void a_missing_flush_is_found(void **state)
{
	struct walk *walk = *state;

	leave_out_each_flush(walk);
	walk->scene.sealed = true;
	leave_out_each_flush(walk);
	assert_true(walk->sealed_reused && walk->sealed_reused < walk->reused);
}

static void every_cut_leaves_an_image_or_none(void **state)
{
	struct walk *walk = *state;

	while (walk->states < wanted_states) {
		const struct step *step = pick_step(walk);

		pick_machine(walk);
		if (take_step(walk, step))
			fail_msg("seed %llu, %s", (unsigned long long)seed, walk->fault);
	}
	printf("%u states of %u steps: %u of before, %u between, %u of after; %u empty, %u not "
	       "claimed, %u with several images; %u images, %u of them on a base; "
	       "%u sealed, %u of them on a base\n",
	       walk->states, walk->scene.number, walk->before, walk->between, walk->after,
	       walk->empty, walk->unclaimed, walk->several, walk->images, walk->reused,
	       walk->sealed, walk->sealed_reused);
	assert_true(walk->before && walk->between && walk->after);
	if (wanted_states < ALL_STEPS)
		return;
	assert_true(walk->several && walk->reused > walk->sealed_reused && walk->sealed_reused);
	for (size_t i = 0; i < STEPS; i++)
		if (!taken[i])
			fail_msg("never: %s", steps[i].name);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_missing_flush_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(every_cut_leaves_an_image_or_none, setup, teardown),
	};

	if (argc > 1)
		wanted_states = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
