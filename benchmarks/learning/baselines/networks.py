"""Rankers with trained weights over the embeddings: a case-value network and residual adapters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.learning.baselines.base import Baseline, Floats, credits
from benchmarks.learning.stream import Feedback, Slate
from memory_core.scorer.panel import Panel, zscore

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Case:
    """One (query, item) with what came of it: inputs float32[F], target in [0, 1], weight."""

    inputs: Rows
    target: float
    weight: float


class Memento(Baseline):
    """A case-value network as in Memento (arXiv 2508.16153): Q(q, m), binary cross-entropy, replay.

    An MLP on [q * m, |q - m|] and both z-scored similarities; the last layer
    starts at zero, so that it begins as plain hybrid similarity. All past cases
    are kept for replay, which fills each batch up to `batch`: 1 means no replay.
    """

    name = "Memento MLP"

    def __init__(
        self,
        dimension: int,
        seed: int,
        *,
        hidden: int = 32,
        rate: float = 1e-3,
        decay: float = 1.0,
        steps: int = 4,
        batch: int = 32,
        pool: int = 8,
    ) -> None:
        self.pool, self._steps, self._batch = pool, steps, batch
        generator = torch.Generator().manual_seed(seed)
        wide = 2 * dimension + 2
        self._net = nn.Sequential(nn.Linear(wide, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        first, last = self._net[0], self._net[2]
        assert isinstance(first, nn.Linear)
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            first.weight.copy_(torch.randn(hidden, wide, generator=generator) / wide**0.5)
            first.bias.zero_()
            last.weight.zero_()
            last.bias.zero_()
        self._optimiser = torch.optim.AdamW(self._net.parameters(), rate, weight_decay=decay)
        self._rng = np.random.default_rng((seed, 57))
        self._cases: list[_Case] = []

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        del explore
        with torch.no_grad():
            said: Floats = self._net(torch.from_numpy(_inputs(panel))).numpy()[:, 0]
        return said.astype(np.float64)

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        inputs = _inputs(slate.panel)
        new = [
            _Case(inputs[credit.row], (1 + credit.value) / 2, credit.weight)
            for credit in credits(feedback)
        ]
        self._cases.extend(new)
        for _ in range(self._steps if new else 0):
            room = max(self._batch - len(new), 0)
            drawn = self._rng.integers(len(self._cases), size=room)
            self._step([*new, *(self._cases[int(place)] for place in drawn)])

    def _step(self, cases: list[_Case]) -> None:
        said = self._net(torch.from_numpy(np.stack([case.inputs for case in cases])))[:, 0]
        targets = torch.tensor([case.target for case in cases])
        weights = torch.tensor([case.weight for case in cases])
        loss = F.binary_cross_entropy_with_logits(said, targets, weights, reduction="mean")
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()


class Rmm(Baseline):
    """Residual adapters of RMM (arXiv 2503.08026): q + W_q q and m + W_m m, trained by REINFORCE.

    W = U V with low rank, U at zero, so that it begins as the cosine. A set is
    drawn by Gumbel noise while it learns; the shown items' log-probabilities are
    pushed by (outcome - running mean), or by each item's own label.
    """

    name = "RMM residual"

    def __init__(
        self,
        dimension: int,
        seed: int,
        *,
        rank: int = 16,
        rate: float = 3e-4,
        heat: float = 0.5,
        noise: float = 0.0,
        pool: int = 8,
    ) -> None:
        self.pool, self._heat, self._noise = pool, heat, noise
        generator = torch.Generator().manual_seed(seed)
        self._into = nn.Parameter(torch.randn(2, rank, dimension, generator=generator) / rank**0.5)
        self._out = nn.Parameter(torch.zeros(2, dimension, rank))
        self._optimiser = torch.optim.Adam([self._into, self._out], rate)
        self._rng = np.random.default_rng((seed, 83))
        self._mean = 0.0

    def _logits(self, panel: Panel) -> Tensor:
        """float32[pool]: the adapted similarity over the temperature."""
        query = torch.from_numpy(panel.query)
        keys = torch.from_numpy(panel.keys[: self.pool])
        query = query + self._out[0] @ (self._into[0] @ query)
        keys = keys + (keys @ self._into[1].T) @ self._out[1].T
        adapted: Tensor = keys @ query + 0.1 * torch.from_numpy(
            zscore(panel.keyword)[: self.pool].astype(np.float32)
        )
        return adapted / self._heat

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        with torch.no_grad():
            said = self._logits(panel).numpy().astype(np.float64)
        if explore and self._noise:
            said = said + self._noise * self._rng.gumbel(size=said.size)
        return said

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        known = [credit for credit in credits(feedback) if credit.row < self.pool]
        if not known:
            return
        chances = F.log_softmax(self._logits(slate.panel), dim=0)
        pushes = torch.tensor([credit.weight * (credit.value - self._mean) for credit in known])
        loss = -(pushes * chances[[credit.row for credit in known]]).sum()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._mean += 0.02 * (known[0].value - self._mean)


def _inputs(panel: Panel) -> Rows:
    """[q * m, |q - m|, z(cosine), z(BM25)], entries of order 1: float32[N, 2d + 2]."""
    dimension = panel.query.size
    product = panel.keys * panel.query * dimension
    apart = np.abs(panel.keys - panel.query) * dimension**0.5
    near = np.stack([zscore(panel.dense), zscore(panel.keyword)], axis=1)
    return np.concatenate([product, apart, near], axis=1).astype(np.float32)
