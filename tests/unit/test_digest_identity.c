/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One boot, one secret: kept from save to save, and made anew in any doubt. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/safe.h"
#include "kjump/save/identity.h"
#include "temp-disk.h"

struct folder {
	char path[64], file[80];
};

static int setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	strcpy(folder->path, "/tmp/kjump-digest-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->file, sizeof(folder->file), "%s/digest", folder->path);
	*state = folder;
	return 0;
}

static int teardown(void **state)
{
	struct folder *folder = *state;

	unlink(folder->file);
	rmdir(folder->path);
	free(folder);
	return 0;
}

static struct image_identity get(const struct folder *folder)
{
	struct image_identity identity = { 0 };
	struct error err;

	if (identity_read(folder->file, &identity, &err))
		fail_msg("%s", err.text);
	assert_false(safe_is_zero(identity.boot, sizeof(identity.boot)));
	assert_false(safe_is_zero(identity.secret, sizeof(identity.secret)));
	return identity;
}

static void test_kept(void **state)
{
	struct image_identity first = get(*state), second = get(*state);
	const struct folder *folder = *state;
	struct stat st;

	assert_memory_equal(&first, &second, sizeof(first));
	assert_int_equal(stat(folder->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void expect_another(const struct folder *folder, const struct image_identity *before)
{
	struct image_identity after = get(folder);

	assert_memory_not_equal(before->boot, after.boot, sizeof(after.boot));
	assert_memory_not_equal(before->secret, after.secret, sizeof(after.secret));
}

static void test_made_anew(void **state)
{
	const struct folder *folder = *state;
	struct image_identity before = get(folder);

	assert_int_equal(truncate(folder->file, 100), 0);
	expect_another(folder, &before);
	before = get(folder);
	assert_int_equal(chmod(folder->file, 0640), 0); /* others may know it */
	expect_another(folder, &before);
	before = get(folder);
	assert_int_equal(truncate(folder->file, 0), 0);
	assert_int_equal(truncate(folder->file, sizeof(before)), 0);
	expect_another(folder, &before);
	before = get(folder);
	assert_int_equal(unlink(folder->file), 0);
	assert_int_equal(symlink("/dev/zero", folder->file), 0);
	expect_another(folder, &before);
}

static void test_nowhere(void **state)
{
	struct image_identity identity;
	struct error err;

	(void)state;
	assert_true(identity_read("/nowhere/digest", &identity, &err) < 0);
	assert_non_null(strstr(err.text, "/nowhere/digest"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_made_anew, setup, teardown),
		cmocka_unit_test(test_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
