// SPDX-License-Identifier: MIT
/*
 * Formatted text: one parser for flags, width, precision and length, one table that maps a conversion letter
 * to its function.
 *
 * Interface: vscnprintf(), scnprintf().
 * Above: printk, proc pages, everybody who builds a line.  Below: <lib/string.h>; printf_symbol() comes from
 * kernel/ksyms.c at link time.
 * Context: any.  Owns: nothing, no state.
 * Specs: ISO C11 7.21.6.1 for the conversions listed in <lib/printf.h>.
 */
#include <lib/printf.h>
#include <lib/string.h>

struct out {
	char *buf;
	size_t size; /* room, the NUL included */
	size_t len;  /* characters stored so far, < size */
};

/* No line is longer: beyond it padding only costs time. */
#define FIELD_MAX 100000

enum { F_LEFT = 1, F_ZERO = 2, F_PLUS = 4, F_SPACE = 8, F_ALT = 16 };

struct spec {
	u32 flags;
	int width;
	int prec; /* -1: none given */
	char len; /* 0 H(hh) h l L(ll) z j t */
	char conv;
};

struct args { /* a va_list that may be passed by pointer on every ABI */
	va_list ap;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len++] = c;
}

static void put_n(struct out *o, const char *s, size_t n)
{
	while (n--)
		put(o, *s++);
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_field(struct out *o, const struct spec *sp, const char *s, size_t n)
{
	int fill = sp->width - (int)n;
	if (!(sp->flags & F_LEFT))
		pad(o, ' ', fill);
	put_n(o, s, n);
	if (sp->flags & F_LEFT)
		pad(o, ' ', fill);
}

/* Digits of @v in @base into the end of @end[-..]; returns how many. Zero gives one digit. */
static int digits(char *end, u64 v, u32 base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int n = 0;
	do {
		*--end = set[v % base];
		v /= base;
		n++;
	} while (v);
	return n;
}

static void put_number(struct out *o, const struct spec *sp, u64 v, u32 base, const char *prefix)
{
	char tmp[24];
	char *end = tmp + sizeof(tmp);
	int n = v || sp->prec != 0 ? digits(end, v, base, sp->conv == 'X') : 0;
	int zeros = sp->prec > n ? sp->prec - n : 0;
	int plen = (int)strlen(prefix);
	if (base == 8 && (sp->flags & F_ALT) && !zeros && (!n || v))
		zeros = 1; /* '#' with o: the first digit must be a 0 */
	int fill = sp->width - plen - zeros - n;
	if (fill > 0 && (sp->flags & F_ZERO) && !(sp->flags & F_LEFT) && sp->prec < 0) {
		zeros += fill;
		fill = 0;
	}
	if (!(sp->flags & F_LEFT))
		pad(o, ' ', fill);
	put_n(o, prefix, (size_t)plen);
	pad(o, '0', zeros);
	put_n(o, end - n, (size_t)n);
	if (sp->flags & F_LEFT)
		pad(o, ' ', fill);
}

static s64 arg_signed(const struct spec *sp, struct args *a)
{
	switch (sp->len) {
	case 'H':
		return (s8)va_arg(a->ap, int);
	case 'h':
		return (s16)va_arg(a->ap, int);
	case 0:
		return va_arg(a->ap, int);
	default:
		return va_arg(a->ap, long); /* l ll z j t: all 64 bits on LP64 */
	}
}

static u64 arg_unsigned(const struct spec *sp, struct args *a)
{
	switch (sp->len) {
	case 'H':
		return (u8)va_arg(a->ap, unsigned int);
	case 'h':
		return (u16)va_arg(a->ap, unsigned int);
	case 0:
		return va_arg(a->ap, unsigned int);
	default:
		return va_arg(a->ap, unsigned long);
	}
}

static void conv_signed(struct out *o, struct spec *sp, struct args *a)
{
	s64 v = arg_signed(sp, a);
	const char *sign = "";
	if (v < 0)
		sign = "-";
	else if (sp->flags & F_PLUS)
		sign = "+";
	else if (sp->flags & F_SPACE)
		sign = " ";
	put_number(o, sp, v < 0 ? 0 - (u64)v : (u64)v, 10, sign);
}

static void conv_unsigned(struct out *o, struct spec *sp, struct args *a)
{
	put_number(o, sp, arg_unsigned(sp, a), 10, "");
}

static void conv_octal(struct out *o, struct spec *sp, struct args *a)
{
	put_number(o, sp, arg_unsigned(sp, a), 8, "");
}

static void conv_hex(struct out *o, struct spec *sp, struct args *a)
{
	u64 v = arg_unsigned(sp, a);
	const char *prefix = sp->conv == 'X' ? "0X" : "0x";
	put_number(o, sp, v, 16, (sp->flags & F_ALT) && v ? prefix : "");
}

static void conv_char(struct out *o, struct spec *sp, struct args *a)
{
	char c = (char)va_arg(a->ap, int);
	put_field(o, sp, &c, 1);
}

static void conv_string(struct out *o, struct spec *sp, struct args *a)
{
	const char *s = va_arg(a->ap, const char *);
	if (!s)
		s = "(null)";
	put_field(o, sp, s, sp->prec < 0 ? strlen(s) : strnlen(s, (size_t)sp->prec));
}

static void conv_percent(struct out *o, struct spec *sp, struct args *a)
{
	(void)sp;
	(void)a;
	put(o, '%');
}

/* The extensions are put together in a buffer of their own, then set into their field. */
static const struct spec plain = { .prec = -1 }, two_digits = { .prec = 2 };

static void put_ipv4(struct out *o, const struct spec *sp, const u8 *p)
{
	char t[16];
	struct out part = { .buf = t, .size = sizeof(t) };
	for (int i = 0; i < 4; i++) {
		if (i)
			put(&part, '.');
		put_number(&part, &plain, p[i], 10, "");
	}
	put_field(o, sp, t, part.len);
}

static void put_mac(struct out *o, const struct spec *sp, const u8 *p)
{
	char t[18];
	struct out part = { .buf = t, .size = sizeof(t) };
	for (int i = 0; i < 6; i++) {
		if (i)
			put(&part, ':');
		put_number(&part, &two_digits, p[i], 16, "");
	}
	put_field(o, sp, t, part.len);
}

static void put_symbol(struct out *o, const struct spec *sp, unsigned long addr)
{
	char t[128];
	struct out part = { .buf = t, .size = sizeof(t) };
	unsigned long off = addr;
	const char *name = printf_symbol(addr, &off);
	if (name) {
		put_n(&part, name, strlen(name));
		put(&part, '+');
	} else {
		off = addr;
	}
	put_number(&part, &plain, off, 16, "0x");
	put_field(o, sp, t, part.len);
}

static void put_pointer(struct out *o, struct spec *sp, const void *p)
{
	put_number(o, sp, (uintptr_t)p, 16, "0x");
}

static const struct conv {
	char c;
	void (*fn)(struct out *o, struct spec *sp, struct args *a);
} convs[] = { { 'd', conv_signed }, { 'i', conv_signed }, { 'u', conv_unsigned },
	      { 'x', conv_hex },    { 'X', conv_hex },    { 'o', conv_octal },
	      { 'c', conv_char },   { 's', conv_string }, { '%', conv_percent } };

static const char *parse_flags(const char *f, struct spec *sp)
{
	static const char letters[] = "-0+ #"; /* in the order of F_LEFT ... F_ALT */
	const char *at;
	while (*f && (at = strchr(letters, *f))) {
		sp->flags |= 1u << (at - letters);
		f++;
	}
	return f;
}

/* A width or precision in the format, or (*) among the arguments: at most FIELD_MAX either way. */
static const char *parse_int(const char *f, int *v, struct args *a)
{
	if (*f == '*') {
		*v = va_arg(a->ap, int);
		*v = max(min(*v, FIELD_MAX), -FIELD_MAX);
		return f + 1;
	}
	for (*v = 0; *f >= '0' && *f <= '9'; f++)
		*v = min(*v * 10 + (*f - '0'), FIELD_MAX);
	return f;
}

static const char *parse_spec(const char *f, struct spec *sp, struct args *a)
{
	*sp = (struct spec){ .prec = -1 };
	f = parse_flags(f, sp);
	f = parse_int(f, &sp->width, a);
	if (sp->width < 0) {
		sp->flags |= F_LEFT;
		sp->width = -sp->width;
	}
	if (*f == '.') {
		f = parse_int(f + 1, &sp->prec, a);
		if (sp->prec < 0)
			sp->prec = -1;
	}
	if (*f && strchr("hlzjt", *f)) {
		sp->len = *f++;
		if (*f == sp->len && (*f == 'h' || *f == 'l'))
			sp->len = *f++ == 'h' ? 'H' : 'L';
	}
	sp->conv = *f;
	return f;
}

/* %p and its extensions; @f points behind the 'p'. Returns where the format goes on. */
static const char *conv_pointer(struct out *o, const char *f, struct spec *sp, struct args *a)
{
	const void *p = va_arg(a->ap, const void *);
	if (f[0] == 'I' && f[1] == '4') {
		put_ipv4(o, sp, p);
		return f + 2;
	}
	if (f[0] == 'M') {
		put_mac(o, sp, p);
		return f + 1;
	}
	if (f[0] == 'S') {
		put_symbol(o, sp, (unsigned long)p);
		return f + 1;
	}
	put_pointer(o, sp, p);
	return f;
}

/* One conversion; @f points behind the '%'. Returns where the format goes on. */
static const char *convert(struct out *o, const char *f, struct args *a)
{
	const char *start = f;
	struct spec sp;
	f = parse_spec(f, &sp, a);
	if (sp.conv == 'p')
		return conv_pointer(o, f + 1, &sp, a);
	for (size_t i = 0; i < ARRAY_SIZE(convs); i++) {
		if (convs[i].c == sp.conv) {
			convs[i].fn(o, &sp, a);
			return f + 1;
		}
	}
	put(o, '%'); /* unknown: shown as it stands */
	put_n(o, start, (size_t)(f - start));
	return f;
}

/**
 * vscnprintf() - formats into @size bytes, cut if it must be, terminated when @size > 0.
 * Context: any.
 * Return: characters stored, without the NUL.
 */
int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };
	struct args a;
	if (!size)
		return 0;
	va_copy(a.ap, ap);
	while (*fmt) {
		if (*fmt == '%')
			fmt = convert(&o, fmt + 1, &a);
		else
			put(&o, *fmt++);
	}
	va_end(a.ap);
	buf[o.len] = '\0';
	return (int)o.len;
}

/**
 * scnprintf() - vscnprintf() with the arguments in line.
 * Context: any.
 * Return: characters stored, without the NUL.
 */
int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
