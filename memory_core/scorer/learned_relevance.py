"""Relevance as the user's own reports teach it: the start, moved by what like tasks found.

A report says whether what was served was about its task: what was used, helpful or
harmful was; with `used_ids: []` nothing was; a bare outcome says it faintly. Three things
are learned of that:

    found   how tasks like this one fared, kernel-weighted over the newest reports, in [-1, 1];
            where they fared well it lifts what fits best, the others less
    fit     slope, weight of found, and shift of logit(start), ridge-logistic around (1, 2.5, 0)
    helped  how near this task is to the nearest one in which the item helped, in [0, 1]: advice
            is not worded as its tasks are, and has then shown what it is about

Bare outcomes are the weakest word: one may be wrong. How often they are is read off tasks that
were reported more than once, by how often two reports of one task say the same; where they
contradict each other all of them say less, the earlier ones, too. And the likest bare failure
alone never speaks against a task: what is not served is not reported, so it would stay silent.

With no report found and helped are 0 and the fit is its start, so relevance is exactly the start.
On the reports that are held out both predict the first served item's label before it is learned;
while the learned one is clearly worse, the start serves. A fold over the log, in log order.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from memory_core.ports import Matrix, Vector
from memory_core.scorer.episode import Episode
from memory_core.scorer.logistic import fitted
from memory_core.scorer.panel import Floats, Panel
from memory_core.scorer.relevance import BY_MEANING, Scale

START = np.array([1.0, 2.5, 0.0])
RIDGE = np.array([8.0, 4.0, 1.2])
BOUNDS = ((1.0, 2.0), (0.5, 5.0), (-3.0, 0.0))
"""Only what was served is reported, so that the fit may lower what nothing is known of, and never
raise it: a user whose every report is a success would be told of lessons at every prompt."""
BANDWIDTH = 0.08
"""Of the kernel exp((cosine - 1) / bandwidth) between tasks."""
CALM = 1.0
"""Kernel mass of like tasks at which found is half of what they say."""
LIKE = 0.47
"""Cosine of two tasks, on the model's own scale, up to which what helped in one says nothing of the
other: a task in other words is above it nine times in ten, one of another domain never."""
HELPED = 7.0
"""Weight of helped, fitted: at a cosine of .6 the odds are 4 times as high, at .7 16 times."""
BARE_SUCCESS, BARE_FAILURE = 0.7, -0.5
"""What a bare outcome says: a lesson may be about the task and wrong."""
REPEATED = 0.04
"""Bandwidth of the kernel that tells the same task asked again: at a cosine of .95 a third."""
AGREED, PAIRS = 0.64, 10.0
"""How far bare reports of one task agree, (1 - 2 wrong)^2, where a tenth is wrong, and how many
pairs of them that is held for, before there is one."""
KEPT = 512
"""Newest reports that are learned from."""
REFIT_ALWAYS_UNTIL, REFIT_EVERY = 100, 25
REFIT_OFTEN_UNTIL, REFIT_SELDOM = 1_000, 100
"""Refitted after every 5th of the first 100 reports, every 25th, then every 100th."""
FEWEST_HELD = 5
SLACK = 1.0
"""Standard errors by which the learned one may seem worse by chance."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What recall reads: never changed once published.

    `queries` float32[n, d] and `said` float64[n] are those of the newest reports, `doubted`
    int64[m] the places of the bare failures among them; `helped` has the reports in which an item
    helped, by its id, and `weights` float64[n] what they count.
    """

    fit: Floats = field(default_factory=START.copy)
    queries: Matrix | None = None
    said: Floats = field(default_factory=lambda: np.zeros(0))
    doubted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    weights: Floats = field(default_factory=lambda: np.zeros(0))
    helped: Mapping[str, list[int]] = field(default_factory=dict)

    @property
    def reports(self) -> int:
        """How many reports it was learned from."""
        return len(self.said)

    def found(self, query: Vector) -> float:
        """How tasks like this one fared, in [-1, 1]; 0 where none was like it."""
        return 0.0 if self.queries is None else self._found(_kernel(self.queries @ query))

    def _found(self, kernel: Floats) -> float:
        """The kernel's vote, without the likest bare failure: a second one confirms it."""
        if len(self.doubted):
            kernel = kernel.copy()
            kernel[self.doubted[kernel[self.doubted].argmax()]] = 0.0
        return float(kernel @ self.said / (CALM + kernel.sum()))

    def _near(self, panel: Panel, cosines: Floats, kernel: Floats) -> Floats:
        """How near the task is to one in which each candidate helped, float64[N] in [0, 1].

        The nearest counts alone: many wins elsewhere do not make an item one about this task.
        It counts by how much more the tasks like this one found than they missed: where half of
        them found nothing, a win beside them says little.

        Args:
            panel: The candidates.
            cosines: Of the task with each report's, float64[n] on the model's own scale.
            kernel: How much each report's task is like this one, float64[n].
        """
        near = np.zeros(panel.size)
        share = float(kernel @ self.said) / max(float(kernel @ np.abs(self.said)), 1e-12)
        likeness = np.clip((cosines - LIKE) / (1.0 - LIKE), 0.0, 1.0)
        likeness *= self.weights * max(share, 0.0)
        places = {item_id: place for place, item_id in enumerate(panel.ids)} | dict(panel.earlier)
        for item_id, place in places.items():
            if item_id in self.helped:
                near[place] = max(near[place], likeness[self.helped[item_id]].max())
        return near

    def relevance(self, start: Floats, panel: Panel, scale: Scale) -> Floats:
        """The relevance of candidates, float64[N], of the start's and the task's conditions."""
        if self.queries is None:
            return start
        cosines = self.queries @ panel.query
        kernel = _kernel(cosines)
        near = self._near(panel, scale.of(cosines.astype(np.float64)), kernel)
        logits = _logit(start) + HELPED * near
        return _chance(self.fit, logits, _lifts(self._found(kernel), logits))


@dataclass(frozen=True, slots=True)
class _Report:
    """One report: its task, what it says in [-1, 1], and rows (logit, lift, label, weight).

    `helped` are the items that helped in it, which counts `weight`. Of a `bare` report `pairs` is
    how many earlier bare ones had the same task, and `agreed` how many more of them said the
    same than the contrary.
    """

    query: Vector
    said: float
    rows: tuple[tuple[float, float, float, float], ...]
    helped: tuple[str, ...]
    weight: float
    bare: bool
    pairs: float = 0.0
    agreed: float = 0.0


class LearnedRelevance:
    """The fold. `take` is called from one thread at a time; `served` may be read by any."""

    def __init__(self) -> None:
        self._reports: OrderedDict[str, _Report] = OrderedDict()
        self._taken = 0
        self._gains: list[float] = []
        self._fit = START.copy()
        self._newest = Learned()
        self.served = Learned()

    def take(self, episode: Episode) -> None:
        """Learn from one report, in place of its owner's earlier one."""
        if self._reports.pop(episode.owner, None) is not None:
            self._publish()
        report = self._read(episode)
        if report is not None:
            if episode.held_out:
                self._prove(report)
                report = replace(report, rows=())
            self._reports[episode.owner] = report
            if len(self._reports) > KEPT:
                self._reports.popitem(last=False)
        self._taken += 1
        if self._taken % self._pause == 0:
            self._fit = _refitted([row for one in self._reports.values() for row in one.rows])
        self._publish()

    @property
    def _pause(self) -> int:
        """Reports between two refits."""
        if self._taken <= REFIT_ALWAYS_UNTIL:
            return 5
        return REFIT_EVERY if self._taken <= REFIT_OFTEN_UNTIL else REFIT_SELDOM

    @property
    def proven(self) -> bool:
        """Whether the learned relevance is not clearly worse than the start, held out."""
        gains = np.array(self._gains[-200:])
        if len(gains) < FEWEST_HELD:
            return True
        error = float(gains.std(ddof=1)) / float(np.sqrt(len(gains)))
        return float(gains.mean()) >= -SLACK * error

    def _read(self, episode: Episode) -> _Report | None:
        """What a report says; None where it says nothing of relevance.

        A report by task alone was served nothing, and says all the same what was used.
        """
        labels = episode.labels
        known = ~np.isnan(labels)
        named, served = bool(known.any() or episode.used), len(episode.signs) > 0
        if episode.query is None or episode.strength <= 0 or not episode.whole:
            return None
        if not named and not served:
            return None
        places = range(len(episode.ids))
        if named:
            about = [place for place in places if place in episode.used or known[place]]
            rows = [(place, 1.0, 1.0) for place in about]  # what was passed over may fit as well
            said = 1.0
        elif episode.reports_use:
            rows = [(place, 0.0, 1.0) for place in places]
            said = -1.0
        else:
            right = episode.reward >= 0.5
            rows = [(0, float(right), 0.7 if right else 0.3)]
            said = BARE_SUCCESS if right else BARE_FAILURE
        helped = [place for place, label, _ in rows if label > 0 and _helped(episode, place)]
        weight = episode.trust * episode.strength
        start = _logit(BY_MEANING.relevance(episode.signs)) if served else np.zeros(0)
        lifts = _lifts(self._newest.found(episode.query), start)
        bare = not named and not episode.reports_use
        return _Report(
            episode.query,
            said * weight,
            tuple(
                (float(start[place]), float(lifts[place]), y, w * weight)
                for place, y, w in rows
                if served
            ),
            tuple(episode.ids[place] for place in helped),
            max(said, 0.0) * weight,
            bare,
            *(self._repeated(episode.query, said) if bare else ()),
        )

    def _repeated(self, query: Vector, said: float) -> tuple[float, float]:
        """How many bare reports had this task, and how many more said the same of it."""
        if self._newest.queries is None:
            return 0.0, 0.0
        same = np.exp((self._newest.queries @ query - 1.0) / REPEATED).astype(np.float64)
        bare = np.array([one.said if one.bare else 0.0 for one in self._reports.values()])
        return float(same @ (bare != 0)), float(np.sign(said) * (same @ np.sign(bare)))

    def _believed(self) -> float:
        """How much of what bare reports say is believed, in [0, 1]; 1 where a tenth is wrong."""
        pairs = PAIRS + sum(one.pairs for one in self._reports.values())
        agreed = PAIRS * AGREED + sum(one.agreed for one in self._reports.values())
        return float(np.sqrt(min(max(agreed / pairs, 0.0) / AGREED, 1.0)))

    def _prove(self, report: _Report) -> None:
        """Predict a held-out report's first item with both, before it is learned."""
        if not report.rows:
            return
        logit, lift, label, _ = report.rows[0]
        at = np.array([logit])
        start = _loss(float(_chance(START, at, np.zeros(1))[0]), label)
        self._gains.append(start - _loss(float(_chance(self._fit, at, np.array([lift]))[0]), label))

    def _publish(self) -> None:
        reports = list(self._reports.values())
        believed = self._believed()
        helped: dict[str, list[int]] = {}
        for row, one in enumerate(reports):
            for item_id in one.helped:
                helped.setdefault(item_id, []).append(row)
        self._newest = Learned(
            self._fit,
            np.stack([one.query for one in reports]) if reports else None,
            np.array([one.said * (believed if one.bare else 1.0) for one in reports]),
            np.flatnonzero([one.bare and one.said < 0 for one in reports]),
            np.array([one.weight for one in reports]),
            helped,
        )
        self.served = self._newest if self.proven else Learned()


def _kernel(cosines: Vector) -> Floats:
    """How much tasks of these cosines, float32[n], are like the one asked, float64[n] in (0, 1]."""
    kernel: Floats = np.exp((cosines - 1.0) / BANDWIDTH).astype(np.float64)
    return kernel


def _helped(episode: Episode, place: int) -> bool:
    """Whether what is about a report's task helped: its label says it, else how the task ended."""
    label = float(episode.labels[place])
    return episode.reward >= 0.5 if np.isnan(label) else label > 0


def _logit(chances: Floats) -> Floats:
    kept = np.clip(chances, 1e-6, 1.0 - 1e-6)
    logits: Floats = np.log(kept / (1.0 - kept))
    return logits


def _lifts(found: float, logits: Floats) -> Floats:
    """What like tasks found, for each candidate, float64[N].

    That they found nothing speaks against all. That they found something speaks for what fits
    best, and for another by how its chance stands to the best's: one right item is no reason to
    serve what stands beside it.
    """
    if found <= 0 or not len(logits):
        return np.full(len(logits), found)
    chances = _sigmoid(logits)
    return np.asarray(found * chances / chances.max())


def _chance(fit: Floats, logits: Floats, lifts: Floats) -> Floats:
    return _sigmoid(fit[0] * logits + fit[1] * lifts + fit[2])


def _sigmoid(logits: Floats) -> Floats:
    chances: Floats = 1.0 / (1.0 + np.exp(-logits))
    return chances


def _loss(chance: float, label: float) -> float:
    kept = min(max(chance, 0.01), 0.99)
    return float(-(label * np.log(kept) + (1.0 - label) * np.log(1.0 - kept)))


def _refitted(rows: list[tuple[float, float, float, float]]) -> Floats:
    """The fit of these rows (logit, lift, label, weight), ridge-logistic around the start."""
    if not rows:
        return START.copy()
    table = np.array(rows)  # [n, 4]
    found = fitted(
        np.column_stack([table[:, :2], np.ones(len(table))]),
        table[:, 2],
        table[:, 3],
        center=START,
        ridge=2.0 * RIDGE,
        bounds=BOUNDS,
    )
    fit: Floats = np.round(found, 6)
    return fit
