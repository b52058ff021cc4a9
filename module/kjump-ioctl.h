/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * What the jump module (module/) and user space (jump/module.c) say to each other through
 * /dev/kjump. The first field of each struct is KJUMP_ABI, and KJUMP_STATUS stays as it is for
 * ever, so that either side can tell that the other is of another version.
 */
#ifndef KJUMP_IOCTL_H
#define KJUMP_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KJUMP_ABI	   3
#define KJUMP_SEGMENTS_MAX 16
#define KJUMP_CAUSE_SIZE   128
#define KJUMP_MISSING_SIZE 256

/* One of the causes; /sys/power/suspend_stats has the name. */
#define KJUMP_CAUSE_DEVICE "a device refused to suspend"

/* A range of physical memory that is swapped at each jump. */
struct kjump_segment {
	__u64 buffer;	   /* user address of what is there after the first jump */
	__u64 buffer_size; /* bytes of it; zeroes behind it */
	__u64 address;	   /* physical, multiple of 4096 */
	__u64 size;	   /* bytes, multiple of 4096 */
};

struct kjump_load {
	__u32 abi;
	__u32 count; /* segments, 1 to KJUMP_SEGMENTS_MAX */
	__u64 entry; /* physical address in one of them, called in 64-bit mode, identity mapped */
	__u64 segments; /* user address of an array of struct kjump_segment */
};

struct kjump_freeze {
	__u32 abi;
	__u32 flags; /* 0 */
};

struct kjump_jump {
	__u32 abi;
	__u32 flags; /* KJUMP_JUMP_* */
};

/*
 * The caller has frozen programs by /dev/snapshot (SNAPSHOT_FREEZE), and thaws everything by it
 * (SNAPSHOT_UNFREEZE): when the jump has returned, programs and the kernel's own threads stay as
 * they are.
 */
#define KJUMP_JUMP_STAY_FROZEN 0x1

/* The kernel's own functions were not all found: the caller freezes the tasks (SNAPSHOT_FREEZE). */
#define KJUMP_STATUS_FREEZE_TASKS 0x1

struct kjump_status {
	__u32 abi;
	__u32 flags; /* KJUMP_STATUS_* */
	/*
	 * First entry of the list of swapped pages, in the format of struct kimage's head
	 * (include/linux/kexec.h); 0 when nothing is loaded.
	 */
	__u64 head;
	char cause[KJUMP_CAUSE_SIZE];	  /* why the latest load, unload or jump was refused */
	char missing[KJUMP_MISSING_SIZE]; /* functions of the kernel that were not found */
};

#define KJUMP_STATUS _IOR(0xBE, 0, struct kjump_status)
/* Load, instead of what is loaded. Nothing is loaded when it fails. */
#define KJUMP_LOAD   _IOW(0xBE, 1, struct kjump_load)
#define KJUMP_UNLOAD _IO(0xBE, 2)
/*
 * Returns 0 when somebody came back, or an error when the system went on without a jump. Freezes
 * the tasks, unless the caller has, and thaws them in any case but with KJUMP_JUMP_STAY_FROZEN.
 */
#define KJUMP_JUMP _IOW(0xBE, 3, struct kjump_jump)
/*
 * Freeze all programs but the caller, who may look meanwhile at what nobody changes any more. They
 * are thawed by the next two, and when the descriptor is closed.
 */
#define KJUMP_FREEZE _IOW(0xBE, 4, struct kjump_freeze)
#define KJUMP_THAW   _IO(0xBE, 5)

#endif
