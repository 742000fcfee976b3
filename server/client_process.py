"""The client that started this process, and whether it runs our server.

A client starts the server and its hooks as children of its own, perhaps through a shell
or a launcher: what stands above those is the client, and the same for both. Read from
/proc, elsewhere from `ps`; where neither is there, nothing is known. Standard library
only: a hook has a fifth of a second.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BETWEEN = frozenset(
    {"sh", "bash", "dash", "zsh", "ash", "ksh", "fish", "env", "timeout", "uv", "uvx", "pipx"}
)
"""Programs that only start another one."""
_SERVER = re.compile(r"(?:^|[/\\\s])(?:lessonbank(?:\.exe)?|-m server)(?:\s.*)?\sserve(?:\s|$)")
_MOST_STEPS = 16
_WITHIN = 1.0
"""Seconds for `ps`."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `started` tells it from a later one of the same number."""

    pid: int
    parent: int
    started: str
    name: str
    line: str

    @property
    def key(self) -> str:
        return f"{self.pid}:{self.started}"


def client_of(pid: int) -> Process | None:
    """Give the client above a process, None where that cannot be known."""
    known = _Known()
    found = known.get(pid)
    for _ in range(_MOST_STEPS):
        found = known.get(found.parent) if found is not None and found.parent > 0 else None
        if found is None or found.name not in _BETWEEN:
            return found
    return None


def runs_server(client: Process) -> bool:
    """Whether a child of the client, or a child of what only starts another, is our server."""
    children: dict[int, list[Process]] = {}
    for one in _Known().all():
        children.setdefault(one.parent, []).append(one)
    waiting, seen = [client.pid], 0
    while waiting and seen < _MOST_STEPS:
        seen += 1
        for one in children.get(waiting.pop(), ()):
            if _SERVER.search(one.line):
                return True
            if one.name in _BETWEEN:
                waiting.append(one.pid)
    return False


class _Known:
    """The processes of this machine, as far as they can be read."""

    def __init__(self) -> None:
        self._table = None if sys.platform == "linux" else _listed()

    def get(self, pid: int) -> Process | None:
        return _from_proc(pid) if self._table is None else self._table.get(pid)

    def all(self) -> Iterator[Process]:
        if self._table is not None:
            yield from self._table.values()
            return
        for entry in os.listdir("/proc"):  # noqa: PTH208 - names alone, hundreds of them
            found = _from_proc(int(entry)) if entry.isdigit() else None
            if found is not None:
                yield found


def _from_proc(pid: int) -> Process | None:
    try:
        folder = Path(f"/proc/{pid}")
        stat = (folder / "stat").read_bytes().decode("utf-8", "replace")
        line = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    head, _, rest = stat.rpartition(")")
    fields = rest.split()
    return Process(
        pid=pid,
        parent=int(fields[1]),
        started=fields[19],
        name=head.partition("(")[2],
        line=line.replace("\0", " "),
    )


def _listed() -> dict[int, Process]:
    """Give every process that `ps` tells of; its start is five words."""
    try:
        said = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,lstart=,args="],  # noqa: S607 - the system's own
            capture_output=True,
            check=False,
            timeout=_WITHIN,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    found = {}
    for row in said.decode("utf-8", "replace").splitlines():
        words = row.split(None, 7)
        if len(words) == 8 and words[0].isdigit() and words[1].isdigit():
            name = Path(words[7].split(" ")[0]).name.lstrip("-")
            started = "-".join(words[2:7])
            found[int(words[0])] = Process(int(words[0]), int(words[1]), started, name, words[7])
    return found
