/* SPDX-License-Identifier: MIT */
/*
 * A machine that plays a list of packets, calls and time steps on one host: the input of fuzz_stack and fuzz_tcp.
 *
 * A record is one byte that names the operation and as many bytes of arguments as stack_args() says. Sockets are six
 * slots. Segments are described relative to the connection they are for, so that a short record gets deep: "the next
 * byte expected, an acknowledgment of all that was sent".
 *
 * After each record every socket is looked at (stack_check_all()); every segment that leaves is held against what was
 * sent and received (stack_wire_out()). Payload is a function of its sequence number, both ways, so that each byte
 * read or sent again proves itself.
 */
#ifndef STACK_H
#define STACK_H
#include "onehost.h"

#include <net/socket.h>

enum { STACK_SLOTS = 6, STACK_RECORDS_MAX = 96 };

enum stack_op {
	OP_SOCKET,   /* slot, stream or datagram */
	OP_BIND,     /* slot, address, port */
	OP_LISTEN,   /* slot, backlog */
	OP_CONNECT,  /* slot, whom */
	OP_ACCEPT,   /* listening slot, slot */
	OP_SEND,     /* slot, flags, whom, length (2) */
	OP_RECV,     /* slot, flags, length (2) */
	OP_SHUTDOWN, /* slot, how */
	OP_CLOSE,    /* slot */
	OP_SETOPT,   /* slot, option, value (2) */
	OP_GETOPT,   /* slot, option, room */
	OP_ASK,      /* slot, what: poll, ioctl, names */
	OP_TIME,     /* unit, how many */
	OP_PEER,     /* target, what a sound peer does next, how much */
	OP_SEGMENT, /* target, flags, seq: base, offset (2), ack: base, offset (2), window (2), options, length (2) */
	OP_DATAGRAM, /* ports, flags, length */
	OP_ICMP,     /* target, type, code, MTU (2), offset of the quoted seq (2) */
	OP_RAW,      /* an IP packet: 28 bytes, then zeros */
	OP_ARP,      /* kind, who */
	OP_DEVICE,   /* what happens to it, value */
	OP_FAULT,    /* the n-th allocation, queueing or ARP question from now fails */
	OP_PAGES,    /* everything under /proc/net is read */
	NR_STACK_OPS
};

/* Bytes of arguments behind @op. */
u32 stack_args(u8 op);
/* Begins a run on the host that is up; sockets are gone. */
void stack_begin(void);
/* One record; false when the input is over. */
bool stack_step(struct fuzz_input *in);
/* The same for a record made by hand: the operation and its arguments. */
void stack_do(const u8 *record, size_t size);
/*
 * libFuzzer's custom mutator for inputs of @head bytes and records: whole records are put in, taken out, doubled,
 * exchanged, or one of them is changed. Gives the new size.
 */
size_t stack_mutate(u8 *data, size_t size, size_t max, unsigned int seed, size_t head);
/* Brings a connection into one of TCP's states: slot 0 is it, slot 1 the listener where there is one. */
void stack_begin_in(u8 state);
/* All sockets are closed, the device lets go, what is left of connections ends. Every count is zero: asserted. */
void stack_end(void);

/* --- Between the files of the machine ----------------------------------------------------------------------------- */
struct stack_slot {
	struct socket *sock; /* NULL: free */
	bool accepted;       /* made by accept(): the struct is ours */
	/* The connection that was last seen here: segments reach it after close(), too. */
	__be32 raddr;
	u16 lport, rport;
};
extern struct stack_slot stack_slots[STACK_SLOTS];

struct stack_target {
	__be32 raddr;
	u16 lport, rport;
};
/* Whom a target byte means: a slot's connection, or one of eight clients of a listener. */
struct stack_target stack_target(u8 byte);
u8 stack_byte(u32 seq); /* the payload byte with this sequence number */
void stack_wire_begin(void);
void stack_wire_out(const u8 *ip, u32 len);
void stack_peer(struct fuzz_input *in);
void stack_segment(struct fuzz_input *in);
void stack_icmp(struct fuzz_input *in);
void stack_datagram(struct fuzz_input *in);
void stack_raw(struct fuzz_input *in);
void stack_arp(struct fuzz_input *in);
void stack_check_all(void);
#endif
