# SPDX-License-Identifier: MIT
"""The coverage gate judges as its head says: each rule is shown a fault."""
import coverage
import pytest
from coverage import Count
from settings import Failure

FULL = Count(100, 100, 50, 50)
THIN = Count(10, 8, 10, 9)


def line(number, count, *branches, noncode=False):
    return {"line_number": number, "count": count, "branches": [{"count": b} for b in branches], "gcovr/noncode": noncode}


def test_counting():
    entry = {"file": "net/a.c", "lines": [line(1, 3, 1, 0), line(2, 0), line(3, 0, noncode=True), line(4, 1)]}
    assert coverage.count_file(entry) == Count(3, 2, 2, 1)


def test_gate():
    assert coverage.judge({"net/a.c": FULL, "kernel/k.c": Count(10, 0, 10, 0)}, {}) == []
    assert "no reason given" in coverage.judge({"net/a.c": FULL, "net/b.c": THIN}, {})[0]
    assert coverage.judge({"net/a.c": FULL, "net/b.c": THIN}, {"net/b.c": "hard"}) == []
    assert "meets the gate now" in coverage.judge({"net/a.c": FULL}, {"net/a.c": "hard"})[0]
    assert "no such file" in coverage.judge({"net/a.c": FULL}, {"net/gone.c": "hard"})[0]
    assert len(coverage.judge({"net/b.c": THIN}, {"net/b.c": "hard"})) == 1  # the total is missed


def test_edges_of_the_gate():
    assert Count(10, 9, 10, 8).meets
    assert not Count(1000, 899, 10, 10).meets
    assert not Count(10, 10, 1000, 799).meets
    assert Count(0, 0, 0, 0).meets


def test_testcase_sees_both_sides():
    text = "\ttestcase(wnd == 0);\n\ttestcase(wnd == 1);\n\tif (a)\n"
    entry = {"file": "net/a.c", "lines": [line(1, 5, 2, 3), line(2, 5, 0, 5), line(3, 5, 0, 5)]}
    assert len(list(coverage.one_sided(entry, text))) == 1


def test_nothing_is_hidden():
    assert list(coverage.misuse("a.c", "\tif (NEVER(!skb || x))\n\tif (ALWAYS(f(y))) {\n")) == []
    assert len(list(coverage.misuse("a.c", "\tif (a && NEVER(b))\n"))) == 1
    assert len(list(coverage.misuse("a.c", "\tf(); /* LCOV_EXCL_LINE */\n"))) == 1


def test_reasons():
    assert coverage.read_reasons("# why\n\nnet/a.c: cannot happen: never\n") == {"net/a.c": "cannot happen: never"}
    with pytest.raises(Failure):
        coverage.read_reasons("net/a.c:\n")
