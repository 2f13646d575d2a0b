#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random segments from the wire, here and at this machine's Linux: what leaves, what calls return and what sockets say must be the same.

    tests/conformance/beside_linux_segments.py              1000 sequences, from seed 0
    tests/conformance/beside_linux_segments.py 5000 20000   5000 of them, from seed 20000
    tests/conformance/beside_linux_segments.py 1 4711       this one, told step by step

A sequence brings a connection into a state (STARTS), then come one to six random steps: segments at and around every edge, with every
option, ICMP errors, calls. The Linux half reads and writes raw IP at a TUN device in a network namespace of its own, and needs root.
Everything happens at once, before any timer. By hand, not part of make test: what one kernel version does is no law. What Linux says three
times in the same way counts; differences are sorted by what differs and after what, with the shortest example of each. SETTINGS makes both
sides equal where they differ by intention, known() names what stays.
"""
import collections
import ctypes
import fcntl
import gc
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import beside_linux
from beside_linux import FIONREAD, NOSIGNAL, OOB, PEEK, SIOCATMARK, SIOCOUTQ, SIOCOUTQNSD, SOL_SOCKET, SOL_TCP, TCP_INFO, address, option, text
from packets import FLAGS, ICMP, TCP, Packet, checksum, flag_names, ip, options_items, options_text, pattern, transport
from stack import INFO, INFO_FIELDS

HOST, US, M32 = b"\xc0\xa8\0\1", "192.168.0.1", 0xffffffff
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
SETTINGS = {
    "tcp_congestion_control": "reno", "tcp_rfc1337": "1", "tcp_syn_retries": "7", "tcp_invalid_ratelimit": "0",
    "tcp_challenge_ack_limit": "2147483647", "tcp_comp_sack_nr": "0", "tcp_rmem": "4096 131072 6291456", "tcp_wmem": "4096 16384 4194304",
    "tcp_no_metrics_save": "1", "tcp_fastopen": "0", "tcp_limit_output_bytes": "1048576", "icmp_ratelimit": "0",
    "tcp_early_retrans": "0", "tcp_tso_win_divisor": "100",
}
ESTABLISHED, SYN_SENT, SYN_RECV, TCP_CLOSE, CLOSE_WAIT, LAST_ACK, CLOSING = 1, 2, 3, 7, 8, 9, 11
IGNORED = """rto ato last_data_sent last_ack_sent last_data_recv last_ack_recv rtt rttvar rcv_rtt pacing_rate max_pacing_rate min_rtt
 delivery_rate busy_time rwnd_limited sndbuf_limited fackets bits rcv_ssthresh rcv_space segs_out""".split()
PEER_TS, DSACK, ECHO, LENGTH = 5000, re.compile(r"(, )?nop, nop, sack [^>]*"), re.compile(r"timestamp now [-0-9]+"), re.compile(r"len \d+")


SENDS = {"send": 0, "oob": OOB, "more": 0x8000, "eor": 0x80}
RECEIVES = {"recv": 0, "peek": PEEK, "recvoob": OOB, "trunc": 0x20, "waitall": 0x140, "peekall": 0x142, "errqueue": 0x2000}
GETS = [(SOL_TCP, 2), (SOL_SOCKET, 4), (SOL_TCP, 1), (SOL_TCP, 3), (SOL_SOCKET, 18), (SOL_SOCKET, 30), (0, 14), (0, 1), (0, 2),
        (SOL_TCP, 10), (SOL_TCP, 25), (SOL_SOCKET, 13), (SOL_SOCKET, 9), (SOL_TCP, 18)]


def s32(n):
    n &= M32
    return n - (1 << 32) if n >> 31 else n


# --- The two halves ---------------------------------------------------------------------------------------------------------
class Linux(beside_linux.Linux):
    """Calls of this machine, packets through a TUN device."""

    def __init__(self):
        super().__init__()
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", b"t0", IFF_TUN | IFF_NO_PI))
        for command in (f"addr add {US}/16 dev t0", "link set t0 txqueuelen 10000 up", "route add default dev t0"):
            subprocess.run(["ip", *command.split()], check=True)
        for name, value in SETTINGS.items():
            Path("/proc/sys/net/ipv4", name).write_text(value)
        self.came = collections.defaultdict(list)

    def begin(self):
        self.came.clear()

    def rx(self, raw):
        os.write(self.tun, raw)

    def sent(self, peer):
        """What it has sent to @peer since the last time."""
        while True:
            try:
                raw = os.read(self.tun, 70000)
            except BlockingIOError:
                return self.came.pop(peer, [])
            self.came[raw[16:20]].append(raw)

    def receive(self, fd, size, flags):
        buf = ctypes.create_string_buffer(max(size, 1))
        n = self.call("recv", fd, buf, size, flags)
        return n, buf.raw[:max(min(n, size), 0)]

    def settle(self):
        pass


class Ours(beside_linux.Ours):
    """The library: each sequence has a stack of its own."""

    def begin(self):
        self.stack.stop()
        self.stack = type(self.stack)(self.stack.lib)
        assert self.stack.start(US, 16, "192.168.0.2", 1500) == 0
        for name, value in SETTINGS.items():
            self.stack.lib.tune(name.encode(), value.encode())

    def rx(self, raw):
        self.stack.rx(raw)

    def sent(self, peer):
        out, self.stack.sent = self.stack.sent, []
        return [p.raw for p in out if p.dst == peer]

    def receive(self, fd, size, flags):
        return self.stack.recv(fd, size, flags)[:2]

    def settle(self):
        self.stack.advance(self.stack.now + 50)


# --- One conversation -------------------------------------------------------------------------------------------------------
class Conversation:
    """The peer of one sequence: keeps the numbers that steps are relative to, and tells what comes in relative ones."""

    def __init__(self, os_, n, profile):
        self.os, self.profile = os_, profile
        self.peer, self.port, self.peer_port = struct.pack("!I", 0x0a000001 + n), 10000 + n % 50000, 5000
        self.isn = profile["isn"]
        self.irs = self.una = self.nxt = 0x20000000  # the host's, till it says one
        self.mine = self.acked = self.isn
        self.right = None
        self.scale = self.host_scale = 0
        self.ts, self.ts_first, self.ts_last = PEER_TS, None, 0
        self.listener = self.fd = None
        self.written = 0
        self.edges = []  # right ones that a step spoke of
        self.last = b""  # the last that the host sent

    def number(self, spec):
        anchor, off = spec
        right = self.mine + 65535 if self.right is None else self.right
        if anchor == "right":
            self.edges.append(right)
        return ({"mine": self.mine, "acked": self.acked, "right": right, "isn": self.isn, "una": self.una, "nxt": self.nxt,
                 "irs": self.irs, "zero": 0}[anchor] + off) & M32

    # what the peer sends
    def options(self, k):
        out = b""
        if "mss" in k:
            out += struct.pack("!BBH", 2, 4, k["mss"])
        if "wscale" in k:
            out += struct.pack("!BBBB", 1, 3, 3, k["wscale"])
        if k.get("sackok"):
            out += b"\4\2\1\1"
        if "ts" in k:
            value, echo = k["ts"]
            out += struct.pack("!BBBBII", 1, 1, 8, 10, (self.ts + value) & M32,
                               0 if echo is None else (self.ts_last + echo) & M32)
        if "sack" in k:
            out += struct.pack("!BBBB", 1, 1, 5, 2 + 8 * len(k["sack"]))
            out += b"".join(struct.pack("!II", self.number(a), self.number(b)) for a, b in k["sack"])
        out += bytes.fromhex(k.get("opt", ""))
        out += b"\0" * (-len(out) % 4)
        assert len(out) <= 40
        return out

    def segment(self, k):
        bits = sum(FLAGS[f] for f in k["flags"].split(",") if f)
        seq, ack = self.number(k["seq"]), self.number(k["ack"]) if "ack" in k else 0
        payload = pattern(s32(seq - self.isn) + 49999, k.get("len", 0))
        options = self.options(k)
        head = struct.pack("!HHIIBBHHH", self.peer_port, self.port, seq, ack, k.get("doff", 5 + len(options) // 4) << 4, bits & 255,
                           k.get("win", 65535), 0, k.get("urg", 0)) + options
        end = seq + len(payload) + bool(bits & 3) * ((bits & 1) + (bits >> 1 & 1))
        if bits & 2 and self.mine == self.isn and seq == self.isn:
            self.mine = (self.isn + 1) & M32
        elif not bits & 4 and s32(seq - self.mine) <= 0 < s32(end - self.mine) and (self.right is None or s32(end - self.right) <= 0):
            self.mine = end & M32
        if bits & 16 and s32(ack - self.una) > 0 and s32(ack - self.nxt) <= 0:
            self.una = ack
        if "wscale" in k and bits & 2:
            self.scale = self.host_scale
        self.ts += 1
        return ip(self.peer, HOST, TCP, transport(self.peer, HOST, TCP, head, payload, 16, k.get("spoil", 0)), k)

    def icmp(self, k):
        """About the last packet of the host; with another sequence number."""
        quote = self.last or ip(HOST, self.peer, TCP, struct.pack("!HHIIBBHHH", self.port, self.peer_port, self.nxt, 0, 80, 2, 0, 0, 0), {})
        hlen = (quote[0] & 15) * 4
        if "quote" in k:
            quote = quote[:hlen + 4] + struct.pack("!I", self.number(k["quote"])) + quote[hlen + 8:]
        body = struct.pack("!BBHHH", k["type"], k["code"], 0, 0, k.get("mtu", 0)) + quote[:hlen + k.get("quoted", 8)]
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        return ip(self.peer, HOST, ICMP, body, {})

    def theirs(self, n):
        """A number of the peer's; near the right edge it counts from there, for windows differ."""
        near = [f"right{s32(n - edge):+}" for edge in self.edges if abs(s32(n - edge)) < 4000 and s32(edge - self.mine) > 8000]
        return near[0] if near else s32(n - self.isn)

    # what the host sends
    def heard(self):
        out = []
        for raw in self.os.sent(self.peer):
            p = Packet(raw)
            if p.proto == TCP and p.flags is not None:
                self.last = raw
                self.learn(p)
                out.append(self.tell(p))
            elif p.proto == ICMP:
                out.append(f"icmp {p.type}/{p.code} len {len(p.payload)}")
        if len(out) > 1:  # how it is cut into buffers is each system's own affair: PSH stands at the end of each, a D-SACK on all of one
            out = [said.replace("PSH,", "") for said in out]
            out = out[:1] + [DSACK.sub("", said) if " len 0 " not in said else said for said in out[1:]]
        return out

    def learn(self, p):
        end = (p.seq + len(p.payload) + (p.flags & 1) + (p.flags >> 1 & 1)) & M32
        if p.flags & 4:
            return
        if p.flags & 2 and p.seq != self.irs:
            self.irs = self.una = p.seq
            self.nxt = end
            self.host_scale = next((i[1] for i in options_items(p.options) if i[0] == "wscale"), 0)
            self.scale = self.host_scale if p.flags & 16 else 0
        if s32(end - self.nxt) > 0:
            self.nxt = end
        if p.flags & 16:
            if s32(p.ack - self.acked) > 0:
                self.acked = p.ack
            right = p.ack + (p.win << (0 if p.flags & 2 else self.scale)) & M32
            if self.right is None or s32(right - self.right) > 0 or p.flags & 2:
                self.right = right

    def stamp(self, value):
        """Whether our clock of timestamps goes forward, and slowly."""
        first = self.ts_first is None
        ok = first or 0 <= s32(value - self.ts_last) < 1500
        self.ts_first, self.ts_last = value if first else self.ts_first, value
        return ok

    def tell(self, p):
        items = []
        for name, *v in options_items(p.options):
            if name == "timestamp":
                v = ["now" if self.stamp(v[0]) else "odd", v[1] - PEER_TS if v[1] else "zero"]
            elif name == "sack":
                v = [self.theirs(x) for x in v]
            items.append((name, *v))
        said = f"{flag_names(p.flags)} seq {s32(p.seq - self.irs) if p.seq else 'zero'}"
        if p.flags & 16 or p.ack:
            said += f" ack {self.theirs(p.ack) if p.ack else 'zero'}"
        said += f" win {self.window(p)} len {len(p.payload)} {options_text(items)}"
        if p.urg or p.flags & 32:
            said += f" urg {p.urg}"
        if p.payload and p.payload != pattern(p.seq - self.irs - 1, len(p.payload)):
            said += " other bytes"
        return said + ("" if p.ok else " bad checksum") + f" ttl {p.ttl} tos {p.tos} df {p.df}"

    def window(self, p):
        """Memory decides, and what a buffer costs is each system's own affair."""
        if p.flags & 2 or not p.win:
            return p.win
        return "small" if p.win << self.scale < 536 else "open"

    # calls
    def socket(self):
        fd = self.os.socket(1)
        self.os.call("setsockopt", fd, SOL_SOCKET, beside_linux.SO_REUSEADDR, struct.pack("=i", 1), 4)
        return fd

    def call(self, name, n=0):
        os_ = self.os
        if name == "listen":
            self.listener = self.socket()
            return [text(os_.call("bind", self.listener, address(self.port, bytes(4)), 16)), text(os_.call("listen", self.listener, 8))]
        if name == "connect":
            self.fd = self.socket()
            return [text(os_.call("bind", self.fd, address(self.port, bytes(4)), 16)),
                    text(os_.call("connect", self.fd, address(self.peer_port, self.peer), 16))]
        if name == "accept":
            if self.listener is None:
                return "gone"
            fd = os_.accept(self.listener)
            if fd >= 0 and self.fd is not None:
                os_.call("close", self.fd)
            self.fd = fd if fd >= 0 else self.fd
            return text(min(fd, 0))
        if name == "close_listener":
            fd, self.listener = self.listener, None
            return text(os_.call("close", fd)) if fd is not None else "gone"
        if self.fd is None:
            return "gone"
        if name in SENDS:
            r = os_.send(self.fd, pattern(self.written, n), NOSIGNAL | SENDS[name])
            self.written += max(r, 0)
            return text(r)
        if name in RECEIVES:
            r, data = os_.receive(self.fd, n, RECEIVES[name])
            if name == "trunc":
                data = b""
            return f"{text(r)} {zlib.crc32(data):x}" if r > 0 else text(r)
        if name in ("close", "abort"):
            fd, self.fd = self.fd, None
            return text(os_.call("close", fd) if name == "close" else beside_linux.abort(os_, fd))
        if name == "shutdown":
            return text(os_.call("shutdown", self.fd, n))
        if name == "linger":
            return text(os_.call("setsockopt", self.fd, SOL_SOCKET, beside_linux.SO_LINGER, struct.pack("=ii", 1, n), 8))
        if name == "disconnect":
            return text(os_.call("connect", self.fd, address(0, bytes(4), 0), 16))
        if name == "get":
            buf, size = ctypes.create_string_buffer(64), ctypes.c_uint32(4)
            r = os_.call("getsockopt", self.fd, *GETS[n], buf, ctypes.byref(size))
            return text(r) if r else buf.raw[:size.value].hex()
        if name == "connect_again":
            return text(os_.call("connect", self.fd, address(self.peer_port, self.peer), 16))
        if name == "error":
            return text(-option(os_, self.fd, SOL_SOCKET, beside_linux.SO_ERROR))
        level, which = {"nodelay": (SOL_TCP, 1), "maxseg": (SOL_TCP, 2), "cork": (SOL_TCP, 3), "quickack": (SOL_TCP, 12), "inline": (SOL_SOCKET, 10),
                        "rcvlow": (SOL_SOCKET, 18), "recverr": (0, 11), "sndbuf": (SOL_SOCKET, 7), "rcvbuf": (SOL_SOCKET, 8),
                        "keepalive": (SOL_SOCKET, 9), "notsent": (SOL_TCP, 25), "clamp": (SOL_TCP, 10), "ttl": (0, 2), "tos": (0, 1),
                        "discover": (0, 10), "priority": (SOL_SOCKET, 12), "inqopt": (SOL_TCP, 36), "user_timeout": (SOL_TCP, 18)}[name]
        return text(os_.call("setsockopt", self.fd, level, which, struct.pack("=i", n), 4))

    def look(self):
        seen = {}
        if self.listener is not None:
            seen["listener"] = f"{self.os.poll(self.listener) & beside_linux.POLL_MASK:x}"
        if self.fd is None:
            return seen
        poll = self.os.poll(self.fd) & beside_linux.POLL_MASK
        for name, request in (("inq", FIONREAD), ("outq", SIOCOUTQ), ("nsd", SIOCOUTQNSD), ("atmark", SIOCATMARK)):
            buf = ctypes.create_string_buffer(struct.pack("=i", -1), 4)
            r = self.os.ioctl(self.fd, request, buf)
            seen[name] = text(r if r else struct.unpack("=i", buf.raw)[0])
        if int(seen["outq"]) > 4000:
            poll &= ~beside_linux.OUT  # what a buffer costs is each system's own affair
        buf, n = ctypes.create_string_buffer(INFO.size), ctypes.c_uint32(INFO.size)
        r = self.os.call("getsockopt", self.fd, SOL_TCP, TCP_INFO, buf, ctypes.byref(n))
        info = dict(zip(INFO_FIELDS, INFO.unpack(buf.raw)))
        if info["state"] in (CLOSE_WAIT, LAST_ACK, CLOSING):
            poll, seen["atmark"] = poll & ~beside_linux.PRI, 0  # nothing is urgent behind a FIN (RFC 9293, 3.10.7.4, sixth)
        seen["poll"] = f"{poll:x}"
        if info["state"] == TCP_CLOSE:
            return {"poll": seen["poll"], "inq": seen["inq"], "state": TCP_CLOSE}
        if info["state"] in (SYN_SENT, SYN_RECV):  # before the connection is there each counts as it likes
            info |= {"pmtu": 0, "snd_mss": 0, "rcv_mss": 0, "advmss": 0}
        return seen | ({"info": r} if r else {k: v for k, v in info.items() if k not in IGNORED})

    def step(self, step):
        what, *args = step
        result = None
        if what == "call":
            result = self.call(*args)
        elif what == "seg":
            self.os.rx(self.segment(args[0]))
        else:
            self.os.rx(self.icmp(args[0]))
        if what == "seg" and "FIN" in args[0]["flags"] and self.nxt != self.irs:  # Linux acknowledges it later, or when it must say where it is
            more = {"ts": [args[0]["ts"][0] - 1, 0]} if "ts" in args[0] else {}
            self.os.rx(self.segment({"flags": "ACK", "seq": ["acked", -1], "ack": ["una", 0]} | more))
        self.os.settle()
        out = self.heard()
        if what == "seg" and "FIN" in args[0]["flags"]:
            out = [said for n, said in enumerate(out) if said not in out[:n]]
        return {"result": result, "out": out, "look": self.look()}

    def end(self):
        for fd in (self.fd, self.listener):
            if fd is not None:
                beside_linux.abort(self.os, fd)
        self.os.rx(self.segment({"flags": "RST", "seq": ["acked", 0]}))
        self.os.sent(self.peer)


# --- Plans ------------------------------------------------------------------------------------------------------------------
class Planner:
    """Everything random: a profile, a start, and steps."""

    def __init__(self, seed):
        r = self.r = random.Random(seed)
        self.profile = {"isn": r.choice([1000, r.getrandbits(32), 0xfffffe00]), "ts": r.random() < .6, "sack": r.random() < .7,
                        "wscale": r.choice([None, 0, 7, 7, 14]), "mss": r.choice([1460, 1460, 1460, 536, None, 9000])}
        self.start = r.choice(list(STARTS))
        if self.start == "both opened":  # RFC 7323, 3.2 answers what was offered; Linux says all again
            self.profile |= {"ts": True, "sack": True, "wscale": 7}
        self.active = r.random() < .4
        self.steps = self.setup()
        self.begin = len(self.steps)
        self.steps += [self.random_step() for _ in range(r.randint(1, 6))]

    # the ordinary
    def syn(self, ack=None, **more):
        p, k = self.profile, {"flags": "SYN", "seq": ["isn", 0], "win": 64000}
        if ack:
            k |= {"flags": "SYN,ACK", "ack": ack}
        if p["mss"]:
            k["mss"] = p["mss"]
        if p["wscale"] is not None:
            k["wscale"] = p["wscale"]
        if p["sack"]:
            k["sackok"] = 1
        if p["ts"]:
            k["ts"] = [0, 0 if ack else None]
        return ["seg", k | more]

    def seg(self, flags="ACK", **more):
        k = {"flags": flags, "seq": ["mine", 0], "ack": ["nxt", 0], "win": 60000 >> (self.profile["wscale"] or 0)}
        if self.profile["ts"]:
            k["ts"] = [0, 0]
        return ["seg", k | more]

    def data(self, n, **more):
        return self.seg("PSH,ACK", len=n, **more)

    def handshake(self):
        if self.active:
            return [["call", "connect"], self.syn(["nxt", 0])]
        return [["call", "listen"], self.syn(), self.seg(), ["call", "accept"]]

    def setup(self):
        return [s for part in STARTS[self.start](self) for s in (part if isinstance(part[0], list) else [part])]

    # the random
    def random_step(self):
        x = self.r.random()
        if x < .68:
            return self.random_segment()
        if x < .92:
            return self.random_call()
        return self.random_icmp()

    def pick(self, *weighted):
        """(weight, value)... A value that is a function is called."""
        v = self.r.choices([v for _, v in weighted], [w for w, _ in weighted])[0]
        return v() if callable(v) else v

    def random_segment(self):
        r, pick = self.r, self.pick
        flags = pick((45, "ACK"), (8, "PSH,ACK"), (8, "FIN,ACK"), (5, "RST"), (5, "RST,ACK"), (5, "SYN"), (5, "SYN,ACK"), (2, ""), (5, "URG,ACK"),
                     (1, "FIN"), (1, "SYN,FIN"), (1, "SYN,RST"), (1, "FIN,RST"), (1, "URG,PSH,FIN"), (1, "SYN,FIN,ACK"),
                     (1, "ECE,ACK"), (1, "CWR,ACK"), (1, "URG,FIN,ACK"), (1, "PSH"), (1, "FIN,RST,ACK"), (1, "SYN,PSH,ACK"), (1, "ECE,CWR,SYN"))
        n = pick((45, 0), (6, 1), (10, 10), (8, 100), (6, 536), (10, 1460), (4, 3000))
        near = [-1, 0, 1]
        seq = pick((55, ["mine", 0]), (8, lambda: ["mine", r.choice(near)]), (6, lambda: ["mine", -n + r.choice(near)]),
                   (5, lambda: ["mine", -r.randint(1, 3000)]),
                   (8, lambda: ["mine", r.choice([10, 100, 1460, 2920, 10000])]), (3, lambda: ["right", r.choice(near if not n else [0, 1])]),
                   (4, lambda: ["right", -n + r.choice(near if not n else [-1, 0])]), (2, lambda: ["acked", r.choice(near)]),
                   (3, lambda: ["isn", r.choice(near)]),
                   (1, ["mine", 1 << 31]), (1, lambda: ["mine", r.choice([-70000, 300000, 5000000, -5000000])]))
        ack = pick((50, ["nxt", 0]), (15, ["una", 0]), (5, ["una", -1]), (5, ["una", 1]), (4, ["nxt", 1]), (2, ["nxt", -1]),
                   (3, ["una", 1460]), (2, ["una", 2920]),
                   (2, ["nxt", 100000]), (3, lambda: ["una", -r.choice([2, 100, 30000, 65535, 65536, 70000, 10000000])]), (1, ["una", 1 << 31]),
                   (1, ["irs", 0]),
                   (1, ["irs", 1]), (1, ["zero", 0]))
        k = {"flags": flags, "seq": seq, "win": self.window()}
        if "ACK" in flags or r.random() < .1:
            k["ack"] = ack
        if n:
            k["len"] = n
        self.random_options(k)
        if "URG" in flags or r.random() < .02:
            k["urg"] = r.choice([0, 1, 1, 2, n, n + 1, n + 10, 65535])
        if r.random() < .01:
            k |= {"spoil": 1, "len": 0}
        if r.random() < .01:
            k["doff"] = r.choice([0, 4])
        return ["seg", k]

    def window(self):
        usual = 60000 >> (self.profile["wscale"] or 0)
        return self.pick((60, usual), (10, 0), (5, 1), (10, usual // 2), (5, 65535), (5, 100), (5, usual + 1))

    def random_options(self, k):
        r, pick, syn = self.r, self.pick, "SYN" in k["flags"]
        if pick((9, self.profile["ts"]), (1, not self.profile["ts"])):
            k["ts"] = [pick((80, 0), (5, -1), (3, -2), (3, -100), (3, -1000000), (2, 1000), (2, 1 << 31), (1, -(1 << 31) + 5)),
                       pick((75, 0), (8, None), (5, 1000), (5, -1), (3, -1000), (2, 1 << 31))]
        if r.random() < (.8 if syn else .02):
            k["mss"] = r.choice([1460, 1460, 0, 1, 47, 48, 64, 536, 9000, 65535])
        if r.random() < (.6 if syn else .02):
            k["wscale"] = r.choice([0, 2, 7, 14, 15, 255])
        if r.random() < (.6 if syn else .02):
            k["sackok"] = 1
        if not syn and not {"mss", "wscale", "sackok"} & k.keys() and r.random() < .15:
            k["sack"] = [self.random_block() for _ in range(r.choice([1, 1, 1, 2, 3, 4]) if "ts" not in k else r.choice([1, 1, 2, 3]))]
        elif r.random() < .02:
            k["opt"] = r.choice(["fe02", "fd04beef", "0101", "00ff", "02040001", "030303"])

    def random_block(self):
        r = self.r
        a = r.choice([["una", n] for n in (0, 1, 536, 1460, 2920, -100, -3000)] + [["nxt", n] for n in (-1460, -1, 0)])
        n = r.choice([1460, 1460, 2920, 1, 0, -1460, 100, 536, 100000])
        return [a, [a[0], a[1] + n]]

    def random_call(self):
        name = self.pick((20, "send"), (15, "recv"), (4, "peek"), (6, "shutdown"), (7, "close"), (2, "abort"), (5, "accept"),
                         (4, "oob"), (3, "recvoob"), (4, "error"),
                         (2, "nodelay"), (2, "cork"), (2, "quickack"), (1, "maxseg"), (1, "inline"), (1, "rcvlow"), (1, "recverr"),
                         (1, "connect_again"), (5, "more"), (2, "eor"), (3, "trunc"), (2, "waitall"), (1, "peekall"), (1, "errqueue"), (2, "linger"),
                         (1, "disconnect"), (3, "get"), (1, "keepalive"), (2, "notsent"), (1, "clamp"), (1, "ttl"), (1, "tos"), (1, "discover"),
                         (1, "priority"), (1, "inqopt"), (1, "close_listener"), (1, "sndbuf"))
        if name in SENDS:
            return ["call", name, self.r.choice([0, 1, 10, 100, 1460, 3000] + [20000] * (name == "send"))]
        if name in RECEIVES:
            return ["call", name, self.r.choice([1, 10, 100, 1000, 100000])]
        return ["call", name, {"shutdown": self.r.randrange(3), "maxseg": self.r.choice([88, 500, 1400]), "rcvlow": self.r.choice([1, 100, 3000]),
                               "sndbuf": 5000, "linger": self.r.choice([0, 0, 5]), "get": self.r.randrange(len(GETS)),
                               "notsent": self.r.choice([1, 2000, 100000]), "clamp": self.r.choice([0, 500, 5000, 40000]),
                               "ttl": self.r.choice([1, 7, 255, 300]), "tos": self.r.choice([0, 4, 0xb8, 3]),
                               "discover": self.r.randrange(7)}.get(name, self.r.randrange(2))]

    def random_icmp(self):
        r = self.r
        kind = r.choice([3, 3, 3, 3, 11, 12, 4, 5])
        k = {"type": kind, "code": r.choice([0, 1, 2, 3, 4, 4, 4, 5, 9, 10, 13, 15, 16]) if kind == 3 else r.randrange(2)}
        if r.random() < .7:
            k["quote"] = self.pick((5, ["una", 0]), (2, ["una", -1]), (2, ["nxt", -1]), (2, ["nxt", 0]), (2, ["nxt", 1]),
                                   (1, ["una", 1460]), (1, ["una", 100000]))
        k["quoted"] = r.choice([8, 8, 8, 4, 20])
        if k["type"] == 3 and k["code"] == 4:
            k["mtu"] = r.choice([0, 68, 296, 552, 1000, 1492, 1500, 9000])
        return ["icmp", k]


def established(*more):
    return lambda p: [p.handshake(), *[m(p) if callable(m) else m for m in more]]


SHUT_WR, SHUT_RD, CLOSE = ["call", "shutdown", 1], ["call", "shutdown", 0], ["call", "close"]


def send(n):
    return ["call", "send", n]


def fin(p):
    return p.seg("FIN,ACK")


def fin_alone(p):
    """A FIN that does not acknowledge ours."""
    return p.seg("FIN,ACK", ack=["nxt", -1])


def ack(p):
    return p.seg()


def text_of(n, **more):
    return lambda p: p.data(n, **more)


def shut(p):
    return p.seg(win=0)


def sacked(*blocks):
    """A duplicate ACK, with blocks if the profile has them."""
    def build(p):
        more = {"sack": [[["una", a], ["una", b]] for a, b in blocks]} if p.profile["sack"] else {}
        return p.seg(ack=["una", 0], **more)
    return build


STARTS = {
    "closed": lambda p: [],
    "listen": lambda p: [["call", "listen"]],
    "syn sent": lambda p: [["call", "connect"]],
    "syn received": lambda p: [["call", "listen"], p.syn()],
    "both opened": lambda p: [["call", "connect"], p.syn()],
    "not accepted": lambda p: [["call", "listen"], p.syn(), p.seg()],
    "established": established(),
    "in flight": established(send(5000)),
    "full flight": established(send(20000)),
    "unread": established(text_of(1000)),
    "hole": established(text_of(1000, seq=["mine", 1000])),
    "holes": established(text_of(500, seq=["mine", 500]), text_of(500, seq=["mine", 1500]), text_of(500, seq=["mine", 3000])),
    "sacked": established(send(14600), sacked((1460, 2920))),
    "recovery": established(send(14600), sacked((1460, 2920)), sacked((1460, 4380)), sacked((1460, 5840))),
    "shut": established(shut, send(3000)),
    "fin wait 1": established(SHUT_WR),
    "fin wait 1 closed": established(CLOSE),
    "fin wait 1 in flight": established(send(3000), SHUT_WR),
    "fin wait 1 shut": established(shut, send(3000), SHUT_WR),
    "fin wait 2": established(SHUT_WR, ack),
    "fin wait 2 closed": established(CLOSE, ack),
    "fin wait 2 reads no more": established(["call", "shutdown", 2], ack),
    "closing": established(SHUT_WR, fin_alone),
    "closing closed": established(CLOSE, fin_alone),
    "close wait": established(fin),
    "close wait unread": established(text_of(1000), fin),
    "close wait in flight": established(send(5000), lambda p: p.seg("FIN,ACK", ack=["una", 0])),
    "last ack": established(fin, CLOSE),
    "last ack in flight": established(send(3000), lambda p: p.seg("FIN,ACK", ack=["una", 0]), CLOSE),
    "time wait": established(CLOSE, ack, fin),
    "time wait by both": established(CLOSE, fin_alone, ack),
    "time wait by shutdown": established(SHUT_WR, ack, fin),
    "closed unread": established(text_of(1000), CLOSE),
    "aborted": established(["call", "abort"]),
    "reset": established(lambda p: p.seg("RST")),
    "reads no more": established(SHUT_RD),
    "urgent": established(lambda p: p.seg("URG,PSH,ACK", len=10, urg=5)),
}


# --- Running and comparing --------------------------------------------------------------------------------------------------
def run(os_, seeds):
    """The observations of each step of each sequence."""
    traces = []
    gc.disable()
    for i, seed in enumerate(seeds):
        plan = Planner(seed)
        os_.begin()
        c = Conversation(os_, i, plan.profile)
        traces.append([c.step(step) for step in plan.steps])
        c.end()
        if i % 500 == 0:
            gc.collect()
    return traces


def on_linux(seeds, program=__file__):
    """The same in a namespace of its own, by a child."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        subprocess.run(["unshare", "-n", sys.executable, program, "linux", str(said)], input=json.dumps(seeds), text=True, check=True)
        return json.loads(said.read_text())


def pure_ack(said):
    return said.startswith("ACK ") and " len 0 " in said


def known(step, theirs, mine):
    """Differs by intention: "same", it counts as the same; "apart", nothing behind it can be compared."""
    x, y, state = theirs["out"], mine["out"], mine["look"].get("state")
    if step[0] == "call" and step[1] in ("shutdown", "close") and not x and len(y) == 1 and y[0].startswith("FIN"):
        return "apart"  # a FIN passes a full congestion window
    if step[:2] == ["call", "connect_again"] and theirs["result"] == mine["result"] == "ECONNRESET" or step[:2] == ["call", "disconnect"]:
        return "apart"  # Linux counts less than no unsent bytes then, so poll() never says OUT
    if step[0] == "icmp" and (step[1]["type"], step[1]["code"]) == (3, 4) and x and y:
        return "apart"  # how what is sent again is cut follows how it was sent, in large buffers or not
    if step[0] != "seg":
        return None
    k, rst = step[1], x and x[0].startswith("RST")
    if "FIN" in k["flags"] and len(x) > 1 and x[1:] == y and pure_ack(x[0]):
        return "same"  # the ACK of the FIN may go with data that the same segment lets out
    if k.get("ack", [""])[0] == "nxt" and k["ack"][1] > 0 and not x and len(y) == 1 and pure_ack(y[0]):
        return "same"  # what acknowledges more than was sent is asked back (RFC 9293, 3.10.7.4)
    if len(x) == len(y) > 0 and x[1:] == y[1:] and x[0].split("<")[0] == y[0].split("<")[0] and x[0].startswith("SYN,ACK"):
        return "same" if x == y else "apart"  # both opened: what the peer did not offer is not offered again (RFC 7323, 3.2)
    if "RST" in k["flags"] and "poll" not in mine["look"]:
        return "apart"  # FIN-WAIT-2 that nobody has: only a reset with the exact number counts, and one outside is not answered (RFC 5961, 3)
    if state == SYN_RECV and y and y[0].startswith("RST") and not rst:
        return "apart"  # both opened: what does not acknowledge our SYN is refused (RFC 9293, 3.10.7.4)
    if "FIN" in k["flags"] and state in (CLOSE_WAIT, LAST_ACK, CLOSING) and len(x) == len(y) == 1 and pure_ack(x[0]) and pure_ack(y[0]):
        return "apart"  # a FIN behind the peer's FIN is no other one
    if k.get("ack", [""])[0] == "una" and k["ack"][1] < -30000 and k.get("len") and len(y) == 1 and pure_ack(y[0]):
        return "apart"  # Linux believes text in order whatever old bytes it acknowledges (RFC 5961, 5.2)
    if x and [LENGTH.sub("", said).replace("PSH,", "") for said in x] == [LENGTH.sub("", said).replace("PSH,", "") for said in y]:
        return "apart"  # how what is sent again is cut, and where PSH stands, follows how it was sent, in large buffers or not
    if k["seq"][0] == "right" and k.get("len") and mine["look"].get("inq", "0") != "0":
        return "apart"  # of a segment that reaches beyond the window Linux takes the ACK only where nothing is unread; it is as good as any
    if k["seq"][0] == "right" and "FIN" in k["flags"]:
        return "apart"  # a FIN beyond the window is cut off with what is beyond
    if "SYN" in k["flags"] and "ACK" in k["flags"] and k.get("len") and y and y[0].startswith("RST") and pure_ack((x or [""])[0]):
        return "apart"  # half-open: a SYN in the window is an error; Linux cuts it off and lets its ACK open the connection
    if rst and "SYN" in k["flags"] and len(y) == 1 and pure_ack(y[0]):
        return "apart"  # FIN-WAIT-2 that nobody has: a SYN is asked back (RFC 5961, 4)
    if rst and k.get("len") and state in (None, CLOSE_WAIT, LAST_ACK, CLOSING) and y and not any("RST" in said.split(" ")[0] for said in y):
        return "apart"  # text that reaches beyond the peer's FIN is ignored (RFC 9293, 3.10.7.4, seventh)
    if "RST" in k["flags"] and k.get("len", 0) + ("SYN" in k["flags"]) and not x and len(y) == 1 and pure_ack(y[0]):
        return "apart"  # a RST that begins in the window, or at its edge, and reaches beyond is asked back (RFC 5961, 3.2)
    if k.get("len") and not x and len(y) == 1 and pure_ack(y[0]) and "poll" not in mine["look"]:
        return "apart"  # of a socket that nobody has Linux answers no old text with the ACK of the FIN in it (RFC 9293, 3.10.7.4, first)
    if theirs["look"].get("poll") == f"{int(mine['look'].get('poll', '0'), 16) | beside_linux.PRI:x}" and mine["look"]["inq"] == "0":
        return "apart"  # behind a hole Linux takes a byte of the header for the urgent one, which has not come
    return None


def differs(theirs, mine):
    """What differs in one step, in words: [(name, Linux's, ours)]."""
    out = [("result", theirs["result"], mine["result"])] if theirs["result"] != mine["result"] else []
    if theirs["out"] != mine["out"]:
        out.append(("out", theirs["out"], mine["out"]))
    for k in sorted(theirs["look"].keys() | mine["look"].keys()):
        if theirs["look"].get(k) != mine["look"].get(k):
            out.append((k, theirs["look"].get(k), mine["look"].get(k)))
    return out


def without_echo(seen):
    return seen | {"out": [ECHO.sub("", said) for said in seen["out"]]}


def odd_stamp(step, start):
    """
    Of a segment with an old ACK Linux echoes the stamp in one state and not in another; each that is in order counts (RFC 7323, 4.3). In
    TIME-WAIT Linux believes that of a RST, which nothing proves (5.2: a RST counts whatever its stamp is).
    """
    if step[0] != "seg" or "ts" not in step[1]:
        return False
    return step[1].get("ack", ["nxt", 0]) != ["nxt", 0] or ("RST" in step[1]["flags"] and "time wait" in start)


def known_of(plan):
    """
    Of two SYNs that meet Linux counts and scales otherwise: the window of a SYN is never scaled (RFC 7323, 2.2), and who is reset was refused
    (RFC 9293, 3.10.7.4).
    """
    return ("delivered", "dsack_dups", "snd_wnd", "result") if plan.start in ("both opened", "syn sent") else ()


def first_difference(seed, linux, ours):
    """(step, what) of the first difference, of what only TCP_INFO says when there is no other."""
    found, plan, echo = [], Planner(seed), False
    for n, (step, a, b) in enumerate(zip(plan.steps, linux, ours)):
        echo |= odd_stamp(step, plan.start)
        if echo:
            a, b = without_echo(a), without_echo(b)
        why = known(step, a, b)
        if why == "apart":
            break
        d = [x for x in differs(a, b) if (x[0] != "out" or not why) and x[0] not in known_of(plan)]
        if d:
            found.append((n, d))
    return next((f for f in found if any(name not in INFO_FIELDS for name, *_ in f[1])), found[0] if found else None)


def brief(step):
    what, *args = step
    if what == "call":
        return " ".join(str(a) for a in args)
    k = dict(args[0])
    if what == "icmp":
        return f"icmp {k.pop('type')}/{k.pop('code')} {k}"
    seq, flags = k.pop("seq"), k.pop("flags") or "none"
    ack_ = f" ack {k['ack'][0]}{k['ack'][1]:+}" if "ack" in k else ""
    k.pop("ack", None)
    return f"{flags} seq {seq[0]}{seq[1]:+}{ack_} " + " ".join(f"{a} {b}" for a, b in k.items())


def tell(seed, linux, ours, last):
    """Until step @last, and all of what only TCP_INFO says on the way there in one line each."""
    plan = Planner(seed)
    print(f"seed {seed}: {plan.start}, {'active' if plan.active else 'passive'}, {plan.profile}")
    for n, (step, a, b) in enumerate(zip(plan.steps, linux, ours)):
        print(f"{'  ' if n < plan.begin else '* '}{brief(step)}" + (f" -> {a['result']}" if a["result"] is not None else ""))
        for line in a["out"] if a["out"] == b["out"] else []:
            print(f"        {line}")
        for name, x, y in differs(a, b):
            print(f"    {name}: Linux {x}, Doorbell {y}" if name in INFO_FIELDS else f"    {name}:\n        Linux     {x}\n        Doorbell  {y}")
        if n == last:
            break


def sort_key(seed, n, diff):
    """Under which heading a difference counts."""
    plan = Planner(seed)
    step = plan.steps[n]
    what = brief(step).split(" ", 1)[0] if step[0] != "icmp" else "icmp"
    hard = [name for name, *_ in diff if name not in INFO_FIELDS]
    return f"{', '.join(sorted(hard)) or 'TCP_INFO: ' + ', '.join(name for name, *_ in diff)} | {plan.start if n >= plan.begin else 'setup'} | {what}"


def unlike(a, b, n):
    """Linux answered otherwise the second time: of such a step nothing can be said."""
    return a[:n + 1] != b[:n + 1]


def own_steps(seed):
    """How many steps every sequence begins with that are none of the seed's."""
    return Planner(seed).begin


def main(kind=sys.modules[__name__]):
    """Runs what @kind plans on both and tells where they differ."""
    if sys.argv[1:2] == ["linux"]:
        Path(sys.argv[2]).write_text(json.dumps(kind.run(kind.Linux(), json.load(sys.stdin))))
        return 0
    count, first = [int(a) for a in sys.argv[1:3]] + [1000, 0][len(sys.argv[1:3]):]
    seeds = list(range(first, first + count))
    library = kind.Ours()
    ours = dict(zip(seeds, json.loads(json.dumps(kind.run(library, seeds)))))
    library.stack.stop()
    linux = dict(zip(seeds, kind.on_linux(seeds)))
    if count == 1:
        kind.tell(first, linux[first], ours[first], None)
        return 0
    suspects = [s for s in seeds if kind.first_difference(s, linux[s], ours[s])]
    again = [dict(zip(suspects, kind.on_linux(suspects))) for _ in range(2)] if suspects else []
    ways, unsteady = collections.defaultdict(list), 0
    for s in suspects:
        n, diff = kind.first_difference(s, linux[s], ours[s])
        if any(kind.unlike(a[s], linux[s], n) for a in again):
            unsteady += 1
        else:
            ways[kind.sort_key(s, n, diff)].append((n - kind.own_steps(s), s))
    for way, found in sorted(ways.items(), key=lambda w: -len(w[1])):
        s = min(found)[1]
        print(f"--- {len(found)} x {way}   {[seed for _, seed in found][:6]}")
        kind.tell(s, linux[s], ours[s], kind.first_difference(s, linux[s], ours[s])[0])
    print(f"{count} sequences, {len(suspects) - unsteady} differ in {len(ways)} ways, {unsteady} where Linux differs from itself")
    return int(len(suspects) > unsteady)


if __name__ == "__main__":
    sys.exit(main())
