/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frozen machine in a file: 32 MiB in which byte N is physical byte N, with RAM that has holes,
 * a home in its middle, handoff area, live page and mailbox.
 */
#ifndef TESTS_FAKE_MACHINE_H
#define TESTS_FAKE_MACHINE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/abi.h"
#include "common/crc32c.h"
#include "memory/memory.h"

#define FAKE_SIZE    (UINT64_C(32) << 20)
#define FAKE_FRAMES  (FAKE_SIZE / FRAME_SIZE)
#define FAKE_HOME    UINT64_C(0x800000) /* bytes; 4 MiB */
#define FAKE_MAILBOX UINT64_C(0x1000)	/* frame at 16 MiB */
#define FAKE_ENTRY   UINT64_C(0x12340f2)
#define FAKE_CONTEXT UINT64_C(0x1e00000)   /* A's struct saved_context */
#define FAKE_CR4     UINT64_C(0x100f72ef0) /* FRED in use */

static const struct run fake_ram[] = {
	{ 0x0, 0x9f },	   /* low memory, frame 0 included */
	{ 0x100, 0x1500 }, /* all of the home in its middle */
	{ 0x1640, 0x301 }, /* behind a hole, up to an odd frame */
	{ 0x1c00, 0x400 }, /* up to the end of the file */
};

static const struct run fake_home[] = {
	{ FAKE_HOME >> FRAME_SHIFT, 0x400 },
	{ 0x1, 0x9e }, /* low memory but frame 0; behind the other one, as segments may be */
};

struct fake_machine {
	char path[32];
	int fd;
	struct memory *memory;
	struct handoff handoff;
	struct live_page live;
	struct mailbox mailbox;
};

/* Not inlined: with sanitizers gcc 12 takes the whole struct for its first field otherwise. */
static __attribute__((noinline, unused)) void
fake_write(struct fake_machine *fake, const void *bytes, size_t size, uint64_t address)
{
	assert_int_equal(pwrite(fake->fd, bytes, size, (off_t)address), size);
}

/* Write the handoff area with a right checksum, and the live page. */
static inline void fake_write_head(struct fake_machine *fake)
{
	fake->handoff.crc = 0;
	fake->handoff.crc = crc32c(0, &fake->handoff, sizeof(fake->handoff));
	fake_write(fake, &fake->handoff, sizeof(fake->handoff), FAKE_HOME + HEAD_HANDOFF);
	fake_write(fake, &fake->live, sizeof(fake->live), FAKE_HOME + HEAD_LIVE);
}

static inline void fake_write_mailbox(struct fake_machine *fake)
{
	fake_write(fake, &fake->mailbox, sizeof(fake->mailbox), FAKE_MAILBOX << FRAME_SHIFT);
}

/* Frames by threes: mostly random; some compressible, zero, or zero but for the last byte. */
static inline void fake_write_frames(struct fake_machine *fake)
{
	unsigned char *page = malloc(FRAME_SIZE);
	uint64_t pfn, random = 88172645463325252u;
	size_t i;

	assert_non_null(page);
	for (pfn = 0; pfn < FAKE_FRAMES; pfn++) {
		unsigned kind = (unsigned)(pfn / 3 % 8);

		memset(page, kind == 1 ? (int)(pfn & 0x7f) + 1 : 0, FRAME_SIZE);
		for (i = 0; i < FRAME_SIZE && (kind % 2 == 0 || kind == 7); i += sizeof(random)) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			memcpy(page + i, &random, sizeof(random));
		}
		if (kind == 5)
			page[FRAME_SIZE - 1] = 1;
		fake_write(fake, page, FRAME_SIZE, pfn * FRAME_SIZE);
	}
	free(page);
}

static inline void fake_fill_handoff(struct handoff *handoff)
{
	memcpy(handoff->magic, HANDOFF_MAGIC, sizeof(handoff->magic));
	handoff->version = ABI_VERSION;
	memset(handoff->nonce, 0x5a, sizeof(handoff->nonce));
	handoff->mailbox_pfn = FAKE_MAILBOX;
	handoff->home_start = FAKE_HOME;
	handoff->saved_context = FAKE_CONTEXT;
	handoff->cpu_features = CPU_FEATURE_NX | CPU_FEATURE_IBT;
	handoff->xcr0 = 0x207;
	for (uint32_t i = 0; i < CPUID_WORDS; i++)
		handoff->cpuid[i] = 0x1000 + i;
	handoff->fill = FILL_ZERO;
	handoff->ram_count = sizeof(fake_ram) / sizeof(fake_ram[0]);
	memcpy(handoff->ram, fake_ram, sizeof(fake_ram));
	handoff->home_count = sizeof(fake_home) / sizeof(fake_home[0]);
	memcpy(handoff->home, fake_home, sizeof(fake_home));
	handoff->firmware_count = 2;
	handoff->firmware[0] = (struct firmware_range){ 0, 0x9f000, 1, 0 };
	handoff->firmware[1] = (struct firmware_range){ 0x100000, 0x1f00000, 1, 0 };
	handoff->cpu_signature = 0x806f8;
	strcpy(handoff->cpu_vendor, "GenuineIntel");
	strcpy(handoff->release, "6.12.0-fake");
	strcpy(handoff->build, "#1 SMP");
	strcpy(handoff->vmcoreinfo, "OSRELEASE=6.12.0-fake\nPAGESIZE=4096\n");
	handoff->vmcoreinfo_size = (uint32_t)strlen(handoff->vmcoreinfo);
}

/* The whole machine, ready to be asked; the mailbox has a checkpoint request without target. */
static inline int fake_setup(void **state)
{
	struct fake_machine *fake = calloc(1, sizeof(*fake));
	static const unsigned char call[] = { 0xff, 0xd2 };
	const uint64_t cr4 = FAKE_CR4;
	struct error err = { 0 };

	assert_non_null(fake);
	strcpy(fake->path, "/tmp/kjump-test-XXXXXX");
	fake->fd = mkstemp(fake->path);
	assert_true(fake->fd >= 0);
	fake_write_frames(fake);
	fake_write(fake, call, sizeof(call), FAKE_ENTRY - sizeof(call));
	fake_write(fake, &cr4, sizeof(cr4), FAKE_CONTEXT + SAVED_CONTEXT_CR4);

	fake_fill_handoff(&fake->handoff);
	memcpy(fake->live.magic, LIVE_MAGIC, sizeof(fake->live.magic));
	fake->live.version = ABI_VERSION;
	fake->live.entry = FAKE_ENTRY;
	fake->live.jumps = 3;
	fake->live.tsc_entered = 1234;
	fake->live.apic_base = 0xfee00d00; /* of the boot CPU, enabled, x2APIC */
	fake_write_head(fake);

	memcpy(fake->mailbox.magic, MAILBOX_MAGIC, sizeof(fake->mailbox.magic));
	fake->mailbox.version = ABI_VERSION;
	memcpy(fake->mailbox.nonce, fake->handoff.nonce, sizeof(fake->mailbox.nonce));
	fake->mailbox.sequence = 7;
	fake->mailbox.answered = 6;
	fake->mailbox.request.operation = OP_CHECKPOINT;
	fake->mailbox.request.level = 1;
	fake->mailbox.outcome.stamps[STAMP_JUMP] = 1000;
	fake_write_mailbox(fake);

	assert_int_equal(memory_open(fake->path, &fake->memory, &err), 0);
	*state = fake;
	return 0;
}

static inline int fake_teardown(void **state)
{
	struct fake_machine *fake = *state;

	memory_close(fake->memory);
	close(fake->fd);
	unlink(fake->path);
	free(fake);
	return 0;
}

#endif
