/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/save/hardware.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/devices.h"

int hardware_record(const char *target, struct mailbox *mailbox, struct error *err)
{
	struct devices devices = { 0 };
	char number[32];
	struct stat st;
	size_t left;
	int ret = devices_read(&devices_running, DEVICES_DRIVEN, &devices, err);

	if (ret)
		return ret;
	if (!stat(target, &st) && S_ISBLK(st.st_mode)) {
		snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
		devices_mark_target(&devices_running, &devices, number);
	}
	left = devices_store(&devices, mailbox);
	if (left)
		message("%zu devices are more than can be recorded; a restore does not look at "
			"them",
			left);
	devices_free(&devices);
	return 0;
}
