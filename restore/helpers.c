/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs for the payload: APIC IDs out of /proc/cpuinfo. */
#include "restore/helpers.h"

#include <cpuid.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAXIMUM	    (PAYLOAD_HELPERS + 1)
#define CPUID_GUEST (1U << 31) /* leaf 1, ECX */
#define CPUID_NAME  0x40000000
#define NO_APIC_ID  UINT32_MAX

/*
 * Those in which CPUs start as they do on a processor, and were seen to. Others have ways of their
 * own: events that a kernel has set up, and that go to its memory when it is gone.
 */
static bool is_known(const char *hypervisor)
{
	static const char *const known[] = { "", "KVMKVMKVM", "TCGTCGTCGTCG" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(hypervisor, known[i]))
			return true;
	return false;
}

void helpers_hypervisor(char *ret)
{
	unsigned a, b, c, d;

	memset(ret, 0, 13);
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & CPUID_GUEST))
		return;
	__cpuid(CPUID_NAME, a, b, c, d);
	memcpy(ret, &b, sizeof(b));
	memcpy(ret + 4, &c, sizeof(c));
	memcpy(ret + 8, &d, sizeof(d));
	if (!*ret)
		strcpy(ret, "nameless");
}

/* The number of a line "apicid : 2", which is there once for each CPU in use; NO_APIC_ID in others.
 */
static uint32_t apic_id(const char *line)
{
	static const char key[] = "apicid";
	unsigned long number;
	char *end;

	if (strncmp(line, key, sizeof(key) - 1))
		return NO_APIC_ID;
	line += sizeof(key) - 1;
	line += strspn(line, " \t");
	if (*line != ':')
		return NO_APIC_ID;
	line += 1 + strspn(line + 1, " \t");
	if (!isdigit((unsigned char)*line))
		return NO_APIC_ID;
	number = strtoul(line, &end, 10);
	return (*end == '\n' || !*end) && number < NO_APIC_ID ? (uint32_t)number : NO_APIC_ID;
}

static bool is_in(const struct helpers *helpers, uint32_t id)
{
	for (uint32_t i = 0; i < helpers->count; i++)
		if (helpers->apic_ids[i] == id)
			return true;
	return false;
}

static int read_ids(const char *cpuinfo, uint32_t limit, struct helpers *ret)
{
	FILE *file = fopen(cpuinfo, "re");
	size_t capacity = 0;
	char *line = NULL;

	if (!file)
		return -errno;
	while (ret->count < limit && getline(&line, &capacity, file) > 0) {
		uint32_t id = apic_id(line);

		if (id != NO_APIC_ID && !is_in(ret, id))
			ret->apic_ids[ret->count++] = id;
	}
	free(line);
	fclose(file);
	return 0;
}

void helpers_find(const char *cpuinfo, const char *hypervisor, uint32_t limit, struct helpers *ret)
{
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	if (!limit || limit > MAXIMUM)
		limit = MAXIMUM;
	if (limit == 1)
		snprintf(ret->why, sizeof(ret->why), "as rd.kjump.cpus=1 asks");
	else if (!is_known(hypervisor))
		snprintf(ret->why, sizeof(ret->why),
			 "how hypervisor \"%.12s\" starts others is not known", hypervisor);
	else
		rc = read_ids(cpuinfo, limit, ret);
	if (rc)
		snprintf(ret->why, sizeof(ret->why), "%s: %s", cpuinfo, strerror(-rc));
	else if (ret->count == 1)
		snprintf(ret->why, sizeof(ret->why), "there is no other");
	else if (!ret->count && !*ret->why)
		snprintf(ret->why, sizeof(ret->why), "no APIC IDs in %.60s", cpuinfo);
	if (ret->count < 2)
		ret->count = 0;
}
