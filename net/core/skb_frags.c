// SPDX-License-Identifier: MIT
/*
 * Payload in page fragments: filled by the one copy of the way down; cut, shortened and joined by moving references.
 *
 * Interface: <net/skbuff_frags.h>.
 * Above: net/tcp.  Below: skbuff.c, <kernel/mm.h>, <kernel/uio.h>, checksum.c.
 * Context: process, softirq; a packet belongs to one owner at a time.
 * Owns: nothing; a packet owns one reference on the page of each of its fragments.
 * truesize: a fragment is charged with its bytes, so what moves from packet to packet takes its charge along.
 */
#include <net/skbuff_frags.h>

#include <kernel/uio.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/checksum.h>

/**
 * page_frag_refill() - lets @pf have room for at least one byte.
 * Context: process, softirq. Return: true; false without memory.
 */
bool page_frag_refill(struct page_frag *pf)
{
	if (pf->page && pf->used < PAGE_SIZE)
		return true;
	page_frag_release(pf);
	pf->page = alloc_page();
	pf->used = 0;
	return pf->page != NULL;
}

/**
 * page_frag_release() - gives the page back; packets that use it keep it alive.
 * Context: process, softirq.
 */
void page_frag_release(struct page_frag *pf)
{
	if (pf->page)
		page_put(pf->page);
	pf->page = NULL;
}

/* Frees or moves bytes of fragments: their part of the accounts. */
static void frags_changed(struct sk_buff *skb, s32 bytes)
{
	skb->len += (u32)bytes;
	skb->data_len += (u32)bytes;
	skb->truesize += (u32)bytes;
}

/**
 * skb_add_data_frag() - copies application bytes into the page at @pf and appends them as a fragment.
 * What continues the packet's last fragment makes that longer.
 * Context: process. Borrows: @skb, which takes a reference on the page.
 * Return: bytes, 1..@len; -EFAULT; -EMSGSIZE all fragments are used. On error @skb is unchanged.
 */
int skb_add_data_frag(struct sk_buff *skb, struct page_frag *pf, struct iov_iter *from, u32 len)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	struct skb_frag *last = si->nr_frags ? &si->frags[si->nr_frags - 1] : NULL;
	u8 *to = pf->page + pf->used;
	u32 n = min(len, (u32)PAGE_SIZE - pf->used);
	bool joins = last && last->addr + last->len == to && last->addr - last->offset == pf->page;

	BUG_ON(!pf->page || !n);
	BUG_ON(skb->destructor || skb_shared_data(skb));
	if (!joins && si->nr_frags == MAX_SKB_FRAGS)
		return -EMSGSIZE;
	if (copy_from_iter(to, n, from))
		return -EFAULT;
	*(from->ours ? &skb_stats.copied_kernel : &skb_stats.copied_tx) += n;
	if (joins) {
		last->len += n;
	} else {
		si->frags[si->nr_frags++] =
			(struct skb_frag){ .addr = to, .len = n, .offset = pf->used };
		page_get(pf->page);
	}
	pf->used += n;
	frags_changed(skb, (s32)n);
	return (int)n;
}

/**
 * skb_add_data_csum() - the copy on the way down for a device that does not sum: the bytes are summed while the copy has
 * them in the first cache, so that memory is passed over once (RFC 1071, 2).
 * Context: process. Borrows: @skb. Return: 0; -EFAULT, and @skb and *@csum are unchanged.
 */
int skb_add_data_csum(struct sk_buff *skb, struct iov_iter *from, u32 len, u32 *csum)
{
	u32 offset = skb->len;
	int err = skb_add_data(skb, from, len);

	if (!err)
		*csum = csum_block_add(*csum, csum_partial(skb->tail - len, len, 0), offset);
	return err;
}

/**
 * skb_split() - everything behind the first @len bytes moves to @rest.
 * Context: process, softirq. Borrows: both; each has its own references afterwards.
 */
void skb_split(struct sk_buff *skb, struct sk_buff *rest, u32 len)
{
	struct skb_shared_info *si = skb_shinfo(skb), *nsi = skb_shinfo(rest);
	u32 headlen = skb_headlen(skb), stays = len > headlen ? len - headlen : 0, kept = 0,
	    moved = 0;

	BUG_ON(rest->len || len >= skb->len);
	BUG_ON(skb->data_len && skb_shared_data(skb));
	if (len < headlen) {
		u32 n = headlen - len;

		memcpy(skb_put(rest, n), skb->data + len, n);
		skb_stats.copied_other += n;
		skb->tail -= n;
		skb->len -= n;
	}
	for (u32 i = 0; i < si->nr_frags; i++) {
		struct skb_frag *f = &si->frags[i], part = *f;

		if (f->len <= stays) {
			stays -= f->len;
			kept++;
			continue;
		}
		if (stays) { /* cut in two: both hold the page */
			part.addr += stays;
			part.offset += stays;
			part.len -= stays;
			page_get(f->addr - f->offset);
			f->len = stays;
			stays = 0;
			kept++;
		}
		nsi->frags[nsi->nr_frags++] = part;
		moved += part.len;
	}
	if (!moved)
		return;
	si->nr_frags = (u8)kept;
	frags_changed(skb, -(s32)moved);
	frags_changed(rest, (s32)moved);
}

/**
 * skb_trim_front() - takes @n bytes off the front, whether they are linear or not.
 * Context: process, softirq. Borrows: @skb; nobody is charged for it (asserted when fragments go).
 */
void skb_trim_front(struct sk_buff *skb, u32 n)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	u32 linear = min(n, skb_headlen(skb)), first = 0;

	BUG_ON(n > skb->len);
	skb->data += linear;
	skb->len -= linear;
	n -= linear;
	if (!n)
		return;
	BUG_ON(skb->destructor || skb_shared_data(skb));
	frags_changed(skb, -(s32)n);
	while (n && n >= si->frags[first].len) {
		n -= si->frags[first].len;
		page_put(si->frags[first].addr - si->frags[first].offset);
		first++;
	}
	si->nr_frags = (u8)(si->nr_frags - first);
	memmove(si->frags, si->frags + first, si->nr_frags * sizeof(si->frags[0]));
	if (n) {
		si->frags[0].addr += n;
		si->frags[0].offset += n;
		si->frags[0].len -= n;
	}
}

/**
 * skb_try_merge() - all bytes of @from go behind those of @to, if that is cheap.
 * Context: process, softirq. Borrows: both. Return: true; false, and nothing has changed.
 */
bool skb_try_merge(struct sk_buff *to, struct sk_buff *from)
{
	struct skb_shared_info *si = skb_shinfo(from), *tsi = skb_shinfo(to);

	BUG_ON(to->destructor || from->destructor);
	if (skb_shared_data(to) || skb_shared_data(from))
		return false;
	if (!from->len)
		return true;
	if (from->len <= skb_tailroom(to)) {
		u32 len = from->len;

		BUG_ON(skb_copy_bits(from, 0, skb_put(to, len), len));
		skb_stats.copied_other += len;
		return true;
	}
	if (skb_headlen(from) || si->nr_frags + tsi->nr_frags > MAX_SKB_FRAGS)
		return false;
	memcpy(tsi->frags + tsi->nr_frags, si->frags, si->nr_frags * sizeof(si->frags[0]));
	tsi->nr_frags = (u8)(tsi->nr_frags + si->nr_frags);
	si->nr_frags = 0;
	frags_changed(to, (s32)from->len);
	frags_changed(from, -(s32)from->len);
	return true;
}
