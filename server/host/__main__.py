"""`python -m server.host STORE`: the host of one store, started by a front and detached."""

from __future__ import annotations

import sys

from server.launch import shut_out_others

if __name__ == "__main__":
    shut_out_others()
    from server.host.process import main

    sys.exit(main(sys.argv[1:]))
