/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small text files, and what directories hold.
 */
#include "text/files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_open(const char *path, struct error *err)
{
	/* A FIFO would make the opening wait for whoever writes to it. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int ret = fd;

	if (fd < 0 || fstat(fd, &st))
		ret = error_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		ret = error_set(err, EINVAL, "%s: not a regular file", path);
	if (ret < 0 && fd >= 0)
		close(fd);
	return ret;
}

ssize_t file_read_bytes(const char *path, void *buffer, size_t size)
{
	struct error ignored = { 0 };
	int fd = file_open(path, &ignored);
	size_t used = 0;
	ssize_t got;

	if (fd < 0)
		return fd;
	do {
		got = read(fd, (char *)buffer + used, size - used);
		if (got > 0)
			used += (size_t)got;
	} while (got > 0 && used < size);
	if (got < 0)
		got = -errno;
	close(fd);
	return got < 0 ? got : (ssize_t)used;
}

ssize_t file_read_start(const char *path, char *text, size_t size)
{
	ssize_t length = file_read_bytes(path, text, size - 1);

	if (length >= 0)
		text[length] = '\0';
	return length;
}

int file_read(const char *path, char *text, size_t size, struct error *err)
{
	ssize_t length = file_read_bytes(path, text, size);

	if (length < 0) {
		errno = (int)-length;
		return error_errno(err, "%s", path);
	}
	if ((size_t)length == size)
		return error_set(err, EFBIG, "%s: longer than %zu bytes", path, size - 1);
	if (length && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	return 0;
}

static int write_all(int fd, const char *path, const char *text, struct error *err)
{
	size_t size = strlen(text);
	ssize_t put = write(fd, text, size);

	if (put < 0)
		return error_errno(err, "%s", path);
	if ((size_t)put != size)
		return error_set(err, EIO, "%s: cannot be written whole", path);
	return 0;
}

int file_poke(const char *path, const char *text, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return error_errno(err, "%s", path);
	ret = write_all(fd, path, text, err);
	close(fd);
	return ret;
}

void file_make_folders(const char *path)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", path);
	for (char *slash = folder; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(folder, 0755);
		*slash = '/';
	}
}

int file_replace(const char *path, const char *text, struct error *err)
{
	char part[256];
	int fd, ret;

	if ((size_t)snprintf(part, sizeof(part), "%s.new", path) >= sizeof(part))
		return error_set(err, ENAMETOOLONG, "%s: path too long", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, "%s", part);
	ret = write_all(fd, part, text, err);
	close(fd);
	if (!ret && rename(part, path))
		ret = error_errno(err, "%s", path);
	if (ret)
		unlink(part);
	return ret;
}

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

static int read_line(char *line, file_pair pair, void *context, struct error *err)
{
	char *key = trim(line);
	char *equals;

	if (!*key || *key == '#')
		return 0;
	equals = strchr(key, '=');
	if (!equals)
		return error_set(err, EINVAL, "'%.60s' is not of the form 'key = value'", key);
	*equals = '\0';
	return pair(context, trim(key), trim(equals + 1), err);
}

int file_read_pairs(const char *path, file_pair pair, void *context, struct error *err)
{
	int fd = file_open(path, err);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned number = 0;
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;
	int ret = 0;

	if (fd < 0)
		return fd;
	if (!file) {
		ret = error_errno(err, "%s", path);
		close(fd);
		return ret;
	}
	while (!ret && (length = getline(&line, &capacity, file)) >= 0) {
		number++;
		if (strlen(line) != (size_t)length)
			ret = error_set(err, EINVAL, "a NUL byte in the line");
		else
			ret = read_line(line, pair, context, err);
		if (ret)
			ret = error_prefix(err, "%s:%u", path, number);
	}
	if (!ret && ferror(file))
		ret = error_set(err, EIO, "%s: cannot be read", path);
	free(line);
	fclose(file);
	return ret;
}

bool file_find_entry(const char *path, const char *prefix, char *ret, size_t size)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	bool found = false;

	if (!directory)
		return false;
	while (!found && (entry = readdir(directory))) {
		found = !strncmp(entry->d_name, prefix, strlen(prefix));
		if (found)
			snprintf(ret, size, "%s", entry->d_name);
	}
	closedir(directory);
	return found;
}
