"""The environment's only reader: every setting, its unit and its default.

Blanks and quotes around a value are left out, `~` and `$NAME` in a path are replaced, and
a relative folder lies in the user's home: each client has another working directory.

| variable | default | what |
|---|---|---|
| LESSONBANK_STORE | the user's data folder | a folder, or s3:// gs:// az:// db:// and a place |
| LESSONBANK_WORKDIR | in the user's data folder | this machine's copy of a shared store |
| LESSONBANK_INDEX | in the store's folder | a folder, or s3:// gs:// az:// db://, for the index |
| LESSONBANK_MODEL | the packaged MiniLM | folder or hub name of another embedding model |
| LESSONBANK_SCORER_MODE | learned | learned, shadow (learn, serve similarity) or similarity |
| LESSONBANK_PROJECT | derived from git, else "default" | project of calls that name none |
| LESSONBANK_SOURCE | local | who writes, shown with what was written |
| LESSONBANK_TOKEN | none | the owner's bearer token for the HTTP doors, 16 characters or more |
| LESSONBANK_PEER_TOKEN | none | shared by the writer of a store and its replicas |
| LESSONBANK_ADVERTISE | none | URL of this writer's HTTP door, for its replicas |
| LESSONBANK_LOG_LEVEL | WARNING; HTTP: INFO | DEBUG, INFO, WARNING or ERROR, to standard error |
| LESSONBANK_LOG_TEXT | 0 | 1: the log of the HTTP doors also holds what calls say |
| LESSONBANK_MODEL_WAIT | 5 | seconds a recall waits for the model before keyword search |
| LESSONBANK_BAR | 0.14 | 0 to 1: relevance from which an item is served to who asked |
| LESSONBANK_BAR_UNINVITED | 0.27 | the same where nobody asked: the hooks of a client |
| LESSONBANK_EXPLORE | 0 | 0 to 1: points of score by which untried items vary, second and below |
| LESSONBANK_HOLDOUT | 0 | 0 to 0.5: share of recalls answered without memory, to measure it |
| LESSONBANK_HOST_IDLE | 900 | seconds without a client after which the shared host ends |
| LESSONBANK_OAUTH_ISSUER | none | whose access tokens the HTTP doors take: its exact issuer URL |
| LESSONBANK_OAUTH_AUDIENCE | none | public URL of the HTTP door, then more audiences |
| LESSONBANK_OAUTH_JWKS | from the issuer's metadata | URL of the issuer's signing keys |
| LESSONBANK_OAUTH_PROJECTS_CLAIM | lessonbank_projects | claim that lists a token's projects |
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from memory_core.addresses import place_of_store, remote_of, settled, unquoted, working_directory
from memory_core.errors import InvalidInput, shown
from memory_core.spelling import composed

ScorerMode = Literal["learned", "shadow", "similarity"]
SCORER_MODES: tuple[ScorerMode, ...] = ("learned", "shadow", "similarity")
SHORTEST_SECRET = 24
"""Characters of a secret that is set by hand."""
_PATH_SIGNS = ("~", "$", "./", "../", ".\\", "..\\")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """Whose access tokens the HTTP doors take, and for what.

    `resource` is the door's public URL (RFC 9728), which is the first of `audiences`;
    `jwks` is "" when the issuer's metadata says where its keys are.
    """

    issuer: str
    resource: str
    audiences: tuple[str, ...]
    jwks: str = ""
    projects_claim: str = "lessonbank_projects"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, validated.

    `model` is "" for the packaged one; `token` and `log_level` are "" when none is set.
    `oauth` is None when no issuer is set.
    `store` is always a local folder: the store itself, or the working copy of the
    shared one at `remote` ("": there is none), which `workdir` names when it
    is not the usual one. `index` is a folder or a URL, "" for the store's own folder.
    Told by the command line:
    `notes` are sentences on settings that were taken in a way that may surprise.
    `follow`: another process writes there, this one only follows; `standby`: it waits
    until the one that writes is gone.
    """

    store: Path
    remote: str = ""
    workdir: str = ""
    index: str = ""
    follow: bool = False
    standby: bool = False
    model: str = ""
    scorer_mode: ScorerMode = "learned"
    project: str = ""
    source: str = "local"
    token: str = ""
    peer_token: str = ""
    advertise: str = ""
    log_level: str = ""
    log_text: bool = False
    model_wait: float = 5.0
    bar: float = 0.14
    bar_uninvited: float = 0.27
    explore: float = 0.0
    holdout: float = 0.0
    host_idle: float = 900.0
    oauth: OAuthSettings | None = None
    notes: tuple[str, ...] = ()


SHARED = ("index", "model", "scorer_mode", "bar", "bar_uninvited", "explore", "holdout")
"""Settings that hold for all clients of a store: its host has those of who started it."""


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise InvalidInput(
            name, f"= {shown(value)} is not known", f"Use one of {', '.join(choices)}."
        )
    return value


def _number(env: Mapping[str, str], name: str, default: str, most: float, what: str) -> float:
    """The value of a variable that is a number from 0 to `most`."""
    value = env.get(name) or default
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise InvalidInput(name, f"= {shown(value)} is not {what}", f"Use 0 to {most:g}.")
    return number


def is_secure(url: str) -> bool:
    """Whether a URL is https, or http to this machine, with a host and no user or fragment."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # raises when it is no number
    except ValueError:
        return False
    here = host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
    plain = url.isascii() and url.isprintable() and not any(sign in url for sign in ' "\\#')
    return (
        plain
        and bool(host)
        and "@" not in parts.netloc
        and (parts.scheme == "https" or (parts.scheme == "http" and here))
    )


def _secure(name: str, url: str, *, query: bool = False) -> str:
    if not is_secure(url) or ("?" in url and not query):
        raise InvalidInput(
            name,
            f"= {shown(url)} is not a URL that can be trusted",
            "Use an https URL (http on this machine only) without user, fragment"
            + (" or spaces." if query else ", query or spaces."),
        )
    return url


def _oauth(env: Mapping[str, str]) -> OAuthSettings | None:
    """The settings of OAuth, None without an issuer.

    Raises:
        InvalidInput: A URL is not secure, or one of issuer and audience is missing.
    """
    issuer = env.get("LESSONBANK_OAUTH_ISSUER", "").strip()
    audiences = tuple(env.get("LESSONBANK_OAUTH_AUDIENCE", "").split())
    jwks = env.get("LESSONBANK_OAUTH_JWKS", "").strip()
    if not issuer:
        for name in ("LESSONBANK_OAUTH_AUDIENCE", "LESSONBANK_OAUTH_JWKS"):
            if env.get(name, "").strip():
                raise InvalidInput(
                    name,
                    "is set, but LESSONBANK_OAUTH_ISSUER is not",
                    "Set the issuer too, or neither.",
                )
        return None
    if not audiences:
        raise InvalidInput(
            "LESSONBANK_OAUTH_AUDIENCE",
            "is not set, but LESSONBANK_OAUTH_ISSUER is",
            "Set it to the public URL of the door, such as https://memory.example.org/mcp.",
        )
    return OAuthSettings(
        issuer=_secure("LESSONBANK_OAUTH_ISSUER", issuer),
        resource=_secure("LESSONBANK_OAUTH_AUDIENCE", audiences[0]),
        audiences=audiences,
        jwks=_secure("LESSONBANK_OAUTH_JWKS", jwks, query=True) if jwks else "",
        projects_claim=env.get("LESSONBANK_OAUTH_PROJECTS_CLAIM") or "lessonbank_projects",
    )


def _long_enough(name: str, given: str) -> str:
    """A shared secret that is unset or long, without the line feed that files end with.

    Raises:
        InvalidInput: It is short, or no header can carry it. It is not shown.
    """
    secret = given.strip()
    if secret and (len(secret) < SHORTEST_SECRET or not re.fullmatch(r"[!-~]+", secret)):
        raise InvalidInput(
            name,
            f"has {len(secret)} characters, or some that no header carries; at least "
            f"{SHORTEST_SECRET} are needed",
            "Make one with `openssl rand -base64 32`.",
        )
    return secret


def _url(name: str, value: str) -> str:
    """The URL of an HTTP door, without a slash at the end; "" for none."""
    if value and not value.startswith(("http://", "https://")):
        raise InvalidInput(
            name, f"= {shown(value)} is no URL", "Use one such as https://writer.example.org:8377."
        )
    return value.rstrip("/")


def _token(env: Mapping[str, str]) -> str:
    """The owner's token, without the line feed that files end with.

    Raises:
        InvalidInput: It can be guessed, or no header can carry it. It is not repeated.
    """
    token = (env.get("LESSONBANK_TOKEN") or "").strip()
    if token and not re.fullmatch(r"[!-~]{16,}", token):
        raise InvalidInput(
            "LESSONBANK_TOKEN",
            f"has {len(token)} characters, or some that no header carries",
            "Use at least 16 visible ASCII characters, such as those of `openssl rand -hex 32`.",
        )
    return token


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (the process's own by default).

    Raises:
        InvalidInput: A variable holds a value that is not known.
    """
    given = os.environ if environ is None else environ
    env = {name: unquoted(value) for name, value in given.items() if name.startswith("LESSONBANK_")}
    workdir = _folder(env, "LESSONBANK_WORKDIR")
    store, remote = place_of_store(env.get("LESSONBANK_STORE") or "", workdir)
    notes: tuple[str, ...] = ()
    if not remote and not store.is_absolute():
        store = settled("LESSONBANK_STORE", env["LESSONBANK_STORE"])
        said = shown(env["LESSONBANK_STORE"])
        notes = (f"LESSONBANK_STORE = {said} is relative to your home folder: {store}.",)
    mode = _one_of(
        "LESSONBANK_SCORER_MODE", env.get("LESSONBANK_SCORER_MODE") or "learned", SCORER_MODES
    )
    level = (env.get("LESSONBANK_LOG_LEVEL") or "").upper()
    if level:
        _one_of("LESSONBANK_LOG_LEVEL", level, _LEVELS)
    return Settings(
        store=store,
        remote=remote,
        workdir=workdir,
        index=_index(env),
        model=_model(env.get("LESSONBANK_MODEL") or ""),
        scorer_mode=cast(ScorerMode, mode),
        project=composed(env.get("LESSONBANK_PROJECT") or ""),
        source=composed(env.get("LESSONBANK_SOURCE") or "local"),
        token=_token(env),
        peer_token=_long_enough("LESSONBANK_PEER_TOKEN", env.get("LESSONBANK_PEER_TOKEN") or ""),
        advertise=_url("LESSONBANK_ADVERTISE", env.get("LESSONBANK_ADVERTISE") or ""),
        log_level=level,
        log_text=_one_of("LESSONBANK_LOG_TEXT", env.get("LESSONBANK_LOG_TEXT") or "0", ("0", "1"))
        == "1",
        model_wait=_number(env, "LESSONBANK_MODEL_WAIT", "5", 600, "a number of seconds"),
        bar=_number(env, "LESSONBANK_BAR", "0.14", 1, "a relevance"),
        bar_uninvited=_number(env, "LESSONBANK_BAR_UNINVITED", "0.27", 1, "a relevance"),
        explore=_number(env, "LESSONBANK_EXPLORE", "0", 1, "a scale of exploration"),
        holdout=_number(env, "LESSONBANK_HOLDOUT", "0", 0.5, "a share of recalls"),
        host_idle=_number(env, "LESSONBANK_HOST_IDLE", "900", 86_400, "a number of seconds"),
        oauth=_oauth(env),
        notes=notes,
    )


def _index(env: Mapping[str, str]) -> str:
    """The absolute folder or the URL that LESSONBANK_INDEX names, "" for none."""
    value = env.get("LESSONBANK_INDEX") or ""
    return remote_of(value, "LESSONBANK_INDEX") or _folder(env, "LESSONBANK_INDEX")


def _folder(env: Mapping[str, str], name: str) -> str:
    """The absolute folder that a variable names, "" for none."""
    value = env.get(name) or ""
    return str(settled(name, value)) if value else ""


def _model(value: str) -> str:
    """A folder as its absolute path where it is written as one; the name of a hub as it is."""
    return str(settled("LESSONBANK_MODEL", value)) if value.startswith(_PATH_SIGNS) else value


def with_store(settings: Settings, value: str) -> Settings:
    """Give the settings for another store: a folder or a URL, as LESSONBANK_STORE takes it.

    A URL is put into this process's environment too: a host that it starts reads it there.

    Raises:
        InvalidInput: A URL that is not one of a bucket or a database.
    """
    store, remote = place_of_store(value, settings.workdir)
    if not remote and not store.is_absolute() and not working_directory().is_dir():
        raise InvalidInput(
            "store",
            f"= {shown(value)} is relative to the working directory, which was removed",
            "Change into another, or use an absolute path.",
        )
    if remote:
        os.environ["LESSONBANK_STORE"] = remote
    return replace(settings, store=store, remote=remote)
