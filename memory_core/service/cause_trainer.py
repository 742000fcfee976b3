"""Learns which failures have the same cause, on its own thread, from the newest tellings.

Every sixteenth telling the newest ones are learned anew from the beginning, so
what is known is a function of the log alone, however it came in: live or read
again at start. Embeddings are asked for on this thread and kept while their
failure is in the window. Recall and reports never wait here.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from memory_core.ports import Embedder
from memory_core.scorer.causes import Learned, learn
from memory_core.scorer.failure_pairs import Occurrence, Views
from memory_core.service.conditions import FailureText, views_of
from memory_core.service.relating import Related, Telling, Tellings, related

log = logging.getLogger(__name__)

EVERY = 16
"""Tellings from one learning to the next."""
Viewer = Callable[[FailureText], Views]


class _Closed(Exception):
    """Learning is given up; it is no error."""


class CauseTrainer:
    """Owns the tellings and the thread that learns from them.

    `observe` is called under the service's lock. Before `start` it only folds;
    `start` lets the thread learn the state of the last multiple of `EVERY`.

    Args:
        embedder: Gives the vectors of errors and tasks.
        publish: Called on the thread with what was learned, and with a function
            that gives the views of a failure.
    """

    def __init__(self, embedder: Embedder, publish: Callable[[Learned, Viewer], None]) -> None:
        self._embedder, self._publish = embedder, publish
        self._tellings = Tellings()
        self._due: tuple[Telling, ...] | None = None
        self._queue: queue.SimpleQueue[tuple[Telling, ...] | None] = queue.SimpleQueue()
        self._views: dict[FailureText, Views] = {}
        self._pending = 0
        self._count = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def observe(self, owner: str, telling: Telling | None) -> None:
        """Fold one report in (None: it tells of no failure)."""
        before = self._tellings.told
        self._tellings.observe(owner, telling)
        if self._tellings.told == before or self._tellings.told % EVERY:
            return
        self._due = self._tellings.all()
        if self._thread is not None:
            self._hand_over()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="lessonbank-causes", daemon=True)
        self._thread.start()
        self._hand_over()

    def _hand_over(self) -> None:
        if self._due is not None:
            with self._count:
                self._pending += 1
            self._queue.put(self._due)
            self._due = None

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until everything handed over is learned; False on timeout (seconds)."""
        with self._count:
            return self._count.wait_for(lambda: self._pending == 0, timeout)

    def close(self, timeout: float = 1.0) -> None:
        """Stop; what is not learned yet, the log brings back."""
        self._stopping = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout)
            self._thread = None

    def _run(self) -> None:
        while True:
            tellings = self._queue.get()
            if tellings is None or self._stopping:
                return
            if self._pending == 1:  # else a newer state waits, and nobody needs this one
                self._learn(tellings)
            with self._count:
                self._pending -= 1
                self._count.notify_all()

    def _learn(self, tellings: tuple[Telling, ...]) -> None:
        """Learn one state; one that cannot be learned is logged, and the last one stays."""
        try:
            failures = related(tellings)
            views: dict[FailureText, Views] = {}
            for failure in failures:
                views[failure.text] = self.view(failure.text)
            self._views = views
            learned = learn([_occurrence(failure, views[failure.text]) for failure in failures])
            self._publish(learned, self.view)
        except _Closed:
            return
        except Exception:
            log.exception("learning the causes of failures failed; matching goes on as before")

    def view(self, text: FailureText) -> Views:
        """The views of a failure, kept where it is in the window.

        Raises:
            _Closed: The trainer is closed: there is nothing to go on for.
        """
        if self._stopping:
            raise _Closed
        return self._views.get(text) or views_of(self._embedder, text)


def _occurrence(failure: Related, views: Views) -> Occurrence:
    return Occurrence(
        project=failure.project,
        group=failure.group,
        views=views,
        resolved=failure.resolved,
        failed=failure.failed,
        culprits=failure.culprits,
        weight=failure.weight,
        held_out=failure.held_out,
    )
