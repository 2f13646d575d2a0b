// SPDX-License-Identifier: MIT
/*
 * lossy - a wire that loses by seed, and Linux's TCP behind it: where two guests are compared in what they carry.
 *
 *   guest -- Unix stream, QEMU's framing -- delay, loss -- TAP 10.0.2.2/24 in a namespace of our own -- receiver (TCP, port 5001)
 *
 *   lossy FD ROUND_TRIP_US LOSS_PPM SEED     FD: the other end of QEMU's -netdev socket,fd=
 *   lossy ceiling ROUND_TRIP_US BYTES        what this program carries when nobody slows it down
 *
 * The fate of a frame depends on the seed, the direction and its number among the frames of the connection that are no SYN: what
 * a guest says before it connects changes nothing, so the same seed is the same wire for everybody. Nothing is lost but by the seed: when
 * a side is slow the other waits. Each way takes half of the round trip.
 *
 * It prints "lossy: ready", and when the stream has ended one line of JSON: bytes and the seconds from the first to the
 * last of them as the receiving application read them, the longest time it got nothing in between, frames carried and lost each way, and how
 * late frames were delivered, in the mean.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT       5001
#define HOST       0x0a000202u /* 10.0.2.2 */
#define GUEST      0x0a00020fu
#define FRAME_MAX  2048
#define STORE      (64u << 20) /* bytes on their way, each direction */
#define KEPT       (1u << 17)  /* frames on their way; a power of two */
#define CHUNK      (256u << 10)
#define TAP_QUEUE  20000
#define BURST      64 /* frames from the TAP before the others' turn */
#define CEILING_NS 2000000000ull

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "lossy: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- One direction ------------------------------------------------------------------------------------------------------ */
struct kept {
	uint64_t due;
	uint32_t at, len;
};

struct way {
	uint64_t delay_ns, seed, number, frames, lost, late_ns;
	uint32_t loss_ppm;
	/* Frames on their way, oldest first; their bytes, QEMU's length before each, lie in the store without a seam. */
	struct kept *kept;
	uint32_t first, nr, head, used;
	uint8_t *store;
};

static void way_init(struct way *w, uint64_t seed, uint64_t direction, uint64_t round_trip_us,
		     uint32_t loss_ppm)
{
	w->delay_ns = round_trip_us * 500;
	w->seed = seed * 0x9e3779b97f4a7c15u ^ direction << 32;
	w->loss_ppm = loss_ppm;
	w->kept = calloc(KEPT, sizeof(*w->kept));
	w->store = malloc(STORE);
	if (!w->kept || !w->store)
		die("memory");
}

/* SplitMix64's last step (Steele, Lea, Flood 2014) of the frame's number: 0 .. 999999. */
static uint32_t chance(uint64_t seed, uint64_t number)
{
	uint64_t z = seed + number * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(((z ^ z >> 31) >> 32) * 1000000u >> 32);
}

/* A segment of TCP that is no SYN. */
static int counts(const uint8_t *f, uint32_t len)
{
	uint32_t ihl = len >= 34 ? (f[14] & 15u) * 4 : 0;

	return len >= 54 && f[12] == 8 && f[13] == 0 && f[23] == 6 && len >= 14 + ihl + 20 &&
	       !(f[14 + ihl + 13] & 2);
}

static int way_full(const struct way *w)
{
	return w->nr == KEPT || w->used + 2 * FRAME_MAX > STORE - FRAME_MAX;
}

static void way_take(struct way *w, const uint8_t *f, uint32_t len)
{
	uint32_t at = w->head, size = len + 4;
	struct kept *k;

	w->frames++;
	if (counts(f, len) && chance(w->seed, w->number++) < w->loss_ppm) {
		w->lost++;
		return;
	}
	if (at + size > STORE) { /* no frame goes over the end: what is left there is used up too */
		w->used += STORE - at;
		at = 0;
	}
	w->store[at] = 0;
	w->store[at + 1] = 0;
	w->store[at + 2] = (uint8_t)(len >> 8);
	w->store[at + 3] = (uint8_t)len;
	memcpy(w->store + at + 4, f, len);
	k = &w->kept[(w->first + w->nr++) % KEPT];
	*k = (struct kept){ now_ns() + w->delay_ns, at, size };
	w->head = at + size;
	w->used += size;
}

static struct kept *way_first(const struct way *w)
{
	return w->nr ? &w->kept[w->first] : NULL;
}

/* The first frame has gone. */
static void way_gone(struct way *w, uint64_t now)
{
	struct kept *k = &w->kept[w->first];
	uint32_t next;

	w->late_ns += now - k->due;
	w->first = (w->first + 1) % KEPT;
	w->nr--;
	next = w->nr ? w->kept[w->first].at : w->head;
	w->used = next >= k->at || !w->nr ? w->used - k->len : w->used - (STORE - k->at);
	if (!w->nr)
		w->head = w->used = 0;
}

/* --- The receiver ----------------------------------------------------------------------------------------------------------- */
struct receiver {
	int listener;
	uint64_t first, last, gap, gap_at, bytes;
	pthread_t thread;
};

static void *receive(void *arg)
{
	static char buffer[1 << 20];
	struct receiver *r = arg;
	int s = accept(r->listener, NULL, NULL);
	ssize_t n;

	if (s < 0)
		die("accept");
	while ((n = recv(s, buffer, sizeof(buffer), 0)) > 0) {
		uint64_t now = now_ns();

		if (!r->bytes)
			r->first = r->last = now;
		if (now - r->last > r->gap) {
			r->gap = now - r->last;
			r->gap_at = r->bytes;
		}
		r->last = now;
		r->bytes += (uint64_t)n;
	}
	close(s);
	return NULL;
}

static void receiver_start(struct receiver *r)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->listener < 0 || bind(r->listener, (struct sockaddr *)&any, sizeof(any)) ||
	    listen(r->listener, 1))
		die("listen");
	if (pthread_create(&r->thread, NULL, receive, r))
		die("thread");
}

/* --- The place -------------------------------------------------------------------------------------------------------------- */
static void set_address(int s, struct ifreq *r, unsigned long what, uint32_t address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };

	memcpy(&r->ifr_addr, &in, sizeof(in));
	if (ioctl(s, what, r))
		die("address");
}

/* A namespace with a TAP: its descriptor. */
static int tap_open(void)
{
	struct ifreq r = { .ifr_name = "peer0" };
	int tap, s;

	if (unshare(CLONE_NEWNET))
		die("a namespace of our own (needs root)");
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap < 0)
		die("/dev/net/tun");
	r.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (ioctl(tap, TUNSETIFF, &r))
		die("TAP");
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	set_address(s, &r, SIOCSIFADDR, HOST);
	set_address(s, &r, SIOCSIFNETMASK, 0xffffff00u);
	r.ifr_qlen = TAP_QUEUE;
	if (ioctl(s, SIOCSIFTXQLEN, &r))
		die("queue length");
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(s, SIOCSIFFLAGS, &r))
		die("up");
	close(s);
	return tap;
}

/* --- Carrying ----------------------------------------------------------------------------------------------------------------- */
struct relay {
	int wire, tap;
	struct way out, in; /* from the guest, to the guest */
	uint8_t inbox[CHUNK + FRAME_MAX];
	uint32_t have;
	uint32_t sent; /* bytes of the first frame to the guest that are through */
};

/* Frames from QEMU. Return: 0 when it has gone. */
static int from_guest(struct relay *r)
{
	ssize_t n = recv(r->wire, r->inbox + r->have, CHUNK - r->have, MSG_DONTWAIT);
	uint32_t at = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return 0;
	r->have += (uint32_t)n;
	while (r->have - at >= 4) {
		uint32_t len = (uint32_t)r->inbox[at + 2] << 8 | r->inbox[at + 3];

		if (len > FRAME_MAX - 4 || r->inbox[at] || r->inbox[at + 1]) {
			fprintf(stderr, "lossy: a frame of %u bytes\n", len);
			exit(1);
		}
		if (r->have - at < len + 4 || way_full(&r->out))
			break;
		way_take(&r->out, r->inbox + at + 4, len);
		at += len + 4;
	}
	memmove(r->inbox, r->inbox + at, r->have - at);
	r->have -= at;
	return 1;
}

static void from_tap(struct relay *r)
{
	uint8_t f[FRAME_MAX];

	for (int i = 0; i < BURST && !way_full(&r->in); i++) {
		ssize_t n = read(r->tap, f, sizeof(f) - 4);

		if (n <= 0)
			return;
		way_take(&r->in, f, (uint32_t)n);
	}
}

static void to_tap(struct relay *r)
{
	const struct kept *k;
	uint64_t now = now_ns();

	while ((k = way_first(&r->out)) && k->due <= now) {
		if (write(r->tap, r->out.store + k->at + 4, k->len - 4) < 0 && errno == EAGAIN)
			return;
		way_gone(&r->out, now);
		now = now_ns();
	}
}

/* What is due, as far as QEMU takes it now. Return: 0 when QEMU has gone. */
static int to_guest(struct relay *r)
{
	const struct kept *k;
	uint64_t now = now_ns();

	while ((k = way_first(&r->in)) && k->due <= now) {
		ssize_t n = send(r->wire, r->in.store + k->at + r->sent, k->len - r->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		r->sent += (uint32_t)n;
		if (r->sent < k->len)
			return 1;
		r->sent = 0;
		way_gone(&r->in, now);
	}
	return 1;
}

static uint64_t next_due(const struct way *w, uint64_t soonest)
{
	const struct kept *k = way_first(w);

	return k && k->due < soonest ? k->due : soonest;
}

static void shovel(struct relay *r, const volatile int *stop)
{
	for (;;) {
		uint64_t now = now_ns(),
			 due = next_due(&r->in, next_due(&r->out, now + 100000000u)),
			 wait = due > now ? due - now : 0;
		struct timespec ts = { 0, (long)wait };
		int blocked = way_first(&r->in) && way_first(&r->in)->due <= now;
		struct pollfd p[2] = {
			{ r->wire,
			  (short)((way_full(&r->out) ? 0 : POLLIN) | (blocked ? POLLOUT : 0)), 0 },
			{ r->tap, way_full(&r->in) ? 0 : POLLIN, 0 }
		};

		if (blocked)
			ts.tv_nsec = 1000000;
		(void)ppoll(p, 2, &ts, NULL);
		if (p[0].revents & (POLLIN | POLLHUP) && !from_guest(r))
			return;
		if (p[1].revents)
			from_tap(r);
		to_tap(r);
		if (!to_guest(r) || (stop && *stop))
			return;
	}
}

static struct relay *relay_new(uint64_t round_trip_us, uint32_t loss_ppm, uint64_t seed)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		die("memory");
	way_init(&r->out, seed, 1, round_trip_us, loss_ppm);
	way_init(&r->in, seed, 2, round_trip_us, loss_ppm);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	r->tap = tap_open();
	return r;
}

static double late_us(const struct way *w)
{
	return w->frames > w->lost ? (double)w->late_ns / 1000 / (double)(w->frames - w->lost) : 0;
}

/* --- The ceiling: datagrams written as QEMU would write them -------------------------------------------------------------------- */
struct blaster {
	int wire;
	uint64_t bytes;
	int stop;
};

static void *blast(void *arg)
{
	struct blaster *b = arg;
	uint8_t f[4 + 1514] = { 0, 0, 1514 >> 8, 1514 & 255 };
	uint32_t sum = 0, address[2] = { htonl(GUEST), htonl(HOST) };

	memset(f + 4, 0xff, 6); /* broadcast: nobody has to be known */
	f[4 + 6] = 2;
	f[4 + 12] = 8;
	memcpy(f + 18, "\x45\x00\x05\xdc\0\0\0\0\x40\x11\0\0", 12); /* 1500 bytes, UDP */
	memcpy(f + 30, address, 8);
	for (int i = 18; i < 38; i += 2)
		sum += (uint32_t)f[i] << 8 | f[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	f[28] = (uint8_t)(~sum >> 8);
	f[29] = (uint8_t)~sum;
	memcpy(f + 38, "\x12\x34\x13\x89\x05\xc8\0\0", 8); /* to our port, no checksum */
	for (uint64_t n = 0; n < b->bytes; n += 1472)
		if (write(b->wire, f, sizeof(f)) != sizeof(f))
			break;
	return NULL;
}

static void *sink(void *arg)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int s = socket(AF_INET, SOCK_DGRAM, 0), room = 64 << 20;
	struct timeval patience = { 0, 300000 };
	struct receiver *r = arg;
	char buffer[2048];
	ssize_t n;

	(void)setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(s, (struct sockaddr *)&any, sizeof(any)))
		die("bind");
	r->listener = s;
	do {
		n = recv(s, buffer, sizeof(buffer), 0);
		if (n > 0) {
			r->last = now_ns();
			r->first = r->bytes ? r->first : r->last;
			r->bytes += (uint64_t)n;
		}
	} while (n > 0 || !r->bytes);
	r->gap = 1;
	return NULL;
}

static int ceiling(uint64_t round_trip_us, uint64_t bytes)
{
	struct relay *r = relay_new(round_trip_us, 0, 1);
	static struct receiver rec;
	static struct blaster b;
	volatile int *stop = &b.stop;
	int pair[2];
	pthread_t writer;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
	    pthread_create(&rec.thread, NULL, sink, &rec))
		die("ceiling");
	usleep(100000);
	r->wire = pair[0];
	b = (struct blaster){ .wire = pair[1], .bytes = bytes };
	if (pthread_create(&writer, NULL, blast, &b))
		die("thread");
	for (uint64_t end = now_ns() + CEILING_NS * 5; !rec.gap && now_ns() < end;) {
		*stop = 1; /* one turn */
		shovel(r, stop);
	}
	printf("{\"bytes\": %llu, \"seconds\": %.6f, \"late_us\": %.1f}\n",
	       (unsigned long long)rec.bytes, (double)(rec.last - rec.first) / 1e9,
	       late_us(&r->out));
	return 0;
}

int main(int argc, char **argv)
{
	static struct receiver rec;
	struct relay *r;

	if (argc == 4 && !strcmp(argv[1], "ceiling"))
		return ceiling(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
	if (argc != 5) {
		fprintf(stderr, "usage: lossy FD ROUND_TRIP_US LOSS_PPM SEED | lossy ceiling "
				"ROUND_TRIP_US BYTES\n");
		return 2;
	}
	r = relay_new(strtoull(argv[2], NULL, 10), (uint32_t)atoi(argv[3]),
		      strtoull(argv[4], NULL, 10));
	r->wire = atoi(argv[1]);
	receiver_start(&rec);
	printf("lossy: ready\n");
	fflush(stdout);
	shovel(r, NULL); /* until QEMU has ended */
	if (rec.bytes)
		pthread_join(rec.thread, NULL);
	printf("{\"bytes\": %llu, \"seconds\": %.6f, \"gap\": %.6f, \"gap_at\": %llu, \"frames\": "
	       "[%llu, %llu], \"lost\": [%llu, %llu], "
	       "\"late_us\": [%.1f, %.1f]}\n",
	       (unsigned long long)rec.bytes, (double)(rec.last - rec.first) / 1e9,
	       (double)rec.gap / 1e9, (unsigned long long)rec.gap_at,
	       (unsigned long long)r->out.frames, (unsigned long long)r->in.frames,
	       (unsigned long long)r->out.lost, (unsigned long long)r->in.lost, late_us(&r->out),
	       late_us(&r->in));
	return 0;
}
