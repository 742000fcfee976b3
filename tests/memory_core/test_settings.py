"""Settings are read once, checked, and refused with their name and range."""

from __future__ import annotations

import pytest

from memory_core.errors import InvalidInput
from memory_core.settings import read_settings


def test_exploration_and_holdout_are_off_by_default() -> None:
    settings = read_settings({"LESSONBANK_STORE": "somewhere"})
    assert (settings.explore, settings.holdout) == (0.0, 0.0)


def test_exploration_and_holdout_are_read() -> None:
    settings = read_settings({"LESSONBANK_EXPLORE": "0.3", "LESSONBANK_HOLDOUT": "0.1"})
    assert (settings.explore, settings.holdout) == (0.3, 0.1)


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [
        ("LESSONBANK_EXPLORE", "1.01", "1"),
        ("LESSONBANK_EXPLORE", "-0.1", "1"),
        ("LESSONBANK_EXPLORE", "much", "1"),
        ("LESSONBANK_HOLDOUT", "0.6", "0.5"),
        ("LESSONBANK_HOLDOUT", "nan", "0.5"),
        ("LESSONBANK_MODEL_WAIT", "601", "600"),
    ],
)
def test_a_number_out_of_range_is_refused_with_its_range(name: str, value: str, most: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name}.*Use 0 to {most}"):
        read_settings({name: value})
