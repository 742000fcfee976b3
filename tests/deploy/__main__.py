"""`python -m tests.deploy`: lints the deployment files and tries the image's steps.

Carries out the Dockerfile in a scratch folder (minutes, about 3 GB), starts what it made
as a container would, without any network, and checks that it serves, obeys tokens, is
healthy, writes nowhere but to its volume, and ends in time. Needs Linux and root.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2

from tests.deploy.dockerfile import stages
from tests.deploy.image import Build, Built, Container
from tests.deploy.words import DEPLOY, UNIT
from tests.server.connections import MODERN
from tests.server.web.served import ACCEPTED, META

ROOT = DEPLOY.parent.parent
URL = "http://127.0.0.1:8377"
_NEW_NETWORK, _SET_FLAGS, _UP, _RUNNING = 0x40000000, 0x8914, 0x1, 0x40
"""Of Linux: CLONE_NEWNET, SIOCSIFFLAGS and the flags of an interface."""
_PATIENCE = 120.0
_SLIM = frozenset({"ld-linux-x86-64", "ld-linux-aarch64", "libc", "libm", "libpthread", "libdl"})
_SLIM |= {"librt", "libutil", "libgcc_s", "libstdc++", "libz", "libpython3"}
"""System libraries that python:slim has for certain: of libc, of apt, of Python."""


def main() -> int:
    """Run all checks; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy", description=__doc__)
    parser.add_argument("--torch-index", default="", help="build argument TORCH_INDEX")
    parser.add_argument("--lint-only", action="store_true", help="do not build")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        built = build(given.inside, given.torch_index)
        _without_network()
        check(built, given.inside)
        return 0
    lint()
    if given.lint_only:
        return 0
    if sys.platform != "linux" or os.geteuid() != 0:
        print("the image's steps need Linux and root: in a container engine build it instead")
        return 1
    folder = tempfile.mkdtemp(prefix="lessonbank-image-")
    try:  # what is mounted is mounted in there only, and gone with it
        again = [sys.executable, "-m", "tests.deploy", *sys.argv[1:], "--inside", folder]
        done = subprocess.run(["unshare", "--mount", *again], cwd=ROOT, check=False)
    finally:
        shutil.rmtree(folder)
    print("failed" if done.returncode else "all well")
    return done.returncode


def lint() -> None:
    """Let others judge: hadolint, Kubernetes' own schemas, and what this machine has."""
    tools = Path(sys.executable).parent
    files = [one for one in (DEPLOY / "kubernetes").rglob("*.yaml") if one.stem != "kustomization"]
    _run([tools / "hadolint", DEPLOY / "Dockerfile"])
    _run([tools / "kubernetes-validate", "--strict", *sorted(files)])
    if shutil.which("kubectl"):
        for name in ("one", "replicas"):
            _run(["kubectl", "kustomize", DEPLOY / "kubernetes" / name], quiet=True)
    if shutil.which("systemd-analyze"):
        with tempfile.TemporaryDirectory() as folder:
            unit = Path(folder) / UNIT
            text = (DEPLOY / UNIT).read_text(encoding="utf-8")
            unit.write_text(text.replace("/opt/lessonbank/bin/lessonbank", sys.executable))
            _run(["systemd-analyze", "verify", unit])


def _run(command: Sequence[str | Path], *, quiet: bool = False) -> None:
    print("==", *(Path(one).name for one in command[:3]), flush=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL if quiet else None)


def build(folder: Path, index: str) -> Built:
    """Carry out the Dockerfile."""
    print("== build", flush=True)
    began = time.monotonic()
    read = stages((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    built = Build(ROOT, folder, {"TORCH_INDEX": index}).run(read)
    size = sum(
        path.lstat().st_size for path in (folder / "stage-1" / "upper").rglob("*") if path.is_file()
    )
    print(f"built in {time.monotonic() - began:.0f} s; {size / 1e9:.2f} GB above the base image")
    missing = foreign_libraries(built.root) - _SLIM
    assert not missing, f"the base image may not have {sorted(missing)}"
    return built


def foreign_libraries(root: Path) -> set[str]:
    """Names of the system's libraries that the image's compiled modules load."""
    found = set()
    own = root / "opt" / "lessonbank"
    modules = list(own.rglob("*.so*"))
    brought = {path.name for path in modules}
    for path in modules:
        done = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            name, arrow, target = line.strip().partition(" => ")
            if arrow and name not in brought and not target.startswith(str(own)):
                found.add(name.partition(".so")[0].rstrip(".0123456789-"))
    return found


def check(built: Built, folder: Path) -> None:
    """Start what was built and use it."""
    volume = folder / "volume"
    (volume / "lost+found").mkdir(parents=True, mode=0o700)  # as a new file system has it
    for tmp in (True, False):
        print(f"== container, read-only root, {'with' if tmp else 'without'} a /tmp", flush=True)
        log = folder / "container.log"
        container = Container(built, volume, log, tmp=tmp)
        try:
            use(container, built, first=tmp)
            end(container)
        except BaseException:
            print(log.read_text())
            raise
        finally:
            container.process.kill()


def use(container: Container, built: Built, *, first: bool) -> None:
    """Call it as clients, probes and its owner do."""
    began = time.monotonic()
    while status("/readyz") != 200:
        assert container.process.poll() is None, "it ended"
        assert time.monotonic() - began < _PATIENCE, "it did not become ready"
        time.sleep(0.05)
    print(f"ready after {time.monotonic() - began:.1f} s")
    assert asked("", "tools/list", {}) == 401
    made = container.execute(["lessonbank", "token", "create", "--json"])
    assert made.returncode == 0, made.stderr
    token = json.loads(made.stdout)["token"]
    lesson = {"title": "Open Excel CSVs with utf-8-sig", "content": "Excel writes a mark first."}
    stored = called(token, "remember", lesson)
    assert stored["status"] == ("added" if first else "duplicate"), stored
    recalled = called(token, "recall", {"task": "read a CSV export of Excel"})
    assert [one["id"] for one in recalled["items"]] == [stored["id"]], recalled
    assert recalled["mode"] != "keyword", "the model is not inside"
    for proxy in ("", "http://127.0.0.1:9"):
        done = container.execute(built.stage.health, http_proxy=proxy)
        assert done.returncode == 0, done.stderr
    touched = container.execute(["python", "-c", "open('/opt/lessonbank/x', 'w')"])
    assert "Read-only file system" in touched.stderr, touched.stderr
    lines = Path(f"/proc/{container.pid}/status").read_text().splitlines()
    about = dict(line.split(":", 1) for line in lines)
    assert set(about["Uid"].split()) == {built.stage.one("USER").text.partition(":")[0]}
    assert int(about["CapEff"], 16) == int(about["CapBnd"], 16) == 0
    assert about["NSpid"].split()[-1] == "1"
    left = container.execute(["python", "-c", "import os; print(*os.listdir('/tmp'))"])
    print(f"peak memory {int(about['VmHWM'].split()[0]) * 1024 / 1e6:.0f} MB")
    if first:
        print("left in /tmp:", left.stdout.strip() or "nothing")


def end(container: Container) -> None:
    """SIGTERM ends it in time, with a good exit code."""
    began = time.monotonic()
    os.kill(container.pid, signal.SIGTERM)
    code = container.process.wait(timeout=10)
    took = time.monotonic() - began
    print(f"ended by SIGTERM in {took:.2f} s with {code}")
    assert code == 0
    assert took < 2.0


def status(path: str) -> int:
    """Give the HTTP status of a path, 0 where nobody answers."""
    try:
        with httpx2.Client(trust_env=False, timeout=10) as http:
            return http.get(f"{URL}{path}").status_code
    except httpx2.TransportError:
        return 0


def asked(token: str, method: str, params: dict[str, Any], name: str = "") -> Any:
    """Send one request; gives its result, or the HTTP status of a refusal."""
    headers = {
        "Accept": ACCEPTED,
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": method,
        **({"Mcp-Name": name} if name else {}),
        **({"Authorization": f"Bearer {token}"} if token else {}),
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    with httpx2.Client(trust_env=False, timeout=60) as http:
        answer = http.post(f"{URL}/mcp", headers=headers, json=body)
    if answer.status_code != 200:
        return answer.status_code
    said = answer.text
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        said = next(line for line in said.splitlines() if line.startswith("data: {"))[6:]
    return json.loads(said)["result"]


def called(token: str, tool: str, arguments: dict[str, Any]) -> Any:
    """Call a tool; gives its data."""
    result = asked(token, "tools/call", {"name": tool, "arguments": arguments}, tool)
    assert not result["isError"], result
    return result["structuredContent"]


def _without_network() -> None:
    """Leave this machine's network for one of loopback only: nothing can be downloaded now."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "this machine gives no network of its own")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh", b"lo", _UP | _RUNNING))


if __name__ == "__main__":
    sys.exit(main())
