/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The restore key and the sender's key: made, stored, and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "seal/keys.h"

static void make(struct restore_key *restore, struct sender_key *sender)
{
	struct error err;

	assert_int_equal(keys_make(restore, sender, &err), 0);
}

static void test_pair(void **state)
{
	struct restore_key restore, other_restore;
	struct sender_key sender, other_sender;

	(void)state;
	make(&restore, &sender);
	make(&other_restore, &other_sender);
	assert_memory_not_equal(restore.secret, other_restore.secret, KEYS_BYTES);
	assert_memory_not_equal(restore.secret, sender.secret, KEYS_BYTES);
	assert_true(keys_belong(&restore, &sender));
	assert_false(keys_belong(&other_restore, &sender));
	assert_false(keys_belong(&restore, &other_sender));
	sender.restorer[31] ^= 1;
	assert_false(keys_belong(&restore, &sender));
}

/* What a pipe gives that holds SIZE bytes. */
static int read_from_pipe(const void *bytes, size_t size, struct restore_key *ret,
			  struct error *err)
{
	int ends[2], code;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, size), size);
	close(ends[1]);
	code = keys_read_restore(ends[0], ret, err);
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	return code;
}

static void test_restore_key(void **state)
{
	uint8_t page[2 * KEYS_PAGE] = { 0 };
	struct restore_key restore, got;
	struct sender_key sender;
	struct error err;

	(void)state;
	make(&restore, &sender);
	keys_pack_restore(&restore, page);
	assert_int_equal(read_from_pipe(page, KEYS_FILE, &got, &err), 0);
	assert_memory_equal(&got, &restore, sizeof(got));
	assert_int_equal(read_from_pipe(page, sizeof(page), &got, &err), 0);
	assert_int_equal(read_from_pipe(page, KEYS_FILE - 1, &got, &err), -EUCLEAN);
	assert_int_equal(read_from_pipe(page, 0, &got, &err), -ENODATA);
	assert_non_null(strstr(err.text, "holds no restore key"));
	for (unsigned bit = 0; bit < KEYS_FILE * 8; bit++) {
		memset(&got, 0, sizeof(got));
		page[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(keys_unpack_restore(page, sizeof(page), &got, &err),
				 bit < 64   ? -ENODATA
				 : bit < 96 ? -ENOTSUP
					    : -EUCLEAN);
		assert_int_equal(got.secret[0], 0);
		page[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(keys_read_restore(-1, &got, &err), -EBADF);
}

static void test_sender_key(void **state)
{
	char folder[] = "/tmp/kjump-test-XXXXXX", path[64];
	struct restore_key restore;
	struct sender_key sender, got;
	struct error err;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sender.key", folder);
	make(&restore, &sender);
	assert_int_equal(keys_read_sender(path, &got, &err), -ENOENT);
	umask(0);
	assert_int_equal(keys_write_sender(path, &sender, &err), 0);
	assert_int_equal(keys_write_sender(path, &sender, &err), -EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, KEYS_FILE);
	assert_int_equal(keys_read_sender(path, &got, &err), 0);
	assert_memory_equal(&got, &sender, sizeof(got));

	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(keys_read_sender(path, &got, &err), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, KEYS_FILE - 1), 0);
	assert_int_equal(keys_read_sender(path, &got, &err), -EUCLEAN);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(keys_read_sender(path, &got, &err), -ENODATA);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(keys_read_sender(path, &got, &err), -EINVAL);
	unlink(path);
	rmdir(folder);
}

/* The two files have different magics: one is not taken for the other. */
static void test_other_key(void **state)
{
	char path[] = "/tmp/kjump-test-XXXXXX";
	int fd = mkstemp(path);
	uint8_t bytes[KEYS_FILE];
	struct restore_key restore;
	struct sender_key sender, got;
	struct error err;

	(void)state;
	make(&restore, &sender);
	keys_pack_restore(&restore, bytes);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	assert_int_equal(keys_read_sender(path, &got, &err), -ENODATA);
	assert_non_null(strstr(err.text, "holds no sender's key"));
	unlink(path);
	assert_int_equal(keys_write_sender(path, &sender, &err), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(keys_read_restore(fd, &restore, &err), -ENODATA);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_restore_key),
		cmocka_unit_test(test_sender_key),
		cmocka_unit_test(test_other_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
