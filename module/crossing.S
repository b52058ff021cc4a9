/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Out of this kernel into another one and back. Two pieces of code: kjump_cross_over() is part of
 * the module and runs at its own address, in the kernel's page tables and in ours; the code for
 * the control page is copied there and runs at its physical address, while the memory that this
 * kernel lives in is not its own.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/page_types.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>

#include "crossing.h"

	.text

/* rdi = control page, rsi = its physical address */
SYM_FUNC_START(kjump_cross_over)
	ANNOTATE_NOENDBR			/* its address is taken, to map it */
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushfq
	mov	%rsp, CONTROL_RSP(%rdi)
	mov	%cr0, %rax
	mov	%rax, CONTROL_CR0(%rdi)
	mov	%cr3, %rax
	mov	%rax, CONTROL_CR3(%rdi)
	mov	%cr4, %rax
	mov	%rax, CONTROL_CR4(%rdi)
	mov	$MSR_EFER, %ecx
	rdmsr
	mov	%eax, CONTROL_EFER(%rdi)
	mov	%edx, CONTROL_EFER + 4(%rdi)
	mov	$MSR_GS_BASE, %ecx
	rdmsr
	mov	%eax, CONTROL_GS_BASE(%rdi)
	mov	%edx, CONTROL_GS_BASE + 4(%rdi)

	/* Whatever goes wrong from here on resets the machine, instead of running a handler of ours
	 * in memory that is another kernel's. */
	lidt	CONTROL_NO_IDT(%rdi)
	mov	%rsi, %rbx
	mov	CONTROL_TABLES(%rdi), %rax
	mov	%rax, %cr3
	/* From here on only this code, the control page and RAM are there, not our stack. */
	lea	PAGE_SIZE(%rbx), %rsp
	ANNOTATE_RETPOLINE_SAFE
	call	*%rbx

	/* Back. rbx is the control page again. Nothing is known of the other registers: the other
	 * kernel may have been a fresh one after a power-off. */
	lgdt	CONTROL_GDT(%rbx)
	mov	$MSR_EFER, %ecx
	mov	CONTROL_EFER(%rbx), %eax
	mov	CONTROL_EFER + 4(%rbx), %edx
	wrmsr
	mov	$MSR_GS_BASE, %ecx
	mov	CONTROL_GS_BASE(%rbx), %eax
	mov	CONTROL_GS_BASE + 4(%rbx), %edx
	wrmsr
	/* CR0 first: CR4.CET needs CR0.WP. */
	mov	CONTROL_CR0(%rbx), %rax
	mov	%rax, %cr0
	mov	CONTROL_RSP(%rbx), %rsp
	mov	CONTROL_CR4(%rbx), %rdx
	mov	CONTROL_CR3(%rbx), %rcx
	mov	%rcx, %rax
	and	$~0xfff, %rax			/* CR4.PCIDE can be set only with PCID 0 */
	mov	%rax, %cr3
	/* CR4.PGE going from 0 to 1 empties the TLB: all PCIDs, global pages too. */
	mov	%rdx, %cr4
	mov	%rcx, %cr3

	push	$__KERNEL_CS
	lea	1f(%rip), %rax
	push	%rax
	lretq
1:	ANNOTATE_NOENDBR
	mov	$__KERNEL_DS, %eax
	mov	%eax, %ss
	popfq
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	RET
SYM_FUNC_END(kjump_cross_over)
STACK_FRAME_NON_STANDARD kjump_cross_over
SYM_INNER_LABEL(kjump_cross_over_end, SYM_L_GLOBAL)

	/* Not in .text: it is never run here, so nobody need understand it. */
	.section .rodata, "a", @progbits
	.balign	16

/* rbx = this page, rsp = its end with the way back on it */
SYM_DATA_START(kjump_control_code)
	call	.Lplain_cpu
	call	.Lswap
	mov	CONTROL_START(%rbx), %rdx
	/* Who is called finds the way back on the stack, and the two bytes of this call before it:
	 * that is how it knows that this is one. */
	call	*%rdx

	/* Somebody came back: identity mapped, interrupts off, the same number of levels of page
	 * tables, on whatever stack, which has the address for the next time on top. */
	cli
	cld
	lea	kjump_control_code(%rip), %rbx
	mov	(%rsp), %rax
	mov	%rax, CONTROL_START(%rbx)
	mov	CONTROL_TABLES(%rbx), %rax
	mov	%rax, %cr3
	lea	PAGE_SIZE - 8(%rbx), %rsp
	call	.Lplain_cpu
	call	.Lswap
	ret					/* into kjump_cross_over() */

/* CR4 with nothing but what 64-bit mode needs; then no alignment checks nor lazy FPU. CR0.WP stays,
 * the order of setting and clearing WP and CR4.CET matters. Clobbers rax. */
.Lplain_cpu:
	mov	%cr4, %rax
	and	$X86_CR4_LA57, %eax		/* cannot change here */
	or	$X86_CR4_PAE, %eax
	mov	%rax, %cr4
	mov	%cr0, %rax
	and	$~(X86_CR0_AM | X86_CR0_TS | X86_CR0_EM), %rax
	or	$(X86_CR0_WP | X86_CR0_NE), %rax
	mov	%rax, %cr0
	ret

/* Exchange what the list names, page by page. Clobbers everything but rbx, rsp. */
.Lswap:
	mov	CONTROL_HEAD(%rbx), %rcx
.Lentry:
	mov	%rcx, %rax
	and	$~SWAP_FLAGS, %rax
	test	$SWAP_SOURCE, %cl
	jnz	.Lsource
	test	$SWAP_DESTINATION, %cl
	jnz	.Ldestination
	test	$SWAP_INDIRECTION, %cl
	jnz	.Lindirection
	ret					/* SWAP_DONE */
.Lindirection:
	mov	%rax, %rsi			/* rsi = next entry */
	jmp	.Lnext
.Ldestination:
	mov	%rax, %rdi			/* rdi = next destination */
	jmp	.Lnext
.Lsource:
	lea	PAGE_SIZE(%rdi), %rdx
.Lexchange:
	mov	(%rax), %r8
	mov	8(%rax), %r9
	mov	16(%rax), %r10
	mov	24(%rax), %r11
	mov	(%rdi), %r12
	mov	8(%rdi), %r13
	mov	16(%rdi), %r14
	mov	24(%rdi), %r15
	mov	%r8, (%rdi)
	mov	%r9, 8(%rdi)
	mov	%r10, 16(%rdi)
	mov	%r11, 24(%rdi)
	mov	%r12, (%rax)
	mov	%r13, 8(%rax)
	mov	%r14, 16(%rax)
	mov	%r15, 24(%rax)
	add	$32, %rax
	add	$32, %rdi
	cmp	%rdx, %rdi
	jne	.Lexchange
.Lnext:
	mov	(%rsi), %rcx
	add	$8, %rsi
	jmp	.Lentry
	/* Data follows in the page; this fails when the code reaches into it. */
	.org	kjump_control_code + CONTROL_START
SYM_DATA_END(kjump_control_code)
