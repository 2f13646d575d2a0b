// SPDX-License-Identifier: MIT
/*
 * How large a segment may be: what the route, the peer and the windows say, and what probes of the path find out where no router can be
 * heard.
 *
 * The search (tcp_mtu_probing 2, or 1 once large segments seem to vanish) begins at tcp_base_mss and halves the range up to what the
 * route and the peer allow until tcp_probe_threshold bytes of it are left. A probe is text that waits to be sent anyway, in one segment
 * that is larger than the others. When it is acknowledged segments become as large; when it alone is lost the range ends below
 * it, which is no congestion; when more is lost, or it is sent again for another reason, it tells nothing. After tcp_probe_interval
 * seconds the upper end is looked for again.
 *
 * Interface: tcp_sync_mss, tcp_mtu_probing, tcp_mtup_build, tcp_mtup_sent, tcp_mtup_acked, tcp_mtup_failed
 * Above: tcp_output.c, tcp_recovery.c, tcp_ack.c, tcp_timer.c, tcp_control.c, tcp_ipv4.c, tcp_sockopt.c. Below: tcp_segment.c,
 * tcp_rtx_queue.c, tcp_prr.c, <net/skbuff_frags.h>.
 * Context: owner of the socket, or softirq while nobody owns it.
 * Owns: nothing of its own; a probe's packet belongs to the write queue, charged to sk_wmem_queued.
 * Specs: RFC 4821 5.2, 7; RFC 6691; RFC 9293 3.7.1, 3.7.2; RFC 1122 4.2.3.4.
 */
#include "tcp_internal.h"

#include <net/ip.h>
#include <net/skbuff_frags.h>
#include <net/trace.h>

/* --- MTU and segment size ------------------------------------------------------------------------------------------------ */

/*
 * Payload of a packet of @mtu bytes. The peer's MSS counts no options (RFC 6691): those that each segment has, of IP and of TCP, take their
 * room from it. Never below tcp_min_snd_mss (a peer that announces less wants to make us work).
 */
static u32 tcp_mtu_to_mss(const struct sock *sk, u32 mtu)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 mss = tcp_headers_len(tp), ext = ip_sk_optlen(sk);

	mss = min(mtu > mss ? mtu - mss : 0, tp->mss_clamp);
	return max(mss > ext ? mss - ext : 0, tcp_net_of(sk)->min_snd_mss) - tcp_tstamp_len(tp);
}

static u16 tcp_mss_to_mtu(const struct sock *sk, u32 mss)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return (u16)min(mss + tcp_headers_len(tp) + tcp_tstamp_len(tp) + ip_sk_optlen(sk),
			(u32)IP_MAX_MTU);
}

/**
 * tcp_sync_mss() - computes the segment size for a path MTU
 * @sk: socket
 * @pmtu: bytes of IP, of which the network layer's header (net_header_len) and TCP's are no payload; IP_MAX_MTU at most
 *
 * Never above half of the largest window the peer offered, so that two segments fit (RFC 1122, 4.2.3.4), nor above what the search
 * for the path's MTU has found.
 *
 * Context: owner or softirq. Return: payload bytes per segment.
 */
u32 tcp_sync_mss(struct sock *sk, u32 pmtu)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 mss = tcp_mtu_to_mss(sk, pmtu), cutoff;

	cutoff = tp->max_window > TCP_MSS_DEFAULT ? tp->max_window / 2 : tp->max_window;
	if (cutoff)
		mss = min(mss, max(cutoff, tcp_net_of(sk)->min_snd_mss - tcp_tstamp_len(tp)));
	tp->pmtu = (u16)pmtu;
	if (tp->search_low) {
		tp->search_high = (u16)min(tp->search_high, tp->pmtu);
		mss = min(mss, tcp_mtu_to_mss(sk, tp->search_low));
	}
	tp->mss_cache = mss;
	return mss;
}

/* --- The search -------------------------------------------------------------------------------------------------------------- */

static u32 tcp_now_s(void)
{
	return (u32)(ktime_get_ns() / NSEC_PER_SEC);
}

/* Segments of @mss bytes arrive; the search begins there, up to all that the route and the peer allow. */
static void tcp_mtup_begin(struct sock *sk, u32 mss) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->search_low = tcp_mss_to_mtu(sk, mss);
	tp->search_high = (u16)min(tp->mss_clamp + tcp_headers_len(tp), (u32)tp->pmtu);
	tp->search_s = tcp_now_s();
}

/**
 * tcp_mtu_probing() - what is known of the path's MTU is not to be believed: a connection begins (with tcp_mtu_probing 2), or text is
 * not acknowledged, again and again, and may be too large for the path, though no router says so (1)
 * @sk: socket, for which tcp_sync_mss() was called
 * @least: tcp_mtu_probing must be that at least, or nothing happens
 *
 * The segments become tcp_base_mss bytes at the first time, half of what they are with each one more (RFC 4821, 7.7). From there on the
 * search goes up.
 *
 * Context: owner or softirq.
 */
void tcp_mtu_probing(struct sock *sk, u32 least)
{
	const struct tcp_net *tn = tcp_net_of(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u32 mss = tn->base_mss;

	if (tn->mtu_probing < least)
		return;
	if (tp->search_low) {
		mss = max(min(mss, tcp_mtu_to_mss(sk, tp->search_low) / 2), tn->mtu_probe_floor);
		tp->search_low = tcp_mss_to_mtu(sk, mss);
	} else {
		tcp_mtup_begin(sk, mss);
	}
	(void)tcp_sync_mss(sk, tp->pmtu);
}

/*
 * The send head becomes a packet of @size bytes: cut off, or what stands behind it joins it. false: not now (a record ends within, fragments
 * of pages stand before bytes that are not, there is no memory); what was done till then harms nobody.
 */
static bool tcp_mtup_gather(struct sock *sk, u32 size, u32 mss) __needs(sk)
{
	struct sk_buff_head *q = &sk->sk_write_queue;
	struct sk_buff *head = skb_peek(q), *next;
	u32 before, left;

	BUG_ON(!head);
	before = head->truesize;
	if (head->len < size && !head->data_len) {
		if (pskb_expand_head(head, 0, size - head->len))
			return false;
		sk->sk_wmem_queued += head->truesize - before;
	}
	while (head->len < size) {
		next = head->next;
		left = size - head->len;
		if (TCP_SKB_CB(head)->eor ||
		    (next->len > left && tcp_fragment(sk, q, next, left, mss)) ||
		    !tcp_merge(head, next))
			return false;
		skb_unlink(next, q);
		tcp_wmem_free_skb(sk, next);
	}
	return head->len == size || !tcp_fragment(sk, q, head, size, mss);
}

/**
 * tcp_mtup_build() - puts a probe of the path's MTU at the send head, if one is due
 * @sk: socket with something to send, search_low is not 0
 * @mss: of tcp_current_mss()
 *
 * One at a time, and only while nothing is missing. Behind it so much must follow, and be allowed to, that its loss will show by what
 * arrives; of the congestion window it takes two segments' worth, for a router could have queued it as two.
 *
 * Context: owner or softirq. Return: payload bytes of the first packet to send: more than @mss is the probe; @mss: there is none; 0: nothing
 * may go before what is in flight has made room for it.
 */
u32 tcp_mtup_build(struct sock *sk, u32 mss)
{
	const struct tcp_net *tn = tcp_net_of(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u32 range, size, needed, in_flight = tcp_packets_in_flight(tp);

	if (tp->probe_size || tp->ca_state != TCP_CA_Open || tp->cc.cwnd < TCP_MTUP_LEAST_CWND ||
	    tp->num_sacks || tp->dsack)
		return mss;
	range = (u32)max(tp->search_high - tp->search_low, 0);
	size = tcp_mtu_to_mss(sk, tp->search_low + range / 2);
	if (range < tn->probe_threshold || size <= mss) {
		if (tcp_now_s() - tp->search_s >= tn->probe_interval)
			tcp_mtup_begin(sk, mss);
		return mss;
	}
	needed = size + (tp->reordering + 1) * mss;
	if (tp->write_seq - tp->snd_nxt < needed || tp->snd_wnd < needed)
		return mss;
	if (after(tp->snd_nxt + needed, tcp_wnd_end(tp)))
		return 0;
	if (in_flight + 2 > tp->cc.cwnd)
		return in_flight ? 0 : mss;
	return tcp_mtup_gather(sk, size, mss) ? size : mss;
}

/** tcp_mtup_sent() - the probe of @len bytes is what was sent last. Context: owner or softirq. */
void tcp_mtup_sent(struct sock *sk, u32 len)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->probe_size = tcp_mss_to_mtu(sk, len);
	tp->probe_end = tp->snd_nxt;
	tp->cc.cwnd--;
}

/**
 * tcp_mtup_acked() - an ACK came while a probe is out: if it covers that, segments are as large from now on, and the window as many
 * bytes as before
 *
 * Context: owner or softirq.
 */
void tcp_mtup_acked(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 cwnd = (u64)tp->cc.cwnd * tcp_mss_to_mtu(sk, tp->mss_cache);

	if (after(tp->probe_end, tp->snd_una))
		return;
	tp->cc.cwnd = max((u32)(cwnd / tp->probe_size), 1u);
	tp->cc.cwnd_cnt = 0;
	tp->cc.ssthresh = tcp_current_ssthresh(tp);
	tp->search_low = tp->probe_size;
	tp->probe_size = 0;
	(void)tcp_sync_mss(sk, tp->pmtu);
	NET_INC_STATS(sk->sk_net, TCPMTUPSuccess);
}

/**
 * tcp_mtup_failed() - something is lost: is it the probe, and nothing else?
 *
 * Then the path does not take packets of its size, and nobody has to slow down for it: the caller sends its text again in segments. Where
 * more is lost, or was before, it may have been congestion, and the same size is tried again later (RFC 4821, 7.6.3).
 *
 * Context: owner or softirq. Return: so it is.
 */
bool tcp_mtup_failed(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *head = tcp_rtx_head(tp);

	if (!tp->probe_size || tp->ca_state >= TCP_CA_CWR || tp->lost_out > 1 ||
	    TCP_SKB_CB(head)->end_seq != tp->probe_end)
		return false;
	tp->search_high = tp->probe_size - 1;
	tp->probe_size = 0;
	tp->cc.cwnd++;
	NET_INC_STATS(sk->sk_net, TCPMTUPFail);
	return true;
}
