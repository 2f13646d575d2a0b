// SPDX-License-Identifier: MIT
/*
 * The way of a packet, read from the trace: two whole hosts with the real driver on the model of the card, a wire between
 * them, and for each stage a test that fails when the stage is bypassed or comes at another place.
 */
#include "ktest_calls.h"

#include "e1000_model.h"

#include <drivers/e1000.h>
#include <drivers/loopback.h>
#include <kernel/fault.h>
#include <kernel/posix.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <lib/byteorder.h>
#include <net/inetdevice.h>
#include <net/init.h>
#include <net/ip.h>
#include <net/netdevice.h>
#include <net/netfilter.h>
#include <net/route.h>
#include <net/skbuff.h>
#include <net/socket.h>
#include <net/trace.h>
#include <uapi/if_packet.h>

#define IP4(a, b, c, d) htonl((u32)(a) << 24 | (u32)(b) << 16 | (u32)(c) << 8 | (u32)(d))
#define SEC             NSEC_PER_SEC
#define MS              NSEC_PER_MSEC
#define PORT            5000

/* --- Two hosts and a wire ----------------------------------------------------------------------------------------------- */
struct wire_frame {
	struct wire_frame *next;
	u64 at_ns;
	u32 to, len;
	u8 b[2048];
};

static struct e1000_model card[2];
static struct net *nets[2];
static struct net_device *devs[2];
static struct {
	struct wire_frame *first, **tail;
	u32 lose; /* so many large frames from host 0: TCP with payload, datagrams */
} wire = { .tail = &wire.first };

static void leaves_card(void *arg, const u8 *frame, u32 len)
{
	u32 from = arg == &card[1];
	struct wire_frame *f;

	if (from == 0 && wire.lose && (frame[23] == 6 || frame[23] == 17) && len > 200) {
		wire.lose--;
		return;
	}
	f = malloc(sizeof(*f));
	*f = (struct wire_frame){ .at_ns = host_clock() + MS / 10, .to = !from, .len = len };
	memcpy(f->b, frame, len);
	*wire.tail = f;
	wire.tail = &f->next;
}

static u64 wire_next(void *arg)
{
	(void)arg;
	return wire.first ? wire.first->at_ns : UINT64_MAX;
}

static void wire_run(void *arg)
{
	while (wire_next(arg) <= host_clock()) {
		struct wire_frame *f = wire.first;

		wire.first = f->next;
		if (!wire.first)
			wire.tail = &wire.first;
		(void)e1000_model_rx(&card[f->to], f->b, f->len, 0);
		free(f);
	}
}

static void host_up(struct pci_host *pci, u32 i)
{
	struct e1000_options o = { .tx_ring = 32,
				   .rx_ring = 32,
				   .txirq_always = i == 0,
				   .csum = true,
				   .mtu = 1500,
				   .txqueuelen = 100 };

	o.net = nets[i] = net_alloc();
	CHECK(nets[i] && net_init(nets[i]) == 0 && loopback_init(nets[i]) == 0);
	CHECK_EQ(net_loopback_address(nets[i]), 0);
	CHECK_EQ(pci_bind_device(pci_get_slot(pci, 0, (u8)(3 + i), 0), &e1000_driver, &o), 0);
	devs[i] = dev_get_by_name(nets[i], "eth0");
	CHECK_EQ(dev_open(devs[i]), 0);
	CHECK_EQ(inet_addr_add(devs[i], IP4(10, 0, 0, i + 1), 24), 0);
}

/* Once for all tests. */
static void up(void)
{
	struct pci_host *pci;

	if (nets[0])
		return;
	CHECK_EQ(net_global_init(), 0);
	host_set_events(wire_next, wire_run, NULL);
	for (u32 i = 0; i < 2; i++) {
		e1000_model_plug_at(&card[i], 0x100e, i);
		card[i].tx = leaves_card;
		card[i].arg = &card[i];
	}
	pci = pci_scan();
	syscall_init();
	posix_init();
	for (u32 i = 0; i < 2; i++)
		host_up(pci, i);
	socket_init(nets[0]);
	host_clock_advance(1100 * MS); /* a receiver is deaf for its first second */
}

/* --- What was traced ------------------------------------------------------------------------------------------------------ */
static struct trace_record rec[TRACE_RECORDS];
static u32 nr_rec;

static void begin(void)
{
	up();
	host_clock_per_call(1);
	CHECK_EQ(trace_set(TRACE_TX), 0);
	trace_clear();
}

/* Lets everything come to its end, and keeps the records. */
static void end(void)
{
	host_clock_advance(300 * MS);
	CHECK_EQ(trace_set(TRACE_OFF), 0);
	host_clock_per_call(0);
	nr_rec = trace_read(rec, ARRAY_SIZE(rec), 0);
	CHECK(nr_rec > 0 && nr_rec < TRACE_RECORDS);
	memset(faults, 0, sizeof(faults));
	faults_armed = false;
}

/* The packet that met @stage for the @nth time, counted from 0. */
static u32 packet_at(enum trace_stage stage, u32 nth)
{
	for (u32 i = 0; i < nr_rec; i++)
		if (rec[i].stage == stage && rec[i].kind != TRACE_EXIT && rec[i].len && !nth--)
			return rec[i].skb;
	return 0;
}

static bool in_family(const struct trace_record *r, u32 skb)
{
	return r->skb && (r->skb == skb || r->clone_of == skb);
}

/* A step of a way: a stage, of our packet (or a copy of it) or of anybody. */
struct step {
	const char *name;
	enum trace_stage stage;
	bool ours;
	enum trace_kind kind;
};
#define OURS(stage_)                                                                               \
	{                                                                                          \
#stage_, TRACE_##stage_, true, TRACE_AT                                            \
	}
#define ANY(stage_)                                                                                \
	{                                                                                          \
#stage_, TRACE_##stage_, false, TRACE_AT                                           \
	}
#define LEAVES(stage_)                                                                             \
	{                                                                                          \
#stage_ "_leaves", TRACE_##stage_, false, TRACE_EXIT                               \
	}

static bool meets(const struct step *s, const struct trace_record *r, u32 skb)
{
	return r->stage == s->stage && (r->kind == TRACE_EXIT) == (s->kind == TRACE_EXIT) &&
	       (!s->ours || in_family(r, skb));
}

/* Where step @n of the way stands, behind those before it (one that is missing holds nobody up); nr_rec: nowhere. */
static u32 find_step(const struct step *way, u32 n, u32 skb)
{
	u32 from = 0, at = nr_rec;

	for (u32 k = 0; k <= n; k++) {
		for (at = from; at < nr_rec && !meets(&way[k], &rec[at], skb);)
			at++;
		if (at < nr_rec)
			from = at + 1;
	}
	return at;
}

/* The packet meets the stage there, and (what happens to the packet itself) nowhere else. */
static void check_step(const struct step *way, const struct step *s, u32 skb)
{
	u32 seen = 0;

	CHECK(skb != 0);
	CHECK(find_step(way, (u32)(s - way), skb) < nr_rec);
	for (u32 i = 0; s->ours && i < nr_rec; i++)
		seen += meets(s, &rec[i], skb);
	if (s->ours)
		CHECK_EQ(seen, 1);
}

static void check_way(const struct step *way, u32 n, u32 skb)
{
	CHECK(skb != 0);
	for (u32 k = 0; k < n; k++) {
		if (find_step(way, k, skb) == nr_rec) {
			printf("# %s is not where it belongs\n", way[k].name);
			CHECK(false);
		}
	}
}
#define CHECK_WAY(way_, skb_) check_way(way_, ARRAY_SIZE(way_), skb_)

static void check_times(void)
{
	for (u32 i = 1; i < nr_rec; i++)
		CHECK(rec[i].ns > rec[i - 1].ns && rec[i].serial == rec[i - 1].serial + 1);
}

/* Every slice ends, inside the one in which it began. */
static void check_nesting(void)
{
	u16 stack[8][64];
	u32 depth[8] = { 0 };

	for (u32 i = 0; i < nr_rec; i++) {
		const struct trace_record *r = &rec[i];
		u32 t = r->context == TRACE_HARDIRQ ? 7 : r->context == TRACE_SOFTIRQ ? 6 : r->tid;

		CHECK(t < 8);
		if (r->kind == TRACE_ENTER) {
			CHECK(depth[t] < 64);
			stack[t][depth[t]++] = r->stage;
		} else if (r->kind == TRACE_EXIT) {
			CHECK(depth[t] > 0 && stack[t][depth[t] - 1] == r->stage);
			depth[t]--;
		}
	}
	for (u32 t = 0; t < 8; t++)
		CHECK_EQ(depth[t], 0);
}

/* --- Sockets ---------------------------------------------------------------------------------------------------------------- */
static const u8 bytes[140000];

static struct sockaddr_in peer(u16 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = IP4(10, 0, 0, 2) };
}

static int udp_socket(void)
{
	int fd = (int)SYS(socket, AF_INET, SOCK_DGRAM, 0);

	CHECK(fd >= 0);
	return fd;
}

static void udp_send(int fd, u32 len)
{
	struct sockaddr_in a = peer(9);

	CHECK_EQ(SYS(sendto, fd, P(bytes), len, 0, P(&a), sizeof(a)), len);
}

/* A connection from host 0 to host 1, whose end nobody reads. */
static struct {
	int fd;
	struct socket *listener, *accepted;
} tcp;

static void tcp_up(void)
{
	struct sockaddr_in a = peer(PORT);

	up();
	if (tcp.fd)
		return;
	CHECK_EQ(sock_create_kern(nets[1], AF_INET, SOCK_STREAM, 0, &tcp.listener), 0);
	CHECK_EQ(kernel_bind(tcp.listener, &a), 0);
	CHECK_EQ(tcp.listener->ops->listen(tcp.listener, 5), 0);
	tcp.fd = (int)SYS(socket, AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(SYS(connect, tcp.fd, P(&a), sizeof(a)), 0);
	tcp.accepted = calloc(1, sizeof(*tcp.accepted));
	CHECK_EQ(tcp.listener->ops->accept(tcp.listener, tcp.accepted, 0), 0);
	host_clock_advance(300 * MS);
}

static void tcp_send(u32 len)
{
	CHECK_EQ(SYS(sendto, tcp.fd, P(bytes), len, 0, 0, 0), len);
}

/* Host 1 reads what came, so that its window is open again. */
static void tcp_drain(void)
{
	static u8 sink[65536];

	for (;;) {
		struct iovec iov = { sink, sizeof(sink) };
		struct msghdr m = { .msg_flags = MSG_DONTWAIT };

		iov_iter_kvec(&m.msg_iter, &iov, 1);
		if (tcp.accepted->ops->recvmsg(tcp.accepted, &m, sizeof(sink), MSG_DONTWAIT) <= 0)
			break;
	}
	host_clock_advance(300 * MS);
}

/* --- The first datagram of all: nobody knows the neighbour yet ------------------------------------------------------------ */
static const struct step arp_way[] = {
	OURS(ip_finish_output2), OURS(neigh_queued),   ANY(neigh_solicit),
	ANY(e1000_doorbell),     ANY(arp_rcv),         OURS(neigh_flushed),
	OURS(neigh_output),      OURS(dev_queue_xmit), OURS(e1000_xmit_frame),
	OURS(e1000_tx_map),      ANY(e1000_doorbell),  OURS(clone_freed),
};

TEST(first_datagram_waits_for_the_neighbour)
{
	u32 skb, outputs = 0;
	int fd;

	begin();
	fd = udp_socket();
	udp_send(fd, 100);
	end();
	CHECK_EQ(SYS(close, fd), 0);
	skb = packet_at(TRACE_udp_send_skb, 0);
	CHECK_WAY(arp_way, skb);
	check_times();
	check_nesting();
	/* Twice at the neighbour: when it was parked, and when the answer let it go. */
	for (u32 i = 0; i < nr_rec; i++)
		outputs += rec[i].stage == TRACE_neigh_output && rec[i].kind == TRACE_ENTER &&
			   rec[i].skb == skb;
	CHECK_EQ(outputs, 2);
	for (u32 i = 0; i < nr_rec; i++)
		if (rec[i].stage == TRACE_neigh_queued)
			CHECK_EQ(rec[i].qlen, 1);
}

/* --- One TCP segment, down and back up ------------------------------------------------------------------------------------- */
static const struct step tcp_way[] = {
	ANY(sys_sendto),
	ANY(sock_sendmsg),
	ANY(inet_sendmsg),
	ANY(tcp_sendmsg),
	OURS(skb_entail),
	OURS(skb_add_data),
	ANY(tcp_push),
	ANY(tcp_write_xmit),
	OURS(tcp_transmit_skb),
	OURS(tcp_clone),
	OURS(ip_queue_xmit),
	OURS(ip_local_out),
	OURS(nf_local_out),
	OURS(ip_output),
	OURS(nf_post_routing),
	OURS(ip_finish_output),
	OURS(ip_finish_output2),
	OURS(neigh_output),
	OURS(dev_queue_xmit),
	OURS(qdisc_bypass),
	OURS(sch_direct_xmit),
	OURS(validate_xmit_skb),
	OURS(dev_hard_start_xmit),
	OURS(e1000_xmit_frame),
	OURS(e1000_tx_map),
	LEAVES(tcp_transmit_skb),
	OURS(tcp_event_new_data_sent),
	LEAVES(tcp_write_xmit),
	ANY(e1000_doorbell),
	ANY(irq),
	ANY(e1000_intr),
	ANY(napi_schedule),
	ANY(softirq),
	ANY(net_rx_action),
	ANY(napi_poll),
	ANY(e1000_clean_tx),
	OURS(clone_freed),
	LEAVES(sys_sendto),
	ANY(netif_receive_skb),
	ANY(ip_rcv),
	ANY(tcp_v4_rcv),
	ANY(tcp_ack),
	OURS(original_freed),
};

static u32 tcp_segment(void)
{
	static struct trace_record kept[TRACE_RECORDS];
	static u32 nr_kept;

	if (!nr_kept) {
		tcp_up();
		begin();
		tcp_send(1000);
		end();
		memcpy(kept, rec, sizeof(rec));
		nr_kept = nr_rec;
	}
	memcpy(rec, kept, sizeof(rec));
	nr_rec = nr_kept;
	return packet_at(TRACE_tcp_transmit_skb, 0);
}

TEST_EACH(tcp_segment_meets, tcp_way)
{
	u32 skb = tcp_segment();

	check_step(tcp_way, row, skb);
}

TEST(tcp_segment_in_time_and_in_slices)
{
	u32 skb = tcp_segment(), seq = 0, sock = 0;

	check_times();
	check_nesting();
	for (u32 i = 0; i < nr_rec; i++) {
		if (!in_family(&rec[i], skb) || rec[i].kind == TRACE_EXIT)
			continue;
		if (!seq) {
			seq = rec[i].seq;
			sock = rec[i].sock;
		}
		CHECK(seq && rec[i].seq == seq); /* above and below the header alike */
		CHECK(sock && rec[i].sock == sock);
		CHECK_EQ(rec[i].clone_of, rec[i].skb == skb ? 0 : skb);
	}
}

static const struct {
	const char *name;
	enum trace_stage stage;
	enum trace_context context;
} contexts[] = {
	{ "sendmsg_in_process", TRACE_tcp_sendmsg, TRACE_PROCESS },
	{ "transmit_with_bh_off", TRACE_tcp_transmit_skb, TRACE_BH },
	{ "driver_with_bh_off", TRACE_e1000_xmit_frame, TRACE_BH },
	{ "doorbell_with_bh_off", TRACE_e1000_doorbell, TRACE_BH },
	{ "interrupt_in_hardirq", TRACE_e1000_intr, TRACE_HARDIRQ },
	{ "schedule_in_hardirq", TRACE_napi_schedule, TRACE_HARDIRQ },
	{ "clone_freed_in_softirq", TRACE_clone_freed, TRACE_SOFTIRQ },
	{ "original_freed_in_softirq", TRACE_original_freed, TRACE_SOFTIRQ },
};

TEST_EACH(tcp_segment_context, contexts)
{
	u32 skb = tcp_segment(), i = 0;

	while (i < nr_rec &&
	       (rec[i].stage != row->stage || (rec[i].skb && !in_family(&rec[i], skb))))
		i++;
	CHECK(i < nr_rec && rec[i].context == row->context);
}

/* The interrupt that says "sent" has the card polled: the work is NET_RX's, and NET_TX has none. */
TEST(completion_raises_net_rx_and_not_net_tx)
{
	u32 skb = tcp_segment(), freed_by = NR_SOFTIRQS, rx = 0;

	for (u32 i = 0; i < nr_rec; i++) {
		if (rec[i].stage == TRACE_softirq && rec[i].kind == TRACE_ENTER) {
			CHECK(rec[i].aux != NET_TX_SOFTIRQ);
			freed_by = rec[i].aux;
		}
		CHECK(rec[i].stage != TRACE_net_tx_action && rec[i].stage != TRACE_netif_schedule);
		if (rec[i].stage == TRACE_clone_freed && in_family(&rec[i], skb)) {
			CHECK_EQ(freed_by, NET_RX_SOFTIRQ);
			rx++;
		}
	}
	CHECK_EQ(rx, 1);
}

/* The headers grow by what each floor adds, and the queue shows what lies in it. */
static const struct {
	const char *name;
	enum trace_stage stage;
	u32 len, qlen;
} lengths[] = {
	{ "payload", TRACE_tcp_transmit_skb, 1000, 1 },
	{ "tcp", TRACE_ip_queue_xmit, 1032, 0 },
	{ "ip", TRACE_ip_output, 1052, 0 },
	{ "ethernet", TRACE_dev_queue_xmit, 1066, 0 },
	{ "driver", TRACE_e1000_xmit_frame, 1066, 0 },
	{ "completion", TRACE_clone_freed, 1066, 0 },
	{ "retransmit_queue", TRACE_tcp_event_new_data_sent, 1000, 1 },
	{ "acknowledged", TRACE_original_freed, 1000, 0 },
};

TEST_EACH(tcp_segment_length, lengths)
{
	u32 skb = tcp_segment(), i = 0;

	while (i < nr_rec && (rec[i].stage != row->stage || !in_family(&rec[i], skb)))
		i++;
	CHECK(i < nr_rec);
	CHECK_EQ(rec[i].len, row->len);
	CHECK_EQ(rec[i].qlen, row->qlen);
}

/* --- One datagram ---------------------------------------------------------------------------------------------------------- */
static const struct step udp_way[] = {
	ANY(sys_sendto),
	ANY(sock_sendmsg),
	ANY(inet_sendmsg),
	ANY(udp_sendmsg),
	OURS(udp_send_skb),
	OURS(ip_send_skb),
	OURS(ip_local_out),
	OURS(nf_local_out),
	OURS(ip_output),
	OURS(nf_post_routing),
	OURS(ip_finish_output),
	OURS(ip_finish_output2),
	OURS(neigh_output),
	OURS(dev_queue_xmit),
	OURS(qdisc_bypass),
	OURS(sch_direct_xmit),
	OURS(validate_xmit_skb),
	OURS(dev_hard_start_xmit),
	OURS(e1000_xmit_frame),
	OURS(e1000_tx_map),
	ANY(e1000_doorbell),
	ANY(irq),
	ANY(e1000_intr),
	ANY(napi_schedule),
	ANY(softirq),
	ANY(net_rx_action),
	ANY(napi_poll),
	ANY(e1000_clean_tx),
	OURS(clone_freed),
	LEAVES(udp_sendmsg),
	LEAVES(sys_sendto),
};

static u32 datagram(void)
{
	static struct trace_record kept[TRACE_RECORDS];
	static u32 nr_kept;

	if (!nr_kept) {
		int fd;

		tcp_up(); /* the neighbour is known then */
		begin();
		fd = udp_socket();
		udp_send(fd, 100);
		end();
		CHECK_EQ(SYS(close, fd), 0);
		memcpy(kept, rec, sizeof(rec));
		nr_kept = nr_rec;
	}
	memcpy(rec, kept, sizeof(rec));
	nr_rec = nr_kept;
	return packet_at(TRACE_udp_send_skb, 0);
}

TEST_EACH(datagram_meets, udp_way)
{
	u32 skb = datagram();

	check_step(udp_way, row, skb);
}

TEST(datagram_in_time_and_in_slices)
{
	u32 skb = datagram();

	check_times();
	check_nesting();
	for (u32 i = 0; i < nr_rec; i++)
		CHECK(!in_family(&rec[i], skb) || rec[i].clone_of == 0); /* no copy of it is made */
}

/* --- A SYN: no byte of data, and the same way ---------------------------------------------------------------------------------- */
static const struct step syn_way[] = {
	OURS(tcp_transmit_skb), OURS(tcp_clone),    OURS(ip_queue_xmit),
	OURS(dev_queue_xmit),   OURS(e1000_tx_map), OURS(clone_freed),
};

TEST(syn_is_seen_on_its_way)
{
	struct sockaddr_in a = peer(PORT);
	struct socket second = { 0 };
	u32 syn = 0;
	int fd;

	tcp_up();
	begin();
	fd = (int)SYS(socket, AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(SYS(connect, fd, P(&a), sizeof(a)), 0);
	end();
	for (u32 i = 0; i < nr_rec && !syn; i++)
		if (rec[i].stage == TRACE_ip_queue_xmit)
			syn = rec[i].clone_of;
	CHECK_WAY(syn_way, syn);
	CHECK_EQ(tcp.listener->ops->accept(tcp.listener, &second, 0), 0);
	second.ops->release(&second);
	CHECK_EQ(SYS(close, fd), 0);
	host_clock_advance(300 * MS);
}

/* --- No room in the ring: requeued, and NET_TX goes on ----------------------------------------------------------------------- */
static const struct step busy_way[] = {
	OURS(qdisc_bypass),
	OURS(dev_hard_start_xmit),
	OURS(e1000_tx_busy),
	OURS(qdisc_requeue),
	ANY(netif_schedule),
	ANY(softirq),
	ANY(net_tx_action),
	ANY(qdisc_run),
	OURS(qdisc_dequeue_requeued),
	OURS(sch_direct_xmit),
	OURS(dev_hard_start_xmit),
	OURS(e1000_xmit_frame),
	OURS(e1000_tx_map),
	ANY(e1000_doorbell),
	OURS(clone_freed),
};
static const struct step second_way[] = {
	OURS(dev_queue_xmit),        OURS(qdisc_enqueue), ANY(net_tx_action),
	ANY(qdisc_dequeue_requeued), OURS(qdisc_dequeue), OURS(sch_direct_xmit),
	OURS(e1000_tx_map),          OURS(clone_freed),
};

TEST(busy_ring_requeues_and_net_tx_sends_in_order)
{
	const char *why;
	u32 first, second, posted[2], n = 0;
	int fd;

	tcp_up();
	begin();
	fd = udp_socket();
	CHECK_EQ(fault_parse("fault", "ringfull,at=1,ms=5", NULL, &why), 0);
	udp_send(fd, 100);
	udp_send(fd, 200);
	end();
	CHECK_EQ(SYS(close, fd), 0);
	first = packet_at(TRACE_udp_send_skb, 0);
	second = packet_at(TRACE_udp_send_skb, 1);
	CHECK_WAY(busy_way, first);
	CHECK_WAY(second_way, second);
	check_times();
	check_nesting();
	for (u32 i = 0; i < nr_rec; i++)
		if (rec[i].stage == TRACE_e1000_tx_map && n < 2 &&
		    (rec[i].skb == first || rec[i].skb == second))
			posted[n++] = rec[i].skb;
	CHECK(n == 2 && posted[0] == first && posted[1] == second);
	for (u32 i = 0; i < nr_rec; i++) {
		if (rec[i].stage == TRACE_softirq && rec[i].aux == NET_TX_SOFTIRQ &&
		    rec[i].kind == TRACE_ENTER)
			CHECK_STR(rec[i].note, "NET_TX");
		if (rec[i].stage == TRACE_qdisc_dequeue && rec[i].skb == second)
			CHECK_EQ(rec[i].context, TRACE_SOFTIRQ);
	}
}

/* --- A lost segment: the same original, another clone ------------------------------------------------------------------------ */
static const struct step lost_way[] = {
	OURS(tcp_transmit_skb), OURS(tcp_clone),
	OURS(e1000_tx_map),     OURS(tcp_event_new_data_sent),
	OURS(clone_freed),      OURS(tcp_retransmit_skb),
	OURS(tcp_transmit_skb), OURS(tcp_clone),
	OURS(ip_queue_xmit),    OURS(e1000_tx_map),
	ANY(e1000_doorbell),    OURS(clone_freed),
	ANY(tcp_ack),           OURS(original_freed),
};

TEST(retransmission_is_a_second_clone_of_the_same_original)
{
	u32 skb, clones = 0, clone[2] = { 0 }, freed = 0, originals = 0;

	tcp_up();
	begin();
	wire.lose = 1;
	tcp_send(1000);
	host_clock_advance(2 * SEC);
	end();
	skb = packet_at(TRACE_tcp_transmit_skb, 0);
	CHECK_WAY(lost_way, skb);
	check_times();
	check_nesting();
	for (u32 i = 0; i < nr_rec; i++) {
		if (!in_family(&rec[i], skb))
			continue;
		if (rec[i].stage == TRACE_tcp_clone && clones < 2)
			clone[clones++] = rec[i].skb;
		freed += rec[i].stage == TRACE_clone_freed;
		originals += rec[i].stage == TRACE_original_freed;
	}
	CHECK(clones == 2 && clone[0] != clone[1]);
	CHECK_EQ(freed, 2);
	CHECK_EQ(originals, 1);
}

/* --- No room in the send buffer: the sender sleeps till an ACK wakes him ------------------------------------------------------ */
static const struct step sleep_way[] = {
	ANY(sys_sendto),
	ANY(tcp_sendmsg),
	ANY(sk_stream_wait_memory),
	ANY(tcp_ack),
	ANY(original_freed),
	ANY(sk_write_space),
	ANY(thread_wake),
	LEAVES(sk_stream_wait_memory),
	LEAVES(tcp_sendmsg),
	LEAVES(sys_sendto),
};

TEST(sender_sleeps_and_an_ack_wakes_him)
{
	int small = 4608;

	tcp_up();
	CHECK_EQ(SYS(setsockopt, tcp.fd, SOL_SOCKET, SO_SNDBUF, P(&small), sizeof(small)), 0);
	begin();
	tcp_send(50000);
	end();
	CHECK_WAY(sleep_way, packet_at(TRACE_tcp_transmit_skb, 0));
	check_times();
	check_nesting();
}

/* --- Cut in pieces: fragments above the device layer, segments inside it ------------------------------------------------------ */
/* A datagram with @len bytes behind its UDP header, as the transport gives it to IP; @gso > 0: to be cut into such pieces. */
static void send_large(u32 len, u16 gso)
{
	struct flowi4 fl = { .daddr = IP4(10, 0, 0, 2), .flowi4_proto = IPPROTO_UDP };
	struct rtable *rt = ip_route_output_key(nets[0], &fl);
	struct sk_buff *skb = alloc_skb(LL_MAX_HEADER + 28 + len);
	struct udphdr *uh;

	CHECK(!IS_ERR(rt) && skb);
	skb_reserve(skb, LL_MAX_HEADER + 28);
	memset(skb_put(skb, len), 0x55, len);
	uh = skb_push(skb, sizeof(*uh));
	skb_reset_transport_header(skb);
	*uh = (struct udphdr){ htons(9), htons(9), htons((u16)skb->len), 0 };
	if (gso) {
		skb_shinfo(skb)->gso_size = gso;
		skb_shinfo(skb)->gso_segs = (u16)((len + gso - 1) / gso);
		skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb->transport_header;
		skb->csum_offset = 6;
	}
	CHECK_EQ(ip_send_skb(nets[0], NULL, skb, rt, &fl, 64, false), 0);
}

/* What each piece of a packet meets by itself. */
static void check_pieces(u32 skb, const struct step *way, u32 n, enum trace_stage made, u32 pieces)
{
	u32 seen = 0;

	for (u32 i = 0; i < nr_rec; i++) {
		if (rec[i].stage != made || rec[i].clone_of != skb)
			continue;
		seen++;
		for (u32 k = 0; k < n; k++) {
			u32 hits = 0;

			for (u32 j = i; j < nr_rec; j++)
				hits += rec[j].skb == rec[i].skb && rec[j].stage == way[k].stage &&
					rec[j].kind != TRACE_EXIT;
			CHECK_EQ(hits, 1);
		}
	}
	CHECK_EQ(seen, pieces);
}

TEST(fragments_are_followed)
{
	static const struct step above[] = { OURS(ip_send_skb),      OURS(nf_local_out),
					     OURS(nf_post_routing),  OURS(ip_finish_output),
					     OURS(ip_fragment),      OURS(ip_fragment_made),
					     OURS(ip_finish_output2) };
	static const struct step below[] = { OURS(ip_finish_output2), OURS(neigh_output),
					     OURS(dev_queue_xmit),    OURS(validate_xmit_skb),
					     OURS(e1000_tx_map),      OURS(clone_freed) };
	u32 skb, hooks = 0;

	tcp_up();
	begin();
	send_large(4000, 0);
	end();
	skb = packet_at(TRACE_ip_send_skb, 0);
	CHECK_WAY(above, skb);
	check_pieces(skb, below, ARRAY_SIZE(below), TRACE_ip_fragment_made, 3);
	check_nesting();
	for (u32 i = 0; i < nr_rec; i++)
		hooks += rec[i].stage == TRACE_nf_post_routing && in_family(&rec[i], skb);
	CHECK_EQ(hooks, 1); /* before it is cut: once for the datagram */
}

TEST(segments_are_followed)
{
	static const struct step above[] = { OURS(ip_send_skb),        OURS(ip_finish_output),
					     OURS(neigh_output),       OURS(dev_queue_xmit),
					     OURS(validate_xmit_skb),  OURS(skb_gso_segment),
					     OURS(dev_hard_start_xmit) };
	static const struct step below[] = { OURS(dev_hard_start_xmit), OURS(e1000_xmit_frame),
					     OURS(e1000_tx_map), OURS(clone_freed) };
	u32 skb, queued = 0, posted = 0;

	tcp_up();
	begin();
	send_large(3000, 1000);
	end();
	skb = packet_at(TRACE_ip_send_skb, 0);
	CHECK_WAY(above, skb);
	check_pieces(skb, below, ARRAY_SIZE(below), TRACE_skb_gso_segment, 3);
	check_nesting();
	for (u32 i = 0; i < nr_rec; i++) {
		queued += rec[i].stage == TRACE_dev_queue_xmit && rec[i].kind == TRACE_ENTER &&
			  in_family(&rec[i], skb);
		posted += rec[i].stage == TRACE_e1000_tx_map && in_family(&rec[i], skb);
		/* One packet down to the driver, and one ring for its three frames. */
		if (rec[i].stage == TRACE_e1000_doorbell)
			CHECK_EQ(posted, 3);
	}
	CHECK_EQ(queued, 1);
}

/* --- Put together again, or given up --------------------------------------------------------------------------------------- */
/* How often @stage was met; what happens at a return is not. */
static u32 times(enum trace_stage stage)
{
	u32 n = 0;

	for (u32 i = 0; i < nr_rec; i++)
		n += rec[i].stage == stage && rec[i].kind != TRACE_EXIT;
	return n;
}

static const struct trace_record *first_at(enum trace_stage stage)
{
	for (u32 i = 0; i < nr_rec; i++)
		if (rec[i].stage == stage && rec[i].kind != TRACE_EXIT)
			return &rec[i];
	CHECK(false);
	return NULL;
}

TEST(fragments_wait_for_each_other_and_become_one)
{
	static const struct step way[] = {
		OURS(ip_fragment), ANY(ip_rcv),        ANY(ip_defrag),     ANY(ip_frag_queue),
		LEAVES(ip_defrag), ANY(ip_defrag),     ANY(ip_frag_queue), LEAVES(ip_defrag),
		ANY(ip_defrag),    ANY(ip_frag_queue), ANY(ip_frag_reasm), LEAVES(ip_defrag),
		ANY(udp_rcv)
	};
	const struct trace_record *whole;
	u32 qlen = 0, first = 0;

	tcp_up();
	begin();
	CHECK_EQ(trace_set(TRACE_ALL), 0);
	send_large(4000, 0);
	end();
	CHECK_WAY(way, packet_at(TRACE_ip_send_skb, 0));
	check_times();
	check_nesting();
	CHECK_EQ(times(TRACE_ip_defrag), 3);
	for (u32 i = 0; i < nr_rec; i++) {
		if (rec[i].stage != TRACE_ip_frag_queue)
			continue;
		first = first ? first : rec[i].skb;
		CHECK_EQ(rec[i].qlen, ++qlen);
		CHECK_EQ(rec[i].context, TRACE_SOFTIRQ);
	}
	whole = first_at(TRACE_ip_frag_reasm);
	CHECK_EQ(times(TRACE_ip_frag_reasm), 1);
	CHECK_EQ(whole->skb, first); /* the others hang on it */
	CHECK_EQ(whole->len, 20 + 8 + 4000);
	CHECK_EQ(whole->qlen, 3);
	CHECK_EQ(times(TRACE_ip_expire), 0);
}

TEST(fragments_without_their_others_are_given_up)
{
	static const struct step way[] = { OURS(ip_fragment), ANY(ip_defrag), ANY(ip_frag_queue),
					   ANY(timer_irq),    ANY(ip_expire), ANY(kfree_skb) };

	tcp_up();
	begin();
	CHECK_EQ(trace_set(TRACE_ALL), 0);
	wire.lose = 1;
	send_large(4000, 0);
	host_clock_advance(31 * SEC);
	end();
	CHECK_WAY(way, packet_at(TRACE_ip_send_skb, 0));
	check_nesting();
	CHECK_EQ(times(TRACE_ip_frag_queue), 2);
	CHECK_EQ(times(TRACE_ip_frag_reasm), 0);
	CHECK_EQ(times(TRACE_ip_expire), 1);
	CHECK_EQ(first_at(TRACE_ip_expire)->qlen, 2);
}

/* --- Sockets that are neither TCP nor UDP ----------------------------------------------------------------------------------- */
TEST(raw_packet_goes_down_and_comes_up)
{
	static const struct step way[] = {
		ANY(sys_sendto),    ANY(inet_sendmsg),    ANY(raw_sendmsg),   OURS(ip_send_skb),
		OURS(ip_local_out), OURS(dev_queue_xmit), OURS(e1000_tx_map), LEAVES(raw_sendmsg),
		LEAVES(sys_sendto), ANY(ip_rcv),          ANY(raw_rcv)
	};
	struct sockaddr_in a = peer(0);
	struct socket *ear;
	int fd;

	tcp_up();
	sock_allow_raw(nets[0], true);
	sock_allow_raw(nets[1], true);
	CHECK_EQ(sock_create_kern(nets[1], AF_INET, SOCK_RAW, 253, &ear), 0);
	begin();
	CHECK_EQ(trace_set(TRACE_ALL), 0);
	fd = (int)SYS(socket, AF_INET, SOCK_RAW, 253);
	CHECK_EQ(SYS(sendto, fd, P(bytes), 100, 0, P(&a), sizeof(a)), 100);
	end();
	CHECK_EQ(SYS(close, fd), 0);
	sock_release(ear);
	CHECK_WAY(way, packet_at(TRACE_ip_send_skb, 0));
	check_times();
	check_nesting();
	CHECK_EQ(first_at(TRACE_raw_sendmsg)->len, 100);
	CHECK_EQ(first_at(TRACE_raw_sendmsg)->context, TRACE_PROCESS);
	CHECK_EQ(first_at(TRACE_raw_rcv)->len, 120);
	CHECK_EQ(first_at(TRACE_raw_rcv)->context, TRACE_SOFTIRQ);
}

TEST(echo_of_a_ping_socket_goes_down_and_comes_up)
{
	static const struct step way[] = { ANY(sys_sendto),    ANY(inet_sendmsg),
					   ANY(ping_sendmsg),  OURS(ip_send_skb),
					   OURS(e1000_tx_map), LEAVES(ping_sendmsg),
					   ANY(icmp_rcv),      ANY(icmp_rcv),
					   ANY(ping_rcv) };
	const u8 echo[16] = { 8 };
	struct sockaddr_in a = peer(0);
	int fd;

	tcp_up();
	begin();
	CHECK_EQ(trace_set(TRACE_ALL), 0);
	fd = (int)SYS(socket, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	CHECK_EQ(SYS(sendto, fd, P(echo), sizeof(echo), 0, P(&a), sizeof(a)), sizeof(echo));
	end();
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_WAY(way, packet_at(TRACE_ip_send_skb, 0));
	check_times();
	check_nesting();
	CHECK_EQ(first_at(TRACE_ping_sendmsg)->len, sizeof(echo));
	CHECK_EQ(times(TRACE_ping_rcv), 1);
	CHECK_EQ(first_at(TRACE_ping_rcv)->len, sizeof(echo));
}

TEST(frame_of_a_packet_socket_goes_down_and_is_seen)
{
	static const struct step way[] = { ANY(sys_sendto),      ANY(sock_sendmsg),
					   ANY(packet_sendmsg),  OURS(packet_snd),
					   OURS(dev_queue_xmit), ANY(packet_rcv),
					   OURS(e1000_tx_map),   LEAVES(packet_sendmsg),
					   LEAVES(sys_sendto) };
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(0x88b5),
				  .sll_ifindex = (int)devs[0]->ifindex };
	u8 frame[100] = { 0x02, 0, 0, 0, 0, 9, 0x02, 0, 0, 0, 0, 8, 0x88, 0xb5 };
	int fd, ear;

	tcp_up();
	sock_allow_raw(nets[0], true);
	to.sll_ifindex = (int)devs[0]->ifindex;
	ear = (int)SYS(socket, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	CHECK(ear >= 0);
	begin();
	CHECK_EQ(trace_set(TRACE_ALL), 0);
	fd = (int)SYS(socket, AF_PACKET, SOCK_RAW, 0);
	CHECK_EQ(SYS(sendto, fd, P(frame), sizeof(frame), 0, P(&to), sizeof(to)), sizeof(frame));
	end();
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_EQ(SYS(close, ear), 0);
	CHECK_WAY(way, packet_at(TRACE_packet_snd, 0));
	check_times();
	check_nesting();
	CHECK_EQ(first_at(TRACE_packet_sendmsg)->len, sizeof(frame));
	CHECK_EQ(times(TRACE_packet_rcv), 1); /* what leaves; not its own sender */
	CHECK_EQ(first_at(TRACE_packet_rcv)->len, sizeof(frame));
}

/* --- Small queues, byte limit ------------------------------------------------------------------------------------------------- */
TEST(completion_lets_a_throttled_sender_go_on_by_the_tasklet)
{
	static const struct step way[] = { ANY(tcp_sendmsg),       ANY(tcp_throttled),
					   ANY(e1000_clean_tx),    ANY(tcp_wfree),
					   ANY(softirq),           ANY(tcp_tsq_tasklet),
					   ANY(tcp_tsq_write),     LEAVES(tcp_tsq_write),
					   LEAVES(tcp_tsq_tasklet) };

	tcp_up();
	tcp_drain();
	CHECK_EQ(net_sysctl_set(nets[0], "tcp_limit_output_bytes", "1"), 0);
	begin();
	tcp_send(140000);
	end();
	CHECK_EQ(net_sysctl_set(nets[0], "tcp_limit_output_bytes", "1048576"), 0);
	tcp_drain();
	CHECK_WAY(way, packet_at(TRACE_tcp_transmit_skb, 0));
	check_nesting();
	CHECK_EQ(first_at(TRACE_tcp_tsq_tasklet)->context, TRACE_SOFTIRQ);
}

TEST(byte_limit_stops_the_queue_and_a_completion_starts_it)
{
	static const struct step way[] = { OURS(ip_fragment),   OURS(e1000_xmit_frame),
					   OURS(e1000_tx_map),  ANY(bql_stop),
					   ANY(e1000_doorbell), ANY(e1000_clean_tx),
					   ANY(bql_start),      ANY(netif_schedule),
					   OURS(e1000_tx_map),  ANY(net_tx_action) };
	struct dql *dql;
	u32 limit;

	tcp_up();
	dql = &netdev_get_tx_queue(devs[0], 0)->dql;
	limit = dql->limit;
	dql->limit = 2 * 1514;
	begin();
	send_large(4000, 0);
	end();
	dql->limit = limit;
	CHECK_WAY(way, packet_at(TRACE_ip_send_skb, 0));
	check_times();
	check_nesting();
	CHECK_EQ(times(TRACE_bql_stop), 1);
	CHECK_EQ(times(TRACE_bql_start), 1);
	CHECK(first_at(TRACE_bql_stop)->aux >= 2 * 1514); /* bytes that the card has */
	CHECK(first_at(TRACE_bql_start)->aux < 2 * 1514);
}

/* --- Held by a filter ------------------------------------------------------------------------------------------------------------ */
static struct nf_queue_entry *nf_held;

static u32 nf_queues_datagrams(void *arg, struct sk_buff *skb, const struct nf_hook_state *state)
{
	(void)arg, (void)state;
	return ip_hdr(skb)->protocol == IPPROTO_UDP ? NF_QUEUE : NF_ACCEPT;
}

static int nf_holds(void *arg, struct nf_queue_entry *entry)
{
	(void)arg;
	nf_held = entry;
	return 0;
}

TEST(packet_that_a_filter_holds_comes_back_behind_it)
{
	static const struct step way[] = {
		OURS(ip_local_out),   OURS(nf_local_out), OURS(nf_hook_slow), OURS(nf_queue),
		LEAVES(sys_sendto),   OURS(nf_reinject),  OURS(ip_output),    OURS(nf_post_routing),
		OURS(dev_queue_xmit), OURS(e1000_tx_map), OURS(clone_freed)
	};
	const struct nf_hook_ops ops = { .hook = NF_INET_LOCAL_OUT, .fn = nf_queues_datagrams };
	int fd;

	tcp_up();
	CHECK_EQ(nf_register_queue_handler(nets[0], nf_holds, NULL), 0);
	CHECK_EQ(nf_register_net_hook(nets[0], &ops), 0);
	begin();
	fd = udp_socket();
	udp_send(fd, 100);
	CHECK(nf_held);
	local_bh_disable();
	nf_reinject(nf_held, NF_ACCEPT);
	local_bh_enable();
	end();
	CHECK_EQ(SYS(close, fd), 0);
	nf_unregister_net_hook(nets[0], &ops);
	nf_unregister_queue_handler(nets[0]);
	CHECK_WAY(way, packet_at(TRACE_udp_send_skb, 0));
	check_times();
	check_nesting();
	CHECK_EQ(times(TRACE_nf_queue), 1);
	CHECK_EQ(first_at(TRACE_nf_queue)->qlen, 1);
}

/* --- A drop says why ------------------------------------------------------------------------------------------------------------ */
TEST(drop_names_its_reason)
{
	const char *why;
	u32 skb, drops = 0;
	int fd;

	tcp_up();
	begin();
	fd = udp_socket();
	CHECK_EQ(fault_parse("fault", "qdiscdrop", NULL, &why), 0);
	{
		struct sockaddr_in a = peer(9);

		(void)SYS(sendto, fd, P(bytes), 10, 0, P(&a), sizeof(a));
	}
	end();
	CHECK_EQ(SYS(close, fd), 0);
	skb = packet_at(TRACE_udp_send_skb, 0);
	for (u32 i = 0; i < nr_rec; i++) {
		if (rec[i].stage != TRACE_kfree_skb || rec[i].skb != skb)
			continue;
		drops++;
		CHECK_STR(rec[i].note, "QDISC_DROP");
	}
	CHECK_EQ(drops, 1);
}

/* --- Off again: nothing is written -------------------------------------------------------------------------------------------- */
TEST(off_writes_nothing)
{
	u64 serial = trace_serial();

	tcp_up();
	CHECK_EQ(trace_mode(), TRACE_OFF);
	tcp_send(1000);
	host_clock_advance(300 * MS);
	CHECK_EQ(trace_serial(), serial);
}

/* trace=all has what trace=tx has, and the life of each packet beside it. */
TEST(all_shows_birth_and_end)
{
	static const struct step way[] = { ANY(sys_sendto),   OURS(alloc_skb),
					   OURS(skb_entail),  OURS(skb_clone),
					   OURS(tcp_clone),   OURS(clone_freed),
					   OURS(consume_skb), OURS(original_freed) };

	tcp_up();
	begin();
	CHECK_EQ(trace_set(TRACE_ALL), 0);
	tcp_send(500);
	end();
	CHECK_WAY(way, packet_at(TRACE_tcp_transmit_skb, 0));
	check_nesting();
}

KTEST_MAIN_BOOT()
