/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which systems can suspend with an image on disk. */
#include "kjump/save/hybrid.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char file[] = "/tmp/kjump-hybrid-XXXXXX";

static void expect(const struct jump_backend *backend, const char *states, int code,
		   const char *cause)
{
	FILE *out = fopen(file, "w");
	struct error err = { 0 };

	assert_non_null(out);
	fputs(states, out);
	fclose(out);
	assert_int_equal(hybrid_supported(backend, file, &err), -code);
	if (code)
		assert_non_null(strstr(err.text, cause));
}

static int stays(struct error *err)
{
	(void)err;
	return 0;
}

static int stays_not(struct error *err)
{
	return error_set(err, EOPNOTSUPP, "thaws");
}

static void test_supported(void **state)
{
	const struct jump_backend good = { .stays_frozen = stays };
	const struct jump_backend bad = { .stays_frozen = stays_not };
	struct error err = { 0 };

	(void)state;
	expect(&good, "s2idle [deep]\n", 0, NULL);
	expect(&good, "[s2idle] deep\n", 0, NULL);
	expect(&good, "[s2idle]\n", EOPNOTSUPP, "no suspend to RAM");
	expect(&bad, "s2idle [deep]\n", EOPNOTSUPP, "hybrid sleep: thaws");
	expect(&jump_kexec, "s2idle [deep]\n", EOPNOTSUPP, "it takes the jump module");
	unlink(file);
	assert_int_equal(hybrid_supported(&good, file, &err), -EOPNOTSUPP);
}

/* Without /dev/snapshot nothing is frozen, and nothing to be thawed. */
static void test_no_snapshot(void **state)
{
	const struct jump_backend *const backends[] = { &jump_module, &jump_kexec };
	struct jump_freeze frozen;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_true(backends[i]->freeze_staying(-1, &frozen, &err) < 0);
		assert_int_equal(frozen.device, -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_supported),
		cmocka_unit_test(test_no_snapshot),
	};
	int fd = mkstemp(file);

	if (fd < 0)
		return 1;
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
