# SPDX-License-Identifier: MIT
"""Names: the C library's resolver against a name server that answers well, badly, late, cut and not at all."""
import os
import shutil
import socket
import struct
import threading
import time

from scapy.layers.dns import DNS, DNSQR, DNSRR

from conftest import ROOT, WORK
from namespace import ADDRESS
from wire_peer import GUEST_MAC, IP, UDP, Ether, Lab

SERVER, SERVER_MAC = "10.0.2.53", "52:55:0a:00:02:35"
GOOD = "10.9.8.7"
NAMES = ("localhost good.test alias.test nobody.test wrong-id.test other-port.test loop.test long.test lost.test silent.test")


def answer_to(query, name, times):
    """What the server says to @query, as payloads, and from which ports."""
    asked = query[DNS]
    sound = DNS(id=asked.id, qr=1, rd=1, ra=1, qd=asked.qd, an=DNSRR(rrname=name, rdata=GOOD, ttl=60))
    head = struct.pack("!6H", asked.id, 0x8180, 1, 1, 0, 0) + bytes(asked.qd)
    record = struct.pack("!HHIH", 1, 1, 60, 4) + bytes([10, 6, 6, 6])
    if name == "alias.test":
        return [(53, bytes(DNS(id=asked.id, qr=1, rd=1, ra=1, qd=asked.qd,
                               an=DNSRR(rrname=name, type="CNAME", rdata="good.test") / DNSRR(rrname="good.test", rdata=GOOD))))]
    if name == "nobody.test":
        return [(53, bytes(DNS(id=asked.id, qr=1, rd=1, ra=1, rcode=3, qd=asked.qd)))]
    if name == "wrong-id.test":
        return [(53, struct.pack("!H", asked.id ^ 1) + bytes(sound)[2:].replace(bytes([10, 9, 8, 7]), bytes([10, 6, 6, 6]))), (53, bytes(sound))]
    if name == "other-port.test":
        return [(54, bytes(sound).replace(bytes([10, 9, 8, 7]), bytes([10, 6, 6, 6]))), (53, bytes(sound))]
    if name == "loop.test":  # the owner's name points at itself, and an alias does
        at = len(head)
        return [(53, head + struct.pack("!H", 0xc000 | at) + struct.pack("!HHIH", 5, 1, 60, 2) + struct.pack("!H", 0xc000 | at + 12))]
    if name == "long.test":  # a label of 63 + 128 bytes, and a record that reaches out of the message
        return [(53, head + b"\x80" + b"x" * 40 + record), (53, head + b"\xc0\x0c" + record[:8] + b"\xff\xff" + record[10:])]
    if name == "silent.test" or (name == "lost.test" and times == 1):
        return []
    return [(53, bytes(sound))]


def test_names(image, request):
    """X4, X5: an address of ours comes only from the answer to our own question, and nothing hangs."""
    folder = WORK / f"resolve-{os.getpid()}"
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    lab = Lab(image("apps/resolve.c"), folder, f"ip=10.0.2.15/24,gw=10.0.2.2,dns={SERVER}", NAMES)
    request.node.runs = [lab]
    lab.link.answers[SERVER] = SERVER_MAC
    asked, seen, ports, ids, end = {}, 0, set(), set(), time.monotonic() + 60
    while time.monotonic() < end and "silent.test:" not in lab.guest.text:
        at = lab.link.wait(lambda f: UDP in f and f[UDP].dport == 53, seen, timeout=0.2)
        if at is None:
            continue
        seen = at + 1
        moment, query = lab.link.log[at]
        name = query[DNS].qd[0].qname.decode().rstrip(".")
        asked.setdefault(name, []).append(moment)
        ports.add(query[UDP].sport)
        ids.add(query[DNS].id)
        for port, data in answer_to(query, name, len(asked[name])):
            lab.link.send(Ether(src=SERVER_MAC, dst=GUEST_MAC) / IP(src=SERVER, dst=query[IP].src) /
                          UDP(sport=port, dport=query[UDP].sport) / data)
    outcome = lab.finish()
    lines = dict(line.split(" ", 1) for line in outcome.serial.splitlines() if ".test" in line or line.startswith("localhost "))
    assert outcome.status == 1, outcome.serial[-2000:]
    assert lines["localhost"] == "127.0.0.1" and "localhost" not in asked
    for name in ("good", "alias", "wrong-id", "other-port", "lost"):
        assert lines[f"{name}.test"] == GOOD, lines
    for name in ("nobody", "loop", "long", "silent"):
        assert f"{name}.test:" in lines, lines
    assert 2 <= asked["lost.test"][1] - asked["lost.test"][0] <= 5.5, "asked again"
    assert len(ports) >= len(asked) - 1 and len(ids) >= len(asked) - 1, "each name has its own port and identifier"
    assert "leak check passed" in outcome.serial
    shutil.rmtree(ROOT / folder)


# --- Answers that do not fit a datagram -------------------------------------------------------------------------------------
FITS = 18  # addresses in the 512 bytes that musl 1.2.3 has for an answer


def many(name, n):
    """@n addresses; a record is 14 bytes and the name."""
    records = None
    for i in range(n):
        record = DNSRR(rrname=name, rdata=f"10.9.{i // 250}.{1 + i % 250}", ttl=60)
        records = record if records is None else records / record
    return records


class CutServer:
    """Says too little by UDP (TC, with one record or none), and over TCP what the name asks for."""

    def __init__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((ADDRESS, 53))
        self.tcp = socket.create_server((ADDRESS, 53))
        self.by_tcp = []
        for work in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    def serve_udp(self):
        while True:
            data, peer = self.udp.recvfrom(2000)
            query = DNS(data)
            name = query.qd[0].qname.decode()
            some = many(name, 1) if name.startswith("broken") else None
            self.udp.sendto(bytes(DNS(id=query.id, qr=1, rd=1, ra=1, tc=1, qd=query.qd, an=some)), peer)

    def serve_tcp(self):
        while True:
            c, _ = self.tcp.accept()
            try:
                self.answer(c)
            except ConnectionError:
                pass  # the guest has no room for more
            c.close()

    def answer(self, c):
        data = c.recv(2, socket.MSG_WAITALL)
        query = DNS(c.recv(int.from_bytes(data, "big"), socket.MSG_WAITALL))
        name = query.qd[0].qname.decode()
        self.by_tcp.append(name)
        other = query.id ^ 1 if name.startswith("broken-id") else query.id
        n = {"big": FITS, "huge": 60}.get(name.split(".")[0], 2)
        answer = bytes(DNS(id=other, qr=1, rd=1, ra=1, qd=query.qd, an=many(name, n)))
        answer = len(answer).to_bytes(2, "big") + answer
        if name.startswith("broken-end"):
            answer = answer[:20]
        for at in range(0, len(answer), 150):  # in pieces, as a slow server writes
            c.sendall(answer[at:at + 150])
            time.sleep(0.01)

    def close(self):
        self.udp.close()
        self.tcp.close()


def test_cut_answers_come_by_tcp(boot, tap):
    """X4: what is cut is asked for again over TCP; when that brings nothing the cut answer counts. Of two servers one is dead."""
    wire = tap()
    server = wire.call(CutServer)
    run = boot("resolve", "big.test huge.test broken-id.test broken-end.test", net=wire.net, timeout=90,
               append=f"ip=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.99,dns={ADDRESS}")
    server.close()
    lines = {line.split()[0]: line.split()[1:] for line in run.serial.splitlines() if ".test" in line and "boot:" not in line}
    run.expect(0)
    assert lines["big.test"] == [f"10.9.0.{i}" for i in range(1, FITS + 1)], lines
    assert lines["huge.test"][:FITS] == [f"10.9.0.{i}" for i in range(1, FITS + 1)], "as many as the library has room for"
    assert lines["broken-id.test"] == lines["broken-end.test"] == ["10.9.0.1"], "what came by UDP"
    assert set(server.by_tcp) == {f"{n}.test." for n in ("big", "huge", "broken-id", "broken-end")}
