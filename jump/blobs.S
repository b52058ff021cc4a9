/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The code between kernels, as flat binaries. */
	.section .rodata
	.macro blob name, file
	.globl	jump_\name, jump_\name\()_end
	.balign	16
jump_\name:
	.incbin	"\file"
jump_\name\()_end:
	.endm

	blob	entry, "entry.bin"
	blob	thunk, "thunk.bin"
	blob	payload, "payload.bin"

	.section .note.GNU-stack, "", @progbits
