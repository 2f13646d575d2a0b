// SPDX-License-Identifier: MIT
/*
 * ping - asks a host for echoes and tells how long they took.
 *
 *   ping [-c COUNT] [-s SIZE] [-i SECONDS] [-W SECONDS] HOST
 *
 * HOST numeric; COUNT 4; SIZE bytes of data, 56; SECONDS between requests, 1, and of waiting for an answer, 1. Over a socket of type
 * SOCK_DGRAM and protocol ICMP: the kernel writes identifier and checksum and gives us our own answers only.
 * Exit status: 0 at least one answer, 1 none, 2 anything else. An ordinary POSIX program.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ECHO_REQUEST 8
#define HEADER       8u
#define MAX_SIZE     65507u

static unsigned char request[HEADER + MAX_SIZE], answer[HEADER + MAX_SIZE];
static struct {
	long count;
	unsigned long size;
	double interval, wait;
	struct sockaddr_in to;
	const char *name;
} opt = { 4, 56, 1, 1, { .sin_family = AF_INET }, NULL };
static struct {
	long sent, received;
	double least, most, sum;
} seen;

static int usage(void)
{
	fprintf(stderr, "usage: ping [-c COUNT] [-s SIZE] [-i SECONDS] [-W SECONDS] HOST\n");
	return 2;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void pause_until(double when)
{
	double left = when - now();

	if (left > 0)
		poll(NULL, 0, (int)(left * 1000 + 0.5));
}

/* 0, or -1: the command line is no good. */
static int parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:s:i:W:")) != -1) {
		if (c == 'c')
			opt.count = atol(optarg);
		else if (c == 's')
			opt.size = strtoul(optarg, NULL, 10);
		else if (c == 'i')
			opt.interval = atof(optarg);
		else if (c == 'W')
			opt.wait = atof(optarg);
		else
			return -1;
	}
	if (optind != argc - 1 || opt.count < 1 || opt.size > MAX_SIZE || opt.interval < 0 ||
	    opt.wait <= 0)
		return -1;
	opt.name = argv[optind];
	return inet_pton(AF_INET, opt.name, &opt.to.sin_addr) == 1 ? 0 : -1;
}

static void told(long seq, ssize_t n, double ms)
{
	seen.received++;
	seen.sum += ms;
	seen.most = ms > seen.most ? ms : seen.most;
	seen.least = seen.received == 1 || ms < seen.least ? ms : seen.least;
	printf("%zd bytes from %s: icmp_seq=%ld time=%.3f ms\n", n, opt.name, seq, ms);
}

/* The answer with this number, till the time is over: true. An answer that comes late belongs to an earlier one. */
static int wait_for(int s, long seq, double start)
{
	struct pollfd p = { s, POLLIN, 0 };
	double left;

	while ((left = start + opt.wait - now()) > 0) {
		ssize_t n;

		if (poll(&p, 1, (int)(left * 1000) + 1) != 1)
			continue;
		n = recv(s, answer, sizeof(answer), 0);
		if (n < 0) {
			printf("From %s: icmp_seq=%ld %s\n", opt.name, seq, strerror(errno));
			return 0;
		}
		if (n < (ssize_t)HEADER || (answer[6] << 8 | answer[7]) != (seq & 0xffff))
			continue;
		if (n != (ssize_t)(HEADER + opt.size) ||
		    memcmp(answer + HEADER, request + HEADER, opt.size) != 0)
			printf("ping: the answer is not what was sent\n");
		told(seq, n, (now() - start) * 1e3);
		return 1;
	}
	return 0;
}

static void ask(int s, long seq)
{
	double start = now();

	request[6] = (unsigned char)(seq >> 8);
	request[7] = (unsigned char)seq;
	seen.sent++;
	if (send(s, request, HEADER + opt.size, 0) < 0)
		printf("ping: send: %s\n", strerror(errno));
	else
		wait_for(s, seq, start);
	if (seq < opt.count)
		pause_until(start + opt.interval);
}

int main(int argc, char **argv)
{
	int s;

	if (parse(argc, argv) != 0)
		return usage();
	s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	if (s < 0 || connect(s, (struct sockaddr *)&opt.to, sizeof(opt.to)) != 0) {
		fprintf(stderr, "ping: %s: %s\n", opt.name, strerror(errno));
		return 2;
	}
	request[0] = ECHO_REQUEST;
	for (unsigned long i = 0; i < opt.size; i++)
		request[HEADER + i] = (unsigned char)(i * 7 + 3);
	printf("PING %s %lu data bytes\n", opt.name, opt.size);
	for (long seq = 1; seq <= opt.count; seq++)
		ask(s, seq);
	printf("%ld packets transmitted, %ld received, %ld%% packet loss\n", seen.sent,
	       seen.received, (seen.sent - seen.received) * 100 / seen.sent);
	if (seen.received)
		printf("rtt min/avg/max = %.3f/%.3f/%.3f ms\n", seen.least,
		       seen.sum / (double)seen.received, seen.most);
	close(s);
	return seen.received ? 0 : 1;
}
