; SPDX-License-Identifier: MIT
;
; The one copy that may fault: between kernel and application memory. Each instruction that touches memory has an
; entry in __ex_table (address, where to go on); idt.c looks there at #PF and #GP.
;
; Interface: arch_copy_user. Above: kernel/uaccess.c. Below: nothing. Context: process. Owns: nothing.
; Specs: none; whole words by rep movsq, never rep movsb for bulk (one emulated step per byte).

EFAULT	equ 14

	bits 64
	global arch_copy_user

	section .text progbits alloc exec nowrite align=16
; int arch_copy_user(void *dst, const void *src, size_t n)
arch_copy_user:
	mov	rcx, rdx
	shr	rcx, 3
words:
	rep movsq
	mov	ecx, edx
	and	ecx, 7
tail:
	rep movsb
	xor	eax, eax
	ret
faulted:
	mov	eax, -EFAULT
	ret

	section __ex_table progbits alloc noexec nowrite align=8
	dq words, faulted
	dq tail, faulted
