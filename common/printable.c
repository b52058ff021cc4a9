/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text from elsewhere as it may be shown. */
#include "common/printable.h"

#include <string.h>

size_t printable_length(const unsigned char *text, size_t size)
{
	size_t length = *text < 0xc2   ? 0
			: *text < 0xe0 ? 2
			: *text < 0xf0 ? 3
			: *text < 0xf5 ? 4
				       : 0;
	unsigned char low = 0x80, high = 0xbf; /* of the second byte */

	if (*text < 0x80)
		return 1;
	if (!length || length > size)
		return 0;
	if (*text == 0xe0)
		low = 0xa0; /* shorter ones exist */
	if (*text == 0xed)
		high = 0x9f; /* surrogates */
	if (*text == 0xf0)
		low = 0x90;
	if (*text == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return length;
}

bool printable_is_control(const unsigned char *text)
{
	return *text < 0x20 || *text == 0x7f || (*text == 0xc2 && text[1] < 0xa0);
}

char *printable(char *text)
{
	unsigned char *at = (unsigned char *)text;
	unsigned char *end = at + strlen(text);

	while (at < end) {
		size_t length = printable_length(at, (size_t)(end - at));
		bool bad = !length || printable_is_control(at);

		length = length ? length : 1;
		if (bad)
			memset(at, '?', length);
		at += length;
	}
	return text;
}
