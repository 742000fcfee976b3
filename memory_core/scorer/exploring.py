"""Exploration: what stands second and below may be drawn, with a known probability.

Thompson-style sampling (Thompson 1933) around the score: a candidate's score
gets Gaussian noise of standard deviation scale / sqrt(1 + 4 mass), mass being
the evidence that it has in like conditions, so what was never tried is tried
and what is known stays. Position one is never drawn, nor is any other position
that the caller fixes. A drawn position takes the best of what is left with
noise drawn anew; so its probability, given the items before it, is

    p_i = integral phi_i(t) prod_{o != i} Phi_o(t) dt

(phi, Phi: density and distribution of a candidate's noisy score; the product
runs over what is left), one dimension whatever the number of candidates. The
product of a list's probabilities is that list's, which is what off-policy
estimates need (see `memory_core.scorer.offline`).

Everything is drawn from the recall's id: the log replays it. Knows numbers
only; who may be drawn is the service's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from memory_core.scorer.panel import Floats

CERTAINTY = 1.0 - 1e-9
"""The most that a drawn position's probability is logged as: 1 is a fixed position's."""
_REACH = 8.0
"""Standard deviations on each side that the integral covers."""
_STEPS = 4096


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn answer.

    `order` are candidates in the order of the answer, `propensities` each one's
    probability given those before it (1 where the position was fixed); `chances`
    has the probability at the first drawn position of every candidate that could
    be drawn.
    """

    order: tuple[int, ...]
    propensities: tuple[float, ...]
    chances: dict[int, float]


def seeded(recall_id: str, purpose: str) -> np.random.Generator:
    """The random generator of one recall for one purpose."""
    digest = hashlib.blake2b(f"{purpose}:{recall_id}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def spreads(mass: Floats, scale: float) -> Floats:
    """Standard deviation of each candidate's noise, float64[N], from its evidence mass >= 0."""
    noise: Floats = scale / np.sqrt(1.0 + 4.0 * np.maximum(mass, 0.0))
    return noise


def best_chances(scores: Floats, noise: Floats) -> Floats:
    """The probability of each candidate to be the best, float64[N]; sums to 1.

    By the trapezoid rule on one grid, finer than half the smallest deviation
    where 4,096 steps allow; exact to about 1e-6 there.

    Args:
        scores: float64[N], N >= 1.
        noise: float64[N] > 0, standard deviations.
    """
    low = float((scores - _REACH * noise).max())  # below it some candidate surely stands higher
    low = min(low, float((scores + _REACH * noise).max()))
    high = float((scores + _REACH * noise).max())
    low = min(low, high - 2 * _REACH * float(noise.min()))
    steps = int(np.clip(np.ceil(2 * (high - low) / noise.min()), 64, _STEPS))
    grid = np.linspace(low, high, steps + 1)
    standard = (grid[None, :] - scores[:, None]) / noise[:, None]  # [N, steps + 1]
    below = log_ndtr(standard)
    # log Phi of all, less its own: a product over the others without a loop, and no underflow
    density = np.exp(-0.5 * standard**2 + below.sum(axis=0) - below) / noise[:, None]
    chances = np.trapezoid(density, grid, axis=1) / np.sqrt(2 * np.pi)
    total = float(chances.sum())
    shares: Floats = chances / total
    return shares


def draw(
    plain: Sequence[int],
    pool: Sequence[int],
    scores: Floats,
    noise: Floats,
    generator: np.random.Generator,
) -> Drawn:
    """Draw an answer.

    Args:
        plain: The answer without exploration, as candidates' numbers.
        pool: Candidates that may be drawn; those of them in `plain` give up their
            positions, position one apart.
        scores: float64[N], every candidate's score.
        noise: float64[N] > 0, every candidate's deviation.
        generator: See `seeded`.
    """
    left = [number for number in pool if number not in plain[:1]]
    order: list[int] = list(plain[:1])
    propensities = [1.0] * len(order)
    chances: dict[int, float] = {}
    free = set(left)
    for fixed in plain[1:]:
        if fixed not in free:
            order.append(fixed)
            propensities.append(1.0)
            continue
        shares = best_chances(scores[left], noise[left])
        if not chances:
            chances = {n: float(min(p, CERTAINTY)) for n, p in zip(left, shares, strict=True)}
        noisy = scores[left] + noise[left] * generator.standard_normal(len(left))
        place = int(np.argmax(noisy))
        order.append(left.pop(place))
        propensities.append(float(min(shares[place], CERTAINTY)))
    return Drawn(tuple(order), tuple(propensities), chances)
