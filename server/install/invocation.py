"""How a client starts this very installation: an absolute path, whatever its PATH.

Clients started from the desktop do not read the shell's PATH. The command is the
running environment's own `lessonbank` script, else its Python with `-m lessonbank`: with
`-P` where there is one (3.11), since the working directory is somebody's project.
"""

from __future__ import annotations

import json
import shlex
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_SCRIPT = "lessonbank"


@dataclass(frozen=True, slots=True)
class Invocation:
    """The words before a command of lessonbank, and what a person must know about them."""

    words: tuple[str, ...]
    notes: tuple[str, ...] = ()


def this_installation(*, executable: str = "", scripts: Path | None = None) -> Invocation:
    """Give how this installation is started.

    Args:
        executable: The Python, the running one by default.
        scripts: The folder of its scripts, the running environment's by default.
    """
    python = Path(executable or sys.executable).absolute()
    folder = scripts or Path(sysconfig.get_path("scripts"))
    names = (f"{_SCRIPT}.exe", _SCRIPT)
    script = next((folder / name for name in names if (folder / name).is_file()), None)
    notes = []
    if _is_of_one_run(python):
        source = installed_from()
        notes.append(
            f"{python.parent} is a temporary place: uvx and `pipx run` clean theirs up. Install "
            f"for good with `uv tool install {source}` or `pipx install {source}`, then run "
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


def installed_from() -> str:
    """Give where this installation came from, as a word for a shell: a folder or git+URL.

    Read from the note that pip and uv leave in what they install from such a place (PEP 610).
    """
    try:
        noted = distribution(_SCRIPT).read_text("direct_url.json")
        found = json.loads(noted or "{}")
    except (PackageNotFoundError, OSError, ValueError):
        found = {}
    url = found.get("url", "") if isinstance(found, dict) else ""
    if not isinstance(url, str) or not url:
        return "PATH_OF_THE_CLONE"
    if url.startswith("file://"):
        return shlex.quote(url2pathname(urlsplit(url).path))
    kind = found.get("vcs_info", {}).get("vcs", "") if "vcs_info" in found else ""
    return shlex.quote(f"{kind}+{url}" if kind else url)


def _is_of_one_run(python: Path) -> bool:
    """Whether a Python stands where uvx or `pipx run` clean up by themselves."""
    parts = [part.lower() for part in python.parts]
    if "archive-v0" in parts or any(part.startswith("environments-v") for part in parts):
        return True
    pairs = set(pairwise(parts))
    return bool(
        pairs & {("pipx", ".cache"), (".cache", "pipx"), ("cache", "pipx"), ("pipx", "cache")}
    )
