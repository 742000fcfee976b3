"""The tokens of a store: made, listed, revoked and verified. Their texts are never stored.

`tokens.json` in the store's folder, or in its bucket, holds of each token its id, its
name, what it may do and the SHA-256 of its text. A text has 256 random bits, so its plain
hash cannot be guessed back. The file is read again whenever it changed: a revocation
holds at once, in a bucket within five seconds where that is reached (else after a day at most).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from pydantic import TypeAdapter, ValidationError

from memory_core.caller import CALLER_SCOPES, Caller, CallerScope
from memory_core.errors import InvalidInput, MemoryUnavailable, shown
from memory_core.proven import TOKENS, reserved
from memory_core.shelf import Shelf

FILE = TOKENS
PREFIX = "lb_"
LONGEST_NAME = 128
MOST_PROJECTS = 100
_REPEATS = 50
_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0, "y": 365 * 86_400.0}
_LIFETIME = re.compile(r"(\d{1,6})([mhdwy])")
_TEXT = re.compile(r"lb_(?P<id>[0-9a-f]{12})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of one token; times in seconds since the epoch.

    `projects` None: all. `expires_at` None: never; `revoked_at` None: it was not.
    """

    id: str
    name: str
    hash: str
    scope: CallerScope
    projects: tuple[str, ...] | None
    trusted: bool
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None

    def state(self, now: float) -> str:
        """Give active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    @property
    def caller(self) -> Caller:
        """Whoever holds the token."""
        return Caller(self.name, self.scope, self.projects, self.trusted)


_TOKENS: TypeAdapter[list[Token]] = TypeAdapter(list[Token])


def lifetime(text: str) -> float | None:
    """Give the seconds of a lifetime such as "90d", None for "never".

    Raises:
        InvalidInput: It is neither.
    """
    given = text.strip().lower()
    if given == "never":
        return None
    found = _LIFETIME.fullmatch(given)
    if found is None or not int(found[1]):
        raise InvalidInput(
            "expires",
            f"= {shown(text)} is no lifetime",
            "Use a number with m, h, d, w or y, such as 90d, or never.",
        )
    return int(found[1]) * _UNITS[found[2]]


class TokenBook:
    """The tokens of one store. Thread-safe, and safe beside other processes.

    Args:
        shelf: Where they are.
        own: The store's own source: no token may have its name.
        clock: Seconds since the epoch.
    """

    def __init__(self, shelf: Shelf, own: str, clock: Callable[[], float] = time.time) -> None:
        self._shelf, self._own, self._clock = shelf, own, clock
        self._reading = threading.Lock()
        self._seen: str | None = None
        self._tokens: dict[str, Token] = {}

    @property
    def slow(self) -> bool:
        """Whether verifying may take a network's time."""
        return self._shelf.slow

    # -- reading -------------------------------------------------------------------

    def tokens(self) -> tuple[Token, ...]:
        """All tokens, the oldest first, revoked and expired ones included.

        Raises:
            MemoryUnavailable: The file cannot be read.
        """
        told = self._shelf.tag()  # one of many callers may wait for a bucket here, the others not
        with self._reading:
            if told != self._seen:
                content, tag = self._shelf.read()
                self._tokens = {token.id: token for token in self._parsed(content)}
                self._seen = tag
            return tuple(self._tokens.values())

    def _parsed(self, content: bytes | None) -> list[Token]:
        try:
            return [] if content is None else _TOKENS.validate_python(json.loads(content)["tokens"])
        except (RecursionError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise MemoryUnavailable(
                f"The tokens cannot be read ({type(error).__name__}): {self._shelf.place} is "
                "damaged. Repair it, or move it away and create the tokens anew."
            ) from None

    def verify(self, text: str) -> Token | None:
        """Give the token of this text, None where it is unknown, expired or revoked."""
        found = _TEXT.fullmatch(text)
        self.tokens()
        token = self._tokens.get(found["id"]) if found else None
        if token is None or not hmac.compare_digest(token.hash, _hash(text)):
            return None
        # The store's own name would make a stranger its owner for the learner.
        good = token.state(self._clock()) == "active" and token.name != self._own
        return token if good else None

    # -- changing ------------------------------------------------------------------

    def create(
        self,
        name: str = "",
        *,
        scope: str = "write",
        projects: Sequence[str] = (),
        expires: str = "90d",
        trusted: bool = False,
    ) -> tuple[Token, str]:
        """Make a token; gives it with its text, which nobody can read again.

        Args:
            name: Under which its holder writes; "" makes one up.
            scope: read, write or admin.
            projects: The only ones it is for; none means all.
            expires: See `lifetime`.
            trusted: Learn its reports in full, without a quota; an admin's always are.

        Raises:
            InvalidInput: A value is wrong; nothing was made.
            MemoryUnavailable: The file cannot be read or written.
        """
        seconds, now = lifetime(expires), self._clock()
        known = dict(zip(CALLER_SCOPES, CALLER_SCOPES, strict=True))
        if scope not in known:
            raise InvalidInput(
                "scope", f"= {shown(scope)} is not known", f"Use one of {', '.join(known)}."
            )
        made = secrets.token_hex(6)
        text = f"{PREFIX}{made}_{secrets.token_urlsafe(32)}"
        token = Token(
            id=made,
            name=_clean("name", name.strip() or f"token-{made[:6]}"),
            hash=_hash(text),
            scope=known[scope],
            projects=_projects(projects),
            trusted=trusted or scope == "admin",
            created_at=now,
            expires_at=None if seconds is None else now + seconds,
        )
        if token.name == self._own:
            raise InvalidInput(
                "name", f"= {shown(name)} is the store's own source", "Choose another name."
            )
        if reserved(token.name):
            raise InvalidInput(
                "name", f"= {shown(name)} would read as another caller's", "Choose another name."
            )

        def added(kept: Sequence[Token]) -> Sequence[Token]:
            self._refuse_other(token, kept)
            return [*kept, token]

        self._change(added)
        return token, text

    def _refuse_other(self, token: Token, kept: Sequence[Token]) -> None:
        """One name is one caller: a second token of it may do the same as the first."""
        for one in kept:
            same = (one.scope, one.projects, one.trusted) == (
                token.scope,
                token.projects,
                token.trusted,
            )
            if one.name == token.name and one.state(self._clock()) == "active" and not same:
                raise InvalidInput(
                    "name",
                    f"= {shown(token.name)} is the name of token {one.id}, which may do "
                    "something else",
                    f"Choose another, or first run `lessonbank token revoke {one.id}`.",
                )

    def revoke(self, which: str) -> Token:
        """Revoke a token by its id, or by its name where only one is active.

        Raises:
            InvalidInput: There is no such token, or several.
        """
        gone: list[Token] = []

        def without(kept: Sequence[Token]) -> Sequence[Token]:
            token = self._named(kept, which.strip())
            if token.revoked_at is None:
                token = replace(token, revoked_at=self._clock())
            gone[:] = [token]
            return [token if one.id == token.id else one for one in kept]

        self._change(without)
        return gone[0]

    def _named(self, kept: Sequence[Token], which: str) -> Token:
        by_id = [one for one in kept if one.id == which]
        by_name = [
            one for one in kept if one.name == which and one.state(self._clock()) == "active"
        ]
        found = by_id or by_name
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(one.id for one in found)
            raise InvalidInput("token", f"{shown(which)} names several: {ids}", "Pass an id.")
        raise InvalidInput(
            "token",
            f"{shown(which)} names no token of this store",
            "`lessonbank token list` shows their ids.",
        )

    def _change(self, changed: Callable[[Sequence[Token]], Sequence[Token]]) -> None:
        """Replace the tokens, again when another process was faster."""
        for _ in range(_REPEATS):
            content, tag = self._shelf.read()
            tokens = changed(self._parsed(content))
            said = json.dumps({"version": 1, "tokens": [asdict(one) for one in tokens]}, indent=1)
            if self._shelf.replace(said.encode(), tag):
                return
        raise MemoryUnavailable(
            f"Other processes change the tokens all the time ({self._shelf.place}). Try again."
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _clean(field: str, name: str) -> str:
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            field,
            f"= {shown(name)} is no name",
            f"Use printable characters, at most {LONGEST_NAME}.",
        )
    return name


def _projects(given: Sequence[str]) -> tuple[str, ...] | None:
    """The projects in the order given, each once; None for all."""
    names = [_clean("project", one.strip()) for one in given]
    if "" in names:
        raise InvalidInput("project", "is blank", "Name a project, or leave it out for all.")
    if len(names) > MOST_PROJECTS:
        raise InvalidInput(
            "project",
            f"names {len(names)} projects, at most {MOST_PROJECTS} fit",
            "Leave it out for all.",
        )
    return tuple(dict.fromkeys(names)) or None
