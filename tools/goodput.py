# SPDX-License-Identifier: MIT
"""What a connection carries over a wire that loses: Doorbell and a Linux guest, interleaved, in one run (`make goodput`).

Each guest sends 16 MiB by the same program (apps/ttcp.c) from the same model of card to Linux's TCP, which stands behind a wire that
delays and loses by seed (tools/linux/lossy.c): the same seed drops the same frames for both. What is measured is what the receiving
application saw: bytes by the time from the first to the last, and the longest time in which it got nothing.

SEEDS=n runs of each point (5); T=pattern only the points whose name matches: printed, nothing is written. A whole run writes
docs/GOODPUT.md and build/goodput.json. Exit status 1 when a bar does not hold.
"""
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import build  # noqa: E402
import linux_guest  # noqa: E402
from qemu import Guest, Machine  # noqa: E402
from settings import ROOT, Failure, Settings  # noqa: E402

PAGE = ROOT / "docs" / "GOODPUT.md"
TOOL = ROOT / "build" / "linux" / "lossy"
HOST, PORT = "10.0.2.2", 5001  # as lossy has them
SIZE, WRITE = 16 << 20, 65536
PAUSE_MS = 1500  # QEMU's card is deaf for its first second: no SYN is to be lost by that
LIMIT = 240  # seconds for one guest
GUESTS = ("Doorbell", "Linux")
CEILING_BYTES = 128 << 20
STALL_BAR, STALL_LOSS = 0.3, 10000  # seconds without a byte, at this loss
EVEN = 0.95  # a ratio of medians that counts as "at least": the spread of one guest against itself is wider


@dataclass
class Point:
    """One wire."""

    round_trip_ms: int
    loss_ppm: int

    @property
    def runs(self):
        """Of each seed: where nothing has to be waited for, who else uses the machine decides most."""
        return 1 if self.round_trip_ms else 3

    @property
    def name(self):
        return f"{self.round_trip_ms} ms, {self.loss_ppm / 10000:g} %"


POINTS = [Point(ms, ppm) for ms in (0, 20) for ppm in (0, 1000, 10000, 30000)]


def prepare():
    linux_guest.prepare()
    linux_guest.initramfs("ttcp")
    words = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", TOOL, ROOT / "tools" / "linux" / "lossy.c"]
    linux_guest.call(words, "lossy cannot be built")


def ceiling(round_trip_ms):
    """MB/s that the wire itself carries."""
    text = linux_guest.call([TOOL, "ceiling", round_trip_ms * 1000, CEILING_BYTES], "lossy: no ceiling")
    found = json.loads(text)
    return found["bytes"] / found["seconds"] / 1e6


def machine(who, net, image, serial, pcap):
    words = ["--pause", str(PAUSE_MS), "tcp-send", HOST, str(PORT), str(SIZE), str(WRITE)]
    if who == "Linux":
        return linux_guest.machine("ttcp", words, net=net, serial=serial, pcap=pcap)
    append = f"ip=10.0.2.15/24,gw={HOST} {os.environ.get('CMDLINE') or ''} -- {' '.join(words)}"
    return Machine(kernel=image, append=append, mem=linux_guest.MEMORY, net=net, serial=serial, pcap=pcap)


def run(who, point, seed, image):
    """One guest over one wire: what the receiver saw, and how often the guest sent something again."""
    ours, theirs = socket.socketpair()
    serial = Path(f"build/goodput-{who}.serial")
    pcap = Path(f"build/goodput-{who}.pcap") if os.environ.get("PCAP") else None
    words = [TOOL, ours.fileno(), point.round_trip_ms * 1000, point.loss_ppm, seed]
    with subprocess.Popen([str(w) for w in words], pass_fds=(ours.fileno(),), text=True, stdout=subprocess.PIPE) as wire:
        ours.close()
        try:
            if "ready" not in wire.stdout.readline():
                raise Failure("the wire could not be set up (needs root and /dev/net/tun)")
            outcome = Guest(machine(who, f"fd:{theirs.detach()}", image, serial, pcap)).finish(LIMIT)
            said = wire.communicate(timeout=10)[0]
        finally:
            wire.kill()
    text = outcome.serial.replace("\r", "")
    result = re.search(r'^\{"test".*\}$', text, re.M)
    if not re.search(r"^exit: 0$", text, re.M) or not result:
        raise Failure(f"{who} did not send ({point.name}, seed {seed}): {outcome.why or f'see {serial}'}")
    found = json.loads(said)
    if found["bytes"] != SIZE:
        raise Failure(f"{who}: {found['bytes']} bytes arrived")
    return found | {"MBps": found["bytes"] / found["seconds"] / 1e6, "retrans": json.loads(result[0])["retrans"]}


def measure(points, seeds):
    """{point: {guest: [run, ...]}}"""
    image = build.build_image(Settings(app="ttcp"))
    found = {p.name: {who: [] for who in GUESTS} for p in points}
    for seed in range(1, seeds + 1):
        for i, point in enumerate(p for p in points for _ in range(p.runs)):
            for who in GUESTS if (seed + i) % 2 else GUESTS[::-1]:  # who goes first takes turns
                one = run(who, point, seed, image)
                found[point.name][who].append(one)
                print(f"seed {seed}  {point.name:12} {who:9} {one['MBps']:8.2f} MB/s  longest gap {one['gap'] * 1000:6.1f} ms  "
                      f"lost {one['lost'][0]} of {one['frames'][0]}, sent again {one['retrans']}", flush=True)
    return found


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


def table(found):
    yield ("| round trip, loss | Doorbell MB/s | Linux MB/s | ratio, pair by pair | longest gap, ms: Doorbell | Linux | "
           "sent again for each frame lost: Doorbell | Linux |")
    yield "|---|---|---|---|---|---|---|---|"
    for name, guests in found.items():
        ours, theirs = (guests[who] for who in GUESTS)
        ratios = [a["MBps"] / b["MBps"] for a, b in zip(ours, theirs)]
        again = [f"{sum(r['retrans'] for r in runs) / lost:.2f}" if (lost := sum(r["lost"][0] for r in runs)) else
                 f"({sum(r['retrans'] for r in runs)} of none)" for runs in (ours, theirs)]
        gaps = [spread([r["gap"] * 1000 for r in runs], 0) for runs in (ours, theirs)]
        yield (f"| {name} | {spread([r['MBps'] for r in ours])} | {spread([r['MBps'] for r in theirs])} | {spread(ratios)} | "
               f"{gaps[0]} | {gaps[1]} | {again[0]} | {again[1]} |")


def broken(found):
    """Bars that do not hold."""
    for point in POINTS:
        guests = found.get(point.name)
        if not guests:
            continue
        ratio = statistics.median(a["MBps"] / b["MBps"] for a, b in zip(*(guests[who] for who in GUESTS)))
        if ratio < EVEN:
            yield f"{point.name}: {ratio:.2f} of what Linux carries"
        worst = max(r["gap"] for r in guests["Doorbell"])
        if point.loss_ppm == STALL_LOSS and worst > STALL_BAR:
            yield f"{point.name}: nothing arrived for {worst * 1000:.0f} ms"


HEAD = """\
# What a connection carries over a wire that loses

`make goodput` measures it and writes this page: 16 MiB from the guest to Linux's TCP, once from Doorbell and once from a Linux guest
(Debian's kernel {version}), in turns in one run. Both guests run the same program (`apps/ttcp.c`, writes of 64 KiB) on the same model of card (e1000)
under QEMU's TCG with one CPU. Between them and the receiver stands a wire that delays, and loses frames of the connection both ways
(`tools/linux/lossy.c`). Which frames it loses depends on the seed and on their number alone, so that both guests meet the same wire;
nothing else is lost: when one side is slow, the other waits.

Each figure is what the receiving application saw: the bytes by the time from the first to the last of them, and the longest time between
two in which it got nothing. Median [least-most] of {seeds} seeds, each run three times where the round trip is 0. No machine is quite
still, so that the ratio, taken pair by pair, is what to read; at a round trip of 0 it compares two processors' work as much as two protocols.

The wire alone carries {ceilings}: it holds nobody up.

"""
TAIL = """

Linux sends the same bytes in more frames (12 to 17 thousand against 11.6 thousand: its writes become packets of many sizes), and joins
several small ones when it sends them again: therefore fewer than one for each frame lost. Doorbell sends some more than were lost near
0 ms, and that is what decides there: when the only ACK of a flight is lost, which a receiver that reads much in one go makes likely, Linux
waits for a delayed ACK (gaps of 40 ms) or, in a recovery, for the timeout (200 ms); Doorbell asks for the ACK by sending the last
segment again after two round trips (`tcp_solicit_acks`, net/tcp/tcp_tlp.c), as long as the timeout is far away. Longer gaps are several losses
in a row, or a machine that let nobody run.

Where both guests meet the same losses at 20 ms, the window is what decides: the figures at 1 % and 3 % lie where CUBIC's (and below it
NewReno's) response to a loss puts them, whoever sends.
"""


def main():
    start = time.monotonic()
    seeds = int(os.environ.get("SEEDS") or 5)
    pattern = os.environ.get("T") or ""
    points = [p for p in POINTS if re.search(pattern, p.name)]
    prepare()
    ceilings = {ms: ceiling(ms) for ms in sorted({p.round_trip_ms for p in points})}
    found = measure(points, seeds)
    text = "\n".join(table(found))
    print(text)
    if points == POINTS:
        said = " and ".join(f"{mbps:.0f} MB/s at a round trip of {ms} ms" for ms, mbps in ceilings.items())
        PAGE.write_text(HEAD.format(version=linux_guest.version(), seeds=seeds, ceilings=said) + text + TAIL)
        (ROOT / "build" / "goodput.json").write_text(json.dumps(found, indent=1))
    complaints = list(broken(found))
    for complaint in complaints:
        print(f"goodput: does not hold: {complaint}")
    print(f"goodput: {time.monotonic() - start:.0f} s; wire alone {ceilings}")
    return 1 if complaints else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.status)
