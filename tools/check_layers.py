# SPDX-License-Identifier: MIT
"""Down by name: who may include whom, and that calls by name form no circle.

The table is the house's floor plan. A new edge is a change of the table in the same commit. Two forms of #include
exist: <folder/name.h> is a public header below include/, "name.h" a private header of the same folder.

Interface: check() -> list of complaints.
"""
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from settings import ROOT, Settings
import build

# What travels everywhere in net/: the types and helpers of net/core and the injected services.
CORE = ["net/skbuff.h", "net/skbuff_*.h", "net/sock.h", "net/net.h", "net/stats.h", "net/checksum.h",
        "net/inet_hashtables.h", "net/drop_reason.h", "net/skb_stage.h", "net/dst.h", "net/trace.h", "net/sysctl.h"]
DEV = ["net/netdevice.h", "net/etherdevice.h", "net/gso.h", "net/dql.h"]
LIB = ["lib/*"]
KERNEL = LIB + ["kernel/*", "!kernel/arch.h"]
UAPI = ["uapi/*"]
NET = KERNEL + UAPI + ["wire/*"] + CORE

# Folder (or file) -> patterns of public headers; the longest matching key decides; "!" takes away again.
TABLE = {
    "include/lib": LIB + ["arch/*"],
    "include/wire": LIB + ["wire/*"],
    "include/uapi": LIB + ["uapi/*"],  # a request about a device holds a socket address
    "include/kernel": LIB + ["kernel/*", "arch/*", "uapi/*"],
    "include/net": LIB + ["kernel/*", "!kernel/arch.h", "wire/*", "uapi/*", "net/*"],
    "include/drivers": LIB + ["kernel/*", "!kernel/arch.h", "drivers/*"],
    "kernel/lib": LIB,
    "kernel/x86": LIB + ["arch/*", "kernel/*"],
    "kernel": LIB + ["kernel/*", "arch/*", "uapi/*"],
    "kernel/posix": KERNEL + UAPI,
    "net/core": NET + ["net/netdevice.h", "net/inetdevice.h"],  # the types: a packet and an address name their device
    "net/dev": NET + DEV + ["net/sch_generic.h", "net/inetdevice.h"],
    "net/sched": NET + DEV + ["net/sch_generic.h"],
    "net/neigh": NET + DEV + ["net/sch_generic.h", "net/neighbour.h", "net/arp.h", "net/inetdevice.h", "net/dst.h"],
    "net/ipv4": NET + DEV + ["net/neighbour.h", "net/inetdevice.h", "net/ip.h", "net/icmp.h", "net/route.h",
                             "net/dst.h", "net/netfilter.h", "net/nf_tables.h", "net/protocol.h",
                             "net/raw.h", "net/ping.h", "net/datagram.h"],
    "net/udp": NET + ["net/ip.h", "net/datagram.h", "net/route.h", "net/icmp.h", "net/udp.h", "net/dst.h", "net/protocol.h", "net/inet_common.h"],
    "net/tcp": NET + ["net/ip.h", "net/route.h", "net/tcp.h", "net/dst.h", "net/protocol.h", "net/inet_common.h"],
    "net/socket": NET + ["net/netdevice.h", "net/inetdevice.h", "net/socket.h", "net/inet_common.h", "net/protocol.h"],
    "net/packet": NET + DEV + ["net/sch_generic.h", "net/socket.h", "net/packet.h"],
    "net/dhcp": NET + ["net/inetdevice.h", "net/route.h", "net/neighbour.h", "net/netdevice.h", "net/dhcp.h", "net/socket.h"],
    "net/init.c": NET + ["net/*"],
    "drivers/pci": LIB + ["kernel/*", "drivers/pci.h"],
    "drivers/net": LIB + ["kernel/*", "!kernel/arch.h", "wire/*", "net/netdevice.h", "net/skbuff.h",
                          "net/etherdevice.h", "net/gso.h", "net/checksum.h", "net/net.h", "net/stats.h", "net/drop_reason.h",
                          "drivers/*"],
    # A tunnel's way out is the device layer's entry once more.
    "drivers/net/dummy.c": LIB + ["kernel/*", "!kernel/arch.h", "wire/*", "net/netdevice.h", "net/skbuff.h", "net/etherdevice.h",
                                  "net/net.h", "net/sch_generic.h", "drivers/dummy.h"],
    "boot": LIB + ["arch/*", "kernel/*", "net/*", "wire/*", "uapi/*", "drivers/*"],
}
# The plinth's dispatch goes through arch.h; x86 calls no service of kernel/*.c but these, each for its reason.
X86_KERNEL = {
    "kernel/arch.h", "kernel/boot_info.h", "kernel/cpu.h", "kernel/context.h", "kernel/io.h", "kernel/uaccess.h",
    "kernel/sched.h",  # struct thread: where switch.asm keeps a stack pointer
    "kernel/arch_page.h",  # the page tables' side of arch.h
    "kernel/printk.h", "kernel/mm.h",  # a processor is refused in words; page tables take pages
    "kernel/irq.h", "kernel/syscall.h", "kernel/trap.h",  # types of the frames handed up
}
# Calls that are no step from floor to floor, each kind with its reason.
EVERYWHERE = {
    "kernel/panic.c",  # the emergency exit is on every floor; nothing comes back from it
    "kernel/printk.c",  # so is the log, which itself stands on the plinth
}
FORMATTING = {"seq_printf", "seq_puts"}  # a page is rendered by table, down from proc.c; this is its pencil
NAMED_UP = {
    # A fault is reported even when nobody has registered anything yet: the one call up from the plinth by name.
    ("kernel/x86/idt.c", "trap_report"), ("kernel/x86/idt.c", "trap_page_missing"),
    # The backlog is a NAPI context of its own: receive schedules it, polling it receives.
    ("net/dev/receive.c", "napi_schedule"),
}
# Header-only or given by the compiler.
COMPILER = {"stddef.h", "stdint.h", "stdbool.h", "stdarg.h", "limits.h"}
# Applications see the C library and nothing of ours.
OURS = ("lib/", "kernel/", "net/", "wire/", "uapi/", "drivers/", "arch/")
LIBC = {"net/if.h", "net/if_arp.h", "net/ethernet.h"}  # the C library has a folder of that name too


def matches(name, patterns):
    ok = False
    for pattern in patterns:
        take = not pattern.startswith("!")
        if re.fullmatch(re.escape(pattern.lstrip("!")).replace(r"\*", ".*"), name):
            ok = take
    return ok


def floor_of(path):
    keys = [k for k in TABLE if path == k or path.startswith(k + "/")]
    return max(keys, key=len, default=None)


def includes():
    """Complaints about #include lines."""
    bad = []
    for folder in ("include", "boot", "kernel", "net", "drivers", "apps"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            name = str(path.relative_to(ROOT))
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = re.match(r'\s*#\s*include\s+(?:<([^>]+)>|"([^"]+)")', line)
                if match and (why := refused(name, path, *match.groups())):
                    bad.append(f"{name}:{number}: {why}")
    return bad


def refused(name, path, public, private):
    """Why this include is not allowed; None when it is."""
    if name.startswith("apps/"):
        ours = public and public.startswith(OURS) and public not in LIBC
        return f"an application includes <{public}>" if ours else None
    if private:
        if "/" in private or not (path.parent / private).exists():
            return f'"{private}" is no private header of this folder'
        return None
    if public in COMPILER:
        return None
    floor = floor_of(name)
    if floor is None:
        if name.startswith("kernel/x86/include/"):
            return None if public.startswith(("lib/", "arch/")) else f"<{public}>: the inline plinth stands on lib/ only"
        return "this folder is not in the table"
    if not matches(public, TABLE[floor]):
        return f"{floor} may not include <{public}>"
    if floor == "kernel/x86" and not name.startswith("kernel/x86/include") and public.startswith("kernel/") \
            and public not in X86_KERNEL:
        return f"the plinth may not include <{public}>"
    return None


def call_graph(objects):
    """object -> objects whose functions it calls by name.

    A call is a relocation of the kind that compilers use for call and jump. An address that is stored (a handler that is
    registered, an ops table) is news going up by table, and shared data is no call. Assembly does not count either:
    a vector, a system call's entry or the switch goes where the machine was told to go.
    """
    def told(*words):
        return subprocess.run([*words, *objects], cwd=ROOT, text=True, capture_output=True, check=True).stdout

    names = (line.rsplit(maxsplit=2) for line in told("nm", "--print-file-name", "--defined-only").splitlines())
    defined = {name: where.rpartition(":")[0] for where, kind, name in names if kind in "TW"}
    calls = defaultdict(set)
    for part in told("readelf", "-rW").split("\nFile: ")[1:]:
        obj, _, text = part.partition("\n")
        if not obj.endswith(".asm.o"):
            calls[obj] = set(re.findall(r"R_X86_64_PLT32\s+[0-9a-f]+\s+(\w+)", text))
    return {o: {defined[s] for s in calls[o] if s in defined and counts(o, s, defined[s])} for o in objects}


def counts(obj, symbol, target):
    """Whether this call is an edge of the graph."""
    return (obj != target and symbol not in FORMATTING and source_of(target) not in EVERYWHERE
            and (source_of(obj), symbol) not in NAMED_UP)


def circles(graph):
    """Strongly connected components of more than one file (Tarjan's algorithm, without recursion)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(sorted(graph[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, edges = work[-1]
            for nxt in edges:
                if nxt not in index:
                    index[nxt] = low[nxt] = len(index)
                    stack.append(nxt)
                    on_stack.add(nxt)
                    work.append((nxt, iter(sorted(graph[nxt]))))
                    break
                if nxt in on_stack:
                    low[node] = min(low[node], index[nxt])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = []
                    while not part or part[-1] != node:
                        part.append(stack.pop())
                        on_stack.discard(part[-1])
                    if len(part) > 1:
                        found.append(sorted(part))
    return found


def source_of(obj):
    return re.sub(r"^build/(\w+/)?obj/|\.o$", "", obj)


def check():
    bad = includes()
    settings = Settings()
    build.make("objects", settings)
    graph = call_graph((ROOT / settings.build_dir / "objects").read_text().split())
    for part in circles(graph):
        edges = [f"{source_of(a)} -> {source_of(b)}" for a in part for b in sorted(graph[a] & set(part))]
        bad.append("circle of calls by name:\n    " + "\n    ".join(edges))
    files, count = len(graph), sum(len(e) for e in graph.values())
    print(f"{files} files, {count} edges, {len(circles(graph))} circles")
    return bad


if __name__ == "__main__":
    complaints = check()
    print("\n".join(complaints))
    sys.exit(bool(complaints))
