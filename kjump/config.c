/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings and their values.
 */
#include "kjump/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/abi.h"
#include "image/image.h"
#include "kjump/paths.h"
#include "text/keys.h"

static int set_workers(void *field, size_t size, const char *value, struct error *err)
{
	long number;
	int ret = key_parse_number(value, 0, CONFIG_WORKERS_MAX, &number, err);

	(void)size;
	if (!ret)
		*(unsigned *)field = (unsigned)number;
	return ret;
}

static int set_count(void *field, long max, const char *value, struct error *err)
{
	long number;
	int ret = key_parse_number(value, 0, max, &number, err);

	if (!ret)
		*(unsigned *)field = (unsigned)number;
	return ret;
}

static int set_keep(void *field, size_t size, const char *value, struct error *err)
{
	(void)size;
	return set_count(field, CONFIG_KEEP_MAX, value, err);
}

static int set_full_every(void *field, size_t size, const char *value, struct error *err)
{
	(void)size;
	return set_count(field, CONFIG_FULL_MAX, value, err);
}

/* "36h": seconds, minutes, hours, days. 0 is for ever. */
static int set_time(void *field, size_t size, const char *value, struct error *err)
{
	static const struct {
		char name;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	unsigned long long number;
	char *end;

	(void)size;
	errno = 0;
	number = strtoull(value, &end, 10);
	if (!errno && end != value && *value != '-' && number <= CONFIG_TIME_MAX) {
		if (!number && !*end) {
			*(uint64_t *)field = 0;
			return 0;
		}
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (*end == units[i].name && !end[1]) {
				*(uint64_t *)field = number * units[i].seconds;
				return 0;
			}
	}
	return error_set(err, EINVAL, "'%.60s' is not a time like 90m, 36h or 7d", value);
}

/* "128M": rounded up to whole huge pages. 0 goes back to the default. */
static int set_home(void *field, size_t size, const char *value, struct error *err)
{
	uint64_t number;

	(void)size;
	if (key_parse_size(value, CONFIG_HOME_MAX, &number, err))
		goto bad;
	if (number && number < CONFIG_HOME_MIN)
		goto bad;
	*(uint64_t *)field = (number + CONFIG_HOME_UNIT - 1) & ~(CONFIG_HOME_UNIT - 1);
	return 0;
bad:
	return error_set(err, EINVAL, "'%.60s' is not a size from %lluM to %lluM", value,
			 CONFIG_HOME_MIN >> 20, CONFIG_HOME_MAX >> 20);
}

static int set_jump(void *field, size_t size, const char *value, struct error *err)
{
	static const char *const names[] = {
		[JUMP_AUTO] = "auto", [JUMP_MODULE] = "module", [JUMP_KEXEC] = "kexec"
	};

	(void)size;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(value, names[i])) {
			*(enum jump_choice *)field = (enum jump_choice)i;
			return 0;
		}
	}
	return error_set(err, EINVAL, "'%.60s' is neither auto nor module nor kexec", value);
}

static int set_seal(void *field, size_t size, const char *value, struct error *err)
{
	bool wanted;

	(void)size;
	if (!strcmp(value, "auto")) {
		*(enum seal_choice *)field = SEAL_AUTO;
		return 0;
	}
	if (key_switch.set(&wanted, sizeof(wanted), value, err))
		return error_set(err, EINVAL, "'%.60s' is neither yes nor no nor auto", value);
	*(enum seal_choice *)field = wanted ? SEAL_YES : SEAL_NO;
	return 0;
}

static const struct key_type workers = { set_workers, NULL };
static const struct key_type home = { set_home, NULL };
static const struct key_type keep_count = { set_keep, NULL };
static const struct key_type full_count = { set_full_every, NULL };
static const struct key_type duration = { set_time, NULL };
static const struct key_type seal = { set_seal, NULL };
static const struct key_type jump = { set_jump, NULL };

#define SETTING(field, type) KEY(#field, type, struct config, field)

static const struct key settings[] = {
	SETTING(target, key_text),
	SETTING(kernel, key_text),
	SETTING(initramfs, key_text),
	SETTING(cmdline, key_text),
	SETTING(level, key_level),
	SETTING(workers, workers),
	SETTING(verify, key_switch),
	SETTING(allow_plaintext, key_switch),
	SETTING(seal, seal),
	SETTING(all, key_switch),
	SETTING(rehearse, key_switch),
	SETTING(always_boot, key_switch),
	SETTING(home, home),
	SETTING(allow_unwatched, key_text),
	SETTING(anyway, key_switch),
	SETTING(jump, jump),
	SETTING(keep, keep_count),
	SETTING(keep_for, duration),
	SETTING(full_every, full_count),
};

#define SETTING_COUNT (sizeof(settings) / sizeof(*settings))

void config_default(struct config *config)
{
	memset(config, 0, sizeof(*config));
	config->level = LEVEL_AUTO;
	config->rehearse = true;
	config->path = PATH_CONFIG;
	config->keep = IMAGE_KEEP;
	config->full_every = CONFIG_FULL_EVERY;
}

int config_set(struct config *config, const char *key, const char *value, struct error *err)
{
	return keys_set(settings, SETTING_COUNT, config, key, value, err);
}

int config_read(struct config *config, const char *path, struct error *err)
{
	return keys_read(settings, SETTING_COUNT, config, path, err);
}
