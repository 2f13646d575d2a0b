# SPDX-License-Identifier: MIT
"""The image itself: small, no segment both writable and executable, the same bytes wherever it is built."""
import hashlib
import os
import re
import shutil
import subprocess

import build
from conftest import ROOT, WORK
from settings import Settings

LOADABLE_MAX = 500_000
SOURCES = ["Makefile", "linker.ld", "boot", "kernel", "net", "drivers", "include", "apps", "tools"]


def segments(elf):
    text = subprocess.run(["readelf", "-lW", str(ROOT / elf)], text=True, capture_output=True, check=True).stdout
    return [(int(m[1], 16), m[2]) for m in re.finditer(
        r"^\s+LOAD\s+\S+\s+\S+\s+\S+\s+(0x[0-9a-f]+)\s+\S+\s+([RWE ]{3})\s", text, re.M)]


def test_size(image):
    loaded = sum(size for size, _ in segments(image("send")))
    print(f"loadable bytes {loaded}")
    assert 0 < loaded < LOADABLE_MAX


def test_no_segment_is_writable_and_executable(image):
    flags = [f for _, f in segments(image("send"))]
    assert flags
    assert not any("W" in f and "E" in f for f in flags)


def test_multiboot(image):
    assert subprocess.run(["grub-file", "--is-x86-multiboot", str(ROOT / image("send"))], check=False).returncode == 0


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_reproducible(image, tmp_path):
    """A copy of the tree in another directory gives the same ELF and the same ISO."""
    elf = image("send")
    iso = build.build_iso(elf, ["ip=dhcp"], None, WORK / "here.iso")
    other = tmp_path / "another place"
    other.mkdir()
    for name in SOURCES:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, other / name)
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")} | {"CMDLINE": "ip=dhcp"}
    done = subprocess.run(["make", "iso"], cwd=other, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sha(other / "build/send.elf") == sha(ROOT / elf)
    assert sha(other / "build/send.iso") == sha(ROOT / iso)


def test_no_machine_path_in_the_image(image):
    assert str(ROOT).encode() not in (ROOT / image("send")).read_bytes()


def test_both_compilers_boot(boot, noise):
    elf = build.build_image(Settings(cc="clang"))
    from peer import Receiver
    receiver = Receiver()
    boot(args=f"tcp:10.0.2.2:{receiver.port}", kernel=elf, module=noise(65536)).expect(0)
    assert receiver.finish().size == 65536
