"""The list of modules in docs/architecture.md: `python -m tests.module_map` writes it anew."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
DOCUMENT = REPOSITORY / "docs" / "architecture.md"
BEGIN = "<!-- modules: written by `python -m tests.module_map` -->"
END = "<!-- end of modules -->"


def modules(repository: Path) -> dict[str, str]:
    """Path of every module of the product, and the first line that it says of itself."""
    found = {}
    for package in ("memory_core", "server"):
        for path in sorted((repository / package).rglob("*.py")):
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            if said or path.name != "__init__.py":
                found[path.relative_to(repository).as_posix()] = said.partition("\n")[0]
    return found


def listing(repository: Path) -> str:
    """Give the list: a room a paragraph, a module a line."""
    rooms: dict[str, list[str]] = defaultdict(list)
    for path, said in modules(repository).items():
        room, _, name = path.rpartition("/")
        rooms[room].append(f"- `{name}`: {said}")
    return "\n\n".join(f"**`{room}/`**\n\n" + "\n".join(rooms[room]) for room in sorted(rooms))


def main() -> None:
    """Write the list into the document, in the place of the one that is there."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(
        f"{before}{BEGIN}\n\n{listing(REPOSITORY)}\n\n{END}{after}", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
