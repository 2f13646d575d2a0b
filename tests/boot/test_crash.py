# SPDX-License-Identifier: MIT
"""Programs that go wrong: each ends in a report with function names and a failing status, never in a reset."""
import pytest

HEAD = "#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
CRASHES = {
    "null": ("volatile int *nothing; int main(void) { return *nothing; }", "page fault"),
    "write_text": ("int main(void) { *(volatile char *)main = 1; return 0; }", "page fault"),
    "run_data": ("char code[16] = { (char)0xc3 }; int main(void) { ((void (*)(void))code)(); return 0; }", "page fault"),
    "divide": ("volatile int many = 1000, zero; int main(void) { return many / zero; }", "divide"),
    "undefined": ("int main(void) { __asm__ volatile(\"ud2\"); return 0; }", "opcode"),
    "overflow": ("int deep(volatile char *p) { volatile char a[512]; a[0] = *p; return deep(a) + a[0]; }\n"
                 "int main(void) { volatile char c = 1; return deep(&c); }", "stack"),
}


@pytest.mark.parametrize("name", CRASHES)
def test_crash(tmp_path, boot, name):
    body, cause = CRASHES[name]
    (tmp_path / f"{name}.c").write_text(HEAD + body + "\n")
    run = boot(tmp_path / f"{name}.c").expect(64)
    run.says(cause)
    run.says("rip")
    assert "main+0x" in run.serial or "deep+0x" in run.serial or "code" in run.serial, "no function name in the report"


def test_abort(tmp_path, boot):
    """abort() is not a crash of the kernel: the program ends with a failing status of its own."""
    (tmp_path / "abort.c").write_text(HEAD + "int main(void) { abort(); }\n")
    run = boot(tmp_path / "abort.c")
    assert run.status not in (0, 124, 125), run.why
