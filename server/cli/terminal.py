"""Text for a terminal: colours where they are wanted, columns that line up, lines that fit.

Stored text is untrusted: it passes `server.plain` before it is shown here, so it
can neither move the cursor nor forge a line. This module knows no answer.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

from server.plain import cleaned, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TextIO

    Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]

_CODES: dict[Style, str] = {
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36",
}  # fmt: skip
_STYLE = "(\x1b\\[[0-9;]*m)"
_WIDE = 140
"""Columns where nobody watches: a pipe or a file."""
_NARROWEST = 60
_WIDEST = 160
_READABLE = 96
_LEAST_ROOM = 28
"""Columns that a title needs to say something."""


def wants_colour(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """Say whether to colour: only a terminal that is not dumb, and not against NO_COLOR."""
    env = os.environ if environ is None else environ
    return stream.isatty() and not env.get("NO_COLOR") and env.get("TERM") != "dumb"


def as_utf8(stream: TextIO) -> None:
    """Make a stream take any text, whatever the console's code page."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def width_of(text: str) -> int:
    """Give the columns that a text takes: two for wide letters, none for combining ones."""
    return len(text) if text.isascii() else sum(_letter_width(letter) for letter in text)


def _letter_width(letter: str) -> int:
    if letter.isascii():
        return 1
    import unicodedata

    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Give `text` in at most `width` columns, with "…" where it was cut."""
    if width_of(text) <= width:
        return text
    kept, used = [], 1
    for letter in text:
        used += _letter_width(letter)
        if used > width:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + "…"


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * max(0, width - width_of(text))
    return space + text if right else text + space


def wanted_columns(environ: Mapping[str, str]) -> int:
    """Columns that the variables ask for, 0 where they do not."""
    given = environ.get("COLUMNS", "")
    return int(given) if given.isascii() and given.isdigit() else 0


def columns(stream: TextIO, otherwise: int, environ: Mapping[str, str] | None = None) -> int:
    """Columns of a stream that is a terminal; COLUMNS wins, as everywhere."""
    if wanted := wanted_columns(os.environ if environ is None else environ):
        return wanted
    try:
        return os.get_terminal_size(stream.fileno()).columns or otherwise
    except (OSError, ValueError):
        return otherwise


def wrapped(text: str, width: int, first: str = "", next_: str = "") -> list[str]:
    """Lines of at most `width` columns; long words are cut."""
    if width_of(first + text) <= width and " " * 2 not in text and "\t" not in text:
        return [first + text] if text else []
    import textwrap

    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=next_, break_on_hyphens=False
    )


class Screen:
    """Where a command writes, and the variables that say how: this process's own, or another's."""

    __slots__ = ("environ", "err", "out")

    def __init__(
        self,
        out: TextIO | None = None,
        err: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.out, self.err = out or sys.stdout, err or sys.stderr
        self.environ = os.environ if environ is None else environ

    def page(self) -> Page:
        """Give an empty page for what the command answers."""
        return Page.fitting(self.out, self.environ)

    def print(self, text: str) -> None:
        """Write what the command answers."""
        self.out.write(text)
        self.out.flush()

    def note(self, text: str) -> None:
        """Write what stands beside the answer."""
        self.err.write(text)
        self.err.flush()


class Page:
    """Lines for one answer, in columns of a given width."""

    def __init__(self, *, colour: bool = False, width: int = _WIDE) -> None:
        self.width = max(_NARROWEST, min(width, _WIDEST))
        self._colour = colour
        self._lines: list[str] = []

    @classmethod
    def fitting(cls, stream: TextIO, environ: Mapping[str, str] | None = None) -> Page:
        """Give an empty page for a stream."""
        wide = columns(stream, _WIDE, environ)
        return cls(colour=wants_colour(stream, environ), width=wide)

    def styled(self, text: str, *styles: Style) -> str:
        """Give `text` in these styles, plain where colours are not wanted."""
        if not self._colour or not styles or not text:
            return text
        codes = ";".join(_CODES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def line(self, text: str = "", *styles: Style) -> None:
        """Add one line."""
        self._lines.append(self.styled(text, *styles))

    def block(self, text: str, indent: str = "  ", *styles: Style) -> None:
        """Add stored text: cleaned, wrapped, every line indented."""
        wide = min(self.width, _READABLE)
        for paragraph in cleaned(text).strip().split("\n"):
            whole = paragraph.rstrip().expandtabs(4)
            hanging = indent + " " * (len(whole) - len(whole.lstrip()))
            for line in wrapped(whole.lstrip(), wide, hanging, hanging) or [""]:
                self.line(line, *styles)

    def pairs(self, pairs: Iterable[tuple[str, str]], indent: str = "  ") -> None:
        """Add names and values in two columns; pairs with an empty value are left out."""
        filled = [(name, one_line(value)) for name, value in pairs if value]
        widest = max((len(name) for name, _ in filled), default=0)
        room = self.width - len(indent) - widest - 2
        for name, value in filled:
            first, *rest = wrapped(value, room) or [value]
            self._lines.append(f"{indent}{self.styled(name.ljust(widest), 'dim')}  {first}")
            self._lines += [f"{indent}{'':{widest}}  {line}" for line in rest]

    def table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        flexible: int,
        *,
        indent: str = "",
    ) -> None:
        """Add a table; the column `flexible` is cut to fit, columns of numbers stand right.

        Where too little room is left to it, each row takes two lines instead.
        """
        cells = [[one_line(cell) for cell in row] for row in rows]
        columns = list(zip(head, *cells, strict=True))
        widths = [max(map(width_of, column)) for column in columns]
        room = self.width - len(indent) - sum(widths) + widths[flexible] - 2 * (len(widths) - 1)
        if room < min(widths[flexible], _LEAST_ROOM):
            self._stacked(head, cells, flexible, indent)
            return
        widths[flexible] = min(widths[flexible], room)
        numeric = [all(_is_number(cell) for cell in column[1:]) for column in columns]
        shapes = list(zip(widths, numeric, strict=True))
        self.line(indent + _row(head, shapes), "dim")
        for row in cells:
            self.line(indent + _row(row, shapes))

    def _stacked(
        self, head: Sequence[str], cells: Sequence[Sequence[str]], flexible: int, indent: str
    ) -> None:
        """A table that does not fit: of each row the flexible cell, the others below it."""
        for row in cells:
            self.line(indent + cut(row[flexible], self.width - len(indent)))
            facts = [
                cell if name == "id" else f"{name} {cell}"
                for place, (name, cell) in enumerate(zip(head, row, strict=True))
                if place != flexible and cell
            ]
            hanging = indent + "  "
            for line in wrapped(", ".join(facts), self.width, hanging, hanging):
                self.line(line, "dim")

    def text(self) -> str:
        """Give the whole page, ending in a line feed."""
        return "".join(f"{_seen(line)}\n" for line in self._lines)


def _seen(line: str) -> str:
    """A line as a terminal may have it: our own styles, and nothing else that hides."""
    parts = re.split(_STYLE, line)
    parts[::2] = map(cleaned, parts[::2])
    return "".join(parts)


def _row(row: Sequence[str], shapes: Sequence[tuple[int, bool]]) -> str:
    """Give one row of a table; a shape is a column's width and whether it stands right."""
    cells = [
        _padded(cut(cell, width), width, right=right)
        for cell, (width, right) in zip(row, shapes, strict=True)
    ]
    return "  ".join(cells).rstrip()


def _is_number(cell: str) -> bool:
    if cell == "-":
        return True
    return bool(cell) and cell.strip("+-%").replace(",", "").replace(".", "").isdigit()
