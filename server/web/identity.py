"""Who a credential belongs to, and the two ways in which one is not simply refused."""

from __future__ import annotations

from dataclasses import dataclass

from memory_core.caller import Caller
from memory_core.errors import Forbidden, MemoryUnavailable

CALLER = "lessonbank.caller"
"""Where a request's scope holds its `Verified`."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A credential that was checked.

    `principal` names its holder, the same for every token of one holder and never that
    of another. `expires_at` is in seconds since 1970, None for never.
    """

    caller: Caller
    principal: str
    expires_at: float | None = None


class NoAccess(Forbidden):
    """The credential is genuine and gives nothing here: HTTP 403.

    `scope` holds the OAuth scopes, separated by spaces, that would give access; "" when
    no scope would.
    """

    def __init__(self, sentence: str, scope: str = "") -> None:
        super().__init__(sentence)
        self.scope = scope


class CannotVerify(MemoryUnavailable):
    """The credential cannot be checked now: HTTP 503, worth a repetition."""
