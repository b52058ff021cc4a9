// SPDX-License-Identifier: GPL-2.0
/* Why the last call was refused. */
#include <linux/kernel.h>
#include <linux/printk.h>

#include "kjump.h"

static char refused[KJUMP_CAUSE_SIZE];

int kjump_refuse(int error, const char *cause, ...)
{
	va_list arguments;

	va_start(arguments, cause);
	vscnprintf(refused, sizeof(refused), cause, arguments);
	va_end(arguments);
	pr_notice("kjump: refused: %s (error %d)\n", refused, error);
	return error;
}

void kjump_refused_none(void)
{
	*refused = 0;
}

const char *kjump_refused(void)
{
	return refused;
}
