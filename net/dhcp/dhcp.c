// SPDX-License-Identifier: MIT
/*
 * DHCP client: an address for one device, kept alive, given up when its time is over.
 *
 *   SELECTING --offer--> REQUESTING --ack--> (CHECKING) --free--> BOUND --T1--> RENEWING --T2--> REBINDING --expiry--> SELECTING
 *                          nak, silence -> SELECTING         ack -> BOUND      ack -> BOUND        (address gone)
 *
 * An address that somebody else turns out to have is declined, and after ten seconds all begins anew. With acd=strict that is found
 * out in CHECKING, before the address is used; else while it is announced. It is not released at the end: a machine that is switched off
 * and on again asks for the same one.
 *
 * No thread: the socket's data_ready callback and one timer drive it, both in softirq. Everything a server says is read with a
 * bounds-checked reader (dhcp_message.c); what is not a sound answer to our own question (xid, hardware address, state, server) is ignored.
 *
 * Interface: <net/dhcp.h>.
 * Above: boot.  Below: kernel sockets (UDP), addresses, routes, ARP announcements.
 * Context: process starts and waits; softirq does the rest.
 * Owns: the client, its socket, its timer.
 * Specs: RFC 2131 (3.1, 4.1, 4.4); RFC 2132; RFC 5227 (2.1, 2.3).
 */
#include <net/dhcp.h>

#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <kernel/wait.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/inetdevice.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/socket.h>
#include <wire/arp.h>
#include <wire/dhcp.h>

#define DHCP_INFINITE         0xffffffffu
#define DHCP_FIRST_RETRY_S    4u
#define DHCP_MAX_RETRY_S      64u
#define DHCP_REQUEST_TRIES    4u
#define DHCP_MIN_RENEW_S      60u
#define DHCP_MIN_MESSAGE      300u /* what BOOTP relays expect at least */
#define DHCP_MAX_MESSAGE      1472u
#define DHCP_NAK_PAUSE_NS     (1 * NSEC_PER_SEC)
#define DHCP_DECLINE_PAUSE_NS (10 * NSEC_PER_SEC) /* at least (RFC 2131, 3.1 (5)) */

enum dhcp_state {
	DHCP_SELECTING,
	DHCP_REQUESTING,
	DHCP_CHECKING, /* does anybody use what we were given? */
	DHCP_BOUND,
	DHCP_RENEWING,
	DHCP_REBINDING,
};

struct dhcp_client {
	struct net_device *dev;
	struct socket *sock;
	struct timer timer; /* the next retransmission, or T1/T2/expiry */
	struct wait_queue_head wq;
	enum dhcp_state state;
	bool pausing; /* after a NAK or a DECLINE: the timer starts anew */
	u32 xid, tries;
	u64 begin_ns; /* of this acquisition or renewal: the secs field */
	u64 asked_ns; /* the REQUEST that was answered: the lease counts from here */
	__be32 offered, server_id;
	/* The lease in use; addr 0: none. */
	__be32 addr, gw;
	u8 prefixlen;
	u64 t1_ns, t2_ns, expiry_ns; /* WAIT_FOREVER: infinite */
	struct dhcp_msg ack;         /* CHECKING: the lease that may become ours */
	u8 buf[DHCP_MAX_MESSAGE];
};

/* --- Writing ------------------------------------------------------------------------------------------------------------ */

static u8 *put_option(u8 *p, u8 code, u8 len, const void *value)
{
	*p++ = code;
	*p++ = len;
	memcpy(p, value, len);
	return p + len;
}

static u8 *put_option_be32(u8 *p, u8 code, __be32 value)
{
	return put_option(p, code, 4, &value);
}

/* Builds a message in c->buf: its length. */
static u32 dhcp_build(struct dhcp_client *c, u8 type)
{
	static const u8 wanted[] = { DHO_SUBNET_MASK, DHO_ROUTERS,      DHO_DNS,
				     DHO_LEASE_TIME,  DHO_RENEWAL_TIME, DHO_REBINDING_TIME };
	struct dhcphdr *h = (struct dhcphdr *)(void *)c->buf;
	bool renewal = c->state == DHCP_RENEWING || c->state == DHCP_REBINDING;
	u64 secs = type == DHCPDECLINE ? 0 : (ktime_get_ns() - c->begin_ns) / NSEC_PER_SEC;
	u8 id[1 + ETH_ALEN] = { ARPHRD_ETHER }, max_size[2];
	u8 *p = c->buf + sizeof(*h);
	u32 len;

	memset(c->buf, 0, sizeof(c->buf));
	h->op = 1;
	h->htype = ARPHRD_ETHER;
	h->hlen = ETH_ALEN;
	h->xid = htonl(c->xid);
	h->secs = htons(min_t(u64, secs, 0xffff));
	/* Without an address we cannot receive unicast: ask for a broadcast answer (RFC 2131, 4.1). */
	h->flags = renewal || type == DHCPDECLINE ? 0 : htons(0x8000);
	h->ciaddr = renewal ? c->addr : 0;
	memcpy(h->chaddr, c->dev->dev_addr, ETH_ALEN);
	h->magic = htonl(DHCP_MAGIC);
	memcpy(id + 1, c->dev->dev_addr, ETH_ALEN);
	put_unaligned_be16(DHCP_MAX_MESSAGE, max_size);
	p = put_option(p, DHO_MESSAGE_TYPE, 1, &type);
	p = put_option(p, DHO_CLIENT_ID, sizeof(id), id);
	if (c->state == DHCP_REQUESTING || type == DHCPDECLINE) {
		p = put_option_be32(p, DHO_REQUESTED_ADDRESS, c->offered);
		p = put_option_be32(p, DHO_SERVER_ID, c->server_id);
	}
	if (type != DHCPDECLINE) { /* which asks for nothing (RFC 2131, table 5) */
		p = put_option(p, DHO_MAX_SIZE, sizeof(max_size), max_size);
		p = put_option(p, DHO_PARAMETER_LIST, sizeof(wanted), wanted);
	}
	*p++ = DHO_END;
	len = (u32)(p - c->buf);
	return max(len, DHCP_MIN_MESSAGE);
}

/* Lost messages are the retransmission's business, so the result of sending says nothing of interest. */
static void dhcp_send(struct dhcp_client *c, u8 type)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(DHCP_SERVER_PORT),
		.sin_addr = c->state == DHCP_RENEWING ? c->server_id : INADDR_BROADCAST,
	};
	u32 len = dhcp_build(c, type);
	ssize_t n = kernel_sendmsg(c->sock, c->buf, len, &to);

	c->tries++;
	if (type == DHCPREQUEST)
		c->asked_ns = ktime_get_ns();
	if (n < 0)
		pr_debug("dhcp: %s: send failed: %ld\n", c->dev->name, (long)n);
}

/* --- States ----------------------------------------------------------------------------------------------------------------- */

/* 4, 8, 16, 32, 64 seconds, each give or take one (RFC 2131, 4.1). */
static void dhcp_arm_retry(struct dhcp_client *c)
{
	u32 base = DHCP_FIRST_RETRY_S << min_t(u32, c->tries ? c->tries - 1 : 0, 4);
	u64 ms = (u64)min(base, DHCP_MAX_RETRY_S) * 1000 - 1000 + get_random_below(2001);

	mod_timer(&c->timer, ktime_get_ns() + ms * NSEC_PER_MSEC);
}

static void dhcp_enter_selecting(struct dhcp_client *c)
{
	c->state = DHCP_SELECTING;
	c->pausing = false;
	c->tries = 0;
	c->offered = 0;
	c->server_id = 0;
	c->xid = get_random_u32();
	c->begin_ns = ktime_get_ns();
	dhcp_send(c, DHCPDISCOVER);
	dhcp_arm_retry(c);
}

static void dhcp_enter_requesting(struct dhcp_client *c, const struct dhcp_msg *msg)
{
	c->state = DHCP_REQUESTING;
	c->tries = 0;
	c->offered = msg->yiaddr;
	c->server_id = msg->server_id;
	dhcp_send(c, DHCPREQUEST);
	dhcp_arm_retry(c);
}

/* The address and what came with it leave the device. */
static void dhcp_drop_lease(struct dhcp_client *c, const char *why)
{
	if (!c->addr)
		return;
	pr_warn("dhcp: %s %pI4 given up: %s\n", c->dev->name, &c->addr, why);
	if (c->gw)
		(void)ip_route_del(c->dev->net, 0, 0, c->gw, c->dev);
	(void)inet_addr_del(c->dev, c->addr);
	c->addr = 0;
	c->gw = 0;
	memset(c->dev->net->nameserver, 0, sizeof(c->dev->net->nameserver));
}

static u8 prefix_of(__be32 mask, __be32 addr)
{
	u32 host = ntohl(addr);

	if (mask)
		return (u8)(32 - __builtin_ctz(ntohl(mask))); /* contiguous: the parser saw to it */
	if (!(host >> 31))
		return 8; /* no mask given: the address's class (RFC 1812, 2.2.5.1) */
	return host >> 30 == 2 ? 16 : 24;
}

static void dhcp_set_times(struct dhcp_client *c, const struct dhcp_msg *msg)
{
	u64 lease = msg->lease_s, t1 = msg->t1_s, t2 = msg->t2_s;

	c->t1_ns = WAIT_FOREVER;
	c->t2_ns = WAIT_FOREVER;
	c->expiry_ns = WAIT_FOREVER;
	if (msg->lease_s == DHCP_INFINITE)
		return;
	/* Times that are not given, or not in order, are the defaults (RFC 2131, 4.4.5). */
	if (!t1 || !t2 || t1 >= t2 || t2 >= lease) {
		t1 = lease / 2;
		t2 = lease * 7 / 8;
	}
	c->t1_ns = c->asked_ns + t1 * NSEC_PER_SEC;
	c->t2_ns = c->asked_ns + t2 * NSEC_PER_SEC;
	c->expiry_ns = c->asked_ns + lease * NSEC_PER_SEC;
}

/* Address and default route onto the device. 0, or what inet_addr_add() said. */
static int dhcp_apply(struct dhcp_client *c, const struct dhcp_msg *msg)
{
	u8 prefixlen = prefix_of(msg->mask, msg->yiaddr);
	__be32 gw = msg->router;
	int err;

	if (c->addr == msg->yiaddr && c->prefixlen == prefixlen && c->gw == gw)
		return 0;
	if (c->gw)
		(void)ip_route_del(c->dev->net, 0, 0, c->gw, c->dev);
	c->gw = 0;
	if (c->addr && c->addr != msg->yiaddr)
		(void)inet_addr_del(c->dev, c->addr);
	c->addr = 0;
	err = inet_addr_add(c->dev, msg->yiaddr, prefixlen);
	if (err)
		return err;
	c->addr = msg->yiaddr;
	c->prefixlen = prefixlen;
	if (gw) {
		err = ip_route_add(c->dev->net, 0, 0, gw, c->dev);
		if (err && err != -EEXIST)
			pr_warn("dhcp: %s: no default route by %pI4: %d\n", c->dev->name, &gw, err);
		else
			c->gw = gw;
	}
	return 0;
}

/* No lease; nothing is heard or said for @ns; then everything begins anew. */
static void dhcp_restart(struct dhcp_client *c, const char *why, u64 ns)
{
	dhcp_drop_lease(c, why);
	c->state = DHCP_SELECTING;
	c->pausing = true;
	mod_timer(&c->timer, ktime_get_ns() + ns);
}

/* Somebody has the address: the server must know, so that it gives it to nobody else (RFC 2131, 3.1 (5), 4.4.4). */
static void dhcp_decline(struct dhcp_client *c, __be32 addr)
{
	dhcp_drop_lease(c, "somebody else uses it");
	c->state = DHCP_SELECTING;
	c->offered = addr;
	c->xid = get_random_u32();
	dhcp_send(c, DHCPDECLINE);
	dhcp_restart(c, "", DHCP_DECLINE_PAUSE_NS);
}

static void dhcp_enter_bound(struct dhcp_client *c, const struct dhcp_msg *msg);

/* Softirq: the address was looked for on the link. */
static void dhcp_checked(void *arg, __be32 addr, int result)
{
	struct dhcp_client *c = arg;

	if (result == -EADDRINUSE)
		dhcp_decline(c, addr);
	else if (c->state != DHCP_CHECKING)
		return; /* it is in use already, and nobody minds */
	else if (!result)
		dhcp_enter_bound(c, &c->ack);
	else /* the device went down, or another address is looked for */
		dhcp_restart(c, "it cannot be looked for on the link", DHCP_NAK_PAUSE_NS);
}

/* An address of ours from now on: with acd=strict only when three probes were not answered. */
static void dhcp_acked(struct dhcp_client *c, const struct dhcp_msg *msg)
{
	if (c->addr == msg->yiaddr || !acd_check(c->dev, msg->yiaddr, dhcp_checked, c)) {
		dhcp_enter_bound(c, msg);
		return;
	}
	c->ack = *msg;
	c->state = DHCP_CHECKING;
	del_timer(&c->timer);
}

static void dhcp_enter_bound(struct dhcp_client *c, const struct dhcp_msg *msg)
{
	bool fresh = c->addr != msg->yiaddr;
	int err = dhcp_apply(c, msg);

	if (err) {
		pr_err("dhcp: %s: cannot use %pI4: %d\n", c->dev->name, &msg->yiaddr, err);
		if (c->state == DHCP_CHECKING)
			dhcp_restart(c, "another cannot be had", DHCP_DECLINE_PAUSE_NS);
		return; /* else the retransmission timer goes on */
	}
	c->state = DHCP_BOUND;
	c->server_id = msg->server_id;
	memcpy(c->dev->net->nameserver, msg->dns, sizeof(msg->dns));
	dhcp_set_times(c, msg);
	if (c->t1_ns == WAIT_FOREVER)
		del_timer(&c->timer);
	else
		mod_timer(&c->timer, c->t1_ns);
	pr_info("dhcp: %s %pI4/%u gw %pI4 dns %pI4 lease %u s from %pI4\n", c->dev->name, &c->addr,
		(unsigned int)c->prefixlen, &c->gw, &msg->dns[0], msg->lease_s, &c->server_id);
	if (fresh)
		acd_watch(c->dev, c->addr, dhcp_checked, c);
	wake_up(&c->wq);
}

/* A REQUEST for the lease in use; the next after half of the time to @limit, but not within a minute (RFC 2131, 4.4.5). */
static void dhcp_renew(struct dhcp_client *c, u64 now, u64 limit_ns)
{
	u64 wait = (limit_ns - now) / 2;

	dhcp_send(c, DHCPREQUEST);
	if (wait < DHCP_MIN_RENEW_S * NSEC_PER_SEC)
		wait = DHCP_MIN_RENEW_S * NSEC_PER_SEC;
	mod_timer(&c->timer, min(now + wait, limit_ns));
}

/* BOUND and later: what the clock says now. */
static void dhcp_lease_timer(struct dhcp_client *c, u64 now)
{
	if (now >= c->expiry_ns) {
		dhcp_drop_lease(c, "the lease is over");
		dhcp_enter_selecting(c);
	} else if (now >= c->t2_ns) {
		if (c->state != DHCP_REBINDING)
			c->xid = get_random_u32();
		c->state = DHCP_REBINDING;
		dhcp_renew(c, now, c->expiry_ns);
	} else {
		if (c->state == DHCP_BOUND) {
			c->xid = get_random_u32();
			c->begin_ns = now;
		}
		c->state = DHCP_RENEWING;
		dhcp_renew(c, now, c->t2_ns);
	}
}

static void dhcp_timer(struct timer *t)
{
	struct dhcp_client *c = container_of(t, struct dhcp_client, timer);

	switch (c->state) {
	case DHCP_SELECTING:
		if (c->pausing) {
			dhcp_enter_selecting(c);
			break;
		}
		dhcp_send(c, DHCPDISCOVER);
		dhcp_arm_retry(c);
		break;
	case DHCP_REQUESTING:
		if (c->tries >= DHCP_REQUEST_TRIES) {
			dhcp_enter_selecting(c);
			break;
		}
		dhcp_send(c, DHCPREQUEST);
		dhcp_arm_retry(c);
		break;
	case DHCP_CHECKING: /* has no timer */
	case DHCP_BOUND:
	case DHCP_RENEWING:
	case DHCP_REBINDING:
		dhcp_lease_timer(c, ktime_get_ns());
		break;
	}
}

/* --- Answers -------------------------------------------------------------------------------------------------------------------- */

/* The two addresses of a subnet that mean all its hosts (RFC 1122, 3.2.1.3); links of two hosts have none (RFC 3021). */
static bool dhcp_is_subnet_bcast(const struct dhcp_msg *msg)
{
	u8 prefixlen = prefix_of(msg->mask, msg->yiaddr);
	u32 host_bits, host;

	if (prefixlen > 30)
		return false;
	host_bits = UINT32_MAX >> prefixlen;
	host = ntohl(msg->yiaddr) & host_bits;
	return host == 0 || host == host_bits;
}

/* An address that can be ours, and a lease that is worth something. */
static bool dhcp_offer_ok(const struct dhcp_msg *msg)
{
	__be32 a = msg->yiaddr;

	return !dhcp_is_subnet_bcast(msg) && !ipv4_is_zeronet(a) && !ipv4_is_loopback(a) &&
	       !ipv4_is_multicast(a) && !ipv4_is_lbcast(a) && msg->server_id && msg->lease_s;
}

static void dhcp_handle(struct dhcp_client *c, const struct dhcp_msg *msg)
{
	bool asking = c->state == DHCP_REQUESTING || c->state == DHCP_RENEWING ||
		      c->state == DHCP_REBINDING;

	if (c->pausing)
		return;
	switch (msg->type) {
	case DHCPOFFER:
		if (c->state == DHCP_SELECTING && dhcp_offer_ok(msg))
			dhcp_enter_requesting(c, msg);
		break;
	case DHCPACK:
		if (asking && dhcp_offer_ok(msg) &&
		    (c->state == DHCP_REBINDING || msg->server_id == c->server_id))
			dhcp_acked(c, msg);
		break;
	case DHCPNAK:
		if (!asking || (c->state != DHCP_REBINDING && msg->server_id != c->server_id))
			break;
		pr_info("dhcp: %s: refused by %pI4, starting again\n", c->dev->name,
			&msg->server_id);
		dhcp_restart(c, "the server took it back", DHCP_NAK_PAUSE_NS);
		break;
	default:
		break;
	}
}

/* Softirq: datagrams have come. */
static void dhcp_data_ready(struct sock *sk)
{
	struct dhcp_client *c = sk->sk_user_data;
	struct sockaddr_in from;
	struct dhcp_msg msg;
	ssize_t n;

	while (c && (n = kernel_recvmsg(c->sock, c->buf, sizeof(c->buf), &from)) >= 0) {
		if (from.sin_port != htons(DHCP_SERVER_PORT) ||
		    dhcp_parse(c->buf, (u32)n, &msg) < 0)
			continue;
		if (msg.xid != c->xid || !ether_addr_equal(msg.chaddr, c->dev->dev_addr))
			continue;
		dhcp_handle(c, &msg);
	}
}

/* --- Life ------------------------------------------------------------------------------------------------------------------------- */

static int dhcp_open_socket(struct dhcp_client *c)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(DHCP_CLIENT_PORT) };
	int err = sock_create_kern(c->dev->net, AF_INET, SOCK_DGRAM, IPPROTO_UDP, &c->sock);
	struct sock *sk;

	if (err)
		return err;
	sk = c->sock->sk;
	sk->sk_bound_dev_if = c->dev->ifindex;
	sock_set_flag(sk, SOCK_BROADCAST);
	err = kernel_bind(c->sock, &any);
	if (err) {
		sock_release(c->sock);
		return err;
	}
	local_bh_disable();
	sk->sk_user_data = c;
	sk->sk_data_ready = dhcp_data_ready;
	local_bh_enable();
	return 0;
}

/**
 * dhcp_start() - begins to look for an address for @dev, which is up: the first DISCOVER goes out at once.
 * Context: process.
 * Return: 0; -EBUSY a client runs in this instance; -ENOMEM; -EADDRINUSE port 68 is taken; errors of sock_create_kern().
 */
int dhcp_start(struct net_device *dev)
{
	struct dhcp_client *c;
	int err;

	if (dev->net->dhcp)
		return -EBUSY;
	c = kzalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->dev = dev;
	timer_setup(&c->timer, dhcp_timer);
	init_waitqueue_head(&c->wq);
	err = dhcp_open_socket(c);
	if (err) {
		kfree(c);
		return err;
	}
	dev->net->dhcp = c;
	local_bh_disable();
	dhcp_enter_selecting(c);
	local_bh_enable();
	return 0;
}

/**
 * dhcp_wait() - waits until an address is bound.
 * Context: process; sleeps.
 * Return: 0; -ETIMEDOUT @deadline_ns passed first; -EINVAL no client runs.
 */
int dhcp_wait(struct net *net, u64 deadline_ns)
{
	struct dhcp_client *c = net->dhcp;

	if (!c)
		return -EINVAL;
	return wait_event_until(&c->wq, c->addr != 0, deadline_ns);
}

/**
 * dhcp_stop() - ends the client; the address stays as it is, unrenewed.
 * Context: process. Nobody may be in dhcp_wait().
 */
void dhcp_stop(struct net *net)
{
	struct dhcp_client *c = net->dhcp;

	if (!c)
		return;
	BUG_ON(waitqueue_active(&c->wq));
	net->dhcp = NULL;
	local_bh_disable();
	del_timer(&c->timer);
	acd_forget(c->dev, c);
	c->sock->sk->sk_user_data = NULL;
	local_bh_enable();
	sock_release(c->sock);
	kfree(c);
}
