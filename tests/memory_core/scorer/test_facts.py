"""What a recall logged is read by name, whatever the experts are today."""

from __future__ import annotations

import numpy as np

from memory_core.model import RecallRecord, Served
from memory_core.scorer.experts import EXPERTS
from memory_core.scorer.facts import FACTS, about_of, by_expert, experts_of
from memory_core.scorer.relevance import SIGNS


def logged(facts: str, *values: float) -> tuple[RecallRecord, Served]:
    served = Served("item", 0, 1.0, 0.5, values)
    return RecallRecord("rec", "p", "task", 0.0, candidates=(served,), facts=facts), served


def test_values_are_read_by_name_in_any_order() -> None:
    names = FACTS.split()
    values = {name: float(number) for number, name in enumerate(names)}
    for order in (names, names[::-1], [*names[3:], *names[:3]]):
        recall, served = logged(" ".join(order), *(values[name] for name in order))
        assert experts_of(recall, served) == tuple(values[name] for name in EXPERTS)
        assert about_of(recall, served) == tuple(values[n] for n in ("relevance", *SIGNS))


def test_what_was_never_logged_is_zero_and_what_is_known_no_more_is_left_out() -> None:
    recall, served = logged("evidence another fused", 0.75, 9.0, 0.5)
    read = dict(zip(EXPERTS, experts_of(recall, served), strict=True))
    assert read == dict.fromkeys(EXPERTS, 0.0) | {"evidence": 0.75, "fused": 0.5}
    assert about_of(recall, served) == ()


def test_values_that_cannot_be_told_apart_are_none() -> None:
    """Without their names, with too few, too many, or with none that is known."""
    for facts, values in (
        ("", (1.0,)),
        ("fused dense", (1.0,)),
        ("fused", (1.0, 2.0)),
        ("another", (1.0,)),
        ("fused", ()),
    ):
        recall, served = logged(facts, *values)
        assert (experts_of(recall, served), about_of(recall, served)) == ((), ())


def test_names_are_told_apart() -> None:
    """One word each, none twice: a name is a value's only mark in the log."""
    names = FACTS.split()
    assert len(set(names)) == len(names) == len(EXPERTS) + 1 + len(SIGNS)


def test_values_by_an_experts_name_fall_back_to_what_is_given() -> None:
    absent = np.arange(float(len(EXPERTS)))
    assert by_expert({}, absent).tolist() == absent.tolist()
    assert by_expert({"another": 1.0, EXPERTS[2]: -1.0}, absent)[2] == -1.0
