"""Which tier a test is of, and that nothing is left out of the whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tiers import THOROUGH, forbid_slow_things, is_below, is_slow


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


def command_of(target: str, repository: Path) -> str:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert found
    return found.group(1)


def test_the_whole_check_leaves_nothing_out(repository: Path) -> None:
    """A test that is not thorough is usual, and both are run."""
    check = (repository / ".ci" / "run").read_text(encoding="utf-8")
    for target, tier in (("test", "usual"), ("thorough", "thorough")):
        command = command_of(target, repository)
        assert f"-m pytest --tier {tier}" in command
        assert not re.search(r"--ignore|--deselect|pytest.* -[km] ", command)
        assert f"make {target}" in check


def test_every_place_of_the_thorough_tier_is_there(repository: Path) -> None:
    for place in THOROUGH:
        assert (repository / "tests" / place).exists(), place


@pytest.mark.parametrize(
    ("module", "thorough"),
    [
        ("memory_core/store/test_crash.py", False),
        ("memory_core/store/remote/test_faults.py", True),
        ("server/host/test_kills.py", True),
        ("server/host/test_typed.py", False),
        ("benchmarks/learning/protocols/test_protocols.py", True),
    ],
)
def test_a_module_is_thorough_by_its_place(module: str, thorough: bool, repository: Path) -> None:
    assert (repository / "tests" / module).exists()
    assert is_below(Path(module)) is thorough
