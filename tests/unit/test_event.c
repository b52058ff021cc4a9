/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of the system: the journal's entry, the line in the file, and the way back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/event.h"
#include "kjump/plot.h"
#include "kjump/save/tell.h"
#include "text/journal.h"

static char folder[] = "/tmp/kjump-event-XXXXXX";
static char history[64], journal[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/kjump-event-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(history, sizeof(history), "%s/lib/kjump/history.jsonl", folder);
	snprintf(journal, sizeof(journal), "%s/socket", folder);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static const struct event sample = {
	.kind = EVENT_RESTORED,
	.time = 1795000000,
	.operation = "hibernation",
	.target = "LABEL=\"a\\b\" \xc3\xa4",
	.image = "5a0b2f0e-6f0c-4d0c-8d53-3d3b6c9d7e11",
	.data_bytes = 700 << 20,
	.written_bytes = 200 << 20,
	.ms = { [PHASE_FREEZING] = 1500, [PHASE_SAVING] = 9000, [PHASE_READING] = 4000 },
};

static struct event failed(const char *cause)
{
	struct event event = { .kind = EVENT_FAILED, .time = 1, .operation = "checkpoint" };

	snprintf(event.target, sizeof(event.target), "/dev/sda");
	snprintf(event.cause, sizeof(event.cause), "%s", cause);
	return event;
}

static void assert_same(const struct event *a, const struct event *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->time, b->time);
	assert_string_equal(a->operation, b->operation);
	assert_string_equal(a->target, b->target);
	assert_string_equal(a->image, b->image);
	assert_string_equal(a->cause, b->cause);
	assert_int_equal(a->data_bytes, b->data_bytes);
	assert_int_equal(a->written_bytes, b->written_bytes);
	assert_memory_equal(a->ms, b->ms, sizeof(a->ms));
}

/* Whatever is kept is read as it was; folders are made, and everybody may read. */
static void test_round_trip(void **state)
{
	const struct event other = failed("\"saving\": 7, {\"event\": \"saved\"}");
	struct event_list list;
	struct error err = { 0 };
	struct stat stat_now;

	(void)state;
	assert_int_equal(event_read(history, 5, &list, &err), -ENOENT);
	event_tell(&sample, journal, history);
	event_tell(&other, journal, history);
	assert_int_equal(event_read(history, 5, &list, &err), 0);
	assert_int_equal(list.count, 2);
	assert_same(&list.events[0], &sample);
	assert_same(&list.events[1], &other);
	assert_int_equal(event_saving_ms(&list.events[0]), 10500);
	assert_int_equal(event_returning_ms(&list.events[0]), 4000);
	free(list.events);
	assert_int_equal(stat(history, &stat_now), 0);
	assert_int_equal(stat_now.st_mode & 0777, 0644);
}

static void put(const char *text)
{
	FILE *file = fopen(history, "a");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Lines that are cut short, of other kinds or none at all are nothing. */
static void test_other_lines(void **state)
{
	struct event_list list;
	struct error err = { 0 };

	(void)state;
	event_tell(&sample, journal, history);
	put("\n{\"time\": 5, \"event\": \"of a later version\"}\n{\"time\": 5}\nnonsense\n"
	    "{\"time\": x, \"event\": \"saved\"}\n{\"time\": 99999999999999999999, \"event\": "
	    "\"saved\"}\n{\"time\": 7, \"event\": \"saved\", \"cause\": \"\\u00\n"
	    "{\"time\": 8, \"event\": \"saved\", \"cause\": \"x\\u000ay\", \"ms\": {\"saving\": 3");
	assert_int_equal(event_read(history, 5, &list, &err), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.skipped, 5);
	assert_int_equal(list.events[1].time, 7);
	assert_string_equal(list.events[2].cause, "x y");
	assert_int_equal(list.events[2].ms[PHASE_SAVING], 3);
	free(list.events);
}

/* The last ones count, and the file does not grow for ever. */
static void test_many(void **state)
{
	struct event event = failed("of many");
	struct event_list list;
	struct error err = { 0 };
	struct stat stat_now;

	(void)state;
	memset(event.cause, 'x', sizeof(event.cause) - 1);
	for (event.time = 1; event.time <= 8000; event.time++)
		event_tell(&event, journal, history);
	assert_int_equal(stat(history, &stat_now), 0);
	assert_in_range(stat_now.st_size, 300 << 10, (1 << 20) + 1024);
	assert_int_equal(stat_now.st_mode & 0777, 0644);
	assert_int_equal(event_read(history, 3, &list, &err), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.events[0].time, 7998);
	assert_int_equal(list.events[2].time, 8000);
	free(list.events);
}

static void test_last_success(void **state)
{
	struct event events[] = { sample, sample, sample, failed("") };
	const struct event_list list = { events, 4, 0 };

	(void)state;
	events[1].time++;
	events[2].ms[PHASE_FREEZING] = events[2].ms[PHASE_SAVING] = 0;
	assert_ptr_equal(event_last_success(&list, "hibernation"), &events[1]);
	assert_null(event_last_success(&list, "checkpoint"));
}

static int listen_as_journal(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strcpy(address.sun_path, journal);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_journal(void **state)
{
	int fd = listen_as_journal();
	char entry[4096] = "";

	(void)state;
	event_tell(&sample, journal, history);
	assert_true(recv(fd, entry, sizeof(entry) - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(entry, "MESSAGE=hibernation restored from LABEL="));
	assert_non_null(strstr(entry, "\nMESSAGE_ID=d3ff0fdc180248018ee36c677e861122\nPRIORITY=5\n"
				      "SYSLOG_IDENTIFIER=kjump\nKJUMP_OPERATION=hibernation\n"));
	assert_non_null(strstr(entry, "\nKJUMP_SAVING_MS=10500\nKJUMP_RETURNING_MS=4000\n"));
	assert_null(strstr(entry, "KJUMP_CAUSE"));
	close(fd);
}

/* Values of several lines have their length before them. */
static void test_lines(void **state)
{
	const struct journal_field fields[] = {
		{ "A", "x\ny" }, { "B", "" }, { "C", NULL }, { "D", "=" }
	};
	const char expected[] = "A\n\x03\0\0\0\0\0\0\0x\ny\nD==\n";
	int fd = listen_as_journal();
	char entry[64];

	(void)state;
	assert_int_equal(journal_send(journal, fields, 4), 0);
	assert_int_equal(recv(fd, entry, sizeof(entry), MSG_DONTWAIT), sizeof(expected) - 1);
	assert_memory_equal(entry, expected, sizeof(expected) - 1);
	close(fd);
}

static void test_no_journal(void **state)
{
	static char large[20 << 10];
	const struct journal_field field = { "A", large };
	int fd;

	(void)state;
	assert_int_equal(journal_send("/nonexistent/socket", &field, 1), -ENOENT);
	memset(large, 'x', sizeof(large) - 1);
	fd = listen_as_journal();
	assert_int_equal(journal_send(journal, &field, 1), -EMSGSIZE);
	close(fd);
	assert_int_equal(journal_send(journal, &(struct journal_field){ "A", "x" }, 1),
			 -ECONNREFUSED);
}

/* Of a hibernation that was not needed, since the machine slept and woke up. */
static void test_woken(void **state)
{
	const struct request request = { .operation = OP_HIBERNATE,
					 .flags = REQUEST_STAY_ON,
					 .target_name = "UUID=x" };
	const struct outcome outcome = { .result = RESULT_SAVED };
	const struct report report = { .request = &request, .outcome = &outcome };
	struct event event;
	char text[256];

	(void)state;
	assert_true(tell_make(&report, &event));
	assert_int_equal(event.kind, EVENT_WOKEN);
	assert_string_equal(event_describe(&event, text, sizeof(text)),
			    "woken up from RAM; the image of the hibernation on UUID=x was not "
			    "needed: 0 bytes, saved in 0.0 s");
}

/* Before the jump nothing is kept, and afterwards all phases that there were. */
static void test_phases(void **state)
{
	struct request request = { .operation = OP_HIBERNATE,
				   .target_name = "UUID=x",
				   .tsc_khz = 1000 };
	struct outcome outcome = { .result = RESULT_RESTORED,
				   .data_pages = 256,
				   .image = { 1 },
				   .restore_ns = { 5000000, 6000000, 7000000 } };
	const struct report report = { .request = &request, .outcome = &outcome, .back = 900000 };
	struct event event;

	(void)state;
	outcome.stamps[STAMP_JUMP] = 100000;
	outcome.stamps[STAMP_ENTERED] = 102000;
	outcome.stamps[STAMP_SAVE_START] = 200000;
	outcome.stamps[STAMP_SAVE_END] = 203000;
	outcome.stamps[STAMP_HANDOVER] = 892000;
	assert_true(tell_make(&report, &event));
	assert_int_equal(event.kind, EVENT_RESTORED);
	assert_int_equal(event.data_bytes, 1 << 20);
	assert_int_equal(event.ms[PHASE_FREEZING], 2);
	assert_int_equal(event.ms[PHASE_SAVING], 3);
	/* No stamp, no phase. */
	assert_int_equal(event.ms[PHASE_STARTING] + event.ms[PHASE_LEAVING], 0);
	assert_int_equal(event_returning_ms(&event), 5 + 6 + 7 + 8);
	outcome.result = RESULT_DRY_RUN;
	assert_false(tell_make(&report, &event));
}

/* What happens now, and how long it took the last time, if there was one. */
static void test_announce(void **state)
{
	const struct request request = { .operation = OP_HIBERNATE, .target_name = "UUID=x" };
	const struct event other = failed("");
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	tell_announce(out, &request, history);
	assert_non_null(strstr(text, "UUID=x: the screen stands still, and the machine goes off"));
	assert_null(strstr(text, "The last"));
	event_tell(&sample, journal, history);
	event_tell(&other, journal, history);
	tell_announce(out, &request, history);
	assert_non_null(strstr(text, "The last hibernation took 10.5 s for 700.0 MiB, and coming "
				     "back 4.0 s.\n"));
	fclose(out);
	free(text);
}

static void test_plot(void **state)
{
	struct event events[] = { sample, failed("<no bar & no title>"), sample };
	const struct event_list list = { events, 3, 0 };
	char *text = NULL;
	size_t size, bars = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	plot_print(out, &list);
	fclose(out);
	for (const char *at = text; (at = strstr(at, "<title>")); at++)
		bars++;
	assert_int_equal(bars, 6);
	assert_null(strstr(text, "no bar"));
	assert_non_null(strstr(text, "14.5 s</text>"));
	assert_string_equal(text + size - 7, "</svg>\n");
	free(text);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_round_trip),	 test(test_other_lines), test(test_many),
		test(test_last_success), test(test_journal),	 test(test_lines),
		test(test_no_journal),	 test(test_phases),	 test(test_announce),
		test(test_plot),	 test(test_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
