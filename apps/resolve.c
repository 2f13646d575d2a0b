// SPDX-License-Identifier: MIT
/*
 * resolve - asks for the IPv4 addresses of names, one after the other.
 *
 *   resolve NAME...
 *
 * The C library asks the name server of /etc/resolv.conf (ip=...,dns=ADDRESS, or the one of the DHCP lease) and knows /etc/hosts.
 * A line for each name: "NAME ADDRESS..." or "NAME: why not". Exit status: 0 all found, 1 not all, 2 wrong usage. An ordinary POSIX program.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int resolve(const char *name)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list, *a;
	char text[INET_ADDRSTRLEN];
	int err = getaddrinfo(name, NULL, &hints, &list);

	if (err) {
		printf("%s: %s\n", name, gai_strerror(err));
		return 1;
	}
	printf("%s", name);
	for (a = list; a; a = a->ai_next) {
		const struct sockaddr_in *in = (const void *)a->ai_addr;

		printf(" %s", inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)));
	}
	printf("\n");
	freeaddrinfo(list);
	return 0;
}

int main(int argc, char **argv)
{
	int status = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		fprintf(stderr, "usage: resolve NAME...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		status |= resolve(argv[i]);
	return status;
}
