"""How the word lists are written: several in one call, parts between semicolons."""

from __future__ import annotations

Words = tuple[tuple[str, ...], ...]


def words(*lines: str) -> Words:
    """Give the parts of each line.

    Example:
        >>> words("a; b", "c")
        (('a', 'b'), ('c',))
    """
    return tuple(tuple(part.strip() for part in line.split(";")) for line in lines)
