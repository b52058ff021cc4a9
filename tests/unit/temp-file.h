/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in a file of its own. */
#ifndef TESTS_TEMP_FILE_H
#define TESTS_TEMP_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEMP_FILE_PATH 32

/* Make a new file with TEXT. The caller unlinks PATH. */
static inline void temp_file(char path[TEMP_FILE_PATH], const char *text)
{
	int fd;

	strcpy(path, "/tmp/kjump-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

#endif
