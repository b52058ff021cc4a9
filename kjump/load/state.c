/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of a loaded kernel B, as text.
 */
#include "kjump/load/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/files.h"
#include "text/human.h"

static int take_number(const char *value, uint64_t *ret, struct error *err)
{
	char *end;

	errno = 0;
	*ret = strtoull(value, &end, 0);
	if (errno || end == value || *end)
		return error_set(err, EINVAL, "'%.60s' is not a number", value);
	return 0;
}

static int take_flag(const char *value, bool *ret, struct error *err)
{
	uint64_t number;
	int status = take_number(value, &number, err);

	*ret = !status && number;
	return status;
}

static int take_text(const char *value, char *ret, size_t size, struct error *err)
{
	if (strlen(value) >= size)
		return error_set(err, EINVAL, "longer than %zu characters", size - 1);
	strcpy(ret, value);
	return 0;
}

static int take_nonce(const char *value, uint8_t nonce[16], struct error *err)
{
	if (strlen(value) != 32 || strspn(value, "0123456789abcdef") != 32)
		return error_set(err, EINVAL, "'%.60s' is not a nonce", value);
	for (int i = 0; i < 16; i++) {
		const char digits[] = { value[2 * i], value[2 * i + 1], '\0' };

		nonce[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return 0;
}

static int take_pair(void *context, const char *key, const char *value, struct error *err)
{
	struct state *state = context;
	if (!strcmp(key, "home_start"))
		return take_number(value, &state->home_start, err);
	if (!strcmp(key, "home_size"))
		return take_number(value, &state->home_size, err);
	if (!strcmp(key, "level"))
		return take_number(value, &state->level, err);
	if (!strcmp(key, "mailbox_pfn"))
		return take_number(value, &state->mailbox_pfn, err);
	if (!strcmp(key, "swaps"))
		return take_number(value, &state->swaps, err);
	if (!strcmp(key, "digest"))
		return take_number(value, &state->digest, err);
	if (!strcmp(key, "nonce"))
		return take_nonce(value, state->nonce, err);
	if (!strcmp(key, "kernel"))
		return take_text(value, state->kernel, sizeof(state->kernel), err);
	if (!strcmp(key, "initramfs"))
		return take_text(value, state->initramfs, sizeof(state->initramfs), err);
	if (!strcmp(key, "raised"))
		return take_flag(value, &state->raised, err);
	if (!strcmp(key, "reserved"))
		return take_flag(value, &state->reserved, err);
	if (!strcmp(key, "crash"))
		return take_flag(value, &state->crash, err);
	return error_set(err, EINVAL, "unknown key '%.60s'", key);
}

int state_read(const char *path, struct state *ret, struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	return file_read_pairs(path, take_pair, ret, err);
}

int state_write(const char *path, const struct state *state, struct error *err)
{
	char nonce[33], text[1024];

	human_hex(state->nonce, sizeof(state->nonce), nonce);
	snprintf(text, sizeof(text),
		 "home_start = 0x%" PRIx64 "\nhome_size = 0x%" PRIx64 "\nlevel = %" PRIu64
		 "\nmailbox_pfn = 0x%" PRIx64 "\nswaps = 0x%" PRIx64
		 "\nnonce = %s\nraised = %d\nreserved = %d\ncrash = %d\nkernel = %s\ninitramfs = "
		 "%s\ndigest = 0x%016" PRIx64 "\n",
		 state->home_start, state->home_size, state->level, state->mailbox_pfn,
		 state->swaps, nonce, state->raised, state->reserved, state->crash, state->kernel,
		 state->initramfs, state->digest);
	return file_replace(path, text, err);
}
