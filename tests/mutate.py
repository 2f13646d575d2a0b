#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Do the tests bite, asked at random? Changes one line at a time in a copy of the tree and runs the laboratory on it.

    tests/mutate.py [COUNT [SEED]]       (50, 1); the same seed makes the same changes to the same tree

A change is one operator on one line of net/ or drivers/: a comparison, a sign, a connective, a constant, a negation, a returned
value, a statement left out. Assertions and log lines are left alone: changing them changes no behaviour. What does not compile
is no change and is drawn again. A change is caught when a suite fails; the suites run in the order of their cost. The rest are
survivors and are printed: each is a test that is missing, or a change that makes no difference.

Not part of make test. Interface: mutants(text, rng) for the test of this script.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("net", "drivers")
PROGRAM_LIMIT, SUITE_LIMIT = 60, 400  # seconds; a change that makes a test hang is caught by it
LEFT_ALONE = re.compile(r"\b(BUG_ON|BUG|ALWAYS|NEVER|testcase|static_assert|pr_\w+|net_ratelimited|TCP_SYSCTL)\b")
# name: (what it looks for, what it makes of the match)
OPERATORS = {
    "comparison": (re.compile(r" (<=|>=|<|>|==|!=) "), lambda m: " %s " % {
        "<=": "<", ">=": ">", "<": "<=", ">": ">=", "==": "!=", "!=": "=="}[m[1]]),
    "connective": (re.compile(r" (&&|\|\|) ?"), lambda m: " || " if m[1] == "&&" else " && "),
    "sign": (re.compile(r" ([+-]) "), lambda m: " - " if m[1] == "+" else " + "),
    "step": (re.compile(r"(\+\+|--|\+=|-=)"), lambda m: {"++": "--", "--": "++", "+=": "-=", "-=": "+="}[m[1]]),
    "bits": (re.compile(r" (&|\|) (?!$)"), lambda m: " | " if m[1] == "&" else " & "),
    "shift": (re.compile(r" (<<|>>) "), lambda m: " >> " if m[1] == "<<" else " << "),
    "constant": (re.compile(r"(?<![\w.\"%])(\d+)(?=[ ,;)\]])"), lambda m: str(int(m[1]) + 1)),
    "truth": (re.compile(r"\b(true|false)\b"), lambda m: "false" if m[1] == "true" else "true"),
    "negation": (re.compile(r"!(?=[\w(])"), lambda m: ""),
    "condition": (re.compile(r"\bif \((?=.*\)$)(.*)\)$"), lambda m: f"if (!({m[1]}))"),
    "result": (re.compile(r"\breturn (?!0;|NULL;|false;)[^;]+;"), lambda m: "return 0;"),
    "statement": (re.compile(r"^(\t+)((?!return|goto|break|continue|case)[\w>*(][^=;{}]*\([^;]*\)|[\w>.*\[\]-]+ [+|&-]?= [^;]+);$"),
                  lambda m: m[1] + ";"),
}


def mutants(text, rng):
    """Every change of one line that the operators know, in a seeded order: (line number, operator, new line)."""
    found, inside, comment = [], False, False
    for number, line in enumerate(text.splitlines()):
        if line == "{":
            inside = True
        elif line == "}":
            inside = False
        starts = line.lstrip().startswith("/*")
        comment = comment or starts
        if inside and not comment and not LEFT_ALONE.search(line) and not line.lstrip().startswith(("#", "//")):
            code, _, tail = line.partition("/*")
            for name, (pattern, change) in OPERATORS.items():
                for match in pattern.finditer(code.rstrip() if not tail else code):
                    new = code[:match.start()] + change(match) + code[match.end():]
                    if new.rstrip() != code.rstrip():
                        found.append((number, name, new + (f"/*{tail}" if tail else "")))
        if comment and "*/" in line:
            comment = False
    rng.shuffle(found)
    return found


def draw(rng, texts):
    """One change: a line at random over all lines that can be changed, then one of its changes."""
    while True:
        name = rng.choices(list(texts), weights=[len(t.splitlines()) for t in texts.values()])[0]
        lines = {}
        for number, operator, new in mutants(texts[name], rng):
            lines.setdefault(number, []).append((operator, new))
        if lines:
            number = rng.choice(sorted(lines))
            operator, new = lines[number][0]
            return name, number, operator, new


class Laboratory:
    """The copy of the tree and the suites that run in it."""

    # Name, program, environment: the laboratory's suites without the lists that make test adds.
    SUITES = [
        ("conformance", ["tests/conformance/run", "--asan"], {}),
        ("torture", ["tests/torture/run", "--test"], {}),
        ("sim", ["tests/sim/run"], {"SEEDS": "300"}),
    ]

    def __init__(self, tree):
        self.tree = tree
        self.suites = [self.unit] + [lambda s=s: self.suite(*s) for s in self.SUITES]

    def make(self, goal):
        words = ["make", "--no-print-directory", f"-j{os.cpu_count()}", "FLAVOUR=asan", "WARN=-w", goal]
        return self.run(words, SUITE_LIMIT)

    def run(self, words, limit, **env):
        """None when it went well; else what it said."""
        clean = {k: v for k, v in os.environ.items() if k not in ("T", "FULL") and not k.startswith("MAKE")}
        try:
            done = subprocess.run(words, cwd=self.tree, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  check=False, timeout=limit, env=clean | env, errors="replace")
        except subprocess.TimeoutExpired:
            return f"{words[0]}: hangs"
        return None if done.returncode == 0 else done.stdout or f"{words[0]} ended with {done.returncode}"

    def unit(self):
        programs = [self.tree / "build/host/asan/unit" / s.relative_to(self.tree / "tests/unit").with_suffix("")
                    for s in sorted((self.tree / "tests/unit").rglob("*_test.c"))]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for program, said in zip(programs, pool.map(lambda p: self.run([str(p)], PROGRAM_LIMIT), programs)):
                if said:
                    bad = re.findall(r"^not ok (\S+)", said, re.M)[:1] or re.findall(r"^begin (\S+)", said, re.M)[-1:]
                    return f"unit/{program.name}/{bad[0] if bad else 'ended'}"
        return None

    def suite(self, name, words, env):
        said = self.run(words, SUITE_LIMIT, **env)
        if said is None:
            return None
        bad = re.search(r"^not ok (\S+)|seed[ =](\d+)", said, re.M)
        return f"{name}/{(bad[1] or bad[2]) if bad else 'ended'}"

    def judge(self):
        """Who caught it; "" nobody; None it does not compile."""
        if self.make("unit"):
            return None
        for suite in self.suites:
            who = suite()
            if who:
                return who
        return ""


def main(argv):
    if len(argv) > 3 or not all(word.isdecimal() for word in argv[1:]):
        print(f"{' '.join(argv[1:])}: usage: tests/mutate.py [COUNT [SEED]]")
        return 2
    count = int(argv[1]) if len(argv) > 1 else 50
    rng = random.Random(int(argv[2]) if len(argv) > 2 else 1)
    texts = {str(p.relative_to(ROOT)): p.read_text() for f in FOLDERS for p in sorted((ROOT / f).rglob("*.c"))}
    survivors, done, start = [], 0, time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "doorbell"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", "*.pcap", "test", "coverage"), symlinks=True)
        lab = Laboratory(tree)
        if lab.make("unit") or (who := lab.judge()):
            print(f"the tree itself does not pass: {who}")
            return 2
        while done < count:
            name, number, operator, new = draw(rng, texts)
            lines = texts[name].splitlines()
            old, lines[number] = lines[number], new
            (tree / name).write_text("\n".join(lines) + "\n")
            who = lab.judge()
            (tree / name).write_text(texts[name])
            if who is None:
                continue
            done += 1
            print(f"{who or 'SURVIVED':40} {name}:{number + 1} {operator}: {old.strip()}  ->  {new.strip()}", flush=True)
            if not who:
                survivors.append((name, number + 1, operator, old.strip(), new.strip()))
    print(f"{count - len(survivors)} of {count} changes were caught ({100 * (count - len(survivors)) // count} %), "
          f"{time.monotonic() - start:.0f} s")
    return 0 if len(survivors) * 5 <= count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
