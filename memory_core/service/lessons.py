"""The life cycle of items: remember, forget, restore."""

from __future__ import annotations

import hashlib

from memory_core.errors import InvalidInput, shown
from memory_core.model import Event, EventKind, Item, State, new_id
from memory_core.port import (
    Change,
    ForgetRequest,
    NearDuplicate,
    RememberAnswer,
    RememberRequest,
    StateAnswer,
)
from memory_core.ports import Probe, StoredItem, Vector
from memory_core.redaction import redact
from memory_core.service.catalogue import same_words
from memory_core.service.core import Core

NEAR = 0.92
"""Cosine of two items' texts from which the older one is told as a near-duplicate."""
MOST_NEAR = 3
DAY = 86_400.0
OUTCOMES_SHOWN = 20
BRIEF_LINES = 12


class Lessons:
    """The life cycle of items and their listing."""

    def __init__(self, core: Core) -> None:
        self._core = core

    # -- remember ------------------------------------------------------------------

    def remember(self, request: RememberRequest) -> RememberAnswer:
        """Store one item durably; see the port."""
        core = self._core
        project = core.project_of(request.project)
        item, found = self._item(request, project)
        vectors = self._vectors(item)
        near = self._near(item, vectors[0], project)
        with core.lock:
            if request.supersedes:
                core.catalogue.seen(request.supersedes, project, "supersedes")
            same = core.store.find_hash(project, item.content_hash)
            if same is not None:
                return RememberAnswer(
                    id=same.item.id, status="duplicate", near_duplicates=near, redacted=found
                )
            core.store.add_items([StoredItem(item, "active", *vectors)])
            core.catalogue.add(item, "active")
            if request.supersedes:
                self._flip(request.supersedes, "supersede", f"superseded by {item.id}", item.id)
        self._announce(item.id, project)
        status = "superseded" if request.supersedes else "added"
        return RememberAnswer.model_validate(
            {"id": item.id, "status": status, "near_duplicates": near, "redacted": found}
        )

    def _item(self, request: RememberRequest, project: str) -> tuple[Item, tuple[str, ...]]:
        core = self._core
        found: list[str] = []

        def clean(text: str) -> str:
            kept, names = redact(text)
            found.extend(names)
            return kept

        outcome = self._outcome(request.outcome_id, project)
        title, description, content = (
            clean(request.title),
            clean(request.description),
            clean(request.content),
        )
        task = clean(request.task)
        return Item(
            id=new_id("item"),
            project=project,
            kind=request.kind,
            title=" ".join(title.split()),
            description=description,
            content=content,
            task=task,
            tags=request.tags,
            evidence=clean(request.evidence),
            source=request.source or core.settings.source,
            supersedes=request.supersedes,
            derived_from=(outcome,) if outcome else (),
            outcome_id=request.outcome_id,
            content_hash=_digest(request.kind, title, description, content, task),
            created_at=core.clock(),
            embedder=core.embedder.name if core.embedder else "",
        ), tuple(dict.fromkeys(found))

    def _outcome(self, outcome_id: str, project: str) -> str:
        """The recall behind an outcome, "" for none."""
        if not outcome_id:
            return ""
        record = self._core.by_outcome_id.get(outcome_id)
        if record is not None and record.project == project:
            return record.recall_id
        raise InvalidInput(
            "outcome_id",
            f"{shown(outcome_id)} names no outcome of project {shown(project)}",
            "Pass the outcome_id that report_outcome returned, or leave it out.",
        )

    def _vectors(self, item: Item) -> tuple[Vector | None, Vector | None]:
        embedder = self._core.embedder
        if embedder is None:
            return None, None
        rows = embedder.embed_documents([item.text, *([item.task] if item.task.strip() else [])])
        return rows[0], rows[1] if len(rows) > 1 else None

    def _near(self, item: Item, vector: Vector | None, project: str) -> tuple[NearDuplicate, ...]:
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
        return tuple(near[:MOST_NEAR])

    # -- states --------------------------------------------------------------------

    def forget(self, request: ForgetRequest) -> StateAnswer:
        """Retire an item; it stays recoverable."""
        return self._set_state(request, "retire", "retired")

    def restore(self, request: ForgetRequest) -> StateAnswer:
        """Bring a retired or archived item back."""
        return self._set_state(request, "restore", "active")

    def _set_state(self, request: ForgetRequest, kind: EventKind, state: State) -> StateAnswer:
        core = self._core
        project = core.project_of(request.project)
        with core.lock:
            line = core.catalogue.seen(request.item_id, project)
            if line.state != state:
                self._flip(line.id, kind, redact(request.reason)[0])
        if line.state != state:
            self._announce(line.id, line.project)
        return StateAnswer(id=line.id, title=line.title, state=state, was=line.state)

    def _flip(self, item_id: str, kind: EventKind, reason: str, detail: str = "") -> None:
        core = self._core
        event = Event(
            new_id("ev"), kind, item_id, core.clock(), reason, core.settings.source, detail
        )
        core.store.add_event(event)
        core.catalogue.flip(item_id, "active" if kind == "restore" else "retired")

    def _announce(self, item_id: str, project: str) -> None:
        notify = self._core.notify
        notify(Change("item", item_id))
        notify(Change("project", project))
        notify(Change("stats"))


def _digest(*parts: str) -> str:
    """SHA-256 of the words of what an item says and where it came from."""
    return hashlib.sha256(
        "\x1f".join(same_words(part) or part for part in parts).encode()
    ).hexdigest()
