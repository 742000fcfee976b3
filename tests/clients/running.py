"""One cell: a client over a transport, from an empty home to what it left behind."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tests.clients.catalogue import Client
from tests.clients.judging import Run
from tests.clients.model.script import Script
from tests.clients.model.serving import Exchange, Model
from tests.clients.place import Place, Server
from tests.clients.processes import left_running, run
from tests.clients.scripts import SEED

SECONDS = 240
"""Most that one run may take."""


def meet(client: Client, script: Script, root: Path, model: Model, server: Server) -> Run:
    """Set a client up in a place of its own, run it, and end what it started.

    Args:
        client: Who is met.
        script: What its model says.
        root: A folder that is not there yet; its name is the run's.
        model: The scripted model.
        server: Where the memory is served over HTTP; the empty one for stdio.
    """
    place = Place(root, model.play(root.name, script), server)
    place.make()
    place.lessonbank("remember", *SEED)
    start = client.start(place)
    environment = {**place.environment, **start.environment}
    ended = run(start.command, environment, place.folder, SECONDS)
    heard = model.heard[root.name]
    _keep(root, heard)
    stored = root.name in place.lessonbank("lessons", "--json", "--limit", "100")
    if not server.url:
        place.lessonbank("host", "stop")
    left = left_running(str(place.home))
    transport = "http" if server.url else "stdio"
    return Run(client, transport, script, heard, ended, left, stored)


def _keep(root: Path, heard: list[Exchange]) -> None:
    """Write down what the model heard and said, for whoever looks into a failure."""
    lines = (json.dumps(asdict(one), ensure_ascii=False) for one in heard)
    (root / "heard.jsonl").write_text("\n".join(lines), encoding="utf-8")
