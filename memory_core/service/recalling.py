"""recall and check: candidates, learned order, cut, warnings, and the log of what was served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeVar

import numpy as np

from memory_core.answers import FailureWarning, RecallAnswer, RecalledItem
from memory_core.caller import OWNER, Caller
from memory_core.errors import StoreUnavailable
from memory_core.excerpts import ERROR_KEPT, TASK_KEPT, ends, excerpt
from memory_core.model import Mode, RecallRecord, new_id
from memory_core.ports import Scope, StoredRecall, Vector
from memory_core.redaction import redact
from memory_core.requests import ROOM_FOR_ONE, CheckRequest, RecallRequest
from memory_core.scorer.panel import panel_of
from memory_core.scorer.relevance import BY_MEANING, BY_WORDS, tempered
from memory_core.service.advising import Reported, after_check, after_recall
from memory_core.service.answering import Ranked, cut, size_of, tokens_of, why
from memory_core.service.catalogue import said_of
from memory_core.service.conditions import Conditions, conditions_of
from memory_core.service.core import Core
from memory_core.service.fitting import held_in, least_of, signs_read
from memory_core.service.fold import recall_changes
from memory_core.service.holdout import NOTE, withholds
from memory_core.service.notebook import MOST_WARNINGS
from memory_core.service.slate import Slate, explored, slate_of

CANDIDATES = 50
CHECK_TRUST = 0.2
CHECK_TOKENS = 1200
REMINDED_FROM = 200
"""Tokens of an answer below which its note has no room for a reminder."""
RequestT = TypeVar("RequestT", RecallRequest, CheckRequest)


class Recaller:
    """Answers recall and check."""

    def __init__(self, core: Core) -> None:
        self._core = core

    # -- recall --------------------------------------------------------------------

    def recall(self, request: RecallRequest, caller: Caller = OWNER) -> RecallAnswer:
        """Answer one recall; see the port."""
        core = self._core
        request = _redacted(request, "task", "context", "error")
        project = core.project_of(request.project, caller)
        scope = replace(core.scope(project), kinds=request.kinds)
        held = held_in(core, scope)
        conditions = conditions_of(
            core.embedder, request.task, request.context, request.error, held
        )
        bar = self._bar(uninvited=request.door == "prompt")
        ranked = self._rank(conditions, scope, project, request.session, bar)
        recall_id = new_id("rec")
        slate = self._slate(ranked, self._choose(ranked, request.k), recall_id)
        abstained = not slate.chosen
        holdout = core.settings.holdout if slate.chosen and ranked.mode != "keyword" else 0.0
        warnings = self._warnings(project, conditions)
        if withholds(recall_id, holdout):
            ranked, slate = replace(ranked, mode="withheld", weight=0.0), slate.withheld()
            warnings = ()
        room, most = request.max_tokens, request.max_tokens // 2
        if slate.chosen:
            most = min(most, max(room - ROOM_FOR_ONE, 0))
        while tokens_of(warnings) > most:
            warnings = warnings[:-1]
        items = self._fit(ranked, slate.chosen, room - tokens_of(warnings), caller)
        record = RecallRecord(
            id=recall_id,
            project=project,
            task=excerpt(request.task, held=held),
            at=core.clock(),
            context=excerpt(request.context),
            error=ends(request.error, ERROR_KEPT),
            session=request.session,
            source=core.source_of("", caller),
            door=request.door,
            holdout=holdout,
        )
        reminder = self._reminder(record, request.max_tokens, caller)
        lost = self._log(record, conditions.vector, ranked, slate.cut(len(items)))
        found = bool(slate.chosen) or ranked.mode == "withheld"
        name, elsewhere, nothing = self._where(project, caller, found=found)
        return RecallAnswer(
            recall_id=record.id,
            items=slate.told(items),
            warnings=warnings,
            abstained=abstained,
            mode=ranked.mode,
            weight=ranked.weight,
            note=self._note(ranked.mode, reminder, lost, nothing),
            next=after_recall(
                items=len(items),
                cramped=room < ROOM_FOR_ONE,
                warnings=len(warnings),
                mode=ranked.mode,
                loading=self._is_loading(ranked.mode),
                reported=_reported(caller, lost),
            ),
            project=name,
            elsewhere=elsewhere,
        )

    def _is_loading(self, mode: Mode) -> bool:
        """Whether words alone were searched, and soon will not be: no model has failed to load."""
        return mode == "keyword" and not self._core.notes

    def _slate(self, ranked: Ranked, chosen: tuple[int, ...], recall_id: str) -> Slate:
        """What is served: the chosen, or with exploration on a draw around them."""
        plain, scale = slate_of(ranked, chosen), self._core.settings.explore
        if scale <= 0 or ranked.mode != "learned":
            return plain
        return explored(ranked, plain, scale, recall_id)

    # -- check ---------------------------------------------------------------------

    def check(self, request: CheckRequest, caller: Caller = OWNER) -> RecallAnswer:
        """Answer one check: warnings, then pitfalls, then what helps.

        Who has an error asks what to do now, so whatever fits is served, as by recall; before
        an action pitfalls are, and what worked in like conditions.
        """
        core = self._core
        request = _redacted(request, "action", "error")
        project = core.project_of(request.project, caller)
        scope = core.scope(project)
        held = held_in(core, scope)
        conditions = conditions_of(core.embedder, request.action, "", request.error, held)
        bar = self._bar(uninvited=request.door == "prompt")
        ranked = self._rank(conditions, scope, project, request.session, bar)
        failed = bool(request.error.strip())
        fitting = self._choose(ranked, request.k)
        chosen = fitting if failed else self._concerning(ranked)[: request.k]
        warnings = self._warnings(project, conditions)
        items = self._fit(ranked, chosen, CHECK_TOKENS, caller)
        order = sorted(range(len(items)), key=lambda n: items[n].kind != "pitfall")
        items, chosen = tuple(items[n] for n in order), tuple(chosen[n] for n in order)
        record = RecallRecord(
            id=new_id("rec"),
            project=project,
            task=excerpt(request.action, held=held) or request.error[-TASK_KEPT:],
            at=core.clock(),
            error=ends(request.error, ERROR_KEPT) if request.action else "",
            session=request.session,
            source=core.source_of("", caller),
            door="check",
        )
        reminder = self._reminder(record, CHECK_TOKENS, caller)
        lost = self._log(record, conditions.vector, ranked, slate_of(ranked, chosen))
        found = bool(items or warnings)
        name, elsewhere, nothing = self._where(project, caller, found=found)
        return RecallAnswer(
            recall_id=record.id,
            items=items,
            warnings=warnings,
            abstained=not items and not warnings,
            mode=ranked.mode,
            weight=ranked.weight,
            note=self._note(ranked.mode, reminder, lost, nothing),
            next=after_check(
                items=len(items),
                against=len(warnings) + sum(one.kind == "pitfall" for one in items),
                failed=failed,
                others=bool(fitting),
                mode=ranked.mode,
                loading=self._is_loading(ranked.mode),
                reported=_reported(caller, lost),
            ),
            project=name,
            elsewhere=elsewhere,
        )

    def _where(self, project: str, caller: Caller, *, found: bool) -> tuple[str, int, str]:
        """The project that was looked in; where nothing was found, what lies in others."""
        if found:
            return self._core.shown(project, caller), 0, ""
        return self._core.looked_in(project, caller)

    def _concerning(self, ranked: Ranked) -> tuple[int, ...]:
        pitfalls, remedies = [], []
        for rank, candidate in enumerate(ranked.candidates):
            evidence, _ = ranked.evidence(rank)
            if candidate.stored.item.kind == "pitfall" and ranked.fits(rank):
                pitfalls.append(rank)
            elif evidence >= CHECK_TRUST and ranked.fits(rank):
                remedies.append(rank)
        return tuple(pitfalls + remedies)

    # -- ranking -------------------------------------------------------------------

    def _bar(self, *, uninvited: bool) -> float:
        """The relevance from which an item is served."""
        settings = self._core.settings
        return settings.bar_uninvited if uninvited else settings.bar

    def _rank(
        self, conditions: Conditions, scope: Scope, project: str, session: str, bar: float
    ) -> Ranked:
        core = self._core
        found = tuple(core.store.search(conditions.probes, scope, CANDIDATES))
        signs = signs_read(core, conditions, found, scope)
        least = least_of(core, conditions, found)
        start = (BY_WORDS if conditions.vector is None else BY_MEANING).relevance(signs)
        about = np.maximum(start, least)
        order = tuple(range(len(found)))
        asked: Literal["task", "error"] = "task" if conditions.task_text else "error"
        size = core.catalogue.active(scope.projects)
        chances = tempered(about, size, 0)
        plain = Ranked(found, order, None, "similarity", 0.0, about, chances, signs, bar, asked)
        if conditions.vector is None or core.embedder is None:
            return replace(plain, mode="keyword")
        trainer = core.trainer
        if trainer is None:
            return plain
        texts = core.texts_of(conditions.task_text, conditions.error_text, found)
        panel = panel_of(conditions.vector, found, texts, core.earlier_of(found))
        learned = core.settings.scorer_mode == "learned"
        if learned:
            taught = trainer.learner.snapshot.about
            scale = core.scale.beside(conditions.vector)
            about = np.maximum(taught.relevance(start, panel, scale), least)
            chances = tempered(about, size, taught.reports)
            panel = replace(panel, relevance=about)
        ranking = trainer.learner.rank(panel, project, session, core.clock(), learned=learned)
        moved = bool(ranking.moved.any() or ranking.penalty.any())
        weight = ranking.snapshot.weight if learned and ranking.snapshot.reports else 0.0
        return replace(
            plain,
            relevance=about,
            chances=chances,
            candidates=tuple(found[i] for i in ranking.order),
            places=ranking.order,
            ranking=ranking,
            mode="learned" if moved else "similarity",
            weight=round(weight, 3),
        )

    def _choose(self, ranked: Ranked, k: int) -> tuple[int, ...]:
        """Ranks to serve: the best k that fit, the same text once, similarity's first kept in."""
        chosen: list[int] = []
        said: set[str] = set()
        for rank, candidate in enumerate(ranked.candidates):
            text = said_of(candidate.stored.item)
            if text in said or not ranked.fits(rank):
                continue
            said.add(text)
            chosen.append(rank)
            if len(chosen) == k:
                break
        first = self._first_by_similarity(ranked)
        if len(chosen) < 2 or first is None or first in chosen:
            return tuple(chosen)
        if said_of(ranked.candidates[first].stored.item) not in said:
            chosen[-1] = first
        return tuple(chosen)

    @staticmethod
    def _first_by_similarity(ranked: Ranked) -> int | None:
        """The rank of the first by similarity that fits; not if its record is bad or it failed."""
        if ranked.ranking is None or ranked.mode != "learned":
            return None
        fitting = [rank for rank in range(len(ranked.places)) if ranked.fits(rank)]
        rank = min(fitting, key=ranked.places.__getitem__, default=None)
        if rank is None:
            return None
        evidence, _ = ranked.evidence(rank)
        penalty = ranked.ranking.penalty[ranked.places[rank]]
        return rank if evidence >= 0 and penalty <= 0 else None

    # -- answering -----------------------------------------------------------------

    def _warnings(self, project: str, conditions: Conditions) -> tuple[FailureWarning, ...]:
        failure = self._core.notebook.at_hand(project, conditions)
        found = [
            warning
            for name in self._core.names.covers(project)
            for warning in self._core.notebook.match(
                replace(failure, project=name), by_error=failure.text is not None
            )
        ]
        return self._core.as_worded_now(found[:MOST_WARNINGS])

    def _fit(
        self, ranked: Ranked, chosen: Sequence[int], tokens: int, caller: Caller
    ) -> tuple[RecalledItem, ...]:
        """Items within the token budget (characters / 4); the first is cut rather than left out."""
        budget = max(tokens, 50) * 4
        items: list[RecalledItem] = []
        for rank in chosen:
            item = self._item(ranked, rank, caller)
            size = size_of(item)
            if size > budget:
                if items:
                    break
                item = cut(item, size - budget)
            budget -= size
            items.append(item)
        return tuple(items)

    def _item(self, ranked: Ranked, rank: int, caller: Caller) -> RecalledItem:
        candidate = ranked.candidates[rank]
        item = candidate.stored.item
        tally = self._core.tally.of(item.id, caller.projects)
        return RecalledItem(
            id=item.id,
            kind=item.kind,
            title=item.title,
            description=item.description,
            content=item.content,
            score=round(ranked.score(rank), 4),
            relevance=ranked.told(rank),
            similarity=round(candidate.similarity, 4),
            wins=tally.wins,
            losses=tally.losses,
            age_days=self._core.age_days(item.created_at),
            source=item.source,
            why=why(ranked, rank, tally.wins, tally.losses),
        )

    def _reminder(self, recall: RecallRecord, tokens: int, caller: Caller) -> str:
        """What the session has not reported yet, "" for nothing; before this recall is logged."""
        if tokens < REMINDED_FROM or not caller.may("write"):
            return ""
        return self._core.open_recalls.reminder(recall)

    def _note(self, mode: Mode, *more: str) -> str:
        """What is degraded in an answer, and what more is to be said; "" for nothing."""
        notes = list(self._core.notes)
        if mode == "keyword":
            notes.append("No embedding model is ready: keyword search only.")
        elif mode == "withheld":
            notes.append(NOTE)
        elif self._core.learner_missing:
            notes.append(
                "The learner is being rebuilt from the outcome log: similarity order until then."
            )
        return " ".join([*notes, *filter(None, more)])

    def _log(
        self, record: RecallRecord, vector: Vector | None, ranked: Ranked, slate: Slate
    ) -> str:
        """Log what was served; gives "" or why it could not be (the answer stands all the same)."""
        record = replace(
            record,
            candidates=slate.served(ranked),
            facts=ranked.facts,
            mode=ranked.mode,
            weight=ranked.weight,
            scorer_version=ranked.ranking.snapshot.version if ranked.ranking else "",
        )
        try:
            self._core.store.add_recall(stored := StoredRecall(record, vector))
        except StoreUnavailable as error:
            return f"Its outcome cannot be reported by recall_id, it was not logged: {error}"
        with self._core.lock:
            self._core.take(stored)
        self._core.announce(recall_changes(record.project))
        return ""


def _reported(caller: Caller, lost: str) -> Reported:
    """How an answer's outcome can be reported."""
    if not caller.may("write"):
        return ""
    return "task" if lost else "recall_id"


def _redacted(request: RequestT, *fields: str) -> RequestT:
    """The request with secrets taken out before anything is embedded or written."""
    return request.model_copy(update={name: redact(getattr(request, name))[0] for name in fields})
