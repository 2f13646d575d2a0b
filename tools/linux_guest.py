# SPDX-License-Identifier: MIT
"""The Linux guest that we are compared with: Debian's own kernel, its e1000 module, and one of our applications.

Interface: prepare() -> Path of the kernel, fetched once into build/linux (69 MB of Debian package, nothing is installed);
machine(app, words, ...) -> a Machine that boots it, brings eth0 up and runs the application, built static with musl.
"""
import os
import shutil
import subprocess

import build
from qemu import Machine
from settings import ROOT, Failure

PLACE = ROOT / "build" / "linux"
MEMORY = 256  # MiB: Debian's kernel does not start with much less
MODULE = "kernel/drivers/net/ethernet/intel/e1000/e1000.ko"


def call(words, what, **how):
    done = subprocess.run([str(w) for w in words], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **how)
    if done.returncode:
        raise Failure(f"{what}:\n{done.stdout.strip()[-2000:]}")
    return done.stdout


def fetch():
    """The package that linux-image-amd64 stands for, downloaded and unpacked, not installed."""
    text = call(["apt-cache", "depends", "linux-image-amd64"], "Debian's kernel package is not known here (apt-get update?)")
    names = [line.split()[-1] for line in text.splitlines() if "Depends: linux-image-" in line]
    if not names:
        raise Failure("linux-image-amd64 depends on no kernel: apt-get update?")
    PLACE.mkdir(parents=True, exist_ok=True)
    call(["apt-get", "-qq", "download", names[0]], f"{names[0]} cannot be downloaded", cwd=PLACE)
    package = next(PLACE.glob("linux-image-*.deb"))
    call(["dpkg-deb", "-x", package, PLACE / "package"], "the kernel package cannot be unpacked")
    kernel = next((PLACE / "package" / "boot").glob("vmlinuz-*"))
    module = next((PLACE / "package" / "lib" / "modules").glob(f"*/{MODULE}"))
    shutil.copy(module, PLACE / "e1000.ko")
    shutil.copy(kernel, PLACE / "vmlinuz")  # last: it says that all is there
    (PLACE / "version").write_text(kernel.name.removeprefix("vmlinuz-") + "\n")
    shutil.rmtree(PLACE / "package")
    package.unlink()


def prepare():
    if not (PLACE / "vmlinuz").exists():
        fetch()
    return PLACE / "vmlinuz"


def version():
    return (PLACE / "version").read_text().strip()


def cpio_entry(name, data, mode, number):
    """One member of an initramfs (newc format)."""
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def initramfs(app):
    """build/linux/APP.cpio: our init, the module and the application."""
    flags = ["musl-gcc", "-static", "-O2", "-s", "-Wall"]
    include = ["-idirafter", "/usr/include/x86_64-linux-gnu", "-idirafter", "/usr/include"]  # musl has no <linux/...>
    call([*flags, *include, "-o", PLACE / "init", ROOT / "tools" / "linux" / "init.c"], "init cannot be built")
    _, sources = build.app_sources(app)
    call([*flags, *include, "-o", PLACE / app, *sources], f"{app} cannot be built for Linux")
    regular, folder = 0o100755, 0o040755
    members = [(n, b"", folder) for n in ("proc", "sys", "dev")]
    members += [("init", (PLACE / "init").read_bytes(), regular), (app, (PLACE / app).read_bytes(), regular),
                ("e1000.ko", (PLACE / "e1000.ko").read_bytes(), 0o100644)]
    out = b"".join(cpio_entry(n, d, m, i + 1) for i, (n, d, m) in enumerate(members))
    path = PLACE / f"{app}.cpio"
    path.write_bytes(out + cpio_entry("TRAILER!!!", b"", 0, 0))
    return path


def machine(app, words, address="10.0.2.15/24", gateway="10.0.2.2", **how):
    """Boots Linux, which runs @app with @words and switches itself off."""
    kernel = prepare()
    append = f"console=ttyS0 quiet panic=-1 no_timer_check addr={address} gw={gateway} -- {app} {' '.join(words)}"
    return Machine(kernel=kernel, append=append, mem=MEMORY, extra=["-initrd", os.fspath(initramfs(app))], **how)
