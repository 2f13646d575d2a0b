// SPDX-License-Identifier: MIT
/*
 * Sends datagrams to an echo server and compares what comes back:
 *   datagrams ADDRESS PORT SIZE COUNT
 * ends with 0 when each came back whole; 1 otherwise. Before the last one, three times three bytes go out as one (UDP_CORK).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static unsigned char out[65507], in[65507];

/* Sends @size bytes until they come back; the gateway may ask for our address first, and nobody promises datagrams. */
static int echo(int fd, size_t size)
{
	for (int tries = 0; tries < 5; tries++) {
		if (send(fd, out, size, 0) != (ssize_t)size) {
			perror("datagrams: send");
			return 1;
		}
		ssize_t n = recv(fd, in, sizeof(in), 0);

		if (n >= 0) {
			if ((size_t)n == size && !memcmp(in, out, size))
				return 0;
			printf("datagrams: %zd bytes came back, not the %zu that were sent\n", n,
			       size);
			return 1;
		}
	}
	printf("datagrams: nothing came back\n");
	return 1;
}

static int corked(int fd)
{
	int on = 1, off = 0;

	if (setsockopt(fd, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)) || send(fd, "aaa", 3, 0) != 3 ||
	    send(fd, "bbb", 3, 0) != 3 || send(fd, "ccc", 3, 0) != 3 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_CORK, &off, sizeof(off))) {
		perror("datagrams: cork");
		return 1;
	}
	if (recv(fd, in, sizeof(in), 0) == 9 && !memcmp(in, "aaabbbccc", 9))
		return 0;
	printf("datagrams: the corked one did not come back\n");
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval wait = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), bad = 0;

	if (argc != 5 || !inet_aton(argv[1], &to.sin_addr)) {
		fprintf(stderr, "usage: datagrams ADDRESS PORT SIZE COUNT\n");
		return 2;
	}
	to.sin_port = htons((unsigned short)atoi(argv[2]));
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (unsigned char)(i * 7 + i / 256);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait))) {
		perror("datagrams");
		return 1;
	}
	for (int i = atoi(argv[4]); i > 0 && !bad; i--)
		bad = echo(fd, (size_t)atoi(argv[3]));
	bad = bad || corked(fd);
	printf("datagrams: %s\n", bad ? "failed" : "all came back");
	close(fd);
	return bad;
}
