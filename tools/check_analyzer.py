# SPDX-License-Identifier: MIT
"""gcc's static analyzer over net/ and drivers/: leaks, double frees, uses after free or hand-over, NULL, uninitialised.

It knows from __freed_by() and SKB_CONSUMER() in the headers who gives out packets and memory and who takes them back. The
result for a file is kept by the hash of its preprocessed text: a file that did not change costs one preprocessing.

SUPPRESSED lists what is not true, each with its reason; an entry that matches nothing any more is itself a complaint.

Interface: check() -> list of complaints; findings(name, cache) -> [(line, text)] for one file.
"""
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import build
from settings import ROOT

FLAGS = ["-std=gnu11", "-O0", "-ffreestanding", "-fno-strict-aliasing", "-mgeneral-regs-only", "-DSLAB_DEBUG=0", "-Wall",
         "-Wextra", "-fanalyzer", "-fdiagnostics-plain-output", "-Iinclude", "-Ikernel/x86/include"]
LOST = "the object hangs in a structure reached through a parameter; the analyzer forgets that at the next call it cannot see"
INSIDE = "the analyzer goes on into the function that takes the packet back, where it is still whole"
COUNTED = "two references, taken and given back in pairs; the analyzer forgets their number at a call it cannot see"
SUPPRESSED = {
    ("net/tcp/tcp_timewait.c", "leak of 'tw'"): LOST,
    ("net/dhcp/dhcp.c", "leak of 'c'"): LOST,
    ("drivers/pci/pci.c", "leak of 'd'"): LOST,
    ("drivers/net/e1000/e1000_rx.c", "leak of 'skb'"): LOST,
    ("net/ipv4/nf_tables.c", "leak of 'r'"): LOST,
    ("net/ipv4/igmp.c", "leak of 'more'"): LOST,
    ("net/neigh/neighbour.c", "leak of 'bucket'"): LOST,
    ("net/socket/protosw.c", "leak of 'copy'"): LOST,
    ("net/neigh/neighbour.c", "use after 'kfree' of 'n'"): COUNTED,
    ("net/ipv4/ip_fragment.c", "use after 'ip_fragment' of 'skb'"): INSIDE,
    ("net/ipv4/ip_output.c", "use after 'ip_send_skb_options' of 'skb'"): INSIDE,
    ("net/tcp/tcp_ofo.c", "use after 'kfree_skb_reason' of 'old'"): INSIDE,
    ("net/core/skbuff.c", "use after 'kfree_skb_reason' of 'skb'"): INSIDE,
    ("net/neigh/neighbour.c", "use after 'neigh_output' of 'skb'"): INSIDE,
    ("net/tcp/tcp_rtx_queue.c", "use after 'tcp_wmem_free_skb' of 'skb'"): INSIDE,
}


def run(words):
    return subprocess.run(words, cwd=ROOT, text=True, capture_output=True, check=False, env=dict(os.environ, LC_ALL="C"))


def findings(name, cache=None):
    """(line, what) of each warning about one file."""
    seen = run(["gcc", *FLAGS, "-E", "-P", name])
    kept = cache and cache / f"{name.replace('/', '_')}.{build.digest([*FLAGS, seen.stdout])[:24]}"
    if kept and kept.exists():
        text = kept.read_text()
    else:
        done = run(["gcc", *FLAGS, "-S", "-o", os.devnull, name])
        text = done.stderr
        if kept and not done.returncode:
            for old in cache.glob(f"{name.replace('/', '_')}.*"):
                old.unlink()
            kept.write_text(text)
    return [(m[1], m[2]) for m in re.finditer(r"^\S+?:(\d+):\d+: (?:warning|error): (.*)$", text, re.M)]


def check():
    names = [str(p.relative_to(ROOT)) for f in ("net", "drivers") for p in sorted((ROOT / f).rglob("*.c"))]
    cache = ROOT / "build/analyzer"
    cache.mkdir(parents=True, exist_ok=True)
    bad, used = [], set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, found in zip(names, pool.map(lambda n: findings(n, cache), names)):
            for line, what in found:
                key = next((k for k in SUPPRESSED if k[0] == name and what.startswith(k[1])), None)
                used.add(key)
                if not key:
                    bad.append(f"{name}:{line}: {what}")
    bad += [f"tools/check_analyzer.py: nothing to suppress in {k[0]}: {k[1]}" for k in SUPPRESSED if k not in used]
    print(f"{len(names)} files, {len(SUPPRESSED)} findings suppressed with a reason")
    return bad
