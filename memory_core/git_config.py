"""Git's configuration as git reads it: syntax, included files, rewritten URLs.

Files are read instead of calling git: no process to wait for, nothing to install. What
cannot be read counts as empty. This module knows no projects.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

_MOST_BYTES = 1 << 20
_MOST_FILES = 64
_SECTION = re.compile(r"""\[\s*(?P<name>[A-Za-z0-9.-]+)(?:\s+"(?P<sub>(?:[^"\\\n]|\\.)*)")?\s*\]""")
_KEY = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9-]*)[ \t]*(?P<set>=?)[ \t]*")
_PLAIN = re.compile(r"""(?P<value>[^"\\#;\n]*)(?:\n|\Z)""")
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}

Entry = tuple[str, str, str, str]
"""(section, subsection, key, value); section and key in lower case."""


def entries(text: str) -> Iterator[Entry]:
    """Give a file's settings in their order; what git would refuse is passed over.

    Example:
        >>> list(entries('[Remote "o"] URL = "a;b" ; comment'))
        [('remote', 'o', 'url', 'a;b')]
    """
    section, sub, place = "", "", 0
    while place < len(text):
        if text[place] in " \t\r\n\ufeff":
            place += 1
        elif text[place] in "#;":
            place = _line_end(text, place)
        elif (found := _SECTION.match(text, place)) is not None:
            section, sub = found["name"].lower(), re.sub(r"\\(.)", r"\1", found["sub"] or "")
            place = found.end()
        elif (found := _KEY.match(text, place)) is not None and section:
            value, place = _value(text, found.end()) if found["set"] else ("true", found.end())
            yield section, sub, found["key"].lower(), value
        else:
            place = _line_end(text, place)


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1


def _value(text: str, place: int) -> tuple[str, int]:
    """Give the value that begins here, and where the next line does."""
    plain = _PLAIN.match(text, place)
    if plain is not None:
        return plain["value"].rstrip(), plain.end()
    return _written_value(text, place)


def _written_value(text: str, place: int) -> tuple[str, int]:
    """The same for one with quotes, escapes or a comment."""
    kept: list[str] = []
    blanks, quoted = "", False
    while place < len(text) and text[place] != "\n":
        sign = text[place]
        place += 1
        if sign == "\\":
            sign = text[place : place + 1]
            place += 1
            if sign == "\r" and text[place : place + 1] == "\n":
                sign, place = "\n", place + 1
            if sign == "\n":  # the value goes on
                continue
            kept.append(blanks + _ESCAPES.get(sign, sign))
            blanks = ""
        elif sign == '"':
            quoted = not quoted
            kept.append(blanks)
            blanks = ""
        elif sign in "#;" and not quoted:
            place = _line_end(text, place) - 1
            break
        elif sign in " \t\r" and not quoted:
            blanks += sign if kept else ""
        else:
            kept.append(blanks + sign)
            blanks = ""
    return "".join(kept), place + 1


@dataclass(slots=True)
class GitConfig:
    """What is set for one repository: its remotes, and how their URLs are rewritten."""

    remotes: dict[str, str] = field(default_factory=dict)
    rewrites: dict[str, str] = field(default_factory=dict)
    """By the beginning of a URL, what stands in its place."""

    def remote(self) -> str:
        """The URL of `origin`, else of the first remote by name, as git uses it; "" for none."""
        found = self.remotes.get("origin") or (
            self.remotes[min(self.remotes)] if self.remotes else ""
        )
        starts = [start for start in self.rewrites if start and found.startswith(start)]
        if starts:
            longest = max(starts, key=len)
            return self.rewrites[longest] + found[len(longest) :]
        return found


def read_config(common: Path, environ: Mapping[str, str] | None = None) -> GitConfig:
    """Give the configuration of the repository with this common directory.

    Args:
        common: A resolved git directory.
        environ: Says where the user's own configuration is, the process's by default.
    """
    reading = _Reading(common, GitConfig())
    for file in (*_user_files(os.environ if environ is None else environ), common / "config"):
        reading.file(file)
    return reading.config


def _user_files(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("GIT_CONFIG_NOSYSTEM", "").lower() not in ("1", "true", "yes", "on"):
        yield Path(environ.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig")
    if "GIT_CONFIG_GLOBAL" in environ:
        if environ["GIT_CONFIG_GLOBAL"]:
            yield Path(environ["GIT_CONFIG_GLOBAL"])
        return
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    own = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    if own:
        yield Path(own) / "git" / "config"
    if home:
        yield Path(home) / ".gitconfig"


class _Reading:
    """Reads files into one configuration, each where it is included."""

    def __init__(self, common: Path, config: GitConfig) -> None:
        self._common, self.config = common, config
        self._files = 0

    def file(self, path: Path) -> None:
        """Take a file's settings in; what it includes stands where it is included."""
        self._files += 1
        if self._files > _MOST_FILES:  # files that include each other
            return
        for section, sub, key, value in entries(_text(path)):
            if section == "remote" and key == "url" and sub:
                self.config.remotes.setdefault(sub, value)
            elif section == "url" and key == "insteadof":
                self.config.rewrites[value] = sub
            elif key == "path" and (
                section == "include" or (section == "includeif" and self._holds(sub, path))
            ):
                self.file(_beside(path, value))

    def _holds(self, condition: str, file: Path) -> bool:
        kind, _, pattern = condition.partition(":")
        if kind in ("gitdir", "gitdir/i"):
            return self._is_at(pattern, file, fold=kind.endswith("/i"))
        if kind == "onbranch":
            head = _text(self._common / "HEAD").strip().removeprefix("ref: refs/heads/")
            return fnmatchcase(head, pattern + "**" if pattern.endswith("/") else pattern)
        if condition.startswith("hasconfig:remote.*.url:"):
            wanted = condition.removeprefix("hasconfig:remote.*.url:")
            own = (v for s, _, k, v in entries(_text(self._common / "config")) if (s, k) == _URL)
            return any(fnmatchcase(url, wanted) for url in own)
        return False

    def _is_at(self, pattern: str, file: Path, *, fold: bool) -> bool:
        """Whether the repository lies where a pattern says, as git matches it."""
        if pattern.startswith("~/"):
            pattern = os.path.expanduser(pattern)  # noqa: PTH111 - the slash at its end counts
        elif pattern.startswith("./"):
            pattern = f"{file.parent}/{pattern[2:]}"
        elif not pattern.startswith("/"):
            pattern = f"**/{pattern}"
        if pattern.endswith("/"):
            pattern += "**"
        place = str(self._common)
        if fold:
            pattern, place = pattern.lower(), place.lower()
        return any(fnmatchcase(one, pattern) for one in (place, f"{place}/"))


_URL = ("remote", "url")


def _beside(file: Path, value: str) -> Path:
    try:
        return file.parent / Path(value).expanduser()
    except RuntimeError:
        return file.parent / value


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
