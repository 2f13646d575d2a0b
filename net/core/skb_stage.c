// SPDX-License-Identifier: MIT
/*
 * The account of packets by stage: the equation that holds at each of them, and which moves there are.
 *
 *     came in = went on + ended there + was dropped there + is there
 *
 * skb_enter() counts a move, the two frees of skbuff.c count an end; everything else is arithmetic here. A packet that skips a
 * stage, or goes back to one, shows as a move that is not in the table; one that is lost without a reason, as an end in a
 * stage where none may end.
 *
 * Interface: <net/skb_stage.h>.
 * Above: boot/main.c at the end of a run, the simulator after each.  Below: skbuff.c counts.
 * Context: any.
 * Owns: nothing.
 */
#include <net/skb_stage.h>

#include <kernel/proc.h>
#include <net/skbuff.h>

#define S(name) (1u << SKB_STAGE_##name)

/* Where a packet may go from each stage. */
static const u32 moves[NR_SKB_STAGES] = {
	/* A clone or datagram goes to IP, ARP and cut segments to the device, what a card brought up; a tap's copy to its socket. */
	[SKB_STAGE_NEW] = S(SOCKET_OUT) | S(IP_OUT) | S(DEV) | S(BACKLOG) | S(RX) | S(SOCKET_IN),
	/* A corked datagram leaves as itself; TCP's leaves as a clone. */
	[SKB_STAGE_SOCKET_OUT] = S(IP_OUT) | S(DEV),
	[SKB_STAGE_IP_OUT] = S(NEIGH) | S(NF_QUEUE),
	/* Back to where a filter took it out, or dropped. */
	[SKB_STAGE_NF_QUEUE] = S(IP_OUT) | S(RX),
	/* What waited for the address goes through the entry again. */
	[SKB_STAGE_NEIGH] = S(NEIGH) | S(DEV),
	[SKB_STAGE_DEV] = S(DRIVER),
	/* Back: the driver had no room. To DEV and BACKLOG also from devices that are no hardware. */
	[SKB_STAGE_DRIVER] = S(DEV) | S(BACKLOG),
	[SKB_STAGE_BACKLOG] = S(RX),
	[SKB_STAGE_RX] = S(REASSEMBLY) | S(SOCKET_IN) | S(NF_QUEUE),
	[SKB_STAGE_REASSEMBLY] = S(RX),
	/* A segment held for the socket's owner is taken up again. */
	[SKB_STAGE_SOCKET_IN] = S(SOCKET_IN),
};

/* Stages in which nothing ends but by a counted drop. */
static const u32 no_end = S(NEIGH) | S(BACKLOG) | S(NF_QUEUE);

static const char *const names[NR_SKB_STAGES] = {
#define STAGE_NAME(name, text) [SKB_STAGE_##name] = (text),
	SKB_STAGES(STAGE_NAME)
#undef STAGE_NAME
};

struct stage_account {
	u64 in, on, ended, dropped, live;
};

static struct stage_account account_of(enum skb_stage s)
{
	const struct skb_stats *st = &skb_stats;
	struct stage_account a = { .ended = st->ended[s], .dropped = st->dropped[s] };

	if (s == SKB_STAGE_NEW)
		a.in = st->allocs + st->clones;
	for (u32 i = 0; i < NR_SKB_STAGES; i++) {
		if (i != s) {
			a.in += st->moved[i][s];
			a.on += st->moved[s][i];
		}
	}
	a.live = a.in - a.on - a.ended - a.dropped;
	return a;
}

/**
 * skb_stages_wrong() - looks the whole account over.
 * Context: any.
 * Return: NULL; or words about the first thing that is wrong.
 */
const char *skb_stages_wrong(void)
{
	const struct skb_stats *st = &skb_stats;
	u64 live = 0, dropped = 0;

	for (u32 s = 0; s < NR_SKB_STAGES; s++) {
		struct stage_account a = account_of(s);

		for (u32 to = 0; to < NR_SKB_STAGES; to++)
			if (st->moved[s][to] && !(moves[s] & 1u << to))
				return "a packet moved where the path does not lead";
		if (a.in < a.on + a.ended + a.dropped)
			return "more packets left a stage than came in";
		if (a.ended && (no_end & 1u << s))
			return "a packet ended without a reason where it can only be dropped";
		live += a.live;
		dropped += a.dropped;
	}
	if (live != st->live)
		return "the stages hold more or fewer packets than there are";
	return dropped == st->drops ? NULL : "drops by stage and drops by reason differ";
}

/**
 * skb_stages_show() - the page /proc/net/flow: a line a stage. Context: process.
 */
void skb_stages_show(struct seq_file *m)
{
	const char *wrong = skb_stages_wrong();

	seq_puts(m, "stage      came_in went_on ended dropped live\n");
	for (u32 s = 0; s < NR_SKB_STAGES; s++) {
		struct stage_account a = account_of(s);

		seq_printf(m, "%-10s %llu %llu %llu %llu %llu\n", names[s],
			   (unsigned long long)a.in, (unsigned long long)a.on,
			   (unsigned long long)a.ended, (unsigned long long)a.dropped,
			   (unsigned long long)a.live);
	}
	if (wrong)
		seq_printf(m, "wrong: %s\n", wrong);
}
