# SPDX-License-Identifier: MIT
"""Socket calls: blocking, shutting down, names, what TCP_INFO tells; loopback; and what is left when all kinds of nonsense went in."""
import errno
import random
import socket
import struct
import time

from scapy.layers.inet import ICMP, IP, TCP, UDP

from rig import case, soon
from wire_peer import ACK, FIN, GUEST, PATIENCE, PSH, RST, SYN, Tcp, is_ack, payload, who_has

POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP = 1, 4, 8, 16, 0x2000
NONBLOCK = 0x800  # SOCK_NONBLOCK
BIND, LISTEN, ACCEPT = 2, 3, 4  # of the agent
INFO = 11
ESTABLISHED, CLOSE_WAIT = 1, 8


def fails(code, call, *args, **more):
    """The call ends with this error."""
    try:
        got = call(*args, **more)
    except OSError as e:
        assert e.errno == code, errno.errorcode.get(e.errno, e.errno)
        return
    raise AssertionError(f"it returned {got!r}")


# --- Blocking ---------------------------------------------------------------------------------------------------------------------
@case("X6", "a call that may not wait says EAGAIN, and the next one EALREADY where something is under way")
def at_once(t):
    listener, _ = t.listen()
    assert t.agent.call(ACCEPT, t.agent.socket(kind=1 | NONBLOCK)).result == -errno.EINVAL
    t.agent.set(listener, socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("<qq", 0, 20000))
    assert t.agent.call(ACCEPT, listener).result == -errno.EAGAIN
    _, fd = t.accepted()
    fails(errno.EAGAIN, t.agent.recv, fd, flags=socket.MSG_DONTWAIT)
    fd, port = t.agent.socket(kind=1 | NONBLOCK), t.port()
    assert t.agent.connecting(fd, t.host.addr, port).result().result == -errno.EINPROGRESS
    assert t.agent.connecting(fd, t.host.addr, port).result().result == -errno.EALREADY


@case("X6", "a read that may wait only so long ends with EAGAIN, and leaves what comes later to the next one", clock=True)
def receive_timeout(t):
    conn, fd = t.accepted()
    t.agent.set(fd, socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("<qq", 0, 200000))
    started = time.monotonic()
    fails(errno.EAGAIN, t.agent.recv, fd)
    took = time.monotonic() - started
    assert took > 0.15
    soon(took, 2 * t.factor)
    t.lives(conn, fd)


@case("X6", "a write that finds room for a part says how much; then EAGAIN, and poll() tells when there is room again")
def partial_write(t):
    conn, fd = t.accepted(window=1000)
    t.agent.set(fd, socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    took = t.agent.send(fd, bytes(30000), flags=socket.MSG_DONTWAIT)
    assert 0 < took < 30000
    fails(errno.EAGAIN, t.agent.send, fd, bytes(5000), flags=socket.MSG_DONTWAIT)
    assert not t.agent.poll(fd) & POLLOUT
    conn.window, got, end = 65535, 0, time.monotonic() + PATIENCE
    while got < took and time.monotonic() < end:
        got = max([f[TCP].seq + len(payload(f)) - conn.ack & 0xffffffff for _, f in conn.texts(0)] or [0])
        t.host.probe(conn.segment(ACK, ack=conn.ack + got))
    assert got == took and t.agent.poll(fd) & POLLOUT


@case("X6", "a read that wants all waits for all; one that only looks takes nothing")
def wait_for_all(t):
    conn, fd = t.accepted()
    pending = t.agent.receiving(fd, 10, socket.MSG_WAITALL)
    conn.send(PSH | ACK, b"first")
    t.host.ping()
    assert not pending.done.is_set()
    conn.send(PSH | ACK, b"other")
    assert pending.result().payload == b"firstother"
    conn.send(PSH | ACK, b"look")
    assert t.agent.recv(fd, 3, socket.MSG_PEEK) == b"loo" and t.agent.recv(fd, 10) == b"look"


# --- Shutting down ------------------------------------------------------------------------------------------------------------------
@case("X7", "who has shut down its sending side cannot send, and can read")
def no_more_sending(t):
    conn, fd = t.accepted()
    t.agent.shutdown(fd, socket.SHUT_WR)
    fails(errno.EPIPE, t.agent.send, fd, b"too late")
    fin = conn.hear(lambda f: f[TCP].flags.F)
    conn.ack = fin[TCP].seq + 1 & 0xffffffff
    conn.send(PSH | ACK, b"still here")
    assert t.agent.recv(fd) == b"still here"
    assert t.agent.poll(fd) & (POLLOUT | POLLHUP | POLLERR) == POLLOUT


@case("X7", "who has shut down its receiving side reads the end, and the peer hears nothing of it")
def no_more_reading(t):
    conn, fd = t.accepted()
    since = t.link.mark()
    t.agent.shutdown(fd, socket.SHUT_RD)
    assert t.agent.recv(fd) == b""
    assert t.agent.poll(fd) & (POLLIN | POLLRDHUP) == POLLIN | POLLRDHUP
    t.agent.send(fd, b"and sends")
    frame = conn.hear(payload, since)
    assert payload(frame) == b"and sends" and not frame[TCP].flags.F and not frame[TCP].flags.R


@case("X7", "both sides shut down at once: a FIN, and poll() says that it is over when the peer's has come")
def both_sides(t):
    conn, fd = t.accepted()
    t.agent.shutdown(fd, socket.SHUT_RDWR)
    fin = conn.hear(lambda f: f[TCP].flags.F)
    assert t.agent.recv(fd) == b""
    fails(errno.EPIPE, t.agent.send, fd, b"too late")
    conn.ack = fin[TCP].seq + 1 & 0xffffffff
    conn.send(FIN | ACK)
    assert is_ack(conn.hear(lambda f: f[TCP].flags == "A"), conn)
    assert t.agent.poll(fd) & (POLLIN | POLLHUP | POLLRDHUP) == POLLIN | POLLHUP | POLLRDHUP


@case("X7", "what is not connected cannot be shut down")
def not_connected(t):
    fails(errno.ENOTCONN, t.agent.shutdown, t.agent.tcp())
    fails(errno.ENOTCONN, t.agent.recv, t.agent.tcp())


# --- Names --------------------------------------------------------------------------------------------------------------------------
@case("X8", "a port has one listener; with SO_REUSEADDR it may be named twice as long as nobody listens there")
def one_listener(t):
    _, port = t.listen()
    other = t.agent.tcp()
    fails(errno.EADDRINUSE, t.agent.bind, other, port=port)
    t.agent.set(other, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    fails(errno.EADDRINUSE, t.agent.bind, other, port=port)
    port, two = t.port(), [t.agent.tcp(), t.agent.tcp()]
    for fd in two:
        t.agent.set(fd, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        t.agent.bind(fd, port=port)
    assert t.agent.do(LISTEN, two[0], 1) == 0
    assert t.agent.call(LISTEN, two[1], 1).result == -errno.EADDRINUSE


@case("X8", "an address of somebody else, a second name, a name of another family are refused")
def wrong_names(t):
    fd = t.agent.tcp()
    fails(errno.EADDRNOTAVAIL, t.agent.bind, fd, t.host.addr, t.port())
    t.agent.bind(fd, port=t.port())
    fails(errno.EINVAL, t.agent.bind, fd, port=t.port())
    assert t.agent.call(BIND, t.agent.tcp(), payload=struct.pack("<H", 77) + bytes(14)).result == -errno.EAFNOSUPPORT
    assert t.agent.call(BIND, t.agent.tcp(), payload=b"\2\0\0").result == -errno.EINVAL


@case("X8", "a port in TIME-WAIT is listened at only by who says SO_REUSEADDR")
def name_in_time_wait(t):
    listener, port = t.listen()
    conn = Tcp(t.host, port)
    conn.open()
    fd = t.agent.accept(listener)
    t.agent.close(fd)
    fin = conn.hear(lambda f: f[TCP].flags.F)
    conn.ack = fin[TCP].seq + 1 & 0xffffffff
    conn.send(FIN | ACK)
    assert is_ack(conn.hear(lambda f: f[TCP].flags == "A" and f[TCP].ack == conn.seq), conn)
    t.agent.close(listener)
    fails(errno.EADDRINUSE, t.agent.bind, t.agent.tcp(), port=port)
    again = t.agent.listener(port)
    other = Tcp(t.host, port)
    other.open()
    t.lives(other, t.agent.accept(again))


@case("X8", "the port that bind(0) gives is the one from which the SYN comes, and a refused connect() may be tried again")
def any_port(t):
    fd = t.agent.tcp()
    t.agent.bind(fd, port=0)
    ports = []
    for _ in range(2):
        port, since = t.port(), t.link.mark()
        pending = t.agent.connecting(fd, t.host.addr, port)
        syn = t.host.hear(lambda f, p=port: TCP in f and f[TCP].flags & SYN and f[TCP].dport == p, since)
        ports.append(syn[TCP].sport)
        t.link.send(t.host.ip() / TCP(sport=port, dport=syn[TCP].sport, flags="RA", ack=syn[TCP].seq + 1))
        assert pending.result().result == -errno.ECONNREFUSED
    assert all(32768 <= p < 61000 for p in ports)


# --- TCP_INFO -------------------------------------------------------------------------------------------------------------------------
def info(t, fd):
    raw = t.agent.get(fd, 6, INFO, 192)
    words = struct.unpack_from("<24I", raw, 8)
    return {"state": raw[0], "retransmits": raw[2], "options": raw[5], "snd_wscale": raw[6] & 15, "snd_mss": words[2], "unacked": words[4],
            "sacked": words[5], "lost": words[6], "retrans": words[7], "pmtu": words[13], "rtt": words[15], "cwnd": words[18],
            "advmss": words[19], "total_retrans": words[23]}


@case("X9", "TCP_INFO tells what was agreed, and what is under way", clock=True)
def told(t):
    conn, fd = t.accepted(syn={"options": [("MSS", 700), ("SAckOK", b""), ("NOP", None), ("WScale", 3)]}, rtt=0.3 * t.factor)
    now = info(t, fd)
    assert (now["state"], now["snd_mss"], now["advmss"], now["pmtu"], now["cwnd"], now["unacked"]) == (ESTABLISHED, 700, 1460, 1500, 10, 0), now
    assert now["options"] & 6 == 6 and now["snd_wscale"] == 3
    since = t.link.mark()
    t.agent.send(fd, bytes(2100))
    conn.hear(lambda f: f[TCP].seq == conn.ack + 1400 & 0xffffffff, since)
    assert info(t, fd)["unacked"] == 3
    conn.ack = conn.ack + 2100 & 0xffffffff
    conn.send(ACK)
    t.host.ping()
    now = info(t, fd)
    assert now["unacked"] == 0 and now["cwnd"] >= 10 and now["total_retrans"] == 0, now
    conn.send(FIN | ACK)
    assert is_ack(conn.hear(lambda f: f[TCP].ack == conn.seq), conn)
    assert info(t, fd)["state"] == CLOSE_WAIT


@case("X9", "TCP_INFO tells of a loss and its repair", clock=True)
def told_of_a_loss(t):
    conn, fd = t.accepted(syn={"options": [("MSS", 200), ("SAckOK", b"")]}, rtt=0.2 * t.factor)
    base, since = conn.ack, t.link.mark()
    t.agent.send(fd, bytes(1000))
    conn.hear(lambda f: f[TCP].seq == base + 800 & 0xffffffff, since)
    since = t.link.mark()
    for last in (400, 600, 800, 1000):
        t.link.send(conn.segment(ACK, options=[("NOP", None), ("NOP", None), ("SAck", (base + 200, base + last))]))
    conn.hear(lambda f: f[TCP].seq == base and payload(f), since)
    now = info(t, fd)
    assert (now["sacked"], now["retrans"], now["total_retrans"], now["unacked"]) == (4, 1, 1, 5), now
    conn.ack = base + 1000 & 0xffffffff
    conn.send(ACK)
    t.host.ping()
    now = info(t, fd)
    assert (now["sacked"], now["lost"], now["retrans"], now["total_retrans"], now["unacked"]) == (0, 0, 0, 1, 0), now


# --- Loopback ---------------------------------------------------------------------------------------------------------------------------
@case("X10", "what goes to 127.0.0.1, or to our own address, arrives, and no frame of it is on the wire", ("loopback", "127.0.0.1"), ("own", GUEST))
def to_itself(t, address):
    listener, port = t.listen()
    since = t.link.mark()
    out = t.agent.tcp()
    t.agent.connect(out, address, port)
    back = t.agent.accept(listener)
    data = bytes(range(256)) * 80
    pending, got = t.agent.sending(out, data), b""
    while len(got) < len(data):
        got += t.agent.recv(back)
    assert got == data and pending.value() == len(data)
    t.agent.shutdown(out)
    assert t.agent.recv(back) == b""
    t.host.ping()
    assert not t.from_guest(since, lambda f: IP in f and (f[IP].dst in (GUEST, "127.0.0.1") or f[IP].src == "127.0.0.1"))


# --- Resources ------------------------------------------------------------------------------------------------------------------------
@case("X11", "a hundred connections, closed by either side or reset, are gone: their ports are unknown, and the next one is as the first")
def come_and_go(t):
    listener, port = t.listen(backlog=64)
    gone = []
    for i in range(100):
        conn = Tcp(t.host, port)
        conn.open()
        fd = t.agent.accept(listener)
        if i % 3 == 0:
            conn.send(RST | ACK)
        elif i % 3 == 1:
            conn.send(FIN | ACK)
            conn.hear(lambda f, c=conn: f[TCP].ack == c.seq)
        t.agent.close(fd)
        if i % 3 == 1:
            fin = conn.hear(lambda f: f[TCP].flags.F)
            conn.ack = fin[TCP].seq + 1 & 0xffffffff
            conn.send(ACK)
        if i % 3 < 2:
            gone.append(conn)
    t.host.ping()
    assert all(conn.is_dead() for conn in gone[-8:])
    conn = Tcp(t.host, port)
    conn.open()
    t.lives(conn, t.agent.accept(listener))


def spoilt(rng, conn, host, udp_port):
    """A good frame of some kind with some bytes changed behind the Ethernet header; half of them with right checksums again."""
    good = rng.choice([lambda: conn.segment(ACK | PSH, b"spoilt"), lambda: conn.segment(SYN, options=[("MSS", 1460), ("Timestamp", (1, 0))]),
                       lambda: host.ip() / UDP(sport=5, dport=udp_port) / b"spoilt", lambda: host.echo(), lambda: who_has(GUEST, host.mac, host.addr),
                       lambda: host.ip() / ICMP(type=3, code=4, nexthopmtu=600) / bytes(conn.segment(ACK))[14:42]])()
    raw = bytearray(bytes(good))
    for _ in range(rng.randrange(1, 5)):
        raw[rng.randrange(14, len(raw))] = rng.randrange(256)
    if rng.random() < 0.5 and raw[12:14] == b"\x08\0":
        packet = IP(bytes(raw[14:]))
        for layer in (IP, TCP, UDP, ICMP):
            if layer in packet:
                del packet[layer].chksum
        try:
            return bytes(raw[:14]) + bytes(packet)
        except Exception:  # scapy cannot put together what it could take apart
            return bytes(raw)
    return bytes(raw)


@case("X12", "hundreds of spoilt frames harm nobody: the connection beside them carries data", ("one", 1), ("two", 2))
def spoilt_frames(t, seed):
    rng = random.Random(seed)
    victim, _ = t.accepted()
    udp = t.port()
    t.agent.udp(udp)
    bystander, fd = t.accepted(host=t.gateway)
    for i in range(400):
        t.link.send(spoilt(rng, victim, t.host, udp))
        if i % 50 == 49:
            t.alive(t.gateway)
    t.lives(bystander, fd)


# --- Bursts -----------------------------------------------------------------------------------------------------------------------------
@case("R22", "an acknowledgment of forty segments does not let eighty out at once", slow=True, clock=True)
def stretch_ack(t):
    size, rtt = 200, 0.25 * t.factor
    conn, fd = t.accepted(rtt=rtt, syn={"options": [("MSS", size)]})
    t.agent.set(fd, socket.SOL_SOCKET, socket.SO_SNDBUF, 200000)  # all of it waits in the socket
    base, since = conn.ack, t.link.mark()
    t.agent.sending(fd, bytes(size * 200))
    acked = 0
    for window in (10, 20, 40):
        conn.hear(lambda f, n=acked + window: payload(f) and f[TCP].seq == base + (n - 1) * size & 0xffffffff, since)
        time.sleep(rtt)
        acked += window
        conn.ack = base + acked * size & 0xffffffff
        conn.send(ACK)
    first = conn.hear(lambda f: payload(f) and f[TCP].seq == conn.ack, since)
    begin = t.time_of(first)
    last = t.time_of(conn.hear(lambda f: payload(f) and f[TCP].seq == base + (acked + 79) * size & 0xffffffff, since))
    at_once = [f for at, f in conn.texts(since) if begin <= at < begin + rtt / 20]
    assert len(at_once) <= 30 and last - begin > rtt / 8, (len(at_once), last - begin)
