# SPDX-License-Identifier: MIT
"""Core structures keep to their budget, and what goes over a wire or to a device has exactly its size.

Each struct of CORE is followed by a static_assert of its size in the header that defines it, and so is every packed struct
of include/wire and every struct of a file named *_regs.h. The compiler judges the numbers; this check sees to it that nobody
drops the question.

Interface: check() -> list of complaints; the sizes are printed and written to build/sizes.txt.
"""
import re
import subprocess

from settings import ROOT

CORE = {
    "include/net/skbuff.h": ["sk_buff", "skb_shared_info"],
    "include/net/sock.h": ["sock_common", "sock"],
    "include/net/netdevice.h": ["net_device", "netdev_queue"],
    "include/net/dst.h": ["dst_entry"],
    "include/net/route.h": ["rtable"],
    "include/kernel/timer.h": ["timer"],
    "net/neigh/neigh.h": ["neighbour"],
    "net/tcp/tcp_internal.h": ["tcp_sock", "tcp_request_sock", "tcp_timewait_sock", "tcp_skb_cb"],
    "drivers/net/e1000/e1000.h": ["e1000_rx_buffer"],
}
FLAGS = ["-std=gnu11", "-ffreestanding", "-Iinclude", "-Ikernel/x86/include"]
STRUCT = re.compile(r"^struct (\w+) \{\n.*?^\}([^\n]*);", re.M | re.S)


def asserted(text):
    """Names of the structs whose size the text asserts."""
    return set(re.findall(r"sizeof\(struct (\w+)\) [<=]=", text))


def exact(text):
    """Names of the structs whose very size the text asserts."""
    return set(re.findall(r"sizeof\(struct (\w+)\) ==", text))


def unasserted(name, text):
    """Complaints about one header."""
    bad = [f"{name}: no static_assert of sizeof(struct {s})" for s in CORE.get(name, []) if s not in asserted(text)]
    outside = name.endswith("_regs.h")
    for struct, tail in STRUCT.findall(text):
        if (outside or (name.startswith("include/wire/") and "__packed" in tail)) and struct not in exact(text):
            bad.append(f"{name}: struct {struct} leaves the machine: static_assert its exact size")
    return bad


def sizes():
    """name -> bytes, as the compiler lays the structs out."""
    structs = [s for names in CORE.values() for s in names]
    out = ROOT / "build/sizes.o"
    out.parent.mkdir(exist_ok=True)
    source = "".join(f'#include "{h}"\n' for h in CORE) + "".join(f"char {s}_[sizeof(struct {s})];\n" for s in structs)
    subprocess.run(["gcc", *FLAGS, "-I.", *{f"-I{(ROOT / h).parent}" for h in CORE}, "-x", "c", "-c", "-", "-o", out],
                   cwd=ROOT, input=source, text=True, check=True)
    text = subprocess.run(["nm", "-S", "-t", "d", out], text=True, capture_output=True, check=True).stdout
    found = {line.split()[3].rstrip("_"): int(line.split()[1]) for line in text.splitlines()}
    return {s: found[s] for s in structs}


def check():
    names = [str(p.relative_to(ROOT)) for f in ("include", "kernel", "net", "drivers") for p in sorted((ROOT / f).rglob("*.h"))]
    bad = [b for name in names for b in unasserted(name, (ROOT / name).read_text())]
    bad += [f"{name}: gone, but it holds {', '.join(structs)}" for name, structs in CORE.items() if name not in names]
    if bad:
        return bad
    table = [f"{size:5} {name}" for name, size in sizes().items()]
    (ROOT / "build/sizes.txt").write_text("\n".join([*table, ""]))
    print("\n".join(table))
    return bad
