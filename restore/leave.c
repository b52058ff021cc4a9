/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handing the machine over to the payload. */
#include "restore/leave.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/tsc.h"
#include "image/filemap.h"
#include "jump/jump.h"
#include "jump/kexec.h"
#include "memory/platform.h"
#include "restore/helpers.h"
#include "restore/keyring.h"
#include "restore/plan.h"
#include "text/files.h"

#define UART_TTYS0 0x3f8
#define UART_TTYS1 0x2f8

/* How long the payload's last words stay on the screen. */
#define MESSAGE_SECONDS 10

/* --- what the payload is told --------------------------------------------------------------- */

/* Is the frame in A's RAM, and not in the home, whose content A swaps away? */
static bool in_memory(const struct image_index *index, uint64_t pfn)
{
	return runs_contain(&index->ram, pfn) && !runs_contain(&index->home, pfn);
}

int leave_check(const struct image_index *index, struct error *err)
{
	const struct image_machine *machine = &index->machine;
	uint64_t pages = (sizeof(struct mailbox) + FRAME_SIZE - 1) / FRAME_SIZE;

	if (!in_memory(index, machine->entry >> FRAME_SHIFT))
		return error_set(err, EUCLEAN,
				 "entry %#" PRIx64 " of the saved kernel is not in its RAM",
				 machine->entry);
	if (machine->saved_context && !in_memory(index, machine->saved_context >> FRAME_SHIFT))
		return error_set(err, EUCLEAN, "saved context at %#" PRIx64 " is not in RAM",
				 machine->saved_context);
	for (uint64_t i = 0; machine->mailbox_pfn && i < pages; i++)
		if (machine->mailbox_pfn > UINT64_MAX - i ||
		    !in_memory(index, machine->mailbox_pfn + i))
			return error_set(err, EUCLEAN,
					 "mailbox at frame %#" PRIx64 " is not in RAM",
					 machine->mailbox_pfn);
	return 0;
}

/* The UART that this kernel's console is on, for the payload's error messages. */
static uint32_t serial_port(void)
{
	char text[1024];

	if (file_read_start("/proc/consoles", text, sizeof(text)) <= 0)
		return 0;
	if (strstr(text, "ttyS0 "))
		return UART_TTYS0;
	return strstr(text, "ttyS1 ") ? UART_TTYS1 : 0;
}

/* Never waits: A mixes the bytes into its own pool, so weak ones early at boot do no harm. */
static void fill_entropy(uint8_t *bytes, size_t size)
{
	if (getrandom(bytes, size, GRND_NONBLOCK) != (ssize_t)size)
		(void)!getrandom(bytes, size, GRND_INSECURE);
}

/* Ticks of the time-stamp counter in a millisecond, by how far it got since this program started.
 */
static uint64_t ticks_of_ms(const struct leave *leave)
{
	uint64_t ms = (clock_now() - leave->started) / (CLOCK_SECOND / 1000);

	return ms ? (tsc_read() - leave->started_tsc) / ms : 0;
}

/* The CPUs that compare and copy with the one that the payload starts on. */
static void find_helpers(const struct leave *leave, struct helpers *ret)
{
	char hypervisor[13];

	helpers_hypervisor(hypervisor);
	helpers_find(HELPERS_CPUINFO, hypervisor, leave->cpus, ret);
	if (ret->count && !plan_wake_pfn(leave->index)) {
		ret->count = 0;
		snprintf(ret->why, sizeof(ret->why), "the home has no memory below 1 MiB");
	}
}

static void fill_outcome(const struct leave *leave, const struct helpers *helpers,
			 struct outcome *outcome)
{
	const struct image_super *super = leave->super;

	outcome->result = RESULT_RESTORED;
	snprintf(outcome->message, sizeof(outcome->message), "restored");
	memcpy(outcome->image, super->image_uuid, sizeof(outcome->image));
	image_super_count(super, outcome);
	outcome->bytes_written = super->own_bytes;
	outcome->restored_in_place = leave->stage->plan.in_place;
	outcome->restored_copied = leave->stage->plan.copied;
	memcpy(outcome->stamps, leave->index->machine.stamps, sizeof(leave->index->machine.stamps));
	outcome->stamps[STAMP_HANDOVER] = tsc_read();
	outcome->restore_ns[0] = leave->started;
	outcome->restore_ns[1] = leave->stage->read_time;
	outcome->restore_ns[2] = leave->prepared;
	outcome->cpus_wanted = helpers->count ? helpers->count : 1;
	fill_entropy(outcome->entropy, sizeof(outcome->entropy));
}

static int load(const struct leave *leave, const struct helpers *helpers, struct error *err)
{
	const struct image_machine *machine = &leave->index->machine;
	const struct plan *plan = &leave->stage->plan;
	struct jump_handover handover = {
		.home_start = machine->home_start,
		.home_size = leave->stage->home.count * FRAME_SIZE,
		.ram = &leave->index->ram,
		.payload = {
			.version = ABI_VERSION,
			.serial = serial_port(),
			.entry = machine->entry,
			.saved_context = machine->saved_context,
			.s_cet = platform_s_cet(machine->cpu_features),
			.chunk_count = plan->chunk_count,
			.run_count = plan->run_count,
			.clear_count = plan->clear_count,
			.mailbox = machine->mailbox_pfn << FRAME_SHIFT,
			.sequence = machine->sequence,
			.features = machine->cpu_features,
			.pause = ticks_of_ms(leave) * 1000 * MESSAGE_SECONDS,
			.wake_pfn = helpers->count ? plan_wake_pfn(leave->index) : 0,
			.ticks_ms = ticks_of_ms(leave),
			.apic_count = helpers->count,
		},
		.chunks = plan->chunks,
		.runs = plan->runs,
		.clears = plan->clears,
	};

	memcpy(handover.payload.magic, PAYLOAD_MAGIC, sizeof(handover.payload.magic));
	memcpy(handover.payload.nonce, machine->nonce, sizeof(handover.payload.nonce));
	memcpy(handover.payload.apic_ids, helpers->apic_ids, sizeof(helpers->apic_ids));
	fill_outcome(leave, helpers, &handover.payload.outcome);
	return jump_handover_load(&handover, err);
}

/* --- the jump ------------------------------------------------------------------------------- */

static void announce(const struct leave *leave, const struct helpers *helpers)
{
	const struct stage *stage = leave->stage;
	uint64_t tenths = stage->read_time / (CLOCK_SECOND / 10);
	char cpus[128];

	if (leave->quiet)
		return;
	if (helpers->count)
		snprintf(cpus, sizeof(cpus), "%" PRIu32 " CPUs", helpers->count);
	else
		snprintf(cpus, sizeof(cpus), "one CPU (%s)", helpers->why);
	/* Where the payload cannot write to the screen, this is the last that somebody sees. */
	message("%" PRIu64 " pages (in place %" PRIu64 ", copied %" PRIu64 "), %" PRIu64
		" MB read in %" PRIu64 ".%" PRIu64 " s; jumping with %s into %.*s; should the "
		"machine start anew instead, rd.kjump.again restores it once more",
		stage->plan.in_place + stage->plan.copied, stage->plan.in_place, stage->plan.copied,
		leave->super->stored_bytes / 1000000, tenths / 10, tenths % 10, cpus,
		(int)sizeof(leave->index->machine.release), leave->index->machine.release);
}

/* The image goes back to STATE after a jump that did not happen; adds to err when it does not. */
static void take_back(struct leave *leave, uint32_t state, struct error *err)
{
	struct error second = { 0 };
	int rc = 0;

	if (leave->disk->fd < 0)
		rc = filemap_open(leave->target, DISK_WRITE, leave->disk, &second);
	leave->super->state = state;
	if (!rc)
		rc = image_super_write(leave->disk, leave->super, &second);
	if (!rc)
		return;
	leave->super->state = IMAGE_HANDED_OVER;
	error_prefix(err, "state could not be taken back (%.80s)", second.text);
}

int leave_jump(struct leave *leave, struct error *err)
{
	uint32_t before = leave->super->state;
	struct helpers helpers;
	int rc;

	find_helpers(leave, &helpers);
	rc = load(leave, &helpers, err);
	if (rc)
		return rc;
	rc = frames_check(&leave->stage->frames, err);
	if (rc)
		goto unload;
	announce(leave, &helpers);
	/* This kernel's memory is A's in a moment. */
	keyring_forget();
	leave->super->state = IMAGE_HANDED_OVER;
	rc = image_super_write(leave->disk, leave->super, err);
	if (!rc) {
		disk_close(leave->disk);
		rc = kexec_execute(err);
		if (!rc)
			error_set(err, EIO, "the jump came back");
	}
	take_back(leave, before, err);
unload:
	/* Otherwise an ordinary kexec reboot would run the payload later. */
	kexec_unload(&(struct error){ 0 });
	return -err->code;
}
