; SPDX-License-Identifier: MIT
;
; The door for applications: the syscall instruction, in ring 0 like everything here. The CPU has cleared IF, so the
; first three instructions run undisturbed to the thread's kernel stack; nothing is ever pushed on the caller's (it
; may hold a red zone). Then one bounded jump through sys_call_table with interrupts on. rdi rsi rdx r8 r9 r10
; survive, as Linux has it; rcx and r11 do not. Back by a jump, never by sysret, in the shadow of sti: an
; interrupt sees either the kernel's stack or application text.
;
; Interface: syscall_entry (entered in LSTAR by arch_cpu_init). Above: kernel/syscall.c. Below: the CPU.
; Context: process, IF=0 on entry. Owns: syscall_scratch (IF=0 only). Specs: Intel SDM vol. 2 SYSCALL; psABI A.2.1.

NR_SYSCALLS	equ 512			; <kernel/syscall.h>; checked in thread.c
CPU_NEED_RESCHED equ 17			; offset in struct cpu; checked in thread.c

	bits 64
	extern sys_call_table, syscall_bad, syscall_exit_work, boot_cpu, x86_kstack_top
	global syscall_entry

	section .text progbits alloc exec nowrite align=16
syscall_entry:
	mov	[syscall_scratch], rsp
	mov	rsp, [x86_kstack_top]
	push	qword [syscall_scratch]	; the application's stack pointer
	push	rcx			; where it goes on
	push	r11			; its flags
	push	rdi
	push	rsi
	push	rdx
	push	r8
	push	r9
	push	r10
	push	rax			; ten words: the stack is aligned for C
	sti
	cmp	rax, NR_SYSCALLS
	jae	.bad
	cmp	qword [sys_call_table + rax * 8], 0
	je	.bad
	mov	rcx, r10		; the fourth argument travels in r10 because syscall takes rcx
	call	[sys_call_table + rax * 8]
.out:
	cli
	cmp	byte [boot_cpu + CPU_NEED_RESCHED], 0
	jne	.work
.leave:
	pop	rcx			; the number, or what .work put there
	pop	r10
	pop	r9
	pop	r8
	pop	rdx
	pop	rsi
	pop	rdi
	pop	r11
	pop	rcx
	pop	rsp
	sti
	jmp	rcx
.bad:
	mov	rdi, rax
	call	syscall_bad
	jmp	.out
.work:
	mov	[rsp], rax
	sti
	call	syscall_exit_work
	mov	rax, [rsp]
	cli
	jmp	.leave

	section .bss nobits alloc noexec write align=8
syscall_scratch:
	resq 1
