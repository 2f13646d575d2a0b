; SPDX-License-Identifier: MIT
;
; Changing stacks: between threads, to the softirq stack and back, and out into the application. Only callee-saved
; registers cross a switch; vector state, FS base and the kernel stack's top are thread.c's part.
;
; Interface: x86_switch_stack, x86_thread_start, arch_call_on_stack, x86_enter_app. Above: thread.c. Below: nothing.
; Context: IF=0 (switch, enter), any (call_on_stack). Owns: nothing. Specs: System V ABI AMD64 3.2.

	bits 64
	extern thread_exit
	global x86_switch_stack, x86_thread_start, arch_call_on_stack, x86_enter_app

	section .text progbits alloc exec nowrite align=16
; void x86_switch_stack(unsigned long *save_sp, unsigned long sp)
x86_switch_stack:
	push	rbp
	push	rbx
	push	r12
	push	r13
	push	r14
	push	r15
	mov	[rdi], rsp
	mov	rsp, rsi
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbx
	pop	rbp
	ret

; First return address of a new thread: rbx function, r12 argument (placed by arch_thread_init), IF as the switch left
; it: the function enables interrupts itself.
x86_thread_start:
	xor	ebp, ebp		; backtraces end here
	mov	rdi, r12
	call	rbx
	call	thread_exit		; a thread's function may simply return
	ud2

; void arch_call_on_stack(void (*fn)(void), void *stack_top)
arch_call_on_stack:
	push	rbp
	mov	rbp, rsp
	and	rsi, -16
	mov	rsp, rsi
	call	rdi
	leave
	ret

; void x86_enter_app(unsigned long entry, unsigned long sp): registers as at exec: all zero (rdx: no exit function).
; The interrupt flag goes on in the shadow of sti, so no interrupt sees the application's stack with kernel text.
x86_enter_app:
	cli
	mov	rcx, rdi
	mov	rsp, rsi
	xor	eax, eax
	xor	ebx, ebx
	xor	edx, edx
	xor	esi, esi
	xor	edi, edi
	xor	ebp, ebp
	xor	r8d, r8d
	xor	r9d, r9d
	xor	r10d, r10d
	xor	r11d, r11d
	xor	r12d, r12d
	xor	r13d, r13d
	xor	r14d, r14d
	xor	r15d, r15d
	sti
	jmp	rcx
