# SPDX-License-Identifier: MIT
"""What docs/CLAIMS.md says of the transmit path, as far as counts show it; `make claims` measures the same, beside Linux."""
import subprocess

import pytest

import claims
import doorbell
from conftest import ROOT


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    out = tmp_path_factory.mktemp("claims") / "ttcp"
    subprocess.run(["gcc", "-O2", "-o", str(out), str(ROOT / "apps" / "ttcp.c")], check=True)
    return str(out)


@pytest.fixture
def load(boot, meter):
    """One load from the guest to a receiver here: what its measured phase changed."""
    def run(words, cmdline=""):
        kind, *rest = words.split()
        port = doorbell.free_port()
        sink = subprocess.Popen([meter, kind.split("-")[0] + "-recv", str(port)], text=True, stdout=subprocess.PIPE)
        assert "listening" in sink.stdout.readline()
        pages = " ".join(claims.proc_words(claims.PAGES + claims.OURS))
        guest = boot("ttcp", f"{pages} {kind} {claims.HOST} {port} {' '.join(rest)}", append=f"txirq=always {cmdline}", pcap=False)
        sink.communicate(timeout=120)
        return claims.numbers(guest.expect(0).serial, True)

    return run


def test_net_rx_is_far_above_net_tx(load):
    """Completions and ACKs raise NET_RX; the sender's own context and the ACKs' softirq do the sending."""
    for words in ("tcp-send 4000000 65536", "udp-send 1400 3000"):
        n = load(words)
        assert n["interrupts"] > 0 and n["NET_RX"] > 0
        assert n["NET_RX"] >= 10 * n["NET_TX"], words
        assert n["skb"]["copied_tx"] == n["result"]["bytes"] and n["skb"]["copied_other"] == 0, "one copy of the payload, the clone none"


@pytest.mark.parametrize("lever", ["fault=ringfull,every=20,ms=5", "qdisc=tbf,rate=20mbit,burst=32kb,limit=1mb"])
def test_a_queue_that_cannot_be_emptied_is_net_tx_work(load, lever):
    """What the sender may not send now is sent by NET_TX."""
    n = load("udp-send 1400 300", lever)
    assert n["NET_TX"] > 0
    assert n["frames"] >= 300


def test_a_datagram_is_its_callers(load):
    """Most of the cycles of sending datagrams are spent in the caller's context."""
    n = load("udp-send 1400 3000")
    assert n["caller"] > 0.5
    assert n["caller"] + n["softirq"] + n["hardirq"] == pytest.approx(1)
