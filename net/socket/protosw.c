// SPDX-License-Identifier: MIT
/*
 * The two tables through which socket() finds who serves it: families by number, and for PF_INET the lists inetsw[type],
 * which are walked for the protocol. Static tables of the protocols are entered when an instance is born.
 *
 * A list begins with its permanent entries, in order of registration; whoever comes later stands behind them, the newest
 * first. So a late one may serve a protocol that nobody serves, or replace another late one, but never a permanent one.
 *
 * Interface: sock_register() .. sock_may_open_raw(), inet_register_protosw(), inet_unregister_protosw() (<net/socket.h>);
 * inet_lookup_protosw(), sock_family() for this room.
 * Above: socket.c, af_inet.c; net/init.c and net/packet enter themselves.  Below: slab.
 * Context: process.
 * Owns: net->inet with copies of the entries.
 * Specs: the articles' stages sock_register, inet_register_protosw, inet_create (lookup_protocol).
 */
#include "socket_internal.h"

#include <kernel/mm.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/err.h>

/* --- Families ------------------------------------------------------------------------------------------------------------ */
/**
 * sock_register() - socket() with this family goes to @ops->create from now on
 * @net: the instance
 * @ops: borrowed, a static table
 *
 * Context: process, init. Return: 0; -ENOBUFS a number that cannot be; -EEXIST the family has somebody.
 */
int sock_register(struct net *net, const struct net_proto_family *ops)
{
	if (ops->family < 0 || ops->family >= NPROTO) {
		pr_crit("socket: family %d is beyond the table\n", ops->family);
		return -ENOBUFS;
	}
	if (net->inet->families[ops->family])
		return -EEXIST;
	net->inet->families[ops->family] = ops;
	return 0;
}

/**
 * sock_unregister() - nobody serves @family any more; its sockets go on
 * @net: the instance
 * @family: one of sock_register()
 *
 * Context: process.
 */
void sock_unregister(struct net *net, int family)
{
	BUG_ON(family < 0 || family >= NPROTO);
	net->inet->families[family] = NULL;
}

/**
 * sock_family() - who serves a family
 * @net: the instance
 * @family: within 0..NPROTO-1
 *
 * Context: process. Return: the family, borrowed; NULL nobody.
 */
const struct net_proto_family *sock_family(const struct net *net, int family)
{
	return net->inet->families[family];
}

/**
 * sock_allow_raw() - may applications open sockets that send packets of their own making?
 * @net: the instance
 * @allow: yes (as at birth: there is one application, and it is root)
 *
 * Context: process.
 */
void sock_allow_raw(struct net *net, bool allow)
{
	net->inet->raw_denied = !allow;
}

/**
 * sock_may_open_raw() - what sock_allow_raw() said last
 * @net: the instance
 *
 * Context: process. Return: the answer.
 */
bool sock_may_open_raw(const struct net *net)
{
	return !net->inet->raw_denied;
}

/* --- inetsw ---------------------------------------------------------------------------------------------------------------- */
/**
 * inet_lookup_protosw() - the entry that serves (@type, *@protocol)
 * @net: the instance
 * @type: enum sock_type
 * @protocol: 0 becomes the entry's own
 *
 * Equal and not 0 serves; 0 takes the entry's own; the entry's 0 serves any. Both 0 is no match: a wildcard wants a number.
 * Context: process. Return: the entry, borrowed; ERR_PTR(-ESOCKTNOSUPPORT) no entry of the type, (-EPROTONOSUPPORT) none fits.
 */
const struct inet_protosw *inet_lookup_protosw(struct net *net, int type, int *protocol)
{
	const struct list_head *list = &net->inet->inetsw[type];
	const struct inet_protosw *p;

	list_for_each_entry(p, list, list) {
		if (p->protocol == *protocol) {
			if (*protocol)
				return p;
			continue;
		}
		if (!*protocol) {
			*protocol = p->protocol;
			return p;
		}
		if (!p->protocol)
			return p;
	}
	return ERR_PTR(list_empty(list) ? -ESOCKTNOSUPPORT : -EPROTONOSUPPORT);
}

/**
 * inet_register_protosw() - enters a protocol
 * @net: the instance
 * @p: the entry; copied
 *
 * Refusals are logged: they are mistakes of whoever registers.
 * Context: process, init. Return: 0; -EINVAL a type that cannot be; -EEXIST a permanent entry serves the pair; -ENOMEM.
 */
int inet_register_protosw(struct net *net, const struct inet_protosw *p)
{
	struct inet_protosw *copy, *x;
	struct list_head *behind;

	if (p->type >= SOCK_MAX) {
		pr_err("socket: type %u of %s cannot be\n", p->type, p->prot->name);
		return -EINVAL;
	}
	behind = &net->inet->inetsw[p->type];
	list_for_each_entry(x, &net->inet->inetsw[p->type], list) {
		if (!(x->flags & INET_PROTOSW_PERMANENT))
			break;
		if (x->protocol == p->protocol) {
			pr_err("socket: type %u protocol %u is %s's for good\n", p->type,
			       p->protocol, x->prot->name);
			return -EEXIST;
		}
		behind = &x->list;
	}
	copy = kmalloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *p;
	list_add(&copy->list, behind);
	return 0;
}

/**
 * inet_unregister_protosw() - takes an entry away again
 * @net: the instance
 * @p: names it by type, protocol and prot
 *
 * Context: process. Return: 0; -EPERM it is permanent (logged); -ENOENT.
 */
int inet_unregister_protosw(struct net *net, const struct inet_protosw *p)
{
	struct inet_protosw *x;

	if (p->type >= SOCK_MAX)
		return -ENOENT;
	list_for_each_entry(x, &net->inet->inetsw[p->type], list) {
		if (x->protocol != p->protocol || x->prot != p->prot)
			continue;
		if (x->flags & INET_PROTOSW_PERMANENT) {
			pr_err("socket: %s is permanent\n", x->prot->name);
			return -EPERM;
		}
		list_del_init(&x->list);
		kfree(x);
		return 0;
	}
	return -ENOENT;
}

/**
 * protosw_net_init() - both tables, empty
 * @net: the instance; net->inet is set
 *
 * Context: process. Return: 0; -ENOMEM.
 */
int protosw_net_init(struct net *net)
{
	struct inet_socket_net *inet = kzalloc(sizeof(*inet));

	BUG_ON(net->inet);
	if (!inet)
		return -ENOMEM;
	for (u32 type = 0; type < SOCK_MAX; type++)
		INIT_LIST_HEAD(&inet->inetsw[type]);
	net->inet = inet;
	return 0;
}

/**
 * protosw_net_exit() - takes them away with every entry
 * @net: the instance; it has no socket any more
 *
 * Context: process.
 */
void protosw_net_exit(struct net *net)
{
	struct inet_protosw *p, *n;

	for (u32 type = 0; type < SOCK_MAX; type++) {
		list_for_each_entry_safe(p, n, &net->inet->inetsw[type], list) {
			list_del_init(&p->list);
			kfree(p);
		}
	}
	kfree(net->inet);
	net->inet = NULL;
}
