# SPDX-License-Identifier: MIT
"""Verdicts that hang on clocks: what a busy machine makes late proves nothing once, and is asked again.

    soon(took, 0.5)            an upper bound, in seconds: Late beyond it
    @again                     a test that is run again, all of it, when it says Late
"""
import functools

ATTEMPTS = 8  # of what was Late


class Late(AssertionError):
    """What came, came later than it may. On a busy machine once proves nothing."""


def soon(took, limit):
    """An upper bound, in seconds: never a plain assert, which a machine that is busy elsewhere would break."""
    if took >= limit:
        raise Late(f"after {took:.3f} s, {limit:g} s are allowed")


def again(test):
    @functools.wraps(test)
    def patient(*args, **how):
        for _ in range(ATTEMPTS - 1):
            try:
                return test(*args, **how)
            except Late as e:
                print(f"{test.__name__}: asked again after {e}")
        return test(*args, **how)

    return patient
