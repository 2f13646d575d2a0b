# SPDX-License-Identifier: MIT
"""The user's variables, read once from the environment that the Makefile exports.

Interface: Settings.from_environment(), Failure (an error to be said in words, with its exit status).
"""
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20
FILE_MAX = 2 << 30


class Failure(Exception):
    """Something the user must hear: printed without a traceback; the launcher ends with .status."""

    def __init__(self, text, status=2):
        super().__init__(text)
        self.status = status


def number(name, text, least, most):
    try:
        value = int(text)
    except ValueError:
        raise Failure(f"{name}={text}: not a number") from None
    if not least <= value <= most:
        raise Failure(f"{name}={text}: must lie in {least}..{most}")
    return value


def one_of(name, text, choices):
    if text not in choices:
        raise Failure(f"{name}={text}: must be one of {', '.join(choices)}")
    return text


def plain_path(name, text):
    if text and "," in text:
        raise Failure(f"{name}={text}: QEMU does not take a comma here")
    return text


@dataclass
class Settings:
    """One field a variable of the Makefile; None where the user said nothing."""

    app: str = "send"
    args: str | None = None
    file: str | None = None
    nic: str = "e1000"
    net: str = "user"
    mem: int | None = None
    pcap: str | None = "build/run.pcap"
    cmdline: str = ""
    hostfwd: list = field(default_factory=list)
    serial1: str | None = None  # what the second serial line hangs on
    timeout: int | None = None
    accel: str = "tcg"
    machine: str = "pc"
    cpu: str = "max"
    cc: str = "gcc"
    debug: bool = False
    pattern: str = ""
    full: bool = False
    # The laboratory's programs read these three themselves; here they are only checked.
    seeds: int | None = None
    seed: int | None = None
    seconds: int | None = None
    record: str | None = None  # keep every input of the run in this file
    replay: str | None = None  # run the one kept there again

    @classmethod
    def from_environment(cls, env=None):
        env = os.environ if env is None else env

        def text(name, default=None):
            return env.get(name) or default

        net = text("NET", "user")
        if not re.fullmatch(r"user|tap:[\w.-]+|dgram:\d+:\d+", net):
            raise Failure(f"NET={net}: must be user, tap:IFNAME or dgram:LOCALPORT:REMOTEPORT")
        hostfwd = (text("HOSTFWD", "")).split()
        for rule in hostfwd:
            if not re.fullmatch(r"(tcp|udp):\d+:\d+", rule):
                raise Failure(f"HOSTFWD={rule}: must be tcp:HOSTPORT:GUESTPORT or udp:HOSTPORT:GUESTPORT")
        serial1 = text("SERIAL1") or ("unix:build/agent.sock" if text("APP") == "agent" else None)
        if serial1 and not re.fullmatch(r"unix:[^,]+|pty", serial1):
            raise Failure(f"SERIAL1={serial1}: must be unix:PATH (without a comma) or pty")
        return cls(
            app=text("APP", "send"),
            args=env.get("ARGS"),
            file=text("FILE"),
            nic=one_of("NIC", text("NIC", "e1000"), ("e1000", "e1000e", "e1000-82544gc", "e1000-82545em")),
            net=net,
            mem=number("MEM", env["MEM"], 1, 65536) if text("MEM") else None,
            pcap=env.get("PCAP", "build/run.pcap") or None,
            cmdline=text("CMDLINE", ""),
            hostfwd=hostfwd,
            serial1=serial1,
            timeout=number("TIMEOUT", env["TIMEOUT"], 1, 1000000) if text("TIMEOUT") else None,
            accel=one_of("ACCEL", text("ACCEL", "tcg"), ("tcg", "kvm")),
            machine=one_of("MACHINE", text("MACHINE", "pc"), ("pc", "q35")),
            cpu=text("CPU", "host" if env.get("ACCEL") == "kvm" else "max"),
            cc=text("CC", "gcc"),
            debug=text("DEBUG", "0") == "1",
            pattern=text("T", ""),
            full=text("FULL", "") == "1",
            seeds=number("SEEDS", env["SEEDS"], 1, 10**9) if text("SEEDS") else None,
            seed=number("SEED", env["SEED"], 0, 2**64 - 1) if text("SEED") else None,
            seconds=number("SECONDS", env["SECONDS"], 1, 10**6) if text("SECONDS") else None,
            record=plain_path("RECORD", text("RECORD")),
            replay=plain_path("REPLAY", text("REPLAY")),
        )

    @property
    def build_dir(self):
        """The Makefile's $(B): one directory per compiler and debug setting."""
        compiler = os.path.basename(self.cc)
        variant = ("" if compiler == "gcc" else compiler) + ("debug" if self.debug else "")
        return Path("build") / variant if variant else Path("build")
