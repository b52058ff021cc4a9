/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hybrid sleep.
 */
#include "kjump/save/hybrid.h"

#include <errno.h>
#include <linux/suspend_ioctls.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kjump/paths.h"
#include "text/files.h"

int hybrid_supported(const struct jump_backend *backend, const char *mem_sleep, struct error *err)
{
	struct error ignored = { 0 };
	char text[64];

	if (backend->stays_frozen(err))
		return error_prefix(err, "hybrid sleep");
	/* SNAPSHOT_S2RAM knows suspension by the firmware alone. */
	if (file_read(mem_sleep, text, sizeof(text), &ignored) || !strstr(text, "deep"))
		return error_set(err, EOPNOTSUPP,
				 "hybrid sleep: this machine has no suspend to RAM by its firmware "
				 "(S3)");
	return 0;
}

int hybrid_suspend(int snapshot, struct error *err)
{
	if (ioctl(snapshot, SNAPSHOT_S2RAM))
		return error_errno(err, "saved, but the machine did not suspend to RAM");
	return 0;
}
