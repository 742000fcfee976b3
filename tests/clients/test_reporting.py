from __future__ import annotations

import pytest

from tests.clients.catalogue import CLIENTS
from tests.clients.reporting import DOCUMENT, markdown, plain, with_table

TABLE = [("client", "version"), ("Codex", "1.0")]


def test_the_document_tells_of_every_client_at_the_version_that_is_pinned() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for client in CLIENTS:
        for transport in client.transports:
            assert f"| {client.title} | {client.version} | {transport} |" in text


def test_a_table_takes_the_place_of_the_one_before() -> None:
    text = "a\n<!-- table: make clients -->\nold\n<!-- end of the table -->\nb"
    written = with_table(text, markdown(TABLE))
    assert written.replace("| Codex | 1.0 |", "").count("|") == 6
    assert "old" not in written
    assert with_table(written, markdown(TABLE)) == written
    with pytest.raises(ValueError, match="no place"):
        with_table("a", "b")


def test_columns_stand_in_line() -> None:
    assert plain(TABLE) == "client  version\nCodex   1.0"
