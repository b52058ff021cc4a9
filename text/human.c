/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers, times and images as people read them.
 */
#include "text/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

char *human_bytes(uint64_t bytes, char text[HUMAN_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, HUMAN_SIZE, "%" PRIu64 " bytes", bytes);
		return text;
	}
	for (; value >= 1024 && unit < 3; unit++)
		value /= 1024;
	snprintf(text, HUMAN_SIZE, "%.1f %s", value, units[unit]);
	return text;
}

char *human_time(uint64_t seconds, char text[HUMAN_SIZE])
{
	time_t when = (time_t)seconds;
	struct tm local;

	if (!localtime_r(&when, &local) || !strftime(text, HUMAN_SIZE, "%Y-%m-%d %H:%M:%S", &local))
		snprintf(text, HUMAN_SIZE, "second %" PRIu64, seconds);
	return text;
}

char *human_hex(const uint8_t *bytes, size_t size, char *text)
{
	for (size_t i = 0; i < size; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	return text;
}

char *human_uuid(const uint8_t uuid[16], char text[37])
{
	char digits[33];

	human_hex(uuid, 16, digits);
	snprintf(text, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12,
		 digits + 16, digits + 20);
	return text;
}
