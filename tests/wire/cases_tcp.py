# SPDX-License-Identifier: MIT
"""TCP: segments, options, opening."""
import errno
import random
import struct
import time

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from rig import CLOSED, Late, case, soon
from wire_peer import ACK, FIN, GATEWAY_MAC, GUEST, GUEST_MAC, PSH, RST, SYN, URG, Tcp, is_ack, payload, shape


def fresh(t, **listen):
    """A connection that is not open yet, and its listener."""
    fd, port = t.listen(**listen)
    return Tcp(t.host, port), fd


# --- Segments ------------------------------------------------------------------------------------------------------------------
@case("T1", "a wrong checksum: silence", ("open", True), ("closed", False))
def checksum(t, is_open):
    conn, _ = fresh(t)
    if not is_open:
        conn.port = CLOSED
    assert conn.probe(conn.segment(SYN, chksum=0x1234)) == []


@case("T1", "data with a wrong checksum are neither taken nor acknowledged")
def checksum_of_data(t):
    conn, fd = t.accepted()
    assert conn.probe(conn.segment(ACK | PSH, b"evil", chksum=0x1234)) == []
    t.lives(conn, fd, b"good")


@case("T2", "a data offset below five or past the end: silence", ("0", 0), ("4", 4), ("15", 15))
def data_offset(t, words):
    conn, _ = fresh(t)
    assert conn.probe(conn.segment(SYN, dataofs=words)) == []


@case("T2", "a header that ends in the middle: silence")
def cut_header(t):
    whole = bytes(TCP(sport=5, dport=CLOSED, flags="S"))
    t.silence(*[t.host.ip(proto=6) / whole[:n] for n in range(20)])


def raw_syn(conn, options):
    whole = bytes(IP(src=conn.host.addr, dst=GUEST) / TCP(sport=conn.sport, dport=conn.port, seq=conn.seq, flags="S",
                                                          dataofs=5 + len(options) // 4, window=65535) / options)
    return conn.host.ip(proto=6) / bytes(IP(whole).payload)


@case("T3", "a bad option is no option: the connection opens and carries data",
      ("mss_length_0", b"\x02\0\x05\xb4"), ("mss_length_1", b"\x02\x01\x05\xb4"), ("mss_past_end", b"\x02\x28\x05\xb4"),
      ("mss_length_3", b"\x02\x03\x05\x01"), ("scale_length_2", b"\x03\x02\x01\x01"), ("sack_length_3", b"\x04\x03\x00\x01"),
      ("nop_40", b"\x01" * 40), ("end", b"\0" * 4), ("unknown_253", b"\xfd\x04\x12\x34"), ("unaligned_scale", b"\x03\x03\x07\x01"),
      ("kind_only", b"\x01\x01\x01\x02"))
def odd_options(t, options):
    conn, listener = fresh(t)
    t.link.send(raw_syn(conn, options))
    conn.seq += 1
    syn_ack = conn.hear(lambda f: f[TCP].flags == "SA")
    conn.ack = syn_ack[TCP].seq + 1 & 0xffffffff
    conn.send(ACK)
    t.lives(conn, t.agent.accept(listener))


@case("T4", "the MSS of a SYN-ACK is what the link can carry; the peer's is obeyed, and without one it is 536",
      ("1460", 1460, 1460), ("536", 536, 536), ("none", None, 536), ("1000", 1000, 1000))
def segment_size(t, mss, most):
    conn, listener = fresh(t)
    syn_ack = conn.open(**({"options": [("MSS", mss)]} if mss else {}))
    assert dict(o for o in syn_ack[TCP].options if o[0] == "MSS") == {"MSS": 1460}
    fd = t.agent.accept(listener)
    t.agent.send(fd, bytes(4000))
    frame = conn.hear(payload)
    assert len(payload(frame)) == most and not any(o[0] == "MSS" for o in frame[TCP].options)


@case("T4", "a peer's MSS of nothing does not make segments of nothing", ("0", 0), ("1", 1))
def tiny_segment_size(t, mss):
    conn, listener = fresh(t)
    conn.open(options=[("MSS", mss)])
    t.agent.send(t.agent.accept(listener), bytes(2000))
    assert len(payload(conn.hear(payload))) >= 36


@case("T4", "a SYN of ours names MSS, selective acknowledgment, timestamps and scale, in this order")
def options_of_a_syn(t):
    _, _, _, syn = t.connecting()
    assert [name for name, _ in syn[TCP].options] == ["MSS", "SAckOK", "Timestamp", "NOP", "WScale"]
    assert syn[TCP].options[0] == ("MSS", 1460) and syn[TCP].options[2][1][1] == 0


@case("T4", "a SYN-ACK names what the SYN named, in the same order", ("all", ("MSS", "SAckOK", "Timestamp", "NOP", "WScale")), ("mss", ("MSS",)),
      ("sack", ("MSS", "NOP", "NOP", "SAckOK")), ("stamps", ("MSS", "NOP", "NOP", "Timestamp")), ("scale", ("MSS", "NOP", "WScale")))
def options_of_a_syn_ack(t, names):
    values = {"MSS": 1460, "SAckOK": b"", "Timestamp": (77, 0), "NOP": None, "WScale": 7}
    conn, _ = fresh(t)
    syn_ack = conn.open(options=[(n, values[n]) for n in names if n != "NOP"])
    assert tuple(name for name, _ in syn_ack[TCP].options) == names
    assert names != ("MSS", "NOP", "NOP", "Timestamp") or syn_ack[TCP].options[3][1][1] == 77


@case("T4", "the MSS of a SYN-ACK is obeyed as well", ("536", 536, 536), ("none", None, 536))
def segment_size_of_a_syn_ack(t, mss, most):
    conn, fd = t.connected(options=[("MSS", mss)] if mss else [])
    since = t.link.mark()
    t.agent.send(fd, bytes(4000))
    assert len(payload(conn.hear(payload, since))) == most


@case("T5", "reserved bits are ignored in what comes, zero in what goes", ("1", 1), ("4", 4), ("7", 7))
def reserved(t, bits):
    conn, listener = fresh(t)
    assert conn.open(reserved=bits)[TCP].reserved == 0
    t.lives(conn, t.agent.accept(listener))


@case("T6", "sequence numbers of one pair of ports move with the clock")
def isn_clock(t):
    conn, _ = fresh(t)
    seen = []
    for _ in range(6):
        asked = time.monotonic()
        conn.send(SYN)
        number = conn.hear(lambda f: f[TCP].flags == "SA")[TCP].seq
        seen.append((asked, time.monotonic(), number))
        t.host.probe(conn.segment(RST, seq=conn.seq))
        conn.seq += 1000
        time.sleep(0.01)
    for (begin, _, a), (_, end, b) in zip(seen, seen[1:]):
        assert 0 < (b - a & 0xffffffff) < (end - begin + 0.5) * 32e6


@case("T6", "sequence numbers of other pairs cannot be told from it")
def isn_secret(t):
    _, port = t.listen()
    seen = [Tcp(t.host, port).open()[TCP].seq for _ in range(8)]
    assert sum(1 for a, b in zip(seen, seen[1:]) if b - a & 0xffffffff < 1 << 24) <= 2


# --- CLOSED and LISTEN -----------------------------------------------------------------------------------------------------------
@case("T8", "a closed port answers with a reset, exact in its numbers, and never to a reset",
      ("syn", SYN, b"", ("RA", 0, 1001)), ("syn_data", SYN, b"12345", ("RA", 0, 1006)), ("ack", ACK, b"", ("R", 5000, 0)),
      ("data", ACK | PSH, b"123", ("R", 5000, 0)), ("fin_ack", FIN | ACK, b"", ("R", 5000, 0)), ("syn_ack", SYN | ACK, b"", ("R", 5000, 0)),
      ("fin", FIN, b"", ("RA", 0, 1001)), ("nothing", 0, b"", ("RA", 0, 1000)), ("rst", RST, b"", None), ("rst_ack", RST | ACK, b"", None))
def closed(t, flags, data, expected):
    conn = Tcp(t.host, CLOSED)
    found = conn.probe(conn.segment(flags, data, ack=5000))
    assert [(str(f[TCP].flags), f[TCP].seq, f[TCP].ack) for f in found] == ([expected] if expected else [])


@case("T7", "a listener ignores a reset, refuses an acknowledgment, drops the rest, and goes on listening",
      ("rst", RST, None), ("ack", ACK, 5000), ("syn_ack", SYN | ACK, 5000), ("nothing", 0, None), ("fin", FIN, None), ("rst_ack", RST | ACK, None),
      ("syn_fin", SYN | FIN, None), ("syn_rst", SYN | RST, None), ("christmas", FIN | PSH | URG, None))
def listening(t, flags, expected):
    conn, listener = fresh(t)
    found = conn.probe(conn.segment(flags, ack=5000))
    assert [(str(f[TCP].flags), f[TCP].seq) for f in found] == ([("R", expected)] if expected else [])
    conn.open()
    t.lives(conn, t.agent.accept(listener))


# --- SYN-SENT --------------------------------------------------------------------------------------------------------------------
@case("T9", "connecting: a wrong acknowledgment is refused and changes nothing", ("syn_ack_before", SYN | ACK, -1),
      ("syn_ack_beyond", SYN | ACK, 1), ("ack_before", ACK, -1), ("ack_beyond", ACK, 1))
def wrong_ack(t, flags, by):
    conn, fd, pending, _ = t.connecting()
    answer, = conn.probe(conn.segment(flags, ack=conn.ack + by))
    assert answer[TCP].flags == "R" and answer[TCP].seq == conn.ack + by & 0xffffffff
    conn.send(SYN | ACK)
    assert is_ack(conn.hear(lambda f: f[TCP].flags == "A"), conn)
    assert pending.value() == 0
    t.lives(conn, fd)


@case("T9", "connecting: a reset with a wrong acknowledgment or without one is nothing", ("without", RST, 0), ("before", RST | ACK, -1),
      ("beyond", RST | ACK, 1))
def blind_reset(t, flags, by):
    conn, fd, pending, _ = t.connecting()
    assert conn.probe(conn.segment(flags, ack=conn.ack + by)) == []
    conn.send(SYN | ACK)
    assert pending.value() == 0
    t.lives(conn, fd)


@case("T9", "connecting: a reset that acknowledges the SYN refuses the connection")
def refused(t):
    conn, _, pending, _ = t.connecting()
    assert conn.probe(conn.segment(RST | ACK)) == []
    assert pending.result().result == -errno.ECONNREFUSED


@case("T9", "connecting: segments that are neither SYN nor ACK nor reset are nothing", ("fin", FIN), ("data", PSH), ("none", 0))
def stray(t, flags):
    conn, fd, pending, _ = t.connecting()
    assert conn.probe(conn.segment(flags, b"data")) == []
    conn.send(SYN | ACK)
    assert pending.value() == 0
    t.lives(conn, fd)


@case("T10", "two SYNs cross: SYN-ACK with the same number, then it is open")
def simultaneous(t):
    conn, fd, pending, syn = t.connecting()
    conn.send(SYN)
    both = conn.hear(lambda f: f[TCP].flags == "SA")
    assert both[TCP].seq == syn[TCP].seq and both[TCP].ack == conn.seq
    conn.send(ACK)
    assert pending.value() == 0
    t.lives(conn, fd)


# --- SYN-RECEIVED -----------------------------------------------------------------------------------------------------------------
def half_open(t, **listen):
    conn, listener = fresh(t, **listen)
    conn.send(SYN)
    isn = conn.hear(lambda f: f[TCP].flags == "SA")[TCP].seq
    conn.ack = isn + 1 & 0xffffffff
    return conn, listener


@case("T11", "a half-open connection that is reset is forgotten quietly, and the listener listens")
def reset_half_open(t):
    conn, listener = half_open(t)
    assert conn.probe(conn.segment(RST)) == []
    assert conn.is_dead()
    again = Tcp(t.host, conn.port)
    again.open()
    t.lives(again, t.agent.accept(listener))


@case("T11", "one that we opened and that is reset while both SYNs cross is refused")
def reset_simultaneous(t):
    conn, _, pending, _ = t.connecting()
    conn.send(SYN)
    conn.hear(lambda f: f[TCP].flags == "SA")
    assert conn.probe(conn.segment(RST)) == []
    assert pending.result().result == -errno.ECONNREFUSED


@case("T12", "half open: an ACK beside the mark is refused, and the connection stays", ("before", -1), ("beyond", 1), ("far", 1 << 31))
def beside_the_mark(t, by):
    conn, listener = half_open(t)
    answer, = conn.probe(conn.segment(ACK, ack=conn.ack + by))
    assert answer[TCP].flags == "R" and answer[TCP].seq == conn.ack + by & 0xffffffff
    conn.send(ACK)
    t.lives(conn, t.agent.accept(listener))


@case("T12", "half open: the SYN once more gets the same SYN-ACK")
def syn_again(t):
    conn, listener = half_open(t)
    found = [f for f in t.host.probe(conn.segment(SYN, seq=conn.seq - 1)) if conn.mine(f)]
    assert found and all(f[TCP].flags == "SA" and f[TCP].seq == conn.ack - 1 & 0xffffffff for f in found)
    if len(found) > 1:
        raise Late("its timer has sent it as well")
    conn.send(ACK)
    t.lives(conn, t.agent.accept(listener))


@case("T13", "a SYN is sent again after one second and two more, a SYN-ACK too", ("syn", True), ("syn_ack", False), slow=True, clock=True)
def again_after_a_second(t, active):
    if active:
        conn, _, _, first = t.connecting()
    else:
        conn, _ = half_open(t)
        first = t.link.log[t.link.wait(lambda f: TCP in f and conn.mine(f), conn.since)][1]
    times = [at := t.time_of(first)]
    for wanted in (1, 2):
        again = conn.hear(lambda f: f[TCP].seq == first[TCP].seq, t.link.mark())
        times.append(at := t.time_of(again))
        assert at - times[-2] > 0.8 * wanted
        soon(at - times[-2], 1.6 * wanted)


# --- Queues of a listener -----------------------------------------------------------------------------------------------------------
@case("T14", "beyond the backlog a SYN meets silence, no reset; there is room again when one is taken")
def full_queue(t):
    listener, port = t.listen(backlog=1)
    answers, conns = [], []
    for _ in range(6):
        conn = Tcp(t.host, port)
        found = conn.probe(conn.segment(SYN))
        answers.append(shape(found))
        if found:
            conn.seq, conn.ack = conn.seq + 1, found[0][TCP].seq + 1 & 0xffffffff
            assert "R" not in "".join(shape(conn.probe(conn.segment(ACK))))
            conns.append(conn)
    assert answers[:2] == [["SA"], ["SA"]] and answers[-2:] == [[], []]
    t.agent.accept(listener)
    conn = Tcp(t.host, port)
    conn.open()


def another(frame, rng):
    """A SYN from another address and port; the checksums follow by arithmetic (RFC 1624)."""
    raw = bytearray(frame)
    addr, sport, seq = rng.randrange(1, 0xfffe), rng.randrange(1024, 65536), rng.getrandbits(32)
    raw[28:30], raw[34:36], raw[38:42] = struct.pack("!H", addr), struct.pack("!H", sport), struct.pack("!I", seq)
    for at, added in ((24, addr), (50, addr + sport + (seq >> 16) + (seq & 0xffff))):
        total = (~struct.unpack_from("!H", raw, at)[0] & 0xffff) + added
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        struct.pack_into("!H", raw, at, ~total & 0xffff)
    return bytes(raw)


@case("T15", "a flood of SYNs from nowhere: who means it gets through")
def syn_flood(t):
    rng, (listener, port) = random.Random(5), t.listen(backlog=64)
    frame = bytearray(bytes(Ether(dst=GUEST_MAC, src=GATEWAY_MAC) / IP(src="198.51.0.0", dst=GUEST) / TCP(sport=0, dport=port, seq=0)))
    for i in range(3000):
        t.link.send(another(frame, rng))
        if i % 1000 == 999:
            t.alive()
            started = time.monotonic()
            conn = Tcp(t.host, port)
            conn.open()
            fd = t.agent.accept(listener)
            t.lives(conn, fd, b"let me in")
            soon(time.monotonic() - started, 1.5)


@case("T17", "a scale beyond 14 counts as 14; the window of a SYN is not scaled", ("15", 15), ("255", 255))
def scale(t, shift):
    conn, listener = fresh(t)
    conn.window = 1
    conn.open(options=[("MSS", 1460), ("WScale", shift)])
    fd = t.agent.accept(listener)
    sending = t.agent.sending(fd, bytes(17000))
    since = conn.since
    conn.hear(lambda f: f[TCP].seq == conn.ack + 9 * 1460 & 0xffffffff, since=since)
    time.sleep(0.1)
    seen = {f[TCP].seq: len(payload(f)) for _, f in t.link.log[since:] if t.host.to_me(f) and TCP in f and conn.mine(f)}
    assert 14000 <= sum(seen.values()) <= 16384
    del sending


@case("T17", "whose SYN named no scale gets none, and a window as it stands there")
def no_scale(t):
    conn, listener = fresh(t)
    conn.window = 1000
    syn_ack = conn.open(options=[("MSS", 200)])
    assert "WScale" not in dict(syn_ack[TCP].options)
    t.agent.sending(t.agent.accept(listener), bytes(2000))
    conn.hear(lambda f: payload(f) and f[TCP].seq == conn.ack + 800 & 0xffffffff)
    t.host.ping()
    assert max(f[TCP].seq - conn.ack & 0xffffffff for _, f in conn.texts()) == 800


@case("T18", "data on a SYN are not lost: acknowledged now or when they come again", ("data", SYN), ("pushed", SYN | PSH))
def text_on_the_syn(t, flags):
    conn, listener = fresh(t)
    t.link.send(conn.segment(flags, b"early"))
    syn_ack = conn.hear(lambda f: f[TCP].flags == "SA")
    assert conn.seq + 1 <= syn_ack[TCP].ack <= conn.seq + 7
    conn.seq, conn.ack = conn.seq + 1, syn_ack[TCP].seq + 1 & 0xffffffff
    conn.send(ACK)
    fd = t.agent.accept(listener)
    if syn_ack[TCP].ack < conn.seq + 5:
        conn.send(ACK | PSH, b"early")
    assert t.agent.recv(fd) == b"early"
