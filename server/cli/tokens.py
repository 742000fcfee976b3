"""`lessonbank token`: the tokens of the HTTP doors, made, listed and revoked."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from datetime import datetime, timezone

from pydantic import BaseModel

from memory_core.bootstrap import open_shelf
from memory_core.settings import Settings
from server.cli.terminal import Page
from server.tokens import FILE, Token, TokenBook


class TokenLine(BaseModel):
    """What can be told of a token; `projects` () means all, times are ISO 8601 UTC or "never"."""

    id: str
    name: str
    scope: str
    projects: tuple[str, ...]
    trusted: bool
    state: str
    created_at: str
    expires_at: str


class TokenAnswer(BaseModel):
    """What a token command answers: the tokens that it is about."""

    said: str
    tokens: tuple[TokenLine, ...]


class TokenMade(TokenAnswer):
    """A token just made; `token` is its text, shown this once."""

    token: str


Action = Callable[[Settings, Namespace], TokenAnswer]


def _book(settings: Settings) -> TokenBook:
    return TokenBook(open_shelf(settings, FILE), settings.source)


def create(settings: Settings, arguments: Namespace) -> TokenMade:
    """Make a token."""
    book = _book(settings)
    alike = [token for token in book.tokens() if token.name == arguments.name != ""]
    token, text = book.create(
        arguments.name,
        scope=arguments.scope,
        projects=arguments.projects,
        expires=arguments.expires,
        trusted=arguments.trusted,
    )
    said = "Copy it now: it is stored as a hash only and cannot be shown again."
    if token.scope == "write" and not token.trusted:
        said += " Its reports teach within a quota; --trusted lifts that."
    if alike:
        said += f" It has the name of {alike[0].id}: the reports of both count as one source's."
    return TokenMade(said=said, tokens=(_line(token),), token=text)


def listed(settings: Settings, _arguments: Namespace) -> TokenAnswer:
    """List all tokens."""
    tokens = tuple(_line(token) for token in _book(settings).tokens())
    said = "" if tokens else "No token exists. Make one with `lessonbank token create`."
    return TokenAnswer(said=said, tokens=tokens)


def revoke(settings: Settings, arguments: Namespace) -> TokenAnswer:
    """Revoke a token."""
    token = _book(settings).revoke(arguments.token)
    return TokenAnswer(said="It is refused from now on.", tokens=(_line(token),))


ACTIONS: dict[str, Action] = {"create": create, "list": listed, "revoke": revoke}


def show(page: Page, answer: TokenAnswer) -> None:
    """Show the answer to a person."""
    if isinstance(answer, TokenMade):
        page.line(answer.token)
        page.line()
    if answer.tokens:
        page.table(
            ("id", "name", "scope", "projects", "trusted", "state", "expires"),
            [
                (
                    one.id,
                    one.name,
                    one.scope,
                    ", ".join(one.projects) or "all",
                    "yes" if one.trusted else "no",
                    one.state,
                    one.expires_at,
                )
                for one in answer.tokens
            ],
            flexible=3,
        )
    if answer.said:
        page.line(answer.said)


def _line(token: Token) -> TokenLine:
    return TokenLine(
        id=token.id,
        name=token.name,
        scope=token.scope,
        projects=token.projects or (),
        trusted=token.trusted,
        state=token.state(time.time()),
        created_at=_iso(token.created_at),
        expires_at="never" if token.expires_at is None else _iso(token.expires_at),
    )


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
