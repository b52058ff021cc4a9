/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys as a terminal sends them, as far as it takes to tell q and Esc from arrow and function
 * keys, whose sequences begin with the same byte as Esc.
 */
#ifndef TEXT_KEYBOARD_H
#define TEXT_KEYBOARD_H

#include <stdbool.h>

/* After Esc by itself nothing follows for this long. */
#define KEYBOARD_SILENCE_MS 200

enum keyboard_state {
	KEYBOARD_GROUND,
	KEYBOARD_ESCAPE, /* after ESC */
	KEYBOARD_CSI,	 /* after ESC [ */
	KEYBOARD_ONE,	 /* one more byte ends the sequence */
};

/* Take the next byte. True when it stands for q, or for Q. */
bool keyboard_byte(enum keyboard_state *state, unsigned char byte);

/* Nothing came for KEYBOARD_SILENCE_MS. True when the last key was Esc. */
bool keyboard_silence(enum keyboard_state *state);

#endif
