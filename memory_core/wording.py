"""Whether a correction says the same in other letters: only then does a record stay with it.

A correction keeps the meaning when nothing changes but white space, punctuation, the case of
prose, articles, a final "s", and misspelt words that become real ones. Everything else may
change it, a number, a flag, a name or a "not" above all, however like the two texts are: a
cosine cannot tell these apart.

Beside it what a text says, however it is marked up: two lessons that say the same take one
place of an answer. Knows texts only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import unescape

from memory_core.unseen import seen

Known = Callable[[str], bool]
"""Tells whether a word in small letters is a common one."""

_ARTICLES = frozenset({"a", "an", "the"})
_OPENING = "([{\"'`\u201c\u2018\u201e\u201a\u300c\u300e\u00ab\u2039\u00bf\u00a1"
_CLOSING = ")]}\"'`\u201c\u201d\u2018\u2019\u300d\u300f\u00bb\u203a\u2026.,;:!?"
_DASHES = re.compile("[\u2013\u2014]")
_COMPOUND = re.compile(r"[^\W\d_]{2,}(?:-[^\W\d_]{2,})+")
_LIST_MARK = re.compile(
    r"^[^\S\n]*(?:(?:[-*+>\u2022\u2023\u2043\u2219\u25aa\u25a0\u25cf\u25cb\u25c6\u25e6\u25ba\u27a4\u2192\u00b7"
    r"\u2460-\u2473]|#{1,6}|\d{1,3}(?:\.\d{1,3}){0,3}[.)]|\(?(?:[a-zA-Z]|[ivx]{1,4}|\d{1,3})\)"
    r"|[ivx]{1,4}\.|(?i:step) \d{1,3}[.:]|\[[ xX]\])[^\S\n]+)+",
    re.MULTILINE,
)
_FENCE_LINE = re.compile(r"^[^\S\n]*(?:```|~~~)[^\n`~]{0,40}$", re.MULTILINE)
_TAGGED = re.compile(
    r"<(?P<tag>b|i|u|em|strong|code|tt|p|li|span|h[1-6])>(?P<said>[^<>]{1,4000})</(?P=tag)>",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(do|does|did|is|are|was|were|should|would|could|must|has|have|had|need|can)(?:n't| ?not)\b",
    re.IGNORECASE,
)
_CANNOT = re.compile(r"\bcan't\b", re.IGNORECASE)
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])[\u00b4\u02bc\u2019`](?=[^\W\d_])")
_BITS = re.compile(r"[kKMGT]i?b(?:it)?(?:/s|ps)?")
_EMPHASIS = re.compile(
    r"(?<![\w*])(?P<stars>\*{1,3}|~~)(?=[^\s*])(?P<said>[^*~\n]{1,2000})(?<!\s)(?P=stars)(?![\w*])"
)
_UNDERLINED = re.compile(
    r"(?<!\w)(?P<lines>__?)(?=[^\s_])(?P<said>[^_\n]{1,1000}\s[^_\n]{1,1000})(?<!\s)(?P=lines)(?!\w)"
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3002: ".",
    0x3001: ",",
    0x2026: " ",
}
_SHORT_FLAG = re.compile(r"-[A-Za-z]{1,3}")
_SHORTEST = 4
"""Letters of the shortest word that may be misspelt."""
_LONG = 8
"""Letters from which two are wrong in a misspelt word."""
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class _Token:
    """One word as it is written, and what it is compared by: prose by its letters alone."""

    shown: str
    key: str
    prose: bool


def changed_meaning(old: str, new: str, known: Known | None) -> str:
    """Say which change of a text may change what it says, "" when none does.

    Args:
        old: As it was.
        new: As it is to be.
        known: Tells real words from misspelt ones; None takes every word for a real one.

    Example:
        >>> changed_meaning("Use  the flag -r .", "use the flag -r", None)
        ''
        >>> changed_meaning("Use the flag -r", "Use the flag -R", None)
        "'-r' became '-R'"
    """
    before, after = list(_tokens(old)), list(_tokens(new))
    matcher = SequenceMatcher(
        None, [token.key for token in before], [token.key for token in after], autojunk=False
    )
    for kind, first, last, start, end in matcher.get_opcodes():
        if kind == "equal":
            continue
        gone, come = before[first:last], after[start:end]
        pairs = zip(gone, come, strict=False)
        if len(gone) == len(come) and all(_corrected(one, other, known) for one, other in pairs):
            continue
        return _told(gone, come)
    return ""


def said(text: str) -> str:
    """Give what a text says, equal for texts that differ in how they are written alone.

    White space, case, marks of lists and of emphasis, entities and tags of HTML, quotes, the
    punctuation around words, articles and what nobody sees say nothing; "don't" says "do not".
    Numbers, units, flags, operators and "not" do.

    Example:
        >>> said("- **Close the file**, don\u2019t WAIT") == said("close file don't wait")
        True
        >>> said("use -r") == said("use -R")
        False
    """
    text = seen(unescape(text)).translate(_WIDE)
    text = _TAGGED.sub(r"\g<said>", _FENCE_LINE.sub("", text))
    text = _LIST_MARK.sub("", text)
    text = _UNDERLINED.sub(r"\g<said>", _EMPHASIS.sub(r"\g<said>", text))
    text = _CANNOT.sub("can not", _APOSTROPHE.sub("'", text))
    text = _NEGATED.sub(r"\1 not", text)
    return " ".join(map(_key, _tokens(text)))


def _key(token: _Token) -> str:
    """What a word says; its capitals where they say something: `-R`, a megabit, no megabyte."""
    bare = token.shown.lstrip(_OPENING).rstrip(_CLOSING)
    if _BITS.fullmatch(bare):
        return bare
    return token.key if _SHORT_FLAG.fullmatch(token.key) else token.key.casefold()


def _tokens(text: str) -> Iterator[_Token]:
    for written in _DASHES.sub(" ", unicodedata.normalize("NFC", text)).split():
        bare = written.lstrip(_OPENING).rstrip(_CLOSING).replace("\u2019", "'")
        for part in bare.split("-") if _COMPOUND.fullmatch(bare) else (bare,):
            letters = part.replace("'", "")
            prose = len(letters) > 1 and letters.isalpha() and _is_plain(letters)
            key = letters.casefold() if prose else part
            if key.strip("-") and key.casefold() not in _ARTICLES:
                yield _Token(written, key, prose)


def _is_plain(word: str) -> bool:
    """Whether a word's capitals say nothing: not those of `readFile`."""
    return word.islower() or word.isupper() or word[1:].islower() or not word.isascii()


def _corrected(old: _Token, new: _Token, known: Known | None) -> bool:
    """Whether one word became another that means the same."""
    if not (old.prose and new.prose):
        return False
    if _is_inflected(old.key, new.key):
        return True
    is_mended = known is not None and not known(old.key) and known(new.key)
    return is_mended and _is_typo(old.key, new.key)


def _is_inflected(old: str, new: str) -> bool:
    short, long = sorted((old, new), key=len)
    return len(short) >= _SHORTEST - 1 and long in (f"{short}s", f"{short}es")


def _is_typo(wrong: str, right: str) -> bool:
    """Whether `wrong` is `right` with two neighbours swapped, or with one or two letters off."""
    if any(right == _swapped(wrong, place) for place in range(len(wrong) - 1)):
        return True
    if wrong[0] != right[0] or min(len(wrong), len(right)) < _SHORTEST:
        return False
    return _distance(wrong, right) <= (2 if len(right) >= _LONG else 1)


def _swapped(word: str, place: int) -> str:
    return f"{word[:place]}{word[place + 1]}{word[place]}{word[place + 2 :]}"


def _distance(one: str, other: str) -> int:
    """Letters to put in, to take out or to change (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, start=1):
        above, row[0] = row[0], number
        for place, against in enumerate(other, start=1):
            least = min(row[place] + 1, row[place - 1] + 1, above + (letter != against))
            above, row[place] = row[place], least
    return row[-1]


def _told(gone: list[_Token], come: list[_Token]) -> str:
    old, new = (_shown(" ".join(token.shown for token in part)) for part in (gone, come))
    if not gone:
        return f"{new} was added"
    return f"{old} became {new}" if come else f"{old} was taken out"


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")
