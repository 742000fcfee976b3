"""Dates, times and how long ago, as people write them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from memory_core.moments import moment

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("90m", "2026-11-30T10:30:00+00:00"),
        ("12h", "2026-11-30T00:00:00+00:00"),
        ("7d", "2026-11-23T12:00:00+00:00"),
        ("2 W", "2026-11-16T12:00:00+00:00"),
        ("2026-11-29", "2026-11-29T00:00:00+00:00"),
        ("2026-11-29T08:00", "2026-11-29T08:00:00+00:00"),
        ("2026-11-29T08:00Z", "2026-11-29T08:00:00+00:00"),
        ("2026-11-29T08:00:00.250Z", "2026-11-29T08:00:00.250+00:00"),
        ("2026-11-29 08:00 UTC", "2026-11-29T08:00:00+00:00"),
        ("2026/11/29", "2026-11-29T00:00:00+00:00"),
        ("2026-11-29T08:00+02:00", "2026-11-29T06:00:00+00:00"),
    ],
)
def test_a_moment_is_read_as_utc(text: str, means: str) -> None:
    assert moment(text, NOW) == datetime.fromisoformat(means).timestamp()


def test_up_to_a_date_is_up_to_its_end() -> None:
    end = moment("2026-11-29", NOW, last=True)
    assert end == moment("2026/11/29", NOW, last=True)
    assert moment("2026-11-29T23:59:59", NOW) < end < moment("2026-11-30", NOW)


@pytest.mark.parametrize("text", ["yesterday", "7", "7y", "2026-13-01", "", "-7d"])
def test_what_is_no_moment_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-11-30"):
        moment(text, NOW)
