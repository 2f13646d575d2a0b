# SPDX-License-Identifier: MIT
"""A clean run, judged on the wire: by tshark with every checksum on, and frame by frame."""
import pytest

import capture
from capture import ACK, BROADCAST, FIN, SYN
from late import Late, again


@pytest.fixture
def clean(transfer):
    def go(direction, size=1 << 20):
        run = transfer(direction, size).run
        return run, capture.frames(run.pcap)

    return go


@pytest.mark.parametrize("direction", ["send", "recv"])
def test_tshark_finds_nothing(clean, direction):
    run, _ = clean(direction)
    # The receiving program hashes what it reads: the network may be faster, and then the window closes, as it should.
    assert capture.bad_frames(run.pcap, late_reader=direction == "recv", repeats=run.counters.repeats) == []
    assert run.counters.repaired == 0


def test_checksum_offload(transfer):
    """csum=on: the card finishes TCP's and UDP's sums from the seed the stack left; one context serves the whole stream."""
    run = transfer("send", 4 << 20, append="csum=on").run
    assert capture.bad_frames(run.pcap, offload=True, repeats=run.counters.repeats) == []
    assert 0 < run.counters.nic["context_descs"] < 10


@pytest.mark.parametrize("direction", ["send", "recv"])
def test_frames(clean, direction):
    run, found = clean(direction)
    ours = [f for f in found if f.from_guest]
    assert all(60 <= len(f.data) <= 1514 for f in ours)
    tcp = [f for f in ours if f.is_tcp]
    assert all(f.dont_fragment for f in tcp)
    syns = [f for f in found if f.is_tcp and f.flags & SYN]
    assert len(syns) == 2 or 2 < len(syns) <= 2 + 2 * run.counters.repeats
    mine = next(f for f in syns if f.from_guest)
    assert mine.options[:4] == bytes([2, 4, 1460 >> 8, 1460 & 255]), "the SYN announces an MSS of 1460"
    for from_guest in (True, False):
        fins = [f for f in found if f.is_tcp and f.from_guest == from_guest and f.flags & FIN]
        assert len(fins) == 1 or 1 < len(fins) <= 1 + run.counters.repeats, "one FIN each way"


def test_arp_before_unicast(clean):
    _, found = clean("send", 1460)
    for i, frame in enumerate(found):
        if frame.from_guest and frame.data[:6] != BROADCAST and frame.type == 0x0800:
            before = found[:i]
            asked = [f for f in before if f.from_guest and f.type == 0x0806 and f.data[21] == 1
                     and f.data[38:42] == bytes([10, 0, 2, 2])]
            told = [f for f in before if not f.from_guest and f.type == 0x0806 and f.data[21] == 2]
            assert asked and told, "no ARP exchange before the first unicast frame"
            return
    pytest.fail("no unicast frame in the capture")


@again
def test_first_flight(transfer):
    """Ten segments go out on the initial window (RFC 6928) before any data is acknowledged.

    QEMU's user network answers a segment while the device still fetches the next: a filter holds the answers back.
    """
    slow = ["-object", "filter-buffer,id=slow,netdev=n0,queue=tx,interval=150000"]
    found = capture.frames(transfer("send", 1 << 17, extra=slow).run.pcap)
    tcp = [f for f in found if f.is_tcp]
    start = next(f.seq for f in tcp if f.from_guest and f.flags & SYN) + 1
    flight = set()
    for frame in tcp:
        if frame.from_guest and frame.payload:
            flight.add(frame.seq)
        elif not frame.from_guest and frame.flags & ACK and (frame.ack - start) % (1 << 32) in range(1, 1 << 31):
            break
    if len(flight) < 10:
        raise Late(f"the filter let an answer go before {len(flight) + 1} were sent")
    assert len(flight) == 10
