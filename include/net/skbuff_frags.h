/* SPDX-License-Identifier: MIT */
/*
 * Payload in page fragments: how a stream fills packets that are larger than one segment, and how it cuts, shortens and
 * joins them later by moving references instead of bytes.
 */
#ifndef NET_SKBUFF_FRAGS_H
#define NET_SKBUFF_FRAGS_H
#include <kernel/mm.h>
#include <net/skbuff.h>

/* A page that is given out from its begin on, to any number of packets. Owner: whoever embeds it. */
struct page_frag {
	u8 *page; /* counted once for us; NULL: none */
	u32 used; /* bytes of it that are given out */
};

/* There is room in the page (a new one if need be). Process, softirq. false without memory. */
bool page_frag_refill(struct page_frag *pf);
void page_frag_release(struct page_frag *pf); /* gives the page back; those who use it keep it */
/*
 * The copy on the way down when it goes into pages: at most @len application bytes, as many as fit into the page at
 * @pf (which has room), become the packet's last fragment or part of it. Bytes copied; -EFAULT; -EMSGSIZE when all
 * fragments are used (the packet is unchanged). The packet's data is its own, and nobody is charged for it. Process.
 */
int skb_add_data_frag(struct sk_buff *skb, struct page_frag *pf, struct iov_iter *from, u32 len);
/* skb_add_data(), and the sum of the new bytes is added to *csum, the sum of those before. 0, -EFAULT. Process. */
int skb_add_data_csum(struct sk_buff *skb, struct iov_iter *from, u32 len, u32 *csum);
/*
 * Everything behind the first @len bytes moves to @rest, which is empty and has tailroom for what is linear of it.
 * Fragments are moved, with their share of truesize. Shared data may be cut only where it has no fragments (asserted).
 */
void skb_split(struct sk_buff *skb, struct sk_buff *rest, u32 len);
/* Takes @n bytes off the front, linear or not; truesize loses the fragments' part. Shared as above. */
void skb_trim_front(struct sk_buff *skb, u32 n);
/*
 * All bytes of @from go behind those of @to: copied when @to has tailroom, their fragments moved when @from has nothing
 * else. false: neither, nothing changed. @from stays the caller's, to be freed. Neither may be charged to anybody.
 */
bool skb_try_merge(struct sk_buff *to, struct sk_buff *from);
#endif
