"""A small planted world for the learner: vectors, panels and honest outcomes, no text."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from memory_core.ports import Matrix, Vector
from memory_core.scorer.credit import assign
from memory_core.scorer.episode import Episode
from memory_core.scorer.experts import EXPERTS
from memory_core.scorer.learner import Learner
from memory_core.scorer.panel import Panel
from memory_core.scorer.proof import held_out
from memory_core.scorer.stack import position_weights

DIMENSION = 24


def unit(rows: np.ndarray) -> Matrix:
    """Rows scaled to unit length."""
    scaled: Matrix = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return scaled


def panel_from(query: Vector, keys: Matrix, ids: tuple[str, ...]) -> Panel:
    """A panel in the order of plain cosine (the only leg here)."""
    cosines = (keys @ query).astype(np.float64)
    order = np.argsort(-cosines, kind="stable")
    return Panel(
        ids=tuple(ids[i] for i in order),
        query=query,
        keys=keys[order],
        fused=np.array([1.0 / (60.0 + rank) for rank in range(1, len(ids) + 1)]),
        dense=cosines[order],
        keyword=np.zeros(len(ids)),
        pitfall=np.zeros(len(ids)),
    )


@dataclass
class World:
    """Topics with a right and a wrong item each; the wrong one lies nearer to the queries."""

    seed: int = 0
    topics: int = 8

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.centres = unit(self.rng.normal(size=(self.topics, DIMENSION)))
        wrong = unit(self.centres + 0.03 * self.rng.normal(size=self.centres.shape))
        right = unit(self.centres + 0.11 * self.rng.normal(size=self.centres.shape))
        self.keys = np.concatenate([wrong, right])
        self.ids = tuple(f"wrong-{i}" for i in range(self.topics)) + tuple(
            f"right-{i}" for i in range(self.topics)
        )

    def query(self, topic: int) -> Vector:
        """Fresh conditions of a topic."""
        near: Vector = unit(self.centres[topic] + 0.04 * self.rng.normal(size=DIMENSION))
        return near

    def panel(self, topic: int) -> Panel:
        """The candidates for fresh conditions of a topic."""
        return panel_from(self.query(topic), self.keys, self.ids)

    def play(self, learner: Learner, reports: int, start: int = 0) -> list[Episode]:
        """Follow the first item each time and report honestly; gives the episodes in log order."""
        episodes = []
        for step in range(start, start + reports):
            topic = int(self.rng.integers(self.topics))
            episode = served(learner, self.panel(topic), step, good=f"right-{topic}")
            learner.observe(episode)
            learner.learn_one(episode)
            episodes.append(episode)
        return episodes

    def success(self, learner: Learner, rounds: int = 3) -> float:
        """Share of fresh queries whose first item is the right one."""
        hits = 0
        for topic in list(range(self.topics)) * rounds:
            panel = self.panel(topic)
            first = learner.rank(panel, "p", "elsewhere", 1e12).order[0]
            hits += panel.ids[first] == f"right-{topic}"
        return hits / (rounds * self.topics)


def served(learner: Learner, panel: Panel, step: int, good: str, k: int = 3) -> Episode:
    """Recall, follow the first item, and make the episode of its bare outcome."""
    ranking = learner.rank(panel, "p", f"session-{step}", float(step))
    top = list(ranking.order[:k])
    episode = Episode(
        owner=f"rec-{step}",
        outcome_id=f"out-{step}",
        project="p",
        session=f"session-{step}",
        at=float(step),
        query=panel.query,
        ids=tuple(panel.ids[i] for i in top),
        experts=ranking.experts[top],
        mass=ranking.mass[top],
        keys=panel.keys[top],
        pitfall=panel.pitfall[top],
        attention=position_weights(len(top)),
        labels=np.full(len(top), np.nan),
        reward=float(panel.ids[top[0]] == good),
        strength=0.6,
        scored=True,
        held_out=held_out(step),
        places=tuple(top),
        rival=ranking.experts[: len(top)],
    )
    return credited(learner, episode)


def credited(learner: Learner, episode: Episode) -> Episode:
    """The episode with its credits, as the service logs it."""
    return replace(episode, credits=assign(episode, learner.snapshot.fit))


def blank_row() -> np.ndarray:
    """One row of expert values, all zero."""
    return np.zeros(len(EXPERTS))


def asked_again(episode: Episode, query: Vector | None = None) -> Panel:
    """The items that an episode served as the candidates of another recall."""
    count, at = len(episode.ids), episode.query if query is None else query
    assert at is not None
    zero = np.zeros(count)
    keys = np.zeros((count, at.size), np.float32)
    return Panel(episode.ids, at, keys, zero, zero, zero, zero)
