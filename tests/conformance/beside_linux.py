#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random sequences of socket calls, here and on this machine's Linux: results, errno, poll(), queues and states must be the same.

    tests/conformance/beside_linux.py              1000 sequences of each kind, from seed 0
    tests/conformance/beside_linux.py 5000 20000   5000 of them, from seed 20000

Three kinds: the two ends of a TCP connection, two TCP sockets without one, two UDP sockets; all over loopback. The Linux half runs
in a network namespace of its own, and needs root. By hand: it takes the time that Linux's own clock takes, a minute for thousands, and
what one kernel version does is no law. One difference is known: shutdown(WR) before two sockets connect to each other ends them at once
on Linux since 6.9.
"""
import ctypes
import errno
import json
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent.parent / "build/host/libdoorbell.so"
STEPS, TOGETHER, SETTLE_US, TAKES_MS = 9, 100, 60000, 60
IN, PRI, OUT, RDHUP = 1, 2, 4, 0x2000
POLL_MASK = IN | PRI | OUT | RDHUP | 8 | 16
FIONREAD, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK = 0x541B, 0x5411, 0x894B, 0x8905
SOL_SOCKET, SOL_TCP, SO_ERROR, SO_REUSEADDR, SO_OOBINLINE, SO_LINGER, SO_RCVLOWAT, TCP_INFO = 1, 6, 4, 2, 10, 13, 18, 11
NOSIGNAL, OOB, PEEK, TRUNC, WAITALL_DONTWAIT, ERRQUEUE = 0x4000, 1, 2, 0x20, 0x140, 0x2000
RECEIVE = {"recv": 0, "peek": PEEK, "trunc": TRUNC, "waitall": WAITALL_DONTWAIT, "recvoob": OOB, "errq": ERRQUEUE}
OPTION = {"inline": (SOL_SOCKET, SO_OOBINLINE), "reuse": (SOL_SOCKET, SO_REUSEADDR), "rcvlow": (SOL_SOCKET, SO_RCVLOWAT), "recverr": (0, 11)}
PATTERN = bytes(range(256)) * 40
CLOSED_PORT = 9
KINDS = {
    "pair": "send send send oob recv recv recv peek trunc waitall recvoob shut shut close abort err inline connR acc listen rcvlow connnone",
    "tcp": "bind bind0 listen connL connR connS connnone acc shut shut err send recv recvoob oob reuse abortive sendto connself badfam short",
    "udp": "bind bind0 connL connR connnone shut err send send recv recv peek trunc recvoob sendto sendto sendtoR listen acc oob badfam short "
           "recverr errq rcvlow",
}


def address(port, host=b"\x7f\0\0\1", family=2):
    return struct.pack("=H", family) + struct.pack("!H", port) + host + bytes(8)


class Linux:
    """The calls of this machine; results as ks.h gives them."""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)

    def call(self, name, *args):
        r = getattr(self.libc, name)(*args)
        return -ctypes.get_errno() if r < 0 else r

    def socket(self, kind):
        return self.call("socket", 2, kind | 0o4000, 0)

    def accept(self, fd):
        return self.call("accept4", fd, None, None, 0o4000)

    def send(self, fd, data, flags, to=None):
        return self.call("sendto", fd, data, len(data), flags, to, len(to) if to else 0)

    def recv(self, fd, size, flags):
        return self.call("recv", fd, ctypes.create_string_buffer(max(size, 1)), size, flags)

    def ioctl(self, fd, request, buf):
        return self.call("ioctl", fd, ctypes.c_ulong(request), buf)

    def poll(self, fd):
        p = ctypes.create_string_buffer(struct.pack("=ihH", fd, POLL_MASK, 0), 8)
        self.libc.poll(p, 1, 0)
        return struct.unpack("=ihH", p.raw)[2]

    def settle(self):
        time.sleep(TAKES_MS / 1000)


class Ours:
    """The same of the library, in virtual time."""

    def __init__(self):
        sys.path.insert(0, str(HERE))
        import stack
        self.stack = stack.Stack(stack.Library(LIBRARY))
        assert self.stack.start("192.168.0.1", 16, "192.168.0.2", 1500) == 0

    def call(self, name, *args):
        return getattr(self.stack.lib, name)(*args)

    def socket(self, kind):
        return self.stack.lib.socket(2, kind, 0)

    def accept(self, fd):
        return self.stack.lib.accept(fd, None, None)

    def send(self, fd, data, flags, to=None):
        return self.stack.send(fd, data, flags, to)

    def recv(self, fd, size, flags):
        return self.stack.recv(fd, size, flags)[0]

    def ioctl(self, fd, request, buf):
        return self.stack.lib.ioctl(fd, request, buf)

    def poll(self, fd):
        return self.stack.lib.poll(fd)

    def settle(self):
        self.stack.advance(self.stack.now + SETTLE_US)


def text(r):
    return errno.errorcode.get(-r, str(r)) if r < 0 else str(r)


def connected(os_, port):
    server, client = os_.socket(1), os_.socket(1)
    assert os_.call("bind", server, address(port), 16) == 0 and os_.call("listen", server, 3) == 0
    os_.call("connect", client, address(port), 16)
    os_.settle()
    accepted = os_.accept(server)
    assert accepted > 0
    os_.call("connect", client, address(port), 16)
    os_.call("close", server)
    return [client, accepted]


def abort(os_, fd):
    os_.call("setsockopt", fd, SOL_SOCKET, SO_LINGER, struct.pack("=ii", 1, 0), 8)
    return os_.call("close", fd)


def accept(os_, fd):
    """Whatever descriptor it is; it goes at once."""
    r = os_.accept(fd)
    return os_.call("close", r) if r >= 0 else r


def do(os_, ends, port, step):
    """One step: who, what, how much, which."""
    who, what, n, which = step
    fd = ends[who]
    if fd is None:
        return "gone"
    to = {"connL": port + which, "connR": CLOSED_PORT, "connS": port + 1 - who, "connself": port + who, "sendto": port + which,
          "sendtoR": CLOSED_PORT}.get(what)
    if what in RECEIVE:
        return text(os_.recv(fd, n, RECEIVE[what]))
    if what in OPTION:
        return text(os_.call("setsockopt", fd, *OPTION[what], struct.pack("=i", n if what == "rcvlow" else n & 1), 4))
    if what.startswith("sendto"):
        return text(os_.send(fd, PATTERN[:n], NOSIGNAL, address(to)))
    if to is not None:
        return text(os_.call("connect", fd, address(to), 16))
    if what in ("close", "abort"):
        ends[who] = None
    return text({
        "send": lambda: os_.send(fd, PATTERN[:n], NOSIGNAL), "oob": lambda: os_.send(fd, PATTERN[:n], NOSIGNAL | OOB),
        "bind": lambda: os_.call("bind", fd, address(port + which), 16), "bind0": lambda: os_.call("bind", fd, address(0), 16),
        "listen": lambda: os_.call("listen", fd, 3), "acc": lambda: accept(os_, fd), "shut": lambda: os_.call("shutdown", fd, which),
        "connnone": lambda: os_.call("connect", fd, address(0, bytes(4), 0), 16),
        "badfam": lambda: os_.call("connect", fd, address(CLOSED_PORT, bytes(4), 10), 16),
        "short": lambda: os_.call("connect", fd, address(CLOSED_PORT), 7), "err": lambda: option(os_, fd, SOL_SOCKET, SO_ERROR),
        "close": lambda: os_.call("close", fd), "abort": lambda: abort(os_, fd),
        "abortive": lambda: os_.call("setsockopt", fd, SOL_SOCKET, SO_LINGER, struct.pack("=ii", 1, 0), 8),
    }[what]())


def option(os_, fd, level, name):
    buf, n = ctypes.create_string_buffer(300), ctypes.c_uint32(256)
    r = os_.call("getsockopt", fd, level, name, buf, ctypes.byref(n))
    return r if r < 0 else buf.raw[0]


def look(os_, fd, kind):
    if fd is None:
        return "closed"
    state = option(os_, fd, SOL_TCP, TCP_INFO) if kind != "udp" else 0
    seen = [f"poll {os_.poll(fd) & POLL_MASK:x}", f"state {state}"]
    for request in (FIONREAD, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK)[:1 if state == 7 else 4]:
        buf = ctypes.create_string_buffer(struct.pack("=i", -1), 4)
        r = os_.ioctl(fd, request, buf)
        seen.append(text(r if r else struct.unpack("=i", buf.raw)[0]))
    return " ".join(seen)


def plan(kind, seed):
    r = random.Random(seed)
    return [(r.randrange(2), r.choice(KINDS[kind].split()), r.choice([0, 1, 2, 10, 100, 3000]), r.randrange(3)) for _ in range(STEPS)]


def run(os_, kind, count, first):
    """[[step, result, one end, the other] of each step] of each sequence; a hundred side by side."""
    traces, port = [], 10000
    for seed in range(first, first + count, TOGETHER):
        plans, worlds = [plan(kind, seed + i) for i in range(TOGETHER)], []
        for _ in plans:
            port = 10000 + (port - 10000 + 5) % 20000
            worlds.append((connected(os_, port) if kind == "pair" else [os_.socket(2 if kind == "udp" else 1) for _ in range(2)], port))
        now = [[] for _ in plans]
        for step in range(STEPS):
            results = [do(os_, ends, port_, plans[i][step]) for i, (ends, port_) in enumerate(worlds)]
            os_.settle()
            for i, (ends, _) in enumerate(worlds):
                now[i].append([list(plans[i][step]), results[i]] + [look(os_, fd, kind) for fd in ends])
        for ends, _ in worlds:
            for fd in ends:
                if fd is not None:
                    abort(os_, fd)
        os_.settle()
        traces += now
    return traces


def main():
    count, first = [int(a) for a in sys.argv[1:3]] + [1000, 0][len(sys.argv[1:3]):]
    if len(sys.argv) == 5:  # the half that runs on Linux
        Path(sys.argv[4]).write_text(json.dumps(run(Linux(), sys.argv[3], count, first)))
        return 0
    failed = 0
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            said = Path(folder) / "said"
            subprocess.run(["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', sys.executable, __file__, str(count),
                            str(first), kind, str(said)], check=True)
            linux = json.loads(said.read_text())
        library = Ours()
        ours = run(library, kind, count, first)
        library.stack.stop()
        for i, (theirs, mine) in enumerate(zip(linux, ours)):
            at = next((n for n in range(STEPS) if theirs[n] != mine[n]), None)
            if at is None:
                continue
            failed += 1
            print(f"{kind} {first + i}, step {at}, after {[t[:2] for t in theirs[:at]]}\n  Linux     {theirs[at]}\n  Doorbell  {mine[at]}")
        print(f"{kind}: {count} sequences")
    print(f"{failed} differ")
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main())
