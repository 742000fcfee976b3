"""`python -m benchmarks.doors`: many clients over HTTP and over stdio, one host behind both."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.command import parser_of, run
from benchmarks.doors import CLAIM, NAME
from benchmarks.doors.clients import Client, HttpClient, StdioClient
from benchmarks.doors.serving import TOKEN, Served, served
from benchmarks.hosts.calls import outcome_of, requests
from benchmarks.hosts.stage import Stage, stage
from benchmarks.report import Cell, Report, Table
from benchmarks.stocked import say, served_embedder, stock
from benchmarks.stopwatch import percentile

HTTP, STDIO = "http", "stdio"
CALLS = ("recall", "report_outcome")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: items in the store, clients at once, seconds for each number."""

    items: int
    clients: tuple[int, ...]
    seconds: float


QUICK = Size(200, (1, 8), 2.0)
FULL = Size(1_000, (1, 8, 32, 64), 15.0)


@dataclass(slots=True)
class Found:
    """Milliseconds by call of so many clients at once, over so many seconds."""

    way: str
    clients: int
    seconds: float = 0.0
    laps: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in CALLS})

    @property
    def per_second(self) -> float:
        return sum(map(len, self.laps.values())) / self.seconds


async def worked(client: Client, found: Found, seed: int, until: float) -> None:
    """Recall and report until the time is over."""
    for number, (recall, _) in enumerate(requests(seed)):
        began = time.perf_counter()
        answer = await client.call("recall", recall)
        between = time.perf_counter()
        await client.call("report_outcome", outcome_of(answer, number))
        found.laps["recall"].append((between - began) * 1e3)
        found.laps["report_outcome"].append((time.perf_counter() - between) * 1e3)
        if time.perf_counter() >= until:
            return


async def opened(made: Stage, way: str, count: int, door: Served) -> Sequence[Client]:
    """Give clients that have each been answered once."""
    clients: list[Client] = []
    for place in range(count):
        if way == HTTP:
            clients.append(HttpClient(door.url, TOKEN))
        else:
            log = made.folder / f"front-{place}.txt"
            clients.append(await StdioClient.started(made.store("stock"), log))
    await asyncio.gather(*(one.call("recall", {"task": "the first question"}) for one in clients))
    return clients


async def measured(made: Stage, size: Size, door: Served) -> list[Found]:
    """Every number of clients over both ways, by turns."""
    found: list[Found] = []
    for count in size.clients:
        for way in (HTTP, STDIO):
            say(f"{count} clients over {way}")
            clients = await opened(made, way, count, door)
            one = Found(way, count)
            began = time.perf_counter()
            until = began + size.seconds
            await asyncio.gather(
                *(
                    worked(client, one, 10_000 * len(found) + place, until)  # no question twice
                    for place, client in enumerate(clients)
                )
            )
            one.seconds = time.perf_counter() - began
            found.append(one)
            for client in clients:
                await client.close()
    return found


def table(found: Sequence[Found], size: Size) -> Table:
    """One row for each number of clients and way."""
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        laps = [percentile(one.laps[name], share) for name in CALLS for share in (50.0, 95.0, 99.0)]
        rows.append((f"{one.clients} over {one.way}", one.per_second, *laps))
    columns = ("clients", "calls/s", *(f"{name} p{p} ms" for name in CALLS for p in (50, 95, 99)))
    note = (
        f"{size.items:,} items; each client recalls, then reports, for {size.seconds:.0f} s; "
        "clients, fronts and host share this machine"
    )
    return Table("many clients, one host", columns, tuple(rows), note)


def ratios(found: Sequence[Found]) -> Table:
    """HTTP beside stdio."""
    pairs = {one.clients: one for one in found if one.way == STDIO}
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        if one.way != HTTP:
            continue
        other = pairs[one.clients]
        medians = [
            percentile(one.laps[name], 50) / percentile(other.laps[name], 50) for name in CALLS
        ]
        rows.append((one.clients, one.per_second / other.per_second, *medians))
    columns = ("clients", "calls/s", *(f"{name} p50" for name in CALLS))
    return Table("HTTP over stdio, ratios", columns, tuple(rows))


def measure(options: argparse.Namespace) -> Report:
    size = QUICK if options.quick else FULL
    report = Report(NAME, CLAIM, options.quick)
    with stage() as made:
        stock(made.store("stock"), served_embedder(), size.items)
        made.host(made.store("stock"))
        with served(made.store("stock"), made.folder / "http.txt", "--rate", "10000000") as door:
            found = asyncio.run(measured(made, size, door))
    report.tables += [table(found, size), ratios(found)]
    return report


if __name__ == "__main__":
    sys.exit(run(parser_of(NAME, CLAIM), measure))
