# SPDX-License-Identifier: MIT
"""The checks find what they are there to find: each is shown a fault."""
import os
import subprocess

import check
import check_analyzer
import check_complexity
import check_contexts
import check_docs
import check_layers
import check_path
import check_repro
import check_sizes
import check_tidy
from conftest import ROOT


def test_circle():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"d"}}
    assert check_layers.circles(graph) == [["a", "b", "c"]]
    graph["c"] = {"d"}
    assert check_layers.circles(graph) == []


def test_path_rows():
    """A row of docs/PATH.md that names what is not there, or says nothing, is told."""
    tree = check_path.Tree()
    here, unit = "net/tcp/tcp_sendmsg.c:forced_push", "unit/net/tcp/tcp_output_test.c::forced_push"

    def told(sentence="What happens here, in a sentence", where=here, tests=unit, priority="1"):
        return list(check_path.row_complaints(tree, "A4.7", priority, sentence, where, tests))

    assert told() == []
    assert told(where="net/socket/socket.c:sys_sendto") == []
    assert told(where="net/tcp/tcp_sendmsg.c:gone") and told(where="net/tcp/gone.c:forced_push") and told(where="-")
    assert told(tests="unit/net/tcp/tcp_output_test.c::gone") and told(tests="conformance/tcp/gone") and told(tests="-")
    assert told(tests="boot/test_checks.py::test_path_rows; conformance/tcp/open/active; sim::census") == []
    assert told(tests="boot/test_checks.py::test_gone") and told(tests="sim::gone_for_good")
    assert told(sentence="too short")
    assert told(where="-", tests="-", priority="3") == []


def test_each_row_has_a_breakage():
    why = "because the card does it"

    def told(rows, broken, without):
        return list(check_path.missing_breakages(rows, broken, without))

    assert told(["A1.1", "A1.2"], ["A1.1"], {"A1.2": why}) == []
    assert told(["A1.1", "A1.2"], ["A1.1"], {})
    assert told(["A1.1"], ["A1.1"], {"A1.1": why})
    assert told(["A1.1"], ["A1.1"], {"A1.9": why}) and told(["A1.1"], [], {"A1.1": ""})


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


def test_public_functions_are_found():
    found = [m["name"] for m in check_docs.functions(
        "static int hidden(int a)\n{\n}\nint seen(int a,\n\t int b)\n{\n}\nstruct sk_buff *also(void)\n{\n}\n")]
    assert found == ["seen", "also"]


DOCUMENTED = """/**
 * take() - gives @skb to its queue.
 * Context: softirq. Consumes: @skb.
 * Return: 0; -ENOMEM.
 */
int take(struct sk_buff *skb)
{
\tif (push(skb) == -EAGAIN)
\t\treturn -ENOMEM;
\treturn 0;
}
"""


def test_documentation():
    def gaps(text):
        return [what for _, _, what in check_docs.complaints(text)]

    assert gaps(DOCUMENTED) == []
    assert gaps("int take(void)\n{\n}\n") == ["no kernel-doc comment"]
    assert "name it" in gaps(DOCUMENTED.replace("take() -", "give() -"))[0]
    assert "Context" in gaps(DOCUMENTED.replace("softirq", "somewhere"))[0]
    assert "packet" in gaps(DOCUMENTED.replace("Consumes: @skb", "Careful"))[0]
    assert gaps(DOCUMENTED.replace("; -ENOMEM.", "."))[0] == "Return: does not name -ENOMEM"
    assert "Return" in gaps(DOCUMENTED.replace("Return", "Gives"))[0]
    returns = DOCUMENTED.replace("int take(struct sk_buff *skb)", "void *take(int n)").replace("Consumes: @skb", "Careful")
    assert "returned object" in gaps(returns)[0]
    assert gaps(returns.replace("Return: 0;", "Return: the memory, the caller's; NULL;")) == []


FUNCTION = """int f(int a) /* if */
{
\tBUG_ON(a && a);
\tif (a || !a)
\t\treturn a ? 1 : '?'; // while
\tfor (;;)
\t\tputs("case if");
}
"""


def test_complexity():
    assert list(check_complexity.functions(FUNCTION)) == [("f", 2, 5, 5, 1)]
    assert check_complexity.judge("f", "f.c:1", 99, 20) == []
    assert "lines" in check_complexity.judge("f", "f.c:1", 100, 20)[0]
    assert "McCabe" in check_complexity.judge("f", "f.c:1", 99, 21)[0]


def test_sizes():
    wire = "struct hdr {\n\tu8 a;\n} __packed;\n"
    assert check_sizes.unasserted("include/wire/new.h", wire)
    assert check_sizes.unasserted("include/wire/new.h", wire + 'static_assert(sizeof(struct hdr) <= 1, "");\n')
    assert check_sizes.unasserted("include/wire/new.h", wire + 'static_assert(sizeof(struct hdr) == 1, "");\n') == []
    timer = (ROOT / "include/kernel/timer.h").read_text()
    assert check_sizes.unasserted("include/kernel/timer.h", timer) == []
    assert check_sizes.unasserted("include/kernel/timer.h", timer.replace("sizeof(struct timer)", "sizeof(struct other)"))


def test_sparse(tmp_path):
    def verdict(body):
        (tmp_path / "x.c").write_text(f"#include <kernel/io.h>\n#include <lib/byteorder.h>\n{body}\n")
        return check.sparse(str(tmp_path / "x.c"))

    assert verdict("u16 f(__be16 x);u16 f(__be16 x) { return ntohs(x); }") == []
    assert "base types" in verdict("u16 f(__be16 x);u16 f(__be16 x) { return x; }")[0]
    assert "degrades" in verdict("int f(__be32 x);int f(__be32 x) { return x == 1; }")[0]
    assert verdict("u32 f(u8 __iomem *p);u32 f(u8 __iomem *p) { return readl(p); }") == []
    assert verdict("u8 f(u8 __iomem *p);u8 f(u8 __iomem *p) { return *p; }")
    assert verdict("void *f(u8 __iomem *p);void *f(u8 __iomem *p) { return p; }")


def test_contexts(tmp_path):
    def verdict(body):
        (tmp_path / "x.c").write_text("#include <kernel/context.h>\n#include <kernel/softirq.h>\n#include <net/netdevice.h>\n"
                                      "#include <net/sock.h>\n" + body)
        return "\n".join(check_contexts.analyse([str(tmp_path / "x.c")]))

    off, on = "local_bh_disable();", "local_bh_enable();"
    assert verdict(f"void f(struct sk_buff *s) {{ {off} netif_receive_skb(s); {on} }}") == ""
    assert "'netif_receive_skb' requires" in verdict("void f(struct sk_buff *s) { netif_receive_skb(s); }")
    assert verdict("void f(void) __may_sleep { schedule(); }") == ""
    assert "'schedule' while context 'softirq_ctx' is held" in verdict(f"void f(void) __may_sleep {{ {off} schedule(); {on} }}")
    assert "'lock_sock' while" in verdict(f"void f(struct sock *sk) __may_sleep {{ {off} lock_sock(sk); {on} }}")
    assert "requires holding context 'process_ctx'" in verdict("void f(void) { schedule(); }")
    assert "not held on every path" in verdict(f"int f(int x) {{ {off} if (x) return 1; {on} return 0; }}")
    assert "'raise_softirq_irqoff' requires" in verdict("void f(void) { raise_softirq_irqoff(NET_TX_SOFTIRQ); }")
    irqs = "unsigned long flags = local_irq_save();"
    assert "'might_sleep' while" in verdict(f"void f(void) __may_sleep {{ {irqs} might_sleep(); local_irq_restore(flags); }}")
    assert "still held" in verdict(f"void f(void) {{ {irqs} }}")
    assert verdict("void f(struct sock *sk) __may_sleep { lock_sock(sk); sock_error(sk); release_sock(sk); }") == ""
    assert "'sk' is still held" in verdict("void f(struct sock *sk) __may_sleep { lock_sock(sk); }")
    assert "'sk_stream_error' requires holding sock 'sk'" in verdict("int f(struct sock *sk) { return sk_stream_error(sk, 1); }")
    assert "'timer_interrupt' requires" in verdict(f"void f(void) {{ {irqs} timer_interrupt(); local_irq_restore(flags); }}")


def test_contexts_of_the_build():
    """What the check leaves to clang's build is asked there, of every file."""
    words = ["make", "-n", "-B", "CC=clang", "objects"]
    done = subprocess.run(words, cwd=ROOT, text=True, capture_output=True, check=True,
                          env={k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"})
    compilers = [line for line in done.stdout.splitlines() if line.startswith("clang ")]
    assert len(compilers) > 150 and all("-Wthread-safety" in line and "-Werror" in line for line in compilers)


def test_comment_and_contract_agree():
    agree = check_contexts.disagreement
    assert agree("BH off", "__needs(softirq_ctx)") == agree("process, softirq", "") == agree("softirq", "__needs(softirq_ctx, sk)") == ""
    assert agree("BH off", "") == agree("process, softirq", "__needs(softirq_ctx)") == "bottom halves"
    assert agree("hardirq, IF=0", "") == "interrupts" and agree("hardirq, IF=0", "__needs(irqs_off)") == ""
    assert agree("softirq or process", "__may_sleep") == agree("process, may sleep", "") == "sleeping"
    assert check_contexts.contracts()["lock_sock"] == "__may_sleep __takes(sk)"


def test_analyzer(tmp_path):
    def verdict(body, cache=None):
        (tmp_path / "x.c").write_text("#include <net/sch_generic.h>\nint f(struct sk_buff *old, int x);\n"
                                      f"int f(struct sk_buff *old, int x)\n{{\n{body}\n}}\n")
        return "\n".join(what for _, what in check_analyzer.findings(str(tmp_path / "x.c"), cache))

    clean = "struct sk_buff *skb = alloc_skb(64); (void)old; (void)x; if (skb) consume_skb(skb); return 0;"
    assert verdict(clean) == ""
    assert "leak of 'skb'" in verdict(clean.replace("if (skb)", "if (x) return 1;"))
    assert "double-'kfree_skb_reason'" in verdict("kfree_skb_reason(old, SKB_DROP_REASON_NOMEM); if (x) "
                                                  "kfree_skb_reason(old, SKB_DROP_REASON_NOMEM); return 0;")
    assert "use after 'dev_queue_xmit' of 'old'" in verdict("dev_queue_xmit(old); return (int)old->len + x;")
    assert "should have been deallocated with" in verdict("void *p = kmalloc(9); (void)old; vfree(p); return x;")
    assert verdict("void *p = kmalloc(9); (void)old; kfree(p); return x;") == ""
    leaky = clean.replace("if (skb)", "if (x) return 1;")
    assert "leak" in verdict(leaky, tmp_path) and len(list(tmp_path.glob("*_x.c.*"))) == 1
    assert "leak" in verdict(leaky, tmp_path) and verdict(clean, tmp_path) == ""  # out of the cache; never stale


def test_repro(tmp_path):
    one, two = tmp_path / "one.elf", tmp_path / "two.elf"
    one.write_bytes(b"abcdef")
    two.write_bytes(b"abcdef")
    assert check_repro.difference(one, two) is None
    two.write_bytes(b"abcDef")
    assert "from byte 3" in check_repro.difference(one, two)
    two.write_bytes(b"abcdefg")
    assert "from byte 6" in check_repro.difference(one, two)


def test_header_stands_alone(tmp_path):
    (tmp_path / "x.h").write_text("struct a {\n\tu32 v;\n};\n")
    words = ["gcc", *check.FREESTANDING, "-fsyntax-only", "-x", "c", "-include", str(tmp_path / "x.h"), "/dev/null"]
    assert "u32" in check.tool(words)[0]
    (tmp_path / "x.h").write_text("#include <lib/types.h>\nstruct a {\n\tu32 v;\n};\n")
    assert check.tool(words) == []


def test_counts_that_softirqs_change_too_are_written_in_one_instruction(tmp_path):
    def verdict(statement):
        (tmp_path / "x.c").write_text("#include <net/sock.h>\nu32 f(struct sock *sk);\nu32 f(struct sock *sk)\n{\n\t" + statement + "\n"
                                      "\treturn sk->sk_wmem_alloc;\n}\n")
        return "\n".join(check.tool(["gcc", *check.FREESTANDING, "-fsyntax-only", str(tmp_path / "x.c")]))

    assert verdict("count_add(&sk->sk_wmem_alloc, 2);") == verdict("sock_set_flag(sk, SOCK_NOSPACE);") == ""
    for plain in ("sk->sk_wmem_alloc += 2;", "sk->sk_rmem_alloc = 0;", "sk->sk_refcnt++;", "sk->sk_drops++;", "sk->sk_flags |= 1;",
                  "sk->sk_dst_cache->refs--;"):
        assert "read-only" in verdict(plain), plain


def test_long_function():
    body = "int f(void)\n{\n" + "\tx();\n" * 101 + "}\n"
    assert len(list(check_tidy.long_functions("f.c", body))) == 1
    assert not list(check_tidy.long_functions("f.c", body.replace("\tx();\n", "", 1)))
