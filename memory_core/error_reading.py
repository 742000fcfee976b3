"""Where in a log the error is, of which type, with which message and frames.

Reads tracebacks and error lines of Python, JavaScript, Java, C#, Go, Rust, Ruby,
PHP, compilers, databases and shells, line by line, each line bounded. Of several
errors the last counts (a cause that Java prints last, the exception that reached
the top in Python); of several compiler errors the first. This module knows no
normalisation and no outcomes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memory_core.skeleton import plain

_HEAD, _TAIL = 16_000, 48_000
_LINE = 1000
_FRAMES = 3


@dataclass(frozen=True, slots=True)
class ReadError:
    """One error in a log: `frames` are function names, innermost first; `line` is 0-based.

    `weak`: a phrase or a status that a run which ended well may print as well.
    """

    type: str
    message: str
    line: int
    frames: tuple[str, ...] = ()
    weak: bool = False


def log_lines(text: str) -> list[str]:
    """Give the lines of a log, colours removed; of a long one its start and its end."""
    if len(text) > _HEAD + _TAIL:
        text = text[:_HEAD] + "\n" + text[-_TAIL:]
    return [line[:_LINE].rstrip() for line in plain(text).split("\n")]


# -- typed exceptions ----------------------------------------------------------------

_PY_FRAME = re.compile(
    r'[\s|]{0,24}File "[^"]{0,600}", line [0-9]{1,9}(?:, in (?P<name>.{1,200}))?$'
)
_PY_END = re.compile(r"[|+ -]{0,24}(?P<type>[A-Za-z_][\w.]{0,120})(?:: (?P<message>.*)|:?$)")
_TYPE_NAME = (
    r"(?:[A-Za-z_][\w]{0,64}[.\\]|[A-Za-z_]\w{0,64}::){0,10}"
    r"(?:(?:[A-Z]\w{0,64}?)?(?:Error|Exception|Interrupt|Fault|Failure|Timeout|Expired|NotFound|"
    r"DoesNotExist|ExceptionGroup|Iteration)|[a-z]\w{0,32}\.(?:error|herror|gaierror|timeout))"
)
_TYPED = re.compile(
    r"(?:[|+ -]{0,24}|E\s{1,8}"
    r"|(?:Caused by|Unhandled exception|Unhandled Rejection|error|fatal)[:.]\s{1,4}"
    r"|Exception in thread \"[^\"]{0,200}\" |(?:PHP )?(?:Fatal error|Warning):\s{1,4}(?:Uncaught )?"
    r"|(?:\[?[Uu]ncaught\]?(?: \(in promise\))?) )"
    rf"(?P<type>{_TYPE_NAME})(?: \[[A-Z_]{{2,64}}\])?(?::\s?(?P<message>.*)|$)"
)
_TYPED_INSIDE = re.compile(rf"(?:^|[\s\]:|-])(?P<type>{_TYPE_NAME}): (?P<message>.{{0,1000}})$")
_RUBY = re.compile(
    r"(?P<where>[^:\s]{1,300}\.rb:[0-9]{1,9}):in [`'](?P<name>[^']{1,100})': (?P<message>.{0,800}) "
    r"\((?P<type>[A-Z][\w:]{0,80})\)$"
)
_GO = re.compile(r"(?P<type>panic|fatal error): (?P<message>.*)")
_RUST_AT = re.compile(r"thread '[^']{0,100}'(?: \([0-9]{1,12}\))? panicked at (?P<rest>.*)")

_AT = re.compile(
    r"\s{0,8}at (?:async )?(?:new )?(?P<name>[\w.$<>#\[\] ]{1,200}?)(?: \[as [^\]]{1,80}\])? ?\("
)
_GO_CALL = re.compile(
    r"(?P<name>[\w./-]{1,200}(?:\.\(\*?\w{1,80}\))?\.\w{1,80}(?:\.func[0-9.]{1,8})?)\(.{0,400}\)$"
)
_RUBY_FROM = re.compile(r"\s{1,8}from [^:]{1,300}:[0-9]{1,9}:in [`'](?P<name>[^']{1,100})'")


def _short(name: str) -> str:
    """Give the last two parts of a dotted name: `Bar.method` of `com.foo.Bar.method`."""
    parts = name.strip().rsplit("/", 1)[-1].split(".")
    return ".".join(parts[-2:])


def _frames_after(lines: Sequence[str], start: int, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """Give the names of the frames that follow an error line, innermost first."""
    found: list[str] = []
    for line in lines[start + 1 : start + 40]:
        match = pattern.match(line)
        if match and not match["name"].startswith(
            ("Object.<anonymous>", "Module._", "node:", "panic")
        ):
            found.append(_short(match["name"]))
        if len(found) == _FRAMES:
            break
    return tuple(found)


def _message(lines: Sequence[str], index: int, message: str) -> str:
    """Give the message, with the two lines below it where the first says too little."""
    text = message.strip()
    if not text.endswith(":") and "validation error" not in text:
        return text
    below = [line.strip() for line in lines[index + 1 : index + 5]]
    telling = [line for line in below if line and not line.startswith(("at ", "File "))]
    return " ".join([text, *telling[:2]])


def _python(lines: Sequence[str]) -> ReadError | None:
    """The exception below the last frame: any name may be one there."""
    last = next((i for i in range(len(lines) - 1, -1, -1) if _PY_FRAME.match(lines[i])), None)
    if last is None:
        return None
    indent = len(lines[last]) - len(lines[last].lstrip(" |"))
    for index in range(last + 1, min(last + 12, len(lines))):
        line = lines[index]
        if not line.strip(" |") or len(line) - len(line.lstrip(" |")) >= indent:
            continue
        match = _PY_END.match(line)
        if match is None:
            return None
        message = _message(lines, index, match["message"] or "")
        return ReadError(match["type"], message, index, _python_frames(lines, last))
    return None


def _python_frames(lines: Sequence[str], last: int) -> tuple[str, ...]:
    """Give the names of the frames above `last`, innermost first, of one traceback."""
    found: list[str] = []
    for index in range(last, max(last - 120, -1), -1):
        if "Traceback (most recent call last)" in lines[index] or len(found) == _FRAMES:
            break
        match = _PY_FRAME.match(lines[index])
        if match and match["name"] and match["name"] != "<module>":
            found.append(match["name"])
    return tuple(found)


def _last(lines: Sequence[str], pattern: re.Pattern[str]) -> tuple[int, re.Match[str]] | None:
    for index in range(len(lines) - 1, -1, -1):
        match = pattern.match(lines[index])
        if match:
            return index, match
    return None


def _typed(lines: Sequence[str]) -> ReadError | None:
    found = _last(lines, _TYPED)
    if found is None:
        return None
    index, match = found
    message = _message(lines, index, match["message"] or "")
    return ReadError(match["type"], message, index, _frames_after(lines, index, _AT))


def _ruby(lines: Sequence[str]) -> ReadError | None:
    found = _last(lines, _RUBY)
    if found is None:
        return None
    index, match = found
    frames = (match["name"], *_frames_after(lines, index, _RUBY_FROM))[:_FRAMES]
    return ReadError(match["type"], match["message"], index, frames)


def _go(lines: Sequence[str]) -> ReadError | None:
    found = _last(lines, _GO)
    if found is None:
        return None
    index, match = found
    return ReadError(match["type"], match["message"], index, _frames_after(lines, index, _GO_CALL))


def _rust(lines: Sequence[str]) -> ReadError | None:
    found = _last(lines, _RUST_AT)
    if found is None:
        return None
    index, match = found
    rest = match["rest"]
    message = rest.rsplit("', ", 1)[0].lstrip("'") if rest.startswith("'") else ""
    if not message and index + 1 < len(lines):
        message = lines[index + 1]
    return ReadError("panicked", message.strip(), index)


# -- lines of compilers, databases and shells -----------------------------------------

_COMPILER = re.compile(
    r"(?:.{0,300}?[:)] |\s{0,4})"
    r"(?P<type>error TS[0-9]{3,5}|error CS?[0-9]{4}|error\[E[0-9]{4}\]"
    r"|(?:fatal )?error)(?:: ?|$)(?P<message>.*)"
)
_COMPILER_HINT = re.compile(r"error(?: TS| C[0-9S]|\[E|:)")
_DATABASE = re.compile(
    r".{0,200}?\b(?P<type>ORA-[0-9]{5}|SQLSTATE\[\w{5}\]|ERROR [0-9]{4} \(\w{5}\)"
    r"|SQL Error \[[0-9]{1,6}\])"
    r"[:\s]{0,3}(?P<message>.*)"
)
_POSTGRES = re.compile(r"(?:.{0,120}?\s)?(?P<type>ERROR|FATAL|PANIC):  ?(?P<message>\S.*)")
_NPM = re.compile(r"npm (?:ERR!|error) code (?P<type>E\w{2,40})$")
_RULES = re.compile(r"(?P<type>make(?:\[[0-9]{1,3}\])?): \*\*\* (?P<message>.*)")


def _first(
    lines: Sequence[str], pattern: re.Pattern[str], hint: str | re.Pattern[str]
) -> ReadError | None:
    for index, line in enumerate(lines):
        if (hint in line) if isinstance(hint, str) else hint.search(line):
            match = pattern.match(line)
            if match:
                message = match.groupdict().get("message") or ""
                return ReadError(match["type"], message.strip(), index)
    return None


def _inside(lines: Sequence[str]) -> ReadError | None:
    """A typed error after a log prefix (`12:00 ERROR app: KeyError: 'x'`): the last one."""
    for index in range(len(lines) - 1, -1, -1):
        if "E" in lines[index] and ": " in lines[index]:
            match = _TYPED_INSIDE.search(lines[index])
            if match and not lines[index].lstrip().startswith(("raise ", "throw ")):
                return ReadError(match["type"], match["message"].strip(), index)
    return None


_EXIT = re.compile(
    r"(?i)\b(?:exit(?:ed)?(?: with)?(?: (?:status|code)){1,2}|return(?:ed)? code|status code|rc)"
    r"(?: is|:|=)?\s{0,2}(?P<code>-?[0-9]{1,10})\b"
)
_HTTP = re.compile(
    r"(?i)\b(?:HTTP(?:/[0-9.]{1,3})?|status(?: code)?)[ :=]{1,3}(?P<code>[45][0-9]{2})\b"
)
_CLIENT = re.compile(
    r"\b(?P<code>[45][0-9]{2}) (?:Client Error|Server Error|Not Found|Forbidden|Unauthorized)"
)
_PHRASES = (
    "command not found",
    "No such file or directory",
    "Permission denied",
    "Connection refused",
    "Connection reset",
    "Address already in use",
    "No space left on device",
    "Segmentation fault",
    "out of memory",
    "core dumped",
    "timed out",
    "syntax error",
    "not recognized as an internal or external command",
)


def _phrase(lines: Sequence[str]) -> ReadError | None:
    for index in range(len(lines) - 1, -1, -1):
        folded = lines[index].casefold()
        for phrase in _PHRASES:
            if phrase.casefold() in folded:
                return ReadError(phrase, lines[index].strip(), index, weak=True)
    return None


def _status(lines: Sequence[str]) -> ReadError | None:
    """A non-zero exit code or an HTTP error status: the last one."""
    for index in range(len(lines) - 1, -1, -1):
        http = _HTTP.search(lines[index]) or _CLIENT.search(lines[index])
        if http:
            return ReadError(f"HTTP {http['code']}", lines[index].strip(), index, weak=True)
        left = _EXIT.search(lines[index])
        if left and int(left["code"]) != 0:
            return ReadError(f"exit code {int(left['code'])}", lines[index].strip(), index)
    return None


_TYPED_READERS: tuple[Callable[[Sequence[str]], ReadError | None], ...] = (
    _python, _typed, _ruby, _go, _rust,
)  # fmt: skip
_LINE_READERS: tuple[Callable[[Sequence[str]], ReadError | None], ...] = (
    lambda lines: _first(lines, _DATABASE, re.compile(r"ORA-|SQLSTATE|ERROR [0-9]|SQL Error")),
    lambda lines: _first(lines, _POSTGRES, re.compile(r"(?:ERROR|FATAL|PANIC): ")),
    lambda lines: _first(lines, _NPM, "npm "),
    _inside,
    lambda lines: _first(lines, _COMPILER, _COMPILER_HINT),
    _phrase,
    _status,
    lambda lines: _first(lines, _RULES, "***"),
)


def read_error(lines: Sequence[str]) -> ReadError | None:
    """Give the error that a log tells of; None when no line is known to be one."""
    typed = [found for reader in _TYPED_READERS if (found := reader(lines))]
    if typed:
        return max(typed, key=lambda found: (found.line, len(found.frames)))
    for reader in _LINE_READERS:
        found = reader(lines)
        if found:
            return found
    return None
