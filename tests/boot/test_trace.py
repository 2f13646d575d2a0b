# SPDX-License-Identifier: MIT
"""Tracing on the machine: sites that are NOPs and become jumps while text stays read-only; the walk, the trace file, the picture."""
import json
import re
import struct
import subprocess
from collections import defaultdict

import pytest

import tracing
from conftest import ROOT
from test_launcher import launch

NOP = bytes.fromhex("0f1f440000")
GUEST_IP = "ip=10.0.2.15/24,gw=10.0.2.2"

# Reads the table of sites where the linker put it, prints what stands at each, then writes to the first as nobody may.
PEEK = r"""
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	const unsigned int *site = (const void *)strtoul(argv[1], NULL, 16), *end = (const void *)strtoul(argv[2], NULL, 16);
	volatile unsigned char *text = (void *)(unsigned long)site[0];
	(void)argc;
	for (const unsigned int *s = site; s < end; s += 3) {
		const unsigned char *p = (const void *)(unsigned long)s[0];
		printf("site %x %x %u %02x%02x%02x%02x%02x\n", s[0], s[1], s[2], p[0], p[1], p[2], p[3], p[4]);
	}
	fflush(stdout);
	*text = 0x90;
	printf("text was written\n");
	return 0;
}
"""
# What one segment with data meets, in this order (the clone may be freed before or after the acknowledgment came).
DOWN = ["sys_sendto", "sock_sendmsg", "inet_sendmsg", "tcp_sendmsg", "skb_entail", "skb_add_data", "tcp_push", "tcp_write_xmit",
        "tcp_transmit_skb", "tcp_clone", "ip_queue_xmit", "ip_local_out", "nf_local_out", "ip_output", "nf_post_routing",
        "ip_finish_output", "ip_finish_output2", "neigh_output", "dev_queue_xmit", "sch_direct_xmit", "validate_xmit_skb",
        "dev_hard_start_xmit", "e1000_xmit_frame", "e1000_tx_map", "tcp_event_new_data_sent", "e1000_doorbell"]
UP = ["irq", "e1000_intr", "napi_schedule", "softirq", "net_rx_action", "napi_poll", "e1000_clean_tx", "clone_freed",
      "netif_receive_skb", "ip_rcv", "tcp_v4_rcv", "tcp_ack", "original_freed"]


def symbols(elf):
    text = subprocess.run(["nm", str(ROOT / elf)], text=True, capture_output=True, check=True).stdout
    return {w[2]: int(w[0], 16) for line in text.splitlines() if len(w := line.split()) == 3}


def sites(elf):
    """[(address, target, stage, bytes)] of an image file: offset = address - __load_start."""
    s, data = symbols(elf), (ROOT / elf).read_bytes()
    first, last, base = s["__start___trace_sites"], s["__stop___trace_sites"], s["__load_start"]
    found = [struct.unpack_from("<III", data, at - base) for at in range(first, last, 12)]
    return [(*site, data[site[0] - base:site[0] - base + 5]) for site in found]


def functions_of(path):
    """What can be called in a source file, system calls by their own name."""
    text = (ROOT / path).read_text()
    return set(re.findall(r"^[a-z][^;={}]*?\b(\w+)\([^;{}]*\)[^;{}]*\{", text, re.M)) | \
        set(re.findall(r"^SYSCALL_DEFINE\d\((\w+),", text, re.M))


@pytest.mark.parametrize("stage", tracing.stages().values(), ids=lambda s: s.name)
def test_stage_is_where_the_list_says(stage):
    assert stage.function in functions_of(stage.file), f"{stage.function}() is not in {stage.file}"
    assert re.search(rf"\btrace_\w+\({stage.name}\b", (ROOT / stage.file).read_text()), "no tracepoint there"


def test_sites_cost_one_nop(image):
    """Off is one instruction of five bytes at every site, in the image and so in memory."""
    elf, names = image("send"), list(tracing.stages())
    table = sites(elf)
    assert {stage for _, _, stage, _ in table} == set(range(len(names))), "a stage has no site"
    assert all(code == NOP for *_, code in table)
    text = subprocess.run(["objdump", "-d", "-j", ".text", str(ROOT / elf)], text=True, capture_output=True, check=True).stdout
    nops = {int(m[1], 16) for m in re.finditer(r"^\s*([0-9a-f]+):\s+0f 1f 44 00 00\s+nopl ", text, re.M)}
    starts = {int(m[1], 16) for m in re.finditer(r"^\s*([0-9a-f]+):\t", text, re.M)}
    assert {address for address, *_ in table} <= nops
    assert {target for _, target, *_ in table} <= starts


def test_patched_text_stays_read_only(tmp_path, boot, image):
    """trace=tx: jumps where the stage is on, NOPs elsewhere; a write to text is a fault, whose report shows the last records."""
    (tmp_path / "peek.c").write_text(PEEK)
    program = tmp_path / "peek.c"
    s = symbols(image(program))
    run = boot(program, f"{s['__start___trace_sites']:x} {s['__stop___trace_sites']:x}", append=f"{GUEST_IP} trace=tx").expect(64)
    stages = list(tracing.stages().values())
    seen = re.findall(r"^site (\w+) (\w+) (\d+) (\w{10})$", run.serial, re.M)
    assert len(seen) == len(sites(image(program)))
    for address, target, number, code in seen:
        rel = (int(target, 16) - int(address, 16) - 5) & 0xffffffff
        jump = b"\xe9" + struct.pack("<I", rel)
        on = stages[int(number)].group == "TX"
        assert bytes.fromhex(code) == (jump if on else NOP), f"site {address} of {stages[int(number)].name}"
    assert "text was written" not in run.serial
    run.says(f"write to 0x{int(seen[0][0], 16):x} (protected)")
    report = run.serial[run.serial.index("backtrace:"):]
    assert re.search(r"trace: the last \d+ records:", report)
    assert re.search(r"trace: \d+ ns \w+ [-<>] \w+ skb \d+ of \d+ sock", report)


def test_walk():
    done = launch("walk")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = re.findall(r"^ *(\d+) (process|bh|softirq|hardirq) +(\w+)[^/]* (\w[\w/]*\.c):(\w+) (.*)$", done.stdout, re.M)
    names = [name for _, _, name, *_ in lines]
    times = [int(ns) for ns, *_ in lines]
    assert times == sorted(times) and times[0] == 0
    assert names[0] == "sys_sendto"
    where = iter(names)
    assert all(stage in where for stage in DOWN), f"the way down: {names}"
    assert all(stage in names for stage in UP), f"the way up: {set(UP) - set(names)}"
    for _, _, _, path, function, owner in lines:
        assert (ROOT / path).exists() and owner.strip()
        assert function in (ROOT / path).read_text()
    for end in ("doorbell", "clone freed", "original freed"):
        assert re.search(rf"^{end}: after \d+ ns$", done.stdout, re.M), done.stdout[-400:]


def check_nesting(slices):
    """Slices of one track lie inside each other or apart."""
    tracks = defaultdict(list)
    for s in slices:
        tracks[s["pid"], s["tid"]].append(s)
    for track in tracks.values():
        open_ = []
        for s in sorted(track, key=lambda s: (s["ts"], -s["dur"])):
            begin, end = round(s["ts"] * 1000), round((s["ts"] + s["dur"]) * 1000)
            while open_ and open_[-1] <= begin:
                open_.pop()
            assert not open_ or end <= open_[-1], f"{s['name']} at {s['ts']} us ends outside the slice it began in"
            open_.append(end)


def check_flows(events, slices):
    """Every arrow begins, ends, goes forward in time, and stands on a slice of its track."""
    spans = defaultdict(list)
    for s in slices:
        spans[s["pid"], s["tid"]].append((round(s["ts"] * 1000), round((s["ts"] + s["dur"]) * 1000)))
    arrows = defaultdict(list)
    for e in events:
        if e["ph"] in "stf":
            arrows[str(e["id"])].append(e)
    assert arrows
    for way in arrows.values():
        assert [e["ph"] for e in way] == ["s"] + ["t"] * (len(way) - 2) + ["f"]
        assert [e["ts"] for e in way] == sorted(e["ts"] for e in way)
        for e in way:
            at = round(e["ts"] * 1000)
            assert any(a <= at <= b for a, b in spans[e["pid"], e["tid"]])
    return arrows


def test_trace_file_and_picture():
    done = launch("trace")
    assert done.returncode == 0, done.stdout + done.stderr
    trace = json.loads((ROOT / "build/trace.json").read_text())
    events = trace["traceEvents"]
    slices = [e for e in events if e["ph"] == "X"]
    names = {s["name"] for s in slices}
    assert set(DOWN + UP) <= names, set(DOWN + UP) - names
    check_nesting(slices)
    arrows = check_flows(events, slices)
    made = {s["args"]["skb"]: s["args"]["clone_of"] for s in slices if "clone_of" in s["args"]}
    assert made and all(f"{parent}-{child}" in arrows for child, parent in made.items()
                        if any(s["args"].get("skb") == parent for s in slices))
    tracks = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert {"socket", "tcp", "ip", "neigh", "sched", "dev", "driver"} <= tracks
    assert {"softirq", "hardirq"} <= {e["args"]["name"] for e in events if e["name"] == "process_name"}
    log = (ROOT / "build/run.serial").read_text(errors="replace").replace("\r\n", "\n")
    lines = [p for p in tracing.packets(tracing.records(log)) if any(stage == "tcp_clone" for _, _, stage, _, _ in p["stages"])]
    whole = [p for p in lines if {"skb_add_data", "tcp_transmit_skb", "e1000_tx_map", "clone_freed", "original_freed"}
             <= {stage for _, _, stage, _, _ in p["stages"]}]
    assert sum(len(p["made"]) for p in whole) >= 45, "each packet's line has what was made of it: clones, and 65536 / 1460 segments"
    page = (ROOT / "build/trace.html").read_text()
    assert len(page) < 4 << 20 and "@DATA@" not in page
    assert not re.search(r"(src|href)\s*=|https?://|@import|url\(", page), "the picture wants something from elsewhere"


@pytest.mark.parametrize("variables", [{"APP": "recv"}, {"ARGS": "tcp:10.0.2.2:9"}, {"NET": "tap:none"}])
def test_walk_refuses(variables):
    done = launch("walk", **variables)
    assert done.returncode == 2 and "what is traced" in done.stdout + done.stderr


def records(*rows):
    """A serial log with such records: (ns, context, tid, kind, stage, skb, clone_of)."""
    lines = [f"{i + 1} {ns} {context} {tid} {kind} {stage} tcp {skb} {parent} 1 0 100 0 0 -"
             for i, (ns, context, tid, kind, stage, skb, parent) in enumerate(rows)]
    return tracing.records("== /proc/net/trace\n" + "\n".join(
        [f"trace tx records {len(rows)} overwritten 0", "serial ns ...", *lines]) + "\nexit: 0\n")


def test_tree_of_interrupted_slices():
    recs = records((10, "process", 4, ">", "tcp_sendmsg", 0, 0), (20, "hardirq", 4, ">", "irq", 0, 0),
                   (30, "hardirq", 4, "<", "irq", 0, 0), (40, "softirq", 4, "-", "clone_freed", 7, 0),
                   (50, "process", 4, "<", "tcp_sendmsg", 0, 0))
    assert [n.record.stage for n in tracing.trees(recs)] == ["tcp_sendmsg", "irq", "clone_freed"]
    (root,) = tracing.trees(recs, nested=True)
    assert (root.end, [n.record.stage for n in root.inside]) == (50, ["irq", "clone_freed"])


def test_begin_that_was_overwritten():
    """An end without its begin is no slice; a begin without its end lasts till the last record."""
    recs = records((10, "bh", 1, "<", "ip_output", 0, 0), (20, "bh", 1, ">", "ip_output", 3, 0), (90, "bh", 1, "-", "tcp_clone", 5, 3))
    (root,) = tracing.trees(recs)
    assert (root.record.ns, root.end) == (20, 90)
    assert tracing.family(recs, 3) == {3, 5}


def test_no_page_no_walk():
    with pytest.raises(tracing.Failure):
        tracing.records("== /proc/net/trace\ntrace off records 0 overwritten 0\nexit: 0\n")
