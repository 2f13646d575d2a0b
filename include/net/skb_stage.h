/* SPDX-License-Identifier: MIT */
/*
 * Where a packet is. Each one belongs to exactly one stage from its birth to its end, and moves only along the path: down,
 * or back up. Counting the moves makes the path checkable: at every stage, what came in went on, ended there, was dropped there
 * (with a reason) or is there still.
 */
#ifndef NET_SKB_STAGE_H
#define NET_SKB_STAGE_H

/* Down in the order of the path, then up. */
// clang-format off
#define SKB_STAGES(X)								\
	X(NEW, "new")		/* made; nobody's yet */			\
	X(SOCKET_OUT, "socket_out") /* a socket's write or retransmit queue */	\
	X(IP_OUT, "ip_out")	/* has its route; header, hooks, fragments */	\
	X(NF_QUEUE, "nf_queue") /* a filter's, till it brings it back */	\
	X(NEIGH, "neigh")	/* the link address; perhaps waiting for it */	\
	X(DEV, "dev")		/* device layer: qdisc, cutting, checksum */	\
	X(DRIVER, "driver")	/* the driver's, in its ring */			\
	X(BACKLOG, "backlog")	/* sent to ourselves, not received yet */	\
	X(RX, "rx")		/* received: link, IP, transport */		\
	X(REASSEMBLY, "reassembly") /* a fragment that waits for others */	\
	X(SOCKET_IN, "socket_in") /* a socket's receive queue or backlog */
// clang-format on

enum skb_stage {
#define STAGE_ENUM(name, text) SKB_STAGE_##name,
	SKB_STAGES(STAGE_ENUM)
#undef STAGE_ENUM
		NR_SKB_STAGES
};

struct seq_file;

/*
 * The account of all packets of the process: NULL when every stage adds up, each packet moved along the path only, and none ended
 * as if sent where it can only be dropped; else what is wrong, in words that stay valid. Any context.
 */
const char *skb_stages_wrong(void);
void skb_stages_show(struct seq_file *m); /* /proc/net/flow */
#endif
