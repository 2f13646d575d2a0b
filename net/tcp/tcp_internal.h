/* SPDX-License-Identifier: MIT */
/*
 * What the files of net/tcp share. They form a line, each may call only those to its left (upward news travels by timers and by the
 * pointers in struct sock):
 *   options, tstamp, rtt, ecn, rate, chrono < prr, hystart, bbr_model < cubic, bbr < cong, seq_index < reply < sndbuf, segment < newreno, rack < sack < rtx_queue < pacing < state
 *   < timewait, window < rcvspace < transmit < output < retransmit < control < undo < tlp < recovery < ack < sack_recv < ofo, delack < data, urg
 *   < tsq < timer < request < syncookies < minisocks < input < ipv4 < sendmsg < sockopt < tcp < sysctl < net
 * Sequence numbers and windows bear the names of RFC 9293, 3.3.1. Segment counts are 32 bits.
 */
#ifndef NET_TCP_TCP_INTERNAL_H
#define NET_TCP_TCP_INTERNAL_H
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/capability.h>
#include <lib/err.h>
#include <lib/rbtree.h>
#include <net/inet_hashtables.h>
#include <net/skbuff_frags.h>
#include <net/sock.h>
#include <net/tcp.h>

/* What tcp_transmit_skb() says when memory or a queue of this host has no room now: try again soon, and do not count it. */
static inline bool tcp_no_room(int err)
{
	return err > 0 || err == -ENOBUFS || err == -ENOMEM;
}

/* --- Sequence arithmetic, modulo 2^32 (RFC 9293, 3.4) ------------------------------------------------------------ */
static inline bool before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

static inline bool after(u32 a, u32 b)
{
	return before(b, a);
}

/* @x lies in [@lo, @hi]. */
static inline bool between(u32 x, u32 lo, u32 hi)
{
	return hi - lo >= x - lo;
}

/* --- Numbers ---------------------------------------------------------------------------------------------------------- */
#define TCP_MSS_DEFAULT         536u
#define TCP_MIN_SND_MSS         48u /* tcp_min_snd_mss cannot be less */
#define TCP_MTUP_LEAST_CWND     11u /* segments; with less no path MTU is probed for */
#define TCP_PAWS_SLACK          1u  /* ticks that a timestamp may be behind, for those who round */
#define TCP_TSTAMP_LEN          12u /* of a timestamp option with its two NOPs */
#define TCP_INIT_CWND           10u
#define TCP_MIN_CWND            2u
#define TCP_INFINITE_SSTHRESH   0x7fffffffu
#define TCP_DUPACK_THRESH       3u
#define TCP_RACK_PERSIST        16u /* recoveries for which a widened reordering window lasts */
#define TCP_MAX_QUICKACKS       16u
#define TCP_MAX_BACKOFF         15u
#define TCP_THIN_LINEAR_RETRIES 6u
#define TCP_OFO_MAX_SKBS        4096u
#define TCP_RTO_MIN_NS          (200 * NSEC_PER_MSEC)
#define TCP_RTO_MAX_NS          (120 * NSEC_PER_SEC)
#define TCP_TIMEOUT_INIT_NS     (1 * NSEC_PER_SEC)
#define TCP_TIMEOUT_FALLBACK_NS (3 * NSEC_PER_SEC)  /* RFC 6298, 5.7 */
#define TCP_TIMEOUT_MIN_NS      (2 * NSEC_PER_MSEC) /* of a loss probe and of the reordering timer */
#define TCP_SOLICIT_RTT8_MIN    8  /* one of 1 us in eighths is the least that is measured */
#define TCP_SOLICIT_PART        16 /* of the timeout that is left: no more is waited for one */
#define TCP_DELACK_MIN_NS       (40 * NSEC_PER_MSEC)
#define TCP_DELACK_MAX_NS       (200 * NSEC_PER_MSEC)
#define TCP_ATO_MAX_NS          (2 * NSEC_PER_SEC)
#define TCP_RESOURCE_PROBE_NS   (500 * NSEC_PER_MSEC) /* a local refusal is tried again after this */
#define TCP_LOCAL_RETRY_NS      (50 * NSEC_PER_MSEC)  /* the first time, with nothing on its way */
#define TCP_FIN_RETRY_NS        (50 * NSEC_PER_MSEC) /* a FIN without memory: so much longer each time */
#define TCP_FIN_RETRIES         40                   /* 41 s in all */
#define TCP_TIMEWAIT_NS         (60 * NSEC_PER_SEC)
#define TCP_TIMEWAIT_SHORT_NS   (4 * NSEC_PER_SEC) /* up to this a mini socket counts as TWKilled */

/* Linear bytes of the buffer a card receives into; what a full segment costs the socket. */
#define TCP_RX_LINEAR 2112u

/* Bytes of a packet that is cut below, headers included: what IPv4 counts. */
#define TCP_GSO_MAX_SIZE 65536u
/* A packet holds, and the queues below hold, what the pacing rate gives in 2^-10 s. */
#define TCP_PACING_SHIFT 10
/* The longest pause between two packets, and the latest that one may leave; the first segments of a connection are not held. */
#define TCP_PACING_PAUSE_NS  NSEC_PER_SEC
#define TCP_PACING_AHEAD_NS  (4 * NSEC_PER_SEC) /* less than fq's horizon */
#define TCP_PACING_FREE_SEGS 10
/* An ACK of more segments than that must not let a burst out. tcp_sock.burst: 0 none; PACED + n: n may still go at once. */
#define TCP_STRETCH_SEGS 20u
#define TCP_BURST_PACED  1u
/* Round trips of less than 2^9 us double what a packet may hold with each halving. */
#define TCP_TSO_RTT_SHIFT 9

#define TCP_HDR_LEN 20u

/* --- Options ----------------------------------------------------------------------------------------------------------- */
struct tcp_fastopen_cookie {
	bool there, exp; /* the option was seen; in its experimental form */
	u8 len;          /* 0: a request for a cookie */
	u8 val[TCP_FASTOPEN_COOKIE_MAX];
};

struct tcp_sack_block {
	u32 start, end; /* [start, end) */
};
#define TCP_MAX_SACKS 4u

struct tcp_options {
	u16 mss; /* 0: not announced */
	u8 wscale;
	bool wscale_ok, sack_ok, tstamp_ok;
	u8 num_sacks;
	u32 tsval, tsecr;
	struct tcp_sack_block sacks[TCP_MAX_SACKS]; /* as received: not checked against anything */
	struct tcp_fastopen_cookie foc;
};

/* What a header of ours carries; tcp_options_write() has the order. */
struct tcp_out_options {
	u16 mss; /* 0: none */
	u8 wscale;
	bool wscale_ok, sack_perm, tstamp_ok;
	u8 num_sacks;
	u32 tsval, tsecr;
	const struct tcp_sack_block *sacks;
	const struct tcp_fastopen_cookie *foc; /* NULL: none */
};

/* A parsed segment on its way through the eight steps. Borrowed by everybody; end_seq counts SYN and FIN. */
struct tcp_seg {
	u32 seq, end_seq, ack;
	u32 len;    /* payload bytes */
	u16 optlen; /* bytes of options */
	u16 urg_ptr;
	u16 wnd; /* as on the wire */
	u8 flags;
	u8 ip_ecn; /* enum inet_ecn, of the IP header */
	struct tcp_options opt;
};

/* --- Control block of every skb that TCP holds ----------------------------------------------------------------------- */
enum tcp_cb_sacked {
	TCPCB_LOST = 1,
	TCPCB_SACKED_RETRANS = 2,
	TCPCB_EVER_RETRANS = 4,
	TCPCB_SACKED_ACKED = 8
};
#define TCPCB_RETRANS (TCPCB_SACKED_RETRANS | TCPCB_EVER_RETRANS)
struct tcp_skb_cb {
	u32 seq, end_seq;
	u32 segs;             /* 0: not cut into segments yet */
	u32 csum;             /* of the payload, if summed */
	u16 gso_size;         /* segs were counted by */
	u8 tcp_flags;         /* enum tcp_flags */
	u8 sacked;            /* enum tcp_cb_sacked */
	bool eor : 1;         /* the application ended a record here: nothing is appended */
	bool summed : 1;      /* csum holds: the payload is linear and as it was copied */
	bool app_limited : 1; /* it left when the application gave less than could go (tcp_rate.c) */
	struct rb_node rbnode; /* in the index of its queue, where it has one (tcp_seq_index.c) */
};
_Static_assert(sizeof(struct tcp_skb_cb) <= 48, "fits skb->cb");

static inline struct tcp_skb_cb *tcp_cb(const struct sk_buff *skb)
{
	return (struct tcp_skb_cb *)(void *)(unsigned long)skb->cb;
}
#define TCP_SKB_CB(skb) tcp_cb(skb)

/* --- RTT (RFC 6298), microseconds ---------------------------------------------------------------------------------------- */
#define TCP_RTT_LEAST 3u
struct tcp_rtt {
	u32 srtt8_us; /* smoothed round trip, times 8; 0: no sample yet */
	u32 dev4_us;  /* mean deviation, times 4 */
	u32 peak4_us; /* largest dev4 of the round trip now running */
	u32 var4_us;  /* what the timeout uses: follows a peak at once, sinks once per round trip */
	u32 round_end; /* sequence number whose acknowledgment ends the round */
	u64 rto_ns;    /* without back-off */
	union {
		struct tcp_rtt_min {
			u32 us, ms;     /* the sample, and when it came */
		} least[TCP_RTT_LEAST]; /* of the window; of what came after that; and after that */
		u32 min_us;             /* the first of them */
	};
};
void tcp_rtt_init(struct tcp_rtt *r);
void tcp_rtt_sample(struct tcp_rtt *r, u32 rtt_us, u32 snd_una, u32 snd_nxt);
void tcp_rtt_min_sample(struct tcp_rtt *r, u32 rtt_us, u32 now_ms, u32 window_ms);
u64 tcp_rto_backoff(u64 rto_ns, u32 shift);
u64 tcp_rto_model_ns(u64 rto_base_ns, u32 retries);

/* --- Congestion control ----------------------------------------------------------------------------------------------------- */
/* HyStart++ (RFC 9406): one round is the data of one round trip. */
struct tcp_hystart {
	u32 round_end;               /* its acknowledgment ends the round */
	u32 last_min_us, cur_min_us; /* least round trip of the last round and of this one */
	u32 baseline_us; /* of the round that looked congested; 0: in slow start proper */
	u8 samples, css_rounds;
	bool running;
};
/* CUBIC (RFC 9438); windows in 2^-10 segments, times in 2^-10 s. */
struct tcp_cubic_epoch {
	u64 start_us; /* 0: no epoch of congestion avoidance runs */
	u32 w_max;    /* window before the last reduction, as fast convergence sees it; 0: none */
	u32 k;        /* time until the plateau is reached */
	u32 origin;   /* window of the plateau */
};
struct tcp_cubic {
	struct tcp_cubic_epoch now,
		before; /* before: of the last reduction, if that proves needless */
	u32 cwnd_prior; /* segments before the last reduction */
	u32 frac;       /* of the next segment, in 2^-20 */
	u64 w_est;      /* what NewReno would have, in 2^-20 segments */
	struct tcp_hystart hystart;
};
/* BBR (draft-ietf-ccwg-bbr-05): rates in bytes a second, volumes in segments, times modulo 2^32 ms. */
enum bbr_state {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_DOWN, /* PROBE_BW from here to UP */
	BBR_CRUISE,
	BBR_REFILL,
	BBR_UP,
	BBR_PROBE_RTT
};
#define BBR_MIN_CWND 4u
#define BBR_FULL     3u
struct tcp_bbr {
	u32 max_bw[2];                /* the greatest of this cycle; of the one before */
	u32 short_bw, short_flight;   /* since the last losses; UINT32_MAX: no bound */
	u32 long_flight, long_before; /* what probes found; before the last of them */
	u32 round_bw, round_flight;   /* the greatest of this round trip */
	u32 round_end;                /* segments delivered: who left later belongs to the next */
	u32 round_lost;               /* when it began */
	u32 full_bw;                  /* a quarter more than that would be growth */
	u32 min_rtt_us, min_rtt_ms, recent_rtt_us, recent_rtt_ms;
	u32 phase_ms; /* when this state began, or, in PROBE_RTT, little enough was in flight */
	u32 prior_cwnd;
	u32 raise_acked;   /* segments acknowledged towards the next that long_flight rises by */
	u16 wait_ms;       /* till the next probe */
	u8 rounds;         /* since the last one */
	u8 state;          /* enum bbr_state */
	u8 ca_state;       /* at the last ACK */
	u8 full_rounds;    /* without growth; BBR_FULL: the pipe is full, as this probe has it */
	u8 raises;         /* long_flight rises by 2^n a round trip */
	u8 low;            /* PROBE_RTT: little enough is in flight; 2: for a round trip */
	bool full;         /* the pipe was, once */
	bool marked;       /* by ECN, in this round trip */
	bool probe_counts; /* losses are those of a probe */
	bool stopping;     /* the round trip after a probe */
	bool conserve;     /* the first of a recovery */
	bool idle;         /* the first ACK after a pause is still to come */
	bool heard;        /* there was an ACK */
};
static_assert(sizeof(struct tcp_bbr) <= sizeof(struct tcp_cubic), "the socket does not grow");
struct tcp_cc {
	u32 cwnd, ssthresh; /* segments */
	u32 cwnd_cnt;       /* acknowledged segments towards the next +1 */
	u32 clamp;
	union {
		struct tcp_cubic cubic;
		struct tcp_bbr bbr;
	};
};
/* What an ACK tells the algorithm. */
struct tcp_cc_ack {
	u64 now_us;
	u32 acked;  /* segments newly acknowledged; selectively too */
	u32 rtt_us; /* UINT32_MAX: no sample */
	u32 srtt_us;
	u32 snd_una, snd_nxt;
};
/* What an ACK tells an algorithm that models the path. */
struct tcp_cc_news {
	u32 now_ms;
	u32 delivered, lost;   /* segments ever; by now */
	u32 acked, newly_lost; /* by this ACK */
	u32 in_flight;         /* after it */
	u32 sample_delivered;  /* when the packet left that left last of those delivered */
	u32 sample_us;         /* how long its delivery took; 0: no sample */
	u32 rtt_us;            /* UINT32_MAX: none */
	u32 mss;               /* bytes */
	bool app_limited;      /* the sample is of what the application gave */
	bool rtt_late;         /* the ACK may have been delayed */
	bool cwnd_limited;
	u8 ca_state;
	/* What the model makes of it */
	u32 bw;           /* delivery rate, bytes a second; 0: no sample */
	bool round_start; /* a round trip ended */
	bool too_high;    /* too much is lost in the one that runs, or did in the one that ended */
	bool lost_six;    /* so much that STARTUP ends */
	bool rtt_old;     /* the shortest round trip was not seen for long */
};
/* What TCP_CC_INFO says of such a model, as Linux has it: bytes a second, microseconds, gains times 256. */
struct tcp_bbr_info {
	u32 bbr_bw_lo, bbr_bw_hi, bbr_min_rtt, bbr_pacing_gain, bbr_cwnd_gain;
};
_Static_assert(sizeof(struct tcp_bbr_info) == 20, "ABI");
enum tcp_ca_event {
	TCP_CA_EVENT_TIMEOUT, /* the window starts from one */
	TCP_CA_EVENT_RESUME,  /* sends again after a pause of idle_us */
};
struct tcp_congestion_ops {
	const char *name;
	void (*init)(struct tcp_cc *cc);
	/* The window was too large: what it shall be. Remembers what it was. It was full, or had not grown (tcp_cwnd_validate()). */
	u32 (*ssthresh)(struct tcp_cc *cc);
	void (*cong_avoid)(struct tcp_cc *cc, const struct tcp_cc_ack *ack); /* may grow */
	void (*pkts_acked)(struct tcp_cc *cc, const struct tcp_cc_ack *ack); /* optional: listens */
	void (*undo)(
		struct tcp_cc *
			cc); /* optional: the last reduction was needless; cwnd is restored by the caller */
	void (*event)(struct tcp_cc *cc, enum tcp_ca_event ev, u64 idle_us); /* optional */
	/*
	 * Those who model the path have the rest too, and cong_avoid is theirs: the window after an ACK, in recovery too (true: the flow
	 * holds itself back, as if the application had); the rate at which it leaves, from that until now; what TCP_CC_INFO says.
	 */
	bool (*control)(struct tcp_cc *cc, struct tcp_cc_news *news);
	u64 (*pacing_rate)(const struct tcp_cc *cc, u64 rate, u32 mss, u32 srtt_us);
	void (*info)(const struct tcp_cc *cc, struct tcp_bbr_info *info);
};
extern const struct tcp_congestion_ops tcp_reno, tcp_cubic_ops, tcp_bbr_ops;
const struct tcp_congestion_ops *tcp_cong_find(const char *name);
int tcp_cong_set_allowed(struct tcp_net *tn, const char *names);
int tcp_cong_list(u32 mask, char *text);
#define TCP_CONG_ALL 7u /* a bit for each */
u32 tcp_slow_start(struct tcp_cc *cc, u32 acked);
u32 tcp_cubic_root(u64 v);
void tcp_hystart_reset(struct tcp_hystart *h);
void tcp_hystart_acked(struct tcp_cc *cc, struct tcp_hystart *h, const struct tcp_cc_ack *ack);
u32 bbr_bw(const struct tcp_bbr *b);
u32 bbr_flight(const struct tcp_bbr *b, u32 bw, u32 gain, const struct tcp_cc_news *m);
u32 bbr_headroom(const struct tcp_bbr *b);
void bbr_forget_losses(struct tcp_bbr *b);
void bbr_flight_too_high(struct tcp_bbr *b, u32 aim, const struct tcp_cc_news *m);
void bbr_take(struct tcp_cc *cc, struct tcp_cc_news *m, bool probing);
u32 tcp_hystart_slow_start(struct tcp_cc *cc, const struct tcp_hystart *h, u32 acked);

enum tcp_ca_state { TCP_CA_Open, TCP_CA_Disorder, TCP_CA_CWR, TCP_CA_Recovery, TCP_CA_Loss };

/* --- Loss detection and recovery ------------------------------------------------------------------------------------------- */
/* RACK (RFC 8985, 6): the delivered segment that was sent last, and how long others may be behind it. */
struct tcp_rack {
	u64 sent_ns;      /* when it was sent */
	u32 end_seq;      /* its end */
	u32 rtt_us;       /* how long it took; 0: nothing is known yet */
	u32 dsack_round;  /* a D-SACK widens the window again when this is acknowledged */
	u8 reo_wnd_steps; /* the window is so many quarters of the least round trip */
	u8 reo_wnd_persist;
	bool advanced;    /* since losses were looked for last */
	bool dsack_seen;  /* of this ACK: something was sent twice for nothing */
	bool dsack_waits; /* dsack_round holds */
};
/* PRR (RFC 6937): what was delivered and sent since the reduction began, in segments. */
struct tcp_prr {
	u32 delivered, out;
	u32 prior_cwnd;
};
/* Whether the last reduction proves needless (RFC 3522, RFC 3708, RFC 5682). */
struct tcp_undo {
	u64 stamp_ns; /* first retransmission of this episode; 0: none */
	u32 marker;   /* snd_una when it began */
	s32 retrans; /* retransmissions that no D-SACK has called needless; -1: none was sent yet */
	u32 prior_ssthresh; /* 0: the window is not to be restored */
	bool armed;         /* marker holds */
	bool frto;          /* RFC 5682: the timeout may have been spurious */
};
enum tcp_rexmit { TCP_REXMIT_NONE, TCP_REXMIT_LOST, TCP_REXMIT_NEW };
/* What one ACK says. */
struct tcp_acked {
	u64 now_ns;
	u32 segs;        /* fully acknowledged */
	u32 bytes;       /* of sequence space */
	u32 rtt_us;      /* of the first segment acknowledged; UINT32_MAX: no sample (Karn) */
	u32 last_rtt_us; /* of the last; UINT32_MAX: none */
	u32 prior_una, prior_high; /* SND.UNA and the highest number SACKed before */
	u32 reord; /* least number of what was delivered late, at its first attempt */
	u64 sack_first_ns,
		sack_last_ns; /* departure of what was SACKed at its first attempt; 0: none */
	u32 delivered, lost;  /* segments that this ACK delivered, or made us mark */
	u32 tsecr;            /* what it echoes; tsecr_ok: it does */
	bool tsecr_ok;
	bool retrans; /* one of those acknowledged had been sent twice */
	bool sacked;  /* blocks cover something new */
	bool orig;    /* of what was out when recovery began, something came at its first attempt */
	bool dsack, dsack_tlp; /* the peer has something twice; the probe, it seems */
	bool reneging;         /* the first that is out is SACKed, but not acknowledged */
	bool dup;              /* brings nothing else (RFC 5681, 2), not even a D-SACK */
	bool scoreboard; /* lost is what stands before reordering segments SACKed; without RACK */
	bool lost_again; /* a retransmission is lost */
	bool set_timer;  /* of the loss probe, or the timeout */
	enum tcp_rexmit rexmit;
	/* Of the packet delivered that left last: what it remembered (tcp_rate.c); rate_us 0: none. */
	u32 rate_delivered, rate_us, rate_sent_us, rate_end_seq;
	bool rate_app_limited;
};
/* Delivery rate, times in microseconds modulo 2^32. */
struct tcp_rate {
	u32 first_us; /* departure of the packet that was delivered last, or of the first of a flight */
	u32 delivered_us; /* when something was delivered last; 0: never */
	u32 app_limited;  /* the application was late till so much is delivered; 0: it is not */
	u32 sample_segs, sample_us;
	bool sample_app_limited;
};
/* What time is spent with; of several the highest. */
enum tcp_chrono { TCP_CHRONO_NONE, TCP_CHRONO_BUSY, TCP_CHRONO_RWND, TCP_CHRONO_SNDBUF };
/* tcpi_fastopen_client_fail: why the data of our SYN did not go with it, or not through. */
enum tcp_fastopen_fail {
	TFO_FAIL_NONE,
	TFO_FAIL_NO_COOKIE,
	TFO_FAIL_DATA_NOT_ACKED,
	TFO_FAIL_SYN_AGAIN
};
/* net.ipv4.tcp_recovery */
enum tcp_recovery_flags {
	TCP_RACK_LOSS_DETECTION = 1,
	TCP_RACK_STATIC_REO_WND = 2,
	TCP_RACK_NO_DUPTHRESH = 4,
};

/* --- Fast Open (RFC 7413) -------------------------------------------------------------------------------------------------- */
/* net.ipv4.tcp_fastopen */
enum tcp_fastopen_flags {
	TFO_CLIENT_ENABLE = 1,
	TFO_SERVER_ENABLE = 2,
	TFO_CLIENT_NO_COOKIE = 4,
	TFO_SERVER_COOKIE_NOT_REQD = 0x200,
	TFO_SERVER_WO_SOCKOPT = 0x400, /* every listener, without TCP_FASTOPEN */
};
/* What a client knows of a server. */
struct tcp_fastopen_entry {
	__be32 daddr;
	u16 mss;
	u8 lost;     /* SYNs with the option that came to nothing, in a row */
	u64 lost_ns; /* the last of them */
	u64 used_ns; /* 0: a free entry */
	struct tcp_fastopen_cookie foc;
};
#define TCP_FASTOPEN_CACHE 32u
/* A server's secrets: cookies are made with the first; those of the second are still good (RFC 7413, 4.1.2). */
struct tcp_fastopen_keys {
	u32 n;
	struct siphash_key key[2];
};
/* A connect() that brings data. */
struct tcp_fastopen_request {
	struct sk_buff *data; /* for the SYN, charged to nobody; NULL: none, or it was taken */
	u32 mss;              /* the server's, as known */
	bool defer;           /* no SYN before there is data (TCP_FASTOPEN_CONNECT) */
	struct tcp_fastopen_cookie foc; /* what the SYN carries */
};

/* --- State of an instance ------------------------------------------------------------------------------------------------------ */
struct tcp_net {
	struct net *net;
	u32 rmem[3], wmem[3];                    /* least, default, greatest */
	u32 mem[3];                              /* pages; told, not kept to */
	const struct tcp_congestion_ops *ca_ops; /* of new sockets */
	/* Numbers (tcp_sysctl.c has their presets and ranges) */
	u32 syn_retries, synack_retries, retries1, retries2, orphan_retries;
	u32 fin_timeout, keepalive_time, keepalive_intvl,
		keepalive_probes; /* seconds; probes: count */
	u32 max_syn_backlog, max_tw_buckets, max_orphans;
	u32 cong_allowed; /* a bit for each algorithm */
	u32 somaxconn, syncookies, abort_on_overflow;
	u32 rfc1337, tw_reuse;
	u32 invalid_ratelimit;   /* milliseconds between two answers to what is out of place */
	u32 challenge_ack_limit; /* a second, give or take a random half; INT32_MAX: none */
	u32 window_scaling, slow_start_after_idle;
	u32 ecn; /* 0 never; 1 ask and answer; 2 answer */
	u32 ecn_fallback;
	u32 moderate_rcvbuf;
	s32 adv_win_scale; /* the receive buffer's overhead is 1/2^n of it; <= 0: all but 1/2^-n is */
	u32 app_win;       /* 1/2^n of the window is kept back for the application */
	u32 workaround_signed_windows;
	u32 sack, dsack, timestamps; /* timestamps: 1 from a secret offset, 2 from the clock */
	u32 stdurg; /* the urgent pointer points at the byte, as RFC 1122 has it, not behind it */
	u32 min_snd_mss;
	u32 autocorking, limit_output_bytes, notsent_lowat, min_tso_segs, tso_win_divisor,
		retrans_collapse;
	u32 pacing_ss_ratio, pacing_ca_ratio; /* percent of a window per round trip */
	u32 recovery;                         /* enum tcp_recovery_flags */
	u32 early_retrans, frto, reordering, max_reordering, thin_linear_timeouts;
	u32 solicit_acks; /* how often an ACK that does not come is asked for before the timeout */
	u32 fastopen;     /* enum tcp_fastopen_flags */
	u32 fastopen_blackhole_timeout_sec;
	u32 base_mss, mtu_probing, mtu_probe_floor, probe_interval, probe_threshold;
	u32 comp_sack_delay_ns, comp_sack_slack_ns, comp_sack_nr;
	u32 fack, low_latency, no_metrics_save, no_ssthresh_metrics_save, min_rtt_wlen, tso_rtt_log,
		early_demux, reflect_tos, l3mdev_accept, fwmark_accept, migrate_req;
	/* State */
	u32 challenge_left; /* in the second challenge_s */
	u64 challenge_s;
	u32 tw_count, orphan_count;
	struct tcp_fastopen_keys fo_keys;
	struct siphash_key cookie_key;
	struct tcp_fastopen_entry *fo_cache; /* TCP_FASTOPEN_CACHE of them */
	struct page_frag frag;               /* where large writes are copied to */
	struct list_head tsq;                /* sockets whose completion came (tsq_node); BH off */
	struct tasklet tsq_tasklet;
	struct wait_queue_head drain_wq; /* tcp_net_drain() waits for orphans */
};

/* --- The socket ------------------------------------------------------------------------------------------------------------------- */
/*
 * What the slot waits for. REFUSED: what is sent again, or the first SYN, found no room in this host; it is tried soon. REO: whether a
 * segment is only late. LOSS_PROBE: both come before the timeout, which they do not postpone.
 */
enum tcp_time {
	TCP_TIME_NONE,
	TCP_TIME_RETRANS,
	TCP_TIME_PROBE0,
	TCP_TIME_FIN,
	TCP_TIME_REFUSED,
	TCP_TIME_REO,
	TCP_TIME_LOSS_PROBE,
};
enum tcp_ack_pending {
	TCP_ACK_SCHED = 1,
	TCP_ACK_TIMER = 2,
	TCP_ACK_NOW = 4,
	TCP_ACK_PUSHED = 8, /* the end of a write came; PUSHED2: of two */
	TCP_ACK_PUSHED2 = 16
};
enum tcp_ecn_flags {
	TCP_ECN_OK = 1,         /* agreed */
	TCP_ECN_QUEUE_CWR = 2,  /* our window fell: tell */
	TCP_ECN_DEMAND_CWR = 4, /* a mark came: echo it until the peer tells */
	TCP_ECN_SEEN = 8        /* the peer sends ECN-capable text */
};
/* NOTYET: the mark is known, the byte is not here; VALID: it is, in the low eight bits; READ: out of band. */
enum tcp_urg { TCP_URG_VALID = 0x100, TCP_URG_NOTYET = 0x200, TCP_URG_READ = 0x400 };
enum tcp_nagle { TCP_NAGLE_OFF = 1, TCP_NAGLE_CORK = 2, TCP_NAGLE_PUSH = 4 };
enum tcp_deferred {
	TCP_DEFER_WRITE = 1,
	TCP_DEFER_DELACK = 2,
	TCP_DEFER_KEEPALIVE = 4,
	TCP_DEFER_MTU = 8,
	TCP_DEFER_TSQ = 16,
	TCP_DEFER_ERR = 32,   /* sk_err_soft came by ICMP */
	TCP_DEFER_NO_WAY = 64 /* and said that there is no route */
};
/* How much one pass over the write queue sends: all it may; one packet; one segment beyond the congestion window. */
enum tcp_push_one { TCP_PUSH_ALL, TCP_PUSH_ONE, TCP_PUSH_PROBE };

/* The network layer below a connection: what TCP asks of it. IPv4's is ipv4_specific; a child has its listener's. */
struct tcp_request_sock;
struct inet_connection_sock_af_ops {
	/* Down, as ip_queue_xmit(). Consumes the packet. */
	int (*queue_xmit)(struct sock *sk, struct sk_buff *skb);
	/* Leaves the checksum of a header that is otherwise complete to whoever sums below. */
	void (*send_check)(const struct sock *sk, struct sk_buff *skb);
	int (*rebuild_header)(struct sock *sk); /* there is a route: 0; -EHOSTUNREACH */
	/* A SYN reached a listener. NR_DROP_REASONS: a request stands; else why not. BH off. */
	enum skb_drop_reason (*conn_request)(struct sock *lsk, struct sk_buff *skb,
					     const struct tcp_seg *seg, u32 isn);
	/* The full socket of a request, in no table yet; NULL without memory. BH off. */
	struct sock *(*syn_recv_sock)(struct tcp_request_sock *req, bool early);
	void (*mtu_reduced)(struct sock *sk); /* mtu_info has a new bound; BH off, owned */
	int (*setsockopt)(struct sock *sk, int opt, const void *kval, u32 len); /* owned */
	int (*getsockopt)(struct sock *sk, int opt, void *kval, u32 *len);      /* owned */
	u16 net_header_len; /* bytes in front of TCP's header: of the path MTU, not of the segment */
	u16 sockaddr_len;   /* of a peer's address */
};
extern const struct inet_connection_sock_af_ops ipv4_specific;

struct tcp_sock {
	struct sock sk; /* first */
	const struct inet_connection_sock_af_ops *icsk_af_ops;
	/* Send sequence space (RFC 9293, 3.3.1) */
	u32 snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2;
	u32 write_seq;  /* behind the last byte the application gave */
	u32 pushed_seq; /* behind the last byte with PSH */
	u32 snd_sml;    /* end of the last small segment sent (Minshall) */
	u32 max_window; /* the largest the peer ever offered */
	u32 mss_cache;
	u16 mss_clamp, user_mss, advmss;
	u16 pmtu;     /* MTU that mss_cache was computed for */
	u16 mtu_info; /* told by ICMP last; the route remembers it */
	/* The search for the path's MTU (RFC 4821; tcp_mtup.c), in bytes of IP */
	u16 search_low, search_high; /* arrives; may arrive. Low 0: nothing is searched */
	u16 probe_size;              /* of the probe that is out; 0: none is */
	u32 probe_end;               /* its last byte is before that */
	u32 search_s;                /* second in which the search began */
	/* Receive sequence space */
	u32 rcv_nxt, rcv_wnd, rcv_wup, copied_seq;
	u32 rcv_mss;              /* guess of the peer's segment size */
	u32 rcv_ssthresh;         /* more than this is not announced */
	u32 rcvq_space, rcvq_seq; /* what was read in the last round trip; where this one began */
	u32 ato_ns;               /* delay of an ACK; 0: no text came yet */
	u32 total_retrans;
	u64 rcvq_ns;
	u32 rcv_rtt8_us, rcv_rtt_seq,
		rcv_rtt_tsecr; /* round trip times 8, as the receiver sees it */
	u32 rcv_ooopack;
	u64 rcv_rtt_ns;
	u32 urg_seq;  /* the byte that is urgent, if urg_data is not 0 */
	u32 snd_up;   /* behind our last urgent byte; urgent while SND.UNA is before it */
	u16 urg_data; /* enum tcp_urg */
	u16 last_seg_size;
	u8 snd_wscale, rcv_wscale;
	bool wscale_ok, fin_rcvd;
	/* Negotiated: RFC 2018, RFC 7323 3, RFC 3168 6.1 */
	bool sack_ok, tstamp_ok;
	u8 ecn_flags;       /* enum tcp_ecn_flags */
	u32 ts_recent;      /* TSval to echo */
	u32 ts_recent_secs; /* monotonic second in which it was set */
	u32 tsoffset;       /* added to our clock in TSval: no peer sees another's */
	u32 syn_tsval;      /* TSval of our first SYN */
	u32 dsack_dups;
	struct sk_buff_head tcp_rtx_queue;      /* sent, not acknowledged; by seq */
	struct sk_buff_head out_of_order_queue; /* by seq */
	struct rb_root ofo_index;
	bool dsack;   /* rcv_sacks[0] is to be told */
	u8 num_sacks; /* behind it: blocks behind holes, the latest first */
	struct tcp_sack_block rcv_sacks[1 + TCP_MAX_SACKS];
	u32 cwnd_usage_seq;
	/* Congestion and loss */
	struct tcp_cc cc;
	const struct tcp_congestion_ops *ca_ops;
	enum tcp_ca_state ca_state;
	u32 packets_out, sacked_out, lost_out, retrans_out;
	u32 lost;     /* segments ever marked */
	u32 high_seq; /* snd_nxt when recovery began: RFC 6582's recover */
	u32 reord_seen;
	struct rb_root rtx_index; /* of tcp_rtx_queue: what no SACK block covered */
	struct list_head tsorted; /* of tcp_rtx_queue: what RACK has not found lost, by departure */
	u32 sack_high;            /* behind the highest number in a SACK block; while sacked_out */
	u32 rtx_hint;             /* nothing that is to be sent again begins before */
	struct tcp_rack rack;
	struct tcp_prr prr;
	u8 backoff, retransmits, probes_out, keepalive_sent;
	struct tcp_undo undo;
	u32 reordering;            /* segments by which others may be overtaken */
	u32 tlp_high_seq;          /* snd_nxt when a loss probe went */
	bool tlp_out, tlp_retrans; /* tlp_high_seq holds; the probe was a copy */
	u8 solicits;               /* ACKs asked for since the last came */
	u32 notsent_lowat;         /* an option, below; bytes; 0: the instance's */
	struct tcp_rtt rtt;
	struct tcp_saved_syn *saved_syn; /* what began it, till it is read; NULL: not kept */
	union {
		u64 probe_stamp_ns; /* with nothing in flight: the first window probe */
		u64 rto_due_ns; /* while REFUSED is pending: the timeout that it stands before */
	};
	u64 retrans_stamp_ns, lsndtime_ns, rcv_tstamp_ns, lrcvtime_ns;
	u64 wstamp_ns; /* before that no segment of text shall leave, where that is kept */
	u64 oow_ns;    /* last answer to what was out of place, challenge ACKs included; 0: none */
	/* Acknowledging */
	u8 ack_pending, quick;       /* enum tcp_ack_pending; immediate ACKs still granted */
	u8 dup_acks, compressed_ack; /* sent for compressed_rcv_nxt; held back since the last one */
	u32 compressed_rcv_nxt;
	bool pingpong;
	bool is_cwnd_limited; /* of congestion and loss, above */
	bool tsq_throttled;   /* the next completion lets us send on */
	u8 burst;             /* TCP_BURST_PACED and on; 0: none */
	u8 deferred;          /* enum tcp_deferred: fired while the socket was owned */
	u8 nonagle;           /* enum tcp_nagle */
	/* Timers */
	enum tcp_time pending;
	u32 max_packets_out;
	struct timer write_timer, delack_timer, keepalive_timer, pacing_timer;
	struct list_head tsq_node; /* on the instance's list, holding the socket; else empty */
	/* Options */
	bool dst_confirm, recvmsg_inq;
	u8 syn_retries, keepalive_probes;
	u32 keepalive_time, keepalive_intvl; /* seconds; 0: the instance's */
	s32 linger2;                         /* seconds; 0: the instance's; -1: none */
	u32 user_timeout_ms, window_clamp;
	/* Listener: both lists are touched with BH off only */
	struct list_head syn_queue, accept_queue, accept_node;
	struct sock *listener; /* of a child not accepted yet: borrowed */
	u32 syn_queue_len;
	u32 synq_overflow_s; /* second of the last SYN cookie, counted from 1; 0: never */
	u8 defer_accept;     /* a child is not made before text, or so many timeouts */
	bool synflood_warned, fo_no_cookie;
	u16 fo_resets;       /* of children before their last ACK; they count until that second */
	u32 fo_resets_until; /* RFC 7413, 5.1 */
	/* Fast Open: a listener's children that wait for the last ACK, and how many may; such a child's listener, counted */
	u16 fo_qlen, fo_max_qlen;
	struct sock *fo_listener;
	const struct tcp_fastopen_cookie *fo_cookie; /* for the SYN that is being built */
	struct tcp_fastopen_keys *fo_keys; /* of this listener alone; NULL: the instance's */
	bool fo_asked, fo_child;           /* our SYN had the option; the peer's SYN opened us */
	bool syn_data, syn_data_acked;
	/* TCP_INFO */
	u8 chrono;         /* enum tcp_chrono, since chrono_ns */
	u8 fo_fail : 2;    /* enum tcp_fastopen_fail */
	u8 fo_connect : 1; /* TCP_FASTOPEN_CONNECT */
	u8 save_syn; /* TCP_SAVE_SYN: headers of its children's SYNs are kept; 2: the link's too */
	struct tcp_rate rate;
	u64 chrono_ns, chrono_spent_ns[TCP_CHRONO_SNDBUF];
	u32 segs_in, segs_out, data_segs_in, data_segs_out, delivered, delivered_ce;
	u64 bytes_sent, bytes_acked, bytes_received, bytes_retrans;
};
static_assert(sizeof(struct tcp_sock) <= 1536, "budget: a connection at rest costs 24 cache lines");

static inline struct tcp_sock *tcp_sk(const struct sock *sk)
{
	return (struct tcp_sock *)(unsigned long)sk;
}

static inline struct tcp_net *tcp_net_of(const struct sock *sk)
{
	return sk->sk_net->tcp;
}

/* Headers of a SYN, for TCP_SAVED_SYN. */
struct tcp_saved_syn {
	u32 len;
	u8 data[];
};

/* A half-open connection at a listener. Owner: the listener's syn_queue. */
struct tcp_request_sock {
	struct sock_common c; /* first; state TCP_NEW_SYN_RECV */
	struct sock *listener;
	struct ip_options *opt; /* of what we send; NULL: none */
	struct tcp_saved_syn *saved_syn;
	struct list_head node;
	struct timer timer;
	u64 sent_ns;
	u32 rcv_isn, snt_isn, ts_recent; /* TSval of the SYN */
	u16 next_ack_4ms; /* not before, in units of 4 ms modulo 2^16: what is out of place gets two answers a second */
	u16 rcv_wnd;
	u16 mss, advmss; /* the peer's; ours */
	u8 snd_wscale : 4, rcv_wscale : 4;
	u8 wscale_ok : 1, sack_ok : 1, tstamp_ok : 1, ecn_ok : 1; /* negotiated */
	u8 cookie : 1; /* on the stack: nobody will remember it */
	u8 acked : 1;  /* its last ACK was heard, but there is no child yet */
	u8 scaled : 1; /* rcv_wnd was said in units of the scale, rounded up */
	u8 retrans;    /* SYN-ACKs sent again */
	union {
		u8 timeouts;   /* firings of the timer */
		u8 ts_back_ms; /* cookie: so much the TSval of its SYN-ACK is behind */
	};
};
static_assert(sizeof(struct tcp_request_sock) <= 192, "budget: what each SYN of a flood costs");

/* What is left of a connection for 2 MSL. Owner: its timer. */
struct tcp_timewait_sock {
	struct sock_common c; /* first; state TCP_TIME_WAIT */
	struct timer timer;
	u32 rcv_nxt, snd_nxt, rcv_wnd; /* rcv_wnd: as sent on the wire */
	u64 next_ack_ns;               /* not before */
	bool tstamp_ok;
	u8 substate, rcv_wscale;               /* TCP_TIME_WAIT, TCP_FIN_WAIT2 */
	u32 ts_recent, ts_recent_secs, ts_off; /* as those of struct tcp_sock */
};
static_assert(sizeof(struct tcp_timewait_sock) <= 192,
	      "budget: a closed connection is remembered cheaply");

/* Bytes of headers that each segment costs of the path MTU. */
static inline u32 tcp_headers_len(const struct tcp_sock *tp)
{
	return tp->icsk_af_ops->net_header_len + TCP_HDR_LEN;
}

/* Bytes of each segment's room that the options which always come take. */
static inline u32 tcp_tstamp_len(const struct tcp_sock *tp)
{
	return tp->tstamp_ok ? TCP_TSTAMP_LEN : 0;
}

/* The peer has not acknowledged all that is urgent. */
static inline bool tcp_urg_mode(const struct tcp_sock *tp)
{
	return after(tp->snd_up, tp->snd_una) && !after(tp->snd_up, tp->write_seq);
}

/* SACK blocks for which a segment's header has room; the bytes that they take. */
static inline u32 tcp_sacks_to_tell(const struct tcp_sock *tp)
{
	return min(tp->num_sacks + (tp->dsack ? 1u : 0),
		   (TCP_MAX_OPTIONS - 4u - tcp_tstamp_len(tp)) / TCPOLEN_SACK_PERBLOCK);
}

static inline u32 tcp_sack_len(const struct tcp_sock *tp)
{
	u32 n = tcp_sacks_to_tell(tp);

	return n ? 4 + n * TCPOLEN_SACK_PERBLOCK : 0;
}

static inline u32 tcp_wnd_end(const struct tcp_sock *tp)
{
	return tp->snd_una + tp->snd_wnd;
}

/* The congestion window is, or while it doubles soon would be, what holds us back. */
static inline bool tcp_is_cwnd_limited(const struct tcp_sock *tp)
{
	return tp->is_cwnd_limited ||
	       (tp->cc.cwnd < tp->cc.ssthresh && tp->cc.cwnd < 2 * tp->max_packets_out);
}

/* Segments that are in the network (RFC 6675's pipe; without SACK each duplicate ACK stands for one that left it). */
static inline u32 tcp_packets_in_flight(const struct tcp_sock *tp)
{
	return tp->packets_out - tp->sacked_out - tp->lost_out + tp->retrans_out;
}

/* An ACK of one short segment alone may be one that was delayed. */
static inline bool tcp_ack_is_lone(const struct tcp_sock *tp, const struct tcp_acked *acked)
{
	return acked->segs == 1 && acked->bytes < tp->mss_cache && !tp->sacked_out &&
	       !acked->sacked && !acked->retrans;
}

/* The shorter of the first and the last segment's round trip, if both are known. */
static inline u32 tcp_ack_least_rtt(const struct tcp_acked *acked)
{
	return acked->last_rtt_us ? min(acked->rtt_us, acked->last_rtt_us) : acked->rtt_us;
}

/* tcp_bbr.c */
void tcp_cong_model(struct tcp_sock *tp, const struct tcp_acked *acked);

/* @skb of the retransmit queue is of no interest to RACK any more; it, or a copy, went to the network now. */
static inline void tcp_tsorted_del(struct sk_buff *skb)
{
	if (!skb->tsorted.next)
		return;
	list_del_init(&skb->tsorted);
	skb->tsorted = (struct list_head){ 0 };
}

static inline void tcp_tsorted_sent(struct tcp_sock *tp, struct sk_buff *skb)
{
	tcp_tsorted_del(skb);
	list_add_tail(&skb->tsorted, &tp->tsorted);
}

/* What the peer may still send: the right edge it was told, minus what has come. */
static inline u32 tcp_receive_window(const struct tcp_sock *tp)
{
	s32 win = (s32)(tp->rcv_wup + tp->rcv_wnd - tp->rcv_nxt);
	return win > 0 ? (u32)win : 0;
}

/* The least ACK that may be honest, only late (RFC 5961, 5.2): what we never sent was never acknowledged. */
static inline u32 tcp_oldest_ack(const struct tcp_sock *tp)
{
	return tp->snd_una - (u32)min((u64)tp->max_window, tp->bytes_acked);
}

/* Something of [@seq, @end_seq) lies in the window [@nxt, @right), or it is empty and stands at an edge. */
static inline bool tcp_in_window(u32 seq, u32 end_seq, u32 nxt, u32 right)
{
	return seq == nxt || (after(end_seq, nxt) && before(seq, right)) ||
	       (seq == right && end_seq == seq);
}

/* A segment may be newer than the last that set SND.WND, which it says is @wnd. Of those alike the greater one is newer; none is said on purpose. */
static inline bool tcp_may_update_window(const struct tcp_sock *tp, const struct tcp_seg *seg,
					 u32 wnd)
{
	return after(seg->ack, tp->snd_wl2) || after(seg->seq, tp->snd_wl1) ||
	       (seg->seq == tp->snd_wl1 && (wnd > tp->snd_wnd || !wnd));
}

static inline struct sk_buff *tcp_send_head(const struct sock *sk)
{
	return skb_peek(&sk->sk_write_queue);
}

static inline struct sk_buff *tcp_rtx_head(const struct tcp_sock *tp)
{
	return skb_peek(&tp->tcp_rtx_queue);
}

static inline u64 tcp_rto_ns(const struct tcp_sock *tp)
{
	return tcp_rto_backoff(tp->rtt.rto_ns, tp->backoff);
}

/* The delay of an ACK is no longer than a timeout of ours: the peer's will hardly be. */
static inline u32 tcp_ato_bound(const struct tcp_sock *tp, u64 ato_ns)
{
	u64 most = min(tcp_rto_ns(tp), TCP_ATO_MAX_NS);

	return (u32)min(ato_ns, most);
}

/* tcp_options.c */
void tcp_options_parse(const u8 *p, u32 len, struct tcp_options *o);
u32 tcp_options_len(const struct tcp_out_options *o);
u32 tcp_options_write(u8 *p, const struct tcp_out_options *o);
bool tcp_seg_parse(const struct sk_buff *skb, struct tcp_seg *seg);
u8 tcp_select_wscale(u32 space);

/* tcp_tstamp.c */
u32 tcp_ts_offset(const struct net *net, const struct sock_common *c);
u32 tcp_tsval(u64 now_ns, u32 offset);
bool tcp_paws_ok(u32 ts_recent, u32 ts_recent_secs, u32 tsval, u32 slack);
bool tcp_paws_reject(u32 ts_recent, u32 ts_recent_secs, const struct tcp_seg *seg);
void tcp_store_ts_recent(struct tcp_sock *tp, u32 tsval);
void tcp_replace_ts_recent(struct tcp_sock *tp, const struct tcp_seg *seg);
/* The peer had not yet what we sent at @sent_ns when it caused this ACK (RFC 3522). */
static inline bool tcp_echo_before(const struct tcp_sock *tp, const struct tcp_acked *acked,
				   u64 sent_ns)
{
	return acked->tsecr_ok && before(acked->tsecr, tcp_tsval(sent_ns, tp->tsoffset));
}
u32 tcp_tsecr_rtt_us(const struct tcp_sock *tp, const struct tcp_seg *seg);

/* tcp_seq_index.c */
void tcp_index_add(struct rb_root *index, struct sk_buff_head *q, struct sk_buff *skb);
void tcp_index_purge(struct rb_root *index, struct sk_buff_head *q, enum skb_drop_reason reason);
void tcp_index_del(struct rb_root *index, struct sk_buff *skb);
struct sk_buff *tcp_index_find(const struct rb_root *index, u32 seq);

void tcp_index_add_after(struct rb_root *index, struct sk_buff *prev, struct sk_buff *skb);
struct sk_buff *tcp_index_first(const struct rb_root *index);
struct sk_buff *tcp_index_last(const struct rb_root *index);
struct sk_buff *tcp_index_next(const struct sk_buff *skb);

/* tcp_ecn.c */
u8 tcp_ecn_send_syn(struct sock *sk) __needs(sk);
void tcp_ecn_clear_syn(struct sock *sk, struct sk_buff *skb) __needs(sk);
void tcp_ecn_rcv_syn(struct tcp_sock *tp, const struct tcp_seg *seg);
void tcp_ecn_rcv_synack(struct tcp_sock *tp, const struct tcp_seg *seg);
bool tcp_ecn_request_ok(const struct tcp_net *tn, const struct tcp_seg *seg);
void tcp_ecn_queue_cwr(struct tcp_sock *tp);
u8 tcp_ecn_send(struct tcp_sock *tp, struct sk_buff *skb, const struct tcp_skb_cb *cb, u32 len);
void tcp_ecn_rcv_cwr(struct tcp_sock *tp, const struct tcp_seg *seg);
void tcp_ecn_rcv_mark(struct tcp_sock *tp, const struct tcp_seg *seg);
bool tcp_ecn_rcv_echo(const struct tcp_sock *tp, const struct tcp_seg *seg);

/* tcp_rate.c */
void tcp_rate_init(struct tcp_sock *tp);
void tcp_rate_sent(struct tcp_sock *tp, struct sk_buff *skb, u64 departs_ns);
void tcp_rate_delivered(struct tcp_sock *tp, struct sk_buff *skb, struct tcp_acked *acked);
void tcp_rate_gen(struct tcp_sock *tp, const struct tcp_acked *acked, u32 delivered);
void tcp_rate_check_app_limited(struct sock *sk) __needs(sk);
u64 tcp_delivery_rate(const struct tcp_sock *tp);

/* tcp_chrono.c */
void tcp_chrono_start(struct tcp_sock *tp, enum tcp_chrono what);
void tcp_chrono_stop(struct sock *sk, enum tcp_chrono what) __needs(sk);
u64 tcp_chrono_us(const struct tcp_sock *tp, enum tcp_chrono what);

/* tcp_prr.c */
static inline bool tcp_in_cwnd_reduction(const struct tcp_sock *tp)
{
	return tp->ca_state == TCP_CA_CWR || tp->ca_state == TCP_CA_Recovery;
}
u32 tcp_current_ssthresh(const struct tcp_sock *tp);
void tcp_init_cwnd_reduction(struct tcp_sock *tp);
void tcp_cwnd_reduction(struct tcp_sock *tp, u32 delivered, u32 lost, bool progress);
void tcp_end_cwnd_reduction(struct tcp_sock *tp);

/* tcp_reply.c */
void tcp_v4_send_reset(struct net *net, const struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx);
/* What a mini socket says. */
struct tcp_mini_ack {
	u32 seq, ack;
	u16 wnd; /* as on the wire */
	bool tstamp_ok;
	u32 ts_off, ts_recent;
};
void tcp_v4_send_ack(struct net *net, const struct sock_common *c, const struct tcp_mini_ack *a)
	__needs(softirq_ctx);
int tcp_v4_send_synack(struct net *net, const struct tcp_request_sock *req, u8 tos,
		       const struct tcp_fastopen_cookie *foc) __needs(softirq_ctx);
u32 tcp_v4_init_seq(const struct net *net, __be32 saddr, __be16 sport, __be32 daddr, __be16 dport);
/* What goes into a header besides the payload's length. */
struct tcp_hdr_spec {
	__be32 saddr, daddr;
	__be16 sport, dport;
	u32 seq, ack, optlen; /* optlen bytes of options stand at skb->data already */
	u8 flags;
	u16 wnd, urg_ptr;
};
void tcp_push_header(struct sk_buff *skb, const struct tcp_hdr_spec *h);
void tcp_v4_send_check(const struct sock *sk, struct sk_buff *skb);

/* tcp_sndbuf.c */
void tcp_sndbuf_expand(struct sock *sk) __needs(sk);
void tcp_check_space(struct sock *sk) __needs(sk);
bool tcp_stream_memory_free(const struct sock *sk, bool wake);

/* tcp_segment.c */
void tcp_set_segs(struct sock *sk, struct sk_buff *skb, u32 mss, bool sent) __needs(sk);
int tcp_fragment(struct sock *sk, struct sk_buff_head *q, struct sk_buff *skb, u32 len, u32 mss)
	__needs(sk);
bool tcp_merge(struct sk_buff *skb, struct sk_buff *next);
u32 tcp_count_acked(struct sock *sk, struct sk_buff *skb) __needs(sk);
void tcp_mark_lost(struct sock *sk, struct sk_buff *skb) __needs(sk);
int tcp_trim_head(struct sock *sk, struct sk_buff *skb) __needs(sk);

/* tcp_fastopen.c */
void tcp_fastopen_cookie_gen(const struct siphash_key *key, __be32 client, __be32 server,
			     struct tcp_fastopen_cookie *foc);
int tcp_fastopen_own_keys(struct sock *sk, const void *keys, u32 len) __needs(sk);
int tcp_fastopen_set_key(struct tcp_net *tn, const char *text);
bool tcp_fastopen_screen(struct sock *lsk, const struct sk_buff *skb, const struct tcp_seg *seg,
			 struct tcp_fastopen_cookie *foc) __needs(softirq_ctx);
void tcp_fastopen_settled(struct sock *sk) __needs(softirq_ctx);
void tcp_fastopen_was_reset(struct sock *sk) __needs(softirq_ctx);
bool tcp_fastopen_lookup(struct tcp_net *tn, __be32 daddr, struct tcp_fastopen_cookie *foc,
			 u32 *mss) __needs(softirq_ctx);
void tcp_fastopen_learn(struct tcp_net *tn, __be32 daddr, u16 mss,
			const struct tcp_fastopen_cookie *foc) __needs(softirq_ctx);
void tcp_fastopen_lost(struct tcp_net *tn, __be32 daddr) __needs(softirq_ctx);

/* tcp_rack.c */
void tcp_rack_advance(struct tcp_sock *tp, const struct sk_buff *skb, u64 now_ns);
bool tcp_rack_overdue(const struct tcp_sock *tp, const struct sk_buff *skb, u64 now_ns);
u64 tcp_rack_detect_loss(struct sock *sk, u64 now_ns) __needs(sk);
void tcp_rack_update_reo_wnd(struct sock *sk) __needs(sk);

/* tcp_sack.c */
u32 tcp_sack_high(const struct tcp_sock *tp);
void tcp_sack_reordering(struct sock *sk, u32 low_seq, enum tcpext_mib mib) __needs(sk);
void tcp_sacktag(struct sock *sk, const struct tcp_seg *seg, struct tcp_acked *acked) __needs(sk);
void tcp_sack_forget(struct tcp_sock *tp);

/* tcp_pacing.c */
/* Where no fq keeps the times: the application asked for a rate, or a burst is to be spread. */
static inline bool tcp_paces_itself(const struct sock *sk)
{
	return !sk->sk_paced && (sk->sk_max_pacing_rate != UINT32_MAX || tcp_sk(sk)->burst);
}
void tcp_update_pacing_rate(struct sock *sk) __needs(sk);
u64 tcp_departure(const struct sock *sk, const struct tcp_skb_cb *cb, u64 now);
void tcp_paced(struct sock *sk, u32 len, u64 departs) __needs(sk);
bool tcp_pacing_holds(struct sock *sk) __needs(sk);
void tcp_burst_begin(struct sock *sk, u32 bytes) __needs(sk);
/* How many segments may go in the next packet: @segs, or what a burst has left. */
static inline u32 tcp_burst_room(const struct tcp_sock *tp, u32 segs)
{
	return tp->burst > TCP_BURST_PACED ? min(segs, (u32)tp->burst - TCP_BURST_PACED) : segs;
}
/* @segs of a burst left at once, if there is one. */
static inline void tcp_burst_sent(struct tcp_sock *tp, u32 segs)
{
	if (tp->burst > TCP_BURST_PACED)
		tp->burst -= (u8)min(segs, (u32)tp->burst - TCP_BURST_PACED);
}

/* tcp_rtx_queue.c */
void tcp_reset_timer(struct sock *sk, struct timer *t, u64 expires_ns);
void tcp_stop_timer(struct sock *sk, struct timer *t);
void tcp_reset_xmit_timer(struct sock *sk, enum tcp_time what, u64 delay_ns) __needs(sk);
void tcp_reset_probe_timer(struct sock *sk, u64 delay_ns) __needs(sk);
void tcp_clear_xmit_timer(struct sock *sk) __needs(sk);
void tcp_owe_fin(struct sock *sk) __needs(sk);
void tcp_rearm_rto(struct sock *sk) __needs(sk);
void tcp_retry_refused(struct sock *sk) __needs(sk);
bool tcp_schedule_loss_probe(struct sock *sk, bool advancing) __needs(sk);
bool tcp_schedule_solicit(struct sock *sk) __needs(sk);
void tcp_loss_init(struct sock *sk);
void tcp_rtx_enqueue(struct sock *sk, struct sk_buff *skb) __needs(sk);
void tcp_clean_rtx_queue(struct sock *sk, struct tcp_acked *res) __needs(sk);
void tcp_wmem_free_skb(struct sock *sk, struct sk_buff *skb) __needs(sk);
SKB_CONSUMER(tcp_wmem_free_skb, 2);
void tcp_rtx_unlink_free(struct sock *sk, struct sk_buff *skb) __needs(sk);
SKB_CONSUMER(tcp_rtx_unlink_free, 2);
void tcp_write_queue_purge(struct sock *sk) __needs(sk);
void tcp_clear_retrans(struct tcp_sock *tp);

/* tcp_state.c */
void tcp_set_state(struct sock *sk, enum tcp_state state) __needs(softirq_ctx, sk);
void tcp_forget_names(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_done(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_destroy_sock(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_abort_with(struct sock *sk, int err) __needs(softirq_ctx, sk);
void tcp_unreachable(struct sock *sk, int err) __needs(softirq_ctx, sk);
void tcp_orphan(struct sock *sk) __needs(softirq_ctx, sk);

/* tcp_timewait.c */
void tcp_time_wait(struct sock *sk, enum tcp_state substate, u64 wait_ns) __needs(softirq_ctx, sk);
void tcp_timewait_process(struct net *net, struct tcp_timewait_sock *tw, struct sk_buff *skb,
			  const struct tcp_seg *seg, bool listens, u32 *isn) __needs(softirq_ctx);
void tcp_timewait_kill(struct net *net, struct tcp_timewait_sock *tw) __needs(softirq_ctx);
bool tcp_timewait_gives_way(struct sock_common *old, struct sock_common *new_) __needs(softirq_ctx);

/* tcp_window.c */
u32 tcp_space(const struct sock *sk);
u32 tcp_full_space(const struct sock *sk);
u32 tcp_initial_window(const struct sock *sk, u32 seg, u8 *wscale);
u32 tcp_select_window_size(struct sock *sk) __needs(sk);
u16 tcp_select_window(struct sock *sk) __needs(sk);

/* tcp_transmit.c */
void tcp_enter_cwr(struct sock *sk) __needs(sk);
void tcp_wfree(struct sk_buff *skb);
int tcp_transmit_skb(struct sock *sk, struct sk_buff *skb, bool clone_it) __needs(softirq_ctx, sk);

/* tcp_mtup.c */
u32 tcp_sync_mss(struct sock *sk, u32 pmtu) __needs(sk);
void tcp_mtu_probing(struct sock *sk, u32 least) __needs(sk);
u32 tcp_mtup_build(struct sock *sk, u32 mss) __needs(sk);
void tcp_mtup_sent(struct sock *sk, u32 len) __needs(sk);
void tcp_mtup_acked(struct sock *sk) __needs(sk);
bool tcp_mtup_failed(struct sock *sk) __needs(sk);

/* tcp_output.c */
u32 tcp_current_mss(struct sock *sk) __needs(sk);
u32 tcp_size_goal(const struct sock *sk, u32 mss);
u32 tcp_tso_segs(const struct sock *sk, u32 mss);
bool tcp_small_queue_check(struct sock *sk, const struct sk_buff *skb, u32 factor)
	__needs(softirq_ctx, sk);
void tcp_event_new_data_sent(struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx, sk);
void __tcp_push_pending_frames(struct sock *sk, u32 mss_now, u8 nonagle) __needs(sk);
void tcp_push_pending_frames(struct sock *sk) __needs(sk);
void tcp_push_one(struct sock *sk, u32 mss_now) __needs(sk);
int tcp_push_probe(struct sock *sk) __needs(softirq_ctx, sk);

/* tcp_retransmit.c */
int tcp_send_again(struct sock *sk, struct sk_buff *skb, u32 segs) __needs(softirq_ctx, sk);
int tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, u32 segs) __needs(softirq_ctx, sk);
void tcp_xmit_retransmit_queue(struct sock *sk) __needs(softirq_ctx, sk);

/* tcp_control.c */
struct sk_buff *tcp_ctl_skb(u32 seq, u8 flags);
void tcp_send_ack(struct sock *sk) __needs(sk);
void tcp_send_delayed_ack(struct sock *sk) __needs(sk);
void tcp_send_challenge_ack(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_send_dupack(struct sock *sk, enum tcpext_mib skipped) __needs(softirq_ctx, sk);
void tcp_send_fin(struct sock *sk) __needs(sk);
void tcp_send_owed_fin(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_send_active_reset(struct sock *sk) __needs(sk);
int tcp_connect(struct sock *sk, struct tcp_fastopen_request *fo) __needs(softirq_ctx, sk);
int tcp_retry_syn(struct sock *sk) __needs(softirq_ctx, sk);
int tcp_send_synack(struct sock *sk) __needs(softirq_ctx, sk);
int tcp_write_wakeup(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_send_probe0(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_init_transfer(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_init_rcv_space(struct sock *sk, bool wscale_ok) __needs(softirq_ctx, sk);

/* tcp_undo.c */
bool tcp_any_retrans_done(const struct tcp_sock *tp);
void tcp_init_undo(struct tcp_sock *tp);
void tcp_try_keep_open(struct tcp_sock *tp);
bool tcp_try_undo_recovery(struct sock *sk, const struct tcp_acked *acked) __needs(sk);
bool tcp_try_undo_partial(struct sock *sk, const struct tcp_acked *acked) __needs(sk);
bool tcp_try_undo_dsack(struct sock *sk) __needs(sk);
bool tcp_try_undo_loss(struct sock *sk, const struct tcp_acked *acked, bool frto) __needs(sk);

/* tcp_tlp.c */
void tcp_send_loss_probe(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_process_tlp_ack(struct sock *sk, u32 ack, const struct tcp_acked *acked) __needs(sk);

/* tcp_newreno.c */
bool tcp_limit_reno_sacked(struct tcp_sock *tp);
void tcp_add_reno_sack(struct sock *sk) __needs(sk);
void tcp_remove_reno_sacks(struct sock *sk, u32 acked) __needs(sk);
void tcp_newreno_mark_lost(struct sock *sk, bool progress) __needs(sk);

/* tcp_recovery.c */
void tcp_enter_loss(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_fastretrans(struct sock *sk, struct tcp_acked *acked) __needs(softirq_ctx, sk);
void tcp_xmit_recovery(struct sock *sk, enum tcp_rexmit rexmit) __needs(softirq_ctx, sk);
void tcp_rack_reo_timeout(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_simple_retransmit(struct sock *sk) __needs(softirq_ctx, sk);

/* tcp_ack.c */
int tcp_ack(struct sock *sk, const struct tcp_seg *seg) __needs(softirq_ctx, sk);
void tcp_data_snd_check(struct sock *sk) __needs(softirq_ctx, sk);

/* tcp_sack_recv.c */
void tcp_dsack_set(struct sock *sk, u32 seq, u32 end);
void tcp_dsack_extend(struct sock *sk, u32 seq, u32 end);
void tcp_sack_new_block(struct sock *sk, u32 seq, u32 end) __needs(sk);
void tcp_sack_remove(struct tcp_sock *tp);
void tcp_sack_reset(struct tcp_sock *tp);

/* tcp_ofo.c */
bool tcp_trim_front(struct sk_buff *skb, u32 n);
void tcp_trim_back(struct sk_buff *skb, u32 edge);
struct sk_buff *tcp_ofo_take(struct sock *sk);
void tcp_ofo_overlay(const struct sock *sk, struct sk_buff *skb);
bool tcp_ofo_prune(struct sock *sk, u32 seq, u32 need, u32 limit);
void tcp_ofo_add(struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx, sk);
SKB_CONSUMER(tcp_ofo_add, 2);

/* tcp_rcvspace.c */
void tcp_initialize_rcv_mss(struct tcp_sock *tp);
void tcp_init_buffer_space(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_rcv_rtt_measure(struct tcp_sock *tp, const struct tcp_seg *seg);
void tcp_rcv_space_adjust(struct sock *sk) __needs(sk);
void tcp_grow_window(struct sock *sk, const struct sk_buff *skb);
void tcp_clamp_window(struct sock *sk);

/* tcp_delack.c */
void tcp_measure_rcv_mss(struct tcp_sock *tp, const struct tcp_seg *seg);
void tcp_event_data_recv(struct sock *sk, const struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk);
void tcp_enter_quickack(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_ack_snd_check(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_cleanup_rbuf(struct sock *sk, u32 copied) __needs(sk);

/* tcp_data.c */
void tcp_data_queue(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk);
SKB_CONSUMER(tcp_data_queue, 2);

/* tcp_urg.c */
bool tcp_at_mark(const struct tcp_sock *tp, u32 seq);
void tcp_urg(struct sock *sk, const struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk);
ssize_t tcp_recv_urg(struct sock *sk, struct msghdr *msg, size_t len, u32 flags) __needs(sk);
u32 tcp_urg_gate(const struct sock *sk, u32 seq, u32 *n);
void tcp_urg_passed(struct tcp_sock *tp);
u32 tcp_urg_inq(const struct sock *sk, u32 n);

/* tcp_tsq.c */
void tcp_tsq_init(struct tcp_net *tn);
void tcp_tsq_exit(struct tcp_net *tn) __forbids(softirq_ctx);
void tcp_tsq_write(struct sock *sk) __needs(softirq_ctx, sk);

/* tcp_timer.c */
void tcp_init_xmit_timers(struct sock *sk);
void tcp_release_cb(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_set_keepalive(struct sock *sk, bool on) __needs(sk);
void tcp_keepalive_time_set(struct sock *sk) __needs(sk);
u64 tcp_fin_time_ns(const struct sock *sk);
void tcp_fin_wait2_orphan(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_revert_backoff(struct sock *sk) __needs(softirq_ctx, sk);

/* tcp_request.c */
int tcp_reqsk_init(struct tcp_request_sock *req, struct sock *lsk, const struct sk_buff *skb,
		   u32 rcv_isn, u32 snt_isn) __needs(softirq_ctx);
struct tcp_request_sock *tcp_reqsk_alloc(struct sock *lsk, const struct sk_buff *skb,
					 const struct tcp_seg *seg, u32 isn) __needs(softirq_ctx);
void tcp_reqsk_free(struct tcp_request_sock *req);
bool tcp_reqsk_windows(const struct sock *lsk, struct tcp_request_sock *req,
		       const struct tcp_options *opt) __needs(softirq_ctx);
bool tcp_reqsk_enqueue(struct tcp_request_sock *req) __needs(softirq_ctx);
void tcp_reqsk_arm(struct tcp_request_sock *req);
void tcp_reqsk_drop(struct tcp_request_sock *req) __needs(softirq_ctx);
bool tcp_reqsk_syn_again(struct tcp_request_sock *req, const struct tcp_seg *seg)
	__needs(softirq_ctx);
u32 tcp_reqsk_window(const struct tcp_request_sock *req);
bool tcp_reqsk_deferred(struct tcp_request_sock *req, const struct tcp_seg *seg)
	__needs(softirq_ctx);
enum skb_drop_reason tcp_reqsk_screen(struct tcp_request_sock *req, struct sk_buff *skb,
				      const struct tcp_seg *seg) __needs(softirq_ctx);
bool tcp_accept_queue_full(const struct sock *lsk);

/* tcp_syncookies.c */
bool tcp_syncookie_wanted(struct sock *lsk) __needs(softirq_ctx);
u32 tcp_syncookie_isn(struct sock *lsk, const struct sk_buff *skb, const struct tcp_seg *seg,
		      u16 mss) __needs(softirq_ctx);
void tcp_syncookie_encode(struct tcp_request_sock *req) __needs(softirq_ctx);
int tcp_syncookie_check(struct sock *lsk, const struct sk_buff *skb, const struct tcp_seg *seg,
			struct tcp_request_sock *req, struct tcp_options *opt) __needs(softirq_ctx);

/* tcp_minisocks.c */
int tcp_init_sock(struct sock *sk);
void tcp_free_sock(struct sock *sk);
enum skb_drop_reason tcp_conn_request(struct sock *lsk, struct sk_buff *skb,
				      const struct tcp_seg *seg, u32 isn) __needs(softirq_ctx);
struct sock *tcp_create_openreq_child(struct tcp_request_sock *req, bool early)
	__needs(softirq_ctx);
struct sock *tcp_check_req(struct tcp_request_sock *req, struct sk_buff *skb,
			   const struct tcp_seg *seg, enum skb_drop_reason *reason)
	__needs(softirq_ctx);
struct sock *tcp_cookie_child(struct sock *lsk, struct sk_buff *skb, const struct tcp_seg *seg,
			      enum skb_drop_reason *reason) __needs(softirq_ctx);
void tcp_listen_stop(struct sock *sk) __needs(softirq_ctx, sk);
void tcp_child_established(struct sock *child) __needs(softirq_ctx, child);

/* tcp_input.c */
void tcp_rcv_state_process(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk);
SKB_CONSUMER(tcp_rcv_state_process, 2);

/* tcp_ipv4.c */
int tcp_v4_init_sock(struct sock *sk);
void tcp_v4_rcv(struct sk_buff *skb) __needs(softirq_ctx);
void tcp_v4_err(struct sk_buff *skb, u8 type, u8 code, u32 info) __needs(softirq_ctx);
void tcp_v4_backlog_rcv(struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx, sk);
int tcp_v4_connect(struct sock *sk, const struct sockaddr_in *addr, struct tcp_fastopen_request *fo)
	__needs(sk);

/* tcp_sendmsg.c */
ssize_t tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t len) __may_sleep;

/* tcp_sockopt.c */
int tcp_setsockopt(struct sock *sk, int level, int opt, const void *kval, u32 len) __may_sleep;
int tcp_getsockopt(struct sock *sk, int level, int opt, void *kval, u32 *len) __may_sleep;

/* tcp_sysctl.c */
void tcp_default_settings(struct tcp_net *tn);
#endif
