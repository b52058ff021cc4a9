/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling keys apart: ECMA-48 sequences, and the two forms that only consoles know.
 */
#include "writer/keys.h"

#define ESC 0x1b

bool keys_byte(enum keys_state *state, unsigned char byte)
{
	enum keys_state before = *state;

	*state = KEYS_GROUND;
	if (byte == ESC) { /* begins anew, whatever came before */
		*state = KEYS_ESCAPE;
		return false;
	}
	switch (before) {
	case KEYS_GROUND:
		return byte == 'q' || byte == 'Q';
	case KEYS_ESCAPE:
		if (byte == '[')
			*state = KEYS_CSI;
		else if (byte == 'O') /* keys of a keypad, F1 to F4 */
			*state = KEYS_ONE;
		return false; /* else it was a key together with Alt */
	case KEYS_CSI:
		if (byte == '[') /* F1 to F5 of Linux's console: ESC [ [ A */
			*state = KEYS_ONE;
		else if (byte < 0x40 || byte > 0x7e) /* parameters go on */
			*state = KEYS_CSI;
		return false;
	case KEYS_ONE:
		break;
	}
	return false;
}

bool keys_silence(enum keys_state *state)
{
	bool escape = *state == KEYS_ESCAPE;

	*state = KEYS_GROUND;
	return escape;
}
