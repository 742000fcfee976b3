"""What the fields of a request take, as their types and annotations say.

Knows pydantic only; what arrives is read by `memory_core.intake`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

LABEL = "label"
"""Marks text that names something: a number is taken as text, "null" as nothing."""
ID = "id"
"""Marks a label that is the id of a record: it is found in whatever refers to it."""
LOOSE = "loose"
"""Marks text that is quoted or told: a list of texts is its lines, an object its JSON."""
CLAMPED = "clamped"
"""Marks a number that is moved into its bounds."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a field takes: `of` is the shape of a list's entries, `model` that of an object.

    `least` and `most` bound a number; `most` is also the most characters or entries.
    """

    kind: Literal["text", "number", "flag", "choice", "list", "object"]
    marks: frozenset[str] = frozenset()
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    of: Shape | None = None
    model: type[BaseModel] | None = None
    optional: bool = False


@cache
def shapes(model: type[BaseModel]) -> dict[str, Shape]:
    """Give what each argument of a model takes."""
    return {n: _shape(one.annotation, one.metadata) for n, one in model.model_fields.items()}


@cache
def spellings(model: type[BaseModel]) -> dict[str, str]:
    """Give every name that a model's arguments have, the usual ones first."""
    aliases = {
        str(other): name
        for name, one in model.model_fields.items()
        if isinstance(one.validation_alias, AliasChoices)
        for other in one.validation_alias.choices
    }
    return {**{name: name for name in model.model_fields}, **aliases}


def _shape(annotation: Any, metadata: Iterable[Any]) -> Shape:
    bare, told, optional = _bare(annotation, list(metadata))
    marks = frozenset(one for one in told if isinstance(one, str))
    most = next((one.max_length for one in told if isinstance(one, MaxLen)), None)
    if get_origin(bare) is tuple:
        return Shape("list", marks, most=most, of=_shape(get_args(bare)[0], ()))
    if get_origin(bare) is Literal:
        return Shape("choice", marks, choices=get_args(bare), optional=optional)
    if issubclass(bare, BaseModel):
        return Shape("object", marks, model=bare)
    if bare is int:
        least = next((_whole(one.ge) for one in told if isinstance(one, Ge)), None)
        most = next((_whole(one.le) for one in told if isinstance(one, Le)), None)
        return Shape("number", marks, least, most)
    return Shape("flag" if bare is bool else "text", marks, most=most)


def _bare(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any], bool]:
    """Take a type out of `Annotated` and `| None`, with all that was said of it."""
    optional = False
    while (origin := get_origin(annotation)) in (Annotated, Union, UnionType):
        if origin is Annotated:
            annotation, *more = get_args(annotation)
            metadata = [*more, *metadata]
        else:
            (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
            optional = True
    return annotation, list(_flat(metadata)), optional


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    for one in metadata:
        if isinstance(one, FieldInfo):
            yield from one.metadata
        else:
            yield one


def _whole(bound: object) -> int:
    assert isinstance(bound, int)
    return bound
