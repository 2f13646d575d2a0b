// SPDX-License-Identifier: MIT
/* Datagrams that a rule of nft= drops are EPERM; a refused connection is ECONNREFUSED; a dead neighbour is EHOSTUNREACH after 3 s. */
#include "check.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in to(const char *host, unsigned short port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	CHECK(inet_pton(AF_INET, host, &a.sin_addr) == 1);
	return a;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
	struct sockaddr_in dropped = to("10.0.2.2", 9), passed = to("10.0.2.2", 10);
	struct sockaddr_in refused = to("10.0.2.2", 25), dead = to("10.0.2.77", 80);
	int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
	double t0;

	for (int i = 0; i < 3; i++)
		CHECK_ERRNO(sendto(udp, "x", 1, 0, (struct sockaddr *)&dropped, sizeof(dropped)),
			    EPERM);
	CHECK(sendto(udp, "x", 1, 0, (struct sockaddr *)&passed, sizeof(passed)) == 1);
	CHECK_ERRNO(connect(tcp, (struct sockaddr *)&refused, sizeof(refused)), ECONNREFUSED);
	close(tcp);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	t0 = now();
	CHECK_ERRNO(connect(tcp, (struct sockaddr *)&dead, sizeof(dead)), EHOSTUNREACH);
	printf("dead after %.2f s\n", now() - t0);
	close(tcp);
	close(udp);
	return result("filtered");
}
