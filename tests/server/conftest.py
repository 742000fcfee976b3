"""Real servers for the whole run: one process for each HTTP transport, started when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.server.connections import Served


@pytest.fixture(scope="session")
def served_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Give the URL of the shared server of a transport ("http" or "sse")."""
    running: dict[str, Served] = {}

    def url_of(transport: str) -> str:
        if transport not in running:
            running[transport] = Served(transport, tmp_path_factory.mktemp(transport))
        return running[transport].url

    yield url_of
    for served in running.values():
        served.end()
