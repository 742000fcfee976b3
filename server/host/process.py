"""The host process: owns one store, answers until nobody needs it, leaves nothing behind.

It ends when it was asked to, on SIGTERM and SIGINT, after idle minutes without any
front, when its store is gone, and soon after the store could not be opened (the
next front then tries anew). Calls under way are finished first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from filelock import FileLock, Timeout

from server.host.place import PROTOCOL, Announcement, Holder, HostRefused, Place, place_of
from server.host.starting import LOST_RACE

if TYPE_CHECKING:
    import uvicorn

    from memory_core.port import Memory
    from memory_core.settings import Settings
    from server.host.app import HostApp
    from server.host.typed import Ask, Carry, Said, Typed

logger = logging.getLogger(__name__)

LOCK_WITHIN = 2.0
"""Seconds to wait for a host that is just ending."""
FINISH_WITHIN = 10.0
"""Seconds that calls under way get once the host is to end."""
LEAVE_WITHIN = 25.0
"""Seconds after which the process is gone in any case."""
LOG_BYTES = 1_000_000
LOGS_KEPT = 3
_LOOK = 0.5
"""Seconds between two looks at the clock and the store."""
_FAILED_STAYS = 2.0
"""Seconds that a host answers after its store could not be opened."""
_GRACE = 1
_BACKLOG = 128


def main(argv: Sequence[str]) -> int:
    """Run the host of the store that is named first; give the process's exit code."""
    os.umask(0o077)
    try:
        place = place_of(Path(argv[0]))
    except (HostRefused, OSError):
        logging.getLogger(__name__).exception("no place for a host")
        return 1
    _log_to(place.log)
    lock = FileLock(str(place.lock), timeout=LOCK_WITHIN, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return LOST_RACE
    place.hold(Holder(os.getpid(), secrets.token_hex(8)))
    try:
        return _hosted(place)
    except NoDoor as error:
        logger.error("%s", error)  # noqa: TRY400 - the sentence says it all
        return 1
    except Exception:
        logger.exception("the host failed")
        return 1
    finally:
        lock.release()


def _log_to(path: Path) -> None:
    """Log to a rotating file: 1 MB, three old ones kept."""
    handler: logging.Handler = logging.NullHandler()
    with contextlib.suppress(OSError):
        handler = RotatingFileHandler(
            path, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8"
        )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def _hosted(place: Place) -> int:
    """Listen, open the memory, answer until the end; the lock is held by the caller."""
    from memory_core.bootstrap import open_memory, product_version
    from memory_core.settings import read_settings

    settings = replace(read_settings(), model_wait=0.0)
    if settings.store.resolve() != place.store:  # a front was told another one than the variables
        settings = replace(settings, store=place.store, remote="")
    level = logging.getLevelName(settings.log_level or "WARNING")
    logging.getLogger().setLevel(min(logging.INFO, level))
    listeners, announcement = _listening(place, product_version())
    memory = open_memory(settings)
    host = Host(place, settings, memory, announcement)
    try:
        anyio.run(host.run, listeners)
    finally:
        place.withdraw(announcement)
        if announcement.socket:
            with contextlib.suppress(OSError):
                Path(announcement.socket).unlink()
    logger.info("the host ended")
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)  # threads that load a model cannot be joined


class NoDoor(Exception):
    """Nothing can be listened on; the sentence says so."""


def _listening(place: Place, version: str) -> tuple[list[socket.socket], Announcement]:
    """Listening sockets, and what is announced of them: a unix socket and a port of loopback.

    Sandboxes refuse one or the other, to a host or to a front: one of them is enough.

    Raises:
        NoDoor: The system refuses both.
    """
    said = Announcement(os.getpid(), version, PROTOCOL, secrets.token_urlsafe(32))
    made: list[socket.socket] = []
    refused = []
    if hasattr(socket, "AF_UNIX") and sys.platform != "win32":
        try:
            path = place.socket_path()
            Path(path).unlink(missing_ok=True)  # a dead host's: the lock is ours
            made.append(_bound(socket.AF_UNIX, path))
            Path(path).chmod(0o600)
            said = said._replace(socket=path)
        except OSError as error:
            refused.append(f"no unix socket ({error.strerror or error})")
    try:
        made.append(_bound(socket.AF_INET, ("127.0.0.1", 0)))
        said = said._replace(port=int(made[-1].getsockname()[1]))
    except OSError as error:
        refused.append(f"no port on loopback ({error.strerror or error})")
    if not made:
        raise NoDoor(f"The system gives the host {' and '.join(refused)}. Serve with --in-process.")
    return made, said


def _bound(family: int, address: Any) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


@dataclass(slots=True)
class Host:
    """One host's life: from listening to the last answer."""

    place: Place
    settings: Settings
    memory: Memory
    announcement: Announcement

    async def run(self, listeners: list[socket.socket]) -> None:
        """Answer until the end, then close the memory."""
        from memory_core.settings import SHARED
        from server.host.app import HostApp

        stop = asyncio.Event()
        before = {number: _on_signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        about = {
            "pid": self.announcement.pid,
            "version": self.announcement.version,
            "protocol": PROTOCOL,
            "store": str(self.place.store),
            "started": time.time(),
            "settings": {name: getattr(self.settings, name) for name in SHARED},
        }
        app = HostApp(self.memory, self.announcement.token, about, stop, carry=_carried_out)
        server = _server(app, self._announce)
        serving = asyncio.ensure_future(server.serve(sockets=listeners))
        self.memory.warm()
        why = await self._until_done(app, stop, serving)
        logger.info("the host ends: %s", why)
        stop.set()
        watchdog = threading.Timer(LEAVE_WITHIN, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()
        with anyio.move_on_after(FINISH_WITHIN):
            await app.calls.settle()
        server.should_exit = True
        with anyio.move_on_after(2 * _GRACE):
            await serving
        await self.memory.aclose()
        watchdog.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)

    def _own_files(self) -> list[Path]:
        """What must stay the same file as long as this host lives."""
        socket_path = [Path(self.announcement.socket)] if self.announcement.socket else []
        return [self.place.store, self.place.lock, *socket_path]

    def _announce(self) -> None:
        self.place.announce(self.announcement)
        logger.info("the host of %s listens (pid %d)", self.place.store, os.getpid())

    async def _until_done(
        self, app: HostApp, stop: asyncio.Event, serving: asyncio.Future[None]
    ) -> str:
        """Wait for a reason to end and give it."""
        files = {path: _identity(path) for path in self._own_files()}
        failed_at = None
        while not stop.is_set():
            with anyio.move_on_after(_LOOK):
                await stop.wait()
            if serving.done():
                return "the listener is gone"
            if any(_identity(path) != inode for path, inode in files.items()):
                return "its files are gone"
            if self.place.read() != self.announcement:
                self._announce()
            if app.idle() > self.settings.host_idle:
                return "nobody used it"
            if self.memory.readiness().stage == "failed":
                failed_at = failed_at or time.monotonic()
                if time.monotonic() - failed_at > _FAILED_STAYS:
                    return "the store could not be opened"
        return "asked to"


def _carried_out(typed: Typed, ask: Ask) -> Said | None:
    """Carry a typed command out as the command line does, which is imported for the first one."""
    carry: Carry = import_module("server.cli.hosted").carried_out  # by name: we lie below it
    return carry(typed, ask)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _on_signal(number: int, stop: asyncio.Event) -> Any:
    """The first signal asks for the end, the next one ends at once; gives the old handler."""
    loop = asyncio.get_running_loop()

    def asked(*_: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        loop.call_soon_threadsafe(stop.set)

    return signal.signal(number, asked)


def _server(app: HostApp, announce: Callable[[], None]) -> uvicorn.Server:
    """Uvicorn that says when it listens and leaves the signals to the host."""
    import uvicorn

    class Answering(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            announce()

        @contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            yield

    config = uvicorn.Config(
        app.app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=_GRACE,
    )
    return Answering(config)
