# SPDX-License-Identifier: MIT
"""What is said about how packets leave a Linux machine, measured here and on Linux in the same run (`make claims`).

Both guests run the same program (apps/ttcp.c) on the same virtual machine and card, against the same receiver on this
machine; the counter pages have the same names, so the same code reads both. Linux samples its CPU times at a tick; ours are
exact cycles. Doorbell runs with txirq=always: every completion interrupts, as on Linux.

Prints the tables and writes build/claims.json and build/claims.md; docs/CLAIMS.md says what they mean. Exit status 1 when a
claim that counts alone can show (no times) does not hold for Doorbell.
"""
import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import build  # noqa: E402
import linux_guest  # noqa: E402
from qemu import Guest, Machine  # noqa: E402
from settings import ROOT, Failure, Settings  # noqa: E402

PAGES = ("/proc/softirqs", "/proc/interrupts", "/proc/net/dev", "/proc/net/snmp", "/proc/net/netstat")
OURS = ("/proc/net/cycles", "/proc/net/skb", "/proc/net/qdisc")
THEIRS = ("/proc/stat",)
LIMIT = 150  # seconds for one guest
HOST = "10.0.2.2"


@dataclass
class Load:
    """One way of sending."""

    name: str
    words: tuple  # of ttcp, HOST and PORT left out: "udp-send", rest...
    sends: int  # calls


LOADS = (Load("UDP 64 B", ("udp-send", "64", "100000"), 100000),
         Load("UDP 1400 B", ("udp-send", "1400", "80000"), 80000),
         Load("TCP 4 KiB", ("tcp-send", str(80 << 20), "4096"), (80 << 20) // 4096),
         Load("TCP 64 KiB", ("tcp-send", str(160 << 20), "65536"), (160 << 20) // 65536))


@contextmanager
def receiver(kind):
    """ttcp on this machine, on a free port."""
    tool = ROOT / "build" / "linux" / "ttcp"
    process = port = None
    for port in range(20000, 20100):
        process = subprocess.Popen([tool, f"{kind}-recv", str(port)], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if "listening" in process.stdout.readline():
            break
        process.wait()
    try:
        yield port, process
    finally:
        process.kill()
        process.wait()


def sections(serial):
    """{("before", page): text} of what ttcp printed."""
    found, key = {}, None
    for line in serial.splitlines():
        match = re.match(r"== (before|after) (/proc/\S+)", line)
        if match:
            key = match.groups()
            found[key] = ""
        elif line.startswith('{"test"'):
            key = None
        elif key:
            found[key] += line + "\n"
    return found


def softirqs(text):
    return {m[1]: int(m[2]) for m in re.finditer(r"^\s*(\w+):\s+(\d+)", text, re.M)}


def nic_interrupts(text):
    return sum(int(line.split()[1]) for line in text.splitlines() if "eth0" in line)


def sent_frames(text):
    line = next(line for line in text.splitlines() if line.strip().startswith("eth0:"))
    return int(line.split(":")[1].split()[9])


def name_values(text):
    return {m[1]: int(m[2]) for m in re.finditer(r"^(\w+) (\d+)$", text, re.M)}


def two_lines(text):
    """{name: value} of a page like /proc/net/snmp."""
    lines, out = text.splitlines(), {}
    for head, values in zip(lines[::2], lines[1::2]):
        group, _, names = head.partition(":")
        out.update({group + n: int(v) for n, v in zip(names.split(), values.partition(":")[2].split())})
    return out


def linux_times(text):
    """Ticks of /proc/stat by context."""
    user, nice, system, idle, wait, irq, soft = (int(v) for v in text.split("\n")[0].split()[1:8])
    return {"process": user + nice + system, "softirq": soft, "hardirq": irq, "idle": idle + wait}


def difference(page, parse, found):
    before, after = parse(found[("before", page)]), parse(found[("after", page)])
    if isinstance(after, dict):
        return {k: v - before.get(k, 0) for k, v in after.items()}
    return after - before


def numbers(serial, ours):
    """What the phase changed, for one guest."""
    found = sections(serial)
    soft = difference("/proc/softirqs", softirqs, found)
    times = difference("/proc/net/cycles", name_values, found) if ours else difference("/proc/stat", linux_times, found)
    busy = times["process"] + times["softirq"] + times["hardirq"]
    result = json.loads(re.search(r'^\{"test".*\}$', serial, re.M)[0])
    out = {"result": result, "NET_RX": soft["NET_RX"], "NET_TX": soft["NET_TX"],
           "interrupts": difference("/proc/interrupts", nic_interrupts, found),
           "frames": difference("/proc/net/dev", sent_frames, found),
           "caller": times["process"] / max(busy, 1), "softirq": times["softirq"] / max(busy, 1),
           "hardirq": times["hardirq"] / max(busy, 1), "mib": difference("/proc/net/snmp", two_lines, found)}
    if ours:
        out["skb"] = difference("/proc/net/skb", name_values, found)
    return out


def proc_words(pages):
    return [w for page in pages for w in ("--proc", page)]


def guest(ours, words, cmdline="", pcap=None):
    """Boots one of the two and gives its serial log."""
    if ours:
        image = build.build_image(Settings(app="ttcp"))
        append = f"ip=10.0.2.15/24,gw={HOST} {cmdline} -- {' '.join(words)}"
        machine = Machine(kernel=image, append=append, serial=Path("build/claims.serial"), pcap=pcap)
    else:
        machine = linux_guest.machine("ttcp", words, serial=Path("build/claims.serial"), pcap=pcap)
    outcome = Guest(machine).finish(LIMIT)
    serial = outcome.serial.replace("\r", "")
    if not re.search(r"^exit: 0$", serial, re.M):
        raise Failure(f"{'Doorbell' if ours else 'Linux'} did not measure: {outcome.why or 'see build/claims.serial'}")
    return serial


def measure(ours, load, cmdline="txirq=always"):
    kind, *rest = load.words
    with receiver(kind.split("-")[0]) as (port, _):
        pages = PAGES + (OURS if ours else THEIRS)
        return numbers(guest(ours, [*proc_words(pages), kind, HOST, str(port), *rest], cmdline), ours)


# --- The claims --------------------------------------------------------------------------------------------------------------
def softirq_table(measured):
    yield "| load | guest | sends | frames | NIC interrupts | NET_RX | NET_TX | caller | softirq | hardirq |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for load in LOADS:
        for who in ("Doorbell", "Linux"):
            n = measured[load.name][who]
            yield (f"| {load.name} | {who} | {n['result']['ops']} | {n['frames']} | {n['interrupts']} | {n['NET_RX']} | {n['NET_TX']} | "
                   f"{n['caller']:.1%} | {n['softirq']:.1%} | {n['hardirq']:.1%} |")


def copies_table(measured):
    yield "| load | bytes sent | copied into packets | copied between packets | packets made | clones | frees |"
    yield "|---|---|---|---|---|---|---|"
    for load in LOADS:
        n = measured[load.name]["Doorbell"]
        s = n["skb"]
        yield (f"| {load.name} | {n['result']['bytes']} | {s['copied_tx']} | {s['copied_other']} | {s['allocs']} | {s['clones']} | "
               f"{s['frees']} |")


# What makes NET_TX run: the queue may not be emptied by the sender.
LEVERS = (("nothing", ""), ("a ring that is full now and then", "fault=ringfull,every=20,ms=5"),
          ("a token bucket of 50 Mbit/s", "qdisc=tbf,rate=50mbit,burst=32kb,limit=1mb"))


def lever_rows():
    load = Load("UDP 1400 B", ("udp-send", "1400", "5000"), 5000)
    for name, words in LEVERS:
        n = measure(True, load, f"txirq=always {words}")
        yield name, words, n


def lever_table(rows):
    yield "| lever | command line | sends | NET_RX | NET_TX |"
    yield "|---|---|---|---|---|"
    for name, words, n in rows:
        yield f"| {name} | `{words}` | {n['result']['ops']} | {n['NET_RX']} | {n['NET_TX']} |"


def first_frames(ours):
    """What a capture shows of the begin of a connection: (kinds of the first frames, MSS in the SYN, largest payload)."""
    capture = Path("build/claims.pcap")
    with receiver("tcp") as (port, _):
        guest(ours, ["tcp-send", HOST, str(port), "200000", "65536"], pcap=capture)
    fields = ["arp.opcode", "eth.dst", "tcp.flags.str", "tcp.options.mss_val", "tcp.len", "ip.src", "frame.len"]
    words = ["tshark", "-r", str(ROOT / capture), "-T", "fields", "-E", "separator=;", *(w for f in fields for w in ("-e", f))]
    text = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    rows = [dict(zip(fields, line.split(";"))) for line in text.splitlines()]
    mine = [r for r in rows if r["ip.src"] == "10.0.2.15" or r["arp.opcode"]]
    first_arp = next((i for i, r in enumerate(rows) if r["arp.opcode"] == "1" and r["eth.dst"] == "ff:ff:ff:ff:ff:ff"), None)
    first_ip = next((i for i, r in enumerate(rows) if r["ip.src"] == "10.0.2.15" and r["tcp.flags.str"]), None)
    return {"ARP broadcast before the first segment": first_arp is not None and first_ip is not None and first_arp < first_ip,
            "MSS in the SYN": next((r["tcp.options.mss_val"] for r in mine if r["tcp.options.mss_val"]), ""),
            "largest frame": max(int(r["frame.len"]) for r in mine),
            "largest payload": max(int(r["tcp.len"] or 0) for r in mine)}


def broken(measured, levers, frames):
    """Claims that exact counts decide, and that did not hold here."""
    for load in LOADS:
        n = measured[load.name]["Doorbell"]
        if n["NET_RX"] < 10 * max(n["NET_TX"], 1):
            yield f"{load.name}: NET_RX {n['NET_RX']} is not far above NET_TX {n['NET_TX']}"
        if n["skb"]["copied_tx"] != n["result"]["bytes"]:
            yield f"{load.name}: {n['skb']['copied_tx']} bytes copied for {n['result']['bytes']} sent"
        if n["skb"]["copied_other"]:
            yield f"{load.name}: {n['skb']['copied_other']} bytes were copied between packets"
    for name, words, n in levers:
        if words and n["NET_TX"] <= levers[0][2]["NET_TX"]:
            yield f"{name}: NET_TX stayed at {n['NET_TX']}"
    if frames["MSS in the SYN"] != "1460" or not frames["ARP broadcast before the first segment"]:
        yield f"the first frames: {frames}"


def main():
    start = time.monotonic()
    linux_guest.prepare()
    linux_guest.initramfs("ttcp")
    measured = {load.name: {who: measure(who == "Doorbell", load) for who in ("Doorbell", "Linux")} for load in LOADS}
    levers = list(lever_rows())
    frames = {who: first_frames(who == "Doorbell") for who in ("Doorbell", "Linux")}
    lines = [f"Linux {linux_guest.version()}, both under QEMU's TCG.", "", *softirq_table(measured), "", *copies_table(measured), "",
             *lever_table(levers), "", "| the begin of a connection | Doorbell | Linux |", "|---|---|---|",
             *(f"| {k} | {frames['Doorbell'][k]} | {frames['Linux'][k]} |" for k in frames["Doorbell"])]
    text = "\n".join(lines) + "\n"
    print(text)
    (ROOT / "build" / "claims.md").write_text(text)
    data = {"measured": measured, "levers": [(n, w, v) for n, w, v in levers], "frames": frames}
    (ROOT / "build" / "claims.json").write_text(json.dumps(data, indent=1))
    print(f"claims: {time.monotonic() - start:.0f} s, build/claims.json, build/claims.md")
    complaints = list(broken(measured, levers, frames["Doorbell"]))
    for complaint in complaints:
        print(f"claims: does not hold: {complaint}")
    return 1 if complaints else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.status)
