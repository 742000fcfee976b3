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
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memory_core.errors import InvalidInput, shown
from memory_core.git_config import read_config
from memory_core.repositories import settled_name
from memory_core.spelling import composed

DEFAULT_PROJECT = "default"
_LONGEST = 128
_MOST_NEAR = 3
_LONGEST_DERIVED = 60
_MOST_BYTES = 1 << 20
_PARENTS = 64

_WITH_SCHEME = re.compile(
    r"(?i)[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?P<host>[^/:]*)(?::\d+)?/+(?P<path>.+)"
)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
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
    """Give the resolved common git directory above `cwd`, None outside of a repository.

    That of a worktree whose repository was moved away is where it was: it does not exist.
    """
    try:
        start = cwd.resolve()
        for folder in (start, *start.parents)[:_PARENTS]:
            git = None
            with contextlib.suppress(PermissionError):  # what lies above may be readable
                git = _git_directory(folder)
            if git is not None:
                common = _common_directory(git).resolve()
                if common.parent.name == "worktrees" and not common.exists():
                    return common.parent.parent
                return common if common.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # unreadable, a loop of links, a NUL in a name
        return None
    return None


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


def _remote_of(common: Path) -> str:
    """Give one text for the remote of a repository, "" when it has none.

    A relative one is a place beside the repository, another for each.
    """
    url = read_config(common).remote().strip()
    if not url:
        return ""
    local = not _WITH_SCHEME.match(url) and (
        "/" in url.partition(":")[0] or ":" not in url or url.startswith(".")
    )
    if local and not url.replace("\\", "/").startswith("/") and not _DRIVE.match(url):
        top = common.parent if common.name == ".git" else common
        url = os.path.normpath(top / url)
    return canonical_remote(url)


def _derived(common: Path, store: Path | None) -> str:
    remote = _remote_of(common) if common.is_dir() else ""
    name = remote.rsplit("/", 1)[-1] if remote else _own_name(common)
    digest = hashlib.blake2b(
        (remote or str(common)).encode("utf-8", "surrogateescape"), digest_size=4
    )
    name = f"{_sanitised(name)}-{digest.hexdigest()}"
    return settled_name(store, common, name, by_place=not remote) if store is not None else name


def _configured(project: str) -> str:
    name = composed(project.strip())
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


def derive_project(cwd: Path, settings_project: str = "", store: Path | None = None) -> str:
    """Give the project of calls that name none.

    Args:
        cwd: The working directory; need not exist.
        settings_project: What the user has configured; it wins when it is not blank.
        store: Where it is remembered which repository had which project.

    Returns:
        The configured name; else the name of the repository with a hash of its
        remote (of its place when it has none); else "default".

    Raises:
        InvalidInput: The configured name is too long or not printable.
    """
    if settings_project.strip():
        return _configured(settings_project)
    common = git_common_directory(cwd)
    return _derived(common, store) if common else DEFAULT_PROJECT


CLIENT_VARIABLES = (
    *("CLAUDE_PROJECT_DIR", "CURSOR_PROJECT_DIR", "WINDSURF_PROJECT_DIR", "KIRO_PROJECT_DIR"),
    *("GEMINI_PROJECT_DIR", "QWEN_PROJECT_DIR", "WORKSPACE_FOLDER_PATHS"),
)
"""In which clients tell the programs that they start where their project is."""


@dataclass(frozen=True, slots=True)
class Located:
    """The project of a client, and in a few words why it is that one."""

    name: str
    why: str

    @property
    def is_fallback(self) -> bool:
        """Whether nothing led to it: calls of all such clients share it."""
        return self.name == DEFAULT_PROJECT and self.why != CONFIGURED


CONFIGURED = "it is configured"


def locate_project(
    cwd: Path, configured: str, environ: Mapping[str, str], store: Path | None = None
) -> Located:
    """Give the project of a client that does not have to start in it.

    The order: what the user configured; the folder that the client names in its own
    variable; the working directory; "default".

    Args:
        cwd: The working directory; need not exist.
        configured: `LESSONBANK_PROJECT` or `--project`, "" for none.
        environ: Where the client's variable is.
        store: See `derive_project`.

    Raises:
        InvalidInput: The configured name is too long or not printable.
    """
    if configured.strip():
        return Located(derive_project(cwd, configured), CONFIGURED)
    folders = [
        (folder, name) for name in CLIENT_VARIABLES for folder in _folders_in(environ.get(name, ""))
    ]
    return project_of_folders([*folders, (cwd, "the working directory")], store)


def project_of_folders(folders: Sequence[tuple[Path, str]], store: Path | None = None) -> Located:
    """Give the project of the first of these folders (folder, what named it) in a repository."""
    for folder, told in folders:
        name = derive_project(folder, store=store)
        if name != DEFAULT_PROJECT:
            return Located(name, f"{told} is {folder}")
    seen = " and ".join(dict.fromkeys(str(folder) for folder, _ in folders))
    return Located(DEFAULT_PROJECT, f"{seen} is in no git repository")


def _folders_in(value: str) -> list[Path]:
    """The folders there are that a variable names: one, some with commas, or a JSON list."""
    names = [value]
    if value.startswith("["):
        with contextlib.suppress(ValueError):
            names = [str(one) for one in json.loads(value)]
    elif "," in value and not Path(value).is_dir():
        names = value.split(",")
    found = []
    for name in names:
        with contextlib.suppress(OSError, ValueError):
            path = Path(name.strip())
            if path.is_absolute() and path.is_dir():
                found.append(path)
    return found


def near_names(name: str, known: Collection[str]) -> tuple[str, ...]:
    """Give known names that a person may have meant, at most three."""
    from difflib import get_close_matches

    folded = {one.casefold(): one for one in sorted(known)}
    wanted = name.casefold()
    stems = [one for key, one in folded.items() if wanted and (wanted in key or key in wanted)]
    close = [folded[one] for one in get_close_matches(wanted, folded, _MOST_NEAR, 0.75)]
    return tuple(dict.fromkeys([*close, *stems]))[:_MOST_NEAR]
