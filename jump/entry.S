/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry stub: kernel A -> kernel B, the first time. First page of the home. A's relocate_kernel
 * has swapped the home in and calls us, identity mapped by A's tables; the return address on the
 * stack is where A is re-entered.
 */
#include "jump/cpu.inc"

	.text
	.code64
	.globl _start
_start:
	jmp	start
	.org	ENTRY_KERNEL
kernel:	.quad	0				/* B's 64-bit entry point; set by the loader */

start:
	lea	_start(%rip), %rbx		/* start of the home */
	mov	(%rsp), %rdi			/* A's entry */
	lea	HEAD_LIVE(%rbx), %r8
	note_entered %r8
	arrive	HEAD_TABLES, HEAD_STACK_TOP
	init_other_cpus

	/* Segments as the 64-bit boot protocol wants them (Documentation/arch/x86/boot.rst). */
	lea	gdt(%rip), %rax
	push	%rax				/* base */
	pushw	$(gdt_end - gdt - 1)		/* limit */
	lgdt	(%rsp)
	add	$10, %rsp
	mov	$0x18, %eax			/* __BOOT_DS */
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	lea	enter(%rip), %rax
	push	$0x10				/* __BOOT_CS */
	push	%rax
	lretq
enter:
	mov	kernel(%rip), %rax
	lea	HEAD_BOOT_PARAMS(%rbx), %rsi	/* rsi = struct boot_params */
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%edi, %edi
	jmp	*%rax

	.balign	16
gdt:	.quad	0
	.quad	0
	.quad	0x00af9b000000ffff		/* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff		/* 0x18: data */
gdt_end:
