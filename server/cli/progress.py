"""One line on standard error while a call waits long, gone when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable

from server.cli.terminal import cut
from server.plain import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_PATIENCE = 1.0
"""Seconds before anything is shown: most calls are done by then."""
_WIDTH = 78


class ProgressLine:
    """Shows on a stream how far a call is.

    Nothing is shown in the first `patience` seconds. On a terminal one line is rewritten;
    elsewhere each message is written once.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        patience: float = _PATIENCE,
    ) -> None:
        self._stream, self._clock, self._patience = stream, clock, patience
        self._began = clock()
        self._shown = ""
        self._rewrites = stream.isatty()

    def tell(self, fraction: float, message: str) -> None:
        """Take what a call tells of itself."""
        self.show(one_line(message), fraction)

    def show(self, message: str, fraction: float | None = None) -> None:
        """Show a message, when the wait has been long enough and it says something new."""
        if self._clock() - self._began < self._patience:
            return
        share = f" ({max(0.0, min(fraction, 1.0)):.0%})" if fraction and self._rewrites else ""
        text = cut(f"... {message}{share}", _WIDTH)
        if text == self._shown:
            return
        self._shown = text
        self._stream.write(f"\r{text.ljust(_WIDTH)}" if self._rewrites else f"{text}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown and self._rewrites:
            self._stream.write(f"\r{' ' * _WIDTH}\r")
            self._stream.flush()
        self._shown = ""
