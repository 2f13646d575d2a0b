#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Do the tests bite? Breaks one line at a time in a copy of the tree and expects `make test` to fail.

    tests/breakages.py [name ...]     all of them, or those named; for each the tests that noticed
    ALL=1 tests/breakages.py          the whole of make test for each (slow), not only the tests named beside it

Not part of make test: it is run by hand when tests or the code they watch have changed much.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# name: (file, what stands there, what stands there instead, tests that should notice)
BREAKAGES = {
    "checksum_not_inverted": ("include/net/checksum.h", "(u16)~sum", "(u16)sum", "checksum_test|test_tshark"),
    "checksum_missing": ("net/tcp/tcp_reply.c", "skb->ip_summed = CHECKSUM_PARTIAL;", "skb->ip_summed = CHECKSUM_NONE;",
                         "tcp_wire_test|test_tshark"),
    "used_after_hand_over": ("net/dev/netdev.c", "\t\tskb = next;\n\t\tif (skb && txq->stopped) {",
                             "\t\tskb->len++;\n\t\tskb = next;\n\t\tif (skb && txq->stopped) {", "tcp_wire_test|netdev_test"),
    "window_compared_wrongly": ("net/tcp/tcp_output.c", "return !after(end, tcp_wnd_end(tp));", "return !before(end, tcp_wnd_end(tp));",
                                "tcp_wire_test|test_one_copy_and"),
    "skb_leaked_at_completion": ("drivers/net/e1000/e1000_tx.c", "\t\tconsume_skb(skb);\n\t}\n\tif (packets)", "\t\t(void)skb;\n\t}\n\tif (packets)",
                                 "e1000_test|test_one_copy_and"),
    "skb_freed_twice": ("drivers/net/e1000/e1000_tx.c", "\t\tconsume_skb(skb);\n\t}\n\tif (packets)",
                        # (Written plainly, gcc refuses it: it is told who takes packets back.)
                        "\t\tstruct sk_buff *again = skb;\n\t\t__asm__ volatile(\"\" : \"+r\"(again));\n\t\tconsume_skb(skb);\n"
                        "\t\tconsume_skb(again);\n\t}\n\tif (packets)",
                        "e1000_test|test_one_copy_and"),
    "reader_never_woken": ("net/core/sock.c", "static void sock_def_wakeup(struct sock *sk)\n{\n\twake_up(&sk->sk_wq);",
                           "static void sock_def_wakeup(struct sock *sk)\n{\n\t(void)sk;", "sock_test|tcp_wire_test|test_one_copy_in"),
    "ring_off_by_one": ("drivers/net/e1000/e1000.h", "next_to_clean - next_to_use - 1;", "next_to_clean - next_to_use;",
                        "e1000_test|test_tiny_ring"),
    "frames_not_padded": ("drivers/net/e1000/e1000_tx.c", "skb_padto(skb, ETH_ZLEN)", "skb_padto(skb, 42)", "test_frames|e1000_test"),
    "loss_timer_not_armed": ("net/tcp/tcp_rtx_queue.c", "tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, tcp_rto_ns(tp));",
                             "tcp_clear_xmit_timer(sk);", "tcp_wire_test|test_bad_wire.send-drop-2"),
    "wrong_mss_announced": ("net/tcp/tcp_options.c", "put_unaligned_be16(mss, p + 2)", "put_unaligned_be16((u16)(mss - 60), p + 2)",
                            "test_frames|test_tshark|tcp_pure_test"),
    "payload_copied_twice": ("net/tcp/tcp_output.c", "return skb_shared_data(orig) ? pskb_copy(orig, MAX_TCP_HEADER) : skb_clone(orig);",
                             "return pskb_copy(orig, MAX_TCP_HEADER);", "test_one_copy_and"),
    "doorbell_for_each_frame": ("drivers/net/e1000/e1000_tx.c", "netdev_defer_doorbell(", "e1000_doorbell(", "e1000_test|test_one_copy_and"),
    "arp_answers_for_everybody": ("net/neigh/arp.c", "bool for_us = inet_dev_has_addr(dev, arp->ar_tip);", "bool for_us = true;", "arp_test"),
    "data_left_executable": ("kernel/x86/paging.c", "x86_features.nx ? PTE_NX : 0", "0", "test_crash"),
}


def noticed(name, tree):
    """Applies one breakage in @tree, runs the tests, and gives their closing line and the failures; None when all passed."""
    path, old, new, pattern = BREAKAGES[name]
    target = tree / path
    text = target.read_text()
    if old not in text:
        return f"{path}: what it should break is no longer there"
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


def main():
    names = sys.argv[1:] or list(BREAKAGES)
    unknown = [n for n in names if n not in BREAKAGES]
    if unknown:
        print(f"{', '.join(unknown)}: no such breakage; there are {', '.join(BREAKAGES)}")
        return 2
    missed = 0
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "doorbell"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", "*.pcap", "test"), symlinks=True)
        for name in names:
            what = noticed(name, tree)
            missed += what is None
            print(f"{'NOT NOTICED' if what is None else 'noticed'}  {name}: {what or 'every test passed'}", flush=True)
    print(f"{len(names) - missed} of {len(names)} breakages were noticed")
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
