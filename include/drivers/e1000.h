/* SPDX-License-Identifier: MIT */
/* Intel 8254x (e1000): 82540EM, 82545EM, 82544GC. */
#ifndef DRIVERS_E1000_H
#define DRIVERS_E1000_H
#include <drivers/pci.h>

struct net;
/* Boot options, set from the command line before probing. */
struct e1000_options {
	struct net *net;      /* where devices register */
	u32 tx_ring, rx_ring; /* descriptors: 8..4096, multiple of 8; default 256 */
	bool txirq_always;    /* txirq=always: an interrupt for every completion */
	bool csum;            /* offer checksum offload */
	bool tso;             /* let the device cut packets; needs csum, and sg */
	bool no_sg, no_gso;   /* sg=off: packets in one piece; gso=off: none that are to be cut */
	u32 mtu, txqueuelen;
};
extern const struct pci_driver e1000_driver; /* probe's ctx: struct e1000_options */
#endif
