// SPDX-License-Identifier: MIT
/*
 * The CPU's set-up: what CPUID offers, control registers, segments, the task state segment with its three
 * interrupt stacks, the syscall door. No feature is used that CPUID does not name.
 *
 * Interface: arch_cpu_init (<kernel/arch.h>), x86_features. Above: boot/main.c, idt.c. Below: vectors.asm,
 * syscall.asm. Context: boot, IF=0. Owns: GDT, TSS, CR0, CR4, EFER, STAR, LSTAR, FMASK.
 * Specs: Intel SDM vol. 2 CPUID, vol. 3 2.5, 3.4.5, 7.7, 5.8.8.
 */
#include <kernel/arch.h>
#include <kernel/printk.h>
#include <lib/string.h>

#include "idt.h"
#include "x86.h"

#define CR0_MP         BIT(1)
#define CR0_EM         BIT(2)
#define CR0_TS         BIT(3)
#define CR0_NE         BIT(5)
#define CR0_WP         BIT(16)
#define CR4_PGE        BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_FSGSBASE   BIT(16)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)
#define FLAGS_AT_ENTRY 0x47700UL /* cleared by syscall: TF IF DF IOPL NT AC */
#define SEL_CODE       8U
#define SEL_DATA       16U
#define SEL_TSS        24U

struct cpuid {
	u32 a, b, c, d;
};

/* 64-bit TSS; only the interrupt stacks are ever used, as there is one privilege level. */
struct __packed tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap;
};
_Static_assert(sizeof(struct tss) == 104, "TSS as SDM vol. 3 figure 7-11");

struct x86_features x86_features;
static struct tss tss;
static u64 gdt[5] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0 };

static struct cpuid cpuid(u32 leaf, u32 sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(sub));
	return r;
}

static void find_features(void)
{
	struct x86_features *f = &x86_features;
	struct cpuid r = cpuid(0, 0);
	u32 max = r.a;

	memcpy(f->vendor, &r.b, 4);
	memcpy(f->vendor + 4, &r.d, 4);
	memcpy(f->vendor + 8, &r.c, 4);
	r = cpuid(1, 0);
	f->apic = r.d & BIT(9);
	f->pge = r.d & BIT(13);
	f->rdrand = r.c & BIT(30);
	if (max >= 7) {
		r = cpuid(7, 0);
		f->fsgsbase = r.b & BIT(0);
		f->smep = r.b & BIT(7);
		f->smap = r.b & BIT(20);
		f->umip = r.c & BIT(2);
	}
	r = cpuid(0x80000001, 0); /* there: it told us of long mode */
	f->nx = r.d & BIT(20);
}

static void set_control_registers(void)
{
	const struct x86_features *f = &x86_features;
	unsigned long cr0, cr4;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	cr0 &= ~(CR0_EM | CR0_TS);
	cr0 |= CR0_MP | CR0_NE | CR0_WP;
	__asm__ volatile("mov %0, %%cr0" ::"r"(cr0) : "memory");
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	cr4 |= f->pge ? CR4_PGE : 0;
	cr4 |= f->umip ? CR4_UMIP : 0;
	cr4 |= f->fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= f->smep ? CR4_SMEP : 0;
	cr4 |= f->smap ? CR4_SMAP : 0;
	__asm__ volatile("mov %0, %%cr4" ::"r"(cr4) : "memory");
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (f->nx ? EFER_NXE : 0));
}

static void load_segments(void)
{
	u64 base = (u64)&tss;
	struct __packed {
		u16 limit;
		u64 base;
	} gdtr = { sizeof(gdt) - 1, (u64)gdt };

	tss.ist[0] = (u64)ist1_top;
	tss.ist[1] = (u64)ist2_top;
	tss.ist[2] = (u64)ist3_top;
	tss.iomap = sizeof(tss);
	gdt[3] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ULL << 40 |
		 (base >> 24 & 0xff) << 56;
	gdt[4] = base >> 32;
	__asm__ volatile("lgdt %0" ::"m"(gdtr) : "memory");
	/* code and data selectors stay as they are, with equal descriptors: only the cached copies are renewed */
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:	movl %1, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%ss\n\t"
			 "ltr %w2" ::"i"(SEL_CODE),
			 "i"(SEL_DATA), "r"(SEL_TSS)
			 : "rax", "memory");
}

/**
 * arch_cpu_init() - segments, interrupt stacks, exception vectors, control registers, syscall door
 *
 * Context: boot, IF=0 and stays so. Source: Intel SDM vol. 3 chapters 2, 3, 6, 7.
 */
void arch_cpu_init(void)
{
	find_features();
	load_segments();
	idt_init();
	set_control_registers();
	wrmsr(MSR_STAR, (u64)SEL_CODE << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_FMASK, FLAGS_AT_ENTRY);
	pr_info("cpu: %s%s%s%s%s%s%s%s%s", x86_features.vendor, x86_features.apic ? " apic" : "",
		x86_features.nx ? " nx" : "", x86_features.pge ? " pge" : "",
		x86_features.smep ? " smep" : "", x86_features.smap ? " smap" : "",
		x86_features.umip ? " umip" : "", x86_features.fsgsbase ? " fsgsbase" : "",
		x86_features.rdrand ? " rdrand" : "");
}
