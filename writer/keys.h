/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys as a terminal sends them, as far as it takes to tell q and Esc from arrow and function
 * keys, whose sequences begin with the same byte as Esc.
 */
#ifndef WRITER_KEYS_H
#define WRITER_KEYS_H

#include <stdbool.h>

/* After Esc by itself nothing follows for this long. */
#define KEYS_SILENCE_MS 200

enum keys_state {
	KEYS_GROUND,
	KEYS_ESCAPE, /* after ESC */
	KEYS_CSI,    /* after ESC [ */
	KEYS_ONE,    /* one more byte ends the sequence */
};

/* Take the next byte. True when it stands for q, or for Q. */
bool keys_byte(enum keys_state *state, unsigned char byte);

/* Nothing came for KEYS_SILENCE_MS. True when the last key was Esc. */
bool keys_silence(enum keys_state *state);

#endif
