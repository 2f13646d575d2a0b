# SPDX-License-Identifier: MIT
"""Every public function says what it does, in which context it may run and what it returns.

A public function of kernel/, net/ or drivers/ is one that is not static; its definition follows a kernel-doc comment that
starts with "name() - ", has a Context: line and, unless it returns void, a Return: line.

Interface: check() -> list of complaints.
"""
import re

from settings import ROOT

# A definition: something at the left margin, a name, parameters, then { at the left margin.
DEFINITION = re.compile(r"^(?P<type>[A-Za-z_][\w \t*()]*?[ *])(?P<name>\w+)\((?P<args>[^;{}]*)\)(?P<tail>[^;{}]*)\n\{", re.M)
NOT_A_TYPE = re.compile(r"\b(static|typedef|struct \w+ =|return|else|extern)\b")


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


def check():
    bad, count = [], 0
    for folder in ("kernel", "net", "drivers"):
        for path in sorted((ROOT / folder).rglob("*.c")):
            text = path.read_text()
            name = path.relative_to(ROOT)
            for match in functions(text):
                count += 1
                where = f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match['name']}()"
                comment = comment_before(text, match.start())
                returns = match["type"].replace("__noreturn", "").replace("__cold", "").strip() != "void"
                if not comment.startswith("/**"):
                    bad.append(f"{where}: no kernel-doc comment")
                    continue
                if not re.search(rf"\b{match['name']}\(\)", comment):
                    bad.append(f"{where}: its comment does not name it")
                if "Context:" not in comment:
                    bad.append(f"{where}: no Context:")
                if returns and not re.search(r"\bReturns?:", comment):
                    bad.append(f"{where}: no Return:")
    print(f"{count} public functions")
    return bad
