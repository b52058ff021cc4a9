/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compressed parts of an initramfs image, given to the programs that unpack them.
 */
#include "kjump/check/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/signals.h"
#include "text/files.h"

static const struct {
	const char *magic;
	size_t size; /* of the magic by which the kernel or its builders know it */
	size_t sure; /* of what stands there in any case, when it is searched for */
	const char *program, *option;
} compressions[] = {
	{ "\x28\xb5\x2f\xfd", 4, 4, "zstd", "-dcq" },
	{ "\x1f\x8b\x08", 2, 3, "gzip", "-dc" },
	{ "\xfd"
	  "7zXZ\0",
	  6, 6, "xz", "-dcq" },
	{ "\x5d\0\0", 1, 3, "xz", "-dcq" },
	{ "\x02\x21\x4c\x18", 4, 4, "lz4", "-dcq" },
	{ "\x04\x22\x4d\x18", 4, 4, "lz4", "-dcq" },
	{ "BZh", 3, 3, "bzip2", "-dcq" },
	{ "\x89LZO", 4, 4, "lzop", "-dcq" },
};

/*
 * What else the short magics have behind them: flags of gzip, the level of bzip2, and of LZMA a
 * size that is unknown or has no more than four bytes.
 */
static bool is_likely(const unsigned char *magic)
{
	switch (magic[0]) {
	case 0x1f:
		return !(magic[3] & 0xe0);
	case 'B':
		return magic[3] >= '1' && magic[3] <= '9';
	case 0x5d:
		return magic[9] == 0 || magic[9] == 0xff;
	default:
		return true;
	}
}

/*
 * Index of the program that unpacks what begins like that, or -1. Where a part need not begin, it
 * has to be SURE.
 */
static int find_compression(const unsigned char *magic, bool sure)
{
	for (size_t i = 0; i < sizeof(compressions) / sizeof(*compressions); i++) {
		if (!memcmp(magic, compressions[i].magic,
			    sure ? compressions[i].sure : compressions[i].size) &&
		    (!sure || is_likely(magic)))
			return (int)i;
	}
	return -1;
}

/* Start the program on INPUT. Its output is a new file descriptor, or is thrown away. */
static int start(int compression, int input, struct unpacking *ret, bool keep)
{
	char *const argv[] = { (char *)compressions[compression].program,
			       (char *)compressions[compression].option, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	extern char **environ;
	int pipes[2] = { -1, -1 };
	int code;

	if (keep && pipe2(pipes, O_CLOEXEC))
		return errno;
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	signals_default(&attributes);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	/* What follows the part in a file is no news to anybody. */
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (keep)
		posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	else
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	code = posix_spawnp(&ret->pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (keep)
		close(pipes[1]);
	if (code && keep)
		close(pipes[0]);
	ret->output = pipes[0];
	return code;
}

bool unpack_start(const char *path, off_t offset, struct unpacking *ret, struct error *err)
{
	unsigned char magic[UNPACK_MAGIC_SIZE];
	struct error ignored = { 0 };
	/* One of its own: the program moves the place in the file. */
	int fd = file_open(path, &ignored);
	int compression = -1, code = 0;

	if (fd >= 0 && pread(fd, magic, sizeof(magic), offset) == sizeof(magic))
		compression = find_compression(magic, false);
	if (compression >= 0) {
		code = lseek(fd, offset, SEEK_SET) < 0 ? errno : start(compression, fd, ret, true);
		if (code)
			error_set(err, code, "'%s' would have to unpack it: %s",
				  compressions[compression].program, strerror(code));
	}
	if (fd >= 0)
		close(fd);
	return compression >= 0;
}

void unpack_end(struct unpacking *unpacking)
{
	/* It may still want to write, and ends of that. */
	close(unpacking->output);
	waitpid(unpacking->pid, NULL, 0);
}

/* Give bytes START to END of FD to the program that reads from TO, as far as it takes them. */
static void feed(int fd, off_t start, off_t end, int to)
{
	char buffer[65536];

	while (start < end) {
		size_t part = end - start < (off_t)sizeof(buffer) ? (size_t)(end - start)
								  : sizeof(buffer);
		ssize_t got = pread(fd, buffer, part, start);

		if (got <= 0)
			return;
		start += got;
		for (ssize_t sent = 0, done; sent < got; sent += done) {
			done = send(to, buffer + sent, (size_t)(got - sent), MSG_NOSIGNAL);
			if (done <= 0)
				return;
		}
	}
}

/* Is [START, END) a whole part and nothing else, as the program says? */
static bool is_whole(int fd, int compression, off_t start_at, off_t end)
{
	struct unpacking unpacking;
	int ends[2], status;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return false;
	status = start(compression, ends[1], &unpacking, false);
	close(ends[1]);
	if (!status)
		feed(fd, start_at, end, ends[0]);
	close(ends[0]);
	return !status && waitpid(unpacking.pid, &status, 0) == unpacking.pid && !status;
}

/*
 * The zeros before END may fill up, or belong to the part: not all programs take some behind it,
 * and few parts end with many.
 */
static bool ends_before(int fd, int compression, off_t offset, off_t end)
{
	unsigned char byte = 0;
	off_t last = end;

	while (last > offset && pread(fd, &byte, 1, last - 1) == 1 && !byte)
		last--;
	if (is_whole(fd, compression, offset, end))
		return true;
	for (off_t at = last; at < end && at < last + 4; at++) {
		if (is_whole(fd, compression, offset, at))
			return true;
	}
	return false;
}

/* May a part begin with these bytes, AT so far behind the first one? */
static bool begins(const unsigned char *magic, off_t at)
{
	return find_compression(magic, true) >= 0 ||
	       (!(at & 3) && (!memcmp(magic, "070701", 6) || !memcmp(magic, "070702", 6)));
}

off_t unpack_next(int fd, off_t start, off_t offset)
{
	unsigned char bytes[65536];
	int compression;
	off_t at = offset + 1;
	ssize_t got;

	if (pread(fd, bytes, UNPACK_MAGIC_SIZE, offset) != UNPACK_MAGIC_SIZE)
		return 0;
	compression = find_compression(bytes, false);
	while (compression >= 0 &&
	       (got = pread(fd, bytes, sizeof(bytes), at)) >= UNPACK_MAGIC_SIZE) {
		for (ssize_t i = 0; i <= got - UNPACK_MAGIC_SIZE; i++, at++) {
			if (begins(bytes + i, at - start) &&
			    ends_before(fd, compression, offset, at))
				return at;
		}
	}
	return 0;
}
