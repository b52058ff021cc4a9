/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel B's memory, from one boot of A to the next: what a save has to do with it. */
#ifndef KJUMP_SAVE_KEEP_H
#define KJUMP_SAVE_KEEP_H

#include <stdbool.h>

#include "common/abi.h"
#include "common/error.h"
#include "kjump/config.h"
#include "kjump/load/loader.h"

/*
 * loader_ensure(), and when kernel B comes out of the file and was not entered yet, a note on the
 * disk that it is about to be. Where that cannot be written kernel B is booted.
 */
int keep_begin(const struct config *config, struct loader *loader, struct error *err);

/*
 * After the jump: RET is what became of it, OUTCOME the answer if RET is 0. ESTALE, with *ERR set,
 * when kernel B came out of the file and is no good: then the file is gone, and kernel B has to be
 * loaded once more. Else RET.
 */
int keep_end(struct loader *loader, int ret, const struct outcome *outcome, struct error *err);

/*
 * Put the memory of a kernel B that was booted, and has jumped back with OUTCOME, into the file, if
 * CONFIG wants one. What goes wrong is told and does no harm.
 */
void keep_file(const struct config *config, const struct outcome *outcome, bool quiet);

#endif
