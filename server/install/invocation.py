"""How a client starts this very installation: an absolute path, whatever its PATH.

Clients started from the desktop do not read the shell's PATH. The command is the
running environment's own `lessonbank` script, else its Python with `-m lessonbank`: with
`-P` where there is one (3.11), since the working directory is somebody's project.
"""

from __future__ import annotations

import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_SCRIPT = "lessonbank"


@dataclass(frozen=True, slots=True)
class Invocation:
    """The words before a command of lessonbank, and what a person must know about them."""

    words: tuple[str, ...]
    notes: tuple[str, ...] = ()


def this_installation(
    *, executable: str = "", scripts: Path | None = None, temporary: Path | None = None
) -> Invocation:
    """Give how this installation is started.

    Args:
        executable: The Python, the running one by default.
        scripts: The folder of its scripts, the running environment's by default.
        temporary: The system's folder for temporary files.
    """
    python = Path(executable or sys.executable).absolute()
    folder = scripts or Path(sysconfig.get_path("scripts"))
    names = (f"{_SCRIPT}.exe", _SCRIPT)
    script = next((folder / name for name in names if (folder / name).is_file()), None)
    notes = []
    if _is_temporary(python, temporary or Path(tempfile.gettempdir())):
        notes.append(
            f"{python.parent} is a temporary place (uvx and `pipx run` clean theirs up). Install "
            "for good with `uv tool install lessonbank` or `pipx install lessonbank`, then run "
            "this again."
        )
    if script is not None:
        return Invocation((str(script.absolute()),), tuple(notes))
    notes.append(
        f"There is no {_SCRIPT} script in {folder}: the client runs `{python.name} -m lessonbank`, "
        "which needs lessonbank installed in that Python."
    )
    safe = ("-P",) if sys.version_info >= (3, 11) else ()
    return Invocation((str(python), *safe, "-m", "lessonbank"), tuple(notes))


def _is_temporary(python: Path, temporary: Path) -> bool:
    """Whether a Python stands where uvx, `pipx run` or the system clean up by themselves."""
    parts = [part.lower() for part in python.parts]
    if "archive-v0" in parts or any(part.startswith("environments-v") for part in parts):
        return True
    pairs = set(pairwise(parts))
    if pairs & {("pipx", ".cache"), (".cache", "pipx"), ("cache", "pipx"), ("pipx", "cache")}:
        return True
    return any(python.is_relative_to(one) for one in (temporary, temporary.resolve()))
