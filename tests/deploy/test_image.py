"""The Dockerfile is what the documents say it is; `make image-check` carries it out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from memory_core.version import VERSION
from server.cli.arguments import parser
from server.web.options import DEFAULT_PORT, DoorOptions
from tests.deploy.dockerfile import Stage, stages
from tests.deploy.words import DEPLOY
from tests.server.web.served import Server
from tests.test_repository import pins, project

LONGEST = 100


@pytest.fixture(scope="module")
def build_and_image() -> tuple[Stage, Stage]:
    build, image = stages((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    return build, image


def test_instructions_are_read_as_an_engine_reads_them() -> None:
    text = (
        "# a comment\nFROM a:1 AS one\nARG X=1 Y\n"
        "RUN two \\\n    # inside\n    words\nFROM b:2\n"
        'COPY --from=one /x /y\nHEALTHCHECK --interval=3s CMD ["p", "a b"]\n'
    )
    one, two = stages(text)
    assert (one.base, one.name, two.base, two.name) == ("a:1", "one", "b:2", "")
    assert one.one("ARG").pairs == {"X": "1", "Y": ""}
    assert one.one("RUN").text == "two words"
    assert two.one("COPY").options == {"from": "one"}
    assert two.one("COPY").words == ["/x", "/y"]
    assert two.health == ["p", "a b"]


def test_both_stages_have_the_same_base_with_a_tag(build_and_image: tuple[Stage, Stage]) -> None:
    build, image = build_and_image
    assert build.base == image.base
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", image.base)
    assert image.one("LABEL").pairs["org.opencontainers.image.base.name"].endswith(image.base)


def test_everything_is_installed_at_its_pin(
    build_and_image: tuple[Stage, Stage], repository: Path
) -> None:
    build, image = build_and_image
    installs = [
        one for run in build.all("RUN") for one in run.text.split("&&") if " install " in one
    ]
    assert len(installs) == 2
    assert all("--constraint constraints.txt" in one for one in installs)
    torch = {k: v for one in build.all("ARG") for k, v in one.pairs.items()}["TORCH"]
    assert torch == pins(repository)["torch"]
    assert not [one for one in image.all("RUN") if "pip" in one.text or "apt" in one.text]


def test_the_image_holds_the_product_and_the_context_nothing_else(
    build_and_image: tuple[Stage, Stage], repository: Path
) -> None:
    copied = {source for one in build_and_image[0].all("COPY") for source in one.words[:-1]}
    lines = (repository / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    about = project(repository)
    needed = {"pyproject.toml", "README.md", *about["project"]["license-files"]}
    needed |= set(about["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert copied == allowed == needed | {"constraints.txt"}
    assert "*" in lines
    assert all((repository / name).exists() for name in copied)


def test_the_image_runs_as_a_fixed_user_who_owns_the_store(
    build_and_image: tuple[Stage, Stage],
) -> None:
    image = build_and_image[1]
    user, _, group = image.one("USER").text.partition(":")
    assert int(user) == int(group) >= 10_000
    (volume,) = image.one("VOLUME").words
    assert image.environment["LESSONBANK_STORE"] == volume
    made = image.one("RUN").text
    assert f"--owner={user} --group={group} --mode=0700 {volume}" in made
    assert f"useradd --uid {user} --gid {group}" in made
    names = [one.name for one in image.instructions]
    assert names.index("RUN") < names.index("COPY") < names.index("USER")


def test_no_shell_stands_between_the_engine_and_the_server(
    build_and_image: tuple[Stage, Stage],
) -> None:
    image = build_and_image[1]
    assert image.one("ENTRYPOINT").text == '["lessonbank"]'
    assert image.one("CMD").text.startswith("[")
    assert "CMD [" in image.one("HEALTHCHECK").text
    assert image.one("STOPSIGNAL").text == "SIGTERM"


def test_its_command_is_one_that_the_server_takes(build_and_image: tuple[Stage, Stage]) -> None:
    image = build_and_image[1]
    given = parser("0").parse_args(image.one("CMD").words)
    assert (given.command, given.transport, given.in_process) == ("serve", "http", True)
    assert given.port == DEFAULT_PORT == int(image.one("EXPOSE").text)
    assert DoorOptions(host=given.host, port=given.port).checked().loopback is False


def test_its_labels_are_those_of_the_package(
    build_and_image: tuple[Stage, Stage], repository: Path
) -> None:
    labels = build_and_image[1].one("LABEL").pairs
    about = project(repository)["project"]
    said = {name: labels[f"org.opencontainers.image.{name}"] for name in ("title", "version")}
    assert said == {"title": about["name"], "version": VERSION}
    assert labels["org.opencontainers.image.description"] == about["description"]
    assert labels["org.opencontainers.image.licenses"] == about["license"]


def test_its_health_check_tells_a_server_from_none(
    build_and_image: tuple[Stage, Stage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, *words = build_and_image[1].health
    assert program == "python"
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # of the environment: not for it
    with Server(tmp_path) as server:
        port = server.root.rpartition(":")[2]
        mine = [one.replace(f":{DEFAULT_PORT}/", f":{port}/") for one in words]
        assert mine != words
        assert subprocess.run([sys.executable, *mine], check=False).returncode == 0
    gone = subprocess.run([sys.executable, *mine], capture_output=True, check=False)
    assert gone.returncode == 1
