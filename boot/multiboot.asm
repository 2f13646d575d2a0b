; SPDX-License-Identifier: MIT
;
; The gate. A multiboot 1 loader (QEMU -kernel, GRUB) jumps here in 32-bit protected mode, paging off, with its
; magic in EAX and the address of its information in EBX. This file refuses whoever is not such a loader and a CPU
; without long mode, each with a line on COM1 and an exit status, zeroes .bss (no loader is trusted to have done
; so; EBX lives in a register meanwhile) and goes on in long_mode.asm.
;
; Interface: multiboot_entry. Above: long_mode.asm. Below: nothing. Context: 32-bit, IF=0, no stack but ours.
; Owns: COM1 until arch_early_init(). Specs: Multiboot 0.6.96 sections 3.1-3.2; Intel SDM vol. 2 CPUID, vol. 1 20.1.

MB_MAGIC	equ 0x1BADB002
MB_LOADER	equ 0x2BADB002
MB_FLAGS	equ 0x00010003		; modules page-aligned, memory map wanted, address fields below count
EXIT_PANIC	equ 64
EXIT_NO_LONG_MODE equ 71
COM1		equ 0x3f8
DEBUG_EXIT	equ 0xf4

	extern __load_start, __load_end, __bss_start, __bss_end
	extern long_mode_enter
	global multiboot_entry

	bits 32
	section .multiboot progbits alloc noexec nowrite align=4
multiboot_header:
	dd MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)
	dd multiboot_header		; header_addr
	dd __load_start			; load_addr: the file's first byte, ELF header included
	dd __load_end
	dd __bss_end
	dd multiboot_entry

	section .boot progbits alloc exec nowrite align=16
multiboot_entry:
	cli
	cld
	mov	ebp, ebx		; multiboot information
	mov	esp, eax		; no stack yet: ESP keeps the magic
	cmp	eax, MB_LOADER
	jne	bad_loader
	mov	edi, __bss_start
	mov	ecx, __bss_end
	sub	ecx, edi
	shr	ecx, 2
	xor	eax, eax
	rep stosd
	mov	edx, esp		; the magic
	mov	esp, early_stack_top
	push	edx

	; CPUID is there if EFLAGS.ID can be changed
	pushfd
	pop	eax
	mov	ecx, eax
	xor	eax, 1 << 21
	push	eax
	popfd
	pushfd
	pop	eax
	xor	eax, ecx
	test	eax, 1 << 21
	jz	no_long_mode
	mov	eax, 0x80000000
	cpuid
	cmp	eax, 0x80000001
	jb	no_long_mode
	mov	eax, 0x80000001
	cpuid
	test	edx, 1 << 29		; LM
	jz	no_long_mode
	pop	eax			; magic
	mov	ebx, ebp		; information
	jmp	long_mode_enter

bad_loader:
	mov	esp, early_stack_top	; .bss need not be zero for these few words
	mov	esi, msg_loader
	mov	edi, EXIT_PANIC
	jmp	refuse
no_long_mode:
	mov	esi, msg_cpu
	mov	edi, EXIT_NO_LONG_MODE

; Prints ESI, ends the machine with status EDI.
refuse:
	mov	dx, COM1 + 3
	mov	al, 0x80		; divisor latch
	out	dx, al
	mov	dx, COM1
	mov	al, 1			; 115200 baud
	out	dx, al
	mov	dx, COM1 + 1
	xor	al, al
	out	dx, al
	mov	dx, COM1 + 3
	mov	al, 3			; 8N1
	out	dx, al
.next:
	lodsb
	test	al, al
	jz	.done
	mov	ah, al
	mov	ecx, 100000		; bounded: a missing or stuck UART must not keep us
.wait:
	mov	dx, COM1 + 5
	in	al, dx
	test	al, 0x20
	loopz	.wait
	mov	al, ah
	mov	dx, COM1
	out	dx, al
	jmp	.next
.done:
	mov	ecx, 100000
.drain:
	mov	dx, COM1 + 5
	in	al, dx
	test	al, 0x40
	loopz	.drain
	mov	eax, edi
	mov	dx, DEBUG_EXIT
	out	dx, eax
.halt:
	cli
	hlt
	jmp	.halt

msg_loader:
	db "[    0.000000] boot: not entered by a multiboot 1 loader", 10, "exit: 64", 10, 0
msg_cpu:
	db "[    0.000000] boot: this CPU has no long mode; a 64-bit x86 CPU is needed", 10, "exit: 71", 10, 0

	section .bss nobits alloc noexec write align=16
	resb 256
early_stack_top:
