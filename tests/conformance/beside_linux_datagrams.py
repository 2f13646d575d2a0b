#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random datagrams and calls on UDP, raw and ping sockets, here and at this machine's Linux: what leaves, what calls return and say must be the same.

    tests/conformance/beside_linux_datagrams.py              1000 sequences, from seed 0
    tests/conformance/beside_linux_datagrams.py 5000 20000   5000 of them, from seed 20000
    tests/conformance/beside_linux_datagrams.py 1 4711       this one, told step by step

Datagrams with wrong lengths, checksums, options and fragments, to us, to groups and to everybody; ICMP of every type, errors about what was
sent; calls with every flag and option of datagrams, control messages and the error queue. As beside_linux_segments.py, whose Linux half this
is: raw IP at a TUN device, by hand, root. known() names the differences that stay.
"""
import ctypes
import errno
import functools
import gc
import json
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import beside_linux
import beside_linux_segments as segments
from beside_linux import FIONREAD, SIOCOUTQ, SOL_SOCKET, address, text
from packets import ICMP, UDP, Packet, checksum, ip, pattern, transport
from stack import CMSG, Iovec, Msghdr

HOST, US, GROUP, ALL, SUBNET = segments.HOST, segments.US, b"\xef\1\1\1", b"\xff" * 4, b"\xc0\xa8\xff\xff"
RAW_PROTOCOL = 99
SETTINGS = {"icmp_ratelimit": "0", "icmp_msgs_per_sec": "1000000", "icmp_msgs_burst": "1000000", "ping_group_range": "0 2147483647"}
PEEK, TRUNC, DONTWAIT, MORE, ERRQUEUE, CONFIRM, NOSIGNAL = 2, 0x20, 0x40, 0x8000, 0x2000, 0x800, 0x4000
RECEIVE = {"recv": 0, "peek": PEEK, "trunc": TRUNC, "peektrunc": PEEK | TRUNC, "errq": ERRQUEUE, "waitall": 0x100, "oob": 1}
IP, SOL_UDP = 0, 17
OPTIONS = {  # name: level, number, values
    "broadcast": (SOL_SOCKET, 6, [0, 1, 1]), "recverr": (IP, 11, [0, 1, 1, 1]), "pktinfo": (IP, 8, [0, 1]), "recvttl": (IP, 12, [0, 1]),
    "recvtos": (IP, 13, [0, 1]), "ttl": (IP, 2, [1, 9, 255, 0, 256, -1]), "tos": (IP, 1, [0, 0x10, 0xb8, 3, 0xff]),
    "discover": (IP, 10, [0, 1, 2, 3, 4, 5, 6]), "cork": (SOL_UDP, 1, [0, 1]),
    "segment": (SOL_UDP, 103, [0, 100, 1000, 2000]), "nocheck": (SOL_SOCKET, 11, [0, 1]),
    "mcttl": (IP, 33, [0, 1, 5, 255, 256]), "mcloop": (IP, 34, [0, 1]), "mcall": (IP, 49, [0, 1]), "reuse": (SOL_SOCKET, 2, [0, 1]),
    "recvopts": (IP, 6, [0, 1]), "retopts": (IP, 7, [0, 1]), "dstaddr": (IP, 20, [0, 1]), "minttl": (IP, 21, [0, 60, 65]),
    "rcvlow": (SOL_SOCKET, 18, [1, 100]),
    "hdrincl": (IP, 3, [0, 1]), "sndbuf": (SOL_SOCKET, 7, [5000]), "priority": (SOL_SOCKET, 12, [0, 6]), "dontroute": (SOL_SOCKET, 5, [0, 1]),
    "freebind": (IP, 15, [0, 1]),
}
IPOPT = {"none": "", "nop": "01", "rr": "07070400000000", "ts": "440c0500000000000000000000"[:24], "alert": "94040000",
         "lsrr": "830704" + "0a090909", "odd": "1e04abcd",
         "bad": "0701", "end": "00"}
READ = {"ttl": (IP, 2), "tos": (IP, 1), "discover": (IP, 10), "mtu": (IP, 14), "error": (SOL_SOCKET, 4), "type": (SOL_SOCKET, 3),
        "proto": (SOL_SOCKET, 38),
        "mcttl": (IP, 33), "mcloop": (IP, 34), "segment": (SOL_UDP, 103), "broadcast": (SOL_SOCKET, 6), "options": (IP, 4)}


class Messages:
    """sendmsg() and recvmsg() of either side."""

    def __init__(self, os_):
        self.os, self.iov, self.msg = os_, Iovec(), Msghdr()
        self.msg.iov, self.msg.iovlen = ctypes.pointer(self.iov), 1
        self.name, self.control, self.buf = ctypes.create_string_buffer(16), ctypes.create_string_buffer(512), ctypes.create_string_buffer(70000)

    def send(self, fd, data, flags, to, control):
        keep = ctypes.create_string_buffer(data, max(len(data), 1))
        self.iov.base, self.iov.len = ctypes.addressof(keep), len(data)
        if to:
            self.name.raw = to
        hold = ctypes.create_string_buffer(control, max(len(control), 1))
        self.msg.name, self.msg.namelen, self.msg.flags = (ctypes.addressof(self.name), 16, 0) if to else (None, 0, 0)
        self.msg.control, self.msg.controllen = (ctypes.addressof(hold), len(control)) if control else (None, 0)
        return self.os.call("sendmsg", fd, ctypes.byref(self.msg), flags)

    def recv(self, fd, size, flags):
        self.iov.base, self.iov.len = ctypes.addressof(self.buf), size
        self.name.raw = bytes(16)
        self.msg.name, self.msg.namelen, self.msg.flags = ctypes.addressof(self.name), 16, 0
        self.msg.control, self.msg.controllen = ctypes.addressof(self.control), 512
        n = self.os.call("recvmsg", fd, ctypes.byref(self.msg), flags)
        if n < 0:
            return text(n)
        said = f"{n} {zlib.crc32(self.buf.raw[:min(n, size)]):x} flags {self.msg.flags:x}"
        if self.msg.namelen:
            said += f" from {self.name.raw[:min(self.msg.namelen, 8)].hex()}"
        raw = self.control.raw[:self.msg.controllen]
        while len(raw) >= CMSG.size:
            length, level, kind = CMSG.unpack_from(raw)
            body = raw[CMSG.size:length]
            if (level, kind) == (0, 8):
                body = body[4:]  # the number of the device is each system's own affair
            if (level, kind) == (0, 20):
                body = body[:8]
            if (level, kind) == (0, 11):
                body = body[:24]
            said += f" [{level} {kind} {body.hex()}]"
            raw = raw[(length + 7) & ~7:]
        return said


class Linux(segments.Linux):
    def __init__(self):
        super().__init__()
        subprocess.run("ip addr del 192.168.0.1/16 dev t0; ip addr add 192.168.0.1/16 brd + dev t0; "
                       "ip link set t0 multicast on; "
                       "ip link set lo up; ip route replace default via 192.168.0.2 dev t0; "
                       "ip route add 224.0.0.0/4 dev t0", shell=True, check=True)
        for name, value in SETTINGS.items():
            Path("/proc/sys/net/ipv4", name).write_text(value)
        self.everything = []

    def sent_all(self):
        out = []
        while True:
            try:
                out.append(os.read(self.tun, 70000))
            except BlockingIOError:
                return out


class Ours(segments.Ours):
    def begin(self):
        super().begin()
        for name, value in SETTINGS.items():
            self.stack.lib.tune(name.encode(), value.encode())

    def sent_all(self):
        out, self.stack.sent = self.stack.sent, []
        return [p.raw for p in out]


def cmsg(level, kind, body):
    return CMSG.pack(CMSG.size + len(body), level, kind) + body + b"\0" * (-len(body) % 8)


class Talk:
    """One sequence's sockets and its peer."""

    def __init__(self, os_, n):
        self.os, self.m = os_, Messages(os_)
        self.peer, self.other = struct.pack("!I", 0x0a000001 + 2 * n), struct.pack("!I", 0x0a000002 + 2 * n)
        self.port, self.peer_port = 10000 + 2 * (n % 20000), 5000
        self.fds, self.kinds = [None, None], [None, None]
        self.last = b""
        self.written = self.ident = 0

    def host(self, name):
        return {"peer": self.peer, "other": self.other, "us": HOST, "any": bytes(4), "all": ALL, "subnet": SUBNET, "group": GROUP,
                "loop": b"\x7f\0\0\1",
                "foreign": b"\xc0\xa8\x09\x09", "zero": bytes(4), "hosts": b"\xe0\0\0\1"}[name]

    def call(self, who, name, *args):
        os_ = self.os
        if name == "socket":
            if self.fds[who] is not None:
                os_.call("close", self.fds[who])
            kind, protocol = args
            self.kinds[who] = (kind, protocol)
            self.fds[who] = os_.call("socket", 2, kind | (0o4000 if isinstance(os_, Linux) else 0), protocol)
            return text(min(self.fds[who], 0))
        fd = self.fds[who]
        if fd is None:
            return "gone"
        if name == "bind":
            return text(os_.call("bind", fd, address(self.port + args[1] if args[1] >= 0 else 0, self.host(args[0])), 16))
        if name == "connect":
            return text(os_.call("connect", fd, address(args[1], self.host(args[0])) if args[0] != "none" else address(0, bytes(4), 0), 16))
        if name in ("send", "sendto"):
            n, flags, control, *to = args
            to = address(to[1], self.host(to[0])) if to else None
            data = pattern(self.written, n)
            self.written += n
            return text(self.m.send(fd, data, flags, to, self.control(control)))
        if name == "hdr":
            raw = ip(HOST if args[0] else bytes(4), self.peer, args[1], pattern(0, 20), {"ttl": 7, "id": 77 * args[2]})
            return text(self.m.send(fd, raw, 0, address(0, self.peer), b""))
        if name == "ping":
            body = struct.pack("!BBHHH", args[0], 0, 0, 7, self.ident) + pattern(0, args[1])
            return text(self.m.send(fd, body, 0, address(0, self.peer), b""))
        if name in RECEIVE:
            return self.m.recv(fd, args[0], RECEIVE[name] | DONTWAIT)
        if name == "set":
            level, number, _ = OPTIONS[args[0]]
            return text(os_.call("setsockopt", fd, level, number, struct.pack("=i", args[1]), 4))
        if name == "ipopt":
            raw = bytes.fromhex(IPOPT[args[0]])
            return text(os_.call("setsockopt", fd, IP, 4, raw, len(raw)))
        if name == "group":
            return text(os_.call("setsockopt", fd, IP, args[0], GROUP + HOST, 8))
        if name == "get":
            buf, n = ctypes.create_string_buffer(64), ctypes.c_uint32(60)
            r = os_.call("getsockopt", fd, *READ[args[0]], buf, ctypes.byref(n))
            return text(r) if r else buf.raw[:n.value].hex()
        if name == "name":
            return "ok"
        if name == "shutdown":
            return text(os_.call("shutdown", fd, args[0]))
        self.fds[who] = None
        return text(os_.call("close", fd))

    def control(self, names):
        out = b""
        for name in names:
            out += {"ttl": cmsg(IP, 2, struct.pack("=i", 33)), "tos": cmsg(IP, 1, struct.pack("=i", 0x20)),
                    "badttl": cmsg(IP, 2, struct.pack("=i", 0)),
                    "info": cmsg(IP, 8, struct.pack("=i", 0) + HOST + bytes(4)), "alien": cmsg(IP, 8, struct.pack("=i", 0) + b"\1\2\3\4" + bytes(4)),
                    "seg": cmsg(SOL_UDP, 103, struct.pack("=H", 200)), "opts": cmsg(IP, 7, bytes.fromhex("94040000")),
                    "junk": cmsg(IP, 77, struct.pack("=i", 0)), "foreign": cmsg(99, 1, struct.pack("=i", 0))}[name]
        return out

    def datagram(self, k):
        src, dst = self.host(k.get("from", "peer")), self.host(k.get("to", "us"))
        payload = pattern(k.get("at", 0), k["len"])
        head = struct.pack("!HHHH", k.get("sport", self.peer_port), self.port + k["port"], k.get("udplen", 8 + len(payload)), 0)
        body = transport(src, dst, UDP, head, payload, 6, k.get("spoil", 0))
        if k.get("nosum"):
            body = body[:6] + b"\0\0" + body[8:]
        self.pieces(src, dst, UDP, body, k)

    def pieces(self, src, dst, proto, body, k):
        header = {"ttl": k.get("ttl", 64), "tos": k.get("tos", 0), "id": k.get("id", 1), "df": k.get("df", 0)} | {
            name: k[name] for name in ("version", "ihl", "totlen", "ip-bad-checksum", "trailing", "cut") if name in k}
        if "ipopt" in k:
            header["ipopt"] = bytes.fromhex(IPOPT[k["ipopt"]])
        if "piece" not in k:
            self.os.rx(ip(src, dst, proto, body, header))
            return
        cut = k["piece"] & ~7
        parts = [(0, body[:cut], 1), (cut, body[cut:], 0)]
        for offset, part, more in parts[::-1] if k.get("backward") else parts:
            self.os.rx(ip(src, dst, proto, part, header | {"offset": offset, "mf": more, "df": 0}))

    def icmp(self, k):
        body = struct.pack("!BBHHH", k["type"], k["code"], 0, k.get("a", 0), k.get("b", 0))
        if k.get("about"):
            quote = self.last or ip(HOST, self.peer, UDP, struct.pack("!HHHH", self.port, self.peer_port, 8, 0), {})
            hlen = (quote[0] & 15) * 4
            body += quote[:hlen + k["quoted"]]
        else:
            body += pattern(0, k.get("len", 0))
        body = body[:2] + struct.pack("!H", checksum(body) ^ k.get("spoil", 0)) + body[4:]
        self.pieces(self.host(k.get("from", "peer")), self.host(k.get("to", "us")), ICMP, body, k)

    def other_protocol(self, k):
        self.pieces(self.host(k.get("from", "peer")), self.host(k.get("to", "us")), k["proto"], pattern(0, k["len"]), k)

    def heard(self):
        out = []
        for raw in self.os.sent_all():
            p = Packet(raw)
            if raw[0] >> 4 == 6 or p.proto == 2:
                continue
            if p.proto is None:
                out.append(f"malformed {raw[:24].hex()}")
                continue
            if p.proto in (UDP, RAW_PROTOCOL) and not p.offset:
                self.last = raw
            options = raw[20:p.hlen].hex()
            options = options[:8] if options.startswith("44") else options
            who = {self.peer: "peer", self.other: "other"}.get(p.dst, p.dst.hex())
            src = "" if p.src == HOST else f" from {p.src.hex()}"
            error = p.proto == ICMP and p.type in (3, 12)  # whose TOS is 0, whatever that of its cause was (RFC 1349, 5.1)
            said = f"{p.proto} to {who}{src} ttl {p.ttl} tos {p.tos & 0xe0 if error else p.tos} df {p.df}"
            said += f" options {options}" if options else ""
            if p.mf or p.offset:
                said += f" piece {p.offset}+{len(p.body)} {p.mf} {zlib.crc32(p.body[8:] if p.proto in (UDP, ICMP) and not p.offset else p.body):x}"
            elif p.proto == UDP and p.sport is not None:
                source, to = p.sport - self.port, p.dport - self.port
                said += f" {source if abs(source) < 4 else 'auto'} to {to if abs(to) < 4 else p.dport} len {len(p.payload)} {zlib.crc32(p.payload):x}"
                said += " no checksum" if p.body[6:8] == b"\0\0" else ""
            elif p.proto == ICMP and p.type is not None:
                said += f" icmp {p.type}/{p.code} {p.rest.hex() if p.type != 8 else 'id'} len {len(p.payload)} {zlib.crc32(p.payload):x}"
            else:
                said += f" len {len(p.body)} {zlib.crc32(p.body):x}"
            out.append(said + ("" if p.ok else " bad"))
        return out

    def look(self):
        seen = {}
        for i, fd in enumerate(self.fds):
            if fd is None or fd < 0:
                continue
            buf = ctypes.create_string_buffer(struct.pack("=i", -1), 4)
            r = self.os.ioctl(fd, FIONREAD, buf)
            if r != -errno.ENOTTY and self.kinds[i] != (2, 1):  # Linux's ping sockets do not know it
                seen[f"inq{i}"] = text(r if r else struct.unpack("=i", buf.raw)[0])
            seen[f"poll{i}"] = f"{self.os.poll(fd) & beside_linux.POLL_MASK:x}"
        return seen

    def step(self, step):
        what, *args = step
        result = None
        if what == "call":
            result = self.call(*args)
        else:
            {"udp": self.datagram, "icmp": self.icmp, "ip": self.other_protocol}[what](args[0])
        self.os.settle()
        return {"result": result, "out": self.heard(), "look": self.look()}

    def end(self):
        for fd in self.fds:
            if fd is not None and fd >= 0:
                self.os.call("close", fd)
        self.os.sent_all()


# --- Plans ------------------------------------------------------------------------------------------------------------------
class Planner:
    def __init__(self, seed):
        r = self.r = random.Random(seed)
        self.kinds = [self.pick((8, (2, 0)), (2, (3, RAW_PROTOCOL)), (1, (3, 1)), (1, (3, 17)), (1, (3, 255)), (2, (2, 1))) for _ in range(2)]
        self.steps = [["call", 0, "socket", *self.kinds[0]]]
        if r.random() < .8:
            self.steps.append(["call", 0, "bind", r.choice(["any", "any", "us"]), 0])
        if r.random() < .4:
            self.steps.append(["call", 0, "connect", "peer", 5000])
        if r.random() < .5:
            self.steps.append(["call", 1, "socket", *self.kinds[1]])
        if r.random() < .3:
            self.steps.append(["call", 0, "set", "recverr", 1])
        self.steps += [self.step() for _ in range(r.randint(2, 9))]

    def pick(self, *weighted):
        v = self.r.choices([v for _, v in weighted], [w for w, _ in weighted])[0]
        return v() if callable(v) else v

    def step(self):
        return self.pick((20, self.datagram), (12, self.icmp_error), (6, self.icmp), (4, self.other), (14, self.send), (18, self.receive),
                         (14, self.option), (10, self.call))

    def who(self):
        return self.r.choice([0, 0, 0, 1])

    def size(self):
        return self.r.choice([0, 1, 7, 8, 100, 1000, 1472, 1473, 2000, 3000])

    def header(self, k):
        r = self.r
        if r.random() < .2:
            k["ttl"] = r.choice([0, 1, 2, 61, 255])
        if r.random() < .2:
            k["tos"] = r.choice([2, 0x10, 0xb8, 255])
        if r.random() < .12:
            k["ipopt"] = r.choice(["nop", "rr", "alert", "lsrr", "odd", "bad", "end"])
        if r.random() < .1:
            k["piece"] = r.choice([8, 64, 800])
            k["backward"] = r.randrange(2)
            k["id"] = r.randrange(1, 65536)
        if r.random() < .1:
            k["df"] = 1
        if r.random() < .04:
            k |= r.choice([{"ihl": 4}, {"ihl": 7}, {"totlen": 19}, {"totlen": 25}, {"totlen": 4000}, {"ip-bad-checksum": 1}, {"trailing": 5}])
        if r.random() < .15:
            k["from"] = r.choice(["other", "other", "us", "zero", "all", "group", "loop"])
        if r.random() < .15:
            k["to"] = r.choice(["all", "subnet", "group", "foreign", "loop", "zero", "hosts"])
        return k

    def datagram(self):
        r = self.r
        k = {"len": self.size() if r.random() < .5 else 10, "port": self.pick((10, 0), (2, 1), (2, -1)), "at": r.randrange(1000)}
        if r.random() < .1:
            k["sport"] = r.choice([0, 5001, 53])
        if r.random() < .1:
            k["udplen"] = r.choice([0, 7, 8, 9, 12, 5000])
        if r.random() < .08:
            k["spoil"] = 1
        if r.random() < .08:
            k["nosum"] = 1
        return ["udp", self.header(k)]

    def icmp_error(self):
        r = self.r
        kind = r.choice([3, 3, 3, 3, 11, 12, 4, 5])
        k = {"type": kind, "code": r.choice([0, 1, 2, 3, 3, 3, 4, 4, 5, 6, 9, 10, 13, 15, 16]) if kind == 3 else r.randrange(3), "about": 1,
             "quoted": r.choice([8, 8, 8, 28, 4, 0, 7, 500])}
        if k["type"] == 3 and k["code"] == 4:
            k["b"] = r.choice([0, 68, 296, 552, 1000, 1492, 1500, 9000])
        if r.random() < .05:
            k["spoil"] = 1
        if r.random() < .15:
            k["from"] = "other"
        return ["icmp", k]

    def icmp(self):
        r = self.r
        k = {"type": self.pick((10, 8), (3, 0), (2, 13), (1, 17), (1, 15), (1, 10), (1, 9), (1, 30), (1, 42), (1, 14)),
             "code": r.choice([0, 0, 0, 1]), "a": r.choice([7, 1]), "b": r.randrange(4),
             "len": self.pick((5, 56), (1, 0), (1, 12), (1, 1472), (1, 3000))}
        if r.random() < .08:
            k["spoil"] = 1
        return ["icmp", self.header(k)]

    def other(self):
        return ["ip", self.header({"proto": self.r.choice([RAW_PROTOCOL, RAW_PROTOCOL, 132, 255, 0]), "len": self.size()})]

    def target(self):
        return self.pick((10, ("peer", 5000)), (2, ("other", 5000)), (1, ("peer", 0)), (1, ("all", 5000)), (1, ("subnet", 5000)),
                         (1, ("group", 5000)), (1, ("us", 9)), (1, ("any", 9)), (1, ("foreign", 5000)), (1, ("hosts", 5000)))

    def send(self):
        r = self.r
        control = [r.choice(["ttl", "tos", "badttl", "info", "alien", "seg", "opts", "junk", "foreign"])] if r.random() < .2 else []
        n = self.pick((10, self.size()), (1, 65507), (1, 65508), (1, 30000))
        flags = NOSIGNAL | self.pick((12, 0), (2, MORE), (1, DONTWAIT), (1, CONFIRM), (1, 1), (1, 4))
        if self.kinds[0][0] == 3 or self.kinds[1][0] == 3:
            flags &= ~MORE  # Linux's raw sockets cork, ours send

        if r.random() < .1:
            return ["call", self.who(), "ping", r.choice([8, 8, 0, 13]), r.choice([0, 56, 2000])]
        if r.random() < .05:
            return ["call", self.who(), "hdr", r.randrange(2), r.choice([RAW_PROTOCOL, 17]), r.randrange(2)]
        if r.random() < .5:
            return ["call", self.who(), "send", n, flags, control]
        return ["call", self.who(), "sendto", n, flags, control, *self.target()]

    def receive(self):
        return ["call", self.who(), self.pick((10, "recv"), (3, "peek"), (2, "trunc"), (2, "peektrunc"), (6, "errq"), (1, "waitall"), (1, "oob")),
                self.r.choice([0, 1, 5, 100, 5000, 5000])]

    def option(self):
        r = self.r
        if r.random() < .12:
            return ["call", self.who(), "ipopt", r.choice(list(IPOPT))]
        if r.random() < .1:
            return ["call", self.who(), "group", r.choice([35, 35, 36])]
        if r.random() < .2:
            return ["call", self.who(), "get", r.choice(list(READ))]
        name = r.choice(list(OPTIONS))
        return ["call", self.who(), "set", name, r.choice(OPTIONS[name][2])]

    def call(self):
        r = self.r
        return self.pick((5, lambda: ["call", self.who(), "connect", *self.target()]), (2, lambda: ["call", self.who(), "connect", "none", 0]),
                         (4, lambda: ["call", self.who(), "bind", r.choice(["any", "us", "peer", "group", "loop", "all", "subnet"]),
                                      r.choice([0, 1, -1])]),
                         (2, lambda: ["call", self.who(), "shutdown", r.randrange(3)]), (2, lambda: ["call", self.who(), "close"]),
                         (3, lambda: ["call", self.who(), "get", "error"]), (2, lambda: ["call", self.who(), "socket", *r.choice(self.kinds)]))


# --- Running and comparing --------------------------------------------------------------------------------------------------
def run(os_, seeds):
    traces = []
    gc.disable()
    for i, seed in enumerate(seeds):
        os_.begin()
        talk = Talk(os_, seed)  # not @i: addresses are quoted, and are to be the same when it is run again
        traces.append([talk.step(step) for step in Planner(seed).steps])
        talk.end()
        if i % 500 == 0:
            gc.collect()
    return traces


on_linux = functools.partial(segments.on_linux, program=__file__)


def known(step, theirs, mine):
    """Differs by intention: nothing behind it can be compared."""
    if step[0] == "icmp":
        k = step[1]
        if k["type"] == 13:
            return True  # the time is nobody's business (RFC 1122, 3.2.2.8: MAY)
        if (k["type"], k["code"]) == (11, 1):
            return True  # an application that asks hears of each error (RFC 1122, 4.1.3.3), of pieces that were lost too
        if k["type"] == 8 and "ipopt" in k:
            return True  # options are not sent back: they are a stranger's wish
    if step[0] in ("udp", "ip", "icmp") and step[1].get("ipopt") in ("bad", "rr"):
        return True  # broken options end a datagram in silence; what is quoted is what came, not what Linux recorded in it
    if step[0] in ("udp", "ip", "icmp") and step[1].get("to") == "zero":
        return True  # 0.0.0.0 is no broadcast address any more (RFC 1122, 3.2.1.3)
    if step[0] == "call" and step[2] in ("send", "sendto") and theirs["result"] == "EFAULT":
        return True  # Linux wants two bytes of ICMP header
    if step[0] == "call" and step[2] == "send" and mine["result"] == "EINVAL" and theirs["result"] == str(step[3]):
        return True  # Linux sends to port 0 when connected to it
    if step[0] == "call" and step[2] in ("send", "sendto") and "ENETUNREACH" == mine["result"] and theirs["result"] == "EINVAL":
        return True  # of a source that is not ours raw sockets of Linux that connected say something else
    if step[0] == "call" and (theirs["result"], mine["result"]) == ("EINVAL", "ENOTSUP"):
        return True  # too short and out of band at once
    if step[0] == "call" and [said.replace(" df 1", " df 0") for said in mine["out"]] == theirs["out"] and len(mine["out"]) > 1:
        return True  # DF of what UDP_SEGMENT cuts follows the segments here, all of it there
    return False


def differs(theirs, mine):
    out = [(name, theirs[name], mine[name]) for name in ("result", "out") if theirs[name] != mine[name]]
    return out + [(k, theirs["look"].get(k), mine["look"].get(k)) for k in sorted(theirs["look"].keys() | mine["look"].keys())
                  if theirs["look"].get(k) != mine["look"].get(k)]


def first_difference(seed, linux, ours):
    raw = set()
    for n, (step, a, b) in enumerate(zip(Planner(seed).steps, linux, ours)):
        if step[:1] + step[2:3] == ["call", "socket"]:
            raw = raw | {step[1]} if step[3] == 3 else raw - {step[1]}
        if step[:1] + step[2:4] == ["call", "connect", "none"] and step[1] in raw:
            return None  # such a raw socket of Linux hears nothing any more
        d = differs(a, b)
        if d:
            return None if known(step, a, b) else (n, d)
    return None


def tell(seed, linux, ours, last):
    print(f"seed {seed}")
    for n, (step, a, b) in enumerate(zip(Planner(seed).steps, linux, ours)):
        print(f"  {' '.join(map(str, step))}" + (f" -> {a['result']}" if a["result"] is not None else ""))
        for line in a["out"] if a["out"] == b["out"] else []:
            print(f"        {line}")
        for name, x, y in differs(a, b):
            print(f"    {name}:\n        Linux     {x}\n        Doorbell  {y}")
        if n == last:
            break


def unlike(a, b, n):
    return bool(differs(a[n], b[n]))


def own_steps(_):
    return 0


def sort_key(seed, n, diff):
    """Under which heading a difference counts."""
    step = Planner(seed).steps[n]
    if step[0] == "call":
        what = " ".join(map(str, step[2:4] if step[2] in ("set", "get", "ipopt") else step[2:3]))
    else:
        what = f"{step[0]} {step[1].get('type', '')}"
    return f"{', '.join(name for name, *_ in diff)} | {what}"


if __name__ == "__main__":
    sys.exit(segments.main(sys.modules[__name__]))
