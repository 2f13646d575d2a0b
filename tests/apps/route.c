// SPDX-License-Identifier: MIT
/*
 * Routes, options and groups, by the calls of an application; the capture and the pages tell the rest. The guest has no default
 * gateway, and the routes of tests/boot/test_route.py on its command line.
 */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define SA(x) ((struct sockaddr *)&(x)), sizeof(x)

static struct sockaddr_in at(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };

	inet_pton(AF_INET, text, &a.sin_addr);
	return a;
}

/* Both protocols say @err about @text. */
static void refused(const char *text, int err)
{
	struct sockaddr_in a = at(text);
	int u = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_ERRNO(sendto(u, "x", 1, 0, SA(a)), err);
	CHECK_ERRNO(connect(t, SA(a)), err);
	close(u);
	close(t);
}

/* Consecutive numbers of a connected socket, 0 of one that has no peer, numbers again when DF is off. */
static void numbers(void)
{
	struct sockaddr_in far = at("10.99.1.1"), near = at("10.0.2.2");
	int c = socket(AF_INET, SOCK_DGRAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0), val = 0;
	socklen_t len = sizeof(val);

	CHECK(connect(c, SA(far)) == 0);
	CHECK(getsockopt(c, IPPROTO_IP, IP_MTU, &val, &len) == 0 && val == 1400);
	for (int i = 0; i < 3; i++)
		CHECK(send(c, "connected", 9, 0) == 9);
	for (int i = 0; i < 2; i++)
		CHECK(sendto(u, "atomic", 6, 0, SA(near)) == 6);
	val = 0; /* IP_PMTUDISC_DONT */
	CHECK(setsockopt(u, IPPROTO_IP, IP_MTU_DISCOVER, &val, sizeof(val)) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(sendto(u, "may be cut", 10, 0, SA(near)) == 10);
	close(c);
	close(u);
}

static void options(void)
{
	static const unsigned char rr[8] = { 7, 7, 4 };
	struct sockaddr_in near = at("10.0.2.2");
	int u = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_ERRNO(setsockopt(u, IPPROTO_IP, IP_OPTIONS, "\7\1\4", 3), EINVAL);
	CHECK(setsockopt(u, IPPROTO_IP, IP_OPTIONS, rr, sizeof(rr)) == 0);
	CHECK(sendto(u, "options", 7, 0, SA(near)) == 7);
	close(u);
}

static void groups(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in group = at("239.129.2.3"), all = at("255.255.255.255");
	struct ip_mreq mr = { .imr_multiaddr = group.sin_addr };
	int u = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	char got[16];

	CHECK(bind(u, SA(any)) == 0);
	CHECK(setsockopt(u, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr)) == 0);
	CHECK(sendto(u, "group", 5, 0, SA(group)) == 5);
	CHECK(recv(u, got, sizeof(got), 0) == 5 && memcmp(got, "group", 5) == 0);
	CHECK_ERRNO(sendto(u, "all", 3, 0, SA(all)), EACCES);
	CHECK(setsockopt(u, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) == 0);
	CHECK(sendto(u, "all", 3, 0, SA(all)) == 3);
	CHECK(recv(u, got, sizeof(got), 0) == 3 && memcmp(got, "all", 3) == 0);
	close(u);
}

int main(void)
{
	refused("192.0.2.1", ENETUNREACH);
	refused("10.98.0.1", EINVAL);
	refused("10.97.0.1", EACCES);
	refused("10.96.0.1", EHOSTUNREACH);
	numbers();
	options();
	groups();
	sleep(1); /* what is on its way leaves */
	return result("route");
}
