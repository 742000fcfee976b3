"""Carries out a Dockerfile's steps without a container engine, each on a layer of its own.

A stage's root file system is an overlay: this machine's, as the stand-in for the base
image, below, and a folder for what changes above. RUN and COPY do in it what they do in a
build; nothing outside the folder changes. A container is the last stage's overlay, read
only, with namespaces of its own for mounts, processes and the network, as the image's user
and without capabilities. What this cannot show: which packages the real base image has.

Needs Linux, root and util-linux; call it in a mount namespace of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.dockerfile import Instruction, Stage

_PYTHON = Path(sys.executable).resolve()
"""The base image's Python: the one that made this environment."""
_PLAIN = f"{_PYTHON.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CHROOT = shutil.which("chroot") or "chroot"
_KEPT = ("PIP_", "SSL_", "HTTP_", "HTTPS_", "NO_", "http_", "https_", "no_")
"""Variables of this machine that a build needs to reach its package index."""


def mount(*words: str) -> None:
    """Call mount."""
    subprocess.run(["mount", *words], check=True)


@dataclass(frozen=True, slots=True)
class Built:
    """A stage whose steps were carried out: its root and what is set for its processes."""

    stage: Stage
    root: Path
    environment: Mapping[str, str]
    workdir: str


class Build:
    """One build.

    Args:
        context: The folder that COPY takes from.
        folder: An empty one for the layers.
        arguments: Build arguments (`--build-arg`).
    """

    def __init__(self, context: Path, folder: Path, arguments: Mapping[str, str]) -> None:
        self._context, self._folder, self._arguments = context, folder, arguments
        self._built: dict[str, Built] = {}

    def run(self, stages: Sequence[Stage]) -> Built:
        """Carry out all stages; gives the last."""
        done: Built | None = None
        for number, stage in enumerate(stages):
            done = self._built[stage.name] = self._stage(stage, self._folder / f"stage-{number}")
        assert done is not None
        return done

    def _stage(self, stage: Stage, folder: Path) -> Built:
        root = _layered(folder)
        given: dict[str, str] = {}
        environment = {"PATH": _PLAIN, "HOME": "/root"}
        workdir = "/"
        for one in stage.instructions:
            print(f"   {one.name} {one.text[:100]}", flush=True)
            if one.name == "ARG":
                given |= {name: self._arguments.get(name, v) for name, v in one.pairs.items()}
            elif one.name == "ENV":
                environment |= one.pairs
            elif one.name == "WORKDIR":
                workdir = one.text
                (root / workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif one.name == "COPY":
                self._copy(one, root, workdir)
            elif one.name == "RUN":
                mine = {k: v for k, v in os.environ.items() if k.startswith(_KEPT)}
                command = ["chroot", str(root), "/bin/sh", "-c", f"cd {workdir} && {one.text}"]
                subprocess.run(command, env={**mine, **given, **environment}, check=True)
        return Built(stage, root, environment, workdir)

    def _copy(self, one: Instruction, root: Path, workdir: str) -> None:
        *sources, target = one.words
        into = root / os.path.join(workdir, target).lstrip("/")  # noqa: PTH118 - "/" wins
        stage = one.options.get("from")
        origin = self._built[stage].root if stage else self._context
        for source in sources:
            path = origin / source.lstrip("/")
            if path.is_dir():
                ignored = shutil.ignore_patterns() if stage else _ignored
                shutil.copytree(path, into, symlinks=True, ignore=ignored, dirs_exist_ok=True)
            else:
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, into)


_ignored = shutil.ignore_patterns("__pycache__")


def _layered(folder: Path) -> Path:
    """Mount an overlay over this machine's root; gives where."""
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True)
    root = folder / "root"
    options = f"lowerdir=/,upperdir={folder / 'upper'},workdir={folder / 'work'}"
    mount("-t", "overlay", "overlay", "-o", options, str(root))
    for each in ("dev", "proc"):
        mount("--rbind", f"/{each}", str(root / each))
    for parent in _PYTHON.parents[:-1]:  # every user may call the base image's Python
        (root / str(parent).lstrip("/")).chmod(parent.stat().st_mode | 0o111)
    for name in ("opt/lessonbank", "var/lib/lessonbank"):
        assert not (root / name).exists(), f"this machine has a /{name} of its own"
    return root


class Container:
    """The image's entry point as process 1 of its own namespaces, on a read-only root.

    Args:
        built: The last stage.
        volume: A folder for its volume; it is given to the image's user.
        words: In place of its CMD.
        environment: Further variables.
        log: A file for its standard error.
        tmp: Whether it has a /tmp that can be written.
    """

    def __init__(
        self,
        built: Built,
        volume: Path,
        log: Path,
        *,
        words: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        tmp: bool = True,
    ) -> None:
        stage, self._root = built.stage, built.root
        self._workdir = built.workdir
        self._user, _, self._group = stage.one("USER").text.partition(":")
        self._environment = {**built.environment, **(environment or {}), "HOME": built.workdir}
        (self._at,) = stage.one("VOLUME").words
        os.chown(volume, int(self._user), int(self._group))
        volume.chmod(0o700)
        self._volume, self._tmp = volume, tmp
        command = [*stage.one("ENTRYPOINT").words, *(words or stage.one("CMD").words)]
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*apart, "sh", "-euc", self._prepared(), "sh", *self._inside(command)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def _prepared(self) -> str:
        root = self._root
        tmp = f"mount -t tmpfs -o size=64m,mode=1777 tmpfs {root}/tmp" if self._tmp else "true"
        return "; ".join(
            (
                f"mount --bind {self._volume} {root}{self._at}",
                tmp,
                f"mount -t proc proc {root}/proc",
                f"mount -o remount,bind,ro {root}",
                'exec "$@"',
            )
        )

    def _inside(self, command: Sequence[str]) -> list[str]:
        """The command in the image's root, as its user, without any capability."""
        place = ["env", "-C", self._workdir]
        dropped = ["--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        user = [f"--reuid={self._user}", f"--regid={self._group}"]
        where = self._environment["PATH"].split(":")[0]
        program = command[0] if "/" in command[0] else f"{where}/{command[0]}"
        return [_CHROOT, str(self._root), "setpriv", *user, *dropped, *place, program, *command[1:]]

    @property
    def pid(self) -> int:
        """Of its first process, as this machine counts."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(path.read_text().split()[0])

    def execute(self, command: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside it, as `docker exec` does."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid"]
        return subprocess.run(
            [*enter, *self._inside(command)],
            env={**self._environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
