# SPDX-License-Identifier: MIT
"""A link with one guest on it: frames as UDP datagrams (-netdev dgram), built and read with scapy.

Interface: Lab(kernel, ...) boots a guest and keeps its link; lab.host() -> Host, a neighbour with an address of its own that the
guest knows; host.probe(frames) -> what the guest answered to that host, and proof that it lives; Tcp, one connection by hand.

A thread reads the link, answers ARP for every host that wants it, and keeps each frame with its time.
"""
import itertools
import re
import socket
import struct
import threading
import time

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from pages import Counters
from qemu import Guest, Machine, shell_line

GUEST, GUEST_MAC = "10.0.2.15", "52:54:00:12:34:56"
GATEWAY, GATEWAY_MAC = "10.0.2.2", "52:55:0a:00:02:02"
BROADCAST = "ff:ff:ff:ff:ff:ff"
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
PATIENCE = 25.0  # seconds until an answer that must come is missing: the machine may have much else to do
STAMPNS = 35  # SO_TIMESTAMPNS: when the frame came to our socket, however late we look at it


class Link:
    """Both ends of -netdev dgram: ours is open, QEMU's port is free a moment ago."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.setsockopt(socket.SOL_SOCKET, STAMPNS, 1)
        self.sock.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            self.remote = other.getsockname()
        self.log = []  # (time, frame) of everything the guest sent
        self.news = threading.Condition()
        self.answers = {}  # address -> link address, for who answers ARP
        self.open = True
        self.ending = False  # hosts have forgotten their connections and reset what still comes
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    @property
    def netdev(self):
        return f"dgram:{self.remote[1]}:{self.sock.getsockname()[1]}"

    def send(self, frame):
        self.sock.sendto(bytes(frame), self.remote)

    def read(self):
        try:
            while self.open:
                self.read_one()
        except OSError:  # closed meanwhile
            pass

    def read_one(self):
        raw, notes, _, _ = self.sock.recvmsg(65536, 64)
        at = came(notes)
        frame = Ether(raw)
        if ARP in frame and frame[ARP].op == 1 and frame[ARP].psrc != frame[ARP].pdst:
            mac = self.answers.get(frame[ARP].pdst)
            if mac:
                self.send(is_at(frame[ARP].pdst, mac, frame[ARP].psrc, frame[ARP].hwsrc))
        if self.ending and TCP in frame and not frame[TCP].flags.R:
            self.send(Ether(dst=frame.src, src=frame.dst) / IP(src=frame[IP].dst, dst=frame[IP].src) /
                      TCP(sport=frame[TCP].dport, dport=frame[TCP].sport, flags="R", seq=frame[TCP].ack))
        with self.news:
            self.log.append((at, frame))
            self.news.notify_all()

    def mark(self):
        return len(self.log)

    def wait(self, wanted, since, timeout=PATIENCE):
        """The first frame from position @since on that @wanted accepts, as its position; None when none comes in time."""
        end = time.monotonic() + timeout
        with self.news:
            while True:
                while since < len(self.log):
                    if wanted(self.log[since][1]):
                        return since
                    since += 1
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.news.wait(left)

    def close(self):
        self.open = False
        self.sock.close()


def came(notes):
    """When a frame came, on the monotonic clock."""
    for _, kind, data in notes:
        if kind == STAMPNS:
            sec, ns = struct.unpack("qq", data)
            return time.monotonic() - (time.time() - sec - ns / 1e9)
    return time.monotonic()


def is_at(addr, mac, to, to_mac):
    return Ether(dst=to_mac, src=mac) / ARP(op=2, hwsrc=mac, psrc=addr, hwdst=to_mac, pdst=to)


def who_has(addr, mac, target):
    return Ether(dst=BROADCAST, src=mac) / ARP(op=1, hwsrc=mac, psrc=addr, pdst=target)


class Lab:
    """One guest and the link it hangs on; ends with finish()."""

    def __init__(self, kernel, folder, append, module_args="", limit=900):
        self.link = Link()
        self.guest = Guest(self.make_machine(kernel, folder, append, module_args))
        self.guest.limit = limit
        self.command = shell_line(self.guest.machine.command())
        self.outcome = None
        self.expected = {}  # drop reason -> how often a test has asked for it
        self.numbers = itertools.count(1)
        self.link.answers[GATEWAY] = GATEWAY_MAC

    def make_machine(self, kernel, folder, append, module_args):
        return Machine(kernel=kernel, append=f"stats=1 {append} -- {module_args}", pcap=folder / "wire.pcap",
                       serial=folder / "wire.serial", net=self.link.netdev)

    status = property(lambda self: self.outcome.status if self.outcome else "running")
    why = property(lambda self: self.outcome.why if self.outcome else "")
    serial = property(lambda self: self.guest.text)
    counters = property(lambda self: Counters(self.serial))

    def wait_ready(self, pattern="endpoint: ready", limit=60):
        """The program runs and the NIC receives: QEMU's e1000 is deaf for the first second."""
        assert self.guest.wait_for(pattern, limit), self.guest.text[-2000:]
        gateway = Host(self, GATEWAY, GATEWAY_MAC)
        timeout, end = 0.05, time.monotonic() + 2 * PATIENCE
        while time.monotonic() < end:
            if gateway.ping(timeout=timeout):
                return gateway
            timeout = min(2, 1.1 * timeout)  # a busy machine may take longer over every one of them
        raise AssertionError("the guest does not answer a ping")

    def host(self, known=True):
        """A host of its own address in 10.0.0.0/22; @known: the guest has its link address already."""
        n = next(self.numbers)
        host = Host(self, f"10.0.{n // 200}.{20 + n % 200}", f"52:55:0a:00:{n // 200:02x}:{20 + n % 200:02x}")
        if known:
            host.introduce()
        return host

    def expect_drop(self, reason, times=1):
        self.expected[reason] = self.expected.get(reason, 0) + times

    def drops(self):
        return {m[1]: int(m[2]) for m in
                re.finditer(r"^\s*(\w+):?\s+(\d+)\s*$", self.counters.pages.get("/proc/net/drops", ""), re.M)}

    def ask_to_end(self):
        Host(self, GATEWAY, GATEWAY_MAC).udp(1, b"quit")

    def finish(self):
        """Tells the program to quit; Outcome."""
        if not self.outcome:
            self.link.ending = True
            if self.guest.process.poll() is None:
                self.ask_to_end()
            self.guest.limit = min(self.guest.limit, time.monotonic() - self.guest.started + 25)
            self.outcome = self.guest.finish(self.guest.limit)
            self.link.close()
        return self.outcome


class Host:
    """A neighbour of the guest."""

    pings = itertools.count(1)
    ports = itertools.count(20000)

    def __init__(self, lab, addr, mac):
        self.lab, self.link, self.addr, self.mac = lab, lab.link, addr, mac

    def introduce(self):
        """Asks for the guest, which thereby learns who asks."""
        self.link.answers[self.addr] = self.mac
        since = self.link.mark()
        self.link.send(who_has(self.addr, self.mac, GUEST))
        assert self.link.wait(lambda f: ARP in f and f[ARP].op == 2 and f[ARP].pdst == self.addr, since) is not None, \
            "no answer to ARP"

    def ether(self, **fields):
        return Ether(**{"dst": GUEST_MAC, "src": self.mac, "type": 0x0800, **fields})

    def ip(self, **fields):
        """Ethernet and IP header to the guest."""
        return self.ether() / IP(**{"src": self.addr, "dst": GUEST, **fields})

    def echo(self, data=b"", **fields):
        return self.ip(**fields) / ICMP(id=7, seq=1) / data

    def to_me(self, frame):
        return IP in frame and frame[IP].dst == self.addr

    def answers(self, since):
        return [f for _, f in self.link.log[since:] if self.to_me(f)]

    def probe(self, *frames, among=None):
        """Sends @frames, then a ping; everything the guest sent to this host in between (@among: a wider choice)."""
        since = self.link.mark()
        for frame in frames:
            self.link.send(frame)
        end = self.ping(since=since)
        assert end is not None, "the guest is dead or deaf"
        choice = among or self.to_me
        return [f for _, f in self.link.log[since:end] if choice(f)]

    def ping(self, timeout=PATIENCE, since=None):
        """Position of the answer, None without."""
        assert self.lab.guest.process.poll() is None, "the guest has ended"
        seq = next(self.pings) & 0xffff
        since = self.link.mark() if since is None else since
        self.link.send(self.ip() / ICMP(id=0x4242, seq=seq))
        return self.link.wait(lambda f: ICMP in f and f[ICMP].type == 0 and f[ICMP].id == 0x4242 and f[ICMP].seq == seq,
                              since, timeout)

    def hear(self, wanted, since, timeout=PATIENCE):
        """The first frame to this host from @since on that @wanted accepts."""
        at = self.link.wait(lambda f: self.to_me(f) and wanted(f), since, timeout)
        assert at is not None, f"nothing came; since then: {[f.summary() for _, f in self.link.log[since:]]}"
        return self.link.log[at][1]

    def udp(self, port, data=b"", sport=4000, **fields):
        self.link.send(self.ip(**fields) / UDP(sport=sport, dport=port) / data)

    def udp_echo(self, *frames, data=None):
        """Sends @frames, then a datagram to the echo port; what that port answered before the answer to it."""
        data = data or b"mark %d" % next(self.pings)
        since = self.link.mark()
        for frame in frames:
            self.link.send(frame)
        self.udp(7, data, sport=4999)
        end = self.link.wait(lambda f: self.to_me(f) and UDP in f and f[UDP].dport == 4999 and bytes(f[UDP].payload)[:len(data)] == data,
                             since)
        assert end is not None, "no answer from the echo port"
        return [f for _, f in self.link.log[since:end] if self.to_me(f)]

    def order(self, text, answer=None, timeout=PATIENCE):
        """An order to the program; its report, the one that starts with @answer."""
        since = self.link.mark()
        self.udp(1, text.encode(), sport=4001)
        return self.report(answer, since, timeout) if answer else since

    def report(self, start, since, timeout=PATIENCE):
        return payload(self.hear(lambda f: UDP in f and f[UDP].sport == 1 and payload(f).startswith(start.encode()), since,
                                 timeout)).decode()


def payload(frame):
    """What TCP or UDP carries, without Ethernet's padding."""
    layer = frame[TCP] if TCP in frame else frame[UDP]
    header = layer.dataofs * 4 if TCP in frame else 8
    raw = bytes(frame)[14:14 + frame[IP].len]
    return raw[frame[IP].ihl * 4 + header:]


def pad_of(frame):
    """The bytes behind the packet."""
    size = frame[IP].len if IP in frame else 28
    return bytes(frame)[14 + size:]


class Tcp:
    """A connection to the guest, segment by segment. seq: what we send next; ack: what we expect next."""

    def __init__(self, host, port, seq=1000, sport=None, window=65535):
        self.host, self.port, self.seq, self.ack = host, port, seq, 0
        self.sport = sport or next(Host.ports)
        self.window = window
        self.since = host.link.mark()

    def segment(self, flags, data=b"", seq=None, ack=None, **fields):
        """One segment as a frame; nothing moves."""
        tcp = {"sport": self.sport, "dport": self.port, "flags": flags, "window": self.window,
               "seq": self.seq if seq is None else seq & 0xffffffff,
               "ack": (self.ack if ack is None else ack & 0xffffffff) if flags & ACK or ack is not None else 0}
        return self.host.ip() / TCP(**{**tcp, **fields}) / data

    def send(self, flags, data=b"", **fields):
        """Sends, and takes the sequence space."""
        self.since = self.host.link.mark()
        self.host.link.send(self.segment(flags, data, **fields))
        self.seq = self.seq + len(data) + bool(flags & SYN) + bool(flags & FIN) & 0xffffffff

    def mine(self, frame):
        return TCP in frame and frame[TCP].dport == self.sport and frame[TCP].sport == self.port

    def hear(self, wanted=lambda f: True, since=None, timeout=PATIENCE):
        return self.host.hear(lambda f: self.mine(f) and wanted(f), self.since if since is None else since, timeout)

    def texts(self, since=None):
        """What the guest sent with data in it, from position @since on: (time, frame)."""
        return [(at, f) for at, f in self.host.link.log[self.since if since is None else since:]
                if self.host.to_me(f) and self.mine(f) and payload(f)]

    def probe(self, *frames):
        """What the guest sends at once on this connection; a SYN or FIN that its timer sends again is no answer."""
        def edge(frame):
            return frame[TCP].seq, str(frame[TCP].flags)

        known = {edge(f) for _, f in self.host.link.log if self.host.to_me(f) and self.mine(f)}
        found = []
        for frame in filter(self.mine, self.host.probe(*frames)):
            if not frame[TCP].flags & (SYN | FIN) or edge(frame) not in known:
                found.append(frame)
                known.add(edge(frame))
        return found

    def open(self, rtt=0, **fields):
        """The handshake; the guest's SYN-ACK, acknowledged after @rtt seconds."""
        self.send(SYN, **fields)
        syn_ack = self.hear(lambda f: f[TCP].flags == "SA")
        assert syn_ack[TCP].ack == self.seq
        self.ack = syn_ack[TCP].seq + 1 & 0xffffffff
        if rtt:
            time.sleep(rtt)
        self.send(ACK)
        return syn_ack

    def echo(self, data=b"still here"):
        """The data come back, and in order."""
        self.send(PSH | ACK, data)
        since, got = self.since, b""
        while len(got) < len(data):
            frame = self.hear(lambda f: payload(f) and f[TCP].seq == self.ack, since)
            got += payload(frame)
            self.ack = self.ack + len(payload(frame)) & 0xffffffff
        assert got == data
        self.send(ACK)

    def is_dead(self):
        """A segment that fits gets a reset: there is no connection.

        One that meets the socket while its program is still inside close() may be dropped with it: asked again then.
        """
        for _ in range(3):
            seen = [str(f[TCP].flags) for f in self.probe(self.segment(ACK))]
            if seen:
                break
        return seen == ["R"]

    def close(self):
        """Our FIN, the guest's, our ACK: the guest is in CLOSED afterwards."""
        self.send(FIN | ACK)
        fin = self.hear(lambda f: f[TCP].flags.F)
        self.ack = fin[TCP].seq + 1 & 0xffffffff
        self.send(ACK)


def shape(frames):
    return [str(f[TCP].flags) for f in frames]


def is_ack(frame, conn):
    """A bare ACK with exactly the numbers of @conn."""
    tcp = frame[TCP]
    return tcp.flags == "A" and tcp.seq == conn.ack and tcp.ack == conn.seq and payload(frame) == b""


__all__ = ["ACK", "ARP", "BROADCAST", "Ether", "FIN", "GATEWAY", "GATEWAY_MAC", "GUEST", "GUEST_MAC", "Host", "ICMP", "IP", "Lab",
           "PSH", "RST", "Raw", "SYN", "TCP", "Tcp", "UDP", "URG", "is_ack", "is_at", "pad_of", "payload", "shape", "who_has"]
