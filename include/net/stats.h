/* SPDX-License-Identifier: MIT */
/*
 * Counters under Linux's names (RFC 4293, 4022, 4113 and Linux's TcpExt/IpExt): the lists below are the counters, the
 * order in which /proc/net/snmp and /proc/net/netstat print them included. Increments are plain adds: one CPU, and
 * hardirqs touch none.
 */
#ifndef NET_STATS_H
#define NET_STATS_H
#include <kernel/count.h>
#include <lib/types.h>

struct net;
struct seq_file;

// clang-format off
#define IP_MIB(X)				\
	X(InReceives)				\
	X(InHdrErrors)				\
	X(InAddrErrors)				\
	X(ForwDatagrams)			\
	X(InUnknownProtos)			\
	X(InDiscards)				\
	X(InDelivers)				\
	X(OutRequests)				\
	X(OutDiscards)				\
	X(OutNoRoutes)				\
	X(ReasmTimeout)				\
	X(ReasmReqds)				\
	X(ReasmOKs)				\
	X(ReasmFails)				\
	X(FragOKs)				\
	X(FragFails)				\
	X(FragCreates)
#define IPEXT_MIB(X)				\
	X(InTruncatedPkts)			\
	X(InMcastPkts)				\
	X(OutMcastPkts)				\
	X(InBcastPkts)				\
	X(OutBcastPkts)				\
	X(InOctets)				\
	X(OutOctets)				\
	X(InMcastOctets)			\
	X(OutMcastOctets)			\
	X(InBcastOctets)			\
	X(OutBcastOctets)			\
	X(InCsumErrors)				\
	X(InNoECTPkts)				\
	X(InECT1Pkts)				\
	X(InECT0Pkts)				\
	X(InCEPkts)				\
	X(ReasmOverlaps)
#define ICMP_MIB(X)				\
	X(InMsgs)				\
	X(InErrors)				\
	X(InCsumErrors)				\
	X(InDestUnreachs)			\
	X(InTimeExcds)				\
	X(InParmProbs)				\
	X(InSrcQuenchs)				\
	X(InRedirects)				\
	X(InEchos)				\
	X(InEchoReps)				\
	X(InTimestamps)				\
	X(InTimestampReps)			\
	X(InAddrMasks)				\
	X(InAddrMaskReps)			\
	X(OutMsgs)				\
	X(OutErrors)				\
	X(OutRateLimitHost)			\
	X(OutDestUnreachs)			\
	X(OutTimeExcds)				\
	X(OutParmProbs)				\
	X(OutSrcQuenchs)			\
	X(OutRedirects)				\
	X(OutEchos)				\
	X(OutEchoReps)				\
	X(OutTimestamps)			\
	X(OutTimestampReps)			\
	X(OutAddrMasks)				\
	X(OutAddrMaskReps)
#define TCP_MIB(X)				\
	X(RtoAlgorithm)				\
	X(RtoMin)				\
	X(RtoMax)				\
	X(MaxConn)				\
	X(ActiveOpens)				\
	X(PassiveOpens)				\
	X(AttemptFails)				\
	X(EstabResets)				\
	X(CurrEstab)				\
	X(InSegs)				\
	X(OutSegs)				\
	X(RetransSegs)				\
	X(InErrs)				\
	X(OutRsts)				\
	X(InCsumErrors)
#define UDP_MIB(X)				\
	X(InDatagrams)				\
	X(NoPorts)				\
	X(InErrors)				\
	X(OutDatagrams)				\
	X(RcvbufErrors)				\
	X(SndbufErrors)				\
	X(InCsumErrors)				\
	X(IgnoredMulti)				\
	X(MemErrors)
#define TCPEXT_MIB(X)				\
	X(SyncookiesSent)			\
	X(SyncookiesRecv)			\
	X(SyncookiesFailed)			\
	X(EmbryonicRsts)			\
	X(PruneCalled)				\
	X(RcvPruned)				\
	X(OfoPruned)				\
	X(OutOfWindowIcmps)			\
	X(LockDroppedIcmps)			\
	X(TW)					\
	X(TWKilled)				\
	X(TWRecycled)				\
	X(DelayedACKs)				\
	X(DelayedACKLocked)			\
	X(DelayedACKLost)			\
	X(ListenOverflows)			\
	X(ListenDrops)				\
	X(TCPHPHits)				\
	X(TCPPureAcks)				\
	X(TCPHPAcks)				\
	X(TCPLostRetransmit)			\
	X(TCPRenoRecovery)			\
	X(TCPSackRecovery)			\
	X(TCPSACKReneging)			\
	X(TCPSACKReorder)			\
	X(TCPRenoReorder)			\
	X(TCPTSReorder)				\
	X(TCPFullUndo)				\
	X(TCPPartialUndo)			\
	X(TCPDSACKUndo)				\
	X(TCPLossUndo)				\
	X(TCPRenoFailures)			\
	X(TCPSackFailures)			\
	X(TCPLossFailures)			\
	X(TCPRenoRecoveryFail)			\
	X(TCPSackRecoveryFail)			\
	X(TCPSpuriousRTOs)			\
	X(TCPDSACKRecv)				\
	X(TCPDSACKOfoRecv)			\
	X(TCPDSACKRecvSegs)			\
	X(TCPDSACKIgnoredOld)			\
	X(TCPDSACKIgnoredNoUndo)		\
	X(TCPDSACKIgnoredDubious)		\
	X(TCPSACKDiscard)			\
	X(TCPFastRetrans)			\
	X(TCPSlowStartRetrans)			\
	X(TCPTimeouts)				\
	X(TCPLossProbes)			\
	X(TCPLossProbeRecovery)			\
	X(TCPBacklogDrop)			\
	X(TCPMinTTLDrop)			\
	X(TCPAbortOnData)			\
	X(TCPAbortOnClose)			\
	X(TCPAbortOnMemory)			\
	X(TCPAbortOnTimeout)			\
	X(TCPAbortOnLinger)			\
	X(TCPAbortFailed)			\
	X(TCPRcvCoalesce)			\
	X(TCPOFOQueue)				\
	X(TCPOFODrop)				\
	X(TCPOFOMerge)				\
	X(TCPChallengeACK)			\
	X(TCPSYNChallenge)			\
	X(TCPAutoCorking)			\
	X(TCPFromZeroWindowAdv)			\
	X(TCPToZeroWindowAdv)			\
	X(TCPWantZeroWindowAdv)			\
	X(TCPSynRetrans)			\
	X(TCPOrigDataSent)			\
	X(TCPWinProbe)				\
	X(TCPKeepAlive)				\
	X(TCPRetransFail)			\
	X(TCPTimeWaitOverflow)			\
	X(TCPReqQFullDoCookies)			\
	X(TCPReqQFullDrop)			\
	X(TCPDeferAcceptDrop)			\
	X(TCPWqueueTooBig)			\
	X(TCPZeroWindowDrop)			\
	X(TCPRcvQDrop)				\
	X(TCPDupAcks)				\
	X(PAWSActive)				\
	X(PAWSEstab)				\
	X(PAWSOldAck)				\
	X(TSEcrRejected)			\
	X(TCPDSACKOldSent)			\
	X(TCPDSACKOfoSent)			\
	X(TCPACKSkippedPAWS)			\
	X(TCPACKSkippedSeq)			\
	X(TCPACKSkippedChallenge)		\
	X(TCPACKSkippedSynRecv)			\
	X(TCPACKSkippedFinWait2)		\
	X(TCPACKSkippedTimeWait)		\
	X(TCPFastOpenActive)			\
	X(TCPFastOpenActiveFail)		\
	X(TCPFastOpenPassive)			\
	X(TCPFastOpenPassiveFail)		\
	X(TCPFastOpenListenOverflow)		\
	X(TCPFastOpenCookieReqd)		\
	X(TCPFastOpenBlackhole)			\
	X(TCPFastOpenPassiveAltKey)		\
	X(TCPSpuriousRtxHostQueues)		\
	X(TCPMTUPFail)				\
	X(TCPMTUPSuccess)			\
	X(TCPDelivered)				\
	X(TCPDeliveredCE)			\
	X(TCPAckCompressed)			\
	X(TCPAckSolicits)
// clang-format on

#define MIB_ENUM_IP(n)     IPSTATS_MIB_##n,
#define MIB_ENUM_IPEXT(n)  IPEXT_MIB_##n,
#define MIB_ENUM_ICMP(n)   ICMP_MIB_##n,
#define MIB_ENUM_TCP(n)    TCP_MIB_##n,
#define MIB_ENUM_UDP(n)    UDP_MIB_##n,
#define MIB_ENUM_TCPEXT(n) LINUX_MIB_##n,
enum ip_mib { IP_MIB(MIB_ENUM_IP) NR_IP_MIB };
enum ipext_mib { IPEXT_MIB(MIB_ENUM_IPEXT) NR_IPEXT_MIB };
enum icmp_mib { ICMP_MIB(MIB_ENUM_ICMP) NR_ICMP_MIB };
enum tcp_mib { TCP_MIB(MIB_ENUM_TCP) NR_TCP_MIB };
enum udp_mib { UDP_MIB(MIB_ENUM_UDP) NR_UDP_MIB };
enum tcpext_mib { TCPEXT_MIB(MIB_ENUM_TCPEXT) NR_TCPEXT_MIB };

struct net_mib {
	u64 ip[NR_IP_MIB], ipext[NR_IPEXT_MIB], icmp[NR_ICMP_MIB];
	u64 tcp[NR_TCP_MIB], udp[NR_UDP_MIB], tcpext[NR_TCPEXT_MIB];
};

#define IP_INC_STATS(net, f)       count64(&(net)->mib.ip[IPSTATS_MIB_##f], 1)
#define IPEXT_INC_STATS(net, f)    count64(&(net)->mib.ipext[IPEXT_MIB_##f], 1)
#define IPEXT_ADD_STATS(net, f, n) count64(&(net)->mib.ipext[IPEXT_MIB_##f], n)
#define IP_ADD_STATS(net, f, n)    count64(&(net)->mib.ip[IPSTATS_MIB_##f], n)
#define ICMP_INC_STATS(net, f)     count64(&(net)->mib.icmp[ICMP_MIB_##f], 1)
#define TCP_INC_STATS(net, f)      count64(&(net)->mib.tcp[TCP_MIB_##f], 1)
#define TCP_DEC_STATS(net, f)      count64(&(net)->mib.tcp[TCP_MIB_##f], -1ULL)
#define TCP_ADD_STATS(net, f, n)   count64(&(net)->mib.tcp[TCP_MIB_##f], n)
#define UDP_INC_STATS(net, f)      count64(&(net)->mib.udp[UDP_MIB_##f], 1)
#define NET_INC_STATS(net, f)      count64(&(net)->mib.tcpext[LINUX_MIB_##f], 1)
#define NET_ADD_STATS(net, f, n)   count64(&(net)->mib.tcpext[LINUX_MIB_##f], n)

void snmp_show(struct seq_file *m);    /* /proc/net/snmp; arg: struct net */
void netstat_show(struct seq_file *m); /* /proc/net/netstat */
void drops_show(struct seq_file *m);   /* /proc/net/drops: process-wide counts by reason */
#endif
