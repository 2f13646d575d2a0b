// SPDX-License-Identifier: MIT
/*
 * The calendar chip (CMOS clock, UTC), and what entropy the machine has.
 *
 * Interface: arch_wallclock_sec, arch_entropy (<kernel/arch.h>). Above: kernel/posix, kernel/random.c. Below: ports
 * 0x70, 0x71. Context: process, boot. Owns: the CMOS index. Specs: MC146818A data sheet; Intel SDM vol. 1 7.3.17.
 */
#include <kernel/arch.h>
#include <lib/string.h>

#include "x86.h"

#define CMOS_INDEX  0x70U
#define CMOS_DATA   0x71U
#define RTC_SEC     0x00U
#define RTC_MIN     0x02U
#define RTC_HOUR    0x04U
#define RTC_DAY     0x07U
#define RTC_MONTH   0x08U
#define RTC_YEAR    0x09U
#define RTC_A       0x0aU
#define RTC_B       0x0bU
#define RTC_CENTURY 0x32U
#define A_UPDATING  0x80U
#define B_BINARY    0x04U
#define B_24H       0x02U
#define HOUR_PM     0x80U
#define READS_MAX   10000

#define ENTROPY_RDRAND 1U
#define ENTROPY_JITTER 2U
#define ENTROPY_RTC    4U

struct rtc {
	u8 sec, min, hour, day, month, year, century;
};

static u8 cmos_read(u8 reg)
{
	unsigned long flags = arch_irq_save();
	u8 v;

	outb(CMOS_INDEX, reg);
	v = inb(CMOS_DATA);
	arch_irq_restore(flags);
	return v;
}

static void rtc_read(struct rtc *r)
{
	r->sec = cmos_read(RTC_SEC);
	r->min = cmos_read(RTC_MIN);
	r->hour = cmos_read(RTC_HOUR);
	r->day = cmos_read(RTC_DAY);
	r->month = cmos_read(RTC_MONTH);
	r->year = cmos_read(RTC_YEAR);
	r->century = cmos_read(RTC_CENTURY);
}

static unsigned int number(u8 v, u8 mode)
{
	return (mode & B_BINARY) ? v : (unsigned int)(v >> 4) * 10 + (v & 15);
}

/* Days from 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day is a year's last. */
static u64 days_from_civil(unsigned int year, unsigned int month, unsigned int day)
{
	unsigned int m = (month + 9) % 12; /* March is 0 */
	unsigned int y = year - (month <= 2);

	return (u64)y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

/**
 * arch_wallclock_sec() - seconds since 1970 by the calendar chip
 *
 * Reads until two readings agree, within bounds. Context: process; slow. Return: the time, 0 when the chip holds
 * no sensible date. Source: MC146818A data sheet, update cycle.
 */
u64 arch_wallclock_sec(void)
{
	struct rtc a, b;
	u8 mode = cmos_read(RTC_B);
	unsigned int hour, year, century;

	for (int i = 0; i < READS_MAX; i++) {
		if (cmos_read(RTC_A) & A_UPDATING)
			continue;
		rtc_read(&a);
		rtc_read(&b);
		if (!memcmp(&a, &b, sizeof(a)))
			break;
	}
	rtc_read(&a);
	hour = number((u8)(a.hour & ~HOUR_PM), mode);
	if (!(mode & B_24H))
		hour = hour % 12 + ((a.hour & HOUR_PM) ? 12 : 0);
	century = number(a.century, mode);
	year = number(a.year, mode) + (century >= 19 && century < 23 ? century * 100 : 2000);
	if (year < 1970 || a.month == 0 || number(a.month, mode) > 12 || a.day == 0)
		return 0;
	return ((days_from_civil(year, number(a.month, mode), number(a.day, mode)) * 24 + hour) *
			60 +
		number(a.min, mode)) *
		       60 +
	       number(a.sec, mode);
}

static bool rdrand(u64 *v)
{
	bool ok;

	for (int i = 0; i < 10; i++) {
		__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
		if (ok)
			return true;
	}
	return false;
}

static u64 stir(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

/* How long slow port reads take, in cycles: the low bits wander with everything the host does. */
static u64 jitter(u64 h)
{
	for (int i = 0; i < 32; i++) {
		u64 start = arch_cycles();

		inb(CMOS_DATA);
		h = stir(h, arch_cycles() - start);
		h = stir(h, arch_cycles());
	}
	return h;
}

/**
 * arch_entropy() - what entropy the machine has
 * @buf: filled
 * @n: bytes
 *
 * Context: boot, process; some 100 us. Return: mask of sources: 1 RDRAND, 2 cycle jitter, 4 calendar chip.
 */
unsigned int arch_entropy(void *buf, size_t n)
{
	unsigned int sources = ENTROPY_JITTER | ENTROPY_RTC;
	struct rtc now;
	u64 h = 0, v;
	u8 *p = buf;

	rtc_read(&now);
	for (size_t i = 0; i < sizeof(now); i++)
		h = stir(h, ((const u8 *)&now)[i]);
	while (n) {
		size_t part = min(n, sizeof(h));

		h = jitter(h);
		v = h;
		if (x86_features.rdrand && rdrand(&v)) {
			sources |= ENTROPY_RDRAND;
			v ^= h;
		}
		memcpy(p, &v, part);
		p += part;
		n -= part;
	}
	return sources;
}
