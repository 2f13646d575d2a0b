# SPDX-License-Identifier: MIT
"""Faults by command line, end to end: the file arrives whole, or the guest ends with a documented status and words."""
import re

import pytest

import doorbell
from conftest import GUEST_IP
from peer import Receiver, hash_file

SIZE = 65536
FAULT = re.compile(r"fault: (\w+) hit (\d+) of (\d+) events(?: \(last at (\S+):(\d+)\))?")
# What a run under faults may end with: the sender's own statuses, or "no memory" at boot.
STATUSES = {0, 1, 3, 4, 5, 6, 66}


def send_under(boot, noise, fault, append="", timeout=60.0):
    """Sends a file under a fault: (run, it arrived whole, {kind: hits}). A wrong file or a leak fails the test."""
    receiver = Receiver()
    run = boot(args=f"tcp:10.0.2.2:{receiver.port}", append=f"{GUEST_IP} {fault} {append}", module=noise(SIZE), pcap=False,
               timeout=timeout)
    stream = receiver.finish()
    assert run.status in STATUSES, f"status {run.status}. {run.why}"
    whole = (stream.size, stream.sha256) == hash_file(noise(SIZE))
    assert whole or run.status, "status 0, and the file is not whole"
    if run.status != 66:
        run.says("leak check passed")
    hits = {m[1]: int(m[2]) for m in FAULT.finditer(run.serial)}
    print(f"{fault}: status {run.status} after {run.seconds:.1f} s, hits {hits}")
    return run, whole, hits


def test_help(boot):
    run = boot(args="x", append="fault=help", pcap=False).expect(0)
    for word in ("alloc", "dmamap", "txstall", "ringfull", "lostirq", "rxdrop", "arptimeout", "qdiscdrop", "site=", "p=P"):
        run.says(word)


def test_sites(boot):
    """The list names every place of the image that allocates, once; one of them can be aimed at."""
    run = boot(args="x", append="fault=sites", pcap=False).expect(0)
    sites = re.findall(r"fault: site (\d+) (\S+):(\d+)", run.serial)
    assert [int(n) for n, _, _ in sites] == list(range(1, len(sites) + 1))
    assert len({(f, n) for _, f, n in sites}) == len(sites) > 50
    run.says(f"{len(sites)} allocation sites")


@pytest.mark.parametrize("value,word", [("alloc,site=nowhere.c", "fault=sites"), ("alloc,p=2", "at most 1"),
                                        ("qdiscdrop,ms=5", "options are")])
def test_bad_rule(boot, value, word):
    boot(args="x", append=f"fault={value}", pcap=False).expect(70).says(word)


@pytest.mark.parametrize("fault", ["at=700", "p=0.02,seed=7,at=640", "site=net/tcp/tcp_sendmsg.c,every=9",
                                   "site=net/core/sock.c", "site=e1000_rx.c,at=520,every=4"])
def test_allocations(boot, noise, fault):
    run, _, hits = send_under(boot, noise, f"fault=alloc,{fault}")
    assert hits["alloc"] > 0, "the fault never came"
    if "site=" in fault:
        wanted = fault.split(",")[0].removeprefix("site=")
        assert FAULT.search(run.serial)[4].endswith(wanted)


@pytest.mark.parametrize("fault,counter", [
    ("dmamap,at=300,every=20", "tx_dma_failed"),
    ("ringfull,at=4,every=12,ms=5", "tx_busy"),
    ("qdiscdrop,at=3,every=15", None),
    ("arptimeout,at=1", None),
    ("lostirq,p=0.3,seed=5", None),
    ("rxdrop,at=5,every=10", "rx_errors"),
])
def test_arrives_all_the_same(boot, noise, fault, counter):
    """What gets lost on the way is sent again."""
    run, whole, hits = send_under(boot, noise, f"fault={fault}")
    run.expect(0)
    assert whole and hits[fault.split(",")[0]] > 0
    if counter:
        assert run.counters.nic[counter] > 0


def test_nobody_answers(boot, noise):
    """Every ARP question is lost: the host is unreachable, in words, after three of them."""
    run, whole, hits = send_under(boot, noise, "fault=arptimeout,every=1")
    run.expect(5)
    assert not whole and hits["arptimeout"] >= 3


def test_several_at_once(boot, noise):
    run, _, hits = send_under(boot, noise, "fault=qdiscdrop,at=9,every=20 fault=rxdrop,at=7,every=20 "
                                           "fault=alloc,at=700,every=90")
    assert min(hits[k] for k in ("qdiscdrop", "rxdrop", "alloc")) > 0
