"""The compressed conditions of a failure, from the text of its error.

The same error with other paths, numbers, ids and names gives the same text, the
same class and the same id; another type or message gives others. Fast on logs
of any size. This module knows no vectors and no storage.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from memory_core.error_reading import ReadError, log_lines, read_error
from memory_core.skeleton import skeleton

_MESSAGE = 300
_WORDS = 7
_TELLING = re.compile(
    r"(?i)\b(?:error|fail(?:ed|ure)?|fatal|cannot|can't|could not|unable|invalid|not found|missing|"
    r"denied|refused|expected|unexpected|mismatch|wrong)\b"
)
_GENERIC = frozenset(
    {
        *("Error", "error", "Exception", "RuntimeError", "RuntimeException", "SystemError"),
        *("OSError", "IOError", "Throwable", "OperationalError", "ProgrammingError"),
        *("IntegrityError", "DatabaseError", "InterfaceError", "InternalError", "SQLException"),
        *(
            "HTTPError",
            "ClientError",
            "panic",
            "panicked",
            "fatal error",
            "ERROR",
            "FATAL",
            "PANIC",
        ),
    }
)
"""Types that say little: their class takes the first words of the message too."""
_ERRNO = re.compile(r"^\[(?:Errno|WinError) [0-9]{1,6}\] ?")
_DRIVER = re.compile(r"^\((?:\w{1,40}\.){1,4}(?P<type>\w{1,40})\) ?")
_CODE = re.compile(r"^(?P<code>E[A-Z]{3,20}|ERR_[A-Z_]{3,60})(?=[:\s]|$)")
_STATUS = re.compile(r"^(?P<code>[45][0-9]{2}) ")
_CUT = re.compile(r"[<:;,(\[\"'`]|\. ")


@dataclass(frozen=True, slots=True)
class Signature:
    """One failure's conditions as text.

    `error_class` names the kind ("UnicodeDecodeError", "exit code 2"); `normalised`
    is class, message skeleton and innermost functions; `id` ("sig_...") is the hash
    of class and skeleton. All are "" when there is no error text.
    """

    error_class: str
    normalised: str
    id: str


NO_SIGNATURE = Signature("", "", "")


def _few(text: str) -> str:
    """Give the first words of a skeleton, up to what belongs to this one case."""
    words = _CUT.split(text, maxsplit=1)[0].split()
    if len(words) < 2:  # its first words are cut off by a name or a quote: read over them
        words = re.sub(r"<\w+>|[^\w\s'-]", " ", text).split() or words
    return " ".join(words[:_WORDS])


def _head(message: str) -> str:
    text = _ERRNO.sub("", _DRIVER.sub("", message)).removeprefix("runtime error: ")
    code = _CODE.match(text) or _STATUS.match(text)
    return code["code"] if code else _few(skeleton(text))


def _class_of(error: ReadError) -> str:
    if " " in error.type and error.type != "fatal error":
        return error.type
    last = re.split(r"[.:\\]", error.type)[-1]
    head = _head(error.message) if last in _GENERIC else ""
    return f"{error.type}: {head}" if head else error.type


def _telling_lines(lines: list[str]) -> str:
    """Give what an unstructured text says: all of a short one, else its telling lines."""
    filled = [line.strip() for line in lines if line.strip()]
    if len(filled) > 3:
        filled = [line for line in filled if _TELLING.search(line)][:3] or filled[-3:]
    return skeleton(" ".join(filled), _MESSAGE)


def _made(error_class: str, text: str, frames: tuple[str, ...] = ()) -> Signature:
    digest = hashlib.blake2b(f"{error_class}\n{text}".encode(), digest_size=8).hexdigest()
    whole = f"{text}\nin {' < '.join(frames)}" if frames else text
    return Signature(error_class, whole, f"sig_{digest}")


def sign(error: str, exit_code: int | None = None) -> Signature:
    """Give the signature of an error text, or of a bare exit code when there is no text.

    Example:
        >>> sign("KeyError: 'colour'").normalised
        'KeyError: <str>'
        >>> sign("", 2).error_class
        'exit code 2'
    """
    if not error.strip():
        bare = f"exit code {exit_code}"
        return _made(bare, bare) if exit_code else NO_SIGNATURE
    lines = log_lines(error)
    found = read_error(lines)
    if found is None:
        text = _telling_lines(lines)
        return _made(_few(text) or "unreadable", text or "unreadable")
    error_class = _class_of(found)
    if found.type.startswith(("exit code", "HTTP ")):
        return _made(error_class, error_class)  # the line says where, not what
    message = skeleton(found.message, _MESSAGE)
    named = re.search(rf"(?i)(?<!\w){re.escape(found.type)}(?!\w)", message)
    return _made(error_class, message if named else _joined(found.type, message), found.frames)


def _joined(kind: str, message: str) -> str:
    return f"{kind}: {message}" if message else kind
