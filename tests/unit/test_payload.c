/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload's work: what it believes, what it puts in place, what it says. */
#include "fake-payload.h"

static void restores(void **state)
{
	const struct mailbox *mailbox = frame(MAILBOX);

	(void)state;
	assert_true(run(make()));
	for (unsigned i = 0; i < 3; i++)
		assert_true(has_content(FIRST + 20 + i, 1 + i));
	assert_true(has_content(FIRST + 30, 4));
	assert_true(has_content(FIRST + 31, 5));
	for (unsigned i = 0; i < 4 * FRAME_SIZE; i++)
		assert_int_equal(((uint8_t *)frame(FIRST + 40))[i], 0);
	for (unsigned i = 0; i < FRAME_SIZE; i++)
		assert_int_equal(((uint8_t *)frame(FIRST + 50))[i], 0xaa);
	assert_int_equal(((uint8_t *)frame(FIRST + 51))[0], 0x5a);
	assert_int_equal(mailbox->answered, 9);
	assert_int_equal(mailbox->outcome.result, RESULT_RESTORED);
	assert_int_equal(machine.length, 0);
	assert_int_equal(machine.reset, 0);
	/* With what there is: nobody else was to be called, and no page was written to for it. */
	assert_int_equal(mailbox->outcome.cpus, 1);
	assert_int_equal(machine.inits, 0);
	assert_int_equal(*(uint64_t *)frame(WAKE), 0);
	for (int i = STAMP_PAYLOAD; i < STAMP_ALONE; i++)
		assert_in_range(mailbox->outcome.stamps[i + 1], mailbox->outcome.stamps[i] + 1,
				machine.ticks);
}

static void mismatches(void **state)
{
	struct payload *payload = make();

	(void)state;
	((uint8_t *)frame(FIRST + 42))[4095] ^= 1;
	gives_up(payload, "checksum mismatch in a page");
	assert_true(machine.length > 0);
	assert_in_range(machine.ticks, 5000, 8000);

	payload = make();
	((struct payload_run *)payload->runs)[1].target++;
	gives_up(payload, "checksum mismatch in the page lists");
	assert_true(machine.length > 0);

	payload = make();
	payload->magic[7] ^= 1;
	gives_up(payload, "bad magic of the payload");
}

/* No field of the struct is believed before all of it was found right. */
static void damaged_struct(void **state)
{
	(void)state;
	for (size_t at = 8; at < sizeof(struct payload); at += 1 + at / 64) {
		struct payload *payload = make();

		((uint8_t *)payload)[at] ^= 0x80;
		gives_up(payload, "checksum mismatch in the payload");
	}
	/* A serial port that is none, a pause of centuries. */
	struct payload *payload = make();

	payload->serial = 0x378;
	payload->pause = UINT64_MAX;
	machine.step = 1ULL << 30;
	gives_up(payload, "checksum mismatch in the payload");
	assert_int_equal(machine.length, 0);
	assert_in_range(machine.ticks, PAUSE_MAX, PAUSE_MAX + 3 * machine.step);
}

/* Only the mailbox of this request, as this version lays it out, is written to. */
static void other_mailboxes(void **state)
{
	struct mailbox *mailbox = frame(MAILBOX);

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct payload *payload = make();

		switch (i) {
		case 0:
			mailbox->magic[7] ^= 1;
			break;
		case 1:
			mailbox->nonce[15] ^= 1;
			break;
		case 2:
			mailbox->sequence++;
			break;
		case 3:
			mailbox->version++;
			break;
		default:
			payload->mailbox = 0;
			set_hash(payload);
		}
		assert_true(run(payload));
		assert_true(has_content(FIRST + 31, 5));
		assert_int_equal(mailbox->answered, 8);
		assert_int_equal(mailbox->outcome.result, 0x5a5a5a5a);
	}
}

/* A in xAPIC mode gets it, where C has left it; x2APIC mode it enters by itself. */
static void apic_modes(void **state)
{
	const uint64_t xapic = 0xfee00900, x2apic = 0xfee00d00;
	struct payload *payload;

	(void)state;
	for (int capable = 0; capable < 3; capable++) {
		payload = make();
		machine.arch_capabilities = capable == 2 ? 1 << 21 : capable;
		machine.apic_base = x2apic;
		assert_true(run(payload));
		assert_int_equal(machine.apic_base, xapic);
		assert_true(has_content(FIRST + 31, 5));
	}
	payload = make();
	machine.apic_base = xapic;
	assert_true(run(payload));
	assert_int_equal(machine.apic_writes, 0);

	for (int i = 0; i < 2; i++) {
		payload = make();
		payload->features = CPU_FEATURE_X2APIC;
		set_hash(payload);
		machine.apic_base = i ? x2apic : xapic;
		assert_true(run(payload));
		assert_int_equal(machine.apic_writes, 0);
	}

	payload = make();
	machine.apic_base = x2apic;
	machine.arch_capabilities = 1 << 21;
	machine.xapic_status = 1;
	gives_up(payload, "it needs the xAPIC mode, which this machine's firmware forbids");
}

/* Pieces of what is cleared end where they do, and not where entries do. */
static void clears_in_pieces(void **state)
{
	(void)state;
	for (unsigned first = CLEAR_PAGES - 2; first <= CLEAR_PAGES + 2; first++) {
		struct payload *payload = make();
		struct payload_clear clears[] = { { LARGE, first, 0, 1 },
						  { LARGE + first + 1, 1, first, 2 },
						  { LARGE + first + 3, CLEAR_PAGES, first + 1,
						    3 } };

		memset(frame(LARGE), 0x5a, LARGE_FRAMES * FRAME_SIZE);
		payload->clears = (uintptr_t)clears;
		payload->clear_count = 3;
		clear_pages(payload);
		for (unsigned i = 0; i < LARGE_FRAMES; i++) {
			uint8_t wanted = i < first		       ? 1
					 : i == first + 1	       ? 2
					 : i < first + 3	       ? 0x5a
					 : i < first + 3 + CLEAR_PAGES ? 3
								       : 0x5a;

			for (unsigned k = 0; k < FRAME_SIZE; k += FRAME_SIZE - 1)
				assert_int_equal(((uint8_t *)frame(LARGE + i))[k], wanted);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restores),	  cmocka_unit_test(mismatches),
		cmocka_unit_test(damaged_struct), cmocka_unit_test(other_mailboxes),
		cmocka_unit_test(apic_modes),	  cmocka_unit_test(clears_in_pieces),
	};

	if (!map_all())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
