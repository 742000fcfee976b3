"""Projects as a whole: what there is, another name, one into another, items moved."""

from __future__ import annotations

import json
from collections import Counter

from memory_core.answers import ProjectChanged, ProjectLine, ProjectsAnswer
from memory_core.caller import OWNER, Caller
from memory_core.errors import InvalidInput, shown
from memory_core.model import GLOBAL_PROJECT, Event, EventKind, new_id
from memory_core.projects import DEFAULT_PROJECT, near_names
from memory_core.requests import ProjectRequest, ProjectsRequest
from memory_core.service.catalogue import Line
from memory_core.service.core import Core
from memory_core.service.fold import item_changes
from memory_core.service.lessons import Lessons

_SHARED = (GLOBAL_PROJECT, DEFAULT_PROJECT)


class Projects:
    """Lists and changes projects."""

    def __init__(self, core: Core, lessons: Lessons) -> None:
        self._core, self._lessons = core, lessons

    def projects(self, request: ProjectsRequest, caller: Caller = OWNER) -> ProjectsAnswer:
        """Every project that the caller sees, the fullest first; see the port."""
        core = self._core
        items = Counter(
            core.shown(line.project, caller)
            for line in core.catalogue.lines("", "active")
            if caller.sees(line.project)
        )
        for name in core.tally.projects():
            if caller.sees(name):
                items[core.shown(name, caller)] += 0
        lines = [self._line(name, items[name], caller) for name in items]
        lines.sort(key=lambda line: (-line.items, line.name))
        here = core.project_of(request.project, caller)
        return ProjectsAnswer(projects=tuple(lines), project=core.shown(here, caller))

    def _line(self, name: str, items: int, caller: Caller) -> ProjectLine:
        core = self._core
        names = [one for one in core.names.covers(name) if caller.sees(one)]
        return ProjectLine(
            name=name,
            items=items,
            recalls=core.tally.recalls(names),
            reports=core.tally.standing(names),
            aliases=tuple(sorted(one for one in names if one != name)),
        )

    def change_project(self, request: ProjectRequest, caller: Caller = OWNER) -> ProjectChanged:
        """Rename, merge, or move items; see the port."""
        into = request.into
        if request.action == "move":
            return self._move(request, into, caller)
        core = self._core
        with core.lock:
            old, now = self._named("project", request.project), core.names.shown(into)
            if now != old or request.action == "merge":  # else its own name of before
                into = now
            held = sum(1 for _ in self._own(old))
            self._require_changeable(request.action, old, into)
            core.store.add_event(event := self._event(request.action, (old, into), caller))
            core.take(event)
        core.announce(item_changes("", core.names.key(into)))
        return ProjectChanged(action=request.action, project=old, into=into, items=held)

    def _named(self, field: str, name: str) -> str:
        """What a project that holds something is called now.

        Raises:
            InvalidInput: Nothing is stored in it.
        """
        core = self._core
        now = core.names.shown(name)
        if now not in self.known():
            near = near_names(now, self.known())
            raise InvalidInput(
                field,
                f"= {shown(name)} names a project in which nothing is stored",
                f"Near it: {', '.join(map(shown, near))}."
                if near
                else "See `lessonbank projects list`.",
            )
        return now

    def known(self) -> set[str]:
        """What all projects that hold something are called now."""
        core = self._core
        stored = {line.project for line in core.catalogue.lines("")} | core.tally.projects()
        return {core.names.shown(name) for name in stored}

    def _own(self, name: str) -> list[Line]:
        """The active items of a project, without the global ones."""
        core = self._core
        names = core.names.covers(core.names.key(name))
        return [line for line in core.catalogue.lines("", "active") if line.project in names]

    def _require_changeable(self, action: str, old: str, into: str) -> None:
        if old == into:
            raise InvalidInput(
                "into", f"= {shown(into)} is the same project already", "Nothing is to be done."
            )
        for name in _SHARED:
            if old == name or (into == name and action == "rename"):
                raise InvalidInput(
                    "project" if old == name else "into",
                    f"= {shown(name)} is where calls of many clients go: it keeps its name",
                    f"Move its items instead: `lessonbank projects move INTO --from {name}`.",
                )
        if action == "rename" and into in self.known():
            raise InvalidInput(
                "into",
                f"= {shown(into)} is a project of its own",
                "To put one into the other, use merge.",
            )

    def _event(self, kind: EventKind, names: tuple[str, str], caller: Caller) -> Event:
        core = self._core
        source = core.source_of("", caller)
        return Event(new_id("ev"), kind, "", core.clock(), "", source, json.dumps(names))

    def _move(self, request: ProjectRequest, into: str, caller: Caller) -> ProjectChanged:
        """Put items into another project: each goes on there as itself."""
        core = self._core
        if bool(request.item_ids) == bool(request.project):
            raise InvalidInput(
                "item_ids",
                "and a project to move from are both given, or neither is",
                "Name items, or the project whose items are to be moved.",
            )
        key = core.names.key(into)
        with core.lock:
            if request.project:
                lines = self._own(self._named("project", request.project))
            else:
                lines = [self._line_of(item_id) for item_id in request.item_ids]
            there = core.names.covers(key)
            moved = [
                self._lessons.moved(line.id, key, caller)
                for line in lines
                if line.project not in there
            ]
        for old, new in moved:
            core.announce(item_changes(old, key))
            core.announce(item_changes(new, key))
        return ProjectChanged(
            action="move",
            project=request.project,
            into=core.names.shown(into),
            items=len(moved),
            ids=tuple(new for _, new in moved),
        )

    def _line_of(self, item_id: str) -> Line:
        line = self._core.catalogue.get(item_id)
        if line is None or line.state != "active":
            raise InvalidInput(
                "item_ids",
                f"names {shown(item_id)}, which is no active item",
                "Pass ids that recall or list_lessons returned.",
            )
        return line
