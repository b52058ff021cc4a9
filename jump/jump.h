/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading kernel B beside a running A, jumping, jumping back, and handing a cold machine
 * over to the payload. Takes plain arguments; knows neither images nor disks.
 */
#ifndef JUMP_JUMP_H
#define JUMP_JUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"
#include "common/runs.h"
#include "jump/backend.h"

/* --- A: loading B (load.c, place.c, bzimage.c) --- */

/* A kernel image file in memory; zero-initialise, jump_kernel_free() ends it. */
struct jump_kernel {
	unsigned char *bytes;
	size_t size;
	size_t setup_size;  /* bytes of boot sector and setup code before the kernel proper */
	uint64_t init_size; /* bytes of memory the kernel needs from its load address on */
	uint64_t alignment;
};

/* Read a bzImage (x86_64, relocatable, 64-bit entry point); EINVAL names what is missing. */
int jump_kernel_read(const char *path, struct jump_kernel *ret, struct error *err);
void jump_kernel_free(struct jump_kernel *kernel);

struct jump_load {
	const struct jump_backend *backend;
	const struct jump_kernel *kernel;
	const void *initramfs;
	size_t initramfs_size;
	const char *cmdline;	 /* kjump.home= is added */
	uint64_t home_start;	 /* bytes, multiple of 2 MiB */
	uint64_t home_size;	 /* bytes, multiple of 2 MiB */
	bool reserved;		 /* the system leaves the home alone: nothing there to preserve */
	struct handoff *handoff; /* ram, firmware, mailbox_pfn, ... set; home, CRC are filled in */
};

/*
 * Bytes of home that B needs with this initramfs (compressed size, bytes) and CPUs, on each of
 * which a thread compresses with SCRATCH bytes, beside RAM bytes of A's.
 */
uint64_t jump_home_size(const struct jump_kernel *kernel, size_t initramfs_size, unsigned cpus,
			size_t scratch, uint64_t ram);

/*
 * Find a place for the home in RAM: 2 MiB aligned, below 4 GiB, no frame of it reserved, absent,
 * offline, poisoned (KPAGEFLAGS, normally /proc/kpageflags) nor in AVOID, and of those the place
 * with the fewest free frames and page tables; free frames in MOVABLE (sorted), where the kernel
 * has movable pages alone, do not count. ENOMEM when there is none.
 */
int jump_place(const struct runs *ram, const struct runs *avoid, const struct runs *movable,
	       const char *kpageflags, uint64_t size, uint64_t *ret, struct error *err);

/*
 * Load B with its context preserved. A home that is reserved counts as A's RAM as well:
 * handoff->ram must have it.
 */
int jump_load(const struct jump_load *load, struct error *err);

/*
 * Find out whether the home can lie at START: SIZE bytes of RAM, multiples of 2 MiB, as
 * jump_place() would take them. EADDRNOTAVAIL when it cannot.
 */
int jump_place_check(const struct runs *ram, const struct runs *avoid, const char *kpageflags,
		     uint64_t start, uint64_t size, struct error *err);

/* --- A: a kernel B that was there before (again.c) --- */

/* Memory of a kernel B that has jumped back, as it was then. */
struct jump_again {
	const struct jump_backend *backend;
	uint64_t home_start, home_size; /* bytes */
	unsigned char *home;		/* home_size bytes, page aligned; the head is changed */
	unsigned char *low;		/* LOW_SIZE bytes from address 0 on */
	struct handoff *handoff;	/* as for jump_load() */
};

/* Low memory of kernel B ends below it: bytes. */
#define JUMP_LOW_SIZE 0xa0000

/*
 * Is that a kernel B which can be entered again where HANDOFF (home and CRC not filled in) would
 * be its new handoff area? EINVAL names what stands against it. HOME and LOW need not be whole: the
 * head, and nothing else, is looked at.
 */
int jump_again_check(const struct jump_again *again, const char *cmdline, struct error *err);

/*
 * Load it like jump_load(), with the new handoff area. The first jump goes on where that kernel B
 * jumped back.
 */
int jump_load_again(const struct jump_again *again, struct error *err);

/* Could this system jump by what JUMP asks for? Tells apart what is missing. Changes
 * nothing, but has the module loaded. */
int jump_supported(enum jump_choice choice, struct error *err);

/* Is a kernel loaded, by whichever back end? False also where jump_hidden() is true. */
bool jump_loaded(void);

/* The jump module's device, of which only root may ask what is loaded. */
#define JUMP_DEVICE "/dev/kjump"

/* Is DEVICE, which is JUMP_DEVICE, there and closed to this user? */
bool jump_hidden(const char *device);

/* May this process load a kernel? Tells permission, lockdown and kexec_load_disabled apart. */
int jump_permitted(struct error *err);

/* --- B: jumping back (back.c) --- */

struct jump_back {
	uint64_t entry;		 /* of A, physical */
	uint64_t saved_context;	 /* of A, physical; 0 = unknown */
	uint64_t own_context;	 /* of B, physical; 0 = unknown */
	uint64_t s_cet;		 /* A's MSR IA32_S_CET */
	const struct runs *home; /* B's RAM */
	uint64_t thunk;		 /* where the thunk goes: bytes, HEAD_THUNK_SIZE of B's RAM */
	/*
	 * The page behind the thunk is the live page. Without one (kernel B was not loaded by
	 * kjump) it is B's as well, and swapped with the thunk.
	 */
	bool has_live_page;
};

/*
 * Does B stay behind, to be entered again, when it jumps back? Not where its kernel has neither the
 * jump module nor KEXEC_JUMP. Drops what B has loaded.
 */
bool jump_stays(void);

/*
 * Load the thunk and jump to A. Returns 0 when A jumped into B again (B can be called warm then).
 * Where jump_stays() is false it leaves by a plain kexec and never returns.
 */
int jump_back(const struct jump_back *back, struct error *err);

/* --- C: handing over (handover.c) --- */

struct jump_handover {
	uint64_t home_start, home_size; /* bytes; where payload and lists may lie */
	const struct runs *ram;		/* mapped by the payload */
	struct payload payload;		/* chunks, runs, clears and the hashes are filled in */
	const struct payload_chunk *chunks;
	const struct payload_run *runs;
	const struct payload_clear *clears;
};

/*
 * Bytes of the payload's segment with that many records, from the start of the home on. Nothing
 * that the payload reads (staged pages) may lie there.
 */
uint64_t jump_handover_size(const struct runs *ram, uint64_t chunk_count, uint64_t run_count,
			    uint64_t clear_count);

/* kexec_load() of payload and lists, without jumping. */
int jump_handover_load(const struct jump_handover *handover, struct error *err);

#endif
