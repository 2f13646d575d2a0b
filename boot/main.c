// SPDX-License-Identifier: MIT
/*
 * start_kernel(): the init list in order, one line a floor; then the application; then everything is taken down
 * again, counted, and the machine ends with the application's status. The only file that knows every floor.
 *
 * Interface: start_kernel(), entered from boot/long_mode.asm with boot_info filled and interrupts off.
 * Context: process (it becomes the thread "init").
 * Owns: the one instance of the stack, struct net.
 */
#include "options.h"

#include <drivers/loopback.h>
#include <drivers/pci.h>
#include <kernel/arch.h>
#include <kernel/boot_info.h>
#include <kernel/dma.h>
#include <kernel/fault.h>
#include <kernel/file.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/posix.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <kernel/trace.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/dhcp.h>
#include <net/inetdevice.h>
#include <net/init.h>
#include <net/neighbour.h>
#include <net/nf_tables.h>
#include <net/route.h>
#include <net/sch_generic.h>
#include <net/socket.h>
#include <net/tcp.h>

void start_kernel(void) __noreturn;

#define DHCP_WAIT_NS   (20 * NSEC_PER_SEC) /* three DISCOVERs: at 0, 4 and 12 s */
#define DRAIN_GRACE_NS (15 * NSEC_PER_SEC) /* what closed connections get to finish */
#define PCI_CLASS_NET  0x0200

/* Name of the linked application, from the link line (-Wl,--defsym cannot carry text: a generated object). */
extern const char app_name[];

static struct boot_options options;

/* Processor, memory, time, threads: nothing here knows of networks. */
static void kernel_init(void) __gives(irqs_off)
{
	arch_cpu_init();
	page_alloc_init(&boot_info);
	slab_init();
	arch_paging_init(&boot_info);
	vmalloc_init();
	arch_irqchip_init();
	arch_time_init();
	irq_init();
	sched_init();
	timer_init();
	arch_irq_enable();
	softirq_init();
	clock_refine_start();
	random_init(options.rng_seeded, options.rng_seed);
	file_init();
	syscall_init();
	proc_init();
	posix_init();
	if (trace_set(options.trace))
		pr_warn("trace: no memory for the records: tracing is off\n");
}

/* The stack without a device but loopback. */
static struct net *stack_init(void) __may_sleep
{
	struct net *net;

	net = net_alloc();
	if (!net || net_init(net) || loopback_init(net) || net_loopback_address(net))
		return NULL;
	net_proc_init(net);
	socket_init(net);
	return net;
}

/* Says which cards are there that nobody drives; ends the run. @err: of the driver that knew one and failed, or 0. */
static void __noreturn no_usable_nic(struct pci_host *pci, int err)
{
	const struct pci_dev *d = pci_find_class(pci, PCI_CLASS_NET);

	if (err == -ENOMEM)
		boot_no_memory("the network card");
	if (err)
		pr_crit("boot: no usable NIC: the driver failed (error %d)\n", -err);
	else if (d)
		pr_crit("boot: no usable NIC: %s is %04x:%04x, which no driver here knows (e1000: "
			"8086:100e, 100f, 100c)\n",
			d->name, d->vendor, d->device);
	else
		pr_crit("boot: no usable NIC: no Ethernet controller on the PCI bus\n");
	kernel_exit(EXIT_NO_NIC);
}

static struct net_device *nic_init(struct net *net, struct pci_host *pci) __may_sleep
{
	struct net_device *dev;
	int err;

	options.nic.net = net;
	err = pci_bind(pci, &e1000_driver, &options.nic);
	if (err <= 0)
		no_usable_nic(pci, err);
	dev = dev_get_by_name(net, "eth0");
	err = dev ? dev_open(dev) : -ENODEV;
	if (err == -ENOMEM)
		boot_no_memory("the rings of eth0");
	if (err) {
		pr_crit("boot: no usable NIC: eth0 could not be opened (error %d)\n", -err);
		kernel_exit(EXIT_NO_NIC);
	}
	return dev;
}

static void __noreturn no_address(const char *what, int err)
{
	if (err == -ENOMEM)
		boot_no_memory(what);
	pr_crit("boot: no address: %s (error %d)\n", what, -err);
	kernel_exit(EXIT_NO_ADDRESS);
}

static void address_init(struct net *net, struct net_device *dev) __may_sleep
{
	__be32 addr = (__force __be32)options.addr, gw = (__force __be32)options.gw;
	int err;

	acd_set_mode(net, options.acd);
	if (options.dhcp) {
		err = dhcp_start(dev);
		if (!err)
			err = dhcp_wait(net, ktime_get_ns() + DHCP_WAIT_NS);
		if (err)
			no_address("no DHCP server answered in 20 s", err);
	} else {
		err = acd_probe(dev, addr);
		if (err == -EADDRINUSE)
			no_address("another host has the address of ip=", err);
		if (!err)
			err = inet_addr_add(dev, addr, options.prefixlen);
		if (!err && gw)
			err = ip_route_add(net, INADDR_ANY, 0, gw, dev);
		if (err)
			no_address("ip= cannot be used as it stands", err);
		pr_info("boot: eth0 %pI4/%u gw %pI4\n", &options.addr, options.prefixlen,
			&options.gw);
		memcpy(net->nameserver, options.dns, sizeof(net->nameserver));
		acd_start(dev, addr);
	}
	for (u32 i = 0; i < options.nr_neigh; i++) {
		err = neigh_add_permanent(net, (__force __be32)options.neigh[i].addr, dev,
					  options.neigh[i].lladdr);
		if (err)
			no_address("neigh= cannot be entered", err);
	}
}

/* Dummy devices and their addresses: 198.18.0.1/24, 198.18.1.1/24, ..., which are for measurements (RFC 2544, C.2.2). */
static void dummies_init(struct net *net) __may_sleep
{
	int err = dummy_init(net, &options.dummy);

	for (u32 i = 0; !err && i < options.dummy.devices; i++) {
		char name[IFNAMSIZ];

		scnprintf(name, sizeof(name), "dummy%u", i);
		err = inet_addr_add(dev_get_by_name(net, name), htonl(0xc6120001 + (i << 8)), 24);
	}
	if (err)
		boot_no_memory("the dummy devices");
}

/* route=: what names neither a gateway nor a refusal is on the link of eth0. */
static void routes_init(struct net *net, struct net_device *dev)
{
	for (u32 i = 0; i < options.nr_route; i++) {
		struct route_cfg *r = &options.route[i];
		int err;

		if (r->type == RTN_UNICAST && !r->gw)
			r->dev = dev;
		err = ip_route_add_cfg(net, r);
		if (err)
			no_address("route= cannot be entered", err);
	}
}

static void sysctl_init(struct net *net) __may_sleep
{
	for (u32 i = 0; i < options.nr_sysctl; i++) {
		const char *key = options.sysctl[i].name, *name = key + strlen("net.ipv4.");
		bool core = strncmp(key, "net.core.", strlen("net.ipv4.")) == 0; /* as long */
		int err = core ? net_core_sysctl_set(net, name, options.sysctl[i].value)
			       : net_sysctl_set(net, name, options.sysctl[i].value);

		if (!err)
			continue;
		pr_err("cmdline: %s=%s: %s\n", options.sysctl[i].name, options.sysctl[i].value,
		       err == -ENOENT ? "no such sysctl here" : "bad value");
		kernel_exit(EXIT_BAD_CMDLINE);
	}
}

/* The rules are sound: only memory, or their number, can be against them. */
static void nft_enter(struct net *net)
{
	char why[NFT_WHY_MAX];
	int err = nft_add(net, options.nft, why);

	if (err == -ENOMEM)
		boot_no_memory("the filter rules");
	if (!err)
		return;
	pr_err("cmdline: nft=: more than %u rules\n", NFT_MAX_RULES);
	kernel_exit(EXIT_BAD_CMDLINE);
}

static int app_run(void) __may_sleep
{
	int err = exec_start(&options.args);

	if (err) {
		pr_crit("boot: the application could not be started (error %d)\n", -err);
		kernel_exit(EXIT_NO_MEMORY);
	}
	return exec_wait();
}

/* Closes what is open, from the top floor down; what then still lives is a leak. */
static void shutdown_all(struct net *net, struct pci_host *pci) __may_sleep
{
	u32 cut;

	posix_exit();
	if (fault_hit(FAULT_LEAK))
		(void)alloc_skb(ETH_ZLEN);
	cut = tcp_net_drain(net, DRAIN_GRACE_NS);
	if (cut)
		pr_warn("tcp: %u connections were cut before all their data was acknowledged\n",
			cut);
	if (options.stats)
		proc_print_all();
	if (net->dhcp)
		dhcp_stop(net);
	pci_unbind(pci, &e1000_driver);
	dummy_exit(net);
	loopback_exit(net);
	net_exit(net);
	net_free(net);
	pci_free(pci);
}

/* One line that names every account; true when all are zero. @areas: of the vmalloc window, before the stack came up. */
static bool leak_check(u64 areas)
{
	u64 leaked = mm_report_leaks() + vm_areas_live() - areas;
	const char *wrong = skb_stages_wrong();
	bool clean = !wrong && !leaked && !skb_stats.live && !dma_mapped() && !timers_live() &&
		     !files_live();

	printk(clean ? LOG_INFO : LOG_ERR,
	       "exit: leak check %s: %llu skbs, %llu DMA mappings, %u timers, %u files, %llu other "
	       "objects live\n",
	       clean ? "passed" : "FAILED", (unsigned long long)skb_stats.live,
	       (unsigned long long)dma_mapped(), timers_live(), files_live(),
	       (unsigned long long)leaked);
	if (wrong)
		pr_err("exit: the account of packets does not add up: %s\n", wrong);
	return clean;
}

/**
 * start_kernel() - from the loader's last instruction to the machine's end.
 * Context: entered once, interrupts off, on the boot stack.
 */
void start_kernel(void) __needs(process_ctx) __gives(irqs_off)
{
	struct net_device *dev;
	struct pci_host *pci;
	struct net *net;
	u64 areas;
	int status;

	arch_early_init();
	if (boot_options_parse(&options, boot_info.cmdline, app_name))
		kernel_exit(EXIT_BAD_CMDLINE);
	printk_set_level((enum log_level)options.loglevel);
	kernel_init();
	pr_info("boot: Doorbell, application %s, %llu KiB of memory, loader %s\n", app_name,
		(unsigned long long)(boot_info.ram_bytes >> 10), boot_info.loader);
	if (net_global_init())
		boot_no_memory("the network's caches");
	mm_baseline();
	areas = vm_areas_live();
	pci = pci_scan();
	net = pci ? stack_init() : NULL;
	if (!net)
		boot_no_memory("the network stack");
	sysctl_init(net);
	qdisc_set_default(net, &options.qdisc);
	nft_enter(net);
	dummies_init(net);
	dev = nic_init(net, pci);
	address_init(net, dev);
	routes_init(net, dev);
	status = app_run();
	shutdown_all(net, pci);
	if (!leak_check(areas))
		status = EXIT_LEAK;
	kernel_exit(status);
}
