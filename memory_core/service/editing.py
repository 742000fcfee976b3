"""Corrections: which text takes an item's place, and whether the record passes on to it.

Items are never changed: a correction is a new item, and an event that says whose place it
took. The kind of that event says whether the record passes on (`memory_core.service.lineage`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from memory_core.answers import EditAnswer
from memory_core.caller import Caller
from memory_core.model import Item
from memory_core.requests import EditRequest, RememberRequest
from memory_core.service.core import Core
from memory_core.wording import changed_meaning

Asked = Literal["auto", "keep", "new"]
SAID = ("title", "content", "description", "kind")
BESIDE = ("tags", "task", "evidence")
"""What an item has beside what it says: no change of these changes its meaning."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an item keeps the record of the one whose place it takes, and why."""

    kept: bool
    why: str

    def __str__(self) -> str:
        passes = "is kept" if self.kept else "starts anew"
        return f"The record {passes}: {self.why}." if self.why else ""


NOTHING = Verdict(False, "")
"""No item's place was taken."""
UNCHANGED = Verdict(True, "nothing changed")


def verdict_on(core: Core, old: Item, new: Item, asked: Asked = "auto") -> Verdict:
    """Decide by what changed, unless the caller has decided."""
    if asked != "auto":
        return Verdict(asked == "keep", "as you asked")
    if old.kind != new.kind:
        return Verdict(False, f"its kind was {old.kind} and is {new.kind}")
    known = partial(_is_word, core, old.id) if core.embedder is not None else None
    for name in ("title", "description", "content"):
        change = changed_meaning(getattr(old, name), getattr(new, name), known)
        if change:
            return Verdict(False, f"its meaning may have changed, {change} in its {name}")
    return Verdict(True, "it says the same as before")


def _is_word(core: Core, item_id: str, word: str) -> bool:
    """Whether the model knows a word, or another item has it in its title: a term of the trade."""
    known = core.embedder is not None and core.embedder.knows(word)
    return known or core.catalogue.has_in_title(word, beside=item_id)


def carried(core: Core, request: RememberRequest, old: Item) -> RememberRequest:
    """What is remembered in the place of an item: one that says the same is completed from it."""
    missing = set(SAID + BESIDE) - request.model_fields_set
    whole = request.model_copy(update={name: getattr(old, name) for name in missing})
    said = replace(old, **{name: getattr(whole, name) for name in SAID})
    return whole if verdict_on(core, old, said).kept else request


def edited(old: Item, request: EditRequest, source: str) -> RememberRequest:
    """What is remembered in the place of an item that is edited."""
    return RememberRequest.model_construct(
        **{name: getattr(old, name) for name in SAID + BESIDE} | request.changes,
        supersedes=old.id,
        source=source,
        project=old.project,
        outcome_id="",
    )


def is_same(one: Item, other: Item) -> bool:
    """Whether two items say the same, white space aside, and have the same beside it."""
    return one.content_hash == other.content_hash and one.tags == other.tags


def edit_answer(core: Core, caller: Caller, old: Item, new: str, verdict: Verdict) -> EditAnswer:
    """What became of an edit, with the record as it is now."""
    line, tally = core.catalogue.get(new), core.tally.of(new, caller.projects)
    return EditAnswer(
        id=new,
        was=old.id,
        title=line.title if line is not None else old.title,
        status="unchanged" if new == old.id else "edited",
        record="kept" if verdict.kept else "new",
        why=verdict.why,
        wins=tally.wins,
        losses=tally.losses,
        recalls=tally.recalls,
    )
