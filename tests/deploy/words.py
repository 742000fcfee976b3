"""What the deployment files say to `lessonbank`: its words and settings, in one list."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.dockerfile import stages

DEPLOY = Path(__file__).parent.parent.parent / "docs" / "deploy"
COMPOSE = ("compose.yaml", "compose.replicas.yaml")
UNIT = "lessonbank.service"
_OWN = "lessonbank:"


@dataclass(frozen=True, slots=True)
class Start:
    """One way in which a file starts the server: its words and its settings."""

    where: str
    words: Sequence[str]
    settings: Mapping[str, str] = field(default_factory=dict)


def documents(name: str) -> list[dict[str, Any]]:
    """Every document of a YAML file."""
    return [one for one in yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")) if one]


def manifests() -> list[tuple[str, dict[str, Any]]]:
    """Every object of the Kubernetes files but kustomize's own, with its file."""
    files = sorted((DEPLOY / "kubernetes").rglob("*.yaml"))
    names = [str(path.relative_to(DEPLOY)) for path in files if path.stem != "kustomization"]
    return [(name, one) for name in names for one in documents(name)]


def pods() -> list[tuple[str, dict[str, Any]]]:
    """The pod of each workload, with its file."""
    return [
        (name, one["spec"]["template"])
        for name, one in manifests()
        if one["kind"] in ("StatefulSet", "Deployment")
    ]


def services() -> list[tuple[str, dict[str, Any]]]:
    """Every service of our image in the compose files, with its file and name."""
    return [
        (f"{name}: {key}", one)
        for name in COMPOSE
        for key, one in documents(name)[0]["services"].items()
        if one["image"].startswith(_OWN)
    ]


def unit() -> dict[str, list[str]]:
    """The settings of the systemd unit: each name with its values, in order."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / UNIT).read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def starts() -> Iterator[Start]:
    """Every way in which the files start the server."""
    last = stages((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))[-1]
    yield Start("Dockerfile", last.one("CMD").words, last.environment)
    for where, service in services():
        yield Start(where, service["command"], service.get("environment", {}))
    for where, pod in pods():
        for container in pod["spec"]["containers"]:
            given = {one["name"]: one.get("value", "") for one in container["env"]}
            yield Start(where, container["args"], given)
    for name in ("one", "replicas"):
        (custom,) = documents(f"kubernetes/{name}/kustomization.yaml")
        literals = [x for one in custom["configMapGenerator"] for x in one["literals"]]
        given = dict(x.split("=", 1) for x in literals)
        yield Start(f"kubernetes/{name}/kustomization.yaml", ("serve",), given)
    text = (DEPLOY / UNIT).read_text(encoding="utf-8")
    given = dict(one.split("=", 1) for one in unit()["Environment"])
    for number, line in enumerate(re.findall(r"ExecStart=/\S+/lessonbank (.+)", text)):
        yield Start(f"{UNIT} {number}", shlex.split(line), given)
