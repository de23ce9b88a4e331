"""A small directory of manifests that each test may edit."""

from pathlib import Path

import pytest

WEB = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.10, ports: [{name: http, port: 80}]}
"""

EXTRA = """\
apiVersion: v1
kind: Service
metadata: {name: extra, namespace: shop}
spec: {clusterIP: 10.96.0.20, ports: [{port: 80}]}
"""


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """Return a directory with one ClusterIP Service, ``web`` in ``shop``."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "web.yaml").write_text(WEB)
    return folder
