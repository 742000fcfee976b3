"""The trainer: the learner's slow path on its own thread, its rebuild and its checkpoints.

Reports are learned strictly in log order. Recall never waits here: it reads the
learner's last published snapshot.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from memory_core.model import OutcomeRecord
from memory_core.ports import Record, StoredOutcome
from memory_core.scorer import checkpoint
from memory_core.scorer.episode import Episode
from memory_core.scorer.learner import Learner
from memory_core.service.fold import LogPlace

log = logging.getLogger(__name__)

CHECKPOINT_EVERY = 25
"""Reports between checkpoints, at the least."""


class Trainer:
    """Owns a learner and its thread.

    Args:
        folder: Where checkpoints live.
        embedder: Name of the model, bound to every checkpoint.
        dimension: Of the embeddings.
        learned: Called after each report that was learned, from the trainer's thread.
        episode: Gives what is learned of an outcome.
    """

    def __init__(
        self,
        folder: Path,
        embedder: str,
        dimension: int,
        learned: Callable[[], None],
        episode: Callable[[OutcomeRecord, LogPlace], Episode],
    ) -> None:
        self._folder, self._embedder, self._dimension = folder, embedder, dimension
        self._learned, self._episode = learned, episode
        self.learner = Learner(dimension)
        self.state = "fresh"
        self._queue: queue.SimpleQueue[Episode | None] = queue.SimpleQueue()
        self._pending = 0
        self._count = threading.Condition()
        self._last_outcome = ""
        self._saved = 0
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def pending(self) -> int:
        """Reports that wait to be learned."""
        return self._pending

    def rebuild(self, log_so_far: Sequence[tuple[StoredOutcome, LogPlace]]) -> None:
        """Bring the learner to the end of the log, from a checkpoint where one fits.

        Runs before `start`, in the caller's thread.
        """
        found, passed = checkpoint.newest(
            self._folder,
            self._embedder,
            self._dimension,
            fits=lambda position: _is_of(position, log_so_far),
        )
        for line in passed:
            log.warning("checkpoint passed over: %s; the outcome log brings it back", line)
        start = 0
        if found is not None:
            start, self._last_outcome = found.position.reports, found.position.outcome_id
            # All are made before the first is walked: by turns, both take a tenth longer.
            for episode in [self._episode(told.record, at) for told, at in log_so_far[:start]]:
                self.learner.walk_one(self.learner.observe(episode))
            try:
                checkpoint.apply(found, self.learner)
                self.state = f"checkpoint of {start} reports"
            except ValueError as error:
                log.warning("%s; learning the log again", error)
                self.learner, start = Learner(self._dimension), 0
        for stored, place in log_so_far[start:]:
            self.take(place, stored)
        if log_so_far and start == 0:
            self.state = f"rebuilt from {len(log_so_far)} outcomes"
        self._saved = start
        if self.learner.reports - start >= CHECKPOINT_EVERY:
            self._save()

    def _learn(self, episode: Episode) -> None:
        """Learn one outcome; one that cannot be learned is logged and passed over, always."""
        self._last_outcome = episode.outcome_id
        try:
            self.learner.learn_one(episode)
        except Exception:
            log.exception("learning outcome %s failed; recall goes on", episode.outcome_id)

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="lessonbank-trainer", daemon=True)
        self._thread.start()

    def take(self, place: LogPlace, record: Record) -> None:
        """Let the next recall see an outcome, and learn it: on the thread, before `start` here."""
        if not isinstance(record, StoredOutcome):
            return
        if place.episode is None:
            episode = self._episode(record.record, place)
        else:
            episode = replace(place.episode, credits=record.record.credits)
        episode = self.learner.observe(episode)
        if self._thread is None:
            self._learn(episode)
            return
        with self._count:
            self._pending += 1
        self._queue.put(episode)

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until every queued report is learned; False on timeout (seconds)."""
        with self._count:
            return self._count.wait_for(lambda: self._pending == 0, timeout)

    def close(self, timeout: float = 1.0) -> None:
        """Stop after the report at hand and save; what is not learned yet, the log brings back."""
        if self._thread is None:
            return
        self._stopping = True
        self._queue.put(None)
        self._thread.join(timeout)
        stopped = not self._thread.is_alive()
        self._thread = None
        if stopped and self._pending == 0:
            self._save()

    def _run(self) -> None:
        while True:
            episode = self._queue.get()
            if episode is None or self._stopping:
                return
            self._learn(episode)
            with self._count:
                self._pending -= 1
                self._count.notify_all()
            self._learned()
            if self._pending == 0 and self.learner.reports - self._saved >= CHECKPOINT_EVERY:
                self._save()

    def _save(self) -> None:
        reports = self.learner.reports
        if reports == self._saved or not self._last_outcome:
            return
        try:
            checkpoint.save(self.learner, self._folder, self._last_outcome, self._embedder)
            self._saved = reports
        except OSError as error:
            log.warning(
                "no checkpoint was written (%s); the outcome log brings the same state back", error
            )


def _is_of(
    position: checkpoint.Position, log_so_far: Sequence[tuple[StoredOutcome, LogPlace]]
) -> bool:
    """Whether a checkpoint's position lies on this log."""
    known = 0 < position.reports <= len(log_so_far)
    return known and log_so_far[position.reports - 1][0].record.id == position.outcome_id
