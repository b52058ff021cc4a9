/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump-write to a device of a given speed: saves a core to a file in the same way, but each write
 * first takes as long as such a device would. Prints the seconds that it took. The file is made
 * when it is not there, with all its bytes, and written over: a device has no memory to find.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/abi.h"
#include "common/error.h"
#include "image/image.h"
#include "memory/core.h"
#include "memory/freepages.h"
#include "writer/save.h"

/* One write after the other, as on a device: where the present queue of them ends. */
struct device {
	pthread_mutex_t lock;
	double rate; /* bytes a second */
	double free_at;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int take_time(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	struct device *device = context;
	double end, start = now();
	struct timespec until;

	(void)offset;
	if (operation != DISK_OP_WRITE)
		return 0;
	pthread_mutex_lock(&device->lock);
	device->free_at = device->free_at > start ? device->free_at : start;
	device->free_at += (double)size / device->rate;
	end = device->free_at;
	pthread_mutex_unlock(&device->lock);
	until.tv_sec = (time_t)end;
	until.tv_nsec = (long)((end - (double)until.tv_sec) * 1e9);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
		;
	return 0;
}

/* A file of SIZE bytes and what an image takes beside its pages. */
static int make_device(const char *path, uint64_t size, struct error *err)
{
	const size_t step = 1 << 20;
	void *bytes = calloc(1, step);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	int r = 0;

	if (fd < 0 && errno == EEXIST)
		goto out;
	if (fd < 0 || !bytes)
		r = error_errno(err, "%s", path);
	for (uint64_t at = 0; !r && at < size + size / 16 + IMAGE_MIN_SIZE; at += step)
		if (write(fd, bytes, step) != (ssize_t)step)
			r = error_errno(err, "%s", path);
	if (fd >= 0)
		close(fd);
out:
	free(bytes);
	return r;
}

static int save(const char *path, const char *image, int level, struct device *device,
		struct error *err)
{
	static const struct runs no_home;
	struct free_pages pages = { 0 };
	struct image_machine machine = { .created = 1 };
	struct image_super super;
	struct memory *memory;
	struct frozen frozen;
	struct disk disk;
	struct core core;
	struct save_result result;
	double start;
	int r = core_open(path, &memory, &core, err);

	if (r)
		return r;
	frozen = (struct frozen){ .memory = memory, .ram = &core.ram, .home = &no_home };
	if (core.vmcoreinfo)
		free_pages_find(&frozen, core.vmcoreinfo, 0, &pages, err);
	r = make_device(image, runs_total(&core.ram) * FRAME_SIZE, err);
	if (!r)
		r = disk_open(image, DISK_WRITE, &disk, err);
	if (!r)
		r = image_format(&disk, NULL, &super, err);
	if (!r) {
		const struct save_job job = {
			.memory = memory,
			.disk = &disk,
			.name = image,
			.kind = IMAGE_CORE,
			.level = level,
			.quiet = true,
			.ram = &core.ram,
			.free = &pages.free,
			.untouchable = &pages.untouchable,
			.machine = &machine,
		};

		disk.fault = take_time;
		disk.fault_context = device;
		start = now();
		r = save_run(&job, &result, err);
		printf("%.3f %llu\n", now() - start, (unsigned long long)result.bytes);
		disk_close(&disk);
	}
	free_pages_free(&pages);
	core_free(&core);
	memory_close(memory);
	return r;
}

int main(int argc, char **argv)
{
	struct device device = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct error err = { 0 };

	if (argc != 5) {
		fputs("usage: throttle CORE IMAGE LEVEL|auto MB_PER_SECOND\n", stderr);
		return EXIT_USAGE;
	}
	device.rate = atof(argv[4]) * 1e6;
	if (save(argv[1], argv[2], strcmp(argv[3], "auto") ? atoi(argv[3]) : LEVEL_AUTO, &device,
		 &err)) {
		message("%s", err.text);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}
