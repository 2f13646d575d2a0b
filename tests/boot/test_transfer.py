# SPDX-License-Identifier: MIT
"""Files of every awkward size arrive equal, both ways, on every way to boot, and cost what they may cost."""
import re

import pytest

import capture
from conftest import FULL, GUEST_IP

SIZES = [0, 1, 1459, 1460, 1461, 65536, 1048583]
BIG = 64 << 20
TIMES = 3 if FULL else 1  # the same again is for what happens now and then; the bad wires (test_wire.py) are other each time


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("direction", ["send", "recv"])
def test_size(transfer, direction, machine, size):
    for _ in range(TIMES):
        transfer(direction, size, machine=machine, pcap=False)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("direction", ["send", "recv"])
def test_size_from_iso(transfer, direction, size):
    transfer(direction, size, iso=True, pcap=False)


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("direction", ["send", "recv"])
def test_64_mib(transfer, direction, machine):
    for _ in range(TIMES):
        moved = transfer(direction, BIG, machine=machine, pcap=False, timeout=120)
        print(f"{direction} {machine}: {moved.stream.seconds:.2f} s, {moved.stream.rate:.1f} MB/s")


@pytest.mark.slow
@pytest.mark.parametrize("direction,machine", [("send", "q35"), ("recv", "pc"), pytest.param("send", "pc", marks=pytest.mark.full)])
def test_64_mib_from_iso(transfer, direction, machine):
    """q35 reads the file from its CD by DMA; pc's BIOS does it word by word: a minute of QEMU's processor."""
    transfer(direction, BIG, iso=True, machine=machine, pcap=False, timeout=240)


def test_receiver_that_pauses(transfer):
    """The receiver stops reading for 2 s: the window closes, the sender probes and goes on."""
    moved = transfer("send", 8 << 20, pause=(1 << 20, 2.0), timeout=60)
    assert moved.run.seconds > 2


def test_settings_of_tcp_at_boot(transfer):
    """BBR, and probes that find the wire's MTU out: the stream arrives, in segments that have grown."""
    moved = transfer("send", 4 << 20, append=f"{GUEST_IP} net.ipv4.tcp_congestion_control=bbr net.ipv4.tcp_mtu_probing=2")
    assert moved.run.counters.snmp["TcpExt.TCPMTUPSuccess"] >= 1
    first = capture.shown(moved.run.pcap, "ip.src == 10.0.2.15 && tcp.seq == 1 && tcp.len == 1024")
    large = capture.shown(moved.run.pcap, "ip.src == 10.0.2.15 && tcp.len > 1450")
    assert first and large, (first, large[:3])


def test_one_copy_and_one_doorbell(transfer):
    """Every payload byte is copied once on its way out; TDT is written at most once for a segment."""
    moved = transfer("send", 4 << 20, append=GUEST_IP)
    counters = moved.run.counters
    assert counters.skb["copied_tx"] == moved.size
    assert counters.skb["copied_other"] == 0
    # A piece at the edge of the window, or a FIN that goes alone, is made private to be padded; nothing else is.
    short = capture.shown(moved.run.pcap, "ip.src == 10.0.2.15 && ip.len < 46 && (tcp.len > 0 || tcp.flags.fin == 1)")
    assert counters.skb["copied_pad"] < 60 * len(short) + 1, short
    assert 0 < counters.nic["tdt_writes"] <= counters.nic["tx_packets"]
    assert counters.repaired == 0
    print(f"doorbells per segment {counters.nic['tdt_writes'] / counters.segments:.3f}, "
          f"MMIO writes per segment {counters.nic['mmio_writes'] / counters.segments:.3f}")


def test_one_copy_in(transfer):
    """The same the other way: from the packet to the program's buffer, once."""
    moved = transfer("recv", 4 << 20, append=GUEST_IP)
    assert moved.run.counters.skb["copied_rx"] == moved.size


@pytest.mark.parametrize("direction", ["send", "recv"])
def test_nothing_is_left(transfer, direction):
    """What the guest counts at its end is zero, and while it ran its counters agreed with each other."""
    run = transfer(direction, 1 << 20).run
    match = re.search(r"leak check passed: (\d+) skbs, (\d+) DMA mappings, (\d+) timers, (\d+) files, (\d+) other", run.serial)
    assert match and set(match.groups()) == {"0"}
    skb = run.counters.skb
    assert skb["allocs"] + skb["clones"] - skb["frees"] in (skb["live"], skb["live"] + skb["clones"])
    assert skb["live"] <= run.counters.nic["rx_ring"] + 8 + 1, "only the card's receive buffers, with the eight spare ones"
