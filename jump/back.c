/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel B: loading the thunk and jumping back into A. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jump/blobs.h"
#include "jump/identity.h"
#include "jump/jump.h"
#include "jump/kexec.h"

#define LOW_END		   0xa0000ULL
#define SAVED_CONTEXT_SIZE 512 /* as much of it as the thunk may read */

static int map_bytes(struct identity *identity, uint64_t start, uint64_t size, struct error *err)
{
	uint64_t first = start & ~(uint64_t)(FRAME_SIZE - 1);
	uint64_t end = (start + size + FRAME_SIZE - 1) & ~(uint64_t)(FRAME_SIZE - 1);

	return identity_map(identity, first, end - first, err);
}

/*
 * Everything the thunk touches, and no more, so that the tables stay small on any machine: the
 * home with B's control page and this segment, B's low memory (its control page may lie there),
 * A's entry and saved context, the APIC.
 */
static int fill_tables(char *segment, uint64_t address, const struct jump_back *back,
		       struct error *err)
{
	struct identity identity;
	int r;

	identity_init(&identity, segment + THUNK_TABLES,
		      (HEAD_THUNK_SIZE - THUNK_TABLES) / FRAME_SIZE, address + THUNK_TABLES, false);
	r = identity_map(&identity, 0, LOW_END, err);
	for (size_t i = 0; r == 0 && i < back->home->n; i++)
		r = identity_map(&identity, back->home->v[i].pfn << FRAME_SHIFT,
				 back->home->v[i].count << FRAME_SHIFT, err);
	if (r == 0)
		r = map_bytes(&identity, back->entry, 1, err);
	if (r == 0 && back->saved_context)
		r = map_bytes(&identity, back->saved_context, SAVED_CONTEXT_SIZE, err);
	if (r == 0)
		r = identity_map_apic(&identity, err);
	return r;
}

static void put(char *segment, size_t offset, uint64_t value)
{
	memcpy(segment + offset, &value, sizeof(value));
}

/* What B can leave by and be entered again, or NULL. */
static const struct jump_backend *find_backend(void)
{
	static const struct jump_backend *const backends[] = { &jump_module, &jump_kexec };
	struct error ignored;

	for (size_t i = 0; i < sizeof(backends) / sizeof(*backends); i++) {
		if (backends[i]->unload(&ignored) == 0 && backends[i]->supported(&ignored) == 0)
			return backends[i];
	}
	return NULL;
}

bool jump_stays(void)
{
	return find_backend();
}

int jump_back(const struct jump_back *back, struct error *err)
{
	struct kexec_part part = {
		.buffer_size = HEAD_THUNK_SIZE,
		.address = back->thunk,
		.size = HEAD_THUNK_SIZE + (back->has_live_page ? 0 : FRAME_SIZE),
	};
	char *segment = aligned_alloc(FRAME_SIZE, HEAD_THUNK_SIZE);
	const struct jump_backend *backend = find_backend();
	int r;

	if (!segment)
		return error_set(err, ENOMEM, "no memory for the thunk");
	memset(segment, 0, HEAD_THUNK_SIZE);
	part.buffer = segment;
	memcpy(segment, jump_thunk, jump_thunk_end - jump_thunk);
	put(segment, THUNK_ENTRY, back->entry);
	put(segment, THUNK_A_CONTEXT, back->saved_context);
	put(segment, THUNK_B_CONTEXT, back->own_context);
	put(segment, THUNK_A_S_CET, back->s_cet);
	put(segment, THUNK_HAS_PEER, backend != NULL);
	r = fill_tables(segment, back->thunk, back, err);
	if (r < 0)
		goto out;
	/* Loaded afresh before every jump: after one, this kernel remembers A's raw entry. */
	r = backend ? backend->load(back->thunk, &part, 1, err)
		    : kexec_load(back->thunk, &part, 1, false, err);
	if (r == 0)
		r = backend ? jump_execute(backend, err) : kexec_execute(err);
out:
	free(segment);
	return r;
}
