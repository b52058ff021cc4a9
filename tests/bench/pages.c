/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages that an image has, one behind the other, for other programs to be measured on.
 *
 * usage: bench-pages IMAGE > PAGES
 */
#include <errno.h>
#include <unistd.h>

#include "image/image.h"

static int put(void *context, size_t number, const struct image_chunk *chunk,
	       const struct run *runs, const void *pages, struct error *err)
{
	const char *at = pages;
	size_t left = (size_t)chunk->pages * FRAME_SIZE;

	(void)context, (void)number, (void)runs;
	while (left) {
		ssize_t done = write(STDOUT_FILENO, at, left);

		if (done < 0)
			return error_errno(err, "standard output");
		at += done;
		left -= (size_t)done;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct image_sink sink = { .take = put };
	struct image_index index = { 0 };
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	int code;

	if (argc != 2) {
		message("usage: bench-pages IMAGE > PAGES");
		return EXIT_USAGE;
	}
	code = disk_open(argv[1], DISK_READ, &disk, &err);
	if (!code)
		code = image_super_read(&disk, &super, &err);
	if (!code)
		code = image_index_read(&disk, &super, NULL, &index, &err);
	if (!code) /* by one thread: in order */
		code = image_read_chunks(&disk, &index, 1, &sink, &err);
	if (code)
		message("%s", err.text);
	image_index_free(&index);
	disk_close(&disk);
	return code ? EXIT_FAILED : EXIT_DONE;
}
