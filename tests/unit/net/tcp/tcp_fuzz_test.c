// SPDX-License-Identifier: MIT
/* What fuzzing found in TCP, each as the story of what went wrong; the inputs are in tests/fuzz/regressions. */
#include "wire.h"

#include <kernel/fault.h>
#include <net/checksum.h>

static struct {
	u32 frames, seq, ack;
	u8 flags;
} seen; /* what host 1 said last; host 0 is deaf */

static bool watch(u32 from, const u8 *b, u32 len)
{
	if (from != 1 || len < 54 || b[23] != IPPROTO_TCP)
		return false;
	seen.frames++;
	seen.seq = get_unaligned_be32(b + 38);
	seen.ack = get_unaligned_be32(b + 42);
	seen.flags = b[47];
	CHECK((seen.flags & (TCPHDR_SYN | TCPHDR_FIN)) != (TCPHDR_SYN | TCPHDR_FIN));
	return true;
}

/* A segment from host 0's port PORT to host 1's socket @sk. */
static void forge(u16 dport, u32 seq, u32 ack, u8 flags)
{
	u8 b[54] = { 0 };
	struct iphdr *ip = (struct iphdr *)(void *)(b + 14);
	struct tcphdr *th = (struct tcphdr *)(void *)(b + 34);

	memcpy(b, devs[1]->dev_addr, 6);
	memcpy(b + 6, devs[0]->dev_addr, 6);
	b[12] = 8;
	ip->ver_ihl = 0x45;
	ip->tot_len = htons(40);
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = IP4(10, 0, 0, 1);
	ip->daddr = IP4(10, 0, 0, 2);
	ip->check = ip_fast_csum(ip, 5);
	th->source = htons(PORT);
	th->dest = htons(dport);
	th->seq = htonl(seq);
	th->ack_seq = htonl(ack);
	th->doff = 5 << 4;
	th->flags = flags;
	th->window = htons(65535);
	th->check =
		csum_tcpudp_magic(ip->saddr, ip->daddr, 20, IPPROTO_TCP, csum_partial(th, 20, 0));
	seen.frames = 0;
	wire_put(0, b, sizeof(b), 1000);
	host_clock_advance(3 * NSEC_PER_MSEC);
}

/*
 * Simultaneous open, then close() while memory is out: the FIN rode on the SYN, and an acknowledgment of the SYN alone
 * cut through it, which an assertion did not take.
 */
TEST(a_fin_without_memory_does_not_ride_on_a_syn)
{
	struct socket *s;
	u16 port;
	u32 isn;

	hosts_up(1);
	s = tcp_socket(1);
	wire.filter = watch;
	CHECK_EQ(try_connect(s, 0, PORT, 04000 /* O_NONBLOCK */), -EINPROGRESS);
	host_clock_advance(10 * NSEC_PER_MSEC); /* ARP */
	CHECK_EQ(seen.flags, TCPHDR_SYN);
	port = s->sk->sk_num;
	isn = seen.seq;
	forge(port, 7000, 0, TCPHDR_SYN);
	CHECK_EQ(seen.flags, TCPHDR_SYN | TCPHDR_ACK);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1, .times = 1 };
	faults_armed = true;
	sock_release(s);
	CHECK_EQ(faults[FAULT_ALLOC].hits, 1);
	faults[FAULT_ALLOC] = (struct fault){ .on = false };
	faults_armed = false;
	host_clock_advance(1500 * NSEC_PER_MSEC);
	CHECK_EQ(seen.flags, TCPHDR_SYN | TCPHDR_ACK); /* again, and nothing more */
	forge(port, 7001, isn + 1, TCPHDR_ACK);
	host_clock_advance(100 * NSEC_PER_MSEC);
	CHECK_EQ(seen.flags, TCPHDR_FIN | TCPHDR_ACK);
	CHECK_EQ(seen.seq, isn + 1);
	forge(port, 7001, isn + 2, TCPHDR_FIN | TCPHDR_ACK);
	CHECK_EQ(seen.flags, TCPHDR_ACK);
	CHECK_EQ(seen.ack, 7002);
	CHECK_EQ(hosts[1]->tcp->tw_count, 1);
	hosts_down();
}

KTEST_MAIN_BOOT()
