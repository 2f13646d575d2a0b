# SPDX-License-Identifier: MIT
"""The rigs themselves: what they promise holds, so that a failure in one of them is the guest's."""
import subprocess
import threading

import pytest

import capture
import doorbell
from conftest import GUEST_IP, ROOT
from namespace import ADDRESS
from peer import Receiver, hash_file, send_file
from relay import Profile
from settings import Failure
from wire import Wire

SECOND_IP = "ip=10.0.2.16/24,gw=10.0.2.2"
SECOND_NIC = "e1000,mac=52:54:00:12:34:57"
BAD = Profile(drop=0.01, dup=0.01, reorder=0.01, corrupt=0.01)


def between_guests(boot, noise, wire, size, limit=60):
    """One guest receives what the other sends; both runs."""
    path = noise(size)
    receiver = boot("recv", str(doorbell.RECV_PORT), append=SECOND_IP, nic=SECOND_NIC, net=wire.net[1], wait=False, timeout=limit)
    assert receiver.wait_for(doorbell.LISTENING, 30)
    sent = boot("send", f"tcp:10.0.2.16:{doorbell.RECV_PORT}", append=GUEST_IP, net=wire.net[0], module=path, timeout=limit)
    got = boot.finish(receiver)
    sent.expect(0)
    got.expect(0)
    assert doorbell.received(got.serial) == hash_file(path)
    return sent, got


@pytest.mark.parametrize("kind", ["stream", "dgram"])
def test_wire_loses_nothing_by_itself(boot, noise, two_guests, kind):
    """Two guests, no faults asked for: no segment is sent twice and tshark finds nothing."""
    wire = two_guests(kind=kind)
    sent, got = between_guests(boot, noise, wire, 4 << 20)
    assert sent.counters.repaired == 0
    assert capture.bad_frames(sent.pcap, late_reader=True, repeats=sent.counters.repeats + got.counters.repeats) == []
    assert all(way["frames"] > 1000 and way["drop"] == 0 for way in wire.stats.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_bad_wire_between_guests(boot, noise, two_guests, seed):
    """Both ends are ours, the wire is bad, the file arrives; faults of every kind befell it."""
    wire = two_guests(BAD, seed)
    sent, _ = between_guests(boot, noise, wire, 4 << 20)
    assert sent.counters.retransmitted > 0
    assert all(way[fault] > 0 for way in wire.stats.values() for fault in ("drop", "dup", "reorder", "corrupt"))


def test_user_wire(boot, noise, user_wire):
    """Faults without root: half of the guest's frames twice, and still every byte once."""
    path, receiver = noise(1 << 20), Receiver()
    wire = user_wire(Profile(dup=0.5), 3)
    run = boot("send", f"tcp:10.0.2.2:{receiver.port}", append=GUEST_IP, module=path, extra=wire.arguments)
    stream = receiver.finish()
    run.expect(0)
    assert (stream.size, stream.sha256) == hash_file(path)
    assert wire.stats["guest"]["dup"] > 100


def test_linux_on_a_tap(boot, noise, linux):
    """NET=tap: QEMU opens the interface itself; Linux sends and receives."""
    path = noise(1 << 20)
    receiver = linux.call(lambda: Receiver(host=ADDRESS))
    run = boot.finish(linux.boot("send", f"tcp:{ADDRESS}:{receiver.port}", append=GUEST_IP, module=path))
    stream = receiver.finish()
    run.expect(0)
    assert (stream.size, stream.sha256) == hash_file(path)
    assert capture.bad_frames(run.pcap, late_reader=True, offload=True, repeats=run.counters.repeats) == []

    guest = linux.boot("recv", str(doorbell.RECV_PORT), append=GUEST_IP)
    assert guest.wait_for(doorbell.LISTENING, 30)
    sender = threading.Thread(target=send_file, args=(doorbell.RECV_PORT, path, 30), kwargs={"host": "10.0.2.15"}, daemon=True)
    linux.call(sender.start)
    run = boot.finish(guest)
    sender.join(5)
    run.expect(0)
    assert doorbell.received(run.serial) == hash_file(path)


def test_replay_repeats_the_run(boot, noise, record, replay, user_wire):
    """A run on a bad wire, recorded: the replay prints the same lines at the same times and sends the same frames."""
    path, receiver = noise(1 << 18), Receiver()
    wire = user_wire(BAD, 5)
    first = record("send", f"tcp:10.0.2.2:{receiver.port}", module=path, extra=wire.arguments)
    stream = receiver.finish()
    first.expect(0)
    assert (stream.size, stream.sha256) == hash_file(path)
    again = replay(first, extra=[])
    again.expect(0)
    assert again.serial == first.serial
    assert [f.data for f in capture.frames(again.pcap)] == [f.data for f in capture.frames(first.pcap)]


def test_replay_under_gdb(boot, noise, record, replay):
    """gdb stops the recorded run inside the stack and finds the names there."""
    receiver = Receiver()
    first = record("send", f"tcp:10.0.2.2:{receiver.port}", append=GUEST_IP, module=noise(4096))
    receiver.finish()
    first.expect(0)
    port = doorbell.free_port()
    guest = replay(first, gdb=port)
    done = subprocess.run(
        ["gdb", "-batch", "-nx", str(guest.machine.kernel), "-ex", f"target remote 127.0.0.1:{port}", "-ex", "hbreak tcp_v4_connect",
         "-ex", "continue", "-ex", "bt", "-ex", "delete", "-ex", "continue"],
        cwd=ROOT, text=True, capture_output=True, timeout=60, check=False)
    assert "tcp_v4_connect" in done.stdout and "inet_stream_connect" in done.stdout, done.stdout + done.stderr
    again = boot.finish(guest)
    again.expect(0)
    assert again.serial == first.serial


def test_replay_wants_the_same_files(boot, noise, record, replay, tmp_path):
    module = tmp_path / "file"
    module.write_bytes(b"one")
    receiver = Receiver()
    first = record("send", f"tcp:10.0.2.2:{receiver.port}", append=GUEST_IP, module=module)
    receiver.finish()
    first.expect(0)
    module.write_bytes(b"two")
    with pytest.raises(Failure, match="recorded with another"):
        replay(first)
    (ROOT / f"{first.recording}.json").unlink()
    with pytest.raises(Failure, match="no recording"):
        replay(first)


def test_a_receiver_ends(noise):
    """Nothing of it stays behind in accept(), where it would take what is meant for the next one."""
    receiver = Receiver()
    send_file(receiver.port, noise(4096))
    assert receiver.finish().size == 4096
    assert not receiver.is_alive()


SYN_TIMES = [0, 1, 3, 7, 15, 31, 63, 127]  # RFC 6298 (5.5): the timeout doubles; RFC 9293 (3.8.3): three minutes at least


def test_virtual_time(virtual_time, noise, two_guests):
    """Nobody answers: the guest waits four minutes for its eight SYNs, we do not."""
    wire = two_guests()
    run = virtual_time("send", "tcp:10.0.2.2:80", append=f"{GUEST_IP} neigh=10.0.2.2=52:55:0a:00:02:02", module=noise(4096),
                       net=wire.net[0])
    run.expect(5)
    assert run.seconds < 30, "the guest's waiting took our time"
    syns = [f.time for f in capture.frames(run.pcap) if f.is_tcp]
    assert [round(t - syns[0], 1) for t in syns] == SYN_TIMES


def test_wire_without_guests():
    """A wire to which nobody comes closes at once."""
    for kind in ("stream", "dgram"):
        Wire(BAD, 1, kind).close()
