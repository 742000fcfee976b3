"""Settings are read once, checked, and refused with their name and range."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memory_core.errors import InvalidInput
from memory_core.settings import OAuthSettings, is_secure, read_settings, with_store

ISSUER = {"LESSONBANK_OAUTH_ISSUER": "https://issuer.example.org/tenant"}
AUDIENCE = {"LESSONBANK_OAUTH_AUDIENCE": "https://memory.example.org/mcp"}


def test_exploration_and_holdout_are_off_by_default() -> None:
    settings = read_settings({"LESSONBANK_STORE": "somewhere"})
    assert (settings.explore, settings.holdout) == (0.0, 0.0)


def test_exploration_and_holdout_are_read() -> None:
    settings = read_settings({"LESSONBANK_EXPLORE": "0.3", "LESSONBANK_HOLDOUT": "0.1"})
    assert (settings.explore, settings.holdout) == (0.3, 0.1)


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [
        ("LESSONBANK_EXPLORE", "1.01", "1"),
        ("LESSONBANK_EXPLORE", "-0.1", "1"),
        ("LESSONBANK_EXPLORE", "much", "1"),
        ("LESSONBANK_HOLDOUT", "0.6", "0.5"),
        ("LESSONBANK_HOLDOUT", "nan", "0.5"),
        ("LESSONBANK_MODEL_WAIT", "601", "600"),
    ],
)
def test_a_number_out_of_range_is_refused_with_its_range(name: str, value: str, most: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name}.*Use 0 to {most}"):
        read_settings({name: value})


def test_without_an_issuer_there_is_no_oauth() -> None:
    assert read_settings({}).oauth is None
    assert read_settings({"LESSONBANK_OAUTH_ISSUER": " "}).oauth is None


def test_oauth_needs_an_issuer_and_an_audience() -> None:
    assert read_settings({**ISSUER, **AUDIENCE}).oauth == OAuthSettings(
        issuer="https://issuer.example.org/tenant",
        resource="https://memory.example.org/mcp",
        audiences=("https://memory.example.org/mcp",),
    )


def test_oauth_can_be_told_more() -> None:
    more = {
        "LESSONBANK_OAUTH_AUDIENCE": "https://memory.example.org/mcp api://memory 0a1b",
        "LESSONBANK_OAUTH_JWKS": "https://issuer.example.org/keys?policy=p",
        "LESSONBANK_OAUTH_PROJECTS_CLAIM": "https://memory.example.org/projects",
    }
    oauth = read_settings({**ISSUER, **more}).oauth
    assert oauth is not None
    assert oauth.resource == "https://memory.example.org/mcp"
    assert oauth.audiences == ("https://memory.example.org/mcp", "api://memory", "0a1b")
    assert oauth.jwks == "https://issuer.example.org/keys?policy=p"
    assert oauth.projects_claim == "https://memory.example.org/projects"


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (ISSUER, "LESSONBANK_OAUTH_AUDIENCE is not set, but LESSONBANK_OAUTH_ISSUER is"),
        (AUDIENCE, "LESSONBANK_OAUTH_AUDIENCE is set, but LESSONBANK_OAUTH_ISSUER is not"),
        (
            {"LESSONBANK_OAUTH_JWKS": "https://issuer.example.org/keys"},
            "LESSONBANK_OAUTH_JWKS is set, but LESSONBANK_OAUTH_ISSUER is not",
        ),
        (
            {"LESSONBANK_OAUTH_ISSUER": "http://issuer.example.org", **AUDIENCE},
            "LESSONBANK_OAUTH_ISSUER = 'http://issuer.example.org' .*Use an https URL",
        ),
        (
            {**ISSUER, "LESSONBANK_OAUTH_AUDIENCE": "memory"},
            "LESSONBANK_OAUTH_AUDIENCE = 'memory' .*Use an https URL",
        ),
        (
            {**ISSUER, **AUDIENCE, "LESSONBANK_OAUTH_JWKS": "http://issuer.example.org/keys"},
            "LESSONBANK_OAUTH_JWKS = .*Use an https URL",
        ),
    ],
)
def test_oauth_that_is_not_whole_or_not_secure_is_refused(
    environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        read_settings(environ)


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example.org",
        "https://issuer.example.org:8443/a/b/",
        "http://127.0.0.1:8080/tenant",
        "http://localhost:8080",
        "http://[::1]:8080",
    ],
)
def test_urls_that_can_be_trusted(url: str) -> None:
    assert is_secure(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "issuer.example.org",
        "https://",
        "https:///path",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://10.0.0.1",
        "https://user@issuer.example.org",
        "https://issuer.example.org/#a",
        "https://issuer.example.org/a b",
        "https://issuer.example.org:port",
        "https://[::1",
        "https://issuer.example.org/\r\nX: y",
        'https://issuer.example.org/"',
        "https://is\u00e9.example.org",
        "ftp://issuer.example.org",
        "file:///etc/passwd",
    ],
)
def test_urls_that_cannot_be_trusted(url: str) -> None:
    assert not is_secure(url)


def test_a_bucket_has_a_working_folder_of_its_own() -> None:
    one = read_settings({"LESSONBANK_STORE": "s3://lessons/team/"})
    other = read_settings({"LESSONBANK_STORE": "s3://lessons/team2"})
    assert one.remote == "s3://lessons/team"
    assert one.store.is_absolute()
    assert one.store != other.store
    given = {"LESSONBANK_STORE": "gs://lessons/team", "LESSONBANK_WORKDIR": "/work/here"}
    assert read_settings(given).store == Path("/work/here")


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("db://team", "db://team/lessonbank"),
        ("DB://Team_1/", "db://Team_1/lessonbank"),
        ("db://team/other-memory", "db://team/other-memory"),
    ],
)
def test_a_database_is_known_by_its_name_and_prefix(value: str, url: str) -> None:
    assert read_settings({"LESSONBANK_STORE": value}).remote == url


@pytest.mark.parametrize(
    ("value", "index"),
    [
        ("", ""),
        ("/far/away", "/far/away"),
        (" 's3://lessons/index/' ", "s3://lessons/index"),
        ("db://lessons", "db://lessons/lessonbank"),
    ],
)
def test_an_index_may_be_elsewhere(value: str, index: str) -> None:
    assert read_settings({"LESSONBANK_INDEX": value}).index == index


def test_an_index_that_is_no_place_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidInput, match=r"LESSONBANK_INDEX.*ftp"):
        read_settings({"LESSONBANK_INDEX": "ftp://lessons/index"})


def test_a_folder_has_no_bucket() -> None:
    for value in ("somewhere", "/abs/olute", "~/home", "C:/memory", "a:b"):
        assert read_settings({"LESSONBANK_STORE": value}).remote == ""


def test_a_path_is_read_as_a_shell_would_have_read_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    written = ("$HOME/x", "${HOME}/x", "~/x", '"~/x"', "'$HOME/x'", " ~/x \n", str(tmp_path / "x"))
    for value in written:
        assert read_settings({"LESSONBANK_STORE": value}).store == tmp_path / "x"
        assert with_store(read_settings({}), value).store == tmp_path / "x"
        given = {"LESSONBANK_STORE": "s3://lessons/team", "LESSONBANK_WORKDIR": value}
        assert read_settings(given).store == tmp_path / "x"
        assert read_settings({"LESSONBANK_MODEL": value}).model == str(tmp_path / "x")
    assert read_settings({"LESSONBANK_STORE": "$DATA"}).store == tmp_path / "data"


def test_a_relative_store_is_one_store_for_clients_of_every_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found.append(read_settings({"LESSONBANK_STORE": "./memory"}))
    assert [one.store for one in found] == [tmp_path / "home" / "memory"] * 2
    assert "relative to your home folder" in found[0].notes[0]
    assert read_settings({"LESSONBANK_STORE": str(tmp_path)}).notes == ()


def test_empty_and_quoted_values_are_read_as_they_were_meant() -> None:
    usual = read_settings({})
    for empty in ("", " ", "''", '" "'):
        names = ("STORE", "MODEL", "PROJECT", "SOURCE", "SCORER_MODE", "MODEL_WAIT", "HOST_IDLE")
        assert read_settings({f"LESSONBANK_{name}": empty for name in names}) == usual
    assert read_settings({"LESSONBANK_PROJECT": '"shop"'}).project == "shop"
    assert read_settings({"LESSONBANK_SCORER_MODE": " shadow\n"}).scorer_mode == "shadow"
    assert read_settings({"LESSONBANK_MODEL": "org/name"}).model == "org/name"


@pytest.mark.parametrize("name", ["LESSONBANK_STORE", "LESSONBANK_WORKDIR", "LESSONBANK_INDEX"])
@pytest.mark.parametrize(
    "value", ["/a\nb", "/a\0b", "/a\x1bb", "$NO_SUCH/x", "${}/x", "~nobody-here/x"]
)
def test_a_path_that_no_folder_has_is_refused_in_one_sentence(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} = ") as raised:
        read_settings({name: value})
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    "value",
    [
        "s3://",
        "s3://lessons",
        "s3://lessons/",
        "s3:///prefix",
        "s3://UPPER/prefix",
        "s3://lessons/../other",
        "s3://lessons/a//b",
        "s3://lessons/pre fix",
        "s3://key:secret@lessons/prefix",
        "http://lessons/prefix",
        "db://",
        "db:///prefix",
        "db://name/a/b",
        "db://na.me",
        "db://name/pre-fix;drop",
        "db://key@name",
        "file:///tmp/store",
    ],
)
def test_a_url_that_is_no_bucket_and_prefix_is_refused_in_one_sentence(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"LESSONBANK_STORE.*Use s3://BUCKET/PREFIX"):
        read_settings({"LESSONBANK_STORE": value})


def test_a_key_in_a_url_is_not_repeated() -> None:
    for value in ("db://team/x?api_key=sk_secret", "s3://me:sk_secret@lessons/prefix"):
        with pytest.raises(InvalidInput, match="LESSONBANK_STORE") as raised:
            read_settings({"LESSONBANK_STORE": value})
        assert "sk_secret" not in str(raised.value)


def test_another_store_takes_folder_and_bucket_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESSONBANK_STORE", "s3://lessons/team")
    settings = read_settings()
    assert with_store(settings, "somewhere").remote == ""
    assert with_store(settings, "somewhere").store == Path("somewhere")
    other = with_store(settings, "s3://lessons/other/")
    assert (other.remote, os.environ["LESSONBANK_STORE"]) == ("s3://lessons/other",) * 2
    assert other.store != settings.store


@pytest.mark.parametrize("token", ["short", "sixteen letters and a space", "é" * 20, "a\nb" * 9])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_settings({"LESSONBANK_TOKEN": token})
    assert token not in str(refused.value)


@pytest.mark.parametrize(("token", "read"), [("", ""), (" \n", ""), (f"{'x' * 16}\n", "x" * 16)])
def test_a_token_is_read_without_the_white_space_of_its_file(token: str, read: str) -> None:
    assert read_settings({"LESSONBANK_TOKEN": token}).token == read


@pytest.mark.parametrize("secret", ["short", "twenty-four letters and white space", "é" * 30])
def test_a_secret_of_peers_that_is_short_or_cannot_be_sent_is_refused(secret: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_settings({"LESSONBANK_PEER_TOKEN": secret})
    assert secret not in str(refused.value)


def test_a_secret_of_peers_is_read_without_the_line_feed_of_its_file() -> None:
    made = "c2VjcmV0IG9mIHRoZSBwZWVycyBvZiBhIHN0b3Jl"
    assert read_settings({"LESSONBANK_PEER_TOKEN": f"{made}\n"}).peer_token == made
