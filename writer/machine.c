/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image's record of the machine that it belongs to, from handoff area, live page and mailbox.
 */
#include "writer/machine.h"

#include <string.h>

#include "memory/entry.h"

int machine_describe(struct memory *memory, const struct handoff_view *view,
		     const struct mailbox *mailbox, const uint64_t *stamps, const struct runs *ram,
		     const struct runs *home, struct image_machine *ret, struct error *err)
{
	const struct handoff *handoff = view->handoff;
	int r = memory_check_entry(memory, view->live->entry, ram, home, err);

	if (r)
		return r;
	*ret = (struct image_machine){
		.entry = view->live->entry,
		.saved_context = handoff->saved_context,
		.mailbox_pfn = handoff->mailbox_pfn,
		.sequence = mailbox->sequence,
		.home_start = handoff->home_start,
		.cpu_features = handoff->cpu_features,
		.efi_runtime_digest = handoff->efi_runtime_digest,
		.cpu_signature = handoff->cpu_signature,
		.facs_signature = handoff->facs_signature,
		.fill = handoff->fill,
		.created = mailbox->request.time,
		.kexec_list = mailbox->request.kexec_list,
	};
	memcpy(ret->stamps, stamps, sizeof(ret->stamps));
	memcpy(ret->nonce, mailbox->nonce, sizeof(ret->nonce));
	memcpy(ret->cpu_vendor, handoff->cpu_vendor, sizeof(ret->cpu_vendor));
	memcpy(ret->release, handoff->release, sizeof(ret->release));
	memcpy(ret->build, handoff->build, sizeof(ret->build));
	return 0;
}
