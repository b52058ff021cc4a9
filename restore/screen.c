/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that draws and looks for keys, so that whoever reads is held up by neither.
 */
#include "restore/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "text/bar.h"

#define REDRAW_MS 100
#define COLUMNS	  80 /* all consoles show the same, so that none of them may be narrower */
#define STEP	  5  /* percent, between two messages of a splash screen */
#define KEYS	  "qQ"

/* Esc is what people press to get into the firmware, too: once is no answer. */
#define AGAIN_MS 5000

const struct screen_source screen_of_boot = { "/proc/consoles", "/dev", true, AGAIN_MS };
const struct screen_source screen_of_caller = { NULL, NULL, false, 0 };

static double share(const struct screen *screen)
{
	return screen->total ? (double)atomic_load(&screen->done) / (double)screen->total : 1;
}

static void draw(const struct screen *screen)
{
	const double part = share(screen);
	const unsigned left = bar_left(part, (double)(clock_now() - screen->start) / CLOCK_SECOND);
	char figures[96], line[256], text[280];

	if (screen->pressed)
		snprintf(figures, sizeof(figures), "%3.0f %%  Esc again: boot without it",
			 part * 100);
	else
		snprintf(figures, sizeof(figures), "%3.0f %%  %u:%02u left%s", part * 100,
			 left / 60, left % 60,
			 screen->keys ? "  (Esc twice: boot without it)" : "");
	bar_line("restoring", figures, part, COLUMNS, line, sizeof(line));
	/* The cursor stays in front, so that a message takes the line instead of going behind it.
	 */
	snprintf(text, sizeof(text), "%s\033[K\r", line);
	terminals_print(&screen->terminals, text);
}

static void show_splash(struct screen *screen)
{
	const unsigned percent = (unsigned)(share(screen) * 100) / STEP * STEP;
	char text[128];

	if (screen->pressed)
		snprintf(text, sizeof(text), "Press q again to boot without the saved system");
	else
		snprintf(text, sizeof(text),
			 "Restoring the saved system: %u %% (q twice: boot without it)", percent);
	splash_show(&screen->splash, text, percent);
}

static void press(struct screen *screen)
{
	const uint64_t now = clock_now();

	if (screen->pressed && now - screen->pressed < screen->again)
		atomic_store(&screen->stopped, true);
	screen->pressed = now;
}

static void look_for_keys(struct screen *screen)
{
	const unsigned presses = atomic_load(&screen->watcher.presses);

	if (!screen->keys)
		return;
	for (; screen->presses != presses; screen->presses++)
		press(screen);
	if (screen->splash.there && splash_pressed(&screen->splash, KEYS))
		press(screen);
	if (screen->pressed && clock_now() - screen->pressed >= screen->again)
		screen->pressed = 0;
}

static void *run(void *argument)
{
	struct screen *screen = argument;
	struct pollfd wake = { .fd = screen->wake[0] };

	do {
		look_for_keys(screen);
		if (screen->terminals.count)
			draw(screen);
		if (screen->splash.there)
			show_splash(screen);
	} while (poll(&wake, 1, REDRAW_MS) <= 0);
	return NULL;
}

/* A splash has the keyboard, and the screen; it is asked for both. */
static void find_places(struct screen *screen, const struct screen_source *source)
{
	if (!source->consoles) {
		if (isatty(STDERR_FILENO))
			screen->terminals = (struct terminals){ { STDERR_FILENO }, 1 };
	} else if (!splash_open(&screen->splash)) {
		terminals_open(&screen->terminals, source->consoles, source->directory);
	}
	if (screen->terminals.count && source->keys)
		screen->keys = watcher_start(&screen->watcher, &screen->terminals);
	else
		screen->keys = source->keys && screen->splash.there;
}

void screen_open(struct screen *screen, const struct screen_source *source, uint64_t total)
{
	*screen = (struct screen){ .total = total, .start = clock_now() };
	if (!source)
		return;
	screen->again = source->again_ms * (CLOCK_SECOND / 1000);
	find_places(screen, source);
	screen->lines = !screen->terminals.count;
	if (!screen->terminals.count && !screen->splash.there)
		return;
	if (pipe2(screen->wake, O_CLOEXEC))
		return;
	screen->running = !pthread_create(&screen->thread, NULL, run, screen);
	if (!screen->running) {
		close(screen->wake[0]);
		close(screen->wake[1]);
	}
}

int screen_add(struct screen *screen, uint64_t pages, struct error *err)
{
	uint64_t before = atomic_fetch_add(&screen->done, pages);
	uint64_t tenths = screen->total ? (before + pages) * 10 / screen->total : 0;

	if (screen->lines && tenths != before * 10 / screen->total)
		message("reading the image: %" PRIu64 " %%", tenths * 10);
	if (atomic_load(&screen->stopped))
		return error_set(err, ECANCELED, "stopped at the console");
	return 0;
}

void screen_close(struct screen *screen)
{
	if (screen->running) {
		close(screen->wake[1]);
		pthread_join(screen->thread, NULL);
		close(screen->wake[0]);
		screen->running = false;
	}
	watcher_stop(&screen->watcher);
	splash_close(&screen->splash, KEYS);
	terminals_print(&screen->terminals, "\r\033[K");
	if (screen->terminals.count && screen->terminals.fds[0] != STDERR_FILENO)
		terminals_close(&screen->terminals);
}
