"""LoCoMo built from one short made-up conversation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.learning.streams import locomo

TALK = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ada",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ada", "dia_id": "D1:1", "text": "I sold the boat."},
            {
                "speaker": "Ben",
                "dia_id": "D1:2",
                "text": "Look at this.",
                "blip_caption": "a photo of a harbour",
            },
        ],
        "session_2_date_time": "9:00 am on 2 June, 2023",
        "session_2": [{"speaker": "Ben", "dia_id": "D2:1", "text": "I bought a horse."}],
    },
    "qa": [
        {"question": "What did Ada sell?", "evidence": ["D1:1"]},
        {"question": "What did they trade?", "evidence": ["D:1:01; D2:1"]},
        {"question": "Who is tall?", "evidence": []},
        {"question": "Who is short?", "evidence": ["D"]},
    ],
}


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    folder = tmp_path / "locomo"
    folder.mkdir()
    (folder / "locomo10.json").write_text(json.dumps([TALK]), encoding="utf-8")
    errors = [{"question_id": "locomo_0_qa1"}]
    (folder / "errors.json").write_text(json.dumps(errors), encoding="utf-8")
    return tmp_path


def test_turns_are_dated_items_of_their_conversations_project(talks: Path) -> None:
    memories = locomo.build(0, talks).memories
    assert [(one.title, one.content) for one in memories] == [
        ("Ada, 8 May, 2023", "I sold the boat."),
        ("Ben, 8 May, 2023", "Look at this. [shares a photo of a harbour]"),
        ("Ben, 2 June, 2023", "I bought a horse."),
    ]
    assert {one.project for one in memories} == {"conv-1"}
    titled = locomo.build(0, talks, layout="title").memories
    assert titled[0].content == "Ada, 8 May, 2023: I sold the boat."


def test_questions_without_evidence_are_left_out_and_the_floor_holds_out_all(talks: Path) -> None:
    stream = locomo.build(0, talks, floor=True)
    assert stream.tasks == ()
    assert {task.text for task in stream.held_out} == {"What did Ada sell?", "What did they trade?"}
    half = locomo.build(0, talks, tasks=1, held_out=1)
    assert len({task.text for task in (*half.tasks, *half.held_out)}) == 2


def test_evidence_is_counted_by_its_place_and_audited_errors_apart(talks: Path) -> None:
    stream = locomo.build(0, talks, floor=True)
    traded = next(task for task in stream.held_out if task.text == "What did they trade?")
    turn = [f"conv-1 D1:{number}" for number in range(3, 8)]
    attempt = stream.world.attempt(traded, ("conv-1 D2:1", *turn, "conv-1 D1:1"))
    assert attempt.chance == 1.0
    assert attempt.helpful == attempt.used == ("conv-1 D2:1",)
    assert (attempt.detail["R@5"], attempt.detail["R@10"]) == (0.5, 1.0)
    assert not any(name.startswith("audited") for name in attempt.detail)
    sold = next(task for task in stream.held_out if task.text == "What did Ada sell?")
    missed = stream.world.attempt(sold, tuple(turn))
    assert (missed.chance, missed.used) == (0.0, ())
    assert missed.detail["audited R@20"] == 0.0
