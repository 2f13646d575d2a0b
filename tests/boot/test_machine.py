# SPDX-License-Identifier: MIT
"""Machines, processors and memory sizes; wrong input, each with its message and status in bounded time."""
import itertools
import os
import re
import signal
import time

import pytest

import doorbell
from conftest import GUEST_IP, ROOT
from peer import Receiver


@pytest.mark.parametrize("cpu", ["max", "qemu64", "Nehalem"])
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_machine(transfer, machine, cpu):
    transfer("send", 65536, machine=machine, cpu=cpu, pcap=False)


@pytest.mark.parametrize("mem", [8, 64, 4096])
@pytest.mark.parametrize("direction", ["send", "recv"])
def test_memory(transfer, direction, mem):
    transfer(direction, 65536, mem=mem, pcap=False)


@pytest.mark.parametrize("nic", ["e1000", "e1000-82544gc", "e1000-82545em"])
def test_card(transfer, nic):
    transfer("send", 65536, nic=nic)


def test_static_address(transfer):
    run = transfer("send", 65536, append=GUEST_IP).run
    assert not any(b"\x63\x82\x53\x63" in data for data in [run.pcap.read_bytes()]), "DHCP in spite of ip="


def test_debug_slabs(transfer):
    transfer("send", 1 << 20, debug=True)
    transfer("recv", 1 << 20, debug=True)


@pytest.mark.parametrize("runs_ms,rests_ms", [(1, 4), (1, 70)])
def test_clock_of_a_starved_guest(boot, runs_ms, rests_ms):
    """While the rates are measured the host takes the processor away again and again: the alarm is right all the same."""
    guest = boot(ROOT / "tests/apps/naps.c", append=GUEST_IP, wait=False, timeout=60)
    for ms, word in itertools.cycle([(runs_ms, signal.SIGSTOP), (rests_ms, signal.SIGCONT)]):
        if re.search("clock: tsc|exit: ", guest.text) and word == signal.SIGSTOP:
            break
        time.sleep(ms / 1000)
        os.kill(guest.process.pid, word)
    run = boot.finish(guest)
    run.expect(0).says("naps: ")
    rate = re.search(r"alarm by local apic ([0-9.]+) MHz", run.serial)
    assert 990 < float(rate[1]) < 1010, "QEMU's APIC counts nanoseconds"
    assert 20000 <= int(re.search(r"naps: (\d+) us", run.serial)[1]) < 24000


@pytest.mark.parametrize("cpu", ["pentium3", "qemu32"])
def test_no_long_mode(boot, cpu):
    boot(cpu=cpu).expect(71).says("long mode")


def test_three_mib(boot):
    boot(mem=3).expect(66).says("memory")


@pytest.mark.parametrize("nic", [None, "virtio-net-pci", "rtl8139", "e1000e"])
def test_no_usable_card(boot, nic):
    boot(args="tcp:10.0.2.2:9", nic=nic).expect(68)


@pytest.mark.parametrize("line", ["ip=10.0.2.300/24", "tx_ring=banana", "ip=10.0.2.15/40", "ip=10.0.2.15/24,gw=10.0.3.2",
                                  "loglevel=99", "mtu=1", "fault=earthquake"])
def test_bad_command_line(boot, line):
    boot(args="tcp:10.0.2.2:9", append=line).expect(70).says(line.partition("=")[0])


def test_unknown_key(boot, noise):
    """A key nobody knows: a warning that names the nearest known one, and the run goes on."""
    receiver = Receiver()
    boot(args=f"tcp:10.0.2.2:{receiver.port}", append="tx_rnig=64", module=noise(1)).expect(0).says("tx_ring")


def test_port_closed(boot, noise):
    boot(args=f"tcp:10.0.2.2:{doorbell.free_port()}", module=noise(1)).expect(4)


def test_host_unreachable(boot, noise):
    boot(args="tcp:10.0.2.99:9", append=GUEST_IP, module=noise(1)).expect(5)


def test_no_module(boot):
    boot(args="tcp:10.0.2.2:9").expect(3)


def test_no_arguments(boot, noise):
    boot(args="", module=noise(1)).expect(2)


def test_a_leak_is_seen(boot, noise):
    """One packet left behind on purpose: the run fails, and the report names where it was allocated."""
    receiver = Receiver()
    run = boot("send", f"tcp:10.0.2.2:{receiver.port}", append="fault=leak", module=noise(1460))
    run.expect(67).says("leak check FAILED: 1 skbs").says("leak: 2 live from boot/main.c:")


@pytest.mark.slow
def test_no_dhcp_answer(boot, noise):
    """A wire with nobody on it."""
    net = f"dgram:{doorbell.free_port()}:{doorbell.free_port()}"
    boot(args="tcp:10.0.2.2:9", net=net, module=noise(1), timeout=60).expect(69)


def test_connection_lost(boot, noise):
    """The receiver goes away in the middle: the status says so."""
    receiver = Receiver()
    receiver.receive = lambda conn: conn.recv(1)  # closes with data unread: a reset
    boot(args=f"tcp:10.0.2.2:{receiver.port}", module=noise(8 << 20), timeout=60).expect(6)


def test_first_frame(boot, noise):
    """States when the first frame leaves, counted from QEMU's start, with a static address."""
    receiver = Receiver()
    guest = boot(args=f"tcp:10.0.2.2:{receiver.port}", append=GUEST_IP, module=noise(1), wait=False)
    path = guest.log_path.with_suffix(".pcap")
    while time.monotonic() - guest.started < 5 and not (path.exists() and path.stat().st_size > 24):
        time.sleep(0.001)
    print(f"first frame {time.monotonic() - guest.started:.3f} s after QEMU's start")
    boot.finish(guest).expect(0)


@pytest.mark.slow
def test_waiting_is_idle(boot, noise):
    """Ten seconds and more in accept(): the processor sleeps."""
    port = doorbell.free_port()
    guest = boot("recv", str(doorbell.RECV_PORT), wait=False, hostfwd=[f"tcp:{port}:{doorbell.RECV_PORT}"], timeout=300)
    assert guest.wait_for(doorbell.LISTENING, 30)
    time.sleep(1)
    before, start = guest.cpu_seconds(), time.monotonic()
    time.sleep(max(10, 12 * (start - guest.started)))  # on a busy machine the beginning takes longer
    after, seconds = guest.cpu_seconds(), time.monotonic() - start
    share = {name: (after[name] - before.get(name, 0)) / seconds for name in after}
    print(f"waiting in accept(): {', '.join(f'{n} {s:.1%}' for n, s in share.items())}")
    assert sum(share.values()) < 0.05, "all threads of QEMU together"
    from peer import send_file
    send_file(port, noise(1))
    cycles = boot.finish(guest).expect(0).counters.cycles
    assert cycles["idle"] > 0.9 * cycles["total"], "the guest's own account says the same"
    assert all(cycles.values()) and sum(cycles.values()) == 2 * cycles["total"], "every cycle is in one context"
