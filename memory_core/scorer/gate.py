"""The gate: new networks are kept only while they predict held-out reports no worse.

The newest 64 held-out reports judge. Networks that lose, or that hold a number
which is not finite, are taken back to the last good ones and learn half as fast.
"""

from __future__ import annotations

import numpy as np
import torch

from memory_core.scorer.networks import Networks, Weights
from memory_core.scorer.proof import log_loss
from memory_core.scorer.replay import Memory
from memory_core.scorer.shares import place_to_drop

EVERY = 25
"""Reports between two judgements."""
TOLERANCE = 1.02
"""How much more the new networks may lose on the held-out reports than the last good ones."""
HELD = 64
LEAST = 8
"""Held-out reports under which nothing is judged."""


class Gate:
    """The last good networks and the held-out memories that judge new ones."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self.good: dict[str, torch.Tensor] = networks.state()
        self._weights = networks.weights()
        self.held: list[Memory] = []
        self.rollbacks = 0

    def hold(self, memory: Memory) -> None:
        """Keep a held-out memory, in place of its owner's earlier one."""
        self.withdraw(memory.owner)
        held = self.held
        if len(held) >= HELD:
            place = place_to_drop([kept.source for kept in held])
            held = [*held[:place], *held[place + 1 :]]
        self.held = [*held, memory]

    def withdraw(self, owner: str) -> None:
        """Let go of an outcome that was taken back."""
        self.held = [memory for memory in self.held if memory.owner != owner]

    def restore(self, good: dict[str, torch.Tensor], rollbacks: int) -> None:
        """Take over a checkpoint's last good networks; the networks are left holding them."""
        self._networks.load(good)
        self.good, self._weights, self.rollbacks = good, self._networks.weights(), rollbacks

    def judge(self, base_rate: float) -> None:
        """Keep the new networks, or go back to the last good ones."""
        new = self._networks.weights()
        if not new.finite() or self._loses(new, base_rate):
            self._back()
            self._networks.slow_down()
            return
        self.good, self._weights = self._networks.state(), new

    def finite(self) -> Weights:
        """The networks' weights for scoring; the last good ones when these are not finite."""
        weights = self._networks.weights()
        if weights.finite():
            return weights
        self._back()
        return self._weights

    def _back(self) -> None:
        self._networks.load(self.good)
        self.rollbacks += 1

    def _loses(self, new: Weights, base_rate: float) -> bool:
        if len(self.held) < LEAST:
            return False
        old_loss = sum(_loss(memory, self._weights, base_rate) for memory in self.held)
        new_loss = sum(_loss(memory, new, base_rate) for memory in self.held)
        return new_loss > TOLERANCE * old_loss


def _loss(memory: Memory, weights: Weights, base_rate: float) -> float:
    value = weights.low_rank(memory.query, memory.keys, memory.features)
    value = value + 0.5 * weights.pair(memory.query, memory.keys)
    logit = np.log(base_rate / (1 - base_rate)) if 0 < base_rate < 1 else 0.0
    predicted = 1.0 / (1.0 + np.exp(-np.clip(logit + memory.attention @ value, -30, 30)))
    return log_loss(float(predicted), memory.reward)
