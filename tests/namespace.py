# SPDX-License-Identifier: MIT
"""Network namespaces with one TAP interface: the place where Linux is the guest's peer and nobody else is heard.

A namespace belongs to a thread: what is to live in it (sockets, servers, QEMU) is started on that thread.

Interface: available() says why not; enter(), open_tap(), add_tap() for threads that do their own work; Namespace, a thread
that does other people's: .net (for Machine.net), .call(function), .close().
"""
import ctypes
import fcntl
import os
import queue
import struct
import subprocess
import threading

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 2, 0x1000
ADDRESS = "10.0.2.2"


def available():
    """None, or why there can be no TAP here."""
    if os.geteuid() != 0:
        return "needs root for a network namespace"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun"
    return None


def enter():
    """The calling thread gets a namespace of its own, with a loopback that works."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "no network namespace")
    ip("link", "set", "lo", "up")


def ip(*words):
    done = subprocess.run(["ip", *words], text=True, capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def bring_up(name):
    ip("addr", "add", f"{ADDRESS}/24", "dev", name)
    ip("link", "set", name, "up")


def open_tap(name):
    """A TAP whose frames are ours: its descriptor."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    bring_up(name)
    return tap


def add_tap(name):
    """A TAP for QEMU to open."""
    ip("tuntap", "add", "dev", name, "mode", "tap")
    bring_up(name)


class Namespace(threading.Thread):
    """A namespace with a TAP that QEMU opens itself. Runs until close()."""

    TAP = "tap0"

    def __init__(self):
        super().__init__(daemon=True)
        self.net = f"tap:{self.TAP}"
        self.calls = queue.Queue()
        self.start()
        self.call(self.set_up)

    def set_up(self):
        enter()
        add_tap(self.TAP)

    def run(self):
        while call := self.calls.get():
            function, done = call
            try:
                done.put((function(), None))
            except Exception as e:  # whatever it is, it is the caller's
                done.put((None, e))

    def call(self, function):
        """Runs @function in the namespace and gives its result."""
        done = queue.Queue()
        self.calls.put((function, done))
        result, error = done.get(timeout=600)
        if error:
            raise error
        return result

    def close(self):
        self.calls.put(None)
        self.join(5)
