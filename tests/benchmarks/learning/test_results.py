"""The result file, the table and the plot."""

from __future__ import annotations

import json
from typing import Any
from xml.dom import minidom

import numpy as np
import pytest

from benchmarks.learning.conditions import Condition
from benchmarks.learning.plot import plot
from benchmarks.learning.replay import SIMILARITY, Trace
from benchmarks.learning.results import FORMAT, LEARNED, OVER_MCP, result
from benchmarks.learning.running import Played
from benchmarks.learning.table import table

CONDITIONS = (Condition(), Condition(noise=0.2))
SIZES = {"memories": 20, "tasks": 10, "held_out": 4, "k": 3}


def trace(name: str, held_out: list[float], **more: Any) -> Trace:
    values = np.array(held_out)
    return Trace(
        name,
        online=np.full(10, values.mean()),
        held_out=values,
        details={"nDCG": float(values.mean())},
        curve=[(0, 0.5), (10, float(values.mean()))],
        show_ms=1.25,
        **more,
    )


def played(seed: int, *more: Trace) -> Played:
    traces = (
        trace(LEARNED, [1, 1, 1, 0], calibration=0.05, as_similarity=True, backward=0.01),
        trace(SIMILARITY, [1, 0, 0, 0]),
        trace("good", [1, 1, 0, 0]),
        *more,
    )
    found = {one.name: one for one in traces}
    return Played(seed, SIZES, (found, found))


@pytest.fixture
def found() -> dict[str, Any]:
    return result("toy", {"bad": 0.2}, CONDITIONS, [played(0), played(1)])


def test_the_result_is_json_with_everything_named(found: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found))["format"] == FORMAT
    assert found["stream"] == "toy"
    assert found["seeds"] == [0, 1]
    assert found["sizes"] == SIZES
    assert [one["condition"]["label"] for one in found["conditions"]] == [
        "flag, noise 0",
        "flag, noise 0.2",
    ]
    first = found["conditions"][0]
    assert set(first) == {"condition", "rankers", "differences", "as_similarity"}
    assert set(first["rankers"]) == {LEARNED, SIMILARITY, "good"}


def test_a_rankers_figures_are_means_over_seeds(found: dict[str, Any]) -> None:
    ranker = found["conditions"][0]["rankers"][LEARNED]
    assert ranker["held_out"] == ranker["online"] == 0.75
    assert ranker["by_seed"]["held_out"] == [0.75, 0.75]
    assert ranker["details"] == {"nDCG": 0.75}
    assert ranker["curve"] == [(0, 0.5), (10, 0.75)]
    assert (ranker["calibration"], ranker["backward"]) == (0.05, 0.01)
    assert found["conditions"][0]["rankers"]["good"]["calibration"] is None


def test_differences_are_to_similarity_and_to_the_best_baseline(found: dict[str, Any]) -> None:
    differences = found["conditions"][0]["differences"]
    assert set(differences) == {"similarity", "best baseline"}
    assert differences["similarity"]["value"] == 0.5
    assert differences["best baseline"]["theirs"] == "good"
    assert differences["best baseline"]["value"] == 0.25
    assert differences["best baseline"]["low"] <= 0.25 <= differences["best baseline"]["high"]


def test_the_run_over_mcp_is_compared_with_the_one_in_process() -> None:
    over_mcp = trace(OVER_MCP, [1, 1, 0, 0], calibration=0.07)
    found = result("toy", {}, CONDITIONS, [played(0, over_mcp)])
    assert found["conditions"][0]["differences"]["MCP"]["value"] == -0.25
    assert "learned (MCP) less in-process: -0.250" in table(found)


def test_one_seed_that_differed_from_similarity_at_the_start_is_told() -> None:
    seeds = [played(0), played(1)]
    seeds[1].traces[0][LEARNED].as_similarity = False
    seeds[0] = played(0)
    found = result("toy", {}, CONDITIONS[:1], seeds)
    assert found["conditions"][0]["as_similarity"] is False
    assert "exactly similarity: NO" in table(found)


def test_nothing_held_out_leaves_differences_out() -> None:
    empty = Played(0, SIZES, ({LEARNED: trace(LEARNED, [0.5])},))
    empty.traces[0][LEARNED].held_out = np.zeros(0)
    found = result("toy", {}, CONDITIONS[:1], [empty])
    assert found["conditions"][0]["differences"] == {}
    assert found["conditions"][0]["rankers"][LEARNED]["held_out"] == 0.0


def test_the_table_has_ours_first_and_the_best_baseline_second(found: dict[str, Any]) -> None:
    lines = table(found).splitlines()
    assert lines[0] == "toy: 2 seeds; 20 memories, 10 tasks, 4 held_out; 3 shown; bad 0.2"
    names = [line.split("  ")[1] for line in lines[4:7]]
    assert names == [LEARNED, "good", SIMILARITY]
    assert "  learned less similarity: +0.500 [" in table(found)
    assert "  learned less best baseline (good): +0.250 [" in table(found)
    assert "  calibration error of learned: 0.050" in lines


def test_the_plot_is_xml_with_a_line_for_each_ranker_and_condition(found: dict[str, Any]) -> None:
    document = minidom.parseString(plot(found))
    assert len(document.getElementsByTagName("polyline")) == 6
    for line in document.getElementsByTagName("polyline"):
        for point in line.getAttribute("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 340
            assert 0 <= y <= 250


def test_a_plot_without_curves_is_still_a_plot() -> None:
    bare = trace(LEARNED, [1.0])
    bare.curve = []
    found = result("toy", {}, CONDITIONS[:1], [Played(0, SIZES, ({LEARNED: bare},))])
    assert len(minidom.parseString(plot(found)).getElementsByTagName("svg")) == 1
