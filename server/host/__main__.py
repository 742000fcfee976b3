"""`python -m server.host STORE`: the host of one store, started by a front and detached."""

from __future__ import annotations

import sys

from server.host.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
