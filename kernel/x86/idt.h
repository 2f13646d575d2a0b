/* SPDX-License-Identifier: MIT */
/* Private to kernel/x86: the interrupt descriptor table is loaded by the CPU's set-up. */
#ifndef X86_IDT_H
#define X86_IDT_H
void idt_init(void); /* all 256 vectors; IF=0 */
#endif
