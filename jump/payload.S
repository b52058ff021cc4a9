/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Payload: kernel C -> kernel A. Loaded by kexec to the start of the home, whose content A swaps
 * away as soon as it runs. C's memory is overwritten from here on, so nothing of C's is used: not
 * its tables, not its stack, not its descriptor tables.
 */
#include "jump/cpu.inc"

	.text
	.code64
	.globl _start
_start:
	lea	_start(%rip), %rbx
	arrive	PAYLOAD_TABLES, PAYLOAD_STACK_TOP
	init_other_cpus
	mov	$0x80, %al			/* no NMI while there is no IDT; A's RTC driver */
	out	%al, $0x70			/* lets them through again */
	lea	PAYLOAD_STRUCT(%rbx), %rdi
	call	payload_restore			/* does not return when a check fails */
	wbinvd					/* A may map some of these pages uncached */
	mov	PAYLOAD_ENTRY(%rbx), %rdi
leave:
	mov	PAYLOAD_CONTEXT(%rbx), %rsi
	mov	PAYLOAD_S_CET(%rbx), %r9
	lea	bounce(%rip), %rbp
	leave_into_kernel

/*
 * A helper arrives here: 64-bit, by the page tables of the CPU that woke it, without a stack. What
 * wakes it afterwards is INIT.
 */
	.globl	helper_start
helper_start:
	lea	_start(%rip), %rbx
	mov	$1, %eax
	lock xadd %rax, PAYLOAD_CREW(%rbx)	/* crew.joined: this one's number */
	cmp	$PAYLOAD_HELPERS, %rax
	jae	.Lrest
	mov	%rax, %rsi
	inc	%rax
	shl	$FRAME_SHIFT, %rax
	lea	PAYLOAD_STACKS(%rbx,%rax), %rsp
	lea	PAYLOAD_STRUCT(%rbx), %rdi
	call	crew_help
.Lrest:
	cli
	hlt
	jmp	.Lrest

/*
 * The code that a helper starts with, in real mode, in a page below 1 MiB that it is copied to.
 * Caches are on, as for all code here. From INIT on a CPU takes neither interrupts nor, without an
 * IDT, exceptions.
 */
	.code16
	.globl	wake_code, wake_code_end
wake_code:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	movzwl	%ax, %ebx
	shll	$4, %ebx			/* address of this page */
	lgdtl	WAKE_GDT_POINTER
	lidtl	WAKE_IDT_POINTER
	movl	$(CR0_PE | CR0_ET | CR0_NE), %eax
	movl	%eax, %cr0
	ljmpl	*WAKE_JUMP32
	.org	wake_code + WAKE_CODE32
	.code32
	movw	$WAKE_DATA_SEL, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	WAKE_CR4(%ebx), %eax
	movl	%eax, %cr4
	movl	WAKE_CR3(%ebx), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	$(CR0_PG | CR0_WP | CR0_PE | CR0_ET | CR0_NE), %eax
	movl	%eax, %cr0
	ljmpl	*WAKE_JUMP64(%ebx)
	.org	wake_code + WAKE_DATA
wake_code_end:
	.code64

/*
 * A believes that kernel B is behind its loaded image. Should it jump again before it has loaded
 * a new one, its relocate_kernel calls this, which returns to it at once.
 */
bounce:
	lea	_start(%rip), %rbx
	mov	(%rsp), %rdi
	arrive	PAYLOAD_TABLES, PAYLOAD_STACK_TOP
	init_other_cpus
	jmp	leave
