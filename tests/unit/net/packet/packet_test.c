// SPDX-License-Identifier: MIT
/* Packet sockets: what they see of both directions, what they send, how they live with their devices. */
#include "../socket/calls.h"

#include <wire/arp.h>

static struct ipframe f;
static u8 buf[2048];

static u16 be(u16 v)
{
	return (__force u16)htons(v);
}

static int open_packet(int type, u16 proto)
{
	return open_socket(AF_PACKET, type, be(proto));
}

static long receive(int fd, struct sockaddr_ll *from)
{
	int len = sizeof(*from);

	memset(buf, 0, sizeof(buf));
	memset(from, 0xee, sizeof(*from));
	return SYS(recvfrom, (u64)fd, P(buf), sizeof(buf), 0, P(from), P(&len));
}

static struct sockaddr_ll on(u32 ifindex, u16 proto)
{
	return (struct sockaddr_ll){ .sll_family = AF_PACKET,
				     .sll_protocol = htons(proto),
				     .sll_ifindex = (int)ifindex };
}

static long bind_to(int fd, u32 ifindex, u16 proto)
{
	struct sockaddr_ll a = on(ifindex, proto);

	return SYS(bind, (u64)fd, P(&a), sizeof(a));
}

TEST(sees_what_comes)
{
	struct sockaddr_ll from;
	int raw, dgram, arp;

	up();
	raw = open_packet(SOCK_RAW, ETH_P_ALL);
	dgram = open_packet(SOCK_DGRAM, ETH_P_IP);
	arp = open_packet(SOCK_RAW, ETH_P_ARP);
	CHECK_EQ(revents(raw, POLLIN | POLLOUT), POLLOUT);
	memcpy(f.data, "data", 4);
	feed_ip(&f, PEER_IP, 250, 4);
	CHECK_EQ(revents(raw, POLLIN), POLLIN);
	CHECK_EQ(receive(raw, &from), 38);
	CHECK_EQ(memcmp(buf, &f.eth, 38), 0);
	CHECK_EQ(from.sll_family, AF_PACKET);
	CHECK_EQ(ntohs(from.sll_protocol), ETH_P_IP);
	CHECK_EQ(from.sll_ifindex, dev->ifindex);
	CHECK_EQ(from.sll_hatype, ARPHRD_ETHER);
	CHECK_EQ(from.sll_pkttype, PACKET_HOST);
	CHECK_EQ(from.sll_halen, 6);
	CHECK_EQ(memcmp(from.sll_addr, peer_mac, 6), 0);
	CHECK_EQ(receive(dgram, &from), 24); /* without the link header */
	CHECK_EQ(memcmp(buf, &f.ip, 24), 0);
	CHECK_EQ(receive(arp, &from), -EAGAIN); /* another type */
	/* A frame for somebody else, and one for all. */
	f.eth.h_dest[5] = 9;
	feed(&f.eth, 38);
	CHECK_EQ(receive(raw, &from), 66); /* protocol unreachable, which was our answer */
	CHECK_EQ(receive(raw, &from), 38);
	CHECK_EQ(from.sll_pkttype, PACKET_OTHERHOST);
	memset(f.eth.h_dest, 0xff, 6);
	feed(&f.eth, 38);
	CHECK_EQ(receive(raw, &from), 38);
	CHECK_EQ(from.sll_pkttype, PACKET_BROADCAST);
	all_gone();
}

TEST(sees_what_leaves_when_it_wants_all)
{
	struct sockaddr_ll from;
	int all, cooked, ip, udp;
	struct sockaddr_in to = name_of(PEER_IP, 9);

	up();
	all = open_packet(SOCK_RAW, ETH_P_ALL);
	cooked = open_packet(SOCK_DGRAM, ETH_P_ALL);
	ip = open_packet(SOCK_RAW, ETH_P_IP);
	udp = open_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ(SYS(sendto, (u64)udp, P("hello"), 5, 0, P(&to), 16), 5);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(receive(all, &from), 47);
	CHECK_EQ(memcmp(buf, frames[0].b, 47), 0);
	CHECK_EQ(from.sll_pkttype, PACKET_OUTGOING);
	CHECK_EQ(from.sll_ifindex, dev->ifindex);
	CHECK_EQ(memcmp(from.sll_addr, our_mac, 6), 0);
	CHECK_EQ(receive(cooked, &from), 33);
	CHECK_EQ(memcmp(buf, frames[0].b + 14, 33), 0);
	CHECK_EQ(receive(ip, &from), -EAGAIN);
	/* Over lo it is seen twice: as it leaves and as it comes. There is no link header. */
	to = name_of(LOOPBACK, 9);
	CHECK_EQ(bind_to(all, net->loopback_dev->ifindex, ETH_P_ALL), 0);
	CHECK_EQ(bind_to(cooked, net->loopback_dev->ifindex, ETH_P_ALL), 0);
	CHECK_EQ(SYS(sendto, (u64)udp, P("hello"), 5, 0, P(&to), 16), 5);
	CHECK_EQ(receive(all, &from), 33);
	CHECK_EQ(from.sll_pkttype, PACKET_OUTGOING);
	CHECK_EQ(from.sll_hatype, ARPHRD_LOOPBACK);
	CHECK_EQ(from.sll_halen, 0);
	CHECK_EQ(receive(all, &from), 33);
	CHECK_EQ(from.sll_pkttype, PACKET_HOST);
	CHECK_EQ(receive(cooked, &from), 33);
	all_gone();
}

TEST(a_frame_that_waits_to_be_read_does_not_hold_the_sender_up)
{
	int all, udp;
	struct sockaddr_in to = name_of(PEER_IP, 9);
	struct sk_buff *skb;

	up();
	all = open_packet(SOCK_RAW, ETH_P_ALL);
	udp = open_socket(AF_INET, SOCK_DGRAM, 0);
	card_holds = true;
	CHECK_EQ(SYS(sendto, (u64)udp, P("hello"), 5, 0, P(&to), 16), 5);
	skb = skb_peek(&held);
	CHECK(skb && !skb_shared_data(skb));
	CHECK_EQ(revents(all, POLLIN), POLLIN);
	all_gone();
}

TEST(raw_frames_leave_as_they_are)
{
	struct sockaddr_ll to, from;
	int fd, other;

	up();
	fd = open_packet(SOCK_RAW, ETH_P_ALL);
	other = open_packet(SOCK_RAW, ETH_P_ALL);
	to = on(dev->ifindex, 0);
	for (u32 i = 0; i < 60; i++)
		buf[i] = (u8)i;
	CHECK_EQ(SYS(sendto, (u64)fd, P(buf), 60, 0, P(&to), sizeof(to)), 60);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frames[0].len, 60);
	for (u32 i = 0; i < 60; i++)
		CHECK_EQ(frames[0].b[i], i);
	CHECK_EQ(receive(other, &from), 60);
	CHECK_EQ(ntohs(from.sll_protocol), 0x0c0d); /* as the frame says */
	CHECK_EQ(receive(fd, &from), -EAGAIN);      /* not its own */
	/* Bound, it needs no name. */
	CHECK_EQ(bind_to(fd, dev->ifindex, 0x1234), 0);
	CHECK_EQ(SYS(write, (u64)fd, P(buf), 60), 60);
	CHECK_EQ(receive(other, &from), 60);
	CHECK_EQ(ntohs(from.sll_protocol), 0x1234);
	all_gone();
}

TEST(dgram_gets_a_link_header)
{
	struct sockaddr_ll to;
	int fd;

	up();
	fd = open_packet(SOCK_DGRAM, 0);
	to = on(dev->ifindex, 0x88b5);
	to.sll_halen = 6;
	memcpy(to.sll_addr, peer_mac, 6);
	CHECK_EQ(SYS(sendto, (u64)fd, P("payload"), 7, 0, P(&to), sizeof(to)), 7);
	CHECK_EQ(frames[0].len, 21);
	CHECK_EQ(memcmp(frames[0].b, peer_mac, 6), 0);
	CHECK_EQ(memcmp(frames[0].b + 6, our_mac, 6), 0);
	CHECK_EQ(frames[0].b[12] << 8 | frames[0].b[13], 0x88b5);
	CHECK_EQ(memcmp(frames[0].b + 14, "payload", 7), 0);
	CHECK_EQ(bind_to(fd, dev->ifindex, 0x88b5), 0);
	CHECK_EQ(SYS(write, (u64)fd, P(buf), 60), -EINVAL); /* to whom? */
	to.sll_ifindex = (int)net->loopback_dev->ifindex;   /* no header there */
	CHECK_EQ(SYS(sendto, (u64)fd, P("payload"), 7, 0, P(&to), sizeof(to)), 7);
	all_gone();
}

static const struct send_row {
	const char *name;
	int type;
	u64 len, namelen;
	int ifindex;
	u8 halen;
	long ret;
} send_table[] = {
	{ "least", SOCK_RAW, 14, 20, 2, 6, 14 },
	{ "no_whole_header", SOCK_RAW, 13, 20, 2, 6, -EINVAL },
	{ "nothing", SOCK_RAW, 0, 20, 2, 6, -EINVAL },
	{ "most", SOCK_RAW, 1514, 20, 2, 6, 1514 },
	{ "too_long", SOCK_RAW, 1515, 20, 2, 6, -EMSGSIZE },
	{ "dgram_nothing", SOCK_DGRAM, 0, 20, 2, 6, 0 },
	{ "dgram_most", SOCK_DGRAM, 1500, 20, 2, 6, 1500 },
	{ "dgram_too_long", SOCK_DGRAM, 1501, 20, 2, 6, -EMSGSIZE },
	{ "short_name", SOCK_RAW, 60, 19, 2, 6, -EINVAL },
	{ "address_beyond_the_name", SOCK_RAW, 60, 20, 2, 9, -EINVAL },
	{ "no_device", SOCK_RAW, 60, 20, 77, 6, -ENXIO },
	{ "no_device_bound", SOCK_RAW, 60, 0, 0, 0, -ENXIO },
};

TEST_EACH(send, send_table)
{
	struct sockaddr_ll to = on((u32)row->ifindex, 0x88b5);
	int fd;

	up();
	fd = open_packet(row->type, 0);
	to.sll_halen = row->halen;
	CHECK_EQ(SYS(sendto, (u64)fd, P(buf), row->len, 0, row->namelen ? P(&to) : 0, row->namelen),
		 row->ret);
	CHECK_EQ(nr_frames, row->ret >= 0);
	all_gone();
}

TEST(names)
{
	struct sockaddr_ll a, got;
	int fd, len = sizeof(got);

	up();
	fd = open_packet(SOCK_RAW, ETH_P_IP);
	CHECK_EQ(SYS(getsockname, (u64)fd, P(&got), P(&len)), 0);
	CHECK_EQ(len, 12); /* no device, no address */
	CHECK_EQ(got.sll_family, AF_PACKET);
	CHECK_EQ(ntohs(got.sll_protocol), ETH_P_IP);
	CHECK_EQ(got.sll_ifindex, 0);
	CHECK_EQ(bind_to(fd, dev->ifindex, 0), 0); /* the type stays */
	len = sizeof(got);
	CHECK_EQ(SYS(getsockname, (u64)fd, P(&got), P(&len)), 0);
	CHECK_EQ(len, 18);
	CHECK_EQ(ntohs(got.sll_protocol), ETH_P_IP);
	CHECK_EQ(got.sll_ifindex, dev->ifindex);
	CHECK_EQ(got.sll_hatype, ARPHRD_ETHER);
	CHECK_EQ(memcmp(got.sll_addr, our_mac, 6), 0);
	CHECK_EQ(SYS(getpeername, (u64)fd, P(&got), P(&len)), -EOPNOTSUPP);
	a = on(dev->ifindex, ETH_P_IP);
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 19), -EINVAL);
	a.sll_family = AF_INET;
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 20), -EINVAL);
	CHECK_EQ(bind_to(fd, 77, ETH_P_IP), -ENODEV);
	CHECK(page_has("/proc/net/packet", "0000000000000000 1      3    0800   2     1 0 "));
	all_gone();
}

TEST(calls_that_make_no_sense)
{
	struct sockaddr_ll a;
	int fd, val = 0, len = 4;

	up();
	a = on(dev->ifindex, ETH_P_IP);
	fd = open_packet(SOCK_RAW, 0);
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 20), -EOPNOTSUPP);
	CHECK_EQ(SYS(listen, (u64)fd, 1), -EOPNOTSUPP);
	CHECK_EQ(SYS(accept, (u64)fd, 0, 0), -EOPNOTSUPP);
	CHECK_EQ(SYS(shutdown, (u64)fd, SHUT_WR), -EOPNOTSUPP);
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(buf), 1, MSG_OOB, 0, 0), -EINVAL);
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(buf), 1, MSG_ERRQUEUE, 0, 0), -EAGAIN);
	CHECK_EQ(set_int(fd, SOL_IP, IP_TTL, 1), -ENOPROTOOPT);
	CHECK_EQ(get_int(fd, SOL_IP, IP_TTL), -ENOPROTOOPT);
	CHECK_EQ(set_int(fd, SOL_PACKET, 99, 1), -ENOPROTOOPT);
	CHECK_EQ(get_int(fd, SOL_PACKET, 99), -ENOPROTOOPT);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_TYPE), SOCK_RAW);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_DOMAIN), AF_PACKET);
	CHECK_EQ(SYS(ioctl, (u64)fd, FIONREAD, P(&val)), 0);
	CHECK_EQ(SYS(ioctl, (u64)fd, 0x1234, P(&val)), -ENOTTY);
	(void)len;
	CHECK_EQ(SYS(socket, AF_PACKET, SOCK_STREAM, 0), -ESOCKTNOSUPPORT);
	CHECK_EQ(SYS(socket, AF_PACKET, 10, 0), -ESOCKTNOSUPPORT);
	CHECK_EQ(SYS(socketpair, AF_PACKET, SOCK_RAW, 0, P(buf)), -EOPNOTSUPP);
	fail_at(2);
	CHECK_EQ(SYS(socket, AF_PACKET, SOCK_RAW, 0), -ENOMEM);
	fail_over();
	all_gone();
}

TEST(statistics_begin_anew_when_read)
{
	struct tpacket_stats s;
	int fd, len = sizeof(s), got = 0;
	struct sockaddr_ll from;

	up();
	fd = open_packet(SOCK_RAW, ETH_P_IP);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_RCVBUF, 1), 0);
	for (int i = 0; i < 10; i++)
		feed_ip(&f, OTHER_IP, IPPROTO_UDP, 0);
	while (receive(fd, &from) > 0)
		got++;
	CHECK(got > 0 && got < 10);
	CHECK_EQ(SYS(getsockopt, (u64)fd, SOL_PACKET, PACKET_STATISTICS, P(&s), P(&len)), 0);
	CHECK_EQ(s.tp_packets, 10);
	CHECK_EQ(s.tp_drops, 10 - got);
	CHECK_EQ(SYS(getsockopt, (u64)fd, SOL_PACKET, PACKET_STATISTICS, P(&s), P(&len)), 0);
	CHECK_EQ(s.tp_packets, 0);
	CHECK_EQ(s.tp_drops, 0);
	all_gone();
}

static long membership(int fd, int opt, u32 ifindex, u16 type)
{
	struct packet_mreq m = { .mr_ifindex = (int)ifindex, .mr_type = type };

	return SYS(setsockopt, (u64)fd, SOL_PACKET, (u64)opt, P(&m), sizeof(m));
}

TEST(promiscuity_is_counted)
{
	struct packet_mreq m = { .mr_alen = 9 };
	int a, b;

	up();
	rx_mode_calls = 0;
	a = open_packet(SOCK_RAW, 0);
	b = open_packet(SOCK_RAW, 0);
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, dev->ifindex, PACKET_MR_PROMISC), 0);
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, dev->ifindex, PACKET_MR_PROMISC), 0);
	CHECK(dev->flags & IFF_PROMISC);
	CHECK_EQ(membership(b, PACKET_ADD_MEMBERSHIP, dev->ifindex, PACKET_MR_PROMISC), 0);
	CHECK_EQ(dev->promiscuity, 2);
	CHECK_EQ(rx_mode_calls, 1);
	CHECK_EQ(membership(a, PACKET_DROP_MEMBERSHIP, dev->ifindex, PACKET_MR_PROMISC), 0);
	CHECK_EQ(dev->promiscuity, 2);
	CHECK_EQ(membership(a, PACKET_DROP_MEMBERSHIP, dev->ifindex, PACKET_MR_PROMISC), 0);
	CHECK_EQ(dev->promiscuity, 1);
	CHECK_EQ(membership(a, PACKET_DROP_MEMBERSHIP, dev->ifindex, PACKET_MR_PROMISC),
		 -EADDRNOTAVAIL);
	CHECK_EQ(membership(a, PACKET_DROP_MEMBERSHIP, 0, PACKET_MR_PROMISC), -EADDRNOTAVAIL);
	CHECK_EQ(SYS(close, (u64)b), 0); /* takes its own along */
	CHECK(!(dev->flags & IFF_PROMISC));
	CHECK_EQ(rx_mode_calls, 2);
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, 77, PACKET_MR_PROMISC), -ENODEV);
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, dev->ifindex, PACKET_MR_ALLMULTI + 1),
		 -EOPNOTSUPP);
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_ADD_MEMBERSHIP, P(&m), 15), -EINVAL);
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_ADD_MEMBERSHIP, P(&m), 16), -EINVAL);
	CHECK_EQ(
		membership(a, PACKET_ADD_MEMBERSHIP, net->loopback_dev->ifindex, PACKET_MR_PROMISC),
		0);
	all_gone();
	CHECK_EQ(net->loopback_dev->promiscuity, 0);
}

/* Every group, or one of them, which no filter by hash takes alone. */
TEST(every_group_is_counted)
{
	struct packet_mreq one = { .mr_type = PACKET_MR_MULTICAST,
				   .mr_alen = 6,
				   .mr_address = { 1, 0, 0x5e, 1, 2, 3 } };
	struct packet_mreq other = one;
	int a;

	up();
	rx_mode_calls = 0;
	a = open_packet(SOCK_RAW, 0);
	one.mr_ifindex = other.mr_ifindex = (int)dev->ifindex;
	other.mr_address[5] = 4;
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, dev->ifindex, PACKET_MR_ALLMULTI), 0);
	CHECK(dev->flags & IFF_ALLMULTI);
	CHECK(!(dev->flags & IFF_PROMISC));
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_ADD_MEMBERSHIP, P(&one), 16), 0);
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_ADD_MEMBERSHIP, P(&other), 16), 0);
	CHECK_EQ(dev->allmulti, 3);
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_ADD_MEMBERSHIP, P(&one), 16), 0);
	CHECK_EQ(dev->allmulti, 3);
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, dev->ifindex, PACKET_MR_PROMISC), 0);
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, net->loopback_dev->ifindex,
			    PACKET_MR_ALLMULTI),
		 -ENOBUFS); /* four are enough for one socket */
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_DROP_MEMBERSHIP, P(&one), 16), 0);
	CHECK_EQ(dev->allmulti, 3);
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_DROP_MEMBERSHIP, P(&one), 16), 0);
	CHECK_EQ(dev->allmulti, 2);
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_DROP_MEMBERSHIP, P(&one), 16),
		 -EADDRNOTAVAIL);
	one.mr_alen = 4;
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_ADD_MEMBERSHIP, P(&one), 16), -EINVAL);
	one.mr_type = PACKET_MR_ALLMULTI;
	one.mr_alen = 7;
	CHECK_EQ(SYS(setsockopt, (u64)a, SOL_PACKET, PACKET_ADD_MEMBERSHIP, P(&one), 16), -EINVAL);
	CHECK_EQ(rx_mode_calls, 2); /* groups, then all */
	CHECK_EQ(SYS(close, (u64)a), 0);
	CHECK(!(dev->flags & (IFF_ALLMULTI | IFF_PROMISC)));
	CHECK_EQ(rx_mode_calls, 4);
	all_gone();
}

/* The flags of an application: counted once, beside those of sockets, which it does not see. */
TEST(flags_can_be_set_by_ioctl)
{
	struct ifreq ifr = { .ifr_name = "" };
	int a, promisc;

	up();
	a = open_packet(SOCK_RAW, 0);
	strcpy(ifr.ifr_name, dev->name);
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, dev->ifindex, PACKET_MR_PROMISC), 0);
	CHECK_EQ(SYS(ioctl, (u64)a, SIOCGIFFLAGS, P(&ifr)), 0);
	CHECK(!(ifr.u.ifru_flags & IFF_PROMISC));
	CHECK(ifr.u.ifru_flags & IFF_UP);
	promisc = ifr.u.ifru_flags | IFF_PROMISC;
	for (u32 i = 0; i < 2; i++) { /* twice is once */
		ifr.u.ifru_flags = (s16)promisc;
		CHECK_EQ(SYS(ioctl, (u64)a, SIOCSIFFLAGS, P(&ifr)), 0);
		CHECK_EQ(dev->promiscuity, 2);
	}
	CHECK_EQ(SYS(ioctl, (u64)a, SIOCGIFFLAGS, P(&ifr)), 0);
	CHECK(ifr.u.ifru_flags & IFF_PROMISC);
	CHECK_EQ(membership(a, PACKET_DROP_MEMBERSHIP, dev->ifindex, PACKET_MR_PROMISC), 0);
	CHECK(dev->flags & IFF_PROMISC);
	ifr.u.ifru_flags = (s16)((promisc & ~IFF_PROMISC) | IFF_ALLMULTI);
	CHECK_EQ(SYS(ioctl, (u64)a, SIOCSIFFLAGS, P(&ifr)), 0);
	CHECK_EQ(dev->promiscuity, 0);
	CHECK_EQ(dev->allmulti, 1);
	ifr.u.ifru_flags = IFF_UP;
	CHECK_EQ(SYS(ioctl, (u64)a, SIOCSIFFLAGS, P(&ifr)), 0);
	CHECK_EQ(dev->allmulti, 0);
	sock_allow_raw(net, false);
	CHECK_EQ(SYS(ioctl, (u64)a, SIOCSIFFLAGS, P(&ifr)), -EPERM);
	sock_allow_raw(net, true);
	strcpy(ifr.ifr_name, "eth9");
	CHECK_EQ(SYS(ioctl, (u64)a, SIOCSIFFLAGS, P(&ifr)), -ENODEV);
	CHECK_EQ(SYS(ioctl, (u64)a, SIOCSIFFLAGS, 8), -EFAULT);
	all_gone();
}

/* A second device that comes and goes. */
static struct net_device *another(void)
{
	struct net_device *d = alloc_etherdev(net, 0);

	d->netdev_ops = &fake_ops;
	CHECK_EQ(register_netdev(d), 0);
	return d;
}

TEST(a_device_is_opened_and_closed_by_its_flags)
{
	struct ifreq ifr = { .ifr_name = "" };
	struct net_device *d;
	int a;

	up();
	a = open_packet(SOCK_RAW, 0);
	d = another();
	strcpy(ifr.ifr_name, d->name);
	ifr.u.ifru_flags = IFF_UP | IFF_PROMISC;
	CHECK_EQ(SYS(ioctl, (u64)a, SIOCSIFFLAGS, P(&ifr)), 0);
	CHECK(netif_running(d));
	CHECK_EQ(d->promiscuity, 1);
	ifr.u.ifru_flags = IFF_PROMISC;
	CHECK_EQ(SYS(ioctl, (u64)a, SIOCSIFFLAGS, P(&ifr)), 0);
	CHECK(!netif_running(d));
	CHECK_EQ(d->promiscuity, 1);
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, d->ifindex, PACKET_MR_PROMISC), 0);
	CHECK_EQ(membership(a, PACKET_ADD_MEMBERSHIP, d->ifindex, PACKET_MR_ALLMULTI), 0);
	unregister_netdev(d); /* what the socket wanted of it goes with it */
	CHECK_EQ(d->promiscuity, 1);
	CHECK_EQ(d->allmulti, 0);
	CHECK_EQ(membership(a, PACKET_DROP_MEMBERSHIP, d->ifindex, PACKET_MR_PROMISC),
		 -EADDRNOTAVAIL);
	free_netdev(d);
	all_gone();
}

TEST(devices_go_down_and_away)
{
	struct net_device *d[6];
	struct sockaddr_ll from, to;
	int fd, any, len = sizeof(from);

	up();
	d[0] = another();
	fd = open_packet(SOCK_RAW, 0);
	any = open_packet(SOCK_RAW, ETH_P_ALL);
	CHECK_EQ(bind_to(fd, d[0]->ifindex, ETH_P_ALL), 0);
	CHECK_EQ(receive(fd, &from), -ENETDOWN); /* it is not up yet */
	to = on(d[0]->ifindex, 0);
	CHECK_EQ(SYS(sendto, (u64)fd, P(buf), 60, 0, P(&to), sizeof(to)), -ENETDOWN);
	CHECK_EQ(dev_open(d[0]), 0);
	CHECK_EQ(receive(fd, &from), -EAGAIN);
	CHECK_EQ(SYS(write, (u64)fd, P(buf), 60), 60);
	CHECK_EQ(receive(any, &from), 60);
	for (u32 i = 1; i < 6; i++)
		d[i] = another();
	for (u32 i = 0; i < 4; i++)
		CHECK_EQ(membership(fd, PACKET_ADD_MEMBERSHIP, d[i]->ifindex, PACKET_MR_PROMISC),
			 0);
	CHECK_EQ(membership(fd, PACKET_ADD_MEMBERSHIP, d[5]->ifindex, PACKET_MR_PROMISC), -ENOBUFS);
	dev_close(d[0]);
	CHECK_EQ(revents(fd, POLLIN), POLLERR);
	CHECK_EQ(receive(fd, &from), -ENETDOWN);
	CHECK_EQ(receive(any, &from), -EAGAIN); /* bound to no device, it goes on */
	CHECK_EQ(dev_open(d[0]), 0);
	for (u32 i = 0; i < 6; i++) {
		unregister_netdev(d[i]);
		free_netdev(d[i]);
	}
	CHECK_EQ(receive(fd, &from), -ENETDOWN);
	CHECK_EQ(SYS(write, (u64)fd, P(buf), 60), -ENXIO);
	CHECK_EQ(SYS(getsockname, (u64)fd, P(&from), P(&len)), 0);
	CHECK_EQ(len, 12);
	all_gone();
}

TEST(no_memory_no_room)
{
	struct sockaddr_ll from, to;
	struct sockaddr_in in = name_of(PEER_IP, 9);
	int fd, udp;

	up();
	fd = open_packet(SOCK_RAW, ETH_P_ALL);
	udp = open_socket(AF_INET, SOCK_DGRAM, 0);
	to = on(dev->ifindex, 0);
	fail_at(1);
	CHECK_EQ(SYS(sendto, (u64)fd, P(buf), 60, 0, P(&to), sizeof(to)), -ENOBUFS);
	fail_over();
	CHECK_EQ(SYS(sendto, (u64)fd, P(BAD), 60, 0, P(&to), sizeof(to)), -EFAULT);
	fail_at(3); /* the clone: the frame took two */
	feed_ip(&f, PEER_IP, IPPROTO_UDP, 0);
	fail_over();
	CHECK_EQ(receive(fd, &from), -EAGAIN);
	fail_at(3); /* the copy, behind the datagram */
	CHECK_EQ(SYS(sendto, (u64)udp, P("x"), 1, 0, P(&in), 16), 1);
	fail_over();
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(receive(fd, &from), -EAGAIN);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_SNDBUF, 1), 0);
	card_holds = true;
	for (int i = 0; i < 20; i++)
		(void)SYS(sendto, (u64)fd, P(buf), 60, 0, P(&to), sizeof(to));
	CHECK_EQ(SYS(sendto, (u64)fd, P(buf), 60, 0, P(&to), sizeof(to)), -EAGAIN);
	CHECK_EQ(revents(fd, POLLOUT), 0);
	all_gone();
}

KTEST_MAIN_BOOT()
