"""docs/operations.md and the alert rules speak of what the server really has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.deploy.words import DEPLOY
from tests.memory_core.store.remote.bucket import new_url, variables
from tests.server.web.served import Server

SUFFIXES = ("_bucket", "_sum", "_count", "_total")


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory, s3_port: int) -> set[str]:
    """Names of all families and samples of the server of a shared store that was called once."""
    folder, token = tmp_path_factory.mktemp("exposed"), "the-owner-of-this-server"
    with Server(
        folder,
        LESSONBANK_STORE=new_url(),
        LESSONBANK_WORKDIR=str(folder / "copy"),
        LESSONBANK_TOKEN=token,
        **variables(s3_port),  # type: ignore[arg-type]
    ) as server:
        assert server.call(token, "remember", title="A lesson", content="Some text of it.")[0]
        text = server.metrics(token)
    return set(re.findall(r"^(?:# TYPE )?([a-z_]+)(?:\{| )", text, re.MULTILINE))


def expressions() -> dict[str, str]:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return {one["alert"]: one["expr"] for one in group["rules"]}


def test_every_alert_is_made_of_metrics_that_are_exposed(exposed: set[str]) -> None:
    for alert, expression in expressions().items():
        named = set(re.findall(r"lessonbank_[a-z_]+", expression))
        assert named <= exposed, alert
        assert named or "up{" in expression, alert


def test_every_alert_says_what_it_means_and_how_long_it_waits() -> None:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    assert len(group["rules"]) == len(expressions())
    for rule in group["rules"]:
        assert re.fullmatch(r"\d+[mhd]", rule["for"])
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"]


def test_labels_in_alerts_have_values_that_the_server_gives(exposed: set[str]) -> None:
    text = "\n".join(expressions().values())
    assert set(re.findall(r'result="(\w+)"', text)) <= {"ok", "refused", "failed"}
    assert set(re.findall(r'tool="(\w+)"', text)) <= {"recall"}
    assert set(re.findall(r'status="(\d+)"', text)) <= {"401", "429"}
    assert set(re.findall(r'role="(\w+)"', text)) <= {"writer", "follower"}


def test_the_page_names_every_metric_and_alert_and_no_other(
    exposed: set[str], repository: Path
) -> None:
    page = (repository / "docs" / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(lessonbank_[a-z_]+)", page))
    families = {re.sub(f"({'|'.join(SUFFIXES)})$", "", name) for name in exposed}
    told = {re.sub(f"({'|'.join(SUFFIXES)})$", "", name) for name in named}
    assert told == families
    assert set(re.findall(r"`(Lessonbank[A-Za-z]+)`", page)) == set(expressions())


def test_every_command_of_the_page_exists(repository: Path) -> None:
    page = (repository / "docs" / "operations.md").read_text(encoding="utf-8")
    modules = set(re.findall(r"`python -m (benchmarks[a-z_.]*)", page))
    assert modules
    for name in modules:
        path = repository / name.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), name
