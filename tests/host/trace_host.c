// SPDX-License-Identifier: MIT
/* Tracepoints on the host: flags that arch_trace_patch() sets. Context: any. */
#include <kernel/arch.h>
#include <kernel/trace.h>

bool host_trace_on[NR_TRACE_STAGES];

unsigned int arch_trace_patch(const bool *on, void *window)
{
	unsigned int changed = 0;

	(void)window;
	for (u32 i = 0; i < NR_TRACE_STAGES; i++) {
		changed += host_trace_on[i] != on[i];
		host_trace_on[i] = on[i];
	}
	return changed;
}
