"""The C allocator gives large blocks back; a user's own setting stands."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from tests.patience import PATIENCE

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library gives memory back as it likes"
)

# Blocks of a megabyte and more are freed in turn, which raises glibc's threshold; then many blocks
# of two megabytes are kept alive between small ones, and the large ones are freed.
PROBE = """
import ctypes, resource, sys
from memory_core.allocator import fit_allocator, steady_allocator
steady_allocator()
fit_allocator(int(sys.argv[1]))
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def resident():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * resource.getpagesize() / 2**20

def block(size):
    place = libc.malloc(size)
    ctypes.memset(place, 1, size)
    return place

libc.free(block(30 * 2**20))
before = resident()
large, small = [], []
for _ in range(100):
    large.append(block(2 * 2**20))
    small.append(block(1024))
for place in large:
    libc.free(place)
print(resident() - before)
"""


def left_over(items: int = 1_000, **more: str) -> float:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    told = subprocess.run(
        [sys.executable, "-c", PROBE, str(items)],
        env={**environment, **more},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return float(told.stdout)


def test_what_is_freed_between_small_blocks_is_given_back() -> None:
    assert left_over() < 20  # of 200 MB


def test_a_setting_of_the_users_stands() -> None:
    """With a threshold above the blocks they lie in the heap, between the small ones."""
    kept = left_over(MALLOC_MMAP_THRESHOLD_=str(32 * 2**20), MALLOC_TRIM_THRESHOLD_=str(2**40))
    assert kept > 150


def test_with_many_items_large_blocks_are_kept_for_the_next_search() -> None:
    assert left_over(10_000) > 150
