// SPDX-License-Identifier: MIT
/* The red-black tree: its four laws after each of many insertions and removals, in orders good and bad. */
#include "ktest.h"

#include <lib/rbtree.h>

struct item {
	struct rb_node node; /* first */
	unsigned key;
	bool in;
};
static struct rb_root root;
#define ITEMS 512
static struct item items[ITEMS];

static void put(struct item *it)
{
	struct rb_node *n = root.node, *parent = NULL;
	unsigned side = 0;

	while (n) {
		parent = n;
		side = ((struct item *)n)->key < it->key;
		n = n->child[side];
	}
	rb_insert(&root, &it->node, parent, side);
	it->in = true;
}

static void take(struct item *it)
{
	rb_erase(&root, &it->node);
	it->in = false;
}

/* Black nodes from @n up to the root. */
static int blacks(const struct rb_node *n)
{
	int count = 0;

	for (; n; n = rb_parent(n))
		count += !(n->parent_red & 1);
	return count;
}

/* Links agree, no red one below a red one, and every way down meets equally many black ones (*@height, 0: not known yet). */
static bool lawful_node(const struct rb_node *n, int *height)
{
	bool red = n->parent_red & 1;

	for (unsigned i = 0; i < 2; i++) {
		const struct rb_node *child = n->child[i];

		if (child && (rb_parent(child) != n || (red && (child->parent_red & 1))))
			return false;
		if (!child && !*height)
			*height = blacks(n);
		if (!child && blacks(n) != *height)
			return false;
	}
	return rb_parent(n) || (root.node == n && !red);
}

/* The laws hold, and walking both ways meets exactly what is in, in order. */
static bool lawful(void)
{
	unsigned want = 0, seen = 0, last = 0;
	int height = 0;

	for (unsigned i = 0; i < ITEMS; i++)
		want += items[i].in;
	for (struct rb_node *n = rb_first(&root); n; n = rb_next(n), seen++) {
		if (((struct item *)n)->key < last || !((struct item *)n)->in ||
		    !lawful_node(n, &height))
			return false;
		last = ((struct item *)n)->key;
	}
	for (struct rb_node *n = rb_last(&root); n; n = rb_prev(n))
		seen++;
	return seen == 2 * want;
}

static void reset(void)
{
	root = (struct rb_root){ NULL };
	memset(items, 0, sizeof(items));
}

static unsigned scatter(unsigned i)
{
	return (i * 2654435761u) >> 12;
}

TEST(ascending_descending_and_scattered_orders)
{
	for (unsigned order = 0; order < 3; order++) {
		bool ok = true;

		reset();
		for (unsigned i = 0; i < ITEMS; i++) {
			items[i].key = order == 0 ? i : order == 1 ? ITEMS - i : scatter(i);
			put(&items[i]);
			ok &= lawful();
		}
		CHECK(ok);
		for (unsigned i = 0; i < ITEMS; i++) {
			struct item *it = &items[scatter(i) % ITEMS];

			take(it->in ? it : (struct item *)rb_first(&root));
			ok &= lawful();
		}
		CHECK(ok);
		CHECK(!root.node);
	}
}

TEST(random_insertions_and_removals_keep_the_laws)
{
	unsigned x = 12345;
	bool ok = true;

	reset();
	for (unsigned i = 0; i < 8000; i++) {
		struct item *it;

		x = x * 1103515245u + 12345u;
		it = &items[(x >> 8) % (i % 4000 < 2000 ? ITEMS : 24)];
		if (it->in) {
			take(it);
		} else {
			it->key = x >> 16; /* equal keys happen */
			put(it);
		}
		if (i % 8 == 0 || i % 4000 >= 2000)
			ok &= lawful();
	}
	CHECK(ok);
}

TEST(an_empty_tree_and_a_single_node)
{
	reset();
	CHECK(!rb_first(&root) && !rb_last(&root));
	put(&items[0]);
	CHECK(rb_first(&root) == &items[0].node && rb_last(&root) == &items[0].node);
	CHECK(!rb_next(&items[0].node) && !rb_prev(&items[0].node));
	take(&items[0]);
	CHECK(!root.node);
}

KTEST_MAIN()
