"""The clients that are frameworks: agents written with them, each in an environment of its own.

Each is pinned in `python/NAME/requirements.txt` or `npm/NAME/package.json`.
"""

from __future__ import annotations

from tests.clients.command_lines import PROMPT
from tests.clients.place import HERE, NPM, PYTHON, Place, Start, node, python
from tests.node.place import LESSONBANK


def python_program(place: Place, *, name: str, program: str, strict: bool = False) -> Start:
    """Give how one of `programs` is started by its framework's Python."""
    file = HERE / "programs" / f"{program}.py"
    more = {"STRICT": "1"} if strict else {}
    return Start((python(PYTHON / name), str(file)), {**_environment(place), **more})


def vercel_ai(place: Place) -> Start:
    """Give how the Vercel AI SDK's program is started."""
    folder = NPM / "vercel-ai"
    return Start((node(folder), str(folder / "program.mjs")), _environment(place))


def _environment(place: Place) -> dict[str, str]:
    return {
        "PROMPT": PROMPT,
        "MODEL_URL": f"{place.model}/v1",
        "MCP_COMMAND": LESSONBANK,
        "MCP_URL": place.server.url,
        "MCP_TOKEN": place.server.token,
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{place.model}/v1",
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "OTEL_SDK_DISABLED": "true",
    }
