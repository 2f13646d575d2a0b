# SPDX-License-Identifier: MIT
"""The script that breaks lines at random: what it changes, what it leaves alone, and that a seed repeats itself."""
import random

import mutate

SOURCE = """\
/* a < b in a comment */
int outside = 1 + 2;

static int f(int a, int b)
{
	BUG_ON(a < b);
	/* a == b */
	if (a < b)
		return a + 7;
	g(a);
	return 0;
}
"""


def changes(seed):
    return mutate.mutants(SOURCE, random.Random(seed))


def test_what_is_changed():
    """Only code inside functions, one line each, never an assertion or a comment."""
    found = {(number, operator, new.strip()) for number, operator, new in changes(1)}
    assert {number for number, _, _ in found} == {7, 8, 9, 10}
    assert (7, "comparison", "if (a <= b)") in found
    assert (7, "condition", "if (!(a < b))") in found
    assert (8, "sign", "return a - 7;") in found
    assert (8, "constant", "return a + 8;") in found
    assert (8, "result", "return 0;") in found
    assert (9, "statement", ";") in found
    assert (10, "constant", "return 1;") in found


def test_seed_repeats():
    assert changes(5) == changes(5)
    assert [mutate.draw(random.Random(9), {"f.c": SOURCE}) for _ in range(3)].count(
        mutate.draw(random.Random(9), {"f.c": SOURCE})) == 3
