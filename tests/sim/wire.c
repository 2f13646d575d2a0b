// SPDX-License-Identifier: MIT
/*
 * Wires: what happens to a frame between two cards, and what happens to a card.
 *
 *   card -> up link (bandwidth, queue, faults) -> hub, switch or plain wire -> down link (bandwidth, queue) -> card
 *
 * Each frame takes the same number of draws from its sender's stream whatever becomes of it, so that a fault that is
 * switched off leaves all others where they were. A byte that changes unseen by the card lies behind the Ethernet
 * header and inside of the IP datagram: one byte alone always changes the Internet checksum.
 *
 * Interface: wire_plan, wire_plain, wire_start, wire_manners, wire_mishaps, wire_quiet, wire_stop, wire_from_card, wire_print (world.h).
 * Above: world.c; the cards by e1000_model.tx. Below: tests/host/host.h (events), e1000_model.
 * Context: wire_from_card() inside a register write; events with interrupts off. Owns: frames under way, the calendar.
 */
#include "world.h"

#include <kernel/cpu.h>
#include <net/checksum.h>

#define CALENDAR_MAX 16384u
#define WAITING_MAX  1024u
#define MIN_DELAY_NS 1000u
#define MAX_MISHAPS  16u
#define SYNS_EACH    16u
/* So long may the driver take to see that its card hangs: its watchdog looks every two seconds, and thrice. */
#define RECOVERY_NS ((E1000_TX_HUNG_TICKS + 2) * E1000_WATCHDOG_NS)

struct frame {
	u32 refs, from, len;
	bool whole;  /* no byte was changed */
	bool forged; /* no host of ours sent it */
	u8 b[];
};

enum happening { TO_JUNCTION, TO_CARD, MISHAP_BEGINS, MISHAP_ENDS };

struct event {
	u64 at, nr; /* events of one instant happen in the order in which they were entered */
	enum happening what;
	u32 host, arg;
	struct frame *frame;
};

enum mishap_kind {
	CUT,        /* nothing comes or goes */
	LINK_DOWN,  /* and the card says so */
	IRQ_LATE,   /* the line does not rise */
	IRQS_LOST,  /* some rises are lost */
	DD_MISSING, /* nothing is written back */
	DD_LOST,    /* some write-backs are forgotten */
	TX_OFF,     /* the transmitter stands still */
	EOP_LOST,   /* some received frames have no end */
	STORM,      /* interrupts without a reason */
	FLAPS,      /* the link comes and goes */
	FLOOD,      /* SYNs from nowhere */
	NR_MISHAPS
};
static const char *const mishap_names[NR_MISHAPS] = {
	"partition",       "link down",  "interrupts late", "interrupts lost",
	"DD missing",      "DD lost",    "transmitter off", "EOP lost",
	"interrupt storm", "link flaps", "SYN flood"
};

struct mishap {
	enum mishap_kind kind;
	u32 host, count; /* how many, where it is a number */
	u64 begin_ns, length_ns;
};

static struct {
	struct event *heap;
	u32 nr;
	u64 next_nr;
	struct mishap mishap[MAX_MISHAPS];
	u32 nr_mishaps;
	bool running, quiet;
	u64 idles;
} wire;

/* --- The calendar: a heap by time and order of entry ------------------------------------------------------------------- */
static bool sooner(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->nr < b->nr;
}

static void event_add(struct event e)
{
	u32 i = wire.nr++;

	if (wire.nr > CALENDAR_MAX)
		sim_fail("wire", "more than %u events are under way", CALENDAR_MAX);
	e.nr = wire.next_nr++;
	for (; i && sooner(&e, &wire.heap[(i - 1) / 2]); i = (i - 1) / 2)
		wire.heap[i] = wire.heap[(i - 1) / 2];
	wire.heap[i] = e;
}

static struct event event_take(void)
{
	struct event first = wire.heap[0], last = wire.heap[--wire.nr];
	u32 i = 0;

	for (;;) {
		u32 child = 2 * i + 1;

		if (child >= wire.nr)
			break;
		if (child + 1 < wire.nr && sooner(&wire.heap[child + 1], &wire.heap[child]))
			child++;
		if (!sooner(&wire.heap[child], &last))
			break;
		wire.heap[i] = wire.heap[child];
		i = child;
	}
	wire.heap[i] = last;
	return first;
}

/* --- Frames --------------------------------------------------------------------------------------------------------------- */
static struct frame *frame_new(u32 from, const u8 *b, u32 len)
{
	struct frame *f = malloc(sizeof(*f) + len);

	if (!f)
		abort();
	*f = (struct frame){ .refs = 1, .from = from, .len = len, .whole = true };
	memcpy(f->b, b, len);
	return f;
}

static void frame_put(struct frame *f)
{
	if (f && --f->refs == 0)
		free(f);
}

/* A frame of @h did not make its way. */
static void lost(struct host *h, const struct frame *f, const char *why)
{
	h->lost_frames++;
	h->fault_ns = host_clock();
	world.host[f->from].fault_ns = host_clock();
	if (tracing())
		trace((int)h->id, "frame of host%u lost: %s, %u bytes", f->from, why, f->len);
}

/* --- Links ---------------------------------------------------------------------------------------------------------------- */
static void link_settle(struct link *l, u64 now)
{
	while (l->nr_waiting && l->waiting[l->head] <= now) {
		l->head = (l->head + 1) % WAITING_MAX;
		l->nr_waiting--;
	}
}

/* When a frame of @len bytes that is handed over now has left onto the wire; 0: the queue is full. */
static u64 link_depart(struct link *l, u32 len)
{
	u64 now = host_clock(), begin = max(now, l->free_ns), took;

	link_settle(l, now);
	if (!l->bps)
		return now;
	if (l->nr_waiting >= l->queue_frames ||
	    (begin - now) * l->bps / 8 / NSEC_PER_SEC > l->queue_bytes)
		return 0;
	took = (u64)(len + 24) * 8 * NSEC_PER_SEC / l->bps; /* preamble, FCS and gap included */
	l->free_ns = begin + took;
	l->waiting[(l->head + l->nr_waiting++) % WAITING_MAX] = l->free_ns;
	return l->free_ns;
}

static void to_card(u32 host, struct frame *f, bool crc)
{
	struct link *l = &world.host[host].down;
	u64 at = link_depart(l, f->len);

	if (!at) {
		lost(&world.host[host], f, "queue to the card is full");
		return;
	}
	f->refs++;
	event_add((struct event){
		.at = at + l->delay_ns, .what = TO_CARD, .host = host, .arg = crc, .frame = f });
}

/* The hub repeats to everybody, even nonsense; the switch knows who lives where, and drops what has a bad CRC. */
static void junction(struct frame *f, bool crc)
{
	if (crc && world.layout == LAYOUT_SWITCH) {
		lost(&world.host[f->from], f, "bad CRC at the switch");
		return;
	}
	for (u32 i = 0; i < world.nr_hosts; i++) {
		const u8 *mac = world.host[i].dev->dev_addr;

		if (i == f->from)
			continue;
		if (world.layout == LAYOUT_SWITCH && !is_multicast_ether_addr(f->b) &&
		    memcmp(f->b, mac, ETH_ALEN) != 0)
			continue;
		to_card(i, f, crc);
	}
}

static void arrive(u32 host, const struct frame *f, bool crc_error)
{
	struct host *h = &world.host[host];

	if (h->cut) {
		lost(h, f, "partition");
		return;
	}
	if (!e1000_model_rx(h->model, f->b, f->len, crc_error ? 1 : 0)) {
		lost(h, f, "the card does not take it");
		return;
	}
	h->rx_frames++;
	if (crc_error || !f->whole)
		lost(h, f, crc_error ? "bad CRC" : "byte changed");
	else if (!f->forged && !world.blind)
		observer_delivered(h, f->b, f->len);
}

/* All that chance decides about one frame. */
struct fate {
	bool lost, doubled, late, flipped, crc;
	u32 where;
	u8 with;
	u64 jitter_ns, jitter2_ns;
};

static struct fate draw_fate(struct link *l, struct rng *r, const u8 *b, u32 len)
{
	u32 turn = rng_below(r, 1000000), loss = rng_below(r, 1000000);
	u32 dup = rng_below(r, 1000000), late = rng_below(r, 1000000);
	u32 flip = rng_below(r, 1000000), crc = rng_below(r, 1000000);
	u64 where = rng_u64(r), j1 = rng_u64(r), j2 = rng_u64(r);
	bool ip = len >= 34 && b[12] == 8 && b[13] == 0;
	u32 dgram = ip ? (u32)b[16] << 8 | b[17] : 0;
	struct fate f = { 0 };

	l->bad = l->bad ? turn >= l->to_good : turn < l->to_bad;
	f.lost = loss < (l->bad ? l->bad_loss : l->loss);
	f.doubled = dup < l->dup;
	f.late = late < l->reorder;
	f.flipped = flip < l->flip && dgram >= 20 && dgram + 14 <= len;
	f.crc = crc < l->crc;
	f.where = f.flipped ? 14 + (u32)(where >> 32) % dgram : 0;
	f.with = (u8)(1 + (u32)where % 255);
	f.jitter_ns = l->jitter_ns ? j1 % l->jitter_ns : 0;
	f.jitter2_ns = l->jitter_ns ? j2 % l->jitter_ns : 0;
	return f;
}

#define TFO_EXPERIMENT 0xf989u

/* Fast Open's option, by its number or the experiment's, in the TCP header at @t. */
static bool has_fast_open(const u8 *t, u32 doff)
{
	for (u32 i = 20; i + 1 < doff && t[i] != TCPOPT_EOL; i += t[i] == TCPOPT_NOP ? 1 : t[i + 1])
		if (t[i] == TCPOPT_FASTOPEN ||
		    (t[i] == TCPOPT_EXP && ((u32)t[i + 2] << 8 | t[i + 3]) == TFO_EXPERIMENT))
			return true;
	return false;
}

/* Does the middlebox on this link take offence at the frame? */
static bool is_eaten(const struct link *l, const u8 *b, u32 len)
{
	const u8 *ip = b + 14, *t = ip + (ip[0] & 15u) * 4;
	u32 size = (u32)ip[2] << 8 | ip[3], doff;

	if (l->eats_above && len > ETH_HLEN + l->eats_above)
		return true;
	if ((!l->eats_data && !l->eats_option) || len < 54 || b[12] != 8 || b[13] ||
	    ip[9] != IPPROTO_TCP || !(t[13] & TCPHDR_SYN))
		return false;
	doff = (t[12] >> 4) * 4u;
	return (l->eats_data && (u32)(t - ip) + doff < size) ||
	       (l->eats_option && has_fast_open(t, doff));
}

static void travel(struct host *h, struct frame *f, u64 at, bool crc, bool late)
{
	struct link *l = &h->up;

	if (late)
		at += l->reorder_ns;
	else if (l->in_order)
		l->last_ns = at = max(at, l->last_ns);
	f->refs++;
	event_add((struct event){
		.at = at, .what = TO_JUNCTION, .host = h->id, .arg = crc, .frame = f });
}

void wire_from_card(void *arg, const u8 *b, u32 len)
{
	struct host *h = arg;
	struct link *l = &h->up;
	struct frame *f;
	struct fate fate;
	u64 at;

	if (!wire.running)
		return;
	h->tx_frames++;
	sim_result.frames++;
	pcap_frame(host_clock(), b, len);
	if (!world.blind)
		observer_sent(h, b, len);
	fate = draw_fate(l, &h->wire, b, len);
	if (l->lose_next) {
		l->lose_next--;
		fate.lost = true;
	}
	f = frame_new(h->id, b, len);
	at = link_depart(l, len);
	if (h->cut) {
		lost(h, f, "partition");
	} else if (!at) {
		lost(h, f, "queue is full");
	} else if (is_eaten(l, b, len)) {
		lost(h, f, "middlebox");
	} else if (fate.lost && !wire.quiet) {
		lost(h, f, l->bad ? "burst" : "loss");
	} else {
		at += l->delay_ns + (world.instant ? 0 : MIN_DELAY_NS);
		if (wire.quiet)
			fate = (struct fate){ 0 };
		if (fate.doubled) /* the copy is a whole one, even when the first is not */
			travel(h, f, at + fate.jitter2_ns, false, false);
		if (fate.flipped) {
			struct frame *bent = frame_new(h->id, b, len);

			bent->b[fate.where] ^= fate.with;
			bent->whole = false;
			frame_put(f);
			f = bent;
		}
		travel(h, f, at + fate.jitter_ns, fate.crc, fate.late);
	}
	frame_put(f);
}

/* --- Mishaps ---------------------------------------------------------------------------------------------------------------- */
static void card_write(const struct host *h, u32 reg, u32 v)
{
	host_mmio_write(v, (void *)(E1000_MODEL_BAR0 + h->id * E1000_MODEL_BAR + reg));
}

/* A SYN to the listener of @h: from an address on the link that nobody has, or from far away, where no route leads. */
static struct frame *forged_syn(const struct host *h, u32 n)
{
	u8 b[ETH_ZLEN] = { 0 };
	struct iphdr *ip = (struct iphdr *)(void *)(b + 14);
	struct tcphdr *th = (struct tcphdr *)(void *)(b + 34);
	struct frame *f;

	memcpy(b, h->dev->dev_addr, ETH_ALEN);
	memcpy(b + 6, "\2flood", ETH_ALEN);
	b[12] = 8;
	ip->ver_ihl = 0x45;
	ip->tot_len = htons(40);
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = n % 8 ? IP4(10, 0, 0, 100 + n % 100) : IP4(192, 0, 2, n % 256);
	ip->daddr = h->ip;
	ip->check = ip_fast_csum(ip, 5);
	th->source = htons((u16)(1024 + n));
	th->dest = htons(TCP_PORT);
	th->seq = htonl(n * 2654435761u);
	th->doff = 5 << 4;
	th->flags = TCPHDR_SYN;
	th->window = htons(65535);
	th->check =
		csum_tcpudp_magic(ip->saddr, ip->daddr, 20, IPPROTO_TCP, csum_partial(th, 20, 0));
	f = frame_new(h->id, b, sizeof(b));
	f->forged = true;
	return f;
}

static void flood(const struct host *h, const struct mishap *m)
{
	u32 syns = m->count * SYNS_EACH;

	for (u32 i = 0; i < syns; i++)
		event_add((struct event){ .at = host_clock() + m->length_ns / syns * i,
					  .what = TO_CARD,
					  .host = h->id,
					  .frame = forged_syn(h, i) });
}

static void mishap_counted(struct e1000_model *card, const struct mishap *m, bool begins)
{
	u64 apart = m->length_ns / (m->count + 1);
	u32 count = begins ? m->count : 0;

	switch (m->kind) {
	case IRQS_LOST:
		card->lose_irqs = count;
		break;
	case DD_LOST:
		card->lose_dd = count;
		break;
	case EOP_LOST:
		card->rx_lose_eop = count;
		break;
	case STORM:
		card->storm = count;
		card->storm_ns = apart;
		break;
	default:
		card->flaps = count;
		card->flap_ns = apart;
		break;
	}
}

static void mishap(const struct mishap *m, bool begins)
{
	struct host *h = &world.host[m->host];

	trace((int)m->host, "%s %s", mishap_names[m->kind], begins ? "begins" : "ends");
	switch (m->kind) {
	case CUT:
		h->cut += begins ? 1 : (u32)-1;
		break;
	case LINK_DOWN:
		e1000_model_link(h->model, !begins);
		break;
	case IRQ_LATE:
		h->model->late_irq = begins;
		if (!begins) /* the latched causes raise the line now */
			e1000_model_cause(h->model, 0);
		break;
	case DD_MISSING:
		h->model->no_dd = begins;
		break;
	case TX_OFF:
		card_write(h, E1000_TCTL, E1000_TCTL_VALUE & ~(begins ? E1000_TCTL_EN : 0));
		break;
	case FLOOD:
		if (begins)
			flood(h, m);
		break;
	default:
		mishap_counted(h->model, m, begins);
		break;
	}
	if (m->kind == FLAPS && !begins) /* it may have stopped on the wrong foot */
		e1000_model_link(h->model, true);
	h->mishaps += begins ? 1 : (u32)-1;
	h->fault_ns = host_clock() + (m->kind == CUT ? 0 : RECOVERY_NS);
}

/* --- What happens now -------------------------------------------------------------------------------------------------------- */
static u64 wire_next(void *arg)
{
	(void)arg;
	if (host_idles() != wire.idles) { /* asked by the halt: nobody runs, the step is over */
		wire.idles = host_idles();
		oracle_step();
	}
	return min(wire.nr ? wire.heap[0].at : UINT64_MAX, e1000_models_next(NULL));
}

static void wire_happen(void *arg)
{
	u64 now = host_clock();

	(void)arg;
	this_cpu()->bh_count++; /* a card that is made to go on sends, as it does for the driver */
	e1000_models_run(NULL);
	while (wire.nr && wire.heap[0].at <= now) {
		struct event e = event_take();

		switch (e.what) {
		case TO_JUNCTION:
			junction(e.frame, e.arg);
			break;
		case TO_CARD:
			arrive(e.host, e.frame, e.arg);
			break;
		default:
			mishap(&wire.mishap[e.arg], e.what == MISHAP_BEGINS);
			break;
		}
		frame_put(e.frame);
	}
	this_cpu()->bh_count--;
}

/* --- The plan ------------------------------------------------------------------------------------------------------------------ */
static u64 draw_rate(struct rng *r)
{
	static const u64 rates[] = { 0, 1000000000, 100000000, 100000000, 10000000, 2000000 };

	return rates[rng_below(r, world.tight ? ARRAY_SIZE(rates) : ARRAY_SIZE(rates) - 1)];
}

static void plan_link(struct link *l, struct rng *r, u64 delay_ns)
{
	*l = (struct link){ .delay_ns = delay_ns, .bps = draw_rate(r), .in_order = true };
	if (world.instant)
		l->bps = 0;
	l->queue_frames = world.tight ? (u32)rng_log(r, 4, 200) : WAITING_MAX;
	l->queue_bytes = world.tight ? (u32)rng_log(r, 6000, 300000) : UINT32_MAX;
	l->waiting = calloc(WAITING_MAX, sizeof(*l->waiting));
	if (!l->waiting)
		abort();
}

/* The kinds of bad wires, drawn alike often; several may come together. */
static void plan_faults(struct link *l, struct rng *r, u32 kinds)
{
	if (kinds & 1)
		l->loss = l->bad_loss = (u32)rng_log(r, 1000, 50000);
	if (kinds & 2) {
		l->to_bad = (u32)rng_log(r, 500, 20000);
		l->to_good = (u32)rng_between(r, 250000, 600000);
		l->bad_loss = (u32)rng_between(r, 300000, 800000);
	}
	if (kinds & 4) {
		l->reorder = (u32)rng_log(r, 1000, 100000);
		l->reorder_ns = rng_log(r, 100000, l->delay_ns + 5 * MS);
	}
	if (kinds & 8)
		l->dup = (u32)rng_log(r, 1000, 50000);
	if (kinds & 16) {
		l->flip = (u32)rng_log(r, 1000, 30000);
		l->crc = (u32)rng_log(r, 1000, 20000);
	}
	if (kinds & 32) {
		l->jitter_ns = rng_log(r, 10000, l->delay_ns + MS);
		l->in_order = rng_ppm(r, 500000);
	}
}

static void plan_mishap(struct rng *r, enum mishap_kind kind, u64 longest_ns)
{
	struct mishap *m = &wire.mishap[wire.nr_mishaps++];

	m->kind = kind;
	m->host = rng_below(r, world.nr_hosts);
	m->begin_ns = rng_log(r, MS, 20 * NSEC_PER_SEC);
	m->length_ns = rng_log(r, 10 * MS, max(longest_ns, 10 * MS));
	m->count = (u32)rng_log(r, 1, 64);
	if (kind == CUT)
		world.worst_cut_ns = max(world.worst_cut_ns, m->length_ns);
}

/* What may go wrong in this world: three of ten are clean, the others have one kind of trouble or several. */
static u32 plan_character(struct rng *r)
{
	static const u8 kinds[10] = { 0, 0, 0, 1, 2, 36, 24, 63, 63, 1 };
	u32 character = rng_below(r, 10), bad = kinds[character];
	bool may_cut = rng_ppm(r, 250000), may_break = rng_ppm(r, 250000);
	bool may_starve = rng_ppm(r, 150000), may_be_tight = rng_ppm(r, 300000);
	bool slow = rng_ppm(r, 250000);

	if (character == 7)
		bad &= rng_below(r, 64);
	world.cuts = bad && may_cut;
	world.breaks = bad && may_break;
	world.starves = may_starve;
	world.slow = slow;
	world.tight = bad && may_be_tight;
	return bad;
}

/* Every third world knows Fast Open; a middlebox stands at one card of four there, and eats what is strange to it. */
static void plan_fast(void)
{
	struct rng r;

	rng_stream(&r, sim_options.seed, "fastopen", 0);
	world.fast = rng_ppm(&r, 333333);
	for (u32 i = 0; world.fast && i < world.nr_hosts; i++) {
		struct link *l = &world.host[i].up;
		u32 eats = rng_below(&r, 12);

		l->eats_data = eats == 0 || eats == 1;
		l->eats_option = eats == 1 || eats == 2;
	}
}

/* A world that is asked for by name: what goes wrong there, beside what the seed says about everything else. */
static u32 named_world(const char *name, struct rng *r)
{
	world.cuts = world.breaks = world.starves = world.tight = world.slow = false;
	if (!strcmp(name, "loss10"))
		return 1;
	if (!strcmp(name, "instant")) {
		world.instant = true;
		world.nr_hosts = 2;
		world.layout = LAYOUT_WIRE;
		return 0;
	}
	if (!strcmp(name, "partition")) {
		world.cuts = true;
		plan_mishap(r, CUT, 0);
		wire.mishap[0].length_ns = 30 * NSEC_PER_SEC;
		world.worst_cut_ns = 30 * NSEC_PER_SEC;
		return 63;
	}
	if (!strcmp(name, "flood")) {
		world.breaks = true;
		plan_mishap(r, FLOOD, 10 * NSEC_PER_SEC);
		wire.mishap[0].begin_ns = 100 * MS;
		wire.mishap[0].count = 64;
	}
	return 0;
}

/* Cards that take their time, each in its own way. Nothing is lost by that. */
void wire_manners(void)
{
	struct rng r;

	rng_stream(&r, sim_options.seed, "device", 1);
	for (u32 i = 0; world.slow && i < world.nr_hosts; i++) {
		struct e1000_model *m = world.host[i].model;
		u32 ways = rng_below(&r, 128);

		m->seed = rng_u64(&r);
		m->mitigation = ways & 1;
		m->tx_rate_bps = ways & 2 ? 1000000000 : 0;
		m->late_dd_ns = ways & 4 ? rng_log(&r, 1000, 3 * MS) : 0;
		m->dd_jitter_ns = ways & 8 ? rng_log(&r, 1000, MS) : 0;
		m->rx_late_ns = ways & 16 ? rng_log(&r, 1000, MS) : 0;
		m->rx_jitter_ns = ways & 32 ? rng_log(&r, 1000, MS) : 0;
		m->irq_delay_ns = ways & 64 ? rng_log(&r, 1000, MS) : 0;
	}
}

void wire_plan(void)
{
	struct rng r, mishaps;
	u32 bad;
	u64 delay;

	rng_stream(&r, sim_options.seed, "topology", 0);
	rng_stream(&mishaps, sim_options.seed, "device", 0);
	world.nr_hosts = rng_ppm(&r, 600000) ? 2 : (u32)rng_between(&r, 2, SIM_HOSTS);
	world.layout = world.nr_hosts == 2 ? LAYOUT_WIRE : LAYOUT_SWITCH + rng_below(&r, 2);
	bad = plan_character(&r);
	if (sim_options.world)
		bad = named_world(sim_options.world, &mishaps);
	delay = rng_log(&r, 10000, 50 * MS);
	if (world.instant)
		delay = 0;
	for (u32 i = 0; i < world.nr_hosts; i++) {
		struct host *h = &world.host[i];

		h->id = i;
		rng_stream(&h->wire, sim_options.seed, "wire", i);
		plan_link(&h->up, &r, delay);
		plan_link(&h->down, &r, 0);
		plan_faults(&h->up, &r, bad);
		if (sim_options.world && !strcmp(sim_options.world, "loss10"))
			h->up.loss = h->up.bad_loss = 100000;
		if (world.layout == LAYOUT_WIRE)
			h->down.bps = 0;
	}
	plan_fast();
	world.worst_delay_ns = 2 * delay + 10 * MS;
	world.loses = bad & 19 || world.tight || world.cuts || world.breaks;
	world.reorders = bad & 36;
	world.doubles = bad & 8;
	world.bends = bad & 16;
	for (u32 n = world.cuts && !sim_options.world ? 1 + rng_below(&mishaps, 3) : 0; n; n--)
		plan_mishap(&mishaps, CUT, 20 * NSEC_PER_SEC);
	for (u32 n = world.breaks && !sim_options.world ? 1 + rng_below(&mishaps, 4) : 0; n; n--)
		plan_mishap(&mishaps, LINK_DOWN + rng_below(&mishaps, NR_MISHAPS - LINK_DOWN),
			    4 * NSEC_PER_SEC);
}

void wire_plain(u32 hosts)
{
	world.nr_hosts = hosts;
	world.layout = hosts == 2 ? LAYOUT_WIRE : LAYOUT_SWITCH;
	for (u32 i = 0; i < hosts; i++) {
		struct host *h = &world.host[i];
		struct link *l[] = { &h->up, &h->down };

		h->id = i;
		rng_stream(&h->wire, sim_options.seed, "wire", i);
		for (u32 k = 0; k < 2; k++) {
			*l[k] = (struct link){ .in_order = true,
					       .queue_frames = WAITING_MAX,
					       .queue_bytes = UINT32_MAX };
			l[k]->waiting = calloc(WAITING_MAX, sizeof(*l[k]->waiting));
			if (!l[k]->waiting)
				abort();
		}
	}
}

void wire_start(void)
{
	wire.heap = calloc(CALENDAR_MAX, sizeof(*wire.heap));
	if (!wire.heap)
		abort();
	wire.running = true;
	wire.idles = host_idles();
	host_set_events(wire_next, wire_happen, NULL);
}

/* The applications begin: from now on the plan's mishaps happen. */
void wire_mishaps(void)
{
	for (u32 i = 0; i < wire.nr_mishaps; i++) {
		const struct mishap *m = &wire.mishap[i];
		u64 begin = host_clock() + m->begin_ns;
		unsigned long flags = local_irq_save();

		event_add((struct event){ .at = begin, .what = MISHAP_BEGINS, .arg = i });
		event_add((struct event){
			.at = begin + m->length_ns, .what = MISHAP_ENDS, .arg = i });
		local_irq_restore(flags);
	}
}

void wire_quiet(void)
{
	wire.quiet = true;
}

void wire_stop(void)
{
	wire.running = false;
	host_set_events(NULL, NULL, NULL);
	while (wire.nr)
		frame_put(event_take().frame);
	free(wire.heap);
	for (u32 i = 0; i < world.nr_hosts; i++) {
		free(world.host[i].up.waiting);
		free(world.host[i].down.waiting);
	}
}

static void print_link(const char *name, const struct link *l)
{
	printf("  %-5s delay %llu us jitter %llu us%s rate %llu bit/s queue %u frames %u bytes\n",
	       name, (unsigned long long)l->delay_ns / 1000,
	       (unsigned long long)l->jitter_ns / 1000, l->in_order ? "" : " (overtaking)",
	       (unsigned long long)l->bps, l->queue_frames, l->queue_bytes);
	if (l->eats_data || l->eats_option)
		printf("        eats%s%s\n", l->eats_data ? " data in SYNs" : "",
		       l->eats_option ? " Fast Open's option" : "");
	printf("        loss %u dup %u late %u (%llu us) byte %u crc %u burst %u/%u/%u ppm\n",
	       l->loss, l->dup, l->reorder, (unsigned long long)l->reorder_ns / 1000, l->flip,
	       l->crc, l->to_bad, l->to_good, l->bad_loss);
}

void wire_print(void)
{
	static const char *const layouts[] = { "wire", "switch", "hub" };

	printf("%u hosts on a %s%s%s%s%s%s%s%s\n", world.nr_hosts, layouts[world.layout],
	       world.loses ? ", loses" : "", world.reorders ? ", reorders" : "",
	       world.doubles ? ", doubles" : "", world.starves ? ", starves" : "",
	       world.breaks ? ", breaks" : "", world.slow ? ", slow cards" : "",
	       world.fast ? ", Fast Open" : "");
	for (u32 i = 0; i < world.nr_hosts; i++) {
		printf(" host%u\n", i);
		print_link("up", &world.host[i].up);
		print_link("down", &world.host[i].down);
	}
	for (u32 i = 0; i < wire.nr_mishaps; i++) {
		const struct mishap *m = &wire.mishap[i];

		printf(" host%u %s (%u) after %llu us for %llu us\n", m->host,
		       mishap_names[m->kind], m->count, (unsigned long long)m->begin_ns / 1000,
		       (unsigned long long)m->length_ns / 1000);
	}
}
