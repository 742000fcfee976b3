"""What of a text the model reads: a text longer than its window becomes a few windows.

What is asked is read by itself, word for word as if it had been asked bare; beside it
stand the error of a trace, the telling lines of a log, the names of pasted code and
the other prose, as far as the budget goes. Pure: sizes come from a function that is
passed in, or are estimated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from memory_core.asking import asking, sentences
from memory_core.error_reading import log_lines, read_error
from memory_core.passages import ASKS, Passage, bounded, cut_line, passages

WINDOW = 254
"""Word pieces in a window where the model does not say."""
MOST = 12
"""Windows of one text."""
BUDGET = 96
"""Word pieces of a query that are read, what is asked among them; a model's time goes with them."""
LONGEST_ASKED = 96
"""Word pieces of one asked window."""
MOST_ASKED = 10
ASKED = 96
"""Word pieces of all that is asked."""
LEAST = 1.0
"""How much a passage must ask: to stand first, last or between is enough."""
CLEARLY = 0.75
"""How much less than the clearest request another one that is as clear may ask."""
PERHAPS = 0.9
"""What a match with another that may be asked counts beside the clearest."""
HELD = 12.0
"""What a passage asks by the words that it shares with one stored item, against their measure."""
APART = 3.0
"""How much less a passage asks that counts 1/e of the most asking one as what is meant."""
SHARE = 40
"""Word pieces of a window that nothing is asked in."""
ENOUGH = 2
"""Words beyond a bare request from which a request says itself what it is about."""
PART, SHORT = 96, 8
"""Word pieces of the longest sentence that is one part of an item, and of one that is none."""
MOST_PARTS = 64
"""Parts of one item."""
ALONE_FIRST, ALONE_LAST = 8, 16
"""Sentences at both ends of a very long item that are parts of their own."""
_EXACT = 4_000
"""Characters up to which a text's size is measured; a longer one is longer than a window."""

Size = Callable[[str], int]
Held = Callable[[Sequence[str]], Sequence[float]]
"""How much of what each of several passages says one stored item says too, from 0."""
WindowKind = Literal["whole", "asked", "prose", "trace", "log", "code"]


@dataclass(frozen=True, slots=True)
class Window:
    """One window. `weight` in (0, 1] is what a match with it counts.

    `clear`: it says by itself what the text is about. `asks` from 0: how much it looks like it.
    """

    text: str
    kind: WindowKind
    weight: float = 1.0
    clear: bool = False
    asks: float = field(default=0.0, compare=False)


BESIDE: dict[str, float] = {"asked": 1.0, "prose": 0.75, "trace": 0.75, "log": 0.5, "code": 0.5}
"""Weights beside a request that says what it is about (see docs/decisions.md)."""
ALONE: dict[str, float] = {"asked": 1.0, "prose": 1.0, "trace": 1.0, "log": 0.8, "code": 0.8}
"""Weights where no request does."""

# -- sizes ---------------------------------------------------------------------------

_PIECE = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")


def estimated(text: str) -> int:
    """About how many word pieces a text has, rather more than less.

    Example:
        >>> estimated("why is the database locked?")
        6
    """
    total = 0
    for piece in _PIECE.findall(text):
        if not piece.isascii():
            total += len(piece)
        elif piece.isdigit():
            total += (len(piece) + 1) // 2
        else:
            total += 1 if len(piece) <= 8 else (len(piece) + 3) // 4
    return total


def fits(text: str, size: Size, window: int) -> bool:
    """Whether a text is read whole."""
    if len(text) <= window and len(text.encode("utf-8", "replace")) <= window:
        return True
    return len(text) <= _EXACT and size(text) <= window


def head(text: str, most: int) -> str:
    """The start of a text, at most about `most` word pieces, cut between words."""
    if estimated(text) <= most:
        return text
    total = 0
    for found in _PIECE.finditer(text):
        total += estimated(found.group())
        if total > most:
            return text[: found.start()].rstrip() or text[: most * _width(text[:most])]
    return text


def _width(text: str) -> int:
    """Characters of one long word that make a word piece."""
    return 4 if text.isascii() else 1


# -- folding -------------------------------------------------------------------------

_VARIES = re.compile(
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b(?:0x)?(?=\w*\d)[0-9a-fA-F]{6,}\b"
    r"|\d+(?:[.,:/T-]\d+)*[a-zA-Z]{0,2}\b|\"[^\"]{0,200}\"|'[^']{0,200}'"
)
_TELLS = re.compile(
    r"(?i)error|exception|fail|fatal|panic|denied|refused|timed? ?out|cannot|can't|could not"
    r"|unable|invalid|not found|missing|warn|abort|killed|locked|conflict"
)


def template(line: str) -> str:
    """A line without what differs from run to run: numbers, times, hashes, quoted values."""
    return " ".join(_VARIES.sub("#", line).split())


def folded(lines: Sequence[str]) -> list[str]:
    """Lines of which each template is kept once, at its first place; blank ones left out."""
    seen: dict[str, str] = {}
    for line in lines:
        if line.strip():
            seen.setdefault(template(line), line.strip())
    return list(seen.values())


# -- windows -------------------------------------------------------------------------


def read(
    text: str,
    size: Size = estimated,
    window: int = WINDOW,
    budget: int = BUDGET,
    held: Held | None = None,
) -> tuple[Window, ...]:
    """Give the windows that a query is read in, what is asked first; at least one, at most 12.

    A text that fits is its own window. The windows of any other are of at most
    `LONGEST_ASKED` pieces where they are asked; what stands beside these has what they leave
    of the budget.

    Args:
        text: A task, a context or an action.
        size: Counts word pieces.
        window: Word pieces that the model reads at once.
        budget: Word pieces of all windows; twice as many where nothing clear is asked.
        held: Tells what of a text the store knows, so that this is read first; None: not known.
    """
    if fits(text, size, window):
        return (Window(text, "whole", clear=True),)
    found = passages(text)
    if held is not None:
        found = known_first(found, held)
    asked = asked_in(found)
    rest = [one for one in found if one not in asked]
    says = [one.asks for one in asked if one.said >= ENOUGH]
    clear, best = bool(says), max(says, default=0.0)
    weights = BESIDE if clear else ALONE
    most = min(LONGEST_ASKED, window)
    windows = []
    for one in asked:
        clearest = one.said >= ENOUGH and one.asks > best - CLEARLY
        weight = 1.0 if clearest or not clear else PERHAPS
        windows.append(Window(head(one.text, most), "asked", weight, clearest, one.asks))
    room = MOST - len(windows)
    spent = sum(estimated(one.text) for one in windows)
    left = max((budget if clear else 2 * budget) - spent, SHARE // 2)
    beside = [one for one in rest if one.kind != "prose"] if clear else rest
    for kind, said in _beside(beside, left)[:room]:
        windows.append(Window(said, kind, weights[kind]))
    return tuple(windows) or (Window(head(cut_line(text, 1_000), window), "prose"),)


def known_first(found: Sequence[Passage], held: Held) -> list[Passage]:
    """Passages of which those of prose ask the more, the more of them one stored item says.

    Nothing in the form of a statement tells that it is what a text is about; that something
    stored is about the same does. Longer passages share more by chance.
    """
    prose = [place for place, one in enumerate(found) if one.kind == "prose"]
    told = list(found)
    for place, share in zip(prose, held([found[at].text for at in prose]), strict=True):
        one = found[place]
        size = max(estimated(one.text), SHORT)
        told[place] = replace(one, asks=one.asks + HELD * share / math.sqrt(size))
    return told


def asked_in(found: Sequence[Passage]) -> list[Passage]:
    """What asks, at most `MOST_ASKED`, the most asking one first, as far as the budget goes."""
    prose = [one for one in found if one.kind == "prose" and one.asks > 0]
    least = min(LEAST, max((one.asks for one in prose), default=LEAST))
    likely = [one for one in prose if one.asks >= least]
    best = sorted(range(len(likely)), key=lambda at: (-likely[at].asks, -at))[:MOST_ASKED]
    kept: list[Passage] = []
    room = ASKED
    for one in (likely[at] for at in best):
        size = min(estimated(one.text), LONGEST_ASKED)
        if size <= room or not kept:
            kept.append(one)
            room -= size
    return kept


def _beside(rest: Sequence[Passage], budget: int) -> list[tuple[WindowKind, str]]:
    """What is read beside the request, the most telling first, within the budget."""
    offered: list[tuple[WindowKind, str]] = []
    error = error_of(rest)
    if error:
        offered.append(("trace", error))
    prose = [one.text for one in rest if one.kind == "prose"]
    offered += [("prose", said) for said in (*prose[-1:], *prose[:1], *_spread(prose[1:-1]))]
    logs = folded([line for one in rest if one.kind == "log" for line in one.text.splitlines()])
    if logs:
        telling = [line for line in logs if _TELLS.search(line)] or logs
        offered.insert(min(2, len(offered)), ("log", _packed(telling)))
    code = [one.text for one in rest if one.kind == "code"]
    if code:
        offered.insert(min(3, len(offered)), ("code", _packed(folded(_named(code)))))
    kept: list[tuple[WindowKind, str]] = []
    for kind, said in dict.fromkeys(offered):
        cut = head(said, min(SHARE, budget))
        if not cut.strip():
            continue
        kept.append((kind, cut))
        budget -= estimated(cut)
        if budget < SHARE // 4:
            break
    return kept


def _spread(texts: Sequence[str]) -> list[str]:
    """Up to four of many, evenly."""
    step = max(len(texts) // 4, 1)
    return list(texts[step // 2 :: step][:4])


def _packed(lines: Sequence[str]) -> str:
    """Lines joined, as much as any window can hold."""
    return "\n".join(cut_line(line, 400) for line in lines[:SHARE])


def error_of(rest: Sequence[Passage]) -> str:
    """The error of pasted traces and logs: its line, then its innermost functions; "" for none."""
    pasted = "\n".join(one.text for one in rest if one.kind in ("trace", "log"))
    if not pasted:
        return ""
    found = read_error(log_lines(pasted))
    if found is None:
        lines = [one.text for one in rest if one.kind == "trace"]
        return lines[-1].splitlines()[-1].strip() if lines else ""
    said = found.message if found.type in found.message else f"{found.type}: {found.message}"
    return f"{said}\nin {', '.join(found.frames)}" if found.frames else said


_NAMED = re.compile(
    r"\b(?:def|class|function|func|fn|interface|struct|CREATE|SELECT|FROM)\b|^\s*(?:#|//|\*|--)\s|^(?:diff|\+\+\+)|^[-+]\s*\S"
)


def _named(code: Sequence[str]) -> list[str]:
    """The lines of code that say what it is about: headers, comments, what a diff changes."""
    lines = [line for text in code for line in text.splitlines()]
    telling = [line for line in lines if _NAMED.search(line)]
    return telling or lines


# -- items ---------------------------------------------------------------------------


def parts(title: str, text: str) -> tuple[str, ...]:
    """Give the parts that an item longer than a window is found by; they cover its text.

    Each sentence under the item's title, so that it is found as an item that says nothing
    else; very short ones stand with the one before. At most `MOST_PARTS`: of a longer text
    the first and the last sentences stand alone and those between are joined evenly.
    """
    units: list[str] = []
    for said in _sentences(text, PART):
        if units and estimated(said) < SHORT and estimated(units[-1]) < PART:
            units[-1] = f"{units[-1]} {said}"
        else:
            units.append(said)
    if len(units) > MOST_PARTS:
        middle = units[ALONE_FIRST:-ALONE_LAST]
        step = -(-len(middle) // (MOST_PARTS - ALONE_FIRST - ALONE_LAST))
        runs = [" ".join(middle[at : at + step]) for at in range(0, len(middle), step)]
        units = [*units[:ALONE_FIRST], *runs, *units[-ALONE_LAST:]]
    under = head(title, SHARE // 2)
    return tuple(f"{under}\n{said}" for said in units)


def _sentences(text: str, most: int) -> Iterator[str]:
    """The lines and sentences of a text, none of more than about `most` word pieces."""
    for line in bounded(text).splitlines():
        for sentence in sentences(line):
            rest = sentence
            while estimated(rest) > most:
                start = head(rest, most)
                yield start
                rest = rest[len(start) :].lstrip()
            if rest:
                yield rest


# -- errors --------------------------------------------------------------------------


def read_log(
    error: str, size: Size = estimated, window: int = WINDOW, budget: int = BUDGET
) -> tuple[Window, ...]:
    """Give the windows that an error text is read in: the error, its end, telling lines.

    An error that fits is its own window.
    """
    if fits(error, size, window):
        return (Window(error, "whole", clear=True),)
    lines = [cut_line(line, 400) for line in bounded(error).splitlines()]
    said = error_of([Passage("\n".join(lines), "trace")])
    kept = folded(lines)
    windows: list[Window] = []
    if said:
        windows.append(Window(head(said, min(window, LONGEST_ASKED)), "trace", clear=True))
    windows.append(Window(tail("\n".join(kept), min(window, budget)), "log", 0.9))
    return tuple(windows)


def tail(text: str, most: int) -> str:
    """The end of a text, at most about `most` word pieces, cut between words."""
    text = text[-12 * most :]
    if estimated(text) <= most:
        return text
    total = 0
    for found in reversed(list(_PIECE.finditer(text))):
        total += estimated(found.group())
        if total > most:
            return text[found.end() :].lstrip() or text[-most * _width(text[-most:]) :]
    return text


_SPOKEN = ("whole", "asked", "prose")
_NAME = re.compile(r"(?=\S*[\d_]|\S*[a-z][A-Z]|\S*\w\.\w)[\w.:/@-]{3,80}")


def gist(windows: Sequence[Window]) -> str:
    """The words of a text that are searched for: what is asked, then what stands beside it."""
    spoken, beside = _told(windows)
    return "\n".join([one.text for one in spoken] + [beside] * bool(beside))


def sayings(windows: Sequence[Window]) -> tuple[tuple[str, float], ...]:
    """The words of each passage that may be what a text is about, with the window's weight.

    What stands beside goes with each of them.
    """
    spoken, beside = _told(windows)
    if not spoken:
        return ((beside, 1.0),)
    return tuple((f"{one.text}\n{beside}" if beside else one.text, one.weight) for one in spoken)


def _told(windows: Sequence[Window]) -> tuple[list[Window], str]:
    """The windows in which somebody speaks, and the words of what is pasted beside them.

    Beside a request that says what it is about only the names in an error count: codes,
    types, functions.
    """
    spoken = [one for one in windows if one.kind in _SPOKEN or one.clear]
    pasted = [one for one in windows if one not in spoken]
    if not any(one.clear for one in windows):
        return spoken, "\n".join(one.text for one in pasted)
    errors = [one.text for one in pasted if one.kind == "trace"]
    names = [name for said in errors for name in _NAME.findall(said.splitlines()[0])]
    return spoken, " ".join(dict.fromkeys(names))


def alternatives(windows: Sequence[Window]) -> float:
    """As how many passages that ask alike those that are read count, at least 1.

    One that asks `APART` less than the most asking one counts 1/e: a text that asks one thing
    clearly is asked once, whatever is read beside it: beside a question or a request no statement
    is one. Where none asks, each line that is pasted may be meant.
    """
    spoken = [one for one in windows if one.kind in _SPOKEN]
    most = max((one.asks for one in spoken), default=0.0)
    if any(one.clear and one.asks == most and asking(one.text) >= ASKS for one in spoken):
        spoken = [one for one in spoken if one.clear or asking(one.text) >= ASKS]
    asks = [one.asks for one in spoken]
    if not any(one.clear for one in windows):
        asks += [0.0 for one in windows if one.kind not in _SPOKEN for _ in one.text.splitlines()]
    return max(sum(math.exp((one - most) / APART) for one in asks), 1.0)
