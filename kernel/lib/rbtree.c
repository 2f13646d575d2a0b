// SPDX-License-Identifier: MIT
/*
 * Red-black tree: the balance that <lib/rbtree.h> promises.
 *
 * The root is black; a red node has black children; every way down from a node meets equally many black nodes. So no way is
 * more than twice as long as another. Both sides are one code: @side mirrors it.
 *
 * Interface: rb_insert, rb_erase, rb_outermost, rb_neighbour
 * Above: anybody. Below: nothing.
 * Context: any; the caller keeps others away. Owns: nothing; nodes belong to their users.
 * Specs: Guibas and Sedgewick, "A dichromatic framework for balanced trees" (1978); Cormen et al., "Introduction to Algorithms", ch. 13.
 */
#include <lib/bug.h>
#include <lib/rbtree.h>

static bool rb_is_red(const struct rb_node *n)
{
	return n && (n->parent_red & 1);
}

static void rb_paint(struct rb_node *n, bool red)
{
	n->parent_red = (n->parent_red & ~1ul) | red;
}

static void rb_set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->parent_red = (unsigned long)parent | (n->parent_red & 1);
}

/* Which child of @parent @n is; @n may be NULL when the other is not. */
static u32 rb_side(const struct rb_node *parent, const struct rb_node *n)
{
	return parent->child[1] == n;
}

/* @to stands where @from stood, seen from above. */
static void rb_replace_child(struct rb_root *root, struct rb_node *from, struct rb_node *to)
{
	struct rb_node *parent = rb_parent(from);

	if (parent)
		parent->child[rb_side(parent, from)] = to;
	else
		root->node = to;
}

/* @x sinks to @side; its other child rises. */
static void rb_rotate(struct rb_root *root, struct rb_node *x, u32 side)
{
	struct rb_node *y = x->child[!side], *inner = y->child[side];

	rb_replace_child(root, x, y);
	rb_set_parent(y, rb_parent(x));
	x->child[!side] = inner;
	if (inner)
		rb_set_parent(inner, x);
	y->child[side] = x;
	rb_set_parent(x, y);
}

/**
 * rb_insert() - adds a node at the place that the caller found
 * @root: the tree
 * @n: in no tree
 * @parent: NULL when the tree is empty
 * @side: of @parent, where it has no child
 *
 * Context: any.
 */
void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent, u32 side)
{
	n->child[0] = n->child[1] = NULL;
	n->parent_red = (unsigned long)parent | 1;
	BUG_ON(parent ? parent->child[side] != NULL : root->node != NULL);
	if (parent)
		parent->child[side] = n;
	else
		root->node = n;
	while (rb_is_red(parent = rb_parent(n))) {
		struct rb_node *grand = rb_parent(parent); /* a red one is not the root */
		u32 d = rb_side(grand, parent);
		struct rb_node *uncle = grand->child[!d];

		if (rb_is_red(uncle)) {
			rb_paint(parent, false);
			rb_paint(uncle, false);
			rb_paint(grand, true);
			n = grand;
			continue;
		}
		if (parent->child[!d] == n) {
			rb_rotate(root, parent, d);
			parent = n;
		}
		rb_paint(parent, false);
		rb_paint(grand, true);
		rb_rotate(root, grand, !d);
		break;
	}
	rb_paint(root->node, false);
}

/* The ways through @n, child of @parent and maybe NULL, have one black node less than their sisters. */
static void rb_erase_fixup(struct rb_root *root, struct rb_node *n, struct rb_node *parent)
{
	while (n != root->node && !rb_is_red(n)) {
		u32 d = rb_side(parent, n);
		struct rb_node *sister = parent->child[!d];

		if (rb_is_red(sister)) {
			rb_paint(sister, false);
			rb_paint(parent, true);
			rb_rotate(root, parent, d);
			sister = parent->child[!d];
		}
		if (!rb_is_red(sister->child[0]) && !rb_is_red(sister->child[1])) {
			rb_paint(sister, true);
			n = parent;
			parent = rb_parent(n);
			continue;
		}
		if (!rb_is_red(sister->child[!d])) {
			rb_paint(sister->child[d], false);
			rb_paint(sister, true);
			rb_rotate(root, sister, !d);
			sister = parent->child[!d];
		}
		rb_paint(sister, rb_is_red(parent));
		rb_paint(parent, false);
		rb_paint(sister->child[!d], false);
		rb_rotate(root, parent, d);
		break;
	}
	if (n)
		rb_paint(n, false);
}

/* @y, cut out of its own place, takes that of @n. */
static void rb_take_place(struct rb_root *root, struct rb_node *n, struct rb_node *y)
{
	rb_replace_child(root, n, y);
	*y = *n;
	for (u32 i = 0; i < 2; i++)
		if (y->child[i])
			rb_set_parent(y->child[i], y);
}

/** rb_erase() - takes @n out of the tree. Context: any. */
void rb_erase(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *y = n, *x, *parent; /* y: cut out; x: comes in its place */
	bool black;

	BUG_ON(!root->node);
	if (n->child[0] && n->child[1])
		for (y = n->child[1]; y->child[0];)
			y = y->child[0];
	x = y->child[y->child[0] == NULL];
	parent = rb_parent(y);
	black = !rb_is_red(y);
	rb_replace_child(root, y, x);
	if (x)
		rb_set_parent(x, parent);
	if (y != n) {
		if (parent == n)
			parent = y;
		rb_take_place(root, n, y);
	}
	if (black)
		rb_erase_fixup(root, x, parent);
}

/** rb_outermost() - the smallest (@side 0) or greatest (1) node. Context: any. Return: it, or NULL. */
struct rb_node *rb_outermost(const struct rb_root *root, u32 side)
{
	struct rb_node *n = root->node;

	while (n && n->child[side])
		n = n->child[side];
	return n;
}

/** rb_neighbour() - the next smaller (@side 0) or greater (1) node. Context: any. Return: it, or NULL. */
struct rb_node *rb_neighbour(const struct rb_node *n, u32 side)
{
	const struct rb_node *up;

	if (n->child[side]) {
		const struct rb_root below = { n->child[side] };

		return rb_outermost(&below, !side);
	}
	while ((up = rb_parent(n)) && rb_side(up, n) == side)
		n = up;
	return (struct rb_node *)(unsigned long)up;
}
