"""Moments as people write them: a date, a time, or how long ago. Knows no clock."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_AGO = re.compile(r"(\d{1,6})\s*([mhdw])")
_UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_ISO_DATE = re.compile(r"^(\d{4})/(\d{2})/(\d{2})")
_ZONE = re.compile(r"(?<=\d)\s*(?:[zZ]|UTC|GMT)$")
"""Ends a time in UTC; Python 3.10 reads no Z."""
_DATE = re.compile(r"\d{4}[-/]\d{2}[-/]\d{2}")


def moment(text: str, now: float, *, last: bool = False) -> float:
    """Give seconds since the epoch of "2026-11-30", "2026-11-30T12:00Z", "7d", "12h" or "2w".

    Args:
        text: A date, a time (UTC where no zone is given), or how long before now.
        now: Seconds since the epoch.
        last: Of a date the end of its day, else its beginning.

    Raises:
        ValueError: It is none of these.

    Example:
        >>> moment("1d", 100_000.0)
        13600.0
    """
    said = text.strip()
    ago = _AGO.fullmatch(said.lower())
    if ago is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        read = datetime.fromisoformat(_ISO_DATE.sub(r"\1-\2-\3", _ZONE.sub("+00:00", said)))
    except ValueError:
        raise ValueError(
            f"= {text!r} is no date; write 2026-11-30, 2026-11-30T12:00Z, or how long ago: 12h, 7d"
        ) from None
    if last and _DATE.fullmatch(said):
        read += timedelta(days=1) - timedelta(microseconds=1)
    return (read if read.tzinfo is not None else read.replace(tzinfo=timezone.utc)).timestamp()
