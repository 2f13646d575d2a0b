# SPDX-License-Identifier: MIT
"""Reads the counter pages that a guest prints at its end (stats=1), and makes the summary of a run.

Interface: pages(serial) -> {path: text}; Counters(serial) with the numbers that the summary and the tests use.
"""
import re


def pages(serial):
    """The text below each `== /proc/...` line, up to the next one or the end of the pages."""
    found, path = {}, None
    for line in serial.splitlines():
        match = re.fullmatch(r"== (/proc/\S+)", line)
        if match:
            path = match[1]
            found[path] = []
        elif re.match(r"\[ *\d+\.\d+\] |exit: ", line):
            path = None
        elif path:
            found[path].append(line)
    return {p: "\n".join(lines) for p, lines in found.items()}


def two_line_table(text):
    """Linux's snmp and netstat format: a line of names, a line of values, each led by its group."""
    table, names = {}, {}
    for line in text.splitlines():
        group, _, rest = line.partition(":")
        words = rest.split()
        if group in names:
            table.update({f"{group}.{n}": int(v) for n, v in zip(names.pop(group), words)})
        else:
            names[group] = words
    return table


def name_values(text):
    """`name value` or `     name: value` lines; other lines do not count."""
    return {m[1]: int(m[2]) for m in re.finditer(r"^\s*([\w.\[\]-]+):?\s+(-?\d+)\s*$", text, re.M)}


class Counters:
    """The numbers of one run; a page or a name that was not printed reads as None."""

    def __init__(self, serial):
        self.pages = pages(serial)
        self.snmp = two_line_table(self.pages.get("/proc/net/snmp", ""))
        self.snmp.update(two_line_table(self.pages.get("/proc/net/netstat", "")))
        self.skb = name_values(self.pages.get("/proc/net/skb", ""))
        self.nic = name_values(self.pages.get("/proc/net/nic", ""))
        self.cycles = name_values(self.pages.get("/proc/net/cycles", ""))
        self.softirqs = self.first_column("/proc/softirqs")

    def first_column(self, path):
        return {m[1]: int(m[2]) for m in re.finditer(r"^\s*(\w+):\s+(\d+)", self.pages.get(path, ""), re.M)}

    @property
    def nic_interrupts(self):
        """The interrupts of the line that an eth device owns."""
        for line in self.pages.get("/proc/interrupts", "").splitlines():
            if re.search(r"\b(eth\d|e1000)\b", line):
                return int(line.split(":")[1].split()[0])
        return None

    @property
    def segments(self):
        return self.snmp.get("Tcp.OutSegs")

    @property
    def retransmitted(self):
        return self.snmp.get("Tcp.RetransSegs")

    @property
    def probes(self):
        """Probes for a lost tail and for a lost ACK: on a machine that stalls for two round trips they repeat what has arrived."""
        return self.snmp.get("TcpExt.TCPLossProbes", 0) + self.snmp.get("TcpExt.TCPAckSolicits", 0)

    @property
    def timeouts(self):
        """Of these least 200 ms of silence: on a clean wire the machine did not let the peer run."""
        return self.snmp.get("TcpExt.TCPTimeouts", 0)

    @property
    def repeats(self):
        """So many segments may have been sent twice with nothing lost: a probe, or what a timeout and the ACK behind it repeat."""
        return self.probes + 2 * self.timeouts

    @property
    def repaired(self):
        """Segments sent again because others showed that they are lost: neither probes nor what a timeout repeats."""
        return self.retransmitted - min(self.repeats, self.retransmitted)


def shown(value, fmt="{}"):
    return "not reported" if value is None else fmt.format(value)


def ratio(top, bottom):
    return None if top is None or not bottom else top / bottom


def leak_check(serial):
    """The guest's own words about what was left behind at its end."""
    match = re.search(r"exit: leak check (.*)", serial)
    if match:
        return match[1]
    # A low loglevel hides the line; the pages come before the check, and a leak would have changed the status to 67.
    status = re.search(r"^exit: (\d+)\s*\Z", serial, re.M)
    if status and int(status[1]) < 64 and "/proc/net/skb" in pages(serial):
        return "passed (by the exit status: loglevel hides the line)"
    return "not reached"


def summary(stream, verdict, serial, capture, direction):
    """The lines that `make run` prints after the guest's end."""
    counters = Counters(serial)
    copied = counters.skb.get("copied_tx" if direction == "sent" else "copied_rx")
    mmio = ratio(counters.nic.get("mmio_writes"), counters.segments)
    rows = [
        ("file", verdict),
        ("bytes", f"{stream.size} {direction}"),
        ("time", f"{stream.seconds:.3f} s, {stream.rate:.1f} MB/s"),
        ("segments out", f"{shown(counters.segments)}, retransmitted {shown(counters.retransmitted)}"),
        ("interrupts", shown(counters.nic_interrupts)),
        ("softirqs", f"NET_RX {shown(counters.softirqs.get('NET_RX'))}, NET_TX {shown(counters.softirqs.get('NET_TX'))}"),
        ("copies per byte", shown(ratio(copied, stream.size), "{:.2f}") if stream.size else "no payload"),
        ("MMIO writes per segment", shown(mmio, "{:.3f}")),
        ("leak check", leak_check(serial)),
        ("capture", capture or "none"),
    ]
    return "\n".join(f"  {name:<24}{value}" for name, value in rows)
