"""The forms of configuration files: JSON with or without comments, TOML, YAML.

Each reads a text and changes one place in it: the path's first step is the key that
holds the servers, the next the server's name, whatever the file calls them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.install import edits, jsonc, toml_text, yaml_text
from server.install.clients import Form


@dataclass(frozen=True, slots=True)
class Text:
    """What can be done with a text of one form; `empty` is a file without anything."""

    empty: str
    value: Callable[[str], Any]
    put: Callable[[str, edits.Path, Any], str]
    take: Callable[[str, edits.Path], str]

    def says_nothing(self, text: str) -> bool:
        """Whether a text holds no more than what an installation writes around an entry."""
        found = self.value(text) if text.strip("\ufeff \t\r\n") else {}
        return not found or (self.value is yaml_text.value and found == yaml_text.NEW_FILE)


def _json(text: str) -> Any:
    return jsonc.parse(text).value()


FORMS: dict[Form, Text] = {
    "json": Text("{}\n", _json, edits.put, edits.take),
    "toml": Text("", toml_text.value, toml_text.put, toml_text.take),
    "yaml": Text("", yaml_text.value, yaml_text.put, yaml_text.take),
}
