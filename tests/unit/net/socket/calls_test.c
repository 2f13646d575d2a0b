// SPDX-License-Identifier: MIT
/*
 * Who serves socket(), and the calls that the other tests of this room leave out: many messages at once, control data, questions about
 * devices.
 */
#include "calls.h"

#include <net/inet_hashtables.h>

static u8 buf[4096];

/* --- Who serves socket() ------------------------------------------------------------------------------------------------- */
static const struct socket_row {
	const char *name;
	int family, type, protocol;
	long ret; /* 0: a descriptor */
} socket_table[] = {
	{ "stream", AF_INET, SOCK_STREAM, 0, 0 },
	{ "stream_tcp", AF_INET, SOCK_STREAM, 6, 0 },
	{ "dgram", AF_INET, SOCK_DGRAM, 0, 0 },
	{ "dgram_udp", AF_INET, SOCK_DGRAM, 17, 0 },
	{ "ping", AF_INET, SOCK_DGRAM, 1, 0 },
	{ "raw_icmp", AF_INET, SOCK_RAW, 1, 0 },
	{ "raw_raw", AF_INET, SOCK_RAW, 255, 0 },
	{ "raw_tcp", AF_INET, SOCK_RAW, 6, 0 },
	{ "raw_of_no_number", AF_INET, SOCK_RAW, 0, -EPROTONOSUPPORT },
	{ "stream_udp", AF_INET, SOCK_STREAM, 17, -EPROTONOSUPPORT },
	{ "stream_icmp", AF_INET, SOCK_STREAM, 1, -EPROTONOSUPPORT },
	{ "dgram_tcp", AF_INET, SOCK_DGRAM, 6, -EPROTONOSUPPORT },
	{ "stream_253", AF_INET, SOCK_STREAM, 253, -EPROTONOSUPPORT },
	{ "dgram_253", AF_INET, SOCK_DGRAM, 253, -EPROTONOSUPPORT },
	{ "type_0", AF_INET, 0, 0, -ESOCKTNOSUPPORT },
	{ "rdm", AF_INET, SOCK_RDM, 0, -ESOCKTNOSUPPORT },
	{ "seqpacket", AF_INET, SOCK_SEQPACKET, 0, -ESOCKTNOSUPPORT },
	{ "type_9", AF_INET, 9, 0, -ESOCKTNOSUPPORT },
	{ "type_11", AF_INET, 11, 0, -EINVAL },
	{ "protocol_262", AF_INET, SOCK_RAW, 262, 0 },
	{ "protocol_263", AF_INET, SOCK_RAW, 263, -EINVAL },
	{ "protocol_300", AF_INET, SOCK_STREAM, 300, -EINVAL },
	{ "protocol_minus_1", AF_INET, SOCK_STREAM, -1, -EINVAL },
	{ "protocol_before_type", AF_INET, SOCK_RDM, 300, -EINVAL },
	{ "family_99", 99, SOCK_STREAM, 0, -EAFNOSUPPORT },
	{ "family_before_type", 99, 11, 0, -EAFNOSUPPORT },
	{ "type_before_nobodys_family", AF_UNIX, 11, 0, -EINVAL },
	{ "nobodys_family", AF_UNIX, SOCK_STREAM, 0, -EAFNOSUPPORT },
	{ "packet", AF_PACKET, SOCK_RAW, 0, 0 },
	{ "packet_stream", AF_PACKET, SOCK_STREAM, 0, -ESOCKTNOSUPPORT },
};

TEST_EACH(socket, socket_table)
{
	long fd;

	up();
	fd = SYS(socket, (u64)(s64)row->family, (u64)(s64)row->type, (u64)(s64)row->protocol);
	if (row->ret)
		CHECK_EQ(fd, row->ret);
	else
		CHECK(fd > 2);
	if (fd > 2 && row->family == AF_INET) { /* 0 has become the type's own */
		int own = row->type == SOCK_STREAM ? 6 : 17, got = 0, len = sizeof(got);

		CHECK_EQ(SYS(getsockopt, (u64)fd, SOL_SOCKET, SO_PROTOCOL, P(&got), P(&len)), 0);
		CHECK_EQ(got, row->protocol ? row->protocol : own);
	}
	all_gone();
}

static const struct {
	const char *name;
	int type, protocol;
	const char *prot;
	const struct proto_ops *ops;
} protocols[] = {
	{ "tcp", SOCK_STREAM, 6, "TCP", &inet_stream_ops },
	{ "udp", SOCK_DGRAM, 17, "UDP", &inet_dgram_ops },
	{ "ping", SOCK_DGRAM, 1, "PING", &inet_dgram_ops },
	{ "raw", SOCK_RAW, 1, "RAW", &inet_dgram_ops },
};

/* The socket gets two tables of the entry found: the family's operations and the protocol's. */
TEST_EACH(tables_of, protocols)
{
	struct socket *s;

	up();
	CHECK_EQ(sock_create_kern(net, AF_INET, row->type, row->protocol, &s), 0);
	CHECK_STR(s->sk->sk_prot->name, row->prot);
	CHECK(s->ops == row->ops);
	sock_release(s);
	all_gone();
}

static int served_by;

static int first_init(struct sock *sk)
{
	(void)sk;
	served_by = 1;
	return -ENOBUFS;
}

static int second_init(struct sock *sk)
{
	(void)sk;
	served_by = 2;
	return -ENOBUFS;
}

static struct proto first = { .name = "FIRST",
			      .obj_size = sizeof(struct sock),
			      .init = first_init },
		    second = { .name = "SECOND",
			       .obj_size = sizeof(struct sock),
			       .init = second_init };

static int served(int type, int protocol)
{
	served_by = 0;
	(void)SYS(socket, AF_INET, (u64)type, (u64)protocol);
	return served_by;
}

TEST(permanent_entries_cannot_be_overridden)
{
	struct inet_protosw tcp = {
		.type = SOCK_STREAM, .protocol = 6, .prot = &first, .ops = &inet_stream_ops
	};

	up();
	host_console_clear();
	CHECK_EQ(inet_register_protosw(net, &tcp), -EEXIST);
	CHECK(strstr(host_console(), "type 1 protocol 6 is TCP's for good"));
	CHECK_EQ(served(SOCK_STREAM, 6), 0);
	tcp.type = SOCK_MAX;
	CHECK_EQ(inet_register_protosw(net, &tcp), -EINVAL);
	CHECK(strstr(host_console(), "type 11 of FIRST cannot be"));
	all_gone();
}

TEST(later_entries_stand_behind_the_permanent_ones_newest_first)
{
	struct inet_protosw p = {
		.type = SOCK_DGRAM, .protocol = 136, .prot = &first, .ops = &inet_dgram_ops
	};

	up();
	CHECK_EQ(inet_register_protosw(net, &p), 0);
	CHECK_EQ(served(SOCK_DGRAM, 136), 1);
	p.prot = &second;
	CHECK_EQ(inet_register_protosw(net, &p), 0);
	CHECK_EQ(served(SOCK_DGRAM, 136), 2); /* replaced */
	CHECK_EQ(served(SOCK_DGRAM, 0), 0);   /* the type's own is the permanent one */
	CHECK_EQ(inet_unregister_protosw(net, &p), 0);
	CHECK_EQ(served(SOCK_DGRAM, 136), 1);
	CHECK_EQ(inet_unregister_protosw(net, &p), -ENOENT);
	p.prot = &first;
	CHECK_EQ(inet_unregister_protosw(net, &p), 0);
	CHECK_EQ(SYS(socket, AF_INET, SOCK_DGRAM, 136), -EPROTONOSUPPORT);
	/* One that is permanent, and one of a type of its own. */
	p = (struct inet_protosw){ .type = SOCK_SEQPACKET,
				   .protocol = 132,
				   .flags = INET_PROTOSW_PERMANENT,
				   .prot = &first,
				   .ops = &inet_stream_ops };
	CHECK_EQ(inet_register_protosw(net, &p), 0);
	CHECK_EQ(inet_unregister_protosw(net, &p), -EPERM);
	CHECK_EQ(served(SOCK_SEQPACKET, 0), 1);
	p.type = SOCK_MAX;
	CHECK_EQ(inet_unregister_protosw(net, &p), -ENOENT);
	all_gone();
}

static int family_create(struct net *n, struct socket *sock, int protocol)
{
	(void)n, (void)sock, (void)protocol;
	return -ENXIO;
}

TEST(families_come_and_go)
{
	struct net_proto_family pf = { .family = 40, .create = family_create };

	up();
	CHECK_EQ(SYS(socket, 40, SOCK_STREAM, 0), -EAFNOSUPPORT);
	CHECK_EQ(sock_register(net, &pf), 0);
	CHECK_EQ(sock_register(net, &pf), -EEXIST);
	CHECK_EQ(SYS(socket, 40, SOCK_STREAM, 0), -ENXIO);
	sock_unregister(net, 40);
	CHECK_EQ(SYS(socket, 40, SOCK_STREAM, 0), -EAFNOSUPPORT);
	pf.family = NPROTO;
	CHECK_EQ(sock_register(net, &pf), -ENOBUFS);
	pf.family = -1;
	CHECK_EQ(sock_register(net, &pf), -ENOBUFS);
	all_gone();
}

/* --- Many messages at once ---------------------------------------------------------------------------------------------------- */
static int udp_pair(int *to)
{
	struct sockaddr_in a = name_of(LOOPBACK, 0);
	int s = open_socket(AF_INET, SOCK_DGRAM, 0), len = 16;

	*to = open_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ(SYS(bind, (u64)*to, P(&a), 16), 0);
	CHECK_EQ(SYS(getsockname, (u64)*to, P(&a), P(&len)), 0);
	CHECK_EQ(SYS(connect, (u64)s, P(&a), 16), 0);
	return s;
}

#define MANY 4
static struct iovec iov[MANY];
static struct user_mmsghdr many[MANY];

static void prepare_many(void)
{
	memset(many, 0, sizeof(many));
	for (u32 i = 0; i < MANY; i++) {
		iov[i] = (struct iovec){ buf + i * 100, 10 + i };
		many[i].msg_hdr.msg_iov = &iov[i];
		many[i].msg_hdr.msg_iovlen = 1;
	}
}

TEST(many_messages_by_one_call)
{
	struct timespec ts = { 1, 0 };
	int s, t;

	up();
	s = udp_pair(&t);
	prepare_many();
	CHECK_EQ(SYS(sendmmsg, (u64)s, P(many), MANY, 0), MANY);
	for (u32 i = 0; i < MANY; i++)
		CHECK_EQ(many[i].msg_len, 10 + i);
	prepare_many();
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), 3, 0, P(&ts)), 3);
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(many[i].msg_len, 10 + i);
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), MANY, MSG_WAITFORONE, 0),
		 1); /* then none is left */
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), MANY, 0, 0), -EAGAIN);
	CHECK_EQ(SYS(sendmmsg, (u64)s, P(many), 0, 0), 0);
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), 0, 0, 0), 0);
	all_gone();
}

TEST(the_third_of_many_fails)
{
	int s, t;

	up();
	s = udp_pair(&t);
	prepare_many();
	iov[2].iov_len = 66000;
	CHECK_EQ(SYS(sendmmsg, (u64)s, P(many), MANY, 0), 2);
	CHECK_EQ(SYS(sendmmsg, (u64)s, P(&many[2]), 2, 0),
		 -EMSGSIZE); /* the first one's error is told */
	iov[0].iov_base = BAD;
	CHECK_EQ(SYS(sendmmsg, (u64)s, P(many), MANY, 0), -EFAULT);
	CHECK_EQ(SYS(sendmmsg, (u64)s, P(BAD), MANY, 0), -EFAULT);
	prepare_many();
	CHECK_EQ(SYS(sendmmsg, (u64)s, P(many), 1, 0), 1);
	/* An error after a message waits for the next call. */
	iov[1].iov_base = BAD;
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), MANY, 0, 0), 1);
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), MANY, 0, 0), -EFAULT);
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(BAD), MANY, 0, 0), -EFAULT);
	all_gone();
}

TEST(recvmmsg_looks_at_the_time)
{
	struct timespec ts = { 0, 0 };
	int s, t;

	up();
	s = udp_pair(&t);
	prepare_many();
	CHECK_EQ(SYS(sendmmsg, (u64)s, P(many), MANY, 0), MANY);
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), MANY, 0, P(&ts)),
		 1); /* no time left after the first */
	ts.tv_nsec = 1000000000;
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), MANY, 0, P(&ts)), -EINVAL);
	ts.tv_nsec = -1;
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), MANY, 0, P(&ts)), -EINVAL);
	ts = (struct timespec){ -1, 0 };
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), MANY, 0, P(&ts)), -EINVAL);
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), MANY, 0, P(BAD)), -EFAULT);
	ts = (struct timespec){ INT64_MAX, 0 };
	CHECK_EQ(SYS(recvmmsg, (u64)t, P(many), 2, 0, P(&ts)), 2);
	CHECK_EQ(SYS(recvmmsg, 0, P(many), 2, 0, 0), -ENOTSOCK);
	CHECK_EQ(SYS(sendmmsg, 99, P(many), 2, 0), -EBADF);
	all_gone();
}

/* --- Control data -------------------------------------------------------------------------------------------------------------- */
static const struct control_row {
	const char *name;
	int type; /* of the socket */
	u64 len;  /* of the item */
	int level;
	u64 room; /* msg_controllen */
	long ret;
} control_table[] = {
	{ "none", SOCK_DGRAM, 0, 0, 0, 4 },
	{ "less_than_a_header", SOCK_DGRAM, 16, SOL_SOCKET, 15, 4 },
	{ "socket_level", SOCK_DGRAM, 20, SOL_SOCKET, 24, -EINVAL },
	{ "ip_level", SOCK_DGRAM, 20, SOL_IP, 24, -EINVAL },
	{ "udp_level", SOCK_DGRAM, 20, SOL_UDP, 24, -EINVAL },
	{ "other_level", SOCK_DGRAM, 20, 77, 24, 4 },
	{ "shorter_than_itself", SOCK_DGRAM, 15, 77, 24, -EINVAL },
	{ "beyond_the_end", SOCK_DGRAM, 25, 77, 24, -EINVAL },
	{ "unaligned_end", SOCK_DGRAM, 17, 77, 17, 4 },
	{ "stream_ignores_ip", SOCK_STREAM, 20, SOL_IP, 24, -EPIPE },
	{ "stream_socket_level", SOCK_STREAM, 20, SOL_SOCKET, 24, -EINVAL },
	{ "too_much", SOCK_DGRAM, 20, 77, 20481, -ENOBUFS },
};

TEST_EACH(control, control_table)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)buf;
	struct iovec v = { buf, 4 };
	struct user_msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf };
	int s, t;

	up();
	s = udp_pair(&t);
	if (row->type == SOCK_STREAM)
		s = open_socket(AF_INET, SOCK_STREAM, 0);
	*c = (struct cmsghdr){ row->len, row->level, 2 };
	m.msg_controllen = row->room;
	CHECK_EQ(SYS(sendmsg, (u64)s, P(&m), MSG_NOSIGNAL), row->ret);
	all_gone();
}

TEST(control_data_that_cannot_be_had)
{
	struct iovec v = { buf, 4 };
	struct user_msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = BAD, .msg_controllen = 24
	};
	int s, t;

	up();
	s = udp_pair(&t);
	CHECK_EQ(SYS(sendmsg, (u64)s, P(&m), 0), -EFAULT);
	m.msg_control = buf;
	fail_at(1);
	CHECK_EQ(SYS(sendmsg, (u64)s, P(&m), 0), -ENOBUFS);
	fail_over();
	all_gone();
}

/* --- Ports that are chosen ------------------------------------------------------------------------------------------------------- */
static const struct range_row {
	const char *name;
	const char *value;
	int ret;
} range_table[] = {
	{ "blank", "40000 40003", 0 },         { "comma", "40000,40003", 0 },
	{ "one_port", "65535 65535", 0 },      { "backwards", "5 4", -ERANGE },
	{ "port_0", "0 9", -ERANGE },          { "too_large", "1 65536", -ERANGE },
	{ "one_number", "40000", -EINVAL },    { "no_number", "a b", -EINVAL },
	{ "no_second", "4 x", -EINVAL },       { "empty", "", -EINVAL },
	{ "endless", "40000400004", -EINVAL },
};

TEST_EACH(port_range, range_table)
{
	up();
	CHECK_EQ(net_sysctl_set(net, "ip_local_port_range", row->value), row->ret);
	CHECK_EQ(inet_set_port_range(net, PORT_MIN_DEFAULT, PORT_MAX_DEFAULT), 0);
	CHECK_EQ(net_sysctl_set(net, "nothing", "1"), -ENOENT);
	CHECK_EQ(net_sysctl_set(net, "tcp_syn_retries", "6"), 0);
	all_gone();
}

/* The port of @fd's own name; *@addr gets the address. */
static u16 own_port(int fd, __be32 *addr)
{
	struct sockaddr_in got;
	int len = 16;

	CHECK_EQ(SYS(getsockname, (u64)fd, P(&got), P(&len)), 0);
	*addr = got.sin_addr;
	return ntohs(got.sin_port);
}

/* Nobody listens there; *@port is where the connection that failed came from. */
static void refused(int fd, u16 *port)
{
	struct sockaddr_in a = name_of(LOOPBACK, 1);
	__be32 addr;

	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), -EINPROGRESS);
	host_clock_advance(1000);
	*port = own_port(fd, &addr); /* nobody has asked how it ended */
	CHECK(*port >= PORT_MIN_DEFAULT && addr == LOOPBACK);
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), -ECONNREFUSED);
	CHECK(own_port(fd, &addr) == *port && addr == INADDR_ANY);
}

/* The port that connect() chose is given back and goes on to be told; another connect() chooses anew. */
TEST(a_failed_connect_leaves_its_port_to_be_seen)
{
	struct sockaddr_in a = name_of(INADDR_BROADCAST, 1);
	int fd = -1, other;
	u16 port, next;
	__be32 addr;

	up();
	fd = open_socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), -ENETUNREACH);
	CHECK_EQ(own_port(fd, &addr), 0); /* none was chosen */
	refused(fd, &port);
	other = open_socket(AF_INET, SOCK_STREAM, 0);
	a = name_of(LOOPBACK, port);
	CHECK_EQ(SYS(bind, (u64)other, P(&a), 16), 0); /* it is free */
	refused(fd, &next);
	CHECK(next != port);
	all_gone();
}

TEST(autobind_uses_the_range_until_it_is_exhausted)
{
	struct sockaddr_in a = name_of(LOOPBACK, 9), got;
	int fd, len = 16;
	u32 seen = 0;

	up();
	CHECK_EQ(net_sysctl_set(net, "ip_local_port_range", "40000 40003"), 0);
	for (int i = 0; i < 4; i++) {
		fd = open_socket(AF_INET, SOCK_DGRAM, 0);
		CHECK_EQ(SYS(sendto, (u64)fd, P("x"), 1, 0, P(&a), 16), 1);
		CHECK_EQ(SYS(getsockname, (u64)fd, P(&got), P(&len)), 0);
		seen |= 1u << (ntohs(got.sin_port) - 40000);
	}
	CHECK_EQ(seen, 15);
	fd = open_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ(SYS(sendto, (u64)fd, P("x"), 1, 0, P(&a), 16), -EAGAIN);
	a.sin_port = 0;
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 16), -EADDRINUSE);
	CHECK_EQ(inet_set_port_range(net, PORT_MIN_DEFAULT, PORT_MAX_DEFAULT), 0);
	CHECK_EQ(SYS(bind, (u64)fd, P(&a), 16), 0);
	all_gone();
}

/* --- Devices ---------------------------------------------------------------------------------------------------------------------- */
static const struct dev_row {
	const char *name;
	u64 req;
	const char *dev;
	long ret;
	int value; /* of the int, the short or the last byte of the address */
} dev_table[] = {
	{ "index", SIOCGIFINDEX, "eth0", 0, 2 },
	{ "index_of_lo", SIOCGIFINDEX, "lo", 0, 1 },
	{ "mtu", SIOCGIFMTU, "eth0", 0, 1500 },
	{ "queue", SIOCGIFTXQLEN, "eth0", 0, 1000 },
	{ "flags", SIOCGIFFLAGS, "eth0", 0, IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST },
	{ "address", SIOCGIFADDR, "eth0", 0, 1 },
	{ "mask", SIOCGIFNETMASK, "eth0", 0, 0 },
	{ "broadcast", SIOCGIFBRDADDR, "eth0", 0, 255 },
	{ "hardware_address", SIOCGIFHWADDR, "eth0", 0, 1 },
	{ "no_device", SIOCGIFMTU, "eth9", -ENODEV, 0 },
	{ "no_request", 0x8920, "eth0", -ENOTTY, 0 },
	{ "set_address", 0x8916, "eth0", -ENOTTY, 0 },
	{ "far_away", 0x9999, "eth0", -ENOTTY, 0 },
};

TEST_EACH(device, dev_table)
{
	struct ifreq r = { .ifr_name = "" };
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_DGRAM, 0);
	memcpy(r.ifr_name, row->dev, strlen(row->dev));
	CHECK_EQ(SYS(ioctl, (u64)fd, row->req, P(&r)), row->ret);
	if (row->ret)
		;
	else if (row->req == SIOCGIFADDR || row->req == SIOCGIFNETMASK ||
		 row->req == SIOCGIFBRDADDR)
		CHECK_EQ(ntohl(r.u.ifru_in.sin_addr) & 255, row->value);
	else if (row->req == SIOCGIFHWADDR)
		CHECK_EQ(r.u.ifru_addr.sa_data[5], row->value);
	else if (row->req == SIOCGIFFLAGS)
		CHECK_EQ(r.u.ifru_flags, row->value);
	else
		CHECK_EQ(r.u.ifru_int, row->value);
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCGIFMTU, P(BAD)), -EFAULT);
	all_gone();
}

TEST(all_devices)
{
	struct ifreq r[4] = { { .ifr_name = "" } }, one = { .u.ifru_int = 2 };
	struct ifconf c = { .ifc_len = sizeof(r), .ifc_buf = r };
	struct net_device *bare;
	int fd;

	up();
	fd = open_socket(AF_INET, SOCK_STREAM, 0);
	bare = alloc_etherdev(net, 0);
	bare->netdev_ops = &fake_ops;
	CHECK_EQ(register_netdev(bare), 0); /* without address: not told */
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCGIFCONF, P(&c)), 0);
	CHECK_EQ(c.ifc_len, 2 * (int)sizeof(r[0]));
	CHECK_STR(r[0].ifr_name, "lo");
	CHECK_STR(r[1].ifr_name, "eth0");
	CHECK_EQ(r[1].u.ifru_in.sin_addr, OUR_IP);
	c.ifc_len = sizeof(r[0]) + 1;
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCGIFCONF, P(&c)), 0);
	CHECK_EQ(c.ifc_len, (int)sizeof(r[0]));
	c = (struct ifconf){ 0, NULL };
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCGIFCONF, P(&c)), 0);
	CHECK_EQ(c.ifc_len, 2 * (int)sizeof(r[0]));
	c = (struct ifconf){ sizeof(r), BAD };
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCGIFCONF, P(&c)), -EFAULT);
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCGIFCONF, P(BAD)), -EFAULT);
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCGIFNAME, P(&one)), 0);
	CHECK_STR(one.ifr_name, "eth0");
	one.u.ifru_int = 77;
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCGIFNAME, P(&one)), -ENODEV);
	memcpy(one.ifr_name, bare->name, sizeof(one.ifr_name));
	CHECK_EQ(SYS(ioctl, (u64)fd, SIOCGIFADDR, P(&one)), -EADDRNOTAVAIL);
	unregister_netdev(bare);
	free_netdev(bare);
	all_gone();
}

KTEST_MAIN_BOOT()
