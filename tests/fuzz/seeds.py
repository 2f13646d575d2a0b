# SPDX-License-Identifier: MIT
"""The first inputs of every fuzz target, written by hand: what a fuzzer would need long to come upon.

Interface: seeds(NAME) -> list of bytes.
"""
import struct


def tcp_options():
    mss, wscale, sack, stamp = b"\2\4\5\xb4", b"\3\3\7", b"\4\2", b"\x08\x0a" + struct.pack(">II", 1, 2)
    return [b"", mss, mss + b"\1" + wscale, mss + sack + stamp + b"\1" + wscale, b"\1\1" + stamp, b"\5\x0a" + bytes(8), b"\2\0",
            b"\2\1", b"\2\x28\5\xb4", b"\3\3\xff", b"\1" * 40, stamp + stamp, b"\2\4\0\0", b"\x08\x0b", b"\x1e\5abc\0"]


def ip_options():
    return [b"", b"\1" * 40, b"\x07\x07\x04\0\0\0\0\0", b"\x07\x07\x09\0", b"\x83\x07\x04\0\0\0\0", b"\x89\x03\x04", b"\x83\0",
            b"\x44\x08\x05\0\0\0\0\0", b"\x94\x04\0\0", b"\x07\x29", b"\x07\1", b"\x88\x04\0\1"]


def command_lines():
    lines = ["", "ip=dhcp", "ip=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3", "ip=10.0.0.1/32", "ip=10.0.0.1/33", "ip=127.0.0.1/8",
             "neigh=10.0.2.2=52:55:0a:00:02:02", "neigh=10.0.2.2=ff:ff:ff:ff:ff:ff", "mtu=1500", "mtu=68", "mtu=67", "txqueuelen=1000",
             "tx_ring=256 rx_ring=4096", "tx_ring=7", "txirq=always", "txirq=auto", "csum=on", "csum=0", "loglevel=7", "loglevel=8",
             "rng.seed=18446744073709551615", "rng.seed=18446744073709551616", "stats=1", "fault=alloc,at=100,every=50", "fault=help",
             "fault=txstall,at=500,ms=3000", "net.ipv4.tcp_rmem='4096 131072 262144'", "net.ipv4.tcp_wmem=4096,16384,65536",
             "net.ipv4.tcp_syn_retries=5", "mtu", "mtuu=1", "-- tcp:10.0.2.2:5001", "-- 'a b' \"c d\" e\\ f '--'", "-- '", "\"--\" x",
             "ip=dhcp " * 16, "-- " + "a " * 64, "a" * 120]
    return [line.encode() for line in lines]


def filter_rules():
    lines = ["", ";", "in drop", "out drop ip daddr 10.0.2.2 udp dport 9", "in policy drop; in tcp flags syn / syn,ack accept",
             "pre ip saddr != 10.0.0.0/24 ip protocol 17 counter", "out meta mark set 5 ip ttl set 9 ip dscp set 46",
             "in icmp type echo-request limit rate over 10/second burst 2 packets drop", "post oif != \"eth0\" ip length 0-100 drop",
             "in tcp dport 80 reject with tcp reset", "in udp dport 1-1024 reject with icmp type port-unreachable", "out reject",
             "in iifname eth0 ip daddr 10.0.0.1-10.0.0.9 accept", "in counter packets 3 bytes 180 continue", "in ip saddr 10.0.0",
             "forward drop", "in mark 0x1-0xffffffff", "a" * 120]
    return [line.encode() for line in lines]


def disciplines():
    lines = ["pfifo_fast", "fq", "fq,limit=10p,flow_limit=3,quantum=3kb,maxrate=1.5mbit,horizon=1s,horizon_cap",
             "fq_codel,target=5ms,interval=100ms,limit=10240,flows=16,quantum=1514,noecn", "fq_codel,memory_limit=32mb,drop_batch=64,ecn",
             "tbf,rate=10mbit,burst=32kb,latency=50ms", "tbf,rate=125kbps,burst=2kb,limit=5kb/fq_codel,flows=4", "tbf,rate=1gbit", "pfifo,limit=3",
             "netem,delay=20ms,jitter=5ms,loss=1%,burst=4,dup=0.25%,reorder=25%,gap=5,corrupt=0.1%,seed=7", "bfifo,limit=0", "noqueue",
             "fq,limit=99999999999999999999", "netem,loss=100.1%", "fq_codel,ecn=1", "tbf,rate=1mbit,burst=1kb,limit=0/tbf", "fq/fq", "fq,", ""]
    return [line.encode() for line in lines]


OURS, PEER = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
OUR_MAC, PEER_MAC, ALL_MAC = bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2]), b"\xff" * 6


def arp(op, sha, sip, tha, tip, dst=OUR_MAC, hln=6):
    return dst + sha + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x800, hln, 4, op) + sha + sip + tha + tip


def frame(data, advance=None):
    """A record of fuzz_eth."""
    how = len(data) - 14
    return bytes([how]) + data if advance is None else bytes([how | 0x80, advance]) + data


def frames():
    third = bytes([10, 0, 0, 3])
    ask = frame(arp(1, PEER_MAC, PEER, bytes(6), OURS, ALL_MAC))
    answer = frame(arp(2, PEER_MAC, PEER, OUR_MAC, OURS))
    moved = frame(arp(2, b"\2\0\0\0\0\x09", PEER, OUR_MAC, OURS))
    return [ask, answer, ask + answer, ask + moved, ask + frame(arp(2, PEER_MAC, PEER, OUR_MAC, OURS), 240) + moved,
            frame(arp(1, PEER_MAC, OURS, bytes(6), OURS, ALL_MAC)), frame(arp(1, PEER_MAC, bytes(4), bytes(6), OURS, ALL_MAC)),
            frame(arp(1, PEER_MAC, third, bytes(6), OURS)), frame(arp(1, PEER_MAC, PEER, bytes(6), OURS, hln=7)),
            frame(arp(2, PEER_MAC, PEER, OUR_MAC, OURS), 0) + frame(arp(2, PEER_MAC, PEER, OUR_MAC, OURS), 8),
            frame(OUR_MAC + PEER_MAC + b"\x08\0" + b"\x45" + bytes(19)), frame(OUR_MAC + PEER_MAC + b"\0\x2e" + bytes(46)),
            frame(ALL_MAC + PEER_MAC + b"\x81\0" + bytes(30))]


def ip_header(proto, body, options=b"", frag=0, total=None, saddr=PEER, daddr=OURS):
    words = 5 + len(options) // 4
    total = words * 4 + len(body) if total is None else total
    return struct.pack(">BBHHHBBH", 0x40 | words, 0, total, 1, frag, 64, proto, 0) + saddr + daddr + options + body


def packets():
    """Inputs of fuzz_ip: a byte of flags, a packet."""
    echo = b"\x08\0\0\0\0\1\0\1" + bytes(range(24))
    quoted = ip_header(17, struct.pack(">HHHH", 7, 9, 16, 0) + bytes(8), saddr=OURS, daddr=PEER)
    errors = [bytes([t, c]) + b"\0\0\0\0" + struct.pack(">H", mtu) + quoted
              for t, c, mtu in ((3, 0, 0), (3, 1, 0), (3, 2, 0), (3, 3, 0), (3, 4, 576), (3, 4, 0), (3, 15, 0), (3, 16, 0), (11, 0, 0),
                                (12, 0, 0), (4, 0, 0), (5, 1, 0))]
    udp = struct.pack(">HHHH", 9, 7, 12, 0) + b"data"
    tcp = struct.pack(">HHIIBBHHH", 9, 80, 1, 0, 0x50, 2, 1000, 0, 0)
    all_ = [ip_header(1, echo), ip_header(1, echo, b"\1" * 40), ip_header(1, echo, b"\x83\x07\x04\0\0\0\0\0"), ip_header(17, udp),
            ip_header(17, struct.pack(">HHHH", 9, 99, 8, 0)), ip_header(6, tcp), ip_header(6, tcp[:12]), ip_header(99, b"what"),
            ip_header(1, echo, frag=0x2000), ip_header(17, udp, frag=100), ip_header(1, echo, total=20), ip_header(1, echo, total=1400),
            ip_header(1, b"\x0d\0\0\0" + bytes(16)), ip_header(1, b"\0\0")] + [ip_header(1, e) for e in errors]
    return [b"\0" + p for p in all_] + [b"\x02" + p for p in all_[:2]] + [b"\x08" + p for p in all_[:4]] + [b"\4" + p for p in all_[:4]]


def says(kind, value):
    """A write with one control message of level SOL_IP."""
    return bytes([8, 0, 16 + len(value)]) + struct.pack("<QII", 16 + len(value), 0, kind) + value


def datagrams():
    good, for_b, nobody = bytes([0, 0, 0, 20]), bytes([0, 2, 0x08, 30]), bytes([1, 0, 0x18, 5])
    read = bytes([6, 0, 100, 0])
    return [good + read, good + good + bytes([6, 0, 10, 0x22]) + read, for_b + bytes([6, 1, 255, 2]), nobody,
            bytes([0, 1, 0, 8, 0, 4]), bytes([0, 1, 0, 8, 0, 40]), bytes([0, 0x80, 0, 8]), bytes([0, 0xc0, 0, 8, 1, 2]),
            bytes([5, 24, 3, 3, 0, 0, 1]) + read, bytes([5, 24, 3, 4, 2, 0x40, 1]) + bytes([6, 1, 10, 0]),
            bytes([7, 0, 0, 9]) + bytes([7, 1, 0x80, 200]), bytes([0, 0, 0x10, 200]) * 6 + bytes([6, 2, 255, 0]),
            bytes([0, 2, 2, 0x10, 40]),
            says(2, struct.pack("<i", 9)) + says(7, b"\x83\7\4\12\0\0\2"), says(8, bytes(12)) + says(4711, b""), bytes([8, 0, 16]) + bytes(16),
            bytes([5, 24, 3, 1, 0, 0, 1, 9, 1, 200, 0, 1]), bytes([0, 0x80, 8, 20, 9, 1, 200, 0, 0, 0, 0x80, 8, 20, 9, 1, 40, 2, 0])]


def dhcp_options(type_, more=b""):
    return (bytes([53, 1, type_, 54, 4, 10, 0, 0, 2, 51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0, 3, 4, 10, 0, 0, 2, 6, 4, 10, 0, 0, 3])
            + more + b"\xff")


def dhcp_messages():
    header = bytes([2, 1, 6, 0]) + bytes(232) + b"\x63\x82\x53\x63"
    return [b"\1" + dhcp_options(t) for t in (2, 5, 6)] + [
        b"\0" + header + dhcp_options(2), b"\1" + dhcp_options(5, bytes([58, 4, 0, 0, 7, 8, 59, 4, 0, 0, 12, 0])),
        b"\3" + bytes([52, 1, 1, 53, 1, 2]), b"\5" + bytes([52, 1, 2, 53, 1, 5]), b"\7" + bytes([52, 1, 3, 53, 1, 5, 255]),
        b"\1" + bytes([53, 1, 5, 51, 3, 0, 0, 0]), b"\1" + bytes([53, 1, 5, 12, 200]), b"\1" + bytes([53, 1, 5, 1, 4, 255, 0, 255, 0])]


def leases():
    """Inputs of fuzz_dhcp: the state, then answers."""
    offer, ack, nak = bytes([0, 2, 1, 0, 0]), bytes([0, 5, 1, 0, 0]), bytes([0, 6, 1, 0, 0])
    later = bytes([4]) + ack[1:]
    return [bytes([state]) + answers for state in range(6)
            for answers in (offer + ack, ack, nak + offer, later + ack, bytes([0x20, 5, 9, 0, 0, 0, 0, 60, 0, 0, 0, 20, 0, 0, 0, 40, 0]),
                            bytes([1, 0, 0, 7, 40]) + dhcp_options(2)[:40], bytes([8]) + ack[1:], bytes([0x10]) + ack[1:])]


OPS = {name: (number, args) for number, (name, args) in enumerate((
    ("socket", 2), ("bind", 3), ("listen", 2), ("connect", 2), ("accept", 2), ("send", 5), ("recv", 4), ("shutdown", 2), ("close", 1),
    ("setopt", 4), ("getopt", 3), ("ask", 2), ("time", 2), ("peer", 3), ("segment", 13), ("datagram", 3), ("icmp", 7), ("raw", 28),
    ("arp", 2), ("device", 2), ("fault", 1), ("pages", 0)))}
OPEN, ANSWER, ACK, ACK_SOME, DUPACK, TEXT, LATER, FIN, RESET, SHUT, BARE, BOTH = range(12)


def play(text):
    """Records of the machine of stack.h, out of "name argument ...; name ..."."""
    out = b""
    for record in filter(None, (r.split() for r in text.split(";"))):
        number, args = OPS[record[0]]
        given = [globals()[a] if a.isupper() else int(a, 0) for a in record[1:]]
        assert len(given) == args, text
        out += bytes([number, *given])
    return out


CALL = "socket 0 0; connect 0 0; peer 0 ANSWER 2;"
SERVE = "socket 1 0; bind 1 1 0; listen 1 4; peer 1 OPEN 2; peer 1 ACK 0; accept 1 0;"


def connections():
    """Inputs of fuzz_tcp: every state it can begin in, with a little of everything behind it."""
    tails = ["peer 0 TEXT 100; recv 0 0 8 0; send 0 0 0 4 0; peer 0 ACK 0; time 1 10; close 0; peer 0 ACK 0; peer 0 FIN 0; time 0 61",
             "peer 0 RESET 0; recv 0 0 1 0", "time 0 200; time 0 200", "icmp 0 0 4 2 64 0 0; icmp 0 0 1 0 0 0 0",
             "peer 0 LATER 50; peer 0 TEXT 181; recv 0 2 16 0; peer 0 BOTH 4; shutdown 0 1; peer 0 ACK 0"]
    acks = "".join(f"segment 0 0x10 0 0 0 {base} 0 0 255 255 0 0 0;" for base in (2, 5, 7, 6, 4, 3, 0))
    text = "".join(f"segment 0 0x18 {base} 0 0 0 0 0 255 255 0 {high} 100;" for base in (7, 2, 5, 3, 6, 4, 0) for high in (0, 3))
    flags = "".join(f"segment 0 {flag} {base} 0 0 0 0 0 16 0 0 0 0;" for base in (5, 2, 0) for flag in (0, 2, 0x12, 0x29, 1, 0x14, 4))
    return [bytes([state]) + play(tail) for state in range(19) for tail in [*tails[state % 2::2], (acks, text, flags)[state % 3]]]


def stacks():
    texts = [CALL + "send 0 0 0 8 0; peer 0 ACK_SOME 91; peer 0 ACK 0; peer 0 TEXT 150; recv 0 0 4 0; close 0; peer 0 ACK 0; peer 0 FIN 0",
             SERVE + "peer 0 TEXT 20; recv 0 1 1 0; recv 0 0 1 0; send 0 1 0 1 0; time 1 60; shutdown 0 1; peer 0 FIN 0; time 0 70",
             CALL + "device 4 0; send 0 0 0 19 0; device 5 0; time 1 50; peer 0 ACK 0", CALL + "fault 2; send 0 0 0 3 0; time 0 2; peer 0 ACK 0",
             "socket 0 1; bind 0 0 2; datagram 0 0 30; recv 0 0 1 0; connect 0 0x10; send 0 0 0 0 9; icmp 128 3 3 0 0 0 0; recv 0 0 1 0; ask 0 4",
             "socket 1 0; bind 1 4 2; listen 1 2; socket 0 0; connect 0 0x14; accept 1 2; send 0 0 0 9 0; recv 2 0 9 0; close 0; recv 2 0 9 0",
             "arp 0 0; socket 0 1; send 0 0 0x40 0 9; arp 1 0; time 0 40; send 0 0 0x40 0 9; arp 65 0; time 0 5", "pages; device 7 0; " + CALL,
             CALL + "device 0 0; send 0 0 0 4 0; device 1 0; device 2 0; device 3 0; device 9 1; device 9 0; peer 0 ACK 0; time 0 3",
             SERVE + "setopt 0 10 0 1; setopt 0 3 0 1; setopt 0 13 0 1; getopt 0 21 255; time 0 100; close 1", CALL + "connect 0 0x80; " + CALL]
    return [bytes([ether]) + (play("arp 0 0;") if ether else b"") + play(text) for text in texts for ether in (0, 1)] + [
        bytes([(state + 1) << 1 | state & 1]) + more for state in range(19) for more in (
            play("send 0 0 0 9 0; device 0 0; time 1 40; device 1 0; peer 0 ACK_SOME 30; icmp 0 0 4 2 64 0 0; time 0 2; peer 0 ACK 0"),
            play("recv 0 0 4 0; peer 0 TEXT 60; time 1 20; close 0; peer 0 BOTH 3; peer 0 ACK 0; time 0 70; pages"))]


def received():
    """Inputs of fuzz_rxdesc: flags, length (2), errors, status, mark."""
    good, cut, rest = bytes([0x0c, 0, 0, 0, 0, 1]), bytes([0x10, 8, 0, 0, 1, 2]), bytes([0x0d, 1, 0, 0, 0, 3])
    return [good, good * 20, rest * 5 + good, cut + good + good, cut * 3 + good, bytes([0, 0, 13, 0, 0, 4]),
            bytes([0, 8, 0, 0, 0, 5]), bytes([0, 8, 1, 0, 0, 6]), bytes([0, 255, 255, 0, 0, 7]), bytes([0x20, 0, 60, 1, 0, 8]),
            bytes([0x20, 0, 60, 0x20, 0, 8]), bytes([0x0e, 0, 0, 0, 0, 9]) + good, bytes([0x11, 8, 0, 0, 1, 2]) * 3 + good]


def transmitted():
    """Inputs of fuzz_txdesc: flags, offset, linear length (2), fragments, their lengths."""
    return [bytes([8, 32, 0, 54, 0]), bytes([8, 1, 5, 220, 0]), bytes([0, 2, 0, 14, 3, 100, 200, 255]) * 4 + bytes([8, 0, 0, 60, 0]),
            bytes([0x0d, 3, 1, 0, 17]) + bytes([200] * 17), bytes([0x0c, 16, 0, 60, 0]) + bytes([0x2c, 16, 0, 60, 0]),
            bytes([0x1b, 127, 11, 183, 4, 255, 255, 255, 255]), bytes([4, 16, 0, 200, 1, 90]) * 3 + bytes([0x4c, 16, 0, 200, 1, 90])]


def fragments():
    """Records of fuzz_frag: which, offset, length, how."""
    def piece(offset, units, more=True, which=0, ecn=0):
        return bytes([which, offset, units, 0x80 | ecn << 1 | more])
    whole = [piece(0, 4), piece(4, 4), piece(8, 4, False)]
    return [b"".join(whole), b"".join(reversed(whole)), whole[0] + whole[0] + whole[1] + whole[2], whole[0] + piece(3, 4) + whole[2],
            whole[2] + piece(4, 8, False), whole[0] + bytes([0x80, 31, 0, 0]), piece(0, 4, ecn=2) + piece(4, 4, ecn=3) + whole[2],
            bytes([0, 255, 255, 0x89]), bytes([0, 0, 7, 1]), bytes([0, 0, 0, 1]), b"".join(piece(i, 1) for i in range(66)),
            b"".join(piece(0, 1, which=i) for i in range(16)), b"".join(piece(0, 4, which=0x40) + piece(4, 1, False, 0x40) for _ in range(2)),
            piece(0, 4)[:3] + bytes([0x91]) + whole[1] + whole[2]]


def cut():
    """Inputs of fuzz_gso: flags, gso_size (2), linear bytes, fragment length / 16; a packet."""
    tcp = bytes.fromhex("00500051000003e8000000005018ffff00000000")
    found = []
    for flags in range(16):
        body = bytes([0, 80, 0, 81, 0, 0, 0, 0]) if flags & 1 else tcp
        packet = ip_header(17 if flags & 1 else 6, body + bytes(range(200)) * 10)
        found.append(bytes([flags]) + (500).to_bytes(2, "big") + bytes([60, 40]) + packet)
    return found


MAKERS = {"rxdesc": received, "txdesc": transmitted, "tcpopt": tcp_options, "ipopt": ip_options, "cmdline": command_lines, "eth": frames,
          "frag": fragments, "qdisc": disciplines, "nft": filter_rules, "ip": packets, "udp": datagrams, "dhcpmsg": dhcp_messages,
          "dhcp": leases, "tcp": connections, "stack": stacks}
MAKERS["gso"] = cut


def seeds(name):
    return MAKERS[name]() if name in MAKERS else []
