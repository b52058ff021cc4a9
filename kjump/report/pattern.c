/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/report/pattern.h"

#include <ctype.h>
#include <string.h>

#define LONG_HEX  20 /* digits; an address of the kernel has 16 */
#define LONG_WORD 32 /* letters and digits, as in the UUID that device-mapper has of LVM */

static bool is_word(char c)
{
	return isalnum((unsigned char)c);
}

/* --- what stands before it -------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum redact_kind kind;
} places[] = {
	{ "/home/", REDACT_USER },
	{ "/media/", REDACT_USER },
	{ "/run/user/", REDACT_USER },
	{ "/by-id/", REDACT_SERIAL },
	{ "/by-label/", REDACT_LABEL },
	{ "/by-partlabel/", REDACT_LABEL },
	{ "/by-uuid/", REDACT_UUID },
	{ "/by-partuuid/", REDACT_UUID },
	{ "LABEL=", REDACT_LABEL },
	{ "PARTLABEL=", REDACT_LABEL },
	{ "UUID=", REDACT_UUID },
	{ "SerialNumber: ", REDACT_SERIAL },
	{ "SerialNumber=", REDACT_SERIAL },
	{ "SERIAL=", REDACT_SERIAL },
	{ "serial number ", REDACT_SERIAL },
	{ "eui.", REDACT_SERIAL },
	{ "naa.", REDACT_SERIAL },
	{ "wwn-0x", REDACT_SERIAL },
	{ "Hostname set to ", REDACT_HOST },
	{ "hostname to ", REDACT_HOST },
};

static bool stands_before(const char *line, size_t at, const char *text)
{
	size_t length = strlen(text);

	return at >= length && !strncasecmp(line + at - length, text, length);
}

static size_t placed_length(const char *line, size_t at, enum redact_kind *kind)
{
	/* A name with blanks has quotes around it. */
	const bool quoted = at && line[at - 1] == '"';
	size_t length;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!stands_before(line, at - quoted, places[i].text))
			continue;
		*kind = places[i].kind;
		length = strcspn(line + at, quoted ? "\"" : " \t\"',;/)<>");
		/* The end of a sentence is no part of it. */
		while (length && !quoted && strchr(":.", line[at + length - 1]))
			length--;
		return length;
	}
	return 0;
}

/* --- how it looks ----------------------------------------------------------------------------- */

/* Groups of so many characters each, with SEPARATOR between them; 0 ends COUNTS. */
static size_t groups_length(const char *text, const char *counts, char separator,
			    int (*is_digit)(int))
{
	size_t at = 0;

	for (const char *count = counts; *count; count++) {
		if (count > counts && text[at++] != separator)
			return 0;
		for (char i = 0; i < *count; i++, at++) {
			if (!is_digit((unsigned char)text[at]))
				return 0;
		}
	}
	return is_word(text[at]) ? 0 : at;
}

static size_t uuid_length(const char *text)
{
	size_t length = groups_length(text, "\010\004\004\004\014", '-', isxdigit);

	/* LVM's */
	return length ? length : groups_length(text, "\006\004\004\004\004\004\006", '-', isalnum);
}

/* MAC addresses, and the longer ones of InfiniBand. */
static size_t mac_length(const char *text)
{
	size_t at = 0, count = 0;

	while (isxdigit((unsigned char)text[at]) && isxdigit((unsigned char)text[at + 1]) &&
	       !is_word(text[at + 2])) {
		count++;
		at += 2;
		if (text[at] != ':')
			break;
		at++;
	}
	if (at && text[at - 1] == ':')
		at--;
	return count >= 6 && !is_word(text[at]) ? at : 0;
}

static size_t ipv4_length(const char *text)
{
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		size_t digits;

		if (i && text[at++] != '.')
			return 0;
		digits = strspn(text + at, "0123456789");
		if (!digits || digits > 3)
			return 0;
		at += digits;
	}
	if (is_word(text[at]) || (text[at] == '.' && is_word(text[at + 1])))
		return 0;
	/* This machine itself is no secret. */
	return !strncmp(text, "127.", 4) || !strncmp(text, "0.0.0.0", 7) ? 0 : at;
}

/* Eight groups, or fewer around "::". PCI addresses and times of the day have three. */
static size_t ipv6_length(const char *text)
{
	size_t length = strspn(text, "0123456789abcdefABCDEF:"), colons = 0;
	bool cut;

	/* What follows the address in a sentence. */
	while (length && text[length - 1] == ':' && (length < 2 || text[length - 2] != ':'))
		length--;
	cut = memmem(text, length, "::", 2);
	for (size_t i = 0; i < length; i++)
		colons += text[i] == ':';
	if (is_word(text[length]) || !length || (!cut && colons != 7))
		return 0;
	return colons >= 2 && length > 3 ? length : 0;
}

/* Identifiers that are one long word: those of machines and boots, of keys, of LVM in dm/uuid. */
static size_t long_length(const char *text)
{
	size_t length = 0, digits = 0, hex = 0;

	for (; is_word(text[length]); length++) {
		digits += isdigit((unsigned char)text[length]) != 0;
		hex += isxdigit((unsigned char)text[length]) != 0;
	}
	if (!digits || digits == length)
		return 0;
	return (hex == length && length >= LONG_HEX) || length >= LONG_WORD ? length : 0;
}

size_t pattern_length(const char *line, size_t at, enum redact_kind *kind)
{
	const char *text = line + at;
	size_t length = placed_length(line, at, kind);

	if (length || !is_word(*text) || (at && is_word(line[at - 1])))
		return length;
	*kind = REDACT_UUID;
	length = uuid_length(text);
	if (!length)
		length = long_length(text);
	if (length)
		return length;
	*kind = REDACT_ADDRESS;
	length = mac_length(text);
	if (!length && (!at || line[at - 1] != '.'))
		length = ipv4_length(text);
	return length || (at && line[at - 1] == ':') ? length : ipv6_length(text);
}
