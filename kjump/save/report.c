/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a jump went, in plain words.
 */
#include "kjump/save/report.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "common/printable.h"
#include "common/safe.h"
#include "kjump/paths.h"
#include "text/files.h"
#include "text/human.h"

#define LOG_LINES 10

const char *report_operation(uint32_t operation)
{
	return operation == OP_HIBERNATE ? "hibernation" : "checkpoint";
}

static const char *result_name(const struct request *request, uint32_t result)
{
	switch (result) {
	case RESULT_RESTORED:
		return "restored";
	case RESULT_DRY_RUN:
		return "dry run, nothing was written";
	default:
		return request->flags & REQUEST_STAY_ON ? "saved, and woken up from RAM" : "saved";
	}
}

static void print_pages(FILE *out, const struct outcome *outcome)
{
	char data[HUMAN_SIZE], written[HUMAN_SIZE];
	uint64_t bytes = outcome->data_pages * FRAME_SIZE;

	if (!outcome->ram_pages)
		return;
	fprintf(out,
		"  pages     %" PRIu64 ": %" PRIu64 " data, %" PRIu64 " zero, %" PRIu64
		" free, %" PRIu64 " untouchable, %" PRIu64 " kernel B's\n",
		outcome->ram_pages, outcome->data_pages, outcome->zero_pages, outcome->free_pages,
		outcome->untouchable_pages, outcome->home_pages);
	if (outcome->reused_pages)
		fprintf(out, "  reused    %" PRIu64 " pages as in the image before, %.0f %%\n",
			outcome->reused_pages,
			100 * (double)outcome->reused_pages / (double)outcome->data_pages);
	if (!outcome->bytes_written)
		return;
	fprintf(out, "  %s %s for %s of data, ratio %.2f\n",
		outcome->result == RESULT_DRY_RUN ? "would be " : "written  ",
		human_bytes(outcome->bytes_written, written), human_bytes(bytes, data),
		(double)bytes / (double)outcome->bytes_written);
}

static void print_phase(FILE *out, const char *name, uint64_t from, uint64_t to, uint64_t khz)
{
	/* Whoever did not get there left no stamp. */
	if (from && to > from)
		fprintf(out, "%s%s %.2f", name[0] == ' ' ? "" : ", ", name,
			(double)(to - from) / (double)khz / 1000);
}

/* Up to the commit; the same for a checkpoint and for a hibernation that was restored since. */
static void print_saving(FILE *out, const uint64_t *stamps, uint64_t khz)
{
	print_phase(out, "loading kernel B", stamps[STAMP_LOAD_START], stamps[STAMP_LOAD_END], khz);
	print_phase(out, "freezing", stamps[STAMP_JUMP], stamps[STAMP_ENTERED], khz);
	print_phase(out, "starting kernel B", stamps[STAMP_ENTERED], stamps[STAMP_INIT], khz);
	print_phase(out, "preparing", stamps[STAMP_INIT], stamps[STAMP_SAVE_START], khz);
	print_phase(out, "saving", stamps[STAMP_SAVE_START], stamps[STAMP_SAVE_END], khz);
}

static void print_seconds(FILE *out, const struct report *report)
{
	const uint64_t *stamps = report->outcome->stamps;
	uint64_t khz = report->request->tsc_khz;
	uint64_t start = stamps[STAMP_LOAD_START] ? stamps[STAMP_LOAD_START] : stamps[STAMP_JUMP];

	if (!khz)
		return;
	fputs("  seconds  ", out);
	print_phase(out, " all", start, report->back, khz);
	print_saving(out, stamps, khz);
	print_phase(out, "leaving kernel B", stamps[STAMP_SAVE_END], stamps[STAMP_BACK], khz);
	print_phase(out, "resuming", stamps[STAMP_BACK], report->back, khz);
	fputc('\n', out);
}

/* What the payload did, which is a matter of milliseconds, and with how many CPUs. */
static void print_payload(FILE *out, const struct outcome *outcome, uint64_t khz)
{
	static const struct {
		const char *name;
		enum stamp end;
	} phases[] = { { "comparing", STAMP_CHECKED },
		       { "copying", STAMP_COPIED },
		       { "clearing", STAMP_CLEARED },
		       { "letting CPUs go", STAMP_ALONE } };
	const uint64_t *stamps = outcome->stamps;

	fputs("  payload   ", out);
	for (size_t i = 0; khz && i < sizeof(phases) / sizeof(*phases); i++)
		fprintf(out, "%s %" PRIu64 "%s", phases[i].name,
			(stamps[phases[i].end] - stamps[phases[i].end - 1]) / khz,
			i + 1 < sizeof(phases) / sizeof(*phases) ? ", " : " ms; ");
	fprintf(out, "%" PRIu32 " of %" PRIu32 " CPUs\n", outcome->cpus, outcome->cpus_wanted);
}

static void print_restored(FILE *out, const struct report *report)
{
	const struct outcome *outcome = report->outcome;
	uint64_t khz = report->request->tsc_khz;

	if (khz) {
		fputs("  saving    seconds", out);
		print_saving(out, outcome->stamps, khz);
		fputc('\n', out);
	}
	fprintf(out,
		"  restored  %" PRIu64 " pages in place, %" PRIu64 " copied\n"
		"  restoring seconds: kernel C's boot %.2f, reading %.2f, preparing %.2f",
		outcome->restored_in_place, outcome->restored_copied,
		(double)outcome->restore_ns[0] / 1e9, (double)outcome->restore_ns[1] / 1e9,
		(double)outcome->restore_ns[2] / 1e9);
	if (khz)
		print_phase(out, "placing pages and resuming", outcome->stamps[STAMP_HANDOVER],
			    report->back, khz);
	fputc('\n', out);
	if (outcome->cpus)
		print_payload(out, outcome, khz);
}

void report_print(FILE *out, const struct report *report)
{
	const struct outcome *outcome = report->outcome;
	const struct request *request = report->request;
	bool restored = outcome->result == RESULT_RESTORED;
	char time[HUMAN_SIZE], uuid[37];

	fprintf(out, "%s of %s on %s: %s\n", report_operation(request->operation),
		human_time(request->time, time), request->target_name,
		result_name(request, outcome->result));
	if (!safe_is_zero(outcome->image, sizeof(outcome->image)))
		fprintf(out, "  image     %s\n", human_uuid(outcome->image, uuid));
	print_pages(out, outcome);
	if (restored) {
		print_restored(out, report);
		return;
	}
	print_seconds(out, report);
	if (outcome->jumps == 1 && report->from_file)
		fputs("  kernel B  taken from " PATH_KEPT "\n", out);
	else if (outcome->jumps == 1)
		fputs("  kernel B  cold, started for this\n", out);
	else
		fprintf(out, "  kernel B  warm, entered %" PRIu64 " times\n", outcome->jumps);
}

/* --- kernel B's log --- */

static const char *log_tail(const struct outcome *outcome, int *length)
{
	const char *start = outcome->log + outcome->log_size;
	int lines = 0;

	while (start > outcome->log && lines <= LOG_LINES) {
		start--;
		lines += start + 1 < outcome->log + outcome->log_size && *start == '\n';
	}
	start += *start == '\n';
	*length = (int)(outcome->log + outcome->log_size - start);
	return start;
}

void report_log(FILE *out, const struct outcome *outcome)
{
	int length;
	const char *at = log_tail(outcome, &length);
	const char *end = at + length;

	while (at < end) {
		char line[512];
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((newline ? newline : end) - at);

		snprintf(line, sizeof(line), "%.*s", (int)size, at);
		fprintf(out, "%s\n", printable(line));
		at += size + 1;
	}
}

void report_keep(const char *text)
{
	struct error err = { 0 };

	if (!file_replace(PATH_LAST, text, &err))
		chmod(PATH_LAST, 0644);
	else
		message("%s; the result is not kept for 'kjump status'", err.text);
}
