"""The learner: ranks candidates from an immutable snapshot, learns one report at a time.

Two paths. `observe` is fast and runs inside the report: the item's own evidence and the session's
buffer take the outcome in, so the very next recall sees it. `learn_one` is slow and runs off the
request path, strictly in log order: proof, stack, networks, then a new snapshot is published by one
assignment. Everything is a function of the log: what was served (with the experts' values of that
moment), the outcomes and their credits. One report teaches the stack by its labelled items, by the
set, and by what was passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from memory_core.scorer import gate
from memory_core.scorer.episode import Episode
from memory_core.scorer.episodic import EpisodicBuffer
from memory_core.scorer.evidence import Evidence
from memory_core.scorer.experts import FUSED, REGISTRY, START
from memory_core.scorer.experts.expert import Expert, View
from memory_core.scorer.gate import Gate
from memory_core.scorer.learned_relevance import Learned, LearnedRelevance
from memory_core.scorer.networks import Networks, Weights
from memory_core.scorer.ordering import order_of
from memory_core.scorer.panel import Floats, Panel, Values, log_prior
from memory_core.scorer.proof import Record
from memory_core.scorer.replay import REPLAYED, Memory, Reservoir, batch_of, memory_of
from memory_core.scorer.shares import Wholes
from memory_core.scorer.stack import FIRST, Fit, Row, Stack
from memory_core.sketch import SIZE

# -- what one report teaches the stack

SET_SHARE = 0.5
"""What the outcome of the whole set teaches beside labels of single items."""
SKIP_SHARE = 1.0
"""What a report teaches by which items were used although others stood above them."""


def teaches(episode: Episode) -> bool:
    """Whether there is anything to learn: a judged outcome or a label."""
    labelled = bool((~np.isnan(episode.labels)).any())
    told = labelled or (episode.strength > 0 and (not episode.ids or bool(episode.attention.any())))
    return episode.trust > 0 and told


def rows_of(episode: Episode, at: float) -> list[Row]:
    """The stack's rows of one report; `at` is what was taught before it."""
    labelled = np.flatnonzero(~np.isnan(episode.labels))
    rows = [
        Row(
            episode.experts[place],
            (float(episode.labels[place]) + 1) / 2,
            episode.trust,
            episode.owner,
            at,
            episode.source,
        )
        for place in labelled
    ]
    weight = episode.strength * episode.trust * (SET_SHARE if rows else 1.0)
    if weight > 0 and episode.attention.any():
        rows.append(Row(episode.row, episode.reward, weight, episode.owner, at, episode.source))
    pairs = episode.skipped
    for used, above in pairs:
        difference = episode.experts[used] - episode.experts[above]
        share = SKIP_SHARE * episode.trust / len(pairs)
        rows.append(Row(difference, 1.0, share, episode.owner, at, episode.source, compared=True))
    if len(rows) > 1 or episode.trust < 1:
        rows = [replace(row, share=episode.trust / len(rows)) for row in rows]
    return rows


# -- the learner

CLIP_UNTRIED = 2.0
"""How far the learned part may move an item nobody tried in like conditions."""
CLIP_TRIED = 8.0
CLIP_MASS = 1.0
"""Evidence mass at which the clip is half open."""
REFIT_EVERY = 25
REFIT_ALWAYS_UNTIL = 100
"""The stack is refitted after every 5th report until this many, then every 25th."""
BASE_RATE_STEP = 0.02


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What recall reads: never changed once published."""

    version: str
    reports: int
    fit: Fit
    networks: Weights
    weight: float
    opening: float
    about: Learned = field(default_factory=Learned)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ranked panel. All arrays are in the panel's order; `order` float64 -> int[N] ranks them.

    `score` is what was sorted by; `experts` float64[N, E]; `moved` how far the
    learned part moved each item; `penalty` the session's demotion.
    """

    order: tuple[int, ...]
    score: Floats
    experts: Values
    mass: Floats
    moved: Floats
    penalty: Floats
    snapshot: Snapshot


class Learner:
    """The stack of experts for one store.

    `rank` may be called from any thread; `observe` under the service's
    write lock; `learn_one` from one thread at a time.

    Args:
        dimension: Of the embeddings.
        seed: Of everything random.
        training: False leaves the networks as they are: a log that holds the experts'
            values is enough for the proof and the stack.
    """

    def __init__(self, dimension: int, seed: int = 0, *, training: bool = True) -> None:
        self.dimension, self.training = dimension, training
        self.evidence = Evidence(dimension, SIZE)
        self.experts: tuple[Expert, ...] = tuple(expert() for expert in REGISTRY)
        self.episodic = EpisodicBuffer()
        self.networks = Networks(dimension, seed)
        self.stack = Stack()
        self.reservoir = Reservoir(seed)
        self.record = Record()
        self.wholes = Wholes()
        self.about = LearnedRelevance()
        self.reports = 0
        self.base_rate = 0.5
        first = self.networks.weights()
        self.gate = Gate(self.networks)
        self.snapshot = Snapshot("v0", 0, FIRST, first, 1.0, 0.0)

    # -- recall --------------------------------------------------------------------

    def said_of(self, panel: Panel, snapshot: Snapshot) -> tuple[Values, Floats]:
        """Every expert's value of every candidate, float64[N, E], and evidence mass float64[N]."""
        record = self.evidence.score(panel.query, panel.ids, panel.contents, panel.earlier)
        view = View(panel, record, snapshot.networks if snapshot.reports else None)
        values = np.column_stack([expert.says(view) for expert in self.experts])
        return values, np.maximum(record.mass, record.advice_mass)

    def rank(
        self, panel: Panel, project: str, session: str, now: float, *, learned: bool = True
    ) -> Ranking:
        """Order the candidates.

        With no outcomes, with weight 0 or with `learned=False` the order is the
        panel's own, plain hybrid similarity, exactly. Else strangers to the task are held
        down by `log_prior`: untried, they would all stand above what once failed.

        Args:
            panel: The candidates in the order of plain hybrid similarity.
            project: Of the session's buffer.
            session: Whose recent failures are demoted.
            now: Seconds since the epoch.
            learned: False serves similarity and still gives the experts' values.
        """
        snapshot = self.snapshot
        values, mass = self.said_of(panel, snapshot)
        base = START[FUSED] * values[:, FUSED]
        raw = values @ snapshot.fit.weights - base
        opened = np.maximum(mass / (mass + CLIP_MASS), snapshot.opening)
        limit = CLIP_UNTRIED + (CLIP_TRIED - CLIP_UNTRIED) * opened
        moved = snapshot.weight * np.clip(raw, -limit, limit)
        penalty = self.episodic.penalty(project, session, panel, now)
        if not learned:
            moved, penalty = np.zeros_like(moved), np.zeros_like(penalty)
        prior = 0.0 if panel.relevance is None else log_prior(panel.relevance)
        score = base + prior + moved - penalty
        untouched = not moved.any() and not penalty.any()
        order = np.arange(panel.size) if untouched else np.argsort(-score, kind="stable")
        return Ranking(tuple(int(i) for i in order), score, values, mass, moved, penalty, snapshot)

    # -- the fast path -------------------------------------------------------------

    def observe(self, episode: Episode) -> Episode:
        """Take one outcome (with its credits) into the evidence and the session's buffer.

        Returns:
            What `learn_one` and `walk_one` take: the episode, told whether it is a whole one.
        """
        episode = self.counted(episode)
        if episode.query is not None:
            self.evidence.add(
                episode.owner,
                episode.query,
                [(credit.item_id, credit.value, credit.weight) for credit in episode.credits],
                episode.contents,
                whole=episode.whole,
            )
        self.episodic.observe(episode)
        for expert in self.experts:
            expert.take(episode)
        return episode

    def counted(self, episode: Episode) -> Episode:
        """The episode, told whether it counts as a whole report; once each, in log order."""
        whole = self.wholes.observe(episode.source, episode.trust)
        return episode if whole else replace(episode, whole=False)

    # -- the slow path -------------------------------------------------------------

    def learn_one(self, episode: Episode) -> None:
        """Learn one observed outcome, in log order, and publish a new snapshot."""
        self.reports += 1
        self.about.take(episode)
        if teaches(episode):
            self._prove(episode)
            self._remember(episode)
            if self.training:
                self._train(episode)
        else:
            self._withdraw(episode.owner)
        if self._due(REFIT_EVERY):
            self.stack.refit()
        if self.training and self.reports % gate.EVERY == 0:
            self.gate.judge(self.base_rate)
        self._publish()

    def walk_one(self, episode: Episode) -> None:
        """Take in one observed outcome as `learn_one` does, without training.

        For a log whose training a checkpoint holds: evidence, rows and sample come
        from the log, `restore` brings the rest.
        """
        self.reports += 1
        self.about.take(episode)
        if not teaches(episode):
            self._withdraw(episode.owner)
            return
        self._remember(episode)
        memory = memory_of(episode)
        if memory is None:
            return
        if episode.whole:
            self._keep(memory, episode.held_out)
        else:
            self._release(episode.owner)

    def restore(
        self,
        *,
        networks: dict[str, torch.Tensor],
        good: dict[str, torch.Tensor],
        rates: list[float],
        base_rate: float,
        rollbacks: int,
        learned: Fit,
        similarity: Fit,
        record: Record,
    ) -> None:
        """Take over a checkpoint's state after walking the log up to its position.

        Raises:
            ValueError, KeyError, RuntimeError: The tensors do not fit.
        """
        self.gate.restore(good, rollbacks)
        self.networks.load(networks)
        self.networks.rates = rates
        self.base_rate = base_rate
        self.stack.learned, self.stack.similarity = learned, similarity
        self.record = record
        self._publish()

    def _due(self, every: int) -> bool:
        return self.reports % (5 if self.reports <= REFIT_ALWAYS_UNTIL else every) == 0

    def _prove(self, episode: Episode) -> None:
        counts = episode.scored and episode.strength > 0 and episode.whole
        if not counts or episode.correction:
            return
        row = episode.row
        plain = np.zeros_like(row)
        plain[FUSED] = row[FUSED]
        self.record.observe(
            self.stack.learned.predict(row),
            self.stack.similarity.predict(plain),
            episode.reward,
            episode.held_out,
            order=order_of(episode, self.stack.learned, self.stack.similarity),
            source=episode.source,
        )

    def _remember(self, episode: Episode) -> None:
        """Give the stack its rows: labelled items, the set, and what was passed over."""
        if episode.held_out or not episode.scored:
            return
        self.stack.learn_many(rows_of(episode, self.stack.taught), episode.trust)

    def _train(self, episode: Episode) -> None:
        memory = memory_of(episode)
        if memory is None:
            return
        if not episode.whole:
            self._release(episode.owner)
            return
        if not episode.held_out:
            replayed = self.reservoir.sample(REPLAYED, self.networks.step)
            rate = float(np.clip(self.base_rate, 0.05, 0.95))
            self.networks.learn_many(batch_of(memory, replayed), float(np.log(rate / (1 - rate))))
            if not episode.correction:
                self.base_rate += BASE_RATE_STEP * (episode.reward - self.base_rate)
        self._keep(memory, episode.held_out)

    def _keep(self, memory: Memory, is_held_out: bool) -> None:
        """Keep a memory for replay, or for the gate when it is held out."""
        if is_held_out:
            self.gate.hold(memory)
        else:
            self.reservoir.add(memory)

    def _withdraw(self, owner: str) -> None:
        """Stop learning from an outcome that was taken back."""
        self.stack.withdraw(owner)
        self._release(owner)

    def _release(self, owner: str) -> None:
        """Let go of an outcome's memory."""
        self.reservoir.withdraw(owner)
        self.gate.withdraw(owner)

    def _publish(self) -> None:
        self.snapshot = Snapshot(
            version=f"v{self.reports}",
            reports=self.reports,
            fit=self.stack.learned,
            networks=self.gate.finite(),
            weight=self.record.weight,
            opening=self.record.opening,
            about=self.about.served,
        )
