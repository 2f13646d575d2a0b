/* SPDX-License-Identifier: MIT */
/*
 * net_device: the landing that drivers and stack share. Above it the stack hands down packets and takes them up;
 * below it a driver offers net_device_ops and a NAPI context.
 *
 * The doorbell: a driver that took packets but did not yet tell its device calls netdev_defer_doorbell(); the
 * outermost end of the bottom-half-off section (or of the softirq pass) calls ndo_doorbell once for the whole burst.
 */
#ifndef NET_NETDEVICE_H
#define NET_NETDEVICE_H
#include <kernel/timer.h>
#include <lib/capability.h>
#include <lib/list.h>
#include <lib/types.h>
#include <net/dql.h>
#include <net/net.h>
#include <net/skbuff.h>

struct Qdisc;
struct in_device;
struct cpu;

#define MAX_ADDR_LEN 32
#define XPS_MAX_CPUS 64 /* CPUs that may be given transmit queues */
#define IFNAMSIZ     16
enum netdev_flags {
	IFF_UP = 1,
	IFF_BROADCAST = 2,
	IFF_LOOPBACK = 8,
	IFF_RUNNING = 0x40,
	IFF_NOARP = 0x80,
	IFF_PROMISC = 0x100,
	IFF_ALLMULTI = 0x200,
	IFF_MULTICAST = 0x1000
};
enum netdev_priv_flags {
	IFF_XMIT_DST_RELEASE = 1,
	IFF_NO_QUEUE = 2,
	IFF_LLTX = 4 /* may be entered again while it transmits: virtual devices */
};
enum netdev_features {
	NETIF_F_SG = 1,
	NETIF_F_HW_CSUM = 2,
	NETIF_F_TSO = 4, /* cuts TCP over IPv4 by gso_size */
	NETIF_F_LOOPBACK = 8,
	NETIF_F_RXCSUM = 16,
	NETIF_F_GSO =
		32 /* packets to be cut are welcome: what the device cannot cut, software does */
};

/* Of ndo_start_xmit: BUSY leaves the skb with the caller and is a counted bug of the driver's stop rule. */
typedef enum netdev_tx { NETDEV_TX_OK = 0x00, NETDEV_TX_BUSY = 0x10 } netdev_tx_t;
/* Of dev_queue_xmit() up to IP's one conversion (net_xmit_errno) and TCP's CWR test. */
enum net_xmit { NET_XMIT_SUCCESS = 0, NET_XMIT_DROP = 1, NET_XMIT_CN = 2 };
static inline int net_xmit_errno(int rc)
{
	return rc == NET_XMIT_CN ? 0 : -105 /* ENOBUFS */;
}

struct netdev_queue {
	struct net_device *dev;
	struct Qdisc *qdisc;             /* set while the device is up (net/sched) */
	struct netdev_queue *next_sched; /* on softnet_data.output_queue */
	bool sched;                      /* it is on that queue */
	bool stopped;                    /* by the driver: no room in the ring */
	bool held;                       /* by the dynamic limit: the device has enough */
	bool xmit_active;                /* its ndo_start_xmit is on the stack */
	u64 trans_start_ns;              /* last ndo_start_xmit that took a packet */
	u64 trans_timeout;               /* watchdog firings */
	u64 restarts;                    /* times it was woken */
	u64 xps_cpus;   /* CPUs that were given it, a bit each; 0: it is nobody's own */
	struct dql dql; /* bytes that the device may be ahead */
};
static_assert(sizeof(struct netdev_queue) <= 128, "budget: two cache lines");

struct net_device_stats {
	u64 rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped,
		tx_dropped, multicast;
	u64 rx_length_errors, rx_over_errors, rx_crc_errors, rx_frame_errors, rx_fifo_errors,
		rx_missed_errors, tx_aborted_errors, tx_carrier_errors, tx_fifo_errors;
};

struct net_device_ops {
	int (*ndo_open)(struct net_device *dev); /* process; 0 or -errno with everything undone */
	int (*ndo_stop)(struct net_device *dev); /* process */
	/* BH off, queue not stopped. OK: the driver owns the skb and frees it in finite time. */
	netdev_tx_t (*ndo_start_xmit)(struct sk_buff *skb, struct net_device *dev);
	void (*ndo_doorbell)(
		struct net_device *dev); /* BH off: tell the device what was posted; may be NULL */
	/* BH off: @features without those that do not fit this packet; may be NULL */
	u32 (*ndo_features_check)(struct sk_buff *skb, struct net_device *dev, u32 features);
	void (*ndo_tx_timeout)(struct net_device *dev); /* softirq (watchdog): make it go again */
	int (*ndo_change_mtu)(struct net_device *dev, u32 mtu); /* process; 0, -EINVAL */
	void (*ndo_set_rx_mode)(
		struct net_device
			*dev); /* IFF_PROMISC, IFF_ALLMULTI changed; BH off; may be NULL */
	/* BH off: receive frames to these groups, and what it takes by mistake does no harm; may be NULL: it receives all */
	void (*ndo_set_groups)(struct net_device *dev, const u8 (*groups)[ETH_ALEN], u32 count);
	void (*ndo_get_stats)(
		struct net_device *dev,
		struct net_device_stats *s); /* add what hardware counts; may be NULL */
};

struct header_ops {
	/* Pushes the link header; -errno or its length. @daddr NULL: unknown yet. */
	int (*create)(struct sk_buff *skb, struct net_device *dev, u16 type, const u8 *daddr,
		      const u8 *saddr);
};

struct net_device {
	char name[IFNAMSIZ];
	struct list_head dev_list;
	struct net *net;
	u32 ifindex;
	u32 flags, priv_flags, features;
	u32 mtu, min_mtu, max_mtu; /* bytes of the network layer */
	u16 type;                  /* enum arp_hrd */
	u16 hard_header_len;       /* 14 for Ethernet, 0 for none */
	u8 addr_len;
	u8 dev_addr[MAX_ADDR_LEN], broadcast[MAX_ADDR_LEN];
	const struct net_device_ops *netdev_ops;
	const struct header_ops *header_ops;   /* NULL: no link header */
	struct in_device *ip_ptr;              /* IPv4 addresses (net/core/inetdevice.c) */
	u32 tx_queue_len;                      /* txqueuelen, packets */
	u32 num_tx_queues, real_num_tx_queues; /* there are; in use (the first ones) */
	struct netdev_queue *_tx;              /* array of num_tx_queues */
	u64 xps_cpus;          /* CPUs that were given queues of their own, a bit each */
	struct Qdisc *qdisc;   /* root above several queues: mq; else NULL (net/sched) */
	u16 promiscuity;       /* who wants every frame; IFF_PROMISC while there is one */
	u16 allmulti;          /* who wants the frames of every group; IFF_ALLMULTI */
	u16 gso_max_segs;      /* segments in one packet of TCP at most; 0: no limit */
	u16 gflags;            /* of these two what dev_change_flags() set: one of each count */
	bool carrier;          /* link is up */
	bool doorbell_pending; /* on softnet_data.doorbell */
	struct net_device *next_doorbell;
	u32 watchdog_timeo_ms;
	struct timer watchdog_timer;   /* net/sched */
	struct net_device_stats stats; /* kept by driver and stack */
	struct list_head napi_list;
	void *priv; /* the driver's */
};
static_assert(sizeof(struct net_device) <= 512, "budget: eight cache lines");

/* --- Registry (net/dev/netdev.c), process context ----------------------------------------------------------------- */
void free_netdev(struct net_device *dev);
/* A device with @priv_size zeroed bytes at ->priv; NULL without memory. Owner: the driver. */
struct net_device *alloc_netdev(struct net *net, u32 priv_size, const char *name_fmt,
				u32 nr_tx_queues) __freed_by(free_netdev, 1);
int register_netdev(struct net_device *dev); /* 0, -EEXIST; "eth%d" gets the first free number */
void unregister_netdev(struct net_device *dev) __may_sleep; /* closes it first */
int dev_open(struct net_device *dev) __may_sleep;           /* 0 or what ndo_open said */
void dev_close(struct net_device *dev) __may_sleep;
int dev_set_mtu(struct net_device *dev, u32 mtu);                               /* 0, -EINVAL */
void dev_set_promiscuity(struct net_device *dev, int inc) __needs(softirq_ctx); /* one more, less */
void dev_set_allmulti(struct net_device *dev, int inc) __needs(softirq_ctx);
u32 dev_get_flags(const struct net_device *dev); /* as an application sees them */
int dev_change_flags(struct net_device *dev, u32 flags) __may_sleep; /* 0 or what ndo_open said */
/* dev_get_by_name(), dev_get_by_index(), the notifier chain: <net/net.h>. */
void netif_carrier_on(
	struct net_device *dev); /* process, softirq; news goes to the notifiers on change */
void netif_carrier_off(struct net_device *dev);
void dev_show(struct seq_file *m);      /* /proc/net/dev; arg: struct net */
void txqueues_show(struct seq_file *m); /* /proc/net/tx_queues; arg: struct net */

static inline bool netif_running(const struct net_device *dev)
{
	return dev->flags & IFF_UP;
}

static inline bool netif_carrier_ok(const struct net_device *dev)
{
	return dev->carrier;
}

/* --- Transmit queues ------------------------------------------------------------------------------------------------- */
static inline struct netdev_queue *netdev_get_tx_queue(const struct net_device *dev, u32 index)
{
	BUG_ON(index >= dev->num_tx_queues);
	return &dev->_tx[index];
}

/* By the driver. */
static inline bool netif_tx_queue_stopped(const struct netdev_queue *txq)
{
	return txq->stopped;
}

/* By the driver or by the dynamic limit: no packet may be given to the driver. */
static inline bool netif_xmit_stopped(const struct netdev_queue *txq)
{
	return txq->stopped || txq->held;
}

/* How many of the queues are used from now on, the device being down. 0, -EINVAL, -EBUSY it is up. Process. */
int netif_set_real_num_tx_queues(struct net_device *dev, u32 n);
/* Which CPUs are given queue @index, a bit each; a CPU without one uses any. 0, -EINVAL there is no such queue. Process. */
int netif_set_xps_queue(struct net_device *dev, u64 cpus, u32 index);
void netif_tx_start_all_queues(struct net_device *dev);
void netif_tx_stop_all_queues(struct net_device *dev);
void netif_tx_stop_queue(struct netdev_queue *txq) __needs(softirq_ctx); /* BH off */
void netif_tx_wake_queue(
	struct netdev_queue *txq); /* lets net_tx_action run its qdisc; process, softirq */
void netif_stop_queue(struct net_device *dev) __needs(softirq_ctx); /* queue 0; BH off */
void netif_wake_queue(struct net_device *dev);                      /* queue 0 */
/*
 * Byte queue limits, for drivers that count: what the ring took (true: the queue is held now, so let completions come soon),
 * what the device sent, and that the ring was emptied by force.
 */
bool netdev_tx_sent_queue(struct netdev_queue *txq, u32 bytes) __needs(softirq_ctx);
void netdev_tx_completed_queue(struct netdev_queue *txq, u32 packets, u32 bytes);
void netdev_tx_reset_queue(struct netdev_queue *txq);
void __netif_schedule(
	struct netdev_queue *txq); /* onto softnet_data.output_queue, NET_TX raised; any context */
/*
 * Gives a packet (or a list linked by ->next) to the driver. Consumed, except what is returned: the packet the driver
 * had no room for and those behind it. *rc gets the last netdev_tx_t. BH off.
 */
struct sk_buff *dev_hard_start_xmit(struct sk_buff *first, struct net_device *dev,
				    struct netdev_queue *txq, int *rc) __needs(softirq_ctx);
/* The driver posted packets and did not ring: ring at the end of this BH-off section. BH off. */
void netdev_defer_doorbell(struct net_device *dev) __needs(softirq_ctx);
/* Rings every deferred doorbell now (cpu->bh_exit). BH off. */
void netdev_ring_doorbells(struct cpu *cpu) __needs(softirq_ctx);
/* Takes @txq off the list of queues to run: its device goes. Process. */
void netif_unschedule(struct netdev_queue *txq);
/* Normal end of a packet from any context: in hardirq NET_TX frees it later. Consumes. */
void dev_consume_skb_any(struct sk_buff *skb);
SKB_CONSUMER(dev_consume_skb_any, 1);

/* --- Taps (net/dev/tap.c): who listens beside the stack ------------------------------------------------------------------ */
struct packet_tap {
	struct list_head node; /* on net->taps */
	__be16 type;           /* ETH_P_ALL: what goes down, too */
	u32 ifindex;           /* 0: every device */
	/* Consumes @skb. Softirq, or BH off. */
	void (*func)(struct packet_tap *tap, struct sk_buff *skb, struct net_device *dev);
	struct sock *sk; /* does not see what it sends itself */
};

void dev_add_tap(struct net *net, struct packet_tap *tap);
void dev_remove_tap(struct packet_tap *tap);
void dev_tap_receive(struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx);
void dev_tap_xmit(const struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx);
static inline bool dev_tapped(const struct net *net)
{
	return unlikely(!list_empty(&net->taps));
}

/* --- Receive (net/dev/receive.c, napi.c) ------------------------------------------------------------------------------- */
struct napi_struct {
	struct list_head poll_list;
	struct list_head dev_list;
	struct net_device *dev;
	int (*poll)(struct napi_struct *n,
		    int budget); /* softirq; returns frames handled, <= budget */
	int weight;
	bool scheduled, missed, enabled;
	u64 polls, completes;
};

struct softnet_data {
	struct list_head poll_list; /* NAPI contexts to poll; interrupts off */
	struct netdev_queue
		*output_queue; /* queues to run in NET_TX, linked by next_sched; interrupts off */
	struct netdev_queue **output_queue_tailp;
	struct net_device *doorbell;         /* devices to ring; BH off */
	struct sk_buff_head input_pkt_queue; /* netif_rx backlog */
	struct napi_struct backlog;
	struct sk_buff_head completion_queue;  /* freed by NET_TX for hardirq */
	u32 netdev_budget, netdev_max_backlog; /* frames per NET_RX pass; packets */
	u64 netdev_budget_ns;                  /* time per NET_RX pass */
	u32 xmit_recursion;                    /* devices without a queue on this stack; BH off */
	u64 processed, dropped, time_squeeze, received_rps, doorbells;
};

void netif_napi_add(struct net_device *dev, struct napi_struct *n,
		    int (*poll)(struct napi_struct *, int), int weight);
void netif_napi_del(struct napi_struct *n);
void napi_enable(struct napi_struct *n);
void napi_disable(struct napi_struct *n)
	__may_sleep; /* process: on return it is not scheduled and cannot be */
bool napi_schedule(struct napi_struct *n); /* any context; true: it was not scheduled yet */
bool napi_complete_done(struct napi_struct *n, int work)
	__needs(softirq_ctx);                  /* softirq; false: poll again */
void net_rx_action(void) __needs(softirq_ctx); /* NET_RX_SOFTIRQ */
/* Up from a driver: consumed. Softirq. protocol and pkt_type set (eth_type_trans), data at the network header. */
void netif_receive_skb(struct sk_buff *skb) __needs(softirq_ctx);
SKB_CONSUMER(netif_receive_skb, 1);
/* Up by the backlog (loopback): consumed; NET_RX_SUCCESS 0 or dropped 1. Process BH off, softirq. */
int netif_rx(struct sk_buff *skb) __needs(softirq_ctx);
SKB_CONSUMER(netif_rx, 1);
int dev_add_pack(struct net *net, __be16 type, packet_rcv_fn func); /* 0, -EEXIST, -ENOSPC */
void dev_remove_pack(struct net *net, __be16 type);                 /* process */
void netif_flush_backlog(
	struct net_device *dev);   /* drops what the backlog holds of @dev; process */
int softnet_init(struct cpu *cpu); /* allocates cpu->softnet, sets bh_exit; 0, -ENOMEM */
void softnet_exit(struct cpu *cpu) __may_sleep;
void softnet_stat_show(struct seq_file *m); /* /proc/net/softnet_stat */
#endif
