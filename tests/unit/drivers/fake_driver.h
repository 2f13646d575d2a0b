/* SPDX-License-Identifier: MIT */
/*
 * A driver of eight descriptors that does what it is told, for tests of the card's model: rings and buffers in mapped
 * memory, registers by hand. Included by one test program each.
 */
#ifndef FAKE_DRIVER_H
#define FAKE_DRIVER_H
#include "../../host/e1000_model_private.h"
#include "host.h"
#include "ktest.h"

#include <kernel/arch.h>
#include <kernel/dma.h>
#include <kernel/io.h>
#include <kernel/mm.h>

#define RING     8u
#define BUF      2048u
#define RCTL_ON  0x04008002u /* EN, BAM, 2048 bytes, SECRC */
#define TCTL_ON  0x0103f0fau
#define DATA     0x22100000u /* extended data descriptor, IFCS */
#define EOP_RS   0x09000000u
#define CONTEXT  0x20000000u
#define MAIL_MAX 64u
#define MS       1000000ULL

static struct e1000_model card;
static struct e1000_model_desc *txd, *rxd;
static dma_addr_t tx_at, rx_at;
static u8 *tx_buf[RING], *rx_buf[RING];
static dma_addr_t tx_buf_at[RING], rx_buf_at[RING];
/* What left the card. */
static struct {
	u32 frames, len;
	u8 last[E1000_MODEL_FRAME];
	u8 mark[MAIL_MAX]; /* byte 20 of each */
	u64 at[MAIL_MAX];
} mail;

static inline void w(u32 reg, u32 v)
{
	if (reg == TDT)
		dma_wmb();
	writel(v, (void *)(E1000_MODEL_BAR0 + reg));
}

static inline u32 r(u32 reg)
{
	return readl((void *)(E1000_MODEL_BAR0 + reg));
}

static inline void on_mail(void *arg, const u8 *frame, u32 len)
{
	(void)arg;
	if (mail.frames < MAIL_MAX) {
		mail.mark[mail.frames] = frame[20];
		mail.at[mail.frames] = host_clock();
	}
	mail.frames++;
	mail.len = len;
	memcpy(mail.last, frame, len);
}

/* A card with memory decoding and bus mastering on, no interrupt line, rings of eight; both engines on. */
static inline void card_up(void)
{
	memset(&mail, 0, sizeof(mail));
	e1000_model_plug(&card, 0x100e);
	card.tx = on_mail;
	card.hold_ns = 0;
	arch_pci_write32(0, 3, 0, 4, 0x0406);
	txd = dma_alloc_coherent(PAGE_SIZE, &tx_at);
	rxd = dma_alloc_coherent(PAGE_SIZE, &rx_at);
	for (u32 i = 0; i < RING; i++) {
		tx_buf[i] = kzalloc(BUF);
		rx_buf[i] = kzalloc(BUF);
		tx_buf_at[i] = dma_map_single(tx_buf[i], BUF, DMA_TO_DEVICE);
		rx_buf_at[i] = dma_map_single(rx_buf[i], BUF, DMA_FROM_DEVICE);
		tx_buf[i][20] = (u8)i;
		rxd[i].addr = rx_buf_at[i];
	}
	w(TDBAL, (u32)tx_at);
	w(TDBAH, (u32)(tx_at >> 32));
	w(TDLEN, RING * 16);
	w(TDH, 0);
	w(TDT, 0);
	w(TCTL, TCTL_ON);
	w(RDBAL, (u32)rx_at);
	w(RDBAH, (u32)(rx_at >> 32));
	w(RDLEN, RING * 16);
	w(RCTL, RCTL_ON);
	w(RDT, RING - 1);
}

static inline void tx_unmap(u32 i)
{
	if (tx_buf_at[i])
		dma_unmap_single(tx_buf_at[i], BUF, DMA_TO_DEVICE);
	tx_buf_at[i] = 0;
}

static inline void rx_unmap(u32 i)
{
	if (rx_buf_at[i])
		dma_unmap_single(rx_buf_at[i], BUF, DMA_FROM_DEVICE);
	rx_buf_at[i] = 0;
}

static inline void card_down(void)
{
	e1000_model_unplug_all();
	for (u32 i = 0; i < RING; i++) {
		tx_unmap(i);
		rx_unmap(i);
		kfree(tx_buf[i]);
		kfree(rx_buf[i]);
	}
	dma_free_coherent(txd, PAGE_SIZE, tx_at);
	dma_free_coherent(rxd, PAGE_SIZE, rx_at);
	CHECK_EQ(host_dma_live(), 0);
}

/* Descriptor @i: a whole frame of @len bytes out of buffer @i. */
static inline void post(u32 i, u32 len)
{
	txd[i] = (struct e1000_model_desc){ tx_buf_at[i], DATA | EOP_RS | len, 0 };
}

/* A frame from the wire to the card's address, or to @to. */
static inline bool arrives(const u8 *to, u32 len, u8 mark)
{
	static const u8 own[] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
	static u8 f[E1000_MODEL_FRAME];

	memset(f, mark, len);
	memcpy(f, to ? to : own, 6);
	return e1000_model_rx(&card, f, len, 0);
}

/* Bits 0 to 7: which of the eight descriptors say DD. */
static inline u32 tx_dd(void)
{
	u32 bits = 0;

	for (u32 i = 0; i < RING; i++)
		bits |= (txd[i].upper & 1) << i;
	return bits;
}

static inline u32 rx_dd(void)
{
	u32 bits = 0;

	for (u32 i = 0; i < RING; i++)
		bits |= (rxd[i].upper & 1) << i;
	return bits;
}
#endif
