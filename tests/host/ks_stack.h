/* SPDX-License-Identifier: MIT */
/*
 * Between ks.c, which sees the host's headers, and ks_stack.c, which sees the kernel's: the two define the same names
 * (struct sockaddr, AF_INET, MSG_PEEK ...), with the same layouts and values. Only plain types cross.
 */
#ifndef KS_STACK_H
#define KS_STACK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack_host {
	void (*tx)(const void *ip, size_t len);
	uint64_t (*now_us)(void);
	int (*wait)(void *chan, uint64_t deadline_us);
	void (*wake)(void *chan);
	void (*rnd)(void *buf, size_t len);
};

struct stack_config {
	uint32_t ip, gw; /* network order */
	unsigned int prefixlen, mtu;
};

int stack_start(const struct stack_host *h, const struct stack_config *c);
void stack_stop(void);
void stack_rx(const void *ip, size_t len);
uint64_t stack_next_us(void);
void stack_run(void);
int stack_tune(const char *name, const char *val);
/* A system call by its number; -ENODEV before stack_start(). */
long stack_call(long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
		unsigned long e);
/* The same for calls that make a descriptor: its readiness is watched. */
long stack_call_fd(long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
/* @linger_us: how long the close may wait for the peer; 0: it does not. */
int stack_close(int fd, uint64_t linger_us);
int stack_ioctl(int fd, unsigned long req, void *arg);
unsigned int stack_poll(int fd);
uint64_t stack_poll_gen(int fd);
#endif
