#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the built-in symbol table (struct ksym of <kernel/ksyms.h>) as C from the output of nm.

usage: nm -n image | mkksyms.py > ksyms_table.c      table of the first link
       mkksyms.py --empty > ksyms_table.c            for the first link itself

Only text symbols, the application's local ones included. The last entry is the end of the text, with an empty name.
"""
import sys

HEAD = """// SPDX-License-Identifier: MIT
/* Made by tools/mkksyms.py from the image's own symbols; sorted by address. */
#include <kernel/ksyms.h>

"""


def read_symbols(lines):
    """Sorted [(address, name)], one name per address; the end of the text last."""
    best, end = {}, 0
    for line in lines:
        parts = line.split()
        if len(parts) != 3:
            continue
        addr, kind, name = int(parts[0], 16), parts[1], parts[2]
        if name in ("__text_end", "__app_text_end", "_etext", "etext"):
            end = max(end, addr)
            continue
        if kind not in "tTwW" or name.startswith((".L", "$", "__text", "__app_text")):
            continue
        # Of several names at one address the global one says more, then the longer one.
        rank = (kind in "TW", len(name), name)
        if addr not in best or rank > best[addr]:
            best[addr] = rank
    syms = [(addr, best[addr][2]) for addr in sorted(best)]
    if syms:
        syms.append((max(end, syms[-1][0] + 1), ""))
    return syms


def emit(syms, out):
    """The C source."""
    out.write(HEAD)
    offsets, names, at = {"": 0}, [""], 1
    for _, name in syms:
        if name not in offsets:
            offsets[name] = at
            names.append(name)
            at += len(name) + 1
    out.write("const u32 nr_ksyms = %d;\n" % len(syms))
    out.write("const struct ksym ksyms[] = {\n")
    for addr, name in syms:
        out.write("\t{ 0x%x, %d },\n" % (addr, offsets[name]))
    if not syms:
        out.write("\t{ 0, 0 },\n")
    out.write("};\nconst char ksym_names[] =\n")
    for name in names[:-1]:
        out.write('\t"%s\\0"\n' % name)
    out.write('\t"%s";\n' % names[-1])


def main():
    syms = [] if "--empty" in sys.argv[1:] else read_symbols(sys.stdin)
    if syms and syms[-1][0] >= 1 << 32:
        sys.exit("mkksyms: the image must lie below 4 GiB")
    emit(syms, sys.stdout)


if __name__ == "__main__":
    main()
