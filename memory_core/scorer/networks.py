"""The procedural module: two small torch networks over frozen embeddings.

Both look at (conditions q, item key m), start by saying exactly zero, are
trained one report at a time with replay, and are read through plain arrays, so
that scoring needs no torch and never sees half a step.

Low-rank network (the residual adapters of RMM, arXiv 2503.08026, with a signature):

    net(q, m) = (Q m) . (P q) + w_e . m + MLP(f(q, m)),   value = tanh(net)

where z = P q is also the space of failure signatures, pulled together for like
outcomes and pushed apart for unlike ones by the contrastive loss. Set loss per
report: BCE(b + 4 sum_j a_j net_j, r), plus distillation on replayed reports
toward what the network said when they were new (dark experience replay,
arXiv 2004.07211).

Pair network: the mean of three small networks on [q * m, |q - m|] with heavy
weight decay and dropout; item-wise, position-weighted BCE.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from memory_core.ports import Matrix, Vector
from memory_core.scorer.panel import Floats

RANK = 8
FEATURES = 5
"""[cos, evidence, log1p(mass), evidence * cos, pitfall]"""
LOW_RANK_HIDDEN = 8
PAIR_HIDDEN = 32
PAIR_MEMBERS = 3
PAIR_DROPOUT = 0.5
SET_SCALE = 4.0
DISTIL = 0.5
CONTRAST = 0.1
MARGIN = 0.2
LOW_RANK_RATE, LOW_RANK_DECAY = 5e-3, 1e-2
PAIR_RATE, PAIR_DECAY = 1e-3, 1.0
CLIP_NORM = 1.0
PAIR_LIMIT = 4.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Replayed reports, padded to S served items each.

    queries float32[B, d] · keys float32[B, S, d] · features float32[B, S, F] ·
    attention float32[B, S] (a_j, 0 where padded) · rewards float32[B] ·
    labels float32[B, S] and label_weights float32[B, S] (item-wise) ·
    weights float32[B] · kept float32[B, S] (the network's value when the report
    was new) · replayed float32[B] (1 for replay, 0 for the new report).
    """

    queries: Tensor
    keys: Tensor
    features: Tensor
    attention: Tensor
    rewards: Tensor
    labels: Tensor
    label_weights: Tensor
    weights: Tensor
    kept: Tensor
    replayed: Tensor


class LowRank(nn.Module):
    """The low-rank network; Q, w_e and the last MLP layer start at zero."""

    def __init__(self, dimension: int, generator: torch.Generator) -> None:
        super().__init__()
        self.p = nn.Parameter(
            torch.randn(RANK, dimension, generator=generator) / dimension**0.5 * 3.0
        )
        self.q = nn.Parameter(torch.zeros(RANK, dimension))
        self.e = nn.Parameter(torch.zeros(dimension))
        self.w1 = nn.Parameter(torch.randn(LOW_RANK_HIDDEN, FEATURES, generator=generator) * 0.5)
        self.b1 = nn.Parameter(torch.zeros(LOW_RANK_HIDDEN))
        self.w2 = nn.Parameter(torch.zeros(LOW_RANK_HIDDEN))

    def project(self, queries: Tensor) -> Tensor:
        """Signatures: float32[..., d] -> float32[..., RANK]."""
        return queries @ self.p.T

    def forward(self, queries: Tensor, keys: Tensor, features: Tensor) -> Tensor:
        """float32[B, d], float32[B, S, d], float32[B, S, F] -> float32[B, S]."""
        z = self.project(queries)  # [B, R]
        match = (keys @ self.q.T * z.unsqueeze(1)).sum(-1)  # [B, S, R] * [B, 1, R] -> [B, S]
        hidden = torch.tanh(features @ self.w1.T + self.b1)  # [B, S, H]
        out: Tensor = match + keys @ self.e + hidden @ self.w2
        return out


class Pair(nn.Module):
    """Three pair networks as one; the last layers start at zero."""

    def __init__(self, dimension: int, generator: torch.Generator) -> None:
        super().__init__()
        wide = 2 * dimension
        self.w1 = nn.Parameter(
            torch.randn(PAIR_MEMBERS, wide, PAIR_HIDDEN, generator=generator) / wide**0.5
        )
        self.b1 = nn.Parameter(torch.zeros(PAIR_MEMBERS, 1, PAIR_HIDDEN))
        self.w2 = nn.Parameter(torch.zeros(PAIR_MEMBERS, PAIR_HIDDEN, 1))
        self.b2 = nn.Parameter(torch.zeros(1))

    def forward(self, pairs: Tensor, mask: Tensor | None = None) -> Tensor:
        """float32[N, 2d] (and a dropout mask float32[M, N, H]) -> member logits float32[M, N]."""
        hidden = F.relu(pairs.unsqueeze(0) @ self.w1 + self.b1)  # [M, N, H]
        if mask is not None:
            hidden = hidden * mask
        out: Tensor = (hidden @ self.w2).squeeze(-1) + self.b2
        return out


def pair_inputs(queries: Tensor, keys: Tensor) -> Tensor:
    """[q * m, |q - m|], scaled so that entries are of order 1: float32[N, 2d]."""
    dimension = queries.shape[-1]
    return torch.cat([queries * keys * dimension, (queries - keys).abs() * dimension**0.5], dim=-1)


@dataclass(frozen=True, slots=True)
class Weights:
    """An immutable copy of both networks for scoring, float32 arrays."""

    p: NDArray[np.float32]
    q: NDArray[np.float32]
    e: NDArray[np.float32]
    w1: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]
    pair_w1: NDArray[np.float32]
    pair_b1: NDArray[np.float32]
    pair_w2: NDArray[np.float32]
    pair_b2: NDArray[np.float32]

    def low_rank(self, query: Vector, keys: Matrix, features: Floats) -> Floats:
        """tanh(net), float64[N] in (-1, 1); exactly zero before the first report."""
        match = keys @ (self.q.T @ (self.p @ query))  # right to left: R and d numbers, then [N]
        hidden = np.tanh(features @ self.w1.T + self.b1)
        said: Floats = np.tanh(match + keys @ self.e + hidden @ self.w2).astype(np.float64)
        return said

    def pair(self, query: Vector, keys: Matrix) -> Floats:
        """Mean member logit, float64[N] in [-4, 4]; exactly zero before the first report."""
        dimension = query.size
        pairs = np.concatenate(
            [keys * query * dimension, np.abs(keys - query) * dimension**0.5], axis=-1
        )
        hidden = np.maximum(  # [M, N, H]
            np.einsum("nd,mdh->mnh", pairs, self.pair_w1, optimize=True) + self.pair_b1, 0.0
        )
        logits = (hidden @ self.pair_w2)[..., 0].mean(axis=0) + self.pair_b2
        said: Floats = np.clip(logits, -PAIR_LIMIT, PAIR_LIMIT).astype(np.float64)
        return said

    def finite(self) -> bool:
        return all(
            bool(np.isfinite(getattr(self, name)).all()) for name in self.__dataclass_fields__
        )


def _copy(parameter: Tensor) -> NDArray[np.float32]:
    return parameter.detach().numpy().copy()


class Networks:
    """Both networks with their optimisers. One thread trains.

    Every random draw comes from a generator seeded by (seed, step), so the state
    is a function of the reports alone and a rebuild gives the same bits.

    Args:
        dimension: Of conditions and keys.
        seed: Of the first weights and of every later draw.
    """

    def __init__(self, dimension: int, seed: int = 0) -> None:
        self.dimension, self.seed, self.step = dimension, seed, 0
        generator = torch.Generator().manual_seed(seed)
        self.low = LowRank(dimension, generator)
        self.pair = Pair(dimension, generator)
        self.low_optimiser = torch.optim.AdamW(
            self.low.parameters(), LOW_RANK_RATE, weight_decay=LOW_RANK_DECAY
        )
        self.pair_optimiser = torch.optim.AdamW(
            self.pair.parameters(), PAIR_RATE, weight_decay=PAIR_DECAY
        )

    @property
    def parameters(self) -> int:
        """Numbers trained, in all."""
        return sum(p.numel() for net in (self.low, self.pair) for p in net.parameters())

    def weights(self) -> Weights:
        """An immutable copy for scoring."""
        low, pair = self.low, self.pair
        return Weights(
            *(_copy(p) for p in (low.p, low.q, low.e, low.w1, low.b1, low.w2)),
            *(_copy(p) for p in (pair.w1, pair.b1, pair.w2, pair.b2)),
        )

    def learn_many(self, batch: Batch, base_logit: float) -> None:
        """One step of each network on one new report and its replay.

        Args:
            batch: See `Batch`.
            base_logit: Logit of the running base rate of success.
        """
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # the products are small: a second thread only adds waiting
        self.step += 1
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step)
        self._step_low(batch, base_logit)
        self._step_pair(batch, base_logit, generator)

    def _step_low(self, batch: Batch, base_logit: float) -> None:
        said = self.low(batch.queries, batch.keys, batch.features)  # [B, S]
        # what was served is judged as a set, by who mattered: [B]
        logits = base_logit + SET_SCALE * (batch.attention * said).sum(-1)
        fit = (
            batch.weights
            * F.binary_cross_entropy_with_logits(logits, batch.rewards, reduction="none")
        ).mean()
        # what it said when a report was new is held on to: old conditions are not forgotten
        present = (batch.attention > 0).float() * batch.replayed.unsqueeze(-1)
        drift = (present * (said - batch.kept) ** 2).sum() / present.sum().clamp(min=1.0)
        loss = fit + DISTIL * drift + CONTRAST * self._contrast(batch)
        _take_step(self.low, self.low_optimiser, loss)

    def _contrast(self, batch: Batch) -> Tensor:
        """Pairs of reports that share an item: same outcome together, other outcome apart."""
        z = F.normalize(self.low.project(batch.queries), dim=-1)
        like = z @ z.T  # [B, B] cosines of signatures
        first = batch.keys[:, 0]
        shared = (first @ first.T) > 0.999  # [B, B] the same item came first: one key, to rounding
        success = batch.rewards > 0.5
        same = success.unsqueeze(0) == success.unsqueeze(1)
        off = ~torch.eye(len(z), dtype=torch.bool)
        pull = (1.0 - like)[shared & same & off]
        push = F.relu(like - MARGIN)[shared & ~same]
        terms = [part.mean() for part in (pull, push) if part.numel()]
        return torch.stack(terms).sum() if terms else like.sum() * 0.0

    def _step_pair(self, batch: Batch, base_logit: float, generator: torch.Generator) -> None:
        served = batch.label_weights > 0
        if not bool(served.any()):
            return
        rows, places = served.nonzero(as_tuple=True)
        pairs = pair_inputs(batch.queries[rows], batch.keys[rows, places])  # [P, 2d] served items
        keep = torch.rand(PAIR_MEMBERS, len(rows), PAIR_HIDDEN, generator=generator) > PAIR_DROPOUT
        said = self.pair(pairs, keep.float() / (1.0 - PAIR_DROPOUT)) + base_logit  # [M, P]
        labels = batch.labels[rows, places].expand_as(said)
        weights = (batch.label_weights[rows, places] * batch.weights[rows]).expand_as(said)
        errors = F.binary_cross_entropy_with_logits(said, labels, reduction="none")
        _take_step(
            self.pair, self.pair_optimiser, (weights * errors).sum() / weights.sum().clamp(min=1.0)
        )

    def state(self) -> dict[str, Tensor]:
        """All tensors of networks and optimisers by name, for safetensors."""
        tensors: dict[str, Tensor] = {"step": torch.tensor([self.step])}
        for name, net, optimiser in self._parts():
            tensors.update(
                {f"{name}.{key}": value.detach().clone() for key, value in net.state_dict().items()}
            )
            for place, held in optimiser.state_dict()["state"].items():
                for key, value in held.items():
                    tensors[f"{name}.adam.{place}.{key}"] = torch.as_tensor(value).detach().clone()
        return tensors

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over a state that `state` gave.

        Raises:
            ValueError: A tensor is missing, of another shape or not finite.
        """
        if not all(bool(torch.isfinite(value.float()).all()) for value in tensors.values()):
            raise ValueError("the networks' state holds a value that is not finite")
        for name, net, optimiser in self._parts():
            own = {key: tensors[f"{name}.{key}"] for key in net.state_dict()}
            net.load_state_dict(own)
            state = optimiser.state_dict()
            state["state"] = _adam_state(name, tensors)
            optimiser.load_state_dict(state)
        self.step = int(tensors["step"][0])

    @property
    def rates(self) -> list[float]:
        """The learning rates now: low-rank network, pair network."""
        return [float(optimiser.param_groups[0]["lr"]) for _, _, optimiser in self._parts()]

    @rates.setter
    def rates(self, rates: list[float]) -> None:
        for (_, _, optimiser), rate in zip(self._parts(), rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate

    def slow_down(self) -> None:
        """Halve both learning rates (after a rollback)."""
        self.rates = [rate * 0.5 for rate in self.rates]

    def _parts(self) -> tuple[tuple[str, nn.Module, torch.optim.Optimizer], ...]:
        return (("low", self.low, self.low_optimiser), ("pair", self.pair, self.pair_optimiser))


def _adam_state(name: str, tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    held: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{name}.adam."):
            place, field = key.removeprefix(f"{name}.adam.").split(".")
            held.setdefault(int(place), {})[field] = value.clone()
    return held


def _take_step(net: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One guarded step: a loss or gradient that is not finite changes nothing."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(net.parameters(), CLIP_NORM)
    if bool(torch.isfinite(loss)) and bool(torch.isfinite(norm)):
        optimiser.step()
