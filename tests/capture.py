# SPDX-License-Identifier: MIT
"""Reads captures: frames by our own eyes, and tshark as the independent judge.

Interface: frames(path) -> [Frame]; bad_frames(path, lossy) -> the lines of what tshark finds wrong.
"""
import struct
import subprocess
from dataclasses import dataclass

GUEST_MAC = bytes.fromhex("525400123456")
BROADCAST = b"\xff" * 6
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

# A TCP sum of zero goes out as 0xffff when QEMU's card computes it (one frame in 65536): the same number in one's
# complement, and every receiver takes it, but tshark calls it bad.
WRONG_ALWAYS = ("_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || "
                "icmp.checksum.status == 0")
# The bytes are noise and the ports chance: no guess may take them for a protocol and then complain about its fragments.
PAYLOAD_IS_DATA = ["-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tcp.try_heuristic_first:FALSE", "-d", "tcp.port==1-65535,data"]
# What QEMU's checksum offload, and Linux itself, make of a sum of 0: the same number in one's complement, other bytes.
OFFLOADED_ZERO = "tcp.checksum.status == 0 && tcp.checksum == 0xffff"
WRONG_WHEN_CLEAN = ("tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.duplicate_ack || "
                    "tcp.analysis.lost_segment || tcp.analysis.out_of_order || tcp.flags.reset == 1")
# The receiver's program did not get the processor in time: right on the wire, and never seen when all goes well.
LATE_READER = "tcp.analysis.zero_window || tcp.analysis.zero_window_probe"


@dataclass
class Frame:
    time: float
    data: bytes

    @property
    def from_guest(self):
        return self.data[6:12] == GUEST_MAC

    @property
    def type(self):
        return int.from_bytes(self.data[12:14], "big")

    @property
    def is_tcp(self):
        return self.type == 0x0800 and self.data[23] == 6

    @property
    def dont_fragment(self):
        return bool(self.data[20] & 0x40)

    @property
    def tcp(self):
        return 14 + (self.data[14] & 15) * 4

    @property
    def payload(self):
        """TCP payload bytes."""
        return int.from_bytes(self.data[16:18], "big") - (self.tcp - 14) - (self.data[self.tcp + 12] >> 4) * 4

    @property
    def seq(self):
        return int.from_bytes(self.data[self.tcp + 4:self.tcp + 8], "big")

    @property
    def ack(self):
        return int.from_bytes(self.data[self.tcp + 8:self.tcp + 12], "big")

    @property
    def flags(self):
        return self.data[self.tcp + 13]

    @property
    def options(self):
        return self.data[self.tcp + 20:self.tcp + (self.data[self.tcp + 12] >> 4) * 4]


def frames(path):
    """Every whole frame of a capture file (microseconds, little endian, as QEMU writes it)."""
    raw = path.read_bytes()
    assert raw[:4] == b"\xd4\xc3\xb2\xa1", f"{path} is not a capture"
    found, at = [], 24
    while at + 16 <= len(raw):
        sec, usec, kept, length = struct.unpack_from("<IIII", raw, at)
        if at + 16 + kept > len(raw):
            break
        assert kept == length, "a truncated frame"
        found.append(Frame(sec + usec / 1e6, raw[at + 16:at + 16 + kept]))
        at += 16 + kept
    return found


def longest_gap(found, from_guest):
    """The longest time between two TCP frames with payload in one direction."""
    times = [f.time for f in found if f.is_tcp and f.from_guest == from_guest and f.payload > 0]
    return max((b - a for a, b in zip(times, times[1:])), default=0.0)


# Who speaks SACK probes for a lost tail after two round trips (RFC 8985, 7). On a machine that stalls for longer this repeats what had
# arrived, and is told so (RFC 2883).
REPEATED = "tcp.analysis.retransmission && tcp.flags.syn == 0"
TOLD = "tcp.options.sack.dsack_le"
# Who does not speak SACK is silent about it, or says the same again. QEMU's card is deaf for its first second: the answer to ARP, or to a
# SYN, waits there nearly as long as the first timeout lasts.
OPENED_AGAIN = "tcp.analysis.retransmission && tcp.flags.syn == 1"
SAID_AGAIN = "tcp.analysis.duplicate_ack && tcp.len == 0"
PEERS_PROBE = f"ip.src == 10.0.2.2 && {REPEATED}"


def shown(path, what):
    """The frames that tshark's filter @what finds: one line each. Every checksum is looked at."""
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
         "-o", "udp.check_checksum:TRUE", *PAYLOAD_IS_DATA, "-Y", what],
        text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def more_than(path, limit, among, what=REPEATED):
    """The repeated segments, when there are more than the @limit that guests have counted (Counters.repeats)."""
    found = shown(path, f"{what} && {among}")
    return found if len(found) > limit else []


def bad_frames(path, lossy=False, late_reader=False, offload=False, probing_peer=False, repeats=0):
    """What tshark finds wrong: one line a frame. @repeats: so many segments may come again, as the guests' counters say."""
    what = WRONG_ALWAYS
    if not lossy:
        what += f" || {WRONG_WHEN_CLEAN}"
    if not lossy and not late_reader:
        what += f" || {LATE_READER}"
    if offload:
        what = f"({what}) && !({OFFLOADED_ZERO})"
    if probing_peer:
        what = f"({what}) && !({PEERS_PROBE}) && !{TOLD}"
    if not repeats:
        return shown(path, what)
    among = f"!({PEERS_PROBE})" if probing_peer else "tcp"
    return (shown(path, f"({what}) && !({REPEATED}) && !{TOLD} && !({OPENED_AGAIN}) && !({SAID_AGAIN})") + more_than(path, repeats, among) +
            more_than(path, 2 * repeats, among, OPENED_AGAIN) + more_than(path, 2 * repeats, f"!{TOLD}", SAID_AGAIN))
