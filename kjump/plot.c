/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVG 1.1, with nothing in it but rectangles and texts, so that every viewer shows it.
 */
#include "kjump/plot.h"

#include <inttypes.h>
#include <string.h>

#include "text/human.h"

#define WIDTH	   960
#define LEFT	   270 /* where bars begin */
#define RIGHT	   70  /* room for the sum behind the longest */
#define TOP	   60
#define ROW	   22
#define LEGEND_ROW 5 /* phases in one line of the legend */

/* Distinct in grey, too, and for those who do not tell red from green (after Okabe and Ito). */
static const char *const colours[PHASE_COUNT] = {
	[PHASE_LOADING] = "#999999",  [PHASE_FREEZING] = "#56b4e9",
	[PHASE_STARTING] = "#e69f00", [PHASE_PREPARING] = "#f0e442",
	[PHASE_SAVING] = "#0072b2",   [PHASE_LEAVING] = "#cccccc",
	[PHASE_RESUMING] = "#009e73", [PHASE_BOOTING] = "#7f5539",
	[PHASE_READING] = "#cc79a7",  [PHASE_MAKING_READY] = "#f7c6d9",
	[PHASE_PLACING] = "#d55e00",
};

static uint64_t all_ms(const struct event *event)
{
	return event_saving_ms(event) + event_returning_ms(event);
}

/* What comes from the file, which may be anybody's. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

/* A name of the file as a text: "making_ready" has no underscore. */
static void put_name(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(*name == '_' ? ' ' : *name, out);
}

static void print_legend(FILE *out)
{
	for (unsigned i = 0; i < PHASE_COUNT; i++) {
		unsigned x = 20 + i % LEGEND_ROW * 150, y = 12 + i / LEGEND_ROW * 16;

		fprintf(out,
			"<rect x=\"%u\" y=\"%u\" width=\"10\" height=\"10\" fill=\"%s\"/>"
			"<text x=\"%u\" y=\"%u\">",
			x, y, colours[i], x + 15, y + 9);
		put_name(out, event_phase_name(i));
		fputs("</text>\n", out);
	}
}

static void print_row(FILE *out, const struct event *event, unsigned y, uint64_t longest)
{
	double x = LEFT, scale = (double)(WIDTH - LEFT - RIGHT) / (double)longest;
	char time[HUMAN_SIZE];

	fprintf(out, "<text x=\"20\" y=\"%u\">%s ", y + 14, human_time(event->time, time));
	put_text(out, event->operation);
	fputs("</text>\n", out);
	for (unsigned i = 0; i < PHASE_COUNT; i++) {
		double width = (double)event->ms[i] * scale;

		if (!event->ms[i])
			continue;
		fprintf(out,
			"<rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%u\" "
			"fill=\"%s\"><title>",
			x, y, width, ROW - 5, colours[i]);
		put_name(out, event_phase_name(i));
		fprintf(out, " %.2f s</title></rect>\n", (double)event->ms[i] / 1000);
		x += width;
	}
	fprintf(out, "<text x=\"%.1f\" y=\"%u\">%.1f s</text>\n", x + 5, y + 14,
		(double)all_ms(event) / 1000);
}

void plot_print(FILE *out, const struct event_list *list)
{
	uint64_t longest = 1;
	unsigned rows = 0, y = TOP;

	for (size_t i = 0; i < list->count; i++) {
		uint64_t ms = all_ms(&list->events[i]);

		rows += ms > 0;
		longest = ms > longest ? ms : longest;
	}
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		WIDTH, TOP + rows * ROW + 10);
	print_legend(out);
	for (size_t i = 0; i < list->count; i++) {
		if (!all_ms(&list->events[i]))
			continue;
		print_row(out, &list->events[i], y, longest);
		y += ROW;
	}
	fputs("</svg>\n", out);
}
