# SPDX-License-Identifier: MIT
"""A reproducible build: this tree's and one of a fresh copy, in a folder of another length and with one job, are the same, ELF and ISO.

The copy holds what git knows (all files outside a checkout), so that a file nobody added shows too, and an object that make
did not build anew. A tree that is as it was when it last passed is not built again.

Interface: check() -> list of complaints; difference(a, b) says where two files part.
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import build
from check_tidy import tracked
from settings import ROOT, Failure, Settings

COPY = ROOT / "build/repro/a_folder_with_a_longer_name/and/deeper"
OURS = Path("build/repro/send.iso")


def difference(a, b):
    """None when the files are equal, else where they part."""
    one, two = a.read_bytes(), b.read_bytes()
    if one == two:
        return None
    at = next((i for i, (x, y) in enumerate(zip(one, two)) if x != y), min(len(one), len(two)))
    return f"{a.name}: {len(one)} and {len(two)} bytes, different from byte {at} on: {one[at:at + 16]!r}, {two[at:at + 16]!r}"


def build_here():
    """(ELF, ISO) of this tree; the ISO is not the user's build/send.iso."""
    image = build.build_image(Settings())
    return ROOT / image, ROOT / build.build_iso(image, [], None, OURS)


def build_copy(place):
    """Copies the tree to @place and builds it there; what went wrong, or None."""
    shutil.rmtree(place, ignore_errors=True)
    for name in tracked():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "APP", "ARGS", "FILE")}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    for words in (["make", "-s", "-j1", "objects"], [sys.executable, "tools/doorbell.py", "iso"]):
        done = subprocess.run(words, cwd=place, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            return f"{' '.join(words)} in {place}:\n{done.stdout[-2000:]}"
    return None


def check():
    stamp = ROOT / "build/repro/stamp"
    tools = [subprocess.run([t, "--version"], text=True, capture_output=True, check=True).stdout for t in ("gcc", "ld", "nasm")]
    key = build.digest([*tools, *(p for n in tracked() if not n.startswith(("tests/", "docs/")) for p in (n, ROOT / n))])
    if not build.changed(stamp, key):
        print("nothing changed since it passed")
        return []
    bad = build_copy(COPY)
    if bad:
        return [bad]
    try:
        ours = build_here()
    except Failure as e:
        return [str(e)]
    bad = []
    for product, other in zip(ours, (COPY / "build/send.elf", COPY / "build/send.iso")):
        print(f"{product.name}: {build.digest([product])[:16]}")
        bad.append(difference(product, other))
    bad = [b for b in bad if b]
    if not bad:
        shutil.rmtree(ROOT / "build/repro" / COPY.relative_to(ROOT / "build/repro").parts[0])
        stamp.write_text(key)
    return bad
