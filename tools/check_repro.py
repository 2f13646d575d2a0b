# SPDX-License-Identifier: MIT
"""A reproducible build: built twice, in two folders of different length and with one job and two, ELF and ISO are the same.

The copies hold what git knows (all files outside a checkout), so that a file nobody added shows too. A tree that is as it
was when it last passed is not built again.

Interface: check() -> list of complaints; difference(a, b) says where two files part.
"""
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import build
from check_tidy import tracked
from settings import ROOT

PLACES = {"a": 1, "a_folder_with_a_longer_name/and/deeper": 2}  # below build/repro -> jobs
PRODUCTS = ("build/send.elf", "build/send.iso")


def difference(a, b):
    """None when the files are equal, else where they part."""
    one, two = a.read_bytes(), b.read_bytes()
    if one == two:
        return None
    at = next((i for i, (x, y) in enumerate(zip(one, two)) if x != y), min(len(one), len(two)))
    return f"{a.name}: {len(one)} and {len(two)} bytes, different from byte {at} on: {one[at:at + 16]!r}, {two[at:at + 16]!r}"


def build_in(place, jobs):
    """Copies the tree to @place and builds it there; what went wrong, or None."""
    shutil.rmtree(place, ignore_errors=True)
    for name in tracked():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "APP", "ARGS", "FILE")}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    for words in (["make", "-s", f"-j{jobs}", "objects"], [sys.executable, "tools/doorbell.py", "iso"]):
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
    places = [ROOT / "build/repro" / p for p in PLACES]
    with ThreadPoolExecutor(len(places)) as pool:
        bad = [b for b in pool.map(build_in, places, PLACES.values()) if b]
    if bad:
        return bad
    for name in PRODUCTS:
        print(f"{name}: {build.digest([places[0] / name])[:16]}")
        bad.append(difference(*(p / name for p in places)))
    bad = [b for b in bad if b]
    if not bad:
        for place in PLACES:
            shutil.rmtree(ROOT / "build/repro" / place.split("/", maxsplit=1)[0])
        stamp.write_text(key)
    return bad
