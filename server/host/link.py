"""One connection to one host: a call, its progress, its answer or its error."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx2

from memory_core.errors import MemoryUnavailable
from memory_core.port import Progress
from memory_core.settings import Settings
from server.host.place import Announcement
from server.host.protocol import KEY, SILENCE, raised
from server.host.starting import without_effect

logger = logging.getLogger(__name__)

_CONNECT = 5.0
_KEPT_OPEN = 8


_TIMEOUT = httpx2.Timeout(SILENCE, connect=_CONNECT, pool=None)


def _limits(at_once: int) -> httpx2.Limits:
    return httpx2.Limits(max_connections=at_once + 8, max_keepalive_connections=_KEPT_OPEN)


class HostEnded(Exception):
    """The host ended, or is about to: ask the next one."""


class HostBusy(Exception):
    """The host has as many calls as it takes: come again."""


class Link:
    """Closed when the host was left and the last call of this connection is over.

    Args:
        http: Sends requests to it, with what it must be told. See `of_host` and `of_url`.
    """

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.users = 0
        self.left = False

    @classmethod
    def of_host(cls, host: Announcement, at_once: int) -> Link:
        """Give a link to a host of this machine that takes so many calls at a time."""
        limits = _limits(at_once)
        http = httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(uds=host.socket or None, limits=limits),
            base_url="http://localhost" if host.socket else f"http://127.0.0.1:{host.port}",
            headers={"authorization": f"Bearer {host.token}"},
            timeout=_TIMEOUT,
            trust_env=False,
        )
        return cls(http)

    @classmethod
    def of_url(cls, url: str, token: str, at_once: int) -> Link:
        """Give a link to the same calls behind a URL, by the environment's proxies and trust."""
        http = httpx2.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
            limits=_limits(at_once),
        )
        return cls(http)

    async def close_if_left(self) -> None:
        """Close what nobody uses any more."""
        if self.left and not self.users:
            await self.close()

    async def close(self) -> None:
        """Close the connection, whoever uses it."""
        with contextlib.suppress(Exception):
            await self.http.aclose()

    async def ask(
        self, name: str, key: str, body: Mapping[str, Any], progress: Progress | None
    ) -> Any:
        """Call a method once; gives the answer's JSON.

        Raises:
            HostEnded: The host ended before it answered, or is about to.
            HostBusy: It takes no further call now.
            LessonbankError: It refused.
        """
        try:
            async with self.http.stream(
                "POST", f"/call/{name}", json=body, headers={KEY: key}
            ) as response:
                if response.status_code != 200:
                    raise _refusal(response.status_code, (await response.aread()).decode())
                async for line in response.aiter_lines():
                    said = json.loads(line) if line else {}
                    if "answer" in said:
                        return said["answer"]
                    if "error" in said:
                        raise raised(said["error"])
                    if "progress" in said and progress is not None:
                        await progress(*said["progress"])
        except (httpx2.TransportError, httpx2.StreamError, ValueError) as error:
            raise HostEnded from error
        raise HostEnded

    async def health(self) -> dict[str, Any]:
        """What the host says of itself.

        Raises:
            HostEnded: It does not answer.
        """
        try:
            return dict((await self.http.get("/health")).json())
        except (httpx2.HTTPError, ValueError, RuntimeError) as error:
            raise HostEnded from error

    async def changes(self) -> AsyncGenerator[tuple[Any, Any, Any], None]:
        """Every change (subject, key, project) until the host ends; then this link is closed."""
        try:
            with contextlib.suppress(httpx2.TransportError, httpx2.StreamError, ValueError):
                async with self.http.stream("GET", "/changes") as response:
                    async for line in response.aiter_lines():
                        said = json.loads(line) if line else {}
                        if "change" in said:
                            subject, key, project = said["change"]
                            yield subject, key, project
        finally:
            await self.close()

    async def warn_if_other(self, settings: Settings) -> None:
        """Warn where a front was set up otherwise than the host that it shares."""
        if without_effect(settings, {}):
            with contextlib.suppress(HostEnded):
                for sentence in without_effect(settings, await self.health()):
                    logger.warning("%s", sentence)


def _refusal(status: int, text: str) -> Exception:
    """What a status other than 200 means: stopping and busy pass, the rest does not.

    A host says what is wrong as `protocol.told` does; the guard before a writer's door says
    it in its own words.
    """
    if status == 429 or (status == 503 and "busy" in text):
        return HostBusy()
    if status in (401, 503):
        return HostEnded()
    if status == 421:
        return MemoryUnavailable(
            "The memory's writer does not answer to the name in its LESSONBANK_ADVERTISE, so "
            "nothing can be stored; recalls go on. Start the writer with that name as an "
            "--allowed-host."
        )
    with contextlib.suppress(ValueError, KeyError, TypeError):
        said = json.loads(text)["error"]
        if isinstance(said, dict):
            return raised(said)
    return MemoryUnavailable(f"The memory's host answered with status {status}. Try again.")
