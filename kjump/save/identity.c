/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of which boot the images of this system are. */
#include "kjump/save/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/safe.h"

/* Is it there, root's alone, and as long as it must be? */
static bool read_file(const char *path, struct image_identity *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	bool good;

	if (fd < 0)
		return false;
	good = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IRWXG | S_IRWXO)) && st.st_size == sizeof(*ret) &&
	       read(fd, ret, sizeof(*ret)) == sizeof(*ret) &&
	       !safe_is_zero(ret->boot, sizeof(ret->boot));
	close(fd);
	return good;
}

/* As a whole or not at all: two saves in a row must not have two secrets. */
static int write_file(const char *path, const struct image_identity *identity, struct error *err)
{
	char temporary[PATH_MAX];
	int fd, ret = 0;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, "%s", temporary);
	if (write(fd, identity, sizeof(*identity)) != sizeof(*identity))
		ret = error_errno(err, "%s", temporary);
	close(fd);
	if (!ret && rename(temporary, path))
		ret = error_errno(err, "%s", path);
	if (ret)
		unlink(temporary);
	return ret;
}

int identity_read(const char *path, struct image_identity *ret, struct error *err)
{
	if (read_file(path, ret))
		return 0;
	if (getrandom(ret, sizeof(*ret), 0) != sizeof(*ret))
		return error_errno(err, "random numbers for digests");
	return write_file(path, ret, err);
}

void identity_fill(const char *path, struct request *request)
{
	struct image_identity identity;
	struct error err = { 0 };

	if (identity_read(path, &identity, &err)) {
		message("%s; all pages will be written", err.text);
		return;
	}
	memcpy(request->boot, identity.boot, sizeof(request->boot));
	memcpy(request->digest_secret, identity.secret, sizeof(request->digest_secret));
}
