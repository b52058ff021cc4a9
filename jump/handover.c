/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel C: the payload and its lists, as one kexec segment at the start of the home. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/pagehash.h"
#include "common/payload.h"
#include "jump/bare-io.h"
#include "jump/blobs.h"
#include "jump/identity.h"
#include "jump/jump.h"
#include "jump/kexec.h"

static size_t table_bytes(const struct runs *ram)
{
	return identity_bound(ram->v, ram->n, identity_gib_pages()) * FRAME_SIZE;
}

uint64_t jump_handover_size(const struct runs *ram, uint64_t chunk_count, uint64_t run_count,
			    uint64_t clear_count)
{
	return payload_size(ram->v, ram->n, identity_gib_pages(), chunk_count, run_count,
			    clear_count);
}

/* The payload reads and writes A's RAM and nothing else, but for the APIC and the screen. */
static int fill_tables(char *segment, const struct jump_handover *handover, struct error *err)
{
	struct identity identity;
	int r = 0;

	identity_init(&identity, segment + PAYLOAD_TABLES, table_bytes(handover->ram) / FRAME_SIZE,
		      handover->home_start + PAYLOAD_TABLES, identity_gib_pages());
	for (size_t i = 0; r == 0 && i < handover->ram->n; i++)
		r = identity_map(&identity, handover->ram->v[i].pfn << FRAME_SHIFT,
				 handover->ram->v[i].count << FRAME_SHIFT, err);
	if (r == 0)
		r = identity_map_registers(&identity, VGA_TEXT, err);
	return r < 0 ? r : identity_map_apic(&identity, err);
}

/* Put the lists behind the tables; returns struct payload with their addresses and checksum. */
static struct payload fill_lists(char *segment, const struct jump_handover *handover)
{
	struct payload payload = handover->payload;
	uint64_t offset = PAYLOAD_TABLES + table_bytes(handover->ram);
	size_t chunk_size = payload.chunk_count * sizeof(*handover->chunks);
	size_t run_size = payload.run_count * sizeof(*handover->runs);
	size_t clear_size = payload.clear_count * sizeof(*handover->clears);

	memcpy(payload.magic, PAYLOAD_MAGIC, sizeof(payload.magic));
	payload.version = ABI_VERSION;
	payload.chunks = handover->home_start + offset;
	payload.runs = payload.chunks + chunk_size;
	payload.clears = payload.runs + run_size;
	if (chunk_size)
		memcpy(segment + offset, handover->chunks, chunk_size);
	if (run_size)
		memcpy(segment + offset + chunk_size, handover->runs, run_size);
	if (clear_size)
		memcpy(segment + offset + chunk_size + run_size, handover->clears, clear_size);
	payload.lists_hash = bytes_hash(segment + offset, chunk_size + run_size + clear_size);
	return payload;
}

int jump_handover_load(const struct jump_handover *handover, struct error *err)
{
	uint64_t size =
		jump_handover_size(handover->ram, handover->payload.chunk_count,
				   handover->payload.run_count, handover->payload.clear_count);
	struct kexec_part part = { .buffer_size = size,
				   .address = handover->home_start,
				   .size = size };
	struct payload payload;
	char *segment;
	int r;

	if (size > handover->home_size)
		return error_set(err, ENOMEM,
				 "payload: %" PRIu64 " KiB do not fit into a home of %" PRIu64
				 " KiB",
				 size >> 10, handover->home_size >> 10);
	segment = aligned_alloc(FRAME_SIZE, size);
	if (!segment)
		return error_set(err, ENOMEM, "payload: no memory for %" PRIu64 " KiB", size >> 10);
	memset(segment, 0, size);
	memcpy(segment, jump_payload, jump_payload_end - jump_payload);
	r = fill_tables(segment, handover, err);
	if (r < 0)
		goto out;
	payload = fill_lists(segment, handover);
	payload.hash = 0;
	payload.hash = bytes_hash(&payload, sizeof(payload));
	memcpy(segment + PAYLOAD_STRUCT, &payload, sizeof(payload));
	part.buffer = segment;
	/* A plain kexec: nobody comes back to C. */
	r = kexec_load(handover->home_start, &part, 1, false, err);
out:
	free(segment);
	return r;
}
