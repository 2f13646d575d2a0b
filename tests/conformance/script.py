# SPDX-License-Identifier: MIT
"""The script language: lines become statements, or an error that names file and line. README.md describes it."""
import re
import struct

import packets
from packets import FLAGS, ICMP, TCP, UDP
from stack import PEER_ISN

UNITS = {"us": 1, "ms": 1000, "s": 1000000, "min": 60000000}
NUMBER_KEYS = {"seq", "ack", "win", "len", "urg", "ttl", "tos", "id", "offset", "proto", "version", "ihl", "totlen", "trailing", "cut",
               "as", "reserved", "doff", "mtu", "udplen", "echo-seq", "quote-seq", "quote-len"}
WORD_KEYS = {"df", "mf", "bad-checksum", "no-checksum", "ip-bad-checksum", "quote-foreign"}
PROTOCOLS = {"udp": UDP, "icmp": ICMP}
# Every call, with the least and the greatest number of its arguments.
ARGUMENTS = {"socket": (1, 2), "bind": (2, 2), "listen": (2, 2), "accept": (1, 1), "connect": (2, 2), "send": (2, 4), "sendto": (3, 4),
             "ping": (3, 4), "recv": (2, 4), "shutdown": (2, 2), "close": (1, 1), "setsockopt": (3, 10), "getsockopt": (2, 2), "ioctl": (2, 2),
             "sendmsg": (4, 8), "recvmsg": (2, 4), "recverr": (2, 2),
             "poll": (1, 1), "error": (1, 1), "state": (1, 1), "info": (2, 2), "tune": (2, 2), "accepted": (0, 11), "connected": (0, 11)}


class ScriptError(Exception):
    """The script itself is wrong."""


class Statement:
    """One line: when, what, with which arguments."""

    def __init__(self, line, text):
        self.line, self.text = line, text
        self.time = self.tolerance = None  # ("+" or "@", us)
        self.run = None  # function of the runner
        self.args = ()
        self.result = None


def duration(text):
    m = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|min)", text)
    if not m:
        raise ScriptError(f"'{text}' is no duration (5us, 40ms, 1.5s, 2min)")
    return round(float(m[1]) * UNITS[m[2]])


def integer(text):
    try:
        return int(text, 0)
    except ValueError:
        raise ScriptError(f"'{text}' is no number") from None


def endpoint(text, host=None):
    """192.0.2.1:80, :80 or 192.0.2.1:* -> (packed address, port or None)"""
    m = re.fullmatch(r"([\d.]*):(\d+|\*)", text)
    try:
        packed = packets.address(m[1]) if m[1] else host
        return packed, None if m[2] == "*" else int(m[2])
    except (ValueError, TypeError):
        raise ScriptError(f"'{text}' is no address:port") from None


def hexbytes(text):
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ScriptError(f"'{text}' is not hexadecimal") from None


class Options:
    """<mss 1460, nop, wscale 7>: TCP options whose timestamps and SACK edges count from where the flow's begin."""

    def __init__(self, text):
        self.parts, self.any = [], set()  # what any value is good for: "val", "ecr"
        for item in filter(None, (i.strip() for i in text.strip("<>").split(","))):
            name, *rest = item.split()
            self.parts.append(self._part(name, rest, item))
        if len(self.raw()) > 40:
            raise ScriptError("more than 40 bytes of options")

    def _part(self, name, rest, item):
        """A function of (what our timestamps, what the edges count from) that gives bytes."""
        if name in ("ts", "timestamp") and len(rest) == 2:
            self.any |= {key for key, word in zip(("val", "ecr"), rest) if word == "*"}
            val, ecr = (0 if word == "*" else integer(word) for word in rest)
            return lambda ts, _: struct.pack("!BBII", 8, 10, val, (ecr + ts) & 0xffffffff if ecr else 0)
        if name == "sack" and rest:
            edges = [integer(edge) for block in rest for edge in block.split(":")]
            if len(edges) != 2 * len(rest):
                raise ScriptError(f"'{item}': a block is FROM:TO")
            return lambda _, seq: bytes([5, 2 + 4 * len(edges)]) + b"".join(struct.pack("!I", (e + seq) & 0xffffffff) for e in edges)
        raw = option_bytes(name, rest, item)
        return lambda _ts, _seq: raw

    def raw(self, ts=0, seq=0):
        """The bytes, filled up with EOL to four."""
        out = b"".join(part(ts, seq) for part in self.parts)
        return out + b"\0" * (-len(out) % 4)

    def items(self):
        """As packets.options_items() tells those of a packet; None for what may be anything."""
        return [(name, None if "val" in self.any else v[0], None if "ecr" in self.any else v[1]) if name == "timestamp" else (name, *v)
                for name, *v in packets.options_items(self.raw())]


def option_bytes(name, rest, item):
    """One option that says the same on every flow."""
    if name in ("nop", "eol"):
        return b"\1" if name == "nop" else b"\0"
    if name == "mss":
        return struct.pack("!BBH", 2, 4, integer(rest[0]))
    if name == "wscale":
        return bytes([3, 3, integer(rest[0])])
    if name == "sackok":
        return bytes([4, 2])
    if name == "opt":
        body = hexbytes("".join(rest[1:]))
        return bytes([integer(rest[0]), 2 + len(body)]) + body
    if name == "hex":
        return hexbytes("".join(rest))
    raise ScriptError(f"unknown option '{item}'")


# --- Parsing --------------------------------------------------------------------------------------------------------------
PACKET_TOKEN = re.compile(r"<[^>]*>|\"[^\"]*\"|\S+")


class PacketSpec:
    """The words behind in or out."""

    def __init__(self, words):
        self.flow, self.proto, self.flags, self.options, self.data, self.raw = None, TCP, None, None, None, None
        self.type = self.code = None
        self.keys = {}
        words = PACKET_TOKEN.findall(words)
        if words and words[0].endswith(":") and words[0][:-1].isidentifier():
            self.flow = words.pop(0)[:-1]
        if not words:
            raise ScriptError("which packet?")
        kind = words.pop(0)
        if kind == "raw":
            self.raw = hexbytes("".join(words))
            return
        self._kind(kind, words)
        while words:
            self._key(words.pop(0), words)

    def _kind(self, kind, words):
        if kind in PROTOCOLS:
            self.proto = PROTOCOLS[kind]
            if kind == "icmp":
                self._icmp(words.pop(0) if words else "")
        elif kind == "ip":
            self.proto = None
        else:
            names = [] if kind == "none" else kind.split(",")
            unknown = [n for n in names if n not in FLAGS]
            if unknown:
                raise ScriptError(f"'{unknown[0]}' is no flag: " + ", ".join(FLAGS) + ", none; or udp, icmp, ip, raw")
            self.flags = sum(FLAGS[n] for n in names)

    def _icmp(self, text):
        by_name = {name: t for t, name in packets.ICMP_NAMES.items()}
        first, _, code = text.partition("/")
        self.type = by_name[first] if first in by_name else integer(first)
        self.code = integer(code) if code else 0

    def _key(self, key, words):
        if key.startswith("<"):
            self.options = "any" if key == "<any>" else Options(key)
        elif key in WORD_KEYS:
            self.keys[key] = True
        elif not words:
            raise ScriptError(f"'{key}' stands alone")
        elif key in NUMBER_KEYS:
            self.keys[key] = integer(words.pop(0))
        elif key in ("src", "dst"):
            self.keys[key] = packets.address(words.pop(0))
        elif key == "piece":
            self.keys[key] = tuple(map(integer, words.pop(0).split("+")))
            if len(self.keys[key]) != 2 or self.keys[key][0] % 8:
                raise ScriptError("a piece is OFFSET+LENGTH, the offset a multiple of 8")
        elif key == "ipopt":
            self.keys[key] = hexbytes(words.pop(0))
        elif key == "data":
            text = words.pop(0)
            self.data = text.strip('"').encode() if text.startswith('"') else hexbytes(text)
        else:
            raise ScriptError(f"unknown word '{key}'")


CALL = re.compile(r"(?:(\w+)\s*=\s*)?(\w+)\(([^)]*)\)\s*(?:->\s*(.+?))?\s*(blocks|returns)?\s*$")
TIME = re.compile(r"([+@])([\d.]+[a-z]+)(?:~([\d.]+[a-z]+))?\s+")


def split_comment(line):
    quoted = False
    for i, c in enumerate(line):
        quoted ^= c == '"'
        if c == "#" and not quoted:
            return line[:i]
    return line


class Script:
    """A parsed file: configuration and statements."""
    our_isn_probe = "s = accepted(rtt 1us)"

    def __init__(self, path, text=None):
        self.path = path
        self.ip, self.prefixlen, self.gateway, self.peer = "192.168.0.1", 16, "192.168.0.2", "192.0.2.1"
        self.mtu, self.seed, self.isn, self.our_isn, self.tolerance = 1500, 1, PEER_ISN, None, 0
        self.tunes, self.statements = [], []
        for number, line in enumerate((path.read_text() if text is None else text).splitlines(), 1):
            line = split_comment(line).strip()
            if line:
                self._line(number, line)

    def _line(self, number, line):
        statement = Statement(number, line)
        try:
            m = TIME.match(line)
            if m:
                statement.time = (m[1], duration(m[2]))
                statement.tolerance = duration(m[3]) if m[3] else None
                line = line[m.end():]
            if not m and not self.statements and self._config(line.split()):
                return
            self._statement(statement, line)
        except (ScriptError, ValueError, IndexError) as e:
            raise ScriptError(f"{self.path}:{number}: {e or 'wrong'}: {statement.text}") from None
        self.statements.append(statement)

    def _config(self, words):
        """A line before the first statement; True when it was one."""
        key, rest = words[0], words[1:]
        if key == "address" and len(rest) in (1, 3):
            self.ip, _, n = rest[0].partition("/")
            self.prefixlen = integer(n)
            self.gateway = rest[2] if len(rest) == 3 and rest[1] == "gateway" else "0.0.0.0"
        elif key == "peer" and len(rest) == 1:
            self.peer = rest[0]
        elif key in ("mtu", "seed", "isn", "our_isn") and len(rest) == 1:
            setattr(self, key, integer(rest[0]))
        elif key == "tolerance" and len(rest) == 1:
            self.tolerance = duration(rest[0])
        elif key == "tune" and len(rest) >= 2:
            self.tunes.append((rest[0], " ".join(rest[1:])))
        else:
            return False
        packets.address(self.ip), packets.address(self.peer), packets.address(self.gateway)
        return True

    def _statement(self, statement, line):
        word, _, rest = line.partition(" ")
        if word == "in" or word == "out":
            statement.run, statement.args = "run_" + word, (PacketSpec(rest),)
        elif word == "nothing":
            m = re.fullmatch(r"for (\S+)", rest.strip())
            if not m:
                raise ScriptError("nothing for how long?")
            statement.run, statement.args = "run_nothing", (duration(m[1]),)
        elif line in ("ignore acks", "ignore nothing"):
            statement.run, statement.args = "run_ignore", (line == "ignore acks",)
        elif word == "flow":
            m = re.fullmatch(r"(\w+) (\S+) (\S+)(?: isn (\d+))?", rest.strip())
            if not m:
                raise ScriptError("flow NAME PEER:PORT OUR:PORT [isn NUMBER]")
            statement.run, statement.args = "run_flow", (m[1], m[2], m[3], int(m[4]) if m[4] else None)
        else:
            self._call(statement, line)

    def _call(self, statement, line):
        m = CALL.fullmatch(line)
        if not m or m[2] not in ARGUMENTS:
            raise ScriptError("neither a packet nor a call that there is")
        args = [a.strip() for a in m[3].split(",")] if m[3].strip() else []
        statement.result = m[4]
        statement.run = "run_call"
        mode = m[5]
        if mode and m[2] != "close":
            raise ScriptError("only close() blocks")
        statement.args = (m[1], m[2] + ("_" + mode if mode else ""), args)
        least, most = ARGUMENTS[m[2]]
        if not least <= len(args) <= most:
            raise ScriptError(f"{least} to {most} arguments, not {len(args)}")
