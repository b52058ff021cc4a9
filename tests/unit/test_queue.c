/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes in flight: everything arrives, several are under way at once, and no failure is lost. */
#include <errno.h>
#include <pthread.h>

#include "temp-disk.h"

#include "image/queue.h"

#define DISK_SIZE (UINT64_C(64) << 20)
#define BLOCK	  65536
#define WRITES	  (DISK_SIZE / BLOCK)
#define PATIENCE  30 /* seconds */

struct fixture {
	struct temp_disk temp;
	struct queue *queue;
	unsigned char *buffer;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned under_way, wanted; /* for meet() */
	int countdown;		    /* for fail_later() */
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error err;

	assert_non_null(fixture);
	temp_disk_create(&fixture->temp, DISK_SIZE);
	fixture->temp.disk.fault_context = fixture;
	pthread_mutex_init(&fixture->lock, NULL);
	pthread_cond_init(&fixture->changed, NULL);
	fixture->buffer = disk_buffer(QUEUE_BUFFER_BYTES);
	assert_non_null(fixture->buffer);
	assert_int_equal(queue_create(&fixture->temp.disk, &fixture->queue, &err), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	queue_free(fixture->queue);
	free(fixture->buffer);
	pthread_cond_destroy(&fixture->changed);
	pthread_mutex_destroy(&fixture->lock);
	temp_disk_remove(&fixture->temp);
	free(fixture);
	return 0;
}

/* Block N of the disk, filled with what tells it from all others. */
static int put(struct fixture *fixture, uint32_t n, struct error *err)
{
	for (size_t i = 0; i < BLOCK / sizeof(n); i++)
		((uint32_t *)fixture->buffer)[i] = n + 1;
	return queue_write(fixture->queue, &fixture->buffer, BLOCK, (uint64_t)n * BLOCK, err);
}

static void test_everything_arrives(void **state)
{
	struct fixture *fixture = *state;
	struct image_flow flow;
	struct error err = { 0 };
	uint32_t n;

	for (n = 0; n < WRITES; n++)
		assert_int_equal(put(fixture, n, &err), 0);
	assert_int_equal(queue_drain(fixture->queue, &err), 0);
	for (n = 0; n < WRITES; n++) {
		uint32_t words[BLOCK / sizeof(n)];

		temp_disk_read(&fixture->temp, (uint64_t)n * BLOCK, words, BLOCK);
		for (size_t i = 0; i < BLOCK / sizeof(n); i++)
			assert_int_equal(words[i], n + 1);
	}
	queue_flow(fixture->queue, &flow);
	assert_int_equal(flow.bytes, DISK_SIZE);
	assert_int_equal(flow.fill, 0);
	assert_true(flow.busy > 0);
}

/* Lets no write go on before the wanted number of them are under way. */
static int meet(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	struct fixture *fixture = context;
	struct timespec end;
	int code = 0;

	(void)operation;
	(void)offset;
	(void)size;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE;
	pthread_mutex_lock(&fixture->lock);
	fixture->under_way++;
	pthread_cond_broadcast(&fixture->changed);
	while (fixture->under_way < fixture->wanted && !code)
		code = pthread_cond_timedwait(&fixture->changed, &fixture->lock, &end);
	pthread_mutex_unlock(&fixture->lock);
	return code;
}

static void test_several_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };

	fixture->temp.disk.fault = meet;
	fixture->wanted = QUEUE_THREADS;
	for (uint32_t n = 0; n < QUEUE_THREADS; n++)
		assert_int_equal(put(fixture, n, &err), 0);
	assert_int_equal(queue_drain(fixture->queue, &err), 0);
}

static int fail_later(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	struct fixture *fixture = context;

	(void)operation;
	(void)offset;
	(void)size;
	return __atomic_sub_fetch(&fixture->countdown, 1, __ATOMIC_RELAXED) < 0 ? ENOSPC : 0;
}

/* Wherever the first failure is, the drain knows of it, and soon every writer does. */
static void test_failure(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };
	uint32_t n;
	int r = 0;

	fixture->temp.disk.fault = fail_later;
	fixture->countdown = 20;
	for (n = 0; n < WRITES && !r; n++)
		r = put(fixture, n, &err);
	assert_int_equal(r, -ENOSPC);
	assert_in_range(n, 21, 21 + QUEUE_BUFFERS + QUEUE_THREADS);
	assert_int_equal(err.code, ENOSPC);
	memset(&err, 0, sizeof(err));
	assert_int_equal(queue_drain(fixture->queue, &err), -ENOSPC);
	assert_int_equal(err.code, ENOSPC);
}

static void test_failure_of_the_last(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };

	fixture->temp.disk.fault = fail_later;
	assert_int_equal(put(fixture, 0, &err), 0);
	assert_int_equal(queue_drain(fixture->queue, &err), -ENOSPC);
}

/* Ended with writes that nobody waited for: neither a hang nor a leak. */
static void test_end_without_drain(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };

	for (uint32_t n = 0; n < QUEUE_BUFFERS; n++)
		assert_int_equal(put(fixture, n, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_everything_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_of_the_last, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_without_drain, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
