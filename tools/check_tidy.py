# SPDX-License-Identifier: MIT
"""The small habits: licence line first, no long function, no #if in a .c file, nothing left to do, no path of a machine.

Interface: check() -> list of complaints.
"""
import re
import subprocess

from settings import ROOT

FUNCTION_LINES_MAX = 100
COLUMNS_MAX = 150  # of Python; clang-format keeps C at 100
SPDX = "SPDX-License-Identifier: MIT"
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|[Nn]ot (yet )?implemented")
MACHINE = re.compile(r"(?<![\w.])/(work|home|root|tmp)/\w")
ARTEFACTS = re.compile(r"\.(o|elf|iso|pcap|pyc|serial)$")
# Words and paths that these files must name to do their work.
ABOUT_THEMSELVES = {"tools/check_tidy.py"}


def tracked():
    """The files of the tree: git's list, with what is not yet added; all of them outside a checkout."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True, capture_output=True,
                          check=False)
    names = done.stdout.splitlines() if done.returncode == 0 else [
        str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file() and "build" not in p.relative_to(ROOT).parts]
    return sorted(n for n in set(names) if (ROOT / n).is_file())


def long_functions(name, text):
    start = None
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start - 1 > FUNCTION_LINES_MAX:
                yield f"{name}:{start}: a function of {number - start - 1} lines (at most {FUNCTION_LINES_MAX})"
            start = None


def check_file(name):
    bad = []
    if ARTEFACTS.search(name):
        return [f"{name}: a product of the build"]
    try:
        text = (ROOT / name).read_text()
    except UnicodeDecodeError:
        return [f"{name}: not text"]
    lines = text.splitlines()
    if name.endswith((".c", ".h", ".asm", ".py", ".sh", ".ld", "Makefile", ".yml")) and not any(SPDX in x for x in lines[:2]):
        bad.append(f"{name}:1: the licence line is missing")
    if text and not text.endswith("\n"):
        bad.append(f"{name}: no newline at the end")
    for number, line in enumerate(lines, 1):
        if name not in ABOUT_THEMSELVES:
            if LEFT_OVER.search(line):
                bad.append(f"{name}:{number}: something left to do: {line.strip()[:60]}")
            if MACHINE.search(line):
                bad.append(f"{name}:{number}: a path of one machine: {line.strip()[:60]}")
        if line != line.rstrip():
            bad.append(f"{name}:{number}: blank space at the end")
        if name.endswith(".c") and not name.startswith("tests/") and re.match(r"\s*#\s*(if|ifdef|ifndef)\b", line):
            bad.append(f"{name}:{number}: #if in a .c file")
        if name.endswith(".py") and len(line) > COLUMNS_MAX:
            bad.append(f"{name}:{number}: longer than {COLUMNS_MAX} columns")
    if name.endswith(".c"):
        bad += long_functions(name, text)
    return bad


def check():
    names = tracked()
    print(f"{len(names)} files")
    return [complaint for name in names for complaint in check_file(name)]
