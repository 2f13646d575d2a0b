# SPDX-License-Identifier: MIT
"""The device layer on the machine: cutting by the card and by software, a ring that stands still, devices that are no hardware."""
import re

import capture
import pytest


@pytest.mark.parametrize("features", ["csum=on tso=on", "csum=on", "sg=off", "gso=off"])
def test_same_stream_whoever_cuts(transfer, features):
    """By the card, by software with the payload shared or copied, or not at all: whole frames, right sums, every byte."""
    run = transfer("send", 4 << 20, append=features).run
    bad = capture.bad_frames(run.pcap, offload=True, repeats=run.counters.repeats)
    if "tso=on" in features:  # the emulated card sends an empty segment more when the payload is a multiple of the MSS
        bad = [line for line in bad if not ("Dup ACK" in line and line.endswith("Len=0"))]
    assert bad == []
    found = [f for f in capture.frames(run.pcap) if f.from_guest]
    assert all(len(f.data) <= 1514 for f in found)
    nic = run.counters.nic
    if "tso=on" in features:
        assert nic["tx_tso_packets"] > 50 and nic["tx_tso_segs"] > 5 * nic["tx_tso_packets"]
        assert nic["tdt_writes"] < len(found) / 10, "doorbells"
    else:
        assert nic["tx_tso_packets"] == 0


def test_stopped_ring(boot):
    """The transmitter stands still: the ring fills, the rest waits in the discipline, and leaves in runs of 64 by NET_TX."""
    run = boot("ttcp", "udp-send 10.0.2.2 9 64 250", append="tx_ring=64 fault=txstall,at=60,ms=300").expect(0)
    restarts = re.search(r"^eth0 0 .*restart_queue (\d+)", run.serial, re.M)
    assert restarts and int(restarts[1]) >= 1, "the queue was stopped and woken"
    assert run.counters.nic["tx_queue_stopped"] >= 1
    assert run.counters.nic["tx_busy"] == 0
    # Sixty are gone, as many fit into the ring; nobody sends any more when the others may.
    assert run.counters.softirqs["NET_TX"] >= 2, "more than one run of 64 was left"
    sent = [f for f in capture.frames(run.pcap) if f.from_guest and f.data[23:24] == b"\x11" and len(f.data) == 106]
    assert len(sent) >= 250 and len({f.data[18:20] for f in sent}) == len(sent), "every datagram left, once"


def test_dummy_devices(boot):
    """They are listed, swallow what they get; the one that sends to itself ends with one line."""
    run = boot("ttcp", "udp-send 198.18.0.2 9 100 20", append="dummy=2,queues=4").expect(0)
    assert re.search(r"^dummy0:(\s+\d+){8}\s+\d+\s+2\d\s", run.serial, re.M), "twenty packets and an end"
    assert len(re.findall(r"^dummy1 [0-3] stopped 0", run.serial, re.M)) == 4
    run = boot("ttcp", "udp-send 198.18.0.2 9 100 20", append="dummy=1,loop").expect(0)
    run.says("dead loop on virtual device dummy0")
    assert not [f for f in capture.frames(run.pcap) if f.data[30:33] == bytes([198, 18, 0])], "nothing of it left by the card"
