// SPDX-License-Identifier: MIT
/*
 * SYN cookies: a listener that is flooded answers without remembering.
 *
 * What the request would hold goes into the SYN-ACK, whence it comes back with the last ACK. The sequence number is a keyed hash of the
 * 4-tuple, plus the peer's number, with in it a counter of 64 s, and a second hash that also covers that counter, to which the index of an MSS
 * is added. The low bits of a timestamp carry window scale, SACK-permitted and ECN; a peer without timestamps gets none of them. A cookie
 * is good while its counter or the next one runs, and only after a flood: at other times an ACK out of the blue is what it always was.
 *
 * No memory is needed: the request of a cookie lives on the stack, twice.
 *
 * Interface: tcp_syncookie_wanted, tcp_syncookie_isn, tcp_syncookie_mss, tcp_syncookie_encode, tcp_syncookie_check
 * Above: tcp_minisocks.c. Below: tcp_request.c, tcp_tstamp.c, <kernel/random.h> (SipHash).
 * Context: softirq, BH off.
 * Owns: nothing.
 * Specs: RFC 4987 3.6; RFC 7323; Linux ip-sysctl.rst (tcp_syncookies).
 */
#include "tcp_internal.h"

#include <kernel/printk.h>
#include <kernel/random.h>
#include <net/ip.h>

#define COOKIE_PERIOD_S 64u
#define COOKIE_MAX_AGE  2u  /* counters, the running one included */
#define COOKIE_BITS     24u /* below the counter: hash and MSS index */
#define COOKIE_MASK     ((1u << COOKIE_BITS) - 1)
#define COOKIE_INDEX                                                                               \
	21u /* bits below the index: nothing near a cookie is one, so an ACK that is off by a few is noticed */

/* What a timestamp carries. */
#define TS_BITS     6u
#define TS_WSCALE   0x0fu /* all ones: none was offered */
#define TS_SACK     0x10u
#define TS_ECN      0x20u
#define TS_BITS_ALL ((1u << TS_BITS) - 1)

/* The largest that the peer can take is restored: what most of them say, and steps between. */
static const u16 cookie_mss[1u << (COOKIE_BITS - COOKIE_INDEX)] = {
	TCP_MIN_SND_MSS, 216, TCP_MSS_DEFAULT, 1300, 1440, 1460, 4312, 8960
};

static u64 now_secs(void)
{
	return ktime_get_ns() / NSEC_PER_SEC;
}

static u32 cookie_count(void)
{
	return (u32)(now_secs() / COOKIE_PERIOD_S);
}

/* @count 0: the hash that is the same at all times. */
static u32 cookie_hash(const struct sk_buff *skb, u32 count, u32 which)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct tcphdr *th = tcp_hdr(skb);
	struct {
		__be32 saddr, daddr;
		__be16 source, dest;
		u32 count, which;
	} what = { iph->saddr, iph->daddr, th->source, th->dest, count, which };

	return (u32)siphash(&what, sizeof(what), &skb->dev->net->tcp->cookie_key);
}

/**
 * tcp_syncookie_wanted() - the SYN queue is full, so this SYN is answered without a request
 *
 * As on Linux it is full with more requests than the backlog, and never holds more than tcp_max_syn_backlog. With tcp_syncookies 0 only the
 * latter counts, and the oldest request makes room (tcp_conn_request): of a flood of false SYNs, unlike dropping the new ones, that does not
 * shut out a peer who answers within a round trip (RFC 4987, 3.3). With 2 every SYN gets a cookie.
 *
 * The first time is worth a line in the log.
 *
 * Context: softirq, BH off. Return: send a cookie.
 */
bool tcp_syncookie_wanted(struct sock *lsk)
{
	struct tcp_sock *ltp = tcp_sk(lsk);
	const struct tcp_net *tn = tcp_net_of(lsk);
	bool full = ltp->syn_queue_len >= tn->max_syn_backlog;

	if (tn->syncookies == 1)
		full |= ltp->syn_queue_len > lsk->sk_max_ack_backlog;
	testcase(ltp->syn_queue_len == lsk->sk_max_ack_backlog);
	if (!full && tn->syncookies != 2)
		return false;
	if (tn->syncookies)
		NET_INC_STATS(lsk->sk_net, TCPReqQFullDoCookies);
	else
		NET_INC_STATS(lsk->sk_net, TCPReqQFullDrop);
	if (tn->syncookies != 2 && !ltp->synflood_warned) {
		ltp->synflood_warned = true;
		pr_warn("TCP: possible SYN flooding on port %u. %s.\n", lsk->sk_num,
			tn->syncookies ? "Sending cookies" : "Dropping the oldest request");
	}
	return tn->syncookies != 0;
}

/**
 * tcp_syncookie_isn() - our first sequence number for a SYN that is not remembered
 * @mss: the peer's; the largest of the table that is not above it comes back
 *
 * Remembers that there was a flood.
 *
 * Context: softirq, BH off. Return: the number.
 */
u32 tcp_syncookie_isn(struct sock *lsk, const struct sk_buff *skb, const struct tcp_seg *seg,
		      u16 mss)
{
	u32 count = cookie_count(), i = ARRAY_SIZE(cookie_mss) - 1;

	while (i && cookie_mss[i] > mss)
		i--;
	tcp_sk(lsk)->synq_overflow_s = (u32)now_secs() + 1;
	NET_INC_STATS(lsk->sk_net, SyncookiesSent);
	return cookie_hash(skb, 0, 0) + seg->seq + (count << COOKIE_BITS) +
	       ((cookie_hash(skb, count, 1) + (i << COOKIE_INDEX)) & COOKIE_MASK);
}

/**
 * tcp_syncookie_encode() - what the SYN-ACK of a cookie says besides its number
 * @req: its windows are set; without timestamps it loses what they would have to carry
 *
 * The timestamp is the latest one, not after now, with these low bits: 63 ms in the past at most.
 *
 * Context: softirq, BH off.
 */
void tcp_syncookie_encode(struct tcp_request_sock *req)
{
	u32 now = tcp_tsval(ktime_get_ns(), 0), bits, ts;

	if (!req->tstamp_ok) {
		req->wscale_ok = req->sack_ok = req->ecn_ok = false;
		req->snd_wscale = req->rcv_wscale = 0;
		return;
	}
	bits = (req->wscale_ok ? req->snd_wscale : TS_WSCALE) | (req->sack_ok ? TS_SACK : 0) |
	       (req->ecn_ok ? TS_ECN : 0);
	ts = (now & ~TS_BITS_ALL) | bits;
	if (after(ts, now))
		ts -= 1u << TS_BITS;
	req->cookie = true;
	req->ts_back_ms = (u8)(now - ts);
}

/* The MSS that @cookie stands for; 0: it is none of ours, or too old. */
static u16 cookie_decode(const struct sk_buff *skb, u32 cookie, u32 peer_isn)
{
	u32 count = cookie_count(), age, i;

	cookie -= cookie_hash(skb, 0, 0) + peer_isn;
	age = (count - (cookie >> COOKIE_BITS)) & (UINT32_MAX >> COOKIE_BITS);
	testcase(age == COOKIE_MAX_AGE - 1);
	testcase(age == COOKIE_MAX_AGE);
	if (age >= COOKIE_MAX_AGE)
		return 0;
	i = (cookie - cookie_hash(skb, count - age, 1)) & COOKIE_MASK;
	return i & ((1u << COOKIE_INDEX) - 1) ? 0 : cookie_mss[i >> COOKIE_INDEX];
}

/*
 * The options that the peer's SYN had, out of the echo of our timestamp, and when the SYN-ACK left, or up to 63 ms before that. Return:
 * false: it names what we do not do, so it is no echo of ours.
 */
static bool cookie_options(const struct sock *lsk, const struct sk_buff *skb,
			   const struct tcp_seg *seg, struct tcp_request_sock *req,
			   struct tcp_options *o)
{
	const struct tcp_net *tn = tcp_net_of(lsk);
	const struct sock_common c = { .skc_rcv_saddr = ip_hdr(skb)->daddr,
				       .skc_daddr = ip_hdr(skb)->saddr,
				       .skc_dport = tcp_hdr(skb)->source,
				       .skc_num = lsk->sk_num };
	u64 now = ktime_get_ns();
	u32 bits, ms;

	if (!seg->opt.tstamp_ok)
		return true;
	if (!tn->timestamps)
		return false;
	bits = seg->opt.tsecr - tcp_ts_offset(lsk->sk_net, &c);
	ms = tcp_tsval(now, 0) - bits;
	if (ms < COOKIE_MAX_AGE * COOKIE_PERIOD_S * 1000)
		req->sent_ns = now - ms * NSEC_PER_MSEC;
	req->cookie = true;
	o->tstamp_ok = true;
	o->tsval = seg->opt.tsval;
	o->sack_ok = (bits & TS_SACK) != 0;
	req->ecn_ok = (bits & TS_ECN) && tn->ecn;
	o->wscale_ok = (bits & TS_WSCALE) != TS_WSCALE;
	o->wscale = o->wscale_ok ? (u8)(bits & TS_WSCALE) : 0;
	return (!o->sack_ok || tn->sack) && (!o->wscale_ok || tn->window_scaling);
}

/**
 * tcp_syncookie_check() - an ACK that no connection knows reached a listener: does it answer a cookie?
 * @req: zeroed; filled as it was for the SYN, without a route yet
 * @opt: filled with the options of that SYN
 *
 * Context: softirq, BH off. Owns: req->opt is the caller's. Return: 0; -EINVAL no: the ACK is a stranger's; -ENOMEM.
 */
int tcp_syncookie_check(struct sock *lsk, const struct sk_buff *skb, const struct tcp_seg *seg,
			struct tcp_request_sock *req, struct tcp_options *opt)
{
	const struct tcp_net *tn = tcp_net_of(lsk);
	const struct tcp_sock *ltp = tcp_sk(lsk);

	if (!tn->syncookies || !ltp->synq_overflow_s ||
	    now_secs() + 1 - ltp->synq_overflow_s > COOKIE_MAX_AGE * COOKIE_PERIOD_S)
		return -EINVAL;
	*opt = (struct tcp_options){ .mss = cookie_decode(skb, seg->ack - 1, seg->seq - 1) };
	if (!opt->mss || !cookie_options(lsk, skb, seg, req, opt)) {
		NET_INC_STATS(lsk->sk_net, SyncookiesFailed);
		return -EINVAL;
	}
	NET_INC_STATS(lsk->sk_net, SyncookiesRecv);
	return tcp_reqsk_init(req, lsk, skb, seg->seq - 1, seg->ack - 1);
}
