/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings and their values.
 */
#include "kjump/config.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/abi.h"
#include "text/files.h"

struct key {
	const char *name;
	int (*set)(void *field, const char *value, struct error *err);
	size_t offset; /* of the field in struct config */
	size_t size;   /* of a text field */
};

static int set_text(char *field, size_t size, const char *value, struct error *err)
{
	if (strlen(value) >= size)
		return error_set(err, EINVAL, "longer than %zu characters", size - 1);
	strcpy(field, value);
	return 0;
}

static int parse_number(const char *value, long min, long max, long *ret, struct error *err)
{
	char *end;

	errno = 0;
	*ret = strtol(value, &end, 10);
	if (errno || end == value || *end || *ret < min || *ret > max)
		return error_set(err, EINVAL, "'%.60s' is not a number from %ld to %ld", value, min,
				 max);
	return 0;
}

static int set_level(void *field, const char *value, struct error *err)
{
	long number = LEVEL_AUTO;
	int ret = 0;

	if (strcmp(value, "auto"))
		ret = parse_number(value, LEVEL_MIN, LEVEL_MAX, &number, err);
	if (!ret)
		*(int *)field = (int)number;
	return ret;
}

static int set_workers(void *field, const char *value, struct error *err)
{
	long number;
	int ret = parse_number(value, 0, CONFIG_WORKERS_MAX, &number, err);

	if (!ret)
		*(unsigned *)field = (unsigned)number;
	return ret;
}

static int set_switch(void *field, const char *value, struct error *err)
{
	static const char *const on[] = { "yes", "on", "true", "1" };
	static const char *const off[] = { "no", "off", "false", "0" };

	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++) {
		if (!strcmp(value, on[i]) || !strcmp(value, off[i])) {
			*(bool *)field = !strcmp(value, on[i]);
			return 0;
		}
	}
	return error_set(err, EINVAL, "'%.60s' is neither yes nor no", value);
}

/* "128M": rounded up to whole huge pages. 0 goes back to the default. */
static int set_home(void *field, const char *value, struct error *err)
{
	static const char units[] = "KMG";
	const char *unit;
	unsigned long long number;
	unsigned shift = 0;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno || end == value || *value == '-')
		goto bad;
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			goto bad;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (number > CONFIG_HOME_MAX >> shift)
		goto bad;
	number <<= shift;
	if (number && number < CONFIG_HOME_MIN)
		goto bad;
	*(uint64_t *)field = (number + CONFIG_HOME_UNIT - 1) & ~(CONFIG_HOME_UNIT - 1);
	return 0;
bad:
	return error_set(err, EINVAL, "'%.60s' is not a size from %lluM to %lluM", value,
			 CONFIG_HOME_MIN >> 20, CONFIG_HOME_MAX >> 20);
}

#define TEXT(field)                                                                                \
	{                                                                                          \
#field, NULL, offsetof(struct config, field), sizeof(((struct config *)0)->field)  \
	}

static const struct key keys[] = {
	TEXT(target),
	TEXT(kernel),
	TEXT(initramfs),
	TEXT(cmdline),
	{ "level", set_level, offsetof(struct config, level), 0 },
	{ "workers", set_workers, offsetof(struct config, workers), 0 },
	{ "verify", set_switch, offsetof(struct config, verify), 0 },
	{ "allow_plaintext", set_switch, offsetof(struct config, allow_plaintext), 0 },
	{ "all", set_switch, offsetof(struct config, all), 0 },
	{ "rehearse", set_switch, offsetof(struct config, rehearse), 0 },
	{ "home", set_home, offsetof(struct config, home), 0 },
};

void config_default(struct config *config)
{
	memset(config, 0, sizeof(*config));
	config->level = LEVEL_DEFAULT;
	config->rehearse = true;
}

int config_set(struct config *config, const char *key, const char *value, struct error *err)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct key *known = &keys[i];
		char *field = (char *)config + known->offset;
		int ret;

		if (strcmp(key, known->name))
			continue;
		ret = known->set ? known->set(field, value, err)
				 : set_text(field, known->size, value, err);
		return ret ? error_prefix(err, "%s", key) : 0;
	}
	return error_set(err, EINVAL, "unknown key '%.60s'", key);
}

static int set_pair(void *context, const char *key, const char *value, struct error *err)
{
	return config_set(context, key, value, err);
}

int config_read(struct config *config, const char *path, struct error *err)
{
	return file_read_pairs(path, set_pair, config, err);
}
