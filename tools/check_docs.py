# SPDX-License-Identifier: MIT
"""Every public function says what it does, in which context it may run, what it returns and who owns what afterwards.

A public function of kernel/, net/ or drivers/ is one that is not static; its definition follows a kernel-doc comment that
 - starts with "name() - ",
 - has a "Context:" that names process, softirq, hardirq, BH off, IF=0, boot, the owner or any,
 - unless it returns void, has a "Return:" that names each errno the function's own text returns (-EINVAL),
 - says what becomes of each packet it is given (Consumes, consumed, Borrows, Owns, stays, the caller's, a reference),
 - says whose the object is that it returns: a packet, socket, device, route, neighbour, file, or memory (void *).

Interface: check() -> list of complaints; complaints(text) -> (line, name, what is missing) of one file's text.
"""
import re

from check_complexity import strip
from settings import ROOT

# A definition: something at the left margin, a name, parameters, then { at the left margin.
DEFINITION = re.compile(r"^(?P<type>[A-Za-z_][\w \t*()]*?[ *])(?P<name>\w+)\((?P<args>[^;{}]*)\)(?P<tail>[^;{}]*)\n\{", re.M)
NOT_A_TYPE = re.compile(r"\b(static|typedef|struct \w+ =|return|else|extern)\b")
CONTEXT = re.compile(r"Context:[^.]*?\b(process|softirq|hardirq|any|BH|bottom halves|IF=0|boot|owner|owned|exception|fault)\b")
OWNERSHIP = re.compile(r"\bOwns:|\b([Cc]onsume[sd]?|[Bb]orrow(s|ed)?|owned|stays|caller's|caller owns|references?|counted|static)\b")
PACKET = re.compile(r"(?<!const )struct sk_buff \*")
OBJECT = re.compile(r"struct (sk_buff|sock|sock_common|net_device|dst_entry|rtable|neighbour|Qdisc|net|file|thread|kmem_cache) \*|void \*")
ERRNO = re.compile(r"(?<![=!]= )(?<!case )-(E[A-Z0-9]{2,})\b")


def comment_before(text, at):
    """The comment that ends right before position @at (only blank space between), or ''."""
    head = text[:at].rstrip()
    if not head.endswith("*/"):
        return ""
    return head[head.rfind("/*"):]


def functions(text):
    for match in DEFINITION.finditer(text):
        if not NOT_A_TYPE.search(match["type"]) and not match["name"].isupper():
            yield match


def missing(match, comment, body):
    """What the comment of one function does not say."""
    if not comment.startswith("/**"):
        return ["no kernel-doc comment"]
    name, kind, bad = match["name"], match["type"].replace("__noreturn", "").replace("__cold", "").strip(), []
    if not re.search(rf"\b{name}\(\)", comment):
        bad.append("its comment does not name it")
    if not CONTEXT.search(comment):
        bad.append("no Context:, or none that the house knows")
    answer = re.search(r"\bReturns?:(.*)", comment, re.S)
    if kind != "void":
        if not answer:
            bad.append("no Return:")
        unsaid = sorted({e for e in ERRNO.findall(body) if not answer or e not in answer[1]})
        bad += [f"Return: does not name -{e}" for e in unsaid]
    if PACKET.search(match["args"]) and not OWNERSHIP.search(comment):
        bad.append("does not say what becomes of the packet (Consumes:, Borrows: ...)")
    if OBJECT.match(kind.replace("const ", "")) and not OWNERSHIP.search(comment):
        bad.append("does not say whose the returned object is")
    return bad


def complaints(text):
    bare = strip(text)
    for match in functions(text):
        body = bare[match.end():bare.find("\n}", match.end())]
        for what in missing(match, comment_before(text, match.start()), body):
            yield text.count("\n", 0, match.start()) + 1, match["name"], what


def check():
    bad, count = [], 0
    for folder in ("kernel", "net", "drivers"):
        for path in sorted((ROOT / folder).rglob("*.c")):
            text = path.read_text()
            count += sum(1 for _ in functions(text))
            bad += [f"{path.relative_to(ROOT)}:{line}: {name}(): {what}" for line, name, what in complaints(text)]
    print(f"{count} public functions, {len({b.split(': ')[1] for b in bad})} of them with a gap in their comment")
    return bad
