# SPDX-License-Identifier: MIT
"""The checks find what they are there to find: each is shown a fault."""
import check_docs
import check_layers
import check_tidy
from conftest import ROOT


def test_circle():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"d"}}
    assert check_layers.circles(graph) == [["a", "b", "c"]]
    graph["c"] = {"d"}
    assert check_layers.circles(graph) == []


def test_include_table():
    def verdict(name, public, private=None):
        return check_layers.refused(name, ROOT / name, public, private)

    assert verdict("net/tcp/tcp.c", "net/skbuff.h") is None
    assert verdict("net/tcp/tcp.c", "net/netdevice.h")
    assert verdict("net/core/skbuff.c", "net/tcp.h")
    assert verdict("kernel/timer.c", "net/sock.h")
    assert verdict("drivers/net/e1000/e1000_tx.c", "net/ip.h")
    assert verdict("kernel/x86/clock.c", "kernel/softirq.h")
    assert verdict("net/ipv4/ip_output.c", "kernel/arch.h")
    assert verdict("apps/send.c", "kernel/printk.h")
    assert verdict("apps/send.c", "sys/socket.h") is None
    assert verdict("net/tcp/tcp.c", "stdio.h")
    assert verdict("net/tcp/tcp.c", None, "../core/secret.h")


def test_documentation():
    found = [m["name"] for m in check_docs.functions(
        "static int hidden(int a)\n{\n}\nint seen(int a,\n\t int b)\n{\n}\nstruct sk_buff *also(void)\n{\n}\n")]
    assert found == ["seen", "also"]


def test_long_function():
    body = "int f(void)\n{\n" + "\tx();\n" * 101 + "}\n"
    assert len(list(check_tidy.long_functions("f.c", body))) == 1
    assert not list(check_tidy.long_functions("f.c", body.replace("\tx();\n", "", 1)))
