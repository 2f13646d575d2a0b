#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What happens when nothing comes, here and at this machine's Linux: each timer's time (within a tolerance), number, flags and options.

    tests/conformance/beside_linux_timers.py              200 conversations, from seed 0
    tests/conformance/beside_linux_timers.py 500 20000    500 of them, from seed 20000
    tests/conformance/beside_linux_timers.py 1 4711       this one, told event by event

A conversation is brought into a state, then come random segments and calls with silences of a millisecond to seconds between them, and a
long silence at the end. Linux holds all of them at once and takes the time that it takes, the library each in virtual time. SETS are the
settings, one for each seed in turn. Timers of Linux are late by up to an eighth of their time, so what leaves is compared between two steps
by its time with that tolerance, and nothing is compared behind a step that meets a timer. By hand, and root, as beside_linux_segments.py.
"""
import collections
import heapq
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import beside_linux_segments as segments
from beside_linux import SOL_SOCKET, SOL_TCP
from beside_linux_segments import Conversation, brief, differs, s32
from packets import TCP, Packet

STAGGER_MS, EARLY_MS, EARLY_PART, LATE_MS, LATE_PART, LATENESS_MS, TAIL_MS = 25, 15, .03, 45, .14, 40, 9000
CUBIC = "cubic"  # by option: in a namespace it may not be permitted otherwise
COMMON = {"tcp_invalid_ratelimit": "500", "tcp_solicit_acks": "0", "tcp_syn_linear_timeouts": "0"}
QUICK = {"tcp_retries2": "4", "tcp_orphan_retries": "2", "tcp_syn_retries": "2", "tcp_synack_retries": "2", "tcp_fin_timeout": "2",
         "tcp_keepalive_time": "2", "tcp_keepalive_intvl": "1", "tcp_keepalive_probes": "2", "tcp_retries1": "2"}
SETS = [
    {},
    QUICK,
    QUICK | {"tcp_early_retrans": "3"},
    {"tcp_early_retrans": "3", CUBIC: "1"},
    QUICK | {"tcp_thin_linear_timeouts": "1", "tcp_frto": "0", "tcp_mtu_probing": "1", "tcp_retries2": "6"},
    QUICK | {"tcp_slow_start_after_idle": "0", "tcp_abort_on_overflow": "1", "tcp_comp_sack_nr": "44"},
    {"tcp_syncookies": "2", "tcp_early_retrans": "3", "tcp_fin_timeout": "3"},
]
COOKIES = 6
OPTIONS = {"keepalive": (SOL_SOCKET, 9), "keepidle": (SOL_TCP, 4), "keepintvl": (SOL_TCP, 5), "keepcnt": (SOL_TCP, 6), "user_timeout": (SOL_TCP, 18),
           "linger2": (SOL_TCP, 8), "syncnt": (SOL_TCP, 7), "defer": (SOL_TCP, 9), "nodelay": (SOL_TCP, 1), "cork": (SOL_TCP, 3),
           "quickack": (SOL_TCP, 12)}


class Timed(Conversation):
    """A conversation whose events have times."""

    def __init__(self, os_, n, plan):
        super().__init__(os_, n, plan.profile)
        self.plan, self.ms, self.events, self.late = plan, 0, [], 0
        self.ts_ms, self.over = 0, False

    def socket(self):
        fd = super().socket()
        if CUBIC in SETS[self.plan.set]:
            assert self.os.call("setsockopt", fd, SOL_TCP, 13, b"cubic", 5) == 0
        return fd

    def call(self, name, n=0):
        if name in OPTIONS:
            fd = self.fd if self.fd is not None else self.listener
            if fd is None:
                return "gone"
            return segments.text(self.os.call("setsockopt", fd, *OPTIONS[name], n.to_bytes(4, "little", signed=True), 4))
        return super().call(name, n)

    def hear(self, raw, ms):
        if self.over:
            return
        p = Packet(raw)
        self.ms = ms
        if p.proto == TCP and p.flags is not None:
            self.last = raw
            self.learn(p)
            said = self.tell(p)
        else:
            said = f"icmp {p.type}/{p.code} len {len(p.payload)}"
        self.events.append(["out", ms, said])

    def stamp(self, value):
        """Whether our clock of timestamps goes as time does."""
        ok = self.ts_first is None or abs(s32(value - self.ts_last) - (self.ms - self.ts_ms)) < 80
        self.ts_first, self.ts_last, self.ts_ms = value if self.ts_first is None else self.ts_first, value, self.ms
        return ok

    def act(self, n, ms):
        """Step @n of the plan."""
        self.ms = ms
        what, *args = self.plan.steps[n][1]
        before, result = self.seen(), None
        if what == "call":
            result = self.call(*args)
        elif what == "seg":
            self.os.rx(self.segment(args[0]))
            if "FIN" in args[0]["flags"] and self.nxt != self.irs:  # Linux acknowledges it later, or when it must say where it is
                more = {"ts": [args[0]["ts"][0] - 1, 0]} if "ts" in args[0] else {}
                self.os.rx(self.segment({"flags": "ACK", "seq": ["acked", -1], "ack": ["una", 0]} | more))
        elif what == "icmp":
            self.os.rx(self.icmp(args[0]))
        self.events.append(["step", n, result, before])
        self.over = n + 1 == len(self.plan.steps)

    def seen(self):
        seen = self.look()
        if self.plan.start == "both opened":  # counted otherwise; a window of one after a SYN that was lost (RFC 6298, 5.7)
            seen = {k: v for k, v in seen.items() if k not in ("delivered", "snd_cwnd", "dsack_dups")}
        return seen


class Plan(segments.Planner):
    """Steps with the milliseconds before each."""

    def __init__(self, seed):
        super().__init__(seed)
        if seed % len(SETS) == COOKIES and not self.profile["ts"]:  # Linux's first timeout is 3 s then, as if a SYN-ACK had been lost
            self.profile["ts"] = True
            self.steps = self.setup() + self.steps[self.begin:]
        r = random.Random(seed * 7 + 1)
        self.set = seed % len(SETS)
        rtt = r.choice([20, 20, 60, 120])
        untimed, self.steps, at = self.steps[:self.begin], [], 0
        for step in untimed:
            answer = step[0] == "seg"
            at += rtt if answer else 0
            self.steps.append((at, step))
        for _ in range(r.randint(0, 5)):
            at += int(r.choice([0, 0, 30, 60, 110, 160, 300, 500, 900, 1400, 2100, 3100]) * r.uniform(.9, 1.1))
            self.steps.append((at, self.timed_step()))
        at += TAIL_MS
        self.steps.append((at, ["seg", self.ending()]) if r.random() < .3 else (at, ["look"]))
        self.steps.append((at + 100, ["look"]))

    def ending(self):
        return self.seg(**self.r.choice([{}, {"ack": ["una", 0]}, {"len": 10}, {"win": 0}]))[1]

    def timed_step(self):
        pick = self.pick
        return pick((14, lambda: self.seg()), (5, lambda: self.seg(ack=["una", 0])), (4, lambda: self.seg(win=0)),
                    (3, lambda: self.seg(ack=["una", 0], win=0)), (3, lambda: self.seg(ack=["una", 1460])), (2, lambda: self.seg(ack=["una", 2920])),
                    (2, lambda: self.seg(win=1)), (10, lambda: self.data(self.r.choice([1, 10, 500, 1460, 3000]))),
                    (3, lambda: self.data(500, seq=["mine", 500])), (2, lambda: self.data(100, seq=["mine", -100])),
                    (4, lambda: self.seg("FIN,ACK")), (2, lambda: self.seg("FIN,ACK", ack=["una", 0])), (1, lambda: self.seg("RST")),
                    (2, lambda: self.seg(seq=["mine", -1])), (2, lambda: self.syn()), (2, lambda: self.syn(["nxt", 0])),
                    (2, self.random_segment), (2, self.random_icmp), (2, self.random_call),
                    (12, lambda: ["call", "send", self.r.choice([1, 100, 1460, 3000, 20000])]), (4, lambda: ["call", "recv", 100000]),
                    (4, lambda: ["call", "shutdown", 1]), (4, lambda: ["call", "close"]), (1, lambda: ["call", "accept"]),
                    (4, lambda: ["call", "keepalive", 1]), (3, lambda: ["call", "keepidle", self.r.choice([1, 2, 3])]),
                    (2, lambda: ["call", "keepintvl", self.r.choice([1, 2])]), (2, lambda: ["call", "keepcnt", self.r.choice([1, 2, 3])]),
                    (5, lambda: ["call", "user_timeout", self.r.choice([1, 100, 500, 1200, 2500, 5000])]),
                    (2, lambda: ["call", "linger2", self.r.choice([-1, 1, 2, 3])]), (1, lambda: ["call", "syncnt", self.r.choice([1, 2, 3])]),
                    (2, lambda: ["call", "defer", self.r.choice([1, 2, 5])]), (2, lambda: ["call", "nodelay", self.r.randrange(2)]),
                    (3, lambda: ["call", "cork", self.r.randrange(2)]), (2, lambda: ["call", "quickack", self.r.randrange(2)]),
                    (2, lambda: self.sack_step()), (2, lambda: ["look"]))

    def sack_step(self):
        return segments.sacked((1460, 1460 * self.r.randint(2, 6)))(self)


def settings(which):
    return segments.SETTINGS | COMMON | SETS[which]


# --- The two halves ---------------------------------------------------------------------------------------------------------
def margin(gap):
    return LATE_MS + LATE_PART * gap


def ours(seeds):
    library, out = segments.Ours(), []
    for i, seed in enumerate(seeds):
        plan = Plan(seed)
        library.begin()
        stack = library.stack
        for name, value in settings(plan.set).items():
            stack.lib.tune(name.encode(), value.encode())
        c, t0, last = Timed(library, i, plan), stack.now, 0

        def drain():
            sent, stack.sent = stack.sent, []
            for p in sent:
                if p.dst == c.peer:
                    c.hear(p.raw, (p.time - t0) / 1000)

        for n, (at, _) in enumerate(plan.steps):
            early = None
            if at > last:
                stack.advance(t0 + int(max(last, at - margin(at - last)) * 1000))
                drain()
                early = c.seen()
                stack.advance(t0 + at * 1000)
                drain()
            c.act(n, at)
            c.events[-1].append(early)
            drain()
            last = at
        c.end()
        out.append(c.events)
    library.stack.stop()
    return json.loads(json.dumps(out))


class Linux(segments.Linux):
    def __init__(self, which):
        super().__init__()
        for name, value in settings(which).items():
            path = Path("/proc/sys/net/ipv4", name)
            if path.exists():
                path.write_text(value)

    def sent(self, peer):
        return []


def linux_here(which, seeds):
    """All of @seeds at once, in this namespace."""
    os_ = Linux(which)
    began = time.monotonic()
    talks = [Timed(os_, i, Plan(seed)) for i, seed in enumerate(seeds)]
    starts = [500 + STAGGER_MS * i for i in range(len(talks))]
    of = {c.peer: i for i, c in enumerate(talks)}
    todo = [(starts[i] + c.plan.steps[0][0], i, 0) for i, c in enumerate(talks)]
    heapq.heapify(todo)

    def now():
        return (time.monotonic() - began) * 1000

    def drain():
        while True:
            try:
                raw = os.read(os_.tun, 70000)
            except BlockingIOError:
                return
            i = of.get(raw[16:20])
            if i is not None:
                talks[i].hear(raw, now() - starts[i])

    while todo:
        due, i, n = todo[0]
        wait = due - now()
        if wait > 0:
            select.select([os_.tun], [], [], wait / 1000)
            drain()
            continue
        heapq.heappop(todo)
        c = talks[i]
        drain()
        c.late = max(c.late, now() - due)
        c.act(n, c.plan.steps[n][0])
        drain()
        if n + 1 < len(c.plan.steps):
            heapq.heappush(todo, (starts[i] + c.plan.steps[n + 1][0], i, n + 1))
        else:
            c.end()
            drain()
    return [[c.late, c.events] for c in talks]


def on_linux(seeds):
    """{seed: [how late its steps were at worst, its events]}: a child for each of SETS, one after the other would take too long."""
    found, children = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for which in range(len(SETS)):
            mine = [s for s in seeds if Plan(s).set == which]
            if mine:
                said = Path(folder) / str(which)
                words = ["unshare", "-n", sys.executable, __file__, "linux", str(which), str(said)]
                child = subprocess.Popen(words, stdin=subprocess.PIPE, text=True)
                child.stdin.write(json.dumps(mine))
                child.stdin.close()
                children.append((child, mine, said))
        for child, mine, said in children:
            assert child.wait() == 0
            found |= zip(mine, json.loads(said.read_text()))
    return found


# --- Comparing --------------------------------------------------------------------------------------------------------------
def split(events):
    """[step event, [outs]] of each step."""
    parts = []
    for e in events:
        if e[0] == "step":
            parts.append([e, []])
        elif parts:
            parts[-1][1].append(e)
    return parts


def groups(outs):
    """What leaves within 6 ms is one group: [ms, [said]]; how text is cut into buffers decides its PSH."""
    found = []
    for _, ms, said in outs:
        if found and ms - found[-1][0] < 6:
            found[-1][1].append(said)
        else:
            found.append([ms, [said]])
    for g in found:
        if len(g[1]) > 1:
            g[1] = [said.replace("PSH,", "") for said in g[1]]
            g[1] = [said for n, said in enumerate(g[1]) if said not in g[1][:n]]
    return found


def in_time(theirs, mine, at, late, drift):
    return mine - EARLY_MS - late - EARLY_PART * (mine - at) <= theirs <= mine + LATE_MS + late + drift


def compare(plan, late, theirs, mine):
    """(step, [(name, Linux's, ours)]) of the first difference, or None; only as far as it is certain."""
    theirs, mine, last = split(theirs), split(mine), 0
    for n, ((a, outs_a), (b, outs_b)) in enumerate(zip(theirs, mine)):
        at = plan.steps[n][0]
        if b[4] is not None and b[3] != b[4]:
            return None  # a timer is near
        d = differs({"result": None, "out": [], "look": a[3]}, {"result": None, "out": [], "look": b[3]})
        if d:
            return n, [("before: " + name, x, y) for name, x, y in d]
        if a[2] != b[2]:
            return n, [("result", a[2], b[2])]
        following = plan.steps[n + 1][0] if n + 1 < len(plan.steps) else None
        x, y, drift = groups(outs_a), groups(outs_b), 0
        if plan.steps[n][1][0] != "look" and n + 1 < len(plan.steps):
            step = plan.steps[n][1]
            if plan.set == COOKIES and step[0] == "seg" and (step[1]["seq"] != ["mine", 0] or a[3].get("state") is None):
                return None  # Linux takes numbers beside a cookie for one with another MSS
            if step[0] == "seg" and "SYN" in step[1]["flags"] and (plan.start in ("syn sent", "both opened") or "time wait" in plan.start):
                return None  # what the peer did not offer is not offered again; behind TIME-WAIT a SYN that opens nothing is answered, but limited
            why = segments.known(step, {"out": x[0][1] if x else [], "look": {}, "result": None},
                                 {"out": y[0][1] if y else [], "look": theirs[n + 1][0][3], "result": 0})
            if why:
                return None
        for i in range(max(len(x), len(y))):
            if i < len(y):
                drift += LATE_PART * max(0, y[i][0] - last)
                if following is not None and y[i][0] - at > 6 and following <= y[i][0] + LATE_MS + late + drift:
                    return None
                last = y[i][0]
            if i >= len(x) and any(s[0] == "seg" and s[1].get("ack", [""])[0] == "una" and s[1]["ack"][1] > 0 for _, s in plan.steps[:n + 1]):
                return None  # without a sample Linux gives up by the age of the first loss, though the peer has acknowledged text since then
            if i >= len(x) or i >= len(y) or x[i][1] != y[i][1] or not in_time(x[i][0], y[i][0], at, late, drift):
                if i >= len(y) and following is not None and x[i][0] + LATE_MS > following:
                    return None
                return n, [("out", [(round(ms - at), said) for ms, said in x[i:]], [(round(ms - at), said) for ms, said in y[i:]])]
    return None


def tell(seed, theirs, mine, found):
    plan = Plan(seed)
    print(f"seed {seed}: {plan.start}, {'active' if plan.active else 'passive'}, {plan.profile}, {SETS[plan.set]}")
    last = found[0] if found else len(plan.steps)
    for n, ((a, outs_a), (b, outs_b)) in enumerate(zip(split(theirs), split(mine))):
        at, step = plan.steps[n]
        print(f"{at:6} {brief(step) if len(step) > 1 else step[0]}" + (f" -> {a[2]}" if a[2] is not None else ""))
        if n >= last:
            break
        for ms, said in groups(outs_b):
            print("".join(f"     +{ms - at:5.0f} {s}\n" for s in said), end="")
    for name, x, y in found[1] if found else []:
        print(f"    {name}:")
        for who, said in (("Linux   ", x), ("Doorbell", y)):
            for line in said if isinstance(said, list) and name == "out" else [said]:
                print(f"        {who}  {line}")


def key(seed, found):
    plan, (n, d) = Plan(seed), found
    step = plan.steps[n][1]
    what = " ".join(brief(step).split(" ", 2)[:2 if step[0] == "call" else 1]) if len(step) > 1 else "look"
    return f"{', '.join(name for name, *_ in d)} | {plan.start} | {what}"


def main():
    if sys.argv[1:2] == ["linux"]:
        Path(sys.argv[3]).write_text(json.dumps(linux_here(int(sys.argv[2]), json.load(sys.stdin))))
        return 0
    count, first = [int(a) for a in sys.argv[1:3]] + [200, 0][len(sys.argv[1:3]):]
    seeds = list(range(first, first + count))
    mine = dict(zip(seeds, ours(seeds)))
    theirs = on_linux(seeds)
    if count == 1:
        found = compare(Plan(first), *theirs[first], mine[first])
        tell(first, theirs[first][1], mine[first], found)
        return 0

    def differing(which, said):
        return {s: f for s in which if said[s][0] < LATENESS_MS and (f := compare(Plan(s), *said[s], mine[s]))}

    suspects = differing(seeds, theirs)
    late = sum(theirs[s][0] >= LATENESS_MS for s in seeds)
    for _ in range(2):
        if suspects:
            again = differing(suspects, on_linux(list(suspects)))
            suspects = {s: f for s, f in again.items() if s in suspects and f[0] == suspects[s][0]}
    kinds = collections.defaultdict(list)
    for s, f in suspects.items():
        kinds[key(s, f)].append((len(Plan(s).steps), s))
    for kind, found in sorted(kinds.items(), key=lambda k: -len(k[1])):
        s = min(found)[1]
        print(f"--- {len(found)} x {kind}   {[seed for _, seed in found][:5]}")
        tell(s, theirs[s][1], mine[s], compare(Plan(s), *theirs[s], mine[s]) or suspects[s])
    print(f"{count} conversations, {late} not compared because this machine was late, {len(suspects)} differ in {len(kinds)} ways")
    return int(bool(suspects))


if __name__ == "__main__":
    sys.exit(main())
