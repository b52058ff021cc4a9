/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A passphrase at boot, typed on pseudo terminals. The keyring is a variable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "common/clock.h"
#include "restore/keyring.h"
#include "restore/prompt.h"
#include "restore/unlock.h"
#include "restore/waiting.h"

#define RIGHT "open sesame"

static char folder[] = "/tmp/kjump-unlock-XXXXXX";
static char kept[64];

size_t __wrap_keyring_get(char *bytes, size_t size);
void __wrap_keyring_put(const char *bytes, size_t size);
void __wrap_keyring_forget(void);

size_t __wrap_keyring_get(char *bytes, size_t size)
{
	size_t length = strlen(kept);

	assert_true(length < size);
	memcpy(bytes, kept, length);
	return length;
}

void __wrap_keyring_put(const char *bytes, size_t size)
{
	snprintf(kept, sizeof(kept), "%.*s", (int)size, bytes);
}

void __wrap_keyring_forget(void)
{
	*kept = '\0';
}

/* Two consoles; what is typed on one of them, and all that was shown there. */
struct desk {
	int keyboards[2];
	struct terminals terminals;
	const char *const *keys; /* each behind a prompt */
	size_t at;		 /* the console at which somebody sits */
	char shown[1024];
	pthread_t thread;
};

static void open_desk(struct desk *desk)
{
	FILE *consoles;
	char path[64];

	memset(desk, 0, sizeof(*desk));
	snprintf(path, sizeof(path), "%s/consoles", folder);
	consoles = fopen(path, "w");
	assert_non_null(consoles);
	for (size_t i = 0; i < 2; i++) {
		desk->keyboards[i] = posix_openpt(O_RDWR | O_NOCTTY);
		assert_int_equal(grantpt(desk->keyboards[i]), 0);
		assert_int_equal(unlockpt(desk->keyboards[i]), 0);
		fprintf(consoles, "%s -W- (EC   )\n",
			ptsname(desk->keyboards[i]) + strlen("/dev/"));
	}
	fclose(consoles);
	terminals_open(&desk->terminals, path, "/dev");
	assert_int_equal(desk->terminals.count, 2);
}

static void close_desk(struct desk *desk)
{
	terminals_close(&desk->terminals);
	close(desk->keyboards[0]);
	close(desk->keyboards[1]);
}

/* Reads up to each prompt, and types. */
static void *sit(void *argument)
{
	struct desk *desk = argument;
	size_t length = 0;

	for (size_t i = 0; desk->keys[i]; i++) {
		const char *prompt = NULL;
		size_t from = length;

		while (!prompt) {
			ssize_t got = read(desk->keyboards[desk->at], desk->shown + length,
					   sizeof(desk->shown) - 1 - length);

			if (got <= 0)
				return NULL;
			length += (size_t)got;
			prompt = strstr(desk->shown + from, "Passphrase");
			prompt = prompt ? strstr(prompt, ": ") : NULL;
		}
		if (write(desk->keyboards[desk->at], desk->keys[i], strlen(desk->keys[i])) < 0)
			return NULL;
	}
	return argument;
}

static void begin(struct desk *desk, size_t at, const char *const *keys)
{
	desk->at = at;
	desk->keys = keys;
	assert_int_equal(pthread_create(&desk->thread, NULL, sit, desk), 0);
}

static void finish(struct desk *desk)
{
	void *done;

	assert_int_equal(pthread_join(desk->thread, &done), 0);
	assert_non_null(done);
}

static int prompt(const char *keys, size_t at, struct secret *secret)
{
	const char *const typed[] = { keys, NULL };
	struct error err = { 0 };
	struct desk desk;
	struct termios after;
	int rc;

	open_desk(&desk);
	begin(&desk, at, typed);
	rc = prompt_terminals(&desk.terminals, "Passphrase", 20, secret, &err);
	finish(&desk);
	assert_null(strstr(desk.shown, "sesame"));
	/* Whoever comes next sees what is typed. */
	assert_int_equal(tcgetattr(desk.terminals.fds[0], &after), 0);
	assert_int_equal(after.c_lflag & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
	close_desk(&desk);
	return rc;
}

static void test_prompt(void **state)
{
	static const struct {
		const char *keys, *secret;
	} cases[] = {
		{ RIGHT "\r", RIGHT },
		{ RIGHT "\n", RIGHT },
		{ "opem\x7fn se\bezame\b\b\b\bsame\r", "open sesame" },
		{ "all wrong\x15" RIGHT "\r", RIGHT },
		{ "\033[A\033OPopen\033[3~ sesame\r", RIGHT },
		{ "pa\xc3\x9f\x7fss\r", "pass" },
		{ "\x7f\x7fx\r", "x" },
		{ "q\r", "q" },
		{ "\r", "" },
	};
	struct secret secret;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(prompt(cases[i].keys, i % 2, &secret), 0);
		assert_int_equal(secret.size, strlen(cases[i].secret));
		assert_memory_equal(secret.bytes, cases[i].secret, secret.size);
	}
}

static void test_no_passphrase(void **state)
{
	static const char *const cases[] = { "\033", "abc\033", "\x03", "sesame\x04" };
	struct terminals none = { .count = 0 };
	struct error err = { 0 };
	struct secret secret;
	uint64_t begun = clock_now();
	struct desk desk;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(prompt(cases[i], i % 2, &secret), -ECANCELED);
		assert_int_equal(secret.size, 0);
	}
	assert_int_equal(prompt_terminals(&none, "Passphrase", WAIT_FOREVER, &secret, &err),
			 -ENODEV);
	open_desk(&desk);
	begun = clock_now();
	assert_int_equal(prompt_terminals(&desk.terminals, "Passphrase", 1, &secret, &err),
			 -ETIMEDOUT);
	assert_true(clock_now() - begun >= CLOCK_SECOND);
	close_desk(&desk);
}

/* --- tries ------------------------------------------------------------------------------------ */

/* What cryptsetup does: 2 for a passphrase that does not fit. What came is noted, as it came. */
static const char script[] = "cat > last; echo x >> count; "
			     "[ \"$(cat last)\" != broken ] || exit 4; "
			     "[ \"$(cat last)\" = '" RIGHT "' ] || exit 2";

static char *const command[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };

static enum exit_code unlock(const char *const *keys, uint32_t seconds)
{
	char consoles[64];
	struct unlock_source source = { consoles, "/dev", seconds };
	enum exit_code code;
	struct desk desk;

	snprintf(consoles, sizeof(consoles), "%s/consoles", folder);
	unlink("count");
	unlink("last");
	open_desk(&desk);
	begin(&desk, 0, keys);
	code = unlock_run(&source, command);
	finish(&desk);
	close_desk(&desk);
	return code;
}

static off_t tries(void)
{
	struct stat st;

	return stat("count", &st) ? 0 : st.st_size / 2;
}

static void test_tries(void **state)
{
	static const char *const first[] = { RIGHT "\r", NULL };
	static const char *const third[] = { "a\r", "\r", RIGHT "\r", NULL };
	static const char *const never[] = { "a\r", "b\r", "c\r", NULL };
	static const char *const stopped[] = { "a\r", "\033", NULL };
	static const char *const fault[] = { "broken\r", NULL };
	static const char *const nobody[] = { NULL };

	(void)state;
	assert_int_equal(unlock(first, 20), EXIT_DONE);
	assert_int_equal(tries(), 1);
	assert_string_equal(kept, RIGHT);
	/* It is known from now on, and nothing is asked. */
	assert_int_equal(unlock(nobody, 20), EXIT_DONE);
	assert_int_equal(tries(), 1);
	/* Another one that is known is no try of anybody's. */
	strcpy(kept, "of the root");
	assert_int_equal(unlock(third, 20), EXIT_DONE);
	assert_int_equal(tries(), 4);
	assert_string_equal(kept, RIGHT);
	*kept = '\0';
	assert_int_equal(unlock(never, 20), EXIT_FAILED);
	assert_int_equal(tries(), UNLOCK_TRIES);
	assert_string_equal(kept, "");
	assert_int_equal(unlock(stopped, 20), EXIT_ABORTED);
	assert_int_equal(tries(), 1);
	/* What no passphrase helps against. */
	assert_int_equal(unlock(fault, 20), EXIT_FAILED);
	assert_int_equal(tries(), 1);
	assert_int_equal(unlock(nobody, 1), EXIT_ABORTED);
	assert_int_equal(tries(), 0);
	assert_string_equal(kept, "");
}

/* plymouth(1): --ping says whether it is there, ask-for-password prints. */
static void test_splash(void **state)
{
	static const char *const nobody[] = { NULL };
	static const char client[] = "#!/bin/sh\n"
				     "[ \"$1\" = --ping ] && exit\n"
				     "[ \"$1\" = ask-for-password ] || exit\n"
				     "echo \"$2\" >> prompts\n"
				     "[ -s answers ] || exit 1\n"
				     "head -n 1 answers | tr -d '\\n'; sed -i 1d answers\n";
	char path[256], *before = strdup(getenv("PATH"));
	FILE *file = fopen("plymouth", "w");

	(void)state;
	assert_non_null(file);
	fputs(client, file);
	assert_int_equal(fchmod(fileno(file), 0700), 0);
	fclose(file);
	snprintf(path, sizeof(path), "%s:%s", folder, before);
	setenv("PATH", path, 1);
	assert_int_equal(system("printf 'a\\n" RIGHT "\\n' > answers"), 0);
	assert_int_equal(unlock(nobody, 20), EXIT_DONE);
	assert_int_equal(tries(), 2);
	assert_string_equal(kept, RIGHT);
	*kept = '\0';
	assert_int_equal(unlock(nobody, 20), EXIT_ABORTED);
	setenv("PATH", before, 1);
	free(before);
	assert_int_equal(system("grep -q -e '--prompt=Passphrase for' prompts"), 0);
	assert_int_equal(unlink("plymouth"), 0);
}

/* Debian's askpass reads from a FIFO of its own while its question stands there. */
static void *read_fifo(void *argument)
{
	static char got[64];
	int fd;

	usleep(300000);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	fd = open("fifo", O_RDONLY);
	got[read(fd, got, sizeof(got) - 1)] = '\0';
	close(fd);
	return argument ? got : NULL;
}

static void test_answer(void **state)
{
	pthread_t thread;
	void *got;

	(void)state;
	*kept = '\0';
	assert_int_equal(unlock_answer("fifo"), EXIT_NO_IMAGE);
	strcpy(kept, RIGHT);
	assert_int_equal(pthread_create(&thread, NULL, read_fifo, folder), 0);
	assert_int_equal(unlock_answer("fifo"), EXIT_DONE);
	assert_int_equal(pthread_join(thread, &got), 0);
	assert_string_equal(got, RIGHT);
}

static int enter(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	return chdir(folder);
}

static int leave(void **state)
{
	char line[96];

	(void)state;
	snprintf(line, sizeof(line), "rm -r %s", folder);
	return chdir("/") || system(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prompt), cmocka_unit_test(test_no_passphrase),
		cmocka_unit_test(test_tries),  cmocka_unit_test(test_splash),
		cmocka_unit_test(test_answer),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
