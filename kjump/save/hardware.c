/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/save/hardware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/devices.h"
#include "memory/efi-map.h"

static int record_efi(struct mailbox *mailbox, struct error *err)
{
	struct efi_range *map = NULL;
	size_t count = 0;
	int ret = efi_map_read("/sys/firmware/efi/runtime-map", &map, &count, err);

	if (ret)
		return ret;
	/* It says what has changed; that something has, the digest tells. */
	mailbox->efi_count = count < MAILBOX_EFI_MAX ? (uint32_t)count : MAILBOX_EFI_MAX;
	if (mailbox->efi_count)
		memcpy(mailbox->efi, map, mailbox->efi_count * sizeof(*map));
	free(map);
	return 0;
}

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
	return record_efi(mailbox, err);
}
