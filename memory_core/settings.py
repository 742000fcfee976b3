"""The environment's only reader: every setting, its unit and its default.

| variable | default | what |
|---|---|---|
| LESSONBANK_STORE | the user's data folder | folder of the store |
| LESSONBANK_MODEL | the packaged MiniLM | folder or hub name of another embedding model |
| LESSONBANK_SCORER_MODE | learned | learned, shadow (learn, serve similarity) or similarity |
| LESSONBANK_PROJECT | derived from git, else "default" | project of calls that name none |
| LESSONBANK_SOURCE | local | who writes, shown with what was written |
| LESSONBANK_TOKEN | none | one more bearer token of the HTTP doors: the owner's, for everything |
| LESSONBANK_LOG_LEVEL | WARNING; HTTP: INFO | DEBUG, INFO, WARNING or ERROR, to standard error |
| LESSONBANK_LOG_TEXT | 0 | 1: the log of the HTTP doors also holds what calls say |
| LESSONBANK_MODEL_WAIT | 5 | seconds a recall waits for the model before keyword search |
| LESSONBANK_EXPLORE | 0 | 0 to 1: points of score by which untried items vary, second and below |
| LESSONBANK_HOLDOUT | 0 | 0 to 0.5: share of recalls answered without memory, to measure it |
| LESSONBANK_HOST_IDLE | 900 | seconds without a client after which the shared host ends |
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from platformdirs import user_data_path

from memory_core.errors import InvalidInput, shown

ScorerMode = Literal["learned", "shadow", "similarity"]
SCORER_MODES: tuple[ScorerMode, ...] = ("learned", "shadow", "similarity")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, validated.

    `model` is "" for the packaged one; `token` and `log_level` are "" when none is set.
    """

    store: Path
    model: str = ""
    scorer_mode: ScorerMode = "learned"
    project: str = ""
    source: str = "local"
    token: str = ""
    log_level: str = ""
    log_text: bool = False
    model_wait: float = 5.0
    explore: float = 0.0
    holdout: float = 0.0
    host_idle: float = 900.0


SHARED = ("model", "scorer_mode", "explore", "holdout")
"""Settings that hold for all clients of a store: its host has those of who started it."""


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise InvalidInput(
            name, f"= {shown(value)} is not known", f"Use one of {', '.join(choices)}."
        )
    return value


def _number(env: Mapping[str, str], name: str, default: str, most: float, what: str) -> float:
    """The value of a variable that is a number from 0 to `most`."""
    value = env.get(name) or default
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise InvalidInput(name, f"= {shown(value)} is not {what}", f"Use 0 to {most:g}.")
    return number


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (the process's own by default).

    Raises:
        InvalidInput: A variable holds a value that is not known.
    """
    env = os.environ if environ is None else environ
    store = env.get("LESSONBANK_STORE") or str(user_data_path("lessonbank", appauthor=False))
    mode = _one_of(
        "LESSONBANK_SCORER_MODE", env.get("LESSONBANK_SCORER_MODE") or "learned", SCORER_MODES
    )
    level = (env.get("LESSONBANK_LOG_LEVEL") or "").upper()
    if level:
        _one_of("LESSONBANK_LOG_LEVEL", level, _LEVELS)
    return Settings(
        store=Path(store).expanduser(),
        model=env.get("LESSONBANK_MODEL") or "",
        scorer_mode=cast(ScorerMode, mode),
        project=env.get("LESSONBANK_PROJECT") or "",
        source=env.get("LESSONBANK_SOURCE") or "local",
        token=env.get("LESSONBANK_TOKEN") or "",
        log_level=level,
        log_text=_one_of("LESSONBANK_LOG_TEXT", env.get("LESSONBANK_LOG_TEXT") or "0", ("0", "1"))
        == "1",
        model_wait=_number(env, "LESSONBANK_MODEL_WAIT", "5", 600, "a number of seconds"),
        explore=_number(env, "LESSONBANK_EXPLORE", "0", 1, "a scale of exploration"),
        holdout=_number(env, "LESSONBANK_HOLDOUT", "0", 0.5, "a share of recalls"),
        host_idle=_number(env, "LESSONBANK_HOST_IDLE", "900", 86_400, "a number of seconds"),
    )
