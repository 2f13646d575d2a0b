// SPDX-License-Identifier: MIT
/*
 * The family PF_PACKET: frames as they come from and go to a device, for programs that watch (tcpdump) or speak for
 * themselves. SOCK_RAW: with the link header; SOCK_DGRAM: without, it is taken off and put on here.
 *
 *   netif_receive_skb  -> dev_tap_receive -> packet_rcv     of the bound type, or ETH_P_ALL
 *   dev_hard_start_xmit -> dev_tap_xmit   -> packet_rcv     what we send, ETH_P_ALL only, as PACKET_OUTGOING
 *   sendmsg -> packet_snd -> dev_queue_xmit
 *
 * A request of our own that re-posts prebuilt frames belongs into packet_ioctl(). SOCK_PACKET, rings (PACKET_RX_RING), filters
 * and VLAN tags do not exist here. Who wants a group's frames without joining it (PACKET_MR_MULTICAST) gets those of all groups.
 *
 * Interface: <net/packet.h>.
 * Above: net/socket, by struct proto_ops.  Below: net/dev's taps; dev_queue_xmit().
 * Context: process; packet_rcv() softirq.
 * Owns: frames on receive queues.
 * Specs: Linux's packet(7); RFC 894 (the frames).
 */
#include <net/packet.h>

#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/sch_generic.h>
#include <net/socket.h>
#include <uapi/if_packet.h>

#define PACKET_MAX_MC   4
#define PACKET_MSG_ASKS (MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_ERRQUEUE)
/* Least length of a name: all but the address. */
#define SLL_HEAD ((int)offsetof(struct sockaddr_ll, sll_addr))

struct packet_sock {
	struct sock sk;        /* first; on net->packets by sk_node */
	struct packet_tap tap; /* type and device that it is bound to */
	bool running;          /* the tap is set */
	struct tpacket_stats stats;
	struct packet_mc {
		struct packet_mreq mreq; /* mr_ifindex 0: free */
		u32 count;
	} mc[PACKET_MAX_MC]; /* what it wants of devices */
};

static struct packet_sock *pkt_sk(struct sock *sk)
{
	return (struct packet_sock *)(void *)sk;
}

static struct sock *sock_of(struct list_head *node)
{
	return container_of(list_entry(node, struct sock_common, skc_node), struct sock,
			    __sk_common);
}

/* --- Hook ----------------------------------------------------------------------------------------------------------------- */
static void packet_hook(struct packet_sock *po)
{
	if (po->running || !po->tap.type)
		return;
	dev_add_tap(po->sk.sk_net, &po->tap);
	po->running = true;
}

static void packet_unhook(struct packet_sock *po)
{
	if (po->running)
		dev_remove_tap(&po->tap);
	po->running = false;
}

/* --- Up ------------------------------------------------------------------------------------------------------------------------ */
/* SOCK_RAW begins at the link header, SOCK_DGRAM behind it. false: the frame is too short for that. */
static bool packet_set_begin(const struct sock *sk, struct sk_buff *skb)
{
	u32 at = skb_headroom(skb);

	if (sk->sk_type == SOCK_RAW) {
		if (at > skb->mac_header)
			skb_push(skb, at - skb->mac_header);
		return true;
	}
	return at >= skb->network_header || skb_pull(skb, skb->network_header - at);
}

static void packet_fill_name(struct sockaddr_ll *sll, const struct sk_buff *skb,
			     const struct net_device *dev)
{
	*sll = (struct sockaddr_ll){ .sll_family = AF_PACKET,
				     .sll_protocol = skb->protocol,
				     .sll_ifindex = (int)dev->ifindex,
				     .sll_hatype = dev->type,
				     .sll_pkttype = skb->pkt_type };
	if (dev->hard_header_len != ETH_HLEN)
		return;
	sll->sll_halen = ETH_ALEN;
	memcpy(sll->sll_addr, eth_hdr(skb)->h_source, ETH_ALEN);
}

/* The tap's function. Consumes @skb. */
static void packet_rcv(struct packet_tap *tap, struct sk_buff *skb, struct net_device *dev)
	__needs(softirq_ctx)
{
	struct packet_sock *po = container_of(tap, struct packet_sock, tap);

	if (!packet_set_begin(&po->sk, skb)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
		return;
	}
	static_assert(sizeof(struct sockaddr_ll) <= sizeof(skb->cb),
		      "the name waits in the scratch");
	packet_fill_name((struct sockaddr_ll *)(void *)skb->cb, skb, dev);
	trace_at_skb(packet_rcv, skb, po->sk.sk_receive_queue.qlen);
	if (datagram_queue_rcv(&po->sk, skb))
		po->stats.tp_packets++;
	else
		po->stats.tp_drops++;
}

static ssize_t packet_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			      u32 flags) __may_sleep
{
	struct sk_buff *skb;
	int err;

	if (flags & ~(u32)(PACKET_MSG_ASKS | MSG_CMSG_CLOEXEC | MSG_NOSIGNAL))
		return -EINVAL;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	skb = skb_recv_datagram(sock->sk, flags, &err);
	if (!skb)
		return err;
	if (msg->msg_name) {
		memcpy(msg->msg_name, skb->cb, sizeof(struct sockaddr_ll));
		msg->msg_namelen = sizeof(struct sockaddr_ll);
	}
	return skb_copy_datagram_msg(skb, msg, len, flags);
}

/* --- Down ----------------------------------------------------------------------------------------------------------------------- */
/* Where a frame goes, and as what. */
struct packet_to {
	struct net_device *dev;
	__be16 proto;
	const u8 *addr; /* of SOCK_DGRAM; NULL: none was said */
};

/* 0; -EINVAL the name; -ENXIO no such device; -ENETDOWN. */
static int packet_destination(struct packet_sock *po, const struct msghdr *msg,
			      struct packet_to *to)
{
	const struct sockaddr_ll *sll = msg->msg_name;
	u32 ifindex = po->tap.ifindex;

	*to = (struct packet_to){ .proto = po->tap.type };
	if (sll) {
		if (msg->msg_namelen < (int)sizeof(*sll) ||
		    msg->msg_namelen < SLL_HEAD + sll->sll_halen)
			return -EINVAL;
		ifindex = (u32)sll->sll_ifindex;
		to->proto = sll->sll_protocol;
		to->addr = sll->sll_addr;
	}
	to->dev = dev_get_by_index(po->sk.sk_net, ifindex);
	if (!to->dev)
		return -ENXIO;
	return netif_running(to->dev) ? 0 : -ENETDOWN;
}

/* 0; -EMSGSIZE longer than the device takes; -EINVAL no whole link header. */
static int packet_check_length(const struct sock *sk, const struct net_device *dev, size_t len)
{
	u32 head = sk->sk_type == SOCK_RAW ? dev->hard_header_len : 0;

	if (len > (size_t)dev->mtu + head)
		return -EMSGSIZE;
	return len < head ? -EINVAL : 0;
}

/* The link header: ours to make, or the application's to be read. 0, -EINVAL. */
static int packet_link_header(const struct sock *sk, struct sk_buff *skb,
			      const struct packet_to *to)
{
	skb->protocol = to->proto;
	if (sk->sk_type == SOCK_DGRAM) {
		skb_reset_network_header(skb);
		if (to->dev->header_ops &&
		    to->dev->header_ops->create(skb, to->dev, ntohs(to->proto), to->addr, NULL) < 0)
			return -EINVAL;
		return 0;
	}
	skb_reset_mac_header(skb);
	skb->network_header = (u16)(skb->mac_header + to->dev->hard_header_len);
	if ((!to->proto || to->proto == htons(ETH_P_ALL)) && to->dev->hard_header_len == ETH_HLEN)
		skb->protocol = eth_hdr(skb)->h_proto;
	return 0;
}

/* One frame, consumed by dev_queue_xmit(). */
static int packet_snd(struct sock *sk, struct msghdr *msg, u32 len, const struct packet_to *to)
{
	struct sk_buff *skb = alloc_skb(LL_MAX_HEADER + len);
	int err;

	if (!skb)
		return -ENOBUFS;
	skb_reserve(skb, LL_MAX_HEADER);
	err = skb_add_data(skb, &msg->msg_iter, len);
	if (!err)
		err = packet_link_header(sk, skb, to);
	if (err) {
		kfree_skb_reason(skb, SKB_DROP_REASON_LOCAL_ERROR);
		return err;
	}
	skb->dev = to->dev;
	skb->priority = sk->sk_priority;
	skb->mark = sk->sk_mark;
	local_bh_disable();
	skb_set_owner_w(skb, sk);
	trace_at_skb(packet_snd, skb, 0);
	err = dev_queue_xmit(skb);
	local_bh_enable();
	return err > 0 ? net_xmit_errno(err) : err;
}

/*
 * proto_ops.sendmsg: one frame. Its length, or -EINVAL (name; shorter than the link header), -ENXIO, -ENETDOWN, -EMSGSIZE, -EAGAIN,
 * -EPIPE, -ENOBUFS, -ENOMEM, -EFAULT.
 */
static ssize_t packet_sendmsg(struct socket *sock, struct msghdr *msg, size_t len) __may_sleep
{
	struct packet_sock *po = pkt_sk(sock->sk);
	struct packet_to to;
	int err = packet_destination(po, msg, &to);
	trace_fn_sk(packet_sendmsg, &po->sk, (u32)len);

	if (!err)
		err = packet_check_length(&po->sk, to.dev, len);
	if (!err)
		err = sock_wait_for_wmem(&po->sk, msg->msg_flags & MSG_DONTWAIT);
	if (!err)
		err = packet_destination(po, msg, &to); /* it may have slept */
	if (!err)
		err = packet_snd(&po->sk, msg, (u32)len, &to);
	return err ? err : (ssize_t)len;
}

/* --- Which frames the device takes -------------------------------------------------------------------------------------------- */
static bool mreq_equal(const struct packet_mreq *a, const struct packet_mreq *b)
{
	return a->mr_ifindex == b->mr_ifindex && a->mr_type == b->mr_type &&
	       a->mr_alen == b->mr_alen && !memcmp(a->mr_address, b->mr_address, a->mr_alen);
}

/* One more or less who wants every frame, or (a single group, too) every group's. */
static void mc_count(const struct packet_mc *mc, struct net_device *dev, int inc)
	__needs(softirq_ctx)
{
	if (mc->mreq.mr_type == PACKET_MR_PROMISC)
		dev_set_promiscuity(dev, inc);
	else
		dev_set_allmulti(dev, inc);
}

/* 0; -EINVAL no address of this device; -ENOBUFS no room for one more. */
static int mc_add(struct packet_sock *po, struct net_device *dev, const struct packet_mreq *mreq)
	__needs(softirq_ctx)
{
	struct packet_mc *free = NULL;

	if (mreq->mr_alen > dev->addr_len ||
	    (mreq->mr_type == PACKET_MR_MULTICAST && mreq->mr_alen != dev->addr_len))
		return -EINVAL;
	for (struct packet_mc *mc = po->mc; mc < po->mc + PACKET_MAX_MC; mc++) {
		if (mreq_equal(&mc->mreq, mreq)) {
			mc->count++;
			return 0;
		}
		if (!mc->mreq.mr_ifindex && !free)
			free = mc;
	}
	if (!free)
		return -ENOBUFS;
	*free = (struct packet_mc){ *mreq, 1 };
	mc_count(free, dev, 1);
	return 0;
}

static void mc_end(struct packet_sock *po, struct packet_mc *mc) __needs(softirq_ctx)
{
	struct net_device *dev = dev_get_by_index(po->sk.sk_net, (u32)mc->mreq.mr_ifindex);

	if (dev)
		mc_count(mc, dev, -1);
	*mc = (struct packet_mc){ 0 };
}

/* All that the socket wants of a device; @ifindex 0: of every one. */
static void mc_end_all(struct packet_sock *po, u32 ifindex) __needs(softirq_ctx)
{
	for (struct packet_mc *mc = po->mc; mc < po->mc + PACKET_MAX_MC; mc++)
		if (mc->mreq.mr_ifindex && (!ifindex || (u32)mc->mreq.mr_ifindex == ifindex))
			mc_end(po, mc);
}

static int mc_drop(struct packet_sock *po, const struct packet_mreq *mreq) __needs(softirq_ctx)
{
	for (struct packet_mc *mc = po->mc; mc < po->mc + PACKET_MAX_MC; mc++) {
		if (!mc->mreq.mr_ifindex || !mreq_equal(&mc->mreq, mreq))
			continue;
		if (!--mc->count)
			mc_end(po, mc);
		return 0;
	}
	return -EADDRNOTAVAIL;
}

static int packet_membership(struct packet_sock *po, int opt, const void *kval, u32 len)
{
	struct packet_mreq mreq;
	struct net_device *dev;
	int err;

	if (len < sizeof(mreq))
		return -EINVAL;
	memcpy(&mreq, kval, sizeof(mreq));
	if (mreq.mr_alen > sizeof(mreq.mr_address))
		return -EINVAL;
	if (mreq.mr_type > PACKET_MR_ALLMULTI)
		return -EOPNOTSUPP;
	local_bh_disable();
	dev = dev_get_by_index(po->sk.sk_net, (u32)mreq.mr_ifindex);
	if (opt == PACKET_DROP_MEMBERSHIP)
		err = mc_drop(po, &mreq);
	else
		err = dev ? mc_add(po, dev, &mreq) : -ENODEV;
	local_bh_enable();
	return err;
}

/* --- Life of a socket --------------------------------------------------------------------------------------------------------------- */
static int packet_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct packet_sock *po = pkt_sk(sk);

	sock->sk = NULL;
	local_bh_disable();
	list_del_init(&sk->sk_node);
	packet_unhook(po);
	mc_end_all(po, 0);
	local_bh_enable();
	datagram_close(sk);
	return 0;
}

/* Changes type and device together. A device that is down is an error to be read, and waited for. */
static void packet_do_bind(struct packet_sock *po, const struct net_device *dev, __be16 proto)
{
	packet_unhook(po);
	po->tap.type = proto;
	po->tap.ifindex = dev ? dev->ifindex : 0;
	if (!dev || netif_running(dev)) {
		packet_hook(po);
	} else if (proto) {
		po->sk.sk_err = ENETDOWN;
		po->sk.sk_error_report(&po->sk);
	}
}

static int packet_bind(struct socket *sock, const struct sockaddr *addr, int len)
{
	const struct sockaddr_ll *sll = (const struct sockaddr_ll *)(const void *)addr;
	struct packet_sock *po = pkt_sk(sock->sk);
	const struct net_device *dev = NULL;
	int err = 0;

	if (len < (int)sizeof(*sll) || sll->sll_family != AF_PACKET)
		return -EINVAL;
	local_bh_disable();
	if (sll->sll_ifindex)
		dev = dev_get_by_index(po->sk.sk_net, (u32)sll->sll_ifindex);
	if (sll->sll_ifindex && !dev)
		err = -ENODEV;
	else
		packet_do_bind(po, dev, sll->sll_protocol ? sll->sll_protocol : po->tap.type);
	local_bh_enable();
	return err;
}

static int packet_getname(struct socket *sock, struct sockaddr_storage *addr, bool peer)
{
	struct sockaddr_ll *sll = (struct sockaddr_ll *)(void *)addr;
	struct packet_sock *po = pkt_sk(sock->sk);
	const struct net_device *dev;

	if (peer)
		return -EOPNOTSUPP;
	*sll = (struct sockaddr_ll){ .sll_family = AF_PACKET,
				     .sll_protocol = po->tap.type,
				     .sll_ifindex = (int)po->tap.ifindex };
	dev = dev_get_by_index(po->sk.sk_net, po->tap.ifindex);
	if (dev) {
		sll->sll_hatype = dev->type;
		sll->sll_halen = (u8)min_t(u32, dev->addr_len, sizeof(sll->sll_addr));
		memcpy(sll->sll_addr, dev->dev_addr, sll->sll_halen);
	}
	return SLL_HEAD + sll->sll_halen;
}

/* --- Options, readiness --------------------------------------------------------------------------------------------------------------- */
static int packet_setsockopt(struct socket *sock, int level, int opt, const void *kval, u32 len)
{
	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	if (opt == PACKET_ADD_MEMBERSHIP || opt == PACKET_DROP_MEMBERSHIP)
		return packet_membership(pkt_sk(sock->sk), opt, kval, len);
	return -ENOPROTOOPT;
}

/* Reading the statistics begins them anew. */
static int packet_getsockopt(struct socket *sock, int level, int opt, void *kval, u32 *len)
{
	struct packet_sock *po = pkt_sk(sock->sk);
	struct tpacket_stats s;

	if (level != SOL_PACKET || opt != PACKET_STATISTICS)
		return -ENOPROTOOPT;
	local_bh_disable();
	s = po->stats;
	s.tp_packets += s.tp_drops;
	po->stats = (struct tpacket_stats){ 0, 0 };
	local_bh_enable();
	*len = min_t(u32, *len, sizeof(s));
	memcpy(kval, &s, *len);
	return 0;
}

static unsigned int packet_poll(struct socket *sock)
{
	return datagram_poll(sock->sk);
}

static int packet_ioctl(struct socket *sock, unsigned long req, int *val)
{
	return datagram_ioctl(sock->sk, req, val);
}

static int no_connect(struct socket *sock, const struct sockaddr *addr, int len, u32 flags)
{
	(void)sock, (void)addr, (void)len, (void)flags;
	return -EOPNOTSUPP;
}

static int no_accept(struct socket *sock, struct socket *newsock, u32 flags)
{
	(void)sock, (void)newsock, (void)flags;
	return -EOPNOTSUPP;
}

/* listen() and shutdown(): there are no connections. */
static int no_state(struct socket *sock, int arg)
{
	(void)sock, (void)arg;
	return -EOPNOTSUPP;
}

static const struct proto_ops packet_ops = {
	.family = AF_PACKET,
	.release = packet_release,
	.bind = packet_bind,
	.connect = no_connect,
	.accept = no_accept,
	.getname = packet_getname,
	.listen = no_state,
	.shutdown = no_state,
	.poll = packet_poll,
	.setsockopt = packet_setsockopt,
	.getsockopt = packet_getsockopt,
	.sendmsg = packet_sendmsg,
	.recvmsg = packet_recvmsg,
	.ioctl = packet_ioctl,
};

static struct proto packet_proto = {
	.name = "PACKET",
	.obj_size = sizeof(struct packet_sock),
};

/* net_proto_family.create. @protocol: an ethertype in network order, 0: nothing yet. 0; -EPERM; -ESOCKTNOSUPPORT; -ENOMEM. */
static int packet_create(struct net *net, struct socket *sock, int protocol)
{
	struct packet_sock *po;
	struct sock *sk;

	if (!sock_may_open_raw(net))
		return -EPERM;
	if (sock->type != SOCK_DGRAM && sock->type != SOCK_RAW)
		return -ESOCKTNOSUPPORT;
	sk = sk_alloc(net, AF_PACKET, &packet_proto);
	if (!sk)
		return -ENOMEM;
	sk->sk_socket = sock;
	sk->sk_type = (u8)sock->type;
	po = pkt_sk(sk);
	po->tap = (struct packet_tap){ .type = (__force __be16)(u16)protocol,
				       .func = packet_rcv,
				       .sk = sk };
	INIT_LIST_HEAD(&po->tap.node);
	sock->sk = sk;
	sock->ops = &packet_ops;
	local_bh_disable();
	list_add_tail(&sk->sk_node, &net->packets);
	packet_hook(po);
	local_bh_enable();
	return 0;
}

static const struct net_proto_family packet_family_ops = {
	.family = AF_PACKET,
	.create = packet_create,
};

/* --- Devices come and go ---------------------------------------------------------------------------------------------------------------- */
static void packet_dev_event(struct packet_sock *po, enum netdev_event ev) __needs(softirq_ctx)
{
	if (ev == NETDEV_UP) {
		packet_hook(po);
		return;
	}
	if (po->running) {
		packet_unhook(po);
		po->sk.sk_err = ENETDOWN;
		po->sk.sk_error_report(&po->sk);
	}
	if (ev == NETDEV_UNREGISTER)
		po->tap.ifindex = UINT32_MAX; /* bound to nothing; another device never gets it */
}

static void packet_notifier(struct net_device *dev, enum netdev_event ev)
{
	struct list_head *head = &dev->net->packets, *n, *next;

	if (ev != NETDEV_UP && ev != NETDEV_DOWN && ev != NETDEV_UNREGISTER)
		return;
	local_bh_disable();
	for (n = head->next; n != head; n = next) {
		struct packet_sock *po = pkt_sk(sock_of(n));

		next = n->next;
		if (po->tap.ifindex == dev->ifindex)
			packet_dev_event(po, ev);
		if (ev == NETDEV_UNREGISTER)
			mc_end_all(po, dev->ifindex);
	}
	local_bh_enable();
}

/* --- Life ------------------------------------------------------------------------------------------------------------------------------- */
/**
 * packet_net_init() - socket(PF_PACKET) works from now on. After inet_socket_init().
 * Context: process.
 * Return: 0; -EEXIST the family has somebody; -ENOSPC no room for one more who hears of devices.
 */
int packet_net_init(struct net *net)
{
	int err = register_netdevice_notifier(net, packet_notifier);

	return err ? err : sock_register(net, &packet_family_ops);
}

/**
 * packet_net_exit() - nobody opens one any more; every socket is closed: asserted. Context: process.
 */
void packet_net_exit(struct net *net)
{
	BUG_ON(!list_empty(&net->packets));
	sock_unregister(net, AF_PACKET);
}

/**
 * packet_show() - every packet socket in the format of Linux's /proc/net/packet (kernel addresses are shown as 0). Context:
 * process. arg: struct net.
 */
void packet_show(struct seq_file *m)
{
	struct net *net = m->arg;
	struct list_head *n;

	seq_puts(m, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
	local_bh_disable();
	for (n = net->packets.next; n != &net->packets; n = n->next) {
		struct packet_sock *po = pkt_sk(sock_of(n));

		seq_printf(m, "%016d %-6u %-4u %04x   %-5u %1d %-6u %-6u %-6u\n", 0,
			   po->sk.sk_refcnt, (unsigned int)po->sk.sk_type,
			   (unsigned int)ntohs(po->tap.type), po->tap.ifindex, po->running,
			   po->sk.sk_rmem_alloc, 0U, 0U);
	}
	local_bh_enable();
}
