/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs offline and online.
 */
#include "kjump/save/cpus.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/files.h"

/* The kernel's largest NR_CPUS (arch/x86/Kconfig), and the longest list of half of them. */
#define CPU_MAX	  8192
#define LIST_SIZE (6 * CPU_MAX)

/* One "N" or "N-M" of a list. Returns what follows it, NULL when it is none. */
static const char *parse_range(const char *at, unsigned *first, unsigned *last)
{
	int length = 0;

	if (sscanf(at, "%u%n", first, &length) != 1)
		return NULL;
	at += length;
	*last = *first;
	if (*at == '-') {
		if (sscanf(at, "-%u%n", last, &length) != 1)
			return NULL;
		at += length;
	}
	return *last >= *first && *last < CPU_MAX ? at : NULL;
}

/* "0-3,8" in ascending order, as the kernel prints masks; makes cpus->parked of all but CPU 0. */
static int parse(struct cpus *cpus, const char *list, struct error *err)
{
	unsigned first, last;

	for (const char *at = list; *at; at += *at == ',') {
		at = parse_range(at, &first, &last);
		if (!at || cpus->count + last - first >= CPU_MAX)
			return error_set(err, EINVAL, "'%.64s' is no list of CPUs", list);
		for (unsigned cpu = first; cpu <= last; cpu++) {
			if (cpu)
				cpus->parked[cpus->count++] = cpu;
		}
	}
	return 0;
}

static int read_list(struct cpus *cpus, const char *sys, const char *name, struct error *err)
{
	char path[PATH_MAX];
	char *list = malloc(LIST_SIZE);
	int ret;

	cpus->parked = calloc(CPU_MAX, sizeof(*cpus->parked));
	if (!list || !cpus->parked) {
		ret = error_set(err, ENOMEM, "out of memory");
		goto out;
	}
	snprintf(path, sizeof(path), "%s/%s", sys, name);
	ret = file_read(path, list, LIST_SIZE, err);
	if (!ret && parse(cpus, list, err))
		ret = error_prefix(err, "%s", path);
out:
	free(list);
	return ret;
}

static char *switch_of(const char *sys, unsigned cpu, char *path, size_t size)
{
	snprintf(path, size, "%s/cpu%u/online", sys, cpu);
	return path;
}

int cpus_park(struct cpus *cpus, const char *sys, struct error *err)
{
	char path[PATH_MAX];
	size_t online;
	int ret;

	*cpus = (struct cpus){ 0 };
	ret = read_list(cpus, sys, "online", err);
	online = cpus->count;
	cpus->count = 0;
	if (ret)
		goto out;
	/* Highest first: numbers are only overwritten by lower ones that were read before. */
	for (size_t i = 0; i < online / 2; i++) {
		unsigned swap = cpus->parked[i];

		cpus->parked[i] = cpus->parked[online - 1 - i];
		cpus->parked[online - 1 - i] = swap;
	}
	for (size_t i = 0; i < online && !ret; i++) {
		unsigned cpu = cpus->parked[i];

		switch_of(sys, cpu, path, sizeof(path));
		/* No such file: a CPU that stays; the kernel knows what to do with it. */
		if (access(path, F_OK))
			continue;
		ret = file_poke(path, "0", err);
		if (ret)
			error_set(err, err->code, "CPU %u does not go offline: %s", cpu,
				  strerror(err->code));
		else
			cpus->parked[cpus->count++] = cpu;
	}
out:
	if (ret)
		cpus_unpark(cpus, sys);
	return ret;
}

void cpus_unpark(struct cpus *cpus, const char *sys)
{
	char path[PATH_MAX];

	while (cpus->count) {
		unsigned cpu = cpus->parked[--cpus->count];
		struct error err = { 0 };

		if (file_poke(switch_of(sys, cpu, path, sizeof(path)), "1", &err))
			message("CPU %u does not come online again: %s", cpu, strerror(err.code));
	}
	free(cpus->parked);
	*cpus = (struct cpus){ 0 };
}

size_t cpus_wake_list(const char *list, const char *sys)
{
	struct cpus cpus = { .parked = calloc(CPU_MAX, sizeof(*cpus.parked)) };
	char path[PATH_MAX], text[8];
	struct error err = { 0 };
	size_t count = 0;

	if (!cpus.parked || parse(&cpus, list, &err))
		message("%s; CPUs may stay offline", cpus.parked ? err.text : "out of memory");
	for (size_t i = 0; i < cpus.count; i++) {
		switch_of(sys, cpus.parked[i], path, sizeof(path));
		if (file_read(path, text, sizeof(text), &err) || *text != '0')
			continue;
		if (file_poke(path, "1", &err))
			message("CPU %u does not come online again: %s", cpus.parked[i],
				strerror(err.code));
		else
			count++;
	}
	free(cpus.parked);
	return count;
}

/* CPUs that are there and offline. */
static int list_offline(struct cpus *ret, const char *sys, struct error *err)
{
	struct cpus online = { 0 };
	size_t present, at = 0;
	int status = read_list(ret, sys, "present", err);

	if (!status)
		status = read_list(&online, sys, "online", err);
	present = ret->count;
	ret->count = 0;
	for (size_t i = 0; !status && i < present; i++) {
		while (at < online.count && online.parked[at] < ret->parked[i])
			at++;
		if (at == online.count || online.parked[at] != ret->parked[i])
			ret->parked[ret->count++] = ret->parked[i];
	}
	free(online.parked);
	return status;
}

/* SMT control alone can wake siblings that it keeps off. It wakes all others, too. */
static int wake_siblings(const char *sys, struct error *err)
{
	char path[PATH_MAX], text[32];
	struct error ignored = { 0 };
	int ret;

	snprintf(path, sizeof(path), "%s/smt/control", sys);
	if (file_read(path, text, sizeof(text), &ignored) || strcmp(text, "off"))
		return 0;
	ret = file_poke(path, "on", err);
	return ret ? ret : file_poke(path, "off", err);
}

static void wake(const char *sys, unsigned cpu)
{
	char path[PATH_MAX], text[8];
	struct error err = { 0 }, ignored = { 0 };

	if (file_read(switch_of(sys, cpu, path, sizeof(path)), text, sizeof(text), &ignored))
		return;
	/* EPERM is for a sibling that was awake by now. */
	if (*text == '0' && file_poke(path, "1", &err)) {
		if (err.code != EPERM)
			message("CPU %u, which is offline, does not wake up: %s", cpu,
				strerror(err.code));
		return;
	}
	if (file_poke(path, "0", &err))
		message("CPU %u does not go offline again: %s", cpu, strerror(err.code));
}

void cpus_wake_offline(const char *sys)
{
	struct cpus offline = { 0 };
	struct error err = { 0 };

	if (list_offline(&offline, sys, &err) || wake_siblings(sys, &err))
		message("%s; CPUs that are offline have machine checks disabled", err.text);
	for (size_t i = 0; i < offline.count; i++)
		wake(sys, offline.parked[i]);
	free(offline.parked);
}
