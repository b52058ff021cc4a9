/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole save, from a machine in a file to an image in a file, read back frame by frame. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "disk/disk.h"
#include "image/image.h"
#include "tests/unit/fake-machine.h"
#include "writer/packer.h"
#include "writer/save.h"
#include "writer/selection.h"

#define DEVICE_SIZE (UINT64_C(64) << 20)

/* The fake machine, a formatted device, and the job that saves one to the other. */
struct fixture {
	struct fake_machine *fake;
	char path[32];
	struct disk disk;
	struct runs ram, home;
	struct image_machine machine;
	struct image_watch watch;
	struct save_job job;
	bool scattered; /* zero pages may have been taken for data */
};

/* Make the device anew with SIZE bytes. */
static void format(struct fixture *fixture, uint64_t size)
{
	struct image_super super;
	struct error err = { 0 };

	disk_close(&fixture->disk);
	assert_int_equal(truncate(fixture->path, 0), 0);
	assert_int_equal(truncate(fixture->path, (off_t)size), 0);
	assert_int_equal(disk_open(fixture->path, DISK_WRITE, &fixture->disk, &err), 0);
	assert_int_equal(image_format(&fixture->disk, "test", &super, &err), 0);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	size_t i;
	int fd;

	assert_non_null(fixture);
	fake_setup((void **)&fixture->fake);
	strcpy(fixture->path, "/tmp/kjump-test-XXXXXX");
	fd = mkstemp(fixture->path);
	assert_true(fd >= 0);
	close(fd);
	fixture->disk.fd = -1;
	format(fixture, DEVICE_SIZE);

	for (i = 0; i < sizeof(fake_ram) / sizeof(fake_ram[0]); i++)
		assert_int_equal(runs_add(&fixture->ram, fake_ram[i].pfn, fake_ram[i].count), 0);
	for (i = 0; i < sizeof(fake_home) / sizeof(fake_home[0]); i++)
		assert_int_equal(runs_add(&fixture->home, fake_home[i].pfn, fake_home[i].count), 0);
	fixture->machine = (struct image_machine){
		.entry = FAKE_ENTRY,
		.mailbox_pfn = FAKE_MAILBOX,
		.sequence = 7,
		.home_start = FAKE_HOME,
		.release = "6.12.0-fake",
	};
	strcpy(fixture->watch.extent.tag, "PARTUUID=1234-01");
	fixture->watch.extent.length = 4096;
	fixture->watch.xxh3 = 0x1234;
	fixture->job = (struct save_job){
		.memory = fixture->fake->memory,
		.disk = &fixture->disk,
		.name = "test device",
		.kind = IMAGE_HIBERNATION,
		.level = 1,
		.workers = 2,
		.ram = &fixture->ram,
		.home = &fixture->home,
		.machine = &fixture->machine,
		.firmware = fixture->fake->handoff.firmware,
		.firmware_count = fixture->fake->handoff.firmware_count,
		.watch = &fixture->watch,
		.watch_count = 1,
		.vmcoreinfo = fixture->fake->handoff.vmcoreinfo,
		.vmcoreinfo_size = fixture->fake->handoff.vmcoreinfo_size,
	};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	disk_close(&fixture->disk);
	unlink(fixture->path);
	runs_free(&fixture->ram);
	runs_free(&fixture->home);
	fake_teardown((void **)&fixture->fake);
	free(fixture);
	return 0;
}

static struct image_super read_super(const struct fixture *fixture)
{
	struct image_super super;
	struct error err = { 0 };

	assert_int_equal(image_super_read(&fixture->disk, &super, &err), 0);
	return super;
}

static void expect_state(const struct fixture *fixture, uint32_t state, uint32_t kind)
{
	struct image_super super = read_super(fixture);

	assert_int_equal(super.state, state);
	assert_int_equal(super.kind, kind);
}

static void save(struct fixture *fixture)
{
	struct save_result result;
	struct error err = { 0 };

	if (save_run(&fixture->job, &result, &err))
		fail_msg("%s", err.text);
	expect_state(fixture, IMAGE_VALID, fixture->job.kind);
}

static void expect_failure(struct fixture *fixture, int code, const char *words)
{
	struct save_result result;
	struct error err = { 0 };

	assert_int_equal(save_run(&fixture->job, &result, &err), -code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

/* --- reading back --- */

struct contents {
	unsigned char *bytes; /* of all frames */
	unsigned char *times; /* how often the image has each frame as data */
	pthread_mutex_t lock;
};

static int keep(void *context, size_t number, const struct image_chunk *chunk,
		const struct run *runs, const void *pages, struct error *err)
{
	struct contents *contents = context;
	const unsigned char *page = pages;
	uint32_t i;

	(void)number;
	(void)err;
	pthread_mutex_lock(&contents->lock);
	for (i = 0; i < chunk->run_count; i++) {
		uint64_t pfn;

		for (pfn = runs[i].pfn; pfn < runs[i].pfn + runs[i].count; pfn++) {
			memcpy(contents->bytes + pfn * FRAME_SIZE, page, FRAME_SIZE);
			contents->times[pfn]++;
			page += FRAME_SIZE;
		}
	}
	pthread_mutex_unlock(&contents->lock);
	return 0;
}

static bool in_runs(const struct run *runs, size_t n, uint64_t pfn)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (pfn >= runs[i].pfn && pfn - runs[i].pfn < runs[i].count)
			return true;
	}
	return false;
}

/* Every frame by itself, with no help from the code under test. */
static void compare(const struct fixture *fixture, const struct contents *contents,
		    const struct image_index *index)
{
	static const unsigned char zeros[FRAME_SIZE];
	const struct save_job *job = &fixture->job;
	unsigned char page[FRAME_SIZE];
	uint64_t pfn, zero = 0;

	for (pfn = 0; pfn < FAKE_FRAMES; pfn++) {
		bool saved = in_runs(job->ram->v, job->ram->n, pfn) &&
			     !in_runs(job->home->v, job->home->n, pfn) &&
			     !(job->free && in_runs(job->free->v, job->free->n, pfn)) &&
			     !(job->untouchable &&
			       in_runs(job->untouchable->v, job->untouchable->n, pfn));
		bool is_zero;

		assert_int_equal(
			pread(fixture->fake->fd, page, FRAME_SIZE, (off_t)(pfn * FRAME_SIZE)),
			FRAME_SIZE);
		is_zero = !memcmp(page, zeros, FRAME_SIZE) &&
			  !(fixture->scattered && contents->times[pfn]);
		zero += saved && is_zero;
		assert_int_equal(in_runs(index->zero.v, index->zero.n, pfn), saved && is_zero);
		assert_int_equal(contents->times[pfn], saved && !is_zero);
		if (contents->times[pfn])
			assert_memory_equal(contents->bytes + pfn * FRAME_SIZE, page, FRAME_SIZE);
	}
	assert_true(runs_valid(&index->zero));
	assert_int_equal(runs_total(&index->zero), zero);
}

static void check_index(const struct fixture *fixture, const struct image_index *index)
{
	const struct save_job *job = &fixture->job;
	struct image_machine machine = *job->machine;

	assert_true(index->machine.stamps[STAMP_SAVE_END] != 0);
	machine.stamps[STAMP_SAVE_END] = index->machine.stamps[STAMP_SAVE_END];
	assert_memory_equal(&index->machine, &machine, sizeof(index->machine));
	assert_int_equal(index->ram.n, job->ram->n);
	assert_memory_equal(index->ram.v, job->ram->v, job->ram->n * sizeof(struct run));
	assert_int_equal(index->firmware_count, job->firmware_count);
	assert_memory_equal(index->firmware, job->firmware,
			    job->firmware_count * sizeof(struct firmware_range));
	assert_int_equal(index->watch_count, job->watch_count);
	assert_memory_equal(index->watch, job->watch,
			    job->watch_count * sizeof(struct image_watch));
	assert_string_equal(index->vmcoreinfo, job->vmcoreinfo);
}

static void read_back(const struct fixture *fixture)
{
	struct image_super super = read_super(fixture);
	struct contents contents = {
		.bytes = malloc(FAKE_SIZE),
		.times = calloc(FAKE_FRAMES, 1),
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct image_index index = { 0 };
	struct error err = { 0 };

	assert_non_null(contents.bytes);
	assert_non_null(contents.times);
	assert_int_equal(image_index_read(&fixture->disk, &super, NULL, &index, &err), 0);
	assert_int_equal(
		image_read_chunks(&fixture->disk, &index, 2,
				  &(struct image_sink){ .take = keep, .context = &contents }, &err),
		0);
	compare(fixture, &contents, &index);
	check_index(fixture, &index);
	image_index_free(&index);
	free(contents.bytes);
	free(contents.times);
}

/* --- tests --- */

static void test_zero_page(void **state)
{
	unsigned char *page = disk_buffer(FRAME_SIZE);
	size_t i;

	(void)state;
	assert_non_null(page);
	assert_true(packer_page_is_zero(page));
	for (i = 0; i < FRAME_SIZE; i++) {
		page[i] = 0x80;
		assert_false(packer_page_is_zero(page));
		page[i] = 0;
	}
	free(page);
}

static void test_round_trip(void **state)
{
	static const unsigned workers[] = { 1, 3, 0 };
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
		fixture->job.workers = workers[i];
		fixture->job.kind = i ? IMAGE_CHECKPOINT : IMAGE_HIBERNATION;
		fixture->job.verify = i == 1;
		save(fixture);
		read_back(fixture);
	}
}

static void test_result(void **state)
{
	struct fixture *fixture = *state;
	struct save_result result;
	struct image_super super;
	struct error err = { 0 };

	assert_int_equal(save_run(&fixture->job, &result, &err), 0);
	super = read_super(fixture);
	assert_memory_equal(&result.super, &super, sizeof(super));
	assert_int_equal(super.ram_pages, runs_total(&fixture->ram));
	assert_int_equal(super.home_pages, runs_total(&fixture->home));
	assert_int_equal(super.data_pages + super.zero_pages + super.home_pages, super.ram_pages);
	assert_true(result.bytes >= super.stored_bytes);
	assert_true(result.bytes < super.data_pages * FRAME_SIZE);
}

static void test_left_out(void **state)
{
	struct fixture *fixture = *state;
	struct runs unused = { 0 }, untouchable = { 0 }, taken = { 0 };
	struct image_super super;

	/* Out of order, reaching into home and hole, and overlapping each other. */
	assert_int_equal(runs_add(&unused, 0x1700, 0x50), 0);
	assert_int_equal(runs_add(&unused, 0x7f0, 0x30), 0);
	assert_int_equal(runs_add(&unused, 0x1630, 0x20), 0);
	assert_int_equal(runs_add(&untouchable, 0x1740, 0x40), 0);
	assert_int_equal(runs_add(&untouchable, 0x1800, 1), 0);
	assert_int_equal(runs_add_all(&taken, &unused), 0);
	fixture->job.free = &taken;
	fixture->job.untouchable = &untouchable;
	save(fixture);
	assert_int_equal(taken.n, 0);
	fixture->job.free = &unused;
	read_back(fixture);
	super = read_super(fixture);
	assert_int_equal(super.free_pages, 0x40 + 0x10 + 0x10);
	assert_int_equal(super.untouchable_pages, 0x41);
	runs_free(&unused);
	runs_free(&untouchable);
}

/* More runs of zero pages than may be listed: the short ones are data like any other. */
static void test_scattered_zeros(void **state)
{
	static const size_t limits[] = { 1, 8, 64, 300, 100000 };
	static const unsigned char zeros[FRAME_SIZE];
	struct fixture *fixture = *state;
	uint64_t fewest = UINT64_MAX;

	fixture->job.workers = 1; /* so that the same is found each time */
	fixture->job.verify = true;
	fixture->scattered = true;
	for (uint64_t pfn = 0x400; pfn < 0x2000; pfn += 2 + pfn / 512 % 3)
		if (pfn < 0x800 || pfn >= 0xc00)
			fake_write(fixture->fake, zeros, FRAME_SIZE, pfn * FRAME_SIZE);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct image_index index = { 0 };
		struct image_super super;
		struct error err;

		fixture->job.zero_runs = limits[i];
		save(fixture);
		read_back(fixture);
		super = read_super(fixture);
		assert_int_equal(image_index_read(&fixture->disk, &super, NULL, &index, &err), 0);
		/* A worker tells what it has found when it has finished a slice. */
		assert_true(index.zero.n <= limits[i] + SLICE_FRAMES / 2);
		assert_true(super.data_pages <= fewest);
		fewest = super.data_pages;
		image_index_free(&index);
	}
	assert_true(read_super(fixture).zero_pages > 1000);
}

/* What cannot be read is not read: neither untouchable frames nor the home. */
static void test_left_out_is_not_read(void **state)
{
	struct fixture *fixture = *state;
	struct runs untouchable = { 0 };

	assert_int_equal(ftruncate(fixture->fake->fd, 0x1c00 * FRAME_SIZE), 0);
	memory_close(fixture->fake->memory);
	fixture->fake->memory = NULL;
	assert_int_equal(
		memory_open(fixture->fake->path, &fixture->fake->memory, &(struct error){ 0 }), 0);
	fixture->job.memory = fixture->fake->memory;
	assert_int_equal(runs_add(&untouchable, 0x1c00, 0x100), 0);
	fixture->job.untouchable = &untouchable;
	assert_int_equal(runs_add(&fixture->home, 0x1d00, 0x300), 0);
	save(fixture);
	runs_free(&untouchable);
}

static void test_unreadable_memory(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ftruncate(fixture->fake->fd, 0x1800 * FRAME_SIZE), 0);
	memory_close(fixture->fake->memory);
	fixture->fake->memory = NULL;
	assert_int_equal(
		memory_open(fixture->fake->path, &fixture->fake->memory, &(struct error){ 0 }), 0);
	fixture->job.memory = fixture->fake->memory;
	expect_failure(fixture, EIO, "beyond its end");
	expect_state(fixture, IMAGE_EMPTY, 0);
}

static void test_device_too_small(void **state)
{
	struct fixture *fixture = *state;

	format(fixture, IMAGE_MIN_SIZE);
	expect_failure(fixture, ENOSPC, "full");
	expect_state(fixture, IMAGE_EMPTY, 0);
}

/* An image that has to make room is given up; one that has not stays. */
static void test_device_too_small_for_two(void **state)
{
	static const struct run small_run = { 0x100, 0x400 };
	struct fixture *fixture = *state;
	struct runs small = { 0 };

	format(fixture, IMAGE_MIN_SIZE);
	assert_int_equal(runs_add(&small, small_run.pfn, small_run.count), 0);
	fixture->job.kind = IMAGE_CHECKPOINT;
	fixture->job.ram = &small;
	save(fixture);

	/* An error before the device is full. */
	fixture->machine.entry = 0;
	fixture->job.kind = IMAGE_HIBERNATION;
	fixture->job.ram = &(struct runs){ 0 };
	expect_failure(fixture, EINVAL, "RAM map");
	expect_state(fixture, IMAGE_VALID, IMAGE_CHECKPOINT);

	fixture->job.ram = &fixture->ram;
	expect_failure(fixture, ENOSPC, "full");
	expect_state(fixture, IMAGE_EMPTY, 0);
	runs_free(&small);
}

static void test_older_hibernation_is_stale_after_failure(void **state)
{
	struct fixture *fixture = *state;

	save(fixture);
	expect_state(fixture, IMAGE_VALID, IMAGE_HIBERNATION);
	fixture->job.ram = &(struct runs){ 0 };
	expect_failure(fixture, EINVAL, "RAM map");
	expect_state(fixture, IMAGE_STALE, IMAGE_HIBERNATION);
}

static void test_unclaimed_device(void **state)
{
	struct fixture *fixture = *state;
	void *zeros = disk_buffer(IMAGE_DATA_START);
	struct error err = { 0 };

	assert_non_null(zeros);
	assert_int_equal(disk_write(&fixture->disk, zeros, IMAGE_DATA_START, 0, &err), 0);
	free(zeros);
	expect_failure(fixture, ENOMEDIUM, "not a kjump device");
}

/* --- stopped by somebody --- */

struct stopper {
	atomic_bool stop;
	enum disk_operation operation;
	int countdown; /* accesses until then */
};

static int stop_there(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	struct stopper *stopper = context;

	(void)size;
	if (operation == stopper->operation && offset >= IMAGE_DATA_START &&
	    __atomic_sub_fetch(&stopper->countdown, 1, __ATOMIC_RELAXED) == 0)
		atomic_store(&stopper->stop, true);
	return 0;
}

static void expect_stopped(struct fixture *fixture, enum disk_operation operation, int countdown)
{
	struct stopper stopper = { .operation = operation, .countdown = countdown };

	fixture->disk.fault = stop_there;
	fixture->disk.fault_context = &stopper;
	fixture->job.stop = &stopper.stop;
	expect_failure(fixture, ECANCELED, "aborted");
	assert_true(stopper.countdown <= 0);
	fixture->disk.fault = NULL;
	fixture->job.stop = NULL;
}

/* There is room for two images: the present one stays what it was and whole. */
static void test_stopped_while_saving(void **state)
{
	struct fixture *fixture = *state;

	expect_stopped(fixture, DISK_OP_WRITE, 3);
	expect_state(fixture, IMAGE_EMPTY, 0);
	fixture->job.kind = IMAGE_CHECKPOINT;
	save(fixture);
	fixture->job.kind = IMAGE_HIBERNATION;
	expect_stopped(fixture, DISK_OP_WRITE, 3);
	expect_state(fixture, IMAGE_VALID, IMAGE_CHECKPOINT);
	read_back(fixture);
	/* Of a machine that runs again no hibernation image may be valid. */
	save(fixture);
	expect_stopped(fixture, DISK_OP_WRITE, 3);
	expect_state(fixture, IMAGE_STALE, IMAGE_HIBERNATION);
	save(fixture);
}

static void test_stopped_while_verifying(void **state)
{
	struct fixture *fixture = *state;

	fixture->job.verify = true;
	expect_stopped(fixture, DISK_OP_READ, 8);
	expect_state(fixture, IMAGE_STALE, IMAGE_HIBERNATION);
	save(fixture);
	read_back(fixture);
}

/* --- faults of the device --- */

struct fault {
	enum disk_operation operation;
	int countdown; /* accesses to the data area that still succeed */
};

static int inject(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	struct fault *fault = context;

	(void)size;
	if (operation != fault->operation || offset < IMAGE_DATA_START)
		return 0;
	return __atomic_sub_fetch(&fault->countdown, 1, __ATOMIC_RELAXED) < 0 ? EIO : 0;
}

static void test_write_error(void **state)
{
	struct fixture *fixture = *state;
	struct fault fault = { DISK_OP_WRITE, 5 };

	fixture->disk.fault = inject;
	fixture->disk.fault_context = &fault;
	expect_failure(fixture, EIO, "I/O");
	expect_state(fixture, IMAGE_EMPTY, 0);
}

static void test_failed_verification(void **state)
{
	static const uint32_t kinds[] = { IMAGE_HIBERNATION, IMAGE_CHECKPOINT };
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < 2; i++) {
		struct fault fault = { DISK_OP_READ, 8 };

		fixture->disk.fault = inject;
		fixture->disk.fault_context = &fault;
		fixture->job.kind = kinds[i];
		fixture->job.verify = true;
		expect_failure(fixture, EIO, "verification");
		expect_state(fixture, IMAGE_STALE, kinds[i]);
	}
}

/* No kernel could restore it: A is told while it can still go on. A checkpoint is not restored. */
static void test_not_restorable(void **state)
{
	struct fixture *fixture = *state;

	fixture->job.boot = FAKE_SIZE;
	expect_failure(fixture, ENOMEM, "it could not be restored: the boot kernel would need");
	expect_state(fixture, IMAGE_EMPTY, 0);
	fixture->job.boot = 0;
	/* All that is left of the home for a payload: one frame. */
	fixture->machine.home_start += (0x400 - 1) << FRAME_SHIFT;
	expect_failure(fixture, ENOSPC, "make 'home' larger");
	expect_state(fixture, IMAGE_EMPTY, 0);
	fixture->job.kind = IMAGE_CHECKPOINT;
	save(fixture);
}

#define WITH_DEVICE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_page),
		WITH_DEVICE(test_round_trip),
		WITH_DEVICE(test_result),
		WITH_DEVICE(test_left_out),
		WITH_DEVICE(test_scattered_zeros),
		WITH_DEVICE(test_left_out_is_not_read),
		WITH_DEVICE(test_unreadable_memory),
		WITH_DEVICE(test_device_too_small),
		WITH_DEVICE(test_device_too_small_for_two),
		WITH_DEVICE(test_not_restorable),
		WITH_DEVICE(test_older_hibernation_is_stale_after_failure),
		WITH_DEVICE(test_unclaimed_device),
		WITH_DEVICE(test_stopped_while_saving),
		WITH_DEVICE(test_stopped_while_verifying),
		WITH_DEVICE(test_write_error),
		WITH_DEVICE(test_failed_verification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
