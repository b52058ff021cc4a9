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
 * A believes that kernel B is behind its loaded image. Should it jump again before it has loaded
 * a new one, its relocate_kernel calls this, which returns to it at once.
 */
bounce:
	lea	_start(%rip), %rbx
	mov	(%rsp), %rdi
	arrive	PAYLOAD_TABLES, PAYLOAD_STACK_TOP
	init_other_cpus
	jmp	leave
