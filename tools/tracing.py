#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the guest traced (trace=tx or all, the page /proc/net/trace): as a call tree, as Chrome's trace format, as a picture.

    tools/tracing.py walk SERIAL_LOG      the way of the first segment with data
    tools/tracing.py json SERIAL_LOG      Chrome trace events, for Perfetto or chrome://tracing
    tools/tracing.py packets SERIAL_LOG   one JSON line a packet: every stage that it, or what was made from it, met

Interface: stages() -> the list of include/kernel/trace_stages.h; records(serial) -> [Record]; trees(records) -> [Node], the
slices of every context; walk(records) -> text; packets(records) -> one dict a packet; chrome(records) -> dict; picture(records) -> HTML.
"""
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pages import pages  # noqa: E402
from settings import ROOT, Failure  # noqa: E402

STAGE_LIST = ROOT / "include/kernel/trace_stages.h"
PAGE = "/proc/net/trace"
ENTER, EXIT, AT = ">", "<", "-"
# From the application down and up again; what the list of stages has beside these comes behind them.
LAYERS = ("socket", "tcp", "udp", "ip", "neigh", "sched", "dev", "driver", "irq", "softirq", "process", "skb")
CONTEXTS = {"process": "process", "bh": "process", "softirq": "softirq", "hardirq": "hardirq"}


@dataclass
class Stage:
    """One line of the list."""

    name: str
    function: str
    file: str
    layer: str
    group: str
    owner: str


@dataclass
class Record:
    """One line of the page."""

    serial: int
    ns: int
    context: str
    tid: int
    kind: str
    stage: str
    layer: str
    skb: int
    clone_of: int
    sock: int
    seq: int
    len: int
    qlen: int
    aux: int
    note: str

    @property
    def track(self):
        """Whose stack of slices this is: a thread's, or that of all softirqs, or of all hardirqs."""
        kind = CONTEXTS[self.context]
        return f"{kind} {self.tid}" if kind == "process" else kind


@dataclass
class Node:
    """A slice, or (no end of its own) a point; what happened inside it in the same context."""

    record: Record
    end: int
    inside: list = field(default_factory=list)

    def all(self):
        yield self
        for node in self.inside:
            yield from node.all()


def stages():
    found = {}
    for m in re.finditer(r'X\((\w+), (\w+), "([^"]+)", "([^"]+)", (\w+), "([^"]+)"\)', STAGE_LIST.read_text()):
        found[m[1]] = Stage(*m.groups())
    return found


def records(serial):
    """The records of the page in a serial log, oldest first; a Failure when there are none."""
    text = pages(serial).get(PAGE)
    lines = text.splitlines() if text else []
    head = re.match(r"trace (\w+) records (\d+) overwritten (\d+)", lines[0]) if lines else None
    if not head or len(lines) < 3:
        raise Failure(f"the guest printed no records on {PAGE}: it wants trace=tx and stats=1")
    found = []
    for line in lines[2:]:
        w = line.split(None, 14)
        if len(w) == 15:
            found.append(Record(int(w[0]), int(w[1]), w[2], int(w[3]), w[4], w[5], w[6], *map(int, w[7:14]), w[14]))
    return found


def overwritten(serial):
    """How many records the ring lost at its begin."""
    match = re.search(r"^trace \w+ records \d+ overwritten (\d+)", pages(serial).get(PAGE, ""), re.M)
    return int(match[1]) if match else 0


def trees(recs, nested=False):
    """The outermost slices and points of every context, by time. @nested: an interrupt and the softirqs behind it lie inside the
    slice they interrupted, as on the processor. An end without a begin belongs to what was overwritten."""
    roots, open_ = [], {}
    last = recs[-1].ns if recs else 0
    for r in recs:
        stack = open_.setdefault(r.track, [])
        if r.kind == EXIT:
            while any(n.record.stage == r.stage for n in stack):
                node = stack.pop()
                node.end = r.ns
                if node.record.stage == r.stage:
                    break
            continue
        node = Node(r, r.ns if r.kind == AT else last)
        around = [stack]
        if nested:
            around += [open_.get("softirq")] if r.context == "hardirq" else []
            around += [open_.get(f"process {r.tid}")]
        outer = next((s for s in around if s), None)
        (outer[-1].inside if outer else roots).append(node)
        if r.kind == ENTER:
            stack.append(node)
    return roots


def family(recs, skb):
    """The ids of a packet and of all that was made from it, at any remove."""
    ids = {skb}
    for r in recs:
        if r.clone_of in ids and r.skb:
            ids.add(r.skb)
    return ids


def first_packet(recs):
    """The id of the first original with payload that a socket sent; TCP's, if it sent any (DHCP's datagrams come before)."""
    tcp = [r.skb for r in recs if r.kind == ENTER and r.stage == "tcp_transmit_skb" and r.len and not r.clone_of]
    udp = [r.skb for r in recs if r.stage == "udp_send_skb"]
    if not tcp and not udp:
        raise Failure("no packet with data was traced")
    return (tcp or udp)[0]


# --- The walk ------------------------------------------------------------------------------------------------------------

def bearers(roots, ids):
    """The packets that brought the news: inside whose slices something happened to one of ours."""
    news = set()

    def look(node, carrying):
        if node.record.skb and node.record.skb not in ids:
            carrying = carrying | {node.record.skb}
        if node.record.stage == "original_freed" and node.record.skb in ids:
            news.update(carrying)
        for inner in node.inside:
            look(inner, carrying)

    for root in roots:
        look(root, set())
    return news


def about(node, ids):
    return any(n.record.skb in ids for n in node.all())


def began(roots, ids):
    """The interrupts that had a poll scheduled in which something happened to @ids: the last before each NET_RX."""
    found, last = set(), None
    for node in sorted((n for root in roots for n in root.all()), key=lambda n: n.record.serial):
        if node.record.stage == "irq" and any(n.record.stage == "napi_schedule" for n in node.all()):
            last = node.record.serial
        elif node.record.stage == "softirq" and node.record.note == "NET_RX":
            if about(node, ids) and last:
                found.add(last)
            last = None
    return found


def kept(nodes, ids, interrupts, track=None):
    """The part of these trees that is about @ids: their records, what encloses them, and what names no packet beside them in the same
    context; and the @interrupts, by serial number."""
    result = []
    for node in nodes:
        ours = any(n.record.skb in ids or n.record.serial in interrupts for n in node.all())
        beside = node.record.track == track and not any(n.record.skb for n in node.all())
        if ours or beside:
            result.append(Node(node.record, node.end, kept(node.inside, ids, interrupts, node.record.track)))
    return result


def line_of(node, depth, start, table):
    r = node.record
    stage = table.get(r.stage)
    took = f" ({node.end - r.ns} ns)" if r.kind == ENTER else ""
    name = "  " * depth + r.stage + (f" {r.note}" if r.note != "-" else "") + took
    what = []
    if r.skb:
        what.append(f"{r.skb} of {r.clone_of}" if r.clone_of else f"{r.skb}")
    if r.len:
        what.append(f"{r.len} B")
    if r.qlen:
        what.append(f"q {r.qlen}")
    where = f"{stage.file}:{stage.function}" if stage else "?"
    owner = stage.owner if stage else "?"
    return f"{r.ns - start:>9} {r.context:<7} {name:<62} {where:<52} {', '.join(what):<24} {owner}".rstrip()


def walk(recs):
    """The way of the first packet with data as a call tree."""
    table = stages()
    skb = first_packet(recs)
    roots = trees(recs, nested=True)
    ids = family(recs, skb)
    wanted = ids | bearers(roots, ids)
    ways = kept(roots, wanted, began(roots, wanted))
    while not about(ways[0], ids):  # a received packet's buffer was made long before
        ways.pop(0)
    start = ways[0].record.ns
    lines = [f"The way of packet {skb} ({', '.join(str(i) for i in sorted(ids - {skb}))} made from it), from {start} ns after boot on", "",
             f"{'ns':>9} {'context':<7} {'stage (how long it took)':<62} {'file:function':<52} {'packet, bytes, queue':<24} owner afterwards"]

    def show(node, depth):
        lines.append(line_of(node, depth, start, table))
        for inner in node.inside:
            show(inner, depth + 1)

    for root in ways:
        show(root, 0)
    return "\n".join([*lines, "", *landmarks(recs, ids, start)])


def landmarks(recs, ids, start):
    """One line for each of the walk's ends: the doorbell and both frees."""
    posted = next((r for r in recs if r.stage == "e1000_tx_map" and r.skb in ids), None)
    found = []
    for what, stage in (("doorbell", "e1000_doorbell"), ("clone freed", "clone_freed"), ("original freed", "original_freed")):
        r = next((r for r in recs if r.stage == stage and posted and r.serial > posted.serial
                  and (r.skb in ids or not r.skb)), None)
        found.append(f"{what}: " + (f"after {r.ns - start} ns" if r else "not seen"))
    return found


# --- One line a packet ---------------------------------------------------------------------------------------------------------

def packets(recs):
    """For each original: its id, what was made from it, and the stages they met, in order, by nanoseconds from the first."""
    made, ways = {}, {}
    for r in recs:
        if r.clone_of:
            made.setdefault(r.skb, r.clone_of)
    for r in recs:
        if not r.skb or r.kind == EXIT:
            continue
        root = r.skb
        while root in made:
            root = made[root]
        ways.setdefault(root, []).append(r)
    for root, way in ways.items():
        first = way[0]
        yield {"skb": root, "made": sorted({r.skb for r in way} - {root}), "sock": max(r.sock for r in way),
               "seq": max(r.seq for r in way), "stages": [[r.ns - first.ns, r.context, r.stage, r.skb, r.len] for r in way]}


# --- Chrome's trace format -------------------------------------------------------------------------------------------------

def layers(table):
    more = [s.layer for s in table.values() if s.layer not in LAYERS]
    return [*LAYERS, *dict.fromkeys(more)]


def chrome(recs):
    """Chrome trace events: a process per context (each thread, all softirqs, all hardirqs), a track per layer in it, complete events
    that nest, and flow arrows that follow a packet's id, and lead from a packet to what was made from it."""
    table = stages()
    order = layers(table)
    start = recs[0].ns if recs else 0
    tracks = sorted({r.track for r in recs}, key=lambda t: (("hardirq", "softirq", "process").index(t.split()[0]), t))
    pids = {t: i + 1 for i, t in enumerate(tracks)}
    events = []
    for track, pid in pids.items():
        events.append({"ph": "M", "name": "process_name", "pid": pid, "args": {"name": track}})
        for layer in dict.fromkeys(r.layer for r in recs if r.track == track):
            events.append({"ph": "M", "name": "thread_name", "pid": pid, "tid": order.index(layer) + 1, "args": {"name": layer}})
            events.append({"ph": "M", "name": "thread_sort_index", "pid": pid, "tid": order.index(layer) + 1,
                           "args": {"sort_index": order.index(layer)}})

    def place(r):
        return {"pid": pids[r.track], "tid": order.index(r.layer) + 1, "ts": (r.ns - start) / 1000}

    for root in trees(recs):
        for node in root.all():
            r, stage = node.record, table.get(node.record.stage)
            args = {k: getattr(r, k) for k in ("skb", "clone_of", "sock", "seq", "len", "qlen", "aux") if getattr(r, k)}
            if r.note != "-":
                args["note"] = r.note
            if stage:
                args.update(function=stage.function, file=stage.file, owner=stage.owner)
            events.append({"ph": "X", "name": r.stage, "cat": r.layer, "dur": (node.end - r.ns) / 1000, "args": args, **place(r)})
    events += flows([r for r in recs if r.skb and r.kind != EXIT], place)
    return {"displayTimeUnit": "ns", "traceEvents": events}


def flows(recs, place):
    """Arrows: "s" begins one, "t" goes on, "f" ends it; each stands at the time and on the track of a slice."""
    by_id, made = {}, {}
    for r in recs:
        by_id.setdefault(r.skb, []).append(r)
        if r.clone_of:
            made.setdefault(r.skb, r.clone_of)
    events = []

    def arrow(name, ident, way):
        for i, r in enumerate(way):
            ph = "s" if i == 0 else "f" if i == len(way) - 1 else "t"
            events.append({"ph": ph, "id": ident, "name": name, "cat": "packet", **({"bp": "e"} if ph == "f" else {}), **place(r)})

    for skb, way in by_id.items():
        if len(way) > 1:
            arrow(f"skb {skb}", skb, way)
        parent = made.get(skb)
        before = [r for r in by_id.get(parent, ()) if r.serial < way[0].serial]
        if before:
            arrow(f"skb {skb} made from {parent}", f"{parent}-{skb}", [before[-1], way[0]])
    return events


def picture(recs, title):
    """A page that needs nothing else: the same events, drawn; wheel zooms, dragging moves, a click shows a packet's way."""
    data = json.dumps(chrome(recs), separators=(",", ":")).replace("</", "<\\/")
    page = (ROOT / "tools/trace.html").read_text()
    return page.replace("@TITLE@", title).replace("@DATA@", data)


def main(argv):
    if len(argv) != 3 or argv[1] not in ("walk", "json", "packets"):
        print(__doc__)
        return 2
    recs = records(Path(argv[2]).read_text(errors="replace").replace("\r\n", "\n"))
    lines = {"walk": lambda: [walk(recs)], "json": lambda: [json.dumps(chrome(recs))],
             "packets": lambda: map(json.dumps, packets(recs))}
    for line in lines[argv[1]]():
        print(line)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except Failure as failure:
        print(failure)
        sys.exit(1)
