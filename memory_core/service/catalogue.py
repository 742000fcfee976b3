"""The catalogue: one light line of every item, held in memory for listing and scope checks."""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from memory_core.model import FLIPS, GLOBAL_PROJECT, Event, Item, Kind, State
from memory_core.ports import Record, StoredItem
from memory_core.service.fold import LogPlace
from memory_core.spelling import composed
from memory_core.wording import said

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Line:
    """What listing needs of one item.

    `created_at` in seconds since the epoch; `said` is equal for items that say the same;
    `size` is of its text, in characters.
    """

    id: str
    project: str
    kind: Kind
    state: State
    title: str
    created_at: float
    supersedes: str
    said: str = ""
    tags: tuple[str, ...] = ()
    source: str = ""
    size: int = 0


def same_words(text: str) -> str:
    """A text's words in order, case and punctuation aside: equal for texts that say the same."""
    return " ".join(_WORD.findall(composed(text).casefold()))


def said_of(item: Item) -> str:
    """What an item says, however it is written: equal for items that are shown once."""
    return _said(item.title, item.description, item.content)


@lru_cache(maxsize=10_000)
def _said(title: str, description: str, content: str) -> str:
    """The digest of what these say; a title that is the beginning of the content adds nothing."""
    body = said(content)
    begins = _begins(said(title), body) or _begins(said(title.lstrip("*_~")), body)
    return _digest("\n".join(("" if begins else said(title), said(description), body)))


def _begins(head: str, body: str) -> bool:
    """Whether a title is the beginning of a text; its last word may be cut."""
    return bool(head) and f"{body} ".startswith(head.rpartition(" ")[0] or head)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


class Catalogue:
    """All items' lines, oldest first. Written under the service's lock.

    Args:
        covers: Gives the names whose items the project of a name sees.
    """

    def __init__(self, covers: Callable[[str], Collection[str]] = lambda name: (name,)) -> None:
        self._covers = covers
        self._projects = {GLOBAL_PROJECT: GLOBAL_PROJECT}
        self._held: set[str] = set()
        self._active: Counter[str] = Counter()
        self._lines: dict[str, Line] = {}
        self._successors: dict[str, str] = {}

    def take(self, _place: LogPlace, record: Record) -> None:
        """Add an item's line, or what an event made of it: its state, and what it says."""
        if isinstance(record, StoredItem):
            self._add(record.item, record.state)
        elif isinstance(record, Event):
            state = FLIPS.get(record.kind)
            if state is not None and record.item_id in self._lines:
                self._flip(record.item_id, state)
            if record.kind in ("supersede", "correct") and record.detail:
                self._successors[record.item_id] = record.detail
            if record.kind == "correct":
                self._reword(record.item_id, record.detail)

    def _add(self, item: Item, state: State) -> None:
        self._projects[item.project] = item.project
        self._held.add(item.project)
        self._projects.setdefault(item.project.casefold(), item.project)
        self._count(self._lines.get(item.id), -1)
        self._lines[item.id] = Line(
            id=item.id,
            project=item.project,
            kind=item.kind,
            state=state,
            title=item.title,
            created_at=item.created_at,
            supersedes=item.supersedes,
            said=_digest(same_words(item.text)),
            tags=tuple(map(sys.intern, item.tags)),
            source=sys.intern(item.source),
            size=len(item.text),
        )
        self._count(self._lines[item.id], 1)
        if item.supersedes:
            self._successors[item.supersedes] = item.id

    def _count(self, line: Line | None, change: int) -> None:
        if line is not None and line.state == "active":
            self._active[line.project] += change

    def active(self, projects: Iterable[str]) -> int:
        """How many active items these projects hold."""
        return sum(self._active[project] for project in projects)

    def written(self, project: str) -> str:
        """A project's name as items have it, where it differs by upper and lower case only."""
        return self._projects.get(project) or self._projects.get(project.casefold(), project)

    def holds(self, project: str) -> bool:
        """Whether there is an item of exactly this project."""
        return project in self._held

    def _flip(self, item_id: str, state: State) -> None:
        self._count(self._lines[item_id], -1)
        self._lines[item_id] = replace(self._lines[item_id], state=state)
        self._count(self._lines[item_id], 1)

    def successor(self, item_id: str) -> str:
        """The item that supersedes this one, "" for none."""
        return self._successors.get(item_id, "")

    def said(self, item_ids: Iterable[str]) -> frozenset[str]:
        """What these items say, by digest; an item that is not known stands for itself."""
        lines = ((item_id, self._lines.get(item_id)) for item_id in item_ids)
        return frozenset(line.said if line is not None else item_id for item_id, line in lines)

    def size(self, item_id: str) -> int:
        """Characters of an item's text, 0 for one that is not known."""
        line = self._lines.get(item_id)
        return line.size if line is not None else 0

    def get(self, item_id: str) -> Line | None:
        return self._lines.get(item_id)

    def has_in_title(self, word: str, *, beside: str) -> bool:
        """Whether the title of an active item other than `beside` has a word in small letters."""
        return any(
            word in line.title.casefold() and word in same_words(line.title).split()
            for line in self.lines("", "active")
            if line.id != beside
        )

    def _reword(self, old: str, new: str) -> None:
        """Say that an item is another wording of an older one: both say the same."""
        before, after = self._lines.get(old), self._lines.get(new)
        if before is not None and after is not None:
            self._lines[new] = replace(after, said=before.said)

    def lines(
        self, project: str, state: State | None = None, kind: Kind | None = None
    ) -> Iterator[Line]:
        """The lines that a project sees ("" sees all), oldest first."""
        seen = (*self._covers(project), GLOBAL_PROJECT)
        for line in list(self._lines.values()):
            if project and line.project not in seen:
                continue
            if (state is None or line.state == state) and (kind is None or line.kind == kind):
                yield line
