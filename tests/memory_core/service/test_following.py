"""What another machine acknowledged is learned as if it had been reported here, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from memory_core.caller import Caller
from memory_core.errors import StoreUnavailable
from memory_core.port import Change
from memory_core.ports import Scope
from memory_core.requests import (
    EditRequest,
    ForgetRequest,
    ListRequest,
    MistakesRequest,
    OutcomeRequest,
    ProjectRequest,
    RecallRequest,
    RememberRequest,
    parse,
)
from memory_core.scorer import checkpoint
from memory_core.service.service import MemoryService
from memory_core.settings import Settings
from memory_core.store.lance_store import LanceStore
from memory_core.store.remote import inbox
from memory_core.store.remote.reaching import objects_at
from memory_core.store.remote.sharing import Sharing
from memory_core.store.schema import entry_of, table_of
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.store.remote.bucket import until
from tests.patience import PATIENCE

MODEL = HashEmbedder(64, "hash-embedder@000000000000")
Opener = Callable[..., MemoryService]
TOPICS = ("dates", "files", "sockets", "queues", "locks")


@pytest.fixture
def opened(tmp_path: Path, shared_url: str) -> Iterator[Opener]:
    """Open memories of one bucket, each with its own folder; all are closed at the end."""
    memories: list[MemoryService] = []

    def open_(name: str, *, follow: bool = False) -> MemoryService:
        folder = tmp_path / name
        store = LanceStore.open(folder, sharing=Sharing(shared_url, follow=follow))
        settings = Settings(store=folder, remote=shared_url, follow=follow)
        memory = MemoryService(settings, store, project="demo", notify=lambda _: None)
        memories.append(memory)
        store.listen(partial(memory.follow, adopt=store.adopt))
        memory.attach(MODEL)
        return memory

    yield open_
    for memory in reversed(memories):
        memory.close()


def stocked(memory: MemoryService) -> None:
    for topic in TOPICS:
        for way in range(4):
            given = {"title": f"{topic} way {way}", "content": f"Handle {topic} by {way}."}
            memory.lessons.remember(parse(RememberRequest, {**given, "task": f"use {topic}"}))


def lived(memory: MemoryService, rounds: range) -> None:
    """Recall and report: successes, failures with errors, labels, corrections, edits, lessons."""
    for number in rounds:
        topic = TOPICS[number % len(TOPICS)]
        asked = {"task": f"use {topic} for job {number}", "session": f"s{number % 3}"}
        answer = memory.recall(parse(RecallRequest, asked))
        good = [item.id for item in answer.items if "way 1" in item.title]
        told: dict[str, object] = {
            "recall_id": answer.recall_id,
            "outcome": "success" if good and answer.items[0].id == good[0] else "failure",
            "helpful_ids": good[:1],
        }
        if told["outcome"] == "failure":
            told["error"] = f"ValueError: {topic} is {number} and not closed"
        memory.report_outcome(parse(OutcomeRequest, told))
        if number % 7 == 3:
            again = {**told, "outcome": "success", "error": "", "helpful_ids": []}
            memory.report_outcome(parse(OutcomeRequest, again))
        if number % 8 == 5:
            last = answer.items[-1].id
            memory.lessons.edit(parse(EditRequest, {"item_id": last, "tags": [f"n{number}"]}))
        if number % 9 == 4:
            memory.report_outcome(
                parse(OutcomeRequest, {"task": f"use {topic}", "outcome": "partial"})
            )
            given = {"title": f"{topic} note {number}", "content": f"Note {number} on {topic}."}
            memory.lessons.remember(parse(RememberRequest, given))


def held(memory: MemoryService) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """What a memory has and has folded: between two batches, never in the midst of one."""
    core = memory.core
    with core.lock:
        items = [(one.item.id, one.state) for one in core.store.scan_items(Scope(("demo",)))]
        recalls = [one.record.id for one in core.store.recalls()]
        return sorted(items), recalls, [one.record.id for one in core.store.outcomes()]


def caught_up(memory: MemoryService, other: MemoryService) -> None:
    """Wait until a memory has all that another one has, and has learned it."""
    until(lambda: held(memory) == held(other))
    for one in (memory, other):
        assert one.core.trainer is not None
        assert one.core.trainer.settle(PATIENCE)


def state(memory: MemoryService, folder: Path) -> bytes:
    """The learner to the last bit: its checkpoint's bytes."""
    assert memory.core.trainer is not None
    return checkpoint.save(memory.core.trainer.learner, folder, "last", MODEL.name).read_bytes()


def served(memory: MemoryService) -> list[tuple[str, float, float, str]]:
    """What a memory answers an hour after the last record, to the second: scores age."""
    core, found = memory.core, []
    hour_later = max(one.record.at for one in core.store.outcomes()) + 3_600
    core.clock = lambda: hour_later
    for topic in TOPICS:
        answer = memory.recall(parse(RecallRequest, {"task": f"use {topic} once more", "k": 8}))
        found += [(item.id, item.score, item.similarity, item.why) for item in answer.items]
    return found


def test_a_follower_scores_as_the_writer_and_as_a_rebuild_to_the_last_bit(
    opened: Opener, tmp_path: Path
) -> None:
    writer = opened("writer")
    stocked(writer)
    lived(writer, range(12))
    follower = opened("follower", follow=True)
    lived(writer, range(12, 60))
    caught_up(follower, writer)
    rebuilt = opened("rebuilt", follow=True)
    caught_up(rebuilt, writer)
    bits = [
        state(memory, tmp_path / f"checkpoint-{n}")
        for n, memory in enumerate((writer, follower, rebuilt))
    ]
    assert bits[1] == bits[2]
    assert bits[0] == bits[1]
    answers = [served(memory) for memory in (writer, follower, rebuilt)]
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]
    assert len(answers[0]) > 10
    assert follower.reading.mistakes(MistakesRequest(project="demo")) == writer.reading.mistakes(
        MistakesRequest(project="demo")
    )
    assert follower.core.tally.outcomes() == writer.core.tally.outcomes()


def titles(memory: MemoryService, project: str) -> list[str]:
    found = memory.reading.list_lessons(parse(ListRequest, {"project": project}))
    return [one.title for one in found.items]


def test_a_follower_knows_projects_by_all_their_names(opened: Opener) -> None:
    """Renamed, merged and moved at the writer; for its owner and for a token of an old name."""
    writer, follower = opened("writer"), opened("follower", follow=True)
    ids = {}
    for name in ("shop", "store", "lab"):
        given = {"title": f"Lesson of {name}", "content": "c", "project": name}
        ids[name] = writer.lessons.remember(parse(RememberRequest, given)).id
    for change in (
        {"action": "rename", "project": "shop", "into": "market"},
        {"action": "merge", "project": "store", "into": "market"},
        {"action": "move", "item_ids": [ids["lab"]], "into": "market"},
    ):
        writer.projects.change_project(parse(ProjectRequest, change))
    assert titles(writer, "lab") == []
    assert len(titles(writer, "market")) == 3
    names = ("shop", "store", "market", "lab")
    until(lambda: all(titles(follower, name) == titles(writer, name) for name in names))
    old = Caller("agent", "read", ("shop",))
    seen = [
        one.reading.list_lessons(
            parse(ListRequest, {"project": "shop"}), one.core.names.widened(old)
        )
        for one in (writer, follower)
    ]
    assert [one.title for one in seen[0].items] == [one.title for one in seen[1].items]


def told(memory: MemoryService) -> list[Change]:
    """What a memory tells from now on; how far the trainer's thread is aside."""
    found: list[Change] = []
    memory.core.notify = lambda change: None if change.subject == "scorer" else found.append(change)
    return found


def heard(changes: list[Change], *projects: str) -> set[Change]:
    caller = Caller(projects=projects)
    return {change for change in changes if change.heard_by(caller)}


def reported(memory: MemoryService, project: str) -> str:
    """Live through one failure in a project; give the item that it credits."""
    given = {"title": "Close the socket", "content": "Close it at once.", "project": project}
    used = memory.lessons.remember(parse(RememberRequest, given)).id
    asked = {"task": "close the socket", "project": project}
    answer = memory.recall(parse(RecallRequest, asked))
    failed = {"recall_id": answer.recall_id, "outcome": "failure", "error": "OSError: it is open"}
    memory.report_outcome(parse(OutcomeRequest, {**failed, "used_ids": [used]}))
    return used


def test_a_follower_tells_what_the_writer_told_and_to_nobody_else(opened: Opener) -> None:
    writer = opened("writer")
    stocked(writer)
    follower = opened("follower", follow=True)
    caught_up(follower, writer)
    said, again = told(writer), told(follower)
    used = reported(writer, "elsewhere")
    lived(writer, range(10))
    note = {"title": "A note", "content": "Of every project.", "project": "global"}
    shared = writer.lessons.remember(parse(RememberRequest, note)).id
    better = {"title": "Close sockets", "content": "By a with block.", "project": "elsewhere"}
    kept = writer.lessons.remember(parse(RememberRequest, {**better, "supersedes": used})).id
    gone = {"item_id": kept, "reason": "wrong", "project": "elsewhere"}
    writer.lessons.forget(parse(ForgetRequest, gone))
    until(lambda: set(said) <= set(again))
    assert set(again) == set(said)
    everywhere = {
        Change("item", shared, "global"),
        Change("project", "global", "global"),
        Change("stats", project="global"),
    }
    assert heard(again, "elsewhere") - everywhere == {
        Change("item", used, "elsewhere"),
        Change("item", kept, "elsewhere"),
        Change("project", "elsewhere", "elsewhere"),
        Change("mistakes", project="elsewhere"),
        Change("stats", project="elsewhere"),
    }
    assert heard(again, "third") == everywhere


def test_items_that_a_report_credits_are_told_by_a_follower(opened: Opener) -> None:
    writer = opened("writer")
    stocked(writer)
    follower = opened("follower", follow=True)
    answer = writer.recall(parse(RecallRequest, {"task": "use files"}))
    caught_up(follower, writer)
    again = told(follower)
    used = answer.items[0].id
    given = {"recall_id": answer.recall_id, "outcome": "success", "used_ids": [used]}
    writer.report_outcome(parse(OutcomeRequest, given))
    until(lambda: Change("stats", project="demo") in again)
    assert Change("item", used, "demo") in heard(again, "demo")
    assert heard(again, "elsewhere") == set()


def test_what_could_be_taken_before_a_fault_is_told(opened: Opener) -> None:
    writer, other = opened("writer"), opened("other", follow=True)
    stocked(writer)
    caught_up(other, writer)
    again = told(other)
    first, second = list(writer.core.store.scan_items(Scope(("demo",))))[:2]

    def adopt(record: object) -> bool:
        if record is second:
            raise StoreUnavailable("The disk is full.")
        return True

    with pytest.raises(StoreUnavailable):
        other.follow([first, second], adopt)
    assert Change("item", first.item.id, "demo") in again
    assert Change("item", second.item.id, "demo") not in again


def test_what_a_dead_machine_had_acknowledged_is_learned_by_the_writer_there_is(
    opened: Opener, tmp_path: Path, shared_url: str
) -> None:
    writer = opened("writer")
    stocked(writer)
    lived(writer, range(6))
    elsewhere = MemoryService(
        Settings(store=tmp_path / "elsewhere"),
        LanceStore.open(tmp_path / "elsewhere"),
        project="demo",
        notify=lambda _: None,
    )
    elsewhere.attach(MODEL)
    said, again = told(elsewhere), told(writer)
    stocked(elsewhere)
    lived(elsewhere, range(100, 112))
    store = elsewhere.core.store
    records: list[Any] = list(store.scan_items(Scope(("demo",))))
    records += [*store.recalls(), *store.outcomes()]
    outcomes = writer.core.tally.reports() + elsewhere.core.tally.reports()
    inbox.deliver(
        objects_at(shared_url),
        [entry_of(place, table_of(one), one) for place, one in enumerate(records)],
    )
    elsewhere.close()
    until(lambda: set(said) <= set(again))
    assert set(again) == set(said) == heard(again, "demo")
    assert heard(again, "third") == set()
    until(lambda: writer.core.tally.reports() == outcomes)
    until(lambda: objects_at(shared_url).names(inbox.FOLDER) == [])
    rebuilt = opened("rebuilt", follow=True)
    caught_up(rebuilt, writer)
    assert state(rebuilt, tmp_path / "one") == state(writer, tmp_path / "two")
    assert served(rebuilt) == served(writer)


def test_a_new_machine_begins_at_the_checkpoint_that_a_writer_left(
    opened: Opener, tmp_path: Path, shared_url: str
) -> None:
    writer = opened("writer")
    stocked(writer)
    lived(writer, range(30))
    assert writer.core.trainer is not None
    assert writer.core.trainer.settle(PATIENCE)
    writer.close()
    assert len(objects_at(shared_url).names("learner")) == 1
    second = opened("second")
    assert second.core.trainer is not None
    assert second.core.trainer.state.startswith("checkpoint of ")
    lived(second, range(30, 34))
    third = opened("third", follow=True)
    caught_up(third, second)
    assert state(third, tmp_path / "one") == state(second, tmp_path / "two")


def test_a_checkpoint_of_another_log_is_passed_over(opened: Opener, shared_url: str) -> None:
    writer = opened("writer")
    stocked(writer)
    lived(writer, range(10))
    objects_at(shared_url).put("learner/checkpoint-000000000099.safetensors", b"no tensors")
    follower = opened("follower", follow=True)
    caught_up(follower, writer)
    assert served(follower) == served(writer)


def test_a_follower_finds_a_long_item_of_its_writer_by_its_last_sentence(opened: Opener) -> None:
    writer, follower = opened("writer"), opened("follower", follow=True)
    stocked(writer)
    fact = "The turnstile of the north gate opens with a green badge."
    text = " ".join(f"Paragraph {n} tells of matter {n * 7} alone." for n in range(90))
    given = {"title": "Gates", "content": f"{text} {fact}"}
    long = writer.lessons.remember(parse(RememberRequest, given)).id
    until(lambda: held(follower) == held(writer))
    for memory in (writer, follower):
        assert memory.core.long_items is not None
        assert memory.core.long_items.settle(PATIENCE)
        found = memory.recall(parse(RecallRequest, {"task": fact})).items[0]
        assert (found.id, found.similarity > 0.4) == (long, True)
