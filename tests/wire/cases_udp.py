# SPDX-License-Identifier: MIT
"""UDP."""
import errno
import socket
import struct

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether

from rig import CLOSED, case
from wire_peer import GUEST, payload


def queued(t, fd):
    return t.agent.poll(fd) & 1


@case("U1", "a checksum is made; one that comes out as zero is sent as ffff")
def zero_is_ffff(t):
    fd = t.agent.udp(port := t.port())
    plain = Ether(bytes(t.host.ip(src=GUEST, dst=t.host.addr) / UDP(sport=port, dport=99) / b"\0\0"))
    data = struct.pack("!H", plain[UDP].chksum)
    since = t.link.mark()
    t.agent.send(fd, data, to=(t.host.addr, 99))
    assert t.host.hear(lambda f: UDP in f, since)[UDP].chksum == 0xffff


@case("U1", "no checksum is a checksum", ("zero", 0), ("right", None))
def no_checksum(t, chksum):
    fd = t.agent.udp(port := t.port())
    t.link.send(t.host.ip() / UDP(sport=5, dport=port, chksum=chksum) / b"data")
    assert t.agent.recv(fd) == b"data"


@case("U2", "a wrong checksum: no delivery, no answer", ("open", True), ("closed", False))
def bad_checksum(t, is_open):
    fd = t.agent.udp(port := t.port())
    t.silence(t.host.ip() / UDP(sport=5, dport=port if is_open else CLOSED, chksum=0xbad) / b"data")
    assert not queued(t, fd)


@case("U3", "a length that cannot be: dropped", *((f"length_{n}", n) for n in (0, 4, 7, 13, 900, 65535)))
def bad_length(t, length):
    fd = t.agent.udp(port := t.port())
    t.silence(t.host.ip() / UDP(sport=5, dport=port, len=length) / b"data", t.host.ip() / UDP(sport=5, dport=CLOSED, len=length) / b"data")
    assert not queued(t, fd)


@case("U3", "a length below the payload cuts it")
def shorter_length(t):
    fd = t.agent.udp(port := t.port())
    t.link.send(t.host.ip() / UDP(sport=5, dport=port, len=11, chksum=0) / b"abcdefgh")
    assert t.agent.recv(fd) == b"abc"


@case("U3", "a header that ends in the middle is dropped")
def cut_header(t):
    t.silence(*[t.host.ip(proto=17) / bytes(UDP(sport=5, dport=CLOSED))[:n] for n in range(8)])


@case("U4", "a socket with a peer hears only him; the most exact match wins")
def peer_only(t):
    port, peer, other = t.port(), t.host, t.lab.host()
    wide, narrow = t.agent.udp(), t.agent.udp()
    for fd in (wide, narrow):
        t.agent.set(fd, 1, 2, 1)  # SO_REUSEADDR
        t.agent.bind(fd, port=port)
    t.agent.connect(narrow, peer.addr, 600)
    peer.udp(port, b"narrow", sport=600)
    peer.udp(port, b"wide 1", sport=601)
    other.udp(port, b"wide 2", sport=600)
    assert t.agent.recv(narrow) == b"narrow"
    assert {t.agent.recv(wide), t.agent.recv(wide)} == {b"wide 1", b"wide 2"}
    assert not queued(t, wide) and not queued(t, narrow)


@case("U4", "what is not the peer's, with nobody else there, meets a closed port")
def stranger_is_refused(t):
    fd = t.agent.udp(port := t.port())
    t.agent.connect(fd, t.host.addr, 600)
    answer = t.one(t.host.ip() / UDP(sport=601, dport=port) / b"evil")
    assert (answer[ICMP].type, answer[ICMP].code) == (3, 3) and not queued(t, fd)


def said_by(t, fd, **send):
    since = t.link.mark()
    t.agent.send(fd, b"said", **send)
    return t.host.hear(lambda f: UDP in f and payload(f) == b"said", since)


@case("U5", "port unreachable reaches the socket with that peer: its next call fails", ("recv", 6), ("send", 7), ("so_error", 10))
def refused(t, call):
    fd = t.agent.udp()
    t.agent.connect(fd, t.host.addr, 600)
    about = bytes(said_by(t, fd)[IP])[:28]
    t.host.probe(t.host.ip() / ICMP(type=3, code=3) / about)
    if call == 10:
        assert t.agent.error(fd) == errno.ECONNREFUSED
    else:
        answer = t.agent.call(call, fd, socket.MSG_DONTWAIT, 10 if call == 6 else 0, payload=b"")
        assert answer.result == -errno.ECONNREFUSED
    assert t.agent.error(fd) == 0


@case("U5", "an error that quotes another's packet is not told", ("other_port", 22), ("other_host", 16))
def refused_by_mistake(t, at):
    fd = t.agent.udp()
    t.agent.connect(fd, t.host.addr, 600)
    about = bytearray(bytes(said_by(t, fd)[IP])[:28])
    about[at + 1] ^= 5
    t.silence(t.host.ip() / ICMP(type=3, code=3) / bytes(about))
    assert t.agent.error(fd) == 0


@case("U6", "a socket without a peer is not told about one of many")
def unconnected_is_not_told(t):
    fd = t.agent.udp()
    about = bytes(said_by(t, fd, to=(t.host.addr, 600))[IP])[:28]
    t.silence(t.host.ip() / ICMP(type=3, code=3) / about)
    assert t.agent.error(fd) == 0
    said_by(t, fd, to=(t.host.addr, 600))


@case("U7", "a short buffer cuts the datagram, says so, and the rest is gone")
def cut_datagram(t):
    fd = t.agent.udp(port := t.port())
    t.host.udp(port, b"a" * 100)
    t.host.udp(port, b"next")
    answer = t.agent.call(6, fd, 0, 10)
    assert answer.payload == b"a" * 10 and answer.a[1] & socket.MSG_TRUNC
    assert t.agent.recv(fd) == b"next"


@case("U8", "nobody reads: the queue has a bound, and what comes later is received")
def bounded_queue(t):
    fd = t.agent.udp(port := t.port())
    raw = bytes(t.host.ip() / UDP(sport=5, dport=port) / (b"u" * 1400))
    for _ in range(10):
        t.host.probe(*[raw] * 50)
    got = 0
    while queued(t, fd):
        assert t.agent.recv(fd) == b"u" * 1400
        got += 1
    assert 10 < got < 500
    t.host.udp(port, b"later")
    assert t.agent.recv(fd) == b"later"


@case("U9", "the answer comes from the address that was asked; ports that nobody chose are not one after the other")
def random_ports(t):
    seen = []
    for _ in range(20):
        seen.append(said_by(t, t.agent.udp(), to=(t.host.addr, 99))[UDP].sport)
    steps = {b - a for a, b in zip(seen, seen[1:])}
    assert len(set(seen)) == 20 and min(seen) >= 1024 and len({abs(s) for s in steps}) > 10
