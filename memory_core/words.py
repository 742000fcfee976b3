"""How a text becomes search terms, the same in the index and in a query.

Programmers write one name in many ways, and some scripts write no blanks. So a compound
(`parseResponse`, `os.path.join`, `--no-verify`, `ORA-00942`, a path, a version, a host) is
found whole and by its parts; Chinese, Japanese and Korean by one and two characters, Thai and
its like by two. Case, accents and widths are folded, English endings are taken off, and the
commonest English words are left out. This module knows no index.

References:
    Porter2 (snowballstem.org); bigrams for Chinese and Japanese as in Lucene's CJKBigramFilter.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import snowballstemmer

LONGEST_TERM = 120
"""Characters of the longest term; what is longer is known by its beginning."""
_STOPPED = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then "
    "there these they this to was will with"
)
STOP_WORDS = frozenset(_STOPPED.split())
_LONGEST_WORD = 40
"""Longer runs of letters and digits are no names: they are not taken apart."""
_CACHED = 64

_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_KANA = "\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
_CJK = f"{_HAN}{_KANA}{_HANGUL}"
_UNSPACED = (
    "\u0e01-\u0e4e\u0e80-\u0ecf\u0f40-\u0fbc\u1000-\u109f\u1780-\u17d3\u1950-\u19df\ua9e0-\ua9fe"
    "\uaa60-\uaa7f"
)
_MARKS = "\u0900-\u0dff\u1b00-\u1bff\ua800-\ua8ff"
"""Scripts whose vowel signs Python does not count among the characters of a word."""
_PICTURES = (
    "\u231a\u231b\u23e9-\u23fa\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa"
    "\U0001f400-\U0001faff"
)
JOINTS = r"[-.'/\\:@]{1,3}"
FLAG = r"(?P<flag>(?<![\w-])--?(?=[A-Za-z])[\w-]+)"
_SIGNED = r"(?P<signed>\b[A-Za-z](?:\+\+|#)(?!\w))"
_ASCII = re.compile(rf"{FLAG}|{_SIGNED}|(?P<name>\w+(?:{JOINTS}\w+)*)", re.ASCII)
_LETTER = rf"(?:[^\W{_CJK}{_UNSPACED}]|[{_MARKS}])"
_ANY = re.compile(
    rf"{FLAG}|{_SIGNED}|(?P<cjk>[{_CJK}]+)|(?P<unspaced>[{_UNSPACED}]+)"
    rf"|(?P<emoji>[\U0001f1e6-\U0001f1ff]{{2}}|[{_PICTURES}])"
    rf"|(?P<name>{_LETTER}+(?:{JOINTS}{_LETTER}+)*)"
)
_DROPPED = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]+"
)
"""Accents and points over and under letters, and what nobody sees."""
_LETTERS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201b\u2032\u02bc", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2212", "-"),
        **dict(zip("øØłŁđĐðÐ\u0131", "oOlLdDdDi", strict=True)),
        **dict(zip("ßẞæÆœŒþÞ", ["ss", "SS", "ae", "AE", "oe", "OE", "th", "TH"], strict=True)),
    }
)
SEGMENTS = re.compile(r"[/\\:@]+")
_DOTS = re.compile(r"\.+")
_HYPHENS = re.compile(r"[-_]+")
_HUMPS = re.compile(
    r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+"
)
_VERSION = re.compile(r"[A-Za-z]+(?P<version>[0-9]+(?:\.[0-9]+){1,7})")
_HEXADECIMAL = re.compile(r"0x(?P<digits>[0-9a-f]+)")
_HASH = re.compile(r"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}")
_SHORT_HASH = 7
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc]{3,24}")
_WRITTEN_ALONE = re.compile(f"[{_HAN}{_HANGUL}]")
_CLUSTER = re.compile(r"[\u0e40-\u0e44\u0ec0-\u0ec4]?\w\W*")
"""A letter with the vowel written before it and the marks on it."""
_stemmer = snowballstemmer.stemmer("english")
_stemming = threading.Lock()


def terms(text: str) -> tuple[str, ...]:
    """Give the search terms of a text in its order, each as often as it occurs.

    Takes time in proportion to the text, whatever it holds.

    Example:
        >>> terms("Why did parseResponse fail?")
        ('whi', 'did', 'parserespons', 'pars', 'respons', 'fail')
        >>> terms("ORA-00942, --dry-run")
        ('ora00942', 'ora', '00942', '--dry-run', 'dryrun', 'dri', 'run')
    """
    said = folded(text)
    pattern = _ASCII if said.isascii() else _ANY
    found: list[str] = []
    for match in pattern.finditer(said):
        token, kind = match.group(), match.lastgroup
        if kind == "name":
            found += _of_name(token) if len(token) <= _CACHED else _named(token)
        elif kind == "flag":
            found.append(token[:LONGEST_TERM].casefold())
            found += _named(token.strip("-"))
        elif kind == "cjk":
            found += _grams(token)
        elif kind == "unspaced":
            found += _pairs(_CLUSTER.findall(token) or [token[:LONGEST_TERM]])
        else:
            found.append(token.casefold())
    return tuple(found)


def folded(text: str) -> str:
    """Give a text without accents, one width of each sign; case stays, it tells names apart."""
    if not text.isascii():
        apart = _DROPPED.sub("", unicodedata.normalize("NFKD", text))
        text = unicodedata.normalize("NFC", apart).translate(_LETTERS)
    return text.replace("::", ".").replace("->", ".")


@lru_cache(maxsize=1 << 15)
def _of_name(token: str) -> tuple[str, ...]:
    return _named(token)


def _named(token: str) -> tuple[str, ...]:
    """A name: its path whole, then what stands between its slashes."""
    parts = [part for part in SEGMENTS.split(token) if part]
    found: list[str] = []
    if len(parts) > 1 and len(token) <= LONGEST_TERM:
        found.append("/".join(parts).casefold())
    for part in parts:
        found += _dotted(part)
    return tuple(found)


def _dotted(name: str) -> Iterator[str]:
    """A dotted name or a version: whole, by neighbours, and by its parts."""
    numbered = _VERSION.fullmatch(name)
    if numbered:
        yield numbered["version"]
    parts = [part for part in _DOTS.split(name) if part.strip("-_'")]
    small = [part.casefold() for part in parts]
    if 1 < len(parts) <= 8 and len(name) <= LONGEST_TERM:
        yield ".".join(small)
        if len(parts) > 2:
            yield from (".".join(pair) for pair in pairwise(small))
        elif small[0].isalpha() and small[1].isalpha():
            yield stem("".join(small))
    for part in parts:
        yield from _joined(part)


def _joined(name: str) -> Iterator[str]:
    """A name in snake_case, kebab-case or camelCase: written together, and its words."""
    name = name[:-2] if name.endswith(("'s", "'S")) else name
    name = name.replace("'", "")
    if name.islower() and name.isalpha():
        yield from _kept(name)
        return
    pieces = [piece for piece in _HYPHENS.split(name) if piece]
    words = [word.casefold() for piece in pieces for word in _humps(piece)]
    together = "".join(pieces).casefold()
    if words == [together]:
        yield from _kept(together)
    else:
        yield stem(together[:LONGEST_TERM])
    if name.startswith("__") and name.endswith("__"):
        yield name[:LONGEST_TERM].casefold()
    yield from _prefixes(together)
    if words != [together]:
        for word in words:
            yield from _kept(word)


def _humps(word: str) -> list[str]:
    """The words of one that capitals or digits hold apart, itself where it is no such name."""
    if word.islower() and word.isalpha():
        return [word]
    small = word.casefold()
    if len(word) > _LONGEST_WORD or _HEXADECIMAL.fullmatch(small) or _HASH.fullmatch(small):
        return [word]
    humps = _HUMPS.findall(word)
    if len(humps) > 3 and len(word) < 2.5 * len(humps):
        return [word]
    return [hump for hump in humps if len(hump) > 1 or hump.isdigit()] or [word]


def _prefixes(word: str) -> Iterator[str]:
    """What a number to the base 16 is also known by: without its mark, and by its beginning."""
    marked = _HEXADECIMAL.fullmatch(word)
    if marked:
        yield marked["digits"][:LONGEST_TERM]
    elif len(word) > _SHORT_HASH and _HASH.fullmatch(word):
        yield word[:_SHORT_HASH]


def _kept(word: str) -> Iterator[str]:
    if word not in STOP_WORDS:
        yield stem(word[:LONGEST_TERM])


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Give a word in small letters without its English ending.

    Example:
        >>> stem("queries")
        'queri'
    """
    if len(word) < 3 or len(word) > _LONGEST_WORD or not (word.isascii() and word.isalpha()):
        return word
    with _stemming:
        return str(_stemmer.stemWord(word))


def _grams(run: str) -> Iterator[str]:
    """One and two characters of a run without blanks, and its words of Katakana."""
    yield from _KATAKANA.findall(run)
    if len(run) == 1:
        yield run
        return
    for place, sign in enumerate(run):
        if _WRITTEN_ALONE.match(sign):
            yield sign
        if place + 1 < len(run):
            yield run[place : place + 2]


def _pairs(signs: list[str]) -> Iterator[str]:
    if len(signs) == 1:
        yield signs[0]
    for one, other in pairwise(signs):
        yield one + other
