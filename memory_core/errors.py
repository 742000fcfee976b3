"""Everything that memory_core raises on purpose.

    LessonbankError
    ├── InvalidInput        a value that the caller can correct
    │   ├── UnusableFile    a file cannot be read or changed as it is
    │   ├── UnknownItem     no such item, or not one that the caller sees
    │   └── UnknownRecall   no such recall, not one of the caller's projects, or expired
    ├── Forbidden           the caller's token may not do this
    └── MemoryUnavailable   the memory cannot serve this call now
        ├── StoreUnavailable    the store cannot be read or written
        ├── StoreMismatch       the store was written by another model or version
        └── ModelUnavailable    the embedding model cannot be loaded

The class writes its own sentence: what happened with the value, then the next
move. Callers show `str(error)` to people and models as it is.
"""

from __future__ import annotations


def shown(value: object) -> str:
    """Give `value` as a short, printable, quoted text for a sentence.

    Example:
        >>> shown("a" * 100)[:12]
        "'aaaaaaaaaaa"
    """
    from memory_core.brief import brief  # a command that raises nothing is spared it

    return brief(value)


class LessonbankError(Exception):
    """Base of the tree: one clear sentence, safe to show to a model."""


class InvalidInput(LessonbankError):
    """A value that the caller can correct.

    Args:
        field: The argument's name.
        problem: What is wrong with the value, naming it.
        move: What to do next, as a sentence.
    """

    def __init__(self, field: str, problem: str, move: str) -> None:
        super().__init__(f"{field} {problem}. {move}")
        self.field = field
        self.problem = problem
        self.move = move


class UnusableFile(InvalidInput):
    """A file that a value names, or stands for, cannot be read or changed as it is."""


_KINDS = {"item": "an item", "rec": "a recall", "out": "an outcome"}
"""What an id is of, by its beginning."""


def _not_of(record_id: str, wanted: str) -> str:
    """What to say of an id that nothing wanted has: it may be of something else."""
    kind = _KINDS.get(record_id.strip().partition("_")[0], wanted)
    article, noun = wanted.split()
    other = f"{kind}, not {article} {noun}"
    return other if kind != wanted else f"no {noun} that is known here"


class UnknownItem(InvalidInput):
    """No item has this id in what the caller sees."""

    def __init__(self, item_id: str, field: str = "item_id") -> None:
        super().__init__(
            field,
            f"{shown(item_id)} names {_not_of(item_id, 'an item')}",
            "Pass an id that recall or list_lessons returned.",
        )


class UnknownRecall(InvalidInput):
    """No open recall has this id: never served, not the caller's to see, or expired."""

    def __init__(self, recall_id: str, why: str = "", field: str = "recall_id") -> None:
        problem = why or f"names {_not_of(recall_id, 'a recall')}"
        super().__init__(
            field,
            f"{shown(recall_id)} {problem}",
            "Pass the recall_id of a recent recall, or report with task instead."
            if field == "recall_id"
            else "Pass the id of a recall that was served.",
        )


class Forbidden(LessonbankError):
    """The caller's scope or projects do not allow this call."""


class MemoryUnavailable(LessonbankError):
    """The memory cannot serve this call now; the sentence says what would help."""


class StoreUnavailable(MemoryUnavailable):
    """The store cannot be read or written (missing, read-only, full, damaged)."""


class StoreMismatch(MemoryUnavailable):
    """The store was written by another embedding model or a newer schema."""


class ModelUnavailable(MemoryUnavailable):
    """The embedding model is missing, altered or cannot be loaded."""
