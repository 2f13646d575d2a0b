# SPDX-License-Identifier: MIT
"""The language and the library, looked at from outside: what a wrong script says, what a failing one shows, what the .so exports."""
import re
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

WRONG = {
    "no_such_call": ("open(s)", "neither a packet nor a call"),
    "no_such_flag": ("in SIN seq 0", "'SIN' is no flag"),
    "no_such_word": ("in SYN sequence 0", "unknown word 'sequence'"),
    "no_duration": ("+5 in SYN seq 0", "neither a packet"),
    "odd_duration": ("+5h in SYN seq 0", "no duration"),
    "no_such_option": ("in SYN seq 0 <moss 5>", "unknown option"),
    "no_such_socket": ("listen(s, 1)", "there is no socket 's'"),
    "no_such_setting": ("tune tcp_no_such 1", "ENOENT"),
    "arguments": ("socket()", "1 to 2 arguments, not 0"),
    "no_such_info": ("s = socket(tcp)\ninfo(s, warmth) -> 1", "has no 'warmth'"),
    "config_too_late": ("s = socket(tcp)\nmtu 1000", "neither a packet"),
    "no_such_flow": ("in b: SYN seq 0", "no flow 'b'"),
    "odd_sack": ("in ACK seq 0 <sack 5>", "a block is FROM:TO"),
    "half_a_timestamp": ("in ACK seq 0 <timestamp 5>", "unknown option"),
    "long_options": ("in SYN seq 0 <hex " + "01" * 44 + ">", "more than 40 bytes"),
}
SYN = "in SYN seq 0 <mss 1460>\n"
LISTEN = "l = socket(tcp)\nbind(l, :80)\nlisten(l, 1)\n"
FAILING = {
    "unexpected_packet": (LISTEN + SYN, ["expected no packet", "Seq=0 Ack=1"]),
    "missing_packet": (LISTEN + "out SYN,ACK seq 0", [":4: expected", "nothing till then"]),
    "too_early": (LISTEN + SYN + "+5ms out SYN,ACK seq 0 <any>", ["5 ms too early"]),
    "wrong_field": (LISTEN + SYN + "out SYN,ACK seq 0 ack 2 <any>", ["ack is 1, not 2"]),
    "wrong_options": (LISTEN + SYN + "out SYN,ACK seq 0 ack 1", ["options is <mss 1460>, not <>"]),
    "wrong_result": ("s = socket(udp)\nlisten(s, 1)", [":2: expected", "EOPNOTSUPP"]),
    "not_silent": (LISTEN + SYN + "out SYN,ACK seq 0 <any>\nnothing for 2s", ["expected nothing for", "1.000000 out"]),
    "last_packets": (LISTEN + SYN, ["the last packets of 2", "[SYN] Seq=0 Win=65535 Len=0 <mss 1460>", "this one alone"]),
}


def run_text(text):
    """What the runner's worker says about a script that is only text."""
    with tempfile.NamedTemporaryFile("w", suffix=".script", dir=HERE, prefix="selftest_") as f:
        f.write(text)
        f.flush()
        name = Path(f.name).stem
        words = [HERE / "run", "--worker", "build/host/libdoorbell.so", name]
        done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout, name


def says(text, wanted):
    output, name = run_text(text)
    wanted = [*wanted, f"{name}.script", f"not ok {name}"]
    return [f"'{w}' is not in: {output}" for w in wanted if w not in output]


def exports():
    """Exactly the functions that ks.h declares."""
    declared = set(re.findall(r"\b(ks_\w+)\(", (ROOT / "tests/host/ks.h").read_text().partition("visibility push")[2]))
    wrong = []
    for library in ("build/host/libdoorbell.so", "build/host/asan/libdoorbell.so"):
        done = subprocess.run(["nm", "-D", "--defined-only", ROOT / library], text=True, stdout=subprocess.PIPE, check=True)
        shown = {line.split()[-1] for line in done.stdout.splitlines()}
        wrong += [f"{library}: {sorted(shown ^ declared)} exported or declared, not both"] if shown != declared else []
    return wrong + ([] if len(declared) == 20 else [f"{len(declared)} functions"])


def capture():
    """--pcap saves what was sent, and twice the same bytes."""
    files = []
    for _ in range(2):
        with tempfile.NamedTemporaryFile(suffix=".pcap") as f:
            done = subprocess.run([HERE / "run", "--pcap", f.name, "tcp/open/passive"], stdout=subprocess.DEVNULL, check=False)
            files.append(Path(f.name).read_bytes())
    wrong = [] if done.returncode == 0 and len(files[0]) > 24 + 3 * 56 else ["no capture"]
    return wrong + (["two runs differ"] if files[0] != files[1] else [])


def readme():
    """The example in README.md is a script that passes."""
    text = (HERE / "README.md").read_text().split("```")[1]
    output, name = run_text(text)
    return [] if f"ok {name}" in output.splitlines() else [output]


TESTS = {"library/exports": exports, "language/pcap": capture, "language/readme": readme}
TESTS |= {f"language/wrong/{n}": lambda t=t, w=w: says(t, [w]) for n, (t, w) in WRONG.items()}
TESTS |= {f"language/fails/{n}": lambda t=t, w=w: says(t, w) for n, (t, w) in FAILING.items()}
