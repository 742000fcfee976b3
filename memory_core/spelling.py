"""One spelling for names that look the same, so that they are the same.

Names are composed (NFC): a file system, a keyboard and a model write one text in
different code points. What is stored of a text itself keeps its form.
"""

from __future__ import annotations

import unicodedata

_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Characters that show nothing though Unicode counts them as letters or marks."""


def composed(text: str) -> str:
    """Give the same text with its characters composed (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def spelled(name: str) -> str:
    """Give a project's name as it is kept: composed, without what nobody sees.

    Example:
        >>> spelled("sho\u200bp ")
        'shop'
    """
    if name.isascii():
        return name.strip()
    return composed("".join(sign for sign in name if not _invisible(sign))).strip()


def _invisible(sign: str) -> bool:
    return (
        unicodedata.category(sign) == "Cf"
        or sign in _FILLERS
        or "\ufe00" <= sign <= "\ufe0f"
        or "\U000e0100" <= sign <= "\U000e01ef"
    )
