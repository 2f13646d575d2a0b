# SPDX-License-Identifier: MIT
"""The kernel floors under load: preemption, all of the memory, no memory, time, pointers that lead nowhere."""
import re
import socket
import time

import pytest

import doorbell
from conftest import GUEST_IP, ROOT
from late import Late, again
from peer import Receiver, hash_file

APPS = ROOT / "tests" / "apps"
# An ARP request for the guest, as it stands on the wire.
QUESTION = bytes.fromhex("525400123456" "020000000001" "0806" "0001080006040001"
                         "020000000001" "0a000202" "000000000000" "0a00020f") + bytes(18)


@pytest.mark.parametrize("cpu", ["max", "qemu64"])
@again
def test_preemption(boot, cpu):
    """A flood of frames while the application computes, also in pages of code that it made itself."""
    port = doorbell.free_port()
    guest = boot(APPS / "preempt.c", "4", append=GUEST_IP, wait=False, pcap=False, cpu=cpu, stats=False,
                 net=f"dgram:{port}:{doorbell.free_port()}")
    assert guest.wait_for("preempt: begin", 60)
    end = time.monotonic() + 3
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        while time.monotonic() < end:
            for _ in range(64):
                wire.sendto(QUESTION, ("127.0.0.1", port))
            time.sleep(0.001)
    run = boot.finish(guest).expect(0)
    told = re.search(r"preempt: .* preempted (\d+) times, (\d+) timer.*", run.serial)
    print(told[0])
    if not int(told[1]) or int(told[2]) <= 100:
        raise Late(f"the flood never handed work to ksoftirqd, or there was little of it: {told[0]}")


@pytest.mark.slow
@pytest.mark.parametrize("mem", [8, 64, 4096])
def test_all_of_the_memory(boot, mem):
    boot(APPS / "fill.c", append=GUEST_IP, mem=mem, pcap=False, stats=False, timeout=300).expect(0).says("0 failed")


def test_pointers(boot):
    boot(APPS / "pointers.c", append=GUEST_IP, pcap=False, stats=False).expect(0).says("0 failed")


def test_many_sockets_in_8_mib(boot):
    boot(APPS / "sockets.c", append=GUEST_IP, mem=8, pcap=False, stats=False).expect(0).says("0 failed")


@pytest.mark.parametrize("at", [1, 3, 8, 12, 20, 30, 56, 60, 100, 300])
def test_no_memory_at_boot(boot, at):
    """Whatever the allocation was for: a message and its status, or the run goes on without it."""
    run = boot(args="tcp:10.0.2.2:9", append=f"{GUEST_IP} fault=alloc,at={at}", pcap=False, stats=False)
    assert run.status in (3, 66), f"status {run.status}. {run.why}"
    run.says("out of memory" if run.status == 66 else "/boot/file")


@pytest.mark.slow
@pytest.mark.parametrize("at,every", [(640, 3), (660, 5), (680, 7)])
def test_memory_comes_and_goes(boot, noise, at, every):
    """Allocations fail again and again: the file arrives (slowly), or the status says that it did not."""
    receiver = Receiver()
    run = boot(args=f"tcp:10.0.2.2:{receiver.port}", append=f"{GUEST_IP} fault=alloc,at={at},every={every}",
               module=noise(65536), pcap=False, stats=False, timeout=120)
    stream = receiver.finish()
    assert run.status < 64 or run.status == 66, f"status {run.status}. {run.why}"
    assert run.status != 0 or (stream.size, stream.sha256) == hash_file(noise(65536))


TICKS = """
#include <stdio.h>
#include <time.h>
#include <unistd.h>
int main(void)
{
	struct timespec ts;
	for (int i = 0; i < 240; i++) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		printf("tick %d %lld.\\n", i, ts.tv_sec * 1000000000LL + ts.tv_nsec);
		fflush(stdout);
		usleep(50000);
	}
	return 0;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("cpu,alarm", [("max", "local apic"), ("qemu64,-apic", "pit")])
@again
def test_clock_keeps_time(boot, tmp_path, cpu, alarm):
    """The guest's clock against the host's over 10 s, with each of the two alarms."""
    (tmp_path / "ticks.c").write_text(TICKS)
    guest = boot(tmp_path / "ticks.c", append=GUEST_IP, wait=False, pcap=False, stats=False, cpu=cpu)

    def behind(first, last):
        """(host minus guest, guest) in ns: the least of several looks, as a look can only be late."""
        looks = []
        for i in range(first, last):
            match = guest.wait_for(rf"tick {i} (\d+)\.", 30)
            assert match
            looks.append((time.monotonic_ns() - int(match[1]), int(match[1])))
        return min(looks)

    early, late = behind(20, 60), behind(200, 240)
    boot.finish(guest).expect(0).says(f"alarm by {alarm}")
    ppm = (late[0] - early[0]) / (late[1] - early[1]) * 1e6
    print(f"the clock drifts {ppm:.1f} ppm, alarm by {alarm}")
    if abs(ppm) >= 100:
        raise Late(f"{ppm:.1f} ppm: even the least of many looks may be late")
