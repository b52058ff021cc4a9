/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watched DEVICE TYPE: what kjump would watch of the file system, with hashes, one line an extent.
 */
#include <stdio.h>

#include "disk/fingerprint.h"
#include "kjump/fs/fs.h"

static int show(const char *path, const struct extents *extents, struct error *err)
{
	struct fingerprint fingerprint = { .tag = "" };

	for (size_t i = 0; i < extents->n; i++) {
		struct watch watch = { .offset = extents->v[i].offset,
				       .length = extents->v[i].length };
		uint64_t hash = 0;

		snprintf(watch.tag, sizeof(watch.tag), "%s", path);
		if (fingerprint_hash(&fingerprint, &watch, &hash, err))
			return -err->code;
		printf("%llu %llu %016llx\n", (unsigned long long)watch.offset,
		       (unsigned long long)watch.length, (unsigned long long)hash);
	}
	fingerprint_end(&fingerprint);
	if (extents->log_elsewhere)
		printf("log elsewhere: %s\n", extents->log_uuid);
	if (extents->unjudged[0])
		printf("unjudged: %s\n", extents->unjudged);
	return 0;
}

int main(int argc, char **argv)
{
	static struct extents extents;
	struct error err = { 0 };
	struct disk disk;
	int code;

	if (argc != 3)
		return 2;
	code = disk_open(argv[1], DISK_READ, &disk, &err);
	if (!code) {
		code = fs_extents(&disk, argv[2], &extents, &err);
		disk_close(&disk);
	}
	if (!code)
		code = show(argv[1], &extents, &err);
	if (code)
		message("%s", err.text);
	return code ? 1 : 0;
}
