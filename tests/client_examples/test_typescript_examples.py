"""The TypeScript examples, compiled as a reader compiles them, against the real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

FOLDER = Path(__file__).parents[2] / "client_examples" / "typescript"


@pytest.mark.skipif(
    not (shutil.which("node") and (FOLDER / "node_modules").is_dir()),
    reason="needs Node and the examples' packages: `make node-packages` installs them",
)
def test_typescript_examples_compile_and_keep_their_promises(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    compiled = FOLDER / "dist"
    commands = [["node", "node_modules/typescript/bin/tsc"]]
    commands += [["node", str(compiled / f"{name}.js")] for name in ("client", "client_v2")]
    for command in commands:
        done = subprocess.run(
            command,
            cwd=FOLDER,
            env={**os.environ, "PATH": path, "TMPDIR": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert not list(tmp_path.iterdir()), "the examples leave no store behind"
