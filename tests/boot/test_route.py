# SPDX-License-Identifier: MIT
"""Routes of the command line, options and groups: what an application sees, what is on the wire, what the pages say."""
import re

import capture

ROUTES = ("ip=10.0.2.15/24 route=10.99.0.0/16,via=10.0.2.2,metric=7,mtu=1400 route=10.98.0.0/16,blackhole "
          "route=10.97.0.0/16,prohibit route=10.96.0.0/16,unreachable")
GATEWAY_MAC = bytes.fromhex("52550a000202")


def datagrams(frames, text):
    """UDP datagrams of the guest whose payload is @text: (frame, IP header)."""
    return [f.data for f in frames if f.from_guest and f.type == 0x0800 and f.data[23] == 17
            and f.data[14 + (f.data[14] & 15) * 4 + 8:].startswith(text)]


def number(data):
    return int.from_bytes(data[18:20], "big")


def page(serial, name):
    return serial.split(f"== {name}\n", 1)[1].split("\n== ", 1)[0]


def test_routes_options_and_groups(boot):
    run = boot("tests/apps/route.c", append=ROUTES)
    run.expect(0)
    frames = capture.frames(run.pcap)
    sent = datagrams(frames, b"connected")
    assert [d[:6] for d in sent] == [GATEWAY_MAC] * 3, "beyond the link: the gateway's address"
    assert [(number(d) - number(sent[0])) % 65536 for d in sent] == [0, 1, 2]
    assert all(d[20] & 0x40 for d in sent)
    sent = datagrams(frames, b"atomic")
    assert [number(d) for d in sent] == [0, 0] and all(d[20] & 0x40 for d in sent)
    sent = datagrams(frames, b"may be cut")
    assert len(sent) == 2 and not any(d[20] & 0x40 for d in sent)
    assert 1 <= (number(sent[1]) - number(sent[0])) % 65536 <= 300
    sent, = datagrams(frames, b"options")
    assert sent[14] == 0x47 and sent[34:42] == bytes([7, 7, 8, 10, 0, 2, 15, 0])
    sent, = datagrams(frames, b"group")
    assert sent[:6] == bytes.fromhex("01005e010203") and sent[22] == 1
    sent, = datagrams(frames, b"all")
    assert sent[:6] == b"\xff" * 6
    assert [line for line in capture.bad_frames(run.pcap, repeats=run.counters.repeats) if "10.0.2.15 →" in line] == []
    assert re.search(r"^eth0\t0000630A\t0202000A\t0003\t0\t0\t7\t0000FFFF\t", page(run.serial, "/proc/net/route"), re.M)
    assert re.search(r"^\*\t0000620A\t00000000\t0201\t0\t0\t0\t0000FFFF\t", page(run.serial, "/proc/net/route"), re.M)
    names, values = (line.split()[1:] for line in page(run.serial, "/proc/net/snmp").splitlines() if line.startswith("Ip:"))
    ip = dict(zip(names, map(int, values)))
    assert ip["OutNoRoutes"] == 2, "one for UDP, one for TCP; a route that refuses is a route"
    names, values = (line.split()[1:] for line in page(run.serial, "/proc/net/netstat").splitlines()
                     if line.startswith("IpExt:"))
    ext = dict(zip(names, map(int, values)))
    assert (ext["OutBcastPkts"], ext["InMcastPkts"], ext["InBcastPkts"]) == (1, 1, 1)
    assert ext["OutMcastPkts"] >= 2, "the datagram, and the report of IGMP, which may be there again"
    reports = [f.data for f in frames if f.from_guest and f.type == 0x0800 and f.data[23] == 2]
    assert reports[0][14:16] == b"\x46\xc0" and reports[0][22] == 1 and reports[0][34:38] == b"\x94\x04\0\0"
    assert reports[0][30:34] == bytes([224, 0, 0, 22]) and reports[0][46:54] == bytes([4, 0, 0, 0, 239, 129, 2, 3])
