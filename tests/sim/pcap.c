// SPDX-License-Identifier: MIT
/*
 * The capture (pcap with nanoseconds, Ethernet) of every frame that leaves a host, and the trace in text.
 *
 * The capture's bytes are hashed whether they are written or not: two runs of a seed are equal when the hashes are.
 * Both files are written without a buffer, so that nothing is missing when the run ends in a trap.
 *
 * Interface: pcap_open, pcap_frame, pcap_close, trace, tracing (sim.h).
 * Context: any; called with the world stopped. Owns: the two files.
 */
#include "sim.h"

#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	FILE *pcap, *trace;
} files;

static FILE *must_open(const char *path)
{
	FILE *f = path ? fopen(path, "wb") : NULL;

	if (path && !f) {
		perror(path);
		exit(2);
	}
	if (f)
		setvbuf(f, NULL, _IONBF, 0);
	return f;
}

static void pcap_bytes(const void *p, size_t n)
{
	const u8 *b = p;
	u64 h = sim_result.pcap_hash;

	for (size_t i = 0; i < n; i += 8) {
		u64 w = 0;

		memcpy(&w, b + i, n - i < 8 ? n - i : 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	sim_result.pcap_hash = h;
	if (files.pcap && fwrite(p, 1, n, files.pcap) != n) {
		perror(sim_options.pcap);
		exit(2);
	}
}

void pcap_open(void)
{
	/* magic (ns), version 2.4, zone, accuracy, snap length, link type Ethernet */
	static const u32 header[] = { 0xa1b23c4d, 0x00040002, 0, 0, 65535, 1 };

	files.pcap = must_open(sim_options.pcap);
	files.trace = must_open(sim_options.trace);
	pcap_bytes(header, sizeof(header));
}

void pcap_frame(u64 now_ns, const u8 *frame, u32 len)
{
	u32 record[] = { (u32)(now_ns / NSEC_PER_SEC), (u32)(now_ns % NSEC_PER_SEC), len, len };

	pcap_bytes(record, sizeof(record));
	pcap_bytes(frame, len);
}

void pcap_close(void)
{
	if (files.pcap)
		fclose(files.pcap);
	if (files.trace)
		fclose(files.trace);
	files.pcap = files.trace = NULL;
}

bool tracing(void)
{
	return files.trace != NULL;
}

void trace(int host, const char *fmt, ...)
{
	u64 now = host_clock();
	va_list ap;

	if (!files.trace)
		return;
	fprintf(files.trace, "%llu.%09llu ", (unsigned long long)(now / NSEC_PER_SEC),
		(unsigned long long)(now % NSEC_PER_SEC));
	if (host < 0)
		fprintf(files.trace, "world ");
	else
		fprintf(files.trace, "host%d ", host);
	va_start(ap, fmt);
	vfprintf(files.trace, fmt, ap);
	va_end(ap);
	fputc('\n', files.trace);
}
