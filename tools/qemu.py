# SPDX-License-Identifier: MIT
"""One QEMU with one guest: its command line, its serial log, its end.

Interface: Machine (what to start) with .command(); Guest(machine) starts it, .wait_for(text), .finish(timeout) ->
Outcome. The rules of the exit status are judge()'s: a status counts only when the serial log's last line says the same.
recorded(path) -> the Machine that replays a run which was started with Machine.rr = ("record", path).
"""
import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from settings import ROOT, Failure

NO_STATUS, TIME_LIMIT = 125, 124
BINARY = "qemu-system-x86_64"


@dataclass
class Machine:
    """Everything that decides QEMU's command line."""

    kernel: Path | None = None  # an ELF, or
    iso: Path | None = None  # a CD that holds one
    append: str = ""
    module: Path | None = None
    mem: int = 64
    machine: str = "pc"
    cpu: str = "max"
    accel: str = "tcg"
    nic: str | None = "e1000"  # None: no network card at all
    net: str = "user"
    hostfwd: list = field(default_factory=list)
    pcap: Path | None = None
    serial: Path = Path("build/run.serial")
    serial1: str | None = None  # the second serial line: "unix:PATH" (QEMU listens there), "pty", or another chardev
    gdb: int | None = None
    netdev_extra: str = ""
    # QEMU's instruction counter: "shift=3,sleep=off" is virtual time, in which waiting takes none of ours.
    icount: str = ""
    rr: tuple | None = None  # ("record" or "replay", path): every input of the run is kept, or given again
    extra: list = field(default_factory=list)  # more words for QEMU

    def netdev(self):
        kind, _, rest = self.net.partition(":")
        if kind == "tap":
            return f"tap,id=n0,ifname={rest},script=no,downscript=no"
        if kind == "fd":  # a connected Unix stream socket, ours until QEMU has started: it loses nothing
            return f"socket,id=n0,fd={rest}"
        if kind == "dgram":
            local, remote = rest.split(":")
            return (f"dgram,id=n0,local.type=inet,local.host=127.0.0.1,local.port={local},"
                    f"remote.type=inet,remote.host=127.0.0.1,remote.port={remote}")
        if kind == "dgram-unix":
            local, remote = rest.split(":")
            return f"dgram,id=n0,local.type=unix,local.path={local},remote.type=unix,remote.path={remote}"
        words = ["user,id=n0"]
        for rule in self.hostfwd:
            proto, host, guest = rule.split(":")
            words.append(f"hostfwd={proto}:127.0.0.1:{host}-:{guest}")
        return ",".join(words) + self.netdev_extra

    def descriptors(self):
        """What QEMU inherits."""
        kind, _, rest = self.net.partition(":")
        return (int(rest),) if kind == "fd" and self.nic else ()

    def command(self):
        """QEMU's argv, relative to the root of the tree."""
        words = [BINARY, "-accel", self.accel, "-machine", self.machine, "-cpu", self.cpu, "-m", str(self.mem),
                 "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
                 "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if self.serial1:
            words += ["-serial", self.serial1 + (",server=on,wait=off" if self.serial1.startswith("unix:") else "")]
        if self.nic:
            words += ["-netdev", self.netdev(), "-device", f"{self.nic},netdev=n0,romfile="]
        words += self.extra
        if self.rr:
            mode, path = self.rr
            words += ["-icount", f"shift=auto,rr={mode},rrfile={path}"]
            if self.nic:
                words += ["-object", "filter-replay,id=replay0,netdev=n0"]
        elif self.icount:
            words += ["-icount", self.icount]
        if self.nic and self.pcap:
            # Behind any other filter: the capture shows what the guest itself sent and got.
            words += ["-object", f"filter-dump,id=dump0,netdev=n0,file={self.pcap}"]
        if self.gdb:
            words += ["-S", "-gdb", f"tcp:127.0.0.1:{self.gdb}"]
        if self.iso:
            return words + ["-cdrom", str(self.iso)]
        words += ["-kernel", str(self.kernel)]
        if self.module:
            words += ["-initrd", str(self.module)]
        return words + ["-append", self.append]


def digest(path):
    return hashlib.sha256((ROOT / path).read_bytes()).hexdigest() if path else None


def describe(machine):
    """What a replay needs to know beside QEMU's own recording: written next to it."""
    fields = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(machine).items() if k != "rr"}
    fields["digests"] = {name: digest(getattr(machine, name)) for name in ("kernel", "module")}
    Path(f"{ROOT / machine.rr[1]}.json").write_text(json.dumps(fields, indent=1))


def recorded(path, **other):
    """The machine that runs the recording at @path again: the same files, the same inputs at the same instructions."""
    about = Path(f"{ROOT / path}.json")
    if not about.exists() or not (ROOT / path).exists():
        raise Failure(f"{path}: no recording there (RECORD=path makes one; {about.name} belongs to it)")
    fields = json.loads(about.read_text())
    for name, was in fields.pop("digests").items():
        if fields[name] and (not (ROOT / fields[name]).exists() or digest(fields[name]) != was):
            raise Failure(f"{path} was recorded with another {fields[name]}: a replay needs the very same file")
    paths = {k: Path(fields[k]) for k in ("kernel", "module", "pcap", "serial") if fields[k]}
    return replace(Machine(**fields | paths), rr=("replay", path), **other)


@dataclass
class Outcome:
    """How a run ended: the status by the contract, the reason in words, the log."""

    status: int
    why: str
    serial: str
    seconds: float
    code: int | None  # QEMU's own


def judge(code, serial, stderr="", timed_out=None):
    """(status, reason) of a run: 0..127 said by the guest, 124 the time limit, 125 no believable status."""
    if timed_out:
        return TIME_LIMIT, f"time limit: the guest had not ended after {timed_out:g} s"
    said = stderr.strip().splitlines()
    tail = f" ({said[-1]})" if said else ""
    if code < 0:
        return NO_STATUS, f"QEMU was ended by signal {-code} ({signal.Signals(-code).name}){tail}"
    if code == 0:
        return NO_STATUS, f"QEMU ended by itself: a reset, a triple fault or a power-off without a status{tail}"
    lines = serial.rstrip().splitlines()
    match = re.fullmatch(r"exit: (\d+)", lines[-1].strip()) if lines else None
    if not match:
        return NO_STATUS, f"QEMU ended with {code}, but the serial log does not end with the line 'exit: N'{tail}"
    status = int(match[1])
    if code != (status << 1 | 1) or status > 127:
        return NO_STATUS, f"QEMU ended with {code}, which is not what 'exit: {status}' gives"
    return status, ""


class Guest:
    """A running QEMU. @live: where the serial log is shown as it comes (None: nowhere)."""

    def __init__(self, machine, live=None, stdin=subprocess.DEVNULL):
        self.machine = machine
        self.live = live
        self.text = ""
        self.news = threading.Condition()
        self.log_path = ROOT / machine.serial
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        for old in (machine.pcap and ROOT / machine.pcap, self.log_path):
            if old:
                old.unlink(missing_ok=True)
        if machine.rr and machine.rr[0] == "record":
            describe(machine)
        self.started = time.monotonic()
        try:
            self.process = subprocess.Popen(machine.command(), cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, pass_fds=machine.descriptors())
        except FileNotFoundError:
            raise Failure(f"{BINARY} is missing: make deps installs it") from None
        for fd in machine.descriptors():
            os.close(fd)  # QEMU's now: its end is the end of the connection
        self.stderr = b""
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self.read_serial, self.read_stderr)]
        for thread in self.threads:
            thread.start()

    def read_serial(self):
        with open(self.log_path, "wb") as log:
            while data := os.read(self.process.stdout.fileno(), 65536):
                log.write(data)
                log.flush()
                text = data.decode("utf-8", "replace").replace("\r\n", "\n")
                if self.live:
                    self.live.write(text)
                    self.live.flush()
                with self.news:
                    self.text += text
                    self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def read_stderr(self):
        while data := os.read(self.process.stderr.fileno(), 65536):
            self.stderr += data

    def wait_for(self, pattern, timeout):
        """Waits until the log matches the regular expression; the match, or None (ended, or too late)."""
        end = time.monotonic() + timeout
        with self.news:
            while not (match := re.search(pattern, self.text)):
                left = end - time.monotonic()
                if left <= 0 or not self.threads[0].is_alive():
                    return re.search(pattern, self.text)
                self.news.wait(min(left, 0.5))
            return match

    def cpu_seconds(self):
        """CPU time of QEMU's threads so far, by thread name."""
        ticks = os.sysconf("SC_CLK_TCK")
        used = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            name, _, rest = (task / "stat").read_text().partition(") ")
            fields = rest.split()
            key = name.partition("(")[2]
            used[key] = used.get(key, 0) + (int(fields[11]) + int(fields[12])) / ticks
        return used

    def finish(self, timeout=None):
        """Waits for the end, at most @timeout seconds after the start (None: no limit), and judges it."""
        timed_out = None
        try:
            left = None if timeout is None else max(self.started + timeout - time.monotonic(), 0.01)
            code = self.process.wait(left)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code, timed_out = self.process.wait(), timeout
        except KeyboardInterrupt:
            self.process.kill()
            self.process.wait()
            raise
        seconds = time.monotonic() - self.started
        for thread in self.threads:
            thread.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        stderr = self.stderr.decode("utf-8", "replace")
        status, why = judge(code, self.text, stderr, timed_out)
        if stderr and status in (NO_STATUS, TIME_LIMIT):
            print(stderr.rstrip(), file=sys.stderr)
        return Outcome(status, why, self.text, seconds, code)


def shell_line(words):
    return shlex.join(words)
