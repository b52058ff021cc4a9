/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of keys in a folder: sender.key, as kjump-write takes it, and restore.key, which is what a
 * container would hold. Or, of an image's file, the keys of all sealed images in it, one a line in
 * hexadecimal digits, as that pair opens them. For benches and tests alone: nothing keeps them
 * secret.
 *
 * usage: bench-keys FOLDER [IMAGE]
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/error.h"
#include "image/image.h"
#include "seal/keys.h"

static int make(const char *folder, struct error *err)
{
	struct restore_key restore;
	struct sender_key sender;
	uint8_t bytes[KEYS_FILE];
	char path[4096];
	int fd, code;

	snprintf(path, sizeof(path), "%s/sender.key", folder);
	code = keys_make(&restore, &sender, err);
	if (!code)
		code = keys_write_sender(path, &sender, err);
	if (code)
		return code;
	snprintf(path, sizeof(path), "%s/restore.key", folder);
	keys_pack_restore(&restore, bytes);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		return error_errno(err, "%s", path);
	close(fd);
	return 0;
}

static void print(const struct image_key *key)
{
	for (size_t i = 0; i < sizeof(key->key); i++)
		printf("%02x", key->key[i]);
	putchar('\n');
}

static int show(const char *folder, const char *image, struct error *err)
{
	struct request_seal seal = { .count = 0 };
	struct sender_key sender;
	struct image_super super;
	struct disk disk;
	char path[4096];
	int code;

	snprintf(path, sizeof(path), "%s/sender.key", folder);
	code = keys_read_sender(path, &sender, err);
	if (!code)
		code = disk_open(image, DISK_READ, &disk, err);
	if (code)
		return code;
	code = image_super_read(&disk, &super, err);
	if (!code)
		code = image_know_sealed(&super, &sender, &seal, err);
	for (uint32_t i = 0; i < seal.count && !code; i++)
		print(&seal.known[i]);
	disk_close(&disk);
	return code;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	if (argc != 2 && argc != 3)
		return EXIT_USAGE;
	if (argc == 2 ? make(argv[1], &err) : show(argv[1], argv[2], &err)) {
		message("%s", err.text);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}
