# SPDX-License-Identifier: MIT
"""One check by name, for `make check` and `make test`: CHECKS has the list, each function says what it looks for."""
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import build  # noqa: E402
import check_analyzer  # noqa: E402
import check_complexity  # noqa: E402
import check_contexts  # noqa: E402
import check_docs  # noqa: E402
import check_layers  # noqa: E402
import check_path  # noqa: E402
import check_rfc  # noqa: E402
import check_repro  # noqa: E402
import check_sizes  # noqa: E402
import check_tidy  # noqa: E402
from settings import ROOT, Failure, Settings  # noqa: E402

SOURCES = ("boot", "kernel", "net", "drivers")
FREESTANDING = ["-std=gnu11", "-ffreestanding", "-fno-common", "-DSLAB_DEBUG=0", "-Iinclude", "-Ikernel/x86/include"]


# cppcheck defines these as numbers by itself; here they are names of an enum.
OWN_NAMES = [f"-D{n}={n}" for n in ("SIGTERM", "SIGSEGV", "SIGINT", "SIGKILL", "SIGABRT", "SIGFPE", "SEEK_SET",
                                "SEEK_CUR", "SEEK_END")]


def files(folders, pattern):
    return [str(p.relative_to(ROOT)) for f in folders for p in sorted((ROOT / f).rglob(pattern))]


def tool(words):
    """What a tool complains about, when it fails."""
    done = subprocess.run(words, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return [done.stdout.strip() or f"{words[0]} ended with {done.returncode}"] if done.returncode else []


def parallel(commands):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [complaint for bad in pool.map(tool, commands) for complaint in bad]


def check_format():
    names = files([*SOURCES, "include", "apps", "tests"], "*.[ch]")
    print(f"{len(names)} files")
    return tool(["clang-format", "--dry-run", "-Werror", *names])


# The laboratory's C; tests/apps are applications.
TESTS = ("tests/host", "tests/unit", "tests/sim", "tests/fuzz", "tests/torture", "tests/conformance")
HOSTED = ["-std=gnu11", "-fno-builtin", "-DSLAB_DEBUG=1", "-Itests/host", "-Itests/host/include", "-Iinclude"]
# Tests do what nobody should (a byte too large for memset, an odd address out of malloc), include a .c file to reach what
# is static in it, and their CHECK macros are many statements.
TOLERATED = ",".join("-" + c for c in ("readability-function-size", "bugprone-suspicious-include",
                                       "bugprone-suspicious-memset-usage", "bugprone-not-null-terminated-result",
                                       "bugprone-misplaced-pointer-arithmetic-in-alloc"))


def check_clang_tidy():
    """bugprone, recursion and function size; .clang-tidy has the list."""
    jobs = []
    for names, options, flags in ((files(SOURCES, "*.c"), [], [*FREESTANDING, "--target=x86_64-unknown-none-elf",
                                                               "-mgeneral-regs-only"]),
                                  (files(TESTS, "*.c"), [f"--checks={TOLERATED}"], HOSTED)):
        batches = [names[i::2] for i in range(2)]
        jobs += [["clang-tidy", "--quiet", "--warnings-as-errors=*", *options, *b, "--", *flags] for b in batches if b]
        print(f"{len(names)} files")
    return parallel(jobs)


def cppcheck(cache, *words):
    place = ROOT / "build" / cache
    place.mkdir(parents=True, exist_ok=True)
    return ["cppcheck", "--quiet", "--error-exitcode=1", "--enable=warning,portability", "--inline-suppr",
            f"-j{os.cpu_count()}", f"--cppcheck-build-dir={place}", "--std=c11", "--platform=unix64",
            "--suppress=internalAstError", "--suppress=comparePointers", "-D__GNUC__=12", "-D__x86_64__", *words]


def check_cppcheck():
    """Suppressed: bounds of linker sections compared as pointers, and its own parser's limits (GNU ?: and ({ }) in macros).

    In tests also what it says of a macro's array argument, of results that come back through pointers, and of NULL asked
    for after the test has ended the other way.
    """
    tests = [t for t in TESTS if (ROOT / t).exists()]
    return tool(cppcheck("cppcheck", "-DSLAB_DEBUG=0", *OWN_NAMES, "-Iinclude",
                         "-Ikernel/x86/include", *SOURCES)) + \
        tool(cppcheck("cppcheck-tests", *(f"--suppress={s}" for s in (
            "sizeofwithsilentarraypointer", "uninitvar", "nullPointerRedundantCheck", "memsetValueOutOfRange",
            "arithOperationsOnVoidPointer", "ctunullpointer", "ctuuninitvar", "selfAssignment")),
                      "-DSLAB_DEBUG=1", *OWN_NAMES, "-Itests/host", "-Itests/host/include", "-Iinclude", *tests))


def sparse(name):
    """What sparse says about one file: nothing, when network and host byte order, device memory and RAM stay apart."""
    done = subprocess.run(["sparse", "-Wbitwise", "-Wcast-from-as", "-Wcast-to-as", "-Waddress-space", "-Wno-decl",
                           '-D__VERSION__="sparse"', *FREESTANDING, name],
                          cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return [done.stdout.strip()] if done.returncode or done.stdout.strip() else []


def check_sparse():
    """Endianness (__be16, __le32, ...) and __iomem."""
    names = files(SOURCES, "*.c")
    print(f"{len(names)} files")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [complaint for bad in pool.map(sparse, names) for complaint in bad]


def check_headers():
    """Every header compiles alone: it includes what it needs."""
    try:
        build.make("headers", Settings())
    except Failure as e:
        return [str(e)]
    print(f"{len(files(('include', *SOURCES), '*.h'))} headers")
    return []


CHECKS = {
    "format": check_format, "layers": check_layers.check, "headers": check_headers, "docs": check_docs.check,
    "tidy": check_tidy.check, "complexity": check_complexity.check, "sizes": check_sizes.check, "sparse": check_sparse,
    "path": check_path.check, "rfc": check_rfc.check, "contexts": check_contexts.check, "analyzer": check_analyzer.check,
    "repro": check_repro.check, "clang_tidy": check_clang_tidy, "cppcheck": check_cppcheck,
}
TOOLS = {"format": "clang-format", "contexts": "clang", "clang_tidy": "clang-tidy", "cppcheck": "cppcheck", "sparse": "sparse"}


def main(argv):
    if len(argv) != 2 or argv[1] not in CHECKS:
        print(f"usage: check.py {'|'.join(CHECKS)}")
        return 2
    needed = TOOLS.get(argv[1])
    if needed and not shutil.which(needed):
        print(f"{needed} is missing: make deps installs it")
        return 1
    bad = CHECKS[argv[1]]()
    for complaint in bad:
        print(complaint)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
