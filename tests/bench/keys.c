/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of keys in a folder: sender.key, as kjump-write takes it, and restore.key, which is what a
 * container would hold. For benches and tests alone: nothing keeps them secret.
 *
 * usage: bench-keys FOLDER
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/error.h"
#include "seal/keys.h"

int main(int argc, char **argv)
{
	struct restore_key restore;
	struct sender_key sender;
	uint8_t bytes[KEYS_FILE];
	struct error err = { 0 };
	char path[4096];
	int fd;

	if (argc != 2)
		return EXIT_USAGE;
	snprintf(path, sizeof(path), "%s/sender.key", argv[1]);
	if (keys_make(&restore, &sender, &err) || keys_write_sender(path, &sender, &err)) {
		message("%s", err.text);
		return EXIT_FAILED;
	}
	snprintf(path, sizeof(path), "%s/restore.key", argv[1]);
	keys_pack_restore(&restore, bytes);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes)) {
		message("%s: cannot be written", path);
		return EXIT_FAILED;
	}
	close(fd);
	return EXIT_DONE;
}
