"""The learner: ranks candidates from an immutable snapshot, learns one report at a time.

Two paths. `observe` is fast and runs inside the report: the item's own evidence
and the session's buffer take the outcome in, so the very next recall sees it.
`learn_one` is slow and runs off the request path, strictly in log order: proof,
stack, networks, then a new snapshot is published by one assignment. Everything
is a function of the log: what was served (with the experts' values of that
moment), the outcomes and their credits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from memory_core.scorer.episode import Episode
from memory_core.scorer.episodic import EpisodicBuffer
from memory_core.scorer.evidence import Evidence
from memory_core.scorer.networks import Networks, Weights
from memory_core.scorer.ordering import order_of
from memory_core.scorer.panel import (
    ADVICE,
    CONSENSUS,
    DENSE,
    EVIDENCE,
    EXPERTS,
    FUSED,
    KEYWORD,
    NAMES,
    NETWORK,
    PAIR,
    STANDING,
    STRUCTURE,
    Floats,
    Panel,
    Values,
    consensus_of,
    zscore,
)
from memory_core.scorer.proof import Record, log_loss
from memory_core.scorer.replay import REPLAYED, Memory, Reservoir, batch_of, features_of, memory_of
from memory_core.scorer.stack import FIRST, START, Fit, Row, Stack
from memory_core.sketch import SIZE

CLIP_UNTRIED = 2.0
"""How far the learned part may move an item nobody tried in like conditions."""
CLIP_TRIED = 8.0
CLIP_MASS = 1.0
"""Evidence mass at which the clip is half open."""
SET_SHARE = 0.5
"""What the outcome of the whole set teaches the stack beside labels of single items."""
SKIP_SHARE = 1.0
"""What a report teaches by which items were used although others stood above them."""
REFIT_EVERY = 25
REFIT_ALWAYS_UNTIL = 100
"""The stack is refitted after every 5th report until this many, then every 25th."""
GATE_EVERY = 25
GATE_TOLERANCE = 1.02
GATE_HELD = 64
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


@dataclass(slots=True)
class _Gate:
    """The last good networks and the held-out memories that judge new ones."""

    good: dict[str, torch.Tensor]
    weights: Weights
    held: list[Memory] = field(default_factory=list)
    rollbacks: int = 0


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
        self.episodic = EpisodicBuffer()
        self.networks = Networks(dimension, seed)
        self.stack = Stack()
        self.reservoir = Reservoir(seed)
        self.record = Record()
        self.reports = 0
        self.base_rate = 0.5
        first = self.networks.weights()
        self._gate = _Gate(self.networks.state(), first)
        self.snapshot = Snapshot("v0", 0, FIRST, first, 1.0, 0.0)

    @property
    def rollbacks(self) -> int:
        """How often networks were taken back."""
        return self._gate.rollbacks

    @property
    def good_networks(self) -> dict[str, torch.Tensor]:
        """The last networks that passed the gate, as `Networks.state` gives them."""
        return self._gate.good

    # -- recall --------------------------------------------------------------------

    def experts(self, panel: Panel, snapshot: Snapshot) -> tuple[Values, Floats]:
        """Every expert's value of every candidate, float64[N, E], and evidence mass float64[N]."""
        record = self.evidence.score(panel.query, panel.ids, panel.contents)
        values = np.zeros((panel.size, len(EXPERTS)))
        values[:, FUSED] = zscore(panel.fused)
        values[:, DENSE] = zscore(panel.dense)
        values[:, KEYWORD] = zscore(panel.keyword)
        values[:, CONSENSUS] = zscore(consensus_of(panel))
        if panel.structure is not None:
            values[:, STRUCTURE] = zscore(panel.structure)
        if panel.names is not None:
            values[:, NAMES] = zscore(panel.names)
        values[:, EVIDENCE] = record.evidence
        values[:, STANDING] = record.standing
        values[:, ADVICE] = record.advice
        if snapshot.reports and panel.size:
            cosines = (panel.keys @ panel.query).astype(np.float64)
            features = features_of(cosines, record.evidence, record.mass, panel.pitfall)
            values[:, NETWORK] = snapshot.networks.low_rank(panel.query, panel.keys, features)
            values[:, PAIR] = snapshot.networks.pair(panel.query, panel.keys)
        return values, np.maximum(record.mass, record.advice_mass)

    def rank(
        self, panel: Panel, project: str, session: str, now: float, *, learned: bool = True
    ) -> Ranking:
        """Order the candidates.

        With no outcomes, with weight 0 or with `learned=False` the order is the
        panel's own, plain hybrid similarity, exactly.

        Args:
            panel: The candidates in the order of plain hybrid similarity.
            project: Of the session's buffer.
            session: Whose recent failures are demoted.
            now: Seconds since the epoch.
            learned: False serves similarity and still gives the experts' values.
        """
        snapshot = self.snapshot
        values, mass = self.experts(panel, snapshot)
        base = START[FUSED] * values[:, FUSED]
        raw = values @ snapshot.fit.weights - base
        opened = np.maximum(mass / (mass + CLIP_MASS), snapshot.opening)
        limit = CLIP_UNTRIED + (CLIP_TRIED - CLIP_UNTRIED) * opened
        moved = snapshot.weight * np.clip(raw, -limit, limit)
        penalty = self.episodic.penalty(project, session, panel.query, panel.ids, now)
        if not learned:
            moved, penalty = np.zeros_like(moved), np.zeros_like(penalty)
        score = base + moved - penalty
        untouched = not moved.any() and not penalty.any()
        order = np.arange(panel.size) if untouched else np.argsort(-score, kind="stable")
        return Ranking(tuple(int(i) for i in order), score, values, mass, moved, penalty, snapshot)

    # -- the fast path -------------------------------------------------------------

    def observe(self, episode: Episode) -> None:
        """Take one outcome (with its credits) into the evidence and the session's buffer."""
        if episode.query is not None:
            self.evidence.add(
                episode.owner,
                episode.query,
                [(credit.item_id, credit.value, credit.weight) for credit in episode.credits],
                episode.contents,
            )
        self.episodic.observe(episode)

    # -- the slow path -------------------------------------------------------------

    def learn_one(self, episode: Episode) -> None:
        """Learn one observed outcome, in log order, and publish a new snapshot."""
        self.reports += 1
        if _teaches(episode):
            self._prove(episode)
            self._remember(episode)
            if self.training:
                self._train(episode)
        else:
            self._withdraw(episode.owner)
        if self._due(REFIT_EVERY):
            self.stack.refit()
        if self.training and self.reports % GATE_EVERY == 0:
            self._judge_networks()
        self._publish()

    def walk_one(self, episode: Episode) -> None:
        """Take in one observed outcome as `learn_one` does, without training.

        For a log whose training a checkpoint holds: evidence, rows and sample come
        from the log, `restore` brings the rest.
        """
        self.reports += 1
        if not _teaches(episode):
            self._withdraw(episode.owner)
            return
        self._remember(episode)
        memory = memory_of(episode)
        if memory is not None:
            self._keep(memory, episode.held_out)

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
        self.networks.load(good)
        good_weights = self.networks.weights()
        self.networks.load(networks)
        self.networks.rates = rates
        self.base_rate = base_rate
        self.stack.learned, self.stack.similarity = learned, similarity
        self.record = record
        self._gate = _Gate(good, good_weights, self._gate.held, rollbacks)
        self._publish()

    def _due(self, every: int) -> bool:
        return self.reports % (5 if self.reports <= REFIT_ALWAYS_UNTIL else every) == 0

    def _prove(self, episode: Episode) -> None:
        if not episode.scored or episode.strength <= 0 or episode.correction:
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
        )

    def _remember(self, episode: Episode) -> None:
        """Give the stack its rows: labelled items, the set, and what was passed over."""
        if episode.held_out or not episode.scored:
            return
        labelled = ~np.isnan(episode.labels)
        if labelled.any():
            rows = [
                Row(
                    episode.experts[i],
                    (float(episode.labels[i]) + 1) / 2,
                    episode.trust,
                    episode.owner,
                    self.stack.reports,
                )
                for i in np.flatnonzero(labelled)
            ]
        else:
            rows = []
        weight = episode.strength * episode.trust * (SET_SHARE if rows else 1.0)
        if weight > 0 and episode.attention.any():
            rows.append(Row(episode.row, episode.reward, weight, episode.owner, self.stack.reports))
        pairs = episode.skipped
        rows += [
            Row(
                episode.experts[used] - episode.experts[above],
                1.0,
                SKIP_SHARE * episode.trust / len(pairs),
                episode.owner,
                self.stack.reports,
                compared=True,
            )
            for used, above in pairs
        ]
        self.stack.learn_many(rows)

    def _train(self, episode: Episode) -> None:
        memory = memory_of(episode)
        if memory is None:
            return
        if not episode.held_out:
            replayed = self.reservoir.sample(REPLAYED, self.networks.step)
            rate = float(np.clip(self.base_rate, 0.05, 0.95))
            self.networks.learn_many(batch_of(memory, replayed), float(np.log(rate / (1 - rate))))
            if not episode.correction:
                self.base_rate += BASE_RATE_STEP * (episode.reward - self.base_rate)
        self._keep(memory, episode.held_out)

    def _keep(self, memory: Memory, is_held_out: bool) -> None:
        """Keep a memory for replay, or for the gate (the newest 64) when it is held out."""
        if is_held_out:
            held = [one for one in self._gate.held if one.owner != memory.owner]
            self._gate.held = [*held, memory][-GATE_HELD:]
        else:
            self.reservoir.add(memory)

    def _withdraw(self, owner: str) -> None:
        """Stop learning from an outcome that was taken back."""
        self.stack.withdraw(owner)
        self.reservoir.withdraw(owner)
        self._gate.held = [memory for memory in self._gate.held if memory.owner != owner]

    def _judge_networks(self) -> None:
        """Keep new networks only if they predict held-out reports no worse than the last good."""
        new = self.networks.weights()
        if not new.finite() or self._loses(new):
            self.networks.load(self._gate.good)
            self.networks.slow_down()
            self._gate.rollbacks += 1
            return
        self._gate.good, self._gate.weights = self.networks.state(), new

    def _loses(self, new: Weights) -> bool:
        held = self._gate.held
        if len(held) < 8:
            return False
        old_loss = sum(self._held_loss(memory, self._gate.weights) for memory in held)
        new_loss = sum(self._held_loss(memory, new) for memory in held)
        return new_loss > GATE_TOLERANCE * old_loss

    def _held_loss(self, memory: Memory, weights: Weights) -> float:
        value = weights.low_rank(memory.query, memory.keys, memory.features)
        value = value + 0.5 * weights.pair(memory.query, memory.keys)
        logit = np.log(self.base_rate / (1 - self.base_rate)) if 0 < self.base_rate < 1 else 0.0
        predicted = 1.0 / (1.0 + np.exp(-np.clip(logit + memory.attention @ value, -30, 30)))
        return log_loss(float(predicted), memory.reward)

    def _publish(self) -> None:
        weights = self.networks.weights()
        if not weights.finite():
            self.networks.load(self._gate.good)
            self._gate.rollbacks += 1
            weights = self._gate.weights
        self.snapshot = Snapshot(
            version=f"v{self.reports}",
            reports=self.reports,
            fit=self.stack.learned,
            networks=weights,
            weight=self.record.weight,
            opening=self.record.opening,
        )


def _teaches(episode: Episode) -> bool:
    """Whether there is anything to learn: a judged outcome or a label."""
    labelled = bool((~np.isnan(episode.labels)).any())
    told = labelled or (episode.strength > 0 and (not episode.ids or bool(episode.attention.any())))
    return episode.trust > 0 and told
