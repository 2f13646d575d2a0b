# SPDX-License-Identifier: MIT
"""The DHCP client, seen from a server's side of the wire."""
import time

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Ether

from rig import case
from wire_peer import BROADCAST, GATEWAY, GATEWAY_MAC, GUEST, GUEST_MAC, PATIENCE, is_at

DISCOVER, OFFER, REQUEST, DECLINE, ACK_MESSAGE = range(1, 6)


def kind(frame):
    return dict(o for o in frame[DHCP].options if isinstance(o, tuple) and len(o) == 2).get("message-type") if DHCP in frame else None


def hear(t, what, since, timeout):
    at = t.link.wait(lambda f: kind(f) == what, since, timeout)
    assert at is not None, f"no DHCP message {what}"
    return t.link.log[at]


def answer(t, asked, what, lease=3600, to=BROADCAST):
    t.link.send(Ether(dst=to, src=GATEWAY_MAC) / IP(src=GATEWAY, dst="255.255.255.255") / UDP(sport=67, dport=68) /
                BOOTP(op=2, xid=asked[BOOTP].xid, yiaddr=GUEST, chaddr=bytes.fromhex(GUEST_MAC.replace(":", "")), flags=0x8000) /
                DHCP(options=[("message-type", what), ("server_id", GATEWAY), ("lease_time", lease), ("subnet_mask", "255.255.252.0"),
                              ("router", GATEWAY), "end"]))


@case("X1", "nobody answers: the question comes again after 4 and 8 seconds, a second more or less", boot="ip=dhcp", alone=True, clock=True,
      linux=False)
def silent_server(t):
    t.lab.good_end = 69
    times, frames, since = [], [], 0
    for limit in (10, 7, 11):
        at = t.link.wait(lambda f: kind(f) == DISCOVER, since, limit)
        assert at is not None
        times.append(t.link.log[at][0])
        frames.append(t.link.log[at][1])
        since = at + 1
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert 2.9 < gaps[0] < 5.3 and 6.9 < gaps[1] < 9.3, gaps
    assert frames[0][BOOTP].secs < frames[-1][BOOTP].secs <= 20
    assert t.lab.finish().status == 69


@case("X2", "a lease is renewed with its server at half its time, with anybody later, and given up at its end", boot="ip=dhcp", alone=True,
      clock=True, linux=False)
def short_lease(t):
    asked = hear(t, DISCOVER, 0, PATIENCE)[1]
    for _ in range(200):  # the card is deaf for its first second
        answer(t, asked, OFFER)
        if t.link.wait(lambda f: kind(f) == REQUEST, 0, 0.1) is not None:
            break
    started, asked = hear(t, REQUEST, 0, 1)
    answer(t, asked, ACK_MESSAGE, lease=12)
    t.lab.start()
    since = t.link.mark()
    at, renew = hear(t, REQUEST, since, 9)
    assert renew.dst == GATEWAY_MAC and renew[IP].dst == GATEWAY and renew[BOOTP].ciaddr == GUEST and 4 < at - started < 8
    at = t.link.wait(lambda f: kind(f) == REQUEST and f.dst == BROADCAST, since, 8)
    assert at is not None and t.link.log[at][1][BOOTP].ciaddr == GUEST and 9 < t.link.log[at][0] - started < 12.5
    hear(t, DISCOVER, since, 8)
    assert time.monotonic() - started > 11.5
    assert not t.gateway.ping(timeout=0.3)


@case("A9", "another host has the address that was leased: the server is told so, and no packet leaves from it", boot="ip=dhcp acd=strict",
      alone=True, linux=False)
def declined(t):
    asked = hear(t, DISCOVER, 0, PATIENCE)[1]
    for _ in range(200):  # the card is deaf for its first second
        answer(t, asked, OFFER)
        if t.link.wait(lambda f: kind(f) == REQUEST, 0, 0.1) is not None:
            break
    since = t.link.mark()
    answer(t, hear(t, REQUEST, 0, 1)[1], ACK_MESSAGE)
    assert t.link.wait(lambda f: ARP in f and f[ARP].psrc == "0.0.0.0" and f[ARP].pdst == GUEST, since) is not None
    t.link.send(is_at(GUEST, "52:55:0a:00:03:03", GUEST, BROADCAST))
    _, told = hear(t, DECLINE, since, PATIENCE)
    options = dict(o for o in told[DHCP].options if isinstance(o, tuple) and len(o) == 2)
    assert (options["requested_addr"], options["server_id"]) == (GUEST, GATEWAY) and told[IP].src == "0.0.0.0" and told[BOOTP].ciaddr == "0.0.0.0"
    assert not t.from_guest(0, lambda f: (IP in f and f[IP].src == GUEST) or (ARP in f and f[ARP].psrc == GUEST))
    since = t.link.mark()
    asked = hear(t, DISCOVER, since, PATIENCE)[1]  # ten seconds later at the earliest it begins anew
    answer(t, asked, OFFER)
    answer(t, hear(t, REQUEST, since, PATIENCE)[1], ACK_MESSAGE)
    t.lab.start()
    assert t.gateway.ping()
