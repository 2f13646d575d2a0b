# SPDX-License-Identifier: MIT
"""Ethernet and ARP."""
import time

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether

from rig import CLOSED, NET_ONES, WIDE, case, soon
from wire_peer import (ACK, BROADCAST, GATEWAY, GUEST, GUEST_MAC, PATIENCE, is_at, pad_of, payload, who_has)

EHOSTUNREACH, ETIMEDOUT = 113, 110


def arps(t, since, wanted=lambda a: True):
    return [(at, f) for at, f in t.from_guest(since, lambda f: ARP in f and wanted(f[ARP]))]


# --- Ethernet ----------------------------------------------------------------------------------------------------------------
@case("L1", "a frame shorter than 60 bytes is filled up with zeros, never with old memory")
def padding(t):
    since = t.link.mark()
    t.host.probe(*[t.host.echo(b"\xaa" * 1400)] * 8)
    conn, fd = t.accepted()
    t.host.probe(t.host.echo(), t.host.echo(b"\x55"))
    t.link.send(who_has(t.host.addr, t.host.mac, GUEST))
    t.lives(conn, fd, b"z")
    short = [f for _, f in t.from_guest(since) if ARP in f or IP in f and f[IP].len < 46]
    assert len(short) >= 5
    for frame in short:
        assert len(frame) == 60 and set(pad_of(frame)) == {0}


@case("L2", "a frame to another host's unicast address is dropped")
def other_unicast(t):
    t.silence(Ether(dst="52:54:00:12:34:57", src=t.host.mac) / t.host.echo()[IP])


@case("L3", "a packet to our address in a broadcast frame gets no answer",
      ("syn_open", 0), ("syn_closed", 1), ("udp_closed", 2), ("echo", 3))
def broadcast_frame(t, which):
    _, port = t.listen()
    up = (TCP(dport=port, flags="S"), TCP(dport=CLOSED, flags="S"), UDP(dport=CLOSED), ICMP())[which]
    t.silence(Ether(dst=BROADCAST, src=t.host.mac, type=0x0800) / IP(src=t.host.addr, dst=GUEST) / up)


@case("L4", "ten thousand frames back to back: the receive ring runs over and goes on")
def ring_overrun(t):
    frame = bytes(t.host.ip() / UDP(dport=10, sport=5) / b"flood")
    for _ in range(10000):
        t.link.send(frame)
    t.alive()


@case("L5", "with a transmit ring of eight descriptors nothing of a stream is lost", boot="tx_ring=8", linux=False)
def tiny_ring(t):
    conn, fd = t.accepted()
    data = bytes(i * 31 & 255 for i in range(8000))
    sending, got = t.agent.sending(fd, data), b""
    while len(got) < len(data):
        frame = conn.hear(lambda f: payload(f) and f[TCP].seq == conn.ack)
        got += payload(frame)
        conn.ack = conn.ack + len(payload(frame)) & 0xffffffff
        t.link.send(conn.segment(ACK))
    assert got == data and sending.value() == len(data)


@case("L6", "what is sent again is the same, to the byte")
def same_bytes_again(t):
    conn, fd = t.accepted()
    data = bytes(i * 7 & 255 for i in range(400))
    t.agent.send(fd, data)
    first = conn.hear(payload)
    again = conn.hear(lambda f: payload(f), since=t.link.wait(lambda f: f is first, conn.since) + 1)
    assert payload(first) == payload(again) == data and first[TCP].seq == again[TCP].seq


@case("L7", "VLAN tags, LLC and unknown ethertypes are dropped quietly",
      ("vlan", 0x8100), ("llc", 46), ("length_0", 0), ("lldp", 0x88cc), ("ipv6", 0x86dd), ("ffff", 0xffff))
def ethertype(t, value):
    t.silence(t.host.ether(type=value) / b"\xaa\xaa\x03\x00\x00\x00\x08\x00" / bytes(t.host.echo()[IP]))


@case("L8", "the cable is out for a while: connections go on afterwards", boot="tx_ring=8")
def cable_out(t):
    conn, fd = t.accepted()
    t.lives(conn, fd)
    t.lab.qmp('{"execute": "set_link", "arguments": {"name": "n0", "up": false}}')
    t.agent.send(fd, b"into the void")
    time.sleep(1.5)
    t.lab.qmp('{"execute": "set_link", "arguments": {"name": "n0", "up": true}}')
    frame = conn.hear(lambda f: payload(f) == b"into the void")
    conn.ack = frame[TCP].seq + 13 & 0xffffffff
    conn.send(ACK)
    t.lives(conn, fd)


# --- ARP ---------------------------------------------------------------------------------------------------------------------
@case("A1", "who has our address: a unicast answer with our link address; for others: silence",
      ("own", GUEST, 1), ("other", "10.0.2.16", 0), ("subnet_broadcast", NET_ONES, 0), ("zero", "0.0.0.0", 0))
def who_has_it(t, target, answers):
    since = t.link.mark()
    t.host.probe(who_has(t.host.addr, t.host.mac, target))
    found = arps(t, since, lambda a: a.op == 2)
    assert len(found) == answers
    for _, f in found:
        a = f[ARP]
        assert (f.dst, a.hwsrc, a.psrc, a.hwdst, a.pdst) == (t.host.mac, GUEST_MAC, GUEST, t.host.mac, t.host.addr)


@case("A1", "a probe, which has no sender address, is answered too (RFC 5227, 2.1.1)")
def probe_is_answered(t):
    since = t.link.mark()
    t.host.probe(who_has("0.0.0.0", t.host.mac, GUEST))
    (_, frame), = arps(t, since, lambda a: a.op == 2)
    assert frame[ARP].pdst == "0.0.0.0"


@case("A2", "requests for others and answers nobody asked for teach nothing: the guest has to ask",
      ("request_for_other", 0), ("unasked_reply", 1), ("gratuitous", 2))
def learns_when_meant(t, which):
    who = t.stranger
    lesson = (who_has(who.addr, who.mac, "10.0.2.16"), is_at(who.addr, who.mac, GUEST, GUEST_MAC),
              is_at(who.addr, who.mac, who.addr, BROADCAST))[which]
    since = t.link.mark()
    t.gateway.probe(lesson, who.echo())
    asked = arps(t, since, lambda a: a.op == 1 and a.pdst == who.addr)
    assert asked and asked[0][1].dst == BROADCAST
    assert not who.answers(since)


@case("A3", "what waits for an address goes out when it is known")
def queue_of_the_unknown(t):
    who, since = t.stranger, t.link.mark()
    t.gateway.probe(*[who.echo(b"%d" % i) for i in range(3)])
    assert who.answers(since) == []
    t.link.answers[who.addr] = who.mac
    t.link.send(is_at(who.addr, who.mac, GUEST, GUEST_MAC))
    who.ping(since=since)
    got = [bytes(f[ICMP].payload)[:1] for f in who.answers(since) if f[ICMP].id == 7]
    assert got and got == [b"0", b"1", b"2"][-len(got):]


@case("A4", "one question a second to the same address, not more", slow=True, clock=True)
def question_rate(t):
    who, since = t.stranger, t.link.mark()
    end = time.monotonic() + 3.5
    while time.monotonic() < end:
        t.link.send(who.echo())
        time.sleep(0.1)
    times = [at for at, _ in arps(t, since, lambda a: a.op == 1 and a.pdst == who.addr)]
    assert 2 <= len(times) <= 5, times
    assert all(b - a > 0.8 for a, b in zip(times, times[1:])), times


@case("A5", "who never answers is unreachable: connect() hears so", slow=True)
def nobody_answers(t):
    fd, started = t.agent.tcp(), time.monotonic()
    answer = t.agent.connecting(fd, t.stranger.addr, 80).result()
    assert answer.result == -EHOSTUNREACH
    assert time.monotonic() - started > 1.5
    soon(time.monotonic() - started, 6)


@case("A6", "an entry in doubt is asked by unicast before everybody is", slow=True)
def unicast_first(t):
    host = t.host
    host.ping()
    since = t.link.mark()
    at = t.link.wait(lambda f: ARP in f and f[ARP].op == 1 and f[ARP].pdst == host.addr, since)
    assert at is not None and t.link.log[at][1].dst == host.mac


@case("A7", "an address that moved is taken over; one whose owner still answers is not", ("moved", True), ("stolen", False), slow=True)
def changed_address(t, moved):
    host, new = t.lab.host(known=False), "52:55:0a:00:03:01"
    t.link.answers[host.addr] = host.mac
    assert host.ping()
    time.sleep(1.1)
    if moved:
        del t.link.answers[host.addr]
    t.link.send(is_at(host.addr, new, host.addr, BROADCAST))
    time.sleep(1.4)
    end = time.monotonic() + (PATIENCE if moved else 0)
    while True:
        since = t.link.mark()
        assert host.ping()
        if host.answers(since)[0].dst == (new if moved else host.mac):
            return
        assert time.monotonic() < end


@case("A9", "another host has the address that we are about to use: not a packet leaves from it", boot="acd=strict", alone=True, linux=False)
def conflict_while_probing(t):
    t.lab.good_end = 69
    at = t.link.wait(lambda f: ARP in f and f[ARP].psrc == "0.0.0.0" and f[ARP].pdst == GUEST, 0)
    assert at is not None
    for _ in range(100):  # the card is deaf for its first second
        t.link.send(is_at(GUEST, "52:55:0a:00:03:03", GUEST, BROADCAST))
        if t.lab.guest.process.poll() is not None:
            break
        time.sleep(0.1)
    assert t.lab.finish().status == 69
    assert not t.from_guest(0, lambda f: IP in f or f[ARP].psrc == GUEST)


def announced(frame):
    return ARP in frame and frame.src == GUEST_MAC and frame[ARP].psrc == frame[ARP].pdst == GUEST


@case("A10", "an address of ours that another claims is defended once in ten seconds", slow=True)
def defence(t):
    if t.system == "doorbell":  # what it says of itself at the beginning, twice, looks the same
        first = t.link.wait(announced, 0)
        assert first is not None and t.link.wait(announced, first + 1) is not None
    thief, since = "52:55:0a:00:03:02", t.link.mark()
    t.host.probe(*[who_has(GUEST, thief, "10.0.2.16"), is_at(GUEST, thief, GATEWAY, BROADCAST)] * 2, who_has(GUEST, thief, GUEST))
    found = arps(t, since, lambda a: a.psrc == GUEST and a.pdst == GUEST)
    assert len(found) == 1 and found[0][1].dst == BROADCAST


def arp(src, dst, hwlen=None, plen=None, **fields):
    """An ARP frame; wrong lengths are said only, everything stands where it belongs."""
    raw = bytearray(bytes(Ether(dst=dst, src=src) / ARP(**fields)))
    for at, said in ((18, hwlen), (19, plen)):
        raw[at] = raw[at] if said is None else said
    return bytes(raw)


@case("A11", "a malformed request is ignored",
      ("hwlen_7", {"hwlen": 7}), ("plen_5", {"plen": 5}), ("hwtype_9", {"hwtype": 9}), ("ptype", {"ptype": 0x86dd}), ("op_0", {"op": 0}),
      ("op_65535", {"op": 65535}), ("from_broadcast_mac", {"hwsrc": BROADCAST}), ("from_group", {"psrc": "224.0.0.1"}),
      ("from_loopback", {"psrc": "127.0.0.1"}), ("from_all_ones", {"psrc": "255.255.255.255"}),
      ("from_subnet_broadcast", {"psrc": NET_ONES}), ("from_itself", {"psrc": GUEST, "hwsrc": GUEST_MAC}))
def malformed(t, bad):
    since = t.link.mark()
    fields = {"op": 1, "hwsrc": t.host.mac, "psrc": t.host.addr, "pdst": GUEST, **bad}
    t.silence(arp(t.host.mac, BROADCAST, **fields))
    assert arps(t, since, lambda a: a.op == 2) == []


@case("A11", "a malformed message teaches nothing", ("hwlen_7", {"hwlen": 7}), ("plen_5", {"plen": 5}), ("hwtype_9", {"hwtype": 9}),
      ("ptype", {"ptype": 0x86dd}), ("op_0", {"op": 0}), ("op_9", {"op": 9}), ("from_group_mac", {"hwsrc": "01:00:5e:00:00:05"}))
def malformed_teaches_nothing(t, bad):
    who, since = t.stranger, t.link.mark()
    t.gateway.probe(arp(who.mac, GUEST_MAC, **{"op": 1, "hwsrc": who.mac, "psrc": who.addr, "pdst": GUEST, **bad}), who.echo())
    assert arps(t, since, lambda a: a.op == 1 and a.pdst == who.addr) and not who.answers(since)


@case("A11", "a request that ends in the middle is ignored", ("20_bytes", 20), ("27_bytes", 27))
def cut(t, size):
    since = t.link.mark()
    whole = bytes(who_has(t.host.addr, t.host.mac, GUEST))
    t.link.send(whole[:14 + size])
    t.silence()
    assert len(arps(t, since, lambda a: a.op == 2)) <= 1  # the frame may have been filled up to 60 bytes on its way


@case("A12", "thousands of strangers do not push the gateway out", boot=WIDE)
def scan(t):
    assert t.far.ping()
    since = t.link.mark()
    raw = bytearray(bytes(who_has("10.0.10.1", "52:55:0b:00:00:00", GUEST)))
    for i in range(2000):
        raw[10:12] = raw[26:28] = i.to_bytes(2, "big")
        raw[30:32] = bytes((10 + i // 250, 1 + i % 250))
        t.link.send(raw)
        if i % 100 == 99:
            t.alive(t.gateway)
    assert t.far.ping()
    asked = arps(t, since, lambda a: a.op == 1 and a.pdst == GATEWAY)
    assert all(f.dst != BROADCAST for _, f in asked)
