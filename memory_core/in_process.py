"""The memory port in this process: loads in the background, answers as soon as it can.

Loading runs on its own thread: first the store (enough for listing and keyword
search), then the model and the learner. Calls run on worker threads, so the
event loop never blocks. Knows no MCP.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.streams.memory import MemoryObjectSendStream

from memory_core.errors import LessonbankError, MemoryUnavailable, ModelUnavailable
from memory_core.port import (
    Brief,
    Change,
    CheckRequest,
    Compacted,
    ForgetRequest,
    ItemDetail,
    ListAnswer,
    ListRequest,
    Mistakes,
    OutcomeAnswer,
    OutcomeRequest,
    Progress,
    Readiness,
    RecallAnswer,
    RecallRequest,
    RecallsAnswer,
    RecallsRequest,
    Reembedded,
    RememberAnswer,
    RememberRequest,
    ScorerReport,
    StateAnswer,
    Stats,
)

if TYPE_CHECKING:
    from memory_core.ports import Embedder
    from memory_core.service.service import MemoryService

log = logging.getLogger(__name__)

T = TypeVar("T")
WORKERS = 4
"""Calls served at once; the model itself takes one at a time."""
POLL = 0.1
REMEMBER_WAIT = 120.0
"""Seconds that `remember` waits for the model before it stores an item without vectors."""
CHANGES_KEPT = 1024


class InProcessMemory:
    """Implements `memory_core.port.Memory`.

    Args:
        open_service: Opens the store and gives the service (slow: imports LanceDB).
            Called once, on the loading thread, with a callback for changes.
        load_embedder: Loads the model (slow: imports torch). Called once.
        model_wait: Seconds that a recall waits for the model before keyword search.
    """

    def __init__(
        self,
        open_service: Callable[[Callable[[Change], None]], MemoryService],
        load_embedder: Callable[[], Embedder],
        model_wait: float,
    ) -> None:
        self._open_service, self._load_embedder = open_service, load_embedder
        self._model_wait = model_wait
        self._service: Future[MemoryService] = Future()
        self._model: Future[None] = Future()
        self._readiness = Readiness("idle", 0.0, "Nothing is loaded yet.")
        self._start_lock = threading.Lock()
        self._store_thread: threading.Thread | None = None
        self._model_thread: threading.Thread | None = None
        self._limiter: CapacityLimiter | None = None
        self._watchers: list[Callable[[Change], None]] = []
        self._watch_lock = threading.Lock()
        self._closed = False

    # -- loading -------------------------------------------------------------------

    def warm(self) -> None:
        """Begin to load the store and the model in the background; safe to call again."""
        self._warm_store()
        with self._start_lock:
            if self._model_thread is None and not self._closed:
                self._model_thread = self._thread(self._load_model, "lessonbank-model")

    def _warm_store(self) -> None:
        with self._start_lock:
            if self._store_thread is None and not self._closed:
                self._store_thread = self._thread(self._load_store, "lessonbank-store")

    @staticmethod
    def _thread(target: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    def _load_store(self) -> None:
        self._readiness = Readiness("store", 0.1, "Opening the store.")
        try:
            service = self._open_service(self._publish)
        except LessonbankError as error:
            self._fail(error)
        except Exception as error:
            log.exception("opening the store failed")
            self._fail(
                MemoryUnavailable(
                    f"The store cannot be opened ({type(error).__name__}). Run `lessonbank doctor`."
                )
            )
        else:
            self._readiness = Readiness("model", 0.3, "Loading the embedding model.")
            with self._start_lock:
                self._service.set_result(service)
                closed = self._closed
            if closed:
                service.close()

    def _fail(self, error: LessonbankError) -> None:
        self._readiness = Readiness("failed", 1.0, str(error))
        self._service.set_exception(error)

    def _load_model(self) -> None:
        try:
            service = self._service.result()
        except LessonbankError as error:
            self._model.set_exception(error)
            return
        try:
            embedder = self._load_embedder()
            self._readiness = Readiness(
                "model", 0.8, "Bringing the learner to the end of the outcome log."
            )
            service.attach(embedder)
        except LessonbankError as error:
            self._without_model(service, error)
        except Exception as error:
            log.exception("loading the model failed")
            self._without_model(
                service,
                ModelUnavailable(
                    f"The embedding model cannot be loaded ({type(error).__name__}). "
                    "Run `lessonbank doctor`."
                ),
            )
        else:
            self._readiness = Readiness("ready", 1.0, "Ready.")
            self._model.set_result(None)

    def _without_model(self, service: MemoryService, error: LessonbankError) -> None:
        service.core.notes.append(str(error))
        self._readiness = Readiness("keyword", 1.0, str(error))
        self._model.set_exception(error)

    # -- waiting -------------------------------------------------------------------

    async def _call(self, work: Callable[[], T]) -> T:
        if self._limiter is None:
            self._limiter = CapacityLimiter(WORKERS)
        return await to_thread.run_sync(work, limiter=self._limiter)

    async def _ready_service(self, progress: Progress | None = None) -> MemoryService:
        """The service once the store is open.

        Raises:
            MemoryUnavailable: The store could not be opened.
        """
        self._warm_store()
        if self._closed:
            raise MemoryUnavailable("The memory is closed. Start lessonbank again.")
        await self._until(self._service, None, progress)
        return self._service.result()

    async def _until(
        self, future: Future[T], seconds: float | None, progress: Progress | None
    ) -> None:
        """Wait until a future is done or seconds have passed, telling progress once a second."""
        began, told = time.monotonic(), -1.0
        while not future.done():
            waited = time.monotonic() - began
            if seconds is not None and waited >= seconds:
                return
            if progress is not None and waited - told >= 1.0:
                told = waited
                await progress(self._readiness.fraction, self._readiness.message)
            await anyio.sleep(POLL)

    async def _with_model(self, seconds: float, progress: Progress | None) -> MemoryService:
        """The service after at most `seconds` of waiting for the model (with or without it)."""
        self.warm()
        service = await self._ready_service(progress)
        await self._until(self._model, seconds, progress)
        return service

    # -- the port ------------------------------------------------------------------

    async def recall(
        self, request: RecallRequest, progress: Progress | None = None
    ) -> RecallAnswer:
        service = await self._with_model(self._model_wait, progress)
        return await self._call(partial(service.recall, request))

    async def check(self, request: CheckRequest, progress: Progress | None = None) -> RecallAnswer:
        service = await self._with_model(self._model_wait, progress)
        return await self._call(partial(service.check, request))

    async def remember(
        self, request: RememberRequest, progress: Progress | None = None
    ) -> RememberAnswer:
        service = await self._with_model(REMEMBER_WAIT, progress)
        return await self._call(partial(service.lessons.remember, request))

    async def report_outcome(
        self, request: OutcomeRequest, progress: Progress | None = None
    ) -> OutcomeAnswer:
        wait = REMEMBER_WAIT if request.lessons else self._model_wait
        service = await self._with_model(wait, progress)
        return await self._call(partial(service.report_outcome, request))

    async def list_lessons(self, request: ListRequest) -> ListAnswer:
        service = await self._ready_service()
        return await self._call(partial(service.reading.list_lessons, request))

    async def forget(self, request: ForgetRequest) -> StateAnswer:
        service = await self._ready_service()
        return await self._call(partial(service.lessons.forget, request))

    async def restore(self, request: ForgetRequest) -> StateAnswer:
        service = await self._ready_service()
        return await self._call(partial(service.lessons.restore, request))

    async def get(self, item_id: str, project: str = "") -> ItemDetail:
        service = await self._ready_service()
        return await self._call(partial(service.reading.get, item_id, project))

    async def brief(self, project: str = "", max_tokens: int = 1200) -> Brief:
        service = await self._ready_service()
        return await self._call(partial(service.reading.brief, project, max_tokens))

    async def mistakes(self, project: str = "") -> Mistakes:
        service = await self._ready_service()
        return await self._call(partial(service.reading.mistakes, project))

    async def recalls(self, request: RecallsRequest) -> RecallsAnswer:
        service = await self._ready_service()
        return await self._call(partial(service.reading.recalls, request))

    async def scorer(self) -> ScorerReport:
        service = await self._ready_service()
        return await self._call(service.scorer)

    async def stats(self) -> Stats:
        service = await self._ready_service()
        return await self._call(partial(service.stats, self._readiness.stage))

    async def compact(self) -> Compacted:
        service = await self._ready_service()
        return await self._call(service.compact)

    async def reembed(self, progress: Progress | None = None) -> Reembedded:
        service = await self._ready_service(progress)
        embedder = await self._call(self._load_embedder)
        done = [0, 1]

        def count(finished: int, total: int) -> None:
            done[:] = [finished, max(total, 1)]

        async def tell() -> None:
            while progress is not None:
                await progress(done[0] / done[1], f"{done[0]} of {done[1]} re-embedded")
                await anyio.sleep(1.0)

        answer: Reembedded | LessonbankError
        async with anyio.create_task_group() as group:
            group.start_soon(tell)
            try:
                answer = await self._call(partial(service.reembed, embedder, count))
            except LessonbankError as error:  # raised as itself, not in the group's exception
                answer = error
            group.cancel_scope.cancel()
        if isinstance(answer, LessonbankError):
            raise answer
        service.core.notes.clear()
        self._readiness = Readiness("ready", 1.0, "Ready.")
        return answer

    def readiness(self) -> Readiness:
        return self._readiness

    # -- changes -------------------------------------------------------------------

    def _publish(self, change: Change) -> None:
        with self._watch_lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher(change)

    async def changes(self) -> AsyncIterator[Change]:
        """Every change from now on; what comes while the reader is 1,024 behind is dropped."""
        send, receive = anyio.create_memory_object_stream[Change](CHANGES_KEPT)
        deliver = _Delivery(send)
        with self._watch_lock:
            self._watchers.append(deliver)
        try:
            async with receive:
                async for change in receive:
                    yield change
        finally:
            with self._watch_lock:
                self._watchers.remove(deliver)
            send.close()

    # -- closing -------------------------------------------------------------------

    async def aclose(self) -> None:
        """Store everything and let go; safe to call again."""
        with self._start_lock:
            if self._closed:
                return
            self._closed = True
        if self._service.done() and self._service.exception() is None:
            await to_thread.run_sync(self._service.result().close)


class _Delivery:
    """Hands changes from any thread to one reader's event loop, without waiting for it."""

    def __init__(self, send: MemoryObjectSendStream[Change]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()

    def __call__(self, change: Change) -> None:
        try:
            self._loop.call_soon_threadsafe(self._put, change)
        except RuntimeError:
            log.debug("a change was not delivered: its reader's loop is closed")

    def _put(self, change: Change) -> None:
        try:
            self._send.send_nowait(change)
        except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            log.debug("a change was dropped: its reader is behind or gone")
