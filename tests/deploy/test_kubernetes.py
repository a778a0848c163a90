"""The manifests agree with each other, the image and the compose file. No cluster, no schema: what kubectl
checks is not checked here.
"""

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml

from shared.settings import Settings, rows
from tests.deploy.stack import DOCKERFILE, OURS, ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
THINGS = [
    thing
    for name in KUSTOMIZATION["resources"]
    for thing in yaml.safe_load_all((FOLDER / name).read_text("utf-8"))
]
BUDGETS = {
    thing["metadata"]["name"]: thing["spec"] for thing in THINGS if thing["kind"] == "PodDisruptionBudget"
}
WORKLOADS = {
    thing["metadata"]["name"]: thing for thing in THINGS if thing["kind"] in ("Deployment", "StatefulSet")
}
SERVICES = {thing["metadata"]["name"]: thing for thing in THINGS if thing["kind"] == "Service"}
USER = int(re.search(r"^USER (\d+)$", DOCKERFILE.read_text("utf-8"), re.M).group(1))
SETTINGS = dict(line.split("=", 1) for line in (FOLDER / "settings.env").read_text("utf-8").splitlines())


def test_every_file_is_used():
    used = {
        *KUSTOMIZATION["resources"],
        *(env for made in KUSTOMIZATION["configMapGenerator"] for env in made["envs"]),
    }
    assert used | {"kustomization.yaml"} == {path.name for path in FOLDER.iterdir()}


def test_the_services_are_those_of_the_compose_file():
    assert WORKLOADS.keys() == OURS.keys() == SERVICES.keys()
    for name, workload in WORKLOADS.items():
        assert pod_of(workload)["containers"][0]["args"] == OURS[name]["command"][:1], (
            "the compose file alone sends the demo"
        )
    assert next(iter(OURS.values()))["environment"] == SETTINGS


def test_the_settings_exist():
    named = {row.variable: row.name for row in rows()}
    Settings.load(**{named[variable]: value for variable, value in SETTINGS.items()})


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_service_is_probed_and_confined(name):
    pod = pod_of(WORKLOADS[name])
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": Settings().port}
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert probes == {
        kind: {"path": "/readyz" if kind == "readiness" else "/healthz", "port": "http"} for kind in probes
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert pod["enableServiceLinks"] is False  # a Service named scholarstream would set SCHOLARSTREAM_PORT
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == USER
    assert container["resources"]["limits"]["memory"] and container["resources"]["requests"].keys() == {
        "cpu",
        "memory",
        "ephemeral-storage",
    }
    assert pod["terminationGracePeriodSeconds"] > 2 * Settings().shutdown_seconds
    assert container["envFrom"] == [
        {"configMapRef": {"name": made["name"]}} for made in KUSTOMIZATION["configMapGenerator"]
    ]
    assert (
        [container["image"]] == [image["name"] for image in KUSTOMIZATION["images"]] == [OURS[name]["image"]]
    )


@pytest.mark.parametrize("name", WORKLOADS)
def test_what_is_mounted_is_there_and_what_is_written_is_mounted(name):
    spec = WORKLOADS[name]["spec"]
    volumes = [volume["name"] for volume in spec["template"]["spec"]["volumes"]]
    volumes += [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])]
    mounts = {
        mount["name"]: mount["mountPath"]
        for mount in pod_of(WORKLOADS[name])["containers"][0]["volumeMounts"]
    }
    assert sorted(volumes) == sorted(mounts)
    assert {"/tmp", "/data"} <= set(mounts.values())
    written = {volume.split(":")[1] for volume in OURS[name].get("volumes", [])}
    assert written <= set(mounts.values())
    kept = {mounts[claim["metadata"]["name"]] for claim in spec.get("volumeClaimTemplates", [])}
    assert kept == written


@pytest.mark.parametrize("name", WORKLOADS)
def test_selectors_find_their_pods(name):
    spec = WORKLOADS[name]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert SERVICES[name]["spec"]["selector"].items() <= labels.items()
    assert [port["targetPort"] for port in SERVICES[name]["spec"]["ports"]] == ["http"]
    if WORKLOADS[name]["kind"] == "StatefulSet":
        assert spec["serviceName"] in SERVICES


def test_one_producer_sends_a_source():
    assert WORKLOADS["producer"]["spec"]["replicas"] == 1


def test_nothing_sends_the_demo():
    for name, workload in WORKLOADS.items():
        (container,) = pod_of(workload)["containers"]
        said = [
            *container["args"],
            *container.get("command", ()),
            *(str(one.get("value")) for one in container.get("env", ())),
        ]
        assert not [word for word in said if "demo" in word], (
            f"{name} would send papers that are kept for ever"
        )
    assert "demo" not in (FOLDER / "settings.env").read_text("utf-8")


def test_the_image_is_a_release_and_stays_it():
    release = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert [image["newTag"] for image in KUSTOMIZATION["images"]] == [release]
    for workload in WORKLOADS.values():
        (container,) = pod_of(workload)["containers"]
        assert ":" not in container["image"] and container["imagePullPolicy"] == "IfNotPresent"


def test_no_worker_is_without_a_partition():
    settings = Settings.load(
        **{row.name: SETTINGS[row.variable] for row in rows() if row.variable in SETTINGS}
    )
    partitions = {
        "consumer": settings.partitions,
        "scorer": settings.term_partitions,
        "publisher": settings.partitions,
    }
    for name, most in partitions.items():
        assert 1 <= WORKLOADS[name]["spec"]["replicas"] <= most


@pytest.mark.parametrize("name", WORKLOADS)
def test_what_is_written_on_a_node_has_a_bound(name):
    pod = pod_of(WORKLOADS[name])
    sizes = [
        int(re.fullmatch(r"(\d+)Mi", volume["emptyDir"]["sizeLimit"]).group(1))
        for volume in pod["volumes"]
        if "emptyDir" in volume
    ]
    resources = pod["containers"][0]["resources"]
    limit = int(re.fullmatch(r"(\d+)Mi", resources["limits"]["ephemeral-storage"]).group(1))
    assert sizes and sum(sizes) < limit, "log lines need room too"
    assert resources["requests"]["ephemeral-storage"]


def test_a_drained_node_leaves_one_of_several():
    several = {name for name, workload in WORKLOADS.items() if workload["spec"]["replicas"] > 1}
    assert BUDGETS.keys() == several
    for name, budget in BUDGETS.items():
        assert budget["maxUnavailable"] == 1
        assert (
            budget["selector"]["matchLabels"].items()
            <= WORKLOADS[name]["spec"]["template"]["metadata"]["labels"].items()
        )
        (spread,) = pod_of(WORKLOADS[name])["topologySpreadConstraints"]
        assert (
            spread["labelSelector"] == budget["selector"] and spread["whenUnsatisfiable"] == "ScheduleAnyway"
        )


def test_everything_is_in_a_namespace_of_its_own():
    (namespace,) = (thing for thing in THINGS if thing["kind"] == "Namespace")
    assert namespace["metadata"]["name"] == KUSTOMIZATION["namespace"]
    assert not [thing for thing in THINGS if "namespace" in thing["metadata"]]


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not on this machine")
def test_kustomize_makes_what_it_should():
    made = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    things = list(yaml.safe_load_all(made.stdout))
    assert {
        (thing["kind"], thing["metadata"]["name"]) for thing in things if thing["kind"] != "ConfigMap"
    } == {(thing["kind"], thing["metadata"]["name"]) for thing in THINGS}
    (settings,) = (thing for thing in things if thing["kind"] == "ConfigMap")
    assert settings["data"] == SETTINGS
    for thing in things:
        if thing["kind"] in ("Deployment", "StatefulSet"):
            (container,) = pod_of(thing)["containers"]
            assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
            assert container["image"] == f"scholarstream:{KUSTOMIZATION['images'][0]['newTag']}"


def pod_of(workload: dict) -> dict:
    return workload["spec"]["template"]["spec"]
