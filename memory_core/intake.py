"""From what callers send to plain data for the fields of a request.

Models and hosts send null for what is absent, lists and objects as text (see
`memory_core.written`), numbers as text, their own words, and arguments of their own.
What is plainly meant is taken, at every depth, by the fields' own types; what is
not is left to the request's checks. The work is bounded whatever arrives: sizes
are looked at first, and no more of a value than its field may hold.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

from pydantic import BaseModel

from memory_core.errors import InvalidInput, shown
from memory_core.shapes import CLAMPED, ID, LABEL, LOOSE, Shape, shapes, spellings
from memory_core.vocabulary import EVERYTHING, LESSONS, NOTHING, fold, meant, says_nothing
from memory_core.written import count_parts, ids_in, parts, structure, unquoted

_MOST_LOOKED_AT = 64
"""Unknown names that may be other spellings of known ones."""
_MOST_NAMED, _LONGEST_NAME = 8, 40
_LONGEST_NUMBER = 32
_MOST_JOINED = 16
"""Objects in a list that are read as one."""
_ENDLESS = (float("inf"), float("-inf"))
_SPARE = 16
"""Entries above the limit of a list that may be null."""

_WRAPPERS = frozenset({"arguments", "args", "input", "kwargs", "parameters", "params"})
"""Under these names some hosts send all arguments as one."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_NAME = re.compile(r"[^\w.:$@-]+")
_WHOLE = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.0*)?")


class _Absent:
    """What stands for a value that counts as not given."""


_ABSENT = _Absent()


@dataclass(slots=True)
class Asides:
    """What was not taken as it came, to be told with the answer.

    `exact` refuses numbers out of bounds, for a person who can correct them at once. `nothing`
    has the texts that stand for no text ("N/A", "."), by the name of their argument.
    """

    exact: bool = False
    unknown: list[str] = field(default_factory=list)
    more: int = 0
    said: list[str] = field(default_factory=list)
    nothing: dict[str, str] = field(default_factory=dict)

    def leave(self, names: Iterable[str], count: int) -> None:
        """Leave arguments aside: the first few of so many names are told."""
        self.unknown = [_NO_NAME.sub("?", n)[:_LONGEST_NAME] for n in islice(names, _MOST_NAMED)]
        self.more = count - len(self.unknown)

    @property
    def named(self) -> str:
        """The names left aside, "" for none."""
        more = [f"{self.more:,} more"] if self.more else []
        return ", ".join([*self.unknown, *more])

    def __str__(self) -> str:
        left = [f"Left aside, no arguments of this call: {self.named}."] if self.unknown else []
        return " ".join([*left, *self.said])


# -- objects -------------------------------------------------------------------------


def taken(model: type[BaseModel], data: Any, asides: Asides) -> dict[str, Any]:
    """Give the arguments of a call as a request takes them.

    Args:
        model: The request.
        data: What arrived.
        asides: Hears what was left aside or moved.

    Raises:
        InvalidInput: One sentence that names the value and the next move.
    """
    data = as_object(data)
    given, unknown, count = _sorted_out(model, data)
    if not given and count == 1 and unknown[0] in _WRAPPERS:
        inner = data[unknown[0]]
        inner = structure(inner) if isinstance(inner, str) else inner
        if isinstance(inner, dict):
            given, unknown, count = _sorted_out(model, inner)
    asides.leave(unknown, count)
    return _converted(model, given, "", asides)


def as_object(data: Any) -> Mapping[Any, Any]:
    """Give the arguments of a call, which some hosts send as JSON text.

    Raises:
        InvalidInput: They are no object.
    """
    read = structure(data) if isinstance(data, str) else data
    if not isinstance(read, Mapping):
        raise InvalidInput("arguments", f"= {shown(data)} is no object", "Pass an object.")
    return read


def _sorted_out(
    model: type[BaseModel], data: Mapping[Any, Any]
) -> tuple[dict[str, Any], list[str], int]:
    """Give the arguments under their own names, some unknown names, and how many there are.

    Of two spellings of one argument the first of `spellings` counts. A null is absent.
    """
    known_as, given, used = spellings(model), dict[str, Any](), 0
    unknown: list[str] = []
    for spelling, name in known_as.items():
        if spelling in data:
            used += 1
            if data[spelling] is None:
                continue
            if name in given:
                unknown.append(spelling)
            else:
                given[name] = data[spelling]
    nulls = 0
    others = (key for key in data if key not in known_as)
    for key in islice(others, _MOST_LOOKED_AT):
        snake = _HUMP.sub("_", str(key)[: 2 * _LONGEST_NAME]).lower()
        known = known_as.get(snake.replace("-", "_").replace(" ", "_"))
        if data[key] is None:
            nulls += 1
        elif known and known not in given:
            given[known] = data[key]
            used += 1
        else:
            unknown.append(str(key))
    return given, unknown, len(data) - used - nulls + sum(one in known_as for one in unknown)


def _converted(
    model: type[BaseModel], given: Mapping[str, Any], path: str, asides: Asides
) -> dict[str, Any]:
    fields = shapes(model)
    found = {
        name: _value(fields[name], value, f"{path}{name}", asides) for name, value in given.items()
    }
    for name, value in given.items():
        if found[name] is _ABSENT and isinstance(value, str) and value.strip():
            asides.nothing[f"{path}{name}"] = value
    return {name: value for name, value in found.items() if value is not _ABSENT}


def _object(shape: Shape, value: Any, path: str, asides: Asides) -> Any:
    assert shape.model is not None
    if isinstance(value, list) and len(value) > 1 and all(isinstance(v, dict) for v in value):
        joined = getattr(shape.model, "joined", None)
        if joined is not None and len(value) <= _MOST_JOINED:
            return joined([_object(shape, one, path, asides) for one in value])
    value = _read_object(shape.model, value, path)
    if not isinstance(value, dict):
        return value
    given, unknown, count = _sorted_out(shape.model, value)
    if count:
        what, known = path.partition(".")[0], ", ".join(shape.model.model_fields)
        name = _NO_NAME.sub("?", unknown[0])[:_LONGEST_NAME] if unknown else "a name"
        said = f"= {shown(value.get(unknown[0]))}" if unknown else ""
        raise InvalidInput(
            f"{path}.{name}",
            f"{said} is no argument of {what}".lstrip(),
            f"The arguments of {what} are: {known}.",
        )
    return _converted(shape.model, given, f"{path}.", asides)


def _read_object(model: type[BaseModel], value: Any, path: str) -> Any:
    """Read JSON text, an object in a list, or texts: they mean what `of_text` says."""
    if isinstance(value, str):
        if not value or says_nothing(value):
            return _ABSENT
        read = structure(value)
        value = read if read is not None and _is_of(model, read) else value
    if value is False or value == []:
        return _ABSENT
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], dict):
            return value[0]
        value = _told(_most_text(model), value, path)
    of_text = getattr(model, "of_text", None)
    return of_text(value) if of_text is not None and isinstance(value, str) else value


def _is_of(model: type[BaseModel], read: Any) -> bool:
    """Whether what a text says is an object of a model, and no log that happens to be JSON."""
    return not isinstance(read, dict) or not read or bool(_sorted_out(model, read)[0])


@cache
def _most_text(model: type[BaseModel]) -> int:
    """Give the characters of the longest text of a model."""
    return max(one.most or 0 for one in shapes(model).values() if one.kind == "text")


# -- values --------------------------------------------------------------------------


def _value(shape: Shape, value: Any, path: str, asides: Asides) -> Any:
    value = _only(shape, value)
    if value is None:
        return _ABSENT
    if shape.kind == "choice":
        return _choice(shape, value)
    read = _READ.get(shape.kind)
    return read(shape, value, path, asides) if read is not None else value


def _only(shape: Shape, value: Any) -> Any:
    """Give the one value that a host sent as a list of it, and None for an empty shape.

    A list of texts may be told as it is, and one of a text that is nothing but text is none.
    """
    if isinstance(value, float) and math.isnan(value):
        return None  # what tables of numbers write for "absent"
    if shape.kind in ("list", "object") or (shape.kind == "text" and not shape.marks):
        return value
    if isinstance(value, list) and len(value) == 1 and LOOSE not in shape.marks:
        value = value[0]
    return None if value in ({}, []) else value


def _text(shape: Shape, value: Any, path: str, asides: Asides) -> Any:
    label = LABEL in shape.marks
    if not label and LOOSE not in shape.marks:
        return value
    if _says_nothing(value):
        if label:  # there may be a project of this name
            asides.said.append(f"{path} = {shown(value)} counts as not given.")
        return _ABSENT
    if label:
        return _label(shape, value)
    if value is False:
        return _ABSENT
    if isinstance(value, dict | list):
        return _told(shape.most or 0, value, path)
    return _digits(value)


def _label(shape: Shape, value: Any) -> Any:
    """Give a name or an id as text, also of an object that has one and of a reference to it."""
    if value is False:
        return _ABSENT
    if isinstance(value, dict):
        value = next((value[one] for one in ("id", "name") if one in value), value)
    if not isinstance(value, str):
        return _digits(value)
    found = ids_in(value, 2) if ID in shape.marks else []
    return found[0] if len(found) == 1 else unquoted(value)


def _says_nothing(value: Any) -> bool:
    """Whether a value is a word for nothing; the empty text is none."""
    return isinstance(value, str) and says_nothing(value)


def _digits(value: Any) -> Any:
    """Give a number as text; a number of more digits than any id has stays what it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    return str(value) if value.bit_length() < 256 else value


def _told(most: int, value: Any, path: str) -> str:
    """Give texts as lines and anything else as JSON, and no more than fits by much."""
    value = [value] if _plain_block(value) is not value else value
    texts = isinstance(value, list) and all(
        isinstance(_plain_block(one), str | None) for one in value[:_SPARE]
    )
    parts: list[str] = []
    size = 0
    try:
        for part in _lines(value) if texts else _ENCODER.iterencode(value):
            parts.append(part)
            size += len(part) or 1
            if size > most:
                raise InvalidInput(
                    path, f"= {shown(value)} has more than {most:,} characters", "Shorten it."
                )
    except (RecursionError, ValueError, TypeError):
        raise InvalidInput(path, f"= {shown(value)} is not valid", "Pass text.") from None
    return "".join(parts).rstrip("\n") if texts else "".join(parts)


_ENCODER = json.JSONEncoder(ensure_ascii=False)


def _plain_block(value: Any) -> Any:
    """Give the text of a block of content, as messages to models hold it."""
    if isinstance(value, dict) and value.get("type") == "text":
        return value["text"] if isinstance(value.get("text"), str) else value
    return value


def _lines(texts: list[Any]) -> Iterator[str]:
    for one in map(_plain_block, texts):
        if isinstance(one, str):
            yield f"{one}\n"
        elif one is None:
            yield ""
        else:
            yield from _ENCODER.iterencode(one)
            yield "\n"


def _number(shape: Shape, value: Any, path: str, asides: Asides) -> Any:
    if isinstance(value, bool):
        asides.said.append(f"{path} = {str(value).lower()} is no number and was left aside.")
        return _ABSENT
    if asides.exact:
        return value
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        if fold(value) in NOTHING:
            return _ABSENT
        bare = unquoted(unicodedata.normalize("NFKC", value))
        if _WHOLE.fullmatch(bare):
            value = int(bare.partition(".")[0].replace(",", ""))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if CLAMPED in shape.marks and (isinstance(value, int) or value in _ENDLESS):
        return _clamped(shape, value, path, asides)
    return value


def _clamped(shape: Shape, value: float, path: str, asides: Asides) -> Any:
    if value == 0 and (shape.least or 0) > 1:
        return _ABSENT  # what a schema that makes every field required is filled with
    if shape.least is not None and value < shape.least:
        asides.said.append(f"{path} = {shown(value)} was taken as {shape.least:,}, the least.")
        return shape.least
    if shape.most is not None and value > shape.most:
        asides.said.append(f"{path} = {shown(value)} was taken as {shape.most:,}, the most.")
        return shape.most
    return value


def _choice(shape: Shape, value: Any) -> Any:
    if isinstance(value, bool) and "success" in shape.choices:
        return "success" if value else "failure"
    if value is False:
        return _ABSENT
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return value
    word = fold(value)
    if shape.optional and word in EVERYTHING | LESSONS:
        return _ABSENT
    found = meant(value, shape.choices)
    return _ABSENT if word in NOTHING and found not in shape.choices else found


# -- lists ---------------------------------------------------------------------------


def _list(shape: Shape, value: Any, path: str, asides: Asides) -> Any:
    inner, most = shape.of, shape.most or 0
    assert inner is not None
    only = value[0] if isinstance(value, list) and len(value) == 1 else value
    empty = _says_nothing(only) and fold(only) not in ("none", "[]")  # which are lists of none
    if value is False or value == {} or empty:
        return _ABSENT
    entries = _parted(inner, _entries(inner, value, most, path), most, path)
    if inner.kind == "choice":
        words = [fold(one[:_SPARE]) if isinstance(one, str) else "" for one in entries]
        if not EVERYTHING.isdisjoint(words):
            return _ABSENT
        if "pitfall" in inner.choices and not LESSONS.isdisjoint(words):
            others = (one for one, word in zip(entries, words, strict=True) if word not in LESSONS)
            entries = ["strategy", "pitfall", *others]
    if len(entries) > most:
        raise _too_many(path, entries, len(entries), most)
    found = [_value(inner, one, f"{path}.{at}", asides) for at, one in enumerate(entries)]
    kept = [one for one in found if one is not _ABSENT and not _says_no_word(inner, one)]
    if _is_word(inner):
        return [one for at, one in enumerate(kept) if one not in kept[:at]]
    return kept


def _says_no_word(shape: Shape, value: Any) -> bool:
    """Whether a value, which a host had to write, is blank or an object without a word."""
    if isinstance(value, str):
        return not value.strip()
    if shape.model is None or not isinstance(value, dict):
        return False
    texts = (value.get(name, "") for name, one in shapes(shape.model).items() if one.kind == "text")
    return all(isinstance(text, str) and not text.strip() for text in texts)


def _entries(inner: Shape, value: Any, most: int, path: str) -> Sequence[Any]:
    """Give the entries of a list, of text that says one, or of a single value.

    Raises:
        InvalidInput: There are far too many.
    """
    if isinstance(value, str):
        read = structure(value)
        value = ([value] if value.strip() else []) if read is None else read
    if isinstance(value, dict) and len(value) <= most + _SPARE:
        value = _listed(inner, value)
    if not isinstance(value, list | tuple):
        value = [value]
    if len(value) > most + _SPARE:
        raise _too_many(path, value, len(value), most)
    told = [one for one in value if one is not None]
    if LOOSE in inner.marks or not any(isinstance(one, list) for one in told):
        return told
    return [part for one in told for part in _flat(inner, one, most + _SPARE)]


def _flat(inner: Shape, value: Any, most: int) -> Sequence[Any]:
    """Give the entries of a list in a list, no more than tell that they are too many.

    Where objects are meant, a list of texts is one text in lines.
    """
    if not isinstance(value, list):
        return (value,)
    value = value[: most + 1]
    if inner.model is not None and not all(isinstance(one, dict) for one in value):
        return (value,)
    return [one for one in value if one is not None]


def _listed(inner: Shape, value: dict[Any, Any]) -> Any:
    """Give the list that an object stands for where a list is meant.

    Its places are numbered, it is a wrapper of one list, or it says of each entry whether.
    """
    known = inner.model is not None and _is_of(inner.model, value)
    if known or LOOSE in inner.marks:
        return value
    if len(value) == 1 and isinstance(only := next(iter(value.values())), list):
        return only
    if all(str(key).isdecimal() for key in value):
        return list(value.values())
    if inner.model is None and all(isinstance(one, bool) for one in value.values()):
        return [key for key, one in value.items() if one]
    return value


def _parted(inner: Shape, entries: Sequence[Any], most: int, path: str) -> list[Any]:
    """Give each label and each word by itself: one text may list several."""
    found: list[Any] = []
    for one in entries:
        several = None
        if isinstance(one, str) and ID in inner.marks:
            several = ids_in(one, most + _SPARE)
        if isinstance(one, str) and not several and _is_word(inner):
            several = parts(one, most + _SPARE, words=inner.kind == "choice")
            if several is None:
                raise _too_many(path, one, count_parts(one), most)
        found += [one] if several is None else several
        if len(found) > most + _SPARE:
            raise _too_many(path, entries, len(found), most)
    return found


def _is_word(shape: Shape) -> bool:
    return shape.kind == "choice" or LABEL in shape.marks


def _too_many(path: str, value: Any, count: int, most: int) -> InvalidInput:
    problem = f"= {shown(value)} has {count:,} entries, at most {most:,} fit"
    return InvalidInput(path, problem, "Shorten it.")


_READ: dict[str, Callable[[Shape, Any, str, Asides], Any]] = {
    "text": _text,
    "number": _number,
    "list": _list,
    "object": _object,
}
"""By the kind of a field, how what arrives for it is read."""
