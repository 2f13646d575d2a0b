/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts. Lines are level-triggered and may be shared: every handler of a line runs at each
 * interrupt. An interrupt that no handler claims is counted; after 1000 in a row the line is masked with a
 * message, so that a stuck line cannot hang the machine.
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H
#include <kernel/cpu.h>
#include <lib/types.h>

struct seq_file;
enum irqreturn { IRQ_NONE, IRQ_HANDLED };
typedef enum irqreturn (*irq_handler_t)(unsigned int irq, void *dev);

void irq_init(void);
/* Enters @fn for line @irq (process context). 0; -EINVAL no such line; -ENOMEM. @name and @dev stay the caller's. */
int request_irq(unsigned int irq, irq_handler_t fn, const char *name, void *dev);
/* Takes out the handler that was entered with @dev; masks the line after the last. */
void free_irq(unsigned int irq, void *dev);
void interrupts_show(struct seq_file *m); /* /proc/interrupts */
u64 irq_count(unsigned int irq);          /* interrupts on line @irq since boot */
#endif
