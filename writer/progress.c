/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far the saving is. */
#include "writer/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/abi.h"
#include "common/clock.h"
#include "common/error.h"
#include "text/bar.h"

#define REDRAW_NS     100000000
#define COLUMNS_GUESS 80

void progress_init(struct progress *progress, const char *name, uint64_t total, bool quiet,
		   const struct terminals *terminals)
{
	*progress = (struct progress){ .name = name, .total = total, .start = clock_now() };
	if (terminals)
		progress->terminals = *terminals;
	else if (isatty(STDERR_FILENO))
		progress->terminals = (struct terminals){ { STDERR_FILENO }, 1 };
	if (quiet)
		progress->style = PROGRESS_NONE;
	else
		progress->style = progress->terminals.count ? PROGRESS_BAR : PROGRESS_LINES;
	pthread_mutex_init(&progress->lock, NULL);
}

void progress_free(struct progress *progress)
{
	if (progress->style == PROGRESS_BAR)
		terminals_print(&progress->terminals, "\r\033[K");
	pthread_mutex_destroy(&progress->lock);
}

static double megabytes_per_second(const struct progress *progress, double seconds)
{
	return seconds > 0 ? (double)progress->done * FRAME_SIZE / 1e6 / seconds : 0;
}

static double ratio(const struct progress *progress, uint64_t written)
{
	return written ? (double)progress->data * FRAME_SIZE / (double)written : 0;
}

#define REUSED_SIZE 24

/* How much of what was looked at need not be written. */
static const char *reused_text(const struct progress *progress, char text[REUSED_SIZE])
{
	double share = progress->done ? (double)progress->reused / (double)progress->done : 0;

	text[0] = '\0';
	if (progress->reused)
		snprintf(text, REUSED_SIZE, ", reused %.0f %%", share * 100);
	return text;
}

void progress_bar(const struct progress *progress, uint64_t written, double seconds,
		  unsigned columns, char *text, size_t size)
{
	double share = progress->total ? (double)progress->done / (double)progress->total : 1;
	unsigned left = bar_left(share, seconds);
	char figures[96], reused[REUSED_SIZE];

	snprintf(figures, sizeof(figures), "%3.0f %%  %.0f MB/s  %u:%02u left  ratio %.1f%s",
		 share * 100, megabytes_per_second(progress, seconds), left / 60, left % 60,
		 ratio(progress, written), reused_text(progress, reused));
	bar_line(progress->name, figures, share, columns, text, size);
}

/* The cursor stays in front, so that a message takes the line instead of going behind the bar. */
static void draw(struct progress *progress, uint64_t written)
{
	struct winsize window;
	uint64_t time = clock_now();
	char line[256], text[280];

	if (time - progress->shown < REDRAW_NS)
		return;
	progress->shown = time;
	/* All of them show the same, so that none of them may be narrower than usual. */
	if (progress->terminals.count > 1 ||
	    ioctl(progress->terminals.fds[0], TIOCGWINSZ, &window) || !window.ws_col)
		window.ws_col = COLUMNS_GUESS;
	progress_bar(progress, written, (double)(time - progress->start) / 1e9, window.ws_col, line,
		     sizeof(line));
	snprintf(text, sizeof(text), "%s\033[K\r", line);
	terminals_print(&progress->terminals, text);
}

static void print(struct progress *progress, uint64_t written)
{
	char reused[REUSED_SIZE];
	unsigned tenths = progress->total ? (unsigned)(progress->done * 10 / progress->total) : 0;

	if (tenths <= progress->tenths)
		return;
	progress->tenths = tenths;
	message("%s: %u %%, %llu of %llu pages, %.0f MB/s, ratio %.1f%s", progress->name,
		tenths * 10, (unsigned long long)progress->done,
		(unsigned long long)progress->total,
		megabytes_per_second(progress, (double)(clock_now() - progress->start) / 1e9),
		ratio(progress, written), reused_text(progress, reused));
}

void progress_reuse(struct progress *progress, uint64_t pages)
{
	pthread_mutex_lock(&progress->lock);
	progress->reused += pages;
	pthread_mutex_unlock(&progress->lock);
}

void progress_add(struct progress *progress, uint64_t done, uint64_t data, uint64_t written)
{
	pthread_mutex_lock(&progress->lock);
	progress->done += done;
	progress->data += data;
	if (progress->style == PROGRESS_LINES)
		print(progress, written);
	else if (progress->style == PROGRESS_BAR)
		draw(progress, written);
	pthread_mutex_unlock(&progress->lock);
}
