# SPDX-License-Identifier: MIT
"""A bad wire between the guest and QEMU's user network: drops, doubles, delays and corrupts frames by seed.

Four filter-redirectors take every frame out of QEMU and put it back. The decision about a frame depends only on the
seed, the direction and the frame's index: each frame takes the same number of draws, whatever befalls it.

QEMU walks the filters of a netdev in order towards the guest and in reverse from it, so that the way in has to be
declared before the way out in the one direction and behind it in the other; otherwise frames circle for ever.

Interface: Relay(profile, seed): .arguments (for Machine.extra), .stats, .close(). Profile: chances in 0..1.
"""
import random
import selectors
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

REORDER_FRAMES = 2  # a reordered frame comes behind so many later ones,
REORDER_SECONDS = 0.02  # or after this time when no later ones come
IPV4 = b"\x08\x00"


@dataclass(frozen=True)
class Profile:
    """Chances for one frame; dup, reorder and corrupt befall IPv4 frames only."""

    drop: float = 0.0
    dup: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0


class Direction:
    """Frames one way: bytes from QEMU in, decisions, bytes to QEMU out."""

    def __init__(self, name, profile, seed):
        self.name = name
        self.profile = profile
        self.rng = random.Random(f"{seed}/{name}")
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.held = []  # [frames still to pass, latest time, frame]
        self.stats = dict(frames=0, drop=0, dup=0, reorder=0, corrupt=0)

    def feed(self, data):
        self.inbox += data
        while len(self.inbox) >= 4:
            end = 4 + int.from_bytes(self.inbox[:4], "big")
            if len(self.inbox) < end:
                return
            self.frame(bytes(self.inbox[4:end]))
            del self.inbox[:end]

    def frame(self, frame):
        drop, dup, reorder, corrupt, where = (self.rng.random() for _ in range(5))
        self.stats["frames"] += 1
        ipv4 = frame[12:14] == IPV4
        for entry in self.held:
            entry[0] -= 1
        if drop < self.profile.drop:
            self.stats["drop"] += 1
        else:
            if ipv4 and corrupt < self.profile.corrupt:
                self.stats["corrupt"] += 1
                frame = flip_bit(frame, where)
            if ipv4 and dup < self.profile.dup:
                self.stats["dup"] += 1
                self.put(frame)
            if ipv4 and reorder < self.profile.reorder:
                self.stats["reorder"] += 1
                self.held.append([REORDER_FRAMES, time.monotonic() + REORDER_SECONDS, frame])
            else:
                self.put(frame)
        self.release()

    def release(self):
        now = time.monotonic()
        for entry in [e for e in self.held if e[0] <= 0 or e[1] <= now]:
            self.held.remove(entry)
            self.put(entry[2])

    def put(self, frame):
        self.outbox += len(frame).to_bytes(4, "big") + frame


def flip_bit(frame, where):
    """One bit behind the Ethernet header and inside the IPv4 packet."""
    length = max(20, min(int.from_bytes(frame[16:18], "big"), len(frame) - 14))
    bit = int(where * length * 8)
    changed = bytearray(frame)
    changed[14 + bit // 8] ^= 1 << bit % 8
    return bytes(changed)


class Relay(threading.Thread):
    """Runs until close(). It never waits to write: QEMU blocks on its own side while we hold its frames."""

    def __init__(self, profile, seed):
        super().__init__(daemon=True)
        self.folder = Path(tempfile.mkdtemp(prefix="doorbell-"))
        self.ways = {"guest": Direction("guest", profile, seed), "host": Direction("host", profile, seed)}
        self.listeners = {}
        for way in self.ways:
            for end in ("in", "out"):
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(str(self.folder / f"{way}-{end}"))
                listener.listen(1)
                self.listeners[way, end] = listener
        self.stopping = False
        self.start()

    @property
    def arguments(self):
        words = []
        for way in self.ways:
            for end in ("in", "out"):
                words += ["-chardev", f"socket,id={way}-{end},path={self.folder}/{way}-{end}"]
        for way, queue, order in (("guest", "rx", ("in", "out")), ("host", "tx", ("out", "in"))):
            for end in order:
                words += ["-object", f"filter-redirector,id=f-{way}-{end},netdev=n0,queue={queue},{end}dev={way}-{end}"]
        return words

    @property
    def stats(self):
        return {name: way.stats for name, way in self.ways.items()}

    def run(self):
        conns = {}
        for key, listener in self.listeners.items():
            listener.settimeout(0.2)
            while not self.stopping and key not in conns:
                try:
                    conns[key] = listener.accept()[0]
                except TimeoutError:
                    pass
        try:
            self.shovel(conns)
        except OSError:
            pass  # QEMU has ended
        for conn in conns.values():
            conn.close()

    def shovel(self, conns):
        selector = selectors.DefaultSelector()
        for (way, end), conn in conns.items():
            conn.setblocking(False)
            if end == "out":
                selector.register(conn, selectors.EVENT_READ, self.ways[way])
        while not self.stopping:
            for key, _ in selector.select(0.005):
                data = key.fileobj.recv(1 << 18)
                if not data:
                    return
                key.data.feed(data)
            for name, way in self.ways.items():
                way.release()
                if way.outbox:
                    try:
                        sent = conns[name, "in"].send(way.outbox)
                        del way.outbox[:sent]
                    except BlockingIOError:
                        time.sleep(0.0005)

    def close(self):
        self.stopping = True
        self.join(5)
        for listener in self.listeners.values():
            listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __str__(self):
        return f"relay {asdict(self.ways['guest'].profile)}: {self.stats}"
