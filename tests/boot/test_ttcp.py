# SPDX-License-Identifier: MIT
"""apps/ttcp.c: the same meter on this machine's Linux and in the guest, each the other's peer."""
import json
import re
import subprocess
import threading

import pytest

import capture
import doorbell
from conftest import ROOT

MARKERS = (bytes.fromhex("0f1f800100504d"), bytes.fromhex("0f1f800200504d"))


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    out = tmp_path_factory.mktemp("ttcp") / "ttcp"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(out), str(ROOT / "apps" / "ttcp.c")], check=True)
    return str(out)


def result(text):
    return json.loads(re.search(r'^\{"test".*\}$', text.replace("\r", ""), re.M)[0])


def listening(meter, *words):
    """A meter that waits on a free port of this machine."""
    port = doorbell.free_port()
    words = [str(port) if w == "PORT" else w for w in words]
    process = subprocess.Popen([meter, *words], text=True, stdout=subprocess.PIPE)
    assert "listening" in process.stdout.readline()
    return port, process


def ended(process):
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return result(text)


@pytest.mark.parametrize("connections", ["1", "3"])
def test_tcp_on_linux(meter, connections):
    port, sink = listening(meter, "--connections", connections, "tcp-recv", "PORT")
    done = subprocess.run([meter, "--connections", connections, "--zerocopy", "tcp-send", "127.0.0.1", str(port), "3000001", "4096"],
                          text=True, capture_output=True, check=False, timeout=120)
    sent, got = result(done.stdout), ended(sink)
    assert done.returncode == 0 and sent["bytes"] == got["bytes"] == 3000001
    assert sent["connections"] == got["connections"] == int(connections)
    assert sent["ops"] >= 3000001 // 4096


def test_udp_on_linux(meter):
    port, sink = listening(meter, "udp-recv", "PORT")
    done = subprocess.run([meter, "udp-send", "127.0.0.1", str(port), "100", "20"], text=True, capture_output=True, check=False, timeout=120)
    sent, got = result(done.stdout), ended(sink)
    assert sent["ops"] == got["ops"] == 20 and sent["bytes"] == got["bytes"] == 2000


@pytest.mark.parametrize("words", [
    "", "fly 1", "tcp-send 10.0.2.2", "tcp-send 10.0.2.2 80 x 1", "tcp-send 10.0.2.2 80 1 0", "tcp-send 10.0.2.2 99999 1 1",
    "tcp-send nowhere 80 1 1", "tcp-recv 0", "udp-send 10.0.2.2 9 65508 1", "udp-send 10.0.2.2 9 1 -1", "udp-recv 1x",
    "ping-pong 10.0.2.2 7 0", "raw-send 59 1 1", "raw-send 60 1 257", "--connections 0 tcp-recv 80", "--connections",
    "--proc", "--speed tcp-recv 80", "tcp-recv 80 81"])
def test_usage(meter, words):
    done = subprocess.run([meter, *words.split()], text=True, capture_output=True, check=False, timeout=60)
    assert done.returncode == 2 and "usage: ttcp" in done.stderr and not done.stdout


def test_refused(meter):
    done = subprocess.run([meter, "tcp-send", "127.0.0.1", str(doorbell.free_port()), "1", "1"], text=True, capture_output=True,
                          check=False, timeout=60)
    assert done.returncode == 4 and "refused" in done.stderr


def test_markers(image):
    """An instruction tracer finds the measured phase in the guest's image."""
    code = (ROOT / image("ttcp")).read_bytes()
    assert all(marker in code for marker in MARKERS)


def test_guest_sends(boot, meter):
    """TCP out of the guest, with the counter pages of the measured phase around it."""
    port, sink = listening(meter, "--connections", "2", "tcp-recv", "PORT")
    run = boot("ttcp", f"--connections 2 --proc /proc/softirqs --proc /nowhere tcp-send 10.0.2.2 {port} 3000001 8192").expect(0)
    sent, got = result(run.serial), ended(sink)
    assert sent["bytes"] == got["bytes"] == 3000001 and sent["retrans"] <= run.counters.repeats
    before, after = (int(n) for n in re.findall(r"NET_RX: +(\d+)", run.serial.partition('{"test"')[0]))
    assert after > before
    assert "cannot open /nowhere" in run.serial


def test_guest_sends_64_kib_writes_that_the_card_cuts(boot, meter):
    """tso=on: each byte copied once, many segments a packet, what leaves is whole frames with right sums, nothing twice."""
    port, sink = listening(meter, "tcp-recv", "PORT")
    size = (4 << 20) + 1
    run = boot("ttcp", f"tcp-send 10.0.2.2 {port} {size} 65536", append="csum=on tso=on").expect(0)
    sent, got = result(run.serial), ended(sink)
    assert sent["bytes"] == got["bytes"] == size and sent["ops"] == 65
    skb, nic = run.counters.skb, run.counters.nic
    assert skb["copied_tx"] == size and skb["copied_other"] == 0
    assert sent["retrans"] <= run.counters.repeats and run.counters.repaired == 0
    found = [f for f in capture.frames(run.pcap) if f.from_guest]
    assert all(len(f.data) <= 1514 for f in found)
    text = [f for f in found if f.is_tcp and f.payload]
    assert size <= sum(f.payload for f in text) <= size + 1460 * run.counters.repeats
    assert nic["tx_tso_packets"] > 0 and nic["tx_tso_segs"] > 5 * nic["tx_tso_packets"]
    assert nic["tx_tso_segs"] <= len(text) and nic["tx_tso_segs"] > len(text) / 2, "most of the text went in large packets"
    # The emulated card sends an empty segment more when the payload is a multiple of the MSS.
    bad = capture.bad_frames(run.pcap, offload=True, repeats=run.counters.repeats)
    assert [line for line in bad if not ("Dup ACK" in line and line.endswith("Len=0"))] == []


def test_guest_echoes_time(boot):
    """Round trips to an echo on this machine."""
    import socket
    listener = socket.create_server(("127.0.0.1", 0))

    def echo():
        peer, _ = listener.accept()
        with peer:
            while data := peer.recv(100):
                peer.sendall(data)

    thread = threading.Thread(target=echo, daemon=True)
    thread.start()
    run = boot("ttcp", f"ping-pong 10.0.2.2 {listener.getsockname()[1]} 50").expect(0)
    thread.join(10)
    listener.close()
    got = result(run.serial)
    assert got["ops"] == 50 and 0 < got["min_us"] <= got["p50_us"] <= got["p99_us"] <= got["max_us"]


def test_guest_sends_datagrams(boot, meter):
    port, sink = listening(meter, "udp-recv", "PORT")
    run = boot("ttcp", f"udp-send 10.0.2.2 {port} 1400 50").expect(0)
    sent, got = result(run.serial), ended(sink)
    assert sent["ops"] == 50 and sent["refused"] == 0
    assert got["ops"] == 50 and got["bytes"] == 50 * 1400
