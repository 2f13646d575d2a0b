// SPDX-License-Identifier: MIT
/*
 * The whole stack: a sequence of packets, calls and time steps on one host with several sockets; a fresh instance for
 * each input. At the end everything is closed and every count must be zero.
 *
 * Input: one byte, then the records of stack.h. Bit 0: Ethernet, with ARP and a queue, otherwise a device without a
 * link header; the other bits: 0, or one more than the state of TCP to begin in.
 */
#include "stack.h"

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed);

void fuzz_setup(void)
{
	onehost_up(ONEHOST_BARE, true); /* whatever is allocated once */
	onehost_down();
	fuzz_census_begin();
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	static const u8 peer_is_known[] = { OP_ARP, 0, 0 };
	u8 head = in_u8(&in);
	u32 records = 0;

	fuzz_reset();
	onehost_up(head & 1 ? ONEHOST_ETHERNET : ONEHOST_BARE, true);
	stack_begin();
	if (head >> 1) {
		stack_do(peer_is_known, sizeof(peer_is_known));
		stack_begin_in((u8)((head >> 1) - 1));
	}
	while (records++ < STACK_RECORDS_MAX && stack_step(&in))
		;
	stack_end();
	onehost_down();
	fuzz_census_end();
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed)
{
	return stack_mutate(data, size, max, seed, 1);
}
