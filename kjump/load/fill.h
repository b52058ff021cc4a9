/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What A's allocator expects to find in its free pages.
 */
#ifndef KJUMP_LOAD_FILL_H
#define KJUMP_LOAD_FILL_H

#include "common/abi.h"

/*
 * The policy of a kernel with the command line CMDLINE and the configuration text KCONFIG (NULL =
 * unknown). FILL_ZERO when it cannot be told: it is right for every kernel but one that poisons.
 */
enum fill fill_policy(const char *cmdline, const char *kconfig);

/*
 * The running kernel's configuration from GZIPPED (/proc/config.gz, through gzip) or else PLAIN
 * (/boot/config-RELEASE). NULL when neither can be read; free() ends it.
 */
char *fill_kconfig(const char *gzipped, const char *plain);

#endif
