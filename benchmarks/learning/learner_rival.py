"""The product's learner as a ranker, without service and store: for quick work and protocols.

Judging, quotas, the log's records, credits and the learner are the product's
own; only the candidates come from `slates` and training is synchronous.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.stream import Feedback, Slate
from memory_core.judging import judge
from memory_core.model import Credit, Outcome, OutcomeRecord, RecallRecord, Served
from memory_core.ports import StoredOutcome
from memory_core.scorer.credit import assign
from memory_core.scorer.episode import Episode, Traits, build_episode
from memory_core.scorer.experts import EVIDENCE, EXPERTS
from memory_core.scorer.learner import Learner, Ranking
from memory_core.scorer.proof import held_out
from memory_core.service.fold import LogPlace
from memory_core.service.quota import Quotas, quota_items

PROJECT = "bench"
FIRST_TIME = 1_750_000_000.0
BETWEEN_TASKS = 3600.0
BETWEEN_RETRIES = 60.0
MOST_SHOWN = 4096
OWN = ""
"""The source whose reports are trusted in full."""


class LearnerRival:
    """`memory_core.scorer.learner.Learner` behind the rivals' three methods.

    Every task is a session of its own and an hour after the one before, unless
    `begin` named a session: its tasks are a minute apart.

    Args:
        dimension: Of the embeddings.
        seed: Of everything random.
        k: Items served; similarity's first is kept among them as the service does.
    """

    name = "lessonbank"

    def __init__(self, dimension: int, seed: int, k: int = 3) -> None:
        self.learner = Learner(dimension, seed)
        self.k, self.seed = k, seed
        self._dimension = dimension
        self._quotas = Quotas({OWN}, lambda _: True)
        self._clock = FIRST_TIME
        self._session = ""
        self._reports = 0
        self._shown: OrderedDict[int, tuple[Slate, Ranking]] = OrderedDict()

    def begin(self, session: str) -> None:
        """Enter a session ("": every task is its own)."""
        self._session = session
        self._clock += BETWEEN_TASKS

    def order(self, slate: Slate) -> NDArray[np.int64]:
        self._clock += BETWEEN_RETRIES if self._session else BETWEEN_TASKS
        ranking = self._rank(slate, self._session or f"task {self._reports}")
        self._shown[id(slate)] = (slate, ranking)
        self._shown.move_to_end(id(slate))
        while len(self._shown) > MOST_SHOWN:
            self._shown.popitem(last=False)
        return self._served(ranking)

    def best(self, slate: Slate) -> NDArray[np.int64]:
        """The order in a session in which nothing happened, int64[N]."""
        return self._served(self.ranking(slate))

    def ranking(self, slate: Slate) -> Ranking:
        """All that the learner says of a slate, in a session in which nothing happened."""
        return self._rank(slate, "held out")

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        self.learn_from(slate, feedback, OWN)

    def learn_from(self, slate: Slate, feedback: Feedback, source: str) -> None:
        """Learn one report of a source; a source that is not our own has a quota."""
        kept = self._shown.pop(id(slate), None)
        ranking = kept[1] if kept is not None else self.ranking(slate)
        episode = self._episode(slate, ranking, feedback, source)
        episode = replace(episode, credits=self.credit(episode))
        self.learner.learn_one(self.learner.observe(episode))
        self._reports += 1

    def credit(self, episode: Episode) -> tuple[Credit, ...]:
        """What each served item earned."""
        return assign(episode, self.learner.snapshot.fit)

    def _rank(self, slate: Slate, session: str) -> Ranking:
        return self.learner.rank(slate.panel, PROJECT, session, self._clock)

    def _served(self, ranking: Ranking) -> NDArray[np.int64]:
        """The order of the answer: similarity's first stays in unless its record is bad."""
        order = list(ranking.order)
        plain = not ranking.moved.any() and not ranking.penalty.any()
        if plain or self.k < 2 or 0 in order[: self.k] or not self._stands(ranking):
            return np.array(order, dtype=np.int64)
        order.remove(0)
        order.insert(self.k - 1, 0)
        return np.array(order, dtype=np.int64)

    @staticmethod
    def _stands(ranking: Ranking) -> bool:
        """Whether similarity's first has no bad record here and did not just fail."""
        return bool(ranking.experts[0, EVIDENCE] >= 0 and ranking.penalty[0] <= 0)

    def _episode(self, slate: Slate, ranking: Ranking, feedback: Feedback, source: str) -> Episode:
        recall = self._recall(slate, ranking, feedback.shown)
        return build_episode(
            self._outcome(recall, feedback, source),
            recall,
            slate.panel.query,
            owner=recall.id,
            traits=_traits(slate, feedback.shown),
            dimension=self._dimension,
        )

    def _recall(self, slate: Slate, ranking: Ranking, shown: tuple[int, ...]) -> RecallRecord:
        first = [row for row in range(len(shown)) if row not in shown]
        logged = [*shown, *first]
        served = tuple(
            Served(
                slate.panel.ids[row],
                place if place < len(shown) else -1,
                float(ranking.score[row]),
                float(slate.panel.dense[row]),
                experts=tuple(float(value) for value in ranking.experts[row]),
                evidence_mass=float(ranking.mass[row]),
                place=row,
            )
            for place, row in enumerate(logged)
        )
        session = self._session or f"task {self._reports}"
        name = f"rec_{self._reports}"
        return RecallRecord(
            name,
            PROJECT,
            "",
            self._clock,
            session=session,
            candidates=served,
            facts=" ".join(EXPERTS),
        )

    def _outcome(self, recall: RecallRecord, feedback: Feedback, source: str) -> OutcomeRecord:
        ids = recall.served_ids
        reported: Outcome = "success" if feedback.reward > 0.5 else "failure"
        pairs = list(zip(ids, feedback.labels.tolist(), strict=True))
        helpful = tuple(item for item, label in pairs if label > 0)
        harmful = tuple(item for item, label in pairs if label < 0)
        used = tuple(item for item, was in zip(ids, feedback.used, strict=True) if was)
        judgement = judge(reported, helpful=helpful, harmful=harmful)
        outcome = OutcomeRecord(
            id=f"out_{self._reports}",
            project=PROJECT,
            outcome=judgement.outcome,
            reported=reported,
            reward=judgement.reward,
            strength=judgement.strength,
            at=self._clock,
            recall_id=recall.id,
            session=recall.session,
            source=source,
            used=None if feedback.used.all() else used,
            helpful=helpful,
            harmful=harmful,
            held_out=held_out(self._reports),
        )
        touched = quota_items(outcome, ids)
        outcome = replace(outcome, trust=self._quotas.trust(source, touched, outcome.at))
        place = LogPlace(served=ids, owner=recall.id)
        self._quotas.take(place, StoredOutcome(outcome, None))
        return outcome


def _traits(slate: Slate, rows: tuple[int, ...]) -> Traits:
    """What the learner reads of the served items."""
    panel = slate.panel
    ids = [panel.ids[row] for row in rows]
    contents = panel.contents
    return Traits(
        keys={panel.ids[row]: panel.keys[row] for row in rows},
        pitfalls=frozenset(panel.ids[row] for row in rows if panel.pitfall[row] > 0),
        contents={}
        if contents is None
        else {item: contents[row] for item, row in zip(ids, rows, strict=True)},
    )
