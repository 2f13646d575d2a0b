# SPDX-License-Identifier: MIT
"""Linux's own TCP at the other end, over a wire that loses, doubles, reorders and corrupts by seed."""
import threading

import pytest

import capture
import doorbell
from conftest import GUEST_IP
from namespace import ADDRESS
from peer import Receiver, hash_file, send_file
from relay import Profile

ONE_PERCENT = 0.01
LOSSY = Profile(ONE_PERCENT, ONE_PERCENT, ONE_PERCENT, ONE_PERCENT)
SIZE = 16 << 20
GUEST = "10.0.2.15"
BOUND, STALL = 60, 5  # seconds for the whole, for the longest gap


def send_to_linux(boot, noise, wire, size):
    path = noise(size)
    receiver = wire.call(lambda: Receiver(host=ADDRESS))
    run = boot("send", f"tcp:{ADDRESS}:{receiver.port}", append=GUEST_IP, module=path, net=wire.net, timeout=BOUND + 15)
    stream = receiver.finish()
    run.expect(0)
    assert (stream.size, stream.sha256) == hash_file(path), stream
    return run


def receive_from_linux(boot, noise, wire, size):
    path = noise(size)
    guest = boot("recv", str(doorbell.RECV_PORT), append=GUEST_IP, net=wire.net, wait=False, timeout=BOUND + 15)
    assert guest.wait_for(doorbell.LISTENING, 30)
    sender = threading.Thread(target=send_file, args=(doorbell.RECV_PORT, path, BOUND), kwargs={"host": GUEST}, daemon=True)
    wire.call(sender.start)  # a thread is born into its parent's namespace
    run = boot.finish(guest)
    sender.join(5)
    run.expect(0)
    assert doorbell.received(run.serial) == hash_file(path)
    return run


MOVE = {"send": send_to_linux, "recv": receive_from_linux}


@pytest.mark.parametrize("direction", ["send", "recv"])
def test_clean_wire_to_linux(boot, noise, tap, direction):
    """No fault: nothing malformed, nothing sent twice by us; the peer repeats at most what it probes with."""
    run = MOVE[direction](boot, noise, tap(Profile()), 4 << 20)
    assert run.counters.repaired == 0
    assert capture.bad_frames(run.pcap, late_reader=True, offload=True, probing_peer=True, repeats=run.counters.repeats) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("direction", ["send", "recv"])
def test_lossy_wire_to_linux(boot, noise, tap, direction, seed):
    """1 % of the frames each dropped, doubled, reordered and corrupted, both ways: equal, in time, without a stall."""
    run = MOVE[direction](boot, noise, tap(LOSSY, seed), SIZE)
    gap = capture.longest_gap(capture.frames(run.pcap), from_guest=direction == "send")
    print(f"{direction} linux seed {seed}: {run.seconds:.1f} s, longest gap {gap:.2f} s, "
          f"retransmitted {run.counters.retransmitted}")
    assert run.seconds < BOUND
    assert gap < STALL
