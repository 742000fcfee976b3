"""The catalogue: one light line of every item, held in memory for listing and scope checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from memory_core.errors import InvalidInput, UnknownItem, shown
from memory_core.model import GLOBAL_PROJECT, Item, Kind, State

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Line:
    """What listing needs of one item; `created_at` in seconds since the epoch."""

    id: str
    project: str
    kind: Kind
    state: State
    title: str
    created_at: float
    supersedes: str


def same_words(text: str) -> str:
    """A text's words in order, case and punctuation aside: equal for texts that say the same."""
    return " ".join(_WORD.findall(text.casefold()))


def said_of(item: Item) -> str:
    """What an item says, white space aside: equal for items that are shown once."""
    return " ".join(item.text.split())


class Catalogue:
    """All items' lines, oldest first. Written under the service's lock."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._successors: dict[str, str] = {}

    def add(self, item: Item, state: State) -> None:
        """Add or replace an item's line."""
        self._lines[item.id] = Line(
            item.id, item.project, item.kind, state, item.title, item.created_at, item.supersedes
        )
        if item.supersedes:
            self._successors[item.supersedes] = item.id

    def flip(self, item_id: str, state: State) -> None:
        """Set an item's state."""
        self._lines[item_id] = replace(self._lines[item_id], state=state)

    def successor(self, item_id: str) -> str:
        """The item that supersedes this one, "" for none."""
        return self._successors.get(item_id, "")

    def get(self, item_id: str) -> Line | None:
        return self._lines.get(item_id)

    def seen(self, item_id: str, project: str, field: str = "item_id") -> Line:
        """The line of an item that a project sees.

        Raises:
            UnknownItem: No such item, or another project's.
        """
        line = self._lines.get(item_id)
        if line is None or line.project not in (project, GLOBAL_PROJECT):
            raise UnknownItem(item_id, field)
        return line

    def owned(self, item_id: str, project: str, field: str) -> Line:
        """The line of an item that a project may retire: its own.

        Raises:
            UnknownItem: No such item, or another project's.
            InvalidInput: A global item, seen from a project.
        """
        line = self.seen(item_id, project, field)
        if line.project != project:
            raise InvalidInput(
                field,
                f"{shown(item_id)} is global, retiring it here would take it from every project",
                "Pass project 'global' to do that.",
            )
        return line

    def link(self, old: str, new: str) -> None:
        """Say which item supersedes another."""
        self._successors[old] = new

    def lines(
        self, project: str, state: State | None = None, kind: Kind | None = None
    ) -> Iterator[Line]:
        """The lines that a project sees ("" sees all), oldest first."""
        for line in list(self._lines.values()):
            if project and line.project not in (project, GLOBAL_PROJECT):
                continue
            if (state is None or line.state == state) and (kind is None or line.kind == kind):
                yield line
