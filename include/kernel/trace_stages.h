/* SPDX-License-Identifier: MIT */
/*
 * Every stage of a packet's way that can be traced, in the order of the way down and back up: the one list from which come the
 * numbers, the names on /proc/net/trace, the walk of `make walk` and the tracks of `make trace`.
 *
 *   X(stage, function, file, layer, group, owner of the packet when the stage is over)
 *
 * The function stands in that file (a test looks). Group TX: what one data packet meets on its way down and what its completion
 * and its acknowledgment meet on their way up; ALL: the rest. A new stage is a line here and a line in its function, by the
 * macros of <kernel/trace.h> or <net/trace.h>.
 */
#ifndef KERNEL_TRACE_STAGES_H
#define KERNEL_TRACE_STAGES_H

// clang-format off
#define TRACE_STAGES(X)														\
	X(sys_sendto, sendto, "net/socket/socket.c", "socket", TX, "application: its buffer")					\
	X(sock_sendmsg, sock_sendmsg, "net/socket/socket.c", "socket", TX, "application: its buffer")				\
	X(inet_sendmsg, inet_sendmsg, "net/socket/af_inet.c", "socket", TX, "application: its buffer")				\
	X(tcp_sendmsg, tcp_sendmsg, "net/tcp/tcp_sendmsg.c", "tcp", TX, "socket: write queue")						\
	X(skb_entail, tcp_entail, "net/tcp/tcp_sendmsg.c", "tcp", TX, "socket: write queue")						\
	X(skb_add_data, tcp_send_step, "net/tcp/tcp_sendmsg.c", "tcp", TX, "socket: write queue, bytes copied")			\
	X(sk_stream_wait_memory, sk_stream_wait_memory, "net/core/sock.c", "tcp", TX, "socket: write queue")			\
	X(tcp_push, __tcp_push_pending_frames, "net/tcp/tcp_output.c", "tcp", TX, "socket: write queue")			\
	X(tcp_push_one, tcp_push_one, "net/tcp/tcp_output.c", "tcp", TX, "socket: write queue")					\
	X(tcp_write_xmit, tcp_write_xmit, "net/tcp/tcp_output.c", "tcp", TX, "socket: write queue")				\
	X(tcp_fragment, tcp_fragment, "net/tcp/tcp_segment.c", "tcp", TX, "socket: the queue of the first part")			\
	X(tcp_retransmit_skb, tcp_retransmit_skb, "net/tcp/tcp_retransmit.c", "tcp", TX, "socket: retransmit queue")		\
	X(tcp_transmit_skb, tcp_transmit_skb, "net/tcp/tcp_transmit.c", "tcp", TX, "original: socket; clone: on its way")		\
	X(tcp_clone, tcp_transmit_skb, "net/tcp/tcp_transmit.c", "tcp", TX, "clone: the caller, on its way down")			\
	X(tcp_event_new_data_sent, tcp_event_new_data_sent, "net/tcp/tcp_output.c", "tcp", TX, "socket: retransmit queue")	\
	X(tcp_autocork, tcp_autocorks, "net/tcp/tcp_sendmsg.c", "tcp", TX, "socket: write queue, until a completion")		\
	X(tcp_pacing, tcp_pacing_holds, "net/tcp/tcp_pacing.c", "tcp", TX, "socket: write queue, until the rate allows it")		\
	X(tcp_throttled, tcp_small_queue_check, "net/tcp/tcp_output.c", "tcp", TX, "socket: write queue, until a completion")	\
	X(tcp_wfree, tcp_wfree, "net/tcp/tcp_transmit.c", "tcp", TX, "nobody: the clone's charge is paid back")			\
	X(tcp_tsq_write, tcp_tsq_write, "net/tcp/tcp_tsq.c", "tcp", TX, "socket: write queue")					\
	X(tcp_tsq_tasklet, tcp_tsq_tasklet, "net/tcp/tcp_tsq.c", "tcp", TX, "-")	\
	X(udp_sendmsg, udp_sendmsg, "net/udp/udp.c", "udp", TX, "application: its buffer")					\
	X(udp_send_skb, udp_send_skb, "net/udp/udp.c", "udp", TX, "charged to the socket, on its way down")		\
	X(raw_sendmsg, raw_sendmsg, "net/ipv4/raw.c", "ip", TX, "application: its buffer")	\
	X(ping_sendmsg, ping_sendmsg, "net/ipv4/ping.c", "ip", TX, "application: its buffer")	\
	X(packet_sendmsg, packet_sendmsg, "net/packet/af_packet.c", "socket", TX, "application: its buffer")	\
	X(packet_snd, packet_snd, "net/packet/af_packet.c", "socket", TX, "charged to the socket, on its way down")	\
	X(ip_route_output_key, ip_route_output_key, "net/ipv4/route.c", "ip", ALL, "the table is asked, once for a connection")	\
	X(ip_queue_xmit, ip_queue_xmit, "net/ipv4/ip_output.c", "ip", TX, "consumed below")					\
	X(ip_send_skb, ip_send_skb, "net/ipv4/ip_output.c", "ip", TX, "consumed below")						\
	X(ip_build_and_send_pkt, ip_build_and_send_pkt, "net/ipv4/ip_output.c", "ip", ALL, "consumed below")			\
	X(ip_local_out, ip_local_out, "net/ipv4/ip_output.c", "ip", TX, "consumed below")					\
	X(nf_local_out, ip_local_out, "net/ipv4/ip_output.c", "ip", TX, "the hook's functions, if it has any")			\
	X(nf_hook_slow, nf_hook_slow, "net/ipv4/netfilter.c", "ip", TX, "as the verdict says")					\
	X(nf_queue, nf_to_queue, "net/ipv4/netfilter.c", "ip", TX, "queue handler: till it brings it back")	\
	X(nf_reinject, nf_reinject, "net/ipv4/netfilter.c", "ip", TX, "as the verdict says")	\
	X(ip_output, ip_output, "net/ipv4/ip_output.c", "ip", TX, "consumed below")						\
	X(ip_mc_output, ip_mc_output, "net/ipv4/ip_output.c", "ip", TX, "consumed below; a copy comes in again")			\
	X(nf_post_routing, ip_output, "net/ipv4/ip_output.c", "ip", TX, "the hook's functions, if it has any")			\
	X(ip_finish_output, ip_finish_output, "net/ipv4/ip_output.c", "ip", TX, "consumed below")				\
	X(ip_fragment, ip_fragment, "net/ipv4/ip_fragment.c", "ip", TX, "consumed below, in pieces")				\
	X(ip_fragment_made, frag_header, "net/ipv4/ip_fragment.c", "ip", TX, "its fragmenter: one piece, with its header")		\
	X(ip_finish_output2, ip_finish_output2, "net/ipv4/ip_output.c", "ip", TX, "consumed below")				\
	X(neigh_output, neigh_output, "net/neigh/neighbour.c", "neigh", TX, "consumed below, or parked")			\
	X(neigh_queued, neigh_enqueue, "net/neigh/neighbour.c", "neigh", TX, "neighbour: its queue")				\
	X(neigh_flushed, neigh_flush_queue, "net/neigh/neighbour.c", "neigh", TX, "neighbour lets go")				\
	X(neigh_solicit, neigh_solicit, "net/neigh/neighbour.c", "neigh", TX, "neighbour: its queue")				\
	X(dev_queue_xmit, dev_queue_xmit, "net/sched/dev_queue_xmit.c", "sched", TX, "consumed below")				\
	X(qdisc_bypass, qdisc_xmit, "net/sched/sch_generic.c", "sched", TX, "the caller: past the queue")			\
	X(qdisc_enqueue, qdisc_xmit, "net/sched/sch_generic.c", "sched", TX, "qdisc")						\
	X(qdisc_run, qdisc_run, "net/sched/sch_generic.c", "sched", TX, "qdisc")						\
	X(qdisc_dequeue, dequeue_skb, "net/sched/sch_generic.c", "sched", TX, "the run of the qdisc")				\
	X(qdisc_requeue, dev_requeue_skb, "net/sched/sch_generic.c", "sched", TX, "qdisc: requeue list, in front")		\
	X(qdisc_dequeue_requeued, dequeue_requeued, "net/sched/sch_generic.c", "sched", TX, "the run of the qdisc")		\
	X(validate_xmit_skb, validate_xmit_skb, "net/sched/sch_generic.c", "sched", TX, "the caller, fit for the device")	\
	X(skb_gso_segment, gso_one, "net/dev/gso.c", "sched", TX, "the caller: one segment of the packet")			\
	X(sch_direct_xmit, sch_direct_xmit, "net/sched/sch_generic.c", "sched", TX, "driver, or the requeue list")		\
	X(qdisc_watchdog, watchdog_fired, "net/sched/sch_watchdog.c", "sched", TX, "qdisc, until NET_TX")			\
	X(netif_schedule, __netif_schedule, "net/dev/netdev.c", "sched", TX, "qdisc, until NET_TX")				\
	X(net_tx_action, net_tx_action, "net/sched/dev_queue_xmit.c", "sched", TX, "driver, or the qdisc")			\
	X(dev_hard_start_xmit, dev_hard_start_xmit, "net/dev/netdev.c", "dev", TX, "driver")					\
	X(e1000_xmit_frame, e1000_xmit_frame, "drivers/net/e1000/e1000_tx.c", "driver", TX, "driver: transmit ring")		\
	X(e1000_tx_map, e1000_tx_post, "drivers/net/e1000/e1000_desc.c", "driver", TX, "driver: mapped for the device")		\
	X(e1000_tx_busy, e1000_xmit_frame, "drivers/net/e1000/e1000_tx.c", "driver", TX, "the caller: no room")			\
	X(e1000_doorbell, e1000_doorbell, "drivers/net/e1000/e1000_tx.c", "driver", TX, "device")				\
	X(bql_stop, netdev_tx_sent_queue, "net/dev/netdev.c", "dev", TX, "device: enough for now")	\
	X(irq, run_handlers, "kernel/irq.c", "irq", TX, "device")								\
	X(e1000_intr, e1000_intr, "drivers/net/e1000/e1000_main.c", "driver", TX, "device: done with the bytes")		\
	X(napi_schedule, napi_schedule, "net/dev/napi.c", "dev", TX, "driver: transmit ring")					\
	X(softirq, run_actions, "kernel/softirq.c", "softirq", TX, "-")								\
	X(net_rx_action, net_rx_action, "net/dev/napi.c", "dev", TX, "driver: both rings")					\
	X(napi_poll, napi_poll, "net/dev/napi.c", "dev", TX, "driver: both rings")						\
	X(e1000_clean_tx, clean_tx_irq, "drivers/net/e1000/e1000_tx.c", "driver", TX, "driver: the rest of the ring")		\
	X(bql_start, bql_release, "net/dev/netdev.c", "dev", TX, "qdisc, until NET_TX")	\
	X(clone_freed, clean_tx_irq, "drivers/net/e1000/e1000_tx.c", "driver", TX, "nobody: unmapped and freed")		\
	X(netif_receive_skb, netif_receive_skb, "net/dev/receive.c", "dev", TX, "consumed above")				\
	X(ip_rcv, ip_rcv, "net/ipv4/ip_input.c", "ip", TX, "consumed above")							\
	X(ip_defrag, ip_defrag, "net/ipv4/ip_reassembly.c", "ip", ALL, "reassembly, or consumed above")	\
	X(ip_frag_queue, ipq_insert, "net/ipv4/ip_reassembly.c", "ip", ALL, "reassembly: the fragments of its datagram")	\
	X(ip_frag_reasm, ipq_reassemble, "net/ipv4/ip_reassembly.c", "ip", ALL, "IP: the whole datagram")	\
	X(ip_expire, ipq_expire, "net/ipv4/ip_reassembly.c", "ip", ALL, "nobody: the datagram is given up")	\
	X(raw_rcv, raw_local_deliver, "net/ipv4/raw.c", "ip", ALL, "socket: receive queue, a clone")	\
	X(ping_rcv, ping_rcv, "net/ipv4/ping.c", "ip", ALL, "socket: receive queue, a clone")	\
	X(packet_rcv, packet_rcv, "net/packet/af_packet.c", "socket", ALL, "socket: receive queue")	\
	X(tcp_v4_rcv, tcp_v4_rcv, "net/tcp/tcp_ipv4.c", "tcp", TX, "consumed")							\
	X(sk_add_backlog, sk_add_backlog, "net/core/sock.c", "tcp", TX, "socket: backlog, until its owner lets go")			\
	X(backlog_rcv, drain_backlog, "net/core/sock.c", "tcp", TX, "consumed")							\
	X(udp_rcv, udp_rcv, "net/udp/udp_input.c", "udp", ALL, "socket: receive queue")						\
	X(icmp_rcv, icmp_rcv, "net/ipv4/icmp.c", "ip", ALL, "consumed")								\
	X(arp_rcv, arp_rcv, "net/neigh/arp.c", "neigh", TX, "consumed")								\
	X(tcp_ack, tcp_ack, "net/tcp/tcp_ack.c", "tcp", TX, "the segment: its caller")						\
	X(original_freed, tcp_clean_rtx_queue, "net/tcp/tcp_rtx_queue.c", "tcp", TX, "nobody: acknowledged and freed")		\
	X(sk_write_space, sk_stream_write_space, "net/core/sock.c", "tcp", TX, "-")						\
	X(thread_wake, thread_wake, "kernel/sched.c", "process", TX, "-")							\
	X(kfree_skb, kfree_skb_reason, "net/core/skbuff.c", "skb", TX, "nobody: dropped, counted by reason")			\
	X(alloc_skb, skb_setup, "net/core/skbuff.c", "skb", ALL, "who asked for it")						\
	X(skb_clone, skb_clone_at, "net/core/skbuff.c", "skb", ALL, "who asked for it")						\
	X(consume_skb, consume_skb, "net/core/skbuff.c", "skb", ALL, "nobody: freed")						\
	X(tcp_recvmsg, tcp_recvmsg, "net/tcp/tcp.c", "tcp", ALL, "application: the copy")					\
	X(netif_rx, netif_rx, "net/dev/receive.c", "dev", ALL, "backlog")							\
	X(timer_irq, timer_dispatch, "kernel/irq.c", "irq", ALL, "-")
// clang-format on
#endif
