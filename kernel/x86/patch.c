// SPDX-License-Identifier: MIT
/*
 * Text that changes: the sites of tracepoints, NOPs while their stage is off, jumps while it is on.
 *
 * Text stays read-only and executable where it runs. A site is written through a second mapping of its pages, writable and
 * never executable, that lives for the length of one store. Interrupts are off meanwhile and there is one CPU, so nobody runs
 * into a half-written instruction; a serialising instruction ends it, since the processor may have fetched the old bytes
 * under the other address (SDM vol. 3, 9.1.3).
 *
 * Interface: arch_trace_patch() (<kernel/arch.h>). Above: kernel/trace.c. Below: paging.c.
 * Context: process. Owns: nothing; the window is the caller's.
 * Specs: Intel SDM vol. 2 (NOP, JMP rel32), vol. 3 9.1.3, 4.10.
 */
#include <arch/trace.h>
#include <kernel/arch.h>
#include <lib/bug.h>
#include <lib/string.h>

#include "x86.h"

enum { SITE_BYTES = 5 };
static const u8 nop5[SITE_BYTES] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

static void serialise(void)
{
	u32 a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d)::"memory");
}

/* The five bytes of @s in that state. */
static void site_code(const struct trace_site *s, bool on, u8 *code)
{
	u32 rel = s->target - (s->addr + SITE_BYTES);

	memcpy(code, nop5, SITE_BYTES);
	if (!on)
		return;
	code[0] = 0xe9;
	memcpy(code + 1, &rel, sizeof(rel));
}

/* Writes @code at @addr of the image through @window. False without memory for the mapping's tables. */
static bool text_write(unsigned long addr, const u8 *code, u8 *window)
{
	unsigned long first = ALIGN_DOWN(addr, PAGE_SIZE), w = (unsigned long)window;
	unsigned long last = ALIGN_DOWN(addr + SITE_BYTES - 1, PAGE_SIZE);
	bool ok = !arch_map_page(w, arch_virt_to_phys((const void *)first), ARCH_PROT_WRITE);

	if (ok && last != first &&
	    arch_map_page(w + PAGE_SIZE, arch_virt_to_phys((const void *)last), ARCH_PROT_WRITE)) {
		arch_unmap_page(w);
		ok = false;
	}
	if (!ok)
		return false;
	memcpy(window + (addr - first), code, SITE_BYTES);
	barrier();
	arch_unmap_page(w);
	if (last != first)
		arch_unmap_page(w + PAGE_SIZE);
	serialise();
	return true;
}

/**
 * arch_trace_patch() - switches every site to what its stage wants
 * @on: by enum trace_stage
 * @window: two pages of address space in the vmalloc window, nothing mapped there before or after
 *
 * What stands at a site must be one of its two instructions: asserted. Context: process. Return: how many sites changed;
 * without memory for the mapping the rest keeps its state.
 */
unsigned int arch_trace_patch(const bool *on, void *window)
{
	unsigned int changed = 0;

	for (const struct trace_site *s = __start___trace_sites; s < __stop___trace_sites; s++) {
		const u8 *text = (const u8 *)(unsigned long)s->addr;
		unsigned long flags;
		u8 want[SITE_BYTES], other[SITE_BYTES];
		bool ok;

		site_code(s, on[s->stage], want);
		site_code(s, !on[s->stage], other);
		if (!memcmp(text, want, SITE_BYTES))
			continue;
		BUG_ON(memcmp(text, other, SITE_BYTES));
		flags = arch_irq_save();
		ok = text_write(s->addr, want, window);
		arch_irq_restore(flags);
		if (!ok)
			break;
		changed++;
	}
	return changed;
}
