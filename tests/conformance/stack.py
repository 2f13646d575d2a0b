# SPDX-License-Identifier: MIT
"""libdoorbell.so in virtual time: the library loaded by ctypes, its clock a number, its wire two lists."""
import ctypes
import errno
import os
import random
import socket
import struct
import threading
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_ssize_t, c_uint, c_uint32, c_uint64, c_ulong, c_void_p

from packets import Packet, address

NEVER = (1 << 64) - 1
# With WRAPS=1 the kernel's milliseconds, and its microseconds of 32 bits, wrap 149 ms after a script begins, and the peer's numbers
# after its first bytes.
WRAPS = os.environ.get("WRAPS") == "1"
START_US = (1 << 32) * 1000 - 149000 if WRAPS else 1000000
PEER_ISN = (1 << 32) - 100 if WRAPS else 1000
TX, NOW, WAIT = CFUNCTYPE(None, c_void_p, c_size_t), CFUNCTYPE(c_uint64), CFUNCTYPE(c_int, c_void_p, c_uint64)
WAKE, RND = CFUNCTYPE(None, c_void_p), CFUNCTYPE(None, c_void_p, c_size_t)
CMSG = struct.Struct("=Qii")
INFO = struct.Struct("<8B24I4Q6I4Q2I2Q4I")
INFO_FIELDS = """state ca_state retransmits probes backoff options wscale bits
 rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent last_ack_sent last_data_recv last_ack_recv pmtu
 rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans
 pacing_rate max_pacing_rate bytes_acked bytes_received segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out
 delivery_rate busy_time rwnd_limited sndbuf_limited delivered delivered_ce bytes_sent bytes_retrans
 dsack_dups reord_seen rcv_ooopack snd_wnd""".split()


class Host(Structure):
    _fields_ = [("tx", TX), ("now_us", NOW), ("wait", WAIT), ("wake", WAKE), ("rnd", RND)]


class Config(Structure):
    _fields_ = [("ip", c_uint32), ("mask", c_uint32), ("gw", c_uint32), ("mtu", c_uint), ("flags", c_char_p)]


class Iovec(Structure):
    _fields_ = [("base", c_void_p), ("len", c_size_t)]


class Msghdr(Structure):
    _fields_ = [("name", c_void_p), ("namelen", c_uint32), ("iov", POINTER(Iovec)), ("iovlen", c_size_t), ("control", c_void_p),
                ("controllen", c_size_t), ("flags", c_int)]


def sockaddr(host, port, family=socket.AF_INET):
    return struct.pack("=H", family) + struct.pack("!H", port) + host + bytes(8)


def number(packed):
    return int.from_bytes(packed, "little")


class Library:
    """The functions of ks.h, typed."""

    def __init__(self, path):
        self.dll = ctypes.CDLL(str(path))
        signatures = {
            "start": (c_int, [POINTER(Host), POINTER(Config)]), "stop": (None, []), "rx": (None, [c_char_p, c_size_t]),
            "next_us": (c_uint64, []), "run": (None, []), "tune": (c_int, [c_char_p, c_char_p]),
            "socket": (c_int, [c_int] * 3), "bind": (c_int, [c_int, c_char_p, c_uint]), "listen": (c_int, [c_int] * 2),
            "accept": (c_int, [c_int, c_void_p, c_void_p]), "connect": (c_int, [c_int, c_char_p, c_uint]),
            "recvmsg": (c_ssize_t, [c_int, POINTER(Msghdr), c_int]), "sendmsg": (c_ssize_t, [c_int, POINTER(Msghdr), c_int]),
            "shutdown": (c_int, [c_int] * 2), "close": (c_int, [c_int]),
            "getsockopt": (c_int, [c_int, c_int, c_int, c_void_p, c_void_p]),
            "setsockopt": (c_int, [c_int, c_int, c_int, c_char_p, c_uint]), "ioctl": (c_int, [c_int, c_ulong, c_void_p]),
            "poll": (c_uint, [c_int]), "poll_gen": (c_uint64, [c_int]),
        }
        for name, (result, arguments) in signatures.items():
            f = getattr(self.dll, "ks_" + name)
            f.restype, f.argtypes = result, arguments
            setattr(self, name, f)


class Sleeper:
    """A close() that lingers, in a thread of its own. Only one of the two threads runs at a time."""

    def __init__(self, stack, fd):
        self.stack, self.fd = stack, fd
        self.result = None
        self.chan = self.deadline = None
        self.timed_out = self.woken = False
        self.go, self.stopped = threading.Semaphore(0), threading.Semaphore(0)

    def start(self):
        threading.Thread(target=self._main, daemon=True).start()
        self.stopped.acquire()

    def _main(self):
        self.result = self.stack.lib.close(self.fd)
        self.stopped.release()

    def wait(self, chan, deadline):
        """In its thread: everything else may run now."""
        self.chan, self.deadline, self.woken = chan, deadline, False
        self.stopped.release()
        self.go.acquire()
        return -errno.ETIMEDOUT if self.timed_out else 0

    def look(self, now):
        """In the script's thread: lets it run when it was woken or its time is over."""
        while self.result is None and (self.woken or now >= self.deadline):
            self.timed_out = not self.woken
            self.go.release()
            self.stopped.acquire()


class Stack:
    """One run of the stack from ks_start() to ks_stop()."""

    def __init__(self, lib, seed=1, begin=START_US):
        self.lib, self.begin, self.now = lib, begin, begin
        self.sent, self.all = [], []  # not looked at yet; everything in both directions
        self.sleeper = self.ignore = None
        self.random = random.Random(seed)
        self.host = Host(TX(self._tx), NOW(lambda: self.now), WAIT(self._wait), WAKE(self._wake), RND(self._rnd))
        self.iov, self.msg = Iovec(), Msghdr()
        self.msg.iov, self.msg.iovlen = ctypes.pointer(self.iov), 1
        self.name, self.control = ctypes.create_string_buffer(16), ctypes.create_string_buffer(512)

    def start(self, ip, prefixlen, gw, mtu):
        mask = (0xffffffff << (32 - prefixlen)) & 0xffffffff
        config = Config(number(address(ip)), number(mask.to_bytes(4, "big")), number(address(gw)), mtu, None)
        return self.lib.start(byref(self.host), byref(config))

    def stop(self):
        self.lib.stop()
        if self.sleeper and self.sleeper.result is None:
            self.sleeper.woken = True
            self.sleeper.look(self.now)
        self.sleeper = None

    # --- what the stack asks for ---
    def _tx(self, data, size):
        p = Packet(ctypes.string_at(data, size), self.now)
        self.all.append(p)
        if not self.ignore or not self.ignore(p):
            self.sent.append(p)

    def _wait(self, chan, deadline):
        return self.sleeper.wait(chan, deadline)

    def _wake(self, chan):
        if self.sleeper and (chan is None or chan == self.sleeper.chan):
            self.sleeper.woken = True

    def _rnd(self, data, size):
        ctypes.memmove(data, self.random.randbytes(size), size)

    # --- time and packets ---
    def _look(self):
        if self.sleeper:
            self.sleeper.look(self.now)

    def rx(self, raw):
        self.all.append(Packet(raw, self.now, False))
        self.lib.rx(raw, len(raw))
        self._look()

    def run(self):
        """Whoever can go on does so."""
        self.lib.run()
        self._look()

    def advance(self, until, stop_at_packet=False):
        """Lets time pass till @until, each timer at its own time; or only till something is sent."""
        for _ in range(1000000):
            if stop_at_packet and self.sent:
                return
            due = self.lib.next_us()
            if stop_at_packet and self.sent:  # of owners who have let go only now
                return
            if self.sleeper and self.sleeper.result is None:
                due = min(due, self.sleeper.deadline)
            if due > until:
                self.now = max(self.now, until)
                return
            self.now = max(self.now, due)
            self.run()
        raise RuntimeError("a million timers without getting there: the stack runs in circles")

    # --- calls ---
    def send(self, s, data, flags=0, to=None, control=b""):
        self.iov.base = ctypes.cast(ctypes.c_char_p(data), c_void_p).value
        self.iov.len = len(data)
        if to:
            self.name.raw = to
        self.msg.name, self.msg.namelen = (ctypes.addressof(self.name), 16) if to else (None, 0)
        self.msg.flags = 0
        self.msg.control, self.msg.controllen = ctypes.cast(ctypes.c_char_p(control), c_void_p).value if control else None, len(control)
        return self.lib.sendmsg(s, byref(self.msg), flags)

    def recv(self, s, size, flags=0):
        """(result, bytes, flags out, address or None)"""
        buf = ctypes.create_string_buffer(max(size, 1))
        self.iov.base, self.iov.len = ctypes.addressof(buf), size
        self.msg.name, self.msg.namelen, self.msg.flags = ctypes.addressof(self.name), 16, 0
        self.msg.control, self.msg.controllen = ctypes.addressof(self.control), len(self.control)
        n = self.lib.recvmsg(s, byref(self.msg), flags)
        return n, buf.raw[:max(min(n, size), 0)], self.msg.flags, self.name.raw if self.msg.namelen else None

    def control_messages(self):
        """[(level, type, bytes)] of the last recv()."""
        out, raw = [], self.control.raw[:self.msg.controllen]
        while len(raw) >= CMSG.size:
            size, level, kind = CMSG.unpack_from(raw)
            out.append((level, kind, raw[CMSG.size:size]))
            raw = raw[(size + 7) & ~7:]
        return out

    def close_blocking(self, s):
        """Starts a close(); True when it is through already."""
        self.sleeper = Sleeper(self, s)
        self.sleeper.start()
        return self.sleeper.result is not None

    def getsockopt(self, s, level, option, size=256):
        """(result, bytes)"""
        buf, n = ctypes.create_string_buffer(size), c_uint(size)
        r = self.lib.getsockopt(s, level, option, buf, byref(n))
        return r, buf.raw[:n.value]

    def info(self, s):
        """struct tcp_info as a dict; an errno when it cannot be had."""
        r, raw = self.getsockopt(s, socket.IPPROTO_TCP, socket.TCP_INFO)
        if r:
            return -r
        info = dict(zip(INFO_FIELDS, INFO.unpack(raw)))
        bits = info.pop("bits")
        return info | {"delivery_rate_app_limited": bits & 1, "fastopen_client_fail": bits >> 1 & 3}
