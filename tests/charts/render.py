"""The chart, rendered: what ``helm template`` would print, as objects.

Rules of this file: no cluster and no network; the chart is read anew for each call, so a test sees
what stands in the folder now. Helm's own engine does the work: its Python binding where that
exists, otherwise a ``helm`` on PATH. What it prints is read with libyaml's loader where PyYAML has
it, which is several times as fast.
"""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "charts" / "kubedns-py"

RELEASE = "kubedns-py"
NAMESPACE = "kube-system"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RenderError(Exception):
    """Helm refused the values or a template failed. The text is Helm's."""


def render_chart(
    values: Mapping[str, Any] | None = None,
    *,
    show_only: str = "",
    release: str = RELEASE,
    namespace: str = NAMESPACE,
) -> list[dict[str, Any]]:
    """Return the objects of the chart, in the order of the file names.

    Args:
        values: what the user sets, over ``values.yaml``.
        show_only: the name of one template, such as ``service.yaml``; empty for all.
        release: its name.
        namespace: where it is installed.

    Raises:
        RenderError: when Helm refuses.
    """
    files = render_files(values, release=release, namespace=namespace)
    texts = [
        text
        for name, text in sorted(files.items())
        if name.endswith(".yaml") and (not show_only or name.endswith(f"/{show_only}"))
    ]
    return [each for text in texts for each in yaml.load_all(text, _LOADER) if each is not None]


def render_files(
    values: Mapping[str, Any] | None = None,
    *,
    release: str = RELEASE,
    namespace: str = NAMESPACE,
) -> dict[str, str]:
    """Return what each template renders to, by its path; with the binding also ``NOTES.txt``."""
    given = dict(values or {})
    if importlib.util.find_spec("helm_python") is not None:
        return _by_binding(given, release, namespace)
    return _by_program(given, release, namespace)


def _by_binding(values: dict[str, Any], release: str, namespace: str) -> dict[str, str]:
    import helm_python  # noqa: PLC0415 - its wheel exists for Linux on x86-64 only

    try:
        with helm_python.Chart.load(CHART) as chart:
            rendered: dict[str, str] = chart.render(values, name=release, namespace=namespace)
    except helm_python.HelmError as error:
        raise RenderError(str(error)) from None
    return rendered


def _by_program(values: dict[str, Any], release: str, namespace: str) -> dict[str, str]:
    helm = shutil.which("helm")
    assert helm is not None, "the chart's tests need helm on PATH on this platform: install Helm"
    command = [helm, "template", release, str(CHART), "--namespace", namespace, "--values", "-"]
    done = subprocess.run(  # noqa: S603 - our own words
        command, input=json.dumps(values), capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode != 0:
        raise RenderError(done.stderr)
    files: dict[str, str] = {}
    for document in done.stdout.split("---\n# Source: ")[1:]:
        name, _, text = document.partition("\n")
        files[name] = f"{files[name]}---\n{text}" if name in files else text
    return files


def one(values: Mapping[str, Any] | None, kind: str) -> dict[str, Any]:
    """Return the only object of ``kind`` that the chart renders."""
    (found,) = [each for each in render_chart(values) if each["kind"] == kind]
    return found


def pod_spec(values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the spec of the Deployment's pods."""
    spec: dict[str, Any] = one(values, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the only container of the Deployment's pods."""
    (only,) = pod_spec(values)["containers"]
    made: dict[str, Any] = only
    return made
