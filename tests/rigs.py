# SPDX-License-Identifier: MIT
"""The rigs in which a guest is tested, one fixture each. What they make is closed when the test ends.

    user_wire(profile, seed)   faults between the guest and QEMU's user network (no root needed); .arguments -> boot(extra=)
    two_guests(profile, seed, kind)   a wire between two guests, "stream" or "dgram"; .net[0], .net[1] -> boot(net=)
    tap(profile, seed)         Linux behind a wire with faults; .net -> boot(net=), .call(function) runs beside it
    linux()                    Linux behind a TAP that QEMU opens itself: nothing between; .boot(...), .call(function)
    record(...), replay(run)   boot(...) with every input kept; the same run again, at the same instructions
    virtual_time(...)          boot(...) with a clock that jumps while the guest waits: minutes take milliseconds

(The scapy rig, frames by hand over -netdev dgram, is tests/wire_peer.py; test_packets.py has its fixtures.)
"""
from pathlib import Path

import pytest

import namespace
from qemu import Guest, recorded
from relay import Profile, Relay
from tap import Tap
from wire import Wire

NANOSECONDS_PER_INSTRUCTION = 3  # as a power of two; -icount shift=


def maker(make):
    """A function that makes things, and a list of what it made."""
    made = []

    def get(*args, **how):
        made.append(make(*args, **how))
        return made[-1]

    return get, made


def close_all(made):
    for thing in made:
        print(getattr(thing, "stats", ""))
        thing.close()


@pytest.fixture
def user_wire():
    get, made = maker(Relay)
    yield get
    close_all(made)


@pytest.fixture
def two_guests():
    get, made = maker(lambda profile=Profile(), seed=1, kind="stream": Wire(profile, seed, kind))
    yield get
    close_all(made)


@pytest.fixture
def tap():
    if namespace.available():
        pytest.skip(namespace.available())
    get, made = maker(lambda profile=Profile(), seed=1: Tap(profile, seed))
    yield get
    close_all(made)


@pytest.fixture
def linux(boot):
    if namespace.available():
        pytest.skip(namespace.available())
    get, made = maker(namespace.Namespace)
    place = get()
    place.boot = lambda *args, **how: place.call(lambda: boot(*args, net=place.net, wait=False, **how))
    yield place
    close_all(made)


@pytest.fixture
def record(boot):
    """record(...) -> Run; its .recording is what replay() takes. A failing test names the line that debugs it."""
    def start(*args, **how):
        run = boot(*args, record=True, **how)
        print(f"this run again, under gdb: make debug REPLAY={run.recording}")
        return run

    return start


@pytest.fixture
def replay(boot):
    """replay(run) -> Run. No peer has to be there."""

    def again(run, **other):
        machine = recorded(run.recording, serial=Path(f"{run.recording}.again"), pcap=Path(f"{run.recording}.pcap"), **other)
        guest = Guest(machine)
        guest.limit = 60
        return guest if other.get("gdb") else boot.finish(guest)

    return again


@pytest.fixture
def virtual_time(boot):
    def start(*args, **how):
        return boot(*args, icount=f"shift={NANOSECONDS_PER_INSTRUCTION},sleep=off", **how)

    return start
