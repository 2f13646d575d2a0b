// SPDX-License-Identifier: MIT
/* What sockets of messages share, by raw sockets: looking without taking, waiting for a message, waiting for room. */
#include "../socket/calls.h"

#include <wire/icmp.h>

#define MY_PROTO 250
#define MESSAGE  24 /* of four bytes, with its header */

static struct ipframe f;
static u8 buf[64];
static int fd;
static bool news_came;

static void hear(const char *four)
{
	memcpy(f.data, four, 4);
	feed_ip(&f, PEER_IP, MY_PROTO, 4);
}

static long receive(size_t len, int flags)
{
	memset(buf, 0, sizeof(buf));
	return SYS(recvfrom, (u64)fd, P(buf), len, (u64)flags, 0, 0);
}

TEST(peek_leaves_the_message)
{
	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(receive(sizeof(buf), MSG_PEEK), -EAGAIN);
	hear("one.");
	hear("two.");
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(receive(sizeof(buf), MSG_PEEK), MESSAGE);
		CHECK_EQ(memcmp(buf + 20, "one.", 4), 0);
	}
	CHECK_EQ(receive(sizeof(buf), 0), MESSAGE);
	CHECK_EQ(memcmp(buf + 20, "one.", 4), 0);
	CHECK_EQ(receive(sizeof(buf), 0), MESSAGE);
	CHECK_EQ(memcmp(buf + 20, "two.", 4), 0);
	CHECK_EQ(receive(sizeof(buf), MSG_PEEK), -EAGAIN);
	all_gone();
}

TEST(what_does_not_fit_is_gone_and_told)
{
	up();
	fd = open_socket(AF_INET, SOCK_RAW, MY_PROTO);
	hear("one.");
	hear("two.");
	CHECK_EQ(receive(21, MSG_TRUNC), MESSAGE); /* the whole length */
	CHECK_EQ(buf[20], 'o');
	CHECK_EQ(buf[21], 0);
	CHECK_EQ(receive(21, 0), 21);
	CHECK_EQ(buf[20], 't');
	CHECK_EQ(receive(sizeof(buf), 0), -EAGAIN);
	all_gone();
}

/* --- Waiting: what another thread does while this one waits, and what the call gives then --------------------------------- */

static void message(void)
{
	hear("data");
}

/* The peer does not know the protocol of what we sent first. */
static void refusal(void)
{
	feed_icmp(PEER_IP, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0, 0, frames[0].b + 14, 28);
}

static void shut(void)
{
	CHECK_EQ(SYS(shutdown, (u64)fd, SHUT_RDWR), 0);
}

static void room(void)
{
	card_lets_go();
}

static void other_thread(void *arg)
{
	void (*const *news)(void) = arg;

	news_came = true;
	(*news)();
}

struct wait_row {
	const char *name;
	void (*news)(void);
	long ret;
	bool before; /* it happened already: nobody waits */
};

static void connected(void)
{
	struct sockaddr_in a = name_of(PEER_IP, 0);
	struct timeval tv = { .tv_sec = 0, .tv_usec = 300000 };

	up();
	fd = (int)SYS(socket, AF_INET, SOCK_RAW, MY_PROTO);
	CHECK_EQ(SYS(connect, (u64)fd, P(&a), 16), 0);
	CHECK_EQ(SYS(setsockopt, (u64)fd, SOL_SOCKET, SO_RCVTIMEO, P(&tv), sizeof(tv)), 0);
	CHECK_EQ(SYS(setsockopt, (u64)fd, SOL_SOCKET, SO_SNDTIMEO, P(&tv), sizeof(tv)), 0);
}

/* Lets the news come, now or while the caller waits. */
static void news_of(const struct wait_row *row)
{
	news_came = row->before;
	if (row->before)
		row->news();
	else if (row->news)
		CHECK(kthread_create("other", other_thread, (void *)(uintptr_t)&row->news) != NULL);
}

/* Without news the call ends at its timeout, to the millisecond; with them before. */
static void took(const struct wait_row *row, u64 since)
{
	u64 ms = (host_clock() - since) / NSEC_PER_MSEC;

	CHECK_EQ(news_came, row->news != NULL);
	CHECK(row->news ? ms < 300 : ms == 300);
}

static const struct wait_row readers[] = {
	{ "message", message, MESSAGE, false },
	{ "error", refusal, -ENOPROTOOPT, false },
	{ "shutdown", shut, 0, false },
	{ "timeout", NULL, -EAGAIN, false },
	{ "message_is_there", message, MESSAGE, true },
	{ "error_comes_first", refusal, -ENOPROTOOPT, true },
};

TEST_EACH(reader_waits_for, readers)
{
	u64 since;

	connected();
	CHECK_EQ(SYS(sendto, (u64)fd, P("12345678"), 8, 0, 0, 0), 8);
	news_of(row);
	since = host_clock();
	CHECK_EQ(receive(sizeof(buf), 0), row->ret);
	took(row, since);
	all_gone();
}

static const struct wait_row writers[] = {
	{ "room", room, 28, false },
	{ "error", refusal, -ENOPROTOOPT, false },
	{ "shutdown", shut, -EPIPE, false },
	{ "timeout", NULL, -EAGAIN, false },
	{ "room_is_there", room, 28, true },
	{ "error_comes_first", refusal, -ENOPROTOOPT, true },
	{ "shutdown_before", shut, -EPIPE, true },
};

/* A header of the application's own: the way that waits for room in the send buffer. */
TEST_EACH(writer_waits_for, writers)
{
	u8 packet[28] = { 0x45, [8] = 9, [9] = MY_PROTO };
	u32 sent = 0;
	u64 since;

	connected();
	((struct iphdr *)(void *)packet)->daddr = PEER_IP;
	CHECK_EQ(set_int(fd, SOL_IP, IP_HDRINCL, 1), 0);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_SNDBUF, 1), 0);
	card_holds = true;
	while (SYS(sendto, (u64)fd, P(packet), 28, MSG_DONTWAIT, 0, 0) == 28)
		sent++;
	CHECK(sent > 0 && sent == nr_frames);
	news_of(row);
	since = host_clock();
	CHECK_EQ(SYS(sendto, (u64)fd, P(packet), 28, 0, 0, 0), row->ret);
	took(row, since);
	CHECK_EQ(nr_frames, sent + (row->ret > 0));
	all_gone();
}

KTEST_MAIN_BOOT()
