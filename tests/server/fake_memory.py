"""A memory port that lives in a few dictionaries: small, honest, and quick to start.

It finds items by the words they share with the task, keeps outcomes, and tells
changes. It learns nothing, so its mode is "similarity".
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Literal

from memory_core.answers import (
    Brief,
    Compacted,
    EditAnswer,
    FailureWarning,
    Identified,
    ItemDetail,
    Judged,
    Learning,
    ListAnswer,
    Mistakes,
    NearDuplicate,
    OpenRecall,
    OutcomeAnswer,
    ProjectChanged,
    ProjectLine,
    ProjectsAnswer,
    RecallAnswer,
    RecallsAnswer,
    Reembedded,
    RememberAnswer,
    ScorerReport,
    StateAnswer,
    Stats,
)
from memory_core.caller import OWNER, Caller
from memory_core.errors import UnknownItem, UnknownRecall
from memory_core.model import GLOBAL_PROJECT, State, new_id
from memory_core.port import Change, Memory, Method, Progress, Readiness
from memory_core.proof_answers import Proof, ProofDetails
from memory_core.requests import (
    AnswerT,
    BriefRequest,
    CheckRequest,
    EditRequest,
    Empty,
    ForgetRequest,
    IdRequest,
    ItemRequest,
    ListRequest,
    MistakesRequest,
    OutcomeRequest,
    ProjectRequest,
    ProjectsRequest,
    RecallRequest,
    RecallsRequest,
    RememberRequest,
    RequestT,
)
from memory_core.service.advising import after_check, after_recall
from tests.server.fake_items import Kept, kept_from, words

Subject = Literal["item", "project", "mistakes", "scorer", "stats"]


class FakeMemory(Memory):
    """The port over dictionaries; what was called with can be looked up in its attributes."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.served: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.reports: dict[str, OutcomeAnswer] = {}
        self.errors: dict[str, FailureWarning] = {}
        self.sessions: list[str] = []
        self.opened: dict[str, OpenRecall] = {}
        self.warmed = 0
        self.closed = False
        self.listeners: list[asyncio.Queue[Change]] = []
        self.caller = OWNER
        self.project = ""

    def bound(self, caller: Caller) -> FakeMemory:
        """The same dictionaries for another caller, whom this memory remembers but not holds."""
        view = self if caller == OWNER else copy.copy(self)
        view.caller = caller
        return view

    def work_in(self, project: str) -> None:
        self.project = project

    async def call(
        self,
        method: Method[RequestT, AnswerT],
        request: RequestT,
        progress: Progress | None = None,
    ) -> AnswerT:
        """Carry a call out by the function of its name, with an underscore before it."""
        answer: AnswerT = await getattr(self, f"_{method.name}")(request)
        if progress:
            await progress(1.0, "done")
        return answer

    # -- recall ----------------------------------------------------------------

    async def _recall(self, request: RecallRequest) -> RecallAnswer:
        text = f"{request.task} {request.context} {request.error}"
        items = self._ranked(text, request.project, request.kinds)[: request.k]
        answer = self._served(request.project, request.session, items, ()).model_copy(
            update={
                "next": after_recall(
                    items=len(items),
                    cramped=request.max_tokens < 150,
                    warnings=0,
                    mode="similarity",
                    loading=False,
                    reported="recall_id",
                )
            }
        )
        return self._open(answer, request.session, "recall", request.task)

    async def _check(self, request: CheckRequest) -> RecallAnswer:
        text = f"{request.action} {request.error}"
        kinds = () if request.error else ("pitfall",)
        items = self._ranked(text, request.project, kinds)[: request.k]
        known = [one for one in self.errors.values() if words(one.summary) & words(text)]
        answer = self._served(request.project, request.session, items, tuple(known)).model_copy(
            update={
                "next": after_check(
                    items=len(items),
                    against=len(known) + sum(one.item.kind == "pitfall" for _, one in items),
                    failed=bool(request.error),
                    others=bool(items),
                    mode="similarity",
                    loading=False,
                    reported="recall_id",
                )
            }
        )
        return self._open(answer, request.session, "check", request.action or request.error)

    def _open(
        self, answer: RecallAnswer, session: str, door: Literal["recall", "check"], task: str
    ) -> RecallAnswer:
        if answer.items:
            self.opened[answer.recall_id] = OpenRecall(
                recall_id=answer.recall_id,
                door=door,
                task=task,
                session=session,
                age_days=0.0,
                items=len(answer.items),
            )
        return answer

    async def _recalls(self, request: RecallsRequest) -> RecallsAnswer:
        found = [
            one
            for key, one in reversed(self.opened.items())
            if request.session in ("", one.session)
            and not (request.open and key in self.reports)
            and self.served[key][0] == self._own(request.project)
        ]
        return RecallsAnswer(recalls=tuple(found[: request.limit]), open=len(found))

    async def _identify(self, request: IdRequest) -> Identified:
        known = {
            "item": {
                one.item.id: one.item.title
                for one in self.kept.values()
                if request.given or one.state == request.state
            },
            "recall": dict.fromkeys(self.served, "a task"),
            "outcome": {one.outcome_id: "a task" for one in self.reports.values()},
        }[request.what]
        found = [one for one in known if one.startswith(request.given)]
        if not found or (request.given and len(found) > 1):
            raise UnknownItem(request.given, request.field)
        return Identified(id=found[-1], title=known[found[-1]])

    def _ranked(self, text: str, project: str, kinds: tuple[str, ...]) -> list[tuple[float, Kept]]:
        asked = words(text)
        found = []
        for one in self._seen(project):
            shared = words(one.item.text) & asked
            if one.state == "active" and shared and (not kinds or one.item.kind in kinds):
                found.append((len(shared) / len(asked), one))
        return sorted(found, key=lambda pair: (-pair[0], pair[1].item.id))

    def _own(self, project: str) -> str:
        """The project of a call that no id decides."""
        return project or self.caller.home or "default"

    def _seen(self, project: str) -> list[Kept]:
        names = (self._own(project), GLOBAL_PROJECT)
        return [one for one in self.kept.values() if one.item.project in names]

    def _served(
        self,
        project: str,
        session: str,
        items: list[tuple[float, Kept]],
        warnings: tuple[FailureWarning, ...],
    ) -> RecallAnswer:
        self.sessions.append(session)
        recall_id = new_id("recall")
        self.served[recall_id] = (self._own(project), tuple(one.item.id for _, one in items))
        for _, one in items:
            one.recalls += 1
        return RecallAnswer(
            recall_id=recall_id,
            items=tuple(one.recalled(similarity) for similarity, one in items),
            warnings=warnings,
            abstained=not items,
            mode="similarity",
            weight=0.0,
        )

    # -- changes ---------------------------------------------------------------

    async def _remember(self, request: RememberRequest) -> RememberAnswer:
        project = self._own(request.project)
        old = self._known(request.supersedes, "supersedes") if request.supersedes else None
        near = []
        for one in self._seen(project):
            if (one.item.title, one.item.content) == (request.title, request.content):
                return RememberAnswer(id=one.item.id, status="duplicate")
            if words(one.item.title) == words(request.title):
                near.append(NearDuplicate(id=one.item.id, title=one.item.title, similarity=1.0))
        kept = kept_from(request, project)
        self.kept[kept.item.id] = kept
        if old is not None:
            old.state, old.superseded_by = "retired", kept.item.id
        self.tell("item", kept.item.id)
        self.tell("project", project)
        self.tell("stats")
        return RememberAnswer(
            id=kept.item.id,
            status="superseded" if old else "added",
            near_duplicates=tuple(near),
        )

    async def _edit(self, request: EditRequest) -> EditAnswer:
        old = self._known(request.item_id, "item_id")
        item = replace(old.item, id=new_id("item"), supersedes=old.item.id, **request.changes)
        kept = Kept(item)
        if request.record == "keep" or words(old.item.text) == words(item.text):
            kept = Kept(item, "active", old.wins, old.losses, old.recalls)
        self.kept[item.id] = kept
        old.state, old.superseded_by = "retired", item.id
        self.tell("item", item.id)
        return EditAnswer(
            id=item.id,
            was=old.item.id,
            title=item.title,
            status="edited",
            record="kept" if kept.recalls == old.recalls else "new",
            why="by its words",
            wins=kept.wins,
            losses=kept.losses,
            recalls=kept.recalls,
        )

    async def _report_outcome(self, request: OutcomeRequest) -> OutcomeAnswer:
        self.sessions.append(request.session)
        project, served = self._episode(request)
        named = request.used_ids if request.used_ids is not None else served
        touched = [self._known(one, "used_ids") for one in named]
        judged = _judged(request)
        key = request.report_id or request.recall_id
        earlier = self.reports.get(key)
        if earlier and earlier.judged.outcome == judged.outcome:
            return earlier.model_copy(update={"status": "repeated"})
        for one in touched:
            one.count(judged.outcome, request)
            self.tell("item", one.item.id)
        lessons = [
            await self._remember(RememberRequest(**one.model_dump(), project=project))
            for one in request.lessons
        ]
        self.tell("scorer")
        answer = OutcomeAnswer(
            outcome_id=new_id("outcome"),
            status="corrected" if earlier else "recorded",
            judged=judged,
            credited=tuple(one.credited() for one in touched),
            signature=self._signature(request, named),
            lessons=tuple(lessons),
            next="" if lessons else "Remember up to 3 lessons with this outcome_id.",
            learning=Learning(reports=len(self.reports) + 1, weight=0.0, proof="None yet."),
        )
        self.reports[key or answer.outcome_id] = answer
        return answer

    def _episode(self, request: OutcomeRequest) -> tuple[str, tuple[str, ...]]:
        if not request.recall_id:
            return self._own(request.project), ()
        if request.recall_id not in self.served:
            raise UnknownRecall(request.recall_id)
        return self.served[request.recall_id]

    def _signature(self, request: OutcomeRequest, items: tuple[str, ...]) -> str:
        if not request.error:
            return ""
        known = self.errors.get(request.error)
        signature = FailureWarning(
            signature_id=known.signature_id if known else new_id("signature"),
            seen=known.seen + 1 if known else 1,
            last_seen="2026-11-01T00:00:00Z",
            summary=request.error,
            item_ids=items,
        )
        self.errors[request.error] = signature
        self.tell("mistakes")
        return signature.signature_id

    async def _forget(self, request: ForgetRequest) -> StateAnswer:
        return self._flip(request, "retired")

    async def _restore(self, request: ForgetRequest) -> StateAnswer:
        return self._flip(request, "active")

    def _flip(self, request: ForgetRequest, state: State) -> StateAnswer:
        one = self._known(request.item_id, "item_id")
        was, one.state = one.state, state
        self.tell("item", one.item.id)
        self.tell("project", one.item.project)
        return StateAnswer(id=one.item.id, title=one.item.title, state=state, was=was)

    def _known(self, item_id: str, argument: str) -> Kept:
        one = self.kept.get(item_id)
        if one is None:
            raise UnknownItem(item_id, argument)
        return one

    # -- reading ---------------------------------------------------------------

    async def _list_lessons(self, request: ListRequest) -> ListAnswer:
        found = [
            one
            for one in self._seen(request.project)
            if one.state == request.state
            and request.kind in (None, one.item.kind)
            and (not request.query or words(request.query) & words(one.item.text))
        ]
        start = int(request.cursor or 0)
        end = start + request.limit
        return ListAnswer(
            items=tuple(one.line() for one in found[start:end]),
            total=len(found),
            next_cursor=str(end) if end < len(found) else "",
        )

    async def _projects(self, request: ProjectsRequest) -> ProjectsAnswer:
        names = dict.fromkeys(one.item.project for one in self.kept.values())
        lines = (ProjectLine(name=n, items=len(self._in(n)), recalls=0, reports=0) for n in names)
        return ProjectsAnswer(projects=tuple(lines), project=request.project or "default")

    def _in(self, project: str) -> list[Kept]:
        return [one for one in self.kept.values() if one.item.project == project]

    async def _change_project(self, request: ProjectRequest) -> ProjectChanged:
        moved = [self.kept[one] for one in request.item_ids] or self._in(request.project)
        for one in moved:
            one.item = replace(one.item, project=request.into)
        return ProjectChanged(
            action=request.action, project=request.project, into=request.into, items=len(moved)
        )

    async def _get(self, request: ItemRequest) -> ItemDetail:
        return self._known(request.item_id, "item_id").detail()

    async def _brief(self, request: BriefRequest) -> Brief:
        lines = tuple(one.line() for one in self._seen(request.project) if one.state == "active")
        text = "\n".join(["# What works", *(f"- {one.title}" for one in lines)])
        return Brief(
            project=self._own(request.project),
            works=lines,
            avoid=(),
            mistakes=(),
            reports=len(self.reports),
            text=text[: 4 * request.max_tokens],
        )

    async def _mistakes(self, request: MistakesRequest) -> Mistakes:
        seen = {one.item.id for one in self._seen(request.project)}
        clusters = [one for one in self.errors.values() if seen.issuperset(one.item_ids)]
        return Mistakes(clusters=tuple(clusters), patterns=0, next="")

    async def _scorer(self, _request: Empty) -> ScorerReport:
        return ScorerReport(
            mode="similarity",
            version="fake",
            reports=len(self.reports),
            trained=0,
            pending=0,
            weight=0.0,
            weights={},
            proof=Proof(
                held_out=0,
                wins=0,
                losses=0,
                ties=0,
                interval=(0.0, 1.0),
                gain=0.0,
                sentence="None yet.",
            ),
            calibration_error=None,
            rollbacks=0,
            state="fresh",
            parameters=0,
            details=ProofDetails(verdict="Too early to tell."),
        )

    async def _stats(self, request: Empty) -> Stats:
        projects = [one.item.project for one in self.kept.values()]
        return Stats(
            version="0",
            store="memory",
            projects={name: projects.count(name) for name in projects},
            items={"active": len(self.kept)},
            recalls=len(self.served),
            outcomes={},
            bytes=0,
            fragments=0,
            unindexed=0,
            embedder="words",
            dimension=0,
            readiness="ready",
            learner=await self._scorer(request),
        )

    # -- life ------------------------------------------------------------------

    async def _compact(self, _request: Empty) -> Compacted:
        return Compacted(fragments_before=0, fragments_after=0, bytes_before=0, bytes_after=0)

    async def _reembed(self, _request: Empty) -> Reembedded:
        return Reembedded(embedder="words", dimension=0, items=0, recalls=0, skipped=0)

    def warm(self) -> None:
        self.warmed += 1

    def readiness(self) -> Readiness:
        return Readiness(stage="ready", fraction=1.0, message="")

    def changes(self) -> AsyncIterator[Change]:
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self.listeners.append(queue)
        return _told(queue)

    def tell(self, subject: Subject, key: str = "") -> None:
        for queue in self.listeners:
            queue.put_nowait(Change(subject, key))

    async def aclose(self) -> None:
        self.closed = True


async def _told(queue: asyncio.Queue[Change]) -> AsyncIterator[Change]:
    while True:
        yield await queue.get()


def _judged(request: OutcomeRequest) -> Judged:
    if request.evidence and request.evidence.exit_code:
        why = f"exit code {request.evidence.exit_code} outranks the flag"
        return Judged(outcome="failure", strength=1.0, why=why)
    return Judged(outcome=request.outcome, strength=0.3, why="only the flag was given")
