#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Do the tests bite? Breaks one line at a time in a copy of the tree and expects a test to fail.

    tests/breakages.py [name ...]     all of them, or those named; for each the tests that noticed
    tests/breakages.py A4 A6.3 ...    rows of docs/PATH.md, or whole stages: one breakage for each, and the one test that must see it
    ALL=1 tests/breakages.py          the whole of make test for each (slow), not only the tests named beside it

The mistakes of BREAKAGES run through `make test`; those of the path's rows (breakages_path.py) build and run only the one program, script or
boot test: a few seconds each. Not part of make test: it is run by hand when tests or the code they watch have changed much.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
from breakages_path import ROWS, WITHOUT  # noqa: E402  (the folder had to be named first)

# name: (file, what stands there, what stands there instead, tests that should notice)
BREAKAGES = {
    "checksum_not_inverted": ("include/net/checksum.h", "(u16)~sum", "(u16)sum", "checksum_test|test_tshark"),
    "checksum_missing": ("net/tcp/tcp_reply.c", "skb->ip_summed = CHECKSUM_PARTIAL;", "skb->ip_summed = CHECKSUM_NONE;",
                         "tcp_wire_test|test_tshark"),
    "used_after_hand_over": ("net/dev/netdev.c", "\t\tskb = next;\n\t\tif (skb && netif_xmit_stopped(txq)) {",
                             "\t\tskb->len++;\n\t\tskb = next;\n\t\tif (skb && netif_xmit_stopped(txq)) {", "tcp_wire_test|netdev_test"),
    "window_compared_wrongly": ("net/tcp/tcp_output.c", "return !after(end, tcp_wnd_end(tp));", "return !before(end, tcp_wnd_end(tp));",
                                "tcp_wire_test|test_one_copy_and"),
    "skb_leaked_at_completion": ("drivers/net/e1000/e1000_tx.c", "\t\tconsume_skb(skb);\n\t}\n\tr->cleaning", "\t\t(void)skb;\n\t}\n\tr->cleaning",
                                 "e1000_test|test_one_copy_and"),
    "skb_freed_twice": ("drivers/net/e1000/e1000_tx.c", "\t\tconsume_skb(skb);\n\t}\n\tr->cleaning",
                        # (Written plainly, gcc refuses it: it is told who takes packets back.)
                        "\t\tstruct sk_buff *again = skb;\n\t\t__asm__ volatile(\"\" : \"+r\"(again));\n\t\tconsume_skb(skb);\n"
                        "\t\tconsume_skb(again);\n\t}\n\tr->cleaning",
                        "e1000_test|test_one_copy_and"),
    "reader_never_woken": ("net/core/sock.c", "static void sock_def_wakeup(struct sock *sk)\n{\n\twake_up(&sk->sk_wq);",
                           "static void sock_def_wakeup(struct sock *sk)\n{\n\t(void)sk;", "sock_test|tcp_wire_test|test_one_copy_in"),
    "ring_off_by_one": ("drivers/net/e1000/e1000.h", "next_to_clean - next_to_use - 1;", "next_to_clean - next_to_use;",
                        "e1000_test|test_tiny_ring"),
    "frames_not_padded": ("drivers/net/e1000/e1000_tx.c", "skb_padto(skb, ETH_ZLEN)", "skb_padto(skb, 42)", "test_frames|e1000_test"),
    "loss_timer_not_armed": ("net/tcp/tcp_rtx_queue.c", "tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, rto + tcp_pacing_delay(sk));",
                             "tcp_clear_xmit_timer(sk), (void)tcp_pacing_delay(sk);", "tcp_wire_test|test_bad_wire.send-drop-2"),
    "wrong_mss_announced": ("net/tcp/tcp_options.c", "put_unaligned_be16(o->mss, p + 2)", "put_unaligned_be16((u16)(o->mss - 60), p + 2)",
                            "test_frames|test_tshark|tcp_pure_test"),
    "payload_copied_twice": ("net/tcp/tcp_transmit.c", "skb = skb_shared_data(orig) ? pskb_copy(orig, MAX_TCP_HEADER) : skb_clone(orig);",
                             "skb = pskb_copy(orig, MAX_TCP_HEADER);", "test_one_copy_and"),
    "doorbell_for_each_frame": ("drivers/net/e1000/e1000_tx.c", "netdev_defer_doorbell(", "e1000_doorbell(", "e1000_test|test_one_copy_and"),
    "arp_answers_for_everybody": ("net/neigh/arp.c", "bool for_us = inet_dev_has_addr(dev, arp->ar_tip);", "bool for_us = true;", "arp_test"),
    "data_left_executable": ("kernel/x86/paging.c", "x86_features.nx ? PTE_NX : 0", "0", "test_crash"),
}

# The transmit path below TCP, docs/PATH.md A9 to A21: each stage passed by, or at another place.
BREAKAGES |= {
    "header_summed_after_the_filters": (  # A9
        "net/ipv4/ip_output.c",
        "\tiph->tot_len = htons(skb->len);\n\tiph->check = 0;\n\tiph->check = ip_fast_csum(iph, iph->ver_ihl & 0x0f);\n"
        "\ttrace_at_skb(nf_local_out, skb, 0);\n",
        "\ttrace_at_skb(nf_local_out, skb, 0);\n\tif (nf_hook(NF_INET_LOCAL_OUT, net, sk, skb, NULL, skb_dst(skb)->dev, dst_output) != 1)\n"
        "\t\treturn 0;\n\tiph->tot_len = htons(skb->len);\n\tiph->check = 0;\n\tiph->check = ip_fast_csum(iph, iph->ver_ihl & 0x0f);\n",
        "netfilter_test"),
    "route_counted_for_each_packet": ("net/ipv4/ip_output.c", "skb_dst_set_noref(skb, dst);", "skb_dst_set(skb, dst_hold(dst));",
                                      "ip_output_test"),
    "post_routing_passed_by": ("net/ipv4/ip_output.c",  # A10
                               "return NF_HOOK(NF_INET_POST_ROUTING, net, sk, skb, NULL, skb->dev, ip_finish_output);",
                               "return ip_finish_output(net, sk, skb);", "netfilter_test"),
    "fragmentation_passed_by": ("net/ipv4/ip_output.c", "if (unlikely(skb->len > mtu || skb_has_frag_list(skb)))", "if (false)",  # A11
                                "udp_send_test"),
    "no_room_made_for_the_link_header": ("net/ipv4/ip_output.c", "if (unlikely(skb_headroom(skb) < need) &&", "if (false &&",  # A12
                                         "ip_output_test"),
    "last_in_first_out_at_the_neighbour": ("net/neigh/neighbour.c", "skb_queue_tail(&n->arp_queue, skb);",  # A13
                                           "skb_queue_head(&n->arp_queue, skb);", "arp_test"),
    "hash_of_neighbours_without_a_secret": ("net/neigh/neighbour.c", "k * tbl->hash_rnd", "k * 0x9e3779b97f4a7c15ull", "neigh_state_test"),
    "device_layer_passed_by": ("net/neigh/neighbour.c",  # A14
                               "memcpy(skb->data, n->hh + 2, ETH_HLEN);\n\treturn dev_queue_xmit(skb);",
                               "memcpy(skb->data, n->hh + 2, ETH_HLEN);\n\tskb_enter(skb, SKB_STAGE_DEV);\n"
                               "\treturn qdisc_xmit(skb->dev->_tx[0].qdisc, skb);", "path_test"),
    "route_taken_into_the_queue": ("net/sched/dev_queue_xmit.c", "if (dev->priv_flags & IFF_XMIT_DST_RELEASE)", "if (false)", "qdisc_test"),
    "past_a_queue_in_which_others_wait": ("net/sched/sch_generic.c", "if (q->can_bypass && q->qlen == 0", "if (q->can_bypass",  # A15
                                          "qdisc_test"),
    "given_back_and_put_behind": ("net/sched/sch_generic.c", "skb_queue_head(&q->requeue, s);", "skb_queue_tail(&q->requeue, s);",
                                  "qdisc_test"),
    "queues_run_though_somebody_needs_the_cpu": ("net/sched/sch_generic.c", "if (quota <= 0 || need_resched()) {", "if (quota <= 0) {",
                                                 "qdisc_test"),
    "net_tx_serves_the_last_first": (  # A16
        "net/dev/netdev.c", "\t\t*sd->output_queue_tailp = txq;\n\t\tsd->output_queue_tailp = &txq->next_sched;\n",
        "\t\ttxq->next_sched = sd->output_queue;\n\t\tif (!sd->output_queue)\n\t\t\tsd->output_queue_tailp = &txq->next_sched;\n"
        "\t\tsd->output_queue = txq;\n", "qdisc_test"),
    "loop_as_deep_as_it_likes": ("net/sched/dev_queue_xmit.c", "xmit_recursion < XMIT_RECURSION_LIMIT",  # A17
                                 "xmit_recursion < 4 * XMIT_RECURSION_LIMIT", "noqueue_test"),
    "doorbell_before_the_barrier": (  # A18
        "drivers/net/e1000/e1000_tx.c", "\tdma_wmb(); /* descriptors before the tail */\n\te1000_tx_ew32(r, E1000_TDT, r->tail);\n",
        "\te1000_tx_ew32(r, E1000_TDT, r->tail);\n\tdma_wmb(); /* descriptors before the tail */\n", "e1000_test"),
    "received_before_sent": (  # A19
        "drivers/net/e1000/e1000_main.c", "\te1000_clean_tx_poll(a);\n\twork = e1000_clean_rx_irq(a, budget);",
        "\twork = e1000_clean_rx_irq(a, budget);\n\te1000_clean_tx_poll(a);", "e1000_edges_test"),
    "rings_cleaned_in_the_interrupt": ("drivers/net/e1000/e1000_main.c", "\tnapi_schedule(&a->napi);\n\treturn IRQ_HANDLED;",
                                       "\te1000_clean_tx_poll(a);\n\tnapi_schedule(&a->napi);\n\treturn IRQ_HANDLED;",
                                       "e1000_edges_test|path_test"),
    "corked_and_sent_at_once": ("net/udp/udp.c", "bool more = udp_sk(sk)->corked || (msg->msg_flags & MSG_MORE);",  # A20
                                "bool more = false;", "udp_send_test"),
    "page_without_its_last_counter": ("net/core/stats.c", "net->mib.ipext, NR_IPEXT_MIB);", "net->mib.ipext, NR_IPEXT_MIB - 1);",  # A21
                                      "inetdev_table_test"),
}


class Unfit(Exception):
    """The breakage is the fault: its text is gone, or what stands there instead does not compile."""


def noticed(name, tree):
    """Applies one breakage in @tree, runs the tests, and gives their closing line and the failures; None when all passed."""
    path, old, new, pattern = BREAKAGES[name]
    target = tree / path
    text = target.read_text()
    if old not in text:
        raise Unfit(f"{path}: what it should break is no longer there")
    target.write_text(text.replace(old, new, 1))
    env = dict(os.environ, T="" if os.environ.get("ALL") else pattern)
    try:
        done = subprocess.run(["make", "test"], cwd=tree, env=env, text=True, capture_output=True, timeout=600, check=False)
    finally:
        target.write_text(text)
    if done.returncode == 0:
        return None
    failures = re.findall(r"^FAILED\s+(\w+/\w+): .*failed: (.*)$|^\s+make test T='(.+)'|^\s+not ok (\S+)|^FAILED\s+(\w*/?build\w*) ",
                          done.stdout, re.M)
    names = [f"{a}/{b}" if a else c or d or f"does not compile: {e}" for a, b, c, d, e in failures]
    return ", ".join(dict.fromkeys(names))[:200] + " | " + done.stdout.strip().splitlines()[-1]


def run(words, tree):
    """(status, output); a test that hangs has noticed as well."""
    env = {k: v for k, v in os.environ.items() if k not in ("T", "MAKEFLAGS", "MFLAGS")}
    try:
        done = subprocess.run(words, cwd=tree, env=env, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return 124, "time limit"
    return done.returncode, done.stdout


def row_test(test, tree):
    """Builds what one test of docs/PATH.md needs, then runs it. (built, status, output)"""
    place, _, name = test.partition("::")
    jobs = f"-j{os.cpu_count()}"
    if place.startswith("conformance/"):
        build, words = ["make", "-s", jobs, "FLAVOUR=lib", "hostlib"], ["tests/conformance/run", place.removeprefix("conformance/")]
    elif place.startswith("unit/"):
        program = f"build/host/asan/{place.removesuffix('.c')}"
        build, words = ["make", "-s", jobs, program, "hostlink"], ["timeout", "120", program, name]
    else:
        build, words = ["make", "-s", jobs], [sys.executable, "-m", "pytest", "-q", f"tests/{place}", "-k", name]
    status, output = run(build, tree)
    if status:
        return False, status, output
    return True, *run(words, tree)


def row_noticed(row, tree):
    """The same as noticed() for one row of the path, by the test that stands beside it."""
    test, *edits = ROWS[row]
    before = {path: (tree / path).read_text() for path, _, _ in edits}
    try:
        for path, old, new in edits:
            text = (tree / path).read_text()
            if text.count(old) != 1:
                raise Unfit(f"{path}: what it should break stands there {text.count(old)} times")
            (tree / path).write_text(text.replace(old, new))
        built, status, output = row_test(test, tree)
    finally:
        for path, text in before.items():
            (tree / path).write_text(text)
    if not built:
        raise Unfit("does not compile: " + " ".join(output.split())[:160])
    return test if status else None


def chosen(words):
    """Names as given: mistakes, rows, and stages for all their rows. Without any: everything."""
    names = []
    for word in words or [*BREAKAGES, *ROWS]:
        if word in WITHOUT:
            print(f"{word}: none, because {WITHOUT[word]}")
            continue
        found = [n for n in (*BREAKAGES, *ROWS) if n == word or n.startswith(word + ".")]
        if not found:
            print(f"{word}: no such breakage; there are {', '.join([*BREAKAGES, *ROWS])}")
            sys.exit(2)
        names += found
    return names


def main():
    names, missed = chosen(sys.argv[1:]), 0
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "doorbell"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", "*.pcap", "test"), symlinks=True)
        for name in names:
            try:
                what = noticed(name, tree) if name in BREAKAGES else row_noticed(name, tree)
            except Unfit as why:
                missed += 1
                print(f"UNFIT  {name}: {why}", flush=True)
                continue
            missed += what is None
            print(f"{'NOT NOTICED' if what is None else 'noticed'}  {name}: {what or 'every test passed'}", flush=True)
    print(f"{len(names) - missed} of {len(names)} breakages were noticed")
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
