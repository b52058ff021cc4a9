/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of "key = value" in the order in which things were done. */
#include "kjump/save/ledger.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/error.h"
#include "kjump/save/cpus.h"
#include "text/files.h"

#define LIST_SIZE 4096

/* What is read back. */
struct entries {
	struct affinity affinity;
	char **wakeups;
	size_t wakeup_count;
	char cpus[LIST_SIZE];
	unsigned long long ticks; /* since boot, when it was written */
	int pid;
};

static unsigned long long ticks_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (unsigned long long)now.tv_sec * (unsigned long long)sysconf(_SC_CLK_TCK);
}

/* It must be there before the thing is done. The page cache will do: it outlives the process. */
static void flush(struct ledger *ledger)
{
	if (!ledger->file || !fflush(ledger->file))
		return;
	message("what is switched off for the jump cannot be noted: %s; going on", strerror(errno));
	fclose(ledger->file);
	ledger->file = NULL;
}

void ledger_begin(struct ledger *ledger, const char *path)
{
	ledger->file = fopen(path, "we");
	if (!ledger->file) {
		message("%s: %s; what is switched off for the jump is not noted; going on", path,
			strerror(errno));
		return;
	}
	fprintf(ledger->file, "process = %d\nticks = %llu\n", (int)getpid(), ticks_now());
	flush(ledger);
}

void ledger_wakeup(struct ledger *ledger, const char *path)
{
	if (ledger->file)
		fprintf(ledger->file, "wakeup = %s\n", path);
	flush(ledger);
}

void ledger_cpus(struct ledger *ledger, const char *cpus, const struct affinity *affinity)
{
	char path[PATH_MAX], list[LIST_SIZE];
	struct error err = { 0 };

	if (!ledger->file)
		return;
	snprintf(path, sizeof(path), "%s/online", cpus);
	if (!file_read(path, list, sizeof(list), &err))
		fprintf(ledger->file, "cpus = %s\n", list);
	for (size_t i = 0; i < affinity->count; i++)
		fprintf(ledger->file, "thread = %d %d %s\n", (int)affinity->threads[i].pid,
			(int)affinity->threads[i].tid, affinity->threads[i].cpus);
	flush(ledger);
}

void ledger_end(struct ledger *ledger, const char *path)
{
	if (ledger->file)
		fclose(ledger->file);
	ledger->file = NULL;
	unlink(path);
}

/* --- afterwards --- */

static int add_thread(struct affinity *affinity, const char *value)
{
	struct affinity_thread thread = { 0 }, *larger;
	int at = 0;

	if (sscanf(value, "%d %d %n", &thread.pid, &thread.tid, &at) != 2 || !at)
		return 0;
	if (affinity->count == affinity->capacity) {
		affinity->capacity = affinity->capacity ? 2 * affinity->capacity : 512;
		larger = reallocarray(affinity->threads, affinity->capacity, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		affinity->threads = larger;
	}
	thread.cpus = strdup(value + at);
	if (!thread.cpus)
		return -ENOMEM;
	affinity->threads[affinity->count++] = thread;
	return 0;
}

static int add_wakeup(struct entries *entries, const char *path)
{
	char **larger = reallocarray(entries->wakeups, entries->wakeup_count + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	entries->wakeups = larger;
	larger[entries->wakeup_count] = strdup(path);
	if (!larger[entries->wakeup_count])
		return -ENOMEM;
	entries->wakeup_count++;
	return 0;
}

static int take(void *context, const char *key, const char *value, struct error *err)
{
	struct entries *entries = context;
	int ret = 0;

	if (!strcmp(key, "process"))
		entries->pid = atoi(value);
	else if (!strcmp(key, "ticks"))
		entries->ticks = strtoull(value, NULL, 10);
	else if (!strcmp(key, "cpus"))
		snprintf(entries->cpus, sizeof(entries->cpus), "%s", value);
	else if (!strcmp(key, "wakeup"))
		ret = add_wakeup(entries, value);
	else if (!strcmp(key, "thread"))
		ret = add_thread(&entries->affinity, value);
	return ret ? error_set(err, -ret, "out of memory") : 0;
}

/* The number may be another thread's by now: field 22 is when it began (proc_pid_stat(5)). */
static bool is_older(const char *proc, const struct affinity_thread *thread,
		     unsigned long long ticks)
{
	char path[512], text[1024];
	const char *at;
	unsigned long long start;

	snprintf(path, sizeof(path), "%.400s/%d/task/%d/stat", proc, (int)thread->pid,
		 (int)thread->tid);
	if (file_read_start(path, text, sizeof(text)) < 0)
		return false;
	at = strrchr(text, ')');
	return at &&
	       sscanf(at + 1,
		      " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		      "%*s %*s %llu",
		      &start) == 1 &&
	       start <= ticks;
}

static void drop_younger(struct entries *entries, const char *proc)
{
	struct affinity *affinity = &entries->affinity;
	size_t kept = 0;

	for (size_t i = 0; i < affinity->count; i++) {
		if (is_older(proc, &affinity->threads[i], entries->ticks))
			affinity->threads[kept++] = affinity->threads[i];
		else
			free(affinity->threads[i].cpus);
	}
	affinity->count = kept;
}

static size_t enable(struct entries *entries)
{
	size_t count = 0;

	for (size_t i = 0; i < entries->wakeup_count; i++) {
		struct error err = { 0 };
		char text[32];

		if (!file_read(entries->wakeups[i], text, sizeof(text), &err) &&
		    !strcmp(text, "disabled")) {
			if (file_poke(entries->wakeups[i], "enabled", &err))
				message("%s; its wake-up stays off", err.text);
			else
				count++;
		}
		free(entries->wakeups[i]);
	}
	free(entries->wakeups);
	return count;
}

void ledger_put_back(const struct ledger_places *places)
{
	struct entries *entries;
	struct error err = { 0 };
	size_t cpus, wakeups;

	if (access(places->path, F_OK))
		return;
	entries = calloc(1, sizeof(*entries));
	if (!entries || file_read_pairs(places->path, take, entries, &err))
		message("%s: %s; not all of it may be put back", places->path,
			entries ? err.text : "out of memory");
	if (entries) {
		cpus = cpus_wake_list(entries->cpus, places->cpus);
		drop_younger(entries, places->proc);
		affinity_restore(&entries->affinity, places->proc);
		wakeups = enable(entries);
		message("a kjump that was killed left %zu CPUs and the wake-ups of %zu devices "
			"switched off; they are on again",
			cpus, wakeups);
		free(entries);
	}
	unlink(places->path);
}
