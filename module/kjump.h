/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the module have in common. */
#ifndef KJUMP_H
#define KJUMP_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "kjump-ioctl.h"

/* --- refuse.c --- */

/*
 * Refuse: CAUSE goes to the kernel log and to KJUMP_STATUS. Returns ERROR, a negative errno value.
 * Called with the device's lock held, as everything else here.
 */
__printf(2, 3) int kjump_refuse(int error, const char *cause, ...);

/* The cause of the last call; "" = it was not refused, which kjump_refused_none() notes. */
const char *kjump_refused(void);
void kjump_refused_none(void);

/* --- permission.c --- */

/* May the caller use the device at all? Privilege and lockdown; looked at in each call. */
int kjump_permitted(void);

/* May a kernel be loaded or dropped (kernel.kexec_load_disabled)? */
int kjump_load_permitted(void);

/* Is it a machine whose memory another kernel can read and write as this one does? */
int kjump_machine_supported(void);

/* --- segments.c --- */

/* Find what there is of the kernel's functions for it. The same in cross.c and internal.c. */
void kjump_segments_find(void);

/* Physical bytes [start, end), whole pages. */
struct kjump_range {
	u64 start, end;
};

/*
 * Copy and check the caller's segments: shape, sum, no overlap, LOAD's entry in one of them.
 */
int kjump_segments_read(const struct kjump_load *load, struct kjump_segment *segments);

/* Is all of the range RAM that may be swapped away while this kernel stands still? */
int kjump_range_usable(const struct kjump_range *range);

/* --- load.c --- */

struct kjump_control;

/* What is loaded. */
struct kjump_image {
	struct kjump_range ranges[KJUMP_SEGMENTS_MAX]; /* what is swapped */
	unsigned int count;
	struct list_head pages;	     /* all pages of the image, outside of the ranges */
	struct list_head unsuitable; /* pages inside of them, kept while pages are allocated */
	u64 head;		     /* the list of swapped pages: its first entry, */
	u64 *next;		     /* where the next one goes, */
	unsigned int room;	     /* and how many fit there */
	u64 *top;		     /* page tables */
	struct kjump_control *control;
};

/* Load; *RET is to be freed with kjump_image_free(). */
int kjump_image_load(const struct kjump_load *load, struct kjump_image **ret);
void kjump_image_free(struct kjump_image *image);

/* --- pages.c --- */

/*
 * A page outside of all ranges of the image, which owns it. NULL when there is none. Pages inside
 * of the ranges that turn up meanwhile are kept until kjump_pages_settle().
 */
struct page *kjump_page(struct kjump_image *image, gfp_t flags);
void kjump_pages_settle(struct kjump_image *image);
void kjump_pages_free(struct kjump_image *image);

/* --- tables.c --- */

/*
 * Page tables for the code between kernels: RAM and the image's ranges at their physical
 * addresses, and the module's own code where it is now.
 */
int kjump_tables_make(struct kjump_image *image);

/* --- jump.c --- */

/* How the system is brought to a standstill. Functions that return int return 0 or an errno. */
struct kjump_way {
	int (*freeze_programs)(void); /* thaw_tasks() follows unless it fails */
	int (*freeze_threads)(void);  /* the kernel's, when programs are frozen */
	void (*thaw_tasks)(void);
	int (*cpus_off)(void); /* all but CPU 0; cpus_on() follows in any case */
	void (*cpus_on)(void);
	void (*console_off)(void);
	void (*console_on)(void);
	void (*save_cpu)(void); /* interrupts are off, only CPU 0 runs */
	void (*restore_cpu)(void);
};

/* By the kernel's own functions (internal.c), or by those it exports to modules (exported.c). */
extern const struct kjump_way kjump_internal, kjump_exported;

/* Can this CPU's state be saved without the kernel's own functions? */
int kjump_exported_supported(void);

/* Freeze all programs but the caller, until kjump_thaw(). */
int kjump_freeze(const struct kjump_way *way);
void kjump_thaw(const struct kjump_way *way);

/*
 * Jump, with programs frozen; they are still when it returns. Returns 0 when somebody came back,
 * else nothing has happened.
 */
int kjump_jump(struct kjump_image *image, const struct kjump_way *way);

/*
 * Are programs frozen, by this one? freeze_processes() marks who called it, and thaw_processes()
 * takes the mark off.
 */
static inline bool kjump_caller_froze(void)
{
	return current->flags & PF_SUSPEND_TASK;
}

/* --- cross.c --- */

void kjump_cross_find(void);

/* Prepare the control page of an image whose tables and list are complete, entered at ENTRY. */
void kjump_control_fill(struct kjump_image *image, u64 entry);

/* Leave this kernel and come back. Everything but CPU 0 stands still. */
void kjump_cross(struct kjump_image *image, const struct kjump_way *way);

/* --- internal.c --- */

/*
 * Find the kernel's functions. Names of those that are necessary and not there go to MISSING,
 * which has SIZE bytes. Returns whether none is missing.
 */
bool kjump_internal_find(char *missing, size_t size);

#endif
