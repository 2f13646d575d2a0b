# SPDX-License-Identifier: MIT
"""The other end of apps/agent.c: socket calls in a guest, made from here over its second serial line.

Interface: Agent(path) connects to a Unix socket (QEMU's -serial unix:PATH,server=on,wait=off) or Agent(fd=N) takes a descriptor;
.call(op, a0, a1, a2, a3, payload) -> Answer, .start(...) -> Pending whose .result(timeout) comes later; the calls by name
below give the result and raise OSError(errno) for what failed.
"""
import os
import socket
import struct
import threading
import time
from dataclasses import dataclass

SOCKET, BIND, LISTEN, ACCEPT, CONNECT, RECV, SEND, SHUTDOWN, CLOSE, GETSOCKOPT, SETSOCKOPT, IOCTL, POLL, TUNE, RESET = range(1, 16)
EXIT = 0x7865
HEADER = struct.Struct("<IHH4i")
PATIENCE = 30.0  # what must come comes, on a busy machine as well


@dataclass
class Answer:
    """One answer: a[0] is the result or -errno."""

    op: int
    a: tuple
    payload: bytes

    @property
    def result(self):
        return self.a[0]


def sockaddr(host, port):
    return struct.pack("<H", socket.AF_INET) + struct.pack(">H", port) + socket.inet_aton(host) + bytes(8)


def host_port(address):
    return socket.inet_ntoa(address[4:8]), struct.unpack(">H", address[2:4])[0]


class Pending:
    """A request under way."""

    def __init__(self):
        self.done = threading.Event()
        self.answer = None
        self.at = None  # when the answer came

    def result(self, timeout=PATIENCE):
        if not self.done.wait(timeout):
            raise TimeoutError("the agent gives no answer")
        return self.answer

    def value(self, timeout=PATIENCE):
        """a[0], or OSError."""
        return checked(self.result(timeout)).result


def checked(answer):
    if answer.result < 0:
        raise OSError(-answer.result, os.strerror(-answer.result))
    return answer


class Agent:
    """A thread reads answers and gives each to its request."""

    def __init__(self, path=None, fd=None, timeout=PATIENCE):
        self.lock = threading.Lock()
        self.writing = threading.Lock()  # of its own: a long request waits for the guest, who may wait for us to read
        self.pending, self.stray, self.next_id = {}, [], 0
        if fd is None:
            self.sock = socket.socket(socket.AF_UNIX)
            end = time.monotonic() + timeout
            while True:
                try:
                    self.sock.connect(os.fspath(path))
                    break
                except (FileNotFoundError, ConnectionRefusedError):
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.01)
            fd = self.sock.fileno()
        self.fd = fd
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = os.read(self.fd, n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def read(self):
        try:
            while True:
                length, number, op, *a = HEADER.unpack(self.exactly(HEADER.size))
                answer = Answer(op, tuple(a), self.exactly(length - 20))
                with self.lock:
                    waiter = self.pending.pop(number, None)
                if waiter is None:
                    self.stray.append((number, answer))
                    continue
                waiter.at, waiter.answer = time.monotonic(), answer
                waiter.done.set()
        except (EOFError, OSError):
            pass

    def write(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view):]

    def start(self, op, a0=0, a1=0, a2=0, a3=0, payload=b""):
        pending = Pending()
        with self.lock:
            self.next_id = self.next_id + 1 & 0xffff
            number = self.next_id
            self.pending[number] = pending
        with self.writing:
            self.write(HEADER.pack(20 + len(payload), number, op, a0, a1, a2, a3) + payload)
        return pending

    def call(self, op, a0=0, a1=0, a2=0, a3=0, payload=b"", timeout=PATIENCE):
        return self.start(op, a0, a1, a2, a3, payload).result(timeout)

    def do(self, *args, **more):
        return checked(self.call(*args, **more)).result

    def close_line(self):
        if hasattr(self, "sock"):
            self.sock.close()

    # --- Calls by name -------------------------------------------------------------------------------------------------
    def socket(self, family=2, kind=1, protocol=0):
        return self.do(SOCKET, family, int(kind), protocol)

    def tcp(self):
        return self.socket()

    def udp(self, port=None, host="0.0.0.0"):
        fd = self.socket(kind=socket.SOCK_DGRAM)
        if port is not None:
            self.bind(fd, host, port)
        return fd

    def bind(self, fd, host="0.0.0.0", port=0):
        return self.do(BIND, fd, payload=sockaddr(host, port))

    def listener(self, port, backlog=16, **options):
        """A TCP listener; options: SO_... of SOL_SOCKET by name."""
        fd = self.tcp()
        self.set(fd, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for name, value in options.items():
            self.set(fd, socket.SOL_SOCKET, getattr(socket, name), value)
        self.bind(fd, port=port)
        self.do(LISTEN, fd, backlog)
        return fd

    def accept(self, fd, timeout=PATIENCE):
        return self.do(ACCEPT, fd, timeout=timeout)

    def connecting(self, fd, host, port):
        return self.start(CONNECT, fd, payload=sockaddr(host, port))

    def connect(self, fd, host, port, timeout=PATIENCE):
        return self.connecting(fd, host, port).value(timeout)

    def recv(self, fd, size=65536, flags=0, timeout=PATIENCE):
        return checked(self.call(RECV, fd, flags, size, timeout=timeout)).payload

    def receiving(self, fd, size=65536, flags=0):
        return self.start(RECV, fd, flags, size)

    def send(self, fd, data, flags=0, to=None, timeout=PATIENCE):
        return self.sending(fd, data, flags, to).value(timeout)

    def sending(self, fd, data, flags=0, to=None):
        address = sockaddr(*to) if to else b""
        return self.start(SEND, fd, flags, len(address), payload=address + data)

    def shutdown(self, fd, how=1):
        return self.do(SHUTDOWN, fd, how)

    def close(self, fd, timeout=PATIENCE):
        return self.do(CLOSE, fd, timeout=timeout)

    def set(self, fd, level, option, value):
        raw = value if isinstance(value, bytes) else struct.pack("<i", value)
        return self.do(SETSOCKOPT, fd, level, option, payload=raw)

    def get(self, fd, level, option, size=4):
        raw = checked(self.call(GETSOCKOPT, fd, level, option, size)).payload
        return struct.unpack("<i", raw)[0] if size == 4 and len(raw) == 4 else raw

    def error(self, fd):
        return self.get(fd, socket.SOL_SOCKET, socket.SO_ERROR)

    def poll(self, fd):
        return self.do(POLL, fd)

    def ioctl(self, fd, request):
        return checked(self.call(IOCTL, fd, request)).a[1]

    def tune(self, text):
        return self.do(TUNE, payload=text.encode())

    def reset(self):
        return self.do(RESET, timeout=30)

    def exit(self, status=0):
        return self.do(EXIT, status)
