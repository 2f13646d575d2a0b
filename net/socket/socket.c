// SPDX-License-Identifier: MIT
/*
 * The door: fd -> struct file -> struct socket -> proto_ops -> proto. Here an application's arguments are copied in
 * and checked, in Linux's order and with its error numbers; below this room no pointer of an application is
 * followed but through an iov_iter.
 *
 *   send, sendto, sendmsg, sendmmsg, write, writev -> sock_sendmsg -> ops->sendmsg
 *   recv, recvfrom, recvmsg, recvmmsg, read, readv -> sock_recvmsg -> ops->recvmsg
 *
 * Interface: socket_init() enters the system calls; sock_create_kern(), sock_release(), kernel_bind(),
 * kernel_sendmsg(), kernel_recvmsg() for rooms of the kernel (<net/socket.h>).
 * Above: applications, net/dhcp. Below: af_inet.c through the tables; kernel/file.c.
 * Context: process; kernel_sendmsg() on a bound datagram socket also softirq.
 * Owns: struct socket; a descriptor's socket dies with its file's last reference.
 * Specs: POSIX.1-2017 2.10; docs/PATH.md A3.
 */
#include <net/socket.h>

#include <kernel/context.h>
#include <kernel/file.h>
#include <kernel/mm.h>
#include <kernel/posix.h>
#include <kernel/syscall_define.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/posix.h>
#include <uapi/unistd.h>

#include "socket_internal.h"

#define SOCK_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
/* What an application may ask for: bits above are the kernel's own. */
#define MSG_USER (0xffffu | MSG_FASTOPEN | MSG_CMSG_CLOEXEC)
/* The largest option value; longer ones are cut, as an option reads only its own size. */
#define OPT_MAX 256
/* Filters of groups are longer: of so many sources, which is more than a socket can have. */
#define OPT_LIST_MAX ((int)(sizeof(struct group_filter) + 40 * sizeof(struct sockaddr_storage)))
#define SOCK_MODE    (S_IFSOCK | 0777)

/* The instance that system calls act on: they come with no other context. Set once at boot. */
static struct net *syscall_net;

/* --- Life -------------------------------------------------------------------------------------------------------------- */
static struct socket *sock_alloc(u16 type)
{
	struct socket *sock = kzalloc(sizeof(*sock));

	if (sock) {
		sock->type = type;
		sock->state = SS_UNCONNECTED;
	}
	return sock;
}

static int sock_create(struct net *net, int family, int type, int protocol, struct socket **res)
{
	const struct net_proto_family *pf;
	struct socket *sock;
	int err;

	if (family < 0 || family >= NPROTO)
		return -EAFNOSUPPORT;
	if (type < 0 || type >= SOCK_MAX)
		return -EINVAL;
	pf = sock_family(net, family);
	if (!pf)
		return -EAFNOSUPPORT;
	sock = sock_alloc((u16)type);
	if (!sock)
		return -ENFILE;
	err = pf->create(net, sock, protocol);
	if (err) {
		kfree(sock);
		return err;
	}
	BUG_ON(!sock->ops || !sock->sk);
	*res = sock;
	return 0;
}

/**
 * sock_create_kern() - a socket for a room of the kernel, without a descriptor
 * @net: the instance
 * @family: AF_INET
 * @type: enum sock_type
 * @protocol: 0 takes the type's default
 * @res: gets the socket, the caller's until sock_release()
 *
 * Context: process. Return: 0; -EAFNOSUPPORT, -EINVAL, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT;
 * -ENFILE, -ENOMEM without memory.
 */
int sock_create_kern(struct net *net, int family, int type, int protocol, struct socket **res)
{
	return sock_create(net, family, type, protocol, res);
}

/**
 * sock_release() - the end of a socket: the protocol closes in its own time
 * @sock: freed
 *
 * Context: process; blocks only for SO_LINGER.
 */
void sock_release(struct socket *sock)
{
	if (sock->ops)
		sock->ops->release(sock);
	BUG_ON(sock->sk);
	kfree(sock);
}

/* --- Data ---------------------------------------------------------------------------------------------------------------- */
static ssize_t sock_sendmsg(struct socket *sock, struct msghdr *msg)
{
	trace_fn_sk(sock_sendmsg, sock->sk, (u32)iov_iter_count(&msg->msg_iter));
	return sock->ops->sendmsg(sock, msg, iov_iter_count(&msg->msg_iter));
}

static ssize_t sock_recvmsg(struct socket *sock, struct msghdr *msg, u32 flags)
{
	return sock->ops->recvmsg(sock, msg, iov_iter_count(&msg->msg_iter), flags);
}

static u32 file_msg_flags(const struct file *f)
{
	return f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0;
}

/* --- As a file --------------------------------------------------------------------------------------------------------------- */
static ssize_t sock_file_read(struct file *f, const struct iovec *iov, unsigned long nr, u64 *pos)
{
	struct socket *sock = f->private_data;
	struct msghdr msg = { .msg_name = NULL };

	(void)pos;
	iov_iter_init(&msg.msg_iter, iov, nr);
	if (!iov_iter_count(&msg.msg_iter))
		return 0;
	return sock_recvmsg(sock, &msg, file_msg_flags(f));
}

static ssize_t sock_file_write(struct file *f, const struct iovec *iov, unsigned long nr, u64 *pos)
{
	struct socket *sock = f->private_data;
	struct msghdr msg = { .msg_flags = file_msg_flags(f) };

	(void)pos;
	iov_iter_init(&msg.msg_iter, iov, nr);
	return sock_sendmsg(sock, &msg);
}

static long sock_file_ioctl(struct file *f, unsigned long req, unsigned long arg) __may_sleep
{
	struct socket *sock = f->private_data;
	int val = 0, err;

	err = sock->ops->ioctl(sock, req, &val);
	if (err == -ENOTTY)
		return sock_if_ioctl(sock->sk->sk_net, req, (void *)arg);
	return err ? err : copy_to_user((void *)arg, &val, sizeof(val));
}

static unsigned int sock_file_poll(struct file *f, struct wait_queue_head **wq)
{
	struct socket *sock = f->private_data;

	*wq = &sock->sk->sk_wq;
	return sock->ops->poll(sock);
}

static int sock_file_size(struct file *f, u64 *size, u32 *mode)
{
	(void)f;
	*size = 0;
	*mode = SOCK_MODE;
	return 0;
}

static void sock_file_release(struct file *f)
{
	sock_release(f->private_data);
}

static const struct file_operations socket_file_ops = {
	.name = "socket",
	.read = sock_file_read,
	.write = sock_file_write,
	.ioctl = sock_file_ioctl,
	.poll = sock_file_poll,
	.size = sock_file_size,
	.release = sock_file_release,
};

/* The file of a new socket, which moves into it; on failure the socket stays the caller's. */
static struct file *sock_alloc_file(struct socket *sock, u32 flags)
{
	struct file *f = file_alloc(&socket_file_ops, sock, O_RDWR | (flags & O_NONBLOCK));

	if (f)
		sock->file = f;
	return f;
}

/* A descriptor for @sock, which is consumed also on failure. */
static int sock_map_fd(struct socket *sock, u32 flags) __may_sleep
{
	struct file *f = sock_alloc_file(sock, flags);
	int fd;

	if (!f) {
		sock_release(sock);
		return -ENFILE;
	}
	fd = fd_install(f, 0, flags & SOCK_CLOEXEC);
	if (fd < 0)
		fput(f);
	return fd;
}

/* The socket behind a descriptor; *f holds it and is the caller's to fput(). NULL with *err -EBADF, -ENOTSOCK. */
static struct socket *sockfd_lookup(int fd, struct file **f, long *err) __may_sleep
{
	struct socket *sock;

	might_sleep();
	*f = fget(fd);
	if (!*f) {
		*err = -EBADF;
		return NULL;
	}
	sock = (*f)->private_data;
	if ((*f)->ops != &socket_file_ops)
		*err = -ENOTSOCK;
	else if (!sock->sk)
		*err = -EBADF; /* another thread's accept() has not filled it */
	else
		return sock;
	fput(*f);
	return NULL;
}

/* --- Addresses --------------------------------------------------------------------------------------------------------------- */
static int move_addr_to_kernel(const void *uaddr, int len, struct sockaddr_storage *kaddr)
{
	if (len < 0 || len > (int)sizeof(*kaddr))
		return -EINVAL;
	memset(kaddr, 0, sizeof(*kaddr)); /* a short address must not read what was here before */
	return len ? copy_from_user(kaddr, uaddr, (size_t)len) : 0;
}

/* Copies as much as the application has room for, and tells the true length. */
static int move_addr_to_user(const struct sockaddr_storage *kaddr, int klen, void *uaddr, int *ulen)
{
	int len;

	if (copy_from_user(&len, ulen, sizeof(len)))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min(len, klen);
	if (len && copy_to_user(uaddr, kaddr, (size_t)len))
		return -EFAULT;
	return copy_to_user(ulen, &klen, sizeof(klen));
}

/* --- System calls: making and naming --------------------------------------------------------------------------------------- */
SYSCALL_DEFINE3(socket, int, family, int, type, int, protocol)
{
	u32 flags = (u32)type & ~(u32)SOCK_TYPE_MASK;
	struct socket *sock;
	int err;

	if (flags & ~(u32)SOCK_FLAGS)
		return -EINVAL;
	err = sock_create(syscall_net, family, type & SOCK_TYPE_MASK, protocol, &sock);
	return err ? err : sock_map_fd(sock, flags);
}

/* No family here has pairs; what is wrong otherwise is said first. */
SYSCALL_DEFINE4(socketpair, int, family, int, type, int, protocol, int *, usv)
{
	struct socket *sock;
	int err;

	(void)usv;
	if ((u32)type & ~(u32)(SOCK_TYPE_MASK | SOCK_FLAGS))
		return -EINVAL;
	err = sock_create(syscall_net, family, type & SOCK_TYPE_MASK, protocol, &sock);
	if (err)
		return err;
	sock_release(sock);
	return -EOPNOTSUPP;
}

SYSCALL_DEFINE3(bind, int, fd, const void *, uaddr, int, len)
{
	struct sockaddr_storage addr;
	struct file *f;
	long err;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	err = move_addr_to_kernel(uaddr, len, &addr);
	if (!err)
		err = sock->ops->bind(sock, (const struct sockaddr *)&addr, len);
	fput(f);
	return err;
}

SYSCALL_DEFINE3(connect, int, fd, const void *, uaddr, int, len)
{
	struct sockaddr_storage addr;
	struct file *f;
	long err;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	err = move_addr_to_kernel(uaddr, len, &addr);
	if (!err)
		err = sock->ops->connect(sock, (const struct sockaddr *)&addr, len, f->flags);
	fput(f);
	return err;
}

SYSCALL_DEFINE2(listen, int, fd, int, backlog)
{
	struct file *f;
	long err;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	err = sock->ops->listen(sock, backlog);
	fput(f);
	return err;
}

static int accepted_name(struct socket *sock, void *uaddr, int *ulen)
{
	struct sockaddr_storage addr;
	int len;

	if (!uaddr)
		return 0;
	len = sock->ops->getname(sock, &addr, true);
	if (len < 0)
		return -ECONNABORTED;
	return move_addr_to_user(&addr, len, uaddr, ulen);
}

/* The descriptor is taken first: with none free, the connection stays in the queue. */
static long do_accept(int fd, void *uaddr, int *ulen, u32 flags) __may_sleep
{
	struct socket *newsock;
	struct file *f, *newfile;
	long err;
	int newfd;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	newsock = sock_alloc(sock->type);
	newfile = newsock ? sock_alloc_file(newsock, flags) : NULL;
	if (!newfile) {
		kfree(newsock);
		err = -ENFILE;
		goto out_put;
	}
	newfd = fd_install(newfile, 0, flags & SOCK_CLOEXEC);
	if (newfd < 0) {
		fput(newfile);
		err = newfd;
		goto out_put;
	}
	err = sock->ops->accept(sock, newsock, f->flags);
	if (!err)
		err = accepted_name(newsock, uaddr, ulen);
	if (err)
		fd_close(newfd);
	else
		err = newfd;
out_put:
	fput(f);
	return err;
}

SYSCALL_DEFINE3(accept, int, fd, void *, uaddr, int *, ulen)
{
	return do_accept(fd, uaddr, ulen, 0);
}

SYSCALL_DEFINE4(accept4, int, fd, void *, uaddr, int *, ulen, u32, flags)
{
	if (flags & ~(u32)SOCK_FLAGS)
		return -EINVAL;
	return do_accept(fd, uaddr, ulen, flags);
}

static long do_getname(int fd, void *uaddr, int *ulen, bool peer) __may_sleep
{
	struct sockaddr_storage addr;
	struct file *f;
	long err;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	err = sock->ops->getname(sock, &addr, peer);
	if (err >= 0)
		err = move_addr_to_user(&addr, (int)err, uaddr, ulen);
	fput(f);
	return err;
}

SYSCALL_DEFINE3(getsockname, int, fd, void *, uaddr, int *, ulen)
{
	return do_getname(fd, uaddr, ulen, false);
}

SYSCALL_DEFINE3(getpeername, int, fd, void *, uaddr, int *, ulen)
{
	return do_getname(fd, uaddr, ulen, true);
}

SYSCALL_DEFINE2(shutdown, int, fd, int, how)
{
	struct file *f;
	long err;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	err = sock->ops->shutdown(sock, how);
	fput(f);
	return err;
}

/* --- System calls: sending ----------------------------------------------------------------------------------------------------- */
SYSCALL_DEFINE6(sendto, int, fd, void *, buf, size_t, len, u32, flags, const void *, uaddr, int,
		addr_len)
{
	struct iovec iov = { buf, min_t(size_t, len, MAX_RW_COUNT) };
	struct sockaddr_storage addr;
	struct msghdr msg = { .msg_name = NULL };
	struct file *f;
	long err;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	trace_fn_sk(sys_sendto, sock->sk, (u32)iov.iov_len);
	err = uaddr ? move_addr_to_kernel(uaddr, addr_len, &addr) : 0;
	if (!err) {
		if (uaddr) {
			msg.msg_name = &addr;
			msg.msg_namelen = addr_len;
		}
		iov_iter_init(&msg.msg_iter, &iov, 1);
		msg.msg_flags = (flags & MSG_USER) | file_msg_flags(f);
		err = sock_sendmsg(sock, &msg);
	}
	fput(f);
	return err;
}

/* Copies the application's header in and checks it. */
static int get_user_msghdr(struct user_msghdr *um, const void *umsg)
{
	if (copy_from_user(um, umsg, sizeof(*um)))
		return -EFAULT;
	if (!um->msg_name)
		um->msg_namelen = 0;
	if (um->msg_namelen < 0)
		return -EINVAL;
	return um->msg_iovlen > UIO_MAXIOV ? -EMSGSIZE : 0;
}

/* Is every item whole? Of level SOL_SOCKET there is none yet; the others are looked at below. 0, -EINVAL. */
static int check_control(const struct msghdr *msg)
{
	struct cmsghdr c;
	const u8 *data;
	u32 at = 0;
	int more;

	while ((more = cmsg_next(msg, &at, &c, &data)) > 0) {
		if (c.cmsg_level == SOL_SOCKET)
			return -EINVAL;
	}
	return more;
}

/* Copies control data in; @msg->msg_control is the caller's to kfree(). 0, -ENOBUFS too much or no memory, -EFAULT, -EINVAL. */
static int get_control(const struct net *net, const struct user_msghdr *um, struct msghdr *msg)
{
	void *data;
	int err;

	if (!um->msg_control || !um->msg_controllen)
		return 0;
	if (um->msg_controllen > net->core.optmem_max)
		return -ENOBUFS;
	data = kmalloc(um->msg_controllen);
	if (!data)
		return -ENOBUFS;
	msg->msg_control = data;
	msg->msg_controllen = (u32)um->msg_controllen;
	err = copy_from_user(data, um->msg_control, um->msg_controllen);
	return err ? err : check_control(msg);
}

static long send_user_msg(struct socket *sock, const struct user_msghdr *um, u32 flags)
{
	struct iovec fast[UIO_FASTIOV], *iov;
	struct sockaddr_storage addr;
	struct msghdr msg = { .msg_flags = flags };
	int namelen = min_t(int, um->msg_namelen, sizeof(addr));
	ssize_t ret;

	if (um->msg_namelen) {
		ret = move_addr_to_kernel(um->msg_name, namelen, &addr);
		if (ret)
			return ret;
		msg.msg_name = &addr;
		msg.msg_namelen = namelen;
	}
	ret = import_iovec(um->msg_iov, um->msg_iovlen, fast, &iov);
	if (ret < 0)
		return ret;
	iov_iter_init(&msg.msg_iter, iov, um->msg_iovlen);
	ret = get_control(sock->sk->sk_net, um, &msg);
	if (!ret)
		ret = sock_sendmsg(sock, &msg);
	kfree(msg.msg_control);
	if (iov != fast)
		kfree(iov);
	return ret;
}

SYSCALL_DEFINE3(sendmsg, int, fd, const void *, umsg, u32, flags)
{
	struct user_msghdr um;
	struct file *f;
	long err;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	err = get_user_msghdr(&um, umsg);
	if (!err)
		err = send_user_msg(sock, &um, (flags & MSG_USER) | file_msg_flags(f));
	fput(f);
	return err;
}

/* Many messages by one call: the number sent; an error only when it is the first that fails. */
SYSCALL_DEFINE4(sendmmsg, int, fd, struct user_mmsghdr *, vec, u32, n, u32, flags)
{
	struct user_msghdr um;
	struct file *f;
	long err, done = 0;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	for (n = min_t(u32, n, UIO_MAXIOV); (u32)done < n; done++) {
		u32 sent;

		err = get_user_msghdr(&um, &vec[done].msg_hdr);
		if (!err)
			err = send_user_msg(sock, &um, (flags & MSG_USER) | file_msg_flags(f));
		sent = (u32)err;
		if (err >= 0)
			err = copy_to_user(&vec[done].msg_len, &sent, sizeof(sent));
		if (err < 0)
			break;
	}
	fput(f);
	return done || !n ? done : err;
}

/* --- System calls: receiving --------------------------------------------------------------------------------------------------- */
SYSCALL_DEFINE6(recvfrom, int, fd, void *, buf, size_t, len, u32, flags, void *, uaddr, int *, ulen)
{
	struct iovec iov = { buf, min_t(size_t, len, MAX_RW_COUNT) };
	struct sockaddr_storage addr;
	struct msghdr msg = { .msg_name = uaddr ? &addr : NULL };
	struct file *f;
	long ret;
	int err;
	struct socket *sock = sockfd_lookup(fd, &f, &ret);

	if (!sock)
		return ret;
	iov_iter_init(&msg.msg_iter, &iov, 1);
	ret = sock_recvmsg(sock, &msg, (flags & MSG_USER) | file_msg_flags(f));
	if (ret >= 0 && uaddr) {
		err = move_addr_to_user(&addr, msg.msg_namelen, uaddr, ulen);
		if (err)
			ret = err;
	}
	fput(f);
	return ret;
}

/* Receives and writes the changed members of the application's header back. */
static long recv_user_msg(struct socket *sock, struct user_msghdr *um, void *umsg, u32 flags)
{
	struct iovec fast[UIO_FASTIOV], *iov;
	struct sockaddr_storage addr;
	struct msghdr msg = { .msg_name = um->msg_name ? &addr : NULL,
			      .msg_control = um->msg_control,
			      .msg_controllen = (u32)min_t(size_t, um->msg_controllen, INT32_MAX) };
	u32 control = msg.msg_controllen;
	ssize_t ret = import_iovec(um->msg_iov, um->msg_iovlen, fast, &iov);
	int room = um->msg_namelen;

	if (ret < 0)
		return ret;
	iov_iter_init(&msg.msg_iter, iov, um->msg_iovlen);
	ret = sock_recvmsg(sock, &msg, flags);
	if (iov != fast)
		kfree(iov);
	if (ret < 0)
		return ret;
	um->msg_namelen = msg.msg_name ? msg.msg_namelen : 0;
	um->msg_controllen = control - msg.msg_controllen;
	um->msg_flags = msg.msg_flags & MSG_USER & ~(u32)MSG_DONTWAIT;
	room = min(room, um->msg_namelen);
	if (room && copy_to_user(um->msg_name, &addr, (size_t)room))
		return -EFAULT;
	return copy_to_user(umsg, um, sizeof(*um)) ? -EFAULT : ret;
}

SYSCALL_DEFINE3(recvmsg, int, fd, void *, umsg, u32, flags)
{
	struct user_msghdr um;
	struct file *f;
	long err;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	err = get_user_msghdr(&um, umsg);
	if (!err)
		err = recv_user_msg(sock, &um, umsg, (flags & MSG_USER) | file_msg_flags(f));
	fput(f);
	return err;
}

/* Till when recvmmsg() goes on; it looks at the time after each message only, as on Linux. 0, -EFAULT, -EINVAL. */
static int get_timespec_deadline(const void *uts, u64 *deadline_ns)
{
	struct timespec ts;
	u64 ns;

	*deadline_ns = WAIT_FOREVER;
	if (!uts)
		return 0;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow((u64)ts.tv_sec, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, (u64)ts.tv_nsec + ktime_get_ns(), deadline_ns))
		*deadline_ns = WAIT_FOREVER;
	return 0;
}

/* One message of recvmmsg(). 0, or -errno. */
static long recv_one_of_many(struct socket *sock, struct user_mmsghdr *entry, u32 flags)
{
	struct user_msghdr um;
	long ret = get_user_msghdr(&um, &entry->msg_hdr);
	u32 got;

	if (!ret)
		ret = recv_user_msg(sock, &um, &entry->msg_hdr, flags);
	got = (u32)ret;
	return ret < 0 ? ret : copy_to_user(&entry->msg_len, &got, sizeof(got));
}

/*
 * Many messages by one call: the number received. An error after the first message waits for the next call. MSG_WAITFORONE: only
 * the first is waited for.
 */
SYSCALL_DEFINE5(recvmmsg, int, fd, struct user_mmsghdr *, vec, u32, n, u32, flags, void *, uts)
{
	struct file *f;
	u64 deadline;
	long err, done = 0;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	err = get_timespec_deadline(uts, &deadline);
	if (!err)
		err = sock_error(sock->sk);
	while (!err && (u32)done < n) {
		u32 more = done && (flags & MSG_WAITFORONE) ? (u32)MSG_DONTWAIT : 0;

		err = recv_one_of_many(sock, &vec[done],
				       (flags & MSG_USER) | more | file_msg_flags(f));
		if (err)
			break;
		done++;
		if (ktime_get_ns() >= deadline)
			break;
	}
	if (done && err && err != -EAGAIN)
		sock->sk->sk_err = (int)-err;
	fput(f);
	return done ? done : err;
}

/* --- System calls: options -------------------------------------------------------------------------------------------------------- */
/* A value that says how many addresses follow; and, read, of which group they are to be. */
static bool opt_is_list(int level, int opt)
{
	return level == SOL_IP && (opt == IP_MSFILTER || opt == MCAST_MSFILTER);
}

SYSCALL_DEFINE5(setsockopt, int, fd, int, level, int, opt, const void *, uval, int, len)
{
	u8 small[OPT_MAX] __aligned(8), *kval = small;
	struct file *f;
	long err;
	struct socket *sock;

	if (len < 0)
		return -EINVAL;
	sock = sockfd_lookup(fd, &f, &err);
	if (!sock)
		return err;
	if (opt_is_list(level, opt) && (u32)len > sock->sk->sk_net->core.optmem_max)
		kval = NULL;
	len = min(len, opt_is_list(level, opt) ? OPT_LIST_MAX : OPT_MAX);
	if (kval && len > OPT_MAX)
		kval = kmalloc((size_t)len);
	err = !kval ? -ENOBUFS : len ? copy_from_user(kval, uval, (size_t)len) : 0;
	if (!err && level == SOL_SOCKET)
		err = sock_setsockopt(sock->sk, opt, kval, (u32)len);
	else if (!err)
		err = sock->ops->setsockopt(sock, level, opt, kval, (u32)len);
	if (kval != small)
		kfree(kval);
	fput(f);
	return err;
}

/* @kval: @room bytes, what the application put there or 0. */
static long get_option_into(struct socket *sock, int level, int opt, void *kval, int room,
			    void *uval, int *ulen)
{
	u32 klen = (u32)room;
	int len;
	long err;

	if (level == SOL_SOCKET)
		err = sock_getsockopt(sock->sk, opt, kval, &klen);
	else
		err = sock->ops->getsockopt(sock, level, opt, kval, &klen);
	len = (int)klen;
	if (err == -EINVAL && len > room) /* what it would take */
		return copy_to_user(ulen, &len, sizeof(len)) ? -EFAULT : err;
	if (err)
		return err;
	BUG_ON(len > room);
	if (len && copy_to_user(uval, kval, (size_t)len))
		return -EFAULT;
	return copy_to_user(ulen, &len, sizeof(len));
}

static long get_option(struct socket *sock, int level, int opt, void *uval, int *ulen)
{
	u8 small[OPT_MAX] __aligned(8), *kval = small;
	int len;
	long err;

	if (copy_from_user(&len, ulen, sizeof(len)))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	memset(small, 0, sizeof(small));
	if (!opt_is_list(level, opt))
		return get_option_into(sock, level, opt, small, min(len, OPT_MAX), uval, ulen);
	len = min(len, OPT_LIST_MAX);
	if (len > OPT_MAX)
		kval = kmalloc((size_t)len);
	err = !kval ? -ENOBUFS : len ? copy_from_user(kval, uval, (size_t)len) : 0;
	if (!err)
		err = get_option_into(sock, level, opt, kval, len, uval, ulen);
	if (kval != small)
		kfree(kval);
	return err;
}

SYSCALL_DEFINE5(getsockopt, int, fd, int, level, int, opt, void *, uval, int *, ulen)
{
	struct file *f;
	long err;
	struct socket *sock = sockfd_lookup(fd, &f, &err);

	if (!sock)
		return err;
	err = get_option(sock, level, opt, uval, ulen);
	fput(f);
	return err;
}

/**
 * socket_init() - enters the socket system calls
 * @net: the instance they act on
 *
 * Context: boot, once, after net_init() and syscall_init().
 */
void socket_init(struct net *net)
{
	static const struct syscall_entry calls[] = {
		{ __NR_socket, sys_socket },
		{ __NR_socketpair, sys_socketpair },
		{ __NR_bind, sys_bind },
		{ __NR_connect, sys_connect },
		{ __NR_listen, sys_listen },
		{ __NR_accept, sys_accept },
		{ __NR_accept4, sys_accept4 },
		{ __NR_getsockname, sys_getsockname },
		{ __NR_getpeername, sys_getpeername },
		{ __NR_shutdown, sys_shutdown },
		{ __NR_sendto, sys_sendto },
		{ __NR_sendmsg, sys_sendmsg },
		{ __NR_recvfrom, sys_recvfrom },
		{ __NR_recvmsg, sys_recvmsg },
		{ __NR_sendmmsg, sys_sendmmsg },
		{ __NR_recvmmsg, sys_recvmmsg },
		{ __NR_setsockopt, sys_setsockopt },
		{ __NR_getsockopt, sys_getsockopt },
	};

	BUG_ON(!net->inet);
	syscall_net = net;
	syscall_enter(calls, ARRAY_SIZE(calls));
}

/* --- For rooms of the kernel ------------------------------------------------------------------------------------------------------- */
/**
 * kernel_bind() - bind() with an address in kernel memory
 * @sock: the socket
 * @addr: borrowed
 *
 * Context: process. Return: 0; -EINVAL bound already; -EADDRNOTAVAIL; -EADDRINUSE; -EAFNOSUPPORT.
 */
int kernel_bind(struct socket *sock, const struct sockaddr_in *addr)
{
	return sock->ops->bind(sock, (const struct sockaddr *)(const void *)addr,
			       (int)sizeof(*addr));
}

/**
 * kernel_sendmsg() - sends from kernel memory; never blocks
 * @sock: the socket
 * @buf: @len bytes, borrowed
 * @to: borrowed; NULL on a connected socket
 *
 * Context: process; softirq on a bound datagram socket. Return: bytes, or what the protocol says: -EAGAIN,
 * -EMSGSIZE, -ENETUNREACH, ...
 */
ssize_t kernel_sendmsg(struct socket *sock, const void *buf, size_t len,
		       const struct sockaddr_in *to)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	struct sockaddr_storage addr;
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };

	if (to) {
		memset(&addr, 0, sizeof(addr));
		memcpy(&addr, to, sizeof(*to));
		msg.msg_name = &addr;
		msg.msg_namelen = (int)sizeof(*to);
	}
	iov_iter_kvec(&msg.msg_iter, &iov, 1);
	return sock_sendmsg(sock, &msg);
}

/**
 * kernel_recvmsg() - receives into kernel memory; never blocks
 * @sock: the socket
 * @buf: room for @len bytes
 * @from: gets the sender's address; may be NULL
 *
 * Context: process; softirq on a datagram socket. Return: bytes; -EAGAIN nothing waits; -errno.
 */
ssize_t kernel_recvmsg(struct socket *sock, void *buf, size_t len, struct sockaddr_in *from)
{
	struct iovec iov = { buf, len };
	struct sockaddr_storage addr;
	struct msghdr msg = { .msg_name = from ? &addr : NULL };
	ssize_t ret;

	memset(&addr, 0, sizeof(addr));
	iov_iter_kvec(&msg.msg_iter, &iov, 1);
	ret = sock_recvmsg(sock, &msg, MSG_DONTWAIT);
	if (ret >= 0 && from)
		memcpy(from, &addr, sizeof(*from));
	return ret;
}
