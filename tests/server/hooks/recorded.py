"""Payloads as Claude Code documents them, answers as the host gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "payloads"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))

ITEM: dict[str, Any] = {
    "id": "item_1", "kind": "strategy", "title": "Sniff the encoding first",
    "description": "Text files from suppliers", "content": "Read the first bytes.\nThen decide.",
    "score": 0.9, "similarity": 0.8, "wins": 3, "losses": 1, "age_days": 2.0,
    "source": "local", "why": "worked in like conditions",
}  # fmt: skip
WARNING: dict[str, Any] = {
    "signature_id": "sig_1", "seen": 2, "last_seen": "2026-11-01T10:00:00Z",
    "summary": "UnicodeDecodeError while reading", "item_ids": ["item_1"],
}  # fmt: skip


def payload(name: str) -> dict[str, Any]:
    """One recorded payload."""
    found: dict[str, Any] = json.loads(data(name))
    return found


def data(name: str) -> bytes:
    """The bytes of one recorded payload."""
    return (FOLDER / f"{name}.json").read_bytes()


def answer(**changes: Any) -> dict[str, Any]:
    """A recall's answer with one item."""
    return {
        "recall_id": "rec_1", "items": [ITEM], "warnings": [], "abstained": False,
        "mode": "learned", "weight": 0.5, "note": "", **changes,
    }  # fmt: skip


def open_recall(recall_id: str) -> dict[str, Any]:
    """One open recall, as the method `recalls` lists it."""
    return {
        "recall_id": recall_id, "door": "recall", "task": "t", "session": "s",
        "age_days": 0.1, "items": 1,
    }  # fmt: skip
