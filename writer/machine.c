/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image's record of the machine that it belongs to, from handoff area, live page and mailbox.
 */
#include "writer/machine.h"

#include <string.h>

#include "memory/entry.h"

#define CR4_PAE	     (1ULL << 5)
#define CR4_FRED     (1ULL << 32)
#define APIC_BASE_X2 (1ULL << 10)

/*
 * Control register 4 as A's kernel saved it for its own return (save_processor_state()): what we
 * were entered with has only what paging needs. 0 when it cannot be had.
 */
static uint64_t saved_cr4(struct memory *memory, uint64_t context, const struct runs *ram,
			  const struct runs *home)
{
	uint64_t cr4 = 0, at = context + SAVED_CONTEXT_CR4; /* a packed struct, anywhere */
	uint64_t first = at >> FRAME_SHIFT, last = (at + sizeof(cr4) - 1) >> FRAME_SHIFT;
	struct memory_window window = { 0 };
	struct error ignored = { 0 };
	const void *bytes;

	if (!context || !runs_contain(ram, first) || !runs_contain(ram, last) ||
	    runs_contain(home, first) || runs_contain(home, last) ||
	    memory_map(memory, &window, first, last - first + 1, last + 1, &bytes, &ignored))
		return 0;
	memcpy(&cr4, (const char *)bytes + at % FRAME_SIZE, sizeof(cr4));
	memory_unmap(&window);
	return cr4 & CR4_PAE ? cr4 : 0; /* no 64-bit kernel runs without */
}

static uint64_t features_in_use(const struct handoff_view *view, uint64_t cr4)
{
	return view->handoff->cpu_features | (cr4 & CR4_FRED ? CPU_FEATURE_FRED : 0) |
	       (view->live->apic_base & APIC_BASE_X2 ? CPU_FEATURE_X2APIC : 0);
}

int machine_describe(struct memory *memory, const struct handoff_view *view,
		     const struct mailbox *mailbox, const uint64_t *stamps, const struct runs *ram,
		     const struct runs *home, struct image_machine *ret, struct error *err)
{
	const struct handoff *handoff = view->handoff;
	uint64_t cr4 = saved_cr4(memory, handoff->saved_context, ram, home);
	int r = memory_check_entry(memory, view->live->entry, ram, home, err);

	if (r)
		return r;
	*ret = (struct image_machine){
		.entry = view->live->entry,
		.saved_context = handoff->saved_context,
		.mailbox_pfn = handoff->mailbox_pfn,
		.sequence = mailbox->sequence,
		.home_start = handoff->home_start,
		.cpu_features = features_in_use(view, cr4),
		.efi_runtime_digest = handoff->efi_runtime_digest,
		.cpu_signature = handoff->cpu_signature,
		.facs_signature = handoff->facs_signature,
		/*
		 * What kernel C held in frames that are free to A must not be found there: it has
		 * known keys.
		 */
		.fill = handoff->fill == FILL_NONE && mailbox->request.seal.key.algorithm
				? FILL_ZERO
				: handoff->fill,
		.created = mailbox->request.time,
		.kexec_list = mailbox->request.kexec_list,
		.cr4 = cr4,
		.xcr0 = handoff->xcr0,
	};
	memcpy(ret->stamps, stamps, sizeof(ret->stamps));
	memcpy(ret->nonce, mailbox->nonce, sizeof(ret->nonce));
	memcpy(ret->cpu_vendor, handoff->cpu_vendor, sizeof(ret->cpu_vendor));
	memcpy(ret->cpuid, handoff->cpuid, sizeof(ret->cpuid));
	memcpy(ret->release, handoff->release, sizeof(ret->release));
	memcpy(ret->build, handoff->build, sizeof(ret->build));
	return 0;
}
