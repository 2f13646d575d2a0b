/* SPDX-License-Identifier: MIT */
/*
 * The simulator's own vocabulary, free of kernel types: the seed and its streams, the options of one run, how a run
 * fails, the capture and the trace.
 *
 * A seed is the whole truth about a run. Each part of the world draws from a stream of its own, named by a word and an
 * index, so that one more draw in one part changes nothing in another. The streams: "kernel" (the kernel's own entropy),
 * "topology" (hosts, links, what may go wrong), "qdisc" (the discipline of each host), "wire" (the fate of each frame, one for each host), "device" (mishaps
 * and manners of cards), "fault" (fault points), "plan" (what the applications will do, one for each flow), "stream"
 * (the bytes), "send" and "receive" (one for each end), "oracle" (how often the whole state is looked at), "clock" (where it begins),
 * "fastopen" (0: what hosts and middleboxes make of it; one for each flow).
 */
#ifndef SIM_H
#define SIM_H
#include <lib/types.h>

/* --- The seed's streams (seed.c) ------------------------------------------------------------------------------------- */
struct rng {
	u64 state;
};
void rng_stream(struct rng *r, u64 seed, const char *name, u32 index);
u64 rng_u64(struct rng *r);
u32 rng_below(struct rng *r, u32 ceil);         /* 0 .. ceil - 1; ceil 0: 0 */
u64 rng_between(struct rng *r, u64 lo, u64 hi); /* lo .. hi, even */
u64 rng_log(struct rng *r, u64 lo, u64 hi);     /* lo .. hi, every size of magnitude alike */
bool rng_ppm(struct rng *r, u32 ppm);           /* true so many times in a million */
/* Bytes of stream @key from offset @off: what an application sends there, and what must arrive. */
void pattern_fill(u64 key, u64 off, u8 *p, size_t n);
/* The first offset where @p differs from the pattern, @n when nowhere. */
size_t pattern_differs(u64 key, u64 off, const u8 *p, size_t n);

/* --- One run (main.c) ------------------------------------------------------------------------------------------------- */
/* Faults planted in what the oracles see, never in the product: each must be reported by the oracle that bears its name. */
enum plant {
	PLANT_NONE,
	PLANT_STREAM,   /* a delivered byte is changed before the comparison */
	PLANT_SHORT,    /* delivered bytes are forgotten */
	PLANT_INQ,      /* more is said to wait for the reader */
	PLANT_WAKEUP,   /* an upward call of a socket is swallowed once */
	PLANT_CENSUS,   /* a packet is missed by the walk */
	PLANT_RMEM,     /* a receive account is read wrong */
	PLANT_WMEM,     /* a send account is read wrong */
	PLANT_LEAK,     /* an object stays behind */
	PLANT_STALL,    /* the clock of the progress bound runs a thousand times faster */
	PLANT_WINDOW,   /* the observer believes in a smaller window */
	PLANT_CWND,     /* the observer believes in a smaller congestion window */
	PLANT_ACK,      /* the observer missed a delivered segment */
	PLANT_BACKWARD, /* the observer remembers a larger acknowledgment */
	PLANT_SHRINK,   /* the observer remembers a larger right edge */
	PLANT_RESENT,   /* a retransmitted byte is changed before the comparison */
	PLANT_CHECKSUM, /* a bit of a sent frame is changed before it is summed */
	PLANT_ADDRESS,  /* a sent frame is taken for another host's */
	PLANT_RTT,      /* the wires are taken for a second longer */
	PLANT_STAGE,    /* a packet has skipped a stage */
	PLANT_BROKEN,   /* a packet is believed to have looked broken */
	PLANT_TSQ,      /* 2 MiB more are taken to be in the queues below a socket */
	PLANT_NAGLE,    /* the observer missed the acknowledgment of a small segment */
	PLANT_COPIED,   /* a byte is copied that nobody gave */
	PLANT_VANISHED, /* one datagram more was sent */
	PLANT_SACK,     /* a segment more is taken to be SACKed */
	PLANT_YOUNG,    /* a connection more is taken to wait for the last ACK of its Fast Open */
	PLANT_TAKEN,    /* one more SYN's data are believed to be acknowledged */
	/* In the experiments (lab.c), where the fault may be one of the connection's own numbers. */
	PLANT_GREEDY,   /* a flow takes back every second reduction of its window */
	PLANT_GROWTH,   /* the window is taken to have grown by a tenth more */
	PLANT_COLLAPSE, /* a flow sends 40,000 bytes a second and no more */
	PLANT_HELD, /* somebody owns a sender's socket for ten seconds: it hears nothing and its timers wait */
	PLANT_TIMER,     /* a retransmission timer is put off by ten seconds */
	PLANT_FORGOTTEN, /* a socket is not closed */
	PLANT_TWICE,     /* the first byte of a SYN comes twice */
	PLANT_SILENT,    /* no ACK that does not come is asked for */
	PLANT_LONGER,    /* BBR takes the path for six times as long */
	PLANT_TIMID,     /* ... halves its rate at each loss */
	PLANT_STALE,     /* ... never forgets the fastest that it saw */
	PLANT_BELIEVED,  /* ... takes the application's rate for the path's */
	PLANT_NARROW,    /* the search for the path's MTU ends where it began */
	PLANT_SHY,       /* a probe of it that is lost halves the window */
	NR_PLANTS
};

struct sim_options {
	u64 seed;
	const char *pcap, *trace; /* files, or NULL */
	bool verbose, midcall;
	enum plant plant;
	const char *world; /* NULL: drawn from the seed; or the name of one (world.c) */
	const char *lab;   /* NULL, or the name of an experiment (lab.c) */
	u32 count;         /* how often it does what it does; 0: its own number */
};
extern struct sim_options sim_options;

/* What a run was, printed in its line. */
struct sim_result {
	u64 pcap_hash; /* of the capture's bytes, whether it is written or not */
	u64 steps, frames, virtual_ns, bytes;
};
extern struct sim_result sim_result;

/* One seed, from raising the hosts to the last count. The kernel is booted. Comes back only when every oracle agreed. */
void sim_run(void);
/* Does sim_options.lab name an experiment? (lab.c) */
bool lab_find(void);
/* Ends the run: oracle @name saw what must not be. Does not return. */
void sim_fail(const char *name, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
/* Is this the planted fault? True once, when it is to happen. */
bool planted(enum plant p);

/* --- Capture and trace (pcap.c) --------------------------------------------------------------------------------------- */
void pcap_open(void);
void pcap_frame(u64 now_ns, const u8 *frame, u32 len);
void pcap_close(void);
/* "seconds host event": written when --trace is given. */
void trace(int host, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool tracing(void);
#endif
