"""How the C allocator gives memory back. Called before the store and the model are opened."""

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


def steady_allocator() -> None:
    """Make glibc give large blocks back when they are freed; other C libraries are left alone.

    By itself glibc raises the size from which blocks are mapped one by one up to 32 MB, as such
    blocks are freed, and keeps what is smaller in the heaps of its threads. Merging tables then
    leaves its buffers there for ever. A value that the user has set is kept.

    Source: mallopt(3), M_MMAP_THRESHOLD: setting it ends the raising.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    if any(name in os.environ for name in _OWN):
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_THRESHOLD, LARGE)
    libc.mallopt(_TRIM_THRESHOLD, LARGE)
