/* SPDX-License-Identifier: MIT */
/*
 * Red-black tree embedded in its members: an ordered index with O(log n) insertion, search and removal and no allocation.
 *
 * The order is the user's: it walks down from rb_root.node by its own comparison, and names the place to rb_insert(). child[0] is the
 * side of the smaller, child[1] of the greater.
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H
#include <lib/types.h>

struct rb_node {
	unsigned long parent_red; /* the parent's address; bit 0: this node is red */
	struct rb_node *child[2];
};
struct rb_root {
	struct rb_node *node; /* NULL: empty */
};

static inline struct rb_node *rb_parent(const struct rb_node *n)
{
	return (struct rb_node *)(n->parent_red & ~1ul);
}

/* @n becomes the child on @side of @parent, where there is none; @parent NULL: the tree is empty. */
void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent, u32 side);
void rb_erase(struct rb_root *root, struct rb_node *n); /* @n is in the tree */
/* The outermost node on @side; NULL: empty. The neighbour of @n on @side; NULL: none. */
struct rb_node *rb_outermost(const struct rb_root *root, u32 side);
struct rb_node *rb_neighbour(const struct rb_node *n, u32 side);

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	return rb_outermost(root, 0);
}

static inline struct rb_node *rb_last(const struct rb_root *root)
{
	return rb_outermost(root, 1);
}

static inline struct rb_node *rb_next(const struct rb_node *n)
{
	return rb_neighbour(n, 1);
}

static inline struct rb_node *rb_prev(const struct rb_node *n)
{
	return rb_neighbour(n, 0);
}
#endif
