/* SPDX-License-Identifier: GPL-2.0 */
/* The control page: what crossing.S and cross.c both know of it. */
#ifndef KJUMP_CROSSING_H
#define KJUMP_CROSSING_H

/* Offsets in the control page. Code comes first; the stack grows down from its end. */
#define CONTROL_START	0x800 /* physical address at which the other kernel is entered next */
#define CONTROL_HEAD	0x808 /* first entry of the list of swapped pages */
#define CONTROL_TABLES	0x810 /* physical address of the page tables' top */
#define CONTROL_RSP	0x818
#define CONTROL_CR0	0x820
#define CONTROL_CR3	0x828
#define CONTROL_CR4	0x830
#define CONTROL_EFER	0x838
#define CONTROL_GS_BASE 0x840
#define CONTROL_GDT	0x848 /* limit and base, as lgdt takes them */
#define CONTROL_NO_IDT	0x858

/* Entries of the list of swapped pages (include/linux/kexec.h: IND_*). */
#define SWAP_DESTINATION 0x1
#define SWAP_INDIRECTION 0x2
#define SWAP_DONE	 0x4
#define SWAP_SOURCE	 0x8
#define SWAP_FLAGS	 0xfff

#ifndef __ASSEMBLY__

#include <linux/build_bug.h>
#include <linux/mm.h>
#include <linux/types.h>

struct kjump_control {
	u8 code[CONTROL_START];
	u64 start, head, tables;
	u64 rsp, cr0, cr3, cr4, efer, gs_base;
	u8 gdt[16], no_idt[16];
	u8 stack[PAGE_SIZE - CONTROL_NO_IDT - 16];
};

static_assert(offsetof(struct kjump_control, start) == CONTROL_START);
static_assert(offsetof(struct kjump_control, head) == CONTROL_HEAD);
static_assert(offsetof(struct kjump_control, tables) == CONTROL_TABLES);
static_assert(offsetof(struct kjump_control, rsp) == CONTROL_RSP);
static_assert(offsetof(struct kjump_control, cr0) == CONTROL_CR0);
static_assert(offsetof(struct kjump_control, cr3) == CONTROL_CR3);
static_assert(offsetof(struct kjump_control, cr4) == CONTROL_CR4);
static_assert(offsetof(struct kjump_control, efer) == CONTROL_EFER);
static_assert(offsetof(struct kjump_control, gs_base) == CONTROL_GS_BASE);
static_assert(offsetof(struct kjump_control, gdt) == CONTROL_GDT);
static_assert(offsetof(struct kjump_control, no_idt) == CONTROL_NO_IDT);
static_assert(sizeof(struct kjump_control) == PAGE_SIZE);

/* Code of the control page, position independent. */
extern const u8 kjump_control_code[CONTROL_START];

/*
 * Swap and call CONTROL->start; returns when somebody returned to the address behind that call.
 * PHYSICAL is the control page's address. The code is mapped by the control page's tables too.
 */
void kjump_cross_over(struct kjump_control *control, u64 physical);
extern const u8 kjump_cross_over_end[];

#endif
#endif
