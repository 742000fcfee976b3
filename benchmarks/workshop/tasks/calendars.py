"""Calendar arithmetic: what "later" means depends on who asks."""

from benchmarks.workshop.model import Strategy, Task, family
from benchmarks.workshop.tasks.zone import SOURCE

CHECK = r"""
got = solve(start, count)
assert got.strftime("%Y-%m-%d %H:%M") == expected, f"{start} and {count} gave {got}, not {expected}"
"""

TASKS = (
    Task(
        id="cal-wall",
        condition="same wall clock time on a later day",
        wordings=(
            "Move a daily reminder some days ahead; it must ring at the same local time even "
            "when the clocks change in between.",
            "The reminder rings at half past eight each day. Find its time n days later, also "
            "over the change to summer time.",
            "Compute when a daily reminder is due n days later, same time on the wall clock "
            "despite a clock change.",
            "A daily reminder has to stay at its local time across the switch to or from summer "
            "time; when is it n days later?",
            "Schedule tomorrow's and later reminders: people expect the same local clock time, "
            "whatever the clock change does.",
            "Shift a daily reminder by some days and keep its hour on the clock, although the "
            "clocks change that weekend.",
        ),
        setup=r"""
start = pick(
    datetime(2026, 3, 27, 8, 30, tzinfo=zone),
    datetime(2025, 10, 24, 18, 15, tzinfo=zone),
    datetime(2027, 3, 26, 7, 45, tzinfo=zone),
)
count = 3
expected = pick("2026-03-30 08:30", "2025-10-27 18:15", "2027-03-29 07:45")
""",
        check=CHECK,
    ),
    Task(
        id="cal-elapsed",
        condition="exact hours must pass",
        wordings=(
            "A laboratory sample has to be taken exactly n times 24 hours after the start, even "
            "when the clocks change in between.",
            "The sample incubates for exactly n full 24-hour periods. Which local time is that, "
            "also over a clock change?",
            "Compute when exactly n times 24 hours have passed in the laboratory; a switch to "
            "summer time must not shorten it.",
            "Real elapsed time counts: n times 24 hours after the sample was started, across "
            "the change of the clocks.",
            "Find the local time at which an incubation of exactly n x 24 hours ends, although "
            "the clocks change that weekend.",
            "The sample needs n days of exactly 24 hours each; say when it is ready, clock "
            "change or not.",
        ),
        setup=r"""
start = pick(
    datetime(2026, 3, 27, 8, 30, tzinfo=zone),
    datetime(2025, 10, 24, 18, 15, tzinfo=zone),
    datetime(2027, 3, 26, 7, 45, tzinfo=zone),
)
count = 3
expected = pick("2026-03-30 09:30", "2025-10-27 17:15", "2027-03-29 08:45")
""",
        check=CHECK,
    ),
    Task(
        id="cal-month",
        condition="a month later, short months use their last day",
        wordings=(
            "Find the next dates of a monthly payment that began on the 31st; short months use "
            "their last day.",
            "A monthly payment starts on 31 January. When is it due n months later, given that "
            "some months are shorter?",
            "Compute the payment date n months after the first; where the month has no such "
            "day, take its last one.",
            "The rent is paid monthly on the same day as the first payment, in shorter months "
            "on the last day; find a later date.",
            "Add n months to the date of a payment; the 30th or 31st becomes the last day of a "
            "short month.",
            "Monthly payment plan: same day of the month as the first one, but no later than "
            "the month's last day.",
        ),
        setup=r"""
start = pick(
    datetime(2026, 1, 31, 9, 0, tzinfo=zone),
    datetime(2025, 12, 31, 9, 0, tzinfo=zone),
    datetime(2027, 11, 30, 9, 0, tzinfo=zone),
)
count = pick(1, 2, 3)
expected = pick("2026-02-28 09:00", "2026-02-28 09:00", "2028-02-29 09:00")
""",
        check=CHECK,
    ),
    Task(
        id="cal-close",
        condition="always the last day of a month",
        wordings=(
            "The books are closed on the last day of every month; from one closing date find "
            "the one n months later.",
            "Closing of accounts is always at month end: after 28 February comes 31 March. "
            "Compute a later closing date.",
            "From a month-end closing get the closing n months later, which is again the last "
            "day of its month.",
            "The accounts close on each month's last day. Given 30 April, the next closing is "
            "31 May; find the n-th.",
            "Find the n-th next closing date of the books; closing happens on the last day of "
            "the month, long or short.",
            "Accounts were closed at the end of a short month; when is the month-end closing n "
            "months on?",
        ),
        setup=r"""
start = pick(
    datetime(2026, 2, 28, 17, 0, tzinfo=zone),
    datetime(2025, 4, 30, 17, 0, tzinfo=zone),
    datetime(2027, 6, 30, 17, 0, tzinfo=zone),
)
count = pick(1, 1, 2)
expected = pick("2026-03-31 17:00", "2025-05-31 17:00", "2027-08-31 17:00")
""",
        check=CHECK,
    ),
    Task(
        id="cal-work",
        condition="working days, Monday to Friday",
        wordings=(
            "A reply is due n working days after a letter came in; Saturdays and Sundays do not "
            "count.",
            "Find the deadline n business days later, Monday to Friday.",
            "Compute the date n working days after the letter; the office is closed at the "
            "weekend.",
            "The reply is due within n business days; weekends are skipped when counting.",
            "Add n working days to the day the letter arrived, leaving out Saturday and Sunday.",
            "By when must the office answer, given n working days from Monday to Friday?",
        ),
        setup=r"""
start = pick(
    datetime(2026, 6, 4, 12, 0, tzinfo=zone),
    datetime(2025, 6, 6, 12, 0, tzinfo=zone),
    datetime(2027, 6, 10, 12, 0, tzinfo=zone),
)
count = pick(2, 3, 8)
expected = pick("2026-06-08 12:00", "2025-06-11 12:00", "2027-06-22 12:00")
""",
        check=CHECK,
    ),
    Task(
        id="cal-open",
        condition="opening days, Monday to Saturday",
        wordings=(
            "An order is ready n opening days later; the shop is closed on Sundays only.",
            "Find the pick-up date n shop days later, Monday to Saturday.",
            "Compute when an order can be fetched, n opening days on; Saturday counts, Sunday "
            "does not.",
            "The shop works six days a week, closed on Sunday: when are n of its days over?",
            "Add n opening days of the shop to the day of the order; only Sundays are left out.",
            "By when is the order ready, given n days on which the shop is open, Saturdays "
            "included?",
        ),
        setup=r"""
start = pick(
    datetime(2026, 6, 4, 12, 0, tzinfo=zone),
    datetime(2025, 6, 6, 12, 0, tzinfo=zone),
    datetime(2027, 6, 10, 12, 0, tzinfo=zone),
)
count = pick(4, 4, 8)
expected = pick("2026-06-09 12:00", "2025-06-11 12:00", "2027-06-19 12:00")
""",
        check=CHECK,
    ),
)

STRATEGIES = (
    Strategy(
        id="cal-delta",
        title="Add a timedelta of days to the aware datetime",
        description="Daily appointments that people keep by the local clock.",
        content="start + timedelta(days=n) changes the date and leaves the hour as it is.",
        code=r"""
def solve(start, count):
    return start + timedelta(days=count)
""",
    ),
    Strategy(
        id="cal-utc",
        title="Do daily time arithmetic in UTC so that clock changes cannot hurt",
        description="Reminders, samples and schedules that cross the switch to summer time, when "
        "the clocks change.",
        content="Convert to UTC, add the days there and convert back to the local zone.",
        code=r"""
def solve(start, count):
    later = start.astimezone(timezone.utc) + timedelta(days=count)
    return later.astimezone(start.tzinfo)
""",
    ),
    Strategy(
        id="cal-thirty",
        title="Count a month as 30 days",
        description="Plans that run for several months.",
        content="start + timedelta(days=30 * n) is simple, needs no calendar and works for "
        "every month.",
        code=r"""
def solve(start, count):
    return start + timedelta(days=30 * count)
""",
    ),
    Strategy(
        id="cal-replace",
        title="Find the date n months later with replace(month=...)",
        description="Month-end closings and monthly payments: the same day n months later.",
        content="Compute the year and month and call start.replace(year=..., month=...); the "
        "day of the month stays.",
        code=r"""
def solve(start, count):
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    return start.replace(year=year, month=month + 1)
""",
    ),
    Strategy(
        id="cal-clamp",
        title="Shift the month and clamp the day",
        description="Monthly payments and anniversaries that begin on the 31st.",
        content="Compute the target year and month, ask calendar.monthrange for its length and "
        "use the smaller of that and the original day.",
        code=r"""
def solve(start, count):
    import calendar

    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
""",
    ),
    Strategy(
        id="cal-eom",
        title="Step from month end to month end",
        description="Accounting periods that close on the last day of the month.",
        content="Go to the first of the month after the target month and take one day off.",
        code=r"""
def solve(start, count):
    year, month = divmod(start.year * 12 + start.month - 1 + count + 1, 12)
    return start.replace(year=year, month=month + 1, day=1) - timedelta(days=1)
""",
    ),
    Strategy(
        id="cal-weekdays",
        title="Walk day by day and count only weekday() below 5",
        description="Deadlines in business days.",
        content="Add one day at a time and decrease the counter when the day is not part of the "
        "weekend.",
        code=r"""
def solve(start, count):
    while count:
        start += timedelta(days=1)
        count -= start.weekday() < 5
    return start
""",
    ),
    Strategy(
        id="cal-six",
        title="Walk day by day and count only weekday() below 6",
        description="Shops with a six-day week, closed on Sunday.",
        content="Add one day at a time and decrease the counter unless it is the seventh day of "
        "the week.",
        code=r"""
def solve(start, count):
    while count:
        start += timedelta(days=1)
        count -= start.weekday() < 6
    return start
""",
    ),
    Strategy(
        id="cal-ratio",
        title="Compute working or opening days as n * 7 / 5 calendar days",
        description="Working days, opening days or business days are added to a date.",
        content="Multiply the days by 7/5 for the closed Saturdays and Sundays, round and add "
        "the result.",
        code=r"""
def solve(start, count):
    return start + timedelta(days=round(count * 7 / 5))
""",
    ),
)

FAMILY = family("calendars", "Calendar dates", tasks=TASKS, strategies=STRATEGIES, shared=SOURCE)
