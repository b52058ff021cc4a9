/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saves onto a device that fails at every possible moment, once or for good, over every kind of
 * present image: what is on the device afterwards must be a state that docs/image-format.md knows.
 */
#include "fake-image.h"

#define fake_write fake_machine_write /* both headers have one */
#include "tests/unit/fake-machine.h"
#undef fake_write

#include "writer/save.h"

/* Part of the fake machine: four chunks. */
static const struct run some_ram = { 0x100, 900 }, some_home = { 0x200, 64 };

struct present {
	const char *name;
	struct fake fake; /* no frames: the device is empty */
	uint32_t kind, state;
	bool room; /* for both images */
};

static const struct present presents[] = {
	{ "empty", { 0 }, 0, IMAGE_EMPTY, true },
	{ "checkpoint",
	  { .seed = 70, .frames = 400, .chunk_pages = 64 },
	  IMAGE_CHECKPOINT,
	  IMAGE_VALID,
	  true },
	{ "large checkpoint",
	  { .seed = 71, .frames = 3300, .chunk_pages = 256, .incompressible = true },
	  IMAGE_CHECKPOINT,
	  IMAGE_VALID,
	  false },
	{ "hibernation",
	  { .seed = 72, .frames = 400, .chunk_pages = 64 },
	  IMAGE_HIBERNATION,
	  IMAGE_VALID,
	  true },
	{ "handed over",
	  { .seed = 73, .frames = 400, .chunk_pages = 64 },
	  IMAGE_HIBERNATION,
	  IMAGE_HANDED_OVER,
	  true },
	{ "large restored",
	  { .seed = 74, .frames = 3300, .chunk_pages = 256, .incompressible = true },
	  IMAGE_HIBERNATION,
	  IMAGE_RESTORED,
	  false },
};

enum mode { ONCE, GONE };

struct fault {
	enum mode mode;
	int left; /* writes and flushes that still work */
	bool failed;
	bool at_super; /* the last write was one of a superblock */
	bool mild;     /* in a superblock, or flushing one: the other copy may do */
};

static int count_down(struct fault *fault, enum disk_operation operation, uint64_t offset)
{
	if (operation == DISK_OP_WRITE)
		fault->at_super = offset == IMAGE_SUPER0 || offset == IMAGE_SUPER1;
	if (fault->failed)
		return fault->mode == GONE ? ENODEV : 0;
	if (operation == DISK_OP_READ || fault->left-- > 0)
		return 0;
	fault->failed = true;
	fault->mild = fault->mode == ONCE && fault->at_super;
	return fault->mode == GONE ? ENODEV : EIO;
}

/* The threads of the queue come here all at once. */
static int inject(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int code;

	(void)size;
	pthread_mutex_lock(&lock);
	code = count_down(context, operation, offset);
	pthread_mutex_unlock(&lock);
	return code;
}

struct fixture {
	struct fake_machine *machine;
	struct temp_disk temp;
	struct runs ram, home;
	struct image_machine record;
	struct save_job job;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fake_setup((void **)&fixture->machine);
	temp_disk_create(&fixture->temp, IMAGE_MIN_SIZE);
	assert_int_equal(runs_add(&fixture->ram, some_ram.pfn, some_ram.count), 0);
	assert_int_equal(runs_add(&fixture->home, some_home.pfn, some_home.count), 0);
	fixture->record.entry = FAKE_ENTRY;
	fixture->record.home_start = some_home.pfn << FRAME_SHIFT;
	fixture->job = (struct save_job){
		.memory = fixture->machine->memory,
		.disk = &fixture->temp.disk,
		.name = "test device",
		.level = 1,
		.workers = 1,
		.ram = &fixture->ram,
		.home = &fixture->home,
		.machine = &fixture->record,
	};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	runs_free(&fixture->ram);
	runs_free(&fixture->home);
	temp_disk_remove(&fixture->temp);
	fake_teardown((void **)&fixture->machine);
	free(fixture);
	return 0;
}

static void prepare(struct fixture *fixture, const struct present *present)
{
	struct image_super super;
	struct error err;

	assert_int_equal(image_format(&fixture->temp.disk, NULL, &super, &err), 0);
	if (!present->fake.frames)
		return;
	assert_int_equal(
		fake_write(&present->fake, &fixture->temp.disk, present->kind, 1, &super, &err), 0);
	if (present->state == IMAGE_VALID)
		return;
	super.state = present->state;
	assert_int_equal(image_super_write(&fixture->temp.disk, &super, &err), 0);
}

/* What is there must be whole. */
static void expect_whole(const struct fixture *fixture, const struct present *present,
			 struct image_super *super)
{
	struct error err;

	/* The copies of the superblock may differ; the next write mends that. */
	assert_int_equal(image_super_write(&fixture->temp.disk, super, &err), 0);
	if (super->state != IMAGE_EMPTY)
		fake_assert(&present->fake, &fixture->temp.disk, super->state, 1);
}

/*
 * After a failure. SAID: the error says that the device may hold an image that looks valid, which
 * is all that can be done when it does not answer any more.
 */
static void expect_table(struct fixture *fixture, const struct present *present,
			 const struct fault *fault, int step, bool said)
{
	bool was_live = present->kind == IMAGE_HIBERNATION && present->state < IMAGE_RESTORED;
	struct image_super super;
	struct error err;

	assert_int_equal(image_super_read(&fixture->temp.disk, &super, &err), 0);
	if (said) {
		assert_int_equal(fault->mode, GONE);
		return;
	}
	/* The new one had to take its place. */
	if (!present->room && super.state == IMAGE_EMPTY)
		return;
	if (super.ram_pages != present->fake.frames)
		fail_msg("%s, step %d: an image that was not committed", present->name, step);
	if (was_live && super.state != IMAGE_STALE) {
		/* Only if the device was gone before anything could be written there. */
		assert_int_equal(fault->mode, GONE);
		assert_true(step <= 1);
	} else if (present->room && !was_live) {
		assert_int_equal(super.state, present->state);
	} else if (super.state != present->state) {
		assert_int_equal(super.state, IMAGE_STALE);
	}
	expect_whole(fixture, present, &super);
}

static void expect_saved(const struct fixture *fixture, uint32_t kind)
{
	struct image_super super;
	struct error err;

	assert_int_equal(image_super_read(&fixture->temp.disk, &super, &err), 0);
	assert_int_equal(super.state, IMAGE_VALID);
	assert_int_equal(super.kind, kind);
	assert_int_equal(super.ram_pages, some_ram.count);
	assert_int_equal(image_verify(&fixture->temp.disk, &super, NULL, 1, NULL, &err), 0);
}

/* Fail at the first, the second, ... operation until one save gets through without a fault. */
static void fail_everywhere(struct fixture *fixture, const struct present *present, uint32_t kind,
			    enum mode mode)
{
	struct save_result result;
	struct error err = { 0 };
	void *before;
	int step = 0, code;
	bool failed;

	prepare(fixture, present);
	before = temp_disk_save(&fixture->temp);
	fixture->job.kind = kind;
	do {
		struct fault fault = { .mode = mode, .left = step };

		temp_disk_load(&fixture->temp, before);
		fixture->temp.disk.fault_context = &fault;
		fixture->temp.disk.fault = inject;
		err.text[0] = '\0';
		code = save_run(&fixture->job, &result, &err);
		fixture->temp.disk.fault = NULL;
		failed = fault.failed;
		if (code || !fault.mild)
			assert_int_equal(!!code, failed);
		if (code)
			expect_table(fixture, present, &fault, step,
				     strstr(err.text, "looks valid"));
		else
			expect_saved(fixture, kind);
		step++;
	} while (failed);
	/* Chunks, index, flush, two copies of the superblock with a flush each. */
	assert_true(step > 4 + 1 + 1 + 4);
	free(before);
}

static void test_fault_once(void **state)
{
	for (size_t i = 0; i < sizeof(presents) / sizeof(presents[0]); i++) {
		fail_everywhere(*state, &presents[i], IMAGE_HIBERNATION, ONCE);
		fail_everywhere(*state, &presents[i], IMAGE_CHECKPOINT, ONCE);
	}
}

static void test_device_vanishes(void **state)
{
	for (size_t i = 0; i < sizeof(presents) / sizeof(presents[0]); i++)
		fail_everywhere(*state, &presents[i], IMAGE_HIBERNATION, GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fault_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device_vanishes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
