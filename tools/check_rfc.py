# SPDX-License-Identifier: MIT
"""docs/RFC.md against the tree: every requirement names functions and tests that exist.

The columns are: row | what must hold | clause | where | test; the entries are those of docs/PATH.md (check_path.py). GROUPS
says how many rows each group has. A row whose test cell begins with OPEN is not met yet and says what is missing.

Interface: check() -> list of complaints.
"""
import re

from check_path import SENTENCE_MIN, Tree, entries, test_complaint, where_complaint
from settings import ROOT

DOCUMENT = ROOT / "docs" / "RFC.md"
GROUPS = {"L": 8, "A": 12, "I": 22, "M": 10, "U": 9, "T": 19, "S": 20, "D": 15, "R": 23, "X": 12}
ROW = re.compile(r"^\| ([A-Z])(\d+) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$")
OPEN = "OPEN"


def row_complaints(tree, row, sentence, where, tests):
    if len(sentence) < SENTENCE_MIN:
        yield f"{row}: its sentence is missing"
    if tests.startswith(OPEN):
        return
    if not entries(where):
        yield f"{row}: no function"
    if not entries(tests):
        yield f"{row}: no test"
    for complaint in [where_complaint(tree, e) for e in entries(where)] + [test_complaint(tree, e) for e in entries(tests)]:
        if complaint:
            yield f"{row}: {complaint}"


def check():
    tree, seen, complaints, still_open = Tree(), {}, [], 0
    for line in DOCUMENT.read_text().splitlines():
        match = ROW.match(line)
        if not match:
            if re.match(r"^\| [A-Z]\d", line):
                complaints.append(f"not a row: {line[:60]}")
            continue
        group, number, sentence, _, where, tests = match.groups()
        seen.setdefault(group, []).append(int(number))
        still_open += tests.startswith(OPEN)
        complaints += row_complaints(tree, group + number, sentence, where, tests)
    for group, count in GROUPS.items():
        if seen.pop(group, []) != list(range(1, count + 1)):
            complaints.append(f"{group}: rows 1..{count} are wanted, each once and in order")
    complaints += [f"{group}: no such group" for group in seen]
    print(f"{sum(GROUPS.values())} rows, {still_open} of them open")
    return complaints
