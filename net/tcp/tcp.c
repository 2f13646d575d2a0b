// SPDX-License-Identifier: MIT
/*
 * TCP's calls, as the socket layer makes them: struct proto tcp_prot.
 *
 * tcp_recvmsg makes the one copy of the way up; the one of the way down is tcp_sendmsg.c's.
 *
 * Interface: tcp_prot
 * Above: net/socket (through tcp_prot). Below: tcp_sendmsg.c, tcp_sockopt.c, tcp_ipv4.c and everything left of them.
 * Context: process; the socket is not owned on entry unless said otherwise.
 * Owns: nothing; see tcp_state.c for the life of a socket.
 * Specs: RFC 9293 3.9.1, 3.10.1-3.10.6; POSIX recv, connect, shutdown; RFC 2525 2.17.
 */
#include "tcp_internal.h"

#include <kernel/softirq.h>
#include <net/ip.h>

static bool tcp_connecting(const struct sock *sk)
{
	/* A child of Fast Open is at work already. */
	return sk->sk_state == TCP_SYN_SENT ||
	       (sk->sk_state == TCP_SYN_RECV && !tcp_sk(sk)->fo_child);
}

/* Bytes that came and were not read. */
static u32 tcp_unread(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (tcp_connecting(sk) || sk->sk_state == TCP_LISTEN)
		return 0;
	return tp->rcv_nxt - tp->copied_seq - (tp->fin_rcvd ? 1 : 0);
}

/* Bytes that can be read now, up to the urgent one. */
static u32 tcp_inq(const struct sock *sk)
{
	return tcp_urg_inq(sk, tcp_unread(sk));
}

/* --- Receiving --------------------------------------------------------------------------------------------------------- */

/* Why a read that found no byte ends: 1 end of stream (0 bytes), -errno, 0 wait. */
static int tcp_recv_end(struct sock *sk)
{
	if (sock_flag(sk, SOCK_DONE))
		return 1; /* the peer had said all; an error since then is for who sends */
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 1;
	if (sk->sk_state == TCP_CLOSE)
		return -ENOTCONN;
	return 0;
}

/* TCP_INQ: what the next call finds; at the end of the stream at least 1, so that it is made. */
static int tcp_inq_hint(const struct sock *sk)
{
	int inq = (int)tcp_inq(sk);

	return !inq && sock_flag(sk, SOCK_DONE) ? 1 : inq;
}

static bool tcp_recv_ready(const struct sock *sk, u32 seq)
{
	return tcp_sk(sk)->rcv_nxt != seq + (tcp_sk(sk)->fin_rcvd ? 1 : 0) || sk->sk_err ||
	       (sk->sk_shutdown & RCV_SHUTDOWN) || sock_flag(sk, SOCK_DONE) ||
	       sk->sk_state == TCP_CLOSE;
}

/*
 * Copies from the receive queue at sequence number *seq. Return: bytes copied, 0 nothing there, -EFAULT. Consumed skbs are freed
 * unless peeking; MSG_TRUNC throws the bytes away.
 */
static ssize_t tcp_recv_copy(struct sock *sk, struct msghdr *msg, size_t len, u32 flags, u32 *seq)
{
	struct sk_buff *skb, *tmp;
	size_t copied = 0;

	skb_queue_walk_safe(&sk->sk_receive_queue, skb, tmp) {
		u32 off = *seq - TCP_SKB_CB(skb)->seq, n, hole;

		if (off >= skb->len)
			continue; /* peeked over */
		if (copied && tcp_at_mark(tcp_sk(sk), *seq))
			break;
		n = len ? skb->len - off : 0; /* who asks for nothing passes no mark */
		hole = tcp_urg_gate(sk, *seq, &n);
		n = (u32)min((size_t)n, len - copied);
		*seq += hole;
		off += hole;
		if (n && !(flags & MSG_TRUNC) &&
		    skb_copy_datagram_iter(skb, off, &msg->msg_iter, n))
			return copied ? (ssize_t)copied : -EFAULT;
		*seq += n;
		copied += n;
		if (off + n == skb->len && !(flags & MSG_PEEK)) {
			skb_unlink(skb, &sk->sk_receive_queue);
			consume_skb(skb);
		}
		if (copied == len)
			break;
	}
	if (!(flags & MSG_PEEK))
		tcp_urg_passed(tcp_sk(sk));
	return (ssize_t)copied;
}

/* @n bytes went to the application. */
static void tcp_taken(struct sock *sk, u32 n) __needs(sk)
{
	if (n)
		tcp_rcv_space_adjust(sk);
	tcp_cleanup_rbuf(sk, n);
}

/* Why a read that has bytes waits for no more: nothing will come, or the urgent byte is next. */
static bool tcp_recv_stops(const struct sock *sk, u32 seq)
{
	return sk->sk_err || sk->sk_state == TCP_CLOSE || (sk->sk_shutdown & RCV_SHUTDOWN) ||
	       tcp_at_mark(tcp_sk(sk), seq);
}

/* How many bytes a read waits for: even for none at all there must be something to read. */
static size_t tcp_recv_target(const struct sock *sk, size_t len, u32 flags)
{
	size_t low = flags & MSG_WAITALL ? len : min(len, (size_t)sk->sk_rcvlowat);

	return max_t(size_t, low, 1);
}

static ssize_t tcp_recvmsg_owned(struct sock *sk, struct msghdr *msg, size_t len,
				 u32 flags) __may_sleep __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 deadline = sock_rcv_deadline(sk, flags & MSG_DONTWAIT);
	size_t target = tcp_recv_target(sk, len, flags), copied = 0;
	u32 peek_seq = tp->copied_seq;
	u32 *seq = flags & MSG_PEEK ? &peek_seq : &tp->copied_seq;
	ssize_t n = 0;
	int end;

	if (sk->sk_state == TCP_LISTEN)
		return -ENOTCONN;
	for (;;) {
		n = tcp_recv_copy(sk, msg, len - copied, flags, seq);
		if (n < 0)
			break;
		copied += (size_t)n;
		if (!(flags & MSG_PEEK))
			tcp_taken(sk, (u32)n);
		if (copied >= target || (!len && tcp_unread(sk)))
			break;
		if (copied && tcp_recv_stops(sk, *seq))
			break;
		end = copied ? 0 : tcp_recv_end(sk);
		if (end) {
			n = end < 0 ? end : 0;
			break;
		}
		if (!deadline || sk_wait_event(sk, deadline, tcp_recv_ready(sk, *seq))) {
			n = -EAGAIN;
			break;
		}
	}
	return copied ? (ssize_t)copied : n;
}

/**
 * tcp_recvmsg() - gives received bytes to the application
 * @sk: socket
 * @msg: where they go; msg_namelen is set to 0 (the peer is known)
 * @len: room
 * @flags: MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, MSG_TRUNC (count and discard)
 *
 * Data that came before an error is read before it is reported.
 *
 * Context: process; sleeps for the first byte unless it must not. Return: bytes, 0 at the end of the stream, -EAGAIN,
 * -ENOTCONN, -EFAULT, or the connection's error once; with MSG_OOB as tcp_recv_urg().
 */
static ssize_t tcp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, u32 flags) __may_sleep
{
	ssize_t ret;
	int inq;

	trace_fn_sk(tcp_recvmsg, sk, (u32)len);
	if (flags & MSG_ERRQUEUE)
		return ip_recv_error(sk, msg, len);
	msg->msg_namelen = 0;
	lock_sock(sk);
	if (!(flags & MSG_OOB))
		ret = tcp_recvmsg_owned(sk, msg, len, flags);
	else
		ret = sk->sk_state == TCP_LISTEN ? -ENOTCONN : tcp_recv_urg(sk, msg, len, flags);
	inq = tcp_sk(sk)->recvmsg_inq && ret >= 0 ? tcp_inq_hint(sk) : -1;
	release_sock(sk);
	if (inq >= 0)
		put_cmsg(msg, SOL_TCP, TCP_INQ, &inq, sizeof(inq));
	return ret;
}

/*
 * Enough is there to be read, or so much that the peer may send no other segment; the urgent byte does not count where it is not read
 * in line.
 */
static bool tcp_readable(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool skips = tcp_at_mark(tp, tp->copied_seq) && !sock_flag(sk, SOCK_URGINLINE);

	u32 unread = tcp_unread(sk);

	if (unread <= skips || sk->sk_state == TCP_CLOSE)
		return false;
	return unread >= sk->sk_rcvlowat + skips || tcp_receive_window(tp) <= tp->rcv_mss;
}

/* SO_RCVLOWAT: a reader must not wait for more than the buffer can hold; one that may grow does (struct proto). */
static void tcp_set_rcvlowat(struct sock *sk, u32 low) __needs(sk)
{
	u32 most =
		(sk->sk_userlocks & SOCK_RCVBUF_LOCK ? sk->sk_rcvbuf : tcp_net_of(sk)->rmem[2]) / 2;

	sock_owned_by_me(sk);
	sk->sk_rcvlowat = max(min(low, most), 1u);
	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK))
		sk->sk_rcvbuf = max(sk->sk_rcvbuf, min(low, most) * 2);
	if (tcp_readable(sk) || sock_flag(sk, SOCK_DONE))
		sk->sk_data_ready(sk);
}

/* The next room wakes who waits. What became free before the flag was there woke nobody: it is told at once. */
static unsigned int tcp_asks_for_space(struct sock *sk)
{
	sock_set_flag(sk, SOCK_NOSPACE);
	return sk_stream_is_writeable(sk) ? POLLOUT | POLLWRNORM : 0;
}

static unsigned int tcp_poll(struct sock *sk)
{
	unsigned int mask = 0;

	if (sk->sk_state == TCP_LISTEN)
		return list_empty(&tcp_sk(sk)->accept_queue) ? 0 : POLLIN | POLLRDNORM;
	if (sk->sk_shutdown == SHUTDOWN_MASK || sk->sk_state == TCP_CLOSE)
		mask |= POLLHUP;
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		mask |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (!tcp_connecting(sk)) {
		if (tcp_readable(sk))
			mask |= POLLIN | POLLRDNORM;
		if (sk->sk_state == TCP_CLOSE && !skb_queue_empty(&sk->sk_receive_queue))
			mask |= POLLIN | POLLRDNORM;
		if (sk->sk_shutdown & SEND_SHUTDOWN)
			mask |= POLLOUT | POLLWRNORM;
		else if (sk_stream_is_writeable(sk))
			mask |= POLLOUT | POLLWRNORM;
		else
			mask |= tcp_asks_for_space(sk);
	}
	if (sk->inet_defer_connect) /* it waits for something to be written */
		mask |= POLLOUT | POLLWRNORM;
	if (sk->sk_err || sk->sk_error_tail)
		mask |= POLLERR;
	if (tcp_sk(sk)->urg_data & TCP_URG_VALID)
		mask |= POLLPRI;
	return mask;
}

/* BH off: what came, and whether its FIN is among it, are read together. */
static int tcp_ask(struct sock *sk, unsigned long req, int *val) __needs(softirq_ctx)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (sk->sk_state == TCP_LISTEN && req != SIOCATMARK)
		return -EINVAL;
	switch (req) {
	case FIONREAD:
		*val = (int)tcp_inq(sk);
		return 0;
	case SIOCATMARK:
		*val = tcp_at_mark(tp, tp->copied_seq);
		return 0;
	case SIOCOUTQ:
		*val = tcp_connecting(sk) ? 0 : (int)(tp->write_seq - tp->snd_una);
		return 0;
	case SIOCOUTQNSD:
		*val = tcp_connecting(sk) ? 0 : (int)(tp->write_seq - tp->snd_nxt);
		return 0;
	default:
		return -ENOTTY;
	}
}

static int tcp_ioctl(struct sock *sk, unsigned long req, int *val)
{
	int err;

	local_bh_disable();
	err = tcp_ask(sk, req, val);
	local_bh_enable();
	return err;
}

/* --- Opening and closing --------------------------------------------------------------------------------------------------- */

/*
 * TCP_FASTOPEN_CONNECT: a connect() to a server whose cookie is known waits for the first data; to another it asks for a cookie. Owned.
 */
static int tcp_connect_fastopen(struct sock *sk, const struct sockaddr_in *addr) __needs(sk)
{
	struct tcp_fastopen_request fo = { 0 };

	local_bh_disable();
	fo.defer = tcp_fastopen_lookup(tcp_net_of(sk), addr->sin_addr, &fo.foc, &fo.mss);
	local_bh_enable();
	if (tcp_sk(sk)->fo_no_cookie) {
		fo.foc.there = false;
		fo.defer = true;
	} else if (!fo.defer && fo.foc.there) {
		tcp_sk(sk)->fo_fail = TFO_FAIL_NO_COOKIE;
	}
	return tcp_v4_connect(sk, addr, &fo);
}

/**
 * tcp_proto_connect() - starts a connection; the socket layer waits for its end
 *
 * Context: process. Return: 0 SYN sent; -EISCONN, -EALREADY, -EINVAL, -EAFNOSUPPORT, or as tcp_v4_connect().
 */
static int tcp_proto_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len,
			     bool nonblock) __may_sleep
{
	int err;

	(void)nonblock;
	if (addr_len < tcp_sk(sk)->icsk_af_ops->sockaddr_len)
		return -EINVAL;
	if (addr->sin_family != AF_INET)
		return -EAFNOSUPPORT;
	lock_sock(sk);
	if (tcp_connecting(sk))
		err = -EALREADY;
	else if (sk->sk_state != TCP_CLOSE)
		err = -EISCONN;
	else
		err = tcp_sk(sk)->fo_connect ? tcp_connect_fastopen(sk, addr)
					     : tcp_v4_connect(sk, addr, NULL);
	release_sock(sk);
	return err;
}

/* A packet with what of @msg may go with the SYN, @size bytes at most. 0; -ENOMEM, -EFAULT. */
static int tcp_syn_data_skb(struct msghdr *msg, u32 size, struct sk_buff **out) __may_sleep
{
	struct sk_buff *skb = alloc_skb_fclone(MAX_TCP_HEADER + size);
	int err;

	if (!skb)
		return -ENOMEM;
	skb_enter(skb, SKB_STAGE_SOCKET_OUT);
	skb_reserve(skb, MAX_TCP_HEADER);
	err = skb_add_data(skb, &msg->msg_iter, size);
	if (err) {
		consume_skb(skb);
		return err;
	}
	*out = skb;
	return 0;
}

/* The SYN that waited for data. Owned. */
static int tcp_connect_now(struct sock *sk, struct tcp_fastopen_request *fo) __needs(sk)
{
	int err;

	local_bh_disable();
	sk->inet_defer_connect = 0;
	err = tcp_connect(sk, fo);
	if (err) {
		tcp_set_state(sk, TCP_CLOSE);
		tcp_forget_names(sk);
	}
	local_bh_enable();
	return err;
}

static ssize_t tcp_fastopen_owned(struct sock *sk, struct msghdr *msg, size_t len) __may_sleep
	__needs(sk)
{
	const struct sockaddr_in *addr = msg->msg_name;
	bool knows, waits = sk->inet_defer_connect;
	struct tcp_fastopen_request fo = { 0 };
	u32 size, taken = 0;
	int err = 0;

	if (tcp_connecting(sk) && !waits)
		return -EALREADY;
	if (sk->sk_state != TCP_CLOSE && !waits)
		return -EISCONN;
	local_bh_disable();
	knows = tcp_fastopen_lookup(tcp_net_of(sk), waits ? sk->sk_daddr : addr->sin_addr, &fo.foc,
				    &fo.mss);
	if (tcp_sk(sk)->fo_no_cookie) {
		knows = true;
		fo.foc.there = false;
	}
	local_bh_enable();
	if (!knows && fo.foc.there)
		tcp_sk(sk)->fo_fail = TFO_FAIL_NO_COOKIE;
	fo.mss = max(fo.mss, TCP_MIN_SND_MSS);
	if (tcp_sk(sk)->user_mss)
		fo.mss = min(fo.mss, tcp_sk(sk)->user_mss);
	size = (u32)min_t(size_t, len, fo.mss - TCP_MAX_OPTIONS);
	if (knows && size) {
		err = tcp_syn_data_skb(msg, size, &fo.data);
		taken = err ? 0 : size;
	}
	if (!err)
		err = waits ? tcp_connect_now(sk, &fo) : tcp_v4_connect(sk, addr, &fo);
	consume_skb(fo.data);
	return err ? err : (ssize_t)taken;
}

/* sendto() with MSG_FASTOPEN (struct proto). */
static ssize_t tcp_fastopen(struct sock *sk, struct msghdr *msg, size_t len) __may_sleep
{
	const struct sockaddr_in *addr = msg->msg_name;
	ssize_t ret;

	if (!(tcp_net_of(sk)->fastopen & TFO_CLIENT_ENABLE))
		return -EOPNOTSUPP;
	if (sk->inet_defer_connect) {
		lock_sock(sk);
		ret = tcp_fastopen_owned(sk, msg, len);
		release_sock(sk);
		return ret;
	}
	if (!addr || msg->msg_namelen < tcp_sk(sk)->icsk_af_ops->sockaddr_len)
		return -EINVAL;
	if (addr->sin_family != AF_INET)
		return addr->sin_family == AF_UNSPEC ? -EOPNOTSUPP : -EAFNOSUPPORT;
	lock_sock(sk);
	ret = tcp_fastopen_owned(sk, msg, len);
	release_sock(sk);
	return ret;
}

/* The socket is as new, but for its options. Owner, BH off, state CLOSE. */
static void tcp_forget(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_write_queue_purge(sk);
	tcp_index_purge(&tp->ofo_index, &tp->out_of_order_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	tcp_sack_reset(tp);
	skb_queue_purge_reason(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	sock_reset_flag(sk, SOCK_DONE);
	sk->sk_shutdown = 0;
	tcp_forget_names(sk);
	sk_dst_set(sk, NULL);
	kfree(tp->saved_syn);
	tp->saved_syn = NULL;
	tp->fin_rcvd = false;
	tp->fo_asked = tp->fo_child = tp->syn_data = tp->syn_data_acked = false;
	tp->mtu_info = tp->pmtu = tp->search_low = tp->probe_size = 0;
	tp->total_retrans = 0;
	tp->delivered = tp->delivered_ce = 0;
	tcp_rate_init(tp);
	tp->segs_in = tp->segs_out = tp->data_segs_in = tp->data_segs_out = 0;
	tp->bytes_sent = tp->bytes_acked = tp->bytes_received = tp->bytes_retrans = 0;
	tp->fo_fail = TFO_FAIL_NONE;
	sk->sk_pacing_rate = sk_pacing_limit(sk);
	tp->wstamp_ns = 0;
	tp->backoff = tp->retransmits = tp->probes_out = 0;
	tp->retrans_stamp_ns = 0;
	tcp_loss_init(sk);
	tp->lost = tp->dsack_dups = 0;
	tp->max_window = tp->snd_wnd = 0;
	tp->snd_wscale = tp->rcv_wscale = 0;
	tp->sack_ok = tp->tstamp_ok = false;
	tp->urg_data = 0;
	tp->ato_ns = tp->rcv_rtt8_us = tp->rcv_rtt_tsecr = 0;
	tp->rcv_rtt_ns = 0;
	tp->copied_seq = tp->rcv_nxt = 0;
	tp->window_clamp = 65535u << TCP_MAX_WSCALE;
	tcp_rtt_init(&tp->rtt);
}

/* An abort tells the peer, unless he knows of nothing yet, or has closed as well and been sent all there was (RFC 9293, 3.10.5). */
static bool tcp_abort_resets(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (sk->sk_state == TCP_CLOSING || sk->sk_state == TCP_LAST_ACK)
		return tp->snd_nxt != tp->write_seq;
	return sk->sk_state != TCP_SYN_SENT;
}

/* connect() with AF_UNSPEC, or a failed connect(): back to CLOSE, with a RST where the peer believes in a connection. Owned. */
static int tcp_disconnect(struct sock *sk) __needs(sk)
{
	sock_owned_by_me(sk);
	local_bh_disable();
	if (sk->sk_state == TCP_LISTEN) {
		tcp_set_state(sk, TCP_CLOSE);
		tcp_listen_stop(sk);
	} else if (sk->sk_state == TCP_SYN_SENT) {
		sk->sk_err = ECONNRESET;
		tcp_done(sk);
	} else if (sk->sk_state != TCP_CLOSE) {
		if (tcp_abort_resets(sk))
			tcp_send_active_reset(sk);
		sk->sk_err = ECONNRESET;
		tcp_done(sk);
	}
	tcp_forget(sk);
	sk->sk_error_report(sk);
	local_bh_enable();
	return 0;
}

static int tcp_get_port(struct sock *sk, u16 num)
{
	int err;

	local_bh_disable();
	err = inet_bind_port(sk->sk_net->tcp_hash, &sk->__sk_common, num);
	local_bh_enable();
	return err;
}

static void tcp_unbind(struct sock *sk)
{
	local_bh_disable();
	inet_unbind_port(&sk->__sk_common);
	local_bh_enable();
}

/**
 * tcp_listen() - CLOSE -> LISTEN, or a new backlog
 *
 * The port must be free for a listener: two sockets that share it by SO_REUSEADDR cannot both listen, by SO_REUSEPORT they can.
 *
 * Context: process. Return: 0, -EINVAL in another state, -EADDRINUSE, -EAGAIN.
 */
static int tcp_listen(struct sock *sk, int backlog) __may_sleep
{
	int err = 0;

	lock_sock(sk);
	local_bh_disable();
	if (sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_LISTEN) {
		err = -EINVAL;
		goto out;
	}
	sk->sk_max_ack_backlog = (u16)min((u32)backlog, tcp_net_of(sk)->somaxconn); /* -1: all */
	if (sk->sk_state == TCP_LISTEN)
		goto out;
	err = inet_listen_port(sk->sk_net->tcp_hash, &sk->__sk_common);
	if (err)
		goto out;
	sk->sk_state = TCP_LISTEN;
	sk->inet_sport = htons(sk->sk_num);
	sk->sk_shutdown = 0;
	sk->sk_ack_backlog = 0;
out:
	local_bh_enable();
	release_sock(sk);
	return err;
}

/* The oldest connection of the accept queue, its reference moves to the caller. NULL: none. */
static struct sock *tcp_accept_dequeue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk), *child = NULL;

	local_bh_disable();
	if (!list_empty(&tp->accept_queue)) {
		child = list_first_entry(&tp->accept_queue, struct tcp_sock, accept_node);
		list_del_init(&child->accept_node);
		child->listener = NULL;
		BUG_ON(sk->sk_ack_backlog == 0);
		sk->sk_ack_backlog--;
	}
	local_bh_enable();
	return child ? &child->sk : NULL;
}

/** tcp_accept() - waits for a connection. Context: process. Return: it, or NULL with *err -EINVAL, -EAGAIN. */
static struct sock *tcp_accept(struct sock *sk, bool nonblock, int *err) __may_sleep
{
	u64 deadline = sock_rcv_deadline(sk, nonblock);
	struct sock *child = NULL;

	lock_sock(sk);
	for (;;) {
		if (sk->sk_state != TCP_LISTEN) {
			*err = -EINVAL;
			break;
		}
		child = tcp_accept_dequeue(sk);
		if (child) {
			*err = 0;
			break;
		}
		*err = -EAGAIN;
		if (!deadline || sk_wait_event(sk, deadline,
					       !list_empty(&tcp_sk(sk)->accept_queue) ||
						       sk->sk_state != TCP_LISTEN))
			break;
	}
	release_sock(sk);
	return child;
}

/* Our side closes: the state that follows. Return: a FIN must be sent. Owner, BH off. */
static bool tcp_close_state(struct sock *sk) __needs(softirq_ctx, sk)
{
	switch (sk->sk_state) {
	case TCP_ESTABLISHED:
	case TCP_SYN_RECV:
		tcp_set_state(sk, TCP_FIN_WAIT1);
		return true;
	case TCP_CLOSE_WAIT:
		tcp_set_state(sk, TCP_LAST_ACK);
		return true;
	case TCP_SYN_SENT:
		tcp_done(sk);
		return false;
	default: /* the FIN is under way, or there is no connection */
		return false;
	}
}

/** tcp_shutdown() - SHUT_WR sends the FIN, SHUT_RD only marks. Context: process. Return: 0, -ENOTCONN. */
static int tcp_shutdown(struct sock *sk, u8 how_mask) __may_sleep
{
	bool fin = false;
	int err = 0;

	lock_sock(sk);
	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN)
		err = -ENOTCONN;
	sk->sk_shutdown |= how_mask;
	if (!err && (how_mask & SEND_SHUTDOWN)) {
		local_bh_disable();
		fin = tcp_close_state(sk);
		local_bh_enable();
		if (fin)
			tcp_send_fin(sk);
	}
	release_sock(sk);
	return err;
}

static bool tcp_fin_unacked(const struct sock *sk)
{
	return sk->sk_state == TCP_FIN_WAIT1 || sk->sk_state == TCP_CLOSING ||
	       sk->sk_state == TCP_LAST_ACK;
}

/* What close() does to the connection: RST if data was lost unread or SO_LINGER says so, FIN otherwise. Owner. */
static void tcp_close_connection(struct sock *sk, u64 deadline) __may_sleep __needs(sk)
{
	bool unread = tcp_unread(sk) != 0, fin = false;

	local_bh_disable();
	sk->sk_shutdown = SHUTDOWN_MASK;
	skb_queue_purge_reason(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	if (sk->sk_state == TCP_LISTEN) {
		tcp_set_state(sk, TCP_CLOSE);
		tcp_listen_stop(sk);
	} else if (sk->sk_state != TCP_CLOSE && unread) {
		NET_INC_STATS(sk->sk_net, TCPAbortOnClose);
		tcp_send_active_reset(sk);
		tcp_done(sk);
	} else if (sk->sk_state != TCP_CLOSE && sock_flag(sk, SOCK_LINGER) &&
		   !sk->sk_lingertime_s) {
		NET_INC_STATS(sk->sk_net, TCPAbortOnData);
		if (tcp_abort_resets(sk))
			tcp_send_active_reset(sk);
		tcp_done(sk);
	} else {
		fin = tcp_close_state(sk);
	}
	local_bh_enable();
	if (fin)
		tcp_send_fin(sk);
	if (deadline && tcp_fin_unacked(sk))
		(void)sk_wait_event(sk, deadline, !tcp_fin_unacked(sk));
}

/* The application is gone: what the connection may still do on its own. BH off; the caller holds a reference. */
static void tcp_adjudge_to_death(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_net *tn = tcp_net_of(sk);

	if (sk->sk_state == TCP_FIN_WAIT2) {
		if (tp->linger2 < 0) {
			NET_INC_STATS(sk->sk_net, TCPAbortOnLinger);
			tcp_send_active_reset(sk);
			tcp_done(sk);
		} else {
			tcp_fin_wait2_orphan(sk);
		}
	} else if (sk->sk_state != TCP_CLOSE && tn->orphan_count > tn->max_orphans) {
		NET_INC_STATS(sk->sk_net, TCPAbortOnMemory);
		tcp_send_active_reset(sk);
		tcp_done(sk);
	}
}

/**
 * tcp_close() - the application lets go of the socket; the socket layer's reference becomes the connection's
 * @sk: socket
 * @deadline_ns: SO_LINGER waits for the peer's ACK till then; 0: not at all
 *
 * Data unread: RST. Otherwise the connection goes on alone until its FIN is acknowledged.
 *
 * Context: process.
 */
static void tcp_close(struct sock *sk, u64 deadline_ns) __may_sleep
{
	local_bh_disable();
	sock_hold(sk);
	local_bh_enable();
	ip_mc_drop_socket(sk);
	lock_sock(sk);
	tcp_close_connection(sk, deadline_ns);
	local_bh_disable();
	if (sk->sk_state == TCP_CLOSE) { /* also an unconnected socket: its port is still bound */
		inet_unbind_port(&sk->__sk_common);
		tcp_orphan(sk);
		tcp_destroy_sock(sk);
		release_sock(sk);
	} else {
		tcp_orphan(sk);
		release_sock(sk);     /* the backlog sees an orphan: text gets a RST */
		sock_owned_by_me(sk); /* nobody else knows it */
		if (sk->sk_state != TCP_CLOSE)
			tcp_adjudge_to_death(sk);
	}
	sock_put(sk);
	local_bh_enable();
}

/* --- The table --------------------------------------------------------------------------------------------------------------- */

struct proto tcp_prot = {
	.name = "TCP",
	.obj_size = sizeof(struct tcp_sock),
	.init = tcp_v4_init_sock,
	.close = tcp_close,
	.connect = tcp_proto_connect,
	.fastopen = tcp_fastopen,
	.disconnect = tcp_disconnect,
	.listen = tcp_listen,
	.accept = tcp_accept,
	.shutdown = tcp_shutdown,
	.setsockopt = tcp_setsockopt,
	.getsockopt = tcp_getsockopt,
	.sendmsg = tcp_sendmsg,
	.recvmsg = tcp_recvmsg,
	.poll = tcp_poll,
	.ioctl = tcp_ioctl,
	.get_port = tcp_get_port,
	.tuple_gives_way = tcp_timewait_gives_way,
	.unbind = tcp_unbind,
	.backlog_rcv = tcp_v4_backlog_rcv,
	.release_cb = tcp_release_cb,
	.keepalive = tcp_set_keepalive,
	.set_rcvlowat = tcp_set_rcvlowat,
	.destroy = tcp_free_sock,
	.stream_memory_free = tcp_stream_memory_free,
};
