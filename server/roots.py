"""Where a client of the handshake era says that it works: its roots, asked for once.

Newer clients and most others have none; nobody waits long for an answer.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import mcp_types as types
from mcp.server.context import ServerRequestContext

logger = logging.getLogger(__name__)

WITHIN = 3.0
"""Seconds for the client's answer."""


async def root_folders(ctx: ServerRequestContext[Any]) -> list[Path]:
    """Give the folders that the client names, [] where it offers none or does not answer."""
    offered = ctx.session.client_capabilities
    if offered is None or offered.roots is None or not ctx.session.can_send_request:
        return []
    try:
        answer = await ctx.session.send_request(
            types.ListRootsRequest(), types.ListRootsResult, request_read_timeout_seconds=WITHIN
        )
    except Exception as error:  # noqa: BLE001 - whatever a client answers, calls go on
        logger.info("the client did not tell its roots (%s)", type(error).__name__)
        return []
    found = (folder_of(str(root.uri)) for root in answer.roots)
    return [folder for folder in found if folder is not None]


def folder_of(uri: str) -> Path | None:
    """Give the folder of a file URI, None for anything else."""
    try:
        parts = urlsplit(uri)
        if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
            return None
        path = Path(url2pathname(parts.path))
    except ValueError:
        return None
    return path if path.is_absolute() and "\0" not in str(path) else None
