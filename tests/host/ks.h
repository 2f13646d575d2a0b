/* SPDX-License-Identifier: MIT */
/*
 * What libdoorbell.so exports: the whole stack as a library on raw IPv4 datagrams, for tests that own time.
 *
 * The caller holds one lock of its own around every call; errors come back as -errno with Linux's values, and sockaddr_in,
 * msghdr, options and tcp_info are the host's own structures. No call sleeps: what would block says -EAGAIN, -EINPROGRESS
 * or -EALREADY (bytes already moved are reported instead), and wake() says when it is worth asking again. The one
 * exception is ks_close() of a socket that lingers (SO_LINGER): it sleeps in wait(), which gives the caller's lock up, so
 * that other threads of the caller go on feeding packets and time. tx() and wake() are called from inside these calls,
 * for a lingering close on a stack of the library's own, and must not call back.
 *
 * The clock is read once, at the beginning of each call and after each wait(). Everything random comes from rnd(), asked
 * once at ks_start(): same clock, same rnd(), same calls, same packets.
 *
 * ks_stop() drops what is open without a word to the peer; whatever is left behind then, a packet, a timer, a socket or
 * an object, is reported on stderr and ends the process by abort(). ks_start() after it begins from nothing.
 *
 * Settings (ks_tune) bear Linux's names without "net.ipv4.". Buffers may grow to 15 MiB here, so that the window scale
 * is 8. Environment: HOST_VERBOSE=1 echoes the stack's log to stderr.
 */
#ifndef KS_H
#define KS_H
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define KS_NEVER UINT64_MAX

/* What the caller does for the stack. */
struct ks_host {
	void (*tx)(const void *ip, size_t len);        /* one IPv4 datagram, borrowed */
	uint64_t (*now_us)(void);                      /* monotonic; virtual or real */
	int (*wait)(void *chan, uint64_t deadline_us); /* 0 woken, -ETIMEDOUT; unlocks meanwhile */
	void (*wake)(void *chan);                      /* NULL: everybody */
	void (*rnd)(void *buf, size_t len);
};

/* Addresses in network order; gw 0: only the own subnet; mtu 0: 1500. No word of flags has a meaning here. */
struct ks_cfg {
	uint32_t ip, mask, gw;
	unsigned mtu;
	const char *flags;
};

#pragma GCC visibility push(default)
/* 0; -EALREADY running, -EINVAL, -ENOMEM, -ENETUNREACH gateway outside of the subnet. */
int ks_start(const struct ks_host *h, const struct ks_cfg *c);
void ks_stop(void);
void ks_rx(const void *ip, size_t len); /* with everything that follows from it at this time */
uint64_t ks_next_us(void);              /* when the earliest timer wants ks_run(), or KS_NEVER */
void ks_run(void);                      /* every timer that is due, and what follows */
int ks_tune(const char *name, const char *val); /* 0, -ENOENT, -EINVAL, -ERANGE */

int ks_socket(int domain, int type, int proto);
int ks_bind(int s, const struct sockaddr *a, socklen_t n);
int ks_listen(int s, int backlog);
int ks_accept(int s, struct sockaddr *a, socklen_t *n);
int ks_connect(int s, const struct sockaddr *a, socklen_t n);
ssize_t ks_recvmsg(int s, struct msghdr *m, int flags);
ssize_t ks_sendmsg(int s, const struct msghdr *m, int flags);
int ks_shutdown(int s, int how);
int ks_close(int s);
int ks_getsockopt(int s, int lvl, int opt, void *v, socklen_t *n);
int ks_setsockopt(int s, int lvl, int opt, const void *v, socklen_t n);
int ks_ioctl(int s, unsigned long req, void *arg);
unsigned ks_poll(int s);     /* POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP; POLLNVAL */
uint64_t ks_poll_gen(int s); /* grows with every event that may change readiness */
#pragma GCC visibility pop
#endif
