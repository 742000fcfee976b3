"""What people paste beside a question: logs, diffs, code, stack traces, prose, talk.

Cut from the development data or drawn, 2,000 to 8,000 characters, seeded. Half of
each kind's sources is for development, the other half for the test; the reading was built on
neither half of the kinds in `TALK`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Literal

Part = Literal["dev", "test"]
TALK = ("meeting", "requirements", "clauses", "thread", "ticket", "notes", "answer", "german")
KINDS = ("log", "diff", "code", "trace", "prose", "advice", *TALK)
PLACES = ("behind", "before", "between")
"""Where the question stands: behind what was pasted, before it, or between two of it."""
SHORTEST, LONGEST = 2_000, 8_000


def in_part(part: Part, text: str) -> bool:
    """Whether a source belongs to a part: a coin thrown by its own text."""
    even = hashlib.sha256(text.encode()).digest()[0] % 2 == 0
    return even == (part == "dev")


class Fillers:
    """Draws fillers of one part.

    Args:
        data: The folder with the development data.
        part: Which half of the sources.
    """

    def __init__(self, data: Path, part: Part) -> None:
        programs = [one for one in _programs(data) if in_part(part, one)]
        prose = [one for one in _prose() if in_part(part, one)]
        sentences = [one for one in _paragraphs(data) if in_part(part, one)]
        outputs = [one for one in _outputs(data) if in_part(part, one)]
        styles = [one for one in LOGS if in_part(part, one)] or list(LOGS)
        traces = [one for one in TRACES if in_part(part, one)] or list(TRACES)
        self._draw: Mapping[str, Callable[[Random, int], str]] = {
            "log": lambda rng, size: _log(rng, size, styles, outputs),
            "diff": lambda rng, size: _diff(rng, size, programs),
            "code": lambda rng, size: _joined(rng, size, programs, "\n\n"),
            "trace": lambda rng, size: _trace(rng, size, traces),
            "prose": lambda rng, size: _joined(rng, size, prose, "\n\n"),
            "advice": lambda rng, size: _joined(rng, size, sentences, "\n\n"),
            **{kind: partial(_talk, kind, lines) for kind, lines in _paddings(part)},
        }

    def filler(self, kind: str, rng: Random, size: int) -> str:
        """Draw about `size` characters of a kind."""
        return self._draw[kind](rng, size)

    def prompt(self, question: str, kind: str, place: str, seed: object) -> str:
        """Give a question with something pasted around it."""
        rng = Random(f"{kind} {place} {seed}")
        size = rng.randint(SHORTEST, LONGEST - len(question) - 40)
        gap = rng.choice(("\n\n", "\n\n", "\n"))
        fenced = kind in ("log", "diff", "code", "trace") and rng.random() < 0.3

        def block(length: int) -> str:
            text = self.filler(kind, rng, length)
            return f"```\n{text}\n```" if fenced else text

        if place == "behind":
            return block(size) + gap + question
        if place == "before":
            return question + gap + block(size)
        return block(size // 2) + gap + question + gap + block(size // 2)


# -- sources -------------------------------------------------------------------------


def _programs(data: Path) -> Iterator[str]:
    for path in sorted((data / "reflexion" / "programming").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            said = [str(row.get("solution") or ""), *map(str, row.get("implementations") or ())]
            yield from (text.strip() for text in said if len(text) > 120)


def _paragraphs(data: Path) -> Iterator[str]:
    for path in sorted((data / "ace").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                yield line.split("] ", 1)[-1]
    for path in sorted((data / "reflexion" / "alfworld").rglob("*.json"))[:3]:
        for row in json.loads(path.read_text(encoding="utf-8")):
            yield from (str(text).strip() for text in row["memory"])


def _prose() -> Iterator[str]:
    """Paragraphs of this repository's own documents."""
    for path in sorted(Path(__file__).resolve().parents[2].glob("docs/*.md")):
        for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
            if len(paragraph) > 200 and paragraph[:1].isalpha() and "`" not in paragraph:
                yield paragraph


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What no request may hold."""


def _outputs(data: Path) -> Iterator[str]:
    for path in sorted((data / "intercode_bash").glob("*gpt-4*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")).values():
            turns: dict[str, Any] = row.get("turn_history") or {}
            for action, seen in zip(
                turns.get("actions", ()), turns.get("observations", ()), strict=False
            ):
                if isinstance(seen, str) and len(seen) > 80:
                    yield _CONTROLS.sub("", f"$ {action}\n{seen.strip()}")


def _paddings(part: Part) -> Iterator[tuple[str, list[str]]]:
    """The kinds of `paddings.txt` with those of their lines that belong to a part."""
    text = (Path(__file__).parent / "paddings.txt").read_text(encoding="utf-8")
    for block in text.split("\n[")[1:]:
        kind, *lines = block.splitlines()
        yield kind.rstrip("]"), [line for line in lines if line][part == "test" :: 2]


def _talk(kind: str, lines: Sequence[str], rng: Random, size: int) -> str:
    """Lines by turns, about other things each time; a blank line between them or not."""
    found, gap = "", rng.choice(("\n", "\n\n"))
    things, spots, days = TALKED["german" if kind == "german" else ""]
    while len(found) < size:
        for line in rng.sample(lines, len(lines)):
            drawn = {"thing": rng.choice(things), "place": rng.choice(spots)}
            said = line.format(**drawn, n=rng.randint(2, 90), day=rng.choice(days))
            found += (gap if found else "") + said
    return found[:size].rsplit("\n", 1)[0].rstrip()


def _joined(rng: Random, size: int, texts: list[str], gap: str) -> str:
    found = ""
    while len(found) < size:
        found += (gap if found else "") + rng.choice(texts)
    return found[:size].rsplit(" ", 1)[0].rstrip()


def _diff(rng: Random, size: int, programs: list[str]) -> str:
    found = ""
    while len(found) < size:
        one, other = rng.choice(programs).splitlines(), rng.choice(programs).splitlines()
        name = f"src/{rng.choice(NAMES)}_{rng.choice(NAMES)}.py"
        lines = difflib.unified_diff(one, other, f"a/{name}", f"b/{name}", lineterm="", n=3)
        found += f"diff --git a/{name} b/{name}\n" + "\n".join(lines) + "\n"
    return found[:size].rsplit("\n", 1)[0]


# -- drawn ---------------------------------------------------------------------------

NAMES = (
    "billing", "worker", "orders", "cache", "session", "export", "report", "mailer", "search",
    "gateway", "inventory", "scheduler", "auth", "metrics", "upload", "parser",
)  # fmt: skip
TALKED: Mapping[str, tuple[Sequence[str], Sequence[str], Sequence[str]]] = {
    "": (
        (
            "cupboard", "boiler", "carpet", "piano", "tent", "lantern", "awning", "oven",
            "fountain", "notice board", "sandpit", "ladder", "greenhouse", "mirror", "curtain",
            "bench", "sauna", "kayak", "loom", "telescope", "beehive", "projector",
        ),
        (
            "the old mill", "the town hall", "the north pier", "the museum", "the station",
            "the annex", "the orchard", "the gym", "the theatre", "the cellar",
        ),
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ),
    "german": (
        (
            "Schrank", "Kessel", "Teppich", "Flügel", "Ofen", "Brunnen", "Spiegel", "Vorhang",
            "Webstuhl", "Bienenstock", "Projektor", "Wagen", "Ständer", "Tisch",
        ),
        ("der Mühle", "Halle drei", "Ulm", "Kiel", "Graz", "dem Keller", "dem Museum"),
        ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    ),
}  # fmt: skip
"""Things, places and days of the talk."""
LOGS = (
    "{date} {time},{ms} INFO  [{name}-{n}] {name}.Service - processed request {hex} in {n} ms",
    '{date}T{time}.{ms}Z level=info component={name} msg="request served" status=200 dur={n}ms',
    "[{date} {time}] DEBUG {name}: cache miss for key {name}:{n}, loading from {ip}",
    '{ip} - - [{date}:{time} +0000] "GET /{name}/{n} HTTP/1.1" 200 {n} "-" "curl/8.4"',
    "{time} WARN  {name} retrying in {n}s (attempt {n})",
    "Nov 30 {time} host{n} {name}[{n}]: connection from {ip} port {n}",
    "{time} [{name}] Step {n}/40 : RUN make {name} ---> {hex}",
    "I1130 {time}.{ms}    {n} {name}.go:{n}] Reconciling {name}/{hex}",
    "npm http fetch GET 200 https://registry.example.org/{name} {n}ms (cache hit)",
    "{date} {time} ERROR {name} could not deliver message {hex}: mailbox {n} is full",
    "PASS tests/{name}/test_{name}.py::test_case_{n} ({n} ms)",
    "Downloading {name}-{n}.{n}.{n}-py3-none-any.whl ({n} kB)",
    "{date} {time}.{ms} UTC [{n}] LOG:  checkpoint complete: wrote {n} buffers ({n}%)",
    "kube-system   {name}-{hex}   1/1   Running   {n}   {n}d   {ip}",
)
TRACES = (
    "Traceback (most recent call last):\n{python}{kind}: {message}",
    'Exception in thread "main" java.lang.{kind}: {message}\n{java}',
    "{kind}: {message}\n{node}",
    "panic: {message}\n\ngoroutine {n} [running]:\n{go}",
    "Unhandled exception. System.{kind}: {message}\n{java}",
    "thread 'main' panicked at src/{name}.rs:{n}:{n}:\n{message}\nstack backtrace:\n{rust}",
)
ERRORS = (
    ("ValueError", "invalid literal for int() with base 10: '{hex}'"),
    ("KeyError", "'{name}_id'"),
    ("NullPointerException", 'Cannot invoke "{name}.size()" because "{name}" is null'),
    ("TypeError", "Cannot read properties of undefined (reading '{name}')"),
    ("IllegalStateException", "{name} has already been closed"),
    ("IndexError", "list index out of range"),
    ("ConnectionError", "{ip}:{n} refused the connection"),
    ("AttributeError", "'NoneType' object has no attribute '{name}'"),
    ("RuntimeError", "dictionary changed size during iteration in {name}"),
    ("TimeoutError", "{name} did not answer within {n} seconds"),
)
_FRAMES = {
    "python": '  File "/srv/app/{name}/{other}.py", line {n}, in {name}_{other}\n'
    "    return self.{other}({name}, retries={n})\n",
    "java": "\tat com.example.{name}.{other}.handle({other}.java:{n})\n",
    "node": "    at {name}.{other} (/srv/app/src/{name}/{other}.js:{n}:{n})\n",
    "go": "example.org/{name}/{other}.(*Server).Handle(0xc000{hex}, 0x{n})\n"
    "\t/src/{name}/{other}.go:{n} +0x{n}\n",
    "rust": "  {n}: {name}::{other}::handle\n             at ./src/{name}/{other}.rs:{n}:{n}\n",
}


def _values(rng: Random) -> dict[str, str]:
    return {
        "date": f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
        "time": f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}",
        "ms": f"{rng.randint(0, 999):03d}",
        "n": str(rng.randint(1, 999)),
        "hex": f"{rng.getrandbits(32):08x}",
        "ip": f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
        "name": rng.choice(NAMES),
        "other": rng.choice(NAMES),
    }


def _log(rng: Random, size: int, styles: list[str], outputs: list[str]) -> str:
    if rng.random() < 0.25:
        return _joined(rng, size, outputs, "\n")
    chosen = rng.sample(styles, min(len(styles), rng.randint(1, 4)))
    name, found = rng.choice(NAMES), ""
    while len(found) < size:
        found += rng.choice(chosen).format(**{**_values(rng), "name": name}) + "\n"
    return found[:size].rsplit("\n", 1)[0]


def _trace(rng: Random, size: int, styles: list[str]) -> str:
    found = ""
    while len(found) < size:
        kind, message = rng.choice(ERRORS)
        frames = {
            name: "".join(line.format(**_values(rng)) for _ in range(rng.randint(6, 30)))
            for name, line in _FRAMES.items()
        }
        said = {**_values(rng), **frames, "kind": kind}
        found += rng.choice(styles).format(**said, message=message.format(**said)).rstrip() + "\n\n"
    return found[:size].rsplit("\n", 1)[0].rstrip()
