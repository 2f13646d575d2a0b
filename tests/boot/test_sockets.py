# SPDX-License-Identifier: MIT
"""The socket calls in the machine: return codes held against Linux's, the smallest server, ping."""
import re
import socket
import subprocess
import urllib.request

import doorbell
import namespace
import pytest
from conftest import GUEST_IP, ROOT

# In a namespace of its own: the guest's address on lo (so that its subnet has a broadcast address), ping sockets for everybody.
ON_LINUX = 'ip link set lo up && ip addr add 10.0.2.15/24 brd + dev lo && echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range && exec "$1"'


def lines(text):
    """name=result lines as a dict."""
    return dict(line.split("=", 1) for line in text.splitlines() if re.fullmatch(r"\w+=[\w ]+", line))


def test_return_codes_are_those_of_linux(boot, tmp_path):
    """One program, every call: run here and on this machine's Linux, compared line by line."""
    if namespace.available():
        pytest.skip(namespace.available())
    program = tmp_path / "e1"
    subprocess.run(["gcc", "-O2", "-o", program, ROOT / "tests/apps/e1.c"], check=True)
    linux = lines(subprocess.run(["unshare", "-n", "sh", "-c", ON_LINUX, "sh", program], text=True, capture_output=True,
                                 check=True, timeout=60).stdout)
    assert linux.get("end") == "0" and len(linux) > 150
    run = boot(ROOT / "tests/apps/e1.c", append=GUEST_IP, pcap=False, stats=False).expect(0)
    ours = lines(run.serial)
    assert list(ours) == list(linux)
    assert {n: (ours[n], linux[n]) for n in linux if ours[n] != linux[n]} == {}


def test_the_smallest_server(boot):
    """socket, bind, listen, accept, read, send: curl and a plain connection get their answer."""
    port = doorbell.free_port()
    guest = boot("server", "80 2", append=GUEST_IP, wait=False, hostfwd=[f"tcp:{port}:80"])
    assert guest.wait_for("server: ready", 30)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
        assert answer.status == 200 and re.fullmatch(rb"You sent \d+ bytes\.\n", answer.read())
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        s.sendall(b"hello")
        text = b""
        while chunk := s.recv(1000):
            text += chunk
    assert text.startswith(b"HTTP/1.0 200 OK\r\n") and text.endswith(b"You sent 5 bytes.\n")
    boot.finish(guest).expect(0)


def test_ping(boot):
    """Three answers of the gateway, byte for byte what was asked."""
    run = boot("ping", "-c 3 -i 0.2 -s 1400 10.0.2.2", append=GUEST_IP).expect(0)
    run.says("3 packets transmitted, 3 received, 0% packet loss").says("1408 bytes from 10.0.2.2: icmp_seq=3 time=")
    assert "ping: the answer is not what was sent" not in run.serial


def test_ping_without_an_answer(boot):
    boot("ping", "-c 1 -W 0.5 10.0.2.77", append=GUEST_IP).expect(1).says("0 received, 100% packet loss")


def test_event_loop(boot):
    """epoll, edge-triggered, as ordinary programs use it: ten connections in one loop."""
    boot(ROOT / "tests/apps/events.c", append=GUEST_IP, pcap=False, stats=False).expect(0).says("0 failed")
