; SPDX-License-Identifier: MIT
;
; The 256 entry points of the IDT. Vectors 0..31 are exceptions: on IST2 (IST3: NMI, double fault, machine check) all
; registers are stored and fault_entry() decides whether the code may go on. Vectors from 32 are interrupts: on
; IST1 with IF=0. Their frame leaves IST1 before anything can enable interrupts: to the top of the running thread's
; kernel stack when anything but kernel text was interrupted (the application's own stack may hold a red zone, so nothing is
; pushed there), else right below the interrupted stack pointer. So interrupts nest naturally and a preempted
; thread owns its frame.
;
; Interface: vector_table (256 addresses), ist*_stack/top with guard pages below. Above: idt.c. Below: the CPU.
; Context: hardirq entry and exit, exceptions. Owns: the IST stacks. Specs: Intel SDM vol. 3 6.12-6.15.

	bits 64
	extern irq_entry, fault_entry, x86_kstack_top, __text_start, __app_text
	global vector_table
	global ist1_guard, ist1_top, ist2_guard, ist2_top, ist3_guard, ist3_top

	section .text progbits alloc exec nowrite align=16
%assign v 0
%rep 256
	align	8
vec_%+v:
 %if v != 8 && v != 10 && v != 11 && v != 12 && v != 13 && v != 14 && v != 17 && v != 21 && v != 29 && v != 30
	push	0			; the CPU pushes no error code here
 %endif
	push	v
 %if v < 32
	jmp	fault_common
 %else
	jmp	irq_common
 %endif
 %assign v v+1
%endrep

	align	16
irq_common:
	push	rax
	push	rdx			; rdx rax vector error rip cs rflags rsp ss
	mov	eax, __text_start
	mov	rdx, [rsp + 32]
	sub	rdx, rax
	mov	eax, __app_text
	sub	rax, __text_start
	cmp	rdx, rax
	mov	rax, [rsp + 56]
	cmovae	rax, [x86_kstack_top]	; not the kernel's text: the application's, or code it made itself
	and	rax, -16
%assign o 72
%rep 9
	pop	qword [rax - o]
 %assign o o-8
%endrep
	lea	rsp, [rax - 72]
	push	rcx
	push	rsi
	push	rdi
	push	r8
	push	r9
	push	r10
	push	r11			; 16 words: the stack is aligned for C
	cld
	mov	rdi, rsp
	call	irq_entry
	cli				; the exit work may have enabled interrupts
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rdi
	pop	rsi
	pop	rcx
	pop	rdx
	pop	rax
	add	rsp, 16
	iretq

	align	16
fault_common:
	push	rax
	push	rbx
	push	rcx
	push	rdx
	push	rsi
	push	rdi
	push	rbp
	push	r8
	push	r9
	push	r10
	push	r11
	push	r12
	push	r13
	push	r14
	push	r15			; 22 words from an aligned top
	cld
	mov	rdi, rsp
	call	fault_entry		; returns only when the instruction may be repeated or was fixed up
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rbp
	pop	rdi
	pop	rsi
	pop	rdx
	pop	rcx
	pop	rbx
	pop	rax
	add	rsp, 16
	iretq

	section .rodata progbits alloc noexec nowrite align=8
vector_table:
%assign v 0
%rep 256
	dq vec_%+v
 %assign v v+1
%endrep

	section .bss.page_aligned nobits alloc noexec write align=4096
ist1_guard:
	resb 4096
	resb 4096
ist1_top:
ist2_guard:
	resb 4096
	resb 16384
ist2_top:
ist3_guard:
	resb 4096
	resb 16384
ist3_top:
