"""What holds for every test: asyncio, no network, nothing of the user's own settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from memory_core.threads import calm_threads
from tests.tiers import TIERS, forbid_slow_things

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

calm_threads()  # before a test imports numpy or torch, as the product does


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--tier`: what `tests.tiers` says of it; without it all tests are run."""
    parser.addoption("--tier", choices=TIERS, help="run the tests of one tier alone")


def pytest_configure(config: pytest.Config) -> None:
    """Hold quick tests to what they promise."""
    if config.getoption("--tier") == "quick":
        sys.addaudithook(forbid_slow_things)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the other tiers, where one is asked for."""
    tier = config.getoption("--tier")
    if tier:
        kept = [item for item in items if TIERS[tier](item)]
        config.hook.pytest_deselected(items=[item for item in items if not TIERS[tier](item)])
        items[:] = kept


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
        patch.delenv("COLUMNS", raising=False)  # texts are as wide as each test says
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


@pytest.fixture(scope="session")
def s3_port(repository: Path) -> Iterator[int]:
    """The port of a real S3 server that all tests of the session share."""
    from tests.memory_core.store.remote.bucket import s3_server

    with s3_server(repository) as port:
        yield port


@pytest.fixture(scope="session")
def database_port(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a stand-in for LanceDB's remote service that all tests of the session share."""
    from tests.memory_core.store.remote.bucket import database_server

    with database_server(repository, tmp_path_factory.mktemp("databases")) as port:
        yield port


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long pauses, and a lease and requests that no machine is too slow for."""
    from memory_core.store.remote import follower, lease, objects, session, uploading

    monkeypatch.setattr(lease, "LENGTH", 30.0)
    monkeypatch.setattr(objects, "TIMEOUT", 30.0)
    monkeypatch.setattr(uploading, "SECONDS", 0.05)
    monkeypatch.setattr(session, "INBOX_SECONDS", 0.1)
    monkeypatch.setattr(follower, "SECONDS", 0.02)


@pytest.fixture
def bucket_url(s3_port: int, hurried: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """An unused prefix in a bucket, and the variables that lead to it."""
    from tests.memory_core.store.remote.bucket import new_url, variables

    for name, value in variables(s3_port).items():
        monkeypatch.setenv(name, value)
    return new_url()


@pytest.fixture
def database_url(database_port: int, hurried: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """An unused prefix in a database, and the variables that lead to it."""
    from tests.memory_core.store.remote.bucket import database_variables, new_database_url

    for name, value in database_variables(database_port).items():
        monkeypatch.setenv(name, value)
    return new_database_url()


@pytest.fixture(params=["bucket", "database"])
def shared_url(request: pytest.FixtureRequest) -> str:
    """One after the other."""
    return str(request.getfixturevalue(f"{request.param}_url"))
