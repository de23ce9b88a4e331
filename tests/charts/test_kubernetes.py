"""The chart's objects against the API schemas of the Kubernetes versions that it claims."""

import re
from functools import cache

import kubernetes_validate
import kubernetes_validate.utils
import pytest
import yaml

from tests.charts.everything import EVERYTHING
from tests.charts.render import CHART, render_chart, render_files

VERSIONS = ["1.29", "1.32", "1.33", "1.34", "1.35", "1.36"]

SERVICE_OF = {
    # trafficDistribution came with 1.30
    version: EVERYTHING["service"] | ({"trafficDistribution": ""} if version == "1.29" else {})
    for version in VERSIONS
}


@pytest.fixture(autouse=True)
def schemas_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each schema once a test, instead of the largest of them once an object."""
    utils = kubernetes_validate.utils
    monkeypatch.setattr(utils, "schema_contents", cache(utils.schema_contents))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid_without_an_unknown_field(version: str) -> None:
    """Chart tests (ecosystem 4.2): strict schemas, offline."""
    objects = render_chart({**EVERYTHING, "service": SERVICE_OF[version]})

    assert len(objects) == 10
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)


def test_the_default_values_are_valid_too() -> None:
    """Chart tests (ecosystem 4.2)."""
    objects = render_chart()

    assert sorted(each["kind"] for each in objects) == [
        "ClusterRole",
        "ClusterRoleBinding",
        "Deployment",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ]
    for each in objects:
        kubernetes_validate.validate(each, VERSIONS[-1], strict=True)


def test_an_unknown_field_would_be_seen() -> None:
    """A guard is finished when it has been seen to fail."""
    (service,) = render_chart(show_only="service.yaml")
    service["spec"]["sessionAffinty"] = "None"

    with pytest.raises(kubernetes_validate.ValidationError, match="sessionAffinty"):
        kubernetes_validate.validate(service, VERSIONS[-1], strict=True)


def test_the_oldest_version_claimed_is_the_oldest_version_tested() -> None:
    """Chart.yaml's kubeVersion is a promise."""
    claimed = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]

    assert claimed == f">={VERSIONS[0]}.0-0"


def test_no_template_asks_which_version_it_is_rendered_for() -> None:
    """Our choice: one form for every version, so that what is tested is what is installed."""
    for path in (CHART / "templates").iterdir():
        assert ".Capabilities" not in path.read_text()


def test_every_object_of_a_namespace_names_it_and_every_object_is_labelled() -> None:
    """Recommended labels of Kubernetes: name, instance, managed-by."""
    for each in render_chart(EVERYTHING, namespace="dns"):
        if not each["kind"].startswith("ClusterRole"):
            assert each["metadata"]["namespace"] == "dns"
        assert each["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"


def test_no_template_leaves_trailing_blanks() -> None:
    """Readable with `helm template`: what an operator reviews."""
    for path, text in render_files(EVERYTHING).items():
        if path.endswith(".yaml"):
            assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
