"""The text of the metrics page; what stands on it, ``test_exposition.py`` and others say."""

import subprocess
import sys

from kubedns_py.admin.rendering import Collector, Renderer
from tests.admin.numbers import some_sources


def test_both_formats_come_from_the_same_numbers() -> None:
    """Ecosystem 3.2: text/plain and OpenMetrics; the suffixes and the end are the formats' own."""
    renderer = Renderer(some_sources())
    plain, openmetrics = renderer.plain().decode(), renderer.openmetrics().decode()

    name = "kubedns_panics_total 0.0\n"
    assert name in plain
    assert name in openmetrics
    assert "# TYPE kubedns_panics_total counter\n" in plain
    assert "# TYPE kubedns_panics counter\n" in openmetrics
    assert openmetrics.endswith("# EOF\n")


def test_every_family_has_our_prefix() -> None:
    """Behaviour 2.2.4: CoreDNS's names with the prefix of our own."""
    names = [family.name for family in Collector(some_sources()).collect()]

    assert names
    assert [name for name in names if not name.startswith("kubedns_")] == []


def test_the_start_does_not_wait_for_the_library() -> None:
    """Issue 4, scale: imports are kept lean; the libraries are needed with the first page."""
    code = (
        "import sys; import kubedns_py.admin.http;"
        "print([name for name in sys.modules if name.startswith(('prometheus', 'aiohttp'))])"
    )
    found = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert found.stdout.strip() == "[]"
