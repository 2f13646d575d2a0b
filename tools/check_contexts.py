# SPDX-License-Identifier: MIT
"""Execution contexts: clang's thread-safety analysis over every source, by the contracts of include/lib/capability.h.

It complains about a function that needs bottom halves off (or interrupts off, or a hardirq) called where they are on, about
a call that may sleep where they are off, about a way out of a function that forgets to give back what it took, and about
a function that calls what may sleep without saying __may_sleep itself.

Interface: check() -> list of complaints; analyse(names) -> complaints about these files; contracts() -> functions with one.
"""
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from settings import ROOT

FOLDERS = ("boot", "kernel", "net", "drivers")
FLAGS = ["-std=gnu11", "-ffreestanding", "-fno-common", "-DSLAB_DEBUG=0", "-Iinclude", "-Ikernel/x86/include",
         "--target=x86_64-unknown-none-elf", "-mgeneral-regs-only", "-fsyntax-only", "-fno-caret-diagnostics",
         "-Wthread-safety", "-Werror=thread-safety"]
CONTRACT = re.compile(r"\b__(?:needs\([^)]*\)|takes\([^)]*\)|gives\([^)]*\)|may_sleep)")


def analyse(names):
    done = subprocess.run(["clang", *FLAGS, *names], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    lines = [line for line in done.stdout.splitlines() if re.search(r"\b(error|warning): ", line)]
    return lines or ([done.stdout.strip() or f"clang ended with {done.returncode}"] if done.returncode else [])


def contracts():
    """How many functions carry a contract, by kind."""
    count = {}
    for folder in (*FOLDERS, "include"):
        for path in (ROOT / folder).rglob("*.[ch]"):
            for found in CONTRACT.findall(path.read_text()):
                count[found] = count.get(found, 0) + 1
    return count


def check():
    names = [str(p.relative_to(ROOT)) for f in FOLDERS for p in sorted((ROOT / f).rglob("*.c"))]
    batches = [names[i::8] for i in range(8)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bad = [complaint for part in pool.map(analyse, batches) for complaint in part]
    count = contracts()
    print(f"{len(names)} files, {sum(count.values())} contracts: " +
          ", ".join(f"{n} {c}" for c, n in sorted(count.items(), key=lambda x: -x[1])[:6]))
    return sorted(set(bad))
