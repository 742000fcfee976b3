"""Nothing of the project around a process runs inside it, whatever PYTHONPATH holds."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from server import launch
from tests.patience import PATIENCE

OF_A_PROJECT = ("numpy", "json", "logging", "anyio", "argparse", "tomllib", "accelerate")
_LOUD = "raise SystemExit('the project ran its own {}')\n"
PROMPT = b'{"hook_event_name": "UserPromptSubmit", "prompt": "fix the flaky test", "cwd": "/"}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with packages and modules of the names that lessonbank imports."""
    for name in ("server", "memory_core", *OF_A_PROJECT):
        module = tmp_path / "project" / name / "__init__.py"
        module.parent.mkdir(parents=True)
        module.write_text(_LOUD.format(name))
    return tmp_path / "project"


def started(
    words: list[str], environ: dict[str, str], cwd: Path, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **environ},
        cwd=cwd,
        input=given,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )


COMMANDS = [
    ["--version"],
    ["lessons"],
    ["hook", "claude-code"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_module_of_a_project_on_pythonpath_is_imported(
    words: list[str], project: Path, repository: Path, tmp_path: Path
) -> None:
    environ = {
        "PYTHONPATH": os.pathsep.join(["", str(repository), str(project)]),
        "LESSONBANK_STORE": str(tmp_path / "store"),
        "LESSONBANK_MODEL": str(tmp_path / "no-model"),
    }
    # the command as its script runs it, which no working directory can replace
    program = "import sys; from lessonbank import main; sys.exit(main())"
    ran = started(["-c", program, *words], environ, project, PROMPT)
    assert b"the project ran" not in ran.stdout + ran.stderr
    assert ran.returncode == 0, ran.stderr
    log = tmp_path / "store" / "host" / "host.log"
    assert not log.exists() or "the project ran" not in log.read_text()


@pytest.fixture
def crowded(project: Path) -> Path:
    """The same, with a file of the name of each module of the standard library."""
    here = {one.name for one in pkgutil.iter_modules([str(Path(os.__file__).parent)])}
    read_before_any_program = {"encodings", "__future__", *sys.builtin_module_names}
    for name in here & sys.stdlib_module_names - read_before_any_program:
        (project / f"{name}.py").write_text(_LOUD.format(name))
    return project


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_name_of_the_standard_library_is_taken_from_a_project(
    words: list[str], crowded: Path, tmp_path: Path
) -> None:
    environ = {
        "PYTHONPATH": os.pathsep.join(["", str(crowded)]),
        "LESSONBANK_STORE": str(tmp_path / "store"),
        "LESSONBANK_MODEL": str(tmp_path / "no-model"),
    }
    program = "import sys; from lessonbank import main; sys.exit(main())"
    ran = started(["-c", program, *words], environ, crowded, PROMPT)
    assert (ran.returncode, b"the project ran" in ran.stdout + ran.stderr) == (0, False), ran.stderr


def test_an_isolated_python_heeds_no_sitecustomize_of_a_project(
    crowded: Path, tmp_path: Path
) -> None:
    """Python runs it before any program: the guide's way around it."""
    (crowded / "sitecustomize.py").write_text(_LOUD.format("sitecustomize"))
    environ = {"PYTHONPATH": str(crowded), "LESSONBANK_STORE": str(tmp_path / "store")}
    ran = started(["-I", "-m", "lessonbank", "--version"], environ, crowded)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_an_installed_lessonbank_drops_what_pythonpath_names(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = [one for one in sys.path if "site-packages" in one]
    found = [str(project), "/script/folder", *installed]
    monkeypatch.setattr(sys, "path", [found[1], found[0], *installed])
    monkeypatch.setattr(launch, "_ROOT", installed[0])
    monkeypatch.setattr(launch, "_forget", lambda _folders: None)  # this process goes on
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(project), "", installed[0]]))
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    launch.shut_out_others()
    assert sys.path == installed
    assert "PYTHONPATH" not in os.environ
    assert os.environ["PYTHONSAFEPATH"] == "1"


def test_a_lessonbank_that_pythonpath_finds_keeps_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, needed = str(tmp_path / "copy"), str(tmp_path / "needed")
    standard = os.path.dirname(os.__file__)  # noqa: PTH120
    monkeypatch.setattr(sys, "path", ["/script", needed, root, standard])
    monkeypatch.setattr(launch, "_ROOT", root)
    monkeypatch.setattr(launch, "_forget", lambda _folders: None)  # this process goes on
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([needed, root]))
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    launch.shut_out_others()
    assert sys.path == [root, standard, needed]
    assert os.environ["PYTHONPATH"] == os.pathsep.join([root, needed])


def test_a_module_that_was_imported_before_is_forgotten(
    project: Path, repository: Path, tmp_path: Path
) -> None:
    (project / "server" / "__init__.py").write_text("")
    (project / "sitecustomize.py").write_text("import server\n")
    environ = {"PYTHONPATH": os.pathsep.join([str(project), str(repository)])}
    program = "import sys; from lessonbank import main; sys.exit(main())"
    ran = started(["-c", program, "--version"], environ, tmp_path)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", ["--version", "hook claude-code", "token list"])
def test_a_command_works_with_closed_standard_streams(
    words: str, closed: str, tmp_path: Path
) -> None:
    program = "import sys; from lessonbank import main; sys.exit(main())"
    shell = f'exec "$0" -c "$1" {words} {closed}'
    environ = {**os.environ, "LESSONBANK_STORE": str(tmp_path / "store")}
    ran = subprocess.run(
        ["sh", "-c", shell, sys.executable, program],
        env=environ, cwd=tmp_path, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, b"")
