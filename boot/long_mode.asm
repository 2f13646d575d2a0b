; SPDX-License-Identifier: MIT
;
; From 32-bit to C. Builds the first page tables (identity, 2 MiB pages, the first 4 GiB, in .bss), switches to long
; mode with a GDT that has the selectors the kernel keeps (8 code, 16 data), takes the boot stack, and calls
; arch_early_init() so that the parser can already speak, multiboot_parse(magic, info), start_kernel().
; kernel/x86/paging.c replaces the tables by tight ones; only boot_pdpt lives on till then.
;
; Interface: long_mode_enter (EAX magic, EBX information), boot_pdpt, boot_stack*. Above: boot/main.c. Below:
; multiboot.asm. Context: IF=0. Owns: the boot stack, which becomes thread init's. Specs: Intel SDM vol. 3 9.8.5, 4.5.

PTE_P		equ 1
PTE_W		equ 2
PTE_PS		equ 0x80
BOOT_GIB	equ 4
BOOT_STACK	equ 16384

	extern arch_early_init, multiboot_parse, start_kernel
	global long_mode_enter, boot_pdpt, boot_stack_guard, boot_stack, boot_stack_top

	bits 32
	section .boot progbits alloc exec nowrite align=16
long_mode_enter:
	mov	ebp, eax		; magic
	mov	dword [boot_pml4], boot_pdpt + PTE_P + PTE_W
	mov	eax, boot_pd + PTE_P + PTE_W
	mov	edi, boot_pdpt
	mov	ecx, BOOT_GIB
.pdpt:
	mov	[edi], eax
	add	eax, 4096
	add	edi, 8
	loop	.pdpt
	mov	eax, PTE_P + PTE_W + PTE_PS
	mov	edi, boot_pd
	mov	ecx, BOOT_GIB * 512
.pd:
	mov	[edi], eax
	add	eax, 0x200000
	add	edi, 8
	loop	.pd

	mov	eax, cr4
	or	eax, 1 << 5		; PAE
	mov	cr4, eax
	mov	eax, boot_pml4
	mov	cr3, eax
	mov	ecx, 0xC0000080		; EFER
	rdmsr
	or	eax, 1 << 8		; LME
	wrmsr
	mov	eax, cr0
	or	eax, 0x80000001		; PG, PE
	mov	cr0, eax
	lgdt	[boot_gdtr]
	jmp	8:long_mode

	bits 64
long_mode:
	mov	eax, 16
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	mov	esp, boot_stack_top
	mov	r12d, ebp		; magic
	mov	r13d, ebx		; information
	xor	ebp, ebp		; backtraces end here
	call	arch_early_init
	mov	edi, r12d
	mov	esi, r13d
	call	multiboot_parse
	call	start_kernel
	ud2				; start_kernel() does not return

	section .rodata progbits alloc noexec nowrite align=8
boot_gdt:
	dq 0
	dq 0x00AF9B000000FFFF		; 8: 64-bit code
	dq 0x00CF93000000FFFF		; 16: data
boot_gdtr:
	dw 23
	dq boot_gdt

	section .bss.page_aligned nobits alloc noexec write align=4096
boot_pml4:
	resb 4096
boot_pdpt:
	resb 4096
boot_pd:
	resb 4096 * BOOT_GIB
boot_stack_guard:
	resb 4096
boot_stack:
	resb BOOT_STACK
boot_stack_top:
