/* SPDX-License-Identifier: MIT */
/* A tracepoint's site on the host: a branch on the flag of its stage. */
#ifndef ARCH_TRACE_H
#define ARCH_TRACE_H
#include <lib/types.h>

extern bool host_trace_on[]; /* by enum trace_stage */

static inline bool arch_trace_on(unsigned int stage)
{
	return host_trace_on[stage];
}
#endif
