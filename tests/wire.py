# SPDX-License-Identifier: MIT
"""A wire between two guests: a seeded relay that loses nothing unless it is told to.

    guest 0 -- -netdev socket,fd= or dgram -- relay (this thread) -- the same -- guest 1

Both kinds are Unix sockets whose writers wait when the reader is slow, so that every fault on this wire is one of ours. What
befalls a frame depends only on the seed, the direction and the frame's index (relay.Direction).

Interface: Wire(profile, seed, kind): .net[0], .net[1] (for Machine.net), .stats, .close().
"""
import selectors
import shutil
import socket
import tempfile
import threading
from pathlib import Path

from relay import Direction, Profile


class Frames(Direction):
    """What survives is a list of frames for the other end."""

    def __init__(self, name, profile, seed):
        super().__init__(name, profile, seed)
        self.frames = []

    def put(self, frame):
        self.frames.append(frame)


class StreamEnd:
    """QEMU is born with its end; each frame is preceded by its length in four bytes."""

    def __init__(self, _folder, _name):
        self.sock, theirs = socket.socketpair(socket.AF_UNIX)
        self.sock.setblocking(False)
        self.net = f"fd:{theirs.detach()}"
        self.outbox = bytearray()

    def read(self, way):
        data = self.sock.recv(1 << 18)
        way.feed(data)
        return bool(data)

    def write(self, frames):
        """As much as goes at once; True when something had to stay."""
        for frame in frames:
            self.outbox += len(frame).to_bytes(4, "big") + frame
        frames.clear()
        if self.outbox:
            try:
                del self.outbox[:self.sock.send(self.outbox)]
            except BlockingIOError:
                pass
        return bool(self.outbox)

    def close(self):
        self.sock.close()


class DgramEnd:
    """QEMU and we each bind a path; one datagram is one frame."""

    def __init__(self, folder, name):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(folder / f"{name}-relay"))
        self.sock.setblocking(False)
        self.peer = str(folder / f"{name}-guest")
        self.net = f"dgram-unix:{self.peer}:{folder / name}-relay"

    def read(self, way):
        way.frame(self.sock.recv(65536))
        return True

    def write(self, frames):
        while frames:
            try:
                self.sock.sendto(frames[0], self.peer)
            except BlockingIOError:
                return True
            except (FileNotFoundError, ConnectionRefusedError):
                pass  # that guest is not there (yet, or any more): as with a cable in nothing
            del frames[0]
        return False

    def close(self):
        self.sock.close()


class Wire(threading.Thread):
    """Runs until close(). Nothing is read from one end while the other has not taken what came before."""

    def __init__(self, profile=Profile(), seed=1, kind="stream"):
        super().__init__(daemon=True)
        self.folder = Path(tempfile.mkdtemp(prefix="doorbell-"))
        end = {"stream": StreamEnd, "dgram": DgramEnd}[kind]
        self.ends = [end(self.folder, str(i)) for i in range(2)]
        self.ways = [Frames(f"from-{i}", profile, seed) for i in range(2)]
        self.net = [e.net for e in self.ends]
        self.stopping = False
        self.start()

    @property
    def stats(self):
        return {way.name: way.stats for way in self.ways}

    def run(self):
        full = [False, False]  # the way that begins at this end waits for the other end
        gone = [False, False]
        while not self.stopping:
            with selectors.DefaultSelector() as selector:
                for i, end in enumerate(self.ends):
                    if not full[i] and not gone[i]:
                        selector.register(end.sock, selectors.EVENT_READ, i)
                for key, _ in selector.select(0.0005 if any(full) else 0.005):
                    try:
                        gone[key.data] = not self.ends[key.data].read(self.ways[key.data])
                    except BlockingIOError:
                        pass
                    except OSError:
                        gone[key.data] = True
            for i, way in enumerate(self.ways):
                way.release()
                try:
                    full[i] = self.ends[1 - i].write(way.frames)
                except OSError:
                    full[i] = False  # that guest has ended

    def close(self):
        self.stopping = True
        self.join(5)
        for end in self.ends:
            end.close()
        shutil.rmtree(self.folder, ignore_errors=True)
