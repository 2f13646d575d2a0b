// SPDX-License-Identifier: MIT
/* Raw sockets by system calls: what leaves, who receives, whose errors arrive. */
#include "../socket/calls.h"

#include <wire/icmp.h>

#define MY_PROTO 250

static struct ipframe f;
static u8 buf[2048];

static long receive(int fd, struct sockaddr_in *from)
{
	int len = sizeof(*from);

	memset(buf, 0, sizeof(buf));
	return SYS(recvfrom, (u64)fd, P(buf), sizeof(buf), 0, P(from), P(&len));
}

TEST(header_is_made_here)
{
	int fd, one = 1;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(set_int(fd, SOL_IP, IP_TTL, 7), 0);
	CHECK_EQ(set_int(fd, SOL_IP, IP_TOS, 0x10), 0);
	CHECK_EQ(send_to(fd, "hello", 5, PEER_IP), 5);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frame_ip(0)->protocol, MY_PROTO);
	CHECK_EQ(frame_ip(0)->ttl, 7);
	CHECK_EQ(frame_ip(0)->tos, 0x10);
	CHECK_EQ(frame_ip(0)->saddr, OUR_IP);
	CHECK_EQ(frame_ip(0)->daddr, PEER_IP);
	CHECK_EQ(ntohs(frame_ip(0)->tot_len), 25);
	CHECK_EQ(ntohs(frame_ip(0)->frag_off), IP_DF);
	CHECK_EQ(ip_fast_csum(frame_ip(0), 5), 0);
	CHECK_EQ(memcmp(frames[0].b + 34, "hello", 5), 0);
	CHECK_EQ(set_int(fd, SOL_IP, IP_MTU_DISCOVER, 0), 0);
	CHECK_EQ(send_to(fd, "", 0, PEER_IP), 0);
	CHECK_EQ(frame_ip(1)->frag_off, 0);
	CHECK_EQ(ntohs(frame_ip(1)->tot_len), 20);
	/* Of no fixed number: a group's time to live is 1. */
	CHECK_EQ(SYS(setsockopt, (u64)fd, SOL_SOCKET, SO_BINDTODEVICE, P("eth0"), 4), 0);
	CHECK_EQ(send_to(fd, "x", 1, IP4(224, 0, 0, 9)), 1);
	CHECK_EQ(frame_ip(2)->ttl, 1);
	CHECK_EQ(send_to(fd, "x", 1, IP4(10, 0, 0, 255)), -EACCES);
	CHECK_EQ(SYS(setsockopt, (u64)fd, SOL_SOCKET, SO_BROADCAST, P(&one), 4), 0);
	CHECK_EQ(send_to(fd, "x", 1, IP4(10, 0, 0, 255)), 1);
	all_gone();
}

TEST(header_by_the_application_is_completed)
{
	u8 packet[28] = { 0x45, 0x04, 9, 9, 0, 0, 0x40, 0, 33, MY_PROTO };
	struct iphdr *iph = (struct iphdr *)(void *)packet;
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	CHECK_EQ(get_int(fd, SOL_IP, IP_HDRINCL), 1);
	iph->daddr = PEER_IP;
	iph->check = htons(0x1234);
	memcpy(packet + 20, "payload!", 8);
	CHECK_EQ(send_to(fd, packet, 28, PEER_IP), 28);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(ntohs(frame_ip(0)->tot_len), 28);
	CHECK_EQ(frame_ip(0)->saddr, OUR_IP);
	CHECK(frame_ip(0)->id != 0);
	CHECK_EQ(frame_ip(0)->ttl, 33);
	CHECK_EQ(frame_ip(0)->protocol, MY_PROTO);
	CHECK_EQ(ip_fast_csum(frame_ip(0), 5), 0);
	CHECK_EQ(memcmp(frames[0].b + 34, "payload!", 8), 0);
	/* What it did write stays. */
	iph->saddr = OTHER_IP;
	iph->id = htons(77);
	CHECK_EQ(send_to(fd, packet, 28, PEER_IP), 28);
	CHECK_EQ(frame_ip(1)->saddr, OTHER_IP);
	CHECK_EQ(ntohs(frame_ip(1)->id), 77);
	all_gone();
}

static const struct hdr_row {
	const char *name;
	u8 ver_ihl;
	u32 len;
	long ret;
} hdr_table[] = {
	{ "no_header", 0x45, 19, -EINVAL },
	{ "least", 0x45, 20, 20 },
	{ "header_below_20_bytes", 0x44, 40, -EINVAL },
	{ "header_beyond_the_end", 0x46, 23, -EINVAL },
	{ "options", 0x46, 24, 24 },
	{ "as_long_as_the_mtu", 0x45, 1500, 1500 },
	{ "above_the_mtu", 0x45, 1501, -EMSGSIZE },
};

TEST_EACH(own_header, hdr_table)
{
	static u8 packet[2000];
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(get_int(fd, SOL_IP, IP_HDRINCL), 0);
	CHECK_EQ(set_int(fd, SOL_IP, IP_HDRINCL, 1), 0);
	memset(packet, 0, sizeof(packet));
	packet[0] = row->ver_ihl;
	((struct iphdr *)(void *)packet)->daddr = PEER_IP;
	packet[20] = packet[21] = packet[22] = 1;
	CHECK_EQ(send_to(fd, packet, row->len, PEER_IP), row->ret);
	CHECK_EQ(nr_frames, row->ret > 0);
	all_gone();
}

TEST(every_socket_of_the_protocol_gets_the_datagram)
{
	struct sockaddr_in from, us = name_of(OUR_IP, 0), peer = name_of(PEER_IP, 0);
	int a, b, c, d, e;
	u64 drops;

	up();
	a = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	b = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	c = open_socket(AF_INET, SOCK_RAW, MY_PROTO + 1);
	d = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	e = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(SYS(bind, (u64)b, P(&us), 16), 0);
	CHECK_EQ(SYS(connect, (u64)b, P(&peer), 16), 0);
	us.sin_addr = LOOPBACK;
	CHECK_EQ(SYS(bind, (u64)d, P(&us), 16), 0);
	CHECK_EQ(SYS(setsockopt, (u64)e, SOL_SOCKET, SO_BINDTODEVICE, P("lo"), 3), 0);
	CHECK_EQ(revents(a, POLLIN | POLLOUT), POLLOUT);
	drops = skb_stats.drop[SKB_DROP_REASON_IP_NOPROTO];
	memcpy(f.data, "data", 4);
	feed_ip(&f, PEER_IP, MY_PROTO, 4);
	CHECK_EQ(revents(a, POLLIN | POLLOUT), POLLIN | POLLOUT);
	CHECK_EQ(get_int(a, SOL_SOCKET, SO_PROTOCOL), MY_PROTO);
	CHECK_EQ(receive(a, &from), 24);
	CHECK_EQ(buf[9], MY_PROTO); /* the header comes with it */
	CHECK_EQ(memcmp(buf + 20, "data", 4), 0);
	CHECK_EQ(from.sin_addr, PEER_IP);
	CHECK_EQ(from.sin_port, 0);
	CHECK_EQ(receive(b, &from), 24);
	CHECK_EQ(receive(c, &from), -EAGAIN);
	CHECK_EQ(receive(d, &from), -EAGAIN); /* another address */
	CHECK_EQ(receive(e, &from), -EAGAIN); /* another device */
	feed_ip(&f, OTHER_IP, MY_PROTO, 4);
	CHECK_EQ(receive(a, &from), 24);
	CHECK_EQ(receive(b, &from), -EAGAIN); /* another peer */
	CHECK_EQ(nr_frames, 0);               /* nobody called it an unknown protocol */
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_IP_NOPROTO], drops);
	feed_ip(&f, PEER_IP, MY_PROTO + 2, 4);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_IP_NOPROTO], drops + 1);
	all_gone();
}

TEST(echoes_are_seen_and_answered_too)
{
	u32 no_requests = 1u << ICMP_ECHO;
	int fd, udp, len = 4;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	feed_icmp(PEER_IP, ICMP_ECHO, 0, 3, 4, "abc", 3);
	CHECK_EQ(nr_frames, 1); /* the reply */
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(buf), sizeof(buf), 0, 0, 0), 31);
	CHECK_EQ(buf[20], ICMP_ECHO);
	CHECK_EQ(SYS(setsockopt, (u64)fd, SOL_RAW, ICMP_FILTER, P(&no_requests), 4), 0);
	feed_icmp(PEER_IP, ICMP_ECHO, 0, 3, 4, "abc", 3);
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(buf), sizeof(buf), 0, 0, 0), -EAGAIN);
	feed_icmp(PEER_IP, ICMP_ECHOREPLY, 0, 3, 4, "abc", 3);
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(buf), sizeof(buf), 0, 0, 0), 31);
	no_requests = 0;
	CHECK_EQ(SYS(getsockopt, (u64)fd, SOL_RAW, ICMP_FILTER, P(&no_requests), P(&len)), 0);
	CHECK_EQ(no_requests, 1u << ICMP_ECHO);
	CHECK_EQ(SYS(setsockopt, (u64)fd, SOL_RAW, 2, P(&no_requests), 4), -ENOPROTOOPT);
	CHECK_EQ(SYS(getsockopt, (u64)fd, SOL_RAW, 2, P(&no_requests), P(&len)), -ENOPROTOOPT);
	udp = open_socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	CHECK_EQ(SYS(setsockopt, (u64)udp, SOL_RAW, ICMP_FILTER, P(&no_requests), 4), -EOPNOTSUPP);
	CHECK_EQ(SYS(getsockopt, (u64)udp, SOL_RAW, ICMP_FILTER, P(&no_requests), P(&len)),
		 -EOPNOTSUPP);
	/* A message shorter than its type has none to be filtered by. */
	feed_ip(&f, PEER_IP, IPPROTO_ICMP, 0);
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(buf), sizeof(buf), 0, 0, 0), 20);
	all_gone();
}

TEST(what_it_sends_of_icmp_is_counted)
{
	u64 echos, msgs;
	u8 m[28] = { ICMP_ECHO };
	int fd;

	up();
	echos = net->mib.icmp[ICMP_MIB_OutEchos];
	msgs = net->mib.icmp[ICMP_MIB_OutMsgs];
	fd = open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	CHECK_EQ(send_to(fd, m, 8, PEER_IP), 8);
	CHECK_EQ(send_to(fd, m, 7, PEER_IP), 7); /* none */
	m[0] = ICMP_TIME_EXCEEDED;
	CHECK_EQ(send_to(fd, m, 8, PEER_IP), 8);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_OutEchos], echos + 1);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_OutMsgs], msgs + 2);
	CHECK_EQ(set_int(fd, SOL_IP, IP_HDRINCL, 1), 0);
	memset(m, 0, sizeof(m));
	m[0] = 0x45;
	m[9] = IPPROTO_ICMP;
	m[20] = ICMP_ECHO;
	CHECK_EQ(send_to(fd, m, 28, PEER_IP), 28);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_OutEchos], echos + 2);
	all_gone();
}

static const struct send_row {
	const char *name;
	u64 len, flags, namelen;
	u16 family;
	__be32 addr;
	long ret;
} send_table[] = {
	{ "ok", 10, 0, 16, AF_INET, 0x0200000a, 10 },
	{ "no_family", 10, 0, 16, AF_UNSPEC, 0x0200000a, 10 },
	{ "other_family", 10, 0, 16, 77, 0x0200000a, -EAFNOSUPPORT },
	{ "short_name", 10, 0, 15, AF_INET, 0x0200000a, -EINVAL },
	{ "no_name", 10, 0, 0, AF_INET, 0, -EDESTADDRREQ },
	{ "out_of_band", 10, MSG_OOB, 16, AF_INET, 0x0200000a, -EOPNOTSUPP },
	{ "beyond_a_packet", 65536, 0, 16, AF_INET, 0x0200000a, -EMSGSIZE },
	{ "no_room_for_the_header", 65516, 0, 16, AF_INET, 0x0200000a, -EMSGSIZE },
	{ "no_route", 10, 0, 16, AF_INET, 0x01020304, -ENETUNREACH },
	{ "any_address_is_ourselves", 10, 0, 16, AF_INET, 0, 10 },
};

TEST_EACH(send, send_table)
{
	struct sockaddr_in a = { .sin_family = row->family, .sin_addr = row->addr };
	static u8 big[65536];
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(SYS(sendto, (u64)fd, P(big), row->len, row->flags, row->namelen ? P(&a) : 0,
		     row->namelen),
		 row->ret);
	all_gone();
}

TEST(larger_than_the_mtu_goes_in_pieces)
{
	static u8 big[3000];
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(send_to(fd, big, sizeof(big), PEER_IP), sizeof(big));
	CHECK_EQ(nr_frames, 3);
	CHECK_EQ(ntohs(frame_ip(0)->frag_off), IP_MF);
	CHECK_EQ(ntohs(frame_ip(1)->frag_off), IP_MF | 185);
	CHECK_EQ(ntohs(frame_ip(2)->frag_off), 370);
	CHECK_EQ(ntohs(frame_ip(2)->tot_len), 60);
	CHECK_EQ(set_int(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
	CHECK_EQ(send_to(fd, big, sizeof(big), PEER_IP), -EMSGSIZE);
	CHECK_EQ(send_to(fd, big, 1480, PEER_IP), 1480);
	CHECK_EQ(ntohs(frame_ip(3)->frag_off), IP_DF);
	CHECK_EQ(set_int(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE), 0);
	CHECK_EQ(send_to(fd, big, 1480, PEER_IP), 1480);
	CHECK_EQ(ntohs(frame_ip(4)->frag_off), IP_DF);
	all_gone();
}

TEST(application_memory_that_is_not_there)
{
	struct sockaddr_in a = name_of(PEER_IP, 0);
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(SYS(sendto, (u64)fd, P(BAD), 10, 0, P(&a), 16), -EFAULT);
	CHECK_EQ(set_int(fd, SOL_IP, IP_HDRINCL, 1), 0);
	CHECK_EQ(SYS(sendto, (u64)fd, P(BAD), 30, 0, P(&a), 16), -EFAULT);
	feed_ip(&f, PEER_IP, MY_PROTO, 4);
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(BAD), 30, 0, 0, 0), -EFAULT);
	all_gone();
}

TEST(bound_again_and_connected_again)
{
	struct sockaddr_in a = name_of(OUR_IP, 9), unspec = { .sin_family = AF_UNSPEC }, got;
	int fd, len = 16;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 15), -EINVAL);
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 16), 0);
	CHECK_EQ(SYS(getsockname, (u64)fd, P(&got), P(&len)), 0);
	CHECK_EQ(got.sin_addr, OUR_IP);
	CHECK_EQ(ntohs(got.sin_port), MY_PROTO); /* the protocol stands for the port */
	a.sin_addr = PEER_IP;
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 16), -EADDRNOTAVAIL);
	a.sin_addr = IP4(224, 0, 0, 1);
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 16), 0);
	a.sin_addr = 0;
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 16), 0);
	CHECK_EQ(SYS(getpeername, (u64)fd, P(&got), P(&len)), -ENOTCONN);
	a = name_of(PEER_IP, 5);
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 15), -EINVAL);
	a.sin_family = 9;
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), -EAFNOSUPPORT);
	a.sin_family = AF_INET;
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), 0);
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 16), -EINVAL);
	CHECK_EQ(SYS(getpeername, (u64)fd, P(&got), P(&len)), 0);
	CHECK_EQ(got.sin_addr, PEER_IP);
	CHECK_EQ(SYS(sendto, (u64)fd, P("x"), 1, 0, 0, 0), 1);
	CHECK_EQ(SYS(sendto, (u64)fd, P("x"), 1, 0, 0, 0), 1); /* by the cached route */
	CHECK_EQ(frame_ip(1)->daddr, PEER_IP);
	CHECK_EQ(SYS(connect, (u64)fd, P(&unspec), 16), 0);
	CHECK_EQ(SYS(sendto, (u64)fd, P("x"), 1, 0, 0, 0), -EDESTADDRREQ);
	a.sin_addr = IP4(10, 0, 0, 255);
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), -EACCES);
	a.sin_addr = IP4(1, 2, 3, 4);
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), -ENETUNREACH);
	a.sin_addr = 0; /* ourselves */
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), 0);
	all_gone();
}

static const struct err_row {
	const char *name;
	u8 type, code;
	bool connected;
	int err;
} err_table[] = {
	{ "protocol_unreachable", ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, true, ENOPROTOOPT },
	{ "without_a_peer", ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, false, 0 },
	{ "host_unreachable_may_pass", ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, true, 0 },
	{ "fragmentation_needed", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, true, EMSGSIZE },
	{ "time_exceeded", ICMP_TIME_EXCEEDED, 0, true, 0 },
	{ "parameter_problem", ICMP_PARAMETERPROB, 0, true, EPROTO },
};

TEST_EACH(icmp_error, err_table)
{
	struct sockaddr_in a = name_of(PEER_IP, 0);
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), 0);
	CHECK_EQ(SYS(sendto, (u64)fd, P("12345678"), 8, 0, 0, 0), 8);
	if (!row->connected) {
		a.sin_family = AF_UNSPEC;
		CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), 0);
	}
	feed_icmp(OTHER_IP, row->type, row->code, 0, 0, frames[0].b + 14, 28);
	CHECK_EQ(revents(fd, POLLOUT), POLLOUT | (row->err ? POLLERR : 0));
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), row->err);
	/* The news about somebody else's packet is not for it. */
	frames[0].b[14 + 9] = MY_PROTO + 1;
	feed_icmp(OTHER_IP, row->type, row->code, 0, 0, frames[0].b + 14, 28);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
	all_gone();
}

TEST(full_buffers)
{
	struct sockaddr_in from;
	int fd, got = 0;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_RCVBUF, 1), 0);
	for (int i = 0; i < 10; i++)
		feed_ip(&f, PEER_IP, MY_PROTO, 100);
	CHECK(page_has("/proc/net/raw", " 250: 00000000:00FA 00000000:0000 07 "));
	CHECK(page_has("/proc/net/sockstat", "RAW: inuse 1\n"));
	while (receive(fd, &from) == 120)
		got++;
	CHECK(got > 0 && got < 10);
	CHECK(!page_has("/proc/net/raw", " 0\n")); /* drops are told */
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_SNDBUF, 1), 0);
	card_holds = true;
	for (got = 0; got < 20 && send_to(fd, "x", 1, PEER_IP) == 1; got++)
		;
	CHECK(got > 1 && got < 20);
	CHECK_EQ(send_to(fd, "x", 1, PEER_IP), -ENOBUFS); /* it does not wait, as on Linux */
	CHECK_EQ(revents(fd, POLLOUT), 0);
	CHECK_EQ(set_int(fd, SOL_IP, IP_HDRINCL, 1), 0);
	CHECK_EQ(send_to(fd, "\x45\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, PEER_IP), -EAGAIN);
	card_lets_go();
	CHECK_EQ(revents(fd, POLLOUT), POLLOUT);
	all_gone();
}

TEST(shut_down)
{
	struct sockaddr_in from;
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(SYS(shutdown, (u64)fd, SHUT_RDWR), -ENOTCONN); /* and yet it is */
	CHECK_EQ(send_to(fd, "x", 1, PEER_IP), 1);              /* as on Linux */
	CHECK_EQ(set_int(fd, SOL_IP, IP_HDRINCL, 1), 0);
	CHECK_EQ(send_to(fd, "\x45\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, PEER_IP), -EPIPE);
	CHECK_EQ(receive(fd, &from), -EAGAIN); /* who does not wait is not told */
	CHECK_EQ(revents(fd, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP | POLLHUP);
	CHECK_EQ(SYS(listen, (u64)fd, 1), -EOPNOTSUPP);
	CHECK_EQ(SYS(accept, (u64)fd, 0, 0), -EOPNOTSUPP);
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(buf), 1, MSG_OOB, 0, 0), -EOPNOTSUPP);
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(buf), 1, MSG_ERRQUEUE, 0, 0), -EAGAIN);
	all_gone();
}

TEST(options_of_other_levels)
{
	int fd, val = 1, len = 4;
	u8 byte = 1;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(set_int(fd, SOL_TCP, TCP_NODELAY, 1), -ENOPROTOOPT);
	CHECK_EQ(SYS(getsockopt, (u64)fd, SOL_TCP, TCP_NODELAY, P(&val), P(&len)), -EOPNOTSUPP);
	CHECK_EQ(SYS(setsockopt, (u64)fd, SOL_IP, IP_HDRINCL, P(&byte), 1), 0);
	CHECK_EQ(get_int(fd, SOL_IP, IP_HDRINCL), 1);
	CHECK_EQ(SYS(setsockopt, (u64)fd, SOL_IP, IP_HDRINCL, P(&byte), 0), 0);
	CHECK_EQ(get_int(fd, SOL_IP, IP_HDRINCL), 0);
	CHECK_EQ(get_int(fd, SOL_IP, IP_TTL), 64);
	CHECK_EQ(SYS(ioctl, (u64)fd, FIONREAD, P(&val)), 0);
	CHECK_EQ(val, 0);
	feed_ip(&f, PEER_IP, MY_PROTO, 4);
	CHECK_EQ(SYS(ioctl, (u64)fd, FIONREAD, P(&val)), 0);
	CHECK_EQ(val, 24);
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCOUTQ, P(&val)), 0);
	CHECK_EQ(val, 0);
	all_gone();
}

TEST(no_memory)
{
	struct sockaddr_in from;
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	fail_at(1);
	CHECK_EQ(send_to(fd, "x", 1, PEER_IP), -ENOBUFS);
	fail_over();
	CHECK_EQ(nr_frames, 0);
	fail_at(3); /* the clone: the frame took two */
	feed_ip(&f, PEER_IP, MY_PROTO, 4);
	fail_over();
	CHECK_EQ(receive(fd, &from), -EAGAIN);
	all_gone();
}

TEST(privilege_can_be_taken_away)
{
	up();
	sock_allow_raw(net, false);
	CHECK_EQ(SYS(socket, AF_INET, SOCK_RAW, 1), -EPERM);
	CHECK_EQ(SYS(socket, AF_INET, SOCK_RAW, 0), -EPROTONOSUPPORT); /* found out before */
	CHECK_EQ(SYS(socket, AF_PACKET, SOCK_RAW, 1), -EPERM);
	sock_allow_raw(net, true);
	CHECK(SYS(socket, AF_INET, SOCK_RAW, 1) > 2);
	all_gone();
}

KTEST_MAIN_BOOT()
