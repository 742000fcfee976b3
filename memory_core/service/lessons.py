"""The life cycle of items: remember, forget, restore."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from memory_core.answers import EditAnswer, NearDuplicate, RememberAnswer, StateAnswer
from memory_core.caller import OWNER, Caller
from memory_core.errors import Forbidden, InvalidInput, shown
from memory_core.excerpts import EVIDENCE_KEPT, ends, excerpt
from memory_core.model import (
    GLOBAL_PROJECT,
    Event,
    EventKind,
    Item,
    OutcomeRecord,
    State,
    new_id,
)
from memory_core.ports import Embedder, Probe, StoredItem
from memory_core.redaction import redact
from memory_core.requests import EditRequest, ForgetRequest, RememberRequest
from memory_core.service.advising import after_remember, after_state
from memory_core.service.catalogue import Line, same_words
from memory_core.service.core import Core
from memory_core.service.editing import (
    NOTHING,
    UNCHANGED,
    Verdict,
    carried,
    edit_answer,
    edited,
    is_same,
    verdict_on,
)
from memory_core.service.fold import item_changes
from memory_core.spelling import composed

NEAR = 0.92
"""Cosine of two items' texts from which the older one is told as a near-duplicate."""
MOST_NEAR = 3


class Lessons:
    """The life cycle of items and their listing."""

    def __init__(self, core: Core) -> None:
        self._core = core

    # -- remember ------------------------------------------------------------------

    def remember(self, request: RememberRequest, caller: Caller = OWNER) -> RememberAnswer:
        """Store one item durably; see the port."""
        core = self._core
        project, recall_id, note = self._place(request, caller)
        embedder = core.embedder
        own = {"source": core.source_of(request.source, caller)}
        if request.outcome_id:
            own["outcome_id"] = self._outcome(request.outcome_id, caller).id
        request = request.model_copy(update=own)
        old, verdict = None, NOTHING
        if request.supersedes:
            old = self._own_item(request.supersedes, caller, "supersedes")
            request = carried(core, request, old)
        item, found = self._item(request, project, recall_id, embedder)
        if old is not None:
            verdict = verdict_on(core, old, item)
        stored = _embedded(item, embedder)
        near = self._near(stored, project)
        with core.lock:
            kept = self._put(stored)
            verdict = self._succeed(request.supersedes, kept, verdict, caller)
        superseded = request.supersedes not in ("", kept)
        for changed in (request.supersedes, kept) if superseded else (kept,):
            core.announce(item_changes(changed, project))
        status = "superseded" if superseded else "added" if kept == item.id else "duplicate"
        return RememberAnswer.model_validate(
            {
                "id": kept,
                "status": status,
                "near_duplicates": (others := self._others(near, kept, request.supersedes)),
                "redacted": found,
                "note": " ".join(filter(None, (note, str(verdict)))),
                "next": after_remember(
                    stored=kept == item.id,
                    replaceable=self._replaceable(others, project),
                    near=bool(others),
                ),
            }
        )

    @staticmethod
    def _others(near: Sequence[NearDuplicate], *own: str) -> tuple[NearDuplicate, ...]:
        """The near duplicates beside the item itself and the one that it replaced."""
        return tuple(one for one in near if one.id not in own)[:MOST_NEAR]

    def _replaceable(self, near: Sequence[NearDuplicate], project: str) -> str:
        """The nearest that a call for this project may replace, "" for none."""
        lines = (self._core.catalogue.get(one.id) for one in near)
        return next((one.id for one in lines if one is not None and one.project == project), "")

    def _place(self, request: RememberRequest, caller: Caller) -> tuple[str, str, str]:
        """Where the item goes, the recall that it came from, and what is to be said of that.

        To what it supersedes, else to the outcome it came from, else to the call's project. A
        call that names the global project gets it: what is there serves the others too.

        Raises:
            UnknownItem, InvalidInput: What it supersedes, or came from, is not known here.
        """
        core = self._core
        named = core.project_of(request.project, caller)
        project, because, recall_id = named, "", ""
        if request.outcome_id:
            outcome = self._outcome(request.outcome_id, caller)
            project, because, recall_id = outcome.project, "outcome_id", outcome.recall_id
        if request.supersedes:
            line = self._retirable(request.supersedes, named, caller, "supersedes")
            project, because = line.project, "supersedes"
        if request.project.strip() == GLOBAL_PROJECT:
            project = named
        return project, recall_id, core.elsewhere(because, project, named, caller)

    def _put(self, stored: StoredItem, beside: str = "") -> str:
        """Add an item unless an active one says the same in the same project; give its id.

        Args:
            stored: With its vectors, or without where there was no model.
            beside: An item that may say the same: this one is to take its place.
        """
        core, item = self._core, stored.item
        same = self._same(item.project, item.content_hash)
        if same is not None and same.item.id != beside:
            return same.item.id
        if core.embedder is not None and stored.vector is None:  # it came meanwhile
            stored = _embedded(item, core.embedder)
        core.store.add_items([stored])
        core.take(stored)
        return item.id

    def _succeed(self, old: str, new: str, verdict: Verdict, caller: Caller) -> Verdict:
        """Retire the superseded item, once; also when its successor was there already."""
        line = self._core.catalogue.get(old)
        if old == new or line is None or line.state != "active":
            return NOTHING
        own = self._core.tally.of(new).outcomes or self._core.lineage.earlier(new)
        if verdict.kept and own:
            verdict = Verdict(False, "it has a record of its own")
        kind: EventKind = "correct" if verdict.kept else "supersede"
        self._flip(old, kind, f"superseded by {new} ({verdict})", caller, new)
        return verdict

    # -- edit ----------------------------------------------------------------------

    def edit(self, request: EditRequest, caller: Caller = OWNER) -> EditAnswer:
        """Put a corrected item in the place of an old one; see the port."""
        core = self._core
        named = core.project_of(request.project, caller)
        line = self._retirable(request.item_id, named, caller, "item_id")
        old = self._own_item(line.id, caller, "item_id")
        source = core.source_of(request.source, caller)
        wanted, found = self._item(edited(old, request, source), old.project, "", core.embedder)
        item = replace(
            wanted, derived_from=old.derived_from, outcome_id=old.outcome_id, trust=old.trust
        )
        stored = _embedded(item, core.embedder)
        verdict = verdict_on(core, old, item, request.record)
        if is_same(old, item):
            return edit_answer(core, caller, old, old.id, UNCHANGED)
        with core.lock:
            line = core.line_of(old.id, caller)
            if line.state != "active":
                return self._edited_before(old, item, caller)
            kept = self._put(stored, beside=old.id)
            verdict = self._succeed(old.id, kept, verdict, caller)
        for changed in (old.id, kept):
            core.announce(item_changes(changed, old.project))
        answer = edit_answer(core, caller, old, kept, verdict)
        status = "edited" if kept == item.id else "duplicate"
        note = core.elsewhere("item_id", old.project, named, caller)
        return answer.model_copy(update={"status": status, "redacted": found, "note": note})

    def _edited_before(self, old: Item, item: Item, caller: Caller) -> EditAnswer:
        """The answer to an edit that was made already: who asked may not have heard of it.

        Raises:
            InvalidInput: The item is retired, and another correction or none took its place.
        """
        core = self._core
        later = core.catalogue.successor(old.id)
        if later and is_same(core.store.get_items([later])[later].item, item):
            kept = old.id in core.lineage.earlier(later)
            return edit_answer(core, caller, old, later, Verdict(kept, "it was edited so before"))
        raise InvalidInput(
            "item_id",
            f"{shown(old.id)} is retired" + (f": {later} took its place" if later else ""),
            "Edit that one." if later else "Restore it first.",
        )

    def _item(
        self, request: RememberRequest, project: str, recall_id: str, embedder: Embedder | None
    ) -> tuple[Item, tuple[str, ...]]:
        core = self._core
        found: list[str] = []

        def clean(text: str) -> str:
            kept, names = redact(text)
            found.extend(names)
            return kept

        title, description, content = (
            clean(request.title),
            clean(request.description),
            clean(request.content),
        )
        task = excerpt(clean(request.task))
        return Item(
            id=new_id("item"),
            project=project,
            kind=request.kind,
            title=" ".join(title.split()),
            description=description,
            content=content,
            task=task,
            tags=tuple(clean(tag) for tag in request.tags),
            evidence=ends(clean(request.evidence), EVIDENCE_KEPT),
            source=request.source,
            supersedes=request.supersedes,
            derived_from=(recall_id,) if recall_id else (),
            outcome_id=request.outcome_id,
            content_hash=_digest(request.kind, title, description, content, task),
            created_at=core.clock(),
            embedder=embedder.name if embedder is not None else "",
        ), tuple(dict.fromkeys(found))

    def _outcome(self, outcome_id: str, caller: Caller) -> OutcomeRecord:
        """The outcome of an id, which may be that of the recall that it reports on."""
        core = self._core
        record = core.reports.by_id.get(outcome_id) or core.reports.by_owner.get(outcome_id)
        if record is not None and caller.works_in(record.project):
            return record
        raise InvalidInput(
            "outcome_id",
            f"{shown(outcome_id)} names no outcome that is known here",
            "Pass the outcome_id that report_outcome returned, or leave it out.",
        )

    def _same(self, project: str, content_hash: str) -> StoredItem | None:
        """The active item of this project, under any of its names, that says the same."""
        names = self._core.names.covers(project)
        found = (self._core.store.find_hash(name, content_hash) for name in names)
        return next((one for one in found if one is not None), None)

    def _near(self, stored: StoredItem, project: str) -> tuple[NearDuplicate, ...]:
        item, vector = stored.item, stored.vector
        if vector is None:
            return ()
        core = self._core
        found = core.store.search([Probe(item.title, vector)], core.scope(project), 10)
        words = same_words(item.text)
        near = []
        for candidate in found:
            other = candidate.stored
            cosine = float(other.vector @ vector) if other.vector is not None else 0.0
            if cosine >= NEAR or same_words(other.item.text) == words:
                near.append(
                    NearDuplicate(
                        id=other.item.id, title=other.item.title, similarity=round(cosine, 4)
                    )
                )
        near.sort(key=lambda n: -n.similarity)
        return tuple(near)

    def moved(self, item_id: str, project: str, caller: Caller) -> tuple[str, str]:
        """Put an item into another project, under the lock; give its old and its new id.

        It says the same there, so its record goes along.
        """
        core = self._core
        held = core.store.get_items([item_id])[item_id]
        item = replace(held.item, id=new_id("item"), project=project, supersedes=item_id)
        new = self._put(replace(held, item=item))
        self._succeed(item_id, new, Verdict(True, f"it was moved to {project}"), caller)
        return item_id, new

    # -- states --------------------------------------------------------------------

    def forget(self, request: ForgetRequest, caller: Caller = OWNER) -> StateAnswer:
        """Retire an item; it stays recoverable."""
        return self._set_state(request, caller, "retire", "retired")

    def restore(self, request: ForgetRequest, caller: Caller = OWNER) -> StateAnswer:
        """Bring a retired or archived item back."""
        return self._set_state(request, caller, "restore", "active")

    def _set_state(
        self, request: ForgetRequest, caller: Caller, kind: EventKind, state: State
    ) -> StateAnswer:
        core = self._core
        named = core.project_of(request.project, caller)
        with core.lock:
            line = self._retirable(request.item_id, named, caller, "item_id")
            self._own_item(line.id, caller, "item_id")
            later = core.lineage.latest(line.id)
            if line.state != state:
                self._flip(line.id, kind, redact(request.reason)[0], caller)
        if line.state != state:
            core.announce(item_changes(line.id, line.project))
        note = core.elsewhere("item_id", line.project, named, caller)
        if kind == "restore" and later != line.id:
            note = (
                f"{note} It has its record back; {later}, which took its place, stays too.".strip()
            )
        return StateAnswer(
            id=line.id,
            title=line.title,
            state=state,
            was=line.state,
            note=note,
            next=after_state(item_id=line.id, state=state, was=line.state),
        )

    def _retirable(self, item_id: str, named: str, caller: Caller, field: str) -> Line:
        """The line of an item that a call for the project `named` may retire or bring back.

        Raises:
            UnknownItem: No such item, or not one that the caller sees.
            InvalidInput: A global item, and the call is not for the global project.
        """
        line = self._core.line_of(item_id, caller, field)
        if line.project == GLOBAL_PROJECT != named:
            there = caller.projects is None or GLOBAL_PROJECT in caller.projects
            raise InvalidInput(
                field,
                f"{shown(item_id)} is global, retiring it here would take it from every project",
                "Pass project 'global' to do that."
                if there
                else "Ask the store's owner: your token is for other projects.",
            )
        return line

    def _own_item(self, item_id: str, caller: Caller, field: str) -> Item:
        """The item that is to be retired: the caller's own, or any for an administrator.

        Raises:
            Forbidden: Another source wrote the item.
        """
        item = self._core.store.get_items([item_id])[item_id].item
        if not caller.may("admin") and item.source != self._core.source_of("", caller):
            raise Forbidden(
                f"{field} {shown(item_id)} was written by {shown(item.source)}; the scope write "
                "retires its own items only. Use a token with the scope admin."
            )
        return item

    def _flip(
        self, item_id: str, kind: EventKind, reason: str, caller: Caller, detail: str = ""
    ) -> None:
        core = self._core
        source = core.source_of("", caller)
        event = Event(new_id("ev"), kind, item_id, core.clock(), reason, source, detail)
        core.store.add_event(event)
        core.take(event)


def _digest(*parts: str) -> str:
    """SHA-256 of what an item says and where it came from, white space and spelling aside."""
    joined = "\x1f".join(" ".join(composed(part).split()) for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()


def _embedded(item: Item, embedder: Embedder | None) -> StoredItem:
    """The item with its vectors, or waiting for them without a model."""
    if embedder is None:
        return StoredItem(item, "active", None, None)
    texts = [item.text, *([item.task] if item.task.strip() else [])]
    rows = embedder.embed_documents(texts)
    named = replace(item, embedder=embedder.name)
    return StoredItem(named, "active", rows[0], rows[1] if len(rows) > 1 else None)
