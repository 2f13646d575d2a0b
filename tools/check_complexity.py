# SPDX-License-Identifier: MIT
"""How long and how branchy each function is: McCabe's number, counted in the text.

One path, and one more for each if, for, while, case, list walk, && || and ?: in the function's own text; assertions branch
to nowhere and do not count. A function stays below 100 lines and at 20 or less; EXCEPTIONS names those that may have more,
each with its reason and its number, so that none grows unseen.

Interface: check() -> list of complaints; the table of all functions is written to build/complexity.txt. functions(text)
gives (name, line, lines, mccabe, assertions), strip(text) the text without comments and literals.
"""
import re

from settings import ROOT

FOLDERS = ("boot", "kernel", "net", "drivers", "include")
LINES_MAX, MCCABE_MAX = 100, 20
# name -> (most, why it is not split)
EXCEPTIONS = {}
LITERAL = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:.*\\\n)*.*$", re.M)
ASSERTION = re.compile(r"\b(BUG_ON|BUG|ALWAYS|NEVER|might_sleep|assert_\w+)\s*\(")
DECISION = re.compile(r"\b(?:if|for|while|case)\b|\b(?:list_for_each_entry|skb_queue_walk)\w*\s*\(|&&|\|\||\?")


def blank(match):
    return "".join(c if c == "\n" else " " for c in match.group())


def strip(text):
    """The text without comments, literals and directives; every line stays where it was."""
    return DIRECTIVE.sub(blank, LITERAL.sub(lambda m: '""' + blank(m)[2:] if m.group()[0] == '"' else blank(m), text))


def without_assertions(body):
    """@body with the arguments of assertions taken out."""
    out, at = [], 0
    for match in ASSERTION.finditer(body):
        if match.start() < at:
            continue
        depth, end = 1, match.end()
        while depth and end < len(body):
            depth += {"(": 1, ")": -1}.get(body[end], 0)
            end += 1
        out.append(body[at:match.start()])
        at = end
    return "".join(out) + body[at:]


def functions(text):
    """(name, line, lines, mccabe, assertions) of each function whose braces stand at the left margin."""
    text = strip(text)
    for match in re.finditer(r"^\{\n(.*?)^\}", text, re.M | re.S):
        head = re.search(r"(\w+)\s*\((?:[^(){}]|\([^(){}]*\))*\)[\s\w]*(?:\((?:[^(){}]|\([^(){}]*\))*\)\s*)*$",
                         text[text.rfind("}\n", 0, match.start()) + 1:match.start()])
        if not head:
            continue
        body = match.group(1)
        assertions = len(ASSERTION.findall(body))
        mccabe = 1 + len(DECISION.findall(without_assertions(body)))
        yield head.group(1), text.count("\n", 0, match.start()) + 1, body.count("\n"), mccabe, assertions


def census(folders=FOLDERS):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            for found in functions(path.read_text()):
                yield (str(path.relative_to(ROOT)), *found)


def judge(name, where, lines, mccabe):
    """Complaints about one function."""
    bad = []
    if lines >= LINES_MAX:
        bad.append(f"{where}: {name}() has {lines} lines (less than {LINES_MAX})")
    most = EXCEPTIONS.get(name, (MCCABE_MAX, ""))[0]
    if mccabe > most:
        bad.append(f"{where}: {name}() has a McCabe number of {mccabe} (at most {most})")
    return bad


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def conditionals():
    """#if, #ifdef and #ifndef per 1000 lines of C, header guards not counted."""
    count = lines = 0
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.[ch]"):
            text = path.read_text()
            lines += text.count("\n")
            count += len(re.findall(r"^\s*#\s*if", text, re.M)) - (path.suffix == ".h")
    return 1000 * count / lines


def check():
    rows = sorted(census(), key=lambda r: (-r[4], -r[3], r[1]))
    bad = [b for path, name, line, lines, mccabe, _ in rows for b in judge(name, f"{path}:{line}", lines, mccabe)]
    known = {r[1]: r[4] for r in rows}
    bad += [f"tools/check_complexity.py: {name} needs no exception (its number is {known.get(name, 'gone')})"
            for name, (most, _) in EXCEPTIONS.items() if known.get(name, 0) <= MCCABE_MAX or known[name] < most]
    table = [f"{mccabe:4} {lines:4} {asserts:4}  {name}  {path}:{line}" for path, name, line, lines, mccabe, asserts in rows]
    out = ROOT / "build/complexity.txt"
    out.parent.mkdir(exist_ok=True)
    out.write_text("\n".join(["McCabe, lines, assertions, function, place", *table, ""]))
    numbers, lengths = [r[4] for r in rows], [r[3] for r in rows]
    print(f"{len(rows)} functions; McCabe median {quantile(numbers, .5)}, p99 {quantile(numbers, .99)}, max {max(numbers)}; "
          f"lines median {quantile(lengths, .5)}, p90 {quantile(lengths, .9)}, max {max(lengths)}")
    print(f"{sum(r[5] for r in rows) / len(rows):.2f} assertions per function; {conditionals():.2f} #if per 1000 lines")
    print("\n".join(table[:10]))
    return bad
