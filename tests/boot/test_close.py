# SPDX-License-Identifier: MIT
"""Every way a connection can end, with Linux's TCP at the other end; and streams both ways at once."""
import errno
import socket
import struct
import threading
import time

import pytest

import capture
from conftest import GUEST_IP, ROOT
from namespace import ADDRESS

GUEST = "10.0.2.15"
RESET_NOW = struct.pack("ii", 1, 0)
PERIOD = 251


@pytest.fixture
def wire(tap):
    return tap()


def dial(port, timeout=30):
    s = socket.socket()
    s.settimeout(timeout)
    s.connect((GUEST, port))
    return s


def to_end(s):
    data = bytearray()
    while part := s.recv(65536):
        data += part
    return bytes(data)


def guest_first():
    s = dial(13)
    assert to_end(s) == b""
    s.close()


def linux_first():
    s = dial(7)
    s.sendall(b"x" * 5000)
    got = b""
    while len(got) < 5000:
        got += s.recv(5000)
    s.close()


def simultaneous():
    dial(13).close()


def half_close_of_linux():
    s = dial(7)
    s.sendall(b"abc" * 3000)
    s.shutdown(socket.SHUT_WR)
    assert to_end(s) == b"abc" * 3000
    s.close()


def half_close_of_guest():
    s = dial(15)
    assert s.recv(1) == b""
    s.sendall(b"y" * 300000)
    s.close()


def reset_by_guest():
    with dial(14) as s:
        with pytest.raises(ConnectionResetError):
            s.recv(1)


def reset_by_linux():
    s = dial(9)
    s.sendall(b"z" * 400000)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_NOW)
    s.close()


def reset_by_linux_unread():
    s = dial(19)
    time.sleep(0.2)
    s.close()


def unread_by_guest():
    with dial(21) as s:
        with pytest.raises(ConnectionResetError):  # at the end, or while still sending
            s.sendall(b"u" * 10000)
            to_end(s)


def data_after_close():
    with dial(13) as s:
        assert s.recv(1) == b""
        s.sendall(b"late")
        time.sleep(0.1)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            s.sendall(b"later")


def refused_by_guest():
    with pytest.raises(ConnectionRefusedError):
        dial(99)


def order(text, timeout=20):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(timeout)
    s.sendto(text.encode(), (GUEST, 1))
    return s


def told(s):
    return s.recv(100).decode()


def refused_by_linux():
    with order(f"connect {ADDRESS} 9") as s:
        assert told(s) == f"connect {errno.ECONNREFUSED}"


def black_hole():
    start = time.monotonic()
    with order("connect 10.0.2.77 9") as s:
        assert told(s) == f"connect {errno.EHOSTUNREACH}"
    assert time.monotonic() - start > 2


def connected_by_guest():
    with socket.create_server((ADDRESS, 0)) as server:
        with order(f"connect {ADDRESS} {server.getsockname()[1]}") as s:
            c, _ = server.accept()
            assert told(s) == "connect 0"
        c.sendall(b"there")
        assert c.recv(10) == b"there"
        c.close()


def one_after_the_other(n=100):
    for i in range(n):
        with dial(7) as s:
            s.sendall(b"%d" % i)
            assert s.recv(10) == b"%d" % i


def at_once(n=50):
    all_of_them = [dial(7) for _ in range(n)]
    for s in all_of_them:
        s.sendall(b"w" * 1000)
    for s in all_of_them:
        s.shutdown(socket.SHUT_WR)
    for s in all_of_them:
        assert to_end(s) == b"w" * 1000
        s.close()


def backlog_overflow():
    """A backlog of 1 takes two; the third waits, and nothing breaks when all are given up."""
    held = [dial(23), dial(23)]
    with pytest.raises((TimeoutError, ConnectionError)):
        s = dial(23, 1.5)
        s.recv(1)
    for s in held:
        s.close()


WAYS = [guest_first, linux_first, simultaneous, half_close_of_linux, half_close_of_guest, reset_by_guest, reset_by_linux,
        reset_by_linux_unread, unread_by_guest, data_after_close, refused_by_guest, refused_by_linux, black_hole,
        connected_by_guest, one_after_the_other, at_once, backlog_overflow]


def run_in(wire, work, timeout=180):
    """@work on a thread born beside the TAP; what it raises is raised here."""
    box = []

    def body():
        try:
            work()
            box.append(None)
        except BaseException as e:  # noqa: BLE001 - carried to the caller
            box.append(e)

    thread = threading.Thread(target=body, daemon=True)
    wire.call(thread.start)
    thread.join(timeout)
    assert box, "the peer hangs"
    if box[0]:
        raise box[0]


OURS = f"tcp.port != 23 && !({capture.PEERS_PROBE})"  # 23 is deaf: its third SYN has to be repeated


def test_ends(boot, wire):
    """Each way in turn, then all is given back: the leak check of the guest's end sees to that."""
    guest = boot(ROOT / "tests/apps/endpoint.c", append=GUEST_IP, net=wire.net, wait=False, timeout=180)
    assert guest.wait_for("endpoint: ready", 30)

    def body():
        for way in WAYS:
            print(way.__name__)
            way()
        time.sleep(0.2)
        order("quit").close()

    run_in(wire, body)
    run = boot.finish(guest)
    run.expect(0)
    assert capture.bad_frames(run.pcap, lossy=True, offload=True) == []
    assert capture.more_than(run.pcap, run.counters.repeats, OURS) == []


def peer(server, total, result, pause):
    """The pattern both ways; @pause seconds without reading after a quarter."""
    c, _ = server.accept()
    pattern = bytes(i % PERIOD for i in range(65536 + PERIOD))
    c.settimeout(60)

    def sender():
        for sent in range(0, total, 65536):
            c.sendall(pattern[sent % PERIOD:sent % PERIOD + min(65536, total - sent)])
        c.shutdown(socket.SHUT_WR)

    t = threading.Thread(target=sender, daemon=True)
    t.start()
    got, good = 0, True
    while part := c.recv(65536):
        good &= part == pattern[got % PERIOD:got % PERIOD + len(part)]
        got += len(part)
        if pause and got > total // 4:
            time.sleep(pause)
            pause = 0
    t.join()
    c.close()
    result.append((got, good))


@pytest.mark.parametrize("size,words,pause", [
    (8 << 20, "", 0),
    (2 << 20, "pause=3", 0),
    (4 << 20, "", 3),
    (100000, "chunk=100", 0),
    (20000, "chunk=100 nodelay", 0),
    pytest.param(64 << 20, "", 0, marks=pytest.mark.full),
    pytest.param(4 << 20, "pause=20", 0, marks=pytest.mark.full),
    pytest.param(4 << 20, "", 20, marks=pytest.mark.full),
])
def test_both_ways(boot, wire, size, words, pause):
    """Sent and received at once on one connection; a receiver that rests shuts the window and nothing is sent twice."""
    result = []
    server = wire.call(lambda: socket.create_server((ADDRESS, 0)))
    t = threading.Thread(target=peer, args=(server, size, result, pause), daemon=True)
    wire.call(t.start)
    run = boot(ROOT / "tests/apps/duplex.c", f"{ADDRESS} {server.getsockname()[1]} {size} {words}",
               append=GUEST_IP, net=wire.net, timeout=180)
    t.join(5)
    server.close()
    run.expect(0)
    assert result == [(size, True)]
    assert run.counters.repaired == 0
    assert capture.bad_frames(run.pcap, lossy=True, offload=True) == []
    if "nodelay" in words:
        # A small write is a small segment as long as the congestion window allows one: ten at least, before the first ACK. What waits behind
        # them is joined, and how much of it there is depends on who is faster.
        assert len(capture.shown(run.pcap, "ip.src == 10.0.2.15 && tcp.len > 0 && tcp.len <= 100")) >= 10
    assert capture.more_than(run.pcap, run.counters.repeats, OURS) == []
    assert capture.shown(run.pcap, "tcp.flags.reset == 1") == []
