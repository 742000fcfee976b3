"""The passages of a text: what is prose, a log, a trace or code, and what in it asks something.

A prompt is often a question with something pasted beside it. Lines are told apart by
their shape, so that the question can be read by itself, whatever stands around it.
Linear in the text, each line bounded; no model, no tokenizer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from memory_core.asking import PERSONAL, WIDE, WORDS, asking, asks_by_words, said_in, sentences

PassageKind = Literal["prose", "log", "trace", "code"]
LONGEST = 256_000
"""Characters read of one text; of a longer one its first and its last half of that, once lines
that are alike but for their digits are thinned out."""
ALIKE = 8
"""As many of such lines stay at the beginning, and at the end."""
LONGEST_LINE = 4_000
"""Characters read of one line: its start and its end."""
SHORT_LINE = 60
"""A line shorter than this was not wrapped."""
WRAPPED = 120
"""A line longer than this is no line of wrapped prose: it is a paragraph."""
REPEATED = 4
"""As many lines that begin alike are no prose."""
OWN = 0.6
"""Share of a passage's words that no other one has from which it speaks of something else."""
TELLS = 4
"""Words beyond a bare request from which a passage says what it is about."""
BARE = 1.5
"""How much less a passage asks that has hardly a word beyond a bare request or a heading."""
QUOTED = 3.0
"""How much less a passage asks that is quoted, or says only what is said twice."""
ASKS = 2.0
"""From this score on a passage asks something."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage. `asks` from 0: how much it looks like what the text is about.

    `said`: how many of its words are more than a bare request ("fix this").
    """

    text: str
    kind: PassageKind
    asks: float = 0.0
    said: int = 0


# -- lines ---------------------------------------------------------------------------

_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_LOG = re.compile(
    r"[IWEF]\d{4} \d\d:|[\W_]{0,3}(?:\d{4}[-/]\d\d?[-/]\d\d?"
    r"|\d{1,2}/\w{2,3}/\d{2,4}|\d{1,2}:\d\d:\d\d|\d\d:\d\d\s"
    r"|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d|\d+\.\d+\]|\d{10,}"
    r"|(?:DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|TRACE|CRITICAL|NOTICE|SEVERE|ERR!)\b)"
    r"|(?:npm|yarn|pip|make(?:\[\d+\])?|gradle|cargo)[ :](?:ERR!|WARN|error|\*\*\*)"
    r"|[-dlbcps](?:[-r][-w][-xsStT]){3}|\|.*\|\s*$"
    r"|(?:\$|>>>|\#\#\[|::|PASS|FAIL|ok|not ok|Step \d+/\d+)[ :]|\d{1,3}(?:\.\d{1,3}){3}\s"
)
_TRACE = re.compile(
    r'\s*(?:File "|at (?:async |new )?[\w.$<>\[\]/]+ ?[(:]|Traceback \(most|Caused by:'
    r"|\.\.\. \d+ more"
    r"|goroutine \d+ \[|from [^\s:]+:\d+|stack backtrace|\d+: +(?:0x|core::|std::)|\^+~*\s*$"
    r"|--> \S+:\d+|[\w.-]{1,80}/[\w./-]{1,200}\.[\w.(*)]{1,120}\(.{0,300}\)\s*$|\S+:\d+ \+0x"
    r"|thread '.{0,80}' panicked|During handling of the above)"
)
_ERROR_LINE = re.compile(
    r"[\w.$:]{0,120}(?:Error|Exception|Panic|Interrupt|Failure)(?::|$)"
    r"|(?:error|fatal error|fatal|panic)(?:\[\w{1,8}\])?: {0,7}\S|E {2,7}\S"
)
_LINKED = re.compile(
    r"[\W_]{0,6}\w[^:\n]{0,60}::?(?: [\w ,.-]{1,40})? ?<?(?:https?://|[\w-]+: https?://)\S+\s*$"
)
"""What a README says of a link: `[docs]: https://...`, `Project-URL: Source, https://...`."""
_TYPED = re.compile(r"\b[A-Z]\w{0,80}(?:Error|Exception): \S")
_CODE = re.compile(
    r"\s*(?:(?:async )?def \w+\(|class \w+[(:{ ]|import [\w.*{]+|from [\w.]+ import"
    r"|return\b.*[;)\]}'\w]$"
    r"|(?:if|for|while|with|elif|except|switch|catch)\b.{0,200}[:{]$|else:?\s*\{?$|try:?\s*\{?$"
    r"|use [\w:]+(?:::|;)|#include|#!/|@\w+(?:\(|$)|//|/\*|\*/|\* |<[/!?]?[a-zA-Z][\w:-]*[ />]"
    r"|(?:export |static )*(?:function|const|let|var|fn|func|pub|public|private|protected|package"
    r"|struct|enum|interface|namespace|using|impl|type)\b.{0,200}[\w;{(,)=>]$"
    r"|(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|COPY|CREATE|ALTER|DROP|FROM|WHERE|JOIN|GROUP BY"
    r"|LEFT JOIN)\s"
    r"|[\w.\[\]'\"]+ ?(?:[-+*/|:]?=|\+\+|->) ?\S|[\w.]+\(.{0,300}\)[;,]?$|[\]})]+[;,)]*$"
    r"|[\w\"'-]+: ?(?:[\[{|>\"'\d]|true|false|null)|-\s[\w-]+: |\"[^\"]{1,80}\": )"
)
_DIFF_START = re.compile(r"diff --git |@@ -\d|--- [ab/]|\+\+\+ [ab/]|Index: |index [0-9a-f]{6,}")
_DIFF_LINE = re.compile(
    r"[-+ \\]|$|diff --git |@@ |index |(?:new|deleted) file|rename |similarity "
)
_MARKUP = re.compile(r"[{}\[\]()<>=;_/\\|&*#$%^~`+]")
_PLAIN = re.compile(
    r"[\"'(\[\u201c\u2018*_>#-]*"
    r"(?:[^\W\d_]+(?:['\u2019/-][^\W\d_]+)*|\d{1,4})?[\W_]{0,4}$"
)
"""A word as it stands in a sentence, with its punctuation."""
_PROGRAM = re.compile(r"(?:[\w./-]{1,60}: ){1,3}(?:-c: |line \d+: )*[a-z`'(\"]")
"""What a program says of itself: `tar: ...`."""
_DIGIT = re.compile(r"\d")


def _shape(line: str) -> PassageKind:
    """The kind of one line that is not blank, by itself."""
    marks = len(_MARKUP.findall(line))
    said = len(WORDS.findall(line))
    program = _is_program(line)
    if marks <= 3 and said >= 3 and not program and line.rstrip().endswith("?"):
        return "prose"
    if _TRACE.match(line) or _ERROR_LINE.match(line) or _is_typed(line):
        return "trace"
    if program:
        return "log"
    if _LOG.match(line) or (_LINKED.match(line) and not PERSONAL.search(line)):
        return "log"
    if _CODE.match(line) and not (marks <= 2 and said >= 5 and _is_spoken(line)):
        return "code"
    return _by_marks(line, marks, said)


def _by_marks(line: str, marks: int, said: int) -> PassageKind:
    """The kind of a line of no known form, from its share of marks, digits and words."""
    solid = len(line) - line.count(" ")
    if marks > 0.2 * solid or (line.endswith(("{", "}", ";", "\\")) and said < 5):
        return "code"
    if len(_DIGIT.findall(line)) > 0.35 * solid or line.strip().count("\t") > 1:
        return "log"
    if WIDE.search(line):
        return "prose"
    tokens = line.split()
    plain = sum(bool(_PLAIN.match(token)) for token in tokens)
    return "prose" if plain >= 0.6 * len(tokens) and said else "log"


def _is_typed(line: str) -> bool:
    """Whether a line names the type of an error, and nobody tells of it."""
    return ": " in line and bool(_TYPED.search(line)) and not PERSONAL.search(line)


def _is_program(line: str) -> bool:
    """Whether a program speaks, and nobody asks."""
    said = _PROGRAM.match(line) and not line[:1].isupper()
    return bool(said) and not PERSONAL.search(line) and not asks_by_words(line)


def _is_spoken(line: str) -> bool:
    """Whether a line that looks like code with few marks is a sentence all the same."""
    first = line.split(None, 1)[0]
    return bool(PERSONAL.search(line)) or (first[:1].isupper() and not first.isupper())


def _fences(lines: Sequence[str]) -> dict[int, int]:
    """Opening lines of fenced blocks, and the lines that close them."""
    found: dict[int, int] = {}
    opened = -1
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            if opened < 0:
                opened = number
            elif not line.strip().strip("`~"):
                found[opened], opened = number, -1
    return found


def _kinds(lines: Sequence[str]) -> list[PassageKind | None]:
    """The kind of every line, None for a blank one."""
    fences = _fences(lines)
    kinds: list[PassageKind | None] = []
    before: PassageKind | None = None
    shapes: dict[str, PassageKind] = {}
    fenced, in_diff = -1, False
    for number, line in enumerate(lines):
        fenced = max(fenced, fences.get(number, -1))
        if not line.strip():
            kinds.append(None)
            after = lines[number + 1] if number + 1 < len(lines) else "."
            in_diff = in_diff and bool(_DIFF_START.match(after) or after[:1] in ("+", "-", " "))
            continue
        in_diff = bool(_DIFF_START.match(line) or (in_diff and _DIFF_LINE.match(line)))
        if line not in shapes:
            shapes[line] = _shape(line)
        kind: PassageKind = "code" if in_diff else shapes[line]
        if number <= fenced and kind == "prose":
            kind = "code"
        elif kind == "prose" and line[:1] in (" ", "\t") and before and before != "prose":
            kind = before  # an indented line goes on with what it stands under
        kinds.append(kind)
        before = kind
    return kinds


def _repeated(lines: Sequence[str], kinds: list[PassageKind | None]) -> None:
    """Lines of prose that begin as three or more others do are a log's."""
    heads = [
        " ".join(line.split(None, 3)[:3]) if kind == "prose" and len(line) <= WRAPPED else ""
        for line, kind in zip(lines, kinds, strict=True)
    ]
    often = Counter(heads)
    for number, head in enumerate(heads):
        if head and often[head] >= REPEATED:
            kinds[number] = "log"


_BLANK_LINES = re.compile(r"\n(?:[ \t\r]*\n)+")


def cut_line(line: str, most: int = LONGEST_LINE) -> str:
    """At most about `most` characters of a line: its start and its end."""
    return line if len(line) <= most else f"{line[: most // 2]} ... {line[-most // 2 :]}"


def bounded(text: str) -> str:
    """At most `LONGEST` characters of a text: its first and its last half; one blank line each."""
    if len(text) > LONGEST:
        text = _BLANK_LINES.sub("\n\n", _thinned(text))
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n\n{text[-LONGEST // 2 :]}"
    return _BLANK_LINES.sub("\n\n", text)


_DIGITS = str.maketrans("", "", "0123456789")


def _thinned(text: str) -> str:
    """A text with the first and the last few of lines that are alike: what else it says shows."""
    lines = text.splitlines()
    alike = [line.translate(_DIGITS) for line in lines]
    left = Counter(alike)
    seen: Counter[str] = Counter()
    kept = []
    for line, key in zip(lines, alike, strict=True):
        seen[key] += 1
        left[key] -= 1
        if seen[key] <= ALIKE or left[key] < ALIKE or not line.strip():
            kept.append(line)
    return "\n".join(kept)


# -- prose ---------------------------------------------------------------------------


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """Prose lines without a blank one between them, as paragraphs."""
    held: list[str] = []
    for line in lines:
        if held and _starts(held[-1], line):
            yield " ".join(held)
            held = []
        held.append(line.strip())
    if held:
        yield " ".join(held)


def _starts(before: str, line: str) -> bool:
    """Whether a line starts a paragraph: the one before was no wrapped line of the same."""
    if bool(_QUOTED.match(before)) != bool(_QUOTED.match(line)):
        return True
    if len(before) > WRAPPED or before[-1:] in ".!?:\u3002\uff1f\uff01\u061f":
        return True
    new = line.strip()
    if new[:1].islower():
        return asks_by_words(new)
    return len(before) < SHORT_LINE or asking(new) >= ASKS or _is_whole(new)


def _is_whole(line: str) -> bool:
    """Whether a line is a sentence of its own."""
    begins = line[:1].isupper() and line[-1:] in ".!?"
    return begins and len(sentences(line)) == 1 and said_in(line) >= TELLS


# -- the whole -----------------------------------------------------------------------


def passages(text: str, short: int = 320) -> list[Passage]:
    """Give the passages of a text in order, with what of them asks.

    Args:
        text: Any text.
        short: Characters up to which a paragraph is read as one, longer ones by sentence.
    """
    lines = [cut_line(line) for line in bounded(text).splitlines()]
    kinds = _kinds(lines)
    _repeated(lines, kinds)
    found: list[Passage] = []
    alone: list[bool] = []
    start = 0
    while start < len(lines):
        kind = kinds[start]
        end = start + 1
        if kind is None:
            start = end
            continue
        while end < len(lines) and (
            kinds[end] == kind
            or (kind != "prose" and kinds[end] is None and _goes_on(kinds, end, kind))
        ):
            end += 1
        if kind == "prose":
            for paragraph in _paragraphs(lines[start:end]):
                parts = _parts(paragraph, short)
                found += [Passage(part, kind) for part in parts]
                alone += [len(parts) == 1] * len(parts)
        else:
            block = "\n".join(line for line in lines[start:end] if not _FENCE.match(line))
            if block.strip():
                found.append(Passage(block, kind))
                alone.append(False)
        start = end
    return _placed(found, alone)


_QUOTED = re.compile(r"\s{0,3}>[> ]*")
"""What a mail puts before the lines that it answers."""
_LABEL = re.compile(r"[\W\d]{0,24}(?:\w{1,24}(?:>|:) )?")
"""What stands before a line of a list or a chat: a bullet, the time, who says it."""


def _said(sentence: str) -> str:
    """A sentence without its label."""
    return _LABEL.sub("", sentence, count=1)


def _asking(part: str, said: Mapping[str, int]) -> float:
    """How much a passage asks by its words; below zero where it was said before or is quoted.

    A sentence that the text holds twice is a phrase of a mail or a form, not its question.
    """
    own = " ".join(one for one in map(_said, sentences(part)) if said.get(one, 0) < 2)
    return asking(own) - (QUOTED if _QUOTED.match(part) else 0.0) if own else -QUOTED


def _content_words(text: str) -> frozenset[str]:
    """The longer words of a passage, by their beginnings."""
    return frozenset(word[:6].lower() for word in WORDS.findall(text) if len(word) > 3)


def _goes_on(kinds: Sequence[PassageKind | None], blank: int, kind: PassageKind) -> bool:
    after = next((k for k in kinds[blank : blank + 4] if k is not None), None)
    return after == kind


def _parts(paragraph: str, short: int) -> list[str]:
    """A short paragraph whole; of a longer one each asking sentence alone, the others joined."""
    if len(paragraph) <= short:
        return [paragraph]
    parts: list[str] = []
    held = ""
    for sentence in sentences(paragraph):
        if asking(sentence) >= ASKS:
            before = sentences(held)
            if before and said_in(sentence) < 3:  # "Why?" says nothing by itself
                sentence = f"{before.pop()} {sentence}"  # noqa: PLW2901
            parts += [" ".join(before), sentence] if before else [sentence]
            held = ""
        elif held and len(held) + len(sentence) > short:
            parts.append(held)
            held = sentence
        else:
            held = f"{held} {sentence}" if held else sentence
    return [*parts, held] if held else parts


def _placed(found: list[Passage], alone: Sequence[bool]) -> list[Passage]:
    """Add to each prose passage what its place says, and count what it says."""
    prose = [place for place, one in enumerate(found) if one.kind == "prose"]
    told = Counter(_said(one) for place in prose for one in sentences(found[place].text))
    sizes = sorted(len(found[place].text) for place in prose)
    middle = sizes[len(sizes) // 2] if len(sizes) > 2 else 0
    words = {place: _content_words(found[place].text) for place in prose}
    often = Counter(word for said in words.values() for word in said)
    for place in prose:
        one = found[place]
        score = _asking(one.text, told)
        before = found[place - 1].kind if place else None
        after = found[place + 1].kind if place + 1 < len(found) else None
        if place == prose[-1]:
            score += 2.0 if after is None else 0.75
        if place == prose[0]:
            score += 1.5 if before is None else 0.5
        if alone[place] and before != "prose" and after != "prose":
            score += 2.0 if before and after else 1.0  # between two pasted blocks
        elif alone[place] and len(one.text) < middle / 2:
            score += 1.0
        own = words[place]
        if (
            len(prose) > 4
            and len(own) > 2
            and sum(often[word] == 1 for word in own) >= OWN * len(own)
        ):
            score += 2.0  # it speaks of something else than all others do
        said = said_in(one.text)
        score += 0.5 if said >= TELLS else -BARE if said < 2 else 0.0
        found[place] = replace(one, asks=score, said=said)
    return found
