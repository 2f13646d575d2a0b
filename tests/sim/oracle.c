// SPDX-License-Identifier: MIT
/*
 * What must hold inside a host whenever it rests: every packet is in exactly one place that has a name, every account
 * equals what it stands for, everything that waits has somebody who will wake it.
 *
 * Interface: oracle_start, oracle_step, oracle_end (world.h).
 * Above: wire.c at the end of each step. Below: the structures of net/ and of the driver, read only.
 * Context: the idle thread with interrupts off, or process while nothing runs. Owns: the counts of before.
 */
#include "world.h"

#include "../../net/ipv4/ipv4.h"

#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <net/inet_hashtables.h>
#include <net/sch_generic.h>

#define SEEN_SIZE   16384u /* a power of two; far more than packets live */
#define PROGRESS    64u
#define LIMIT_SLACK (2 * NSEC_PER_SEC)

/* Where a packet can be. */
enum place {
	IN_RECEIVE_QUEUE,
	IN_OUT_OF_ORDER_QUEUE,
	IN_WRITE_QUEUE,
	IN_RETRANSMIT_QUEUE,
	IN_SOCKET_BACKLOG,
	IN_NEIGHBOUR_QUEUE,
	IN_QDISC,
	IN_REQUEUE,
	IN_TX_RING,
	IN_RX_RING,
	IN_NETIF_RX_BACKLOG,
	IN_COMPLETION_QUEUE,
	IN_REASSEMBLY,
	BEHIND_ANOTHER,
	NR_PLACES
};
static const char *const place_names[NR_PLACES] = {
	"receive queue",
	"out-of-order queue",
	"write queue",
	"retransmit queue",
	"socket backlog",
	"neighbour queue",
	"qdisc",
	"requeue list",
	"transmit ring",
	"receive ring",
	"netif_rx backlog",
	"completion queue",
	"reassembly",
	"list behind another",
};

/* The stage whose packets lie there. */
static const u8 stage_of[NR_PLACES] = {
	[IN_RECEIVE_QUEUE] = SKB_STAGE_SOCKET_IN,
	[IN_OUT_OF_ORDER_QUEUE] = SKB_STAGE_SOCKET_IN,
	[IN_WRITE_QUEUE] = SKB_STAGE_SOCKET_OUT,
	[IN_RETRANSMIT_QUEUE] = SKB_STAGE_SOCKET_OUT,
	[IN_SOCKET_BACKLOG] = SKB_STAGE_SOCKET_IN,
	[IN_NEIGHBOUR_QUEUE] = SKB_STAGE_NEIGH,
	[IN_QDISC] = SKB_STAGE_DEV,
	[IN_REQUEUE] = SKB_STAGE_DEV,
	[IN_TX_RING] = SKB_STAGE_DRIVER,
	[IN_RX_RING] = SKB_STAGE_NEW,
	[IN_NETIF_RX_BACKLOG] = SKB_STAGE_BACKLOG,
	[IN_COMPLETION_QUEUE] = SKB_STAGE_DRIVER,
	[IN_REASSEMBLY] = SKB_STAGE_REASSEMBLY,
	[BEHIND_ANOTHER] = SKB_STAGE_REASSEMBLY,
};

/* What a socket may have in the queues below, since there was nothing. */
struct below {
	const struct sock *sk;
	u64 limit;    /* by its rate */
	u32 truesize; /* of its largest packet */
	bool again;   /* it sent something twice: twice as much may be there */
};

/* How a socket went on since it was looked at last. */
struct progress {
	const struct sock *sk;
	u32 id; /* of its first packet's stream: sockets are freed and their memory used again */
	u32 una, rcv_nxt;
	bool out; /* data was out */
	u64 since_ns;
};

static struct {
	/* What lived before the hosts did. */
	u64 objects, areas, mapped;
	u32 timers;
	struct rng stride;
	u32 skip;
	/* The walk */
	const struct sk_buff *seen[SEEN_SIZE];
	u8 place[SEEN_SIZE];
	u32 epoch_of[SEEN_SIZE], epoch;
	u32 found;
	u64 mapped_now;
	u32 below[SIM_HOSTS]; /* scratch */
	struct progress progress[PROGRESS];
	struct below tsq[PROGRESS];
	u64 fault_hits;
} o;

void oracle_start(void)
{
	memset(&o, 0, sizeof(o));
	o.objects = mm_live_objects();
	o.areas = vm_areas_live();
	o.mapped = dma_mapped();
	o.timers = timers_live();
	rng_stream(&o.stride, sim_options.seed, "oracle", 0);
}

/* --- The walk over all packets ---------------------------------------------------------------------------------------- */
static void enter(const struct sk_buff *skb, enum place place)
{
	u32 i = (u32)((uintptr_t)skb >> 6) * 2654435761u % SEEN_SIZE;

	if (planted(PLANT_CENSUS))
		return;
	while (o.epoch_of[i] == o.epoch) {
		if (o.seen[i] == skb)
			sim_fail("census", "packet %u is in two places: %s and %s", skb->id,
				 place_names[o.place[i]], place_names[place]);
		i = (i + 1) % SEEN_SIZE;
	}
	o.epoch_of[i] = o.epoch;
	o.seen[i] = skb;
	o.place[i] = (u8)place;
	if (++o.found > SEEN_SIZE / 2)
		sim_fail("census", "more than %u packets live", SEEN_SIZE / 2);
	if (skb->stage != stage_of[place])
		sim_fail("stages", "packet %u in the %s says it is in stage %u", skb->id,
			 place_names[place], skb->stage);
	if (skb->users != 1)
		sim_fail("census", "packet %u in the %s has %u references", skb->id,
			 place_names[place], skb->users);
}

/* @skb with what hangs behind it, once for all its clones. */
static void enter_all(const struct sk_buff *skb, enum place place)
{
	const struct sk_buff *p = skb_shinfo(skb)->frag_list;
	u32 i = p ? (u32)((uintptr_t)p >> 6) * 2654435761u % SEEN_SIZE : 0;

	enter(skb, place);
	while (p && o.epoch_of[i] == o.epoch) {
		if (o.seen[i] == p)
			return; /* a clone's */
		i = (i + 1) % SEEN_SIZE;
	}
	for (; p; p = p->next)
		enter(p, BEHIND_ANOTHER);
}

static u32 walk(const struct sk_buff_head *q, enum place place)
{
	const struct sk_buff *skb;
	u32 n = 0, truesize = 0;

	skb_queue_walk(q, skb) {
		enter_all(skb, place);
		truesize += skb->truesize;
		n++;
	}
	if (n != q->qlen)
		sim_fail("census", "%s: %u packets, it counts %u", place_names[place], n, q->qlen);
	return truesize;
}

/* --- Below the transport: who is charged is found from the packets ---------------------------------------------------------- */
struct charge {
	const struct sock *sk;
	u32 bytes, largest, packets;
};
static struct charge charges[1024];
static u32 nr_charges;

static void charge(const struct sk_buff *skb)
{
	if (skb->destructor != sock_wfree && skb->destructor != tcp_wfree)
		return;
	for (u32 i = 0; i < nr_charges; i++)
		if (charges[i].sk == skb->sk) {
			charges[i].bytes += skb->truesize;
			charges[i].packets++;
			charges[i].largest = max(charges[i].largest, skb->truesize);
			return;
		}
	if (nr_charges == ARRAY_SIZE(charges))
		sim_fail("oracle", "more than %zu sockets are charged", ARRAY_SIZE(charges));
	charges[nr_charges++] = (struct charge){ skb->sk, skb->truesize, skb->truesize, 1 };
}

static void charge_all(const struct sk_buff_head *q)
{
	const struct sk_buff *skb;

	skb_queue_walk(q, skb)
		charge(skb);
}

static void enter_queued(const struct sk_buff *skb, void *arg)
{
	struct qdisc_count *held = arg;

	enter(skb, IN_QDISC);
	charge(skb);
	held->packets++;
	held->bytes += qdisc_pkt_len(skb);
}

/* A discipline accounts for every packet: entered = handed out + given up + still here. */
static void walk_qdisc(const struct Qdisc *q)
{
	struct qdisc_count held = { 0, 0 };
	const struct sk_buff *skb;
	u64 n, bytes;

	if (q->ops->enqueue)
		q->ops->walk(q, enter_queued, &held);
	if (q->in.packets != q->out.packets + q->lost.packets + held.packets ||
	    q->in.bytes != q->out.bytes + q->lost.bytes + held.bytes)
		sim_fail("qdisc",
			 "%s: of %llu packets %llu went out, %llu were lost, %llu are here",
			 q->ops->id, (unsigned long long)q->in.packets,
			 (unsigned long long)q->out.packets, (unsigned long long)q->lost.packets,
			 (unsigned long long)held.packets);
	n = held.packets;
	bytes = held.bytes;
	walk(&q->requeue, IN_REQUEUE);
	charge_all(&q->requeue);
	skb_queue_walk(&q->requeue, skb) {
		n++;
		bytes += qdisc_pkt_len(skb);
	}
	if (n != q->qlen || bytes != q->backlog)
		sim_fail("qdisc", "%s: %llu packets and %llu bytes wait, it counts %u and %u",
			 q->ops->id, (unsigned long long)n, (unsigned long long)bytes, q->qlen,
			 q->backlog);
	if (n && !q->waits && !netif_xmit_stopped(q->txq) && netif_carrier_ok(q->txq->dev))
		sim_fail("qdisc", "%s: %u packets wait at an open queue", q->ops->id, q->qlen);
}

static void walk_ring(const struct e1000_adapter *a)
{
	const struct e1000_tx_ring *t = &a->tx_ring[0];
	const struct e1000_rx_ring *r = &a->rx_ring[0];
	struct sk_buff *skb;
	u32 used = 0, bytes = 0, in_flight = dql_in_flight(&a->dev->_tx[t->queue_index].dql);

	for (u32 i = 0; t->desc && i < t->count; i++) {
		const struct e1000_tx_buffer *b = &t->buffer_info[i];
		bool ours = e1000_desc_unused(t->count, t->next_to_use, t->next_to_clean) !=
				    t->count - 1 &&
			    (i - t->next_to_clean + t->count) % t->count <
				    (t->next_to_use - t->next_to_clean + t->count) % t->count;

		o.mapped_now += b->length != 0;
		used += ours;
		bytes += b->bytecount;
		if (!ours && (b->skb || b->length || b->next_to_watch))
			sim_fail("ring", "slot %u of the transmit ring is free and not empty", i);
		if (b->skb) {
			enter(b->skb, IN_TX_RING);
			charge(b->skb);
		}
	}
	for (u32 i = 0; r->desc && i < r->count; i++) {
		if (!r->buffer_info[i].skb)
			sim_fail("ring", "slot %u of the receive ring has no buffer", i);
		o.mapped_now++;
		enter(r->buffer_info[i].skb, IN_RX_RING);
	}
	if (r->desc) /* else there is no list yet */
		skb_queue_walk(&r->spare, skb)
			enter(skb, IN_RX_RING);
	if (bytes != in_flight)
		sim_fail("ring", "%u bytes of frames are in the ring, the byte limit counts %u",
			 bytes, in_flight);
	if (used && !timer_pending(&t->reclaim_timer) && !(a->ims & E1000_ICR_TXDW))
		sim_fail("ring", "%u slots wait to be reclaimed and nobody will", used);
}

static void walk_neighbours(const struct neigh_table *tbl)
{
	const struct neighbour *n;
	u32 all = 0, entries = 0;

	for (u32 i = 0; i < neigh_buckets(tbl); i++) {
		list_for_each_entry(n, &tbl->bucket[i], node) {
			u32 bytes = walk(&n->arp_queue, IN_NEIGHBOUR_QUEUE);

			charge_all(&n->arp_queue);
			all += bytes;
			entries++;
			if (bytes != n->arp_queue_bytes)
				sim_fail("neighbour", "%u bytes wait, it counts %u", bytes,
					 n->arp_queue_bytes);
			if (bytes && (n->nud_state != NUD_INCOMPLETE || !timer_pending(&n->timer)))
				sim_fail("neighbour", "packets wait and nobody asks");
		}
	}
	if (all != tbl->queued_bytes || entries != tbl->entries)
		sim_fail("neighbour", "%u entries with %u bytes, counted %u and %u", entries, all,
			 tbl->entries, tbl->queued_bytes);
}

/* Datagrams in pieces: each waits with a timer, and the limits hold. */
static void walk_reassembly(const struct net *net)
{
	const struct ip_frags *all = net->ipv4->frags;
	const struct ipq *q;
	u32 queues = 0, packets = 0, truesize = 0;

	list_for_each_entry(q, &all->live, age) {
		u32 bytes = walk(&q->fragments, IN_REASSEMBLY);

		if (!q->fragments.qlen || bytes != q->truesize || !timer_pending(&q->timer))
			sim_fail("reassembly", "%u fragments with %u bytes, counted %u; timer %s",
				 q->fragments.qlen, bytes, q->truesize,
				 timer_pending(&q->timer) ? "runs" : "does not run");
		queues++;
		packets += q->fragments.qlen;
		truesize += bytes;
	}
	if (queues != net->frag.queues || packets != net->frag.packets ||
	    truesize != net->frag.truesize || queues > FRAG_QUEUES || truesize > 256 * 1024)
		sim_fail("reassembly", "%u datagrams, %u fragments, %u bytes; it counts %u, %u, %u",
			 queues, packets, truesize, net->frag.queues, net->frag.packets,
			 net->frag.truesize);
}

/* --- Sockets ------------------------------------------------------------------------------------------------------------------ */
#define FAIL_SK(oracle_, sk_, fmt_, ...)                                                           \
	sim_fail(oracle_, "host%u port %u state %u: " fmt_, host_of_net((sk_)->sk_net)->id,        \
		 (sk_)->sk_num, (sk_)->sk_state, ##__VA_ARGS__)

/* Truesize of what is charged to the receive account. */
static u32 charged_r(const struct sk_buff_head *q, const struct sock *sk)
{
	const struct sk_buff *skb;
	u32 bytes = 0;

	skb_queue_walk(q, skb) {
		if (skb->destructor == sock_rfree && skb->sk != sk)
			FAIL_SK("rmem", sk, "packet %u is charged to another socket", skb->id);
		bytes += skb->destructor == sock_rfree ? skb->truesize : 0;
	}
	return bytes;
}

static void check_rtx(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *skb;
	u32 segs = 0, lost = 0, again = 0, seq = tp->snd_una;
	bool first = true;

	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

		segs += cb->segs;
		lost += cb->sacked & TCPCB_LOST ? cb->segs : 0;
		again += cb->sacked & TCPCB_SACKED_RETRANS ? cb->segs : 0;
		if (first ? after(cb->seq, seq) || !after(cb->end_seq, seq) : cb->seq != seq)
			FAIL_SK("rtx", sk, "the retransmit queue has a gap at %u, it goes on at %u",
				seq, cb->seq);
		seq = cb->end_seq;
		first = false;
	}
	if (segs != tp->packets_out || lost != tp->lost_out || again != tp->retrans_out)
		FAIL_SK("rtx", sk, "%u segments out, %u lost, %u again; it counts %u, %u, %u", segs,
			lost, again, tp->packets_out, tp->lost_out, tp->retrans_out);
	if (tp->sacked_out + tp->lost_out > tp->packets_out)
		FAIL_SK("rtx", sk, "%u left and %u lost of %u", tp->sacked_out, tp->lost_out,
			tp->packets_out);
	if (segs && seq != tp->snd_nxt)
		FAIL_SK("rtx", sk, "the retransmit queue ends at %u, snd_nxt is %u", seq,
			tp->snd_nxt);
}

/*
 * The scoreboard: what no block covered is in the index, in order, and nothing else; what RACK looks at is in the order of sending and
 * not SACKed; no marks without SACK.
 */
static void check_scoreboard(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *skb, *next = tcp_index_first(&tp->rtx_index), *prev = NULL;
	u32 sacked = planted(PLANT_SACK) ? 1 : 0;

	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

		if (cb->sacked & TCPCB_SACKED_ACKED) {
			sacked += cb->segs;
			if (skb->tsorted.next || (cb->sacked & TCPCB_LOST))
				FAIL_SK("sack", sk, "%u is SACKed and yet missed", cb->seq);
			continue;
		}
		if (skb != next)
			FAIL_SK("sack", sk, "%u is not where the index has it", cb->seq);
		next = tcp_index_next(skb);
	}
	if (next)
		FAIL_SK("sack", sk, "the index holds more than the queue");
	if (tp->sack_ok && sacked != tp->sacked_out)
		FAIL_SK("sack", sk, "%u segments are SACKed, it counts %u", sacked, tp->sacked_out);
	if (!tp->sack_ok && sacked)
		FAIL_SK("sack", sk, "%u segments are SACKed by a peer that cannot", sacked);
	list_for_each_entry(skb, &tp->tsorted, tsorted) {
		if (prev && prev->tstamp_ns > skb->tstamp_ns)
			FAIL_SK("sack", sk, "%u was sent before %u and stands behind it",
				TCP_SKB_CB(skb)->seq, TCP_SKB_CB(prev)->seq);
		prev = skb;
	}
}

static void check_timers(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool watched = timer_pending(&tp->write_timer) || (tp->deferred & TCP_DEFER_WRITE);

	if (sock_owned_by_user(sk) || sk->sk_state == TCP_CLOSE)
		return;
	if (tp->packets_out &&
	    !(watched && (tp->pending == TCP_TIME_RETRANS || tp->pending >= TCP_TIME_REFUSED)))
		FAIL_SK("timer", sk, "%u segments out and no retransmission timer",
			tp->packets_out);
	if (!tp->packets_out && tcp_send_head(sk) && tcp_send_head(sk)->len && !watched &&
	    !timer_pending(&tp->pacing_timer))
		FAIL_SK("timer", sk, "data waits and no timer watches");
	if ((tp->ack_pending & TCP_ACK_TIMER) && !timer_pending(&tp->delack_timer))
		FAIL_SK("timer", sk, "an ACK is due and no timer sends it");
}

/* No round trip is shorter than the wires: a sample that is was taken from the wrong copy of a segment (Karn). */
static void check_rtt(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct host *peer = host_of_ip(sk->sk_daddr);
	u64 least = host_of_net(sk->sk_net)->up.delay_ns;

	if (!tp->rtt.srtt8_us || !peer)
		return;
	least = (least + peer->up.delay_ns) / NSEC_PER_USEC + (planted(PLANT_RTT) ? 1000000 : 0);
	/* Timestamps, which measure what was sent twice, tell whole milliseconds. */
	if (tp->rtt.srtt8_us / 8 + (tp->tstamp_ok ? 1000 : 1) < least)
		FAIL_SK("rtt", sk, "smoothed round trip of %u us, the wires alone take %llu",
			tp->rtt.srtt8_us / 8, (unsigned long long)least);
}

/* Not its address, which differs from run to run: a verdict must not. */
static u32 place_of(const struct sock *sk)
{
	u32 id = host_of_net(sk->sk_net)->id << 16 ^ sk->sk_num ^ ntohs(sk->sk_dport) << 3;

	return (id * 2654435761u >> 16) % PROGRESS;
}

/*
 * TCP small queues: a connection has a millisecond of its rate in the queues below, two packets at least, and one packet more,
 * which was let through when that was reached. The rate falls while packets are on their way: what counts is the greatest
 * since there were none. When nearly all is acknowledged the rest goes in any case, and so do the head that is sent again and a probe for the tail; and
 * what is acknowledged may still be below.
 */
static void check_tsq(const struct sock *sk, const struct charge *c)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	struct below *b = &o.tsq[place_of(sk)];
	u32 below = c->bytes;
	u64 limit;

	b->truesize = max(b->truesize, c->largest);
	limit = min(max(2ull * b->truesize, b->limit), (u64)tcp_net_of(sk)->limit_output_bytes);
	if (b->sk != sk || tp->tcp_rtx_queue.qlen <= 2 || c->packets > tp->tcp_rtx_queue.qlen)
		return;
	if (below + (planted(PLANT_TSQ) ? 2u << 20 : 0) > (limit + 2 * b->truesize) << b->again)
		FAIL_SK("tsq", sk,
			"%u bytes in the queues below, the limit is %llu and a packet of %u", below,
			(unsigned long long)limit, b->truesize);
}

/* After each step: rates come and go. */
static void notice_rates(const struct host *h)
{
	const struct sock *sk;

	list_for_each_entry(sk, &h->net->socks, sk_all) {
		const struct tcp_sock *tp = tcp_sk(sk);
		struct below *b = &o.tsq[place_of(sk)];

		if (sk->sk_prot != &tcp_prot)
			continue;
		if (b->sk != sk || !sk->sk_wmem_alloc)
			*b = (struct below){ .sk = sk };
		b->limit = max(b->limit, sk->sk_pacing_rate >> TCP_PACING_SHIFT);
		b->again |= tp->lost_out || tp->retrans_out || tp->ca_state >= TCP_CA_Recovery;
	}
}

/* A listener counts those of its children that began with their SYN and whose last ACK is not here yet (RFC 7413, 5.1). */
static void check_young(const struct sock *lsk)
{
	u32 young = planted(PLANT_YOUNG) ? 1 : 0;
	const struct sock *sk;

	if (lsk->sk_state != TCP_LISTEN)
		return;
	list_for_each_entry(sk, &lsk->sk_net->socks, sk_all)
		young += sk->sk_prot == &tcp_prot && tcp_sk(sk)->fo_listener == lsk;
	if (young != tcp_sk(lsk)->fo_qlen)
		FAIL_SK("young", lsk, "%u connections began with their SYN, it counts %u", young,
			tcp_sk(lsk)->fo_qlen);
}

static void check_tcp(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 wmem = 0, rmem;

	wmem += walk(&sk->sk_write_queue, IN_WRITE_QUEUE);
	wmem += walk(&tp->tcp_rtx_queue, IN_RETRANSMIT_QUEUE);
	walk(&tp->out_of_order_queue, IN_OUT_OF_ORDER_QUEUE);
	rmem = charged_r(&sk->sk_receive_queue, sk) + charged_r(&tp->out_of_order_queue, sk);
	if (planted(PLANT_WMEM))
		wmem++;
	if (wmem != sk->sk_wmem_queued)
		FAIL_SK("wmem", sk, "%u bytes on the send queues, it counts %u", wmem,
			sk->sk_wmem_queued);
	if (planted(PLANT_RMEM))
		rmem++;
	if (rmem != sk->sk_rmem_alloc)
		FAIL_SK("rmem", sk, "%u bytes on the receive queues, it counts %u", rmem,
			sk->sk_rmem_alloc);
	check_rtx(sk);
	check_scoreboard(sk);
	check_rtt(sk);
	check_timers(sk);
	check_young(sk);
}

static void check_udp(const struct sock *sk)
{
	u32 rmem = charged_r(&sk->sk_receive_queue, sk);

	walk(&sk->sk_write_queue, IN_WRITE_QUEUE);
	if (rmem != sk->sk_rmem_alloc)
		FAIL_SK("rmem", sk, "%u bytes on the receive queue, it counts %u", rmem,
			sk->sk_rmem_alloc);
}

static void check_sock(const struct sock *sk)
{
	u32 backlog = walk(&sk->sk_backlog, IN_SOCKET_BACKLOG), below = 0;
	const struct charge *charged = NULL;

	walk(&sk->sk_receive_queue, IN_RECEIVE_QUEUE);
	if (backlog != sk->sk_backlog_len)
		FAIL_SK("backlog", sk, "%u bytes on the backlog, it counts %u", backlog,
			sk->sk_backlog_len);
	if (backlog && !sk->sk_owned)
		FAIL_SK("backlog", sk, "packets on the backlog of a socket that nobody owns");
	if (sk->sk_prot == &tcp_prot)
		check_tcp(sk);
	else
		check_udp(sk);
	for (u32 i = 0; i < nr_charges; i++)
		if (charges[i].sk == sk) {
			below = charges[i].bytes;
			charged = &charges[i];
		}
	if (below != sk->sk_wmem_alloc)
		FAIL_SK("wmem", sk, "%u bytes below the transport, it counts %u", below,
			sk->sk_wmem_alloc);
	if (charged && sk->sk_prot == &tcp_prot)
		check_tsq(sk, charged);
}

/* --- Progress ---------------------------------------------------------------------------------------------------------------- */
/*
 * Data is out and nothing moves. The wire says when it last kept a frame of this host, or of any other, from its way:
 * after that, the next timeout and the one behind it must have brought news.
 */
static void check_progress(const struct host *h, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	struct progress *p = &o.progress[place_of(sk)];
	u64 now = host_clock(), from = world.fault_ns, limit;
	bool mishap = false;

	if (p->sk != sk || p->id != tp->pushed_seq + sk->sk_num || p->una != tp->snd_una ||
	    p->rcv_nxt != tp->rcv_nxt || !p->out || !tp->packets_out) {
		*p = (struct progress){ sk,          tp->pushed_seq + sk->sk_num, tp->snd_una,
					tp->rcv_nxt, tp->packets_out != 0,        now };
		return;
	}
	for (u32 i = 0; i < world.nr_hosts; i++) {
		from = max(from, world.host[i].fault_ns);
		mishap |= world.host[i].cut || world.host[i].mishaps;
	}
	(void)h;
	from = max(from, p->since_ns);
	if (from > now)
		return;
	limit = 2 * tcp_rto_ns(tp) + world.worst_delay_ns + LIMIT_SLACK;
	if (planted(PLANT_STALL))
		limit = 0;
	if (!mishap && now - from > limit)
		FAIL_SK("progress", sk, "%u segments out, nothing moved for %llu ms",
			tp->packets_out, (unsigned long long)((now - from) / MS));
}

/* A packet that a discipline gave up is like one that the wire lost. */
static void notice_drops(struct host *h)
{
	const struct Qdisc *q = h->dev->_tx[0].qdisc;

	if (q && q->drops != h->gave_up) {
		h->gave_up = q->drops;
		h->fault_ns = host_clock();
	}
}

/* --- A host, the world ---------------------------------------------------------------------------------------------------------- */
struct mini_count {
	u32 timewait, requests;
};

static bool count_mini(struct sock_common *c, void *arg)
{
	struct mini_count *n = arg;

	n->timewait += c->skc_state == TCP_TIME_WAIT;
	n->requests += c->skc_state == TCP_NEW_SYN_RECV;
	return false;
}

static void check_host(const struct host *h)
{
	struct net *net = h->net;
	struct mini_count mini = { 0 };
	const struct net_device *dev;
	const struct sock *sk;
	u32 socks = 0, orphans = 0;

	nr_charges = 0;
	list_for_each_entry(dev, &net->dev_base, dev_list)
		for (u32 i = 0; i < dev->num_tx_queues; i++)
			if (dev->_tx[i].qdisc)
				walk_qdisc(dev->_tx[i].qdisc);
	walk_ring(h->nic);
	walk_neighbours(net->arp_tbl);
	walk_reassembly(net);
	list_for_each_entry(sk, &net->socks, sk_all) {
		check_sock(sk);
		socks++;
		orphans += sk->sk_prot == &tcp_prot && sock_flag(sk, SOCK_DEAD);
		if (sk->sk_prot == &tcp_prot)
			check_progress(h, sk);
	}
	inet_hash_for_each(net->tcp_hash, count_mini, &mini);
	if (mini.timewait != net->tcp->tw_count)
		sim_fail("sockets", "host%u: %u in TIME-WAIT, it counts %u", h->id, mini.timewait,
			 net->tcp->tw_count);
	if (socks + mini.timewait + mini.requests != net->socks_live)
		sim_fail("sockets",
			 "host%u: %u sockets, %u in TIME-WAIT, %u requests; it counts %u", h->id,
			 socks, mini.timewait, mini.requests, net->socks_live);
	if (orphans < net->tcp->orphan_count)
		sim_fail("sockets", "host%u: %u orphans, it counts %u", h->id, orphans,
			 net->tcp->orphan_count);
}

/* At every stage: in = on + ended + dropped + there; and only along the path. */
static void check_stages(void)
{
	const char *wrong;

	if (planted(PLANT_STAGE))
		skb_stats.moved[SKB_STAGE_NEIGH][SKB_STAGE_DRIVER]++;
	wrong = skb_stages_wrong();
	if (wrong)
		sim_fail("stages", "%s", wrong);
}

static void check_everything(void)
{
	const struct softnet_data *sd = this_cpu()->softnet;

	o.epoch++;
	o.found = 0;
	o.mapped_now = o.mapped;
	walk(&sd->input_pkt_queue, IN_NETIF_RX_BACKLOG);
	walk(&sd->completion_queue, IN_COMPLETION_QUEUE);
	for (u32 i = 0; i < world.nr_hosts; i++)
		check_host(&world.host[i]);
	check_stages();
	if (o.found != skb_stats.live)
		sim_fail("census", "%u packets were found, %llu live", o.found,
			 (unsigned long long)skb_stats.live);
	if (o.mapped_now != dma_mapped())
		sim_fail("dma", "%llu mappings in the rings, %llu live",
			 (unsigned long long)o.mapped_now, (unsigned long long)dma_mapped());
}

void oracle_step(void)
{
	u64 hits = 0;

	sim_result.steps++;
	if (!world.running)
		return;
	for (u32 i = 0; i < ARRAY_SIZE(faults); i++)
		hits += faults[i].hits;
	if (hits != o.fault_hits) {
		o.fault_hits = hits;
		world.fault_ns = host_clock() + faults[FAULT_TX_STALL].ms * MS +
				 faults[FAULT_RING_FULL].ms * MS;
	}
	apps_step();
	for (u32 i = 0; i < world.nr_hosts; i++) {
		notice_drops(&world.host[i]);
		notice_rates(&world.host[i]);
	}
	if (o.skip) {
		o.skip--;
		return;
	}
	o.skip = rng_below(&o.stride, 8);
	this_cpu()
		->bh_count++; /* readers of the tables want that; nothing runs that could be held up */
	check_everything();
	this_cpu()->bh_count--;
}

/* Where no byte changes on its way, nothing that a host sent may look broken to another. */
static void check_drops(void)
{
	static const enum skb_drop_reason broken[] = {
		SKB_DROP_REASON_PKT_TOO_SMALL,   SKB_DROP_REASON_IP_CSUM,
		SKB_DROP_REASON_TCP_CSUM,        SKB_DROP_REASON_UDP_CSUM,
		SKB_DROP_REASON_ICMP_CSUM,       SKB_DROP_REASON_IP_INHDR,
		SKB_DROP_REASON_UNHANDLED_PROTO, SKB_DROP_REASON_IP_NOPROTO,
		SKB_DROP_REASON_IP_OPTIONS,      SKB_DROP_REASON_IP_FRAG_INVALID,
		SKB_DROP_REASON_IP_FRAG_OVERLAP, SKB_DROP_REASON_IP_FRAG_ECN,
		SKB_DROP_REASON_UDP_LENGTH,      SKB_DROP_REASON_TCP_HEADER,
		SKB_DROP_REASON_ARP_INVALID,
	};
	u64 n = planted(PLANT_BROKEN) ? 1 : 0;

	for (u32 i = 0; i < ARRAY_SIZE(broken); i++)
		n += skb_stats.drop[broken[i]];
	if (n && !world.bends)
		sim_fail("drops", "%llu packets looked broken, and no byte was changed",
			 (unsigned long long)n);
}

/* Whose data were acknowledged by the SYN-ACK found a server that took them, and counted that. */
static void check_fast_open(void)
{
	u64 taken = planted(PLANT_TAKEN) ? 1 : 0, took = 0;

	for (u32 i = 0; i < world.nr_hosts; i++) {
		const struct net_mib *mib = &world.host[i].net->mib;

		taken += mib->tcpext[LINUX_MIB_TCPFastOpenActive];
		took += mib->tcpext[LINUX_MIB_TCPFastOpenPassive];
		if (!world.fast && mib->tcpext[LINUX_MIB_TCPFastOpenActive])
			sim_fail("taken", "a SYN had data, and nobody asked for that");
	}
	if (taken > took)
		sim_fail("taken", "the data of %llu SYNs were acknowledged, %llu were taken",
			 (unsigned long long)taken, (unsigned long long)took);
}

u64 oracle_lost(void)
{
	u64 lost = 0;

	for (u32 i = 0; i < world.nr_hosts; i++)
		lost += world.host[i].lost_frames +
			world.host[i].net->arp_tbl->stats.unres_discards;
	return lost;
}

/*
 * Where no frame was lost, held up for long, doubled or overtaken, and neither a listener nor a receive buffer was too
 * full, there was no reason to send anything twice, but to probe for a tail that two round trips left unacknowledged (RFC 8985, 7), and
 * for what a server did not take from a SYN (RFC 7413, 4.2.1).
 */
void oracle_counters(void)
{
	u64 lost = oracle_lost(), full = 0, again = 0, probes = 0;

	for (u32 i = 0; i < world.nr_hosts; i++) {
		const struct net_mib *mib = &world.host[i].net->mib;

		full += mib->tcpext[LINUX_MIB_ListenDrops] + mib->tcpext[LINUX_MIB_ListenOverflows];
		full += mib->tcpext[LINUX_MIB_TCPRcvQDrop] + mib->tcpext[LINUX_MIB_TCPOFODrop] +
			mib->tcpext[LINUX_MIB_TCPZeroWindowDrop];
		again += mib->tcp[TCP_MIB_RetransSegs];
		probes += mib->tcpext[LINUX_MIB_TCPLossProbes] +
			  mib->tcpext[LINUX_MIB_TCPAckSolicits] +
			  mib->tcpext[LINUX_MIB_TCPFastOpenActiveFail];
	}
	check_drops();
	check_fast_open();
	if (!world.calm || world.loses || world.reorders || world.doubles || world.starves ||
	    world.slow || world.shaped)
		return;
	if (!lost && !full && again > probes)
		sim_fail("spurious", "%llu segments were sent again, and none was lost",
			 (unsigned long long)again);
}

void oracle_end(void)
{
	u64 objects = mm_live_objects() + (planted(PLANT_LEAK) ? 1 : 0);

	if (skb_stats.live)
		sim_fail("leak", "%llu packets live at the end",
			 (unsigned long long)skb_stats.live);
	if (dma_mapped() != o.mapped)
		sim_fail("leak", "%llu DMA mappings live",
			 (unsigned long long)(dma_mapped() - o.mapped));
	if (timers_live() != o.timers)
		sim_fail("leak", "%u timers are pending", timers_live() - o.timers);
	if (vm_areas_live() != o.areas)
		sim_fail("leak", "%lld areas live", (long long)(vm_areas_live() - o.areas));
	if (objects != o.objects) {
		(void)mm_report_leaks();
		sim_fail("leak", "%lld objects live at the end\n%s",
			 (long long)(objects - o.objects), host_console());
	}
}
