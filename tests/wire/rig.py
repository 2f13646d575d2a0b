# SPDX-License-Identifier: MIT
"""What the cases of the wire suite stand on: a system under test whose sockets are ours to call, and cases by requirement.

    @case("S2", "a reset beside the next number is asked back", ("one_beyond", 1), ("far", 1000))
    def blind_reset(t, offset): ...

A case gets a Tester: .host is a neighbour of its own that the guest knows, .agent calls sockets in the guest, .listen(),
.accepted(), .connecting(), .connected() make the usual beginnings. The ids (L1, A4, S2 ...) are those of docs/RFC.md.

The system is Doorbell or a Linux guest; both run apps/agent.c and hang on the same kind of link (tests/wire_peer.py).
"""
import functools
import itertools
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from scapy.layers.inet import TCP

import build
import linux_guest
from agent_client import Agent
from late import ATTEMPTS, Late, soon  # noqa: F401 - the cases take soon() from here
from qemu import Machine
from settings import ROOT, Settings
from wire_peer import ACK, GATEWAY, GATEWAY_MAC, GUEST, PATIENCE, Host, Lab, SYN, Tcp, payload

CLOSED = 4444  # no socket has this port
NET_ONES = "10.0.3.255"
ADDRESS = f"{GUEST}/22"
EVERY = []  # all cases, in the order of their definition
PLAIN, SLOW, WIDE = "plain", "slow", "wide"  # guests without words of their own; WIDE: the network is a /16
SIDE_BY_SIDE = 12  # slow cases: they wait, they do not work
LONGEST = 5  # factor of a case's times, however often it is asked again
ports = itertools.count(10000)
places = itertools.count(1)


@dataclass
class Case:
    """One requirement, one way of asking."""

    row: str
    name: str  # row, function and variant: "S2-blind_reset-far"
    title: str
    run: callable
    boot: str = PLAIN  # which guest it wants: PLAIN, or words of the kernel command line
    slow: bool = False  # waits for seconds: runs beside the others in a guest for such cases
    clock: bool = False  # its verdict hangs on clocks, the guest's and ours: whatever it finds wrong is asked again
    alone: bool = False  # has a guest of its own, which it starts itself: Tester.lab has no agent yet
    linux: bool = True  # makes sense on Linux


def case(row, title, *variants, **how):
    """Enters a function as a case, or one for each variant (name, argument ...)."""
    def enter(function):
        rows = variants or ((None,),)
        for name, *args in rows:
            run = functools.partial(_with, function, args)
            full = "-".join(filter(None, (row, function.__name__, name)))
            EVERY.append(Case(row, full, title, run, **how))
        return function

    return enter


def _with(function, args, t):
    return function(t, *args)


class WireLab(Lab):
    """A guest that runs the agent. @system: "doorbell" or "linux"."""

    def __init__(self, system, folder, words="", limit=900, address=ADDRESS):
        self.system, self.words, self.address, self.agent, self.good_end = system, words, address, None, 0
        self.socket = ROOT / folder / "agent"
        self.qmp_path = ROOT / folder / "qmp"
        (ROOT / folder).mkdir(parents=True, exist_ok=True)
        super().__init__(None, folder, words, limit=limit)

    def make_machine(self, kernel, folder, append, module_args):
        how = {"pcap": folder / "wire.pcap", "serial": folder / "wire.serial", "net": self.link.netdev,
               "serial1": f"unix:{os.path.relpath(self.socket, ROOT)}"}
        qmp = ["-qmp", f"unix:{os.path.relpath(self.qmp_path, ROOT)},server=on,wait=off"]
        if self.system == "linux":
            machine = linux_guest.machine("agent", ["/dev/ttyS1"], address=self.address, gateway=GATEWAY, **how)
        else:
            address = "" if "ip=" in append else f"ip={self.address},gw={GATEWAY}"
            machine = Machine(kernel=build.build_image(Settings(app="agent")), append=f"stats=1 {address} {append} --", **how)
        machine.extra = [*machine.extra, *qmp]
        return machine

    def start(self):
        """The agent answers and the NIC receives."""
        self.agent = Agent(self.socket, timeout=60)
        self.gateway = self.wait_ready("agent: ready", 240 if self.system == "linux" else 60)
        return self

    def qmp(self, text):
        """One command to QEMU's monitor."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.qmp_path))
            f = s.makefile("rw")
            f.readline()
            for line in ('{"execute": "qmp_capabilities"}', text):
                f.write(line)
                f.flush()
                f.readline()

    def ask_to_end(self):
        if self.agent:
            self.agent.exit(0)


@dataclass
class Tester:
    """One case's view of a lab. What it opens is closed by the next reset()."""

    lab: WireLab
    factor: int = 1  # of a case's times: more each time that it is asked again
    hosts: list = field(default_factory=list)

    agent = property(lambda self: self.lab.agent)
    link = property(lambda self: self.lab.link)
    gateway = property(lambda self: self.lab.gateway)
    system = property(lambda self: self.lab.system)

    @functools.cached_property
    def host(self):
        return self.lab.host()

    @functools.cached_property
    def stranger(self):
        """A neighbour of whom the guest knows nothing, and who does not answer ARP."""
        return self.lab.host(known=False)

    @functools.cached_property
    def far(self):
        """A host behind the gateway."""
        return Host(self.lab, f"192.0.2.{next(places) % 250 + 1}", GATEWAY_MAC)

    # --- Frames --------------------------------------------------------------------------------------------------------
    def silence(self, *frames, host=None, among=None):
        """Nothing comes back, and the guest lives."""
        found = (host or self.host).probe(*frames, among=among)
        assert found == [], f"answered: {[f.summary() for f in found]}"

    def one(self, *frames, host=None):
        """Exactly one answer."""
        found = (host or self.host).probe(*frames)
        assert len(found) == 1, f"{len(found)} answers: {[f.summary() for f in found]}"
        return found[0]

    def alive(self, host=None):
        """After a flood, in which a ping may be lost as well."""
        assert any((host or self.host).ping(timeout=0.3) for _ in range(60)), "no answer to a ping"

    def time_of(self, frame):
        """When @frame came."""
        return next(at for at, f in reversed(self.link.log) if f is frame)

    def from_guest(self, since, wanted=lambda f: True):
        return [(t, f) for t, f in self.link.log[since:] if f.src == "52:54:00:12:34:56" and wanted(f)]

    # --- Connections ---------------------------------------------------------------------------------------------------
    def port(self):
        return next(ports)

    def listen(self, backlog=16, **options):
        """(descriptor, port)"""
        port = self.port()
        return self.agent.listener(port, backlog, **options), port

    def accepted(self, host=None, seq=1000, window=65535, syn=None, rtt=0, **listen):
        """A connection that we opened: (Tcp, the guest's descriptor). @rtt: the round trip that the guest measures, in seconds."""
        fd, port = self.listen(**listen)
        conn = Tcp(host or self.host, port, seq=seq, window=window)
        conn.open(rtt, **(syn or {}))
        return conn, self.agent.accept(fd)

    def connecting(self, host=None, port=None, prepare=lambda fd: None, seq=90000, window=65535):
        """The guest's SYN has come: (Tcp ready to answer, descriptor, the pending connect, the SYN)."""
        host, port, fd = host or self.host, port or self.port(), self.agent.tcp()
        prepare(fd)
        since = self.link.mark()
        pending = self.agent.connecting(fd, host.addr, port)
        syn = host.hear(lambda f: TCP in f and f[TCP].flags & SYN and f[TCP].dport == port, since)
        conn = Tcp(host, syn[TCP].sport, seq=seq, sport=port, window=window)
        conn.ack = syn[TCP].seq + 1 & 0xffffffff
        return conn, fd, pending, syn

    def connected(self, options=(("MSS", 1460),), **how):
        """A connection that the guest opened: (Tcp, descriptor)."""
        conn, fd, pending, _ = self.connecting(**how)
        conn.send(SYN | ACK, options=list(options))
        conn.hear(lambda f: f[TCP].flags == "A")
        pending.value()
        return conn, fd

    def lives(self, conn, fd, data=b"still here"):
        """Data pass both ways."""
        conn.send(0x18, data)
        got = b""
        while len(got) < len(data):
            got += self.agent.recv(fd)
        assert got == data, got
        since = self.link.mark()
        self.agent.send(fd, data)
        back, end = b"", time.monotonic() + PATIENCE
        while len(back) < len(data) and time.monotonic() < end:
            frame = conn.hear(lambda f: payload(f) and f[TCP].seq == conn.ack, since)
            back += payload(frame)
            conn.ack = conn.ack + len(payload(frame)) & 0xffffffff
        assert back == data
        conn.send(ACK)


class Runner:
    """Runs cases of one system, each in a guest of the kind it wants; a guest that died is replaced."""

    def __init__(self, system, folder):
        self.system, self.folder, self.count = system, folder, itertools.count(1)
        self.labs, self.all, self.lock, self.pool = {}, [], threading.Lock(), None
        self.again = threading.Lock()

    def new_lab(self, which):
        words = "" if which in (PLAIN, SLOW, WIDE) else which
        lab = WireLab(self.system, self.folder / f"{self.system}-{next(self.count)}", words,
                      address=f"{GUEST}/16" if which == WIDE else ADDRESS)
        self.all.append(lab)
        return lab

    def lab(self, which):
        """The guest for such cases, running; its lock is the caller's to take for what is not slow."""
        with self.lock:
            lab = self.labs.get(which)
            if lab is None or lab.guest.process.poll() is not None:
                self.labs[which] = lab = self.new_lab(which)
                lab.start()
            return lab

    def run(self, one):
        try:
            return self.run_once(one, 1)
        except AssertionError as e:
            if not (one.clock or isinstance(e, Late)):
                raise
        with self.again:  # no two of them at a time
            for factor in range(2, ATTEMPTS):
                try:
                    return self.run_once(one, min(factor, LONGEST))
                except AssertionError as e:
                    print(f"{one.name}: asked again after {type(e).__name__} {e}")
            return self.run_once(one, LONGEST)

    def run_once(self, one, factor):
        if one.alone:
            self.run_alone(one, factor)
            return
        slow = one.slow and one.boot == PLAIN
        lab = self.lab(SLOW if slow else one.boot)
        if not slow:
            lab.agent.reset()
        tester = Tester(lab, factor)
        assert tester.host
        one.run(tester)
        assert lab.guest.process.poll() is None, "the guest has ended"

    def run_alone(self, one, factor):
        lab = self.new_lab(one.boot)
        try:
            one.run(Tester(lab, factor))
        except AssertionError:
            self.all.remove(lab)  # it ends as it likes
            lab.finish()
            raise

    def run_slow(self, cases):
        """Starts the slow ones side by side: {name: Future}."""
        self.pool = ThreadPoolExecutor(SIDE_BY_SIDE)
        return {one.name: self.pool.submit(self.run, one) for one in cases if one.slow or one.alone}

    def finish(self):
        """Ends all guests: [(lab, Outcome)]."""
        if self.pool:
            self.pool.shutdown()
        return [(lab, lab.finish()) for lab in self.all]
