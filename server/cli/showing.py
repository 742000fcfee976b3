"""An answer printed: as JSON for programs, on a page for people."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from types import SimpleNamespace

from server.cli.terminal import Page, Screen
from server.plain import visible_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pydantic import BaseModel

_TABLES = frozenset({"projects", "items", "kinds", "outcomes", "weights"})
"""Fields that hold counts by name where they hold an object: those stay a dict."""


def shown_json(arguments: Namespace, answer: dict[str, Any], show: str, screen: Screen) -> None:
    """Print the JSON of an answer, or what "module:function" of `server.cli` makes of it."""
    if arguments.json:
        screen.print(visible_json(json.dumps(answer, indent=2, ensure_ascii=False)) + "\n")
        return
    page = screen.page()
    named(show)(page, _fields(answer))
    screen.print(page.text())


def named(function: str) -> Callable[..., Any]:
    """Give "module:function" of `server.cli`, imported now."""
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(__import__(f"server.cli.{module}", fromlist=[name]), name)
    return found


def shown_answer(
    arguments: Namespace,
    answer: BaseModel,
    show: Callable[[Page, Any], None],
    screen: Screen | None = None,
) -> None:
    """Print an answer that this process made itself."""
    screen = screen or Screen()
    if arguments.json:
        screen.print(visible_json(answer.model_dump_json(indent=2)) + "\n")
        return
    page = screen.page()
    show(page, answer)
    screen.print(page.text())


def _fields(value: Any, name: str = "") -> Any:
    """JSON with attributes for the fields of its objects, as the port's answers have them."""
    if isinstance(value, dict):
        if name in _TABLES:
            return value
        return SimpleNamespace(**{key: _fields(one, key) for key, one in value.items()})
    if isinstance(value, list):
        return [_fields(one) for one in value]
    return value
