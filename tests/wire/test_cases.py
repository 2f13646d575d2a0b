# SPDX-License-Identifier: MIT
"""Every case of the wire suite against Doorbell: packets by hand over -netdev dgram, sockets by apps/agent.c.

A case's name begins with its requirement (docs/RFC.md). Most share one guest, whose sockets and caches are cleared before each;
what waits for seconds runs beside them in another. `make conformance` runs the same cases against Linux too.
"""
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from conftest import ROOT, WORK  # noqa: E402
from every import EVERY  # noqa: E402
from rig import Runner  # noqa: E402

LEAST_CASES = 500  # in all; and names are their own keys


class Suite:
    """The runner, and what already runs in the background."""

    def __init__(self, runner, started):
        self.runner, self.started = runner, started

    def run(self, one):
        if one.name in self.started:
            self.started[one.name].result()
        else:
            self.runner.run(one)


@pytest.fixture(scope="module")
def suite(request):
    wanted = {i.callspec.params["one"].name for i in request.session.items if "one" in getattr(getattr(i, "callspec", None), "params", {})}
    folder, before = WORK / f"wire-{os.getpid()}", request.session.testsfailed
    runner = Runner("doorbell", folder)
    yield Suite(runner, runner.run_slow([c for c in EVERY if c.name in wanted]))
    for lab, outcome in runner.finish():
        assert outcome.status == lab.good_end, f"{lab.words}: status {outcome.status}. {outcome.why}\n{outcome.serial[-3000:]}"
        assert lab.good_end or "leak check passed" in outcome.serial
    if request.session.testsfailed == before:
        shutil.rmtree(ROOT / folder, ignore_errors=True)


@pytest.mark.parametrize("one", EVERY, ids=[one.name for one in EVERY])
def test_case(suite, one):
    print(f"{one.row}: {one.title}")
    suite.run(one)


def test_the_suite_is_large_enough():
    names = [one.name for one in EVERY]
    assert len(set(names)) == len(names) >= LEAST_CASES
    assert all(re.fullmatch(r"[LAIMUTSDRX]\d+", one.row) for one in EVERY)
