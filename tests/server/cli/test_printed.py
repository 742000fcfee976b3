"""Every command that the product, its help and its documents print can be run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.cli.arguments import COMMAND_NAMES, WrongUsage, parser
from tests.server.cli.harness import Shell

DOCUMENTS = ("README.md", "docs/guide.md", "docs/operations.md", "docs/authorisation.md")
_COMMAND = re.compile(r"(?<![\w./-])(?:\.venv/bin/)?lessonbank(?: +[^\n]*)?")
_NO_COMMAND = frozenset({"is", "as", "plugs", "says", "serves", "runs"})
_CUT = re.compile(r"\s(?:#|<|>|&&|\|\||\||;|2>).*")


def _blocks(text: str) -> Iterator[str]:
    """The lines of a document's blocks of shell, continued lines joined."""
    for block in re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()


def _of_documents(repository: Path) -> Iterator[str]:
    for name in DOCUMENTS:
        text = (repository / name).read_text(encoding="utf-8")
        yield from _blocks(text)
        yield from re.findall(r"`((?:LESSONBANK_\w+=\S+ )*lessonbank [^`\n]+)`", text)


def _of_sources(repository: Path) -> Iterator[str]:
    """Commands between backticks in the sentences of the product."""
    for folder in ("server", "memory_core"):
        for path in sorted((repository / folder).rglob("*.py")):
            text = re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
            yield from re.findall(r"`(lessonbank [^`\n]+)`", text)


def _of_help() -> Iterator[str]:
    for name in COMMAND_NAMES:
        text = ""
        for action in parser([name])._actions:
            if action.dest == "command":
                text = dict(action.choices or {})[name].format_help()
        epilog = text.partition("examples:")[2] or text.partition("example:")[2]
        yield from epilog.replace("\\\n", " ").splitlines()
    yield from (parser().epilog or "").partition("variables")[0].splitlines()


def _words(line: str) -> list[str] | None:
    """The arguments of a printed command, None when the line holds none that is written out."""
    found = _COMMAND.search(line)
    if (
        found is None
        or "docker" in line
        or "..." in line.replace("rec_...", "").replace("item_...", "")
    ):
        return None
    text = _CUT.sub("", found.group() + " ").strip()
    if re.search(r"[{}|\[\]]", text):
        return None
    words = shlex.split(text)[1:]
    return None if not words or words[0] in _NO_COMMAND or "COMMAND" in words else words


def _printed(repository: Path) -> list[list[str]]:
    lines = [*_of_documents(repository), *_of_sources(repository), *_of_help()]
    return [words for line in lines if (words := _words(line)) is not None]


def _said_wrong(words: list[str]) -> str:
    try:
        parser(list(words)).parse_args(words)
    except WrongUsage as wrong:
        return wrong.sentence
    except SystemExit:  # --help and --version
        return ""
    return ""


NAMED_ONLY = re.compile(r"the following arguments are required|a command that needs more")
"""A sentence may name a command without its arguments."""


def test_every_printed_command_is_understood(repository: Path) -> None:
    printed = _printed(repository)
    assert len(printed) > 60
    wrong = {shlex.join(words): said for words in printed if (said := _said_wrong(words))}
    assert {line: said for line, said in wrong.items() if not NAMED_ONLY.search(said)} == {}


def test_the_guide_lists_every_command(repository: Path) -> None:
    guide = (repository / "docs/guide.md").read_text(encoding="utf-8")
    section = guide.partition("## Command line")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^lessonbank (\w+)", section, re.MULTILINE))
    assert listed == set(COMMAND_NAMES)


def _next_commands(text: str) -> list[list[str]]:
    found = [_words(line) for line in text.splitlines()]
    return [words for words in found if words and not {"TITLE", "CONTENT"} & set(words)]


@pytest.mark.parametrize(
    "argv",
    [
        ("recall", "open an Excel file"),
        ("recalls",),
        ("check", "open an Excel file"),
        ("lessons", "--limit", "1"),
    ],
)
def test_the_next_step_of_an_answer_runs_and_shows_something(
    shell: Shell, argv: tuple[str, ...]
) -> None:
    for number in range(2):
        shell.remembered(f"Open Excel files, way {number}")
    shell.json("recall", "open an Excel file")
    assert shell.run(*argv) == 0
    for words in _next_commands(shell.out):
        assert shell.run(*words) == 0, words
        assert shell.out.strip()
        assert "Nothing" not in shell.out


def test_what_is_forgotten_comes_back_by_the_printed_command(shell: Shell) -> None:
    item_id = shell.remembered()
    shell.run("forget", item_id, "--reason", "wrong")
    [words] = _next_commands(shell.out)
    assert words == ["restore", item_id]
    assert shell.run(*words) == 0
