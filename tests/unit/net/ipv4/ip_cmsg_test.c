// SPDX-License-Identifier: MIT
/* By system calls: control messages of sendmsg() and recvmsg(), and the error queue, of UDP, raw and ping sockets. */
#include "../socket/calls.h"

#include <net/icmp.h>
#include <net/ip.h>
#include <uapi/errqueue.h>
#include <wire/icmp.h>

#define FAR_IP IP4(192, 0, 2, 9) /* a router's address that is no neighbour's */

static u8 buf[2048];
static struct ipframe f;

enum kind { UDP_SOCK, RAW_SOCK, PING_SOCK, NR_KINDS };
static const struct kind_row {
	const char *name;
	enum kind kind;
} kinds[] = { { "udp", UDP_SOCK }, { "raw", RAW_SOCK }, { "ping", PING_SOCK } };

static int open_kind(enum kind k)
{
	if (k == RAW_SOCK)
		return open_socket(AF_INET, SOCK_RAW, 250);
	return open_socket(AF_INET, SOCK_DGRAM, k == PING_SOCK ? IPPROTO_ICMP : 0);
}

/* --- Control messages by hand ---------------------------------------------------------------------------------------------- */
static u8 control[256] __aligned(8);
static u32 control_len;

static void add_cmsg(int level, int type, const void *data, u32 len)
{
	struct cmsghdr c = { sizeof(c) + len, level, type };

	memcpy(control + control_len, &c, sizeof(c));
	memcpy(control + control_len + sizeof(c), data, len);
	control_len += (u32)ALIGN(c.cmsg_len, 8);
}

static long send_control(int fd, const void *data, size_t len, __be32 addr)
{
	struct sockaddr_in to = name_of(addr, 7);
	struct iovec v = { (void *)(uintptr_t)data, len };
	struct user_msghdr m = { .msg_name = addr ? &to : NULL,
				 .msg_namelen = addr ? sizeof(to) : 0,
				 .msg_iov = &v,
				 .msg_iovlen = 1,
				 .msg_control = control_len ? control : NULL,
				 .msg_controllen = control_len };

	return SYS(sendmsg, (u64)fd, P(&m), 0);
}

static struct user_msghdr got;
static struct sockaddr_in from;
static struct iovec got_iov;

static long recv_control(int fd, size_t len, size_t room, u32 flags)
{
	memset(control, 0xee, sizeof(control));
	memset(&from, 0xee, sizeof(from));
	got_iov = (struct iovec){ buf, len };
	got = (struct user_msghdr){ .msg_name = &from,
				    .msg_namelen = sizeof(from),
				    .msg_iov = &got_iov,
				    .msg_iovlen = 1,
				    .msg_control = room ? control : NULL,
				    .msg_controllen = room };
	return SYS(recvmsg, (u64)fd, P(&got), flags | MSG_DONTWAIT);
}

/* The bytes of an item that came, NULL when there is none; *@len how many. */
static const void *find_cmsg(int level, int type, u32 *len)
{
	u32 at = 0;

	while (at + sizeof(struct cmsghdr) <= got.msg_controllen) {
		struct cmsghdr c;

		memcpy(&c, control + at, sizeof(c));
		*len = (u32)(c.cmsg_len - sizeof(c));
		if (c.cmsg_level == level && c.cmsg_type == type)
			return control + at + sizeof(c);
		at += (u32)ALIGN(c.cmsg_len, 8);
	}
	return NULL;
}

/* An echo request, which the other kinds take for any data. */
static const u8 request[16] = { ICMP_ECHO, 0,   0,   0,   0,   0,   0,   1,
				'd',       'a', 't', 'a', '1', '2', '3', '4' };

/* An ICMP error from @who about frame @i of ours. */
static void feed_error_about(u32 i, __be32 who, u8 type, u8 code, u16 mtu)
{
	struct icmphdr *ic = (struct icmphdr *)(void *)f.data;
	u32 len = ntohs(frame_ip(i)->tot_len);

	*ic = (struct icmphdr){ .type = type, .code = code };
	ic->un.frag.mtu = htons(mtu);
	memcpy(f.data + 8, frame_ip(i), len);
	ic->checksum = csum_fold(csum_partial(ic, 8 + len, 0));
	feed_ip(&f, who, IPPROTO_ICMP, 8 + len);
}

/* A socket with IP_RECVERR that has sent one message, frame 0. */
static int with_errors(enum kind k)
{
	int fd;

	up();
	control_len = 0;
	fd = open_kind(k);
	CHECK_EQ(set_int(fd, SOL_IP, IP_RECVERR, 1), 0);
	CHECK_EQ(get_int(fd, SOL_IP, IP_RECVERR), 1);
	CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), sizeof(request));
	CHECK_EQ(nr_frames, 1);
	return fd;
}

/* --- The error queue --------------------------------------------------------------------------------------------------------- */
TEST_EACH(an_icmp_error_is_queued_with_all_that_is_known, kinds)
{
	int fd = with_errors(row->kind);
	const struct sock_ip_err *e;
	u32 len = 0;

	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), -EAGAIN);
	feed_error_about(0, FAR_IP, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	CHECK_EQ(revents(fd, 0), POLLERR);
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), sizeof(request));
	CHECK_EQ(memcmp(buf + 8, request + 8, 8), 0); /* the bytes of the message in error */
	CHECK_EQ(got.msg_flags & ~(u32)MSG_DONTWAIT, MSG_ERRQUEUE);
	CHECK(from.sin_family == AF_INET && from.sin_addr == PEER_IP);
	CHECK_EQ(ntohs(from.sin_port), row->kind == UDP_SOCK ? 7 : 0);
	e = find_cmsg(SOL_IP, IP_RECVERR, &len);
	CHECK(e && len == sizeof(*e));
	CHECK(e->ee.ee_errno == EHOSTUNREACH && e->ee.ee_origin == SO_EE_ORIGIN_ICMP);
	CHECK(e->ee.ee_type == ICMP_DEST_UNREACH && e->ee.ee_code == ICMP_HOST_UNREACH);
	CHECK(e->ee.ee_info == 0 && e->ee.ee_data == 0);
	CHECK(e->offender.sin_family == AF_INET && e->offender.sin_addr == FAR_IP);
	CHECK_EQ(revents(fd, 0), 0); /* reading it took the pending error too */
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), -EAGAIN);
	all_gone();
}

/* SO_ERROR and a failed call take the pending error; what is queued stays. The next in the queue becomes pending. */
TEST_EACH(pending_error_and_queue, kinds)
{
	int fd = with_errors(row->kind);

	feed_error_about(0, FAR_IP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	feed_error_about(0, FAR_IP, ICMP_TIME_EXCEEDED, 0, 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), EHOSTUNREACH); /* the last that came */
	CHECK_EQ(revents(fd, 0), POLLERR);                         /* queued still */
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), sizeof(request));
	CHECK_EQ(recv_control(fd, 100, 100, 0), -EHOSTUNREACH); /* the other one's */
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), sizeof(request));
	CHECK_EQ(recv_control(fd, 100, 100, 0), -EAGAIN);
	all_gone();
}

/* Who does not ask hears hard errors only, and only when connected. */
TEST_EACH(without_recverr_nothing_is_queued, kinds)
{
	struct sockaddr_in peer = name_of(PEER_IP, 7);
	int fd;

	up();
	control_len = 0;
	fd = open_kind(row->kind);
	CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), sizeof(request));
	feed_error_about(0, PEER_IP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
	CHECK_EQ(SYS(connect, (u64)fd, P(&peer), sizeof(peer)), 0);
	CHECK_EQ(send_control(fd, request, sizeof(request), 0), sizeof(request));
	feed_error_about(1, PEER_IP, ICMP_TIME_EXCEEDED, 0, 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
	feed_error_about(1, PEER_IP, ICMP_PARAMETERPROB, 0, 0);
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), -EAGAIN);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), EPROTO);
	all_gone();
}

/* "Fragmentation needed": the MTU is told and learned. */
TEST_EACH(path_mtu_comes_with_the_error, kinds)
{
	struct sockaddr_in peer = name_of(PEER_IP, 7);
	int fd = with_errors(row->kind);
	const struct sock_ip_err *e;
	u32 len;

	CHECK_EQ(SYS(connect, (u64)fd, P(&peer), sizeof(peer)), 0);
	memset(buf, 0, 1400);
	buf[0] = ICMP_ECHO;
	CHECK_EQ(send_control(fd, buf, 1400, 0), 1400);
	feed_error_about(1, FAR_IP, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1000);
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), 100);
	CHECK(got.msg_flags & MSG_TRUNC);
	e = find_cmsg(SOL_IP, IP_RECVERR, &len);
	CHECK(e && e->ee.ee_errno == EMSGSIZE && e->ee.ee_info == 1000);
	CHECK_EQ(get_int(fd, SOL_IP, IP_MTU), 1000);
	host_clock_advance(600 * NSEC_PER_SEC); /* then it is forgotten */
	all_gone();
}

/* Too large for a socket that forbids fragments: the error is ours, and the MTU is told. */
TEST_EACH(a_datagram_that_does_not_fit_is_a_local_error, kinds)
{
	int fd = with_errors(row->kind);
	const struct sock_ip_err *e;
	u32 len;

	CHECK_EQ(set_int(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
	memset(buf, 0, sizeof(buf));
	buf[0] = ICMP_ECHO;
	CHECK_EQ(send_control(fd, buf, 1600, PEER_IP), -EMSGSIZE);
	CHECK_EQ(revents(fd, 0), POLLERR);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0); /* the call has said it */
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), 0);
	CHECK_EQ(from.sin_addr, PEER_IP);
	e = find_cmsg(SOL_IP, IP_RECVERR, &len);
	CHECK(e && e->ee.ee_errno == EMSGSIZE && e->ee.ee_origin == SO_EE_ORIGIN_LOCAL);
	CHECK_EQ(e->ee.ee_info, 1500);
	CHECK(!e->ee.ee_type && !e->ee.ee_code && !e->offender.sin_family);
	CHECK_EQ(revents(fd, 0), 0);
	/* Nor without memory, nor with a full buffer, is anything but the note lost. */
	fail_at(row->kind == UDP_SOCK ? 1 : 3);
	CHECK_EQ(send_control(fd, buf, 1600, PEER_IP), -EMSGSIZE);
	fail_over();
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), -EAGAIN);
	/* What no packet can hold. */
	if (row->kind == RAW_SOCK) {
		static u8 large[65530];

		CHECK_EQ(send_control(fd, large, sizeof(large), PEER_IP), -EMSGSIZE);
		CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), 0);
	}
	all_gone();
}

TEST(who_writes_the_header_gets_it_back)
{
	int fd;

	up();
	control_len = 0;
	fd = open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	CHECK_EQ(set_int(fd, SOL_IP, IP_RECVERR, 1), 0);
	memset(buf, 0, 40);
	*(struct iphdr *)(void *)buf = (struct iphdr){
		.ver_ihl = 0x45, .ttl = 3, .protocol = IPPROTO_RAW, .daddr = PEER_IP
	};
	CHECK_EQ(send_control(fd, buf, 40, PEER_IP), 40);
	feed_error_about(0, FAR_IP, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), 40);
	CHECK(buf[0] == 0x45 && buf[9] == IPPROTO_RAW);
	memset(buf, 0, 1600);
	buf[0] = 0x45;
	CHECK_EQ(send_control(fd, buf, 1600, PEER_IP), -EMSGSIZE);
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), 0);
	/* Options of one packet belong into the header that the application wrote. */
	add_cmsg(SOL_IP, IP_RETOPTS, "\x07\x07\x04\0\0\0\0", 7);
	buf[0] = 0x45;
	CHECK_EQ(send_control(fd, buf, 40, PEER_IP), -EINVAL);
	all_gone();
}

TEST(the_queue_is_bounded_by_the_receive_buffer)
{
	int fd = with_errors(UDP_SOCK), n = 0;

	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_RCVBUF, 2304), 0);
	for (u32 i = 0; i < 40; i++)
		feed_error_about(0, FAR_IP, ICMP_TIME_EXCEEDED, 0, 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), EHOSTUNREACH);
	while (recv_control(fd, 100, 100, MSG_ERRQUEUE) >= 0)
		n++;
	CHECK(n > 0 && n < 12);
	/* A local error finds it full, too. */
	for (u32 i = 0; i < 40; i++)
		feed_error_about(0, FAR_IP, ICMP_TIME_EXCEEDED, 0, 0);
	CHECK_EQ(set_int(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
	(void)get_int(fd, SOL_SOCKET, SO_ERROR);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(send_control(fd, buf, 1600, PEER_IP), -EMSGSIZE);
	all_gone(); /* close() drops what nobody read */
}

TEST(switching_it_off_forgets_what_waits)
{
	int fd = with_errors(UDP_SOCK);

	feed_error_about(0, FAR_IP, ICMP_TIME_EXCEEDED, 0, 0);
	CHECK_EQ(set_int(fd, SOL_IP, IP_RECVERR, 0), 0);
	CHECK_EQ(get_int(fd, SOL_IP, IP_RECVERR), 0);
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), -EAGAIN);
	all_gone();
}

TEST(without_memory_the_error_is_pending_all_the_same)
{
	int fd = with_errors(UDP_SOCK);
	struct sk_buff *skb = netdev_alloc_skb(dev, 100);
	struct iphdr *iph = skb_put(skb, 36);

	memcpy(iph, frame_ip(0), 36);
	skb_reset_network_header(skb);
	skb_pull(skb, 20);
	skb_reset_transport_header(skb);
	*ip_err_outer(skb) = 0;
	skb->dev = dev;
	local_bh_disable();
	fail_at(1);
	ip_protocols_deliver(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	fail_over();
	consume_skb(skb);
	local_bh_enable();
	CHECK_EQ(recv_control(fd, 100, 100, MSG_ERRQUEUE), -EAGAIN);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	all_gone();
}

/* The hop that complained is as far away as its message says: what tracepath asks. */
TEST(time_to_live_of_the_message_comes_with_the_error)
{
	int fd = with_errors(UDP_SOCK);
	const int *ttl;
	u32 len;

	CHECK_EQ(set_int(fd, SOL_IP, IP_RECVTTL, 1), 0);
	CHECK_EQ(set_int(fd, SOL_IP, IP_PKTINFO, 1), 0);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
	feed_error_about(0, FAR_IP, ICMP_TIME_EXCEEDED, 0, 0);
	CHECK_EQ(recv_control(fd, 100, 200, MSG_ERRQUEUE), sizeof(request));
	ttl = find_cmsg(SOL_IP, IP_TTL, &len);
	CHECK(ttl && len == 4 && *ttl == 9);
	CHECK(find_cmsg(SOL_IP, IP_PKTINFO, &len) && find_cmsg(SOL_SOCKET, SO_TIMESTAMP, &len));
	CHECK(find_cmsg(SOL_IP, IP_RECVERR, &len) != NULL);
	CHECK_EQ(set_int(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
	(void)get_int(fd, SOL_SOCKET, SO_ERROR);
	CHECK_EQ(send_control(fd, buf, 1600, PEER_IP), -EMSGSIZE);
	CHECK_EQ(recv_control(fd, 100, 200, MSG_ERRQUEUE), 0);
	CHECK(find_cmsg(SOL_SOCKET, SO_TIMESTAMP, &len) && !find_cmsg(SOL_IP, IP_TTL, &len));
	all_gone();
}

static const struct room_row {
	const char *name;
	size_t room;
	u64 left; /* msg_controllen afterwards */
	bool cut;
} rooms[] = {
	{ "exact", 48, 48, false },      { "one_byte_short", 47, 47, true },
	{ "header_only", 16, 16, true }, { "less_than_a_header", 15, 0, true },
	{ "none", 0, 0, true },
};

TEST_EACH(control_room, rooms)
{
	int fd = with_errors(UDP_SOCK);

	feed_error_about(0, FAR_IP, ICMP_TIME_EXCEEDED, 0, 0);
	CHECK_EQ(recv_control(fd, 100, row->room, MSG_ERRQUEUE), sizeof(request));
	CHECK_EQ(got.msg_controllen, row->left);
	CHECK_EQ((got.msg_flags & MSG_CTRUNC) != 0, row->cut);
	CHECK_EQ(control[row->left], 0xee); /* nothing behind it was written */
	all_gone();
}

TEST(control_room_that_is_no_memory)
{
	int fd = with_errors(UDP_SOCK);
	struct user_msghdr m = { .msg_control = BAD, .msg_controllen = 100 };

	feed_error_about(0, FAR_IP, ICMP_TIME_EXCEEDED, 0, 0);
	CHECK_EQ(SYS(recvmsg, (u64)fd, P(&m), MSG_ERRQUEUE), 0);
	CHECK(m.msg_controllen == 0 && (m.msg_flags & MSG_CTRUNC));
	all_gone();
}

/* --- Down --------------------------------------------------------------------------------------------------------------------- */
TEST_EACH(one_message_with_its_own_ttl_tos_source_and_options, kinds)
{
	static const u8 options[8] = { 7, 7, 4 }; /* record route */
	struct in_pktinfo info = { .ipi_ifindex = 2, .ipi_spec_dst = OUR_IP };
	int ttl = 9, tos = 0x10, fd;

	up();
	control_len = 0;
	fd = open_kind(row->kind);
	add_cmsg(SOL_IP, IP_TTL, &ttl, sizeof(ttl));
	add_cmsg(SOL_IP, IP_TOS, &tos, sizeof(tos));
	add_cmsg(SOL_IP, IP_RETOPTS, "", 0);
	add_cmsg(SOL_IP, IP_RETOPTS, options, 7); /* the later one holds */
	add_cmsg(SOL_IP, IP_PKTINFO, &info, sizeof(info));
	add_cmsg(99, 1, &ttl, sizeof(ttl)); /* nobody's: not looked at */
	CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), sizeof(request));
	CHECK_EQ(nr_frames, 1);
	CHECK(frame_ip(0)->ttl == 9 && frame_ip(0)->tos == 0x10 && frame_ip(0)->saddr == OUR_IP);
	CHECK_EQ(frame_ip(0)->ver_ihl, 0x47);
	CHECK_EQ(memcmp(frame_ip(0) + 1, "\x07\x07\x08\x0a\0\0\x01\0", 8),
		 0); /* our address in it */
	CHECK_EQ(ip_fast_csum(frame_ip(0), 7), 0);
	control_len = 0; /* the next one is as the socket wants it */
	CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), sizeof(request));
	CHECK(frame_ip(1)->ttl == 64 && frame_ip(1)->tos == 0 && frame_ip(1)->ver_ihl == 0x45);
	all_gone();
}

/* A source route of one message: its first hop is where it goes, strictly or not. */
TEST_EACH(source_route_of_one_message, kinds)
{
	u8 srr[7] = { 131, 7, 4, 10, 0, 0, 2 };
	int fd;

	up();
	control_len = 0;
	fd = open_kind(row->kind);
	add_cmsg(SOL_IP, IP_RETOPTS, srr, 7);
	CHECK_EQ(send_control(fd, request, sizeof(request), IP4(10, 0, 0, 77)), sizeof(request));
	CHECK(frame_ip(0)->daddr == PEER_IP && frame_ip(0)->ver_ihl == 0x47);
	CHECK_EQ(memcmp((const u8 *)(frame_ip(0) + 1) + 3, "\x0a\0\0\x4d", 4), 0);
	all_gone();
}

static const struct bad_row {
	const char *name;
	u32 len;
	int level, type;
	u8 data[44];
	long ret;
} bad[] = {
	{ "ttl_0", 4, SOL_IP, IP_TTL, { 0 }, -EINVAL },
	{ "ttl_256", 4, SOL_IP, IP_TTL, { 0, 1 }, -EINVAL },
	{ "ttl_of_one_byte", 1, SOL_IP, IP_TTL, { 5 }, -EINVAL },
	{ "tos_256", 4, SOL_IP, IP_TOS, { 0, 1 }, -EINVAL },
	{ "tos_of_two_bytes", 2, SOL_IP, IP_TOS, { 0 }, -EINVAL },
	{ "tos_of_one_byte", 1, SOL_IP, IP_TOS, { 4 }, 16 },
	{ "pktinfo_short", 11, SOL_IP, IP_PKTINFO, { 0 }, -EINVAL },
	{ "pktinfo_foreign_source",
	  12,
	  SOL_IP,
	  IP_PKTINFO,
	  { 0, 0, 0, 0, 9, 9, 9, 9 },
	  -ENETUNREACH },
	{ "pktinfo_no_such_device", 12, SOL_IP, IP_PKTINFO, { 77 }, -ENODEV },
	{ "options_too_long", 41, SOL_IP, IP_RETOPTS, { 1, 1 }, -EINVAL },
	{ "options_cut_short", 3, SOL_IP, IP_RETOPTS, { 131, 7, 4 }, -EINVAL },
	{ "options_retired", 4, SOL_IP, IP_RETOPTS, { 130, 11, 0 }, -EINVAL },
	{ "what_only_recvmsg_tells", 4, SOL_IP, IP_RECVERR, { 1 }, -EINVAL },
	{ "unknown_type", 4, SOL_IP, 999, { 1 }, -EINVAL },
	{ "socket_level", 4, SOL_SOCKET, SO_MARK, { 1 }, -EINVAL },
	{ "unknown_level", 4, 4711, 1, { 1 }, 16 },
};

TEST_EACH(control_that_is_refused, bad)
{
	static const u8 good[7] = { 7, 7, 4 };

	up();
	for (u32 k = 0; k < NR_KINDS; k++) {
		int fd = open_kind((enum kind)k);

		control_len = 0;
		add_cmsg(SOL_IP, IP_RETOPTS, good, sizeof(good)); /* given back whatever follows */
		add_cmsg(row->level, row->type, row->data, row->len);
		CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), row->ret);
	}
	all_gone();
}

/* The header of an item says more than there is, or less than itself. */
TEST(items_that_are_not_whole)
{
	static const u64 lens[] = { 0, 15, 21, ~0ull };
	int ttl = 5;

	up();
	for (u32 k = 0; k < NR_KINDS; k++) {
		int fd = open_kind((enum kind)k);

		for (u32 i = 0; i < ARRAY_SIZE(lens); i++) {
			control_len = 0;
			add_cmsg(SOL_IP, IP_TTL, &ttl, sizeof(ttl));
			memcpy(control, &lens[i], sizeof(lens[i]));
			control_len = 20;
			CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), -EINVAL);
		}
		/* Less than a header behind the last item is nothing. */
		control_len = 0;
		add_cmsg(SOL_IP, IP_TTL, &ttl, sizeof(ttl));
		control_len += 15;
		CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), sizeof(request));
	}
	all_gone();
}

TEST_EACH(options_without_memory, kinds)
{
	static const u8 good[7] = { 7, 7, 4 };
	int fd;

	up();
	control_len = 0;
	fd = open_kind(row->kind);
	CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), sizeof(request));
	add_cmsg(SOL_IP, IP_RETOPTS, good, sizeof(good));
	fail_at(2); /* behind the copy of the control data */
	CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), -ENOMEM);
	fail_over();
	all_gone();
}

/* Options of a corked datagram live as long as it does. */
TEST(corked_with_options)
{
	static const u8 good[7] = { 7, 7, 4 };
	int fd;

	up();
	control_len = 0;
	fd = open_kind(UDP_SOCK);
	CHECK_EQ(set_int(fd, SOL_UDP, UDP_CORK, 1), 0);
	add_cmsg(SOL_IP, IP_RETOPTS, good, sizeof(good));
	CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), sizeof(request));
	control_len = 0;
	CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), sizeof(request));
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(set_int(fd, SOL_UDP, UDP_CORK, 0), 0);
	CHECK(nr_frames == 1 && frame_ip(0)->ver_ihl == 0x47);
	CHECK_EQ(ntohs(frame_ip(0)->tot_len), 20 + 8 + 8 + 32);
	CHECK_EQ(set_int(fd, SOL_UDP, UDP_CORK, 1), 0);
	add_cmsg(SOL_IP, IP_RETOPTS, good, sizeof(good));
	CHECK_EQ(send_control(fd, request, sizeof(request), PEER_IP), sizeof(request));
	all_gone(); /* given up by close() */
}

/* --- Up ----------------------------------------------------------------------------------------------------------------------- */
/* A UDP datagram from port 55 of the peer to @daddr, port 7, with @olen bytes of IP options. */
static void feed_udp(__be32 daddr, const u8 *opt, u32 olen)
{
	struct udphdr *uh = (struct udphdr *)(void *)(f.data + olen);

	memcpy(f.eth.h_dest, our_mac, 6);
	if (daddr != OUR_IP)
		memset(f.eth.h_dest, 0xff, 6);
	memcpy(f.eth.h_source, peer_mac, 6);
	f.eth.h_proto = htons(ETH_P_IP);
	if (olen)
		memcpy(f.data, opt, olen);
	*uh = (struct udphdr){ .source = htons(55), .dest = htons(7), .len = htons(12) };
	memcpy(uh + 1, "data", 4);
	f.ip = (struct iphdr){ .ver_ihl = (u8)(0x45 + olen / 4),
			       .tos = 0x14,
			       .tot_len = htons(32 + olen),
			       .ttl = 61,
			       .protocol = IPPROTO_UDP,
			       .saddr = PEER_IP,
			       .daddr = daddr };
	f.ip.check = ip_fast_csum(&f.ip, 5 + olen / 4);
	feed(&f.eth, 46 + olen);
}

static int receiver(void)
{
	struct sockaddr_in a = name_of(INADDR_ANY, 7);
	int fd;

	up();
	fd = open_kind(UDP_SOCK);
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), sizeof(a)), 0);
	return fd;
}

TEST(recvmsg_tells_what_the_socket_wants_to_know)
{
	static const int opts[] = { IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR };
	static const u8 rr[8] = { 7, 7, 8, 10, 0, 0, 9, 0 };
	const struct in_pktinfo *info;
	const struct sockaddr_in *dst;
	int fd = receiver();
	const void *p;
	u32 len;

	feed_udp(OUR_IP, NULL, 0);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
	CHECK(got.msg_controllen == 0 && !(got.msg_flags & MSG_CTRUNC)); /* nothing unless asked */
	for (u32 i = 0; i < ARRAY_SIZE(opts); i++) {
		CHECK_EQ(set_int(fd, SOL_IP, opts[i], 1), 0);
		CHECK_EQ(get_int(fd, SOL_IP, opts[i]), 1);
	}
	feed_udp(OUR_IP, NULL, 0);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
	info = find_cmsg(SOL_IP, IP_PKTINFO, &len);
	CHECK(info && len == 12 && info->ipi_ifindex == 2);
	CHECK(info->ipi_spec_dst == OUR_IP && info->ipi_addr == OUR_IP);
	p = find_cmsg(SOL_IP, IP_TTL, &len);
	CHECK(p && len == 4 && *(const int *)p == 61);
	p = find_cmsg(SOL_IP, IP_TOS, &len);
	CHECK(p && len == 1 && *(const u8 *)p == 0x14);
	dst = find_cmsg(SOL_IP, IP_RECVORIGDSTADDR, &len);
	CHECK(dst && len == 16 && dst->sin_addr == OUR_IP && dst->sin_port == htons(7));
	/* To everybody: the address to answer from is another than the one it was for. */
	feed_udp(IP4(10, 0, 0, 255), NULL, 0);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
	info = find_cmsg(SOL_IP, IP_PKTINFO, &len);
	CHECK(info && info->ipi_spec_dst == OUR_IP && info->ipi_addr == IP4(10, 0, 0, 255));
	/* Options as they came, and as an answer would bear them; of packets without any, nothing. */
	CHECK_EQ(set_int(fd, SOL_IP, IP_RECVOPTS, 1), 0);
	CHECK_EQ(set_int(fd, SOL_IP, IP_RETOPTS, 1), 0);
	feed_udp(OUR_IP, rr, sizeof(rr));
	CHECK_EQ(recv_control(fd, 100, 250, 0), 4);
	p = find_cmsg(SOL_IP, IP_RECVOPTS, &len);
	CHECK(p && len == 8 && memcmp(p, rr, 8) == 0);
	p = find_cmsg(SOL_IP, IP_RETOPTS, &len);
	CHECK(p && len == 8 && memcmp(p, rr, 8) == 0);
	feed_udp(OUR_IP, NULL, 0);
	CHECK_EQ(recv_control(fd, 100, 30, 0), 4); /* the first item cut, the others gone */
	CHECK(got.msg_controllen == 28 || (got.msg_flags & MSG_CTRUNC));
	CHECK(got.msg_flags & MSG_CTRUNC);
	CHECK(!find_cmsg(SOL_IP, IP_RECVOPTS, &len));
	all_gone();
}

TEST(peeking_tells_the_same)
{
	int fd = receiver();
	u32 len;

	CHECK_EQ(set_int(fd, SOL_IP, IP_RECVTTL, 1), 0);
	feed_udp(OUR_IP, NULL, 0);
	CHECK_EQ(recv_control(fd, 100, 200, MSG_PEEK), 4);
	CHECK(find_cmsg(SOL_IP, IP_TTL, &len) != NULL);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
	CHECK(find_cmsg(SOL_IP, IP_TTL, &len) != NULL);
	all_gone();
}

/* Raw sockets tell it, too, by the header that they also give. */
TEST(raw_socket_tells_its_origin)
{
	const struct sockaddr_in *dst;
	u32 len;
	int fd;

	up();
	fd = open_kind(RAW_SOCK);
	CHECK_EQ(set_int(fd, SOL_IP, IP_RECVORIGDSTADDR, 1), 0);
	feed_ip(&f, PEER_IP, 250, 8);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 28);
	dst = find_cmsg(SOL_IP, IP_RECVORIGDSTADDR, &len);
	CHECK(dst && dst->sin_addr == OUR_IP && dst->sin_port == 0);
	all_gone();
}

TEST(arrival_time_by_the_clock_of_the_day)
{
	const s64 *t;
	int fd = receiver();
	u32 len;
	s64 sec;

	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_TIMESTAMP), 0);
	feed_udp(OUR_IP, NULL, 0); /* before anybody asked: the time of reading */
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_TIMESTAMPNS), 1);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
	t = find_cmsg(SOL_SOCKET, SO_TIMESTAMPNS, &len);
	CHECK(t && len == 16);
	sec = t[0];
	feed_udp(OUR_IP, NULL, 0);
	host_clock_advance(5 * NSEC_PER_SEC);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
	t = find_cmsg(SOL_SOCKET, SO_TIMESTAMPNS, &len);
	CHECK(t && t[0] - sec < 2); /* not when it was read */
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_TIMESTAMPNS), 0); /* one form only */
	feed_udp(OUR_IP, NULL, 0);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
	t = find_cmsg(SOL_SOCKET, SO_TIMESTAMP, &len);
	CHECK(t && t[0] - sec >= 5 && t[1] >= 0 && t[1] < 1000000);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_TIMESTAMP, 0), 0);
	feed_udp(OUR_IP, NULL, 0);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
	CHECK_EQ(got.msg_controllen, 0);
	all_gone();
}

static const struct {
	const char *name;
	int flags, err;
} tstamp_rows[] = {
	{ "none", 0, 0 },
	{ "received_and_told", 8 | 16, 0 },
	{ "of_the_card_which_has_none", 1 | 4 | 64, 0 },
	{ "with_a_number", 8 | 16 | 128, 0 },
	{ "sent", 2 | 16, -EINVAL }, /* nobody would ever hear of it */
	{ "queued", 256, -EINVAL },
	{ "acknowledged", 512, -EINVAL },
	{ "counters_without_data", 4096 | 2048, 0 },
	{ "counters_with_data", 4096, -EINVAL },
	{ "unknown", 1 << 16, -EINVAL },
};
TEST_EACH(timestamping_flags, tstamp_rows)
{
	int fd = receiver();

	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_TIMESTAMPING, row->flags), row->err);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_TIMESTAMPING), row->err ? 0 : row->flags);
	all_gone();
}

/* Three times of which the first is ours, beside the older forms; taken by one flag, told by the other. */
TEST(arrival_time_of_timestamping)
{
	static const int flags[] = { 8, 16, 8 | 16 };
	const s64 *t, *ns;
	int fd = receiver();
	u32 len;

	for (u32 i = 0; i < 3; i++) {
		CHECK_EQ(set_int(fd, SOL_SOCKET, SO_TIMESTAMPING, flags[i]), 0);
		feed_udp(OUR_IP, NULL, 0);
		CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
		t = find_cmsg(SOL_SOCKET, SO_TIMESTAMPING, &len);
		CHECK((t != NULL) == (i == 2));
	}
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
	feed_udp(OUR_IP, NULL, 0);
	host_clock_advance(5 * NSEC_PER_SEC);
	CHECK_EQ(recv_control(fd, 100, 200, 0), 4);
	ns = find_cmsg(SOL_SOCKET, SO_TIMESTAMPNS, &len);
	CHECK(ns && len == 16);
	t = find_cmsg(SOL_SOCKET, SO_TIMESTAMPING, &len);
	CHECK(t && len == 48 && t[0] == ns[0] && t[1] == ns[1]);
	CHECK(t && !t[2] && !t[3] && !t[4] && !t[5]);
	all_gone();
}

KTEST_MAIN_BOOT()
