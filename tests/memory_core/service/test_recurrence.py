"""Which failures are told as seen before: by telling words, signature and task, not by type."""

from __future__ import annotations

import numpy as np
import pytest

from memory_core.background import error_rarity, rarity
from memory_core.ports import Vector
from memory_core.scorer.relevance import Scale
from memory_core.service.clusters import Failure
from memory_core.service.conditions import FailureText
from memory_core.service.notebook import Traces, telling_words
from memory_core.signature import sign

LOCKED = "sqlite3.OperationalError: database is locked"
GENERIC = "IndexError: list index out of range"


def unit(*values: float) -> Vector:
    vector = np.array(values, dtype=np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


HERE, THERE = unit(1, 0.1), unit(0.2, 1)


def failed(error: str, signature: Vector, task: Vector | None) -> Failure:
    shape = sign(error)
    text = FailureText("", error, shape)
    return Failure("demo", shape.error_class, shape.id, signature, task, text, task=task)


def chance(before: Failure, at_hand: Failure) -> float:
    traces = Traces()
    traces.open(0, before)
    traces.count(0, before, 1.0)
    return float(traces.chances(at_hand, Scale(), 1)[0])


def test_words_of_any_error_tell_nothing() -> None:
    words = telling_words(FailureText("", LOCKED, sign(LOCKED)))
    assert "lock" in words
    assert words["error"] < 0.5 * words["lock"]
    assert words["lock"] > 0.8
    generic = telling_words(FailureText("", GENERIC, sign(GENERIC)))
    assert sum(generic.values()) < sum(words.values())
    assert telling_words(None) == {}


def test_the_same_type_about_something_else_is_less_likely_than_with_the_same_task() -> None:
    before = failed(GENERIC, HERE, HERE)
    same, other = failed(GENERIC, HERE, HERE), failed(GENERIC, unit(1, 0.6), THERE)
    assert chance(before, same) > 0.5 > chance(before, other)


def test_telling_words_are_known_again_behind_another_class() -> None:
    before = failed("cp: error writing 'a': No space left on device", HERE, HERE)
    again = failed("pg_dump: could not write: No space left on device", unit(1, 0.7), unit(1, 0.8))
    odd = failed("panic: all goroutines are asleep", unit(1, 0.7), unit(1, 0.8))
    assert chance(before, again) > chance(before, odd)


def test_an_error_alone_is_known_by_its_own_words() -> None:
    before = failed(LOCKED, HERE, HERE)
    assert chance(before, failed(LOCKED, HERE, None)) > 0.4
    assert chance(before, failed("ORA-00942: no such view", THERE, None)) < 0.1


@pytest.mark.parametrize("word", ["error", "keyerror", "line"])
def test_rarity_among_errors_is_not_rarity_among_prompts(word: str) -> None:
    assert error_rarity().of(word) <= 1.0
    assert rarity().of("keyerror") > error_rarity().of("keyerror")
