// SPDX-License-Identifier: MIT
/*
 * What the loader left behind -> struct boot_info. Everything is copied, nothing is believed: lengths are bounded,
 * regions are cut to whole pages, sorted, made disjoint, freed of what the map calls reserved. Only the modules'
 * bytes stay where the loader put them.
 *
 * Interface: multiboot_parse (called by long_mode.asm), boot_info. Above: boot/main.c. Below: kernel/printk.c,
 * kernel/x86/paging.c (RAM above 4 GiB is entered in the boot tables). Context: boot, before start_kernel().
 * Owns: boot_info. Specs: Multiboot 0.6.96 section 3.3.
 */
#include "multiboot.h"

#include <kernel/arch.h>
#include <kernel/boot_info.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/string.h>

#define MB_LOADER_MAGIC 0x2badb002U
#define MB_HAS_MEMORY   BIT(0)
#define MB_HAS_CMDLINE  BIT(2)
#define MB_HAS_MODULES  BIT(3)
#define MB_HAS_MMAP     BIT(6)
#define MB_HAS_LOADER   BIT(9)
#define MMAP_USABLE     1U
#define MMAP_MAX_BYTES  65536U
#define MAPPED_BYTES    (4UL << 30)   /* by the boot tables */
#define RAM_LIMIT       (512UL << 30) /* one top-level entry of the boot tables */
#define GIB             (1UL << 30)

/* The information structure, as far as it is read. All addresses are physical, below 4 GiB. */
struct mb_info {
	u32 flags;
	u32 mem_lower, mem_upper; /* KiB below 640 KiB, KiB above 1 MiB */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
	u32 drives_length, drives_addr;
	u32 config_table;
	u32 boot_loader_name;
};

struct mb_module {
	u32 start, end, string, reserved;
};

struct __packed mb_mmap {
	u32 size; /* of the rest */
	u64 base, len;
	u32 type;
};

extern const char __load_start[], __bss_end[];

struct boot_info boot_info;

static const void *at(u32 phys)
{
	return (const void *)(unsigned long)phys;
}

static void region_remove(struct boot_info *b, u32 i)
{
	b->nr_regions--;
	memmove(&b->region[i], &b->region[i + 1], (b->nr_regions - i) * sizeof(b->region[0]));
}

/* Enters [base, end) in order and joins it with what it touches. */
static void region_add(struct boot_info *b, u64 base, u64 end)
{
	u32 i = 0;

	if (base >= end)
		return;
	while (i < b->nr_regions && b->region[i].base + b->region[i].len < base)
		i++;
	while (i < b->nr_regions && b->region[i].base <= end) {
		base = min(base, b->region[i].base);
		end = max(end, b->region[i].base + b->region[i].len);
		region_remove(b, i);
	}
	if (b->nr_regions == BOOT_MAX_REGIONS) {
		pr_warn("boot: more than %u memory regions: 0x%llx-0x%llx is not used",
			BOOT_MAX_REGIONS, (unsigned long long)base, (unsigned long long)end);
		return;
	}
	memmove(&b->region[i + 1], &b->region[i], (b->nr_regions - i) * sizeof(b->region[0]));
	b->region[i] = (struct boot_region){ base, end - base };
	b->nr_regions++;
}

/* Takes [base, end) out of every region. */
static void region_cut(struct boot_info *b, u64 base, u64 end)
{
	for (u32 i = 0; i < b->nr_regions;) {
		u64 from = b->region[i].base, to = from + b->region[i].len;

		if (end <= from || base >= to) {
			i++;
			continue;
		}
		region_remove(b, i);
		if (from < base) {
			region_add(b, from, base);
			i++;
		}
		if (end < to)
			region_add(b, end, to);
	}
}

/* The next entry of the memory map, or NULL at its end or where it stops making sense. */
static const struct mb_mmap *mmap_next(const struct mb_info *mb, u32 *offset)
{
	u32 length = min(mb->mmap_length, MMAP_MAX_BYTES);
	const struct mb_mmap *e;

	if (length < sizeof(*e) || *offset > length - sizeof(*e))
		return NULL;
	e = at(mb->mmap_addr + *offset);
	if (e->size < sizeof(*e) - sizeof(e->size) || e->size > length)
		return NULL;
	*offset += e->size + (u32)sizeof(e->size);
	return e;
}

/* Where an entry ends, cut at the highest address that is used at all; 0 for one that makes no sense. */
static u64 mmap_end(const struct mb_mmap *e)
{
	u64 end = e->base + e->len;

	return end < e->base || e->base >= RAM_LIMIT ? 0 : min(end, RAM_LIMIT);
}

static void parse_mmap(struct boot_info *b, const struct mb_info *mb)
{
	const struct mb_mmap *e;
	u32 offset = 0;

	while ((e = mmap_next(mb, &offset)))
		if (e->type == MMAP_USABLE)
			region_add(b, ALIGN(e->base, PAGE_SIZE),
				   ALIGN_DOWN(mmap_end(e), PAGE_SIZE));
	offset = 0;
	while ((e = mmap_next(mb, &offset)))
		if (e->type != MMAP_USABLE)
			region_cut(b, ALIGN_DOWN(e->base, PAGE_SIZE),
				   ALIGN(mmap_end(e), PAGE_SIZE));
}

static void parse_memory(struct boot_info *b, const struct mb_info *mb)
{
	if (mb->flags & MB_HAS_MMAP) {
		parse_mmap(b, mb);
	} else if (mb->flags & MB_HAS_MEMORY) {
		region_add(b, 0, ALIGN_DOWN((u64)mb->mem_lower << 10, PAGE_SIZE));
		region_add(b, 1UL << 20,
			   (1UL << 20) + ALIGN_DOWN((u64)mb->mem_upper << 10, PAGE_SIZE));
	}
	region_cut(b, 0, PAGE_SIZE); /* stays unmapped: null pointers */
	for (u32 i = 0; i < b->nr_regions; i++)
		b->ram_bytes += b->region[i].len;
}

/*
 * The kernel's own path in front of the line: QEMU puts it there, GRUB does not. A path may hold blanks; a parameter
 * always holds '=' or comes after the path.
 */
static const char *skip_path(const char *s, bool always)
{
	for (;;) {
		size_t len = 0;
		bool slash = false, equals = false;

		while (*s == ' ')
			s++;
		for (; s[len] && s[len] != ' '; len++) {
			slash |= s[len] == '/';
			equals |= s[len] == '=';
		}
		if (!len || (!always && (!slash || equals)))
			return s;
		s += len;
		always = false;
	}
}

static void parse_cmdline(struct boot_info *b, const struct mb_info *mb)
{
	const char *rest;

	if (mb->flags & MB_HAS_LOADER)
		strscpy(b->loader, at(mb->boot_loader_name), sizeof(b->loader));
	if (!(mb->flags & MB_HAS_CMDLINE) || !mb->cmdline)
		return;
	if (strscpy(b->cmdline, at(mb->cmdline), sizeof(b->cmdline)) < 0)
		pr_warn("boot: the command line is longer than %u characters: the rest is ignored",
			BOOT_CMDLINE_MAX - 1);
	rest = skip_path(b->cmdline, !strcmp(b->loader, "qemu"));
	memmove(b->cmdline, rest, strlen(rest) + 1);
}

static void parse_modules(struct boot_info *b, const struct mb_info *mb)
{
	const struct mb_module *m = at(mb->mods_addr);

	if (!(mb->flags & MB_HAS_MODULES))
		return;
	for (u32 i = 0; i < mb->mods_count; i++, m++) {
		struct boot_module *to = &b->module[b->nr_modules];

		if (b->nr_modules == BOOT_MAX_MODULES) {
			pr_warn("boot: more than %u modules: the rest is ignored",
				BOOT_MAX_MODULES);
			return;
		}
		if (m->end < m->start || (m->start < b->image_end && m->end > b->image_base)) {
			pr_warn("boot: module %u at 0x%x-0x%x cannot be: ignored", i, m->start,
				m->end);
			continue;
		}
		to->base = m->start;
		to->len = m->end - m->start;
		if (m->string)
			strscpy(to->name, at(m->string), sizeof(to->name));
		b->nr_modules++;
	}
}

static bool is_free(const struct boot_info *b, u64 page)
{
	if (page + PAGE_SIZE > b->image_base && page < b->image_end)
		return false;
	for (u32 i = 0; i < b->nr_modules; i++)
		if (page + PAGE_SIZE > b->module[i].base &&
		    page < b->module[i].base + b->module[i].len)
			return false;
	return true;
}

/* Takes one free page below 4 GiB out of the regions, from the top; 0 when there is none. */
static u64 take_page(struct boot_info *b)
{
	for (u32 i = b->nr_regions; i-- > 0;) {
		u64 from = b->region[i].base, page = min(from + b->region[i].len, MAPPED_BYTES);

		while (page > from) {
			page -= PAGE_SIZE;
			if (!is_free(b, page))
				continue;
			region_cut(b, page, page + PAGE_SIZE);
			return page;
		}
	}
	return 0;
}

static bool has_ram(const struct boot_info *b, u64 from, u64 to)
{
	for (u32 i = 0; i < b->nr_regions; i++)
		if (b->region[i].base < to && b->region[i].base + b->region[i].len > from)
			return true;
	return false;
}

/* RAM above 4 GiB: the page allocator will touch it before the final tables are made. */
static void map_high(struct boot_info *b)
{
	for (u64 base = MAPPED_BYTES; base < RAM_LIMIT; base += GIB) {
		u64 table;

		if (!has_ram(b, base, base + GIB))
			continue;
		table = take_page(b);
		if (!table) {
			pr_warn("boot: no room to map RAM above 0x%llx: not used",
				(unsigned long long)base);
			region_cut(b, base, RAM_LIMIT);
			return;
		}
		arch_early_map_gib(base, table);
	}
}

/**
 * multiboot_parse() - fills boot_info
 * @magic: what the loader left in EAX
 * @mbi: physical address of its information
 *
 * Context: boot, boot tables, IF=0; messages go out by the early console. Source: Multiboot 0.6.96 section 3.3.
 */
void multiboot_parse(u32 magic, u32 mbi)
{
	struct boot_info *b = &boot_info;
	const struct mb_info *mb = at(mbi);

	BUG_ON(magic != MB_LOADER_MAGIC);
	b->image_base = ALIGN_DOWN((u64)__load_start, PAGE_SIZE);
	b->image_end = ALIGN((u64)__bss_end, PAGE_SIZE);
	parse_memory(b, mb);
	parse_cmdline(b, mb);
	parse_modules(b, mb);
	map_high(b);
}
