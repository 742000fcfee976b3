"""The reading side: list, get, brief, mistakes, open recalls."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from memory_core.answers import (
    Brief,
    FailureWarning,
    ItemDetail,
    ItemOutcome,
    LessonLine,
    ListAnswer,
    Mistakes,
    OpenRecall,
    RecallsAnswer,
    ServedItem,
)
from memory_core.caller import OWNER, Caller
from memory_core.errors import InvalidInput, shown
from memory_core.model import GLOBAL_PROJECT, Item, RecallRecord
from memory_core.moments import moment
from memory_core.ports import Candidate
from memory_core.requests import (
    BriefRequest,
    ItemRequest,
    ListRequest,
    MistakesRequest,
    RecallsRequest,
)
from memory_core.service.advising import after_listing
from memory_core.service.catalogue import Line
from memory_core.service.conditions import conditions_of
from memory_core.service.core import Core
from memory_core.service.fitting import held_in, nearest
from memory_core.service.notebook import PATTERN, iso
from memory_core.service.open_recalls import line_of
from memory_core.words import terms

OUTCOMES_SHOWN = 20
MOST_FOUND = 200
"""Items that a query of a listing finds."""
LIKE = 0.36
"""Cosine, on the model's own scale, that one in a hundred unrelated texts reaches."""
BRIEF_LINES = 12


class Reading:
    """Lists and shows what is stored."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def list_lessons(self, request: ListRequest, caller: Caller = OWNER) -> ListAnswer:
        """One page; see the port."""
        project, start = self._from(request, caller)
        found = self._found if request.query.strip() else self._all
        lines = self._kept(found(request, project), request)
        if not request.query.strip() or "sort" in request.model_fields_set:
            self._sort(lines, request, caller)
        page = lines[start : start + request.limit]
        more = start + len(page) < len(lines)
        core = self._core
        name, elsewhere, note = core.shown(project, caller), 0, ""
        if all(line.project == GLOBAL_PROJECT for line in lines):
            name, elsewhere, note = core.looked_in(project, caller)
        cursor = _cursor(request, project, start + len(page)) if more else ""
        return ListAnswer(
            items=tuple(self._line(line, caller) for line in page),
            total=len(lines),
            next_cursor=cursor,
            next=after_listing(
                shown_items=len(page),
                total=len(lines),
                cursor=cursor,
                filtered=request.is_filtered,
            ),
            note=note,
            project=name,
            elsewhere=elsewhere,
        )

    def _from(self, request: ListRequest, caller: Caller) -> tuple[str, int]:
        """The project of a listing, and where its page begins: a cursor says both.

        Raises:
            InvalidInput: The cursor is of another listing.
        """
        named = self._core.project_of(request.project, caller)
        if not request.cursor:
            return named, 0
        found = _place(request)
        fits = found is not None and caller.works_in(found[0])
        if found is None or not fits or (request.project and found[0] != named):
            raise InvalidInput(
                "cursor",
                f"{shown(request.cursor)} is not of this listing",
                "Pass next_cursor with the same other arguments, or leave it out.",
            )
        return found

    def _all(self, request: ListRequest, project: str) -> list[Line]:
        return list(self._core.catalogue.lines(project, request.state, request.kind))

    def _kept(self, lines: list[Line], request: ListRequest) -> list[Line]:
        """Those with the tag and the source, stored in the time that is asked for."""
        now, tag = self._core.clock(), request.tag.strip().casefold()
        since = moment(request.since, now) if request.since else float("-inf")
        until = moment(request.until, now, last=True) if request.until else float("inf")
        return [
            line
            for line in lines
            if since <= line.created_at <= until
            and request.written_by in ("", line.source)
            and (not tag or tag in (one.casefold() for one in line.tags))
        ]

    def _sort(self, lines: list[Line], request: ListRequest, caller: Caller) -> None:
        lines.sort(key=lambda line: (-line.created_at, line.id))
        tally, seen = self._core.tally, caller.projects
        if request.sort == "wins":
            lines.sort(key=lambda line: -tally.of(line.id, seen).wins)
        elif request.sort == "losses":
            lines.sort(key=lambda line: -tally.of(line.id, seen).losses)
        elif request.sort == "useful":
            lines.sort(key=lambda line: -self._usefulness(line.id, caller))

    def _usefulness(self, item_id: str, caller: Caller) -> float:
        """Wins over losses, shrunk to even: (wins + 1) / (wins + losses + 2)."""
        tally = self._core.tally.of(item_id, caller.projects)
        return (tally.wins + 1) / (tally.wins + tally.losses + 2)

    def _found(self, request: ListRequest, project: str) -> list[Line]:
        core = self._core
        scope = replace(
            core.scope(project),
            kinds=(request.kind,) if request.kind else (),
            states=(request.state,),
        )
        conditions = conditions_of(core.embedder, request.query, held=held_in(core, scope))
        probes = conditions.probes
        found = core.store.search(probes, scope, MOST_FOUND)
        near = (1.0 - conditions.letters) * nearest(core.scale, probes, found)
        lines = [
            core.catalogue.get(candidate.stored.item.id)
            for candidate, likeness in zip(found, near.tolist(), strict=True)
            if likeness >= LIKE or has_words(probes[0].text, candidate)
        ]
        return [line for line in lines if line is not None]

    def _line(self, line: Line, caller: Caller) -> LessonLine:
        tally = self._core.tally.of(line.id, caller.projects)
        return LessonLine(
            id=line.id,
            kind=line.kind,
            title=line.title,
            state=line.state,
            project=self._core.shown(line.project, caller),
            wins=tally.wins,
            losses=tally.losses,
            recalls=tally.recalls,
            age_days=self._core.age_days(line.created_at),
            created_at=iso(line.created_at),
        )

    def get(self, request: ItemRequest, caller: Caller = OWNER) -> ItemDetail:
        """A whole item, of whatever project the caller sees; see the port."""
        core, item_id = self._core, request.item_id
        core.project_of(request.project, caller)
        line = core.line_of(item_id, caller)
        item = core.store.get_items([item_id])[item_id].item
        tally = core.tally.of(item_id, caller.projects)
        return ItemDetail(
            id=item.id,
            kind=item.kind,
            state=line.state,
            project=core.shown(item.project, caller),
            title=item.title,
            description=item.description,
            content=item.content,
            task=item.task,
            tags=item.tags,
            evidence=item.evidence,
            source=item.source,
            trust=item.trust,
            created_at=iso(item.created_at),
            embedder=item.embedder,
            wins=tally.wins,
            losses=tally.losses,
            recalls=tally.recalls,
            supersedes=item.supersedes,
            superseded_by=core.catalogue.successor(item.id),
            derived_from=item.derived_from,
            outcome_id=item.outcome_id,
            pair=self._pair(item),
            outcomes=self._outcomes(item_id, caller),
            earlier=core.lineage.earlier(item_id),
            latest="" if (latest := core.lineage.latest(item_id)) == item_id else latest,
        )

    def _outcomes(self, item_id: str, caller: Caller) -> tuple[ItemOutcome, ...]:
        """What touched an item, newest first: a global item's only from the caller's projects."""
        by_id = self._core.reports.by_id
        touches = [
            touch
            for touch in self._core.tally.of(item_id, caller.projects).outcomes
            if touch.outcome_id in by_id
        ]
        touches = sorted(touches, key=lambda touch: by_id[touch.outcome_id].at)[-OUTCOMES_SHOWN:]
        return tuple(
            ItemOutcome(
                outcome_id=touch.outcome_id,
                outcome=by_id[touch.outcome_id].outcome,
                credit=touch.credit,
                at=iso(by_id[touch.outcome_id].at),
                task=by_id[touch.outcome_id].task[:200],
                error=by_id[touch.outcome_id].error_class,
            )
            for touch in reversed(touches)
        )

    def _pair(self, item: Item) -> tuple[str, ...]:
        """The outcome that an item came from and the latest opposite one of the same attempts."""
        if not item.outcome_id:
            return ()
        own = self._core.reports.by_id.get(item.outcome_id)
        if own is None:
            return (item.outcome_id,)
        other = [
            r
            for r in list(self._core.reports.by_owner.values())
            if (r.reward > 0.5) != (own.reward > 0.5)
            and self._core.names.key(r.project) == self._core.names.key(own.project)
            and (
                r.attempt_group == own.attempt_group != ""
                or (r.task == own.task and r.session == own.session)
            )
        ]
        other.sort(key=lambda r: r.at)
        return (own.id, other[-1].id) if other else (own.id,)

    def brief(self, request: BriefRequest, caller: Caller = OWNER) -> Brief:
        """A project's playbook: what works, what to avoid, within `max_tokens` (characters / 4)."""
        core = self._core
        name = core.project_of(request.project, caller)
        lines = [self._line(line, caller) for line in core.catalogue.lines(name, "active")]
        works = [line for line in lines if line.wins > line.losses and line.kind != "pitfall"]
        works.sort(key=lambda line: (-self._usefulness(line.id, caller), -line.wins, line.id))
        avoid = [line for line in lines if line.kind == "pitfall" or line.losses > line.wins]
        avoid.sort(key=lambda line: (-line.losses, line.age_days, line.id))
        names = core.names.covers(name)
        mistakes = core.as_worded_now(core.notebook.clusters(*names)[:5])
        reports = sum(1 for r in list(core.reports.by_owner.values()) if r.project in names)
        name = core.shown(name, caller)
        text = _playbook(
            f"Playbook of {name} ({reports} reported outcomes)",
            works=works[:BRIEF_LINES],
            avoid=avoid[:BRIEF_LINES],
            mistakes=mistakes,
            max_tokens=request.max_tokens,
        )
        return Brief(
            project=name,
            works=tuple(works[:BRIEF_LINES]),
            avoid=tuple(avoid[:BRIEF_LINES]),
            mistakes=mistakes,
            reports=reports,
            text=text,
        )

    def mistakes(self, request: MistakesRequest, caller: Caller = OWNER) -> Mistakes:
        """The failure clusters of a project, the most seen first."""
        names = self._core.names.covers(self._core.project_of(request.project, caller))
        clusters = self._core.notebook.clusters(*names)
        patterns = sum(cluster.seen >= PATTERN for cluster in clusters)
        following = "Nothing: no failure has been seen three times."
        if patterns:
            worst = clusters[0]
            following = (
                f"Write one general lesson (kind pitfall) against {worst.signature_id} "
                f"({worst.summary}): what leads to it, and what to do instead."
            )
        told = self._core.as_worded_now(clusters[:50])
        return Mistakes(clusters=told, patterns=patterns, next=following)

    def recalls(self, request: RecallsRequest, caller: Caller = OWNER) -> RecallsAnswer:
        """The open recalls of a project, or all of them, newest first; see the port."""
        core = self._core
        project = core.project_of(request.project, caller)
        found = [
            one
            for name in core.names.covers(project)
            for one in core.open_recalls.newest_first(name, request.session, core.clock())
        ]
        found.sort(key=lambda one: -one.at)
        since = moment(request.since, core.clock()) if request.since else 0.0
        if not request.open:
            return self._log(request, project, since, len(found))
        found = [one for one in found if one.at >= since]
        return RecallsAnswer(
            recalls=tuple(
                OpenRecall(
                    recall_id=one.recall_id,
                    door=one.door,
                    task=one.task,
                    session=one.session,
                    age_days=core.age_days(one.at),
                    at=iso(one.at),
                    items=one.items,
                )
                for one in found[: request.limit]
            ),
            open=len(found),
        )

    def _log(
        self, request: RecallsRequest, project: str, since: float, opened: int
    ) -> RecallsAnswer:
        """What was served, open or not, across restarts."""
        records = self._core.store.newest_recalls(
            self._core.names.covers(project),
            request.session,
            since=since,
            before=request.before,
            limit=request.limit + 1,
        )
        listed = records[: request.limit]
        more = listed[-1].id if len(records) > len(listed) else ""
        lines = tuple(self._recall_line(record) for record in listed)
        return RecallsAnswer(recalls=lines, open=opened, before=more)

    def _recall_line(self, record: RecallRecord) -> OpenRecall:
        core, served = self._core, record.served_ids
        closer = core.open_recalls.closed_with(record.id)
        outcome = core.reports.by_owner.get(record.id) or core.reports.by_owner.get(closer)
        lines = ((item_id, core.catalogue.get(item_id)) for item_id in served)
        return OpenRecall(
            recall_id=record.id,
            door=record.door,
            task=line_of(record.task),
            session=record.session,
            age_days=core.age_days(record.at),
            at=iso(record.at),
            items=len(served),
            project=record.project,
            withheld=record.withheld,
            served=tuple(
                ServedItem(id=item_id, title=line.title if line is not None else "")
                for item_id, line in lines
            ),
            outcome=outcome.outcome if outcome is not None else "",
            outcome_id=outcome.id if outcome is not None else "",
        )


def has_words(query: str, candidate: Candidate) -> bool:
    """Whether an item that the text index finds has half of a query's words at the least."""
    item = candidate.stored.item
    asked, held = set(terms(query)), set(terms(" ".join((item.text, item.task, *item.tags))))
    return candidate.keyword > 0 and (len(asked) < 2 or 2 * len(asked & held) >= len(asked))


def _key(request: ListRequest) -> str:
    asked = [request.query, request.kind, request.state, request.sort]
    asked += [request.tag, request.written_by, request.since, request.until]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]


def _cursor(request: ListRequest, project: str, offset: int) -> str:
    said = f"{_key(request)}:{offset}:{project}"
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _place(request: ListRequest) -> tuple[str, int] | None:
    """The project and the offset that a cursor of this listing says, None for any other."""
    try:
        padded = request.cursor + "=" * (-len(request.cursor) % 4)
        said = base64.urlsafe_b64decode(padded.encode()).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return None
    key, _, rest = said.partition(":")
    offset, _, project = rest.partition(":")
    if key != _key(request) or not offset.isdecimal() or len(offset) > 9 or not project:
        return None
    return project, int(offset)


def _line_of(lesson: LessonLine) -> str:
    return f"- {lesson.title} ({lesson.wins} wins, {lesson.losses} losses)"


def _playbook(
    title: str,
    *,
    works: Sequence[LessonLine],
    avoid: Sequence[LessonLine],
    mistakes: Sequence[FailureWarning],
    max_tokens: int,
) -> str:
    """The brief as Markdown, whole lines only, at most `max_tokens` (characters / 4)."""
    lines = [f"# {title}"]
    if works:
        lines += ["", "## What works", *(_line_of(lesson) for lesson in works)]
    if avoid:
        lines += ["", "## What to avoid", *(_line_of(lesson) for lesson in avoid)]
    if mistakes:
        lines += ["", "## Failures seen", *(f"- {m.summary} (seen {m.seen})" for m in mistakes)]
    if len(lines) == 1:
        lines.append(
            "Nothing learned yet: recall before a task, report its outcome, remember its lesson."
        )
    kept, room = [], max_tokens * 4
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept)
