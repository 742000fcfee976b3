"""Which words of a text name one thing: codes, identifiers, flags, versions, hosts, functions.

Told by their form alone. What everybody writes is no name though it has such a form: a
shouted word, a size or a date, a link's host, a file called `package.json`, a brand, the head
of a conventional commit. This module knows no index and no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from memory_core.background import listed, rarity
from memory_core.words import FLAG, JOINTS, LONGEST_TERM, SEGMENTS, folded, terms

# -- what is no name wherever it stands ------------------------------------------------

_PUBLIC = (
    r"(?:com|org|net|io|dev|ai|co|app|edu|gov|info|me|sh|rs|gg"
    r"|[a-z]{2}\.[a-z]{2}|uk|de|fr|eu|jp|cn|ru)"
)
_LINK = re.compile(
    r"(?<!\w)(?:https?|ftp|ssh|git|wss?)://(?:[^\s/@]{1,80}@)?(?P<host>[\w.-]{1,120})[^\s<>\"'`)\]]*"
    r"|(?<![\w.])www\.[^\s<>\"'`)\]]+"
)
_OPEN = re.compile(rf"[A-Za-z.-]*\.{_PUBLIC}\Z|localhost\Z", re.IGNORECASE)
"""A host that anybody may link to."""
_MAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[A-Za-z][\w-]{0,30}){1,4}(?::[\w./-]+)?"
)
_PICTURE = re.compile(r"(?<![\w:]):[a-z][a-z0-9_+-]{1,40}:(?![\w:])")
"""An emoji by its name."""
_TICKET = re.compile(r"(?<!&)#\d+\b")
_COMMIT = re.compile(
    r"^\W{0,6}(?:feat|feature|fix|bugfix|hotfix|chore|docs?|style|refactor|perf|tests?|build|ci|cd"
    r"|revert|wip|release|deps|security|merge|bump|lint|i18n|ops|cleanup|core|init)"
    r"\([^()\n]{0,60}\)!?(?=:|\s)",
    re.IGNORECASE | re.MULTILINE,
)
_SHOUTED = re.compile(
    r"\b[A-Z]{2,}(?:[\s,.!?:;&/-]{1,3}[A-Z]{2,}){2,}\b"
    r"|^[#*= ]{0,9}[A-Z]{2,}(?: [A-Z]{2,})+[:*= ]{0,9}$",
    re.MULTILINE,
)
"""Three words or more in capitals, or a line of two: a sentence, a heading, a licence."""

# -- what is a name -------------------------------------------------------------------

_TOKEN = re.compile(
    rf"{FLAG}"
    rf"|(?P<token>\w+(?:{JOINTS}\w+)*(?:\((?!e?s\)))?)",
    re.ASCII,
)
_COMMON_FLAGS = frozenset({"--help", "--version", "--verbose", "--debug", "--quiet", "--yes"})
_EVERYDAY = re.compile(
    r"\d{1,4}|\d+00"  # numbers that anybody writes, round ones
    r"|\d{4}[-.]\d\d?[-.]\d\d?(?:T.*)?|\d\d?[-.]\d\d?[-.]\d{4}"  # dates
    r"|\d{4}-\d{2,4}|\d{8}T\d{4,6}Z?"
    r"|\d+\.\d+|(?:v|V)?(?:0\.)*\d+(?:\.0)+|(?:v|V)?0(?:\.0)*\.\d"  # 1.5, 2.0.0, 0.0.1
    r"|v?\d{1,3}(?:\.\d{1,3})?"
    r"|(?:127|0|10|255)(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}"  # addresses of every network
    r"|\d+(?:\.\d+)?[A-Za-z]{1,5}(?:-[A-Za-z]+)*|\d+(?:-[A-Za-z]+)+|\d+-\d+"  # 100MB, 2nd, 24-hour
    r"|[A-Za-z]{2,}-?\d{1,3}|[A-Za-z]\d{1,2}"  # python3, UTF-8, JIRA-1
    r"|(?:ISO|RFC|DIN|IEEE|ES|ECMA)-?\d+|[A-Za-z]{3,}-?(?:19|20)\d\d"  # standards, years
    r"|[A-Za-z]{2,}-?\d{1,2}(?:\.\d+)+"  # Python3.11
)
"""What has a digit in it and names nothing."""
_FILE = re.compile(
    rf"[A-Za-z-]+(?:\.[A-Za-z-]+)?\.(?:{_PUBLIC}|md|rst|txt|py|js|jsx|ts|tsx|mjs|cjs|vue|css|scss"
    r"|html?|xml|json|ya?ml|toml|ini|cfg|conf|lock|log|env|csv|tsv|pdf|png|jpe?g|svg|gif|mp[34]"
    r"|docx?|xlsx?|pptx?|zip|gz|tar|sql|java|kt|go|rb|php|c|h|cc|cpp|hpp|cs|swift|ipynb|exe|dll"
    r"|jar|bat|ps1|mod|sum|example|local|test)",
    re.IGNORECASE,
)
"""A file or a host called as thousands are."""
_DIGIT = re.compile(r"\d")
_ABBREVIATION = re.compile(r"[A-Za-z]{1,2}(?:\.[A-Za-z]{1,2})+")
_HUMPED = re.compile(r"[a-z][A-Z]")
_BRANDED = re.compile(r"[a-z][A-Z][a-z]+|(?:Ma?c|O|De|La|Le|Van)[A-Z][a-z]+|[A-Z]{2,}s")
"""eMail, iPhone; McDonald; APIs."""
_PROSE = re.compile(r"\w{4,}(?:ings?|[ts]ions?|ments?|ness|able|ible|ally|ful|ously|ance|ence)")
"""English endings of the words that are too rare for a list."""
_CAPITALS = re.compile(r"[A-Z]{5,}")
_CALLED = re.compile(r"[A-Za-z]{3,}")


def names(text: str) -> dict[str, str]:
    """Give those search terms of a text that name one thing, each with its word as written.

    Whether a word of letters alone is a common one that is shouted or called only a model can
    tell for sure.

    Example:
        >>> sorted(names("Oracle says ORA-00942 since we call parse_row, with --dry-run"))
        ['--dry-run', '00942', 'ora00942', 'parserow']
        >>> names("IMPORTANT: see https://github.com, 100MB of package.json since 2024")
        {}
    """
    found: dict[str, str] = {}
    for word, called in _words(_bare(folded(text))):
        if len(word) > LONGEST_TERM or not _is_name(word, called=called):
            continue
        parts = terms(word)
        for part in (*parts[:1], *(part for part in parts if not part.isalpha())):
            if len(part) > 2 or part[0] == "-":
                found.setdefault(part, word)
    return found


def marks(text: str) -> frozenset[str]:
    """Give the search terms that tell like items apart: `names`, and whatever has a digit in it.

    Among items of one course catalogue 280 says which is meant; that the item is about what is
    asked it says of none, as half the world's items hold a 280.

    Example:
        >>> sorted(marks("what does EECS 280 ask for"))
        ['280']
    """
    coded = (term for term in terms(folded(text)) if len(term) > 2 and _DIGIT.search(term))
    return frozenset(names(text)).union(coded)


def holds(text: str, name: str, word: str) -> bool:
    """Whether a text has a name as a name, not as a word that looks like it when stemmed.

    Args:
        text: Of an item.
        name: One of `names` of what is asked.
        word: As it is written there.
    """
    if name in names(text):
        return True
    is_called = word.isalpha() and word.islower()
    return is_called and re.search(rf"(?<!\w){word}(?!\w)", text) is not None


def unlinked(text: str) -> str:
    """Give a text without its links, of which a host that is nobody's but yours is kept."""
    return _LINK.sub(_host, text)


def _bare(text: str) -> str:
    """A text without links, addresses, pictures, tickets, commit heads and shouting."""
    text = unlinked(text)
    for pattern in (_MAIL, _PICTURE, _TICKET, _COMMIT, _SHOUTED):
        text = pattern.sub(" ", text)
    return text


def _host(link: re.Match[str]) -> str:
    host = link["host"]
    return " " if not host or _OPEN.match(host) else f" {host} "


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """The words of a text, a path's one by one, each with whether it is called."""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if match.lastgroup == "flag":
            yield token, False
            continue
        called = token.endswith("(")
        segments = SEGMENTS.split(token.rstrip("("))
        for place, segment in enumerate(segments):
            word = segment.strip("_.'-").removesuffix("'s")
            if word:
                yield word, called and place + 1 == len(segments)


def _is_plain(word: str) -> bool:
    """Whether only capitals or brackets make a name of a word."""
    return word.isalpha() and not _HUMPED.search(word)


def _is_name(word: str, *, called: bool) -> bool:
    if word[0] == "-":
        return word not in _COMMON_FLAGS
    if word.lower() in _everyday() or _EVERYDAY.fullmatch(word):
        return False
    if "." in word:
        return not (_FILE.fullmatch(word) or _ABBREVIATION.fullmatch(word) or _is_known(word))
    if _is_plain(word):
        shaped = _CAPITALS.fullmatch(word) or (called and _CALLED.fullmatch(word))
        return bool(shaped) and not _is_prose(word.lower())
    if "_" in word or any(sign.isdigit() for sign in word):
        return True
    return any(_is_humped(piece) for piece in word.split("-"))


def _is_humped(word: str) -> bool:
    """Whether capitals within a word make an identifier of it, and no brand."""
    return (
        _HUMPED.search(word) is not None
        and _BRANDED.fullmatch(word) is None
        and word.lower() not in _everyday()
    )


def _is_prose(word: str) -> bool:
    """Whether a word of small letters stands in general prompts, or ends as English words do."""
    return _PROSE.fullmatch(word) is not None or any(rarity().of(one) < 1.0 for one in terms(word))


def _is_known(host: str) -> bool:
    """Whether a host is one that everybody links to, or a part of it."""
    labels = host.lower().split(".")
    return any(".".join(labels[place:]) in _everyday() for place in range(len(labels) - 1))


@cache
def _everyday() -> frozenset[str]:
    """Brands, shouted words, hosts and identifiers that everybody writes, in small letters."""
    return frozenset(word for line in listed("everyday_names.txt") for word in line.split())
