"""What holds for every test: asyncio, no network, nothing of the user's own settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_core.threads import calm_threads

calm_threads()  # before a test imports numpy or torch, as the product does


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked anyio run on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test may download a model, read the user's settings or write to the user's store."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LESSONBANK_")]:
            patch.delenv(name)
        patch.setenv("LESSONBANK_STORE", str(tmp_path_factory.mktemp("default-store")))
        patch.setenv("LESSONBANK_HOST_IDLE", "20")  # no test leaves a host for long
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("TRANSFORMERS_OFFLINE", "1")
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return Path(__file__).parent.parent
