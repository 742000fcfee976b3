"""Source of a time zone with summer time, so that no zone database is needed."""

SOURCE = r"""
import os
import time
from datetime import datetime, timedelta, timezone, tzinfo

os.environ["TZ"] = "EST5EDT,M3.2.0,M11.1.0"
if hasattr(time, "tzset"):
    time.tzset()


def last_sunday(year, month):
    day = datetime(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


class Berlin(tzinfo):
    def dst(self, when):
        wall = when.replace(tzinfo=None)
        start = last_sunday(wall.year, 3) + timedelta(hours=2)
        end = last_sunday(wall.year, 10) + timedelta(hours=3)
        summer = start <= wall < end
        if end - timedelta(hours=1) <= wall < end:
            summer = not when.fold
        return timedelta(hours=1 if summer else 0)

    def utcoffset(self, when):
        return timedelta(hours=1) + self.dst(when)

    def tzname(self, when):
        return "CEST" if self.dst(when) else "CET"


zone = Berlin()
"""
