/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header of a LUKS2 container. */
#include "kjump/key/container.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "text/files.h"

#define MAGIC	   "LUKS\xba\xbe"
#define VERSION_AT 6
#define SIZE_AT	   8
#define CHANGES_AT 16
#define UUID_AT	   168
#define UUID_SIZE  40
#define TEXT_AT	   4096
#define SLOTS_MAX  32
#define DEPTH_MAX  16

static uint64_t big_endian(const unsigned char *bytes, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* --- JSON, as far as it goes here ------------------------------------------------------------- */

struct span {
	const char *at, *end;
};

static bool skip_value(struct span *text, unsigned depth);

static void skip_blanks(struct span *text)
{
	while (text->at < text->end && strchr(" \t\r\n", *text->at) && *text->at)
		text->at++;
}

static bool take(struct span *text, char c)
{
	skip_blanks(text);
	if (text->at == text->end || *text->at != c)
		return false;
	text->at++;
	return true;
}

/* What stands between the quotes, as it stands there. */
static bool take_string(struct span *text, struct span *ret)
{
	if (!take(text, '"'))
		return false;
	ret->at = text->at;
	while (text->at < text->end && *text->at != '"')
		text->at += *text->at == '\\' && text->end - text->at > 1 ? 2 : 1;
	ret->end = text->at;
	return take(text, '"');
}

static bool skip_list(struct span *text, char end, bool named, unsigned depth)
{
	struct span name;

	if (take(text, end))
		return true;
	do {
		if (named && (!take_string(text, &name) || !take(text, ':')))
			return false;
		if (!skip_value(text, depth))
			return false;
	} while (take(text, ','));
	return take(text, end);
}

static bool skip_value(struct span *text, unsigned depth)
{
	struct span string;
	const char *start;

	skip_blanks(text);
	if (!depth || text->at == text->end)
		return false;
	if (*text->at == '"')
		return take_string(text, &string);
	if (take(text, '{'))
		return skip_list(text, '}', true, depth - 1);
	if (take(text, '['))
		return skip_list(text, ']', false, depth - 1);
	/* A number or a word. */
	start = text->at;
	while (text->at < text->end &&
	       (isalnum((unsigned char)*text->at) || (*text->at && strchr("+-.", *text->at))))
		text->at++;
	return text->at > start;
}

/* The next member of an object that was begun; false at its end, and of what is none. */
static bool next_member(struct span *text, struct span *name, struct span *value)
{
	take(text, ',');
	if (!take_string(text, name) || !take(text, ':'))
		return false;
	skip_blanks(text);
	value->at = text->at;
	if (!skip_value(text, DEPTH_MAX))
		return false;
	value->end = text->at;
	return true;
}

static bool is(const struct span *span, const char *word)
{
	return (size_t)(span->end - span->at) == strlen(word) &&
	       !memcmp(span->at, word, strlen(word));
}

/* --- key slots and tokens --------------------------------------------------------------------- */

/* Numbers of key slots as bits: their names, or the strings of a list. */
static void add_slot(const struct span *name, uint32_t *slots)
{
	unsigned long number;
	char *end;

	if (name->at == name->end || *name->at < '0' || *name->at > '9')
		return;
	number = strtoul(name->at, &end, 10);
	if (end == name->end && number < SLOTS_MAX)
		*slots |= 1U << number;
}

static uint32_t slots_of_object(struct span object)
{
	struct span name, value;
	uint32_t slots = 0;

	if (take(&object, '{'))
		while (next_member(&object, &name, &value))
			add_slot(&name, &slots);
	return slots;
}

static uint32_t slots_of_list(struct span list)
{
	struct span string;
	uint32_t slots = 0;

	if (!take(&list, '['))
		return 0;
	while (take_string(&list, &string)) {
		add_slot(&string, &slots);
		take(&list, ',');
	}
	return slots;
}

/* One token; the slots that it has a key for are added. */
static void take_token(struct span token, struct container *ret, uint32_t *slots)
{
	struct span name, value, type = { NULL, NULL };
	bool pin = false;

	if (!take(&token, '{'))
		return;
	while (next_member(&token, &name, &value)) {
		struct span text = value;

		if (is(&name, "type"))
			take_string(&text, &type);
		else if (is(&name, "keyslots"))
			*slots |= slots_of_list(value);
		else if (is(&name, "tpm2-pin") || is(&name, "fido2-clientPin-required"))
			pin = is(&value, "true");
	}
	if (is(&type, "systemd-tpm2")) {
		ret->tpm2 = true;
		ret->tpm2_pin |= pin;
	} else if (is(&type, "systemd-fido2")) {
		ret->fido2 = true;
		ret->fido2_pin |= pin;
	} else if (is(&type, "systemd-pkcs11")) {
		ret->pkcs11 = true;
	} else if (is(&type, "systemd-recovery")) {
		ret->recovery = true;
	} else {
		ret->other = true;
	}
}

static void take_tokens(struct span tokens, struct container *ret, uint32_t *slots)
{
	struct span name, value;

	if (!take(&tokens, '{'))
		return;
	while (next_member(&tokens, &name, &value))
		take_token(value, ret, slots);
}

static bool take_text(struct span text, struct container *ret)
{
	struct span whole = text, name, value;
	uint32_t slots = 0, of_tokens = 0;

	if (!skip_value(&whole, DEPTH_MAX) || !take(&text, '{'))
		return false;
	while (next_member(&text, &name, &value)) {
		if (is(&name, "keyslots"))
			slots = slots_of_object(value);
		else if (is(&name, "tokens"))
			take_tokens(value, ret, &of_tokens);
	}
	ret->passphrases = (unsigned)__builtin_popcount(slots & ~of_tokens);
	return true;
}

int container_parse(const void *bytes, size_t size, struct container *ret, struct error *err)
{
	const unsigned char *head = bytes;
	struct span text;
	uint64_t length;

	memset(ret, 0, sizeof(*ret));
	if (size < TEXT_AT || memcmp(head, MAGIC, sizeof(MAGIC) - 1) ||
	    big_endian(head + VERSION_AT, 2) != 2)
		return error_set(err, EUCLEAN, "no LUKS2 container");
	length = big_endian(head + SIZE_AT, 8);
	if (length <= TEXT_AT || length > size)
		return error_set(err, EUCLEAN, "no LUKS2 container that is whole");
	ret->changes = big_endian(head + CHANGES_AT, 8);
	memcpy(ret->uuid, head + UUID_AT, UUID_SIZE);
	printable(ret->uuid);
	text.at = (const char *)head + TEXT_AT;
	text.end = text.at + strnlen(text.at, length - TEXT_AT);
	if (text.end == (const char *)head + length || !take_text(text, ret))
		return error_set(err, EUCLEAN, "the header of the LUKS2 container is damaged");
	return 0;
}

int container_read(const char *path, struct container *ret, struct error *err)
{
	unsigned char *head = malloc(CONTAINER_HEAD);
	ssize_t size;
	int rc;

	if (!head)
		return error_set(err, ENOMEM, "out of memory");
	size = file_read_bytes(path, head, CONTAINER_HEAD);
	if (size < 0) {
		errno = (int)-size;
		rc = error_errno(err, "%s", path);
	} else {
		rc = container_parse(head, (size_t)size, ret, err);
		if (rc)
			error_prefix(err, "%s", path);
	}
	free(head);
	return rc;
}

static void add_way(char text[CONTAINER_WAYS], bool there, const char *way)
{
	size_t length = strlen(text);

	if (there)
		snprintf(text + length, CONTAINER_WAYS - length, "%s%s", length ? ", " : "", way);
}

bool container_opens(const struct container *container)
{
	return container->passphrases || container->tpm2 || container->fido2 || container->pkcs11 ||
	       container->recovery || container->other;
}

const char *container_ways(const struct container *container, char text[CONTAINER_WAYS])
{
	*text = '\0';
	add_way(text, container->passphrases, "passphrase");
	add_way(text, container->tpm2, container->tpm2_pin ? "TPM2 with PIN" : "TPM2");
	add_way(text, container->fido2, container->fido2_pin ? "FIDO2 with PIN" : "FIDO2");
	add_way(text, container->pkcs11, "PKCS#11");
	add_way(text, container->recovery, "recovery key");
	add_way(text, container->other, "a token of another kind");
	add_way(text, !*text, "nothing");
	return text;
}

void container_name(const uint8_t pair[16], char ret[CONTAINER_UUID])
{
	const uint8_t *p = pair;

	snprintf(ret, CONTAINER_UUID,
		 "%02x%02x%02x%02x-%02x%02x-8%x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", p[0], p[1],
		 p[2], p[3], p[4], p[5], p[6] & 0xf, p[7], (p[8] & 0x3f) | 0x80, p[9], p[10], p[11],
		 p[12], p[13], p[14], p[15]);
}

bool container_belongs(const struct container *container, const char *name)
{
	const size_t version = strlen("00000000-0000-");

	return strlen(container->uuid) <= version || container->uuid[version] != '8' ||
	       !strcmp(container->uuid, name);
}
