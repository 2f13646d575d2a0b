# SPDX-License-Identifier: MIT
"""The host's end of a run: a TCP receiver and a TCP sender that hash what passes.

Interface: Receiver() listens at once on .port, .join() waits for the stream's end and gives a Stream;
send_file(port, path, ...) sends and gives a Stream.
"""
import hashlib
import socket
import threading
import time
from dataclasses import dataclass

CHUNK = 1 << 20


@dataclass
class Stream:
    """What one direction of one connection carried."""

    connections: int = 0
    size: int = 0
    sha256: str = hashlib.sha256().hexdigest()
    seconds: float = 0.0  # first byte to last byte (connect to end for an empty stream)
    gap: float = 0.0  # the longest time without a new byte
    error: str = ""

    @property
    def rate(self):
        """MB/s, 0 when nothing can be said."""
        return self.size / 1e6 / self.seconds if self.seconds > 0 else 0.0


def hash_file(path):
    h = hashlib.sha256()
    size = 0
    with open(path, "rb") as f:
        while chunk := f.read(CHUNK):
            h.update(chunk)
            size += len(chunk)
    return size, h.hexdigest()


class Receiver(threading.Thread):
    """Takes connections on @host until closed; the last one is the result."""

    def __init__(self, port=0, pause=None, host="127.0.0.1"):
        super().__init__(daemon=True)
        self.listener = socket.create_server((host, port))
        self.port = self.listener.getsockname()[1]
        self.stream = Stream()
        self.pause = pause  # (bytes, seconds): stops reading once, so that the window closes
        self.done = threading.Event()
        self.start()

    def run(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with conn:
                self.receive(conn)
            self.done.set()

    def receive(self, conn):
        s = Stream(connections=self.stream.connections + 1)
        h, buffer = hashlib.sha256(), bytearray(CHUNK)
        view = memoryview(buffer)
        start = last = time.monotonic()
        first = None
        try:
            while n := conn.recv_into(buffer):
                now = time.monotonic()
                first = first or now
                s.gap, last = max(s.gap, now - last), now
                s.size += n
                h.update(view[:n])
                if self.pause and s.size >= self.pause[0]:
                    time.sleep(self.pause[1])
                    self.pause, last = None, time.monotonic()
        except OSError as e:
            s.error = str(e)
        s.seconds = max(last - (first or start), 1e-6)
        s.sha256 = h.hexdigest()
        self.stream = s

    def finish(self, timeout=30.0):
        """The stream, after waiting at most @timeout for its end; no further connection is taken."""
        self.done.wait(timeout)
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which would go on with whatever gets this descriptor next
        self.join(1)
        self.listener.close()
        return self.stream


def send_file(port, path, timeout=60.0, attempts=1, host="127.0.0.1"):
    """Connects to @host:@port, sends the file and waits for the other end's FIN. Gives the Stream sent.

    QEMU accepts a forwarded connection before the guest has one: a connection that dies before it took a byte is
    tried again.
    """
    error = "no attempt"
    for _ in range(attempts):
        s = Stream(connections=1)
        h = hashlib.sha256()
        try:
            with socket.create_connection((host, port), timeout=timeout) as conn, open(path, "rb") as f:
                start = time.monotonic()
                while chunk := f.read(CHUNK):
                    last = time.monotonic()
                    conn.sendall(chunk)
                    s.gap = max(s.gap, time.monotonic() - last)
                    h.update(chunk)
                    s.size += len(chunk)
                conn.shutdown(socket.SHUT_WR)
                while conn.recv(CHUNK):
                    pass
                s.seconds = max(time.monotonic() - start, 1e-6)
                s.sha256 = h.hexdigest()
                return s
        except OSError as e:
            error = str(e)
            time.sleep(0.2)
    return Stream(error=error)
