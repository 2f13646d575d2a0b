# SPDX-License-Identifier: MIT
"""Very many connections: ten thousand at once in 64 MiB, a hundred thousand one after the other; Linux's TCP at the other end."""
import contextlib
import re
import resource
import socket
import threading
from pathlib import Path

import pytest

from conftest import GUEST_IP, ROOT
from namespace import ADDRESS

GUEST, PORT = "10.0.2.15", 5000
CROWD = ROOT / "tests" / "apps" / "crowd.c"
SAYS = 64


def speak(s, n):
    """64 bytes, and back; they are this connection's own."""
    text = b"%063d\n" % n
    s.sendall(text)
    got = b""
    while len(got) < SAYS:
        part = s.recv(SAYS - len(got))
        assert part, f"connection {n} ended"
        got += part
    assert got == text, f"connection {n} heard {got}"


def dial(n):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(30)
    s.bind((ADDRESS, 10000 + n % 50000))
    s.connect((GUEST, PORT))
    return s


def open_all(count):
    crowd = []
    for n in range(count):
        s = dial(n)
        speak(s, n)
        crowd.append(s)
    for n, s in enumerate(crowd):
        speak(s, n)
    # One after the other: the guest waits for each end, and no orphans are more than Linux keeps (it gives those up with a RST, which a full
    # queue of the TAP may lose).
    for n, s in enumerate(crowd):
        s.shutdown(socket.SHUT_WR)
        assert s.recv(1) == b"", f"connection {n} goes on"
        s.close()


def churn(count):
    with contextlib.suppress(OSError):  # the peer's own TIME-WAIT is not what is tested: a port may be used again after a second
        Path("/proc/sys/net/ipv4/tcp_tw_reuse").write_text("1")
    for n in range(count):
        s = dial(n)
        speak(s, n)
        s.close()


def beside(linux, work, *args):
    """@work on a thread of the namespace; its exception, or None, is put into the list that comes back."""
    box = []

    def body():
        try:
            work(*args)
            box.append(None)
        except Exception as e:  # pylint: disable=broad-except
            box.append(e)

    thread = threading.Thread(target=body, daemon=True)
    linux.call(thread.start)
    return thread, box


def crowd(linux, boot, way, count, work, **how):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if way == "open" and (hard != resource.RLIM_INFINITY and hard < count + 200):
        pytest.skip(f"needs {count} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 200) if way == "open" else soft, hard))
    guest = linux.boot(CROWD, f"{way} {PORT} {count}", append=GUEST_IP, pcap=False, timeout=120 + count // 50, **how)
    assert guest.wait_for("crowd: listening", 30)
    thread, box = beside(linux, work, count)
    run = boot.finish(guest)
    thread.join(10)
    assert box == [None]
    run.expect(0).says("leak check passed")
    print(re.search(r"^crowd: .*(open|opened),.*$", run.serial, re.M)[0])
    return run


@pytest.mark.slow
def test_ten_thousand_at_once_in_64_mib(boot, linux):
    """Each carries something both ways, twice, and the second time all are open."""
    run = crowd(linux, boot, "open", 10000, open_all, mem=64)
    told = re.search(r"10000 open, (\d+) bytes each", run.serial)
    assert int(told[1]) < 4096


@pytest.mark.parametrize("count", [3000, pytest.param(100000, marks=pytest.mark.full)])
def test_one_after_the_other(boot, linux, count):
    """Opened, used and closed: nothing of them is left."""
    run = crowd(linux, boot, "churn", count, churn, mem=16)
    told = re.search(r"closed; (-?\d+) bytes more", run.serial)
    assert int(told[1]) < 65536
