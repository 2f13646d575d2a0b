#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The launcher behind every make target.

    tools/doorbell.py TARGET        (variables come from the environment; `make help` lists both)

Its exit status is the contract's; make itself can only say that it was not 0.
"""
import json
import os
import random
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import build  # noqa: E402
import deps  # noqa: E402
from pages import summary  # noqa: E402
from peer import Receiver, Stream, hash_file, send_file  # noqa: E402
from qemu import Guest, Machine, recorded, shell_line  # noqa: E402
from settings import FILE_MAX, MIB, ROOT, Failure, Settings  # noqa: E402
import tracing  # noqa: E402

HELP = """\
make run          send a file from the guest to a receiver on this machine, verified byte for byte
make test         every test; T=pattern: those whose name matches; FULL=1: the long lists too
make check        format, layers, static analysis, documentation
make sim          simulated networks; SEEDS=n     make fuzz      libFuzzer; SECONDS=n
make coverage     branches taken by the tests     make host      build/host/libdoorbell.so
make conformance  the wire suite against Doorbell and against a Linux guest: docs/CONFORMANCE.md
make claims       what is said about the transmit path, measured here and on Linux
make goodput      16 MiB over wires that lose, from here and from Linux: docs/GOODPUT.md; SEEDS=n
make              build/<app>.elf            make iso     build/<app>.iso, bootable as a CD
make walk         one segment's way, stage by stage: down to the doorbell, up to both frees
make trace        a send as build/trace.json (Chrome's format, Perfetto opens it) and build/trace.html
make debug        QEMU paused with a gdb server
make deps         install what is missing    make doctor  list what is missing
make clean        remove build/              make help    this page

  FILE=path       what to send: any file, 0 bytes to 2 GiB (default: 1 MiB made up)
  APP=name|path   send (default), recv, another name under apps/, a C file or a folder of C files
  ARGS='...'      the application's arguments   CMDLINE='...'  kernel parameters
  NIC=e1000       or e1000e                     NET=user       or tap:IFNAME, dgram:LOCALPORT:REMOTEPORT
  MEM=64          MiB                           PCAP=path      capture (build/run.pcap); empty: none
  SERIAL1=unix:PATH  or pty: the second serial line (APP=agent: unix:build/agent.sock)
  MACHINE=pc|q35  CPU=max  ACCEL=tcg|kvm        HOSTFWD='tcp:18080:80'   TIMEOUT=seconds
  CC=gcc|clang    DEBUG=1 slab poison and red zones
  RECORD=path     keep every input of a run; REPLAY=path: make run or make debug repeats it, instruction by instruction

make ends with 2 whenever a command failed; the exact status stands in its message (Error N) and is the exit
status of `python3 tools/doorbell.py run` with the same variables in the environment."""
LATER = ("bench",)
INITRD_MAX = (2 << 30) - 1  # QEMU 7.2 keeps a module's size in an int
RECV_PORT = 5001
ONE_SEGMENT, TRACE_BYTES = 1000, 64 << 10  # what `make walk` and `make trace` send when FILE says nothing
# A replay leaves the first run's log and capture alone.
AGAIN = {"serial": Path("build/replay.serial"), "pcap": Path("build/replay.pcap")}
# recv says so on the console when a connection can come.
LISTENING = r"(?m)^recv: listening"


def say(text):
    print(f"doorbell: {text}", flush=True)


def made_up_file(size=MIB, name="default.bin"):
    """The default file: 1 MiB (or so many bytes) of seeded noise, the same on every machine."""
    path = ROOT / "build" / name
    data = random.Random(1460).randbytes(size)
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return path


def user_file(settings):
    """FILE= or the default one, checked."""
    if settings.file is None:
        return made_up_file()
    path = Path(settings.file)
    if not path.exists():
        raise Failure(f"FILE={settings.file}: no such file")
    if not path.is_file():
        raise Failure(f"FILE={settings.file}: not a regular file")
    if not os.access(path, os.R_OK):
        raise Failure(f"FILE={settings.file}: you may not read it")
    if path.stat().st_size > FILE_MAX:
        raise Failure(f"FILE={settings.file}: {path.stat().st_size} bytes; at most 2 GiB ({FILE_MAX}) can be sent")
    return path.resolve()


def place_module(path, folder=Path("build/run")):
    """QEMU splits -initrd at commas and blanks: the file gets a plain name there."""
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    link = ROOT / folder / "file"
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    return folder / "file"


def memory_for(settings, size):
    """MiB: what the user said, or 64, or what the file needs and 32 more."""
    return settings.mem or max(64, -(-size // MIB) + 32)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def machine_of(settings, image, append, **more):
    pcap = Path(settings.pcap) if settings.pcap else None
    if settings.record:
        if not (ROOT / settings.record).parent.is_dir():
            raise Failure(f"RECORD={settings.record}: there is no folder {Path(settings.record).parent}")
        more["rr"] = ("record", settings.record)
    if pcap and not (ROOT / pcap).parent.is_dir():
        raise Failure(f"PCAP={pcap}: there is no folder {pcap.parent}")
    return Machine(kernel=image, append=append, machine=settings.machine, cpu=settings.cpu, accel=settings.accel,
                   nic=settings.nic, net=settings.net, serial1=settings.serial1, pcap=pcap, **more)


def start(machine, stdin=subprocess.DEVNULL):
    if machine.module and (ROOT / machine.module).stat().st_size > INITRD_MAX:
        if machine.rr:
            raise Failure("a run from a CD cannot be recorded: give a file below 2 GiB")
        say("QEMU's -initrd takes files below 2 GiB: this one goes on a CD; reading it takes GRUB a minute")
        machine.iso = build.build_iso(machine.kernel, shlex.split(machine.append), machine.module,
                                      Path("build/run/run.iso"))
    print(shell_line(machine.command()), flush=True)
    return Guest(machine, live=sys.stdout, stdin=stdin)


def said(outcome):
    """Tells how the guest ended; gives the status."""
    if outcome.why:
        say(outcome.why)
    elif outcome.status:
        say(f"the guest ended with status {outcome.status}")
    return outcome.status


def capture_of(machine):
    return str(machine.pcap) if machine.pcap and (ROOT / machine.pcap).exists() else None


def asks_for_help(settings):
    """With fault=help the guest explains and ends: nothing is sent, so there is nothing to judge."""
    return "fault=help" in settings.cmdline.split()


def run_send(settings):
    """The main job: the guest sends the file to a receiver of ours."""
    if settings.net != "user" and settings.args is None:
        raise Failure(f"NET={settings.net}: say whom to send to, ARGS='tcp:HOST:PORT' (and CMDLINE='ip=...')")
    source = user_file(settings)
    size, sha = hash_file(source)
    receiver = Receiver()
    args = settings.args if settings.args is not None else f"tcp:10.0.2.2:{receiver.port}"
    image = build.build_image(settings)
    machine = machine_of(settings, image, f"stats=1 {settings.cmdline} -- {args}", mem=memory_for(settings, size),
                         module=place_module(source), hostfwd=settings.hostfwd)
    outcome = start(machine).finish(settings.timeout or 60 + size / MIB)
    status = said(outcome)
    if settings.args is not None or asks_for_help(settings):
        return status
    stream = receiver.finish(5 if status == 0 else 0.2)
    equal = (stream.size, stream.sha256) == (size, sha) and stream.connections == 1 and not stream.error
    verdict = f"{source.name}: {'arrived, equal' if equal else 'NOT equal'}, sha256 {stream.sha256}"
    print(summary(stream, verdict, outcome.serial, capture_of(machine), "sent"), flush=True)
    if status == 0 and not equal:
        say(f"{size} bytes with sha256 {sha} were sent, {stream.size} with {stream.sha256} arrived {stream.error}")
        return 1
    return status


def received(serial):
    """(bytes, sha256) as the guest's recv printed them; None when it did not."""
    match = re.search(r"^recv: (\d+) bytes sha256 ([0-9a-f]{64})$", serial, re.M)
    return (int(match[1]), match[2]) if match else None


def run_recv(settings):
    """The other way: we connect through a forwarded port and send the file; the guest prints what it got."""
    source = user_file(settings)
    size, sha = hash_file(source)
    port = free_port()
    image = build.build_image(settings)
    machine = machine_of(settings, image, f"stats=1 {settings.cmdline} -- {RECV_PORT}", mem=settings.mem or 64,
                         hostfwd=[*settings.hostfwd, f"tcp:{port}:{RECV_PORT}"])
    guest = start(machine)
    limit = settings.timeout or 60 + size / MIB
    stream = Stream(error="the guest did not listen")
    if guest.wait_for(LISTENING, min(limit, 20)):
        stream = send_file(port, source, timeout=limit, attempts=3)
    outcome = guest.finish(limit)
    status = said(outcome)
    if asks_for_help(settings):
        return status
    got = received(outcome.serial)
    equal = got == (size, sha)
    verdict = f"{source.name}: {'arrived, equal' if equal else 'NOT equal'}, sha256 {got[1] if got else 'none'}"
    print(summary(stream, verdict, outcome.serial, capture_of(machine), "received"), flush=True)
    if status == 0 and not equal:
        say(f"{size} bytes with sha256 {sha} were sent; the guest reports otherwise {stream.error}")
        return 1
    return status


def run_app(settings):
    """Any other program: its own arguments, its own end, no time limit but the user's."""
    module = place_module(user_file(settings)) if settings.file is not None else None
    size = (ROOT / module).stat().st_size if module else 0
    image = build.build_image(settings)
    append = f"{settings.cmdline} -- {settings.args or ''}".strip()
    machine = machine_of(settings, image, append, mem=memory_for(settings, size), module=module,
                         hostfwd=settings.hostfwd)
    return said(start(machine, stdin=None).finish(settings.timeout))


def traced(settings, size):
    """One send with the transmit path traced, the console kept to build/run.serial: (status, records, how many were lost)."""
    if settings.app != "send" or settings.net != "user" or settings.args is not None:
        raise Failure("what is traced is `send` to this machine: no APP, ARGS or NET here (CMDLINE='trace=tx stats=1' traces any run)")
    source = user_file(settings) if settings.file is not None else made_up_file(size, "traced.bin")
    receiver = Receiver()
    image = build.build_image(settings)
    words = settings.cmdline.split()
    append = " ".join(["stats=1", *([] if any(w.startswith("trace=") for w in words) else ["trace=tx"]), *words])
    machine = machine_of(settings, image, f"{append} -- tcp:10.0.2.2:{receiver.port}",
                         mem=memory_for(settings, source.stat().st_size), module=place_module(source))
    print(shell_line(machine.command()), flush=True)
    outcome = Guest(machine).finish(settings.timeout or 60 + source.stat().st_size / MIB)
    status = said(outcome)
    stream = receiver.finish(5 if status == 0 else 0.2)
    if status:
        print("\n".join(outcome.serial.splitlines()[-20:]))
    elif (stream.size, stream.sha256) != hash_file(source):
        raise Failure(f"{stream.size} bytes arrived, not what was sent {stream.error}")
    return status, tracing.records(outcome.serial) if status == 0 else [], tracing.overwritten(outcome.serial)


def walk(settings):
    status, records, _ = traced(settings, ONE_SEGMENT)
    if status == 0:
        print(tracing.walk(records))
    return status


def trace_files(settings):
    status, records, lost = traced(settings, TRACE_BYTES)
    if status:
        return status
    events = tracing.chrome(records)
    (ROOT / "build/trace.json").write_text(json.dumps(events))
    (ROOT / "build/trace.html").write_text(tracing.picture(records, "Doorbell: one send"))
    packets = len({r.skb for r in records if r.skb})
    print(f"build/trace.json, build/trace.html: {len(records)} records of {packets} packets"
          + (f"; {lost} older ones were overwritten" if lost else ""))
    return 0


def run_again(settings):
    """The recorded run, instruction by instruction; nobody has to be at the other end."""
    return said(start(recorded(settings.replay, **AGAIN)).finish(settings.timeout))


def run(settings):
    if settings.replay:
        return run_again(settings)
    if settings.app == "send":
        return run_send(settings)
    if settings.app == "recv" and settings.args is None and settings.net == "user":
        return run_recv(settings)
    return run_app(settings)


def wait_for_gdb(settings, machine, image):
    helpers = "".join(f" -x {p.relative_to(ROOT)}" for p in sorted((ROOT / "tools/gdb").glob("*.py")))
    say("QEMU waits. In another terminal, in this directory:")
    print(f"gdb {image}{helpers} -ex 'target remote 127.0.0.1:{machine.gdb}'", flush=True)
    return said(start(machine).finish(settings.timeout))


def debug(settings):
    """QEMU paused; the guest's end of a send run without our receiver's judgement, or a recorded run again."""
    if settings.replay:
        machine = recorded(settings.replay, gdb=free_port(), **AGAIN)
        return wait_for_gdb(settings, machine, machine.kernel)
    source = user_file(settings)
    receiver = Receiver()
    image = build.build_image(settings)
    args = settings.args if settings.args is not None else f"tcp:10.0.2.2:{receiver.port}"
    machine = machine_of(settings, image, f"stats=1 {settings.cmdline} -- {args}",
                         mem=memory_for(settings, source.stat().st_size), module=place_module(source),
                         hostfwd=settings.hostfwd, gdb=free_port())
    return wait_for_gdb(settings, machine, image)


def build_target(settings):
    image = build.build_image(settings)
    print(image)
    return 0


def iso(settings):
    image = build.build_image(settings)
    module = user_file(settings) if settings.file is not None else None
    words = settings.cmdline.split()
    if settings.args:
        words += ["--", *shlex.split(settings.args)]
    print(build.build_iso(image, words, module, image.with_suffix(".iso")))
    return 0


def program(*words):
    """One of the tree's own programs; its exit status is ours. SEEDS, SECONDS, T, ... come from the environment."""
    return subprocess.run([sys.executable, *words], cwd=ROOT, check=False).returncode


def needs(*packages):
    """Installs what of these is missing; 0, or it fails in words."""
    return deps.deps({name: deps.EVERYTHING[name] for name in packages})


def test(settings):
    deps.deps()
    return program("tests/run")


def check(settings):
    return program("tests/run", "--check")


def host(settings):
    needs("gcc", "libc6-dev")
    build.make("hostlib", settings, FLAVOUR="lib")
    print("build/host/libdoorbell.so")
    return 0


def main(argv):
    if len(argv) != 2 or argv[1] in ("help", "-h", "--help"):
        print(HELP)
        return 0 if len(argv) == 2 else 2
    target = argv[1]
    if target in LATER:
        raise Failure(f"make {target} arrives with a later version")
    settings = Settings.from_environment()
    actions = {
        "build": build_target, "iso": iso, "run": lambda s: deps.deps(deps.TO_RUN) or run(s),
        "debug": lambda s: deps.deps(deps.TO_RUN | {"gdb": ["gdb"]}) or debug(s), "test": test,
        "check": check, "deps": lambda s: deps.deps(), "doctor": lambda s: deps.doctor(), "host": host,
        "walk": lambda s: deps.deps(deps.TO_RUN) or walk(s),
        "trace": lambda s: deps.deps(deps.TO_RUN) or trace_files(s),
        "sim": lambda s: needs("gcc", "libc6-dev") or program("tests/sim/run"),
        "fuzz": lambda s: needs("clang", "libclang-rt-14-dev", "libc6-dev") or program("tests/fuzz/run"),
        "claims": lambda s: deps.deps(deps.TO_RUN | {"tshark": ["tshark"]}) or program("tools/claims.py"),
        "goodput": lambda s: deps.deps(deps.TO_RUN) or needs("gcc", "libc6-dev") or program("tools/goodput.py"),
        "conformance": lambda s: deps.deps(deps.TO_RUN | {"python3-scapy": ["py:scapy"]}) or program("tools/conformance.py"),
        "coverage": lambda s: needs("gcc", "libc6-dev", "clang", "gcovr") or program("tools/coverage.py"),
    }
    if target not in actions:
        raise Failure(f"{target}: no such target (make help)")
    return actions[target](settings)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except Failure as failure:
        say(failure)
        sys.exit(failure.status)
    except KeyboardInterrupt:
        sys.exit(130)
