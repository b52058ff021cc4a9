/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/setup/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include "text/files.h"

#define TEXT_MAX (1U << 20)
#define BUFFER	 65536
#define LABEL	 "security.selinux"

void place_beside(const char *path, char beside[PLACE_SIZE])
{
	snprintf(beside, PLACE_SIZE, "%.512s" PLACE_SUFFIX, path);
}

void place_forget(const char *path)
{
	char beside[PLACE_SIZE + 4];

	place_beside(path, beside);
	unlink(beside);
	strcat(beside, ".new");
	unlink(beside);
}

int place_read(const char *path, char **text, struct error *err)
{
	char *buffer = malloc(TEXT_MAX + 1);
	ssize_t length;

	if (!buffer)
		return error_set(err, ENOMEM, "out of memory");
	length = file_read_bytes(path, buffer, TEXT_MAX + 1);
	if (length >= 0 && length <= (ssize_t)TEXT_MAX && !memchr(buffer, '\0', (size_t)length)) {
		buffer[length] = '\0';
		*text = buffer;
		return 0;
	}
	free(buffer);
	if (length < 0) {
		errno = (int)-length;
		return error_errno(err, "%s", path);
	}
	return error_set(err, length > (ssize_t)TEXT_MAX ? EFBIG : EINVAL, "%s: not a small text",
			 path);
}

int place_sync_folder(const char *path, struct error *err)
{
	char folder[PLACE_SIZE];
	int fd, ret;

	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	fd = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "%s", folder);
	ret = fsync(fd) ? error_errno(err, "%s", folder) : 0;
	close(fd);
	return ret;
}

/* Mode, owner and label of MODEL; on file systems that have none of these, all are alike. */
static int dress(int fd, const char *model, struct error *err)
{
	char label[256];
	ssize_t length;
	struct stat status, own;

	if (lstat(model, &status))
		return errno == ENOENT ? 0 : error_errno(err, "%s", model);
	if (fstat(fd, &own))
		return error_errno(err, "%s", model);
	if ((own.st_uid != status.st_uid || own.st_gid != status.st_gid) &&
	    fchown(fd, status.st_uid, status.st_gid))
		return error_errno(err, "%s: owner", model);
	if (own.st_mode != status.st_mode && fchmod(fd, status.st_mode & 07777))
		return error_errno(err, "%s: mode", model);
	length = lgetxattr(model, LABEL, label, sizeof(label));
	if (length > 0 && fsetxattr(fd, LABEL, label, (size_t)length, 0) && errno != ENOTSUP)
		return error_errno(err, "%s: label", model);
	return 0;
}

/* Flush FD, close it, and put the file BESIDE where PATH is; RET is an error so far. */
static int settle(int fd, const char *beside, const char *path, int ret, struct error *err)
{
	if (!ret && fsync(fd))
		ret = error_errno(err, "%s", beside);
	if (close(fd) && !ret)
		ret = error_errno(err, "%s", beside);
	if (!ret && rename(beside, path))
		ret = error_errno(err, "%s", path);
	if (ret) {
		unlink(beside);
		return ret;
	}
	return place_sync_folder(path, err);
}

int place_write(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t done = write(fd, bytes, size);

		if (done < 0)
			return -1;
		bytes += done;
		size -= (size_t)done;
	}
	return 0;
}

int place_text(const char *path, const char *text, struct error *err)
{
	char beside[PLACE_SIZE];
	int fd, ret;

	place_beside(path, beside);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return error_errno(err, "%s", beside);
	ret = dress(fd, path, err);
	if (!ret && place_write(fd, text, strlen(text)))
		ret = error_errno(err, "%s", beside);
	return settle(fd, beside, path, ret, err);
}

int place_move(const char *path, struct error *err)
{
	char beside[PLACE_SIZE];
	int fd;

	place_beside(path, beside);
	fd = open(beside, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_errno(err, "%s", beside);
	return settle(fd, beside, path, dress(fd, path, err), err);
}

static int copy_bytes(int from, int to, const char *path, struct error *err)
{
	char *buffer = malloc(BUFFER);
	ssize_t got;
	int ret;

	if (!buffer)
		return error_set(err, ENOMEM, "out of memory");
	while ((got = read(from, buffer, BUFFER)) > 0 && !place_write(to, buffer, (size_t)got))
		;
	ret = got ? error_errno(err, "%s", path) : 0;
	free(buffer);
	return ret;
}

int place_copy(const char *from, const char *to, struct error *err)
{
	int source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), copy, ret;
	struct timespec times[2];
	char beside[PLACE_SIZE];
	struct stat status;

	if (source < 0)
		return error_errno(err, "%s", from);
	place_beside(to, beside);
	unlink(beside);
	copy = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (copy < 0) {
		ret = error_errno(err, "%s", beside);
		close(source);
		return ret;
	}
	ret = copy_bytes(source, copy, to, err);
	if (!ret)
		ret = dress(copy, from, err);
	if (!ret && !fstat(source, &status)) {
		times[0] = status.st_atim;
		times[1] = status.st_mtim;
		futimens(copy, times);
	}
	close(source);
	return settle(copy, beside, to, ret, err);
}

static void digits(XXH64_hash_t hash, char sum[PLACE_SUM])
{
	snprintf(sum, PLACE_SUM, "%016" PRIx64, (uint64_t)hash);
}

void place_text_sum(const char *text, char sum[PLACE_SUM])
{
	digits(XXH3_64bits(text, strlen(text)), sum);
}

void place_sum(const char *path, char sum[PLACE_SUM])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	XXH3_state_t *state = XXH3_createState();
	char *buffer = malloc(BUFFER);
	ssize_t got = -1;

	*sum = '\0';
	if (fd >= 0 && state && buffer) {
		XXH3_64bits_reset(state);
		while ((got = read(fd, buffer, BUFFER)) > 0)
			XXH3_64bits_update(state, buffer, (size_t)got);
	}
	if (!got)
		digits(XXH3_64bits_digest(state), sum);
	free(buffer);
	XXH3_freeState(state);
	if (fd >= 0)
		close(fd);
}
