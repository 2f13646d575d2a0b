/* SPDX-License-Identifier: MIT */
/*
 * What the five files of the driver share. Calls by name go main -> tx, rx -> hw; tx -> desc.
 *
 * Each ring is two arrays with one index: desc[i] is the device's (DMA memory), buffer_info[i] ours, and both speak
 * of the same packet. The device owns the descriptors from its head up to the tail register, we own the others.
 */
#ifndef E1000_H
#define E1000_H
#include "e1000_regs.h"

#include <drivers/e1000.h>
#include <kernel/dma.h>
#include <kernel/io.h>
#include <kernel/timer.h>
#include <lib/capability.h>
#include <net/netdevice.h>

/*
 * Rings each way of the largest part served here: the 8254x have one of both. What belongs to a queue lies in its ring; parts with more
 * have further ones, with registers of their own at this distance.
 */
#define E1000_MAX_QUEUES   1u
#define E1000_QUEUE_STRIDE 0x100u

#define E1000_RING_MIN          8u
#define E1000_RING_MAX          4096u
#define E1000_DESC_BYTES        4096u /* most bytes that one transmit descriptor carries */
#define E1000_DOORBELL_MAX      32u   /* descriptors that may wait for one doorbell */
#define E1000_RDT_BATCH         16u   /* frames after which the receive tail is given on */
#define E1000_COPYBREAK         158u  /* received frames up to this move into a small buffer */
#define E1000_RX_SPARE          8u    /* empty receive buffers kept for when there is no memory */
#define E1000_NAPI_WEIGHT       64
#define E1000_TX_TIMEOUT_MS     5000u
#define E1000_RECLAIM_NS        (2 * NSEC_PER_MSEC)
#define E1000_WATCHDOG_NS       (2 * NSEC_PER_SEC)
#define E1000_TX_HUNG_TICKS     3u /* watchdog ticks without one completion: four seconds at least */
#define E1000_RING_BYTES(count) ALIGN((size_t)(count)*16u, (size_t)PAGE_SIZE)

/* One slot of the transmit ring. All zero: nothing of ours hangs here. */
struct e1000_tx_buffer {
	struct sk_buff *skb; /* in the slot of a packet's last descriptor: ours till it is done */
	dma_addr_t dma;
	u32 length;    /* bytes mapped at dma; 0: nothing is (context descriptor) */
	u32 bytecount; /* bytes of its frames; in the slot with the skb */
	u32 segs;      /* frames that the device makes of it; there, too */
	struct e1000_tx_desc *next_to_watch; /* in the first slot: the packet's last descriptor */
};

/* What a context descriptor says; all zero: nothing. */
struct e1000_tx_context {
	u64 offsets;
	u32 cmd, upper;
};

struct e1000_adapter;

struct e1000_tx_ring {
	struct e1000_adapter *adapter;
	struct e1000_tx_desc *desc; /* NULL while the device is closed */
	dma_addr_t dma;
	struct e1000_tx_buffer *buffer_info;
	u32 queue_index; /* of the device's transmit queue that fills it */
	u32 count;
	u32 next_to_use;   /* next slot we fill */
	u32 next_to_clean; /* oldest slot that is not reclaimed */
	u32 tail;          /* what TDT was last told */
	u32 stop_below;    /* the queue stops when fewer descriptors are unused ... */
	u32 wake_at;       /* ... and goes on when so many are */
	struct e1000_tx_context
		held[2];  /* what the device remembers: for sums; for packets it cuts */
	bool last_tx_tso; /* the packet posted last was one that it cuts */
	bool full;        /* by fault=ringfull: there is no room, whatever the indices say */
	u64 reclaimed;    /* packets, since probe */
	struct timer reclaim_timer; /* bounds the age of a packet that is done but not reclaimed */
	struct timer full_timer;
	u32 hung_ticks;     /* watchdog ticks without one completion ... */
	u64 hung_reclaimed; /* ... beyond so many */
	bool cleaning; /* packets are being given back: what that sends is not looked for within it */
};

struct e1000_rx_buffer {
	struct sk_buff *skb; /* the device writes to its data; len 0 */
	dma_addr_t dma;
};
static_assert(sizeof(struct e1000_rx_buffer) == 16, "as long as its descriptor");

struct e1000_rx_ring {
	struct e1000_adapter *adapter;
	struct e1000_rx_desc *desc;
	dma_addr_t dma;
	struct e1000_rx_buffer *buffer_info;
	u32 queue_index;
	u32 count;
	u32 next_to_clean;         /* next descriptor the device will have filled */
	u32 untold;                /* descriptors given back that RDT does not say yet */
	bool dropping;             /* in a frame that did not fit: drop up to its end */
	struct sk_buff_head spare; /* for when there is no memory: E1000_RX_SPARE at most */
};

/* Counters of /proc/net/nic beside those in net_device.stats. */
struct e1000_stats {
	u64 tdt_writes, rdt_writes, mmio_reads, mmio_writes;
	u64 interrupts, tx_irqs;
	u64 irq_rescues; /* the watchdog found work that no interrupt had told of */
	u64 tx_queue_stopped, tx_restart_queue, tx_linearized, tx_dma_failed, tx_busy, tx_timeouts;
	u64 rx_alloc_failed, rx_errors, rx_long, rx_short;
	u64 rx_copied;   /* frames, see E1000_COPYBREAK */
	u64 rx_overruns; /* interrupts that reported one: each stands for one lost frame or more */
	u64 link_changes, context_descs;
	u64 tx_tso_packets, tx_tso_segs; /* given to the device to be cut; frames they became */
	u64 reclaim_in_xmit, reclaim_in_poll, reclaim_by_timer;
};

/* What differs between the parts. */
struct e1000_info {
	u16 device;
	const char *name;
	u32 eerd_done; /* bit that says the EEPROM word is there */
	u32 eerd_addr_shift;
	bool tso; /* cuts packets */
	u8 tx_queues, rx_queues;
};

struct e1000_adapter {
	struct net_device *dev;
	struct pci_dev *pdev;
	const struct e1000_info *info;
	u8 __iomem *hw_addr;
	struct napi_struct napi;
	struct e1000_tx_ring tx_ring[E1000_MAX_QUEUES];
	struct e1000_rx_ring rx_ring[E1000_MAX_QUEUES];
	u32 num_tx_queues, num_rx_queues; /* of them this part has */
	bool tx_stalled;                  /* by fault=txstall: TCTL.EN is off, for all rings */
	struct timer stall_timer;
	u32 rctl;                 /* what RCTL says, or will */
	bool rctl_written;        /* the receiver runs: a write of RCTL shuts it for a second */
	bool allmulti;            /* MTA takes every group */
	u32 mta[E1000_MTA_WORDS]; /* the groups that are joined */
	bool irqs_off;   /* all causes are masked: the interrupt came, the poll is not over */
	bool link_event; /* LSC was seen; the poll looks at STATUS */
	bool closing;    /* the queue stays stopped */
	bool txirq_always;
	u32 ims; /* causes that may interrupt while irqs_off is false */
	struct timer watchdog_timer;
	struct e1000_stats stats;
	char page[16 + IFNAMSIZ]; /* path of the counter page; "" when there is none */
};

/* Every access to the device goes through these two and is counted. */
static inline u32 er32(struct e1000_adapter *a, u32 reg)
{
	a->stats.mmio_reads++;
	return readl(a->hw_addr + reg);
}

static inline void ew32(struct e1000_adapter *a, u32 reg, u32 v)
{
	a->stats.mmio_writes++;
	writel(v, a->hw_addr + reg);
}

/* Each ring of an adapter. */
#define e1000_for_each_tx_ring(a, r)                                                               \
	for (struct e1000_tx_ring *r = (a)->tx_ring; r < (a)->tx_ring + (a)->num_tx_queues; r++)
#define e1000_for_each_rx_ring(a, r)                                                               \
	for (struct e1000_rx_ring *r = (a)->rx_ring; r < (a)->rx_ring + (a)->num_rx_queues; r++)

/* Registers of a ring: queue 0's and those at a distance. */
static inline void e1000_tx_ew32(struct e1000_tx_ring *r, u32 reg, u32 v)
{
	ew32(r->adapter, reg + r->queue_index * E1000_QUEUE_STRIDE, v);
}

static inline u32 e1000_tx_er32(struct e1000_tx_ring *r, u32 reg)
{
	return er32(r->adapter, reg + r->queue_index * E1000_QUEUE_STRIDE);
}

static inline void e1000_rx_ew32(struct e1000_rx_ring *r, u32 reg, u32 v)
{
	ew32(r->adapter, reg + r->queue_index * E1000_QUEUE_STRIDE, v);
}

static inline u32 e1000_rx_er32(struct e1000_rx_ring *r, u32 reg)
{
	return er32(r->adapter, reg + r->queue_index * E1000_QUEUE_STRIDE);
}

/* Descriptors that may still be filled. One stays empty, so that a full ring does not look like an empty one. */
static inline u32 e1000_desc_unused(u32 count, u32 next_to_use, u32 next_to_clean)
{
	return (next_to_clean > next_to_use ? 0 : count) + next_to_clean - next_to_use - 1;
}

static inline u32 e1000_tx_unused(const struct e1000_tx_ring *r)
{
	return e1000_desc_unused(r->count, r->next_to_use, r->next_to_clean);
}

/* Descriptors that were filled and not reclaimed. */
static inline u32 e1000_tx_used(const struct e1000_tx_ring *r)
{
	return r->next_to_use - r->next_to_clean +
	       (r->next_to_use < r->next_to_clean ? r->count : 0);
}

/* The index after @i (before @i) on a ring of @count. */
static inline u32 e1000_next(u32 i, u32 count)
{
	return i + 1 == count ? 0 : i + 1;
}

static inline u32 e1000_prev(u32 i, u32 count)
{
	return (i ? i : count) - 1;
}

/* "e1000 0000:00:03.0 eth0": how each message begins. */
#define E1000_FMT     "e1000 %s %s: "
#define E1000_WHO(a_) (a_)->pdev->name, (a_)->dev->name

/* e1000_hw.c */
void e1000_init_hw(struct e1000_adapter *a);
void e1000_set_groups(struct net_device *dev, const u8 (*groups)[ETH_ALEN], u32 count)
	__needs(softirq_ctx);
void e1000_set_rx_mode(struct net_device *dev) __needs(softirq_ctx);
int e1000_read_mac_addr(struct e1000_adapter *a, u8 *mac); /* 0, -EIO */
void e1000_check_link(struct e1000_adapter *a) __needs(softirq_ctx);
void e1000_set_txdw(struct e1000_adapter *a, bool on) __needs(softirq_ctx);
void *e1000_alloc_desc(u32 count, dma_addr_t *dma);
void e1000_free_desc(void *desc, u32 count, dma_addr_t dma);

/* e1000_desc.c */
u32 e1000_features_check(struct sk_buff *skb, struct net_device *dev, u32 features)
	__needs(softirq_ctx);
u32 e1000_tx_descs_needed(struct e1000_tx_ring *r, const struct sk_buff *skb);
int e1000_tx_post(struct e1000_tx_ring *r, struct sk_buff *skb)
	__needs(softirq_ctx); /* 0, -ENOMEM */
struct sk_buff *e1000_tx_release_slot(struct e1000_tx_ring *r, u32 i);
void e1000_tx_forget(struct e1000_tx_ring *r);

/* e1000_tx.c */
void e1000_tx_init(struct e1000_adapter *a, u32 count);
int e1000_setup_all_tx_resources(struct e1000_adapter *a); /* 0, -ENOMEM */
void e1000_free_all_tx_resources(struct e1000_adapter *a);
void e1000_configure_tx(struct e1000_adapter *a);
void e1000_stop_tx(struct e1000_adapter *a) __needs(softirq_ctx);
netdev_tx_t e1000_xmit_frame(struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx);
void e1000_doorbell(struct net_device *dev) __needs(softirq_ctx);
void e1000_clean_tx_poll(struct e1000_adapter *a) __needs(softirq_ctx);
bool e1000_tx_done(const struct e1000_adapter *a);
bool e1000_tx_hangs(struct e1000_adapter *a) __needs(softirq_ctx);
void e1000_tx_timeout(struct net_device *dev) __needs(softirq_ctx);

/* e1000_rx.c */
void e1000_rx_init(struct e1000_adapter *a, u32 count);
int e1000_setup_all_rx_resources(struct e1000_adapter *a); /* 0, -ENOMEM */
void e1000_free_all_rx_resources(struct e1000_adapter *a);
void e1000_configure_rx(struct e1000_adapter *a);
void e1000_stop_rx(struct e1000_adapter *a);
int e1000_clean_rx_irq(struct e1000_adapter *a, int budget) __needs(softirq_ctx);
bool e1000_rx_waiting(const struct e1000_adapter *a);
#endif
