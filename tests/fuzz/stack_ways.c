// SPDX-License-Identifier: MIT
/*
 * Ways into each state of TCP, as records of the machine of stack.h: a connection is brought there by a sound peer.
 *
 * Interface: stack_begin_in().
 * Above: fuzz_tcp.c, fuzz_stack.c.  Below: stack.c.
 * Context: process.  Owns: nothing.
 */
#include "stack.h"

enum { PORT_80 = 0, PEER = 0, OURS = 1 };
enum { OPEN, ANSWER, ACK, ACK_SOME, DUPACK, TEXT, LATER, FIN, RESET, SHUT, BARE, BOTH };

/* The ways to get somewhere; slot 0 is the connection, slot 1 the listener. */
static const u8 listening[] = { OP_SOCKET, 1, 0, OP_BIND, 1, OURS, PORT_80, OP_LISTEN, 1, 4 };
static const u8 half_open[] = { OP_PEER, 1, OPEN, 2 };
static const u8 accepted[] = { OP_PEER, 1, ACK, 0, OP_ACCEPT, 1, 0 };
static const u8 calling[] = { OP_SOCKET, 0, 0, OP_CONNECT, 0, PEER };
static const u8 called[] = { OP_PEER, 0, ANSWER, 2 };
static const u8 sends[] = { OP_SEND, 0, 0, 0, 0x10, 0 };
static const u8 hears[] = { OP_PEER, 0, TEXT, 100 };
static const u8 hears_later[] = { OP_PEER, 0, LATER, 100, OP_PEER, 0, LATER, 30 };
static const u8 shuts[] = { OP_SHUTDOWN, 0, 1 };
static const u8 closes[] = { OP_CLOSE, 0 };
static const u8 peer_acks[] = { OP_PEER, 0, ACK, 0 };
static const u8 peer_fins[] = { OP_PEER, 0, FIN, 0 };
static const u8 peer_shuts[] = { OP_PEER, 0, SHUT, 0 };
static const u8 peer_lost[] = {
	OP_PEER, 0, DUPACK, 0, OP_PEER, 0, DUPACK, 0, OP_PEER, 0, DUPACK, 0
};
static const u8 small_buffer[] = { OP_SETOPT, 0, 2, 0, 144 };
static const u8 half_fin[] = { OP_PEER, 0, ACK_SOME, 0, OP_SEGMENT, 0,   0x11, 0, 0,
			       0,       2, 0,        0, 255,        255, 0,    0, 0 };
static const u8 timeout[] = { OP_TIME, 0, 2 };

struct way {
	const u8 *bytes;
	size_t size;
};
#define WAY(x_)                                                                                    \
	{                                                                                          \
		x_, sizeof(x_)                                                                     \
	}
#define WAYS_MAX 6
static const struct way ways[][WAYS_MAX] = {
	{ WAY(listening) },
	{ WAY(listening), WAY(half_open) },
	{ WAY(listening), WAY(half_open), WAY(accepted) },
	{ WAY(calling) },
	{ WAY(calling), WAY(called) },
	{ WAY(calling), WAY(called), WAY(sends) },
	{ WAY(calling), WAY(called), WAY(hears), WAY(hears_later) },
	{ WAY(calling), WAY(small_buffer), WAY(called), WAY(hears), WAY(hears_later) },
	{ WAY(calling), WAY(called), WAY(sends), WAY(peer_lost) },
	{ WAY(calling), WAY(called), WAY(sends), WAY(timeout) },
	{ WAY(calling), WAY(called), WAY(peer_shuts), WAY(sends) },
	{ WAY(calling), WAY(called), WAY(shuts) },                  /* FIN-WAIT-1 */
	{ WAY(calling), WAY(called), WAY(sends), WAY(closes) },     /* as an orphan */
	{ WAY(calling), WAY(called), WAY(shuts), WAY(peer_acks) },  /* FIN-WAIT-2 */
	{ WAY(calling), WAY(called), WAY(closes), WAY(peer_acks) }, /* as an orphan */
	{ WAY(calling), WAY(called), WAY(shuts), WAY(half_fin) },   /* CLOSING */
	{ WAY(calling), WAY(called), WAY(shuts), WAY(peer_acks), WAY(peer_fins) }, /* TIME-WAIT */
	{ WAY(calling), WAY(called), WAY(hears), WAY(peer_fins) },                 /* CLOSE-WAIT */
	{ WAY(calling), WAY(called), WAY(peer_fins), WAY(closes) },                /* LAST-ACK */
};

void stack_begin_in(u8 state)
{
	const struct way *w = ways[state % ARRAY_SIZE(ways)];

	for (u32 i = 0; i < WAYS_MAX && w[i].bytes; i++)
		stack_do(w[i].bytes, w[i].size);
}
