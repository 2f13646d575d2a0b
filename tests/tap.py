# SPDX-License-Identifier: MIT
"""A real Linux peer: a TAP interface in a network namespace of its own, joined to the guest by a relay that loses by seed.

    guest -- -netdev socket,fd= -- relay (this thread) -- TAP, 10.0.2.2/24, in the thread's own namespace -- Linux's TCP

Namespaces belong to threads: whatever is to live beside the TAP (sockets, servers) is made by call(), on this thread.

Interface: Tap(profile, seed): .net (for Machine.net), .call(function), .stats, .close().
"""
import os
import queue
import selectors
import socket
import threading

import namespace
from relay import Direction


class FromGuest(Direction):
    """Frames from the guest; what survives is a list of frames for the TAP."""

    def __init__(self, name, profile, seed):
        super().__init__(name, profile, seed)
        self.frames = []

    def put(self, frame):
        self.frames.append(frame)

    def taken(self):
        self.release()
        frames, self.frames = self.frames, []
        return frames


class Tap(threading.Thread):
    """Runs until close()."""

    def __init__(self, profile, seed=1):
        super().__init__(daemon=True)
        self.ways = {"guest": FromGuest("guest", profile, seed), "host": Direction("host", profile, seed)}
        self.wire, theirs = socket.socketpair(socket.AF_UNIX)
        self.wire.setblocking(False)
        self.net = f"fd:{theirs.detach()}"
        self.wake_read, self.wake_write = os.pipe()
        self.calls = queue.Queue()
        self.stopping = False
        self.start()
        self.call(lambda: None)  # a failure to set up shows here

    @property
    def stats(self):
        return {name: way.stats for name, way in self.ways.items()}

    def call(self, function):
        """Runs @function beside the TAP and gives its result."""
        done = queue.Queue()
        self.calls.put((function, done))
        os.write(self.wake_write, b"x")
        result, error = done.get(timeout=600)
        if error:
            raise error
        return result

    def run(self):
        try:
            tap = self.set_up()
        except OSError as e:
            while not self.stopping:
                self.calls.get()[1].put((None, e))
            return
        self.shovel(tap)
        os.close(tap)

    @staticmethod
    def set_up():
        namespace.enter()
        return namespace.open_tap("peer0")

    def shovel(self, tap):
        wire = self.wire
        selector = selectors.DefaultSelector()
        for fd in (tap, wire, self.wake_read):
            selector.register(fd, selectors.EVENT_READ)
        while not self.stopping:
            for key, _ in selector.select(0.005):
                if key.fileobj is wire:
                    try:
                        data = wire.recv(1 << 18)
                    except ConnectionResetError:
                        return  # QEMU ended with frames of ours unread
                    if not data:
                        return
                    self.ways["guest"].feed(data)
                elif key.fileobj == tap:
                    self.ways["host"].frame(os.read(tap, 65536))
                else:
                    os.read(self.wake_read, 1)
                    self.answer(*self.calls.get())
            self.forward(tap, wire)

    def forward(self, tap, wire):
        for frame in self.ways["guest"].taken():
            os.write(tap, frame)
        host = self.ways["host"]
        host.release()
        if host.outbox:
            try:
                del host.outbox[:wire.send(host.outbox)]
            except BlockingIOError:
                pass  # the guest's card is full: the TAP waits

    @staticmethod
    def answer(function, done):
        try:
            done.put((function(), None))
        except OSError as e:
            done.put((None, e))

    def close(self):
        self.stopping = True
        os.write(self.wake_write, b"x")
        self.calls.put((lambda: None, queue.Queue()))
        self.join(5)
        self.wire.close()
