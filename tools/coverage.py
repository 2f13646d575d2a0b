#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Which lines and branches the laboratory's programs reach: a page, a table, a verdict (make coverage).

    tools/coverage.py       builds FLAVOUR=cov, runs every suite of SUITES, reports; T=regex: only suites or programs
                            whose name matches (then the gate is shown, but does not decide)
    tools/coverage.py check re-reads the last run's counts: after a change of the list of reasons

Result: build/coverage/index.html (a page for each file), build/coverage/summary.txt (each file, each folder, the gate).
Exit status 1: a program failed, the gate is missed, or a testcase() saw only one side.

What counts. Every line and every branch of net/, drivers/ and kernel/ (inline functions of their own headers too; not
kernel/x86, which is not part of the host build), at -O0, so that no branch is folded away. Only the failing side of an
assertion does not count, in three ways:
- BUG_ON(), might_sleep() and the context assertions are statements: the branches of their lines are left out;
- BUG(); stands where nobody comes: its line is left out;
- ALWAYS() and NEVER() are evaluated, asserted and then constant under -DCOVERAGE (include/lib/bug.h), so the code behind
  the impossible side is not there to be missed. They must stand alone in their if (): a line that mixes them with
  another condition would hide that one and is refused.
Nothing else is left out: there are no exclusion markers in the sources, and they are refused.

The gate: net/ and drivers/ together at least 90 % of lines and 80 % of branches; each of their files as well, or it is
listed with its reason in tools/coverage_reasons.txt ("path: reason"). A listed file that meets the gate has to leave the
list. Every testcase() in them is reached from both sides.
"""
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import build  # noqa: E402
from settings import ROOT, Failure, Settings  # noqa: E402

HOST = Path("build/host/cov")
OUT = Path("build/coverage")
REASONS = Path("tools/coverage_reasons.txt")
GATED, FOLDERS = ("net", "drivers"), ("net", "drivers", "kernel")
LEAST_LINES, LEAST_BRANCHES = 90.0, 80.0
LIMIT = 300  # seconds for one program
SEEDS = 300  # of the simulator
ASSERTIONS = r"^\s*((BUG_ON|might_sleep|assert_\w+)\(|(\} else )?if \((ALWAYS|NEVER)\()"
NOBODY_COMES = r"^\s*BUG\(\);"
ALONE = re.compile(r"^\s*(\} else )?if \((ALWAYS|NEVER)\(.*\)\)( \{)?$")


@dataclass
class Suite:
    """Programs of the cov flavour: built by a goal of the Makefile, found by a pattern, run with these arguments."""

    name: str
    goal: str
    programs: str  # below build/host/cov, or a script of the tree; {} in an argument: the fuzz target's name
    args: list = field(default_factory=list)
    source: str = "Makefile"  # the suite exists when this does
    env: dict = field(default_factory=dict)


# A further program is one more line here.
SUITES = [
    Suite("unit", "unit", "unit/**/*_test"),
    Suite("conformance", "hostlib", "tests/conformance/run", ["--flavour", "cov"], source="tests/conformance"),
    Suite("sim", "simulator", "sim", [f"1-{SEEDS}"], source="tests/sim"),
    Suite("torture", "torture", "torture", source="tests/torture"),
    Suite("fuzz", "fuzzers", "fuzz_*", ["build/fuzz/seeds/{}", "build/fuzz/regressions/{}"], source="tests/fuzz"),
]


def commands(suite):
    """[(name, argv)]; unit tests whose source is gone are not run."""
    if suite.programs.startswith("tests/"):
        return [(suite.name, [suite.programs, *suite.args])]
    found = [p for p in sorted((ROOT / HOST).glob(suite.programs)) if p.is_file() and os.access(p, os.X_OK)]
    if suite.name == "unit":
        found = [p for p in found if (ROOT / "tests/unit" / p.relative_to(ROOT / HOST / "unit")).with_suffix(".c").exists()]
    return [(f"{suite.name}/{p.name}", [str(p), *(a.format(p.name.removeprefix("fuzz_")) for a in suite.args)]) for p in found]


def fuzz_inputs():
    """The inputs that are known, as files where the fuzz suite has them: what was written by hand and what was found."""
    loader = SourceFileLoader("fuzz_run", str(ROOT / "tests/fuzz/run"))
    fuzz = module_from_spec(spec_from_loader("fuzz_run", loader))
    loader.exec_module(fuzz)
    for name in fuzz.targets():
        fuzz.seed_folder(name)
        fuzz.regression_folder(name)


def run_one(job):
    """Gives (name, text of a failure or None)."""
    name, argv, env = job
    clean = {k: v for k, v in os.environ.items() if k not in ("T", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        done = subprocess.run(argv, cwd=ROOT, text=True, errors="replace", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=LIMIT, env=clean | env)
    except subprocess.TimeoutExpired:
        return name, f"time limit of {LIMIT} s"
    if done.returncode == 0:
        return name, None
    bad = [line for line in done.stdout.splitlines() if not line.startswith("ok ")]
    return name, "\n".join(bad[-20:]) or f"ended with {done.returncode}"


def run_suites(pattern):
    """Builds and runs what matches; True when all went well."""
    settings = Settings.from_environment()
    settings.cc, settings.debug = "gcc", False  # gcov reads gcc's counts
    jobs = []
    for suite in SUITES:
        if not (ROOT / suite.source).exists():
            continue
        if pattern and not re.search(pattern, suite.name) and suite.name != "unit":
            continue
        build.make(suite.goal, settings, FLAVOUR="cov")
        if suite.name == "fuzz":
            fuzz_inputs()
        jobs += [(name, argv, suite.env) for name, argv in commands(suite) if not pattern or re.search(pattern, name)]
    if not jobs:
        raise Failure(f"no suite or program matches T={pattern}", 1)
    for old in (ROOT / HOST).rglob("*.gcda"):
        old.unlink()
    start, good = time.monotonic(), True
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, text in pool.map(run_one, jobs):
            if text is not None:
                good = False
                print(f"FAILED  {name}\n" + "\n".join(f"        {line}" for line in text.splitlines()), flush=True)
    print(f"{len(jobs)} programs in {time.monotonic() - start:.0f} s", flush=True)
    return good


# --- Counts ---------------------------------------------------------------------------------------------------------------
def gcovr(*words):
    done = subprocess.run(["gcovr", f"-j{os.cpu_count()}", "--root", ".", *map(str, words)], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Failure(f"gcovr failed:\n{done.stdout.strip()}", 1)


def collect():
    """One reading of the counters, one page from it."""
    (ROOT / OUT).mkdir(parents=True, exist_ok=True)
    for old in [*(ROOT / OUT).glob("*.html"), *ROOT.glob("*.gcov")]:  # the latter: of a run that was interrupted
        old.unlink()
    filters = [word for f in FOLDERS for word in ("--filter", f"{f}/")]
    gcovr("--object-directory", HOST / "obj", HOST / "obj", *filters, "--exclude-branches-by-pattern", ASSERTIONS,
          "--exclude-lines-by-pattern", NOBODY_COMES, "--json", OUT / "counts.json")
    gcovr("--add-tracefile", OUT / "counts.json", "--html-details", OUT / "index.html", "--html-title", "Doorbell",
          "--html-medium-threshold", LEAST_BRANCHES, "--html-high-threshold", LEAST_LINES)


@dataclass
class Count:
    lines: int = 0
    lines_hit: int = 0
    branches: int = 0
    branches_hit: int = 0

    def add(self, other):
        self.lines += other.lines
        self.lines_hit += other.lines_hit
        self.branches += other.branches
        self.branches_hit += other.branches_hit

    @property
    def line_rate(self):
        return 100.0 * self.lines_hit / self.lines if self.lines else 100.0

    @property
    def branch_rate(self):
        return 100.0 * self.branches_hit / self.branches if self.branches else 100.0

    @property
    def meets(self):
        return self.line_rate >= LEAST_LINES and self.branch_rate >= LEAST_BRANCHES

    def row(self, name):
        return (f"{name:44} {self.line_rate:5.1f} %  {self.lines_hit:5}/{self.lines:<5}  "
                f"{self.branch_rate:5.1f} %  {self.branches_hit:5}/{self.branches:<5}")


def count_file(entry):
    total = Count()
    for line in entry["lines"]:
        if line["gcovr/noncode"] or line.get("gcovr/excluded"):
            continue
        total.add(Count(1, line["count"] > 0, len(line["branches"]), sum(b["count"] > 0 for b in line["branches"])))
    return total


def one_sided(entry, text):
    """The testcase()s of a file that were met from one side only, or never."""
    lines = text.splitlines()
    for line in entry["lines"]:
        source = lines[line["line_number"] - 1] if line["line_number"] <= len(lines) else ""
        if re.match(r"\s*testcase\(", source) and not line["gcovr/noncode"]:
            hit = sum(b["count"] > 0 for b in line["branches"])
            if hit < len(line["branches"]) or not line["branches"]:
                yield f"{entry['file']}:{line['line_number']}: {source.strip()} was met from {hit} of its sides"


def misuse(name, text):
    """What would hide a branch from the count."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"GCOVR?_EXCL|LCOV_EXCL", line):
            yield f"{name}:{number}: exclusion markers are not for this tree: cover it, or say why not in {REASONS}"
        if re.search(r"\b(ALWAYS|NEVER)\(", line) and not ALONE.match(line):
            yield f"{name}:{number}: ALWAYS() and NEVER() stand alone in their if ()"


def read_reasons(text):
    """{path: reason} from the lines "path: reason"."""
    reasons = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            path, _, why = line.partition(":")
            if not why.strip():
                raise Failure(f"{REASONS}: {path}: no reason is given", 1)
            reasons[path.strip()] = why.strip()
    return reasons


def judge(files, reasons, complaints=()):
    """The gate. @files: {path: Count}. Returns what is wrong, in words."""
    wrong = list(complaints)
    gated = {path: c for path, c in files.items() if path.split("/")[0] in GATED}
    total = Count()
    for path, count in gated.items():
        total.add(count)
        if not count.meets and path not in reasons:
            wrong.append(f"{path}: {count.line_rate:.1f} % of lines, {count.branch_rate:.1f} % of branches, and no reason given")
        elif count.meets and path in reasons:
            wrong.append(f"{path}: meets the gate now: take it out of {REASONS}")
    wrong += [f"{path}: in {REASONS}, but there is no such file" for path in reasons if path not in gated]
    if not total.meets:
        wrong.append(f"{' and '.join(GATED)}: {total.line_rate:.1f} % of lines, {total.branch_rate:.1f} % of branches")
    return wrong


def by_folder(files):
    """{folder: Count}, the top folders with everything below them first."""
    sums = {}
    for path, count in files.items():
        for folder in {path.split("/")[0], str(Path(path).parent)}:
            sums.setdefault(folder, Count()).add(count)
    return dict(sorted(sums.items(), key=lambda item: (FOLDERS.index(item[0].split("/")[0]), item[0])))


def summary(files, reasons, wrong):
    """(short page, long page)"""
    head = f"{'':44} {'lines':>7}  {'':11}  {'branches':>8}"
    gated = Count()
    for path, count in files.items():
        if path.split("/")[0] in GATED:
            gated.add(count)
    folders = [c.row(f"{name}/") for name, c in by_folder(files).items()]
    listed = [f"{c.row(path)}\n    {reasons[path]}" for path, c in sorted(files.items()) if path in reasons]
    verdict = [f"gate: {line}" for line in wrong] or [f"gate: met ({LEAST_LINES:.0f} % of lines, {LEAST_BRANCHES:.0f} % of branches)"]
    short = [head, *folders, gated.row(f"gated: {' + '.join(GATED)}")]
    if listed:
        short += ["", "Below the gate, with reasons:", *listed]
    short += ["", *verdict]
    return "\n".join(short), "\n".join([head, *[c.row(path) for path, c in sorted(files.items())], "", *short, ""])


def report():
    entries = json.loads((ROOT / OUT / "counts.json").read_text(encoding="utf-8"))["files"]
    files, complaints = {}, []
    for entry in entries:
        text = (ROOT / entry["file"]).read_text(encoding="utf-8")
        files[entry["file"]] = count_file(entry)
        complaints += misuse(entry["file"], text)
        if entry["file"].split("/")[0] in GATED:
            complaints += one_sided(entry, text)
    reasons = read_reasons((ROOT / REASONS).read_text(encoding="utf-8") if (ROOT / REASONS).exists() else "")
    wrong = judge(files, reasons, complaints)
    short, long = summary(files, reasons, wrong)
    (ROOT / OUT / "summary.txt").write_text(long, encoding="utf-8")
    print(f"{short}\n{OUT}/index.html, {OUT}/summary.txt", flush=True)
    return not wrong


def main(argv):
    pattern = os.environ.get("T", "")
    good = True
    if argv[1:] != ["check"]:
        good = run_suites(pattern)
        collect()
    elif not (ROOT / OUT / "counts.json").exists():
        raise Failure("nothing was counted yet: make coverage", 1)
    met = report()
    return 0 if good and (met or pattern) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except Failure as failure:
        print(f"coverage: {failure}")
        sys.exit(failure.status)
