// SPDX-License-Identifier: MIT
/*
 * Who may have which port: every pair of SO_REUSEADDR, SO_REUSEPORT, addresses and a first socket that listens or does not; what sharing
 * a port means for packets; and what is left of bind() when connect() fails.
 */
#include "../tcp/peer.h"

#include "../../../../net/udp/udp_internal.h"
#include <lib/string.h>

enum { ANY, ONE, LO }; /* 0.0.0.0, 10.0.0.1, 127.0.0.1 */

static struct socket *open_socket(enum sock_type type)
{
	struct socket *s = NULL;

	CHECK_EQ(sock_create_kern(hosts[0], AF_INET, type, 0, &s), 0);
	return s;
}

static int do_bind(struct socket *s, int where, u16 port)
{
	const __be32 addr[] = { 0, IP4(10, 0, 0, 1), IP4(127, 0, 0, 1) };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };

	sin.sin_addr = addr[where];
	return s->ops->bind(s, (const struct sockaddr *)(const void *)&sin, sizeof(sin));
}

static u16 name_port(struct socket *s)
{
	struct sockaddr_storage name;
	struct sockaddr_in sin;

	CHECK_EQ(s->ops->getname(s, &name, false), (int)sizeof(sin));
	memcpy(&sin, &name, sizeof(sin));
	return ntohs(sin.sin_port);
}

static __be32 name_addr(struct socket *s)
{
	struct sockaddr_storage name;
	struct sockaddr_in sin;

	CHECK_EQ(s->ops->getname(s, &name, false), (int)sizeof(sin));
	memcpy(&sin, &name, sizeof(sin));
	return sin.sin_addr;
}

/* What each of the two says: letters a SO_REUSEADDR, p SO_REUSEPORT; and of the first whether it listens. Columns: may bind, may listen. */
static const struct pair_row {
	const char *name;
	const char *first, *second;
	bool listens, may_bind, may_listen;
} pair_table[] = {
	{ "nothing_nothing", "", "", false, false, false },
	{ "nothing_addr", "", "a", false, false, false },
	{ "nothing_port", "", "p", false, false, false },
	{ "nothing_both", "", "ap", false, false, false },
	{ "addr_nothing", "a", "", false, false, false },
	{ "addr_addr", "a", "a", false, true, true },
	{ "addr_port", "a", "p", false, false, false },
	{ "addr_both", "a", "ap", false, true, true },
	{ "port_nothing", "p", "", false, false, false },
	{ "port_addr", "p", "a", false, false, false },
	{ "port_port", "p", "p", false, true, true },
	{ "port_both", "p", "ap", false, true, true },
	{ "both_nothing", "ap", "", false, false, false },
	{ "both_addr", "ap", "a", false, true, true },
	{ "both_port", "ap", "p", false, true, true },
	{ "both_both", "ap", "ap", false, true, true },
	{ "listener_nothing", "", "", true, false, false },
	{ "listener_addr", "", "a", true, false, false },
	{ "listener_port", "", "p", true, false, false },
	{ "listener_both", "", "ap", true, false, false },
	{ "addr_listener_nothing", "a", "", true, false, false },
	{ "addr_listener_addr", "a", "a", true, false, false },
	{ "addr_listener_port", "a", "p", true, false, false },
	{ "addr_listener_both", "a", "ap", true, false, false },
	{ "port_listener_nothing", "p", "", true, false, false },
	{ "port_listener_addr", "p", "a", true, false, false },
	{ "port_listener_port", "p", "p", true, true, true },
	{ "port_listener_both", "p", "ap", true, true, true },
	{ "both_listener_nothing", "ap", "", true, false, false },
	{ "both_listener_addr", "ap", "a", true, false, false },
	{ "both_listener_port", "ap", "p", true, true, true },
	{ "both_listener_both", "ap", "ap", true, true, true },
};

static void say(struct socket *s, const char *what)
{
	for (; *what; what++)
		set_opt(s, SOL_SOCKET, *what == 'a' ? SO_REUSEADDR : SO_REUSEPORT, 1);
}

/* Two sockets for one port; @overlap: their addresses do. */
static void try_pair(const struct pair_row *row, int where1, int where2)
{
	bool overlap = where1 == where2 || where1 == ANY || where2 == ANY;
	struct socket *a = open_socket(SOCK_STREAM), *b = open_socket(SOCK_STREAM);
	bool bind = !overlap || row->may_bind, listen = !overlap || row->may_listen;

	say(a, row->first);
	say(b, row->second);
	CHECK_EQ(do_bind(a, where1, 80), 0);
	if (row->listens)
		CHECK_EQ(a->ops->listen(a, 5), 0);
	CHECK_EQ(do_bind(b, where2, 80), bind ? 0 : -EADDRINUSE);
	CHECK_EQ(name_port(b), bind ? 80 : 0);
	if (bind)
		CHECK_EQ(b->ops->listen(b, 5), listen ? 0 : -EADDRINUSE);
	sock_release(a); /* then nothing stands in the way */
	if (!bind)
		CHECK_EQ(do_bind(b, where2, 80), 0);
	CHECK_EQ(b->ops->listen(b, 5), 0);
	sock_release(b);
}

TEST_EACH(pairs, pair_table)
{
	hosts_up(1);
	for (int i = ANY; i <= LO; i++)
		for (int j = ANY; j <= LO; j++)
			try_pair(row, i, j);
	hosts_down();
}

/* UDP knows no listeners; the rest is the same. */
TEST_EACH(pairs_of_datagrams, pair_table)
{
	hosts_up(1);
	for (int i = ANY; i <= LO && !row->listens; i++) {
		for (int j = ANY; j <= LO; j++) {
			struct socket *a = open_socket(SOCK_DGRAM), *b = open_socket(SOCK_DGRAM);
			bool may = row->may_bind || (i != j && i != ANY && j != ANY);

			say(a, row->first);
			say(b, row->second);
			CHECK_EQ(do_bind(a, i, 53), 0);
			CHECK_EQ(do_bind(b, j, 53), may ? 0 : -EADDRINUSE);
			sock_release(a);
			sock_release(b);
		}
	}
	hosts_down();
}

/* Two bound by SO_REUSEADDR: the first that listens has the port, and the second keeps its own till it is closed. */
TEST(the_second_listener_is_refused_and_stays_bound)
{
	struct socket *a, *b, *c;

	hosts_up(1);
	a = open_socket(SOCK_STREAM);
	b = open_socket(SOCK_STREAM);
	c = open_socket(SOCK_STREAM);
	say(a, "a");
	say(b, "a");
	CHECK_EQ(do_bind(a, ANY, 80), 0);
	CHECK_EQ(do_bind(b, ONE, 80), 0);
	CHECK_EQ(a->ops->listen(a, 5), 0);
	CHECK_EQ(b->ops->listen(b, 5), -EADDRINUSE);
	CHECK_EQ(b->sk->sk_state, TCP_CLOSE);
	sock_release(a);
	CHECK_EQ(do_bind(c, ONE, 80), -EADDRINUSE); /* b has it */
	CHECK_EQ(b->ops->listen(b, 5), 0);
	sock_release(b);
	sock_release(c);
	hosts_down();
}

/* Ports that we choose are nobody else's, whatever both say. */
TEST(ephemeral_ports_are_not_shared)
{
	struct socket *a, *b;

	hosts_up(1);
	CHECK_EQ(inet_set_port_range(hosts[0], 40000, 40000), 0);
	a = open_socket(SOCK_STREAM);
	b = open_socket(SOCK_STREAM);
	say(a, "ap");
	say(b, "ap");
	CHECK_EQ(do_bind(a, ANY, 0), 0);
	CHECK_EQ(name_port(a), 40000);
	CHECK_EQ(do_bind(b, ANY, 0), -EADDRINUSE);
	CHECK_EQ(do_bind(b, ANY, 40000), 0); /* asked for, it is shared */
	sock_release(a);
	sock_release(b);
	hosts_down();
}

/* Three listeners on one port: each flow finds one of them, always the same, and each of them gets some. */
TEST(listeners_of_a_group_share_the_flows)
{
	struct socket *l[3], *alone;
	u32 got[3] = { 0 };

	hosts_up(1);
	for (u32 i = 0; i < 3; i++) {
		l[i] = open_socket(SOCK_STREAM);
		say(l[i], "p");
		CHECK_EQ(do_bind(l[i], ANY, 80), 0);
		CHECK_EQ(l[i]->ops->listen(l[i], 5), 0);
	}
	alone = open_socket(SOCK_STREAM);
	say(alone, "p");
	CHECK_EQ(do_bind(alone, ONE, 80), 0);
	local_bh_disable();
	for (u16 port = 1; port <= 300; port++) {
		struct sock *sk = inet_lookup_listener(hosts[0]->tcp_hash, IP4(10, 0, 0, 2),
						       htons(port), IP4(10, 0, 0, 1), 80, 0);

		CHECK(sk == inet_lookup_listener(hosts[0]->tcp_hash, IP4(10, 0, 0, 2), htons(port),
						 IP4(10, 0, 0, 1), 80, 0));
		for (u32 i = 0; i < 3; i++)
			got[i] += sk == l[i]->sk;
	}
	local_bh_enable();
	CHECK_EQ(got[0] + got[1] + got[2], 300);
	for (u32 i = 0; i < 3; i++)
		CHECK(got[i] > 60);
	/* The exact address beats the group, as ever. */
	CHECK_EQ(alone->ops->listen(alone, 5), 0);
	local_bh_disable();
	CHECK(inet_lookup_listener(hosts[0]->tcp_hash, IP4(10, 0, 0, 2), htons(9), IP4(10, 0, 0, 1),
				   80, 0) == alone->sk);
	local_bh_enable();
	sock_release(alone);
	for (u32 i = 0; i < 3; i++)
		sock_release(l[i]);
	hosts_down();
}

TEST(datagram_sockets_of_a_group_share_the_flows)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr = IP4(10, 0, 0, 2) };
	struct socket *s[3];
	u32 got[3] = { 0 };

	hosts_up(1);
	for (u32 i = 0; i < 3; i++) {
		s[i] = open_socket(SOCK_DGRAM);
		say(s[i], "p");
		CHECK_EQ(do_bind(s[i], ANY, 53), 0);
	}
	/* One that has a peer is nobody's equal: it gets what is its peer's, and nothing else. */
	CHECK_EQ(
		s[2]->ops->connect(s[2], (const struct sockaddr *)(const void *)&to, sizeof(to), 0),
		0);
	local_bh_disable();
	for (u16 port = 1; port <= 200; port++) {
		struct sock *sk = inet_lookup_dgram(hosts[0]->udp->hash, IP4(10, 0, 0, 2),
						    htons(port), IP4(10, 0, 0, 1), 53, 0);

		CHECK(port != 9 || sk == s[2]->sk);
		for (u32 i = 0; i < 3; i++)
			got[i] += sk == s[i]->sk;
	}
	local_bh_enable();
	CHECK_EQ(got[2], 1);
	CHECK_EQ(got[0] + got[1], 199);
	CHECK(got[0] > 60 && got[1] > 60);
	for (u32 i = 0; i < 3; i++)
		sock_release(s[i]);
	hosts_down();
}

/* --- connect() that fails ---------------------------------------------------------------------------------------------- */
static const struct failing_row {
	const char *name;
	int where;
	u16 port; /* of bind(); 0xffff: none */
	u32 to;   /* host, or 9: nowhere */
	u16 kept; /* the port that is still its own afterwards; 0: none is */
	bool kept_addr;
} failing_table[] = {
	{ "refused_not_bound", ANY, 0xffff, 1, 0, false },
	{ "refused_bound_to_any_port", ANY, 0, 1, 0, false },
	{ "refused_bound_to_a_port", ANY, 7777, 1, 7777, false },
	{ "refused_bound_to_an_address", ONE, 0, 1, 0, true },
	{ "refused_bound_to_both", ONE, 7777, 1, 7777, true },
	{ "nowhere_not_bound", ANY, 0xffff, 9, 0, false },
	{ "nowhere_bound_to_a_port", ANY, 7777, 9, 7777, false },
	{ "nowhere_bound_to_both", ONE, 7777, 9, 7777, true },
};

TEST_EACH(failing, failing_table)
{
	struct sockaddr_in nowhere = { .sin_family = AF_INET,
				       .sin_port = htons(PORT),
				       .sin_addr = IP4(172, 16, 0, 1) };
	struct socket *s, *other, *l;

	hosts_up(1);
	s = open_socket(SOCK_STREAM);
	if (row->port != 0xffff)
		CHECK_EQ(do_bind(s, row->where, row->port), 0);
	if (row->to == 1)
		CHECK_EQ(try_connect(s, 1, PORT, 0), -ECONNREFUSED);
	else
		CHECK_EQ(s->ops->connect(s, (const struct sockaddr *)(const void *)&nowhere,
					 sizeof(nowhere), 0),
			 -ENETUNREACH);
	if (row->kept)
		CHECK_EQ(name_port(s), row->kept);
	else if (row->to == 1)
		CHECK(name_port(s) != 0); /* told, though anybody may have it now */
	CHECK_EQ(name_addr(s), row->kept_addr ? IP4(10, 0, 0, 1) : 0);
	if (row->kept) { /* it is really held, and used by the next connect() */
		other = open_socket(SOCK_STREAM);
		CHECK_EQ(do_bind(other, ANY, row->kept), -EADDRINUSE);
		sock_release(other);
	}
	l = tcp_listener(1, PORT, 1);
	CHECK_EQ(try_connect(s, 1, PORT, 0), 0);
	if (row->kept)
		CHECK_EQ(name_port(s), row->kept);
	sock_release(s);
	sock_release(l);
	host_clock_advance(200 * NSEC_PER_SEC);
	other = open_socket(SOCK_STREAM);
	CHECK_EQ(do_bind(other, ANY, 7777), 0); /* and given back at the end */
	sock_release(other);
	hosts_down();
}

/* A connection that was reset is no connection any more, but its socket still has the port it asked for. */
TEST(a_reset_leaves_the_port_until_close)
{
	struct socket *s, *other;

	peer_up();
	s = tcp_socket(0);
	other = open_socket(SOCK_STREAM);
	CHECK_EQ(do_bind(s, ANY, 7777), 0);
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	peer.sport = PORT;
	peer.dport = 7777;
	peer.nxt = said(0)->seq + 1;
	tell(TCPHDR_RST | TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(s->sk->sk_state, TCP_CLOSE);
	CHECK_EQ(do_bind(other, ANY, 7777), -EADDRINUSE);
	sock_release(s);
	CHECK_EQ(do_bind(other, ANY, 7777), 0);
	sock_release(other);
	peer_down();
}
KTEST_MAIN_BOOT()
