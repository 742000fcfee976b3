"""Reads a Dockerfile: its stages, and their instructions in order.

Knows what ours uses: comments, lines that go on, JSON and shell forms. hadolint, by
`make image-check`, judges the syntax of everything else.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_OPTION = re.compile(r"--([a-z-]+)=(\S+)\s+")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in capitals, its options (`--from=build`) and its rest."""

    name: str
    options: Mapping[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        """Its words: of the JSON form exactly, else as a shell takes them apart."""
        return [*json.loads(self.text)] if self.text.startswith("[") else shlex.split(self.text)

    @property
    def pairs(self) -> dict[str, str]:
        """NAME=VALUE pairs of ENV, ARG and LABEL; "" where there is no value."""
        return {name: value for name, _, value in (one.partition("=") for one in self.words)}


@dataclass(frozen=True, slots=True)
class Stage:
    """What one FROM begins: its base image, its name ("" for none), its instructions."""

    base: str
    name: str
    instructions: Sequence[Instruction]

    def all(self, name: str) -> list[Instruction]:
        """Every instruction of that name, in order."""
        return [one for one in self.instructions if one.name == name]

    def one(self, name: str) -> Instruction:
        """The only instruction of that name."""
        (found,) = self.all(name)
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What its ENV instructions set."""
        return {k: v for one in self.all("ENV") for k, v in one.pairs.items()}

    @property
    def health(self) -> list[str]:
        """The command of its HEALTHCHECK."""
        return Instruction(
            "CMD", {}, self.one("HEALTHCHECK").text.partition("CMD")[2].strip()
        ).words


def stages(text: str) -> list[Stage]:
    """Give the stages of a Dockerfile's text."""
    found: list[tuple[Instruction, list[Instruction]]] = []
    for one in _instructions(text):
        if one.name == "FROM":
            found.append((one, []))
        else:
            found[-1][1].append(one)
    made = []
    for begin, rest in found:
        words = begin.words
        made.append(Stage(words[0], words[2] if words[1:2] == ["AS"] else "", tuple(rest)))
    return made


def _instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    made = []
    for line in filter(None, map(str.strip, whole.splitlines())):
        name, _, rest = line.partition(" ")
        options = {}
        while found := _OPTION.match(rest.lstrip()):
            options[found[1]] = found[2]
            rest = rest.lstrip()[found.end() :]
        made.append(Instruction(name.upper(), options, rest.strip()))
    return made
