"""What is kept of a text that was read whole: a part of bounded size that says the same.

Knows passages and what they ask; no model, no secrets (they are taken out before, while
the text is whole).
"""

from __future__ import annotations

from memory_core.passages import cut_line, passages
from memory_core.reading import Held, asked_in, error_of, known_first

TASK_KEPT = 8_000
"""Characters that are kept of a task, a context or an action."""
ERROR_KEPT = 16_000
"""Characters that are kept of an error."""
EVIDENCE_KEPT = 8_000
"""Characters that are kept of what proves a lesson."""
STEP_KEPT = 2_000
"""Characters that are kept of one step."""
_MARK = "\n...\n"


def excerpt(text: str, most: int = TASK_KEPT, held: Held | None = None) -> str:
    """Give at most `most` characters of a text that asks: its ends, and what it asks.

    `held` as in `memory_core.reading.read`: what was read is what is kept.

    What is asked between the ends, and the error of what is pasted there, stand between
    them in the order of the text; the rest of the middle is cut. A text that fits stays as
    it is.
    """
    if len(text) <= most:
        return text
    found = passages(text)
    if held is not None:
        found = known_first(found, held)
    asked = asked_in(found)
    rest = [one for one in found if one.kind != "prose"]
    told = [one.text for one in found if one in asked] + [error_of(rest)]
    told = [cut_line(" ".join(one.split()), most // 8) for one in told if one.strip()]
    while sum(len(one) + len(_MARK) for one in told) > most // 2:
        told.pop()
    head, tail = _ends(text, most - sum(len(one) + len(_MARK) for one in told), 1 / 2)
    beside = (" ".join(head.split()), " ".join(tail.split()))
    told = [one for one in told if not any(one in end for end in beside)]
    head, tail = _ends(text, most - sum(len(one) + len(_MARK) for one in told), 1 / 2)
    return _MARK.join([head, *told, tail])


def ends(text: str, most: int, first: float = 1 / 4) -> str:
    """Give at most `most` characters of a log or a step: its start, and more of its end."""
    return text if len(text) <= most else _MARK.join(_ends(text, most, first))


def _ends(text: str, most: int, first: float) -> tuple[str, str]:
    """The two ends of a text that is longer, with room for what joins them."""
    room = most - len(_MARK)
    head = int(room * first)
    return text[:head], text[len(text) - (room - head) :]
