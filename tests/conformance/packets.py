# SPDX-License-Identifier: MIT
"""IPv4 datagrams as bytes and as text: built for the peer, taken apart for comparison, told in one line each, saved as pcap."""
import ipaddress
import struct

TCP, UDP, ICMP = 6, 17, 1
FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
ICMP_NAMES = {0: "echo-reply", 3: "unreach", 4: "source-quench", 5: "redirect", 8: "echo", 11: "time-exceeded",
              12: "parameter-problem", 13: "timestamp"}
PATTERN = bytes((i * 131 + (i >> 8) * 17 + (i >> 16) * 7 + (i >> 24)) & 255 for i in range(1 << 17))
PATTERN_PERIOD = len(PATTERN)


def pattern(offset, n):
    """Bytes @offset .. @offset + @n of every stream in every script."""
    offset %= PATTERN_PERIOD
    out = PATTERN[offset:offset + n]
    while len(out) < n:
        out += PATTERN[:n - len(out)]
    return out


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    s = (s & 0xffff) + (s >> 16)
    s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def address(text):
    return ipaddress.IPv4Address(text).packed


def dotted(packed):
    return ".".join(map(str, packed))


def flag_names(bits):
    return ",".join(n for n in ("SYN", "FIN", "RST", "PSH", "ACK", "URG", "ECE", "CWR") if bits & FLAGS[n]) or "none"


def transport(src, dst, proto, head, payload, at, spoil=0):
    """Puts the checksum over pseudo header, @head and @payload into @head at byte @at."""
    pseudo = src + dst + struct.pack("!BBH", 0, proto, len(head) + len(payload))
    value = checksum(pseudo + head + payload)
    if proto == UDP and not value:
        value = 0xffff
    value ^= spoil
    return head[:at] + struct.pack("!H", value) + head[at + 2:] + payload


def ip(src, dst, proto, body, k):
    """The IP header by the keys that a script stated (@k), in front of @body."""
    options = k.get("ipopt", b"")
    options += b"\0" * (-len(options) % 4)
    ihl = k.get("ihl", 5 + len(options) // 4)
    frag = (0x4000 if k.get("df") else 0) | (0x2000 if k.get("mf") else 0) | k.get("offset", 0) // 8
    head = struct.pack("!BBHHHBBH", k.get("version", 4) << 4 | ihl, k.get("tos", 0),
                       k.get("totlen", 20 + len(options) + len(body)), k.get("id", 0), frag, k.get("ttl", 64), proto, 0)
    head += src + dst + options
    value = checksum(head) ^ (1 if k.get("ip-bad-checksum") else 0)
    whole = head[:10] + struct.pack("!H", value) + head[12:] + body + b"\0" * k.get("trailing", 0)
    return whole[:k["cut"]] if "cut" in k else whole


def real_destination(options, dst):
    """Where a packet ends: the last slot of a source route (131, 137), or where its header says."""
    i = 0
    while i < len(options) and options[i]:
        size = 1 if options[i] == 1 else options[i + 1]
        if options[i] in (131, 137):
            return options[i + size - 4:i + size]
        i += size
    return dst


class Packet:
    """What a datagram says. Attributes that its protocol does not have are None."""

    def __init__(self, raw, time_us=0, out=True):
        self.raw, self.time, self.out = raw, time_us, out
        self.proto = self.flags = self.seq = self.ack = self.win = self.sport = self.dport = self.type = self.code = None
        self.options, self.payload, self.ok = b"", b"", False
        if len(raw) < 20 or raw[0] >> 4 != 4 or (raw[0] & 15) < 5:
            return
        hlen = (raw[0] & 15) * 4
        self.tos, self.totlen, self.id, frag, self.ttl, self.proto = struct.unpack("!xBHHHBB", raw[:10])
        self.df, self.mf, self.offset = frag >> 14 & 1, frag >> 13 & 1, (frag & 0x1fff) * 8
        self.src, self.dst = raw[12:16], raw[16:20]
        body = raw[hlen:self.totlen]
        self.hlen = hlen
        self.ip_ok = checksum(raw[:hlen]) == 0 and self.totlen == len(raw)
        self.body = body
        if self.mf or self.offset:
            self.ok = self.ip_ok
        elif self.proto == TCP and len(body) >= 20:
            self._tcp(body)
        elif self.proto == UDP and len(body) >= 8:
            self._udp(body)
        elif self.proto == ICMP and len(body) >= 8:
            self.type, self.code, _, self.rest = struct.unpack("!BBH4s", body[:8])
            self.payload = body[8:]
            self.ok = self.ip_ok and checksum(body) == 0
        elif self.proto not in (TCP, UDP, ICMP):
            self.payload, self.ok = body, self.ip_ok

    def _sum_ok(self, body):
        return checksum(self.src + real_destination(self.raw[20:self.hlen], self.dst) + struct.pack("!BBH", 0, self.proto, len(body)) + body) == 0

    def _tcp(self, body):
        self.sport, self.dport, self.seq, self.ack, doff, self.flags, self.win, _, self.urg = struct.unpack("!HHIIBBHHH", body[:20])
        self.reserved = doff & 15
        self.options, self.payload = body[20:(doff >> 4) * 4], body[(doff >> 4) * 4:]
        self.ok = self.ip_ok and self._sum_ok(body)

    def _udp(self, body):
        self.sport, self.dport, self.udplen, check = struct.unpack("!HHHH", body[:8])
        self.payload = body[8:]
        self.ok = self.ip_ok and self.udplen == len(body) and (check == 0 or self._sum_ok(body))


def options_items(raw):
    """TCP options as (name, values...): what is not well formed is one item, hex."""
    out, i = [], 0
    while i < len(raw):
        kind = raw[i]
        if kind < 2:
            out.append(("nop",) if kind else ("eol",))
            i += 1
            continue
        size = raw[i + 1] if i + 1 < len(raw) else 0
        body = raw[i + 2:i + size]
        if size < 2 or i + size > len(raw):
            out.append(("hex", raw[i:].hex()))
            break
        i += size
        if kind == 2 and size == 4:
            out.append(("mss", body[0] << 8 | body[1]))
        elif kind == 3 and size == 3:
            out.append(("wscale", body[0]))
        elif kind == 4 and size == 2:
            out.append(("sackok",))
        elif kind == 5 and size > 2 and size % 8 == 2:
            out.append(("sack", *struct.unpack(f"!{(size - 2) // 4}I", body)))
        elif kind == 8 and size == 10:
            out.append(("timestamp", *struct.unpack("!II", body)))
        else:
            out.append(("opt", kind, body.hex()))
    return out


def options_relative(items, ts=0, seq=0):
    """The items of one of our packets, as a script counts: our timestamps from @ts, edges from @seq."""
    out = []
    for name, *v in items:
        if name == "timestamp":
            v[0] = (v[0] - ts) & 0xffffffff
        elif name == "sack":
            v = [(edge - seq) & 0xffffffff for edge in v]
        out.append((name, *v))
    return out


def options_text(items):
    """<mss 1460, nop, wscale 8> as scripts write it."""
    out = []
    for name, *v in items:
        if name == "sack":
            v = [f"{a}:{b}" for a, b in zip(v[::2], v[1::2])]
        out.append(" ".join([name, *("*" if x is None else str(x) for x in v)]).rstrip())
    return "<" + ", ".join(out) + ">"


def one_line(p, start_us=0, isn=None):
    """A datagram in one line, in tshark's manner. @isn: (ours, the peer's) first sequence numbers, for relative ones."""
    at = f"{(p.time - start_us) / 1e6:11.6f} {'out' if p.out else 'in '} "
    if p.proto is None:
        return f"{at} malformed, {len(p.raw)} bytes: {p.raw[:24].hex()}"
    at += f"{dotted(p.src)} → {dotted(p.dst)} "
    bad = "" if p.ok else " [bad checksum or length]"
    if p.mf or p.offset:
        return f"{at}fragment of protocol {p.proto}, id {p.id}: piece {p.offset}+{len(p.body)}{' and more' if p.mf else ''}{bad}"
    if p.proto == TCP and p.flags is not None:
        ours, theirs = isn or (0, 0)
        base, other = (ours, theirs) if p.out else (theirs, ours)
        seq = (p.seq - (base or 0)) & 0xffffffff
        text = f"TCP {p.sport} → {p.dport} [{flag_names(p.flags)}] Seq={seq}"
        if p.flags & FLAGS["ACK"]:
            text += f" Ack={(p.ack - (other or 0)) & 0xffffffff}"
        text += f" Win={p.win} Len={len(p.payload)}"
        return at + text + (" " + options_text(options_relative(options_items(p.options), 0, other or 0)) if p.options else "") + bad
    if p.proto == UDP and p.sport is not None:
        return f"{at}UDP {p.sport} → {p.dport} Len={len(p.payload)}{bad}"
    if p.proto == ICMP and p.type is not None:
        return f"{at}ICMP {ICMP_NAMES.get(p.type, p.type)} {p.type}/{p.code} Len={len(p.payload)}{bad}"
    return f"{at}protocol {p.proto} Len={len(p.raw)}{bad}"


def write_pcap(path, packets):
    """Raw IPv4 (LINKTYPE_RAW), microseconds."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for p in packets:
            f.write(struct.pack("<IIII", p.time // 1000000, p.time % 1000000, len(p.raw), len(p.raw)) + p.raw)
