/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jumping by the module kjump.ko (module/). */
#include <errno.h>
#include <fcntl.h>
#include <linux/suspend_ioctls.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jump/backend.h"
#include "jump/jump.h"
#include "jump/kexec.h"
#include "module/kjump-ioctl.h"
#include "text/files.h"

#define DEVICE	 JUMP_DEVICE
#define SNAPSHOT "/dev/snapshot"
#define FAILURES "/sys/power/suspend_stats"

_Static_assert(KJUMP_SEGMENTS_MAX == KEXEC_SEGMENTS, "number of segments");

static bool is_there(void)
{
	return access(DEVICE, F_OK) == 0;
}

/* Run modprobe and keep the first line that it says. Returns its exit status, or -1. */
static int modprobe(char *line, size_t size)
{
	static const char *const arguments[] = { "modprobe", "kjump", NULL };
	posix_spawn_file_actions_t actions;
	int pipes[2], status = -1;
	FILE *output;
	pid_t child;

	*line = 0;
	if (pipe2(pipes, O_CLOEXEC))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
	if (posix_spawnp(&child, arguments[0], &actions, NULL, (char *const *)arguments, environ))
		child = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	output = fdopen(pipes[0], "r");
	if (output && fgets(line, (int)size, output))
		line[strcspn(line, "\n")] = 0;
	if (output)
		fclose(output);
	else
		close(pipes[0]);
	if (child > 0 && waitpid(child, &status, 0) == child)
		status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return status;
}

static int explain_absence(struct error *err)
{
	struct utsname system;
	char path[sizeof(system.release) + 32];

	if (uname(&system))
		return error_errno(err, "uname");
	snprintf(path, sizeof(path), "/lib/modules/%s/build", system.release);
	if (access(path, F_OK) == 0)
		return error_set(err, ENOENT, "the jump module was not built for this kernel");
	return error_set(err, ENOENT,
			 "there is no jump module, nor headers of this kernel to build it");
}

int jump_module_insert(struct error *err)
{
	char line[128];

	if (is_there())
		return 0;
	if (modprobe(line, sizeof(line)) == 0 && is_there())
		return 0;
	/* kmod's words and busybox's; nothing when there is no modprobe. */
	if (!*line || strstr(line, "not found") || strstr(line, "No such file"))
		return explain_absence(err);
	return error_set(
		err, EPERM, "the jump module cannot be loaded: %s%s", line,
		strstr(line, "rejected") ? " (Secure Boot: its signer's key is not enrolled)" : "");
}

static int open_device(int *fd, struct kjump_status *status, struct error *err)
{
	*fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (*fd < 0)
		return error_errno(err, DEVICE);
	if (ioctl(*fd, KJUMP_STATUS, status) < 0)
		error_errno(err, DEVICE);
	else if (status->abi != KJUMP_ABI)
		error_set(err, EPROTO, "the jump module is of version %u, this program needs %u",
			  status->abi, KJUMP_ABI);
	else
		return 0;
	close(*fd);
	return -err->code;
}

/* Name of the device that has just refused; the kernel notes none that refused to prepare. */
static void failed_device(char *name, size_t size)
{
	char step[16];

	*name = 0;
	if (file_read_start(FAILURES "/last_failed_step", step, sizeof(step)) > 0 &&
	    strncmp(step, "prepare", 7) &&
	    file_read_start(FAILURES "/last_failed_dev", name, size) > 0)
		name[strcspn(name, "\n")] = 0;
}

/* The module's own words for why the latest call failed. */
static int explain(int fd, int code, const char *what, struct error *err)
{
	struct kjump_status status;
	char device[64] = "";

	if (ioctl(fd, KJUMP_STATUS, &status) < 0 || !*status.cause)
		return error_set(err, code, "%s: %s", what, strerror(code));
	status.cause[KJUMP_CAUSE_SIZE - 1] = 0;
	if (strcmp(status.cause, KJUMP_CAUSE_DEVICE) == 0)
		failed_device(device, sizeof(device));
	return error_set(err, code, "%s: %s%s%s (%s)", what, status.cause, *device ? ": " : "",
			 device, strerror(code));
}

static int supported(struct error *err)
{
	struct kjump_status status;
	int fd, ret = jump_permitted(err);

	if (!ret)
		ret = jump_module_insert(err);
	if (!ret)
		ret = open_device(&fd, &status, err);
	if (!ret)
		close(fd);
	return ret;
}

bool jump_module_missing(char *names, size_t size)
{
	struct kjump_status status;
	struct error ignored;
	int fd;

	*names = 0;
	if (open_device(&fd, &status, &ignored))
		return false;
	close(fd);
	snprintf(names, size, "%.*s", KJUMP_MISSING_SIZE, status.missing);
	return *names;
}

bool jump_hidden(const char *device)
{
	int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == EACCES || errno == EPERM);
}

static bool loaded(void)
{
	struct kjump_status status = { 0 };
	struct error ignored;
	int fd;

	if (!is_there() || open_device(&fd, &status, &ignored))
		return false;
	close(fd);
	return status.head != 0;
}

static int load(uint64_t entry, const struct kexec_part *parts, size_t count, struct error *err)
{
	struct kjump_segment segments[KJUMP_SEGMENTS_MAX];
	struct kjump_load load = {
		.abi = KJUMP_ABI,
		.count = (uint32_t)count,
		.entry = entry,
		.segments = (uintptr_t)segments,
	};
	struct kjump_status status;
	int fd, ret;

	if (count > KJUMP_SEGMENTS_MAX)
		return error_set(err, E2BIG, "more than %d segments", KJUMP_SEGMENTS_MAX);
	for (size_t i = 0; i < count; i++)
		segments[i] = (struct kjump_segment){
			.buffer = (uintptr_t)parts[i].buffer,
			.buffer_size = parts[i].buffer_size,
			.address = parts[i].address,
			.size = parts[i].size,
		};
	ret = open_device(&fd, &status, err);
	if (ret)
		return ret;
	if (ioctl(fd, KJUMP_LOAD, &load) < 0)
		ret = explain(fd, errno, "jump module: load", err);
	close(fd);
	return ret;
}

static int unload(struct error *err)
{
	struct kjump_status status;
	int fd, ret = open_device(&fd, &status, err);

	if (ret)
		return ret;
	if (ioctl(fd, KJUMP_UNLOAD) < 0)
		ret = explain(fd, errno, "jump module: unload", err);
	close(fd);
	return ret;
}

/* While tasks are frozen CPUs come back to what they were; otherwise cpusets and affinities change.
 */
static bool parks_cpus(void)
{
	struct kjump_status status;
	struct error ignored;
	int fd;

	if (open_device(&fd, &status, &ignored))
		return false;
	close(fd);
	return !(status.flags & KJUMP_STATUS_FREEZE_TASKS);
}

/* By /dev/snapshot, where the module did not find the kernel's function. */
static int freeze_by_snapshot(int snapshot, struct jump_freeze *ret, struct error *err)
{
	ret->own = snapshot < 0;
	ret->snapshot = ret->own ? open(SNAPSHOT, O_RDONLY | O_CLOEXEC) : snapshot;
	if (ret->snapshot < 0)
		return error_errno(err, SNAPSHOT);
	if (ioctl(ret->snapshot, SNAPSHOT_FREEZE) < 0) {
		error_errno(err, SNAPSHOT ": programs refused to freeze");
		if (ret->own)
			close(ret->snapshot);
		return -err->code;
	}
	return 0;
}

static int freeze(int snapshot, struct jump_freeze *ret, struct error *err)
{
	const struct kjump_freeze freeze = { .abi = KJUMP_ABI };
	struct kjump_status status;
	int code;

	*ret = (struct jump_freeze){ .device = -1, .snapshot = -1 };
	code = open_device(&ret->device, &status, err);
	if (code)
		return code;
	if (status.flags & KJUMP_STATUS_FREEZE_TASKS)
		code = freeze_by_snapshot(snapshot, ret, err);
	else if (ioctl(ret->device, KJUMP_FREEZE, &freeze) < 0)
		code = explain(ret->device, errno, "jump module", err);
	if (code)
		close(ret->device);
	return code;
}

static int stays_frozen(struct error *err)
{
	struct kjump_status status;
	int fd, ret = open_device(&fd, &status, err);

	if (ret)
		return ret;
	close(fd);
	if (status.flags & KJUMP_STATUS_FREEZE_TASKS)
		return error_set(err, EOPNOTSUPP,
				 "jump module: it did not find the function of this kernel that "
				 "freezes the kernel's own threads");
	return 0;
}

static int freeze_staying(int snapshot, struct jump_freeze *ret, struct error *err)
{
	struct kjump_status status;
	int code;

	*ret = (struct jump_freeze){ .device = -1, .snapshot = -1, .stay = true };
	if (snapshot < 0)
		return error_set(err, ENODEV, SNAPSHOT ": not there; programs cannot stay frozen");
	code = open_device(&ret->device, &status, err);
	if (code)
		return code;
	code = freeze_by_snapshot(snapshot, ret, err);
	if (code)
		close(ret->device);
	return code;
}

static void thaw(struct jump_freeze *frozen)
{
	if (frozen->snapshot >= 0)
		ioctl(frozen->snapshot, SNAPSHOT_UNFREEZE);
	if (frozen->own)
		close(frozen->snapshot);
	close(frozen->device);
}

static int execute(struct jump_freeze *frozen, struct error *err)
{
	const struct kjump_jump jump = { .abi = KJUMP_ABI,
					 .flags = frozen->stay ? KJUMP_JUMP_STAY_FROZEN : 0 };

	if (ioctl(frozen->device, KJUMP_JUMP, &jump) < 0)
		return explain(frozen->device, errno, "jump module", err);
	return 0;
}

static int list(uint64_t *ret, struct error *err)
{
	struct kjump_status status;
	int fd, result = open_device(&fd, &status, err);

	if (result)
		return result;
	close(fd);
	if (!status.head)
		return error_set(err, ENOENT, "no kernel is loaded");
	*ret = status.head;
	return 0;
}

const struct jump_backend jump_module = {
	.name = "module",
	.supported = supported,
	.loaded = loaded,
	.load = load,
	.unload = unload,
	.parks_cpus = parks_cpus,
	.freeze = freeze,
	.thaw = thaw,
	.stays_frozen = stays_frozen,
	.freeze_staying = freeze_staying,
	.execute = execute,
	.list = list,
};
