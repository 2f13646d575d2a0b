// SPDX-License-Identifier: MIT
/*
 * TCP in every state: a connection is brought there by a sound peer, then segments, ICMP errors, calls and time.
 *
 * Input: one byte, the state to begin in; then the records of stack.h, those of other protocols and of the device
 * being passed over. The instance stays, sockets are new for each input.
 * Specs: RFC 9293 3.10; RFC 5961.
 */
#include "stack.h"

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed);

void fuzz_setup(void)
{
	onehost_up(ONEHOST_BARE, true);
	onehost_forget_neighbours();
	fuzz_census_begin();
}

static bool is_ours(u8 op)
{
	op %= NR_STACK_OPS;
	return op != OP_DATAGRAM && op != OP_RAW && op != OP_ARP && op != OP_DEVICE &&
	       op != OP_PAGES;
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u32 records = 0;
	size_t n;

	fuzz_reset();
	stack_begin();
	stack_begin_in(in_u8(&in));
	while (records++ < STACK_RECORDS_MAX && in.left) {
		if (is_ours(*in.p))
			(void)stack_step(&in);
		else
			(void)in_bytes(&in, 1 + stack_args(*in.p), &n);
	}
	stack_end();
	onehost_forget_neighbours();
	fuzz_census_end();
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed)
{
	return stack_mutate(data, size, max, seed, 1);
}
