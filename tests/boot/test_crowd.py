# SPDX-License-Identifier: MIT
"""Very many connections: ten thousand at once in 64 MiB, a hundred thousand one after the other; Linux's TCP at the other end."""
import contextlib
import re
import resource
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from conftest import GUEST_IP, ROOT
from namespace import ADDRESS
from pages import name_values

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
    guest = linux.boot(CROWD, f"{way} {PORT} {count}", append=GUEST_IP, pcap=False, timeout=120 + count // 10, **how)
    assert guest.wait_for("crowd: listening", 30)
    thread, box = beside(linux, work, count)
    run = boot.finish(guest)
    thread.join(30)
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


def living(serial, when):
    """{page: its lines} that the guest printed; of what counts what ever was, only what lives."""
    found = {}
    for path, text in re.findall(rf"^crowd: {when} (/proc/\S+)\n(.*?)(?=^crowd: {when} )", serial, re.M | re.S):
        lines = text.splitlines()
        if path == "/proc/allocinfo":
            lines = [f"{m[2]} {m[1]}" for m in map(re.compile(r" *(\d+) +\d+ +\d+ (\S+:\d+)").fullmatch, lines) if m]
        elif path == "/proc/net/flow":
            lines = [f"{words[0]} {words[-1]}" for words in map(str.split, lines)]
        elif path == "/proc/net/arp":
            lines = [(words[0], words[3]) for words in map(str.split, lines)]  # whether it was confirmed just now is the clock's
        elif path == "/proc/net/stat/arp_cache":
            lines = [words.split()[0] for words in lines]
        found[path] = lines
    return found


@pytest.fixture
def dialer(tmp_path):
    """The same program, for this machine."""
    out = tmp_path / "crowd"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(out), str(CROWD)], check=True)
    return out


@pytest.mark.parametrize("count, ours", [(4000, 1000), pytest.param(100000, 10000, marks=pytest.mark.full)])
def test_one_after_the_other(boot, linux, dialer, count, ours):
    """Opened, used and closed, by the peer and then by the guest: nothing of them is left, no count is another than before."""
    guest = linux.boot(CROWD, f"churn {PORT} {count} {ours}", append=GUEST_IP, pcap=False, mem=16, timeout=180 + count // 10)
    assert guest.wait_for("crowd: listening", 30)

    def start():
        with contextlib.suppress(OSError):  # the peer's own TIME-WAIT is not what is tested: a port may be used again after a second
            Path("/proc/sys/net/ipv4/tcp_tw_reuse").write_text("1")
        return subprocess.Popen([dialer, "dial", GUEST, str(PORT), str(count), str(ours)], text=True, stdout=subprocess.PIPE)

    with linux.call(start) as process:
        said = process.communicate(timeout=guest.limit)[0]
    run = boot.finish(guest)
    print(said, *re.findall(r"^crowd: \d.* second$", run.serial, re.M))
    assert process.returncode == 0
    run.expect(0).says("leak check passed")
    before, after = living(run.serial, "before"), living(run.serial, "after")
    free = [name_values("\n".join(counts.pop("/proc/meminfo")).replace(" kB", ""))["MemFree"] for counts in (before, after)]
    assert len(before) == 7 and before == after
    assert free[1] > free[0] - 512, "KiB, slabs that TIME-WAIT took and keeps"
    assert run.counters.snmp["Tcp.PassiveOpens"] == count + ours + 64
    assert run.counters.snmp["TcpExt.TW"] == ours
