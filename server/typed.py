"""A command as it was typed, handed to the store's host: that does all of it, this prints.

Each module that is imported costs a command a twentieth of Python's own start, so that hardly
any is imported here. What is not plainly the host's to answer goes the ordinary way
(`server.cli`), which has every case and every sentence; what a host had begun of it counts
once, since both ways have the same key.
"""

import os
from stat import S_ISDIR

from memory_core.version import VERSION

PROTOCOL = 5
"""Version of what is said over the host's socket; both sides must have the same."""
SILENCE = 20.0
"""Seconds without any sign of life after which a host is taken for dead."""
SETTINGS = ("LESSONBANK_STORE", "LESSONBANK_PROJECT", "LESSONBANK_SOURCE")
"""Variables whose value is taken as it is; with any other one settings have to be read."""
OF_THE_TERMINAL = ("COLUMNS", "NO_COLOR", "TERM")
_PIECE = 1 << 16


def carried_out(words: list[str], key: str) -> int | None:
    """Have the host of this store carry a command out, and print what it says.

    Args:
        words: The command's arguments.
        key: What the host knows this command by, however often it is asked.

    Returns:
        The exit code; None when the command must go the ordinary way.
    """
    others = (name for name in os.environ if name.startswith("LESSONBANK_"))
    if os.name != "posix" or words[:1] == ["hook"] or not set(SETTINGS).issuperset(others):
        return None
    try:
        for number in (0, 1, 2):
            os.fstat(number)  # a closed one's number would be the next file's
        if words == ["--version"]:
            return _written(1, f"lessonbank {VERSION}\n".encode())
        store = _store(words)
        door, token = _door(store)
        wire = _connected(door)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    try:
        wire.sendall(_request(token, [*_situation(store, key), *words]))
        code, said, complained = _heard(wire)
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError):
        return None
    finally:
        wire.close()
    return _written(2, complained) or _written(1, said) or code


def _store(words: list[str]) -> str:
    """The folder of the store as it seems; the host compares it with what it reads."""
    store = os.environ.get("LESSONBANK_STORE", "")
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word == "--store" or word.startswith("--store="):
            store = after if word == "--store" else word.removeprefix("--store=")
    if store:
        return store
    from memory_core.folders import user_data_folder

    return user_data_folder()


class _Json:
    """How JSON is read by the C part of `json` alone: that imports `re` and more."""

    strict, object_hook, object_pairs_hook = True, None, None
    parse_float, parse_int, parse_constant = float, int, None


def _door(store: str) -> tuple[str, str]:
    """The socket of this very store's host and its token; `server.host.announced` knows more.

    Raises:
        OSError, ValueError, LookupError, TypeError: There is none that is plainly our own.
    """
    from _json import make_scanner

    scan = make_scanner(_Json)  # type: ignore[arg-type]  # whatever has its attributes
    near, me = os.path.join(store, "host"), os.geteuid()  # noqa: PTH118
    folder, about = os.stat(store), os.lstat(near)  # noqa: PTH116
    handle = os.open(os.path.join(near, "host.json"), os.O_RDONLY | os.O_NOFOLLOW)  # noqa: PTH118
    try:
        if not S_ISDIR(about.st_mode) or {about.st_uid, os.fstat(handle).st_uid} != {me}:
            raise ValueError("it is another user's")
        said = scan(os.read(handle, _PIECE).decode(), 0)[0]
    finally:
        os.close(handle)
    same = (PROTOCOL, VERSION, [folder.st_dev, folder.st_ino])
    if (said["protocol"], said["version"], said["folder"]) != same:
        raise ValueError("it is of another version, or of a copied store")
    return said["socket"], said["token"]


def _connected(door: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    import _socket  # what `socket` wraps, in a third of its time

    wire = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    wire.settimeout(SILENCE)
    wire.connect(door)
    return wire


def _situation(store: str, key: str) -> list[str]:
    """What a command depends on beside its words, as `server.host.typed` reads it."""
    about = os.stat(".")  # noqa: PTH116
    try:
        columns = str(os.get_terminal_size(1).columns)
    except OSError:
        columns = ""
    variables = [os.environ.get(name, "") for name in (*SETTINGS, *OF_THE_TERMINAL)]
    path = os.getcwd()  # noqa: PTH109
    return [key, store, path, str(about.st_dev), str(about.st_ino), columns, *variables]


def _request(token: str, texts: list[str]) -> bytes:
    body = "\0".join(texts).encode("utf-8", "surrogateescape")
    head = (
        "POST /typed HTTP/1.0",
        f"authorization: Bearer {token}",
        f"content-length: {len(body)}",
    )
    return "\r\n".join([*head, "", ""]).encode() + body


def _heard(wire) -> tuple[int, bytes, bytes]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """The exit code and the bytes for standard output and error, once they are all there.

    Raises:
        OSError, ValueError: There was no whole answer, or the command is none of the host's.
    """
    pieces = []
    while piece := wire.recv(_PIECE):
        pieces.append(piece)
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\n")[0]:
        raise ValueError("refused")
    first, _, said = body.lstrip(b"\n").partition(b"\n")  # an empty line is a sign of life
    code, out, complained = map(int, first.split())
    if len(said) != out + complained:
        raise ValueError("cut off")
    return code, said[:out], said[out:]


def _written(number: int, text: bytes) -> int:
    """Write all of a text; give 0, or the exit code when it cannot be written."""
    try:
        while text:
            text = text[os.write(number, text) :]
    except BrokenPipeError:  # the reader has what it wanted
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if number == 1:
            _written(2, f"lessonbank: the answer cannot be written ({error.strerror})\n".encode())
        return 1
    return 0
