# SPDX-License-Identifier: MIT
"""TCP: loss, congestion and timers, as the peer of a sender sees them.

The handshake takes ROUND seconds or some times of it, so that the sender's clocks stand far apart: a probe for a lost tail after 2 * ROUND, a quarter
of ROUND for disorder, a first timeout after 3 * ROUND (RFC 6298, 2.2). What only a clock can tell is told by bounds (soon()); where
two mechanisms send different segments, the segment is what counts.
"""
import struct
import time

from scapy.layers.inet import TCP

from rig import case, soon
from wire_peer import ACK, SYN, Tcp, payload

ROUND = 0.2
SIZE = 200  # of a segment
INFO = 11  # TCP_INFO
NOP = ("NOP", None)
SACK_OK = ("SAckOK", b"")


def info(t, fd):
    """What TCP_INFO says: rto, rtt and rttvar in seconds, ssthresh and cwnd in segments."""
    raw = t.agent.get(fd, 6, INFO, 192)
    rto, = struct.unpack_from("<I", raw, 8)
    rtt, rttvar, ssthresh, cwnd = struct.unpack_from("<4I", raw, 68)
    return {"rto": rto / 1e6, "rtt": rtt / 1e6, "rttvar": rttvar / 1e6, "ssthresh": ssthresh, "cwnd": cwnd, "state": raw[1]}


class Flow:
    """A connection on which the guest sends @count segments of SIZE bytes. They are counted from 0; nothing is acknowledged unasked."""

    def __init__(self, t, count=10, rtt=ROUND, sack=True, burst=10, prepare=lambda fd: None):
        self.t, self.rtt = t, rtt * t.factor
        self.conn, self.fd = t.accepted(rtt=self.rtt, syn={"options": [("MSS", SIZE), *([SACK_OK] if sack else [])]})
        prepare(self.fd)
        self.base, self.first = self.conn.ack, t.link.mark()
        self.say(count)
        self.last = self.wait(burst - 1)  # when the last of the first burst came

    def say(self, count):
        self.t.agent.sending(self.fd, bytes(count * SIZE))

    def number(self, frame):
        return (frame[TCP].seq - self.base & 0xffffffff) / SIZE

    def seen(self, since=None):
        """Segments from position @since on: (time, number)."""
        return [(at, self.number(f)) for at, f in self.conn.texts(self.first if since is None else since)]

    def numbers(self, since=None):
        return [n for _, n in self.seen(since)]

    def wait(self, number, since=None):
        """When segment @number came."""
        frame = self.conn.hear(lambda f: payload(f) and self.number(f) == number, self.first if since is None else since)
        return self.t.time_of(frame)

    def next(self, since):
        """Time and number of the next segment whatever it is."""
        frame = self.conn.hear(payload, since)
        return self.t.time_of(frame), self.number(frame)

    def ack(self, upto=0, *blocks):
        """Acknowledges everything below segment @upto, and reports @blocks of segments. The position and the time before."""
        since, sent = self.t.link.mark(), time.monotonic()
        self.conn.ack = self.base + int(upto * SIZE) & 0xffffffff
        edges = [self.base + e * SIZE & 0xffffffff for b in blocks for e in b]
        options = {"options": [NOP, NOP, ("SAck", tuple(edges))]} if edges else {}
        self.t.link.send(self.conn.segment(ACK, **options))
        return since, sent

    def rest(self, since):
        """What had come at once: the segments from @since to a ping's answer."""
        self.t.host.ping()
        return self.numbers(since)

    def round_trip(self):
        """Waits until a round trip has passed since the last burst: an answer now is an honest sample."""
        time.sleep(max(0, self.last + self.rtt - time.monotonic()))


# --- Timeouts ---------------------------------------------------------------------------------------------------------------------
@case("R1", "the timeout follows the round trip: srtt + 4 rttvar at first, with at least 200 ms for the variance", ("long", 0.3), ("short", 0),
      slow=True, clock=True)
def timeout_of_the_round_trip(t, rtt):
    _, fd = t.accepted(rtt=rtt)
    now = info(t, fd)
    assert now["rtt"] >= rtt and abs(now["rttvar"] - now["rtt"] / 2) < 0.06 + now["rtt"] / 20
    assert abs(now["rto"] - now["rtt"] - max(0.2, 2 * now["rtt"])) < 0.03


@case("R2", "what was sent twice is not measured", slow=True, clock=True)
def not_measured_twice(t):
    flow = Flow(t, count=1, burst=1)
    before = info(t, flow.fd)["rtt"]
    since = t.link.mark()
    flow.wait(0, since)  # a probe or a timeout
    time.sleep(1)
    flow.ack(1)
    t.host.ping()
    assert abs(info(t, flow.fd)["rtt"] - before) < 0.01


@case("R3", "what nobody acknowledges is sent again, one segment, after at least 200 ms, and the wait doubles", slow=True, clock=True)
def timeout_doubles(t):
    conn, fd = t.accepted()
    t.agent.send(fd, b"lost")
    first = t.link.wait(lambda f: TCP in f and conn.mine(f) and payload(f), conn.since)
    times = [t.link.log[first][0]]
    at = first
    for _ in range(4):
        at = t.link.wait(lambda f: TCP in f and conn.mine(f) and payload(f), at + 1)
        times.append(t.link.log[at][0])
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert gaps[0] > 0.15
    for a, b in zip(gaps[1:], gaps[2:]):
        soon(1.5, b / a)
        soon(b / a, 2.7)


@case("R3", "after a timeout the window is one segment, and only the first one goes", slow=True, clock=True)
def one_segment_after_timeout(t):
    flow = Flow(t, sack=False)
    since = t.link.mark()
    flow.wait(0, since)
    assert set(flow.rest(since)) <= {0, 9}  # the tail may have been probed for
    after = info(t, flow.fd)
    assert after["cwnd"] == 1 and after["ssthresh"] in (5, 6, 7)


@case("R4", "a SYN-ACK that was sent twice: a timeout of three seconds, a window of one segment",
      ("timeout", False), ("window", True), slow=True, clock=True)
def slow_handshake(t, window):
    listener, port = t.listen()
    conn = Tcp(t.host, port)
    conn.send(SYN, options=[("MSS", SIZE)])
    first = conn.hear(lambda f: f[TCP].flags == "SA")
    again = conn.hear(lambda f: f[TCP].flags == "SA" and f is not first)
    conn.ack = again[TCP].seq + 1 & 0xffffffff
    conn.send(ACK)
    fd = t.agent.accept(listener)
    if window:
        since = t.link.mark()
        t.agent.sending(fd, bytes(2000))
        conn.hear(payload, since)
        t.host.ping()
        assert len(conn.texts(since)) == 1
    else:
        assert info(t, fd)["rto"] == 3


# --- How much ------------------------------------------------------------------------------------------------------------------------
@case("R5", "ten segments, then it waits for an acknowledgment", slow=True, clock=True)
def initial_window(t):
    flow = Flow(t, count=20)
    time.sleep(flow.rtt)  # a probe for a lost tail comes after two of them
    soon(time.monotonic() - flow.last, 1.9 * flow.rtt)
    assert flow.numbers() == list(range(10))


@case("R6", "slow start: what is acknowledged is added to the window", ("each", range(1, 7)), ("at_once", (10,)), slow=True, clock=True)
def slow_start(t, acks):
    flow = Flow(t, count=60)
    flow.round_trip()
    for upto in acks:  # eight samples that grow would end it (RFC 9406)
        flow.ack(upto)
    end = 10 + 2 * acks[-1]
    flow.wait(end - 1)
    time.sleep(flow.rtt)
    assert sorted(set(flow.numbers())) in (list(range(end)), list(range(end + 1)))  # one more may be a probe


@case("R6", "a segment acknowledged byte by byte adds one to the window, not one for each acknowledgment", slow=True, clock=True)
def divided_acks(t):
    flow = Flow(t, count=60)
    flow.round_trip()
    for part in range(1, 41):
        flow.ack(part / 40)
    flow.t.host.ping()
    assert len(set(flow.numbers())) <= 12 and info(t, flow.fd)["cwnd"] <= 11


@case("R7", "a window that is not filled does not grow", slow=True, clock=True)
def application_limited(t):
    flow = Flow(t, count=1, burst=1)
    for n in range(1, 15):
        since, _ = flow.ack(n)
        flow.say(1)
        flow.wait(n, since)
    assert info(t, flow.fd)["cwnd"] <= 10


@case("R8", "after a pause as long as some timeouts a burst is no larger than the first one was", slow=True, clock=True)
def after_a_pause(t):
    flow = Flow(t, count=30, rtt=0.05)
    flow.ack(10)
    flow.wait(29)
    flow.ack(30)
    t.host.ping()
    assert info(t, flow.fd)["cwnd"] >= 20
    time.sleep(2.5)
    since = t.link.mark()
    flow.say(30)
    flow.wait(39, since)
    t.host.ping()
    assert info(t, flow.fd)["cwnd"] == 10


# --- Duplicate acknowledgments -------------------------------------------------------------------------------------------------------
@case("R9", "three duplicate acknowledgments: what is missing is sent again, once, before a timeout", slow=True, clock=True)
def fast_retransmit(t):
    flow = Flow(t, sack=False)
    flow.round_trip()
    since, _ = flow.ack()
    flow.ack()
    assert flow.rest(since) == []
    _, sent = flow.ack()
    at = flow.wait(0, since)
    soon(at - sent, flow.rtt / 2)
    for _ in range(3):
        flow.ack()
    assert flow.rest(since) == [0]


@case("R9", "one and two duplicate acknowledgments: new data, nothing again", ("without_sack", False), ("with_sack", True), slow=True, clock=True)
def limited_transmit(t, sack):
    flow = Flow(t, count=20, sack=sack)
    flow.round_trip()
    since, started = t.link.mark(), time.monotonic()
    for new in (10, 11):
        flow.ack(0, *([(1, new - 8)] if sack else []))
        flow.wait(new, since)
    soon(time.monotonic() - started, flow.rtt / 4)  # then a hole of that age may be filled
    assert flow.numbers(since)[:2] == [10, 11]


@case("R10", "without SACK an acknowledgment of a part shows the next hole, which is filled at once", slow=True, clock=True)
def partial_ack(t):
    flow = Flow(t, sack=False)
    flow.round_trip()
    since, _ = flow.ack()
    flow.ack()
    flow.ack()
    flow.wait(0, since)
    since, sent = flow.ack(4)
    at, number = flow.next(since)
    assert number == 4
    soon(at - sent, flow.rtt / 2)


# --- Selective acknowledgment ----------------------------------------------------------------------------------------------------------
@case("R11", "a reported hole is filled, and nothing that was reported is sent again", slow=True, clock=True)
def fill_the_hole(t):
    flow = Flow(t)
    flow.round_trip()
    since = t.link.mark()
    for last in (3, 5, 7):
        flow.ack(0, (2, last))
    flow.wait(0, since)
    flow.wait(1, since)
    assert set(flow.rest(since)) <= {0, 1, 7, 8, 9}


@case("R11", "of two holes the lower one is filled first, and each once", slow=True, clock=True)
def two_holes(t):
    flow = Flow(t)
    flow.round_trip()
    since, sent = flow.ack(0, (5, 10), (1, 4))
    flow.wait(4, since)
    soon(time.monotonic() - sent, flow.rtt)
    assert flow.rest(since) == [0, 4]


@case("R11", "reports of what was never sent, upside down, or long done are no reports",
      ("beyond", (20, 30)), ("reversed", (6, 2)), ("below", (-9, -5)),
      ("huge", (1, 1 << 20)), slow=True, clock=True)
def impossible_blocks(t, block):
    flow = Flow(t)
    flow.round_trip()
    since = t.link.mark()
    for _ in range(2):
        flow.ack(0, block)
    assert flow.rest(since) == []
    flow.ack(10)
    t.lives(flow.conn, flow.fd)


@case("R14", "in recovery seven or five segments go for ten that arrive, never two for one", slow=True, clock=True)
def proportional(t):
    flow = Flow(t, count=60)
    flow.round_trip()
    since, before = t.link.mark(), 0
    for arrived in range(1, 10):
        flow.ack(0, (1, arrived + 1))
        flow.t.host.ping()
        sent = len(flow.numbers(since))
        assert sent - before <= 2
        before = sent
    soon(time.monotonic() - flow.last, 1.9 * flow.rtt)
    assert 5 <= before <= 8


@case("R18", "a loss takes three tenths from the window (RFC 9438), no more, no less", slow=True, clock=True)
def reduction(t):
    flow = Flow(t, count=60)
    flow.round_trip()
    since, _ = flow.ack(0, (1, 5))
    flow.wait(0, since)
    assert info(t, flow.fd)["ssthresh"] == 7


# --- RACK-TLP (RFC 8985) -----------------------------------------------------------------------------------------------------------------
@case("R15", "a single report of something later: the hole is filled after a quarter of a round trip, not at once, and before a timeout",
      slow=True, clock=True)
def by_time(t):
    flow = Flow(t)
    flow.round_trip()
    since, sent = flow.ack(0, (1, 2))
    at = flow.wait(0, since)
    assert at - sent > flow.rtt / 8
    soon(at - sent, flow.rtt)
    assert flow.rest(since)[0] == 0


@case("R15", "the last of ten is reported alone: the nine before it are sent again soon, by time, not by count", slow=True, clock=True)
def all_but_the_last(t):
    flow = Flow(t)
    flow.round_trip()
    since, sent = flow.ack(0, (9, 10))
    soon(flow.wait(0, since) - sent, flow.rtt)
    for n in range(1, 9):
        flow.ack(n, (9, 10))
        flow.wait(n, since)
    assert 9 not in flow.numbers(since)


def disorder(flow, upto, blocks, number):
    """Reports @blocks, and @upto a tenth of a round trip later: segment @number came late. What went meanwhile, and a while after."""
    flow.round_trip()
    since, sent = flow.ack(number, blocks)
    time.sleep(flow.rtt / 20)
    flow.ack(upto)
    soon(time.monotonic() - sent, flow.rtt / 5)
    time.sleep(flow.rtt / 2)
    return flow.numbers(since)


@case("R15", "what comes a little late was not lost, and is not sent again", slow=True, clock=True)
def a_little_disorder(t):
    flow = Flow(t)
    assert disorder(flow, 10, (1, 3), 0) == []


@case("R15", "who has seen disorder does not take three reports for a loss either", slow=True, clock=True)
def disorder_is_remembered(t):
    flow = Flow(t)
    disorder(flow, 10, (1, 3), 0)
    since = t.link.mark()
    flow.say(10)
    flow.last = flow.wait(19, since)
    assert disorder(flow, 20, (11, 20), 10) == []


@case("R15", "a retransmission that is lost as well is sent again when something sent after it has come, not after a timeout", slow=True, clock=True)
def lost_again(t):
    flow = Flow(t, count=60)
    flow.round_trip()
    since, _ = flow.ack(0, (1, 5))
    again = flow.wait(0, since)
    flow.ack(0, (1, 6))
    flow.ack(0, (1, 10))
    new = max(flow.wait(n, since) for n in (10,))
    time.sleep(max(0, new + flow.rtt - time.monotonic()))
    upto = 1 + max(n for at, n in flow.seen(since) if n >= 10 and at >= again)
    since, sent = flow.ack(0, (10, int(upto)), (1, 10))
    soon(flow.wait(0, since) - sent, flow.rtt / 2)


@case("R16", "the end of a burst is lost: after two round trips the last segment goes again, before the first one would by a timeout",
      slow=True, clock=True)
def tail_probe(t):
    flow = Flow(t)
    since = t.link.mark()
    at, number = flow.next(since)
    assert number == 9, "the last one proves what is missing; the first one goes at a timeout"
    assert at - flow.last > 1.8 * flow.rtt
    soon(at - flow.last, 2.9 * flow.rtt)


@case("R16", "a probe prefers what was not sent yet", slow=True, clock=True)
def probe_of_new_data(t):
    flow = Flow(t, count=20)
    since = t.link.mark()
    at, number = flow.next(since)
    assert number == 10 and at - flow.last > 1.8 * flow.rtt


@case("R16", "one probe, and after it a timeout as long as any", slow=True, clock=True)
def one_probe(t):
    flow = Flow(t, rtt=0.05)
    since = t.link.mark()
    first, number = flow.next(since)
    assert number == 9
    second, number = flow.next(t.link.wait(lambda f: TCP in f and flow.conn.mine(f) and payload(f), since) + 1)
    assert number == 0 and second - first > 0.2


@case("R16", "a single segment: its probe does not double the timeout behind it", slow=True, clock=True)
def single_segment(t):
    flow = Flow(t, count=1, burst=1, rtt=0.05)
    while len(times := [at for at, _ in flow.seen()]) < 4:
        flow.conn.hear(payload, t.link.mark())
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert gaps[0] > 0.2
    soon(gaps[1] / gaps[0], 1.5)
    soon(1.5, gaps[2] / gaps[1])


@case("R16", "what the probe made known is repaired at once", slow=True, clock=True)
def repaired_after_probe(t):
    flow = Flow(t)
    since = t.link.mark()
    flow.last = flow.wait(9, since) + flow.rtt / 4
    flow.round_trip()  # sooner it would be the answer to the first copy
    since, sent = flow.ack(6, (9, 10))
    soon(flow.wait(6, since) - sent, flow.rtt)
    flow.ack(7, (9, 10))
    flow.wait(7, since)


# --- Needless retransmission -----------------------------------------------------------------------------------------------------------
@case("R13", "a report that the repetition was needless takes the reduction back", slow=True, clock=True)
def undone_by_report(t):
    flow = Flow(t)
    flow.round_trip()
    since, _ = flow.ack(0, (1, 5))
    flow.wait(0, since)
    assert info(t, flow.fd)["ssthresh"] < 10
    flow.ack(10)
    flow.ack(10, (0, 1))
    t.host.ping()
    assert info(t, flow.fd)["ssthresh"] > 1000


@case("R17", "a timeout that was needless: the acknowledgments of the first copies come, and nothing more goes again", slow=True, clock=True)
def needless_timeout(t):
    flow = Flow(t, count=20)
    since = t.link.mark()
    flow.wait(0, since)  # the timeout
    since, _ = flow.ack(2)
    assert all(n >= 10 for n in flow.rest(since))
    for upto in (4, 6, 8, 10):
        flow.ack(upto)
    assert all(n >= 10 for n in flow.rest(since))
    assert info(t, flow.fd)["ssthresh"] > 1000
