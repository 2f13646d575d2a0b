# SPDX-License-Identifier: MIT
"""Datagrams larger than a frame, out and in, through QEMU's user network: cut here and joined there, cut there and joined here."""
import socket
import threading

import capture
from settings import ROOT


def echo_server(sizes):
    """A UDP port of the host that gives every datagram back; sizes gets the length of each."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))

    def serve():
        try:
            while True:
                data, peer = s.recvfrom(65536)
                sizes.append(len(data))
                s.sendto(data, peer)
        except OSError:
            pass

    threading.Thread(target=serve, daemon=True).start()
    return s


def test_udp_of_4000_bytes_out_and_in(boot):
    """Frames of 1514, 1514 and 1082 bytes both ways, one identification each, DF off; the counters agree with the capture."""
    sizes = []
    server = echo_server(sizes)
    run = boot(ROOT / "tests/apps/datagrams.c", f"10.0.2.2 {server.getsockname()[1]} 4000 3")
    server.close()
    run.expect(0).says("datagrams: all came back")
    assert sizes[-1] == 9 and set(sizes[:-1]) == {4000}, sizes
    sent = len(sizes) - 1
    pieces = [f for f in capture.frames(run.pcap) if f.type == 0x0800 and int.from_bytes(f.data[20:22], "big") & 0x3fff]
    ours = [f for f in pieces if f.from_guest]
    theirs = [f for f in pieces if not f.from_guest]
    for side in (ours, theirs):
        assert [len(f.data) for f in side] == [1514, 1514, 1082] * sent, (sizes, len(ours), len(theirs), run.serial)
        flags = [int.from_bytes(f.data[20:22], "big") for f in side]
        assert flags == [0x2000, 0x2000 | 185, 370] * sent
        ids = [f.data[18:20] for f in side]
        assert all(len(set(ids[i:i + 3])) == 1 for i in range(0, len(ids), 3)) and len(set(ids)) == sent
    assert int.from_bytes(ours[0].data[38:40], "big") == 4008, "the UDP length stands in the first fragment"
    corked = [f for f in capture.frames(run.pcap) if f.from_guest and f.type == 0x0800 and f.data[42:51] == b"aaabbbccc"]
    assert len(corked) == 1 and int.from_bytes(corked[0].data[38:40], "big") == 17
    ip = {k[3:]: v for k, v in run.counters.snmp.items() if k.startswith("Ip.")}
    assert ip["FragOKs"] == sent and ip["FragCreates"] == 3 * sent and ip["FragFails"] == 0
    assert ip["ReasmReqds"] == 3 * sent and ip["ReasmOKs"] == sent and ip["ReasmFails"] == 0
    assert run.counters.skb["copied_frag"] == 0, "what UDP built in pieces is not copied to be cut"
    assert capture.bad_frames(run.pcap, lossy=True) == []
