"""Which tests are quick follows from what they import, and nothing is left out of the whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tiers import forbid_slow_things, is_slow


@pytest.mark.parametrize(
    ("module", "slow"),
    [
        ("memory_core/test_words.py", False),
        ("server/test_lines.py", False),
        ("test_restart.py", True),  # a server over stdio
        ("test_architecture.py", True),  # processes
        ("server/host/test_kills.py", True),  # through a module of tests
        ("memory_core/store/test_crash.py", True),
    ],
)
def test_a_module_is_slow_by_what_it_imports(module: str, slow: bool, repository: Path) -> None:
    assert is_slow(repository / "tests" / module) is slow


def test_a_quick_test_is_refused_a_process() -> None:
    with pytest.raises(RuntimeError, match=r"came to subprocess\.Popen"):
        forbid_slow_things("subprocess.Popen", ("git", ["git"], None, {}))
    forbid_slow_things("open", ("a file", "r", 0))


def test_make_test_and_the_whole_check_leave_nothing_out(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    found = re.search(r"^test:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert found
    assert "-m pytest" in found.group(1)
    assert not re.search(r"--quick|--ignore|--deselect|pytest.* -[km] ", found.group(1))
    assert "make test" in (repository / ".ci" / "run").read_text(encoding="utf-8")
