// SPDX-License-Identifier: MIT
/*
 * Twelve states by eleven events (RFC 9293, 3.10.7, with RFC 5961's challenges): the state that follows, the answer, the
 * error the application sees. CLOSED is the state of a stranger's segment; SYN-RECEIVED comes as the half-open request
 * of a listener and as the full socket of a simultaneous open.
 */
#include "peer.h"

enum event {
	RST_EXACT,  /* RST with SEG.SEQ = RCV.NXT */
	RST_WINDOW, /* RST elsewhere in the window */
	RST_BEFORE, /* RST left of the window */
	RST_ACK,    /* the exact one, with an acceptable ACK */
	SYN_WINDOW, /* SYN in the window */
	ACK_ALL,    /* acknowledges all that was sent */
	ACK_UNSENT, /* acknowledges what was not sent */
	TEXT,       /* ten bytes at RCV.NXT, acknowledging nothing new of a FIN */
	FIN_NEW,    /* FIN at RCV.NXT, the same way */
	FIN_OLD,    /* the octet before RCV.NXT again, as a FIN */
	BEYOND,     /* empty, far right of the window */
	NR_EVENTS
};
static const char *const event_names[NR_EVENTS] = {
	"rst_exact",  "rst_window", "rst_before", "rst_ack", "syn_window", "ack_all",
	"ack_unsent", "text",       "fin_new",    "fin_old", "beyond",
};

static struct socket *entered; /* the application's socket, NULL where there is none */

static void enter_closing(bool fin_acked, bool peer_fin)
{
	entered = peer_connected();
	CHECK_EQ(entered->ops->shutdown(entered, SHUT_WR), 0);
	CHECK(said(0)->flags & TCPHDR_FIN);
	peer_follow();
	if (fin_acked)
		peer_ack();
	if (peer_fin) {
		tell(TCPHDR_FIN | TCPHDR_ACK, peer.seq, fin_acked ? 0 : -1, 0);
		peer.seq++;
	}
}

/* Brings the connection into @state. */
static void enter(enum tcp_state state)
{
	entered = NULL;
	switch (state) {
	case TCP_CLOSE:
		peer.nxt = peer.una = 5000;
		break;
	case TCP_LISTEN:
	case TCP_NEW_SYN_RECV:
		entered = tcp_listener(0, PORT, 5);
		peer.nxt = peer.una = 5000;
		if (state == TCP_NEW_SYN_RECV)
			peer_syn(peer_mss1460, 4);
		break;
	case TCP_SYN_SENT:
		entered = peer_connecting();
		break;
	case TCP_SYN_RECV:
		entered = peer_connecting();
		tell_raw(TCPHDR_SYN, peer.seq++, 0, 0);
		break;
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		entered = peer_connected();
		tell_fin();
		if (state == TCP_LAST_ACK)
			CHECK_EQ(entered->ops->shutdown(entered, SHUT_WR), 0);
		peer_follow();
		break;
	case TCP_FIN_WAIT1:
		enter_closing(false, false);
		break;
	case TCP_FIN_WAIT2:
		enter_closing(true, false);
		break;
	case TCP_CLOSING:
		enter_closing(false, true);
		break;
	case TCP_TIME_WAIT:
		enter_closing(true, true);
		break;
	default:
		entered = peer_connected();
		break;
	}
	CHECK_EQ(peer_found(), state);
	host_clock_advance(NSEC_PER_SEC /
			   5); /* delayed ACKs are out; limits on answers are fresh */
	peer_hush();
}

static bool fin_unacked(enum tcp_state s)
{
	return s == TCP_FIN_WAIT1 || s == TCP_CLOSING || s == TCP_LAST_ACK;
}

static void happen(enum tcp_state state, enum event e)
{
	s32 old_ack = fin_unacked(state) ? -1 : 0;

	switch (e) {
	case RST_EXACT:
		tell_raw(TCPHDR_RST, peer.seq, 0, 0);
		break;
	case RST_WINDOW:
		tell_raw(TCPHDR_RST, peer.seq + 100, 0, 0);
		break;
	case RST_BEFORE:
		tell_raw(TCPHDR_RST, peer.seq - 100, 0, 0);
		break;
	case RST_ACK:
		tell(TCPHDR_RST | TCPHDR_ACK, peer.seq, 0, 0);
		break;
	case SYN_WINDOW:
		tell_raw(TCPHDR_SYN, peer.seq + 50, 0, 0);
		break;
	case ACK_ALL:
		tell(TCPHDR_ACK, peer.seq, 0, 0);
		break;
	case ACK_UNSENT:
		tell(TCPHDR_ACK, peer.seq, 1, 0);
		break;
	case TEXT:
		tell(TCPHDR_ACK, peer.seq, old_ack, 10);
		break;
	case FIN_NEW:
		tell(TCPHDR_FIN | TCPHDR_ACK, peer.seq, old_ack, 0);
		break;
	case FIN_OLD:
		tell(TCPHDR_FIN | TCPHDR_ACK, peer.seq - 1, old_ack, 0);
		break;
	default:
		tell(TCPHDR_ACK, peer.seq + 1000000, old_ack, 0);
		break;
	}
}

struct transition {
	const char *name;
	enum tcp_state state;
	struct {
		enum tcp_state next;
		int flags; /* of the one answer; 0: silence */
		int err;   /* what the application reads afterwards, 0: nothing */
	} after[NR_EVENTS];
};

#define A  TCPHDR_ACK
#define R  TCPHDR_RST
#define RA (TCPHDR_RST | TCPHDR_ACK)
#define SA (TCPHDR_SYN | TCPHDR_ACK)
#define CL TCP_CLOSE
#define LI TCP_LISTEN
#define NR TCP_NEW_SYN_RECV
#define SS TCP_SYN_SENT
#define SR TCP_SYN_RECV
#define ES TCP_ESTABLISHED
#define F1 TCP_FIN_WAIT1
#define F2 TCP_FIN_WAIT2
#define CW TCP_CLOSE_WAIT
#define CG TCP_CLOSING
#define LA TCP_LAST_ACK
#define TW TCP_TIME_WAIT

// clang-format off
static const struct transition table[] = {
	/*                  rst_exact              rst_window       rst_before      rst_ack                 syn_window */
	{ "closed", CL, { { CL, 0, 0 },            { CL, 0, 0 },    { CL, 0, 0 },   { CL, 0, 0 },           { CL, RA, 0 },
	/*                  ack_all      ack_unsent     text           fin_new        fin_old        beyond */
			  { CL, R, 0 },  { CL, R, 0 },  { CL, R, 0 },  { CL, R, 0 },  { CL, R, 0 },  { CL, R, 0 } } },
	{ "listen", LI, { { LI, 0, 0 },            { LI, 0, 0 },    { LI, 0, 0 },   { LI, 0, 0 },           { NR, SA, 0 },
			  { LI, R, 0 },  { LI, R, 0 },  { LI, R, 0 },  { LI, R, 0 },  { LI, R, 0 },  { LI, R, 0 } } },
	{ "half_open", NR, { { LI, 0, 0 },         { NR, A, 0 },    { NR, 0, 0 },   { LI, 0, 0 },           { LI, RA, 0 },
			  { ES, 0, 0 },  { NR, R, 0 },  { ES, A, 0 },  { CW, A, 0 },  { NR, A, 0 },  { NR, A, 0 } } },
	{ "syn_sent", SS, { { SS, 0, 0 },          { SS, 0, 0 },    { SS, 0, 0 },   { CL, 0, ECONNREFUSED }, { SR, SA, 0 },
			  { SS, 0, 0 },  { SS, R, 0 },  { SS, 0, 0 },  { SS, 0, 0 },  { SS, 0, 0 },  { SS, 0, 0 } } },
	{ "syn_received", SR, { { CL, 0, ECONNREFUSED }, { SR, A, 0 }, { SR, 0, 0 }, { CL, 0, ECONNREFUSED }, { SR, A, 0 },
			  { ES, 0, 0 },  { SR, R, 0 },  { ES, A, 0 },  { CW, A, 0 },  { ES, A, 0 },  { SR, A, 0 } } },
	{ "established", ES, { { CL, 0, ECONNRESET }, { ES, A, 0 }, { ES, 0, 0 },   { CL, 0, ECONNRESET },  { ES, A, 0 },
			  { ES, 0, 0 },  { ES, A, 0 },  { ES, A, 0 },  { CW, A, 0 },  { ES, A, 0 },  { ES, A, 0 } } },
	{ "fin_wait_1", F1, { { CL, 0, ECONNRESET }, { F1, A, 0 },  { F1, 0, 0 },   { CL, 0, ECONNRESET },  { F1, A, 0 },
			  { F2, 0, 0 },  { F1, A, 0 },  { F1, A, 0 },  { CG, A, 0 },  { F1, A, 0 },  { F1, A, 0 } } },
	{ "fin_wait_2", F2, { { CL, 0, ECONNRESET }, { F2, A, 0 },  { F2, 0, 0 },   { CL, 0, ECONNRESET },  { F2, A, 0 },
			  { F2, 0, 0 },  { F2, A, 0 },  { F2, A, 0 },  { TW, A, 0 },  { F2, A, 0 },  { F2, A, 0 } } },
	{ "close_wait", CW, { { CL, 0, EPIPE },    { CW, A, 0 },    { CW, 0, 0 },   { CL, 0, EPIPE },       { CW, A, 0 },
			  { CW, 0, 0 },  { CW, A, 0 },  { CW, 0, 0 },  { CW, 0, 0 },  { CW, A, 0 },  { CW, A, 0 } } },
	{ "closing", CG, { { CL, 0, ECONNRESET },  { CG, A, 0 },    { CG, 0, 0 },   { CL, 0, ECONNRESET },  { CG, A, 0 },
			  { TW, 0, 0 },  { CG, A, 0 },  { CG, 0, 0 },  { CG, 0, 0 },  { CG, A, 0 },  { CG, A, 0 } } },
	{ "last_ack", LA, { { CL, 0, ECONNRESET }, { LA, A, 0 },    { LA, 0, 0 },   { CL, 0, ECONNRESET },  { LA, A, 0 },
			  { CL, 0, 0 },  { LA, A, 0 },  { LA, 0, 0 },  { LA, 0, 0 },  { LA, A, 0 },  { LA, A, 0 } } },
	{ "time_wait", TW, { { TW, 0, 0 },         { TW, 0, 0 },    { TW, 0, 0 },   { TW, 0, 0 },           { TW, A, 0 },
			  { TW, 0, 0 },  { TW, 0, 0 },  { TW, A, 0 },  { TW, A, 0 },  { TW, A, 0 },  { TW, A, 0 } } },
};
// clang-format on

/* One row: a state; every event on a connection of its own. */
static void one(const struct transition *row, enum event e)
{
	int flags, err;

	peer_up();
	enter(row->state);
	happen(row->state, e);
	flags = said(0)->flags;
	err = entered ? entered->sk->sk_err : 0;
	if (peer_found() != row->after[e].next || flags != row->after[e].flags ||
	    err != row->after[e].err || peer.n > 1)
		printf("# %s, %s: state %d (wanted %d), %u answers, flags 0x%x (0x%x), error %d "
		       "(%d)\n",
		       row->name, event_names[e], peer_found(), row->after[e].next, peer.n,
		       (unsigned)flags, (unsigned)row->after[e].flags, err, row->after[e].err);
	CHECK_EQ(peer_found(), row->after[e].next);
	CHECK_EQ(flags, row->after[e].flags);
	CHECK_EQ(err, row->after[e].err);
	CHECK(peer.n <= 1);
	if (entered)
		sock_release(entered);
	peer_down();
}

#define EVENT_TEST(test_, event_)                                                                  \
	TEST_EACH(test_, table)                                                                    \
	{                                                                                          \
		one(row, event_);                                                                  \
	}
EVENT_TEST(rst_exact, RST_EXACT)
EVENT_TEST(rst_in_window, RST_WINDOW)
EVENT_TEST(rst_before_window, RST_BEFORE)
EVENT_TEST(rst_with_ack, RST_ACK)
EVENT_TEST(syn_in_window, SYN_WINDOW)
EVENT_TEST(ack_of_everything, ACK_ALL)
EVENT_TEST(ack_of_unsent, ACK_UNSENT)
EVENT_TEST(text, TEXT)
EVENT_TEST(fin, FIN_NEW)
EVENT_TEST(fin_again, FIN_OLD)
EVENT_TEST(beyond_window, BEYOND)

KTEST_MAIN_BOOT()
