"""`lessonbank install --all`: every client that is on this machine, each for itself."""

from __future__ import annotations

from dataclasses import replace

from memory_core.errors import InvalidInput
from server.install.answers import AllAnswer, Failed, InstallAnswer
from server.install.clients import CLIENTS, PROJECT, Machine, is_here
from server.install.command import Wish, install
from server.install.invocation import Invocation


def install_all(
    wish: Wish, *, machine: Machine | None = None, invocation: Invocation | None = None
) -> AllAnswer:
    """Install into all that are there, or uninstall; one that fails does not stop the others.

    Raises:
        InvalidInput: A file of one client is named, or the scope is not everybody's.
    """
    for name in ("config", "settings"):
        if getattr(wish, name):
            raise InvalidInput(name, "names a file of one client", "Leave --all out.")
    if wish.scope == PROJECT:
        raise InvalidInput("scope", "= 'project' is of one client", "Leave --all or --scope out.")
    here = machine or Machine.this()
    done: list[InstallAnswer] = []
    failed: list[Failed] = []
    absent: list[str] = []
    for name, client in CLIENTS.items():
        if not is_here(client, here):
            absent.append(name)
            continue
        try:
            done.append(install(replace(wish, client=name), machine=here, invocation=invocation))
        except InvalidInput as error:
            failed.append(Failed(client=name, error=str(error)))
    return AllAnswer(done=tuple(done), failed=tuple(failed), absent=tuple(absent))
