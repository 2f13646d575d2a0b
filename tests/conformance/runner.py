# SPDX-License-Identifier: MIT
"""Runs the statements of a script against one stack, and says what came instead of what was expected."""
import ctypes
import errno
import select
import socket
import struct

import packets
from packets import FLAGS, ICMP, TCP, UDP, pattern
from script import PacketSpec, Script, ScriptError, duration, endpoint, integer
from stack import CMSG, START_US, Stack, sockaddr

ERRNO = errno.errorcode | {errno.EOPNOTSUPP: "EOPNOTSUPP"}
STATES = dict(enumerate("ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING".split(), 1))
POLL = {"IN": select.POLLIN, "OUT": select.POLLOUT, "ERR": select.POLLERR, "HUP": select.POLLHUP, "RDHUP": select.POLLRDHUP,
        "NVAL": select.POLLNVAL, "PRI": select.POLLPRI}
SHUT = {"RD": 0, "WR": 1, "RDWR": 2}
MSG = {"PEEK": socket.MSG_PEEK, "DONTWAIT": socket.MSG_DONTWAIT, "WAITALL": socket.MSG_WAITALL, "TRUNC": socket.MSG_TRUNC,
       "MORE": socket.MSG_MORE, "DONTROUTE": socket.MSG_DONTROUTE, "EOR": socket.MSG_EOR, "FASTOPEN": 0x20000000,
       "OOB": socket.MSG_OOB, "NOSIGNAL": socket.MSG_NOSIGNAL}
IOCTL = {"FIONREAD": 0x541B, "SIOCINQ": 0x541B, "SIOCOUTQ": 0x5411, "SIOCOUTQNSD": 0x894B, "SIOCATMARK": 0x8905, "FIONBIO": 0x5421}
LEVELS = {"SO": socket.SOL_SOCKET, "IP": socket.IPPROTO_IP, "TCP": socket.IPPROTO_TCP, "UDP": socket.IPPROTO_UDP}
OPTIONS = {"TCP_USER_TIMEOUT": 18, "TCP_FASTOPEN_NO_COOKIE": 34, "IP_MTU_DISCOVER": 10, "IP_MTU": 14, "TCP_WINDOW_CLAMP": 10, "IP_RECVERR": 11,
           "UDP_CORK": 1, "TCP_FASTOPEN_CONNECT": 30, "TCP_FASTOPEN_KEY": 33,
           "UDP_SEGMENT": 103, "IP_MULTICAST_ALL": 49, "IP_PKTINFO": 8, "IP_RECVTTL": 12, "IP_RECVORIGDSTADDR": 20,
           "TCP_INQ": 36, "SO_BINDTOIFINDEX": 62, "SO_SNDBUFFORCE": 32, "SO_RCVBUFFORCE": 33, "TCP_QUICKACK": 12, "SO_MAX_PACING_RATE": 47}
MSG_ERRQUEUE = 0x2000
IP_CONTROL = {1: "IP_TOS", 2: "IP_TTL", 6: "IP_RECVOPTS", 7: "IP_RETOPTS", 8: "IP_PKTINFO", 20: "IP_ORIGDSTADDR"}
TCP_CONTROL = {36: "TCP_INQ"}
OF_ADDRESSES = ("IP_ADD_MEMBERSHIP", "IP_DROP_MEMBERSHIP", "IP_MULTICAST_IF")  # struct ip_mreq, or one address
# struct ip_mreq_source: group, source (the option wants them around the address of a device)
OF_SOURCES = {"IP_ADD_SOURCE_MEMBERSHIP": 39, "IP_DROP_SOURCE_MEMBERSHIP": 40, "IP_BLOCK_SOURCE": 38, "IP_UNBLOCK_SOURCE": 37}
OPTIONS.update(OF_SOURCES, IP_MSFILTER=41, IP_FREEBIND=15, IP_TRANSPARENT=19, IP_MINTTL=21, TCP_SAVE_SYN=27, TCP_SAVED_SYN=28,
               SO_INCOMING_CPU=49)


class Flow:
    """Who talks to whom, and where the sequence numbers begin."""

    def __init__(self, peer, ours, isn):
        self.peer, self.ours = peer, ours  # (address, port)
        self.our_isn = self.our_ts = None  # our_ts: what a script's 0 is in our timestamps
        self.peer_isn = isn


class Failure(Exception):
    """The stack did something else."""


def begin_for(script, lib, seed):
    """When to begin, in us: numbers of connections grow by one every 4 us, so any wish for our first one can be met."""
    if script.our_isn is None:
        return START_US
    probe = Script(script.path, script.our_isn_probe)
    probe.seed = script.seed
    runner = Runner(probe, lib, seed)
    runner.run()
    return START_US + ((script.our_isn - runner.main.our_isn) & 0xffffffff) * 4


class Runner:
    """One script against one stack."""

    def __init__(self, script, lib, seed=0):
        self.script = script
        self.stack = Stack(lib, script.seed + seed, begin_for(script, lib, seed))
        self.sockets, self.taken, self.given = {}, {}, {}  # name -> descriptor; descriptor -> bytes read, written
        self.headers = {}  # descriptor -> bytes of header that come with each message (raw, ping)
        self.datagrams = set()  # descriptors whose pattern begins anew with each message
        self.flows = {}
        self.statement = None
        self.tolerance = script.tolerance
        self._flow("a", packets.address(script.peer), 5000, packets.address(script.ip), 80, script.isn)
        self.main = self.flows["a"]
        self.last_in = self.last_id = None

    def _flow(self, name, peer, peer_port, ours, our_port, isn):
        self.flows[name] = Flow((peer, peer_port), (ours, our_port), isn)

    def run(self):
        """Raises Failure or ScriptError."""
        s = self.script
        r = self.stack.start(s.ip, s.prefixlen, s.gateway, s.mtu)
        if r:
            raise ScriptError(f"{s.path}: the stack does not start: {ERRNO.get(-r, r)}")
        try:
            for name, value in s.tunes:
                r = self.stack.lib.tune(name.encode(), value.encode())
                if r:
                    raise ScriptError(f"{s.path}: tune {name} {value}: {ERRNO.get(-r, r)}")
            for self.statement in s.statements:
                self._one(self.statement)
            self.no_packets()
        finally:
            self.stack.stop()

    def _one(self, st):
        if st.run not in ("run_out", "run_nothing"):
            if st.time:
                self.stack.advance(self.when(st))
            self.no_packets()
        try:
            getattr(self, st.run)(*st.args)
        except (ValueError, IndexError, KeyError, struct.error) as e:
            raise ScriptError(f"{self.script.path}:{st.line}: {e}: {st.text}") from None
        except ScriptError as e:
            raise ScriptError(f"{self.script.path}:{st.line}: {e}: {st.text}") from None

    def when(self, st):
        if not st.time:
            return self.stack.now
        return st.time[1] + (self.stack.now if st.time[0] == "+" else self.stack.begin)

    def fail(self, expected, came):
        raise Failure(f"expected {expected}\n   came: {came}")

    def isns(self, p):
        """First sequence numbers of the flow that a packet belongs to."""
        for f in self.flows.values():
            if p.sport is None or {(p.src, p.sport), (p.dst, p.dport)} != {f.peer, f.ours}:
                continue
            syns = [x.seq for x in self.stack.all if x.out and x.flags and x.flags & FLAGS["SYN"] and x.dport == f.peer[1]]
            return syns[0] if f.our_isn is None and syns else f.our_isn, f.peer_isn
        return None

    def line_of(self, p):
        return packets.one_line(p, self.stack.begin, self.isns(p))

    def no_packets(self):
        if self.stack.sent:
            self.fail("no packet", self.line_of(self.stack.sent[0]))

    # --- statements ---
    def run_ignore(self, acks):
        """Acknowledgments without text are of no interest from here on."""
        self.stack.ignore = (lambda p: p.flags == FLAGS["ACK"] and not p.payload) if acks else None

    def run_flow(self, name, peer, ours, isn):
        p, o = endpoint(peer, packets.address(self.script.peer)), endpoint(ours, packets.address(self.script.ip))
        self._flow(name, *p, *o, self.script.isn if isn is None else isn)
        if name == "a":
            self.main = self.flows["a"]

    def run_nothing(self, how_long):
        st = self.statement
        if st.time:
            raise ScriptError("'nothing for' has its own time")
        self.no_packets()
        end = self.stack.now + how_long
        self.stack.advance(end, True)
        if self.stack.sent:
            self.fail(f"nothing for {how_long} us", self.line_of(self.stack.sent[0]))

    def flow_for(self, spec):
        if spec.flow is None:
            return self.main
        if spec.flow not in self.flows:
            raise ScriptError(f"there is no flow '{spec.flow}'")
        return self.flows[spec.flow]

    def run_in(self, spec):
        flow = self.flow_for(spec)
        step, total = spec.keys.get("as"), spec.keys.get("len", 0)
        if not step:
            self.deliver(self.build(spec, flow, 0, total))
            return
        for off in range(0, total, step):
            self.deliver(self.build(spec, flow, off, min(step, total - off)))

    def deliver(self, raw):
        self.last_in = raw
        self.stack.rx(raw)

    def build(self, spec, flow, off, size):
        """The bytes of a packet from the peer: @size bytes of payload at @off of what the script states."""
        if spec.raw is not None:
            return spec.raw
        k = spec.keys
        src, dst = k.get("src", flow.peer[0]), k.get("dst", flow.ours[0])
        spoil = 1 if k.get("bad-checksum") else 0
        if spec.proto == TCP:
            body = self.tcp_body(spec, flow, off, size, src, dst, spoil)
        elif spec.proto == UDP:
            payload = spec.data if spec.data is not None else pattern(0, size)
            head = struct.pack("!HHHH", flow.peer[1], flow.ours[1], k.get("udplen", 8 + len(payload)), 0)
            body = packets.transport(src, dst, UDP, head, payload, 6, spoil)
            if k.get("no-checksum"):
                body = body[:6] + b"\0\0" + body[8:]
        elif spec.proto == ICMP:
            body = self.icmp_body(spec, flow, size, spoil)
        else:
            body = spec.data if spec.data is not None else pattern(0, size)
        if "piece" in k:
            at, n = k["piece"]
            k = {"mf": at + n < len(body), **k, "offset": at}
            body = body[at:at + n]
        return packets.ip(src, dst, k.get("proto", spec.proto), body, k)

    def tcp_body(self, spec, flow, off, size, src, dst, spoil):
        k = spec.keys
        rel = k.get("seq", 0) + off
        payload = spec.data if spec.data is not None else pattern(rel - (0 if spec.flags & FLAGS["SYN"] else 1), size)
        seq = (flow.peer_isn + rel) & 0xffffffff
        ack = ((flow.our_isn or 0) + k["ack"]) & 0xffffffff if "ack" in k else 0
        options = spec.options.raw(flow.our_ts or 0, flow.our_isn or 0) if spec.options else b""
        doff = k.get("doff", 5 + len(options) // 4)
        if flow.ours[1] is None:
            raise ScriptError("our port is not known yet: nothing was sent on this flow")
        head = struct.pack("!HHIIBBHHH", flow.peer[1], flow.ours[1], seq, ack, doff << 4 | k.get("reserved", 0), spec.flags,
                           k.get("win", 65535), 0, k.get("urg", 0)) + options
        return packets.transport(src, dst, TCP, head, payload, 16, spoil)

    def icmp_body(self, spec, flow, size, spoil):
        k = spec.keys
        if spec.type in (0, 8, 13, 14, 17):
            rest, payload = struct.pack("!HH", k.get("id", 0), k.get("echo-seq", 0)), pattern(0, size)
        else:
            rest, payload = struct.pack("!HH", 0, k.get("mtu", 0)), self.quote(k, flow)
        body = struct.pack("!BBH", spec.type, spec.code, 0) + rest + payload
        return body[:2] + struct.pack("!H", packets.checksum(body) ^ spoil) + body[4:]

    def quote(self, k, flow):
        """The datagram of ours that an ICMP error is about: the last one sent on the flow, changed as the script says."""
        mine = [p for p in self.stack.all if p.out and (p.dst, p.dport) == flow.peer
                or p.out and p.proto not in (TCP, UDP) and p.dst == flow.peer[0]]
        if not mine:
            raise ScriptError("nothing was sent on this flow that an error could be about")
        raw = bytearray(mine[-1].raw[:mine[-1].hlen + k.get("quote-len", 8)])
        if "quote-seq" in k:
            raw[24:28] = struct.pack("!I", ((flow.our_isn or 0) + k["quote-seq"]) & 0xffffffff)
        if k.get("quote-foreign"):
            raw[12:16] = packets.address("203.0.113.9")
        return bytes(raw)

    def run_out(self, spec):
        st = self.statement
        flow = self.flow_for(spec)
        step, total = spec.keys.get("as"), spec.keys.get("len", 0)
        if not step:
            self.one_out(spec, flow, 0, total, st)
            return
        for off in range(0, total, step):
            self.one_out(spec, flow, off, min(step, total - off), st if not off else None)

    def one_out(self, spec, flow, off, size, st):
        now = self.stack.now
        at = self.when(st) if st else now
        tolerance = st.tolerance if st and st.tolerance is not None else self.tolerance
        self.stack.advance(at + tolerance, True)
        if not self.stack.sent:
            self.fail(self.expectation(spec, at, off, size), "nothing till then")
        p = self.stack.sent.pop(0)
        wrong = self.compare(spec, flow, p, off, size)
        if not wrong and abs(p.time - at) > tolerance:
            wrong = [f"it comes {abs(p.time - at) / 1000:g} ms too {'early' if p.time < at else 'late'}"]
        if wrong:
            self.fail(self.expectation(spec, at, off, size), self.line_of(p) + "".join("\n         " + w for w in wrong))

    def expectation(self, spec, at, off, size):
        part = f" (bytes {off} to {off + size})" if "as" in spec.keys else ""
        return f"{(at - self.stack.begin) / 1e6:.6f} {self.statement.text}{part}"

    def compare(self, spec, flow, p, off, size):
        """What is different, in words."""
        k, wrong = spec.keys, []

        def check(name, want, have):
            if want != have:
                wrong.append(f"{name} is {have}, not {want}")
        if not p.ok and spec.proto is not None:
            return ["malformed, or a wrong checksum"]
        check("protocol", k.get("proto") if spec.proto is None else spec.proto, p.proto)
        if wrong:
            return wrong
        check("source", packets.dotted(k.get("src", flow.ours[0])), packets.dotted(p.src))
        check("destination", packets.dotted(k.get("dst", flow.peer[0])), packets.dotted(p.dst))
        for name in ("ttl", "tos", "id"):
            if name in k and spec.proto != ICMP:
                check(name, k[name], getattr(p, name))
        if "df" in k:
            check("DF", 1, p.df)
        if not p.offset:
            check("IP options", k.get("ipopt", b"").hex(), p.raw[20:p.hlen].hex())
        if "piece" in k:
            self.compare_piece(spec, flow, p, size, check)
            return wrong
        check("fragment", False, bool(p.mf or p.offset))
        if wrong:
            return wrong
        {TCP: self.compare_tcp, UDP: self.compare_udp, ICMP: self.compare_icmp, None: self.compare_ip}[spec.proto](
            spec, flow, p, off, size, check)
        return wrong

    def ports(self, flow, p, check):
        if flow.ours[1] is None:
            flow.ours = (flow.ours[0], p.sport)
        check("source port", flow.ours[1], p.sport)
        check("destination port", flow.peer[1], p.dport)

    def compare_tcp(self, spec, flow, p, off, size, check):
        k = spec.keys
        self.ports(flow, p, check)
        flags = p.flags
        if "as" in k:
            flags = flags & ~FLAGS["PSH"] | spec.flags & FLAGS["PSH"]
        check("flags", packets.flag_names(spec.flags), packets.flag_names(flags))
        if flow.our_isn is None and p.flags & FLAGS["SYN"]:
            flow.our_isn = p.seq
        if "seq" in k:
            check("seq", (k["seq"] + off) & 0xffffffff, (p.seq - (flow.our_isn or 0)) & 0xffffffff)
        if "ack" in k:
            check("ack", k["ack"], (p.ack - flow.peer_isn) & 0xffffffff)
        if "win" in k:
            check("win", k["win"], p.win)
        if "urg" in k:
            check("urg", k["urg"], p.urg)
        check("len", size if spec.data is None else len(spec.data), len(p.payload))
        check("reserved bits", 0, p.reserved)
        if spec.options != "any":
            self.compare_options(spec, flow, p, check)
        want = spec.data
        if want is None and size == len(p.payload) and not p.flags & FLAGS["RST"]:
            first = p.seq + (1 if p.flags & FLAGS["SYN"] else 0)  # data on a SYN is the stream's begin
            want = pattern((first - (flow.our_isn or 0) - 1) & 0xffffffff, size)
        if want is not None and want != p.payload:
            check("payload", want[:16].hex(), p.payload[:16].hex())

    def compare_options(self, spec, flow, p, check):
        """Our first timestamp is what the script says it is (1 where it says anything), and from it the others count."""
        want = spec.options.items() if spec.options else []
        have = packets.options_items(p.options)
        self.first_timestamp(flow, have, next((v[0] for name, *v in want if name == "timestamp"), None))
        have = packets.options_relative(have, flow.our_ts or 0, flow.peer_isn)
        shown = have
        if len(want) == len(have):  # what may be anything is
            shown = [tuple(None if w is None else h for w, h in zip(want_one, have_one)) if len(want_one) == len(have_one) else have_one
                     for want_one, have_one in zip(want, have)]
        check("options", packets.options_text(want), packets.options_text(shown))

    def first_timestamp(self, flow, items, stated=None):
        for name, *v in items:
            if name == "timestamp" and flow.our_ts is None:
                flow.our_ts = (v[0] - (1 if stated is None else stated)) & 0xffffffff

    def compare_udp(self, spec, flow, p, _off, size, check):
        self.ports(flow, p, check)
        want = pattern(0, size) if spec.data is None else spec.data
        check("len", len(want), len(p.payload))
        check("payload", want[:16].hex(), p.payload[:16].hex())

    def compare_piece(self, spec, flow, p, size, check):
        """A fragment is the same bytes of the whole datagram, and says where they belong."""
        at, n = spec.keys["piece"]
        whole = self.whole_out(spec, flow, size)
        check("offset", at, p.offset)
        check("more fragments", int(at + n < len(whole)), p.mf)
        check("DF", 0, p.df)
        check("len", n, len(p.body))
        check("payload", whole[at:at + n][:16].hex(), p.body[:16].hex())
        check("all of the payload", True, whole[at:at + n] == p.body)
        if at and self.last_id is not None:
            check("id", self.last_id, p.id)
        self.last_id = p.id

    def whole_out(self, spec, flow, size):
        """What we must send, from the transport header on."""
        payload = pattern(0, size) if spec.data is None else spec.data
        if spec.proto == UDP:
            head = struct.pack("!HHHH", flow.ours[1], flow.peer[1], 8 + len(payload), 0)
            return packets.transport(flow.ours[0], flow.peer[0], UDP, head, payload, 6)
        head = struct.pack("!BBHHH", spec.type, spec.code, 0, spec.keys.get("id", 0), spec.keys.get("echo-seq", 0))
        return head[:2] + struct.pack("!H", packets.checksum(head + payload)) + head[4:] + payload

    def compare_ip(self, spec, _flow, p, _off, size, check):
        want = pattern(0, size) if spec.data is None else spec.data
        check("len", len(want), len(p.payload))
        check("payload", want[:16].hex(), p.payload[:16].hex())

    def compare_icmp(self, spec, flow, p, _off, size, check):
        k = spec.keys
        check("type/code", f"{spec.type}/{spec.code}", f"{p.type}/{p.code}")
        if spec.type in (0, 8):
            check("id", k.get("id", 0), p.rest[0] << 8 | p.rest[1])
            check("sequence number", k.get("echo-seq", 0), p.rest[2] << 8 | p.rest[3])
            want = pattern(0, size) if spec.data is None else spec.data
            check("len", len(want), len(p.payload))
            check("payload", want[:16].hex(), p.payload[:16].hex())
        else:
            quoted = p.payload
            check("quoted bytes", True, len(quoted) >= 28)
            check("quote", self.last_in[:len(quoted)].hex(), quoted.hex())

    # --- calls ---
    def run_call(self, target, name, args):
        value = getattr(self, "call_" + name)(args)
        if target:
            if not isinstance(value, int) or value < 0:
                self.fail(f"a descriptor from {name}()", self.text(value))
            self.sockets[target] = value

    def text(self, value):
        if isinstance(value, int) and value < 0:
            return ERRNO.get(-value, str(value))
        return str(value)

    def result(self, value, default="0"):
        """Compares a call's value with what the statement says."""
        want = self.statement.result if self.statement.result is not None else default
        if want == "any":
            return value
        if self.text(value) != want:
            self.fail(f"{self.statement.text}{'' if self.statement.result else ' -> ' + want}", self.text(value))
        return value

    def fd(self, name):
        if name not in self.sockets:
            raise ScriptError(f"there is no socket '{name}'")
        return self.sockets[name]

    def call_socket(self, args):
        kind = {"tcp": (socket.SOCK_STREAM, 0), "udp": (socket.SOCK_DGRAM, 0), "ping": (socket.SOCK_DGRAM, ICMP)}.get(args[0])
        if args[0] == "raw" and len(args) == 2:
            kind = (socket.SOCK_RAW, integer(args[1]))
        elif not kind or len(args) == 2:
            raise ScriptError("socket(tcp), socket(udp), socket(ping) or socket(raw, PROTOCOL)")
        value = self.stack.lib.socket(socket.AF_INET, *kind)
        if args[0] != "tcp":
            self.datagrams.add(value)
            self.headers[value] = {"raw": 20, "ping": 8}.get(args[0], 0)
        if self.statement.result is not None:
            self.result(value)
        return value

    def call_bind(self, args):
        host, port = endpoint(args[1], bytes(4))
        self.result(self.stack.lib.bind(self.fd(args[0]), sockaddr(host, port), 16))

    def call_listen(self, args):
        self.result(self.stack.lib.listen(self.fd(args[0]), integer(args[1])))

    def call_accept(self, args):
        value = self.stack.lib.accept(self.fd(args[0]), None, None)
        if self.statement.result is not None:
            self.result(value)
        return value

    def new_peer(self, host, port):
        """We connect to somebody no flow stands for: the main flow does, from whatever port we take."""
        if all(flow.peer != (host, port) for flow in self.flows.values()):
            self.main.peer, self.main.ours, self.main.our_isn = (host, port), (self.main.ours[0], None), None

    def call_connect(self, args):
        if args[1] == "none":
            return self.result(self.stack.lib.connect(self.fd(args[0]), sockaddr(bytes(4), 0, socket.AF_UNSPEC), 16))
        host, port = endpoint(args[1], packets.address(self.script.peer))
        self.new_peer(host, port)
        return self.result(self.stack.lib.connect(self.fd(args[0]), sockaddr(host, port), 16), "EINPROGRESS")

    def call_send(self, args):
        fd, size = self.fd(args[0]), integer(args[1])
        flags = sum(MSG[f] for f in args[2:])
        at = self.given.get(fd, 0)
        value = self.stack.send(fd, pattern(at, size), flags)
        if value > 0 and fd not in self.datagrams:
            self.given[fd] = at + value
        return self.result(value, str(size))

    def call_sendto(self, args):
        size = integer(args[1])
        host, port = endpoint(args[2], packets.address(self.script.peer))
        fd, flags = self.fd(args[0]), sum(MSG[f] for f in args[3:])
        if flags & MSG["FASTOPEN"] and fd not in self.given:
            self.new_peer(host, port)
        value = self.stack.send(fd, pattern(0, size), flags, sockaddr(host, port))
        if value > 0 and flags & MSG["FASTOPEN"]:
            self.given[fd] = value
        return self.result(value, str(size))

    def call_ping(self, args):
        """An echo request: number, bytes, to whom (or the peer of connect())."""
        seq, size = integer(args[1]), integer(args[2])
        to = sockaddr(packets.address(args[3]), 0) if len(args) > 3 else None
        message = struct.pack("!BBHHH", 8, 0, 0, 0, seq) + pattern(0, size)
        return self.result(self.stack.send(self.fd(args[0]), message, 0, to), str(8 + size))

    def call_recv(self, args):
        fd, size = self.fd(args[0]), integer(args[1])
        flags = sum(MSG[f] for f in args[2:])
        value, data, out, _ = self.stack.recv(fd, size, flags)
        want = self.statement.result or str(size)
        truncated = ", TRUNC" if out & socket.MSG_TRUNC else ""
        if want.startswith('"'):
            came = f'"{data.decode("latin-1")}"' if value >= 0 else self.text(value)
            if want != came + truncated:
                self.fail(f"recv() -> {want}", came + truncated)
        elif want != self.text(value) + truncated:
            self.fail(f"recv() -> {want}", self.text(value) + truncated)
        elif value > 0 and not flags & socket.MSG_TRUNC and (text := data[self.headers.get(fd, 0):]) != pattern(
                self.taken.get(fd, 0), len(text)):
            self.fail("the bytes that were sent", data[:16].hex() + " ...")
        if value > 0 and not flags & socket.MSG_PEEK and fd not in self.datagrams:
            self.taken[fd] = self.taken.get(fd, 0) + value

    def call_sendmsg(self, args):
        """Bytes to whom ("peer": of connect()), with control messages NAME VALUE; of IP_RETOPTS the bytes."""
        size, control = integer(args[1]), b""
        to = None if args[2] == "peer" else sockaddr(*endpoint(args[2], packets.address(self.script.peer)))
        for item in args[3:]:
            name, _, value = item.partition(" ")
            level, kind = self.option(name)
            raw = bytes.fromhex(value) if name == "IP_RETOPTS" else struct.pack("=i", integer(value))
            control += CMSG.pack(CMSG.size + len(raw), level, kind) + raw + bytes(-len(raw) % 8)
        return self.result(self.stack.send(self.fd(args[0]), pattern(0, size), 0, to, control), str(size))

    def call_recvmsg(self, args):
        """Bytes and control messages: "10, IP_TTL 61"; an address and a port where there are both."""
        value, _, out, _ = self.stack.recv(self.fd(args[0]), integer(args[1]), sum(MSG[f] for f in args[2:]))
        words = [self.text(value)]
        for level, kind, raw in self.stack.control_messages() if value >= 0 else []:
            name = IP_CONTROL.get(kind, str(kind)) if level == socket.IPPROTO_IP else TCP_CONTROL.get(kind, f"{level}/{kind}")
            if kind in (6, 7):
                words.append(f"{name} {raw.hex()}")
            elif kind == 8:
                words.append(f"{name} {socket.inet_ntoa(raw[4:8])} {socket.inet_ntoa(raw[8:12])}")
            elif kind == 20:
                words.append(f"{name} {socket.inet_ntoa(raw[4:8])}:{int.from_bytes(raw[2:4], 'big')}")
            else:
                words.append(f"{name} {int.from_bytes(raw, 'little')}")
        if out & socket.MSG_CTRUNC:
            words.append("CTRUNC")
        return self.result(", ".join(words) if value >= 0 else value)

    def call_recverr(self, args):
        """The oldest error of the queue: "10, ECONNREFUSED icmp 3/3 from 192.0.2.1 to 192.0.2.1:5000"."""
        value, _, _, name = self.stack.recv(self.fd(args[0]), integer(args[1]), MSG_ERRQUEUE)
        if value < 0:
            return self.result(value)
        raw = next(raw for level, kind, raw in self.stack.control_messages() if (level, kind) == (socket.IPPROTO_IP, 11))
        err, origin, kind, code, _, info, _ = struct.unpack_from("=I4BII", raw)
        words = f"{value}, {ERRNO.get(err, err)} " + (f"icmp {kind}/{code}" if origin == 2 else "local")
        if info:
            words += f" info {info}"
        if origin == 2:
            words += f" from {socket.inet_ntoa(raw[20:24])}"
        return self.result(words + f" to {socket.inet_ntoa(name[4:8])}:{int.from_bytes(name[2:4], 'big')}")

    def call_shutdown(self, args):
        self.result(self.stack.lib.shutdown(self.fd(args[0]), SHUT[args[1]] if args[1] in SHUT else integer(args[1])))

    def call_close(self, args):
        self.result(self.stack.lib.close(self.fd(args[0])))

    def call_close_blocks(self, args):
        if self.stack.close_blocking(self.fd(args[0])):
            self.fail("close() that waits", f"it returns {self.text(self.stack.sleeper.result)} at once")

    def call_close_returns(self, args):
        self.fd(args[0])
        self.stack.run()
        if not self.stack.sleeper or self.stack.sleeper.result is None:
            self.fail("close() has returned", "it still waits")
        self.result(self.stack.sleeper.result)

    def option(self, name):
        level = LEVELS.get(name.partition("_")[0])
        value = OPTIONS.get(name, getattr(socket, name, None))
        if level is None or not isinstance(value, int):
            raise ScriptError(f"unknown option {name}")
        return level, value

    def call_setsockopt(self, args):
        level, option = self.option(args[1])
        if option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO) and level == socket.SOL_SOCKET:
            us = duration(args[2])
            raw = struct.pack("=qq", us // 1000000, us % 1000000)
        elif args[1] == "TCP_CONGESTION":
            raw = args[2].encode()
        elif args[1] == "IP_OPTIONS":
            raw = b"" if args[2] == "none" else bytes.fromhex(args[2])
        elif args[1] in OF_ADDRESSES:
            raw = b"".join(map(packets.address, args[2:]))
        elif args[1] in OF_SOURCES:
            raw = packets.address(args[2]) + bytes(4) + packets.address(args[3])
        elif args[1] == "IP_MSFILTER":  # group, INCLUDE or EXCLUDE, sources
            sources = [packets.address(a) for a in args[4:]]
            raw = packets.address(args[2]) + struct.pack("=4xII", args[3] == "INCLUDE", len(sources)) + b"".join(sources)
        else:
            raw = struct.pack(f"={len(args) - 2}I", *(integer(a) & 0xffffffff for a in args[2:]))
        self.result(self.stack.lib.setsockopt(self.fd(args[0]), level, option, raw, len(raw)))

    def call_getsockopt(self, args):
        level, option = self.option(args[1])
        r, raw = self.stack.getsockopt(self.fd(args[0]), level, option)
        if r < 0:
            return self.result(r)
        if args[1] in ("TCP_CONGESTION", "SO_BINDTODEVICE"):
            value = raw.rstrip(b"\0").decode()
        elif args[1] == "IP_OPTIONS":
            value = raw.hex()
        elif args[1] in ("TCP_FASTOPEN_KEY", "TCP_SAVED_SYN"):
            value = raw.hex() or "none"
        else:
            value = ", ".join(map(str, struct.unpack(f"={len(raw) // 4}i", raw)))
        return self.result(value)

    def call_ioctl(self, args):
        buf = ctypes.create_string_buffer(struct.pack("=i", -1), 4)
        r = self.stack.lib.ioctl(self.fd(args[0]), IOCTL[args[1]], buf)
        return self.result(r if r else struct.unpack("=i", buf.raw)[0])

    def call_poll(self, args):
        mask = self.stack.lib.poll(self.fd(args[0]))
        return self.result("|".join(n for n, bit in POLL.items() if mask & bit) or "0")

    def call_error(self, args):
        r, raw = self.stack.getsockopt(self.fd(args[0]), socket.SOL_SOCKET, socket.SO_ERROR)
        return self.result(r if r else -struct.unpack("=i", raw)[0])

    def call_state(self, args):
        info = self.stack.info(self.fd(args[0]))
        return self.result(STATES.get(info["state"], info["state"]) if isinstance(info, dict) else -info)

    def call_info(self, args):
        info = self.stack.info(self.fd(args[0]))
        if isinstance(info, dict) and args[1] not in info:
            raise ScriptError(f"tcp_info has no '{args[1]}'")
        return self.result(info[args[1]] if isinstance(info, dict) else -info)

    def call_tune(self, args):
        return self.result(self.stack.lib.tune(args[0].encode(), " ".join(args[1].split()).encode()))

    # --- whole handshakes ---
    def settings(self, args, ecr):
        k = {"mss": 1460, "win": 65535, "wscale": None, "rtt": 10000, "port": None, "ts": None, "sackok": None}
        for a in args:
            key, _, value = a.partition(" ")
            if key not in k:
                raise ScriptError(f"'{a}': mss, win, wscale, rtt, port, ts, sackok")
            k[key] = True if key == "sackok" and not value else duration(value) if key == "rtt" else integer(value)
        k["options"] = f"<mss {k['mss']}" + (", sackok" if k["sackok"] else "") + (
            f", timestamp {k['ts']} {ecr}" if k["ts"] is not None else "") + (
            f", nop, wscale {k['wscale']}" if k["wscale"] is not None else "") + ">"
        k["then"] = f"<nop, nop, timestamp {k['ts']} 1>" if k["ts"] is not None else ""
        return k

    def take(self, flags):
        """The next packet, which must be there and have these flags."""
        self.stack.advance(self.stack.now, True)
        if not self.stack.sent:
            self.fail(f"a {packets.flag_names(flags)} of the handshake", "nothing")
        p = self.stack.sent.pop(0)
        if p.flags != flags or not p.ok:
            self.fail(f"a {packets.flag_names(flags)} of the handshake", self.line_of(p))
        return p

    def call_accepted(self, args):
        """A connection that the peer opened to a listener made for it; the listener is closed again."""
        k, lib, f = self.settings(args, 0), self.stack.lib, self.main
        one = struct.pack("=i", 1)
        listener = lib.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
        lib.setsockopt(listener, socket.SOL_SOCKET, socket.SO_REUSEADDR, one, 4)
        if lib.bind(listener, sockaddr(bytes(4), f.ours[1]), 16) or lib.listen(listener, 1):
            self.fail("a listener", "none")
        self.deliver(self.build(PacketSpec(f"SYN seq 0 win {min(k['win'], 65535)} {k['options']}"), f, 0, 0))
        synack = self.take(FLAGS["SYN"] | FLAGS["ACK"])
        f.our_isn = synack.seq
        self.first_timestamp(f, packets.options_items(synack.options))
        self.stack.advance(self.stack.now + k["rtt"])
        self.deliver(self.build(PacketSpec(f"ACK seq 1 ack 1 win {k['win']} {k['then']}"), f, 0, 0))
        fd = lib.accept(listener, None, None)
        lib.close(listener)
        return fd

    def call_connected(self, args):
        """A connection that we opened to the peer's port (8080)."""
        k, lib, f = self.settings(args, 1), self.stack.lib, self.main
        fd = lib.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
        f.peer, f.ours = (f.peer[0], k["port"] or 8080), (f.ours[0], None)
        r = lib.connect(fd, sockaddr(*f.peer), 16)
        if r != -errno.EINPROGRESS:
            self.fail("connect() -> EINPROGRESS", self.text(r))
        syn = self.take(FLAGS["SYN"])
        f.ours, f.our_isn = (f.ours[0], syn.sport), syn.seq
        self.first_timestamp(f, packets.options_items(syn.options))
        self.stack.advance(self.stack.now + k["rtt"])
        self.deliver(self.build(PacketSpec(f"SYN,ACK seq 0 ack 1 win {k['win']} {k['options']}"), f, 0, 0))
        self.take(FLAGS["ACK"])
        return fd
