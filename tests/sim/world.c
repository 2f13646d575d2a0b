// SPDX-License-Identifier: MIT
/*
 * Hosts: each a struct net with the e1000 driver on a model of its own; their birth, the run, their end.
 *
 * Interface: sim_run (sim.h), world, host_of_net, host_of_ip (world.h).
 * Above: main.c. Below: wire.c, apps.c, oracle.c, observer.c; the kernel's rooms as boot/main.c raises them.
 * Context: process, thread "init". Owns: the hosts.
 */
#include "world.h"

#include <drivers/loopback.h>
#include <kernel/fault.h>
#include <kernel/random.h>
#include <net/inetdevice.h>
#include <net/init.h>
#include <net/sch_generic.h>
#include <net/tcp.h>

#define RX_HOLD_NS   (1100 * MS) /* the card takes nothing for a second after it was switched on */
#define TIME_WAIT_NS (70 * NSEC_PER_SEC)

struct world world;
static struct e1000_model models[SIM_HOSTS];
static struct pci_host *pci;

const struct host *host_of_net(const struct net *net)
{
	for (u32 i = 0; i < world.nr_hosts; i++)
		if (world.host[i].net == net)
			return &world.host[i];
	return NULL;
}

const struct host *host_of_ip(__be32 ip)
{
	for (u32 i = 0; i < world.nr_hosts; i++)
		if (world.host[i].ip == ip)
			return &world.host[i];
	return NULL;
}

static void must(const char *what, int err)
{
	if (err)
		sim_fail("setup", "%s: error %d", what, err);
}

/* Patience that fits a bad wire: a connection must not end by chance, only by what the run is about. */
static void host_settings(const struct host *h, struct rng *r)
{
	must("sysctl", tcp_sysctl_set(h->net, "tcp_orphan_retries", "15"));
	must("sysctl", tcp_sysctl_set(h->net, "tcp_synack_retries", "12"));
	must("sysctl", tcp_sysctl_set(h->net, "tcp_syn_retries", "12"));
	/* A last ACK that the wire doubles opens a connection again that a cookie opened, whatever became of it (RFC 4987, 3.6). */
	must("sysctl", tcp_sysctl_set(h->net, "tcp_syncookies", "0"));
	if (rng_ppm(r, 200000) && !sim_options.lab)
		must("sysctl", tcp_sysctl_set(h->net, "tcp_window_scaling", "0"));
}

/* In a world of Fast Open a host is client, server for those listeners that want it or for all, both, or neither. */
static void host_fast_open(const struct host *h)
{
	static const char *const flags[] = { "1", "3", "3", "1027", "1027", "1539", "519", "0" };
	struct rng r;

	if (!world.fast)
		return;
	rng_stream(&r, sim_options.seed, "fastopen", 1000 + h->id);
	must("sysctl",
	     tcp_sysctl_set(h->net, "tcp_fastopen", flags[rng_below(&r, ARRAY_SIZE(flags))]));
}

/*
 * What stands between the stack and the card. Nothing that reorders within a connection or bends: those are the wires' to do,
 * where the observer knows of it. fq's text alone may be overtaken, by acknowledgments.
 */
static void host_qdisc(struct host *h)
{
	static const struct {
		const char *text;
		bool keeps, loses, doubles, paces;
		u64 delay_ns; /* a frame waits no longer */
	} kinds[] = {
		{ "pfifo,limit=%u", true, true, false, false, 0 },
		{ "bfifo,limit=%ukb", true, true, false, false, 0 },
		{ "fq_codel,limit=1000", true, true, false, false, 200 * MS },
		{ "fq_codel,limit=100,flows=16,target=1ms,interval=20ms", true, true, false, false,
		  100 * MS },
		{ "tbf,rate=10mbit,burst=4kb,latency=100ms", true, true, false, false, 200 * MS },
		{ "tbf,rate=40mbit,burst=16kb,limit=0/fq_codel", true, true, false, false,
		  200 * MS },
		{ "netem,delay=15ms,limit=1000", true, true, false, false, 15 * MS },
		{ "fq", true, true, false, true, 1000 * MS },
		{ "fq,limit=200,flow_limit=50", true, true, false, true, 1000 * MS },
		{ "netem,loss=2%%,seed=%u", true, true, false, false, 0 },
		{ "netem,loss=2%%,burst=3,dup=1%%,delay=3ms,seed=%u", true, true, true, false,
		  3 * MS },
	};
	struct qdisc_spec spec;
	const char *why = "";
	char text[96];
	struct rng r;
	u32 kind;

	rng_stream(&r, sim_options.seed, "qdisc", h->id);
	if (sim_options.world || sim_options.lab || rng_ppm(&r, 700000))
		return;
	kind = rng_below(&r, ARRAY_SIZE(kinds));
	snprintf(text, sizeof(text), kinds[kind].text, (u32)rng_between(&r, 20, 200));
	if (qdisc_parse(text, &spec, &why))
		sim_fail("setup", "%s: %s", text, why);
	qdisc_set_default(h->net, &spec);
	h->gives_up = kinds[kind].loses;
	h->acks_overtake = kinds[kind].paces;
	world.shaped |= kinds[kind].keeps;
	world.calm &= !kinds[kind].keeps;
	world.loses |= kinds[kind].loses;
	world.doubles |= kinds[kind].doubles;
	world.worst_delay_ns += 2 * kinds[kind].delay_ns;
	trace((int)h->id, "qdisc %s", text);
}

static void host_up(struct host *h, struct rng *r)
{
	struct e1000_options o = {
		.tx_ring = 8u << rng_below(r, 6),
		.rx_ring = 16u << rng_below(r, 4),
		.txirq_always = rng_ppm(r, 200000),
		.csum = rng_ppm(r, 500000),
		.mtu = rng_ppm(r, 800000) ? 1500 : (u32)rng_between(r, 576, 1500),
		.txqueuelen = rng_ppm(r, 700000) ? 1000 : (u32)rng_log(r, 4, 1000)
	};

	struct rng card;

	if (sim_options.lab)
		o = (struct e1000_options){ .tx_ring = 256,
					    .rx_ring = 2048,
					    .csum = true,
					    .mtu = 1500,
					    .txqueuelen = 1000 };
	/* A stream of its own: what a card can do does not change the rest of the world. */
	rng_stream(&card, sim_options.seed, "offloads", h->id);
	o.tso = o.csum && rng_ppm(&card, 700000);
	o.no_sg = !o.tso && rng_ppm(&card, 300000);
	o.no_gso = rng_ppm(&card, 200000);
	if (sim_options.lab)
		o.no_sg = o.no_gso = false;
	world.calm &= o.txqueuelen >= 1000;
	h->model = &models[h->id];
	h->ip = IP4(10, 0, 0, h->id + 1);
	h->net = net_alloc();
	if (!h->net)
		sim_fail("setup", "no instance");
	must("net_init", net_init(h->net));
	must("loopback", loopback_init(h->net));
	must("loopback address", net_loopback_address(h->net));
	host_settings(h, r);
	host_fast_open(h);
	host_qdisc(h);
	o.net = h->net;
	h->pdev = pci_get_slot(pci, 0, (u8)(3 + h->id), 0);
	if (!h->pdev)
		sim_fail("setup", "no card in slot %u", h->id);
	must("probe", pci_bind_device(h->pdev, &e1000_driver, &o));
	h->nic = h->pdev->drvdata;
	h->dev = h->nic->dev;
	h->model->tx = wire_from_card;
	h->model->arg = h;
	must("open", dev_open(h->dev));
	must("address", inet_addr_add(h->dev, h->ip, 24));
}

static void hosts_up(void)
{
	struct rng r;

	rng_stream(&r, sim_options.seed, "topology", 1);
	for (u32 i = 0; i < world.nr_hosts; i++)
		e1000_model_plug_at(&models[i], 0x100e, i);
	world.calm = true;
	pci = pci_scan();
	if (!pci)
		sim_fail("setup", "no PCI");
	for (u32 i = 0; i < world.nr_hosts; i++)
		host_up(&world.host[i], &r);
}

static void hosts_down(void)
{
	for (u32 i = 0; i < world.nr_hosts; i++) {
		struct host *h = &world.host[i];

		pci_unbind_device(h->pdev);
		loopback_exit(h->net);
		net_exit(h->net);
		net_free(h->net);
	}
	pci_free(pci);
	e1000_model_unplug_all();
}

/*
 * Something fails now and then: allocations (the n-th, every so many after it, or by chance), and in one of three such
 * worlds further points of the kernel.
 */
static void starve(void)
{
	static const enum fault_point more[] = { FAULT_DMA_MAP,   FAULT_TX_STALL, FAULT_RING_FULL,
						 FAULT_LOST_IRQ,  FAULT_RX_DROP,  FAULT_ARP_TIMEOUT,
						 FAULT_QDISC_DROP };
	struct rng r;
	u32 how;

	rng_stream(&r, sim_options.seed, "fault", 0);
	if (!world.starves)
		return;
	how = rng_below(&r, 3);
	faults[FAULT_ALLOC] = (struct fault){ .on = true,
					      .at = rng_log(&r, 1, 5000),
					      .every = rng_log(&r, 20, 2000),
					      .p = rng_log(&r, 1u << 20, 1u << 27),
					      .seed = rng_u64(&r) };
	if (how != 1)
		faults[FAULT_ALLOC].every = 0;
	if (how != 2)
		faults[FAULT_ALLOC].p = 0;
	for (u32 i = 0, also = rng_below(&r, 3) ? 0 : rng_below(&r, 128); i < ARRAY_SIZE(more); i++)
		if (also & 1u << i)
			faults[more[i]] = (struct fault){ .on = true,
							  .at = rng_log(&r, 1, 500),
							  .p = rng_log(&r, 1u << 22, 1u << 28),
							  .seed = rng_u64(&r),
							  .times = rng_log(&r, 1, 20),
							  .ms = rng_log(&r, 1, 2000) };
	faults_armed = true;
}

static bool sockets_left(void)
{
	for (u32 i = 0; i < world.nr_hosts; i++)
		if (world.host[i].net->socks_live)
			return true;
	return false;
}

/* The network is good from here on, and so is what stands before it: replaced while packets are in it. */
static void plain_qdiscs(void)
{
	struct qdisc_spec spec;

	qdisc_spec_default(&spec, &pfifo_fast_ops);
	for (u32 i = 0; world.shaped && i < world.nr_hosts; i++) {
		must("qdisc_graft", qdisc_graft(world.host[i].dev, &spec));
		world.host[i].gave_up = 0;
		world.host[i].fault_ns = host_clock();
	}
}

/*
 * All applications have closed what they had. In an orderly world every connection ends by itself, TIME-WAIT as the
 * last; elsewhere what still owes something is cut, as the kernel does at its own end.
 */
static void let_connections_end(void)
{
	struct rng r;

	rng_stream(&r, sim_options.seed, "fault", 1);
	faults_armed = false;
	wire_quiet();
	plain_qdiscs();
	if (!world.starves && rng_ppm(&r, 300000)) {
		u64 patience = TIME_WAIT_NS + 8 * world.worst_cut_ns +
			       (world.loses ? 600 * NSEC_PER_SEC : 0);

		for (u64 until = host_clock() + patience; sockets_left() && host_clock() < until;)
			sleep_until(host_clock() + NSEC_PER_SEC);
		if (sockets_left())
			sim_fail("progress", "sockets are left %llu s after the last close()",
				 (unsigned long long)(patience / NSEC_PER_SEC));
	}
	for (u32 i = 0; i < world.nr_hosts; i++)
		(void)tcp_net_drain(world.host[i].net, 2 * NSEC_PER_SEC);
	sleep_until(host_clock() + NSEC_PER_SEC);
}

/* --- The clock --------------------------------------------------------------------------------------------------------------- */
#define ISN_TICK_NS (4 * NSEC_PER_USEC) /* RFC 9293, 3.4.1 */

/* How far the clock must go from now until a counter of 32 bits that stands at @at, one more each @tick_ns, has @left to its wrap. */
static u64 until_wrap(u32 at, u32 left, u64 tick_ns)
{
	return (u64)(u32)(0 - left - at) * tick_ns;
}

/*
 * Numbers that wrap do so while the applications talk: in four of five runs the clock begins where either sequence numbers of the
 * first connection (its client's, or its server's), its timestamps, or the kernel's own milliseconds are about to. It jumps there
 * before anybody speaks, as when a machine was stopped for a while. IP ids wrap by themselves: they have 16 bits and begin anywhere.
 */
static void clock_near_a_wrap(bool holds)
{
	u64 now = host_clock(), start_ns, hold = holds ? RX_HOLD_NS : 0, ahead = 0;
	const struct host *server, *client;
	struct sock_common c = { 0 };
	struct rng r;
	u32 kind, left;
	u16 port;

	rng_stream(&r, sim_options.seed, "clock", 0);
	kind = rng_below(&r, 5);
	left = (u32)rng_log(&r, 1, 65536);
	client = apps_first_client(&server, &port, &start_ns);
	if (!client || sim_options.world)
		return;
	c.skc_rcv_saddr = client->ip;
	c.skc_daddr = server->ip;
	c.skc_dport = htons(TCP_PORT);
	c.skc_num = port;
	if (kind == 1)
		ahead = until_wrap(tcp_v4_init_seq(client->net, client->ip, htons(port), server->ip,
						   htons(TCP_PORT)),
				   left, ISN_TICK_NS);
	else if (kind == 2)
		ahead = until_wrap(tcp_v4_init_seq(server->net, server->ip, htons(TCP_PORT),
						   client->ip, htons(port)),
				   left, ISN_TICK_NS);
	else if (kind == 3)
		ahead = until_wrap(tcp_tsval(now, tcp_ts_offset(client->net, &c)), left % 8192,
				   NSEC_PER_MSEC);
	else if (kind == 4)
		ahead = until_wrap(jiffies_ms(), left, NSEC_PER_MSEC);
	if (ahead > hold + start_ns)
		host_clock_set(now + ahead - hold - start_ns);
	trace(-1, "the clock begins at %llu ms, kind %u, %u before the wrap",
	      (unsigned long long)(host_clock() / MS), kind, left);
}

/* Whatever the seed says: applications, and what goes wrong around them. */
static void applications(struct rng *r)
{
	bool holds = rng_ppm(r, 800000);

	wire_manners();
	clock_near_a_wrap(holds);
	world.running = true;
	if (holds)
		sleep_until(host_clock() + RX_HOLD_NS);
	else
		world.calm = false;
	wire_mishaps();
	starve();
	midcall_start();
	apps_run();
	midcall_stop();
	let_connections_end();
	apps_judge();
	oracle_counters();
}

/* Whatever the experiment says. The observer looks at every frame, the counts are looked at in the end. */
static void experiment(void)
{
	sleep_until(host_clock() + RX_HOLD_NS);
	lab_run();
	let_connections_end();
}

void sim_run(void)
{
	struct rng r;

	rng_stream(&r, sim_options.seed, "kernel", 0);
	random_init(true, rng_u64(&r));
	pcap_open();
	if (sim_options.lab) {
		lab_plan();
	} else {
		wire_plan();
		apps_plan();
	}
	if (sim_options.verbose) {
		wire_print();
		apps_print();
	}
	oracle_start();
	observer_start();
	wire_start();
	hosts_up();
	if (sim_options.lab)
		experiment();
	else
		applications(&r);
	world.running = false;
	hosts_down();
	wire_stop();
	observer_stop();
	oracle_end();
	pcap_close();
	sim_result.virtual_ns = host_clock();
}
