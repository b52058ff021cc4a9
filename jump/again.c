/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel B as it was when it jumped back, loaded in place of a kernel that boots. It waits in its
 * own reboot() or module call for somebody to return into it, which is what the thunk in its head
 * does: the first jump enters that as any further one would.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "jump/head.h"
#include "jump/jump.h"
#include "jump/kexec.h"

static bool is_whole(const struct handoff *handoff)
{
	struct handoff *copy = malloc(sizeof(*copy));
	bool whole = false;

	if (copy) {
		memcpy(copy, handoff, sizeof(*copy));
		copy->crc = 0;
		whole = !memcmp(handoff->magic, HANDOFF_MAGIC, sizeof(handoff->magic)) &&
			handoff->version == ABI_VERSION &&
			handoff->crc == crc32c(0, copy, sizeof(*copy)) &&
			handoff->home_count <= HANDOFF_HOME_MAX &&
			handoff->firmware_count <= HANDOFF_FIRMWARE_MAX;
	}
	free(copy);
	return whole;
}

static bool same_processor(const struct handoff *a, const struct handoff *b)
{
	return !memcmp(a->cpu_vendor, b->cpu_vendor, sizeof(a->cpu_vendor)) &&
	       !memcmp(a->cpuid, b->cpuid, sizeof(a->cpuid)) &&
	       a->cpu_signature == b->cpu_signature && a->cpu_features == b->cpu_features &&
	       a->xcr0 == b->xcr0;
}

static bool same_firmware(const struct handoff *a, const struct handoff *b)
{
	return a->firmware_count == b->firmware_count &&
	       !memcmp(a->firmware, b->firmware, a->firmware_count * sizeof(*a->firmware)) &&
	       a->facs_signature == b->facs_signature &&
	       a->efi_runtime_digest == b->efi_runtime_digest;
}

/* The last run of the list is the home proper. */
static bool same_home(const struct handoff *old, const struct runs *low,
		      const struct jump_again *again)
{
	const struct run home = { again->home_start >> FRAME_SHIFT,
				  again->home_size >> FRAME_SHIFT };

	return old->home_start == again->home_start && old->home_count == low->n + 1 &&
	       !memcmp(old->home, low->v, low->n * sizeof(*low->v)) &&
	       !memcmp(&old->home[low->n], &home, sizeof(home));
}

static uint64_t get(const unsigned char *bytes, size_t offset)
{
	uint64_t value;

	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

/* Has the thunk been there and back, and does it know where B waits? */
static bool waits(const struct jump_again *again)
{
	const unsigned char *thunk = again->home + HEAD_THUNK;
	const struct live_page *live = (const void *)(again->home + HEAD_LIVE);
	uint64_t peer = get(thunk, THUNK_PEER);

	return !memcmp(live->magic, LIVE_MAGIC, sizeof(live->magic)) && live->jumps &&
	       get(thunk, THUNK_HAS_PEER) == 1 && peer &&
	       (peer < JUMP_LOW_SIZE || peer - again->home_start < again->home_size);
}

static int check(const struct jump_again *again, const struct runs *low, const char *cmdline,
		 struct error *err)
{
	const struct handoff *old = (const void *)(again->home + HEAD_HANDOFF);
	char wanted[HEAD_CMDLINE_MAX];
	int r = head_cmdline(wanted, cmdline, again->home_start, err);

	if (r)
		return r;
	if (!is_whole(old))
		return error_set(err, EINVAL, "its handoff area is not whole");
	if (strncmp(wanted, (const char *)again->home + HEAD_CMDLINE, sizeof(wanted)) != 0)
		return error_set(err, EINVAL, "it was booted with another command line");
	if (!same_firmware(old, again->handoff))
		return error_set(err, EINVAL, "the firmware describes another machine or memory");
	if (!same_processor(old, again->handoff))
		return error_set(err, EINVAL, "the processor is another one");
	if (!same_home(old, low, again))
		return error_set(err, EINVAL, "it lived in other memory");
	if (!waits(again))
		return error_set(err, EINVAL, "it does not wait to be entered");
	return 0;
}

int jump_again_check(const struct jump_again *again, const char *cmdline, struct error *err)
{
	struct runs low = { 0 };
	int r = head_low_ram(again->handoff, &low, err);

	if (!r)
		r = check(again, &low, cmdline, err);
	runs_free(&low);
	return r;
}

static int load(const struct jump_again *again, const struct runs *low, struct error *err)
{
	struct kexec_part parts[KEXEC_SEGMENTS];
	size_t n = 0;

	if (low->n + 1 > KEXEC_SEGMENTS)
		return error_set(err, E2BIG, "more than %d kexec segments", KEXEC_SEGMENTS);
	for (size_t i = 0; i < low->n; i++) {
		uint64_t start = low->v[i].pfn << FRAME_SHIFT;
		uint64_t size = low->v[i].count << FRAME_SHIFT;

		parts[n++] = (struct kexec_part){ again->low + start, size, start, size };
	}
	parts[n++] = (struct kexec_part){ again->home, again->home_size, again->home_start,
					  again->home_size };
	return again->backend->load(again->home_start + HEAD_THUNK + THUNK_AGAIN, parts, n, err);
}

int jump_load_again(const struct jump_again *again, struct error *err)
{
	struct runs low = { 0 };
	int r = head_low_ram(again->handoff, &low, err);

	if (!r)
		r = head_handoff(again->home, again->home_start, again->home_size, &low,
				 again->handoff, err);
	if (!r)
		r = load(again, &low, err);
	runs_free(&low);
	return r;
}
