/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this system's drivers hold, for the kernel that restores it.
 */
#ifndef KJUMP_SAVE_HARDWARE_H
#define KJUMP_SAVE_HARDWARE_H

#include "common/abi.h"
#include "common/error.h"

/*
 * Record PCI devices and disks (disk/devices.h) and the EFI runtime map in the mailbox; TARGET is
 * the path of what the image goes to. A message says when there are more than it has room for.
 */
int hardware_record(const char *target, struct mailbox *mailbox, struct error *err);

#endif
