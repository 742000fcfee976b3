"""What an installation made that was not there before, so that it alone is taken out again.

One JSON file of the person's (`lessonbank/installed.json` beside other programs'
settings): which files and folders are ours, which lists of servers were empty before,
and whether a permission is. It is gone with the last installation; without it a file
stays, and what is left empty in it goes, as ever.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_OWN = ""
"""Under which the record keeps what was made for itself."""


@dataclass(frozen=True, slots=True)
class Made:
    """Of one file: `folders` innermost first; `rule` is whether the permission is ours.

    `root`: whether what holds our entries may go when it is empty; False: it was so before.
    """

    file: bool = False
    folders: tuple[str, ...] = ()
    rule: bool = False
    root: bool = True


class Record:
    """The file at `path`; who cannot read it knows nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, file: Path) -> Made | None:
        """What was made of a file, None when nothing is known of it."""
        found = self._read().get(str(file))
        if not isinstance(found, dict):
            return None
        with contextlib.suppress(TypeError):
            return Made(**{**found, "folders": tuple(found.get("folders", ()))})
        return None

    def note(self, file: Path, made: Made | None) -> None:
        """Write down what was made of a file, or (None) that nothing of ours is there."""
        known = self._read()
        before = dict(known)
        known.pop(str(file), None)
        if made is not None:
            known[str(file)] = asdict(made)
        if known == before:
            return
        if known.keys() - {_OWN}:
            known.setdefault(_OWN, {"folders": missing_folders(self._path)})
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            draft.write_text(json.dumps(known, indent=2) + "\n", "utf-8")
            draft.chmod(0o600)
            draft.replace(self._path)
            return
        self._path.unlink(missing_ok=True)
        own = known.get(_OWN)
        for folder in own.get("folders", ()) if isinstance(own, dict) else ():
            with contextlib.suppress(OSError):
                Path(folder).rmdir()

    def _read(self) -> dict[str, object]:
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def missing_folders(file: Path) -> tuple[str, ...]:
    """Give the folders that writing a file would make, innermost first."""
    found = []
    for folder in file.parents:
        if folder.exists():
            break
        found.append(str(folder))
    return tuple(found)
