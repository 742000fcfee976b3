"""Nobody passes for another by claiming its name; nothing that is claimed is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_core.errors import InvalidInput
from memory_core.proven import TOKENS, ProvenNames
from memory_core.shelf import FolderShelf
from server.tokens import TokenBook


@pytest.fixture
def names(tmp_path: Path) -> ProvenNames:
    TokenBook(FolderShelf(tmp_path / TOKENS), "local").create("anna")
    return ProvenNames(FolderShelf(tmp_path / TOKENS))


@pytest.mark.parametrize(
    "name",
    [
        "anna",
        "Anna",
        " anna ",
        "an\u200bna",
        "\uff41nna",
        "system",
        "SYSTEM",
        "oauth:admin",
        "OAuth: x",
    ],
)
def test_a_name_that_is_anothers_is_kept_as_claimed(names: ProvenNames, name: str) -> None:
    assert names.claimed(name) == f"claimed:{name}"


@pytest.mark.parametrize("name", ["local", "codex", "ci", "claimed:anna", "annabel"])
def test_other_names_stay_as_they_are(names: ProvenNames, name: str) -> None:
    assert names.claimed(name) == name


def test_a_token_made_or_revoked_later_counts_at_once(names: ProvenNames, tmp_path: Path) -> None:
    book = TokenBook(FolderShelf(tmp_path / TOKENS), "local")
    assert names.claimed("berta") == "berta"
    book.create("berta")
    assert names.claimed("berta") == "claimed:berta"
    book.revoke("berta")
    assert names.claimed("berta") == "claimed:berta"
    assert names.proven("berta")
    assert names.proven("oauth:7f3a via ide")
    assert not names.proven("codex")


@pytest.mark.parametrize("content", ["", "no json", '{"tokens": 5}', '{"tokens": [{}]}', "[]"])
def test_a_damaged_file_of_tokens_stops_no_report(tmp_path: Path, content: str) -> None:
    names = ProvenNames(FolderShelf(tmp_path / TOKENS))
    (tmp_path / TOKENS).write_text(content)
    assert names.claimed("codex") == "codex"
    assert names.claimed("system") == "claimed:system"


@pytest.mark.parametrize("name", ["oauth:admin", "OAuth:admin", "claimed:anna"])
def test_no_token_has_a_name_that_reads_as_anothers(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="another caller"):
        TokenBook(FolderShelf(tmp_path / TOKENS), "local").create(name)
    assert not (tmp_path / TOKENS).exists()
