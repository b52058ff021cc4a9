/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard input, output and error.
 */
#ifndef COMMON_DESCRIPTORS_H
#define COMMON_DESCRIPTORS_H

/*
 * Whichever of the descriptors 0 to 2 is closed is taken, by something that can neither be read
 * nor written: otherwise the next file that is opened gets its number, and messages go into that.
 * The first thing that every program does. Ends the program (EXIT_FAILED) when there is no room.
 */
void descriptors_reserve(void);

#endif
