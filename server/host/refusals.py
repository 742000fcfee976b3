"""The errors that a host tells, raised again on this side. Light, as `server.host.direct`."""

from __future__ import annotations

from collections.abc import Mapping

from memory_core import errors
from memory_core.errors import InvalidInput, LessonbankError, MemoryUnavailable
from server.typed import SILENCE

__all__ = ["SILENCE", "HostFailed", "raised"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def raised(said: Mapping[str, Any]) -> Exception:
    """The error that `protocol.told` told: of the same class where this side knows it."""
    text = str(said.get("text") or "The host gave no reason.")
    if "field" in said:
        error = _given(said.get("kind"), str(said["field"]))
        error.field, error.problem, error.move = (
            str(said[name]) for name in ("field", "problem", "move")
        )
        error.args = (text,)
        return error
    kind = getattr(errors, str(said.get("kind") or "-"), None)
    if isinstance(kind, type) and issubclass(kind, MemoryUnavailable):
        return kind(text)
    if kind is errors.Forbidden:
        return errors.Forbidden(text)
    if isinstance(kind, type) and issubclass(kind, LessonbankError):
        return LessonbankError(text)
    return HostFailed(text)


def _given(kind: object, field: str) -> InvalidInput:
    """An input's error of its own class: whether something is unknown or written wrongly."""
    if kind == "UnknownItem":
        return errors.UnknownItem("", field)
    return errors.UnknownRecall("") if kind == "UnknownRecall" else InvalidInput(field, "", "")


class HostFailed(MemoryUnavailable):
    """Something unexpected went wrong inside the host."""
