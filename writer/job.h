/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one save is given to do, by kernel A's request or by the command line. */
#ifndef WRITER_JOB_H
#define WRITER_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "disk/disk.h"
#include "image/image.h"
#include "memory/memory.h"
#include "text/terminals.h"
#include "writer/guard.h"

/* As many threads may be asked for; there are never more than CPUs. */
#define SAVE_WORKERS_MAX 256

/* What to save, and where to. Everything is the caller's. */
struct save_job {
	struct memory *memory;
	const struct disk *disk; /* claimed, opened with DISK_WRITE; NULL = nowhere, a dry run */
	const char *name;	 /* what the user calls the device, for progress messages */
	uint32_t kind;		 /* enum image_kind */
	int level;		 /* zstd, or LEVEL_AUTO */
	unsigned workers;	 /* 0 = one for each online CPU; never more than those */
	size_t zero_runs;	 /* of zero pages, for which there is memory; 0 = any number */
	bool verify;		 /* read the image back before calling it saved */
	bool quiet;		 /* no progress */
	const struct terminals *terminals; /* for the bar; NULL = standard error, if it is one */
	const atomic_bool *stop; /* once it is true the save ends with ECANCELED; NULL = never */
	struct guard *guard;	 /* fed as the save gets on; NULL = none */
	const struct runs *ram;
	const struct runs *home;	   /* only what lies in RAM counts */
	struct runs *free;		   /* frames whose content A does not need; NULL = none;
					      taken over by the save */
	const struct runs *untouchable;	   /* frames that must not even be read; NULL = none */
	bool full;			   /* build on no other image */
	struct image_wish wish;		   /* on which one */
	struct image_identity identity;	   /* of which boot A is */
	const struct image_policy *policy; /* which other images stay; NULL = as usual */
	const struct request_seal *seal;   /* with a key that no other save had; NULL = in clear */
	uint64_t boot; /* bytes that the kernel which restores a hibernation image takes */
	const struct image_machine *machine;
	const struct firmware_range *firmware;
	size_t firmware_count;
	const struct image_watch *watch;
	size_t watch_count;
	const struct pci_record *pci; /* what A's drivers hold */
	size_t pci_count;
	const struct disk_record *disks;
	size_t disk_count;
	const struct efi_range *efi; /* A's EFI runtime map */
	size_t efi_count;
	const char *vmcoreinfo; /* vmcoreinfo_size bytes */
	size_t vmcoreinfo_size;
};

/*
 * Threads for a save when WANTED are asked for (0 = one for each online CPU): never more than CPUs,
 * which would not be faster, and kernel B has memory for as many threads as it has CPUs.
 */
unsigned save_job_workers(unsigned wanted);

/*
 * To be called whenever the save has got on a little: feeds the guard, and returns -ECANCELED with
 * the error filled in once somebody wants the save to stop, else 0.
 */
int save_job_stopped(const struct save_job *job, struct error *err);

#endif
