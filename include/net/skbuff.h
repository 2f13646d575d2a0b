/* SPDX-License-Identifier: MIT */
/*
 * sk_buff: one packet on its way, descriptor and data apart.
 *
 *        head          data               tail         end
 *         |  headroom   |   linear data    |  tailroom  | skb_shared_info | -> up to 17 page fragments
 *         +-------------+------------------+------------+-----------------+
 *   len = (tail - data) + data_len; data_len = bytes in the fragments and in the frag_list.
 *
 * frag_list: whole packets, linked by ->next, whose data follow ours: the pieces of a datagram larger than one frame, built that way
 * (ip_append.c) or received that way (ip_reassembly.c), so that nothing is copied to join them. A piece has no list of its own. A piece
 * with an owner is charged by itself; pieces without are counted in their head's truesize.
 *
 * A clone is a second descriptor on the same data (dataref counts them): data that may be shared is read-only;
 * headers are pushed only into headroom that the pusher owns. Freeing: consume_skb() for a packet that did its
 * work, kfree_skb_reason() for a dropped one (counted by reason). Both give back route, socket charge
 * (skb->destructor) and, with the last reference, the data. Not from hardirq.
 */
#ifndef NET_SKBUFF_H
#define NET_SKBUFF_H
#include <kernel/count.h>
#include <kernel/mm.h>
#include <lib/bug.h>
#include <lib/capability.h>
#include <lib/list.h>
#include <lib/types.h>
#include <net/drop_reason.h>
#include <net/skb_stage.h>
#include <net/trace.h>
#include <wire/ethernet.h>
#include <wire/icmp.h>
#include <wire/ipv4.h>
#include <wire/tcp.h>
#include <wire/udp.h>

struct sock;
struct net_device;
struct dst_entry;
struct iov_iter;
struct seq_file;

#define MAX_SKB_FRAGS 17
/* What is charged for descriptor and shared info: Linux's sizes, so that buffer arithmetic compares. */
#define SKB_DESC_CHARGE 256u
#define SKB_INFO_CHARGE 320u
#define SMP_CACHE_BYTES 64u
#define SKB_TRUESIZE(x) (ALIGN((u32)(x), SMP_CACHE_BYTES) + SKB_DESC_CHARGE + SKB_INFO_CHARGE)
/* Headroom that TCP reserves so that no lower layer reallocates: Ethernet 14 (16 aligned), IP 60, TCP 60. */
#define MAX_TCP_HEADER 160u
#define LL_MAX_HEADER  32u
#define NET_IP_ALIGN   2u

enum ip_summed {
	CHECKSUM_NONE,        /* rx: verify; tx: complete in the packet already */
	CHECKSUM_UNNECESSARY, /* rx: verified below, or loopback */
	CHECKSUM_PARTIAL, /* tx: pseudo-header sum stored at csum_start + csum_offset; rest to be added */
};
enum pkt_type {
	PACKET_HOST,
	PACKET_BROADCAST,
	PACKET_MULTICAST,
	PACKET_OTHERHOST,
	PACKET_OUTGOING,
	PACKET_LOOPBACK
};
/* How a packet with gso_size is cut: at TCP's sequence numbers, or into UDP datagrams. IPv4 both. */
enum skb_gso_type {
	SKB_GSO_TCPV4 = 1,
	SKB_GSO_UDP_L4 = 2,
	SKB_GSO_TCP_ECN =
		4 /* beside TCPV4: CWR belongs to the first segment; a card that repeats headers cannot */
};
enum skb_fclone { SKB_FCLONE_NONE, SKB_FCLONE_ORIG, SKB_FCLONE_CLONE };

struct skb_frag {
	u8 *addr;   /* in a block of pages that page_get() counted for us */
	u32 len;    /* bytes */
	u32 offset; /* addr - offset is the begin of that block */
};

struct skb_shared_info {
	u32 dataref; /* descriptors that use this data */
	u16 gso_size; /* payload per segment when the packet is to be cut below; 0: it is one segment */
	u16 gso_segs;
	u8 gso_type;
	u8 nr_frags;
	struct sk_buff *frag_list; /* owned; whole packets behind the fragments */
	struct skb_frag frags[MAX_SKB_FRAGS];
};

struct sk_buff {
	struct sk_buff *next, *prev; /* on one queue, or NULL */
	struct sock *sk;             /* whom destructor pays back; borrowed */
	void (*destructor)(struct sk_buff *skb);
	union {
		struct {
			struct net_device *dev;    /* rx: came from; tx: leaves by; borrowed */
			unsigned long _skb_refdst; /* route; bit 0: not counted */
		};
		struct list_head
			tsorted; /* TCP's originals have neither: their place in the order of sending */
	};
	u8 *head, *data, *tail, *end;
	u32 len, data_len;      /* bytes */
	u32 truesize;           /* bytes charged to the owner */
	u32 users;              /* references to this descriptor */
	u8 cb[48] __aligned(8); /* scratch of the layer that holds the packet */
	__be16 protocol;        /* ethertype */
	u16 queue_mapping;
	u16 csum_start;  /* offset from head where the checksummed bytes begin */
	u16 csum_offset; /* of the checksum field from csum_start */
	u16 mac_header, network_header, transport_header; /* offsets from head */
	/*
	 * When the data is shared: bytes before this offset from head were free headroom at the time of the clone, so
	 * headers that were pushed there are this descriptor's own and may be written. 0: nothing may.
	 */
	u16 own_headroom;
	u8 pkt_type; /* enum pkt_type */
	u8 ip_summed : 2;
	u8 cloned : 1; /* data may be shared: look at dataref */
	u8 fclone : 2; /* enum skb_fclone */
	u8 ignore_df : 1;
	u8 ecn_ect : 1;             /* tx: the transport would understand a mark (RFC 3168, 5) */
	u8 dst_pending_confirm : 1; /* forward progress was made: the neighbour is alive */
	u8 rerouted : 1; /* a filter gave it a new route after POST_ROUTING: not seen there twice */
	u8 stage;        /* enum skb_stage: where it is now */
	union {
		struct {
			u32 priority, mark, hash;
		};
		/* TCP's originals have none of them, but what had been delivered when they left (tcp_rate.c), in microseconds modulo 2^32. */
		struct {
			u32 delivered, delivered_us, first_us;
		} tx;
	};
	u32 id;        /* this descriptor's number in traces and reports */
	u32 clone_of;  /* the number of the one it was made from; 0: an original */
	u64 tstamp_ns; /* departure (tx) or arrival (rx) */
};
_Static_assert(sizeof(struct sk_buff) <= 192, "budget: three cache lines");
_Static_assert(sizeof(struct sk_buff) <= SKB_DESC_CHARGE &&
		       sizeof(struct skb_shared_info) <= SKB_INFO_CHARGE,
	       "charged sizes");

/* --- Allocation and release (net/core/skbuff.c). Process (BH on or off) and softirq. -------------------------- */
int skb_init(void);                    /* caches; once per process; 0, -ENOMEM */
void consume_skb(struct sk_buff *skb); /* NULL is allowed */
void kfree_skb_reason(struct sk_buff *skb, enum skb_drop_reason reason);
void kfree_skb_list_reason(struct sk_buff *skb,
			   enum skb_drop_reason reason); /* linked by ->next; NULL is allowed */
/* Each call of these four is an allocation site of its own: a packet that leaks is reported where it was made. */
/* @size bytes of linear room, headroom included; len 0; one reference. NULL without memory. */
#define alloc_skb(size) alloc_skb_at(size, ALLOC_SITE())
struct sk_buff *alloc_skb_at(u32 size, struct alloc_site *site);
/* The same with a second descriptor beside it, so that the first clone allocates nothing. */
#define alloc_skb_fclone(size) alloc_skb_fclone_at(size, ALLOC_SITE())
struct sk_buff *alloc_skb_fclone_at(u32 size, struct alloc_site *site);
/* For a driver: @len bytes of tailroom behind LL_MAX_HEADER + NET_IP_ALIGN of headroom; dev set. NULL without memory. */
#define netdev_alloc_skb(dev, len) netdev_alloc_skb_at(dev, len, ALLOC_SITE())
struct sk_buff *netdev_alloc_skb_at(struct net_device *dev, u32 len, struct alloc_site *site);
/* New descriptor, same data; no owner; users 1; len and header offsets equal. NULL without memory. */
#define skb_clone(skb) skb_clone_at(skb, ALLOC_SITE())
struct sk_buff *skb_clone_at(struct sk_buff *skb, struct alloc_site *site);
/* New descriptor and private copy of the linear part, fragments shared. NULL without memory. */
struct sk_buff *pskb_copy(const struct sk_buff *skb, u32 headroom);
/*
 * Says to gcc's analyzer that @fn takes over the packet that is its argument number @arg, on every return: using the
 * packet afterwards is reported as use after free. Stands behind the declaration of @fn.
 */
#define SKB_CONSUMER(fn, arg)                                                                      \
	struct sk_buff *alloc_skb_at(u32 size, struct alloc_site *site) __freed_by(fn, arg);       \
	struct sk_buff *alloc_skb_fclone_at(u32 size, struct alloc_site *site)                     \
		__freed_by(fn, arg);                                                               \
	struct sk_buff *netdev_alloc_skb_at(struct net_device *dev, u32 len,                       \
					    struct alloc_site *site) __freed_by(fn, arg);          \
	struct sk_buff *skb_clone_at(struct sk_buff *skb, struct alloc_site *site)                 \
		__freed_by(fn, arg);                                                               \
	struct sk_buff *pskb_copy(const struct sk_buff *skb, u32 headroom) __freed_by(fn, arg)
SKB_CONSUMER(consume_skb, 1);
SKB_CONSUMER(kfree_skb_reason, 1);
/*
 * Private linear part with at least this much room at both ends (totals, not what is to be added). 0, -ENOMEM (skb
 * unchanged). truesize follows unless somebody is charged for it (destructor set). Pointers into the packet are stale.
 */
int pskb_expand_head(struct sk_buff *skb, u32 headroom, u32 tailroom);
/*
 * Writable headers with @headroom before data: expands if short, or shared and not pushed by this clone itself. 0,
 * -ENOMEM (skb unchanged).
 */
int skb_cow_head(struct sk_buff *skb, u32 headroom);
/* All data into the linear part. 0, -ENOMEM. */
int skb_linearize(struct sk_buff *skb);
struct sk_buff *skb_get(struct sk_buff *skb);    /* one more reference */
void skb_orphan(struct sk_buff *skb);            /* pays the owner back now */
bool skb_shared_data(const struct sk_buff *skb); /* a clone uses the same data */
/* The clone that was made beside @skb is still below the transport, charged to @sk. Of alloc_skb_fclone()'s packets. */
bool skb_fclone_busy(const struct sk_buff *skb, const struct sock *sk);

/* --- Geometry ---------------------------------------------------------------------------------------------------- */
static inline struct skb_shared_info *skb_shinfo(const struct sk_buff *skb)
{
	return (struct skb_shared_info *)(void *)skb->end;
}

/* The packet stands for several: whoever cannot cut it must not send it. */
static inline bool skb_is_gso(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_size != 0;
}

static inline bool skb_has_frag_list(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->frag_list;
}

static inline u32 skb_headlen(const struct sk_buff *skb)
{
	return skb->len - skb->data_len;
}

static inline u32 skb_headroom(const struct sk_buff *skb)
{
	return (u32)(skb->data - skb->head);
}

static inline u32 skb_tailroom(const struct sk_buff *skb)
{
	return skb->data_len ? 0 : (u32)(skb->end - skb->tail);
}

/* Makes headroom in an empty skb. */
static inline void skb_reserve(struct sk_buff *skb, u32 n)
{
	BUG_ON(skb->len != 0);
	BUG_ON(skb->end - skb->tail < (long)n);
	skb->data += n;
	skb->tail += n;
}

void *skb_put(struct sk_buff *skb, u32 n);  /* grows at the tail: the new bytes; asserts the room */
void *skb_push(struct sk_buff *skb, u32 n); /* grows at the head: the new data */
/* Takes @n bytes off the front: the new data, or NULL when there are not so many linear ones. */
void *skb_pull(struct sk_buff *skb, u32 n);
/* Cuts to @len bytes if longer; fragments of shared data may not be cut this way (asserted). */
void skb_trim(struct sk_buff *skb, u32 len);
/* The same for any packet: shared fragments are made private first. 0, -ENOMEM (skb unchanged). */
int pskb_trim(struct sk_buff *skb, u32 len);
/* At least @n bytes linear: true; false when the packet is shorter or memory is out. */
bool pskb_may_pull(struct sk_buff *skb, u32 n);
/*
 * Appends a fragment that lies within one page and takes a reference on that page (a block of order 0); len, data_len and
 * truesize grow. Nobody may be charged for the skb yet. 0, -EMSGSIZE when full.
 */
int skb_add_frag(struct sk_buff *skb, u8 *addr, u32 len);
/*
 * Appends @len bytes at @offset of @from: its linear ones are copied (the tailroom must be there), fragments are shared
 * unless @copy says that they are to be copied, too. 0, -EMSGSIZE when @to has no fragment left (some may be appended).
 */
int skb_append_range(struct sk_buff *to, const struct sk_buff *from, u32 offset, u32 len,
		     bool copy);
/* Hangs @list (packets linked by ->next, @bytes in all) behind @skb, which has none yet and is not shared: len and data_len grow. */
void skb_set_frag_list(struct sk_buff *skb, struct sk_buff *list, u32 bytes);
/* The opposite: the list, now the caller's; @skb has only what is its own. */
struct sk_buff *skb_take_frag_list(struct sk_buff *skb);
/* Appends @n zero bytes so that len is at least @n. 0; -ENOMEM (the skb is freed, counted NOMEM). */
int skb_padto(struct sk_buff *skb, u32 n);

static inline void skb_reset_mac_header(struct sk_buff *skb)
{
	skb->mac_header = (u16)(skb->data - skb->head);
}

static inline void skb_reset_network_header(struct sk_buff *skb)
{
	skb->network_header = (u16)(skb->data - skb->head);
}

static inline void skb_reset_transport_header(struct sk_buff *skb)
{
	skb->transport_header = (u16)(skb->data - skb->head);
}

static inline void skb_set_transport_header(struct sk_buff *skb, u32 offset)
{
	skb->transport_header = (u16)(skb->data - skb->head + offset);
}

static inline struct ethhdr *eth_hdr(const struct sk_buff *skb)
{
	return (struct ethhdr *)(void *)(skb->head + skb->mac_header);
}

static inline struct iphdr *ip_hdr(const struct sk_buff *skb)
{
	return (struct iphdr *)(void *)(skb->head + skb->network_header);
}

static inline struct tcphdr *tcp_hdr(const struct sk_buff *skb)
{
	return (struct tcphdr *)(void *)(skb->head + skb->transport_header);
}

static inline struct udphdr *udp_hdr(const struct sk_buff *skb)
{
	return (struct udphdr *)(void *)(skb->head + skb->transport_header);
}

static inline struct icmphdr *icmp_hdr(const struct sk_buff *skb)
{
	return (struct icmphdr *)(void *)(skb->head + skb->transport_header);
}

/* --- Data. The three that copy payload add to skb_stats.copied_*. ------------------------------------------------- */
/* Copies @len bytes at @offset of the packet out to kernel memory. 0, -EFAULT when beyond the end. */
int skb_copy_bits(const struct sk_buff *skb, u32 offset, void *to, u32 len);
/* The one copy on the way down: @len application bytes to the tail. 0, -EFAULT (skb unchanged). Process. */
int skb_add_data(struct sk_buff *skb, struct iov_iter *from, u32 len);
/* The one copy on the way up. 0, -EFAULT. Process. */
int skb_copy_datagram_iter(const struct sk_buff *skb, u32 offset, struct iov_iter *to, u32 len);
/* One's complement sum (not folded) over @len bytes at @offset, added to @csum. */
u32 skb_checksum(const struct sk_buff *skb, u32 offset, u32 len, u32 csum);
/* Finishes a CHECKSUM_PARTIAL packet in software. 0, -ENOMEM (shared data could not be made private). */
int skb_checksum_help(struct sk_buff *skb);

/* --- Routes ------------------------------------------------------------------------------------------------------- */
static inline struct dst_entry *skb_dst(const struct sk_buff *skb)
{
	return (struct dst_entry *)(skb->_skb_refdst & ~1UL);
}

void skb_dst_set(struct sk_buff *skb, struct dst_entry *dst); /* the reference moves into the skb */
void skb_dst_set_noref(struct sk_buff *skb, struct dst_entry *dst)
	__needs(softirq_ctx); /* borrowed till the BH section ends */
void skb_dst_force(struct sk_buff *skb) __needs(softirq_ctx); /* borrowed -> counted */
void skb_dst_drop(struct sk_buff *skb);

/* --- Queues of packets --------------------------------------------------------------------------------------------- */
struct sk_buff_head {
	struct sk_buff *next, *prev; /* the same two first members as sk_buff */
	u32 qlen;
};

void skb_queue_head_init(struct sk_buff_head *q);
void skb_queue_tail(struct sk_buff_head *q, struct sk_buff *skb);
void skb_queue_head(struct sk_buff_head *q, struct sk_buff *skb);
void skb_queue_after(struct sk_buff_head *q, struct sk_buff *prev, struct sk_buff *skb);
void skb_unlink(struct sk_buff *skb, struct sk_buff_head *q);
struct sk_buff *skb_dequeue(struct sk_buff_head *q);
void skb_queue_purge_reason(struct sk_buff_head *q, enum skb_drop_reason reason);

static inline bool skb_queue_empty(const struct sk_buff_head *q)
{
	return q->qlen == 0;
}

static inline struct sk_buff *skb_peek(const struct sk_buff_head *q)
{
	return q->qlen ? q->next : NULL;
}

static inline struct sk_buff *skb_peek_tail(const struct sk_buff_head *q)
{
	return q->qlen ? q->prev : NULL;
}

/* The one after @skb on @q, NULL at the end. */
static inline struct sk_buff *skb_queue_next(const struct sk_buff_head *q,
					     const struct sk_buff *skb)
{
	return skb->next == (const struct sk_buff *)(const void *)q ? NULL : skb->next;
}

#define skb_queue_walk(q, skb)                                                                     \
	for (skb = (q)->next; skb != (struct sk_buff *)(void *)(q); skb = skb->next)
#define skb_queue_walk_safe(q, skb, tmp)                                                           \
	for (skb = (q)->next, tmp = skb->next; skb != (struct sk_buff *)(void *)(q);               \
	     skb = tmp, tmp = skb->next)

/* --- Census ---------------------------------------------------------------------------------------------------------- */
struct skb_stats {
	u64 allocs, clones, frees, drops;
	u64 live;          /* descriptors not freed; 0 at exit */
	u64 copied_tx;     /* payload bytes copied application -> skb */
	u64 copied_rx;     /* payload bytes copied skb -> application */
	u64 copied_kernel; /* both ways, for sockets of the kernel's own (DHCP) */
	u64 copied_other; /* payload bytes copied between skbs (linearize, expand, segment, collapse) */
	u64 copied_pad; /* bytes, headers too, of frames too short for Ethernet whose tail was not theirs to pad */
	u64 copied_frag; /* payload bytes copied once more because the datagram was fragmented the slow way */
	u64 drop[NR_DROP_REASONS];
	/* By stage (<net/skb_stage.h>): moves from and to, normal ends, drops. */
	u64 moved[NR_SKB_STAGES][NR_SKB_STAGES], ended[NR_SKB_STAGES], dropped[NR_SKB_STAGES];
};
extern struct skb_stats skb_stats;

/* @skb is @next's from here on. Any context but hardirq. */
static inline void skb_enter(struct sk_buff *skb, enum skb_stage next)
{
	count64(&skb_stats.moved[skb->stage][next], 1);
	skb->stage = (u8)next;
}

void skb_show(struct seq_file *m); /* /proc/net/skb: "name value" lines */
#endif
