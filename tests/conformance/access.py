"""How the suite is let in by a server that requires a token.

The one place to change when the way in changes. For a server that is started without
tokens: `SERVE = ("--no-auth",)`, the rest empty, and token.mjs goes.
"""

from __future__ import annotations

TOKEN = "a-token-of-the-conformance-suite-only"

SERVE: tuple[str, ...] = ()
"""More arguments of `serve`, of the product and of the fixtures alike."""

ENVIRONMENT = {"LESSONBANK_TOKEN": TOKEN}
"""Of the server, which requires the token, and of the suite, which sends it."""

SUITE: tuple[str, ...] = ("--import", "./token.mjs")
"""What Node loads before the suite, which has no option for headers."""
