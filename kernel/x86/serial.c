// SPDX-License-Identifier: MIT
/*
 * Two serial lines, 16550s at 115200 8N1. COM1 is the console, polled: nothing here waits for ever, a UART that is
 * missing (it reads as 0xff) is never written, one that is stuck costs a bounded number of polls per byte. COM2 belongs
 * to whoever opens it (kernel/posix/tty.c): a byte is taken or given when the UART is ready, and it interrupts when
 * that changes.
 *
 * Interface: arch_early_init, arch_console_write, arch_console_getc, arch_serial_* (<kernel/arch.h>), serial_drain.
 * Above: kernel/printk.c, power.c, kernel/posix/tty.c. Below: the UARTs. Context: any. Owns: COM1, COM2.
 * Specs: PC16550D data sheet section 8.
 */
#include <kernel/arch.h>

#include "serial.h"
#include "x86.h"

#define COM1 0x3f8U
#define COM2 0x2f8U

/* Registers, from the base. */
enum uart_reg {
	REG_DATA = 0, /* and divisor low while DLAB is set */
	REG_IER = 1,  /* and divisor high */
	REG_IIR = 2,  /* read */
	REG_FCR = 2,  /* written */
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_SCR = 7,
};
#define IER_RX    0x01U /* interrupt when bytes have come */
#define IER_TX    0x02U /* and when the transmit FIFO is empty */
#define IIR_NONE  0x01U /* no interrupt is pending */
#define FCR_RESET 0x07U /* FIFOs on and empty; interrupt at the first byte */
#define FCR_BURST 0xc0U /* at the fourteenth byte, or when the line pauses for four */
#define MCR_READY 0x03U /* DTR, RTS */
#define MCR_IRQ   0x08U /* OUT2: on a PC the gate of the interrupt line */
#define LSR_DR    0x01U /* a byte has come */
#define LSR_THRE  0x20U /* the transmit FIFO is empty */
#define LSR_TEMT  0x40U /* everything has left */
#define FIFO_SIZE 16U
#define SPIN_MAX  200000U

static bool console_present;
static bool line_present; /* COM2 is there and open */
static u8 line_ier;       /* what it may interrupt for */

/* A UART answers at @base and now runs at 115200 8N1, silent. */
static bool uart_reset(u16 base, u8 fcr, u8 mcr)
{
	outb(base + REG_SCR, 0x5a);
	if (inb(base + REG_SCR) != 0x5a || inb(base + REG_LSR) == 0xff)
		return false;
	outb(base + REG_IER, 0);
	outb(base + REG_LCR, 0x80);
	outb(base + REG_DATA, 1); /* 115200 baud */
	outb(base + REG_IER, 0);
	outb(base + REG_LCR, 0x03); /* 8N1, DLAB off */
	outb(base + REG_FCR, fcr);
	outb(base + REG_MCR, mcr);
	return true;
}

/**
 * arch_early_init() - brings the console up
 *
 * May be called twice: the entry code does it so that the loader's data can be complained about.
 * Context: first thing at boot, IF=0. Source: PC16550D data sheet.
 */
void arch_early_init(void)
{
	clock_boot_cycles();
	if (!console_present)
		console_present = uart_reset(COM1, FCR_RESET, MCR_READY);
}

static void wait_for(u8 bits)
{
	for (u32 i = 0; i < SPIN_MAX; i++)
		if ((inb(COM1 + REG_LSR) & bits) == bits)
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
	if (!console_present)
		return;
	for (size_t i = 0; i < n; i++) {
		wait_for(LSR_THRE);
		outb(COM1 + REG_DATA, (u8)s[i]);
	}
}

/**
 * arch_console_getc() - one byte from the console
 *
 * Context: any. Return: the byte, or -1 when none waits.
 */
int arch_console_getc(void)
{
	if (!console_present || !(inb(COM1 + REG_LSR) & LSR_DR))
		return -1;
	return inb(COM1 + REG_DATA);
}

/**
 * serial_drain() - waits, within bounds, until the last byte has left
 *
 * Context: any.
 */
void serial_drain(void)
{
	if (console_present)
		wait_for(LSR_THRE | LSR_TEMT);
}

/* --- The second line --------------------------------------------------------------------------------------------- */
/**
 * arch_serial_open() - resets the second line; it interrupts for nothing yet
 *
 * Context: process. Return: false when there is no UART.
 */
bool arch_serial_open(void)
{
	line_ier = 0;
	line_present = uart_reset(COM2, FCR_RESET | FCR_BURST, MCR_READY | MCR_IRQ);
	return line_present;
}

/** arch_serial_close() - the second line is silent from now on. Context: process. */
void arch_serial_close(void)
{
	if (!line_present)
		return;
	outb(COM2 + REG_IER, 0);
	outb(COM2 + REG_MCR, 0);
	line_present = false;
}

/**
 * arch_serial_irqs() - what the second line interrupts for
 * @receive: bytes have come
 * @transmit: there is room for bytes to send
 *
 * Context: any, IF=0.
 */
void arch_serial_irqs(bool receive, bool transmit)
{
	u8 ier = (receive ? IER_RX : 0) | (transmit ? IER_TX : 0);

	if (line_present && ier != line_ier)
		outb(COM2 + REG_IER, ier);
	line_ier = ier;
}

/**
 * arch_serial_pending() - does the second line ask for attention?
 *
 * The line is an edge: a handler asks again until this says no, or the next edge never comes. Asking acknowledges
 * that there is room to send.
 * Context: hardirq. Return: true when an interrupt is pending.
 */
bool arch_serial_pending(void)
{
	return line_present && !(inb(COM2 + REG_IIR) & IIR_NONE);
}

/** arch_serial_getc() - one byte from the second line. Context: any. Return: the byte, or -1 when none waits. */
int arch_serial_getc(void)
{
	return line_present && inb(COM2 + REG_LSR) & LSR_DR ? inb(COM2 + REG_DATA) : -1;
}

/** arch_serial_room() - how many bytes arch_serial_put() takes now. Context: any. Return: 0..16. */
size_t arch_serial_room(void)
{
	return line_present && inb(COM2 + REG_LSR) & LSR_THRE ? FIFO_SIZE : 0;
}

/**
 * arch_serial_put() - sends bytes on the second line
 * @n: at most what arch_serial_room() said
 *
 * Context: any.
 */
void arch_serial_put(const u8 *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		outb(COM2 + REG_DATA, bytes[i]);
}
