"""The workshop's tasks, one module per family."""

from benchmarks.workshop.model import Family, Strategy, Task
from benchmarks.workshop.tasks import (
    calendars,
    concurrency,
    csvfiles,
    database,
    encodings,
    folders,
    jsondata,
    money,
    names,
    patterns,
    processes,
    timestamps,
)

FAMILIES: tuple[Family, ...] = (
    encodings.FAMILY,
    timestamps.FAMILY,
    calendars.FAMILY,
    patterns.FAMILY,
    csvfiles.FAMILY,
    jsondata.FAMILY,
    money.FAMILY,
    folders.FAMILY,
    concurrency.FAMILY,
    processes.FAMILY,
    database.FAMILY,
    names.FAMILY,
)
TASKS: tuple[Task, ...] = tuple(task for family in FAMILIES for task in family.tasks)
STRATEGIES: tuple[Strategy, ...] = tuple(
    strategy for family in FAMILIES for strategy in family.strategies
)
