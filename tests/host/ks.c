// SPDX-License-Identifier: MIT
/*
 * libdoorbell's outside: the host's types become the arguments of the stack's own system calls. Numbers, structures and
 * constants are Linux's on both sides, so nothing is converted.
 *
 * Interface: ks.h.  Above: whoever loads the library.  Below: ks_stack.c.
 * Context: the caller's threads, one at a time.  Owns: nothing.
 */
#include "ks.h"

#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "ks_stack.h"

_Static_assert(sizeof(struct ks_host) == sizeof(struct stack_host), "the same five functions");
_Static_assert(sizeof(struct msghdr) == 56, "the kernel's struct user_msghdr");

#define US_PER_SEC 1000000ULL

static unsigned long word(const volatile void *p)
{
	return (unsigned long)(uintptr_t)p;
}

/* Length of a netmask; -1 when its ones are not the first bits. */
static int prefix_of(uint32_t mask_be)
{
	uint32_t zeros = ~__builtin_bswap32(mask_be);

	return zeros & (zeros + 1) ? -1 : 32 - (zeros ? 32 - __builtin_clz(zeros) : 0);
}

int ks_start(const struct ks_host *h, const struct ks_cfg *c)
{
	struct stack_host host;
	struct stack_config config;
	int prefixlen;

	if (!h || !c || !h->tx || !h->now_us || !h->wait || !h->wake || !h->rnd)
		return -EINVAL;
	prefixlen = prefix_of(c->mask);
	if (prefixlen < 0 || !c->ip)
		return -EINVAL;
	host = (struct stack_host){ h->tx, h->now_us, h->wait, h->wake, h->rnd };
	config = (struct stack_config){ .ip = c->ip,
					.gw = c->gw,
					.prefixlen = (unsigned int)prefixlen,
					.mtu = c->mtu ? c->mtu : 1500 };
	return stack_start(&host, &config);
}

void ks_stop(void)
{
	stack_stop();
}

void ks_rx(const void *ip, size_t len)
{
	stack_rx(ip, len);
}

uint64_t ks_next_us(void)
{
	return stack_next_us();
}

void ks_run(void)
{
	stack_run();
}

int ks_tune(const char *name, const char *val)
{
	return name && val ? stack_tune(name, val) : -EINVAL;
}

int ks_socket(int domain, int type, int proto)
{
	return (int)stack_call_fd(SYS_socket, (unsigned long)domain,
				  (unsigned long)(type | SOCK_NONBLOCK), (unsigned long)proto, 0);
}

int ks_bind(int s, const struct sockaddr *a, socklen_t n)
{
	return (int)stack_call(SYS_bind, (unsigned long)s, word(a), n, 0, 0);
}

int ks_listen(int s, int backlog)
{
	return (int)stack_call(SYS_listen, (unsigned long)s, (unsigned long)backlog, 0, 0, 0);
}

int ks_accept(int s, struct sockaddr *a, socklen_t *n)
{
	return (int)stack_call_fd(SYS_accept4, (unsigned long)s, word(a), word(n), SOCK_NONBLOCK);
}

int ks_connect(int s, const struct sockaddr *a, socklen_t n)
{
	return (int)stack_call(SYS_connect, (unsigned long)s, word(a), n, 0, 0);
}

ssize_t ks_recvmsg(int s, struct msghdr *m, int flags)
{
	return stack_call(SYS_recvmsg, (unsigned long)s, word(m), (unsigned long)flags, 0, 0);
}

ssize_t ks_sendmsg(int s, const struct msghdr *m, int flags)
{
	return stack_call(SYS_sendmsg, (unsigned long)s, word(m), (unsigned long)flags, 0, 0);
}

int ks_shutdown(int s, int how)
{
	return (int)stack_call(SYS_shutdown, (unsigned long)s, (unsigned long)how, 0, 0, 0);
}

int ks_close(int s)
{
	struct linger l = { 0 };
	socklen_t n = sizeof(l);
	uint64_t linger_us = 0;

	if (ks_getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &n) == 0 && l.l_onoff)
		linger_us = l.l_linger < 0 ? KS_NEVER : (uint64_t)l.l_linger * US_PER_SEC;
	return stack_close(s, linger_us);
}

int ks_getsockopt(int s, int lvl, int opt, void *v, socklen_t *n)
{
	return (int)stack_call(SYS_getsockopt, (unsigned long)s, (unsigned long)lvl,
			       (unsigned long)opt, word(v), word(n));
}

int ks_setsockopt(int s, int lvl, int opt, const void *v, socklen_t n)
{
	return (int)stack_call(SYS_setsockopt, (unsigned long)s, (unsigned long)lvl,
			       (unsigned long)opt, word(v), n);
}

/* Nothing blocks here, whatever FIONBIO says: it is checked and has no effect. */
int ks_ioctl(int s, unsigned long req, void *arg)
{
	if (req == FIONBIO)
		return stack_poll_gen(s) ? arg ? 0 : -EFAULT : -EBADF;
	return stack_ioctl(s, req, arg);
}

unsigned ks_poll(int s)
{
	return stack_poll(s);
}

uint64_t ks_poll_gen(int s)
{
	return stack_poll_gen(s);
}
