"""Timestamps: which instant does this text mean?"""

from benchmarks.workshop.model import Strategy, Task, family
from benchmarks.workshop.tasks.zone import SOURCE

CHECK = r"""
got = solve(text, zone)
assert got.tzinfo is not None, f"{text!r} became {got}, which has no zone"
off = (got - expected).total_seconds() / 60
assert off == 0, f"{text!r} became {got.isoformat()}, {off:g} minutes off"
"""

TASKS = (
    Task(
        id="ts-utc",
        condition="no zone in the text, written in UTC",
        wordings=(
            "Turn the timestamps of a server log into instants; they carry no zone, the server "
            "writes them in UTC.",
            "Server log lines have timestamps without a zone. The machine runs on UTC. Parse them.",
            "Parse '2026-07-03 14:05:09' from the server log: zone missing, but it is UTC.",
            "Our servers log in UTC and leave the zone out of the timestamp; give me the exact "
            "instants.",
            "Convert zone-less server log timestamps, known to be UTC, to aware datetimes.",
            "I need instants from server logs that were written in UTC without saying so in the "
            "timestamp.",
        ),
        setup=r"""
text = pick("2026-07-03 14:05:09", "2025-02-11 23:59:01", "2027-05-30 06:10:45")
expected = datetime.fromisoformat(text + "+00:00")
""",
        check=CHECK,
    ),
    Task(
        id="ts-shop",
        condition="no zone in the text, wall clock of a shop",
        wordings=(
            "Turn the till's receipt times into instants; they show the wall clock of the shop "
            "in Berlin, without a zone.",
            "Receipts carry the local time of a Berlin shop and no offset. Parse them into "
            "exact instants.",
            "Parse the till's '2026-07-03 14:05:09', which is what the clock on the shop's wall "
            "in Berlin said.",
            "The shop's receipts have timestamps in Berlin local time without any zone; I need "
            "instants.",
            "Convert receipt times of the Berlin shop, local wall clock, no zone given, to "
            "aware datetimes.",
            "I need the instant of each receipt; the till prints local time of the shop in Berlin.",
        ),
        setup=r"""
text = pick("2026-07-03 14:05:09", "2025-08-11 20:59:01", "2027-01-30 09:10:45")
expected = datetime.fromisoformat(text + pick("+02:00", "+02:00", "+01:00"))
""",
        check=CHECK,
    ),
    Task(
        id="ts-offset",
        condition="the text carries its own offset",
        wordings=(
            "Turn the partner's order times into instants; each timestamp ends with an offset "
            "such as +05:30.",
            "Order timestamps from the partner's API carry a UTC offset at the end. Parse them.",
            "Parse '2026-07-03T14:05:09+05:30' from the order feed to the exact instant.",
            "The partner's orders have timestamps with different offsets; I need comparable "
            "instants.",
            "Convert order times, ISO format with an offset at the end, to aware datetimes.",
            "I need the instant of each order; the feed writes local time followed by its offset.",
        ),
        setup=r"""
text = pick("2026-07-03T14:05:09+05:30", "2025-02-11T23:59:01-08:00", "2027-05-30T06:10:45+09:00")
expected = datetime.fromisoformat(text)
""",
        check=CHECK,
    ),
    Task(
        id="ts-millis",
        condition="epoch in milliseconds",
        wordings=(
            "Turn the sensor's 13-digit numbers into instants: milliseconds since 1970.",
            "The sensor sends epoch times in milliseconds, 13 digits. Parse them.",
            "Parse '1783087509000' from the sensor: a Unix time in milliseconds.",
            "Sensor readings are stamped with milliseconds since the Unix epoch; I need instants.",
            "Convert 13-digit epoch numbers of a sensor to aware datetimes.",
            "I need the instant of each sensor reading; the stamp is a JavaScript Date.now() "
            "number with 13 digits.",
        ),
        setup=r"""
expected = datetime(2026, 7, 3, 14, 5, 9, tzinfo=timezone.utc) + timedelta(days=SEED * 17)
text = str(int(expected.timestamp()) * 1000)
""",
        check=CHECK,
    ),
    Task(
        id="ts-dayfirst",
        condition="day before month",
        wordings=(
            "Turn the booking times into instants: '03/04/2026 09:30' in UTC, the day comes first.",
            "Bookings from the British site have dates like 03/04/2026, day before month, in "
            "UTC. Parse them.",
            "Parse '03/04/2026 09:30' from a UK booking as 3 April, UTC.",
            "British bookings write day/month/year and UTC time; I need instants.",
            "Convert booking times in day/month/year order, UTC, to aware datetimes.",
            "I need the instant of each booking; the British form puts the day in front of the "
            "month, times are UTC.",
        ),
        setup=r"""
text = pick("03/04/2026 09:30", "25/12/2025 18:00", "07/01/2027 07:15")
day, month, year = text[:10].split("/")
expected = datetime.fromisoformat(f"{year}-{month}-{day} {text[11:]}+00:00")
""",
        check=CHECK,
    ),
    Task(
        id="ts-second",
        condition="second pass of the hour that happens twice",
        wordings=(
            "Turn a night shift's clock-in time into an instant: 02:30 in Berlin, the second "
            "time that hour happened in October.",
            "Clock-in at 02:10 on the night the clocks went back in Berlin, after the change. "
            "Find the exact instant.",
            "Parse a shift start in the repeated hour of a Berlin October night; the later of "
            "the two is meant.",
            "The night shift clocked in during the hour that occurs twice in Berlin; it was "
            "the second one, give me the instant.",
            "Convert an ambiguous Berlin clock-in time at the end of summer time, second "
            "occurrence, to an aware datetime.",
            "I need the instant of a clock-in at 02:45, Berlin, when the clocks had already "
            "been set back that night.",
        ),
        setup=r"""
text = pick("2026-10-25 02:30:00", "2025-10-26 02:10:00", "2027-10-31 02:45:00")
expected = datetime.fromisoformat(text + "+01:00")
""",
        check=CHECK,
    ),
)

STRATEGIES = (
    Strategy(
        id="ts-assume-utc",
        title="Treat a missing zone as UTC",
        description="Timestamps without a zone that are in UTC.",
        content="Parse with fromisoformat and set the zone with replace(tzinfo=timezone.utc); "
        "nothing is converted.",
        code=r"""
def solve(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
""",
    ),
    Strategy(
        id="ts-convert",
        title="Parse server log timestamps with fromisoformat and astimezone",
        description="Timestamps of logs, orders, receipts or bookings have to become exact "
        "instants in UTC.",
        content="datetime.fromisoformat(text).astimezone(timezone.utc) parses and converts in "
        "one line and gives an aware datetime.",
        code=r"""
def solve(text, zone):
    return datetime.fromisoformat(text).astimezone(timezone.utc)
""",
    ),
    Strategy(
        id="ts-zone",
        title="Attach the place's own zone",
        description="Times that people read off a clock, without an offset.",
        content="Parse the text and set the zone of the place with replace(tzinfo=zone); convert "
        "afterwards where needed.",
        code=r"""
def solve(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=zone)
""",
    ),
    Strategy(
        id="ts-fold",
        title="Attach the place's zone with fold=1",
        description="Wall clock times in the hour that is repeated in October, when the second "
        "one is meant.",
        content="Use replace(tzinfo=zone, fold=1); fold only matters where a wall clock time "
        "exists more than once.",
        code=r"""
def solve(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=1)
""",
    ),
    Strategy(
        id="ts-epoch",
        title="Turn epoch numbers into instants with fromtimestamp",
        description="A sensor or an API sends digits since 1970.",
        content="datetime.fromtimestamp(float(text), timezone.utc) parses a Unix epoch number "
        "to an aware datetime.",
        code=r"""
def solve(text, zone):
    return datetime.fromtimestamp(float(text), timezone.utc)
""",
    ),
    Strategy(
        id="ts-thousand",
        title="Divide by a thousand before fromtimestamp",
        description="Stamps of 13 digits, made by JavaScript or Java.",
        content="Use datetime.fromtimestamp(int(text) / 1000, timezone.utc).",
        code=r"""
def solve(text, zone):
    return datetime.fromtimestamp(int(text) / 1000, timezone.utc)
""",
    ),
    Strategy(
        id="ts-us",
        title="Parse booking dates with slashes as %m/%d/%Y",
        description="Booking times with slashes such as 03/04/2026 09:30.",
        content="Use strptime(text, '%m/%d/%Y %H:%M'), the order of month, day and year that "
        "most software writes with slashes, and set UTC.",
        code=r"""
def solve(text, zone):
    return datetime.strptime(text, "%m/%d/%Y %H:%M").replace(tzinfo=timezone.utc)
""",
    ),
    Strategy(
        id="ts-uk",
        title="Parse with %d/%m/%Y",
        description="British bookings and other dates in which the day comes before the month.",
        content="Use strptime with an explicit format and set the zone afterwards.",
        code=r"""
def solve(text, zone):
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=timezone.utc)
""",
    ),
    Strategy(
        id="ts-cut",
        title="Cut timestamps with an offset to 19 characters and parse as local Berlin time",
        description="Orders, clock-in times or receipts whose timestamps come with different "
        "offsets or in local time, in Berlin or elsewhere.",
        content="Keep text[:19], parse it and attach the zone of the office, so that all "
        "instants are in one zone.",
        code=r"""
def solve(text, zone):
    return datetime.fromisoformat(text[:19]).replace(tzinfo=zone)
""",
    ),
)

FAMILY = family("timestamps", "Timestamps", tasks=TASKS, strategies=STRATEGIES, shared=SOURCE)
