// SPDX-License-Identifier: MIT
/*
 * The console: a 16550 at COM1, 115200 8N1, polled. Nothing here waits for ever: a UART that is missing (it reads as
 * 0xff) is never written, one that is stuck costs a bounded number of polls per byte.
 *
 * Interface: arch_early_init, arch_console_write, arch_console_getc (<kernel/arch.h>), serial_drain.
 * Above: kernel/printk.c, power.c. Below: the UART. Context: any. Owns: COM1.
 * Specs: PC16550D data sheet section 8.
 */
#include <kernel/arch.h>

#include "serial.h"
#include "x86.h"

#define COM1     0x3f8U
#define REG_DATA COM1       /* and divisor low while DLAB is set */
#define REG_IER  (COM1 + 1) /* and divisor high */
#define REG_FCR  (COM1 + 2)
#define REG_LCR  (COM1 + 3)
#define REG_MCR  (COM1 + 4)
#define REG_LSR  (COM1 + 5)
#define REG_SCR  (COM1 + 7)
#define LSR_DR   0x01U /* a byte has come */
#define LSR_THRE 0x20U /* the transmit register takes a byte */
#define LSR_TEMT 0x40U /* everything has left */
#define SPIN_MAX 200000U

static bool uart_present;

/**
 * arch_early_init() - brings the console up
 *
 * May be called twice: the entry code does it so that the loader's data can be complained about.
 * Context: first thing at boot, IF=0. Source: PC16550D data sheet.
 */
void arch_early_init(void)
{
	clock_boot_cycles();
	if (uart_present)
		return;
	outb(REG_SCR, 0x5a);
	if (inb(REG_SCR) != 0x5a || inb(REG_LSR) == 0xff)
		return;
	outb(REG_IER, 0);
	outb(REG_LCR, 0x80);
	outb(REG_DATA, 1); /* 115200 baud */
	outb(REG_IER, 0);
	outb(REG_LCR, 0x03); /* 8N1, DLAB off */
	outb(REG_FCR, 0x07); /* FIFOs on and empty */
	outb(REG_MCR, 0x03);
	uart_present = true;
}

static void wait_for(u8 bits)
{
	for (u32 i = 0; i < SPIN_MAX; i++)
		if ((inb(REG_LSR) & bits) == bits)
			return;
}

/**
 * arch_console_write() - writes @n bytes as they are
 * @s: the bytes
 * @n: how many
 *
 * Context: any; polls, never sleeps. The byte is lost when the UART does not take it in time.
 */
void arch_console_write(const char *s, size_t n)
{
	if (!uart_present)
		return;
	for (size_t i = 0; i < n; i++) {
		wait_for(LSR_THRE);
		outb(REG_DATA, (u8)s[i]);
	}
}

/**
 * arch_console_getc() - one byte from the console
 *
 * Context: any. Return: the byte, or -1 when none waits.
 */
int arch_console_getc(void)
{
	if (!uart_present || !(inb(REG_LSR) & LSR_DR))
		return -1;
	return inb(REG_DATA);
}

/**
 * serial_drain() - waits, within bounds, until the last byte has left
 *
 * Context: any.
 */
void serial_drain(void)
{
	if (uart_present)
		wait_for(LSR_THRE | LSR_TEMT);
}
