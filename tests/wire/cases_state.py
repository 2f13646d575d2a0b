# SPDX-License-Identifier: MIT
"""TCP: states, closing, errors, windows, recovery."""
import errno
import socket
import struct
import time

from scapy.layers.inet import ICMP, IP, TCP

from rig import case, soon
from wire_peer import ACK, FIN, GUEST, PATIENCE, PSH, RST, SYN, URG, Tcp, is_ack, payload, shape

POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP = 1, 4, 8, 16, 0x2000
LINGER = struct.pack("<ii", 1, 0)


def in_state(t, state, seq=1000):
    """A connection brought into @state by honest means: (Tcp, the guest's descriptor)."""
    conn, fd = t.accepted(seq=seq)
    if state in ("FIN_WAIT1", "FIN_WAIT2", "CLOSING", "TIME_WAIT"):
        t.agent.shutdown(fd)
        conn.hear(lambda f: f[TCP].flags.F)
        if state in ("FIN_WAIT2", "TIME_WAIT"):
            conn.ack += 1
            conn.probe(conn.segment(ACK))
    if state in ("CLOSE_WAIT", "LAST_ACK", "CLOSING", "TIME_WAIT"):
        conn.send(FIN | ACK)
        conn.hear(lambda f: f[TCP].ack == conn.seq)
    if state == "LAST_ACK":
        t.agent.shutdown(fd)
        conn.hear(lambda f: f[TCP].flags.F)
    conn.snd_nxt = conn.ack + (state in ("FIN_WAIT1", "CLOSING", "LAST_ACK")) & 0xffffffff
    return conn, fd


def not_fin(conn, found):
    return [f for f in found if not f[TCP].flags.F and not payload(f)]


OPEN = ("ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK")


# --- Sequence and acknowledgment numbers ------------------------------------------------------------------------------------------
@case("S1", "a segment outside the window is answered with where we are, and dropped",
      *((f"{state.lower()}_{name}", state, by) for state in OPEN for name, by in (("below", -70000), ("beyond", 1 << 30))))
def outside(t, state, by):
    conn, _ = in_state(t, state)
    found = not_fin(conn, conn.probe(conn.segment(ACK, b"old!", seq=conn.seq + by)))
    assert len(found) == 1 and found[0][TCP].ack == conn.seq and found[0][TCP].seq == conn.snd_nxt


@case("S1", "a keep-alive, one byte below the window, is answered")
def keep_alive(t):
    conn, fd = t.accepted()
    found = conn.probe(conn.segment(ACK, seq=conn.seq - 1))
    assert len(found) == 1 and is_ack(found[0], conn)
    t.lives(conn, fd)


@case("S2", "a reset with exactly the next number ends the connection",
      *((state.lower(), state) for state in OPEN))
def exact_reset(t, state):
    conn, fd = in_state(t, state)
    assert not_fin(conn, conn.probe(conn.segment(RST))) == []
    assert conn.is_dead()
    if state == "ESTABLISHED":
        assert t.agent.call(6, fd, 0, 10).result == -errno.ECONNRESET


@case("S2", "a reset elsewhere in the window is asked back and ends nothing", ("one_beyond", 1), ("far", 30000))
def reset_in_window(t, by):
    conn, fd = t.accepted()
    found = conn.probe(conn.segment(RST, seq=conn.seq + by))
    assert len(found) == 1 and is_ack(found[0], conn)
    t.lives(conn, fd)


@case("S2", "a reset outside the window is nothing", ("before", -1), ("far_before", -70000), ("far_beyond", 1 << 30), ("opposite", 1 << 31))
def reset_outside(t, by):
    conn, fd = t.accepted()
    assert conn.probe(conn.segment(RST, seq=conn.seq + by)) == []
    t.lives(conn, fd)


@case("S3", "a SYN into an open connection is asked back, wherever it lies; never a reset, never a new connection",
      ("exact", 0), ("in_window", 500), ("before", -1000), ("opposite", 1 << 31))
def syn_into_open(t, by):
    conn, fd = t.accepted()
    found = conn.probe(conn.segment(SYN, seq=conn.seq + by))
    assert len(found) == 1 and is_ack(found[0], conn)
    t.lives(conn, fd)


@case("S3", "a SYN-ACK into an open connection is asked back")
def syn_ack_into_open(t):
    conn, fd = t.accepted()
    found = conn.probe(conn.segment(SYN | ACK, seq=conn.seq - 20))
    assert len(found) == 1 and is_ack(found[0], conn)
    t.lives(conn, fd)


@case("S4", "data that acknowledge what was never sent, or what was long ago, are not delivered",
      ("next", 1), ("far", 100000), ("opposite", 1 << 31), ("long_ago", -(1 << 20) - (1 << 29)))
def blind_data(t, by):
    conn, fd = t.accepted()
    found = conn.probe(conn.segment(ACK | PSH, b"evil", ack=conn.ack + by))
    assert len(found) == 1 and is_ack(found[0], conn)
    t.lives(conn, fd, b"good")


@case("S5", "two hundred bad resets get one challenge; another connection is not affected")
def challenges_are_rare(t):
    conn, fd = t.accepted()
    frames = [bytes(conn.segment(RST, seq=conn.seq + 1 + i)) for i in range(200)]
    started = time.monotonic()
    found = conn.probe(*frames)
    assert 1 <= len(found) <= 1 + (time.monotonic() - started) / 0.5
    other, other_fd = t.accepted()
    assert len(other.probe(other.segment(RST, seq=other.seq + 1))) == 1
    t.lives(conn, fd)
    t.lives(other, other_fd)


@case("S6", "in an open connection a segment without ACK is nothing", ("none", 0), ("psh", PSH), ("fin", FIN), ("christmas", FIN | PSH | URG))
def without_ack(t, flags):
    conn, fd = t.accepted()
    assert conn.probe(conn.segment(flags, b"evil")) == []
    t.lives(conn, fd, b"good")


# --- Closing ---------------------------------------------------------------------------------------------------------------------
def guest_fin(t, conn, fd):
    since = t.link.mark()
    t.agent.shutdown(fd)
    fin = conn.hear(lambda f: f[TCP].flags.F, since)
    assert fin[TCP].seq == conn.ack and fin[TCP].ack == conn.seq


@case("S7", "we close first: FIN, its ACK, the peer's FIN, our ACK, and a FIN again is acknowledged again")
def active_close(t):
    conn, fd = t.accepted()
    guest_fin(t, conn, fd)
    conn.ack += 1
    assert conn.probe(conn.segment(ACK)) == []
    fin = conn.segment(FIN | ACK)
    conn.send(FIN | ACK)
    assert is_ack(conn.hear(), conn)
    time.sleep(0.6)
    found = conn.probe(fin)
    assert len(found) == 1 and is_ack(found[0], conn)


@case("S7", "the peer closes first: its FIN is acknowledged, ours follows, and nothing is left")
def passive_close(t):
    conn, fd = t.accepted()
    conn.send(FIN | ACK)
    assert is_ack(conn.hear(), conn)
    assert t.agent.recv(fd) == b"" and t.agent.poll(fd) & (POLLIN | POLLRDHUP) == POLLIN | POLLRDHUP
    t.agent.close(fd)
    conn.hear(lambda f: f[TCP].flags.F)
    conn.ack += 1
    assert conn.probe(conn.segment(ACK)) == []
    assert conn.is_dead()


@case("S7", "both close at once: the FINs cross, each is acknowledged")
def simultaneous_close(t):
    conn, fd = t.accepted()
    guest_fin(t, conn, fd)
    conn.send(FIN | ACK)  # does not acknowledge the guest's
    answer = conn.hear(lambda f: f[TCP].ack == conn.seq)
    assert answer[TCP].seq in (conn.ack, conn.ack + 1 & 0xffffffff)
    conn.ack += 1
    assert conn.probe(conn.segment(ACK)) == []
    assert not conn.is_dead()


@case("S7", "the peer's FIN may bring the acknowledgment of ours")
def fin_with_ack_of_fin(t):
    conn, fd = t.accepted()
    guest_fin(t, conn, fd)
    conn.ack += 1
    conn.send(FIN | ACK)
    assert is_ack(conn.hear(lambda f: f[TCP].flags == "A"), conn)
    assert not conn.is_dead()


@case("S7", "we have said all and go on listening")
def half_close(t):
    conn, fd = t.accepted()
    guest_fin(t, conn, fd)
    conn.ack += 1
    conn.send(ACK)
    for _ in range(3):
        conn.send(ACK | PSH, b"z" * 1000)
    got = b""
    while len(got) < 3000:
        got += t.agent.recv(fd)
    conn.send(FIN | ACK)
    conn.hear(lambda f: f[TCP].ack == conn.seq)
    assert got == b"z" * 3000 and t.agent.recv(fd) == b""


@case("S7", "the peer has said all and goes on listening")
def half_closed(t):
    conn, fd = t.accepted()
    conn.send(FIN | ACK)
    assert is_ack(conn.hear(), conn)
    since = t.link.mark()
    t.agent.send(fd, b"still talking")
    assert payload(conn.hear(payload, since)) == b"still talking"


@case("S8", "a FIN that is lost is sent again")
def fin_again(t):
    conn, fd = t.accepted()
    guest_fin(t, conn, fd)
    since = t.link.mark()
    again = conn.hear(lambda f: f[TCP].flags.F, since)
    assert again[TCP].seq == conn.ack


@case("S9", "a FIN before the data it ends waits for them")
def early_fin(t):
    conn, fd = t.accepted()
    found = conn.probe(conn.segment(FIN | ACK, seq=conn.seq + 4))
    assert found and all(f[TCP].ack == conn.seq for f in found)
    assert not t.agent.poll(fd) & POLLIN
    conn.send(ACK | PSH, b"hole")
    conn.hear(lambda f: f[TCP].ack == conn.seq + 1)
    assert t.agent.recv(fd) == b"hole" and t.agent.recv(fd) == b""


@case("S10", "close() with data that nobody read is a reset")
def unread(t):
    conn, fd = t.accepted()
    conn.send(ACK | PSH, b"unread")
    conn.hear(lambda f: f[TCP].ack == conn.seq)
    since = t.link.mark()
    t.agent.close(fd)
    reset = conn.hear(lambda f: f[TCP].flags.R, since)
    assert reset[TCP].seq == conn.ack
    assert conn.is_dead()


@case("S11", "data after close(): nobody will read them, a reset says so")
def late_data(t):
    conn, fd = t.accepted()
    since = t.link.mark()
    t.agent.close(fd)
    conn.hear(lambda f: f[TCP].flags.F, since)
    conn.ack += 1
    conn.send(ACK)
    found = conn.probe(conn.segment(ACK | PSH, b"late"))
    assert [s in ("R", "RA") for s in shape(found)] == [True]
    assert conn.is_dead()


@case("S12", "TIME-WAIT answers what comes again, the FIN and data too, and stays", slow=True)
def time_wait_answers(t):
    conn, _ = in_state(t, "TIME_WAIT")
    for _ in range(3):
        time.sleep(0.8)
        assert is_ack(t.one(conn.segment(FIN | ACK, seq=conn.seq - 1)), conn)
    time.sleep(0.8)
    assert is_ack(t.one(conn.segment(ACK | PSH, b"old!", seq=conn.seq - 5)), conn)


@case("S13", "TIME-WAIT: a SYN beyond the last number opens anew")
def reopened(t):
    listener, port = t.listen()
    conn = Tcp(t.host, port)
    conn.open()
    fd = t.agent.accept(listener)
    guest_fin(t, conn, fd)
    conn.ack += 1
    conn.send(FIN | ACK)
    assert is_ack(conn.hear(lambda f: f[TCP].flags == "A"), conn)
    conn.seq += 1000
    found = conn.probe(conn.segment(SYN))
    assert shape(found) == ["SA"]
    assert 0 < (found[0][TCP].seq - conn.ack & 0xffffffff) < 1 << 31


@case("S13", "TIME-WAIT: a SYN below the last number does not")
def old_syn(t):
    conn, _ = in_state(t, "TIME_WAIT")
    time.sleep(0.6)
    assert shape(conn.probe(conn.segment(SYN, seq=conn.seq - 100))) in (["A"], [])


@case("S14", "TIME-WAIT outlives a reset (RFC 1337)")
def reset_in_time_wait(t):
    if t.system == "linux":
        t.agent.tune("net.ipv4.tcp_rfc1337=1")  # Doorbell does it always
    conn, _ = in_state(t, "TIME_WAIT")
    assert conn.probe(conn.segment(RST), conn.segment(RST | ACK), conn.segment(RST, seq=conn.seq + 100)) == []
    assert not conn.is_dead()


@case("S15", "a closed connection waits for the peer's FIN only so long; then it is unknown", ("linger2", False), ("sysctl", True), slow=True,
      clock=True)
def orphan_ends(t, sysctl):
    if sysctl:
        t.agent.tune(f"net.ipv4.tcp_fin_timeout={t.factor}")
    conn, fd = t.accepted()
    if not sysctl:
        t.agent.set(fd, 6, 8, t.factor)  # TCP_LINGER2
    since = t.link.mark()
    t.agent.close(fd)
    conn.hear(lambda f: f[TCP].flags.F, since)
    conn.ack += 1
    conn.send(ACK)
    assert not conn.is_dead()
    time.sleep(0.8 * t.factor)
    end = time.monotonic() + PATIENCE  # far less than the default, a minute
    while not conn.is_dead():
        assert time.monotonic() < end
        time.sleep(0.2)


@case("S16", "SO_LINGER of nothing: close() is a reset")
def linger_zero(t):
    conn, fd = t.accepted()
    t.agent.set(fd, 1, 13, LINGER)
    since = t.link.mark()
    t.agent.close(fd)
    reset = conn.hear(lambda f: f[TCP].flags.R, since)
    assert reset[TCP].seq == conn.ack
    assert conn.is_dead()


@case("S16", "SO_LINGER of a second: close() waits so long for the last acknowledgment, and no longer", ("acknowledged", True), ("silent", False))
def linger_waits(t, acknowledged):
    conn, fd = t.accepted()
    t.agent.set(fd, 1, 13, struct.pack("<ii", 1, 1))
    t.agent.send(fd, b"last words")
    started, since = time.monotonic(), t.link.mark()
    closing = t.agent.start(9, fd)
    fin = conn.hear(lambda f: f[TCP].flags.F, since)
    over = closing.done.is_set()
    soon(time.monotonic() - started, 0.8)
    assert not over
    if acknowledged:
        conn.ack = fin[TCP].seq + len(payload(fin)) + 1 & 0xffffffff
        conn.send(ACK)
    assert closing.value() == 0
    took = closing.at - started
    assert acknowledged or took > 0.8
    soon(took, 0.7 if acknowledged else 2)


# --- Errors ------------------------------------------------------------------------------------------------------------------------
@case("S17", "who waits in recv() hears of a reset; poll() shows it")
def reset_wakes(t):
    conn, fd = t.accepted()
    waiting = t.agent.receiving(fd)
    conn.probe(conn.segment(RST))
    assert waiting.result().result == -errno.ECONNRESET
    assert t.agent.poll(fd) == POLLIN | POLLOUT | POLLHUP | POLLRDHUP
    assert t.agent.call(7, fd, 0, 0, payload=b"x").result == -errno.EPIPE


@case("S17", "who asks only later hears of a reset once: poll() has POLLERR till then", ("so_error", 10), ("recv", 6), ("send", 7))
def reset_is_told(t, call):
    conn, fd = t.accepted()
    conn.probe(conn.segment(RST))
    assert t.agent.poll(fd) == POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP
    if call == 10:
        assert t.agent.error(fd) == errno.ECONNRESET
    else:
        assert t.agent.call(call, fd, 0, 10 if call == 6 else 0, payload=b"").result == -errno.ECONNRESET
    assert t.agent.error(fd) == 0 and t.agent.recv(fd) == b""


def about(conn, seq):
    return bytes(IP(src=GUEST, dst=conn.host.addr) / TCP(sport=conn.port, dport=conn.sport, seq=seq & 0xffffffff, flags="A"))[:28]


UNREACHABLE = {0: errno.ENETUNREACH, 1: errno.EHOSTUNREACH, 2: errno.ENOPROTOOPT, 3: errno.ECONNREFUSED, 5: errno.EOPNOTSUPP,
               6: errno.ENETUNREACH, 7: errno.EHOSTDOWN, 8: errno.ENONET, 9: errno.ENETUNREACH, 10: errno.EHOSTUNREACH,
               11: errno.ENETUNREACH, 12: errno.EHOSTUNREACH, 13: errno.EHOSTUNREACH, 14: errno.EHOSTUNREACH, 15: errno.EHOSTUNREACH}


@case("S18", "connecting: an unreachable ends the attempt with its errno",
      *((f"code_{c}", c) for c in UNREACHABLE))
def hard_error(t, code):
    conn, _, pending, syn = t.connecting()
    t.link.send(t.host.ip() / ICMP(type=3, code=code) / bytes(syn[IP])[:28])
    assert pending.result().result == -UNREACHABLE[code]


@case("S18", "connecting: an unreachable that quotes another number is nothing")
def forged_error(t):
    conn, fd, pending, syn = t.connecting()
    lie = bytes(syn[IP])[:24] + struct.pack("!I", syn[TCP].seq + 1000 & 0xffffffff)
    assert conn.probe(t.host.ip() / ICMP(type=3, code=3) / lie) == []
    conn.send(SYN | ACK)
    assert pending.value() == 0


@case("S18", "open: no unreachable ends a connection", *((f"code_{c}", c) for c in range(16) if c != 4))
def soft_error(t, code):
    conn, fd = t.accepted()
    t.agent.send(fd, b"data")
    frame = conn.hear(payload)
    t.link.send(t.host.ip() / ICMP(type=3, code=code) / about(conn, frame[TCP].seq))
    conn.ack += 4
    conn.send(ACK)
    t.lives(conn, fd)


@case("S18", "open: neither time exceeded nor parameter problem ends a connection", ("time", 11), ("parameter", 12), ("redirect", 5))
def other_errors(t, kind):
    conn, fd = t.accepted()
    assert conn.probe(t.host.ip() / ICMP(type=kind, code=0) / about(conn, conn.ack)) == []
    t.lives(conn, fd)


@case("S19", "keep-alive: a probe one below what is expected, without data, then the end", slow=True)
def keep_alive_probes(t):
    conn, fd = t.accepted()
    for option, value in ((4, 1), (5, 1), (6, 2)):  # TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT
        t.agent.set(fd, 6, option, value)
    t.agent.set(fd, 1, 9, 1)  # SO_KEEPALIVE
    waiting = t.agent.receiving(fd)
    since = conn.since
    for _ in range(2):
        probe = conn.hear(lambda f: f[TCP].flags == "A", since)
        since = t.link.wait(lambda f: f is probe, since) + 1
        assert probe[TCP].seq == conn.ack - 1 & 0xffffffff and not payload(probe)
    assert waiting.result().result == -errno.ETIMEDOUT
    conn.hear(lambda f: f[TCP].flags.R, since)
    assert conn.is_dead()


@case("S20", "TCP_USER_TIMEOUT: data that nobody acknowledges for so long end the connection", slow=True)
def user_timeout(t):
    conn, fd = t.accepted()
    t.agent.set(fd, 6, 18, 1500)
    started = time.monotonic()
    t.agent.send(fd, b"anybody?")
    answer = t.agent.receiving(fd).result()
    assert answer.result == -errno.ETIMEDOUT and time.monotonic() - started > 1.2
    soon(time.monotonic() - started, 4.5)


# --- Data, windows -------------------------------------------------------------------------------------------------------------------
@case("D1", "single bytes with gaps between them are kept, and cost nobody else anything")
def many_gaps(t):
    conn, fd = t.accepted()
    base, rest = conn.seq, bytes(range(80))


    def single(which):
        return len(conn.probe(*[conn.segment(ACK, rest[i:i + 1], seq=base + i) for i in which]))

    assert single(range(79, 0, -2)) == 40
    other, other_fd = t.accepted()
    t.lives(other, other_fd)
    single(range(0, 80, 2))
    conn.seq += 80
    got = b""
    while len(got) < 80:
        got += t.agent.recv(fd)
    assert got == rest
    t.lives(conn, fd)


@case("D1", "segments in any order arrive in order", ("reverse", (4, 3, 2, 1, 0)), ("mixed", (2, 0, 4, 1, 3)), ("pairs", (1, 0, 3, 2, 4)))
def any_order(t, order):
    conn, fd = t.accepted()
    pieces = [bytes([65 + i]) * 100 for i in range(5)]
    base = conn.seq
    conn.probe(*[conn.segment(ACK | PSH, pieces[i], seq=base + 100 * i) for i in order])
    conn.seq += 500
    got = b""
    while len(got) < 500:
        got += t.agent.recv(fd)
    assert got == b"".join(pieces)
    t.lives(conn, fd)


@case("D2", "old bytes with new ones behind them: only the new ones count")
def overlap(t):
    conn, fd = t.accepted()
    t.lives(conn, fd, b"abcdef")
    t.link.send(conn.segment(ACK | PSH, b"XXXghi", seq=conn.seq - 3))
    assert t.agent.recv(fd) == b"ghi"


@case("D2", "of bytes that come twice the first ones stay, whatever overlaps what", ("behind", ((50, 100, b"a"), (75, 125, b"b"), (0, 50, b"c"))),
      ("before", ((50, 100, b"a"), (25, 75, b"b"), (0, 25, b"c"))), ("around", ((50, 100, b"a"), (25, 125, b"b"), (0, 25, b"c"))),
      ("within", ((25, 125, b"a"), (50, 100, b"b"), (0, 25, b"c"))))
def first_bytes_stay(t, pieces):
    conn, fd = t.accepted()
    wanted = bytearray(125)
    for begin, end, letter in reversed(pieces):
        wanted[begin:end] = letter * (end - begin)
    conn.probe(*[conn.segment(ACK, letter * (end - begin), seq=conn.seq + begin) for begin, end, letter in pieces])
    conn.seq += max(end for _, end, _ in pieces)
    got = b""
    while len(got) < max(end for _, end, _ in pieces):
        got += t.agent.recv(fd)
    assert got == bytes(wanted[:len(got)])


def in_conversation(t):
    """A connection whose acknowledgments may wait: those of a fresh one come at once."""
    conn, fd = t.accepted(syn={"options": [("MSS", 1460)]})
    t.lives(conn, fd)
    t.agent.set(fd, 6, 12, 0)  # TCP_QUICKACK: not any more
    return conn, fd


@case("D3", "a lone segment of a conversation is acknowledged after some 40 ms, at most half a second", slow=True)
def delayed_ack(t):
    conn, _ = in_conversation(t)
    sent = time.monotonic()
    conn.send(ACK | PSH, b"c")
    took = t.time_of(conn.hear(lambda f: f[TCP].ack == conn.seq)) - sent
    assert took > 0.03
    soon(took, 0.5)


@case("D3", "the second of two full segments is acknowledged at once, when somebody reads", slow=True)
def every_second(t):
    conn, fd = in_conversation(t)
    for _ in range(4):
        t.agent.receiving(fd, 1460, socket.MSG_WAITALL)
    conn.send(ACK, b"a" * 1460)
    conn.hear(lambda f: f[TCP].ack == conn.seq)  # now it knows how large a full one is
    conn.send(ACK, b"b" * 1460)
    sent = time.monotonic()
    conn.send(ACK, b"c" * 1460)
    soon(t.time_of(conn.hear(lambda f: f[TCP].ack == conn.seq)) - sent, 0.035)


@case("D4", "at once: what is out of order, what fills a hole, what came before, a FIN", ("beyond", 100, 0, 0), ("below", -4, 0, 0),
      ("fin", 0, FIN, 5), slow=True, clock=True)
def immediate_ack(t, by, flag, taken):
    def answered(wanted, **segment):
        since, sent = t.link.mark(), time.monotonic()
        t.link.send(conn.segment(ACK | flag, **segment))
        soon(t.time_of(conn.hear(lambda f: f[TCP].ack == conn.seq + wanted, since)) - sent, 0.035)  # a delayed one takes 40 ms

    conn, _ = in_conversation(t)
    answered(taken, data=b"text", seq=conn.seq + by)
    if by == 100:
        answered(104, data=b"x" * 100)


def fill_window(conn):
    """Sends until the guest takes nothing more: what it said meanwhile."""
    frames, refused = [], 0
    for _ in range(400):
        found = conn.probe(conn.segment(ACK, b"f" * 500))
        frames += found
        refused = refused + 1 if found and found[-1][TCP].ack == conn.seq else 0
        if refused == 3:  # once may be the late acknowledgment of the one before
            return frames
        if not refused:
            conn.seq = found[-1][TCP].ack if found else conn.seq + 500
    raise AssertionError("it takes everything")


@case("D5", "a window that is shut opens by a segment, not byte by byte, and never shrinks")
def silly_window(t):
    listener, port = t.listen(SO_RCVBUF=4096)
    conn = Tcp(t.host, port)
    conn.open(options=[("MSS", 1460)])
    fd = t.agent.accept(listener)
    edge, frames = 0, fill_window(conn)
    since = t.link.mark()
    for _ in range(5):
        t.agent.recv(fd, 1)
    t.host.ping()
    assert not [f for _, f in t.link.log[since:] if t.host.to_me(f) and TCP in f]
    for f in frames:
        new = f[TCP].ack + f[TCP].window
        assert new >= edge
        edge = new


@case("D6", "a small write waits while another is unacknowledged, unless TCP_NODELAY says no", ("nagle", False), ("nodelay", True))
def nagle(t, nodelay):
    conn, fd = t.accepted()
    if nodelay:
        t.agent.set(fd, 6, 1, 1)
    t.agent.send(fd, b"one")
    conn.hear(lambda f: payload(f) == b"one")
    since = t.link.mark()
    t.agent.send(fd, b"two")
    t.agent.send(fd, b"three")
    t.host.ping()
    seen = {f[TCP].seq: payload(f) for _, f in conn.texts(since) if f[TCP].seq != conn.ack}  # the first may go again
    assert list(seen.values()) == ([b"two", b"three"] if nodelay else [])
    if not nodelay:
        conn.ack += 3
        conn.send(ACK)
        assert payload(conn.hear(lambda f: payload(f) and f[TCP].seq == conn.ack)) == b"twothree"


@case("D6", "what is corked waits: for more, for the cork's end, at most for 200 ms",
      ("more", 0), ("uncorked", 1), ("in_time", 2), slow=True, clock=True)
def corked(t, how):
    conn, fd = t.accepted(syn={"options": [("MSS", 1000)]})
    t.agent.set(fd, 6, 3, 1)  # TCP_CORK
    sent = time.monotonic()
    t.agent.send(fd, b"c" * 600)
    t.host.ping()
    soon(time.monotonic() - sent, 0.15)
    assert not conn.texts()
    if how == 0:
        t.agent.send(fd, b"c" * 600)
    elif how == 1:
        t.agent.set(fd, 6, 3, 0)
    frame = conn.hear(payload)
    assert len(payload(frame)) == (1000 if how == 0 else 600)
    assert how != 2 or t.time_of(frame) - sent > 0.1


@case("D7", "nobody hears from a shut window: the pauses between the probes grow", slow=True)
def probes_back_off(t):
    conn, fd = t.accepted(window=0)
    t.agent.sending(fd, b"waiting for room")
    times, since = [], conn.since
    for _ in range(4):
        probe = conn.hear(since=since)
        assert len(payload(probe)) <= 1
        times.append(t.time_of(probe))
        since = t.link.mark()
        t.link.send(conn.segment(ACK))
    gaps = [b - a for a, b in zip(times, times[1:])]
    for a, b in zip(gaps, gaps[1:]):
        soon(1.5, b / a)
        soon(b / a, 2.7)


@case("D7", "twenty peers that keep their windows shut: others are served as ever")
def many_shut(t):
    listener, port = t.listen(backlog=40)
    for _ in range(20):
        conn = Tcp(t.host, port, window=0)
        conn.open()
        t.agent.sending(t.agent.accept(listener), bytes(3000))
    conn, fd = t.accepted()
    t.lives(conn, fd)


@case("D8", "the word that a window is open again was lost: the answer to a probe says it", slow=True)
def lost_update(t):
    conn, fd = t.accepted(window=0)
    t.agent.sending(fd, b"waiting for room")
    probe = conn.hear(since=conn.since)
    conn.window = 65535
    since = t.link.mark()
    conn.ack += len(payload(probe))
    t.link.send(conn.segment(ACK))
    assert b"waiting for room".endswith(payload(conn.hear(payload, since)))


@case("D7", "a window of nothing is probed, and data flow when it opens", slow=True)
def zero_window(t):
    conn, fd = t.accepted(window=0)
    since = t.link.mark()
    t.agent.sending(fd, b"waiting for room")
    for _ in range(2):
        probe = conn.hear(since=since)
        assert len(payload(probe)) <= 1
        since = t.link.mark()
        t.link.send(conn.segment(ACK))
    conn.window = 65535
    since = t.link.mark()
    t.link.send(conn.segment(ACK))
    assert b"waiting for room".endswith(payload(conn.hear(payload, since)))


@case("D9", "a window that was pulled back is obeyed: nothing goes beyond it")
def shrunk_window(t):
    conn, fd = t.accepted(window=800, syn={"options": [("MSS", 200)]})
    t.agent.sending(fd, bytes(2000))
    conn.hear(lambda f: f[TCP].seq == conn.ack + 600)
    conn.window = 100
    conn.ack += 200
    since = t.link.mark()
    t.link.send(conn.segment(ACK))
    time.sleep(0.7)
    right = conn.ack + 600  # what had been sent may be sent again
    assert all(f[TCP].seq + len(payload(f)) <= right for _, f in t.link.log[since:] if t.host.to_me(f) and TCP in f)
    conn.window, conn.ack = 65535, conn.ack + 600
    t.link.send(conn.segment(ACK))
    conn.hear(lambda f: payload(f) and f[TCP].seq == conn.ack)


@case("D10", "a window of more than 64 KiB is used", slow=True, clock=True)
def beyond_64k(t):
    conn, fd = t.accepted(rtt=0.07 * t.factor, window=0, syn={"options": [("MSS", 1460), ("WScale", 7)]})
    t.agent.set(fd, 1, 7, 1 << 19)  # SO_SNDBUF: the program is not what limits
    for _ in range(8):
        t.agent.send(fd, bytes(30000))
    conn.window = 4000
    t.link.send(conn.segment(ACK))
    base, acked, since, end = conn.ack, 0, t.link.mark(), time.monotonic() + PATIENCE
    while True:
        time.sleep(0.07 * t.factor)  # a round trip that grows, or a train of acknowledgments, ends slow start
        seen = max([(f[TCP].seq - base & 0xffffffff) + len(payload(f)) for _, f in conn.texts(since)], default=0)
        if seen - acked > 65535:
            break
        assert time.monotonic() < end, seen
        acked = seen
        t.link.send(conn.segment(ACK, ack=base + acked))


@case("D11", "PSH stands on the last segment of a write, not on the first of three")
def push(t):
    conn, fd = t.accepted(syn={"options": [("MSS", 1460)]})
    t.agent.send(fd, bytes(4000))
    conn.hear(lambda f: f[TCP].flags.P and f[TCP].seq + len(payload(f)) == conn.ack + 4000 & 0xffffffff)
    assert not conn.texts()[0][1][TCP].flags.P  # the second may bear one: what went to the card as one packet ends there


@case("D12", "urgent data in line are data in their place")
def urgent_in_line(t):
    conn, fd = t.accepted()
    t.agent.set(fd, 1, 10, 1)  # SO_OOBINLINE
    conn.probe(conn.segment(PSH | ACK | URG, b"abc", urgptr=3))
    conn.seq += 3
    got = b""
    while len(got) < 3:
        got += t.agent.recv(fd)
    assert got == b"abc"
    t.lives(conn, fd)


@case("D12", "an urgent pointer that points nowhere is harmless", ("past_end", 0xffff), ("zero", 0))
def wild_pointer(t, pointer):
    conn, fd = t.accepted()
    t.agent.set(fd, 1, 10, 1)
    conn.probe(conn.segment(ACK | URG, urgptr=pointer))
    t.lives(conn, fd)


@case("D12", "a reset is believed and an urgent pointer is told of while the window is shut", ("reset", False), ("urgent", True))
def at_a_shut_window(t, urgent):
    conn, fd = t.accepted(SO_RCVBUF=4096)
    fill_window(conn)
    if not urgent:
        conn.probe(conn.segment(RST))
        assert conn.is_dead()
        return
    conn.probe(conn.segment(ACK | URG, urgptr=1))
    left = conn.seq - 1001
    while left:
        left -= len(t.agent.recv(fd, left))
    assert t.agent.ioctl(fd, 0x8905) == 1  # SIOCATMARK


@case("D13", "a receive buffer that was asked for is obeyed: the window never offers more", ("4096", 4096), ("20000", 20000))
def small_buffer(t, size):
    conn, _ = t.accepted(SO_RCVBUF=size)
    frames = fill_window(conn)
    assert all(f[TCP].window <= 2 * size for f in frames) and conn.seq - 1001 <= 2 * size


@case("D14", "the numbers run over in mid-connection", ("early", 0xfffffff0), ("at_once", 0xffffffff), ("just_over", 0xfffffffe))
def wrap(t, seq):
    conn, fd = t.accepted(seq=seq)
    for _ in range(3):
        t.lives(conn, fd, bytes(200))
    conn.send(FIN | ACK)
    conn.hear(lambda f: f[TCP].ack == conn.seq)


@case("D12", "an urgent byte stands apart: poll() says that it is there, MSG_OOB takes it, and the stream goes on without it")
def urgent_apart(t):
    conn, fd = t.accepted()
    conn.probe(conn.segment(PSH | ACK | URG, b"abc", urgptr=3))
    conn.seq += 3
    assert t.agent.poll(fd) & 2
    assert t.agent.recv(fd, 10, socket.MSG_OOB) == b"c"
    assert t.agent.recv(fd, 10) == b"ab"
    t.lives(conn, fd)
