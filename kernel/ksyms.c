// SPDX-License-Identifier: MIT
/*
 * The built-in symbol table: which function holds this address?
 *
 * The image is linked twice; tools/mkksyms.py makes the table from the first link (an empty one serves that), and
 * it comes behind everything else, so that no address moves.
 *
 * Interface: ksym_lookup(), printf_symbol().  Above: panic, %pS.  Below: the table.
 * Context: any, pure.  Owns: nothing.
 */
#include <kernel/ksyms.h>

#include <lib/printf.h>

/**
 * ksym_lookup() - the function that holds @addr.
 * @offset: gets the distance from its begin.
 * Context: any.
 * Return: its name, or NULL when @addr lies in no function of ours.
 */
const char *ksym_lookup(unsigned long addr, unsigned long *offset)
{
	u32 lo = 0, hi = nr_ksyms; /* the last entry is the end of the text, with an empty name */
	if (hi < 2 || addr < ksyms[0].addr || addr >= ksyms[hi - 1].addr)
		return NULL;
	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;
		if (ksyms[mid].addr <= addr)
			lo = mid;
		else
			hi = mid;
	}
	*offset = addr - ksyms[lo].addr;
	return ksym_names + ksyms[lo].name_off;
}

/**
 * printf_symbol() - ksym_lookup() under the name <lib/printf.h> asks for.
 * Context: any.
 * Return: the name, or NULL.
 */
const char *printf_symbol(unsigned long addr, unsigned long *offset)
{
	return ksym_lookup(addr, offset);
}
