// SPDX-License-Identifier: MIT
/*
 * IGMP, the host's side: routers of the link learn which groups somebody here is a member of.
 *
 *   join, leave    told at once, and again within a second, as often as the robustness variable says
 *   query          answered at a random moment of the time that it allows: all groups in one report (version 3), or each by itself
 *   version 1, 2   spoken while a router that knows no other has been heard of late: the answer of one member is enough then
 *
 * A group is wanted from all sources but those listed, or from those only; a change from one to the other is told with the whole list, another
 * change of the list source by source. One timer of a device stands for all that is due on it. What is sent goes to this
 * link only: TTL 1, with the option that makes routers look at it. Nothing is ever said about 224.0.0.1.
 *
 * Interface: "ipv4.h" (igmp_group_changed(), igmp_up(), igmp_down(), igmp_init()); <net/ip.h> (ip_igmp_sysctl_set(), ip_igmp_sysctl_get(),
 * igmp_show(), mcfilter_show()).
 * Above: igmp.c, ip_input.c.  Below: ip_output.c.
 * Context: BH off; the pages and settings process.
 * Owns: struct igmp of a device, and of each group and source what is still to be said.
 * Specs: RFC 3376 (4.2, 5, 7.2, 8); RFC 2236 (3, 6); RFC 1112 (appendix I); Linux's /proc/net/igmp.
 */
#include "ipv4.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/reader.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/inetdevice.h>
#include <wire/igmp.h>

#define IGMP_ALL_HOSTS   htonl(IP_ALL_HOSTS)
#define IGMP_ALL_ROUTERS htonl(0xe0000002)
#define IGMP_V3_ROUTERS  htonl(0xe0000016)
#define IGMP_TOS         0xc0 /* internetwork control (RFC 3376, 4) */
#define IGMP_QRV         2
#define IGMP_QUERY_S     125u   /* between two queries, while nobody says otherwise */
#define IGMP_V1_MS       10000u /* for answers to a query that names no time */
#define IGMP_V3_AGAIN_MS 1000u  /* within which a change is said again (RFC 3376, 8.11) */
#define IGMP_V2_AGAIN_MS 10000u
#define IGMP_V3_MAX      1280u /* bytes of one report: what does not fit goes into another */

static const struct ip_options router_alert = { .optlen = 4, .data = { IPOPT_RA, 4, 0, 0 } };

/* --- Sending ------------------------------------------------------------------------------------------------------------- */

/* An empty message with room for @len bytes; NULL without memory: it is said again. */
static struct sk_buff *igmp_alloc(u32 len)
{
	u32 room = LL_MAX_HEADER + (u32)sizeof(struct iphdr) + router_alert.optlen;
	struct sk_buff *skb = alloc_skb(room + len);

	if (!skb)
		return NULL;
	skb_reserve(skb, room);
	skb_reset_transport_header(skb);
	return skb;
}

/* Fills the checksum and sends, @skb at its 8 bytes of header. Consumes it. What is lost is the repetition's business. */
static void igmp_push(struct net_device *dev, struct sk_buff *skb, __be32 daddr)
	__needs(softirq_ctx)
{
	struct igmphdr *h = (struct igmphdr *)(void *)skb->data;

	h->csum = 0;
	h->csum = csum_fold(skb_checksum(skb, 0, skb->len, 0));
	(void)ip_build_and_send_pkt(dev->net, skb, INADDR_ANY, daddr, IPPROTO_IGMP, 1, IGMP_TOS,
				    dev->ifindex, &router_alert);
}

/* A message of versions 1 and 2. */
static void igmp_send_short(struct net_device *dev, enum igmp_type type, __be32 group, __be32 daddr)
	__needs(softirq_ctx)
{
	struct sk_buff *skb = igmp_alloc(sizeof(struct igmphdr));

	if (!skb)
		return;
	*(struct igmphdr *)skb_put(skb, sizeof(struct igmphdr)) =
		(struct igmphdr){ .type = (u8)type, .group = group };
	igmp_push(dev, skb, daddr);
}

/* A report of version 3 that is being written. */
struct igmp_draft {
	struct net_device *dev;
	u32 len, records, last; /* last: where the last record begins */
	u8 buf[IGMP_V3_MAX];
};

static void igmp_draft_send(struct igmp_draft *d) __needs(softirq_ctx)
{
	struct igmpv3_report h = { .type = IGMP_V3_REPORT, .ngrec = htons((u16)d->records) };
	struct sk_buff *skb = d->records ? igmp_alloc(d->len) : NULL;

	if (skb) {
		memcpy(d->buf, &h, sizeof(h));
		memcpy(skb_put(skb, d->len), d->buf, d->len);
		igmp_push(d->dev, skb, IGMP_V3_ROUTERS);
	}
	d->records = 0;
	d->len = 0;
}

/* Of one packet, the least MTU allows a record with seven sources. */
static bool igmp_draft_fits(const struct igmp_draft *d, u32 bytes)
{
	u32 room = d->dev->mtu - (u32)sizeof(struct iphdr) - router_alert.optlen;

	return d->len + bytes <= min(room, IGMP_V3_MAX);
}

static bool igmp_is_exclude(u8 type)
{
	return type == MODE_IS_EXCLUDE || type == CHANGE_TO_EXCLUDE;
}

/* A record of @n sources begins, in a report that has room for it, or at least for one of a list that can be cut. */
static void igmp_record(struct igmp_draft *d, u8 type, __be32 group, u32 n) __needs(softirq_ctx)
{
	struct igmpv3_grec rec = { .type = type, .group = group };
	u32 together = igmp_is_exclude(type) ? n : min(n, 1U);

	if (d->records && !igmp_draft_fits(d, (u32)(sizeof(rec) + together * sizeof(__be32))))
		igmp_draft_send(d);
	if (!d->len)
		d->len = sizeof(struct igmpv3_report);
	memcpy(d->buf + d->len, &rec, sizeof(rec));
	d->last = d->len;
	d->len += (u32)sizeof(rec);
	d->records++;
}

/* One more source of the record. A list goes on in the next report, but for one of EXCLUDE, which is cut (RFC 3376, 4.2.16). */
static void igmp_record_source(struct igmp_draft *d, __be32 addr) __needs(softirq_ctx)
{
	struct igmpv3_grec rec;

	memcpy(&rec, d->buf + d->last, sizeof(rec));
	if (!igmp_draft_fits(d, sizeof(addr))) {
		if (igmp_is_exclude(rec.type))
			return;
		igmp_draft_send(d);
		igmp_record(d, rec.type, rec.group, 1);
		rec.nsrcs = 0;
	}
	memcpy(d->buf + d->len, &addr, sizeof(addr));
	d->len += (u32)sizeof(addr);
	rec.nsrcs = htons((u16)(ntohs(rec.nsrcs) + 1));
	memcpy(d->buf + d->last, &rec, sizeof(rec));
}

/* A record of the group's list. */
static void igmp_record_list(struct igmp_draft *d, const struct in_mcgroup *mc, u8 type)
	__needs(softirq_ctx)
{
	u32 n = 0;

	for (u32 i = 0; i < mc->nr_sources; i++)
		n += mc_listed(mc, &mc->sources[i]);
	if (type == MODE_IS_INCLUDE && !n)
		return;
	igmp_record(d, type, mc->group, n);
	for (u32 i = 0; i < mc->nr_sources; i++) {
		if (mc_listed(mc, &mc->sources[i]))
			igmp_record_source(d, mc->sources[i].addr);
	}
}

/* A record of those sources of which a change is to be told and that are wanted now, or are not. */
static void igmp_record_changes(struct igmp_draft *d, const struct in_mcgroup *mc, bool wanted)
	__needs(softirq_ctx)
{
	u32 n = 0;

	for (u32 i = 0; i < mc->nr_sources; i++) {
		const struct in_mcsource *s = &mc->sources[i];

		if (!s->unsent || (mc_listed(mc, s) == !mc->excluders) != wanted)
			continue;
		if (!n++)
			igmp_record(d, wanted ? ALLOW_NEW_SOURCES : BLOCK_OLD_SOURCES, mc->group,
				    1);
		igmp_record_source(d, s->addr);
	}
}

/* --- What is due --------------------------------------------------------------------------------------------------------- */

static u8 igmp_version(const struct igmp *g, u64 now)
{
	if (now < g->v1_until_ns)
		return 1;
	return now < g->v2_until_ns ? 2 : 3;
}

static u64 igmp_within(u64 now, u32 ms)
{
	return now + get_random_below(ms + 1) * NSEC_PER_MSEC + 1;
}

/* Something is still to be said about the group. */
static bool igmp_pending(const struct in_mcgroup *mc)
{
	bool pending = mc->unsent != 0;

	for (u32 i = 0; i < mc->nr_sources; i++)
		pending |= mc->sources[i].unsent != 0;
	return pending;
}

/* All is said. */
static void igmp_hush(struct in_mcgroup *mc)
{
	mc->unsent = 0;
	for (u32 i = 0; i < mc->nr_sources; i++)
		mc->sources[i].unsent = 0;
}

/* Sources that nobody names, and the slot of a group that was left, of which all is said, are free. */
static void igmp_said(struct in_mcgroup *mc)
{
	for (u32 i = mc->nr_sources; i-- > 0;) {
		const struct in_mcsource *s = &mc->sources[i];

		if (!s->wanted && !s->refused && !s->unsent)
			mc->sources[i] = mc->sources[--mc->nr_sources];
	}
	if (mc->users || mc->unsent || mc->nr_sources)
		return;
	kfree(mc->sources);
	*mc = (struct in_mcgroup){ 0 };
}

/* A group of which routers are told nothing. */
static bool igmp_silent(const struct net *net, const struct in_mcgroup *mc)
{
	return mc->group == IGMP_ALL_HOSTS || (!net->ipv4->set.igmp_link_local_mcast_reports &&
					       ipv4_is_local_multicast(mc->group));
}

static void igmp_arm(struct igmp *g)
{
	u64 next = WAIT_FOREVER;

	if (g->change_ns)
		next = min(next, g->change_ns);
	if (g->general_ns)
		next = min(next, g->general_ns);
	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		if (g->dev->ip_ptr->mc[i].report_ns)
			next = min(next, g->dev->ip_ptr->mc[i].report_ns);
	}
	if (next == WAIT_FOREVER)
		del_timer(&g->timer);
	else
		mod_timer(&g->timer, next);
}

/* Asked for sources: those that are wanted (RFC 3376, 5.2). */
static void igmp_answer_asked(struct in_mcgroup *mc, struct igmp_draft *d) __needs(softirq_ctx)
{
	u32 n = 0;

	for (u32 i = 0; i < mc->nr_asked; i++) {
		if (!mc_wants(mc, mc->asked[i]))
			continue;
		if (!n++)
			igmp_record(d, MODE_IS_INCLUDE, mc->group, 1);
		igmp_record_source(d, mc->asked[i]);
	}
	mc->nr_asked = 0;
}

/* One membership that was asked for: by itself before version 3. */
static void igmp_answer(struct igmp *g, struct in_mcgroup *mc, u8 version, struct igmp_draft *d)
	__needs(softirq_ctx)
{
	mc->report_ns = 0;
	if (version < 3) {
		mc->reporter = true;
		igmp_send_short(g->dev, version == 1 ? IGMP_V1_REPORT : IGMP_V2_REPORT, mc->group,
				mc->group);
	} else if (mc->nr_asked) {
		igmp_answer_asked(mc, d);
	} else {
		igmp_record_list(d, mc, mc->excluders ? MODE_IS_EXCLUDE : MODE_IS_INCLUDE);
	}
}

static void igmp_run_answers(struct igmp *g, u64 now, u8 version) __needs(softirq_ctx)
{
	bool all = g->general_ns && g->general_ns <= now;
	struct igmp_draft d = { .dev = g->dev };

	if (all)
		g->general_ns = 0;
	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		struct in_mcgroup *mc = &g->dev->ip_ptr->mc[i];

		if (!mc->users || igmp_silent(g->dev->net, mc))
			continue;
		if (all)
			mc->nr_asked = 0;
		if (all || (mc->report_ns && mc->report_ns <= now))
			igmp_answer(g, mc, version, &d);
	}
	igmp_draft_send(&d);
}

/* What version 3 says of a change: while the kind has changed the whole list, then what came and went (RFC 3376, 5.1). */
static void igmp_say_change(struct igmp_draft *d, struct in_mcgroup *mc) __needs(softirq_ctx)
{
	if (mc->unsent) {
		mc->unsent--;
		igmp_record_list(d, mc, mc->excluders ? CHANGE_TO_EXCLUDE : CHANGE_TO_INCLUDE);
	} else {
		igmp_record_changes(d, mc, !mc->excluders);
		igmp_record_changes(d, mc, mc->excluders != 0);
	}
	for (u32 i = 0; i < mc->nr_sources; i++) {
		if (mc->sources[i].unsent)
			mc->sources[i].unsent--;
	}
}

/* Changes, one round: versions 1 and 2 only know joins. */
static void igmp_run_changes(struct igmp *g, u64 now, u8 version) __needs(softirq_ctx)
{
	struct igmp_draft d = { .dev = g->dev };
	bool more = false;

	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		struct in_mcgroup *mc = &g->dev->ip_ptr->mc[i];

		if (!igmp_pending(mc))
			continue;
		if (version == 3) {
			igmp_say_change(&d, mc);
		} else {
			BUG_ON(!mc->unsent || !mc->users);
			mc->unsent--;
			igmp_answer(g, mc, version, &d);
		}
		more |= igmp_pending(mc);
		igmp_said(mc);
	}
	igmp_draft_send(&d);
	g->change_ns =
		more ? igmp_within(now, version == 3 ? IGMP_V3_AGAIN_MS : IGMP_V2_AGAIN_MS) : 0;
}

static void igmp_timer(struct timer *t) __needs(softirq_ctx)
{
	struct igmp *g = container_of(t, struct igmp, timer);
	u64 now = ktime_get_ns();
	u8 version = igmp_version(g, now);

	igmp_run_answers(g, now, version);
	if (g->change_ns && g->change_ns <= now)
		igmp_run_changes(g, now, version);
	igmp_arm(g);
}

/* --- Changes ------------------------------------------------------------------------------------------------------------- */

/* The device's state, if anything can be said on it: NULL when not. */
static struct igmp *igmp_of(struct net_device *dev)
{
	struct igmp *g = dev->ip_ptr ? &dev->ip_ptr->igmp : NULL;

	if (!g || !netif_running(dev) || (dev->flags & IFF_LOOPBACK))
		return NULL;
	if (!g->dev) {
		g->dev = dev;
		timer_setup(&g->timer, igmp_timer);
	}
	return g;
}

static u8 igmp_robustness(const struct igmp *g)
{
	return g->qrv ? g->qrv : g->dev->net->ipv4->igmp_qrv;
}

/* What has changed is told at once, together with what was still to be said again. */
static void igmp_tell(struct igmp *g) __needs(softirq_ctx)
{
	u64 now = ktime_get_ns();

	igmp_run_changes(g, now, igmp_version(g, now));
	igmp_arm(g);
}

/* All that version 3 has to say of the group as it is now. */
static void igmp_say_all(const struct igmp *g, struct in_mcgroup *mc)
{
	mc->unsent = mc->excluders ? igmp_robustness(g) : 0;
	for (u32 i = 0; i < mc->nr_sources; i++) {
		struct in_mcsource *s = &mc->sources[i];

		s->unsent = !mc->excluders && mc_listed(mc, s) ? igmp_robustness(g) : 0;
	}
}

/* What version 3 has to say of a change. There is something. */
static bool igmp_note_change(const struct igmp *g, struct in_mcgroup *mc,
			     const struct mc_before *before)
{
	bool news = before->exclude != (mc->excluders != 0);

	if (news) {
		igmp_hush(mc);
		mc->unsent = igmp_robustness(g);
		return true;
	}
	for (u32 i = 0; i < mc->nr_sources; i++) {
		struct in_mcsource *s = &mc->sources[i];

		if (s->was_listed == mc_listed(mc, s))
			continue;
		s->unsent = igmp_robustness(g);
		news = true;
	}
	return news;
}

/* The same for versions 1 and 2: sources mean nothing to them, and version 1 knows no end. */
static bool igmp_note_change_old(const struct igmp *g, struct in_mcgroup *mc,
				 const struct mc_before *before, u8 version) __needs(softirq_ctx)
{
	bool joined = !before->users && mc->users, left = before->users && !mc->users;

	if (joined)
		mc->unsent = igmp_robustness(g);
	if (left) {
		mc->unsent = 0;
		if (version == 2 && mc->reporter)
			igmp_send_short(g->dev, IGMP_V2_LEAVE, mc->group, IGMP_ALL_ROUTERS);
	}
	return joined;
}

/**
 * igmp_group_changed() - sockets want something else of @mc than before: told, now and again; a slot that nobody uses becomes free when
 * all is said.
 * @before: what it was; each source says whether it was listed
 *
 * Context: BH off.
 */
void igmp_group_changed(struct net_device *dev, struct in_mcgroup *mc,
			const struct mc_before *before)
{
	struct igmp *g = igmp_of(dev);
	u8 version = g ? igmp_version(g, ktime_get_ns()) : 0;
	bool news = false;

	if (!before->users != !mc->users) {
		mc->report_ns = 0;
		mc->nr_asked = 0;
	}
	if (!g || igmp_silent(dev->net, mc))
		igmp_hush(mc);
	else if (version == 3)
		news = igmp_note_change(g, mc, before);
	else
		news = igmp_note_change_old(g, mc, before, version);
	igmp_said(mc);
	if (news)
		igmp_tell(g);
	else if (g)
		igmp_arm(g);
}

/**
 * igmp_up() - the device works (again): routers are told of all groups. Context: BH off.
 */
void igmp_up(struct net_device *dev)
{
	struct igmp *g = igmp_of(dev);

	if (!g)
		return;
	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		struct in_mcgroup *mc = &dev->ip_ptr->mc[i];

		if (mc->users && !igmp_silent(dev->net, mc))
			igmp_say_all(g, mc);
	}
	igmp_tell(g);
}

/* Nothing is due any more. */
static void igmp_cancel(struct igmp *g)
{
	g->general_ns = 0;
	g->change_ns = 0;
	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		struct in_mcgroup *mc = &g->dev->ip_ptr->mc[i];

		mc->report_ns = 0;
		mc->nr_asked = 0;
		igmp_hush(mc);
		igmp_said(mc);
	}
	del_timer(&g->timer);
}

/**
 * igmp_down() - the device does not work any more, or goes: nothing is said, and what was learnt of the routers is forgotten.
 * Context: BH off.
 */
void igmp_down(struct net_device *dev)
{
	struct igmp *g = dev->ip_ptr ? &dev->ip_ptr->igmp : NULL;

	if (!g || !g->dev)
		return;
	igmp_cancel(g);
	g->v1_until_ns = 0;
	g->v2_until_ns = 0;
	g->qrv = 0;
}

/* --- Queries -------------------------------------------------------------------------------------------------------------- */

/* A query, whichever its version. */
struct igmp_query {
	u8 version, qrv;
	u32 max_ms, interval_s;
	__be32 group;
	u32 nsrcs;
	struct reader sources;
};

/* Eight bits as a number with mantissa and exponent (RFC 3376, 4.1.1, 4.1.7). */
static u32 igmp_decode(u8 code)
{
	return code < 128 ? code : ((code & 15u) | 16u) << (((code >> 4) & 7u) + 3);
}

/* False: none that can be answered. */
static bool igmp_parse_query(const void *data, u32 len, struct igmp_query *q)
{
	struct reader r = rd_init(data, len);
	const struct igmphdr *h = (const struct igmphdr *)(const void *)rd_take(&r, sizeof(*h));

	if (!h)
		return false;
	*q = (struct igmp_query){ .version = 2,
				  .group = h->group,
				  .max_ms = h->code * 100u,
				  .interval_s = IGMP_QUERY_S };
	if (q->group && !ipv4_is_multicast(q->group))
		return false;
	if (!r.left) {
		if (!h->code) {
			q->version = 1;
			q->max_ms = IGMP_V1_MS;
		}
		return true;
	}
	q->version = 3;
	q->max_ms = igmp_decode(h->code) * 100;
	q->qrv = rd_u8(&r) & 7;
	q->interval_s = igmp_decode(rd_u8(&r));
	q->nsrcs = rd_be16(&r);
	q->sources = rd_sub(&r, q->nsrcs * (u32)sizeof(__be32));
	return !r.bad;
}

/* A router of an older version: it is spoken to in its own words for as long as it can be believed to be there. */
static void igmp_older(struct igmp *g, const struct igmp_query *q, u64 now)
{
	u64 s = (u64)igmp_robustness(g) * g->interval_s;
	u64 until = now + s * NSEC_PER_SEC + q->max_ms * NSEC_PER_MSEC;
	u8 before = igmp_version(g, now);

	if (q->version == 1)
		g->v1_until_ns = until;
	else
		g->v2_until_ns = until;
	if (igmp_version(g, now) != before)
		igmp_cancel(g); /* RFC 3376, 7.2.1 */
}

/* Which sources are asked for: more than can be kept are all of them. */
static void igmp_note_sources(struct in_mcgroup *mc, const struct igmp_query *q)
{
	struct reader r = q->sources;

	if (!q->nsrcs || (mc->report_ns && !mc->nr_asked) ||
	    mc->nr_asked + q->nsrcs > IGMP_MAX_QUERIED) {
		mc->nr_asked = 0;
		return;
	}
	while (r.left)
		mc->asked[mc->nr_asked++] = htonl(rd_be32(&r));
}

static void igmp_answer_soon(struct igmp *g, const struct igmp_query *q, u64 now)
{
	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		struct in_mcgroup *mc = &g->dev->ip_ptr->mc[i];
		u64 at;

		if (!mc->users || igmp_silent(g->dev->net, mc) ||
		    (q->group && q->group != mc->group))
			continue;
		at = igmp_within(now, q->max_ms);
		if (q->version == 3)
			igmp_note_sources(mc, q);
		if (!mc->report_ns || at < mc->report_ns)
			mc->report_ns = at;
	}
}

static void igmp_heard_query(struct igmp *g, const struct igmp_query *q) __needs(softirq_ctx)
{
	u64 now = ktime_get_ns(), at;

	if (q->version == 3) {
		g->qrv = q->qrv;
		g->interval_s = q->interval_s;
	} else {
		if (!g->interval_s)
			g->interval_s = IGMP_QUERY_S;
		igmp_older(g, q, now);
	}
	if (igmp_version(g, now) == 3 && !q->group) {
		at = igmp_within(now, q->max_ms);
		if (!g->general_ns || at < g->general_ns)
			g->general_ns = at;
	} else {
		igmp_answer_soon(g, q, now);
	}
	igmp_arm(g);
}

/* Another member answered: with versions 1 and 2 that is enough. */
static void igmp_heard_report(struct igmp *g, __be32 group)
{
	if (igmp_version(g, ktime_get_ns()) == 3)
		return;
	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		struct in_mcgroup *mc = &g->dev->ip_ptr->mc[i];

		if (mc->group == group && mc->users) {
			mc->report_ns = 0;
			mc->unsent = 0;
			mc->reporter = false;
		}
	}
	igmp_arm(g);
}

/* Consumes @skb: data at the IGMP header. Softirq. */
static void igmp_rcv(struct sk_buff *skb) __needs(softirq_ctx)
{
	struct net_device *dev = skb->dev;
	struct igmp *g = igmp_of(dev);
	struct igmp_query q;

	if (skb_linearize(skb) < 0) {
		kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
		return;
	}
	if (skb->len < sizeof(struct igmphdr) ||
	    csum_fold(skb_checksum(skb, 0, skb->len, 0)) != 0) {
		kfree_skb_reason(skb, SKB_DROP_REASON_IGMP_INVALID);
		return;
	}
	switch (skb->data[0]) {
	case IGMP_QUERY:
		if (!igmp_parse_query(skb->data, skb->len, &q)) {
			kfree_skb_reason(skb, SKB_DROP_REASON_IGMP_INVALID);
			return;
		}
		if (g)
			igmp_heard_query(g, &q);
		break;
	case IGMP_V1_REPORT:
	case IGMP_V2_REPORT:
		/* Our own come back to us as members. */
		if (g && !inet_addr_is_local(dev->net, ip_hdr(skb)->saddr))
			igmp_heard_report(g,
					  ((const struct igmphdr *)(const void *)skb->data)->group);
		break;
	default: /* what routers tell each other, and reports of version 3 */
		break;
	}
	consume_skb(skb);
}

static const struct net_protocol igmp_protocol = { .handler = igmp_rcv };

/**
 * igmp_init() - the settings of @net, and its receiver; the first protocol that there is. Context: process.
 */
void igmp_init(struct net *net)
{
	int err = inet_add_protocol(net, IPPROTO_IGMP, &igmp_protocol);

	BUG_ON(err);
	net->ipv4->igmp_qrv = IGMP_QRV;
	net->ipv4->igmp_max_memberships = IP_MAX_MEMBERSHIPS;
}

/* --- Settings and the page ------------------------------------------------------------------------------------------------ */

/**
 * ip_igmp_sysctl_set() - net.ipv4.igmp_max_memberships: groups of one socket (20 at the most); igmp_qrv: how often a change is told while no router
 * says it.
 * Context: process. Return: 0; -ENOENT; -EINVAL; -ERANGE.
 */
int ip_igmp_sysctl_set(struct net *net, const char *name, const char *value)
{
	bool qrv = strcmp(name, "igmp_qrv") == 0;
	u64 n;

	if (!qrv && strcmp(name, "igmp_max_memberships") != 0)
		return -ENOENT;
	if (kstrtou64(value, &n))
		return -EINVAL;
	if (qrv ? n < 1 || n > 7 : n > IP_MAX_MEMBERSHIPS)
		return -ERANGE;
	if (qrv)
		net->ipv4->igmp_qrv = (u8)n;
	else
		net->ipv4->igmp_max_memberships = (u8)n;
	return 0;
}

/**
 * ip_igmp_sysctl_get() - what ip_igmp_sysctl_set() sets, as text. @text: PROC_SETTING_MAX bytes.
 * Context: process. Return: its length; -ENOENT.
 */
int ip_igmp_sysctl_get(const struct net *net, const char *name, char *text)
{
	const struct ipv4_net *ipv4 = net->ipv4;

	if (strcmp(name, "igmp_qrv") == 0)
		return scnprintf(text, PROC_SETTING_MAX, "%u", (unsigned int)ipv4->igmp_qrv);
	if (strcmp(name, "igmp_max_memberships") == 0)
		return scnprintf(text, PROC_SETTING_MAX, "%u",
				 (unsigned int)ipv4->igmp_max_memberships);
	return -ENOENT;
}

static void igmp_show_group(struct seq_file *m, __be32 group, u32 users, u64 left_ns, bool reporter)
{
	seq_printf(m, "\t\t\t\t%08X %5u %u:%08lX\t\t%u\n", (__force u32)group, users,
		   left_ns ? 1u : 0u, (unsigned long)(left_ns / (NSEC_PER_SEC / 100)),
		   reporter ? 1u : 0u);
}

static void igmp_show_dev(struct seq_file *m, const struct net_device *dev)
{
	const struct in_device *in = dev->ip_ptr;
	u64 now = ktime_get_ns();
	u32 count = 1;

	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++)
		count += in->mc[i].users != 0;
	seq_printf(m, "%u\t%-10s: %5u %5sV%u\n", dev->ifindex, dev->name, count, "",
		   (unsigned int)igmp_version(&in->igmp, now));
	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		const struct in_mcgroup *mc = &in->mc[i];

		if (mc->users)
			igmp_show_group(m, mc->group, mc->users,
					mc->report_ns > now ? mc->report_ns - now : 0,
					mc->reporter);
	}
	igmp_show_group(m, IGMP_ALL_HOSTS, 1, 0, false);
}

/**
 * igmp_show() - /proc/net/igmp as Linux has it: devices that have addresses, and their groups. Context: process. m->arg: struct net.
 */
void igmp_show(struct seq_file *m)
{
	const struct net *net = m->arg;
	const struct net_device *dev;

	seq_puts(m, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
	local_bh_disable();
	list_for_each_entry(dev, &net->dev_base, dev_list) {
		if (dev->ip_ptr && netif_running(dev))
			igmp_show_dev(m, dev);
	}
	local_bh_enable();
}

/**
 * mcfilter_show() - /proc/net/mcfilter as Linux has it: sources of groups, and how many sockets name them. Context: process. m->arg: struct net.
 */
void mcfilter_show(struct seq_file *m)
{
	const struct net *net = m->arg;
	const struct net_device *dev;

	seq_puts(m, "Idx Device        MCA        SRC    INC    EXC\n");
	local_bh_disable();
	list_for_each_entry(dev, &net->dev_base, dev_list) {
		for (u32 i = 0; dev->ip_ptr && i < IN_DEV_MAX_GROUPS; i++) {
			const struct in_mcgroup *mc = &dev->ip_ptr->mc[i];

			for (u32 j = 0; mc->users && j < mc->nr_sources; j++)
				seq_printf(m, "%3u %6s 0x%08x 0x%08x %6u %6u\n", dev->ifindex,
					   dev->name, ntohl(mc->group), ntohl(mc->sources[j].addr),
					   mc->sources[j].wanted, mc->sources[j].refused);
		}
	}
	local_bh_enable();
}
