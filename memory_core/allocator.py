"""How the C allocator gives memory back: at once in small stores, as it likes in larger ones."""

from __future__ import annotations

import ctypes
import os
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt(3)."""
_OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
"""Where users set the same."""
LARGE = 1 << 20
"""Bytes from which a block is given back to the system as soon as it is freed."""
MOST = (32 << 20, 64 << 20)
"""What glibc's own thresholds, for mapping and for trimming, rise to."""
STEADY_ITEMS = 2_500
"""With more items a search allocates so much that giving it back costs a recall its time."""

_steady: list[bool] = []
"""Holds something while glibc gives large blocks back."""


def steady_allocator() -> None:
    """Make glibc give large blocks back when they are freed; other C libraries are left alone.

    By itself glibc raises the size from which blocks are mapped one by one up to 32 MB, as such
    blocks are freed, and keeps what is smaller in the heaps of its threads. Merging tables then
    leaves its buffers there for ever. A value that the user has set is kept.

    Source: mallopt(3), M_MMAP_THRESHOLD: setting it ends the raising.
    """
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in _OWN):
        return
    _set(LARGE, LARGE)
    _steady[:] = [True]


def fit_allocator(items: int) -> None:
    """Let glibc keep large blocks from now on where a store has many items.

    Does nothing unless `steady_allocator` was called, and took effect, before.
    """
    if _steady and items > STEADY_ITEMS:
        _set(*MOST)
        _steady.clear()


def _set(mapped: int, trimmed: int) -> None:
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_THRESHOLD, mapped)
    libc.mallopt(_TRIM_THRESHOLD, trimmed)
