"""Which project a working directory belongs to, when nobody says.

Git's own files are read instead of calling git: no process to wait for, nothing
to install, and no refusal where git distrusts a folder's owner. All worktrees of
a repository share one common directory and so one project; clones of one remote
share it too. A derived name always ends in a hash, so none can be `global` or
`default` by accident. This module knows no items.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path

from memory_core.errors import InvalidInput, shown

DEFAULT_PROJECT = "default"
_LONGEST = 128
_LONGEST_DERIVED = 60
_MOST_BYTES = 1 << 20
_PARENTS = 64

_REMOTE = re.compile(r'\s*\[\s*remote\s+"(?P<name>[^"]{1,200})"\s*\]')
_SECTION = re.compile(r"\s*\[")
_URL = re.compile(r"\s*url\s*=\s*(?P<url>\S.*)", re.IGNORECASE)
_WITH_SCHEME = re.compile(
    r"(?i)[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?P<host>[^/:]*)(?::\d+)?/+(?P<path>.+)"
)
_SCP_LIKE = re.compile(r"(?:[^/@:]*@)?(?P<host>[^/:]{2,}):(?P<path>.+)")


def _read(path: Path) -> str:
    """Give a small text file's content, "" when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _is_git_folder(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir()


def _common_directory(git: Path) -> Path:
    """Give the directory that all worktrees share, for one worktree's git directory."""
    common = _read(git / "commondir").strip()
    return (git / common) if common else git


def _git_directory(folder: Path) -> Path | None:
    """Give the git directory of a folder that has a `.git`, or is bare itself."""
    dot = folder / ".git"
    if dot.is_dir():
        return dot
    if dot.is_file():
        content = _read(dot)
        if content.startswith("gitdir:"):
            return folder / content.removeprefix("gitdir:").strip()
    return folder if _is_git_folder(folder) else None


def git_common_directory(cwd: Path) -> Path | None:
    """Give the resolved common git directory above `cwd`, None outside of a repository."""
    try:
        start = cwd.resolve()
        for folder in (start, *start.parents)[:_PARENTS]:
            git = None
            with contextlib.suppress(PermissionError):  # what lies above may be readable
                git = _git_directory(folder)
            if git is not None:
                common = _common_directory(git).resolve()
                return common if common.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # unreadable, a loop of links, a NUL in a name
        return None
    return None


def _remote_url(config: str) -> str:
    """Give the URL of `origin`, else of the first remote by name, "" without any."""
    remotes: dict[str, str] = {}
    name = ""
    for line in config.splitlines():
        section = _REMOTE.match(line)
        if section:
            name = section["name"]
        elif _SECTION.match(line):
            name = ""
        url = _URL.match(line, section.end() if section else 0)
        if url and name:
            remotes.setdefault(name, url["url"].strip().strip('"'))
    return remotes.get("origin") or (remotes[min(remotes)] if remotes else "")


def canonical_remote(url: str) -> str:
    """Give one text for all ways to write a remote: no scheme, user, port or `.git`.

    Example:
        >>> canonical_remote("git@Example.org:Team/Shop.git")
        'example.org/team/shop'
    """
    match = _WITH_SCHEME.match(url) or _SCP_LIKE.match(url)
    text = f"{match['host']}/{match['path']}" if match else url.replace("\\", "/")
    return text.rstrip("/").removesuffix(".git").rstrip("/").lower()


def _sanitised(name: str) -> str:
    return (
        re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:_LONGEST_DERIVED] or "repository"
    )


def _own_name(common: Path) -> str:
    """Give what a person calls the repository: `shop` for shop/.git and for shop.git."""
    own = common.parent.name if common.name == ".git" else common.name
    return own.removesuffix(".git")


def _derived(common: Path) -> str:
    remote = canonical_remote(_remote_url(_read(common / "config")))
    name = remote.rsplit("/", 1)[-1] if remote else _own_name(common)
    digest = hashlib.blake2b(
        (remote or str(common)).encode("utf-8", "surrogateescape"), digest_size=4
    )
    return f"{_sanitised(name)}-{digest.hexdigest()}"


def _configured(project: str) -> str:
    name = project.strip()
    if len(name) > _LONGEST:
        raise InvalidInput(
            "LESSONBANK_PROJECT",
            f"= {shown(name)} has {len(name):,} characters, at most {_LONGEST} fit",
            "Shorten it.",
        )
    if not name.isprintable():
        raise InvalidInput(
            "LESSONBANK_PROJECT",
            f"= {shown(name)} holds a character that cannot be shown",
            "Remove it.",
        )
    return name


def derive_project(cwd: Path, settings_project: str = "") -> str:
    """Give the project of calls that name none.

    Args:
        cwd: The working directory; need not exist.
        settings_project: What the user has configured; it wins when it is not blank.

    Returns:
        The configured name; else the name of the repository with a hash of its
        remote (of its place when it has none); else "default".

    Raises:
        InvalidInput: The configured name is too long or not printable.
    """
    if settings_project.strip():
        return _configured(settings_project)
    common = git_common_directory(cwd)
    return _derived(common) if common else DEFAULT_PROJECT
