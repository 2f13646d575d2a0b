// SPDX-License-Identifier: MIT
/* Netfilter: order and verdicts of the functions at each place, what each place shows, changed headers, the queue. */
#include "fixture.h"

#define IP(n) IPSTATS_MIB_##n
#define R(n)  SKB_DROP_REASON_##n

#define MAX_CALLS 64

/* A function under test: what it answers, and what it was shown. */
struct spy {
	char name;
	u32 verdict;
	u32 then; /* NF_REPEAT only: the answer to the call after the @repeats-th */
	u32 repeats, calls;
	bool frees;
	u8 tos, ttl; /* written when not 0 */
};
static char order[MAX_CALLS + 1];
static u32 nr_order;
static struct {
	enum nf_inet_hooks hook;
	u32 len;
	bool dst, dev, whole; /* whole: total length and header checksum are right */
	__be16 protocol;
	const struct net_device *in, *out;
	const struct sock *sk;
} seen;

static u32 spy_fn(void *arg, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct spy *s = arg;
	const struct iphdr *iph = ip_hdr(skb);
	u32 verdict = s->verdict;

	CHECK(nr_order < MAX_CALLS);
	if (nr_order < MAX_CALLS)
		order[nr_order++] = s->name;
	order[nr_order] = 0;
	seen.hook = state->hook;
	seen.len = skb->len;
	seen.dst = skb_dst(skb) != NULL;
	seen.dev = skb->dev != NULL;
	seen.whole = ip_fast_csum(iph, 5) == 0 && ntohs(iph->tot_len) == skb->len;
	seen.protocol = skb->protocol;
	seen.in = state->in;
	seen.out = state->out;
	seen.sk = state->sk;
	if (s->tos)
		nf_set_tos(ip_hdr(skb), s->tos);
	if (s->ttl)
		nf_set_ttl(ip_hdr(skb), s->ttl);
	if (verdict == NF_REPEAT && s->calls++ == s->repeats)
		verdict = s->then;
	if (s->frees)
		consume_skb(skb);
	return verdict;
}

static struct nf_hook_ops ops_of(struct spy *s, enum nf_inet_hooks hook, int priority)
{
	return (struct nf_hook_ops){ .hook = hook, .priority = priority, .fn = spy_fn, .arg = s };
}

static void listen_at(struct spy *s, enum nf_inet_hooks hook, int priority)
{
	struct nf_hook_ops ops = ops_of(s, hook, priority);

	CHECK_EQ(nf_register_net_hook(net, &ops), 0);
}

static void leave(struct spy *s, enum nf_inet_hooks hook)
{
	struct nf_hook_ops ops = ops_of(s, hook, 0);

	nf_unregister_net_hook(net, &ops);
}

static struct sock *usk;

static void up(void)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	nr_order = 0;
	order[0] = 0;
	memset(&seen, 0, sizeof(seen));
	usk = udp_open();
	nr_frames = 0;
}

static void down(void)
{
	udp_prot.close(usk, 0);
	for (u32 i = 0; i < NF_INET_NUMHOOKS; i++)
		CHECK(!net->nf[i]);
	fixture_down();
}

static long say(u32 len)
{
	static const u8 data[1400];

	return udp_send(usk, PEER_IP, 9, data, len, 0);
}

/* A datagram to a port that nobody has: the answer is one ICMP error. */
static void hear(void)
{
	struct ipframe f;
	u32 n = udp_make(&f, PEER_IP, 7, OUR_IP, 9, "abc", 3);

	feed_ip(&f, n, true);
}

/* --- Order and verdicts ------------------------------------------------------------------------------------------------- */

TEST(functions_run_by_priority_and_age)
{
	struct spy a = { .name = 'a', .verdict = NF_ACCEPT };
	struct spy b = { .name = 'b', .verdict = NF_ACCEPT };
	struct spy c = { .name = 'c', .verdict = NF_ACCEPT };
	struct spy d = { .name = 'd', .verdict = NF_ACCEPT };

	up();
	listen_at(&c, NF_INET_LOCAL_OUT, 10);
	listen_at(&a, NF_INET_LOCAL_OUT, NF_IP_PRI_FIRST);
	listen_at(&d, NF_INET_LOCAL_OUT, NF_IP_PRI_LAST);
	listen_at(&b, NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER);
	CHECK_EQ(say(4), 4);
	CHECK_STR(order, "abcd");
	leave(&b, NF_INET_LOCAL_OUT);
	listen_at(&b, NF_INET_LOCAL_OUT, 10); /* the younger of two equals comes later */
	CHECK_EQ(say(4), 4);
	CHECK_STR(order, "abcdacbd");
	CHECK_EQ(nr_frames, 2);
	leave(&a, NF_INET_LOCAL_OUT);
	leave(&b, NF_INET_LOCAL_OUT);
	leave(&c, NF_INET_LOCAL_OUT);
	leave(&d, NF_INET_LOCAL_OUT);
	CHECK_EQ(say(4), 4);
	CHECK_EQ(nr_order, 8);
	down();
}

static const struct {
	const char *name;
	u32 verdict, repeats, then;
	const char *order; /* a, then b when a let it pass */
	long rc;
	u32 frames, drops;
} verdicts[] = {
	{ "accept", NF_ACCEPT, 0, 0, "ab", 4, 1, 0 },
	{ "drop_is_EPERM", NF_DROP, 0, 0, "a", -EPERM, 0, 1 },
	{ "drop_with_errno", NF_DROP_ERR(ECONNREFUSED), 0, 0, "a", -ECONNREFUSED, 0, 1 },
	{ "stolen_is_success", NF_STOLEN, 0, 0, "a", 4, 0, 0 },
	{ "repeat_then_accept", NF_REPEAT, 3, NF_ACCEPT, "aaaab", 4, 1, 0 },
	{ "repeat_then_drop", NF_REPEAT, 1, NF_DROP, "aa", -EPERM, 0, 1 },
	{ "repeat_for_ever", NF_REPEAT, 1000, NF_ACCEPT, "aaaaaaaaaaaaaaaaa", -EPERM, 0, 1 },
	{ "queue_without_handler", NF_QUEUE, 0, 0, "a", -EPERM, 0, 1 },
};

static void each_verdict(enum nf_inet_hooks hook, size_t i)
{
	const __typeof__(verdicts[0]) *row = &verdicts[i];
	struct spy a = { .name = 'a',
			 .verdict = row->verdict,
			 .repeats = row->repeats,
			 .then = row->then,
			 .frees = row->verdict == NF_STOLEN };
	struct spy b = { .name = 'b', .verdict = NF_ACCEPT };
	u64 drops;

	up();
	drops = skb_stats.drop[R(NETFILTER_DROP)];
	listen_at(&a, hook, 0);
	listen_at(&b, hook, 1);
	CHECK_EQ(say(4), row->rc);
	CHECK_STR(order, row->order);
	CHECK_EQ(nr_frames, row->frames);
	CHECK_EQ(skb_stats.drop[R(NETFILTER_DROP)] - drops, row->drops);
	CHECK_EQ(net->mib.ip[IP(OutDiscards)], row->rc < 0);
	CHECK_EQ(net->mib.ip[IP(OutRequests)], hook == NF_INET_POST_ROUTING || row->frames);
	leave(&a, hook);
	leave(&b, hook);
	down();
}

TEST_EACH(local_out_obeys, verdicts)
{
	each_verdict(NF_INET_LOCAL_OUT, (size_t)(row - verdicts));
}
TEST_EACH(post_routing_obeys, verdicts)
{
	each_verdict(NF_INET_POST_ROUTING, (size_t)(row - verdicts));
}

static const struct {
	const char *name;
	enum nf_inet_hooks hook;
	u32 delivers;
} inputs[] = {
	{ "pre_routing", NF_INET_PRE_ROUTING, 0 },
	{ "local_in", NF_INET_LOCAL_IN, 0 },
};

TEST_EACH(input_drop_is_silent_and_counted, inputs)
{
	struct spy a = { .name = 'a', .verdict = NF_DROP };
	u64 drops;

	up();
	drops = skb_stats.drop[R(NETFILTER_DROP)];
	listen_at(&a, row->hook, 0);
	hear();
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(net->mib.ip[IP(InReceives)], 1);
	CHECK_EQ(net->mib.ip[IP(InDelivers)], 0);
	CHECK_EQ(skb_stats.drop[R(NETFILTER_DROP)] - drops, 1);
	a.verdict = NF_ACCEPT;
	hear();
	CHECK_EQ(nr_frames, 1); /* port unreachable */
	CHECK_EQ(net->mib.ip[IP(InDelivers)], 1);
	leave(&a, row->hook);
	down();
}

/* --- What is shown where ------------------------------------------------------------------------------------------------ */

TEST(local_out_sees_a_whole_header_with_route_and_no_device)
{
	struct spy a = { .name = 'a', .verdict = NF_ACCEPT };

	up();
	listen_at(&a, NF_INET_LOCAL_OUT, 0);
	CHECK_EQ(say(100), 100);
	CHECK(seen.whole && seen.dst && !seen.dev);
	CHECK(!seen.in && seen.out == dev && seen.sk == usk);
	CHECK_EQ(seen.len, 128);
	leave(&a, NF_INET_LOCAL_OUT);
	down();
}

TEST(post_routing_sees_device_and_protocol)
{
	struct spy a = { .name = 'a', .verdict = NF_ACCEPT };

	up();
	listen_at(&a, NF_INET_POST_ROUTING, 0);
	CHECK_EQ(say(100), 100);
	CHECK(seen.whole && seen.dst && seen.dev && seen.out == dev && !seen.in);
	CHECK_EQ(seen.protocol, htons(ETH_P_IP));
	leave(&a, NF_INET_POST_ROUTING);
	down();
}

TEST(input_places_see_the_device_it_came_from)
{
	struct spy a = { .name = 'a', .verdict = NF_ACCEPT };
	struct spy b = { .name = 'b', .verdict = NF_ACCEPT };

	up();
	listen_at(&a, NF_INET_LOCAL_IN, 0);
	listen_at(&b, NF_INET_PRE_ROUTING, 0);
	hear();
	CHECK_STR(order, "ba");
	CHECK(seen.whole && seen.in == dev && !seen.out && !seen.sk && seen.dev);
	leave(&a, NF_INET_LOCAL_IN);
	leave(&b, NF_INET_PRE_ROUTING);
	down();
}

/* LOCAL_OUT marks it: the second look is skipped. */
static u32 reroutes(void *arg, struct sk_buff *skb, const struct nf_hook_state *state)
{
	(void)arg;
	(void)state;
	skb->rerouted = 1;
	return NF_ACCEPT;
}

TEST(rerouted_packets_are_not_shown_twice_at_post_routing)
{
	struct spy a = { .name = 'a', .verdict = NF_ACCEPT };
	struct nf_hook_ops ops = { NF_INET_LOCAL_OUT, 0, reroutes, NULL };

	up();
	listen_at(&a, NF_INET_POST_ROUTING, 0);
	CHECK_EQ(nf_register_net_hook(net, &ops), 0);
	CHECK_EQ(say(4), 4);
	CHECK_EQ(nr_order, 0);
	nf_unregister_net_hook(net, &ops);
	CHECK_EQ(say(4), 4);
	CHECK_STR(order, "a");
	CHECK_EQ(nr_frames, 2);
	leave(&a, NF_INET_POST_ROUTING);
	down();
}

TEST(stacks_own_packets_are_shown_too)
{
	struct spy a = { .name = 'a', .verdict = NF_DROP };

	up();
	listen_at(&a, NF_INET_LOCAL_OUT, 0);
	hear();
	CHECK_STR(order, "a"); /* port unreachable */
	CHECK_EQ(nr_frames, 0);
	CHECK(!seen.sk);
	leave(&a, NF_INET_LOCAL_OUT);
	down();
}

TEST(changed_tos_and_ttl_keep_the_checksum_right)
{
	struct spy a = { .name = 'a', .verdict = NF_ACCEPT };

	up();
	listen_at(&a, NF_INET_LOCAL_OUT, 0);
	for (u32 i = 0; i < 256; i++) {
		nr_frames = nr_order = 0;
		a.tos = (u8)i;
		a.ttl = (u8)(i * 7 + 1);
		CHECK_EQ(say(4), 4);
		CHECK_EQ(ip_fast_csum(frame_ip(0), 5), 0);
		CHECK_EQ(frame_ip(0)->tos, i);
		CHECK_EQ(frame_ip(0)->ttl, a.ttl ? a.ttl : IPDEFTTL);
	}
	leave(&a, NF_INET_LOCAL_OUT);
	down();
}

/* --- Registration --------------------------------------------------------------------------------------------------------- */

TEST(registration_refuses_nonsense)
{
	struct spy s[NF_MAX_HOOKS + 1] = { 0 };
	struct nf_hook_ops ops = ops_of(&s[0], NF_INET_NUMHOOKS, 0);

	up();
	CHECK_EQ(nf_register_net_hook(net, &ops), -EINVAL);
	ops = (struct nf_hook_ops){ NF_INET_LOCAL_IN, 0, NULL, NULL };
	CHECK_EQ(nf_register_net_hook(net, &ops), -EINVAL);
	ops = ops_of(&s[0], NF_INET_LOCAL_IN, 0);
	fail_alloc(1);
	CHECK_EQ(nf_register_net_hook(net, &ops), -ENOMEM);
	CHECK_EQ(fail_over(), 1);
	CHECK(!net->nf[NF_INET_LOCAL_IN]);
	CHECK_EQ(nf_register_net_hook(net, &ops), 0);
	ops.priority = 7;
	CHECK_EQ(nf_register_net_hook(net, &ops), -EEXIST);
	for (u32 i = 1; i < NF_MAX_HOOKS; i++)
		listen_at(&s[i], NF_INET_LOCAL_IN, 0);
	ops = ops_of(&s[NF_MAX_HOOKS], NF_INET_LOCAL_IN, 0);
	CHECK_EQ(nf_register_net_hook(net, &ops), -ENOSPC);
	for (u32 i = 0; i < NF_MAX_HOOKS; i++)
		leave(&s[i], NF_INET_LOCAL_IN);
	down();
}

/* --- A stage of its own ------------------------------------------------------------------------------------------------------- */

/* A line of /proc/net/flow. */
static struct flow {
	u64 in, dropped;
} flow_of(enum skb_stage s)
{
	struct flow f = { .dropped = skb_stats.dropped[s] };

	for (u32 i = 0; i < NR_SKB_STAGES; i++)
		f.in += i == (u32)s ? 0 : skb_stats.moved[i][s];
	return f;
}

/* --- The queue -------------------------------------------------------------------------------------------------------------- */

static struct nf_queue_entry *held;
static int handler_says;

static int hold(void *arg, struct nf_queue_entry *entry)
{
	CHECK(arg == &held);
	if (!handler_says)
		held = entry;
	return handler_says;
}

static void back(u32 verdict)
{
	struct nf_queue_entry *entry = held;

	held = NULL; /* it may be queued once more */
	local_bh_disable();
	nf_reinject(entry, verdict);
	local_bh_enable();
}

static void queue_up(struct spy *a, struct spy *b, enum nf_inet_hooks hook)
{
	up();
	held = NULL;
	handler_says = 0;
	*a = (struct spy){ .name = 'a', .verdict = NF_QUEUE };
	*b = (struct spy){ .name = 'b', .verdict = NF_ACCEPT };
	CHECK_EQ(nf_register_queue_handler(net, hold, &held), 0);
	listen_at(a, hook, 0);
	listen_at(b, hook, 1);
}

static void queue_down(struct spy *a, struct spy *b, enum nf_inet_hooks hook)
{
	leave(a, hook);
	leave(b, hook);
	nf_unregister_queue_handler(net);
	down();
}

static const struct {
	const char *name;
	u32 verdict;
	const char *order;
	u32 frames, drops;
} returns[] = {
	{ "accepted_goes_on_behind", NF_ACCEPT, "ab", 1, 0 },
	{ "dropped", NF_DROP, "a", 0, 1 },
	{ "asked_again", NF_REPEAT, "aab", 1, 0 },
};

TEST_EACH(queued_packet_comes_back, returns)
{
	struct spy a, b;
	u64 drops;

	queue_up(&a, &b, NF_INET_LOCAL_OUT);
	drops = skb_stats.drop[R(NETFILTER_DROP)];
	CHECK_EQ(say(4), 4);
	CHECK(held && nr_frames == 0);
	CHECK_STR(order, "a");
	a.verdict = NF_ACCEPT; /* for NF_REPEAT */
	back(row->verdict);
	CHECK_STR(order, row->order);
	CHECK_EQ(nr_frames, row->frames);
	CHECK_EQ(skb_stats.drop[R(NETFILTER_DROP)] - drops, row->drops);
	queue_down(&a, &b, NF_INET_LOCAL_OUT);
}

TEST(queued_input_is_delivered_when_it_comes_back)
{
	struct spy a, b;

	queue_up(&a, &b, NF_INET_PRE_ROUTING);
	hear();
	CHECK(held && nr_frames == 0);
	CHECK_EQ(net->mib.ip[IP(InDelivers)], 0);
	back(NF_ACCEPT);
	CHECK_EQ(net->mib.ip[IP(InDelivers)], 1);
	CHECK_EQ(nr_frames, 1);
	queue_down(&a, &b, NF_INET_PRE_ROUTING);
}

static const struct {
	const char *name;
	enum nf_inet_hooks hook;
	enum skb_stage from;
	u32 verdict;
} held_at[] = {
	{ "input_accepted", NF_INET_PRE_ROUTING, SKB_STAGE_RX, NF_ACCEPT },
	{ "input_dropped", NF_INET_LOCAL_IN, SKB_STAGE_RX, NF_DROP },
	{ "output_accepted", NF_INET_LOCAL_OUT, SKB_STAGE_IP_OUT, NF_ACCEPT },
	{ "output_asked_again", NF_INET_LOCAL_OUT, SKB_STAGE_IP_OUT, NF_REPEAT },
	{ "output_dropped_with_errno", NF_INET_POST_ROUTING, SKB_STAGE_IP_OUT, NF_DROP_ERR(13) },
};

/* While a filter holds it, it is in the stage of its own; then back where it was, or dropped there. */
TEST_EACH(queued_packet_is_in_its_own_stage, held_at)
{
	bool out = row->from == SKB_STAGE_IP_OUT, drops = (row->verdict & 0xff) == NF_DROP;
	struct flow q, q2;
	struct spy a, b;
	char page[2048];
	struct seq_file m = { .buf = page, .size = sizeof(page) };
	u64 returned;

	queue_up(&a, &b, row->hook);
	a.verdict = NF_QUEUE;
	q = flow_of(SKB_STAGE_NF_QUEUE);
	returned = skb_stats.moved[SKB_STAGE_NF_QUEUE][row->from];
	if (out)
		CHECK_EQ(say(4), 4);
	else
		hear();
	CHECK(held && held->skb->stage == SKB_STAGE_NF_QUEUE);
	CHECK_EQ(flow_of(SKB_STAGE_NF_QUEUE).in - q.in, 1);
	CHECK(!skb_stages_wrong());
	skb_stages_show(&m);
	CHECK(strstr(page, "\nnf_queue ") && strstr(strstr(page, "\nnf_queue ") + 1, " 1\nneigh "));
	a.verdict = NF_ACCEPT;
	back(row->verdict);
	q2 = flow_of(SKB_STAGE_NF_QUEUE);
	CHECK_EQ(q2.in - q.in, 1);
	CHECK_EQ(q2.dropped - q.dropped, drops ? 1 : 0);
	CHECK_EQ(skb_stats.moved[SKB_STAGE_NF_QUEUE][row->from] - returned, drops ? 0 : 1);
	CHECK(!skb_stages_wrong());
	queue_down(&a, &b, row->hook);
}

TEST(queued_packet_may_be_queued_again_and_stolen)
{
	struct spy a, b;
	struct sk_buff *skb;

	queue_up(&a, &b, NF_INET_LOCAL_OUT);
	CHECK_EQ(say(4), 4);
	b.verdict = NF_QUEUE;
	back(NF_ACCEPT);
	CHECK_STR(order, "ab");
	CHECK(held != NULL);
	skb = held->skb;
	back(NF_STOLEN);
	CHECK_EQ(skb->users, 1);
	consume_skb(skb);
	CHECK_EQ(nr_frames, 0);
	queue_down(&a, &b, NF_INET_LOCAL_OUT);
}

TEST(queued_packet_does_not_come_back_to_other_functions)
{
	struct spy a, b, c = { .name = 'c', .verdict = NF_ACCEPT };
	u64 drops;

	queue_up(&a, &b, NF_INET_LOCAL_OUT);
	drops = skb_stats.drop[R(NETFILTER_DROP)];
	CHECK_EQ(say(4), 4);
	listen_at(&c, NF_INET_LOCAL_OUT, 2);
	back(NF_ACCEPT);
	CHECK_EQ(say(4), 4);
	leave(&c, NF_INET_LOCAL_OUT);
	leave(&a, NF_INET_LOCAL_OUT);
	leave(&b, NF_INET_LOCAL_OUT);
	back(NF_ACCEPT); /* nobody is there any more */
	CHECK_STR(order, "aa");
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(skb_stats.drop[R(NETFILTER_DROP)] - drops, 2);
	nf_unregister_queue_handler(net);
	down();
}

TEST(queue_that_refuses_drops_with_its_errno)
{
	struct spy a, b;

	queue_up(&a, &b, NF_INET_LOCAL_OUT);
	handler_says = -ENOBUFS; /* to UDP as if a queue below had dropped it */
	CHECK_EQ(say(4), 4);
	CHECK_EQ(net->mib.udp[UDP_MIB_SndbufErrors], 1);
	handler_says = -EINVAL;
	CHECK_EQ(say(4), -EINVAL);
	handler_says = 0;
	fail_alloc(3); /* descriptor and data of the packet, then the entry */
	CHECK_EQ(say(4), -ENOMEM);
	CHECK_EQ(fail_over(), 1);
	CHECK(!held && nr_frames == 0);
	CHECK_EQ(nf_register_queue_handler(net, hold, &held), -EEXIST);
	queue_down(&a, &b, NF_INET_LOCAL_OUT);
	up();
	fail_alloc(1);
	CHECK_EQ(nf_register_queue_handler(net, hold, &held), -ENOMEM);
	CHECK_EQ(fail_over(), 1);
	down();
}

KTEST_MAIN_BOOT()
