"""Which names mean one project: a fold over the events `rename` and `merge`.

No row is rewritten. A rename gives a project another name: both mean it, and what is
written goes on under the first, its key. A merge puts one project into another: who
works in the other sees both; a token for the merged one sees what it saw before.
Read and written under the service's lock; a name that no event names stands for itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from memory_core.caller import Caller
from memory_core.model import Event
from memory_core.ports import Record
from memory_core.service.fold import LogPlace
from memory_core.spelling import spelled

CHANGES = ("rename", "merge")


def names_in(event: Event) -> tuple[str, str]:
    """Give (old name, new name) of a rename or a merge."""
    old, new = json.loads(event.detail)
    return str(old), str(new)


class ProjectNames:
    """Names, what they are called now, and what each covers."""

    def __init__(self) -> None:
        self._into: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._seen: dict[str, tuple[str, ...]] = {}
        self._renamed: set[tuple[str, str]] = set()

    def take(self, _place: LogPlace, record: Record) -> None:
        if not isinstance(record, Event) or record.kind not in CHANGES:
            return
        old, new = names_in(record)
        old = self.shown(old)
        if old == new:
            return
        if self.shown(new) == old:  # its name of before again
            key = self.key(old)
            del self._into[new]
            self._keys[new] = key
            self._renamed.add((old, new))
        elif record.kind == "rename":
            self._keys[new] = self.key(old)
            self._renamed.add((old, new))
        self._into[old] = self.shown(new)
        self._cover()

    def join(self, stored: Collection[str]) -> None:
        """Let names of earlier versions that look the same mean the same."""
        for name in stored:
            kept = spelled(name)
            if kept and kept != name and name not in self._into:
                self._into[name] = kept
        self._cover()

    def _cover(self) -> None:
        """Work out anew which names each name sees."""
        below: defaultdict[str, list[str]] = defaultdict(list)
        for old, new in (*self._into.items(), *self._renamed):
            below[new].append(old)
        for old, new in self._renamed:
            below[old].append(new)
        self._seen = {}
        for name in {*self._into, *self._into.values()}:
            found, waiting = {name: None}, [name]
            while waiting:
                for one in below[waiting.pop()]:
                    if one not in found:
                        found[one] = None
                        waiting.append(one)
            self._seen[name] = tuple(found)

    def shown(self, name: str, within: Collection[str] | None = None) -> str:
        """What the project of a name is called now, as far as who sees `within` may know."""
        while name in self._into and (within is None or self._into[name] in within):
            name = self._into[name]
        return name

    def key(self, name: str, within: Collection[str] | None = None) -> str:
        """Under which name the project of a name is written."""
        now = self.shown(name, within)
        return self._keys.get(now, now)

    def covers(self, name: str) -> tuple[str, ...]:
        """All names whose items the project of this name sees, itself first."""
        return self._seen.get(name, (name,))

    def aliases(self, name: str) -> tuple[str, ...]:
        """The other names of what is called `name` now."""
        return tuple(sorted(one for one in self.covers(name) if one != name))

    def widened(self, caller: Caller) -> Caller:
        """The same caller with every name that its projects' names cover."""
        if caller.projects is None or not self._into:
            return caller
        names = dict.fromkeys(caller.projects)
        for name in caller.projects:
            names.update(dict.fromkeys(self.covers(name)))
        return replace(caller, projects=tuple(names))

    def hearing(self, project: str) -> tuple[str, ...]:
        """The names under which what happens in a project is heard of."""
        others = (name for name, seen in self._seen.items() if project in seen and name != project)
        return (project, *others)
