"""Image, compose file and manifests: right by their schemas, and as closed as docs/operations.md says."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cyclonedx.schema._res
import jsonschema
import kubernetes_validate
import pytest
import yaml
from referencing import Registry, Resource

from iam_portal import pages
from iam_portal.launchers import keys, probe, sbom
from iam_portal.launchers.portal import ROOT
from tests.support import dockerfile
from tests.support.absence import lacking

DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "compose.yaml"
MANIFESTS = sorted((ROOT / "docs" / "kubernetes").glob("*.yaml"))
UNITS = sorted((ROOT / "docs" / "deployment").glob("*.service"))
OTHERS = ("worker", "beat", "events")
VERSIONS = ("1.30", "1.37")  # the oldest and the newest that we were held against
Object = dict[str, Any]


def objects() -> list[Object]:
    return [found for path in MANIFESTS for found in yaml.safe_load_all(path.read_text())]


def workloads() -> dict[str, Object]:
    kinds = ("Deployment", "Job")
    return {found["metadata"]["name"]: found for found in objects() if found["kind"] in kinds}


def pod(workload: Object) -> Object:
    spec: Object = workload["spec"]["template"]["spec"]
    return spec


def container(workload: Object) -> Object:
    (only,) = pod(workload)["containers"]
    found: Object = only
    return found


def services() -> Object:
    found: Object = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def ours() -> Object:
    return {name: service for name, service in services().items() if service["image"] == "iam-portal"}


def program(name: str) -> str:
    """Of the environment that runs the tests."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or name


# --- by their schemas -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [["hadolint", DOCKERFILE], ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE]],
    ids=["Dockerfile", "compose.yaml"],
)
def test_their_own_checkers_find_nothing(command: list[str | Path]) -> None:
    words = [program(str(command[0])), *command[1:]]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifests_are_right(version: str) -> None:
    for found in objects():
        kubernetes_validate.validate(found, version, strict=True)


# --- the image --------------------------------------------------------------------------------------------


def test_the_build_sees_what_it_copies_and_nothing_secret() -> None:
    admitted = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {
        source
        for stage in dockerfile.stages(DOCKERFILE)
        for step in stage.steps
        if step.verb == "COPY" and "from" not in step.options
        for source in step.words[:-1]
    }

    assert admitted == copied


def test_what_the_image_says_of_a_run_is_said_everywhere() -> None:
    final = dockerfile.stages(DOCKERFILE)[-1]
    user = final.last("USER").rest

    assert {str(pod(found)["securityContext"]["runAsUser"]) for found in workloads().values()} == {
        user.partition(":")[0]
    }
    assert "command" not in container(workloads()["web"])
    assert "command" not in services()["web"]
    for name in OTHERS:
        assert container(workloads()[name])["command"] == services()[name]["command"]


# --- who may do what ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(workloads()))
def test_a_pod_may_do_nothing_but_its_work(name: str) -> None:
    found = workloads()[name]

    assert pod(found)["securityContext"]["runAsNonRoot"] is True
    assert pod(found)["automountServiceAccountToken"] is False
    closed = container(found)["securityContext"]
    assert closed["readOnlyRootFilesystem"] is True
    assert closed["allowPrivilegeEscalation"] is False
    assert closed["capabilities"] == {"drop": ["ALL"]}
    assert container(found)["resources"]["limits"]["memory"]
    for volume in pod(found)["volumes"]:
        assert volume["emptyDir"]["sizeLimit"]


@pytest.mark.parametrize("name", sorted(ours()))
def test_a_service_of_the_compose_file_likewise(name: str) -> None:
    service = ours()[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in service


def test_only_the_migration_is_given_the_owner() -> None:
    given = {
        name
        for name, found in workloads().items()
        if {"secretRef": {"name": "portal-owner"}} in container(found)["envFrom"]
    }

    assert {name.partition("-")[0] for name in given} == {"migrate", "seal"}
    assert [name for name, found in ours().items() if "migrate.env" in found["env_file"]] == ["migrate"]


def test_settings_and_secrets_are_those_that_are_documented() -> None:
    known = set(keys.read(ROOT / "docs" / "production.env.example")) | {
        "PORTAL_DRAINING_FILE",
        "PROMETHEUS_MULTIPROC_DIR",
    }
    given = [
        found.get("data") or found["stringData"]
        for found in objects()
        if found["kind"] in ("ConfigMap", "Secret")
    ]
    named = {name for values in given for name in values}

    assert named <= known
    assert {"SECRET_KEY", "DATABASE_URL", "PORTAL_BASE_URL", "EMAIL_URL"} <= named


def test_every_pod_is_behind_a_policy() -> None:
    policies = {
        found["metadata"]["name"]: found["spec"] for found in objects() if found["kind"] == "NetworkPolicy"
    }

    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert [name for name, spec in policies.items() if spec.get("ingress")] == ["from-proxies"]


# --- how one goes -------------------------------------------------------------------------------------------


def test_what_runs_several_times_keeps_one() -> None:
    budgets = {
        found["spec"]["selector"]["matchLabels"]["part"]: found["spec"]["maxUnavailable"]
        for found in objects()
        if found["kind"] == "PodDisruptionBudget"
    }
    several = {name for name, found in workloads().items() if found["spec"].get("replicas", 1) > 1}

    assert budgets == dict.fromkeys(several, 1)
    assert workloads()["beat"]["spec"]["strategy"] == {"type": "Recreate"}


def test_nobody_is_killed_while_requests_run() -> None:
    """What `preStop` waits, and what the server then gives to requests, ends before Kubernetes kills."""
    web = workloads()["web"]
    before = re.search(r"sleep (\d+)", container(web)["lifecycle"]["preStop"]["exec"]["command"][-1])
    command = dockerfile.stages(DOCKERFILE)[-1].last("CMD").words
    grace = int(command[command.index("--workers-kill-timeout") + 1])

    assert before is not None
    assert int(before[1]) + grace < pod(web)["terminationGracePeriodSeconds"]
    looks = container(web)["readinessProbe"]
    assert looks["failureThreshold"] * looks["periodSeconds"] <= int(before[1])


@pytest.mark.parametrize("kind", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_a_probe_comes_as_a_proxy_does(kind: str) -> None:
    """Else it is redirected to TLS, which a prober takes for health."""
    asked = container(workloads()["web"])[kind]["httpGet"]

    assert {header["name"] for header in asked["httpHeaders"]} == {"Host", "X-Forwarded-Proto"}
    assert asked["path"] == ("/readyz" if kind == "readinessProbe" else "/livez")


def test_a_process_that_is_to_go_says_so(tmp_path: Path) -> None:
    mark = tmp_path / "draining"

    assert not pages.draining("", since=0.0)
    assert not pages.draining(str(mark), since=0.0)
    mark.touch()
    made = mark.stat().st_mtime
    assert pages.draining(str(mark), since=made - 1)
    assert not pages.draining(str(mark), since=made + 1), "it was for the process before"


def test_a_probe_of_nobody_is_a_no() -> None:
    assert probe.answers(1, "/readyz") is False


# --- what it is made of -------------------------------------------------------------------------------------


def test_the_bill_of_materials_is_one() -> None:
    folder = Path(cyclonedx.schema._res.__path__[0])
    schemas = [json.loads(path.read_text()) for path in sorted(folder.glob("*.schema.json"))]
    known = [(schema["$id"], Resource.from_contents(schema)) for schema in schemas if "$id" in schema]
    schema = json.loads((folder / "bom-1.6.SNAPSHOT.schema.json").read_text())
    made = sbom.document()

    jsonschema.Draft7Validator(schema, registry=Registry().with_resources(known)).validate(made)

    names = {component["name"] for component in made["components"]}
    assert {"django", "cryptography", "@tabler/core", "htmx.org"} <= {name.lower() for name in names}
    assert not {"pytest", "axe-core"} & names
    locked = re.findall(r"^\S+==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert len([one for one in made["components"] if one["purl"].startswith("pkg:pypi/")]) == len(locked)
    for component in made["components"]:
        assert component.get("hashes") or component.get("externalReferences"), component["purl"]


# --- on one machine -----------------------------------------------------------------------------------------


def test_the_units_are_right(tmp_path: Path) -> None:
    """By systemd's own check, with programs that are here in the place of the portal's."""
    checker = shutil.which("systemd-analyze") or lacking("systemd-analyze is missing (Debian: systemd).")
    for path in UNITS:
        (tmp_path / path.name).write_text(re.sub(r"=/opt/\S+", "=/bin/true", path.read_text()))

    done = subprocess.run(
        [checker, "verify", *tmp_path.glob("*.service")], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_units_start_what_the_containers_start() -> None:
    started = {path.stem: re.search(r"^ExecStart=\S+/bin/(.*)$", path.read_text(), re.M) for path in UNITS}
    commands = {name: found[1] for name, found in started.items() if found is not None}

    optional = {"iam-portal-tokens": "python manage.py serve_tokens --port 8002 --workers 2"}
    assert set(commands) == {"iam-portal-web@", *optional, *(f"iam-portal-{name}" for name in OTHERS)}
    assert {name: commands[name] for name in optional} == optional
    image = " ".join(dockerfile.stages(DOCKERFILE)[-1].last("CMD").words)
    assert commands["iam-portal-web@"] == image.replace("0.0.0.0", "127.0.0.1").replace("8000", "%i")
    for path in UNITS:
        text = path.read_text()
        for line in (
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "KillMode=mixed",
            "CapabilityBoundingSet=",
        ):
            assert line in text.splitlines(), (path.name, line)
        assert "owner" not in text
