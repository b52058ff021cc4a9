/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request in the mailbox of a machine in a file to the outcome there. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/safe.h"
#include "disk/disk.h"
#include "image/image.h"
#include "seal/aead.h"
#include "tests/unit/fake-machine.h"
#include "tests/unit/temp-file.h"
#include "writer/request.h"

#define DEVICE_SIZE (UINT64_C(64) << 20)

struct fixture {
	struct fake_machine *fake;
	char device[32];
	char cmdline[32];
	struct image_super formatted;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error err = { 0 };
	struct disk disk;

	assert_non_null(fixture);
	fake_setup((void **)&fixture->fake);
	temp_file(fixture->cmdline, "console=ttyS0 kjump.home=0x800000\n");
	temp_file(fixture->device, "");
	assert_int_equal(truncate(fixture->device, DEVICE_SIZE), 0);
	assert_int_equal(disk_open(fixture->device, DISK_WRITE, &disk, &err), 0);
	assert_int_equal(image_format(&disk, "test", &fixture->formatted, &err), 0);
	disk_close(&disk);
	strcpy(fixture->fake->mailbox.request.target, fixture->device);
	strcpy(fixture->fake->mailbox.request.target_name, "the device");
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->device);
	unlink(fixture->cmdline);
	fake_teardown((void **)&fixture->fake);
	free(fixture);
	return 0;
}

/* Put the request in, have it answered, get the mailbox back. */
static enum write_exit answer(struct fixture *fixture, struct mailbox *ret)
{
	struct fake_machine *fake = fixture->fake;
	enum write_exit status;

	fake_write_head(fake);
	fake_write_mailbox(fake);
	status = request_answer(fake->memory, fixture->cmdline, NULL, 0);
	assert_int_equal(pread(fake->fd, ret, sizeof(*ret), FAKE_MAILBOX << FRAME_SHIFT),
			 sizeof(*ret));
	return status;
}

static enum write_exit abandon_request(struct fixture *fixture, struct mailbox *ret)
{
	struct fake_machine *fake = fixture->fake;
	enum write_exit status = request_abandon(fake->memory, fixture->cmdline, "137", 0);

	assert_int_equal(pread(fake->fd, ret, sizeof(*ret), FAKE_MAILBOX << FRAME_SHIFT),
			 sizeof(*ret));
	return status;
}

static void read_image(const struct fixture *fixture, struct disk *disk, struct image_super *super)
{
	struct error err = { 0 };

	assert_int_equal(disk_open(fixture->device, DISK_READ, disk, &err), 0);
	assert_int_equal(image_super_read(disk, super, &err), 0);
}

static void expect_untouched(const struct fixture *fixture)
{
	struct image_super super;
	struct disk disk;

	read_image(fixture, &disk, &super);
	assert_memory_equal(&super, &fixture->formatted, sizeof(super));
	disk_close(&disk);
}

#define FAKE_TABLES 0xe0 /* two frames of ACPI tables, in no list of RAM */

static size_t kept_tables; /* bytes of them in the image */

/* Copy what the image has of the mailbox's frames to CONTEXT, a struct mailbox. */
static int keep_mailbox(void *context, size_t number, const struct image_chunk *chunk,
			const struct run *runs, const void *pages, struct error *err)
{
	const uint64_t end = FAKE_MAILBOX + sizeof(struct mailbox) / FRAME_SIZE;
	const char *page = pages;
	uint32_t i;

	(void)number;
	(void)err;
	for (i = 0; i < chunk->run_count; i++) {
		uint64_t pfn;

		for (pfn = runs[i].pfn; pfn < runs[i].pfn + runs[i].count; pfn++) {
			if (pfn >= FAKE_MAILBOX && pfn < end)
				memcpy((char *)context + (pfn - FAKE_MAILBOX) * FRAME_SIZE, page,
				       FRAME_SIZE);
			for (int k = 0; pfn - FAKE_TABLES < 2 && k < FRAME_SIZE; k++)
				kept_tables += page[k] == 'T';
			page += FRAME_SIZE;
		}
	}
	return 0;
}

/* The image holds the machine, and its mailbox as it was before the answer. */
static void check_image(const struct fixture *fixture, uint32_t kind, struct image_super *super)
{
	const struct fake_machine *fake = fixture->fake;
	struct mailbox *saved = calloc(1, sizeof(*saved));
	struct image_index index = { 0 };
	struct error err = { 0 };
	struct disk disk;

	assert_non_null(saved);
	read_image(fixture, &disk, super);
	assert_int_equal(super->state, IMAGE_VALID);
	assert_int_equal(super->kind, kind);
	assert_int_equal(image_index_read(&disk, super, NULL, &index, &err), 0);
	assert_int_equal(index.machine.entry, FAKE_ENTRY);
	assert_int_equal(index.machine.sequence, 7);
	assert_int_equal(index.machine.mailbox_pfn, FAKE_MAILBOX);
	assert_int_equal(index.machine.home_start, FAKE_HOME);
	assert_int_equal(index.machine.saved_context, fake->handoff.saved_context);
	assert_int_equal(index.machine.cr4, FAKE_CR4);
	assert_int_equal(index.machine.xcr0, 0x207);
	assert_int_equal(index.machine.cpu_features,
			 CPU_FEATURE_NX | CPU_FEATURE_IBT | CPU_FEATURE_FRED | CPU_FEATURE_X2APIC);
	assert_memory_equal(index.machine.cpuid, fake->handoff.cpuid, sizeof(index.machine.cpuid));
	assert_int_equal(index.machine.fill, FILL_ZERO);
	assert_memory_equal(index.machine.nonce, fake->handoff.nonce, 16);
	assert_string_equal(index.machine.release, "6.12.0-fake");
	assert_string_equal(index.machine.cpu_vendor, "GenuineIntel");
	assert_int_equal(index.firmware_count, fake->handoff.firmware_count);
	/* ACPI tables come along, those that can be read. */
	assert_int_equal(runs_contain(&index.ram, FAKE_TABLES), index.firmware_count > 2);
	assert_int_equal(runs_contain(&index.ram, FAKE_TABLES + 1), index.firmware_count > 2);
	assert_false(runs_contain(&index.ram, FAKE_TABLES + 2));
	assert_false(runs_contain(&index.ram, FAKE_SIZE >> FRAME_SHIFT));
	assert_string_equal(index.vmcoreinfo, fake->handoff.vmcoreinfo);
	assert_int_equal(index.pci_count, fake->mailbox.pci_count);
	assert_memory_equal(index.pci, fake->mailbox.pci, index.pci_count * sizeof(*index.pci));
	assert_int_equal(index.disk_count, fake->mailbox.disk_count);
	assert_memory_equal(index.disks, fake->mailbox.disks,
			    index.disk_count * sizeof(*index.disks));
	assert_int_equal(index.efi_count, fake->mailbox.efi_count);
	assert_memory_equal(index.efi, fake->mailbox.efi, index.efi_count * sizeof(*index.efi));
	assert_int_equal(runs_total(&index.home), 0x400 + 0x9e);

	kept_tables = 0;
	assert_int_equal(
		image_read_chunks(&disk, &index, 1,
				  &(struct image_sink){ .take = keep_mailbox, .context = saved },
				  &err),
		0);
	assert_int_equal(kept_tables, index.firmware_count > 2 ? 2 * FRAME_SIZE : 0);
	assert_memory_equal(saved, &fake->mailbox, sizeof(*saved) / FRAME_SIZE * FRAME_SIZE);
	assert_int_equal(saved->answered, 6);
	image_index_free(&index);
	disk_close(&disk);
	free(saved);
}

static void expect_saved(struct fixture *fixture, enum write_exit status, uint32_t kind)
{
	static const uint8_t nothing[64];
	struct image_super super;
	struct mailbox mailbox;
	const struct outcome *outcome = &mailbox.outcome;

	assert_int_equal(answer(fixture, &mailbox), status);
	check_image(fixture, kind, &super);
	assert_int_equal(mailbox.sequence, 7);
	assert_int_equal(mailbox.answered, 7);
	assert_int_equal(outcome->result, RESULT_SAVED);
	assert_int_equal(outcome->error, 0);
	assert_memory_equal(outcome->message, "the device: saved", 17);
	assert_memory_equal(outcome->image, super.image_uuid, 16);
	assert_int_equal(outcome->ram_pages, super.ram_pages);
	assert_int_equal(outcome->data_pages, super.data_pages);
	assert_int_equal(outcome->zero_pages, super.zero_pages);
	assert_int_equal(outcome->home_pages, super.home_pages);
	assert_true(outcome->bytes_written >= super.stored_bytes);
	assert_int_equal(outcome->jumps, 3);
	assert_int_equal(outcome->stamps[STAMP_JUMP], 1000);
	assert_int_equal(outcome->stamps[STAMP_ENTERED], 1234);
	assert_true(outcome->stamps[STAMP_INIT] > 1234);
	assert_true(outcome->stamps[STAMP_SAVE_START] >= outcome->stamps[STAMP_INIT]);
	assert_true(outcome->stamps[STAMP_SAVE_END] > outcome->stamps[STAMP_SAVE_START]);
	assert_memory_not_equal(outcome->entropy, nothing, sizeof(nothing));
}

static void expect_failed(struct fixture *fixture, int code, const char *words)
{
	struct mailbox mailbox;

	assert_int_equal(answer(fixture, &mailbox), WRITE_FAILED);
	assert_int_equal(mailbox.answered, 7);
	assert_int_equal(mailbox.outcome.result, RESULT_FAILED);
	assert_int_equal(mailbox.outcome.error, code);
	if (!strstr(mailbox.outcome.message, words) ||
	    !strstr(mailbox.outcome.message, "; not saved"))
		fail_msg("\"%s\" does not say \"%s\"", mailbox.outcome.message, words);
	assert_int_equal(mailbox.outcome.jumps, 3);
	expect_untouched(fixture);
}

static void test_checkpoint(void **state)
{
	struct fixture *fixture = *state;

	fixture->fake->mailbox.request.flags = REQUEST_VERIFY | REQUEST_SAVE_ALL;
	expect_saved(fixture, WRITE_BACK, IMAGE_CHECKPOINT);
}

/* What must not be read is not read, whatever else is wanted: then nothing can be saved. */
static void test_untouchable(void **state)
{
	struct fixture *fixture = *state;
	struct request *request = &fixture->fake->mailbox.request;

	request->poisoned_pages = 1;
	expect_failed(fixture, EUCLEAN, "pages that must not be touched are not found: vmcoreinfo");
	request->flags = REQUEST_SAVE_ALL;
	expect_failed(fixture, EUCLEAN, "pages that must not be touched are not found: vmcoreinfo");
	request->poisoned_pages = 0;
	request->offline_pages = 7;
	expect_failed(fixture, EUCLEAN, "pages that must not be touched are not found: vmcoreinfo");
	request->offline_pages = 0;
	expect_saved(fixture, WRITE_BACK, IMAGE_CHECKPOINT);
}

static void test_hibernate(void **state)
{
	struct fixture *fixture = *state;

	char tables[2 * FRAME_SIZE];
	struct firmware_range *firmware = fixture->fake->handoff.firmware;

	memset(tables, 'T', sizeof(tables));
	assert_int_equal(
		pwrite(fixture->fake->fd, tables, sizeof(tables), FAKE_TABLES << FRAME_SHIFT),
		sizeof(tables));
	firmware[2] = firmware[1];
	firmware[1] = (struct firmware_range){ FAKE_TABLES << FRAME_SHIFT, sizeof(tables), 3, 0 };
	/* These cannot be read; that is said, and no reason to fail. */
	firmware[3] = (struct firmware_range){ FAKE_SIZE + (1 << 20), 1 << 20, 3, 0 };
	fixture->fake->handoff.firmware_count = 4;
	fixture->fake->mailbox.request.operation = OP_HIBERNATE;
	fixture->fake->mailbox.pci_count = 2;
	fixture->fake->mailbox.pci[1].id = 0x1042;
	fixture->fake->mailbox.disk_count = 1;
	fixture->fake->mailbox.efi_count = 1;
	fixture->fake->mailbox.efi[0].virtual = 0xfffffffeff000000;
	strcpy(fixture->fake->mailbox.disks[0].name, "vda");
	expect_saved(fixture, WRITE_OFF, IMAGE_HIBERNATION);
}

static void clear_times(struct outcome *outcome)
{
	memset(outcome->stamps, 0, sizeof(outcome->stamps));
	memset(outcome->entropy, 0, sizeof(outcome->entropy));
	memset(outcome->message, 0, sizeof(outcome->message));
	memset(outcome->image, 0, sizeof(outcome->image));
}

/* The figures of a real save, and a device that is as it was. */
static void test_dry_run(void **state)
{
	struct fixture *fixture = *state;
	struct request *request = &fixture->fake->mailbox.request;
	struct mailbox dry, real;
	struct disk disk;

	request->workers = 1;
	request->flags = REQUEST_DRY_RUN | REQUEST_VERIFY;
	request->operation = OP_HIBERNATE;
	assert_int_equal(answer(fixture, &dry), WRITE_BACK);
	assert_int_equal(dry.answered, 7);
	assert_int_equal(dry.outcome.result, RESULT_DRY_RUN);
	assert_non_null(strstr(dry.outcome.message, "dry run"));
	assert_true(safe_is_zero(dry.outcome.image, sizeof(dry.outcome.image)));
	expect_untouched(fixture);

	request->flags = 0;
	assert_int_equal(answer(fixture, &real), WRITE_OFF);
	clear_times(&dry.outcome);
	clear_times(&real.outcome);
	dry.outcome.result = RESULT_SAVED;
	assert_memory_equal(&dry.outcome, &real.outcome, sizeof(dry.outcome));

	/* What waits there may be another system's: it stays as it is, also when the run fails. */
	read_image(fixture, &disk, &fixture->formatted);
	disk_close(&disk);
	assert_int_equal(fixture->formatted.state, IMAGE_VALID);
	request->flags = REQUEST_DRY_RUN;
	assert_int_equal(answer(fixture, &dry), WRITE_BACK);
	expect_untouched(fixture);
	request->watch_count = 1;
	assert_int_equal(answer(fixture, &dry), WRITE_FAILED);
	expect_untouched(fixture);
	assert_int_equal(abandon_request(fixture, &dry), WRITE_FAILED);
	expect_untouched(fixture);
}

/* One request, one answer: what was answered is not done again. */
static void test_no_request(void **state)
{
	struct fixture *fixture = *state;
	struct mailbox mailbox, *expected = &fixture->fake->mailbox;

	expected->answered = 7;
	assert_int_equal(answer(fixture, &mailbox), WRITE_NO_REQUEST);
	assert_memory_equal(&mailbox, expected, sizeof(mailbox));
	expected->answered = 6;
	expected->nonce[0] ^= 1;
	assert_int_equal(answer(fixture, &mailbox), WRITE_NO_REQUEST);
	assert_memory_equal(&mailbox, expected, sizeof(mailbox));
	expected->nonce[0] ^= 1;
	fixture->fake->handoff.magic[0] ^= 1;
	assert_int_equal(answer(fixture, &mailbox), WRITE_NO_REQUEST);
	assert_memory_equal(&mailbox, expected, sizeof(mailbox));
	expect_untouched(fixture);
}

static void test_bad_requests(void **state)
{
	struct fixture *fixture = *state;
	struct mailbox *mailbox = &fixture->fake->mailbox;
	struct request *request = &mailbox->request;
	const struct request good = *request;

	request->operation = 3;
	expect_failed(fixture, EINVAL, "unknown operation 3");
	*request = good;
	request->flags = 0x80;
	expect_failed(fixture, EINVAL, "unknown flags");
	*request = good;
	request->watch_count = MAILBOX_WATCH_MAX + 1;
	expect_failed(fixture, EINVAL, "extents");
	*request = good;
	request->watchdog_count = REQUEST_WATCHDOG_MAX + 1;
	expect_failed(fixture, EINVAL, "watchdogs");
	*request = good;
	request->watchdog_count = 1;
	memset(request->watchdogs[0].identity, 'x', sizeof(request->watchdogs[0].identity));
	expect_failed(fixture, EINVAL, "unterminated");
	*request = good;
	memset(request->target, 'x', sizeof(request->target));
	expect_failed(fixture, EINVAL, "unterminated");
	*request = good;
	mailbox->disk_count = MAILBOX_DISK_MAX + 1;
	expect_failed(fixture, EINVAL, "list of devices");
	mailbox->disk_count = 2;
	memset(mailbox->disks[1].serial, 'x', sizeof(mailbox->disks[1].serial));
	expect_failed(fixture, EINVAL, "list of devices");
	mailbox->disk_count = 0;
	mailbox->pci_count = 1;
	mailbox->pci[0].reserved1 = 1;
	expect_failed(fixture, EINVAL, "list of devices");
	mailbox->pci_count = 0;
	strcpy(request->target, "UUID=00000000-1111-2222-3333-444444444444");
	expect_failed(fixture, ENODEV, "UUID=");
}

static void test_bad_entry(void **state)
{
	static const uint64_t outside[] = {
		0, 1, FAKE_HOME + 0x100, 0x1600100, FAKE_SIZE + 16, UINT64_MAX
	};
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		fixture->fake->live.entry = outside[i];
		expect_failed(fixture, EINVAL, "not in the machine's RAM");
	}
	fixture->fake->live.entry = FAKE_ENTRY + 1;
	expect_failed(fixture, EINVAL, "no call instruction");
}

static void test_missing_file_system(void **state)
{
	struct fixture *fixture = *state;
	struct mailbox *mailbox = &fixture->fake->mailbox;

	mailbox->request.watch_count = 1;
	strcpy(mailbox->watch[0].tag, "PARTUUID=12345678-77");
	mailbox->watch[0].length = 4096;
	expect_failed(fixture, ENODEV, "may lack its driver");
	memset(mailbox->watch[0].tag, 'x', sizeof(mailbox->watch[0].tag));
	expect_failed(fixture, EINVAL, "unterminated");
}

#define WITH_DEVICE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* The device once more, as the volume of two pieces that it might be. */
static void make_volume(struct fixture *fixture)
{
	struct request *request = &fixture->fake->mailbox.request;

	strcpy(request->target, "UUID=of-a-volume-that-is-not-assembled");
	memcpy(request->device_uuid, fixture->formatted.device_uuid, sizeof(request->device_uuid));
	request->piece_count = 2;
	for (int i = 0; i < 2; i++) {
		snprintf(request->pieces[i].tag, sizeof(request->pieces[i].tag), "%s",
			 fixture->device);
		request->pieces[i].offset = i * DEVICE_SIZE / 2;
		request->pieces[i].length = DEVICE_SIZE / 2;
	}
}

static void test_volume(void **state)
{
	make_volume(*state);
	expect_saved(*state, WRITE_BACK, IMAGE_CHECKPOINT);
}

static void test_another_volume(void **state)
{
	struct fixture *fixture = *state;
	struct mailbox mailbox;

	make_volume(fixture);
	fixture->fake->mailbox.request.device_uuid[3] ^= 1;
	assert_int_equal(answer(fixture, &mailbox), WRITE_FAILED);
	assert_string_equal(mailbox.outcome.message,
			    "the device: not the device that was asked for; not saved");
	fixture->fake->mailbox.request.piece_count = REQUEST_PIECE_MAX + 1;
	assert_int_equal(answer(fixture, &mailbox), WRITE_FAILED);
	assert_string_equal(mailbox.outcome.message, "request: 17 pieces; not saved");
	expect_untouched(fixture);
}

/* --- a writer that was killed --- */

static void expect_state(const struct fixture *fixture, uint32_t state)
{
	struct image_super super;
	struct disk disk;

	read_image(fixture, &disk, &super);
	assert_int_equal(super.state, state);
	disk_close(&disk);
}

/* Killed before it had answered, or behind the commit: A goes on, so nothing is left valid. */
static void test_killed_writer(void **state)
{
	struct fixture *fixture = *state;
	struct mailbox *mailbox = malloc(sizeof(*mailbox));

	fixture->fake->mailbox.request.operation = OP_HIBERNATE;
	assert_int_equal(answer(fixture, mailbox), WRITE_OFF);
	expect_state(fixture, IMAGE_VALID);
	/* The answer did not get there. */
	fake_write_mailbox(fixture->fake);
	assert_int_equal(abandon_request(fixture, mailbox), WRITE_FAILED);
	expect_state(fixture, IMAGE_STALE);
	assert_int_equal(mailbox->answered, mailbox->sequence);
	assert_int_equal(mailbox->outcome.result, RESULT_FAILED);
	assert_non_null(strstr(mailbox->outcome.message,
			       "writer ended without an answer (status 137); not saved"));

	/* It did: the answer stays, the image does not. */
	assert_int_equal(answer(fixture, mailbox), WRITE_OFF);
	expect_state(fixture, IMAGE_VALID);
	assert_int_equal(abandon_request(fixture, mailbox), WRITE_FAILED);
	expect_state(fixture, IMAGE_STALE);
	assert_int_equal(mailbox->outcome.result, RESULT_SAVED);
	free(mailbox);
}

/* For hybrid sleep a hibernation's image stays valid with the system that it is of beside it. */
static void test_stays_on(void **state)
{
	struct fixture *fixture = *state;
	struct mailbox *mailbox = malloc(sizeof(*mailbox));

	fixture->fake->mailbox.request.operation = OP_HIBERNATE;
	fixture->fake->mailbox.request.flags = REQUEST_STAY_ON;
	assert_int_equal(answer(fixture, mailbox), WRITE_BACK);
	expect_state(fixture, IMAGE_VALID);
	assert_int_equal(mailbox->outcome.result, RESULT_SAVED);
	free(mailbox);
}

/* A checkpoint that was there before is nobody's to take away. */
static void test_killed_writer_leaves_checkpoints(void **state)
{
	struct fixture *fixture = *state;
	struct mailbox *mailbox = malloc(sizeof(*mailbox));

	fixture->fake->mailbox.request.operation = OP_CHECKPOINT;
	assert_int_equal(answer(fixture, mailbox), WRITE_BACK);
	fake_write_mailbox(fixture->fake);
	assert_int_equal(abandon_request(fixture, mailbox), WRITE_FAILED);
	expect_state(fixture, IMAGE_VALID);
	assert_int_equal(mailbox->outcome.result, RESULT_FAILED);
	/* Without a mailbox there is nothing to be done. */
	mailbox->nonce[0] ^= 1;
	fake_write(fixture->fake, mailbox, sizeof(*mailbox), FAKE_MAILBOX << FRAME_SHIFT);
	assert_int_equal(abandon_request(fixture, mailbox), WRITE_NO_REQUEST);
	free(mailbox);
}

/* --- sealed --- */

/* Does any of A's memory hold the SIZE bytes? */
static bool in_memory(const struct fixture *fixture, const void *bytes, size_t size)
{
	unsigned char *memory = malloc(FAKE_SIZE);
	bool there;

	assert_int_equal(pread(fixture->fake->fd, memory, FAKE_SIZE, 0), FAKE_SIZE);
	there = memmem(memory, FAKE_SIZE, bytes, size);
	free(memory);
	return there;
}

static void test_sealed(void **state)
{
	struct fixture *fixture = *state;
	struct request *request = &fixture->fake->mailbox.request;
	struct mailbox *saved = calloc(1, sizeof(*saved)), *mailbox = malloc(sizeof(*mailbox));
	struct image_index index = { 0 };
	struct image_super super;
	struct request_seal seal;
	struct restore_key restore;
	struct sender_key sender;
	struct opener opener;
	struct error err;
	struct disk disk;

	assert_int_equal(keys_make(&restore, &sender, &err), 0);
	assert_int_equal(opener_restore(&restore, &opener, &err), 0);
	assert_int_equal(box_make(&sender, aead_best(), &seal, &err), 0);
	seal.count = 1;
	memcpy(seal.known[0].key, sender.secret, sizeof(seal.known[0].key)); /* any bytes */
	request->seal = seal;
	request->operation = OP_HIBERNATE;
	request->flags = REQUEST_VERIFY;
	fixture->fake->handoff.fill = FILL_NONE;
	assert_int_equal(answer(fixture, mailbox), WRITE_OFF);
	assert_int_equal(mailbox->outcome.result, RESULT_SAVED);
	/* No key is in A's memory any more, which is told all the same that it was one to be
	 * sealed. */
	assert_false(in_memory(fixture, seal.key.key, 16));
	assert_false(in_memory(fixture, seal.known[0].key, 16));
	assert_int_equal(mailbox->request.seal.key.algorithm, seal.key.algorithm);
	/* Nor is it in what was saved of it. */
	read_image(fixture, &disk, &super);
	assert_int_equal(super.algorithm, seal.key.algorithm);
	assert_memory_equal(super.image_uuid, seal.key.image_uuid, 16);
	assert_memory_equal(mailbox->outcome.image, seal.key.image_uuid, 16);
	assert_int_equal(image_index_read(&disk, &super, NULL, &index, &err), -ENOKEY);
	assert_int_equal(image_index_read(&disk, &super, &opener, &index, &err), 0);
	/* What C leaves in free frames must not be found there. */
	assert_int_equal(index.machine.fill, FILL_ZERO);
	assert_int_equal(
		image_read_chunks(&disk, &index, 1,
				  &(struct image_sink){ .take = keep_mailbox, .context = saved },
				  &err),
		0);
	assert_memory_equal(saved->nonce, mailbox->nonce, sizeof(saved->nonce));
	assert_false(memmem(saved, sizeof(*saved), seal.key.key, 16));
	image_index_free(&index);
	disk_close(&disk);
	free(saved);
	free(mailbox);
}

/* A request whose key somebody had, or that is none, makes no image, least of all one in clear. */
static void test_bad_seals(void **state)
{
	struct fixture *fixture = *state;
	struct request_seal *seal = &fixture->fake->mailbox.request.seal, good;
	struct restore_key restore;
	struct sender_key sender;
	struct error err;

	assert_int_equal(keys_make(&restore, &sender, &err), 0);
	assert_int_equal(box_make(&sender, aead_best(), &good, &err), 0);
	*seal = good;
	memset(seal->key.key, 0, sizeof(seal->key.key));
	expect_failed(fixture, EINVAL, "with no key that fits");
	*seal = good;
	seal->key.image_uuid[3] ^= 1;
	expect_failed(fixture, EINVAL, "with no key that fits");
	*seal = good;
	seal->count = REQUEST_KEYS_MAX + 1;
	expect_failed(fixture, EINVAL, "with no key that fits");
	*seal = good;
	seal->key.algorithm = 0;
	expect_failed(fixture, EINVAL, "with no key that fits");
	*seal = good;
	seal->key.algorithm = ALGORITHM_AEGIS256;
	expect_failed(fixture, ENOTSUP, "newer kjump");
	/* The same one twice: what was taken is not there any more. */
	*seal = good;
	fixture->fake->mailbox.request.operation = 3;
	expect_failed(fixture, EINVAL, "unknown operation 3");
	assert_false(in_memory(fixture, good.key.key, 16));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEVICE(test_stays_on),
		WITH_DEVICE(test_killed_writer),
		WITH_DEVICE(test_killed_writer_leaves_checkpoints),
		WITH_DEVICE(test_checkpoint),
		WITH_DEVICE(test_hibernate),
		WITH_DEVICE(test_untouchable),
		WITH_DEVICE(test_dry_run),
		WITH_DEVICE(test_no_request),
		WITH_DEVICE(test_bad_requests),
		WITH_DEVICE(test_bad_entry),
		WITH_DEVICE(test_missing_file_system),
		WITH_DEVICE(test_sealed),
		WITH_DEVICE(test_bad_seals),
		WITH_DEVICE(test_volume),
		WITH_DEVICE(test_another_volume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
