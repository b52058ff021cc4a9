/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal's native protocol: NAME=VALUE in a line, or, when the value has lines itself, NAME,
 * its length and the value.
 */
#include "text/journal.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ENTRY_MAX (16 << 10)

static void put_field(FILE *out, const struct journal_field *field)
{
	uint64_t size = strlen(field->value), little = htole64(size);

	if (strchr(field->value, '\n')) {
		fprintf(out, "%s\n", field->name);
		fwrite(&little, sizeof(little), 1, out);
	} else {
		fprintf(out, "%s=", field->name);
	}
	fwrite(field->value, size, 1, out);
	fputc('\n', out);
}

static int send_entry(const char *path, const char *entry, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, ret = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	if (size > ENTRY_MAX)
		return -EMSGSIZE;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, entry, size, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof(address)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int journal_send(const char *path, const struct journal_field *fields, size_t count)
{
	char *entry = NULL;
	size_t size;
	FILE *out = open_memstream(&entry, &size);
	int ret;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (fields[i].value && *fields[i].value)
			put_field(out, &fields[i]);
	}
	ret = fclose(out) ? -ENOMEM : send_entry(path, entry, size);
	free(entry);
	return ret;
}
