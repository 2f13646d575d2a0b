// SPDX-License-Identifier: MIT
/* net/tcp/tcp_fastopen.c and the option: keys, cookies, what a client remembers. Conversations are scripts: tcp/fastopen. */
#include "wire.h"

static const struct {
	const char *name, *text;
	int err;
} keys[] = {
	{ "small letters", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4", 0 },
	{ "capitals and digits", "0123ABCD-00000000-ffffffff-99999999", 0 },
	{ "nothing", "", -EINVAL },
	{ "three words", "a1a1a1a1-b2b2b2b2-c3c3c3c3", -EINVAL },
	{ "one digit more", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d45", -EINVAL },
	{ "a letter that is no digit", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4dg", -EINVAL },
	{ "commas", "a1a1a1a1,b2b2b2b2,c3c3c3c3,d4d4d4d4", -EINVAL },
	{ "blanks", "a1a1a1a1 b2b2b2b2 c3c3c3c3 d4d4d4d4", -EINVAL },
	{ "two", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4,1-2-3-4", -EINVAL },
	{ "two_whole", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4,00000001-00000002-00000003-00000004",
	  0 },
	{ "two_by_a_blank",
	  "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4 00000001-00000002-00000003-00000004", -EINVAL },
	{ "second_bad", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4,00000001-00000002-00000003-0000000x",
	  -EINVAL },
	{ "first_bad", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4dx,00000001-00000002-00000003-00000004",
	  -EINVAL },
};

TEST_EACH(key, keys)
{
	hosts_up(1);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_fastopen_key", row->text), row->err);
	hosts_down();
}

TEST(cookie_is_siphash_of_the_two_addresses)
{
	static const u8 want[8] = { 0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb };
	struct tcp_fastopen_cookie foc = { 0 }, other = { 0 };

	hosts_up(1);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"),
		 0);
	tcp_fastopen_cookie_gen(&hosts[0]->tcp->fo_keys.key[0], htonl(0xc0000201),
				htonl(0xc0a80001), &foc);
	CHECK_EQ(foc.len, 8);
	CHECK(memcmp(foc.val, want, 8) == 0);
	tcp_fastopen_cookie_gen(&hosts[0]->tcp->fo_keys.key[0], htonl(0xc0000202),
				htonl(0xc0a80001), &other);
	CHECK(memcmp(foc.val, other.val, 8) != 0);
	hosts_down();
}

static const struct {
	const char *name;
	u8 bytes[22];
	u32 len;
	bool there, exp;
	u8 cookie;
} options[] = {
	{ "a request", { 34, 2 }, 2, true, false, 0 },
	{ "the shortest", { 34, 6, 1, 2, 3, 4 }, 6, true, false, 4 },
	{ "the longest", { 34, 18 }, 18, true, false, 16 },
	{ "too short", { 34, 4, 1, 2 }, 4, false, false, 0 },
	{ "odd", { 34, 7, 1, 2, 3, 4, 5 }, 7, false, false, 0 },
	{ "too long", { 34, 20 }, 20, false, false, 0 },
	{ "beyond the end", { 34, 8, 1, 2, 3, 4 }, 6, false, false, 0 },
	{ "an experimental request", { 254, 4, 0xf9, 0x89 }, 4, true, true, 0 },
	{ "experimental", { 254, 8, 0xf9, 0x89, 1, 2, 3, 4 }, 8, true, true, 4 },
	{ "another experiment", { 254, 8, 0xf9, 0x88, 1, 2, 3, 4 }, 8, false, false, 0 },
	{ "an experiment without a name", { 254, 3, 0xf9 }, 3, false, false, 0 },
	{ "experimental, too long", { 254, 22, 0xf9, 0x89 }, 22, false, false, 0 },
};

TEST_EACH(option, options)
{
	struct tcp_options o;
	u8 *exact = malloc(row->len), back[40];
	u32 end;

	memcpy(exact, row->bytes, row->len);
	tcp_options_parse(exact, row->len, &o);
	free(exact);
	CHECK_EQ(o.foc.there, row->there);
	CHECK_EQ(o.foc.len, row->cookie);
	CHECK_EQ(o.foc.exp, row->exp);
	memset(back, 0xee, sizeof(back));
	end = tcp_options_write(back, &(struct tcp_out_options){ .foc = &o.foc });
	CHECK_EQ(end, row->there ? ALIGN(row->len, 4) : 0);
	if (row->there)
		CHECK(memcmp(back, row->bytes, row->len) == 0);
	CHECK_EQ(back[end], 0xee);
}

static bool known(u32 server)
{
	struct tcp_fastopen_cookie foc;
	bool ok;
	u32 mss;

	local_bh_disable();
	ok = tcp_fastopen_lookup(hosts[0]->tcp, htonl(server), &foc, &mss);
	local_bh_enable();
	CHECK_EQ(foc.there, true);
	CHECK_EQ(mss, ok ? 1000 : TCP_MSS_DEFAULT);
	CHECK_EQ(foc.len, ok ? 4 : 0);
	return ok;
}

static void learn(u32 server)
{
	struct tcp_fastopen_cookie foc = { .there = true, .len = 4, .val = { 1, 2, 3, 4 } };

	local_bh_disable();
	tcp_fastopen_learn(hosts[0]->tcp, htonl(server), 1000, &foc);
	local_bh_enable();
	host_clock_advance(1000);
}

TEST(what_was_used_longest_ago_makes_room)
{
	hosts_up(1);
	for (u32 i = 0; i < TCP_FASTOPEN_CACHE; i++)
		learn(100 + i);
	CHECK(known(100)); /* used now */
	host_clock_advance(1000);
	learn(500);
	CHECK(known(500) && known(100) && known(102));
	CHECK(!known(101));
	hosts_down();
}

TEST(what_was_learned_can_be_forgotten)
{
	hosts_up(1);
	learn(7);
	tcp_net_forget(hosts[0]);
	CHECK(!known(7));
	learn(7);
	CHECK(known(7));
	hosts_down();
}

TEST(an_empty_answer_changes_nothing)
{
	struct tcp_fastopen_cookie none = { 0 }, request = { .there = true };

	hosts_up(1);
	learn(7);
	local_bh_disable();
	tcp_fastopen_learn(hosts[0]->tcp, htonl(7), 536, &none);
	tcp_fastopen_learn(hosts[0]->tcp, htonl(7), 536, &request);
	tcp_fastopen_learn(hosts[0]->tcp, htonl(8), 536, &request);
	local_bh_enable();
	CHECK(known(7) && !known(8));
	hosts_down();
}

/* After a loss a minute or two of rest, twice as long after each further one, and never more than some hours. */
TEST(a_path_that_loses_is_left_alone_longer_each_time)
{
	struct tcp_fastopen_cookie foc;
	struct tcp_net *tn;
	u32 mss;

	hosts_up(1);
	tn = hosts[0]->tcp;
	for (u32 n = 1; n <= 14; n++) {
		u64 rest = 60 * NSEC_PER_SEC << min(n, 10u);

		learn(9);
		if (n > 1) /* a success in between would forgive: this is the row of losses */
			tn->fo_cache[0].lost = (u8)min(n - 1, 10u);
		local_bh_disable();
		tcp_fastopen_lost(tn, htonl(9));
		local_bh_enable();
		host_clock_advance(rest - NSEC_PER_SEC);
		CHECK(!tcp_fastopen_lookup(tn, htonl(9), &foc, &mss) && !foc.there);
		host_clock_advance(2 * NSEC_PER_SEC);
		CHECK(!tcp_fastopen_lookup(tn, htonl(9), &foc, &mss) && foc.there && !foc.len);
	}
	CHECK_EQ(hosts[0]->mib.tcpext[LINUX_MIB_TCPFastOpenBlackhole], 14);
	hosts_down();
}

KTEST_MAIN_BOOT()
