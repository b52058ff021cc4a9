/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check of who asks that the system is not put to sleep: a package manager in the middle of an
 * update, for one. logind keeps the list (org.freedesktop.login1(5), BlockInhibited: words with
 * colons between them); systems without it have none.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kjump/check/checks.h"
#include "kjump/check/program.h"
#include "kjump/paths.h"

#define LOGIN1 "org.freedesktop.login1"

/* Is WORD one of LIST, `s "shutdown:sleep"` as busctl prints it? */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length)
		if (at > list && strchr("\":", at[-1]) && at[length] && strchr("\":", at[length]))
			return true;
	return false;
}

/* What logind says is blocked; "" when there is no logind. */
static void read_blocked(const struct preflight *preflight, char *text, size_t size)
{
	char program[CHECK_PATH_SIZE];
	char *const argv[] = { program,
			       (char *)"get-property",
			       (char *)LOGIN1,
			       (char *)"/org/freedesktop/login1",
			       (char *)LOGIN1 ".Manager",
			       (char *)"BlockInhibited",
			       NULL };
	ssize_t length = -1;
	pid_t pid;
	int output;

	*text = '\0';
	check_path(preflight, PATH_BUSCTL, program, sizeof(program));
	output = access(program, X_OK) ? -ENOENT : program_start(argv, &pid);
	if (output < 0)
		return;
	length = read(output, text, size - 1);
	text[length > 0 ? length : 0] = '\0';
	close(output);
	waitpid(pid, NULL, 0);
}

int check_inhibitors(struct preflight *preflight, struct error *note)
{
	char blocked[256];

	if (preflight->logind)
		return 0;
	read_blocked(preflight, blocked, sizeof(blocked));
	if (has_word(blocked, "sleep"))
		return error_set(note, EBUSY, "a program asks that the system is not put to sleep");
	return 0;
}
