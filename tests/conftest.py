# SPDX-License-Identifier: MIT
"""What the boot tests share: images, guests, transfers, and what is shown when one fails.

Fixtures: boot (starts a guest), transfer (moves one file one way and compares), noise (files of any size); those of the rigs
(wires, Linux as the peer, record and replay, virtual time) stand in rigs.py.
"""
import itertools
import os
import random
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests")]
import build  # noqa: E402
import doorbell  # noqa: E402
from pages import Counters  # noqa: E402
from peer import Receiver, Stream, hash_file, send_file  # noqa: E402
from qemu import Guest, Machine, shell_line  # noqa: E402
from relay import Relay  # noqa: E402
from settings import MIB, Settings  # noqa: E402

pytest_plugins = ["rigs"]
FULL = os.environ.get("FULL") == "1"
GUEST_IP = "ip=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3"
WORK = Path("build/test")
serials = itertools.count(1)


def matches(item):
    """make test T=pattern: a regular expression over the test's file and name, or a plain part of it."""
    pattern = os.environ.get("DOORBELL_T", "")
    try:
        return re.search(pattern, item.nodeid) is not None or pattern in item.nodeid
    except re.error:
        return pattern in item.nodeid


def pytest_collection_modifyitems(config, items):
    """Keeps what T= asks for, and of the long lists nothing unless FULL=1. What takes longest begins first."""
    kept = [i for i in items if matches(i) and (FULL or not i.get_closest_marker("full"))]
    config.hook.pytest_deselected(items=[i for i in items if i not in kept])
    items[:] = sorted(kept, key=lambda i: (together(i) is None, i.get_closest_marker("slow") is None))


# What uses build/run, or one guest for all its tests, has to stay in one process.
TOGETHER = {"test_packets": "packets", "test_launcher": "run", "test_apps": "run", "test_trace": "run"}


def together(item):
    """The name of the company that the test has to stay in; None: it stands alone."""
    return "wire" if item.path.parent.name == "wire" else TOGETHER.get(item.path.stem)


class Claims:
    """Several processes share one list of tests: who makes the file of that name first has the test."""

    def __init__(self, folder):
        self.folder, self.known = Path(folder), {}

    def mine(self, item, number):
        key = together(item) or str(number)
        if key not in self.known:
            try:
                (self.folder / key).touch(exist_ok=False)
                self.known[key] = True
            except FileExistsError:
                self.known[key] = False
        return self.known[key]


def pytest_runtestloop(session):
    """With DOORBELL_CLAIMS (a folder, see tests/run) this process takes the next test that nobody has, till none is left."""
    folder = os.environ.get("DOORBELL_CLAIMS")
    if not folder or session.config.option.collectonly or session.testsfailed:
        return None
    claims = Claims(folder)
    mine = (item for number, item in enumerate(session.items) if claims.mine(item, number))
    item = next(mine, None)
    while item is not None:
        following = next(mine, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        item = following
    return True


def pytest_configure(config):
    config.addinivalue_line("markers", "full: runs only with FULL=1")
    config.addinivalue_line("markers", "slow: ten seconds and more, most of them waiting: begins early")


@dataclass
class Run:
    """A guest that has ended."""

    status: int
    why: str
    serial: str
    seconds: float
    pcap: Path | None
    command: str
    counters: Counters
    recording: Path | None = None

    def expect(self, status):
        assert self.status == status, f"status {self.status}, expected {status}. {self.why}"
        return self

    def says(self, text):
        assert text.lower() in self.serial.lower(), f"the guest did not say {text!r}"
        return self


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the tail of each serial log and the line that starts the same guest again."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for run in getattr(item, "runs", []):
            report.sections.append((f"guest, status {run.status} {run.why}", tail(run.serial)))
            report.sections.append(("the same guest by hand", run.command))
        report.sections.append(("this test alone", f"make test T='{item.name}'"))


def tail(serial, lines=60):
    return "\n".join(serial.splitlines()[-lines:])


@pytest.fixture(scope="session")
def image():
    """image(app) -> the ELF, built once."""
    built = {}

    def get(app="send", debug=False):
        if (app, debug) not in built:
            built[app, debug] = build.build_image(Settings(app=str(app), debug=debug))
        return built[app, debug]

    return get


@pytest.fixture
def boot(request, image):
    """boot(app, args, ...) -> Run, or with wait=False the Guest itself (then finish(guest) makes the Run)."""
    request.node.runs = []
    guests = []
    folder = WORK / f"{os.getpid()}-{next(serials)}"
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    count = itertools.count(1)

    def start(app="send", args="", append="", module=None, iso=False, debug=False, stats=True, timeout=60.0,
              wait=True, pcap=True, kernel=None, record=None, **machine):
        n = next(count)
        elf = kernel or image(app, debug)
        line = " ".join(w for w in ("stats=1" if stats else "", append, "--", args) if w)
        if module is not None:
            (ROOT / folder / str(n)).mkdir()
            module = doorbell.place_module(Path(module).resolve(), folder / str(n))
            size = (ROOT / module).stat().st_size
            machine.setdefault("mem", max(64, -(-size // MIB) + 32))
        m = Machine(append=line, pcap=folder / f"{n}.pcap" if pcap else None, serial=folder / f"{n}.serial", **machine)
        if record:
            m.rr = ("record", folder / f"{n}.rr")
        if iso:
            m.iso = build.build_iso(elf, line.split(), module, folder / f"{n}.iso")
        else:
            m.kernel, m.module = elf, module
        guest = Guest(m)
        guest.limit = timeout
        guests.append(guest)
        return finish(guest) if wait else guest

    def finish(guest):
        outcome = guest.finish(guest.limit)
        m = guest.machine
        run = Run(outcome.status, outcome.why, outcome.serial, outcome.seconds, m.pcap and ROOT / m.pcap,
                  shell_line(m.command()), Counters(outcome.serial), m.rr and Path(m.rr[1]))
        request.node.runs.append(run)
        return run

    start.finish = finish
    yield start
    for guest in guests:
        if guest.process.poll() is None:
            guest.limit = 0.1
            finish(guest)
    failed = getattr(request.node, "failed", False)
    if not failed:
        shutil.rmtree(ROOT / folder, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_exception_interact(node):
    node.failed = True  # keeps the logs and captures of a failed test under build/test


@pytest.fixture(scope="session")
def noise():
    """noise(size) -> a file of so many seeded bytes, made once."""

    def get(size):
        path = ROOT / WORK / f"noise-{size}"
        if not path.exists() or path.stat().st_size != size:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(random.Random(size).randbytes(size))
            fresh.rename(path)
        return path

    return get


@dataclass
class Transfer:
    """One file, moved and compared."""

    run: Run
    stream: Stream
    size: int


@pytest.fixture
def transfer(boot, noise):
    """transfer('send' | 'recv', size, ...) -> Transfer; asserts that every byte arrived and nothing was left behind."""

    def move(direction, size, relay=None, seed=1, pause=None, timeout=60.0, **how):
        path = noise(size)
        wire = Relay(relay, seed) if relay else None
        try:
            if wire:
                how["extra"] = wire.arguments
            if direction == "send":
                receiver = Receiver(pause=pause)
                run = boot("send", f"tcp:10.0.2.2:{receiver.port}", module=path, timeout=timeout, **how)
                stream = receiver.finish()
                got = stream.size, stream.sha256
            else:
                port = doorbell.free_port()
                guest = boot("recv", str(doorbell.RECV_PORT), wait=False, timeout=timeout,
                             hostfwd=[f"tcp:{port}:{doorbell.RECV_PORT}"], **how)
                stream = Stream(error="the guest did not listen")
                if guest.wait_for(doorbell.LISTENING, 30):
                    stream = send_file(port, path, timeout=timeout, attempts=1 if size else 3)
                run = boot.finish(guest)
                got = doorbell.received(run.serial)
        finally:
            if wire:
                print(wire)
                wire.close()
        run.expect(0)
        assert got == hash_file(path), f"not equal; {stream}"
        return Transfer(run, stream, size)

    return move
