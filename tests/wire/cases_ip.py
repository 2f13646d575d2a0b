# SPDX-License-Identifier: MIT
"""IPv4 and ICMP."""
import errno
import struct
import time

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.utils import checksum

from rig import CLOSED, NET_ONES, case, soon
from wire_peer import BROADCAST, GATEWAY_MAC, GUEST, GUEST_MAC, payload


def is_ping(frame):
    """The answer to Host.ping()."""
    return ICMP in frame and frame[ICMP].type == 0 and frame[ICMP].id == 0x4242


def anybody(frame):
    return frame.src == GUEST_MAC and ARP not in frame and not is_ping(frame)


# --- Headers -----------------------------------------------------------------------------------------------------------------
@case("I1", "a wrong header checksum: silence", ("plus_one", 1), ("zero", None))
def header_checksum(t, plus):
    frame = t.host.echo()
    right = IP(bytes(frame[IP])).chksum
    frame[IP].chksum = 0 if plus is None else (right + plus) & 0xffff
    t.silence(frame)


@case("I2", "a header whose version or lengths cannot be: silence",
      ("version_6", {"version": 6}), ("version_0", {"version": 0}), ("ihl_4", {"ihl": 4}), ("ihl_0", {"ihl": 0}), ("len_0", {"len": 0}),
      ("len_19", {"len": 19}), ("len_past_frame", {"len": 1400}), ("len_65535", {"len": 65535}))
def impossible_header(t, bad):
    frame = bytearray(bytes(t.host.echo(**bad)))
    frame[24:26] = b"\0\0"
    frame[24:26] = struct.pack("!H", checksum(bytes(frame[14:14 + max(bad.get("ihl", 5) * 4, 12)])))
    t.silence(bytes(frame))


@case("I2", "a header longer than its packet: silence")
def header_past_packet(t):
    raw = bytearray(bytes(t.host.ether() / IP(src=t.host.addr, dst=GUEST, ihl=15, len=28) / ICMP()).ljust(90, b"\0"))
    raw[24:26] = b"\0\0"
    raw[24:26] = struct.pack("!H", checksum(bytes(raw[14:74])))
    t.silence(bytes(raw))


@case("I3", "what follows the packet in its frame is no part of it", ("padding", b""), ("junk", b"junk" * 100))
def trailing(t, junk):
    fd = t.agent.udp(port := t.port())
    t.link.send(bytes(t.host.ip() / UDP(sport=5, dport=port) / b"x").ljust(60, b"\xee") + junk)
    assert t.agent.recv(fd) == b"x"


@case("I4", "a packet for another host is not forwarded, and nobody is told",
      ("neighbour", "10.0.2.16"), ("far", "192.0.2.9"), ("group", "224.0.0.251"))
def not_for_us(t, target):
    t.silence(t.host.echo(dst=target), t.host.ip(dst=target) / UDP(dport=CLOSED), t.host.ip(dst=target, ttl=1) / UDP(dport=CLOSED),
              among=anybody)


@case("I5", "a source address that no host can have: nothing is answered to anybody",
      *((name, addr) for name, addr in (("loopback", "127.0.0.1"), ("zero", "0.0.0.0"), ("zero_net", "0.1.2.3"),
                                        ("all_ones", "255.255.255.255"), ("group", "224.0.0.1"), ("own", GUEST),
                                        ("subnet_broadcast", NET_ONES))))
def martian(t, source):
    _, port = t.listen()
    up = (ICMP(), UDP(sport=9, dport=CLOSED), TCP(sport=port, dport=port, flags="S"), TCP(sport=9, dport=CLOSED, flags="S"),
          TCP(sport=9, dport=CLOSED, flags="A"))
    t.silence(*[Ether(dst=GUEST_MAC, src=t.host.mac) / IP(src=source, dst=GUEST) / u for u in up], among=anybody)


@case("I6", "127/8 from the wire: silence", ("localhost", "127.0.0.1"), ("last", "127.255.255.254"))
def loopback_from_the_wire(t, target):
    t.silence(t.host.echo(dst=target), among=anybody)


@case("I7", "a datagram to everybody is received, and the answer comes from our own address",
      ("limited", "255.255.255.255"), ("directed", NET_ONES))
def broadcast_received(t, target):
    fd = t.agent.udp(port := t.port())
    t.link.send(Ether(dst=BROADCAST, src=t.host.mac) / IP(src=t.host.addr, dst=target) / UDP(sport=4321, dport=port) / b"all")
    assert t.agent.recv(fd) == b"all"
    since = t.link.mark()
    t.agent.send(fd, b"you", to=(t.host.addr, 4321))
    assert t.host.hear(lambda f: UDP in f, since)[IP].src == GUEST


@case("I8", "what is for us needs no more hops; ours starts with 64", ("ttl_0", 0), ("ttl_1", 1), ("ttl_255", 255))
def hops(t, ttl):
    assert t.one(t.host.echo(ttl=ttl))[IP].ttl == 64
    assert t.one(t.host.ip(ttl=ttl) / TCP(dport=CLOSED, flags="S"))[IP].ttl == 64


@case("I8", "the hop limit of a socket's packets can be set")
def hops_of_a_socket(t):
    fd = t.agent.udp()
    t.agent.set(fd, 0, 2, 7)  # IP_TTL
    since = t.link.mark()
    t.agent.send(fd, b"x", to=(t.host.addr, 99))
    assert t.host.hear(lambda f: UDP in f, since)[IP].ttl == 7


def with_options(host, options, up=bytes(ICMP(id=7) / b"data"), proto=1):
    """A packet with exactly these option bytes, its checksum right."""
    raw = bytearray(bytes(IP(src=host.addr, dst=GUEST, proto=proto, ihl=5 + len(options) // 4, len=20 + len(options) + len(up), chksum=0)))
    raw[20:] = options
    raw[10:12] = struct.pack("!H", checksum(bytes(raw)))
    return bytes(host.ether()) + bytes(raw) + up


@case("I9", "options that are well formed are skipped, and the packet is delivered",
      ("nop", b"\x01" * 40), ("end", b"\0" * 4), ("record_route", b"\x07\x07\x04\0\0\0\0\0"), ("timestamp", b"\x44\x0c\x05\0" + b"\0" * 8),
      ("router_alert", b"\x94\x04\0\0"), ("unknown_200", b"\xc8\x08\1\2\3\4\5\6"))
def good_options(t, options):
    answer = t.one(with_options(t.host, options))
    at = 14 + answer[IP].ihl * 4
    assert bytes(answer)[at] == 0 and bytes(answer)[at + 8:at + 12] == b"data"


@case("I9", "options whose lengths cannot be end the packet, and nothing hangs",
      ("length_0", b"\xc8\0\0\0"), ("length_1", b"\xc8\x01\0\0"), ("length_255", b"\xc8\xff\0\0"), ("past_end", b"\x01\x01\x07\x03"),
      ("no_length", b"\x01\x01\x01\x07"))
def bad_options(t, options):
    found = t.host.probe(with_options(t.host, options))
    assert all(ICMP in f and f[ICMP].type == 12 for f in found)  # parameter problem, or silence


@case("I10", "a packet that wants another way through us does not go on", ("loose", 0x83), ("strict", 0x89))
def source_route(t, kind):
    found = t.host.probe(with_options(t.host, bytes([kind, 7, 4, 10, 0, 2, 99, 0])), among=anybody)
    assert all(f[IP].dst == t.host.addr for f in found)


@case("I11", "packets that may be cut have different identifications, and no host can count another's")
def identification(t):
    a, b = t.host, t.lab.host()
    fd, ids, flags = t.agent.udp(), {a.addr: [], b.addr: []}, set()
    t.agent.set(fd, 0, 10, 0)  # IP_MTU_DISCOVER: never DF
    since = t.link.mark()
    for i in range(12):
        t.agent.send(fd, b"i" * 10, to=(a.addr, 99))
        for _ in range(i % 3):
            t.agent.send(fd, b"i" * 10, to=(b.addr, 99))
    a.ping()
    for _, f in t.from_guest(since, lambda f: UDP in f):
        ids[f[IP].dst].append(f[IP].id)
        flags.add(str(f[IP].flags))
    assert "DF" not in flags
    for seen in ids.values():
        assert len(seen) > 5 and len(set(seen)) == len(seen)
    both = ids[a.addr] + ids[b.addr]
    assert max(both) - min(both) != len(both) - 1, "one counter for all"


@case("I11", "what is cut has an identification of its own each time")
def identification_of_pieces(t):
    fd = t.agent.udp()
    t.agent.set(fd, 0, 10, 0)  # IP_MTU_DISCOVER: may be cut
    since = t.link.mark()
    for _ in range(40):
        t.agent.send(fd, bytes(1600), to=(t.host.addr, 99))
    t.host.ping()
    ids = [f[IP].id for _, f in t.from_guest(since, lambda f: IP in f and f[IP].proto == 17)]
    assert len(ids) == 80 and ids[::2] == ids[1::2] and len(set(ids)) == 40


@case("I22", "where no route leads: an error at once, and no frame", ("group", "224.1.2.3"), ("everybody", "255.255.255.255"), ("directed", NET_ONES))
def no_route(t, target):
    since = t.link.mark()
    answer = t.agent.connecting(t.agent.tcp(), target, 80).result()
    assert answer.result in (-errno.ENETUNREACH, -errno.EACCES)
    t.host.ping()
    assert not t.from_guest(since, anybody)


# --- Fragments ---------------------------------------------------------------------------------------------------------------
def in_pieces(host, data, size, ident):
    whole = bytes(ICMP(id=7, seq=1) / data)
    return [host.ip(id=ident, proto=1, flags="MF" if at + size < len(whole) else 0, frag=at // 8) / whole[at:at + size]
            for at in range(0, len(whole), size)]


def joined(frames):
    pieces = sorted((f for f in frames if IP in f), key=lambda f: f[IP].frag)
    return b"".join(bytes(f[IP].payload)[:f[IP].len - 20] for f in pieces)


def piece(host, ident, frag, size, more=True, proto=1):
    return host.ip(id=ident, proto=proto, frag=frag, flags="MF" if more else 0) / (b"f" * size)


@case("I12", "a datagram in three pieces is joined in any order, with duplicates",
      ("012", (0, 1, 2)), ("021", (0, 2, 1)), ("102", (1, 0, 2)), ("120", (1, 2, 0)), ("201", (2, 0, 1)), ("210", (2, 1, 0)),
      ("duplicates", (0, 0, 1, 1, 2)))
def any_order(t, order):
    data = bytes(i & 255 for i in range(3000))
    frames = in_pieces(t.host, data, 1480, 100)
    whole = joined(t.host.probe(*(frames[i] for i in order)))
    assert whole[0] == 0 and whole[8:] == data and checksum(whole) == 0


@case("I13", "the largest datagram is joined; what would be longer is dropped", ("largest", True), ("longer", False))
def ends_of_length(t, fits):
    if not fits:
        t.silence(piece(t.host, 1, 8191, 100, False), piece(t.host, 2, 8189, 1000, False))
        return
    fd = t.agent.udp(port := t.port())
    t.agent.set(fd, 1, 8, 1 << 18)  # SO_RCVBUF
    data = bytes(i * 3 & 255 for i in range(65507))
    whole = bytes(IP(bytes(IP(src=t.host.addr, dst=GUEST) / UDP(sport=5, dport=port) / data)).payload)
    for at in range(0, len(whole), 1480):
        more = at + 1480 < len(whole)
        t.link.send(t.host.ip(id=77, proto=17, frag=at // 8, flags="MF" if more else 0) / whole[at:at + 1480])
        if at // 1480 % 10 == 9:
            time.sleep(0.01)
    answer = t.agent.call(6, fd, 0, 100)
    assert answer.result == 100 and answer.payload == data[:100]
    assert answer.a[1] & 0x20  # MSG_TRUNC


@case("I14", "pieces that overlap: the whole datagram is dropped",
      ("by_eight", ((0, 64), (7, 64))), ("within", ((0, 128), (4, 32))), ("longer_again", ((0, 64), (0, 72))))
def overlap(t, pieces):
    whole = bytes(ICMP(id=7) / bytes(200))
    frames = [t.host.ip(id=5, proto=1, frag=frag, flags="MF") / whole[frag * 8:frag * 8 + size] for frag, size in pieces]
    last = t.host.ip(id=5, proto=1, frag=15) / whole[120:]
    rest = t.host.ip(id=5, proto=1, frag=8, flags="MF") / whole[64:120]
    t.silence(*frames, rest, last)


@case("I14", "a last piece before what came already, or a second end elsewhere: nothing is joined", ("before", 5), ("behind", 30))
def two_ends(t, at):
    whole = bytes(ICMP(id=7) / bytes(232))
    t.silence(t.host.ip(id=12, proto=1, frag=15) / whole[120:], t.host.ip(id=12, proto=1, frag=at) / bytes(whole[at * 8:].ljust(8, b"\0")),
              t.host.ip(id=12, proto=1, flags="MF") / whole[:120], t.host.ip(id=12, proto=1, frag=15, flags="MF") / whole[120:])


@case("I14", "a piece of nothing is nothing, and harms nothing")
def empty_piece(t):
    t.silence(t.host.ip(id=13, proto=1, flags="MF"), t.host.ip(id=13, proto=1, frag=3, flags="MF"), t.host.ip(id=14, proto=1, frag=3))
    assert len(joined(t.host.probe(*in_pieces(t.host, bytes(100), 64, 15)))) == 108


@case("I15", "a datagram that stays incomplete is given up; who sent its first piece is told", ("first", 0, 1), ("later", 1, 0), slow=True)
def incomplete(t, frag, told):
    t.agent.tune("net.ipv4.ipfrag_time=1")
    since = t.link.mark()
    t.host.probe(piece(t.host, 21, frag, 64, proto=17))
    at = t.link.wait(lambda f: t.host.to_me(f) and ICMP in f and f[ICMP].type == 11, since, timeout=25 if told else 3)
    assert (at is not None) == bool(told)
    if told:
        assert t.link.log[at][1][ICMP].code == 1


@case("I16", "a piece in the middle whose length is no multiple of eight is dropped", ("63", 63), ("1", 1))
def odd_length(t, size):
    whole = bytes(ICMP(id=7) / bytes(100))
    t.silence(t.host.ip(id=6, proto=1, flags="MF") / whole[:size], t.host.ip(id=6, proto=1, frag=8) / whole[64:])


@case("I16", "nor is it cut down to such a multiple, so that the next piece would fit")
def odd_length_cut_down(t):
    whole = bytes(ICMP(id=7) / bytes(100))
    t.silence(t.host.ip(id=6, proto=1, flags="MF") / whole[:63], t.host.ip(id=6, proto=1, frag=7) / whole[56:])


@case("I17", "a first piece that hides half of the TCP header, or a second one that rewrites it: silence", ("tiny", True), ("offset_1", False))
def tiny_first(t, tiny):
    _, port = t.listen()
    seg = bytes(IP(bytes(IP(src=t.host.addr, dst=GUEST) / TCP(sport=5, dport=port, flags="S"))).payload)
    if tiny:
        t.silence(t.host.ip(id=8, proto=6, flags="MF") / seg[:8], t.host.ip(id=8, proto=6, frag=1) / seg[8:])
    else:
        t.silence(t.host.ip(id=9, proto=6, frag=0, flags="MF") / (seg + bytes(4)), t.host.ip(id=9, proto=6, frag=1) / seg[8:])


@case("I18", "a flood of first pieces leaves other traffic alive")
def fragment_flood(t):
    t.agent.tune("net.ipv4.ipfrag_time=1")  # what is left of it shall not meet the cases behind this one
    raw = bytearray(bytes(piece(t.host, 0, 0, 64)))
    for i in range(5000):
        raw[18:20] = struct.pack("!H", i * 7919 & 0xffff)
        raw[24:26] = b"\0\0"
        raw[24:26] = struct.pack("!H", checksum(bytes(raw[14:34])))
        t.link.send(raw)
        if i % 500 == 499:
            t.alive()
    other = t.lab.host()
    whole = joined(other.probe(*in_pieces(other, bytes(100), 64, 9999)))
    assert len(whole) == 108


@case("I18", "thousands of tiny pieces of one datagram cost no more than that datagram")
def tiny_pieces(t):
    t.agent.tune("net.ipv4.ipfrag_time=1")
    raw = bytearray(bytes(piece(t.host, 31, 0, 8)))
    for i in range(1, 4001):
        raw[20:22] = struct.pack("!H", 0x2000 | i * 2)
        raw[24:26] = b"\0\0"
        raw[24:26] = struct.pack("!H", checksum(bytes(raw[14:34])))
        t.link.send(raw)
        if i % 500 == 0:
            t.alive()
    other = t.lab.host()
    assert len(joined(other.probe(*in_pieces(other, bytes(100), 64, 9998)))) == 108


@case("I19", "a datagram of ours that is too large goes in pieces of whole eights with one identification")
def own_fragments(t):
    fd, data = t.agent.udp(t.port()), bytes(i * 5 & 255 for i in range(4000))
    t.agent.set(fd, 0, 10, 0)  # IP_MTU_DISCOVER: may be cut
    since = t.link.mark()
    t.agent.send(fd, data, to=(t.host.addr, 99))
    t.host.ping()
    frames = [f for _, f in t.from_guest(since, lambda f: IP in f and f[IP].proto == 17)]
    assert [(f[IP].len, f[IP].frag, int(f[IP].flags)) for f in frames] == [(1500, 0, 1), (1500, 185, 1), (1068, 370, 0)]
    assert len({f[IP].id for f in frames}) == 1
    whole = joined(frames)
    assert whole[8:] == data
    pseudo = frames[0][IP].src, frames[0][IP].dst
    again = IP(bytes(IP(src=pseudo[0], dst=pseudo[1]) / UDP(sport=struct.unpack("!H", whole[:2])[0], dport=99) / data))
    assert whole[6:8] == struct.pack("!H", again[UDP].chksum)


# --- Path MTU ----------------------------------------------------------------------------------------------------------------
def in_flight(t):
    """A connection with three large segments under way: (Tcp, descriptor, the first one)."""
    conn, fd = t.accepted(rtt=0.1 * t.factor, syn={"options": [("MSS", 1460)]})
    t.agent.sending(fd, bytes(3 * 1460))
    first = conn.hear(payload)
    size = len(payload(first))
    conn.hear(lambda f: payload(f) and f[TCP].seq == conn.ack + 2 * size & 0xffffffff)
    return conn, fd, first


def too_big(conn, first, mtu, wrong=0):
    quoted = bytearray(bytes(first[IP])[:28])
    quoted[24:28] = struct.pack("!I", first[TCP].seq + wrong & 0xffffffff)
    return conn.host.ip() / ICMP(type=3, code=4, nexthopmtu=mtu) / bytes(quoted)


@case("I20", "segments carry DF, and a router's word about a smaller MTU is followed at once", ("1000", 1000, 960), ("1400", 1400, 1360), clock=True)
def smaller_path(t, mtu, most):
    conn, _, first = in_flight(t)
    assert first[IP].flags.DF
    since, sent = t.link.mark(), time.monotonic()
    t.link.send(too_big(conn, first, mtu))
    again = conn.hear(payload, since=since)
    soon(t.time_of(again) - sent, 0.15)  # a timeout is 200 ms at least
    assert again[TCP].seq == conn.ack and most - 12 <= len(payload(again)) <= most


@case("I20", "an MTU below the floor is not believed", ("68", 68), ("300", 300), clock=True)
def smallest_path(t, mtu):
    conn, _, first = in_flight(t)
    since = t.link.mark()
    t.link.send(too_big(conn, first, mtu))
    again = conn.hear(payload, since=since)
    assert again[TCP].seq == conn.ack and len(payload(again)) >= 500


@case("I21", "a message about numbers that are not in flight, or about an MTU that is no smaller, changes nothing",
      ("beyond", 1 << 20, 600), ("before", -10, 600),
      ("larger", 0, 9000), ("same", 0, 1500))
def forged(t, wrong, mtu):
    conn, _, first = in_flight(t)
    since = t.link.mark()
    t.link.send(too_big(conn, first, mtu, wrong))
    again = conn.hear(payload, since=since)
    assert len(payload(again)) == len(payload(first))


@case("I21", "a router that names no MTU gets a guess: less than before, not less than the floor")
def no_mtu_named(t):
    conn, _, first = in_flight(t)
    since = t.link.mark()
    t.link.send(too_big(conn, first, 0))
    again = conn.hear(payload, since=since)
    assert 500 <= len(payload(again)) < len(payload(first))


# --- ICMP --------------------------------------------------------------------------------------------------------------------
@case("M1", "an echo request comes back with its data, from the address that was asked",
      ("0", 0), ("1", 1), ("56", 56), ("1472", 1472), ("8000", 8000))
def echo(t, size):
    data = bytes(i * 7 & 255 for i in range(size))
    request = bytes(ICMP(id=0xabcd, seq=0x1234) / data)
    frames = [t.host.ip(id=300, proto=1, frag=at // 8, flags="MF" if at + 1480 < len(request) else 0) / request[at:at + 1480]
              for at in range(0, len(request), 1480)]
    found = t.host.probe(*frames)
    assert {f[IP].src for f in found} == {GUEST}
    whole = joined(found)
    assert whole[:2] == b"\0\0" and whole[4:] == b"\xab\xcd\x12\x34" + data and checksum(whole) == 0


@case("M2", "an echo request to everybody: silence", ("limited", "255.255.255.255"), ("directed", NET_ONES), ("all_hosts", "224.0.0.1"))
def echo_to_all(t, target):
    t.silence(Ether(dst=BROADCAST, src=t.host.mac) / IP(src=t.host.addr, dst=target) / ICMP(), among=anybody)


@case("M3", "a wrong ICMP checksum: silence")
def icmp_checksum(t):
    t.silence(t.host.ip(proto=1) / bytes(ICMP(chksum=1)))


@case("M3", "a message that ends inside its header: silence")
def cut_message(t):
    whole = bytes(ICMP(id=7, seq=1))
    t.silence(*[t.host.ip(proto=1) / whole[:n] for n in range(8)])


@case("M4", "a closed UDP port: type 3 code 3 with the packet itself inside", ("0", 0), ("4", 4), ("520", 520), ("1472", 1472))
def port_unreachable(t, size):
    sent = bytes(t.host.ip() / UDP(sport=5, dport=CLOSED) / (b"q" * size))
    answer = t.one(sent)
    icmp = bytes(answer[IP])[20:answer[IP].len]
    assert (icmp[0], icmp[1]) == (3, 3) and checksum(icmp) == 0
    assert icmp[8:] == sent[14:14 + len(icmp) - 8] and len(icmp) >= 8 + min(28 + size, 28)


@case("M5", "no error about an error, a broadcast, a later piece or an odd source",
      ("error", 0), ("later_piece", 1), ("broadcast", 2), ("link_broadcast", 3), ("from_loopback", 4), ("from_group", 5),
      ("from_nobody", 6), ("group", 7))
def no_error(t, which):
    udp = UDP(sport=9, dport=CLOSED) / b"x"
    about = bytes(IP(src=GUEST, dst=t.host.addr) / UDP(sport=CLOSED, dport=9))[:28]
    frame = (t.host.ip() / ICMP(type=3, code=3) / about, t.host.ip(frag=2, proto=250) / (b"f" * 16),
             Ether(dst=BROADCAST, src=t.host.mac) / IP(src=t.host.addr, dst=NET_ONES) / udp,
             Ether(dst=BROADCAST, src=t.host.mac) / IP(src=t.host.addr, dst=GUEST) / udp,
             t.host.ip(src="127.0.0.1") / udp, t.host.ip(src="224.0.0.5") / udp, t.host.ip(src="0.0.0.0") / udp,
             Ether(dst="01:00:5e:00:00:01", src=t.host.mac) / IP(src=t.host.addr, dst="224.0.0.1") / udp)[which]
    t.silence(frame, among=anybody)


@case("M6", "three hundred datagrams to a closed port, a handful of errors")
def errors_are_rare(t):
    started, found = time.monotonic(), []
    for _ in range(3):  # more than a hundred small datagrams may be too many for the socket's queue before QEMU
        found += t.host.probe(*[t.host.ip() / UDP(sport=5, dport=CLOSED)] * 100)
    assert 1 <= len(found) <= 10 + (time.monotonic() - started)


@case("M7", "an unknown protocol: type 3 code 2", ("250", 250), ("99", 99))
def protocol_unreachable(t, proto):
    sent = t.host.ip(proto=proto) / b"whatever"
    answer = t.one(sent)
    assert bytes(answer[IP])[20:22] == b"\x03\x02" and bytes(answer[IP])[28:56] == bytes(sent)[14:42]


@case("M8", "a redirect changes no route", ("from_a_liar", False), ("to_another_network", True))
def redirect(t, gateway):
    who, target = (t.gateway, "192.0.2.200") if gateway else (t.host, t.host.addr)
    for code in range(4):
        t.link.send(who.ip() / ICMP(type=5, code=code, gw=target) / bytes(IP(src=GUEST, dst=t.far.addr) / ICMP())[:28])
    since = t.link.mark()
    assert t.far.ping()
    assert {f.dst for f in t.far.answers(since)} == {GATEWAY_MAC}


@case("M9", "a source quench changes nothing")
def quench(t):
    conn, fd = t.accepted()
    about = bytes(IP(src=GUEST, dst=t.host.addr) / TCP(sport=conn.port, dport=conn.sport, seq=conn.ack, flags="A"))[:28]
    t.silence(t.host.ip() / ICMP(type=4) / about)
    t.lives(conn, fd)


@case("M10", "types that nobody needs are dropped silently",
      ("timestamp", 13), ("information", 15), ("mask", 17), ("router", 9), ("type_40", 40), ("type_255", 255), ("reply", 0))
def odd_types(t, number):
    t.silence(t.host.ip() / ICMP(type=number) / bytes(12))
