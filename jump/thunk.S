/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Thunk: kernel B -> kernel A and, when A jumps again, kernel A -> the frozen kernel B. It lies
 * in the head of the home; B's kexec swaps it in. B's identity tables do not map A's entry, which
 * is why B cannot jump there by itself.
 */
#include "jump/cpu.inc"

	.text
	.code64
	.globl _start
_start:
	jmp	to_a
	.org	THUNK_ENTRY
	.quad	0				/* A's entry */
	.quad	0				/* A's struct saved_context */
	.quad	0				/* B's struct saved_context */
	.quad	0				/* B stays behind? */
	.quad	0				/* B's return address */
	.quad	0				/* A's MSR IA32_S_CET */
	.org	THUNK_AGAIN
	jmp	again				/* a kernel B that was put back from a file */

/* B's relocate_kernel calls us (after a plain kexec it jumps here: then nobody waits for us). */
to_a:
	lea	_start(%rip), %rbx
	mov	(%rsp), %rax
	mov	%rax, THUNK_PEER(%rbx)
	arrive	THUNK_TABLES, THUNK_STACK_TOP
	init_other_cpus
	mov	THUNK_ENTRY(%rbx), %rdi
	mov	THUNK_A_CONTEXT(%rbx), %rsi
to_a_again:
	mov	THUNK_A_S_CET(%rbx), %r9
	lea	again(%rip), %rbp		/* A's next jump comes back to us */
	jmp	leave

/* A jumped again: its relocate_kernel calls us, identity mapped by A's tables. */
again:
	lea	_start(%rip), %rbx
	mov	(%rsp), %rdi			/* A's entry, as it is this time */
	arrive	THUNK_TABLES, THUNK_STACK_TOP
	init_other_cpus
	cmpq	$0, THUNK_HAS_PEER(%rbx)
	jne	to_b
	/* B is gone and A has loaded no new one: back to A at once. */
	mov	THUNK_A_CONTEXT(%rbx), %rsi
	jmp	to_a_again

to_b:
	lea	HEAD_LIVE - HEAD_THUNK(%rbx), %r8
	note_entered %r8
	mov	THUNK_PEER(%rbx), %rdi
	mov	THUNK_B_CONTEXT(%rbx), %rsi
	xor	%r9d, %r9d			/* B does without */
	xor	%ebp, %ebp			/* no peer: B loads a new thunk before it jumps */
leave:
	leave_into_kernel
