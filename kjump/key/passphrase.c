/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking for a passphrase, or reading one. */
#include "kjump/key/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

void passphrase_hold(struct passphrase *passphrase)
{
	if (mlock(passphrase, sizeof(*passphrase)))
		message("the passphrase cannot be kept out of swap (%s); going on",
			strerror(errno));
	/* Of whole pages only, and what shares them stays out of a dump as well. */
	madvise((void *)((uintptr_t)passphrase & ~4095UL), sizeof(*passphrase) + 4096,
		MADV_DONTDUMP);
}

void passphrase_wipe(struct passphrase *passphrase)
{
	explicit_bzero(passphrase, sizeof(*passphrase));
}

/* The terminal, and what would end the program while it shows nothing of what is typed. */
struct prompt {
	int terminal, signals;
};

/* One byte: nothing of it stays in a buffer of a library's. 0 at the end. */
static int read_byte(const struct prompt *prompt, char *ret, struct error *err)
{
	struct pollfd polls[] = { { .fd = prompt->terminal, .events = POLLIN },
				  { .fd = prompt->signals, .events = POLLIN } };
	ssize_t got;

	while (poll(polls, 2, -1) < 0)
		if (errno != EINTR)
			return error_errno(err, "terminal");
	if (polls[1].revents)
		return error_set(err, EINTR, "stopped");
	got = read(prompt->terminal, ret, 1);
	if (got < 0)
		return error_errno(err, "terminal");
	return got ? 1 : error_set(err, EINTR, "no passphrase was typed");
}

static int read_line(const struct prompt *prompt, struct passphrase *ret, struct error *err)
{
	char c = 0;
	int rc;

	ret->size = 0;
	while ((rc = read_byte(prompt, &c, err)) > 0 && c != '\n') {
		if (ret->size == PASSPHRASE_MAX) {
			rc = error_set(err, EFBIG, "more than %d bytes", PASSPHRASE_MAX);
			break;
		}
		ret->bytes[ret->size++] = c;
	}
	explicit_bzero(&c, 1);
	return rc < 0 ? rc : 0;
}

static int ask_once(const struct prompt *prompt, const char *what, struct passphrase *ret,
		    struct error *err)
{
	int rc;

	dprintf(prompt->terminal, "%s: ", what);
	rc = read_line(prompt, ret, err);
	dprintf(prompt->terminal, "\n");
	return rc;
}

static int ask_twice(const struct prompt *prompt, struct passphrase *ret, struct error *err)
{
	struct passphrase again;
	int rc = ask_once(prompt, "Passphrase for the images", ret, err);

	if (!rc && !ret->size)
		rc = error_set(err, EINVAL, "an empty passphrase");
	if (rc)
		return rc;
	passphrase_hold(&again);
	rc = ask_once(prompt, "The same again", &again, err);
	if (!rc && (again.size != ret->size || memcmp(again.bytes, ret->bytes, ret->size)))
		rc = error_set(err, EINVAL, "the second passphrase was another one");
	passphrase_wipe(&again);
	return rc;
}

static int ask_unseen(const struct prompt *prompt, struct passphrase *ret, struct error *err)
{
	struct termios before, silent;
	int rc;

	if (tcgetattr(prompt->terminal, &before))
		return error_errno(err, "terminal");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	if (tcsetattr(prompt->terminal, TCSAFLUSH, &silent))
		return error_errno(err, "terminal");
	rc = ask_twice(prompt, ret, err);
	tcsetattr(prompt->terminal, TCSAFLUSH, &before);
	return rc;
}

/* A signal is read like a key, and takes its course when the terminal has its echo back. */
int passphrase_ask(int fd, struct passphrase *ret, struct error *err)
{
	const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct prompt prompt = { .terminal = fd };
	sigset_t signals, before;
	int rc;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		sigaddset(&signals, caught[i]);
	sigprocmask(SIG_BLOCK, &signals, &before);
	prompt.signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (prompt.signals < 0) {
		rc = error_errno(err, "terminal");
	} else {
		rc = ask_unseen(&prompt, ret, err);
		close(prompt.signals);
	}
	if (rc)
		passphrase_wipe(ret);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* At boot somebody will have to type it. */
static int check_typed(const struct passphrase *passphrase, const char *name, struct error *err)
{
	for (size_t i = 0; i < passphrase->size; i++) {
		unsigned char c = (unsigned char)passphrase->bytes[i];

		if (c == '\n' && i + 1 == passphrase->size)
			return error_set(err, EINVAL,
					 "%s: ends with a newline, which would be a part of the "
					 "passphrase and which nobody can type (printf %%s writes "
					 "none)",
					 name);
		if (c < ' ' || c == 0x7f)
			return error_set(err, EINVAL,
					 "%s: byte %zu is no character that anybody can type", name,
					 i + 1);
	}
	return 0;
}

int passphrase_from_file(const char *path, struct passphrase *ret, struct error *err)
{
	bool is_input = !strcmp(path, "-");
	int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *name = is_input ? "standard input" : path;
	ssize_t got = 1;
	int rc = 0;
	char more;

	if (fd < 0)
		return error_errno(err, "%s", path);
	ret->size = 0;
	while (ret->size < sizeof(ret->bytes) && got > 0) {
		got = read(fd, ret->bytes + ret->size, sizeof(ret->bytes) - ret->size);
		if (got > 0)
			ret->size += (size_t)got;
	}
	if (got < 0)
		rc = error_errno(err, "%s", name);
	else if (!ret->size)
		rc = error_set(err, EINVAL, "%s: empty", name);
	else if (got && read(fd, &more, 1) == 1)
		rc = error_set(err, EFBIG, "%s: more than %zu bytes", name, sizeof(ret->bytes));
	else
		rc = check_typed(ret, name, err);
	if (!is_input)
		close(fd);
	return rc;
}
