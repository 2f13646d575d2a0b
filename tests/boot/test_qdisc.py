# SPDX-License-Identifier: MIT
"""Queueing disciplines in the machine: chosen by qdisc=, seen on the wire and on the page."""
import re

from capture import frames
from conftest import GUEST_IP

NEIGH = "neigh=10.0.2.2=52:55:0a:00:02:02"


def page(run):
    """The lines of /proc/net/qdisc about eth0, and each "name number" in them."""
    text = re.search(r"== /proc/net/qdisc\n(.*?)(?=\n==|\n\[|\Z)", run.serial.replace("\r", ""), re.S).group(1)
    lines = text[text.index("dev eth0"):]
    return lines, {name: int(value) for name, value in re.findall(r"([a-z_]+) (\d+)", lines)}


def test_tbf_keeps_the_rate(transfer):
    """1 MiB at 16 Mbit/s with a bucket of 8 KiB: between any two frames not more than the bucket and the rate allow."""
    rate, burst = 16e6 / 8, 8192
    moved = transfer("send", 1 << 20, append=f"{GUEST_IP} qdisc=tbf,rate=16mbit,burst=8kb,latency=100ms")
    sent = [f for f in frames(moved.run.pcap) if f.from_guest]
    total = sum(len(f.data) for f in sent)
    seconds = sent[-1].time - sent[0].time
    late = 0.005  # a host that does not run the guest for a moment shifts what it sees, never what the guest counts
    worst, start = 0.0, 0
    for end in range(len(sent)):
        if end - start > 200:
            start += 1
        carried = sum(len(f.data) for f in sent[start:end + 1])
        worst = max(worst, carried - burst - rate * (sent[end].time - sent[start].time + late))
    assert worst <= 0, f"{worst:.0f} bytes more than the bucket and the rate allow"
    assert seconds >= (total - burst) / rate - late
    lines, counts = page(moved.run)
    assert " rate 16Mbit burst 8Kb " in lines and counts["overlimits"] > 100
    print(f"{total} bytes in {seconds:.3f} s: {total * 8e-6 / seconds:.2f} Mbit/s")


def test_netem_is_repeatable(boot):
    """The same seed loses and doubles the same datagrams, in two boots."""
    said = []
    for _ in range(2):
        run = boot("ttcp", "udp-send 10.0.2.2 9 200 300",
                   append=f"{GUEST_IP} {NEIGH} rng.seed=1 qdisc=netem,loss=10%,dup=5%,seed=4711").expect(0)
        ids = [f.data[18:20] for f in frames(run.pcap) if f.from_guest and f.type == 0x0800 and f.data[23] == 17 and len(f.data) == 242]
        counts = page(run)[1]
        assert counts["lost_wire"] > 10 and counts["duplicated"] > 3
        assert len(set(ids)) < 300 < len(set(ids)) + counts["lost_wire"] + 1
        said.append((ids, counts["lost_wire"], counts["duplicated"]))
    assert said[0] == said[1]


def test_fq_codel_counts(transfer):
    lines, counts = page(transfer("send", 1 << 20, append="qdisc=fq_codel").run)
    assert lines.startswith("dev eth0 root limit 10240p flows 1024 quantum 1514 target 5ms interval 100ms memory_limit 32Mb ecn drop_batch 64\n")
    assert re.search(r"\n Sent \d+ bytes \d+ pkt \(dropped 0, overlimits 0 requeues \d+\)\n backlog 0b 0p requeues \d+\n"
                     r"  maxpacket \d+ drop_overlimit 0 new_flow_count \d+ ecn_mark 0 memory_used 0 drop_overmemory 0\n"
                     r"  new_flows_len 0 old_flows_len \d+\n", lines)
    assert counts["enqueued"] == counts["dequeued"] and counts["lost"] == 0
