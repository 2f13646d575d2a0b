// SPDX-License-Identifier: MIT
/*
 * Fast Open: data in the SYN, between hosts that know each other (RFC 7413).
 *
 * A server gives each client address a cookie, a keyed hash of the two addresses, in a SYN-ACK. A client keeps it for the next
 * connection and sends it with data in the SYN; the server takes the data before the handshake is over, because whoever knows the
 * cookie has been seen at that address. Whatever is missing, the connection opens the classic way and the data follows.
 *
 *   client: tcp_connect() asks tcp_fastopen_syn_option() what the SYN may carry; the SYN-ACK teaches tcp_fastopen_learn().
 *   server: tcp_conn_request() asks tcp_fastopen_screen() what a SYN with the option is worth.
 *
 * A path that loses SYNs with data is left alone for a while, twice as long each time (RFC 7413, 4.1.3.1).
 *
 * Interface: tcp_fastopen_cookie_gen, tcp_fastopen_screen, tcp_fastopen_lookup, tcp_fastopen_learn, tcp_fastopen_lost,
 * tcp_fastopen_set_key, tcp_fastopen_own_keys, tcp_fastopen_settled, tcp_fastopen_was_reset
 * Above: control, minisocks, input, net. Below: <kernel/random.h> (SipHash).
 * Context: as each function says.
 * Owns: the cache of cookies, at tcp_net->fo_cache; the oldest entry makes room.
 * Specs: RFC 7413 (2, 3, 4.1, 4.2); SipHash-2-4 as Linux computes its cookies.
 */
#include "tcp_internal.h"

#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <lib/string.h>

#define FO_LOST_NS                                                                                 \
	(60 *                                                                                      \
	 NSEC_PER_SEC) /* a path that lost a SYN with data rests so long, doubled for each loss */
#define FO_LOST_MAX 10u

/**
 * tcp_fastopen_cookie_gen() - what a server with this secret gives @client that talks to @server
 *
 * Context: any.
 */
void tcp_fastopen_cookie_gen(const struct siphash_key *key, __be32 client, __be32 server,
			     struct tcp_fastopen_cookie *foc)
{
	__be32 path[2] = { client, server };
	u64 hash = siphash(path, sizeof(path), key);

	foc->len = TCP_FASTOPEN_COOKIE_SIZE;
	for (u32 i = 0; i < TCP_FASTOPEN_COOKIE_SIZE; i++)
		foc->val[i] = (u8)(hash >> 8 * i);
}

static bool hex_word(const char *s, u32 *out)
{
	*out = 0;
	for (u32 i = 0; i < 8; i++) {
		char c = s[i];
		u32 digit;

		if (c >= '0' && c <= '9')
			digit = (u32)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (u32)((c | 0x20) - 'a') + 10;
		else
			return false;
		*out = *out << 4 | digit;
	}
	return true;
}

#define FO_KEY_TEXT 35u

/* Four words of eight hexadecimal digits with '-' between. */
static bool key_of_text(const char *text, struct siphash_key *key)
{
	u32 w[4];

	for (u32 i = 0; i < 4; i++)
		if (!hex_word(text + 9 * i, &w[i]) || (i < 3 && text[9 * i + 8] != '-'))
			return false;
	key->k0 = (u64)w[1] << 32 | w[0];
	key->k1 = (u64)w[3] << 32 | w[2];
	return true;
}

/**
 * tcp_fastopen_set_key() - the instance's secret from text: four words of eight hexadecimal digits with '-' between; behind a comma one
 * whose cookies are still good
 *
 * Context: process. Return: 0; -EINVAL.
 */
int tcp_fastopen_set_key(struct tcp_net *tn, const char *text)
{
	struct tcp_fastopen_keys keys = { .n = 1 };
	size_t len = strlen(text);

	if (len != FO_KEY_TEXT && (len != 2 * FO_KEY_TEXT + 1 || text[FO_KEY_TEXT] != ','))
		return -EINVAL;
	if (!key_of_text(text, &keys.key[0]))
		return -EINVAL;
	if (len > FO_KEY_TEXT) {
		keys.n = 2;
		if (!key_of_text(text + FO_KEY_TEXT + 1, &keys.key[1]))
			return -EINVAL;
	}
	local_bh_disable(); /* a SYN finds this secret or the one before */
	tn->fo_keys = keys;
	local_bh_enable();
	return 0;
}

/**
 * tcp_fastopen_own_keys() - TCP_FASTOPEN_KEY: secrets of one listener
 * @keys: 16 bytes; or 32: the second one's cookies are still good
 *
 * Context: process, owner. Return: 0; -EINVAL another length; -ENOMEM.
 */
int tcp_fastopen_own_keys(struct sock *sk, const void *keys, u32 len)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_fastopen_keys *own = tp->fo_keys;

	if (len != sizeof(own->key[0]) && len != sizeof(own->key))
		return -EINVAL;
	if (!own)
		own = kzalloc(sizeof(*own));
	if (!own)
		return -ENOMEM;
	local_bh_disable();
	own->n = len / (u32)sizeof(own->key[0]);
	memcpy(own->key, keys, len);
	tp->fo_keys = own; /* not before: a SYN would get a cookie of no secret */
	local_bh_enable();
	return 0;
}

/* --- Server ----------------------------------------------------------------------------------------------------------------- */

#define FO_RESET_S 60u /* so long a child that was reset counts */

static u32 tcp_fastopen_resets(const struct tcp_sock *ltp)
{
	u32 now = (u32)(ktime_get_ns() / NSEC_PER_SEC);

	return (s32)(ltp->fo_resets_until - now) > 0 ? ltp->fo_resets : 0;
}

/* Room for one more connection whose last ACK is not here yet; without a limit of its own a listener has none. */
static bool tcp_fastopen_queue_check(const struct sock *lsk)
{
	const struct tcp_sock *ltp = tcp_sk(lsk);
	u32 max = ltp->fo_max_qlen;

	if (!max && (tcp_net_of(lsk)->fastopen & TFO_SERVER_WO_SOCKOPT))
		max = lsk->sk_max_ack_backlog;
	if (!max)
		return false;
	if (ltp->fo_qlen + tcp_fastopen_resets(ltp) < max)
		return true;
	NET_INC_STATS(lsk->sk_net, TCPFastOpenListenOverflow);
	return false;
}

/*
 * The cookie that came is one of ours. *@foc: what the client should have; to be told (there) when it has none, another, or one by the old
 * secret.
 */
static bool tcp_fastopen_cookie_ok(const struct sock *lsk, const struct iphdr *path,
				   const struct tcp_fastopen_cookie *got,
				   struct tcp_fastopen_cookie *foc)
{
	const struct tcp_fastopen_keys *keys = tcp_sk(lsk)->fo_keys;
	bool ok = false;

	if (!keys)
		keys = &tcp_net_of(lsk)->fo_keys;
	for (u32 i = keys->n; i-- > 0;) {
		tcp_fastopen_cookie_gen(&keys->key[i], path->saddr, path->daddr, foc);
		foc->there = got->len != foc->len || memcmp(got->val, foc->val, foc->len) != 0;
		ok |= !foc->there;
	}
	foc->exp = got->exp;
	if (ok && foc->there)
		NET_INC_STATS(lsk->sk_net, TCPFastOpenPassiveAltKey);
	return ok;
}

/**
 * tcp_fastopen_screen() - what a SYN is worth to Fast Open (RFC 7413, 4.2)
 * @lsk: listener
 * @skb: the SYN, network header set
 * @seg: its fields
 * @foc: set to the cookie that the SYN-ACK shall carry; foc->there false: none
 *
 * Context: softirq. Return: true when its data may be taken before the handshake ends.
 */
bool tcp_fastopen_screen(struct sock *lsk, const struct sk_buff *skb, const struct tcp_seg *seg,
			 struct tcp_fastopen_cookie *foc)
{
	const struct tcp_net *tn = tcp_net_of(lsk);
	const struct tcp_fastopen_cookie *got = &seg->opt.foc;

	*foc = (struct tcp_fastopen_cookie){ 0 };
	if (got->there && !got->len)
		NET_INC_STATS(lsk->sk_net, TCPFastOpenCookieReqd);
	if (!(tn->fastopen & TFO_SERVER_ENABLE) || (!seg->len && !got->there) ||
	    !tcp_fastopen_queue_check(lsk))
		return false;
	if (seg->len && ((tn->fastopen & TFO_SERVER_COOKIE_NOT_REQD) || tcp_sk(lsk)->fo_no_cookie))
		return true;
	if (!got->there)
		return false;
	if (tcp_fastopen_cookie_ok(lsk, ip_hdr(skb), got, foc))
		return true;
	if (got->len)
		NET_INC_STATS(lsk->sk_net, TCPFastOpenPassiveFail);
	return false;
}

/**
 * tcp_fastopen_settled() - a child that began with its SYN is a connection like others now, or is gone: its listener's limit
 * counts it no longer
 *
 * Context: BH off.
 */
void tcp_fastopen_settled(struct sock *sk)
{
	struct sock *lsk = tcp_sk(sk)->fo_listener;

	if (!lsk)
		return;
	tcp_sk(sk)->fo_listener = NULL;
	BUG_ON(tcp_sk(lsk)->fo_qlen == 0);
	tcp_sk(lsk)->fo_qlen--;
	sock_put(lsk);
}

/**
 * tcp_fastopen_was_reset() - a child that began with its SYN was reset before its last ACK
 *
 * Somebody replays SYNs whose SYN-ACKs meet strangers, who reset: their number counts against the listener's limit until there was no
 * such reset for a minute (RFC 7413, 5.1).
 *
 * Context: BH off.
 */
void tcp_fastopen_was_reset(struct sock *sk)
{
	struct sock *lsk = tcp_sk(sk)->fo_listener;
	struct tcp_sock *ltp;

	if (!lsk)
		return;
	ltp = tcp_sk(lsk);
	ltp->fo_resets = (u16)min(tcp_fastopen_resets(ltp) + 1, (u32)UINT16_MAX);
	ltp->fo_resets_until = (u32)(ktime_get_ns() / NSEC_PER_SEC) + FO_RESET_S;
}

/* --- Client: what is known of servers ------------------------------------------------------------------------------------------ */

static struct tcp_fastopen_entry *fo_find(struct tcp_net *tn, __be32 daddr)
{
	for (u32 i = 0; i < TCP_FASTOPEN_CACHE; i++)
		if (tn->fo_cache[i].daddr == daddr && tn->fo_cache[i].used_ns)
			return &tn->fo_cache[i];
	return NULL;
}

/* The entry of @daddr, made if need be: the one used longest ago makes room. */
static struct tcp_fastopen_entry *fo_get(struct tcp_net *tn, __be32 daddr)
{
	struct tcp_fastopen_entry *e = fo_find(tn, daddr);

	if (e)
		return e;
	e = &tn->fo_cache[0];
	for (u32 i = 1; i < TCP_FASTOPEN_CACHE; i++)
		if (tn->fo_cache[i].used_ns < e->used_ns)
			e = &tn->fo_cache[i];
	*e = (struct tcp_fastopen_entry){ .daddr = daddr };
	return e;
}

/**
 * tcp_fastopen_lookup() - what the SYN to @daddr may carry
 * @foc: set: a cookie, a request for one (length 0), or nothing (not there: the path has lost such SYNs lately)
 * @mss: set: the server's MSS as last heard
 *
 * Context: BH off. Return: true when data may go with the SYN.
 */
bool tcp_fastopen_lookup(struct tcp_net *tn, __be32 daddr, struct tcp_fastopen_cookie *foc,
			 u32 *mss)
{
	struct tcp_fastopen_entry *e = fo_find(tn, daddr);
	u64 now = ktime_get_ns();

	*mss = e && e->mss ? e->mss : TCP_MSS_DEFAULT;
	*foc = (struct tcp_fastopen_cookie){ .there = true };
	if (e && e->lost && now < e->lost_ns + (FO_LOST_NS << e->lost)) {
		NET_INC_STATS(tn->net, TCPFastOpenBlackhole);
		foc->there = false;
		return false;
	}
	if (tn->fastopen & TFO_CLIENT_NO_COOKIE) {
		foc->there = false;
		return true;
	}
	if (!e || !e->foc.len)
		return false;
	e->used_ns = now ? now : 1;
	*foc = e->foc;
	foc->there = true;
	return true;
}

/**
 * tcp_fastopen_learn() - the SYN-ACK of @daddr brought a cookie, or none (not there, or of length 0: what is known stays)
 *
 * Context: BH off.
 */
void tcp_fastopen_learn(struct tcp_net *tn, __be32 daddr, u16 mss,
			const struct tcp_fastopen_cookie *foc)
{
	struct tcp_fastopen_entry *e;

	if (!foc->there || !foc->len)
		return;
	e = fo_get(tn, daddr);
	e->foc = *foc;
	e->mss = mss;
	e->lost = 0;
	e->used_ns = ktime_get_ns() + 1;
}

/**
 * tcp_fastopen_lost() - a SYN with the option had to be sent again without, and only then was answered: the path, or the server,
 * swallows such SYNs. The cookie is forgotten.
 *
 * Context: BH off.
 */
void tcp_fastopen_lost(struct tcp_net *tn, __be32 daddr)
{
	struct tcp_fastopen_entry *e = fo_get(tn, daddr);

	e->foc = (struct tcp_fastopen_cookie){ 0 };
	if (e->lost < FO_LOST_MAX)
		e->lost++;
	e->lost_ns = ktime_get_ns();
	e->used_ns = e->lost_ns + 1;
}
