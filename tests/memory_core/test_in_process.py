"""The port in one process: what is answered while things load, fail or end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from memory_core.caller import Caller
from memory_core.errors import MemoryUnavailable, ModelUnavailable, StoreUnavailable
from memory_core.in_process import InProcessMemory
from memory_core.port import Change
from memory_core.ports import Embedder
from memory_core.requests import (
    EditRequest,
    Empty,
    IdRequest,
    ListRequest,
    OutcomeRequest,
    ProjectRequest,
    RecallRequest,
    RecallsRequest,
    RememberRequest,
)
from memory_core.service.service import MemoryService
from memory_core.settings import Settings
from memory_core.store.lance_store import LanceStore
from tests.memory_core.hash_embedder import HashEmbedder
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio

LESSON = RememberRequest(title="Close the file", content="Use a with block.")
ASK = RecallRequest(task="close the file")


class Loading:
    """A memory whose store and model load when the test lets them."""

    def __init__(self, folder: Path, wait: float = 60.0) -> None:
        self.folder = folder
        self.model = threading.Event()
        self.store = threading.Event()
        self.store.set()
        self.failure: Exception | None = None
        self.service: MemoryService | None = None
        self.memory = InProcessMemory(self._open, self._load, wait)

    def _open(self, notify: Callable[[Change], None]) -> MemoryService:
        assert self.store.wait(PATIENCE)
        store = LanceStore.open(self.folder / "store", maintain=False)
        settings = Settings(store=self.folder / "store")
        self.service = MemoryService(settings, store, project="demo", notify=notify)
        return self.service

    def _load(self) -> Embedder:
        assert self.model.wait(PATIENCE)
        if self.failure is not None:
            raise self.failure
        return HashEmbedder()


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    return Loading(tmp_path)


async def test_recall_without_the_model_answers_by_keyword_when_the_wait_is_over(
    tmp_path: Path,
) -> None:
    """A model that needs longer does not hold the answer back."""
    loading = Loading(tmp_path, wait=0.0)
    loading.memory.warm()
    answer = await loading.memory.recall(ASK)
    assert answer.mode == "keyword"
    loading.model.set()
    await loading.memory.remember(LESSON)
    assert (await loading.memory.recall(ASK)).mode == "similarity"
    await loading.memory.aclose()


async def test_recall_waits_for_the_model_and_tells_progress(loading: Loading) -> None:
    """Within the wait the client hears what it waits for, then gets the full answer."""
    told: list[str] = []

    async def progress(fraction: float, message: str) -> None:
        assert 0.0 <= fraction <= 1.0
        told.append(message)
        if "model" in message:
            loading.model.set()

    answer = await loading.memory.recall(ASK, progress)
    assert answer.mode == "similarity"
    assert any("model" in message for message in told)
    await loading.memory.aclose()


async def test_listing_needs_no_model(loading: Loading) -> None:
    """What only reads the store does not wait for the model, nor load it."""
    answer = await loading.memory.list_lessons(ListRequest())
    assert answer.total == 0
    assert loading.memory.readiness().stage == "model"
    await loading.memory.aclose()


async def test_open_recalls_need_no_model(tmp_path: Path) -> None:
    """They are listed from the log's fold, beside a model that is still loading."""
    loading = Loading(tmp_path, wait=0.0)
    assert (await loading.memory.recalls(RecallsRequest())).open == 0
    assert loading.memory.readiness().stage == "model"
    loading.model.set()
    await loading.memory.remember(LESSON)
    asked = await loading.memory.recall(ASK)
    answer = await loading.memory.recalls(RecallsRequest(open=True))
    assert [one.recall_id for one in answer.recalls] == [asked.recall_id]
    await loading.memory.aclose()


async def test_model_that_cannot_be_loaded_leaves_keyword_search_and_says_why(
    loading: Loading,
) -> None:
    """Remember and recall go on; the note names the fault."""
    loading.failure = ModelUnavailable("The weights were altered. Install the package again.")
    loading.model.set()
    stored = await loading.memory.remember(LESSON)
    answer = await loading.memory.recall(ASK)
    assert [item.id for item in answer.items] == [stored.id]
    assert "The weights were altered" in answer.note
    assert loading.memory.readiness().stage == "keyword"
    await loading.memory.aclose()


async def test_unexpected_fault_of_the_model_points_to_the_doctor(loading: Loading) -> None:
    """A crash while loading is not shown raw."""
    loading.failure = OSError("libtorch is missing")
    loading.model.set()
    answer = await loading.memory.recall(ASK)
    assert answer.mode == "keyword"
    assert "lessonbank doctor" in answer.note
    assert "libtorch" not in answer.note
    await loading.memory.aclose()


async def test_a_caller_of_a_renamed_project_names_and_corrects_what_was_stored_before(
    loading: Loading,
) -> None:
    """Whatever the call: all names of a caller's project are its own."""
    loading.model.set()
    stored = await loading.memory.remember(
        LESSON.model_copy(update={"project": "old", "source": "ci"})
    )
    renamed = ProjectRequest(action="rename", project="old", into="new")
    await loading.memory.change_project(renamed)
    ci = loading.memory.bound(Caller("ci", "write", ("new",)))
    assert [item.id for item in (await ci.recall(ASK)).items] == [stored.id]
    part = IdRequest(what="item", given=stored.id[:12])
    assert (await ci.identify(part)).id == stored.id
    edited = await ci.edit(EditRequest(item_id=stored.id, title="Close each file"))
    assert (edited.was, edited.status) == (stored.id, "edited")
    await loading.memory.aclose()


async def test_calls_that_name_no_project_are_of_the_one_that_is_worked_in(
    loading: Loading,
) -> None:
    loading.model.set()
    loading.memory.work_in("here")
    stored = await loading.memory.remember(LESSON)
    last = await loading.memory.identify(IdRequest(what="item"))
    assert last.id == stored.id
    edited = await loading.memory.edit(EditRequest(item_id=stored.id, title="Close each file"))
    assert "here" not in edited.note, "it is no other project than the one of the call"
    await loading.memory.aclose()


async def test_store_that_cannot_be_opened_fails_each_call_with_its_sentence(
    tmp_path: Path,
) -> None:
    """The process lives on; every call says what is wrong."""

    def refuse(_notify: Callable[[Change], None]) -> MemoryService:
        raise StoreUnavailable("The folder is on a file system without hard links. Move it.")

    memory = InProcessMemory(refuse, HashEmbedder, 0.0)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="hard links"):
            await memory.recall(ASK)
    with pytest.raises(StoreUnavailable, match="hard links"):
        await memory.stats(Empty())
    assert memory.readiness().stage == "failed"
    await memory.aclose()


async def test_changes_reach_every_reader(loading: Loading) -> None:
    """Two readers hear of the same item."""
    loading.model.set()
    await loading.memory.list_lessons(ListRequest())
    heard: list[Change] = []
    listening = anyio.Event()

    async def listen() -> None:
        changes = loading.memory.changes()
        listening.set()
        async for change in changes:
            heard.append(change)
            if change.subject == "item":
                return

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            group.start_soon(listen)
            await listening.wait()
            await anyio.wait_all_tasks_blocked()
            stored = await loading.memory.remember(LESSON)
    assert heard.count(Change("item", stored.id, "demo")) == 2
    await loading.memory.aclose()


async def test_closing_twice_is_safe_and_what_was_acknowledged_is_there_again(
    loading: Loading, tmp_path: Path
) -> None:
    """Everything stored comes back from the folder."""
    loading.model.set()
    stored = await loading.memory.remember(LESSON)
    recalled = await loading.memory.recall(ASK)
    await loading.memory.report_outcome(
        OutcomeRequest(outcome="success", recall_id=recalled.recall_id)
    )
    await loading.memory.aclose()
    await loading.memory.aclose()
    again = Loading(tmp_path)
    again.model.set()
    line = (await again.memory.list_lessons(ListRequest())).items[0]
    assert (line.id, line.wins, line.recalls) == (stored.id, 1, 1)
    await again.memory.aclose()


async def test_reembedding_with_a_model_that_cannot_be_loaded_raises_its_sentence(
    loading: Loading,
) -> None:
    """No group of exceptions, no traceback: the one sentence."""
    loading.failure = ModelUnavailable("No folder './nowhere' holds a model.")
    loading.model.set()
    with pytest.raises(ModelUnavailable, match="nowhere"):
        await loading.memory.reembed(Empty())
    await loading.memory.aclose()


async def test_closing_while_the_store_opens_closes_it_when_it_is_open(loading: Loading) -> None:
    """No lock is left behind, and a later call says that the memory is closed."""
    loading.store.clear()
    loading.memory.warm()
    await loading.memory.aclose()
    loading.store.set()
    opening = loading.memory._loading._store_thread
    assert opening is not None
    await to_thread.run_sync(opening.join)
    assert loading.service is not None
    assert closed(loading.service)
    with pytest.raises(MemoryUnavailable, match="closed"):
        await loading.memory.recall(ASK)


def closed(service: MemoryService) -> bool:
    """Whether the service's store takes nothing any more."""
    try:
        service.lessons.remember(LESSON)
    except MemoryUnavailable:
        return True
    return False


async def test_a_memory_that_lost_its_store_says_so_whatever_loads_on(loading: Loading) -> None:
    loading.memory.warm()
    loading.memory.fail(StoreUnavailable("Another process writes there."))
    loading.model.set()
    with anyio.fail_after(PATIENCE):
        await loading.memory.list_lessons(ListRequest())
    assert loading.memory.readiness().stage == "failed"
    assert loading.memory.readiness().message == "Another process writes there."
