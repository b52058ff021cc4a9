/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named fields of a struct.
 */
#include "text/keys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/abi.h"
#include "text/files.h"

/* --- types ----------------------------------------------------------------------------------- */

static int set_text(void *field, size_t size, const char *value, struct error *err)
{
	if (strlen(value) >= size)
		return error_set(err, EINVAL, "longer than %zu characters", size - 1);
	strcpy(field, value);
	return 0;
}

static void print_text(const void *field, size_t size, FILE *out)
{
	fprintf(out, "%.*s", (int)size, (const char *)field);
}

static int set_pointer(void *field, size_t size, const char *value, struct error *err)
{
	(void)size;
	(void)err;
	*(const char **)field = value;
	return 0;
}

static int set_switch(void *field, size_t size, const char *value, struct error *err)
{
	static const char *const on[] = { "yes", "on", "true", "1" };
	static const char *const off[] = { "no", "off", "false", "0" };

	(void)size;
	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++) {
		if (!strcmp(value, on[i]) || !strcmp(value, off[i])) {
			*(bool *)field = !strcmp(value, on[i]);
			return 0;
		}
	}
	return error_set(err, EINVAL, "'%.60s' is neither yes nor no", value);
}

static void print_switch(const void *field, size_t size, FILE *out)
{
	(void)size;
	fputs(*(const bool *)field ? "yes" : "no", out);
}

static int set_number(void *field, size_t size, const char *value, struct error *err)
{
	unsigned long long number;
	char *end;

	(void)size;
	errno = 0;
	number = strtoull(value, &end, strncmp(value, "0x", 2) ? 10 : 16);
	if (errno || end == value || *end || strchr(value, '-'))
		return error_set(err, EINVAL, "'%.60s' is not a number", value);
	*(uint64_t *)field = number;
	return 0;
}

static void print_number(const void *field, size_t size, FILE *out)
{
	(void)size;
	fprintf(out, "%" PRIu64, *(const uint64_t *)field);
}

static void print_address(const void *field, size_t size, FILE *out)
{
	(void)size;
	fprintf(out, "0x%" PRIx64, *(const uint64_t *)field);
}

static int set_bytes(void *field, size_t size, const char *value, struct error *err)
{
	uint8_t *bytes = field;

	if (strlen(value) != 2 * size || strspn(value, "0123456789abcdef") != 2 * size)
		return error_set(err, EINVAL, "'%.60s' is not %zu hexadecimal digits", value,
				 2 * size);
	for (size_t i = 0; i < size; i++) {
		const char digits[] = { value[2 * i], value[2 * i + 1], '\0' };

		bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return 0;
}

static void print_bytes(const void *field, size_t size, FILE *out)
{
	const uint8_t *bytes = field;

	for (size_t i = 0; i < size; i++)
		fprintf(out, "%02x", bytes[i]);
}

static int set_level(void *field, size_t size, const char *value, struct error *err)
{
	long number = LEVEL_AUTO;
	int ret = 0;

	(void)size;
	if (strcmp(value, "auto"))
		ret = key_parse_number(value, LEVEL_MIN, LEVEL_MAX, &number, err);
	if (!ret)
		*(int *)field = (int)number;
	return ret;
}

static int set_descriptor(void *field, size_t size, const char *value, struct error *err)
{
	struct descriptor *descriptor = field;
	long number;
	int ret = key_parse_number(value, 0, INT_MAX, &number, err);

	(void)size;
	/* Now: what is opened later would get a number that nobody has taken yet. */
	if (!ret && fcntl((int)number, F_GETFD) < 0)
		ret = error_errno(err, "descriptor %s", value);
	if (!ret)
		*descriptor = (struct descriptor){ .given = true, .fd = (int)number };
	return ret;
}

const struct key_type key_text = { set_text, print_text };
const struct key_type key_pointer = { set_pointer, NULL };
const struct key_type key_switch = { set_switch, print_switch };
const struct key_type key_number = { set_number, print_number };
const struct key_type key_address = { set_number, print_address };
const struct key_type key_bytes = { set_bytes, print_bytes };
const struct key_type key_level = { set_level, NULL };
const struct key_type key_descriptor = { set_descriptor, NULL };

int key_parse_size(const char *value, uint64_t max, uint64_t *ret, struct error *err)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned long long number;
	unsigned shift = 0;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno || !isdigit((unsigned char)*value))
		goto bad;
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			goto bad;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (number > max >> shift)
		goto bad;
	*ret = number << shift;
	return 0;
bad:
	return error_set(err, EINVAL, "'%.60s' is not a size, as 512M or 8G", value);
}

static int set_size(void *field, size_t size, const char *value, struct error *err)
{
	(void)size;
	return key_parse_size(value, INT64_MAX, field, err);
}

const struct key_type key_size = { set_size, NULL };

int key_parse_number(const char *value, long min, long max, long *ret, struct error *err)
{
	long number;
	char *end;

	errno = 0;
	number = strtol(value, &end, 10);
	if (errno || end == value || *end || number < min || number > max)
		return error_set(err, EINVAL, "'%.60s' is not a number from %ld to %ld", value, min,
				 max);
	*ret = number;
	return 0;
}

/* --- tables ---------------------------------------------------------------------------------- */

int key_set(const struct key *key, void *object, const char *value, struct error *err)
{
	return key->type->set((char *)object + key->offset, key->size, value, err);
}

int keys_set(const struct key *keys, size_t count, void *object, const char *name,
	     const char *value, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, keys[i].name))
			continue;
		return key_set(&keys[i], object, value, err) ? error_prefix(err, "%s", name) : 0;
	}
	return error_set(err, EINVAL, "unknown key '%.60s'", name);
}

struct reading {
	const struct key *keys;
	size_t count;
	void *object;
};

static int take_pair(void *context, const char *name, const char *value, struct error *err)
{
	const struct reading *reading = context;

	return keys_set(reading->keys, reading->count, reading->object, name, value, err);
}

int keys_read(const struct key *keys, size_t count, void *object, const char *path,
	      struct error *err)
{
	struct reading reading = { keys, count, object };

	return file_read_pairs(path, take_pair, &reading, err);
}

int keys_write(const struct key *keys, size_t count, const void *object, const char *path,
	       struct error *err)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);
	int ret = -ENOMEM;

	if (memory) {
		for (size_t i = 0; i < count; i++) {
			fprintf(memory, "%s = ", keys[i].name);
			keys[i].type->print((const char *)object + keys[i].offset, keys[i].size,
					    memory);
			fputc('\n', memory);
		}
		ret = fclose(memory) ? -ENOMEM : 0;
	}
	if (ret)
		error_set(err, ENOMEM, "out of memory");
	else
		ret = file_replace(path, text, err);
	free(text);
	return ret;
}
