/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding and checking what kernel A left for us: the handoff area in the head of the home, and
 * the mailbox that it names.
 */
#include "memory/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/crc32c.h"
#include "common/safe.h"
#include "memory/parameter.h"

#define HOME_PARAMETER "kjump.home"

/* The home is made of 2 MiB pages of B's own tables. */
#define HOME_ALIGN UINT64_C(0x200000)

int memory_home_address(const char *path, uint64_t *ret, struct error *err)
{
	unsigned long long value;
	char text[64], *end;
	int r = memory_parameter(path, HOME_PARAMETER, text, sizeof(text), err);

	if (r == -ENOENT)
		return error_set(err, ENOENT,
				 "no %s= on the kernel command line: not started by kjump",
				 HOME_PARAMETER);
	if (r)
		return r;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || errno || *end || !value || value % HOME_ALIGN ||
	    value >> 52)
		return error_set(err, EINVAL, "%s=%s on the kernel command line: no address",
				 HOME_PARAMETER, text);
	*ret = value;
	return 0;
}

static uint32_t handoff_crc(const struct handoff *handoff)
{
	static const uint32_t zero;
	const char *bytes = (const char *)handoff;
	size_t behind = offsetof(struct handoff, crc) + sizeof(handoff->crc);
	uint32_t crc;

	crc = crc32c(0, bytes, offsetof(struct handoff, crc));
	crc = crc32c(crc, &zero, sizeof(zero));
	return crc32c(crc, bytes + behind, sizeof(*handoff) - behind);
}

static int check_handoff(const struct handoff *handoff, uint64_t home, struct error *err)
{
	if (memcmp(handoff->magic, HANDOFF_MAGIC, sizeof(handoff->magic)))
		return error_set(err, EINVAL, "handoff area: bad magic");
	if (handoff->version != ABI_VERSION)
		return error_set(err, ENOTSUP, "handoff area: version %u, this program has %u",
				 handoff->version, ABI_VERSION);
	if (handoff->crc != handoff_crc(handoff))
		return error_set(err, EBADMSG, "handoff area: checksum mismatch");
	if (handoff->home_count > HANDOFF_HOME_MAX || handoff->ram_count > HANDOFF_RAM_MAX ||
	    handoff->firmware_count > HANDOFF_FIRMWARE_MAX ||
	    handoff->vmcoreinfo_size > HANDOFF_VMCOREINFO)
		return error_set(err, EBADMSG, "handoff area: a count exceeds its list");
	if (!safe_is_text(handoff->cpu_vendor, sizeof(handoff->cpu_vendor)) ||
	    !safe_is_text(handoff->release, sizeof(handoff->release)) ||
	    !safe_is_text(handoff->build, sizeof(handoff->build)))
		return error_set(err, EBADMSG, "handoff area: unterminated text");
	if (handoff->home_start != home)
		return error_set(err, EBADMSG, "handoff area: made for a home at %#llx",
				 (unsigned long long)handoff->home_start);
	return 0;
}

static int check_live(const struct live_page *live, struct error *err)
{
	if (memcmp(live->magic, LIVE_MAGIC, sizeof(live->magic)))
		return error_set(err, EINVAL, "live page: bad magic");
	if (live->version != ABI_VERSION)
		return error_set(err, ENOTSUP, "live page: version %u, this program has %u",
				 live->version, ABI_VERSION);
	return 0;
}

int memory_handoff(struct memory *memory, uint64_t home, struct handoff_view *ret,
		   struct error *err)
{
	const size_t size = HEAD_SIZE - HEAD_LIVE;
	const struct handoff *handoff;
	void *base;
	int r;

	r = memory_map_rw(memory, home + HEAD_LIVE, size, &base, err);
	if (r)
		goto out;
	handoff = (const void *)((char *)base + (HEAD_HANDOFF - HEAD_LIVE));
	r = check_handoff(handoff, home, err);
	if (!r)
		r = check_live(base, err);
	if (r) {
		munmap(base, size);
		goto out;
	}
	*ret = (struct handoff_view){ .handoff = handoff, .live = base };
out:
	return r ? error_prefix(err, "home at %#llx", (unsigned long long)home) : 0;
}

/* Is [pfn, pfn + count) touched by, or inside of, one of the runs? */
static bool run_overlaps(const struct run *run, uint64_t pfn, uint64_t count)
{
	return run->pfn < pfn + count && pfn < run->pfn + run->count;
}

static bool run_holds(const struct run *run, uint64_t pfn, uint64_t count)
{
	return pfn >= run->pfn && pfn + count <= run->pfn + run->count;
}

/* The mailbox is written to: its frames must be A's RAM and not ours. */
static bool mailbox_placed(const struct handoff *handoff, uint64_t count)
{
	const uint64_t pfn = handoff->mailbox_pfn;
	bool in_ram = false;
	uint32_t i;

	if (pfn >> (52 - FRAME_SHIFT))
		return false;
	for (i = 0; i < handoff->ram_count; i++)
		in_ram |= run_holds(&handoff->ram[i], pfn, count);
	for (i = 0; i < handoff->home_count; i++) {
		if (run_overlaps(&handoff->home[i], pfn, count))
			return false;
	}
	return in_ram;
}

int memory_mailbox_check(const struct mailbox *mailbox, const uint8_t nonce[16], struct error *err)
{
	if (memcmp(mailbox->magic, MAILBOX_MAGIC, sizeof(mailbox->magic)))
		return error_set(err, ESTALE, "bad magic");
	if (mailbox->version != ABI_VERSION)
		return error_set(err, ESTALE, "version %u, this program has %u", mailbox->version,
				 ABI_VERSION);
	if (memcmp(mailbox->nonce, nonce, sizeof(mailbox->nonce)))
		return error_set(err, ESTALE, "another one's nonce");
	return 0;
}

int memory_mailbox(struct memory *memory, const struct handoff *handoff, struct mailbox **ret,
		   struct error *err)
{
	const size_t size = safe_round_up(sizeof(struct mailbox), FRAME_SIZE);
	struct mailbox *mailbox;
	void *base;
	int r;

	if (!mailbox_placed(handoff, size >> FRAME_SHIFT)) {
		r = error_set(err, ESTALE, "not in the machine's RAM, or in the home");
		goto out;
	}
	r = memory_map_rw(memory, handoff->mailbox_pfn << FRAME_SHIFT, size, &base, err);
	if (r)
		goto out;
	mailbox = base;
	r = memory_mailbox_check(mailbox, handoff->nonce, err);
	if (!r && mailbox->answered >= mailbox->sequence)
		r = error_set(err, ESTALE, "no request that was not answered yet");
	if (r) {
		munmap(base, size);
		goto out;
	}
	*ret = mailbox;
out:
	return r ? error_prefix(err, "mailbox at frame %#llx",
				(unsigned long long)handoff->mailbox_pfn)
		 : 0;
}
