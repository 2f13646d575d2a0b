# SPDX-License-Identifier: MIT
"""docs/PATH.md against the tree: every row of the transmit path names functions and tests that exist.

The document's tables have the columns: row | P | what happens | where | test. A row is A<stage>.<number>; the numbers of a
stage run from 1 without a gap, and STAGES says how many there are, so that no row can be lost. `where` holds FILE:FUNCTION
entries, `test` holds entries of four kinds, both separated by "; ":

    unit/net/tcp/tcp_output_test.c::NAME        a TEST or TEST_EACH of that file
    conformance/tcp/close/passive               a script
    boot/test_transfer.py::NAME                 a pytest function, or CLASS.NAME
    torture::NAME, sim::NAME, fuzz::NAME        a test of the laboratory, by a word that stands in its sources

Rows of priority 1 and 2 need both; a row of priority 3 may have "-" where nothing is to be run, its sentence saying why. A
row that begins with LATER in its sentence names the milestone that closes it.

The breakages that show that those tests bite (tests/breakages.py) are looked up too: none may have lost what it breaks, and
each row has one, or stands with the reason among those without (WITHOUT of tests/breakages_path.py).

Interface: check() -> list of complaints.
"""
import re
import runpy

from check_complexity import functions, strip
from settings import ROOT

DOCUMENT = ROOT / "docs" / "PATH.md"
# How many rows each stage has.
STAGES = {"A0": 8, "A1": 11, "A2": 10, "A3": 9, "A4": 12, "A5": 5, "A6": 8, "A7": 7, "A8": 10, "A9": 17, "A10": 3, "A11": 6,
          "A12": 6, "A13": 9, "A14": 10, "A15": 8, "A16": 5, "A17": 7, "A18": 8, "A19": 7, "A20": 4, "A21": 1, "A22": 10,
          "A23": 1}
ROW = re.compile(r"^\| (A\d+)\.(\d+) \| ([123]) \| (.*?) \| (.*?) \| (.*?) \|$")
LATER = "LATER ("
SENTENCE_MIN = 20  # characters: a word is no sentence


class Tree:
    """What the tree defines, read once per file."""

    def __init__(self):
        self.texts, self.names = {}, {}

    def text(self, path):
        if path not in self.texts:
            full = ROOT / path
            self.texts[path] = full.read_text() if full.is_file() else None
        return self.texts[path]

    def defines(self, path, name):
        """@path defines the function, system call, macro, table or structure @name."""
        if path not in self.names:
            text = self.text(path)
            plain = strip(text)
            found = {n for n, *_ in functions(text)}
            found |= {"sys_" + n for n in re.findall(r"SYSCALL_DEFINE\d\((\w+)", text)}
            found |= set(re.findall(r"^#define (\w+)", text, re.M))
            found |= set(re.findall(r"\b(?:struct|enum) (\w+) \{", plain))
            found |= set(re.findall(r"^(?:static )?(?:const )?(?:struct )?\w[\w ]*?\b(\w+)(?:\[\w*\])? = ", plain, re.M))
            found |= set(re.findall(r"^(\w+):", text, re.M)) if path.endswith((".asm", "Makefile")) else set()
            found |= set(re.findall(r"^def (\w+)", text, re.M)) if path.endswith(".py") else set()
            self.names[path] = found
        return name in self.names[path]


def where_complaint(tree, entry):
    path, _, name = entry.partition(":")
    if tree.text(path) is None:
        return f"{path}: no such file"
    if not name:
        return f"{entry}: FILE:FUNCTION is wanted"
    return None if tree.defines(path, name) else f"{path} does not define {name}"


def laboratory_complaint(tree, kind, name):
    folder = ROOT / "tests" / kind
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in ("", ".c", ".h", ".py")):
        text = tree.text(str(path.relative_to(ROOT)))
        if re.search(rf"\b{re.escape(name)}\b", text):
            return None
    return f"tests/{kind} has no {name}"


def test_complaint(tree, entry):
    if entry.startswith("conformance/"):
        return None if (ROOT / "tests" / (entry + ".script")).is_file() else f"tests/{entry}.script: no such script"
    place, _, name = entry.partition("::")
    if place in ("torture", "sim", "fuzz") and name:
        return laboratory_complaint(tree, place, name)
    text = tree.text(f"tests/{place}")
    if text is None:
        return f"tests/{place}: no such file"
    if place.startswith("unit/"):
        found = re.search(rf"\bTEST(?:_EACH)?\({re.escape(name)}[,)]", text)
    else:
        found = re.search(rf"^\s*def {re.escape(name.rpartition('.')[2])}\(", text, re.M)
    return None if name and found else f"tests/{place} has no test {name}"


def entries(cell):
    return [] if cell.strip() == "-" else [e.strip().strip("`") for e in cell.split(";")]


def row_complaints(tree, row, priority, sentence, where, tests):
    if len(sentence) < SENTENCE_MIN:
        yield f"{row}: its sentence is missing"
    if sentence.startswith(LATER):
        return
    if priority != "3" and not entries(where):
        yield f"{row}: no function"
    if priority != "3" and not entries(tests):
        yield f"{row}: no test"
    for entry in entries(where):
        complaint = where_complaint(tree, entry)
        if complaint:
            yield f"{row}: {complaint}"
    for entry in entries(tests):
        complaint = test_complaint(tree, entry)
        if complaint:
            yield f"{row}: {complaint}"


def stale_breakages(tree, tests_of):
    """What tests/breakages.py breaks must still be there, and a row's breakage be one for a test of that row."""
    known = runpy.run_path(str(ROOT / "tests" / "breakages.py"))
    for name, (path, old, *_) in known["BREAKAGES"].items():
        if old not in (tree.text(path) or ""):
            yield f"tests/breakages.py: {name}: {path} has no longer what it breaks"
    for row, (test, *edits) in known["ROWS"].items():
        if test not in entries(tests_of.get(row, "-")):
            yield f"tests/breakages_path.py: {row}: the document does not name {test} for it"
        for path, old, _ in edits:
            if (tree.text(path) or "").count(old) != 1:
                yield f"tests/breakages_path.py: {row}: {path} has not, or not once, what it breaks"


def missing_breakages(rows, broken, without):
    """Each of @rows has a breakage or a reason to have none, not both; no reason is left of a row that is gone."""
    for row in rows:
        if row not in broken and row not in without:
            yield f"tests/breakages_path.py: {row} has no breakage, nor stands in WITHOUT"
        if row in broken and row in without:
            yield f"tests/breakages_path.py: {row} has a breakage, and stands in WITHOUT"
    for row, why in without.items():
        if row not in rows or len(why) < SENTENCE_MIN:
            yield f"tests/breakages_path.py: WITHOUT: {row}: no such row, or no reason"


def check():
    tree, seen, tests_of, complaints = Tree(), {}, {}, []
    for line in DOCUMENT.read_text().splitlines():
        match = ROW.match(line)
        if not match:
            if re.match(r"^\| A\d", line):
                complaints.append(f"not a row: {line[:60]}")
            continue
        stage, number, priority, sentence, where, tests = match.groups()
        seen.setdefault(stage, []).append(int(number))
        tests_of[f"{stage}.{number}"] = tests
        complaints += row_complaints(tree, f"{stage}.{number}", priority, sentence, where, tests)
    for stage, count in STAGES.items():
        if seen.pop(stage, []) != list(range(1, count + 1)):
            complaints.append(f"{stage}: rows 1..{count} are wanted, each once and in order")
    complaints += [f"{stage}: no such stage" for stage in seen]
    complaints += stale_breakages(tree, tests_of)
    known = runpy.run_path(str(ROOT / "tests" / "breakages_path.py"))
    complaints += missing_breakages(tests_of, known["ROWS"], known["WITHOUT"])
    print(f"{sum(STAGES.values())} rows")
    return complaints
