"""Which item, recall or outcome a person means: by a part of its id, or as the last one."""

from __future__ import annotations

from collections.abc import Iterable

from memory_core.answers import Identified
from memory_core.caller import OWNER, Caller
from memory_core.errors import InvalidInput, UnknownItem, UnknownRecall, shown
from memory_core.requests import IdRequest
from memory_core.service.core import Core
from memory_core.service.open_recalls import line_of

SHORTEST_END = 4
"""Characters of an id's end that are taken for it; a beginning may be shorter."""
MOST_NAMED = 5


class Identifying:
    """Answers `identify`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def identify(self, request: IdRequest, caller: Caller = OWNER) -> Identified:
        """Give the one that is meant; see the port."""
        if not request.given:
            return self._last(request, caller)
        known = self._known(request, caller)
        if request.given in known:
            return Identified(id=request.given, title=known[request.given])
        found = {one: known[one] for one in known if _is_meant(request.given, one)}
        if len(found) == 1:
            (only,) = found.items()
            return Identified(id=only[0], title=only[1])
        if not found:
            raise self._unknown(request)
        newest = sorted(found, reverse=True)
        named = "; ".join(f"{one} ({line_of(found[one])})" for one in newest[:MOST_NAMED])
        more = f"; {len(newest) - MOST_NAMED} more" if len(newest) > MOST_NAMED else ""
        raise InvalidInput(
            request.field,
            f"= {shown(request.given)} is part of {len(found)} ids: {named}{more}",
            "Write more of it.",
        )

    @staticmethod
    def _unknown(request: IdRequest) -> InvalidInput:
        if request.what == "item":
            return UnknownItem(request.given, request.field)
        if request.what == "recall":
            return UnknownRecall(request.given, field=request.field)
        return InvalidInput(
            request.field,
            f"{shown(request.given)} names no outcome that is known here",
            "Pass the outcome_id that report_outcome returned, or leave it out.",
        )

    def _known(self, request: IdRequest, caller: Caller) -> dict[str, str]:
        """What the caller may mean, by id, with its title or task."""
        core = self._core
        if request.what == "item":
            named = core.project_of(request.project, caller) if request.project else ""
            lines = core.catalogue.lines(named)
            return {line.id: line.title for line in lines if caller.sees(line.project)}
        if request.what == "outcome":
            told = list(core.reports.by_id.values())
            return {one.id: one.task for one in told if caller.works_in(one.project)}
        meant = [one for one in core.store.recall_ids() if _is_meant(request.given, one)]
        return dict(self._recalls(meant[-2 * MOST_NAMED :], caller))

    def _recalls(self, ids: Iterable[str], caller: Caller) -> Iterable[tuple[str, str]]:
        for recall_id in ids:
            found = self._core.store.get_recall(recall_id)
            if found is not None and caller.works_in(found.record.project):
                yield recall_id, found.record.task

    def _last(self, request: IdRequest, caller: Caller) -> Identified:
        core = self._core
        project = core.project_of(request.project, caller)
        covered = core.names.covers(project)
        if request.state == "retired":
            found = self._forgotten(project)
            if found is not None:
                return found
        elif request.what == "item":
            lines = core.catalogue.lines(project, "active")
            own = [one for one in lines if one.project in covered]
            if own:
                newest = max(own, key=lambda line: (line.created_at, line.id))
                return Identified(id=newest.id, title=newest.title)
        elif request.what == "recall":
            for record in core.store.newest_recalls(covered, request.session, limit=1):
                return Identified(id=record.id, title=line_of(record.task))
        else:
            told = [one for one in list(core.reports.by_id.values()) if one.project in covered]
            if told:
                return Identified(id=told[-1].id, title=line_of(told[-1].task))
        of = f" in session {shown(request.session)}" if request.session else ""
        which = "forgotten " if request.state == "retired" else ""
        raise InvalidInput(
            "last",
            f"means no {which}{request.what}: project {shown(project)} has none{of}",
            "Name another project, or pass an id.",
        )

    def _forgotten(self, project: str) -> Identified | None:
        """The item of a project that was forgotten last; not what another took the place of."""
        core = self._core
        covered, lines = core.names.covers(project), core.catalogue.lines(project, "retired")
        gone = {one.id: one.title for one in lines if one.project in covered}
        for event in reversed(list(core.store.events())):
            if event.kind == "retire" and event.item_id in gone:
                return Identified(id=event.item_id, title=gone[event.item_id])
        return None


def _is_meant(given: str, record_id: str) -> bool:
    """Whether a text is the beginning of an id, its prefix aside, or the end of it."""
    bare = record_id.partition("_")[2]
    ends = len(given) >= SHORTEST_END and bare.endswith(given)
    return record_id.startswith(given) or bare.startswith(given) or ends
