// SPDX-License-Identifier: MIT
/*
 * Control messages: what sendmsg() asks beside its data, item by item, and what recvmsg() tells.
 *
 * Sending, the items are a copy in kernel memory that nobody has checked: cmsg_next() gives whole ones only. Receiving, each item is
 * written to the application at once; one that does not fit is cut or left out, and MSG_CTRUNC says so.
 *
 * Interface: <net/sock.h> (cmsg_next, put_cmsg, sock_recv_timestamp).
 * Above: the transports, net/ipv4, the socket layer.  Below: <kernel/uaccess.h>.
 * Context: cmsg_next() any; the others process.
 * Owns: nothing.
 * Specs: POSIX.1-2008 (<sys/socket.h>); Linux's cmsg(3), socket(7) (SO_TIMESTAMP).
 */
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/sock.h>

/**
 * cmsg_next() - the item of control data at *@at, which moves behind it.
 * @c: gets its header. @data: its bytes, c->cmsg_len less the header's.
 *
 * Context: any.
 * Return: 1; 0 there is none; -EINVAL it is not whole.
 */
int cmsg_next(const struct msghdr *msg, u32 *at, struct cmsghdr *c, const u8 **data)
{
	u32 left = msg->msg_control ? msg->msg_controllen - *at : 0;
	const u8 *p;

	if (left < sizeof(*c))
		return 0;
	p = (const u8 *)msg->msg_control + *at;
	memcpy(c, p, sizeof(*c));
	if (c->cmsg_len < sizeof(*c) || c->cmsg_len > left)
		return -EINVAL;
	*data = p + sizeof(*c);
	*at += min((u32)ALIGN(c->cmsg_len, sizeof(size_t)), left);
	return 1;
}

/**
 * put_cmsg() - tells the application one thing: @len bytes at @data.
 * Context: process. What does not fit, or cannot be written, sets MSG_CTRUNC; room for a header and some bytes gets those.
 */
void put_cmsg(struct msghdr *msg, int level, int type, const void *data, u32 len)
{
	struct cmsghdr c = { .cmsg_len = sizeof(c) + len, .cmsg_level = level, .cmsg_type = type };
	u32 room = msg->msg_control ? msg->msg_controllen : 0, step;
	u8 *to = msg->msg_control;

	if (room < c.cmsg_len)
		msg->msg_flags |= MSG_CTRUNC;
	if (room < sizeof(c))
		return;
	c.cmsg_len = min_t(size_t, c.cmsg_len, room);
	if (copy_to_user(to, &c, sizeof(c)) ||
	    copy_to_user(to + sizeof(c), data, c.cmsg_len - sizeof(c))) {
		msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	step = min((u32)ALIGN(c.cmsg_len, sizeof(size_t)), room);
	msg->msg_control = to + step;
	msg->msg_controllen -= step;
}

/**
 * sock_recv_timestamp() - when @skb reached the socket, by the clock of the day, if the socket wants to know (SO_TIMESTAMP,
 * SO_TIMESTAMPNS, SO_TIMESTAMPING). Of what came before it wanted to, the time is now.
 * Context: process.
 */
void sock_recv_timestamp(const struct sock *sk, struct msghdr *msg, const struct sk_buff *skb)
{
	u64 now = ktime_get_ns(), real = ktime_get_real_ns();
	s64 t[2]; /* struct timespec or timeval */

	if (likely(!(sk->sk_flags & SOCK_TSTAMP_FLAGS)))
		return;
	if (skb->tstamp_ns)
		real -= min(real, now - skb->tstamp_ns);
	t[0] = (s64)(real / NSEC_PER_SEC);
	t[1] = (s64)(real % NSEC_PER_SEC);
	if (sock_flag(sk, SOCK_RCVTSTAMPNS))
		put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMPNS, t, sizeof(t));
	if (sock_flag(sk, SOCK_RCVTSTAMP)) {
		const s64 tv[2] = { t[0], t[1] / (s64)NSEC_PER_USEC };

		put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMP, tv, sizeof(tv));
	}
	/* Three times: of the software, one that is not used any more, of the card. */
	if (skb->tstamp_ns && !sk->inet_is_icsk && (sk->sk_tsflags & SOF_TIMESTAMPING_SOFTWARE)) {
		const s64 ts[6] = { t[0], t[1] };

		put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMPING, ts, sizeof(ts));
	}
}
