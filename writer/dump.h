/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving a core file as an image. It has no entry, so nobody can restore it; everything else works
 * on it as on any image, and nothing of it needs a jump.
 */
#ifndef WRITER_DUMP_H
#define WRITER_DUMP_H

#include "writer/options.h"

/* Returns the exit code, after a message that says what was saved or why not. */
int dump_run(const struct write_options *options);

#endif
