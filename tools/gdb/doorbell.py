# SPDX-License-Identifier: MIT
"""For gdb (make debug prints the line that loads this): what lies behind the pointers of the transmit path.

    skb EXPR       one sk_buff: geometry, length, owner, the first bytes
    skbq EXPR      every sk_buff of a queue (struct sk_buff_head)
"""
import gdb


def value(words):
    found = gdb.parse_and_eval(words)
    return found if found.type.code == gdb.TYPE_CODE_PTR else found.address


def describe(skb):
    head, data, tail, end = (int(skb[name]) for name in ("head", "data", "tail", "end"))
    print(f"skb {int(skb):#x} len {int(skb['len'])} (data_len {int(skb['data_len'])}) truesize {int(skb['truesize'])} "
          f"users {int(skb['users'])} cloned {int(skb['cloned'])} id {int(skb['id'])}")
    print(f"  head {head:#x} +{data - head} data +{tail - data} tail +{end - tail} end; sk {int(skb['sk']):#x}")
    length = min(tail - data, 64)
    if length > 0:
        raw = bytes(gdb.selected_inferior().read_memory(data, length))
        for at in range(0, length, 16):
            print("  " + raw[at:at + 16].hex(" "))


class Skb(gdb.Command):
    """skb EXPR: one sk_buff."""

    def __init__(self):
        super().__init__("skb", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        describe(value(argument).cast(gdb.lookup_type("struct sk_buff").pointer()))


class SkbQueue(gdb.Command):
    """skbq EXPR: every sk_buff of a queue."""

    def __init__(self):
        super().__init__("skbq", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        queue = value(argument)
        kind = gdb.lookup_type("struct sk_buff").pointer()
        skb = queue["next"].cast(kind)
        count = 0
        while int(skb) and int(skb) != int(queue):
            describe(skb)
            count += 1
            skb = skb["next"]
        print(f"{count} in the queue")


Skb()
SkbQueue()
