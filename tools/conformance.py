#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make conformance`: the cases of the wire suite against Doorbell and against a Linux guest, side by side.

Writes docs/CONFORMANCE.md: for each requirement how many of its cases each system passes, and what failed. T=pattern runs only
cases of that name and prints what came of them, nothing is written.
"""
import os
import re
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests"), str(ROOT / "tests" / "wire")]
import linux_guest  # noqa: E402
from every import EVERY  # noqa: E402
from rig import Runner  # noqa: E402

PAGE = ROOT / "docs" / "CONFORMANCE.md"
HEAD = """\
# Conformance on the wire

Packets made by hand go in, and what comes back is compared: the cases of `tests/wire`, run against Doorbell and against a Linux guest
(Debian's kernel {version}, the same model of card, the same program `apps/agent.c` for the socket calls). `make conformance` runs both
and writes this page; `make test` runs the cases against Doorbell. A requirement's words are the cases' own; its number is that of
docs/RFC.md. "2 of 3" means that two of three cases behaved as the requirement says; a dash, that the question does not arise there
(the DHCP client, address conflict detection and small rings are Doorbell's own).

| | requirement | Doorbell | Linux |
|---|---|---|---|
"""


# By the beginning of a case's name: why a system means to behave otherwise, or is known to.
WHY = {
    "A10": "no conflict detection (RFC 5227) in the kernel",
    "A11": "a sender that cannot be is answered, or learned",
    "A7": "who speaks last is believed when a second has passed, though the old owner answers",
    "D2": "of what waits behind a hole the piece that begins first is read, not the bytes that came first",
    "D13": "what lies beyond the window is not always answered: the case cannot tell where it ends",
    "D4": "the acknowledgment of a FIN may wait, for the program may close as well",
    "I1": "what the card cuts from a large segment (TSO) is not filled up to 60 bytes",
    "I16": "the piece is cut down to a multiple of eight, and the rest fits",
    "I17": "a first piece of eight bytes is joined like any other (RFC 1858, RFC 3128 would drop it)",
    "I18": "a flood takes all the memory of pieces, and nobody else's are joined meanwhile",
    "I5": "answered as any other source",
    "L1": "what the card cuts from a large segment (TSO) is not filled up to 60 bytes",
    "L3": "an echo request in a broadcast frame is answered (RFC 1122, 3.3.6: drop)",
    "M1": "an echo reply of nothing but zeros bears a checksum of zero, which should be ffff",
    "M10": "timestamp requests are answered",
    "R22": "forty segments acknowledged at once let eighty out at once; with fq below they would be spread",
    "R4": "the window is reduced only when the SYN-ACK was sent three times",
    "S18": "in some runs the program is not told in time; the errno is right in the others",
    "S4": "what acknowledges more than was sent is dropped in silence (RFC 9293, 3.10.7.4: an ACK says so)",
    "T11": "the attempt begins anew instead of being refused",
}


def outcome(function):
    """"" when it went well, else what was wrong, in a line."""
    try:
        function()
        return ""
    except Exception as e:  # pylint: disable=broad-except
        text = " ".join(str(e).split()) or traceback.extract_tb(e.__traceback__)[-1].line
        return f"{type(e).__name__}: {text[:160]}"


def run_all(system, cases):
    """{name: outcome} of the cases that make sense there."""
    runner = Runner(system, Path("build/conformance"))
    cases = [c for c in cases if system == "doorbell" or c.linux]
    background = runner.run_slow(cases)
    results = {}
    for one in cases:
        if one.name not in background:
            results[one.name] = outcome(lambda one=one: runner.run(one))
            print(f"{system:9} {one.name:50} {results[one.name] or 'ok'}", flush=True)
    for name, future in background.items():
        results[name] = outcome(future.result)
        print(f"{system:9} {name:50} {results[name] or 'ok'}", flush=True)
    for lab, end in runner.finish():
        if system == "doorbell" and end.status != lab.good_end:  # Linux switches the machine off
            print(f"{system}: a guest ended with status {end.status} {end.why}", flush=True)
    return results


def cell(results, names):
    known = [results[n] for n in names if n in results]
    if not known:
        return "-"
    good = known.count("")
    return f"{good}" if good == len(known) else f"**{good} of {len(known)}**"


def page(results):
    """The text of docs/CONFORMANCE.md."""
    asked = {}
    for one in EVERY:
        asked.setdefault((one.row, one.title), []).append(one.name)
    order = sorted(asked, key=lambda k: ("LAIMUTSDRX".index(k[0][0]), int(k[0][1:])))
    lines = [HEAD.format(version=linux_guest.version())]
    for row, title in order:
        names = asked[row, title]
        lines.append(f"| {row} | {title} | {cell(results['doorbell'], names)} | {cell(results['linux'], names)} |\n")
    sums = {s: (sum(not r for r in got.values()), len(got)) for s, got in results.items()}
    lines.append(f"| | all cases | {sums['doorbell'][0]} of {sums['doorbell'][1]} | {sums['linux'][0]} of {sums['linux'][1]} |\n")
    for system, name in (("doorbell", "Doorbell"), ("linux", "Linux")):
        failed = sorted(n for n, r in results[system].items() if r)
        if failed:
            lines.append(f"\nWhere {name} behaved otherwise:\n\n")
            lines += [f"- `{n}`: {WHY.get(n.split('-')[0], 'not known why')}\n" for n in failed]
    return "".join(lines)


def main():
    pattern = os.environ.get("T", "")
    cases = [c for c in EVERY if re.search(pattern, c.name)]
    linux_guest.prepare()
    start = time.monotonic()
    results = {system: run_all(system, cases) for system in ("doorbell", "linux")}
    print(f"{time.monotonic() - start:.0f} s")
    for system, got in results.items():
        print(f"{system}: {sum(not r for r in got.values())} of {len(got)} cases")
    if not pattern:
        PAGE.write_text(page(results))
        print(f"written: {PAGE.relative_to(ROOT)}")
    return 1 if any(results["doorbell"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
