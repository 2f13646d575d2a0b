# SPDX-License-Identifier: MIT
"""What holds for every frame of the guest in all the cases before: these come last and read what was heard."""
import time

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP
from scapy.utils import checksum

from rig import case
from wire_peer import GUEST, PATIENCE, pad_of

OFFERED_ONLY_WITH_SYN = {2, 3, 4}  # MSS, window scale, SACK-permitted


def heard(t, layer):
    """(frame, the IP packet's bytes) of what the guest sent with @layer in it, pieces of datagrams aside."""
    frames = [f for _, f in t.from_guest(0, lambda f: layer in f)]
    assert frames or layer is UDP, "nothing was heard"
    return [(f, f.original[14:14 + f[IP].len]) for f in frames if not f[IP].frag and not f[IP].flags.MF]


def sum_of(raw):
    """The checksum of a TCP segment or UDP datagram with its pseudo-header: 0 when it is right."""
    at = (raw[0] & 15) * 4
    return checksum(raw[12:20] + bytes([0, raw[9]]) + (len(raw) - at).to_bytes(2, "big") + raw[at:])


def kinds(raw):
    """The kinds of TCP's options; an assertion when their lengths are wrong."""
    tcp = raw[(raw[0] & 15) * 4:]
    left, found = tcp[20:(tcp[12] >> 4) * 4], []
    while left and left[0]:
        size = 1 if left[0] == 1 else left[1]
        assert 0 < size <= len(left), left
        found.append(left[0])
        left = left[size:]
    return found


@case("T1", "every segment of the guest, in all cases, has its right checksum")
def segments_add_up(t):
    assert not [f.summary() for f, raw in heard(t, TCP) if sum_of(raw)]


@case("U1", "every datagram of the guest, in all cases, has its right checksum, and its length")
def datagrams_add_up(t):
    t.agent.send(t.agent.udp(), b"one at least", to=(t.host.addr, 99))
    t.host.ping()
    assert not [f.summary() for f, raw in heard(t, UDP) if sum_of(raw) or not f[UDP].chksum or f[UDP].len != len(raw) - 20]


@case("M1", "every message of the guest, in all cases, has its right checksum")
def messages_add_up(t):
    assert not [f.summary() for f, raw in heard(t, ICMP) if checksum(raw[(raw[0] & 15) * 4:])]


@case("I1", "every IP header of the guest, in all cases, has its right checksum, its own address and the frame's length")
def headers_add_up(t):
    frames = [f for _, f in t.from_guest(0, lambda f: IP in f)]
    assert not [f.summary() for f in frames if checksum(f.original[14:14 + f[IP].ihl * 4]) or f[IP].src not in (GUEST, "127.0.0.1")]
    assert not [f.summary() for f in frames if len(f.original) != max(60, 14 + f[IP].len)]


@case("L1", "no frame of the guest, in all cases, is shorter than 60 bytes or shows what was in memory")
def nothing_leaks(t):
    frames = [f for _, f in t.from_guest(0, lambda f: IP in f or ARP in f)]
    assert not [f.summary() for f in frames if len(f.original) < 60 or set(pad_of(f)) - {0}]


@case("T5", "no segment of the guest, in all cases, has reserved bits, flags that exclude each other, or numbers without their flag")
def headers_are_sound(t):
    for f, _ in heard(t, TCP):
        tcp = f[TCP]
        assert not tcp.reserved and (tcp.flags.A or not tcp.ack) and (tcp.flags.U or not tcp.urgptr), f.summary()
        assert bool(tcp.flags.S) + bool(tcp.flags.F) + bool(tcp.flags.R) <= 1, f.summary()


@case("T4", "no segment of the guest but a SYN names MSS, scale or SACK-permitted, and every list of options is sound")
def options_are_sound(t):
    for f, raw in heard(t, TCP):
        assert f[TCP].flags.S or not OFFERED_ONLY_WITH_SYN & set(kinds(raw)), f.summary()


@case("A8", "an address in use is probed for three times and announced twice, in the background", linux=False)
def probed_and_announced(t):
    def of(source):
        return [at for at, f in t.from_guest(0, lambda f: ARP in f and f[ARP].op == 1 and f[ARP].pdst == GUEST and f[ARP].psrc == source)]

    end = time.monotonic() + PATIENCE
    while len(of("0.0.0.0")) < 3 or len(of(GUEST)) < 2:
        assert time.monotonic() < end, (of("0.0.0.0"), of(GUEST))
        time.sleep(0.2)
    assert len(of("0.0.0.0")) == 3
    assert all(b - a > 0.9 for a, b in zip(of("0.0.0.0"), of("0.0.0.0")[1:]))  # RFC 5227: one to two seconds apart
