# SPDX-License-Identifier: MIT
"""What Doorbell needs of a Debian 12 machine, and how it gets there.

Interface: deps() installs what is missing, deps(TO_RUN) only what `make run` needs; doctor() lists it.
"""
import importlib
import importlib.util
import os
import shutil
import subprocess
import time

from settings import Failure

# package: how to see that it is there. A name is looked up in PATH, a path on the disk, "py:x" is a module of python3.
TO_RUN = {
    "gcc": ["gcc", "ld", "nm", "objcopy"],
    "libc6-dev": ["/usr/include/stdio.h"],
    "make": ["make"],
    "nasm": ["nasm"],
    "musl-tools": ["musl-gcc"],
    "musl-dev": ["/usr/lib/x86_64-linux-musl/libc.a"],
    "qemu-system-x86": ["qemu-system-x86_64"],
    "grub-common": ["grub-mkimage", "grub-file"],
    "grub-pc-bin": ["/usr/lib/grub/i386-pc/boot_hybrid.img"],
    "xorriso": ["xorriso"],
}
TO_TEST = {
    "clang": ["clang"],
    "gdb": ["gdb"],
    "tshark": ["tshark"],
    "clang-format": ["clang-format"],
    "clang-tidy": ["clang-tidy"],
    "cppcheck": ["cppcheck"],
    "python3-pytest": ["py:pytest"],
    "python3-scapy": ["py:scapy"],
    "iproute2": ["ip"],
    "libclang-rt-14-dev": ["/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a"],
    "gcovr": ["gcovr"],
    "sparse": ["sparse"],
}
EVERYTHING = TO_RUN | TO_TEST
APT = ["apt-get", "-o", "Acquire::Retries=3", "-qq"]


def there(need):
    if need.startswith("py:"):
        importlib.invalidate_caches()
        return importlib.util.find_spec(need[3:]) is not None
    return os.path.exists(need) if need.startswith("/") else shutil.which(need) is not None


def missing(packages):
    """{package: what of it is not there}"""
    lack = {p: [n for n in needs if not there(n)] for p, needs in packages.items()}
    return {p: needs for p, needs in lack.items() if needs}


def apt_line(packages):
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {' '.join(packages)}"


def apt(words):
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    if os.geteuid():
        if not shutil.which("sudo"):
            return False
        words = ["sudo", "DEBIAN_FRONTEND=noninteractive", *words]
    for wait in (0, 3, 10):
        time.sleep(wait)
        if subprocess.run(words, env=env, stdout=subprocess.DEVNULL, check=False).returncode == 0:
            return True
    return False


def deps(packages=None):
    """Installs what is missing of @packages (everything); silent and quick when nothing is."""
    packages = packages or EVERYTHING
    lack = missing(packages)
    if not lack:
        return 0
    print(f"installing: {' '.join(lack)}", flush=True)
    # A mirror can be away while the packages lie in the cache: an update that fails is not yet the end.
    apt([*APT, "update"])
    apt([*APT, "install", "-y", "--no-install-recommends", *lack])
    lack = missing(packages)
    if lack:
        raise Failure(f"still missing: {', '.join(lack)}. By hand: {apt_line(lack)}", status=1)
    return 0


def doctor():
    """Names each missing tool and the command that gets it."""
    lack = missing(EVERYTHING)
    for package in EVERYTHING:
        state = "missing: " + ", ".join(lack[package]) if package in lack else "ok"
        print(f"  {package:<20}{state}")
    if lack:
        print(f"to get what is missing:\n  {apt_line(lack)}")
        return 1
    print("everything is there")
    return 0
