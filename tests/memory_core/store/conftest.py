"""What holds for every test of the store."""

from __future__ import annotations

import pytest

from memory_core.store import disk


@pytest.fixture(autouse=True)
def _no_power_cuts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out LanceDB's syncs, most of the time of a short test.

    No test cuts the power; that the syncs are made, and before what, is the
    matter of `test_durability`, which keeps them.
    """
    if request.module.__name__.rpartition(".")[2] != "test_durability":
        monkeypatch.setattr(disk, "sync_file", lambda path: None)
