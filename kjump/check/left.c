/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check for what a kjump that was killed left switched off. The next one puts it back, which may be
 * weeks later; until then the system runs on fewer CPUs, or does not wake up by a key.
 */
#include <stdio.h>
#include <unistd.h>

#include "kjump/check/checks.h"
#include "kjump/paths.h"
#include "text/files.h"

/* The ledger's first line is the number of the process (kjump/save/ledger.c). */
bool check_is_left(const char *ledger, const char *proc)
{
	char text[64], process[CHECK_PATH_SIZE];
	int pid;

	if (file_read_start(ledger, text, sizeof(text)) < 0)
		return false;
	if (sscanf(text, "process = %d", &pid) != 1)
		return true;
	snprintf(process, sizeof(process), "%.400s/%d", proc, pid);
	return access(process, F_OK) != 0;
}

int check_left(struct preflight *preflight, struct error *note)
{
	char ledger[CHECK_PATH_SIZE], proc[CHECK_PATH_SIZE];

	check_path(preflight, PATH_SWITCHED, ledger, sizeof(ledger));
	check_path(preflight, PATH_PROC, proc, sizeof(proc));
	if (!check_is_left(ledger, proc))
		return 0;
	error_set(note, 0, "a kjump that was killed left CPUs or wake-ups switched off");
	return PREFLIGHT_DOUBT;
}
