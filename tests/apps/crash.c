// SPDX-License-Identifier: MIT
/*
 * Goes wrong as its argument says; each must end in a report with function names and a failing status.
 *   null  text  data  divide  undefined  overflow  abort  status
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int zero;
static volatile int *volatile nothing;
static char code[16] = { (char)0xc3 };

static int deep(volatile char *p)
{
	volatile char frame[4096];

	frame[0] = *p;
	return zero ? 0 : deep(frame) + frame[0];
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	volatile char one = 1;

	printf("crash: %s\n", how);
	fflush(stdout);
	if (!strcmp(how, "null"))
		return *nothing;
	if (!strcmp(how, "text"))
		*(volatile char *)main = 1;
	if (!strcmp(how, "data"))
		((void (*)(void))(void *)code)();
	if (!strcmp(how, "divide"))
		return 7 / zero;
	if (!strcmp(how, "undefined"))
		__asm__ volatile("ud2");
	if (!strcmp(how, "overflow"))
		return deep(&one);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "status"))
		return 200;
	fprintf(stderr, "usage: crash null|text|data|divide|undefined|overflow|abort|status\n");
	return 2;
}
