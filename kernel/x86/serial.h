/* SPDX-License-Identifier: MIT */
/* Private to kernel/x86: what the power switch needs of the console. */
#ifndef X86_SERIAL_H
#define X86_SERIAL_H
void serial_drain(void); /* the last byte has left, or time is up */
#endif
