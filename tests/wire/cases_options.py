# SPDX-License-Identifier: MIT
"""TCP options that both sides agree on: timestamps, selective acknowledgment, congestion notification; SYN cookies."""
import errno
import time

from scapy.layers.inet import IP, TCP

from rig import case
from wire_peer import ACK, PSH, RST, SYN, Tcp, payload

ECE, CWR = 0x40, 0x80

MODERN = (("MSS", 1000), ("SAckOK", b""), ("Timestamp", (1000, 0)), ("NOP", None), ("WScale", 7))
SACK_ONLY = (("MSS", 1000), ("SAckOK", b""))
FAST_OPEN = 34
COOKIE_ASKED = (FAST_OPEN, b"")


def option(frame, name):
    return dict(o for o in frame[TCP].options).get(name)


def cookie_of(frame):
    """Fast Open's cookie, b"" when one is asked for; None without the option."""
    raw, at = bytes(frame[TCP])[20:frame[TCP].dataofs * 4], 0
    while at < len(raw) and raw[at]:
        size = 1 if raw[at] == 1 else raw[at + 1]
        if raw[at] == FAST_OPEN:
            return raw[at + 2:at + size]
        at += size
    return None


class Stamped:
    """A connection with timestamps: every segment bears them."""

    def __init__(self, t, options=MODERN):
        self.t = t
        listener, port = t.listen()
        self.conn = Tcp(t.host, port)
        self.conn.send(SYN, options=list(options))
        self.syn_ack = self.conn.hear(lambda f: f[TCP].flags == "SA")
        self.conn.ack = self.syn_ack[TCP].seq + 1 & 0xffffffff
        self.now, self.echo = dict(options)["Timestamp"][0] + 1, option(self.syn_ack, "Timestamp")[0]
        t.link.send(self.segment(ACK))
        self.fd = t.agent.accept(listener)

    def segment(self, flags, data=b"", stamp=None, **fields):
        stamp = self.now if stamp is None else stamp
        return self.conn.segment(flags, data, options=[("NOP", None), ("NOP", None), ("Timestamp", (stamp & 0xffffffff, self.echo))], **fields)

    def say(self, data, **how):
        """Sends data; what comes back at once."""
        found = self.conn.probe(self.segment(ACK | PSH, data, **how))
        self.conn.seq += len(data)
        return found

    def lives(self):
        self.now += 10
        self.say(b"alive")
        assert self.t.agent.recv(self.fd) == b"alive"


@case("R19", "timestamps, when both sides offer them, stand on every segment, and a reset may do without")
def on_every_segment(t):
    c = Stamped(t)
    assert option(c.syn_ack, "Timestamp")[1] == 1000
    c.lives()
    since = t.link.mark()
    t.agent.send(c.fd, bytes(1800))
    c.conn.hear(lambda f: f[TCP].flags.P, since)
    t.agent.shutdown(c.fd)
    c.conn.hear(lambda f: f[TCP].flags.F, since)
    seen = [f for _, f in t.link.log[c.conn.since:] if t.host.to_me(f) and TCP in f and c.conn.mine(f)]
    assert len(seen) >= 4 and all(option(f, "Timestamp") for f in seen)
    assert max(len(payload(f)) for f in seen) == 988  # the option's bytes are part of the MSS (RFC 6691)


@case("R19", "timestamps are not used unless the peer offers them")
def not_offered(t):
    listener, port = t.listen()
    conn = Tcp(t.host, port)
    assert option(conn.open(options=[("MSS", 1460)]), "Timestamp") is None
    t.lives(conn, t.agent.accept(listener))


@case("R19", "what is echoed is the stamp of the segment that moved the edge, not of one that came too early")
def echo_rule(t):
    c = Stamped(t)
    found = c.conn.probe(c.segment(ACK | PSH, b"later", stamp=3000, seq=c.conn.seq + 100))
    assert [option(f, "Timestamp")[1] for f in found] == [1001]
    found = c.say(b"x" * 100, stamp=2000)
    assert [option(f, "Timestamp")[1] for f in found if f[TCP].ack == c.conn.seq + 5] == [2000]


@case("R19", "two connections do not show the same clock")
def clocks(t):
    stamps = [Stamped(t).echo for _ in range(3)] + [Stamped(t, MODERN).echo for t.host in [t.lab.host()]]
    assert max(stamps) - min(stamps) > 100000


@case("R20", "a segment with an old stamp is answered and dropped", ("by_two", -2), ("opposite", -(1 << 30)))
def old_stamp(t, by):
    c = Stamped(t)
    c.now = 5000
    c.lives()
    time.sleep(0.6)
    found = c.conn.probe(c.segment(ACK | PSH, b"evil", stamp=c.now + by))
    assert len(found) == 1 and found[0][TCP].ack == c.conn.seq
    c.lives()


@case("R20", "a reset is believed whatever its stamp")
def old_reset(t):
    c = Stamped(t)
    c.now = 5000
    c.lives()
    c.conn.probe(c.segment(RST | ACK, stamp=10))
    assert t.agent.call(6, c.fd, 0, 10).result == -errno.ECONNRESET


@case("R20", "stamps run over like sequence numbers")
def stamps_wrap(t):
    c = Stamped(t, (("MSS", 1000), ("Timestamp", (0xfffffff0, 0))))
    for _ in range(3):
        c.lives()


def blocks(frame):
    raw = option(frame, "SAck") or ()
    return list(zip(raw[::2], raw[1::2]))


@case("R12", "what came beyond a hole is reported, the newest block first, at most four of them")
def newest_first(t):
    conn, fd = t.accepted(syn={"options": list(SACK_ONLY)})
    start = conn.seq
    wanted = []
    for i in (1, 3, 5, 7, 9):
        wanted.insert(0, (start + 100 * i, start + 100 * i + 100))
        since = t.link.mark()
        t.link.send(conn.segment(ACK, b"s" * 100, seq=start + 100 * i))
        assert blocks(conn.hear(since=since)) == wanted[:4], i
    conn.probe(conn.segment(ACK, b"s" * 900))


@case("R12", "blocks that meet are one")
def blocks_join(t):
    conn, _ = t.accepted(syn={"options": list(SACK_ONLY)})
    start = conn.seq
    conn.probe(conn.segment(ACK, b"s" * 100, seq=start + 100))
    conn.probe(conn.segment(ACK, b"s" * 100, seq=start + 300))
    since = t.link.mark()
    t.link.send(conn.segment(ACK, b"s" * 100, seq=start + 200))
    assert blocks(conn.hear(since=since)) == [(start + 100, start + 400)]


@case("R12", "a peer that did not offer it gets no blocks")
def no_blocks(t):
    conn, _ = t.accepted()
    since = t.link.mark()
    t.link.send(conn.segment(ACK, b"s" * 100, seq=conn.seq + 100))
    assert blocks(conn.hear(since=since)) == []


@case("R13", "a piece beyond the hole that comes twice is said so, with the block that holds it")
def duplicate_in_a_block(t):
    conn, _ = t.accepted(syn={"options": list(SACK_ONLY)})
    start = conn.seq
    conn.probe(conn.segment(ACK, b"d" * 300, seq=start + 100))
    found = conn.probe(conn.segment(ACK, b"d" * 100, seq=start + 200))
    assert [blocks(f) for f in found] == [[(start + 200, start + 300), (start + 100, start + 400)]]


@case("R13", "what came twice is said so: a first block below the acknowledgment")
def duplicate_block(t):
    conn, fd = t.accepted(syn={"options": list(SACK_ONLY)})
    start = conn.seq
    conn.send(ACK | PSH, b"d" * 100)
    conn.hear(lambda f: f[TCP].ack == conn.seq)
    found = conn.probe(conn.segment(ACK | PSH, b"d" * 100, seq=start))
    assert [(f[TCP].ack, blocks(f)[:1]) for f in found] == [(conn.seq, [(start, start + 100)])]


@case("R21", "congestion notification is agreed when the peer asks for it", ("asked", ECE | CWR, True), ("not_asked", 0, False))
def ecn_agreed(t, bits, agreed):
    listener, port = t.listen()
    conn = Tcp(t.host, port)
    conn.send(SYN | bits)
    syn_ack = conn.hear(lambda f: f[TCP].flags & 0x12 == 0x12)
    assert bool(syn_ack[TCP].flags.E) == agreed and not syn_ack[TCP].flags.C
    conn.ack = syn_ack[TCP].seq + 1 & 0xffffffff
    conn.send(ACK)
    fd = t.agent.accept(listener)
    since = t.link.mark()
    t.agent.send(fd, b"data")
    frame = conn.hear(payload, since)
    assert frame[IP].tos & 3 == (2 if agreed else 0)  # ECT(0) on data only
    assert syn_ack[IP].tos & 3 == 0


@case("R21", "a mark of congestion is echoed until the peer says that it heard")
def ecn_echo(t):
    listener, port = t.listen()
    conn = Tcp(t.host, port)
    conn.send(SYN | ECE | CWR)
    conn.ack = conn.hear(lambda f: f[TCP].flags & 0x12 == 0x12)[TCP].seq + 1 & 0xffffffff
    conn.send(ACK)
    t.agent.accept(listener)

    def data(flags=ACK | PSH, mark=2):
        frame = conn.segment(flags, b"x" * 100)
        frame[IP].tos = mark
        since = t.link.mark()
        t.link.send(frame)
        conn.seq += 100
        return conn.hear(lambda f: f[TCP].ack == conn.seq, since)[TCP].flags.E

    assert [bool(e) for e in (data(), data(mark=3), data(), data(), data(ACK | PSH | CWR), data())] == [False, True, True, True, False, False]


@case("R21", "an echo of congestion takes back what may be under way, and CWR says so", clock=True)
def ecn_reaction(t):
    listener, port = t.listen()
    conn = Tcp(t.host, port)
    conn.send(SYN | ECE | CWR, options=[("MSS", 200)])
    conn.ack = conn.hear(lambda f: f[TCP].flags & 0x12 == 0x12)[TCP].seq + 1 & 0xffffffff
    time.sleep(0.1 * t.factor)  # a round trip so long that no timer is in the way
    conn.send(ACK)
    fd = t.agent.accept(listener)
    t.agent.sending(fd, bytes(6000))
    conn.hear(lambda f: f[TCP].seq == conn.ack + 1800 & 0xffffffff)
    conn.ack += 1800
    since = t.link.mark()
    t.link.send(conn.segment(ACK | ECE))
    assert conn.hear(payload, since)[TCP].flags.C
    t.host.ping()
    assert len({f[TCP].seq for _, f in conn.texts(since)}) <= 9  # one is under way; without the echo it would be eighteen


@case("R21", "who is told to (tcp_ecn=1) asks for congestion notification, and marks data when the peer agrees",
      ("agreed", ECE, 2), ("refused", 0, 0),
      ("nonsense", ECE | CWR, 0))
def ecn_asked(t, bits, mark):
    t.agent.tune("net.ipv4.tcp_ecn=1")
    conn, fd, pending, syn = t.connecting()
    assert syn[TCP].flags.E and syn[TCP].flags.C and syn[IP].tos & 3 == 0
    conn.send(SYN | ACK | bits)
    pending.value()
    since = t.link.mark()
    t.agent.send(fd, b"data")
    assert conn.hear(payload, since)[IP].tos & 3 == mark


@case("T16", "a connection whose SYN was answered with a cookie has the MSS that the peer offered, and carries data",
      ("536", 536, 536), ("1460", 1460, 1460))
def cookie(t, mss, most):
    t.agent.tune("net.ipv4.tcp_syncookies=2")
    listener, port = t.listen()
    conn = Tcp(t.host, port)
    conn.open(options=[("MSS", mss)])
    fd = t.agent.accept(listener)
    t.lives(conn, fd)
    since = t.link.mark()
    t.agent.send(fd, bytes(3000))
    sizes = len(payload(conn.hear(payload, since)))
    assert most - 100 <= sizes <= most


@case("T19", "Fast Open: who asks gets a cookie; text with it is read before the handshake ends; with a wrong one it waits",
      ("right", None), ("wrong", b"wrongone"), ("none", b""))
def fast_open(t, wrong):
    t.agent.tune("net.ipv4.tcp_fastopen=3")
    port, fd = t.port(), t.agent.tcp()
    t.agent.set(fd, 6, 23, 8)  # TCP_FASTOPEN
    t.agent.bind(fd, port=port)
    t.agent.do(3, fd, 8)
    first = Tcp(t.host, port)
    granted = cookie_of(first.open(options=[("MSS", 1000), COOKIE_ASKED]))
    assert len(granted) == 8
    t.agent.accept(fd)
    conn = Tcp(t.host, port)
    conn.send(SYN, b"early", options=[("MSS", 1000), (FAST_OPEN, granted if wrong is None else wrong)])
    syn_ack = conn.hear(lambda f: f[TCP].flags == "SA")
    conn.ack = syn_ack[TCP].seq + 1 & 0xffffffff
    if wrong is None:
        assert syn_ack[TCP].ack == conn.seq
        child = t.agent.accept(fd)
        assert t.agent.recv(child) == b"early"
    else:
        assert syn_ack[TCP].ack == conn.seq - 5 and cookie_of(syn_ack) == granted
        conn.seq -= 5
        conn.send(ACK | PSH, b"early")
        child = t.agent.accept(fd)
        assert t.agent.recv(child) == b"early"
    conn.send(ACK)
    t.lives(conn, child)


@case("T19", "Fast Open: our SYN asks for a cookie; the next one brings it, with text; what is not taken goes again",
      ("taken", True), ("left", False))
def fast_open_of_ours(t, taken):
    port, granted = t.port(), b"\x11\x22\x33\x44\x55\x66\x77" + bytes([taken])

    def opening(data):
        fd, since = t.agent.tcp(), t.link.mark()
        pending = t.agent.sending(fd, data, 0x20000000, to=(t.host.addr, port))  # MSG_FASTOPEN
        syn = t.host.hear(lambda f: TCP in f and f[TCP].dport == port and f[TCP].flags == "S", since)
        conn = Tcp(t.host, syn[TCP].sport, sport=port)
        conn.ack = syn[TCP].seq + 1 & 0xffffffff
        return fd, pending, conn, syn

    fd, pending, conn, syn = opening(b"first")
    assert cookie_of(syn) == b"" and not payload(syn)
    conn.send(SYN | ACK, options=[("MSS", 1000), (FAST_OPEN, granted)])
    assert payload(conn.hear(payload)) == b"first"
    fd, pending, conn, syn = opening(b"second")
    assert cookie_of(syn) == granted and payload(syn) == b"second"
    if taken:
        conn.ack += 6
    conn.send(SYN | ACK, options=[("MSS", 1000)])
    if taken:
        conn.hear(lambda f: f[TCP].flags == "A")
        assert pending.value() == 6
    else:
        assert payload(conn.hear(payload)) == b"second"
        conn.ack += 6
        conn.send(ACK)
    t.lives(conn, fd)


@case("T16", "an ACK that no cookie of ours can be is refused")
def no_cookie(t):
    t.agent.tune("net.ipv4.tcp_syncookies=2")
    _, port = t.listen()
    conn = Tcp(t.host, port)
    conn.send(SYN)
    conn.ack = conn.hear(lambda f: f[TCP].flags == "SA")[TCP].seq + 0x40012345 & 0xffffffff
    answer, = conn.probe(conn.segment(ACK))
    assert answer[TCP].flags == "R" and answer[TCP].seq == conn.ack


@case("T16", "scale and selective acknowledgment come back from a cookie through the timestamp")
def cookie_with_stamps(t):
    t.agent.tune("net.ipv4.tcp_syncookies=2")
    c = Stamped(t)
    c.lives()
    found = c.conn.probe(c.segment(ACK | PSH, b"hole", seq=c.conn.seq + 100))
    assert [blocks(f) for f in found] == [[(c.conn.seq + 100, c.conn.seq + 104)]]
