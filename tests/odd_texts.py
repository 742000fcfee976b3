"""Texts that people and programs really send, and that are no task: for every door."""

from __future__ import annotations

import base64
import random

_BYTES = random.Random(7).randbytes(60_000)
_LINE = "2026-11-30 12:00:07,123 INFO worker[3] processed job 77 in 12 ms\n"

TAKEN: dict[str, str] = {
    "a word": "quokka",
    "punctuation": "?!... --- ;;; ***",
    "8,000 like lines": _LINE * 8_000,
    "base64": base64.b64encode(_BYTES).decode(),
    "lines of base64": base64.encodebytes(_BYTES).decode(),
    "2 MB": "river port stone sea " * 95_000,
    "Amharic": "የውሂብ ጎታው ለምን ተቆልፏል?",
    "much Khmer": "ហេតុអ្វីបានជាមូលដ្ឋានទិន្នន័យត្រូវបានចាក់សោ " * 200,
    "emoji": "\U0001f525\U0001f680\U0001f62d" * 40,
    "marks on a letter": "Z" + "\u0301" * 9_000,
    "nothing to see": "\u200b" * 50 + "\u202eabc",
    "markup": "<div>" * 30_000,
    "blank lines": "\n" * 90_000 + "x",
}
"""Each by its name; a memory of other things has nothing to say to it."""

ASKED = "the CSV from Excel begins with a weird first header"
BURIED = f"{_LINE * 6_000}\n{ASKED}\n\n{_LINE * 6_000}"
"""What is asked, between two pasted logs of 400,000 characters each."""
