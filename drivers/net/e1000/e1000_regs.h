/* SPDX-License-Identifier: MIT */
/* Registers and descriptors of the Intel 8254x family (8254x Software Developer's Manual, sections 3 and 13). */
#ifndef E1000_REGS_H
#define E1000_REGS_H
#include <lib/types.h>

/* Register offsets in BAR 0. 32-bit accesses only. */
enum e1000_reg {
	E1000_CTRL = 0x0000,
	E1000_STATUS = 0x0008,
	E1000_EERD = 0x0014,
	E1000_VET = 0x0038,
	E1000_ICR = 0x00c0, /* reading clears all causes and lowers the line */
	E1000_ITR = 0x00c4,
	E1000_ICS = 0x00c8,
	E1000_IMS = 0x00d0, /* ones: causes that may interrupt from now on */
	E1000_IMC = 0x00d8, /* ones: causes that may not */
	E1000_RCTL = 0x0100,
	E1000_TCTL = 0x0400,
	E1000_TIPG = 0x0410,
	E1000_RDBAL = 0x2800,
	E1000_RDBAH = 0x2804,
	E1000_RDLEN = 0x2808,
	E1000_RDH = 0x2810,
	E1000_RDT = 0x2818,
	E1000_RDTR = 0x2820,
	E1000_RADV = 0x282c,
	E1000_TDBAL = 0x3800,
	E1000_TDBAH = 0x3804,
	E1000_TDLEN = 0x3808,
	E1000_TDH = 0x3810,
	E1000_TDT = 0x3818,
	E1000_TIDV = 0x3820,
	E1000_TXDCTL = 0x3828,
	E1000_TADV = 0x382c,
	E1000_MTA = 0x5200, /* 128 words */
	E1000_RAL = 0x5400, /* 16 pairs of RAL, RAH, 8 bytes apart */
	E1000_RAH = 0x5404,
	E1000_VFTA = 0x5600 /* 128 words */
};
#define E1000_MTA_WORDS  128u
#define E1000_RA_ENTRIES 16u
#define E1000_VFTA_WORDS 128u

#define E1000_CTRL_LRST    0x00000008u
#define E1000_CTRL_ASDE    0x00000020u /* speed as negotiated */
#define E1000_CTRL_SLU     0x00000040u /* set link up */
#define E1000_CTRL_ILOS    0x00000080u
#define E1000_CTRL_FRCSPD  0x00000800u
#define E1000_CTRL_FRCDPX  0x00001000u
#define E1000_CTRL_VME     0x40000000u
#define E1000_CTRL_PHY_RST 0x80000000u

#define E1000_STATUS_FD          0x00000001u
#define E1000_STATUS_LU          0x00000002u
#define E1000_STATUS_SPEED_SHIFT 6 /* 0: 10, 1: 100, 2 and 3: 1000 Mbit/s */

#define E1000_EERD_START 0x00000001u

/* Interrupt causes. TXQE is never enabled: every write of TDT sets it. */
#define E1000_ICR_TXDW   0x00000001u /* a descriptor with RS was written back */
#define E1000_ICR_TXQE   0x00000002u
#define E1000_ICR_LSC    0x00000004u /* link status changed */
#define E1000_ICR_RXDMT0 0x00000010u /* few receive descriptors are left */
#define E1000_ICR_RXO    0x00000040u /* frames were lost: no descriptor was left */
#define E1000_ICR_RXT0   0x00000080u /* a frame was received */

/* EN, BAM (accept broadcast), 2048-byte buffers, SECRC (the frame check sequence is stripped). */
#define E1000_RCTL_EN    0x00000002u
#define E1000_RCTL_UPE   0x00000008u
#define E1000_RCTL_MPE   0x00000010u
#define E1000_RCTL_VALUE 0x04008002u
/* EN, PSP, CT 15, COLD 63, RTLC. */
#define E1000_TCTL_EN     0x00000002u
#define E1000_TCTL_VALUE  0x0103f0fau
#define E1000_TIPG_VALUE  0x00602008u /* copper */
#define E1000_TXDCTL_ONE  0x01010000u /* GRAN and WTHRESH 1: write each descriptor back at once */
#define E1000_TIDV_VALUE  8u
#define E1000_TADV_VALUE  32u
#define E1000_RAH_AV      0x80000000u
#define E1000_VET_DEFAULT 0x00008100u

/* Transmit descriptor, extended forms (section 3.3.6 and 3.3.7). All little endian. */
struct e1000_tx_desc {
	__le64 addr; /* context: ipcss | ipcso << 8 | ipcse << 16 | tucss << 32 | tucso << 40 | tucse << 48 */
	__le32 lower; /* length and command */
	__le32 upper; /* status, POPTS, VLAN; context: status, HDRLEN, MSS */
};
static_assert(sizeof(struct e1000_tx_desc) == 16, "descriptor format");

#define E1000_TXD_DTYP_D   0x00100000u
#define E1000_TXD_CMD_EOP  0x01000000u
#define E1000_TXD_CMD_IFCS 0x02000000u
#define E1000_TXD_CMD_RS   0x08000000u /* report status: write DD back */
#define E1000_TXD_CMD_DEXT 0x20000000u
#define E1000_TXD_CMD_TCP  0x01000000u /* context only */
#define E1000_TXD_CMD_IP   0x02000000u /* context only: IPv4 */
#define E1000_TXD_CMD_TSE  0x04000000u /* cut it into segments */
#define E1000_TXD_STAT_DD  0x00000001u
#define E1000_TXD_POPTS_TX 0x00000200u /* insert the TCP or UDP checksum */
#define E1000_TXD_POPTS_IP 0x00000100u /* insert the IPv4 header checksum */
#define E1000_TXD_IPCSO    8
#define E1000_TXD_IPCSE    16
#define E1000_TXD_TUCSS    32
#define E1000_TXD_TUCSO    40
#define E1000_TXD_HDRLEN   8
#define E1000_TXD_MSS      16

/* Receive descriptor (section 3.2.3). */
struct e1000_rx_desc {
	__le64 addr;
	__le16 length;
	__le16 csum;
	u8 status;
	u8 errors;
	__le16 special;
};
static_assert(sizeof(struct e1000_rx_desc) == 16, "descriptor format");

#define E1000_RXD_STAT_DD  0x01u
#define E1000_RXD_STAT_EOP 0x02u
/* CE, SE, SEQ, CXE, RXE: the frame is no good. TCPE and IPE are the stack's to judge. */
#define E1000_RXD_ERR_FRAME 0x97u
#define E1000_RX_BUFFER     2048u /* what RCTL's BSIZE says */
#endif
