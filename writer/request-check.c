/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything in a request is a lie until it was looked at: it comes from another kernel. */
#include "writer/request-check.h"

#include <errno.h>

#include "common/safe.h"
#include "disk/devices.h"

static int check_devices(const struct mailbox *mailbox, struct error *err)
{
	bool valid = mailbox->pci_count <= MAILBOX_PCI_MAX &&
		     mailbox->disk_count <= MAILBOX_DISK_MAX &&
		     mailbox->efi_count <= MAILBOX_EFI_MAX && !mailbox->reserved1;

	for (uint32_t i = 0; valid && i < mailbox->pci_count; i++)
		valid = devices_pci_valid(&mailbox->pci[i]);
	for (uint32_t i = 0; valid && i < mailbox->disk_count; i++)
		valid = devices_disk_valid(&mailbox->disks[i]);
	for (uint32_t i = 0; valid && i < mailbox->efi_count; i++)
		valid = !mailbox->efi[i].reserved;
	return valid ? 0 : error_set(err, EINVAL, "request: impossible list of devices");
}

int request_check(const struct mailbox *mailbox, struct error *err)
{
	const struct request *request = &mailbox->request;

	if (request->operation != OP_HIBERNATE && request->operation != OP_CHECKPOINT)
		return error_set(err, EINVAL, "request: unknown operation %u", request->operation);
	if (request->flags & ~(uint32_t)REQUEST_FLAGS)
		return error_set(err, EINVAL, "request: unknown flags %#x", request->flags);
	if (!safe_is_text(request->target, sizeof(request->target)) ||
	    !safe_is_text(request->target_name, sizeof(request->target_name)))
		return error_set(err, EINVAL, "request: unterminated text");
	if (request->piece_count > REQUEST_PIECE_MAX)
		return error_set(err, EINVAL, "request: %u pieces", request->piece_count);
	if (request->watch_count > MAILBOX_WATCH_MAX || request->seal_count > request->watch_count)
		return error_set(err, EINVAL, "request: %u extents to watch", request->watch_count);
	if (request->watchdog_count > REQUEST_WATCHDOG_MAX)
		return error_set(err, EINVAL, "request: %u watchdogs", request->watchdog_count);
	for (uint32_t i = 0; i < request->watchdog_count; i++) {
		if (!safe_is_text(request->watchdogs[i].identity,
				  sizeof(request->watchdogs[i].identity)))
			return error_set(err, EINVAL, "request: unterminated text");
	}
	return check_devices(mailbox, err);
}
