"""Loads a memory in the background: first the store, then the model and the learner.

Loading runs on threads of its own. Calls wait for what they need: the store (enough
for listing and keyword search), or the model for a limited time. Knows no MCP.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectSendStream

from memory_core.errors import LessonbankError, MemoryUnavailable, ModelUnavailable
from memory_core.port import Change, Progress, Readiness

if TYPE_CHECKING:
    from memory_core.ports import Embedder
    from memory_core.service.service import MemoryService

log = logging.getLogger(__name__)

T = TypeVar("T")
POLL = 0.1
CHANGES_KEPT = 1024


class Loading:
    """One memory that is being loaded, is loaded, or could not be.

    Args:
        open_service: Opens the store and gives the service (slow: imports LanceDB).
            Called once, on the loading thread, with a callback for changes.
        load_embedder: Loads the model (slow: imports torch). Called once.
    """

    def __init__(
        self,
        open_service: Callable[[Callable[[Change], None]], MemoryService],
        load_embedder: Callable[[], Embedder],
    ) -> None:
        self._open_service, self.load_embedder = open_service, load_embedder
        self._service: Future[MemoryService] = Future()
        self._model: Future[None] = Future()
        self._readiness = Readiness("idle", 0.0, "Nothing is loaded yet.")
        self._lost: Readiness | None = None
        self._start_lock = threading.Lock()
        self._store_thread: threading.Thread | None = None
        self._model_thread: threading.Thread | None = None
        self._watchers: list[Callable[[Change], None]] = []
        self._watch_lock = threading.Lock()
        self._closed = False

    @property
    def readiness(self) -> Readiness:
        """How far it is."""
        return self._lost or self._readiness

    @readiness.setter
    def readiness(self, now: Readiness) -> None:
        self._readiness = now

    def lose(self, error: LessonbankError) -> None:
        """Say from now on that the memory can serve no longer: its host then ends."""
        self._lost = Readiness("failed", 1.0, str(error))

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
        self.readiness = Readiness("store", 0.1, "Opening the store.")
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
            self.readiness = Readiness("model", 0.3, "Loading the embedding model.")
            with self._start_lock:
                self._service.set_result(service)
                closed = self._closed
            if closed:
                service.close()

    def _fail(self, error: LessonbankError) -> None:
        self.readiness = Readiness("failed", 1.0, str(error))
        self._service.set_exception(error)

    def _load_model(self) -> None:
        try:
            service = self._service.result()
        except LessonbankError as error:
            self._model.set_exception(error)
            return
        try:
            embedder = self.load_embedder()
            self.readiness = Readiness(
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
            self._model.set_result(None)
            self.readiness = Readiness("ready", 1.0, "Ready.")  # whoever reads it need not wait

    def _without_model(self, service: MemoryService, error: LessonbankError) -> None:
        service.core.notes.append(str(error))
        self.readiness = Readiness("keyword", 1.0, str(error))
        self._model.set_exception(error)

    # -- waiting -------------------------------------------------------------------

    async def ready_service(self, progress: Progress | None = None) -> MemoryService:
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
                await progress(self.readiness.fraction, self.readiness.message)
            await anyio.sleep(POLL)

    async def with_model(self, seconds: float, progress: Progress | None) -> MemoryService:
        """The service after at most `seconds` of waiting for the model (with or without it)."""
        self.warm()
        service = await self.ready_service(progress)
        await self._until(self._model, seconds, progress)
        return service

    # -- changes -------------------------------------------------------------------

    def _publish(self, change: Change) -> None:
        with self._watch_lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher(change)

    async def changes(self) -> AsyncGenerator[Change, None]:
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

    def say_ready(self) -> None:
        """Say that everything is loaded: the store has been given this model's vectors."""
        self.readiness = Readiness("ready", 1.0, "Ready.")

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
