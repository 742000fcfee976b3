"""A real S3 server on loopback, in a process of its own: prints its port, lives until killed.

Usage: python -m tests.memory_core.store.remote.s3_server [PORT]
"""

from __future__ import annotations

import logging
import sys
import threading

from moto.moto_server.threaded_moto_server import ThreadedMotoServer


def main(port: int) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
