/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a restore: in which order, and what each failure leaves of the image. */
#include "tests/unit/temp-disk.h"

#include "tests/unit/disk-operations.h"

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct error err;

	assert_non_null(scene);
	scene_begin(scene);
	scene->ram = (struct run){ 0x200, HOME_FRAMES + 16 };
	for (uint64_t i = 0; i < 16; i++)
		fake_write(scene->machine, "page", 4, (scene->ram.pfn + i) << FRAME_SHIFT);
	assert_int_equal(image_format(&scene->temp.disk, NULL, &scene->super, &err), 0);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	scene_end(*state);
	free(*state);
	return 0;
}

static void look(struct scene *scene)
{
	assert_int_equal(image_super_read(&scene->temp.disk, &scene->super, &scene->err), 0);
}

static void hibernate(struct scene *scene)
{
	assert_int_equal(operate_hibernate(scene), 0);
	look(scene);
}

/* The calls of images that are plain, sealed, and sealed and pinned. */
static void each_call(void **state)
{
	struct scene *scene = *state;

	for (scene->number = 0; scene->number < 3; scene->number++) {
		scene->sealed = scene->number;
		/* With the key of an image that it is built on. */
		assert_int_equal(operate_checkpoint(scene), 0);
		hibernate(scene);
		assert_true(scene->super.reused_pages);
		for (size_t i = 0; i < CALLS; i++) {
			const struct call *call = &all_calls[i];

			if (scene->super.attempts || scene->super.state != IMAGE_VALID)
				hibernate(scene);
			if (call_is_due(call, &scene->super) && restore(scene, call))
				fail_msg("%s fails: %s", call->name, scene->err.text);
			look(scene);
		}
		hibernate(scene);
		if (operate_restore(scene))
			fail_msg("%s", scene->err.text);
	}
}

/* Two boots may try, the third one does not. */
static void attempts_are_counted(void **state)
{
	struct scene *scene = *state;

	hibernate(scene);
	for (uint32_t i = 0; i < CHECK_ATTEMPTS; i++) {
		if (operate_restore_fails(scene))
			fail_msg("%s", scene->err.text);
		look(scene);
		assert_int_equal(scene->super.attempts, i + 1);
	}
	restoring_begin(&scene->temp.disk, &scene->super, NULL);
	assert_int_equal(run_restore(scene), EXIT_FAILED);
	assert_int_equal(restoring.called_count, 1);
	assert_string_equal(restoring.called[0], "footprint_note");
}

/* It did not come back: nobody tries once more, and when it ran for a while nobody ever may. */
static void handed_over(void **state)
{
	struct scene *scene = *state;
	struct image_super before;

	hibernate(scene);
	if (operate_restore(scene))
		fail_msg("%s", scene->err.text);
	look(scene);
	before = scene->super;
	restoring_begin(&scene->temp.disk, &scene->super, NULL);
	assert_int_equal(run_restore(scene), EXIT_HANDED_OVER);
	assert_int_equal(restoring.called_count, 2);
	look(scene);
	assert_memory_equal(&scene->super, &before, sizeof(before));

	restoring_begin(&scene->temp.disk, &scene->super, call_find("check_fingerprints"));
	restoring.due[1] = restoring.fails; /* which is asked at once */
	assert_int_equal(run_restore(scene), EXIT_LOST);
	look(scene);
	assert_int_equal(scene->super.state, IMAGE_STALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_call, setup, teardown),
		cmocka_unit_test_setup_teardown(attempts_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(handed_over, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
