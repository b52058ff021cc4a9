/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What A's free pages must hold, from its command line and configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/load/fill.h"

#define PLAIN                                                                                      \
	"CONFIG_64BIT=y\n# CONFIG_INIT_ON_FREE_DEFAULT_ON is not set\n# CONFIG_PAGE_POISONING is " \
	"not set\n"
#define ON_FREE "CONFIG_64BIT=y\nCONFIG_INIT_ON_FREE_DEFAULT_ON=y\n"
#define POISON	"# CONFIG_INIT_ON_FREE_DEFAULT_ON is not set\nCONFIG_PAGE_POISONING=y"

static void test_policy(void **state)
{
	static const struct {
		const char *cmdline, *kconfig;
		enum fill fill;
	} cases[] = {
		/* the configuration alone */
		{ "quiet", PLAIN, FILL_NONE },
		{ "quiet", ON_FREE, FILL_ZERO },
		{ "quiet", POISON, FILL_NONE },
		/* unknown */
		{ "quiet", NULL, FILL_ZERO },
		{ "", NULL, FILL_ZERO },
		/* the command line overrides it; the last word counts */
		{ "init_on_free=1", PLAIN, FILL_ZERO },
		{ "init_on_free=on", PLAIN, FILL_ZERO },
		{ "init_on_free=0", ON_FREE, FILL_NONE },
		{ "init_on_free=off", NULL, FILL_NONE },
		{ "init_on_free=1 init_on_free=0", ON_FREE, FILL_NONE },
		{ "init_on_free=0 init_on_free=Yes", NULL, FILL_ZERO },
		/* what the kernel cannot read it ignores */
		{ "init_on_free=perhaps", PLAIN, FILL_NONE },
		{ "init_on_free=perhaps", ON_FREE, FILL_ZERO },
		{ "init_on_free=", ON_FREE, FILL_ZERO },
		{ "-- init_on_free=1", PLAIN, FILL_NONE },
		{ "xinit_on_free=1", PLAIN, FILL_NONE },
		/* poison: asked for and possible; it comes before init_on_free */
		{ "page_poison=1", POISON, FILL_POISON },
		{ "page_poison=on init_on_free=1", POISON, FILL_POISON },
		{ "page_poison=0", POISON, FILL_NONE },
		{ "page_poison=1", PLAIN, FILL_NONE },
		{ "page_poison=1", ON_FREE, FILL_ZERO },
		{ "page_poison=1", NULL, FILL_ZERO },
		/* a symbol is a whole line */
		{ "", "XCONFIG_INIT_ON_FREE_DEFAULT_ON=y\n", FILL_NONE },
		{ "", "CONFIG_INIT_ON_FREE_DEFAULT_ON=yes\n", FILL_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (fill_policy(cases[i].cmdline, cases[i].kconfig) != cases[i].fill)
			fail_msg("case %zu: '%s'", i, cases[i].cmdline);
	}
}

static void make_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
}

static void test_kconfig_files(void **state)
{
	char directory[] = "/tmp/kjump-fill-XXXXXX", plain[64], zipped[64], command[160];
	char *text;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(plain, sizeof(plain), "%s/config", directory);
	snprintf(zipped, sizeof(zipped), "%s/config.gz", directory);
	snprintf(command, sizeof(command), "gzip -c %s > %s", plain, zipped);

	/* neither */
	assert_null(fill_kconfig(zipped, plain));

	/* the plain one, also when the other is damaged */
	make_file(plain, PLAIN);
	text = fill_kconfig(zipped, plain);
	assert_string_equal(text, PLAIN);
	free(text);
	make_file(zipped, "no gzip file");
	text = fill_kconfig(zipped, plain);
	assert_string_equal(text, PLAIN);
	free(text);

	/* the compressed one comes first: it is the running kernel's for certain */
	make_file(plain, ON_FREE);
	assert_int_equal(system(command), 0);
	make_file(plain, PLAIN);
	text = fill_kconfig(zipped, plain);
	assert_string_equal(text, ON_FREE);
	free(text);

	unlink(plain);
	unlink(zipped);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_kconfig_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
