// SPDX-License-Identifier: MIT
/*
 * Answers of name servers that did not fit a datagram are asked for again over TCP (RFC 7766, 5).
 *
 * musl's resolver does that since 1.2.4; with an older one an application saw what the cut answer held, often nothing. The linker
 * gives the resolver's call to us (--wrap); we let musl ask, and look at what came. When TCP brings nothing the cut answer stays.
 * An answer that is longer than the caller's buffer is cut by us, behind its last whole byte: the parser takes the records before.
 *
 * Only what looks names up is linked with this. Specs: RFC 1035 4.2.2, RFC 7766.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define HEADER    12 /* bytes of a message that every one has */
#define TRUNCATED 0x02
#define RESPONSE  0x80
#define PATIENCE  5 /* seconds for a server to take the connection, or to say more */
#define MAX_CONF  512
#define MAX_WHOLE 4096

int __real___res_msend_rc(int n, const unsigned char *const *queries, const int *qlens,
			  unsigned char *const *answers, int *alens, int asize, const void *conf);
int __wrap___res_msend_rc(int n, const unsigned char *const *queries, const int *qlens,
			  unsigned char *const *answers, int *alens, int asize, const void *conf);

/* All @len bytes, or less at an end, an error, or when the server's time is over. */
static int receive(int fd, unsigned char *to, int len)
{
	int have = 0;

	while (have < len) {
		ssize_t n = recv(fd, to + have, (size_t)(len - have), 0);

		if (n <= 0)
			break;
		have += (int)n;
	}
	return have;
}

/* The answer of one server: its bytes in @answer, at most @asize. 0: none that is one. */
static int ask(struct in_addr server, const unsigned char *query, int qlen, unsigned char *answer,
	       int asize)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(53),
				  .sin_addr = server };
	struct timeval patience = { .tv_sec = PATIENCE };
	unsigned char size[2] = { (unsigned char)(qlen >> 8), (unsigned char)qlen };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), got = 0;

	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (void *)&to, sizeof(to)) &&
	    send(fd, size, sizeof(size), MSG_NOSIGNAL | MSG_MORE) == sizeof(size) &&
	    send(fd, query, (size_t)qlen, MSG_NOSIGNAL) == qlen &&
	    receive(fd, size, sizeof(size)) == sizeof(size)) {
		int whole = size[0] << 8 | size[1], want = whole < asize ? whole : asize;

		got = receive(fd, answer, want);
		if (got < want || got < HEADER || memcmp(answer, query, 2) != 0 ||
		    !(answer[2] & RESPONSE))
			got = 0;
	}
	close(fd);
	return got;
}

/* Each server that /etc/resolv.conf names, until one answers. The cut answer stays when none does. */
static void ask_all(const unsigned char *query, int qlen, unsigned char *answer, int *alen,
		    int asize)
{
	char conf[MAX_CONF + 1], *line = conf, *end;
	unsigned char whole[MAX_WHOLE];
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, conf, MAX_CONF);

	if (fd >= 0)
		close(fd);
	conf[n > 0 ? n : 0] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		struct in_addr server;
		int got;

		*end = '\0';
		if (strncmp(line, "nameserver ", 11) != 0 || !inet_aton(line + 11, &server))
			continue;
		got = ask(server, query, qlen, whole, asize < MAX_WHOLE ? asize : MAX_WHOLE);
		if (got) {
			memcpy(answer, whole, (size_t)got);
			*alen = got;
			return;
		}
	}
}

int __wrap___res_msend_rc(int n, const unsigned char *const *queries, const int *qlens,
			  unsigned char *const *answers, int *alens, int asize, const void *conf)
{
	int err = __real___res_msend_rc(n, queries, qlens, answers, alens, asize, conf);

	for (int i = 0; err >= 0 && i < n; i++) {
		if (alens[i] >= HEADER && (answers[i][2] & TRUNCATED))
			ask_all(queries[i], qlens[i], answers[i], &alens[i], asize);
	}
	return err;
}
