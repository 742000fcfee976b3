"""Characters that no reader sees, and where they belong to what is seen after all.

A model reads them as text, so a stored lesson can hide orders in them. Some are part of how
a word or an emoji is written: a joiner between Persian or Sinhala letters, a selector behind
a pictograph. Those stay where they do that work, one at a time, and nowhere else.
This module knows Unicode only.

References:
    Unicode 16: Default_Ignorable_Code_Point, emoji sequences (UTS 51); joiners by their
    neighbours as in RFC 5892, appendix A.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_NEVER = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u00ad\u034f\u061c"  # soft hyphen, grapheme joiner, Arabic letter mark
    "\u115f\u1160\u3164\uffa0\u17b4\u17b5"  # fillers of Hangul, inherent vowels of Khmer
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"  # zero width, directions, invisible operators
    "\ufe00-\ufe0d\U000e0100-\U000e01ef"  # selectors of glyphs: the letter says the same without
    "\ufeff\ufff0-\ufffb"  # byte order mark, annotations
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"  # of shorthand and of music
    "\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
    "\ud800-\udfff"  # lone surrogates, which no transport can carry
    "\ue000-\uf8ff\U000f0000-\U0010ffff"  # private use: no two readers share a meaning
    "\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(15) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_ENGLAND, _SCOTLAND, _WALES = (
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in code) + "\U000e007f"
    for code in ("gbeng", "gbsct", "gbwls")
)
_BY_CONTEXT = re.compile(
    f"(?P<flag>{_ENGLAND}|{_SCOTLAND}|{_WALES})"
    "|[\u180b-\u180f\u200c\u200d\u2800\ufe0e\ufe0f\U00013430-\U0001343f\U000e0020-\U000e007f]+"
)
_PICTURE = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf"
    "\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_CURSIVE = re.compile(
    "[\u0600-\u08ff\u1800-\u18af\ua840-\ua87f\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
    "\U00010ac0-\U00010aff\U0001e900-\U0001e95f]"
)
_STACKING = re.compile("[\u0900-\u0dff\u0f00-\u109f\u1780-\u17ff\u1900-\u1cff\ua8e0-\uabff]")
_MONGOLIAN = re.compile("[\u1820-\u18aa]")
_BRAILLE = re.compile("[\u2801-\u28ff]")
_HIEROGLYPH = re.compile("[\U00013000-\U0001342f]")
_VIRAMA = 9
"""The canonical combining class of the sign that takes a letter's vowel away."""
_NOT_JOINED, _JOINED = "\u200c", "\u200d"
_SELECTORS = ("\ufe0e", "\ufe0f")


def _gone(_hidden: str) -> str:
    return ""


def seen(text: str, instead: Callable[[str], str] = _gone) -> str:
    r"""Give `text` without what nobody sees.

    Args:
        text: Any text.
        instead: What stands for a run of hidden characters; by default nothing.

    Example:
        >>> seen("pay\u200b me\U000e0041")
        'pay me'
    """
    if text.isascii():
        return _NEVER.sub(lambda found: instead(found.group()), text)
    text = _NEVER.sub(lambda found: instead(found.group()), text)
    return _BY_CONTEXT.sub(lambda found: _in_place(found, instead), text)


def escaped(hidden: str) -> str:
    r"""Give characters as the escapes of JSON.

    Example:
        >>> escaped("\u200b\U000e0041")
        '\\u200b\\udb40\\udc41'
    """
    units = hidden.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _in_place(found: re.Match[str], instead: Callable[[str], str]) -> str:
    """What stays of a run of characters that some neighbours need."""
    run = found.group()
    if found["flag"]:
        return run
    text, start, end = found.string, found.start(), found.end()
    kept = _kept(run, text[start - 1 : start], text[end : end + 1])
    return kept + instead(run[len(kept) :]) if len(kept) < len(run) else run


def _kept(run: str, before: str, after: str) -> str:
    """The beginning of a run that is needed between these characters ("" at an end)."""
    picture, keycap = _PICTURE.match(before), before in "0123456789#*" and after == "\u20e3"
    if run[0] in _SELECTORS and picture:
        joins = run[1:] == _JOINED and _PICTURE.match(after)
        return run if joins else run[0]
    if run in _SELECTORS and before and keycap:
        return run
    if run == _JOINED and picture and _PICTURE.match(after):
        return run
    if run in (_NOT_JOINED, _JOINED):
        return run if _is_written(run, before, after) else ""
    shape = _MONGOLIAN if "\u180b" <= run <= "\u180f" else _HIEROGLYPH
    if len(run) == 1 and run != "\u2800":
        return run if shape.match(before) else ""
    blank = not run.strip("\u2800") and (_BRAILLE.match(before) or _BRAILLE.match(after))
    return run if blank else ""


def _is_written(joiner: str, before: str, after: str) -> bool:
    """Whether a joiner shapes the letters beside it."""
    if before and unicodedata.combining(before) == _VIRAMA:
        return True
    left, right = _is_letter(before, _CURSIVE), _is_letter(after, _CURSIVE)
    if (left and right) or (joiner == _JOINED and (left or right)):
        return True
    return _is_letter(before, _STACKING) and _is_letter(after, _STACKING)


def _is_letter(one: str, script: re.Pattern[str]) -> bool:
    return bool(script.match(one)) and unicodedata.category(one)[0] in "LM"
