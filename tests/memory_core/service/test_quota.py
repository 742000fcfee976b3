"""The quota: members of a team never stop each other, and who comes later floods nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest

from memory_core.model import OutcomeRecord
from memory_core.ports import StoredOutcome
from memory_core.service.fold import NOWHERE
from memory_core.service.quota import FREE, Quotas

ITEMS = 400
HOUR = 3_600.0


class Desk:
    """Takes reports and adds up what each source taught. Each is about another item, mostly."""

    def __init__(self) -> None:
        self.quotas = Quotas({"local"}, lambda name: not name.startswith("claims "))
        self.taught: defaultdict[str, float] = defaultdict(float)
        self.last: defaultdict[str, float] = defaultdict(float)
        self.number = 0

    def report(self, source: str, item: str = "", *, pace: float = HOUR) -> OutcomeRecord:
        self.number += 1
        at, items = self.number * pace, (item or f"i{self.number % ITEMS}",)
        trust = self.quotas.trust(source, items, at)
        outcome = OutcomeRecord(
            f"o{self.number}", "p", "success", "success", 1.0, 1.0, at, source=source, trust=trust
        )
        outcome = replace(outcome, used=items)
        self.quotas.take(NOWHERE, StoredOutcome(outcome, None))
        self.taught[source] += trust
        self.last[source] = trust
        return outcome


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 50])
def test_even_sources_teach_in_full_for_ever(count: int) -> None:
    desk = Desk()
    for number in range(1_000):
        desk.report(f"s{number % count}")
    assert sum(desk.taught.values()) == pytest.approx(1_000)


@pytest.mark.parametrize("count", [2, 3, 4, 10, 50])
@pytest.mark.parametrize("pace", [0.0, 1.0, 60.0, HOUR])
def test_even_sources_teach_in_full_at_any_pace_on_few_items(count: int, pace: float) -> None:
    desk = Desk()
    for number in range(600):
        desk.report(f"s{number % count}", f"item {number // count % 10}", pace=pace)
    assert sum(desk.taught.values()) == pytest.approx(600)


def test_one_alone_teaches_five_like_reports_a_day_in_full_and_less_of_a_flood() -> None:
    desk = Desk()
    for _ in range(5):
        desk.report("only", "item", pace=60.0)
    assert desk.taught["only"] == 5.0
    for _ in range(200):
        desk.report("only", "item", pace=60.0)
    assert desk.taught["only"] < 8.0


def test_bare_reports_make_a_store_known_as_strong_ones_do() -> None:
    desk = Desk()
    for number in range(60):
        trust = desk.quotas.trust("a", (f"i{number}",), number * HOUR)
        made = OutcomeRecord(f"o{number}", "p", "success", "success", 1.0, 0.6, number * HOUR)
        bare = replace(made, source="a", trust=trust, used=(f"i{number}",))
        desk.quotas.take(NOWHERE, StoredOutcome(bare, None))
    desk.number = 60
    assert [desk.report("foe", "wrong").trust for _ in range(3)] == [1.0, 1 / 4, 1 / 9]


@pytest.mark.parametrize("honest", [("local",), ("a", "b", "c", "d")])
@pytest.mark.parametrize("fakes", [20, 200, 1_000])
def test_five_fresh_names_are_worth_one(honest: tuple[str, ...], fakes: int) -> None:
    taught = []
    for foes in (1, 5):
        desk = Desk()
        for number in range(300):
            desk.report(honest[number % len(honest)])
        for number in range(fakes):
            desk.report(f"foe {number % foes}", f"wrong {number // foes % 10}", pace=60.0)
        taught.append(sum(was for name, was in desk.taught.items() if name.startswith("foe")))
    assert taught[1] <= taught[0] + 1
    assert taught[1] / (300 + taught[1]) < 0.06


@pytest.mark.parametrize("count", [2, 3, 4])
def test_bursts_of_even_sources_do_not_stop_them(count: int) -> None:
    desk = Desk()
    for number in range(900):
        desk.report(f"s{number // 30 % count}")
    assert sum(desk.taught.values()) > 700
    assert min(desk.last.values()) > 0


def test_a_newcomer_locks_nobody_out_and_is_heard() -> None:
    desk = Desk()
    for _ in range(1_000):
        desk.report("old")
    for _ in range(100):
        desk.report("new")
        desk.report("old")
    assert desk.taught["old"] == pytest.approx(1_100)
    assert desk.taught["new"] == pytest.approx(100)


@pytest.mark.parametrize("count", [2, 10, 50])
def test_who_has_nine_of_ten_reports_of_a_team_teaches_in_full(count: int) -> None:
    desk = Desk()
    for number in range(3_000):
        desk.report("s0" if number % 10 else f"s{1 + number // 10 % (count - 1)}")
    others = sum(taught for source, taught in desk.taught.items() if source != "s0")
    assert others == pytest.approx(300)
    assert desk.taught["s0"] == pytest.approx(2_700, rel=0.02)


@pytest.mark.parametrize("fakes", [20, 200, 2_000])
def test_a_flood_teaches_at_most_a_third_of_what_it_finds(fakes: int) -> None:
    for honest in (("local",), ("a", "b", "c", "d"), ("only",)):
        desk = Desk()
        for number in range(300):
            desk.report(honest[number % len(honest)])
        for _ in range(fakes):
            desk.report("foe", pace=60.0)
        assert desk.taught["foe"] <= min(fakes, 100 + FREE + 1)


def test_claimed_names_share_one_quota() -> None:
    desk = Desk()
    for _ in range(300):
        desk.report("local")
    for number in range(600):
        desk.report(f"claims {number}")
    claimed = sum(taught for name, taught in desk.taught.items() if name.startswith("claims"))
    assert claimed <= 100 + FREE + 1


def test_a_correction_weighs_what_it_corrects_and_not_more() -> None:
    desk = Desk()
    first = desk.report("a", "item")
    again = desk.quotas.trust("a", ("item",), first.at, first)
    assert again == first.trust == 1.0
    desk.report("a", "item", pace=60.0)
    assert desk.quotas.trust("b", ("item",), first.at, first) == 1.0


def test_what_an_older_rule_let_teach_nothing_leaves_its_source_free() -> None:
    """Outcomes logged with weight 0 stay so; they take no room of what comes."""
    desk = Desk()
    for number in range(50):
        for source in ("a", "b"):
            kept = OutcomeRecord(
                f"{source}{number}",
                "p",
                "success",
                "success",
                1.0,
                1.0,
                0.0,
                source=source,
                trust=0.0,
            )
            desk.quotas.take(NOWHERE, StoredOutcome(kept, None))
    assert desk.report("a", "new").trust == desk.report("b", "other").trust == 1.0
