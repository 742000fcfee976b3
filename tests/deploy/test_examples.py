"""The examples start the server with words and settings that it has, and fence it in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from memory_core.version import VERSION
from server.cli.arguments import parser
from server.ending import LEAVE_SHARED_WITHIN
from server.web.options import DEFAULT_PORT, DoorOptions
from tests.deploy.dockerfile import stages
from tests.deploy.words import (
    DEPLOY,
    UNIT,
    Start,
    documents,
    manifests,
    pods,
    services,
    starts,
    unit,
)
from tests.patience import PATIENCE
from tests.server.web.served import Server

STARTS = list(starts())
EVERY_START = pytest.mark.parametrize("start", STARTS, ids=lambda start: start.where)
EVERY_SERVICE = pytest.mark.parametrize(("where", "service"), services())
EVERY_POD = pytest.mark.parametrize(("where", "pod"), pods())
USER, STORE = 10_001, "/var/lib/lessonbank"


def settings(repository: Path) -> set[str]:
    text = (repository / "memory_core" / "settings.py").read_text(encoding="utf-8")
    return set(re.findall(r"LESSONBANK_[A-Z_]+[A-Z]", text))


# -- what is said to the server ----------------------------------------------------


@EVERY_START
def test_every_word_is_one_that_the_server_takes(start: Start) -> None:
    given = parser("0").parse_args(start.words)
    assert given.command == "serve"
    options = DoorOptions(
        host=given.host or "127.0.0.1", allowed_hosts=tuple(given.allowed_hosts or ())
    )
    assert options.checked().auth


@EVERY_START
def test_every_setting_exists(start: Start, repository: Path) -> None:
    own = {name for name in start.settings if name.startswith("LESSONBANK_")}
    assert own <= settings(repository)


def test_containers_hold_the_memory_themselves_and_units_share_it() -> None:
    for start in STARTS:
        if start.words != ("serve",):
            assert ("--in-process" in start.words) != start.where.startswith(UNIT)


def test_writers_of_a_bucket_are_found_and_all_have_a_folder_for_their_copy() -> None:
    words = [word for start in STARTS for word in start.words]
    allowed = {one.partition("=")[2] for one in words if one.startswith("--allowed-host=")}
    writers = [one for one in STARTS if one.settings.get("LESSONBANK_STORE", "").startswith("s3:")]
    replicas = [one for one in STARTS if any(word.startswith("--follow=") for word in one.words)]
    assert (len(writers), len(replicas)) == (2, 3)
    for writer in writers:
        url = urlsplit(writer.settings["LESSONBANK_ADVERTISE"])
        assert url.hostname in allowed
        assert url.port == DEFAULT_PORT
    for start in (*writers, *replicas):
        assert start.settings["LESSONBANK_WORKDIR"] == STORE


def test_replicas_are_stateless_and_writers_keep_sessions() -> None:
    told = [one for one in STARTS if not one.where.startswith(UNIT) and len(one.words) > 1]
    follows = [any(word.startswith("--follow=") for word in one.words) for one in told]
    assert ["--stateless" in one.words for one in told] == follows
    assert follows.count(True) == 3


def test_all_examples_start_the_image_of_this_version(repository: Path) -> None:
    image = f"lessonbank:{VERSION}"
    used = {service["image"] for _, service in services()}
    used |= {one["image"] for _, pod in pods() for one in pod["spec"]["containers"]}
    told = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert used == {image}
    assert f"-t {image} ." in told


def test_whoever_probes_by_a_name_must_add_the_port(tmp_path: Path) -> None:
    """Why probes send `Host: localhost:8377`: the name alone is refused on plain HTTP."""
    with Server(tmp_path) as server, httpx2.Client(timeout=PATIENCE, trust_env=False) as http:
        for name, status in (("localhost:8377", 200), ("localhost", 421), ("10.1.2.3:8377", 421)):
            answer = http.get(f"{server.root}/healthz", headers={"Host": name})
            assert answer.status_code == status, name


# -- compose -----------------------------------------------------------------------


@EVERY_SERVICE
def test_a_service_is_fenced_in(where: str, service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service["pids_limit"] > 0
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    kept = [one.split(":")[1] for one in service.get("volumes", [])]
    writable = [one.split(":")[0] for one in service["tmpfs"]]
    assert sorted(kept + writable) == ["/tmp", STORE]


@EVERY_SERVICE
def test_a_service_is_healthy_when_it_serves(where: str, service: dict[str, Any]) -> None:
    last = stages((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))[-1]
    asked = ["CMD", *(one.replace("/healthz", "/readyz") for one in last.health)]
    assert service["healthcheck"]["test"] == asked
    build = service["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_every_volume_and_dependency_is_defined() -> None:
    for name in ("compose.yaml", "compose.replicas.yaml"):
        (whole,) = documents(name)
        for one in whole["services"].values():
            named = {volume.split(":")[0] for volume in one.get("volumes", [])}
            assert {volume for volume in named if "/" not in volume} <= set(whole["volumes"])
            assert all((DEPLOY / path).exists() for path in named if path.startswith("./"))
            assert set(one.get("depends_on", ())) <= set(whole["services"])
    (alone,) = documents("compose.yaml")
    assert alone["services"]["lessonbank"]["ports"] == ["127.0.0.1:8377:8377"]


def test_proxies_pass_on_to_what_there_is_and_let_answers_stream() -> None:
    caddy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    (whole,) = documents("compose.replicas.yaml")
    found = re.search(r"reverse_proxy (.+) \{", caddy)
    assert found
    upstream = found.group(1).split()
    replicas = [name for name in whole["services"] if name.startswith("replica")]
    assert upstream == [f"{name}:{DEFAULT_PORT}" for name in replicas]
    assert "flush_interval -1" in caddy
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert f"server 127.0.0.1:{DEFAULT_PORT};" in nginx
    for shut in ("/metrics", "/peer/"):
        assert f"respond {shut}" in caddy
        assert re.search(rf"location (= )?{shut} {{\s+return 404;", nginx)
    for line in ("proxy_buffering off;", "proxy_http_version 1.1;", "proxy_set_header Host $host;"):
        assert line in nginx


# -- Kubernetes --------------------------------------------------------------------


@EVERY_POD
def test_a_pod_is_fenced_in(where: str, pod: dict[str, Any]) -> None:
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["fsGroup"] == USER
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    assert set(mounts) == {STORE, "/tmp"}


@EVERY_POD
def test_probes_ask_what_they_are_for_by_a_host_that_is_let_in(
    where: str, pod: dict[str, Any]
) -> None:
    (container,) = pod["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    asked = {}
    for kind in ("startup", "readiness", "liveness"):
        probe = container[f"{kind}Probe"]["httpGet"]
        asked[kind] = probe["path"]
        assert ports[probe["port"]] == DEFAULT_PORT
        assert probe["httpHeaders"] == [{"name": "Host", "value": f"localhost:{DEFAULT_PORT}"}]
    assert asked == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}


def test_objects_select_pods_that_exist() -> None:
    labels = [pod["metadata"]["labels"] for _, pod in pods()]
    selectors = []
    for _, one in manifests():
        spec = one.get("spec", {})
        if one["kind"] == "Service":
            selectors.append(spec["selector"])
        elif one["kind"] == "NetworkPolicy":
            selectors.append(spec["podSelector"]["matchLabels"])
        elif "selector" in spec:
            selectors.append(spec["selector"]["matchLabels"])
    assert len(selectors) == 8
    for selector in selectors:
        assert any(selector.items() <= one.items() for one in labels), selector


def test_one_writer_keeps_its_volume_and_replicas_keep_nothing() -> None:
    kinds = {one["kind"]: one["spec"] for _, one in manifests() if "spec" in one}
    writer, replica = kinds["StatefulSet"], kinds["Deployment"]
    assert writer["replicas"] == 1
    (claim,) = writer["volumeClaimTemplates"]
    (mounted,) = writer["template"]["spec"]["containers"]
    assert {"name": claim["metadata"]["name"], "mountPath": STORE} in mounted["volumeMounts"]
    assert all("emptyDir" in one for one in replica["template"]["spec"]["volumes"])
    assert "replicas" not in replica  # the autoscaler's
    scaled = kinds["HorizontalPodAutoscaler"]["scaleTargetRef"]["name"]
    assert scaled in {
        one["metadata"]["name"] for _, one in manifests() if one["kind"] == "Deployment"
    }


def test_pods_name_secrets_and_settings_that_the_examples_make() -> None:
    made = {one["metadata"]["name"] for _, one in manifests() if one["kind"] == "Secret"}
    for _, pod in pods():
        (container,) = pod["spec"]["containers"]
        for one in container["env"]:
            secret = one.get("valueFrom", {}).get("secretKeyRef")
            assert secret is None or secret["name"] in made
        for one in container["envFrom"]:
            assert one.get("configMapRef", {}).get("name", "lessonbank") == "lessonbank"
            assert one.get("secretRef", {}).get("name", "lessonbank") in made


def test_kustomizations_list_every_file_beside_them() -> None:
    for name in ("one", "replicas"):
        folder = DEPLOY / "kubernetes" / name
        (custom,) = documents(f"kubernetes/{name}/kustomization.yaml")
        listed = {one for one in custom["resources"] if one.endswith(".yaml")}
        assert listed == {one.name for one in folder.glob("*.yaml")} - {"kustomization.yaml"}


# -- all of them -------------------------------------------------------------------


def test_whoever_stops_a_server_waits_until_a_shared_store_is_closed() -> None:
    """Killed before it, a writer leaves its lease to run out and its last records behind."""
    granted = [int(service["stop_grace_period"].removesuffix("s")) for _, service in services()]
    granted += [pod["spec"]["terminationGracePeriodSeconds"] for _, pod in pods()]
    granted.append(int(unit()["TimeoutStopSec"][0]))
    assert min(granted) > LEAVE_SHARED_WITHIN


# -- systemd -----------------------------------------------------------------------


def test_the_unit_ends_with_the_server_and_is_fenced_in() -> None:
    found = unit()
    assert found["Type"] == ["exec"]
    assert found["Restart"] == ["on-failure"]
    assert found["StateDirectory"] == ["lessonbank"]
    assert found["Environment"] == [f"LESSONBANK_STORE={STORE}"]
    assert found["ProtectSystem"] == ["strict"]
    assert found["CapabilityBoundingSet"] == [""]
    assert found["SystemCallFilter"] == ["@system-service"]
    yes = ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces")
    assert all(found[name] == ["yes"] for name in yes)
    assert int(found["TimeoutStopSec"][0]) > 25  # a host is gone by then in any case
