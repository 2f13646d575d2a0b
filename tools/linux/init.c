// SPDX-License-Identifier: MIT
/*
 * init - the first program of the Linux guest that we are compared with: it brings the network card up and runs one program.
 *
 *   linux -append "console=ttyS0 quiet addr=10.0.2.15/24 gw=10.0.2.2 -- PROGRAM ARGS..."      PROGRAM lies at / of the initramfs
 *
 * Linux passes the words behind "--" as our arguments and addr= and gw= in the environment. The module /e1000.ko is loaded
 * when it is there. The machine is switched off when the program has ended; the last line is "exit: STATUS", as on Doorbell.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINK_TRIES 500 /* of 10 ms */

static void say(const char *what)
{
	printf("init: %s: %s\n", what, strerror(errno));
}

static void mount_all(void)
{
	static const char *const places[][2] = { { "proc", "/proc" },
						 { "sysfs", "/sys" },
						 { "devtmpfs", "/dev" } };

	for (int i = 0; i < 3; i++) {
		mkdir(places[i][1], 0755);
		if (mount(places[i][0], places[i][1], places[i][0], 0, NULL) != 0)
			say(places[i][1]);
	}
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return;
	if (syscall(SYS_finit_module, fd, "", 0) != 0)
		say(path);
	close(fd);
}

static void set_address(struct ifreq *r, in_addr_t addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = addr };

	memcpy(&r->ifr_addr, &in, sizeof(in));
}

static void device_up(int s, const char *name)
{
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(s, SIOCGIFFLAGS, &r) != 0)
		say(name);
	r.ifr_flags |= IFF_UP;
	if (ioctl(s, SIOCSIFFLAGS, &r) != 0)
		say(name);
}

/* "10.0.2.15/24" and the gateway. */
static void configure(int s, const char *name, const char *address, const char *gateway)
{
	char text[32] = "";
	struct ifreq r;
	int prefix = 24;
	char *slash;

	strncpy(text, address, sizeof(text) - 1);
	slash = strchr(text, '/');
	if (slash) {
		*slash = '\0';
		prefix = atoi(slash + 1);
	}
	memset(&r, 0, sizeof(r));
	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	set_address(&r, inet_addr(text));
	if (ioctl(s, SIOCSIFADDR, &r) != 0)
		say("address");
	set_address(&r, htonl(~0u << (32 - prefix)));
	if (ioctl(s, SIOCSIFNETMASK, &r) != 0)
		say("netmask");
	device_up(s, name);
	if (gateway) {
		struct rtentry rt = { .rt_flags = RTF_UP | RTF_GATEWAY };
		struct sockaddr_in any = { .sin_family = AF_INET }, gw = any;

		gw.sin_addr.s_addr = inet_addr(gateway);
		memcpy(&rt.rt_dst, &any, sizeof(any));
		memcpy(&rt.rt_genmask, &any, sizeof(any));
		memcpy(&rt.rt_gateway, &gw, sizeof(gw));
		if (ioctl(s, SIOCADDRT, &rt) != 0)
			say("route");
	}
}

static void wait_for_link(int s, const char *name)
{
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	for (int i = 0; i < LINK_TRIES; i++) {
		if (ioctl(s, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_RUNNING))
			return;
		usleep(10000);
	}
	printf("init: %s has no link\n", name);
}

static int run(char **argv)
{
	char path[256];
	pid_t child = fork();
	int status;

	if (child == 0) {
		snprintf(path, sizeof(path), "/%s", argv[0]);
		execv(path, argv);
		say(path);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

int main(int argc, char **argv)
{
	const char *address = getenv("addr");
	int s, status = 2;

	mount_all();
	load_module("/e1000.ko");
	s = socket(AF_INET, SOCK_DGRAM, 0);
	device_up(s, "lo");
	configure(s, "eth0", address ? address : "10.0.2.15/24", getenv("gw"));
	wait_for_link(s, "eth0");
	close(s);
	if (argc > 1)
		status = run(argv + 1);
	printf("exit: %d\n", status);
	fflush(stdout);
	sleep(1); /* the console is slower than we are */
	reboot(RB_POWER_OFF);
	return 0;
}
