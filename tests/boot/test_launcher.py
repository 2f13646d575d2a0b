# SPDX-License-Identifier: MIT
"""The launcher's own promises: statuses, file names, refusals, the summary."""
import os
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from qemu import Machine, judge
from pages import Counters, leak_check
from settings import Failure, Settings


def launch(target, **variables):
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return subprocess.run([sys.executable, "tools/doorbell.py", target], cwd=ROOT, text=True, capture_output=True,
                          check=False, timeout=600, env=env | {k: str(v) for k, v in variables.items()})


@pytest.mark.parametrize("code,serial,status", [
    (1, "hello\nexit: 0\n", 0),
    (85, "exit: 42\n", 42),
    (137, "exit: 68\r\n", 68),
    (1, "hello\n", 125),  # QEMU's own failure ends with 1 too
    (1, "exit: 0\nmore\n", 125),
    (3, "exit: 0\n", 125),
    (0, "exit: 0\n", 125),  # a reset or a power-off
    (-9, "exit: 0\n", 125),
    (-11, "", 125),
])
def test_judge(code, serial, status):
    got, why = judge(code, serial)
    assert got == status
    assert bool(why) == (status == 125)


def test_judge_time_limit():
    assert judge(-9, "exit: 0\n", timed_out=3)[0] == 124


def test_counters():
    counters = Counters("== /proc/net/snmp\nTcp: OutSegs RetransSegs\nTcp: 12 3\n"
                        "== /proc/net/netstat\nTcpExt: TCPLossProbes\nTcpExt: 2\n"
                        "== /proc/net/nic\nNIC statistics:\n     tx_packets: 7\n"
                        "== /proc/net/skb\ncopied_bytes 100\n== /proc/interrupts\n           CPU0\n"
                        " 11:         99   XT-PIC  eth0\n"
                        "== /proc/softirqs\n                    CPU0\n      NET_TX:          4\n[    1.0] end\nexit: 0\n")
    assert (counters.segments, counters.retransmitted, counters.probes, counters.repaired) == (12, 3, 2, 1)
    assert counters.nic == {"tx_packets": 7}
    assert counters.skb == {"copied_bytes": 100}
    assert counters.nic_interrupts == 99
    assert counters.softirqs == {"NET_TX": 4}


@pytest.mark.parametrize("variables", [{"NIC": "ne2000"}, {"NET": "wifi"}, {"MEM": "much"}, {"MEM": "0"},
                                       {"HOSTFWD": "80"}, {"ACCEL": "hvf"}, {"TIMEOUT": "-1"}, {"RECORD": "a,b"},
                                       {"SEEDS": "x"}, {"SEEDS": "-3"}, {"SEEDS": "0"}, {"SEED": "abc"}, {"SEED": "-1"},
                                       {"SECONDS": "x"}, {"SECONDS": "0"}])
def test_bad_variable(variables):
    with pytest.raises(Failure) as caught:
        Settings.from_environment(variables)
    assert next(iter(variables)) in str(caught.value)


def test_kvm_only_when_asked():
    assert Machine().command()[1:3] == ["-accel", "tcg"]
    assert Settings.from_environment({}).accel == "tcg"


@pytest.mark.parametrize("name", ["plain", "two words", "a,b,c", "-dash", "quote'\"$HOME;#", "ümlaut"])
def test_any_file_name(tmp_path, name):
    (tmp_path / name).write_bytes(name.encode() * 100)
    done = launch("run", FILE=tmp_path / name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arrived, equal" in done.stdout


def test_file_name_through_make(tmp_path):
    (tmp_path / "a $b, 'c'").write_bytes(b"x" * 5000)
    done = subprocess.run(["make", "run", f"FILE={tmp_path}/a $b, 'c'"], cwd=ROOT, text=True, capture_output=True,
                          check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("arrived, equal", "MB/s", "retransmitted ", "interrupts", "NET_RX", "NET_TX", "copies per byte",
                 "MMIO writes per segment", "0 other objects live", "build/run.pcap"):
        assert word in done.stdout
    assert "not reported" not in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("qemu-system-x86_64 ")]
    assert len(lines) == 1


def test_file_too_large(tmp_path):
    with open(tmp_path / "huge", "wb") as f:
        f.truncate((2 << 30) + 1)
    done = launch("run", FILE=tmp_path / "huge")
    assert done.returncode == 2
    assert "at most 2 GiB" in done.stdout


@pytest.mark.full
def test_two_gib(tmp_path):
    if shutil.disk_usage(tmp_path).free < 4 << 30:
        pytest.skip("no room for 2 GiB")
    with open(tmp_path / "largest", "wb") as f:
        f.truncate(2 << 30)
    done = launch("run", FILE=tmp_path / "largest", PCAP="", TIMEOUT=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


@pytest.mark.skipif(not shutil.which("setpriv") or os.geteuid() != 0, reason="needs root, to become somebody else")
def test_unreadable_file(tmp_path):
    """In words, not in a Python backtrace."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"x")
    secret.chmod(0)
    code = ("import sys; sys.path.insert(0, 'tools'); import doorbell, settings\n"
            "try: doorbell.user_file(settings.Settings(file=sys.argv[1]))\n"
            "except settings.Failure as f: print(f)")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and str(folder).count("/") > 1:
            folder.chmod(0o755)
    got = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", code, secret], cwd=ROOT,
                         text=True, capture_output=True, check=False, timeout=120)
    assert "you may not read it" in got.stdout, got.stderr


def test_capture_nowhere(tmp_path):
    run = launch("run", PCAP=tmp_path / "missing" / "x.pcap")
    assert run.returncode == 2
    assert "there is no folder" in run.stderr + run.stdout


def test_fault_help():
    """Nothing was to be sent: no verdict about it, no wait for a sender, the guest's own status."""
    run = launch("run", CMDLINE="fault=help")
    assert run.returncode == 0
    assert "txstall" in run.stdout and "NOT equal" not in run.stdout


def test_quiet_guest():
    """A loglevel that hides the leak check's line does not make the summary doubt it."""
    run = launch("run", CMDLINE="loglevel=3")
    assert run.returncode == 0
    assert "not reached" not in run.stdout
    assert leak_check("== /proc/net/skb\nallocated 1\nexit: 0\n").startswith("passed")
    assert leak_check("== /proc/net/skb\nallocated 1\nexit: 67\n") == "not reached"
    assert leak_check("hello\n") == "not reached"


def test_no_such_file():
    done = launch("run", FILE="nowhere.bin")
    assert done.returncode == 2
    assert "no such file" in done.stdout


def test_recv():
    done = launch("run", APP="recv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arrived, equal" in done.stdout


def test_status_of_the_guest():
    assert launch("run", ARGS="tcp:10.0.2.2:9", CMDLINE="ip=1.2.3").returncode == 70
    assert launch("run", NIC="e1000e").returncode == 68


def test_time_limit(tmp_path):
    (tmp_path / "long.c").write_text("#include <unistd.h>\nint main(void) { for (;;) sleep(1); }\n")
    done = launch("run", APP=tmp_path / "long.c", TIMEOUT=3)
    assert done.returncode == 124
    assert "time limit" in done.stdout


def test_no_capture():
    path = ROOT / "build/run.pcap"
    path.unlink(missing_ok=True)
    assert launch("run", PCAP="").returncode == 0
    assert not path.exists()


@pytest.mark.parametrize("target", ["bench"])
def test_later(target):
    done = launch(target)
    assert done.returncode == 2
    assert "later version" in done.stdout


def test_unknown_application():
    done = launch("build", APP="nothing")
    assert done.returncode == 2
    assert "send" in done.stdout


def test_record_and_replay():
    """RECORD= keeps a run; REPLAY= repeats it without anybody at the other end."""
    first = launch("run", RECORD="build/test/launcher.rr", PCAP="")
    assert first.returncode == 0, first.stdout[-2000:] + first.stderr
    again = launch("run", REPLAY="build/test/launcher.rr")
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr
    said = first.stdout[first.stdout.index("[    0."):first.stdout.index("exit: 0\n")]
    assert said in again.stdout


def test_replay_of_nothing():
    done = launch("run", REPLAY="build/test/no.rr")
    assert done.returncode == 2
    assert "no recording there" in done.stdout


def test_record_into_no_folder():
    done = launch("run", RECORD="build/no/such/folder/x.rr")
    assert done.returncode == 2
    assert "there is no folder" in done.stdout


def test_simulator_refuses_no_seeds():
    """A run of nothing is not a run that found nothing."""
    done = launch("sim", SEEDS="-3")
    assert done.returncode == 2
    assert "SEEDS=-3: must lie in" in done.stdout


@pytest.mark.parametrize("words", [["tests/torture/run", "nosuch"], ["tests/breakages.py", "nosuch"], ["tests/mutate.py", "many"]])
def test_programs_refuse_in_words(words):
    done = subprocess.run([sys.executable, *words], cwd=ROOT, text=True, capture_output=True, check=False, timeout=600)
    assert done.returncode == 2
    assert words[1] in done.stdout and "Traceback" not in done.stderr
