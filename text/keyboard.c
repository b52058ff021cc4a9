/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling keys apart: ECMA-48 sequences, and the two forms that only consoles know.
 */
#include "text/keyboard.h"

#define ESC 0x1b

bool keyboard_byte(enum keyboard_state *state, unsigned char byte)
{
	enum keyboard_state before = *state;

	*state = KEYBOARD_GROUND;
	if (byte == ESC) { /* begins anew, whatever came before */
		*state = KEYBOARD_ESCAPE;
		return false;
	}
	switch (before) {
	case KEYBOARD_GROUND:
		return byte == 'q' || byte == 'Q';
	case KEYBOARD_ESCAPE:
		if (byte == '[')
			*state = KEYBOARD_CSI;
		else if (byte == 'O') /* keys of a keypad, F1 to F4 */
			*state = KEYBOARD_ONE;
		return false; /* else it was a key together with Alt */
	case KEYBOARD_CSI:
		if (byte == '[') /* F1 to F5 of Linux's console: ESC [ [ A */
			*state = KEYBOARD_ONE;
		else if (byte < 0x40 || byte > 0x7e) /* parameters go on */
			*state = KEYBOARD_CSI;
		return false;
	case KEYBOARD_ONE:
		break;
	}
	return false;
}

bool keyboard_silence(enum keyboard_state *state)
{
	bool escape = *state == KEYBOARD_ESCAPE;

	*state = KEYBOARD_GROUND;
	return escape;
}
