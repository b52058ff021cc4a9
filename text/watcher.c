/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that waits for a key. It holds nothing up: that the work looks at a flag now and then
 * is all there is to it.
 */
#include "text/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "common/clock.h"

static void add_terminal(struct watcher *watcher, int fd)
{
	struct watcher_terminal *terminal = &watcher->terminals[watcher->count];
	struct termios raw;

	*terminal = (struct watcher_terminal){ .fd = fd, .keys = KEYBOARD_GROUND };
	if (tcgetattr(fd, &terminal->before))
		return;
	/* Input only: what the kernel prints there keeps its line ends. */
	raw = terminal->before;
	raw.c_iflag &= ~(tcflag_t)(ISTRIP | INLCR | IGNCR | ICRNL | IXON | PARMRK);
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | ISIG | IEXTEN);
	raw.c_cflag |= CREAD | CLOCAL;
	/*
	 * In a kernel that was jumped into again, a serial console that nobody has open has its
	 * receive interrupt off, and opening it does not help: the driver only programs it when a
	 * flag of the line changes. This one says what happens at the last close.
	 */
	raw.c_cflag ^= HUPCL;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(terminal->fd, TCSANOW, &raw);
	tcflush(terminal->fd, TCIFLUSH);
	watcher->count++;
}

static void note_press(struct watcher *watcher)
{
	atomic_fetch_add(&watcher->presses, 1);
	atomic_store(&watcher->pressed, true);
}

/* Returns false when there is nothing to be read there any more. */
static bool take_bytes(struct watcher *watcher, struct watcher_terminal *terminal)
{
	unsigned char bytes[64];
	ssize_t size = read(terminal->fd, bytes, sizeof(bytes));

	if (size < 0)
		return errno == EAGAIN || errno == EINTR;
	for (ssize_t i = 0; i < size; i++)
		if (keyboard_byte(&terminal->keys, bytes[i]))
			note_press(watcher);
	terminal->since = clock_now();
	return size > 0;
}

static uint64_t silence_ms(const struct watcher_terminal *terminal, uint64_t at)
{
	return (at - terminal->since) / 1000000;
}

/* Milliseconds until the silence after an ESC has lasted long enough; -1 when there was none. */
static int next_silence(const struct watcher *watcher)
{
	uint64_t at = clock_now();
	int wait = -1;

	for (size_t i = 0; i < watcher->count; i++) {
		uint64_t passed = silence_ms(&watcher->terminals[i], at);
		int left = passed < KEYBOARD_SILENCE_MS ? KEYBOARD_SILENCE_MS - (int)passed : 0;

		if (watcher->terminals[i].keys != KEYBOARD_GROUND && (wait < 0 || left < wait))
			wait = left;
	}
	return wait;
}

static void settle(struct watcher *watcher, struct watcher_terminal *terminal, uint64_t at)
{
	if (silence_ms(terminal, at) >= KEYBOARD_SILENCE_MS && keyboard_silence(&terminal->keys))
		note_press(watcher);
}

/* Silence counts only when there is nothing to be read: this thread may have been held up. */
static void *watch(void *argument)
{
	struct watcher *watcher = argument;
	struct pollfd polls[TERMINALS_MAX + 1];
	struct pollfd *wake = &polls[watcher->count];

	for (size_t i = 0; i < watcher->count; i++)
		polls[i] = (struct pollfd){ .fd = watcher->terminals[i].fd, .events = POLLIN };
	*wake = (struct pollfd){ .fd = watcher->wake[0] };
	for (;;) {
		uint64_t at;

		if (poll(polls, watcher->count + 1, next_silence(watcher)) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (wake->revents)
			break;
		at = clock_now();
		for (size_t i = 0; i < watcher->count; i++) {
			if (!polls[i].revents)
				settle(watcher, &watcher->terminals[i], at);
			else if (!take_bytes(watcher, &watcher->terminals[i]))
				polls[i].fd = -1; /* hung up */
		}
	}
	return NULL;
}

static void leave_terminals(struct watcher *watcher)
{
	for (size_t i = 0; i < watcher->count; i++)
		tcsetattr(watcher->terminals[i].fd, TCSANOW, &watcher->terminals[i].before);
	watcher->count = 0;
}

bool watcher_start(struct watcher *watcher, const struct terminals *terminals)
{
	watcher->count = 0;
	atomic_init(&watcher->pressed, false);
	atomic_init(&watcher->presses, 0);
	for (size_t i = 0; i < terminals->count; i++)
		add_terminal(watcher, terminals->fds[i]);
	if (!watcher->count)
		return false;
	if (pipe2(watcher->wake, O_CLOEXEC)) {
		leave_terminals(watcher);
		return false;
	}
	if (pthread_create(&watcher->thread, NULL, watch, watcher)) {
		close(watcher->wake[0]);
		close(watcher->wake[1]);
		leave_terminals(watcher);
		return false;
	}
	return true;
}

void watcher_stop(struct watcher *watcher)
{
	if (!watcher->count)
		return;
	close(watcher->wake[1]);
	pthread_join(watcher->thread, NULL);
	close(watcher->wake[0]);
	leave_terminals(watcher);
}
