# SPDX-License-Identifier: MIT
"""Filter rules and neighbours on the machine: what the application sees, what is on the wire, what is counted."""
import re
import subprocess

import pytest

import capture
from conftest import GUEST_IP, ROOT
from late import again, soon

RULES = "nft='out drop ip daddr 10.0.2.2 udp dport 9; out tcp dport 25 reject' nft='post udp dport 10 counter'"
DEAD = bytes([10, 0, 2, 77])


def asked_for(frames, address):
    """Times and link destinations of the ARP requests for an address."""
    return [(f.time, f.data[:6]) for f in frames if f.data[12:14] == b"\x08\x06" and f.data[20:22] == b"\0\1" and f.data[38:42] == address]


@again
def test_rules_and_a_dead_neighbour(boot):
    run = boot(ROOT / "tests/apps/filtered.c", append=f"{GUEST_IP} {RULES}").expect(0)
    run.says("ip daddr 10.0.2.2 udp dport 9 counter packets 3 bytes 87 drop").says("tcp dport 25 counter packets 1")
    run.says("udp dport 10 counter packets 1 bytes 29").says("NETFILTER_DROP 4")
    frames = list(capture.frames(run.pcap))
    ip = [f.data for f in frames if f.data[12:14] == b"\x08\0"]
    assert not [d for d in ip if d[23] == 17 and d[36:38] == b"\0\x09"], "a dropped datagram left"
    assert not [d for d in ip if d[23] == 6], "a segment of a refused connection left"
    assert [d for d in ip if d[23] == 17 and d[36:38] == b"\0\x0a"]
    asked = asked_for(frames, DEAD)
    assert [to for _, to in asked] == [b"\xff" * 6] * 3
    gaps = [b[0] - a[0] for a, b in zip(asked, asked[1:])]
    assert min(gaps) > 0.95, gaps
    soon(max(gaps), 1.5)
    took = float(run.serial.split("dead after ")[1].split(" s")[0])
    assert took > 2.9
    soon(took, 4.5)
    # Announced at once and again two seconds later, probed behind that (RFC 5227).
    ours = asked_for(frames, bytes([10, 0, 2, 15]))
    assert len(ours) >= 2 and ours[1][0] - ours[0][0] > 1.9
    soon(ours[1][0] - ours[0][0], 2.6)


@pytest.mark.parametrize("rule,why", [("out drop ip saddr 10.0.0", "'10.0.0': no IPv4 address, prefix or range"),
                                      ("forward drop", "'forward': this host forwards nothing")])
def test_a_wrong_rule_ends_the_boot(boot, rule, why):
    boot(append=f"{GUEST_IP} nft='{rule}'", stats=False).expect(70).says(why)


def test_strict_conflict_detection_waits_and_finds_the_other(boot):
    """10.0.2.2 is QEMU's own address: it answers the probe."""
    boot(append="ip=10.0.2.2/24 acd=strict", stats=False).expect(69).says("10.0.2.2 is in use by 52:55:0a:00:02:02")


def test_an_empty_place_costs_one_compare_and_one_branch(image):
    """Every call of the filters' walk lies out of line behind "cmpq $0,mem; jne": two instructions for a packet nobody wants to see."""
    words = ["objdump", "-d", "--no-show-raw-insn", str(ROOT / image("send"))]
    text = subprocess.run(words, text=True, capture_output=True, check=True).stdout
    code = [(int(a, 16), op.strip()) for a, op in re.findall(r"^\s*([0-9a-f]+):\t(.*)$", text, re.M)]
    at = {address: i for i, (address, _) in enumerate(code)}
    guards = set()
    for i, (_, op) in enumerate(code[1:], 1):
        jump = re.match(r"jne\s+([0-9a-f]+)", op)
        # A move, which changes no flags, may stand between the two.
        if not jump or not any(re.match(r"cmpq\s+\$0x0,0x[0-9a-f]+\(%r", before) for _, before in code[i - 3:i]):
            continue
        for _, behind in code[at[int(jump[1], 16)]:][:30]:
            if "<nf_hook_slow>" in behind:
                guards.add(int(jump[1], 16))
            if re.match(r"(call|j|ret)", behind):
                break
    calls = sum("<nf_hook_slow>" in op and op.startswith("call") for _, op in code)
    assert calls >= 4 and len(guards) == calls
