// SPDX-License-Identifier: MIT
/*
 * ttcp - measures what a connection carries: bandwidth over TCP and UDP both ways, and the time of a round trip.
 *
 *   ttcp [OPTIONS] tcp-send HOST PORT BYTES WRITE_SIZE     BYTES in calls of WRITE_SIZE, until the peer has closed
 *   ttcp [OPTIONS] tcp-recv PORT                           one connection (or N), until each has ended
 *   ttcp [OPTIONS] udp-send HOST PORT SIZE COUNT           COUNT datagrams of SIZE bytes, then empty ones that say "end"
 *   ttcp [OPTIONS] udp-recv PORT                           until an empty datagram comes
 *   ttcp [OPTIONS] ping-pong HOST PORT COUNT               one byte there and back, COUNT times (the peer echoes)
 *   ttcp [OPTIONS] raw-send SIZE COUNT BATCH               COUNT frames of SIZE bytes by a packet socket, BATCH in one call
 *
 *   --connections N   TCP: so many at once                 --zerocopy     TCP: MSG_ZEROCOPY, where the kernel has it
 *   --proc PATH       print that file before and after the measured phase (may be repeated)
 *   --pause MS        wait so long before the first packet
 *
 * HOST is a numeric IPv4 address. The result is one line of JSON: {"test":, "bytes":, "ops":, "sec":, "retrans":, ...}. The
 * measured phase lies between two long NOPs that carry a number, so that a tracer of instructions can find it.
 *
 * Exit status: 0 measured, 2 usage, 4 refused, 5 unreachable or timed out, 6 connection lost, 1 anything else. An ordinary
 * POSIX program; nothing in it knows on which kernel it runs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 64
#define MAX_PAGES       8
#define MAX_WRITE       (4 << 20)
#define MAX_DATAGRAM    65507
#define MAX_FRAME       1514
#define MAX_BATCH       256
#define MAX_PINGS       1000000
#define WARM_UP         32   /* round trips before the measured ones */
#define FIRST_ANSWER_MS 1500 /* a card that has just been opened may be deaf for a second */

enum status { OK = 0, OTHER = 1, USAGE = 2, REFUSED = 4, UNREACHABLE = 5, LOST = 6 };

/* What the words on the command line said. */
static struct {
	long connections, pause_ms;
	int zerocopy, nr_pages;
	const char *pages[MAX_PAGES];
} opt = { .connections = 1 };

struct result {
	const char *test;
	long long bytes, ops, retrans;
	double sec;
};

static char *buffer; /* MAX_WRITE bytes */

/* 0f 1f 80 <number>: the phase begins (1) and ends (2). */
#define MARK(tag)                                                                                  \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80\n\t.long 0x4d500000 + " #tag ::: "memory")

static int usage(void)
{
	fprintf(stderr,
		"usage: ttcp [--connections N] [--zerocopy] [--proc PATH] [--pause MS] COMMAND\n"
		"  tcp-send HOST PORT BYTES WRITE_SIZE | tcp-recv PORT\n"
		"  udp-send HOST PORT SIZE COUNT | udp-recv PORT\n"
		"  ping-pong HOST PORT COUNT | raw-send SIZE COUNT BATCH\n");
	return USAGE;
}

/* Says what went wrong, with errno's words, and turns errno into our exit status. */
static int fail(const char *what)
{
	int err = errno;

	fprintf(stderr, "ttcp: %s: %s\n", what, strerror(err));
	switch (err) {
	case ECONNREFUSED:
		return REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case ETIMEDOUT:
		return UNREACHABLE;
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
		return LOST;
	default:
		return OTHER;
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A number between @lo and @hi that fills @text; -1 when it is something else. */
static long long number(const char *text, long long lo, long long hi)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	return *text < '0' || *text > '9' || *end != '\0' || n < lo || n > hi ? -1 : n;
}

/* 0, or -1 when host or port are none. */
static int parse_address(const char *host, const char *port, struct sockaddr_in *to)
{
	long long n = number(port, 1, 65535);

	memset(to, 0, sizeof(*to));
	to->sin_family = AF_INET;
	to->sin_port = htons((unsigned short)n);
	return n > 0 && inet_pton(AF_INET, host, &to->sin_addr) == 1 ? 0 : -1;
}

/* --- The measured phase --------------------------------------------------------------------------------------------- */

static void show_pages(const char *when)
{
	char text[4096];

	for (int i = 0; i < opt.nr_pages; i++) {
		int fd = open(opt.pages[i], O_RDONLY);
		ssize_t n;

		printf("== %s %s\n", when, opt.pages[i]);
		if (fd < 0) {
			printf("ttcp: cannot open %s: %s\n", opt.pages[i], strerror(errno));
			continue;
		}
		while ((n = read(fd, text, sizeof(text))) > 0)
			fwrite(text, 1, (size_t)n, stdout);
		close(fd);
	}
	fflush(stdout);
}

static void phase_begins(struct result *r)
{
	show_pages("before");
	r->sec = -seconds();
	MARK(1);
}

static void phase_ends(struct result *r)
{
	MARK(2);
	r->sec += seconds();
	show_pages("after");
}

/* The line of JSON but for its end: what only one test has may follow. */
static void print_result(const struct result *r)
{
	printf("{\"test\":\"%s\",\"bytes\":%lld,\"ops\":%lld,\"sec\":%.6f,\"retrans\":%lld,"
	       "\"MBps\":%.3f",
	       r->test, r->bytes, r->ops, r->sec, r->retrans,
	       r->sec > 0 ? (double)r->bytes / 1e6 / r->sec : 0.0);
}

/* --- TCP --------------------------------------------------------------------------------------------------------------- */

static int connect_to(const struct sockaddr_in *to)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (s >= 0 && connect(s, (const struct sockaddr *)to, sizeof(*to)) != 0) {
		int err = errno;

		close(s);
		errno = err;
		return -1;
	}
	return s;
}

static long long retransmissions(int s)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	return getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_total_retrans : 0;
}

/* Takes the notices of finished zero-copy calls: unread ones use up the socket's memory. */
static void reap_zerocopy(int s)
{
	char control[128];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };

	while (recvmsg(s, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		msg.msg_controllen = sizeof(control);
}

/* All connections in turn, a write each, until the bytes are out. */
static int tcp_write_all(const int *socks, long n, long long total, long long write_size,
			 struct result *r)
{
	int flags = MSG_NOSIGNAL | (opt.zerocopy ? MSG_ZEROCOPY : 0);

	for (long turn = 0; r->bytes < total; turn = (turn + 1) % n) {
		long long want = total - r->bytes < write_size ? total - r->bytes : write_size;
		ssize_t done = send(socks[turn], buffer, (size_t)want, flags);

		if (done < 0 && opt.zerocopy && errno == ENOBUFS) {
			reap_zerocopy(socks[turn]);
			continue;
		}
		if (done < 0 && errno != EINTR)
			return fail("send");
		r->bytes += done > 0 ? done : 0;
		r->ops++;
	}
	return OK;
}

/* The peer has everything when it has closed too. */
static int tcp_wait_end(int s)
{
	ssize_t n;

	if (shutdown(s, SHUT_WR) != 0)
		return fail("shutdown");
	do
		n = recv(s, buffer, MAX_WRITE, 0);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0 ? OK : fail("no end from the peer");
}

static int tcp_open_all(int *socks, const struct sockaddr_in *to, long *opened)
{
	int one = 1;

	for (*opened = 0; *opened < opt.connections; ++*opened) {
		int s = connect_to(to);

		if (s < 0)
			return fail("cannot connect");
		socks[*opened] = s;
		if (opt.zerocopy &&
		    setsockopt(s, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)) != 0) {
			++*opened;
			return fail("--zerocopy: this kernel has no SO_ZEROCOPY");
		}
	}
	return OK;
}

static int tcp_send(char **argv)
{
	struct result r = { .test = "tcp-send" };
	long long bytes = number(argv[2], 0, 1LL << 50), size = number(argv[3], 1, MAX_WRITE);
	int socks[MAX_CONNECTIONS], status;
	struct sockaddr_in to;
	long opened;

	if (parse_address(argv[0], argv[1], &to) || bytes < 0 || size < 0)
		return usage();
	status = tcp_open_all(socks, &to, &opened);
	if (status == OK) {
		phase_begins(&r);
		status = tcp_write_all(socks, opened, bytes, size, &r);
		for (long i = 0; i < opened && status == OK; i++)
			status = tcp_wait_end(socks[i]);
		phase_ends(&r);
	}
	for (long i = 0; i < opened; i++) {
		r.retrans += retransmissions(socks[i]);
		close(socks[i]);
	}
	if (status == OK) {
		print_result(&r);
		printf(",\"write\":%lld,\"connections\":%ld}\n", size, opened);
	}
	return status;
}

static int listen_on(long long port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (s < 0)
		return -1;
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(s, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(s, MAX_CONNECTIONS) != 0) {
		close(s);
		return -1;
	}
	return s;
}

/* Reads what is there; -1 with errno when a connection is lost, 0 when it has ended, 1 else. */
static int tcp_read_some(int s, struct result *r)
{
	ssize_t n = recv(s, buffer, MAX_WRITE, 0);

	if (n < 0)
		return errno == EINTR ? 1 : -1;
	r->bytes += n;
	r->ops += n > 0;
	return n > 0;
}

static int tcp_read_all(struct pollfd *p, long n, struct result *r)
{
	for (long open = n; open > 0;) {
		if (poll(p, (nfds_t)n, -1) < 0)
			return fail("poll");
		for (long i = 0; i < n; i++) {
			int more = p[i].revents ? tcp_read_some(p[i].fd, r) : 1;

			if (more < 0)
				return fail("recv");
			if (more)
				continue;
			close(p[i].fd);
			p[i].fd = -1;
			p[i].revents = 0;
			open--;
		}
	}
	return OK;
}

static int tcp_recv(char **argv)
{
	struct result r = { .test = "tcp-recv" };
	struct pollfd p[MAX_CONNECTIONS];
	long long port = number(argv[0], 1, 65535);
	int s = port < 0 ? -1 : listen_on(port), status = OK;
	long n;

	if (port < 0)
		return usage();
	if (s < 0)
		return fail("cannot listen");
	printf("ttcp: listening on port %lld\n", port);
	fflush(stdout);
	for (n = 0; n < opt.connections; n++) {
		p[n].events = POLLIN;
		p[n].fd = accept(s, NULL, NULL);
		if (p[n].fd < 0)
			return fail("accept");
	}
	phase_begins(&r);
	status = tcp_read_all(p, n, &r);
	phase_ends(&r);
	close(s);
	if (status == OK) {
		print_result(&r);
		printf(",\"connections\":%ld}\n", n);
	}
	return status;
}

/* --- UDP --------------------------------------------------------------------------------------------------------------- */

static int udp_socket(const struct sockaddr_in *to)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (s >= 0 && connect(s, (const struct sockaddr *)to, sizeof(*to)) != 0) {
		close(s);
		return -1;
	}
	return s;
}

static void pause_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* Until the card has everything, 10 s at most: the time of a send ends there, not in a queue. */
static void udp_drain(int s)
{
	int queued = 1;

	for (int i = 0; i < 20000 && ioctl(s, TIOCOUTQ, &queued) == 0 && queued > 0; i++)
		pause_ms(1);
}

static int udp_send(char **argv)
{
	struct result r = { .test = "udp-send" };
	long long size = number(argv[2], 1, MAX_DATAGRAM), count = number(argv[3], 0, 1LL << 40);
	long long refused = 0;
	struct sockaddr_in to;
	int s;

	if (parse_address(argv[0], argv[1], &to) || size < 0 || count < 0)
		return usage();
	s = udp_socket(&to);
	/* The first one finds the neighbour; it is not measured. */
	if (s < 0 || send(s, buffer, (size_t)size, 0) < 0)
		return fail("cannot send");
	pause_ms(FIRST_ANSWER_MS);
	phase_begins(&r);
	for (long long i = 0; i < count; i++) {
		if (send(s, buffer, (size_t)size, 0) < 0)
			refused++;
		else
			r.bytes += size;
	}
	udp_drain(s);
	phase_ends(&r);
	r.ops = count - refused;
	for (int i = 0; i < 3; i++) {
		pause_ms(20);
		(void)send(s, buffer, 0, 0);
	}
	close(s);
	print_result(&r);
	printf(",\"size\":%lld,\"refused\":%lld}\n", size, refused);
	return OK;
}

static int udp_recv(char **argv)
{
	struct result r = { .test = "udp-recv" };
	long long port = number(argv[0], 1, 65535);
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	ssize_t n;

	if (port < 0)
		return usage();
	if (s < 0 || bind(s, (struct sockaddr *)&any, sizeof(any)) != 0)
		return fail("cannot bind");
	printf("ttcp: listening on port %lld\n", port);
	fflush(stdout);
	/* The sender's first one is not measured, neither here nor there. */
	n = recv(s, buffer, MAX_DATAGRAM, 0);
	phase_begins(&r);
	while (n > 0 && (n = recv(s, buffer, MAX_DATAGRAM, 0)) > 0) {
		r.bytes += n;
		r.ops++;
	}
	phase_ends(&r);
	if (n < 0)
		return fail("recv");
	close(s);
	print_result(&r);
	printf("}\n");
	return OK;
}

/* --- Round trips ------------------------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One byte there and back: its time, or -1 with errno. */
static double round_trip(int s)
{
	double start = seconds();
	char c = 'x';
	ssize_t n;

	if (send(s, &c, 1, MSG_NOSIGNAL) != 1)
		return -1;
	do
		n = recv(s, &c, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ECONNRESET;
	return n == 1 ? seconds() - start : -1;
}

static int ping_pong(char **argv)
{
	struct result r = { .test = "ping-pong" };
	long long count = number(argv[2], 1, MAX_PINGS);
	double *took = malloc((size_t)(count > 0 ? count : 1) * sizeof(*took)), t = 0;
	struct sockaddr_in to;
	int s, one = 1;

	if (parse_address(argv[0], argv[1], &to) || count < 0)
		return usage();
	s = connect_to(&to);
	if (s < 0 || !took || setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
		return fail("cannot connect");
	for (int i = 0; i < WARM_UP && t >= 0; i++)
		t = round_trip(s);
	phase_begins(&r);
	for (; r.ops < count && t >= 0; r.ops++)
		t = took[r.ops] = round_trip(s);
	phase_ends(&r);
	if (t < 0)
		return fail("no echo");
	r.bytes = r.ops;
	r.retrans = retransmissions(s);
	close(s);
	qsort(took, (size_t)count, sizeof(*took), by_size);
	print_result(&r);
	printf(",\"min_us\":%.2f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"max_us\":%.2f}\n", took[0] * 1e6,
	       took[count / 2] * 1e6, took[count * 99 / 100] * 1e6, took[count - 1] * 1e6);
	free(took);
	return OK;
}

/* --- Frames ------------------------------------------------------------------------------------------------------------- */

/* A packet socket on the first Ethernet device; its address is the frames' source. */
static int raw_socket(struct sockaddr_ll *ll, unsigned char *mac)
{
	struct ifreq ifr = { .ifr_name = "eth0" };
	int s = socket(AF_PACKET, SOCK_RAW, 0);

	if (s < 0)
		return -1;
	memset(ll, 0, sizeof(*ll));
	ll->sll_family = AF_PACKET;
	if (ioctl(s, SIOCGIFHWADDR, &ifr) != 0)
		return -1;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	if (ioctl(s, SIOCGIFINDEX, &ifr) != 0)
		return -1;
	ll->sll_ifindex = ifr.ifr_ifindex;
	return bind(s, (struct sockaddr *)ll, sizeof(*ll)) == 0 ? s : -1;
}

static int raw_send(char **argv)
{
	static struct mmsghdr batch[MAX_BATCH];
	struct result r = { .test = "raw-send" };
	long long size = number(argv[0], 60, MAX_FRAME), count = number(argv[1], 0, 1LL << 40),
		  each = number(argv[2], 1, MAX_BATCH);
	struct iovec piece = { .iov_base = buffer, .iov_len = (size_t)size };
	struct sockaddr_ll ll;
	int s;

	if (size < 0 || count < 0 || each < 0)
		return usage();
	memset(buffer, 0xff, 6);
	s = raw_socket(&ll, (unsigned char *)buffer + 6);
	if (s < 0)
		return fail("no packet socket on eth0");
	buffer[12] = (char)0x88; /* IEEE 802 local experimental ethertype 1: nobody answers */
	buffer[13] = (char)0xb5;
	for (long long i = 0; i < each; i++)
		batch[i].msg_hdr = (struct msghdr){ .msg_iov = &piece, .msg_iovlen = 1 };
	phase_begins(&r);
	while (r.ops < count) {
		long long left = count - r.ops;
		int n = sendmmsg(s, batch, (unsigned int)(left < each ? left : each), 0);

		if (n < 0 && errno != ENOBUFS && errno != EINTR)
			return fail("send");
		r.ops += n > 0 ? n : 0;
	}
	phase_ends(&r);
	r.bytes = r.ops * size;
	close(s);
	print_result(&r);
	printf(",\"size\":%lld,\"batch\":%lld}\n", size, each);
	return OK;
}

/* --- Command line -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int words;
	int (*run)(char **argv);
} commands[] = {
	{ "tcp-send", 4, tcp_send }, { "tcp-recv", 1, tcp_recv },   { "udp-send", 4, udp_send },
	{ "udp-recv", 1, udp_recv }, { "ping-pong", 3, ping_pong }, { "raw-send", 3, raw_send },
};

/* Takes one option off the front; how many words it had, -1 when it is wrong. */
static int take_option(int argc, char **argv)
{
	if (strcmp(argv[0], "--zerocopy") == 0) {
		opt.zerocopy = 1;
		return 1;
	}
	if (argc < 2)
		return -1;
	if (strcmp(argv[0], "--connections") == 0) {
		opt.connections = (long)number(argv[1], 1, MAX_CONNECTIONS);
		return opt.connections < 0 ? -1 : 2;
	}
	if (strcmp(argv[0], "--pause") == 0) {
		opt.pause_ms = (long)number(argv[1], 0, 60000);
		return opt.pause_ms < 0 ? -1 : 2;
	}
	if (strcmp(argv[0], "--proc") == 0 && opt.nr_pages < MAX_PAGES) {
		opt.pages[opt.nr_pages++] = argv[1];
		return 2;
	}
	return -1;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	argc--;
	argv++;
	while (argc > 0 && strncmp(argv[0], "--", 2) == 0) {
		int taken = take_option(argc, argv);

		if (taken < 0)
			return usage();
		argc -= taken;
		argv += taken;
	}
	buffer = malloc(MAX_WRITE);
	if (!buffer)
		return fail("no memory");
	memset(buffer, 'x', MAX_WRITE);
	pause_ms(opt.pause_ms);
	for (size_t i = 0; argc > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[0], commands[i].name) == 0 && argc - 1 == commands[i].words)
			return commands[i].run(argv + 1);
	return usage();
}
