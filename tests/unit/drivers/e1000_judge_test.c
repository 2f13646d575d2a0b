// SPDX-License-Identifier: MIT
/*
 * The card's model as the driver's judge: each mistake a driver can make, made on purpose, must be named; the same
 * steps without the mistake must not.
 */
#include "fake_driver.h"

struct mistake {
	const char *name;
	void (*make)(void *unused);
	const char *words;
};

/* --- Transmit ring ------------------------------------------------------------------------------------------------ */

static void tail_beyond_ring(void *unused)
{
	(void)unused;
	w(TDT, RING);
}

static void handed_over_twice(void *unused)
{
	(void)unused;
	card.late_dd_ns = MS;
	for (u32 i = 0; i < RING; i++)
		post(i, 60);
	w(TDT, 7);
	w(TDT, 1);
}

static void changed_before_dd(void *unused)
{
	(void)unused;
	card.late_dd_ns = MS;
	post(0, 60);
	w(TDT, 1);
	txd[0].upper = 0x200;
	host_clock_advance(MS);
}

static void changed_before_fetch(void *unused)
{
	(void)unused;
	card.tx_rate_bps = 1000000;
	post(0, 60);
	post(1, 60);
	w(TDT, 2);
	txd[1].lower = DATA | EOP_RS | 61;
	host_clock_advance(2 * MS);
}

static void unmapped_before_dd(void *unused)
{
	(void)unused;
	card.late_dd_ns = MS;
	post(0, 60);
	w(TDT, 1);
	tx_unmap(0);
	host_clock_advance(MS);
}

static void unmapped_before_tail(void *unused)
{
	(void)unused;
	post(0, 60);
	tx_unmap(0);
	w(TDT, 1);
}

static void never_mapped(void *unused)
{
	(void)unused;
	txd[0] = (struct e1000_model_desc){ 0x1000, DATA | EOP_RS | 60, 0 };
	w(TDT, 1);
}

static void wrong_direction(void *unused)
{
	(void)unused;
	txd[0] = (struct e1000_model_desc){ rx_buf_at[0], DATA | EOP_RS | 60, 0 };
	w(TDT, 1);
}

static void longer_than_mapped(void *unused)
{
	(void)unused;
	post(0, BUF + 1);
	w(TDT, 1);
}

static void told_before_stored(void *unused)
{
	(void)unused;
	dma_wmb();
	post(0, 60);
	writel(1, (void *)(E1000_MODEL_BAR0 + TDT));
}

static void dd_not_cleared(void *unused)
{
	(void)unused;
	post(0, 60);
	txd[0].upper = 1;
	w(TDT, 1);
}

static void head_while_on(void *unused)
{
	(void)unused;
	w(TDH, 0);
}

static void ring_of_nothing(void *unused)
{
	(void)unused;
	w(TCTL, 0);
	w(TDLEN, 0);
	w(TCTL, TCTL_ON);
}

static void ring_not_mapped(void *unused)
{
	(void)unused;
	w(TCTL, 0);
	w(TDBAL, 0x1000);
	w(TDBAH, 0);
	w(TCTL, TCTL_ON);
}

static void ring_longer_than_memory(void *unused)
{
	(void)unused;
	w(TCTL, 0);
	w(TDLEN, PAGE_SIZE + 128);
	w(TCTL, TCTL_ON);
}

static void ring_moved(void *unused)
{
	(void)unused;
	card.tx_rate_bps = 1000000;
	post(0, 60);
	w(TDT, 1);
	w(TDBAL, (u32)tx_at + 256);
}

static void no_bus_master(void *unused)
{
	(void)unused;
	arch_pci_write32(0, 3, 0, 4, 0x0402);
	post(0, 60);
	w(TDT, 1);
}

static void ring_freed(void *unused)
{
	(void)unused;
	post(0, 60);
	arch_dma_unmap(tx_at, PAGE_SIZE, ARCH_DMA_READ | ARCH_DMA_WRITE);
	w(TDT, 1);
}

/* --- Transmit packets --------------------------------------------------------------------------------------------- */

static void send_two(u32 lower0, u32 upper0, u32 lower1, u32 upper1)
{
	txd[0] = (struct e1000_model_desc){ tx_buf_at[0], lower0, upper0 };
	txd[1] = (struct e1000_model_desc){ tx_buf_at[1], lower1, upper1 };
	w(TDT, 2);
}

#define TSE 0x04000000u

/* A segmentation of 100 bytes, with this context before it. */
static void cut(u64 offsets, u32 lower, u32 upper)
{
	txd[0] = (struct e1000_model_desc){ offsets, CONTEXT | TSE | 0x03000000 | lower, upper };
	txd[1] = (struct e1000_model_desc){ tx_buf_at[1], DATA | EOP_RS | TSE | 100, 0x300 };
	w(TDT, 2);
}

static void cut_without_context(void *unused)
{
	(void)unused;
	send_two(DATA | EOP_RS | 60 | TSE, 0, 0, 0);
}

static void cut_of_another_length(void *unused)
{
	(void)unused;
	cut(0x000032220021180eULL, 47, 54u << 8 | 20u << 16);
}

static void cut_without_mss(void *unused)
{
	(void)unused;
	cut(0x000032220021180eULL, 46, 54u << 8);
}

static void cut_of_short_headers(void *unused)
{
	(void)unused;
	cut(0x000032220021180eULL, 47, 53u << 8 | 20u << 16);
}

static void cut_of_ipv6(void *unused)
{
	(void)unused;
	txd[0] = (struct e1000_model_desc){ 0, CONTEXT | TSE | 46, 54u << 8 | 20u << 16 };
	txd[1] = (struct e1000_model_desc){ tx_buf_at[1], DATA | EOP_RS | TSE | 100, 0x300 };
	w(TDT, 2);
}

static void cut_differs(void *unused)
{
	(void)unused;
	send_two(DATA | 60, 0, DATA | EOP_RS | TSE | 60, 0);
}

static void popts_differ(void *unused)
{
	(void)unused;
	send_two(DATA | 60, 0, DATA | EOP_RS | 60, 0x200);
}

static void context_inside(void *unused)
{
	(void)unused;
	send_two(DATA | 60, 0, CONTEXT, 0);
}

static void unknown_type(void *unused)
{
	(void)unused;
	send_two(0x20200000, 0, 0, 0);
}

static void legacy_inside(void *unused)
{
	(void)unused;
	send_two(DATA | 60, 0, EOP_RS | 60, 0);
}

static void extended_inside_legacy(void *unused)
{
	(void)unused;
	send_two(60, 0, DATA | EOP_RS | 60, 0);
}

static void checksum_without_context(void *unused)
{
	(void)unused;
	send_two(DATA | EOP_RS | 60, 0x200, DATA | EOP_RS | 60, 0);
}

static void checksum_outside(void *unused)
{
	(void)unused;
	txd[0] = (struct e1000_model_desc){ 14ULL << 32 | 100ULL << 40, CONTEXT, 0 };
	txd[1] = (struct e1000_model_desc){ tx_buf_at[1], DATA | EOP_RS | 60, 0x200 };
	w(TDT, 2);
}

static void checksum_starts_outside(void *unused)
{
	(void)unused;
	send_two(EOP_RS | 1u << 26 | 50u << 16 | 60, 61u << 8, 0, 0);
}

static void checksum_ends_outside(void *unused)
{
	(void)unused;
	txd[0] = (struct e1000_model_desc){ 14ULL << 32 | 20ULL << 40 | 60ULL << 48, CONTEXT, 0 };
	txd[1] = (struct e1000_model_desc){ tx_buf_at[1], DATA | EOP_RS | 60, 0x200 };
	w(TDT, 2);
}

static void frame_too_long(void *unused)
{
	(void)unused;
	w(TCTL, 0);
	w(TDLEN, 256);
	w(TCTL, TCTL_ON);
	for (u32 i = 0; i < 9; i++)
		txd[i] = (struct e1000_model_desc){ tx_buf_at[0], DATA | BUF, 0 };
	w(TDT, 9);
}

static void legacy_too_long(void *unused)
{
	(void)unused;
	w(TCTL, 0);
	w(TDLEN, 256);
	w(TCTL, TCTL_ON);
	for (u32 i = 0; i < 9; i++)
		txd[i] = (struct e1000_model_desc){ tx_buf_at[0], 2000, 0 };
	w(TDT, 9);
}

/* --- Receive ring ----------------------------------------------------------------------------------------------------- */

static void rx_tail_beyond_ring(void *unused)
{
	(void)unused;
	w(RDT, RING + 1);
}

static void rx_tail_overtakes(void *unused)
{
	(void)unused;
	w(RDT, 3);
}

static void rx_handed_back_full(void *unused)
{
	(void)unused;
	arrives(NULL, 60, 1);
	w(RDT, 7);
	arrives(NULL, 60, 2);
	w(RDT, 1);
}

static void rx_handed_back_unread(void *unused)
{
	(void)unused;
	card.rx_late_ns = MS;
	arrives(NULL, 60, 1);
	w(RDT, 1);
}

static void rx_buffer_unmapped(void *unused)
{
	(void)unused;
	rx_unmap(0);
	arrives(NULL, 60, 1);
}

static void rx_buffer_not_mapped(void *unused)
{
	(void)unused;
	rx_unmap(7);
	arrives(NULL, 60, 1);
	arrives(NULL, 60, 1);
	w(RDT, 0);
}

static void rx_buffer_for_reading(void *unused)
{
	(void)unused;
	rxd[7].addr = tx_buf_at[7];
	arrives(NULL, 60, 1);
	arrives(NULL, 60, 1);
	w(RDT, 0);
}

static void rx_buffer_too_short(void *unused)
{
	(void)unused;
	rxd[7].addr = rx_buf_at[7] + 1;
	arrives(NULL, 60, 1);
	arrives(NULL, 60, 1);
	w(RDT, 0);
}

static void rx_changed(void *unused)
{
	(void)unused;
	rxd[0].addr = rx_buf_at[1];
	arrives(NULL, 60, 1);
}

static void rx_changed_before_dd(void *unused)
{
	(void)unused;
	card.rx_late_ns = MS;
	arrives(NULL, 60, 1);
	rxd[0].lower = 1;
	host_clock_advance(MS);
}

static void rx_head_while_on(void *unused)
{
	(void)unused;
	w(RDH, 0);
}

static void rx_ring_moved(void *unused)
{
	(void)unused;
	w(RDBAL, (u32)rx_at + 256);
}

static void rx_length_changed(void *unused)
{
	(void)unused;
	w(RDLEN, 256);
}

static void rx_ring_of_nothing(void *unused)
{
	(void)unused;
	w(RDT, 0); /* the head: parks the receiver */
	card.reg[RDLEN / 4] = 64;
	w(RDT, 3);
}

static void rx_no_bus_master(void *unused)
{
	(void)unused;
	arrives(NULL, 60, 1);
	arch_pci_write32(0, 3, 0, 4, 0x0402);
	w(RDT, 0);
}

/* --- Registers ---------------------------------------------------------------------------------------------------------- */

static void status_written(void *unused)
{
	(void)unused;
	w(STATUS, 0);
}

static void statistic_written(void *unused)
{
	(void)unused;
	w(GPTC, 0);
}

static void no_such_register(void *unused)
{
	(void)unused;
	r(0x0004);
}

static void half_a_register(void *unused)
{
	(void)unused;
	r(MTA + 2);
}

static void beyond_addresses(void *unused)
{
	(void)unused;
	w(RAL + 128, 0);
}

static void beyond_registers(void *unused)
{
	(void)unused;
	r(0x10000);
}

static void no_memory_decoding(void *unused)
{
	(void)unused;
	arch_pci_write32(0, 3, 0, 4, 0x0404);
	r(STATUS);
}

static void after_letting_go(void *unused)
{
	(void)unused;
	e1000_model_silence(&card);
	r(STATUS);
}

static void written_after_letting_go(void *unused)
{
	(void)unused;
	e1000_model_silence(&card);
	w(IMC, ~0u);
}

static void no_such_card(void *unused)
{
	(void)unused;
	r(E1000_MODEL_SLOTS * E1000_MODEL_BAR);
}

static void slot_taken(void *unused)
{
	static struct e1000_model other;

	(void)unused;
	e1000_model_plug_at(&other, 0x100e, 0);
}

static const struct mistake mistakes[] = {
	{ "tail_beyond_ring", tail_beyond_ring, "TDT 8 is beyond the ring of 8" },
	{ "handed_over_twice", handed_over_twice, "hands over descriptor 0 before it is done" },
	{ "changed_before_dd", changed_before_dd, "transmit descriptor 0 changed" },
	{ "changed_before_fetch", changed_before_fetch, "transmit descriptor 1 changed" },
	{ "unmapped_before_dd", unmapped_before_dd, "descriptor 0 was unmapped before its DD" },
	{ "unmapped_before_tail", unmapped_before_tail, "are not mapped for reading" },
	{ "never_mapped", never_mapped, "60 bytes at 0x1000 are not mapped for reading" },
	{ "wrong_direction", wrong_direction, "are not mapped for reading" },
	{ "longer_than_mapped", longer_than_mapped, "2049 bytes at" },
	{ "told_before_stored", told_before_stored,
	  "no store barrier between descriptor 0 and TDT 1" },
	{ "dd_not_cleared", dd_not_cleared, "handed over with DD set" },
	{ "head_while_on", head_while_on, "TDH written while the transmitter is on" },
	{ "ring_of_nothing", ring_of_nothing, "transmit ring of 0 bytes" },
	{ "ring_not_mapped", ring_not_mapped, "128 bytes at 0x1000 are not mapped for writing" },
	{ "ring_longer_than_memory", ring_longer_than_memory, "4224 bytes at" },
	{ "ring_moved", ring_moved, "TDBAL written while the card works" },
	{ "no_bus_master", no_bus_master, "DMA without bus mastering: transmit descriptor" },
	{ "ring_freed", ring_freed, "transmit descriptor 0: 16 bytes at" },
	{ "cut_without_context", cut_without_context, "segmentation without a context" },
	{ "cut_of_another_length", cut_of_another_length,
	  "of 100 bytes, but the context says 54 and 47" },
	{ "cut_without_mss", cut_without_mss, "segmentation with an MSS of 0" },
	{ "cut_of_short_headers", cut_of_short_headers, "headers at 14 and 34 do not fit into 53" },
	{ "cut_of_ipv6", cut_of_ipv6, "of other packets than IPv4" },
	{ "cut_differs", cut_differs, "differs inside a packet: POPTS 00, 00, TSE 0, 1" },
	{ "popts_differ", popts_differ, "differs inside a packet: POPTS 00, 02" },
	{ "context_inside", context_inside, "context inside a packet: descriptor 1" },
	{ "unknown_type", unknown_type, "descriptor 0 of an unknown type: 20200000" },
	{ "legacy_inside", legacy_inside, "legacy descriptor 1 inside an extended packet" },
	{ "extended_inside_legacy", extended_inside_legacy, "differs inside a packet" },
	{ "checksum_without_context", checksum_without_context, "without a context" },
	{ "checksum_outside", checksum_outside, "outside the frame of 60 bytes" },
	{ "checksum_starts_outside", checksum_starts_outside, "from 61 to 60 at 50" },
	{ "checksum_ends_outside", checksum_ends_outside, "from 14 to 61 at 20" },
	{ "frame_too_long", frame_too_long, "frame too long: 16384 and 2048 bytes" },
	{ "legacy_too_long", legacy_too_long, "frame too long: 16000 and 2000" },
	{ "rx_tail_beyond_ring", rx_tail_beyond_ring, "RDT 9 is beyond the ring of 8" },
	{ "rx_tail_overtakes", rx_tail_overtakes, "descriptor 0, which the card owns" },
	{ "rx_handed_back_full", rx_handed_back_full, "descriptor 0, which is not empty" },
	{ "rx_handed_back_unread", rx_handed_back_unread, "descriptor 0, which the card owns" },
	{ "rx_buffer_unmapped", rx_buffer_unmapped, "receive buffer 0: 60 bytes at" },
	{ "rx_buffer_not_mapped", rx_buffer_not_mapped, "receive buffer 7: 2048 bytes at" },
	{ "rx_buffer_for_reading", rx_buffer_for_reading, "are not mapped for writing" },
	{ "rx_buffer_too_short", rx_buffer_too_short, "are not mapped for writing" },
	{ "rx_changed", rx_changed, "receive descriptor 0 changed" },
	{ "rx_changed_before_dd", rx_changed_before_dd, "receive descriptor 0 changed" },
	{ "rx_head_while_on", rx_head_while_on, "RDH written while the receiver is on" },
	{ "rx_ring_moved", rx_ring_moved, "RDBAL written while the card works" },
	{ "rx_length_changed", rx_length_changed, "RDLEN written while the card works" },
	{ "rx_ring_of_nothing", rx_ring_of_nothing, "receive ring of 64 bytes" },
	{ "rx_no_bus_master", rx_no_bus_master, "DMA without bus mastering: receive" },
	{ "status_written", status_written, "write to the read-only register 0x8" },
	{ "statistic_written", statistic_written, "write to the read-only register 0x4080" },
	{ "no_such_register", no_such_register, "no such register: 0x4" },
	{ "half_a_register", half_a_register, "no such register: 0x5202" },
	{ "beyond_addresses", beyond_addresses, "no such register: 0x5480" },
	{ "beyond_registers", beyond_registers, "no such register: 0x10000" },
	{ "no_memory_decoding", no_memory_decoding, "memory decoding is off" },
	{ "after_letting_go", after_letting_go, "register 0x8 after the driver let go" },
	{ "written_after_letting_go", written_after_letting_go, "register 0xd8 after" },
	{ "no_such_card", no_such_card, "no such card at 0xfecc0000" },
	{ "slot_taken", slot_taken, "slot 0 is not free" },
};

TEST_EACH(mistake, mistakes)
{
	card_up();
	CHECK_STR(e1000_model_complaint(), "");
	CHECK_EQ(host_catch_exit(row->make, NULL), 65);
	CHECK(strstr(e1000_model_complaint(), row->words) != NULL);
	if (!strstr(e1000_model_complaint(), row->words))
		printf("# it said: %s\n", e1000_model_complaint());
	if (row->make == ring_freed)
		arch_dma_map(tx_at, PAGE_SIZE, ARCH_DMA_READ | ARCH_DMA_WRITE);
	card_down();
}

struct reserved {
	const char *name;
	u32 reg, value;
};

static const struct reserved reserved[] = {
	{ "CTRL", CTRL, 0x00140242 },
	{ "RCTL", RCTL, 0x80000000 },
	{ "RCTL_dtyp", RCTL, 0x400 },
	{ "TCTL", TCTL, 0x00000001 },
	{ "TIPG", TIPG, 0x40000000 },
	{ "TXDCTL", TXDCTL, 0x40 },
	{ "IMS", IMS, 0x20 },
	{ "ICS", ICS, 0x80000000 },
	{ "ITR", ITR, 0x10000 },
	{ "RDTR", RDTR, 0x10000 },
	{ "RADV", RADV, 0x10000 },
	{ "TIDV", TIDV, 0x10000 },
	{ "TADV", TADV, 0x10000 },
	{ "VET", VET, 0x10000 },
	{ "EERD", EERD, 0x12 },
	{ "RDBAL_unaligned", RDBAL, 8 },
	{ "RDLEN_of_4_descriptors", RDLEN, 64 },
	{ "TDBAL_unaligned", TDBAL, 8 },
	{ "TDLEN_of_9_descriptors", TDLEN, 144 },
	{ "RDLEN_too_long", RDLEN, 0x100000 },
	{ "RDT", RDT, 0x10000 },
	{ "TDT", TDT, 0x10000 },
	{ "RAH", RAH, 0x00040000 },
};

static void write_reserved(void *arg)
{
	const struct reserved *x = arg;

	w(x->reg, x->value);
}

TEST_EACH(reserved_bits, reserved)
{
	card_up();
	CHECK_EQ(host_catch_exit(write_reserved, (void *)row), 65);
	CHECK(strstr(e1000_model_complaint(), "written with reserved bits") != NULL);
	card_down();
}

/* The exemplary driver: all of it again and again, and not a word. */
TEST(no_mistake_no_word)
{
	card_up();
	card.late_dd_ns = 1000;
	for (u32 i = 0; i < 100; i++) {
		post(i % RING, 60);
		w(TDT, (i + 1) % RING);
		host_clock_advance(2000);
		CHECK_EQ(txd[i % RING].upper, 1);
		txd[i % RING].upper = 0;
	}
	CHECK_EQ(mail.frames, 100);
	for (u32 i = 0; i < 100; i++) {
		u32 at = i % RING;

		CHECK(arrives(NULL, 100, (u8)i));
		CHECK_EQ(rxd[at].lower, 100);
		CHECK_EQ(rx_buf[at][20], (u8)i);
		rxd[at].lower = rxd[at].upper = 0;
		w(RDT, at);
	}
	w(TCTL, TCTL_ON & ~2u);
	w(TDH, 0);
	w(TDT, 0);
	w(TCTL, TCTL_ON);
	CHECK_STR(e1000_model_complaint(), "");
	card_down();
}

/* An unmapping that does not pair with its mapping. */
static void unmap_half(void *unused)
{
	(void)unused;
	dma_unmap_single(tx_buf_at[0], BUF / 2, DMA_TO_DEVICE);
}

static void unmap_elsewhere(void *unused)
{
	(void)unused;
	dma_unmap_single(tx_buf_at[0] + 1, BUF, DMA_TO_DEVICE);
}

static const struct mistake unmappings[] = {
	{ "half", unmap_half, "" },
	{ "elsewhere", unmap_elsewhere, "" },
};

TEST_EACH(unmap_pairs, unmappings)
{
	u64 live, mapped;

	card_up();
	live = host_dma_live();
	mapped = dma_mapped();
	CHECK_EQ(host_catch_exit(row->make, NULL), 65);
	CHECK_EQ(host_dma_live(), live);
	CHECK_EQ(dma_mapped(), mapped);
	CHECK(host_dma_allowed(tx_buf_at[0], BUF, HOST_DMA_READ));
	CHECK(!host_dma_allowed(tx_buf_at[0], BUF, HOST_DMA_WRITE));
	CHECK(!host_dma_allowed(tx_buf_at[0], BUF + 1, HOST_DMA_READ));
	card_down();
}

KTEST_MAIN_BOOT()
