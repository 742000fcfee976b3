"""Asks the real service over a real store, at both bars and without one, and counts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.relevance.stores import Asked, Stocked
from memory_core.answers import RecallAnswer
from memory_core.ports import Embedder
from memory_core.requests import OutcomeRequest, RecallRequest, RememberRequest, parse
from memory_core.service.conditions import conditions_of
from memory_core.service.fitting import least_of, signs_read
from memory_core.service.recalling import CANDIDATES
from memory_core.service.service import MemoryService
from memory_core.settings import ScorerMode, Settings
from memory_core.store.lance_store import LanceStore
from server.hooks.texts import CHARACTERS_PER_TOKEN, recall_context

PROJECT = "bench"
K = 3
HOOK_TOKENS = 600
PATIENCE = 600.0
"""Seconds that the learner may take."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one prompt.

    `asked` and `uninvited` are the keys that each bar lets through, `today` the first three
    whatever their relevance, with it; `tokens` is what the prompt hook injects.
    """

    asked: tuple[str, ...]
    uninvited: tuple[str, ...]
    today: tuple[tuple[str, float], ...]
    tokens: float

    @property
    def highest(self) -> float:
        """The highest relevance of the first three."""
        return max((chance for _, chance in self.today), default=0.0)


class Room:
    """One store, filled, and its service."""

    def __init__(self, service: MemoryService, keys: Mapping[str, str]) -> None:
        self.service, self._keys, self._bars = service, keys, service.core.settings

    def hear(self, asked: Asked) -> Heard:
        """Ask one prompt at both bars, and once more without any."""
        core = self.service.core
        by_agent, by_hook = self._recall(asked, "recall"), self._recall(asked, "prompt")
        core.settings = replace(self._bars, bar=0.0)
        try:
            whole = self._recall(asked, "recall")
        finally:
            core.settings = self._bars
        told = recall_context(by_hook.model_dump(mode="json"), HOOK_TOKENS, offers=True)
        return Heard(
            self._named(by_agent),
            self._named(by_hook),
            tuple(zip(self._named(whole), (one.relevance for one in whole.items), strict=True)),
            len(told) / CHARACTERS_PER_TOKEN,
        )

    def report(self, asked: Asked, way: str, *, wrong: bool) -> bool:
        """Recall as an agent does and report how it went; whether there was anything to report.

        Args:
            asked: What is to be done. It goes well where a right item is served.
            way: "used" says what was followed, "bare" the outcome alone.
            wrong: Report the contrary.
        """
        answer = self._recall(asked, "recall")
        if not answer.items:
            return False
        right = [one.id for one in answer.items if self._keys[one.id] in asked.right]
        well = bool(right) != wrong
        used = right or [answer.items[0].id] if well else []
        more = {"used_ids": used} if way == "used" else {}
        outcome = {"outcome": "success" if well else "failure", "recall_id": answer.recall_id}
        self.service.report_outcome(parse(OutcomeRequest, outcome | more))
        return True

    def recall(self, asked: Asked) -> tuple[str, tuple[str, ...]]:
        """The recall's id, and the keys of what an agent is served."""
        answer = self._recall(asked, "recall")
        return answer.recall_id, self._named(answer)

    def tell(self, recall_id: str, key: str, *, well: bool, error: str) -> None:
        """Report what came of following one item."""
        used = [item for item, own in self._keys.items() if own == key]
        outcome = {"outcome": "success" if well else "failure", "error": error}
        request = {"recall_id": recall_id, "used_ids": used} | outcome
        self.service.report_outcome(parse(OutcomeRequest, request))

    def settle(self) -> None:
        """Wait until every report is learned."""
        trainer = self.service.core.trainer
        if trainer is not None and not trainer.settle(PATIENCE):
            raise TimeoutError(f"The learner did not finish within {PATIENCE:.0f} s.")

    def signs(self, asked: Asked, most: int) -> Iterator[tuple[str, Floats, float]]:
        """The key, the signs and the least relevance of the first candidates of a prompt."""
        core = self.service.core
        conditions = conditions_of(core.embedder, asked.text, "", asked.error)
        scope = core.scope(core.project)
        found = tuple(core.store.search(conditions.probes, scope, CANDIDATES))
        signs = signs_read(core, conditions, found, scope)
        least = least_of(core, conditions, found)
        for place, one in enumerate(found[:most]):
            yield self._keys[one.stored.item.id], signs[place], float(least[place])

    def _recall(self, asked: Asked, door: str) -> RecallAnswer:
        request = {"task": asked.text, "error": asked.error, "k": K, "door": door}
        return self.service.recall(parse(RecallRequest, request))

    def _named(self, answer: RecallAnswer) -> tuple[str, ...]:
        return tuple(self._keys[item.id] for item in answer.items)


@contextmanager
def filled(stocked: Stocked, embedder: Embedder, mode: ScorerMode = "similarity") -> Iterator[Room]:
    """Fill a store in a temporary folder, as a server would, and open its service."""
    with tempfile.TemporaryDirectory(prefix="lessonbank-relevance-") as place:
        folder = Path(place)
        service = MemoryService(
            Settings(store=folder, scorer_mode=mode),
            LanceStore.open(folder, maintain=False),
            project=PROJECT,
            notify=lambda _change: None,
        )
        try:
            keys: dict[str, str] = {}
            for memory in stocked.memories:
                request = {
                    "title": memory.title,
                    "description": memory.description,
                    "content": memory.content,
                    "task": memory.task,
                    "kind": memory.kind,
                }
                answer = service.lessons.remember(parse(RememberRequest, request))
                keys.setdefault(answer.id, memory.key)
            service.attach(embedder)
            service.compact()
            yield Room(service, keys)
        finally:
            service.close()


@dataclass(frozen=True, slots=True)
class Figures:
    """One store's row. Shares in [0, 1]; NaN where there was nothing to count.

    `answered` and `surely` at the asked and the uninvited bar; `lost`: the right item was among
    today's three and is not served; `precision` of what is served to answerable prompts;
    `silent` by group of prompts at the asked bar, `mute` at the uninvited one; `same` is the
    share of unanswerable prompts of the same domain below what 90 % of the answerable reach;
    `reliability` has (said, came true, how many) of each bin of relevance.
    """

    name: str
    memories: int
    answered: float
    surely: float
    lost: float
    precision: float
    silent: Mapping[str, float]
    mute: Mapping[str, float]
    tokens: float
    auroc: float
    same_auroc: float
    same: float
    error: float
    reliability: tuple[tuple[float, float, int], ...] = ()


def figures(
    stocked: Stocked,
    answerable: Sequence[Heard],
    unanswerable: Sequence[Heard],
    others: Mapping[str, Sequence[Heard]],
) -> Figures:
    """Count one store."""
    right = [one.right for one in stocked.answerable]
    unrelated = [heard for group in others.values() for heard in group]
    reached = np.array([heard.highest for heard in answerable])
    apart = np.array([heard.highest for heard in unrelated])
    near = np.array([heard.highest for heard in unanswerable])
    had = [
        bool(right[n] & set(heard.asked))
        for n, heard in enumerate(answerable)
        if right[n] & {key for key, _ in heard.today}
    ]
    hits = [key in right[n] for n, heard in enumerate(answerable) for key in heard.asked]
    groups = {"same domain": unanswerable, **others}
    pairs = [
        (chance, key in right[n])
        for n, heard in enumerate(answerable)
        for key, chance in heard.today
    ]
    pairs += [(chance, False) for heard in (*unanswerable, *unrelated) for _, chance in heard.today]
    return Figures(
        name=stocked.name,
        memories=len(stocked.memories),
        answered=_share([bool(heard.asked) for heard in answerable]),
        surely=_share([bool(heard.uninvited) for heard in answerable]),
        lost=1.0 - _share(had),
        precision=_share(hits),
        silent={name: _share([not one.asked for one in group]) for name, group in groups.items()},
        mute={name: _share([not one.uninvited for one in group]) for name, group in groups.items()},
        tokens=float(np.mean([heard.tokens for heard in unrelated])) if unrelated else 0.0,
        auroc=auroc(reached, apart),
        same_auroc=auroc(reached, near),
        same=float(np.mean(near < np.quantile(reached, 0.1))) if len(reached) and len(near) else 0,
        error=calibration_error(pairs),
        reliability=reliability(pairs),
    )


def _share(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else float("nan")


def auroc(above: Floats, below: Floats) -> float:
    """The chance that one of the first is higher than one of the second, ties half."""
    if not len(above) or not len(below):
        return float("nan")
    order = np.sort(below)
    less = np.searchsorted(order, above, "left") + np.searchsorted(order, above, "right")
    return float(less.mean() / (2 * len(order)))


def reliability(
    pairs: Sequence[tuple[float, bool]], bins: int = 10
) -> tuple[tuple[float, float, int], ...]:
    """(mean chance, share that came true, how many) of bins of equal width, empty ones left out."""
    chances = np.array([chance for chance, _ in pairs])
    truths = np.array([float(truth) for _, truth in pairs])
    places = np.minimum((chances * bins).astype(int), bins - 1)
    return tuple(
        (float(chances[own].mean()), float(truths[own].mean()), int(own.sum()))
        for own in (places == place for place in range(bins))
        if own.any()
    )


def calibration_error(pairs: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """The expected calibration error of (chance, truth) in bins of equal width."""
    told = reliability(pairs, bins)
    if not told:
        return float("nan")
    return sum(abs(said - came) * many for said, came, many in told) / len(pairs)
