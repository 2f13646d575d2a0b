// SPDX-License-Identifier: MIT
/* Which frames the card takes: a watcher that asks for nothing, for every group, for every frame, and for nothing again. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TYPE 0x88b5 /* for experiments (IEEE 802) */

static int fd, nic, seen[2]; /* frames to a host, to a group */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Counts what comes for @seconds, or until one of kind @until did. */
static void watch(const char *what, double seconds, int until)
{
	double end = now() + seconds;
	unsigned char frame[2048];

	seen[0] = seen[1] = 0;
	while (now() < end && (until < 0 || !seen[until])) {
		struct pollfd p = { fd, POLLIN, 0 };

		if (poll(&p, 1, 50) == 1 && recv(fd, frame, sizeof(frame), MSG_DONTWAIT) > 0)
			seen[frame[0] & 1]++;
	}
	printf("%s: host %s, group %s\n", what, seen[0] ? "yes" : "no", seen[1] ? "yes" : "no");
}

static void membership(int opt, int type)
{
	struct packet_mreq m = { .mr_ifindex = nic, .mr_type = (unsigned short)type };

	if (setsockopt(fd, SOL_PACKET, opt, &m, sizeof(m)))
		perror("membership");
}

static void flags(int set, int clear)
{
	struct ifreq ifr = { .ifr_name = "eth0" };

	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		perror("SIOCGIFFLAGS");
	ifr.ifr_flags = (short)((ifr.ifr_flags | set) & ~clear);
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		perror("SIOCSIFFLAGS");
}

int main(void)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE) };
	struct ifreq ifr = { .ifr_name = "eth0" };

	fd = socket(AF_PACKET, SOCK_RAW, htons(TYPE));
	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &ifr))
		return 1;
	a.sll_ifindex = nic = ifr.ifr_ifindex;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return 1;
	puts("rxmode: ready");
	sleep(1); /* the emulated card is deaf for its first second */
	watch("nothing", 0.5, -1);
	membership(PACKET_ADD_MEMBERSHIP, PACKET_MR_ALLMULTI);
	watch("allmulti", 5, 1);
	membership(PACKET_DROP_MEMBERSHIP, PACKET_MR_ALLMULTI);
	flags(IFF_PROMISC, 0);
	watch("old frames", 0.2, -1);
	watch("promisc", 5, 0);
	flags(0, IFF_PROMISC);
	watch("old frames", 1.5,
	      -1); /* a write of RCTL: deaf for a second, then what was kept is judged */
	watch("nothing again", 0.5, -1);
	return 0;
}
