# SPDX-License-Identifier: MIT
"""Execution contexts: clang's thread-safety analysis over every source, by the contracts of include/lib/capability.h.

It complains about a function that needs bottom halves off (or interrupts off, or a hardirq) called where they are on, about
a call that may sleep where they are off, about a way out of a function that forgets to give back what it took, and about
a function that calls what may sleep without saying __may_sleep itself. The contract also has to agree with the Context:
in the comment of each public function: neither says what the other does not.

clang's build of the kernel asks the same (Makefile, CONTEXTS): what make has compiled since it changed has passed.

Interface: check() -> list of complaints; analyse(names) -> complaints about these files; contracts() -> functions with one;
disagreement(context, contract) -> what comment and contract do not both say.
"""
import re
import subprocess

import build
import check_docs
from check_complexity import strip
from check_layers import source_of
from settings import ROOT, Failure, Settings

FOLDERS = ("boot", "kernel", "net", "drivers")
FLAGS = ["-std=gnu11", "-ffreestanding", "-fno-common", "-DSLAB_DEBUG=0", "-Iinclude", "-Ikernel/x86/include",
         "--target=x86_64-unknown-none-elf", "-mgeneral-regs-only", "-fsyntax-only", "-fno-caret-diagnostics",
         "-Wthread-safety", "-Werror=thread-safety"]
CONTRACT = re.compile(r"\b__(?:needs\([^)]*\)|takes\([^)]*\)|gives\([^)]*\)|may_sleep)")
DECLARED = re.compile(r"\b(\w+)\([^;{}]*?\)((?:\s+__\w+(?:\([^()]*\))?)+)\s*[;{]")
# How a Context: begins that allows nothing but bottom halves off, or nothing but interrupts off.
BH_OFF = re.compile(r"BH off(?!,? or)|owner, BH off|process with BH off|"
                    r"softirq(?=$|[.;]|, (?:BH off|sock owned|in the poll)|, or (?:process with )?BH off)")
IRQS_OFF = re.compile(r"(any, |hardirq, )?IF=0")
ASSEMBLY = {"irq_entry", "fault_entry"}  # entered by vectors.asm, where nobody checks


def analyse(names):
    done = subprocess.run(["clang", *FLAGS, *names], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    lines = [line for line in done.stdout.splitlines() if re.search(r"\b(error|warning): ", line)]
    return lines or ([done.stdout.strip() or f"clang ended with {done.returncode}"] if done.returncode else [])


def contracts():
    """Function -> its contracts, from prototypes and definitions, in words."""
    found = {}
    for folder in (*FOLDERS, "include"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            for name, words in DECLARED.findall(strip(path.read_text())):
                found.setdefault(name, set()).update(CONTRACT.findall(words))
    return {name: " ".join(sorted(words)) for name, words in found.items() if words}


def disagreement(context, contract):
    """What the words of a Context: and the contract of the same function do not both say; '' when they agree."""
    if bool(BH_OFF.match(context)) != ("needs(softirq_ctx" in contract):
        return "bottom halves"
    if IRQS_OFF.match(context) and "irqs_off" not in contract:
        return "interrupts"
    if "__may_sleep" in contract and not context.startswith(("process", "owner", "boot")):
        return "sleeping"
    if re.search(r"\bmay sleep|sleeps\b", context) and "__may_sleep" not in contract and "never" not in context:
        return "sleeping"
    return ""


def comments(known):
    """Complaints about public functions whose comment and contract disagree."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.c")):
            text = path.read_text()
            for match in check_docs.functions(text):
                words = re.search(r"Context:\s*(.*?)(?:\.\s|\.$|\n \* Return|\*/)", check_docs.comment_before(text, match.start()), re.S)
                name, context = match["name"], re.sub(r"\s+\*?\s*", " ", words[1]).strip() if words else ""
                what = disagreement(context, known.get(name, ""))
                if context and what and name not in ASSEMBLY:
                    yield f"{path.relative_to(ROOT)}: {name}(): Context: {context}, but {known.get(name) or 'no contract'} ({what})"


def compiled():
    """The sources of clang's build, which is brought up to date."""
    settings = Settings(cc="clang")
    build.make("objects", settings)
    return {source_of(name) for name in (ROOT / settings.build_dir / "objects").read_text().split()}


def check():
    names = [str(p.relative_to(ROOT)) for f in FOLDERS for p in sorted((ROOT / f).rglob("*.c"))]
    try:
        passed = compiled()
    except Failure as e:
        return [str(e)]
    left = [name for name in names if name not in passed]
    bad = analyse(left) if left else []
    known = contracts()
    kinds = [word for words in known.values() for word in CONTRACT.findall(words)]
    print(f"{len(names)} files, {len(known)} functions with a contract: " +
          ", ".join(f"{kinds.count(k)} {k}" for k in sorted(set(kinds), key=lambda k: -kinds.count(k))[:6]))
    return sorted(set(bad)) + list(comments(known))
