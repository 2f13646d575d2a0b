# SPDX-License-Identifier: MIT
"""The application agent: socket calls over the second serial line, the answers to nonsense, and the line itself."""
import errno
import os
import socket
import struct
import time

import pytest

from agent_client import ACCEPT, CONNECT, RECV, SEND, TUNE, Agent, host_port, sockaddr
from conftest import GUEST_IP, ROOT, WORK
from settings import Failure, Settings

LOOP = "127.0.0.1"


@pytest.fixture
def agent(boot):
    """A guest whose agent has been spoken to; ends with status 7, and nothing is left behind."""
    path = ROOT / WORK / f"agent-{os.getpid()}.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    guest = boot("agent", append=GUEST_IP, serial1=f"unix:{path}", wait=False)
    client = Agent(path)
    assert guest.wait_for("agent: ready on /dev/ttyS1", 60)
    yield client
    client.exit(7)
    boot.finish(guest).expect(7).says("leak check passed")
    client.close_line()


def calls_that_wait(agent):
    """Each gets its answer when it is time; what comes later does not wait for it."""
    listener = agent.listener(5555)
    accepting = agent.start(ACCEPT, listener)
    silent = agent.udp(5556)
    receiving = agent.receiving(silent, 10)
    assert agent.poll(listener) == 0 and not accepting.done.is_set()
    client = agent.tcp()
    agent.connect(client, LOOP, 5555)
    served = accepting.value()
    host, port = host_port(accepting.answer.payload)
    assert host == LOOP and port >= 1024
    agent.send(agent.udp(), b"x" * 100, to=(LOOP, 5556))
    answer = receiving.result()
    assert answer.payload == b"x" * 10 and answer.a[1] & socket.MSG_TRUNC
    whole = agent.receiving(served, 10, socket.MSG_WAITALL)
    agent.send(client, b"12345")
    assert agent.poll(served) & 4 and not whole.done.is_set()
    agent.send(client, b"6789abc")
    assert whole.result().payload == b"123456789a" and agent.recv(served) == b"bc"
    agent.set(served, socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("<qq", 0, 200000))
    started = time.monotonic()
    assert agent.call(RECV, served, 0, 10).result == -errno.EAGAIN and time.monotonic() - started > 0.15
    assert agent.call(RECV, client, socket.MSG_DONTWAIT, 10).result == -errno.EAGAIN
    last = agent.receiving(served)
    agent.close(client)
    assert last.result().result == 0
    assert agent.call(CONNECT, agent.tcp(), payload=sockaddr(LOOP, 1)).result == -errno.ECONNREFUSED
    quick = agent.socket(kind=socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    assert agent.call(CONNECT, quick, payload=sockaddr("10.0.2.99", 1)).result == -errno.EINPROGRESS


def more_than_fits(agent):
    """A send goes on when the reader does."""
    listener, client, data = agent.listener(5557), agent.tcp(), os.urandom(20000)
    agent.set(client, socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    agent.set(listener, socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    agent.connect(client, LOOP, 5557)
    served = agent.accept(listener)
    sending, got = agent.sending(client, data), b""
    assert agent.call(SEND, client, socket.MSG_DONTWAIT, payload=b"x").result == -errno.EAGAIN
    assert not sending.done.is_set()
    while len(got) < len(data):
        got += agent.recv(served)
    assert got == data and sending.value() == len(data)


def wrong_input(agent):
    """An error is the answer, and the next request is served."""
    assert agent.call(99).result == -errno.ENOSYS
    assert agent.call(0).result == -errno.ENOSYS
    for fd in (-1, 0, 3, 500, 1 << 20):
        assert agent.call(ACCEPT, fd).result == -errno.EBADF
    fd = agent.udp()
    assert agent.call(RECV, fd, 0, -1).result == -errno.EINVAL
    assert agent.call(RECV, fd, 0, 1 << 30).result == -errno.EINVAL
    assert agent.call(SEND, fd, 0, 17, payload=b"short").result == -errno.EINVAL
    for length, tail, want in ((0, b"", -errno.EINVAL), (4, struct.pack("<HH", 7, 8), -errno.EINVAL),
                               (0xffffffff, b"\xff" * 50, -errno.EMSGSIZE),
                               ((1 << 20) + 21, bytes(50), -errno.EMSGSIZE),
                               (100, struct.pack("<HH", 7, 8), -errno.ETIMEDOUT)):
        agent.write(struct.pack("<I", length) + tail)
        end = time.monotonic() + 30
        while not agent.stray and time.monotonic() < end:
            time.sleep(0.01)
        (_, answer), = agent.stray
        agent.stray.clear()
        assert answer.result == want, length
        assert agent.call(99).result == -errno.ENOSYS


def settings_at_run_time(agent):
    assert agent.tune("net.ipv4.tcp_syn_retries=1") == 0
    assert agent.tune("tcp_rmem=4096 87380 200000") == 0
    for text, want in (("tcp_nothing=1", errno.ENOENT), ("tcp_syn_retries", errno.EINVAL), ("tcp_syn_retries=x", errno.EINVAL),
                       ("tcp_syn_retries=1000", errno.ERANGE), ("=1", errno.EINVAL), ("kernel.panic=1", errno.ENOENT)):
        assert agent.call(TUNE, payload=text.encode()).result == -want, text
    mute = agent.tcp()
    accepting = agent.start(ACCEPT, agent.listener(5558))
    assert agent.reset() == 0
    assert accepting.result().result == -errno.EBADF
    assert agent.call(CONNECT, mute, payload=sockaddr(LOOP, 1)).result == -errno.EBADF
    agent.listener(5555)  # nothing of the connections there is left


def test_agent(agent):
    calls_that_wait(agent)
    more_than_fits(agent)
    wrong_input(agent)
    settings_at_run_time(agent)


def test_agent_without_a_line(boot):
    """A machine with one serial line: the program says so and ends."""
    boot("agent", append=GUEST_IP).expect(2).says("/dev/ttyS1: No such device")


@pytest.mark.parametrize("value", ["unix:a,b", "tcp:1:2", "pty:3"])
def test_serial1_is_checked(value):
    with pytest.raises(Failure, match="SERIAL1"):
        Settings.from_environment({"SERIAL1": value})


def test_serial1_of_the_agent():
    assert Settings.from_environment({"APP": "agent"}).serial1 == "unix:build/agent.sock"
    assert Settings.from_environment({"APP": "agent", "SERIAL1": "pty"}).serial1 == "pty"
    assert Settings.from_environment({}).serial1 is None
